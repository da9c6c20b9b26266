//! What a transaction has used, counted under the prices that applied.

use super::bill::Parts;
use super::conditions::Moment;
use super::{Component, Price, Tariff};
use crate::away::Away;

/// A stretch without a word is cut at most for so long: beyond it the price that applies then goes on.
const CUT_MAX: i64 = 400 * super::zone::DAY;

/// Whether energy flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Flow {
    /// The station does not tell: it flows between two registers that differ.
    #[default]
    Untold,
    /// It does.
    Charging,
    /// It does not.
    Idle,
}

impl Flow {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Untold => 0,
            Self::Charging => 1,
            Self::Idle => 2,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Untold),
            1 => Some(Self::Charging),
            2 => Some(Self::Idle),
            _ => None,
        }
    }

    /// `ChargingStateEnumType`; an empty text says nothing.
    pub(crate) fn of_state(charging_state: &str) -> Option<Self> {
        match charging_state {
            "" => None,
            "Charging" => Some(Self::Charging),
            _ => Some(Self::Idle),
        }
    }
}

/// Up to when something is counted, and what of that is not. UTC microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Until<'a> {
    pub(crate) at: i64,
    /// Nobody knows what was then, oldest first: no minute of it is counted.
    pub(crate) away: &'a [Away],
}

impl From<i64> for Until<'_> {
    fn from(at: i64) -> Self {
        Self { at, away: &[] }
    }
}

/// See the module. Times are UTC microseconds, lengths microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) started_at: i64,
    /// Minutes are counted up to here.
    pub(crate) time_at: i64,
    /// Energy is counted up to here, and up to this much since the beginning.
    pub(crate) energy_at: i64,
    pub(crate) energy_mwh: i64,
    pub(crate) flow: Flow,
    pub(crate) charging: i64,
    pub(crate) idle: i64,
    /// Of the idle time that has not ended.
    pub(crate) idle_now: i64,
    /// Length of the reservation that it used.
    pub(crate) reservation: Option<i64>,
    /// Mean between the last two registers.
    pub(crate) power_mw: Option<i64>,
    /// Milliwatt-hours times millionths per kilowatt-hour.
    pub(crate) energy_sum: i128,
    /// Microseconds times millionths per minute.
    pub(crate) charging_sum: i128,
    pub(crate) idle_sum: i128,
    pub(crate) reservation_sum: i128,
    /// Millionths.
    pub(crate) fixed_micros: Option<i64>,
    pub(crate) reservation_micros: Option<i64>,
    /// What was used before another tariff took this one's place, hundredths.
    pub(crate) before: Parts,
    /// What it came to when that was the most that the tariff asks for.
    pub(crate) frozen: Option<Parts>,
}

impl Usage {
    /// A transaction begins; `reservation` is how long the one was held that it uses.
    pub(crate) fn begin(tariff: &Tariff, started_at: i64, reservation: Option<i64>) -> Self {
        let mut usage = Self {
            started_at,
            time_at: started_at,
            energy_at: started_at,
            reservation: reservation.map(|held| held.max(0)),
            ..Self::default()
        };
        let now = usage.moment(tariff, started_at, 0);
        let applies =
            |component: &Option<Component>| Some(price(component.as_ref()?, &now)?.micros);
        usage.fixed_micros = applies(&tariff.fixed_fee);
        if let Some(held) = usage.reservation {
            usage.reservation_micros = applies(&tariff.reservation_fixed);
            let per_minute = applies(&tariff.reservation_time).unwrap_or(0);
            usage.reservation_sum = i128::from(held) * i128::from(per_minute);
        }
        usage.frozen = usage.reached(tariff);
        usage
    }

    /// Another tariff applies from here on; nothing is counted anew (I11.FR.08).
    pub(crate) fn change(&mut self, tariff: &Tariff) {
        // The most that another tariff asks for is judged by all that was used.
        self.before = self.frozen.take().unwrap_or_else(|| self.parts(tariff));
        self.energy_sum = 0;
        self.charging_sum = 0;
        self.idle_sum = 0;
        self.reservation_sum = 0;
        self.fixed_micros = None;
        self.reservation_micros = None;
    }

