//! Block N, diagnostics: logs and what a station knows about a customer.

use expect_test::expect;

use super::{BOOTED, check};

fn get_log(request_id: u32, kind: &str, answer: &str) -> String {
    format!(
        r#"
        op GetLog {{"logType":"{kind}","requestId":{request_id},"log":{{"remoteLocation":"https://files.example/up"}}}}
        answer {{"status":"{answer}","filename":"log.zip"}}
        "#
    )
}

/// The station tells how far it is.
fn told(request_id: u32, course: &[&str]) -> String {
    let line = |status: &&str| {
        format!("LogStatusNotification {{\"status\":\"{status}\",\"requestId\":{request_id}}}\n")
    };
    course.iter().map(line).collect()
}

/// A log of diagnostics is sent.
#[test]
fn tc_n_25_csms() {
    check(
        &[BOOTED],
        &(get_log(1, "DiagnosticsLog", "Accepted") + &told(1, &["Uploading", "Uploaded"])),
        expect![[r#"
            < GetLog {"logType":"DiagnosticsLog","requestId":1,"log":{"remoteLocation":"https://files.example/up"}}
            op GetLog: Answered {"status":"Accepted","filename":"log.zip"}
            LogStatusNotification: {}
            LogStatusNotification: {}
        "#]],
    );
}

/// Asks for, or clears, what a station knows about whom.
fn customer(report: bool, clear: bool, whom: &str, answer: &str) -> String {
    format!(
        r#"
        op CustomerInformation {{"requestId":3,"report":{report},"clear":{clear},{whom}}}
        answer {{"status":"{answer}"}}
        "#
    )
}

const BY_TOKEN: &str = r#""idToken":{"idToken":"TAG","type":"ISO14443"}"#;
const BY_NAME: &str = r#""customerIdentifier":"OpenChargeAlliance""#;

/// What the station knows, in one part; nothing is kept of it but the frame.
fn reported(data: &str) -> String {
    format!(
        r#"
        : records shown
        NotifyCustomerInformation {{"data":"{data}","seqNo":0,"generatedAt":"$NOW","requestId":3}}
        "#
    )
}

/// The station knows something and says it.
#[test]
fn tc_n_27_csms() {
    check(
        &[BOOTED],
        &(customer(true, false, BY_TOKEN, "Accepted") + &reported("A. Driver")),
        expect![[r#"
            < CustomerInformation {"requestId":3,"report":true,"clear":false,"idToken":{"idToken":"TAG","type":"ISO14443"}}
            op CustomerInformation: Answered {"status":"Accepted"}
            record CommandFollowed NotifyCustomerInformation messages 1 duplicates 0 complete true
            NotifyCustomerInformation: {}
        "#]],
    );
}

/// The station knows nothing and says so.
#[test]
fn tc_n_28_csms() {
    check(
        &[BOOTED],
        &(customer(true, false, BY_TOKEN, "Accepted") + &reported("")),
        expect![[r#"
            < CustomerInformation {"requestId":3,"report":true,"clear":false,"idToken":{"idToken":"TAG","type":"ISO14443"}}
            op CustomerInformation: Answered {"status":"Accepted"}
            record CommandFollowed NotifyCustomerInformation messages 1 duplicates 0 complete true
            NotifyCustomerInformation: {}
        "#]],
    );
}

/// The station will not say.
#[test]
fn tc_n_29_csms() {
    check(
        &[BOOTED],
        &customer(true, false, BY_TOKEN, "Rejected"),
        expect![[r#"
            < CustomerInformation {"requestId":3,"report":true,"clear":false,"idToken":{"idToken":"TAG","type":"ISO14443"}}
            op CustomerInformation: Answered {"status":"Rejected"}
        "#]],
    );
}

/// Something was known, is told and forgotten.
#[test]
fn tc_n_30_csms() {
    check(
        &[BOOTED],
        &(customer(true, true, BY_TOKEN, "Accepted") + &reported("A. Driver")),
        expect![[r#"
            < CustomerInformation {"requestId":3,"report":true,"clear":true,"idToken":{"idToken":"TAG","type":"ISO14443"}}
            op CustomerInformation: Answered {"status":"Accepted"}
            record CommandFollowed NotifyCustomerInformation messages 1 duplicates 0 complete true
            NotifyCustomerInformation: {}
        "#]],
    );
}

/// Nothing was known, which is told.
#[test]
fn tc_n_31_csms() {
    check(
        &[BOOTED],
        &(customer(true, true, BY_TOKEN, "Accepted") + &reported("")),
        expect![[r#"
            < CustomerInformation {"requestId":3,"report":true,"clear":true,"idToken":{"idToken":"TAG","type":"ISO14443"}}
            op CustomerInformation: Answered {"status":"Accepted"}
            record CommandFollowed NotifyCustomerInformation messages 1 duplicates 0 complete true
            NotifyCustomerInformation: {}
        "#]],
    );
}

/// What was known is forgotten, untold: the report only says that it is done.
#[test]
fn tc_n_32_csms() {
    check(
        &[BOOTED],
        &(customer(false, true, BY_TOKEN, "Accepted") + &reported("")),
        expect![[r#"
            < CustomerInformation {"requestId":3,"report":false,"clear":true,"idToken":{"idToken":"TAG","type":"ISO14443"}}
            op CustomerInformation: Answered {"status":"Accepted"}
            record CommandFollowed NotifyCustomerInformation messages 1 duplicates 0 complete true
            NotifyCustomerInformation: {}
        "#]],
    );
}

/// The station will not send a log.
#[test]
fn tc_n_34_csms() {
    check(
        &[BOOTED],
        &get_log(1, "DiagnosticsLog", "Rejected"),
        expect![[r#"
            < GetLog {"logType":"DiagnosticsLog","requestId":1,"log":{"remoteLocation":"https://files.example/up"}}
            op GetLog: Answered {"status":"Rejected","filename":"log.zip"}
        "#]],
    );
}

/// A security log is sent.
#[test]
fn tc_n_35_csms() {
    check(
        &[BOOTED],
        &(get_log(1, "SecurityLog", "Accepted") + &told(1, &["Uploading", "Uploaded"])),
        expect![[r#"
            < GetLog {"logType":"SecurityLog","requestId":1,"log":{"remoteLocation":"https://files.example/up"}}
            op GetLog: Answered {"status":"Accepted","filename":"log.zip"}
            LogStatusNotification: {}
            LogStatusNotification: {}
        "#]],
    );
}

/// A second request takes the place of the first, and each course has its own number.
#[test]
fn tc_n_36_csms() {
    check(
        &[BOOTED],
        &(get_log(1, "DiagnosticsLog", "Accepted")
            + &told(1, &["Uploading"])
            + &get_log(2, "DiagnosticsLog", "AcceptedCanceled")
            + &told(1, &["AcceptedCanceled"])
            + &told(2, &["Uploading", "Uploaded"])),
        expect![[r#"
            < GetLog {"logType":"DiagnosticsLog","requestId":1,"log":{"remoteLocation":"https://files.example/up"}}
            op GetLog: Answered {"status":"Accepted","filename":"log.zip"}
            LogStatusNotification: {}
            < GetLog {"logType":"DiagnosticsLog","requestId":2,"log":{"remoteLocation":"https://files.example/up"}}
            op GetLog: Answered {"status":"AcceptedCanceled","filename":"log.zip"}
            LogStatusNotification: {}
            LogStatusNotification: {}
            LogStatusNotification: {}
        "#]],
    );
}

/// A customer is named by what the operator calls them.
#[test]
fn tc_n_62_csms() {
    check(
        &[BOOTED],
        &(customer(true, true, BY_NAME, "Accepted") + &reported("A. Driver")),
        expect![[r#"
            < CustomerInformation {"requestId":3,"report":true,"clear":true,"customerIdentifier":"OpenChargeAlliance"}
            op CustomerInformation: Answered {"status":"Accepted"}
            record CommandFollowed NotifyCustomerInformation messages 1 duplicates 0 complete true
            NotifyCustomerInformation: {}
        "#]],
    );
}
