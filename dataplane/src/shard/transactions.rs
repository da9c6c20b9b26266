//! Transactions: begun, carried on, ended, and what they come to.
//!
//! The energy of a transaction is worked out here once, and logged with its events. A message brings at
//! most two records, one of meter values and one of the transaction; each is recognised by a key of its own, because a
//! crash may have kept the first alone.

use fleet::record::{
    MeterColumn, Moment, Quality, ReadingContext, Retry, TransactionEvent, TransactionEventKind,
    TransactionState, TransactionSummary,
};
use fleet::wire::Body;
use fleet::{Cost, MilliwattHours, TransactionId};
use ocpp::{MeterColumns, v16};
use storage::state::Table;

use super::projection::name_key;
use super::values::content_of;
use super::{Now, Shard, read_record_row};
use crate::energy::{Register, Registers};
use crate::id::uuid_v7;
use crate::normalize::{self, meter, moment, was_offline};
use crate::retry::{Verdict, short};
use crate::state::registers_after;

/// What a station reports of a transaction, in either version.
pub(super) struct TransactionReport<'a> {
    pub(super) kind: TransactionEventKind,
    pub(super) ocpp_id: &'a str,
    pub(super) evse_id: u32,
    pub(super) connector_id: u32,
    /// -1 in 1.6.
    pub(super) seq_no: i64,
    pub(super) trigger_reason: &'a str,
    pub(super) charging_state: &'a str,
    pub(super) stop_reason: &'a str,
    pub(super) id_token: Option<&'a str>,
    pub(super) remote_start_id: i64,
    pub(super) offline: bool,
    pub(super) occurred: Moment,
    pub(super) reservation_id: Option<i64>,
}

/// A transaction before an event, as far as memory or store know it.
#[derive(Clone)]
struct Before {
    id: TransactionId,
    state: TransactionState,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    token_ref: Option<[u8; 16]>,
    evse_id: u32,
    connector_id: u32,
    registers: Registers,
    seq_no: i64,
    event_at: i64,
    /// What the store says of one that has left memory: it is not worked out again.
    settled: Option<TransactionSummary>,
}

impl Shard {
    /// StartTransaction; answers the 1.6 transaction id.
    pub(super) fn start_16(
        &mut self,
        now: Now,
        station: u32,
        start: &v16::StartTransaction<'_>,
    ) -> i64 {
        let occurred = moment(Some(&start.timestamp), now.utc);
        let state = &self.stations[station].state;
        let canonical = &mut self.scratch.canonical;
        canonical
            .begin("start", state.key.as_str())
            .int(i64::from(start.connector_id))
            .int(start.timestamp.utc_micros)
            .text(&start.id_tag)
            .int(start.meter_start);
        let mut retry = Retry::default();
        if occurred.clock_trusted {
            retry.key = canonical.hash();
        }
        retry.content = canonical.int(start.reservation_id.unwrap_or(-1)).hash();
        // A clock that is not set gives many transactions one time; the one that still runs is meant.
        let same = |t: &&crate::state::Transaction| {
            t.start == retry.content
                && (occurred.clock_trusted || t.state == TransactionState::Active)
        };
        let found = state.transactions.iter().find(same);
        let found = found.and_then(|t| Some((t.ocpp_id.parse::<i64>().ok()?, t.id)));
        // Its answer needs the id that was given, so the store is asked whatever the ring says.
        let kept = (found.is_none() && occurred.clock_trusted)
            .then(|| self.kept(retry.key, true))
            .flatten();
        let verdict = match found {
            Some(_) => Verdict::Same,
            None => Verdict::of(kept.map(|kept| short(kept.content)), retry.content),
        };
        retry.conflict = verdict == Verdict::Conflict;
        let known =
            found.or_else(|| kept.map(|kept| (kept.ocpp_id, TransactionId(kept.transaction))));
        let (ocpp_id, ocpp_counter) = match known {
            Some((ocpp_id, _)) => (ocpp_id, 0),
            None => {
                let counter = state.counter + 1;
                let ids = &self.settings.transaction_ids;
                (i64::from(ids.id(state.key.as_str(), counter)), counter)
            }
        };
        let repeated = self.is_repeated(verdict);
        let (evse_id, connector_id) = normalize::place(start.connector_id);
        let register_mwh = watt_hours(start.meter_start);
        let text = ocpp_id.to_string();
        let report = TransactionReport {
            kind: TransactionEventKind::Started,
            ocpp_id: &text,
            evse_id,
            connector_id,
            seq_no: -1,
            trigger_reason: "",
            charging_state: "",
            stop_reason: "",
            id_token: Some(&start.id_tag),
            remote_start_id: -1,
            offline: was_offline(&occurred, now.utc),
            occurred,
            reservation_id: start.reservation_id,
        };
        let id = match known.filter(|_| repeated) {
            // Its values are looked at below all the same: a crash may have kept the event alone.
            Some((_, id)) => id,
            None => {
                let before = self.before(station, &text);
                self.record_event(
                    now,
                    station,
                    &report,
                    before,
                    retry,
                    register_mwh,
                    ocpp_counter,
                )
            }
        };
        if let Some(register_mwh) = register_mwh {
            let mut values = self.take_values(evse_id, connector_id);
            meter::push_register(
                &mut values,
                &report.occurred,
                ReadingContext::TransactionBegin,
                register_mwh,
            );
            self.record_values(now, station, &report, id, values, retry.conflict);
        }
        ocpp_id
    }

