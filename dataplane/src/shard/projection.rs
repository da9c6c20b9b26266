//! What the state store is to hold, gathered until it can be handed over.
//!
//! Rows reflect records up to the newest one made, so a batch is handed over when that one is durable. A batch takes
//! the stations that have been dirty longest, and claims the position before the first change of those left behind:
//! a restart replays from there and passes by what a row reflects already.

mod unstored;

use std::collections::{HashMap, VecDeque};

use fleet::record::{
    ArchivedMeterValues, BatterySwapsChanged, CostLimits, DerChanged, DriverTransfers,
    EventStreamsChanged, QuarantinedAt, Retry, StartTokens, StationPasswords, TransactionEventKind,
    TransactionLimits, TransactionState, V2xChanged, WebPaymentSecretsChanged,
    WebPaymentSecretsPending,
};
use fleet::wire::{Body, RecordView};
use fleet::{EventId, Seq, StationKey};
use foldhash::fast::RandomState;
use storage::state::Table;

use super::follow::{DELETED, ends, firmware, is_report};
use super::grid::Kept;
use crate::events;
use crate::id::made_at;
use crate::items::{self, ItemKind};
use crate::retry::{Canonical, begin_meter, kept_under, timed};
use crate::variables::read::Recent;
use crate::variables::row::{VariableRow, station_prefix};
use crate::variables::tell;
use unstored::Unstored;

/// Stations and rows of one batch: half a millisecond of encoding, and half a megabyte on its way to the store.
const BATCH_LEN_MAX: usize = 500;
/// Batches on their way to the store before more are made: what is behind waits here, once, and not in its queue too.
const IN_FLIGHT_MAX: usize = 4;
/// Entries that an idle queue keeps room for.
const ROOM_KEPT: usize = 1_024;
/// How long a key outlives its message; that of a transaction also outlives that one, see the keeper.
pub(crate) const RETRY_KEPT_MICROS: i64 = 7 * 86_400 * 1_000_000;
pub(crate) const TRANSACTION_KEPT_MICROS: i64 = 30 * 86_400 * 1_000_000;
/// How long it is known that a message was read again: longer than anybody keeps such messages.
const KEPT_OF_REPLAY_MICROS: i64 = 10 * 365 * 86_400 * 1_000_000;

/// A row to write: its table, key and value.
pub(crate) type Row = (Table, Vec<u8>, Vec<u8>);

/// What the store keeps under a retry key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RetryRow {
    /// Hash of the values.
    pub(crate) content: [u8; 16],
    /// The transaction it belongs to; zero for none.
    pub(crate) transaction: [u8; 16],
    /// The 1.6 id that the station was given; 0 for none.
    pub(crate) ocpp_id: i64,
    /// When the row may go, UTC microseconds.
    pub(crate) expires_at: i64,
}

impl RetryRow {
    const LEN: usize = 48;

    /// Content, transaction, 1.6 id and expiry, little-endian, in this order: 48 bytes.
    pub(crate) fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..16].copy_from_slice(&self.content);
        bytes[16..32].copy_from_slice(&self.transaction);
        bytes[32..40].copy_from_slice(&self.ocpp_id.to_le_bytes());
        bytes[40..].copy_from_slice(&self.expires_at.to_le_bytes());
        bytes
    }

    /// `None` for bytes of another length, which no version wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().ok()?;
        let (content, rest) = bytes.split_first_chunk::<16>()?;
        let (transaction, rest) = rest.split_first_chunk::<16>()?;
        let (ocpp_id, expires_at) = rest.split_first_chunk::<8>()?;
        Some(Self {
            content: *content,
            transaction: *transaction,
            ocpp_id: i64::from_le_bytes(*ocpp_id),
            expires_at: i64::from_le_bytes(expires_at.try_into().ok()?),
        })
    }
}

/// The key under which a station's own name of a transaction is kept.
pub(crate) fn name_key(canonical: &mut Canonical, station: &str, ocpp_id: &str) -> [u8; 16] {
    canonical.begin("transaction", station).text(ocpp_id).hash()
}

