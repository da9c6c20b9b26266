//! Commands: durable, sent once, and ended by the station or by time.

use expect_test::expect;
use ocpp::Instant;

use super::scripts::check;
use super::world::{World, config};
use crate::config::Onboarding;

#[test]
fn a_command_is_durable_then_sent_then_answered_by_the_station() {
    check(
        r#"
        0 a connect CP1
        1 disk holds
        1 op command CP1 wait Reset {"type":"Soft"}
        2 disk goes
        3 a answers {"status":"Accepted"}
        4 op command CP1 wait UnlockConnector {"connectorId":1}
        5 a refuses NotSupported no lock here
        6 op command CP1 wait ClearCache {}
        7 a answers []
        8 a > [3,"nobody-asked",{}]
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            2 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","Reset",{"type":"Soft"}]
            3 op command Reset: Answered Some("{\"status\":\"Accepted\"}") None
            4 a < [2,"01a202b2-d4a0-729f-8f13-5767524794fb","UnlockConnector",{"connectorId":1}]
            5 op command UnlockConnector: Answered None Some(("NotSupported", "no lock here"))
            6 a < [2,"01a202b2-dc70-7223-8824-5a58bc0906fb","ClearCache",{}]
            7 op command ClearCache: Answered None Some(("FormatViolation", "the station's answer is no JSON object"))
        "#]],
    );
}

/// How late a command is at its socket is counted of those that had the line: behind another it waits for the station.
#[test]
fn a_command_behind_another_is_not_late_of_ours() {
    let mut world = World::new(config(Onboarding::Open));
    world.run(
        r#"
        0 a connect CP1
        1 op command CP1 ClearCache {}
        1 op command CP1 Reset {"type":"Soft"}
        2 a answers {"status":"Accepted"}
        3 a answers {"status":"Accepted"}
        4 op command CP9 ClearCache {}
        "#,
    );
    let second = 1_000_000_000_u64;
    let mut left = |safe_at: u64, now: u64| {
        let (shard, now) = (&mut world.shard, Instant(now * second));
        shard.commands_left(Instant(safe_at * second), || now);
        let counted = &shard.tally.counters.command_latency;
        (counted.counts.iter().sum::<u64>(), counted.sum_us)
    };
    assert_eq!(left(7, 9), (1, 2_000_000));
    assert_eq!(left(9, 20), (1, 2_000_000));
}

