//! The printed result: medians, spreads, ratios, what was wanted, and whether it was met.

use std::fmt::Write as _;

/// The result of a row that was measured and must not be believed.
pub(crate) const FAILED: &str = "FAILED";

/// The runs of one measurement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs(pub(crate) Vec<f64>);

impl Runs {
    /// The middle run; of an even number, the mean of the middle two.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        f64::midpoint(middle(sorted.len() / 2), middle(sorted.len().saturating_sub(1) / 2))
    }

    /// Each run to the other's run of the same turn.
    pub(crate) fn ratio_to(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(mine, others)| mine / others).collect())
    }

    /// `median (lowest..highest)` with `digits` behind the point.
    pub(crate) fn show(&self, digits: usize) -> String {
        let low = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        format!("{:.digits$} ({low:.digits$}..{high:.digits$})", self.median())
    }
}

/// A target.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// No less.
    AtLeast(f64),
    /// No more.
    AtMost(f64),
}

impl Wanted {
    /// `≤ 300 bytes`.
    pub(crate) fn show(self, unit: &str) -> String {
        match self {
            Self::AtLeast(bound) => format!("≥ {bound} {unit}"),
            Self::AtMost(bound) => format!("≤ {bound} {unit}"),
        }
    }

    /// Whether `measured` meets it; a row below its stated load does not count (SPEC section 10).
    pub(crate) fn verdict(self, measured: f64, is_reduced: bool) -> &'static str {
        let is_met = match self {
            Self::AtLeast(bound) => measured >= bound,
            Self::AtMost(bound) => measured <= bound,
        };
        match (is_reduced, is_met) {
            (true, _) => "REDUCED",
            (false, true) => "met",
            (false, false) => "MISSED",
        }
    }
}

/// One line of the table.
pub(crate) struct Row {
    /// What was measured, with its unit and its load.
    pub(crate) what: String,
    /// Ours: median and spread of the runs.
    pub(crate) watershed: String,
    /// The program beside it.
    pub(crate) other: String,
    /// Ours to the other's: median and spread of the turns' ratios.
    pub(crate) ratio: String,
    /// The target.
    pub(crate) wanted: String,
    /// See [`Wanted::verdict`].
    pub(crate) verdict: &'static str,
}

impl Row {
    /// A row that was not measured, and why.
    pub(crate) fn skipped(what: String, wanted: String, reason: &str) -> Self {
        let none = || "–".to_owned();
        let watershed = format!("not offered: {reason}");
        Self { what, watershed, other: none(), ratio: none(), wanted, verdict: "SKIPPED" }
    }

    fn cells(&self) -> [&str; 6] {
        let Self { what, watershed, other, ratio, wanted, verdict } = self;
        [what, watershed, other, ratio, wanted, verdict]
    }
}

/// The rows as an aligned Markdown table.
pub(crate) fn render(rows: &[Row]) -> String {
    let head = ["median (spread)", "watershed", "beside it", "ratio", "wanted", "result"];
    let mut lines = vec![head];
    lines.extend(rows.iter().map(Row::cells));
    let mut widths = [0; 6];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(widths) {
            let _ = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
        if index == 0 {
            for width in widths {
                let _ = write!(text, "|{:-<1$}", "", width + 2);
            }
            text.push_str("|\n");
        }
    }
    text
}
