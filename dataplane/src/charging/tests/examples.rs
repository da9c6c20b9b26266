//! Worked examples: those of the specification by section or case, and one for every rule of the composition.

use Purpose::{
    ChargingStationExternalConstraints as External, ChargingStationMaxProfile as Max,
    LocalGeneration, PriorityCharging, TxDefaultProfile as Default, TxProfile as Tx,
};
use RateUnit::{Amperes as A, Watts as W};

use super::*;

/// 1.6 §3.13.7, 2.0.1 K §3.6: 6 kW from 08:00 to 20:00, 11 kW otherwise, daily.
#[test]
fn a_daily_profile() {
    let daily = absolute(
        100,
        0,
        Default,
        &[(0, 11_000), (28_800, 6_000), (72_000, 11_000)],
    )
    .lasts(86_400)
    .watts()
    .phases(3)
    .recurring(Recurrence::Daily)
    .starts(utc(1_356_998_400));
    let profiles = [(0, daily)];
    let from_seven = |unit| request(1, 25_200, 86_400, unit);
    composes(
        &profiles,
        &station(),
        from_seven(W),
        "0 11000 ~3, 3600 6000 ~3, 46800 11000 ~3",
    );
    let amperes = "0 15.942 ~3, 3600 8.695 ~3, 46800 15.942 ~3";
    composes(&profiles, &station(), from_seven(A), amperes);
}

/// 2.0.1 K §3.6.1: 2 kW from 17:00 to 20:00, but not on Sundays and not on Christmas Day 2020.
#[test]
fn exceptions_stacked_on_a_daily_profile() {
    let day_of_2020 = |day: i64| utc(YEAR_2020 + day * 86_400);
    let peak = absolute(10, 1, Default, &[(0, 2_000)])
        .lasts(10_800)
        .watts()
        .recurring(Recurrence::Daily)
        .starts(utc(YEAR_2020 + 8 * 86_400 + 61_200));
    let sundays = absolute(11, 2, Default, &[(0, 999_999)])
        .lasts(86_400)
        .watts()
        .recurring(Recurrence::Weekly)
        .starts(day_of_2020(4));
    let christmas = absolute(12, 3, Default, &[(0, 999_999)])
        .lasts(86_400)
        .watts()
        .starts(day_of_2020(359))
        .valid(Some(day_of_2020(0)), Some(day_of_2020(366)));
    let profiles = [(0, peak), (0, sundays), (0, christmas)];
    let at_noon = |day: i64| Request {
        evse_id: 1,
        from: UtcMicros(day_of_2020(day).0 + 43_200_000_000),
        duration_s: 172_800,
        unit: W,
    };
    let exception = "0 -, 18000 2000, 28800 -, 43200 999999, 129600 -";
    // From Saturday the 19th, and from Christmas Eve.
    composes(&profiles, &station(), at_noon(353), exception);
    composes(&profiles, &station(), at_noon(358), exception);
    // Christmas 2021 is a Saturday like any other, the day before a Sunday.
    let plain = "0 -, 18000 2000, 28800 -, 104400 2000, 115200 -, 129600 999999";
    composes(&profiles, &station(), at_noon(358 + 365), plain);
}

/// TC_K_40_CS: two stack levels, the higher one shorter.
#[test]
fn a_higher_level_leads_while_it_has_a_period() {
    let low = absolute(1, 0, Default, &[(0, 6), (100, 8), (200, 10)]).lasts(400);
    let high = absolute(2, 1, Default, &[(0, 7), (100, 9)]).lasts(150);
    let profiles = [(1, low), (1, high)];
    composes(
        &profiles,
        &station(),
        request(1, 20, 350, A),
        "0 7, 80 9, 130 8, 180 10",
    );
    // The same without a transaction (K08.FR.06).
    let mut quiet = station();
    quiet.evses[0].transaction = None;
    composes(
        &profiles,
        &quiet,
        request(1, 20, 350, A),
        "0 7, 80 9, 130 8, 180 10",
    );
}

