//! Display messages that their station has removed by itself: at their end (O01.FR.07, O02.FR.07), or with the transaction
//! that they are for (O02.FR.02).
//!
//! Whether that one goes on is read from its own row when somebody asks, so that what ends writes nothing for messages that
//! most stations do not have. A transaction that ended a moment ago may not have its row yet.

use fleet::wire::Body;
use fleet::{StationKey, UtcMicros};
use serde_json::Value;
use storage::state::{StateError, StateStore, Table};

use super::row::Told;
use crate::grid::moment;
use crate::retry::Canonical;
use crate::shard::{RetryRow, TRANSACTION_KEPT_MICROS, name_key, read_record_row};

/// True for a message that is over at `now`; one that the station has told of since is not.
pub(super) fn is_over(
    store: &StateStore,
    station: &StationKey,
    told: &Told,
    json: &str,
    now: UtcMicros,
) -> Result<bool, StateError> {
    let message: Value = serde_json::from_str(json).unwrap_or_default();
    if moment(&message["endDateTime"]).is_some_and(|end| end <= now.0) {
        return Ok(true);
    }
    let Some(transaction) = message["transactionId"].as_str() else {
        return Ok(false);
    };
    let name = name_key(&mut Canonical::default(), station.as_str(), transaction);
    let kept = store.get(Table::RetryKeys, &name)?;
    let Some(kept) = kept.as_deref().and_then(RetryRow::from_bytes) else {
        // Its beginning has not come yet, or its end is so long ago that nothing is left of it.
        return Ok(told.as_of.0 + TRANSACTION_KEPT_MICROS < now.0);
    };
    let row = store.get(Table::Transactions, &kept.transaction)?;
    let Some((position, record)) = row.as_deref().and_then(read_record_row) else {
        return Ok(true);
    };
    let newest = Told {
        position,
        as_of: record.received_at,
    };
    Ok(match &record.body {
        Body::TransactionEvent(event) => {
            event.summary.ended_at.is_some() && told.is_before(&newest)
        }
        _ => false,
    })
}
