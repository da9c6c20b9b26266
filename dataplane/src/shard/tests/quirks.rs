//! Chargers as they are: profiles, what is kept aside of messages that stray, and what is read again.

mod clocks;
mod faults;
mod numbered;

use std::fmt::Write;
use std::path::PathBuf;

use expect_test::{Expect, expect};
use fleet::record::{MessageQuarantined, Protocol, QuarantineOutcome};
use fleet::wire::Fact;
use fleet::{EventId, Seq};

use super::world::{World, config};
use crate::config::{Config, Onboarding};
use crate::quirks::{QuirkPolicy, QuirksConfig};
use crate::router::Ask;
use crate::router::quarantine::QuarantineReplay;

/// One line for a message that was kept aside.
pub(super) fn shown(kept: &MessageQuarantined) -> String {
    let outcome = QuarantineOutcome::from_code(kept.outcome).unwrap();
    let mut line = format!("Quarantined {outcome} {}", kept.action);
    if kept.profile_revision != 0 {
        write!(line, " by {} {}", kept.profile_id, kept.profile_revision).unwrap();
    }
    for change in &kept.changes {
        let (pointer, quirk) = (&change.pointer, &change.quirk);
        write!(
            line,
            "; {pointer} {quirk} {} -> {}",
            change.found, change.taken
        )
        .unwrap();
    }
    if !kept.reason.is_empty() {
        write!(line, "; {} {}", kept.error_code, kept.reason).unwrap();
    }
    if kept.passed_by != 0 {
        write!(line, "; passed by {}", kept.passed_by).unwrap();
    }
    line
}

/// `replay IDENTITY`: reads again what was refused last.
pub(super) fn replay(world: &mut World, identity: &str) {
    let station = super::world::key(identity);
    let found = world.log.iter().enumerate().rev().find_map(|(at, bytes)| {
        let record = fleet::wire::read(bytes).unwrap();
        let refused = QuarantineOutcome::Refused.code();
        match record.body.to_fact().unwrap() {
            Fact::MessageQuarantined(kept) if kept.outcome == refused => Some((
                EventId {
                    log_id: world.shard.journal.log_id(),
                    seq: Seq(at as u64 + 1),
                },
                kept,
                record.received_at,
            )),
            _ => None,
        }
    });
    let (event, kept, received_at) = found.expect("something was refused");
    let request = QuarantineReplay {
        station,
        event,
        protocol: Protocol::from_code(kept.protocol).unwrap(),
        raw: kept.raw,
        received_at,
    };
    world.ask("replay", |reply| Ask::Replay { request, reply });
}

/// A world with these profiles beside the built-in ones.
struct Charger {
    world: World,
    dir: tempfile::TempDir,
}

impl Charger {
    fn new(policy: QuirkPolicy, profiles: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            onboarding: Onboarding::Open,
            quirks: QuirksConfig {
                policy,
                path: Some(dir.path().to_owned()),
                ..QuirksConfig::default()
            },
            ..Config::default()
        };
        std::fs::write(file(&dir), with_format(profiles)).unwrap();
        Self {
            world: World::new(config),
            dir,
        }
    }

    fn rewrite(&mut self, profiles: &str) {
        std::fs::write(file(&self.dir), with_format(profiles)).unwrap();
        self.world.reload_quirks();
    }
}

fn file(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("mine.toml")
}

fn with_format(profiles: &str) -> String {
    format!("format = 1\n{profiles}")
}

/// A script against a server with the built-in profiles and nothing else.
fn tolerant(script: &str, expected: Expect) {
    check(QuirkPolicy::Tolerant, "", script, expected);
}

fn check(policy: QuirkPolicy, profiles: &str, script: &str, expected: Expect) {
    expected.assert_eq(&Charger::new(policy, profiles).world.run(script));
}

const BOOT: &str = r#"[2,"b","BootNotification",{"chargePointVendor":"ACME","chargePointModel":"One","firmwareVersion":"1.0"}]"#;

