//! What the session says, message by message.

use super::*;

fn enhanced_connect() -> Command {
    let object = Value::object([
        ("app", "static/cam1".into()),
        ("tcUrl", "rtmp://host/static/cam1?token=x".into()),
        ("flashVer", "FMLE/3.0".into()),
        ("capsEx", 15.0.into()),
        ("fourCcList", Value::StrictArray(vec!["hvc1".into(), "av01".into()])),
        ("videoFourCcInfoMap", Value::object([("*", 4.0.into())])),
    ]);
    call("connect", 1.0, object, Vec::new())
}

#[test]
fn connect_is_told_and_answered_in_the_order_that_ffmpeg_expects() {
    let mut peer = Peer::new();
    let heard = peer.command(0, &enhanced_connect());
    let [Event::ConnectRequested(asked)] = &heard.events[..] else {
        panic!("{:?}", heard.events);
    };
    assert_eq!((&asked.app[..], &asked.flash_version[..]), ("static/cam1", "FMLE/3.0"));
    assert_eq!((&asked.address.name[..], &asked.address.query[..]), ("cam1", "token=x"));
    assert!(asked.reconnects);
    assert_eq!(asked.fourccs, ["hvc1", "av01", "*"]);

    let outputs = peer.session.accept_connect().unwrap();
    let heard = peer.hear(outputs);
    let kinds: Vec<_> = heard.messages.iter().map(|message| message.kind).collect();
    let (window, bandwidth) =
        (MessageKind::WindowAcknowledgementSize, MessageKind::SetPeerBandwidth);
    assert_eq!(
        kinds,
        [window, bandwidth, MessageKind::CommandAmf0],
        "and Set Chunk Size before it"
    );
    let result = heard.commands().remove(0);
    assert_eq!((&result.name[..], result.transaction), ("_result", 1.0));
    assert_eq!(result.object.get("capsEx"), Some(&Value::Number(5.0)));
    let hevc = result.object.get("videoFourCcInfoMap").and_then(|map| map.get("hvc1"));
    assert_eq!(hevc, Some(&Value::Number(4.0)));
}

#[test]
fn old_client_is_not_told_of_enhanced_rtmp() {
    let mut peer = Peer::new();
    peer.command(0, &call("connect", 1.0, Value::object([("app", "live".into())]), Vec::new()));
    let outputs = peer.session.accept_connect().unwrap();
    let result = peer.hear(outputs).commands().remove(0);
    assert_eq!(result.object.get("capsEx"), None);
    assert_eq!(result.object.get("fmsVer").and_then(Value::as_str), Some("FMS/3,5,7,7009"));
}

#[test]
fn connect_is_redirected_with_the_full_url() {
    let mut peer = Peer::new();
    peer.command(0, &enhanced_connect());
    let outputs = peer.session.redirect_connect("rtmp://b/cam1?token=x").unwrap();
    let error = peer.hear(outputs).commands().remove(0);
    assert_eq!((&error.name[..], error.transaction), ("_error", 1.0));
    let info = &error.arguments[0];
    let code = info.get("code").and_then(Value::as_str);
    assert_eq!(code, Some("NetConnection.Connect.Rejected"));
    let ex = Value::object([("code", 302.0.into()), ("redirect", "rtmp://b/cam1?token=x".into())]);
    assert_eq!(info.get("ex"), Some(&ex));
    assert!(peer.session.receive(&[0xFF; 100], peer.now).unwrap().is_empty(), "it is over");
}

#[test]
fn connect_is_rejected_in_words() {
    let mut peer = Peer::new();
    peer.command(0, &enhanced_connect());
    let outputs = peer.session.reject_connect("no such application").unwrap();
    let error = peer.hear(outputs).commands().remove(0);
    let text = error.arguments[0].get("description").and_then(Value::as_str);
    assert_eq!(text, Some("no such application"));
    assert_eq!(error.arguments[0].get("ex"), None);
}

#[test]
fn play_is_redirected_with_both_urls() {
    let mut peer = Peer::connected();
    let request = peer.ask("play");
    let outputs = peer.session.redirect_play(request, "rtmp://b/live", "rtmp://b/live/cam1");
    let status = peer.hear(outputs.unwrap()).commands().remove(0);
    assert_eq!((&status.name[..], status.transaction), ("onStatus", 0.0));
    let info = &status.arguments[0];
    assert_eq!(info.get("level").and_then(Value::as_str), Some("error"));
    let ex = Value::object([
        ("code", 302.0.into()),
        ("redirect", "rtmp://b/live".into()),
        ("redirect2", "rtmp://b/live/cam1".into()),
    ]);
    assert_eq!(info.get("ex"), Some(&ex));
}

