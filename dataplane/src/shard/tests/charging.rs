//! What is known of a station's charging profiles, and how it comes and goes.

use std::fmt::Write;
use std::time::Duration;

use expect_test::{Expect, expect};
use fleet::record::ChargingSource;

use super::world::{World, config, key};
use crate::config::Onboarding;
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
        write!(
            out,
            "profile {} on {} by {source} {}",
            held.id, held.evse_id, held.limit_source
        )
        .unwrap();
        if !held.ocpp_transaction_id.is_empty() {
            write!(out, " of {}", held.ocpp_transaction_id).unwrap();
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
    out
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
