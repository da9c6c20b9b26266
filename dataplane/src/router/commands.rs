//! Commands to stations, and the transactions that they begin and end.

use std::time::Duration;

use fleet::record::Limits;
use fleet::{Partition, StationKey, TransactionId};

use super::pending::Pending;
use super::view::{CommandView, Page, TransactionView};
use super::{Ask, Router, RouterError};
use crate::CommandId;
use crate::id::partition_of_transaction;
use crate::token::NamedToken;

/// A command to a station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRequest {
    /// To whom.
    pub station: StationKey,
    /// In the words of the station's version.
    pub action: String,
    /// JSON object.
    pub payload: String,
    /// Who asks.
    pub principal: String,
    /// How long the answer of this question waits for the station's; `None` answers once the command is durable.
    pub wait: Option<Duration>,
    /// Time the station has for its answer, from when a call of the command is sent; `None` takes that of the configuration.
    pub answer_timeout: Option<Duration>,
}

/// Why a command was not made. A command that was made and not sent is a [`CommandView`] in that state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandRefused {
    /// Nobody has heard of the station.
    #[error("no such station")]
    UnknownStation,
    /// No such action from us to a station in its version, or a payload that breaks its schema.
    #[error("{0}")]
    Invalid(String),
    /// The log takes no record: it is full, failed or stalled.
    #[error("the log takes no record")]
    LogDown,
}

/// Asks a station to begin a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartRequest {
    /// Where.
    pub station: StationKey,
    /// EVSE (a 1.6 connector); 0 for that of the reservation, or any.
    pub connector_id: u32,
    /// Begin it on this reservation, which has to be one for this token or its group.
    pub reservation_id: Option<i64>,
    /// The token to charge for; `None` takes our own.
    pub id_token: Option<NamedToken>,
    /// What the transaction may come to at most (2.1).
    pub limits: Limits,
    /// Who asks.
    pub principal: String,
    /// How long to wait for the transaction to begin.
    pub wait: Duration,
}

/// What became of a [`StartRequest`].
#[derive(Clone, Debug, PartialEq)]
pub enum StartOutcome {
    /// The transaction runs.
    Begun(TransactionView),
    /// The wait ended first; the command's state tells how far it came.
    Waiting(CommandView),
    /// The station said no, with a status or a CALLERROR.
    Rejected(CommandView),
    /// The command did not go out: `offline` or `queue_full`.
    NotSent(CommandView),
    /// The command was refused here.
    Refused(CommandRefused),
}

/// Asks a station to end a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopRequest {
    /// Which.
    pub transaction: TransactionId,
    /// Stations of other tenants are not found.
    pub tenant: String,
    /// Who asks.
    pub principal: String,
    /// How long to wait for the transaction to end.
    pub wait: Duration,
}

/// What became of a [`StopRequest`].
#[derive(Clone, Debug, PartialEq)]
pub enum StopOutcome {
    /// The transaction has ended, now or before.
    Ended(TransactionView),
    /// The wait ended first.
    Waiting(CommandView),
    /// The station said no.
    Rejected(CommandView),
    /// The command did not go out.
    NotSent(CommandView),
    /// The command was refused here.
    Refused(CommandRefused),
    /// No such transaction.
    Unknown,
}

impl Router {
    /// Sends a command; answered as [`CommandRequest::wait`] says.
    pub fn command(&self, request: CommandRequest) -> Pending<Result<CommandView, CommandRefused>> {
        self.ask(request.station.partition(), |reply| Ask::Command {
            request,
            reply,
        })
    }

    /// A command by its id; `None` when it is unknown or older than 24 hours.
    pub fn command_by_id(&self, id: CommandId) -> Pending<Option<CommandView>> {
        self.ask(Partition::from(id), |reply| Ask::CommandById { id, reply })
    }

    /// What a station has under way, oldest first: the command that it has not answered and those behind it. `None` for a
    /// station nobody has heard of.
    pub fn open_commands(&self, key: StationKey) -> Pending<Option<Vec<CommandView>>> {
        self.ask(key.partition(), |reply| Ask::OpenCommands { key, reply })
    }

    /// Asks a station to begin a transaction and waits for that.
    pub fn start_transaction(&self, request: StartRequest) -> Pending<StartOutcome> {
        self.ask(request.station.partition(), |reply| Ask::Start {
            request,
            reply,
        })
    }

    /// Asks a station to end a transaction and waits for that.
    pub fn stop_transaction(&self, request: StopRequest) -> Pending<StopOutcome> {
        let partition = partition_of_transaction(request.transaction);
        self.ask(partition, |reply| Ask::Stop { request, reply })
    }

    /// A transaction by our id.
    pub fn transaction(&self, id: TransactionId) -> Pending<Option<TransactionView>> {
        self.ask(partition_of_transaction(id), |reply| Ask::Transaction {
            id,
            reply,
        })
    }

    /// Transactions that run, after an id, oldest first; `limit` is at most 500.
    ///
    /// # Errors
    ///
    /// [`RouterError`] when a shard did not answer.
    pub async fn active_transactions(
        &self,
        tenant: &str,
        after: Option<TransactionId>,
        limit: usize,
    ) -> Result<Page<TransactionView, TransactionId>, RouterError> {
        let ask = |shard, after, limit| {
            let tenant = tenant.to_owned();
            self.ask_shard(shard, |reply| Ask::ActiveTransactions {
                tenant,
                after,
                limit,
                reply,
            })
        };
        self.merged(after, limit, ask, |transaction: &TransactionView| {
            transaction.id
        })
        .await
    }
}
