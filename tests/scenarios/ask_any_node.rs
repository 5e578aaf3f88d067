//! Stock players ask a node for what another one captures, by every protocol: by redirect or relay
//! it plays. The holder dies: they end, or go on with another one, and none hangs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use crate::support::cluster::{Cluster, plan};
use crate::support::node::Node;
use crate::support::players::{ffprobe, run};
use crate::support::process::Process;
use crate::support::{eventually, media, promise, promise_count};

const LIMIT: Duration = Duration::from_secs(20);
/// How long each player plays.
const PLAY: Duration = Duration::from_secs(8);
/// How much longer than noticing a death players may wait for another holder, or for their end.
const SEARCH: Duration = Duration::from_secs(6);
const NO_REDIRECTS: &str = "rtmp_redirect never; rtsp_redirect never; http_redirect never;\n";

/// A player of one protocol, which writes what it gets to `{file}`.
struct Player {
    name: &'static str,
    words: &'static str,
}

const fn player(name: &'static str, words: &'static str) -> Player {
    Player { name, words }
}

/// What asks, and by what; each writes media to a file in a container that ffprobe reads.
const PLAYERS: &[Player] = &[
    player("ffmpeg rtmp", "{ffmpeg} -i {rtmp} {copy}"),
    player("ffmpeg rtsp-tcp", "{ffmpeg} -rtsp_transport tcp -i {rtsp} {decoded}"),
    player("ffmpeg rtsp-udp", "{ffmpeg} -rtsp_transport udp -i {rtsp} {decoded}"),
    player("ffmpeg http-ts", "{ffmpeg} -i {http}/mpegts {copy}"),
    player("ffmpeg http-flv", "{ffmpeg} -i {http}/live.flv {copy}"),
    player("ffmpeg hls", "{ffmpeg} -i {http}/index.m3u8 {copy}"),
    player("gstreamer rtmp", "{gst} rtmp2src location={rtmp} ! flvdemux name=d {demuxed}"),
    player("gstreamer rtsp-tcp", "{gst} rtspsrc name=d location={rtsp} protocols=tcp {rtp}"),
    player("gstreamer rtsp-udp", "{gst} rtspsrc name=d location={rtsp} protocols=udp {rtp}"),
    player("gstreamer http-ts", "{gst} {soup}{http}/mpegts ! tsdemux name=d {demuxed}"),
    player("gstreamer http-flv", "{gst} {soup}{http}/live.flv ! flvdemux name=d {demuxed}"),
    player("gstreamer hls", "{gst} {soup}{http}/index.m3u8 ! hlsdemux ! tsdemux name=d {demuxed}"),
    player("rtmpdump", "rtmpdump --quiet --live -r {rtmp} -o {file}"),
];

/// What they have in common. GStreamer's muxer writes at once only if it is told to stream.
const PARTS: &[(&str, &str)] = &[
    ("{ffmpeg}", "ffmpeg -v error"),
    // RTP has no decode times, without which ffmpeg's muxers refuse copied B-frames, whoever sent
    // them: decoded and encoded again.
    ("{decoded}", "-c:v mpeg4 -c:a copy -f matroska -flush_packets 1 {file}"),
    ("{copy}", "-c copy -f matroska -flush_packets 1 {file}"),
    (
        "{gst}",
        "gst-launch-1.0 -q matroskamux name=m streamable=true \
         ! filesink buffer-mode=2 location={file}",
    ),
    ("{soup}", "souphttpsrc location="),
    (
        "{demuxed}",
        "d. ! video/x-h264 ! queue ! h264parse ! m. d. ! audio/mpeg ! queue ! aacparse ! m.",
    ),
    (
        "{rtp}",
        "d. ! application/x-rtp,media=video ! queue ! rtph264depay ! h264parse ! m. \
         d. ! application/x-rtp,media=audio ! queue ! rtpmp4gdepay ! aacparse ! m.",
    ),
];

impl Player {
    fn command(&self, node: &Node, stream: &str, file: &Path) -> Command {
        let mut words = self.words.to_owned();
        for (name, part) in PARTS {
            words = words.replace(name, part);
        }
        let doors = [
            ("{rtmp}", format!("rtmp://127.0.0.1:{}/static/{stream}", node.rtmp)),
            ("{rtsp}", format!("rtsp://127.0.0.1:{}/{stream}", node.rtsp)),
            ("{http}", format!("http://127.0.0.1:{}/{stream}", node.http)),
            ("{file}", file.to_str().expect("a temporary path is text").to_owned()),
        ];
        for (name, door) in &doors {
            words = words.replace(name, door);
        }
        let mut words = words.split_whitespace();
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words);
        command
    }

    fn file(&self, folder: &Path, stream: &str) -> PathBuf {
        folder.join(format!("{stream} {}", self.name).replace(' ', "-"))
    }

    /// Whether it ends when its stream does. HLS players ask again.
    fn ends(&self) -> bool {
        !self.name.ends_with("hls")
    }
}

/// A loop of the test clip under each name.
fn looped(names: &[&str]) -> String {
    let clip = media::clip("bars.mp4");
    let line = |name: &&str| {
        format!("stream {name} {{ input file://{}; segment_duration 2; }}\n", clip.display())
    };
    names.iter().map(line).collect()
}

fn wait_known(cluster: &Cluster, node: &str, stream: &str, holders: &[&str]) {
    eventually(LIMIT, &format!("{node} knows who has {stream}"), || {
        let stats = cluster.node(node).api("/streams")["streams"]
            .as_array()
            .and_then(|all| all.iter().find(|item| item["name"] == stream))
            .map(|item| item["stats"]["running_on"].to_string());
        let told = stats.unwrap_or_default();
        if holders.iter().all(|holder| told.contains(holder)) { Ok(()) } else { Err(told) }
    });
}