#[test]
fn a_profile_says_how_far_a_station_may_stray_and_what_was_changed_is_kept() {
    let profile = r#"
        [[profile]]
        id = "acme"
        revision = 3
        vendor = "acme"
        coerce = ["type_coerced"]
    "#;
    let script = format!(
        r#"
        0 a connect CP1
        1 a > {BOOT}
        1 records shown
        2 a > [2,"1","MeterValues",{{"connectorId":1,"meterValue":[{{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{{"value":1.5}}]}}]}}]
        3 a > [2,"2","MeterValues",{{"connectorId":1,"meterValue":{{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[]}}}}]
        "#
    );
    check(
        QuirkPolicy::Profile,
        profile,
        &script,
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        1 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:01.000Z","interval":300}]
        2 record message from [2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":1.5}]}]}]
        2 record Quarantined changed MeterValues by acme 3; /meterValue/0/sampledValue/0/value type_coerced 1.5 -> "1.5"
        2 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        2 record message to [3,"1",{}]
        2 a < [3,"1",{}]
        3 record message from [2,"2","MeterValues",{"connectorId":1,"meterValue":{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[]}}]
        3 record Quarantined refused MeterValues by acme 3; TypeConstraintViolation /meterValue: found an object, expected an array
        3 record message to [4,"2","TypeConstraintViolation","/meterValue: found an object, expected an array",{}]
        3 a < [4,"2","TypeConstraintViolation","/meterValue: found an object, expected an array",{}]
    "#]],
    );
    check(
        QuirkPolicy::Strict,
        profile,
        &script,
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        1 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:01.000Z","interval":300}]
        2 record message from [2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":1.5}]}]}]
        2 record Quarantined refused MeterValues by acme 3; TypeConstraintViolation /meterValue/0/sampledValue/0/value: found a number, expected a string
        2 record message to [4,"1","TypeConstraintViolation","/meterValue/0/sampledValue/0/value: found a number, expected a string",{}]
        2 a < [4,"1","TypeConstraintViolation","/meterValue/0/sampledValue/0/value: found a number, expected a string",{}]
        3 record message from [2,"2","MeterValues",{"connectorId":1,"meterValue":{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[]}}]
        3 record Quarantined refused MeterValues by acme 3; TypeConstraintViolation /meterValue: found an object, expected an array
        3 record message to [4,"2","TypeConstraintViolation","/meterValue: found an object, expected an array",{}]
        3 a < [4,"2","TypeConstraintViolation","/meterValue: found an object, expected an array",{}]
    "#]],
    );
    check(
        QuirkPolicy::Tolerant,
        profile,
        &script,
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        1 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:01.000Z","interval":300}]
        2 record message from [2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":1.5}]}]}]
        2 record Quarantined changed MeterValues by acme 3; /meterValue/0/sampledValue/0/value type_coerced 1.5 -> "1.5"
        2 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        2 record message to [3,"1",{}]
        2 a < [3,"1",{}]
        3 record message from [2,"2","MeterValues",{"connectorId":1,"meterValue":{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[]}}]
        3 record Quarantined changed MeterValues by acme 3; /meterValue object_for_array {"timestamp":"2026-11-22T10:00:01Z","sampledValue":[]} -> [{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[]}]
        3 record MeterValues rows 1 readings 0 samples 0 offline false conflict false
        3 record message to [3,"2",{}]
        3 a < [3,"2",{}]
    "#]],
    );
}

#[test]
fn what_is_kept_aside_is_bounded_per_hour_and_the_rest_is_counted() {
    let mut charger = Charger::new(QuirkPolicy::Tolerant, "");
    charger.world.run(&format!("0 a connect CP1\n0 a > {BOOT}"));
    let status = |n: u32, word: &str| {
        format!(
            r#"{n} a > [2,"s{n}","StatusNotification",{{"connectorId":1,"errorCode":"{word}","status":"Available","timestamp":"2026-11-22T10:00:{:02}Z"}}]"#,
            n % 60
        )
    };
    let script: Vec<_> = (1..=100).map(|n| status(n, "Odd")).collect();
    charger.world.run(&script.join("\n"));
    assert_eq!(kept(&charger.world).len(), 60);
    // What is refused has room of its own.
    let answer = charger
        .world
        .run("100 a > [2,\"x\",\"StatusNotification\",{}]");
    assert!(answer.contains("OccurenceConstraintViolation"), "{answer}");
    assert_eq!(kept(&charger.world).len(), 61);
    assert_eq!(kept(&charger.world)[60].passed_by, 40);
    assert_eq!(charger.world.shard.tally.counters.quarantine_passed_by, 40);
    charger.world.run(&status(3_700, "Odd"));
    assert_eq!(kept(&charger.world).len(), 62);
    assert_eq!(kept(&charger.world)[61].passed_by, 0, "said once");
}

fn kept(world: &World) -> Vec<MessageQuarantined> {
    let records = world
        .log
        .iter()
        .map(|bytes| fleet::wire::read(bytes).unwrap());
    let facts = records.map(|record| record.body.to_fact().unwrap());
    facts
        .filter_map(|fact| match fact {
            Fact::MessageQuarantined(kept) => Some(kept),
            _ => None,
        })
        .collect()
}

#[test]
fn a_boot_is_read_by_the_profile_that_it_names_itself() {
    let profile = r#"
        [[profile]]
        id = "acme"
        revision = 1
        vendor = "acme"
        tolerate = ["over_long"]
    "#;
    let boot = |vendor: &str, id: u32| {
        format!(
            r#"{id} a > [2,"{id}","BootNotification",{{"chargePointVendor":"{vendor}","chargePointModel":"a model of more than twenty characters"}}]"#
        )
    };
    let script = [
        "0 a connect CP1".to_owned(),
        boot("other", 1),
        boot("ACME", 2),
        "3 op station CP1".to_owned(),
    ]
    .join("\n");
    check(
        QuirkPolicy::Profile,
        profile,
        &script,
        expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        1 a < [4,"1","PropertyConstraintViolation","/chargePointModel: 38 characters, expected at most 20",{}]
        2 a < [3,"2",{"status":"Accepted","currentTime":"2026-11-22T10:00:02.000Z","interval":300}]
        3 station CP1: accepted online Unavailable ACME 0 []
    "#]],
    );
}

#[test]
fn profiles_are_read_again_without_a_restart() {
    let profile = |revision: u32, coerce: &str| {
        format!(
            "[[profile]]\nid = \"acme\"\nrevision = {revision}\nvendor = \"acme\"\ncoerce = [{coerce}]\n"
        )
    };
    let mut charger = Charger::new(QuirkPolicy::Profile, &profile(1, ""));
    let mut out = charger.world.run(&format!(
        r#"
        0 a connect CP1
        1 a > {BOOT}
        2 a > [2,"1","MeterValues",{{"connectorId":1,"meterValue":[{{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{{"value":1.5}}]}}]}}]
        "#
    ));
    charger.rewrite(&profile(2, "\"type_coerced\""));
    out += &charger.world.run(
        r#"
        3 records shown
        3 a > [2,"2","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:03Z","sampledValue":[{"value":1.5}]}]}]
        "#,
    );
    expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        1 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:01.000Z","interval":300}]
        2 a < [4,"1","TypeConstraintViolation","/meterValue/0/sampledValue/0/value: found a number, expected a string",{}]
        3 record message from [2,"2","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:03Z","sampledValue":[{"value":1.5}]}]}]
        3 record Quarantined changed MeterValues by acme 2; /meterValue/0/sampledValue/0/value type_coerced 1.5 -> "1.5"
        3 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
        3 record message to [3,"2",{}]
        3 a < [3,"2",{}]
    "#]].assert_eq(&out);
}

