//! `/cluster/balancers`: peers that share clients; not supported yet, so there are none.

use serde_json::Value;

use super::ApiState;
use super::collection::Collection;
use super::error::ApiError;

/// The collection of that name.
pub(super) struct Balancers;

impl Collection for Balancers {
    const NAME: &'static str = "balancers";
    const KEY: &'static str = "name";
    const ITEM: &'static str = "Balancer";

    fn shown(_state: &ApiState, _name: &str, configured: Option<Value>) -> Option<Value> {
        configured
    }

    fn not_found(name: &str) -> ApiError {
        ApiError::not_found("balancer_not_found", format!("there is no balancer `{name}`"))
    }
}
