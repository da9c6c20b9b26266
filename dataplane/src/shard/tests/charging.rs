//! What is known of a station's charging profiles, and how it comes and goes.

use std::fmt::Write;
use std::time::Duration;

use expect_test::{Expect, expect};
use fleet::record::ChargingSource;

use super::world::{World, config, key};
use crate::config::{Config, Onboarding};
use crate::router::Ask;
use crate::router::charging::ChargingView;
use crate::router::pending::pending;

/// Runs a script on a fresh station and shows what is known of its profiles then.
fn check(script: &str, expected: Expect) {
    let mut world = World::new(config(Onboarding::Open));
    world.run(script);
    expected.assert_eq(&shown(&mut world));
}

/// What is known of the profiles of CP1.
pub(super) fn shown(world: &mut World) -> String {
    let view = view(world);
    let mut out = String::new();
    for held in &view.held.profiles {
        let source = ChargingSource::from_code(held.source).unwrap();
        let is_in_force = view
            .profiles
            .get(crate::charging::ProfileId(held.id))
            .is_some_and(|installed| !installed.is_void);
        write!(out, "profile {} on {} by {source}", held.id, held.evse_id).unwrap();
        if !held.limit_source.is_empty() {
            write!(out, " of {}", held.limit_source).unwrap();
        }
        if !held.ocpp_transaction_id.is_empty() {
            write!(out, " for {}", held.ocpp_transaction_id).unwrap();
        }
        if !held.update.is_empty() {
            write!(out, " now {}", held.update).unwrap();
        }
        writeln!(out, "{}", if is_in_force { "" } else { " not in force" }).unwrap();
    }
    for limit in &view.held.limits {
        writeln!(
            out,
            "limit of {} on {} {}",
            limit.source, limit.evse_id, limit.schedules
        )
        .unwrap();
    }
    for vehicle in &view.held.vehicles {
        writeln!(
            out,
            "vehicle on {} of {:?} priority {}",
            vehicle.evse_id, vehicle.ocpp_transaction_id, vehicle.priority
        )
        .unwrap();
    }
    for allowed in &view.v2x.allowed {
        writeln!(
            out,
            "transaction {} may {}",
            allowed.ocpp_transaction_id,
            allowed.modes.join(", ")
        )
        .unwrap();
    }
    if let Some(afrr) = view.v2x.afrr {
        let at = fleet::UtcMicros(afrr.signal_at);
        writeln!(out, "aFRR signal {} from {at}", afrr.signal).unwrap();
    }
    out
}

/// What EVSE 1 of CP1 should do in the next minute.
pub(super) fn shown_composite(world: &mut World) -> String {
    let view = view(world);
    let request = crate::charging::Request {
        evse_id: 1,
        from: world.now().utc,
        duration_s: 60,
        unit: crate::charging::RateUnit::Watts,
    };
    let schedule = crate::charging::composite(&view.profiles, &view.station, &request).unwrap();
    let limits: Vec<_> = (schedule.periods.iter())
        .map(|period| {
            (
                period.start_s,
                period.rates.limit.all.map(|rate| rate.0 / 1_000),
            )
        })
        .collect();
    format!("composite {limits:?}")
}

fn view(world: &mut World) -> ChargingView {
    let (reply, answer) = pending();
    let now = world.now();
    let key = key("CP1");
    world.shard.ask(now, Ask::Charging { key, reply });
    answer.wait(Duration::ZERO).unwrap().unwrap()
}

