//! What is counted as streams come and go, and never gone through: how many distinct ones are
//! captured, and what the titles of a peer take.

use proptest::prelude::*;

use super::super::table::{PeerStreams, Table};
use super::*;
use crate::report::{REPORT_TITLE_BYTES_MAX, REPORT_TITLES_BYTES_MAX};
use StreamState::{Failed, Ondemand, Running, Starting};

#[derive(Clone, Debug)]
enum Step {
    Here(u8, StreamState),
    NotHere(u8),
    Reported { peer: usize, is_full: bool, stream: u8, state: StreamState },
    Removed { peer: usize, stream: u8 },
    Lost { peer: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let state = || prop::sample::select(vec![Running, Starting, Ondemand, Failed]);
    let (peer, stream) = (0..3_usize, 0..6_u8);
    prop_oneof![
        (stream.clone(), state()).prop_map(|(stream, state)| Step::Here(stream, state)),
        stream.clone().prop_map(Step::NotHere),
        (peer.clone(), any::<bool>(), stream.clone(), state()).prop_map(
            |(peer, is_full, stream, state)| Step::Reported { peer, is_full, stream, state }
        ),
        (peer.clone(), stream).prop_map(|(peer, stream)| Step::Removed { peer, stream }),
        peer.prop_map(|peer| Step::Lost { peer }),
    ]
}

fn cam(number: u8) -> StreamName {
    name(&format!("cam{number}"))
}

/// The same by going through all of them.
fn captured(table: &Table) -> usize {
    let is_captured = |state| matches!(state, Running | Starting);
    let (local, remote) = (table.local.pin(), table.remote.pin());
    let here = local.iter().filter(|(_, entry)| is_captured(entry.stream.state));
    let there = remote.iter().filter(|(_, held)| held.iter().any(|one| is_captured(one.state)));
    let names = here.map(|(name, _)| name).chain(there.map(|(name, _)| name));
    names.collect::<std::collections::HashSet<_>>().len()
}

proptest! {
    #[test]
    fn captured_streams_are_counted_once_however_many_have_them(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let (table, mut known, now) = (Table::default(), PeerStreams::default(), Instant::now());
        let links: Vec<_> = (0..3)
            .map(|serial| PeerLink::new(serial, now, route("peer", &[Scheme::Http])))
            .collect();
        for step in steps {
            match step {
                Step::Here(stream, state) => {
                    table.set_local(cam(stream), LocalStream::in_state(state), now);
                }
                Step::NotHere(stream) => table.remove_local(&cam(stream)),
                Step::Reported { peer, is_full, stream, state } => {
                    let told = LocalStream::in_state(state).report(&cam(stream));
                    let report = Report { full: is_full, streams: vec![told], ..blank_report() };
                    table.apply(&mut known, &links[peer], report);
                }
                Step::Removed { peer, stream } => {
                    let report = Report { removed: vec![cam(stream)], ..blank_report() };
                    table.apply(&mut known, &links[peer], report);
                }
                Step::Lost { peer } => table.forget(&mut known, &links[peer], STALE, now),
            }
            prop_assert_eq!(table.captured_count(), captured(&table));
        }
    }
}

#[test]
fn titles_of_one_peer_are_bounded_and_those_that_go_make_room() {
    let (table, mut known, now) = (Table::default(), PeerStreams::default(), Instant::now());
    let link = PeerLink::new(1, now, route("peer", &[Scheme::Http]));
    let many = REPORT_TITLES_BYTES_MAX / REPORT_TITLE_BYTES_MAX;
    let titled = |number: usize, length: usize| StreamReport {
        title: Title::of(&"t".repeat(length)),
        ..stream(&format!("cam{number}"), Running)
    };
    let mut report = |full: bool, streams: Vec<StreamReport>, removed: &[&str]| {
        let removed = removed.iter().map(|text| name(text)).collect();
        table.apply(&mut known, &link, Report { full, streams, removed, ..blank_report() });
    };
    let has_title = |number: usize| {
        table.remote.pin().get(&name(&format!("cam{number}"))).unwrap()[0].title.is_some()
    };
    let all = |length: usize| (0..=many).map(|number| titled(number, length)).collect();
    report(true, all(REPORT_TITLE_BYTES_MAX), &[]);
    assert!(has_title(0) && has_title(many - 1) && !has_title(many));
    report(false, vec![titled(many, REPORT_TITLE_BYTES_MAX)], &[]);
    assert!(!has_title(many), "there is no room");
    report(false, vec![titled(many, REPORT_TITLE_BYTES_MAX)], &["cam7"]);
    assert!(has_title(many), "one has gone");
    report(false, vec![titled(0, 1), titled(7, REPORT_TITLE_BYTES_MAX - 1)], &[]);
    assert!(has_title(7), "one has become shorter");
    report(true, vec![titled(0, 1)], &[]);
    report(false, all(REPORT_TITLE_BYTES_MAX - 1), &[]);
    assert!(has_title(many), "all have");
}
