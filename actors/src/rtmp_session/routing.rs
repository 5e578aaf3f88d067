//! Where an RTMP client goes: the directory's word in RTMP's terms.

use std::sync::Arc;
use std::time::Instant;

use crate::live_stream::PublishRefused;
use crate::names::{NodeId, Protocol, StreamName};
use crate::published::Published;
use crate::redirect::{RedirectPolicy, RtmpTarget, ViaMark, find_via};
use crate::stream_directory::{Ask, DirectoryView, PeerRoute, StreamLocation};
use crate::wall_clock::unix_ms;

/// What a player is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PlayAnswer {
    /// Play it from this node.
    Here,
    /// Go there.
    Redirect(RtmpTarget),
    /// Stay: the stream is to be pulled from there.
    Relay(Arc<PeerRoute>),
    /// It cannot be played: a status code and words.
    Refuse(&'static str, &'static str),
    /// The node has just started and not heard from its peers: ask again in a moment.
    Unsettled,
}

/// `onStatus` codes. Source: RTMP 1.0 §7.2.2, and the `ActionScript` 3 reference, `NetStatusEvent`.
pub(super) const PLAY_FAILED: &str = "NetStream.Play.Failed";
pub(super) const PLAY_NOT_FOUND: &str = "NetStream.Play.StreamNotFound";
/// The code for every refusal of a publisher.
pub(super) const PUBLISH_REFUSED: &str = "NetStream.Publish.BadName";

/// The directory as RTMP sessions ask it.
#[derive(Clone, Debug)]
pub struct RtmpRouting {
    directory: DirectoryView,
    node: NodeId,
    policy: Published<RedirectPolicy>,
}

impl RtmpRouting {
    /// Routing of `node`, which marks its redirects with its id.
    #[must_use]
    pub const fn new(
        directory: DirectoryView,
        node: NodeId,
        policy: Published<RedirectPolicy>,
    ) -> Self {
        Self { directory, node, policy }
    }

    /// Where the client of application `app` plays `name`; `reconnects` if it has announced to
    /// follow a request to reconnect.
    pub(super) fn play(
        &self,
        app: &str,
        name: &str,
        query: &str,
        reconnects: bool,
        now: Instant,
    ) -> PlayAnswer {
        if name.parse::<StreamName>().is_err() {
            return PlayAnswer::Refuse(PLAY_NOT_FOUND, "no stream can have that name");
        }
        match self.directory.locate_or_relay(name, &ask(now)) {
            StreamLocation::Here { .. } => PlayAnswer::Here,
            StreamLocation::At(route, choice) => {
                let answer = self.go_elsewhere(route, app, name, query, reconnects);
                if let PlayAnswer::Redirect(_) = answer {
                    self.directory.count_redirect(Protocol::Rtmp, choice);
                }
                answer
            }
            StreamLocation::ComingBack => {
                PlayAnswer::Refuse(PLAY_FAILED, "the stream has no picture right now; try again")
            }
            StreamLocation::Unsettled => PlayAnswer::Unsettled,
            StreamLocation::Nowhere => {
                PlayAnswer::Refuse(PLAY_NOT_FOUND, "no such stream in this cluster")
            }
        }
    }

    /// What a publisher of `name` is told when this node refused it.
    pub(super) fn publish_refused(
        &self,
        name: &str,
        refused: PublishRefused,
        now: Instant,
    ) -> String {
        let elsewhere = match refused {
            PublishRefused::UnknownStream => self.directory.locate_publish(name, &ask(now)),
            _ => None,
        };
        match elsewhere.as_ref().and_then(|route| route.targets.rtmp_base()) {
            Some(base) => format!("{refused} here; publish to {base}/{name}"),
            None => refused.to_string(),
        }
    }

    /// Redirects, or relays for a client that does not follow, or where no door is known.
    fn go_elsewhere(
        &self,
        route: Arc<PeerRoute>,
        app: &str,
        name: &str,
        query: &str,
        reconnects: bool,
    ) -> PlayAnswer {
        let now_ms = unix_ms();
        let is_looping =
            find_via(query).is_some_and(|mark| self.directory.is_young_mark(mark, now_ms));
        if is_looping {
            return PlayAnswer::Refuse(
                PLAY_FAILED,
                "the stream has just left that node; try again",
            );
        }
        if self.policy.load().redirects_rtmp(reconnects) {
            let (app, stream) = split(app, name);
            let query = (!query.is_empty()).then_some(query);
            let mark = ViaMark::of(self.node, now_ms / 1000);
            if let Ok(Some(target)) = route.targets.rtmp_target(app, stream, query, mark) {
                return PlayAnswer::Redirect(target);
            }
        }
        if self.directory.is_draining() {
            return PlayAnswer::Refuse(PLAY_FAILED, "this node is about to stop; try another");
        }
        PlayAnswer::Relay(route)
    }
}

/// The application and the rest of `name`, as the client split them; without a stream where the
/// application alone named it.
fn split<'a>(app: &'a str, name: &'a str) -> (&'a str, &'a str) {
    let app = app.split('?').next().unwrap_or_default().trim_matches('/');
    let canonical = app.strip_prefix("static").filter(|rest| is_boundary(rest)).unwrap_or(app);
    let canonical = canonical.trim_start_matches('/');
    match name.strip_prefix(canonical) {
        Some(rest) if is_boundary(rest) || canonical.is_empty() => {
            (app, rest.trim_start_matches('/'))
        }
        // Written in a way that the canonical name does not show: any split that leads there.
        _ => ("static", name),
    }
}

fn is_boundary(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

fn ask(now: Instant) -> Ask {
    Ask { protocol: Protocol::Rtmp, client: None, now }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_keeps_the_clients_own_split() {
        for (app, name, split_as) in [
            ("static", "cam1", ("static", "cam1")),
            ("live", "live/cam1", ("live", "cam1")),
            ("static/live", "live/cam1", ("static/live", "cam1")),
            ("cam1", "cam1", ("cam1", "")),
            ("live?token=x", "live/cam1", ("live", "cam1")),
            ("", "cam1", ("", "cam1")),
            ("a//b", "a/b/c", ("static", "a/b/c")),
            ("li", "live/cam1", ("static", "live/cam1")),
        ] {
            assert_eq!(split(app, name), split_as, "{app} {name}");
        }
    }
}
