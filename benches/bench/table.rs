//! The printed result: medians, spreads, ratios, and what was wanted.

/// The runs of one measurement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs(pub(crate) Vec<f64>);

impl Runs {
    /// The middle run.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn spread(&self) -> (f64, f64) {
        let low = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (low, high)
    }

    /// `median (lowest..highest)` with `digits` behind the point.
    pub(crate) fn show(&self, digits: usize) -> String {
        let (low, high) = self.spread();
        format!("{:.digits$} ({low:.digits$}..{high:.digits$})", self.median())
    }
}

/// One line of the table.
pub(crate) struct Row {
    /// What was measured, with its unit.
    pub(crate) what: String,
    /// Ours.
    pub(crate) watershed: String,
    /// The program beside it.
    pub(crate) other: String,
    /// Ours to the other's.
    pub(crate) ratio: String,
    /// The target.
    pub(crate) wanted: String,
}

/// The rows as aligned text.
pub(crate) fn render(rows: &[Row]) -> String {
    let head = Row {
        what: "what".into(),
        watershed: "watershed".into(),
        other: "beside it".into(),
        ratio: "ratio".into(),
        wanted: "wanted".into(),
    };
    let cells = |row: &Row| {
        [&row.what, &row.watershed, &row.other, &row.ratio, &row.wanted].map(String::clone)
    };
    let lines: Vec<[String; 5]> = std::iter::once(&head).chain(rows).map(cells).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<usize> = (0..5).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in &lines {
        for (cell, width) in line.iter().zip(&widths) {
            text.push_str(&format!("| {cell:<width$} "));
        }
        text.push_str("|\n");
    }
    text
}
