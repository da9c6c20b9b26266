//! What a transaction may come to at most (2.1 E16, F07): what operators have set, and what its station has said.
//!
//! A limit goes out once, with the answer to the first event after it was set (E16.FR.02), and again with the answer to the
//! same event, which a station repeats when it has not heard the first one.
//!
//! # Invariants
//!
//! - `limits` has the transactions that run and have a limit; what operators have set is on record before it is there.
//! - Nothing goes out that the station has not said to keep to (E16.FR.12), and nothing that nobody asked for.

use fleet::TransactionId;
use fleet::record::{
    CostLimits, Limits, Protocol, StartLimit, TransactionLimit, TransactionLimits, TransactionState,
};
use ocpp::{Int, Number, v21};

use super::super::store::StoreUnreadable;
use super::super::summary::TransactionReport;
use super::super::{Now, Shard};
use crate::router::limits::{LimitOutcome, LimitRequest};
use crate::router::pending::Reply;
use crate::router::{CommandRefused, RouterError};
use crate::state::StationState;
use crate::variables::Named;
use crate::variables::row::Name;

/// Limited transactions that are kept of a station; of more, the oldest is forgotten at the next start.
const LIMITS_MAX: usize = 64;
/// Limited starts of a station whose transactions nobody has heard of; of more, the oldest begins without a limit.
const STARTS_MAX: usize = 16;

/// What an operator's wish is called as the cause of a record.
const SET: &str = "Sigec.Limited";
/// What a station's word on limits is.
const EVENT: &str = "TransactionEvent";

/// Members of `transactionLimit`, in the order of [`Limits::each`]. For the third, the list that defines
/// `TxCtrlr.SupportedLimits` has another name (2.1 Part 2 §2.8.1, E16.FR.20).
const NAMES: [&[&str]; 4] = [
    &["maxCost"],
    &["maxEnergy"],
    &["maxTime", "maxLength"],
    &["maxSoC"],
];

impl Shard {
    /// Takes up which of a station's transactions have a limit.
    pub(in crate::shard) fn load_limits(&mut self, state: &StationState) {
        if state.protocol != Some(Protocol::Ocpp21) || state.active().next().is_none() {
            return;
        }
        // A failed read was counted; what the station says next of its limit is noted.
        let (Ok(kept), Ok(before)) = (
            self.grid_of::<TransactionLimits>(state.key.as_str()),
            self.grid_of::<CostLimits>(state.key.as_str()),
        ) else {
            return;
        };
        let before = before.limits.into_iter().map(|limit| TransactionLimit {
            transaction_id: limit.transaction_id,
            told: Limits {
                cost_micros: limit.max_cost.parse().ok().map(nearest_micros),
                ..Limits::default()
            },
            ..TransactionLimit::default()
        });
        // What has both is kept as the newer kind says it.
        for limit in before.chain(kept.limits) {
            let id = TransactionId(limit.transaction_id);
            if state.active().any(|transaction| transaction.id == id) {
                self.limits.insert(id, limit);
            }
        }
    }

    /// Limits a transaction as an operator asks.
    pub(in crate::shard) fn limit_transaction(
        &mut self,
        now: Now,
        request: LimitRequest,
        reply: Reply<LimitOutcome>,
    ) {
        match self.set_limits(now, request) {
            Ok(outcome) => self.reply_when_durable(reply, outcome),
            Err(StoreUnreadable) => reply.refuse(RouterError::StoreUnreadable),
        }
    }

