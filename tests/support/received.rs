//! What a player received, packet by packet, and whether it is what the source sent.
//!
//! Packets are known by their content, so that the source's own times can be laid beside those
//! that arrived: exact to the tick, with no pictures decoded.
//!
//! ```text
//!  source file ─ record ─▶ Recording ─┐
//!  ffprobe URL ─ record ─▶ Recording ─┴▶ judge ─▶ Summary, or all that is wrong
//! ```

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::players::run;

/// How far sound and picture may be apart.
const SYNC_MS: f64 = 50.0;
/// How far apart packets are that are compared: more than a source sends them out of order.
const NEAR: f64 = 1.0;
/// What share of the packets has to be there, and has to be the source's.
const SHARE: f64 = 0.8;
/// What of ffprobe's description has to be as at the source.
const FACTS: [(&str, &[&str]); 2] = [
    ("video", &["codec_name", "profile", "level", "width", "height", "pix_fmt"]),
    ("audio", &["codec_name", "profile", "sample_rate", "channels"]),
];

/// A packet as a demuxer handed it on.
#[derive(Clone, Debug)]
struct Packet {
    pts: f64,
    dts: Option<f64>,
    /// The same for the same frame in every container.
    content: u64,
}

/// A track and its packets in the order received.
#[derive(Clone, Debug, Default)]
struct Track {
    facts: BTreeMap<String, String>,
    packets: Vec<Packet>,
}

/// The first track of video and of audio.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording {
    tracks: BTreeMap<String, Track>,
}

/// What a recording that is right comes to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Summary {
    /// Packets of video.
    pub(crate) video: usize,
    /// Packets of audio.
    pub(crate) audio: usize,
    /// The largest shift of sound against picture; positive if sound is late.
    pub(crate) offset_ms: f64,
}

/// What ffprobe gets of `seconds` of `url` within `limit`, or why it gets nothing.
pub(crate) fn record(
    url: &str,
    options: &str,
    seconds: u64,
    limit: Duration,
) -> Result<Recording, String> {
    // Many players are not to take the processor from those who send to them; but one that is late
    // loses datagrams.
    let niceness = if options.contains("udp") { "0" } else { "10" };
    let mut command = Command::new("nice");
    command.args(["-n", niceness, "ffprobe", "-v", "error", "-of", "json"]);
    command.args(["-show_streams", "-show_packets", "-show_data"]);
    command.args(["-threads", "1", "-read_intervals", &format!("%+{seconds}")]);
    command.args(options.split_whitespace()).arg(url);
    let output = run(&mut command, limit);
    let words = String::from_utf8_lossy(&output.stderr);
    let first: Vec<&str> = words.lines().take(3).collect();
    let found: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("nothing within {limit:?}: {}", first.join("; ")))?;
    let recording = Recording::read(&found);
    if recording.tracks.is_empty() {
        return Err(format!("no tracks: {}", first.join("; ")));
    }
    Ok(recording)
}

impl Recording {
    /// Reads what `ffprobe -show_streams -show_packets -show_data -of json` wrote.
    fn read(found: &Value) -> Self {
        let mut recording = Self::default();
        let mut kinds = HashMap::new();
        for stream in found["streams"].as_array().into_iter().flatten() {
            let kind = stream["codec_type"].as_str().unwrap_or_default();
            let Some((_, names)) = FACTS.iter().find(|(of, _)| *of == kind) else { continue };
            if recording.tracks.contains_key(kind) {
                continue;
            }
            let fact = |name: &&str| ((*name).to_owned(), text(&stream[*name]));
            let track = Track { facts: names.iter().map(fact).collect(), packets: Vec::new() };
            recording.tracks.insert(kind.to_owned(), track);
            let length_bytes = text(&stream["nal_length_size"]).parse().unwrap_or(0);
            kinds.insert(text(&stream["index"]), (kind, length_bytes));
        }
        for packet in found["packets"].as_array().into_iter().flatten() {
            let Some(&(kind, length_bytes)) = kinds.get(&text(&packet["stream_index"])) else {
                continue;
            };
            let time = |name: &str| packet[name].as_str().and_then(|text| text.parse::<f64>().ok());
            let (dts, data) = (time("dts_time"), dumped(packet["data"].as_str().unwrap_or("")));
            let Some(pts) = time("pts_time").or(dts) else { continue };
            let is_video = kind == "video";
            let content =
                if is_video { slices(&data, length_bytes) } else { hash(without_adts(&data)) };
            let track = recording.tracks.get_mut(kind).expect("made above");
            track.packets.push(Packet { pts, dts, content });
        }
        recording
    }

