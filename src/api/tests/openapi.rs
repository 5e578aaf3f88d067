//! The document, and that the API is no more and no less than it says.

use std::collections::BTreeSet;

use super::golden::assert_same;
use super::*;

/// Those of the table in RFC 9110 §9.1 that a client may try.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::PUT,
    Method::POST,
    Method::DELETE,
    Method::PATCH,
    Method::OPTIONS,
];

fn document() -> Value {
    let (hostname, version) = ("north".parse().unwrap(), "0.1.0".to_owned());
    crate::api::openapi::document(&NodeIdentity { id: node(), hostname, version })
}

/// Every path with its bases and methods.
fn described(document: &Value) -> Vec<(String, Vec<String>, BTreeSet<String>)> {
    let urls = |servers: &Value| -> Vec<String> {
        let servers = servers.as_array().unwrap().iter();
        servers.map(|server| server["url"].as_str().unwrap().to_owned()).collect()
    };
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().map(|(path, item)| {
        let own = item.get("servers").unwrap_or(&document["servers"]);
        let is_method = |name: &&String| METHODS.iter().any(|m| m.as_str() == name.to_uppercase());
        let methods = item.as_object().unwrap().keys().filter(is_method);
        (path.clone(), urls(own), methods.map(|method| method.to_uppercase()).collect())
    });
    each.collect()
}

/// All values under the name `key`, at any depth.
fn under<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(key));
            fields.values().for_each(|inner| under(inner, key, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| under(inner, key, found)),
        _ => {}
    }
}

/// A change of the API is a change of this file, which reviewers and makers of clients can read.
///
/// `BLESS=1 cargo test -p watershed openapi` writes it anew.
#[test]
fn document_is_the_one_that_is_published() {
    assert_same("docs/openapi.json", &format!("{:#}\n", document()));
}

#[actix_web::test]
async fn every_method_of_every_address_is_known_as_documented() {
    let bench = Bench::new(FILE);
    let mut count = 0;
    for (path, bases, methods) in described(&document()) {
        for base in bases {
            let address = format!("{}{}", base.trim_end_matches('/'), path.replace(['{', '}'], ""));
            for method in METHODS {
                let asked = TestRequest::default()
                    .method(method.clone())
                    .uri(&address)
                    .peer_addr(SocketAddr::from(([127, 0, 0, 1], 40_000)))
                    .insert_header((header::HOST, "localhost"));
                let answer = bench.send(asked).await;
                let status = answer.status();
                let is_described = methods.contains(method.as_str());
                assert_eq!(
                    status != StatusCode::METHOD_NOT_ALLOWED,
                    is_described,
                    "{method} {address}: {status}"
                );
                if !is_described {
                    let allow = answer.headers().get(header::ALLOW).unwrap().to_str().unwrap();
                    let allow: BTreeSet<String> = allow.split(", ").map(str::to_owned).collect();
                    assert_eq!(allow, methods, "{address}");
                }
                count += 1;
            }
        }
    }
    assert!(count > 300, "{count}");
}

#[actix_web::test]
async fn answers_have_documented_statuses() {
    let bench = Bench::new(FILE);
    let document = document();
    for (path, bases, methods) in described(&document) {
        // Its answer has no end.
        for method in methods.iter().filter(|_| path != "/events") {
            let address =
                format!("{}{}", bases[0].trim_end_matches('/'), path.replace(['{', '}'], ""));
            let asked = TestRequest::default()
                .method(method.parse().unwrap())
                .uri(&address)
                .peer_addr(SocketAddr::from(([127, 0, 0, 1], 40_000)))
                .insert_header((header::HOST, "localhost"));
            let status = bench.send(asked).await.status();
            let responses = &document["paths"][&path][method.to_lowercase()]["responses"];
            assert!(responses.get(status.as_str()).is_some(), "{method} {address}: {status}");
        }
    }
}

#[test]
fn document_is_whole() {
    let document = document();
    let mut references = Vec::new();
    under(&document, "$ref", &mut references);
    assert!(references.len() > 100, "{}", references.len());
    for reference in references {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    let mut names = Vec::new();
    under(&document["paths"], "operationId", &mut names);
    let unique: BTreeSet<&str> = names.iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(unique.len(), names.len());
    for base in super::super::BASES {
        assert!(document["servers"].to_string().contains(base));
    }
}

#[test]
fn every_operation_says_by_its_own_words_what_it_does() {
    let document = document();
    let mut told = BTreeSet::new();
    for (path, _, methods) in described(&document) {
        // HEAD is GET without the body.
        for method in methods.iter().filter(|method| *method != "HEAD") {
            let summary = document["paths"][&path][method.to_lowercase()]["summary"].as_str();
            assert!(told.insert(summary.unwrap()), "{method} {path}: {summary:?} is another's");
        }
    }
    assert!(told.contains("One stream") && told.contains("Removes a peer"), "{told:?}");
}

#[test]
fn fields_that_lists_know_are_described() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let stream = &schemas["Stream"]["properties"];
    assert_eq!(stream["stats"]["properties"]["alive"]["type"], "boolean");
    assert_eq!(stream["password"]["const"], "***");
    assert_eq!(stream["segment_count"]["default"], 4);
    let peer = &schemas["Peer"]["properties"]["stats"]["properties"];
    assert_eq!(peer["state"]["$ref"], "#/components/schemas/PeerState");
    assert_eq!(peer["cpu_usage"]["type"], json!(["number", "null"]));
    let change = &schemas["StreamChange"]["properties"];
    assert_eq!(change["title"]["type"], json!(["string", "null"]));
    assert!(change.get("stats").is_none());
    let undescribed = |fields: &Value| {
        let fields = fields.as_object().unwrap().iter();
        fields.filter(|(_, shape)| **shape == json!({})).map(|(name, _)| name.clone()).next()
    };
    for fields in [stream, &stream["stats"]["properties"]] {
        assert_eq!(undescribed(fields), None);
    }
}

#[actix_web::test]
async fn document_is_guarded_and_cached_by_its_tag() {
    let bench = Bench::new(FILE);
    let ask = || request(Method::GET, "/openapi.json");
    let first = bench.send(ask()).await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(first.headers().get(header::CACHE_CONTROL).unwrap(), "private, no-cache");
    let tag = first.headers().get(header::ETAG).unwrap().clone();
    let again = bench.send(ask().insert_header((header::IF_NONE_MATCH, tag))).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let (_, document) = bench.ask(ask()).await;
    assert_eq!(document["info"]["version"], "0.1.0");
    let remote = ask().peer_addr(SocketAddr::from(([10, 0, 0, 9], 40_000)));
    assert_eq!(code(&bench.ask(remote).await), (403, "auth_not_configured"));
}
