//! Events whose time is over: those older than 30 days, and what a station has more than it may have.

use fleet::UtcMicros;
use storage::state::{Durability, StateBatch, StateError, StateStore, Table};

use super::row::{prefix_of_all, read_key};

/// Events that are kept of a station.
pub(crate) const KEPT_MAX: usize = 1_000;
/// How long an event is kept.
const KEPT_MICROS: i64 = 30 * 86_400 * 1_000_000;
/// Rows looked at in one round, some hundred milliseconds. Where there are more, the next round goes on.
const SCAN_MAX: usize = 262_144;
/// Rows removed together.
const BATCH_LEN_MAX: usize = 1_000;

/// Removes what is over from `from` on, and moves that to where the next round begins: the beginning again, when there is
/// no more to look at.
pub(crate) fn clear(
    store: &StateStore,
    now: UtcMicros,
    from: &mut Vec<u8>,
) -> Result<(), StateError> {
    clear_some(store, now, from, SCAN_MAX)
}

pub(super) fn clear_some(
    store: &StateStore,
    now: UtcMicros,
    from: &mut Vec<u8>,
    scan_max: usize,
) -> Result<(), StateError> {
    let mut batch = StateBatch::default();
    let mut station = Vec::new();
    let mut kept = 0;
    let mut rows = store.scan(Table::Variables, &prefix_of_all(), from);
    for row in rows.by_ref().take(scan_max.max(KEPT_MAX + 1)) {
        let (key, _) = row?;
        let end = key.iter().position(|byte| *byte == 0).unwrap_or(key.len());
        if station != key[..end] {
            (station, kept) = (key[..end].to_vec(), 0);
        }
        let Some(event) = read_key(&key) else {
            continue;
        };
        kept += 1;
        // The newest come first.
        if KEPT_MAX < kept || event.received_at + KEPT_MICROS < now.0 {
            batch.remove(Table::Variables, key);
        }
        if batch.len() == BATCH_LEN_MAX {
            store.apply(std::mem::take(&mut batch), None, Durability::Buffered)?;
        }
    }
    // The next round begins with a whole station, or it would count too few of its events.
    let next = rows.next().transpose()?;
    station.push(0);
    *from = next.map_or(Vec::new(), |(key, _)| match key.starts_with(&station) {
        true => station,
        false => key,
    });
    store.apply(batch, None, Durability::Buffered)
}
