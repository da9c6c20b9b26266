//! Signed messages (2.x Part 4, chapter 7): what they enclose is acted on, and they are kept as they came.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use expect_test::expect;

use super::scripts::check;

/// A call in a signature, which nobody here can check.
fn signed(kind: u8, id: &str, action: &str, of: &str, payload: &str, signature: &str) -> String {
    let header = format!(r#"{{"alg":"ES256","OCPPAction":"{of}","OCPPMessageTypeId":{kind}}}"#);
    format!(
        r#"[{kind},"{id}","{action}-Signed",{{"protected":"{}","payload":"{}","signature":"{signature}"}}]"#,
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload),
    )
}

fn call(id: &str, action: &str, payload: &str) -> String {
    signed(2, id, action, action, payload, "c2ln")
}

#[test]
fn what_a_signature_encloses_is_answered_and_kept_as_it_came() {
    let status = r#"{"timestamp":"2026-11-22T10:00:01Z","connectorStatus":"Available","evseId":1,"connectorId":1}"#;
    check(
        &format!(
            r#"
            0 a connect CP1 2.0.1
            0 a > [2,"b","BootNotification",{{"reason":"PowerUp","chargingStation":{{"model":"M","vendorName":"V"}}}}]
            1 records shown
            1 a > {}
            2 a > {}
            2 a > {}
            3 a > {}
            4 a > {}
            5 op station CP1
            "#,
            call("1", "Heartbeat", "{}"),
            call("2", "StatusNotification", status),
            // Said again: a signature is another each time.
            signed(
                2,
                "2",
                "StatusNotification",
                "StatusNotification",
                status,
                "b3RoZXI"
            ),
            call("3", "StatusNotification", "{}"),
            signed(2, "4", "StatusNotification", "Heartbeat", status, "c2ln"),
        ),
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.0.1
            0 a < [3,"b",{"currentTime":"2026-11-22T10:00:00.000Z","interval":300,"status":"Accepted"}]
            1 a < [3,"1",{"currentTime":"2026-11-22T10:00:01.000Z"}]
            1 record message from [2,"1","Heartbeat-Signed",{"protected":"eyJhbGciOiJFUzI1NiIsIk9DUFBBY3Rpb24iOiJIZWFydGJlYXQiLCJPQ1BQTWVzc2FnZVR5cGVJZCI6Mn0","payload":"e30","signature":"c2ln"}]
            1 record message to [3,"1",{"currentTime":"2026-11-22T10:00:01.000Z"}]
            2 record message from [2,"2","StatusNotification-Signed",{"protected":"eyJhbGciOiJFUzI1NiIsIk9DUFBBY3Rpb24iOiJTdGF0dXNOb3RpZmljYXRpb24iLCJPQ1BQTWVzc2FnZVR5cGVJZCI6Mn0","payload":"eyJ0aW1lc3RhbXAiOiIyMDI2LTExLTIyVDEwOjAwOjAxWiIsImNvbm5lY3RvclN0YXR1cyI6IkF2YWlsYWJsZSIsImV2c2VJZCI6MSwiY29ubmVjdG9ySWQiOjF9","signature":"c2ln"}]
            2 record StatusReported 1.1 Available live true conflict false
            2 record message to [3,"2",{}]
            2 a < [3,"2",{}]
            2 record message from [2,"2","StatusNotification-Signed",{"protected":"eyJhbGciOiJFUzI1NiIsIk9DUFBBY3Rpb24iOiJTdGF0dXNOb3RpZmljYXRpb24iLCJPQ1BQTWVzc2FnZVR5cGVJZCI6Mn0","payload":"eyJ0aW1lc3RhbXAiOiIyMDI2LTExLTIyVDEwOjAwOjAxWiIsImNvbm5lY3RvclN0YXR1cyI6IkF2YWlsYWJsZSIsImV2c2VJZCI6MSwiY29ubmVjdG9ySWQiOjF9","signature":"b3RoZXI"}]
            2 record message to [3,"2",{}]
            2 a < [3,"2",{}]
            3 record message from [2,"3","StatusNotification-Signed",{"protected":"eyJhbGciOiJFUzI1NiIsIk9DUFBBY3Rpb24iOiJTdGF0dXNOb3RpZmljYXRpb24iLCJPQ1BQTWVzc2FnZVR5cGVJZCI6Mn0","payload":"e30","signature":"c2ln"}]
            3 record Quarantined refused StatusNotification; OccurrenceConstraintViolation /timestamp: required, but missing
            3 record message to [4,"3","OccurrenceConstraintViolation","/timestamp: required, but missing",{}]
            3 a < [4,"3","OccurrenceConstraintViolation","/timestamp: required, but missing",{}]
            4 record message from [2,"4","StatusNotification-Signed",{"protected":"eyJhbGciOiJFUzI1NiIsIk9DUFBBY3Rpb24iOiJIZWFydGJlYXQiLCJPQ1BQTWVzc2FnZVR5cGVJZCI6Mn0","payload":"eyJ0aW1lc3RhbXAiOiIyMDI2LTExLTIyVDEwOjAwOjAxWiIsImNvbm5lY3RvclN0YXR1cyI6IkF2YWlsYWJsZSIsImV2c2VJZCI6MSwiY29ubmVjdG9ySWQiOjF9","signature":"c2ln"}]
            4 record Quarantined refused StatusNotification; SecurityError /protected: OCPPAction is "Heartbeat", another one than the message's
            4 record message to [4,"4","SecurityError","/protected: OCPPAction is \"Heartbeat\", another one than the message's",{}]
            4 a < [4,"4","SecurityError","/protected: OCPPAction is \"Heartbeat\", another one than the message's",{}]
            5 station CP1: accepted online Available V 0 [1.1 Available]
        "#]],
    );
}