/// TC_K_41_CS: the lowest of the purposes, TxProfile before TxDefaultProfile until it ends (K02.FR.08).
#[test]
fn the_lowest_purpose_holds() {
    let max = absolute(1, 0, Max, &[(0, 10)]).lasts(86_400);
    let default = absolute(
        2,
        0,
        Default,
        &[(0, 6), (60, 10), (120, 8), (180, 15), (260, 8)],
    )
    .lasts(300);
    let tx = absolute(
        3,
        0,
        Tx,
        &[(0, 8), (50, 11), (140, 16), (200, 6), (240, 12)],
    )
    .lasts(260);
    let profiles = [(0, max), (1, default), (1, tx)];
    let expected = "0 8, 40 10, 190 6, 230 10, 250 8, 290 10";
    composes(&profiles, &station(), request(1, 10, 400, A), expected);
    // EVSE 2 has no profile but the station's.
    composes(&profiles, &station(), request(2, 10, 400, A), "0 10");
}

/// 2.0.1 K §3.5, figures 99 and 100: leading profiles at their levels.
#[test]
fn each_purpose_is_led_by_its_highest_level() {
    let mut profiles = vec![
        (0, absolute(1, 0, Max, &[(0, 20)])),
        (1, absolute(2, 0, Default, &[(0, 6)])),
        (1, absolute(3, 2, Default, &[(0, 18)])),
        (0, absolute(4, 0, External, &[(0, 5)])),
        (0, absolute(5, 1, External, &[(0, 19)])),
    ];
    composes(&profiles, &station(), request(1, 0, 60, A), "0 18");
    profiles.push((1, absolute(6, 0, Tx, &[(0, 7)])));
    profiles.push((1, absolute(7, 1, Tx, &[(0, 25)])));
    composes(&profiles, &station(), request(1, 0, 60, A), "0 19");
}

#[test]
fn the_leading_profiles_say_why() {
    let set = set(&[
        (0, absolute(1, 0, Max, &[(0, 20)])),
        (1, absolute(2, 0, Default, &[(0, 6)])),
        (1, absolute(3, 2, Default, &[(0, 18)])),
        (1, absolute(4, 0, Tx, &[(0, 7)]).lasts(60)),
        (0, absolute(-1, 0, LocalGeneration, &[(0, 5)])),
    ]);
    let leading = |evse_id, at| {
        leading(&set, &station(), evse_id, day(at)).map(|ids| ids.iter().map(|id| id.0).collect())
    };
    assert_eq!(leading(1, 59), Ok(vec![-1, 1, 4]));
    assert_eq!(leading(1, 60), Ok(vec![-1, 1, 3]));
    assert_eq!(leading(1, -1), Ok(vec![]));
    assert_eq!(leading(0, 0), Ok(vec![-1, 1]));
    assert_eq!(leading(7, 0), Err(UnknownEvse(7)));
}

/// K27: what is generated locally comes on top, as a schedule and as a dynamic value.
#[test]
fn local_generation_is_added() {
    let default = absolute(1, 0, Default, &[(0, 5_000)]).watts().relative();
    let scheduled = absolute(-1, 0, LocalGeneration, &[(0, 2_000), (600, 1_000)]).watts();
    let profiles = [(0, default.clone()), (0, scheduled)];
    composes(
        &profiles,
        &station(),
        request(1, 0, 900, W),
        "0 7000, 600 6000",
    );
    let sun = absolute(-1, 0, LocalGeneration, &[(0, 1_500)])
        .watts()
        .dynamic()
        .mode(OperationMode::ExternalLimits);
    composes(
        &[(0, default), (0, sun.clone())],
        &station(),
        request(1, 0, 900, W),
        "0 6500",
    );
    // Where nothing is limited there is nothing to add to.
    composes(&[(0, sun)], &station(), request(1, 0, 900, W), "0 -");
}

