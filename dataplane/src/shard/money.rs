//! What transactions cost under tariffs, what their stations have worked out, and how they were paid.
//!
//! Which tariff a transaction is under is decided when it begins, and on record before it is: whoever changes or deletes a
//! tariff changes no charge that runs. What has been used under it is a record of its own whenever it changes, so that
//! a crash changes no bill. In memory are those that run, and only where a tariff applies or a station names one; the
//! others cost what the configuration says.
//!
//! # Invariants
//!
//! - A transaction keeps its tariff until its station names another one of ours for it (2.1 I11).
//! - What is told again (a settlement, an event) is on record once.

use std::sync::Arc;

use fleet::record::{
    AppliedTariff, CostAccrued, CostPart, Protocol, Quality, Settlement, StationCost,
    TransactionEventKind, TransactionMoney, TransactionState, TransactionSummary,
};
use fleet::wire::Fact;
use fleet::{Cost, TransactionId};
use ocpp::{Word, v21};
use storage::state::Table;

use super::projection::{accrued_key, money_key, read_record_row};
use super::store::StoreUnreadable;
use super::summary::{Before, TransactionReport};
use super::timers::Deadline;
use super::{Now, Shard};
use crate::config::CostUpdates;
use crate::router::money::MoneyView;
use crate::router::view::TransactionView;
use crate::state::StationState;
use crate::tariff::{self, Bill, Flow, Money, Part, Parts, Tariff, Usage};

/// Settlements that are kept of a transaction; the oldest go.
const SETTLEMENTS_MAX: usize = 16;

/// A transaction that a tariff is about.
pub(super) struct Charged {
    /// The tariff that we charge by, and what was used under it.
    counted: Option<(Arc<Tariff>, Usage)>,
    /// The station charges by another one, and so tells its driver another cost than ours.
    by_station: bool,
}

impl Shard {
    /// Takes up the transactions of a station that run, as the store knows them.
    pub(super) fn load_charged(&mut self, state: &StationState) {
        for transaction in state.active() {
            let id = transaction.id;
            let rows = [
                money_key(&mut self.scratch.canonical, id.0),
                accrued_key(&mut self.scratch.canonical, id.0),
            ]
            .map(|key| (self.lookup)(Table::Money, &key));
            let [Ok(money), Ok(accrued)] = rows else {
                tracing::error!(%id, "the tariff of a transaction that runs cannot be read");
                continue;
            };
            let money = money.as_deref().and_then(read_money);
            let charged = money.map(|money| taken_up(&money, accrued.as_deref()));
            self.charged.extend(charged.map(|charged| (id, charged)));
        }
    }

    /// A transaction that ended is said something more of: what it was under is looked up.
    pub(super) fn recall_charged(&mut self, before: &Before) -> Result<(), StoreUnreadable> {
        let is_settled = before.stored.is_some() && before.standing.is_none();
        let is_over = before.state == TransactionState::Ended;
        if !is_over || is_settled || self.charged.contains_key(&before.id) {
            return Ok(());
        }
        if let Some(charged) = self.stored_charged(before.id)? {
            self.charged.insert(before.id, charged);
        }
        Ok(())
    }

    fn stored_charged(&mut self, id: TransactionId) -> Result<Option<Charged>, StoreUnreadable> {
        let key = money_key(&mut self.scratch.canonical, id.0);
        let Some(money) = self.row(Table::Money, key)?.as_deref().and_then(read_money) else {
            return Ok(None);
        };
        let key = accrued_key(&mut self.scratch.canonical, id.0);
        let accrued = self.row(Table::Money, key)?;
        Ok(Some(taken_up(&money, accrued.as_deref())))
    }

    /// All that is kept of a transaction's money.
    fn money(&mut self, id: TransactionId) -> Result<TransactionMoney, StoreUnreadable> {
        let key = money_key(&mut self.scratch.canonical, id.0);
        let row = self.row(Table::Money, key)?;
        Ok(row
            .as_deref()
            .and_then(read_money)
            .unwrap_or_else(|| TransactionMoney {
                transaction_id: id.0,
                ..TransactionMoney::default()
            }))
    }

