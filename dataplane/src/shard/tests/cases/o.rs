//! Block O, display messages: set, asked for, cleared.

use expect_test::expect;

use super::{BOOTED, ENERGY_TRANSFER_STARTED, check};

/// Asks for messages, and is told of one or of none.
fn asked(filter: &str, answer: &str) -> String {
    let told = match answer {
        "Accepted" => {
            r#"NotifyDisplayMessages {"requestId":7,"messageInfo":[{"id":1,"priority":"NormalCycle","message":{"format":"UTF8","content":"Hello"}}]}"#
        }
        _ => "",
    };
    format!(
        "op GetDisplayMessages {{\"requestId\":7{filter}}}\nanswer {{\"status\":\"{answer}\"}}\n{told}\n"
    )
}

/// A message with what the operator says about it in `more`.
fn set(more: &str, answer: &str) -> String {
    format!(
        "op SetDisplayMessage {{\"message\":{{\"id\":1,\"priority\":\"NormalCycle\"{more},\"message\":{{\"format\":\"UTF8\",\"content\":\"Hello\"}}}}}}\nanswer {{\"status\":\"{answer}\"}}\n"
    )
}

/// In one state of the station.
#[test]
fn tc_o_01_csms() {
    let script = set(r#","state":"Idle""#, "Accepted");
    check(
        &[BOOTED],
        &script,
        expect![[r#"
            < SetDisplayMessage {"message":{"id":1,"priority":"NormalCycle","state":"Idle","message":{"format":"UTF8","content":"Hello"}}}
            op SetDisplayMessage: Answered {"status":"Accepted"}
        "#]],
    );
}

/// All there are.
#[test]
fn tc_o_02_csms() {
    check(
        &[BOOTED],
        &asked("", "Accepted"),
        expect![[r#"
        < GetDisplayMessages {"requestId":7}
        op GetDisplayMessages: Answered {"status":"Accepted"}
        NotifyDisplayMessages: {}
    "#]],
    );
}

/// There is none.
#[test]
fn tc_o_03_csms() {
    check(
        &[BOOTED],
        &asked("", "Unknown"),
        expect![[r#"
        < GetDisplayMessages {"requestId":7}
        op GetDisplayMessages: Answered {"status":"Unknown"}
    "#]],
    );
}

fn cleared(answer: &str) -> String {
    format!("op ClearDisplayMessage {{\"id\":1}}\nanswer {{\"status\":\"{answer}\"}}\n")
}

/// One goes.
#[test]
fn tc_o_04_csms() {
    let script = set("", "Accepted") + &cleared("Accepted");
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < SetDisplayMessage {"message":{"id":1,"priority":"NormalCycle","message":{"format":"UTF8","content":"Hello"}}}
        op SetDisplayMessage: Answered {"status":"Accepted"}
        < ClearDisplayMessage {"id":1}
        op ClearDisplayMessage: Answered {"status":"Accepted"}
    "#]],
    );
}

/// One that is not there cannot go.
#[test]
fn tc_o_05_csms() {
    check(
        &[BOOTED],
        &cleared("Unknown"),
        expect![[r#"
        < ClearDisplayMessage {"id":1}
        op ClearDisplayMessage: Answered {"status":"Unknown"}
    "#]],
    );
}

/// For the driver of a transaction.
#[test]
fn tc_o_06_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        &set(r#","transactionId":"T1""#, "Accepted"),
        expect![[r#"
            < SetDisplayMessage {"message":{"id":1,"priority":"NormalCycle","transactionId":"T1","message":{"format":"UTF8","content":"Hello"}}}
            op SetDisplayMessage: Answered {"status":"Accepted"}
        "#]],
    );
}

/// By number.
#[test]
fn tc_o_07_csms() {
    check(
        &[BOOTED],
        &asked(r#","id":[1]"#, "Accepted"),
        expect![[r#"
            < GetDisplayMessages {"requestId":7,"id":[1]}
            op GetDisplayMessages: Answered {"status":"Accepted"}
            NotifyDisplayMessages: {}
        "#]],
    );
}

/// By priority.
#[test]
fn tc_o_08_csms() {
    let script = asked(r#","priority":"NormalCycle""#, "Accepted");
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < GetDisplayMessages {"requestId":7,"priority":"NormalCycle"}
        op GetDisplayMessages: Answered {"status":"Accepted"}
        NotifyDisplayMessages: {}
    "#]],
    );
}

/// By the state of the station in which they are shown.
#[test]
fn tc_o_09_csms() {
    let script = asked(r#","state":"Charging""#, "Accepted");
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < GetDisplayMessages {"requestId":7,"state":"Charging"}
        op GetDisplayMessages: Answered {"status":"Accepted"}
        NotifyDisplayMessages: {}
    "#]],
    );
}

/// For a transaction that the station does not know.
#[test]
fn tc_o_10_csms() {
    let script = set(r#","transactionId":"none""#, "UnknownTransaction");
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < SetDisplayMessage {"message":{"id":1,"priority":"NormalCycle","transactionId":"none","message":{"format":"UTF8","content":"Hello"}}}
        op SetDisplayMessage: Answered {"status":"UnknownTransaction"}
    "#]],
    );
}

/// By a number that no message has, where there is another.
#[test]
fn tc_o_11_csms() {
    let script = set("", "Accepted") + &asked(r#","id":[2]"#, "Unknown");
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < SetDisplayMessage {"message":{"id":1,"priority":"NormalCycle","message":{"format":"UTF8","content":"Hello"}}}
        op SetDisplayMessage: Answered {"status":"Accepted"}
        < GetDisplayMessages {"requestId":7,"id":[2]}
        op GetDisplayMessages: Answered {"status":"Unknown"}
    "#]],
    );
}

/// In the place of another.
#[test]
fn tc_o_12_csms() {
    let script = set("", "Accepted") + &set("", "Accepted").replace("Hello", "Welcome");
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < SetDisplayMessage {"message":{"id":1,"priority":"NormalCycle","message":{"format":"UTF8","content":"Hello"}}}
        op SetDisplayMessage: Answered {"status":"Accepted"}
        < SetDisplayMessage {"message":{"id":1,"priority":"NormalCycle","message":{"format":"UTF8","content":"Welcome"}}}
        op SetDisplayMessage: Answered {"status":"Accepted"}
    "#]],
    );
}

/// From a moment on.
#[test]
fn tc_o_13_csms() {
    let script = set(r#","startDateTime":"2026-11-22T11:00:00Z""#, "Accepted");
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < SetDisplayMessage {"message":{"id":1,"priority":"NormalCycle","startDateTime":"2026-11-22T11:00:00Z","message":{"format":"UTF8","content":"Hello"}}}
        op SetDisplayMessage: Answered {"status":"Accepted"}
    "#]],
    );
}

/// Until a moment.
#[test]
fn tc_o_14_csms() {
    let script = set(r#","endDateTime":"2026-11-22T11:00:00Z""#, "Accepted");
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < SetDisplayMessage {"message":{"id":1,"priority":"NormalCycle","endDateTime":"2026-11-22T11:00:00Z","message":{"format":"UTF8","content":"Hello"}}}
        op SetDisplayMessage: Answered {"status":"Accepted"}
    "#]],
    );
}

/// The station has no such priority.
#[test]
fn tc_o_17_csms() {
    check(
        &[BOOTED],
        &set("", "NotSupportedPriority"),
        expect![[r#"
            < SetDisplayMessage {"message":{"id":1,"priority":"NormalCycle","message":{"format":"UTF8","content":"Hello"}}}
            op SetDisplayMessage: Answered {"status":"NotSupportedPriority"}
        "#]],
    );
}

/// The station knows no such state.
#[test]
fn tc_o_18_csms() {
    let script = set(r#","state":"Faulted""#, "NotSupportedState");
    check(
        &[BOOTED],
        &script,
        expect![[r#"
        < SetDisplayMessage {"message":{"id":1,"priority":"NormalCycle","state":"Faulted","message":{"format":"UTF8","content":"Hello"}}}
        op SetDisplayMessage: Answered {"status":"NotSupportedState"}
    "#]],
    );
}

/// The station shows no such format.
#[test]
fn tc_o_19_csms() {
    check(
        &[BOOTED],
        &set("", "NotSupportedMessageFormat"),
        expect![[r#"
            < SetDisplayMessage {"message":{"id":1,"priority":"NormalCycle","message":{"format":"UTF8","content":"Hello"}}}
            op SetDisplayMessage: Answered {"status":"NotSupportedMessageFormat"}
        "#]],
    );
}

/// While the station charges.
#[test]
fn tc_o_25_csms() {
    let script = set(r#","state":"Charging""#, "Accepted");
    check(
        &[BOOTED],
        &script,
        expect![[r#"
            < SetDisplayMessage {"message":{"id":1,"priority":"NormalCycle","state":"Charging","message":{"format":"UTF8","content":"Hello"}}}
            op SetDisplayMessage: Answered {"status":"Accepted"}
        "#]],
    );
}

/// The station takes none.
#[test]
fn tc_o_26_csms() {
    check(
        &[BOOTED],
        &set("", "Rejected"),
        expect![[r#"
            < SetDisplayMessage {"message":{"id":1,"priority":"NormalCycle","message":{"format":"UTF8","content":"Hello"}}}
            op SetDisplayMessage: Answered {"status":"Rejected"}
        "#]],
    );
}

/// For the driver of a transaction, from a moment on.
#[test]
fn tc_o_27_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        &set(
            r#","startDateTime":"2026-11-22T11:00:00Z","transactionId":"T1""#,
            "Accepted",
        ),
        expect![[r#"
            < SetDisplayMessage {"message":{"id":1,"priority":"NormalCycle","startDateTime":"2026-11-22T11:00:00Z","transactionId":"T1","message":{"format":"UTF8","content":"Hello"}}}
            op SetDisplayMessage: Answered {"status":"Accepted"}
        "#]],
    );
}

/// For the driver of a transaction, until a moment.
#[test]
fn tc_o_28_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        &set(
            r#","endDateTime":"2026-11-22T11:00:00Z","transactionId":"T1""#,
            "Accepted",
        ),
        expect![[r#"
            < SetDisplayMessage {"message":{"id":1,"priority":"NormalCycle","endDateTime":"2026-11-22T11:00:00Z","transactionId":"T1","message":{"format":"UTF8","content":"Hello"}}}
            op SetDisplayMessage: Answered {"status":"Accepted"}
        "#]],
    );
}