    fn set_limits(
        &mut self,
        now: Now,
        request: LimitRequest,
    ) -> Result<LimitOutcome, StoreUnreadable> {
        let id = request.transaction;
        let view = self.find_transaction(id)?;
        let Some(view) = view.filter(|view| view.station.tenant() == request.tenant) else {
            return Ok(LimitOutcome::Unknown);
        };
        let station = self.stations.find(&view.station);
        let (Some(station), TransactionState::Active) = (station, view.state) else {
            return Ok(LimitOutcome::Over(view));
        };
        if let Err(refused) = self.check_limits(station, &request.limits)? {
            return Ok(LimitOutcome::Refused(refused));
        }
        if self.stalled {
            return Ok(LimitOutcome::Refused(CommandRefused::LogDown));
        }
        let before = self.limits.get(&id).cloned();
        let mut limit = before.unwrap_or_else(|| unlimited(id));
        limit.waiting = waiting_after(&limit, &request.limits);
        limit.set = over(&limit.set, &request.limits);
        limit.set_by = request.principal;
        limit.set_at = Some(now.utc.0);
        self.keep_limit(now, station, SET, limit.clone())?;
        self.limits.insert(id, limit);
        let view = self.transaction_view(station, id);
        Ok(view.map_or(LimitOutcome::Unknown, LimitOutcome::Set))
    }

    /// Whether a station keeps to such limits (E16.FR.12).
    pub(in crate::shard) fn check_limits(
        &mut self,
        station: u32,
        limits: &Limits,
    ) -> Result<Result<(), CommandRefused>, StoreUnreadable> {
        let refused = |detail| Ok(Err(CommandRefused::Invalid(detail)));
        let protocol = self.stations[station].state.protocol;
        if protocol != Some(Protocol::Ocpp21) {
            let found = protocol.map_or("no version yet", Protocol::as_str);
            return refused(format!(
                "the station speaks {found}, expected OCPP 2.1: no other version has limits of transactions"
            ));
        }
        let named = |name: &str| Named {
            name: name.to_owned(),
            instance: String::new(),
        };
        let name = Name {
            component: named("TxCtrlr"),
            variable: named("SupportedLimits"),
            ..Name::default()
        };
        let Some(supported) = self.variable(station, &name)? else {
            return refused(
                "the station has not said to which limits it keeps; ask it for TxCtrlr.SupportedLimits (GetVariables)"
                    .to_owned(),
            );
        };
        let is_supported = |names: &[&str]| {
            let mut members = supported.split(',').map(str::trim);
            members.any(|member| names.contains(&member))
        };
        for (names, _) in NAMES.iter().zip(limits.each()).filter(|(_, l)| l.is_some()) {
            if !is_supported(names) {
                let name = names[0];
                return refused(format!(
                    "{name} is none of the limits to which the station keeps, {supported:?} (TxCtrlr.SupportedLimits)"
                ));
            }
        }
        Ok(Ok(()))
    }

    /// A remote start is about to be made: its transaction begins with these limits (F07.FR.01).
    pub(in crate::shard) fn keep_start_limit(
        &mut self,
        now: Now,
        station: u32,
        start: StartLimit,
    ) -> Result<(), StoreUnreadable> {
        self.stations[station].side_mut().has_no_limited_start = false;
        self.change_grid(now, station, SET, None, |kept: &mut TransactionLimits| {
            if kept.starts.len() == STARTS_MAX {
                kept.starts.remove(0);
            }
            kept.starts.push(start);
        })
    }

    /// The station said no to a remote start, or never heard of it.
    pub(in crate::shard) fn forget_start_limit(
        &mut self,
        now: Now,
        station: u32,
        remote_start_id: i64,
    ) {
        let is_other = |start: &StartLimit| start.remote_start_id != remote_start_id;
        let forgotten =
            self.change_grid(now, station, SET, None, |kept: &mut TransactionLimits| {
                kept.starts.retain(is_other);
            });
        if let Err(StoreUnreadable) = forgotten {
            // The failed read was counted; newer starts push the limit out.
        }
    }

