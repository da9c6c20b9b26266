//! Random sets of profiles against a schedule computed second by second, in the plainest way.

use super::*;
use crate::random::Random;

/// `SIGEC_SEED=… cargo test -p dataplane --lib charging` repeats one.
const SEEDS: u64 = 300;

fn pick<T: Copy>(random: &mut Random, from: &[T]) -> T {
    from[random.next() as usize % from.len()]
}

fn chance(random: &mut Random, of_ten: u64) -> bool {
    random.next() % 10 < of_ten
}

fn random_profile(random: &mut Random, id: i32) -> Profile {
    let purpose = pick(random, &Purpose::ALL);
    let mut start = 0;
    let mut periods = Vec::new();
    for _ in 0..1 + random.next() % 5 {
        let mut period = Period::limit(
            start,
            Rate(pick(random, &[0, 6_000, 10_500, 16_000, 4_000_000])),
        );
        period.phases = pick(random, &[None, None, Some(1), Some(2), Some(3)]);
        let mode = match purpose {
            Purpose::TxDefaultProfile | Purpose::TxProfile | Purpose::PriorityCharging => {
                Some(OperationMode::CentralSetpoint)
            }
            Purpose::ChargingStationExternalConstraints => Some(OperationMode::ExternalSetpoint),
            Purpose::ChargingStationMaxProfile | Purpose::LocalGeneration => None,
        };
        if let Some(mode) = mode.filter(|_| chance(random, 3)) {
            period.mode = mode;
            period.v2x = Some(Box::new(V2x {
                discharge_limit: PhaseRates {
                    all: pick(random, &[None, Some(Rate(-3_000)), Some(Rate(-9_000))]),
                    ..PhaseRates::NONE
                },
                ..setpoint(pick(random, &[-20, -4, 0, 4, 20]))
            }));
        }
        periods.push(period);
        start += pick(random, &[1, 60, 250, 3_600, 50_000]);
    }
    let mut profile = absolute(id, random.next() as u32 % 3, purpose, &[]);
    let near = |random: &mut Random| day(random.next() as i64 % 400_000 - 200_000);
    let schedule = &mut profile.schedules[0];
    schedule.periods = periods;
    schedule.start = Some(near(random));
    schedule.unit = pick(random, &[RateUnit::Amperes, RateUnit::Watts]);
    schedule.duration_s = pick(
        random,
        &[None, Some(10), Some(300), Some(86_400), Some(100_000)],
    );
    if chance(random, 3) {
        profile = profile.recurring(pick(random, &[Recurrence::Daily, Recurrence::Weekly]));
    } else if chance(random, 2) {
        profile = profile.relative();
    } else if chance(random, 2) {
        profile = profile.dynamic();
        profile.updated_at = Some(near(random));
    }
    let (from, to) = (near(random), near(random));
    let valid_from = chance(random, 3).then_some(from);
    let valid_to = chance(random, 3).then_some(to);
    profile.valid(valid_from, valid_to)
}

struct World {
    set: ProfileSet,
    station: Station,
}

fn world(random: &mut Random) -> World {
    let mut station = station();
    station.evses[1].supply.phases = 1;
    let running = station.evses[0].transaction.as_mut().expect("one");
    running.priority = chance(random, 3);
    running.ready_at = Some(day(random.next() as i64 % 100_000 - 50_000));
    if chance(random, 3) {
        station.setpoint_priority = SetpointPriority::Csms;
    }
    let mut set = ProfileSet::new();
    for id in 0..1 + random.next() as i32 % 9 {
        let (evse_id, profile) = (random.next() as u32 % 3, random_profile(random, id));
        set.install(Edition::V21, evse_id, profile, day(-1_000))
            .expect("room");
    }
    World { set, station }
}

/// What the plainest reading of the rules gives: limit, discharge limit and setpoint.
#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
struct Plain {
    limit: Option<i64>,
    discharge: Option<i64>,
    setpoint: Option<i64>,
    phases: Option<u8>,
}

/// The period of one profile at second `t`.
fn plain_period(installed: &Installed, t: i64, ready_at: i64) -> Option<&Period> {
    let profile = &installed.profile;
    let schedule = &profile.schedules[0];
    let second = |at: UtcMicros| at.0 / 1_000_000;
    if profile.valid_from.is_some_and(|from| t < second(from)) {
        return None;
    }
    if profile.valid_to.is_some_and(|to| t >= second(to)) {
        return None;
    }
    let mut begin = match profile.kind {
        Kind::Absolute | Kind::Recurring => second(schedule.start.expect("given")),
        Kind::Dynamic => second(profile.updated_at.expect("given")),
        Kind::Relative if profile.purpose.is_for_transactions() => ready_at,
        Kind::Relative => second(installed.installed_at),
    };
    if profile.kind == Kind::Recurring {
        let every = i64::from(profile.recurrence.expect("given").seconds());
        while begin + every <= t {
            begin += every;
        }
    }
    if t < begin
        || schedule
            .duration_s
            .is_some_and(|length| t >= begin + i64::from(length))
    {
        return None;
    }
    let mut found = None;
    for period in &schedule.periods {
        if begin + i64::from(period.start_s) <= t {
            found = Some(period);
        }
    }
    found
}

