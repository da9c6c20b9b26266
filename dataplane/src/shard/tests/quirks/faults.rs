//! Faults that other platforms are known for. Where one is tested elsewhere already, the table says where.
//!
//! | fault | test |
//! | --- | --- |
//! | a stale close unregisters the new session | `connections::the_newest_connection_wins_and_the_old_ones_end_says_nothing_about_it` |
//! | zombie sockets lock the station out | `connections::a_half_open_connection_is_ended_in_time_and_its_late_end_touches_no_other` |
//! | a reconnect is refused as duplicate id | [`fault_a_reconnect_after_a_silent_loss_is_let_in`] |
//! | many timeouts freeze the server | [`fault_a_hundred_timeouts_at_once_freeze_nothing`] |
//! | a timeout is told of another call | [`fault_a_timeout_is_told_of_its_own_call`] |
//! | one queue per station at a broker | none is used: `memory::an_idle_station_holds_little` |
//! | statuses at once collide in a database | [`fault_statuses_at_once_are_all_answered`] |
//! | a refused start ends the running transaction | [`fault_a_refused_start_ends_nothing`] |
//! | a stop that nobody knows is never answered | `scripts::a_stop_of_nothing_we_know_is_answered_and_kept_as_an_orphan` |
//! | ids of transactions can be guessed | [`fault_a_foreign_stop_ends_nothing`], `permutation::tests` |
//! | seqNo is ignored, offline events count as live | `scripts::late_events_neither_revive_nor_end_a_transaction` |
//! | a missing connector is taken for the first | `scripts::late_events_neither_revive_nor_end_a_transaction` (EVSE 1, connector 0) |
//! | memory grows with reconnects, absurd connectors | [`fault_a_billion_connectors_take_no_memory`], `memory_is_flat_under_bad_input` of the real server |
//! | shown active, and yet no session for commands | [`fault_an_online_station_takes_commands`] |
//! | the second transaction fails | [`fault_the_second_transaction_has_an_id_of_its_own`] |

use std::fmt::Write;

use expect_test::expect;

use super::super::world::key;
use super::{BOOT, Charger, QuirkPolicy, tolerant};

#[test]
fn fault_a_reconnect_after_a_silent_loss_is_let_in() {
    let script = format!(
        "0 a connect CP1\n0 a > {BOOT}\n1 a mute\n1 a lingers\n60 b connect CP1\n61 b > [2,\"1\",\"Heartbeat\",{{}}]\n62 op station CP1"
    );
    tolerant(
        &script,
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        45 a < ping
        60 a < close 1008 replaced by a newer connection
        60 b < 101 Switching Protocols ocpp1.6
        61 b < [3,"1",{"currentTime":"2026-11-22T10:01:01.000Z"}]
        62 station CP1: accepted online Unavailable ACME 0 []
    "#]],
    );
}

#[test]
fn fault_a_hundred_timeouts_at_once_freeze_nothing() {
    let mut charger = Charger::new(QuirkPolicy::Tolerant, "");
    let mut script = String::new();
    for n in 0..100 {
        writeln!(script, "0 s{n} connect CP{n}\n0 s{n} > {BOOT}").unwrap();
    }
    for n in 0..100 {
        writeln!(script, "1 op command CP{n} wait ClearCache {{}}").unwrap();
    }
    charger.world.run(&script);
    let out = charger.world.run("40 s7 > [2,\"1\",\"Heartbeat\",{}]\n41 op command CP7 wait Reset {\"type\":\"Soft\"}\n42 s7 answers {\"status\":\"Accepted\"}");
    assert!(out.contains("s7 < [3,\"1\","), "{out}");
    assert!(out.contains("Answered"), "{out}");
}

#[test]
fn fault_a_timeout_is_told_of_its_own_call() {
    let script = format!(
        "0 a connect CP1\n0 a > {BOOT}\n1 op command CP1 wait ClearCache {{}}\n2 op command CP1 wait Reset {{\"type\":\"Soft\"}}\n32 a answers {{\"status\":\"Accepted\"}}\n40 wait"
    );
    tolerant(
        &script,
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","ClearCache",{}]
        21 op command ClearCache: Sent None None
        22 op command Reset: Queued None None
        31 a < [2,"01a202b2-ccd0-729f-8f13-5767524794fb","Reset",{"type":"Soft"}]
    "#]],
    );
}