    /// What was set with the remote start that an event is the first to name. However late that is: an event may have waited for
    /// a connection, or a start for its driver.
    pub(in crate::shard) fn start_limit(
        &mut self,
        station: u32,
        report: &TransactionReport<'_>,
    ) -> Result<Option<StartLimit>, StoreUnreadable> {
        let side = self.stations[station].side.as_deref();
        let has_none = side.is_some_and(|side| side.has_no_limited_start);
        if report.remote_start_id < 0 || has_none {
            return Ok(None);
        }
        let kept: TransactionLimits = self.grid(station)?;
        self.stations[station].side_mut().has_no_limited_start = kept.starts.is_empty();
        let is_it = |start: &StartLimit| start.remote_start_id == report.remote_start_id;
        Ok(kept.starts.into_iter().find(is_it))
    }

    /// The transaction of a remote start has the limits that were set with that.
    pub(in crate::shard) fn begin_limited(&mut self, id: TransactionId, start: &StartLimit) {
        let limit = self.limits.entry(id).or_insert_with(|| unlimited(id));
        limit.waiting = over(&start.set, &limit.waiting);
        limit.set = over(&start.set, &limit.set);
        limit.set_by.clone_from(&start.set_by);
        limit.set_at = Some(start.set_at);
    }

    /// An event is on record, which may have begun a limited transaction. Its station may have set a limit, or say which one it
    /// has taken over from somebody (E16.FR.01, E16.FR.03).
    pub(in crate::shard) fn note_limits(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        id: TransactionId,
        begins: Option<StartLimit>,
    ) {
        let state = &self.stations[station].state;
        if !state.active().any(|transaction| transaction.id == id) {
            self.limits.remove(&id);
            if let Some(start) = begins {
                self.forget_start_limit(now, station, start.remote_start_id);
            }
            return;
        }
        if report.limits.is_none() && begins.is_none() {
            return;
        }
        let limit = self.limits.entry(id).or_insert_with(|| unlimited(id));
        let is_newer = limit.told_at.is_none() || limit.told_seq_no < report.seq_no;
        if let Some(told) = report.limits.filter(|_| is_newer) {
            // What it has set itself, and lies below what waits, is not to be answered by a limit (E16.FR.08). What it has
            // taken over from us is no limit of its own.
            let sent = limit.sent.each();
            let own = Limits::of_each(std::array::from_fn(|at| {
                told.each()[at].filter(|_| told.each()[at] != sent[at])
            }));
            limit.waiting = zip(&limit.waiting, &own, |waiting, own| {
                waiting.filter(|waiting| own.is_none_or(|own| *waiting < own))
            });
            limit.told = over(&limit.told, &told);
            limit.told_seq_no = report.seq_no;
            limit.told_at = Some(now.utc.0);
        }
        let limit = limit.clone();
        if let Err(StoreUnreadable) = self.keep_limit(now, station, EVENT, limit) {
            // The failed read was counted; the limit is known until the next start.
        }
        if let Some(start) = begins {
            self.forget_start_limit(now, station, start.remote_start_id);
        }
    }

    /// What the answer to an event says of limits: a JSON object. It counts as sent.
    pub(in crate::shard) fn limits_to_tell(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        id: TransactionId,
    ) -> Option<String> {
        let limit = self.limits.get_mut(&id)?;
        let is_repeated = limit.sent_at.is_some() && limit.newest_seq_no == report.seq_no;
        let again = limit.newest;
        let told = match is_repeated {
            true => over(&again, &limit.waiting),
            false => limit.waiting,
        };
        if told.is_empty() {
            return None;
        }
        limit.waiting = Limits::default();
        limit.sent = over(&limit.sent, &told);
        limit.newest = told;
        limit.newest_seq_no = report.seq_no;
        limit.sent_at = Some(now.utc.0);
        let limit = limit.clone();
        if let Err(StoreUnreadable) = self.keep_limit(now, station, EVENT, limit) {
            // The failed read was counted; after a restart it goes out again.
        }
        Some(written(&told))
    }

    /// True for a transaction that may not cost more than somebody has said.
    pub(super) fn has_cost_limit(&self, id: TransactionId) -> bool {
        let limit = self.limits.get(&id);
        limit.is_some_and(|limit| limit.told.cost_micros.or(limit.set.cost_micros).is_some())
    }