#[test]
fn what_is_refused_for_its_number_of_samples_is_refused_when_it_is_read_again() {
    let sampled = |value: &str| vec![format!(r#"{{"value":{value}}}"#); 4_097].join(",");
    let row = |value: &str| {
        let sampled = sampled(value);
        format!(r#"[{{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{sampled}]}}]"#)
    };
    let (text, number) = (row(r#""1""#), row("1"));
    let in_2x = [
        format!(r#""MeterValues",{{"evseId":1,"meterValue":{number}}}"#),
        format!(
            r#""TransactionEvent",{{"eventType":"Ended","timestamp":"2026-11-22T10:00:00Z","triggerReason":"Trigger","seqNo":1,"transactionInfo":{{"transactionId":"T1"}},"meterValue":{number}}}"#
        ),
    ];
    let in_16 = [
        format!(r#""MeterValues",{{"connectorId":1,"meterValue":{text}}}"#),
        format!(
            r#""StopTransaction",{{"transactionId":7,"meterStop":1,"timestamp":"2026-11-22T10:00:00Z","transactionData":{text}}}"#
        ),
    ];
    for (version, calls) in [("", in_16), (" 2.0.1", in_2x.clone()), (" 2.1", in_2x)] {
        for call in calls {
            let mut world = World::new(config(Onboarding::Open));
            world.run(&format!("0 a connect CP1{version}"));
            let refused = world.run(&format!("1 a > [2,\"1\",{call}]"));
            assert!(refused.contains("found 4097 sampled values"), "{refused}");
            let records = world.log.len();
            let again = world.run("2 op replay CP1");
            assert_eq!(
                again,
                "2 op replay: Ok(Err(Unreadable(\"OccurrenceConstraintViolation: found 4097 sampled values, expected at most \
                 4096\")))\n"
            );
            assert_eq!(world.log.len(), records, "{version}");
        }
    }
}

#[test]
fn a_message_is_read_again_once_its_profile_reads_it() {
    let profile = |coerce: &str| {
        format!(
            "[[profile]]\nid = \"acme\"\nrevision = 1\nvendor = \"acme\"\ncoerce = [{coerce}]\n"
        )
    };
    let mut charger = Charger::new(QuirkPolicy::Profile, &profile(""));
    let mut out = charger.world.run(&format!(
        r#"
        0 a connect CP1
        1 a > {BOOT}
        2 a > [2,"2","StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":1000,"timestamp":"2026-11-22T10:00:02Z"}}]
        3 a > [2,"1","MeterValues",{{"connectorId":1,"transactionId":1,"meterValue":[{{"timestamp":"2026-11-22T10:00:03Z","sampledValue":[{{"value":1500}}]}}]}}]
        100 op replay CP1
        "#
    ));
    charger.rewrite(&profile("\"type_coerced\""));
    out += &charger.world.run(
        r#"
        7200 records shown
        7200 op replay CP1
        7201 op replay CP1
        7202 restart
        7203 op replay CP1
        "#,
    );
    expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        1 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:01.000Z","interval":300}]
        2 a < [3,"2",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
        3 a < [4,"1","TypeConstraintViolation","/meterValue/0/sampledValue/0/value: found a number, expected a string",{}]
        100 op replay: Ok(Err(Unreadable("TypeConstraintViolation: /meterValue/0/sampledValue/0/value: found a number, expected a string")))
        7200 record MeterValues rows 1 readings 1 samples 0 offline true conflict false
        7200 record Quarantined replayed MeterValues by acme 1; /meterValue/0/sampledValue/0/value type_coerced 1500 -> "1500"
        7200 op replay: Ok(Ok(Applied))
        7201 op replay: Ok(Ok(AppliedBefore))
        7202 a ended
        7202 record Disconnected server stopped
        7203 op replay: Ok(Ok(AppliedBefore))
    "#]].assert_eq(&out);
}

#[test]
fn what_is_read_again_neither_begins_nor_ends_what_runs() {
    let profile = |coerce: &str| {
        format!(
            "[[profile]]\nid = \"acme\"\nrevision = 1\nvendor = \"acme\"\ncoerce = [{coerce}]\n"
        )
    };
    let run = |message: &str| {
        let mut charger = Charger::new(QuirkPolicy::Profile, &profile(""));
        charger.world.run(&format!(
            r#"
            0 a connect CP1 2.0.1
            1 a > [2,"b","BootNotification",{{"reason":"PowerUp","chargingStation":{{"vendorName":"ACME","model":"One"}}}}]
            2 a > [2,"2","TransactionEvent",{{"eventType":"Started","timestamp":"2026-11-22T10:00:02Z","triggerReason":"Authorized","seqNo":0,"transactionInfo":{{"transactionId":"t1"}},"evse":{{"id":1,"connectorId":1}}}}]
            3 a > {message}
            "#
        ));
        charger.rewrite(&profile("\"type_coerced\", \"null_optional\""));
        charger
            .world
            .run("100 records shown\n100 op replay CP1\n101 op transactions CP1")
    };
    let event = |kind: &str, id: &str| {
        run(&format!(
            r#"[2,"3","TransactionEvent",{{"eventType":"{kind}","timestamp":"2026-11-22T10:00:03Z","triggerReason":"Trigger","seqNo":1,"offline":0,"transactionInfo":{{"transactionId":"{id}"}}}}]"#
        ))
    };
    let mut out = String::new();
    for (kind, id) in [
        ("Ended", "t1"),
        ("Updated", "t1"),
        ("Started", "t2"),
        ("Updated", "t2"),
        ("Ended", "t2"),
    ] {
        writeln!(out, "{kind} {id}\n{}", event(kind, id)).unwrap();
    }
    out += &run(
        r#"[2,"3","SecurityEventNotification",{"type":"Odd","timestamp":"2026-11-22T10:00:03Z","techInfo":null}]"#,
    );
    out += &run(
        r#"[2,"3","NotifyReport",{"requestId":1,"generatedAt":"2026-11-22T10:00:03Z","seqNo":0,"tbc":0}]"#,
    );
    expect![[r#"
        Ended t1
        100 op replay: Ok(Err(NotApplicable("its transaction runs, and only its station ends it")))
        101 transaction t1 on 1.1: active estimated ? kWh -

        Updated t1
        100 record TransactionEvent kind 2 gap 0 offline true conflict false state 1
        100 record Quarantined replayed TransactionEvent by acme 1; /offline type_coerced 0 -> false
        100 op replay: Ok(Ok(Applied))
        101 transaction t1 on 1.1: active estimated ? kWh -

        Started t2
        100 op replay: Ok(Err(NotApplicable("it begins a transaction, which its station would have to hear of")))
        101 transaction t1 on 1.1: active estimated ? kWh -

        Updated t2
        100 op replay: Ok(Err(NotApplicable("nobody knows its transaction, and it does not end it")))
        101 transaction t1 on 1.1: active estimated ? kWh -

        Ended t2
        100 record TransactionProgress missing ["0-0"] told false
        100 record TransactionEvent kind 3 gap 1 offline true conflict false state 3
        100 record Quarantined replayed TransactionEvent by acme 1; /offline type_coerced 0 -> false
        100 op replay: Ok(Ok(Applied))
        101 transaction t1 on 1.1: active estimated ? kWh -
        101 transaction t2 on 0.0: orphan estimated ? kWh -

        100 record SecurityEvent Odd 
        100 record Quarantined replayed SecurityEventNotification by acme 1; /techInfo null_optional null -> 
        100 op replay: Ok(Ok(Applied))
        101 transaction t1 on 1.1: active estimated ? kWh -
        100 op replay: Ok(Err(NotApplicable("it says nothing of the past: MeterValues, StatusNotification, StopTransaction, TransactionEvent and SecurityEventNotification do")))
        101 transaction t1 on 1.1: active estimated ? kWh -
    "#]].assert_eq(&out);
}

#[test]
fn a_status_that_is_read_again_is_history() {
    let mut charger = Charger::new(QuirkPolicy::Strict, "");
    let mut out = charger.world.run(&format!(
        r#"
        0 a connect CP1
        1 a > {BOOT}
        2 a > [2,"1","StatusNotification",{{"connectorId":1,"errorCode":"Odd","status":"Faulted","timestamp":"2026-11-22T10:00:02Z"}}]
        "#
    ));
    let relaxed = Charger::new(QuirkPolicy::Tolerant, "");
    // The same log under another policy, as after a restart with another configuration.
    charger.world.take_quirks_of(&relaxed.world);
    out += &charger
        .world
        .run("100 records shown\n100 op replay CP1\n101 op station CP1");
    expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        1 a < [3,"b",{"status":"Accepted","currentTime":"2026-11-22T10:00:01.000Z","interval":300}]
        2 a < [4,"1","PropertyConstraintViolation","/errorCode: found \"Odd\", expected one of ConnectorLockFailure, EVCommunicationError, GroundFailure, HighTemperature, InternalError, LocalListConflict, NoError, OtherError, OverCurrentFailure, PowerMeterFailure, PowerSwitchFailure, ReaderFailure, ResetFail",{}]
        100 record StatusReported 1.1 Faulted live false conflict false
        100 record Quarantined replayed StatusNotification; /errorCode unknown_word "Odd" -> "Odd"
        100 op replay: Ok(Ok(Applied))
        101 station CP1: accepted online Unavailable ACME 0 []
    "#]].assert_eq(&out);
}

#[test]
fn an_event_that_is_read_again_says_all_that_it_said_of_cost() {
    let mut charger = Charger::new(QuirkPolicy::Strict, "");
    charger.world.run(
        r#"
        0 a connect CP1 2.1
        1 a > [2,"b","BootNotification",{"reason":"PowerUp","chargingStation":{"vendorName":"ACME","model":"One"}}]
        2 a > [2,"1","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:02Z","triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"t1"},"evse":{"id":1}}]
        3 a > [2,"2","TransactionEvent",{"eventType":"Updated","timestamp":"2026-11-22T10:00:03Z","triggerReason":"RunningCost","seqNo":1,"offline":null,"transactionInfo":{"transactionId":"t1","tariffId":"MSP"},"costDetails":{"totalCost":{"currency":"EUR","typeOfCost":"NormalCost","total":{"exclTax":1}},"totalUsage":{"energy":1,"chargingTime":2,"idleTime":0}}}]
        4 op money CP1
        "#,
    );
    let relaxed = Charger::new(QuirkPolicy::Tolerant, "");
    charger.world.take_quirks_of(&relaxed.world);
    expect![[r#"
        100 op replay: Ok(Ok(Applied))
        101 cost - BRL active
        101 station under "MSP": {"totalCost":{"currency":"EUR","typeOfCost":"NormalCost","total":{"exclTax":1}},"totalUsage":{"energy":1,"chargingTime":2,"idleTime":0}}
    "#]]
    .assert_eq(&charger.world.run("100 op replay CP1\n101 op money CP1"));
}

#[test]
fn an_answer_that_was_held_back_goes_before_those_behind_it() {
    let profile = r#"
        [[profile]]
        id = "acme"
        revision = 1
        vendor = "acme"
        answer_delay_ms = { StatusNotification = 5000 }
    "#;
    let mut charger = Charger::new(QuirkPolicy::Tolerant, profile);
    charger.world.run(&format!(
        r#"
        0 a connect CP1
        1 a > {BOOT}
        2 a > [2,"1","StatusNotification",{{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"2026-11-22T10:00:02Z"}}]
        3 disk holds
        3 a > [2,"2","MeterValues",{{"connectorId":1,"meterValue":[{{"timestamp":"2026-11-22T10:00:03Z","sampledValue":[{{"value":"1"}}]}}]}}]
        "#
    ));
    // The commit ends when the first is due, and before anybody has looked at the clock for it.
    let world = &mut charger.world;
    let mut now = world.now();
    now.mono = now.mono + std::time::Duration::from_secs(4);
    world.shard.committed(now, Seq(world.log.len() as u64));
    world.settle();
    let out = std::mem::take(&mut world.out);
    expect![[r#"
        3 a < [3,"1",{}]
        3 a < [3,"2",{}]
    "#]]
    .assert_eq(&out);
}

const SLOW: &str = r#"
    [[profile]]
    id = "acme"
    revision = 1
    vendor = "acme"
    answer_delay_ms = { StatusNotification = 5000, MeterValues = 1000 }
"#;

/// A status at second 2, and meter values a second later.
const TWO_CALLS: &str = r#"
    2 a > [2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"2026-11-22T10:00:02Z"}]
    3 a > [2,"2","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:03Z","sampledValue":[{"value":"1"}]}]}]
"#;

#[test]
fn a_shorter_delay_overtakes_no_longer_one() {
    let mut charger = Charger::new(QuirkPolicy::Tolerant, SLOW);
    charger.world.run(&format!("0 a connect CP1\n1 a > {BOOT}"));
    expect![[r#"
        7 a < [3,"1",{}]
        7 a < [3,"2",{}]
    "#]]
    .assert_eq(&charger.world.run(&format!("{TWO_CALLS}\n10 wait")));
}

#[test]
fn nothing_is_held_back_when_the_server_goes_down() {
    let mut charger = Charger::new(QuirkPolicy::Tolerant, SLOW);
    charger.world.run(&format!("0 a connect CP1\n1 a > {BOOT}"));
    charger.world.run(&format!("2 disk holds\n{TWO_CALLS}"));
    let now = charger.world.now();
    charger
        .world
        .shard
        .drain(now, now.mono + std::time::Duration::from_secs(10));
    let out = charger.world.run("3 disk goes");
    expect![[r#"
        3 a < [3,"1",{}]
        3 a < [3,"2",{}]
        3 a < close 1012 server restarts
        3 a ended
    "#]]
    .assert_eq(&out);
    assert!(charger.world.shard.drained());
}

#[test]
fn a_profile_that_changes_its_place_in_the_book_is_still_the_stations() {
    let acme = "[[profile]]\nid = \"acme\"\nrevision = 1\nvendor = \"acme\"\n";
    // It spells out more, and is tried first.
    let other =
        "[[profile]]\nid = \"acme-one\"\nrevision = 1\nvendor = \"acme\"\nmodel = \"one\"\n";
    let mut charger = Charger::new(QuirkPolicy::Tolerant, acme);
    charger.world.run(&format!("0 a connect CP1\n1 a > {BOOT}"));
    let station = charger
        .world
        .shard
        .stations
        .find(&super::world::key("CP1"))
        .unwrap();
    let name = |charger: &mut Charger| charger.world.shard.profile_name(station).0;
    assert_eq!(name(&mut charger), "acme");
    charger.rewrite(&format!("{acme}{other}"));
    assert_eq!(name(&mut charger), "acme-one");
}

#[test]
fn a_stop_that_is_read_again_ends_nothing_that_runs() {
    let mut charger = Charger::new(QuirkPolicy::Strict, "");
    charger.world.run(&format!(
        r#"
        0 a connect CP1
        1 a > {BOOT}
        2 a > [2,"1","StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":1000,"timestamp":"2026-11-22T10:00:02Z"}}]
        "#
    ));
    let id = charger.world.ocpp_id("CP1");
    charger.world.run(&format!(
        r#"3 a > [2,"2","StopTransaction",{{"transactionId":{id},"meterStop":5000,"reason":null,"timestamp":"2026-11-22T10:00:03Z"}}]"#
    ));
    let relaxed = Charger::new(QuirkPolicy::Tolerant, "");
    charger.world.take_quirks_of(&relaxed.world);
    expect![[r#"
        100 op replay: Ok(Err(NotApplicable("its transaction runs, and only its station ends it")))
    "#]]
    .assert_eq(&charger.world.run("100 op replay CP1"));
    charger.world.shard.stalled = true;
    expect![[r#"
        101 op replay: Ok(Err(LogDown))
    "#]]
    .assert_eq(&charger.world.run("101 op replay CP1"));
}

#[test]
fn what_is_read_again_happened_when_it_came() {
    let mut charger = Charger::new(QuirkPolicy::Strict, "");
    // An hour ahead of the time at which it comes.
    charger.world.run(&format!(
        r#"
        0 a connect CP1
        1 a > {BOOT}
        3 a > [2,"1","MeterValues",{{"connectorId":1,"meterValue":[{{"timestamp":"2026-11-22T11:00:00Z","sampledValue":[{{"value":1500}}]}}]}}]
        "#
    ));
    let relaxed = Charger::new(QuirkPolicy::Tolerant, "");
    charger.world.take_quirks_of(&relaxed.world);
    charger.world.run("7200 op replay CP1");
    let records = charger.world.log.iter();
    let mut records = records.map(|bytes| fleet::wire::read(bytes).unwrap());
    let (received_at, values) = records
        .find_map(|record| match record.body.to_fact().unwrap() {
            Fact::MeterValues(values) => Some((record.received_at.0, values)),
            _ => None,
        })
        .unwrap();
    let then = super::world::EPOCH + 3_000_000;
    assert_eq!((received_at, values.rows[0].measured_at), (then, then));
    assert!(!values.rows[0].clock_trusted);
}

#[test]
fn a_secret_is_kept_aside_under_its_mask() {
    let mut charger = Charger::new(QuirkPolicy::Strict, "");
    charger.world.run(
        r#"
        0 a connect CP1 2.0.1
        1 a > [2,"b","BootNotification",{"reason":"PowerUp","chargingStation":{"vendorName":"ACME","model":"One"}}]
        2 a > [2,"1","NotifyReport",{"requestId":1,"generatedAt":"2026-11-22T10:00:02Z","seqNo":"0","reportData":[{"component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"},"variableAttribute":[{"value":"correct-horse-battery"}]}]}]
        "#,
    );
    assert_eq!(kept(&charger.world).len(), 1);
    for record in &charger.world.log {
        assert!(!String::from_utf8_lossy(record).contains("correct-horse"));
    }
}

#[test]
fn a_station_is_watched_in_few_of_its_transactions() {
    let profile =
        "[[profile]]\nid = \"acme\"\nrevision = 1\nvendor = \"acme\"\nmeter_values_within_s = 60\n";
    let mut charger = Charger::new(QuirkPolicy::Tolerant, profile);
    charger.world.run(&format!("0 a connect CP1\n1 a > {BOOT}"));
    for n in 0..40 {
        charger.world.run(&format!(
            r#"2 a > [2,"s{n}","StartTransaction",{{"connectorId":1,"idTag":"T{n}","meterStart":1000,"timestamp":"2026-11-22T10:00:02Z"}}]"#
        ));
    }
    let out = charger.world.run("3 records shown\n200 wait");
    assert_eq!(out.matches("Sigec.MeterValuesMissing").count(), 16, "{out}");
}

#[test]
fn an_answer_is_read_by_its_stations_profile() {
    let profile = "[[profile]]\nid = \"acme\"\nrevision = 1\nidentity = \"CP1\"\ncoerce = [\"extra_property\"]\n";
    for (profile, is_taken) in [("", false), (profile, true)] {
        let mut charger = Charger::new(QuirkPolicy::Tolerant, profile);
        let out = charger.world.run(
            r#"
            0 a connect CP1 2.1
            1 op command CP1 SetDefaultTariff {"evseId":0,"tariff":{"tariffId":"now","currency":"EUR"}}
            2 a answers {"status":"Accepted","more":1}
            3 op tariffs CP1
            "#,
        );
        assert_eq!(
            out.contains("3 DefaultTariff now on [0]"),
            is_taken,
            "{out}"
        );
        // A CALLRESULTERROR.
        assert_eq!(out.contains("< [5,"), !is_taken, "{out}");
    }
}

#[test]
fn a_password_that_its_station_took_in_its_own_words_is_taken() {
    let profile = "[[profile]]\nid = \"acme\"\nrevision = 1\nidentity = \"CP1\"\ncoerce = [\"extra_property\"]\n";
    for (profile, is_taken) in [("", false), (profile, true)] {
        let mut charger = Charger::new(QuirkPolicy::Tolerant, profile);
        let out = charger.world.run(
            r#"
            0 a connect CP1 2.0.1
            1 records shown
            1 op command CP1 SetVariables {"setVariableData":[{"attributeValue":"sixteen-letters!","component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}
            2 a answers {"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"},"more":1}]}
            "#,
        );
        assert_eq!(out.contains("StationConfigured"), is_taken, "{out}");
    }
}
