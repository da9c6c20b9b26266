//! Messages of 1.6 stations about transactions that they have no id for.
//!
//! The id of a 1.6 transaction is ours, and comes with the answer to StartTransaction. A station that charges offline has
//! none until then: what it queues in the meantime says -1 or 0, or whatever else no id of ours can be, and is sent behind
//! the StartTransaction as it was written. Such a message is about the transaction whose StartTransaction came after it
//! was measured, if there is only one that it can be about. Everything else is kept as it is: an end that fits nothing is an
//! orphan's, and closes nothing.

use fleet::MilliwattHours;

use super::Shard;
use crate::state::Transaction;

/// How far the clock of a station may be ahead of ours, and how long its StartTransaction may be on its way.
const AHEAD_MAX_MICROS: i64 = 60 * 1_000_000;

/// What a message tells of the transaction that it does not name.
pub(super) struct Unnamed {
    /// `None` in a StopTransaction.
    pub(super) evse_id: Option<u32>,
    /// When it was measured, by a clock that is worth believing.
    pub(super) at: i64,
    /// The register then.
    pub(super) register: Option<MilliwattHours>,
    pub(super) token_ref: Option<[u8; 16]>,
}

/// False for a number that no id of ours can be: those are positive.
pub(super) fn is_id(transaction_id: i64) -> bool {
    0 < transaction_id
}

impl Shard {
    /// The running transaction that a message is about which has no id for it.
    pub(super) fn meant(&self, station: u32, said: &Unnamed) -> Option<&Transaction> {
        // What is read again long after it came is about nothing that runs.
        if self.replaying.is_some() {
            return None;
        }
        let state = &self.stations[station].state;
        let fits = || state.active().filter(|running| is_about(said, running));
        let same_token = |running: &&Transaction| {
            said.token_ref.is_some() && running.token_ref == said.token_ref
        };
        only(fits()).or_else(|| only(fits().filter(same_token)))
    }
}

fn is_about(said: &Unnamed, running: &Transaction) -> bool {
    // Of a running transaction of 1.6 there is no newer record than that of its beginning.
    let told_at = running.updated_at.0;
    let register = running.registers.last.map(|register| register.energy);
    let is_below = said
        .register
        .zip(register)
        .is_some_and(|(said, known)| said < known);
    running.seq_no < 0
        && said
            .evse_id
            .is_none_or(|evse_id| evse_id == running.evse_id)
        && running.started_at.is_some_and(|began| began <= said.at)
        && said.at <= told_at + AHEAD_MAX_MICROS
        && !is_below
}

fn only<T>(mut found: impl Iterator<Item = T>) -> Option<T> {
    let first = found.next();
    first.filter(|_| found.next().is_none())
}
