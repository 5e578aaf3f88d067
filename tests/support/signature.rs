//! Node-to-node signatures, written here once more from the words of SPEC section 4 and from
//! nothing else: if the daemon and this file agree, both do what the contract says.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The keys that follow from a cluster key.
pub(crate) struct Keys {
    request: [u8; 32],
    response: [u8; 32],
    /// The public name of the key.
    pub(crate) kid: String,
}

/// What a request states about itself; a forger changes one of them.
#[derive(Clone)]
pub(crate) struct Statement {
    /// The method.
    pub(crate) method: String,
    /// Path with query.
    pub(crate) target: String,
    /// The id of the node it is for, or `?`.
    pub(crate) audience: String,
    /// The id of the sender.
    pub(crate) node: String,
    /// Unix seconds.
    pub(crate) seconds: u64,
    /// 32 hex digits.
    pub(crate) nonce: String,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Keys {
    /// HKDF-SHA256 of the cluster key with an empty salt.
    pub(crate) fn new(cluster_key: &str) -> Self {
        let derive = |info: &str| {
            let mut key = [0; 32];
            let hkdf = Hkdf::<Sha256>::new(Some(&[]), cluster_key.as_bytes());
            hkdf.expand(info.as_bytes(), &mut key).expect("32 bytes are within HKDF's range");
            key
        };
        Self {
            request: derive("watershed/v1/request"),
            response: derive("watershed/v1/response"),
            kid: hex::encode(derive("watershed/v1/kid"))[..8].to_owned(),
        }
    }

    /// The value of `Authorization` for a request.
    pub(crate) fn authorize(&self, of: &Statement) -> String {
        let body = hex::encode(Sha256::digest(&of.body));
        let seconds = of.seconds.to_string();
        let lines =
            ["v1", &of.method, &of.target, &of.audience, &of.node, &seconds, &of.nonce, &body];
        let signature = mac(&self.request, &lines.join("\n"));
        format!(
            "Cluster-V1 kid={}, node={}, aud={}, ts={}, nonce={}, body={body}, sig={signature}",
            self.kid, of.node, of.audience, of.seconds, of.nonce
        )
    }

    /// The value of `Cluster-Signature` of an answer.
    pub(crate) fn answer(
        &self,
        nonce: &str,
        status: u16,
        node: &str,
        seconds: u64,
        body: &[u8],
    ) -> String {
        let digest = hex::encode(Sha256::digest(body));
        let (status, seconds) = (status.to_string(), seconds.to_string());
        mac(&self.response, &[nonce, &status, node, &seconds, &digest].join("\n"))
    }
}

/// A nonce of its own for every call.
pub(crate) fn nonce() -> String {
    use std::hash::{BuildHasher, Hasher};
    let random = || std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

/// One `name=value` of an `Authorization`.
pub(crate) fn parameter<'a>(authorization: &'a str, name: &str) -> Option<&'a str> {
    let rest = authorization.strip_prefix("Cluster-V1 ")?;
    rest.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
}

fn mac(key: &[u8; 32], text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}
