//! What a shard knows of one station, as a fold over its records.
//!
//! [`StationState::apply`] is the only way in, for a record that was just made and for one that is replayed at a
//! restart. A row of the state store carries the event it reflects, so that a replay which begins before it passes
//! the older records by.

mod compact;
mod details;
mod doubt;
mod row;
#[cfg(test)]
mod tests;
mod transactions;

use std::borrow::Cow;

use fleet::record::{
    Acceptance, ArchivedRetry, CLOSED, CommandState, ConnectorStatus, Direction, MeterColumn,
    Protocol, Quality, ReadingContext, Retry, Security, TransactionEventKind, TransactionState,
    TransactionSummary,
};
use fleet::wire::{Body, RecordView};
use fleet::{Cost, EventId, LogId, MilliwattHours, Seq, StationKey, TransactionId, UtcMicros};
use ocpp::Word;
use ocpp::v201::{ChargingState, TriggerReason};

use crate::away::{self, Away};
use crate::config::Plausibility;
use crate::energy::{Register, Registers};
use crate::password::Password;
use crate::plug::{self, Declared, Plug};
use crate::retry::{Canonical, short};
use crate::said::{said_key, security_key};
use compact::{Maybe, Texts, Words};
pub(crate) use details::Details;
use details::Rest;
pub(crate) use doubt::ClockDoubt;
use doubt::Told;

/// Transactions of one station in memory; beyond it the oldest leave, those that ended first.
const TRANSACTIONS_MAX: usize = 128;
/// Connectors of one station: more are history only. One that claims 1,634,030,126 of them was seen.
const CONNECTORS_MAX: usize = 256;
/// How long an ended transaction stays in memory.
const ENDED_KEPT_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// A station. Every field follows from its records.
///
/// What a Heartbeat needs lies here; the rest is packed while the station is at rest, see [`StationState::pack`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StationState {
    pub(crate) key: StationKey,
    /// The newest event this state reflects; [`UNAPPLIED`] for none.
    pub(crate) applied: EventId,
    /// `None` for one that is known by a refused handshake alone.
    pub(crate) acceptance: Option<Acceptance>,
    /// An operator named it, so that onboarding does not judge it any more.
    pub(crate) registered: bool,
    pub(crate) protocol: Option<Protocol>,
    /// The live connection's name in the log; 0 while offline.
    pub(crate) connection: u64,
    pub(crate) security: Security,
    /// The security profile that it comes in with at least: the strongest that it has used, unless an operator said
    /// otherwise since.
    pub(crate) profile: u8,
    /// True exactly when [`Details::boot`] is there.
    pub(crate) booted: bool,
    pub(crate) seen_at: UtcMicros,
    /// Whether its clock is worth believing.
    pub(crate) clock_doubt: ClockDoubt,
    /// The newest time of its own that was worth believing.
    pub(crate) newest_at: i64,
    /// 1.6 transaction ids given so far.
    pub(crate) counter: u32,
    rest: Rest,
}

/// No event: a log is named by a positive number, and its records are counted from 1.
pub(crate) const UNAPPLIED: EventId = EventId {
    log_id: LogId(0),
    seq: Seq(0),
};

/// What an operator said of a station.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Configured {
    pub(crate) site: Box<str>,
    pub(crate) address: Box<str>,
    pub(crate) location: Option<(f64, f64)>,
    pub(crate) declared: Declared,
}

// An idle station pays for this.
const _: () = assert!(size_of::<StationState>() <= 88);

/// What a station said when it booted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Boot {
    pub(crate) at: UtcMicros,
    /// Vendor, model, serial number, firmware version.
    texts: Texts<4>,
    /// Whoever said so had shown a password or a certificate.
    pub(crate) proven: bool,
}

impl Boot {
    /// `texts` are vendor, model, serial number and firmware version.
    fn new(at: UtcMicros, texts: [&str; 4], proven: bool) -> Self {
        Self {
            at,
            texts: Texts::new(texts),
            proven,
        }
    }

    /// Vendor, model, serial number and firmware version.
    pub(crate) fn texts(&self) -> [&str; 4] {
        self.texts.get()
    }

