//! From the words of the configuration to what each part of the node is made from.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use watershed_actors::egress::EgressPolicy;
use watershed_actors::fan_out::FanOutSettings;
use watershed_actors::live_stream::{
    InputSource, InputSpec, Password, PullLimits, PullSource, PullUrl, RtspTransport, StreamSpec,
};
use watershed_actors::peer_actor::{FetchLimits, PeerConfig};
use watershed_actors::redirect::{PeerAddresses, RedirectMode, RedirectPolicy};
use watershed_actors::report::{ReportLimits, Title};
use watershed_actors::signature::ClusterKey;
use watershed_actors::stream_hub::{SetStreams, TemplateSpec};
use watershed_actors::vod::{VodLimits, VodSpec};
use watershed_media::rtmp::amf0::AmfLimits;
use watershed_media::rtmp::{Limits as RtmpLimits, ServerConfig};
use watershed_media::rtsp::RtspLimits;

use crate::play::{PlaySettings, PreviewLimits};
use crate::settings::Settings;
use crate::settings::model::{
    self, HlsRedirect, Input, Peer, RedirectMode as WantedRedirect, Stream, Vod,
};

/// A player without media is ended after twice the time that an input may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// A player that fell out of the ring this often is too slow for the stream.
const SKIPS_MAX: u32 = 5;

/// The streams and templates of `settings`, whose relative files are below `folder`.
///
/// Validation has refused names and inputs that cannot be captured, so nothing is left out of a
/// configuration that was accepted.
pub(super) fn streams(settings: &Settings, folder: &Path) -> SetStreams {
    let inputs = InputRules {
        folder,
        egress: Arc::new(EgressPolicy::new(settings.egress_allow.clone())),
        limits: PullLimits {
            playlist_bytes_max: settings.limits.playlist_bytes,
            segment_bytes_max: settings.limits.segment_bytes,
        },
    };
    let templates = settings.templates.iter().filter_map(|template| {
        let prefix = template.prefix.parse().ok()?;
        Some(TemplateSpec { prefix, stream: stream_spec(&template.stream, &inputs)? })
    });
    let streams = settings.streams.iter();
    let streams = streams.filter_map(|stream| stream_spec(stream, &inputs));
    SetStreams {
        streams: streams.collect(),
        templates: templates.collect(),
        template_streams_max: settings.limits.template_streams,
    }
}

/// What holds for the inputs of all streams.
struct InputRules<'a> {
    /// Relative files are below it.
    folder: &'a Path,
    egress: Arc<EgressPolicy>,
    limits: PullLimits,
}

fn stream_spec(stream: &Stream, rules: &InputRules<'_>) -> Option<StreamSpec> {
    let inputs = stream.inputs.iter().enumerate();
    Some(StreamSpec {
        name: stream.name.parse().ok()?,
        title: stream.title.as_deref().and_then(Title::of),
        inputs: inputs
            .filter_map(|(index, input)| {
                let source = input_source(input, rules)?;
                Some(input_spec(index, input, source, stream))
            })
            .collect(),
        is_static: stream.is_static,
        clients_timeout: stream.clients_timeout,
        retry_limit: stream.retry_limit,
        password: stream.password.as_ref().map(|secret| Password(secret.reveal().to_owned())),
        segment_duration: stream.segment_duration,
        segment_count: stream.segment_count,
        publish_takeover: stream.publish_takeover,
        max_sessions: stream.max_sessions,
        is_from_template: false,
    })
}

fn input_spec(index: usize, input: &Input, source: InputSource, stream: &Stream) -> InputSpec {
    let by_order = u32::try_from(index + 1).unwrap_or(u32::MAX);
    InputSpec {
        source,
        priority: input.priority.unwrap_or(by_order),
        source_timeout: input.source_timeout.unwrap_or(stream.source_timeout),
    }
}

fn input_source(input: &Input, rules: &InputRules<'_>) -> Option<InputSource> {
    let url = input.url.reveal();
    if url.starts_with("publish://") {
        return Some(InputSource::Publish);
    }
    if let Some(path) = url.strip_prefix("file://") {
        return Some(InputSource::File(rules.folder.join(PathBuf::from(path))));
    }
    Some(InputSource::Pull(PullSource {
        url: PullUrl::parse(url).ok()?,
        rtsp_transport: match input.rtsp_transport {
            model::RtspTransport::Auto => RtspTransport::Auto,
            model::RtspTransport::Tcp => RtspTransport::Tcp,
            model::RtspTransport::Udp => RtspTransport::Udp,
        },
        egress: Arc::clone(&rules.egress),
        limits: rules.limits,
    }))
}

/// The file collections of `settings`, whose relative storages are below `folder`.
pub(super) fn vods(settings: &Settings, folder: &Path) -> Vec<VodSpec> {
    let spec = |vod: &Vod| {
        let storages = vod.storages.iter().map(|storage| folder.join(&storage.url));
        Some(VodSpec {
            prefix: vod.prefix.parse().ok()?,
            storages: storages.collect(),
            segment_duration: vod.segment_duration,
        })
    };
    settings.vods.iter().filter_map(spec).collect()
}

/// What files may cost.
pub(super) const fn vod_limits(settings: &Settings) -> VodLimits {
    let limits = &settings.limits;
    VodLimits {
        index_bytes_max: limits.vod_index_bytes,
        indexes_bytes_max: limits.vod_indexes_bytes,
        segments_bytes_max: limits.vod_segments_bytes,
        folder_entries_max: limits.vod_folder_entries,
    }
}

/// Who is redirected, and who is not.
pub(super) fn redirect_policy(settings: &Settings) -> RedirectPolicy {
    RedirectPolicy {
        http: redirect_mode(settings.http_redirect),
        rtmp: redirect_mode(settings.rtmp_redirect),
        rtsp: redirect_mode(settings.rtsp_redirect),
        rtsp_agents: settings.rtsp_redirect_agents.clone(),
    }
}

