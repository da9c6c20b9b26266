//! Absurd profiles: bounded work, no overflow, no panic.

use super::*;
use crate::random::Random;

#[test]
fn a_schedule_ends_where_its_periods_run_out() {
    let steps: Vec<_> = (0..400).map(|at| (at * 100, at as i32)).collect();
    let daily = absolute(1, 0, Purpose::TxDefaultProfile, &steps).recurring(Recurrence::Daily);
    let set = set(&[(0, daily)]);
    let wanted = request(1, 0, 10 * 86_400, RateUnit::Amperes);
    let schedule = composite(&set, &station(), &wanted).expect("known");
    assert_eq!(schedule.periods.len(), COMPOSITE_PERIODS_MAX);
    assert!(schedule.is_truncated);
    // Two days of 400 periods each, then 224 of the third.
    assert_eq!(schedule.duration_s, 2 * 86_400 + 224 * 100);
    let short = request(1, 0, schedule.duration_s, RateUnit::Amperes);
    let whole = composite(&set, &station(), &short).expect("known");
    assert_eq!(
        (whole.periods.len(), whole.is_truncated),
        (COMPOSITE_PERIODS_MAX, false)
    );
    assert_eq!(whole.periods, schedule.periods);
}

#[test]
fn changes_that_change_nothing_are_not_looked_at_for_ever() {
    let same: Vec<_> = (0..1_000).map(|at| (at, 6)).collect();
    let daily = |id| {
        let profile = absolute(id, 0, Purpose::TxDefaultProfile, &same);
        (0, profile.recurring(Recurrence::Daily))
    };
    let wanted = |evse_id| request(evse_id, 0, u32::MAX, RateUnit::Amperes);
    let few = composite(&set(&[daily(1)]), &station(), &wanted(1)).expect("known");
    assert_eq!(few.periods.len(), 1);
    assert!(few.is_truncated && 100 * 86_400 <= few.duration_s);
    // The more profiles and EVSEs, the earlier it ends.
    let mut large = station();
    large.evses = (1..=1_000).map(Evse::new).collect();
    let many = composite(&set(&[daily(1), daily(2)]), &large, &wanted(0)).expect("known");
    assert_eq!(many.periods.len(), 1);
    assert!(many.is_truncated && many.duration_s < 2 * 86_400);
}

#[test]
fn a_schedule_without_length() {
    let wanted = request(1, 0, 0, RateUnit::Amperes);
    let schedule = composite(&set(&[]), &station(), &wanted).expect("known");
    assert_eq!((schedule.periods, schedule.is_truncated), (vec![], false));
}

/// One of the numbers at the edges.
fn edge(random: &mut Random) -> i64 {
    let edges = [
        i64::MIN,
        -1,
        0,
        1,
        86_400,
        DAY * 1_000_000,
        i64::from(i32::MAX),
        i64::from(u32::MAX),
        i64::MAX - 1,
        i64::MAX,
    ];
    edges[random.next() as usize % edges.len()]
}

fn maybe<T>(random: &mut Random, value: T) -> Option<T> {
    random.next().is_multiple_of(2).then_some(value)
}

fn absurd_rates(random: &mut Random) -> PhaseRates {
    let rate = |random: &mut Random| {
        let rate = Rate(edge(random));
        maybe(random, rate)
    };
    PhaseRates {
        all: rate(random),
        l2: rate(random),
        l3: rate(random),
    }
}

fn absurd_period(random: &mut Random) -> Period {
    let modes = [
        OperationMode::ChargingOnly,
        OperationMode::CentralSetpoint,
        OperationMode::ExternalSetpoint,
        OperationMode::ExternalLimits,
        OperationMode::CentralFrequency,
        OperationMode::LocalFrequency,
        OperationMode::LocalLoadBalancing,
        OperationMode::Idle,
    ];
    let v2x = V2x {
        limit_l2: absurd_rates(random).l2,
        limit_l3: absurd_rates(random).l3,
        discharge_limit: absurd_rates(random),
        setpoint: absurd_rates(random),
        setpoint_reactive: absurd_rates(random),
        ..V2x::default()
    };
    Period {
        start_s: edge(random) as u32,
        phases: Some(edge(random) as u8),
        phase_to_use: Some(edge(random) as u8),
        mode: modes[random.next() as usize % modes.len()],
        limit: absurd_rates(random).all,
        v2x: maybe(random, Box::new(v2x)),
    }
}

