//! Transactions: begun, carried on, ended.
//!
//! The energy of a transaction is worked out here once, and logged with its events. A message brings at most two
//! records, one of meter values and one of the transaction; each is recognised by a key of its own, because a crash may
//! have kept the first alone. Everything that must be looked up is looked up before the first of them is made, so that
//! a store that cannot be read leaves nothing half decided.

use std::borrow::Cow;

use fleet::record::{
    CLOSED, MeterColumn, MeterValues, Moment, ReadingContext, ReservationsChanged, Retry,
    TransactionEvent, TransactionEventKind, TransactionMoney, TransactionState,
};
use fleet::wire::Fact;
use fleet::{Cost, MilliwattHours, TransactionId};
use ocpp::{MeterColumns, v16};
use storage::state::Table;

use super::projection::name_key;
use super::store::StoreUnreadable;
use super::summary::{Before, TransactionReport};
use super::tokens::Authorization;
use super::unnamed::{Unnamed, is_id};
use super::values::{content_of, newest_of};
use super::{Now, Shard, read_record_row};
use crate::id::{made_at, uuid_v7};
use crate::normalize::{self, meter, moment, was_offline};
use crate::retry::{Verdict, conflict_key};

/// A message of a transaction with nothing left to look up.
struct Judged {
    before: Before,
    /// This message makes the transaction.
    is_new: bool,
    retry: Retry,
    verdict: Verdict,
    values: MeterValues,
    /// What `values` are beside those before them.
    values_verdict: Verdict,
    register_mwh: Option<i64>,
    /// Counter behind a 1.6 id that is given here; 0 otherwise.
    ocpp_counter: u32,
    /// Of a message that says when the transaction began, and is the first to: what is known of its money.
    begins: Option<TransactionMoney>,
}