/// The key under which the course of a request is kept: what comes after it is named by action and `requestId`.
pub(crate) fn course_key(
    canonical: &mut Canonical,
    station: &str,
    action: &str,
    request_id: Option<i64>,
) -> [u8; 16] {
    let canonical = canonical.begin("course", station).text(action);
    if let Some(request_id) = request_id {
        canonical.int(request_id);
    }
    canonical.hash()
}

/// The key under which the smart charging of a station is kept.
pub(crate) fn charging_key(canonical: &mut Canonical, station: &str) -> [u8; 16] {
    canonical.begin("charging", station).hash()
}

/// The key under which a station's reservations are kept.
pub(crate) fn reservations_key(canonical: &mut Canonical, station: &str) -> [u8; 16] {
    canonical.begin("reservations", station).hash()
}

/// The key under which the certificates of a station are kept.
pub(crate) fn certificates_key(canonical: &mut Canonical, station: &str) -> [u8; 16] {
    canonical.begin("certificates", station).hash()
}

/// The key under which a station's DER controls, event streams, battery swaps or energy transfers are kept; `what` says
/// which of these.
pub(crate) fn grid_key(canonical: &mut Canonical, what: &str, station: &str) -> [u8; 16] {
    canonical.begin(what, station).hash()
}

/// The key under which it is kept that a message was read again.
pub(crate) fn replay_key(canonical: &mut Canonical, station: &str, at: QuarantinedAt) -> [u8; 16] {
    let canonical = canonical.begin("replay", station).int(at.log_id);
    canonical.int(at.seq.cast_signed()).hash()
}

/// The key under which the money of a transaction is kept.
pub(crate) fn money_key(canonical: &mut Canonical, transaction: [u8; 16]) -> [u8; 16] {
    canonical.begin("money", "").bytes(&transaction).hash()
}

/// The key under which it is kept what a transaction has used under its tariff.
pub(crate) fn accrued_key(canonical: &mut Canonical, transaction: [u8; 16]) -> [u8; 16] {
    canonical.begin("accrued", "").bytes(&transaction).hash()
}

/// The key under which the tariffs of a station are kept.
pub(crate) fn tariffs_key(canonical: &mut Canonical, station: &str) -> [u8; 16] {
    canonical.begin("tariffs", station).hash()
}

/// A row of the store that is the newest record of its thing: the event's name, then the record.
pub(crate) fn record_row(event: EventId, record: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(16 + record.len());
    row.extend_from_slice(&event.log_id.0.to_le_bytes());
    row.extend_from_slice(&event.seq.0.to_le_bytes());
    row.extend_from_slice(record);
    row
}

/// Reads such a row.
pub(crate) fn read_record_row(row: &[u8]) -> Option<(EventId, RecordView<'_>)> {
    let (log_id, rest) = row.split_first_chunk::<8>()?;
    let (seq, record) = rest.split_first_chunk::<8>()?;
    let event = EventId {
        log_id: fleet::LogId(i64::from_le_bytes(*log_id)),
        seq: Seq(u64::from_le_bytes(*seq)),
    };
    Some((event, fleet::wire::read(record).ok()?))
}

/// What was made and not handed over.
#[derive(Default)]
pub(crate) struct Projection {
    /// Stations with changes, by the first of them.
    dirty: VecDeque<(Seq, u32)>,
    rows: Unstored<(Table, [u8; 16])>,
    /// Rows of variables.
    variables: Unstored<Vec<u8>>,
    /// Each with the time that goes with its key, if any.
    retries: VecDeque<(Seq, Option<i64>, [u8; 16], RetryRow)>,
    /// Keys that the store may not have yet.
    recent: HashMap<[u8; 16], (Seq, RetryRow), RandomState>,
    /// Handed over, in order, to leave `recent` once the store has them.
    handed: VecDeque<(Seq, [u8; 16])>,
    /// Bytes of the rows of variables, here and handed over.
    variables_len: usize,
    /// Bytes of the rows of smart charging and the grid, likewise: one may be a hundred times as long as any other.
    long_len: usize,
    /// The positions of the batches that the store does not have yet, in order.
    in_flight: VecDeque<Seq>,
    canonical: Canonical,
}

