//! When a price applies (`TariffConditionsType`, `TariffConditionsFixedType`). All that is said has to hold.

use super::zone::{DAY, Local, MINUTE};

/// Bounds as OCPP has them: `min` is inclusive, `max` exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
}

impl Range {
    fn holds(self, value: i64) -> bool {
        self.min.is_none_or(|min| min <= value) && self.max.is_none_or(|max| value < max)
    }

    fn bounds(self) -> impl Iterator<Item = i64> {
        self.min.into_iter().chain(self.max)
    }

    fn is_any(self) -> bool {
        self == Self::default()
    }
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    /// Minutes of the local day, inclusive and exclusive; where the end is before the beginning it is that of the next day.
    pub(crate) from_minute: Option<i64>,
    pub(crate) to_minute: Option<i64>,
    /// A bit each, Monday the lowest; 0 is any day.
    pub(crate) days: u8,
    /// Local days since 1970-01-01.
    pub(crate) date: Range,
    /// Milliwatt-hours since the beginning.
    pub(crate) energy_mwh: Range,
    /// Milliwatts.
    pub(crate) power_mw: Range,
    /// Microseconds, as all below: of the transaction, of charging, and of the idle time that has not ended.
    pub(crate) time: Range,
    pub(crate) charging: Range,
    pub(crate) idle: Range,
    /// It hangs on what only the station knows, and is taken as not met.
    pub(crate) is_beyond_us: bool,
}

/// What conditions are about, at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) local: Local,
    pub(crate) energy_mwh: i64,
    /// `None` before two registers have told it; then no price that asks for it applies.
    pub(crate) power_mw: Option<i64>,
    pub(crate) time: i64,
    pub(crate) charging: i64,
    pub(crate) idle: i64,
}

impl Conditions {
    pub(crate) fn are_met(&self, now: &Moment) -> bool {
        let power = match now.power_mw {
            Some(power) => self.power_mw.holds(power),
            None => self.power_mw.is_any(),
        };
        !self.is_beyond_us
            && power
            && self.is_minute(now.local.minute)
            && (self.days == 0 || self.days >> now.local.weekday() & 1 == 1)
            && self.date.holds(now.local.day)
            && self.energy_mwh.holds(now.energy_mwh)
            && self.time.holds(now.time)
            && self.charging.holds(now.charging)
            && self.idle.holds(now.idle)
    }

    fn is_minute(&self, minute: i64) -> bool {
        let (from, to) = (self.from_minute, self.to_minute);
        match (from, to) {
            (None, None) => true,
            (Some(from), None) => from <= minute,
            // Until midnight is until the end.
            (None, Some(to)) => to == 0 || minute < to,
            (Some(from), Some(to)) if from < to => from <= minute && minute < to,
            // From eight to eight is all day.
            (Some(from), Some(to)) => from <= minute || minute < to || from == to,
        }
    }

    /// Minutes of the day at which another price may begin to apply.
    pub(crate) fn minutes(&self, minutes: &mut Vec<i64>) {
        minutes.extend(self.from_minute);
        minutes.extend(self.to_minute);
        if self.days != 0 || !self.date.is_any() {
            minutes.push(0);
        }
    }

    pub(crate) fn energies(&self) -> impl Iterator<Item = i64> {
        self.energy_mwh.bounds()
    }

    pub(crate) fn times(&self) -> impl Iterator<Item = i64> {
        self.time.bounds()
    }

    pub(crate) fn chargings(&self) -> impl Iterator<Item = i64> {
        self.charging.bounds()
    }

    pub(crate) fn idles(&self) -> impl Iterator<Item = i64> {
        self.idle.bounds()
    }
}

const _: () = assert!(DAY % MINUTE == 0);
