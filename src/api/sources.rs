//! `/cluster/sources`: servers whose streams are pulled on demand; not supported yet, so there are
//! none.

use serde_json::Value;

use super::ApiState;
use super::collection::Collection;
use super::error::ApiError;

/// The collection of that name.
pub(super) struct Sources;

impl Collection for Sources {
    const NAME: &'static str = "sources";
    const KEY: &'static str = "url";
    const ITEM: &'static str = "Source";

    fn shown(_state: &ApiState, _name: &str, configured: Option<Value>) -> Option<Value> {
        configured
    }

    fn not_found(name: &str) -> ApiError {
        ApiError::not_found("source_not_found", format!("there is no source `{name}`"))
    }
}
