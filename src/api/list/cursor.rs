//! Where a page begins: behind or before one item, wherever that stands by now.
//!
//! A cursor holds the item's place in the order rather than a number, so that items that come and
//! go meanwhile make no other item appear twice or never. To clients it is opaque; it is checked
//! like any other input, and good only for the order and the filters that it was made with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::order::SortValue;
use crate::api::error::ApiError;

/// The longest cursor that is looked at; it travels in the head of a request.
const CURSOR_CHARS_MAX: usize = 24 << 10;

/// On which side of the item the page lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Direction {
    /// The page begins behind it.
    #[serde(rename = ">")]
    After,
    /// The page ends before it.
    #[serde(rename = "<")]
    Before,
}

/// The place of one item in the order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Cursor(Direction, Vec<SortValue>, String);

impl Cursor {
    /// The place of the item of that key.
    pub(super) fn new(direction: Direction, sorted_by: &[SortValue], key: &str) -> Self {
        Self(direction, sorted_by.to_vec(), key.to_owned())
    }

    /// As it stands in an answer.
    pub(super) fn text(&self, fingerprint: &str) -> String {
        let parts = serde_json::to_vec(&(fingerprint, self)).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(parts)
    }

    /// Reads what a client sends.
    ///
    /// Errors: 400 where it is none of ours, or of another order or other filters.
    pub(super) fn parse(
        text: &str,
        fingerprint: &str,
        sort_count: usize,
    ) -> Result<Self, ApiError> {
        let refuse = |title| Err(ApiError::bad_request("invalid_cursor", title));
        if text.len() > CURSOR_CHARS_MAX {
            return refuse("cursor: too long");
        }
        let parts = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        let Ok((made_for, cursor)) = serde_json::from_slice::<(String, Self)>(&parts) else {
            return refuse("cursor: not one that this API gave out");
        };
        if made_for != fingerprint || cursor.1.len() != sort_count {
            return refuse("cursor: given out for another sort, filter or list");
        }
        Ok(cursor)
    }

    pub(super) const fn direction(&self) -> Direction {
        self.0
    }

    pub(super) fn sorted_by(&self) -> &[SortValue] {
        &self.1
    }

    pub(super) fn key(&self) -> &str {
        &self.2
    }
}

/// A short mark of `query`: all that decides which items there are, and in which order.
pub(super) fn fingerprint(query: &impl Serialize) -> String {
    let text = serde_json::to_vec(query).unwrap_or_default();
    hex::encode(Sha256::digest(text).get(..4).unwrap_or_default())
}
