//! The totals of a node, as its report and `/config/stats` carry them (SPEC section 7).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::names::Protocol;

/// What a node says of itself in numbers. Any number may be null: not known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct NodeStats {
    /// Software version.
    pub server_version: Option<String>,
    /// The node's configured name.
    pub hostname: Option<String>,
    /// The node's id.
    pub id: Option<String>,
    /// What the node is doing.
    pub streamer_status: Option<StreamerStatus>,
    /// The node's clock, Unix milliseconds.
    pub now: Option<u64>,
    /// When the node started, Unix seconds.
    pub started_at: Option<u64>,
    /// Seconds since the start.
    pub uptime: Option<u64>,
    /// Percent; all cores busy is 100.
    pub cpu_usage: Option<f64>,
    /// Percent of the memory, or of the control group's limit.
    pub memory_usage: Option<f64>,
    /// Percent of time the busiest arbiter was busy.
    pub scheduler_load: Option<f64>,
    /// Percent of the busiest interface's busier direction.
    pub bandwidth_usage: Option<f64>,
    /// Open play sessions.
    pub total_clients: Option<u64>,
    /// The same by protocol.
    pub clients_by_protocol: Option<ClientsByProtocol>,
    /// Streams captured here.
    pub total_streams: Option<u64>,
    /// Of them, those with frames.
    pub online_streams: Option<u64>,
    /// Captured, kbit/s.
    pub input_kbit: Option<u64>,
    /// Sent to clients, kbit/s.
    pub output_kbit: Option<u64>,
    /// Always empty: nothing transcodes here. Kept for scripts that read it.
    #[serde(skip_deserializing)]
    #[schema(ignore)]
    pub transcoder_devices: [(); 0],
}

/// Open play sessions of each protocol, in JSON without those that nobody uses: it travels with
/// each report. A fixed shape: what a peer calls otherwise is not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ClientsByProtocol {
    /// HLS, over any container.
    #[serde(skip_serializing_if = "is_zero")]
    pub hls: u64,
    /// MPEG-TS over HTTP.
    #[serde(skip_serializing_if = "is_zero")]
    pub tshttp: u64,
    /// FLV over HTTP.
    #[serde(skip_serializing_if = "is_zero")]
    pub flv: u64,
    /// RTSP.
    #[serde(skip_serializing_if = "is_zero")]
    pub rtsp: u64,
    /// RTMP.
    #[serde(skip_serializing_if = "is_zero")]
    pub rtmp: u64,
}

impl ClientsByProtocol {
    /// Counts one more client.
    pub fn count(&mut self, protocol: Protocol) {
        let clients = match protocol {
            Protocol::Hls => &mut self.hls,
            Protocol::Tshttp => &mut self.tshttp,
            Protocol::Flv => &mut self.flv,
            Protocol::Rtsp => &mut self.rtsp,
            Protocol::Rtmp => &mut self.rtmp,
        };
        *clients += 1;
    }

    /// Each count with the name of its protocol.
    #[must_use]
    pub const fn named(self) -> [(&'static str, u64); 5] {
        let Self { hls, tshttp, flv, rtsp, rtmp } = self;
        [("hls", hls), ("tshttp", tshttp), ("flv", flv), ("rtsp", rtsp), ("rtmp", rtmp)]
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StreamerStatus {
    /// Serving.
    Running,
    /// Not all listeners are open yet.
    Starting,
    /// About to stop.
    Draining,
    /// Serving an older config: the file has errors.
    BrokenConfig,
    /// Something a later version says.
    #[serde(other)]
    Unknown,
}
