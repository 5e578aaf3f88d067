//! Whether a client is told to go to the holder, or its stream is relayed (SPEC 5.4).
//!
//! Pure: what the operator wants, what the client says of itself, what the holder has.

use super::Targets;

/// What is done with the clients of one protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedirectMode {
    /// Those known to follow are redirected, the rest is relayed.
    #[default]
    Auto,
    /// All are redirected.
    Always,
    /// All are relayed: one public address stands in front of many nodes.
    Never,
}

/// What the operator wants, for all protocols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectPolicy {
    /// Of HTTP clients.
    pub http: RedirectMode,
    /// Of RTMP clients.
    pub rtmp: RedirectMode,
    /// Of RTSP clients.
    pub rtsp: RedirectMode,
    /// The beginnings of the names of RTSP clients that are known to follow.
    pub rtsp_agents: Vec<String>,
}

impl Default for RedirectPolicy {
    fn default() -> Self {
        let agents = ["Lavf", "GStreamer", "LIVE555", "VLC", "gortsplib", "ZLMediaKit", "curl"];
        Self {
            http: RedirectMode::default(),
            rtmp: RedirectMode::default(),
            rtsp: RedirectMode::default(),
            rtsp_agents: agents.map(str::to_owned).into(),
        }
    }
}

impl RedirectPolicy {
    /// Whether an HTTP client is redirected to `targets`. Browsers block what a page that came by
    /// https loads by http.
    #[must_use]
    pub fn redirects_http(&self, is_https: bool, targets: &Targets) -> bool {
        match self.http {
            RedirectMode::Auto => !is_https || targets.is_https(),
            RedirectMode::Always => true,
            RedirectMode::Never => false,
        }
    }

    /// Whether an RTMP client is redirected: no stock player follows unless it said so.
    ///
    /// Source: Enhanced RTMP v2, `capsEx` bit 0 (Reconnect).
    #[must_use]
    pub fn redirects_rtmp(&self, announces_reconnect: bool) -> bool {
        match self.rtmp {
            RedirectMode::Auto => announces_reconnect,
            RedirectMode::Always => true,
            RedirectMode::Never => false,
        }
    }

    /// Whether an RTSP client is redirected: by the name it gives itself.
    #[must_use]
    pub fn redirects_rtsp(&self, user_agent: Option<&str>) -> bool {
        match self.rtsp {
            RedirectMode::Auto => user_agent.is_some_and(|agent| self.is_known_agent(agent)),
            RedirectMode::Always => true,
            RedirectMode::Never => false,
        }
    }

    /// Whether a product in `User-Agent` begins like a known one. Products also stand in comments:
    /// VLC is `LibVLC/3.0.20 (LIVE555 Streaming Media v2016.11.28)`.
    ///
    /// Source: RFC 9110 §10.1.5.
    fn is_known_agent(&self, user_agent: &str) -> bool {
        let is_known = |product: &str| {
            let begins_like = |name: &String| {
                let head = product.as_bytes().get(..name.len());
                !name.is_empty()
                    && head.is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes()))
            };
            self.rtsp_agents.iter().any(begins_like)
        };
        user_agent.split([' ', '\t', '(', ')', ';', ',']).any(is_known)
    }
}

#[cfg(test)]
mod tests {
    use super::super::PeerAddresses;
    use super::*;

    fn targets(api_url: &str) -> Targets {
        let addresses = PeerAddresses {
            api_url: api_url.parse().unwrap(),
            public_payload_url: None,
            private_payload_url: None,
            public_rtsp_url: None,
            public_rtmp_url: None,
        };
        addresses.targets(&[]).unwrap()
    }

    #[test]
    fn agents_are_known_by_the_beginning_of_a_product() {
        let policy = RedirectPolicy::default();
        for agent in [
            "Lavf58.76.100",
            "LibVLC/3.0.20 (LIVE555 Streaming Media v2016.11.28)",
            "gstreamer/1.20.3",
            "VLC/2.2",
            "curl/7.88.1",
            "ZLMediaKit(git hash:abc)",
            "gortsplib",
        ] {
            assert!(policy.redirects_rtsp(Some(agent)), "{agent}");
        }
        for agent in ["go2rtc/1.9", "retina 0.4", "NotLavf", "", "ä", "Lav"] {
            assert!(!policy.redirects_rtsp(Some(agent)), "{agent}");
        }
        assert!(!policy.redirects_rtsp(None));
        let own = RedirectPolicy { rtsp_agents: vec![String::new(), "Go2".into()], ..policy };
        assert!(own.redirects_rtsp(Some("go2rtc/1.9")));
        assert!(!own.redirects_rtsp(Some("Lavf58")));
    }

    #[test]
    fn only_reconnecting_rtmp_clients_follow() {
        let policy = |rtmp| RedirectPolicy { rtmp, ..RedirectPolicy::default() };
        for (mode, plain, reconnecting) in [
            (RedirectMode::Auto, false, true),
            (RedirectMode::Always, true, true),
            (RedirectMode::Never, false, false),
        ] {
            let policy = policy(mode);
            let answers = (policy.redirects_rtmp(false), policy.redirects_rtmp(true));
            assert_eq!(answers, (plain, reconnecting), "{mode:?}");
        }
    }

    #[test]
    fn a_page_that_came_by_https_is_not_sent_to_http() {
        let (plain, tls) = (targets("http://b:1"), targets("https://b:1"));
        let mut policy = RedirectPolicy::default();
        assert!(policy.redirects_http(false, &plain) && policy.redirects_http(true, &tls));
        assert!(!policy.redirects_http(true, &plain));
        policy.http = RedirectMode::Never;
        assert!(!policy.redirects_http(false, &tls));
    }
}
