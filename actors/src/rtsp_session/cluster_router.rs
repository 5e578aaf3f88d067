//! The [`Router`] of a running node: the directory's word in RTSP's terms.

use std::sync::Arc;
use std::time::Instant;

use super::messages::{Router, RtspAnswer};
use crate::names::{NodeId, Protocol};
use crate::published::Published;
use crate::redirect::{RedirectPolicy, ViaMark, find_via};
use crate::stream_directory::{Ask, DirectoryView, PeerRoute, StreamLocation};
use crate::wall_clock::unix_ms;

/// Routes RTSP clients by what the directory knows.
#[derive(Clone, Debug)]
pub struct ClusterRouter {
    directory: DirectoryView,
    node: NodeId,
    policy: Published<RedirectPolicy>,
}

impl ClusterRouter {
    /// A router of `node`, which marks its redirects with its id.
    #[must_use]
    pub const fn new(
        directory: DirectoryView,
        node: NodeId,
        policy: Published<RedirectPolicy>,
    ) -> Self {
        Self { directory, node, policy }
    }

    /// Redirects a player, or relays for one that does not follow, or where no door is known.
    fn go_elsewhere(
        &self,
        route: Arc<PeerRoute>,
        path: &str,
        query: Option<&str>,
        user_agent: Option<&str>,
    ) -> RtspAnswer {
        if self.was_just_redirected(query) {
            return RtspAnswer::Unavailable;
        }
        let has_door = route.targets.rtsp_base().is_some();
        if has_door && self.policy.load().redirects_rtsp(user_agent) {
            return self.redirect(&route, path, query);
        }
        if self.directory.is_draining() {
            return RtspAnswer::Unavailable;
        }
        RtspAnswer::Relay(route)
    }

    fn was_just_redirected(&self, query: Option<&str>) -> bool {
        let mark = query.and_then(find_via);
        mark.is_some_and(|mark| self.directory.is_young_mark(mark, unix_ms()))
    }

    fn redirect(&self, route: &PeerRoute, path: &str, query: Option<&str>) -> RtspAnswer {
        let now_ms = unix_ms();
        let mark = ViaMark::of(self.node, now_ms / 1000);
        match route.targets.rtsp_location(&format!("/{path}"), query, mark) {
            Ok(Some(location)) => RtspAnswer::Redirect(location),
            Ok(None) => RtspAnswer::NotFound,
            Err(error) => RtspAnswer::BadRequest(error.to_string()),
        }
    }
}

fn ask() -> Ask {
    Ask { protocol: Protocol::Rtsp, client: None, now: Instant::now() }
}

impl Router for ClusterRouter {
    fn locate_rtsp(&self, path: &str, query: Option<&str>, user_agent: Option<&str>) -> RtspAnswer {
        match self.directory.locate_or_relay(path, &ask()) {
            StreamLocation::Here { .. } => RtspAnswer::Here,
            StreamLocation::At(route, choice) => {
                let answer = self.go_elsewhere(route, path, query, user_agent);
                if let RtspAnswer::Redirect(_) = answer {
                    self.directory.count_redirect(Protocol::Rtsp, choice);
                }
                answer
            }
            StreamLocation::ComingBack => RtspAnswer::Unavailable,
            StreamLocation::Unsettled => RtspAnswer::Unsettled,
            StreamLocation::Nowhere => RtspAnswer::NotFound,
        }
    }

    fn locate_rtsp_publish(
        &self,
        path: &str,
        query: Option<&str>,
        _user_agent: Option<&str>,
    ) -> RtspAnswer {
        if let StreamLocation::Here { .. } = self.directory.locate(path, &ask()) {
            return RtspAnswer::Here;
        }
        match self.directory.locate_publish(path, &ask()) {
            Some(_) if self.was_just_redirected(query) => RtspAnswer::Unavailable,
            Some(route) => self.redirect(&route, path, query),
            None => RtspAnswer::NotFound,
        }
    }
}