impl Projection {
    /// A station changed that was clean.
    pub(crate) fn dirty(&mut self, seq: Seq, station: u32) {
        self.dirty.push_back((seq, station));
    }

    /// Notes the rows that a record makes beside its station's.
    pub(crate) fn note(&mut self, event: EventId, record: &RecordView<'_>, bytes: &[u8]) {
        let at = record.received_at.0;
        let (variables, len) = (&mut self.variables, &mut self.variables_len);
        let mut put = |(key, row): VariableRow| {
            *len += len_of(&key, &row);
            variables.push(event.seq, key, row);
        };
        tell::rows(event, record, &mut put);
        items::tell::rows(event, record, &mut put);
        events::tell::rows(event, record, &mut put);
        match &record.body {
            Body::TransactionEvent(transaction) => {
                let row = record_row(event, bytes);
                let id = transaction.transaction_id;
                if !transaction.retry.conflict {
                    self.push(event.seq, Table::Transactions, id, row);
                }
                let ocpp_id = &transaction.ocpp_transaction_id;
                let kept = RetryRow {
                    content: transaction.retry.content,
                    transaction: id,
                    ocpp_id: ocpp_id.parse().unwrap_or(0),
                    expires_at: at + TRANSACTION_KEPT_MICROS,
                };
                // Of 1.6 no event has a number, and its key may come before its transaction has an id.
                let is_numbered = 0 <= transaction.seq_no.to_native();
                let begun_at = is_numbered.then(|| made_at(id).0);
                self.keep(event.seq, begun_at, retry(&transaction.retry), kept);
                // Its beginning has told the name, and that is kept for as long as the transaction: what goes on would only
                // write the same at a random place once more.
                let goes_on = transaction.kind == TransactionEventKind::Updated.code()
                    && transaction.summary.state == TransactionState::Active.code();
                if !goes_on {
                    let name = name_key(&mut self.canonical, record.station, ocpp_id);
                    self.put(event.seq, None, name, kept);
                }
            }
            Body::MeterValues(values) => {
                let transaction = values.transaction_id.as_ref().copied();
                let lifetime = match transaction {
                    Some(_) => TRANSACTION_KEPT_MICROS,
                    None => RETRY_KEPT_MICROS,
                };
                let kept = RetryRow {
                    content: values.retry.content,
                    transaction: transaction.unwrap_or_default(),
                    ocpp_id: 0,
                    expires_at: at + lifetime,
                };
                let told_at = self.time_of_values(record.station, values);
                self.keep(event.seq, told_at, retry(&values.retry), kept);
            }
            Body::StatusReported(status) => {
                let kept = RetryRow {
                    content: status.retry.content,
                    transaction: [0; 16],
                    ocpp_id: 0,
                    expires_at: at + RETRY_KEPT_MICROS,
                };
                let occurred = &status.occurred;
                let told_at = occurred.clock_trusted.then(|| occurred.at.to_native());
                self.keep(event.seq, told_at, retry(&status.retry), kept);
            }
            Body::CommandChanged(command) => {
                let row = record_row(event, bytes);
                self.push(event.seq, Table::Commands, command.command_id, row);
            }
            Body::CommandFollowed(course) => {
                let row = record_row(event, bytes);
                let request_id = course.request_id.as_ref().map(|id| id.to_native());
                let canonical = &mut self.canonical;
                let key = course_key(canonical, record.station, &course.action, request_id);
                let newest = course_key(canonical, record.station, firmware::NEWEST, None);
                if let Some(command) = course.command_id.as_ref() {
                    self.push(event.seq, Table::FollowUps, *command, row.clone());
                }
                let begins = course.began_log_id == event.log_id.0
                    && course.began_seq == event.seq.0;
                if course.command_id.is_some() && begins {
                    let begun = [ends::BEGUN, &course.action].concat();
                    let key = course_key(&mut self.canonical, record.station, &begun, request_id);
                    self.push(event.seq, Table::FollowUps, key, row.clone());
                }
                if course.command_id.is_some() && !course.complete && !is_report(&course.action) {
                    let running = [ends::RUNNING, &course.action].concat();
                    let key = course_key(&mut self.canonical, record.station, &running, None);
                    self.push(event.seq, Table::FollowUps, key, row.clone());
                }
                let is_update = firmware::is_firmware(&course.action);
                if is_update && course.command_id.is_some() && 0 < course.messages.to_native() {
                    self.push(event.seq, Table::FollowUps, newest, row.clone());
                }
                self.push(event.seq, Table::FollowUps, key, row);
            }
            Body::ChargingChanged(_) => {
                let row = record_row(event, bytes);
                let key = charging_key(&mut self.canonical, record.station);
                self.long_len += row.len();
                self.push(event.seq, Table::ChargingProfiles, key, row);
            }
            Body::ReservationsChanged(_) => {
                let row = record_row(event, bytes);
                let key = reservations_key(&mut self.canonical, record.station);
                self.push(event.seq, Table::Reservations, key, row);
            }
            Body::TransactionMoney(money) => {
                let row = record_row(event, bytes);
                let key = money_key(&mut self.canonical, money.transaction_id);
                self.push(event.seq, Table::Money, key, row);
            }
            Body::MoneyChanged(changed) => {
                let row = record_row(event, bytes);
                let key = money_key(&mut self.canonical, changed.money.transaction_id);
                self.push(event.seq, Table::Money, key, row);
            }
            Body::TransactionProgress(progress) => {
                let row = record_row(event, bytes);
                self.push(event.seq, Table::Progress, progress.transaction_id, row);
            }
            Body::CostAccrued(accrued) => {
                let row = record_row(event, bytes);
                let key = accrued_key(&mut self.canonical, accrued.transaction_id);
                self.push(event.seq, Table::Money, key, row);
            }
            Body::StationTariffs(_) => {
                let row = record_row(event, bytes);
                let key = tariffs_key(&mut self.canonical, record.station);
                self.push(event.seq, Table::Money, key, row);
            }
            Body::StationCertificates(_) => {
                let key = certificates_key(&mut self.canonical, record.station);
                let row = record_row(event, bytes);
                self.push(event.seq, Table::Certificates, key, row);
            }
            Body::DerChanged(_) => self.put_grid(event, DerChanged::NAME, record.station, bytes),
            Body::EventStreamsChanged(_) => {
                self.put_grid(event, EventStreamsChanged::NAME, record.station, bytes);
            }
            Body::BatterySwapsChanged(_) => {
                self.put_grid(event, BatterySwapsChanged::NAME, record.station, bytes);
            }
            Body::DriverTransfers(_) => {
                self.put_grid(event, DriverTransfers::NAME, record.station, bytes);
            }
            Body::V2xChanged(_) => self.put_grid(event, V2xChanged::NAME, record.station, bytes),
            Body::WebPaymentSecretsChanged(_) => {
                self.put_grid(event, WebPaymentSecretsChanged::NAME, record.station, bytes);
            }
            Body::WebPaymentSecretsPending(_) => {
                self.put_grid(event, WebPaymentSecretsPending::NAME, record.station, bytes);
            }
            // One row for both, so that the newer record makes good for the older one.
            Body::PasswordsInDoubt(_) | Body::StationPasswords(_) => {
                self.put_grid(event, StationPasswords::NAME, record.station, bytes);
            }
            Body::StartTokens(_) => self.put_grid(event, StartTokens::NAME, record.station, bytes),
            Body::CostLimits(_) => self.put_grid(event, CostLimits::NAME, record.station, bytes),
            Body::TransactionLimits(_) => {
                self.put_grid(event, TransactionLimits::NAME, record.station, bytes);
            }
            Body::TransactionClosed(closed) => {
                let row = record_row(event, bytes);
                self.push(event.seq, Table::Closings, closed.transaction_id, row);
            }
            Body::MessageQuarantined(message) => {
                if let Some(at) = message.replay_of.as_ref() {
                    let at = QuarantinedAt {
                        log_id: at.log_id.to_native(),
                        seq: at.seq.to_native(),
                    };
                    let key = replay_key(&mut self.canonical, record.station, at);
                    let kept = RetryRow {
                        content: key,
                        transaction: [0; 16],
                        ocpp_id: 0,
                        expires_at: record.received_at.0 + KEPT_OF_REPLAY_MICROS,
                    };
                    self.put(event.seq, None, key, kept);
                }
            }
            Body::StationDeleted(_) => {
                // The next station of this name goes on with no course of this one; its commands still show theirs.
                let row = record_row(event, bytes);
                let key = course_key(&mut self.canonical, record.station, DELETED, None);
                self.push(event.seq, Table::FollowUps, key, row);
            }
            Body::Connected(_)
            | Body::Notified(_)
            | Body::NotifiedDated(_)
            | Body::SecurityEvent(_)
            | Body::Disconnected(_)
            | Body::ConnectionRefused(_)
            | Body::Booted(_)
            | Body::SecurityProfileSet(_)
            | Body::StationHeard(_)
            | Body::Message(_)
            | Body::StationConfigured(_)
            // Worked out anew from what is kept of it.
            | Body::TransactionBilled(_)
            | Body::TransactionCosted(_) => {}
        }
    }

