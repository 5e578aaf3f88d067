//! The `Transport` header: what a client offers, and what of it is taken.
//!
//! Source: RFC 2326 §12.39.

use core::net::IpAddr;

use crate::rtsp::parameters::{Parameter, parameters, split_unquoted};

/// How the packets of a track travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackTransport {
    /// On channels of the control connection.
    Tcp {
        /// The channel of RTP packets.
        rtp_channel: u8,
        /// The channel of RTCP packets.
        rtcp_channel: u8,
    },
    /// To and from ports of the client, at the control connection's address and no other.
    Udp {
        /// The client's port for RTP.
        rtp_port: u16,
        /// The client's port for RTCP.
        rtcp_port: u16,
    },
}

impl TrackTransport {
    /// Whether it is UDP.
    #[must_use]
    pub const fn is_udp(self) -> bool {
        matches!(self, Self::Udp { .. })
    }

    /// Whether both would use one channel.
    fn overlaps(self, other: Self) -> bool {
        let channels = |transport| match transport {
            Self::Tcp { rtp_channel, rtcp_channel } => Some([rtp_channel, rtcp_channel]),
            Self::Udp { .. } => None,
        };
        let (Some(ours), Some(theirs)) = (channels(self), channels(other)) else {
            return false;
        };
        ours.iter().any(|channel| theirs.contains(channel))
    }
}

/// What decides on a client's offers.
pub(super) struct Terms<'a> {
    /// The address of the connection.
    pub(super) client: IpAddr,
    pub(super) allows_udp: bool,
    pub(super) is_record: bool,
    /// Transports of the other tracks. All are of one kind, and no channel is used twice.
    pub(super) others: &'a [TrackTransport],
}

/// Takes the first of the alternatives in `header` that is acceptable, and gives the beginning of
/// the answer's header with it.
pub(super) fn choose(header: &str, terms: &Terms<'_>) -> Option<(TrackTransport, String)> {
    split_unquoted(header, ',').find_map(|offer| {
        let transport = accept(offer, terms)?;
        Some((transport, describe(offer, transport, terms.is_record)))
    })
}

fn accept(offer: &str, terms: &Terms<'_>) -> Option<TrackTransport> {
    let mut all = parameters(offer, ';');
    let profile = all.next()?.name;
    let is_tcp = profile.eq_ignore_ascii_case("RTP/AVP/TCP");
    let is_udp = ["RTP/AVP", "RTP/AVP/UDP"].iter().any(|udp| profile.eq_ignore_ascii_case(udp));
    let all: Vec<Parameter> = all.collect();
    let is_refused = |parameter: &Parameter| {
        let value = parameter.value.as_deref().unwrap_or_default();
        // No delivery named is taken for unicast: clients that forget it mean it.
        parameter.is("multicast")
            || parameter.is("destination") && !is_address(value, terms.client)
            || parameter.is("mode") && !allows_mode(value, terms.is_record)
    };
    if !is_tcp && !is_udp || is_udp && !terms.allows_udp || all.iter().any(is_refused) {
        return None;
    }
    let pair_of = |name: &str| all.iter().find(|p| p.is(name)).map(|p| p.value.as_deref());
    let transport = if is_tcp {
        match pair_of("interleaved") {
            Some(channels) => tcp(pair(channels?)?)?,
            None => first_free(terms.others)?,
        }
    } else {
        let (rtp_port, rtcp_port) = pair(pair_of("client_port")??)?;
        if rtp_port == 0 || rtcp_port == 0 {
            return None;
        }
        TrackTransport::Udp { rtp_port, rtcp_port }
    };
    let fits =
        |other: &TrackTransport| other.is_udp() == transport.is_udp() && !other.overlaps(transport);
    terms.others.iter().all(fits).then_some(transport)
}

/// The answer's header, which repeats the profile as the client calls it.
fn describe(offer: &str, transport: TrackTransport, is_record: bool) -> String {
    let profile = split_unquoted(offer, ';').next().unwrap_or_default();
    let mode = if is_record { ";mode=record" } else { "" };
    match transport {
        TrackTransport::Tcp { rtp_channel, rtcp_channel } => {
            format!("{profile};unicast;interleaved={rtp_channel}-{rtcp_channel}{mode}")
        }
        TrackTransport::Udp { rtp_port, rtcp_port } => {
            format!("{profile};unicast;client_port={rtp_port}-{rtcp_port}{mode}")
        }
    }
}

/// `a-b`, or `a` alone, which implies the number after it.
fn pair(text: &str) -> Option<(u16, u16)> {
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { text.parse::<u16>().ok() } else { None }
    };
    match text.split_once('-') {
        Some((first, second)) => Some((number(first.trim())?, number(second.trim())?)),
        None => number(text).and_then(|first| Some((first, first.checked_add(1)?))),
    }
}

fn tcp((rtp, rtcp): (u16, u16)) -> Option<TrackTransport> {
    let (rtp_channel, rtcp_channel) = (u8::try_from(rtp).ok()?, u8::try_from(rtcp).ok()?);
    (rtp != rtcp).then_some(TrackTransport::Tcp { rtp_channel, rtcp_channel })
}

/// Channels for a client that leaves the choice to the server.
fn first_free(others: &[TrackTransport]) -> Option<TrackTransport> {
    let pairs = (0..=u8::MAX).step_by(2).zip((1..=u8::MAX).step_by(2));
    pairs
        .map(|(rtp_channel, rtcp_channel)| TrackTransport::Tcp { rtp_channel, rtcp_channel })
        .find(|candidate| !others.iter().any(|other| other.overlaps(*candidate)))
}

