//! One stream as the API shows it, put together from all that is known of it.

use std::num::NonZeroU64;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};
use watershed_actors::report::{StreamState, Title, TrackReport};
use watershed_actors::stream_directory::{HolderListing, StreamListing};

use crate::api::openapi::Schema;

/// How long after its last frame a stream still counts as alive.
const ALIVE_FOR: Duration = Duration::from_secs(12);

/// What this node knows of one of its own streams beyond what it reports to its peers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamDetails {
    /// Names this capture.
    pub id: Option<String>,
    /// Received, kbit/s.
    pub input_bitrate_kbit: Option<u64>,
    /// Given out to clients, kbit/s.
    pub output_bitrate_kbit: Option<u64>,
    /// Sessions since the stream was opened.
    pub client_count: Option<u64>,
    /// Nodes that relay it from this one now.
    pub relays: Option<u32>,
    /// When capture began, unix milliseconds.
    pub opened_at_ms: Option<u64>,
    /// How often the input was started again.
    pub retry_count: Option<u64>,
    /// Received so far.
    pub bytes_in: Option<u64>,
    /// Given out so far.
    pub bytes_out: Option<u64>,
    /// Decode time of the last frame, milliseconds.
    pub last_dts_ms: Option<i64>,
    /// When the last frame came, unix milliseconds.
    pub last_frame_ms: Option<u64>,
    /// Why the input does not deliver, in words without secrets.
    pub source_error: Option<String>,
    /// Its inputs, in the order of the config.
    pub inputs: Vec<InputDetails>,
}

/// What this node knows of one input of its own streams.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputDetails {
    /// Its address without secrets.
    pub url: String,
    /// Whether it is the one on air.
    pub is_active: bool,
    /// What it is doing, in one word.
    pub status: &'static str,
    /// Why it last failed, in words without secrets.
    pub error: Option<String>,
    /// How often it failed and was tried again.
    pub retry_count: u64,
    /// When its last frame came, unix milliseconds.
    pub last_frame_ms: Option<u64>,
    /// Received, kbit/s; not known in its first second.
    pub bitrate_kbit: Option<u64>,
}

/// Where an item comes from; at least one is there.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// As configured here, secrets hidden.
    pub(super) configured: Option<Value>,
    /// As this node and its peers report it.
    pub(super) listing: Option<StreamListing>,
}

impl Sources {
    /// Whether it is a stream of this node, and not of its peers alone.
    pub(super) fn is_own(&self) -> bool {
        let local = self.listing.as_ref().and_then(|listing| listing.local.as_ref());
        self.configured.is_some() || local.is_some()
    }
}

/// The shape of [`item`], where `configured` is that of its settings.
pub(super) fn schema(mut configured: Value) -> Schema {
    let some = |kind: &str| json!({"type": [kind, "null"]});
    let about =
        |kind: &str, description: &str| json!({"type": [kind, "null"], "description": description});
    Schema::fields_of_type::<TrackReport>().map(|mut track| {
        track["properties"]["track_id"] = json!({"type": "string"});
        let stats = json!({
            "id": about("string", "names this capture"),
            "status": {"type": "string", "enum": ["running", "waiting", "error"]},
            "alive": {"type": "boolean", "description": "has had a frame within 12 s"},
            "bitrate": about("integer", "kbit/s; not known in its first second"),
            "input_bitrate": about("integer", "kbit/s received"),
            "output_bitrate": about("integer", "kbit/s given out to clients"),
            "online_clients": about("integer", "sessions playing it at any node, also at those \
                that relay it"),
            "client_count": about("integer", "sessions since it was opened"),
            "relays": about("integer", "nodes that relay it from this one; \
                their clients count there"),
            "lifetime": about("integer", "milliseconds since it was opened"),
            "opened_at": about("integer", "unix milliseconds by the clock of the node \
                that has it"),
            "retry_count": about("integer", "how often the input was started again"),
            "bytes_in": some("integer"),
            "bytes_out": some("integer"),
            "last_dts": about("integer", "decode time of the last frame, milliseconds"),
            "ts_delay": about("integer", "milliseconds since the last frame"),
            "running_on": {
                "type": "array",
                "items": {"type": "string"},
                "description": "hostnames of the nodes where it has frames",
            },
            "held_by": {
                "type": "array",
                "items": {"type": "string"},
                "description": "hostnames of the nodes that have it: that capture it, can start \
                    it on demand, or fail to capture it",
            },
            "media_info": {
                "type": "object",
                "properties": {"tracks": {"type": "array", "items": track}},
            },
            "source_error": about("string", "why its input does not deliver"),
        });
        let fields = &mut configured["properties"];
        fields["inputs"]["items"]["properties"]["stats"] = json!({
            "type": "object",
            "properties": {
                "active": {"type": "boolean", "description": "whether it is the one on air"},
                "status": {"type": "string", "description": "what it is doing"},
                "error": about("string", "why it last failed"),
                "retry_count": about("integer", "how often it failed and was tried again"),
                "last_frame_at": about("integer", "unix milliseconds"),
                "bitrate": about("integer", "kbit/s"),
            },
        });
        fields["named_by"] = json!({"type": "string", "enum": ["config", "user", "remote"]});
        fields["stats"] = json!({"type": "object", "properties": stats});
        configured
    })
}

