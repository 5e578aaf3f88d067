//! Rows of media: what it costs to play one stream to many, how late it comes, what taking streams
//! in costs. Beside it nginx with its RTMP module, under the same publisher and the same players.
//!
//! ```text
//!  clip ─ publisher ═ RTMP ═▶ watershed | nginx-rtmp ═ RTMP RTSP TS FLV HLS ═▶ crowd of players
//!                                     └ servers        └ players, hls ▸ wire_check
//!  delivery (rows) ◀─ ladder (300, 1,000, 3,000 players)      latency      ingest
//! ```
//! A gigabit is counted where it arrives: the bytes of the connection behind the answer that
//! starts the stream, the protocol's own wrapping included, of HLS the segments.

mod clip;
mod crowd;
mod delivery;
mod hls;
mod http_client;
mod ingest;
mod ladder;
mod latency;
mod players;
mod publisher;
mod rtmp_client;
mod rtsp_client;
mod servers;
mod wire_check;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use clip::Clip;
use players::Protocol;

use crate::plan::{Plan, Section};
use crate::table::Row;

/// Measures what the plan asks for.
pub(crate) fn measure(plan: &Plan, folder: &Path, out: &mut impl Write) -> io::Result<Vec<Row>> {
    let protocols = [
        (Section::Rtmp, Protocol::Rtmp),
        (Section::Rtsp, Protocol::Rtsp),
        (Section::Ts, Protocol::Ts),
        (Section::Flv, Protocol::Flv),
        (Section::Hls, Protocol::Hls),
    ];
    let wanted = protocols.into_iter().filter(|(section, _)| plan.has(*section));
    let wanted: Vec<Protocol> = wanted.map(|(_, protocol)| protocol).collect();
    let (has_latency, has_ingest) = (plan.has(Section::Latency), plan.has(Section::Ingest));
    if wanted.is_empty() && !has_latency && !has_ingest {
        return Ok(Vec::new());
    }
    let clip = Arc::new(Clip::make(folder)?);
    writeln!(out, "clip: {:.3} Mbit/s", clip.bits_per_second() / 1e6)?;
    let mut rows = delivery::measure(plan, folder, &clip, &wanted, out)?;
    if has_latency {
        rows.extend(latency::measure(plan, folder, &clip, out)?);
    }
    if has_ingest {
        rows.extend(ingest::measure(plan, folder, &clip, out)?);
    }
    Ok(rows)
}
