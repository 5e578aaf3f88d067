//! Who is redirected and who is relayed, as an RTSP client meets it.

use super::*;
use crate::redirect::{RedirectMode, RedirectPolicy};
use crate::report::{Listener, Scheme};
use crate::rtsp_session::ClusterRouter;
use crate::rtsp_session::messages::{Router as _, RtspAnswer};
use crate::stream_directory::LocalNodeChanged;

/// A node that knows a holder with these doors.
async fn node_beside(doors: &[Scheme]) -> (Node, Rc<Holder>) {
    let holder = Holder::start("south", 2).await;
    let node = node(&[]).await;
    let listener = |(port, &scheme)| Listener { scheme, port };
    let listeners: Vec<_> = (1..).zip(doors).map(listener).collect();
    let targets = config(&holder).addresses.targets(&listeners).unwrap();
    let route = PeerRoute { targets, ..PeerRoute::clone(&holder.route) };
    let news = report(1, &holder);
    news.link.set_route(route);
    news.link.open(Instant::now() + Duration::from_secs(60));
    node.directory.send(news).await.unwrap();
    (node, holder)
}

fn router(node: &Node, rtsp: RedirectMode) -> ClusterRouter {
    let policy = RedirectPolicy { rtsp, ..RedirectPolicy::default() };
    ClusterRouter::new(node.view.clone(), NodeId::from_random(1), Published::new(policy))
}

fn is_relay(answer: &RtspAnswer) -> bool {
    matches!(answer, RtspAnswer::Relay(route) if route.hostname.as_str() == "south")
}

fn is_redirect(answer: &RtspAnswer) -> bool {
    matches!(answer, RtspAnswer::Redirect(url) if url.starts_with("rtsp://127.0.0.1:2/a/cam?_via="))
}

#[actix::test]
async fn known_agents_are_redirected_and_others_relayed() {
    let (node, _holder) = node_beside(&[Scheme::Http, Scheme::Rtsp]).await;
    let auto = router(&node, RedirectMode::Auto);
    assert!(is_redirect(&auto.locate_rtsp("a/cam", None, Some("Lavf58.76.100"))));
    assert!(is_relay(&auto.locate_rtsp("a/cam", None, Some("go2rtc/1.9"))));
    assert!(is_relay(&auto.locate_rtsp("a/cam", None, None)));
    let always = router(&node, RedirectMode::Always);
    assert!(is_redirect(&always.locate_rtsp("a/cam", None, None)));
    let never = router(&node, RedirectMode::Never);
    assert!(is_relay(&never.locate_rtsp("a/cam", None, Some("Lavf58.76.100"))));
}

#[actix::test]
async fn holder_without_a_door_is_relayed_from_and_one_without_http_is_not() {
    let (node, _holder) = node_beside(&[Scheme::Http]).await;
    let always = router(&node, RedirectMode::Always);
    assert!(is_relay(&always.locate_rtsp("a/cam", None, Some("Lavf58.76.100"))));
    let (node, _holder) = node_beside(&[Scheme::Rtmp]).await;
    let always = router(&node, RedirectMode::Always);
    assert_eq!(always.locate_rtsp("a/cam", None, None), RtspAnswer::NotFound);
}

#[actix::test]
async fn young_mark_and_draining_forbid_a_relay() {
    let (node, _holder) = node_beside(&[Scheme::Http, Scheme::Rtsp]).await;
    let never = router(&node, RedirectMode::Never);
    let young = format!("_via=01234567.{}", crate::wall_clock::unix_ms() / 1000);
    assert_eq!(never.locate_rtsp("a/cam", Some(&young), None), RtspAnswer::Unavailable);
    let state = NodeState::Draining;
    let news = LocalNodeChanged { state, listeners: Vec::new() };
    node.directory.send(news).await.unwrap();
    assert_eq!(never.locate_rtsp("a/cam", None, None), RtspAnswer::Unavailable);
}
