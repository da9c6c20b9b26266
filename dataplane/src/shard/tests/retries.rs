//! Retries: recognised by content and by message id, also after a crash.

use expect_test::expect;
use fleet::wire::{Body, Fact};
use storage::state::Table;

use super::scripts::{check, check_transaction};
use super::world::{World, config, key};
use crate::config::Onboarding;

#[test]
fn a_retry_by_content_has_one_effect_and_the_same_answer() {
    check_transaction(
        r#"
        0 a connect CP1
        4 a > [2,"4","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"2026-11-22T10:00:04Z"}]
        "#,
        r#"
        5 records shown
        6 a > [2,"5","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"2026-11-22T10:00:04Z"}]
        7 a > [2,"6","MeterValues",{"connectorId":1,"transactionId":$TX,"meterValue":[{"timestamp":"2026-11-22T10:00:07Z","sampledValue":[{"value":"1500"}]}]}]
        8 a > [2,"7","MeterValues",{"connectorId":1,"transactionId":$TX,"meterValue":[{"timestamp":"2026-11-22T10:00:07Z","sampledValue":[{"value":"1500"}]}]}]
        9 a > [2,"8","MeterValues",{"connectorId":1,"transactionId":$TX,"meterValue":[{"timestamp":"2026-11-22T10:00:07Z","sampledValue":[{"value":"1600"}]}]}]
        10 a > [2,"9","StopTransaction",{"transactionId":$TX,"meterStop":1700,"timestamp":"2026-11-22T10:00:10Z"}]
        11 a > [2,"10","StopTransaction",{"transactionId":$TX,"meterStop":1700,"timestamp":"2026-11-22T10:00:10Z"}]
        12 a > [2,"11","StopTransaction",{"transactionId":$TX,"meterStop":1800,"timestamp":"2026-11-22T10:00:10Z"}]
        13 op transactions CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            4 a < [3,"4",{"idTagInfo":{"status":"Accepted"},"transactionId":$TX}]
            6 record message from [2,"5","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"2026-11-22T10:00:04Z"}]
            6 record message to [3,"5",{"idTagInfo":{"status":"Accepted"},"transactionId":$TX}]
            6 a < [3,"5",{"idTagInfo":{"status":"Accepted"},"transactionId":$TX}]
            7 record message from [2,"6","MeterValues",{"connectorId":1,"transactionId":$TX,"meterValue":[{"timestamp":"2026-11-22T10:00:07Z","sampledValue":[{"value":"1500"}]}]}]
            7 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
            7 record message to [3,"6",{}]
            7 a < [3,"6",{}]
            8 record message from [2,"7","MeterValues",{"connectorId":1,"transactionId":$TX,"meterValue":[{"timestamp":"2026-11-22T10:00:07Z","sampledValue":[{"value":"1500"}]}]}]
            8 record message to [3,"7",{}]
            8 a < [3,"7",{}]
            9 record message from [2,"8","MeterValues",{"connectorId":1,"transactionId":$TX,"meterValue":[{"timestamp":"2026-11-22T10:00:07Z","sampledValue":[{"value":"1600"}]}]}]
            9 record SecurityEvent Sigec.RetryConflict meter values of EVSE 1 came again with other values
            9 record MeterValues rows 1 readings 1 samples 0 offline false conflict true
            9 record message to [3,"8",{}]
            9 a < [3,"8",{}]
            10 record message from [2,"9","StopTransaction",{"transactionId":$TX,"meterStop":1700,"timestamp":"2026-11-22T10:00:10Z"}]
            10 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
            10 record TransactionEvent kind 3 gap 0 offline false conflict false state 2
            10 record message to [3,"9",{}]
            10 a < [3,"9",{}]
            11 record message from [2,"10","StopTransaction",{"transactionId":$TX,"meterStop":1700,"timestamp":"2026-11-22T10:00:10Z"}]
            11 record message to [3,"10",{}]
            11 a < [3,"10",{}]
            12 record message from [2,"11","StopTransaction",{"transactionId":$TX,"meterStop":1800,"timestamp":"2026-11-22T10:00:10Z"}]
            12 record MeterValues rows 1 readings 1 samples 0 offline false conflict true
            12 record TransactionEvent kind 3 gap 0 offline false conflict true state 2
            12 record message to [3,"11",{}]
            12 a < [3,"11",{}]
            13 transaction ID on 1.1: ended ok 0.7 kWh 0.53 Local
        "#]],
    );
}

#[test]
fn a_retry_is_recognised_after_a_restart() {
    check_transaction(
        r#"
        0 a connect CP1
        4 a > [2,"4","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"2026-11-22T10:00:04Z"}]
        5 restart
        "#,
        r#"
        6 b connect CP1
        7 b > [2,"4","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"2026-11-22T10:00:04Z"}]
        8 b > [2,"5","StopTransaction",{"transactionId":$TX,"meterStop":1700,"timestamp":"2026-11-22T10:00:08Z"}]
        9 restart
        10 c connect CP1
        11 c > [2,"5","StopTransaction",{"transactionId":$TX,"meterStop":1700,"timestamp":"2026-11-22T10:00:08Z"}]
        12 op transactions CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            4 a < [3,"4",{"idTagInfo":{"status":"Accepted"},"transactionId":$TX}]
            5 a ended
            6 b < 101 Switching Protocols ocpp1.6
            7 b < [3,"4",{"idTagInfo":{"status":"Accepted"},"transactionId":$TX}]
            8 b < [3,"5",{}]
            9 b ended
            10 c < 101 Switching Protocols ocpp1.6
            11 c < [3,"5",{}]
            12 transaction ID on 1.1: ended ok 0.7 kWh 0.53 Local
        "#]],
    );
}

#[test]
fn a_crash_between_a_beginning_and_its_values_loses_neither() {
    let starts = [
        r#"[2,"1","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"2026-11-22T10:00:04Z"}]"#,
        r#"[2,"1","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:04Z","triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"T1"},"meterValue":[{"timestamp":"2026-11-22T10:00:04Z","sampledValue":[{"value":1000,"context":"Transaction.Begin"}]}]}]"#,
    ];
    for (start, connect) in starts.into_iter().zip(["CP1", "CP2 2.0.1"]) {
        let out = World::new(config(Onboarding::Open)).run(&format!(
            "
            0 a connect {connect}
            0 disk holds
            0 a > {start}
            0 disk keeps 2
            0 restart
            0 disk goes
            0 a connect {connect}
            0 records shown
            0 a > {start}
            0 a > {start}
            "
        ));
        let values: Vec<_> = out
            .lines()
            .filter(|line| line.contains("record MeterValues") || line.contains("record Tr"))
            .collect();
        assert_eq!(
            values,
            ["0 record MeterValues rows 1 readings 1 samples 0 offline false conflict false"],
            "{out}"
        );
    }
}

#[test]
fn a_retry_is_recognised_among_many_of_the_same_time() {
    let mut world = World::new(config(Onboarding::Open));
    let values = |connector: u32| {
        format!(
            r#"0 a > [2,"v{connector}","MeterValues",{{"connectorId":{connector},"meterValue":[{{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{{"value":"1500"}}]}}]}}]"#
        )
    };
    let all: Vec<_> = (1..=20).map(values).collect();
    world.run(&format!("0 a connect CP1\n{}", all.join("\n")));
    let out = world.run(&format!(
        "0 a drops\n0 a connect CP1\n0 records shown\n{}",
        all[0]
    ));
    assert!(!out.contains("record MeterValues"), "{out}");
}

#[test]
fn a_retry_is_recognised_after_its_station_came_to_rest() {
    let at = r#""timestamp":"2026-11-22T10:00:00Z""#;
    let event = |n: u32, kind: &str| {
        format!(
            r#"[2,"e{n}","TransactionEvent",{{"eventType":"{kind}",{at},"triggerReason":"Trigger","seqNo":{n},"transactionInfo":{{"transactionId":"T1"}},"meterValue":[{{{at},"sampledValue":[{{"value":{n}}}]}}]}}]"#
        )
    };
    let start = format!(
        r#"[2,"s","StartTransaction",{{"connectorId":1,"idTag":"TAG","meterStart":1000,{at}}}]"#
    );
    let stop =
        format!(r#"[2,"t","StopTransaction",{{"transactionId":$TX,"meterStop":1700,{at}}}]"#);
    let values = format!(
        r#"[2,"v","MeterValues",{{"connectorId":1,"meterValue":[{{{at},"sampledValue":[{{"value":"1500"}}]}}]}}]"#
    );
    let status = format!(
        r#"[2,"n","StatusNotification",{{"connectorId":1,"errorCode":"NoError","status":"Available",{at}}}]"#
    );
    for (connect, all) in [
        ("CP1", vec![values, status, start, stop]),
        (
            "CP1 2.0.1",
            vec![event(0, "Started"), event(1, "Updated"), event(2, "Ended")],
        ),
    ] {
        for restarts in [false, true] {
            let mut world = World::new(config(Onboarding::Open));
            world.run(&format!("0 a connect {connect}"));
            let mut said = Vec::new();
            for call in &all {
                let call = match call.contains("$TX") {
                    true => call.replace("$TX", &world.ocpp_id("CP1")),
                    false => call.clone(),
                };
                world.run(&format!("0 a > {call}"));
                said.push(call);
            }
            world.store();
            world.run("60 records shown");
            if restarts {
                world.run("60 restart");
                world.run(&format!("60 a connect {connect}\n61 records shown"));
            }
            for (n, call) in said.iter().enumerate() {
                // Each wakes its station.
                let second = 120 + 60 * n;
                world.run(&format!("{second} records shown"));
                let station = world.shard.stations.find(&key("CP1")).unwrap();
                assert!(world.shard.stations[station].state.is_packed(), "{call}");
                let out = world.run(&format!("{second} a > {call}"));
                let answered = out.lines().any(|line| line.contains("a < [3,"));
                let of_station = |line: &&str| {
                    line.contains(" record ")
                        && !["message", "CommandChanged"]
                            .iter()
                            .any(|other| line.contains(&format!(" record {other} ")))
                };
                let made = out.lines().filter(of_station);
                assert_eq!((answered, made.count()), (true, 0), "{call}\n{out}");
            }
        }
    }
}

#[test]
fn clocks_that_are_not_set_do_not_make_two_transactions_one() {
    check(
        r#"
        0 a connect CP1
        1 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"1970-01-01T00:00:04Z"}]
        2 records shown
        2 a > [2,"2","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"1970-01-01T00:00:04Z"}]
        3 op transactions CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < [3,"1",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
            2 record message from [2,"2","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"1970-01-01T00:00:04Z"}]
            2 record message to [3,"2",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
            2 a < [3,"2",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
            3 transaction ID on 1.1: active ok 0 kWh -
        "#]],
    );
}

#[test]
fn what_is_answered_at_once_is_answered_again() {
    let mut world = World::new(config(Onboarding::Open));
    let ask = |id: u32| format!(r#"1 a > [2,"{id}","Authorize",{{"idTag":"T"}}]"#);
    let all: Vec<String> = (0..40).map(ask).collect();
    let out = world.run(&format!("0 a connect CP1\n{}\n{}", all.join("\n"), ask(39)));
    assert_eq!(out.matches(r#"a < [3,""#).count(), 41, "{out}");
    assert_eq!(out.matches(r#"a < [3,"39""#).count(), 2, "{out}");
}

#[test]
fn message_ids_are_replayed_while_remembered_and_refused_while_unanswered() {
    check(
        r#"
        0 a connect CP1
        1 a > [2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]
        2 records shown
        2 a > [2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]
        3 disk holds
        3 a > [2,"2","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Charging"}]
        4 a > [2,"2","StatusNotification",{"connectorId":2,"errorCode":"NoError","status":"Charging"}]
        5 a > [2,"2","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Charging"}]
        6 disk goes
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < [3,"1",{}]
            2 record message from [2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]
            2 record message to [3,"1",{}]
            2 a < [3,"1",{}]
            3 record message from [2,"2","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Charging"}]
            3 record StatusReported 1.1 Charging live true conflict false
            3 record message to [3,"2",{}]
            4 record message from [2,"2","StatusNotification",{"connectorId":2,"errorCode":"NoError","status":"Charging"}]
            4 record message to [4,"2","ProtocolError","another call with this message id is still unanswered",{}]
            5 record message from [2,"2","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Charging"}]
            6 a < [3,"2",{}]
            6 a < [4,"2","ProtocolError","another call with this message id is still unanswered",{}]
        "#]],
    );
}

/// A status without a time, and under an id of its own, says something new only if it is another than its connector's last.
#[test]
fn a_status_without_a_time_is_compared_with_the_last_of_its_connector() {
    let mut world = World::new(config(Onboarding::Open));
    let status = |at: u32, connector: u32, status: &str| {
        format!(
            r#"{at} a > [2,"{at}","StatusNotification",{{"connectorId":{connector},"errorCode":"NoError","status":"{status}"}}]"#
        )
    };
    world.run(&format!(
        "0 a connect CP1\n{}",
        [
            status(1, 1, "Available"),
            status(2, 1, "Available"),
            status(3, 2, "Available"),
            status(4, 1, "Charging"),
            status(5, 1, "Available"),
            "6 restart\n6 a connect CP1".to_owned(),
            status(7, 1, "Available"),
            status(8, 1, "Faulted"),
        ]
        .join("\n")
    ));
    let reported = world.log.iter().filter_map(|record| {
        match fleet::wire::read(record).unwrap().body.to_fact().unwrap() {
            Fact::StatusReported(status) => {
                Some((status.evse_id, status.status_reported.to_string()))
            }
            _ => None,
        }
    });
    let reported: Vec<_> = reported.collect();
    let expected = [
        (1, "Available"),
        (2, "Available"),
        (1, "Charging"),
        (1, "Available"),
        (1, "Faulted"),
    ];
    assert_eq!(
        reported,
        expected.map(|(connector, status)| (connector, status.to_owned()))
    );
}

/// What is told of a moment is told once, whatever message id, connection or run of the server it comes by; a clock that was
/// not set tells nothing, and what comes with other values is something else.
#[test]
fn what_a_station_tells_of_its_own_accord_and_says_again_is_on_record_once() {
    let event = |at: &str, value: u32| {
        format!(
            r#""NotifyEvent",{{"generatedAt":"{at}","seqNo":0,"eventData":[{{"eventId":1,"timestamp":"{at}","trigger":"Delta","actualValue":"{value}","eventNotificationType":"HardWiredMonitor","component":{{"name":"C"}},"variable":{{"name":"V"}}}}]}}"#
        )
    };
    let report = |action: &str, at: &str, value: u32| match action {
        "NotifyReport" => format!(
            r#""NotifyReport",{{"requestId":1,"generatedAt":"{at}","seqNo":0,"reportData":[{{"component":{{"name":"C"}},"variable":{{"name":"V"}},"variableAttribute":[{{"value":"{value}"}}]}}]}}"#
        ),
        _ => format!(
            r#""NotifyMonitoringReport",{{"requestId":1,"generatedAt":"{at}","seqNo":0,"monitor":[{{"component":{{"name":"C"}},"variable":{{"name":"V"}},"variableMonitoring":[{{"id":1,"transaction":false,"value":{value},"type":"Delta","severity":5}}]}}]}}"#
        ),
    };
    let security = |at: &str, value: u32| {
        format!(
            r#""SecurityEventNotification",{{"type":"MemoryExhaustion","timestamp":"{at}","techInfo":"{value}"}}"#
        )
    };
    let (now, unset) = ("2026-11-22T10:00:01Z", "1970-01-01T00:00:05Z");
    type Said<'a> = &'a dyn Fn(&str, u32) -> String;
    let whole = |at: &str, value: u32| report("NotifyReport", at, value);
    let monitors = |at: &str, value: u32| report("NotifyMonitoringReport", at, value);
    for said in [&event as Said<'_>, &whole, &monitors, &security] {
        for (at, counted) in [(now, 2), (unset, 5)] {
            let mut world = World::new(config(Onboarding::Open));
            let (first, other) = (said(at, 1), said(at, 2));
            let seen = world.run(&format!(
                r#"
                0 a connect CP1 2.0.1
                0 a > [2,"boot","BootNotification",{{"reason":"PowerUp","chargingStation":{{"model":"M","vendorName":"V"}}}}]
                1 a > [2,"1",{first}]
                2 a > [2,"2",{first}]
                3 a drops
                4 a connect CP1 2.0.1
                5 a > [2,"3",{first}]
                6 restart
                7 a connect CP1 2.0.1
                8 a > [2,"4",{first}]
                9 a > [2,"5",{other}]
                "#
            ));
            assert_eq!(seen.matches(r#",{}]"#).count(), 5, "{seen}");
            let told = world.log.iter().filter(|record| {
                let body = fleet::wire::read(record).unwrap().body;
                matches!(body, Body::Notified(_) | Body::SecurityEvent(_))
            });
            assert_eq!(told.count(), counted, "{first}");
        }
    }
}

/// What a station has said last is known, and a station that never stops talking fills no store.
#[test]
fn however_much_a_station_tells_little_is_kept_to_know_it_again() {
    let event = |n: u32| {
        format!(
            r#""NotifyEvent",{{"generatedAt":"2026-11-22T10:00:01Z","seqNo":{n},"eventData":[{{"eventId":{n},"timestamp":"2026-11-22T10:00:01Z","trigger":"Delta","actualValue":"1","eventNotificationType":"HardWiredMonitor","component":{{"name":"C"}},"variable":{{"name":"V"}}}}]}}"#
        )
    };
    let mut world = World::new(config(Onboarding::Open));
    world.run(
        r#"
        0 a connect CP1 2.0.1
        0 a > [2,"boot","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
        "#,
    );
    for n in 0..1_000 {
        world.run(&format!(r#"1 a > [2,"{n}",{}]"#, event(n)));
    }
    let reads = world.shard.tally.counters.store_reads;
    world.run(&format!(
        "2 restart\n3 a connect CP1 2.0.1\n4 a > [2,\"x\",{}]\n5 a > [2,\"y\",{}]",
        event(999),
        event(940)
    ));
    let told = world.log.iter().filter(|record| {
        let body = fleet::wire::read(record).unwrap().body;
        matches!(body, Body::Notified(_))
    });
    assert_eq!(told.count(), 1_000);
    let rows = world.rows.lock().unwrap();
    let keys = rows.keys().filter(|(table, _)| *table == Table::RetryKeys);
    assert_eq!((keys.count(), reads), (0, 0));
}

/// How something was paid is told of a transaction that nobody knows: it is on record once all the same.
#[test]
fn a_settlement_of_no_transaction_that_is_said_again_is_on_record_once() {
    let said = |id: u32, amount: u32| {
        format!(
            r#"[2,"{id}","NotifySettlement",{{"pspRef":"P","status":"Settled","settlementAmount":{amount},"settlementTime":"2026-11-22T10:00:01Z"}}]"#
        )
    };
    let mut world = World::new(config(Onboarding::Open));
    let seen = world.run(&format!(
        "0 a connect CP1 2.1\n1 a > {}\n2 a > {}\n3 a > {}",
        said(1, 5),
        said(2, 5),
        said(3, 6)
    ));
    assert_eq!(seen.matches(r#",{}]"#).count(), 3, "{seen}");
    let told = world.log.iter().filter(|record| {
        let body = fleet::wire::read(record).unwrap().body;
        matches!(body, Body::Notified(_))
    });
    assert_eq!(told.count(), 2);
}

/// A command asks for what was told of its own accord before: its report is there, and a part that comes twice is counted.
#[test]
fn a_report_that_a_command_asks_for_is_taken_whatever_was_said_before() {
    let part = r#""NotifyReport",{"requestId":7,"generatedAt":"2026-11-22T10:00:01Z","seqNo":0}"#;
    let mut world = World::new(config(Onboarding::Open));
    world.run(&format!(
        r#"
        0 a connect CP1 2.0.1
        0 a > [2,"boot","BootNotification",{{"reason":"PowerUp","chargingStation":{{"model":"M","vendorName":"V"}}}}]
        1 a > [2,"1",{part}]
        2 op command CP1 GetBaseReport {{"requestId":7,"reportBase":"SummaryInventory"}}
        3 a answers {{"status":"Accepted"}}
        4 a > [2,"2",{part}]
        5 a > [2,"3",{part}]
        "#
    ));
    let courses = super::follow::courses(&mut world);
    let line = "GetBaseReport answered: 1 messages, 1 again, missing [], done\n";
    assert!(courses.starts_with(line), "{courses}");
}

/// What has left memory is found under the time that goes with it, and where an earlier version has put it.
#[test]
fn a_retry_is_recognised_in_the_store_by_its_key_and_its_content() {
    let values = |second: u32, value: u32| {
        format!(
            r#""MeterValues",{{"connectorId":1,"meterValue":[{{"timestamp":"2026-11-22T10:00:{second:02}Z","sampledValue":[{{"value":"{value}"}}]}}]}}"#
        )
    };
    let status = |second: u32, error: u32| {
        format!(
            r#""StatusNotification",{{"connectorId":1,"errorCode":"NoError","status":"Charging","timestamp":"2026-11-22T10:00:{second:02}Z","vendorErrorCode":"{error}"}}"#
        )
    };
    let event = |number: u32, value: u32| {
        let kind = if number == 0 { "Started" } else { "Updated" };
        // The second content tells another time as well.
        let second = number + value / 50;
        format!(
            r#""TransactionEvent",{{"eventType":"{kind}","timestamp":"2026-11-22T10:00:{second:02}Z","triggerReason":"MeterValuePeriodic","seqNo":{number},"transactionInfo":{{"transactionId":"T1"}},"meterValue":[{{"timestamp":"2026-11-22T10:00:{second:02}Z","sampledValue":[{{"value":{value}}}]}}]}}"#
        )
    };
    type Said<'a> = (&'a str, &'a dyn Fn(u32, u32) -> String, usize);
    let said: [Said<'_>; 3] = [
        ("CP1", &values, 1),
        ("CP1", &status, 1),
        ("CP1 2.0.1", &event, 2),
    ];
    for (station, said, each) in said {
        for is_old in [false, true] {
            let mut world = World::new(config(Onboarding::Open));
            let all: Vec<_> = (0..20)
                .map(|n| format!(r#"30 a > [2,"m{n}",{}]"#, said(n, 10)))
                .collect();
            world.run(&format!("0 a connect {station}\n{}", all.join("\n")));
            let mut rows = world.rows.lock().unwrap();
            assert!(rows.keys().any(|(table, _)| *table == Table::Retries));
            if is_old {
                let were = std::mem::take(&mut *rows);
                rows.extend(were.into_iter().map(|((table, key), row)| match table {
                    Table::Retries => ((Table::RetryKeys, key[4..].to_vec()), row),
                    _ => ((table, key), row),
                }));
            }
            drop(rows);
            let out = world.run(&format!(
                r#"
                31 a drops
                32 a connect {station}
                33 records shown
                34 a > [2,"again",{}]
                35 a > [2,"other",{}]
                36 a > [2,"other again",{}]
                "#,
                said(1, 10),
                said(1, 60),
                said(1, 60)
            ));
            let made = |at: u32, what: &str| {
                let line = |line: &&str| line.starts_with(&format!("{at} record "));
                let is_fact = |line: &&str| !line.contains("record message") && line.contains(what);
                out.lines().filter(line).filter(is_fact).count()
            };
            assert_eq!(made(34, "conflict "), 0, "{out}");
            assert_eq!(made(35, "conflict true"), each, "{out}");
            assert_eq!(made(36, "conflict "), 0, "{out}");
        }
    }
}

/// What a station calls a transaction is found at a random place of the store, to which its beginning and its end alone write.
#[test]
fn the_name_of_a_transaction_is_not_written_with_each_of_its_events() {
    let mut world = World::new(config(Onboarding::Open));
    world.run("0 a connect CP1 2.0.1");
    for number in 0..=50 {
        let kind = match number {
            0 => "Started",
            50 => "Ended",
            _ => "Updated",
        };
        world.run(&format!(
            r#"{at} a > [2,"{number}","TransactionEvent",{{"eventType":"{kind}","timestamp":"2026-11-22T10:00:{at:02}Z","triggerReason":"MeterValuePeriodic","seqNo":{number},"transactionInfo":{{"transactionId":"T1"}}}}]"#,
            at = number + 1,
        ));
    }
    let mut staged = crate::shard::Projection::default();
    for (seq, bytes) in (1..).zip(&world.log) {
        let event = fleet::EventId {
            log_id: fleet::LogId(1),
            seq: fleet::Seq(seq),
        };
        let record = fleet::wire::read(bytes).unwrap();
        staged.note(event, &record, bytes);
    }
    let (batch, _) = staged.batch(fleet::Seq(1_000), |_| unreachable!("no station is dirty"));
    let written = |table: Table| batch.iter().filter(|(of, ..)| *of == table).count();
    let (timed, random) = (written(Table::Retries), written(Table::RetryKeys));
    assert_eq!((timed, random), (51, 2));
    // An event that comes late finds it.
    let late = world.run(
        r#"
        60 restart
        61 b connect CP1 2.0.1
        62 records shown
        63 b > [2,"late","TransactionEvent",{"eventType":"Updated","timestamp":"2026-11-22T10:00:30Z","triggerReason":"Trigger","seqNo":51,"transactionInfo":{"transactionId":"T1"}}]
        "#,
    );
    assert!(late.contains("63 record TransactionEvent"), "{late}");
    assert!(!late.contains("orphan"), "{late}");
}

/// A TransactionEvent of T1 at a minute, with its register in watt-hours.
fn counted(seq_no: u32, kind: &str, minute: u32, wh: u32) -> String {
    format!(
        r#"{minute} a > [2,"{kind}{seq_no}-{wh}","TransactionEvent",{{"eventType":"{kind}","timestamp":"2026-11-22T10:{minute:02}:00Z","triggerReason":"MeterValuePeriodic","seqNo":{seq_no},"transactionInfo":{{"transactionId":"T1"}},"evse":{{"id":1,"connectorId":1}},"meterValue":[{{"timestamp":"2026-11-22T10:{minute:02}:00Z","sampledValue":[{{"value":{wh}}}]}}]}}]"#
    )
    .replacen(&minute.to_string(), &(minute * 60).to_string(), 1)
}

fn said_of_t1(events: &[String]) -> String {
    let mut world = World::new(config(Onboarding::Open));
    world.run("0 a connect CP1 2.0.1\n0 records shown");
    let out = world.run(&events.join("\n"));
    let told = out
        .lines()
        .filter(|line| line.contains("record T") || line.contains("record SecurityEvent"));
    let told: Vec<_> = told.map(str::to_owned).collect();
    format!(
        "{}\n{}",
        told.join("\n"),
        world.run("3600 op transactions CP1")
    )
}

#[test]
fn an_end_under_a_used_number_ends_what_its_station_counts_anew() {
    let mut events = vec![counted(0, "Started", 0, 1_000)];
    events.extend((1..=5).map(|n| counted(n, "Updated", n, 1_000 + n * 100)));
    // It booted: its counter begins again, and so does what it repeats.
    events.push(counted(1, "Ended", 10, 2_000));
    events.push(counted(1, "Ended", 10, 2_000));
    // Of two ends the first counts.
    events.push(counted(1, "Ended", 11, 9_000));
    let out = said_of_t1(&events);
    assert!(out.contains("ended ok 1 kWh"), "{out}");
    assert_eq!(out.matches("kind 3").count(), 2, "{out}");
    assert_eq!(out.matches("Sigec.RetryConflict").count(), 1, "{out}");
}

#[test]
fn an_end_under_a_used_number_that_is_older_than_the_last_event_ends_nothing() {
    let mut events = vec![counted(0, "Started", 0, 1_000)];
    events.extend((1..=5).map(|n| counted(n, "Updated", n, 1_000 + n * 100)));
    events.push(counted(1, "Ended", 3, 1_300).replacen("180 ", "360 ", 1));
    let out = said_of_t1(&events);
    assert!(out.contains("active ok 0.5 kWh"), "{out}");
    assert!(
        out.contains("kind 3 gap 0 offline false conflict true"),
        "{out}"
    );
}

#[test]
fn numbers_are_missing_before_a_first_event_that_is_not_the_first() {
    let out = said_of_t1(&[
        counted(3, "Updated", 0, 1_000),
        counted(5, "Updated", 1, 1_000),
    ]);
    assert!(out.contains("kind 2 gap 3 "), "{out}");
    assert!(out.contains("kind 2 gap 1 "), "{out}");
    let farthest =
        counted(3, "Updated", 0, 1_000).replace("\"seqNo\":3", "\"seqNo\":9223372036854775807");
    let out = said_of_t1(&[farthest]);
    assert!(out.contains(&format!("kind 2 gap {} ", u32::MAX)), "{out}");
}

#[test]
fn the_register_of_the_beginning_is_never_billed_as_the_end() {
    let started = counted(0, "Started", 0, 1_000).replace(
        r#"{"value":1000}"#,
        r#"{"value":1000,"context":"Transaction.Begin"}"#,
    );
    let both = [
        r#"{"value":1000,"context":"Transaction.Begin"}"#,
        r#"{"value":23000,"context":"Transaction.End"}"#,
    ];
    // E06.FR.11: together in one element, in whatever order, or in two.
    let orders = [
        both.join(","),
        [both[1], both[0]].join(","),
        both.join(r#"]},{"timestamp":"2026-11-22T10:59:00Z","sampledValue":["#),
    ];
    for samples in orders {
        let ended = counted(1, "Ended", 59, 23_000).replace(r#"{"value":23000}"#, &samples);
        let out = said_of_t1(&[started.clone(), ended]);
        assert!(out.contains("ended ok 22 kWh"), "{samples}: {out}");
    }
    let alone = counted(1, "Ended", 59, 1_000).replace(r#"{"value":1000}"#, both[0]);
    let out = said_of_t1(&[started, alone]);
    assert!(!out.contains("0 kWh"), "{out}");
}
