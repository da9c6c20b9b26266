//! Scripts in virtual time: a station against a CSMS that is a closure.

mod csms;

use std::fmt::Write;

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;
use crate::plan::{BackOff, Timeline, Versions};
use crate::scenario::{Faults, Scenario};
use csms::{Csms, World};

#[test]
fn a_16_station_boots_reports_charges_and_beats() {
    check(
        Version::V16,
        Scenario::Once,
        400,
        |_| {},
        expect![[r#"
        0.0 connected
        0.0 > BootNotification 
        0.0 > StatusNotification connectorId=0 Available
        0.0 > StatusNotification connectorId=1 Available
        0.0 > StatusNotification connectorId=2 Available
        48.0 > StatusNotification connectorId=1 Preparing
        49.9 > Authorize CARDFB8B5064
        51.8 > StartTransaction connectorId=1 CARDFB8B5064 meterStart=302354656
        51.8 > StatusNotification connectorId=1 Charging
        56.3 > StatusNotification connectorId=2 Preparing
        58.2 > Authorize CARDA9C169F1
        60.1 > StartTransaction connectorId=2 CARDA9C169F1 meterStart=302183351
        60.1 > StatusNotification connectorId=2 Charging
        81.8 > MeterValues connectorId=1 transactionId=101 302355003.222
        90.1 > MeterValues connectorId=2 transactionId=102 302183698.222
        95.0 > Heartbeat 
        111.8 > MeterValues connectorId=1 transactionId=101 302355419.888
        120.1 > MeterValues connectorId=2 transactionId=102 302184114.888
        141.8 > MeterValues connectorId=1 transactionId=101 302355836.555
        150.1 > MeterValues connectorId=2 transactionId=102 302184531.555
        171.8 > MeterValues connectorId=1 transactionId=101 302356253.222
        180.1 > MeterValues connectorId=2 transactionId=102 302184948.222
        195.0 > Heartbeat 
        201.8 > MeterValues connectorId=1 transactionId=101 302356669.888
        210.1 > MeterValues connectorId=2 transactionId=102 302185364.888
        231.8 > MeterValues connectorId=1 transactionId=101 302357086.555
        240.1 > MeterValues connectorId=2 transactionId=102 302185781.555
        261.8 > MeterValues connectorId=1 transactionId=101 302357503.222
        269.7 > StopTransaction Local transactionId=101 CARDFB8B5064 meterStop=302357614
        269.7 > StatusNotification connectorId=1 Finishing
        270.1 > MeterValues connectorId=2 transactionId=102 302186198.222
        271.6 > StatusNotification connectorId=1 Available
        272.7 > StopTransaction Local transactionId=102 CARDA9C169F1 meterStop=302186236
        272.7 > StatusNotification connectorId=2 Finishing
        274.6 > StatusNotification connectorId=2 Available
        295.0 > Heartbeat 
        395.0 > Heartbeat 
    "#]],
    );
}

#[test]
fn a_201_station_boots_reports_charges_and_beats() {
    check(
        Version::V201,
        Scenario::Once,
        400,
        |_| {},
        expect![[r#"
        0.0 connected
        0.0 > BootNotification PowerUp
        0.0 > StatusNotification connectorId=1 evseId=1 Available
        0.0 > StatusNotification connectorId=1 evseId=2 Available
        48.0 > StatusNotification connectorId=1 evseId=1 Occupied
        49.9 > Authorize CARDFB8B5064
        51.8 > TransactionEvent Started Authorized seqNo=0 CARDFB8B5064 value=302354656.0
        56.3 > StatusNotification connectorId=1 evseId=2 Occupied
        58.2 > Authorize CARDA9C169F1
        60.1 > TransactionEvent Started Authorized seqNo=0 CARDA9C169F1 value=302183351.0
        81.8 > TransactionEvent Updated MeterValuePeriodic seqNo=1 value=302355003.222
        90.1 > TransactionEvent Updated MeterValuePeriodic seqNo=1 value=302183698.222
        95.0 > Heartbeat 
        111.8 > TransactionEvent Updated MeterValuePeriodic seqNo=2 value=302355419.888
        120.1 > TransactionEvent Updated MeterValuePeriodic seqNo=2 value=302184114.888
        141.8 > TransactionEvent Updated MeterValuePeriodic seqNo=3 value=302355836.555
        150.1 > TransactionEvent Updated MeterValuePeriodic seqNo=3 value=302184531.555
        171.8 > TransactionEvent Updated MeterValuePeriodic seqNo=4 value=302356253.222
        180.1 > TransactionEvent Updated MeterValuePeriodic seqNo=4 value=302184948.222
        195.0 > Heartbeat 
        201.8 > TransactionEvent Updated MeterValuePeriodic seqNo=5 value=302356669.888
        210.1 > TransactionEvent Updated MeterValuePeriodic seqNo=5 value=302185364.888
        231.8 > TransactionEvent Updated MeterValuePeriodic seqNo=6 value=302357086.555
        240.1 > TransactionEvent Updated MeterValuePeriodic seqNo=6 value=302185781.555
        261.8 > TransactionEvent Updated MeterValuePeriodic seqNo=7 value=302357503.222
        269.7 > TransactionEvent Ended StopAuthorized seqNo=8 Local CARDFB8B5064 value=302357614.0
        270.1 > TransactionEvent Updated MeterValuePeriodic seqNo=7 value=302186198.222
        271.6 > StatusNotification connectorId=1 evseId=1 Available
        272.7 > TransactionEvent Ended StopAuthorized seqNo=8 Local CARDA9C169F1 value=302186236.0
        274.6 > StatusNotification connectorId=1 evseId=2 Available
        295.0 > Heartbeat 
        395.0 > Heartbeat 
    "#]],
    );
}

/// A profile whose stations are offline half of the time.
const TUNNEL: &str = r#"
description = "A tunnel"
run = { speed = 1, duration = "1h", begins_at = "08:00" }
stations = { versions = { "2.0.1" = 1 }, connectors = 1, meter_interval = "30s" }
supplies = [{ share = 1, kind = "dc", power_kw = 50 }]
arrivals = { vehicles_per_day = 1000, by_hour = [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1] }
visits = { stay = ["5m", "5m"], arrives_percent = [10, 20] }
offline = { stations_percent = 100, every = ["70s", "90s"], lasts = ["60s", "60s"] }
[[vehicles]]
share = 1
battery_kwh = 50
ac = { power_kw = 11, phases = 3 }
dc_kw = 50
curve = [[0, 100], [100, 0]]
"#;

#[test]
fn a_station_of_a_profile_loses_its_network_and_sends_what_was_queued() {
    let profile = crate::scenario::Profile::parse(TUNNEL).unwrap();
    let mut world = World::new(Version::V201, Scenario::Profile(Box::new(profile)));
    world.run_until(260);
    expect![[r#"
        0.0 connected
        0.0 > BootNotification PowerUp
        0.0 > StatusNotification connectorId=1 evseId=1 Available
        0.0 > StatusNotification connectorId=1 evseId=2 Available
        34.7 > StatusNotification connectorId=1 evseId=1 Occupied
        36.6 > Authorize CARD73D01FA0
        38.4 > TransactionEvent Started Authorized seqNo=0 CARD73D01FA0 value=302354656.0
        49.5 > StatusNotification connectorId=1 evseId=2 Occupied
        51.3 > Authorize CARD9C243E4E
        53.2 > TransactionEvent Started Authorized seqNo=0 CARD9C243E4E value=302183351.0
        68.4 > TransactionEvent Updated MeterValuePeriodic seqNo=1 value=302354948.847
        83.2 > TransactionEvent Updated MeterValuePeriodic seqNo=1 value=302183645.93
        84.9 loses its network
        147.7 connected
        147.7 > TransactionEvent Updated MeterValuePeriodic seqNo=2 offline=true value=302355297.736
        147.7 > TransactionEvent Updated MeterValuePeriodic seqNo=2 offline=true value=302183997.319
        147.7 > TransactionEvent Updated MeterValuePeriodic seqNo=3 offline=true value=302355643.708
        147.7 > TransactionEvent Updated MeterValuePeriodic seqNo=3 offline=true value=302184345.791
        158.4 > TransactionEvent Updated MeterValuePeriodic seqNo=4 value=302355986.763
        173.2 > TransactionEvent Updated MeterValuePeriodic seqNo=4 value=302184691.347
        188.4 > TransactionEvent Updated MeterValuePeriodic seqNo=5 value=302356327.041
        203.2 > TransactionEvent Updated MeterValuePeriodic seqNo=5 value=302185033.986
        218.2 loses its network
    "#]]
    .assert_eq(&world.log);
}

#[test]
fn heartbeats_that_were_due_behind_a_slow_one_are_as_slow_as_they_were() {
    let plan = Plan {
        heartbeat: Some(Duration::from_secs(1)),
        ..World::plan(Scenario::Idle)
    };
    let mut station = Station::new(&plan, 0, "CP1".into(), Version::V201, Instant(0));
    let mut out = Vec::new();
    let id = |out: &[Output]| match out
        .iter()
        .rev()
        .find(|output| matches!(output, Output::Send(_)))
    {
        Some(Output::Send(text)) => text.split('"').nth(1).unwrap().to_owned(),
        _ => panic!("nothing was sent: {out:?}"),
    };
    station.handle_timeout(&plan, Instant(0), &mut out);
    station.handle_up(&plan, Instant(0), &mut out);
    let time = "\"currentTime\":\"2026-11-22T10:40:00.000Z\"";
    let accepted = format!(
        "[3,\"{}\",{{{time},\"status\":\"Accepted\",\"interval\":100}}]",
        id(&out)
    );
    station.handle_text(&plan, Instant(0), &accepted, &mut out);
    for _ in 0..plan.connectors {
        let text = format!("[3,\"{}\",{{}}]", id(&out));
        station.handle_text(&plan, Instant(0), &text, &mut out);
    }

    // One Heartbeat leaves, and five seconds later it is answered; or its connection is lost.
    for lost in [false, true] {
        out.clear();
        let first = station.poll_timeout().unwrap();
        let end = first + Duration::from_millis(4_500);
        while let Some(at) = station.poll_timeout().filter(|at| *at <= end) {
            station.handle_timeout(&plan, at, &mut out);
        }
        let offered = out
            .iter()
            .filter(|output| **output == Output::Offered("Heartbeat"));
        assert_eq!(
            offered.count(),
            5,
            "the plan is held whatever the CSMS does"
        );
        let beat = id(&out);
        out.clear();
        let now = first + Duration::from_secs(5);
        if lost {
            station.handle_down(&plan, now, &mut out);
            let failed = Output::Failed {
                action: "Heartbeat",
                failure: Failure::Disconnected,
            };
            assert_eq!(out, vec![failed; 5]);
        } else {
            station.handle_text(&plan, now, &format!("[3,\"{beat}\",{{{time}}}]"), &mut out);
            let seconds = out.iter().filter_map(|output| match output {
                Output::Answered { latency, .. } => Some(latency.as_secs()),
                _ => None,
            });
            assert_eq!(seconds.collect::<Vec<_>>(), [5, 1, 2, 3, 4]);
        }
    }
}

/// Runs one station for `seconds` after `script` had its say.
fn check(
    version: Version,
    scenario: Scenario,
    seconds: u64,
    script: impl FnOnce(&mut World),
    expected: Expect,
) {
    let mut world = World::new(version, scenario);
    script(&mut world);
    world.run_until(seconds);
    expected.assert_eq(&world.log);
}

#[test]
fn what_was_unanswered_when_the_connection_broke_is_sent_again_with_a_new_id() {
    check(
        Version::V16,
        Scenario::Once,
        300,
        |world| {
            world.csms = Csms::Accepting;
            world.run_until(100);
            world.csms = Csms::Silent;
            world.run_until(135);
            world.disconnect();
            world.csms = Csms::Accepting;
        },
        expect![[r#"
            0.0 connected
            0.0 > BootNotification 
            0.0 > StatusNotification connectorId=0 Available
            0.0 > StatusNotification connectorId=1 Available
            0.0 > StatusNotification connectorId=2 Available
            48.0 > StatusNotification connectorId=1 Preparing
            49.9 > Authorize CARDFB8B5064
            51.8 > StartTransaction connectorId=1 CARDFB8B5064 meterStart=302354656
            51.8 > StatusNotification connectorId=1 Charging
            56.3 > StatusNotification connectorId=2 Preparing
            58.2 > Authorize CARDA9C169F1
            60.1 > StartTransaction connectorId=2 CARDA9C169F1 meterStart=302183351
            60.1 > StatusNotification connectorId=2 Charging
            81.8 > MeterValues connectorId=1 transactionId=101 302355003.222
            90.1 > MeterValues connectorId=2 transactionId=102 302183698.222
            95.0 > Heartbeat 
            111.8 > MeterValues connectorId=1 transactionId=101 302355419.888
            135.0 disconnected
            137.8 connected
            137.8 > MeterValues connectorId=1 transactionId=101 302355419.888
            137.8 > MeterValues connectorId=2 transactionId=102 302184114.888
            141.8 > MeterValues connectorId=1 transactionId=101 302355836.555
            150.1 > MeterValues connectorId=2 transactionId=102 302184531.555
            171.8 > MeterValues connectorId=1 transactionId=101 302356253.222
            180.1 > MeterValues connectorId=2 transactionId=102 302184948.222
            201.8 > MeterValues connectorId=1 transactionId=101 302356669.888
            210.1 > MeterValues connectorId=2 transactionId=102 302185364.888
            229.6 > Heartbeat 
            231.8 > MeterValues connectorId=1 transactionId=101 302357086.555
            240.1 > MeterValues connectorId=2 transactionId=102 302185781.555
            261.8 > MeterValues connectorId=1 transactionId=101 302357503.222
            269.7 > StopTransaction Local transactionId=101 CARDFB8B5064 meterStop=302357614
            269.7 > StatusNotification connectorId=1 Finishing
            270.1 > MeterValues connectorId=2 transactionId=102 302186198.222
            271.6 > StatusNotification connectorId=1 Available
            272.7 > StopTransaction Local transactionId=102 CARDA9C169F1 meterStop=302186236
            272.7 > StatusNotification connectorId=2 Finishing
            274.6 > StatusNotification connectorId=2 Available
        "#]],
    );
}

#[test]
fn an_offline_201_station_marks_what_happened_meanwhile() {
    check(
        Version::V201,
        Scenario::Once,
        300,
        |world| {
            world.run_until(100);
            world.disconnect();
            world.reachable = false;
            world.run_until(200);
            world.reachable = true;
        },
        expect![[r#"
            0.0 connected
            0.0 > BootNotification PowerUp
            0.0 > StatusNotification connectorId=1 evseId=1 Available
            0.0 > StatusNotification connectorId=1 evseId=2 Available
            48.0 > StatusNotification connectorId=1 evseId=1 Occupied
            49.9 > Authorize CARDFB8B5064
            51.8 > TransactionEvent Started Authorized seqNo=0 CARDFB8B5064 value=302354656.0
            56.3 > StatusNotification connectorId=1 evseId=2 Occupied
            58.2 > Authorize CARDA9C169F1
            60.1 > TransactionEvent Started Authorized seqNo=0 CARDA9C169F1 value=302183351.0
            81.8 > TransactionEvent Updated MeterValuePeriodic seqNo=1 value=302355003.222
            90.1 > TransactionEvent Updated MeterValuePeriodic seqNo=1 value=302183698.222
            95.0 > Heartbeat 
            100.0 disconnected
            102.8 no connection
            110.3 no connection
            127.1 no connection
            161.4 no connection
            231.5 connected
            231.5 > TransactionEvent Updated MeterValuePeriodic seqNo=2 offline=true value=302355419.888
            231.5 > TransactionEvent Updated MeterValuePeriodic seqNo=2 offline=true value=302184114.888
            231.5 > TransactionEvent Updated MeterValuePeriodic seqNo=3 offline=true value=302355836.555
            231.5 > TransactionEvent Updated MeterValuePeriodic seqNo=3 offline=true value=302184531.555
            231.5 > TransactionEvent Updated MeterValuePeriodic seqNo=4 offline=true value=302356253.222
            231.5 > TransactionEvent Updated MeterValuePeriodic seqNo=4 offline=true value=302184948.222
            231.5 > TransactionEvent Updated MeterValuePeriodic seqNo=5 offline=true value=302356669.888
            231.5 > TransactionEvent Updated MeterValuePeriodic seqNo=5 offline=true value=302185364.888
            231.8 > TransactionEvent Updated MeterValuePeriodic seqNo=6 value=302357086.555
            240.1 > TransactionEvent Updated MeterValuePeriodic seqNo=6 value=302185781.555
            261.8 > TransactionEvent Updated MeterValuePeriodic seqNo=7 value=302357503.222
            269.7 > TransactionEvent Ended StopAuthorized seqNo=8 Local CARDFB8B5064 value=302357614.0
            270.1 > TransactionEvent Updated MeterValuePeriodic seqNo=7 value=302186198.222
            271.6 > StatusNotification connectorId=1 evseId=1 Available
            272.7 > TransactionEvent Ended StopAuthorized seqNo=8 Local CARDA9C169F1 value=302186236.0
            274.6 > StatusNotification connectorId=1 evseId=2 Available
            292.3 > Heartbeat 
        "#]],
    );
}

#[test]
fn errors_are_repeated_with_growing_pauses_and_then_given_up() {
    check(
        Version::V16,
        Scenario::Once,
        125,
        |world| {
            world.run_until(60);
            world.csms = Csms::Refusing;
        },
        expect![[r#"
            0.0 connected
            0.0 > BootNotification 
            0.0 > StatusNotification connectorId=0 Available
            0.0 > StatusNotification connectorId=1 Available
            0.0 > StatusNotification connectorId=2 Available
            48.0 > StatusNotification connectorId=1 Preparing
            49.9 > Authorize CARDFB8B5064
            51.8 > StartTransaction connectorId=1 CARDFB8B5064 meterStart=302354656
            51.8 > StatusNotification connectorId=1 Charging
            56.3 > StatusNotification connectorId=2 Preparing
            58.2 > Authorize CARDA9C169F1
            60.1 > StartTransaction connectorId=2 CARDA9C169F1 meterStart=302183351
            60.1 ! StartTransaction Refused
            62.1 > StartTransaction connectorId=2 CARDA9C169F1 meterStart=302183351
            62.1 ! StartTransaction Refused
            66.1 > StartTransaction connectorId=2 CARDA9C169F1 meterStart=302183351
            66.1 ! StartTransaction Refused
            72.1 > StartTransaction connectorId=2 CARDA9C169F1 meterStart=302183351
            72.1 ! StartTransaction Refused
            80.1 > StartTransaction connectorId=2 CARDA9C169F1 meterStart=302183351
            80.1 ! StartTransaction Refused
            80.1 ! StartTransaction GivenUp
            80.1 ! lost Start 0
            80.1 > StatusNotification connectorId=2 Charging
            80.1 ! StatusNotification Refused
            82.1 > StatusNotification connectorId=2 Charging
            82.1 ! StatusNotification Refused
            86.1 > StatusNotification connectorId=2 Charging
            86.1 ! StatusNotification Refused
            92.1 > StatusNotification connectorId=2 Charging
            92.1 ! StatusNotification Refused
            95.0 > Heartbeat 
            95.0 ! Heartbeat Refused
            100.1 > StatusNotification connectorId=2 Charging
            100.1 ! StatusNotification Refused
            100.1 ! StatusNotification GivenUp
            100.1 ! lost Status 6
            100.1 > MeterValues connectorId=1 transactionId=101 302355003.222
            100.1 ! MeterValues Refused
            102.1 > MeterValues connectorId=1 transactionId=101 302355003.222
            102.1 ! MeterValues Refused
            106.1 > MeterValues connectorId=1 transactionId=101 302355003.222
            106.1 ! MeterValues Refused
            112.1 > MeterValues connectorId=1 transactionId=101 302355003.222
            112.1 ! MeterValues Refused
            120.1 > MeterValues connectorId=1 transactionId=101 302355003.222
            120.1 ! MeterValues Refused
            120.1 ! MeterValues GivenUp
            120.1 ! lost Meter 1
            120.1 ! MeterValues GivenUp
            120.1 > MeterValues connectorId=1 transactionId=101 302355419.888
            120.1 ! MeterValues Refused
            122.1 > MeterValues connectorId=1 transactionId=101 302355419.888
            122.1 ! MeterValues Refused
        "#]],
    );
}

#[test]
fn nothing_but_boot_is_sent_before_it_is_accepted() {
    check(
        Version::V201,
        Scenario::Once,
        90,
        |world| {
            world.csms = Csms::Pending;
            world.run_until(35);
            world.csms = Csms::Accepting;
        },
        expect![[r#"
            0.0 connected
            0.0 > BootNotification PowerUp
            10.0 > BootNotification PowerUp
            20.0 > BootNotification PowerUp
            30.0 > BootNotification PowerUp
            40.0 > BootNotification PowerUp
            40.0 > StatusNotification connectorId=1 evseId=1 Available
            40.0 > StatusNotification connectorId=1 evseId=2 Available
            48.0 > StatusNotification connectorId=1 evseId=1 Occupied
            49.9 > Authorize CARDFB8B5064
            51.8 > TransactionEvent Started Authorized seqNo=0 CARDFB8B5064 value=302354656.0
            56.3 > StatusNotification connectorId=1 evseId=2 Occupied
            58.2 > Authorize CARDA9C169F1
            60.1 > TransactionEvent Started Authorized seqNo=0 CARDA9C169F1 value=302183351.0
            81.8 > TransactionEvent Updated MeterValuePeriodic seqNo=1 value=302355003.222
        "#]],
    );
}

#[test]
fn a_refused_card_charges_nothing() {
    check(
        Version::V16,
        Scenario::Once,
        200,
        |world| {
            world.csms = Csms::Unauthorized;
        },
        expect![[r#"
            0.0 connected
            0.0 > BootNotification 
            0.0 > StatusNotification connectorId=0 Available
            0.0 > StatusNotification connectorId=1 Available
            0.0 > StatusNotification connectorId=2 Available
            48.0 > StatusNotification connectorId=1 Preparing
            49.9 > Authorize CARDFB8B5064
            49.9 > StatusNotification connectorId=1 Available
            56.3 > StatusNotification connectorId=2 Preparing
            58.2 > Authorize CARDA9C169F1
            58.2 > StatusNotification connectorId=2 Available
            95.0 > Heartbeat 
            195.0 > Heartbeat 
        "#]],
    );
}

#[test]
fn a_triggered_boot_waits_for_the_call_that_is_unanswered() {
    check(
        Version::V16,
        Scenario::Idle,
        150,
        |world| {
            world.run_until(90);
            world.csms = Csms::Silent;
            world.run_until(100);
            command(
                world,
                "TriggerMessage",
                json!({"requestedMessage": "BootNotification"}),
            );
            world.csms = Csms::Accepting;
        },
        expect![[r#"
            0.0 connected
            0.0 > BootNotification 
            0.0 > StatusNotification connectorId=0 Available
            0.0 > StatusNotification connectorId=1 Available
            0.0 > StatusNotification connectorId=2 Available
            95.0 > Heartbeat 
            100.0 < TriggerMessage {"requestedMessage":"BootNotification"}
            100.0   > {"status":"Accepted"}
            125.0 ! Heartbeat Timeout
            125.0 > BootNotification 
            125.0 > StatusNotification connectorId=0 Available
            125.0 > StatusNotification connectorId=1 Available
            125.0 > StatusNotification connectorId=2 Available
        "#]],
    );
}

fn command(world: &mut World, action: &str, payload: serde_json::Value) {
    world.command(action, &payload.to_string());
}

#[test]
fn a_16_station_does_what_it_is_told() {
    check(
        Version::V16,
        Scenario::Idle,
        40,
        |world| {
            world.run_until(10);
            command(
                world,
                "RemoteStartTransaction",
                json!({"connectorId": 2, "idTag": "OP"}),
            );
            command(
                world,
                "RemoteStartTransaction",
                json!({"connectorId": 2, "idTag": "OP"}),
            );
            world.run_until(20);
            command(
                world,
                "RemoteStopTransaction",
                json!({"transactionId": 999}),
            );
            command(
                world,
                "TriggerMessage",
                json!({"requestedMessage": "MeterValues"}),
            );
            command(
                world,
                "RemoteStopTransaction",
                json!({"transactionId": 101}),
            );
            world.run_until(30);
            command(
                world,
                "ChangeAvailability",
                json!({"connectorId": 1, "type": "Inoperative"}),
            );
            command(
                world,
                "ChangeConfiguration",
                json!({"key": "HeartbeatInterval", "value": "20"}),
            );
            command(
                world,
                "ChangeConfiguration",
                json!({"key": "NumberOfConnectors", "value": "9"}),
            );
            command(
                world,
                "ChangeConfiguration",
                json!({"key": "Nonsense", "value": "9"}),
            );
            command(
                world,
                "GetConfiguration",
                json!({"key": ["HeartbeatInterval", "Nonsense"]}),
            );
            command(world, "UnlockConnector", json!({"connectorId": 1}));
            command(world, "ClearCache", json!({}));
            command(world, "DataTransfer", json!({"vendorId": "x"}));
            command(world, "GetLocalListVersion", json!({}));
            command(world, "Nonsense", json!({}));
            command(world, "UnlockConnector", json!({}));
            command(
                world,
                "TriggerMessage",
                json!({"requestedMessage": "DiagnosticsStatusNotification"}),
            );
            command(world, "Reset", json!({"type": "Soft"}));
        },
        expect![[r#"
            0.0 connected
            0.0 > BootNotification 
            0.0 > StatusNotification connectorId=0 Available
            0.0 > StatusNotification connectorId=1 Available
            0.0 > StatusNotification connectorId=2 Available
            10.0 < RemoteStartTransaction {"connectorId":2,"idTag":"OP"}
            10.0   > {"status":"Accepted"}
            10.0 > StatusNotification connectorId=2 Preparing
            10.0 < RemoteStartTransaction {"connectorId":2,"idTag":"OP"}
            10.0   > {"status":"Rejected"}
            11.9 > StartTransaction connectorId=2 OP meterStart=302183351
            11.9 > StatusNotification connectorId=2 Charging
            20.0 < RemoteStopTransaction {"transactionId":999}
            20.0   > {"status":"Rejected"}
            20.0 < TriggerMessage {"requestedMessage":"MeterValues"}
            20.0   > {"status":"Accepted"}
            20.0 > MeterValues connectorId=2 transactionId=101 302183396.843
            20.0 < RemoteStopTransaction {"transactionId":101}
            20.0   > {"status":"Accepted"}
            20.0 > StopTransaction Remote transactionId=101 OP meterStop=302183397
            20.0 > StatusNotification connectorId=2 Finishing
            21.9 > StatusNotification connectorId=2 Available
            30.0 < ChangeAvailability {"connectorId":1,"type":"Inoperative"}
            30.0   > {"status":"Accepted"}
            30.0 > StatusNotification connectorId=1 Unavailable
            30.0 < ChangeConfiguration {"key":"HeartbeatInterval","value":"20"}
            30.0   > {"status":"Accepted"}
            30.0 < ChangeConfiguration {"key":"NumberOfConnectors","value":"9"}
            30.0   > {"status":"Rejected"}
            30.0 < ChangeConfiguration {"key":"Nonsense","value":"9"}
            30.0   > {"status":"NotSupported"}
            30.0 < GetConfiguration {"key":["HeartbeatInterval","Nonsense"]}
            30.0   > {"configurationKey":[{"key":"HeartbeatInterval","readonly":false,"value":"20"}],"unknownKey":["Nonsense"]}
            30.0 < UnlockConnector {"connectorId":1}
            30.0   > {"status":"Unlocked"}
            30.0 < ClearCache {}
            30.0   > {"status":"Accepted"}
            30.0 < DataTransfer {"vendorId":"x"}
            30.0   > {"status":"UnknownVendorId"}
            30.0 < GetLocalListVersion {}
            30.0   > NotSupported
            30.0 < Nonsense {}
            30.0   > NotImplemented
            30.0 < UnlockConnector {}
            30.0   > OccurenceConstraintViolation
            30.0 < TriggerMessage {"requestedMessage":"DiagnosticsStatusNotification"}
            30.0   > {"status":"NotImplemented"}
            30.0 < Reset {"type":"Soft"}
            30.0   > {"status":"Accepted"}
            31.0 closes
            33.0 connected
            33.0 > BootNotification 
            33.0 > StatusNotification connectorId=0 Available
            33.0 > StatusNotification connectorId=1 Unavailable
            33.0 > StatusNotification connectorId=2 Available
        "#]],
    );
}

#[test]
fn a_201_station_does_what_it_is_told() {
    let token = || json!({"idToken": "OP", "type": "Central"});
    let variable = |component: &str, variable: &str| json!({"component": {"name": component}, "variable": {"name": variable}});
    check(
        Version::V201,
        Scenario::Idle,
        45,
        |world| {
            world.run_until(10);
            command(
                world,
                "RequestStartTransaction",
                json!({"evseId": 1, "idToken": token(), "remoteStartId": 77}),
            );
            world.run_until(20);
            command(world, "Reset", json!({"type": "OnIdle"}));
            command(
                world,
                "UnlockConnector",
                json!({"evseId": 1, "connectorId": 1}),
            );
            let id = world.transaction.clone();
            command(
                world,
                "RequestStopTransaction",
                json!({"transactionId": id}),
            );
            command(
                world,
                "RequestStopTransaction",
                json!({"transactionId": "other"}),
            );
            command(
                world,
                "GetVariables",
                json!({"getVariableData": [
                    variable("SampledDataCtrlr", "TxUpdatedInterval"),
                    variable("SampledDataCtrlr", "Nonsense"),
                    variable("Nonsense", "Nonsense"),
                ]}),
            );
            let mut wanted = variable("SampledDataCtrlr", "TxUpdatedInterval");
            wanted["attributeValue"] = "15".into();
            command(world, "SetVariables", json!({"setVariableData": [wanted]}));
            command(
                world,
                "ChangeAvailability",
                json!({"operationalStatus": "Inoperative", "evse": {"id": 2}}),
            );
            command(
                world,
                "TriggerMessage",
                json!({"requestedMessage": "StatusNotification", "evse": {"id": 2}}),
            );
            command(
                world,
                "GetBaseReport",
                json!({"requestId": 1, "reportBase": "FullInventory"}),
            );
            command(world, "GetLocalListVersion", json!({}));
        },
        expect![[r#"
            0.0 connected
            0.0 > BootNotification PowerUp
            0.0 > StatusNotification connectorId=1 evseId=1 Available
            0.0 > StatusNotification connectorId=1 evseId=2 Available
            10.0 < RequestStartTransaction {"evseId":1,"idToken":{"idToken":"OP","type":"Central"},"remoteStartId":77}
            10.0   > {"status":"Accepted"}
            10.0 > StatusNotification connectorId=1 evseId=1 Occupied
            11.9 > TransactionEvent Started RemoteStart seqNo=0 remoteStartId=77 OP value=302354656.0
            20.0 < Reset {"type":"OnIdle"}
            20.0   > {"status":"Scheduled"}
            20.0 < UnlockConnector {"connectorId":1,"evseId":1}
            20.0   > {"status":"OngoingAuthorizedTransaction"}
            20.0 < RequestStopTransaction {"transactionId":"043b6811-56b1-45d5-8e35-8da61f9e3123"}
            20.0   > {"status":"Accepted"}
            20.0 > TransactionEvent Ended RemoteStop seqNo=1 Remote OP value=302354702.0
            20.0 < RequestStopTransaction {"transactionId":"other"}
            20.0   > {"status":"Rejected"}
            20.0 < GetVariables {"getVariableData":[{"component":{"name":"SampledDataCtrlr"},"variable":{"name":"TxUpdatedInterval"}},{"component":{"name":"SampledDataCtrlr"},"variable":{"name":"Nonsense"}},{"component":{"name":"Nonsense"},"variable":{"name":"Nonsense"}}]}
            20.0   > {"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"30","component":{"name":"SampledDataCtrlr"},"variable":{"name":"TxUpdatedInterval"}},{"attributeStatus":"UnknownVariable","component":{"name":"SampledDataCtrlr"},"variable":{"name":"Nonsense"}},{"attributeStatus":"UnknownComponent","component":{"name":"Nonsense"},"variable":{"name":"Nonsense"}}]}
            20.0 < SetVariables {"setVariableData":[{"attributeValue":"15","component":{"name":"SampledDataCtrlr"},"variable":{"name":"TxUpdatedInterval"}}]}
            20.0   > {"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"SampledDataCtrlr"},"variable":{"name":"TxUpdatedInterval"}}]}
            20.0 < ChangeAvailability {"evse":{"id":2},"operationalStatus":"Inoperative"}
            20.0   > {"status":"Accepted"}
            20.0 > StatusNotification connectorId=1 evseId=2 Unavailable
            20.0 < TriggerMessage {"evse":{"id":2},"requestedMessage":"StatusNotification"}
            20.0   > {"status":"Accepted"}
            20.0 > StatusNotification connectorId=1 evseId=2 Unavailable
            20.0 < GetBaseReport {"reportBase":"FullInventory","requestId":1}
            20.0   > {"status":"NotSupported"}
            20.0 < GetLocalListVersion {}
            20.0   > NotSupported
            21.9 > StatusNotification connectorId=1 evseId=1 Available
            22.0 closes
            24.0 connected
            24.0 > BootNotification RemoteReset
            24.0 > StatusNotification connectorId=1 evseId=1 Available
            24.0 > StatusNotification connectorId=1 evseId=2 Unavailable
        "#]],
    );
}

#[test]
fn a_21_station_speaks_as_one_of_201() {
    let sent = |version| {
        let mut world = World::new(version, Scenario::Default);
        world.run_until(1_500);
        (world.log, world.sent)
    };
    let (log, sent_201) = sent(Version::V201);
    let (log_21, sent_21) = sent(Version::V21);
    assert!(log.contains("TransactionEvent Ended"), "{log}");
    assert_eq!(log, log_21);
    assert!(
        sent_21[0].contains(r#""model":"Loadgen 21""#),
        "{}",
        sent_21[0]
    );
    assert_eq!(sent_201[1..], sent_21[1..]);
}

#[test]
fn a_21_station_is_asked_in_the_words_of_21() {
    check(
        Version::V21,
        Scenario::Idle,
        20,
        |world| {
            world.run_until(10);
            command(
                world,
                "RequestStartTransaction",
                json!({"evseId": 1, "idToken": {"idToken": "OP", "type": "VendorCard"}, "remoteStartId": 77}),
            );
            world.run_until(15);
            command(world, "Reset", json!({"type": "ImmediateAndResume"}));
            command(
                world,
                "TriggerMessage",
                json!({"requestedMessage": "CustomTrigger", "customTrigger": "x"}),
            );
            command(world, "GetTariffs", json!({"evseId": 0}));
            command(world, "Reset", json!({"type": "Never"}));
        },
        expect![[r#"
            0.0 connected
            0.0 > BootNotification PowerUp
            0.0 > StatusNotification connectorId=1 evseId=1 Available
            0.0 > StatusNotification connectorId=1 evseId=2 Available
            10.0 < RequestStartTransaction {"evseId":1,"idToken":{"idToken":"OP","type":"VendorCard"},"remoteStartId":77}
            10.0   > {"status":"Accepted"}
            10.0 > StatusNotification connectorId=1 evseId=1 Occupied
            11.9 > TransactionEvent Started RemoteStart seqNo=0 remoteStartId=77 OP value=302354656.0
            15.0 < Reset {"type":"ImmediateAndResume"}
            15.0   > {"status":"Rejected"}
            15.0 < TriggerMessage {"customTrigger":"x","requestedMessage":"CustomTrigger"}
            15.0   > {"status":"NotImplemented"}
            15.0 < GetTariffs {"evseId":0}
            15.0   > NotSupported
            15.0 < Reset {"type":"Never"}
            15.0   > PropertyConstraintViolation
        "#]],
    );
}

#[test]
fn one_seed_gives_one_stream_of_bytes() {
    let stream = |seed| {
        let mut world = World::with_seed(Version::V201, Scenario::Default, seed);
        world.run_until(1_500);
        world.sent
    };
    assert_eq!(stream(7), stream(7));
    assert_ne!(stream(7), stream(8));
}

#[test]
fn a_mixed_fleet_is_the_same_for_the_same_seed_and_every_message_is_valid() {
    for index in 0..8 {
        let version = Versions::Mix.of(index);
        // The world decodes every call strictly and panics at the first that breaks its schema.
        let run = || {
            let mut world = World::station(version, Scenario::Default, 11, index);
            world.run_until(3_000);
            world
        };
        let world = run();
        assert_eq!(world.log, run().log);
        assert!(
            20 < world.sent.len(),
            "station {index} sent {}",
            world.sent.len()
        );
    }
}