    /// The same use, as if another tariff had held from the beginning: as many minutes of either kind, and what goes on now came
    /// last.
    pub(crate) fn again(&self, tariff: &Tariff) -> Self {
        let mut usage = Self::begin(tariff, self.started_at, self.reservation);
        let (first, length, last) = match self.flow {
            Flow::Charging => (Flow::Idle, self.idle, Flow::Charging),
            Flow::Idle | Flow::Untold => (Flow::Charging, self.charging, Flow::Idle),
        };
        let ends_at = self.started_at + self.idle + self.charging;
        usage.minutes(tariff, (self.started_at + length).into(), first);
        usage.minutes(tariff, ends_at.into(), last);
        // What was not counted then is not counted now.
        usage.time_at = self.time_at;
        usage.flow = self.flow;
        usage.energy(tariff, self.energy_at, self.energy_mwh);
        usage
    }

    /// Nothing has been counted yet.
    pub(crate) fn is_fresh(&self) -> bool {
        self.time_at == self.started_at && self.charging == 0 && self.idle == 0
    }

    /// `energy_mwh` were delivered since the beginning, by a register of that time.
    pub(crate) fn energy<'a>(
        &mut self,
        tariff: &Tariff,
        until: impl Into<Until<'a>>,
        energy_mwh: i64,
    ) {
        let until = until.into();
        if energy_mwh < self.energy_mwh {
            // The registers were begun anew: what was counted was never delivered.
            self.energy_sum = 0;
            self.before.forget_energy();
            self.frozen = None;
            self.energy_mwh = 0;
            self.energy_at = self.started_at;
        }
        let (from, to) = (self.energy_at, until.at.max(self.energy_at));
        let delivered = energy_mwh - self.energy_mwh;
        if from < to {
            // mWh over µs are 3.6 × 10⁹ mW.
            let power = i128::from(delivered) * 3_600_000_000 / i128::from(to - from);
            self.power_mw = Some(i64::try_from(power).unwrap_or(i64::MAX));
        }
        if self.flow == Flow::Untold {
            let flow = if 0 < delivered {
                Flow::Charging
            } else {
                Flow::Idle
            };
            self.minutes(tariff, Until { at: to, ..until }, flow);
        }
        if let Some(component) = tariff.energy.as_ref().filter(|_| 0 < delivered) {
            let begin = self.energy_mwh;
            let (mut at, mut counted) = (from, begin);
            for (cut_at, cut_mwh) in self.energy_cuts(tariff, component, to, energy_mwh) {
                let now = self.moment(tariff, at, counted);
                let micros = price(component, &now).map_or(0, |price| price.micros);
                self.energy_sum += i128::from(cut_mwh - counted) * i128::from(micros);
                (at, counted) = (cut_at, cut_mwh);
            }
        }
        self.energy_at = to;
        self.energy_mwh = energy_mwh;
        self.freeze(tariff);
    }

    /// Time has passed, and energy has flowed or not as was told before.
    pub(crate) fn time<'a>(&mut self, tariff: &Tariff, until: impl Into<Until<'a>>) {
        if self.flow != Flow::Untold {
            self.minutes(tariff, until.into(), self.flow);
        }
    }

    /// From now on energy flows, or does not.
    pub(crate) fn flows(&mut self, flow: Flow) {
        self.flow = flow;
    }

    /// The last word: what was not told until now was idle.
    pub(crate) fn end<'a>(&mut self, tariff: &Tariff, until: impl Into<Until<'a>>) {
        let flow = match self.flow {
            Flow::Untold => Flow::Idle,
            told => told,
        };
        self.minutes(tariff, until.into(), flow);
    }

    fn minutes(&mut self, tariff: &Tariff, until: Until<'_>, flow: Flow) {
        for away in until.away {
            if let Some(heard_until) = away.heard_until {
                self.stretch(tariff, heard_until.min(until.at), flow);
            }
            self.time_at = self.time_at.max(away.back_at.min(until.at));
        }
        self.stretch(tariff, until.at, flow);
    }

    fn stretch(&mut self, tariff: &Tariff, at: i64, flow: Flow) {
        let (from, to) = (self.time_at, at);
        if to <= from {
            return;
        }
        let charges = flow == Flow::Charging;
        if charges {
            self.idle_now = 0;
        }
        let component = if charges {
            &tariff.charging_time
        } else {
            &tariff.idle_time
        };
        let cuts = match component {
            Some(component) => self.time_cuts(tariff, component, to, charges),
            None => vec![to],
        };
        for cut in cuts {
            let length = cut - self.time_at;
            let now = self.moment(tariff, self.time_at, self.energy_mwh);
            let price = component
                .as_ref()
                .and_then(|component| price(component, &now));
            let sum = i128::from(length) * i128::from(price.map_or(0, |price| price.micros));
            if charges {
                self.charging += length;
                self.charging_sum += sum;
            } else {
                self.idle += length;
                self.idle_now += length;
                self.idle_sum += sum;
            }
            self.time_at = cut;
        }
        self.freeze(tariff);
    }

    fn freeze(&mut self, tariff: &Tariff) {
        if self.frozen.is_none() {
            self.frozen = self.reached(tariff);
        }
    }

    fn moment(&self, tariff: &Tariff, at: i64, energy_mwh: i64) -> Moment {
        Moment {
            local: tariff.zone.local(at),
            energy_mwh,
            power_mw: self.power_mw,
            time: at - self.started_at,
            charging: self.charging,
            idle: self.idle_now,
        }
    }

    /// Where another energy price may begin to apply, and how much is delivered by then; the last is the end.
    fn energy_cuts(
        &self,
        tariff: &Tariff,
        component: &Component,
        to: i64,
        energy_mwh: i64,
    ) -> Vec<(i64, i64)> {
        let (from, begin) = (self.energy_at, self.energy_mwh);
        let (length, delivered) = (i128::from(to - from), i128::from(energy_mwh - begin));
        let mut times = Vec::new();
        clock_cuts(tariff, component, from, to, &mut times);
        let bounds = component.prices.iter().flat_map(|p| p.conditions.times());
        times.extend(bounds.map(|time| self.started_at.saturating_add(time)));
        let share = |at: i64| {
            let passed = i128::from(at - from);
            begin + i64::try_from(delivered * passed / length.max(1)).unwrap_or(0)
        };
        let within = |at: &i64| from < *at && *at < to;
        let mut cuts: Vec<_> = times
            .into_iter()
            .filter(within)
            .map(|at| (at, share(at)))
            .collect();
        let bounds = component
            .prices
            .iter()
            .flat_map(|p| p.conditions.energies());
        let within = |mwh: &i64| begin < *mwh && *mwh < energy_mwh;
        cuts.extend(bounds.filter(within).map(|mwh| {
            let passed = i128::from(mwh - begin) * length / delivered.max(1);
            (from + i64::try_from(passed).unwrap_or(0), mwh)
        }));
        cuts.push((to, energy_mwh));
        cuts.sort_unstable_by_key(|(at, mwh)| (*mwh, *at));
        // A whole milliwatt-hour may lie on either side of a cut in time; neither goes back.
        let mut latest = from;
        for (at, _) in &mut cuts {
            latest = latest.max(*at);
            *at = latest;
        }
        cuts
    }

    /// Where another price of a minute may begin to apply; the last is the end.
    fn time_cuts(
        &self,
        tariff: &Tariff,
        component: &Component,
        to: i64,
        charges: bool,
    ) -> Vec<i64> {
        let from = self.time_at;
        let mut cuts = Vec::new();
        clock_cuts(tariff, component, from, to, &mut cuts);
        for conditions in component.prices.iter().map(|price| &price.conditions) {
            cuts.extend(
                conditions
                    .times()
                    .map(|time| self.started_at.saturating_add(time)),
            );
            let left =
                |counted: i64| move |bound: i64| from.saturating_add(bound.saturating_sub(counted));
            if charges {
                cuts.extend(conditions.chargings().map(left(self.charging)));
            } else {
                cuts.extend(conditions.idles().map(left(self.idle_now)));
            }
        }
        cuts.retain(|at| from < *at && *at < to);
        cuts.push(to);
        cuts.sort_unstable();
        cuts.dedup();
        cuts
    }
}

/// The price that applies.
fn price<'p>(component: &'p Component, now: &Moment) -> Option<&'p Price> {
    component
        .prices
        .iter()
        .find(|price| price.conditions.are_met(now))
}

fn clock_cuts(tariff: &Tariff, component: &Component, from: i64, to: i64, cuts: &mut Vec<i64>) {
    let mut minutes = Vec::new();
    let prices = component.prices.iter();
    prices.for_each(|price| price.conditions.minutes(&mut minutes));
    if minutes.is_empty() {
        return;
    }
    minutes.sort_unstable();
    minutes.dedup();
    tariff
        .zone
        .cuts(from, to.min(from + CUT_MAX), &minutes, cuts);
}