fn absurd_profile(random: &mut Random) -> Profile {
    let kinds = [
        Kind::Absolute,
        Kind::Recurring,
        Kind::Relative,
        Kind::Dynamic,
    ];
    let schedule = |random: &mut Random| {
        let start = UtcMicros(edge(random));
        let cap = LimitAtSoc {
            soc_percent: edge(random) as u8,
            limit: Rate(edge(random)),
        };
        Schedule {
            id: edge(random) as i32,
            start: maybe(random, start),
            duration_s: Some(edge(random) as u32),
            unit: [RateUnit::Amperes, RateUnit::Watts][random.next() as usize % 2],
            min_charging_rate: None,
            power_tolerance: None,
            use_local_time: random.next().is_multiple_of(2),
            randomized_delay_s: edge(random) as u32,
            limit_at_soc: maybe(random, cap),
            periods: (0..random.next() % 4)
                .map(|_| absurd_period(random))
                .collect(),
        }
    };
    let purpose = Purpose::ALL[random.next() as usize % Purpose::ALL.len()];
    let (from, to, max) = (edge(random), edge(random), edge(random) as u32);
    Profile {
        kind: kinds[random.next() as usize % kinds.len()],
        recurrence: maybe(random, Recurrence::Daily),
        stack_level: edge(random) as u32,
        valid_from: maybe(random, UtcMicros(from)),
        valid_to: maybe(random, UtcMicros(to)),
        offline_max_s: maybe(random, max),
        ends_offline: true,
        updated_at: maybe(random, UtcMicros(to)),
        schedules: (0..random.next() % 4).map(|_| schedule(random)).collect(),
        ..absolute(edge(random) as i32, 0, purpose, &[])
    }
}

#[test]
fn no_profile_is_too_absurd() {
    for seed in 0..500 {
        let random = &mut Random::new(seed);
        let mut station = Station {
            utc_offset_s: edge(random) as i32,
            offline_since: Some(UtcMicros(edge(random))),
            ..station()
        };
        let transaction = station.evses[0].transaction.as_mut().expect("one");
        transaction.priority = true;
        transaction.soc_percent = Some(100);
        transaction.schedule = edge(random) as u8;
        transaction.ready_at = Some(UtcMicros(edge(random)));
        let mut set = ProfileSet::new();
        for _ in 0..6 {
            let (evse_id, profile) = (random.next() as u32 % 3, absurd_profile(random));
            for finding in check(&station, &set, evse_id, &profile, Via::Set) {
                assert!(!finding.to_string().is_empty());
            }
            let at = UtcMicros(edge(random));
            set.install(station.edition, evse_id, profile, at)
                .expect("room");
        }
        for evse_id in 0..3 {
            let wanted = Request {
                evse_id,
                from: UtcMicros(edge(random)),
                // At most a few thousand changes of each recurring profile, to keep the test short.
                duration_s: (edge(random) as u32).min(1 << 27),
                unit: RateUnit::Watts,
            };
            let schedule = composite(&set, &station, &wanted).expect("known");
            assert!(schedule.duration_s <= wanted.duration_s, "seed {seed}");
            let mut other = schedule.clone();
            other.unit = RateUnit::Amperes;
            let (supply, tolerance) = (Supply::default(), Tolerance::default());
            compare(&schedule, &other, &supply, &tolerance);
            let itself = compare(&schedule, &schedule, &supply, &tolerance);
            assert!(
                !matches!(itself, Comparison::Differs(_)),
                "seed {seed}: {itself:?}"
            );
        }
        set.reconnected(UtcMicros(edge(random)), UtcMicros(edge(random)));
    }
}
