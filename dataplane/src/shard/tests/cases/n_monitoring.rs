//! Block N, diagnostics: monitors, what they report, and what they see.

use expect_test::expect;

use super::{BOOTED, check};

const AVAILABILITY: &str =
    r#""component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"}"#;
const POWER: &str = r#""component":{"name":"ChargingStation"},"variable":{"name":"Power"}"#;

/// Asks for monitors, and is told that there is none.
fn none(asked: &str) -> String {
    format!(
        r#"
        op GetMonitoringReport {{"requestId":7{asked}}}
        answer {{"status":"EmptyResultSet"}}
        "#
    )
}

/// Asks for monitors, and gets one.
fn one(asked: &str, place: &str, kind: &str) -> String {
    format!(
        r#"
        op GetMonitoringReport {{"requestId":8{asked}}}
        answer {{"status":"Accepted"}}
        NotifyMonitoringReport {{"requestId":8,"seqNo":0,"generatedAt":"$NOW","monitor":[{{{place},"variableMonitoring":[{{"id":1,"transaction":false,"value":1,"type":"{kind}","severity":8}}]}}]}}
        "#
    )
}

/// By what the monitors are.
#[test]
fn tc_n_01_csms() {
    let script = none(r#","monitoringCriteria":["DeltaMonitoring"]"#)
        + &one(
            r#","monitoringCriteria":["ThresholdMonitoring"]"#,
            POWER,
            "UpperThreshold",
        );
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < GetMonitoringReport {"requestId":7,"monitoringCriteria":["DeltaMonitoring"]}
        op GetMonitoringReport: Answered {"status":"EmptyResultSet"}
        < GetMonitoringReport {"requestId":8,"monitoringCriteria":["ThresholdMonitoring"]}
        op GetMonitoringReport: Answered {"status":"Accepted"}
        NotifyMonitoringReport: {}
    "#]],
    );
}

/// By what they watch.
#[test]
fn tc_n_02_csms() {
    let script = none(&format!(r#","componentVariable":[{{{POWER}}}]"#))
        + &one(
            &format!(r#","componentVariable":[{{{AVAILABILITY}}}]"#),
            AVAILABILITY,
            "Delta",
        );
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < GetMonitoringReport {"requestId":7,"componentVariable":[{"component":{"name":"ChargingStation"},"variable":{"name":"Power"}}]}
        op GetMonitoringReport: Answered {"status":"EmptyResultSet"}
        < GetMonitoringReport {"requestId":8,"componentVariable":[{"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"}}]}
        op GetMonitoringReport: Answered {"status":"Accepted"}
        NotifyMonitoringReport: {}
    "#]],
    );
}

/// By both.
#[test]
fn tc_n_03_csms() {
    let by = |criterion: &str, places: &str| {
        format!(r#","monitoringCriteria":["{criterion}"],"componentVariable":[{places}]"#)
    };
    let script = none(&by("DeltaMonitoring", &format!("{{{AVAILABILITY}}}")))
        + &one(
            &by("ThresholdMonitoring", &format!("{{{POWER}}}")),
            POWER,
            "UpperThreshold",
        );
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < GetMonitoringReport {"requestId":7,"monitoringCriteria":["DeltaMonitoring"],"componentVariable":[{"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"}}]}
        op GetMonitoringReport: Answered {"status":"EmptyResultSet"}
        < GetMonitoringReport {"requestId":8,"monitoringCriteria":["ThresholdMonitoring"],"componentVariable":[{"component":{"name":"ChargingStation"},"variable":{"name":"Power"}}]}
        op GetMonitoringReport: Answered {"status":"Accepted"}
        NotifyMonitoringReport: {}
    "#]],
    );
}

