//! Shared by the tests: profiles in one line, schedules as text.

mod bounds;
mod comparing;
mod examples;
mod oracle;
mod rules;
mod sets;

use std::fmt::Write as _;

use fleet::UtcMicros;

use super::*;

/// 2026-11-22T00:00:00Z, a Sunday.
const DAY: i64 = 1_795_305_600;
/// 2020-01-01T00:00:00Z, a Wednesday.
const YEAR_2020: i64 = 1_577_836_800;

/// Seconds after [`DAY`].
fn day(seconds: i64) -> UtcMicros {
    utc(DAY + seconds)
}

fn utc(second: i64) -> UtcMicros {
    UtcMicros(second * 1_000_000)
}

/// An absolute profile in amperes from [`DAY`] on; `periods` are (start, limit).
fn absolute(id: i32, level: u32, purpose: Purpose, periods: &[(u32, i32)]) -> Profile {
    let periods = periods
        .iter()
        .map(|(start, limit)| Period::limit(*start, Rate::whole(*limit)));
    Profile {
        id: ProfileId(id),
        stack_level: level,
        purpose,
        kind: Kind::Absolute,
        recurrence: None,
        valid_from: None,
        valid_to: None,
        ocpp_transaction_id: (purpose == Purpose::TxProfile).then(|| "tx".into()),
        schedules: vec![Schedule {
            id: 1,
            start: Some(day(0)),
            duration_s: None,
            unit: RateUnit::Amperes,
            min_charging_rate: None,
            power_tolerance: None,
            use_local_time: false,
            randomized_delay_s: 0,
            limit_at_soc: None,
            periods: periods.collect(),
        }],
        offline_max_s: None,
        ends_offline: false,
        update_interval_s: None,
        updated_at: None,
    }
}

/// Small changes to a profile, for tables.
impl Profile {
    fn lasts(mut self, seconds: u32) -> Self {
        self.schedules[0].duration_s = Some(seconds);
        self
    }

    fn starts(mut self, at: UtcMicros) -> Self {
        self.schedules[0].start = Some(at);
        self
    }

    fn watts(mut self) -> Self {
        self.schedules[0].unit = RateUnit::Watts;
        self
    }

    fn recurring(mut self, recurrence: Recurrence) -> Self {
        (self.kind, self.recurrence) = (Kind::Recurring, Some(recurrence));
        self
    }

    fn relative(mut self) -> Self {
        self.kind = Kind::Relative;
        self.schedules[0].start = None;
        self
    }

    fn dynamic(mut self) -> Self {
        self.kind = Kind::Dynamic;
        self.schedules[0].start = None;
        self
    }

    fn valid(mut self, from: Option<UtcMicros>, to: Option<UtcMicros>) -> Self {
        (self.valid_from, self.valid_to) = (from, to);
        self
    }

    fn phases(mut self, phases: u8) -> Self {
        self.each(|period| period.phases = Some(phases));
        self
    }

    fn mode(mut self, mode: OperationMode) -> Self {
        self.each(|period| period.mode = mode);
        self
    }

    fn v2x(mut self, v2x: V2x) -> Self {
        self.each(|period| period.v2x = Some(Box::new(v2x.clone())));
        self
    }

    fn unlimited(mut self) -> Self {
        self.each(|period| period.limit = None);
        self
    }

    fn each(&mut self, mut change: impl FnMut(&mut Period)) {
        let periods = self
            .schedules
            .iter_mut()
            .flat_map(|schedule| &mut schedule.periods);
        periods.for_each(&mut change);
    }
}

fn setpoint(amount: i32) -> V2x {
    V2x {
        setpoint: PhaseRates::of(Rate::whole(amount)),
        ..V2x::default()
    }
}

/// A 2.1 station with two EVSEs; transaction "tx" on EVSE 1 since [`DAY`].
fn station() -> Station {
    let mut evses = vec![Evse::new(1), Evse::new(2)];
    evses[0].transaction = Some(Transaction::new("tx", day(0)));
    Station {
        evses,
        ..Station::new(Edition::V21)
    }
}

/// Profiles on their EVSEs, taken at [`DAY`].
fn set(profiles: &[(u32, Profile)]) -> ProfileSet {
    let mut set = ProfileSet::new();
    for (evse_id, profile) in profiles {
        set.install(Edition::V21, *evse_id, profile.clone(), day(0))
            .expect("room");
    }
    set
}

fn request(evse_id: u32, from: i64, duration_s: u32, unit: RateUnit) -> Request {
    Request {
        evse_id,
        from: day(from),
        duration_s,
        unit,
    }
}

fn rates(rates: PhaseRates) -> String {
    let show = |rate: Option<Rate>| rate.map_or("-".to_owned(), |rate| rate.to_string());
    match rates.is_split() {
        true => [rates.all, rates.l2, rates.l3].map(show).join("/"),
        false => show(rates.all),
    }
}

/// `start limit`, and what else there is, per period: `0 7, 80 9 s=5 ~1`.
fn show(schedule: &CompositeSchedule) -> String {
    let mut text = String::new();
    for period in &schedule.periods {
        let separator = if text.is_empty() { "" } else { ", " };
        let _ = write!(
            text,
            "{separator}{} {}",
            period.start_s,
            rates(period.rates.limit)
        );
        for (sign, other) in [
            ("d", period.rates.discharge_limit),
            ("s", period.rates.setpoint),
            ("r", period.rates.setpoint_reactive),
        ] {
            if !other.is_none() {
                let _ = write!(text, " {sign}={}", rates(other));
            }
        }
        if let Some(phases) = period.phases {
            let _ = write!(text, " ~{phases}");
        }
        if let Some(phase) = period.phase_to_use {
            let _ = write!(text, " L{phase}");
        }
        if period.mode != OperationMode::ChargingOnly {
            let _ = write!(text, " {}", period.mode);
        }
    }
    if schedule.is_truncated {
        let _ = write!(text, ", truncated at {}", schedule.duration_s);
    }
    text
}

/// The composite schedule of `profiles` on `station`, as text.
#[track_caller]
fn composes(profiles: &[(u32, Profile)], station: &Station, request: Request, expected: &str) {
    let schedule = composite(&set(profiles), station, &request).expect("a known EVSE");
    assert_eq!(show(&schedule), expected);
    assert_eq!(schedule.start, plan::floor(request.from));
}