const fn redirect_mode(word: WantedRedirect) -> RedirectMode {
    match word {
        WantedRedirect::Auto => RedirectMode::Auto,
        WantedRedirect::Always => RedirectMode::Always,
        WantedRedirect::Never => RedirectMode::Never,
    }
}

/// What previews may cost.
pub(super) fn preview_limits(settings: &Settings) -> PreviewLimits {
    let limits = &settings.limits;
    PreviewLimits {
        at_once: limits.previews,
        age: limits.preview_age,
        timeout: limits.preview_timeout,
    }
}

/// What playback needs to know.
pub(super) fn play(settings: &Settings) -> PlaySettings {
    PlaySettings {
        redirects_media_playlists: settings.hls_redirect == HlsRedirect::Media,
        makes_previews: settings.preview,
        fan_out: fan_out(settings),
    }
}

/// How players that hold a connection are written to.
pub(super) const fn fan_out(settings: &Settings) -> FanOutSettings {
    FanOutSettings {
        write_batching: settings.write_batching,
        silence_max: SILENCE_MAX,
        skips_max: SKIPS_MAX,
    }
}

/// All keys that requests may be signed with: the node's, older ones, and those of single peers.
pub(super) fn keys(settings: &Settings) -> Vec<ClusterKey> {
    let own = settings.cluster_key.iter();
    let of_peers = settings.peers.iter().filter_map(|peer| peer.cluster_key.as_ref());
    let all = own.chain(&settings.cluster_key_accept).chain(of_peers);
    all.map(|key| ClusterKey::derive(key.reveal())).collect()
}

/// The peers to be asked. Validation has refused those without a key or with a broken name.
pub(super) fn peers(settings: &Settings) -> Vec<PeerConfig> {
    settings.peers.iter().filter_map(|peer| peer_config(peer, settings)).collect()
}

fn peer_config(peer: &Peer, settings: &Settings) -> Option<PeerConfig> {
    let own_key = peer.cluster_key.as_ref().or(settings.cluster_key.as_ref());
    let keys = own_key.into_iter().chain(&settings.cluster_key_accept);
    Some(PeerConfig {
        hostname: peer.hostname.parse().ok()?,
        addresses: addresses(peer),
        fetch_timeout: peer.fetch_timeout,
        stale_timeout: peer.stale_timeout,
        channel_limit: peer.channel_limit,
        cpu_limit_percent: peer.cpu_limit.map(f64::from),
        keys: keys.map(|key| ClusterKey::derive(key.reveal())).collect(),
    })
}

fn addresses(peer: &Peer) -> PeerAddresses {
    PeerAddresses {
        api_url: peer.api_url.clone(),
        public_payload_url: peer.public_payload_url.clone(),
        private_payload_url: peer.private_payload_url.clone(),
        public_rtsp_url: peer.public_rtsp_url.clone(),
        public_rtmp_url: peer.public_rtmp_url.clone(),
    }
}

/// Where clients of `peer` are sent, for people. Doors that are not configured depend on what the
/// peer will report.
pub(super) fn target_line(peer: &Peer) -> String {
    let name = &peer.hostname;
    match addresses(peer).targets(&[]) {
        Ok(targets) => {
            let door = |base: Option<&str>, scheme: &str| {
                base.map_or_else(|| format!("{scheme} at the port it reports"), ToOwned::to_owned)
            };
            format!(
                "peer {name}: clients go to {}, {}, {}",
                targets.http_base(),
                door(targets.rtsp_base(), "rtsp"),
                door(targets.rtmp_base(), "rtmp"),
            )
        }
        Err(error) => format!("peer {name}: {error}"),
    }
}

/// How RTSP sessions are held to their limits.
pub(super) fn rtsp_limits(settings: &Settings) -> RtspLimits {
    let limits = &settings.limits;
    RtspLimits {
        line_bytes_max: limits.rtsp_line_bytes,
        head_bytes_max: limits.rtsp_head_bytes,
        body_bytes_max: limits.rtsp_body_bytes,
        track_count_max: limits.rtsp_tracks,
        play_timeout: limits.rtsp_play_timeout,
        keepalive_timeout: limits.rtsp_keepalive_timeout,
        ..RtspLimits::default()
    }
}

/// How RTMP sessions are held to their limits.
pub(super) fn rtmp_protocol(settings: &Settings) -> ServerConfig {
    let limits = &settings.limits;
    let bytes = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
    let defaults = ServerConfig::default();
    ServerConfig {
        limits: RtmpLimits {
            chunk_bytes_max: bytes(limits.rtmp_chunk_bytes),
            message_bytes_max: bytes(limits.rtmp_message_bytes),
            message_bytes_max_before_grant: bytes(limits.rtmp_early_message_bytes),
            chunk_streams_max: limits.rtmp_chunk_streams,
            handshake_timeout: limits.rtmp_handshake_timeout,
            amf: AmfLimits { depth_max: limits.rtmp_amf_depth, ..defaults.limits.amf },
            ..defaults.limits
        },
        ..defaults
    }
}

/// What a peer's report may cost.
pub(super) fn fetch_limits(settings: &Settings) -> FetchLimits {
    let limits = &settings.limits;
    FetchLimits {
        report: ReportLimits {
            page_bytes_max: limits.report_page_bytes,
            depth_max: limits.report_json_depth,
            streams_max: limits.report_streams,
        },
        bytes_max: limits.report_memory_bytes,
        bytes_per_second_min: u64::try_from(limits.report_bytes_per_second).unwrap_or(u64::MAX),
        time_max: limits.report_timeout,
    }
}
