//! What operators let transactions come to at most (OCPP 2.1 E16).

use fleet::TransactionId;
use fleet::record::Limits;

use super::pending::Pending;
use super::view::TransactionView;
use super::{Ask, CommandRefused, Router};
use crate::id::partition_of_transaction;

/// Limits a transaction that runs. Its station hears of it with the answer to the next event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitRequest {
    /// Which.
    pub transaction: TransactionId,
    /// Stations of other tenants are not found.
    pub tenant: String,
    /// Who asks.
    pub principal: String,
    /// What is absent stays as it is.
    pub limits: Limits,
}

/// What became of a [`LimitRequest`].
#[derive(Clone, Debug, PartialEq)]
pub enum LimitOutcome {
    /// It is set.
    Set(TransactionView),
    /// It runs no longer, and nothing was changed.
    Over(TransactionView),
    /// The station does not keep to it, or nothing was recorded.
    Refused(CommandRefused),
    /// No such transaction.
    Unknown,
}

impl Router {
    /// Limits a transaction that runs.
    pub fn limit_transaction(&self, request: LimitRequest) -> Pending<LimitOutcome> {
        let partition = partition_of_transaction(request.transaction);
        self.ask(partition, |reply| Ask::Limit { request, reply })
    }
}
