//! What a charge comes to, and that no crash, retry or bad meter counts it twice or bills what was not delivered.

use std::borrow::Cow;

use fleet::record::{MeterValues, Quality, TransactionEvent};
use fleet::wire::Fact;

use super::world::{World, config, key};
use crate::config::Onboarding;
use crate::state::Transaction;

fn world() -> World {
    World::new(config(Onboarding::Open))
}

/// The meter values and transaction events of a log, in order.
fn records(world: &World) -> (Vec<MeterValues>, Vec<TransactionEvent>) {
    let (mut values, mut events) = (Vec::new(), Vec::new());
    for record in &world.log {
        let record = fleet::wire::read(record).unwrap();
        match record.body.to_fact().unwrap() {
            Fact::MeterValues(found) => values.push(found),
            Fact::TransactionEvent(found) => events.push(found),
            _ => {}
        }
    }
    (values, events)
}

fn transactions(world: &World) -> Vec<Transaction> {
    let station = world.shard.stations.find(&key("CP1")).expect("a station");
    let details = world.shard.stations[station].state.details();
    let owned = |t: Cow<'_, Transaction>| t.into_owned();
    details.transactions.iter().map(owned).collect()
}

#[test]
fn a_crash_within_an_orphans_records_doubles_and_loses_nothing() {
    let stop = r#"[2,"1","StopTransaction",{"transactionId":-1,"meterStop":1700,"timestamp":"2026-11-22T10:00:02Z","transactionData":[{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[{"value":"1650"}]}]}]"#;
    // Of the raw frame, the two records made of it and its answer, so many survive.
    for kept in 1..=4 {
        let mut world = world();
        world.run(&format!(
            "
            2 a connect CP1
            2 disk holds
            2 a > {stop}
            2 disk keeps {kept}
            2 restart
            2 disk goes
            3 a connect CP1
            3 a > {stop}
            4 a drops
            4 a connect CP1
            4 a > {stop}
            "
        ));
        let (values, events) = records(&world);
        assert_eq!((values.len(), events.len()), (1, 1), "kept {kept}");
        let transaction = Some(events[0].transaction_id);
        assert_eq!(values[0].transaction_id, transaction, "kept {kept}");
    }
}

