//! The [`Router`] of a running node: the directory's word in RTSP's terms.

use std::time::Instant;

use super::messages::{Router, RtspAnswer};
use crate::names::{NodeId, Protocol};
use crate::redirect::{ViaMark, find_via};
use crate::stream_directory::{Ask, DirectoryView, PeerRoute, StreamLocation};
use crate::wall_clock::unix_ms;

/// Routes RTSP clients by what the directory knows.
#[derive(Clone, Debug)]
pub struct ClusterRouter {
    directory: DirectoryView,
    node: NodeId,
}

impl ClusterRouter {
    /// A router of `node`, which marks its redirects with its id.
    #[must_use]
    pub const fn new(directory: DirectoryView, node: NodeId) -> Self {
        Self { directory, node }
    }

    fn redirect(&self, route: &PeerRoute, path: &str, query: Option<&str>) -> RtspAnswer {
        let now_ms = unix_ms();
        let mark = query.and_then(find_via);
        if mark.is_some_and(|mark| self.directory.is_young_mark(mark, now_ms)) {
            return RtspAnswer::Unavailable;
        }
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
    fn locate_rtsp(
        &self,
        path: &str,
        query: Option<&str>,
        _user_agent: Option<&str>,
    ) -> RtspAnswer {
        match self.directory.locate(path, &ask()) {
            StreamLocation::Here { .. } => RtspAnswer::LocalPlaybackUnsupported,
            StreamLocation::At(route, choice) => {
                let answer = self.redirect(&route, path, query);
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
            return RtspAnswer::LocalPlaybackUnsupported;
        }
        match self.directory.locate_publish(path, &ask()) {
            Some(route) => self.redirect(&route, path, query),
            None => RtspAnswer::NotFound,
        }
    }
}
