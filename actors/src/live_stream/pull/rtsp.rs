//! `rtsp://`: plays a camera or server, by `retina`.
//!
//! The policies are the tolerant ones: cameras break the rules, and a picture is better than a
//! reason. Audio and video are brought onto one timeline by [`RtspClocks`]; decode times, which RTP
//! does not carry, are made by [`DecodeTimes`].

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use retina::client::{
    Credentials, Demuxed, Described, InitialTimestampPolicy, PlayOptions, Session, SessionIdPolicy,
    SessionOptions, SetupOptions, TcpTransportOptions, Transport, UdpTransportOptions,
    UnassignedChannelDataPolicy, UnknownRtcpSsrcPolicy,
};
use retina::codec::{CodecItem, FrameFormat, ParametersRef, VideoParametersCodec};
use tokio::time::{Instant, timeout};
use watershed_media::codec::{aac, h264, h265};
use watershed_media::packet::{MediaPacket, StreamItem};
use watershed_media::time::Ticks;
use watershed_media::track::{AudioShape, CodecConfig, Track, TrackId};

use super::decode_times::DecodeTimes;
use super::error::PullError;
use super::rtsp_clocks::RtspClocks;
use super::sink::Sink;
use super::source::{PullSource, RtspTransport};

/// For each of DESCRIBE, SETUP and PLAY.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Most tracks of a stream.
const TRACKS_MAX: usize = 8;
/// How long is waited for the parameter sets of a track that the SDP does not tell.
const PARAMETERS_WAIT: Duration = Duration::from_secs(3);
/// The RTCP packet by which a source leaves. Source: RFC 3550 §12.1.
const RTCP_BYE: u8 = 203;
/// What a server answers that does not speak a transport. Source: RFC 2326 §11.3.14.
const UNSUPPORTED_TRANSPORT: u16 = 461;
/// Broken RTP packets in a row that are left out before the input fails.
const BROKEN_PACKETS_MAX: u32 = 100;

/// Plays until it fails.
pub(super) async fn play(source: &PullSource, sink: &Sink) -> Result<Infallible, PullError> {
    let credentials = source.url.credentials();
    let credentials = credentials.map(|(username, password)| Credentials { username, password });
    let options = SessionOptions::default()
        .creds(credentials)
        .user_agent(super::USER_AGENT.to_owned())
        .session_id(SessionIdPolicy::UseFirst)
        .unassigned_channel_data(UnassignedChannelDataPolicy::Ignore);
    let url = source.url.without_credentials();
    let mut session = answered(Session::describe(url, options)).await?;
    let lanes = set_up(&mut session, source.rtsp_transport).await?;
    let options = PlayOptions::default()
        .initial_timestamp(InitialTimestampPolicy::Permissive)
        .unknown_rtcp_ssrc(UnknownRtcpSsrcPolicy::ProcessPackets);
    let playing = answered(session.play(options)).await?;
    let media = playing.demuxed().map_err(|error| failure(&error))?;
    Receiver::new(media, lanes).receive(sink).await
}

/// Awaits one answer, for a while.
async fn answered<T>(
    asking: impl Future<Output = Result<T, retina::Error>>,
) -> Result<T, PullError> {
    match timeout(ANSWER_TIMEOUT, asking).await {
        Ok(answer) => answer.map_err(|error| failure(&error)),
        Err(_) => Err(PullError::NoAnswer(ANSWER_TIMEOUT)),
    }
}

/// The library's words are for people who debug it; their first line says what matters.
fn failure(error: &retina::Error) -> PullError {
    if let Some(code) = error.status_code().filter(|code| *code != 200) {
        return PullError::Status { code };
    }
    let words = error.to_string();
    let first = words.lines().next().unwrap_or_default();
    if first.contains("Connection refused") {
        return std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into();
    }
    PullError::Media(first.chars().filter(|c| !c.is_control()).take(200).collect())
}

