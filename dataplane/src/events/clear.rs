//! Events whose time is over: those older than 30 days, and what a station has more than it may have.

use fleet::UtcMicros;
use storage::state::{StateError, StateStore};

use super::row::{KIND, read_key};
use crate::variables::newest::Newest;

/// Events that are kept of a station.
pub(crate) const KEPT_MAX: usize = 1_000;
/// How long an event is kept.
const KEPT_MICROS: i64 = 30 * 86_400 * 1_000_000;
/// Rows looked at in one round, some hundred milliseconds. Where there are more, the next round goes on.
const SCAN_MAX: usize = 262_144;

const NEWEST: Newest = Newest {
    prefix: KIND,
    len_max: KEPT_MAX,
    kept_micros: KEPT_MICROS,
    made_at: |key| Some(UtcMicros(read_key(key)?.received_at)),
};

/// Removes what is over from `from` on, and moves that to where the next round begins.
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
    NEWEST.clear(store, now, from, scan_max)
}
