//! Records of messages that are as long as a message may be, and say as much as they can in that.

use super::world::{World, config};
use crate::config::Onboarding;

/// As much of `element` as makes a message of 1 MiB.
fn filled(head: &str, element: &str, tail: &str) -> String {
    let room = (1 << 20) - head.len() - tail.len() - 64;
    let times = room / (element.len() + 1);
    format!("{head}{}{tail}", vec![element; times].join(","))
}

/// The longest record that such a message makes, and what is answered.
fn longest(version: &str, message: &str) -> (usize, String) {
    let mut world = World::new(config(Onboarding::Open));
    world.run(&format!(
        "0 a connect CP1{version}\n1 a > [2,\"1\",\"StartTransaction\",{{\"connectorId\":1,\"idTag\":\"T\",\"meterStart\":1,\"timestamp\":\"2026-11-22T10:00:01Z\"}}]"
    ));
    let before = world.log.len();
    let said = world.run(&format!("2 a > {message}"));
    let records = world.log[before..].iter();
    for record in records.clone() {
        let body = fleet::wire::read(record).expect("a record").body;
        assert!(!matches!(body, fleet::wire::Body::StationHeard(_)));
    }
    let answer = said.chars().take(120).collect();
    (records.map(Vec::len).max().expect("records"), answer)
}

#[test]
fn no_message_makes_a_record_that_is_longer_than_two_of_it() {
    let sampled = |count: usize, value: &str| {
        let head = r#"[2,"m","MeterValues",{"connectorId":1,"transactionId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:02Z","sampledValue":["#;
        format!("{head}{}]}}]}}]", vec![value; count].join(","))
    };
    let long_words = r#"{"value":"1","unit":"Percent","location":"Outlet","phase":"L1-N","measurand":"Energy.Reactive.Export.Interval","context":"Interruption.Begin"}"#;
    let longest_value = format!(r#"{{"value":"{}"}}"#, "7".repeat(230));
    let v201 = " 2.0.1";
    let v21 = " 2.1";
    let messages = [
        ("", sampled(4_096, r#"{"value":"1"}"#)),
        ("", sampled(4_096, long_words)),
        ("", sampled(4_096, &longest_value)),
        (
            "",
            filled(
                r#"[2,"m","StopTransaction",{"transactionId":1,"meterStop":1,"timestamp":"2026-11-22T10:00:02Z","transactionData":["#,
                &format!(
                    r#"{{"timestamp":"2026-11-22T10:00:02Z","sampledValue":[{}]}}"#,
                    vec![r#"{"value":"1"}"#; 20].join(",")
                ),
                "]}]",
            ),
        ),
        (
            v201,
            filled(
                r#"[2,"m","NotifyEvent",{"generatedAt":"2026-11-22T10:00:02Z","seqNo":0,"eventData":["#,
                r#"{"eventId":1,"timestamp":"2026-11-22T10:00:02Z","trigger":"Delta","actualValue":"","eventNotificationType":"CustomMonitor","component":{"name":"A"},"variable":{"name":"B"}}"#,
                "]}]",
            ),
        ),
        (
            v201,
            filled(
                r#"[2,"m","NotifyReport",{"requestId":1,"generatedAt":"2026-11-22T10:00:02Z","seqNo":0,"reportData":["#,
                r#"{"component":{"name":"A"},"variable":{"name":"B"},"variableAttribute":[{}]}"#,
                "]}]",
            ),
        ),
        (
            v201,
            filled(
                r#"[2,"m","NotifyMonitoringReport",{"requestId":1,"generatedAt":"2026-11-22T10:00:02Z","seqNo":0,"monitor":["#,
                r#"{"component":{"name":"A"},"variable":{"name":"B"},"variableMonitoring":[{"id":1,"transaction":true,"value":1,"type":"Delta","severity":1}]}"#,
                "]}]",
            ),
        ),
        (
            v21,
            filled(
                r#"[6,"m","NotifyPeriodicEventStream",{"id":1,"pending":0,"basetime":"2026-11-22T10:00:02Z","data":["#,
                r#"{"t":0,"v":""}"#,
                "]}]",
            ),
        ),
        (
            v21,
            filled(
                r#"[2,"m","NotifyReport",{"requestId":1,"generatedAt":"2026-11-22T10:00:02Z","seqNo":0,"reportData":["#,
                r#"{"component":{"name":"A"},"variable":{"name":"B"},"variableAttribute":[{}]}"#,
                "]}]",
            ),
        ),
    ];
    for (version, message) in messages {
        let name: String = message.chars().take(60).collect();
        let (len, answer) = longest(version, &message);
        assert!(len <= 2 << 20, "{name}: {len} B for {} B", message.len());
        println!("{name}: {len} B for {} B; {answer}", message.len());
    }
    let (_, answer) = longest("", &sampled(4_097, r#"{"value":"1"}"#));
    assert!(answer.contains("found 4097 sampled values"), "{answer}");
}
