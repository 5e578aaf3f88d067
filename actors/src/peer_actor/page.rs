//! Judging one answer, and making one report of several pages. Pure.

use std::collections::HashSet;
use std::io::Read as _;

use flate2::read::GzDecoder;

use super::fetcher::FetchFailure;
use super::http_exchange::{AnswerHead, RawAnswer};
use crate::report::{
    REPORT_TITLES_BYTES_MAX, ReadReport, Report, ReportError, ReportLimits, StreamReport,
    TrackInterner, read_report,
};
use crate::signature::{AnswerError, AnswerSigner, ClusterKey, Nonce, verify_answer};

/// Checks the signature over the bytes as sent, then inflates and reads them.
pub(super) fn judge_page(
    raw: RawAnswer,
    key: &ClusterKey,
    nonce: Nonce,
    limits: &ReportLimits,
    tracks: &mut TrackInterner,
) -> Result<(AnswerSigner, ReadReport), FetchFailure> {
    let signer = signer_of(&raw.head, &raw.body, key, nonce)?;
    let body = if raw.head.is_gzip { inflate(&raw.body, limits.page_bytes_max)? } else { raw.body };
    let read = read_report(&body, limits, tracks)?;
    if read.report.id != signer.node {
        return Err(FetchFailure::Forged);
    }
    Ok((signer, read))
}

/// Who signed an answer with this body; that of an endless answer is signed as none.
pub(super) fn signer_of(
    head: &AnswerHead,
    body: &[u8],
    key: &ClusterKey,
    nonce: Nonce,
) -> Result<AnswerSigner, FetchFailure> {
    let headers = head.headers.as_ref().ok_or(FetchFailure::Unsigned)?;
    verify_answer(key, nonce, head.status, headers, body).map_err(|error| match error {
        AnswerError::Unsigned => FetchFailure::Unsigned,
        AnswerError::Forged => FetchFailure::Forged,
    })
}

fn inflate(bytes: &[u8], bytes_max: usize) -> Result<Vec<u8>, FetchFailure> {
    let mut inflated = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut decoder = GzDecoder::new(bytes).take(limit);
    decoder.read_to_end(&mut inflated).map_err(|_| FetchFailure::Compression)?;
    if inflated.len() > bytes_max {
        return Err(FetchFailure::TooLong { bytes_max });
    }
    Ok(inflated)
}

/// The pages of one fetch so far.
#[derive(Debug, Default)]
pub(super) struct PageMerge {
    merged: Option<ReadReport>,
}

impl PageMerge {
    /// Takes one more page in. A page that begins anew voids what came before it.
    ///
    /// Errors: more streams than a peer may have.
    pub(super) fn add(
        &mut self,
        page: ReadReport,
        limits: &ReportLimits,
    ) -> Result<(), FetchFailure> {
        let Some(merged) = self.merged.as_mut().filter(|_| !page.report.full) else {
            self.merged = Some(page);
            return Ok(());
        };
        let ReadReport { report, invalid_names } = page;
        let Report { streams, removed, relayed, .. } = &mut merged.report;
        if !report.removed.is_empty() {
            let gone: HashSet<_> = report.removed.iter().collect();
            streams.retain(|stream| !gone.contains(&stream.name));
        }
        let streams_max = limits.streams_max;
        let is_over = |now: usize, more: usize| now + more > streams_max;
        if is_over(streams.len(), report.streams.len())
            || is_over(removed.len(), report.removed.len())
        {
            return Err(ReportError::TooManyStreams { streams_max }.into());
        }
        let (mut all, mut gone) = (std::mem::take(streams), std::mem::take(removed));
        let mut titles_bytes: usize = all.iter().map(StreamReport::title_bytes).sum();
        all.extend(report.streams.into_iter().map(|mut stream| {
            titles_bytes += stream.title_bytes();
            if titles_bytes > REPORT_TITLES_BYTES_MAX {
                titles_bytes -= stream.title_bytes();
                stream.title = None;
            }
            stream
        }));
        gone.extend(report.removed);
        let relayed = report.relayed.or(relayed.take());
        let full = merged.report.full;
        merged.report = Report { streams: all, removed: gone, relayed, full, ..report };
        merged.invalid_names += invalid_names;
        Ok(())
    }