#[test]
fn a_station_that_waits_may_boot_in_a_signature() {
    let boot = r#"{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}"#;
    super::scripts::check_with(
        super::world::config(crate::config::Onboarding::Pending),
        &format!(
            "0 a connect CP1 2.0.1\n1 a > {}\n2 a > {}",
            call("1", "BootNotification", boot),
            call("2", "Heartbeat", "{}"),
        ),
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.0.1
            1 a < [3,"1",{"currentTime":"2026-11-22T10:00:01.000Z","interval":60,"status":"Pending"}]
            2 a < [4,"2","SecurityError","the station waits for its operator's approval",{}]
        "#]],
    );
}

#[test]
fn passwords_in_a_signature_reach_no_log() {
    let report = r#"{"requestId":1,"generatedAt":"2026-11-22T10:00:01Z","seqNo":0,"reportData":[{"component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"},"variableAttribute":[{"value":"canary-0123456789"}]}]}"#;
    check(
        &format!(
            "0 a connect CP1 2.0.1\n1 records shown\n1 a > {}",
            call("1", "NotifyReport", report),
        ),
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.0.1
            1 record message from [2,"1","NotifyReport-Signed",*** unreadable, withheld
            1 record Notified NotifyReport {"requestId":1,"generatedAt":"2026-11-22T10:00:01Z","reportData":[{"component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"},"variableAttribute":[{"value":"***"}]}],"seqNo":0}
            1 record CommandFollowed NotifyReport messages 1 duplicates 0 complete true
            1 record message to [3,"1",{}]
            1 record CommandChanged TriggerMessage queued {"requestedMessage":"BootNotification"}
            1 a < [3,"1",{}]
            1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            1 record message to [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            1 record CommandChanged TriggerMessage sent {"requestedMessage":"BootNotification"}
        "#]],
    );
}

#[test]
fn a_send_may_be_signed_and_1_6_has_no_signatures() {
    let said = r#"{"id":1,"pending":0,"basetime":"2026-11-22T10:00:01Z","data":[{"t":0,"v":"7"}]}"#;
    let send = |id: &str, of: &str| signed(6, id, "NotifyPeriodicEventStream", of, said, "c2ln");
    check(
        &format!(
            "0 a connect CP1 2.1\n1 records shown\n1 a > {}\n2 a > {}\n3 b connect CP2\n3 b > {}",
            send("1", "NotifyPeriodicEventStream"),
            send("2", "Heartbeat"),
            call("3", "Heartbeat", "{}"),
        ),
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.1
            1 record message from [6,"1","NotifyPeriodicEventStream-Signed",{"protected":"eyJhbGciOiJFUzI1NiIsIk9DUFBBY3Rpb24iOiJOb3RpZnlQZXJpb2RpY0V2ZW50U3RyZWFtIiwiT0NQUE1lc3NhZ2VUeXBlSWQiOjZ9","payload":"eyJpZCI6MSwicGVuZGluZyI6MCwiYmFzZXRpbWUiOiIyMDI2LTExLTIyVDEwOjAwOjAxWiIsImRhdGEiOlt7InQiOjAsInYiOiI3In1dfQ","signature":"c2ln"}]
            1 record Notified NotifyPeriodicEventStream {"data":[{"t":0,"v":"7"}],"id":1,"pending":0,"basetime":"2026-11-22T10:00:01Z"}
            2 record message from [6,"2","NotifyPeriodicEventStream-Signed",{"protected":"eyJhbGciOiJFUzI1NiIsIk9DUFBBY3Rpb24iOiJIZWFydGJlYXQiLCJPQ1BQTWVzc2FnZVR5cGVJZCI6Nn0","payload":"eyJpZCI6MSwicGVuZGluZyI6MCwiYmFzZXRpbWUiOiIyMDI2LTExLTIyVDEwOjAwOjAxWiIsImRhdGEiOlt7InQiOjAsInYiOiI3In1dfQ","signature":"c2ln"}]
            3 b < 101 Switching Protocols ocpp1.6
            3 record Connected first_seen true
            3 record message from [2,"3","Heartbeat-Signed",{"protected":"eyJhbGciOiJFUzI1NiIsIk9DUFBBY3Rpb24iOiJIZWFydGJlYXQiLCJPQ1BQTWVzc2FnZVR5cGVJZCI6Mn0","payload":"e30","signature":"c2ln"}]
            3 record message to [4,"3","NotImplemented","\"Heartbeat-Signed\" is no action of OCPP 1.6",{}]
            3 b < [4,"3","NotImplemented","\"Heartbeat-Signed\" is no action of OCPP 1.6",{}]
        "#]],
    );
}

/// A station of a make that forgets braces, or writes a comma too many, signs what it says too.
#[test]
fn a_signed_frame_that_had_to_be_put_right_is_opened_then() {
    let status = r#"{"timestamp":"2026-11-22T10:00:01Z","connectorStatus":"Available","evseId":1,"connectorId":1}"#;
    let later = &status
        .replace("Available", "Occupied")
        .replace("01Z", "03Z");
    let bare = |frame: String| {
        frame
            .replace("{\"protected", "\"protected")
            .replace("\"}]", "\"]")
    };
    let braceless = bare(call("1", "StatusNotification", status));
    let comma = call("2", "StatusNotification", later).replace("{\"protected", "{,\"protected");
    let other = bare(signed(
        2,
        "3",
        "StatusNotification",
        "Heartbeat",
        status,
        "c2ln",
    ));
    let latest = &status.replace("Available", "Faulted").replace("01Z", "05Z");
    let doubled = call("4", "StatusNotification", latest).replacen("[2,", "[2,,", 1);
    for vendor in ["AEFA", "ACME"] {
        let seen = super::world::World::new(super::world::config(crate::config::Onboarding::Open))
            .run(&format!(
                r#"
                0 a connect CP1 2.0.1
                0 a > [2,"b","BootNotification",{{"reason":"PowerUp","chargingStation":{{"model":"M","vendorName":"{vendor}"}}}}]
                1 a > {braceless}
                2 op station CP1
                3 a > {comma}
                4 op station CP1
                5 a > {other}
                6 a > {doubled}
                7 op station CP1
                "#
            ));
        let seen: Vec<_> = seen.lines().skip(2).collect();
        match vendor {
            "AEFA" => expect![[r#"
                1 a < [3,"1",{}]
                2 station CP1: accepted online Available AEFA 0 [1.1 Available]
                3 a < [3,"2",{}]
                4 station CP1: accepted online Occupied AEFA 0 [1.1 Occupied]
                5 a < [4,"3","SecurityError","/protected: OCPPAction is \"Heartbeat\", another one than the message's",{}]
                6 a < [3,"4",{}]
                7 station CP1: accepted online Faulted AEFA 0 [1.1 Faulted]"#]],
            _ => expect![[r#"
                1 a < [4,"1","FormatViolation","byte 11 of the payload is ':', expected ',' or the end of the value around it",{}]
                2 station CP1: accepted online Unavailable ACME 0 []
                3 a < [4,"2","FormatViolation","byte 1 of the payload is ',', expected a property name",{}]
                4 station CP1: accepted online Unavailable ACME 0 []
                5 a < [4,"3","FormatViolation","byte 11 of the payload is ':', expected ',' or the end of the value around it",{}]
                6 a < [4,"-1","RpcFrameworkError","the message id is no string",{}]
                7 station CP1: accepted online Unavailable ACME 0 []"#]],
        }
        .assert_eq(&seen.join("\n"));
    }
}

/// A SEND that cannot be opened is masked as a call is, and so is a frame that nobody could read.
#[test]
fn secrets_in_a_signature_that_cannot_be_opened_reach_no_log() {
    let report = r#"{"requestId":1,"seqNo":0,"reportData":[{"component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"},"variableAttribute":[{"value":"canary-0123456789"}]}]}"#;
    let encoded = URL_SAFE_NO_PAD.encode(report);
    let mut world = super::world::World::new(super::world::config(crate::config::Onboarding::Open));
    let misnamed = signed(6, "1", "NotifyReport", "Heartbeat", report, "c2ln");
    let cut_off = call("2", "NotifyReport", report).replace("\"}]", "");
    world.run(&format!(
        "0 a connect CP1 2.1\n1 a > {misnamed}\n2 a > {cut_off}\n3 b connect CP2 2.1\n4 b > {}",
        cut_off.replace("-Signed", "-signed"),
    ));
    let tells = |record: &&Vec<u8>| {
        let has = |text: &str| {
            record
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        has(&encoded[..40]) || has("canary")
    };
    assert_eq!(world.log.iter().filter(tells).count(), 0);
}
