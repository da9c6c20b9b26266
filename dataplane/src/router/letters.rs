//! What goes through the mailboxes: of the shards, and of the keeper of tokens and tariffs.

use std::net::SocketAddr;
use std::sync::Arc;

use fleet::record::{BatterySwap, StationCertificates, StationTariffs};
use fleet::{StationKey, TransactionId};
use net::driver::Detached;
use net::tls::CertificateFault;

use super::limits::{LimitOutcome, LimitRequest};
use super::pending::Reply;
use super::quarantine::{QuarantineReplay, ReplayOutcome, ReplayRefused};
use super::reservations::{ReservationView, ReserveRequest};
use super::view::{CommandView, Page, ShardHealth, StationView, TransactionView};
use super::{
    CommandRefused, CommandRequest, RegisterError, RegisterMode, Registration, StartOutcome,
    StartRequest, StationFilter, StopOutcome, StopRequest, charging, closing, grid,
};
use crate::CommandId;
use crate::certificates::Outcome;
use crate::config::Config;
use crate::events::{EventFilter, EventKey, EventView};
use crate::items::{ItemKind, ItemView};
use crate::local_list::LocalList;
use crate::mailbox::{Lane, Laned};
use crate::tariff::{StoredTariff, TariffWritten};
use crate::token::{Token, TokenFilter, TokenMode, TokenWritten};
use crate::variables::read::Recent;
use crate::variables::{VariableFilter, VariableView};
use crate::web_payment::{WebPayment, WebPaymentRefused};

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
    /// `None` for a station nobody has heard of.
    OpenCommands {
        key: StationKey,
        reply: Reply<Option<Vec<CommandView>>>,
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
    /// `None` for a station nobody has heard of.
    WebPayment {
        key: StationKey,
        url: String,
        reply: Reply<Option<Result<WebPayment, WebPaymentRefused>>>,
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
    Limit {
        request: LimitRequest,
        reply: Reply<LimitOutcome>,
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
    /// Settings to run with from here on.
    Configured(Arc<Config>, Reply<()>),
    /// A socket whose station lives in this shard; its upgrade lies in the carry.
    Adopt {
        detached: Detached,
        peer: SocketAddr,
    },
    /// Somebody showed a certificate that says it is of this station, and that is refused.
    CertificateRefused {
        station: StationKey,
        peer: SocketAddr,
        fault: CertificateFault,
    },
}

impl Laned for Letter {
    fn lane(&self) -> Lane {
        match self {
            Self::Ask(
                Ask::Command { .. }
                | Ask::Reserve { .. }
                | Ask::Start { .. }
                | Ask::Stop { .. }
                | Ask::Limit { .. },
            )
            | Self::ErrandDone(..)
            | Self::Health(_)
            | Self::Configured(..) => Lane::Urgent,
            Self::Ask(_) | Self::Adopt { .. } | Self::CertificateRefused { .. } => Lane::Bulk,
        }
    }
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
    /// How operators have ended transactions, of those that they have.
    Closings {
        transactions: Vec<TransactionId>,
        reply: Reply<Result<Vec<(TransactionId, closing::ClosingView)>, String>>,
    },
    /// A page of a station's events.
    Events {
        station: StationKey,
        recent: Recent,
        filter: EventFilter,
        after: Option<EventKey>,
        limit: usize,
        reply: Reply<Result<Page<EventView, EventKey>, String>>,
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