/// What holds at second `t`, with the constraints of `owners`; `sum` is what the EVSEs draw together.
fn plain(
    world: &World,
    evse: Option<&Evse>,
    owners: &[u32],
    from: i64,
    t: i64,
    unit: RateUnit,
    sum: Option<Plain>,
) -> Plain {
    let running = evse.and_then(|evse| evse.transaction.as_ref());
    let ready_at = running.map_or(from, |running| {
        running.ready_at.expect("given").0 / 1_000_000
    });
    let supply = evse.map_or(world.station.supply, |evse| evse.supply);
    // The leading profiles of a purpose.
    let lead = |purpose: Purpose| -> Vec<(&Installed, &Period)> {
        let mut active = Vec::new();
        for installed in world
            .set
            .iter()
            .filter(|installed| installed.profile.purpose == purpose)
        {
            let transactional = purpose.is_for_transactions();
            let own = evse.is_some_and(|evse| evse.id == installed.evse_id);
            let here = match transactional {
                true => evse.is_some() && (own || installed.evse_id == 0),
                false => owners.contains(&installed.evse_id),
            };
            let constrains = matches!(
                purpose,
                Purpose::ChargingStationMaxProfile | Purpose::ChargingStationExternalConstraints
            );
            let replaced = !own
                && !constrains
                && purpose != Purpose::TxProfile
                && world.set.iter().any(|other| {
                    evse.is_some_and(|evse| evse.id == other.evse_id)
                        && other.profile.purpose == purpose
                        && other.profile.stack_level == installed.profile.stack_level
                });
            let allowed = match purpose {
                Purpose::TxProfile => running.is_some(),
                Purpose::PriorityCharging => running.is_some_and(|running| running.priority),
                _ => true,
            };
            if here
                && allowed
                && !replaced
                && let Some(period) = plain_period(installed, t, ready_at)
            {
                active.push((installed, period));
            }
        }
        let highest = active
            .iter()
            .map(|(installed, _)| installed.profile.stack_level)
            .max();
        active.retain(|(installed, _)| Some(installed.profile.stack_level) == highest);
        active
    };
    let mut transaction = lead(Purpose::PriorityCharging);
    for purpose in [Purpose::TxProfile, Purpose::TxDefaultProfile] {
        if transaction.is_empty() {
            transaction = lead(purpose);
        }
    }
    let mut all = transaction;
    all.extend(lead(Purpose::ChargingStationMaxProfile));
    all.extend(lead(Purpose::ChargingStationExternalConstraints));
    let phases = all.iter().filter_map(|(_, period)| period.phases).min();
    let used = i128::from(phases.unwrap_or(3).min(supply.phases));
    let convert = |installed: &Installed, period: &Period, rate: Rate| -> i64 {
        let (rate, own) = (i128::from(rate.0), i128::from(period.phases.unwrap_or(3)));
        let converted = match (installed.profile.schedules[0].unit, unit) {
            (RateUnit::Amperes, RateUnit::Watts) => rate * 230 * used,
            (RateUnit::Watts, RateUnit::Amperes) => rate / (230 * own),
            _ => rate,
        };
        converted as i64
    };
    let mut plain = sum.unwrap_or_default();
    plain.phases = phases;
    let lower = |a: Option<i64>, b: i64| Some(a.map_or(b, |a| a.min(b)));
    let (mut central, mut external) = (plain.setpoint.take(), None);
    let gentler = |a: Option<i64>, b: i64| match a {
        Some(a) if (a.abs(), a < 0) <= (b.abs(), b < 0) => Some(a),
        _ => Some(b),
    };
    for (installed, period) in &all {
        if let Some(limit) = period.limit {
            plain.limit = lower(plain.limit, convert(installed, period, limit));
        }
        if let Some(v2x) = &period.v2x {
            if let Some(discharge) = v2x.discharge_limit.all {
                let discharge = convert(installed, period, discharge);
                plain.discharge = Some(plain.discharge.map_or(discharge, |own| own.max(discharge)));
            }
            if let Some(setpoint) = v2x.setpoint.all {
                let setpoint = convert(installed, period, setpoint);
                match period.mode {
                    OperationMode::CentralSetpoint => central = gentler(central, setpoint),
                    _ => external = gentler(external, setpoint),
                }
            }
        }
    }
    plain.setpoint = match world.station.setpoint_priority {
        SetpointPriority::ExternalControl => external.or(central),
        SetpointPriority::Csms => central.or(external),
    };
    for (installed, period) in lead(Purpose::LocalGeneration) {
        let extra = convert(installed, period, period.limit.expect("given"));
        plain.limit = plain.limit.map(|limit| limit + extra);
    }
    plain.setpoint = plain
        .setpoint
        .map(|set| match (plain.limit, plain.discharge) {
            (Some(limit), _) if set > 0 => set.min(limit),
            (_, Some(discharge)) if set < 0 => set.max(discharge),
            _ => set,
        });
    plain
}

