//! `hls_redirect media;`: the asked node answers the master playlist, so that a player that reloads
//! through it outlives the death of the holder.

use std::time::{Duration, Instant};

use crate::support::cluster::{Cluster, plan};
use crate::support::node::Node;
use crate::support::players::{assert_rising, ffprobe};
use crate::support::probe::port_of;
use crate::support::{SLACK, eventually, media, promise, unix_seconds};

/// Where north sends a player that reloads its media playlist: a node by its port.
fn holder_of(cluster: &Cluster, target: &str) -> Result<&'static str, String> {
    let answer = cluster.node("north").get(target);
    let location = answer.location().ok_or_else(|| format!("{}", answer.status))?;
    let port = port_of(location);
    let name = ["south", "east"].into_iter().find(|name| port == Some(cluster.node(name).http));
    let name = name.ok_or_else(|| location.to_owned())?;
    let wanted = format!("{}?token=t1&_via=", cluster.node(name).playback_url("cam", "video.m3u8"));
    assert!(location.starts_with(&wanted), "{location}");
    Ok(name)
}

/// The one URI of the master playlist as north answers it, resolved as a player does.
fn media_target(north: &Node) -> String {
    // An old mark of its own, which does not stop a client, and does not travel on.
    let mark = format!("{}.{}", &north.id().replace('-', "")[..8], unix_seconds() - 60);
    let master = north.get(&format!("/cam/index.m3u8?token=t1&_via={mark}"));
    assert_eq!(master.status, 200, "{:?}", master.location());
    assert_eq!(master.header("cache-control"), Some("no-store"));
    assert_eq!(master.header("access-control-allow-origin"), Some("*"));
    let text = master.text();
    assert!(text.starts_with("#EXTM3U"), "{text}");
    let uris: Vec<&str> =
        text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let [uri] = uris[..] else { panic!("one playlist, not more: {text}") };
    assert!(!uri.contains("://") && !uri.contains("_via"), "{uri}");
    assert!(uri.ends_with("?token=t1"), "token lost: {uri}");
    format!("/cam/{uri}")
}

#[test]
fn a_player_that_reloads_through_the_asked_node_outlives_its_holder() {
    let line = format!("stream cam {{ input file://{}; }}\n", media::clip("bars.mp4").display());
    let mut cluster = plan()
        .config("north", "hls_redirect media;\n")
        .config("south", &line)
        .config("east", &line)
        .start_connected();
    for holder in ["south", "east"] {
        cluster.node(holder).wait_playing("cam");
    }
    let north = cluster.node("north");
    let target = eventually(Duration::from_secs(10), "north knows cam", || {
        let answer = north.get("/cam/index.m3u8?token=t1");
        if answer.status == 200 { Ok(media_target(north)) } else { Err(answer.text()) }
    });
    let (_, times) = ffprobe(&north.playback_url("cam", "index.m3u8"), 4);
    assert_rising("before", &times, &["video", "audio"], 50);

    let first = holder_of(&cluster, &target).unwrap();
    for _ in 0..10 {
        assert_eq!(holder_of(&cluster, &target).as_deref(), Ok(first), "a player keeps its holder");
    }
    cluster.node_mut(first).kill();
    let killed = Instant::now();
    let bound = cluster.notice_bound();
    let second = eventually(bound * 2, "the same URL leads to the other holder", || {
        let holder = holder_of(&cluster, &target)?;
        if holder == first { Err(holder.to_owned()) } else { Ok(holder) }
    });
    promise("the media playlist leads elsewhere", killed.elapsed(), bound + SLACK);
    let playlist = cluster.node(second).get(&target);
    assert!(playlist.text().contains("#EXTINF"), "{}", playlist.text());
    let (_, times) = ffprobe(&cluster.node("north").playback_url("cam", "index.m3u8"), 4);
    assert_rising("after", &times, &["video", "audio"], 50);
}