    fn packets(&self, kind: &str) -> &[Packet] {
        self.tracks.get(kind).map_or(&[], |track| &track.packets)
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The bytes of ffprobe's dump: `00000000: 0000 0001 …  ASCII`, 16 a line.
fn dumped(dump: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in dump.lines().filter(|line| line.len() > 50) {
        let digits: Vec<u8> = line.as_bytes()[10..50]
            .iter()
            .filter_map(|digit| char::from(*digit).to_digit(16))
            .filter_map(|digit| u8::try_from(digit).ok())
            .collect();
        bytes.extend(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]));
    }
    bytes
}

/// The hash of the picture's slices, without start codes or lengths and without the parameter
/// sets, delimiters and SEI that containers and muxers add and drop.
///
/// Source: H.264 §7.4.1 (types 1 and 5 are slices, all others of the test clips are not) and
/// Annex B; ISO/IEC 14496-15 §5.3.2 (lengths).
fn slices(data: &[u8], length_bytes: usize) -> u64 {
    let units =
        if length_bytes == 0 { by_start_codes(data) } else { by_length(data, length_bytes) };
    let is_slice = |unit: &&[u8]| unit.first().is_some_and(|head| matches!(head & 0x1f, 1 | 5));
    let slices: Vec<&[u8]> = units.into_iter().filter(is_slice).collect();
    hash(&slices.concat())
}

fn by_start_codes(data: &[u8]) -> Vec<&[u8]> {
    let mut starts: Vec<usize> = Vec::new();
    for at in 0..data.len().saturating_sub(2) {
        if data[at..at + 3] == [0, 0, 1] {
            starts.push(at + 3);
        }
    }
    let ends = starts.iter().skip(1).map(|start| start - 3).chain([data.len()]);
    let unit = |(start, end): (&usize, usize)| {
        let unit = &data[*start..end];
        // No NAL unit ends in zero: what follows is padding, or the start code's first byte.
        let size = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        &unit[..size]
    };
    starts.iter().zip(ends).map(unit).collect()
}

fn by_length(mut data: &[u8], length_bytes: usize) -> Vec<&[u8]> {
    let mut units = Vec::new();
    while data.len() > length_bytes {
        let (length, rest) = data.split_at(length_bytes);
        let size = length.iter().fold(0, |size, byte| size << 8 | usize::from(*byte));
        let (unit, rest) = rest.split_at(size.min(rest.len()));
        units.push(unit);
        data = rest;
    }
    units
}

/// An AAC frame without its ADTS header. Source: ISO/IEC 13818-7 §6.2.
fn without_adts(data: &[u8]) -> &[u8] {
    match data {
        [0xff, second, ..] if second & 0xf6 == 0xf0 && data.len() > 9 => {
            &data[if second & 1 == 1 { 7 } else { 9 }..]
        }
        _ => data,
    }
}

fn hash(data: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    hasher.finish()
}

/// Compares `seconds` of a live stream with its source; every objection in words.
pub(crate) fn judge(
    source: &Recording,
    received: &Recording,
    seconds: u64,
) -> Result<Summary, Vec<String>> {
    let mut wrong = Vec::new();
    for (kind, track) in &source.tracks {
        let Some(found) = received.tracks.get(kind) else {
            wrong.push(format!("no {kind}"));
            continue;
        };
        if found.facts != track.facts {
            wrong.push(format!("{kind} is {:?}, not {:?}", found.facts, track.facts));
        }
        wrong.extend(objections_to_times(kind, &found.packets));
        let wanted = rate(&track.packets) * f64::from(u32::try_from(seconds).unwrap()) * SHARE;
        if count(found.packets.len()) < wanted {
            wrong.push(format!("{} packets of {kind}, wanted {wanted:.0}", found.packets.len()));
        }
        let known: HashSet<u64> = track.packets.iter().map(|packet| packet.content).collect();
        let strange = found.packets.iter().filter(|packet| !known.contains(&packet.content));
        let strange = strange.count();
        if count(strange) > count(found.packets.len()) * (1.0 - SHARE) {
            wrong.push(format!("{strange} packets of {kind} are not the source's"));
        }
    }
    let shift = offset_ms(source, received);
    match shift {
        None => wrong.push("no packets to compare sound and picture by".to_owned()),
        Some(offset) if offset.abs() > SYNC_MS => {
            wrong.push(format!("sound is {offset:.1} ms late, {SYNC_MS} ms allowed"));
        }
        Some(_) => {}
    }
    let (video, audio) = (received.packets("video").len(), received.packets("audio").len());
    match shift {
        Some(offset_ms) if wrong.is_empty() => Ok(Summary { video, audio, offset_ms }),
        _ => Err(wrong),
    }
}