    /// A transaction begins, on a reservation that was `held` for so long if it uses one: the tariff that holds is put on
    /// record before it.
    pub(super) fn begin_charge(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        id: TransactionId,
        held: Option<i64>,
    ) {
        if report.kind != TransactionEventKind::Started {
            return;
        }
        let state = &self.stations[station].state;
        let key = state.key.clone();
        let Some(book) = self.settings.tariffs.of(key.tenant()) else {
            return;
        };
        let details = state.details();
        let site = details
            .configured
            .as_ref()
            .map_or("", |configured| &configured.site);
        let named = report
            .tariff_id
            .and_then(|id| self.settings.tariffs.find(key.tenant(), id));
        let at = report.occurred.at;
        let Some((tariff, json)) =
            named.or_else(|| tariff::applying(&book, key.identity(), site, at))
        else {
            return;
        };
        let money = TransactionMoney {
            transaction_id: id.0,
            tariff: Some(applied(&tariff, &json, now)),
            ..TransactionMoney::default()
        };
        let usage = Usage::begin(&tariff, at, held);
        self.record(now, station, &money);
        self.record(now, station, &written(id, &usage));
        let charged = Charged {
            counted: Some((tariff, usage)),
            by_station: false,
        };
        self.charged.insert(id, charged);
    }

    /// Counts what an event tells, and says in the transaction's `summary` what it comes to.
    pub(super) fn charge(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        before: &Before,
        summary: &mut TransactionSummary,
    ) {
        let is_settled = before.stored.is_some() && before.standing.is_none();
        // What an operator made of it stands, and nothing was measured by it.
        if is_settled || before.standing_after(report).is_some() {
            return;
        }
        let Some(Charged { counted, .. }) = self.charged.get_mut(&before.id) else {
            return;
        };
        let Some((tariff, usage)) = counted else {
            return;
        };
        let known = usage.clone();
        let has_ended = summary.state == TransactionState::Ended.code();
        let at = summary.ended_at.unwrap_or(report.occurred.at);
        let is_told = summary.quality != Quality::Quarantined.code();
        if let Some(energy) = summary.energy_mwh.filter(|_| is_told) {
            usage.energy(tariff, at, energy);
        }
        usage.time(tariff, at);
        // One that was overtaken says how it was.
        let is_newest = before.seq_no <= report.seq_no;
        if let Some(flow) = Flow::of_state(report.charging_state).filter(|_| is_newest) {
            usage.flows(flow);
        }
        if has_ended {
            usage.end(tariff, at);
        }
        summary.currency = tariff.currency;
        if summary.cost.is_some() {
            summary.cost = Some(usage.bill(tariff, has_ended).total.incl_tax);
        }
        if known != *usage {
            let accrued = written(before.id, usage);
            self.record(now, station, &accrued);
        }
    }

    /// Counts what meter values beside an event tell.
    pub(super) fn charge_values(&mut self, now: Now, station: u32, id: [u8; 16]) {
        let id = TransactionId(id);
        if !self.charged.contains_key(&id) {
            return;
        }
        let state = &self.stations[station].state;
        let Some(transaction) = state.transaction(id) else {
            return;
        };
        let at = transaction.registers.last.and_then(|register| register.at);
        let at = at.unwrap_or(now.utc.0);
        let is_told = transaction.quality != Quality::Quarantined;
        let energy = transaction.energy.filter(|_| is_told);
        let counted = self.charged.get_mut(&id).and_then(|c| c.counted.as_mut());
        let (Some((tariff, usage)), Some(energy)) = (counted, energy) else {
            return;
        };
        let known = usage.clone();
        usage.energy(tariff, at, energy.0);
        usage.time(tariff, at);
        if known != *usage {
            let accrued = written(id, usage);
            self.record(now, station, &accrued);
        }
    }

