//! What a node asks the holder before the first byte of a relayed session (SPEC 5.4).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::messages::ClientFacts;
use crate::names::Protocol;

/// The question: may this client play this stream?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuthorizeAsk {
    /// The stream.
    pub name: String,
    /// What the client speaks.
    pub proto: Protocol,
    /// Its address.
    #[schema(value_type = Option<String>)]
    pub ip: Option<IpAddr>,
    /// What it presents.
    pub token: Option<String>,
    /// Its software.
    pub user_agent: Option<String>,
    /// The page that plays it.
    pub referer: Option<String>,
    /// Names the session, the same each time it is asked for.
    pub session_id: String,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuthorizeAnswer {
    /// Whether it may.
    pub allowed: bool,
    /// What an HTTP client is to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl AuthorizeAsk {
    /// The question about `client`.
    pub(super) fn new(name: &str, client: &ClientFacts) -> Self {
        Self {
            name: name.to_owned(),
            proto: client.protocol,
            ip: client.ip,
            token: client.token.clone(),
            user_agent: client.user_agent.clone(),
            referer: client.referer.clone(),
            session_id: format!("{:016x}", client.session),
        }
    }

    /// What the holder answers. `holds` says whether the stream is its own.
    ///
    /// This is the place for the answer of an `on_play` backend.
    #[must_use]
    pub fn judge(&self, holds: bool) -> AuthorizeAnswer {
        if holds {
            return AuthorizeAnswer { allowed: true, ..AuthorizeAnswer::default() };
        }
        let reason = format!("{} is not a stream of this node", self.name);
        AuthorizeAnswer { allowed: false, status: Some(404), reason: Some(reason) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn question_and_answer_have_the_contracts_fields() {
        let client = ClientFacts {
            protocol: Protocol::Tshttp,
            ip: Some([192, 0, 2, 1].into()),
            token: Some("t1".to_owned()),
            user_agent: Some("VLC".to_owned()),
            referer: None,
            session: 0xab,
        };
        let ask = AuthorizeAsk::new("cam1", &client);
        let json = serde_json::json!({
            "name": "cam1", "proto": "tshttp", "ip": "192.0.2.1", "token": "t1",
            "user_agent": "VLC", "referer": null, "session_id": "00000000000000ab",
        });
        assert_eq!(serde_json::to_value(&ask).unwrap(), json);
        assert_eq!(serde_json::from_value::<AuthorizeAsk>(json).unwrap(), ask);
        assert_eq!(serde_json::to_string(&ask.judge(true)).unwrap(), r#"{"allowed":true}"#);
        let refused = serde_json::to_value(ask.judge(false)).unwrap();
        assert_eq!((&refused["allowed"], &refused["status"]), (&false.into(), &404.into()));
    }
}