/// Asks for all tracks that can be carried; yields them by the session's numbers.
async fn set_up(
    session: &mut Session<Described>,
    mut transport: RtspTransport,
) -> Result<Vec<Option<Lane>>, PullError> {
    let mut lanes: Vec<Option<Lane>> = Vec::new();
    let mut found = Vec::new();
    for index in 0..session.streams().len() {
        let stream = &session.streams()[index];
        let name = stream.encoding_name().to_owned();
        let kind = LaneKind::of(stream.media(), &name);
        let id = lanes.iter().flatten().count();
        let kind = kind.filter(|_| id < TRACKS_MAX);
        lanes.push(kind.map(|kind| Lane {
            id: TrackId(u8::try_from(id).unwrap_or(u8::MAX)),
            kind,
            decode_times: DecodeTimes::default(),
            codec: None,
            has_left: false,
        }));
        found.push(name);
        if kind.is_none() {
            continue;
        }
        match answered(session.setup(index, setup_options(transport))).await {
            Err(PullError::Status { code: UNSUPPORTED_TRANSPORT })
                if transport == RtspTransport::Auto =>
            {
                transport = RtspTransport::Udp;
                answered(session.setup(index, setup_options(transport))).await?;
            }
            answer => answer?,
        }
    }
    if lanes.iter().all(Option::is_none) {
        let words = format!("none of its tracks can be carried: {}", found.join(", "));
        return Err(PullError::Media(words));
    }
    Ok(lanes)
}

fn setup_options(transport: RtspTransport) -> SetupOptions {
    let transport = match transport {
        RtspTransport::Auto | RtspTransport::Tcp => Transport::Tcp(TcpTransportOptions::default()),
        RtspTransport::Udp => Transport::Udp(UdpTransportOptions::default()),
    };
    SetupOptions::default().transport(transport).frame_format(FrameFormat::MP4)
}

/// A track of the session that was asked for.
#[derive(Debug)]
struct Lane {
    id: TrackId,
    kind: LaneKind,
    decode_times: DecodeTimes<(bool, Bytes)>,
    /// As last announced or about to be; unknown until its parameter sets have come.
    codec: Option<CodecConfig>,
    /// The server has said that it ended.
    has_left: bool,
}

/// What the library takes apart, and we carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LaneKind {
    Video,
    Aac,
    G711 { is_alaw: bool },
}

impl LaneKind {
    fn of(media: &str, encoding_name: &str) -> Option<Self> {
        match (media, encoding_name) {
            ("video", "h264" | "h265") => Some(Self::Video),
            ("audio", "mpeg4-generic") => Some(Self::Aac),
            ("audio", "pcma") => Some(Self::G711 { is_alaw: true }),
            ("audio", "pcmu") => Some(Self::G711 { is_alaw: false }),
            _ => None,
        }
    }
}

/// Turns what the library yields into items.
struct Receiver {
    media: Demuxed,
    lanes: Vec<Option<Lane>>,
    clocks: RtspClocks,
    /// When the first frame came; tracks are announced when all are known, or a while after it.
    first_frame: Option<Instant>,
    is_announced: bool,
}

impl Receiver {
    fn new(media: Demuxed, lanes: Vec<Option<Lane>>) -> Self {
        let clocks = RtspClocks::new(lanes.len());
        Self { media, lanes, clocks, first_frame: None, is_announced: false }
    }

    async fn receive(mut self, sink: &Sink) -> Result<Infallible, PullError> {
        let mut broken = None;
        let mut broken_count = 0;
        loop {
            match self.media.next().await {
                Some(Ok(item)) => {
                    broken_count = 0;
                    self.take(item, sink)?;
                }
                Some(Err(error)) => {
                    broken_count += 1;
                    // Only those of a single packet name its source.
                    if !error.to_string().contains("\nssrc: ") || broken_count > BROKEN_PACKETS_MAX
                    {
                        return Err(failure(&error));
                    }
                    log::debug!("rtsp packet left out: {}", failure(&error));
                    broken = Some(error);
                }
                None => {
                    let cause = broken.map(|error| failure(&error));
                    return Err(cause.unwrap_or_else(|| PullError::Ended(String::new())));
                }
            }
        }
    }

