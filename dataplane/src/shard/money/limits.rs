//! What a transaction may cost at most, as its 2.1 station says (E16).

use fleet::TransactionId;
use fleet::record::{CostLimit, CostLimits, Protocol};

use super::super::store::StoreUnreadable;
use super::super::summary::TransactionReport;
use super::super::{Now, Shard};
use crate::normalize::numeral;
use crate::state::StationState;

/// Limits that are kept of a station; of more, the oldest is forgotten at the next start.
const LIMITS_MAX: usize = 64;

impl Shard {
    /// Takes up which of a station's transactions have a limit.
    pub(in crate::shard) fn load_cost_limits(&mut self, state: &StationState) {
        if state.protocol != Some(Protocol::Ocpp21) || state.active().next().is_none() {
            return;
        }
        // A failed read was counted; what the station says next of its limit is noted.
        let Ok(kept) = self.grid_of::<CostLimits>(state.key.as_str()) else {
            return;
        };
        let is_limited = |id: &TransactionId| {
            let mut limits = kept.limits.iter();
            limits.any(|limit| limit.transaction_id == id.0)
        };
        let active = state.active().map(|transaction| transaction.id);
        self.cost_limits.extend(active.filter(is_limited));
    }

    /// A station has set a limit, or says which one it has taken over from somebody (E16.FR.01, E16.FR.03).
    pub(in crate::shard) fn note_cost_limit(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        id: TransactionId,
    ) {
        let Some(max_cost) = report.max_cost else {
            return;
        };
        let active: Vec<_> = self.stations[station]
            .state
            .active()
            .map(|t| t.id)
            .collect();
        if !active.contains(&id) {
            return;
        }
        self.cost_limits.insert(id);
        let kept = self.change_grid(
            now,
            station,
            "TransactionEvent",
            None,
            |kept: &mut CostLimits| {
                kept.limits.retain(|limit| {
                    let of = TransactionId(limit.transaction_id);
                    of != id && active.contains(&of)
                });
                if kept.limits.len() == LIMITS_MAX {
                    kept.limits.remove(0);
                }
                kept.limits.push(CostLimit {
                    transaction_id: id.0,
                    max_cost: numeral(max_cost).into_owned(),
                });
            },
        );
        if let Err(StoreUnreadable) = kept {
            // The failed read was counted; the limit is known until the next start.
        }
    }
}
