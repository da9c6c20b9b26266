//! How courses end, and which of them go on: statuses that were lost, refusals, commands that take another's place, reports
//! that are made anew.

use expect_test::expect;

use super::firmware::{BOOT, check};
use super::follow::courses;
use super::world::{World, config};
use crate::config::Onboarding;

const BOOT_16: &str = r#"
    0 a connect CP1
    1 a > [2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M","firmwareVersion":"1.0"}]
"#;

fn command(at: u32, command: &str, answer: &str) -> String {
    format!(
        "{at} op command CP1 {command}\n{} a answers {answer}\n",
        at + 1
    )
}

/// Statuses a second apart from `at` on; of the request, if that is not 0.
fn told(at: usize, action: &str, request_id: u32, statuses: &[&str]) -> String {
    let id = match request_id {
        0 => String::new(),
        id => format!(r#","requestId":{id}"#),
    };
    let line = |(n, status): (usize, &&str)| {
        format!(
            "{0} a > [2,\"t{0}\",\"{action}\",{{\"status\":\"{status}\"{id}}}]\n",
            at + n
        )
    };
    statuses.iter().enumerate().map(line).collect()
}

const UPDATE_16: &str =
    r#"UpdateFirmware {"location":"ftp://files/fw","retrieveDate":"2026-11-22T10:00:00Z"}"#;

fn update(request_id: u32) -> String {
    format!(
        r#"UpdateFirmware {{"requestId":{request_id},"firmware":{{"location":"https://files/fw","retrieveDateTime":"2026-11-22T10:00:00Z"}}}}"#
    )
}

fn signed_update(request_id: u32) -> String {
    format!(
        r#"SignedUpdateFirmware {{"requestId":{request_id},"firmware":{{"location":"https://files/fw","retrieveDateTime":"2026-11-22T10:00:00Z","signingCertificate":"C","signature":"c2ln"}}}}"#
    )
}

fn log(request_id: u32) -> String {
    format!(
        r#"GetLog {{"logType":"DiagnosticsLog","requestId":{request_id},"log":{{"remoteLocation":"https://files"}}}}"#
    )
}

fn publish(request_id: u32) -> String {
    format!(
        r#"PublishFirmware {{"requestId":{request_id},"location":"https://files/fw","checksum":"00000000000000000000000000000000"}}"#
    )
}

const ACCEPTED: &str = r#"{"status":"Accepted"}"#;

/// The last lines that a course has, of which the first is the command's own.
fn state_of(script: &str) -> String {
    let mut world = World::new(config(Onboarding::Open));
    world.run(script);
    let shown = courses(&mut world);
    let first = shown.lines().find(|line| !line.starts_with(' '));
    let first = first.unwrap_or_default();
    assert!(!shown.contains("flag"), "{shown}");
    first.rsplit(", ").next().unwrap().to_owned()
}

/// The lines of the courses that are the commands' own.
fn states(world: &mut World) -> Vec<String> {
    let shown = courses(world);
    let own = shown.lines().filter(|line| !line.starts_with(' '));
    own.map(str::to_owned).collect()
}

/// L01.FR.01, N01.FR.08: what a later status implies need not have come.
#[test]
fn a_status_that_was_lost_on_its_way_does_not_stop_its_course() {
    let ways = [
        (
            BOOT_16,
            UPDATE_16.to_owned(),
            "{}",
            "FirmwareStatusNotification",
            0,
        ),
        (
            BOOT_16,
            signed_update(3),
            ACCEPTED,
            "SignedFirmwareStatusNotification",
            3,
        ),
        (BOOT, update(3), ACCEPTED, "FirmwareStatusNotification", 3),
    ];
    for (boot, asked, answer, action, id) in ways {
        for statuses in [
            &["Downloading", "Installing", "Installed"][..],
            &["Downloading", "Installed"],
            &["Downloaded", "Installed"],
            &["Installed"],
        ] {
            let script = [
                boot,
                &command(2, &asked, answer),
                &told(4, action, id, statuses),
            ];
            assert_eq!(state_of(&script.concat()), "done", "{action} {statuses:?}");
        }
    }
    for (asked, action, end) in [
        (log(3), "LogStatusNotification", "Uploaded"),
        (publish(3), "PublishFirmwareStatusNotification", "Published"),
    ] {
        let script = [
            BOOT,
            &command(2, &asked, ACCEPTED),
            &told(4, action, 3, &[end]),
        ];
        assert_eq!(state_of(&script.concat()), "done", "{action}");
    }
}

/// The boot of another version ends an update also where the status of its installation is lost.
#[test]
fn a_boot_of_a_new_version_ends_an_update_that_was_fetched() {
    check(
        &[
            BOOT,
            &command(2, &update(3), ACCEPTED),
            &told(4, "FirmwareStatusNotification", 3, &["Downloading", "Downloaded"]),
            r#"
            7 a drops
            8 a connect CP1 2.0.1
            9 a > [2,"9","BootNotification",{"reason":"FirmwareUpdate","chargingStation":{"model":"M","vendorName":"V","firmwareVersion":"2.0"}}]
            "#,
        ]
        .concat(),
        expect![[r#"
            UpdateFirmware answered: 3 messages, 0 again, missing [], done
              FirmwareStatusNotification {"requestId":3,"status":"Downloading"}
              FirmwareStatusNotification {"requestId":3,"status":"Downloaded"}
              BootNotification {"firmwareVersion":"2.0"}
        "#]],
    );
}

/// 1.6 §4.5 and §5.17: `Idle` answers a question, and is nothing of an update or an upload that is over.
#[test]
fn idle_neither_opens_nor_ends_a_course() {
    let idle = |action: &str| told(10, action, 0, &["Idle", "Idle"]);
    let firmware = idle("FirmwareStatusNotification");
    let refused = format!("2 op command CP1 {UPDATE_16}\n3 a refuses NotSupported no\n");
    check(
        &[BOOT_16, &refused, &firmware].concat(),
        expect![[r#"
            UpdateFirmware answered: 0 messages, 0 again, missing [], refused
        "#]],
    );
    let over = [
        BOOT_16,
        &command(2, UPDATE_16, "{}"),
        &told(4, "FirmwareStatusNotification", 0, &["Installed"]),
    ]
    .concat();
    check(
        &[&over, &firmware].map(String::as_str).concat(),
        expect![[r#"
            UpdateFirmware answered: 1 messages, 0 again, missing [], done
              FirmwareStatusNotification {"status":"Installed"}
        "#]],
    );
    let diagnostics = command(2, r#"GetDiagnostics {"location":"ftp://files"}"#, "{}");
    check(
        &[
            BOOT_16,
            &diagnostics,
            &idle("DiagnosticsStatusNotification"),
        ]
        .concat(),
        expect![[r#"
            GetDiagnostics answered: 0 messages, 0 again, missing [], empty
        "#]],
    );
}

/// L01.FR.30, N01.FR.10: a new attempt is of the same course, whatever came of the one before.
#[test]
fn a_new_attempt_opens_its_course_again() {
    let ways = [
        (
            BOOT,
            update(3),
            ACCEPTED,
            "FirmwareStatusNotification",
            "DownloadFailed",
            "Downloading",
            "Installed",
        ),
        (
            BOOT_16,
            UPDATE_16.to_owned(),
            "{}",
            "FirmwareStatusNotification",
            "DownloadFailed",
            "Downloading",
            "Installed",
        ),
        (
            BOOT,
            publish(3),
            ACCEPTED,
            "PublishFirmwareStatusNotification",
            "DownloadFailed",
            "Downloading",
            "Published",
        ),
        (
            BOOT,
            log(3),
            ACCEPTED,
            "LogStatusNotification",
            "UploadFailure",
            "Uploading",
            "Uploaded",
        ),
        (
            BOOT_16,
            r#"GetDiagnostics {"location":"ftp://files"}"#.to_owned(),
            r#"{"fileName":"f"}"#,
            "DiagnosticsStatusNotification",
            "UploadFailed",
            "Uploading",
            "Uploaded",
        ),
    ];
    for (boot, asked, answer, action, failed, again, done) in ways {
        let id = if asked.contains("requestId") { 3 } else { 0 };
        let begun = [boot, &command(2, &asked, answer)].concat();
        let state = |statuses: &[&str]| state_of(&(begun.clone() + &told(4, action, id, statuses)));
        assert_eq!(state(&[again, failed]), "failed", "{action}");
        assert_eq!(state(&[again, failed, failed]), "failed", "{action}");
        assert_eq!(state(&[again, failed, again]), "running", "{action}");
        assert_eq!(state(&[again, failed, again, done]), "done", "{action}");
        assert_eq!(state(&[again, failed, again, failed]), "failed", "{action}");
    }
}

fn part(at: u32, generated: u32, seq_no: u32, tbc: bool) -> String {
    format!(
        "{at} a > [2,\"p{at}\",\"NotifyReport\",{{\"requestId\":7,\"generatedAt\":\"2026-11-22T10:00:{generated:02}Z\",\"seqNo\":{seq_no},\"tbc\":{tbc},\"reportData\":[{{\"component\":{{\"name\":\"C\"}},\"variable\":{{\"name\":\"V{at}\"}},\"variableAttribute\":[{{\"value\":\"1\"}}]}}]}}]\n"
    )
}

/// A report that begins with another first part is another one, and what came before counts no more for it.
#[test]
fn a_report_that_begins_anew_is_not_mixed_with_the_parts_before_it() {
    let asked = command(
        2,
        r#"GetBaseReport {"requestId":7,"reportBase":"FullInventory"}"#,
        ACCEPTED,
    );
    let begun = [
        BOOT.to_owned(),
        asked,
        part(4, 1, 0, true),
        part(5, 2, 1, true),
    ]
    .concat();
    // The first one once more is none.
    let last = part(7, 4, 2, false);
    check(
        &[
            begun.clone(),
            part(6, 1, 0, true).replace("V6", "V4"),
            last.clone(),
        ]
        .concat(),
        expect![[r#"
            GetBaseReport answered: 3 messages, 1 again, missing [], done
              NotifyReport {"generatedAt":"2026-11-22T10:00:01Z","reportData_count":1,"requestId":7,"seqNo":0,"tbc":true}
              NotifyReport {"generatedAt":"2026-11-22T10:00:02Z","reportData_count":1,"requestId":7,"seqNo":1,"tbc":true}
              NotifyReport {"generatedAt":"2026-11-22T10:00:04Z","reportData_count":1,"requestId":7,"seqNo":2,"tbc":false}
        "#]],
    );
    let anew = [begun, part(6, 3, 0, true), last].concat();
    check(
        &anew,
        expect![[r#"
            GetBaseReport answered: 4 messages, 0 again, missing [1], running
              NotifyReport {"generatedAt":"2026-11-22T10:00:01Z","reportData_count":1,"requestId":7,"seqNo":0,"tbc":true}
              NotifyReport {"generatedAt":"2026-11-22T10:00:02Z","reportData_count":1,"requestId":7,"seqNo":1,"tbc":true}
              NotifyReport {"generatedAt":"2026-11-22T10:00:03Z","reportData_count":1,"requestId":7,"seqNo":0,"tbc":true}
              NotifyReport {"generatedAt":"2026-11-22T10:00:04Z","reportData_count":1,"requestId":7,"seqNo":2,"tbc":false}
        "#]],
    );
    check(
        &[anew, part(8, 5, 1, true)].concat(),
        expect![[r#"
            GetBaseReport answered: 5 messages, 0 again, missing [], done
              NotifyReport {"generatedAt":"2026-11-22T10:00:01Z","reportData_count":1,"requestId":7,"seqNo":0,"tbc":true}
              NotifyReport {"generatedAt":"2026-11-22T10:00:02Z","reportData_count":1,"requestId":7,"seqNo":1,"tbc":true}
              NotifyReport {"generatedAt":"2026-11-22T10:00:03Z","reportData_count":1,"requestId":7,"seqNo":0,"tbc":true}
              NotifyReport {"generatedAt":"2026-11-22T10:00:04Z","reportData_count":1,"requestId":7,"seqNo":2,"tbc":false}
              NotifyReport {"generatedAt":"2026-11-22T10:00:05Z","reportData_count":1,"requestId":7,"seqNo":1,"tbc":true}
        "#]],
    );
}

/// L01.FR.24, N01.FR.12: what a station gives up for a newer command has ended.
#[test]
fn a_course_that_its_station_gave_up_is_canceled() {
    let canceled = r#"{"status":"AcceptedCanceled","filename":"f"}"#;
    let updates = [
        BOOT,
        &command(2, &update(1), ACCEPTED),
        &told(4, "FirmwareStatusNotification", 1, &["Downloading"]),
        &command(5, &update(2), r#"{"status":"AcceptedCanceled"}"#),
        // It may say so of the one before.
        &told(7, "FirmwareStatusNotification", 1, &["DownloadFailed"]),
        &told(8, "FirmwareStatusNotification", 2, &["Downloading"]),
    ];
    check(
        &updates.concat(),
        expect![[r#"
            UpdateFirmware answered: 2 messages, 0 again, missing [], canceled
              FirmwareStatusNotification {"requestId":1,"status":"Downloading"}
              FirmwareStatusNotification {"requestId":1,"status":"DownloadFailed"}
            UpdateFirmware answered: 1 messages, 0 again, missing [], running
              FirmwareStatusNotification {"requestId":2,"status":"Downloading"}
        "#]],
    );
    // Also one that said nothing yet, and one of the same number.
    for (first, second) in [(1, 2), (1, 1)] {
        let logs = [
            BOOT,
            &command(2, &log(first), ACCEPTED),
            &command(5, &log(second), canceled),
            &told(
                8,
                "LogStatusNotification",
                second,
                &["Uploading", "Uploaded"],
            ),
        ];
        let mut world = World::new(config(Onboarding::Open));
        world.run(&logs.concat());
        let states = states(&mut world);
        assert_eq!(
            states,
            [
                "GetLog answered: 0 messages, 0 again, missing [], canceled",
                "GetLog answered: 2 messages, 0 again, missing [], done"
            ]
        );
    }
}

/// N01.FR.20: the station's own word for it.
#[test]
fn an_upload_that_says_it_is_canceled_is() {
    let script = [
        BOOT,
        &command(2, &log(1), ACCEPTED),
        &told(
            4,
            "LogStatusNotification",
            1,
            &["Uploading", "AcceptedCanceled"],
        ),
    ];
    assert_eq!(state_of(&script.concat()), "canceled");
}

/// L01.FR.27: what a refused command did not take the place of goes on, also where nothing tells the two apart.
#[test]
fn a_refused_command_takes_nothing_over_from_the_one_before() {
    let refused = format!("5 op command CP1 {UPDATE_16}\n6 a refuses InternalError busy\n");
    check(
        &[
            BOOT_16,
            &command(2, UPDATE_16, "{}"),
            &told(4, "FirmwareStatusNotification", 0, &["Downloading"]),
            &refused,
            &told(
                7,
                "FirmwareStatusNotification",
                0,
                &["Downloaded", "Installed"],
            ),
        ]
        .concat(),
        expect![[r#"
            UpdateFirmware answered: 3 messages, 0 again, missing [], done
              FirmwareStatusNotification {"status":"Downloading"}
              FirmwareStatusNotification {"status":"Downloaded"}
              FirmwareStatusNotification {"status":"Installed"}
            UpdateFirmware answered: 0 messages, 0 again, missing [], refused
        "#]],
    );
    for (asked, action, statuses) in [
        (
            update(1),
            "FirmwareStatusNotification",
            ["Downloading", "Installed"],
        ),
        (log(1), "LogStatusNotification", ["Uploading", "Uploaded"]),
    ] {
        let script = [
            BOOT,
            &command(2, &asked, ACCEPTED),
            &told(4, action, 1, &statuses[..1]),
            &command(5, &asked, r#"{"status":"Rejected"}"#),
            &told(7, action, 1, &statuses[1..]),
        ];
        let mut world = World::new(config(Onboarding::Open));
        world.run(&script.concat());
        world.run("9 restart");
        let states = states(&mut world);
        let [first, second] = &states[..] else {
            panic!("{states:?}")
        };
        assert!(
            first.ends_with(": 2 messages, 0 again, missing [], done"),
            "{first}"
        );
        assert!(
            second.ends_with(": 0 messages, 0 again, missing [], refused"),
            "{second}"
        );
    }
    // The parts of a report come to the one that was accepted.
    let report = r#"GetBaseReport {"requestId":7,"reportBase":"FullInventory"}"#;
    check(
        &[
            BOOT,
            &command(2, report, ACCEPTED),
            &part(4, 1, 0, true),
            &command(5, report, r#"{"status":"Rejected"}"#),
            &part(7, 2, 1, false),
        ]
        .concat(),
        expect![[r#"
            GetBaseReport answered: 2 messages, 0 again, missing [], done
              NotifyReport {"generatedAt":"2026-11-22T10:00:01Z","reportData_count":1,"requestId":7,"seqNo":0,"tbc":true}
              NotifyReport {"generatedAt":"2026-11-22T10:00:02Z","reportData_count":1,"requestId":7,"seqNo":1,"tbc":false}
            GetBaseReport answered: 0 messages, 0 again, missing [], refused
        "#]],
    );
}

/// L03.FR.04: where published firmware is to be had stands beside its command.
#[test]
fn l03_fr_04_the_places_of_published_firmware_are_shown() {
    check(
        &[
            BOOT,
            &command(2, &publish(3), ACCEPTED),
            r#"4 a > [2,"4","PublishFirmwareStatusNotification",{"status":"Published","requestId":3,"location":["http://10.0.0.2/fw","ftp://10.0.0.2/fw"]}]"#,
        ]
        .concat(),
        expect![[r#"
            PublishFirmware answered: 1 messages, 0 again, missing [], done
              PublishFirmwareStatusNotification {"location":["http://10.0.0.2/fw","ftp://10.0.0.2/fw"],"requestId":3,"status":"Published"}
        "#]],
    );
    let location = |len: usize| format!("\"http://{}\"", "a".repeat(len - 7));
    let many = vec![location(512); 5].join(",");
    let mut world = World::new(config(Onboarding::Open));
    world.run(
        &[
            BOOT,
            &command(2, &publish(3), ACCEPTED),
            &format!(
                r#"4 a > [2,"4","PublishFirmwareStatusNotification",{{"status":"Published","requestId":3,"location":[{many}]}}]"#
            ),
        ]
        .concat(),
    );
    assert_eq!(courses(&mut world).matches("http://a").count(), 4);
}

/// A command and what its station says of it under the same number, or none, as the next of its kind would.
struct Way {
    boot: &'static str,
    asked: String,
    accepted: &'static str,
    action: &'static str,
    id: u32,
    statuses: [&'static str; 3],
}

fn ways() -> [Way; 4] {
    let update_statuses = ["Downloading", "Downloaded", "Installed"];
    let upload_statuses = ["Uploading", "Uploading", "Uploaded"];
    [
        Way {
            boot: BOOT_16,
            asked: UPDATE_16.to_owned(),
            accepted: "{}",
            action: "FirmwareStatusNotification",
            id: 0,
            statuses: update_statuses,
        },
        Way {
            boot: BOOT_16,
            asked: r#"GetDiagnostics {"location":"ftp://files"}"#.to_owned(),
            accepted: r#"{"fileName":"f"}"#,
            action: "DiagnosticsStatusNotification",
            id: 0,
            statuses: upload_statuses,
        },
        Way {
            boot: BOOT,
            asked: update(1),
            accepted: ACCEPTED,
            action: "FirmwareStatusNotification",
            id: 1,
            statuses: update_statuses,
        },
        Way {
            boot: BOOT,
            asked: log(1),
            accepted: ACCEPTED,
            action: "LogStatusNotification",
            id: 1,
            statuses: upload_statuses,
        },
    ]
}

/// How a command ends at second 7 that went out at 5, if not at its deadline: what the station is called from then on, the state
/// of the command, and of its course.
const ENDS: [(&str, &str, &str, &str); 5] = [
    ("", "a", "timeout", "running"),
    (
        "7 a drops\n8 b connect CP1 VERSION\n",
        "b",
        "unknown",
        "running",
    ),
    (
        "7 restart\n8 b connect CP1 VERSION\n",
        "b",
        "unknown",
        "running",
    ),
    ("7 a says [3,\"$ID\"]\n", "a", "answered", "running"),
    (
        "7 a refuses InternalError busy\n",
        "a",
        "answered",
        "refused",
    ),
];

/// The states of two commands, of which the second one went out while the first one went on, with what the station told before
/// the second one ended, and later.
fn two_commands(
    way: &Way,
    end: (&str, &str),
    meanwhile: &[&str],
    later: &[&str],
) -> (Vec<String>, Vec<String>) {
    let Way {
        boot,
        asked,
        action,
        id,
        ..
    } = way;
    let (end, socket) = end;
    let version = if *boot == BOOT_16 { "" } else { "2.0.1" };
    let mut world = World::new(config(Onboarding::Open));
    world.run(boot);
    world.run(&command(2, asked, way.accepted));
    world.run(&told(4, action, *id, &way.statuses[..1]));
    world.run(&format!("5 op command CP1 {asked}"));
    world.run(&told(6, action, *id, meanwhile));
    let on_its_way = states(&mut world);
    world.run(&end.replace("VERSION", version));
    world.run("36 wait");
    for line in told(37, action, *id, later).lines() {
        world.run(&line.replacen(" a ", &format!(" {socket} "), 1));
    }
    (on_its_way, states(&mut world))
}

/// Until a station has agreed to the next one, what it says under their number is of the command that it is at.
#[test]
fn what_comes_while_the_next_command_is_on_its_way_is_of_the_one_before() {
    for way in ways() {
        let name = way.asked.split(' ').next().unwrap();
        for (end, socket, state, course) in ENDS {
            let [_, meanwhile, over] = way.statuses;
            let (on_its_way, after) = two_commands(&way, (end, socket), &[meanwhile], &[over]);
            let first = format!("{name} answered: 2 messages, 0 again, missing [], running");
            assert_eq!(on_its_way[0], first, "{name} {end}");
            let expected = [
                format!("{name} answered: 3 messages, 0 again, missing [], done"),
                format!("{name} {state}: 0 messages, 0 again, missing [], {course}"),
            ];
            assert_eq!(after, expected, "{name} {end}");
        }
        // One that is accepted takes over from there.
        let end = format!("7 a answers {}\n", way.accepted);
        let [begun, meanwhile, over] = way.statuses;
        let (_, after) = two_commands(&way, (&end, "a"), &[meanwhile], &[begun, over]);
        let expected = [
            format!("{name} answered: 2 messages, 0 again, missing [], replaced"),
            format!("{name} answered: 2 messages, 0 again, missing [], done"),
        ];
        assert_eq!(after, expected, "{name}");
    }
}

/// What comes after the end of the one before can only be of the next one, whoever answers for it.
#[test]
fn the_next_command_goes_on_where_the_one_before_has_come_to_its_end() {
    for way in ways() {
        let name = way.asked.split(' ').next().unwrap();
        let accepted = format!("7 a answers {}\n", way.accepted);
        let unanswered = ENDS[..4].iter();
        let ends = unanswered.map(|(end, socket, state, _)| (*end, *socket, *state));
        for (end, socket, state) in ends.chain([(&*accepted, "a", "answered")]) {
            let [begun, _, over] = way.statuses;
            let (_, after) = two_commands(&way, (end, socket), &[over], &[begun]);
            let expected = [
                format!("{name} answered: 2 messages, 0 again, missing [], done"),
                format!("{name} {state}: 1 messages, 0 again, missing [], running"),
            ];
            assert_eq!(after, expected, "{name} {end}");
        }
    }
}

/// A command that nobody answered may have been taken: what comes after the end of the one before can only be of it.
#[test]
fn a_command_that_nobody_answered_goes_on_where_the_one_before_ends_later() {
    for way in ways() {
        let name = way.asked.split(' ').next().unwrap();
        let [begun, _, over] = way.statuses;
        let ends = ENDS.iter().filter(|(.., course)| *course == "running");
        for (end, socket, state, _) in ends {
            let (_, after) = two_commands(&way, (end, socket), &[], &[over, begun]);
            let expected = [
                format!("{name} answered: 2 messages, 0 again, missing [], done"),
                format!("{name} {state}: 1 messages, 0 again, missing [], running"),
            ];
            assert_eq!(after, expected, "{name} {end}");
        }
    }
}

/// A CALL without an answer may have been taken or not: the course before it is told to have ended only by what decides it.
#[test]
fn a_command_that_nobody_answered_takes_nothing_over_from_the_one_before() {
    // How the second one ends, at second 36 or before, and what the station is called from then on.
    let ends = [
        ("", "a", "timeout"),
        ("6 a drops\n7 b connect CP1 VERSION\n", "b", "unknown"),
        ("6 a says [3,\"$ID\"]\n", "a", "answered"),
        ("6 a says [3,\"$ID\",[]]\n", "a", "answered"),
    ];
    for way in ways() {
        let is_16 = way.boot == BOOT_16;
        let Way {
            boot,
            asked,
            accepted,
            action,
            id,
            statuses: [begun, _, over],
        } = way;
        let name = asked.split(' ').next().unwrap();
        for (end, socket, state) in ends {
            let mut world = World::new(config(Onboarding::Open));
            world.run(boot);
            world.run(&command(2, &asked, accepted));
            world.run(&told(4, action, id, &[begun]));
            world.run(&format!("5 op command CP1 {asked}"));
            let first = format!("{name} answered: 1 messages, 0 again, missing [], running");
            assert_eq!(states(&mut world)[0], first, "{asked} on its way");
            world.run(&end.replace("VERSION", if is_16 { "" } else { "2.0.1" }));
            world.run("36 wait");
            let second = format!("{name} {state}: 0 messages, 0 again, missing [], running");
            assert_eq!(states(&mut world), [first, second.clone()], "{asked} {end}");
            let rest = told(37, action, id, &[over]);
            world.run(&rest.replace("37 a", &format!("37 {socket}")));
            let first = format!("{name} answered: 2 messages, 0 again, missing [], done");
            assert_eq!(states(&mut world), [first, second], "{asked} {end}");
        }
    }
}

/// Where the two have numbers of their own, the station's messages say which of them it is at.
#[test]
fn what_a_station_says_decides_which_of_two_uploads_it_is_at() {
    let begun = [
        BOOT,
        &command(2, &log(1), ACCEPTED),
        &told(4, "LogStatusNotification", 1, &["Uploading"]),
        &format!("5 op command CP1 {}\n36 wait\n", log(2)),
    ]
    .concat();
    check(
        &[
            &begun,
            &told(37, "LogStatusNotification", 1, &["AcceptedCanceled"]),
            &told(38, "LogStatusNotification", 2, &["Uploading", "Uploaded"]),
        ]
        .map(String::as_str)
        .concat(),
        expect![[r#"
            GetLog answered: 2 messages, 0 again, missing [], canceled
              LogStatusNotification {"requestId":1,"status":"Uploading"}
              LogStatusNotification {"requestId":1,"status":"AcceptedCanceled"}
            GetLog timeout: 2 messages, 0 again, missing [], done
              LogStatusNotification {"requestId":2,"status":"Uploading"}
              LogStatusNotification {"requestId":2,"status":"Uploaded"}
        "#]],
    );
    check(
        &[begun, told(37, "LogStatusNotification", 1, &["Uploaded"])].concat(),
        expect![[r#"
            GetLog answered: 2 messages, 0 again, missing [], done
              LogStatusNotification {"requestId":1,"status":"Uploading"}
              LogStatusNotification {"requestId":1,"status":"Uploaded"}
            GetLog timeout: 0 messages, 0 again, missing [], running
        "#]],
    );
}