    /// StopTransaction, of a transaction of ours or of any other.
    pub(super) fn stop_16(&mut self, now: Now, station: u32, stop: &v16::StopTransaction<'_>) {
        let occurred = moment(Some(&stop.timestamp), now.utc);
        let text = stop.transaction_id.to_string();
        // An orphan of the same name is another transaction, unless it is this very message again.
        let before = self
            .before(station, &text)
            .filter(|before| before.state != TransactionState::Orphan);
        let canonical = &mut self.scratch.canonical;
        canonical
            .begin("stop", self.stations[station].state.key.as_str())
            .text(&text);
        let mut retry = Retry::default();
        if before.is_none() {
            // Stations that began offline end every transaction as -1 or 0: the id alone tells nothing.
            canonical
                .int(stop.timestamp.utc_micros)
                .int(stop.meter_stop);
        }
        if before.is_some() || occurred.clock_trusted {
            retry.key = canonical.hash();
        }
        let columns = stop.transaction_data.as_ref().map(|list| list.0);
        let (evse_id, connector_id) = before
            .as_ref()
            .map_or((0, 0), |b| (b.evse_id, b.connector_id));
        let mut values = self.take_values(evse_id, connector_id);
        if let Some(columns) = columns {
            meter::fill(&mut values, columns, now.utc);
        }
        let canonical = &mut self.scratch.canonical;
        canonical
            .int(stop.timestamp.utc_micros)
            .int(stop.meter_stop);
        canonical.text(stop.id_tag.as_deref().unwrap_or(""));
        canonical.text(stop.reason.as_ref().map_or("", |reason| reason.as_str()));
        retry.content = content_of(canonical, &values);
        let ended = before
            .as_ref()
            .is_none_or(|b| b.state != TransactionState::Active);
        let verdict = self.verdict(station, retry, ended);
        if self.is_repeated(verdict) {
            return self.give_values(values);
        }
        retry.conflict = verdict == Verdict::Conflict;
        let register_mwh = watt_hours(stop.meter_stop);
        if let Some(register_mwh) = register_mwh {
            let context = ReadingContext::TransactionEnd;
            meter::push_register(&mut values, &occurred, context, register_mwh);
        }
        let report = TransactionReport {
            kind: TransactionEventKind::Ended,
            ocpp_id: &text,
            evse_id,
            connector_id,
            seq_no: -1,
            trigger_reason: "",
            charging_state: "",
            stop_reason: stop
                .reason
                .as_ref()
                .map_or("Local", |reason| reason.as_str()),
            id_token: stop.id_tag.as_deref(),
            remote_start_id: -1,
            offline: was_offline(&occurred, now.utc),
            occurred,
            reservation_id: None,
        };
        let before = before.unwrap_or_else(|| self.unknown(now, station));
        let id = before.id;
        self.record_values(now, station, &report, id, values, retry.conflict);
        // The values may have moved the registers.
        let before = self
            .before(station, &text)
            .filter(|found| found.id == id)
            .unwrap_or(before);
        self.record_event(now, station, &report, Some(before), retry, register_mwh, 0);
    }

