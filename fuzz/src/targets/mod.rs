//! What each fuzz target does with its bytes: one parser, driven as its owner drives it.
//!
//! A target must not panic, must not take memory beyond its limits, and where bytes come in pieces
//! the outcome must not depend on where they are cut. `fuzz_targets/` holds one line a target for
//! libFuzzer; `tests/broken_inputs.rs` of the daemon replays the seeds, and what once broke a
//! target, without it.

mod containers;
mod control;
mod relay;
mod rtp;
mod sessions;

/// A target: its name, which is also that of its corpus, and what it does.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All targets.
pub(crate) const TARGETS: [Target; 15] = [
    ("rtsp", sessions::rtsp),
    ("rtmp", sessions::rtmp),
    ("rtmp_handshake", sessions::rtmp_handshake),
    ("amf0", sessions::amf0),
    ("rtp", rtp::rtp),
    ("rtcp", rtp::rtcp),
    ("sdp", rtp::sdp),
    ("flv", containers::flv),
    ("mpegts", containers::mpegts),
    ("mp4", containers::mp4),
    ("parameter_sets", containers::parameter_sets),
    ("preview", containers::preview),
    ("config", control::config),
    ("report", control::report),
    ("relay", relay::relay),
];

/// Runs the target called `name`.
///
/// # Panics
/// Where there is none of that name: a target that fuzzes nothing must not look healthy.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = target.expect("fuzz_targets/ and TARGETS agree");
    target(bytes);
}