/// The item of that name; `hostname` is this node's.
pub(super) fn item(
    name: &str,
    sources: &Sources,
    details: Option<&StreamDetails>,
    hostname: &str,
) -> Value {
    let local = sources.listing.as_ref().and_then(|listing| listing.local.as_ref());
    let named_by = match (&sources.configured, local) {
        (Some(_), _) => "config",
        (None, Some(_)) => "user",
        (None, None) => "remote",
    };
    let mut item = match &sources.configured {
        Some(Value::Object(fields)) => fields.clone(),
        _ => Map::new(),
    };
    item.insert("name".to_owned(), json!(name));
    item.insert("named_by".to_owned(), json!(named_by));
    let is_own = named_by != "remote";
    let view = View::of(sources, is_own, hostname);
    if let (None, Some(title)) = (&sources.configured, &view.title) {
        item.insert("title".to_owned(), json!(title.as_str()));
    }
    if let Some(details) = details {
        tell_inputs(&mut item, &details.inputs);
    }
    item.insert("stats".to_owned(), stats(view, details));
    Value::Object(item)
}

/// Adds what is known of each input to those of the config; a stream from a template has none
/// there.
fn tell_inputs(item: &mut Map<String, Value>, inputs: &[InputDetails]) {
    let known = inputs.iter().map(input_stats);
    match item.get_mut("inputs").and_then(Value::as_array_mut) {
        Some(configured) => {
            for (input, stats) in configured.iter_mut().zip(known) {
                input["stats"] = stats;
            }
        }
        None if inputs.is_empty() => {}
        None => {
            let urls = inputs.iter().map(|input| &input.url);
            let all = urls.zip(known).map(|(url, stats)| json!({"url": url, "stats": stats}));
            item.insert("inputs".to_owned(), all.collect());
        }
    }
}

fn input_stats(input: &InputDetails) -> Value {
    json!({
        "active": input.is_active,
        "status": input.status,
        "error": input.error,
        "retry_count": input.retry_count,
        "last_frame_at": input.last_frame_ms,
        "bitrate": input.bitrate_kbit,
    })
}

