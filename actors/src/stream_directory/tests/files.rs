//! Where clients are sent for files, and that they come to them.

use super::*;

const FILM: &str = "movies/a/film.mp4";

impl Fixture {
    fn locate_file(&self, file: &str, was_sent: bool) -> Option<String> {
        match self.view.locate_file(file, was_sent, now()) {
            FileLocation::At(route) => Some(route.hostname.to_string()),
            FileLocation::ComingBack => Some("coming back".to_owned()),
            FileLocation::Nowhere => None,
        }
    }
}

#[actix::test]
async fn file_is_looked_for_at_peers_with_its_prefix() {
    let mut f = fixture();
    let b = f.peer("b");
    assert_eq!(f.locate_file(FILM, false), None);
    f.report_vods(&b, &["movies", "other/a", "not a name"]).await;
    assert_eq!(f.locate_file(FILM, false).as_deref(), Some("b"));
    assert_eq!(f.locate_file("other/a/film.mp4", false).as_deref(), Some("b"));
    for name in ["other/film.mp4", "movies", "movie/film.mp4", "a/movies/film.mp4"] {
        assert_eq!(f.locate_file(name, false), None, "{name}");
    }
    f.report_vods(&b, &["other/a"]).await;
    assert_eq!(f.locate_file(FILM, false), None, "no longer reported");
}

#[actix::test]
async fn files_of_a_lost_peer_are_expected_back_for_a_while() {
    let mut f = fixture();
    let b = f.peer("b");
    f.report_vods(&b, &["movies"]).await;
    b.close();
    assert_eq!(f.locate_file(FILM, false).as_deref(), Some("coming back"));
    f.address.send(PeerLost { link: Arc::clone(&b), stale_timeout: STALE }).await.unwrap();
    assert_eq!(f.locate_file(FILM, false).as_deref(), Some("coming back"));
    tokio::time::advance(STALE).await;
    assert_eq!(f.locate_file(FILM, false), None);
}

#[actix::test]
async fn a_busy_peer_gets_no_clients() {
    let mut f = fixture();
    let b = f.peer("b");
    f.report_vods(&b, &["movies"]).await;
    let stats = NodeStats { cpu_usage: Some(95.0), ..NodeStats::default() };
    b.set_load(&stats, Some(90.0));
    assert_eq!(f.locate_file(FILM, false).as_deref(), Some("coming back"));
}

#[actix::test]
async fn client_comes_past_every_node_once_and_then_the_file_is_nowhere() {
    tokio::time::pause();
    let names = ["north", "south", "east", "west"];
    let mut nodes: Vec<Fixture> = names.iter().map(|name| node(name)).collect();
    for (index, f) in nodes.iter_mut().enumerate() {
        for name in names.iter().enumerate().filter(|(other, _)| *other != index) {
            let peer = f.peer(name.1);
            f.report_vods(&peer, &["movies"]).await;
        }
    }
    let node = |name: &str| names.iter().position(|known| *known == name).unwrap();
    for number in 0..50 {
        let file = format!("movies/{number}.mp4");
        for start in 0..names.len() {
            let mut seen = vec![start];
            while let Some(next) = nodes[*seen.last().unwrap()].locate_file(&file, seen.len() > 1) {
                seen.push(node(&next));
                assert!(seen.len() <= names.len() + 1, "{file}: {seen:?}");
            }
            let mut others: Vec<usize> = seen[1..].to_vec();
            others.sort_unstable();
            others.dedup();
            assert_eq!(others.len(), seen.len() - 1, "{file}: {seen:?} comes back");
            others.push(start);
            others.sort_unstable();
            others.dedup();
            assert_eq!(others, [0, 1, 2, 3], "{file}: {seen:?} leaves one out");
        }
    }
}

#[actix::test]
async fn own_prefixes_are_told_to_peers_at_once() {
    let f = fixture();
    let prefixes = vec!["movies".to_owned()];
    f.address.send(LocalVodsChanged { prefixes: prefixes.clone() }).await.unwrap();
    let report = f.address.send(ReportSince { cursor: None }).await.unwrap();
    assert_eq!(report.vods, prefixes);
}
