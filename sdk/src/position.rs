//! Which event an answer reflects.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The newest event that an answer reflects. Rows of the SQL tables name theirs in columns of the same names, so whoever
/// has read something here can tell whether the tables know of it yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Position {
    /// The log that holds the event: a 64-bit integer, as text like in SQL's answers.
    #[schema(example = "1")]
    pub log_id: String,
    /// Its place there, 1 is the first; 0 before any. A 64-bit integer, as text.
    #[schema(example = "4711")]
    pub seq: String,
}
