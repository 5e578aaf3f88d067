//! The difference between the peers there are and the peers there should be. Pure.

use std::collections::HashMap;

use crate::names::Hostname;
use crate::peer_actor::PeerConfig;

/// What to do to get from one list of peers to another.
#[derive(Debug, PartialEq)]
pub(super) struct RosterChange {
    pub(super) added: Vec<PeerConfig>,
    pub(super) changed: Vec<PeerConfig>,
    pub(super) removed: Vec<Hostname>,
}

/// Compares by hostname; of two entries with one hostname the first counts.
pub(super) fn compare<'a>(
    current: impl Iterator<Item = &'a PeerConfig>,
    wanted: &[PeerConfig],
) -> RosterChange {
    let mut left: HashMap<&Hostname, &PeerConfig> =
        current.map(|config| (&config.hostname, config)).collect();
    let mut seen = std::collections::HashSet::new();
    let mut change = RosterChange { added: Vec::new(), changed: Vec::new(), removed: Vec::new() };
    for config in wanted {
        if !seen.insert(&config.hostname) {
            continue;
        }
        match left.remove(&config.hostname) {
            None => change.added.push(config.clone()),
            Some(old) if old != config => change.changed.push(config.clone()),
            Some(_) => {}
        }
    }
    change.removed = left.into_keys().cloned().collect();
    change
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redirect::PeerAddresses;
    use std::time::Duration;

    fn peer(hostname: &str, fetch_ms: u64) -> PeerConfig {
        PeerConfig {
            hostname: hostname.parse().unwrap(),
            addresses: PeerAddresses {
                api_url: format!("http://{hostname}").parse().unwrap(),
                public_payload_url: None,
                private_payload_url: None,
                public_rtsp_url: None,
                public_rtmp_url: None,
            },
            fetch_timeout: Duration::from_millis(fetch_ms),
            stale_timeout: Duration::from_secs(10),
            channel_limit: None,
            cpu_limit_percent: None,
            keys: Vec::new(),
        }
    }

    #[test]
    fn only_what_differs_is_touched() {
        let current = [peer("a", 1_000), peer("b", 1_000), peer("c", 1_000)];
        let wanted = [peer("d", 1_000), peer("b", 500), peer("a", 1_000), peer("a", 9)];
        let change = compare(current.iter(), &wanted);
        assert_eq!(change.added, [peer("d", 1_000)]);
        assert_eq!(change.changed, [peer("b", 500)]);
        assert_eq!(change.removed, ["c".parse().unwrap()]);
        let same = compare(current.iter(), &current);
        assert!(same.added.is_empty() && same.changed.is_empty() && same.removed.is_empty());
    }
}
