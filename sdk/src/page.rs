//! One page of a list.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A part of a list, and where the next one begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// At most `limit` of them.
    pub items: Vec<T>,
    /// Pass it as `cursor` for the items after these; `null` at the end. The last page may be empty.
    pub next_cursor: Option<String>,
}
