//! What can be followed. The items are those that the lists answer with.

use serde_json::Value;

use crate::api::error::ApiError;
use crate::api::{ApiState, node_stats, peers, sessions, streams};

/// A collection that can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Collection {
    Peers,
    Streams,
    Sessions,
    /// One item: this node.
    Stats,
}

impl Collection {
    pub(super) const ALL: [Self; 4] = [Self::Peers, Self::Streams, Self::Sessions, Self::Stats];

    /// Its name in queries and events.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Peers => "peers",
            Self::Streams => "streams",
            Self::Sessions => "sessions",
            Self::Stats => "stats",
        }
    }

    /// Its items by their keys, each made when it is reached.
    pub(super) fn items(
        self,
        state: &ApiState,
    ) -> Box<dyn ExactSizeIterator<Item = (String, Value)> + '_> {
        match self {
            Self::Peers => Box::new(peers::all(state)),
            Self::Streams => Box::new(streams::all(state)),
            Self::Sessions => Box::new(sessions::all(state)),
            Self::Stats => Box::new(node_stats::all(state)),
        }
    }

    /// Reads `of=peers,stats`; without it all are wanted.
    ///
    /// Errors: 400 with the name that makes no sense.
    pub(super) fn parse_query(query: &str) -> Result<Vec<Self>, ApiError> {
        let mut wanted = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if name != "of" {
                let title = format!("{name}: only `of` is expected");
                return Err(ApiError::bad_request("unknown_parameter", title));
            }
            for part in value.split(',') {
                let collection = Self::parse(part.trim())?;
                if !wanted.contains(&collection) {
                    wanted.push(collection);
                }
            }
        }
        Ok(if wanted.is_empty() { Self::ALL.to_vec() } else { wanted })
    }

    fn parse(name: &str) -> Result<Self, ApiError> {
        let known = Self::ALL.into_iter().find(|collection| collection.name() == name);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            let title = format!("of: `{name}` cannot be followed, only {names}");
            ApiError::bad_request("unknown_collection", title)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_chooses_and_nonsense_is_refused() {
        use Collection::{Peers, Stats};
        let read = |query| Collection::parse_query(query).ok();
        assert_eq!(read(""), Some(Collection::ALL.to_vec()));
        assert_eq!(read("of=peers"), Some(vec![Peers]));
        assert_eq!(read("of=stats,+peers&of=stats"), Some(vec![Stats, Peers]));
        for query in ["of=", "of=peers,", "of=Peers", "of=vods", "off=peers", "of=%ff", "=peers"] {
            assert_eq!(read(query), None, "{query}");
        }
    }
}
