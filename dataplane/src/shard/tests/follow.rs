//! Reports in parts, what comes after a command, and the variables that come of both.

use std::fmt::Write;
use std::time::Duration;

use expect_test::{Expect, expect};
use fleet::wire::{self, Body};
use storage::state::Table;

use super::world::{World, config, key};
use crate::CommandId;
use crate::config::{Config, Onboarding};
use crate::router::Ask;
use crate::router::pending::pending;
use crate::variables::row::{Content, inventory_key, read_origin, read_row};

/// Runs a script, then shows what came after each command, and the rows of variables.
fn check(script: &str, expected: Expect) {
    let mut world = World::new(config(Onboarding::Open));
    let frames = world.run(script);
    let shown = courses(&mut world) + &variables(&world);
    // Answers to the station, without the ids of commands.
    let answers = frames.lines().filter(|line| line.contains("< [4"));
    let answers: String = answers.map(|line| format!("{line}\n")).collect();
    expected.assert_eq(&(answers + &shown));
}

/// The commands in the log that something comes after, as an operator sees them.
pub(super) fn courses(world: &mut World) -> String {
    let mut ids = Vec::new();
    for record in &world.log {
        if let Body::CommandChanged(command) = wire::read(record).unwrap().body
            && !ids.contains(&command.command_id)
        {
            ids.push(command.command_id);
        }
    }
    let mut shown = String::new();
    for id in ids {
        let (reply, answer) = pending();
        let id = CommandId(id);
        let now = world.now();
        world.shard.ask(now, Ask::CommandById { id, reply });
        let view = answer.wait(Duration::ZERO).unwrap().unwrap();
        let Some(course) = view.course else { continue };
        writeln!(
            shown,
            "{} {}: {} messages, {} again, missing {:?}, {}",
            view.action,
            view.state,
            course.messages,
            course.duplicates,
            course.missing,
            course.state
        )
        .unwrap();
        for follow_up in course.follow_ups {
            writeln!(shown, "  {} {}", follow_up.action, follow_up.summary).unwrap();
        }
    }
    shown
}

/// The rows of the station's variables that count.
fn variables(world: &World) -> String {
    let mut shown = String::new();
    let rows = world.rows.lock().unwrap();
    let inventory = rows.get(&(Table::Variables, inventory_key(&key("CP1"))));
    let inventory = inventory.and_then(|row| read_origin(row));
    for ((_, key), value) in rows
        .iter()
        .filter(|((table, _), _)| *table == Table::Variables)
    {
        let Some((name, origin, content)) = read_row(key, value) else {
            continue;
        };
        if inventory.is_some_and(|began| origin.is_before(&began)) {
            continue;
        }
        let what = match content {
            Content::Value {
                kind,
                value,
                is_secret,
            } => format!("{} = {value:?} secret {is_secret}", kind.as_str()),
            Content::Description { attributes, .. } => {
                let mutability = attributes[0].and_then(|attribute| attribute.mutability);
                format!("is {mutability:?}")
            }
        };
        writeln!(
            shown,
            "{}.{} {what} by {:?}",
            name.component.name, name.variable.name, origin.source
        )
        .unwrap();
    }
    shown
}

/// One part of a report on one variable.
fn part(id: u32, seq_no: u32, tbc: bool, variable: &str, value: &str) -> String {
    format!(
        r#"[2,"p{id}","NotifyReport",{{"requestId":7,"generatedAt":"2026-11-22T10:00:00Z","seqNo":{seq_no},"tbc":{tbc},"reportData":[{{"component":{{"name":"C"}},"variable":{{"name":"{variable}"}},"variableAttribute":[{{"value":"{value}","mutability":"ReadOnly"}}]}}]}}]"#
    )
}

