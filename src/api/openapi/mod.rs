//! `/openapi.json`: the whole API as one OpenAPI 3.1 document, for people, generators and tests.
//!
//! ```text
//! addresses (routes, and what is said of them) ─┐
//! settings: the table of words ▸ schemas ───────┼─▶ document, made once ─▶ GET, with its ETag
//! types that are serialised ▸ utoipa ───────────┘
//! ```
//! Source: OpenAPI Specification 3.1.1.

mod about;
mod schema;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use watershed_actors::stream_directory::NodeIdentity;

pub(super) use about::{About, JSON};
pub(super) use schema::Schema;

use super::address::{Address, READ};
use super::auth;
use super::error;
use super::{ApiState, BASES, PARTS, Part};

/// Refusals by status: what they mean, and the header that they carry.
const REFUSALS: [(u16, &str, Option<&str>); 12] = [
    (400, "the request makes no sense, or would make no valid configuration", None),
    (401, "a login and a password are needed, or are wrong", Some("WWW-Authenticate")),
    (403, "not for this user, from this place, or by this API", None),
    (404, "there is no such thing", None),
    (408, "the body did not come in time", None),
    (409, "not in the state that things are in", None),
    (412, "changed meanwhile: read it again", None),
    (413, "the body is too large", None),
    (429, "too many wrong passwords", Some("Retry-After")),
    (500, "this node's fault; its log knows more", None),
    (503, "not now", Some("Retry-After")),
    (507, "no space is left for the config file", None),
];

const DESCRIPTION: &str = "\
Everything that an operator can see and do. Any node shows the whole cluster; writes are for the \
node that is asked, and go into its config file.

**Lists** answer `{\"<collection>\": […], \"estimated_count\": N, \"next\": cursor, \"prev\": \
cursor}`. `limit` and `cursor` choose the page, `sort` the order, `select` the fields, `q` looks \
in all texts. Any field is a filter: `field=a,b`, and with a suffix `_ne`, `_gt`, `_gte`, `_lt`, \
`_lte`, `_like`, `_is=null`, `_is_not=null`; fields of fields are dotted.

**PUT** creates or updates in part: `null` removes a field, `\"$reset\": true` drops all that are \
not given. What can be edited carries an `ETag`; a write with an older one in `If-Match` is \
answered 412. Fields that are not known are ignored. Secrets read `***`, which keeps them when it \
is sent back.

**Errors** are `{\"error\": class, \"errors\": [{\"status\", \"code\", \"title\", \"source\"}]}`; \
`source.pointer` names the place in the body (RFC 6901), `source.parameter` the one in the query. \
A rejected configuration adds `path`, `line`, `col` and `detail`. Methods that an address does not \
know are answered 405 with `Allow`. Each answer names its request in `X-Request-Id`, as a proxy in \
front has named it if it did; what went wrong here, and refused writes, are in the log by that name.

**Who may**: `edit_auth` all, `view_auth` what changes nothing. While neither is set, this machine \
alone may ask (403 `auth_not_configured` to others). A browser signs in at `/session`; its writes \
by cookie carry the token that it got there.

Names in paths are one segment: `/` is written `%2F`. A stream is found by its plain name, too, as \
some proxies hand it on.";

/// The document of a node, made when it is first asked for.
#[derive(Debug, Default)]
pub struct OpenApi {
    made: OnceLock<Made>,
}

#[derive(Debug)]
struct Made {
    json: Bytes,
    tag: String,
}

/// The document's own address.
pub(super) fn address() -> Address {
    let any = || Schema::of(json!({"type": "object", "required": ["openapi", "paths"]}));
    let about = move || {
        About::new("This document")
            .json(200, "OpenAPI 3.1", any())
            .empty(304, "it is the one that `If-None-Match` names")
            .with("ETag", "names this document")
            .parameter(
                json!({"name": "If-None-Match", "in": "header", "description": "its `ETag`"}),
                json!({"type": "string"}),
            )
    };
    Address::guarded("/openapi.json").on(READ, web::to(show), about)
}

