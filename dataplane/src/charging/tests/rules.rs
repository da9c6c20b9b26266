//! What may be sent, rule by rule: each row breaks one.

use Purpose::{
    ChargingStationExternalConstraints as External, ChargingStationMaxProfile as Max,
    LocalGeneration, PriorityCharging, TxDefaultProfile as Default, TxProfile as Tx,
};

use super::*;

/// The rules broken, in order: `!K01.FR.16` refuses, `K01.FR.28` warns.
fn judged(
    station: &Station,
    set: &ProfileSet,
    evse_id: u32,
    profile: &Profile,
    via: Via,
) -> String {
    let findings = check(station, set, evse_id, profile, via);
    let one = |finding: &Finding| match finding.severity {
        Severity::Refuse => format!("!{}", finding.rule),
        Severity::Warn => finding.rule.to_owned(),
    };
    findings.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn of(edition: Edition) -> Station {
    Station {
        edition,
        ..station()
    }
}

fn plain(purpose: Purpose) -> Profile {
    absolute(1, 0, purpose, &[(0, 16), (60, 10)])
}

#[track_caller]
fn rows(edition: Edition, rows: Vec<(u32, Profile, &str)>) {
    let station = of(edition);
    for (evse_id, profile, expected) in rows {
        let found = judged(&station, &ProfileSet::new(), evse_id, &profile, Via::Set);
        assert_eq!(found, expected, "{edition}, EVSE {evse_id}: {profile:?}");
    }
}

/// A profile with one thing changed.
fn but(mut profile: Profile, change: impl FnOnce(&mut Profile)) -> Profile {
    change(&mut profile);
    profile
}

#[test]
fn nothing_is_wrong_with_an_ordinary_profile() {
    for edition in [Edition::V16, Edition::V201, Edition::V21] {
        let day = Recurrence::Daily;
        rows(
            edition,
            vec![
                (0, plain(Max), ""),
                (0, plain(Default), ""),
                (1, plain(Default).relative(), ""),
                (2, plain(Default).recurring(day).lasts(86_400), ""),
                (1, plain(Tx), ""),
            ],
        );
    }
    rows(
        Edition::V21,
        vec![
            (0, plain(PriorityCharging), ""),
            (0, plain(LocalGeneration), ""),
            (1, absolute(1, 0, Tx, &[(0, 16)]).dynamic(), ""),
        ],
    );
}

#[test]
fn purposes_and_kinds_of_other_editions() {
    rows(
        Edition::V16,
        vec![
            (0, plain(External), "!ChargingProfilePurposeType"),
            (0, plain(PriorityCharging), "!ChargingProfilePurposeType"),
            (
                1,
                absolute(1, 0, Tx, &[(0, 16)]).dynamic(),
                "!ChargingProfileKindType",
            ),
        ],
    );
    rows(
        Edition::V201,
        vec![
            (0, plain(External), "!K01.FR.22"),
            (0, plain(LocalGeneration), "!ChargingProfilePurposeType"),
        ],
    );
    rows(Edition::V21, vec![(0, plain(External), "!K01.FR.22")]);
}

#[test]
fn where_a_purpose_may_go() {
    for (edition, expected) in [
        (
            Edition::V16,
            ["!1.6 §3.13.1", "!1.6 §3.13.1", "1.6 errata 3.39"],
        ),
        (Edition::V201, ["!K01.FR.16", "!K04.FR.03", "K01.FR.28"]),
    ] {
        rows(
            edition,
            vec![
                (0, plain(Tx), expected[0]),
                (1, plain(Max), expected[1]),
                (3, plain(Default), expected[2]),
            ],
        );
    }
    // EVSEs that nobody has named yet are not missed.
    let unknown = Station::new(Edition::V201);
    assert_eq!(
        judged(&unknown, &ProfileSet::new(), 3, &plain(Default), Via::Set),
        ""
    );
}

#[test]
fn transactions_of_a_profile() {
    let unnamed = but(plain(Tx), |profile| profile.ocpp_transaction_id = None);
    let other = but(plain(Tx), |profile| {
        profile.ocpp_transaction_id = Some("other".into())
    });
    let default = but(plain(Default), |profile| {
        profile.ocpp_transaction_id = Some("tx".into())
    });
    rows(
        Edition::V16,
        vec![
            (1, unnamed.clone(), ""),
            (2, unnamed.clone(), "1.6 §3.13.1"),
            (1, other.clone(), "1.6 §3.13.1"),
            (1, default.clone(), "!1.6 §7.8"),
        ],
    );
    rows(
        Edition::V201,
        vec![
            (1, unnamed.clone(), "!K01.FR.03"),
            (2, plain(Tx), "K01.FR.09"),
            (1, other, "K01.FR.33"),
            (1, default, "!ChargingProfileType.transactionId"),
        ],
    );
    // With a remote start it is the other way round (K05, 1.6 §5.16.2).
    for (edition, rules) in [
        (Edition::V16, ["!1.6 §5.16.2", "!1.6 §5.16.2"]),
        (Edition::V201, ["!K05", "!K05.FR.02"]),
    ] {
        for (evse_id, profile, expected) in [
            (1, unnamed.clone(), ""),
            (0, unnamed.clone(), ""),
            (1, plain(Tx), rules[0]),
            (1, plain(Default), rules[1]),
        ] {
            let set = ProfileSet::new();
            let found = judged(&of(edition), &set, evse_id, &profile, Via::RemoteStart);
            assert_eq!(found, expected, "{edition}: {profile:?}");
        }
    }
}

#[test]
fn starts_and_recurrences() {
    let startless = |kind| {
        but(plain(Default), |profile| {
            profile.kind = kind;
            profile.recurrence = (kind == Kind::Recurring).then_some(Recurrence::Daily);
            profile.schedules[0].start = None;
        })
    };
    let started = but(plain(Default), |profile| profile.kind = Kind::Relative);
    let once = but(plain(Default), |profile| profile.kind = Kind::Recurring);
    let again = but(plain(Default), |profile| {
        profile.recurrence = Some(Recurrence::Weekly)
    });
    let never = plain(Default).valid(Some(day(9)), Some(day(9)));
    rows(
        Edition::V16,
        vec![
            (1, startless(Kind::Absolute), ""),
            (1, startless(Kind::Recurring), ""),
            (1, started.clone(), "1.6 §7.13"),
            (1, once.clone(), "1.6 §7.8"),
            (1, again.clone(), "!1.6 errata 3.56"),
            (1, never.clone(), "1.6 §3.13.2"),
            (0, plain(Max).relative(), ""),
        ],
    );
    rows(
        Edition::V201,
        vec![
            (1, startless(Kind::Absolute), "!K01.FR.40"),
            (1, startless(Kind::Recurring), "!K01.FR.40"),
            (1, started, "!K01.FR.41"),
            (1, once, "ChargingProfileType.recurrencyKind"),
            (1, again, "ChargingProfileType.recurrencyKind"),
            (1, never, "K01.FR.37"),
            (0, plain(Max).relative(), "!K01.FR.38"),
        ],
    );
}

#[test]
fn schedules_and_their_periods() {
    let periods = |periods: &[(u32, i32)]| absolute(1, 0, Default, periods);
    let long: Vec<_> = (0..1_025).map(|at| (at, 6)).collect();
    let twice = but(plain(Tx), |profile| {
        profile.schedules.push(profile.schedules[0].clone())
    });
    let none = but(plain(Tx), |profile| profile.schedules.clear());
    let daily = plain(Default).recurring(Recurrence::Daily);
    let late = periods(&[(0, 6), (90_000, 8)]).recurring(Recurrence::Daily);
    let count = "!ChargingProfileType.chargingSchedule";
    let list = "!ChargingScheduleType.chargingSchedulePeriod";
    rows(
        Edition::V16,
        vec![
            (1, periods(&[(5, 6)]), "!1.6 §5.16.4"),
            (1, periods(&[(0, 6), (9, 6), (9, 7)]), "1.6 §7.14"),
            (1, plain(Default).lasts(60), "1.6 §5.16.4"),
            (1, daily.clone().lasts(86_401), "1.6 §5.16.4"),
            (1, late.clone(), "1.6 §5.16.4"),
            (1, twice.clone(), count),
        ],
    );
    rows(
        Edition::V201,
        vec![
            (1, periods(&[(5, 6)]), "!K01.FR.31"),
            (1, periods(&[(0, 6), (9, 6), (9, 7)]), "!K01.FR.35"),
            (1, plain(Default).lasts(61), ""),
            (1, plain(Default).lasts(60), "K01.FR.11"),
            (1, daily.lasts(86_401), "K01.FR.13"),
            (1, late, "K01.FR.11"),
            (1, periods(&[]), list),
            (1, periods(&long), list),
            (1, periods(&long[..1_024]), ""),
            (1, none, count),
            (1, twice.clone(), "!K01.FR.34"),
        ],
    );
    let mut told = of(Edition::V201);
    told.evses[0].transaction.as_mut().expect("one").needs = Some(Needs::default());
    assert_eq!(judged(&told, &ProfileSet::new(), 1, &twice, Via::Set), "");
}

#[test]
fn dynamic_profiles_have_one_period() {
    let dynamic = |periods: &[(u32, i32)]| absolute(1, 0, Tx, periods).dynamic();
    rows(
        Edition::V21,
        vec![
            (1, dynamic(&[(0, 6), (60, 8)]), "!K28.FR.01"),
            (1, dynamic(&[(5, 6)]), "!K28.FR.02"),
            (
                1,
                but(plain(Tx), |profile| profile.update_interval_s = Some(60)),
                "K01.FR.122",
            ),
            (
                1,
                but(plain(Tx), |profile| profile.updated_at = Some(day(0))),
                "K01.FR.122",
            ),
        ],
    );
}

#[test]
fn phases_of_a_period() {
    let phases = |number: Option<u8>, to_use: Option<u8>| {
        but(absolute(1, 0, Tx, &[(0, 16)]), |profile| {
            profile.each(|period| (period.phases, period.phase_to_use) = (number, to_use));
        })
    };
    let range = "!ChargingSchedulePeriodType";
    rows(
        Edition::V201,
        vec![
            (1, phases(Some(1), Some(3)), ""),
            (1, phases(Some(4), None), range),
            (1, phases(Some(1), Some(0)), range),
            (1, phases(Some(3), Some(1)), "!K01.FR.19"),
            (1, phases(None, Some(1)), "!K01.FR.19"),
        ],
    );
    let mut station = of(Edition::V21);
    station.evses[0].phase_switching = Some(false);
    let set = ProfileSet::new();
    assert_eq!(
        judged(&station, &set, 1, &phases(Some(1), Some(2)), Via::Set),
        "!K01.FR.20"
    );
    station.evses[0] = Evse {
        current: Some(Current::Dc),
        phase_switching: None,
        ..station.evses[0].clone()
    };
    assert_eq!(
        judged(&station, &set, 1, &phases(Some(3), None), Via::Set),
        "K01.FR.44"
    );
    station.features.dc_input_phases = Some(true);
    assert_eq!(
        judged(&station, &set, 1, &phases(Some(3), None), Via::Set),
        ""
    );
}

#[test]
fn limits_as_the_editions_carry_them() {
    let limit = |limit: Option<i64>| {
        but(absolute(1, 0, Tx, &[(0, 0)]), |profile| {
            profile.each(|period| period.limit = limit.map(Rate))
        })
    };
    let field = "ChargingSchedulePeriodType.limit";
    let refused = "!ChargingSchedulePeriodType.limit";
    rows(
        Edition::V16,
        vec![
            (1, limit(Some(8_100)), ""),
            (1, limit(Some(8_110)), "!1.6 §7.14"),
            (1, limit(Some(-1_000)), field),
            (1, limit(None), refused),
        ],
    );
    rows(
        Edition::V201,
        vec![(1, limit(Some(8_110)), field), (1, limit(None), refused)],
    );
    rows(
        Edition::V21,
        vec![(1, limit(Some(8_111)), ""), (1, limit(None), "!2.1 Q §2.2")],
    );
}

/// 2.1 K table 95 with K01.FR.111 to K01.FR.113; 2.1 Q §2.2.
#[test]
fn modes_and_the_rates_they_use() {
    use OperationMode::*;

    let in_mode = |purpose, mode, limit: bool, v2x: V2x| {
        let profile = absolute(1, 0, purpose, &[(0, 16)])
            .watts()
            .v2x(v2x)
            .mode(mode);
        if limit { profile } else { profile.unlimited() }
    };
    let none = V2x::default();
    let discharge = |limit: i32, set: i32| V2x {
        discharge_limit: PhaseRates::of(Rate::whole(limit)),
        ..setpoint(set)
    };
    let curve = |points, baseline| V2x {
        frequency_points: points,
        baseline,
        ..V2x::default()
    };
    let zero = Some(Rate::ZERO);
    let signals = |signal_points| V2x {
        signal_points,
        ..curve(2, zero)
    };
    rows(
        Edition::V21,
        vec![
            (
                0,
                in_mode(Max, ExternalLimits, true, none.clone()),
                "!K01.FR.111",
            ),
            (
                0,
                in_mode(PriorityCharging, Idle, false, none.clone()),
                "!K01.FR.111",
            ),
            (
                0,
                in_mode(LocalGeneration, ExternalLimits, true, none.clone()),
                "",
            ),
            (
                0,
                in_mode(LocalGeneration, ExternalSetpoint, true, none.clone()),
                "!K01.FR.113",
            ),
            (
                1,
                in_mode(Tx, ChargingOnly, true, setpoint(5)),
                "!Q02.FR.02",
            ),
            (
                1,
                in_mode(Tx, ChargingOnly, true, discharge(-5, 5)),
                "!Q02.FR.02 !Q02.FR.02",
            ),
            (1, in_mode(Tx, CentralSetpoint, false, setpoint(5)), ""),
            (
                1,
                in_mode(Tx, CentralSetpoint, true, none.clone()),
                "!2.1 Q §2.2",
            ),
            (
                1,
                in_mode(Tx, CentralSetpoint, true, discharge(-5, -6)),
                "V2X.05",
            ),
            (
                1,
                in_mode(Tx, CentralSetpoint, true, discharge(-5, 17)),
                "V2X.05",
            ),
            (1, in_mode(Tx, CentralSetpoint, true, discharge(-5, 16)), ""),
            (
                1,
                in_mode(Tx, CentralSetpoint, true, discharge(5, 6)),
                "!ChargingSchedulePeriodType.dischargeLimit",
            ),
            (1, in_mode(Tx, ExternalSetpoint, false, none.clone()), ""),
            (
                1,
                in_mode(Tx, ExternalLimits, false, setpoint(5)),
                "!2.1 Q §2.2",
            ),
            (1, in_mode(Tx, LocalLoadBalancing, true, none.clone()), ""),
            (1, in_mode(Tx, Idle, false, none.clone()), ""),
            (1, in_mode(Tx, Idle, true, none.clone()), "!Q10.FR.01"),
            (1, in_mode(Tx, LocalFrequency, false, curve(2, zero)), ""),
            (
                1,
                in_mode(Tx, LocalFrequency, false, curve(1, zero)),
                "!Q08.FR.02",
            ),
            (
                1,
                in_mode(Tx, LocalFrequency, false, curve(2, None)),
                "!Q08.FR.02",
            ),
            (
                1,
                in_mode(Tx, LocalFrequency, true, curve(2, zero)),
                "!Q08.FR.01",
            ),
            (
                1,
                in_mode(Tx, LocalFrequency, false, signals(1)),
                "!Q08.FR.02",
            ),
            (1, in_mode(Tx, LocalFrequency, false, signals(2)), ""),
        ],
    );
    let amperes = but(
        in_mode(Tx, LocalFrequency, false, curve(2, zero)),
        |profile| {
            profile.schedules[0].unit = RateUnit::Amperes;
        },
    );
    rows(Edition::V21, vec![(1, amperes, "!Q08.FR.05")]);
    let sleeping = |mode, limit| {
        let v2x = V2x {
            evse_sleep: true,
            ..V2x::default()
        };
        in_mode(Tx, mode, limit, v2x)
    };
    rows(
        Edition::V21,
        vec![
            (1, sleeping(Idle, false), ""),
            (1, sleeping(ChargingOnly, true), "K01.FR.126"),
        ],
    );
}

#[test]
fn limits_of_single_phases() {
    let split = |purpose, whole: bool| {
        let v2x = V2x {
            limit_l3: Some(Rate::whole(5)),
            ..V2x::default()
        };
        let profile = absolute(1, 0, purpose, &[(0, 16)]).v2x(v2x);
        match whole {
            true => profile,
            false => profile.unlimited().mode(OperationMode::ExternalLimits),
        }
    };
    rows(
        Edition::V21,
        vec![
            (1, split(Tx, true), ""),
            (1, split(Tx, false), "!K01.FR.145"),
            (1, split(Default, true), "!K01.FR.143"),
        ],
    );
}

/// V2X.09: what K01.FR.143 says of limits holds for every other rate.
#[test]
fn setpoints_of_single_phases() {
    let split = |purpose, l2: Option<i32>, discharge: Option<i32>| {
        let rates = |all, l2: Option<i32>| PhaseRates {
            all: Some(Rate::whole(all)),
            l2: l2.map(Rate::whole),
            l3: None,
        };
        let v2x = V2x {
            discharge_limit: rates(-9, discharge),
            setpoint: rates(5, l2),
            setpoint_reactive: rates(1, l2),
            ..V2x::default()
        };
        absolute(1, 0, purpose, &[(0, 16)])
            .v2x(v2x)
            .mode(OperationMode::CentralSetpoint)
    };
    rows(
        Edition::V21,
        vec![
            (1, split(Tx, Some(5), Some(-9)), ""),
            (1, split(Default, None, None), ""),
            (1, split(Default, Some(5), None), "!V2X.09 !V2X.09"),
            (1, split(Default, None, Some(-9)), "!V2X.09"),
        ],
    );
}

/// K01.FR.142, V2X.08: a vehicle that has told its needs gets rates of the phases it named, and no others.
#[test]
fn single_phases_that_a_vehicle_named() {
    let mut station = of(Edition::V21);
    let named = |l2, l3| PhasesNamed { l2, l3 };
    let rates = |all, l2: Option<i32>, l3: Option<i32>| PhaseRates {
        all: Some(Rate::whole(all)),
        l2: l2.map(Rate::whole),
        l3: l3.map(Rate::whole),
    };
    let profile = |limit: PhaseRates, setpoint, discharge_limit| {
        let v2x = V2x {
            limit_l2: limit.l2,
            limit_l3: limit.l3,
            discharge_limit,
            setpoint,
            setpoint_reactive: setpoint,
            ..V2x::default()
        };
        absolute(1, 0, Tx, &[(0, 16)])
            .v2x(v2x)
            .mode(OperationMode::CentralSetpoint)
    };
    let limits = profile(
        rates(16, Some(16), Some(16)),
        rates(5, None, None),
        PhaseRates::NONE,
    );
    let setpoints = profile(
        rates(16, None, None),
        rates(5, Some(5), None),
        rates(-9, None, Some(-9)),
    );
    for (needs, expected) in [
        (None, ["", ""]),
        (
            Some((named(false, false), named(false, false))),
            ["!K01.FR.142", "!V2X.08 !V2X.08 !V2X.08"],
        ),
        (
            Some((named(true, false), named(true, false))),
            ["!K01.FR.142", "!V2X.08"],
        ),
        (
            Some((named(true, true), named(false, true))),
            ["", "!V2X.08 !V2X.08"],
        ),
        (Some((named(true, true), named(true, true))), ["", ""]),
    ] {
        let needs = needs.map(|(charge, discharge)| Needs { charge, discharge });
        station.evses[0].transaction.as_mut().expect("one").needs = needs;
        for (profile, expected) in [&limits, &setpoints].into_iter().zip(expected) {
            let found = judged(&station, &ProfileSet::new(), 1, profile, Via::Set);
            assert_eq!(found, expected, "{needs:?}: {profile:?}");
        }
    }
}

/// Q07.FR.02 to Q07.FR.04.
#[test]
fn frequency_steered_from_the_centre() {
    let central = |limit: bool, discharge: PhaseRates| {
        let v2x = V2x {
            discharge_limit: discharge,
            ..setpoint(5)
        };
        let profile = absolute(1, 0, Tx, &[(0, 16)])
            .v2x(v2x)
            .mode(OperationMode::CentralFrequency)
            .dynamic()
            .lasts(60);
        if limit { profile } else { profile.unlimited() }
    };
    let free = || central(false, PhaseRates::NONE);
    let for_ever = but(free(), |profile| profile.schedules[0].duration_s = None);
    let fixed = but(free(), |profile| {
        profile.kind = Kind::Relative;
        profile.schedules[0].start = None;
    });
    let reactive = but(free(), |profile| {
        profile.each(|period| {
            let v2x = period.v2x.as_mut().expect("a setpoint");
            v2x.setpoint_reactive = PhaseRates::of(Rate::whole(1));
        });
    });
    let floor = PhaseRates::of(Rate::whole(-5));
    rows(
        Edition::V21,
        vec![
            (1, free(), ""),
            (1, central(true, PhaseRates::NONE), "!Q07.FR.03"),
            (1, central(false, floor), "!Q07.FR.03"),
            (1, central(true, floor), "!Q07.FR.03 !Q07.FR.03"),
            (1, reactive, "!2.1 Q §2.2"),
            (1, fixed, "!Q07.FR.02"),
            (1, for_ever, "Q07.FR.04"),
        ],
    );
}

#[test]
fn what_a_station_says_it_cannot_do() {
    let mut station = of(Edition::V21);
    station.features = Features {
        units: Some(vec![RateUnit::Watts]),
        stack_level_max: Some(3),
        periods_max: Some(2),
        profiles_max: Some(1),
        external_id_max: Some(10),
        priority_charging: Some(false),
        local_generation: Some(false),
        dynamic_profiles: Some(false),
        local_time: Some(false),
        randomized_delay: Some(false),
        limit_at_soc: Some(false),
        evse_sleep: Some(false),
        dc_input_phases: Some(false),
        modes: Some(vec![OperationMode::CentralSetpoint]),
    };
    let ok = |purpose| but(plain(purpose).watts(), |profile| profile.id = ProfileId(11));
    let schedule =
        |change: fn(&mut Schedule)| but(ok(Tx), |profile| change(&mut profile.schedules[0]));
    let empty = ProfileSet::new();
    let one = set(&[(0, absolute(12, 0, Max, &[]))]);
    let soc = LimitAtSoc {
        soc_percent: 80,
        limit: Rate::ZERO,
    };
    let capped = but(ok(Tx), |profile| {
        profile.schedules[0].limit_at_soc = Some(soc)
    });
    let asleep = V2x {
        evse_sleep: true,
        ..V2x::default()
    };
    for (set, profile, expected) in [
        (&empty, ok(Tx), ""),
        (&one, ok(Tx), "SmartChargingCtrlr.Entries"),
        (&one, but(ok(Tx), |profile| profile.id = ProfileId(12)), ""),
        (
            &empty,
            schedule(|schedule| schedule.unit = RateUnit::Amperes),
            "K01.FR.26",
        ),
        (
            &empty,
            but(ok(Tx), |profile| profile.stack_level = 4),
            "SmartChargingCtrlr.ProfileStackLevel",
        ),
        (
            &empty,
            schedule(|schedule| schedule.periods.push(Period::limit(90, Rate::ZERO))),
            "SmartChargingCtrlr.PeriodsPerSchedule",
        ),
        (
            &empty,
            but(ok(Tx), |profile| profile.id = ProfileId(10)),
            "!K01.FR.80",
        ),
        (&empty, ok(PriorityCharging), "K01.FR.120"),
        (&empty, ok(LocalGeneration), "K01.FR.120"),
        (
            &empty,
            but(absolute(11, 0, Tx, &[(0, 6)]).watts().dynamic(), |_| ()),
            "K01.FR.121",
        ),
        (
            &empty,
            schedule(|schedule| schedule.use_local_time = true),
            "K01.FR.123",
        ),
        (
            &empty,
            schedule(|schedule| schedule.randomized_delay_s = 1),
            "K01.FR.124",
        ),
        (&empty, capped, "K01.FR.125"),
        (
            &empty,
            absolute(11, 0, Tx, &[(0, 6)])
                .watts()
                .v2x(asleep)
                .unlimited()
                .mode(OperationMode::Idle),
            "K01.FR.115 K01.FR.126",
        ),
    ] {
        let found = judged(&station, set, 1, &profile, Via::Set);
        assert_eq!(found, expected, "{profile:?}");
    }
    // A delay is for transactions only (K01.FR.95), a priority has no duration (K01.FR.73).
    let delayed = but(plain(Max), |profile| {
        profile.schedules[0].randomized_delay_s = 1
    });
    rows(
        Edition::V21,
        vec![
            (0, delayed, "K01.FR.95"),
            (
                0,
                absolute(1, 0, PriorityCharging, &[(0, 6)]).lasts(60),
                "!K01.FR.73",
            ),
        ],
    );
}

#[test]
fn profiles_that_stand_in_each_others_way() {
    let profile = |id, purpose, from, to| {
        absolute(id, 2, purpose, &[(0, 6)]).valid(Some(day(from)), Some(day(to)))
    };
    let held = set(&[
        (1, profile(1, Default, 0, 100)),
        (0, profile(2, Max, 0, 100)),
        (1, profile(3, Tx, 0, 100)),
        (0, profile(-1, External, 0, 100)),
    ]);
    let other_transaction = but(profile(9, Tx, 0, 100), |profile| {
        profile.ocpp_transaction_id = Some("other".into());
    });
    let other_level = but(profile(9, Default, 0, 100), |profile| {
        profile.stack_level = 1
    });
    for (evse_id, profile, expected) in [
        (1, profile(9, Default, 50, 200), "!K01.FR.06"),
        (1, profile(9, Default, 99, 200), "!K01.FR.06"),
        (1, profile(9, Default, 100, 200), ""),
        (1, profile(1, Default, 0, 100), ""),
        (1, other_level, ""),
        (2, profile(9, Default, 0, 100), ""),
        (0, profile(9, Max, 0, 1), "!K01.FR.06"),
        // Whenever they are valid.
        (0, profile(9, Default, 200, 300), "K01.FR.52"),
        (1, profile(9, Tx, 200, 300), "!K01.FR.39"),
        (1, other_transaction, "K01.FR.33"),
        (1, profile(-1, Default, 200, 300), "K01.FR.05"),
    ] {
        let found = judged(&of(Edition::V201), &held, evse_id, &profile, Via::Set);
        assert_eq!(found, expected, "EVSE {evse_id}: {profile:?}");
        // 1.6 replaces instead.
        let station = of(Edition::V16);
        let found = judged(&station, &held, evse_id, &profile, Via::Set);
        assert!(!found.contains('K'), "{found}");
    }
    let of_station = set(&[(0, profile(1, Default, 0, 100))]);
    let found = judged(
        &of(Edition::V201),
        &of_station,
        1,
        &profile(9, Default, 0, 1),
        Via::Set,
    );
    assert_eq!(found, "K01.FR.53");
}

/// K01.FR.141, and the errata of 2.0.1, §2.36. A 1.6 station replaces what stands in the way.
#[test]
fn phases_that_conflict() {
    let on = |id, purpose, phase| {
        but(absolute(id, 0, purpose, &[(0, 6)]).phases(1), |profile| {
            profile.each(|period| period.phase_to_use = Some(phase));
        })
    };
    let held = set(&[(0, on(1, Max, 1))]);
    let past = set(&[(0, on(1, Max, 1).valid(None, Some(day(0))))]);
    let later = on(2, Tx, 3).valid(Some(day(0)), None);
    for (edition, conflict) in [
        (Edition::V201, "2.0.1 errata 2.36"),
        (Edition::V21, "K01.FR.141"),
    ] {
        for (held, profile, expected) in [
            (&held, on(2, Tx, 1), ""),
            (&held, on(2, Tx, 3), conflict),
            (&held, on(2, Tx, 3).valid(None, Some(day(0))), conflict),
            (&past, later.clone(), ""),
        ] {
            assert_eq!(
                judged(&of(edition), held, 1, &profile, Via::Set),
                expected,
                "{edition}"
            );
        }
    }
}

#[test]
fn a_finding_says_what_and_why() {
    let profile = absolute(1, 0, Tx, &[(5, 6)]);
    let findings = check(
        &of(Edition::V201),
        &ProfileSet::new(),
        0,
        &profile,
        Via::Set,
    );
    let texts: Vec<_> = findings.iter().map(Finding::to_string).collect();
    assert_eq!(
        texts,
        [
            "a TxProfile is for EVSE 0, expected the EVSE of a transaction (K01.FR.16)",
            "schedule 1: the first period starts at 5 s, expected 0 (K01.FR.31)",
        ]
    );
}

#[test]
fn the_findings_are_bounded() {
    let mut profile = absolute(1, 0, Tx, &[(0, 6)]);
    let period = but(profile.clone(), |profile| {
        profile.each(|period| period.phases = Some(9))
    });
    profile.schedules[0].periods = vec![period.schedules[0].periods[0].clone(); 1_000];
    let findings = check(
        &of(Edition::V201),
        &ProfileSet::new(),
        1,
        &profile,
        Via::Set,
    );
    assert_eq!(findings.len(), 64);
}