#[test]
fn fault_statuses_at_once_are_all_answered() {
    let mut charger = Charger::new(QuirkPolicy::Tolerant, "");
    let mut script = format!("0 a connect CP1\n0 a > {BOOT}\n0 disk holds\n");
    for n in 0..20 {
        writeln!(script, r#"1 a > [2,"{n}","StatusNotification",{{"connectorId":{n},"errorCode":"NoError","status":"Available"}}]"#).unwrap();
    }
    charger.world.run(&script);
    let out = charger.world.run("2 disk goes");
    assert_eq!(out.matches("[3,").count(), 20, "{out}");
    assert_eq!(out.matches("[4,").count(), 0, "{out}");
}

#[test]
fn fault_a_refused_start_ends_nothing() {
    let script = format!(
        r#"
        0 a connect CP1
        0 a > {BOOT}
        1 a > [2,"1","StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":5,"timestamp":"2026-11-22T10:00:01Z"}}]
        2 a > [2,"2","StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":"5","timestamp":"2026-11-22T10:00:02Z"}}]
        3 a > [2,"3","StartTransaction",{{"connectorId":1,"idTag":"a tag of more than twenty characters","meterStart":5,"timestamp":"2026-11-22T10:00:03Z"}}]
        4 op transactions CP1
        "#
    );
    tolerant(
        &script,
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        1 a < [3,"1",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
        2 a < [4,"2","TypeConstraintViolation","/meterStart: found a string, expected a number",{}]
        3 a < [4,"3","PropertyConstraintViolation","/idTag: 36 characters, expected at most 20",{}]
        4 transaction ID on 1.1: active ok 0 kWh -
    "#]],
    );
}

#[test]
fn fault_a_foreign_stop_ends_nothing() {
    let mut charger = Charger::new(QuirkPolicy::Tolerant, "");
    let out = charger.world.run(&format!(
        r#"
        0 a connect CP1
        0 a > {BOOT}
        0 b connect CP2
        0 b > {BOOT}
        1 a > [2,"1","StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":5,"timestamp":"2026-11-22T10:00:01Z"}}]
        "#
    ));
    let id = out.split("\"transactionId\":").nth(1).unwrap();
    let id = id.split(['}', ',']).next().unwrap();
    charger.world.run(&format!(
        r#"2 b > [2,"1","StopTransaction",{{"transactionId":{id},"meterStop":9,"timestamp":"2026-11-22T10:00:02Z"}}]"#
    ));
    let at = charger.world.shard.stations.find(&key("CP1")).unwrap();
    assert_eq!(charger.world.shard.stations[at].state.active().count(), 1);
}

#[test]
fn fault_a_billion_connectors_take_no_memory() {
    let mut charger = Charger::new(QuirkPolicy::Tolerant, "");
    let mut script = format!("0 a connect CP1\n0 a > {BOOT}\n");
    for n in 0..400u32 {
        writeln!(script, r#"1 a > [2,"{n}","StatusNotification",{{"connectorId":{},"errorCode":"NoError","status":"Available"}}]"#, 1_634_030_126 + n).unwrap();
    }
    let out = charger.world.run(&script);
    assert_eq!(out.matches("[3,").count(), 401);
    let at = charger.world.shard.stations.find(&key("CP1")).unwrap();
    let details = charger.world.shard.stations[at].state.details();
    assert_eq!(details.connectors.len(), 256);
}

#[test]
fn fault_an_online_station_takes_commands() {
    // Its old socket ends late, twice over, and what is shown stays what holds.
    let script = format!(
        "0 a connect CP1\n0 a > {BOOT}\n1 a lingers\n2 b connect CP1\n3 a drops\n4 op station CP1\n5 op command CP1 wait ClearCache {{}}\n6 b answers {{\"status\":\"Accepted\"}}"
    );
    tolerant(
        &script,
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        2 a < close 1008 replaced by a newer connection
        2 b < 101 Switching Protocols ocpp1.6
        4 station CP1: accepted online Unavailable ACME 0 []
        5 b < [2,"01a202b2-d888-756e-ab2f-2632d7bd03fb","ClearCache",{}]
        6 op command ClearCache: Answered Some("{\"status\":\"Accepted\"}") None
    "#]],
    );
}

#[test]
fn fault_the_second_transaction_has_an_id_of_its_own() {
    let mut charger = Charger::new(QuirkPolicy::Tolerant, "");
    charger.world.run(&format!("0 a connect CP1\n0 a > {BOOT}"));
    let mut ids = Vec::new();
    for n in 0..3 {
        let at = 10 * (n + 1);
        let out = charger.world.run(&format!(
            r#"{at} a > [2,"s{n}","StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":5,"timestamp":"2026-11-22T10:00:{at}Z"}}]"#
        ));
        let id: i64 = out
            .split("\"transactionId\":")
            .nth(1)
            .and_then(|rest| rest.split(['}', ',']).next()?.parse().ok())
            .unwrap();
        assert!(0 < id && !ids.contains(&id), "{ids:?} {id}");
        ids.push(id);
        charger.world.run(&format!(
            r#"{} a > [2,"e{n}","StopTransaction",{{"transactionId":{id},"meterStop":9,"timestamp":"2026-11-22T10:00:{}Z"}}]"#,
            at + 5,
            at + 5
        ));
    }
}
