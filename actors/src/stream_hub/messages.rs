//! What others may tell the hub.

use std::net::SocketAddr;

use actix::prelude::*;

use crate::live_stream::{InputWriter, PasswordProof, PublishRefused, StreamSpec};
use crate::names::StreamName;

/// States all streams that are to exist from now on. Sent by the daemon at its start and whenever
/// the configuration changes; streams that stay as they are keep every client, and so do those of
/// which only the password, a limit, a timeout of clients or `publish_takeover` changes.
#[derive(Debug, Default, Message)]
#[rtype(result = "()")]
pub struct SetStreams {
    /// The configured streams.
    pub streams: Vec<StreamSpec>,
    /// What is made for publishers of other names. Streams made before follow their template, and
    /// go with it.
    pub templates: Vec<TemplateSpec>,
    /// Most streams from templates at once.
    pub template_streams_max: usize,
}

/// Settings of the streams that are published below a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateSpec {
    /// The first parts of their names.
    pub prefix: StreamName,
    /// What they are made from, but for the name.
    pub stream: StreamSpec,
}

/// Asks to publish into a stream, which a template makes if it is not there. Sent by publishing
/// sessions; the reply is where to write.
#[derive(Debug, Message)]
#[rtype(result = "Result<InputWriter, PublishRefused>")]
pub struct PublishTo {
    /// The stream as the client named it.
    pub stream: StreamName,
    /// What the client shows for the password.
    pub proof: PasswordProof,
    /// Who publishes, for the log.
    pub client: SocketAddr,
}

/// Ends a stream's capture, which starts anew at once if it is static; a stream from a template is
/// gone. Sent by the API; the reply says whether there is such a stream.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub struct StopNamed(pub StreamName);
