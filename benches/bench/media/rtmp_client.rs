//! An RTMP client as far as the load needs one, on `rml_rtmp`: not on our own codec, which is what
//! is measured.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::sessions::{
    ClientSession, ClientSessionConfig, ClientSessionEvent, ClientSessionResult, PublishRequestType,
};
use rml_rtmp::time::RtmpTimestamp;

/// How long the server may take for an answer.
pub(crate) const ANSWERS_WITHIN: Duration = Duration::from_secs(15);

/// A connection that plays or publishes.
pub(crate) struct RtmpClient {
    /// The socket, blocking.
    pub(crate) socket: TcpStream,
    session: ClientSession,
}

impl RtmpClient {
    /// Shakes hands and connects to `app`.
    pub(crate) fn connect(port: u16, app: &str) -> io::Result<Self> {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(ANSWERS_WITHIN))?;
        socket.set_write_timeout(Some(ANSWERS_WITHIN))?;
        let mut config = ClientSessionConfig::new();
        config.tc_url = Some(format!("rtmp://127.0.0.1:{port}/{app}"));
        let early = shake_hands(&mut socket)?;
        let (session, first) = ClientSession::new(config).map_err(broken)?;
        let mut client = Self { socket, session };
        client.send(first)?;
        let request = client.session.request_connection(app.to_owned()).map_err(broken)?;
        client.send(vec![request])?;
        client.take(&early)?;
        client.until(&ClientSessionEvent::ConnectionRequestAccepted)?;
        Ok(client)
    }

    /// Asks for `stream` and waits until it plays.
    pub(crate) fn play(&mut self, stream: &str) -> io::Result<()> {
        let request = self.session.request_playback(stream.to_owned()).map_err(broken)?;
        self.send(vec![request])?;
        self.until(&ClientSessionEvent::PlaybackRequestAccepted)
    }

    /// Asks to publish `stream` and waits until it may.
    pub(crate) fn publish(&mut self, stream: &str) -> io::Result<()> {
        let kind = PublishRequestType::Live;
        let request = self.session.request_publishing(stream.to_owned(), kind).map_err(broken)?;
        self.send(vec![request])?;
        self.until(&ClientSessionEvent::PublishRequestAccepted)
    }

    /// Sends one audio or video message.
    pub(crate) fn send_media(&mut self, is_video: bool, at_ms: u32, body: Bytes) -> io::Result<()> {
        let time = RtmpTimestamp::new(at_ms);
        let packet = if is_video {
            self.session.publish_video_data(body, time, false)
        } else {
            self.session.publish_audio_data(body, time, false)
        };
        self.send(vec![packet.map_err(broken)?])
    }

    /// Parses received bytes: how many frames they complete.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.events(bytes)?.iter().filter(|event| is_media(event)).count())
    }

    fn events(&mut self, bytes: &[u8]) -> io::Result<Vec<ClientSessionEvent>> {
        let results = self.session.handle_input(bytes).map_err(broken)?;
        let mut events = Vec::new();
        for result in results {
            match result {
                ClientSessionResult::OutboundResponse(packet) => {
                    self.socket.write_all(&packet.bytes)?;
                }
                ClientSessionResult::RaisedEvent(event) => events.push(event),
                ClientSessionResult::UnhandleableMessageReceived(_) => {}
            }
        }
        Ok(events)
    }

    fn until(&mut self, wanted: &ClientSessionEvent) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        loop {
            let count = self.socket.read(&mut buffer)?;
            if count == 0 {
                return Err(io::Error::other("closed before an answer"));
            }
            for event in self.events(&buffer[..count])? {
                match event {
                    event if event == *wanted => return Ok(()),
                    ClientSessionEvent::ConnectionRequestRejected { description } => {
                        return Err(io::Error::other(description));
                    }
                    ClientSessionEvent::UnhandleableOnStatusCode { code } if is_refusal(&code) => {
                        return Err(io::Error::other(code));
                    }
                    _ => {}
                }
            }
        }
    }

    fn send(&mut self, results: Vec<ClientSessionResult>) -> io::Result<()> {
        for result in results {
            if let ClientSessionResult::OutboundResponse(packet) = result {
                self.socket.write_all(&packet.bytes)?;
            }
        }
        Ok(())
    }
}

/// `onStatus` codes that end a request. Source: Adobe's NetStream info codes.
fn is_refusal(code: &str) -> bool {
    ["Failed", "StreamNotFound", "BadName", "Rejected", "Denied"]
        .iter()
        .any(|end| code.ends_with(end))
}

fn is_media(event: &ClientSessionEvent) -> bool {
    use ClientSessionEvent::{AudioDataReceived, VideoDataReceived};
    matches!(event, AudioDataReceived { .. } | VideoDataReceived { .. })
}

/// Runs the handshake; what came behind it.
fn shake_hands(socket: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut handshake = Handshake::new(PeerType::Client);
    socket.write_all(&handshake.generate_outbound_p0_and_p1().map_err(broken)?)?;
    let mut buffer = [0; 4 << 10];
    loop {
        let count = socket.read(&mut buffer)?;
        if count == 0 {
            return Err(io::Error::other("closed within the handshake"));
        }
        match handshake.process_bytes(&buffer[..count]).map_err(broken)? {
            HandshakeProcessResult::InProgress { response_bytes } => {
                socket.write_all(&response_bytes)?;
            }
            HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                socket.write_all(&response_bytes)?;
                return Ok(remaining_bytes);
            }
        }
    }
}

fn broken(error: impl std::fmt::Debug) -> io::Error {
    io::Error::other(format!("rtmp: {error:?}"))
}
