//! The commands a server sends.
//!
//! Source: RTMP 1.0 §7.2; codes as Adobe's servers send them, which clients compare literally.

use bytes::BytesMut;

use crate::rtmp::amf0::{Properties, Value, encode_all};
use crate::rtmp::message::{Command, Message, MessageKind};

/// Codecs taken by `FourCC`. Source: E-RTMP v2, `VideoFourCc` and `AudioFourCc`.
const VIDEO_FOURCCS: [&str; 4] = ["avc1", "hvc1", "av01", "vp09"];
const AUDIO_FOURCCS: [&str; 5] = ["mp4a", "Opus", "ac-3", "ec-3", ".mp3"];
/// `FourCcInfoMask.CanForward`.
const CAN_FORWARD: f64 = 4.0;
/// `CapsExMask`: reconnect requests (1) and modifiers (4) are understood, of tracks one of a kind.
const CAPABILITIES_EX: f64 = 5.0;

/// `onStatus` levels.
pub(super) const STATUS: &str = "status";
pub(super) const ERROR: &str = "error";

/// The message by which a player may look into the samples; old Flash players want it.
pub(super) fn sample_access(stream_id: u32) -> Message {
    let mut body = BytesMut::new();
    let yes = Value::Boolean(true);
    encode_all(&["|RtmpSampleAccess".into(), yes.clone(), yes], &mut body);
    Message { kind: MessageKind::DataAmf0, stream_id, timestamp: 0, payload: body.freeze() }
}

/// Answers connect; capabilities of enhanced RTMP are told to those who told theirs.
pub(super) fn connect_result(transaction: f64, is_enhanced: bool) -> Message {
    let mut properties = vec![
        ("fmsVer".to_owned(), Value::from("FMS/3,5,7,7009")),
        ("capabilities".to_owned(), Value::Number(31.0)),
        ("mode".to_owned(), Value::Number(1.0)),
    ];
    if is_enhanced {
        let names = VIDEO_FOURCCS.iter().chain(&AUDIO_FOURCCS);
        properties.extend([
            (
                "fourCcList".to_owned(),
                Value::StrictArray(names.map(|name| Value::from(*name)).collect()),
            ),
            ("videoFourCcInfoMap".to_owned(), info_map(&VIDEO_FOURCCS)),
            ("audioFourCcInfoMap".to_owned(), info_map(&AUDIO_FOURCCS)),
            ("capsEx".to_owned(), Value::Number(CAPABILITIES_EX)),
        ]);
    }
    let information = Value::object([
        ("level", STATUS.into()),
        ("code", "NetConnection.Connect.Success".into()),
        ("description", "connection succeeded".into()),
        ("objectEncoding", Value::Number(0.0)),
    ]);
    Command {
        name: "_result".to_owned(),
        transaction,
        object: Value::Object(properties),
        arguments: vec![information],
    }
    .encode(0)
}

/// Refuses connect, and says where to go instead if there is a place.
pub(super) fn connect_error(
    transaction: f64,
    description: &str,
    redirect: Option<&str>,
) -> Message {
    let redirect = redirect
        .map(|url| Value::object([("code", Value::Number(302.0)), ("redirect", url.into())]));
    Command {
        name: "_error".to_owned(),
        transaction,
        object: Value::Null,
        arguments: vec![with_redirect("NetConnection.Connect.Rejected", description, redirect)],
    }
    .encode(0)
}

/// Sends a player or publisher elsewhere, as SRS does: with the code of a refused connection, on
/// stream 0. Only SRS edges follow it; others take it for an error, which it is.
pub(super) fn stream_redirect(tc_url: &str, full_url: &str) -> Message {
    let redirect = Value::object([
        ("code", Value::Number(302.0)),
        ("redirect", tc_url.into()),
        ("redirect2", full_url.into()),
    ]);
    let code = "NetConnection.Connect.Rejected";
    on_status(0, with_redirect(code, "RTMP 302 Redirect", Some(redirect)))
}

/// Asks the client to connect anew. Source: E-RTMP v2, reconnect request.
pub(super) fn reconnect_request(tc_url: &str) -> Message {
    on_status(
        0,
        Value::object([
            ("level", STATUS.into()),
            ("code", "NetConnection.Connect.ReconnectRequest".into()),
            ("description", "the stream is on another node".into()),
            ("tcUrl", tc_url.into()),
        ]),
    )
}

/// Tells of a stream's state.
pub(super) fn stream_status(stream_id: u32, level: &str, code: &str, text: &str) -> Message {
    on_status(stream_id, info(level, code, text))
}

/// Answers `FCPublish`, which Flash encoders wait for.
pub(super) fn on_fc_publish() -> Message {
    call("onFCPublish", info(STATUS, "NetStream.Publish.Start", "publishing"))
}

/// Answers a call with one value.
pub(super) fn result(transaction: f64, value: Value) -> Message {
    let (name, object) = ("_result".to_owned(), Value::Null);
    Command { name, transaction, object, arguments: vec![value] }.encode(0)
}

fn on_status(stream_id: u32, information: Value) -> Message {
    Message { stream_id, ..call("onStatus", information) }
}

fn call(name: &str, argument: Value) -> Message {
    let (name, object) = (name.to_owned(), Value::Null);
    Command { name, transaction: 0.0, object, arguments: vec![argument] }.encode(0)
}

fn info(level: &str, code: &str, description: &str) -> Value {
    Value::object([
        ("level", level.into()),
        ("code", code.into()),
        ("description", description.into()),
    ])
}

fn with_redirect(code: &str, description: &str, redirect: Option<Value>) -> Value {
    let mut properties: Properties = vec![
        ("level".to_owned(), ERROR.into()),
        ("code".to_owned(), code.into()),
        ("description".to_owned(), description.into()),
    ];
    if let Some(redirect) = redirect {
        properties.push(("ex".to_owned(), redirect));
    }
    Value::Object(properties)
}

fn info_map(fourccs: &[&str]) -> Value {
    let entry = |name: &&str| ((*name).to_owned(), Value::Number(CAN_FORWARD));
    Value::Object(fourccs.iter().map(entry).collect())
}
