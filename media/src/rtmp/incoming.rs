//! Media that a peer sends: by a publisher to a server, by a server to a player.

use super::aggregate::split_aggregate;
use super::amf0::{AmfError, AmfLimits, Value, decode_all};
use super::message::{CommandError, Message, MessageKind, amf0_body};
use super::metadata::hints;
use super::server_session::RtmpError;
use crate::flv::{Demuxer, TagKind};
use crate::packet::StreamItem;
use crate::time::Ticks;

/// What a message of media led to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Incoming {
    /// A packet, or news of the tracks.
    Item(StreamItem),
    /// The properties of `onMetaData`.
    MetaData(Value),
}

/// Hands a message of media or metadata to `demuxer`; messages of other kinds lead to nothing.
///
/// Errors: [`RtmpError::Media`], [`RtmpError::Truncated`], or metadata nested beyond `limits`.
pub(super) fn read(
    demuxer: &mut Demuxer,
    message: &Message,
    limits: AmfLimits,
) -> Result<Vec<Incoming>, RtmpError> {
    let mut found = Vec::new();
    if message.kind != MessageKind::Aggregate {
        read_single(demuxer, message, limits, &mut found)?;
        return Ok(found);
    }
    for part in split_aggregate(message)? {
        read_single(demuxer, &part, limits, &mut found)?;
    }
    Ok(found)
}

fn read_single(
    demuxer: &mut Demuxer,
    message: &Message,
    limits: AmfLimits,
    found: &mut Vec<Incoming>,
) -> Result<(), RtmpError> {
    let kind = match message.kind {
        MessageKind::Audio => TagKind::Audio,
        MessageKind::Video => TagKind::Video,
        MessageKind::DataAmf0 | MessageKind::DataAmf3 => {
            if let Some(properties) = on_meta_data(message, limits)? {
                demuxer.metadata(hints(&properties));
                found.push(Incoming::MetaData(properties));
            }
            return Ok(());
        }
        _ => return Ok(()),
    };
    let timestamp = Ticks::from_millis(message.timestamp);
    found.extend(demuxer.tag(kind, timestamp, &message.payload)?.into_iter().map(Incoming::Item));
    Ok(())
}

/// The properties behind `onMetaData`, which publishers wrap in `@setDataFrame`.
///
/// Metadata is a hint: what cannot be read is ignored, unless it nests beyond the limit, which no
/// encoder does.
fn on_meta_data(message: &Message, limits: AmfLimits) -> Result<Option<Value>, RtmpError> {
    let values = match decode_all(amf0_body(message.kind, &message.payload), limits) {
        Ok(values) => values,
        Err(error @ AmfError::TooDeep { .. }) => return Err(CommandError::from(error).into()),
        Err(_) => return Ok(None),
    };
    let mut values = values.into_iter().peekable();
    values.next_if(|value| value.as_str() == Some("@setDataFrame"));
    if values.next().is_none_or(|name| name.as_str() != Some("onMetaData")) {
        return Ok(None);
    }
    Ok(values.next())
}
