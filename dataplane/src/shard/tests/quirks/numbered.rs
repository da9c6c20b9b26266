//! Deviations seen from real stations, by their number in the list that this server is measured against.
//!
//! | # | deviation | where else it is tested |
//! | --- | --- | --- |
//! | 18 | StartTransaction sent twice with new message ids | `retries::a_retry_by_content_has_one_effect_and_the_same_answer` |
//! | 19 | the same message id again | `retries::message_ids_are_replayed_while_remembered_and_refused_while_unanswered` |
//! | 24 | fragmented frames | the Autobahn suite over `net::ws` |
//! | 25 | paths | `admission::tests::the_last_segment_names_the_station` |
//! | 26 | AuthorizationKey of 1.6 as digits or as the bytes they stand for | `cases::v16_security::ocpp16_security_a01_password` |
//!
//! Words, dates and types as such: `ocpp/tests/suite/quirks.rs`. Clocks: [`super::clocks`].

use base64::Engine;
use expect_test::expect;

use super::{BOOT, QuirkPolicy, check, tolerant};
use crate::config::Onboarding;
use crate::shard::tests::world::{World, config};

/// A boot of this make.
fn boot(vendor: &str) -> String {
    format!(
        r#"[2,"b","BootNotification",{{"chargePointVendor":"{vendor}","chargePointModel":"m"}}]"#
    )
}

/// A connection, a boot and messages, with what is recorded of each.
fn station(vendor: &str, messages: &[&str]) -> String {
    let mut script = format!("0 a connect CP1\n0 a > {}\n0 records shown\n", boot(vendor));
    for (at, message) in messages.iter().enumerate() {
        script += &format!("{} a > {message}\n", at + 1);
    }
    script
}

