//! Every live input × every live output, at the node that captures and through one that relays.
//!
//! A new input or output is one line of its table. `make matrix` reads a minute a cell
//! (`MATRIX_SECONDS`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::cluster::{Cluster, plan};
use crate::support::media;
use crate::support::node::Node;
use crate::support::ports::free_port;
use crate::support::process::Process;
use crate::support::promise_count;
use crate::support::received::{Recording, Summary, judge, record};

/// Cells that are read at once.
const READERS: usize = 64;
/// How much longer than the time it reads a cell may take.
const GRACE: Duration = Duration::from_secs(25);

/// The long file in the test's folder.
const CLIP: &str = "long.mp4";

/// A way for a stream to come in.
///
/// In its words `{clip}` is a long file, `{stream}` the name, `{port}` a free port of its own,
/// `{folder}` a folder of its own, `{support}` that of the support files, and `{rtmp}` `{rtsp}`
/// `{http}` where the capturing node listens.
struct Input {
    name: &'static str,
    /// The stream's input in the config.
    url: &'static str,
    /// Who sends, or waits for the node to come.
    programs: &'static [&'static str],
}

/// A way for a stream to go out.
struct Output {
    name: &'static str,
    url: &'static str,
    /// What ffprobe needs to be told.
    options: &'static str,
}

const INPUTS: &[Input] = &[
    Input {
        name: "rtmp-ffmpeg",
        url: "publish://",
        programs: &["{ffmpeg} -f flv rtmp://127.0.0.1:{rtmp}/static/{stream}"],
    },
    Input {
        name: "rtmp-gst",
        url: "publish://",
        programs: &["{gstreamer} flvmux name=m streamable=true \
            ! rtmp2sink sync=true location=rtmp://127.0.0.1:{rtmp}/static/{stream}"],
    },
    Input {
        name: "rtsp-tcp-ffmpeg",
        url: "publish://",
        programs: &["{ffmpeg} -f rtsp -rtsp_transport tcp rtsp://127.0.0.1:{rtsp}/{stream}"],
    },
    Input {
        name: "rtsp-udp-ffmpeg",
        url: "publish://",
        programs: &["{ffmpeg} -f rtsp -rtsp_transport udp rtsp://127.0.0.1:{rtsp}/{stream}"],
    },
    Input {
        name: "rtsp-tcp-gst",
        url: "publish://",
        programs: &["{gstreamer} rtspclientsink name=m protocols=tcp \
            location=rtsp://127.0.0.1:{rtsp}/{stream}"],
    },
    Input {
        name: "rtsp-udp-gst",
        url: "publish://",
        programs: &["{gstreamer} rtspclientsink name=m protocols=udp \
            location=rtsp://127.0.0.1:{rtsp}/{stream}"],
    },
    Input {
        name: "http-ts-ffmpeg",
        url: "publish://",
        programs: &["{ffmpeg} -f mpegts http://127.0.0.1:{http}/{stream}/mpegts"],
    },
    Input {
        name: "pull-rtmp",
        url: "rtmp://127.0.0.1:{port}/live/cam",
        programs: &["{ffmpeg} -f flv -listen 1 rtmp://127.0.0.1:{port}/live/cam"],
    },
    Input {
        name: "pull-ts",
        url: "tshttp://127.0.0.1:{port}/cam",
        programs: &["{ffmpeg} -f mpegts -listen 1 http://127.0.0.1:{port}/cam"],
    },
    Input {
        name: "pull-hls",
        url: "hls://127.0.0.1:{port}/cam.m3u8",
        programs: &[
            "{ffmpeg} -f hls -hls_time 2 -hls_list_size 6 {folder}/cam.m3u8",
            "/usr/bin/python3 -m http.server --bind 127.0.0.1 --directory {folder} {port}",
        ],
    },
    Input {
        name: "pull-rtsp-tcp",
        url: "rtsp://127.0.0.1:{port}/cam",
        programs: &["/usr/bin/python3 {support}/rtsp_server.py {port} h264 {clip}"],
    },
    Input {
        name: "pull-rtsp-udp",
        url: "rtsp://127.0.0.1:{port}/cam { rtsp_transport udp; }",
        programs: &["/usr/bin/python3 {support}/rtsp_server.py {port} h264 {clip}"],
    },
    Input {
        name: "udp-ffmpeg",
        url: "udp://127.0.0.1:{port}",
        programs: &["{ffmpeg} -f mpegts udp://127.0.0.1:{port}?pkt_size=1316"],
    },
    Input {
        name: "udp-gst",
        url: "udp://127.0.0.1:{port}",
        programs: &[
            "{gstreamer} mpegtsmux name=m alignment=7 ! udpsink host=127.0.0.1 port={port}",
        ],
    },
    Input { name: "file", url: "file://{clip}", programs: &[] },
];