    fn push(&mut self, seq: Seq, table: Table, key: [u8; 16], row: Vec<u8>) {
        self.rows.push(seq, (table, key), row);
    }

    fn put_grid(&mut self, event: EventId, what: &str, station: &str, bytes: &[u8]) {
        let row = record_row(event, bytes);
        let key = grid_key(&mut self.canonical, what, station);
        self.long_len += row.len();
        self.push(event.seq, Table::Grid, key, row);
    }

    /// The time that goes with the key of values: their own, which is in it, or when their transaction was made.
    fn time_of_values(&mut self, station: &str, values: &ArchivedMeterValues) -> Option<i64> {
        let first = values.rows.first().filter(|row| row.clock_trusted)?;
        let (at, named) = (first.measured_at.to_native(), &values.ocpp_transaction_id);
        let canonical = begin_meter(
            &mut self.canonical,
            station,
            values.evse_id.to_native(),
            named,
        );
        if canonical.int(at).hash() == values.retry.key {
            return Some(at);
        }
        values.transaction_id.as_ref().map(|id| made_at(*id).0)
    }

    fn keep(&mut self, seq: Seq, at: Option<i64>, retry: Retry, row: RetryRow) {
        let key = kept_under(retry);
        if key != [0; 16] {
            self.put(seq, at, key, row);
        }
    }