#[test]
fn a_command_that_no_record_can_hold_is_refused() {
    let mut world = World::new(config(Onboarding::Open));
    let mut command = |len: usize| {
        let data = "x".repeat(len - r#"{"vendorId":"V","data":""}"#.len());
        let line = format!(r#"0 op command CP1 DataTransfer {{"vendorId":"V","data":"{data}"}}"#);
        world.run(&format!("0 op register CP1\n{line}"))
    };
    let refused = "payload has 524289 bytes, at most 524288 are allowed";
    assert!(!command(512 << 10).contains("payload has"));
    assert!(command((512 << 10) + 1).contains(refused));
}

#[test]
fn commands_end_in_the_state_that_tells_what_is_known() {
    check(
        r#"
        0 a connect CP1
        0 a drops
        1 op command CP1 wait Reset {"type":"Soft"}
        2 op command CP1 wait Reset {"type":"Medium"}
        3 op command CP9 wait Reset {"type":"Soft"}
        4 b connect CP1
        5 op command CP1 Reset {"type":"Soft"}
        40 op command CP1 Reset {"type":"Hard"}
        41 b drops
        42 records shown
        42 c connect CP1
        43 op command CP1 ChangeConfiguration {"key":"AuthorizationKey","value":"0123456789abcdef"}
        44 restart
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 op command Reset: Offline None None
            2 op command Reset: Ok(Err(Invalid("PropertyConstraintViolation: /type: found \"Medium\", expected one of Hard, Soft")))
            3 op command Reset: Ok(Err(UnknownStation))
            4 b < 101 Switching Protocols ocpp1.6
            5 b < [2,"01a202b2-d888-729f-8f13-5767524794fb","Reset",{"type":"Soft"}]
            5 op command Reset: Queued None None
            40 b < [2,"01a202b3-6140-7223-8824-5a58bc0906fb","Reset",{"type":"Hard"}]
            40 op command Reset: Queued None None
            42 c < 101 Switching Protocols ocpp1.6
            42 record Connected first_seen false
            43 record StationPasswords 1
            43 record CommandChanged ChangeConfiguration queued {"key":"AuthorizationKey","value":"***"}
            43 c < [2,"01a202b3-6cf8-7d6d-b745-1c67e937a43b","ChangeConfiguration",{"key":"AuthorizationKey","value":"0123456789abcdef"}]
            43 record message to [2,"01a202b3-6cf8-7d6d-b745-1c67e937a43b","ChangeConfiguration",{"key":"AuthorizationKey","value":"***"}]
            43 record CommandChanged ChangeConfiguration sent {"key":"AuthorizationKey","value":"***"}
            43 op command ChangeConfiguration: Queued None None
            44 c ended
            44 record Disconnected server stopped
            44 record CommandChanged ChangeConfiguration unknown {"key":"AuthorizationKey","value":"***"}
        "#]],
    );
}

/// The time of the first is no other's, whichever of them is the shorter, and the station's own calls go on beside it.
#[test]
fn each_command_in_line_has_its_own_time_from_when_it_is_sent() {
    check(
        r#"
        0 a connect CP1
        1 op command CP1 wait within=5 Reset {"type":"Soft"}
        1 op command CP1 wait within=10 ClearCache {}
        1 op command CP1 wait within=60 GetLocalListVersion {}
        1 op command CP1 wait within=2 UnlockConnector {"connectorId":1}
        5 a > [2,"1","Heartbeat",{}]
        7 a > [2,"2","Heartbeat",{}]
        8 a > [3,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb",{"status":"Accepted"}]
        15 a > [2,"3","Heartbeat",{}]
        17 a answers {"listVersion":3}
        40 wait
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","Reset",{"type":"Soft"}]
            5 a < [3,"1",{"currentTime":"2026-11-22T10:00:05.000Z"}]
            6 a < [2,"01a202b2-c8e8-729f-8f13-5767524794fb","ClearCache",{}]
            6 op command Reset: Timeout None Some(("Timeout", "no answer within 5 s"))
            7 a < [3,"2",{"currentTime":"2026-11-22T10:00:07.000Z"}]
            15 a < [3,"3",{"currentTime":"2026-11-22T10:00:15.000Z"}]
            16 a < [2,"01a202b2-c8e8-7223-8824-5a58bc0906fb","GetLocalListVersion",{}]
            16 op command ClearCache: Timeout None Some(("Timeout", "no answer within 10 s"))
            17 a < [2,"01a202b2-c8e8-7d6d-b745-1c67e937a43b","UnlockConnector",{"connectorId":1}]
            17 op command GetLocalListVersion: Answered Some("{\"listVersion\":3}") None
            19 op command UnlockConnector: Timeout None Some(("Timeout", "no answer within 2 s"))
        "#]],
    );
}

#[test]
fn each_part_of_a_command_has_its_time() {
    let data =
        |name: &str| format!(r#"{{"component":{{"name":"C"}},"variable":{{"name":"{name}"}}}}"#);
    let answer = |name: &str| {
        let data = data(name);
        let data = data.strip_suffix('}').unwrap();
        format!(
            r#"{{"getVariableResult":[{data},"attributeStatus":"Accepted","attributeValue":"1"}}]}}"#
        )
    };
    let (a, b, c) = (data("A"), data("B"), data("C"));
    check(
        &format!(
            r#"
            0 a connect CP1 2.0.1
            1 a > [2,"2","NotifyReport",{{"requestId":1,"generatedAt":"2026-11-22T10:00:00Z","seqNo":0,"reportData":[{{"component":{{"name":"DeviceDataCtrlr"}},"variable":{{"name":"ItemsPerMessage","instance":"GetVariables"}},"variableAttribute":[{{"value":"1"}}]}}]}}]
            1 a answers {{"status":"NotImplemented"}}
            2 op command CP1 wait within=5 GetVariables {{"getVariableData":[{a},{b},{c}]}}
            6 a answers {}
            10 a answers {}
            20 wait
            "#,
            answer("A"),
            answer("B"),
        ),
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.0.1
            1 a < [3,"2",{}]
            1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            2 a < [2,"01a202b2-ccd0-729f-8f13-5767524794fb","GetVariables",{"getVariableData":[{"component":{"name":"C"},"variable":{"name":"A"}}]}]
            6 a < [2,"01a202b2-dc70-7223-8824-5a58bc0906fb","GetVariables",{"getVariableData":[{"component":{"name":"C"},"variable":{"name":"B"}}]}]
            10 a < [2,"01a202b2-ec10-7d6d-b745-1c67e937a43b","GetVariables",{"getVariableData":[{"component":{"name":"C"},"variable":{"name":"C"}}]}]
            15 op command GetVariables: Timeout Some("{\"getVariableResult\":[{\"component\":{\"name\":\"C\"},\"variable\":{\"name\":\"A\"},\"attributeStatus\":\"Accepted\",\"attributeValue\":\"1\"},{\"component\":{\"name\":\"C\"},\"variable\":{\"name\":\"B\"},\"attributeStatus\":\"Accepted\",\"attributeValue\":\"1\"}]}") Some(("Timeout", "no answer within 5 s"))
        "#]],
    );
}

#[test]
fn a_remote_start_waits_for_its_transaction() {
    check(
        r#"
        0 a connect CP1 2.0.1
        1 op start CP1 1
        2 records shown
        2 a > [2,"1","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:02Z","triggerReason":"RemoteStart","seqNo":0,"transactionInfo":{"transactionId":"T1"},"evse":{"id":1},"idToken":{"idToken":"sigec","type":"Central"}}]
        3 op stop
        4 a > [2,"2","TransactionEvent",{"eventType":"Ended","timestamp":"2026-11-22T10:00:04Z","triggerReason":"RemoteStop","seqNo":1,"transactionInfo":{"transactionId":"T1","stoppedReason":"Remote"}}]
        5 op start CP1 1
        36 op transactions CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.0.1
            1 a < [2,"01a202b2-c8e8-73f1-a6b2-33e3ef2852bb","RequestStartTransaction",{"evseId":1,"idToken":{"idToken":"sigec","type":"Central"},"remoteStartId":1592498451}]
            2 record message from [2,"1","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:02Z","triggerReason":"RemoteStart","seqNo":0,"transactionInfo":{"transactionId":"T1"},"evse":{"id":1},"idToken":{"idToken":"sigec","type":"Central"}}]
            2 record TransactionEvent kind 1 gap 0 offline false conflict false state 1
            2 record message to [3,"1",{"idTokenInfo":{"status":"Accepted"}}]
            2 record CommandChanged TriggerMessage queued {"requestedMessage":"BootNotification"}
            2 a < [3,"1",{"idTokenInfo":{"status":"Accepted"}}]
            2 op start CP1 1: Begun Active energy None
            3 record CommandChanged RequestStopTransaction queued {"transactionId":"T1"}
            4 record message from [2,"2","TransactionEvent",{"eventType":"Ended","timestamp":"2026-11-22T10:00:04Z","triggerReason":"RemoteStop","seqNo":1,"transactionInfo":{"transactionId":"T1","stoppedReason":"Remote"}}]
            4 record TransactionEvent kind 3 gap 0 offline false conflict false state 2
            4 record message to [3,"2",{}]
            4 a < [3,"2",{}]
            4 op stop: Ended Ended energy None
            5 record StartTokens 2
            5 record CommandChanged RequestStartTransaction queued {"evseId":1,"idToken":{"idToken":"3defd2a51d4ec9aa2167ddd13be693f6","type":"Central"},"remoteStartId":1328180124}
            31 a < [2,"01a202b2-ccd0-76db-803c-fa3144de5d7b","TriggerMessage",{"requestedMessage":"BootNotification"}]
            31 record CommandChanged RequestStartTransaction timeout {"evseId":1,"idToken":{"idToken":"3defd2a51d4ec9aa2167ddd13be693f6","type":"Central"},"remoteStartId":1592498451}
            31 record message to [2,"01a202b2-ccd0-76db-803c-fa3144de5d7b","TriggerMessage",{"requestedMessage":"BootNotification"}]
            31 record CommandChanged TriggerMessage sent {"requestedMessage":"BootNotification"}
            35 op start CP1 1: Waiting(Queued None None
            36 transaction T1 on 1.0: ended estimated ? kWh - Remote
        "#]],
    );
}

/// A station whose answer got lost has one password or the other. It comes in with either, and once it has come in with the new
/// one with that alone. What is known of it outlives the server, also one that was killed while it waited for the answer.
#[test]
fn a_password_that_may_have_been_taken_lets_its_station_in() {
    const OLD: &str = "old-0123456789abcdef";
    const NEW: &str = "new-0123456789abcdef";
    let named = r#""component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}"#;
    let set = [
        format!(r#"SetVariables {{"setVariableData":[{{"attributeValue":"{NEW}",{named}}}]}}"#),
        format!(r#"ChangeConfiguration {{"key":"AuthorizationKey","value":"{NEW}"}}"#),
    ];
    let says = |status: &str| {
        [
            format!(
                r#"3 a answers {{"setVariableResult":[{{"attributeStatus":"{status}",{named}}}]}}"#
            ),
            format!(r#"3 a answers {{"status":"{status}"}}"#),
        ]
    };
    let both = |answer: &str| [answer.to_owned(), answer.to_owned()];
    for end in [
        "40 a drops",
        "40 restart",
        "40 a drops\n41 restart\n42 restart",
    ] {
        let statuses = |before: &str, answers: [String; 2]| {
            let versions = ["2.0.1", "1.6"].iter().zip(&set).zip(answers);
            let mut of_each = versions.map(|((version, set), answer)| {
                let mut world = World::new(config(Onboarding::Closed));
                world.run(&format!(
                    "0 op register CP1 {OLD}\n1 a connect CP1 {version} password={OLD}\n2 op command CP1 {set}"
                ));
                world.run(&format!("{answer}\n{end}\n{before}"));
                let mut seen = String::new();
                for (conn, password) in [
                    ("b", OLD),
                    ("c", "guess-0123456789abc"),
                    ("d", NEW),
                    ("e", OLD),
                ] {
                    let line =
                        world.run(&format!("90 {conn} connect CP1 {version} password={password}"));
                    let is_in = line.contains(" 101 ");
                    assert!(is_in || line.contains(" 401 "), "{line}");
                    seen += if is_in { "in " } else { "out " };
                    if is_in {
                        world.run(&format!("90 {conn} drops"));
                    }
                }
                seen
            });
            let (new, old) = (of_each.next().unwrap(), of_each.next().unwrap());
            assert_eq!(new, old, "{end}");
            new
        };
        let doubt = "in out in out ";
        assert_eq!(statuses("", both("3 wait")), doubt, "{end}");
        assert_eq!(statuses("", both("35 wait")), doubt, "it timed out, {end}");
        assert_eq!(statuses("", says("RebootRequired")), doubt, "{end}");
        assert_eq!(statuses("", both(r#"3 a says [3,"$ID"]"#)), doubt, "{end}");
        assert_eq!(statuses("", both("3 a answers []")), doubt, "{end}");
        assert_eq!(statuses("", both("3 a answers {}")), doubt, "{end}");
        let refused = "in out out in ";
        assert_eq!(statuses("", says("Rejected")), refused, "{end}");
        let error = both("3 a refuses InternalError no");
        assert_eq!(statuses("", error), refused, "{end}");
        assert_eq!(statuses("", says("Accepted")), "out out in out ", "{end}");
        // What another variable of the call needs says nothing of the password.
        let other = r#""component":{"name":"SecurityCtrlr"},"variable":{"name":"Identity"}"#;
        let several = |own: &str, of_other: &str| {
            let [_, of_16] = says(own);
            let own = format!(r#"{{"attributeStatus":"{own}",{named}}}"#);
            let of_other = format!(r#"{{"attributeStatus":"{of_other}",{other}}}"#);
            [
                format!(r#"3 a answers {{"setVariableResult":[{own},{of_other}]}}"#),
                of_16,
            ]
        };
        let waits_for_another = several("Rejected", "RebootRequired");
        assert_eq!(statuses("", waits_for_another), refused, "{end}");
        assert_eq!(statuses("", several("RebootRequired", "Rejected")), doubt);
        // Whatever an operator says holds from then on, and another station of the name has nothing of the one before.
        let none = statuses("50 op passwordless CP1", both("3 wait"));
        assert_eq!(none, "in in in in ", "{end}");
        let other = format!("50 op delete CP1\n51 op register CP1 {OLD}");
        assert_eq!(statuses(&other, both("3 wait")), refused, "{end}");
    }
}

/// Two new passwords, of which the first was never answered: the station may have either, and comes in without one that its
/// operator has not meant it to have.
#[test]
fn a_command_that_never_went_out_gives_no_password() {
    const OLD: &str = "old-0123456789abcdef";
    let set = |n: u32| {
        format!(
            r#"op command CP1 SetVariables {{"setVariableData":[{{"attributeValue":"new-{n}-3456789abcdef","component":{{"name":"SecurityCtrlr"}},"variable":{{"name":"BasicAuthPassword"}}}}]}}"#
        )
    };
    let mut world = World::new(config(Onboarding::Closed));
    world.run(&format!(
        "0 op register CP1 {OLD}\n1 a connect CP1 2.0.1 password={OLD}\n2 {}\n3 {}\n33 {}\n35 a drops\n36 restart",
        set(1),
        set(2),
        set(3),
    ));
    // The first timed out, the second was out when the connection broke, and the third waited behind it.
    for (n, is_in) in [(3, false), (1, true), (3, false)] {
        let seen = world.run(&format!(
            "40 b connect CP1 2.0.1 password=new-{n}-3456789abcdef"
        ));
        assert_eq!(seen.contains(" 101 "), is_in, "{n}: {seen}");
        if is_in {
            world.run("40 b drops");
        }
    }
}

/// A01.FR.09: a station that waits for approval goes on waiting when it takes a password.
#[test]
fn a_station_that_waits_does_not_approve_itself_by_taking_a_password() {
    const NEW: &str = "new-0123456789abcdef";
    let variable =
        r#""component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}"#;
    let ways = [
        (
            "2.0.1",
            format!(
                r#"SetVariables {{"setVariableData":[{{"attributeValue":"{NEW}",{variable}}}]}}"#
            ),
            format!(r#"{{"setVariableResult":[{{"attributeStatus":"Accepted",{variable}}}]}}"#),
        ),
        (
            "1.6",
            format!(r#"ChangeConfiguration {{"key":"AuthorizationKey","value":"{NEW}"}}"#),
            r#"{"status":"Accepted"}"#.to_owned(),
        ),
    ];
    for (version, set, answer) in ways {
        let mut world = World::new(config(Onboarding::Pending));
        world.run(&format!(
            "1 a connect CP1 {version}\n2 op command CP1 {set}\n3 a answers {answer}\n4 a drops"
        ));
        let nobody = world.run(&format!("5 b connect CP1 {version}"));
        assert!(nobody.contains(" 401 "), "{version}: {nobody}");
        let seen = world.run(&format!(
            "6 c connect CP1 {version} password={NEW}\n7 op station CP1"
        ));
        assert!(seen.contains(" 101 "), "{version}: {seen}");
        assert!(
            seen.contains("station CP1: pending online"),
            "{version}: {seen}"
        );
        // Named by nobody, it is still one of those that wait.
        assert!(
            world
                .run("8 op approve CP1\n9 op station CP1")
                .contains(": accepted ")
        );
    }
}
