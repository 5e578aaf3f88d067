//! `rtmp://` and `rtmps://`: plays a stream of another server.

use std::convert::Infallible;
use std::io;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout_at;
use watershed_media::rtmp::{ClientEvent, ClientOutput, ClientSession, Limits, PlayAddress};

use super::connection::{Connection, Origin, connect};
use super::error::PullError;
use super::sink::Sink;
use super::source::{PullSource, PullUrl};

/// Most bytes taken from the socket at once.
const READ_BYTES: usize = 64 << 10;
/// How often a redirect is followed before the server counts as confused.
const REDIRECTS_MAX: usize = 3;

/// Plays until it fails; where a server says that the stream is elsewhere, it is played there.
pub(super) async fn play(source: &PullSource, sink: &Sink) -> Result<Infallible, PullError> {
    let mut url = source.url.clone();
    let mut origin = Origin::Config;
    for _ in 0..=REDIRECTS_MAX {
        let redirect = play_at(&url, origin, sink).await?;
        url = PullUrl::parse(&redirect).map_err(|_| PullError::BadRedirect)?;
        if !matches!(url.scheme(), "rtmp" | "rtmps") {
            return Err(PullError::BadRedirect);
        }
        origin = Origin::Remote(&source.egress);
        log::debug!("{}: redirected to {url}", source.url);
    }
    Err(PullError::TooManyRedirects(REDIRECTS_MAX))
}

/// Plays what `url` names; yields the URL to which the server redirects.
async fn play_at(url: &PullUrl, origin: Origin<'_>, sink: &Sink) -> Result<String, PullError> {
    let is_tls = url.scheme() == "rtmps";
    let port = url.port(if is_tls { 443 } else { 1935 });
    let mut connection = connect(url.host(), port, origin, is_tls).await?;
    let whole = url.reveal();
    let server = format!("{}://{}:{port}", url.scheme(), whole.host_str().unwrap_or_default());
    let query = whole.query().map(|query| format!("?{query}")).unwrap_or_default();
    let address = PlayAddress::new(&server, &format!("{}{query}", whole.path()));
    let mut seed = [0; 8];
    let _ = getrandom::fill(&mut seed);
    let seed = u64::from_ne_bytes(seed);
    let (mut session, hello) =
        ClientSession::start(address, Limits::default(), seed, Instant::now());
    connection.write_all(&hello).await?;
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let count = read(&mut *connection, &mut buffer, session.deadline()).await?;
        let outputs = match count {
            0 => session.finish(),
            _ => session.receive(&buffer[..count], Instant::now())?,
        };
        for output in outputs {
            match output {
                ClientOutput::Send(bytes) => connection.write_all(&bytes).await?,
                ClientOutput::Event(ClientEvent::Item(item)) => sink.write(item)?,
                ClientOutput::Event(ClientEvent::Redirected { url }) => return Ok(url),
                ClientOutput::Event(ClientEvent::Ended { code }) => {
                    return Err(PullError::Ended(code));
                }
                ClientOutput::Event(ClientEvent::Refused { code, description }) => {
                    return Err(PullError::Refused(refusal(&code, &description)));
                }
            }
        }
        if count == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}

/// Reads what is there; the server must send something until `deadline`.
async fn read(
    connection: &mut dyn Connection,
    buffer: &mut [u8],
    deadline: Option<Instant>,
) -> Result<usize, PullError> {
    let Some(deadline) = deadline else {
        return Ok(connection.read(buffer).await?);
    };
    let reading = timeout_at(deadline.into(), connection.read(buffer)).await;
    Ok(reading.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??)
}

/// The server's words, as far as they are words: a code may come without, and they are shown.
fn refusal(code: &str, description: &str) -> String {
    let words =
        if description.is_empty() { code.to_owned() } else { format!("{description} ({code})") };
    words.chars().filter(|c| !c.is_control()).take(200).collect()
}