const BOOT: &str = r#"
    0 a connect CP1 2.0.1
    1 a > [2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
"#;

/// A profile of 2.x.
fn profile(id: i32, purpose: &str, level: u32, more: &str) -> String {
    format!(
        r#"{{"id":{id},"stackLevel":{level},"chargingProfilePurpose":"{purpose}","chargingProfileKind":"Absolute"{more},"chargingSchedule":[{{"id":1,"startSchedule":"2026-11-22T10:00:00Z","chargingRateUnit":"A","chargingSchedulePeriod":[{{"startPeriod":0,"limit":16.0}}]}}]}}"#
    )
}

/// A SetChargingProfile at `second`, and its answer a second later.
fn set(second: u32, evse_id: u32, profile: &str, answer: &str) -> String {
    let then = second + 1;
    format!(
        "{second} op command CP1 SetChargingProfile {{\"evseId\":{evse_id},\"chargingProfile\":{profile}}}\n{then} a answers {answer}\n"
    )
}

fn accept(second: u32, evse_id: u32, profile: &str) -> String {
    set(second, evse_id, profile, r#"{"status":"Accepted"}"#)
}

#[test]
fn a_profile_counts_once_the_station_has_accepted_it() {
    let script = [
        BOOT.to_owned(),
        accept(5, 1, &profile(1, "TxDefaultProfile", 0, "")),
        set(
            10,
            1,
            &profile(2, "TxDefaultProfile", 1, ""),
            r#"{"status":"Rejected"}"#,
        ),
        // Nobody answers the third.
        format!(
            "20 op command CP1 SetChargingProfile {{\"evseId\":1,\"chargingProfile\":{}}}\n60 wait",
            profile(3, "TxDefaultProfile", 2, "")
        ),
    ];
    check(
        &script.concat(),
        expect![[r#"
            profile 1 on 1 by set
        "#]],
    );
}

#[test]
fn profiles_outlive_the_process_whether_the_store_has_them_or_not() {
    for script in ["7 restart", "20 wait\n21 restart"] {
        let mut world = World::new(config(Onboarding::Open));
        world.run(&(BOOT.to_owned() + &accept(5, 1, &profile(1, "TxDefaultProfile", 0, ""))));
        let before = view(&mut world).held;
        assert_eq!(before.profiles.len(), 1);
        world.run(script);
        assert_eq!(view(&mut world).held, before);
    }
}

/// What a 2.1 station is given that takes new rates as it goes.
fn dynamic(id: i32) -> String {
    format!(
        r#"{{"id":{id},"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Dynamic","dynUpdateInterval":60,"chargingSchedule":[{{"id":1,"chargingRateUnit":"W","chargingSchedulePeriod":[{{"startPeriod":0,"limit":11000.0}}]}}]}}"#
    )
}

/// The answers of a 2.1 station that pulls a profile's rates, before and after an update that was accepted.
#[test]
fn a_station_pulls_the_newest_rates_of_a_dynamic_profile() {
    let mut world = World::new(config(Onboarding::Open));
    let boot = BOOT.replace("2.0.1", "2.1");
    world.run(&(boot + &accept(5, 1, &dynamic(3))));
    let seen = world.run(
        r#"
        10 a > [2,"p1","PullDynamicScheduleUpdate",{"chargingProfileId":3}]
        11 op command CP1 UpdateDynamicSchedule {"chargingProfileId":3,"scheduleUpdate":{"limit":7000.0}}
        12 a answers {"status":"Accepted"}
        13 a > [2,"p2","PullDynamicScheduleUpdate",{"chargingProfileId":3}]
        14 op command CP1 UpdateDynamicSchedule {"chargingProfileId":3,"scheduleUpdate":{"limit":1.0}}
        15 a answers {"status":"Rejected"}
        16 a > [2,"p3","PullDynamicScheduleUpdate",{"chargingProfileId":3}]
        17 a > [2,"p4","PullDynamicScheduleUpdate",{"chargingProfileId":4}]
        "#,
    );
    let answers: Vec<_> = seen.lines().filter(|line| line.contains("< [3")).collect();
    expect![[r#"
        10 a < [3,"p1",{"scheduleUpdate":{"limit":11000.0},"status":"Accepted"}]
        13 a < [3,"p2",{"scheduleUpdate":{"limit":7000.0},"status":"Accepted"}]
        16 a < [3,"p3",{"scheduleUpdate":{"limit":7000.0},"status":"Accepted"}]
        17 a < [3,"p4",{"status":"Rejected","statusInfo":{"reasonCode":"InvalidProfile"}}]"#]]
    .assert_eq(&answers.join("\n"));
}

#[test]
fn a_transaction_charges_with_priority_while_its_station_says_so() {
    let boot = BOOT.replace("2.0.1", "2.1");
    let script = boot
        + r#"
        5 a > [2,"t","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:05Z","triggerReason":"CablePluggedIn","seqNo":0,"transactionInfo":{"transactionId":"T1"},"evse":{"id":2,"connectorId":1}}]
        6 a > [2,"n","NotifyPriorityCharging",{"transactionId":"T1","activated":true}]
        "#;
    check(
        &script,
        expect![[r#"
        vehicle on 2 of "T1" priority true
    "#]],
    );
    let asked = r#"
        7 a > [2,"m","NotifyPriorityCharging",{"transactionId":"T1","activated":false}]
        8 op command CP1 UsePriorityCharging {"transactionId":"T1","activate":true}
        9 a answers {"status":"Rejected"}
    "#;
    check(
        &(script.clone() + asked),
        expect![[r#"
        vehicle on 2 of "T1" priority false
    "#]],
    );
    let ended = r#"
        7 a > [2,"e","TransactionEvent",{"eventType":"Ended","timestamp":"2026-11-22T10:00:07Z","triggerReason":"EVDeparted","seqNo":1,"transactionInfo":{"transactionId":"T1"},"evse":{"id":2,"connectorId":1}}]
    "#;
    check(&(script + ended), expect![[""]]);
}

#[test]
fn a_profile_that_its_station_was_away_from_for_too_long_is_void() {
    let more = r#","maxOfflineDuration":60,"invalidAfterOfflineDuration":true"#;
    let given = BOOT.replace("2.0.1", "2.1")
        + &accept(5, 1, &profile(1, "TxDefaultProfile", 0, more))
        + &accept(7, 1, &profile(2, "TxDefaultProfile", 1, ""))
        + "100 a drops\n";
    // It was silent before, and there.
    check(
        &(given.clone() + "160 b connect CP1 2.1"),
        expect![[r#"
            profile 1 on 1 by set
            profile 2 on 1 by set
        "#]],
    );
    check(
        &(given + "161 b connect CP1 2.1"),
        expect![[r#"
            profile 1 on 1 by set not in force
            profile 2 on 1 by set
        "#]],
    );
}

#[test]
fn a_deleted_stations_profiles_are_gone_and_stay_so() {
    let mut world = World::new(config(Onboarding::Open));
    world.run(&(BOOT.to_owned() + &accept(5, 1, &profile(1, "TxDefaultProfile", 0, ""))));
    world.run("10 op delete CP1\n11 b connect CP1 2.0.1");
    assert_eq!(shown(&mut world), "");
    world.run("12 restart");
    assert_eq!(shown(&mut world), "");
}

/// A store that cannot be read: what the station tells is refused and comes again, and nothing is forgotten.
#[test]
fn an_unreadable_store_forgets_no_profile() {
    let mut world = World::new(config(Onboarding::Open));
    world.run(&(BOOT.to_owned() + &accept(5, 1, &profile(1, "TxDefaultProfile", 0, ""))));
    let seen = world.run(
        r#"
        20 store breaks
        21 a > [2,"c","ClearedChargingLimit",{"chargingLimitSource":"EMS"}]
        22 store works
        "#,
    );
    assert!(seen.contains("InternalError"), "{seen}");
    assert_eq!(view(&mut world).held.profiles.len(), 1);
}

/// How many amperes EVSE 1 of CP1 may draw now.
fn amperes(world: &mut World) -> Option<String> {
    let view = view(world);
    let request = crate::charging::Request {
        evse_id: 1,
        from: world.now().utc,
        duration_s: 60,
        unit: crate::charging::RateUnit::Amperes,
    };
    let schedule = crate::charging::composite(&view.profiles, &view.station, &request);
    let limit = schedule.unwrap().periods[0].rates.limit.all;
    limit.map(|limit| limit.to_string())
}

/// What a station tells of limits at `second`, one schedule for each of `amperes`.
fn limited(second: u32, limit: &str, amperes: &[f64]) -> String {
    let schedule = |limit: &f64| {
        format!(
            r#"{{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{{"startPeriod":0,"limit":{limit:?}}}]}}"#
        )
    };
    let schedules: Vec<_> = amperes.iter().map(schedule).collect();
    let schedules = schedules.join(",");
    format!(
        "{second} a > [2,\"{second}\",\"NotifyChargingLimit\",{{\"chargingLimit\":{{{limit}}},\"evseId\":1,\"chargingSchedule\":[{schedules}]}}]\n"
    )
}

/// A profile that a station reports of an external system at `second`.
fn reported(second: u32, purpose: &str, amperes: f64) -> String {
    let profile = profile(-1, purpose, 0, "").replace("16.0", &format!("{amperes:?}"));
    format!(
        "{second} a > [2,\"{second}\",\"ReportChargingProfiles\",{{\"requestId\":7,\"chargingLimitSource\":\"EMS\",\"tbc\":false,\"evseId\":1,\"chargingProfile\":[{profile}]}}]\n"
    )
}

const EMS: &str = r#""chargingLimitSource":"EMS""#;

#[test]
fn a_schedule_follows_from_profiles_and_limits() {
    let mut world = World::new(config(Onboarding::Open));
    world.run(&(BOOT.to_owned() + &accept(5, 1, &profile(1, "TxDefaultProfile", 0, ""))));
    assert_eq!(amperes(&mut world).as_deref(), Some("16"));
    world.run(&limited(10, EMS, &[10.0]));
    assert_eq!(amperes(&mut world).as_deref(), Some("10"));
    world.run(r#"20 a > [2,"c","ClearedChargingLimit",{"chargingLimitSource":"EMS","evseId":1}]"#);
    assert_eq!(amperes(&mut world).as_deref(), Some("16"));
}

#[test]
fn k27_fr_05_what_a_source_limits_and_what_it_generates_stand_side_by_side() {
    let mut world = World::new(config(Onboarding::Open));
    world.run(&(BOOT.replace("2.0.1", "2.1") + T1_STARTED));
    let limits = format!(r#"{EMS},"isLocalGeneration":false"#);
    let generates = format!(r#"{EMS},"isLocalGeneration":true"#);
    world.run(&(limited(15, &limits, &[20.0]) + &limited(16, &generates, &[8.0])));
    assert_eq!(amperes(&mut world).as_deref(), Some("28"));
    // Each of the two is replaced by itself; a limit that does not say which it is is none of generation.
    world.run(&limited(17, EMS, &[10.0]));
    assert_eq!(amperes(&mut world).as_deref(), Some("18"));
    world.run(&limited(18, &generates, &[2.0]));
    assert_eq!(amperes(&mut world).as_deref(), Some("12"));
    world.run(r#"20 a > [2,"c","ClearedChargingLimit",{"chargingLimitSource":"EMS"}]"#);
    assert_eq!(amperes(&mut world), None);
}

#[test]
fn k11_fr_03_the_newest_that_is_told_of_a_limit_holds() {
    let constraint = "ChargingStationExternalConstraints";
    let mut world = World::new(config(Onboarding::Open));
    world.run(&(BOOT.to_owned() + &reported(5, constraint, 20.0)));
    assert_eq!(amperes(&mut world).as_deref(), Some("20"));
    world.run(&limited(6, EMS, &[10.0]));
    assert_eq!(amperes(&mut world).as_deref(), Some("10"));
    world.run(&reported(7, constraint, 12.0));
    assert_eq!(amperes(&mut world).as_deref(), Some("12"));
    // That it changed, and not to what, leaves what was known.
    world.run(&limited(8, EMS, &[]).replace(r#","chargingSchedule":[]"#, ""));
    assert_eq!(amperes(&mut world).as_deref(), Some("12"));
    world.run(&limited(9, EMS, &[6.0]));
    assert_eq!(amperes(&mut world).as_deref(), Some("6"));
    // A profile of another purpose says nothing of the limit.
    world.run(&reported(10, "TxDefaultProfile", 16.0));
    assert_eq!(amperes(&mut world).as_deref(), Some("6"));
}

/// A profile for the vehicle of T1 to choose from: 16 A by schedule 1, 32 A by schedule 2.
fn offered() -> String {
    let schedule = |id: i32, limit: f64| {
        format!(
            r#"{{"id":{id},"duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{{"startPeriod":0,"limit":{limit:?}}}]}}"#
        )
    };
    let (first, second) = (schedule(1, 16.0), schedule(2, 32.0));
    format!(
        r#"{{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","transactionId":"T1","chargingSchedule":[{first},{second}]}}"#
    )
}

/// What the vehicle at EVSE 1 plans at `second`.
fn planned(second: u32, id: i32, amperes: f64, more: &str) -> String {
    format!(
        "{second} a > [2,\"{second}\",\"NotifyEVChargingSchedule\",{{\"timeBase\":\"2026-11-22T10:00:{second:02}Z\",\"evseId\":1,\"chargingSchedule\":{{\"id\":{id},\"duration\":600,\"chargingRateUnit\":\"A\",\"chargingSchedulePeriod\":[{{\"startPeriod\":0,\"limit\":{amperes:?}}}]}}{more}}}]\n"
    )
}

const T1_STARTED: &str = r#"
    5 a > [2,"t","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:05Z","triggerReason":"CablePluggedIn","seqNo":0,"transactionInfo":{"transactionId":"T1","chargingState":"EVConnected"},"idToken":{"idToken":"TAG","type":"ISO14443"},"evse":{"id":1,"connectorId":1}}]
"#;

#[test]
fn k18_fr_11_a_plan_is_judged_by_the_schedule_that_it_names() {
    let mut world = World::new(config(Onboarding::Open));
    world.run(&(BOOT.replace("2.0.1", "2.1") + T1_STARTED + &accept(10, 1, &offered())));
    let select = |id: u32| format!(",\"selectedChargingScheduleId\":{id}");
    let plans = [
        planned(20, 9, 32.0, &select(2)),
        planned(21, 9, 32.0, &select(1)),
        planned(22, 9, 32.0, &select(2)),
        planned(23, 9, 33.0, &select(2)),
        planned(24, 9, 16.0, &select(1)),
        // Stations of 2.0.1 name it by the id of the plan.
        planned(25, 2, 32.0, ""),
        planned(26, 1, 32.0, ""),
    ];
    let seen = world.run(&plans.concat());
    let answers: Vec<_> = seen.lines().filter(|line| line.contains("< [3")).collect();
    expect![[r#"
        20 a < [3,"20",{"status":"Accepted"}]
        21 a < [3,"21",{"status":"Rejected"}]
        22 a < [3,"22",{"status":"Accepted"}]
        23 a < [3,"23",{"status":"Rejected"}]
        24 a < [3,"24",{"status":"Accepted"}]
        25 a < [3,"25",{"status":"Accepted"}]
        26 a < [3,"26",{"status":"Rejected"}]"#]]
    .assert_eq(&answers.join("\n"));
}

#[test]
fn k12_fr_03_each_schedule_of_an_external_limit_holds() {
    let mut world = World::new(config(Onboarding::Open));
    world.run(&(BOOT.replace("2.0.1", "2.1") + T1_STARTED + &accept(10, 1, &offered())));
    world.run(&limited(20, EMS, &[20.0, 18.0, 12.0, 15.0]));
    assert_eq!(amperes(&mut world).as_deref(), Some("12"));
    // What the vehicle chose of its profile chooses nothing of the limits.
    world.run(&planned(21, 9, 11.0, ",\"selectedChargingScheduleId\":2"));
    assert_eq!(amperes(&mut world).as_deref(), Some("12"));
    world.run(&limited(22, EMS, &[10.0, 40.0]));
    assert_eq!(amperes(&mut world).as_deref(), Some("10"));
    world.run(&limited(23, EMS, &[40.0]));
    assert_eq!(amperes(&mut world).as_deref(), Some("32"));
}

#[test]
fn k13_fr_01_a_source_that_takes_its_limit_back_takes_its_generation_back_too() {
    let mut world = World::new(config(Onboarding::Open));
    world.run(&(BOOT.replace("2.0.1", "2.1") + T1_STARTED));
    world.run(&(limited(15, EMS, &[20.0]) + &reported(16, "LocalGeneration", 8.0)));
    assert_eq!(amperes(&mut world).as_deref(), Some("28"));
    world.run(r#"17 a > [2,"c","ClearedChargingLimit",{"chargingLimitSource":"EMS","evseId":1}]"#);
    assert_eq!(amperes(&mut world), None);
    assert!(view(&mut world).held.profiles.is_empty());
}

/// Who starts at connector 1 of a 1.6 station after a remote start of TAG with a profile, and whether the profile is
/// that transaction's (1.6 §5.11, §5.16.2).
#[test]
fn a_profile_of_a_remote_start_in_1_6_is_for_its_token_in_its_time() {
    const PROFILE: &str = r#"{"chargingProfileId":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":10.0}]}}"#;
    for (connector, restarts, second, tag, is_its) in [
        (r#""connectorId":1,"#, "", 20, "TAG", true),
        ("", "", 20, "TAG", true),
        ("", "15 restart\n", 20, "TAG", true),
        (r#""connectorId":1,"#, "", 20, "OTHER", false),
        ("", "", 20, "OTHER", false),
        ("", "", 299, "TAG", true),
        ("", "", 7_200, "TAG", false),
        ("", "15 restart\n", 7_200, "TAG", false),
    ] {
        let mut world = World::new(config(Onboarding::Open));
        let (again, minutes) = (second - 1, second / 60);
        let (hour, minute, rest) = (10 + minutes / 60, minutes % 60, second % 60);
        world.run(&format!(
            r#"
            0 a connect CP1
            1 a > [2,"1","BootNotification",{{"chargePointVendor":"V","chargePointModel":"M"}}]
            5 op command CP1 RemoteStartTransaction {{{connector}"idTag":"TAG","chargingProfile":{PROFILE}}}
            6 a answers {{"status":"Accepted"}}
            {restarts}
            {again} b connect CP1
            {second} b > [2,"2","StartTransaction",{{"connectorId":1,"idTag":"{tag}","meterStart":0,"timestamp":"2026-11-22T{hour:02}:{minute:02}:{rest:02}Z"}}]
            "#
        ));
        let known = view(&mut world).held.profiles;
        let its = known
            .iter()
            .filter(|held| !held.ocpp_transaction_id.is_empty());
        assert_eq!(
            its.count() == 1,
            is_its,
            "{connector} {restarts} {second} {tag}"
        );
    }
}

/// An event of T1 at `second`: its trigger, what stands in its `transactionInfo`, and what stands beside that.
fn event(second: u32, kind: &str, told: &str, [trigger, info, beside]: [&str; 3]) -> String {
    format!(
        "{second} a > [2,\"{second}\",\"TransactionEvent\",{{\"eventType\":\"{kind}\",\"timestamp\":\"2026-11-22T{told}Z\",\"triggerReason\":\"{trigger}\",\"seqNo\":{second},\"transactionInfo\":{{\"transactionId\":\"T1\"{info}}},\"evse\":{{\"id\":1}}{beside}}}]\n"
    )
}

const CONNECTED: &str = r#","chargingState":"EVConnected""#;
const CHARGING: &str = r#","chargingState":"Charging""#;

const TOKEN: &str = r#","idToken":{"idToken":"TAG","type":"ISO14443"}"#;

/// When the transaction at EVSE 1 of CP1 was ready, in seconds.
fn ready_at(world: &mut World) -> Option<i64> {
    let known = view(world).station;
    let running = known.evses[0].transaction.as_ref().expect("one runs");
    let ready_at = running.ready_at?;
    Some((ready_at.0 - super::world::EPOCH) / 1_000_000)
}

/// Relative profiles count from when the driver is authorized and the vehicle is there, whichever comes first.
#[test]
fn k01_fr_42_a_transaction_is_ready_with_its_driver_and_its_vehicle() {
    let connected = ["CablePluggedIn", CONNECTED, ""];
    let authorized = ["Authorized", "", TOKEN];
    let charges = ["ChargingStateChanged", CHARGING, ""];
    for (first, second) in [
        (connected, authorized),
        (authorized, connected),
        // The cable was in, and nobody was asked.
        (["EVDetected", "", ""], charges),
    ] {
        let mut world = World::new(config(Onboarding::Open));
        world.run(&(BOOT.to_owned() + &event(5, "Started", "10:00:05", first)));
        assert_eq!(ready_at(&mut world), None, "{first:?}");
        world.run(&event(35, "Updated", "10:00:35", second));
        world.run(&event(65, "Updated", "10:01:05", charges));
        for script in ["66 wait", "3600 wait", "3601 restart"] {
            world.run(script);
            assert_eq!(
                ready_at(&mut world),
                Some(35),
                "{first:?}, {second:?}, {script}"
            );
        }
    }
}

/// By our clock, whatever the station's shows; what happened while it was offline it tells late.
#[test]
fn k01_fr_42_a_transaction_is_ready_since_we_heard_of_it() {
    let late = format!(r#"{TOKEN},"offline":true"#);
    for (told, beside, since) in [
        ("10:00:05", TOKEN, 5),
        ("07:00:05", TOKEN, 5),
        ("10:04:00", TOKEN, 5),
        ("09:58:00", &late, -120),
    ] {
        let mut world = World::new(config(Onboarding::Open));
        world.run(
            &(BOOT.to_owned() + &event(5, "Started", told, ["CablePluggedIn", CONNECTED, beside])),
        );
        for script in ["6 wait", "3600 wait", "3601 restart"] {
            world.run(script);
            assert_eq!(ready_at(&mut world), Some(since), "{told}, {script}");
        }
    }
}

#[test]
fn k01_fr_42_a_transaction_of_1_6_is_ready_when_it_starts() {
    let mut world = World::new(config(Onboarding::Open));
    world.run(
        r#"
        0 a connect CP1
        1 a > [2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
        5 a > [2,"2","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":0,"timestamp":"2026-11-22T10:00:05Z"}]
        "#,
    );
    assert_eq!(ready_at(&mut world), Some(5));
}

#[test]
fn k01_fr_100_a_limit_holds_from_a_state_of_charge_on() {
    let mut world = World::new(config(Onboarding::Open));
    let profile = profile(1, "TxDefaultProfile", 0, "").replace(
        r#""chargingRateUnit""#,
        r#""limitAtSoC":{"soc":80,"limit":6.0},"chargingRateUnit""#,
    );
    world.run(&(BOOT.replace("2.0.1", "2.1") + T1_STARTED + &accept(10, 1, &profile)));
    assert_eq!(amperes(&mut world).as_deref(), Some("16"));
    let soc = |second: u32, percent: f64| {
        let told = format!("10:00:{second:02}");
        let measured = format!(
            r#","meterValue":[{{"timestamp":"2026-11-22T{told}Z","sampledValue":[{{"value":{percent:?},"measurand":"SoC","location":"EV"}}]}}]"#
        );
        let said = ["MeterValuePeriodic", "", &measured];
        event(second, "Updated", &told, said)
    };
    for (second, percent, expected) in [(20, 79.9, "16"), (30, 80.0, "6"), (40, 12.0, "16")] {
        world.run(&soc(second, percent));
        assert_eq!(amperes(&mut world).as_deref(), Some(expected), "{percent}");
    }
    world.run(&soc(50, 90.0));
    world.run("51 restart");
    assert_eq!(amperes(&mut world).as_deref(), Some("6"));
}

/// Plans in watts against a limit in amperes, where the mains have another voltage (K01.FR.50).
#[test]
fn watts_and_amperes_go_by_the_supply_that_is_set() {
    for (volts, phases, watts, is_within) in [
        (230, 3, 11_040.0, true),
        (230, 3, 11_520.0, false),
        (240, 3, 11_520.0, true),
        (240, 1, 11_520.0, false),
        (240, 1, 3_840.0, true),
    ] {
        let supply = crate::charging::Supply {
            line_voltage_mv: std::num::NonZeroU32::new(volts * 1_000).unwrap(),
            phases,
        };
        let mut world = World::new(Config {
            supply,
            ..config(Onboarding::Open)
        });
        world.run(&(BOOT.replace("2.0.1", "2.1") + T1_STARTED + &accept(10, 1, &offered())));
        let plan = planned(20, 1, watts, "").replace(r#""A""#, r#""W""#);
        let seen = world.run(&plan);
        assert_eq!(
            seen.contains("Accepted"),
            is_within,
            "{volts} {phases} {watts}: {seen}"
        );
    }
}

/// A schedule from seven to half past seven by the station's clock on the wall, at ten by UTC.
#[test]
fn k01_fr_90_local_time_goes_by_what_the_station_has_reported() {
    for (variable, value, holds) in [
        ("TimeOffset", "-03:00", true),
        ("TimeOffset", "+03:00", false),
        ("TimeOffset", "", false),
        ("TimeZone", "America/Sao_Paulo", true),
        ("TimeZone", "Europe/Oslo", false),
    ] {
        let mut world = World::new(config(Onboarding::Open));
        let profile = profile(1, "TxDefaultProfile", 0, "").replace(
            r#""startSchedule":"2026-11-22T10:00:00Z""#,
            r#""useLocalTime":true,"startSchedule":"2026-11-22T07:00:00Z","duration":1800"#,
        );
        let reported = format!(
            r#"
            6 op command CP1 GetVariables {{"getVariableData":[{{"component":{{"name":"ClockCtrlr"}},"variable":{{"name":"{variable}"}}}}]}}
            7 a answers {{"getVariableResult":[{{"attributeStatus":"Accepted","attributeValue":"{value}","component":{{"name":"ClockCtrlr"}},"variable":{{"name":"{variable}"}}}}]}}
            "#
        );
        let boot = BOOT.replace("2.0.1", "2.1");
        world.run(&(boot + T1_STARTED + &reported + &accept(10, 1, &profile)));
        assert_eq!(amperes(&mut world).is_some(), holds, "{variable} {value}");
    }
}
