//! Block B, lists that are longer than a station takes in one message.

use expect_test::expect;
use ocpp::Version;

use super::{BOOTED, Case, check, config};
use crate::config::Onboarding;

/// Variables by number, as they are asked for and answered.
fn asked(range: std::ops::RangeInclusive<u32>) -> String {
    let items = range
        .map(|n| format!(r#"{{"component":{{"name":"AuthCtrlr"}},"variable":{{"name":"V{n}"}}}}"#));
    items.collect::<Vec<_>>().join(",")
}

fn answered(range: std::ops::RangeInclusive<u32>) -> String {
    let items = range.map(|n| {
        format!(r#"{{"attributeStatus":"Accepted","attributeValue":"{n}","component":{{"name":"AuthCtrlr"}},"variable":{{"name":"V{n}"}}}}"#)
    });
    format!(
        "answer {{\"getVariableResult\":[{}]}}\n",
        items.collect::<Vec<_>>().join(",")
    )
}

/// The station says how many items, or bytes, of an action it takes in one message.
fn limit(component: &str, variable: &str, action: &str, value: u32) -> String {
    let place = format!(
        r#""component":{{"name":"{component}"}},"variable":{{"name":"{variable}","instance":"{action}"}}"#
    );
    format!(
        "op GetVariables {{\"getVariableData\":[{{{place}}}]}}\nanswer {{\"getVariableResult\":[{{\"attributeStatus\":\"Accepted\",\"attributeValue\":\"{value}\",{place}}}]}}\n"
    )
}

/// Five variables of a station that takes four in one request: two requests, and one result.
#[test]
fn tc_b_08_csms() {
    let script = format!(
        "op GetVariables {{\"getVariableData\":[{}]}}\n",
        asked(1..=5)
    ) + &answered(1..=4)
        + &answered(5..=5);
    check(
        &[
            BOOTED,
            &limit("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables", 4),
        ],
        &script,
        expect![[r#"
            < GetVariables {"getVariableData":[{"component":{"name":"AuthCtrlr"},"variable":{"name":"V1"}},{"component":{"name":"AuthCtrlr"},"variable":{"name":"V2"}},{"component":{"name":"AuthCtrlr"},"variable":{"name":"V3"}},{"component":{"name":"AuthCtrlr"},"variable":{"name":"V4"}}]}
            < GetVariables {"getVariableData":[{"component":{"name":"AuthCtrlr"},"variable":{"name":"V5"}}]}
            op GetVariables: Answered {"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"1","component":{"name":"AuthCtrlr"},"variable":{"name":"V1"}},{"attributeStatus":"Accepted","attributeValue":"2","component":{"name":"AuthCtrlr"},"variable":{"name":"V2"}},{"attributeStatus":"Accepted","attributeValue":"3","component":{"name":"AuthCtrlr"},"variable":{"name":"V3"}},{"attributeStatus":"Accepted","attributeValue":"4","component":{"name":"AuthCtrlr"},"variable":{"name":"V4"}},{"attributeStatus":"Accepted","attributeValue":"5","component":{"name":"AuthCtrlr"},"variable":{"name":"V5"}}]}
        "#]],
    );
}

/// As many as it takes go in one request (B06.FR.05), and with bytes it is alike.
#[test]
fn b06_fr_05_the_limit_itself_is_no_excess() {
    let script = format!(
        "op GetVariables {{\"getVariableData\":[{}]}}\n",
        asked(1..=4)
    );
    check(
        &[
            BOOTED,
            &limit("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables", 4),
        ],
        &script,
        expect![[r#"
            < GetVariables {"getVariableData":[{"component":{"name":"AuthCtrlr"},"variable":{"name":"V1"}},{"component":{"name":"AuthCtrlr"},"variable":{"name":"V2"}},{"component":{"name":"AuthCtrlr"},"variable":{"name":"V3"}},{"component":{"name":"AuthCtrlr"},"variable":{"name":"V4"}}]}
        "#]],
    );
    check(
        &[
            BOOTED,
            &limit("DeviceDataCtrlr", "BytesPerMessage", "GetVariables", 220),
        ],
        &(script + &answered(1..=2) + &answered(3..=4)),
        expect![[r#"
            < GetVariables {"getVariableData":[{"component":{"name":"AuthCtrlr"},"variable":{"name":"V1"}},{"component":{"name":"AuthCtrlr"},"variable":{"name":"V2"}}]}
            < GetVariables {"getVariableData":[{"component":{"name":"AuthCtrlr"},"variable":{"name":"V3"}},{"component":{"name":"AuthCtrlr"},"variable":{"name":"V4"}}]}
            op GetVariables: Answered {"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"1","component":{"name":"AuthCtrlr"},"variable":{"name":"V1"}},{"attributeStatus":"Accepted","attributeValue":"2","component":{"name":"AuthCtrlr"},"variable":{"name":"V2"}},{"attributeStatus":"Accepted","attributeValue":"3","component":{"name":"AuthCtrlr"},"variable":{"name":"V3"}},{"attributeStatus":"Accepted","attributeValue":"4","component":{"name":"AuthCtrlr"},"variable":{"name":"V4"}}]}
        "#]],
    );
}

/// B05.FR.11: what is set is cut likewise, and what one part is answered counts.
#[test]
fn b05_fr_11_variables_are_set_in_parts() {
    check(
        &[
            BOOTED,
            &limit("DeviceDataCtrlr", "ItemsPerMessage", "SetVariables", 1),
        ],
        r#"
        op SetVariables {"setVariableData":[{"attributeValue":"1","component":{"name":"AuthCtrlr"},"variable":{"name":"V1"}},{"attributeValue":"2","component":{"name":"AuthCtrlr"},"variable":{"name":"V2"}}]}
        answer {"setVariableResult":[{"attributeStatus":"Rejected","component":{"name":"AuthCtrlr"},"variable":{"name":"V1"}}]}
        answer {"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"AuthCtrlr"},"variable":{"name":"V2"}}]}
        "#,
        expect![[r#"
            < SetVariables {"setVariableData":[{"attributeValue":"1","component":{"name":"AuthCtrlr"},"variable":{"name":"V1"}}]}
            < SetVariables {"setVariableData":[{"attributeValue":"2","component":{"name":"AuthCtrlr"},"variable":{"name":"V2"}}]}
            op SetVariables: Answered {"setVariableResult":[{"attributeStatus":"Rejected","component":{"name":"AuthCtrlr"},"variable":{"name":"V1"}},{"attributeStatus":"Accepted","component":{"name":"AuthCtrlr"},"variable":{"name":"V2"}}]}
        "#]],
    );
}

/// A part that brings no result ends the command, with what the parts before it brought; nothing more is sent.
#[test]
fn a_part_without_result_ends_the_command() {
    let before = [
        BOOTED,
        &limit("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables", 2),
    ];
    let sent = format!(
        "op GetVariables {{\"getVariableData\":[{}]}}\n",
        asked(1..=5)
    ) + &answered(1..=2);
    check(
        &before,
        &format!(
            "{sent}\nrefuse InternalError busy\nop ClearCache {{}}\nanswer {{\"status\":\"Accepted\"}}"
        ),
        expect![[r#"
            < GetVariables {"getVariableData":[{"component":{"name":"AuthCtrlr"},"variable":{"name":"V1"}},{"component":{"name":"AuthCtrlr"},"variable":{"name":"V2"}}]}
            < GetVariables {"getVariableData":[{"component":{"name":"AuthCtrlr"},"variable":{"name":"V3"}},{"component":{"name":"AuthCtrlr"},"variable":{"name":"V4"}}]}
            op GetVariables: Answered {"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"1","component":{"name":"AuthCtrlr"},"variable":{"name":"V1"}},{"attributeStatus":"Accepted","attributeValue":"2","component":{"name":"AuthCtrlr"},"variable":{"name":"V2"}}]}") Some(("InternalError", "busy"))
            < ClearCache {}
            op ClearCache: Answered {"status":"Accepted"}
        "#]],
    );
    check(
        &before,
        &format!("{sent}\nwait 40"),
        expect![[r#"
        < GetVariables {"getVariableData":[{"component":{"name":"AuthCtrlr"},"variable":{"name":"V1"}},{"component":{"name":"AuthCtrlr"},"variable":{"name":"V2"}}]}
        < GetVariables {"getVariableData":[{"component":{"name":"AuthCtrlr"},"variable":{"name":"V3"}},{"component":{"name":"AuthCtrlr"},"variable":{"name":"V4"}}]}
        op GetVariables: Sent None None
    "#]],
    );
    check(
        &before,
        &format!("{sent}\n: a drops"),
        expect![[r#"
        < GetVariables {"getVariableData":[{"component":{"name":"AuthCtrlr"},"variable":{"name":"V1"}},{"component":{"name":"AuthCtrlr"},"variable":{"name":"V2"}}]}
        < GetVariables {"getVariableData":[{"component":{"name":"AuthCtrlr"},"variable":{"name":"V3"}},{"component":{"name":"AuthCtrlr"},"variable":{"name":"V4"}}]}
        op GetVariables: Unknown {"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"1","component":{"name":"AuthCtrlr"},"variable":{"name":"V1"}},{"attributeStatus":"Accepted","attributeValue":"2","component":{"name":"AuthCtrlr"},"variable":{"name":"V2"}}]}
    "#]],
    );
}

/// Another command that waits comes between two parts.
#[test]
fn others_come_between_parts() {
    let sent = format!(
        "op GetVariables {{\"getVariableData\":[{}]}}\n",
        asked(1..=2)
    );
    check(
        &[
            BOOTED,
            &limit("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables", 1),
        ],
        &format!(
            "{sent}\nop ClearCache {{}}\n{}answer {{\"status\":\"Accepted\"}}\n{}",
            answered(1..=1),
            answered(2..=2)
        ),
        expect![[r#"
            < GetVariables {"getVariableData":[{"component":{"name":"AuthCtrlr"},"variable":{"name":"V1"}}]}
            < ClearCache {}
            < GetVariables {"getVariableData":[{"component":{"name":"AuthCtrlr"},"variable":{"name":"V2"}}]}
            op ClearCache: Answered {"status":"Accepted"}
            op GetVariables: Answered {"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"1","component":{"name":"AuthCtrlr"},"variable":{"name":"V1"}},{"attributeStatus":"Accepted","attributeValue":"2","component":{"name":"AuthCtrlr"},"variable":{"name":"V2"}}]}
        "#]],
    );
}

/// 1.6 §9.1.9: keys beyond `GetConfigurationMaxKeys` go in another request.
#[test]
fn keys_of_1_6_are_asked_for_in_parts() {
    let mut case = Case::new(Version::V16, config(Onboarding::Open));
    case.prepare(": a connect CP1");
    case.prepare(r#"BootNotification {"chargePointVendor":"V","chargePointModel":"M"}"#);
    let seen = case.run(
        r#"
        op GetConfiguration {"key":["GetConfigurationMaxKeys"]}
        answer {"configurationKey":[{"key":"GetConfigurationMaxKeys","readonly":true,"value":"2"}]}
        op GetConfiguration {"key":["A","B","C"]}
        answer {"configurationKey":[{"key":"A","readonly":false,"value":"1"}],"unknownKey":["B"]}
        answer {"unknownKey":["C"]}
        "#,
    );
    expect![[r#"
        < GetConfiguration {"key":["GetConfigurationMaxKeys"]}
        op GetConfiguration: Answered {"configurationKey":[{"key":"GetConfigurationMaxKeys","readonly":true,"value":"2"}]}
        < GetConfiguration {"key":["A","B"]}
        < GetConfiguration {"key":["C"]}
        op GetConfiguration: Answered {"configurationKey":[{"key":"A","readonly":false,"value":"1"}],"unknownKey":["B","C"]}
    "#]].assert_eq(&seen);
}