/// By both, of several places.
#[test]
fn tc_n_60_csms() {
    let places = format!("{{{POWER}}},{{{AVAILABILITY}}}");
    let by = |criterion: &str| {
        format!(r#","monitoringCriteria":["{criterion}"],"componentVariable":[{places}]"#)
    };
    let script =
        none(&by("ThresholdMonitoring")) + &one(&by("DeltaMonitoring"), AVAILABILITY, "Delta");
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < GetMonitoringReport {"requestId":7,"monitoringCriteria":["ThresholdMonitoring"],"componentVariable":[{"component":{"name":"ChargingStation"},"variable":{"name":"Power"}},{"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"}}]}
        op GetMonitoringReport: Answered {"status":"EmptyResultSet"}
        < GetMonitoringReport {"requestId":8,"monitoringCriteria":["DeltaMonitoring"],"componentVariable":[{"component":{"name":"ChargingStation"},"variable":{"name":"Power"}},{"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"}}]}
        op GetMonitoringReport: Answered {"status":"Accepted"}
        NotifyMonitoringReport: {}
    "#]],
    );
}

/// All there are.
#[test]
fn tc_n_47_csms() {
    check(
        &[BOOTED],
        &one("", AVAILABILITY, "Delta"),
        expect![[r#"
        < GetMonitoringReport {"requestId":8}
        op GetMonitoringReport: Answered {"status":"Accepted"}
        NotifyMonitoringReport: {}
    "#]],
    );
}

/// Each base that there is.
#[test]
fn tc_n_05_csms() {
    let based = |base: &str| {
        format!(
            "op SetMonitoringBase {{\"monitoringBase\":\"{base}\"}}\nanswer {{\"status\":\"Accepted\"}}\n"
        )
    };
    let script: String = ["All", "FactoryDefault", "HardWiredOnly"]
        .into_iter()
        .map(based)
        .collect();
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < SetMonitoringBase {"monitoringBase":"All"}
        op SetMonitoringBase: Answered {"status":"Accepted"}
        < SetMonitoringBase {"monitoringBase":"FactoryDefault"}
        op SetMonitoringBase: Answered {"status":"Accepted"}
        < SetMonitoringBase {"monitoringBase":"HardWiredOnly"}
        op SetMonitoringBase: Answered {"status":"Accepted"}
    "#]],
    );
}

fn delta(place: &str) -> String {
    format!(r#"{{"value":1,"type":"Delta","severity":8,{place}}}"#)
}

fn accepted(id: u32, place: &str) -> String {
    format!(r#"{{"id":{id},"status":"Accepted","type":"Delta","severity":8,{place}}}"#)
}

/// One monitor is set.
#[test]
fn tc_n_08_csms() {
    let script = format!(
        "op SetVariableMonitoring {{\"setMonitoringData\":[{}]}}\nanswer {{\"setMonitoringResult\":[{}]}}\n",
        delta(AVAILABILITY),
        accepted(1, AVAILABILITY)
    );
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < SetVariableMonitoring {"setMonitoringData":[{"value":1,"type":"Delta","severity":8,"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"}}]}
        op SetVariableMonitoring: Answered {"setMonitoringResult":[{"id":1,"status":"Accepted","type":"Delta","severity":8,"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"}}]}
    "#]],
    );
}

/// Several are set at once.
#[test]
fn tc_n_09_csms() {
    let station = AVAILABILITY.replace(r#""EVSE","evse":{"id":1}"#, r#""ChargingStation""#);
    let script = format!(
        "op SetVariableMonitoring {{\"setMonitoringData\":[{},{}]}}\nanswer {{\"setMonitoringResult\":[{},{}]}}\n",
        delta(AVAILABILITY),
        delta(&station),
        accepted(1, AVAILABILITY),
        accepted(2, &station)
    );
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < SetVariableMonitoring {"setMonitoringData":[{"value":1,"type":"Delta","severity":8,"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"}},{"value":1,"type":"Delta","severity":8,"component":{"name":"ChargingStation"},"variable":{"name":"AvailabilityState"}}]}
        op SetVariableMonitoring: Answered {"setMonitoringResult":[{"id":1,"status":"Accepted","type":"Delta","severity":8,"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"}},{"id":2,"status":"Accepted","type":"Delta","severity":8,"component":{"name":"ChargingStation"},"variable":{"name":"AvailabilityState"}}]}
    "#]],
    );
}

