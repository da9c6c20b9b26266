//! The way to a station from everywhere else: a handle that any thread may hold.
//!
//! Questions and wishes go to the shard that owns the station, through its bounded mailbox; a full one answers
//! [`RouterError::Busy`] at once. Answers come as [`Pending`], a future that needs no particular runtime.

pub(crate) mod charging;
pub(crate) mod closing;
pub(crate) mod grid;
mod items;
pub(crate) mod money;
pub(crate) mod pending;
pub(crate) mod quarantine;
pub(crate) mod reservations;
mod variables;
pub(crate) mod view;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fleet::record::{
    Acceptance, BatterySwap, ConnectorStatus, StationCertificates, StationTariffs,
};
use fleet::{Partition, StationKey, TransactionId};
use net::driver::Detached;
use storage::log::LogHandle;

use crate::CommandId;
use crate::certificates::Outcome;
use crate::id::partition_of_transaction;
use crate::items::{ItemKind, ItemView};
use crate::local_list::LocalList;
use crate::mailbox::{Mailbox, Undelivered};
use crate::password::Password;
use crate::quirks::{QuirkBook, QuirkError, Shelf};
use crate::tariff::{StoredTariff, TariffWritten};
use crate::token::{NamedToken, Token, TokenFilter, TokenMode, TokenWritten};
use crate::variables::read::Recent;
use crate::variables::{VariableFilter, VariableView};
use pending::{Pending, Reply, pending};
use quarantine::{QuarantineReplay, ReplayOutcome, ReplayRefused};
use reservations::{ReservationView, ReserveRequest};
use view::{CommandView, LogView, Page, ShardHealth, StationView, TransactionView};

/// Longest page of a list.
const PAGE_LEN_MAX: usize = 500;
/// Stations per letter when many are registered at once.
const REGISTER_CHUNK_LEN: usize = 256;

/// Why a question got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouterError {
    /// The shard is behind; ask again later.
    #[error("the station's shard has too many questions waiting")]
    Busy,
    /// The server is shutting down.
    #[error("the station's shard has ended")]
    Stopped,
    /// [`Pending::wait`] gave up.
    #[error("the station's shard has not answered in time")]
    TimedOut,
    /// What it hangs on has left memory, and the store does not tell.
    #[error("the state store cannot be read")]
    StoreUnreadable,
}

/// What an operator changes of a station; `None` leaves a member as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StationPatch {
    /// A new password; `Some(None)` removes it.
    pub password: Option<Option<Password>>,
    /// Site; an empty text removes it.
    pub site: Option<String>,
    /// Postal address; an empty text removes it.
    pub address: Option<String>,
    /// Degrees, latitude and longitude; `Some(None)` removes them.
    pub location: Option<Option<(f64, f64)>>,
    /// Connectors declared; 0 = not declared.
    pub connectors: Option<u32>,
    /// Whether it may speak. A station that an operator names is accepted unless this says otherwise.
    pub acceptance: Option<Acceptance>,
}

/// What must be true of the station before it is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterMode {
    /// It is not registered yet. One that has only been seen counts as new.
    Create,
    /// It is known.
    Update,
    /// Either.
    Upsert,
}

/// One station to register.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    /// Tenant and identity.
    pub key: StationKey,
    /// What is said of it.
    pub patch: StationPatch,
}

/// Some stations of a [`Router::register_all`].
#[derive(Debug)]
pub struct RegisterPart {
    /// Their places in what was asked.
    pub places: Vec<usize>,
    /// What became of each, in the order of `places`, once that is durable. Without an answer they may be registered,
    /// unless it is [`RouterError::Busy`].
    pub answer: Pending<Vec<Result<(), RegisterError>>>,
}

/// Why a station was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// [`RegisterMode::Create`] of a station that an operator already named.
    #[error("the station is registered already")]
    Exists,
    /// [`RegisterMode::Update`] of an unknown station.
    #[error("no such station")]
    Unknown,
    /// The log takes no record: it is full, failed or stalled.
    #[error("the log takes no record")]
    LogDown,
}

/// Which stations a list shows; `None` shows all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StationFilter {
    /// Stations of this tenant only.
    pub tenant: String,
    /// [`StationView::status`].
    pub status: Option<ConnectorStatus>,
    /// Exact vendor.
    pub vendor: Option<String>,
    /// Whether it holds a connection.
    pub online: Option<bool>,
    /// Whether it may speak.
    pub acceptance: Option<Acceptance>,
    /// Exact site.
    pub site: Option<String>,
}

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