    /// TransactionEvent; answers what an ended transaction costs.
    pub(super) fn transaction_event_201(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        columns: Option<&MeterColumns>,
    ) -> Option<Cost> {
        let before = self.before(station, report.ocpp_id);
        let mut values = self.take_values(report.evse_id, report.connector_id);
        if let Some(before) = before.as_ref().filter(|_| report.evse_id == 0) {
            (values.evse_id, values.connector_id) = (before.evse_id, before.connector_id);
        }
        if let Some(columns) = columns {
            meter::fill(&mut values, columns, now.utc);
        }
        let state = &self.stations[station].state;
        let newest_at = state.newest_at;
        let canonical = &mut self.scratch.canonical;
        canonical
            .begin("event", state.key.as_str())
            .text(report.ocpp_id)
            .int(report.seq_no);
        let mut retry = Retry {
            key: canonical.hash(),
            ..Retry::default()
        };
        canonical.int(i64::from(report.kind.code()));
        canonical.int(if report.occurred.clock_trusted {
            report.occurred.at
        } else {
            0
        });
        canonical
            .int(i64::from(report.evse_id))
            .int(i64::from(report.connector_id));
        canonical
            .text(report.trigger_reason)
            .text(report.charging_state)
            .text(report.stop_reason);
        canonical
            .text(report.id_token.unwrap_or(""))
            .int(report.remote_start_id);
        canonical.int(report.reservation_id.unwrap_or(-1));
        retry.content = content_of(canonical, &values);
        let older = before
            .as_ref()
            .is_none_or(|before| report.seq_no <= before.seq_no)
            || report.occurred.at <= newest_at;
        let verdict = self.verdict(station, retry, older);
        if self.is_repeated(verdict) {
            match before {
                // A crash may have kept the event that began a transaction, without its values.
                Some(before) => self.record_values(now, station, report, before.id, values, false),
                None => self.give_values(values),
            }
            return self.cost_of(station, report);
        }
        retry.conflict = verdict == Verdict::Conflict;
        let register_mwh = register_of(&values, report.kind);
        // The first event makes the transaction that its values belong to; the last one counts them in.
        let id = if before.is_none() {
            self.record_event(now, station, report, None, retry, register_mwh, 0)
        } else {
            let id = before
                .as_ref()
                .map_or(TransactionId([0; 16]), |before| before.id);
            self.record_values(now, station, report, id, values, retry.conflict);
            let before = self.before(station, report.ocpp_id).or(before);
            self.record_event(now, station, report, before, retry, register_mwh, 0);
            return self.cost_of(station, report);
        };
        self.record_values(now, station, report, id, values, retry.conflict);
        self.cost_of(station, report)
    }

    fn cost_of(&self, station: u32, report: &TransactionReport<'_>) -> Option<Cost> {
        let named = self.stations[station]
            .state
            .transaction_named(report.ocpp_id);
        named
            .filter(|_| report.kind == TransactionEventKind::Ended)
            .and_then(|t| t.cost)
    }

    /// A transaction that nobody has heard of.
    fn unknown(&mut self, now: Now, station: u32) -> Before {
        let partition = self.stations[station].state.key.partition();
        Before {
            id: TransactionId(uuid_v7(now.utc, partition, self.random.bytes())),
            state: TransactionState::Orphan,
            started_at: None,
            ended_at: None,
            token_ref: None,
            evse_id: 0,
            connector_id: 0,
            registers: Registers::default(),
            seq_no: -1,
            event_at: i64::MIN,
            settled: None,
        }
    }

    /// The transaction that the station calls `ocpp_id`, from memory or store.
    fn before(&mut self, station: u32, ocpp_id: &str) -> Option<Before> {
        let state = &self.stations[station].state;
        if let Some(t) = state.transaction_named(ocpp_id) {
            return Some(Before {
                id: t.id,
                state: t.state,
                started_at: t.started_at,
                ended_at: t.ended_at,
                token_ref: t.token_ref,
                evse_id: t.evse_id,
                connector_id: t.connector_id,
                registers: t.registers,
                seq_no: t.seq_no,
                event_at: t.event_at,
                settled: None,
            });
        }
        let name = name_key(&mut self.scratch.canonical, state.key.as_str(), ocpp_id);
        let id = self.kept(name, true)?.transaction;
        let row = self.row(Table::Transactions, id)?;
        let (_, record) = read_record_row(&row)?;
        let Body::TransactionEvent(archived) = &record.body else {
            return None;
        };
        let fleet::wire::Fact::TransactionEvent(event) = record.body.to_fact().ok()? else {
            return None;
        };
        Some(Before {
            id: TransactionId(archived.transaction_id),
            state: TransactionState::from_code(event.summary.state)?,
            started_at: event.summary.started_at,
            ended_at: event.summary.ended_at,
            token_ref: event.summary.token_ref,
            evse_id: event.evse_id,
            connector_id: event.connector_id,
            registers: Registers::default(),
            seq_no: event.seq_no,
            event_at: event.occurred.at,
            settled: Some(event.summary)
                .filter(|summary| summary.state != TransactionState::Active.code()),
        })
    }