fn level(answer: &str) -> String {
    format!("op SetMonitoringLevel {{\"severity\":4}}\nanswer {{\"status\":\"{answer}\"}}\n")
}

/// The level is taken.
#[test]
fn tc_n_16_csms() {
    check(
        &[BOOTED],
        &level("Accepted"),
        expect![[r#"
        < SetMonitoringLevel {"severity":4}
        op SetMonitoringLevel: Answered {"status":"Accepted"}
    "#]],
    );
}

/// The level is not taken.
#[test]
fn tc_n_17_csms() {
    check(
        &[BOOTED],
        &level("Rejected"),
        expect![[r#"
        < SetMonitoringLevel {"severity":4}
        op SetMonitoringLevel: Answered {"status":"Rejected"}
    "#]],
    );
}

fn cleared(id: u32, status: &str) -> String {
    format!(
        "op ClearVariableMonitoring {{\"id\":[{id}]}}\nanswer {{\"clearMonitoringResult\":[{{\"id\":{id},\"status\":\"{status}\"}}]}}\n"
    )
}

/// The station takes one number in a request, and has said so: two go in two (N06.FR.04).
#[test]
fn tc_n_18_csms() {
    const ITEMS: &str = r#""component":{"name":"MonitoringCtrlr"},"variable":{"name":"ItemsPerMessage","instance":"ClearVariableMonitoring"}"#;
    let limit = format!(
        "op GetVariables {{\"getVariableData\":[{{{ITEMS}}}]}}\nanswer {{\"getVariableResult\":[{{\"attributeStatus\":\"Accepted\",\"attributeValue\":\"1\",{ITEMS}}}]}}\n"
    );
    check(
        &[BOOTED, &limit],
        r#"
        op ClearVariableMonitoring {"id":[1,2]}
        answer {"clearMonitoringResult":[{"id":1,"status":"Accepted"}]}
        answer {"clearMonitoringResult":[{"id":2,"status":"NotFound"}]}
        "#,
        expect![[r#"
            < ClearVariableMonitoring {"id":[1]}
            < ClearVariableMonitoring {"id":[2]}
            op ClearVariableMonitoring: Answered {"clearMonitoringResult":[{"id":1,"status":"Accepted"},{"id":2,"status":"NotFound"}]}
        "#]],
    );
}

/// A monitor that cannot be cleared.
#[test]
fn tc_n_44_csms() {
    check(
        &[BOOTED],
        &cleared(1, "Rejected"),
        expect![[r#"
        < ClearVariableMonitoring {"id":[1]}
        op ClearVariableMonitoring: Answered {"clearMonitoringResult":[{"id":1,"status":"Rejected"}]}
    "#]],
    );
}

/// What a monitor saw, with `more` about it.
fn event(trigger: &str, value: &str, more: &str) -> String {
    format!(
        r#"
        NotifyEvent {{"generatedAt":"$NOW","seqNo":0,"eventData":[{{"eventId":1,"timestamp":"$NOW","trigger":"{trigger}","actualValue":"{value}","eventNotificationType":"CustomMonitor","variableMonitoringId":1{more},{AVAILABILITY}}}]}}
        "#
    )
}

/// A threshold is passed, again and again.
#[test]
fn tc_n_21_csms() {
    let script = event("Alerting", "Available", "").repeat(3);
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        NotifyEvent: {}
        NotifyEvent: {}
        NotifyEvent: {}
    "#]],
    );
}

/// It comes again and again.
#[test]
fn tc_n_24_csms() {
    let script = event("Periodic", "Available", "").repeat(3);
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        NotifyEvent: {}
        NotifyEvent: {}
        NotifyEvent: {}
    "#]],
    );
}

/// The value may not be read.
#[test]
fn tc_n_48_csms() {
    check(
        &[BOOTED],
        &event("Delta", "", ""),
        expect![[r#"
        NotifyEvent: {}
    "#]],
    );
}

/// What was alerted is over.
#[test]
fn tc_n_49_csms() {
    let script = event("Alerting", "Available", r#","cleared":true"#);
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        NotifyEvent: {}
    "#]],
    );
}

/// It comes by the clock.
#[test]
fn tc_n_50_csms() {
    check(
        &[BOOTED],
        &event("Periodic", "Occupied", ""),
        expect![[r#"
            NotifyEvent: {}
        "#]],
    );
}

/// Whose certificate it is, is asked, told and forgotten.
#[test]
fn tc_n_63_csms() {
    check(
        &[BOOTED],
        r#"
        op CustomerInformation {"requestId":3,"report":true,"clear":true,"customerCertificate":{"hashAlgorithm":"SHA256","issuerNameHash":"aa","issuerKeyHash":"bb","serialNumber":"1"}}
        answer {"status":"Accepted"}
        NotifyCustomerInformation {"data":"A. Driver","seqNo":0,"generatedAt":"$NOW","requestId":3}
        "#,
        expect![[r#"
            < CustomerInformation {"requestId":3,"report":true,"clear":true,"customerCertificate":{"hashAlgorithm":"SHA256","issuerNameHash":"aa","issuerKeyHash":"bb","serialNumber":"1"}}
            op CustomerInformation: Answered {"status":"Accepted"}
            NotifyCustomerInformation: {}
        "#]],
    );
}

/// A driver is forgotten, and taken from the station's list of tokens.
#[test]
fn tc_n_46_csms() {
    let listed = r#"
        op SendLocalList {"versionNumber":1,"updateType":"Full","localAuthorizationList":[{"idToken":{"idToken":"TAG","type":"ISO14443"},"idTokenInfo":{"status":"Accepted"}}]}
        answer {"status":"Accepted"}
    "#;
    check(
        &[BOOTED, listed],
        r#"
        op CustomerInformation {"requestId":3,"report":true,"clear":true,"idToken":{"idToken":"TAG","type":"ISO14443"}}
        answer {"status":"Accepted"}
        NotifyCustomerInformation {"data":"A. Driver","seqNo":0,"generatedAt":"$NOW","requestId":3}
        op SendLocalList {"versionNumber":2,"updateType":"Differential","localAuthorizationList":[{"idToken":{"idToken":"TAG","type":"ISO14443"}}]}
        answer {"status":"Accepted"}
        "#,
        expect![[r#"
            < CustomerInformation {"requestId":3,"report":true,"clear":true,"idToken":{"idToken":"TAG","type":"ISO14443"}}
            op CustomerInformation: Answered {"status":"Accepted"}
            NotifyCustomerInformation: {}
            < SendLocalList {"versionNumber":2,"updateType":"Differential","localAuthorizationList":[{"idToken":{"idToken":"TAG","type":"ISO14443"}}]}
            op SendLocalList: Answered {"status":"Accepted"}
        "#]],
    );
}

/// Values are of the time at which they were seen, also in a message that tells the newer one first.
#[test]
fn n07_a_value_is_as_of_its_own_time() {
    let seen = |at: &str, value: u32| {
        format!(
            r#"{{"eventId":{value},"timestamp":"{at}","trigger":"Periodic","actualValue":"{value}","eventNotificationType":"CustomMonitor","component":{{"name":"C"}},"variable":{{"name":"V"}}}}"#
        )
    };
    let told = |events: [String; 2]| {
        format!(
            "NotifyEvent {{\"generatedAt\":\"$NOW\",\"seqNo\":0,\"eventData\":[{}]}}\nop values\n",
            events.join(",")
        )
    };
    let script = [
        told([
            seen("2026-11-22T10:00:04Z", 2),
            seen("2026-11-22T10:00:03Z", 1),
        ]),
        told([
            seen("1970-01-01T00:00:04Z", 4),
            seen("2026-11-22T10:00:05Z", 3),
        ]),
    ];
    check(
        &[BOOTED],
        &script.concat(),
        expect![[r#"
        NotifyEvent: {}
        C.V = 2 as of 10:00:04
        Connector.AvailabilityState = Available as of 10:00:04
        NotifyEvent: {}
        C.V = 4 as of 10:00:07
        Connector.AvailabilityState = Available as of 10:00:04
    "#]],
    );
}
