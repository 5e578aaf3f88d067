//! `/templates`: what is made for those who publish below a prefix, as configured.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::error::ApiError;
use super::list::ListQuery;
use super::streams::egress;
use super::{ApiState, body, precondition};
use crate::settings::{Edit, Loaded};

const COLLECTION: &str = "templates";
const KEY: &str = "name";

/// All templates.
pub(super) async fn list(
    state: web::Data<ApiState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = ListQuery::parse(COLLECTION, request.query_string())?;
    let templates: Vec<Value> = state.keeper.current().items(COLLECTION);
    let item = |template: &&Value| Some((*template).clone());
    let answer = query.answer(COLLECTION, &templates, |template| name_of(template), item);
    Ok(HttpResponse::Ok().json(answer))
}

/// One template.
pub(super) async fn show(
    state: web::Data<ApiState>,
    name: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    answer(&state, &state.keeper.current(), &name)
}

/// Creates or changes one; the streams made from it follow.
pub(super) async fn put(
    state: web::Data<ApiState>,
    name: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let patch = body::read_object(&request, payload, state.body_limits()).await?;
    egress::check(&state.keeper.current(), &name, &patch)?;
    let edit = Edit::Put { collection: COLLECTION.to_owned(), name: name.clone(), patch };
    let settings = state.keeper.change(edit, precondition::of(&request)).await?;
    answer(&state, &settings, &name)
}

/// Removes one, and the streams made from it.
pub(super) async fn delete(
    state: web::Data<ApiState>,
    name: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let edit = Edit::Delete { collection: COLLECTION.to_owned(), name: name.into_inner() };
    state.keeper.change(edit, precondition::of(&request)).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn answer(state: &ApiState, settings: &Loaded, name: &str) -> Result<HttpResponse, ApiError> {
    let Some(template) = settings.item(COLLECTION, name) else {
        let title = format!("there is no template `{name}`");
        return Err(ApiError::not_found("template_not_found", title));
    };
    let mut response = HttpResponse::Ok();
    if let Some(tag) = state.keeper.tag(settings, COLLECTION, name) {
        response.insert_header(precondition::etag(&tag));
    }
    Ok(response.json(template))
}

fn name_of(template: &Value) -> &str {
    template.get(KEY).and_then(Value::as_str).unwrap_or_default()
}