async fn show(state: web::Data<ApiState>, request: HttpRequest) -> HttpResponse {
    let made = state.document.made.get_or_init(|| Made::new(&document(&state.identity)));
    let known = request.headers().get(header::IF_NONE_MATCH);
    let is_known = known.is_some_and(|known| known.as_bytes() == made.tag.as_bytes());
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, made.tag.as_str()))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"));
    if is_known {
        return response.finish();
    }
    response.content_type(JSON).body(made.json.clone())
}

impl Made {
    fn new(document: &Value) -> Self {
        let json = Bytes::from(document.to_string());
        let hash = hex::encode(Sha256::digest(&json));
        Self { tag: format!("\"{}\"", hash.get(..16).unwrap_or_default()), json }
    }
}

/// The whole document.
pub(super) fn document(node: &NodeIdentity) -> Value {
    let mut schemas = BTreeMap::new();
    let mut paths = Map::new();
    for part in &PARTS {
        for address in (part.addresses)() {
            let (path, item) = path_item(part, &address, &mut schemas);
            paths.insert(path, item);
        }
    }
    let error = Schema::of_type::<error::Body<'_>>();
    schemas.extend(error.components.iter().cloned());
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Watershed",
            "version": node.version,
            "description": DESCRIPTION,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [
            {"url": BASES[0]},
            {"url": BASES[1], "description": "the same, for older scripts"},
        ],
        "security": [{"basic": []}, {"bearer": []}, {"cookie": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": refusals(&error.shown),
            "securitySchemes": security_schemes(node),
        },
    })
}

fn security_schemes(node: &NodeIdentity) -> Value {
    let cookie = auth::cookie_name(node.id, false);
    json!({
        "basic": {"type": "http", "scheme": "basic"},
        "bearer": {"type": "http", "scheme": "bearer", "description": "base64(user:password)"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": cookie},
        "token": {
            "type": "apiKey",
            "in": "header",
            "name": auth::TOKEN,
            "description": "the `csrf_token` of GET /session",
        },
        "peer": {
            "type": "http",
            "scheme": "Cluster-V1",
            "description": "a signature by the cluster's key",
        },
    })
}

/// What is at one address. A path is known once; those of other bases begin with the last part of
/// theirs.
fn path_item(
    part: &Part,
    address: &Address,
    schemas: &mut BTreeMap<String, Value>,
) -> (String, Value) {
    let template = address.template();
    let mut item = Map::new();
    let (path, tag) = match part.bases {
        [base] => {
            let (server, last) = base.rsplit_once('/').unwrap_or_default();
            let url = if server.is_empty() { "/" } else { server };
            item.insert("servers".to_owned(), json!([{"url": url}]));
            let last = if last.is_empty() { last.to_owned() } else { format!("/{last}") };
            (format!("{last}{template}"), "older scripts")
        }
        _ => (template.clone(), template.split('/').nth(1).unwrap_or_default()),
    };
    let parameters: Vec<Value> = template
        .split('{')
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| {
            let schema = json!({"type": "string", "minLength": 1});
            json!({"name": name, "in": "path", "required": true, "schema": schema})
        })
        .collect();
    if !parameters.is_empty() {
        item.insert("parameters".to_owned(), json!(parameters));
    }
    for (method, about) in address.operations() {
        let name = method.as_str().to_ascii_lowercase();
        let mut operation = about.operation(!method.is_safe(), *method != Method::HEAD, schemas);
        operation.insert("operationId".to_owned(), json!(identifier(&name, &path)));
        operation.insert("tags".to_owned(), json!([tag]));
        item.insert(name, Value::Object(operation));
    }
    (path, Value::Object(item))
}

/// `get_streams_name` for GET of `/streams/{name}`.
fn identifier(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    [method].into_iter().chain(words).collect::<Vec<_>>().join("_")
}

/// Each refusal, and the same to HEAD.
fn refusals(error: &Value) -> Map<String, Value> {
    let mut responses = Map::new();
    for (status, description, header) in REFUSALS {
        let mut response = json!({"description": description});
        if let Some(header) = header {
            response["headers"] = json!({ header: {"schema": {"type": "string"}} });
        }
        responses.insert(format!("Bare{status}"), response.clone());
        response["content"] = json!({ JSON: {"schema": error} });
        responses.insert(status.to_string(), response);
    }
    responses
}
