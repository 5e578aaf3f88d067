//! Reads the description that a publisher sends with ANNOUNCE, or a server answers with.
//!
//! Tolerant where real ones need it: bare line feeds, white space around everything, attributes in
//! any order, static payload types without `rtpmap`, lines that mean nothing here.

use super::{MediaDescription, SdpError, SessionDescription};

/// Longest description.
pub const SDP_BYTES_MAX: usize = 64 * 1024;

/// Most parameters kept of a format; H.265 with everything has a dozen.
const PARAMETERS_MAX: usize = 64;

/// Reads a description with at most `media_max` media.
///
/// Source: RFC 8866 §9. Only the first payload type of a medium is looked at.
/// Errors: [`SdpError`], the first cause found.
pub fn parse(text: &[u8], media_max: usize) -> Result<SessionDescription, SdpError> {
    if text.len() > SDP_BYTES_MAX {
        return Err(SdpError::TooLong(text.len()));
    }
    let text = std::str::from_utf8(text).map_err(|_| SdpError::Encoding)?;
    let text = text.trim_start_matches('\u{feff}');
    let mut session = SessionDescription::default();
    let mut has_version = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        let Some((kind, value)) = line.split_once('=') else {
            continue;
        };
        let (kind, value) = (kind.trim_end(), value.trim_start());
        if !has_version {
            if (kind, value) != ("v", "0") {
                return Err(SdpError::Version);
            }
            has_version = true;
            continue;
        }
        match kind {
            "m" => {
                if session.media.len() == media_max {
                    return Err(SdpError::TooManyMedia(media_max));
                }
                session.media.push(read_media(value).ok_or(SdpError::Line(number + 1))?);
            }
            "a" => match session.media.last_mut() {
                Some(media) => read_attribute(value, media),
                None => read_session_attribute(value, &mut session),
            },
            _ => {}
        }
    }
    match (has_version, session.media.is_empty()) {
        (false, _) => Err(SdpError::Version),
        (true, true) => Err(SdpError::Empty),
        (true, false) => Ok(session),
    }
}

/// Source: RFC 8866 §5.14: `media port proto fmt …`.
fn read_media(value: &str) -> Option<MediaDescription> {
    let mut words = value.split_whitespace();
    let kind = words.next()?.to_owned();
    let _port = words.next()?;
    let _protocol = words.next()?;
    let payload_type = words.next().and_then(|word| word.parse().ok()).filter(|kind| *kind < 128);
    let mut media = MediaDescription { kind, ..MediaDescription::default() };
    match payload_type {
        Some(payload_type) => fill_static(payload_type, &mut media),
        // Data channels and the like name no payload type.
        None if media.kind != "video" && media.kind != "audio" => {}
        None => return None,
    }
    Some(media)
}

/// What a payload type means without `rtpmap`. Source: RFC 3551 §6.
fn fill_static(payload_type: u8, media: &mut MediaDescription) {
    let (encoding, clock_rate, channels) = match payload_type {
        0 => ("PCMU", 8000, Some(1)),
        8 => ("PCMA", 8000, Some(1)),
        14 => ("MPA", 90_000, None),
        _ => ("", 0, None),
    };
    media.payload_type = payload_type;
    media.encoding = encoding.to_owned();
    media.clock_rate = clock_rate;
    media.channels = channels;
}

fn read_session_attribute(value: &str, session: &mut SessionDescription) {
    if let Some(("control", url)) = split_attribute(value) {
        session.control = Some(url.to_owned());
    }
}

fn read_attribute(value: &str, media: &mut MediaDescription) {
    let Some((name, value)) = split_attribute(value) else {
        return;
    };
    if name.eq_ignore_ascii_case("control") {
        media.control = Some(value.to_owned());
        return;
    }
    let is_rtpmap = name.eq_ignore_ascii_case("rtpmap");
    if !is_rtpmap && !name.eq_ignore_ascii_case("fmtp") {
        return;
    }
    let Some((kind, rest)) = value.split_once(char::is_whitespace) else {
        return;
    };
    if kind.parse() != Ok(media.payload_type) {
        return;
    }
    if is_rtpmap { read_rtpmap(rest, media) } else { read_parameters(rest, media) }
}

/// Source: RFC 8866 §6.6: `encoding/clock[/channels]`. One without a clock changes nothing.
fn read_rtpmap(value: &str, media: &mut MediaDescription) {
    let mut parts = value.split('/').map(str::trim);
    let (Some(encoding), Some(clock)) = (parts.next(), parts.next()) else {
        return;
    };
    if let Ok(clock_rate) = clock.parse() {
        media.encoding = encoding.to_owned();
        media.clock_rate = clock_rate;
        media.channels = parts.next().and_then(|channels| channels.parse().ok());
    }
}

/// Source: RFC 8866 §6.15; `name=value` between semicolons is what all formats here have.
fn read_parameters(value: &str, media: &mut MediaDescription) {
    let pairs = value.split(';').filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = name.trim();
        (!name.is_empty()).then(|| (name.to_owned(), value.trim().to_owned()))
    });
    let room = PARAMETERS_MAX.saturating_sub(media.parameters.len());
    media.parameters.extend(pairs.take(room));
}

fn split_attribute(value: &str) -> Option<(&str, &str)> {
    let (name, value) = value.split_once(':')?;
    Some((name.trim(), value.trim()))
}