    /// Says what a transaction comes to that an operator ends. That lies over what was counted, and is not counted itself.
    pub(super) fn charge_close(&mut self, before: &Before, summary: &mut TransactionSummary) {
        let charged = self.charged.get(&before.id);
        let Some((tariff, usage)) = charged.and_then(|charged| charged.counted.as_ref()) else {
            return;
        };
        summary.currency = tariff.currency;
        if let (Some(_), Some(energy), Some(at)) =
            (summary.cost, summary.energy_mwh, summary.ended_at)
        {
            let bill = closed(tariff, usage, at, energy);
            summary.cost = Some(bill.total.incl_tax);
        }
    }

    /// A transaction runs no longer.
    pub(super) fn end_charge(&mut self, id: TransactionId) {
        self.charged.remove(&id);
    }

    /// Reads what [`Shard::note_told`] will add to.
    pub(super) fn look_up_money(
        &mut self,
        report: &TransactionReport<'_>,
        id: TransactionId,
    ) -> Result<(), StoreUnreadable> {
        if report.tariff_id.is_some() || report.cost_details.is_some() {
            self.money(id)?;
        }
        Ok(())
    }

    /// What a 2.1 station says of tariff and cost in an event (I07.FR.32, I11.FR.07, I12).
    pub(super) fn note_told(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        id: TransactionId,
    ) {
        if report.tariff_id.is_none() && report.cost_details.is_none() {
            return;
        }
        // It could be read before the event was put on record.
        let Ok(mut money) = self.money(id) else {
            return;
        };
        let known = money.clone();
        if let Some(named) = report.tariff_id {
            self.name_tariff(now, station, report, id, named, &mut money);
        }
        let before = known.station_cost.clone().unwrap_or_default();
        if known.station_cost.is_none() || before.seq_no <= report.seq_no {
            let named = report.tariff_id.map(str::to_owned);
            let details = report.cost_details.clone();
            money.station_cost = Some(StationCost {
                seq_no: report.seq_no,
                told_at: now.utc.0,
                tariff_id: named.unwrap_or(before.tariff_id),
                details: details.unwrap_or(before.details),
            });
        }
        if money != known {
            self.record(now, station, &money);
        }
    }

    /// The station charges by this tariff from now on; so do we, if it is one of ours.
    fn name_tariff(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        id: TransactionId,
        named: &str,
        money: &mut TransactionMoney,
    ) {
        let is_current = |money: &TransactionMoney| {
            let tariff = money.tariff.as_ref();
            tariff.is_some_and(|tariff| tariff.tariff_id == named)
        };
        let state = &self.stations[station].state;
        let Some(transaction) = state.transaction(id) else {
            return;
        };
        let is_active = transaction.state == TransactionState::Active;
        let started_at = transaction.started_at.unwrap_or(report.occurred.at);
        let energy = transaction.energy;
        let found = self.settings.tariffs.find(state.key.tenant(), named);
        if let Some((tariff, json)) = found.filter(|_| is_active && !is_current(money)) {
            money.tariff = Some(applied(&tariff, &json, now));
            let charged = self.charged.remove(&id).and_then(|charged| charged.counted);
            let usage = match charged {
                Some((old, mut usage)) if old.currency == tariff.currency => {
                    usage.change(&old);
                    usage
                }
                // One in another currency takes nothing over; one that comes first holds from the beginning.
                Some(_) | None => {
                    let mut usage = Usage::begin(&tariff, started_at, None);
                    if let Some(energy) = energy {
                        usage.energy(&tariff, report.occurred.at, energy.0);
                    }
                    if let Some(flow) = Flow::of_state(report.charging_state) {
                        usage.flows(flow);
                    }
                    usage
                }
            };
            let accrued = written(id, &usage);
            self.record(now, station, &accrued);
            let charged = Charged {
                counted: Some((tariff, usage)),
                by_station: false,
            };
            self.charged.insert(id, charged);
        }
        let by_station = !is_current(money);
        if is_active {
            let none = || Charged {
                counted: None,
                by_station,
            };
            self.charged.entry(id).or_insert_with(none).by_station = by_station;
        }
    }

