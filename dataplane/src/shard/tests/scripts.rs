use expect_test::{Expect, expect};

use super::world::{World, config, key};
use crate::config::{Config, Onboarding};

fn check_with(config: Config, script: &str, expected: Expect) {
    expected.assert_eq(&World::new(config).run(script));
}

fn check(script: &str, expected: Expect) {
    check_with(config(Onboarding::Open), script, expected);
}

/// Runs a script whose `$TX` is the transaction that its first part began.
fn check_transaction(begin: &str, rest: &str, expected: Expect) {
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
fn clocks_that_are_not_set_do_not_make_two_transactions_one() {
    check(
        r#"
        0 a connect CP1
        1 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"1970-01-01T00:00:04Z"}]
        2 a > [2,"2","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"1970-01-01T00:00:04Z"}]
        3 op transactions CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < [3,"1",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
            2 a < [3,"2",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
            3 transaction ID on 1.1: active ok 0 kWh -
        "#]],
    );
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
            7 transaction ID on 1.1: active ok 0 kWh -
            7 transaction -1 on 0.0: orphan estimated ? kWh - Local
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
            5 record TransactionEvent kind 3 gap 2 offline false conflict false state 2
            5 record message to [3,"2",{}]
            5 a < [3,"2",{}]
            6 record message from [2,"3","TransactionEvent",{"eventType":"Updated","timestamp":"2026-11-22T10:00:04.5Z","triggerReason":"ChargingStateChanged","seqNo":1,"offline":true,"transactionInfo":{"transactionId":"T1"}}]
            6 record TransactionEvent kind 2 gap 0 offline true conflict false state 2
            6 record message to [3,"3",{}]
            6 a < [3,"3",{}]
            7 transaction T1 on 1.0: ended estimated ? kWh -
            8 record message from [2,"4","TransactionEvent",{"eventType":"Ended","timestamp":"2026-11-22T10:00:05Z","triggerReason":"EVDeparted","seqNo":3,"offline":true,"transactionInfo":{"transactionId":"T1"}}]
            8 record message to [3,"4",{}]
            8 a < [3,"4",{}]
            9 record message from [2,"5","TransactionEvent",{"eventType":"Updated","timestamp":"2026-11-22T10:00:09Z","triggerReason":"ChargingStateChanged","seqNo":7,"transactionInfo":{"transactionId":"T9"}}]
            9 record TransactionEvent kind 2 gap 0 offline false conflict false state 3
            9 record message to [3,"5",{}]
            9 a < [3,"5",{}]
            10 transaction T1 on 1.0: ended estimated ? kWh -
            10 transaction T9 on 0.0: orphan estimated ? kWh -
        "#]],
    );
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
fn the_newest_connection_wins_and_the_old_ones_end_says_nothing_about_it() {
    check(
        r#"
        0 a connect CP1
        1 records shown
        1 b connect CP1
        2 b > [2,"1","Heartbeat",{}]
        3 op station CP1
        4 c connect CP1
        5 d connect CP1
        6 e connect CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < close 1008 replaced by a newer connection
            1 a ended
            1 b < 101 Switching Protocols ocpp1.6
            1 record Disconnected replaced by a newer connection
            1 record Connected first_seen false
            2 b < [3,"1",{"currentTime":"2026-11-22T10:00:02.000Z"}]
            2 record message from [2,"1","Heartbeat",{}]
            2 record message to [3,"1",{"currentTime":"2026-11-22T10:00:02.000Z"}]
            3 station CP1: accepted online Unavailable  0 []
            4 b < close 1008 replaced by a newer connection
            4 b ended
            4 c < 101 Switching Protocols ocpp1.6
            4 record Disconnected replaced by a newer connection
            4 record Connected first_seen false
            5 c < close 1008 replaced by a newer connection
            5 c ended
            5 d < 101 Switching Protocols ocpp1.6
            5 record Disconnected replaced by a newer connection
            5 record Connected first_seen false
            6 d < close 1008 replaced by a newer connection
            6 d ended
            6 e < 101 Switching Protocols ocpp1.6
            6 record SecurityEvent Sigec.ConnectionContested 4 takeovers of a connection in use within a minute
            6 record Disconnected replaced by a newer connection
            6 record Connected first_seen false
        "#]],
    );
}

#[test]
fn a_station_that_waits_may_boot_and_nothing_else() {
    check_with(
        config(Onboarding::Pending),
        r#"
        0 records shown
        0 a connect CP1
        1 a > [2,"1","Heartbeat",{}]
        2 a > [2,"2","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
        3 op approve CP1
        4 a > [2,"3","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
        5 a > [2,"4","Heartbeat",{}]
        6 a drops
        7 b connect CP1
        8 b > [2,"5","Heartbeat",{}]
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            0 record Connected first_seen true
            1 a < [4,"1","SecurityError","the station waits for its operator's approval",{}]
            2 a < [3,"2",{"status":"Pending","currentTime":"2026-11-22T10:00:02.000Z","interval":60}]
            3 record StationConfigured
            3 op register CP1: Ok([Ok(())])
            4 record message from [2,"3","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
            4 record Booted V
            4 record message to [3,"3",{"status":"Accepted","currentTime":"2026-11-22T10:00:04.000Z","interval":300}]
            4 a < [3,"3",{"status":"Accepted","currentTime":"2026-11-22T10:00:04.000Z","interval":300}]
            5 a < [3,"4",{"currentTime":"2026-11-22T10:00:05.000Z"}]
            5 record message from [2,"4","Heartbeat",{}]
            5 record message to [3,"4",{"currentTime":"2026-11-22T10:00:05.000Z"}]
            6 record Disconnected connection reset
            7 b < 101 Switching Protocols ocpp1.6
            7 record Connected first_seen false
            8 b < [3,"5",{"currentTime":"2026-11-22T10:00:08.000Z"}]
            8 record message from [2,"5","Heartbeat",{}]
            8 record message to [3,"5",{"currentTime":"2026-11-22T10:00:08.000Z"}]
        "#]],
    );
}

#[test]
fn a_station_with_a_password_needs_it_and_wrong_ones_displace_nobody() {
    check_with(
        config(Onboarding::Pending),
        r#"
        0 op register CP1 0123456789abcdef
        1 a connect CP1 password=0123456789abcdef
        2 b connect CP1
        3 c connect CP1 password=0123456789abcdeX
        4 a > [2,"1","Heartbeat",{}]
        5 op delete CP1
        6 d connect CP1 password=0123456789abcdef
        "#,
        expect![[r#"
            0 op register CP1: Ok([Ok(())])
            1 a < 101 Switching Protocols ocpp1.6
            2 b < 401 Unauthorized
            2 b ended
            3 c < 401 Unauthorized
            3 c ended
            4 a < [3,"1",{"currentTime":"2026-11-22T10:00:04.000Z"}]
            5 a < close 1008 the station was deleted
            5 a ended
            5 op delete CP1: Ok(Ok(()))
            6 d < 101 Switching Protocols ocpp1.6
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
fn a_command_is_durable_then_sent_then_answered_by_the_station() {
    check(
        r#"
        0 a connect CP1
        1 disk holds
        1 op command CP1 wait Reset {"type":"Soft"}
        2 disk goes
        3 a answers {"status":"Accepted"}
        4 op command CP1 wait UnlockConnector {"connectorId":1}
        5 a refuses NotSupported no lock here
        6 op command CP1 wait ClearCache {}
        7 a answers []
        8 a > [3,"nobody-asked",{}]
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            2 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","Reset",{"type":"Soft"}]
            3 op command Reset: Answered Some("{\"status\":\"Accepted\"}") None
            4 a < [2,"01a202b2-d4a0-729f-8f13-5767524794fb","UnlockConnector",{"connectorId":1}]
            5 op command UnlockConnector: Answered None Some(("NotSupported", "no lock here"))
            6 a < [2,"01a202b2-dc70-7223-8824-5a58bc0906fb","ClearCache",{}]
            7 op command ClearCache: Answered None Some(("FormatViolation", "the station's answer is no JSON object"))
        "#]],
    );
}

#[test]
fn a_command_that_no_record_can_hold_is_refused() {
    let mut world = World::new(config(Onboarding::Open));
    let mut command = |len: usize| {
        let data = "x".repeat(len - r#"{"vendorId":"V","data":""}"#.len());
        let line = format!(r#"0 op command CP1 DataTransfer {{"vendorId":"V","data":"{data}"}}"#);
        world.run(&format!("0 op register CP1\n{line}"))
    };
    let refused = "payload has 524289 bytes, at most 524288 are allowed";
    assert!(!command(512 << 10).contains("payload has"));
    assert!(command((512 << 10) + 1).contains(refused));
}

#[test]
fn commands_end_in_the_state_that_tells_what_is_known() {
    check(
        r#"
        0 a connect CP1
        0 a drops
        1 op command CP1 wait Reset {"type":"Soft"}
        2 op command CP1 wait Reset {"type":"Medium"}
        3 op command CP9 wait Reset {"type":"Soft"}
        4 b connect CP1
        5 op command CP1 Reset {"type":"Soft"}
        40 op command CP1 Reset {"type":"Hard"}
        41 b drops
        42 records shown
        42 c connect CP1
        43 op command CP1 ChangeConfiguration {"key":"AuthorizationKey","value":"0123456789abcdef"}
        44 restart
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 op command Reset: Offline None None
            2 op command Reset: Ok(Err(Invalid("PropertyConstraintViolation: /type: found \"Medium\", expected one of Hard, Soft")))
            3 op command Reset: Ok(Err(UnknownStation))
            4 b < 101 Switching Protocols ocpp1.6
            5 b < [2,"01a202b2-d888-729f-8f13-5767524794fb","Reset",{"type":"Soft"}]
            5 op command Reset: Queued None None
            40 b < [2,"01a202b3-6140-7223-8824-5a58bc0906fb","Reset",{"type":"Hard"}]
            40 op command Reset: Queued None None
            42 c < 101 Switching Protocols ocpp1.6
            42 record Connected first_seen false
            43 record CommandChanged ChangeConfiguration queued {"key":"AuthorizationKey","value":"***"}
            43 c < [2,"01a202b3-6cf8-7d6d-b745-1c67e937a43b","ChangeConfiguration",{"key":"AuthorizationKey","value":"0123456789abcdef"}]
            43 record message to [2,"01a202b3-6cf8-7d6d-b745-1c67e937a43b","ChangeConfiguration",{"key":"AuthorizationKey","value":"***"}]
            43 record CommandChanged ChangeConfiguration sent {"key":"AuthorizationKey","value":"***"}
            43 op command ChangeConfiguration: Queued None None
            44 c ended
            44 record Disconnected server stopped
            44 record CommandChanged ChangeConfiguration unknown {"key":"AuthorizationKey","value":"***"}
        "#]],
    );
}

#[test]
fn a_remote_start_waits_for_its_transaction() {
    check(
        r#"
        0 a connect CP1 2.0.1
        1 op start CP1 1
        2 records shown
        2 a > [2,"1","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:02Z","triggerReason":"RemoteStart","seqNo":0,"transactionInfo":{"transactionId":"T1"},"evse":{"id":1},"idToken":{"idToken":"sigec","type":"Central"}}]
        3 op stop
        4 a > [2,"2","TransactionEvent",{"eventType":"Ended","timestamp":"2026-11-22T10:00:04Z","triggerReason":"RemoteStop","seqNo":1,"transactionInfo":{"transactionId":"T1","stoppedReason":"Remote"}}]
        5 op start CP1 1
        36 op transactions CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.0.1
            1 a < [2,"01a202b2-c8e8-73f1-a6b2-33e3ef2852bb","RequestStartTransaction",{"evseId":1,"idToken":{"idToken":"sigec","type":"Central"},"remoteStartId":1592498451}]
            2 record message from [2,"1","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:02Z","triggerReason":"RemoteStart","seqNo":0,"transactionInfo":{"transactionId":"T1"},"evse":{"id":1},"idToken":{"idToken":"sigec","type":"Central"}}]
            2 record TransactionEvent kind 1 gap 0 offline false conflict false state 1
            2 record message to [3,"1",{"idTokenInfo":{"status":"Accepted"}}]
            2 record CommandChanged TriggerMessage queued {"requestedMessage":"BootNotification"}
            2 a < [3,"1",{"idTokenInfo":{"status":"Accepted"}}]
            2 op start CP1 1: Begun Active energy None
            3 record CommandChanged RequestStopTransaction queued {"transactionId":"T1"}
            4 record message from [2,"2","TransactionEvent",{"eventType":"Ended","timestamp":"2026-11-22T10:00:04Z","triggerReason":"RemoteStop","seqNo":1,"transactionInfo":{"transactionId":"T1","stoppedReason":"Remote"}}]
            4 record TransactionEvent kind 3 gap 0 offline false conflict false state 2
            4 record message to [3,"2",{}]
            4 a < [3,"2",{}]
            4 op stop: Ended Ended energy None
            5 record CommandChanged RequestStartTransaction queued {"evseId":1,"idToken":{"idToken":"3defd2a51d4ec9aa2167ddd13be693f6","type":"Central"},"remoteStartId":1328180124}
            31 a < [2,"01a202b2-ccd0-76db-803c-fa3144de5d7b","TriggerMessage",{"requestedMessage":"BootNotification"}]
            31 record CommandChanged RequestStartTransaction timeout {"evseId":1,"idToken":{"idToken":"3defd2a51d4ec9aa2167ddd13be693f6","type":"Central"},"remoteStartId":1592498451}
            31 record message to [2,"01a202b2-ccd0-76db-803c-fa3144de5d7b","TriggerMessage",{"requestedMessage":"BootNotification"}]
            31 record CommandChanged TriggerMessage sent {"requestedMessage":"BootNotification"}
            35 op start CP1 1: Waiting(Queued None None
            36 transaction T1 on 1.0: ended estimated ? kWh - Remote
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
fn silence_is_answered_with_a_ping_and_then_the_end() {
    check(
        r#"
        0 a connect CP1
        0 b raw GET /CP2 HTTP/1.1\r\n
        0 a mute
        20 a > [2,"1","Heartbeat",{}]
        400 wait
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            10 b ended
            20 a < [3,"1",{"currentTime":"2026-11-22T10:00:20.000Z"}]
            65 a < ping
            170 a ended
        "#]],
    );
}

#[test]
fn a_half_open_connection_is_ended_in_time_and_its_late_end_touches_no_other() {
    // Nothing comes from `a` after second 20: it is pinged after 45 s of silence and over after 150 s.
    check(
        r#"
        0 a connect CP1
        0 a mute
        0 a lingers
        20 a > [2,"1","Heartbeat",{}]
        171 op station CP1
        180 b connect CP1
        181 a drops
        182 op station CP1
        183 b > [2,"2","Heartbeat",{}]
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            20 a < [3,"1",{"currentTime":"2026-11-22T10:00:20.000Z"}]
            65 a < ping
            171 station CP1: accepted offline Unavailable  0 []
            180 b < 101 Switching Protocols ocpp1.6
            182 station CP1: accepted online Unavailable  0 []
            183 b < [3,"2",{"currentTime":"2026-11-22T10:03:03.000Z"}]
        "#]],
    );
    // The station comes back before that: the old connection is no obstacle, and its end is late.
    check(
        r#"
        0 a connect CP1
        0 a mute
        0 a lingers
        60 b connect CP1
        60 b lingers
        60 b mute
        61 op station CP1
        61 op command CP1 wait ClearCache {}
        62 a drops
        62 b answers {"status":"Accepted"}
        63 op station CP1
        63 b > [2,"1","Heartbeat",{}]
        300 op station CP1
        301 b drops
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            45 a < ping
            60 a < close 1008 replaced by a newer connection
            60 b < 101 Switching Protocols ocpp1.6
            61 station CP1: accepted online Unavailable  0 []
            61 b < [2,"01a202b3-b348-756e-ab2f-2632d7bd03fb","ClearCache",{}]
            62 op command ClearCache: Answered Some("{\"status\":\"Accepted\"}") None
            63 station CP1: accepted online Unavailable  0 []
            63 b < [3,"1",{"currentTime":"2026-11-22T10:01:03.000Z"}]
            108 b < ping
            300 station CP1: accepted offline Unavailable  0 []
        "#]],
    );
}

#[test]
fn a_log_that_stands_still_closes_the_door() {
    check(
        r#"
        0 a connect CP1
        1 disk full
        2 a > [2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]
        10 b connect CP1
        11 disk goes
        12 c connect CP1
        13 c > [2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            7 a < close 1013 the log does not take records
            7 a ended
            10 b < 503 Service Unavailable
            10 b ended
            12 c < 101 Switching Protocols ocpp1.6
            13 c < [3,"1",{}]
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
