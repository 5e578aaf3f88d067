//! RTMP messages: what chunks carry, and what commands and control messages say.

use bytes::{Bytes, BytesMut};
use thiserror::Error;

use super::amf0::{AmfError, AmfLimits, Value, decode_all, encode_all};

/// What a message is. Source: RTMP 1.0 §5.4, §6.2, §7.1; 22 is §7.1.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// The sender's chunk size from here on.
    SetChunkSize,
    /// The rest of a message will not come.
    Abort,
    /// Bytes received so far.
    Acknowledgement,
    /// Stream begin, ping and the like.
    UserControl,
    /// How often the sender wants an acknowledgement.
    WindowAcknowledgementSize,
    /// How much the peer may send unacknowledged.
    SetPeerBandwidth,
    /// An audio tag's body.
    Audio,
    /// A video tag's body.
    Video,
    /// Metadata in AMF3.
    DataAmf3,
    /// A command in AMF3.
    CommandAmf3,
    /// Metadata in AMF0.
    DataAmf0,
    /// A command in AMF0.
    CommandAmf0,
    /// Several FLV tags.
    Aggregate,
    /// One that has no meaning here.
    Other(u8),
}

impl From<u8> for MessageKind {
    fn from(number: u8) -> Self {
        match number {
            1 => Self::SetChunkSize,
            2 => Self::Abort,
            3 => Self::Acknowledgement,
            4 => Self::UserControl,
            5 => Self::WindowAcknowledgementSize,
            6 => Self::SetPeerBandwidth,
            8 => Self::Audio,
            9 => Self::Video,
            15 => Self::DataAmf3,
            17 => Self::CommandAmf3,
            18 => Self::DataAmf0,
            20 => Self::CommandAmf0,
            22 => Self::Aggregate,
            other => Self::Other(other),
        }
    }
}

impl From<MessageKind> for u8 {
    fn from(kind: MessageKind) -> Self {
        match kind {
            MessageKind::SetChunkSize => 1,
            MessageKind::Abort => 2,
            MessageKind::Acknowledgement => 3,
            MessageKind::UserControl => 4,
            MessageKind::WindowAcknowledgementSize => 5,
            MessageKind::SetPeerBandwidth => 6,
            MessageKind::Audio => 8,
            MessageKind::Video => 9,
            MessageKind::DataAmf3 => 15,
            MessageKind::CommandAmf3 => 17,
            MessageKind::DataAmf0 => 18,
            MessageKind::CommandAmf0 => 20,
            MessageKind::Aggregate => 22,
            MessageKind::Other(other) => other,
        }
    }
}

/// One message, put together from its chunks or about to be cut into them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: MessageKind,
    /// The message stream it belongs to; 0 is the connection itself.
    pub stream_id: u32,
    /// Milliseconds. On the wire they wrap after 49 days; here those of audio and video do not.
    pub timestamp: i64,
    /// Its body.
    pub payload: Bytes,
}

/// User control events. Source: RTMP 1.0 §7.1.7.
pub mod event {
    /// A stream has begun; followed by its id.
    pub const STREAM_BEGIN: u16 = 0;
    /// A stream has ended; followed by its id.
    pub const STREAM_END: u16 = 1;
    /// How far ahead a player buffers; followed by the stream's id and milliseconds.
    pub const SET_BUFFER_LENGTH: u16 = 3;
    /// Asks for a pong with the same time stamp.
    pub const PING_REQUEST: u16 = 6;
    /// Answers a ping.
    pub const PING_RESPONSE: u16 = 7;
}

/// A remote call or the answer to one. Source: RTMP 1.0 §7.2.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// `connect`, `publish`, `_result`, …
    pub name: String,
    /// Ties an answer to its call; 0 asks for none.
    pub transaction: f64,
    /// What the standard calls the command object, `Null` in most.
    pub object: Value,
    /// What follows.
    pub arguments: Vec<Value>,
}

/// Why a message is not a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// Its body is not AMF0.
    #[error(transparent)]
    Amf(#[from] AmfError),
    /// It does not begin with a name.
    #[error("command without a name")]
    Nameless,
}

impl Command {
    /// Reads a command from the body of a message of `kind`. That in AMF3 is AMF0 behind one byte.
    ///
    /// Errors: [`CommandError`] if it is not one, or over `limits`.
    pub fn decode(kind: MessageKind, body: &[u8], limits: AmfLimits) -> Result<Self, CommandError> {
        let mut values = decode_all(amf0_body(kind, body), limits)?.into_iter();
        let Some(Value::String(name)) = values.next() else {
            return Err(CommandError::Nameless);
        };
        let transaction = values.next().and_then(|value| value.as_number()).unwrap_or(0.0);
        let object = values.next().unwrap_or(Value::Null);
        Ok(Self { name, transaction, object, arguments: values.collect() })
    }

    /// Writes it as an AMF0 message on `stream_id`.
    #[must_use]
    pub fn encode(self, stream_id: u32) -> Message {
        let mut body = BytesMut::with_capacity(256);
        Value::String(self.name).encode(&mut body);
        Value::Number(self.transaction).encode(&mut body);
        self.object.encode(&mut body);
        encode_all(&self.arguments, &mut body);
        Message { kind: MessageKind::CommandAmf0, stream_id, timestamp: 0, payload: body.freeze() }
    }

    /// The text at `index` of the arguments.
    #[must_use]
    pub fn text(&self, index: usize) -> Option<&str> {
        self.arguments.get(index).and_then(Value::as_str)
    }
}

/// The AMF0 part of a body: AMF3 messages put one byte before it.
#[must_use]
pub fn amf0_body(kind: MessageKind, body: &[u8]) -> &[u8] {
    match kind {
        MessageKind::CommandAmf3 | MessageKind::DataAmf3 => body.get(1..).unwrap_or_default(),
        _ => body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtmp::Limits;

    #[test]
    fn amf3_command_is_read_behind_its_first_byte() {
        let call = Command {
            name: "publish".into(),
            transaction: 5.0,
            object: Value::Null,
            arguments: vec!["cam1".into(), "live".into()],
        };
        let body = call.clone().encode(1).payload;
        let amf3 = [&[0], &body[..]].concat();
        let limits = Limits::default().amf;
        assert_eq!(Command::decode(MessageKind::CommandAmf0, &body, limits), Ok(call.clone()));
        assert_eq!(Command::decode(MessageKind::CommandAmf3, &amf3, limits), Ok(call));
    }

    #[test]
    fn nameless_command_is_an_error() {
        let limits = Limits::default().amf;
        for body in [&b""[..], b"\x05", b"\x00\0\0\0\0\0\0\0\0"] {
            let read = Command::decode(MessageKind::CommandAmf0, body, limits);
            assert_eq!(read, Err(CommandError::Nameless));
        }
    }

    #[test]
    fn kinds_and_numbers_agree() {
        for number in 0..=255 {
            assert_eq!(u8::from(MessageKind::from(number)), number);
        }
    }
}
