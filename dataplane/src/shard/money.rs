//! What transactions cost under tariffs, what their stations have worked out, and how they were paid.
//!
//! Which tariff a transaction is under is decided when it begins, and on record before it is: whoever changes or deletes a
//! tariff changes no charge that runs. What has been used under it is a record of its own whenever it changes, so that
//! a crash changes no bill. In memory are those that run, and only where a tariff applies or a station names one; the
//! others cost what the configuration says.
//!
//! # Invariants
//!
//! - A transaction keeps its tariff until its station names another one of ours for it (2.1 I11), or, where the station names
//!   none, its driver becomes known and has one, or will have none.
//! - What is told again (a settlement, an event) is on record once.
//! - One whose tariff cannot be read is not billed by another price: its event waits for the store, or its cost stays open.

mod clock;
pub(super) mod limits;
mod settlements;
mod told;
mod written;

use std::sync::Arc;

use fleet::record::{
    AppliedTariff, MoneyChanged, Quality, StationCost, TransactionCosted, TransactionEventKind,
    TransactionMoney, TransactionState, TransactionSummary,
};
use fleet::wire::Fact;
use fleet::{TransactionId, UtcMicros};
use ocpp::Word;
use ocpp::v201::TriggerReason;
use storage::state::Table;

use super::projection::{accrued_key, money_key, read_record_row};
use super::store::StoreUnreadable;
use super::summary::{Before, TransactionReport};
use super::{Now, Shard};
use crate::router::money::MoneyView;
use crate::router::view::TransactionView;
use crate::state::StationState;
use crate::tariff::{self, Bill, Flow, Tariff, Until, Usage};
pub(in crate::shard) use settlements::{SETTLEMENTS_MAX, Settled};
use written::{Billing, billed, usage_of, written};

/// `TriggerReasonEnumType` of 2.1, and the name of what holds from then on.
const NOT_ACCEPTED: &str = "TariffNotAccepted";

/// What a tariff leaves of the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// What was used counts by the prices that held (I11.FR.08).
    Over,
    /// It holds from the beginning, for the same minutes and energy.
    Nothing,
}

/// A transaction that a tariff is about.
pub(super) struct Charged {
    counted: Counted,
    /// The station charges by another one, and so tells its driver another cost than ours.
    by_station: bool,
}

/// What we charge a transaction by.
enum Counted {
    /// No tariff of ours: the price of the configuration.
    Nothing,
    /// A tariff, and what was used under it.
    Usage(Arc<Tariff>, Box<Usage>),
    /// The store could not be read when it was taken up; it is asked again before anything is said of it.
    Unread,
    /// What the store has of its tariff is no tariff. What it comes to nobody knows.
    Unreadable,
}

impl Counted {
    fn usage(&self) -> Option<(&Tariff, &Usage)> {
        match self {
            Self::Usage(tariff, usage) => Some((tariff.as_ref(), usage.as_ref())),
            Self::Nothing | Self::Unread | Self::Unreadable => None,
        }
    }

