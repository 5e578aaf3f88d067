//! Streams pulled as MPEG-TS: by HTTP and HLS from another node, and from a multicast group.

use std::process::Command;

use crate::support::node::Node;
use crate::support::players::{assert_rising, ffprobe};
use crate::support::ports::free_port;
use crate::support::process::Process;
use crate::support::{media, slots};

#[test]
fn mpegts_is_pulled_by_http_by_hls_and_by_multicast() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let mut north = Node::new("north", folder.path());
    let clip = media::clip("bars.mp4");
    north.configure(&format!(
        "stream bars {{ segment_duration 2; input file://{}; }}\n",
        clip.display()
    ));
    let mut south = Node::new("south", folder.path());
    let group = format!("239.255.77.2:{}", free_port());
    south.configure(&format!(
        "stream web {{ segment_duration 2; input tshttp://127.0.0.1:{0}/bars/mpegts; }}\n\
         stream segments {{ segment_duration 2; input http://127.0.0.1:{0}/bars/index.m3u8; }}\n\
         stream none {{ input tshttp://127.0.0.1:{0}/none/mpegts; }}\n\
         stream group {{ segment_duration 2; input udp://{group}?localaddr=127.0.0.1; }}\n",
        north.http
    ));
    for node in [&mut north, &mut south] {
        node.start();
        node.wait_ready();
    }
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "warning", "-re", "-stream_loop", "-1", "-i"]);
    command.arg(clip).args(["-c", "copy", "-f", "mpegts"]);
    command.arg(format!("udp://{group}?pkt_size=1316&localaddr=127.0.0.1"));
    let _sender = Process::start("ffmpeg to a group", &mut command, &south.log_path("ffmpeg"));
    for stream in ["web", "segments", "group"] {
        south.wait_playing(stream);
        let (_, times) = ffprobe(&south.playback_url(stream, "mpegts"), 2);
        assert_rising(stream, &times, &["video", "audio"], 25);
    }
    south.wait_source_error("none", "404: no such stream");
}
