//! Our schedule beside a station's.

use super::*;

/// A schedule from [`DAY`] plus `start` on: `(start_s, limit)`.
fn schedule(
    start: i64,
    duration_s: u32,
    unit: RateUnit,
    periods: &[(u32, Option<i64>)],
) -> CompositeSchedule {
    let period = |(start_s, limit): &(u32, Option<i64>)| CompositePeriod {
        start_s: *start_s,
        rates: Rates {
            limit: PhaseRates {
                all: limit.map(Rate),
                ..PhaseRates::NONE
            },
            ..Rates::default()
        },
        ..CompositePeriod::default()
    };
    CompositeSchedule {
        start: day(start),
        duration_s,
        unit,
        periods: periods.iter().map(period).collect(),
        delay_max_s: 0,
        is_truncated: false,
    }
}

fn amperes(start: i64, duration_s: u32, periods: &[(u32, i64)]) -> CompositeSchedule {
    let periods: Vec<_> = periods
        .iter()
        .map(|(at, limit)| (*at, Some(*limit)))
        .collect();
    schedule(start, duration_s, RateUnit::Amperes, &periods)
}

/// The differences as text, with `<` where the station is stricter: `Limit 60..120 16/10 <`.
fn show(found: &Comparison) -> String {
    let one = |difference: &Difference| {
        let at = |at: UtcMicros| (at.0 - day(0).0) / 1_000_000;
        let stricter = if difference.is_stricter() { " <" } else { "" };
        let (ours, theirs) = (difference.ours, difference.theirs);
        let (from, until) = (at(difference.at), at(difference.until));
        format!(
            "{:?} {from}..{until} {ours}/{theirs}{stricter}",
            difference.field
        )
    };
    match found {
        Comparison::Equal => "equal".to_owned(),
        Comparison::Apart => "apart".to_owned(),
        Comparison::Differs(found) => found.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}

#[track_caller]
fn check(ours: &CompositeSchedule, theirs: &CompositeSchedule, expected: &str) {
    let found = compare(ours, theirs, &Supply::default(), &Tolerance::default());
    assert_eq!(show(&found), expected);
}

#[test]
fn equal_for_as_long_as_both_speak() {
    let ours = amperes(0, 300, &[(0, 16_000), (60, 10_000)]);
    check(&ours, &ours, "equal");
    // Shorter, later, and equal neighbours not merged.
    check(&ours, &amperes(0, 60, &[(0, 16_000)]), "equal");
    check(
        &ours,
        &amperes(30, 300, &[(0, 16_000), (30, 10_000), (90, 10_000)]),
        "equal",
    );
    // Out of order.
    check(
        &ours,
        &amperes(0, 300, &[(60, 10_000), (0, 16_000)]),
        "equal",
    );
    check(&ours, &amperes(300, 300, &[(0, 1)]), "apart");
    check(&ours, &amperes(-300, 300, &[(0, 1)]), "apart");
    check(&ours, &amperes(0, 0, &[]), "apart");
}

#[test]
fn a_difference_has_a_time_and_both_values() {
    let ours = amperes(0, 300, &[(0, 16_000), (60, 10_000), (120, 20_000)]);
    check(
        &ours,
        &amperes(0, 300, &[(0, 16_000), (60, 12_000), (120, 20_000)]),
        "Limit 60..120 10/12",
    );
    check(
        &ours,
        &amperes(0, 300, &[(0, 10_000)]),
        "Limit 0..60 16/10 <, Limit 120..300 20/10 <",
    );
    // One stretch, though both change within it.
    check(
        &ours,
        &amperes(0, 300, &[(0, 6_000)]),
        "Limit 0..300 16/6 <",
    );
    let none = schedule(0, 300, RateUnit::Amperes, &[(0, None)]);
    check(&ours, &none, "Limit 0..300 16/none");
    check(&none, &ours, "Limit 0..300 none/16 <");
    check(&none, &none, "equal");
    // Their schedule has a hole at its beginning: nothing is said there.
    check(
        &ours,
        &amperes(0, 300, &[(90, 10_000), (120, 20_000)]),
        "equal",
    );
}

#[test]
fn rounding_and_clocks_are_tolerated() {
    let ours = amperes(0, 300, &[(0, 16_000), (60, 10_000)]);
    check(
        &ours,
        &amperes(0, 300, &[(0, 16_100), (58, 10_000)]),
        "equal",
    );
    check(
        &ours,
        &amperes(0, 300, &[(0, 16_000), (62, 10_000)]),
        "equal",
    );
    check(
        &ours,
        &amperes(0, 300, &[(0, 16_000), (63, 10_000)]),
        "Limit 60..63 10/16",
    );
    check(
        &ours,
        &amperes(0, 300, &[(0, 16_101), (60, 10_000)]),
        "Limit 0..60 16/16.101",
    );
    // Five per mille of a large one.
    let (large, off) = (
        amperes(0, 60, &[(0, 100_000)]),
        amperes(0, 60, &[(0, 100_500)]),
    );
    check(&large, &off, "equal");
    // The station delays its periods at random (K01.FR.92).
    let delayed = CompositeSchedule {
        delay_max_s: 100,
        ..ours
    };
    check(
        &delayed,
        &amperes(0, 300, &[(0, 16_000), (160, 10_000)]),
        "equal",
    );
    check(
        &delayed,
        &amperes(0, 300, &[(0, 16_000), (161, 10_000)]),
        "Limit 60..161 10/16",
    );
}

/// K01.FR.50.
#[test]
fn an_answer_in_the_other_unit_is_converted() {
    let ours = amperes(0, 300, &[(0, 16_000)]);
    let watts = |limit| schedule(0, 300, RateUnit::Watts, &[(0, Some(limit))]);
    check(&ours, &watts(11_040_000), "equal");
    check(&ours, &watts(6_900_000), "Limit 0..300 16/10 <");
    check(&watts(11_040_000), &ours, "equal");
    let mut one_phase = ours.clone();
    one_phase.periods[0].phases = Some(1);
    check(&one_phase, &watts(3_680_000), "equal");
    check(&watts(3_680_000), &one_phase, "equal");
}

#[test]
fn phases_setpoints_and_discharge_are_compared() {
    let ours = amperes(0, 300, &[(0, 16_000)]);
    let with = |change: fn(&mut CompositePeriod)| {
        let mut schedule = ours.clone();
        change(&mut schedule.periods[0]);
        schedule
    };
    let one_phase = with(|period| period.phases = Some(1));
    let three_phases = with(|period| period.phases = Some(3));
    check(&ours, &one_phase, "equal");
    check(&three_phases, &one_phase, "Phases 0..300 3/1 <");
    check(&one_phase, &three_phases, "Phases 0..300 1/3");
    let set = with(|period| period.rates.setpoint = PhaseRates::of(Rate::whole(5)));
    check(&set, &ours, "Setpoint 0..300 5/none");
    let discharge = |amount: i32| {
        let mut schedule = ours.clone();
        schedule.periods[0].rates.discharge_limit = PhaseRates::of(Rate::whole(amount));
        schedule
    };
    check(
        &discharge(-8),
        &discharge(-6),
        "DischargeLimit 0..300 -8/-6 <",
    );
    check(
        &discharge(-6),
        &discharge(-8),
        "DischargeLimit 0..300 -6/-8",
    );
    check(&ours, &discharge(-8), "DischargeLimit 0..300 none/-8 <");
    check(&discharge(-8), &ours, "DischargeLimit 0..300 -8/none");
    let split = with(|period| period.rates.limit.l2 = Some(Rate::whole(9)));
    check(&split, &ours, "LimitL2 0..300 9/none");
}

#[test]
fn the_report_is_bounded() {
    let alternating = |limit: i64| {
        let periods: Vec<_> = (0..100)
            .map(|at| (at * 10, limit * i64::from(at % 2)))
            .collect();
        amperes(0, 1_000, &periods)
    };
    let found = compare(
        &alternating(1_000),
        &alternating(9_000),
        &Supply::default(),
        &Tolerance::default(),
    );
    let Comparison::Differs(found) = found else {
        panic!("{found:?}");
    };
    assert_eq!(found.len(), DIFFERENCES_MAX);
    assert_eq!(found[0].at, day(10));
    let text = "Limit at 2026-11-22T00:00:10.000Z: 1 here, 9 at the station";
    assert_eq!(found[0].to_string(), text);
}