/// Nodes that relay `stream` from `node`; none of them is among its clients.
fn relays(node: &Node, stream: &str) -> u64 {
    let stats = node.api(&format!("/streams/{stream}"))["stats"].take();
    assert_eq!(stats["client_count"], 0, "{stats}");
    stats["relays"].as_u64().unwrap()
}

#[test]
fn stock_players_play_a_peers_stream_from_any_node_and_relays_pull_it_once() {
    let cluster = plan()
        .config("south", &looped(&["sent-on", "relayed"]))
        .config("east", NO_REDIRECTS)
        .alone()
        .start_connected();
    let (north, south, east) = (cluster.node("north"), cluster.node("south"), cluster.node("east"));
    wait_known(&cluster, "north", "sent-on", &["south"]);
    wait_known(&cluster, "east", "relayed", &["south"]);
    let folder = tempfile::tempdir().unwrap();
    let pulls = AtomicU64::new(0);
    let played = std::thread::scope(|scope| {
        let playing: Vec<_> = PLAYERS
            .iter()
            .flat_map(|player| [(player, north, "sent-on"), (player, east, "relayed")])
            .map(|(player, node, stream)| {
                let file = player.file(folder.path(), stream);
                let mut command = player.command(node, stream, &file);
                let name = format!("{} {stream}", player.name);
                (name, file, scope.spawn(move || run(&mut command, PLAY)))
            })
            .collect();
        while playing.iter().any(|(_, _, thread)| !thread.is_finished()) {
            pulls.fetch_max(relays(south, "relayed"), Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(100));
        }
        let words = |thread: ScopedJoinHandle<'_, Output>| {
            String::from_utf8_lossy(&thread.join().unwrap().stderr).into_owned()
        };
        playing
            .into_iter()
            .map(|(name, file, thread)| (name, file, words(thread)))
            .collect::<Vec<_>>()
    });
    for (name, file, words) in &played {
        let bytes = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
        println!("{name:<28} {bytes:>7} bytes");
        assert!(bytes > 100_000, "{name}: {bytes} bytes; it said: {words}");
        let (_, times) = ffprobe(file.to_str().unwrap(), 3600);
        for kind in ["video", "audio"] {
            let count = times.get(kind).map_or(0, Vec::len);
            assert!(count >= 50, "{name}: {count} packets of {kind}");
        }
    }
    promise_count("pulls between two nodes", pulls.into_inner(), 1);
}

/// A player at work, and the file that it fills.
struct Playing {
    name: String,
    file: PathBuf,
    process: Process,
}

impl Playing {
    fn start(player: &Player, node: &Node, stream: &str, folder: &Path) -> Self {
        let file = player.file(folder, stream);
        let mut command = player.command(node, stream, &file);
        let name = format!("{} {stream}", player.name);
        let process = Process::start(&name, &mut command, &file.with_extension("log"));
        Self { name, file, process }
    }

    fn bytes(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |metadata| metadata.len())
    }

    fn wait_more(&self, since: u64, limit: Duration) {
        eventually(limit, &format!("{} plays", self.name), || {
            let bytes = self.bytes();
            if bytes > since + 20_000 { Ok(()) } else { Err(format!("{bytes} bytes")) }
        });
    }
}

#[test]
fn relayed_players_end_or_go_on_when_their_holder_dies_and_none_hangs() {
    let mut cluster = plan()
        .config("north", NO_REDIRECTS)
        .config("south", &looped(&["both", "only-south"]))
        .config("east", &looped(&["both", "only-east"]))
        .alone()
        .start_connected();
    wait_known(&cluster, "north", "both", &["south", "east"]);
    let folder = tempfile::tempdir().unwrap();
    let relayed = || PLAYERS.iter().filter(|player| player.ends());
    let start = |cluster: &Cluster, stream: &str| -> Vec<Playing> {
        relayed()
            .map(|player| Playing::start(player, cluster.node("north"), stream, folder.path()))
            .collect()
    };
    let going_on = start(&cluster, "both");
    going_on.iter().for_each(|player| player.wait_more(0, LIMIT));
    let counts = ["south", "east"].map(|name| (relays(cluster.node(name), "both"), name));
    let holder = counts.iter().max().unwrap().1;
    let only = format!("only-{holder}");
    wait_known(&cluster, "north", &only, &[holder]);
    let mut ending = start(&cluster, &only);
    ending.iter().for_each(|player| player.wait_more(0, LIMIT));

    let allowed = cluster.notice_bound() + SEARCH;
    cluster.node_mut(holder).kill();
    let died = Instant::now();
    for player in &mut ending {
        player.process.wait(allowed * 2);
        println!("{} ended after {} ms", player.name, died.elapsed().as_millis());
    }
    promise("the end of the last relayed player", died.elapsed(), allowed);
    for file in ["index.m3u8", "video.m3u8"] {
        let answer = cluster.node("north").get(&format!("/{only}/{file}"));
        assert!(matches!(answer.status, 404 | 503), "{file}: {}", answer.status);
        promise("an answer about a lost stream", answer.took, Duration::from_secs(1));
    }
    std::thread::sleep(allowed.saturating_sub(died.elapsed()));
    let before: Vec<u64> = going_on.iter().map(Playing::bytes).collect();
    for (player, before) in going_on.iter().zip(before) {
        player.wait_more(before, SEARCH);
    }
}
