//! `/NAME/preview.jpg`: the last keyframe as a picture, made when somebody asks.
//!
//! Nothing is decoded for streams that nobody looks at, and none is started: whoever looks at a
//! page of pictures is no viewer. Decoding is done beside the workers, by few at once, and once for
//! all that ask for the same picture at the same time.
//!
//! ```text
//!  ask ─ the stream's lock ─┬ still good ▸ as last made
//!                           └ a permit ▸ decode, in time ▸ kept with the stream
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use bytes::Bytes;
use tokio::sync::Semaphore;
use watershed_actors::limits::LimitHits;
use watershed_actors::live_stream::{Broadcast, Preview, StreamStatus};
use watershed_actors::stream_hub::LocalEntry;
use watershed_media::live::LivePacket;
use watershed_media::preview::{self, PreviewError};

use super::{Play, answers};

/// What pictures may cost.
#[derive(Clone, Copy, Debug)]
pub struct PreviewLimits {
    /// Pictures decoded at once.
    pub at_once: usize,
    /// Age at which a picture is made anew, if there is a newer keyframe.
    pub age: Duration,
    /// Time to decode one, and to wait for it.
    pub timeout: Duration,
}

/// Makes pictures of the streams of this node.
#[derive(Debug)]
pub(super) struct Previews {
    limits: PreviewLimits,
    permits: Arc<Semaphore>,
    hits: LimitHits,
    decoded: Arc<AtomicU64>,
}

/// Why there is no picture.
enum NoPreview {
    /// And there is none for now.
    Because(String),
    /// It was not made in time.
    Later,
}

/// Answers with the picture of a stream that is here.
pub(super) async fn answer(play: &Play, entry: &LocalEntry) -> HttpResponse {
    if !play.settings.load().makes_previews {
        return answers::no_preview("previews are switched off at this node");
    }
    match play.previews.of(&entry.broadcast).await {
        Ok(jpeg) => answers::uncached(StatusCode::OK).content_type("image/jpeg").body(jpeg),
        Err(NoPreview::Because(reason)) => answers::no_preview(&reason),
        Err(NoPreview::Later) => answers::later(),
    }
}

impl Previews {
    /// Makes none yet; `hits` counts those that took too long.
    pub(super) fn new(limits: PreviewLimits, hits: LimitHits) -> Self {
        let permits = Arc::new(Semaphore::new(limits.at_once));
        Self { limits, permits, hits, decoded: Arc::default() }
    }

    /// How many keyframes were decoded.
    pub(super) const fn decoded(&self) -> &Arc<AtomicU64> {
        &self.decoded
    }

    async fn of(&self, broadcast: &Broadcast) -> Result<Bytes, NoPreview> {
        if broadcast.status() != StreamStatus::Running {
            return Err(NoPreview::Because("the stream is not running".to_owned()));
        }
        match tokio::time::timeout(self.limits.timeout, self.newest(broadcast)).await {
            Ok(Some(Ok(jpeg))) => Ok(jpeg),
            Ok(Some(Err(PreviewError::Late))) | Err(_) => {
                self.hits.hit("preview_timeout");
                Err(NoPreview::Later)
            }
            Ok(Some(Err(error))) => Err(NoPreview::Because(error.to_string())),
            Ok(None) => Err(NoPreview::Because("there is no keyframe yet".to_owned())),
        }
    }

    /// The picture of the newest keyframe; none while there is no keyframe.
    async fn newest(&self, broadcast: &Broadcast) -> Option<Result<Bytes, PreviewError>> {
        let PreviewLimits { age, timeout, .. } = self.limits;
        let mut last = Arc::clone(broadcast.preview()).lock_owned().await;
        let (cursor, keyframe) = broadcast.packets().newest_start_entry()?;
        if let Some(last) = &*last
            && last.is_good(cursor, age, Instant::now())
        {
            return Some(last.jpeg.clone());
        }
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        self.decoded.fetch_add(1, Ordering::Relaxed);
        // Lock and permit are the task's: it goes on if whoever asked goes away.
        let making = actix_rt::task::spawn_blocking(move || {
            let jpeg = decode(&keyframe, timeout);
            *last = Some(Preview { keyframe: cursor, made_at: Instant::now(), jpeg: jpeg.clone() });
            drop(permit);
            jpeg
        });
        making.await.ok()
    }
}

fn decode(keyframe: &LivePacket, timeout: Duration) -> Result<Bytes, PreviewError> {
    let begin = Instant::now();
    let is_late = || begin.elapsed() > timeout;
    // A fault of the decoder costs the picture alone, and once, as the answer is kept.
    catch_unwind(AssertUnwindSafe(|| preview::jpeg(keyframe, &is_late))).unwrap_or_else(|_| {
        log::warn!("preview: the decoder failed on a keyframe");
        Err(PreviewError::Undecodable("the decoder failed".to_owned()))
    })
}