    /// The serial number, where a certificate may be known by it: anybody can say any.
    pub(crate) fn serial_number_proven(&self) -> Option<&str> {
        self.proven.then(|| self.texts()[2])
    }
}

/// A connector.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Connector {
    pub(crate) evse_id: u32,
    pub(crate) connector_id: u32,
    pub(crate) status: Option<ConnectorStatus>,
    words: Words,
    pub(crate) status_at: i64,
    /// Half of the hash of the last status' values, for one that comes without a time.
    pub(crate) status_content: u64,
    register: Maybe,
}

const _: () = assert!(size_of::<Connector>() <= 56);

impl Connector {
    /// The status as the station wrote it.
    pub(crate) fn status_reported(&self) -> &str {
        self.words.get()[0]
    }

    /// 1.6 error code; empty in 2.x and for `NoError`.
    pub(crate) fn error_code(&self) -> &str {
        self.words.get()[1]
    }

    /// The last plausible import register.
    pub(crate) fn register(&self) -> Option<MilliwattHours> {
        self.register.get().map(MilliwattHours)
    }
}

/// A transaction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Transaction {
    pub(crate) id: TransactionId,
    pub(crate) ocpp_id: Box<str>,
    pub(crate) evse_id: u32,
    pub(crate) connector_id: u32,
    pub(crate) state: TransactionState,
    pub(crate) quality: Quality,
    pub(crate) started_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) energy: Option<MilliwattHours>,
    pub(crate) cost: Option<Cost>,
    pub(crate) currency: [u8; 3],
    pub(crate) token_ref: Option<[u8; 16]>,
    pub(crate) stop_reason: Box<str>,
    pub(crate) registers: Registers,
    /// Highest `seqNo` so far; -1 before the first, and in 1.6.
    pub(crate) seq_no: i64,
    /// When its newest event happened.
    pub(crate) event_at: i64,
    /// Hash of what began it, to recognise a StartTransaction whose clock cannot be believed; zero once it is over.
    pub(crate) start: [u8; 16],
    /// When its last record was made.
    pub(crate) updated_at: UtcMicros,
    /// Nothing once it is over.
    pub(crate) vehicle: Vehicle,
}

/// What smart charging has to know of the vehicle of a running transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Vehicle {
    /// Its cable is in.
    pub(crate) is_connected: bool,
    /// When its EVSE was ready to deliver energy: the driver authorized, the vehicle connected (K01.FR.42).
    pub(crate) ready_at: Option<i64>,
    /// How full its battery was when that was last told.
    pub(crate) soc_percent: Option<u8>,
}

impl Vehicle {
    /// Takes an event of its transaction, which came at `at`.
    fn apply(
        &mut self,
        at: UtcMicros,
        event: &fleet::record::ArchivedTransactionEvent,
        is_authorized: bool,
    ) {
        let state = event.charging_state.as_str();
        // In 1.6 a transaction begins with both (1.6 §4.8), and 2.x numbers its events.
        let is_16 = event.seq_no < 0;
        let has_come = event.trigger_reason.as_str() == TriggerReason::CablePluggedIn.as_str();
        let is_connected = !state.is_empty() && state != ChargingState::Idle.as_str();
        self.is_connected |= is_16 || has_come || is_connected;
        // Whoever charges may.
        let charges = is_16 || state == ChargingState::Charging.as_str();
        if self.ready_at.is_none() && self.is_connected && (is_authorized || charges) {
            // By our clock, for the station's may be of another zone or of no time at all; what it held back is told late.
            let was_held_back = event.offline && event.occurred.clock_trusted;
            let occurred_at = event.occurred.at.to_native();
            self.ready_at = Some(match was_held_back {
                true => occurred_at.min(at.0),
                false => at.0,
            });
        }
    }

    /// Takes what was measured of its transaction.
    fn measured(&mut self, values: &fleet::record::ArchivedMeterValues) {
        let of_battery = values.readings.iter().filter_map(|reading| {
            let row = values.rows.get(usize::from(reading.row.to_native()))?;
            let is_soc = reading.column == MeterColumn::SocPercent.code();
            is_soc.then(|| {
                let percent = f64::from_bits(reading.bits.to_native() as u64);
                // Rounded down by the conversion, which knows no number below zero.
                (row.measured_at.to_native(), percent.min(100.0) as u8)
            })
        });
        if let Some((_, percent)) = of_battery.max_by_key(|(measured_at, _)| *measured_at) {
            self.soc_percent = Some(percent);
        }
    }
}

