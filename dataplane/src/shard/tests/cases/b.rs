//! Block B, provisioning.

use expect_test::expect;
use ocpp::Version;

use super::{BOOTED, Case, ENERGY_TRANSFER_STARTED, EV_DISCONNECTED, check};
use crate::config::{Config, NoCommonVersion, Onboarding};
use crate::shard::tests::world::{World, config};

/// A station that is known boots and tells of its connectors.
#[test]
fn tc_b_01_csms() {
    check(
        &[],
        &format!("{BOOTED}\nop station CP1"),
        expect![[r#"
        BootNotification: {"currentTime":"2026-11-22T10:00:02.000Z","interval":300,"status":"Accepted"}
        StatusNotification: {}
        NotifyEvent: {}
        station CP1: accepted online Available V 0 [1.1 Available]
    "#]],
    );
}

/// A station nobody has approved is told to come again, and is accepted once somebody has.
#[test]
fn tc_b_02_csms() {
    let mut case = Case::new(Version::V201, config(Onboarding::Pending));
    let seen = case.run(&format!(
        "
        : a connect CP1 2.0.1
        {BOOT}
        : op approve CP1
        wait 60
        {BOOTED}
        op station CP1
        "
    ));
    expect![[r#"
        < 101 Switching Protocols ocpp2.0.1
        BootNotification: {"currentTime":"2026-11-22T10:00:02.000Z","interval":60,"status":"Pending"}
        op register CP1: Ok([Ok(())])
        BootNotification: {"currentTime":"2026-11-22T10:01:04.000Z","interval":300,"status":"Accepted"}
        StatusNotification: {}
        NotifyEvent: {}
        station CP1: accepted online Available V 0 [1.1 Available]
    "#]].assert_eq(&seen);
}

/// The value of one variable is asked for as the operator wrote it, and the station's answer is the command's result.
#[test]
fn tc_b_06_csms() {
    check(
        &[BOOTED],
        r#"
        op GetVariables {"getVariableData":[{"component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}}]}
        answer {"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"60","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}}]}
        "#,
        expect![[r#"
            < GetVariables {"getVariableData":[{"component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}}]}
            op GetVariables: Answered {"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"60","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}}]}
        "#]],
    );
}

/// Two variables in one request.
#[test]
fn tc_b_07_csms() {
    check(
        &[BOOTED],
        r#"
        op GetVariables {"getVariableData":[{"component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}},{"attributeType":"Actual","component":{"name":"AuthCtrlr"},"variable":{"name":"AuthorizeRemoteStart"}}]}
        answer {"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"60","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}},{"attributeStatus":"Accepted","attributeValue":"true","component":{"name":"AuthCtrlr"},"variable":{"name":"AuthorizeRemoteStart"}}]}
        "#,
        expect![[r#"
            < GetVariables {"getVariableData":[{"component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}},{"attributeType":"Actual","component":{"name":"AuthCtrlr"},"variable":{"name":"AuthorizeRemoteStart"}}]}
            op GetVariables: Answered {"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"60","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}},{"attributeStatus":"Accepted","attributeValue":"true","component":{"name":"AuthCtrlr"},"variable":{"name":"AuthorizeRemoteStart"}}]}
        "#]],
    );
}

/// One variable is set.
#[test]
fn tc_b_09_csms() {
    check(
        &[BOOTED],
        r#"
        op SetVariables {"setVariableData":[{"attributeValue":"123","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}}]}
        answer {"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}}]}
        "#,
        expect![[r#"
            < SetVariables {"setVariableData":[{"attributeValue":"123","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}}]}
            op SetVariables: Answered {"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}}]}
        "#]],
    );
}

/// Two variables are set in one request, and the station takes one of them.
#[test]
fn tc_b_10_csms() {
    check(
        &[BOOTED],
        r#"
        op SetVariables {"setVariableData":[{"attributeValue":"123","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}},{"attributeValue":"false","component":{"name":"AuthCtrlr"},"variable":{"name":"AuthorizeRemoteStart"}}]}
        answer {"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}},{"attributeStatus":"Rejected","component":{"name":"AuthCtrlr"},"variable":{"name":"AuthorizeRemoteStart"}}]}
        "#,
        expect![[r#"
            < SetVariables {"setVariableData":[{"attributeValue":"123","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}},{"attributeValue":"false","component":{"name":"AuthCtrlr"},"variable":{"name":"AuthorizeRemoteStart"}}]}
            op SetVariables: Answered {"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}},{"attributeStatus":"Rejected","component":{"name":"AuthCtrlr"},"variable":{"name":"AuthorizeRemoteStart"}}]}
        "#]],
    );
}

/// A report of the configuration is asked for, and each of its parts is taken.
#[test]
fn tc_b_12_csms() {
    check(
        &[BOOTED],
        &base_report("ConfigurationInventory"),
        expect![[r#"
            < GetBaseReport {"requestId":7,"reportBase":"ConfigurationInventory"}
            op GetBaseReport: Answered {"status":"Accepted"}
            NotifyReport: {}
            NotifyReport: {}
        "#]],
    );
}

/// A report of everything is asked for, and each of its parts is taken.
#[test]
fn tc_b_13_csms() {
    check(
        &[BOOTED],
        &base_report("FullInventory"),
        expect![[r#"
        < GetBaseReport {"requestId":7,"reportBase":"FullInventory"}
        op GetBaseReport: Answered {"status":"Accepted"}
        NotifyReport: {}
        NotifyReport: {}
    "#]],
    );
}

/// A summary of what is wrong.
#[test]
fn tc_b_14_csms() {
    check(
        &[BOOTED],
        &base_report("SummaryInventory"),
        expect![[r#"
            < GetBaseReport {"requestId":7,"reportBase":"SummaryInventory"}
            op GetBaseReport: Answered {"status":"Accepted"}
            NotifyReport: {}
            NotifyReport: {}
        "#]],
    );
}

/// A report of some components with some variable: one without a result, one with.
#[test]
fn tc_b_18_csms() {
    check(
        &[BOOTED],
        r#"
        op GetReport {"requestId":8,"componentCriteria":["Problem"],"componentVariable":[{"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"}}]}
        answer {"status":"EmptyResultSet"}
        op GetReport {"requestId":9,"componentCriteria":["Available"],"componentVariable":[{"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"}}]}
        answer {"status":"Accepted"}
        NotifyReport {"requestId":9,"generatedAt":"$NOW","seqNo":0,"reportData":[{"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"},"variableAttribute":[{"value":"Available"}]}]}
        "#,
        expect![[r#"
            < GetReport {"requestId":8,"componentCriteria":["Problem"],"componentVariable":[{"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"}}]}
            op GetReport: Answered {"status":"EmptyResultSet"}
            < GetReport {"requestId":9,"componentCriteria":["Available"],"componentVariable":[{"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"}}]}
            op GetReport: Answered {"status":"Accepted"}
            NotifyReport: {}
        "#]],
    );
}

fn base_report(base: &str) -> String {
    let part = |seq_no: u32, more: bool, variable: &str| {
        format!(
            r#"NotifyReport {{"requestId":7,"generatedAt":"$NOW","tbc":{more},"seqNo":{seq_no},"reportData":[{{"component":{{"name":"OCPPCommCtrlr"}},"variable":{{"name":"{variable}"}},"variableAttribute":[{{"type":"Actual","value":"60","mutability":"ReadWrite"}}],"variableCharacteristics":{{"dataType":"integer","supportsMonitoring":false}}}}]}}"#
        )
    };
    format!(
        r#"
        op GetBaseReport {{"requestId":7,"reportBase":"{base}"}}
        answer {{"status":"Accepted"}}
        {}
        {}
        "#,
        part(0, true, "OfflineThreshold"),
        part(1, false, "MessageTimeout"),
    )
}

/// An idle station is reset and boots again.
#[test]
fn tc_b_20_csms() {
    check(
        &[BOOTED],
        &format!(
            r#"
            op Reset {{"type":"OnIdle"}}
            answer {{"status":"Accepted"}}
            : a drops
            : a connect CP1 2.0.1
            {BOOTED}
            op station CP1
            "#
        ),
        expect![[r#"
            < Reset {"type":"OnIdle"}
            op Reset: Answered {"status":"Accepted"}
            < 101 Switching Protocols ocpp2.0.1
            BootNotification: {"currentTime":"2026-11-22T10:00:09.000Z","interval":300,"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            station CP1: accepted online Available V 0 [1.1 Available]
        "#]],
    );
}

/// A reset that waits for the transaction's end: the transaction ends of itself, then the station boots.
#[test]
fn tc_b_21_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        &format!(
            r#"
            op Reset {{"type":"OnIdle"}}
            answer {{"status":"Scheduled"}}
            wait 60
            tx Updated StopAuthorized state=EVConnected token=TAG
            {EV_DISCONNECTED}
            : a drops
            : a connect CP1 2.0.1
            BootNotification {{"reason":"ScheduledReset","chargingStation":{{"model":"M","vendorName":"V"}}}}
            connector Available
            op transactions CP1
            "#
        ),
        expect![[r#"
            < Reset {"type":"OnIdle"}
            op Reset: Answered {"status":"Scheduled"}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {"totalCost":5.25}
            < 101 Switching Protocols ocpp2.0.1
            BootNotification: {"currentTime":"2026-11-22T10:01:19.000Z","interval":300,"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            transaction T1 on 1.1: ended ok 7 kWh 5.25 EVDisconnected
        "#]],
    );
}

/// A reset at once ends the transaction, with its reason and energy, and the station boots with the cable still in.
#[test]
fn tc_b_22_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        r#"
        op Reset {"type":"Immediate"}
        answer {"status":"Accepted"}
        tx Ended ResetCommand state=EVConnected stopped=ImmediateReset meter=Transaction.End:3000
        : a drops
        : a connect CP1 2.0.1
        BootNotification {"reason":"RemoteReset","chargingStation":{"model":"M","vendorName":"V"}}
        connector Occupied
        op station CP1
        op transactions CP1
        "#,
        expect![[r#"
            < Reset {"type":"Immediate"}
            op Reset: Answered {"status":"Accepted"}
            TransactionEvent: {"totalCost":1.50}
            < 101 Switching Protocols ocpp2.0.1
            BootNotification: {"currentTime":"2026-11-22T10:00:16.000Z","interval":300,"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            station CP1: accepted online Occupied V 0 [1.1 Occupied 3 kWh]
            transaction T1 on 1.1: ended ok 2 kWh 1.50 ImmediateReset
        "#]],
    );
}

/// One EVSE is reset, the station stays up.
#[test]
fn tc_b_25_csms() {
    check(
        &[BOOTED],
        r#"
        op Reset {"type":"OnIdle","evseId":1}
        answer {"status":"Accepted"}
        "#,
        expect![[r#"
            < Reset {"type":"OnIdle","evseId":1}
            op Reset: Answered {"status":"Accepted"}
        "#]],
    );
}

/// One EVSE is to be reset once its transaction has ended.
#[test]
fn tc_b_26_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        &format!(
            r#"
            op Reset {{"type":"OnIdle","evseId":1}}
            answer {{"status":"Scheduled"}}
            wait 60
            tx Updated StopAuthorized state=EVConnected token=TAG
            {EV_DISCONNECTED}
            op transactions CP1
            "#
        ),
        expect![[r#"
            < Reset {"type":"OnIdle","evseId":1}
            op Reset: Answered {"status":"Scheduled"}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {"totalCost":5.25}
            transaction T1 on 1.1: ended ok 7 kWh 5.25 EVDisconnected
        "#]],
    );
}

/// One EVSE is reset at once, and its transaction ends with it.
#[test]
fn tc_b_27_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        r#"
        op Reset {"type":"Immediate","evseId":1}
        answer {"status":"Accepted"}
        tx Ended ResetCommand state=EVConnected stopped=ImmediateReset
        op transactions CP1
        "#,
        expect![[r#"
            < Reset {"type":"Immediate","evseId":1}
            op Reset: Answered {"status":"Accepted"}
            TransactionEvent: {}
            transaction T1 on 1.1: ended estimated ? kWh - ImmediateReset
        "#]],
    );
}

const BOOT: &str =
    r#"BootNotification {"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}"#;

/// A station that waits for approval may say nothing but that it has booted.
#[test]
fn tc_b_30_csms() {
    let mut case = Case::new(Version::V201, config(Onboarding::Pending));
    let seen = case.run(&format!(
        "
        : a connect CP1 2.0.1
        {BOOT}
        connector Available
        "
    ));
    expect![[r#"
        < 101 Switching Protocols ocpp2.0.1
        BootNotification: {"currentTime":"2026-11-22T10:00:02.000Z","interval":60,"status":"Pending"}
        StatusNotification: error SecurityError: the station waits for its operator's approval
        NotifyEvent: error SecurityError: the station waits for its operator's approval
    "#]].assert_eq(&seen);
}

/// What a station that waits was asked for is taken, and nothing else, and not for ever (B02.FR.01 and FR.09).
#[test]
fn b02_fr_09_a_station_that_waits_may_say_what_it_was_asked_for() {
    let mut case = Case::new(Version::V201, config(Onboarding::Pending));
    let seen = case.run(&format!(
        r#"
        : a connect CP1 2.0.1
        {BOOT}
        op TriggerMessage {{"requestedMessage":"StatusNotification","evse":{{"id":1,"connectorId":1}}}}
        answer {{"status":"Accepted"}}
        connector Available
        op GetBaseReport {{"requestId":7,"reportBase":"FullInventory"}}
        answer {{"status":"Accepted"}}
        NotifyReport {{"requestId":7,"generatedAt":"$NOW","seqNo":0,"tbc":true}}
        wait 70
        NotifyReport {{"requestId":7,"generatedAt":"$NOW","seqNo":1,"tbc":true}}
        wait 70
        NotifyReport {{"requestId":7,"generatedAt":"$NOW","seqNo":2}}
        connector Occupied
        tx Started Authorized
        op station CP1
        wait 121
        NotifyReport {{"requestId":7,"generatedAt":"$NOW","seqNo":3}}
        op TriggerMessage {{"requestedMessage":"Heartbeat"}}
        answer {{"status":"Accepted"}}
        Heartbeat {{}}
        : a drops
        : b connect CP1 2.0.1
        : b > [2,"b1","Heartbeat",{{}}]
        "#
    ));
    expect![[r#"
        < 101 Switching Protocols ocpp2.0.1
        BootNotification: {"currentTime":"2026-11-22T10:00:02.000Z","interval":60,"status":"Pending"}
        < TriggerMessage {"requestedMessage":"StatusNotification","evse":{"id":1,"connectorId":1}}
        op TriggerMessage: Answered {"status":"Accepted"}
        StatusNotification: {}
        NotifyEvent: {}
        < GetBaseReport {"requestId":7,"reportBase":"FullInventory"}
        op GetBaseReport: Answered {"status":"Accepted"}
        NotifyReport: {}
        NotifyReport: {}
        NotifyReport: {}
        StatusNotification: error SecurityError: the station waits for its operator's approval
        NotifyEvent: error SecurityError: the station waits for its operator's approval
        TransactionEvent: error SecurityError: the station waits for its operator's approval
        station CP1: pending online Available  0 [1.1 Available]
        NotifyReport: error SecurityError: the station waits for its operator's approval
        < TriggerMessage {"requestedMessage":"Heartbeat"}
        op TriggerMessage: Answered {"status":"Accepted"}
        Heartbeat: {"currentTime":"2026-11-22T10:04:40.000Z"}
        b < 101 Switching Protocols ocpp2.0.1
        b < [4,"b1","SecurityError","the station waits for its operator's approval",{}]
    "#]].assert_eq(&seen);
}

/// One request opens the door for a while, and what comes in does not keep it open (B02.FR.09).
#[test]
fn b02_fr_09_what_was_asked_for_is_no_standing_permission() {
    let waiting = |script: &str| {
        let mut case = Case::new(Version::V201, config(Onboarding::Pending));
        case.prepare(&format!(": a connect CP1 2.0.1\n{BOOT}"));
        let mut seen = String::new();
        for line in case.run(script).lines() {
            seen += match line.split_once(": ") {
                Some((_, answer)) if answer.starts_with("error SecurityError") => "refused ",
                Some((_, "{}")) => "taken ",
                _ => "",
            };
        }
        seen
    };
    let asked = |payload: &str| {
        let answer = r#"answer {"status":"Accepted"}"#;
        format!("op TriggerMessage {payload}\n{answer}\n")
    };
    let status = r#"StatusNotification {"timestamp":"$NOW","connectorStatus":"Available","evseId":1,"connectorId":1}"#;
    let statuses = asked(r#"{"requestedMessage":"StatusNotification"}"#);
    let seen = waiting(&format!(
        "{statuses}{status}\nwait 100\n{status}\nwait 30\n{status}\nwait 60\n{status}"
    ));
    assert_eq!(seen, "taken taken refused refused ");
    // One for each connector, and no flood.
    let seen = waiting(&(statuses.clone() + &format!("{status}\n").repeat(70)));
    let (taken, refused) = (seen.matches("taken"), seen.matches("refused"));
    assert_eq!((taken.count(), refused.count()), (64, 6));
    // What the station will not say it need not be heard to say, unless another command asked for it too.
    let refused = statuses.replace("Accepted", "Rejected");
    assert_eq!(waiting(&format!("{refused}{status}")), "refused ");
    let error = statuses.replace(
        r#"answer {"status":"Accepted"}"#,
        ": a refuses NotSupported no",
    );
    assert_eq!(waiting(&format!("{error}{status}")), "refused ");
    let seen = waiting(&format!("{statuses}{refused}{status}\n{refused}{status}"));
    assert_eq!(seen, "taken taken ");
    // A report that never ends does end.
    let report = r#"NotifyReport {"requestId":7,"generatedAt":"$NOW","seqNo":0,"tbc":true}"#;
    let base = "op GetBaseReport {\"requestId\":7,\"reportBase\":\"FullInventory\"}\nanswer {\"status\":\"Accepted\"}\n";
    let seen = waiting(&(base.to_owned() + &format!("{report}\nwait 100\n").repeat(40)));
    let taken = seen.matches("taken").count();
    assert!((34..=36).contains(&taken), "{taken} of them: {seen}");
    // Only a part that says there are more keeps the door open for the next.
    for (tbc, expected) in [(r#","tbc":true"#, "taken taken "), ("", "taken refused ")] {
        let part = report.replace(r#","tbc":true"#, tbc);
        assert_eq!(
            waiting(&format!("{base}wait 100\n{part}\nwait 60\n{report}")),
            expected
        );
    }
    // A new connection, or the same name after a deletion, was asked for nothing.
    for ended in [
        ": a drops",
        ": b connect CP1 2.0.1\n: b drops",
        ": op delete CP1",
    ] {
        let seen = waiting(&format!(
            "{statuses}{ended}\n: a connect CP1 2.0.1\n{status}"
        ));
        assert_eq!(seen, "refused ", "{ended}");
    }
}

/// Of what a station that waits was asked for, question and answer are on record; of the rest neither is.
#[test]
fn b02_fr_09_answers_are_on_record_as_what_they_answer_is() {
    let mut world = World::new(config(Onboarding::Pending));
    let seen = world.run(
        r#"
        0 a connect CP1 2.0.1
        1 a > [2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
        2 op command CP1 TriggerMessage {"requestedMessage":"StatusNotification"}
        3 a answers {"status":"Accepted"}
        3 records shown
        4 a > [2,"2","MeterValues",{}]
        5 a > [2,"3","StatusNotification",{"timestamp":"2026-11-22T10:00:05Z","connectorStatus":"Available","evseId":1,"connectorId":1}]
        200 a > [2,"4","StatusNotification",{"timestamp":"2026-11-22T10:00:06Z","connectorStatus":"Available","evseId":1,"connectorId":1}]
        "#,
    );
    expect![[r#"
        0 a < 101 Switching Protocols ocpp2.0.1
        1 a < [3,"1",{"currentTime":"2026-11-22T10:00:01.000Z","interval":60,"status":"Pending"}]
        2 a < [2,"01a202b2-ccd0-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"StatusNotification"}]
        2 op command TriggerMessage: Queued None None
        4 a < [4,"2","SecurityError","the station waits for its operator's approval",{}]
        5 record message from [2,"3","StatusNotification",{"timestamp":"2026-11-22T10:00:05Z","connectorStatus":"Available","evseId":1,"connectorId":1}]
        5 record StatusReported 1.1 Available live true conflict false
        5 record message to [3,"3",{}]
        5 a < [3,"3",{}]
        200 a < [4,"4","SecurityError","the station waits for its operator's approval",{}]
    "#]]
    .assert_eq(&seen);
}

/// A station that waited is approved and asked to boot again, and is accepted then.
#[test]
fn tc_b_31_csms() {
    let mut case = Case::new(Version::V201, config(Onboarding::Pending));
    let seen = case.run(&format!(
        r#"
        : a connect CP1 2.0.1
        {BOOT}
        : op approve CP1
        op TriggerMessage {{"requestedMessage":"BootNotification"}}
        answer {{"status":"Accepted"}}
        BootNotification {{"reason":"Triggered","chargingStation":{{"model":"M","vendorName":"V"}}}}
        connector Available
        "#
    ));
    expect![[r#"
        < 101 Switching Protocols ocpp2.0.1
        BootNotification: {"currentTime":"2026-11-22T10:00:02.000Z","interval":60,"status":"Pending"}
        op register CP1: Ok([Ok(())])
        < TriggerMessage {"requestedMessage":"BootNotification"}
        op TriggerMessage: Answered {"status":"Accepted"}
        BootNotification: {"currentTime":"2026-11-22T10:00:06.000Z","interval":300,"status":"Accepted"}
        StatusNotification: {}
        NotifyEvent: {}
    "#]].assert_eq(&seen);
}

const NETWORK_PROFILE: &str = r#"op SetNetworkProfile {"configurationSlot":1,"connectionData":{"ocppVersion":"OCPP20","ocppTransport":"JSON","ocppCsmsUrl":"wss://csms.example/ocpp","messageTimeout":30,"securityProfile":2,"ocppInterface":"Wired0"}}"#;

/// A network profile goes to the station with every member the operator gave.
#[test]
fn tc_b_42_csms() {
    let script = format!("{NETWORK_PROFILE}\nanswer {{\"status\":\"Accepted\"}}");
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < SetNetworkProfile {"configurationSlot":1,"connectionData":{"ocppVersion":"OCPP20","ocppTransport":"JSON","ocppCsmsUrl":"wss://csms.example/ocpp","messageTimeout":30,"securityProfile":2,"ocppInterface":"Wired0"}}
        op SetNetworkProfile: Answered {"status":"Accepted"}
    "#]],
    );
}

/// A network profile that the station could not use is shown as such.
#[test]
fn tc_b_44_csms() {
    let script = format!("{NETWORK_PROFILE}\nanswer {{\"status\":\"Failed\"}}");
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < SetNetworkProfile {"configurationSlot":1,"connectionData":{"ocppVersion":"OCPP20","ocppTransport":"JSON","ocppCsmsUrl":"wss://csms.example/ocpp","messageTimeout":30,"securityProfile":2,"ocppInterface":"Wired0"}}
        op SetNetworkProfile: Answered {"status":"Failed"}
    "#]],
    );
}

/// Offers versions on one socket after the other, none of which is known here on the first two.
fn versions_offered(no_common_version: NoCommonVersion) -> String {
    let offering = |at: u32, name: &str, header: &str| {
        format!(
            r"{at} {name} raw GET /CP1 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{header}\r\n"
        )
    };
    let mut world = World::new(Config {
        no_common_version,
        ..config(Onboarding::Open)
    });
    world.run(&format!(
        "0 op register CP1\n{}\n{}\n{}\n{}",
        offering(1, "a", r"Sec-WebSocket-Protocol: ocpp0.1\r\n"),
        offering(2, "b", ""),
        offering(3, "c", r"Sec-WebSocket-Protocol: ocpp0.1,ocpp2.0.1\r\n"),
        offering(4, "d", r"Sec-WebSocket-Protocol: ocpp0.1, ocpp2.1\r\n"),
    ))
}

/// Of several versions the one is chosen that is known here, and named in the answer. Where none is, the case, which the
/// errata of 2025-04 added, expects no upgrade.
#[test]
fn tc_b_58_csms() {
    expect![[r#"
        0 op register CP1: Ok([Ok(())])
        1 a < 400 Bad Request
        1 a ended
        2 b < 400 Bad Request
        2 b ended
        3 c < 101 Switching Protocols ocpp2.0.1
        4 c < close 1008 replaced by a newer connection
        4 c ended
        4 d < 101 Switching Protocols ocpp2.1
    "#]]
    .assert_eq(&versions_offered(NoCommonVersion::Refused));
}

/// Part 4 §3.1.2 demands that the handshake is completed without the header and the connection closed at once. No station
/// is served either way, and the text of the standard stands above that of its tests.
#[test]
fn of_several_versions_the_known_one_is_chosen() {
    expect![[r#"
        0 op register CP1: Ok([Ok(())])
        1 a < 101 Switching Protocols
        1 a < close 1002 no common subprotocol, offered here: ocpp2.1, ocpp2.0.1, ocpp1.6
        1 a ended
        2 b < 101 Switching Protocols
        2 b < close 1002 no common subprotocol, offered here: ocpp2.1, ocpp2.0.1, ocpp1.6
        2 b ended
        3 c < 101 Switching Protocols ocpp2.0.1
        4 c < close 1008 replaced by a newer connection
        4 c ended
        4 d < 101 Switching Protocols ocpp2.1
    "#]]
    .assert_eq(&versions_offered(NoCommonVersion::default()));
}