fn stats(view: View, details: Option<&StreamDetails>) -> Value {
    let now_ms = unix_ms();
    // A stream of ours without frames whose input has no error just has no publisher, and so has
    // one of a peer that would let one in.
    let is_waiting = details.map_or(view.accepts_publish, |details| details.source_error.is_none());
    let absent = StreamDetails::default();
    let details = details.unwrap_or(&absent);
    let since_frame =
        details.last_frame_ms.map(|at| Duration::from_millis(now_ms.saturating_sub(at)));
    let is_fresh = since_frame.is_none_or(|since| since < ALIVE_FOR);
    let opened_at = details.opened_at_ms.or(view.opened_at_ms);
    // By this node's clock: a peer's may be ahead.
    let lifetime =
        opened_at.map(|at| now_ms.saturating_add_signed(view.clock_offset_ms).saturating_sub(at));
    let ts_delay = since_frame.and_then(|since| u64::try_from(since.as_millis()).ok());
    json!({
        "id": details.id,
        "status": status(view.state, is_waiting),
        "alive": view.state == Some(StreamState::Running) && is_fresh,
        "bitrate": view.bitrate_kbit,
        "input_bitrate": details.input_bitrate_kbit,
        "output_bitrate": details.output_bitrate_kbit,
        "online_clients": view.clients,
        "client_count": details.client_count,
        "relays": details.relays,
        "lifetime": lifetime,
        "opened_at": opened_at,
        "retry_count": details.retry_count,
        "bytes_in": details.bytes_in,
        "bytes_out": details.bytes_out,
        "last_dts": details.last_dts_ms,
        "ts_delay": ts_delay,
        "running_on": view.running_on,
        "held_by": view.held_by,
        "media_info": {"tracks": view.tracks},
        "source_error": details.source_error,
    })
}

/// The cluster's word about a stream: this node's own where it has the stream, else the peers'.
struct View {
    title: Option<Title>,
    state: Option<StreamState>,
    /// At the node that speaks for it, unix milliseconds by the clock there.
    opened_at_ms: Option<u64>,
    /// By how much that clock is ahead of ours, in milliseconds.
    clock_offset_ms: i64,
    bitrate_kbit: Option<u32>,
    /// All nodes together.
    clients: u64,
    tracks: Vec<Value>,
    /// Hostnames of the nodes where it has frames, each once.
    running_on: Vec<String>,
    /// The same of all nodes that have it.
    held_by: Vec<String>,
    /// Whether a peer that speaks for it would let a publisher in.
    accepts_publish: bool,
}

impl View {
    fn of(sources: &Sources, is_own: bool, hostname: &str) -> Self {
        let local = sources.listing.as_ref().and_then(|listing| listing.local.as_ref());
        let holders = sources.listing.as_ref().map_or(&[][..], |listing| &listing.holders);
        let runs_here = local.is_some_and(|own| own.state == StreamState::Running);
        let running = holders.iter().filter(|holder| holder.state == StreamState::Running);
        let own = |is_there: bool| is_there.then_some(hostname);
        // Of several holders the one with frames speaks for the stream.
        let best = holders.iter().min_by_key(|holder| rank(holder.state)).filter(|_| !is_own);
        let own_clients = local.map_or(0, |stream| u64::from(stream.clients));
        let tracks = match (local, best) {
            (Some(stream), _) => stream.tracks.as_deref(),
            (None, Some(holder)) => holder.tracks.as_deref(),
            (None, None) => None,
        };
        let title =
            local.map_or(best.and_then(|best| best.title.as_ref()), |own| own.title.as_ref());
        Self {
            title: title.cloned(),
            opened_at_ms: best.and_then(|best| best.opened_at_ms).map(NonZeroU64::get),
            clock_offset_ms: best.map_or(0, |best| best.clock_offset_ms),
            state: local.map(|stream| stream.state).or(best.map(|holder| holder.state)),
            bitrate_kbit: local
                .map_or(best.and_then(|holder| holder.bitrate_kbit), |own| own.bitrate_kbit),
            clients: own_clients
                + holders.iter().map(|holder| u64::from(holder.clients)).sum::<u64>()
                + sources.listing.as_ref().map_or(0, |listing| listing.relay_clients),
            tracks: shown_tracks(tracks.unwrap_or_default()),
            running_on: names(own(runs_here), running),
            held_by: names(own(is_own), holders),
            accepts_publish: best.is_some_and(|best| best.accepts_publish),
        }
    }
}

