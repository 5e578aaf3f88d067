//! Writes the description of a stream, for DESCRIBE.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::rtp;
use crate::track::{CodecConfig, Track, TrackKind};

/// Who made a description. Source: RFC 8866 §5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// A number that no other description of the host has.
    pub session_id: u64,
    /// The address of this host as text (`192.0.2.1`, `2001:db8::1`).
    pub address: &'a str,
}

/// Describes a stream: a medium for each carried track, controlled as `trackID=0`, `trackID=1`, ….
///
/// The order is that of [`rtp::carried`]. `name` is for people.
/// Source: RFC 8866; RFC 2326 §C.1.1 (`control`), §C.1.5 (`range`: live, so without end).
#[must_use]
pub fn describe(name: &str, origin: Origin<'_>, tracks: &[Track]) -> String {
    let mut text = String::with_capacity(1024);
    let (family, any) =
        if origin.address.contains(':') { ("IP6", "::") } else { ("IP4", "0.0.0.0") };
    // A name must not be empty (§5.3), nor begin another line.
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let name = if name.is_empty() { "-" } else { &name };
    let Origin { session_id, address } = origin;
    put(&mut text, format_args!("v=0"));
    put(&mut text, format_args!("o=- {session_id} 1 IN {family} {address}"));
    put(&mut text, format_args!("s={name}"));
    put(&mut text, format_args!("c=IN {family} {any}"));
    put(&mut text, format_args!("t=0 0"));
    put(&mut text, format_args!("a=control:*"));
    put(&mut text, format_args!("a=range:npt=now-"));
    for (index, track) in (0_u8..).zip(rtp::carried(tracks)) {
        put_media(&mut text, index, track);
    }
    text
}

fn put_media(text: &mut String, index: u8, track: &Track) {
    let Some(format) = rtp::format(&track.codec, index) else { return };
    let kind = match track.codec.kind() {
        TrackKind::Video => "video",
        TrackKind::Audio => "audio",
    };
    let rtp::Format { payload_type, encoding, clock_rate, channels } = format;
    put(text, format_args!("m={kind} 0 RTP/AVP {payload_type}"));
    match channels {
        Some(channels) => {
            put(text, format_args!("a=rtpmap:{payload_type} {encoding}/{clock_rate}/{channels}"));
        }
        None => put(text, format_args!("a=rtpmap:{payload_type} {encoding}/{clock_rate}")),
    }
    if let Some(parameters) = parameters(&track.codec) {
        put(text, format_args!("a=fmtp:{payload_type} {parameters}"));
    }
    if let Some(language) = &track.language
        && language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        put(text, format_args!("a=lang:{language}"));
    }
    put(text, format_args!("a=control:trackID={index}"));
}

/// The `fmtp` of a codec.
fn parameters(codec: &CodecConfig) -> Option<String> {
    match codec {
        // Source: RFC 6184 §8.1.
        CodecConfig::H264 { sps, pps, .. } => {
            let profile = hex(sps.get(1..4).unwrap_or_default());
            let sets = base64_list(std::iter::once(sps).chain(pps));
            let sets = format!("sprop-parameter-sets={sets}; profile-level-id={profile}");
            Some(format!("packetization-mode=1; {sets}"))
        }
        // Source: RFC 7798 §7.1.
        CodecConfig::H265 { vps, sps, pps, .. } => {
            let named = [("sprop-vps", vps), ("sprop-sps", sps), ("sprop-pps", pps)];
            let present = named.into_iter().filter(|(_, sets)| !sets.is_empty());
            let sets: Vec<String> =
                present.map(|(name, sets)| format!("{name}={}", base64_list(sets))).collect();
            Some(sets.join("; "))
        }
        // Source: RFC 3640 §4.1 and §3.3.6. The profile is for MPEG-4 systems; 1 is what players
        // have always been told.
        CodecConfig::Aac { config, .. } => Some(format!(
            "streamtype=5; profile-level-id=1; mode=AAC-hbr; sizelength=13; indexlength=3; \
             indexdeltalength=3; config={}",
            hex(config)
        )),
        // Source: RFC 7587 §6.1.
        CodecConfig::Opus { audio } if audio.channels > 1 => Some("sprop-stereo=1".to_owned()),
        CodecConfig::Opus { .. }
        | CodecConfig::Mp3 { .. }
        | CodecConfig::Ac3 { .. }
        | CodecConfig::G711 { .. }
        | CodecConfig::Av1 { .. }
        | CodecConfig::Vp9 { .. } => None,
    }
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(format_args!("{line}\r\n"));
}

fn base64_list<'a>(sets: impl IntoIterator<Item = &'a Bytes>) -> String {
    let encoded: Vec<String> = sets.into_iter().map(|set| STANDARD.encode(set)).collect();
    encoded.join(",")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}
