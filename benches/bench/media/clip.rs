//! What is published: ten seconds of 2 Mbit/s H.264 and AAC, made by ffmpeg, looped for ever.
//!
//! Each picture carries the moment it was sent: an SEI in front of it whose text any receiver finds
//! again in its bytes, whatever protocol wraps them. Only ASCII, so no start code is ever imitated.
//!
//! ```text
//!  | SEI 6 | type 5 | size 32 | STAMP_MARK, 16 bytes | micros, 16 hex digits | 80 |
//! ```
//! Source: ISO/IEC 14496-10 §D.1.7 (unregistered user data); FLV annex E.4 for the tags.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;

/// Marks a stamp in the bytes of any protocol.
pub(crate) const STAMP_MARK: &[u8; 16] = b"watershed-bench!";

/// Hexadecimal digits of the microseconds.
pub(crate) const STAMP_DIGITS: usize = 16;

/// Length of the clip; every loop adds it to the timestamps.
pub(crate) const LOOP_MS: u32 = 10_000;

/// Pictures a second.
pub(crate) const FRAMES_PER_SECOND: u32 = 25;

/// What the contract calls the stream: 2 Mbit/s, video, audio and FLV tag heads.
pub(crate) const NOMINAL_BPS: f64 = 2_000_000.0;

const SEI_BYTES: u32 = 3 + 32 + 1;

/// Bytes of a tag before its body. Source: FLV annex E.4.1.
const TAG_HEAD: usize = 11;

/// Bytes of a video tag's body before its NAL units. Source: FLV annex E.4.3.
const VIDEO_HEAD: usize = 5;

/// Where the digits stand in a stamped body: head, NAL size, SEI head, mark.
const DIGITS_AT: usize = VIDEO_HEAD + 4 + 3 + 16;

/// One message of the stream.
pub(crate) struct Tag {
    /// Whether it is video.
    pub(crate) is_video: bool,
    /// Milliseconds since the loop's start.
    pub(crate) at_ms: u32,
    /// What the RTMP message carries.
    body: Vec<u8>,
    is_stamped: bool,
}

/// The whole clip.
pub(crate) struct Clip {
    /// Decoder configurations, sent once.
    pub(crate) headers: Vec<Tag>,
    /// Frames in the order of time.
    pub(crate) frames: Vec<Tag>,
    /// What the stamps count from.
    pub(crate) epoch: Instant,
}

impl Tag {
    /// The body to send now.
    pub(crate) fn stamped(&self, epoch: Instant) -> Bytes {
        let mut body = self.body.clone();
        if self.is_stamped {
            let digits = format!("{:016x}", epoch.elapsed().as_micros());
            body[DIGITS_AT..DIGITS_AT + STAMP_DIGITS].copy_from_slice(digits.as_bytes());
        }
        body.into()
    }
}

impl Clip {
    /// Has ffmpeg make it.
    pub(crate) fn make(folder: &Path) -> io::Result<Self> {
        let file = folder.join("clip.flv");
        let seconds = LOOP_MS / 1000;
        let picture = format!(
            "testsrc2=size=640x360:rate={FRAMES_PER_SECOND}:duration={seconds},\
             noise=alls=16:allf=t"
        );
        let sound = format!("sine=frequency=440:sample_rate=48000:duration={seconds}");
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"]);
        command.args(["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound]);
        command.args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]);
        command.args(["-bf", "0", "-g", "50", "-sc_threshold", "0", "-b:v", "1850k"]);
        command.args(["-minrate", "1850k", "-maxrate", "1850k", "-bufsize", "925k"]);
        command.args(["-c:a", "aac", "-b:a", "128k", "-ac", "2", "-f", "flv"]).arg(&file);
        let output = command.output().map_err(|e| io::Error::other(format!("ffmpeg: {e}")))?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("ffmpeg made no clip: {why}")));
        }
        Self::parse(&std::fs::read(&file)?)
    }

    /// Bits a second of all messages together.
    pub(crate) fn bits_per_second(&self) -> f64 {
        let bytes: usize = self.frames.iter().map(|tag| tag.body.len()).sum();
        let seconds = Duration::from_millis(LOOP_MS.into()).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
        let bits = bytes as f64 * 8.0;
        bits / seconds
    }

    fn parse(mut file: &[u8]) -> io::Result<Self> {
        let mut clip = Self { headers: Vec::new(), frames: Vec::new(), epoch: Instant::now() };
        // The file's header, and the size of the tag before the first one.
        file = file.get(13..).unwrap_or_default();
        while let Some((tag, rest)) = split_tag(file) {
            clip.add(tag);
            file = rest;
        }
        let off = clip.bits_per_second() / NOMINAL_BPS;
        if clip.headers.len() == 2 && (0.95..=1.05).contains(&off) {
            return Ok(clip);
        }
        let found = clip.headers.len();
        Err(io::Error::other(format!("ffmpeg's clip has {found} headers, {off:.2} of its rate")))
    }

    /// Keeps what is audio or video and within the loop.
    fn add(&mut self, tag: &[u8]) {
        let (head, body) = tag.split_at(TAG_HEAD);
        let at_ms = u32::from_be_bytes([head[7], head[4], head[5], head[6]]);
        let is_video = head[0] == 9;
        // The second byte, of AVC and AAC alike: 0 configures, 1 is a frame, 2 ends the sequence.
        match (head[0], body.get(1)) {
            (8 | 9, Some(0)) => {
                self.headers.push(Tag { is_video, at_ms, body: body.to_vec(), is_stamped: false });
            }
            (8 | 9, Some(1)) if at_ms < LOOP_MS => {
                let body = if is_video { with_room_for_stamp(body) } else { body.to_vec() };
                self.frames.push(Tag { is_video, at_ms, body, is_stamped: is_video });
            }
            _ => {}
        }
    }
}

/// The next tag, head and body, and the bytes behind it and its trailing size.
fn split_tag(file: &[u8]) -> Option<(&[u8], &[u8])> {
    let head = file.get(..TAG_HEAD)?;
    let end = TAG_HEAD + u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
    Some((file.get(..end)?, file.get(end + 4..).unwrap_or_default()))
}

fn with_room_for_stamp(body: &[u8]) -> Vec<u8> {
    let (head, units) = body.split_at(VIDEO_HEAD.min(body.len()));
    let size = SEI_BYTES.to_be_bytes();
    let stamp = [&[6, 5, 32], STAMP_MARK.as_slice(), &[b'0'; STAMP_DIGITS], &[0x80]].concat();
    [head, &size, &stamp, units].concat()
}