/// What a shard is asked.
#[derive(Debug)]
pub(crate) enum Ask {
    Register {
        entries: Vec<Registration>,
        mode: RegisterMode,
        principal: String,
        reply: Reply<Vec<Result<(), RegisterError>>>,
    },
    Delete {
        key: StationKey,
        principal: String,
        reply: Reply<Result<(), RegisterError>>,
    },
    Note {
        key: StationKey,
        action: String,
        payload: String,
        reply: Reply<Result<(), RegisterError>>,
    },
    Station {
        key: StationKey,
        reply: Reply<Option<StationView>>,
    },
    Stations {
        filter: StationFilter,
        after: Option<StationKey>,
        limit: usize,
        reply: Reply<Page<StationView, StationKey>>,
    },
    Command {
        request: CommandRequest,
        reply: Reply<Result<CommandView, CommandRefused>>,
    },
    CommandById {
        id: CommandId,
        reply: Reply<Option<CommandView>>,
    },
    /// What is known of a station's smart charging; `None` for a station nobody has heard of.
    Charging {
        key: StationKey,
        reply: Reply<Option<charging::ChargingView>>,
    },
    /// `None` for a station nobody has heard of.
    Der {
        key: StationKey,
        reply: Reply<Option<grid::DerView>>,
    },
    /// `None` for a station nobody has heard of.
    EventStreams {
        key: StationKey,
        reply: Reply<Option<Vec<grid::EventStreamView>>>,
    },
    /// `None` for a station nobody has heard of.
    BatterySwaps {
        key: StationKey,
        reply: Reply<Option<Vec<BatterySwap>>>,
    },
    /// Rows of a station's variables that the store may not have yet; `None` for a station nobody has heard of.
    RecentVariables {
        key: StationKey,
        reply: Reply<Option<Recent>>,
    },
    Reserve {
        request: ReserveRequest,
        reply: Reply<Result<CommandView, CommandRefused>>,
    },
    /// `None` for a station nobody has heard of.
    Reservations {
        key: StationKey,
        reply: Reply<Option<Vec<ReservationView>>>,
    },
    Replay {
        request: QuarantineReplay,
        reply: Reply<Result<ReplayOutcome, ReplayRefused>>,
    },
    /// `None` for a station nobody has heard of.
    Certificates {
        key: StationKey,
        reply: Reply<Option<StationCertificates>>,
    },
    /// `None` for a station nobody has heard of.
    Tariffs {
        key: StationKey,
        reply: Reply<Option<StationTariffs>>,
    },
    Transaction {
        id: TransactionId,
        reply: Reply<Option<TransactionView>>,
    },
    ActiveTransactions {
        tenant: String,
        after: Option<TransactionId>,
        limit: usize,
        reply: Reply<Page<TransactionView, TransactionId>>,
    },
    Start {
        request: StartRequest,
        reply: Reply<StartOutcome>,
    },
    Stop {
        request: StopRequest,
        reply: Reply<StopOutcome>,
    },
    Close {
        request: closing::CloseRequest,
        reply: Reply<closing::CloseOutcome>,
    },
}

/// What comes through a shard's mailbox.
pub(crate) enum Letter {
    Ask(Ask),
    /// What came of an errand of this shard, by its name there.
    ErrandDone(u64, Outcome),
    Health(Reply<ShardHealth>),
    /// A socket whose station lives in this shard; its upgrade lies in the carry.
    Adopt {
        detached: Detached,
        peer: SocketAddr,
    },
}