/// This node's name, if it is one of them, and those of `peers`, sorted, each once.
fn names<'a>(own: Option<&str>, peers: impl IntoIterator<Item = &'a HolderListing>) -> Vec<String> {
    let peers = peers.into_iter().map(|peer| peer.hostname.to_string());
    let mut names: Vec<String> = own.map(str::to_owned).into_iter().chain(peers).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Tracks numbered by kind: `v1`, `a1`, `a2`, …
fn shown_tracks(tracks: &[TrackReport]) -> Vec<Value> {
    let mut counts: Map<String, Value> = Map::new();
    let numbered = tracks.iter().map(|track| {
        let kind = track.content.get(..1).unwrap_or("t").to_owned();
        let count = counts.get(&kind).and_then(Value::as_u64).unwrap_or(0) + 1;
        counts.insert(kind.clone(), json!(count));
        let mut value = serde_json::to_value(track).unwrap_or_default();
        value["track_id"] = json!(format!("{kind}{count}"));
        value
    });
    numbered.collect()
}

const fn status(state: Option<StreamState>, is_waiting: bool) -> &'static str {
    match state {
        Some(StreamState::Running) => "running",
        Some(StreamState::Failed) if is_waiting => "waiting",
        Some(StreamState::Ondemand | StreamState::Starting) | None => "waiting",
        Some(StreamState::Failed) => "error",
    }
}

const fn rank(state: StreamState) -> u8 {
    match state {
        StreamState::Running => 0,
        StreamState::Starting => 1,
        StreamState::Ondemand => 2,
        StreamState::Failed => 3,
    }
}