/// K01.FR.11, K01.FR.12, K01.FR.13, K01.FR.30, K01.FR.36, K01.FR.37; 1.6 §5.16.4.
#[test]
fn periods_within_their_bounds() {
    let steps = &[(0, 6), (100, 8), (200, 10)];
    let plain = || absolute(1, 0, Default, steps);
    for (profile, from, expected) in [
        (plain().lasts(150), 0, "0 6, 100 8, 150 -"),
        (plain(), 150, "0 8, 50 10"),
        // A start in the future, before which nothing holds.
        (plain().starts(day(60)), 0, "0 -, 60 6, 160 8, 260 10"),
        (
            plain().valid(Some(day(50)), None),
            0,
            "0 -, 50 6, 100 8, 200 10",
        ),
        (plain().valid(None, Some(day(120))), 0, "0 6, 100 8, 120 -"),
        (plain().valid(Some(day(10)), Some(day(10))), 0, "0 -"),
        // A schedule whose first period does not start at once leaves a gap.
        (absolute(1, 0, Default, &[(30, 6)]), 0, "0 -, 30 6"),
        // Shorter than its recurrence: a gap; longer: cut.
        (
            plain().lasts(250).recurring(Recurrence::Daily),
            86_400 - 10,
            "0 -, 10 6, 110 8, 210 10, 260 -",
        ),
        (
            plain().lasts(200_000).recurring(Recurrence::Daily),
            86_400 - 10,
            "0 10, 10 6, 110 8, 210 10",
        ),
        (
            plain().recurring(Recurrence::Weekly),
            7 * 86_400 - 10,
            "0 10, 10 6, 110 8, 210 10",
        ),
    ] {
        composes(
            &[(1, profile)],
            &station(),
            request(1, from, 300, A),
            expected,
        );
    }
}

/// K01.FR.42, K08.FR.06; 1.6 §7.13.
#[test]
fn relative_schedules_count_from_the_transaction() {
    let relative = absolute(1, 0, Default, &[(0, 6), (100, 8)]).relative();
    let mut startless = absolute(1, 0, Default, &[(0, 6), (100, 8)]);
    startless.schedules[0].start = None;
    for profile in [relative, startless] {
        let profiles = [(0, profile)];
        composes(&profiles, &station(), request(1, 30, 300, A), "0 6, 70 8");
        // None runs on EVSE 2: as if one began now.
        composes(&profiles, &station(), request(2, 30, 300, A), "0 6, 100 8");
        let mut unready = station();
        unready.evses[0].transaction.as_mut().expect("one").ready_at = None;
        composes(&profiles, &unready, request(1, 30, 300, A), "0 6, 100 8");
    }
    // A relative limit of the station counts from its receipt.
    let profiles = [(0, absolute(1, 0, External, &[(0, 6), (100, 8)]).relative())];
    composes(&profiles, &station(), request(2, 30, 300, A), "0 6, 70 8");
}

/// K01.FR.04, K02.FR.04: a TxProfile is for its transaction.
#[test]
fn a_tx_profile_needs_its_transaction() {
    let tx = absolute(1, 0, Tx, &[(0, 6)]);
    let (mut other, mut unnamed) = (tx.clone(), tx.clone());
    other.ocpp_transaction_id = Some("other".into());
    unnamed.ocpp_transaction_id = None;
    for (profile, at_its_evse, at_the_station) in [
        (tx, "0 6", "0 6"),
        (unnamed, "0 6", "0 -"),
        (other, "0 -", "0 -"),
    ] {
        let composes = |sent_to, evse_id, expected| {
            let profiles = [(sent_to, profile.clone())];
            composes(&profiles, &station(), request(evse_id, 0, 60, A), expected);
        };
        composes(1, 1, at_its_evse);
        composes(0, 1, at_the_station);
        composes(2, 2, "0 -");
        composes(0, 2, "0 -");
    }
}

/// 1.6 §3.13.1, K01.FR.14, K01.FR.15.
#[test]
fn defaults_of_the_station_and_of_an_evse() {
    let of_station = absolute(1, 0, Default, &[(0, 16)]);
    let mut profiles = vec![
        (0, of_station),
        (1, absolute(2, 0, Default, &[(0, 20)]).lasts(60)),
    ];
    // At the same level an EVSE's own stands instead, also where it has nothing to say.
    composes(&profiles, &station(), request(1, 0, 90, A), "0 20, 60 -");
    composes(&profiles, &station(), request(2, 0, 90, A), "0 16");
    // At another level they are stacked.
    profiles[1].1.stack_level = 1;
    composes(&profiles, &station(), request(1, 0, 90, A), "0 20, 60 16");
}