/// Decode times rise, and players get one for nearly every packet.
fn objections_to_times(kind: &str, packets: &[Packet]) -> Vec<String> {
    let times: Vec<f64> = packets.iter().filter_map(|packet| packet.dts).collect();
    let mut wrong = Vec::new();
    if let Some(pair) = times.windows(2).find(|pair| pair[0] >= pair[1]) {
        wrong.push(format!("{kind} goes from {} s to {} s", pair[0], pair[1]));
    }
    if count(times.len()) < count(packets.len()) * SHARE {
        wrong.push(format!("{kind}: {} of {} packets have times", times.len(), packets.len()));
    }
    wrong
}

fn rate(packets: &[Packet]) -> f64 {
    let first = packets.iter().map(|packet| packet.pts).fold(f64::INFINITY, f64::min);
    let last = packets.iter().map(|packet| packet.pts).fold(f64::NEG_INFINITY, f64::max);
    count(packets.len().saturating_sub(1)) / (last - first)
}

fn count(packets: usize) -> f64 {
    f64::from(u32::try_from(packets).unwrap())
}

/// The largest shift of a sound against a picture near it, compared with the source.
fn offset_ms(source: &Recording, received: &Recording) -> Option<f64> {
    let mut pictures = paired(source, received, "video");
    pictures.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut largest: Option<f64> = None;
    for (sent, arrived) in paired(source, received, "audio") {
        let from = pictures.partition_point(|picture| picture.1 < arrived - NEAR);
        let near = pictures[from..].iter().take_while(|picture| picture.1 <= arrived + NEAR);
        // A picture that the source repeats is the one that it shows about then.
        for picture in near.filter(|picture| (picture.0 - sent).abs() <= NEAR * 2.0) {
            let shift = (arrived - picture.1 - (sent - picture.0)) * 1000.0;
            if largest.is_none_or(|largest| shift.abs() > largest.abs()) {
                largest = Some(shift);
            }
        }
    }
    largest
}