    fn put(&mut self, seq: Seq, at: Option<i64>, key: [u8; 16], row: RetryRow) {
        self.recent.insert(key, (seq, row));
        self.retries.push_back((seq, at, key, row));
    }

    /// What is kept under `key` and may not be in the store yet.
    pub(crate) fn find(&self, key: [u8; 16]) -> Option<RetryRow> {
        self.recent.get(&key).map(|(_, row)| *row)
    }

    /// The newest row of a transaction or a command that may not be in the store yet.
    pub(crate) fn row(&self, table: Table, id: [u8; 16]) -> Option<&[u8]> {
        self.rows.find(&(table, id))
    }

    /// The newest row of this key in the table of variables that may not be in the store yet.
    pub(crate) fn variable_row(&self, key: &[u8]) -> Option<&[u8]> {
        self.variables.find(key)
    }

    /// Rows of a station's variables, monitors, messages, issues and events that the store may not have yet; the newest of
    /// each.
    pub(crate) fn variables(&self, station: &StationKey) -> Recent {
        let prefixes = [
            station_prefix(station),
            items::row::prefix(ItemKind::Monitor, station),
            items::row::prefix(ItemKind::DisplayMessage, station),
            items::row::prefix(ItemKind::Issue, station),
            events::row::prefix(station),
        ];
        let found = prefixes.iter().flat_map(|prefix| {
            let rows = self.variables.from(prefix.as_slice());
            rows.take_while(move |(key, _)| key.starts_with(prefix))
        });
        found
            .map(|(key, row)| (key.clone(), row.to_vec()))
            .collect()
    }

