//! Block L, firmware that a local controller publishes for the stations behind it.

use expect_test::{Expect, expect};

use super::{BOOTED, check};

/// A firmware is published, and the controller tells how far it is.
fn check_published(course: &[&str], expected: Expect) {
    let mut script = String::from(
        r#"
        op PublishFirmware {"location":"https://files.example/fw.bin","checksum":"d41d8cd98f00b204e9800998ecf8427e","requestId":7}
        answer {"status":"Accepted"}
        "#,
    );
    for status in course {
        let location = match *status {
            "Published" => r#","location":["https://lc.local/fw.bin","ftp://lc.local/fw.bin"]"#,
            _ => "",
        };
        script += &format!(
            "PublishFirmwareStatusNotification {{\"status\":\"{status}\"{location},\"requestId\":7}}\n"
        );
    }
    check(&[BOOTED], &(script + "op courses"), expected);
}

/// Fetched, found whole and published.
#[test]
fn tc_l_17_csms() {
    let course = ["Downloading", "Downloaded", "ChecksumVerified", "Published"];
    check_published(
        &course,
        expect![[r#"
            < PublishFirmware {"location":"https://files.example/fw.bin","checksum":"d41d8cd98f00b204e9800998ecf8427e","requestId":7}
            op PublishFirmware: Answered {"status":"Accepted"}
            PublishFirmwareStatusNotification: {}
            PublishFirmwareStatusNotification: {}
            PublishFirmwareStatusNotification: {}
            PublishFirmwareStatusNotification: {}
            PublishFirmware answered: 4 messages, 0 again, missing [], done
              PublishFirmwareStatusNotification {"requestId":7,"status":"Downloading"}
              PublishFirmwareStatusNotification {"requestId":7,"status":"Downloaded"}
              PublishFirmwareStatusNotification {"requestId":7,"status":"ChecksumVerified"}
              PublishFirmwareStatusNotification {"location":["https://lc.local/fw.bin","ftp://lc.local/fw.bin"],"requestId":7,"status":"Published"}
        "#]],
    );
}

/// What was fetched is not what the checksum is of.
#[test]
fn tc_l_19_csms() {
    let course = ["Downloading", "Downloaded", "InvalidChecksum"];
    check_published(
        &course,
        expect![[r#"
            < PublishFirmware {"location":"https://files.example/fw.bin","checksum":"d41d8cd98f00b204e9800998ecf8427e","requestId":7}
            op PublishFirmware: Answered {"status":"Accepted"}
            PublishFirmwareStatusNotification: {}
            PublishFirmwareStatusNotification: {}
            PublishFirmwareStatusNotification: {}
            PublishFirmware answered: 3 messages, 0 again, missing [], failed
              PublishFirmwareStatusNotification {"requestId":7,"status":"Downloading"}
              PublishFirmwareStatusNotification {"requestId":7,"status":"Downloaded"}
              PublishFirmwareStatusNotification {"requestId":7,"status":"InvalidChecksum"}
        "#]],
    );
}

/// Found whole, and not published.
#[test]
fn tc_l_20_csms() {
    let course = [
        "Downloading",
        "Downloaded",
        "ChecksumVerified",
        "PublishFailed",
    ];
    check_published(
        &course,
        expect![[r#"
            < PublishFirmware {"location":"https://files.example/fw.bin","checksum":"d41d8cd98f00b204e9800998ecf8427e","requestId":7}
            op PublishFirmware: Answered {"status":"Accepted"}
            PublishFirmwareStatusNotification: {}
            PublishFirmwareStatusNotification: {}
            PublishFirmwareStatusNotification: {}
            PublishFirmwareStatusNotification: {}
            PublishFirmware answered: 4 messages, 0 again, missing [], failed
              PublishFirmwareStatusNotification {"requestId":7,"status":"Downloading"}
              PublishFirmwareStatusNotification {"requestId":7,"status":"Downloaded"}
              PublishFirmwareStatusNotification {"requestId":7,"status":"ChecksumVerified"}
              PublishFirmwareStatusNotification {"requestId":7,"status":"PublishFailed"}
        "#]],
    );
}

/// It could not be fetched.
#[test]
fn tc_l_24_csms() {
    check_published(
        &["Downloading", "DownloadFailed"],
        expect![[r#"
            < PublishFirmware {"location":"https://files.example/fw.bin","checksum":"d41d8cd98f00b204e9800998ecf8427e","requestId":7}
            op PublishFirmware: Answered {"status":"Accepted"}
            PublishFirmwareStatusNotification: {}
            PublishFirmwareStatusNotification: {}
            PublishFirmware answered: 2 messages, 0 again, missing [], failed
              PublishFirmwareStatusNotification {"requestId":7,"status":"Downloading"}
              PublishFirmwareStatusNotification {"requestId":7,"status":"DownloadFailed"}
        "#]],
    );
}

fn check_unpublished(answer: &str, expected: Expect) {
    let script = format!(
        "op UnpublishFirmware {{\"checksum\":\"d41d8cd98f00b204e9800998ecf8427e\"}}\nanswer {{\"status\":\"{answer}\"}}"
    );
    check(&[BOOTED], &script, expected);
}

/// It is served no more.
#[test]
fn tc_l_21_csms() {
    check_unpublished(
        "Unpublished",
        expect![[r#"
        < UnpublishFirmware {"checksum":"d41d8cd98f00b204e9800998ecf8427e"}
        op UnpublishFirmware: Answered {"status":"Unpublished"}
    "#]],
    );
}

/// It never was.
#[test]
fn tc_l_22_csms() {
    check_unpublished(
        "NoFirmware",
        expect![[r#"
        < UnpublishFirmware {"checksum":"d41d8cd98f00b204e9800998ecf8427e"}
        op UnpublishFirmware: Answered {"status":"NoFirmware"}
    "#]],
    );
}

/// A station fetches it just now.
#[test]
fn tc_l_23_csms() {
    check_unpublished(
        "DownloadOngoing",
        expect![[r#"
        < UnpublishFirmware {"checksum":"d41d8cd98f00b204e9800998ecf8427e"}
        op UnpublishFirmware: Answered {"status":"DownloadOngoing"}
    "#]],
    );
}