/// When a frame was at the source, and when it arrived; each time of those that the source repeats.
fn paired(source: &Recording, received: &Recording, kind: &str) -> Vec<(f64, f64)> {
    let mut sent: HashMap<u64, Vec<f64>> = HashMap::new();
    for packet in source.packets(kind) {
        sent.entry(packet.content).or_default().push(packet.pts);
    }
    let mut pairs = Vec::new();
    for packet in received.packets(kind) {
        let sent = sent.get(&packet.content).map_or(&[][..], Vec::as_slice);
        pairs.extend(sent.iter().map(|sent| (*sent, packet.pts)));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two seconds: a picture every 40 ms, a sound every 20 ms, sound `late` seconds late.
    fn recording(late: f64) -> Recording {
        let facts = BTreeMap::from([("codec_name".to_owned(), "any".to_owned())]);
        let track = |count: u32, step: f64, late: f64, seed: u64| {
            let packet = |index: u32| {
                let pts = f64::from(index) * step + late;
                Packet { pts, dts: Some(pts), content: seed + u64::from(index) }
            };
            Track { facts: facts.clone(), packets: (0..count).map(packet).collect() }
        };
        let video = ("video".to_owned(), track(50, 0.04, 0.0, 1000));
        let audio = ("audio".to_owned(), track(100, 0.02, late, 2000));
        Recording { tracks: BTreeMap::from([video, audio]) }
    }

    fn moved(mut recording: Recording, by: f64) -> Recording {
        for packet in recording.tracks.values_mut().flat_map(|track| &mut track.packets) {
            packet.pts += by;
            packet.dts = packet.dts.map(|dts| dts + by);
        }
        recording
    }

    fn objections(change: impl Fn(&mut Recording)) -> String {
        let mut received = recording(0.0);
        change(&mut received);
        judge(&recording(0.0), &received, 2).unwrap_err().join("; ")
    }

    fn packets<'a>(recording: &'a mut Recording, kind: &str) -> &'a mut Vec<Packet> {
        &mut recording.tracks.get_mut(kind).unwrap().packets
    }

    #[test]
    fn the_source_itself_moved_as_a_whole_is_right() {
        let summary = judge(&recording(0.0), &moved(recording(0.0), 1000.0), 2).unwrap();
        assert_eq!((summary.video, summary.audio), (50, 100));
        assert!(summary.offset_ms.abs() < 0.001, "{summary:?}");
    }

    #[test]
    fn sound_is_judged_against_the_picture_as_at_the_source() {
        for (at_source, arrived, offset) in [(0.0, 0.049, 49.0), (0.3, 0.28, -20.0)] {
            let summary = judge(&recording(at_source), &recording(arrived), 2).unwrap();
            assert!((summary.offset_ms - offset).abs() < 0.001, "{summary:?}");
        }
        let wrong = judge(&recording(0.0), &recording(0.051), 2).unwrap_err();
        assert_eq!(wrong, ["sound is 51.0 ms late, 50 ms allowed"]);
        let wrong = judge(&recording(0.0), &recording(-0.3), 2).unwrap_err();
        assert_eq!(wrong, ["sound is -300.0 ms late, 50 ms allowed"]);
    }

    #[test]
    fn drift_counts_where_it_is_largest() {
        let late = objections(|received| {
            packets(received, "audio").iter_mut().for_each(|packet| packet.pts *= 1.05);
        });
        assert!(late.contains("ms late"), "{late}");
    }

    #[test]
    fn a_picture_that_the_source_repeats_is_the_one_next_to_its_sound() {
        let mut source = recording(0.0);
        let again = moved(recording(0.0), 10.0);
        packets(&mut source, "video").extend_from_slice(again.packets("video"));
        let summary = judge(&source, &recording(0.02), 2).unwrap();
        assert!((summary.offset_ms - 20.0).abs() < 0.001, "{summary:?}");
    }

    #[test]
    fn each_thing_that_is_wrong_is_told() {
        let told = objections(|received| drop(received.tracks.remove("audio")));
        assert!(told.contains("no audio"), "{told}");
        let told = objections(|received| packets(received, "video").truncate(30));
        assert!(told.contains("30 packets of video, wanted 40"), "{told}");
        let told = objections(|received| packets(received, "audio")[7].dts = Some(0.12));
        assert!(told.contains("audio goes from 0.12 s to 0.12 s"), "{told}");
        let told = objections(|received| {
            packets(received, "video").iter_mut().for_each(|packet| packet.content += 25);
        });
        assert!(told.contains("25 packets of video are not the source's"), "{told}");
        let told = objections(|received| {
            let track = received.tracks.get_mut("audio").unwrap();
            track.facts.insert("codec_name".to_owned(), "other".to_owned());
        });
        assert!(told.contains("audio is") && told.contains("other"), "{told}");
    }

    #[test]
    fn a_picture_is_the_same_in_either_framing() {
        let (picture, more) = ([0x65, 1, 2, 0, 3], [0x41, 7]);
        let avc = [&[0, 0, 0, 5][..], &picture, &[0, 0, 0, 2], &more].concat();
        let delimiter = [0, 0, 0, 1, 9, 0xf0];
        let parameters = [0, 0, 0, 1, 0x67, 0x42, 0, 0, 0, 1, 0x68, 0xce];
        let annex_b =
            [&delimiter[..], &parameters, &[0, 0, 1], &picture, &[0, 0, 0, 1], &more].concat();
        assert_eq!(slices(&avc, 4), slices(&annex_b, 0));
        assert_ne!(slices(&avc, 4), slices(&avc[..9], 4));
    }

    #[test]
    fn sound_is_the_same_with_and_without_adts() {
        let frame = [0x21, 0x10, 5, 6];
        let adts = [&[0xff, 0xf1, 0x4c, 0x80, 1, 0x7f, 0xfc][..], &frame].concat();
        assert_eq!(without_adts(&adts), frame);
        assert_eq!(without_adts(&frame), frame);
    }

    #[test]
    fn a_dump_is_read_without_its_letters() {
        let dump = "\n00000000: 4141 4142 4344 4546 4748 494a 4b4c 4d4e  AAABCDEFGHIJKLMN\n\
                    00000010: 0001 ff                                  abc\n";
        let bytes = dumped(dump);
        assert_eq!(bytes.len(), 19);
        assert_eq!(bytes[16..], [0, 1, 0xff]);
    }
}
