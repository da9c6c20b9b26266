//! Settings that change under stations that are connected.

use std::time::Duration;

use expect_test::{Expect, expect};

use super::world::{World, config};
use crate::config::{Config, Onboarding};

/// Runs `before`, changes settings, and runs `after`; what was seen, with a line between.
fn check(before: &str, change: impl FnOnce(&mut Config), after: &str, expected: Expect) {
    let mut world = World::new(config(Onboarding::Open));
    let mut seen = world.run(before);
    world.reconfigure(change);
    seen += "changed\n";
    seen += &world.run(after);
    expected.assert_eq(&seen);
}

#[test]
fn boots_and_newcomers_meet_the_new_settings() {
    check(
        r#"
        0 a connect CP1
        1 a > [2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
        "#,
        |config| {
            config.heartbeat_interval_s = 60;
            config.security_profile_min = 1;
        },
        r#"
        2 a > [2,"2","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
        3 b connect CP2
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < [3,"1",{"status":"Accepted","currentTime":"2026-11-22T10:00:01.000Z","interval":300}]
            changed
            2 a < [3,"2",{"status":"Accepted","currentTime":"2026-11-22T10:00:02.000Z","interval":60}]
            3 b < 403 Forbidden
            3 b ended
        "#]],
    );
}

/// A station that keeps to what was agreed is no dead one under shorter limits: it is asked first.
#[test]
fn nobody_is_given_up_unasked_when_limits_shrink() {
    check(
        r#"
        0 a connect CP1
        0 b connect CP2
        0 b mute
        20 wait
        "#,
        |config| {
            config.ping_interval = Duration::from_secs(15);
            config.idle_timeout = Duration::from_secs(30);
        },
        "70 wait",
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            0 b < 101 Switching Protocols ocpp1.6
            changed
            45 b < ping
            60 b ended
        "#]],
    );
}

#[test]
fn the_next_command_has_the_new_time_and_the_one_on_the_wire_its_own() {
    check(
        r#"
        0 a connect CP1
        1 op command CP1 wait Reset {"type":"Soft"}
        "#,
        |config| config.call_timeout = Duration::from_secs(5),
        r#"
        25 op command CP1 wait ClearCache {}
        40 wait
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","Reset",{"type":"Soft"}]
            changed
            21 op command Reset: Sent None None
            31 a < [2,"01a202b3-26a8-729f-8f13-5767524794fb","ClearCache",{}]
            36 op command ClearCache: Timeout None Some(("Timeout", "no answer within 5 s"))
        "#]],
    );
}

#[test]
fn what_threads_sockets_and_bills_were_made_by_stays() {
    let started = config(Onboarding::Open);
    let mut wanted = started.clone();
    wanted.shards += 1;
    wanted.listen.clear();
    wanted.message_len_max = 1;
    wanted.command_queue_len_max = 1;
    wanted.tariff.price_per_kwh_micros = 1;
    wanted.plausibility.power_w_max = 1;
    wanted.log.bytes_max = 1;
    let taken = started.taking(wanted);
    assert_eq!(format!("{taken:?}"), format!("{started:?}"));
}