fn unix_ms() -> u64 {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(unix.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use watershed_actors::stream_directory::LocalStream;

    use super::*;

    fn holder(hostname: &str, state: StreamState, clients: u32) -> HolderListing {
        let track =
            TrackReport { content: "video".into(), codec: "h264".into(), ..Default::default() };
        HolderListing {
            hostname: hostname.parse().unwrap(),
            title: Title::of(&format!("{hostname}'s")),
            state,
            opened_at_ms: NonZeroU64::new(unix_ms() - 60_000),
            clock_offset_ms: 30_000,
            bitrate_kbit: Some(2500),
            clients,
            tracks: Some([track.clone(), TrackReport { content: "audio".into(), ..track }].into()),
            accepts_publish: false,
        }
    }

    fn listing(local: Option<LocalStream>, holders: Vec<HolderListing>) -> Option<StreamListing> {
        Some(StreamListing { name: "cam1".parse().unwrap(), local, holders, relay_clients: 10 })
    }

    #[test]
    fn stream_of_peers_speaks_by_its_best_holder() {
        let holders = vec![
            holder("south", StreamState::Failed, 1),
            holder("east", StreamState::Running, 2),
            holder("west", StreamState::Running, 3),
        ];
        let sources = Sources { configured: None, listing: listing(None, holders) };
        let item = item("cam1", &sources, None, "north");
        assert_eq!(item["named_by"], "remote");
        assert_eq!(item["stats"]["status"], "running");
        assert_eq!(item["stats"]["alive"], true);
        assert_eq!(item["stats"]["online_clients"], 16);
        assert_eq!(item["stats"]["bitrate"], 2500);
        assert_eq!(item["stats"]["running_on"], json!(["east", "west"]));
        assert_eq!(item["stats"]["held_by"], json!(["east", "south", "west"]));
        assert_eq!(item["title"], "east's");
        let lifetime = item["stats"]["lifetime"].as_u64().unwrap();
        assert!((90_000..100_000).contains(&lifetime), "by a clock that is ahead: {lifetime}");
        let tracks = item["stats"]["media_info"]["tracks"].as_array().unwrap();
        assert_eq!(tracks[0]["track_id"], "v1");
        assert_eq!(tracks[1]["track_id"], "a1");
        assert_eq!(tracks[0]["codec"], "h264");
    }

    #[test]
    fn own_stream_speaks_for_itself() {
        let local = LocalStream { clients: 4, ..LocalStream::in_state(StreamState::Ondemand) };
        let configured = Some(json!({"name": "cam1", "title": "Main", "password": "***"}));
        let holders = vec![holder("east", StreamState::Running, 2)];
        let sources = Sources { configured, listing: listing(Some(local), holders) };
        let details = StreamDetails {
            source_error: Some("no publisher".into()),
            relays: Some(3),
            ..Default::default()
        };
        let item = item("cam1", &sources, Some(&details), "north");
        assert_eq!(item["named_by"], "config");
        assert_eq!((&item["title"], &item["password"]), (&json!("Main"), &json!("***")));
        assert_eq!(item["stats"]["status"], "waiting");
        assert_eq!(item["stats"]["alive"], false);
        assert_eq!(item["stats"]["online_clients"], 16);
        assert_eq!(item["stats"]["relays"], 3);
        assert_eq!(item["stats"]["running_on"], json!(["east"]));
        assert_eq!(item["stats"]["held_by"], json!(["east", "north"]));
        assert_eq!(item["stats"]["source_error"], "no publisher");
        assert_eq!(item["stats"]["opened_at"], Value::Null, "of the peer");
    }

    #[test]
    fn inputs_are_told_of_where_they_are_configured_or_as_the_template_made_them() {
        let input = InputDetails {
            url: "publish://".to_owned(),
            is_active: true,
            status: "running",
            retry_count: 2,
            bitrate_kbit: Some(900),
            ..InputDetails::default()
        };
        let details = StreamDetails { inputs: vec![input], ..StreamDetails::default() };
        let told = |configured: Option<Value>| {
            let sources = Sources { configured, listing: None };
            item("cam1", &sources, Some(&details), "north")["inputs"].clone()
        };
        let stats = json!({
            "active": true, "status": "running", "error": null, "retry_count": 2,
            "last_frame_at": null, "bitrate": 900,
        });
        let file = json!({"url": "file://a.mp4", "priority": 7});
        let configured = json!({"inputs": [{"url": "rtsp://u:***@h/1"}, file]});
        let wanted = json!([{"url": "rtsp://u:***@h/1", "stats": stats}, file]);
        assert_eq!(told(Some(configured)), wanted);
        assert_eq!(told(None), json!([{"url": "publish://", "stats": stats}]));
    }

    #[test]
    fn stream_without_publisher_waits_and_a_broken_one_errs() {
        let failed = || Some(LocalStream::in_state(StreamState::Failed));
        let sources = Sources { configured: None, listing: listing(failed(), Vec::new()) };
        let status = |source_error: Option<&str>| {
            let source_error = source_error.map(str::to_owned);
            let details = StreamDetails { source_error, ..StreamDetails::default() };
            item("cam1", &sources, Some(&details), "north")["stats"]["status"].clone()
        };
        assert_eq!(status(None), "waiting");
        assert_eq!(status(Some("no such file")), "error");
        let of_a_peer = |accepts_publish| {
            let holder =
                HolderListing { accepts_publish, ..holder("east", StreamState::Failed, 0) };
            let sources = Sources { configured: None, listing: listing(None, vec![holder]) };
            item("cam1", &sources, None, "north")["stats"]["status"].clone()
        };
        assert_eq!((of_a_peer(true), of_a_peer(false)), (json!("waiting"), json!("error")));
        assert_eq!(item("cam1", &sources, None, "north")["stats"]["status"], "error");
    }

    #[test]
    fn stream_without_frames_for_long_is_not_alive() {
        let running = Some(LocalStream::in_state(StreamState::Running));
        let sources = Sources { configured: None, listing: listing(running, Vec::new()) };
        let frame_at = |ago_ms| StreamDetails {
            last_frame_ms: Some(unix_ms() - ago_ms),
            ..StreamDetails::default()
        };
        let alive = |ago_ms| {
            let item = item("cam1", &sources, Some(&frame_at(ago_ms)), "north");
            item["stats"]["alive"].clone()
        };
        assert_eq!((alive(1000), alive(13_000)), (json!(true), json!(false)));
        let item = item("cam1", &sources, None, "north");
        assert_eq!(item["named_by"], "user");
        assert_eq!(item["stats"]["running_on"], json!(["north"]));
    }
}