    /// The newest record of a transaction or a command, made lately or in the state store.
    pub(super) fn row(&self, table: Table, id: [u8; 16]) -> Option<Vec<u8>> {
        let made = self.projection.row(table, id).map(<[u8]>::to_vec);
        made.or_else(|| (self.lookup)(table, &id))
    }

    fn record_values(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        id: TransactionId,
        mut values: fleet::record::MeterValues,
        conflict: bool,
    ) {
        if !values.rows.is_empty() {
            values.transaction_id = Some(id.0);
            values.ocpp_transaction_id.push_str(report.ocpp_id);
            values.offline = report.offline;
            let state = &self.stations[station].state;
            let canonical = &mut self.scratch.canonical;
            canonical
                .begin("event values", state.key.as_str())
                .bytes(&id.0)
                .int(report.seq_no);
            canonical.int(i64::from(report.kind.code()));
            values.retry.key = canonical.hash();
            values.retry.content = content_of(canonical, &values);
            let verdict = self.verdict(station, values.retry, true);
            if verdict != Verdict::Same {
                values.retry.conflict = conflict || verdict == Verdict::Conflict;
                self.record(now, station, &values);
            }
        }
        self.give_values(values);
    }

    #[expect(clippy::too_many_arguments, reason = "each is one fact of the event")]
    fn record_event(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        before: Option<Before>,
        retry: Retry,
        register_mwh: Option<i64>,
        ocpp_counter: u32,
    ) -> TransactionId {
        let before = before.unwrap_or_else(|| self.unknown(now, station));
        let token_ref = report.id_token.map(|id| self.token_ref(id));
        let summary = if retry.conflict {
            summary_of(&before, self.settings.config.tariff.currency)
        } else {
            self.summary_after(report, &before, register_mwh, token_ref)
        };
        let missing = if 0 <= report.seq_no && 0 <= before.seq_no {
            (report.seq_no - before.seq_no - 1).max(0)
        } else {
            0
        };
        let was_active = before.state == TransactionState::Active;
        let event = TransactionEvent {
            transaction_id: before.id.0,
            ocpp_transaction_id: report.ocpp_id.to_owned(),
            kind: report.kind.code(),
            evse_id: if report.evse_id == 0 {
                before.evse_id
            } else {
                report.evse_id
            },
            connector_id: if report.connector_id == 0 {
                before.connector_id
            } else {
                report.connector_id
            },
            seq_no: report.seq_no,
            seq_gap: u32::try_from(missing).unwrap_or(u32::MAX),
            trigger_reason: report.trigger_reason.to_owned(),
            charging_state: report.charging_state.to_owned(),
            stop_reason: report.stop_reason.to_owned(),
            token_ref,
            remote_start_id: report.remote_start_id,
            ocpp_counter,
            offline: report.offline,
            occurred: report.occurred.clone(),
            register_mwh,
            retry,
            summary,
        };
        let leaving = self.stations[station].state.crowded_out_by(before.id);
        self.record(now, station, &event);
        if !retry.conflict {
            // One that never ends leaves memory too, for a station may begin any number of them.
            if let Some(leaving) = leaving {
                self.active.remove(&leaving);
            }
            self.index_transaction(station, before.id, was_active, &event);
            self.tell_waiting(station, before.id, &event);
        }
        before.id
    }

