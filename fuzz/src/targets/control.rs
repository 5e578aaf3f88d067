//! What steers a node: its configuration and its peers' reports.

use std::path::Path;

use watershed::settings::{Environment, from_text};
use watershed_actors::report::{ReportLimits, TrackInterner, read_report};

/// A configuration; one that is accepted prints itself, secrets hidden, and is accepted again.
pub(crate) fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // An include would read files of this machine, and its findings would not be repeatable.
    if text.contains("include") || text.contains("FILE") {
        return;
    }
    let environment = Environment::of([]);
    let path = Path::new("/nonexistent/fuzz.conf");
    match from_text(path, text, &environment) {
        Ok(loaded) => {
            let _ = (loaded.json(true), loaded.json(false));
            let again = from_text(path, &loaded.text(), &environment);
            assert!(again.is_ok(), "the hidden text is refused");
        }
        Err(rejected) => assert!(!rejected.to_string().is_empty()),
    }
}

/// A page of a peer's report.
pub(crate) fn report(bytes: &[u8]) {
    let mut tracks = TrackInterner::default();
    let _ = read_report(bytes, &ReportLimits::default(), &mut tracks);
}
