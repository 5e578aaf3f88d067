//! The rows of playing: CPU for each delivered gigabit, and memory of a player.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::clip::Clip;
use super::ladder::{Climb, Step, climb};
use super::players::Protocol;
use super::servers::Kind;
use crate::plan::Plan;
use crate::table::{FAILED, Row, Runs, Wanted};

const KIB: f64 = 1024.0;

/// Memory of a player.
const WANTED_KIB: Wanted = Wanted::AtMost(12.0);

/// The share of the stated load that has to arrive for a row to count.
const LOAD_AT_LEAST: f64 = 0.95;

/// A server playing by a protocol, over all runs.
struct Side {
    kind: Kind,
    protocol: Protocol,
    /// The steps of each run.
    runs: Vec<Vec<Step>>,
    refused: Option<String>,
}

/// Measures the protocols in `wanted`, turn by turn, and RTMP where others are compared with it.
pub(crate) fn measure(
    plan: &Plan,
    folder: &Path,
    clip: &Arc<Clip>,
    wanted: &[Protocol],
    out: &mut impl Write,
) -> io::Result<Vec<Row>> {
    let mut sides = Vec::new();
    let needs_rtmp = wanted.iter().any(|protocol| *protocol != Protocol::Hls);
    if needs_rtmp {
        sides.push(Side::new(Kind::Watershed, Protocol::Rtmp));
    }
    for &protocol in wanted {
        if protocol != Protocol::Rtmp {
            sides.push(Side::new(Kind::Watershed, protocol));
        }
        if matches!(protocol, Protocol::Rtmp | Protocol::Hls) {
            sides.push(Side::new(Kind::NginxRtmp, protocol));
        }
    }
    for run in 0..plan.media_runs {
        // Who comes first changes, so that nobody always finds the machine warmer.
        let count = sides.len();
        for turn in 0..count {
            let side = &mut sides[(turn + run) % count];
            side.climb(plan, folder, clip, run, out)?;
        }
    }
    let mut rows = Vec::new();
    for &protocol in wanted {
        for (index, &players) in plan.players.iter().enumerate() {
            rows.push(cpu_row(plan, &sides, protocol, index, players));
        }
        rows.push(memory_row(plan, &sides, protocol));
    }
    Ok(rows)
}

impl Side {
    const fn new(kind: Kind, protocol: Protocol) -> Self {
        Self { kind, protocol, runs: Vec::new(), refused: None }
    }

    fn climb(
        &mut self,
        plan: &Plan,
        folder: &Path,
        clip: &Arc<Clip>,
        run: usize,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if self.refused.is_some() {
            return Ok(());
        }
        let (name, protocol) = (self.kind.name(), self.protocol);
        match climb(self.kind, protocol, plan, folder, clip)? {
            Climb::Steps(steps) => {
                for step in &steps {
                    let Step { players, cpu_per_gbit, gbit_per_second, .. } = step;
                    writeln!(
                        out,
                        "{protocol}, run {}: {name} {players} players {cpu_per_gbit:.3} CPU s/Gbit \
                         at {gbit_per_second:.2} Gbit/s, {} starved, {:.1} KiB a player; the load \
                         took {:.2} of its CPU",
                        run + 1,
                        step.starved,
                        step.bytes_per_player / KIB,
                        step.load_share,
                    )?;
                }
                self.runs.push(steps);
            }
            Climb::Refused(reason) => {
                writeln!(out, "{protocol}: {name} does not play: {reason}")?;
                self.refused = Some(reason);
            }
        }
        Ok(())
    }

    /// One number of one step over the runs.
    fn values(&self, index: usize, value: impl Fn(&Step) -> f64) -> Runs {
        Runs(self.runs.iter().filter_map(|steps| steps.get(index)).map(value).collect())
    }

    fn cpu(&self, index: usize) -> Runs {
        self.values(index, |step| step.cpu_per_gbit)
    }

