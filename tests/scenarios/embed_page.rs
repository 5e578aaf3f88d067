//! A viewer's browser opens the player page on north and outlives the death of the node it plays
//! from; who comes before the stream waits for it there.

use std::time::Duration;

use crate::support::browser::Browser;
use crate::support::cluster::{plan, publishable};
use crate::support::media;
use crate::support::probe::port_of;
use crate::support::{SLACK, eventually, promise};

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn the_player_page_plays_and_goes_on_when_its_node_dies() {
    let lines = publishable(&["cam"]);
    let mut cluster =
        plan().config("south", &lines).config("east", &lines).alone().start_connected();
    let publish = |node: &str| {
        let node = cluster.node(node);
        let url = node.publish_url("cam");
        let publisher =
            media::publish("ffmpeg".as_ref(), "bars.mp4", &url, &node.log_path("ffmpeg"));
        node.wait_playing("cam");
        publisher
    };
    let _to_south = publish("south");
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    north.wait_redirect("cam", south, LIMIT);

    let url = north.playback_url("cam", "embed.html?autoplay=true&mute=true");
    let mut browser = Browser::open(&url, north);
    let playing = browser.wait_playing(3.0, LIMIT);
    assert_eq!(port_of(&playing.address), Some(south.http), "the page itself is redirected");
    assert!(playing.frames > 0);

    let _to_east = publish("east");
    cluster.node("north").wait_peer("east", "up", LIMIT);
    let before = browser.sights().last().unwrap().at;
    cluster.node_mut("south").kill();
    // What is buffered plays on first; then the page has to find another node.
    browser.wait_playing(20.0, Duration::from_secs(60));
    let pause = browser.longest_pause(before);
    // What SPEC section 6 allows, seen four times a second.
    promise("the player's pause at the death of its node", pause, Duration::from_secs(1) + SLACK);
}

#[test]
fn the_player_page_of_a_stream_that_is_not_there_yet_waits_for_it() {
    let south = "template studio { prefix studio; input publish://; segment_duration 1; }\n";
    let cluster = plan().config("south", south).start_connected();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let answer = north.get("/studio/cam/embed.html");
    assert_eq!(answer.status, 404, "there is no such stream");

    let url = north.playback_url("studio/cam", "embed.html?autoplay=true&mute=true");
    let mut browser = Browser::open(&url, north);
    eventually(LIMIT, "the page is open", || {
        let seen = browser.sights().last().map(|sight| sight.current_time);
        if seen == Some(0.0) { Ok(()) } else { Err(format!("{seen:?}: there is no player")) }
    });
    let log = south.log_path("ffmpeg");
    let url = south.publish_url("studio/cam");
    let _publisher = media::publish("ffmpeg".as_ref(), "bars.mp4", &url, &log);
    let playing = browser.wait_playing(1.0, LIMIT);
    assert_eq!(port_of(&playing.address), Some(north.http), "the page that was opened");
}
