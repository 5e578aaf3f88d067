//! One GET, with its redirects followed as far as they may lead.

use std::time::Duration;

use awc::ClientResponse;
use awc::error::{ConnectError, SendRequestError};
use awc::http::Version;
use awc::http::header::{ACCEPT, LOCATION, USER_AGENT};
use tokio::time::timeout;
use url::Url;

use super::connection::{Origin, resolve};
use super::error::PullError;
use crate::egress::EgressPolicy;
use crate::peer_actor::peer_tls;

/// To the head of each answer, connecting included.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a redirect is followed.
const REDIRECTS_MAX: usize = 5;

/// Asks by HTTP, for one input; connections are kept from one question to the next.
pub(super) struct Web<'a> {
    client: awc::Client,
    egress: &'a EgressPolicy,
    /// User and password of the input, and for whom they are.
    login: Option<(String, String)>,
    login_origin: Option<url::Origin>,
}

impl<'a> Web<'a> {
    /// A client for the input at `first`, whose user and password only its server is told.
    ///
    /// Errors: [`PullError::Tls`].
    pub(super) fn new(first: &super::PullUrl, egress: &'a EgressPolicy) -> Result<Self, PullError> {
        let tls = peer_tls(None).map_err(|error| PullError::Tls(error.to_string()))?;
        let connector = awc::Connector::new()
            .rustls_0_23(tls)
            .max_http_version(Version::HTTP_11)
            .timeout(ANSWER_TIMEOUT);
        let builder = awc::Client::builder().connector(connector);
        Ok(Self {
            client: builder.disable_redirects().disable_timeout().finish(),
            egress,
            login: first.credentials(),
            login_origin: first.as_http().map(|url| url.origin()),
        })
    }

    /// Asks for `url`; yields where the answer came from at last, and the answer.
    ///
    /// Errors: [`PullError`], also for any status but 200.
    pub(super) async fn get(
        &self,
        mut url: Url,
        mut origin: Origin<'a>,
    ) -> Result<(Url, ClientResponse), PullError> {
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.ask(&url, origin).await?;
            let status = answer.status();
            if !status.is_redirection() {
                return match status.as_u16() {
                    200 => Ok((url, answer)),
                    code => Err(PullError::Status { code }),
                };
            }
            let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let location = location.ok_or(PullError::Status { code: status.as_u16() })?;
            url = url.join(location).map_err(|_| PullError::BadRedirect)?;
            origin = Origin::Remote(self.egress);
        }
        Err(PullError::TooManyRedirects(REDIRECTS_MAX))
    }

    async fn ask(&self, url: &Url, origin: Origin<'_>) -> Result<ClientResponse, PullError> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let is_http = matches!(url.scheme(), "http" | "https");
        let port = url.port_or_known_default().filter(|_| is_http).ok_or(PullError::BadRedirect)?;
        // Connected to by address, so that the address that was checked is the one.
        let addresses = resolve(host, port, origin).await?;
        let address = addresses.first().copied().ok_or(PullError::BadRedirect)?;
        let mut uri = url.clone();
        // Both fail only for URLs without a host.
        let _ = (uri.set_username(""), uri.set_password(None));
        let send = || {
            let mut request = self
                .client
                .get(uri.as_str())
                .address(address)
                .insert_header((ACCEPT, "*/*"))
                .insert_header((USER_AGENT, super::USER_AGENT));
            let is_for_them = self.login_origin.as_ref() == Some(&url.origin());
            if let Some((user, password)) = self.login.as_ref().filter(|_| is_for_them) {
                request = request.basic_auth(user, password);
            }
            timeout(ANSWER_TIMEOUT, request.send())
        };
        let mut answer = send().await;
        if matches!(&answer, Ok(Err(error)) if is_closed(error)) {
            answer = send().await;
        }
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(send_error(error)),
            Err(_) => Err(PullError::NoAnswer(ANSWER_TIMEOUT)),
        }
    }
}

/// Whether the server may have closed a kept connection just as it was used again.
///
/// Source: RFC 9112 §9.3.1 (a GET is then asked once more).
fn is_closed(error: &SendRequestError) -> bool {
    matches!(error, SendRequestError::Connect(ConnectError::Disconnected))
}

fn send_error(error: SendRequestError) -> PullError {
    match error {
        SendRequestError::Connect(ConnectError::Io(error)) | SendRequestError::Send(error) => {
            error.into()
        }
        other => PullError::Media(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::super::PullUrl;
    use super::*;

    async fn request(stream: &mut TcpStream) {
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(stream.read_u8().await.unwrap());
        }
    }

    #[actix::test]
    async fn kept_connection_that_closes_as_it_is_used_again_is_replaced() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        actix_rt::spawn(async move {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                request(&mut stream).await;
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
                request(&mut stream).await;
            }
        });
        let url = format!("hls://{address}/a");
        let egress = EgressPolicy::default();
        let web = Web::new(&PullUrl::parse(&url).unwrap(), &egress).unwrap();
        for _ in 0..2 {
            let url = Url::parse(&url.replace("hls", "http")).unwrap();
            let (_, mut answer) = web.get(url, Origin::Config).await.unwrap();
            assert_eq!(answer.body().await.unwrap(), "ok");
        }
    }
}