    /// The store has everything up to `seq`.
    pub(crate) fn stored(&mut self, seq: Seq) {
        while let Some((handed, key)) = self.handed.front().copied() {
            if seq < handed {
                break;
            }
            self.handed.pop_front();
            // A newer row under the same key is not stored yet.
            if self
                .recent
                .get(&key)
                .is_some_and(|(made, _)| *made <= handed)
            {
                self.recent.remove(&key);
            }
        }
        let long_len = &mut self.long_len;
        self.rows.stored(seq, |(table, _), row| {
            if matches!(table, Table::ChargingProfiles | Table::Grid) {
                *long_len -= row.len();
            }
        });
        let variables_len = &mut self.variables_len;
        self.variables
            .stored(seq, |key, row| *variables_len -= len_of(key, row));
        while self.in_flight.pop_front_if(|up_to| *up_to <= seq).is_some() {}
        self.tidy();
    }

    /// Gives memory back after a burst.
    fn tidy(&mut self) {
        give_back(&mut self.dirty);
        self.rows.tidy();
        self.variables.tidy();
        give_back(&mut self.retries);
        give_back(&mut self.handed);
        let len = self.recent.len();
        if (4 * len).max(ROOM_KEPT) < self.recent.capacity() {
            self.recent.shrink_to((2 * len).max(ROOM_KEPT));
        }
    }

    /// Gives back the room that [`Projection::tidy`] keeps.
    pub(crate) fn let_go(&mut self) {
        self.dirty.shrink_to_fit();
        self.rows.let_go();
        self.variables.let_go();
        self.retries.shrink_to_fit();
        self.handed.shrink_to_fit();
        self.recent.shrink_to_fit();
        self.in_flight.shrink_to_fit();
    }