fn plain_at(world: &World, request: &Request, t: i64) -> Plain {
    let (from, unit) = (request.from.0 / 1_000_000, request.unit);
    if request.evse_id != 0 {
        let evse = world.station.evse(request.evse_id);
        return plain(world, evse, &[0, request.evse_id], from, t, unit, None);
    }
    let share = |evse: &Evse| plain(world, Some(evse), &[evse.id], from, t, unit, None);
    let (a, b) = (
        share(&world.station.evses[0]),
        share(&world.station.evses[1]),
    );
    let both = |a: Option<i64>, b: Option<i64>| a.zip(b).map(|(a, b)| a + b);
    // Here an EVSE that may discharge is one that has a setpoint.
    let discharges = a.setpoint.is_some() || b.setpoint.is_some();
    let or_zero = |share: Plain| match share.setpoint.is_some() {
        true => share.discharge,
        false => share.discharge.or(Some(0)),
    };
    let sum = Plain {
        limit: both(a.limit, b.limit),
        discharge: both(or_zero(a), or_zero(b)).filter(|_| discharges),
        setpoint: both(a.setpoint, b.setpoint),
        phases: None,
    };
    plain(world, None, &[0], from, t, unit, Some(sum))
}

fn of_schedule(schedule: &CompositeSchedule, t: i64) -> Plain {
    let into = t - schedule.start.0 / 1_000_000;
    let mut begun = schedule
        .periods
        .iter()
        .filter(|period| i64::from(period.start_s) <= into);
    let period = begun.next_back().expect("the first period starts at 0");
    let value = |rates: PhaseRates| rates.all.map(|rate| rate.0);
    Plain {
        limit: value(period.rates.limit),
        discharge: value(period.rates.discharge_limit),
        setpoint: value(period.rates.setpoint),
        phases: period.phases,
    }
}

fn run(seed: u64) {
    let random = &mut Random::new(seed);
    let world = world(random);
    for evse_id in 0..3 {
        let is_long = chance(random, 5);
        let wanted = Request {
            evse_id,
            from: day(random.next() as i64 % 300_000 - 100_000),
            duration_s: if is_long { 200_000 } else { 600 },
            unit: pick(random, &[RateUnit::Amperes, RateUnit::Watts]),
        };
        let schedule = composite(&world.set, &world.station, &wanted).expect("known");
        assert!(!schedule.is_truncated);
        assert_eq!(schedule.periods[0].start_s, 0);
        for pair in schedule.periods.windows(2) {
            assert!(pair[0].start_s < pair[1].start_s);
            let moved = CompositePeriod {
                start_s: pair[0].start_s,
                ..pair[1]
            };
            assert_ne!(moved, pair[0], "equal neighbours");
        }
        let from = wanted.from.0 / 1_000_000;
        let end = from + i64::from(wanted.duration_s);
        let mut seconds: Vec<i64> = match is_long {
            false => (from..end).collect(),
            true => (0..200)
                .map(|_| from + (random.next() % 200_000) as i64)
                .collect(),
        };
        for period in &schedule.periods {
            seconds.extend([-1, 0, 1].map(|near| from + i64::from(period.start_s) + near));
        }
        for t in seconds.into_iter().filter(|t| (from..end).contains(t)) {
            let expected = plain_at(&world, &wanted, t);
            assert_eq!(of_schedule(&schedule, t), expected, "{wanted:?} at {t}");
        }
    }
}

#[test]
fn a_composite_schedule_is_what_every_second_says() {
    let one = std::env::var("SIGEC_SEED")
        .ok()
        .map(|seed| seed.parse().expect("a number"));
    for seed in one.map_or(0..SEEDS, |seed: u64| seed..seed + 1) {
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            eprintln!("SIGEC_SEED={seed} repeats this");
            std::panic::resume_unwind(panic);
        }
    }
}