#[test]
fn reconnect_request_names_the_new_place() {
    let mut peer = Peer::connected();
    let outputs = peer.session.request_reconnect("rtmp://b/live");
    let status = peer.hear(outputs).commands().remove(0);
    let info = &status.arguments[0];
    let code = info.get("code").and_then(Value::as_str);
    assert_eq!(code, Some("NetConnection.Connect.ReconnectRequest"));
    assert_eq!(info.get("tcUrl").and_then(Value::as_str), Some("rtmp://b/live"));
}

#[test]
fn publish_and_play_are_rejected_with_the_given_code() {
    let mut peer = Peer::connected();
    let request = peer.ask("publish");
    let outputs = peer.session.reject_publish(request, "NetStream.Publish.BadName", "busy");
    assert_eq!(peer.hear(outputs.unwrap()).codes(), ["NetStream.Publish.BadName"]);
    let request = peer.ask("play");
    let outputs = peer.session.reject_play(request, "NetStream.Play.StreamNotFound", "none");
    assert_eq!(peer.hear(outputs.unwrap()).codes(), ["NetStream.Play.StreamNotFound"]);
}

#[test]
fn calls_are_answered_known_or_not() {
    let mut peer = Peer::connected();
    let mut answer = |name: &str, transaction| {
        let heard = peer.command(0, &call(name, transaction, Value::Null, vec!["cam1".into()]));
        heard.commands().pop().map(|answer| (answer.name, answer.transaction, answer.arguments))
    };
    let undefined = |transaction| Some(("_result".to_owned(), transaction, vec![Value::Undefined]));
    for (name, transaction) in [("releaseStream", 2.0), ("FCPublish", 3.0), ("_checkbw", 4.0)] {
        assert_eq!(answer(name, transaction), undefined(transaction));
    }
    assert_eq!(answer("whatever", 9.0), undefined(9.0));
    assert_eq!(answer("whatever", 0.0), None);
    assert_eq!(answer("_result", 9.0), None);
    let number = |number: f64| vec![Value::Number(number)];
    assert_eq!(answer("createStream", 5.0), Some(("_result".to_owned(), 5.0, number(1.0))));
    assert_eq!(answer("createStream", 6.0), Some(("_result".to_owned(), 6.0, number(1.0))));
    assert_eq!(answer("getStreamLength", 7.0), Some(("_result".to_owned(), 7.0, number(0.0))));
}

#[test]
fn flash_encoder_gets_its_own_answer_to_publish() {
    let mut peer = Peer::connected();
    peer.command(0, &call("FCPublish", 3.0, Value::Null, vec!["cam1".into()]));
    let request = peer.ask("publish");
    let outputs = peer.session.accept_publish(request).unwrap();
    let names: Vec<_> = peer.hear(outputs).commands().into_iter().map(|c| c.name).collect();
    assert_eq!(names, ["onFCPublish", "onStatus"]);
}

#[test]
fn ping_gets_its_pong() {
    let mut peer = Peer::connected();
    let ping = control(MessageKind::UserControl, &[0, 6, 1, 2, 3, 4]);
    let pong = peer.try_send(&ping).unwrap().messages;
    assert_eq!(pong[0].payload, [0, 7, 1, 2, 3, 4][..]);
}

#[test]
fn bytes_are_acknowledged_when_the_window_is_full() {
    let mut peer = Peer::connected();
    let window = control(MessageKind::WindowAcknowledgementSize, &5000_u32.to_be_bytes());
    let mut acknowledged = peer.try_send(&window).unwrap().messages;
    for _ in 0..60 {
        let heard = peer.try_send(&control(MessageKind::Other(99), &[0; 100])).unwrap();
        acknowledged.extend(heard.messages);
    }
    assert_eq!(acknowledged.len(), 1);
    assert_eq!(acknowledged[0].kind, MessageKind::Acknowledgement);
    let count = Cursor::new(&acknowledged[0].payload).u32().unwrap();
    assert!((5000..11_000).contains(&count), "{count}");
}
