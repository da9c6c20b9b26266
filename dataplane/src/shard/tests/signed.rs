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
