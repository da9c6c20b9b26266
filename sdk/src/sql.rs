//! SQL over HTTP.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A query to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlRequest {
    /// One statement that reads.
    #[schema(example = "SELECT station_id, sum(energy_wh) FROM transactions GROUP BY station_id")]
    pub query: String,
}