/// What programs have in common.
const SENDERS: [(&str, &str); 2] = [
    ("{ffmpeg}", "ffmpeg -v warning -re -i {clip} -c copy"),
    (
        "{gstreamer}",
        "gst-launch-1.0 -q filesrc location={clip} ! qtdemux name=d \
         d.video_0 ! queue ! h264parse ! m. d.audio_0 ! queue ! aacparse ! m.",
    ),
];

const OUTPUTS: &[Output] = &[
    Output { name: "hls", url: "http://127.0.0.1:{http}/{stream}/index.m3u8", options: "" },
    Output { name: "http-ts", url: "http://127.0.0.1:{http}/{stream}/mpegts", options: "" },
    Output { name: "http-flv", url: "http://127.0.0.1:{http}/{stream}/live.flv", options: "" },
    Output { name: "rtmp", url: "rtmp://127.0.0.1:{rtmp}/static/{stream}", options: "" },
    Output {
        name: "rtsp-tcp",
        url: "rtsp://127.0.0.1:{rtsp}/{stream}",
        options: "-rtsp_transport tcp",
    },
    Output {
        name: "rtsp-udp",
        url: "rtsp://127.0.0.1:{rtsp}/{stream}",
        options: "-rtsp_transport udp",
    },
];

/// An input read through an output at a node.
struct Cell<'a> {
    input: &'a Input,
    output: &'a Output,
    place: &'static str,
    node: &'a Node,
}

impl Input {
    /// What its words mean apart from the node.
    fn places(&self, folder: &Path) -> Vec<(&'static str, String)> {
        let text = |path: PathBuf| path.to_str().expect("a path of a test is text").to_owned();
        let own = folder.join(self.name);
        std::fs::create_dir(&own).unwrap();
        vec![
            ("clip", text(folder.join(CLIP))),
            ("folder", text(own)),
            ("support", text(media::root().join("tests/support"))),
            ("port", free_port().to_string()),
        ]
    }

    /// Starts its programs.
    fn start(&self, places: &[(&str, String)], log: &Path) -> Vec<Process> {
        let start = |words: &&str| {
            let words = SENDERS
                .iter()
                .fold((*words).to_owned(), |words, (name, sender)| words.replace(name, sender));
            let words = filled(&words, places);
            let mut words = words.split_whitespace();
            let mut command = Command::new(words.next().expect("a program"));
            Process::start(self.name, command.args(words), log)
        };
        self.programs.iter().map(start).collect()
    }
}

fn seconds() -> u64 {
    std::env::var("MATRIX_SECONDS").map_or(10, |text| text.parse().expect("MATRIX_SECONDS"))
}

/// `words` with each `{name}` filled in.
fn filled(words: &str, places: &[(&str, String)]) -> String {
    places
        .iter()
        .fold(words.to_owned(), |words, (name, value)| words.replace(&format!("{{{name}}}"), value))
}

fn doors(node: &Node, stream: &str) -> Vec<(&'static str, String)> {
    let stream = ("stream", stream.to_owned());
    let ports = [("rtmp", node.rtmp), ("rtsp", node.rtsp), ("http", node.http)];
    ports.into_iter().map(|(name, port)| (name, port.to_string())).chain([stream]).collect()
}

