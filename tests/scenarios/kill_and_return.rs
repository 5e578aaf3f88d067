//! The promise of the project: a node dies, nobody is sent to it for long, nobody else notices;
//! it comes back, and so do its clients.

use std::time::{Duration, Instant};

use crate::support::cluster::{Cluster, plan};
use crate::support::probe::{Outcome, Probe, Sample, failures, wrong_redirects};
use crate::support::truth::Truth;
use crate::support::{SLACK, media, promise, promise_count};

/// `count` looped streams with names that start with `prefix`.
fn looped(prefix: &str, count: usize) -> String {
    let clip = media::clip("bars.mp4");
    (0..count)
        .map(|index| format!("stream {prefix}{index} {{ input file://{}; }}\n", clip.display()))
        .collect()
}

#[test]
fn a_killed_node_gets_no_clients_and_a_returned_one_gets_them_back() {
    let (mut cluster, truth) = cluster_with_streams();
    let samples = kill_south_while_clients_ask(&mut cluster, &truth);
    println!("{} questions asked around the kill", samples.len());

    cluster.node_mut("south").start();
    let accepting = cluster.node("south").wait_accepting();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    north.wait_redirect("s0", south, Duration::from_secs(15));
    let allowed = Duration::from_millis(1000) + Duration::from_secs(1) + SLACK;
    promise("redirects are back after south accepts", accepting.elapsed(), allowed);
}

/// South holds s0 to s2, east e0 to e2, and north knows it.
fn cluster_with_streams() -> (Cluster, Truth) {
    let cluster = plan()
        .config("south", &looped("s", 3))
        .config("east", &looped("e", 3))
        .alone()
        .start_connected();
    let truth = Truth::default();
    for index in 0..3 {
        for (prefix, holder) in [("s", "south"), ("e", "east")] {
            let name = format!("{prefix}{index}");
            let holder_node = cluster.node(holder);
            cluster.node("north").wait_redirect(&name, holder_node, Duration::from_secs(10));
            truth.hold(&name, holder);
        }
    }
    (cluster, truth)
}

/// Twenty clients ask north in a loop; south dies under them. All that they were told.
fn kill_south_while_clients_ask(cluster: &mut Cluster, truth: &Truth) -> Vec<Sample> {
    // Four times the same entry, five askers each: twenty clients.
    let entries = [cluster.node("north"); 4];
    let probe = Probe::start(&entries, &cluster.nodes, &truth.streams(), 50);
    std::thread::sleep(Duration::from_secs(2));
    cluster.node_mut("south").kill();
    let killed = Instant::now();
    truth.release_all("south");
    std::thread::sleep(cluster.notice_bound() + Duration::from_secs(3));
    let samples = probe.finish();

    let is_to_south = |sample: &&Sample| sample.outcome == Outcome::To("south".to_owned());
    let first = samples.iter().find(is_to_south).expect("redirects to south before the kill");
    assert!(first.asked < killed);
    let last = samples.iter().rfind(is_to_south).expect("as above");
    let late = last.asked.saturating_duration_since(killed);
    let allowed = cluster.notice_bound() + SLACK;
    promise("last redirect to the dead node", late, allowed);
    let wrong = wrong_redirects(&samples, truth, allowed);
    promise_count("redirects to a node without the stream", wrong.len() as u64, 0);
    let failed = failures(&samples, truth, Duration::ZERO);
    assert!(failed.is_empty(), "streams on east failed: {:#?}", &failed[..failed.len().min(5)]);
    samples
}
