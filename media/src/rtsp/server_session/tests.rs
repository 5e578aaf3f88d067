//! Whole conversations, as real clients hold them.

use std::time::Duration;

use super::*;
use crate::rtsp::RtspLimits;

const SDP: &str = "v=0\r\nm=video 0 RTP/AVP 96\r\na=control:trackID=0\r\n\
    m=audio 0 RTP/AVP 97\r\na=control:trackID=1\r\n";
const TCP: &str = "Transport: RTP/AVP/TCP;unicast;interleaved=";
/// The id of the session that [`client`] has, by its seed.
const ID: &str = "07070707070707070707070707070707";

/// A session and the client that talks to it.
struct Client {
    session: ServerSession,
    now: Instant,
    cseq: u32,
}

fn client() -> Client {
    let now = Instant::now();
    let config = ServerConfig {
        limits: RtspLimits::default(),
        client: "192.0.2.7".parse().unwrap(),
        allows_udp: true,
        seed: [7; 32],
    };
    Client { session: ServerSession::new(config, now), now, cseq: 0 }
}

impl Client {
    /// Sends one request; gives the answers sent and the events.
    fn ask(&mut self, method: &str, url: &str, headers: &[&str]) -> (String, Vec<Event>) {
        self.ask_with(method, url, headers, "")
    }

    fn ask_with(
        &mut self,
        method: &str,
        url: &str,
        headers: &[&str],
        body: &str,
    ) -> (String, Vec<Event>) {
        self.cseq += 1;
        let mut text = format!("{method} {url} RTSP/1.0\r\nCSeq: {}\r\n", self.cseq);
        for header in headers {
            text.push_str(&format!("{header}\r\n"));
        }
        if !body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        self.send(format!("{text}\r\n{body}").as_bytes())
    }

    fn send(&mut self, bytes: &[u8]) -> (String, Vec<Event>) {
        let bytes = Bytes::copy_from_slice(bytes);
        split(self.session.receive(bytes, self.now).unwrap())
    }

    /// The status of the answer to a request that raises no event.
    fn status(&mut self, method: &str, url: &str, headers: &[&str]) -> String {
        let (sent, events) = self.ask(method, url, headers);
        assert!(events.is_empty(), "{method} {url}: {events:?}");
        sent.get(9..12).unwrap_or_default().to_owned()
    }

    fn describe(&mut self, sdp: &str) -> String {
        let (_, events) = self.ask("DESCRIBE", "rtsp://h/cam", &[]);
        let [Event::DescribeRequested(asked)] = &events[..] else { panic!("{events:?}") };
        split(self.session.describe(asked.request, sdp.to_owned()).unwrap()).0
    }