/// The test clip's pictures over and over, with sound that goes on: each frame of it occurs once,
/// and there is no seam. Long enough for all that is read: servers and GStreamer need not loop.
fn long_clip(path: &Path) {
    let length = seconds() * 4 + 90;
    let noise =
        format!("anoisesrc=color=pink:amplitude=0.1:seed=7:sample_rate=48000:duration={length}");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-stream_loop", "-1", "-i"]).arg(media::clip("bars.mp4"));
    command.args(["-f", "lavfi", "-i", &noise, "-map", "0:v", "-map", "1:a", "-shortest"]);
    command.args(["-c:v", "copy", "-c:a", "aac", "-b:a", "64k", "-ac", "2"]).arg(path);
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

#[test]
fn every_input_plays_through_every_output() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join(CLIP);
    long_clip(&clip);
    let source = record(clip.to_str().unwrap(), "", 3600, Duration::from_secs(60)).unwrap();
    let own: HashMap<&str, Vec<(&str, String)>> =
        INPUTS.iter().map(|input| (input.name, input.places(folder.path()))).collect();
    let stream = |input: &Input| {
        let url = filled(input.url, &own[input.name]);
        format!("stream {} {{ input {url}; segment_duration 2; }}\n", input.name)
    };
    let lines: String = INPUTS.iter().map(stream).collect();
    let cluster = plan()
        .config("south", &lines)
        .config("north", "rtmp_redirect never; http_redirect never; rtsp_redirect never;\n")
        .alone()
        .start_connected();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let start = |input: &Input| {
        let places = [own[input.name].clone(), doors(south, input.name)].concat();
        let log = folder.path().join(format!("{}.log", input.name));
        input.start(&places, &log)
    };
    let _programs: Vec<Process> = INPUTS.iter().flat_map(start).collect();
    wait_playing(&cluster);

    let cells: Vec<Cell<'_>> = INPUTS
        .iter()
        .flat_map(|input| OUTPUTS.iter().map(move |output| (input, output)))
        .flat_map(|(input, output)| {
            [("local", south), ("relay", north)].map(|(place, node)| Cell {
                input,
                output,
                place,
                node,
            })
        })
        .collect();
    let failed = read_all(&cells, &source);
    promise_count("matrix: cells that fail", failed, 0);
}

/// Waits until south plays all, and north knows it.
fn wait_playing(cluster: &Cluster) {
    let begin = Instant::now();
    for input in INPUTS {
        cluster.node("south").wait_playing(input.name);
    }
    println!("{} inputs play after {:.1} s", INPUTS.len(), begin.elapsed().as_secs_f64());
}

/// Reads many cells at once; how many are wrong.
fn read_all(cells: &[Cell<'_>], source: &Recording) -> u64 {
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..READERS.min(cells.len()) {
            scope.spawn(|| {
                while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let verdict = cell.read(source);
                    failed.fetch_add(usize::from(verdict.is_err()), Ordering::Relaxed);
                    cell.print(&verdict);
                }
            });
        }
    });
    u64::try_from(failed.into_inner()).unwrap()
}

impl Cell<'_> {
    fn read(&self, source: &Recording) -> Result<Summary, Vec<String>> {
        let url = filled(self.output.url, &doors(self.node, self.input.name));
        let limit = Duration::from_secs(seconds()) + GRACE;
        let received = record(&url, self.output.options, seconds(), limit);
        judge(source, &received.map_err(|reason| vec![reason])?, seconds())
    }

    fn print(&self, verdict: &Result<Summary, Vec<String>>) {
        let name = format!("{:<16} {:<9} {:<5}", self.input.name, self.output.name, self.place);
        match verdict {
            Ok(Summary { video, audio, offset_ms }) => {
                println!("{name} {video:>5} video {audio:>5} audio {offset_ms:>+6.1} ms  ok")
            }
            Err(wrong) => println!("{name} WRONG: {}", wrong.join("; ")),
        }
    }
}
