//! Monitors and display messages: what the rows say after reports, answers and clearing.

use std::fmt::Write;

use expect_test::{Expect, expect};
use fleet::UtcMicros;
use storage::state::{Durability, StateBatch, StateStore, Table};

use super::world::{EPOCH, World, config, key};
use crate::config::{Config, Onboarding};
use crate::items::{ItemKind, read};
use crate::variables::clear::clear;
use crate::variables::read::Recent;

/// The store with all rows of variables and transactions that a world has handed over.
pub(super) fn stored(world: &World) -> (tempfile::TempDir, StateStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = StateStore::open(dir.path()).unwrap();
    let mut batch = StateBatch::default();
    for ((table, key), value) in world.rows.lock().unwrap().iter() {
        if [Table::Variables, Table::Transactions, Table::RetryKeys].contains(table) {
            batch.put(*table, key.clone(), value.clone());
        }
    }
    store.apply(batch, None, Durability::Buffered).unwrap();
    (dir, store)
}

/// Stations are asked for their monitors after they have rebooted.
fn asking() -> Config {
    Config {
        monitors_after_boot: true,
        ..config(Onboarding::Open)
    }
}

/// Runs a script, then lists what the rows say.
fn check(kind: ItemKind, script: &str, expected: Expect) {
    let mut world = World::new(asking());
    world.run(script);
    let (_dir, store) = stored(&world);
    let shown = listed(&store, kind);
    expected.assert_eq(&shown);
    // What is hidden goes with the rows of variables, and nothing else does.
    clear(&store, &mut Vec::new()).unwrap();
    let left = store.scan(Table::Variables, b"", b"").map(Result::unwrap);
    let left = left.filter(|(key, value)| !key.ends_with(b"\0\0") && value.ends_with(b"}"));
    assert_eq!(left.count(), shown.lines().count());
}

/// As [`check`], where rows that are hidden stay until all items are reported.
fn check_listed(kind: ItemKind, script: &str, expected: Expect) {
    let mut world = World::new(asking());
    world.run(script);
    let (_dir, store) = stored(&world);
    let shown = listed(&store, kind);
    expected.assert_eq(&shown);
    clear(&store, &mut Vec::new()).unwrap();
    assert_eq!(listed(&store, kind), shown);
}

/// An hour after a script begins.
const NOW: UtcMicros = UtcMicros(EPOCH + 3_600 * 1_000_000);

/// What the rows say, one item a page.
fn listed(store: &StateStore, kind: ItemKind) -> String {
    listed_at(store, kind, NOW)
}

fn listed_at(store: &StateStore, kind: ItemKind, now: UtcMicros) -> String {
    let mut shown = String::new();
    let mut after = None;
    loop {
        let page = read::list(store, &Recent::new(), kind, &key("CP1"), after, 1, now).unwrap();
        for item in page.items {
            writeln!(shown, "{} {}", item.id, item.json).unwrap();
        }
        after = page.next;
        if after.is_none() {
            return shown;
        }
    }
}

const BOOT: &str = r#"
    0 a connect CP1 2.0.1
    1 a > [2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
"#;

fn monitor(id: u32, kind: &str, severity: u32) -> String {
    format!(
        r#"{{"component":{{"name":"C"}},"variable":{{"name":"V"}},"variableMonitoring":[{{"id":{id},"transaction":false,"value":1.5,"type":"{kind}","severity":{severity}}}]}}"#
    )
}

fn report(id: u32, seq_no: u32, tbc: bool, monitors: &[String]) -> String {
    format!(
        r#"a > [2,"m{id}","NotifyMonitoringReport",{{"requestId":7,"generatedAt":"2026-11-22T10:00:00Z","seqNo":{seq_no},"tbc":{tbc},"monitor":[{}]}}]"#,
        monitors.join(",")
    )
}

const SET: &str = r#"
    5 op command CP1 SetVariableMonitoring {"setMonitoringData":[{"value":1,"type":"Delta","severity":8,"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"}},{"value":9,"type":"UpperThreshold","severity":4,"component":{"name":"C"},"variable":{"name":"V"}}]}
    6 a answers {"setMonitoringResult":[{"status":"Rejected","type":"UpperThreshold","severity":4,"component":{"name":"C"},"variable":{"name":"V"}},{"id":2,"status":"Accepted","type":"Delta","severity":8,"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"}}]}