impl Shard {
    /// StartTransaction; answers the 1.6 transaction id.
    pub(super) fn start_16(
        &mut self,
        now: Now,
        station: u32,
        start: &v16::StartTransaction<'_>,
        authorization: &Authorization,
    ) -> Result<i64, StoreUnreadable> {
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
        let same = |t: &Cow<'_, crate::state::Transaction>| {
            t.start == retry.content
                && (occurred.clock_trusted || t.state == TransactionState::Active)
        };
        let details = state.details();
        let found = details.transactions.iter().find(same);
        let found = found.and_then(|t| Some((t.ocpp_id.parse::<i64>().ok()?, t.id)));
        let older = self.is_older(station, trusted(&occurred));
        let verdict = match found {
            Some(_) => Verdict::Same,
            None => self.verdict(station, retry, None, older)?,
        };
        // Its answer needs the id that was given, which the station's newest keys in memory do not tell.
        let known = match (found, verdict) {
            (Some(found), _) => Some(found),
            (None, Verdict::New) => None,
            (None, Verdict::Same | Verdict::Conflict) => self
                .kept(retry.key, None, true)?
                .map(|kept| (kept.ocpp_id, TransactionId(kept.transaction))),
        };
        let (ocpp_id, ocpp_counter) = match known {
            Some((ocpp_id, _)) => (ocpp_id, 0),
            None => {
                let state = &self.stations[station].state;
                let counter = state.counter + 1;
                let ids = &self.settings.transaction_ids;
                (i64::from(ids.id(state.key.as_str(), counter)), counter)
            }
        };
        let (evse_id, connector_id) = normalize::place(start.connector_id);
        let text = ocpp_id.to_string();
        let mut report = TransactionReport {
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
            tariff_id: None,
            driver_tariff: None,
            cost_details: None,
            limits: None,
        };
        report.driver_tariff = self.driver_tariff(now, station, &report, authorization);
        let is_new = known.is_none();
        let before = match known {
            Some((_, id)) => self.identified(station, id)?,
            None => Before::unheard_of(self.new_id(now, station)),
        };
        let mut values = self.take_values(evse_id, connector_id);
        let register_mwh = meter::push_register(
            &mut values,
            &report.occurred,
            ReadingContext::TransactionBegin,
            start.meter_start,
        );
        // Without the id that was given it cannot be answered again.
        let verdict = if is_new { Verdict::New } else { verdict };
        let judged = Judged {
            values_verdict: self.judge_values(station, &report, &before, is_new, &mut values)?,
            begins: self.beginning(&report, &before, verdict, is_new)?,
            before,
            is_new,
            retry,
            verdict,
            values,
            register_mwh,
            ocpp_counter,
        };
        let used = match judged.verdict {
            Verdict::New | Verdict::Same => {
                self.reservation_used(now, station, &report, judged.before.id)?
            }
            // The first message under its key says which.
            Verdict::Conflict => None,
        };
        let held = held_for(&report, used.as_ref());
        self.put_on_record(now, station, &report, judged, held);
        self.record_reservations(now, station, used);
        Ok(ocpp_id)
    }

    /// StopTransaction, of a transaction of ours or of any other.
    pub(super) fn stop_16(
        &mut self,
        now: Now,
        station: u32,
        stop: &v16::StopTransaction<'_>,
    ) -> Result<(), StoreUnreadable> {
        let occurred = moment(Some(&stop.timestamp), now.utc);
        let text = stop.transaction_id.to_string();
        // An orphan of the same name is another transaction, unless it is this very message again.
        let named = match is_id(stop.transaction_id) {
            true => self.named(station, &text, true)?,
            false => None,
        };
        let before = named.filter(|before| before.state != TransactionState::Orphan);
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
        let older = match &before {
            Some(before) => before.state != TransactionState::Active,
            None => self.is_older(station, trusted(&occurred)),
        };
        let verdict = self.verdict(station, retry, None, older)?;
        let before = match before {
            Some(before) => Some(before),
            None if verdict == Verdict::New => self.stopped_unnamed(station, stop, &occurred)?,
            None => self.orphan(station, retry, verdict)?,
        };
        let is_new = before.is_none();
        let before = match before {
            Some(before) => before,
            None => Before::unheard_of(self.new_id(now, station)),
        };
        let (evse_id, connector_id) = (before.evse_id, before.connector_id);
        (values.evse_id, values.connector_id) = (evse_id, connector_id);
        // One that its station had no id for keeps the one that it was given.
        let text = self.name_of(station, before.id).unwrap_or(text);
        let register_mwh = meter::push_register(
            &mut values,
            &occurred,
            ReadingContext::TransactionEnd,
            stop.meter_stop,
        );
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
            tariff_id: None,
            driver_tariff: None,
            cost_details: None,
            limits: None,
        };
        let judged = Judged {
            values_verdict: self.judge_values(station, &report, &before, is_new, &mut values)?,
            before,
            is_new,
            retry,
            verdict,
            values,
            register_mwh,
            ocpp_counter: 0,
            begins: None,
        };
        if judged.verdict == Verdict::New {
            self.recall_charged(&judged.before)?;
        }
        self.put_on_record(now, station, &report, judged, None);
        Ok(())
    }

    /// The transaction that a StopTransaction is about which has no id for it.
    fn stopped_unnamed(
        &mut self,
        station: u32,
        stop: &v16::StopTransaction<'_>,
        occurred: &Moment,
    ) -> Result<Option<Before>, StoreUnreadable> {
        let Some(at) = trusted(occurred).filter(|_| !is_id(stop.transaction_id)) else {
            return Ok(None);
        };
        let said = Unnamed {
            evse_id: None,
            at,
            register: stop.meter_stop.checked_mul(1_000).map(MilliwattHours),
            token_ref: stop.id_tag.as_deref().map(|id| self.token_ref(id)),
        };
        let meant = self.meant(station, &said).map(|running| running.id);
        meant.map(|id| self.identified(station, id)).transpose()
    }

    /// What a station in memory calls a transaction.
    fn name_of(&self, station: u32, id: TransactionId) -> Option<String> {
        let transaction = self.stations[station].state.transaction(id);
        transaction.map(|transaction| transaction.ocpp_id.to_string())
    }

    /// TransactionEvent; answers which transaction it is, what the event is beside those before it, and what the station is told
    /// that the transaction costs.
    pub(super) fn transaction_event_2x(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        columns: Option<&MeterColumns>,
    ) -> Result<(TransactionId, Verdict, Option<Cost>), StoreUnreadable> {
        // A beginning that is newer than all the station has said begins what nobody knows.
        let older = report.kind != TransactionEventKind::Started
            || self.is_older(station, trusted(&report.occurred));
        let known = self.named(station, report.ocpp_id, older)?;
        let mut values = self.take_values(report.evse_id, report.connector_id);
        if let Some(before) = known.as_ref().filter(|_| report.evse_id == 0) {
            (values.evse_id, values.connector_id) = (before.evse_id, before.connector_id);
        }
        if let Some(columns) = columns {
            meter::fill(&mut values, columns, now.utc);
        }
        let state = &self.stations[station].state;
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
        // In memory a transaction knows its highest number; one that nobody knows has no keys.
        let older = known
            .as_ref()
            .is_some_and(|before| before.stored.is_some() || report.seq_no <= before.seq_no);
        let begun_at = known.as_ref().map(|before| made_at(before.id.0).0);
        let mut verdict = self.verdict(station, retry, begun_at, older)?;
        let is_new = known.is_none();
        let before = match known {
            Some(before) => before,
            None => Before::unheard_of(self.new_id(now, station)),
        };
        if verdict == Verdict::Conflict && before.awaits_end(report) {
            // A station that booted may count anew, and what its number stands for is no end. This one is its own from
            // here on, and recognised by what it says.
            verdict = Verdict::New;
            retry.key = conflict_key(retry);
        }
        let id = before.id;
        let settled = before.stored.as_ref().and_then(|summary| summary.cost);
        let judged = Judged {
            values_verdict: self.judge_values(station, report, &before, is_new, &mut values)?,
            register_mwh: register_of(&values, report.kind),
            begins: self.beginning(report, &before, verdict, is_new)?,
            before,
            is_new,
            retry,
            verdict,
            values,
            ocpp_counter: 0,
        };
        let used = match judged.verdict {
            Verdict::New | Verdict::Same => self.reservation_used(now, station, report, id)?,
            // The first message under its key says which.
            Verdict::Conflict => None,
        };
        if judged.verdict == Verdict::New {
            self.recall_charged(&judged.before)?;
        }
        // A crash may have kept the event and not what it says of money. One whose keys outlived what is known of its
        // transaction says nothing.
        let is_said = match judged.verdict {
            Verdict::New => true,
            Verdict::Same => !is_new,
            Verdict::Conflict => false,
        };
        // Some stations give all their events one number: what each says of limits is told once, and is no second opinion.
        let says_limits = is_said || report.limits.is_some();
        if is_said {
            self.look_up_money(report, id)?;
        }
        if says_limits {
            self.reread_limits(station)?;
        }
        let start = match is_said {
            true => self.start_limit(station, report)?,
            false => None,
        };
        if let Some(progress) = self.progress_after(report, &judged.before, judged.verdict)? {
            self.record(now, station, &progress);
        }
        if is_said {
            self.agree_on_tariff(now, station, report, &judged.before);
        }
        let by_station = self.is_charged_by_station(id);
        let held = held_for(report, used.as_ref());
        if let Some(start) = &start {
            self.begin_limited(id, start);
        }
        self.put_on_record(now, station, report, judged, held);
        self.record_reservations(now, station, used);
        if is_said {
            self.note_told(now, station, report, id);
        }
        if says_limits {
            self.note_limits(now, station, report, id, start, verdict);
        }
        let in_memory = self.stations[station].state.transaction(id);
        let cost = in_memory.map_or(settled.map(Cost), |transaction| transaction.cost);
        let cost = self.cost_to_tell(now, station, report, id, cost, by_station);
        Ok((id, verdict, cost))
    }

    /// What the values of a transaction's message are beside those before it.
    fn judge_values(
        &mut self,
        station: u32,
        report: &TransactionReport<'_>,
        before: &Before,
        is_new: bool,
        values: &mut MeterValues,
    ) -> Result<Verdict, StoreUnreadable> {
        if values.rows.is_empty() {
            return Ok(Verdict::Same);
        }
        values.transaction_id = Some(before.id.0);
        values.ocpp_transaction_id.push_str(report.ocpp_id);
        values.offline = report.offline;
        let state = &self.stations[station].state;
        let canonical = &mut self.scratch.canonical;
        canonical
            .begin("event values", state.key.as_str())
            .bytes(&before.id.0)
            .int(report.seq_no);
        canonical.int(i64::from(report.kind.code()));
        values.retry.key = canonical.hash();
        values.retry.content = content_of(canonical, values);
        // Values that were kept moved the station's newest time.
        let older = self.is_older(station, newest_of(values));
        let begun_at = Some(made_at(before.id.0).0);
        self.verdict(station, values.retry, begun_at, older && !is_new)
    }

    /// What is known of the money of a transaction whose beginning this is, if nobody has told that before.
    fn beginning(
        &mut self,
        report: &TransactionReport<'_>,
        before: &Before,
        verdict: Verdict,
        is_new: bool,
    ) -> Result<Option<TransactionMoney>, StoreUnreadable> {
        let is_first = verdict == Verdict::New
            && report.kind == TransactionEventKind::Started
            && before.started_at.is_none()
            && before.standing.is_none()
            && before.settled().is_none();
        match (is_first, is_new) {
            (false, _) => Ok(None),
            (true, true) => Ok(Some(TransactionMoney {
                transaction_id: before.id.0,
                ..TransactionMoney::default()
            })),
            // Others have overtaken it.
            (true, false) => self.money(before.id).map(Some),
        }
    }

    /// Makes the records of a message: of its values, of its event, or of what a crash did not keep. One that begins a
    /// transaction may do so on a reservation that was `held` for so long.
    fn put_on_record(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        mut judged: Judged,
        held: Option<i64>,
    ) {
        let repeated = self.is_repeated(judged.verdict);
        if repeated && judged.is_new {
            // Its keys outlived what is known of its transaction.
            return self.give_values(judged.values);
        }
        judged.retry.conflict = judged.verdict == Verdict::Conflict;
        if judged.retry.conflict {
            let what = format_args!("an event of transaction {}", judged.before.id);
            self.tell_conflict(now, station, what);
        }
        if let Some(known) = judged.begins.take() {
            self.begin_charge(now, station, report, known, held);
        }
        // The first event makes the transaction that its values belong to; later ones count them in.
        if judged.is_new {
            self.record_event(now, station, report, &judged);
        }
        if judged.values_verdict != Verdict::Same {
            judged.values.retry.conflict =
                judged.retry.conflict || judged.values_verdict == Verdict::Conflict;
            self.record(now, station, &judged.values);
        }
        if !judged.is_new && !repeated {
            // The values may have moved the registers, but not of one that an operator has ended.
            let state = &self.stations[station].state;
            if judged.before.standing.is_none()
                && let Some(transaction) = state.transaction(judged.before.id)
            {
                judged.before = Before {
                    end_was_heard: judged.before.end_was_heard,
                    ..Before::in_memory(&transaction)
                };
            }
            self.record_event(now, station, report, &judged);
        }
        self.give_values(judged.values);
    }

    fn new_id(&mut self, now: Now, station: u32) -> TransactionId {
        let partition = self.stations[station].state.key.partition();
        TransactionId(uuid_v7(now.utc, partition, self.random.bytes()))
    }

    /// The orphan that a stop of an unknown transaction made when it came before: its name tells nothing, its key does.
    fn orphan(
        &mut self,
        station: u32,
        retry: Retry,
        verdict: Verdict,
    ) -> Result<Option<Before>, StoreUnreadable> {
        let kept = match verdict {
            Verdict::New => None,
            Verdict::Same | Verdict::Conflict => self.kept(retry.key, None, true)?,
        };
        kept.map(|kept| self.identified(station, TransactionId(kept.transaction)))
            .transpose()
    }

    /// A transaction that was given this id, from memory or store.
    pub(super) fn identified(
        &mut self,
        station: u32,
        id: TransactionId,
    ) -> Result<Before, StoreUnreadable> {
        if let Some(transaction) = self.stations[station].state.transaction(id) {
            let (before, is_closed) = (Before::in_memory(&transaction), transaction.is_closed());
            return self.with_standing(before, is_closed);
        }
        let stored = self.in_store(id)?;
        Ok(stored.unwrap_or_else(|| Before::unheard_of(id)))
    }

    /// A transaction that has left memory.
    fn in_store(&mut self, id: TransactionId) -> Result<Option<Before>, StoreUnreadable> {
        let row = self.row(Table::Transactions, id.0)?;
        let Some(event) = row.as_deref().and_then(read_event) else {
            return Ok(None);
        };
        let is_closed = event.stop_reason == CLOSED;
        let before = Before::in_store(event);
        before
            .map(|before| self.with_standing(before, is_closed))
            .transpose()
    }

    /// The transaction that the station calls `ocpp_id`, from memory or, for an `older` message, from the store.
    pub(super) fn named(
        &mut self,
        station: u32,
        ocpp_id: &str,
        older: bool,
    ) -> Result<Option<Before>, StoreUnreadable> {
        let state = &self.stations[station].state;
        if let Some(transaction) = state.transaction_named(ocpp_id) {
            let (before, is_closed) = (Before::in_memory(&transaction), transaction.is_closed());
            return self.with_standing(before, is_closed).map(Some);
        }
        let name = name_key(&mut self.scratch.canonical, state.key.as_str(), ocpp_id);
        let Some(kept) = self.kept(name, None, older)? else {
            return Ok(None);
        };
        self.in_store(TransactionId(kept.transaction))
    }

    fn record_event(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        judged: &Judged,
    ) {
        let Judged {
            before,
            retry,
            register_mwh,
            ocpp_counter,
            ..
        } = judged;
        let token_ref = report.id_token.map(|id| self.token_ref(id));
        let config = &self.config;
        let summary = if retry.conflict {
            before.unchanged(config)
        } else {
            let mut summary = before.after(config, report, *register_mwh, token_ref);
            let has_register = register_mwh.is_some();
            self.charge(now, station, report, before, has_register, &mut summary);
            summary
        };
        // One that nobody has heard of has said -1, and begins with 0; a 1.6 station says -1 always.
        let missing = (report
            .seq_no
            .saturating_sub(before.seq_no)
            .saturating_sub(1))
        .max(0);
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
            stop_reason: before.stop_reason_after(report),
            token_ref,
            remote_start_id: report.remote_start_id,
            ocpp_counter: *ocpp_counter,
            offline: report.offline,
            occurred: report.occurred.clone(),
            register_mwh: *register_mwh,
            retry: *retry,
            summary,
        };
        self.record_transaction_event(now, station, before, &event);
    }

    /// Makes the record of an event, and what follows from it here.
    pub(super) fn record_transaction_event(
        &mut self,
        now: Now,
        station: u32,
        before: &Before,
        event: &TransactionEvent,
    ) {
        let state = &self.stations[station].state;
        let leaving = state
            .crowded_out_by(before.id)
            .map(|id| (id, state.transaction(id).and_then(|t| t.token_ref)));
        self.record(now, station, event);
        if !event.retry.conflict {
            // One that never ends leaves memory too, for a station may begin any number of them.
            if let Some((leaving, token_ref)) = leaving {
                self.active.remove(&leaving);
                self.end_charge(leaving);
                self.uncount_running(station, token_ref, leaving);
            }
            self.index_transaction(station, before, event);
            self.tell_waiting(now, station, before.id, event);
            let is_active = |state: u8| state == TransactionState::Active.code();
            if is_active(event.summary.state) {
                if before.state != TransactionState::Active {
                    self.await_cost_update(now, station, before.id);
                }
            } else {
                self.end_charge(before.id);
            }
            let (was, is) = (before.state.code(), event.summary.state);
            self.charging_of_transaction(now, station, is_active(was), is_active(is), event);
        }
    }

    fn index_transaction(&mut self, station: u32, before: &Before, event: &TransactionEvent) {
        let id = before.id;
        let was_active = before.state == TransactionState::Active;
        let is_active = event.summary.state == TransactionState::Active.code();
        let token_ref = event.summary.token_ref;
        let moved = (before.token_ref, before.evse_id) != (token_ref, event.evse_id);
        if is_active && (moved || !was_active) {
            self.count_running(station);
        } else if was_active && !is_active {
            self.uncount_running(station, token_ref, id);
        }
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
                if let Some(cost) = event.summary.cost {
                    counters.revenue.add(event.summary.currency, cost);
                }
            }
            (true, true) | (false, false) => {}
        }
    }
}

