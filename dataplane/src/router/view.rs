//! What a question to a shard is answered with: plain values, copied out of its state.

use std::time::Duration;

use fleet::record::{
    Acceptance, CommandState, ConnectorStatus, CourseState, Direction, Protocol, Quality, Security,
    TransactionLimit, TransactionState,
};
use fleet::{Cost, EventId, MilliwattHours, StationKey, TransactionId, UtcMicros};

use super::closing::ClosingView;
use super::money::MoneyView;
use crate::{CommandId, Declared, Password, Plug};

/// One page of a list and where the next begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T, C> {
    /// In ascending order of the cursor.
    pub items: Vec<T>,
    /// Pass it as `after` for the next page; `None` at the end.
    pub next: Option<C>,
}

/// A station as its shard knows it now.
#[derive(Clone, Debug, PartialEq)]
pub struct StationView {
    /// Tenant and identity.
    pub key: StationKey,
    /// Whether it may speak.
    pub acceptance: Acceptance,
    /// An operator named it.
    pub registered: bool,
    /// How its live or last connection proved who it is.
    pub security: Security,
    /// The security profile that it comes in with at least.
    pub security_profile: u8,
    /// The digest of its password, if it has one.
    pub password: Option<Password>,
    /// Site, empty for none.
    pub site: String,
    /// Postal address, empty for none.
    pub address: String,
    /// Degrees, latitude and longitude.
    pub location: Option<(f64, f64)>,
    /// Its connectors as the operator declared them.
    pub declared: Declared,
    /// What its device model says of its connectors, in the order of (EVSE, connector).
    pub plugs: Vec<Plug>,
    /// Of the live or the last connection.
    pub protocol: Option<Protocol>,
    /// True while it holds a connection.
    pub online: bool,
    /// Peer address of the live connection; empty when offline.
    pub peer: String,
    /// When the live (or last) connection began.
    pub connected_at: Option<UtcMicros>,
    /// When it last sent anything.
    pub last_seen_at: Option<UtcMicros>,
    /// When it last booted.
    pub booted_at: Option<UtcMicros>,
    /// As its last BootNotification says; empty before that.
    pub vendor: String,
    /// Model.
    pub model: String,
    /// Serial number.
    pub serial_number: String,
    /// Firmware version.
    pub firmware_version: String,
    /// Name and revision of its quirk profile.
    pub quirk_profile: Option<(String, u32)>,
    /// In the order of (EVSE, connector).
    pub connectors: Vec<ConnectorView>,
    /// Transactions that run.
    pub active_transactions: Vec<TransactionId>,
    /// The newest event that this view reflects.
    pub position: EventId,
}

impl StationView {
    /// One word for the station: what its whole reports, else the best that a connector offers
    /// (Available, Occupied, Reserved, Faulted, Unavailable). `Unavailable` while it has reported nothing.
    pub fn status(&self) -> ConnectorStatus {
        let of = |whole: bool| {
            self.connectors
                .iter()
                .filter(move |c| (c.evse_id == 0) == whole)
                .filter_map(|c| c.status)
        };
        let whole_is_down = of(true).find(|status| {
            matches!(
                status,
                ConnectorStatus::Unavailable | ConnectorStatus::Faulted
            )
        });
        let rank = |status: &ConnectorStatus| match status {
            ConnectorStatus::Available => 0,
            ConnectorStatus::Occupied => 1,
            ConnectorStatus::Reserved => 2,
            ConnectorStatus::Faulted => 3,
            ConnectorStatus::Unavailable => 4,
        };
        whole_is_down
            .or_else(|| of(false).min_by_key(rank))
            .or_else(|| of(true).next())
            .unwrap_or(ConnectorStatus::Unavailable)
    }
}

/// A connector as its station last reported it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectorView {
    /// EVSE; 0 is the station as a whole.
    pub evse_id: u32,
    /// Connector within the EVSE.
    pub connector_id: u32,
    /// Translated to 2.0.1; `None` before the first report.
    pub status: Option<ConnectorStatus>,
    /// As the station wrote it.
    pub status_reported: String,
    /// 1.6 error code; empty in 2.x and for `NoError`.
    pub error_code: String,
    /// When the status began.
    pub status_at: Option<UtcMicros>,
    /// The transaction that runs here.
    pub transaction: Option<TransactionId>,
    /// Last plausible import register.
    pub register: Option<MilliwattHours>,
}

