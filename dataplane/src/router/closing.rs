//! Ending a transaction here, when nobody waits for its station any more.

use fleet::{MilliwattHours, TransactionId, UtcMicros};

use super::pending::Pending;
use super::view::TransactionView;
use super::{Ask, CommandRefused, Router, TokenAsk, post};
use crate::id::partition_of_transaction;

/// Ends a transaction here. Its station is not asked, and need not exist any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseRequest {
    /// Which.
    pub transaction: TransactionId,
    /// Stations of other tenants are not found.
    pub tenant: String,
    /// Who asks.
    pub principal: String,
    /// Why; empty for none.
    pub reason: String,
    /// The last register; `None` takes the last one that the station told.
    pub meter_stop: Option<MilliwattHours>,
    /// The end; `None` takes when the station last told something of it.
    pub ended_at: Option<UtcMicros>,
}

/// What became of a [`CloseRequest`].
#[derive(Clone, Debug, PartialEq)]
pub enum CloseOutcome {
    /// It is closed, now or before.
    Closed(TransactionView),
    /// Its station has ended it, and nothing was changed.
    Ended(TransactionView),
    /// What was asked cannot be.
    Invalid(CloseProblem),
    /// Nothing was recorded.
    Refused(CommandRefused),
    /// No such transaction.
    Unknown,
}

/// What is wrong with a [`CloseRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseProblem {
    /// The end lies before the beginning.
    #[error("{ended_at}, before the transaction began at {started_at}")]
    EndedBeforeStart {
        /// As asked.
        ended_at: UtcMicros,
        /// As its station told.
        started_at: UtcMicros,
    },
    /// The end has not come yet.
    #[error("{ended_at}, and it is {now}")]
    EndedInFuture {
        /// As asked.
        ended_at: UtcMicros,
        /// Our clock.
        now: UtcMicros,
    },
    /// The station told a higher register.
    #[error("{} mWh, and the station has told {} mWh", .found.0, .told.0)]
    MeterBelow {
        /// As asked.
        found: MilliwattHours,
        /// The last one that the station told.
        told: MilliwattHours,
    },
    /// More energy than any transaction may have.
    #[error("{} mWh, {} mWh above the first register; at most {limit_wh} Wh are believed", .found.0, .energy.0)]
    TooMuchEnergy {
        /// As asked.
        found: MilliwattHours,
        /// What would have been delivered.
        energy: MilliwattHours,
        /// `Plausibility::transaction_wh_max`.
        limit_wh: i64,
    },
}

/// How an operator has ended a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosingView {
    /// Who did it.
    pub principal: String,
    /// Why; empty for none.
    pub reason: String,
    /// When it was done.
    pub closed_at: UtcMicros,
    /// The end as it was asked for.
    pub ended_at: Option<UtcMicros>,
    /// The last register as it was asked for.
    pub meter_stop: Option<MilliwattHours>,
    /// False once the station has ended the transaction itself; in [`Router::closings`] as it was when it was done.
    pub stands: bool,
}

impl Router {
    /// Ends a transaction without its station.
    pub fn close_transaction(&self, request: CloseRequest) -> Pending<CloseOutcome> {
        let partition = partition_of_transaction(request.transaction);
        self.ask(partition, |reply| Ask::Close { request, reply })
    }

    /// How operators have ended transactions, of those of `transactions` that they have: as the state store has it, a
    /// moment behind the shards. With the store's error if it has one.
    pub fn closings(
        &self,
        transactions: Vec<TransactionId>,
    ) -> Pending<Result<Vec<(TransactionId, ClosingView)>, String>> {
        post(&self.tokens, |reply| TokenAsk::Closings {
            transactions,
            reply,
        })
    }
}