    /// Whether a step had less than its load in any run; and a word on it.
    fn shortage(&self, index: usize, nominal_bps: f64) -> Option<String> {
        let steps = self.runs.iter().filter_map(|steps| steps.get(index));
        let short = steps.filter(|step| {
            #[expect(clippy::cast_precision_loss, reason = "thousands")]
            let stated = step.players as f64 * nominal_bps / 1e9;
            step.starved > 0 || step.gbit_per_second < stated * LOAD_AT_LEAST
        });
        let worst = short.min_by(|a, b| a.gbit_per_second.total_cmp(&b.gbit_per_second))?;
        Some(format!("{:.2} Gbit/s, {} starved", worst.gbit_per_second, worst.starved))
    }

    /// Players of a step that were closed or got what is not the protocol.
    fn trouble(&self, index: usize) -> Option<&str> {
        let mut steps = self.runs.iter().filter_map(|steps| steps.get(index));
        steps.find_map(|step| step.trouble.as_deref())
    }
}

/// What a protocol is compared with, and how it should compare.
fn beside(protocol: Protocol) -> (Kind, Protocol, Wanted) {
    match protocol {
        Protocol::Rtmp => (Kind::NginxRtmp, Protocol::Rtmp, Wanted::AtMost(0.35)),
        Protocol::Hls => (Kind::NginxRtmp, Protocol::Hls, Wanted::AtMost(1.2)),
        _ => (Kind::Watershed, Protocol::Rtmp, Wanted::AtMost(1.2)),
    }
}

fn cpu_row(plan: &Plan, sides: &[Side], protocol: Protocol, index: usize, players: usize) -> Row {
    let what = format!("{protocol}, CPU s per Gbit, {players} players of 2 Mbit/s");
    let (kind, other, wanted) = beside(protocol);
    let find =
        |kind, protocol| sides.iter().find(|side| (side.kind, side.protocol) == (kind, protocol));
    let (Some(ours), Some(theirs)) = (find(Kind::Watershed, protocol), find(kind, other)) else {
        return Row::skipped(what, wanted.show("×"), "not measured");
    };
    if let Some(reason) = &ours.refused {
        return Row::skipped(what, wanted.show("×"), reason);
    }
    let nominal = super::clip::NOMINAL_BPS;
    let cell = |side: &Side| {
        if let Some(reason) = &side.refused {
            return format!("does not play: {reason}");
        }
        let short = side.shortage(index, nominal).map(|short| format!(" [{short}]"));
        let trouble = side.trouble(index).map(|trouble| format!(" [{trouble}]"));
        [Some(side.cpu(index).show(3)), short, trouble].into_iter().flatten().collect()
    };
    let their_name = if kind == Kind::Watershed { "our RTMP" } else { "nginx-rtmp" };
    let is_reduced = plan.is_media_reduced() || ours.shortage(index, nominal).is_some();
    let ratio = ours.cpu(index).ratio_to(&theirs.cpu(index));
    let is_alone = theirs.refused.is_some();
    let verdict = match ours.trouble(index) {
        Some(_) => FAILED,
        None if is_alone => "SKIPPED",
        None => wanted.verdict(ratio.median(), is_reduced),
    };
    Row {
        what,
        watershed: cell(ours),
        other: format!("{their_name} {}", cell(theirs)),
        verdict,
        ratio: if is_alone { "–".to_owned() } else { ratio.show(2) },
        wanted: wanted.show("×"),
    }
}

fn memory_row(plan: &Plan, sides: &[Side], protocol: Protocol) -> Row {
    let index = plan.players.len() - 1;
    let players = plan.players[index];
    let what = format!("{protocol}, memory of a player, KiB, {players} players");
    let of = |kind: Kind| {
        let side = sides.iter().find(|side| (side.kind, side.protocol) == (kind, protocol))?;
        Some((side, side.values(index, |step| step.bytes_per_player / KIB)))
    };
    let wanted = WANTED_KIB.show("KiB");
    let Some((ours, kib)) = of(Kind::Watershed) else {
        return Row::skipped(what, wanted, "not measured");
    };
    if let Some(reason) = &ours.refused {
        return Row::skipped(what, wanted, reason);
    }
    let theirs = of(Kind::NginxRtmp).map(|(_, kib)| format!("nginx-rtmp {}", kib.show(1)));
    Row {
        what,
        verdict: WANTED_KIB.verdict(kib.median(), plan.is_media_reduced()),
        watershed: kib.show(1),
        other: theirs.unwrap_or_else(|| "–".to_owned()),
        ratio: "–".to_owned(),
        wanted,
    }
}
