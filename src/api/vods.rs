//! `/vods`: the collections of files, as configured and as they are played, and what is in their
//! folders.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use watershed_actors::vod::{EntryKind, FolderEntry, FolderError};

use super::ApiState;
use super::address::{Address, READ};
use super::collection::{self, Collection};
use super::error::ApiError;
use super::list::{self, ListQuery};
use super::openapi::{About, Schema};
use crate::settings::{self, Shape};

/// The collection of that name.
pub(super) struct Vods;

impl Collection for Vods {
    const NAME: &'static str = "vods";
    const KEY: &'static str = "prefix";
    const ITEM: &'static str = "Vod";

    fn shown(state: &ApiState, name: &str, configured: Option<Value>) -> Option<Value> {
        Some(with_stats(configured?, state.vods.get(name).map(|vod| vod.viewers().count())))
    }

    fn blank() -> Value {
        with_stats(settings::blank_item(Self::NAME), None)
    }

    fn schema() -> Schema {
        let mut vod = Shape::Shown.item(Self::NAME);
        let clients =
            json!({"type": ["integer", "null"], "description": "who play its files here"});
        vod["properties"]["stats"] =
            json!({"type": "object", "properties": {"online_clients": clients}});
        Schema::of(vod)
    }

    fn not_found(name: &str) -> ApiError {
        ApiError::not_found("vod_not_found", format!("there is no vod `{name}`"))
    }
}

/// Their addresses.
pub(super) fn addresses() -> Vec<Address> {
    let mut all = Vec::from(collection::addresses::<Vods>("/vods", "/vods/{prefix}"));
    all.push(Address::guarded("/vods/{prefix}/files").on(READ, web::to(files), about_files));
    all
}

fn about_files() -> About {
    let entry = Schema::named(
        "FolderEntry",
        json!({"type": "object", "properties": {
            "name": {"type": "string"},
            "kind": {"type": "string", "enum": ["file", "directory"]},
            "bytes": {"type": ["integer", "null"]},
            "mtime": {"type": ["integer", "null"], "description": "unix seconds"},
            "stream": {"type": ["string", "null"], "description": "the name it is played by"},
        }}),
    );
    let path = json!({"type": "string"});
    let about = About::new("What is in one folder of a collection, of all its storages together")
        .query("path", "the folder below the storages", path)
        .refuses(&[404]);
    list::described(about, "files", &entry, &shown(&FolderEntry::default()))
}

fn with_stats(mut vod: Value, online_clients: Option<u32>) -> Value {
    vod["stats"] = json!({ "online_clients": online_clients });
    vod
}

/// What is in one folder of a collection: `?path=FOLDER` below its storages, all of them together.
async fn files(
    state: web::Data<ApiState>,
    prefix: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (folder, rest) = folder_of(request.query_string());
    let query = ListQuery::parse("files", &shown(&FolderEntry::default()), &rest)?;
    let vod = state.vods.get(&prefix).ok_or_else(|| Vods::not_found(&prefix))?;
    // A folder on a slow disk takes a while: not on a worker.
    let answer = web::block(move || {
        let entries = state.vods.list(&vod, &folder)?;
        Ok(query.answer("files", &entries, |entry| &entry.name, |entry| Some(shown(entry))))
    });
    let answer: Result<Value, FolderError> =
        answer.await.map_err(|_| ApiError::internal("the list broke off"))?;
    let answer = answer.map_err(|error| match error {
        FolderError::NotFound => ApiError::not_found("folder_not_found", error.to_string()),
        FolderError::TooMany { .. } => {
            ApiError::bad_request("folder_too_large", error.to_string()).in_query("path")
        }
    })?;
    let no_store = (header::CACHE_CONTROL, "no-store");
    Ok(HttpResponse::Ok().insert_header(no_store).json(answer))
}

/// The folder that a query string names, and what else is in it.
fn folder_of(query: &str) -> (String, String) {
    let mut folder = String::new();
    let mut rest = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "path" => folder = value.into_owned(),
            _ => {
                rest.append_pair(&name, &value);
            }
        }
    }
    (folder, rest.finish())
}

fn shown(entry: &FolderEntry) -> Value {
    let kind = match entry.kind {
        EntryKind::File => "file",
        EntryKind::Directory => "directory",
    };
    json!({
        "name": entry.name,
        "kind": kind,
        "bytes": entry.bytes,
        "mtime": entry.mtime,
        "stream": entry.stream,
    })
}
