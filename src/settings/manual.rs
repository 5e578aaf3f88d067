//! Writes docs/config.md and the sample file from the schema, so that neither can fall behind.

use std::fmt::Write;

use super::environment;
use super::print::quoted;
use super::schema::{self, Kind, Row, Scope, Support};
use super::values;

const SECTIONS: [(Scope, &str, &str); 12] = [
    (Scope::Top, "The file", ""),
    (
        Scope::Listener,
        "`http ADDRESS`; `rtsp` and `rtmp` take `proxy_protocol` alone",
        "listeners.http[]",
    ),
    (
        Scope::SecureListener,
        "`https ADDRESS`, besides the words of `http`; `rtsps` and `rtmps` take no `api`",
        "listeners.https[]",
    ),
    (Scope::Peer, "`peer NAME`", "peers[]"),
    (Scope::Stream, "`stream NAME`", "streams[]"),
    (Scope::Template, "`template NAME`, besides all words of a stream", "templates[]"),
    (Scope::Input, "`input URL`", "streams[].inputs[]"),
    (Scope::ClusterIngest, "`cluster_ingest`", "streams[].cluster_ingest"),
    (Scope::Vod, "`vod PREFIX`", "vods[]"),
    (Scope::Source, "`source URL`", "sources[]"),
    (Scope::Balancer, "`balancer NAME`", "balancers[]"),
    (Scope::Limits, "`limits`", "limits"),
];

const GRAMMAR: &str = "\
# Configuration

<!-- Generated from src/settings/schema: `UPDATE=1 cargo test golden` writes it. -->

`word arg… key=value… ;` or `word arg… key=value… { … }`. White space is free. A comment starts at
a `#` after white space or at a line's start. Values with white space, `;`, `{`, `}` or a leading
`#` stand in `\"…\"`, with `\\\"` and `\\\\` inside. A word without a value is `on`. Sizes are
`40K`, `40M`, `2G`; durations are plain numbers in the word's own unit, or have `ms s m h d`.

Values come from the defaults, then the file, then the environment; each variable also works with
`_FILE` behind its name and the path of a file as its value. Relative paths start at the folder of
the main file. Words that say `(at start)` are read by a node that starts; all others also take
effect when the file is read anew (SIGHUP) or changed by the API. Secrets read as `***`
everywhere; a written `***` keeps the stored secret.

Older words: `url` is `input`, `live` is `template`, `public` is `public_payload_url`, `auth` is
`on_play`, `ondemand NAME URL` is `stream NAME { input URL; static off; }`, `file PREFIX PATH` is
`vod PREFIX { storage PATH; }`.

`edit_auth` and `view_auth` take the password itself, or what `watershed hash-password` makes of
the line that it reads (Argon2id; 128 MiB, 10 passes and 256 MiB times passes at most). Scripts show
name and password with each request (`Basic`, or `Bearer base64(user:pass)`); a browser shows them
once to `POST /streamer/api/v3/session` and gets a cookie that ends with `DELETE`, a changed
password, a restart, `sign_in_idle` or `sign_in_lifetime`. After `sign_in_tries` wrong passwords a
user and an address wait, each time twice as long (429 with `Retry-After`): the address for up to
15 minutes, the user for up to one, but not where it was right before. Behind a proxy that is not
in `trusted_proxies` all clients are one address.

`/NAME/preview.jpg` is the last keyframe of a running stream, decoded when somebody asks: H.264 with
8 bits, 4:2:0 and no fields, up to 4096x2304. Of other streams it is 404 (`no_preview`). Publishers
choose what the decoder gets, so it is one in Rust without `unsafe`, `previews` and
`preview_timeout` bound what it costs, and where it fails on a keyframe only the picture is lost.
With `preview off` nothing is decoded; a binary built with `--no-default-features` has no decoder.
";

/// The manual of every word.
#[must_use]
pub fn markdown() -> String {
    let mut text = GRAMMAR.to_owned();
    for (scope, title, path) in SECTIONS {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n## {title}\n\n| word | value | default | JSON | meaning |\n");
        text.push_str("|---|---|---|---|---|\n");
        let known: Vec<&str> = match scope {
            Scope::SecureListener => schema::rows(Scope::Listener).map(|row| row.word).collect(),
            Scope::Template => schema::rows(Scope::Stream).map(|row| row.word).collect(),
            _ => Vec::new(),
        };
        for row in schema::rows(scope).filter(|row| !known.contains(&row.word)) {
            text.push_str(&table_row(row, path));
        }
    }
    text
}

fn table_row(row: &Row, path: &str) -> String {
    let dot = if path.is_empty() { "" } else { "." };
    let json = match row.kind {
        Kind::Include => String::new(),
        _ => format!("`{path}{dot}{}`", row.path),
    };
    let default = row.default.map(|default| format!("`{default}`")).unwrap_or_default();
    let mut doc = row.doc.to_owned();
    if row.is_secret {
        doc.push_str("; secret");
    }
    if row.is_required {
        doc.push_str("; required");
    }
    if row.in_environment {
        let _ = write!(doc, "; `{}`", environment::variable(row));
    }
    match row.support {
        Support::Ready => {}
        Support::Later => doc.push_str("; not supported yet"),
    }
    let value = match row.kind {
        Kind::Shorthand(_) => "two words".to_owned(),
        Kind::Include => "a pattern".to_owned(),
        _ => values::expected(row),
    };
    format!("| `{}` | {} | {default} | {json} | {} |\n", row.word, cell(&value), cell(&doc))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// config/watershed.conf: every word, all but `http 8081;` in comments.
#[must_use]
pub fn sample() -> String {
    let mut text = "# Watershed's configuration: every word with its default, or an example where \
                    there is none.\n# What is commented out and marked \"not yet\" is refused so \
                    far. See docs/config.md.\n"
        .to_owned();
    for row in schema::rows(Scope::Top) {
        let _ = write!(text, "\n# {}{}\n", row.doc, mark(row));
        match row.kind {
            Kind::Shorthand(_) | Kind::Include => {
                let _ = writeln!(text, "# {} {};", row.word, row.sample);
            }
            Kind::Listeners(Scope::Listener) => {
                let _ = writeln!(text, "{} {};", row.word, row.sample);
                let _ = writeln!(text, "# Playback only, no API and no UI, behind a proxy:");
                let address = "127.0.0.1:8082";
                let _ =
                    writeln!(text, "# {} {address} {{ api off; proxy_protocol on; }}", row.word);
            }
            _ => sample_row(&mut text, row, "# "),
        }
    }
    text
}

fn mark(row: &Row) -> &'static str {
    match row.support {
        Support::Later => " (not yet)",
        Support::Ready => "",
    }
}

fn sample_row(text: &mut String, row: &Row, indent: &str) {
    let head = match row.sample {
        "" => row.word.to_owned(),
        _ if matches!(row.kind, Kind::Text) => format!("{} {}", row.word, quoted(row.sample)),
        sample => format!("{} {}", row.word, row.default.unwrap_or(sample)),
    };
    let inner = schema::inner(row.kind).filter(|scope| schema::rows(*scope).next().is_some());
    let Some(scope) = inner else {
        let _ = writeln!(text, "{indent}{head};");
        return;
    };
    let _ = writeln!(text, "{indent}{head} {{");
    for row in schema::rows(scope) {
        let _ = writeln!(text, "{indent}  # {}{}", row.doc, mark(row));
        sample_row(text, row, &format!("{indent}  "));
    }
    let _ = writeln!(text, "{indent}}}");
}
