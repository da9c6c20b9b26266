//! A station's day from boot to stop, and what is kept and billed of it.

use expect_test::{Expect, expect};
use fleet::wire::Fact;

use super::world::{World, config, key};
use crate::config::{Config, Onboarding};

pub(super) fn check_with(config: Config, script: &str, expected: Expect) {
    expected.assert_eq(&World::new(config).run(script));
}

pub(super) fn check(script: &str, expected: Expect) {
    check_with(config(Onboarding::Open), script, expected);
}

/// Runs a script whose `$TX` is the transaction that its first part began.
pub(super) fn check_transaction(begin: &str, rest: &str, expected: Expect) {
    let mut world = World::new(config(Onboarding::Open));
    let mut out = world.run(begin);
    let id = world.ocpp_id("CP1");
    out += &world.run(&rest.replace("$TX", &id));
    expected.assert_eq(&out.replace(&id, "$TX"));
}

#[test]
fn a_station_of_1_6_boots_charges_and_stops() {
    check_transaction(
        r#"
        0 a connect CP1
        1 a > [2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
        2 a > [2,"2","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"2026-11-22T10:00:02Z"}]
        3 a > [2,"3","Authorize",{"idTag":"TAG"}]
        4 a > [2,"4","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"2026-11-22T10:00:04Z"}]
        "#,
        r#"
        60 a > [2,"5","MeterValues",{"connectorId":1,"transactionId":$TX,"meterValue":[{"timestamp":"2026-11-22T10:01:00Z","sampledValue":[{"value":"1500"}]}]}]
        61 op station CP1
        3600 a > [2,"6","StopTransaction",{"transactionId":$TX,"meterStop":8042,"timestamp":"2026-11-22T11:00:00Z","reason":"EVDisconnected"}]
        3601 op station CP1
        3601 op transactions CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < [3,"1",{"status":"Accepted","currentTime":"2026-11-22T10:00:01.000Z","interval":300}]
            2 a < [3,"2",{}]
            3 a < [3,"3",{"idTagInfo":{"status":"Accepted"}}]
            4 a < [3,"4",{"idTagInfo":{"status":"Accepted"},"transactionId":$TX}]
            60 a < [3,"5",{}]
            61 station CP1: accepted online Available V 1 [1.1 Available 1.5 kWh]
            3600 a < [3,"6",{}]
            3601 station CP1: accepted online Available V 0 [1.1 Available 8.042 kWh]
            3601 transaction ID on 1.1: ended ok 7.042 kWh 5.28 EVDisconnected
        "#]],
    );
}

#[test]
fn a_station_of_2_0_1_boots_charges_and_stops() {
    check(
        r#"
        0 a connect CP1 2.0.1
        1 a > [2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
        2 a > [2,"2","StatusNotification",{"timestamp":"2026-11-22T10:00:02Z","connectorStatus":"Occupied","evseId":1,"connectorId":1}]
        4 a > [2,"3","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:04Z","triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"T1"},"evse":{"id":1,"connectorId":1},"idToken":{"idToken":"TAG","type":"ISO14443"},"meterValue":[{"timestamp":"2026-11-22T10:00:04Z","sampledValue":[{"value":1000,"context":"Transaction.Begin"}]}]}]
        60 a > [2,"4","TransactionEvent",{"eventType":"Updated","timestamp":"2026-11-22T10:01:00Z","triggerReason":"MeterValuePeriodic","seqNo":1,"transactionInfo":{"transactionId":"T1"},"meterValue":[{"timestamp":"2026-11-22T10:01:00Z","sampledValue":[{"value":1.5,"unitOfMeasure":{"unit":"kWh"}}]}]}]
        61 op station CP1
        3600 a > [2,"5","TransactionEvent",{"eventType":"Ended","timestamp":"2026-11-22T11:00:00Z","triggerReason":"EVDeparted","seqNo":2,"transactionInfo":{"transactionId":"T1","stoppedReason":"EVDisconnected"},"meterValue":[{"timestamp":"2026-11-22T11:00:00Z","sampledValue":[{"value":8042,"context":"Transaction.End"}]}]}]
        3601 op station CP1
        3601 op transactions CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.0.1
            1 a < [3,"1",{"currentTime":"2026-11-22T10:00:01.000Z","interval":300,"status":"Accepted"}]
            2 a < [3,"2",{}]
            4 a < [3,"3",{"idTokenInfo":{"status":"Accepted"}}]
            60 a < [3,"4",{}]
            61 station CP1: accepted online Occupied V 1 [1.1 Occupied 1.5 kWh]
            3600 a < [3,"5",{"totalCost":5.28}]
            3601 station CP1: accepted online Occupied V 0 [1.1 Occupied 8.042 kWh]
            3601 transaction T1 on 1.1: ended ok 7.042 kWh 5.28 EVDisconnected
        "#]],
    );
}

#[test]
fn nothing_but_heartbeat_and_authorize_is_answered_before_its_record_is_durable() {
    check(
        r#"
        0 a connect CP1
        0 disk holds
        1 a > [2,"1","Heartbeat",{}]
        2 a > [2,"2","Authorize",{"idTag":"TAG"}]
        3 a > [2,"3","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]
        4 a > [2,"4","Heartbeat",{}]
        4 disk goes
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < [3,"1",{"currentTime":"2026-11-22T10:00:01.000Z"}]
            2 a < [3,"2",{"idTagInfo":{"status":"Accepted"}}]
            4 a < [3,"3",{}]
            4 a < [3,"4",{"currentTime":"2026-11-22T10:00:04.000Z"}]
        "#]],
    );
}

#[test]
fn transactions_that_never_end_leave_memory() {
    let mut world = World::new(config(Onboarding::Open));
    let starts = (1..=200).map(|n| {
        format!(
            r#"0 a > [2,"{n}","StartTransaction",{{"connectorId":{n},"idTag":"TAG","meterStart":0,"timestamp":"2026-11-22T10:00:00Z"}}]"#
        )
    });
    let starts: Vec<_> = starts.collect();
    world.run(&format!("0 a connect CP1\n{}", starts.join("\n")));
    let station = world.shard.stations.find(&key("CP1")).unwrap();
    let running = world.shard.stations[station].state.active().count();
    assert_eq!((world.shard.active.len(), running), (128, 128));
}

#[test]
fn a_stop_of_nothing_we_know_is_answered_and_kept_as_an_orphan() {
    check(
        r#"
        0 a connect CP1
        1 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"2026-11-22T10:00:01Z"}]
        2 a > [2,"2","StopTransaction",{"transactionId":-1,"meterStop":1700,"timestamp":"2026-11-22T10:00:02Z"}]
        3 a > [2,"3","StopTransaction",{"transactionId":0,"meterStop":1700,"timestamp":"2026-11-22T10:00:03Z"}]
        4 a > [2,"4","StopTransaction",{"transactionId":2147483647,"idTag":"TAG","meterStop":1700,"timestamp":"2026-11-22T10:00:04Z"}]
        5 a > [2,"5","StopTransaction",{"transactionId":-1,"meterStop":1700,"timestamp":"2026-11-22T10:00:02Z"}]
        6 a > [2,"6","StopTransaction",{"transactionId":-1,"meterStop":1900,"timestamp":"2026-11-22T10:00:06Z"}]
        6 a > [2,"7","StopTransaction",{"transactionId":2147483647,"idTag":"TAG","meterStop":1700,"timestamp":"2026-11-22T10:00:04Z"}]
        7 op transactions CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < [3,"1",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
            2 a < [3,"2",{}]
            3 a < [3,"3",{}]
            4 a < [3,"4",{"idTagInfo":{"status":"Accepted"}}]
            5 a < [3,"5",{}]
            6 a < [3,"6",{}]
            6 a < [3,"7",{"idTagInfo":{"status":"Accepted"}}]
            7 transaction ID on 1.1: ended ok 0.7 kWh 0.53 Local
            7 transaction 0 on 0.0: orphan estimated ? kWh - Local
            7 transaction ID on 0.0: orphan estimated ? kWh - Local
            7 transaction -1 on 0.0: orphan estimated ? kWh - Local
        "#]],
    );
}

#[test]
fn late_events_neither_revive_nor_end_a_transaction() {
    check(
        r#"
        0 a connect CP1 2.0.1
        1 records shown
        4 a > [2,"1","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:04Z","triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"T1"},"evse":{"id":1}}]
        5 a > [2,"2","TransactionEvent",{"eventType":"Ended","timestamp":"2026-11-22T10:00:05Z","triggerReason":"EVDeparted","seqNo":3,"transactionInfo":{"transactionId":"T1"}}]
        6 a > [2,"3","TransactionEvent",{"eventType":"Updated","timestamp":"2026-11-22T10:00:04.5Z","triggerReason":"ChargingStateChanged","seqNo":1,"offline":true,"transactionInfo":{"transactionId":"T1"}}]
        7 op transactions CP1
        8 a > [2,"4","TransactionEvent",{"eventType":"Ended","timestamp":"2026-11-22T10:00:05Z","triggerReason":"EVDeparted","seqNo":3,"offline":true,"transactionInfo":{"transactionId":"T1"}}]
        9 a > [2,"5","TransactionEvent",{"eventType":"Updated","timestamp":"2026-11-22T10:00:09Z","triggerReason":"ChargingStateChanged","seqNo":7,"transactionInfo":{"transactionId":"T9"}}]
        10 op transactions CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.0.1
            4 record message from [2,"1","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:04Z","triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"T1"},"evse":{"id":1}}]
            4 record TransactionEvent kind 1 gap 0 offline false conflict false state 1
            4 record message to [3,"1",{}]
            4 record CommandChanged TriggerMessage queued {"requestedMessage":"BootNotification"}
            4 a < [3,"1",{}]
            4 a < [2,"01a202b2-d4a0-729f-8f13-5767524794fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            4 record message to [2,"01a202b2-d4a0-729f-8f13-5767524794fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            4 record CommandChanged TriggerMessage sent {"requestedMessage":"BootNotification"}
            5 record message from [2,"2","TransactionEvent",{"eventType":"Ended","timestamp":"2026-11-22T10:00:05Z","triggerReason":"EVDeparted","seqNo":3,"transactionInfo":{"transactionId":"T1"}}]
            5 record TransactionProgress missing ["1-2"] told false
            5 record TransactionEvent kind 3 gap 2 offline false conflict false state 2
            5 record message to [3,"2",{}]
            5 a < [3,"2",{}]
            6 record message from [2,"3","TransactionEvent",{"eventType":"Updated","timestamp":"2026-11-22T10:00:04.5Z","triggerReason":"ChargingStateChanged","seqNo":1,"offline":true,"transactionInfo":{"transactionId":"T1"}}]
            6 record TransactionProgress missing ["2-2"] told false
            6 record TransactionEvent kind 2 gap 0 offline true conflict false state 2
            6 record message to [3,"3",{}]
            6 a < [3,"3",{}]
            7 transaction T1 on 1.0: ended estimated ? kWh -
            8 record message from [2,"4","TransactionEvent",{"eventType":"Ended","timestamp":"2026-11-22T10:00:05Z","triggerReason":"EVDeparted","seqNo":3,"offline":true,"transactionInfo":{"transactionId":"T1"}}]
            8 record message to [3,"4",{}]
            8 a < [3,"4",{}]
            9 record message from [2,"5","TransactionEvent",{"eventType":"Updated","timestamp":"2026-11-22T10:00:09Z","triggerReason":"ChargingStateChanged","seqNo":7,"transactionInfo":{"transactionId":"T9"}}]
            9 record TransactionProgress missing ["0-6"] told false
            9 record TransactionEvent kind 2 gap 7 offline false conflict false state 3
            9 record message to [3,"5",{}]
            9 a < [3,"5",{}]
            10 transaction T1 on 1.0: ended estimated ? kWh -
            10 transaction T9 on 0.0: orphan estimated ? kWh -
        "#]],
    );
}

#[test]
fn what_comes_late_leaves_the_reason_of_the_end() {
    let event = |id: u32, at: &str, rest: &str| {
        format!(
            r#"a > [2,"{id}","TransactionEvent",{{"timestamp":"2026-11-22T10:00:{at}Z","transactionInfo":{{"transactionId":"T1"}},{rest}}}]"#
        )
    };
    let started = r#""eventType":"Started","triggerReason":"Authorized","seqNo":0,"evse":{"id":1}"#;
    let ended = event(
        2,
        "08",
        r#""eventType":"Ended","triggerReason":"EVDeparted","seqNo":3"#,
    )
    .replace(r#""T1""#, r#""T1","stoppedReason":"EVDisconnected""#);
    let late = r#""eventType":"Updated","triggerReason":"MeterValuePeriodic","offline":true"#;
    let mut world = World::new(config(Onboarding::Open));
    world.run(&format!(
        "0 a connect CP1 2.0.1\n4 {}\n8 {ended}\n9 {}",
        event(1, "04", started),
        event(3, "06", &format!(r#"{late},"seqNo":1"#)),
    ));
    let records = world.log.iter();
    let facts = records.map(|record| fleet::wire::read(record).unwrap().body.to_fact().unwrap());
    let reasons: Vec<_> = facts
        .filter_map(|fact| match fact {
            Fact::TransactionEvent(event) => Some(event.stop_reason),
            _ => None,
        })
        .collect();
    // The last event of a transaction is what lists and SQL show of it.
    assert_eq!(reasons, ["", "EVDisconnected", "EVDisconnected"]);
}

#[test]
fn an_odometer_is_not_billed() {
    check_transaction(
        r#"
        0 a connect CP1
        1 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":0,"timestamp":"2026-11-22T10:00:01Z"}]
        "#,
        r#"
        60 a > [2,"2","MeterValues",{"connectorId":1,"transactionId":$TX,"meterValue":[{"timestamp":"2026-11-22T10:01:00Z","sampledValue":[{"value":"909948"}]}]}]
        120 a > [2,"3","StopTransaction",{"transactionId":$TX,"meterStop":910031,"timestamp":"2026-11-22T10:02:00Z"}]
        121 op transactions CP1
        130 a > [2,"4","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":5000,"timestamp":"2026-11-22T10:02:10Z"}]
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < [3,"1",{"idTagInfo":{"status":"Accepted"},"transactionId":$TX}]
            60 a < [3,"2",{}]
            120 a < [3,"3",{}]
            121 transaction ID on 1.1: ended estimated 0.083 kWh 0.06 Local
            130 a < [3,"4",{"idTagInfo":{"status":"Accepted"},"transactionId":1152582712}]
        "#]],
    );
}

#[test]
fn a_note_is_on_record_before_it_is_answered() {
    check(
        r#"
        0 a connect CP1
        1 records shown
        1 disk holds
        2 op note CP1
        3 disk goes
        4 op note CP2
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            2 record Notified Sigec.IssueReported {}
            3 op note CP1: Ok(Ok(()))
            4 op note CP2: Ok(Err(Unknown))
        "#]],
    );
}

#[test]
fn tokens_decide_and_unknown_ones_depend_on_onboarding() {
    let script = r#"
        0 op register CP1
        0 token TAG1 Accepted
        0 token TAG2 Blocked
        1 a connect CP1
        2 a > [2,"1","Authorize",{"idTag":"tag1"}]
        3 a > [2,"2","Authorize",{"idTag":"TAG2"}]
        4 a > [2,"3","Authorize",{"idTag":"TAG3"}]
    "#;
    check_with(
        config(Onboarding::Open),
        script,
        expect![[r#"
        0 op register CP1: Ok([Ok(())])
        1 a < 101 Switching Protocols ocpp1.6
        2 a < [3,"1",{"idTagInfo":{"status":"Accepted"}}]
        3 a < [3,"2",{"idTagInfo":{"status":"Blocked"}}]
        4 a < [3,"3",{"idTagInfo":{"status":"Accepted"}}]
    "#]],
    );
    check_with(
        config(Onboarding::Closed),
        script,
        expect![[r#"
        0 op register CP1: Ok([Ok(())])
        1 a < 101 Switching Protocols ocpp1.6
        2 a < [3,"1",{"idTagInfo":{"status":"Accepted"}}]
        3 a < [3,"2",{"idTagInfo":{"status":"Blocked"}}]
        4 a < [3,"3",{"idTagInfo":{"status":"Invalid"}}]
    "#]],
    );
}

#[test]
fn secrets_never_reach_the_log() {
    let mut world = World::new(config(Onboarding::Open));
    world.run(
        r#"
        0 a connect CP1
        1 op command CP1 ChangeConfiguration {"key":"AuthorizationKey","value":"canary-0123456789"}
        2 op command CP1 GetConfiguration {"key":["AuthorizationKey"]}
        "#,
    );
    let canary = |record: &Vec<u8>| record.windows(6).any(|bytes| bytes == b"canary");
    assert!(2 < world.log.len() && !world.log.iter().any(canary));
}