/// K21.FR.04, K21.FR.07, K22.FR.02.
#[test]
fn priority_charging_overrules_the_transaction() {
    let profiles = [
        (0, absolute(1, 0, Max, &[(0, 32)])),
        (1, absolute(2, 5, Tx, &[(0, 6)])),
        (0, absolute(3, 9, Default, &[(0, 8)])),
        (
            0,
            absolute(4, 0, PriorityCharging, &[(0, 40)]).valid(None, Some(day(30))),
        ),
    ];
    composes(&profiles, &station(), request(1, 0, 60, A), "0 6");
    let mut asked = station();
    asked.evses[0].transaction.as_mut().expect("one").priority = true;
    composes(&profiles, &asked, request(1, 0, 60, A), "0 32, 30 6");
}

/// K01.FR.49, K01.FR.50, K01.FR.51, K01.FR.140; 1.6 errata 3.34.
#[test]
fn units_and_phases() {
    let tx = |limit: i32| absolute(1, 0, Tx, &[(0, limit)]);
    let max = |limit: i32| absolute(2, 0, Max, &[(0, limit)]);
    let mut one_phase = station();
    one_phase.evses[0].supply.phases = 1;
    let known = station();
    for (tx, max, station, unit, expected) in [
        (tx(16), max(99), &known, W, "0 11040"),
        (tx(16).phases(1), max(99), &known, W, "0 3680 ~1"),
        (tx(11_040).watts(), max(99), &known, A, "0 16"),
        (tx(3_680).watts().phases(1), max(99), &known, A, "0 16 ~1"),
        (tx(11_000).watts(), max(10), &known, W, "0 6900"),
        // One phase although the station allows three: 16 A on it is less than 7 kW.
        (
            tx(7_000).watts().phases(1),
            max(16).phases(3),
            &known,
            W,
            "0 3680 ~1",
        ),
        (
            tx(7_000).watts().phases(1),
            max(16).phases(3),
            &known,
            A,
            "0 16 ~1",
        ),
        // Three phases asked of a station that has one: the limit per phase stays.
        (tx(16).phases(3), max(99), &one_phase, A, "0 16 ~3"),
        (tx(16).phases(3), max(99), &one_phase, W, "0 3680 ~3"),
        (
            tx(11_040).watts().phases(3),
            max(99),
            &one_phase,
            A,
            "0 16 ~3",
        ),
    ] {
        composes(
            &[(1, tx), (0, max)],
            station,
            request(1, 0, 60, unit),
            expected,
        );
    }
}

#[test]
fn a_phase_to_use_is_the_one_all_agree_on() {
    let on = |id, purpose, phase: Option<u8>| {
        let mut profile = absolute(id, 0, purpose, &[(0, 16)]).phases(1);
        profile.each(|period| period.phase_to_use = phase);
        profile
    };
    for (tx, max, expected) in [
        (Some(2), None, "0 16 ~1 L2"),
        (Some(2), Some(2), "0 16 ~1 L2"),
        (Some(2), Some(3), "0 16 ~1"),
    ] {
        let profiles = [(1, on(1, Tx, tx)), (0, on(2, Max, max))];
        composes(&profiles, &station(), request(1, 0, 60, A), expected);
    }
}