/// What the keeper of tokens is asked.
#[derive(Debug)]
pub(crate) enum TokenAsk {
    Put {
        tenant: String,
        token: Token,
        mode: TokenMode,
        reply: Reply<Result<TokenWritten, String>>,
    },
    Find {
        tenant: String,
        id: String,
        reply: Reply<Result<Option<Token>, String>>,
    },
    List {
        tenant: String,
        filter: TokenFilter,
        after: Option<String>,
        limit: usize,
        reply: Reply<Result<Page<Token, String>, String>>,
    },
    Remove {
        tenant: String,
        id: String,
        reply: Reply<Result<bool, String>>,
    },
    FindList {
        station: StationKey,
        reply: Reply<Result<LocalList, String>>,
    },
    PutList {
        station: StationKey,
        list: LocalList,
        reply: Reply<Result<(), String>>,
    },
    PutTariff {
        tenant: String,
        tariff: StoredTariff,
        reply: Reply<Result<TariffWritten, String>>,
    },
    FindTariff {
        tenant: String,
        id: String,
        reply: Reply<Result<Option<StoredTariff>, String>>,
    },
    ListTariffs {
        tenant: String,
        after: Option<String>,
        limit: usize,
        reply: Reply<Result<Page<StoredTariff, String>, String>>,
    },
    RemoveTariff {
        tenant: String,
        id: String,
        reply: Reply<Result<bool, String>>,
    },
    /// A page of a station's variables.
    Variables {
        station: StationKey,
        recent: Recent,
        filter: VariableFilter,
        after: Option<String>,
        limit: usize,
        reply: Reply<Result<Page<VariableView, String>, String>>,
    },
    /// A page of a station's monitors or display messages.
    Items {
        kind: ItemKind,
        station: StationKey,
        recent: Recent,
        after: Option<i64>,
        limit: usize,
        reply: Reply<Result<Page<ItemView, i64>, String>>,
    },
    Stop,
}

/// Reaches every station of this server. Cheap to clone.
#[derive(Clone)]
pub struct Router {
    shards: Arc<[Mailbox<Letter>]>,
    tokens: Mailbox<TokenAsk>,
    logs: Arc<[LogHandle]>,
    quirks: Arc<Shelf>,
}

impl Router {
    /// `logs` are those of `shards`.
    pub(crate) fn new(
        shards: Vec<Mailbox<Letter>>,
        tokens: Mailbox<TokenAsk>,
        logs: &[LogHandle],
        quirks: Arc<Shelf>,
    ) -> Self {
        Self {
            shards: shards.into(),
            tokens,
            logs: logs.into(),
            quirks,
        }
    }

    /// The quirk profiles in force.
    pub fn quirks(&self) -> Arc<QuirkBook> {
        self.quirks.book()
    }

    /// Reads the quirk profiles again, and answers with those in force from now on. Reads files: not for a thread that
    /// must not wait.
    ///
    /// # Errors
    ///
    /// Any [`QuirkError`]; the profiles stay as they were.
    pub fn reload_quirks(&self) -> Result<Arc<QuirkBook>, QuirkError> {
        self.quirks.reload()
    }

    fn ask<T>(&self, partition: Partition, ask: impl FnOnce(Reply<T>) -> Ask) -> Pending<T> {
        self.ask_shard(partition.shard(self.shards.len()), ask)
    }

    fn ask_shard<T>(&self, shard: usize, ask: impl FnOnce(Reply<T>) -> Ask) -> Pending<T> {
        post(&self.shards[shard], |reply| Letter::Ask(ask(reply)))
    }

    /// Registers or changes one station; answered once that is durable.
    pub async fn register(
        &self,
        registration: Registration,
        mode: RegisterMode,
        principal: &str,
    ) -> Result<Result<(), RegisterError>, RouterError> {
        let principal = principal.to_owned();
        let asked = self.ask(registration.key.partition(), |reply| Ask::Register {
            entries: vec![registration],
            mode,
            principal,
            reply,
        });
        Ok(asked.await?.pop().unwrap_or(Err(RegisterError::Unknown)))
    }

    /// Registers many stations, in parts that are answered by themselves: what one shard does not answer is not lost
    /// from what the others did.
    pub fn register_all(
        &self,
        registrations: Vec<Registration>,
        mode: RegisterMode,
        principal: &str,
    ) -> Vec<RegisterPart> {
        let mut by_shard: Vec<Vec<(usize, Registration)>> = vec![Vec::new(); self.shards.len()];
        for (at, registration) in registrations.into_iter().enumerate() {
            let shard = registration.key.partition().shard(self.shards.len());
            by_shard[shard].push((at, registration));
        }
        let mut parts = Vec::new();
        for (shard, entries) in by_shard.into_iter().enumerate() {
            let mut entries = entries.into_iter().peekable();
            while entries.peek().is_some() {
                let (places, entries): (Vec<_>, Vec<_>) =
                    entries.by_ref().take(REGISTER_CHUNK_LEN).unzip();
                let principal = principal.to_owned();
                let answer = self.ask_shard(shard, |reply| Ask::Register {
                    entries,
                    mode,
                    principal,
                    reply,
                });
                parts.push(RegisterPart { places, answer });
            }
        }
        parts
    }