    /// What a transaction that runs has come to; `None` where nobody knows, or its station says it by itself.
    fn running_cost(&self, now: Now, station: u32, id: TransactionId) -> Option<Cost> {
        let state = &self.stations[station].state;
        let transaction = state.transaction(id)?;
        let charged = self.charged.get(&id);
        if transaction.state != TransactionState::Active
            || transaction.quality == Quality::Quarantined
            || charged.is_some_and(|charged| charged.by_station)
        {
            return None;
        }
        match charged.and_then(|charged| charged.counted.as_ref()) {
            Some((tariff, usage)) => {
                let mut usage = usage.clone();
                usage.time(tariff, now.utc.0);
                Some(Cost(usage.bill(tariff, false).total.incl_tax))
            }
            None => {
                let price = self.settings.config.tariff.price_per_kwh_micros;
                Cost::of_energy(transaction.energy?, price)
            }
        }
    }

    /// The `totalCost` of an event's answer: of the end what it comes to (I03.FR.02), before it what it has come to if that
    /// is configured (I02.FR.01).
    pub(super) fn cost_to_tell(
        &self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        id: TransactionId,
        settled: Option<Cost>,
        by_station: bool,
    ) -> Option<Cost> {
        match report.kind {
            TransactionEventKind::Ended => settled.filter(|_| !by_station),
            TransactionEventKind::Started | TransactionEventKind::Updated => {
                match self.settings.config.tariff.cost_updates {
                    CostUpdates::Responses => self.running_cost(now, station, id),
                    CostUpdates::Off | CostUpdates::Commands { .. } => None,
                }
            }
        }
    }

    /// True for a transaction whose station charges by a tariff that is not ours.
    pub(super) fn is_charged_by_station(&self, id: TransactionId) -> bool {
        let charged = self.charged.get(&id);
        charged.is_some_and(|charged| charged.by_station)
    }

    /// A transaction runs: its station is to hear what it comes to.
    pub(super) fn await_cost_update(&mut self, now: Now, station: u32, id: TransactionId) {
        if let CostUpdates::Commands { every } = self.settings.config.tariff.cost_updates
            && self.stations[station].state.protocol != Some(Protocol::Ocpp16)
        {
            let deadline = Deadline::CostUpdate(station, id, 0);
            self.deadlines.insert(now.mono + every, deadline);
        }
    }

    /// Tells a station what a transaction has come to, if that is not what it was `told` (I02.FR.01).
    pub(super) fn update_cost(&mut self, now: Now, station: u32, id: TransactionId, told: i64) {
        let CostUpdates::Commands { every } = self.settings.config.tariff.cost_updates else {
            return;
        };
        let entry = &self.stations[station];
        let Some(transaction) = entry.state.transaction(id) else {
            return;
        };
        if transaction.state != TransactionState::Active {
            return;
        }
        // What waits behind another call would be old when it comes.
        let is_free = entry.conn.is_some() && entry.commands_open == 0 && !self.stalled;
        let ocpp_id = transaction.ocpp_id.to_string();
        let cost = self.running_cost(now, station, id).map(|cost| cost.0);
        let news = cost.filter(|cost| is_free && *cost != told);
        if let Some(cost) = news {
            let call = v21::CostUpdated {
                total_cost: ocpp::Number::from_scaled(cost, 2),
                transaction_id: ocpp_id.as_str().into(),
            };
            let mut payload = Vec::new();
            // The same in 2.0.1.
            call.write(&mut payload);
            if let Ok(payload) = String::from_utf8(payload) {
                let (action, principal) = ("CostUpdated".into(), "sigec".into());
                self.make_command(now, station, action, payload, principal, None);
            }
        }
        let deadline = Deadline::CostUpdate(station, id, news.unwrap_or(told));
        self.deadlines.insert(now.mono + every, deadline);
    }

