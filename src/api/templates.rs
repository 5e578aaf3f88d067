//! `/templates`: what is made for those who publish below a prefix, as configured.

use serde_json::Value;

use super::ApiState;
use super::collection::Collection;
use super::error::ApiError;

/// The collection of that name; the streams made from a template follow its changes.
pub(super) struct Templates;

impl Collection for Templates {
    const NAME: &'static str = "templates";
    const KEY: &'static str = "name";
    const ITEM: &'static str = "Template";

    fn shown(_state: &ApiState, _name: &str, configured: Option<Value>) -> Option<Value> {
        configured
    }

    fn not_found(name: &str) -> ApiError {
        ApiError::not_found("template_not_found", format!("there is no template `{name}`"))
    }
}
