//! What others may tell a live stream, and what it is made from.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use futures_util::future::LocalBoxFuture;
use thiserror::Error;

use super::InputWriter;
use super::pull::PullSource;
use crate::names::StreamName;
use crate::report::Title;

/// A stream as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSpec {
    /// Its name.
    pub name: StreamName,
    /// What it is called for people.
    pub title: Option<Title>,
    /// Where it may come from, in the order of the config.
    pub inputs: Vec<InputSpec>,
    /// Captured always, rather than from the first client on.
    pub is_static: bool,
    /// How long an on-demand stream goes on after its last client.
    pub clients_timeout: Duration,
    /// Most attempts of an on-demand stream's input, at least one; `None` = for ever.
    pub retry_limit: Option<u32>,
    /// What publishers must present.
    pub password: Option<Password>,
    /// Wanted length of an HLS segment.
    pub segment_duration: Duration,
    /// Segments in a playlist.
    pub segment_count: usize,
    /// A new publisher replaces the one that is connected, rather than being refused.
    pub publish_takeover: bool,
    /// Most clients that play at once; `None` = any number.
    pub max_sessions: Option<u32>,
    /// Made for a publisher from a template: it ends `clients_timeout` after its last client.
    pub is_from_template: bool,
}

impl StreamSpec {
    /// Whether a stream made from this one can become `other` without cutting anyone off.
    pub(crate) fn can_become(&self, other: &Self) -> bool {
        let changed = Self {
            title: other.title.clone(),
            clients_timeout: other.clients_timeout,
            retry_limit: other.retry_limit,
            password: other.password.clone(),
            publish_takeover: other.publish_takeover,
            max_sessions: other.max_sessions,
            is_from_template: other.is_from_template,
            ..self.clone()
        };
        changed == *other
    }

    /// The input that a publisher with this proof may write.
    ///
    /// Errors: that there is none, or the password is wrong.
    pub(crate) fn publish_input(&self, proof: &PasswordProof) -> Result<usize, PublishRefused> {
        let index = self.inputs.iter().position(|input| input.source == InputSource::Publish);
        let index = index.ok_or(PublishRefused::NoPublishInput)?;
        if self.password.as_ref().is_some_and(|wanted| !proof.is_of(wanted)) {
            return Err(PublishRefused::WrongPassword);
        }
        Ok(index)
    }
}

/// One input of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// Where from.
    pub source: InputSource,
    /// Lower is better.
    pub priority: u32,
    /// Silence after which it counts as gone.
    pub source_timeout: Duration,
}

/// Where an input comes from.
#[derive(Clone, Debug)]
pub enum InputSource {
    /// `publish://`: a client brings it.
    Publish,
    /// `file://`: a file, looped.
    File(PathBuf),
    /// Any other scheme: fetched from elsewhere.
    Pull(PullSource),
    /// Another node: whoever relays from there knows how.
    Relay(Arc<dyn InputRunner>),
}

impl PartialEq for InputSource {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Publish, Self::Publish) => true,
            (Self::File(one), Self::File(two)) => one == two,
            (Self::Pull(one), Self::Pull(two)) => one == two,
            (Self::Relay(one), Self::Relay(two)) => Arc::ptr_eq(one, two),
            _ => false,
        }
    }
}

impl Eq for InputSource {}

/// An input that brings its own way of running.
pub trait InputRunner: std::fmt::Debug + Send + Sync {
    /// Writes until the input ends or its writer is revoked; on the stream's arbiter.
    fn run(&self, writer: InputWriter) -> LocalBoxFuture<'static, ()>;
}

/// A publish password; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub String);

impl Password {
    /// Compares without telling by time where the difference is.
    fn is(&self, given: &str) -> bool {
        use subtle::ConstantTimeEq;
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// How a publisher shows that it knows the password of a stream; never printed.
pub enum PasswordProof {
    /// It presents one, or none.
    Password(Option<String>),
    /// It answers a challenge; the function tells whether it did so with the password given. So the
    /// stream's own password goes nowhere.
    Answer(Box<dyn Fn(&str) -> bool + Send>),
}

impl PasswordProof {
    fn is_of(&self, password: &Password) -> bool {
        match self {
            Self::Password(given) => password.is(given.as_deref().unwrap_or_default()),
            Self::Answer(knows) => knows(&password.0),
        }
    }
}

impl std::fmt::Debug for PasswordProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Asks to publish into the stream. Sent by the hub for a publishing session; the reply is the
/// writer's end, and dropping it ends the publication.
#[derive(Debug, Message)]
#[rtype(result = "Result<InputWriter, PublishRefused>")]
pub struct Publish {
    /// What the client shows for the password.
    pub proof: PasswordProof,
    /// Who publishes, for the log.
    pub client: SocketAddr,
}

/// Why a client may not publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PublishRefused {
    /// No stream of that name is configured here.
    #[error("no such stream")]
    UnknownStream,
    /// The stream takes no publishers.
    #[error("the stream has no publish:// input")]
    NoPublishInput,
    /// The password is missing or wrong.
    #[error("wrong password")]
    WrongPassword,
    /// Somebody else publishes already.
    #[error("another publisher is connected")]
    Busy,
    /// A template would make the stream, but there are as many as the node may have.
    #[error("too many streams are published here")]
    TooManyStreams,
    /// The stream is restarting; try again.
    #[error("the stream is not ready")]
    NotReady,
}

/// States that a client wants the stream: an on-demand one starts. Sent by sessions.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StartStream;

/// Ends the capture: an on-demand stream goes idle, a static one starts anew, one from a template
/// is gone. Sent by the API.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StopStream;

/// States what the stream is made from now: a spec that it [can become](StreamSpec::can_become).
/// Nobody is cut off. Sent by the hub.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct UpdateStream {
    /// What it is made from.
    pub(crate) spec: StreamSpec,
}

/// Ends the stream for good: it was taken out of the configuration. Sent by the hub.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct RemoveStream;

/// States that the first packet of an input went on air. Sent by the input's writer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct WentOnAir;

/// States that an input ended. Sent by its writer when dropped.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct InputEnded {
    /// Which one.
    pub(crate) input: usize,
    /// Which start of it.
    pub(crate) generation: u64,
    /// Why, if it was not the publisher's wish.
    pub(crate) error: Option<String>,
}
