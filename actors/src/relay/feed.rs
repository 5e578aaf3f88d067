//! The holder's side: a stream's packets as the endless body of an answer to another node.
//!
//! It begins at the last keyframe, so that the other node's players have a picture at once. A
//! heartbeat says that the holder lives while its source is silent. It counts as a relay, so an
//! on-demand stream goes on meanwhile.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use watershed_media::live::LivePacket;
use watershed_media::packet::StreamItem;
use watershed_media::relay::{EncodedFrame, Encoder, Frame, FrameMac, MAGIC};
use watershed_media::track::Track;

use crate::live_stream::{Broadcast, Relay, RingCursor, RingRead, Taker};
use crate::stream_hub::LocalEntry;

/// How long nothing is sent at most: half of what the contract allows.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);
/// The answer ends after this long without media, as that to a player does.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// A node that fell out of the ring this often is too slow for the stream.
const SKIPS_MAX: u32 = 5;
/// No answer is handed on in pieces above this, so a slow reader costs a known amount of memory.
const PIECE_BYTES_MAX: usize = 64 << 10;

/// Starts `entry` if need be and answers its frames, proved by `frame_key`.
pub fn feed(entry: &LocalEntry, frame_key: &[u8; 32]) -> impl Stream<Item = Bytes> + use<> {
    entry.start();
    let feed = Feed::new(Arc::clone(&entry.broadcast), FrameMac::new(frame_key));
    stream::unfold(feed, |mut feed| async move {
        let piece = feed.next_piece().await?;
        feed.broadcast.counters().sent(Taker::Node, piece.len());
        Some((piece, feed))
    })
}

struct Feed {
    broadcast: Arc<Broadcast>,
    encoder: Encoder,
    cursor: RingCursor,
    changed: watch::Receiver<u64>,
    batch: Vec<LivePacket>,
    ready: VecDeque<Bytes>,
    /// The tracks announced last.
    tracks: Option<Arc<[Track]>>,
    last_media: Instant,
    skips: u32,
    is_over: bool,
    _relay: Relay,
}

impl Feed {
    fn new(broadcast: Arc<Broadcast>, mac: FrameMac) -> Self {
        Self {
            encoder: Encoder::new(mac),
            cursor: broadcast.packets().newest_start(),
            changed: broadcast.packets().subscribe(),
            batch: Vec::new(),
            ready: VecDeque::from([Bytes::from_static(MAGIC)]),
            tracks: None,
            last_media: Instant::now(),
            skips: 0,
            is_over: false,
            _relay: broadcast.viewers().connect_relay(),
            broadcast,
        }
    }

    /// The next piece; `None` when the answer is over.
    async fn next_piece(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Some(piece);
            }
            if self.is_over {
                return None;
            }
            let ring = self.broadcast.packets();
            match ring.read(&mut self.cursor, PIECE_BYTES_MAX, &mut self.batch) {
                RingRead::Taken => self.encode_batch(),
                RingRead::Skipped => {
                    self.skips += 1;
                    self.is_over = self.skips > SKIPS_MAX;
                    self.encode_batch();
                }
                RingRead::Empty => self.wait().await,
                RingRead::Closed => self.end(),
            }
        }
    }

    /// Waits for media, but not for long without a sign of life.
    async fn wait(&mut self) {
        match timeout(HEARTBEAT_EVERY, self.changed.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => self.end(),
            Err(_) if self.last_media.elapsed() >= SILENCE_MAX => self.end(),
            Err(_) => self.push(&Frame::Heartbeat),
        }
    }

    fn end(&mut self) {
        self.push(&Frame::End);
        self.is_over = true;
    }

    fn encode_batch(&mut self) {
        self.last_media = Instant::now();
        for LivePacket { tracks, packet, is_discontinuity, .. } in std::mem::take(&mut self.batch) {
            if self.tracks.as_ref().is_none_or(|announced| *announced != tracks) {
                self.push(&Frame::Item(StreamItem::Tracks(Arc::clone(&tracks))));
                self.tracks = Some(tracks);
            }
            if is_discontinuity {
                self.push(&Frame::Item(StreamItem::Discontinuity));
            }
            self.push(&Frame::Item(StreamItem::Packet(packet)));
        }
    }

    fn push(&mut self, frame: &Frame) {
        match self.encoder.encode(frame) {
            Ok(EncodedFrame { head, mut payload, mac }) => {
                self.ready.push_back(head);
                while payload.len() > PIECE_BYTES_MAX {
                    self.ready.push_back(payload.split_to(PIECE_BYTES_MAX));
                }
                self.ready.extend([payload, mac].into_iter().filter(|piece| !piece.is_empty()));
            }
            Err(error) => log::warn!("stream {}: relay: {error}", self.broadcast.name()),
        }
    }
}