/// Whether `text` is the client's own address. Nothing is ever sent to another one, so that a
/// stream cannot be aimed at a third party.
fn is_address(text: &str, client: IpAddr) -> bool {
    let text = text.trim_start_matches('[').trim_end_matches(']');
    text.parse::<IpAddr>().is_ok_and(|address| address.to_canonical() == client.to_canonical())
}

/// Whether a `mode` fits. Older clients of ffmpeg's lineage say `receive` for `record`.
fn allows_mode(value: &str, is_record: bool) -> bool {
    value.split(',').map(str::trim).any(|mode| {
        let is = |name: &str| mode.eq_ignore_ascii_case(name);
        if is_record { is("RECORD") || is("receive") } else { is("PLAY") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "192.0.2.7";

    fn answer(
        header: &str,
        allows_udp: bool,
        is_record: bool,
        others: &[TrackTransport],
    ) -> String {
        let client = CLIENT.parse().unwrap();
        let terms = Terms { client, allows_udp, is_record, others };
        choose(header, &terms).map_or("-".to_owned(), |(_, answer)| answer)
    }

    #[test]
    fn first_acceptable_alternative_is_taken() {
        let table = [
            ("RTP/AVP/TCP;unicast;interleaved=0-1", "RTP/AVP/TCP;unicast;interleaved=0-1"),
            ("RTP/AVP/TCP;interleaved=254", "RTP/AVP/TCP;unicast;interleaved=254-255"),
            ("RTP/AVP/TCP;unicast", "RTP/AVP/TCP;unicast;interleaved=0-1"),
            ("rtp/avp/tcp ; unicast ; interleaved=4-5", "rtp/avp/tcp;unicast;interleaved=4-5"),
            ("RTP/AVP;unicast;client_port=5000-5001", "RTP/AVP;unicast;client_port=5000-5001"),
            ("RTP/AVP/UDP;unicast;client_port=5000", "RTP/AVP/UDP;unicast;client_port=5000-5001"),
            (
                "RTP/AVP;multicast, RTP/SAVP;unicast;client_port=1-2,RTP/AVP/TCP;interleaved=2-3",
                "RTP/AVP/TCP;unicast;interleaved=2-3",
            ),
            (
                "RTP/AVP/UDP;unicast;client_port=6-7;mode=\"PLAY,RECORD\",RTP/AVP/TCP",
                "RTP/AVP/UDP;unicast;client_port=6-7",
            ),
            (
                "RTP/AVP;unicast;destination=192.0.2.7;client_port=6-7",
                "RTP/AVP;unicast;client_port=6-7",
            ),
        ];
        for (header, wanted) in table {
            assert_eq!(answer(header, true, false, &[]), wanted, "{header}");
        }
    }

    #[test]
    fn what_cannot_or_must_not_be_served_is_refused() {
        let table = [
            "",
            ",,;",
            "RTP/AVP",
            "RTP/AVP;unicast",
            "RTP/AVP;unicast;client_port",
            "RTP/AVP;unicast;client_port=",
            "RTP/AVP;unicast;client_port=0-1",
            "RTP/AVP;unicast;client_port=65535",
            "RTP/AVP;unicast;client_port=65536-65537",
            "RTP/AVP;unicast;client_port=-1-5",
            "RTP/AVP;multicast;client_port=5000-5001",
            "RTP/AVP;unicast;destination=192.0.2.8;client_port=5000-5001",
            "RTP/AVP;unicast;destination=victim.example;client_port=5000-5001",
            "RTP/AVP;unicast;destination;client_port=5000-5001",
            "RTP/AVP/TCP;unicast;destination=192.0.2.8;interleaved=0-1",
            "RTP/AVP;unicast;client_port=5000-5001;mode=record",
            "RTP/SAVPF;unicast;client_port=5000-5001",
            "RAW/RAW/UDP;unicast;client_port=5000-5001",
            "RTP/AVP/TCP;interleaved",
            "RTP/AVP/TCP;interleaved=255",
            "RTP/AVP/TCP;interleaved=255-256",
            "RTP/AVP/TCP;interleaved=1-1",
            "RTP/AVP/TCP;interleaved=+0-1",
        ];
        for header in table {
            assert_eq!(answer(header, true, false, &[]), "-", "{header}");
        }
        assert_eq!(answer("RTP/AVP;unicast;client_port=5000-5001", false, false, &[]), "-");
    }

    #[test]
    fn tracks_share_a_kind_and_no_channel() {
        let tcp = [TrackTransport::Tcp { rtp_channel: 0, rtcp_channel: 1 }];
        let udp = [TrackTransport::Udp { rtp_port: 5000, rtcp_port: 5001 }];
        let table = [
            ("RTP/AVP/TCP;interleaved=1-2", &tcp[..], "-"),
            ("RTP/AVP/TCP;interleaved=2-0", &tcp[..], "-"),
            ("RTP/AVP/TCP", &tcp[..], "RTP/AVP/TCP;unicast;interleaved=2-3"),
            ("RTP/AVP;client_port=6-7", &tcp[..], "-"),
            ("RTP/AVP/TCP;interleaved=2-3", &udp[..], "-"),
            ("RTP/AVP;client_port=5000-5001", &udp[..], "RTP/AVP;unicast;client_port=5000-5001"),
        ];
        for (header, others, wanted) in table {
            assert_eq!(answer(header, true, false, others), wanted, "{header}");
        }
    }

    #[test]
    fn recorders_say_record_or_receive_or_nothing() {
        for (mode, is_taken) in
            [("", true), (";mode=record", true), (";mode=\"RECEIVE\"", true), (";mode=play", false)]
        {
            let header = format!("RTP/AVP/TCP;unicast;interleaved=0-1{mode}");
            let wanted =
                if is_taken { "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record" } else { "-" };
            assert_eq!(answer(&header, true, true, &[]), wanted, "{header}");
        }
    }
}