    /// The transaction after this event.
    fn summary_after(
        &self,
        report: &TransactionReport<'_>,
        before: &Before,
        register_mwh: Option<i64>,
        token_ref: Option<[u8; 16]>,
    ) -> TransactionSummary {
        let config = &self.settings.config;
        if let Some(settled) = &before.settled {
            return settled.clone();
        }
        let rules = &config.plausibility;
        let at = report.occurred.at;
        let register = register_mwh.map(|mwh| Register {
            at: report.occurred.clock_trusted.then_some(at),
            energy: MilliwattHours(mwh),
        });
        let registers = registers_after(before.registers, report.kind, register, rules);
        // An end that is older than what is known already, by its number and its time, ends nothing.
        let late = report.seq_no < before.seq_no && at < before.event_at;
        let (started_at, ended_at) = match report.kind {
            TransactionEventKind::Started => (
                Some(before.started_at.map_or(at, |b| b.min(at))),
                before.ended_at,
            ),
            TransactionEventKind::Updated => (before.started_at, before.ended_at),
            TransactionEventKind::Ended if late => (before.started_at, before.ended_at),
            TransactionEventKind::Ended => (before.started_at, before.ended_at.or(Some(at))),
        };
        let state = match (started_at, ended_at) {
            (None, _) => TransactionState::Orphan,
            (Some(_), None) => TransactionState::Active,
            (Some(_), Some(_)) => TransactionState::Ended,
        };
        let energy = match ended_at {
            None => registers.energy(),
            Some(_) => registers.energy_at_end(),
        };
        let quality = registers.quality(ended_at.is_some(), rules);
        let billed = energy.filter(|_| ended_at.is_some() && quality != Quality::Quarantined);
        let price = config.tariff.price_per_kwh_micros;
        TransactionSummary {
            state: state.code(),
            quality: quality.code(),
            started_at,
            ended_at,
            meter_start_mwh: registers.first.map(|register| register.energy.0),
            meter_stop_mwh: registers.last.map(|register| register.energy.0),
            energy_mwh: energy.map(|energy| energy.0),
            cost: billed
                .and_then(|energy| Cost::of_energy(energy, price))
                .map(|cost| cost.0),
            currency: config.tariff.currency,
            token_ref: before.token_ref.or(token_ref),
        }
    }

    fn index_transaction(
        &mut self,
        station: u32,
        id: TransactionId,
        was_active: bool,
        event: &TransactionEvent,
    ) {
        let is_active = event.summary.state == TransactionState::Active.code();
        let counters = &mut self.tally.counters;
        match (was_active, is_active) {
            (false, true) => {
                self.active.insert(id, station);
                counters.transactions_started += 1;
            }
            (true, false) => {
                self.active.remove(&id);
                counters.transactions_ended += 1;
                counters.energy_mwh += event
                    .summary
                    .cost
                    .and(event.summary.energy_mwh)
                    .unwrap_or(0);
                counters.revenue += event.summary.cost.unwrap_or(0);
            }
            (true, true) | (false, false) => {}
        }
    }
}

/// What is known of a transaction whose event changes nothing.
fn summary_of(before: &Before, currency: [u8; 3]) -> TransactionSummary {
    before.settled.clone().unwrap_or(TransactionSummary {
        state: before.state.code(),
        quality: Quality::Estimated.code(),
        started_at: before.started_at,
        ended_at: before.ended_at,
        meter_start_mwh: before.registers.first.map(|register| register.energy.0),
        meter_stop_mwh: before.registers.last.map(|register| register.energy.0),
        energy_mwh: before.registers.energy().map(|energy| energy.0),
        cost: None,
        currency,
        token_ref: before.token_ref,
    })
}

/// The register that came with a 2.x event: the one taken for this kind of event, else the last.
fn register_of(values: &fleet::record::MeterValues, kind: TransactionEventKind) -> Option<i64> {
    let wanted = match kind {
        TransactionEventKind::Started => Some(ReadingContext::TransactionBegin),
        TransactionEventKind::Ended => Some(ReadingContext::TransactionEnd),
        TransactionEventKind::Updated => None,
    };
    let registers = || {
        let energy = |column: u8| column == MeterColumn::EnergyWh.code();
        values
            .readings
            .iter()
            .filter(move |reading| energy(reading.column))
    };
    let context = |reading: &&fleet::record::Reading| {
        let row = values.rows.get(usize::from(reading.row));
        row.and_then(|row| ReadingContext::from_code(row.context))
    };
    let found = registers().find(|reading| wanted.is_some() && context(reading) == wanted);
    found
        .or_else(|| registers().next_back())
        .map(|reading| reading.bits)
}

/// The registers of 1.6 are whole watt-hours; one that no meter shows is no register.
fn watt_hours(register: i64) -> Option<i64> {
    const PETAWATT_HOURS_0_9: i64 = 900_000_000_000_000_000;
    let register = register.checked_mul(1_000)?;
    (register.abs() <= PETAWATT_HOURS_0_9).then_some(register)
}
