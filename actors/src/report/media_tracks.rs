//! A track of the packet model as reports and `media_info` show it.

use watershed_media::track::{Track, TrackKind};

use super::{Fps, TrackReport};

impl From<&Track> for TrackReport {
    fn from(track: &Track) -> Self {
        let content = match track.codec.kind() {
            TrackKind::Video => "video",
            TrackKind::Audio => "audio",
        };
        let known = |value: u32| (value > 0).then_some(value);
        let video = track.codec.video().unwrap_or_default();
        let audio = track.codec.audio().unwrap_or_default();
        let fps = video.fps.filter(|(_, denominator)| *denominator > 0);
        Self {
            content: content.to_owned(),
            codec: track.codec.name().to_owned(),
            width: known(video.width),
            height: known(video.height),
            fps: fps.map(|(n, d)| Fps::from(f64::from(n) / f64::from(d))),
            channels: (audio.channels > 0).then_some(audio.channels),
            sample_rate: known(audio.sample_rate),
            language: track.language.clone(),
        }
    }
}