    /// True while the store lacks something that was handed over.
    pub(crate) fn awaits_store(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// True while the store lacks so much that more would only wait in another place.
    pub(crate) fn is_store_busy(&self) -> bool {
        IN_FLIGHT_MAX <= self.in_flight.len()
    }

    /// True when one batch does not hold what is here.
    pub(crate) fn is_behind(&self) -> bool {
        let longest = self.dirty.len().max(self.rows.waiting());
        BATCH_LEN_MAX
            < longest
                .max(self.retries.len())
                .max(self.variables.waiting())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.dirty.is_empty()
            && self.rows.waiting() == 0
            && self.variables.waiting() == 0
            && self.retries.is_empty()
    }

    /// Bytes held, roughly.
    pub(crate) fn len(&self) -> usize {
        self.rows.len() * 512
            + self.variables_len
            + self.long_len
            + self.retries.len() * 96
            + self.handed.len() * 24
            + self.recent.len() * 96
    }

    /// The next batch and the position it reflects. `row` encodes a station, which is clean from then on; `last` is the
    /// newest record made.
    pub(crate) fn batch(
        &mut self,
        last: Seq,
        mut row: impl FnMut(u32) -> (Vec<u8>, Vec<u8>),
    ) -> (Vec<Row>, Seq) {
        let mut batch = Vec::new();
        let len = |queue: usize| queue.min(BATCH_LEN_MAX);
        for (_, station) in self.dirty.drain(..len(self.dirty.len())) {
            let (key, value) = row(station);
            batch.push((Table::Stations, key, value));
        }
        for ((table, key), value) in self.rows.hand_over(BATCH_LEN_MAX) {
            batch.push((*table, key.to_vec(), value.to_vec()));
        }
        for (key, value) in self.variables.hand_over(BATCH_LEN_MAX) {
            batch.push((Table::Variables, key.clone(), value.to_vec()));
        }
        for (seq, at, key, value) in self.retries.drain(..len(self.retries.len())) {
            let (table, row_key) = match at {
                Some(at) => (Table::Retries, timed(at, key).to_vec()),
                None => (Table::RetryKeys, key.to_vec()),
            };
            batch.push((table, row_key, value.to_bytes().to_vec()));
            self.handed.push_back((seq, key));
        }
        let left = [
            self.dirty.front().map(|(seq, _)| *seq),
            self.rows.first_waiting(),
            self.variables.first_waiting(),
            self.retries.front().map(|(seq, ..)| *seq),
        ];
        let position = left
            .into_iter()
            .flatten()
            .min()
            .map_or(last, |seq| Seq(seq.0 - 1));
        self.in_flight.push_back(position);
        (batch, position)
    }
}

/// Bytes that a row of a variable takes here: its key stands in the queue, and where it is looked for.
fn len_of(key: &[u8], row: &[u8]) -> usize {
    size_of::<(Seq, VariableRow)>() + 2 * (size_of::<Vec<u8>>() + key.len()) + row.len()
}

/// Gives back the room of a queue that was longer.
fn give_back<T>(queue: &mut VecDeque<T>) {
    if (4 * queue.len()).max(ROOM_KEPT) < queue.capacity() {
        queue.shrink_to((2 * queue.len()).max(ROOM_KEPT));
    }
}

fn retry(archived: &fleet::record::ArchivedRetry) -> Retry {
    Retry {
        key: archived.key,
        content: archived.content,
        conflict: archived.conflict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_row_reads_back() {
        let row = RetryRow {
            content: [1; 16],
            transaction: [2; 16],
            ocpp_id: -3,
            expires_at: 4,
        };
        assert_eq!(RetryRow::from_bytes(&row.to_bytes()), Some(row));
        assert_eq!(RetryRow::from_bytes(&[0; 47]), None);
    }

    #[test]
    fn a_row_is_found_until_the_store_has_it() {
        let mut projection = Projection::default();
        let mut make = |seq: u64, row: &[u8]| {
            projection.push(Seq(seq), Table::Commands, [7; 16], row.to_vec());
        };
        make(1, b"sent");
        make(2, b"unknown");
        let found = |projection: &Projection| {
            let row = projection.row(Table::Commands, [7; 16]);
            row.map(|row| String::from_utf8_lossy(row).into_owned())
        };
        let (batch, position) = projection.batch(Seq(2), |_| unreachable!("no station changed"));
        assert_eq!((batch.len(), position), (2, Seq(2)));
        assert!(projection.is_empty());
        assert_eq!(found(&projection).as_deref(), Some("unknown"));
        projection.stored(Seq(1));
        assert_eq!(found(&projection).as_deref(), Some("unknown"));
        projection.stored(Seq(2));
        assert_eq!(found(&projection), None);
    }

    #[test]
    fn a_burst_leaves_no_room_behind() {
        let mut projection = Projection::default();
        let row = RetryRow::from_bytes(&[0; 48]).unwrap();
        let count = 50_000_u32;
        for n in 0..count {
            let seq = Seq(u64::from(n) + 1);
            projection.dirty(seq, n);
            let mut key = [0; 16];
            key[..4].copy_from_slice(&n.to_le_bytes());
            projection.put(seq, None, key, row);
            projection.push(seq, Table::Commands, key, Vec::new());
        }
        assert!(projection.is_behind());
        while !projection.is_empty() {
            let (_, position) = projection.batch(Seq(u64::from(count)), |_| Default::default());
            assert!(projection.awaits_store());
            projection.stored(position);
        }
        assert!(!projection.awaits_store() && !projection.is_behind());
        let room = projection.dirty.capacity()
            + projection.rows.capacity()
            + projection.retries.capacity()
            + projection.recent.capacity()
            + projection.handed.capacity();
        assert!(room <= 5 * 2 * ROOM_KEPT, "room for {room} entries");
    }

    #[test]
    fn a_batch_claims_no_more_than_it_holds() {
        let mut projection = Projection::default();
        let stations = BATCH_LEN_MAX as u32 + 5;
        (0..stations).for_each(|n| projection.dirty(Seq(u64::from(n) + 1), n));
        let mut written = Vec::new();
        let row = |n: u32| (n.to_le_bytes().to_vec(), Vec::new());
        let (batch, position) = projection.batch(Seq(9_000), |n| {
            written.push(n);
            row(n)
        });
        assert_eq!(
            (batch.len(), position),
            (BATCH_LEN_MAX, Seq(BATCH_LEN_MAX as u64))
        );
        let (batch, position) = projection.batch(Seq(9_000), row);
        assert_eq!((batch.len(), position), (5, Seq(9_000)));
        assert!(projection.is_empty());
    }
}