"#;

#[test]
fn a_monitor_is_what_was_set_and_accepted() {
    check(
        ItemKind::Monitor,
        &format!("{BOOT}{SET}"),
        expect![[r#"
            2 {"component":{"evse":{"id":1},"name":"EVSE"},"eventNotificationType":"CustomMonitor","id":2,"severity":8,"type":"Delta","value":1,"variable":{"name":"AvailabilityState"}}
        "#]],
    );
}

#[test]
fn a_whole_report_says_which_monitors_there_are() {
    let parts = [
        report(1, 1, false, &[monitor(12, "Periodic", 9)]),
        report(
            2,
            0,
            true,
            &[monitor(10, "Delta", 5), monitor(11, "UpperThreshold", 3)],
        ),
    ];
    let script = format!(
        "{BOOT}{SET}
        7 op command CP1 GetMonitoringReport {{\"requestId\":7}}
        8 a answers {{\"status\":\"Accepted\"}}
        9 {}
        10 {}",
        parts[0], parts[1]
    );
    check(
        ItemKind::Monitor,
        &script,
        expect![[r#"
        10 {"component":{"name":"C"},"id":10,"severity":5,"transaction":false,"type":"Delta","value":1.5,"variable":{"name":"V"}}
        11 {"component":{"name":"C"},"id":11,"severity":3,"transaction":false,"type":"UpperThreshold","value":1.5,"variable":{"name":"V"}}
        12 {"component":{"name":"C"},"id":12,"severity":9,"transaction":false,"type":"Periodic","value":1.5,"variable":{"name":"V"}}
    "#]],
    );
}

#[test]
fn a_report_of_some_monitors_leaves_the_others() {
    let script = format!(
        "{BOOT}{SET}
        7 op command CP1 GetMonitoringReport {{\"requestId\":7,\"monitoringCriteria\":[\"PeriodicMonitoring\"]}}
        8 a answers {{\"status\":\"Accepted\"}}
        9 {}",
        report(1, 0, false, &[monitor(12, "Periodic", 9)])
    );
    check(
        ItemKind::Monitor,
        &script,
        expect![[r#"
            2 {"component":{"evse":{"id":1},"name":"EVSE"},"eventNotificationType":"CustomMonitor","id":2,"severity":8,"type":"Delta","value":1,"variable":{"name":"AvailabilityState"}}
            12 {"component":{"name":"C"},"id":12,"severity":9,"transaction":false,"type":"Periodic","value":1.5,"variable":{"name":"V"}}
        "#]],
    );
}

#[test]
fn what_is_cleared_not_found_or_reset_is_gone() {
    let set = format!("{BOOT}{SET}");
    let cleared = |status: &str| {
        format!(
            r#"{set}
            7 op command CP1 ClearVariableMonitoring {{"id":[2]}}
            8 a answers {{"clearMonitoringResult":[{{"status":"{status}","id":2}}]}}
            "#
        )
    };
    for gone in ["Accepted", "NotFound"] {
        check(ItemKind::Monitor, &cleared(gone), expect![[""]]);
    }
    check(
        ItemKind::Monitor,
        &cleared("Rejected"),
        expect![[r#"
            2 {"component":{"evse":{"id":1},"name":"EVSE"},"eventNotificationType":"CustomMonitor","id":2,"severity":8,"type":"Delta","value":1,"variable":{"name":"AvailabilityState"}}
        "#]],
    );
    let based = |base: &str| {
        format!(
            r#"{set}
            7 op command CP1 SetMonitoringBase {{"monitoringBase":"{base}"}}
            8 a answers {{"status":"Accepted"}}
            "#
        )
    };
    check_listed(ItemKind::Monitor, &based("FactoryDefault"), expect![[""]]);
    check(
        ItemKind::Monitor,
        &based("All"),
        expect![[r#"
            2 {"component":{"evse":{"id":1},"name":"EVSE"},"eventNotificationType":"CustomMonitor","id":2,"severity":8,"type":"Delta","value":1,"variable":{"name":"AvailabilityState"}}
        "#]],
    );
    let none = format!(
        r#"{set}
        7 op command CP1 GetMonitoringReport {{"requestId":7}}
        8 a answers {{"status":"EmptyResultSet"}}
        "#
    );
    check(ItemKind::Monitor, &none, expect![[""]]);
}

/// A report, an operator's monitor, and then another base.
fn based_after_a_report(version: &str, types: &[&str], base: &str, after: &str) -> String {
    let monitors = types.iter().zip(10..).map(|(kind, id)| {
        let whole = monitor(id, "Delta", 5);
        match *kind {
            "" => whole,
            kind => whole.replace(
                r#""severity":5"#,
                &format!(r#""severity":5,"eventNotificationType":"{kind}""#),
            ),
        }
    });
    format!(
        r#"{}
        2 op command CP1 GetMonitoringReport {{"requestId":7}}
        3 a answers {{"status":"Accepted"}}
        4 {}
        {SET}
        7 op command CP1 SetMonitoringBase {{"monitoringBase":"{base}"}}
        8 a answers {{"status":"Accepted"}}
        {after}
        "#,
        BOOT.replace("2.0.1", version),
        report(1, 0, false, &monitors.collect::<Vec<_>>()),
    )
}

#[test]
fn n03_fr_04_and_n03_fr_05_monitors_that_came_with_the_station_stay() {
    let types = ["HardWiredMonitor", "PreconfiguredMonitor", "CustomMonitor"];
    check_listed(
        ItemKind::Monitor,
        &based_after_a_report("2.1", &types, "FactoryDefault", ""),
        expect![[r#"
            10 {"component":{"name":"C"},"eventNotificationType":"HardWiredMonitor","id":10,"severity":5,"transaction":false,"type":"Delta","value":1.5,"variable":{"name":"V"}}
            11 {"component":{"name":"C"},"eventNotificationType":"PreconfiguredMonitor","id":11,"severity":5,"transaction":false,"type":"Delta","value":1.5,"variable":{"name":"V"}}
        "#]],
    );
    check_listed(
        ItemKind::Monitor,
        &based_after_a_report("2.1", &types, "HardWiredOnly", ""),
        expect![[r#"
            10 {"component":{"name":"C"},"eventNotificationType":"HardWiredMonitor","id":10,"severity":5,"transaction":false,"type":"Delta","value":1.5,"variable":{"name":"V"}}
        "#]],
    );
    check_listed(
        ItemKind::Monitor,
        &based_after_a_report("2.1", &types, "All", ""),
        expect![[r#"
            2 {"component":{"evse":{"id":1},"name":"EVSE"},"eventNotificationType":"CustomMonitor","id":2,"severity":8,"type":"Delta","value":1,"variable":{"name":"AvailabilityState"}}
            10 {"component":{"name":"C"},"eventNotificationType":"HardWiredMonitor","id":10,"severity":5,"transaction":false,"type":"Delta","value":1.5,"variable":{"name":"V"}}
            11 {"component":{"name":"C"},"eventNotificationType":"PreconfiguredMonitor","id":11,"severity":5,"transaction":false,"type":"Delta","value":1.5,"variable":{"name":"V"}}
            12 {"component":{"name":"C"},"eventNotificationType":"CustomMonitor","id":12,"severity":5,"transaction":false,"type":"Delta","value":1.5,"variable":{"name":"V"}}
        "#]],
    );
    // 2.0.1 does not say who made a monitor.
    check_listed(
        ItemKind::Monitor,
        &based_after_a_report("2.0.1", &[""], "FactoryDefault", ""),
        expect![[r#"
            10 {"component":{"name":"C"},"id":10,"severity":5,"transaction":false,"type":"Delta","value":1.5,"variable":{"name":"V"}}
        "#]],
    );
    let all = r#"
        9 op command CP1 GetMonitoringReport {"requestId":7}
        10 a answers {"status":"EmptyResultSet"}
    "#;
    check(
        ItemKind::Monitor,
        &based_after_a_report("2.1", &types, "FactoryDefault", all),
        expect![[""]],
    );
}

/// What a whole report lacked was gone before, whoever had made it.
#[test]
fn n03_another_base_brings_no_monitor_back() {
    let again = format!(
        r#"
        9 op command CP1 GetMonitoringReport {{"requestId":7}}
        10 a answers {{"status":"Accepted"}}
        11 {}
        12 op command CP1 SetMonitoringBase {{"monitoringBase":"FactoryDefault"}}
        13 a answers {{"status":"Accepted"}}
        "#,
        report(2, 0, false, &[monitor(20, "Delta", 5)]),
    );
    check_listed(
        ItemKind::Monitor,
        &based_after_a_report("2.0.1", &["", ""], "All", &again),
        expect![[r#"
            20 {"component":{"name":"C"},"id":20,"severity":5,"transaction":false,"type":"Delta","value":1.5,"variable":{"name":"V"}}
        "#]],
    );
}

fn message(id: u32, text: &str) -> String {
    format!(
        r#"{{"id":{id},"priority":"NormalCycle","message":{{"format":"UTF8","content":"{text}"}}}}"#
    )
}

/// A station shows one message in front of all others: a new one takes the place of the old.
#[test]
fn o01_fr_16_and_o02_fr_18_a_message_that_is_always_in_front_replaces_the_one_before() {
    let set = |second: u32, id: u32, priority: &str, status: &str| {
        let message = message(id, "text").replace("NormalCycle", priority);
        format!(
            "{second} op command CP1 SetDisplayMessage {{\"message\":{message}}}\n{} a answers {{\"status\":\"{status}\"}}\n",
            second + 1,
        )
    };
    let script = [
        BOOT.to_owned(),
        set(5, 1, "AlwaysFront", "Accepted"),
        set(7, 2, "InFront", "Accepted"),
        set(9, 3, "AlwaysFront", "Accepted"),
        set(11, 4, "AlwaysFront", "Rejected"),
    ]
    .concat();
    check_listed(
        ItemKind::DisplayMessage,
        &script,
        expect![[r#"
            2 {"id":2,"message":{"content":"text","format":"UTF8"},"priority":"InFront"}
            3 {"id":3,"message":{"content":"text","format":"UTF8"},"priority":"AlwaysFront"}
        "#]],
    );
    // Another one that the station names is there.
    let named = message(1, "text").replace("NormalCycle", "AlwaysFront");
    let reported = format!(
        "{script}
        15 op command CP1 GetDisplayMessages {{\"requestId\":7,\"priority\":\"AlwaysFront\"}}
        16 a answers {{\"status\":\"Accepted\"}}
        17 a > [2,\"d1\",\"NotifyDisplayMessages\",{{\"requestId\":7,\"messageInfo\":[{named}]}}]",
    );
    check_listed(
        ItemKind::DisplayMessage,
        &reported,
        expect![[r#"
            1 {"id":1,"message":{"content":"text","format":"UTF8"},"priority":"AlwaysFront"}
            2 {"id":2,"message":{"content":"text","format":"UTF8"},"priority":"InFront"}
            3 {"id":3,"message":{"content":"text","format":"UTF8"},"priority":"AlwaysFront"}
        "#]],
    );
}

#[test]
fn display_messages_are_those_that_were_set_reported_and_not_cleared() {
    let set = |second: u32, id: u32, text: &str, status: &str| {
        format!(
            "{second} op command CP1 SetDisplayMessage {{\"message\":{}}}\n{} a answers {{\"status\":\"{status}\"}}\n",
            message(id, text),
            second + 1,
        )
    };
    let script = [
        BOOT.to_owned(),
        set(5, 1, "old", "Accepted"),
        set(7, 1, "new", "Accepted"),
        set(9, 2, "two", "Accepted"),
        set(11, 3, "three", "NotSupportedPriority"),
        "13 op command CP1 ClearDisplayMessage {\"id\":2}\n14 a answers {\"status\":\"Accepted\"}\n".to_owned(),
    ]
    .concat();
    check(
        ItemKind::DisplayMessage,
        &script,
        expect![[r#"
        1 {"id":1,"message":{"content":"new","format":"UTF8"},"priority":"NormalCycle"}
    "#]],
    );
    let reported = format!(
        "{script}
        15 op command CP1 GetDisplayMessages {{\"requestId\":7}}
        16 a answers {{\"status\":\"Accepted\"}}
        17 a > [2,\"d1\",\"NotifyDisplayMessages\",{{\"requestId\":7,\"messageInfo\":[{}]}}]",
        message(4, "four")
    );
    check(
        ItemKind::DisplayMessage,
        &reported,
        expect![[r#"
        4 {"id":4,"message":{"content":"four","format":"UTF8"},"priority":"NormalCycle"}
    "#]],
    );
    let none = format!(
        "{script}
        15 op command CP1 GetDisplayMessages {{\"requestId\":7}}
        16 a answers {{\"status\":\"Unknown\"}}
        "
    );
    check(ItemKind::DisplayMessage, &none, expect![[""]]);
}

fn event(second: u32, kind: &str, transaction: &str, seq_no: u32) -> String {
    format!(
        r#"{second} a > [2,"e{second}","TransactionEvent",{{"eventType":"{kind}","timestamp":"2026-11-22T10:00:{second:02}Z","triggerReason":"CablePluggedIn","seqNo":{seq_no},"transactionInfo":{{"transactionId":"{transaction}"}},"evse":{{"id":1,"connectorId":1}}}}]
"#
    )
}

/// Sets a message that has `more` said of it.
fn set_with(second: u32, id: u32, more: &str) -> String {
    let message = message(id, "text").replacen('{', &format!("{{{more},"), 1);
    format!(
        "{second} op command CP1 SetDisplayMessage {{\"message\":{message}}}\n{} a answers {{\"status\":\"Accepted\"}}\n",
        second + 1,
    )
}

/// A message for a transaction goes with it, unless its station names it afterwards.
#[test]
fn o02_fr_02_a_message_for_a_transaction_is_gone_once_that_has_ended() {
    let begun = [
        BOOT.to_owned(),
        event(3, "Started", "T1", 0),
        event(4, "Started", "T2", 0),
        set_with(5, 1, r#""transactionId":"T1""#),
        set_with(7, 2, r#""transactionId":"T2""#),
        event(9, "Updated", "T1", 1),
    ]
    .concat();
    check_listed(
        ItemKind::DisplayMessage,
        &begun,
        expect![[r#"
        1 {"id":1,"message":{"content":"text","format":"UTF8"},"priority":"NormalCycle","transactionId":"T1"}
        2 {"id":2,"message":{"content":"text","format":"UTF8"},"priority":"NormalCycle","transactionId":"T2"}
    "#]],
    );
    let ended = begun + &event(10, "Ended", "T1", 2);
    check_listed(
        ItemKind::DisplayMessage,
        &ended,
        expect![[r#"
            2 {"id":2,"message":{"content":"text","format":"UTF8"},"priority":"NormalCycle","transactionId":"T2"}
        "#]],
    );
    let one = message(1, "text").replacen('{', r#"{"transactionId":"T1","#, 1);
    let named = format!(
        "{ended}
        15 op command CP1 GetDisplayMessages {{\"requestId\":7}}
        16 a answers {{\"status\":\"Accepted\"}}
        17 a > [2,\"d1\",\"NotifyDisplayMessages\",{{\"requestId\":7,\"messageInfo\":[{one}]}}]"
    );
    check_listed(
        ItemKind::DisplayMessage,
        &named,
        expect![[r#"
            1 {"id":1,"message":{"content":"text","format":"UTF8"},"priority":"NormalCycle","transactionId":"T1"}
        "#]],
    );
}

/// What its station has taken may be for a transaction that we are yet to hear of; it is not for one of which nothing is left.
#[test]
fn o02_fr_02_a_message_for_an_unknown_transaction_is_listed_for_as_long_as_one_is_remembered() {
    let mut world = World::new(asking());
    world.run(&(BOOT.to_owned() + &set_with(5, 1, r#""transactionId":"T9""#)));
    let (_dir, store) = stored(&world);
    let days = |days: i64| UtcMicros(EPOCH + days * 86_400 * 1_000_000);
    for (day, lines) in [(29, 1), (30, 1), (31, 0)] {
        let shown = listed_at(&store, ItemKind::DisplayMessage, days(day));
        assert_eq!(shown.lines().count(), lines, "{day} days: {shown}");
    }
}

#[test]
fn o01_fr_07_a_message_is_gone_at_its_end() {
    let mut world = World::new(asking());
    world.run(&(BOOT.to_owned() + &set_with(5, 1, r#""endDateTime":"2026-11-22T11:00:00Z""#)));
    let (_dir, store) = stored(&world);
    for (before, lines) in [(1, 1), (0, 0)] {
        let shown = listed_at(&store, ItemKind::DisplayMessage, UtcMicros(NOW.0 - before));
        assert_eq!(shown.lines().count(), lines, "{shown}");
    }
}

/// N04.FR.19: the monitors are there after a reboot, and may have other numbers.
#[test]
fn n04_fr_19_a_station_that_has_rebooted_is_asked_for_its_monitors() {
    let boot = |at: u32, reason: &str| {
        format!(
            "{at} a > [2,\"b{at}\",\"BootNotification\",{{\"reason\":\"{reason}\",\"chargingStation\":{{\"model\":\"M\",\"vendorName\":\"V\"}}}}]\n"
        )
    };
    let asked_with = |config: Config, script: &str| {
        let mut world = World::new(config);
        world.run(script).matches("GetMonitoringReport").count()
    };
    let asked = |script: &str| asked_with(asking(), script);
    let (again, triggered) = (boot(7, "RemoteReset"), boot(7, "Triggered"));
    // One that told of none, and one that did not reboot.
    assert_eq!(asked(&format!("{BOOT}{again}")), 0);
    assert_eq!(asked(&format!("{BOOT}{SET}{triggered}")), 0);
    assert_eq!(asked(&format!("{BOOT}{SET}{again}")), 1);
    let unasked = config(Onboarding::Open);
    assert_eq!(asked_with(unasked, &format!("{BOOT}{SET}{again}")), 0);
    // By the clock of the server.
    let request_id = 1_795_341_607;
    let told = monitor(21, "Delta", 8)
        .replace(r#""name":"C""#, r#""name":"EVSE","evse":{"id":1}"#)
        .replace(r#""name":"V""#, r#""name":"AvailabilityState""#);
    let report = report(1, 0, false, &[told]);
    let report = report.replace("\"requestId\":7", &format!("\"requestId\":{request_id}"));
    let renewed =
        format!("{BOOT}{SET}{again}8 a answers {{\"status\":\"Accepted\"}}\n9 {report}\n");
    check(
        ItemKind::Monitor,
        &renewed,
        expect![[r#"
        21 {"component":{"evse":{"id":1},"name":"EVSE"},"id":21,"severity":8,"transaction":false,"type":"Delta","value":1.5,"variable":{"name":"AvailabilityState"}}
    "#]],
    );
    // Its numbers are of now until the next boot; it may also say that there is none.
    let none = format!(
        "{renewed}10 restart\n11 a connect CP1 2.0.1\n{}13 a answers {{\"status\":\"EmptyResultSet\"}}\n",
        boot(12, "PowerUp")
    );
    check(ItemKind::Monitor, &none, expect![[""]]);
    assert_eq!(asked(&format!("{none}{}", boot(14, "PowerUp"))), 2);
}

/// N04.FR.10: of two that watch the same, a station takes one; which one is said by its number.
#[test]
fn n04_fr_10_of_two_that_watch_the_same_the_accepted_one_is_listed() {
    let set = |at: u32, ids: &[u32], results: &[(u32, &str)]| {
        let watches =
            r#""type":"Delta","severity":8,"component":{"name":"C"},"variable":{"name":"V"}}"#;
        let asked: Vec<_> = ids
            .iter()
            .map(|id| match id {
                0 => format!(r#"{{"value":{at},{watches}"#),
                id => format!(r#"{{"id":{id},"value":{id}.5,{watches}"#),
            })
            .collect();
        let told: Vec<_> = results
            .iter()
            .map(|(id, status)| format!(r#"{{"id":{id},"status":"{status}",{watches}"#))
            .collect();
        format!(
            "{at} op command CP1 SetVariableMonitoring {{\"setMonitoringData\":[{}]}}\n{} a answers {{\"setMonitoringResult\":[{}]}}\n",
            asked.join(","),
            at + 1,
            told.join(",")
        )
    };
    let first = set(5, &[0], &[(4, "Accepted")]);
    let known = |second: &str| {
        let mut world = World::new(config(Onboarding::Open));
        world.run(&format!("{BOOT}{first}{second}"));
        let (_dir, store) = stored(&world);
        let listed = listed(&store, ItemKind::Monitor);
        let known = listed.lines().map(|line| {
            let (id, json) = line.split_once(' ').unwrap();
            let json: serde_json::Value = serde_json::from_str(json).unwrap();
            format!("{id}: {}", json["value"])
        });
        known.collect::<Vec<_>>()
    };
    assert_eq!(known(&set(7, &[0], &[(2, "Duplicate")])), ["4: 5"]);
    // In whatever order.
    let (nine, four) = ((9, "Accepted"), (4, "Duplicate"));
    for results in [[nine, four], [four, nine]] {
        assert_eq!(known(&set(7, &[4, 9], &results)), ["4: 5", "9: 9.5"]);
    }
}