/// V2X.03, V2X.04, K08.FR.08.
#[test]
fn a_setpoint_stays_within_its_limits() {
    let with = |set: i32, limit: Option<i32>, discharge: Option<i32>| {
        let v2x = V2x {
            discharge_limit: PhaseRates {
                all: discharge.map(Rate::whole),
                ..PhaseRates::NONE
            },
            ..setpoint(set)
        };
        let mut profile = absolute(1, 0, Tx, &[(0, 0)])
            .watts()
            .v2x(v2x)
            .mode(OperationMode::CentralSetpoint);
        profile.each(|period| period.limit = limit.map(Rate::whole));
        profile
    };
    for (profile, expected) in [
        (
            with(2_000, Some(1_000), None),
            "0 1000 s=1000 CentralSetpoint",
        ),
        (
            with(-2_000, None, Some(-1_000)),
            "0 - d=-1000 s=-1000 CentralSetpoint",
        ),
        (
            with(-500, Some(1_000), Some(-1_000)),
            "0 1000 d=-1000 s=-500 CentralSetpoint",
        ),
        (with(500, None, None), "0 - s=500 CentralSetpoint"),
        // Rates that a mode has no use for do not count.
        (
            with(2_000, Some(1_000), Some(-1)).mode(OperationMode::ChargingOnly),
            "0 1000",
        ),
        (
            with(2_000, Some(1_000), Some(-1)).mode(OperationMode::Idle),
            "0 - Idle",
        ),
    ] {
        composes(
            &[(1, profile.clone())],
            &station(),
            request(1, 0, 60, W),
            expected,
        );
    }
    // The station's limit caps it too.
    let profiles = [
        (1, with(2_000, None, None)),
        (0, absolute(2, 0, Max, &[(0, 700)]).watts()),
    ];
    composes(
        &profiles,
        &station(),
        request(1, 0, 60, W),
        "0 700 s=700 CentralSetpoint",
    );
}

/// Q06.FR.20 to Q06.FR.22.
#[test]
fn one_of_two_setpoints_has_priority() {
    let ours = absolute(1, 0, Tx, &[(0, 0)])
        .unlimited()
        .v2x(setpoint(5))
        .mode(OperationMode::CentralSetpoint);
    let theirs = absolute(-1, 0, External, &[(0, 0)])
        .unlimited()
        .v2x(setpoint(9))
        .mode(OperationMode::ExternalSetpoint);
    let profiles = [(1, ours), (0, theirs)];
    composes(
        &profiles,
        &station(),
        request(1, 0, 60, A),
        "0 - s=9 ExternalSetpoint",
    );
    let csms = Station {
        setpoint_priority: SetpointPriority::Csms,
        ..station()
    };
    composes(
        &profiles,
        &csms,
        request(1, 0, 60, A),
        "0 - s=5 CentralSetpoint",
    );
}

/// Levels are not shared (K01.FR.06), but where a station reports that they are, nothing is exceeded.
#[test]
fn profiles_that_share_the_highest_level_both_hold() {
    let with = |id, limit, discharge, set| {
        let v2x = V2x {
            discharge_limit: PhaseRates::of(Rate::whole(discharge)),
            ..setpoint(set)
        };
        let profile = absolute(id, 0, Tx, &[(0, limit)]);
        (1, profile.v2x(v2x).mode(OperationMode::CentralSetpoint))
    };
    for (a, b, expected) in [
        (
            with(1, 20, -9, 5),
            with(2, 10, -8, 6),
            "0 10 d=-8 s=5 CentralSetpoint",
        ),
        (
            with(1, 10, -8, -5),
            with(2, 20, -9, -6),
            "0 10 d=-8 s=-5 CentralSetpoint",
        ),
        // Equal to the grid: rather charge than discharge.
        (
            with(1, 10, -8, -5),
            with(2, 20, -9, 5),
            "0 10 d=-8 s=5 CentralSetpoint",
        ),
    ] {
        let in_either_order = [[a.clone(), b.clone()], [b, a]];
        for profiles in in_either_order {
            composes(&profiles, &station(), request(1, 0, 60, A), expected);
        }
    }
}

#[test]
fn periods_out_of_order_are_put_in_order() {
    let profile = absolute(1, 0, Default, &[(100, 8), (200, 10), (0, 6), (50, 7)]);
    composes(
        &[(1, profile)],
        &station(),
        request(1, 0, 300, A),
        "0 6, 50 7, 100 8, 200 10",
    );
}