    fn announce(&mut self) {
        let (_, events) = self.ask_with("ANNOUNCE", "rtsp://h/cam", &[], SDP);
        let [Event::AnnounceRequested(asked, sdp)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(sdp, SDP);
        let (sent, _) = split(self.session.accept_announce(asked.request).unwrap());
        assert!(sent.starts_with("RTSP/1.0 200 OK\r\n"), "{sent}");
    }

    /// Sets both tracks up by TCP, on channels 0 to 3.
    fn set_up_both(&mut self) {
        for track in 0..2 {
            let transport = format!("{TCP}{}-{}", 2 * track, 2 * track + 1);
            let url = format!("rtsp://h/cam/trackID={track}");
            assert_eq!(self.status("SETUP", &url, &[&transport]), "200");
        }
    }

    fn play(&mut self, starts: &[TrackStart]) -> String {
        let (_, events) = self.ask("PLAY", "rtsp://h/cam/", &[&format!("Session: {ID}")]);
        let [Event::PlayRequested(request, _)] = &events[..] else { panic!("{events:?}") };
        split(self.session.play(*request, starts).unwrap()).0
    }

    fn record(&mut self) {
        let (_, events) = self.ask("RECORD", "rtsp://h/cam", &[&format!("Session: {ID}")]);
        let [Event::RecordRequested(request, tracks)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(tracks.len(), self.session.tracks().count());
        let (sent, _) = split(self.session.record(*request).unwrap());
        assert!(sent.starts_with("RTSP/1.0 200 OK\r\n"), "{sent}");
    }

    fn is_alive_after(&mut self, silence: Duration) -> bool {
        self.session.check_deadline(self.now + silence).is_empty()
    }
}

fn split(outputs: Vec<Output>) -> (String, Vec<Event>) {
    let (mut sent, mut events) = (String::new(), Vec::new());
    for output in outputs {
        match output {
            Output::Send(bytes) => sent.push_str(std::str::from_utf8(&bytes).unwrap()),
            Output::Event(event) => events.push(event),
        }
    }
    (sent, events)
}

#[test]
fn requests_without_a_session_have_their_status() {
    let table = [
        ("OPTIONS * RTSP/1.0\r\nCSeq: 1", "200 OK"),
        ("OPTIONS rtsp://h/c RTSP/1.0\r\nCSeq: 1\r\nSession: 9", "200 OK"),
        ("GET_PARAMETER rtsp://h/c RTSP/1.0\r\nCSeq: 1", "200 OK"),
        ("GET_PARAMETER rtsp://h/c RTSP/1.0\r\nCSeq: 1\r\nSession: 9", "454"),
        ("GET_PARAMETER rtsp://h/c RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 1\r\n\r\nx", "451"),
        ("SET_PARAMETER rtsp://h/c RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 1\r\n\r\nx", "451"),
        ("TEARDOWN rtsp://h/c RTSP/1.0\r\nCSeq: 1\r\nSession: 9", "454"),
        ("SETUP rtsp://h/c/trackID=0 RTSP/1.0\r\nCSeq: 1", "455"),
        ("PLAY rtsp://h/c RTSP/1.0\r\nCSeq: 1", "454"),
        ("PAUSE rtsp://h/c RTSP/1.0\r\nCSeq: 1", "454"),
        ("RECORD rtsp://h/c RTSP/1.0\r\nCSeq: 1", "454"),
        ("SETUP * RTSP/1.0\r\nCSeq: 1", "400"),
        ("DESCRIBE * RTSP/1.0\r\nCSeq: 1", "400"),
        ("ANNOUNCE rtsp://h/c RTSP/1.0\r\nCSeq: 1\r\nContent-Type: text/plain", "415"),
        ("REDIRECT rtsp://h/c RTSP/1.0\r\nCSeq: 1", "405"),
        ("FETCH rtsp://h/c RTSP/1.0\r\nCSeq: 1", "501"),
        ("OPTIONS * RTSP/2.0\r\nCSeq: 1", "505"),
        ("OPTIONS * RTSP/1.0", "400"),
        ("OPTIONS * RTSP/1.0\r\nCSeq: x", "400"),
        ("DESCRIBE http://h/c RTSP/1.0\r\nCSeq: 1", "400"),
        ("DESCRIBE rtsp://h/c RTSP/1.0\r\nCSeq: 1\r\nRequire: x", "551"),
    ];
    for (text, wanted) in table {
        let end = if text.contains("\r\n\r\n") { "" } else { "\r\n\r\n" };
        let (sent, events) = client().send(format!("{text}{end}").as_bytes());
        assert!(events.is_empty(), "{text}");
        assert_eq!(sent.matches("RTSP/1.0").count(), 1, "{text}: {sent}");
        assert!(sent.starts_with(&format!("RTSP/1.0 {wanted}")), "{text}: {sent}");
        assert_eq!(sent.contains("\r\nCSeq: 1\r\n"), text.contains("CSeq: 1"), "{text}: {sent}");
    }
}

#[test]
fn player_over_tcp_goes_from_describe_to_teardown() {
    let mut client = client();
    let described = client.describe(SDP);
    assert!(described.contains("\r\nContent-Base: rtsp://h/cam/\r\n"), "{described}");
    assert!(described.contains("\r\nContent-Type: application/sdp\r\n"), "{described}");
    assert!(described.ends_with(SDP), "{described}");

    let (sent, _) =
        client.ask("SETUP", "rtsp://h/cam/trackID=1", &["Transport: RTP/AVP/TCP;interleaved=8-9"]);
    let wanted = format!(
        "RTSP/1.0 200 OK\r\nCSeq: 2\r\nServer: Watershed\r\n\
         Transport: RTP/AVP/TCP;unicast;interleaved=8-9\r\nSession: {ID};timeout=60\r\n\r\n"
    );
    assert_eq!(sent, wanted);

    let start = TrackStart { track: 1, sequence: 65_535, timestamp: 4_000_000_000 };
    let other = TrackStart { track: 0, sequence: 1, timestamp: 2 };
    let wanted = format!(
        "RTSP/1.0 200 OK\r\nCSeq: 3\r\nServer: Watershed\r\nSession: {ID}\r\n\
         Range: npt=0.000-\r\n\
         RTP-Info: url=rtsp://h/cam/trackID=1;seq=65535;rtptime=4000000000\r\n\r\n"
    );
    assert_eq!(client.play(&[other, start]), wanted);

    let (sent, events) = client.send(b"$\x09\x00\x04\x80\xc9\x00\x00$\x08\x00\x02xx");
    assert_eq!(sent, "");
    let report = Bytes::from_static(b"\x80\xc9\x00\x00");
    assert_eq!(events, [Event::Media { track: 1, is_rtcp: true, packet: report }]);

    assert_eq!(client.status("GET_PARAMETER", "rtsp://h/cam", &[]), "200");
    assert_eq!(client.status("PLAY", "rtsp://h/cam", &[]), "200");
    let (sent, events) = client.ask("TEARDOWN", "rtsp://h/cam", &[&format!("Session: {ID}")]);
    assert!(sent.starts_with("RTSP/1.0 200 OK\r\nCSeq: 6\r\n"), "{sent}");
    assert_eq!(events, [Event::Ended]);
    let after = client.session.receive(Bytes::from_static(b"O"), client.now);
    assert_eq!(after, Err(RtspError::Ended));
}

#[test]
fn player_over_udp_gets_the_ports_the_owner_bound_or_461() {
    let mut client = client();
    client.describe(SDP);
    let offer = "Transport: RTP/AVP/UDP;unicast;client_port=5000-5001";
    let (sent, events) = client.ask("SETUP", "rtsp://h/cam/trackID=0", &[offer]);
    assert_eq!(sent, "");
    let transport = TrackTransport::Udp { rtp_port: 5000, rtcp_port: 5001 };
    let setup = TrackSetup { track: 0, transport };
    let [Event::UdpRequested(request, asked)] = events[..] else { panic!("{events:?}") };
    assert_eq!(asked, setup);
    assert_eq!(client.session.play(request, &[]), Err(RtspError::NotWaiting));
    let answer = client.session.set_up_udp(request, (6000, 6001), Some(0xA1B2)).unwrap();
    let (sent, _) = split(answer);
    let wanted = "\r\nTransport: RTP/AVP/UDP;unicast;client_port=5000-5001;\
        server_port=6000-6001;ssrc=0000A1B2\r\n";
    assert!(sent.contains(wanted), "{sent}");

    let offer = "Transport: RTP/AVP;unicast;client_port=5002-5003";
    let (_, events) = client.ask("SETUP", "rtsp://h/cam/trackID=1", &[offer]);
    let [Event::UdpRequested(request, _)] = events[..] else { panic!("{events:?}") };
    let (sent, _) = split(client.session.refuse_udp(request).unwrap());
    assert!(sent.starts_with("RTSP/1.0 461 "), "{sent}");
    assert_eq!(client.session.tracks().collect::<Vec<_>>(), [setup]);
}

#[test]
fn publisher_sends_media_between_its_requests() {
    let mut client = client();
    client.announce();
    client.set_up_both();
    client.record();
    let frame = |channel: usize, packet: &'static [u8]| Event::Media {
        track: channel / 2,
        is_rtcp: channel % 2 == 1,
        packet: Bytes::from_static(packet),
    };
    let bytes = b"$\x00\x00\x03abc$\x03\x00\x02de$\x07\x00\x01xOPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\
        \r\n$\x02\x00\x00";
    let (sent, events) = client.send(bytes);
    assert!(sent.starts_with("RTSP/1.0 200 OK\r\nCSeq: 9\r\n"), "{sent}");
    assert_eq!(events, [frame(0, b"abc"), frame(3, b"de"), frame(2, b"")]);
    for byte in b"$\x00\x00\x02y" {
        assert_eq!(client.send(&[*byte]), (String::new(), Vec::new()));
    }
    assert_eq!(client.send(b"z").1, [frame(0, b"yz")]);
}

#[test]
fn packet_that_lies_whole_in_a_piece_is_not_copied() {
    let mut client = client();
    client.announce();
    client.set_up_both();
    client.record();
    let piece = Bytes::from_static(b"$\x00\x00\x03abc");
    let outputs = client.session.receive(piece.clone(), client.now).unwrap();
    let [Output::Event(Event::Media { packet, .. })] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!(packet.as_ptr(), piece.slice(4..).as_ptr());
}

#[test]
fn frames_that_arrive_before_record_is_granted_are_kept_for_it() {
    let mut client = client();
    client.announce();
    client.set_up_both();
    let (_, events) = client.ask("RECORD", "rtsp://h/cam", &[&format!("Session: {ID}")]);
    let [Event::RecordRequested(request, _)] = events[..] else { panic!("{events:?}") };
    assert_eq!(client.send(b"$\x00\x00\x01a"), (String::new(), Vec::new()));
    let (_, events) = split(client.session.record(request).unwrap());
    let packet = Bytes::from_static(b"a");
    assert_eq!(events, [Event::Media { track: 0, is_rtcp: false, packet }]);
}

#[test]
fn setup_finds_its_track_and_transport_or_says_why_not() {
    let table = [
        ("rtsp://h/cam/trackID=0", "RTP/AVP/TCP;unicast;interleaved=2-3", "200"),
        ("rtsp://h/cam/?x/trackID=1", "RTP/AVP/TCP;unicast;interleaved=2-3", "200"),
        ("rtsp://h/cam/trackID=2", "RTP/AVP/TCP;unicast;interleaved=2-3", "404"),
        ("rtsp://h/other/trackID=0", "RTP/AVP/TCP;unicast;interleaved=2-3", "404"),
        ("rtsp://h/cam", "RTP/AVP/TCP;unicast;interleaved=2-3", "459"),
        ("rtsp://h/cam/trackID=0", "RTP/AVP/TCP;unicast;interleaved=256-257", "461"),
        ("rtsp://h/cam/trackID=0", "RTP/AVP;multicast;port=5000-5001", "461"),
        ("rtsp://h/cam/trackID=0", "RTP/AVP/TCP;interleaved=2-3;mode=record", "461"),
    ];
    for (url, transport, wanted) in table {
        let mut client = client();
        client.describe(SDP);
        let seen = client.status("SETUP", url, &[&format!("Transport: {transport}")]);
        assert_eq!(seen, wanted, "{url} {transport}");
    }
    let mut client = client();
    client.describe(SDP);
    assert_eq!(client.status("SETUP", "rtsp://h/cam/trackID=0", &[]), "400");
}

#[test]
fn only_track_of_a_stream_is_set_up_by_the_streams_url() {
    let mut client = client();
    client.describe("v=0\r\nm=video 0 RTP/AVP 96\r\n");
    assert_eq!(client.status("SETUP", "rtsp://h/cam", &[&format!("{TCP}0-1")]), "200");
}

#[test]
fn destination_of_a_third_host_is_refused() {
    let mut client = client();
    client.describe(SDP);
    for destination in ["203.0.113.9", "victim.example", "[2001:db8::1]", ""] {
        let offer = format!("RTP/AVP;unicast;destination={destination};client_port=5000-5001");
        let seen =
            client.status("SETUP", "rtsp://h/cam/trackID=0", &[&format!("Transport: {offer}")]);
        assert_eq!(seen, "461", "{destination}");
    }
    assert_eq!(client.session.tracks().count(), 0);
}

#[test]
fn track_set_up_again_before_play_takes_the_place_of_the_first() {
    let mut client = client();
    client.describe(SDP);
    client.set_up_both();
    let url = "rtsp://h/cam/trackID=0";
    assert_eq!(client.status("SETUP", url, &[&format!("{TCP}2-3")]), "461");
    assert_eq!(client.status("SETUP", url, &[&format!("{TCP}0-9")]), "200");
    let transport = TrackTransport::Tcp { rtp_channel: 0, rtcp_channel: 9 };
    let tracks: Vec<_> = client.session.tracks().collect();
    assert_eq!(tracks.len(), 2);
    assert!(tracks.contains(&TrackSetup { track: 0, transport }), "{tracks:?}");
}

#[test]
fn session_id_used_from_another_connection_is_not_found() {
    let mut owner = client();
    owner.describe(SDP);
    owner.set_up_both();
    owner.play(&[]);
    let mut stranger = client();
    stranger.session =
        ServerSession::new(ServerConfig { seed: [8; 32], ..owner.session.config }, stranger.now);
    stranger.describe(SDP);
    let session = format!("Session: {ID}");
    for method in ["SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER"] {
        assert_eq!(stranger.status(method, "rtsp://h/cam", &[&session]), "454", "{method}");
    }
    stranger.set_up_both();
    assert_eq!(stranger.status("TEARDOWN", "rtsp://h/cam", &[&session]), "454");
    assert_eq!(owner.status("GET_PARAMETER", "rtsp://h/cam", &[&session]), "200");
}

#[test]
fn methods_are_refused_where_they_make_no_sense() {
    let mut player = client();
    player.describe(SDP);
    assert_eq!(player.status("PLAY", "rtsp://h/cam", &[]), "454");
    player.set_up_both();
    assert_eq!(player.status("RECORD", "rtsp://h/cam", &[]), "455");
    assert_eq!(player.status("PAUSE", "rtsp://h/cam", &[]), "455");
    assert_eq!(player.status("DESCRIBE", "rtsp://h/cam", &[]), "455");
    assert_eq!(player.status("ANNOUNCE", "rtsp://h/cam", &[]), "455");
    player.play(&[]);
    let again = player.status("SETUP", "rtsp://h/cam/trackID=0", &[&format!("{TCP}0-1")]);
    assert_eq!(again, "455");
    assert_eq!(player.status("TEARDOWN", "rtsp://h/cam/trackID=0", &[]), "460");
    let mut publisher = client();
    publisher.announce();
    publisher.set_up_both();
    assert_eq!(publisher.status("PLAY", "rtsp://h/cam", &[]), "455");
}

#[test]
fn track_torn_down_before_play_is_forgotten_and_the_last_ends_the_session() {
    let mut client = client();
    client.describe(SDP);
    client.set_up_both();
    assert_eq!(client.status("TEARDOWN", "rtsp://h/cam/trackID=1", &[]), "200");
    assert_eq!(client.session.tracks().map(|track| track.track).collect::<Vec<_>>(), [0]);
    let (_, events) = client.ask("TEARDOWN", "rtsp://h/cam/trackID=0", &[]);
    assert_eq!(events, [Event::Ended]);
}

#[test]
fn paused_session_plays_on_when_asked_again() {
    let mut client = client();
    client.describe(SDP);
    client.set_up_both();
    client.play(&[]);
    let (sent, events) = client.ask("PAUSE", "rtsp://h/cam", &[&format!("Session: {ID}")]);
    assert!(sent.starts_with("RTSP/1.0 200 OK\r\n"), "{sent}");
    assert_eq!(events, [Event::Paused]);
    assert_eq!(client.status("PAUSE", "rtsp://h/cam", &[]), "200");
    assert!(client.play(&[]).starts_with("RTSP/1.0 200 OK\r\n"));
}

#[test]
fn refusals_leave_the_client_free_to_try_again() {
    type Refuse = fn(&mut ServerSession, RequestId) -> Result<Vec<Output>, RtspError>;
    let table: [(&str, Refuse); 7] = [
        ("401", |session, id| session.unauthorized(id)),
        ("403", |session, id| session.forbidden(id, "no publish:// input")),
        ("404", |session, id| session.not_found(id)),
        ("409", |session, id| session.busy(id, "taken")),
        ("415", |session, id| session.unsupported_media(id, "no codec")),
        ("503", |session, id| session.unavailable(id)),
        ("302", |session, id| session.redirect(id, "rtsp://b/cam")),
    ];
    let mut client = client();
    for (wanted, refuse) in table {
        let (_, events) = client.ask_with("ANNOUNCE", "rtsp://h/cam", &[], SDP);
        let [Event::AnnounceRequested(asked, _)] = &events[..] else { panic!("{events:?}") };
        let (sent, _) = split(refuse(&mut client.session, asked.request).unwrap());
        assert!(sent.starts_with(&format!("RTSP/1.0 {wanted} ")), "{sent}");
        let again = refuse(&mut client.session, asked.request);
        assert_eq!(again, Err(RtspError::NotWaiting));
    }
    client.announce();
}

#[test]
fn publisher_is_asked_for_its_password_by_digest_and_basic() {
    let mut client = client();
    let (_, events) = client.ask_with("ANNOUNCE", "rtsp://h/cam", &[], SDP);
    let [Event::AnnounceRequested(asked, _)] = &events[..] else { panic!("{events:?}") };
    assert!(asked.credentials.is_empty());
    let (sent, _) = split(client.session.unauthorized(asked.request).unwrap());
    let wanted = format!(
        "WWW-Authenticate: Digest realm=\"Watershed\", nonce=\"{ID}\", algorithm=MD5\r\n\
         WWW-Authenticate: Basic realm=\"Watershed\"\r\n"
    );
    assert!(sent.contains(&wanted), "{sent}");

    // The nonce of another connection: the client is told that only its nonce is wrong.
    let old = "Authorization: Digest username=\"u\", realm=\"Watershed\", nonce=\"old\", \
        uri=\"rtsp://h/cam\", response=\"00\"";
    let (_, events) = client.ask_with("ANNOUNCE", "rtsp://h/cam", &[old], SDP);
    let [Event::AnnounceRequested(asked, _)] = &events[..] else { panic!("{events:?}") };
    assert!(!asked.credentials.prove("s3cret"));
    let (sent, _) = split(client.session.unauthorized(asked.request).unwrap());
    assert!(sent.contains("algorithm=MD5, stale=true\r\n"), "{sent}");

    let basic = "Authorization: Basic dTpzM2NyZXQ=";
    let (_, events) = client.ask_with("ANNOUNCE", "rtsp://h/cam?password=x", &[basic], SDP);
    let [Event::AnnounceRequested(asked, _)] = &events[..] else { panic!("{events:?}") };
    assert!(asked.credentials.prove("s3cret") && asked.credentials.prove("x"));
    assert!(!asked.credentials.prove("y"));
}

#[test]
fn describe_asks_the_owner_and_the_redirect_carries_the_location() {
    let mut client = client();
    let (sent, events) = client.ask("DESCRIBE", "rtsp://h:1/a/cam?token=t", &["User-Agent: L"]);
    assert!(sent.is_empty());
    let [Event::DescribeRequested(asked)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(asked.path, "a/cam");
    assert_eq!(asked.query.as_deref(), Some("token=t"));
    assert_eq!(asked.user_agent.as_deref(), Some("L"));
    let location = "rtsp://b:8554/a/cam?token=t&_via=1";
    let (sent, _) = split(client.session.redirect(asked.request, location).unwrap());
    let wanted = format!(
        "RTSP/1.0 302 Found\r\nCSeq: 1\r\nServer: Watershed\r\nLocation: {location}\r\n\r\n"
    );
    assert_eq!(sent, wanted);
}

#[test]
fn requests_behind_an_unanswered_one_are_answered_after_it() {
    let mut client = client();
    let text = "DESCRIBE rtsp://h/a RTSP/1.0\r\nCSeq: 1\r\n\r\n\
        OPTIONS * RTSP/1.0\r\nCSeq: 2\r\n\r\nDESCRIBE rtsp://h/b RTSP/1.0\r\nCSeq: 3\r\n\r\n";
    let (sent, events) = client.send(text.as_bytes());
    let [Event::DescribeRequested(first)] = &events[..] else { panic!("{events:?}") };
    assert!(sent.is_empty());
    let (sent, events) = split(client.session.unavailable(first.request).unwrap());
    assert!(sent.starts_with("RTSP/1.0 503 Service Unavailable\r\nCSeq: 1\r\n"), "{sent}");
    assert!(sent.contains("Retry-After: 1\r\n"), "{sent}");
    assert!(sent.contains("CSeq: 2\r\n"), "{sent}");
    let [Event::DescribeRequested(last)] = &events[..] else { panic!("{events:?}") };
    let (sent, _) = split(client.session.bad_request(last.request, "no\r\nname").unwrap());
    assert!(sent.contains("400 Bad Request\r\nCSeq: 3\r\n"), "{sent}");
}

#[test]
fn client_that_does_not_play_in_time_is_too_late() {
    let mut client = client();
    assert_eq!(client.session.deadline(), client.now + Duration::from_secs(10));
    client.describe(SDP);
    client.set_up_both();
    client.now += Duration::from_secs(9);
    client.status("OPTIONS", "*", &[]);
    assert!(client.is_alive_after(Duration::from_millis(999)));
    client.now += Duration::from_secs(1);
    assert_eq!(client.send(b"O").1, [Event::Failed(RtspError::NotPlaying)]);
    let after = client.session.receive(Bytes::from_static(b"P"), client.now);
    assert_eq!(after, Err(RtspError::Ended));
}

#[test]
fn whoever_plays_lives_on_by_requests_reports_and_what_the_owner_tells() {
    let minute = Duration::from_secs(60);
    let mut client = client();
    client.describe(SDP);
    client.set_up_both();
    client.play(&[]);
    for sign in [&b"$\x01\x00\x00"[..], b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"] {
        client.now += minute - Duration::from_secs(1);
        client.send(sign);
        assert_eq!(client.session.deadline(), client.now + minute);
    }
    client.now += minute - Duration::from_secs(1);
    client.session.touch(client.now);
    assert!(client.is_alive_after(minute - Duration::from_secs(1)));
    let failed = Output::Event(Event::Failed(RtspError::Silent));
    assert_eq!(client.session.check_deadline(client.now + minute), [failed]);
    assert_eq!(RtspError::Silent.limit_name(), Some("rtsp_keepalive_timeout"));
}

#[test]
fn debug_output_shows_neither_session_nor_nonce() {
    let mut client = client();
    client.describe(SDP);
    client.set_up_both();
    assert!(!format!("{:?}", client.session).contains(ID));
}