    /// Lets a station speak that waits for approval; answered once that is durable.
    pub async fn approve(
        &self,
        key: StationKey,
        principal: &str,
    ) -> Result<Result<(), RegisterError>, RouterError> {
        let patch = StationPatch {
            acceptance: Some(Acceptance::Accepted),
            ..StationPatch::default()
        };
        self.register(Registration { key, patch }, RegisterMode::Update, principal)
            .await
    }

    /// Forgets a station and closes its connection; its history stays. Answered once that is durable.
    pub fn delete(&self, key: StationKey, principal: &str) -> Pending<Result<(), RegisterError>> {
        let principal = principal.to_owned();
        self.ask(key.partition(), |reply| Ask::Delete {
            key,
            principal,
            reply,
        })
    }

    /// Puts on a station's record what somebody says of it and what changes no state: `action` is a name of ours
    /// (`Sigec.*`), `payload` a JSON object. Answered once that is durable.
    pub fn note(
        &self,
        key: StationKey,
        action: &str,
        payload: String,
    ) -> Pending<Result<(), RegisterError>> {
        let action = action.to_owned();
        self.ask(key.partition(), |reply| Ask::Note {
            key,
            action,
            payload,
            reply,
        })
    }

    /// One station; `None` when nobody has heard of it.
    pub fn station(&self, key: StationKey) -> Pending<Option<StationView>> {
        self.ask(key.partition(), |reply| Ask::Station { key, reply })
    }