#[test]
fn quirk_01_a_member_without_a_value() {
    let broken = r#"[2,"1","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[{"value":"7"}]}]}]"#;
    let after = r#"[2,"2","Heartbeat",{}]"#;
    tolerant(
        &station("ACME", &[broken, after]),
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        1 record message from [2,"1","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[{"value":"7"}]}]}]
        1 record Quarantined refused MeterValues; FormatViolation /transactionId: byte 33 of the payload is ',', expected a number
        1 record message to [4,"1","FormationViolation","/transactionId: byte 33 of the payload is ',', expected a number",{}]
        1 a < [4,"1","FormationViolation","/transactionId: byte 33 of the payload is ',', expected a number",{}]
        2 a < [3,"2",{"currentTime":"2026-11-22T10:00:02.000Z"}]
        2 record message from [2,"2","Heartbeat",{}]
        2 record message to [3,"2",{"currentTime":"2026-11-22T10:00:02.000Z"}]
    "#]],
    );
    tolerant(
        &station("AEFA", &[broken, after]),
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        1 record message from [2,"1","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[{"value":"7"}]}]}]
        1 record Quarantined changed MeterValues by aefa-home 1; #38 repaired "transactionId": -> ; #54 repaired , -> 
        1 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        1 record message to [3,"1",{}]
        1 a < [3,"1",{}]
        2 a < [3,"2",{"currentTime":"2026-11-22T10:00:02.000Z"}]
        2 record message from [2,"2","Heartbeat",{}]
        2 record message to [3,"2",{"currentTime":"2026-11-22T10:00:02.000Z"}]
    "#]],
    );
}

#[test]
fn quirk_02_an_array_that_begins_with_a_comma() {
    let broken = r#"[2,"1","MeterValues",{"connectorId":1,"meterValue":[,{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[{"value":"7"}]}]}]"#;
    tolerant(
        &station("ACME", &[broken]),
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        1 record message from [2,"1","MeterValues",{"connectorId":1,"meterValue":[,{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[{"value":"7"}]}]}]
        1 record Quarantined refused MeterValues; FormatViolation /meterValue/0: byte 31 of the payload is ',', expected an object
        1 record message to [4,"1","FormationViolation","/meterValue/0: byte 31 of the payload is ',', expected an object",{}]
        1 a < [4,"1","FormationViolation","/meterValue/0: byte 31 of the payload is ',', expected an object",{}]
    "#]],
    );
    tolerant(
        &station("ZJ BENY", &[broken]),
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        1 record message from [2,"1","MeterValues",{"connectorId":1,"meterValue":[,{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[{"value":"7"}]}]}]
        1 record Quarantined changed MeterValues by zj-beny 1; #52 repaired , -> 
        1 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        1 record message to [3,"1",{}]
        1 a < [3,"1",{}]
    "#]],
    );
    // Under the strict policy nothing is put right.
    check(
        QuirkPolicy::Strict,
        "",
        &station("ZJ BENY", &[broken]),
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
            1 record message from [2,"1","MeterValues",{"connectorId":1,"meterValue":[,{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[{"value":"7"}]}]}]
            1 record Quarantined refused MeterValues by zj-beny 1; FormatViolation /meterValue/0: byte 31 of the payload is ',', expected an object
            1 record message to [4,"1","FormationViolation","/meterValue/0: byte 31 of the payload is ',', expected an object",{}]
            1 a < [4,"1","FormationViolation","/meterValue/0: byte 31 of the payload is ',', expected an object",{}]
        "#]],
    );
}

#[test]
fn quirk_03_04_05_meter_values_of_other_shapes() {
    let messages = [
        r#"[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[]}]}]"#,
        r#"[2,"2","MeterValues",{"connectorId":1,"meterValue":{"timestamp":"2026-11-22T10:00:02Z","sampledValue":[{"value":"7"}]}}]"#,
        r#"[2,"3","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:03Z","sampledValue":[{"value":7}]}]}]"#,
    ];
    tolerant(
        &station("ACME", &messages),
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        1 record message from [2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[]}]}]
        1 record MeterValues rows 1 readings 0 samples 0 offline false conflict false
        1 record message to [3,"1",{}]
        1 a < [3,"1",{}]
        2 record message from [2,"2","MeterValues",{"connectorId":1,"meterValue":{"timestamp":"2026-11-22T10:00:02Z","sampledValue":[{"value":"7"}]}}]
        2 record Quarantined changed MeterValues; /meterValue object_for_array {"timestamp":"2026-11-22T10:00:02Z","sampledValue":[{"value":"7"}]} -> [{"timestamp":"2026-11-22T10:00:02Z","sampledValue":[{"value":"7"}]}]
        2 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        2 record message to [3,"2",{}]
        2 a < [3,"2",{}]
        3 record message from [2,"3","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:03Z","sampledValue":[{"value":7}]}]}]
        3 record Quarantined changed MeterValues; /meterValue/0/sampledValue/0/value type_coerced 7 -> "7"
        3 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        3 record message to [3,"3",{}]
        3 a < [3,"3",{}]
    "#]],
    );
}

#[test]
fn quirk_06_07_08_units_and_contexts_that_there_are_not() {
    let messages = [
        r#"[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[{"value":"50","measurand":"Frequency","unit":"Hz"}]}]}]"#,
        r#"[2,"2","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:02Z","sampledValue":[{"value":"21","measurand":"Temperature","unit":"Celcius"}]}]}]"#,
        r#"[2,"3","StopTransaction",{"transactionId":0,"meterStop":1,"timestamp":"2026-11-22T10:00:03Z","transactionData":[{"timestamp":"2026-11-22T10:00:03Z","sampledValue":[{"value":"21","measurand":"Temperature","unit":"Celsius"}]}]}]"#,
        r#"[2,"4","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:04Z","sampledValue":[{"value":"7","context":"Sample.Odd"}]}]}]"#,
    ];
    tolerant(
        &station("ACME", &messages),
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        1 record message from [2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[{"value":"50","measurand":"Frequency","unit":"Hz"}]}]}]
        1 record Quarantined changed MeterValues; /meterValue/0/sampledValue/0/unit unknown_word "Hz" -> "Hz"
        1 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        1 record message to [3,"1",{}]
        1 a < [3,"1",{}]
        2 record message from [2,"2","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:02Z","sampledValue":[{"value":"21","measurand":"Temperature","unit":"Celcius"}]}]}]
        2 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        2 record message to [3,"2",{}]
        2 a < [3,"2",{}]
        3 record message from [2,"3","StopTransaction",{"transactionId":0,"meterStop":1,"timestamp":"2026-11-22T10:00:03Z","transactionData":[{"timestamp":"2026-11-22T10:00:03Z","sampledValue":[{"value":"21","measurand":"Temperature","unit":"Celsius"}]}]}]
        3 record TransactionEvent kind 3 gap 0 offline false conflict false state 3
        3 record MeterValues rows 2 readings 2 samples 0 offline false conflict false
        3 record message to [3,"3",{}]
        3 a < [3,"3",{}]
        4 record message from [2,"4","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:04Z","sampledValue":[{"value":"7","context":"Sample.Odd"}]}]}]
        4 record Quarantined changed MeterValues; /meterValue/0/sampledValue/0/context unknown_word "Sample.Odd" -> "Sample.Odd"
        4 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        4 record message to [3,"4",{}]
        4 a < [3,"4",{}]
    "#]],
    );
}

