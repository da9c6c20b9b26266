//! The rules of the RPC layer (OCPP-J 1.6 chapter 4, Part 4 of 2.0.1 and 2.1), each by its section: `part4_4_1_1_…` is of
//! section 4.1.1, which has the same number in all three.
//!
//! A script runs against a station of each version that the rule is of; those that see the same are shown once. Ids of our
//! calls are shown as `ID1`, `ID2` and so on, in the order in which they go out.

use std::fmt::Write;

use expect_test::{Expect, expect};

use super::world::{World, config};
use crate::config::Onboarding;

const ALL: &[&str] = &["1.6", "2.0.1", "2.1"];
const V2: &[&str] = &["2.0.1", "2.1"];
const V21: &[&str] = &["2.1"];

/// Runs a script on a station that has booted. `$STATUS` is a StatusNotification's payload, `$OTHER` another one's.
fn check(versions: &[&'static str], script: &str, expected: Expect) {
    let mut shown: Vec<(Vec<&str>, String)> = Vec::new();
    for version in versions {
        let is_16 = *version == "1.6";
        let boot = if is_16 {
            r#"{"chargePointVendor":"V","chargePointModel":"M"}"#
        } else {
            r#"{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}"#
        };
        let status = |status: &str| match is_16 {
            true => format!(r#"{{"connectorId":1,"errorCode":"NoError","status":"{status}"}}"#),
            false => format!(
                r#"{{"timestamp":"2026-11-22T10:00:01Z","connectorStatus":"{status}","evseId":1,"connectorId":1}}"#
            ),
        };
        let mut world = World::new(config(Onboarding::Open));
        world.run(&format!(
            "0 a connect CP1 {version}\n0 a > [2,\"boot\",\"BootNotification\",{boot}]"
        ));
        let script = script
            .replace("$STATUS", &status("Available"))
            .replace("$OTHER", &status("Faulted"));
        let seen = run(&mut world, &script);
        match shown.iter_mut().find(|(_, other)| *other == seen) {
            Some((versions, _)) => versions.push(version),
            None => shown.push((vec![version], seen)),
        }
    }
    let mut out = String::new();
    for (versions, seen) in shown {
        write!(out, "{}\n{seen}", versions.join(", ")).unwrap();
    }
    expected.assert_eq(&out);
}

/// What is seen, with the ids of our calls by their numbers; the script has them by these too.
fn run(world: &mut World, script: &str) -> String {
    let mut ids: Vec<String> = Vec::new();
    let mut seen = String::new();
    for line in script.lines() {
        let named = ids.iter().zip(1..).fold(line.to_owned(), |line, (id, n)| {
            line.replace(&format!("$ID{n}"), id)
        });
        let said = world.run(&named);
        for call in said.split(" a < [2,\"").skip(1) {
            let id = &call[..call.find('"').expect("the end of its id")];
            if !ids.iter().any(|known| known == id) {
                ids.push(id.to_owned());
            }
        }
        seen += &said;
    }
    ids.iter().zip(1..).fold(seen, |seen, (id, n)| {
        seen.replace(id.as_str(), &format!("ID{n}"))
    })
}

#[test]
fn part4_4_1_1_one_call_at_a_time() {
    check(
        ALL,
        r#"
        1 op command CP1 ClearCache {}
        1 op command CP1 DataTransfer {"vendorId":"first"}
        2 op command CP1 DataTransfer {"vendorId":"second"}
        3 a answers {"status":"Accepted"}
        4 a refuses InternalError busy
        "#,
        expect![[r#"
            1.6, 2.0.1, 2.1
            1 a < [2,"ID1","ClearCache",{}]
            1 op command ClearCache: Queued None None
            1 op command DataTransfer: Queued None None
            2 op command DataTransfer: Queued None None
            3 a < [2,"ID2","DataTransfer",{"vendorId":"first"}]
            4 a < [2,"ID3","DataTransfer",{"vendorId":"second"}]
        "#]],
    );
}

#[test]
fn part4_4_1_1_a_call_without_answer_times_out_and_the_next_one_goes_out() {
    check(
        ALL,
        r#"
        1 op command CP1 wait ClearCache {}
        2 op command CP1 DataTransfer {"vendorId":"V"}
        61 op command CP1 ClearCache {}
        "#,
        expect![[r#"
            1.6, 2.0.1, 2.1
            1 a < [2,"ID1","ClearCache",{}]
            2 op command DataTransfer: Queued None None
            21 op command ClearCache: Sent None None
            31 a < [2,"ID2","DataTransfer",{"vendorId":"V"}]
            61 a < [2,"ID3","ClearCache",{}]
            61 op command ClearCache: Queued None None
        "#]],
    );
}

#[test]
fn part4_4_1_1_a_late_answer_is_none_to_the_next_call() {
    check(
        ALL,
        r#"
        1 op command CP1 ClearCache {}
        20 op command CP1 wait DataTransfer {"vendorId":"V"}
        32 a > [3,"$ID1",{"status":"Accepted"}]
        33 a > [4,"$ID1","InternalError","late",{}]
        34 a answers {"status":"UnknownVendorId"}
        "#,
        expect![[r#"
            1.6, 2.0.1, 2.1
            1 a < [2,"ID1","ClearCache",{}]
            1 op command ClearCache: Queued None None
            31 a < [2,"ID2","DataTransfer",{"vendorId":"V"}]
            34 op command DataTransfer: Answered Some("{\"status\":\"UnknownVendorId\"}") None
        "#]],
    );
}

#[test]
fn part4_4_1_1_calls_of_both_sides_cross() {
    check(
        ALL,
        r#"
        1 op command CP1 wait ClearCache {}
        2 a > [2,"1","StatusNotification",$STATUS]
        3 a > [2,"2","Heartbeat",{}]
        4 a answers {"status":"Accepted"}
        "#,
        expect![[r#"
            1.6, 2.0.1, 2.1
            1 a < [2,"ID1","ClearCache",{}]
            2 a < [3,"1",{}]
            3 a < [3,"2",{"currentTime":"2026-11-22T10:00:03.000Z"}]
            4 op command ClearCache: Answered Some("{\"status\":\"Accepted\"}") None
        "#]],
    );
}

#[test]
fn part4_4_1_1_a_send_may_come_while_a_call_is_open() {
    check(
        V21,
        r#"
        1 op command CP1 wait ClearCache {}
        2 disk holds
        2 a > [2,"1","StatusNotification",$STATUS]
        2 a > [6,"2","NotifyPeriodicEventStream",{"id":1,"pending":0,"basetime":"2026-11-22T10:00:01Z","data":[{"t":0,"v":"7"}]}]
        3 disk goes
        4 a answers {"status":"Accepted"}
        "#,
        expect![[r#"
            2.1
            1 a < [2,"ID1","ClearCache",{}]
            3 a < [3,"1",{}]
            4 op command ClearCache: Answered Some("{\"status\":\"Accepted\"}") None
        "#]],
    );
}

#[test]
fn part4_4_1_2_what_is_no_json_is_refused_and_the_connection_stays() {
    check(
        ALL,
        r#"
        1 a > [2,"1","Heartbeat",{
        2 a > not a message
        3 a > [2,"2","StatusNotification",{"connectorId":]
        4 a > [2,"3","Heartbeat",{}]
        "#,
        expect![[r#"
            1.6
            1 a < [4,"1","FormationViolation","a CALL has the elements 2, message id, action, payload",{}]
            3 a < [4,"2","FormationViolation","/connectorId: the payload ends at byte 15, expected a number",{}]
            4 a < [3,"3",{"currentTime":"2026-11-22T10:00:04.000Z"}]
            2.0.1, 2.1
            1 a < [4,"1","FormatViolation","a CALL has the elements 2, message id, action, payload",{}]
            2 a < [4,"-1","RpcFrameworkError","not an array of message type, message id and more",{}]
            3 a < [4,"2","FormatViolation","/connectorId: the payload ends at byte 15, expected a number",{}]
            4 a < [3,"3",{"currentTime":"2026-11-22T10:00:04.000Z"}]
        "#]],
    );
}

#[test]
fn part4_4_1_2_text_is_utf_8() {
    check(
        ALL,
        r#"
        1 a > [2,"é","Heartbeat",{}]
        2 a bytes 81 81 00 00 00 00 ff
        "#,
        expect![[r#"
            1.6, 2.0.1, 2.1
            1 a < [3,"é",{"currentTime":"2026-11-22T10:00:01.000Z"}]
            2 a < close 1007 text is not UTF-8
            2 a ended
        "#]],
    );
}

#[test]
fn part4_4_1_3_an_unknown_message_type_is_passed_by() {
    check(
        ALL,
        r#"
        1 a > [7,"1","Heartbeat",{}]
        2 a > [1,"2",{}]
        3 a > [5,"3","GenericError","",{}]
        4 a > [6,"4","NotifyPeriodicEventStream",{}]
        5 a > [2,"5","Heartbeat",{}]
        "#,
        expect![[r#"
            1.6, 2.1
            5 a < [3,"5",{"currentTime":"2026-11-22T10:00:05.000Z"}]
            2.0.1
            1 a < [4,"1","MessageTypeNotSupported","the message type is unknown, expected 2, 3 or 4, and in 2.1 also 5 or 6",{}]
            2 a < [4,"2","MessageTypeNotSupported","the message type is unknown, expected 2, 3 or 4, and in 2.1 also 5 or 6",{}]
            3 a < [4,"3","MessageTypeNotSupported","the message type is unknown, expected 2, 3 or 4, and in 2.1 also 5 or 6",{}]
            4 a < [4,"4","MessageTypeNotSupported","the message type is unknown, expected 2, 3 or 4, and in 2.1 also 5 or 6",{}]
            5 a < [3,"5",{"currentTime":"2026-11-22T10:00:05.000Z"}]
        "#]],
    );
}

#[test]
fn part4_4_1_4_our_message_ids_are_used_once_and_fit() {
    let mut world = World::new(config(Onboarding::Open));
    let mut ids = std::collections::BTreeSet::new();
    for (run, conn) in ["a", "b"].iter().enumerate() {
        for n in 0..20 {
            let at = run * 100 + n;
            let connects = if n == 0 {
                format!("{at} {conn} connect CP1\n")
            } else {
                String::new()
            };
            let seen = world.run(&format!("{connects}{at} op command CP1 ClearCache {{}}"));
            let (_, id) = seen.split_once(" < [2,\"").expect("a call");
            let id = &id[..id.find('"').unwrap()];
            assert!(id.len() <= 36 && ids.insert(id.to_owned()), "{id}");
            world.run(&format!("{at} {conn} answers {{\"status\":\"Accepted\"}}"));
        }
        world.run(&format!("{} restart", run * 100 + 50));
    }
    assert_eq!(ids.len(), 40);
}

#[test]
fn part4_4_1_4_an_answer_has_the_id_of_its_call() {
    check(
        ALL,
        r#"
        1 disk holds
        1 a > [2,"\u0031\"","StatusNotification",$STATUS]
        2 a > [2,"0123456789-0123456789-0123456789-012","DataTransfer",{"vendorId":"V"}]
        3 a > [2,"3","Heartbeat",{"x":1}]
        4 disk goes
        "#,
        expect![[r#"
            1.6
            4 a < [3,"1\"",{}]
            4 a < [3,"0123456789-0123456789-0123456789-012",{"status":"UnknownVendorId"}]
            4 a < [4,"3","FormationViolation","/x: not a property here",{}]
            2.0.1, 2.1
            4 a < [3,"1\"",{}]
            4 a < [3,"0123456789-0123456789-0123456789-012",{"status":"UnknownVendorId"}]
            4 a < [4,"3","FormatViolation","/x: not a property here",{}]
        "#]],
    );
}

#[test]
fn part4_4_1_4_an_id_that_is_too_long_is_refused() {
    check(
        ALL,
        r#"
        1 a > [2,"0123456789-0123456789-0123456789-0123","Heartbeat",{}]
        2 a > [2,"","Heartbeat",{}]
        "#,
        expect![[r#"
            1.6
            1 a < [4,"0123456789-0123456789-0123456789-0123","FormationViolation","the message id is empty or longer than 36 characters",{}]
            2 a < [4,"","FormationViolation","the message id is empty or longer than 36 characters",{}]
            2.0.1, 2.1
            1 a < [4,"0123456789-0123456789-0123456789-0123","FormatViolation","the message id is empty or longer than 36 characters",{}]
            2 a < [4,"","FormatViolation","the message id is empty or longer than 36 characters",{}]
        "#]],
    );
}

#[test]
fn part4_4_1_4_a_call_that_is_said_again_under_its_id_has_one_effect_and_the_same_answer() {
    check(
        ALL,
        r#"
        1 a > [2,"1","StatusNotification",$STATUS]
        1 records shown
        2 a > [2,"1","StatusNotification",$STATUS]
        "#,
        expect![[r#"
            1.6
            1 a < [3,"1",{}]
            2 record message from [2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]
            2 record message to [3,"1",{}]
            2 a < [3,"1",{}]
            2.0.1, 2.1
            1 a < [3,"1",{}]
            2 record message from [2,"1","StatusNotification",{"timestamp":"2026-11-22T10:00:01Z","connectorStatus":"Available","evseId":1,"connectorId":1}]
            2 record message to [3,"1",{}]
            2 a < [3,"1",{}]
        "#]],
    );
}

#[test]
fn part4_4_1_5_a_payload_is_an_object() {
    check(
        ALL,
        r#"
        1 a > [2,"1","Heartbeat",{}]
        2 a > [2,"2","Heartbeat",null]
        3 a > [2,"3","Heartbeat",[]]
        4 a > [2,"4","Heartbeat",""]
        5 a > [2,"5","DataTransfer",{"vendorId":"V","messageId":null}]
        "#,
        expect![[r#"
            1.6
            1 a < [3,"1",{"currentTime":"2026-11-22T10:00:01.000Z"}]
            2 a < [3,"2",{"currentTime":"2026-11-22T10:00:02.000Z"}]
            3 a < [4,"3","FormationViolation","found an array, expected an object",{}]
            4 a < [4,"4","FormationViolation","found a string, expected an object",{}]
            5 a < [3,"5",{"status":"UnknownVendorId"}]
            2.0.1, 2.1
            1 a < [3,"1",{"currentTime":"2026-11-22T10:00:01.000Z"}]
            2 a < [3,"2",{"currentTime":"2026-11-22T10:00:02.000Z"}]
            3 a < [4,"3","FormatViolation","found an array, expected an object",{}]
            4 a < [4,"4","FormatViolation","found a string, expected an object",{}]
            5 a < [3,"5",{"status":"UnknownVendorId"}]
        "#]],
    );
}

#[test]
fn part4_4_1_6_an_action_is_known_by_its_name_and_case() {
    check(
        ALL,
        r#"
        1 a > [2,"1","heartbeat",{}]
        2 a > [2,"2","HeartbeatRequest",{}]
        3 a > [2,"3","Levitate",{}]
        4 a > [2,"4","ClearCache",{}]
        "#,
        expect![[r#"
            1.6
            1 a < [4,"1","NotImplemented","\"heartbeat\" is no action of OCPP 1.6",{}]
            2 a < [4,"2","NotImplemented","\"HeartbeatRequest\" is no action of OCPP 1.6",{}]
            3 a < [4,"3","NotImplemented","\"Levitate\" is no action of OCPP 1.6",{}]
            4 a < [4,"4","NotSupported","ClearCache is not supported here",{}]
            2.0.1
            1 a < [4,"1","NotImplemented","\"heartbeat\" is no action of OCPP 2.0.1",{}]
            2 a < [4,"2","NotImplemented","\"HeartbeatRequest\" is no action of OCPP 2.0.1",{}]
            3 a < [4,"3","NotImplemented","\"Levitate\" is no action of OCPP 2.0.1",{}]
            4 a < [4,"4","NotSupported","ClearCache is not supported here",{}]
            2.1
            1 a < [4,"1","NotImplemented","\"heartbeat\" is no action of OCPP 2.1",{}]
            2 a < [4,"2","NotImplemented","\"HeartbeatRequest\" is no action of OCPP 2.1",{}]
            3 a < [4,"3","NotImplemented","\"Levitate\" is no action of OCPP 2.1",{}]
            4 a < [4,"4","NotSupported","ClearCache is not supported here",{}]
        "#]],
    );
}

#[test]
fn part4_4_1_7_what_is_not_valid_is_answered_with_a_callerror() {
    check(
        ALL,
        r#"
        1 a > [2,"1","StatusNotification",{}]
        2 a > [2,"2","DataTransfer",{"vendorId":7}]
        3 a > [2,"3","DataTransfer",{"vendorId":"V","vendorId":"W"}]
        4 a > [2,"4","DataTransfer",{"vendorId":"V","other":1}]
        "#,
        expect![[r#"
            1.6
            1 a < [4,"1","OccurenceConstraintViolation","/connectorId: required, but missing",{}]
            2 a < [4,"2","TypeConstraintViolation","/vendorId: found a number, expected a string",{}]
            3 a < [4,"3","FormationViolation","/vendorId: stands twice",{}]
            4 a < [4,"4","FormationViolation","/other: not a property here",{}]
            2.0.1, 2.1
            1 a < [4,"1","OccurrenceConstraintViolation","/timestamp: required, but missing",{}]
            2 a < [4,"2","TypeConstraintViolation","/vendorId: found a number, expected a string",{}]
            3 a < [4,"3","FormatViolation","/vendorId: stands twice",{}]
            4 a < [4,"4","FormatViolation","/other: not a property here",{}]
        "#]],
    );
}

#[test]
fn part4_4_2_1_a_call_has_four_elements() {
    check(
        ALL,
        r#"
        1 a > [2,"1","Heartbeat"]
        2 a > [2,"2","Heartbeat",{},{}]
        3 a > [2,3,"Heartbeat",{}]
        4 a > [2]
        "#,
        expect![[r#"
            1.6
            1 a < [4,"1","FormationViolation","a CALL has the elements 2, message id, action, payload",{}]
            2 a < [4,"2","FormationViolation","byte 2 of the payload is ',', expected the end of the payload",{}]
            3 a < [4,"3","FormationViolation","the message id is no string",{}]
            2.0.1, 2.1
            1 a < [4,"1","FormatViolation","a CALL has the elements 2, message id, action, payload",{}]
            2 a < [4,"2","FormatViolation","byte 2 of the payload is ',', expected the end of the payload",{}]
            3 a < [4,"3","FormatViolation","the message id is no string",{}]
            4 a < [4,"-1","RpcFrameworkError","not an array of message type, message id and more",{}]
        "#]],
    );
}

#[test]
fn part4_4_2_2_a_callresult_is_the_stations_own_word() {
    check(
        ALL,
        r#"
        1 op command CP1 wait ClearCache {}
        2 a answers {"status":"Rejected"}
        3 op command CP1 wait ClearCache {}
        4 a says [3,"$ID"]
        5 op command CP1 wait ClearCache {}
        6 a answers {"status":"Perhaps"}
        "#,
        expect![[r#"
            1.6, 2.0.1
            1 a < [2,"ID1","ClearCache",{}]
            2 op command ClearCache: Answered Some("{\"status\":\"Rejected\"}") None
            3 a < [2,"ID2","ClearCache",{}]
            4 op command ClearCache: Answered None Some(("FormatViolation", "the station's answer is no OCPP-J message"))
            5 a < [2,"ID3","ClearCache",{}]
            6 op command ClearCache: Answered Some("{\"status\":\"Perhaps\"}") Some(("PropertyConstraintViolation", "/status: found \"Perhaps\", expected one of Accepted, Rejected"))
            2.1
            1 a < [2,"ID1","ClearCache",{}]
            2 op command ClearCache: Answered Some("{\"status\":\"Rejected\"}") None
            3 a < [2,"ID2","ClearCache",{}]
            4 a < [5,"ID2","FormatViolation","the station's answer is no OCPP-J message",{}]
            4 op command ClearCache: Answered None Some(("FormatViolation", "the station's answer is no OCPP-J message"))
            5 a < [2,"ID3","ClearCache",{}]
            6 a < [5,"ID3","PropertyConstraintViolation","/status: found \"Perhaps\", expected one of Accepted, Rejected",{}]
            6 op command ClearCache: Answered Some("{\"status\":\"Perhaps\"}") Some(("PropertyConstraintViolation", "/status: found \"Perhaps\", expected one of Accepted, Rejected"))
        "#]],
    );
}

#[test]
fn part4_4_2_2_an_answer_to_nothing_and_a_second_answer_are_passed_by() {
    check(
        ALL,
        r#"
        1 a > [3,"nothing",{}]
        2 op command CP1 wait ClearCache {}
        3 a answers {"status":"Accepted"}
        4 a answers {"status":"Rejected"}
        5 a refuses InternalError twice
        6 op command CP1 wait DataTransfer {"vendorId":"V"}
        7 a answers {"status":"UnknownVendorId"}
        "#,
        expect![[r#"
            1.6, 2.0.1, 2.1
            2 a < [2,"ID1","ClearCache",{}]
            3 op command ClearCache: Answered Some("{\"status\":\"Accepted\"}") None
            6 a < [2,"ID2","DataTransfer",{"vendorId":"V"}]
            7 op command DataTransfer: Answered Some("{\"status\":\"UnknownVendorId\"}") None
        "#]],
    );
}

#[test]
fn part4_4_2_3_a_callerror_ends_its_call_with_its_code() {
    check(
        ALL,
        r#"
        1 op command CP1 wait ClearCache {}
        2 a refuses NotSupported no cache
        3 op command CP1 wait ClearCache {}
        4 a says [4,"$ID","NotImplemented"]
        "#,
        expect![[r#"
            1.6, 2.0.1, 2.1
            1 a < [2,"ID1","ClearCache",{}]
            2 op command ClearCache: Answered None Some(("NotSupported", "no cache"))
            3 a < [2,"ID2","ClearCache",{}]
            4 op command ClearCache: Answered None Some(("NotImplemented", ""))
        "#]],
    );
}

#[test]
fn part4_4_2_3_another_call_under_an_id_that_is_being_handled_is_refused() {
    check(
        ALL,
        r#"
        1 disk holds
        1 a > [2,"1","StatusNotification",$STATUS]
        2 a > [2,"1","StatusNotification",$OTHER]
        3 disk goes
        "#,
        expect![[r#"
            1.6, 2.0.1, 2.1
            3 a < [3,"1",{}]
            3 a < [4,"1","ProtocolError","another call with this message id is still unanswered",{}]
        "#]],
    );
}

#[test]
fn part4_4_2_3_a_refusal_of_what_has_no_id_has_the_id_minus_1() {
    check(
        V2,
        r#"
        1 a > {"not":"a message"}
        2 a > [2,null,"Heartbeat",{}]
        3 a > "\u0000[{
        "#,
        expect![[r#"
            2.0.1, 2.1
            1 a < [4,"-1","RpcFrameworkError","not an array of message type, message id and more",{}]
            2 a < [4,"-1","RpcFrameworkError","the message id is no string",{}]
            3 a < [4,"-1","RpcFrameworkError","not an array of message type, message id and more",{}]
        "#]],
    );
}

#[test]
fn part4_4_2_3_an_answer_that_cannot_be_used_is_complained_of() {
    check(
        V21,
        r#"
        1 op command CP1 wait ClearCache {}
        2 a answers {"status":"Perhaps"}
        3 op command CP1 wait ClearCache {}
        4 a answers []
        "#,
        expect![[r#"
            2.1
            1 a < [2,"ID1","ClearCache",{}]
            2 a < [5,"ID1","PropertyConstraintViolation","/status: found \"Perhaps\", expected one of Accepted, Rejected",{}]
            2 op command ClearCache: Answered Some("{\"status\":\"Perhaps\"}") Some(("PropertyConstraintViolation", "/status: found \"Perhaps\", expected one of Accepted, Rejected"))
            3 a < [2,"ID2","ClearCache",{}]
            4 a < [5,"ID2","FormatViolation","the station's answer is no JSON object",{}]
            4 op command ClearCache: Answered None Some(("FormatViolation", "the station's answer is no JSON object"))
        "#]],
    );
}

#[test]
fn part4_4_2_3_a_complaint_about_our_answer_changes_nothing() {
    check(
        V21,
        r#"
        1 a > [2,"1","StatusNotification",$STATUS]
        2 a > [5,"1","TypeConstraintViolation","not so",{}]
        3 a > [5,"nothing","GenericError","",{}]
        4 op command CP1 wait ClearCache {}
        5 a says [5,"$ID","GenericError","",{}]
        6 a answers {"status":"Accepted"}
        "#,
        expect![[r#"
            2.1
            1 a < [3,"1",{}]
            4 a < [2,"ID1","ClearCache",{}]
            6 op command ClearCache: Answered Some("{\"status\":\"Accepted\"}") None
        "#]],
    );
}

#[test]
fn part4_4_2_4_a_send_is_never_answered() {
    check(
        V21,
        r#"
        1 a > [6,"1","NotifyPeriodicEventStream",{"id":1,"pending":0,"basetime":"2026-11-22T10:00:01Z","data":[{"t":0,"v":"7"}]}]
        2 a > [6,"2","NotifyPeriodicEventStream",{}]
        3 a > [6,"3","Heartbeat",{}]
        4 a > [6,"4"]
        5 a > [2,"5","NotifyPeriodicEventStream",{}]
        "#,
        expect![[r#"
            2.1
            5 a < [4,"5","NotSupported","NotifyPeriodicEventStream is not supported here",{}]
        "#]],
    );
}

#[test]
fn part4_4_3_codes_are_those_of_the_version() {
    check(
        ALL,
        r#"
        1 a > [2,"1","DataTransfer",{"vendorId":"V",}]
        2 a > [2,"2","DataTransfer",{}]
        3 a > [2,"3","DataTransfer",{"vendorId":true}]
        4 a > [2,"4","StatusNotification",{"connectorId":-1,"errorCode":"NoError","status":"Available"}]
        5 a > [2,"5","Reset",{}]
        6 a > [2,"6","Fly",{}]
        "#,
        expect![[r#"
            1.6
            1 a < [4,"1","FormationViolation","byte 16 of the payload is '}', expected a value after ','",{}]
            2 a < [4,"2","OccurenceConstraintViolation","/vendorId: required, but missing",{}]
            3 a < [4,"3","TypeConstraintViolation","/vendorId: found a boolean, expected a string",{}]
            4 a < [4,"4","PropertyConstraintViolation","/connectorId: found \"-1\", expected an integer from 0 to 4294967295",{}]
            5 a < [4,"5","NotSupported","Reset is not supported here",{}]
            6 a < [4,"6","NotImplemented","\"Fly\" is no action of OCPP 1.6",{}]
            2.0.1
            1 a < [4,"1","FormatViolation","byte 16 of the payload is '}', expected a value after ','",{}]
            2 a < [4,"2","OccurrenceConstraintViolation","/vendorId: required, but missing",{}]
            3 a < [4,"3","TypeConstraintViolation","/vendorId: found a boolean, expected a string",{}]
            4 a < [4,"4","PropertyConstraintViolation","/connectorId: found \"-1\", expected an integer from 0 to 4294967295",{}]
            5 a < [4,"5","NotSupported","Reset is not supported here",{}]
            6 a < [4,"6","NotImplemented","\"Fly\" is no action of OCPP 2.0.1",{}]
            2.1
            1 a < [4,"1","FormatViolation","byte 16 of the payload is '}', expected a value after ','",{}]
            2 a < [4,"2","OccurrenceConstraintViolation","/vendorId: required, but missing",{}]
            3 a < [4,"3","TypeConstraintViolation","/vendorId: found a boolean, expected a string",{}]
            4 a < [4,"4","PropertyConstraintViolation","/connectorId: found \"-1\", expected an integer from 0 to 4294967295",{}]
            5 a < [4,"5","NotSupported","Reset is not supported here",{}]
            6 a < [4,"6","NotImplemented","\"Fly\" is no action of OCPP 2.1",{}]
        "#]],
    );
}

#[test]
fn part4_7_2_a_signed_message_is_processed_as_what_it_encloses() {
    check(
        ALL,
        r#"
        1 a > [2,"1","Heartbeat-Signed",{"protected":"eyJhbGciOiJFUzI1NiIsIk9DUFBBY3Rpb24iOiJIZWFydGJlYXQiLCJPQ1BQTWVzc2FnZVR5cGVJZCI6Mn0","payload":"e30","signature":"c2ln"}]
        2 a > [2,"2","Reset-Signed",{"protected":"eyJhbGciOiJFUzI1NiIsIk9DUFBBY3Rpb24iOiJIZWFydGJlYXQiLCJPQ1BQTWVzc2FnZVR5cGVJZCI6Mn0","payload":"e30","signature":"c2ln"}]
        "#,
        expect![[r#"
            1.6
            1 a < [4,"1","NotImplemented","\"Heartbeat-Signed\" is no action of OCPP 1.6",{}]
            2 a < [4,"2","NotImplemented","\"Reset-Signed\" is no action of OCPP 1.6",{}]
            2.0.1, 2.1
            1 a < [3,"1",{"currentTime":"2026-11-22T10:00:01.000Z"}]
            2 a < [4,"2","SecurityError","/protected: OCPPAction is \"Heartbeat\", another one than the message's",{}]
        "#]],
    );
}
