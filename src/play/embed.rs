//! The player page: a template from the web UI, filled with the stream and the nodes to enter by.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};

use super::{Play, answers};

/// The page that plays `name` from this node, and from its peers when this node is lost.
pub(super) fn page(play: &Play, name: &str) -> HttpResponse {
    let Some(template) = &play.embed_template else {
        return answers::not_found("the player page was not built into this binary");
    };
    let entries = play.entries.entry_urls();
    let list = serde_json::to_string(&entries).unwrap_or_default();
    let html = String::from_utf8_lossy(template)
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
        .insert_header((header::CONTENT_SECURITY_POLICY, policy(&entries)))
        .body(html)
}

/// What the page may load: itself, and media from the peers, also behind a redirect.
fn policy(entries: &[String]) -> String {
    let origins: String = entries.iter().map(|url| format!(" {}", origin(url))).collect();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         media-src 'self' blob:{origins}; worker-src 'self' blob:; connect-src 'self'{origins}; \
         base-uri 'none'; form-action 'none'"
    )
}

fn origin(url: &str) -> String {
    url::Url::parse(url).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
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
        assert!(policy.contains("connect-src 'self' https://south.example.com;"));
        assert!(!policy.contains("prefix"));
    }

    #[test]
    fn text_cannot_leave_its_attribute() {
        assert_eq!(escape(r#""><script>&"#), "&quot;&gt;&lt;script&gt;&amp;");
    }
}