    /// The pages as one.
    pub(super) fn finish(self) -> Option<ReadReport> {
        self.merged.map(|mut merged| {
            merged.report.more = false;
            merged
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Title;
    use std::io::Write as _;

    fn page(full: bool, streams: &[&str], removed: &[&str]) -> ReadReport {
        let streams: Vec<_> = streams
            .iter()
            .map(|name| format!(r#"{{"name":"{name}","state":"running"}}"#))
            .collect();
        let json = format!(
            r#"{{"node":"b","id":"{:032}","protocol":1,"cursor":"c","more":true,"full":{full},
            "streams":[{}],"removed":{removed:?}}}"#,
            0,
            streams.join(","),
        );
        read_report(json.as_bytes(), &ReportLimits::default(), &mut TrackInterner::default())
            .unwrap()
    }

    fn merge(pages: Vec<ReadReport>) -> (bool, Vec<String>, Vec<String>) {
        let mut merge = PageMerge::default();
        for page in pages {
            merge.add(page, &ReportLimits::default()).unwrap();
        }
        let report = merge.finish().unwrap().report;
        assert!(!report.more);
        let streams = report.streams.iter().map(|stream| stream.name.to_string()).collect();
        (report.full, streams, report.removed.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn pages_become_one_report() {
        let merged = merge(vec![page(true, &["a", "b"], &[]), page(false, &["c"], &["a"])]);
        assert_eq!(merged, (true, vec!["b".into(), "c".into()], vec!["a".into()]));
        let anew = merge(vec![page(false, &["a"], &["x"]), page(true, &["b"], &[])]);
        assert_eq!(anew, (true, vec!["b".into()], vec![]));
    }

    #[test]
    fn streams_over_all_pages_are_bounded() {
        let limits = ReportLimits { streams_max: 2, ..ReportLimits::default() };
        let mut merge = PageMerge::default();
        merge.add(page(true, &["a", "b"], &[]), &limits).unwrap();
        let error = merge.add(page(false, &["c"], &[]), &limits).unwrap_err();
        assert_eq!(error.to_string(), "more than 2 streams");
    }

    #[test]
    fn a_compressed_bomb_is_cut_off() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![b' '; 9 << 20]).unwrap();
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < 20_000);
        let error = inflate(&bomb, 8 << 20).unwrap_err();
        assert_eq!(error.to_string(), "answer over 8 MiB");
        assert_eq!(
            inflate(&bomb[..99], 8 << 20).unwrap_err().to_string(),
            "not a report: broken compression"
        );
    }

    #[test]
    fn titles_over_all_pages_are_bounded_and_what_is_relayed_stays() {
        let title = "t".repeat(255);
        let mut merge = PageMerge::default();
        for number in 0..2 {
            let blank = page(true, &["a"], &[]).report.streams.remove(0);
            let stream = |index: usize| StreamReport {
                name: format!("cam{number}-{index}").parse().unwrap(),
                title: Title::of(&title),
                ..blank.clone()
            };
            let mut page = page(number == 0, &[], &[]);
            page.report.streams = (0..20_000).map(stream).collect();
            page.report.relayed = (number == 0).then(Vec::new);
            merge.add(page, &ReportLimits::default()).unwrap();
        }
        let report = merge.finish().unwrap().report;
        let bytes: usize = report.streams.iter().map(StreamReport::title_bytes).sum();
        assert_eq!(bytes, REPORT_TITLES_BYTES_MAX / title.len() * title.len());
        assert_eq!((report.streams.len(), report.relayed), (40_000, Some(Vec::new())));
    }
}