/// K08.FR.09, V2X.06.
#[test]
fn rates_per_phase() {
    let split = V2x {
        limit_l2: Some(Rate::whole(8)),
        limit_l3: Some(Rate::whole(20)),
        ..V2x::default()
    };
    let tx = absolute(1, 0, Tx, &[(0, 10)]).v2x(split);
    let max = absolute(2, 0, Max, &[(0, 9_000)]).watts();
    composes(
        &[(1, tx.clone())],
        &station(),
        request(1, 0, 60, A),
        "0 10/8/20",
    );
    composes(
        &[(1, tx.clone())],
        &station(),
        request(1, 0, 60, W),
        "0 2300/1840/4600",
    );
    // 9 kW over three phases are 3 kW, or 13.043 A, on each.
    let profiles = [(1, tx), (0, max)];
    composes(&profiles, &station(), request(1, 0, 60, A), "0 10/8/13.043");
    composes(
        &profiles,
        &station(),
        request(1, 0, 60, W),
        "0 2300/1840/3000",
    );
}

/// K01.FR.100.
#[test]
fn a_full_battery_caps_the_rate() {
    let mut capped = absolute(1, 0, Tx, &[(0, 32), (60, 4)]);
    capped.schedules[0].limit_at_soc = Some(LimitAtSoc {
        soc_percent: 80,
        limit: Rate::whole(10),
    });
    for (soc, expected) in [
        (None, "0 32, 60 4"),
        (Some(79), "0 32, 60 4"),
        (Some(80), "0 10, 60 4"),
    ] {
        let mut station = station();
        station.evses[0]
            .transaction
            .as_mut()
            .expect("one")
            .soc_percent = soc;
        composes(
            &[(1, capped.clone())],
            &station,
            request(1, 0, 120, A),
            expected,
        );
    }
}

/// K01.FR.90.
#[test]
fn local_time_shifts_the_start() {
    let mut local = absolute(1, 0, Default, &[(0, 6)]).starts(day(36_000));
    local.schedules[0].use_local_time = true;
    for (offset, expected) in [(0, "0 -, 3600 6"), (3_600, "0 6"), (-3_600, "0 -, 7200 6")] {
        let station = Station {
            utc_offset_s: offset,
            ..station()
        };
        composes(
            &[(1, local.clone())],
            &station,
            request(1, 32_400, 10_800, A),
            expected,
        );
    }
}

/// K01.FR.101, K01.FR.103: set aside while offline for too long, and a lower level takes over.
#[test]
fn offline_for_too_long() {
    let mut online = absolute(1, 1, Default, &[(0, 32)]);
    online.offline_max_s = Some(100);
    let profiles = [(1, online), (1, absolute(2, 0, Default, &[(0, 10)]))];
    composes(&profiles, &station(), request(1, 0, 300, A), "0 32");
    let offline = Station {
        offline_since: Some(day(0)),
        ..station()
    };
    composes(&profiles, &offline, request(1, 0, 300, A), "0 32, 101 10");
}

/// K28, Q05.FR.07: a dynamic profile counts from its last update and lapses after its duration.
#[test]
fn a_dynamic_profile_falls_back_when_updates_stop() {
    let dynamic = absolute(1, 1, Tx, &[(0, 12)]).dynamic().lasts(60);
    let mut set = set(&[(1, dynamic), (1, absolute(2, 0, Tx, &[(0, 6)]))]);
    let at = |set: &ProfileSet, from| {
        let request = request(1, from, 300, A);
        show(&composite(set, &station(), &request).expect("known"))
    };
    assert_eq!(at(&set, 0), "0 12, 60 6");
    let update = Update {
        limit: PhaseRates::of(Rate::whole(14)),
        ..Update::default()
    };
    set.update(ProfileId(1), &update, day(50)).expect("dynamic");
    assert_eq!(at(&set, 55), "0 14, 55 6");
}

/// K15.FR.22: the EV follows one of the schedules it was offered.
#[test]
fn the_schedule_the_ev_chose() {
    let mut offered = absolute(1, 1, Tx, &[(0, 10)]);
    let mut second = offered.schedules[0].clone();
    second.periods[0].limit = Some(Rate::whole(20));
    offered.schedules.push(second);
    let profiles = [(1, offered), (0, absolute(2, 0, Max, &[(0, 32)]))];
    for (chosen, expected) in [(0, "0 10"), (1, "0 20"), (2, "0 10")] {
        let mut station = station();
        station.evses[0].transaction.as_mut().expect("one").schedule = chosen;
        composes(&profiles, &station, request(1, 0, 60, A), expected);
    }
}