#[test]
fn quirk_08_a_whole_history_on_the_first_connection() {
    // More than a station may have unanswered: it is read no faster than the disk takes it, and all of it is answered.
    let mut script = format!("0 a connect CP1\n0 a > {BOOT}\n0 disk holds\n");
    for n in 0..60 {
        script += &format!(
            r#"1 a > [2,"{n}","StatusNotification",{{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"2026-11-21T{:02}:{:02}:00Z"}}]"#,
            n / 60 + 8,
            n % 60
        );
        script.push('\n');
    }
    let mut charger = super::Charger::new(QuirkPolicy::Tolerant, "");
    let held = charger.world.run(&script);
    assert_eq!(held.matches("[3,").count(), 1, "{held}");
    let answers = charger.world.run("2 disk goes\n3 wait");
    let ids: Vec<u32> = answers
        .lines()
        .filter_map(|line| line.split_once("[3,\"")?.1.split_once('"')?.0.parse().ok())
        .collect();
    assert_eq!(ids, (0..60).collect::<Vec<_>>(), "{answers}");
}

#[test]
fn quirk_11_12_13_texts_that_are_empty_long_or_unknown() {
    let long = "x".repeat(60);
    let status = |rest: &str| {
        format!(
            r#"[2,"s","StatusNotification",{{"connectorId":1,"status":"Available","timestamp":"2026-11-22T10:00:01Z",{rest}}}]"#
        )
    };
    let long = status(&format!(r#""errorCode":"NoError","info":"{long}""#));
    let unknown = status(r#""errorCode":"Error","vendorId":"""#);
    let messages = [long.as_str(), &unknown];
    tolerant(
        &station("", &messages),
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        1 record message from [2,"s","StatusNotification",{"connectorId":1,"status":"Available","timestamp":"2026-11-22T10:00:01Z","errorCode":"NoError","info":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}]
        1 record Quarantined changed StatusNotification; /info over_long "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" -> "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        1 record StatusReported 1.1 Available live true conflict false
        1 record message to [3,"s",{}]
        1 a < [3,"s",{}]
        2 record message from [2,"s","StatusNotification",{"connectorId":1,"status":"Available","timestamp":"2026-11-22T10:00:01Z","errorCode":"Error","vendorId":""}]
        2 record Quarantined changed StatusNotification; /errorCode unknown_word "Error" -> "Error"
        2 record StatusReported 1.1 Available live false conflict true
        2 record message to [3,"s",{}]
        2 a < [3,"s",{}]
    "#]],
    );
}

#[test]
fn quirk_14_a_null_payload() {
    tolerant(
        &station("ACME", &[r#"[2,"1","Heartbeat",null]"#]),
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
            1 a < [3,"1",{"currentTime":"2026-11-22T10:00:01.000Z"}]
            1 record message from [2,"1","Heartbeat",null]
            1 record Quarantined changed Heartbeat;  null_payload null -> {}
            1 record message to [3,"1",{"currentTime":"2026-11-22T10:00:01.000Z"}]
        "#]],
    );
}

#[test]
fn quirk_15_16_17_transactions_that_nobody_knows() {
    let messages = [
        r#"[2,"1","StopTransaction",{"transactionId":-1,"meterStop":900,"timestamp":"2026-11-22T10:00:01Z"}]"#,
        r#"[2,"2","StopTransaction",{"transactionId":0,"meterStop":900,"timestamp":"2026-11-22T10:00:02Z"}]"#,
        r#"[2,"3","MeterValues",{"connectorId":1,"transactionId":9223372036854775807,"meterValue":[{"timestamp":"2026-11-22T10:00:03Z","sampledValue":[{"value":"7"}]}]}]"#,
        r#"[2,"4","MeterValues",{"connectorId":1,"transactionId":-9223372036854775808,"meterValue":[{"timestamp":"2026-11-22T10:00:04Z","sampledValue":[{"value":"7"}]}]}]"#,
        r#"[2,"5","StopTransaction",{"transactionId":-1,"meterStop":900,"timestamp":"2026-11-22T10:00:01Z"}]"#,
        r#"[2,"6","MeterValues",{"connectorId":1,"transactionId":-1,"meterValue":[{"timestamp":"2026-11-22T10:00:06Z","sampledValue":[{"value":"950"}]}]}]"#,
    ];
    let script = station("ACME", &messages) + "9 op transactions CP1";
    tolerant(
        &script,
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        1 record message from [2,"1","StopTransaction",{"transactionId":-1,"meterStop":900,"timestamp":"2026-11-22T10:00:01Z"}]
        1 record TransactionEvent kind 3 gap 0 offline false conflict false state 3
        1 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        1 record message to [3,"1",{}]
        1 a < [3,"1",{}]
        2 record message from [2,"2","StopTransaction",{"transactionId":0,"meterStop":900,"timestamp":"2026-11-22T10:00:02Z"}]
        2 record TransactionEvent kind 3 gap 0 offline false conflict false state 3
        2 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        2 record message to [3,"2",{}]
        2 a < [3,"2",{}]
        3 record message from [2,"3","MeterValues",{"connectorId":1,"transactionId":9223372036854775807,"meterValue":[{"timestamp":"2026-11-22T10:00:03Z","sampledValue":[{"value":"7"}]}]}]
        3 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        3 record message to [3,"3",{}]
        3 a < [3,"3",{}]
        4 record message from [2,"4","MeterValues",{"connectorId":1,"transactionId":-9223372036854775808,"meterValue":[{"timestamp":"2026-11-22T10:00:04Z","sampledValue":[{"value":"7"}]}]}]
        4 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        4 record message to [3,"4",{}]
        4 a < [3,"4",{}]
        5 record message from [2,"5","StopTransaction",{"transactionId":-1,"meterStop":900,"timestamp":"2026-11-22T10:00:01Z"}]
        5 record message to [3,"5",{}]
        5 a < [3,"5",{}]
        6 record message from [2,"6","MeterValues",{"connectorId":1,"transactionId":-1,"meterValue":[{"timestamp":"2026-11-22T10:00:06Z","sampledValue":[{"value":"950"}]}]}]
        6 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        6 record message to [3,"6",{}]
        6 a < [3,"6",{}]
        9 transaction -1 on 0.0: orphan estimated ? kWh - Local
        9 transaction 0 on 0.0: orphan estimated ? kWh - Local
    "#]],
    );
}

/// What still names a transaction that was stopped is answered; the transaction stays as its end left it, and no other begins.
#[test]
fn quirk_17_the_id_of_a_stopped_transaction() {
    let mut charger = super::Charger::new(QuirkPolicy::Tolerant, "");
    let answers = charger.world.run(&format!(
        r#"
        0 a connect CP1
        0 a > {}
        1 a > [2,"1","StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":1000,"timestamp":"2026-11-22T10:00:01Z"}}]
        "#,
        boot("ACME")
    ));
    let id = answers.split("\"transactionId\":").nth(1).unwrap();
    let id = id.split('}').next().unwrap();
    let seen = charger.world.run(&format!(
        r#"
        60 a > [2,"2","StopTransaction",{{"transactionId":{id},"meterStop":3000,"timestamp":"2026-11-22T10:01:00Z"}}]
        61 op transactions CP1
        61 records shown
        70 a > [2,"3","MeterValues",{{"connectorId":1,"transactionId":{id},"meterValue":[{{"timestamp":"2026-11-22T10:01:10Z","sampledValue":[{{"value":"9000"}}]}}]}}]
        71 a > [2,"4","StopTransaction",{{"transactionId":{id},"meterStop":9000,"timestamp":"2026-11-22T10:01:11Z"}}]
        72 op transactions CP1
        73 op money CP1
        "#
    ));
    expect![[r#"
        60 a < [3,"2",{}]
        61 transaction ID on 1.1: ended ok 2 kWh 1.50 Local
        70 record message from [2,"3","MeterValues",{"connectorId":1,"transactionId":1732842523,"meterValue":[{"timestamp":"2026-11-22T10:01:10Z","sampledValue":[{"value":"9000"}]}]}]
        70 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        70 record message to [3,"3",{}]
        70 a < [3,"3",{}]
        71 record message from [2,"4","StopTransaction",{"transactionId":1732842523,"meterStop":9000,"timestamp":"2026-11-22T10:01:11Z"}]
        71 record SecurityEvent Sigec.RetryConflict an event of transaction 01a202b2-c8e8-756e-ab2f-2632d7bd03fb came again with other values
        71 record MeterValues rows 1 readings 1 samples 0 offline false conflict true
        71 record TransactionEvent kind 3 gap 0 offline false conflict true state 2
        71 record message to [3,"4",{}]
        71 a < [3,"4",{}]
        72 transaction ID on 1.1: ended ok 2 kWh 1.50 Local
        73 cost 1.50 BRL ended
    "#]]
    .assert_eq(&seen);
}

#[test]
fn quirk_18_19_a_start_said_again() {
    let start = |id: &str| {
        format!(
            r#"[2,"{id}","StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":5,"timestamp":"2026-11-22T10:00:01Z"}}]"#
        )
    };
    let (first, second, again) = (start("1"), start("2"), start("2"));
    tolerant(
        &station("ACME", &[&first, &second, &again]),
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        1 record message from [2,"1","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":5,"timestamp":"2026-11-22T10:00:01Z"}]
        1 record TransactionEvent kind 1 gap 0 offline false conflict false state 1
        1 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        1 record message to [3,"1",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
        1 a < [3,"1",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
        2 record message from [2,"2","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":5,"timestamp":"2026-11-22T10:00:01Z"}]
        2 record message to [3,"2",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
        2 a < [3,"2",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
        3 record message from [2,"2","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":5,"timestamp":"2026-11-22T10:00:01Z"}]
        3 record message to [3,"2",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
        3 a < [3,"2",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
    "#]],
    );
}

#[test]
fn quirk_20_no_subprotocol_or_a_list() {
    let list = r"0 b raw GET /CP2 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp1.6, ocpp1.5\r\n\r\n";
    let older = r"0 c raw GET /GRIZZL-2 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp1.5\r\n\r\n";
    let script = format!(
        "0 a connect CP1 none\n{list}\n{older}\n1 d connect GRIZZL-1 none\n2 d > {}",
        boot("United Chargers Inc.")
    );
    let profile = r#"
        [[profile]]
        id = "grizzl-e"
        revision = 2
        identity = "grizzl-*"
        default_version = "1.6"
    "#;
    check(
        QuirkPolicy::Tolerant,
        profile,
        &script,
        expect![[r#"
        0 a < 101 Switching Protocols
        0 a < close 1002 no common subprotocol, offered here: ocpp2.1, ocpp2.0.1, ocpp1.6
        0 a ended
        0 b < 101 Switching Protocols ocpp1.6
        0 c < 101 Switching Protocols
        0 c < close 1002 no common subprotocol, offered here: ocpp2.1, ocpp2.0.1, ocpp1.6
        0 c ended
        1 d < 101 Switching Protocols
        2 d < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:02.000Z","interval":300}]
    "#]],
    );
}

#[test]
fn quirk_21_another_version_on_another_connection() {
    let script = r#"
        0 a connect CP1 1.6
        1 a > [2,"1","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]
        2 b connect CP1 2.0.1
        3 b > [2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"vendorName":"v","model":"m"}}]
        4 b > [2,"2","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]
        5 c connect CP1 1.6
        6 c > [2,"1","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]
    "#;
    tolerant(
        script,
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        1 a < [3,"1",{"status":"Accepted","currentTime":"2026-11-22T10:00:01.000Z","interval":300}]
        2 a < close 1008 replaced by a newer connection
        2 a ended
        2 b < 101 Switching Protocols ocpp2.0.1
        3 b < [3,"1",{"currentTime":"2026-11-22T10:00:03.000Z","interval":300,"status":"Accepted"}]
        4 b < [4,"2","FormatViolation","/chargePointVendor: not a property here",{}]
        5 b < close 1008 replaced by a newer connection
        5 b ended
        5 c < 101 Switching Protocols ocpp1.6
        6 c < [3,"1",{"status":"Accepted","currentTime":"2026-11-22T10:00:06.000Z","interval":300}]
    "#]],
    );
}

#[test]
fn quirk_22_pings_that_are_not_answered() {
    let script = |vendor: &str| {
        format!(
            "0 a connect CP1\n0 a > {}\n0 a mute\n140 a > [2,\"1\",\"Heartbeat\",{{}}]\n\
             280 a > [2,\"2\",\"Heartbeat\",{{}}]\n500 wait\n2000 wait",
            boot(vendor)
        )
    };
    tolerant(
        &script("ACME"),
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        45 a < ping
        140 a < [3,"1",{"currentTime":"2026-11-22T10:02:20.000Z"}]
        185 a < ping
        280 a < [3,"2",{"currentTime":"2026-11-22T10:04:40.000Z"}]
        325 a < ping
        430 a ended
    "#]],
    );
    tolerant(
        &script("EN Plustech"),
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        140 a < [3,"1",{"currentTime":"2026-11-22T10:02:20.000Z"}]
        280 a < [3,"2",{"currentTime":"2026-11-22T10:04:40.000Z"}]
        1180 a ended
    "#]],
    );
}

#[test]
fn quirk_23_24_frames_in_pieces_and_compressed_ones() {
    let masked = |first: u8, text: &str| {
        let bytes: Vec<String> = [first, 0x80 | text.len() as u8, 0, 0, 0, 0]
            .into_iter()
            .chain(text.bytes())
            .map(|byte| format!("{byte:02x}"))
            .collect();
        bytes.join(" ")
    };
    let (begin, end) = (
        masked(0x01, r#"[2,"1","Heart"#),
        masked(0x80, r#"beat",{}]"#),
    );
    let compressed = masked(0xc1, "xx");
    let script = format!(
        "0 a connect CP1\n0 a > {BOOT}\n1 a bytes {begin}\n2 a bytes {end}\n3 a bytes {compressed}"
    );
    tolerant(
        &script,
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        2 a < [3,"1",{"currentTime":"2026-11-22T10:00:02.000Z"}]
        3 a < close 1002 reserved bits 0b100 are set and no extension was agreed
        3 a ended
    "#]],
    );
}

#[test]
fn quirk_25_the_endpoint_again_in_the_path() {
    let script = r"
        0 a raw GET //ocpp//ws%3A//CP1/ HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n
        1 op station CP1
    ";
    tolerant(
        script,
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        1 station CP1: accepted online Unavailable  0 []
    "#]],
    );
}

/// 2.x sends the password as UTF-8 whatever its letters: bytes are compared. Its length is counted in characters.
#[test]
fn quirk_26_a_password_beyond_ascii() {
    const PASSWORD: &str = "ação-é-über-ß-16";
    const NEW: &str = "nação-ü-0123456789";
    assert_eq!(PASSWORD.chars().count(), 16);
    let set = |text: &str| {
        format!(
            r#"SetVariables {{"setVariableData":[{{"attributeValue":"{text}","component":{{"name":"SecurityCtrlr"}},"variable":{{"name":"BasicAuthPassword"}}}}]}}"#
        )
    };
    // As JSON may write it too.
    let escaped: String = NEW
        .chars()
        .map(|c| match c.is_ascii() {
            true => c.to_string(),
            false => format!("\\u{:04x}", u32::from(c)),
        })
        .collect();
    for version in ["2.0.1", "2.1"] {
        let mut world = World::new(config(Onboarding::Closed));
        world.run(&format!("0 op register CP1 {PASSWORD}"));
        let mut is_in = |at: u32, password: &[u8]| {
            let pair = [b"CP1:", password].concat();
            let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
            let seen = world.run(&format!(
                r"{at} a raw GET /CP1 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp{version}\r\nAuthorization: Basic {encoded}\r\n\r\n"
            ));
            assert!(seen.contains(" 101 ") || seen.contains(" 401 "), "{seen}");
            seen.contains(" 101 ")
        };
        let latin_1 =
            |text: &str| -> Vec<u8> { text.chars().map(|c| u8::try_from(c).unwrap()).collect() };
        assert!(!is_in(1, &latin_1(PASSWORD)), "{version}");
        assert!(!is_in(2, PASSWORD.to_uppercase().as_bytes()), "{version}");
        assert!(is_in(3, PASSWORD.as_bytes()), "{version}");
        world.run(&format!(
            r#"4 op command CP1 {}
            5 a answers {{"setVariableResult":[{{"attributeStatus":"Accepted","component":{{"name":"SecurityCtrlr"}},"variable":{{"name":"BasicAuthPassword"}}}}]}}
            6 a drops"#,
            set(&escaped)
        ));
        let mut is_in = |at: u32, password: &str| {
            let seen = world.run(&format!("{at} b connect CP1 {version} password={password}"));
            seen.contains(" 101 ")
        };
        assert!(!is_in(7, PASSWORD), "{version}");
        assert!(is_in(8, NEW), "{version}");
    }
}

#[test]
fn quirk_27_an_answer_that_comes_too_soon() {
    let script = format!(
        r#"
        0 a connect CP1
        0 a > {}
        1 a > [2,"1","StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":5,"timestamp":"2026-11-22T10:00:01Z"}}]
        1.2 a > [2,"2","Heartbeat",{{}}]
        1.5 a > [2,"3","StatusNotification",{{"connectorId":1,"errorCode":"NoError","status":"Charging"}}]
        1.9 wait
        2.5 a > [2,"4","StatusNotification",{{"connectorId":1,"errorCode":"NoError","status":"Finishing"}}]
        "#,
        boot("Free2Move eSolutions")
    );
    tolerant(
        &script,
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        2 a < [3,"1",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
        2 a < [3,"2",{"currentTime":"2026-11-22T10:00:01.200Z"}]
        2 a < [3,"3",{}]
        2.5 a < [3,"4",{}]
    "#]],
    );
}

#[test]
fn quirk_28_configuration_in_other_types() {
    let script = format!(
        r#"
        0 a connect CP1
        0 a > {BOOT}
        1 op command CP1 wait GetConfiguration {{}}
        2 a answers {{"configurationKey":[{{"key":"HeartbeatInterval","readonly":0,"value":300}},{{"key":"Odd","readonly":"true","value":true}}]}}
        "#
    );
    tolerant(
        &script,
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","GetConfiguration",{}]
        2 op command GetConfiguration: Answered Some("{\"configurationKey\":[{\"key\":\"HeartbeatInterval\",\"readonly\":0,\"value\":300},{\"key\":\"Odd\",\"readonly\":\"true\",\"value\":true}]}") None
    "#]],
    );
}

#[test]
fn quirk_29_no_boot_after_a_reconnect() {
    let script = format!(
        r#"
        0 a connect CP1
        0 a > {BOOT}
        1 a drops
        2 b connect CP1
        3 b > [2,"1","StatusNotification",{{"connectorId":1,"errorCode":"NoError","status":"Preparing"}}]
        4 b > [2,"2","StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":5,"timestamp":"2026-11-22T10:00:04Z"}}]
        5 b > {BOOT}
        "#
    );
    tolerant(
        &script,
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        2 b < 101 Switching Protocols ocpp1.6
        3 b < [3,"1",{}]
        4 b < [3,"2",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
        5 b < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:05.000Z","interval":300}]
    "#]],
    );
}

#[test]
fn quirk_30_meter_values_that_never_come() {
    let script = format!(
        r#"
        0 a connect CP1
        0 a > {}
        1 a > [2,"1","StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":5,"timestamp":"2026-11-22T10:00:01Z"}}]
        1 records shown
        100 a > [2,"h1","Heartbeat",{{}}]
        "#,
        boot("Wall Box Chargers")
    );
    let mut charger = super::Charger::new(QuirkPolicy::Tolerant, "");
    let answers = charger.world.run(&script);
    let id = answers.split("\"transactionId\":").nth(1).unwrap();
    let id = id.split('}').next().unwrap();
    charger.world.run(&format!(
        r#"200 a > [2,"2","MeterValues",{{"connectorId":1,"transactionId":{id},"meterValue":[{{"timestamp":"2026-11-22T10:03:20Z","sampledValue":[{{"value":"7"}}]}}]}}]"#
    ));
    let mut silence = String::new();
    // Heartbeats alone, for two hours.
    for at in (300..7_200).step_by(100) {
        silence += &format!("{at} a > [2,\"h{at}\",\"Heartbeat\",{{}}]\n");
    }
    let seen = charger.world.run(&silence);
    let alerts: Vec<_> = seen
        .lines()
        .filter(|l| l.contains("SecurityEvent"))
        .collect();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert!(
        alerts[0].starts_with("2000 ") && alerts[0].contains("Sigec.MeterValuesMissing"),
        "{alerts:?}"
    );
}

#[test]
fn quirk_31_a_payload_without_its_braces() {
    let broken = r#"[2,"1","StatusNotification","connectorId":1,"errorCode":"NoError","status":"Available"]"#;
    tolerant(
        &station("ACME", &[broken]),
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        1 record message from [2,"1","StatusNotification","connectorId":1,"errorCode":"NoError","status":"Available"]
        1 record Quarantined refused StatusNotification; FormatViolation byte 13 of the payload is ':', expected ',' or the end of the value around it
        1 record message to [4,"1","FormationViolation","byte 13 of the payload is ':', expected ',' or the end of the value around it",{}]
        1 a < [4,"1","FormationViolation","byte 13 of the payload is ':', expected ',' or the end of the value around it",{}]
    "#]],
    );
    tolerant(
        &station("OpenEVSE", &[broken]),
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        1 record message from [2,"1","StatusNotification","connectorId":1,"errorCode":"NoError","status":"Available"]
        1 record Quarantined changed StatusNotification by openevse 1; #28 repaired  -> {; #86 repaired  -> }
        1 record StatusReported 1.1 Available live true conflict false
        1 record message to [3,"1",{}]
        1 a < [3,"1",{}]
    "#]],
    );
}

#[test]
fn quirk_32_pings_inside_the_limits_of_nat() {
    let script = |vendor: &str| {
        format!(
            "0 a connect CP1\n0 a > {}\n0 a mute\n100 wait",
            boot(vendor)
        )
    };
    tolerant(
        &script("ACME"),
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        45 a < ping
    "#]],
    );
    tolerant(
        &script("Morek"),
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:00.000Z","interval":300}]
        30 a < ping
    "#]],
    );
}