    /// Stations after a key, in the order of their keys; `limit` is at most 500.
    ///
    /// # Errors
    ///
    /// [`RouterError`] when a shard did not answer.
    pub async fn stations(
        &self,
        filter: &StationFilter,
        after: Option<StationKey>,
        limit: usize,
    ) -> Result<Page<StationView, StationKey>, RouterError> {
        let ask = |shard, after, limit| {
            let filter = filter.clone();
            self.ask_shard(shard, |reply| Ask::Stations {
                filter,
                after,
                limit,
                reply,
            })
        };
        self.merged(after, limit, ask, |station: &StationView| {
            station.key.clone()
        })
        .await
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

    /// Merges the shards' ordered lists. A shard may scan only so far in one turn and return fewer items with a
    /// `next`; only what lies before the nearest such `next` is known to be whole.
    async fn merged<T, C: Ord + Clone>(
        &self,
        after: Option<C>,
        limit: usize,
        ask: impl Fn(usize, Option<C>, usize) -> Pending<Page<T, C>>,
        cursor: impl Fn(&T) -> C,
    ) -> Result<Page<T, C>, RouterError> {
        let limit = limit.clamp(1, PAGE_LEN_MAX);
        let mut after = after;
        let mut page = Page {
            items: Vec::new(),
            next: None,
        };
        loop {
            let wanted = limit - page.items.len();
            let asked: Vec<_> = (0..self.shards.len())
                .map(|shard| ask(shard, after.clone(), wanted))
                .collect();
            let mut found = Vec::new();
            let mut whole_until: Option<C> = None;
            for pending in asked {
                let part = pending.await?;
                found.extend(part.items.into_iter().map(|item| (cursor(&item), item)));
                if let Some(next) = part.next {
                    whole_until = Some(whole_until.map_or(next.clone(), |until| until.min(next)));
                }
            }
            found.sort_by(|a, b| a.0.cmp(&b.0));
            let whole = whole_until.as_ref().map_or(found.len(), |until| {
                found.partition_point(|(at, _)| at <= until)
            });
            let more = whole_until.is_some() || wanted < whole;
            found.truncate(whole.min(wanted));
            let last = found.last().map(|(at, _)| at.clone());
            page.items.extend(found.into_iter().map(|(_, item)| item));
            if !more {
                return Ok(page);
            }
            if page.items.len() == limit {
                page.next = last;
                return Ok(page);
            }
            after = whole_until;
        }
    }

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

    /// The certificates of a station, as far as its own answers tell, and those that it asked for; `None` for a station
    /// nobody has heard of.
    pub fn certificates(&self, key: StationKey) -> Pending<Option<StationCertificates>> {
        self.ask(key.partition(), |reply| Ask::Certificates { key, reply })
    }

    /// A transaction by our id.
    pub fn transaction(&self, id: TransactionId) -> Pending<Option<TransactionView>> {
        self.ask(partition_of_transaction(id), |reply| Ask::Transaction {
            id,
            reply,
        })
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

    /// Writes a token; answered once it is on disk, with the store's error if it has one.
    pub fn put_token(
        &self,
        tenant: &str,
        token: Token,
        mode: TokenMode,
    ) -> Pending<Result<TokenWritten, String>> {
        let tenant = tenant.to_owned();
        post(&self.tokens, |reply| TokenAsk::Put {
            tenant,
            token,
            mode,
            reply,
        })
    }

    /// Tokens after an id, in the order of their folded ids; `limit` is at most [`PAGE_LEN_MAX`]. A page may have fewer
    /// and yet a next one: a filter that shows few looks at only so many at a time. With the store's error if it has one.
    pub fn tokens(
        &self,
        tenant: &str,
        filter: TokenFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Pending<Result<Page<Token, String>, String>> {
        let (tenant, after) = (tenant.to_owned(), after.map(str::to_owned));
        let limit = limit.clamp(1, PAGE_LEN_MAX);
        post(&self.tokens, |reply| TokenAsk::List {
            tenant,
            filter,
            after,
            limit,
            reply,
        })
    }

    /// Forgets a token; answers whether there was one, once that is on disk, or with the store's error.
    pub fn delete_token(&self, tenant: &str, id: &str) -> Pending<Result<bool, String>> {
        let (tenant, id) = (tenant.to_owned(), id.to_owned());
        post(&self.tokens, |reply| TokenAsk::Remove { tenant, id, reply })
    }

    /// Finds a token; with the store's error if it has one.
    pub fn token(&self, tenant: &str, id: &str) -> Pending<Result<Option<Token>, String>> {
        let (tenant, id) = (tenant.to_owned(), id.to_owned());
        post(&self.tokens, |reply| TokenAsk::Find { tenant, id, reply })
    }

    /// The list that a station has accepted, an empty one if none; with the store's error if it has one.
    pub fn local_list(&self, station: StationKey) -> Pending<Result<LocalList, String>> {
        post(&self.tokens, |reply| TokenAsk::FindList { station, reply })
    }

    /// Notes what a station has accepted; answered once it is on disk, with the store's error if it has one.
    pub fn put_local_list(
        &self,
        station: StationKey,
        list: LocalList,
    ) -> Pending<Result<(), String>> {
        post(&self.tokens, |reply| TokenAsk::PutList {
            station,
            list,
            reply,
        })
    }

    /// How every shard does, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// [`RouterError`] when one did not answer.
    pub async fn health(&self) -> Result<Vec<ShardHealth>, RouterError> {
        let mut health = Vec::with_capacity(self.shards.len());
        for pending in self.health_of_each() {
            health.push(pending.await?);
        }
        Ok(health)
    }

    /// The same of each by itself: one that hangs keeps nothing of the others back.
    pub fn health_of_each(&self) -> Vec<Pending<ShardHealth>> {
        let shards = self.shards.iter();
        shards.map(|shard| post(shard, Letter::Health)).collect()
    }

    /// How every shard's log is, in the order of the shards. Nobody is asked: a disk that hangs in the middle of a
    /// shard's own commit shows here.
    pub fn logs(&self) -> Vec<LogView> {
        let now_ns = net::clock::monotonic_ns();
        let open_for = |log: &LogHandle| {
            let since_ns = log.pending_since_ns()?;
            Some(Duration::from_nanos(now_ns.saturating_sub(since_ns)))
        };
        let logs = self.logs.iter().enumerate();
        logs.map(|(shard, log)| LogView {
            shard,
            id: log.id(),
            health: log.health(now_ns),
            open_for: open_for(log),
        })
        .collect()
    }
}

/// Posts a question; one that was not taken is answered with the reason.
fn post<A, T>(mailbox: &Mailbox<A>, ask: impl FnOnce(Reply<T>) -> A) -> Pending<T> {
    let (reply, pending) = pending();
    // A letter that comes back is dropped, and its reply says that nobody is there; a full box says so first.
    if let Err(Undelivered::Busy(letter)) = mailbox.post(ask(reply)) {
        pending.refuse(RouterError::Busy);
        drop(letter);
    }
    pending
}