/// The station's time, where it is worth believing.
fn trusted(occurred: &Moment) -> Option<i64> {
    occurred.clock_trusted.then_some(occurred.at)
}

/// How long the reservation was held that a transaction uses.
fn held_for(report: &TransactionReport<'_>, used: Option<&ReservationsChanged>) -> Option<i64> {
    let used = used?.reservations.last()?;
    Some(report.occurred.at - used.requested_at)
}

/// The event in a row of [`Table::Transactions`].
pub(super) fn read_event(row: &[u8]) -> Option<TransactionEvent> {
    let (_, record) = read_record_row(row)?;
    match record.body.to_fact().ok()? {
        Fact::TransactionEvent(event) => Some(event),
        _ => None,
    }
}

/// The register that came with a 2.x event: the one taken for this kind of event, else the last. That of the beginning
/// is none of what came later: with the values of an event it counts as what it is (E06.FR.11).
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
    let is_begin = |reading: &&fleet::record::Reading| {
        context(reading) == Some(ReadingContext::TransactionBegin)
    };
    let may_begin = kind == TransactionEventKind::Started;
    let found = registers().find(|reading| wanted.is_some() && context(reading) == wanted);
    found
        .or_else(|| registers().rfind(|reading| may_begin || !is_begin(reading)))
        .map(|reading| reading.bits)
}
