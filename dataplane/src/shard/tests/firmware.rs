//! The course of a firmware update, as its command shows it.

use expect_test::{Expect, expect};

use super::follow::courses;
use super::world::{World, config};
use crate::config::Onboarding;

/// What the courses have come to after a script.
pub(super) fn check(script: &str, expected: Expect) {
    let mut world = World::new(config(Onboarding::Open));
    world.run(script);
    expected.assert_eq(&courses(&mut world));
}

pub(super) const BOOT: &str = r#"
    0 a connect CP1 2.0.1
    1 a > [2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V","firmwareVersion":"1.0"}}]
"#;

const UPDATE: &str = r#"
    5 op command CP1 UpdateFirmware {"requestId":1,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z"}}
    6 a answers {"status":"Accepted"}
"#;

/// Statuses from second 10 on.
fn told(request_id: u32, course: &[&str]) -> String {
    let line = |(at, status): (usize, &&str)| {
        format!(
            "{} a > [2,\"{request_id}-{at}\",\"FirmwareStatusNotification\",{{\"status\":\"{status}\",\"requestId\":{request_id}}}]\n",
            10 + at
        )
    };
    course.iter().enumerate().map(line).collect()
}

#[test]
fn the_boot_of_a_new_version_ends_an_update() {
    let course = told(
        1,
        &[
            "Downloading",
            "Downloaded",
            "Installing",
            "InstallRebooting",
        ],
    );
    let boot = |version: &str| {
        format!(
            r#"
            20 a drops
            21 b connect CP1 2.0.1
            22 b > [2,"2","BootNotification",{{"reason":"FirmwareUpdate","chargingStation":{{"model":"M","vendorName":"V","firmwareVersion":"{version}"}}}}]
            "#
        )
    };
    check(
        &[BOOT, UPDATE, &course, &boot("2.0")].concat(),
        expect![[r#"
            UpdateFirmware answered: 5 messages, 0 again, missing [], done
              FirmwareStatusNotification {"requestId":1,"status":"Downloading"}
              FirmwareStatusNotification {"requestId":1,"status":"Downloaded"}
              FirmwareStatusNotification {"requestId":1,"status":"Installing"}
              FirmwareStatusNotification {"requestId":1,"status":"InstallRebooting"}
              BootNotification {"firmwareVersion":"2.0"}
        "#]],
    );
    // The old version says nothing about it.
    check(
        &[BOOT, UPDATE, &course, &boot("1.0")].concat(),
        expect![[r#"
            UpdateFirmware answered: 4 messages, 0 again, missing [], running
              FirmwareStatusNotification {"requestId":1,"status":"Downloading"}
              FirmwareStatusNotification {"requestId":1,"status":"Downloaded"}
              FirmwareStatusNotification {"requestId":1,"status":"Installing"}
              FirmwareStatusNotification {"requestId":1,"status":"InstallRebooting"}
        "#]],
    );
    // Nothing was being installed.
    check(
        &[BOOT, UPDATE, &told(1, &["Downloading"]), &boot("2.0")].concat(),
        expect![[r#"
            UpdateFirmware answered: 1 messages, 0 again, missing [], running
              FirmwareStatusNotification {"requestId":1,"status":"Downloading"}
        "#]],
    );
}

#[test]
fn what_is_out_of_order_or_of_another_request_is_kept_and_flagged() {
    let course = told(1, &["Downloading", "Downloaded", "Downloading"]);
    let other = told(9, &["Installing"]).replace("10 a", "15 a");
    let rest = told(1, &["Installing", "Installed"]).replace("\"1-", "\"2-");
    let rest = rest.replace("10 a", "16 a").replace("11 a", "17 a");
    check(
        &[BOOT, UPDATE, &course, &other, &rest].concat(),
        expect![[r#"
            UpdateFirmware answered: 6 messages, 0 again, missing [], done
              FirmwareStatusNotification {"requestId":1,"status":"Downloading"}
              FirmwareStatusNotification {"requestId":1,"status":"Downloaded"}
              FirmwareStatusNotification {"flag":"out_of_order","requestId":1,"status":"Downloading"}
              FirmwareStatusNotification {"flag":"unknown_request","requestId":9,"status":"Installing"}
              FirmwareStatusNotification {"requestId":1,"status":"Installing"}
              FirmwareStatusNotification {"requestId":1,"status":"Installed"}
        "#]],
    );
}

#[test]
fn an_update_that_was_refused_takes_nothing_from_the_one_before_it() {
    let refused = r#"
        15 op command CP1 UpdateFirmware {"requestId":2,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z"}}
        16 a answers {"status":"Rejected"}
    "#;
    let other = told(9, &["Downloaded"]).replace("10 a", "17 a");
    check(
        &[BOOT, UPDATE, &told(1, &["Downloading"]), refused, &other].concat(),
        expect![[r#"
            UpdateFirmware answered: 2 messages, 0 again, missing [], running
              FirmwareStatusNotification {"requestId":1,"status":"Downloading"}
              FirmwareStatusNotification {"flag":"unknown_request","requestId":9,"status":"Downloaded"}
            UpdateFirmware answered: 0 messages, 0 again, missing [], refused
        "#]],
    );
}

#[test]
fn the_statuses_of_1_6_belong_to_the_newest_update() {
    check(
        r#"
        0 a connect CP1
        1 a > [2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M","firmwareVersion":"1.0"}]
        5 op command CP1 UpdateFirmware {"location":"ftp://files.example/fw.bin","retrieveDate":"2026-11-22T10:00:00Z"}
        6 a answers {}
        7 a > [2,"2","FirmwareStatusNotification",{"status":"Downloading"}]
        8 a > [2,"3","FirmwareStatusNotification",{"status":"Idle"}]
        9 a > [2,"4","FirmwareStatusNotification",{"status":"Downloaded"}]
        10 a > [2,"5","FirmwareStatusNotification",{"status":"Installing"}]
        11 a drops
        12 b connect CP1
        13 b > [2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M","firmwareVersion":"2.0"}]
        14 b > [2,"2","FirmwareStatusNotification",{"status":"Installed"}]
        "#,
        expect![[r#"
            UpdateFirmware answered: 6 messages, 0 again, missing [], done
              FirmwareStatusNotification {"status":"Downloading"}
              FirmwareStatusNotification {"status":"Idle"}
              FirmwareStatusNotification {"status":"Downloaded"}
              FirmwareStatusNotification {"status":"Installing"}
              BootNotification {"firmwareVersion":"2.0"}
              FirmwareStatusNotification {"status":"Installed"}
        "#]],
    );
}