/// A transaction as its shard (or, after 24 hours, the state store) knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct TransactionView {
    /// Ours.
    pub id: TransactionId,
    /// Whose it is.
    pub station: StationKey,
    /// The station's name of it.
    pub ocpp_transaction_id: String,
    /// EVSE; 0 when unknown.
    pub evse_id: u32,
    /// Connector; 0 when unknown.
    pub connector_id: u32,
    /// Where it stands.
    pub state: TransactionState,
    /// How far its energy can be billed.
    pub quality: Quality,
    /// Absent when its beginning is unknown.
    pub started_at: Option<UtcMicros>,
    /// Absent while it runs.
    pub ended_at: Option<UtcMicros>,
    /// First plausible register.
    pub meter_start: Option<MilliwattHours>,
    /// Last plausible register so far.
    pub meter_stop: Option<MilliwattHours>,
    /// Their difference.
    pub energy: Option<MilliwattHours>,
    /// Absent when the energy is not to be billed.
    pub cost: Option<Cost>,
    /// ISO 4217.
    pub currency: [u8; 3],
    /// Reference of the token it was started with.
    pub token_ref: Option<[u8; 16]>,
    /// Why it ended, as the station says; empty while it runs.
    pub stop_reason: String,
    /// How an operator has ended it; of one that is over.
    pub closing: Option<ClosingView>,
    /// Its tariff, what its station worked out, and how it was paid; `None` for nothing of it, and in lists.
    pub money: Option<Box<MoneyView>>,
    /// What it may come to at most; `None` for nothing, and of one that is over.
    pub limits: Option<Box<TransactionLimit>>,
    /// What has not come of it; `None` for nothing, and in lists.
    pub progress: Option<ProgressView>,
    /// The newest event that this view reflects.
    pub position: EventId,
}

/// Which events of a transaction have not come, and what its station said when it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ProgressView {
    /// Numbers (`seqNo`) of events that have not come, ascending; the first 64.
    pub missing: Vec<i64>,
    /// The newest answer to GetTransactionStatus.
    pub told: Option<ToldView>,
}

/// What a station says of a transaction (2.x E14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldView {
    /// When it said so.
    pub told_at: UtcMicros,
    /// True while it goes on there; `None` if the station does not say.
    pub ongoing: Option<bool>,
    /// It has messages of it that it could not send yet.
    pub messages_in_queue: bool,
}

/// A command as a resource (design, section 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandView {
    /// Ours; the message id on the wire.
    pub id: CommandId,
    /// To whom it goes.
    pub station: StationKey,
    /// In the words of the station's version.
    pub action: String,
    /// JSON object, secrets masked.
    pub payload: String,
    /// Where it stands.
    pub state: CommandState,
    /// Time the station has for its answer, from when a call of it is sent; `None` where it has ended.
    pub answer_timeout: Option<Duration>,
    /// The station's own answer as JSON, secrets masked; `None` until there is one.
    pub result: Option<String>,
    /// CALLERROR code and description.
    pub error: Option<(String, String)>,
    /// Who asked.
    pub principal: String,
    /// When it was asked for.
    pub created_at: UtcMicros,
    /// When its state last changed.
    pub updated_at: UtcMicros,
    /// What came after it; `None` for an action that nothing comes after, and while its answer is waited for.
    pub course: Option<CourseView>,
}

/// What a station sent after a command.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CourseView {
    /// The newest messages, oldest first.
    pub follow_ups: Vec<FollowUpView>,
    /// Messages in all, without those that came again.
    pub messages: u32,
    /// Parts that came again.
    pub duplicates: u32,
    /// Parts that are missing before the newest one, by `seqNo`; the first 64.
    pub missing: Vec<u32>,
    /// Where it stands.
    pub state: CourseState,
}

/// One message that came after a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUpView {
    /// OCPP action.
    pub action: String,
    /// When it came.
    pub received_at: UtcMicros,
    /// What of it is no list, as a JSON object, and how long its list is.
    pub summary: String,
}

/// Counts by upper bound, microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Histogram {
    /// One per entry of [`Histogram::BOUNDS_US`], then one for what lies above the last.
    pub counts: [u64; Self::BOUNDS_US.len() + 1],
    /// Sum of all values, microseconds.
    pub sum_us: u64,
}

impl Histogram {
    /// Upper bounds, inclusive: close together where an answer lies on a quick disk, then up to where a station gives
    /// up.
    pub const BOUNDS_US: [u64; 26] = [
        20, 30, 40, 50, 60, 80, 100, 150, 200, 250, 350, 500, 700, 1_000, 2_000, 3_000, 5_000,
        10_000, 20_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    ];

    pub(crate) fn record(&mut self, value_us: u64) {
        let bucket = Self::BOUNDS_US.partition_point(|bound| *bound < value_us);
        self.counts[bucket] += 1;
        self.sum_us = self.sum_us.saturating_add(value_us);
    }
}

/// Bytes of the messages that went compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CompressedBytes {
    /// From stations, as they came.
    pub wire_in: u64,
    /// The same messages as text.
    pub text_in: u64,
    /// To stations, as they left.
    pub wire_out: u64,
    /// The same messages as text.
    pub text_out: u64,
}

/// What ended transactions cost, by currency.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Revenue(Vec<([u8; 3], i64)>);

/// Currencies that are counted; what is due in others is not.
const CURRENCIES_MAX: usize = 16;

impl Revenue {
    /// So many minor units more.
    pub fn add(&mut self, currency: [u8; 3], minor: i64) {
        let known = self.0.iter().position(|(known, _)| *known == currency);
        match known {
            Some(at) => self.0[at].1 += minor,
            None if self.0.len() < CURRENCIES_MAX => self.0.push((currency, minor)),
            None => {}
        }
    }