impl Transaction {
    /// An operator has ended it, and its station has not.
    pub(crate) fn is_closed(&self) -> bool {
        self.state != TransactionState::Active && &*self.stop_reason == CLOSED
    }

    /// It is over, by its station's word, and nobody has told its first register.
    fn lacks_begin(&self) -> bool {
        self.state != TransactionState::Active && !self.is_closed() && !self.registers.has_begin
    }

    /// Takes one of its events.
    fn apply(
        &mut self,
        at: UtcMicros,
        kind: TransactionEventKind,
        event: &fleet::record::ArchivedTransactionEvent,
        rules: &Plausibility,
    ) {
        // What an operator says of it is none of its registers, numbers and times.
        if !is_close(event) {
            let occurred_at = event.occurred.at.to_native();
            let register = register_of(event).map(|mwh| Register {
                at: event.occurred.clock_trusted.then_some(occurred_at),
                energy: MilliwattHours(mwh),
            });
            self.registers = registers_after(self.registers, kind, register, rules);
            if self.evse_id == 0 {
                self.evse_id = event.evse_id.to_native();
            }
            if self.connector_id == 0 {
                self.connector_id = event.connector_id.to_native();
            }
            if kind == TransactionEventKind::Started {
                self.start = event.retry.content;
            }
            self.seq_no = self.seq_no.max(event.seq_no.to_native());
            self.event_at = self.event_at.max(occurred_at);
            self.vehicle
                .apply(at, event, event.summary.token_ref.is_some());
        }
        self.updated_at = at;
        if !event.stop_reason.is_empty() || self.is_closed() {
            self.stop_reason = event.stop_reason.as_str().into();
        }
        let summary = &event.summary;
        let native = |value: &rkyv::option::ArchivedOption<rkyv::primitive::ArchivedI64>| {
            value.as_ref().map(|value| value.to_native())
        };
        self.state = TransactionState::from_code(summary.state).unwrap_or(self.state);
        self.quality = Quality::from_code(summary.quality).unwrap_or(self.quality);
        self.started_at = native(&summary.started_at);
        self.ended_at = native(&summary.ended_at);
        self.energy = native(&summary.energy_mwh).map(MilliwattHours);
        self.cost = native(&summary.cost).map(Cost);
        self.token_ref = summary.token_ref.as_ref().copied();
        if self.state != TransactionState::Active {
            // By its retry key it is still known.
            self.start = [0; 16];
            self.vehicle = Vehicle::default();
        }
    }
}

#[cfg(test)]
impl Transaction {
    pub(crate) fn running_for_test() -> Self {
        Self {
            id: TransactionId([7; 16]),
            ocpp_id: "7".into(),
            evse_id: 1,
            connector_id: 1,
            state: TransactionState::Active,
            quality: Quality::Ok,
            started_at: Some(1),
            ended_at: None,
            energy: None,
            cost: None,
            currency: *b"BRL",
            token_ref: None,
            stop_reason: Box::default(),
            registers: Registers::default(),
            seq_no: -1,
            event_at: 1,
            start: [0; 16],
            updated_at: UtcMicros(1),
            vehicle: Vehicle::default(),
        }
    }
}

/// An event that no station sent: an operator has ended the transaction.
fn is_close(event: &fleet::record::ArchivedTransactionEvent) -> bool {
    event.trigger_reason == CLOSED
}

/// The registers of a transaction as far as its sum tells them.
fn measured(summary: &fleet::record::ArchivedTransactionSummary) -> Registers {
    let native = |value: &rkyv::option::ArchivedOption<rkyv::primitive::ArchivedI64>| {
        value.as_ref().map(|value| value.to_native())
    };
    Registers::of_summary(&TransactionSummary {
        state: summary.state,
        quality: summary.quality,
        started_at: native(&summary.started_at),
        ended_at: native(&summary.ended_at),
        meter_start_mwh: native(&summary.meter_start_mwh),
        meter_stop_mwh: native(&summary.meter_stop_mwh),
        energy_mwh: native(&summary.energy_mwh),
        cost: native(&summary.cost),
        currency: summary.currency,
        token_ref: summary.token_ref.as_ref().copied(),
    })
}