    /// NotifySettlement; answers our transaction, and whether that was told before.
    pub(super) fn settle(
        &mut self,
        now: Now,
        station: u32,
        told: &v21::NotifySettlement<'_>,
    ) -> Result<Option<(TransactionId, bool)>, StoreUnreadable> {
        let Some(ocpp_id) = told.transaction_id.as_deref() else {
            return Ok(None);
        };
        let Some(before) = self.named(station, ocpp_id, true)? else {
            return Ok(None);
        };
        let mut money = self.money(before.id)?;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let settlement = Settlement {
            told_at: now.utc.0,
            psp_ref: told.psp_ref.to_string(),
            status: told.status.as_str().to_owned(),
            status_info: text(told.status_info.as_deref()),
            amount: told.settlement_amount.as_str().to_owned(),
            settled_at: told.settlement_time.utc_micros,
            receipt_id: text(told.receipt_id.as_deref()),
            receipt_url: text(told.receipt_url.as_deref()),
            vat_number: text(told.vat_number.as_deref()),
            vat_company: told
                .vat_company
                .as_ref()
                .map_or_else(String::new, |company| {
                    let mut json = Vec::new();
                    company.write(&mut json);
                    String::from_utf8(json).unwrap_or_default()
                }),
        };
        let is_same = |known: &Settlement| {
            let told_at = settlement.told_at;
            Settlement {
                told_at,
                ..known.clone()
            } == settlement
        };
        if money.settlements.iter().any(is_same) {
            return Ok(Some((before.id, true)));
        }
        if money.settlements.len() == SETTLEMENTS_MAX {
            money.settlements.remove(0);
        }
        money.settlements.push(settlement);
        self.record(now, station, &money);
        Ok(Some((before.id, false)))
    }

    /// Where the receipt of a settled transaction is, if we have it (C21.FR.03).
    pub(super) fn receipt(
        &self,
        told: &v21::NotifySettlement<'_>,
        id: TransactionId,
    ) -> Option<(String, String)> {
        let ours = self.settings.config.tariff.receipt_url.as_deref()?;
        let is_settled = told.status == v21::PaymentStatus::Settled && told.receipt_url.is_none();
        let id = is_settled.then(|| id.to_string())?;
        Some((ours.replace("{transaction_id}", &id), id))
    }

    /// What is known of a transaction's money; `None` for nothing.
    pub(super) fn money_view(
        &mut self,
        view: &TransactionView,
    ) -> Result<Option<Box<MoneyView>>, StoreUnreadable> {
        let id = view.id;
        let key = money_key(&mut self.scratch.canonical, id.0);
        let Some(money) = self.row(Table::Money, key)?.as_deref().and_then(read_money) else {
            return Ok(None);
        };
        let has_ended = view.state != TransactionState::Active;
        let closing = view.closing.as_ref().and(view.ended_at.zip(view.energy));
        let bill = |charged: &Charged| {
            let (tariff, usage) = charged.counted.as_ref()?;
            Some(match closing {
                Some((at, energy)) => closed(tariff, usage, at.0, energy.0),
                None => usage.bill(tariff, has_ended),
            })
        };
        let bill = match self.charged.get(&id) {
            Some(charged) => bill(charged),
            None => self.stored_charged(id)?.as_ref().and_then(bill),
        };
        Ok(Some(Box::new(MoneyView {
            bill,
            station_cost: money.station_cost,
            settlements: money.settlements,
        })))
    }
}

/// What a usage comes to that an operator ends with so much energy.
fn closed(tariff: &Tariff, usage: &Usage, at: i64, energy_mwh: i64) -> Bill {
    let mut usage = usage.clone();
    usage.energy(tariff, at, energy_mwh);
    usage.end(tariff, at);
    usage.bill(tariff, true)
}