    /// Currencies by ISO 4217, and minor units.
    pub fn iter(&self) -> impl Iterator<Item = ([u8; 3], i64)> {
        self.0.iter().copied()
    }
}

/// What a shard has counted since it started. All grow.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Counters {
    /// Connections that finished their handshake.
    pub connections_opened: u64,
    /// Handshakes refused, by status.
    pub handshakes_refused: Vec<(u16, u64)>,
    /// TLS connections that came to nothing, by [`net::tls::TlsFailure::kind`].
    pub tls_failures: Vec<(&'static str, u64)>,
    /// Connections closed because a newer one took their place.
    pub connections_replaced: u64,
    /// Connections closed by us for silence, a protocol error or a full send queue.
    pub connections_dropped: u64,
    /// Bytes of compressed messages.
    pub compressed: CompressedBytes,
    /// Frames by action and direction; what no version knows is counted as `other`.
    pub messages: Vec<(&'static str, Direction, u64)>,
    /// Boots answered Rejected, to be said again later, because there was too much to do.
    pub boots_deferred: u64,
    /// CALLERRORs we sent.
    pub calls_refused: u64,
    /// Answers nobody waited for any more, or ever.
    pub answers_unexpected: u64,
    /// Answers of ours that a 2.1 station says it cannot use (CALLRESULTERROR).
    pub answers_refused: u64,
    /// SENDs of 2.1 stations that broke their schema.
    pub sends_unreadable: u64,
    /// Values that event streams of 2.1 stations told.
    pub stream_values: u64,
    /// Messages of event streams that nobody opened.
    pub streams_unknown: u64,
    /// Messages of event streams beyond what a station may send; their frames alone are kept.
    pub streams_limited: u64,
    /// Messages recognised as a retry.
    pub retries: u64,
    /// Retries with another content under the same key.
    pub retry_conflicts: u64,
    /// Reads of the state store.
    pub store_reads: u64,
    /// Those that failed; what hung on one was refused.
    pub store_reads_failed: u64,
    /// Messages that broke their schema in a known way and were taken.
    pub quirks: u64,
    /// Messages kept aside, because they strayed from their schema.
    pub messages_quarantined: u64,
    /// Those that were not kept, because their station had sent too many.
    pub quarantine_passed_by: u64,
    /// Transactions begun and ended.
    pub transactions_started: u64,
    /// Transactions ended.
    pub transactions_ended: u64,
    /// Energy of ended transactions that is to be billed.
    pub energy_mwh: i64,
    /// What it costs.
    pub revenue: Revenue,
    /// Records appended to the log.
    pub records: u64,
    /// From a CALL's receipt to its answer's release, for answers that waited for the disk.
    pub ack_latency: Histogram,
    /// From a CALL's receipt to its answer, on a connection that was there a minute before.
    pub established_latency: Histogram,
    /// From when a command's record was safe to its CALL handed to the socket; of commands that had the line at once.
    pub command_latency: Histogram,
}

/// How a shard's log is, which does not hang on the shard.
#[derive(Clone, Debug, PartialEq)]
pub struct LogView {
    /// The shard that writes it.
    pub shard: usize,
    /// Its name.
    pub id: fleet::LogId,
    /// How it is.
    pub health: storage::log::LogHealth,
    /// How long the commit takes that has not ended.
    pub open_for: Option<std::time::Duration>,
}

/// How a shard does.
#[derive(Clone, Debug)]
pub struct ShardHealth {
    /// Its number.
    pub shard: usize,
    /// Its log.
    pub log_id: fleet::LogId,
    /// How the log does.
    pub log: storage::log::LogHealth,
    /// What the state store said when it failed.
    pub store_failure: Option<String>,
    /// The log has stood still for longer than its limit: sockets are closed, upgrades refused.
    pub stalled: bool,
    /// The newest record that is safe.
    pub durable: fleet::Seq,
    /// The newest record that was made.
    pub appended: fleet::Seq,
    /// Live sockets, in handshake or beyond.
    pub connections: usize,
    /// Those of them that wait, unread, until they are let at their handshake.
    pub connections_waiting: usize,
    /// How much of what it may hold, or of the process's memory, is taken: 0 below 70 %, then 1, 2 from 85 %, 3 from 95 %.
    pub load: u8,
    /// Connections that agreed on compression.
    pub compressed: usize,
    /// Those of them that keep windows.
    pub compression_contexts: usize,
    /// Stations it knows.
    pub stations: usize,
    /// Stations that hold a connection.
    pub stations_online: usize,
    /// Stations that wait for approval.
    pub stations_pending: usize,
    /// Transactions that run.
    pub transactions_active: usize,
    /// Commands between their making and their end.
    pub commands_open: usize,
    /// Bytes held for answers and records that are not durable.
    pub bytes_held: usize,
    /// True while reads are stopped because of them.
    pub reads_paused: bool,
    /// What it counted.
    pub counters: Counters,
}