    fn is_unknown(&self) -> bool {
        match self {
            Self::Unread | Self::Unreadable => true,
            Self::Nothing | Self::Usage(..) => false,
        }
    }
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
            let charged = match rows {
                [Ok(money), Ok(accrued)] => taken_up(id, money.as_deref(), accrued.as_deref()),
                [Err(_), _] | [_, Err(_)] => {
                    tracing::warn!(%id, "the tariff of a transaction that runs is read later");
                    Some(Charged {
                        counted: Counted::Unread,
                        by_station: false,
                    })
                }
            };
            self.charged.extend(charged.map(|charged| (id, charged)));
        }
    }

    /// Something more is said of a transaction that is not in memory, or is over: what it was under is looked up.
    pub(super) fn recall_charged(&mut self, before: &Before) -> Result<(), StoreUnreadable> {
        let is_away = before.stored.is_some() || before.state == TransactionState::Ended;
        if before.settled().is_some() {
            return Ok(());
        }
        if is_away && !self.charged.contains_key(&before.id) {
            let charged = self.stored_charged(before.id)?;
            self.charged
                .extend(charged.map(|charged| (before.id, charged)));
        }
        self.reread(before.id)
    }

    /// Takes up what could not be read before.
    fn reread(&mut self, id: TransactionId) -> Result<(), StoreUnreadable> {
        let is_unread = |charged: &Charged| matches!(charged.counted, Counted::Unread);
        if self.charged.get(&id).is_some_and(is_unread) {
            match self.stored_charged(id)? {
                Some(charged) => self.charged.insert(id, charged),
                None => self.charged.remove(&id),
            };
        }
        Ok(())
    }

    fn stored_charged(&mut self, id: TransactionId) -> Result<Option<Charged>, StoreUnreadable> {
        let key = money_key(&mut self.scratch.canonical, id.0);
        let money = self.row(Table::Money, key)?;
        let key = accrued_key(&mut self.scratch.canonical, id.0);
        let accrued = self.row(Table::Money, key)?;
        Ok(taken_up(id, money.as_deref(), accrued.as_deref()))
    }

    /// All that is kept of a transaction's money.
    pub(super) fn money(&mut self, id: TransactionId) -> Result<TransactionMoney, StoreUnreadable> {
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
    /// record before it, with what else is `known` of its money.
    pub(super) fn begin_charge(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        mut known: TransactionMoney,
        held: Option<i64>,
    ) {
        let tenant = self.stations[station].state.key.tenant();
        let told = known.station_cost.as_ref().map(|cost| &*cost.tariff_id);
        let told = report.tariff_id.or(told).unwrap_or_default();
        let named = self.settings.tariffs.find(tenant, told);
        let at = self.clock(now, station).began(report);
        let driver = report.driver_tariff.as_deref().filter(|_| told.is_empty());
        let driver = driver.and_then(|id| self.settings.tariffs.find(tenant, id));
        let applying = || self.applying(station, at);
        let Some((tariff, json)) = named.or(driver).or_else(applying) else {
            return;
        };
        let by_station = !told.is_empty() && told != tariff.id;
        let id = TransactionId(known.transaction_id);
        known.tariff = Some(applied(&tariff, &json, now));
        // It was held until then.
        let held = held.map(|held| held.saturating_add(at - report.occurred.at));
        let usage = Usage::begin(&tariff, at, held);
        let changed = MoneyChanged {
            money: known,
            tariff_is_new: true,
            settlement_is_new: false,
        };
        self.record(now, station, &changed);
        self.record(now, station, &written(id, &usage));
        let charged = Charged {
            counted: Counted::Usage(tariff, Box::new(usage)),
            by_station,
        };
        self.charged.insert(id, charged);
    }

    /// Counts what an event tells, with or without a register, and says in the transaction's `summary` what it comes to.
    pub(super) fn charge(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        before: &Before,
        has_register: bool,
        summary: &mut TransactionSummary,
    ) {
        // What an operator made of it stands, and nothing was measured by it.
        if before.settled().is_some() || before.standing_after(report).is_some() {
            return;
        }
        let clock = self.clock(now, station);
        let Some(Charged { counted, .. }) = self.charged.get_mut(&before.id) else {
            return;
        };
        if counted.is_unknown() {
            summary.cost = None;
        }
        let Counted::Usage(tariff, usage) = counted else {
            return;
        };
        let known = usage.clone();
        let has_ended = summary.state == TransactionState::Ended.code();
        let is_newest = before.seq_no <= report.seq_no;
        let was_over = before.ended_at.filter(|_| before.standing.is_none());
        let until = match was_over {
            None if is_newest => clock.went_on(report, usage.time_at),
            // Its beginning comes after its end, or after others.
            Some(ended_at) if usage.is_fresh() && before.end_was_heard => clock.heard(ended_at),
            Some(ended_at) if usage.is_fresh() => clock.up_to(ended_at),
            None if usage.is_fresh() => {
                let read_at = before.registers.last.and_then(|register| register.at);
                clock.measured(read_at, usage.time_at)
            }
            // One that was overtaken says how it was, and what is over has no more minutes.
            Some(_) | None => Until::from(usage.time_at.min(usage.energy_at)),
        };
        let is_told = summary.quality != Quality::Quarantined.code();
        // Nothing is delivered by an event that tells no register, nor is anything known not to be.
        let is_measured = |energy: &i64| has_register || *energy != usage.energy_mwh;
        let energy = summary.energy_mwh.filter(|_| is_told);
        if let Some(energy) = energy.filter(is_measured) {
            usage.energy(tariff, until, energy);
        }
        usage.time(tariff, until);
        if let Some(flow) = Flow::of_state(report.charging_state).filter(|_| is_newest) {
            usage.flows(flow);
        }
        if has_ended {
            usage.end(tariff, until);
        }
        summary.currency = tariff.currency;
        // What its energy does not enter is known without it.
        if summary.cost.is_some() || (has_ended && is_told && tariff.energy.is_none()) {
            summary.cost = Some(usage.bill(tariff, has_ended).total.incl_tax);
        }
        let bill = has_ended.then(|| {
            let bill = usage.bill(tariff, true);
            billed(before.id, usage, &bill, billing(summary.cost, is_told))
        });
        let accrued = (known != *usage).then(|| written(before.id, usage));
        if let Some(accrued) = accrued {
            self.record(now, station, &accrued);
        }
        if let Some(bill) = bill {
            self.record(now, station, &bill);
        }
    }

    /// Counts what meter values with a register beside an event tell; of those that come `again`, what no crash has kept.
    pub(super) fn charge_values(&mut self, now: Now, station: u32, id: [u8; 16], again: bool) {
        let id = TransactionId(id);
        if !self.charged.contains_key(&id) {
            return;
        }
        let state = &self.stations[station].state;
        let Some(transaction) = state.transaction(id) else {
            return;
        };
        let told_at = transaction.registers.last.and_then(|register| register.at);
        if again && told_at.is_none() {
            return;
        }
        let is_told = transaction.quality != Quality::Quarantined;
        let energy = transaction.energy.filter(|_| is_told);
        let clock = self.clock(now, station);
        let counted = self
            .charged
            .get_mut(&id)
            .map(|charged| &mut charged.counted);
        let (Some(Counted::Usage(tariff, usage)), Some(energy)) = (counted, energy) else {
            return;
        };
        let known = usage.clone();
        // What delivers nothing more may be the register of long ago.
        let is_news = energy.0 != usage.energy_mwh;
        let until = clock.measured(told_at, usage.time_at);
        let until = match told_at {
            Some(at) if !is_news => Until {
                at: at.min(until.at),
                ..until
            },
            Some(_) | None => until,
        };
        usage.energy(tariff, until, energy.0);
        usage.time(tariff, until);
        if known != *usage {
            let accrued = written(id, usage);
            self.record(now, station, &accrued);
        }
    }

    /// Says what a transaction comes to that an operator ends, at `ended_at` if that is said. That lies over what was counted,
    /// and is not counted itself. Answers the record of it.
    pub(super) fn charge_close(
        &mut self,
        before: &Before,
        ended_at: Option<UtcMicros>,
        summary: &mut TransactionSummary,
    ) -> Option<TransactionCosted> {
        let Charged { counted, .. } = self.charged.get(&before.id)?;
        if counted.is_unknown() {
            summary.cost = None;
        }
        let (tariff, usage) = counted.usage()?;
        summary.currency = tariff.currency;
        let is_told = summary.quality != Quality::Quarantined.code();
        let is_billed = summary.cost.is_some() || (is_told && tariff.energy.is_none());
        let (usage, bill) = closed(tariff, usage, ended_at, summary.energy_mwh);
        summary.cost = is_billed.then_some(bill.total.incl_tax);
        Some(billed(
            before.id,
            &usage,
            &bill,
            billing(summary.cost, is_told),
        ))
    }

    /// A transaction runs no longer.
    pub(super) fn end_charge(&mut self, id: TransactionId) {
        self.charged.remove(&id);
        self.forget_limits(id);
    }

    /// Reads what [`Shard::agree_on_tariff`] and [`Shard::note_told`] will add to.
    pub(super) fn look_up_money(
        &mut self,
        report: &TransactionReport<'_>,
        id: TransactionId,
    ) -> Result<(), StoreUnreadable> {
        if report.tariff_id.is_some() || report.cost_details.is_some() || self.may_agree(report, id)
        {
            self.money(id)?;
            self.reread(id)?;
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
        let before = money.station_cost.clone();
        let is_overtaken = before
            .as_ref()
            .is_some_and(|before| report.seq_no < before.seq_no);
        let before = before.unwrap_or_default();
        // Of two tariffs the later one holds, in whatever order they are told.
        let named = report
            .tariff_id
            .filter(|_| !is_overtaken || before.tariff_id.is_empty());
        let known = money.clone();
        if let Some(named) = named {
            self.name_tariff(now, station, report, id, named, &mut money);
        }
        let details = report.cost_details.clone().filter(|_| !is_overtaken);
        let mut told = StationCost {
            seq_no: report.seq_no.max(before.seq_no),
            told_at: before.told_at,
            tariff_id: named.map_or(before.tariff_id, str::to_owned),
            details: details.unwrap_or(before.details),
        };
        // The same event again is no news.
        if known.station_cost.as_ref() != Some(&told) {
            told.told_at = now.utc.0;
            money.station_cost = Some(told);
        }
        if money != known {
            let changed = MoneyChanged {
                tariff_is_new: money.tariff != known.tariff,
                settlement_is_new: false,
                money,
            };
            self.record(now, station, &changed);
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
        let found = self.settings.tariffs.find(state.key.tenant(), named);
        if let Some(found) = found.filter(|_| is_active && !is_current(money)) {
            self.put_under(now, station, report, found, Takes::Over, money);
        }
        let by_station = !is_current(money);
        if is_active {
            let none = || Charged {
                counted: Counted::Nothing,
                by_station,
            };
            self.charged.entry(id).or_insert_with(none).by_station = by_station;
        }
    }

    /// Whoever shows a token after the beginning brings a tariff, which holds from the beginning (I08.FR.34), and one that is
    /// not accepted leaves no cost (I07.FR.30, I08.FR.20). On record before the event, so that this is counted by it.
    pub(super) fn agree_on_tariff(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        before: &Before,
    ) {
        if before.state != TransactionState::Active || !self.may_agree(report, before.id) {
            return;
        }
        let is_refused = is_refused(report);
        let was_refused = self.was_refused(before.id);
        // One that comes again, or late, undoes nothing.
        if (is_refused || was_refused) && report.seq_no <= before.seq_no {
            return;
        }
        let found = if is_refused {
            self.no_tariff(before.id)
        } else if !was_refused && before.token_ref.is_some() {
            // It keeps the tariff that it has, whatever that token's is by now.
            None
        } else {
            let tenant = self.stations[station].state.key.tenant();
            let driver = report.driver_tariff.as_deref();
            let driver = driver.and_then(|id| self.settings.tariffs.find(tenant, id));
            // After a refusal somebody is let charge all the same, by what holds here.
            let at = self.clock(now, station).began(report);
            match was_refused {
                true => driver.or_else(|| self.applying(station, at)),
                false => driver,
            }
        };
        // Its money could be read before.
        let (Some(found), Ok(mut money)) = (found, self.money(before.id)) else {
            return;
        };
        let told = money.station_cost.as_ref().map(|cost| &*cost.tariff_id);
        let is_named = report.tariff_id.or(told).is_some_and(|id| !id.is_empty());
        if is_named && !is_refused {
            return;
        }
        let known = money.tariff.clone();
        self.put_under(now, station, report, found, Takes::Nothing, &mut money);
        if money.tariff != known {
            let changed = MoneyChanged {
                money,
                tariff_is_new: true,
                settlement_is_new: false,
            };
            self.record(now, station, &changed);
        }
    }

    /// The tariff that holds at a station.
    fn applying(&self, station: u32, at: i64) -> Option<(Arc<Tariff>, Arc<str>)> {
        let state = &self.stations[station].state;
        let book = self.settings.tariffs.of(state.key.tenant())?;
        let details = state.details();
        let configured = details.configured.as_ref();
        let site = configured.map_or("", |configured| &configured.site);
        tariff::applying(&book, state.key.identity(), site, at)
    }

    /// True for a transaction whose driver has not accepted its tariff.
    fn was_refused(&self, id: TransactionId) -> bool {
        let charged = self.charged.get(&id);
        let usage = charged.and_then(|charged| charged.counted.usage());
        usage.is_some_and(|(tariff, _)| tariff.id == NOT_ACCEPTED)
    }

    /// Whether an event behind the beginning may bring another tariff than that.
    fn may_agree(&self, report: &TransactionReport<'_>, id: TransactionId) -> bool {
        if is_refused(report) {
            return !self.was_refused(id);
        }
        // Only one that says so ends a refusal: others show the token that was refused for.
        let lets_charge = [TriggerReason::Authorized, TriggerReason::RemoteStart]
            .iter()
            .any(|reason| report.trigger_reason == reason.as_str());
        report.kind == TransactionEventKind::Updated
            && match self.was_refused(id) {
                true => report.id_token.is_some() && lets_charge,
                false => report.driver_tariff.is_some(),
            }
    }

    /// What holds for a transaction whose driver does not accept its tariff: no price at all.
    fn no_tariff(&self, id: TransactionId) -> Option<(Arc<Tariff>, Arc<str>)> {
        let charged = self.charged.get(&id);
        let usage = charged.and_then(|charged| charged.counted.usage());
        let (currency, zone) = usage.map_or((self.config.tariff.currency, "UTC"), |(tariff, _)| {
            (tariff.currency, tariff.zone.name())
        });
        let currency = std::str::from_utf8(&currency).ok()?;
        let json = format!(r#"{{"tariffId":"{NOT_ACCEPTED}","currency":"{currency}"}}"#);
        let (none, json) = tariff::read(&json, zone).ok()?;
        Some((Arc::new(none), json.into()))
    }

    /// Counts a transaction by another tariff from here on.
    fn put_under(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        (tariff, json): (Arc<Tariff>, Arc<str>),
        takes: Takes,
        money: &mut TransactionMoney,
    ) {
        let id = TransactionId(money.transaction_id);
        // What nobody can read is not begun anew by another price: what it comes to stays open.
        let charged = self.charged.get(&id);
        if charged.is_some_and(|charged| charged.counted.is_unknown()) {
            return;
        }
        let state = &self.stations[station].state;
        let Some(transaction) = state.transaction(id) else {
            return;
        };
        let started_at = transaction.started_at.unwrap_or(report.occurred.at);
        let energy = transaction.energy;
        money.tariff = Some(applied(&tariff, &json, now));
        let charged = self.charged.remove(&id).map(|charged| charged.counted);
        let usage = match (charged, takes) {
            (Some(Counted::Usage(old, mut usage)), Takes::Over)
                if old.currency == tariff.currency =>
            {
                usage.change(&old);
                *usage
            }
            (Some(Counted::Usage(_, old)), Takes::Nothing) => old.again(&tariff),
            // One in another currency takes nothing over; one that comes first holds from the beginning.
            (Some(_) | None, _) => {
                let clock = self.clock(now, station);
                let started_at = clock.had_begun(report, id, started_at);
                let mut usage = Usage::begin(&tariff, started_at, None);
                if let Some(energy) = energy {
                    usage.energy(&tariff, clock.went_on(report, started_at), energy.0);
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
            counted: Counted::Usage(tariff, Box::new(usage)),
            by_station: false,
        };
        self.charged.insert(id, charged);
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
        let closing = view.closing.as_ref().filter(|closing| closing.stands);
        let energy_mwh = view.energy.map(|energy| energy.0);
        let bill = |charged: &Charged| {
            let (tariff, usage) = charged.counted.usage()?;
            Some(match closing {
                Some(closing) => closed(tariff, usage, closing.ended_at, energy_mwh).1,
                None => usage.bill(tariff, has_ended),
            })
        };
        let bill = match self.charged.get(&id) {
            Some(charged) if !matches!(charged.counted, Counted::Unread) => bill(charged),
            Some(_) | None => self.stored_charged(id)?.as_ref().and_then(bill),
        };
        Ok(Some(Box::new(MoneyView {
            bill,
            station_cost: money.station_cost,
            settlements: money.settlements,
        })))
    }
}

/// A usage that an operator ends, with so much energy if that is known, and what it comes to. Where the operator does not say
/// when it ended, it has no more minutes than were counted: nobody knows what was in others.
fn closed(
    tariff: &Tariff,
    usage: &Usage,
    ended_at: Option<UtcMicros>,
    energy_mwh: Option<i64>,
) -> (Usage, Bill) {
    let mut usage = usage.clone();
    let at = ended_at.map_or(usage.time_at, |at| at.0);
    if let Some(energy_mwh) = energy_mwh {
        usage.energy(tariff, at, energy_mwh);
    }
    usage.end(tariff, at);
    let bill = usage.bill(tariff, true);
    (usage, bill)
}

/// Its driver does not accept the tariff (I07.FR.30, I08.FR.20).
fn is_refused(report: &TransactionReport<'_>) -> bool {
    report.trigger_reason == NOT_ACCEPTED
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
        Fact::MoneyChanged(changed) => Some(changed.money),
        Fact::TransactionMoney(money) => Some(money),
        _ => None,
    }
}

/// A transaction as its rows say it; `None` for one that no row is about.
fn taken_up(id: TransactionId, money: Option<&[u8]>, accrued: Option<&[u8]>) -> Option<Charged> {
    let money = read_money(money?);
    let is_readable = money.is_some();
    let money = money.unwrap_or_default();
    let accrued = accrued.and_then(|row| match read_record_row(row)?.1.body.to_fact().ok()? {
        Fact::CostAccrued(accrued) => Some(accrued),
        _ => None,
    });
    let counted = match (&money.tariff, accrued) {
        (None, _) if is_readable => Counted::Nothing,
        (Some(applied), Some(accrued)) => match tariff::read(&applied.tariff, &applied.time_zone) {
            Ok((tariff, _)) => Counted::Usage(Arc::new(tariff), Box::new(usage_of(&accrued))),
            Err(_) => Counted::Unreadable,
        },
        (None | Some(_), _) => Counted::Unreadable,
    };
    if matches!(counted, Counted::Unreadable) {
        tracing::error!(%id, "the tariff of a transaction is unreadable, it is not billed");
    }
    let ours = money.tariff.as_ref().map_or("", |tariff| &tariff.tariff_id);
    let told = money
        .station_cost
        .as_ref()
        .map_or("", |cost| &cost.tariff_id);
    Some(Charged {
        counted,
        by_station: !told.is_empty() && told != ours,
    })
}

/// Whether there is a bill: `cost` is what it says, `is_told` that the registers can be right.
fn billing(cost: Option<i64>, is_told: bool) -> Billing {
    match (cost, is_told) {
        (Some(_), _) => Billing::Billed,
        (None, true) => Billing::NotKnown,
        (None, false) => Billing::NotBilled,
    }
}
