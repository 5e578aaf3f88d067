//! Serves the built web UI (`web-ui/dist`) from the binary.
//!
//! The console stands at `/`, what it loads at `/assets/…`. Names of assets carry a hash of their
//! content, so they are cached for ever; pages never are. The player page is served elsewhere, with
//! the stream filled in: see [`page`].

use std::collections::{BTreeSet, HashMap};
use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Resource, web};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;

/// Files below this gain nothing by compression.
const GZIP_BYTES_MIN: usize = 1024;

/// Stands at `/` where the binary was built without the web UI.
const PLACEHOLDER: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
     <title>Watershed</title>\n\
     <p>The web UI was not built: run <code>make run</code>. The API is at \
     <a href=\"streamer/api/v3/cluster/peers\">streamer/api/v3</a>.</p>\n</html>\n";

#[derive(RustEmbed)]
#[folder = "web-ui/dist"]
struct Built;

/// One file as it is sent.
struct File {
    bytes: Bytes,
    /// The same compressed, where that is smaller.
    gzip: Option<Bytes>,
}

/// Tells the origins of the nodes that a request for a picture may be redirected to.
pub type PictureOrigins = Arc<dyn Fn() -> BTreeSet<String> + Send + Sync>;

/// The console's page, at `/`.
#[must_use]
pub fn console(peers: PictureOrigins) -> Resource {
    let peers = web::Data::new(peers);
    web::resource("/").app_data(peers).route(web::get().to(index)).route(web::head().to(index))
}

/// What pages load, at `/assets/…`.
#[must_use]
pub fn assets() -> Resource {
    web::resource("/assets/{path:.*}").route(web::get().to(asset)).route(web::head().to(asset))
}

/// A page of the web UI as built, such as `embed.html`; none if the web UI was not built.
#[must_use]
pub fn page(name: &str) -> Option<Bytes> {
    files().get(name).map(|file| file.bytes.clone())
}

async fn index(request: HttpRequest, peers: web::Data<PictureOrigins>) -> HttpResponse {
    let peers: &PictureOrigins = &peers;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy(&peers())))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    match files().get("index.html") {
        Some(file) => file.send(&request, response),
        None => response.body(PLACEHOLDER),
    }
}

/// What pages of the console may do, among it show player pages of this node in a frame, and the
/// pictures of streams, which lead to the peers that have them.
///
/// Source: W3C Content Security Policy Level 3; it is applied to where a redirect leads, too.
fn policy(peers: &BTreeSet<String>) -> String {
    let peers: String = peers.iter().map(|origin| format!(" {origin}")).collect();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; \
         img-src 'self' data:{peers}; connect-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'; frame-src 'self'"
    )
}

async fn asset(request: HttpRequest, path: web::Path<String>) -> HttpResponse {
    let Some(file) = files().get(&format!("assets/{path}")) else {
        return HttpResponse::NotFound()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .finish();
    };
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, content_type(&path)))
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    file.send(&request, response)
}

impl File {
    fn new(bytes: Bytes) -> Self {
        let gzip = (bytes.len() >= GZIP_BYTES_MIN).then(|| gzipped(&bytes)).flatten();
        Self { gzip: gzip.filter(|gzip| gzip.len() < bytes.len()), bytes }
    }

    fn send(
        &self,
        request: &HttpRequest,
        mut response: actix_web::HttpResponseBuilder,
    ) -> HttpResponse {
        let Some(gzip) = &self.gzip else {
            return response.body(self.bytes.clone());
        };
        response.insert_header((header::VARY, "Accept-Encoding"));
        if takes_gzip(request) {
            response.insert_header((header::CONTENT_ENCODING, "gzip"));
            return response.body(gzip.clone());
        }
        response.body(self.bytes.clone())
    }
}

/// Source: RFC 9110 §12.5.3; a coding with `q=0` is refused.
fn takes_gzip(request: &HttpRequest) -> bool {
    let accepted = request.headers().get_all(header::ACCEPT_ENCODING);
    accepted.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(',')).any(|part| {
        let (coding, weight) = part.split_once(';').unwrap_or((part, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        coding.trim().eq_ignore_ascii_case("gzip") && weight.parse::<f32>().is_ok_and(|q| q > 0.0)
    })
}

/// All files by their path, read and compressed once.
fn files() -> &'static HashMap<String, File> {
    static FILES: OnceLock<HashMap<String, File>> = OnceLock::new();
    FILES.get_or_init(|| {
        let file = |path: std::borrow::Cow<'static, str>| {
            let embedded = Built::get(&path)?;
            Some((path.into_owned(), File::new(Bytes::from(embedded.data.into_owned()))))
        };
        Built::iter().filter_map(file).collect()
    })
}

fn gzipped(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "map" => "application/json",
        "woff2" => "font/woff2",
        "png" => "image/png",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::{App, test};

    use super::*;

    fn peers() -> PictureOrigins {
        Arc::new(|| BTreeSet::from(["https://south.example.com".to_owned()]))
    }

    #[actix_web::test]
    async fn console_is_there_built_or_not_and_bound_by_its_policy() {
        let app = test::init_service(App::new().service(console(peers())).service(assets())).await;
        let answer = test::call_service(&app, test::TestRequest::get().uri("/").to_request()).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers().get(header::CACHE_CONTROL).unwrap(), "no-store");
        let policy = answer.headers().get(header::CONTENT_SECURITY_POLICY).unwrap();
        assert!(policy.to_str().unwrap().starts_with("default-src 'none'; script-src 'self'"));
        let pictures = "; img-src 'self' data: https://south.example.com; ";
        assert!(policy.to_str().unwrap().contains(pictures), "{policy:?}");
        assert!(test::read_body(answer).await.starts_with(b"<!doctype html>"));
    }

    #[actix_web::test]
    async fn assets_are_the_built_ones_only() {
        let app = test::init_service(App::new().service(console(peers())).service(assets())).await;
        for path in ["/assets/none.js", "/assets/../index.html", "/assets/%2e%2e/index.html"] {
            let request = test::TestRequest::get().uri(path).to_request();
            let answer = test::call_service(&app, request).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        }
        for path in files().keys().filter(|path| path.starts_with("assets/")) {
            let request = test::TestRequest::get().uri(&format!("/{path}"));
            let request = request.insert_header((header::ACCEPT_ENCODING, "br, gzip")).to_request();
            let answer = test::call_service(&app, request).await;
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            let caching = answer.headers().get(header::CACHE_CONTROL).unwrap().to_str().unwrap();
            assert!(caching.ends_with("immutable"));
        }
    }

    #[actix_web::test]
    async fn compressed_only_for_those_who_take_it() {
        let file = File::new(Bytes::from(vec![b'a'; 4096]));
        for (accepted, expected) in
            [("gzip", true), ("br, gzip;q=0.5", true), ("gzip;q=0", false), ("identity", false)]
        {
            let request = test::TestRequest::default();
            let request = request.insert_header((header::ACCEPT_ENCODING, accepted));
            let answer = file.send(&request.to_http_request(), HttpResponse::Ok());
            assert_eq!(answer.headers().contains_key(header::CONTENT_ENCODING), expected);
        }
        assert!(File::new(Bytes::from_static(b"short")).gzip.is_none());
    }
}
