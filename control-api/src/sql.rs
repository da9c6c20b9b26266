//! Questions to the tables. The pipeline answers them; it comes in as a function, so that nothing here links it.

use std::sync::Arc;

use fleet::UtcMicros;
use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::principals::Principal;

/// One row, as `POST /api/v1/sql` shows it: DECIMAL and BIGINT are strings, times RFC 3339.
pub type SqlRow = Map<String, Value>;

/// Runs one query that reads, as a principal who sees its own tenant only.
pub type SqlFn = Arc<
    dyn Fn(Principal, String) -> BoxFuture<'static, Result<Vec<SqlRow>, SqlError>> + Send + Sync,
>;

/// Why a query has no rows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// Too busy, out of memory or shutting down: the same query can succeed later.
    #[error("the tables cannot be read now: {0}")]
    Unavailable(String),
    /// The query itself failed; the API wrote it, so this is our fault.
    #[error("query failed: {0}")]
    Failed(String),
}

impl From<SqlError> for ApiError {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Unavailable(_) => Self::Unavailable(error.to_string()),
            SqlError::Failed(_) => Self::Internal(error.to_string()),
        }
    }
}

/// A text as an SQL literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A time as an SQL literal. The tables count nanoseconds in 64 bits; nothing in them lies beyond a time that these
/// cannot hold, so the nearest one that they can finds the same rows.
pub(crate) fn time_literal(at: UtcMicros) -> String {
    const NS_PER_US: i64 = 1_000;
    let (first, last) = (i64::MIN / NS_PER_US, i64::MAX / NS_PER_US);
    format!("'{}'", UtcMicros(at.0.clamp(first, last)))
}

/// The text in a column; `None` for NULL.
pub(crate) fn text(row: &SqlRow, column: &str) -> Option<String> {
    match row.get(column)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_cannot_be_left() {
        assert_eq!(literal("CP1' OR '1'='1"), "'CP1'' OR ''1''=''1'");
    }

    #[test]
    fn a_time_is_one_that_the_tables_can_compare_with() {
        for (at, expected) in [
            (0, "'1970-01-01T00:00:00.000Z'"),
            (1_700_000_000_123_456, "'2023-11-14T22:13:20.123456Z'"),
            (i64::MAX, "'2262-04-11T23:47:16.854775Z'"),
            (i64::MIN, "'1677-09-21T00:12:43.145225Z'"),
        ] {
            assert_eq!(time_literal(UtcMicros(at)), expected);
        }
    }
}