const BOOT: &str = r#"
    0 a connect CP1 2.0.1
    1 a > [2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
"#;

const INVENTORY: &str = r#"
    5 op command CP1 GetBaseReport {"requestId":7,"reportBase":"FullInventory"}
    6 a answers {"status":"Accepted"}
"#;

#[test]
fn a_report_is_whole_in_any_order_and_tells_its_gaps() {
    let [first, second, third] = [
        part(1, 0, true, "A", "1"),
        part(2, 1, true, "B", "2"),
        part(3, 2, false, "D", "3"),
    ];
    check(
        &format!("{BOOT}{INVENTORY} 7 a > {third}\n 8 a > {first}\n"),
        expect![[r#"
            GetBaseReport answered: 2 messages, 0 again, missing [1], running
              NotifyReport {"generatedAt":"2026-11-22T10:00:00Z","reportData_count":1,"requestId":7,"seqNo":2,"tbc":false}
              NotifyReport {"generatedAt":"2026-11-22T10:00:00Z","reportData_count":1,"requestId":7,"seqNo":0,"tbc":true}
            C.A is Some(ReadOnly) by Report
            C.A Actual = Some("1") secret false by Report
            C.D is Some(ReadOnly) by Report
            C.D Actual = Some("3") secret false by Report
        "#]],
    );
    check(
        &format!("{BOOT}{INVENTORY} 7 a > {third}\n 8 a > {first}\n 9 a > {second}\n"),
        expect![[r#"
            GetBaseReport answered: 3 messages, 0 again, missing [], done
              NotifyReport {"generatedAt":"2026-11-22T10:00:00Z","reportData_count":1,"requestId":7,"seqNo":2,"tbc":false}
              NotifyReport {"generatedAt":"2026-11-22T10:00:00Z","reportData_count":1,"requestId":7,"seqNo":0,"tbc":true}
              NotifyReport {"generatedAt":"2026-11-22T10:00:00Z","reportData_count":1,"requestId":7,"seqNo":1,"tbc":true}
            C.A is Some(ReadOnly) by Report
            C.A Actual = Some("1") secret false by Report
            C.B is Some(ReadOnly) by Report
            C.B Actual = Some("2") secret false by Report
            C.D is Some(ReadOnly) by Report
            C.D Actual = Some("3") secret false by Report
        "#]],
    );
}

#[test]
fn a_part_that_comes_again_puts_nothing_back() {
    let [first, again] = [part(1, 0, true, "A", "old"), part(2, 0, true, "A", "old")];
    check(
        &format!(
            r#"{BOOT}{INVENTORY}
            7 a > {first}
            8 op command CP1 SetVariables {{"setVariableData":[{{"attributeValue":"new","component":{{"name":"C"}},"variable":{{"name":"A"}}}}]}}
            9 a answers {{"setVariableResult":[{{"attributeStatus":"Accepted","component":{{"name":"C"}},"variable":{{"name":"A"}}}}]}}
            10 a > {again}
            "#
        ),
        expect![[r#"
            GetBaseReport answered: 1 messages, 1 again, missing [], running
              NotifyReport {"generatedAt":"2026-11-22T10:00:00Z","reportData_count":1,"requestId":7,"seqNo":0,"tbc":true}
            C.A is Some(ReadOnly) by Report
            C.A Actual = Some("new") secret false by Set
        "#]],
    );
}

#[test]
fn a_whole_inventory_replaces_what_it_does_not_name() {
    let old = r#"
        2 op command CP1 GetVariables {"getVariableData":[{"component":{"name":"Gone"},"variable":{"name":"X"}},{"component":{"name":"C"},"variable":{"name":"A"}}]}
        3 a answers {"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"1","component":{"name":"Gone"},"variable":{"name":"X"}},{"attributeStatus":"UnknownVariable","component":{"name":"C"},"variable":{"name":"A"}}]}
    "#;
    let whole = part(1, 0, false, "A", "1");
    check(
        &format!("{BOOT}{old}{INVENTORY}"),
        expect![[r#"
            GetBaseReport answered: 0 messages, 0 again, missing [], running
            Gone.X Actual = Some("1") secret false by Get
        "#]],
    );
    check(
        &format!("{BOOT}{old}{INVENTORY} 7 a > {whole}\n"),
        expect![[r#"
            GetBaseReport answered: 1 messages, 0 again, missing [], done
              NotifyReport {"generatedAt":"2026-11-22T10:00:00Z","reportData_count":1,"requestId":7,"seqNo":0,"tbc":false}
            C.A is Some(ReadOnly) by Report
            C.A Actual = Some("1") secret false by Report
        "#]],
    );
}

#[test]
fn a_report_goes_on_after_kill_9() {
    let [first, last] = [part(1, 0, true, "A", "1"), part(2, 1, false, "B", "2")];
    let lost = part(3, 1, false, "B", "lost");
    check(
        &format!(
            r#"{BOOT}{INVENTORY}
            7 a > {first}
            8 disk holds
            8 a > {lost}
            9 restart now
            9 disk goes
            10 b connect CP1 2.0.1
            11 b > {last}
            "#
        ),
        expect![[r#"
            GetBaseReport answered: 2 messages, 0 again, missing [], done
              NotifyReport {"generatedAt":"2026-11-22T10:00:00Z","reportData_count":1,"requestId":7,"seqNo":0,"tbc":true}
              NotifyReport {"generatedAt":"2026-11-22T10:00:00Z","reportData_count":1,"requestId":7,"seqNo":1,"tbc":false}
            C.A is Some(ReadOnly) by Report
            C.A Actual = Some("1") secret false by Report
            C.B is Some(ReadOnly) by Report
            C.B Actual = Some("2") secret false by Report
        "#]],
    );
}

#[test]
fn a_report_that_nobody_asked_for_counts_each_time() {
    let [first, again] = [part(1, 0, false, "A", "1"), part(2, 0, false, "A", "2")];
    check(
        &format!("{BOOT} 7 a > {first}\n 8 a > {again}\n"),
        expect![[r#"
            C.A is Some(ReadOnly) by Report
            C.A Actual = Some("2") secret false by Report
        "#]],
    );
}

#[test]
fn what_the_store_cannot_tell_is_asked_for_again() {
    let first = part(1, 0, false, "A", "1");
    check(
        &format!("{BOOT} 6 store breaks\n 7 a > {first}\n 8 store works\n"),
        expect![[r#"
            7 a < [4,"p1","InternalError","the state store cannot be read, nothing was decided",{}]
        "#]],
    );
}

#[test]
fn keys_of_1_6_are_variables_of_the_charge_point() {
    check(
        r#"
        0 a connect CP1
        1 a > [2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
        2 op command CP1 ChangeConfiguration {"key":"Old","value":"1"}
        3 a answers {"status":"Accepted"}
        4 op command CP1 GetConfiguration {}
        5 a answers {"configurationKey":[{"key":"HeartbeatInterval","readonly":false,"value":"300"},{"key":"AuthorizationKey","readonly":false,"value":"hunter2hunter2hunter2"},{"key":"NumberOfConnectors","readonly":true,"value":"2"}]}
        6 op command CP1 ChangeConfiguration {"key":"HeartbeatInterval","value":"60"}
        7 a answers {"status":"Accepted"}
        8 op command CP1 ChangeConfiguration {"key":"NumberOfConnectors","value":"9"}
        9 a answers {"status":"Rejected"}
        "#,
        expect![[r#"
            ChargePoint.AuthorizationKey is Some(ReadWrite) by Get
            ChargePoint.AuthorizationKey Actual = None secret true by Get
            ChargePoint.HeartbeatInterval is Some(ReadWrite) by Get
            ChargePoint.HeartbeatInterval Actual = Some("60") secret false by Set
            ChargePoint.NumberOfConnectors is Some(ReadOnly) by Get
            ChargePoint.NumberOfConnectors Actual = Some("2") secret false by Get
        "#]],
    );
}

#[test]
fn a_password_is_in_no_row() {
    let mut world = World::new(config(Onboarding::Open));
    world.run(&format!(
        r#"{BOOT}
        2 op command CP1 SetVariables {{"setVariableData":[{{"attributeValue":"hunter2hunter2hunter2","component":{{"name":"SecurityCtrlr"}},"variable":{{"name":"BasicAuthPassword"}}}}]}}
        3 a answers {{"setVariableResult":[{{"attributeStatus":"Accepted","component":{{"name":"SecurityCtrlr"}},"variable":{{"name":"BasicAuthPassword"}}}}]}}
        4 a > [2,"4","NotifyReport",{{"requestId":1,"generatedAt":"2026-11-22T10:00:00Z","seqNo":0,"reportData":[{{"component":{{"name":"SecurityCtrlr"}},"variable":{{"name":"BasicAuthPassword"}},"variableAttribute":[{{"type":"Target","value":"hunter2hunter2hunter2"}}]}}]}}]
        "#
    ));
    expect![[r#"
        SecurityCtrlr.BasicAuthPassword is None by Report
        SecurityCtrlr.BasicAuthPassword Actual = None secret true by Set
        SecurityCtrlr.BasicAuthPassword Target = None secret true by Report
    "#]]
    .assert_eq(&variables(&world));
    let secret = b"hunter2";
    let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
    assert!(!world.rows.lock().unwrap().values().any(|row| holds(row)));
}

#[test]
fn what_a_monitor_sees_is_the_value() {
    check(
        &format!(
            r#"{BOOT}
            2 a > [2,"2","NotifyEvent",{{"generatedAt":"2026-11-22T10:00:00Z","seqNo":0,"eventData":[{{"eventId":1,"timestamp":"2026-11-22T10:00:00Z","trigger":"Delta","actualValue":"81","eventNotificationType":"HardWiredMonitor","component":{{"name":"C","evse":{{"id":2}}}},"variable":{{"name":"Temperature"}}}}]}}]
            "#
        ),
        expect![[r#"
            C.Temperature Actual = Some("81") secret false by Event
        "#]],
    );
}

#[test]
fn the_course_of_an_upload_is_told_in_both_versions() {
    check(
        r#"
        0 a connect CP1
        1 a > [2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
        2 op command CP1 GetDiagnostics {"location":"ftp://files"}
        3 a answers {"fileName":"log.zip"}
        4 a > [2,"4","DiagnosticsStatusNotification",{"status":"Uploading"}]
        5 a > [2,"5","DiagnosticsStatusNotification",{"status":"Uploaded"}]
        6 a > [2,"6","FirmwareStatusNotification",{"status":"Idle"}]
        "#,
        expect![[r#"
            GetDiagnostics answered: 2 messages, 0 again, missing [], done
              DiagnosticsStatusNotification {"status":"Uploading"}
              DiagnosticsStatusNotification {"status":"Uploaded"}
        "#]],
    );
    check(
        &format!(
            r#"{BOOT}
            2 op command CP1 GetLog {{"logType":"DiagnosticsLog","requestId":3,"log":{{"remoteLocation":"https://files"}}}}
            3 a answers {{"status":"Accepted","filename":"log.zip"}}
            4 a > [2,"4","LogStatusNotification",{{"status":"Uploading","requestId":3}}]
            5 a > [2,"5","LogStatusNotification",{{"status":"UploadFailure","requestId":4}}]
            6 op command CP1 CustomerInformation {{"requestId":5,"report":true,"clear":false}}
            7 a answers {{"status":"Accepted"}}
            8 a > [2,"8","NotifyCustomerInformation",{{"data":"Maria","seqNo":0,"generatedAt":"2026-11-22T10:00:00Z","requestId":5}}]
            "#
        ),
        expect![[r#"
            GetLog answered: 1 messages, 0 again, missing [], running
              LogStatusNotification {"requestId":3,"status":"Uploading"}
            CustomerInformation answered: 1 messages, 0 again, missing [], done
              NotifyCustomerInformation {"generatedAt":"2026-11-22T10:00:00Z","requestId":5,"seqNo":0}
        "#]],
    );
}

/// Of what a station refuses nothing comes: the course ends with the refusal, whatever words it has.
#[test]
fn what_a_station_refuses_ends_its_course() {
    const OTHERS: &[&str] = &["Rejected", "NotSupported", "EmptyResultSet"];
    let log = r#""log":{"remoteLocation":"https://files"},"logType":"SecurityLog","requestId":3"#;
    let firmware = r#"{"requestId":3,"firmware":{"location":"https://files","retrieveDateTime":"2026-11-22T10:00:00Z"}}"#;
    let publish = r#"{"requestId":3,"location":"https://files","checksum":"00000000000000000000000000000000"}"#;
    let swap = r#"{"requestId":3,"idToken":{"idToken":"TAG","type":"Central"}}"#;
    for (action, payload, statuses) in [
        (
            "CustomerInformation",
            r#"{"requestId":3,"report":true,"clear":false}"#,
            &["Rejected", "Invalid"][..],
        ),
        (
            "GetBaseReport",
            r#"{"requestId":3,"reportBase":"FullInventory"}"#,
            OTHERS,
        ),
        ("GetReport", r#"{"requestId":3}"#, OTHERS),
        (
            "GetChargingProfiles",
            r#"{"requestId":3,"chargingProfile":{}}"#,
            &["NoProfiles"],
        ),
        (
            "GetDERControl",
            r#"{"requestId":3}"#,
            &["Rejected", "NotSupported", "NotFound"],
        ),
        ("GetDisplayMessages", r#"{"requestId":3}"#, &["Unknown"]),
        ("GetLog", &format!("{{{log}}}"), &["Rejected"]),
        ("GetMonitoringReport", r#"{"requestId":3}"#, OTHERS),
        ("PublishFirmware", publish, &["Rejected"]),
        ("RequestBatterySwap", swap, &["Rejected"]),
        (
            "UpdateFirmware",
            firmware,
            &["Rejected", "InvalidCertificate", "RevokedCertificate"],
        ),
    ] {
        let answers = statuses
            .iter()
            .map(|status| format!(r#"a answers {{"status":"{status}"}}"#));
        let error = "a refuses NotSupported no".to_owned();
        for answer in answers.chain([error]) {
            let mut world = World::new(config(Onboarding::Open));
            world.run(&BOOT.replace("2.0.1", "2.1"));
            world.run(&format!("2 op command CP1 {action} {payload}"));
            let before = courses(&mut world);
            assert!(before.ends_with("running\n"), "{action}: {before}");
            world.run(&format!("3 {answer}\n4 restart"));
            let after = courses(&mut world);
            let is_empty = ["EmptyResultSet", "NoProfiles", "NotFound", "Unknown"]
                .iter()
                .any(|status| answer.contains(status));
            let how = if is_empty { "empty" } else { "refused" };
            let ended = format!("{action} answered: 0 messages, 0 again, missing [], {how}\n");
            assert_eq!(after, ended, "{answer}");
        }
    }
}

#[test]
fn a_refused_inventory_takes_nothing_away() {
    for answer in [
        r#"answers {"status":"Rejected"}"#,
        r#"answers {"status":"EmptyResultSet"}"#,
        "refuses NotSupported no",
    ] {
        let known = part(1, 0, false, "A", "1");
        let mut world = World::new(config(Onboarding::Open));
        world.run(&format!("{BOOT} 2 a > {known}"));
        let before = variables(&world);
        assert!(before.contains(r#"C.A Actual = Some("1")"#));
        world.run(&INVENTORY.replace(r#"answers {"status":"Accepted"}"#, answer));
        assert_eq!(variables(&world), before, "{answer}");
    }
}

#[test]
fn a_station_that_refuses_and_goes_on_all_the_same_is_followed() {
    check(
        r#"
        0 a connect CP1
        1 a > [2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
        2 op command CP1 GetDiagnostics {"location":"ftp://files"}
        3 a answers {}
        4 a > [2,"4","DiagnosticsStatusNotification",{"status":"Uploading"}]
        "#,
        expect![[r#"
            GetDiagnostics answered: 1 messages, 0 again, missing [], running
              DiagnosticsStatusNotification {"status":"Uploading"}
        "#]],
    );
}

/// 1.6 numbers nothing: what is said after a second command belongs to that.
#[test]
fn a_newer_command_of_the_same_name_ends_the_course_of_the_one_before() {
    check(
        r#"
        0 a connect CP1
        1 a > [2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
        2 op command CP1 GetDiagnostics {"location":"ftp://files"}
        3 a answers {"fileName":"log.zip"}
        4 a > [2,"4","DiagnosticsStatusNotification",{"status":"Uploading"}]
        5 op command CP1 GetDiagnostics {"location":"ftp://files"}
        6 a answers {"fileName":"log.zip"}
        7 a > [2,"7","DiagnosticsStatusNotification",{"status":"Uploading"}]
        "#,
        expect![[r#"
            GetDiagnostics answered: 1 messages, 0 again, missing [], replaced
              DiagnosticsStatusNotification {"status":"Uploading"}
            GetDiagnostics answered: 1 messages, 0 again, missing [], running
              DiagnosticsStatusNotification {"status":"Uploading"}
        "#]],
    );
}

#[test]
fn a_course_keeps_its_newest_messages_and_counts_all() {
    let mut world = World::new(config(Onboarding::Open));
    world.run(BOOT);
    world.run(INVENTORY);
    for n in 0..100 {
        world.run(&format!("7 a > {}", part(n, n, n < 99, "A", "1")));
    }
    let shown = courses(&mut world);
    assert!(
        shown.starts_with("GetBaseReport answered: 100 messages, 0 again, missing [], done"),
        "{shown}"
    );
    assert_eq!(shown.lines().count(), 1 + 64);
}

#[test]
fn a_report_of_5_000_variables_stays_within_the_budget() {
    let mut world = World::new(Config {
        shard_bytes_max: 4 << 20,
        ..config(Onboarding::Open)
    });
    world.run(BOOT);
    let data: Vec<String> = (0..50)
        .map(|n| {
            format!(
                r#"{{"component":{{"name":"Component{n}"}},"variable":{{"name":"V$PART"}},"variableAttribute":[{{"value":"value","mutability":"ReadWrite"}}],"variableCharacteristics":{{"dataType":"string","supportsMonitoring":true}}}}"#
            )
        })
        .collect();
    let mut most = 0;
    for seq_no in 0..100 {
        let data = data.join(",").replace("$PART", &seq_no.to_string());
        world.run(&format!(
            r#"7 a > [2,"p{seq_no}","NotifyReport",{{"requestId":7,"generatedAt":"2026-11-22T10:00:00Z","seqNo":{seq_no},"tbc":{},"reportData":[{data}]}}]"#,
            seq_no < 99
        ));
        most = most.max(world.shard.bytes_held());
    }
    let rows = world.rows.lock().unwrap();
    let of_variables = rows.keys().filter(|(table, _)| *table == Table::Variables);
    assert_eq!(of_variables.count(), 2 * 5_000);
    assert!(world.shard.wants_reads(), "reads stopped");
    assert!(most < 4 << 20, "{most} bytes held");
    drop(rows);
    // Nothing of it stays in the shard.
    assert!(world.shard.projection.variables(&key("CP1")).is_empty());
    assert!(
        world.shard.bytes_held() < 64 << 10,
        "{}",
        world.shard.bytes_held()
    );
}

/// A station that takes two items in a GetReport.
const TAKES_TWO: &str = r#"
    0 a connect CP1 2.0.1
    1 a > [2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
    2 a > [2,"2","NotifyReport",{"requestId":1,"generatedAt":"2026-11-22T10:00:00Z","seqNo":0,"reportData":[{"component":{"name":"DeviceDataCtrlr"},"variable":{"name":"ItemsPerMessage","instance":"GetReport"},"variableAttribute":[{"value":"2"}]}]}]
"#;

/// Asks for five components; answers the requests that go out, each with the next of `answers`, and shows them.
fn asked_in_parts(world: &mut World, action: &str, answers: &[&str]) -> Vec<(String, i64)> {
    world.run(TAKES_TWO);
    let components =
        ["A", "B", "C", "D", "E"].map(|name| format!(r#"{{"component":{{"name":"{name}"}}}}"#));
    let mut sent = world.run(&format!(
        r#"3 op command CP1 {action} {{"requestId":7,"componentVariable":[{}]}}"#,
        components.join(",")
    ));
    let mut requests = Vec::new();
    for (answer, at) in answers.iter().zip(4..) {
        let call = sent
            .lines()
            .find_map(|line| line.split_once(" a < [2,"))
            .expect("a request")
            .1;
        let id = call.split("\"requestId\":").nth(1).unwrap();
        let id = id[..id.find([',', '}']).unwrap()].parse().unwrap();
        let names = call.matches("\"name\":\"").count();
        requests.push((format!("{names} components"), id));
        sent = world.run(&format!(r#"{at} a answers {{"status":"{answer}"}}"#));
    }
    assert!(!sent.contains(" a < [2,"), "{sent}");
    requests
}

/// A part of the report that request `id` asked for.
fn part_of(at: u32, action: &str, id: i64, seq_no: u32, tbc: bool) -> String {
    format!(
        r#"{at} a > [2,"{at}","{action}",{{"requestId":{id},"generatedAt":"2026-11-22T10:00:00Z","seqNo":{seq_no},"tbc":{tbc}}}]"#
    )
}

/// What is known of the first command: its state and result, and the first line of its course.
fn command_and_course(world: &mut World) -> (String, String) {
    let mut ended = None;
    for record in &world.log {
        if let Body::CommandChanged(command) = wire::read(record).unwrap().body {
            ended = Some(command.result.to_string());
        }
    }
    let courses = courses(world);
    (ended.unwrap(), courses.lines().next().unwrap().to_owned())
}

#[test]
fn b08_fr_06_a_report_is_asked_for_in_parts_and_shown_as_one() {
    for (action, report) in [
        ("GetReport", "NotifyReport"),
        // N02.FR.07: the limits of GetReport hold for it.
        ("GetMonitoringReport", "NotifyMonitoringReport"),
    ] {
        let mut world = World::new(config(Onboarding::Open));
        let requests = asked_in_parts(&mut world, action, &["Accepted"; 3]);
        let [(a, first), (b, second), (c, third)] = &requests[..] else {
            panic!("{requests:?}");
        };
        assert_eq!(
            [&**a, b, c],
            ["2 components", "2 components", "1 components"]
        );
        assert_eq!(*first, 7, "the first is the operator's");
        assert!(
            first != second && second != third && first != third,
            "{requests:?}"
        );
        // Their parts come in any order.
        for (at, (id, seq_no, tbc)) in [
            (*second, 0, true),
            (*first, 0, false),
            (*second, 2, false),
            (*second, 0, true),
            (*third, 0, false),
        ]
        .into_iter()
        .enumerate()
        {
            world.run(&part_of(20 + at as u32, report, id, seq_no, tbc));
        }
        let (result, course) = command_and_course(&mut world);
        assert_eq!(result, r#"{"status":"Accepted"}"#);
        assert_eq!(
            course,
            format!("{action} answered: 4 messages, 1 again, missing [1], running")
        );
        world.run(&part_of(30, report, *second, 1, true));
        world.run("31 restart");
        let course = command_and_course(&mut world).1;
        assert_eq!(
            course,
            format!("{action} answered: 5 messages, 1 again, missing [], done")
        );
    }
}

/// B08.FR.06: whatever a station takes in a message, no part of one byte more is sent, and none that is shorter than it need
/// be. A part but the first has a longer `requestId`.
#[test]
fn b08_fr_06_no_part_is_longer_than_the_station_takes() {
    let component = |n: usize| format!(r#"{{"component":{{"name":"C{n:0>n$}"}}}}"#);
    let components = (1..=6).map(component).collect::<Vec<_>>();
    let mut whole = 0;
    for bytes_max in 130..430 {
        let mut world = World::new(config(Onboarding::Open));
        let limit = TAKES_TWO.replace("ItemsPerMessage", "BytesPerMessage");
        world.run(&limit.replace(r#""value":"2""#, &format!(r#""value":"{bytes_max}""#)));
        let mut seen = world.run(&format!(
            r#"3 op command CP1 GetReport {{"requestId":7,"componentVariable":[{}]}}"#,
            components.join(",")
        ));
        let mut sent = Vec::new();
        while let Some((_, call)) = seen.split_once(" a < [2,") {
            sent.push(format!("[2,{}", call.lines().next().unwrap()));
            seen = world.run(&format!(
                r#"{} a answers {{"status":"Accepted"}}"#,
                3 + sent.len()
            ));
        }
        let mut rest = components.iter();
        for (at, frame) in sent.iter().enumerate() {
            let items = frame.matches("component\"").count();
            assert!(
                frame.len() <= bytes_max || items == 1,
                "{bytes_max}: {frame}"
            );
            let next = rest.nth(items - 1).and(rest.clone().next());
            let longer = next.map(|next| frame.len() + ",".len() + next.len());
            assert!(
                longer.is_none_or(|longer| bytes_max < longer),
                "{bytes_max}: part {at} has room for another: {frame}"
            );
        }
        assert_eq!(rest.next(), None, "{bytes_max}: all are asked for");
        whole += usize::from(sent.len() == 1);
    }
    assert!(0 < whole && whole < 300, "{whole} of 300 in one");
}

#[test]
fn b08_a_part_with_nothing_to_report_is_no_end_and_one_that_is_refused_is() {
    let mut world = World::new(config(Onboarding::Open));
    let empty = "EmptyResultSet";
    let requests = asked_in_parts(&mut world, "GetReport", &["Accepted", empty, empty]);
    world.run(&part_of(20, "NotifyReport", requests[0].1, 0, false));
    let (result, course) = command_and_course(&mut world);
    assert_eq!(result, r#"{"status":"Accepted"}"#);
    assert_eq!(
        course,
        "GetReport answered: 1 messages, 0 again, missing [], done"
    );

    let mut world = World::new(config(Onboarding::Open));
    asked_in_parts(&mut world, "GetReport", &[empty; 3]);
    let (result, course) = command_and_course(&mut world);
    assert_eq!(result, r#"{"status":"EmptyResultSet"}"#);
    assert_eq!(
        course,
        "GetReport answered: 0 messages, 0 again, missing [], empty"
    );

    let mut world = World::new(config(Onboarding::Open));
    let requests = asked_in_parts(&mut world, "GetReport", &["Accepted", "Rejected"]);
    world.run(&part_of(20, "NotifyReport", requests[0].1, 0, false));
    let (result, course) = command_and_course(&mut world);
    assert_eq!(result, r#"{"status":"Rejected"}"#);
    assert_eq!(
        course,
        "GetReport answered: 1 messages, 0 again, missing [], refused"
    );
}