fn applied(tariff: &Tariff, json: &str, now: Now) -> AppliedTariff {
    AppliedTariff {
        tariff_id: tariff.id.clone(),
        tariff: json.to_owned(),
        time_zone: tariff.zone.name().to_owned(),
        applied_at: now.utc.0,
    }
}

/// The money in a row of [`Table::Money`].
fn read_money(row: &[u8]) -> Option<TransactionMoney> {
    match read_record_row(row)?.1.body.to_fact().ok()? {
        Fact::TransactionMoney(money) => Some(money),
        _ => None,
    }
}

/// A transaction as its rows say it.
fn taken_up(money: &TransactionMoney, accrued: Option<&[u8]>) -> Charged {
    let accrued = accrued.and_then(|row| match read_record_row(row)?.1.body.to_fact().ok()? {
        Fact::CostAccrued(accrued) => Some(accrued),
        _ => None,
    });
    let counted = money.tariff.as_ref().and_then(|applied| {
        let (tariff, _) = tariff::read(&applied.tariff, &applied.time_zone).ok()?;
        Some((Arc::new(tariff), usage_of(&accrued?)))
    });
    let ours = money.tariff.as_ref().map_or("", |tariff| &tariff.tariff_id);
    let told = money
        .station_cost
        .as_ref()
        .map_or("", |cost| &cost.tariff_id);
    Charged {
        counted,
        by_station: !told.is_empty() && told != ours,
    }
}

fn written(id: TransactionId, usage: &Usage) -> CostAccrued {
    CostAccrued {
        transaction_id: id.0,
        started_at: usage.started_at,
        time_at: usage.time_at,
        energy_at: usage.energy_at,
        energy_mwh: usage.energy_mwh,
        flow: usage.flow.code(),
        charging: usage.charging,
        idle: usage.idle,
        idle_now: usage.idle_now,
        reservation: usage.reservation,
        power_mw: usage.power_mw,
        energy_sum: usage.energy_sum,
        charging_sum: usage.charging_sum,
        idle_sum: usage.idle_sum,
        reservation_sum: usage.reservation_sum,
        fixed_micros: usage.fixed_micros,
        reservation_micros: usage.reservation_micros,
        before: written_parts(&usage.before),
        frozen: usage.frozen.as_ref().map(written_parts),
    }
}

fn usage_of(accrued: &CostAccrued) -> Usage {
    Usage {
        started_at: accrued.started_at,
        time_at: accrued.time_at,
        energy_at: accrued.energy_at,
        energy_mwh: accrued.energy_mwh,
        flow: Flow::from_code(accrued.flow).unwrap_or_default(),
        charging: accrued.charging,
        idle: accrued.idle,
        idle_now: accrued.idle_now,
        reservation: accrued.reservation,
        power_mw: accrued.power_mw,
        energy_sum: accrued.energy_sum,
        charging_sum: accrued.charging_sum,
        idle_sum: accrued.idle_sum,
        reservation_sum: accrued.reservation_sum,
        fixed_micros: accrued.fixed_micros,
        reservation_micros: accrued.reservation_micros,
        before: parts_of(&accrued.before),
        frozen: accrued.frozen.as_deref().map(parts_of),
    }
}

fn written_parts(parts: &Parts) -> Vec<CostPart> {
    let named = (0..).zip(&parts.0);
    named
        .filter_map(|(part, money)| {
            money.map(|money| CostPart {
                part,
                excl_tax: money.excl_tax,
                incl_tax: money.incl_tax,
            })
        })
        .collect()
}

fn parts_of(written: &[CostPart]) -> Parts {
    const _: () = assert!(Part::ALL.len() == 6, "a part is its place there");
    let mut parts = Parts::default();
    for part in written {
        if let Some(money) = parts.0.get_mut(usize::from(part.part)) {
            *money = Some(Money {
                excl_tax: part.excl_tax,
                incl_tax: part.incl_tax,
            });
        }
    }
    parts
}