/// K08.FR.03, K04.FR.05: the grid connection carries all EVSEs, within what the station may draw.
#[test]
fn the_grid_connection() {
    let mut profiles = vec![(0, absolute(1, 0, Default, &[(0, 16)]))];
    let grid = |unit| request(0, 0, 60, unit);
    composes(&profiles, &station(), grid(A), "0 32");
    composes(&profiles, &station(), grid(W), "0 22080");
    // Its own profile for EVSE 1.
    profiles.push((1, absolute(2, 1, Default, &[(0, 6), (30, 20)])));
    composes(&profiles, &station(), grid(A), "0 22, 30 36");
    profiles.push((0, absolute(3, 0, Max, &[(0, 25)])));
    composes(&profiles, &station(), grid(A), "0 22, 30 25");
    profiles.push((0, absolute(4, 0, LocalGeneration, &[(0, 3)])));
    composes(&profiles, &station(), grid(A), "0 25, 30 28");
    // An EVSE that nothing limits leaves the station's limits.
    let unlimited = [
        (1, absolute(2, 0, Default, &[(0, 6)])),
        (0, absolute(3, 0, Max, &[(0, 25)])),
    ];
    composes(&unlimited, &station(), grid(A), "0 25");
    composes(&unlimited[..1], &station(), grid(A), "0 -");
    composes(&[], &Station::new(Edition::V201), grid(A), "0 -");
}

#[test]
fn setpoints_at_the_grid_connection() {
    let discharging = |id, set: i32| {
        let v2x = V2x {
            discharge_limit: PhaseRates::of(Rate::whole(-8)),
            ..setpoint(set)
        };
        absolute(id, 0, Default, &[(0, 10)])
            .v2x(v2x)
            .mode(OperationMode::CentralSetpoint)
    };
    let charging = absolute(3, 0, Default, &[(0, 10)]);
    let idle = absolute(3, 0, Default, &[(0, 0)])
        .unlimited()
        .mode(OperationMode::Idle);
    let grid = request(0, 0, 60, A);
    let both = [(1, discharging(1, -5)), (2, discharging(2, 2))];
    composes(&both, &station(), grid, "0 20 d=-16 s=-3 CentralSetpoint");
    // One that only charges adds nothing to what may discharge, and its draw is not known.
    composes(
        &[(1, discharging(1, -5)), (2, charging)],
        &station(),
        grid,
        "0 20 d=-8",
    );
    composes(
        &[(1, discharging(1, -5)), (2, idle)],
        &station(),
        grid,
        "0 10 d=-8 s=-5",
    );
}

#[test]
fn rates_per_phase_at_the_grid_connection() {
    let split = V2x {
        limit_l2: Some(Rate::whole(8)),
        limit_l3: Some(Rate::whole(6)),
        ..V2x::default()
    };
    let profiles = [
        (1, absolute(1, 0, Tx, &[(0, 10)]).v2x(split)),
        (2, absolute(2, 0, Default, &[(0, 6_900)]).watts()),
        (0, absolute(3, 0, Max, &[(0, 17)])),
    ];
    composes(&profiles, &station(), request(0, 0, 60, A), "0 17/17/16");
}

/// K08.FR.05.
#[test]
fn an_unknown_evse_has_no_schedule() {
    let request = request(7, 0, 60, A);
    assert_eq!(
        composite(&ProfileSet::new(), &station(), &request),
        Err(UnknownEvse(7))
    );
}

/// K01.FR.92, K08.FR.06: delays are the station's own; we only say how large they may be, and only in a transaction.
#[test]
fn random_delays_are_told() {
    let mut delayed = absolute(1, 0, Default, &[(0, 6)]);
    delayed.schedules[0].randomized_delay_s = 600;
    let set = set(&[(0, delayed)]);
    for (evse_id, expected) in [(1, 600), (2, 0), (0, 600)] {
        let request = request(evse_id, 0, 60, A);
        let schedule = composite(&set, &station(), &request).expect("known");
        assert_eq!(schedule.delay_max_s, expected, "EVSE {evse_id}");
    }
}