#[test]
fn a_message_that_conflicts_is_kept_once_however_often_it_comes() {
    let at = r#""timestamp":"2026-11-22T10:00:01Z""#;
    let meter = |wh: u32| {
        format!(
            r#""MeterValues",{{"connectorId":1,"meterValue":[{{{at},"sampledValue":[{{"value":"{wh}"}}]}}]}}"#
        )
    };
    let start = |reservation: u32| {
        format!(
            r#""StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":1,"reservationId":{reservation},{at}}}"#
        )
    };
    let stop = |reason: &str| {
        format!(r#""StopTransaction",{{"transactionId":7,"meterStop":1,"reason":"{reason}",{at}}}"#)
    };
    let status = |info: u32| {
        format!(
            r#""StatusNotification",{{"connectorId":1,"errorCode":"NoError","status":"Available","info":"{info}",{at}}}"#
        )
    };
    let event = |wh: u32| {
        format!(
            r#""TransactionEvent",{{"eventType":"Started",{at},"triggerReason":"Authorized","seqNo":0,"transactionInfo":{{"transactionId":"T1"}},"meterValue":[{{{at},"sampledValue":[{{"value":{wh}}}]}}]}}"#
        )
    };
    // Enough of something else that what was said before is in the store alone.
    let others: String = (0..20)
        .map(|n| {
            format!(
                "9 a > [2,\"o{n}\",\"StatusNotification\",{{\"connectorId\":5,\"errorCode\":\"NoError\",\"status\":\"Available\",\"timestamp\":\"2026-11-22T10:00:05.{n:03}Z\"}}]\n"
            )
        })
        .collect();
    // Records of the first message, and of the one that says something else under its key.
    let cases = [
        ("", meter(1), meter(2), (1, 1)),
        ("", start(1), start(2), (2, 1)),
        ("", stop("Local"), stop("Other"), (2, 1)),
        ("", status(1), status(2), (1, 1)),
        (" 2.0.1", event(1), event(2), (2, 2)),
    ];
    for (version, first, second, expected) in cases {
        let mut world = world();
        let connect = format!("9 a connect CP1{version}");
        let again = format!("9 a > [2,\"2\",{second}]\n9 a drops\n{connect}\n");
        let others = if version.is_empty() { &*others } else { "" };
        world.run(&format!(
            "{connect}\n9 a > [2,\"1\",{first}]\n{again}{again}9 restart\n{connect}\n{others}{again}"
        ));
        let retries = world.log.iter().filter_map(|record| {
            let record = fleet::wire::read(record).unwrap();
            match record.body.to_fact().unwrap() {
                Fact::MeterValues(values) => Some(values.retry),
                Fact::TransactionEvent(event) => Some(event.retry),
                Fact::StatusReported(status) if status.evse_id == 1 => Some(status.retry),
                _ => None,
            }
        });
        let (second, first): (Vec<_>, Vec<_>) = retries.partition(|retry| retry.conflict);
        assert_eq!((first.len(), second.len()), expected, "{first:?}");
    }
}

#[test]
fn a_register_that_no_meter_shows_is_kept_as_a_sample_and_flags_the_transaction() {
    // 0.9 PWh is the most that is held exactly.
    for (start, readings, samples) in [
        ("900000000000000", 1, 0),
        ("900000000000001", 0, 1),
        ("9223372036854775807", 0, 1),
        ("-900000000000001", 0, 1),
    ] {
        let mut world = world();
        let out = world.run(&format!(
            r#"
            1 a connect CP1
            1 a > [2,"1","StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":{start},"timestamp":"2026-11-22T10:00:01Z"}}]
            "#
        ));
        assert!(out.contains(r#"[3,"1",{"idTagInfo""#), "{out}");
        let (values, events) = records(&world);
        let values = values.first().expect("a row of values");
        assert_eq!(values.rows.len(), 1);
        assert_eq!(
            (values.readings.len(), values.samples.len()),
            (readings, samples),
            "{start}"
        );
        if let Some(sample) = values.samples.first() {
            let value = sample.value;
            let text = &values.text[value.start as usize..][..value.len as usize];
            assert_eq!(text, start);
            assert_eq!(sample.value_number, start.parse::<f64>().unwrap());
            assert_eq!(sample.context, values.rows[0].context);
            assert_eq!(events[0].summary.quality, Quality::Estimated.code());
            assert_eq!(events[0].summary.energy_mwh, None);
        }
    }
    let mut world = world();
    world.run(
        r#"
        1 a connect CP1
        1 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":1000,"timestamp":"2026-11-22T10:00:01Z"}]
        "#,
    );
    let id = world.ocpp_id("CP1");
    world.run(&format!(
        r#"2 a > [2,"2","StopTransaction",{{"transactionId":{id},"meterStop":9000000000000000,"timestamp":"2026-11-22T10:00:02Z"}}]"#
    ));
    let (values, events) = records(&world);
    assert_eq!(values.last().unwrap().samples.len(), 1);
    let summary = &events.last().unwrap().summary;
    assert_eq!(summary.quality, Quality::Estimated.code());
    assert_eq!((summary.energy_mwh, summary.cost), (None, None));
}

#[test]
fn a_meter_that_ran_backwards_is_not_billed() {
    let mut world = world();
    world.run(
        r#"
        1 a connect CP1
        1 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":5000,"timestamp":"2026-11-22T10:00:01Z"}]
        "#,
    );
    let id = world.ocpp_id("CP1");
    let out = world.run(&format!(
        r#"
        600 a > [2,"2","MeterValues",{{"connectorId":1,"transactionId":{id},"meterValue":[{{"timestamp":"2026-11-22T10:10:00Z","sampledValue":[{{"value":"100"}}]}}]}}]
        1200 a > [2,"3","StopTransaction",{{"transactionId":{id},"meterStop":4000,"timestamp":"2026-11-22T10:20:00Z"}}]
        1201 op transactions CP1
        "#
    ));
    assert!(out.contains("ended quarantined 0 kWh - Local"), "{out}");
}

#[test]
fn a_transaction_begins_no_later_than_it_ends() {
    let mut world = world();
    world.run(
        r#"
        100 a connect CP1
        100 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":1000,"timestamp":"1970-01-01T00:00:01Z"}]
        "#,
    );
    let id = world.ocpp_id("CP1");
    world.run(&format!(
        r#"101 a > [2,"2","StopTransaction",{{"transactionId":{id},"meterStop":2000,"timestamp":"2026-11-22T10:00:50Z"}}]"#
    ));
    let ended = &transactions(&world)[0];
    assert_eq!(ended.ended_at, Some(super::world::EPOCH + 50_000_000));
    assert_eq!(ended.started_at, ended.ended_at);
}

#[test]
fn the_end_said_again_after_its_transaction_left_memory_has_the_same_answer() {
    let event = |id: u32, kind: &str, second: u32, wh: u32| {
        format!(
            r#"[2,"{id}","TransactionEvent",{{"eventType":"{kind}","timestamp":"2026-11-22T10:00:0{second}Z","triggerReason":"Trigger","seqNo":{second},"transactionInfo":{{"transactionId":"T1"}},"meterValue":[{{"timestamp":"2026-11-22T10:00:0{second}Z","sampledValue":[{{"value":{wh}}}]}}]}}]"#
        )
    };
    let (start, end) = (event(1, "Started", 1, 1_000), event(2, "Ended", 2, 1_200));
    let mut world = world();
    let out = world.run(&format!(
        "
        2 a connect CP1 2.0.1
        2 a > {start}
        2 a > {end}
        2 a drops
        90000 a connect CP1 2.0.1
        90000 a > {end}
        "
    ));
    assert!(transactions(&world).is_empty(), "it has left memory");
    let answers: Vec<_> = out
        .lines()
        .filter_map(|line| Some(line.split_once(r#"[3,"2","#)?.1))
        .collect();
    assert_eq!(answers, [r#"{"totalCost":0.15}]"#; 2], "{out}");
}

#[test]
fn an_unreadable_frame_is_kept_without_what_may_be_a_secret() {
    let mut world = world();
    world.run(
        r#"
        0 a connect CP1
        1 a > [2,"1","GetConfiguration",{"configurationKey":[{"key":"AuthorizationKey","value":"canary-0123456789"}]
        2 a > {"variable":{"name":"basicauthpassword"},"attributeValue":"canary-0123456789"}
        3 a > [2,"2",{"key":"\u0041uthorizationKey","value":"canary-0123456789"}]
        4 a > [2,"3","Heartbeat",{},"one too many"]
        "#,
    );
    let holds = |text: &str| {
        let found = |record: &Vec<u8>| record.windows(text.len()).any(|w| w == text.as_bytes());
        world.log.iter().any(found)
    };
    assert!(!holds("canary"));
    // What tells of no secret stays whole, for whoever asks why a station fails.
    assert!(holds(r#"[2,"3","Heartbeat",{},"one too many"]"#));
    assert!(holds(r#"[2,"1","GetConfiguration","#));
}

/// What a station says that hangs on the state store, by the table it hangs on.
#[test]
fn what_hangs_on_a_store_that_cannot_be_read_is_refused_and_decided_later() {
    let old = r#""timestamp":"2026-11-22T10:00:01Z""#;
    let cases = [
        ("", r#""Authorize",{"idTag":"NEW"}"#.to_owned()),
        (
            "",
            format!(r#""StartTransaction",{{"connectorId":1,"idTag":"NEW","meterStart":1,{old}}}"#),
        ),
        (
            "",
            format!(r#""StartTransaction",{{"connectorId":1,"idTag":"TAG","meterStart":1,{old}}}"#),
        ),
        (
            "",
            format!(r#""StopTransaction",{{"transactionId":7,"meterStop":1,{old}}}"#),
        ),
        (
            "",
            format!(
                r#""MeterValues",{{"connectorId":1,"meterValue":[{{{old},"sampledValue":[{{"value":"1"}}]}}]}}"#
            ),
        ),
        (
            "",
            format!(
                r#""StatusNotification",{{"connectorId":1,"errorCode":"NoError","status":"Available",{old}}}"#
            ),
        ),
        (
            " 2.0.1",
            format!(
                r#""TransactionEvent",{{"eventType":"Ended",{old},"triggerReason":"Trigger","seqNo":1,"transactionInfo":{{"transactionId":"T1"}}}}"#
            ),
        ),
        (
            " 2.0.1",
            r#""Authorize",{"idToken":{"idToken":"NEW","type":"Central"}}"#.to_owned(),
        ),
    ];
    for (version, message) in cases {
        let mut world = world();
        // A first charge, so that what is said below is older than the newest, and TAG is no news.
        let first = if version.is_empty() {
            r#"9 a > [2,"0","StartTransaction",{"connectorId":2,"idTag":"TAG","meterStart":1,"timestamp":"2026-11-22T10:00:09Z"}]"#
        } else {
            ""
        };
        world.run(&format!("9 a connect CP1{version}\n{first}"));
        let station = world.shard.stations.find(&key("CP1")).unwrap();
        let facts = |world: &World| {
            let kind = |record: &&Vec<u8>| {
                !matches!(
                    fleet::wire::read(record).unwrap().body,
                    fleet::wire::Body::Message(_) | fleet::wire::Body::CommandChanged(_)
                )
            };
            world.log.iter().filter(kind).count()
        };
        let before = (facts(&world), world.shard.stations[station].state.counter);
        let out = world.run(&format!(
            "10 store breaks\n10 a > [2,\"1\",{message}]\n10 a > [2,\"2\",{message}]"
        ));
        let refused = |id| format!(r#"a < [4,"{id}","InternalError","the state store"#);
        assert!(
            out.contains(&refused(1)) && out.contains(&refused(2)),
            "{message}: {out}"
        );
        let after = (facts(&world), world.shard.stations[station].state.counter);
        assert_eq!(before, after, "{message}");
        let failed = world.shard.tally.counters.store_reads_failed;
        assert_eq!(failed, 2, "{message}");
        // The same message, by the same id, is answered when the store can be read again.
        let out = world.run(&format!("11 store works\n11 a > [2,\"1\",{message}]"));
        assert!(out.contains(r#"a < [3,"1","#), "{message}: {out}");
    }
}

#[test]
fn what_is_new_is_not_looked_up() {
    let reads = |world: &World| world.shard.tally.counters.store_reads;
    let mut world = world();
    world.run(
        r#"
        0 token TAG Accepted
        1 a connect CP1
        1 a > [2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
        1 a > [2,"2","StatusNotification",{"connectorId":0,"errorCode":"NoError","status":"Available"}]
        2 a > [2,"3","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"2026-11-22T10:00:02Z"}]
        2 a > [2,"31","StatusNotification",{"connectorId":2,"errorCode":"NoError","status":"Available","timestamp":"2026-11-22T10:00:02Z"}]
        2 a > [2,"32","StatusNotification",{"connectorId":3,"errorCode":"NoError","status":"Available","timestamp":"2026-11-22T10:00:02Z"}]
        3 a > [2,"4","Heartbeat",{}]
        "#,
    );
    assert_eq!(reads(&world), 0, "a station that comes back");
    world.run(r#"4 a > [2,"5","Authorize",{"idTag":"TAG"}]"#);
    assert_eq!(reads(&world), 1, "a token that was never shown");
    world.run(
        r#"
        5 a > [2,"6","Authorize",{"idTag":"tag"}]
        5 a > [2,"7","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1,"timestamp":"2026-11-22T10:00:05Z"}]
        "#,
    );
    let id = world.ocpp_id("CP1");
    world.run(&format!(
        r#"
        6 a > [2,"8","MeterValues",{{"connectorId":1,"transactionId":{id},"meterValue":[{{"timestamp":"2026-11-22T10:00:06Z","sampledValue":[{{"value":"2"}}]}}]}}]
        7 a > [2,"9","StopTransaction",{{"transactionId":{id},"idTag":"TAG","meterStop":3,"timestamp":"2026-11-22T10:00:07Z"}}]
        8 a > [2,"10","StopTransaction",{{"transactionId":{id},"idTag":"TAG","meterStop":3,"timestamp":"2026-11-22T10:00:07Z"}}]
        "#
    ));
    assert_eq!(reads(&world), 1, "a whole charge, and its end again");
    let event = |n: u32, kind: &str| {
        format!(
            r#"2{n} b > [2,"{n}","TransactionEvent",{{"eventType":"{kind}","timestamp":"2026-11-22T10:00:2{n}Z","triggerReason":"Trigger","seqNo":{n},"transactionInfo":{{"transactionId":"T1"}},"idToken":{{"idToken":"TAG","type":"Central"}},"meterValue":[{{"timestamp":"2026-11-22T10:00:2{n}Z","sampledValue":[{{"value":{n}}}]}}]}}]"#
        )
    };
    let (start, update, end) = (event(1, "Started"), event(2, "Updated"), event(3, "Ended"));
    world.run(&format!("20 b connect CP2 2.0.1\n{start}\n{update}\n{end}"));
    assert_eq!(reads(&world), 1, "a whole charge of 2.0.1");
}

#[test]
fn a_token_that_changes_is_read_anew() {
    let mut world = world();
    let out = world.run(
        r#"
        0 a connect CP1
        1 a > [2,"1","Authorize",{"idTag":"TAG"}]
        2 token TAG Blocked
        3 a > [2,"2","Authorize",{"idTag":"TAG"}]
        4 token TAG Accepted
        5 a > [2,"3","Authorize",{"idTag":"TAG"}]
        "#,
    );
    let statuses: Vec<_> = ["Accepted", "Blocked"]
        .iter()
        .map(|status| out.matches(&format!(r#""status":"{status}""#)).count())
        .collect();
    assert_eq!(statuses, [2, 1], "{out}");
}

/// A station may write a number in as many digits as a message has room for.
#[test]
fn numerals_of_any_length_leave_no_limit_and_no_settlement_out() {
    let numeral = format!("12.5{}", "0".repeat(800_000));
    let mut world = world();
    world.run("0 a connect CP1 2.1");
    for n in 1..=3 {
        let event = |kind: &str, seq_no: u32, more: &str| {
            format!(
                r#"{n} a > [2,"{kind}{n}","TransactionEvent",{{"eventType":"{kind}","timestamp":"2026-11-22T10:00:00Z","triggerReason":"LimitSet","seqNo":{seq_no},"evse":{{"id":{n}}},"transactionInfo":{{"transactionId":"T{n}"{more}}}}}]"#
            )
        };
        world.run(&event("Started", 0, ""));
        let limit = format!(r#","transactionLimit":{{"maxCost":{numeral}}}"#);
        world.run(&event("Updated", 1, &limit));
        world.run(&format!(
            r#"{n} a > [2,"paid{n}","NotifySettlement",{{"transactionId":"T1","pspRef":"P{n}","status":"Settled","settlementAmount":{numeral},"settlementTime":"2026-11-22T10:00:00Z"}}]"#
        ));
    }
    world.run("4 restart");
    assert_eq!(world.shard.limits.len(), 3);
    let shown = world.run("5 op money CP1");
    for n in 1..=3 {
        let settled = format!("5 settlement P{n} Settled 12.5 \n");
        assert!(shown.contains(&settled), "{shown:.500}");
    }
}
