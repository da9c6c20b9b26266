use expect_test::{Expect, expect};
use ocpp::Instant;

use super::*;
use crate::plan::{BackOff, Timeline};
use crate::scenario::Faults;

fn plan(scenario: Scenario) -> Plan {
    let duration = Duration::from_secs(900);
    let start = Instant(0);
    Plan {
        seed: 7,
        scenario,
        interval: Duration::from_secs(60),
        connectors: 1,
        timeline: Timeline::new(start, 1_795_344_000_000_000, duration, 1),
        end: start + duration,
        offline_events_max: 100,
        call_timeout: Duration::from_secs(30),
        back_off: BackOff {
            wait_min: Duration::from_secs(1),
            random_range: Duration::from_secs(1),
            repeat_times: 4,
        },
        heartbeat: None,
        heartbeat_below: u32::MAX,
        faults: Faults::default(),
    }
}

fn show(happening: &Happening) -> String {
    let seconds = happening.at.0 as f64 / 1e9;
    let wh = |reading: &Reading| reading.register_mwh as f64 / 1e3;
    let what = match &happening.body {
        Body::Authorize { token, .. } => format!("authorize {token}"),
        Body::Status { status, .. } => format!("{status:?}"),
        Body::Start {
            reading,
            transaction,
            ..
        } => format!("start {} at {} Wh", transaction.number, wh(reading)),
        Body::Sample { reading, .. } => format!("sample {} Wh, {} W", wh(reading), reading.power_w),
        Body::Stop {
            reading, reason, ..
        } => format!("stop {reason:?} at {} Wh", wh(reading)),
        Body::Boot { .. } | Body::Heartbeat => "not of a connector".to_owned(),
    };
    format!("{seconds:.3} {what}\n")
}

/// Runs the connector of EVSE 1 to the end; `act` may interfere once, at 400 s.
fn check(
    scenario: Scenario,
    act: impl FnOnce(&mut Connector, &Plan, Instant, &mut Vec<Happening>),
    expected: Expect,
) {
    let plan = plan(scenario);
    let mut connector = Connector::new(&plan, 0, 1, Instant(0));
    let mut happenings = Vec::new();
    let at = Instant(400_000_000_000);
    connector.handle_timeout(&plan, at, plan.interval, &mut happenings);
    act(&mut connector, &plan, at, &mut happenings);
    connector.handle_timeout(&plan, plan.end, plan.interval, &mut happenings);
    expected.assert_eq(&happenings.iter().map(show).collect::<String>());
}

#[test]
fn vehicles_come_charge_and_leave_before_the_run_ends() {
    check(
        Scenario::Default,
        |_, _, _, _| {},
        expect![[r#"
        94.350 Preparing
        96.350 authorize CARDFB8B5064
        98.350 start 1 at 302354656 Wh
        98.350 Charging
        158.350 sample 302355419.888 Wh, 50000 W
        218.350 sample 302356253.222 Wh, 50000 W
        278.350 sample 302357086.555 Wh, 50000 W
        338.350 sample 302357919.888 Wh, 50000 W
        398.350 sample 302358753.222 Wh, 50000 W
        458.350 sample 302359586.555 Wh, 50000 W
        518.350 sample 302360419.888 Wh, 50000 W
        534.209 stop Local at 302360641 Wh
        534.209 Finishing
        536.209 Available
        759.426 Preparing
        761.426 authorize CARDFAB2FCCC
        763.426 start 2 at 302360641 Wh
        763.426 Charging
        823.426 sample 302361404.888 Wh, 50000 W
        850.465 stop Local at 302361781 Wh
        850.465 Finishing
        852.465 Available
    "#]],
    );
}

#[test]
fn an_idle_connector_does_nothing() {
    check(Scenario::Idle, |_, _, _, _| {}, expect![[""]]);
}

#[test]
fn a_remote_start_needs_a_free_connector_and_a_remote_stop_ends_it() {
    let remote = || RemoteStart {
        token: "OPERATOR".into(),
        id: Some(5),
    };
    check(
        Scenario::Idle,
        |connector, plan, at, out| {
            assert!(connector.start_remotely(plan, at, remote(), out));
            assert!(!connector.start_remotely(plan, at, remote(), out));
            let later = at + Duration::from_secs(90);
            connector.handle_timeout(plan, later, plan.interval, out);
            connector.stop(plan, later, StopReason::Remote, out);
        },
        expect![[r#"
            400.000 Preparing
            402.000 start 1 at 302354656 Wh
            402.000 Charging
            462.000 sample 302355419.888 Wh, 50000 W
            490.000 stop Remote at 302355809 Wh
            490.000 Finishing
            492.000 Available
        "#]],
    );
}

#[test]
fn out_of_service_waits_for_the_vehicle_and_turns_others_away() {
    check(
        Scenario::Default,
        |connector, _, at, out| {
            connector.set_operative(at, false, out);
        },
        expect![[r#"
            94.350 Preparing
            96.350 authorize CARDFB8B5064
            98.350 start 1 at 302354656 Wh
            98.350 Charging
            158.350 sample 302355419.888 Wh, 50000 W
            218.350 sample 302356253.222 Wh, 50000 W
            278.350 sample 302357086.555 Wh, 50000 W
            338.350 sample 302357919.888 Wh, 50000 W
            398.350 sample 302358753.222 Wh, 50000 W
            458.350 sample 302359586.555 Wh, 50000 W
            518.350 sample 302360419.888 Wh, 50000 W
            534.209 stop Local at 302360641 Wh
            534.209 Finishing
            536.209 Unavailable
        "#]],
    );
}

#[test]
fn the_register_is_whole_at_start_and_stop_and_never_falls() {
    let mut plan = plan(Scenario::Default);
    plan.end = Instant(0) + Duration::from_secs(36_000);
    let mut connector = Connector::new(&plan, 3, 1, Instant(0));
    let mut happenings = Vec::new();
    connector.handle_timeout(&plan, plan.end, plan.interval, &mut happenings);
    let registers: Vec<u64> = happenings
        .iter()
        .filter_map(|happening| happening.body.register_mwh())
        .collect();
    assert!(100 < registers.len());
    assert!(registers.is_sorted());
    for happening in &happenings {
        if matches!(happening.body, Body::Start { .. } | Body::Stop { .. }) {
            assert_eq!(happening.body.register_mwh().unwrap() % 1_000, 0);
        }
    }
    assert!(connector.transaction().is_none(), "everybody has left");
}
