//! What a transaction may come to at most (2.1 E16, F07): what operators have set, and what its station has said.
//!
//! A limit goes out once, with the answer to the first event after it was set (E16.FR.02), and again with the answer to the
//! same event, which a station repeats when it has not heard the first one.
//!
//! # Invariants
//!
//! - `limits` has the transactions that run and have a limit; what operators have set is on record before it is there.
//! - Nothing goes out that the station has not said to keep to (E16.FR.12), and nothing that nobody asked for.

use std::cmp::Ordering;

use fleet::TransactionId;
use fleet::record::{
    CostLimits, Limits, Protocol, StartLimit, TransactionLimit, TransactionLimits,
};
use ocpp::{Int, Number, v21};

use super::super::store::StoreUnreadable;
use super::super::summary::TransactionReport;
use super::super::{Now, Shard};
use crate::retry::Verdict;
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

/// Limits of each kind that went out for a transaction, were overtaken, and may still be confirmed.
const SENT_BEFORE_MAX: usize = 8;

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
    /// Takes up which of a station's transactions have a limit. What cannot be read is to be read before it is used.
    pub(in crate::shard) fn load_limits(
        &mut self,
        state: &StationState,
    ) -> Result<(), StoreUnreadable> {
        let active: Vec<_> = state.active().map(|transaction| transaction.id).collect();
        self.take_up_limits(state.key.as_str(), &active)
    }

    fn take_up_limits(
        &mut self,
        key: &str,
        active: &[TransactionId],
    ) -> Result<(), StoreUnreadable> {
        if active.is_empty() {
            return Ok(());
        }
        let kept: TransactionLimits = self.grid_of(key)?;
        let before: CostLimits = self.grid_of(key)?;
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
            if active.contains(&id) {
                self.limits.insert(id, limit);
            }
        }
        Ok(())
    }

    /// Takes up what could not be read before.
    pub(in crate::shard) fn reread_limits(&mut self, station: u32) -> Result<(), StoreUnreadable> {
        let side = self.stations[station].side.as_deref();
        if side.is_some_and(|side| side.has_unread_limits) {
            let key = self.stations[station].state.key.clone();
            let active: Vec<_> = self.stations[station]
                .state
                .active()
                .map(|t| t.id)
                .collect();
            self.take_up_limits(key.as_str(), &active)?;
            self.stations[station].side_mut().has_unread_limits = false;
        }
        Ok(())
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
        // One whose station was deleted, or has begun too many since, runs on in the store alone.
        let Some(station) = self.active.get(&id).copied() else {
            return Ok(LimitOutcome::Over(view));
        };
        self.reread_limits(station)?;
        if let Err(refused) = self.check_limits(station, &request.limits)? {
            return Ok(LimitOutcome::Refused(refused));
        }
        if self.stalled {
            return Ok(LimitOutcome::Refused(CommandRefused::LogDown));
        }
        let before = self.limits.get(&id).cloned();
        let mut limit = before.unwrap_or_else(|| unlimited(id));
        let before = self.limits_sent.get(&id);
        limit.waiting = waiting_after(&limit, before, &request.limits);
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
        let is_newer = limit.set_at < Some(start.set_at);
        // Of what was set since the start, nothing is older than that.
        let set = zip(&start.set, &limit.set, |start, since| {
            start.filter(|_| is_newer || since.is_none())
        });
        let before = self.limits_sent.get(&id);
        limit.waiting = waiting_after(limit, before, &set);
        limit.set = over(&limit.set, &set);
        if is_newer {
            limit.set_by.clone_from(&start.set_by);
            limit.set_at = Some(start.set_at);
        }
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
        verdict: Verdict,
    ) {
        let state = &self.stations[station].state;
        if !state.active().any(|transaction| transaction.id == id) {
            self.forget_limits(id);
            if let Some(start) = begins {
                self.forget_start_limit(now, station, start.remote_start_id);
            }
            return;
        }
        if report.limits.is_none() && begins.is_none() {
            return;
        }
        let limit = self.limits.entry(id).or_insert_with(|| unlimited(id));
        if let Some(told) = report
            .limits
            .filter(|told| is_newer(limit, report, told, verdict))
        {
            let mut none = SentBefore::default();
            let before = self.limits_sent.get_mut(&id).unwrap_or(&mut none);
            // What it has set itself, and lies below what waits, is not to be answered by a limit (E16.FR.08). What it has taken
            // over from us is not its own: what waits was set after that. Nor is what it said before, which an event from its
            // queue repeats, or what it said while it could not hear us (E16.FR.18).
            let [told_now, sent, told_before] = [&told, &limit.sent, &limit.told].map(Limits::each);
            let own = Limits::of_each(std::array::from_fn(|at| {
                let was_confirmed = is_confirmed(limit, at) && !before.is_late[at];
                told_now[at].filter(|told| match sent[at] {
                    None => true,
                    Some(sent) if before.confirms(at, sent, *told) => false,
                    Some(sent) if sent < *told => true,
                    // What lies below a limit that it has taken over is not that limit, rounded.
                    Some(_) if was_confirmed && Some(*told) < told_before[at] => !report.offline,
                    Some(sent) => {
                        !report.offline
                            && told_before[at] != Some(*told)
                            && !is_confirmation(at, sent, *told)
                    }
                })
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
        verdict: Verdict,
    ) -> Option<String> {
        // A station may have come back with another version, in which answers have no limits.
        if self.stations[station].state.protocol != Some(Protocol::Ocpp21) {
            return None;
        }
        let limit = self.limits.get_mut(&id)?;
        // Some stations give all their events one number.
        let is_repeated = verdict == Verdict::Same
            && limit.sent_at.is_some()
            && limit.newest_seq_no == report.seq_no;
        let again = limit.newest;
        let told = match is_repeated {
            true => over(&again, &limit.waiting),
            false => limit.waiting,
        };
        if told.is_empty() {
            return None;
        }
        limit.waiting = Limits::default();
        let before = self.limits_sent.entry(id).or_default();
        for (at, (sent, told)) in limit.sent.each().into_iter().zip(told.each()).enumerate() {
            if let Some(sent) = sent.filter(|sent| told.is_some_and(|told| told != *sent)) {
                before.add(at, sent, is_confirmed(limit, at));
            }
        }
        if before.is_empty() {
            self.limits_sent.remove(&id);
        }
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

    /// A transaction runs no more.
    pub(in crate::shard) fn forget_limits(&mut self, id: TransactionId) {
        self.limits.remove(&id);
        self.limits_sent.remove(&id);
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

/// Limits of a transaction that went out before the newest, by the members of [`Limits::each`], as far as its station has not
/// confirmed them: it may do so late. A restart forgets them, and a late confirmation is the driver's own limit then.
#[derive(Default)]
pub(in crate::shard) struct SentBefore {
    /// At most [`SENT_BEFORE_MAX`] of each, the oldest first.
    sent: [Vec<i64>; 4],
    /// The newest word of the station is of one of those.
    is_late: [bool; 4],
}

impl SentBefore {
    /// Another one takes the place of what was `sent`.
    fn add(&mut self, at: usize, sent: i64, was_confirmed: bool) {
        let was_late = std::mem::take(&mut self.is_late[at]);
        let before = &mut self.sent[at];
        if was_confirmed && !was_late {
            before.clear();
            return;
        }
        if before.len() == SENT_BEFORE_MAX {
            before.remove(0);
        }
        before.push(sent);
    }

    /// Whether what a station tells is none but its word on one of these, which it has then taken over, and those before it.
    fn confirms(&mut self, at: usize, newest: i64, told: i64) -> bool {
        let is_it = |sent: &i64| is_confirmation(at, *sent, told);
        let found = self.sent[at].iter().position(is_it);
        let found = found.filter(|_| !is_it(&newest));
        if is_it(&newest) {
            self.sent[at].clear();
        } else if let Some(found) = found {
            self.sent[at].drain(..=found);
        }
        self.is_late[at] = found.is_some();
        found.is_some()
    }

    fn is_empty(&self) -> bool {
        self.sent.iter().all(Vec::is_empty) && !self.is_late.contains(&true)
    }
}

/// Whether an event tells more of limits than is known. Some stations give all their events one number, of which one that is said
/// again has nothing new, and some begin to count anew: such an event has come about after the one before was told.
fn is_newer(
    limit: &TransactionLimit,
    report: &TransactionReport<'_>,
    told: &Limits,
    verdict: Verdict,
) -> bool {
    let Some(told_at) = limit.told_at else {
        return true;
    };
    match report.seq_no.cmp(&limit.told_seq_no) {
        Ordering::Greater => true,
        Ordering::Equal => verdict != Verdict::Same || over(&limit.told, told) != limit.told,
        Ordering::Less => {
            let occurred = &report.occurred;
            let is_live = !report.offline && occurred.clock_trusted && told_at < occurred.at;
            is_live && verdict != Verdict::Same
        }
    }
}

/// Whether the station has said that it keeps to what was sent of a member of [`Limits::each`].
fn is_confirmed(limit: &TransactionLimit, at: usize) -> bool {
    let [sent, told] = [&limit.sent, &limit.told].map(|limits| limits.each()[at]);
    let is_it = sent.zip(told);
    limit.sent_at < limit.told_at
        && is_it.is_some_and(|(sent, told)| is_confirmation(at, sent, told))
}

/// What goes out once an operator has `set` this: not what the station keeps to already, as far as it has said.
fn waiting_after(limit: &TransactionLimit, before: Option<&SentBefore>, set: &Limits) -> Limits {
    let [set, waiting] = [set, &limit.waiting].map(Limits::each);
    let is_late = |at: usize| before.is_some_and(|before| before.is_late[at]);
    Limits::of_each(std::array::from_fn(|at| match set[at] {
        // What it has confirmed late says nothing of what went out since.
        Some(set) => Some(set).filter(|set| is_late(at) || !is_kept(limit, at, *set)),
        None => waiting[at],
    }))
}

/// Whether a station has said that it keeps to a member of [`Limits::each`], or to less of its own (E16.FR.08). What went out and
/// found no answer may be lost, and is set again.
fn is_kept(limit: &TransactionLimit, at: usize, set: i64) -> bool {
    let [sent, newest, told] = [&limit.sent, &limit.newest, &limit.told].map(|l| l.each()[at]);
    let is_silent = newest.is_some() && limit.told_at <= limit.sent_at;
    match (told, sent) {
        (None, _) => false,
        (Some(_), Some(_)) if is_silent => false,
        (Some(told), Some(sent)) if is_confirmation(at, sent, told) => sent == set || told == set,
        (Some(told), _) => told <= set,
    }
}

/// Whether what a station says of a member of [`Limits::each`] is what it was sent, as near as its meter comes to it: one that counts
/// whole kilowatt-hours stops at 2000 Wh for 2300 (E16.FR.19).
fn is_confirmation(at: usize, sent: i64, told: i64) -> bool {
    /// One of the currency, a kilowatt-hour, a minute and a percent.
    const COARSEST: [u64; 4] = [1_000_000, 1_000_000, 60, 1];
    sent.abs_diff(told) < COARSEST[at]
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
