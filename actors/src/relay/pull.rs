//! The asking side: pulls a stream from its holder, and from the next one when that is lost.
//!
//! ```text
//!  holder ─ open ─▶ frames ▸ InputWriter ─┐ ended, cut, silent, forged
//!     ▲                                   ▼
//!     └── another, or the same again ◀─ directory ─▶ nobody in time: the input fails, players end
//! ```

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout};
use watershed_media::packet::StreamItem;
use watershed_media::relay::{Decoder, Frame, FrameMac, RelayError};

use super::{MEDIA_PATH, RelaySettings};
use crate::live_stream::{InputRunner, InputWriter};
use crate::names::{Hostname, Protocol, StreamName};
use crate::peer_actor::{FetchFailure, FetcherParts, SignedAsk};
use crate::published::Published;
use crate::signature::ClusterKey;
use crate::stream_directory::{Ask, DirectoryView, PeerRoute, StreamLocation};

/// How soon the directory is asked again, and a holder tried again.
const LOOKS_AGAIN_AFTER: Duration = Duration::from_millis(300);
/// Connections of one pull.
const CONNECTIONS: usize = 1;

/// By which keys each peer is asked.
pub(super) type PeerKeys = HashMap<Hostname, Vec<ClusterKey>>;

/// One relay's input.
#[derive(Clone, Debug)]
pub(super) struct RelayPull {
    pub(super) name: StreamName,
    /// The holder to begin with.
    pub(super) route: Arc<PeerRoute>,
    pub(super) directory: DirectoryView,
    pub(super) nodes: FetcherParts,
    pub(super) keys: Published<PeerKeys>,
    pub(super) settings: RelaySettings,
}

/// Why a pull from one holder is over.
#[derive(Debug, Error)]
enum Lost {
    #[error(transparent)]
    Exchange(#[from] FetchFailure),
    #[error(transparent)]
    Frames(#[from] RelayError),
    #[error("silent for {0:?}")]
    Silent(Duration),
    #[error("the connection was cut")]
    Cut,
    #[error("it has no more")]
    Ended,
    /// Nobody here wants it any more.
    #[error("no longer wanted")]
    Unwanted,
}

impl InputRunner for RelayPull {
    fn run(&self, writer: InputWriter) -> LocalBoxFuture<'static, ()> {
        self.clone().pull(writer).boxed_local()
    }
}

impl RelayPull {
    async fn pull(mut self, writer: InputWriter) {
        let search_for = self.settings.search_for;
        let mut patient_until = Instant::now() + search_for;
        loop {
            let mut has_media = false;
            let lost = match self.pull_from_holder(&writer, &mut has_media).await {
                Lost::Unwanted => return,
                lost => lost,
            };
            let holder = &self.route.hostname;
            if has_media {
                log::info!("relay {}: lost {holder}: {lost}", self.name);
                patient_until = Instant::now() + search_for;
            } else {
                // Two holders that both refuse would be asked in turn without a pause.
                sleep(LOOKS_AGAIN_AFTER).await;
            }
            let Some(next) = self.next_holder(patient_until, &writer).await else {
                return writer.fail(format!("{holder}: {lost}"));
            };
            self.route = next;
            if writer.write(StreamItem::Discontinuity).is_err() {
                return;
            }
        }
    }

    /// Writes what the holder sends until it is lost; says in `has_media` whether it sent any.
    async fn pull_from_holder(&self, writer: &InputWriter, has_media: &mut bool) -> Lost {
        match self.copy(writer, has_media).await {
            Ok(never) => match never {},
            Err(lost) => lost,
        }
    }

    async fn copy(
        &self,
        writer: &InputWriter,
        has_media: &mut bool,
    ) -> Result<std::convert::Infallible, Lost> {
        let keys = self.keys.load().get(&self.route.hostname).cloned().unwrap_or_default();
        let base = self.route.targets.private_http_base().to_owned();
        let node = self.nodes.signed_client(base, keys.clone(), CONNECTIONS);
        node.expect_node(self.route.node);
        let target = format!("{MEDIA_PATH}/{}", self.name.as_str().replace('/', "%2F"));
        let mut answer = node.open(SignedAsk::get(&target)).await?;
        let silence_max = self.settings.silence_max;
        let mut decoder = Decoder::new(FrameMac::new(&answer.frame_key));
        loop {
            let piece = timeout(silence_max, answer.body.next()).await;
            let piece = piece.map_err(|_| Lost::Silent(silence_max))?;
            // A peer that has another key is asked anew, one that was taken out no more.
            if self.keys.load().get(&self.route.hostname).is_none_or(|now| *now != keys) {
                return Err(Lost::Ended);
            }
            for frame in decoder.receive(&piece.ok_or(Lost::Cut)??)? {
                match frame {
                    Frame::Item(item) => {
                        *has_media |= matches!(item, StreamItem::Packet(_));
                        writer.write(item).map_err(|_| Lost::Unwanted)?;
                    }
                    Frame::Heartbeat if writer.is_revoked() => return Err(Lost::Unwanted),
                    Frame::Heartbeat => {}
                    Frame::End => return Err(Lost::Ended),
                }
            }
        }
    }

    /// Who holds the stream now, if the directory names somebody in time: another one at once, the
    /// one that was just lost after a moment.
    async fn next_holder(
        &self,
        patient_until: Instant,
        writer: &InputWriter,
    ) -> Option<Arc<PeerRoute>> {
        let mut has_waited = false;
        while !writer.is_revoked() && Instant::now() < patient_until {
            match self.locate() {
                StreamLocation::At(route, _) if has_waited || !self.is_lost(&route) => {
                    return Some(route);
                }
                StreamLocation::Here { .. } | StreamLocation::Nowhere => return None,
                StreamLocation::At(..) | StreamLocation::ComingBack | StreamLocation::Unsettled => {
                }
            }
            sleep(LOOKS_AGAIN_AFTER).await;
            has_waited = true;
        }
        None
    }

    fn is_lost(&self, route: &PeerRoute) -> bool {
        route.hostname == self.route.hostname && route.node == self.route.node
    }

    fn locate(&self) -> StreamLocation {
        let now = Instant::now().into_std();
        self.directory
            .locate(self.name.as_str(), &Ask { protocol: Protocol::Tshttp, client: None, now })
    }
}
