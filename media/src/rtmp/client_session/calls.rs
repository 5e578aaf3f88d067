//! The commands a player sends.
//!
//! Source: RTMP 1.0 §7.2; E-RTMP v2, enhancing connect. Values that servers look at are those of
//! ffmpeg and librtmp.

use super::PlayAddress;
use crate::rtmp::amf0::Value;
use crate::rtmp::message::{Command, Message};

/// What ties `_result` and `_error` to the calls.
pub(super) const CONNECT: f64 = 1.0;
pub(super) const CREATE_STREAM: f64 = 2.0;

/// Codecs that are taken by `FourCC`.
const FOURCCS: [&str; 9] = ["avc1", "hvc1", "av01", "vp09", "mp4a", "Opus", "ac-3", "ec-3", ".mp3"];
/// All the codecs of old Flash players: some servers filter by these bits. Source: RTMP 1.0
/// §7.2.1.1.
const AUDIO_CODECS: f64 = 4071.0;
const VIDEO_CODECS: f64 = 252.0;
/// The live stream, or a recorded one of that name. Source: RTMP 1.0 §7.2.2.1.
const LIVE_OR_RECORDED: f64 = -2000.0;

pub(super) fn connect(address: &PlayAddress) -> Message {
    let fourccs = FOURCCS.iter().map(|name| Value::from(*name)).collect();
    let object = Value::object([
        ("app", address.app.as_str().into()),
        ("flashVer", "LNX 9,0,124,2".into()),
        ("tcUrl", address.tc_url.as_str().into()),
        ("fpad", Value::Boolean(false)),
        ("capabilities", Value::Number(15.0)),
        ("audioCodecs", Value::Number(AUDIO_CODECS)),
        ("videoCodecs", Value::Number(VIDEO_CODECS)),
        ("videoFunction", Value::Number(1.0)),
        ("fourCcList", Value::StrictArray(fourccs)),
        // Reconnect requests are followed.
        ("capsEx", Value::Number(1.0)),
    ]);
    call("connect", CONNECT, object, Vec::new()).encode(0)
}

pub(super) fn create_stream() -> Message {
    call("createStream", CREATE_STREAM, Value::Null, Vec::new()).encode(0)
}

/// Asks for the stream. Its answer is `onStatus`, so there is no transaction to wait for.
pub(super) fn play(stream_id: u32, stream: &str) -> Message {
    let arguments = vec![stream.into(), Value::Number(LIVE_OR_RECORDED)];
    call("play", 0.0, Value::Null, arguments).encode(stream_id)
}

fn call(name: &str, transaction: f64, object: Value, arguments: Vec<Value>) -> Command {
    Command { name: name.to_owned(), transaction, object, arguments }
}