    fn take(&mut self, item: CodecItem, sink: &Sink) -> Result<(), PullError> {
        match item {
            CodecItem::VideoFrame(frame) => {
                let (index, time) = (frame.stream_id(), ticks(frame.timestamp()));
                let is_new = frame.has_new_parameters();
                self.deliver(index, time, is_new, frame.into_data().into(), sink)
            }
            CodecItem::AudioFrame(frame) => {
                let (index, time) = (frame.stream_id(), ticks(frame.timestamp()));
                let data = Bytes::copy_from_slice(frame.data());
                self.deliver(index, time, false, data, sink)
            }
            CodecItem::Rtcp(compound) => {
                let report =
                    compound.pkts().find_map(|packet| packet.as_sender_report().ok().flatten());
                if let (Some(report), Some(time)) = (report, compound.rtp_timestamp()) {
                    let ntp = report.ntp_timestamp().0;
                    self.clocks.report(compound.stream_id(), ntp, ticks(time));
                }
                if compound.pkts().any(|packet| packet.payload_type() == RTCP_BYE) {
                    self.leave(compound.stream_id())?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Notes that a track has ended; with the last one the stream has. Servers of files keep the
    /// connection then.
    fn leave(&mut self, index: usize) -> Result<(), PullError> {
        if let Some(Some(lane)) = self.lanes.get_mut(index) {
            lane.has_left = true;
        }
        if self.lanes.iter().flatten().all(|lane| lane.has_left) {
            return Err(PullError::Ended(String::new()));
        }
        Ok(())
    }

    fn deliver(
        &mut self,
        index: usize,
        time: Ticks,
        has_new_parameters: bool,
        payload: Bytes,
        sink: &Sink,
    ) -> Result<(), PullError> {
        if has_new_parameters || !self.is_announced {
            self.announce(has_new_parameters, sink)?;
        }
        let pts = self.clocks.place(index, time);
        let Some(Some(lane)) = self.lanes.get_mut(index) else {
            return Ok(());
        };
        let Some(codec) = lane.codec.as_ref().filter(|_| self.is_announced) else {
            return Ok(());
        };
        let is_keyframe = match codec {
            CodecConfig::H264 { .. } => h264::is_keyframe(&payload),
            CodecConfig::H265 { .. } => h265::is_keyframe(&payload),
            _ => true,
        };
        let track = lane.id;
        let packet = |dts, pts, is_keyframe, payload| {
            StreamItem::Packet(MediaPacket { track, dts, pts, is_keyframe, payload })
        };
        if lane.kind != LaneKind::Video {
            return sink.write(packet(pts, pts, is_keyframe, payload));
        }
        for timed in lane.decode_times.push(pts, (is_keyframe, payload)) {
            let (is_keyframe, payload) = timed.frame;
            sink.write(packet(timed.dts, timed.pts, is_keyframe, payload))?;
        }
        Ok(())
    }

    /// Says what the tracks are, once all are known or waited for long enough, and when they
    /// change.
    fn announce(&mut self, has_new_parameters: bool, sink: &Sink) -> Result<(), PullError> {
        let mut is_changed = false;
        for (stream, lane) in self.media.streams().iter().zip(&mut self.lanes) {
            let Some(lane) = lane else { continue };
            if lane.codec.is_none() || has_new_parameters {
                let codec = stream.parameters().and_then(|known| codec_config(lane.kind, &known));
                is_changed |= codec.is_some() && codec != lane.codec;
                lane.codec = codec.or(lane.codec.take());
            }
        }
        let waited = self.first_frame.get_or_insert_with(Instant::now).elapsed();
        let mut lanes = self.lanes.iter().flatten();
        let is_due = lanes.all(|lane| lane.codec.is_some()) || waited > PARAMETERS_WAIT;
        if !is_due || (self.is_announced && !is_changed) {
            return Ok(());
        }
        let track =
            |lane: &Lane| Some(Track { id: lane.id, codec: lane.codec.clone()?, language: None });
        let tracks: Arc<[Track]> = self.lanes.iter().flatten().filter_map(track).collect();
        if tracks.is_empty() {
            return Ok(());
        }
        self.is_announced = true;
        sink.write(StreamItem::Tracks(tracks))
    }
}

fn ticks(time: retina::Timestamp) -> Ticks {
    Ticks::from_clock(time.elapsed(), time.clock_rate().get())
}

/// The track as the packet model describes it; `None` for parameters that cannot be read.
fn codec_config(kind: LaneKind, parameters: &ParametersRef<'_>) -> Option<CodecConfig> {
    match (kind, parameters) {
        (LaneKind::Video, ParametersRef::Video(video)) => match video.codec_params() {
            VideoParametersCodec::H264 { sps, pps } => {
                h264::config_from_parameter_sets(sps.clone(), vec![pps.clone()]).ok()
            }
            VideoParametersCodec::H265 { vps, sps, pps } => {
                let (vps, sps, pps) = (vec![vps.clone()], vec![sps.clone()], vec![pps.clone()]);
                h265::config_from_parameter_sets(vps, sps, pps).ok()
            }
            _ => None,
        },
        (LaneKind::Aac, ParametersRef::Audio(audio)) => {
            aac::parse_audio_specific_config(audio.extra_data()).ok()
        }
        (LaneKind::G711 { is_alaw }, ParametersRef::Audio(audio)) => Some(CodecConfig::G711 {
            is_alaw,
            audio: AudioShape {
                sample_rate: audio.clock_rate(),
                channels: u8::try_from(audio.channels().get()).ok()?,
            },
        }),
        _ => None,
    }
}