fn register_of(event: &fleet::record::ArchivedTransactionEvent) -> Option<i64> {
    event.register_mwh.as_ref().map(|mwh| mwh.to_native())
}

/// The registers that a transaction event brings, as [`Transaction::registers`] takes them.
pub(crate) fn registers_after(
    mut registers: Registers,
    kind: TransactionEventKind,
    register: Option<Register>,
    rules: &Plausibility,
) -> Registers {
    match (register, kind) {
        (Some(register), TransactionEventKind::Started) => registers.begin(register, rules),
        (Some(register), TransactionEventKind::Updated) => registers.take(register, rules),
        (Some(register), TransactionEventKind::Ended) => registers.end(register, rules),
        (None, _) => {}
    }
    registers
}

impl StationState {
    /// A station nobody has heard of.
    pub(crate) fn new(key: StationKey) -> Self {
        Self {
            key,
            applied: UNAPPLIED,
            acceptance: None,
            registered: false,
            protocol: None,
            connection: 0,
            security: Security::None,
            profile: 0,
            booted: false,
            seen_at: UtcMicros(0),
            clock_doubt: ClockDoubt::default(),
            newest_at: 0,
            counter: 0,
            rest: Rest::default(),
        }
    }

    /// What a Heartbeat does not need; unpacked for the caller when it lies packed.
    pub(crate) fn details(&self) -> Cow<'_, Details> {
        self.rest.get()
    }

    /// The same, to change; lies open from then on.
    pub(crate) fn details_mut(&mut self) -> &mut Details {
        self.rest.open()
    }

    pub(crate) fn is_packed(&self) -> bool {
        self.rest.is_packed()
    }

    /// Packs the details; those of a station with a running transaction, of which more will come, stay open.
    pub(crate) fn pack(&mut self) {
        self.rest.pack();
    }

    /// Takes one record of this station. One that is already reflected changes nothing.
    pub(crate) fn apply(&mut self, event: EventId, record: &RecordView<'_>, rules: &Plausibility) {
        if let Body::Message(message) = &record.body {
            return self.apply_message(event, record.received_at, message.direction);
        }
        if !self.advance(event) {
            return;
        }
        let at = record.received_at;
        match &record.body {
            Body::Connected(connected) => {
                self.connection = connected.connection.to_native();
                self.protocol = Protocol::from_code(connected.protocol);
                self.security = Security::from_code(connected.security).unwrap_or(Security::None);
                self.profile = self.profile.max(self.security.profile());
                self.acceptance = Acceptance::from_code(connected.acceptance);
                let heard_at = std::mem::replace(&mut self.seen_at, at);
                let details = self.details_mut();
                details.peer = connected.peer.as_str().into();
                details.connects(at, heard_at);
            }
            Body::Disconnected(disconnected) => {
                // A late end of an older connection is no end of this one.
                if disconnected.connection.to_native() == self.connection {
                    self.connection = 0;
                    self.details_mut().peer = Box::default();
                }
            }
            Body::StationHeard(heard) => {
                self.seen_at = self.seen_at.max(UtcMicros(heard.heard_at.to_native()));
            }
            Body::ConnectionRefused(_) => {}
            Body::Booted(booted) => {
                self.seen_at = at;
                self.booted = true;
                let texts = [
                    &*booted.vendor,
                    &booted.model,
                    &booted.serial_number,
                    &booted.firmware_version,
                ];
                let boot = Boot::new(at, texts, 0 < self.security.profile());
                let details = self.details_mut();
                let before = details.boot.as_ref();
                if before.is_some_and(|before| before.texts()[..3] != boot.texts()[..3]) {
                    // Another station stands there now.
                    details.plugs = Vec::new();
                }
                details.boot = Some(boot);
            }
            Body::StatusReported(status) => self.apply_status(at, status),
            Body::TransactionEvent(event) => self.apply_transaction(at, event, rules),
            Body::MeterValues(values) => self.apply_meter_values(at, values, rules),
            Body::Notified(_) | Body::NotifiedDated(_) => {
                if let Some(told) = record.body.notified() {
                    let canonical = &mut Canonical::default();
                    let key = said_key(canonical, self.key.as_str(), told.action, told.payload);
                    self.remember_said(key);
                    if told.action == "NotifyReport" {
                        self.learn(plug::of_report(told.payload));
                    }
                }
            }
            Body::SecurityEvent(told) => {
                let said = (told.event_type.as_str(), told.info.as_str());
                let occurred_at = told
                    .occurred
                    .clock_trusted
                    .then(|| told.occurred.at.to_native());
                let canonical = &mut Canonical::default();
                let key = security_key(canonical, self.key.as_str(), said, occurred_at);
                self.remember_said(key);
            }
            Body::CommandChanged(command)
                if command.state == CommandState::Answered.code()
                    && command.action == "GetVariables" =>
            {
                self.learn(plug::of_answer(&command.result));
            }
            Body::CommandChanged(_)
            | Body::CommandFollowed(_)
            | Body::ChargingChanged(_)
            | Body::ReservationsChanged(_)
            | Body::DerChanged(_)
            | Body::EventStreamsChanged(_)
            | Body::BatterySwapsChanged(_)
            | Body::V2xChanged(_)
            | Body::DriverTransfers(_)
            | Body::WebPaymentSecretsChanged(_)
            | Body::WebPaymentSecretsPending(_)
            | Body::PasswordsInDoubt(_)
            | Body::StationPasswords(_)
            | Body::StartTokens(_)
            | Body::CostLimits(_)
            | Body::TransactionLimits(_)
            | Body::StationCertificates(_)
            | Body::TransactionClosed(_)
            | Body::MessageQuarantined(_)
            | Body::TransactionProgress(_)
            | Body::TransactionMoney(_)
            | Body::MoneyChanged(_)
            | Body::TransactionBilled(_)
            | Body::TransactionCosted(_)
            | Body::CostAccrued(_)
            | Body::StationTariffs(_)
            | Body::Message(_) => {}
            Body::SecurityProfileSet(set) => self.profile = set.profile,
            Body::StationConfigured(configured) => {
                self.registered = true;
                let before = self.acceptance;
                self.acceptance = Acceptance::from_code(configured.acceptance);
                let is_let_in = before == Some(Acceptance::Pending)
                    && self.acceptance == Some(Acceptance::Accepted);
                let details = self.details_mut();
                if is_let_in {
                    details.let_in(at);
                }
                let each = configured.declared().map(Plug::from).collect();
                details.configured = Some(Box::new(Configured {
                    site: configured.site.into(),
                    address: configured.address.into(),
                    location: configured.location,
                    declared: Declared::new(configured.connectors, each),
                }));
                let password = configured.password;
                let password = password.map(|(salt, mac)| Box::new(Password { salt, mac }));
                let removed = password.is_none() && details.password.is_some();
                details.password = password;
                // From here on it comes in as nobody, or with a certificate.
                if removed && self.profile < 3 {
                    self.profile = 0;
                }
            }
            Body::StationDeleted(_) => {
                // What remains recognises retries until it rests, and keeps 1.6 ids from being given twice.
                let Details { recent, said, .. } = std::mem::take(self.details_mut());
                let Self {
                    counter, newest_at, ..
                } = std::mem::replace(self, Self::new(self.key.clone()));
                self.applied = event;
                self.counter = counter;
                self.newest_at = newest_at;
                let details = self.details_mut();
                (details.recent, details.said) = (recent, said);
            }
        }
    }

    /// Takes the record of a raw frame, of which the state needs no more than this.
    pub(crate) fn apply_message(&mut self, event: EventId, at: UtcMicros, direction: u8) {
        if self.advance(event) && direction == Direction::FromStation.code() {
            self.seen_at = at;
        }
    }

    /// False for a record that is reflected already.
    fn advance(&mut self, event: EventId) -> bool {
        let reflected = self.applied.log_id == event.log_id && event.seq <= self.applied.seq;
        if !reflected {
            self.applied = event;
        }
        !reflected
    }

    fn apply_status(&mut self, at: UtcMicros, status: &fleet::record::ArchivedStatusReported) {
        let occurred = &status.occurred;
        let told = (occurred.at.to_native(), occurred.clock_trusted);
        self.judge_clock(at, Told::of(told.0, told.1, &occurred.raw, at));
        // A fact of a message that is read again long after it came is no sign of life: the newest stays.
        self.seen_at = self.seen_at.max(at);
        self.remember(
            &status.retry,
            status.occurred.clock_trusted,
            status.occurred.at.to_native(),
        );
        if !status.live {
            return;
        }
        let place = (status.evse_id.to_native(), status.connector_id.to_native());
        let Some(connector) = self.connector_mut(place.0, place.1) else {
            return;
        };
        connector.status = ConnectorStatus::from_code(status.status);
        let error_code = match status.error_code.as_str() {
            "NoError" => "",
            code => code,
        };
        connector.words = Words::new(&status.status_reported, error_code);
        connector.status_at = status.occurred.at.to_native();
        connector.status_content = short(status.retry.content);
    }

    fn apply_transaction(
        &mut self,
        at: UtcMicros,
        event: &fleet::record::ArchivedTransactionEvent,
        rules: &Plausibility,
    ) {
        if !is_close(event) {
            let occurred_at = event.occurred.at.to_native();
            let trusted = event.occurred.clock_trusted;
            let told = Told::of(occurred_at, trusted, &event.occurred.raw, at);
            self.judge_clock(at, told);
            self.seen_at = self.seen_at.max(at);
            self.remember(&event.retry, event.occurred.clock_trusted, occurred_at);
        }
        self.counter = self.counter.max(event.ocpp_counter.to_native());
        if event.retry.conflict {
            return;
        }
        let Some(kind) = TransactionEventKind::from_code(event.kind) else {
            return;
        };
        let id = TransactionId(event.transaction_id);
        if let Some(leaving) = self.crowded_out_by(id) {
            self.details_mut().transactions.retain(|t| t.id != leaving);
        }
        // One that had left memory and comes back has been measured before this event; what an operator made of it was
        // not measured.
        let measured = measured(&event.summary);
        let is_known = kind != TransactionEventKind::Started
            && event.stop_reason != CLOSED
            && (measured.has_begin
                || measured.first.map(|first| first.energy.0) != register_of(event));
        let registers = if is_known {
            measured
        } else {
            Registers::default()
        };
        let make = || Transaction {
            id,
            ocpp_id: event.ocpp_transaction_id.as_str().into(),
            evse_id: event.evse_id.to_native(),
            connector_id: event.connector_id.to_native(),
            state: TransactionState::Active,
            quality: Quality::Ok,
            started_at: None,
            ended_at: None,
            energy: None,
            cost: None,
            currency: event.summary.currency,
            token_ref: None,
            stop_reason: Box::default(),
            registers,
            seq_no: -1,
            event_at: i64::MIN,
            start: [0; 16],
            updated_at: at,
            vehicle: Vehicle::default(),
        };
        let transactions = &mut self.details_mut().transactions;
        transactions.change(id, make, |transaction| {
            transaction.apply(at, kind, event, rules)
        });
    }

    fn apply_meter_values(
        &mut self,
        at: UtcMicros,
        values: &fleet::record::ArchivedMeterValues,
        rules: &Plausibility,
    ) {
        let newest = values.rows.iter().filter(|row| row.clock_trusted);
        let newest = newest.map(|row| row.measured_at.to_native()).max();
        let told = newest.map(Told::At).or_else(|| {
            let range = &values.rows.last()?.measured_at_raw;
            let from = range.start.to_native() as usize;
            let raw = values
                .text
                .get(from..from + range.len.to_native() as usize)?;
            Told::of(at.0, false, raw, at)
        });
        self.judge_clock(at, told);
        // One that was in touch then tells what is now, by a clock that is behind.
        let is_behind = |newest: i64| {
            let away = self.away();
            let was_away = away::awaited(&away, at.0).any(|away| away.spans(newest));
            self.seen_at <= at && !was_away
        };
        let is_late = values.offline && !newest.is_some_and(is_behind);
        self.seen_at = self.seen_at.max(at);
        self.remember(&values.retry, newest.is_some(), newest.unwrap_or(0));
        if values.retry.conflict {
            return;
        }
        let (evse_id, connector_id) = (values.evse_id.to_native(), values.connector_id.to_native());
        let transaction = values.transaction_id.as_ref().map(|id| TransactionId(*id));
        let transactions = &mut self.details_mut().transactions;
        let running = transaction.and_then(|id| transactions.active_mut(id));
        if let Some(running) = running.filter(|_| !is_late) {
            running.vehicle.measured(values);
        }
        for reading in values.readings.iter() {
            let row = values.rows.get(usize::from(reading.row.to_native()));
            let is_register = reading.column == MeterColumn::EnergyWh.code();
            let Some(row) = row.filter(|_| is_register) else {
                continue;
            };
            let register = Register {
                at: row.clock_trusted.then_some(row.measured_at.to_native()),
                energy: MilliwattHours(reading.bits.to_native()),
            };
            let transactions = &mut self.details_mut().transactions;
            let running = transaction.and_then(|id| transactions.active_mut(id));
            if let Some(running) = running {
                if ReadingContext::from_code(row.context) == Some(ReadingContext::TransactionBegin)
                {
                    // Its element may be that of the end; it was read when the transaction began.
                    let began_at = running.started_at;
                    let at = register
                        .at
                        .map(|at| began_at.map_or(at, |began| began.min(at)));
                    running.registers.begin(Register { at, ..register }, rules);
                } else {
                    running.registers.take(register, rules);
                }
                running.energy = running.registers.energy();
                running.quality = running.registers.quality(false, rules);
            } else if let Some(id) = transaction
                && ReadingContext::from_code(row.context) == Some(ReadingContext::TransactionBegin)
                && transactions.find(id).is_some_and(|over| over.lacks_begin())
            {
                // Its end overtook it. The event that brings it says what it comes to.
                let make = || unreachable!("it was found");
                transactions.change(id, make, |over| over.registers.begin(register, rules));
            }
            let is_begin =
                ReadingContext::from_code(row.context) == Some(ReadingContext::TransactionBegin);
            if evse_id != 0
                && !is_late
                && !(is_begin && values.rows.len() > 1)
                && let Some(connector) = self.connector_mut(evse_id, connector_id.max(1))
            {
                connector.register = Maybe::new(Some(register.energy.0));
            }
        }
    }

    /// It tells a time at `at`. What is read again long after it came tells nothing of its clock now.
    fn judge_clock(&mut self, at: UtcMicros, told: Option<Told>) {
        let Some(told) = told.filter(|_| self.seen_at <= at) else {
            return;
        };
        // Nothing else asks when it was out of touch, and most stations are packed.
        let away = match self.clock_doubt.is_ahead() {
            true => self.away(),
            false => Vec::new(),
        };
        self.clock_doubt.judge(at, told, &away);
    }

    fn remember(&mut self, retry: &ArchivedRetry, clock_trusted: bool, at: i64) {
        self.details_mut().recent.remember(Retry {
            key: retry.key,
            content: retry.content,
            conflict: retry.conflict,
        });
        if clock_trusted {
            self.newest_at = self.newest_at.max(at);
        }
    }

    fn remember_said(&mut self, key: Option<[u8; 16]>) {
        if let Some(key) = key {
            self.details_mut().said.remember(key);
        }
    }

    /// Takes what the station's device model says of its connectors.
    fn learn(&mut self, told: Vec<Plug>) {
        if told.is_empty() {
            return;
        }
        let plugs = &mut self.details_mut().plugs;
        for told in told {
            match plugs.binary_search_by_key(&told.place(), Plug::place) {
                Ok(at) => {
                    let plug = &mut plugs[at];
                    if !told.kind.is_empty() {
                        plug.kind = told.kind;
                    }
                    plug.max_power_w = told.max_power_w.or(plug.max_power_w);
                }
                Err(_) if CONNECTORS_MAX <= plugs.len() => {}
                Err(at) => plugs.insert(at, told),
            }
        }
    }

    fn connector_mut(&mut self, evse_id: u32, connector_id: u32) -> Option<&mut Connector> {
        let connectors = &mut self.details_mut().connectors;
        let place = |c: &Connector| (c.evse_id, c.connector_id);
        let at = match connectors.binary_search_by_key(&(evse_id, connector_id), place) {
            Ok(at) => at,
            Err(_) if CONNECTORS_MAX <= connectors.len() => return None,
            Err(at) => {
                let connector = Connector {
                    evse_id,
                    connector_id,
                    ..Connector::default()
                };
                connectors.reserve_exact(1);
                connectors.insert(at, connector);
                at
            }
        };
        connectors.get_mut(at)
    }

    pub(crate) fn connector(&self, evse_id: u32, connector_id: u32) -> Option<Cow<'_, Connector>> {
        let here = |c: &Connector| (c.evse_id, c.connector_id) == (evse_id, connector_id);
        match self.details() {
            Cow::Borrowed(details) => {
                let found = details.connectors.iter().find(|c| here(c));
                found.map(Cow::Borrowed)
            }
            Cow::Owned(details) => {
                let found = details.connectors.into_iter().find(here);
                found.map(Cow::Owned)
            }
        }
    }

    /// A transaction by the station's own name of it; the newest, should it use one twice.
    pub(crate) fn transaction_named(&self, ocpp_id: &str) -> Option<Cow<'_, Transaction>> {
        self.find_transaction(|details| {
            let mut transactions = details.transactions.iter().rev();
            transactions.find(|t| &*t.ocpp_id == ocpp_id)
        })
    }

    pub(crate) fn transaction(&self, id: TransactionId) -> Option<Cow<'_, Transaction>> {
        self.find_transaction(|details| details.transactions.find(id))
    }

    fn find_transaction(
        &self,
        find: impl Fn(&Details) -> Option<Cow<'_, Transaction>>,
    ) -> Option<Cow<'_, Transaction>> {
        match self.details() {
            Cow::Borrowed(details) => find(details),
            Cow::Owned(details) => find(&details).map(|t| Cow::Owned(t.into_owned())),
        }
    }

    pub(crate) fn active(&self) -> impl Iterator<Item = &Transaction> {
        let open = self.rest.as_open().into_iter();
        open.flat_map(|details| details.transactions.active())
    }

    /// When the live or the last connection began.
    pub(crate) fn connected_at(&self) -> Option<UtcMicros> {
        self.details().connected_at.get().map(UtcMicros)
    }

    /// When it was out of touch before that, the last time last; empty before its first connection.
    pub(crate) fn away(&self) -> Vec<Away> {
        self.details().all_away()
    }

    /// The transaction that leaves memory when `coming` enters it.
    pub(crate) fn crowded_out_by(&self, coming: TransactionId) -> Option<TransactionId> {
        let details = self.details();
        let transactions = &details.transactions;
        if transactions.len() < TRANSACTIONS_MAX || transactions.find(coming).is_some() {
            return None;
        }
        transactions
            .oldest_ended()
            .or_else(|| transactions.oldest())
    }

    /// Forgets transactions that ended more than [`ENDED_KEPT_MICROS`] ago.
    pub(crate) fn forget_ended(&mut self, now: UtcMicros) {
        let old = |t: &Transaction| {
            t.state != TransactionState::Active && t.updated_at.0 + ENDED_KEPT_MICROS < now.0
        };
        let (was_packed, first) = (self.is_packed(), self.rest.ended_first());
        if was_packed && first.is_none_or(|first| now.0 <= first + ENDED_KEPT_MICROS) {
            return;
        }
        self.details_mut().transactions.retain(|t| !old(t));
        if was_packed {
            self.pack();
        }
    }

    /// The bytes of this station's row in the state store.
    pub(crate) fn to_row(&self) -> Vec<u8> {
        row::write(self)
    }

    /// Reads a row.
    pub(crate) fn from_row(key: StationKey, bytes: &[u8]) -> Result<Self, row::RowError> {
        row::read(key, bytes)
    }
}

pub(crate) use row::RowError;