    fn keep_limit(
        &mut self,
        now: Now,
        station: u32,
        cause: &str,
        limit: TransactionLimit,
    ) -> Result<(), StoreUnreadable> {
        let active = self.stations[station].state.active();
        let active: Vec<_> = active.map(|transaction| transaction.id).collect();
        self.change_grid(now, station, cause, None, |kept: &mut TransactionLimits| {
            kept.limits.retain(|other| {
                let of = TransactionId(other.transaction_id);
                other.transaction_id != limit.transaction_id && active.contains(&of)
            });
            if kept.limits.len() == LIMITS_MAX {
                kept.limits.remove(0);
            }
            kept.limits.push(limit);
        })
    }
}

/// What goes out once an operator has `set` this: not what the station keeps to already, as far as it has said.
fn waiting_after(limit: &TransactionLimit, set: &Limits) -> Limits {
    let [set, waiting] = [set, &limit.waiting].map(Limits::each);
    let [sent, told] = [&limit.sent, &limit.told].map(Limits::each);
    Limits::of_each(std::array::from_fn(|at| {
        let is_kept = match sent[at] {
            // Without a word of the station's it went out all the same.
            Some(_) => sent[at] == set[at] && told[at].is_none_or(|told| Some(told) == set[at]),
            None => told[at] == set[at],
        };
        match set[at] {
            None => waiting[at],
            Some(_) => set[at].filter(|_| !is_kept),
        }
    }))
}

fn unlimited(id: TransactionId) -> TransactionLimit {
    TransactionLimit {
        transaction_id: id.0,
        ..TransactionLimit::default()
    }
}

/// Each limit of two.
fn zip(a: &Limits, b: &Limits, each: impl Fn(Option<i64>, Option<i64>) -> Option<i64>) -> Limits {
    let (a, b) = (a.each(), b.each());
    Limits::of_each(std::array::from_fn(|at| each(a[at], b[at])))
}

/// Limits, and over them those that are newer.
fn over(old: &Limits, new: &Limits) -> Limits {
    zip(old, new, |old, new| new.or(old))
}

/// What a station says, as near as millionths and milliwatt-hours come to it.
pub(in crate::shard) fn limits_of(told: &v21::TransactionLimit<'_>) -> Limits {
    let energy = |told: &Number<'_>| {
        let nearest = || (told.as_str().parse().unwrap_or(f64::INFINITY) * 1e3).round() as i64;
        told.to_scaled(3).unwrap_or_else(nearest)
    };
    let cost = |told: &Number<'_>| {
        let nearest = || nearest_micros(told.as_str().parse().unwrap_or(f64::INFINITY));
        told.to_scaled(6).unwrap_or_else(nearest)
    };
    Limits {
        cost_micros: told.max_cost.as_ref().map(cost),
        energy_mwh: told.max_energy.as_ref().map(energy),
        time_s: told.max_time,
        soc_percent: told.max_soc.map(Int::get),
    }
}

/// Saturates: what lies beyond bounds nothing (E16.FR.17).
fn nearest_micros(amount: f64) -> i64 {
    (amount * 1e6).round() as i64
}

/// `TransactionLimitType`.
fn written(limits: &Limits) -> String {
    let told = v21::TransactionLimit {
        max_cost: limits.cost_micros.map(|micros| shortest(micros, 6)),
        max_energy: limits.energy_mwh.map(|mwh| shortest(mwh, 3)),
        max_time: limits.time_s,
        max_soc: limits.soc_percent.and_then(Int::new),
    };
    super::super::facts::written(|out| told.write(out))
}

/// A decimal without zeros at its end.
fn shortest(mut value: i64, mut decimals: u8) -> Number<'static> {
    while 0 < decimals && value % 10 == 0 {
        value /= 10;
        decimals -= 1;
    }
    Number::from_scaled(value, decimals)
}
