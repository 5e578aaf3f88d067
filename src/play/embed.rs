//! The player page: a template from the web UI, filled with the stream and the nodes to enter by.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};

use super::{Play, answers};

/// The page that plays `name` from this node, and from its peers when this node is lost.
pub(super) fn page(play: &Play, name: &str) -> HttpResponse {
    let Some(template) = &play.embed_template else {
        return answers::not_found("the player page was not built into this binary");
    };
    let list = serde_json::to_string(&shuffled(play.entries.entry_urls())).unwrap_or_default();
    let html = String::from_utf8_lossy(template)
        .replace(r#""/assets/"#, &format!(r#""{}assets/"#, root_from(name)))
        .replace(
            r#"<meta name="watershed-entries" content="""#,
            &format!(r#"<meta name="watershed-entries" content="{}""#, escape(&list)),
        )
        .replace(
            r#"<meta name="watershed-stream" content="""#,
            &format!(r#"<meta name="watershed-stream" content="{}""#, escape(name)),
        );
    answers::uncached(StatusCode::OK)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, policy(&play.entries.target_urls())))
        .body(html)
}

/// The page in place of the words that there is no stream, or none now: who comes early sees it as
/// soon as it is there. The status stays.
pub(super) fn despite(play: &Play, name: &str, answer: HttpResponse) -> HttpResponse {
    let status = answer.status();
    let may_come = matches!(status, StatusCode::NOT_FOUND | StatusCode::SERVICE_UNAVAILABLE);
    if !may_come || play.embed_template.is_none() {
        return answer;
    }
    let mut page = page(play, name);
    *page.status_mut() = status;
    if let Some(after) = answer.headers().get(header::RETRY_AFTER) {
        page.headers_mut().insert(header::RETRY_AFTER, after.clone());
    }
    page
}

/// The way from the page of `name` up to what a proxy may have put the node below.
fn root_from(name: &str) -> String {
    "../".repeat(name.split('/').count())
}

/// The same in another order each time, so that those who lose a node spread over the others.
fn shuffled(mut urls: Vec<String>) -> Vec<String> {
    let order = RandomState::new();
    urls.sort_by_cached_key(|url| order.hash_one(url));
    urls
}

/// What the page may load: itself, and media from the peers, also behind a redirect.
///
/// A page may stay open for days and outlive any node that is up now, and its policy stays what it
/// was: so it names all peers, not just those that can be entered by at this moment.
fn policy(targets: &[String]) -> String {
    let origins: String = origins(targets).iter().map(|origin| format!(" {origin}")).collect();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{origins}; \
         media-src 'self' blob:{origins}; worker-src 'self' blob:; connect-src 'self'{origins}; \
         base-uri 'none'; form-action 'none'"
    )
}

/// The origins of `urls`, each once; what is no URL of a host has none.
#[must_use]
pub fn origins(urls: &[String]) -> BTreeSet<String> {
    urls.iter().filter_map(|url| origin(url)).collect()
}

fn origin(url: &str) -> Option<String> {
    let origin = url::Url::parse(url).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_names_each_entry_by_its_origin() {
        let policy = policy(&["https://south.example.com/prefix".to_owned()]);
        assert!(policy.contains("img-src 'self' data: https://south.example.com;"));
        assert!(policy.contains("connect-src 'self' https://south.example.com;"));
        assert!(!policy.contains("prefix"));
    }

    #[test]
    fn policy_names_an_origin_once_and_leaves_out_what_has_none() {
        let urls = ["http://a:1/x", "http://a:1/y", "nonsense", "data:text/plain,x"];
        let policy = policy(&urls.map(str::to_owned));
        assert!(policy.contains("media-src 'self' blob: http://a:1; worker-src"));
        assert!(policy.contains("connect-src 'self' http://a:1; base-uri"));
    }

    #[test]
    fn assets_are_looked_for_below_the_prefix_of_a_proxy() {
        let page = url::Url::parse("https://proxy/ops/live/cam/embed.html").unwrap();
        let assets = page.join(&format!("{}assets/embed.js", root_from("live/cam"))).unwrap();
        assert_eq!(assets.path(), "/ops/assets/embed.js");
        assert_eq!(root_from("cam"), "../");
    }

    #[test]
    fn entries_come_in_more_than_one_order() {
        let urls: Vec<String> = (0..8).map(|number| format!("http://node{number}")).collect();
        let orders: BTreeSet<_> = (0..20).map(|_| shuffled(urls.clone())).collect();
        assert!(orders.len() > 1, "{orders:?}");
        let all = |order: &Vec<String>| order.iter().collect::<BTreeSet<_>>().len() == urls.len();
        assert!(orders.iter().all(all));
    }

    #[test]
    fn text_cannot_leave_its_attribute() {
        assert_eq!(escape(r#""><script>&"#), "&quot;&gt;&lt;script&gt;&amp;");
    }
}
