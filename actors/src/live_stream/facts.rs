//! A stream in numbers, for the API and the page.

use super::input::InputState;

/// What the stream's actor says of its capture, about twice a second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureReport {
    /// Names the capture; new whenever it begins anew.
    pub capture_id: String,
    /// Received, in kbit/s; `None` in the first second.
    pub input_kbit: Option<u64>,
    /// Given out to clients, in kbit/s.
    pub output_kbit: u64,
    /// When capture began, in unix milliseconds; `None` while idle.
    pub opened_at_ms: Option<u64>,
    /// How often an input failed and was tried again.
    pub retry_count: u64,
    /// Why the input does not deliver, in words without secrets.
    pub source_error: Option<String>,
    /// Its inputs, in the order of the config.
    pub inputs: Vec<InputReport>,
}

/// What is known of one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputReport {
    /// Whether it is the one on air.
    pub is_active: bool,
    /// What it is doing.
    pub state: InputState,
    /// Why it last failed, in words without secrets; also if it has come back since.
    pub error: Option<String>,
    /// How often it failed and was tried again.
    pub retry_count: u64,
    /// When its last frame came, in unix milliseconds.
    pub last_frame_ms: Option<u64>,
    /// Received, in kbit/s; `None` in the first second.
    pub input_kbit: Option<u64>,
}

/// A stream at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamFacts {
    /// What its actor said last.
    pub capture: CaptureReport,
    /// Sessions since the stream was made.
    pub sessions_total: u64,
    /// Payload bytes received.
    pub bytes_in: u64,
    /// Bytes handed to clients.
    pub bytes_out: u64,
    /// How often an input's timestamps jumped without being announced.
    pub timestamp_jumps: u64,
    /// When the last frame came, in unix milliseconds.
    pub last_frame_ms: Option<u64>,
    /// Decode time of the last frame, in milliseconds of media time.
    pub last_dts_ms: Option<i64>,
}

impl CaptureReport {
    /// A capture of which nothing but the id is known.
    pub(crate) fn new(capture_id: &str) -> Self {
        Self { capture_id: capture_id.to_owned(), ..Self::default() }
    }
}
