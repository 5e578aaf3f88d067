//! What the configured collections have in common: a list, and items that are shown, written with
//! PUT and removed with DELETE, each guarded by its `ETag`.
//!
//! ```text
//! GET     settings in force ─▶ shown ─▶ answer with ETag
//! PUT     body ▸ keeper (If-Match, validate, write back, apply) ─▶ the same answer
//! DELETE  keeper (the same) ─▶ 204
//! ```
//!
//! A collection is a description; its name and the field that names its items are the settings'.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Route, web};
use serde_json::{Value, json};

use super::address::{Address, DELETE, PUT, READ};
use super::error::ApiError;
use super::list::{self, ListQuery};
use super::openapi::{About, JSON, Schema};
use super::{ApiState, body, precondition};
use crate::settings::{self, ChangeError, Edit, KeepError, Loaded, Shape};

/// One collection of the settings, such as `/cluster/peers`.
pub(super) trait Collection: 'static {
    /// The list's field, in the settings and in answers.
    const NAME: &'static str;
    /// The field that names an item.
    const KEY: &'static str;
    /// What the document calls an item.
    const ITEM: &'static str;
    /// What the document says of showing one, beyond what holds for all collections.
    const ITEM_DETAILS: &'static str = "";

    /// The item of that name as it is shown; `configured` is what the settings say of it.
    fn shown(state: &ApiState, name: &str, configured: Option<Value>) -> Option<Value>;

    /// An item that is nothing but its fields: all that one can have.
    fn blank() -> Value {
        settings::blank_item(Self::NAME)
    }

    /// What [`Collection::shown`] answers.
    fn schema() -> Schema {
        Schema::of(Shape::Shown.item(Self::NAME))
    }

    /// The refusal for a name that is none.
    fn not_found(name: &str) -> ApiError;

    /// The refusal to show an item that is not there, where more can be said.
    fn absent(_state: &ApiState, name: &str) -> ApiError {
        Self::not_found(name)
    }

    /// Looks at the name of an item that is to be written.
    ///
    /// Errors: 400 for one that no item can have; the settings refuse others with a place.
    fn check_name(_name: &str) -> Result<(), ApiError> {
        Ok(())
    }

    /// One page of the list.
    fn page(state: &ApiState, query: &ListQuery) -> Value {
        let items = state.keeper.current().items(Self::NAME);
        let shown = |item: &&Value| Self::shown(state, Self::name_of(item), Some((*item).clone()));
        query.answer(Self::NAME, &items, |item| Self::name_of(item), shown)
    }

    /// The name of an item.
    fn name_of(item: &Value) -> &str {
        item.get(Self::KEY).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Its list, and its items.
pub(super) fn addresses<C: Collection>(list: &'static str, item: &'static str) -> [Address; 2] {
    addresses_with_delete::<C>(list, item, web::to(delete::<C>))
}

/// The same for a collection that answers DELETE by itself.
pub(super) fn addresses_with_delete<C: Collection>(
    list: &'static str,
    item: &'static str,
    delete: Route,
) -> [Address; 2] {
    [
        Address::guarded(list).on(READ, web::to(answer_list::<C>), about_page::<C>),
        Address::guarded(item)
            .on(READ, web::to(show::<C>), about_item::<C>)
            .on(PUT, web::to(put::<C>), about_put::<C>)
            .on(DELETE, delete, about_delete::<C>),
    ]
}

const TAGGED: &str = "of the settings, not of the numbers beside them";

fn about_page<C: Collection>() -> About {
    let about = About::new(format!("One page of the {}", C::NAME));
    list::described(about, C::NAME, &schema::<C>(), &C::blank())
}

fn about_item<C: Collection>() -> About {
    About::new(format!("One {}", noun::<C>()))
        .details(C::ITEM_DETAILS)
        .json(200, "as configured, and as it is doing", named::<C>())
        .with("ETag", TAGGED)
        .refuses(&[404])
}

fn about_put<C: Collection>() -> About {
    let change = Schema::named(&format!("{}Change", C::ITEM), Shape::Sent.item(C::NAME));
    About::new(format!("Creates a {}, or changes the fields that are given", noun::<C>()))
        .takes([(JSON, change)])
        .json(200, "written, in force and shown", named::<C>())
        .with("ETag", TAGGED)
        .refuses(&[404])
        .changes_settings()
}

fn about_delete<C: Collection>() -> About {
    About::new(format!("Removes a {}", noun::<C>()))
        .empty(204, "it is gone")
        .refuses(&[404])
        .changes_settings()
}

/// An item's word within a sentence.
fn noun<C: Collection>() -> String {
    C::ITEM.to_lowercase()
}

/// One item: it has at least its name.
fn named<C: Collection>() -> Schema {
    schema::<C>().map(|item| json!({"allOf": [item], "required": [C::KEY]}))
}

/// The shape of an item with all its fields; one that nobody has described may hold anything. None
/// is required: a list may select others.
fn schema<C: Collection>() -> Schema {
    let complete = |mut shape: Value| {
        complete(&mut shape, &C::blank());
        if let Some(shape) = shape.as_object_mut() {
            shape.remove("required");
        }
        shape
    };
    C::schema().map(complete).call(C::ITEM)
}

/// Adds the fields that `blank` has and `shape` lacks.
fn complete(shape: &mut Value, blank: &Value) {
    let Some(Value::Object(properties)) = shape.get_mut("properties") else {
        return;
    };
    for (name, inner) in blank.as_object().into_iter().flatten() {
        complete(properties.entry(name).or_insert(json!({})), inner);
    }
}

async fn answer_list<C: Collection>(
    state: web::Data<ApiState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = ListQuery::parse(C::NAME, &C::blank(), request.query_string())?;
    // A directory of 200,000 streams takes a while: not on a worker that redirects players.
    let json = web::block(move || serde_json::to_vec(&C::page(&state, &query)));
    let json = json.await.ok().and_then(Result::ok);
    let json = json.ok_or_else(|| ApiError::internal("the list broke off"))?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(json))
}

async fn show<C: Collection>(
    state: web::Data<ApiState>,
    name: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    answer::<C>(&state, &state.keeper.current(), &name)
}

async fn put<C: Collection>(
    state: web::Data<ApiState>,
    name: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    C::check_name(&name)?;
    let patch = body::read_object(&request, payload, state.body_limits()).await?;
    let edit = Edit::Put { collection: C::NAME.to_owned(), name: name.clone(), patch };
    let settings = state.keeper.change(edit, precondition::of(&request)).await?;
    answer::<C>(&state, &settings, &name)
}

/// Removes an item from the settings.
pub(super) async fn delete<C: Collection>(
    state: web::Data<ApiState>,
    name: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let edit = Edit::Delete { collection: C::NAME.to_owned(), name: name.clone() };
    match state.keeper.change(edit, precondition::of(&request)).await {
        Ok(_) => Ok(HttpResponse::NoContent().finish()),
        Err(KeepError::Change(ChangeError::NotFound { .. })) => Err(C::not_found(&name)),
        Err(error) => Err(error.into()),
    }
}

fn answer<C: Collection>(
    state: &ApiState,
    settings: &Loaded,
    name: &str,
) -> Result<HttpResponse, ApiError> {
    let configured = settings.item(C::NAME, name);
    let shown = C::shown(state, name, configured).ok_or_else(|| C::absent(state, name))?;
    let mut response = HttpResponse::Ok();
    if let Some(tag) = state.keeper.tag(settings, C::NAME, name) {
        response.insert_header(precondition::etag(&tag));
    }
    Ok(response.json(shown))
}
