//! Raw frames that stations should not send, and what each is answered with. After every one of them the connection
//! is kept, and answers a Heartbeat, unless the table says that it ended.

use std::fmt::Write;

use expect_test::{Expect, expect};

use super::world::{World, config};
use crate::config::Onboarding;

const COMMON: &[&str] = &[
    r#"> "#,
    r#"> not JSON"#,
    r#"> {}"#,
    r#"> []"#,
    r#"> [2]"#,
    r#"> [2,"x"]"#,
    r#"> [2,"x","Heartbeat"]"#,
    r#"> [2,"x","Heartbeat",null]"#,
    r#"> [2,"x","Heartbeat",[]]"#,
    r#"> [2,"x","Heartbeat",{},1]"#,
    r#"> [2,"x","Heartbeat",{}] [2,"y","Heartbeat",{}]"#,
    r#"> [2,"x","Heartbeat",{}"#,
    r#"> [2,"x","heartbeat",{}]"#,
    r#"> [2,"x","Reboot",{}]"#,
    r#"> [2,"x","Reset",{"type":"Soft"}]"#,
    r#"> [2,7,"Heartbeat",{}]"#,
    r#"> [2,null,"Heartbeat",{}]"#,
    r#"> [2,"","Heartbeat",{}]"#,
    r#"> [2,"0123456789012345678901234567890123456","Heartbeat",{}]"#,
    r#"> [2.0,"x","Heartbeat",{}]"#,
    r#"> ["2","x","Heartbeat",{}]"#,
    r#"> [9,"x","Heartbeat",{}]"#,
    r#"> [-2,"x","Heartbeat",{}]"#,
    r#"> [3,"x",{}]"#,
    r#"> [3,"x"]"#,
    r#"> [4,"x","GenericError","",{}]"#,
    r#"> [4,"x"]"#,
    r#"> [5,"x","GenericError","",{}]"#,
    r#"> [6,"x","NotifyPeriodicEventStream",{}]"#,
    r#"> [2,"x","Heartbeat",{"extra":1}]"#,
    r#"> [2,"x","StatusNotification",{}]"#,
    r#"> [2,"x","StatusNotification",{"connectorId":1,"connectorId":2}]"#,
    r#"> [2,"x","DataTransfer",{"vendorId":7}]"#,
    r#"> [2,"x","DataTransfer",{"vendorId":"v"}]"#,
    r#"> [2,"x","MeterValues",{"connectorId":1,"evseId":1,"meterValue":[]}]"#,
    r#"> [2,"x\u0000y","Heartbeat",{}]"#,
    "binary [2,\"x\",\"Heartbeat\",{}]",
    // A frame without mask, one with a reserved bit, a reserved opcode, text that is no UTF-8, a fragmented ping.
    "bytes 81 02 7b 7d",
    "bytes c1 80 01 02 03 04",
    "bytes 83 80 01 02 03 04",
    "bytes 81 81 00 00 00 00 ff",
    "bytes 09 80 01 02 03 04",
    // A close with a code that must not be sent, and a good one.
    "bytes 88 82 00 00 00 00 03 ed",
    "bytes 88 82 00 00 00 00 03 e8",
    // Ten megabytes announced.
    "bytes 81 ff 00 00 00 00 00 a0 00 00 01 02 03 04",
];

const V16: &[&str] = &[
    r#"> [2,"x","StatusNotification",{"connectorId":"1","errorCode":"NoError","status":"Available"}]"#,
    r#"> [2,"x","StatusNotification",{"connectorId":-1,"errorCode":"NoError","status":"Available"}]"#,
    r#"> [2,"x","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Sleeping"}]"#,
    r#"> [2,"x","StatusNotification",{"connectorId":1,"errorCode":"Error","status":"Available"}]"#,
    r#"> [2,"x","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"yesterday"}]"#,
    r#"> [2,"x","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"2026-00-01T00:00:00Z"}]"#,
    r#"> [2,"x","BootNotification",{"chargePointVendor":"","chargePointModel":"M"}]"#,
    r#"> [2,"x","BootNotification",{"chargePointVendor":"V"}]"#,
    r#"> [2,"x","Authorize",{"idTag":"123456789012345678901"}]"#,
    r#"> [2,"x","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[]}]}]"#,
    r#"> [2,"x","MeterValues",{"connectorId":1,"meterValue":{"timestamp":"2026-11-22T10:00:00","sampledValue":[{"value":7,"unit":"Celcius","measurand":"Temperature"}]}}]"#,
    r#"> [2,"x","MeterValues",{"connectorId":1,"transactionId":9223372036854775807,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":"1e400"}]}]}]"#,
    r#"> [2,"x","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":-5,"timestamp":"1970-01-01T00:00:00Z"}]"#,
    r#"> [2,"x","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":9223372036854775807,"timestamp":"2026-11-22T10:00:00Z"}]"#,
    r#"> [2,"x","StopTransaction",{"transactionId":,"meterStop":1,"timestamp":"2026-11-22T10:00:00Z"}]"#,
    r#"> [2,"x","SendLocalList",{}]"#,
    r#"> [2,"x","SignCertificate",{"csr":"x"}]"#,
];

const V201: &[&str] = &[
    r#"> [2,"x","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]"#,
    r#"> [2,"x","BootNotification",{"reason":"Boredom","chargingStation":{"model":"M","vendorName":"V"}}]"#,
    r#"> [2,"x","StatusNotification",{"timestamp":"2026-11-22T10:00:00Z","connectorStatus":"Charging","evseId":1,"connectorId":1}]"#,
    r#"> [2,"x","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:00Z","triggerReason":"Authorized","seqNo":-1,"transactionInfo":{"transactionId":"T"}}]"#,
    r#"> [2,"x","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:00Z","triggerReason":"Authorized","seqNo":0,"transactionInfo":{}}]"#,
    r#"> [2,"x","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:00Z","triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"1234567890123456789012345678901234567"}}]"#,
    r#"> [2,"x","MeterValues",{"evseId":1,"meterValue":[]}]"#,
    r#"> [2,"x","StartTransaction",{}]"#,
    r#"> [2,"x","SignCertificate",{"csr":"x"}]"#,
    r#"> [2,"x","SecurityEventNotification",{"type":"TamperDetectionActivated","timestamp":"2026-11-22T10:00:00Z"}]"#,
    r#"> [2,"x","NotifyEvent",{"generatedAt":"2026-11-22T10:00:00Z","seqNo":0,"eventData":[]}]"#,
];

/// What 2.1 adds: a complaint about an answer, a SEND, words of its own.
const V21: &[&str] = &[
    r#"> [5,"x"]"#,
    r#"> [5,"x","NoSuchCode","",{}]"#,
    r#"> [5,"x","FormationViolation","your answer",[]]"#,
    r#"> [5,7,"FormationViolation","",{}]"#,
    r#"> [6,"x"]"#,
    r#"> [6,"x","NotifyPeriodicEventStream"]"#,
    r#"> [6,"x","NotifyPeriodicEventStream",{},1]"#,
    r#"> [6,"x","NotifyPeriodicEventStream",{"id":1,"pending":0,"basetime":"yesterday","data":[]}]"#,
    r#"> [6,"x","Reboot",{}]"#,
    r#"> [6,"x","Heartbeat",{}]"#,
    r#"> [6,"","NotifyPeriodicEventStream",{}]"#,
    r#"> [2,"x","NotifyPeriodicEventStream",{}]"#,
    r#"> [2,"x","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:00Z","triggerReason":"LimitSet","seqNo":0,"transactionInfo":{"transactionId":"T","operationMode":"Sleeping"}}]"#,
    r#"> [2,"x","Authorize",{"idToken":{"idToken":"A","type":"123456789012345678901"}}]"#,
    r#"> [2,"x","NotifyEVChargingNeeds",{"evseId":1,"chargingNeeds":{"requestedEnergyTransfer":"AC"}}]"#,
    r#"> [2,"x","NotifySettlement",{"pspRef":"p","status":"Settled","settlementAmount":"7","settlementTime":"2026-11-22T10:00:00Z"}]"#,
    r#"> [2,"x","BatterySwap",{"batteryData":[],"eventType":"BatteryIn","idToken":{"idToken":"A","type":"Central"},"requestId":1}]"#,
    r#"> [2,"x","OpenPeriodicEventStream",{"constantStreamData":{"id":-1,"variableMonitoringId":1,"params":{}}}]"#,
];

fn check(protocol: &str, tables: &[&[&str]], expected: Expect) {
    let mut out = String::new();
    for line in tables.iter().copied().flatten() {
        let mut world = World::new(config(Onboarding::Open));
        world.run(&format!("0 a connect CP1 {protocol}"));
        let seen = world.run(&format!("1 a {line}"));
        let after = world.run("2 a > [2,\"hb\",\"Heartbeat\",{}]");
        let alive = after.contains("2 a < [3,\"hb\",{\"currentTime\"");
        assert_eq!(alive, !seen.contains("a ended"), "{line}: {seen} {after}");
        let seen: Vec<_> = seen
            .lines()
            .map(|line| line.trim_start_matches("1 a "))
            .collect();
        let seen = if seen.is_empty() {
            "(nothing)".to_owned()
        } else {
            seen.join(" | ")
        };
        writeln!(out, "{line}\n    {seen}").unwrap();
    }
    expected.assert_eq(&out);
}

#[test]
fn bad_frames_of_a_1_6_station() {
    check(
        "",
        &[COMMON, V16],
        expect![[r#"
        > 
            (nothing)
        > not JSON
            (nothing)
        > {}
            (nothing)
        > []
            (nothing)
        > [2]
            (nothing)
        > [2,"x"]
            < [4,"x","FormationViolation","a CALL has the elements 2, message id, action, payload",{}]
        > [2,"x","Heartbeat"]
            < [4,"x","FormationViolation","a CALL has the elements 2, message id, action, payload",{}]
        > [2,"x","Heartbeat",null]
            < [3,"x",{"currentTime":"2026-11-22T10:00:01.000Z"}]
        > [2,"x","Heartbeat",[]]
            < [4,"x","FormationViolation","found an array, expected an object",{}]
        > [2,"x","Heartbeat",{},1]
            < [4,"x","FormationViolation","byte 2 of the payload is ',', expected the end of the payload",{}]
        > [2,"x","Heartbeat",{}] [2,"y","Heartbeat",{}]
            < [4,"x","FormationViolation","byte 2 of the payload is ']', expected the end of the payload",{}]
        > [2,"x","Heartbeat",{}
            < [4,"x","FormationViolation","a CALL has the elements 2, message id, action, payload",{}]
        > [2,"x","heartbeat",{}]
            < [4,"x","NotImplemented","\"heartbeat\" is no action of OCPP 1.6",{}]
        > [2,"x","Reboot",{}]
            < [4,"x","NotImplemented","\"Reboot\" is no action of OCPP 1.6",{}]
        > [2,"x","Reset",{"type":"Soft"}]
            < [4,"x","NotSupported","Reset is not supported here",{}]
        > [2,7,"Heartbeat",{}]
            < [4,"7","FormationViolation","the message id is no string",{}]
        > [2,null,"Heartbeat",{}]
            (nothing)
        > [2,"","Heartbeat",{}]
            < [4,"","FormationViolation","the message id is empty or longer than 36 characters",{}]
        > [2,"0123456789012345678901234567890123456","Heartbeat",{}]
            < [4,"0123456789012345678901234567890123456","FormationViolation","the message id is empty or longer than 36 characters",{}]
        > [2.0,"x","Heartbeat",{}]
            < [3,"x",{"currentTime":"2026-11-22T10:00:01.000Z"}]
        > ["2","x","Heartbeat",{}]
            (nothing)
        > [9,"x","Heartbeat",{}]
            (nothing)
        > [-2,"x","Heartbeat",{}]
            (nothing)
        > [3,"x",{}]
            (nothing)
        > [3,"x"]
            (nothing)
        > [4,"x","GenericError","",{}]
            (nothing)
        > [4,"x"]
            (nothing)
        > [5,"x","GenericError","",{}]
            (nothing)
        > [6,"x","NotifyPeriodicEventStream",{}]
            (nothing)
        > [2,"x","Heartbeat",{"extra":1}]
            < [4,"x","FormationViolation","/extra: not a property here",{}]
        > [2,"x","StatusNotification",{}]
            < [4,"x","OccurenceConstraintViolation","/connectorId: required, but missing",{}]
        > [2,"x","StatusNotification",{"connectorId":1,"connectorId":2}]
            < [4,"x","FormationViolation","/connectorId: stands twice",{}]
        > [2,"x","DataTransfer",{"vendorId":7}]
            < [4,"x","TypeConstraintViolation","/vendorId: found a number, expected a string",{}]
        > [2,"x","DataTransfer",{"vendorId":"v"}]
            < [3,"x",{"status":"UnknownVendorId"}]
        > [2,"x","MeterValues",{"connectorId":1,"evseId":1,"meterValue":[]}]
            < [4,"x","FormationViolation","/evseId: not a property here",{}]
        > [2,"x\u0000y","Heartbeat",{}]
            < [3,"x\u0000y",{"currentTime":"2026-11-22T10:00:01.000Z"}]
        binary [2,"x","Heartbeat",{}]
            < close 1003 OCPP-J is text, this message was binary | ended
        bytes 81 02 7b 7d
            < close 1002 frame from a client is not masked | ended
        bytes c1 80 01 02 03 04
            < close 1002 reserved bits 0b100 are set and no extension was agreed | ended
        bytes 83 80 01 02 03 04
            < close 1002 opcode 0x3 is reserved | ended
        bytes 81 81 00 00 00 00 ff
            < close 1007 text is not UTF-8 | ended
        bytes 09 80 01 02 03 04
            < close 1002 control frame is fragmented | ended
        bytes 88 82 00 00 00 00 03 ed
            < close 1002 close code 1005 must not be sent | ended
        bytes 88 82 00 00 00 00 03 e8
            < close 1000 | ended
        bytes 81 ff 00 00 00 00 00 a0 00 00 01 02 03 04
            < close 1009 message of 10485760 bytes or more exceeds the limit of 1048576 bytes | ended
        > [2,"x","StatusNotification",{"connectorId":"1","errorCode":"NoError","status":"Available"}]
            < [4,"x","TypeConstraintViolation","/connectorId: found a string, expected a number",{}]
        > [2,"x","StatusNotification",{"connectorId":-1,"errorCode":"NoError","status":"Available"}]
            < [4,"x","PropertyConstraintViolation","/connectorId: found \"-1\", expected an integer from 0 to 4294967295",{}]
        > [2,"x","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Sleeping"}]
            < [4,"x","PropertyConstraintViolation","/status: found \"Sleeping\", expected one of Available, Preparing, Charging, SuspendedEVSE, SuspendedEV, Finishing, Reserved, Unavailable, Faulted",{}]
        > [2,"x","StatusNotification",{"connectorId":1,"errorCode":"Error","status":"Available"}]
            < [3,"x",{}]
        > [2,"x","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"yesterday"}]
            < [4,"x","PropertyConstraintViolation","/timestamp: found \"yesterday\", expected a date like 2026-11-22T10:00:00Z",{}]
        > [2,"x","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"2026-00-01T00:00:00Z"}]
            < [4,"x","PropertyConstraintViolation","/timestamp: found \"2026-00-01T00:00:00Z\", expected a date like 2026-11-22T10:00:00Z",{}]
        > [2,"x","BootNotification",{"chargePointVendor":"","chargePointModel":"M"}]
            < [3,"x",{"status":"Accepted","currentTime":"2026-11-22T10:00:01.000Z","interval":300}]
        > [2,"x","BootNotification",{"chargePointVendor":"V"}]
            < [4,"x","OccurenceConstraintViolation","/chargePointModel: required, but missing",{}]
        > [2,"x","Authorize",{"idTag":"123456789012345678901"}]
            < [4,"x","PropertyConstraintViolation","/idTag: 21 characters, expected at most 20",{}]
        > [2,"x","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[]}]}]
            < [3,"x",{}]
        > [2,"x","MeterValues",{"connectorId":1,"meterValue":{"timestamp":"2026-11-22T10:00:00","sampledValue":[{"value":7,"unit":"Celcius","measurand":"Temperature"}]}}]
            < [3,"x",{}]
        > [2,"x","MeterValues",{"connectorId":1,"transactionId":9223372036854775807,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":"1e400"}]}]}]
            < [3,"x",{}]
        > [2,"x","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":-5,"timestamp":"1970-01-01T00:00:00Z"}]
            < [3,"x",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
        > [2,"x","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":9223372036854775807,"timestamp":"2026-11-22T10:00:00Z"}]
            < [3,"x",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
        > [2,"x","StopTransaction",{"transactionId":,"meterStop":1,"timestamp":"2026-11-22T10:00:00Z"}]
            < [4,"x","FormationViolation","/transactionId: byte 17 of the payload is ',', expected a number",{}]
        > [2,"x","SendLocalList",{}]
            < [4,"x","NotSupported","SendLocalList is not supported here",{}]
        > [2,"x","SignCertificate",{"csr":"x"}]
            < [3,"x",{"status":"Rejected"}]
    "#]],
    );
}

#[test]
fn bad_frames_of_a_2_0_1_station() {
    check(
        "2.0.1",
        &[COMMON, V201],
        expect![[r#"
            > 
                < [4,"-1","RpcFrameworkError","not an array of message type, message id and more",{}]
            > not JSON
                < [4,"-1","RpcFrameworkError","not an array of message type, message id and more",{}]
            > {}
                < [4,"-1","RpcFrameworkError","not an array of message type, message id and more",{}]
            > []
                < [4,"-1","RpcFrameworkError","not an array of message type, message id and more",{}]
            > [2]
                < [4,"-1","RpcFrameworkError","not an array of message type, message id and more",{}]
            > [2,"x"]
                < [4,"x","FormatViolation","a CALL has the elements 2, message id, action, payload",{}]
            > [2,"x","Heartbeat"]
                < [4,"x","FormatViolation","a CALL has the elements 2, message id, action, payload",{}]
            > [2,"x","Heartbeat",null]
                < [3,"x",{"currentTime":"2026-11-22T10:00:01.000Z"}] | < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            > [2,"x","Heartbeat",[]]
                < [4,"x","FormatViolation","found an array, expected an object",{}]
            > [2,"x","Heartbeat",{},1]
                < [4,"x","FormatViolation","byte 2 of the payload is ',', expected the end of the payload",{}]
            > [2,"x","Heartbeat",{}] [2,"y","Heartbeat",{}]
                < [4,"x","FormatViolation","byte 2 of the payload is ']', expected the end of the payload",{}]
            > [2,"x","Heartbeat",{}
                < [4,"x","FormatViolation","a CALL has the elements 2, message id, action, payload",{}]
            > [2,"x","heartbeat",{}]
                < [4,"x","NotImplemented","\"heartbeat\" is no action of OCPP 2.0.1",{}]
            > [2,"x","Reboot",{}]
                < [4,"x","NotImplemented","\"Reboot\" is no action of OCPP 2.0.1",{}]
            > [2,"x","Reset",{"type":"Soft"}]
                < [4,"x","NotSupported","Reset is not supported here",{}]
            > [2,7,"Heartbeat",{}]
                < [4,"7","FormatViolation","the message id is no string",{}]
            > [2,null,"Heartbeat",{}]
                < [4,"-1","RpcFrameworkError","the message id is no string",{}]
            > [2,"","Heartbeat",{}]
                < [4,"","FormatViolation","the message id is empty or longer than 36 characters",{}]
            > [2,"0123456789012345678901234567890123456","Heartbeat",{}]
                < [4,"0123456789012345678901234567890123456","FormatViolation","the message id is empty or longer than 36 characters",{}]
            > [2.0,"x","Heartbeat",{}]
                < [3,"x",{"currentTime":"2026-11-22T10:00:01.000Z"}] | < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            > ["2","x","Heartbeat",{}]
                < [4,"x","MessageTypeNotSupported","the message type is unknown, expected 2, 3 or 4, and in 2.1 also 5 or 6",{}]
            > [9,"x","Heartbeat",{}]
                < [4,"x","MessageTypeNotSupported","the message type is unknown, expected 2, 3 or 4, and in 2.1 also 5 or 6",{}]
            > [-2,"x","Heartbeat",{}]
                < [4,"x","MessageTypeNotSupported","the message type is unknown, expected 2, 3 or 4, and in 2.1 also 5 or 6",{}]
            > [3,"x",{}]
                (nothing)
            > [3,"x"]
                (nothing)
            > [4,"x","GenericError","",{}]
                (nothing)
            > [4,"x"]
                (nothing)
            > [5,"x","GenericError","",{}]
                < [4,"x","MessageTypeNotSupported","the message type is unknown, expected 2, 3 or 4, and in 2.1 also 5 or 6",{}]
            > [6,"x","NotifyPeriodicEventStream",{}]
                < [4,"x","MessageTypeNotSupported","the message type is unknown, expected 2, 3 or 4, and in 2.1 also 5 or 6",{}]
            > [2,"x","Heartbeat",{"extra":1}]
                < [4,"x","FormatViolation","/extra: not a property here",{}]
            > [2,"x","StatusNotification",{}]
                < [4,"x","OccurrenceConstraintViolation","/timestamp: required, but missing",{}]
            > [2,"x","StatusNotification",{"connectorId":1,"connectorId":2}]
                < [4,"x","FormatViolation","/connectorId: stands twice",{}]
            > [2,"x","DataTransfer",{"vendorId":7}]
                < [4,"x","TypeConstraintViolation","/vendorId: found a number, expected a string",{}]
            > [2,"x","DataTransfer",{"vendorId":"v"}]
                < [3,"x",{"status":"UnknownVendorId"}] | < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            > [2,"x","MeterValues",{"connectorId":1,"evseId":1,"meterValue":[]}]
                < [4,"x","FormatViolation","/connectorId: not a property here",{}]
            > [2,"x\u0000y","Heartbeat",{}]
                < [3,"x\u0000y",{"currentTime":"2026-11-22T10:00:01.000Z"}] | < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            binary [2,"x","Heartbeat",{}]
                < close 1003 OCPP-J is text, this message was binary | ended
            bytes 81 02 7b 7d
                < close 1002 frame from a client is not masked | ended
            bytes c1 80 01 02 03 04
                < close 1002 reserved bits 0b100 are set and no extension was agreed | ended
            bytes 83 80 01 02 03 04
                < close 1002 opcode 0x3 is reserved | ended
            bytes 81 81 00 00 00 00 ff
                < close 1007 text is not UTF-8 | ended
            bytes 09 80 01 02 03 04
                < close 1002 control frame is fragmented | ended
            bytes 88 82 00 00 00 00 03 ed
                < close 1002 close code 1005 must not be sent | ended
            bytes 88 82 00 00 00 00 03 e8
                < close 1000 | ended
            bytes 81 ff 00 00 00 00 00 a0 00 00 01 02 03 04
                < close 1009 message of 10485760 bytes or more exceeds the limit of 1048576 bytes | ended
            > [2,"x","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
                < [4,"x","FormatViolation","/chargePointVendor: not a property here",{}]
            > [2,"x","BootNotification",{"reason":"Boredom","chargingStation":{"model":"M","vendorName":"V"}}]
                < [4,"x","PropertyConstraintViolation","/reason: found \"Boredom\", expected one of ApplicationReset, FirmwareUpdate, LocalReset, PowerUp, RemoteReset, ScheduledReset, Triggered, Unknown, Watchdog",{}]
            > [2,"x","StatusNotification",{"timestamp":"2026-11-22T10:00:00Z","connectorStatus":"Charging","evseId":1,"connectorId":1}]
                < [4,"x","PropertyConstraintViolation","/connectorStatus: found \"Charging\", expected one of Available, Occupied, Reserved, Unavailable, Faulted",{}]
            > [2,"x","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:00Z","triggerReason":"Authorized","seqNo":-1,"transactionInfo":{"transactionId":"T"}}]
                < [4,"x","PropertyConstraintViolation","/seqNo: found \"-1\", expected an integer of at least 0",{}]
            > [2,"x","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:00Z","triggerReason":"Authorized","seqNo":0,"transactionInfo":{}}]
                < [4,"x","OccurrenceConstraintViolation","/transactionInfo/transactionId: required, but missing",{}]
            > [2,"x","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:00Z","triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"1234567890123456789012345678901234567"}}]
                < [4,"x","PropertyConstraintViolation","/transactionInfo/transactionId: 37 characters, expected at most 36",{}]
            > [2,"x","MeterValues",{"evseId":1,"meterValue":[]}]
                < [3,"x",{}] | < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            > [2,"x","StartTransaction",{}]
                < [4,"x","NotImplemented","\"StartTransaction\" is no action of OCPP 2.0.1",{}]
            > [2,"x","SignCertificate",{"csr":"x"}]
                < [3,"x",{"status":"Rejected","statusInfo":{"reasonCode":"NotEnabled"}}] | < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            > [2,"x","SecurityEventNotification",{"type":"TamperDetectionActivated","timestamp":"2026-11-22T10:00:00Z"}]
                < [3,"x",{}] | < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            > [2,"x","NotifyEvent",{"generatedAt":"2026-11-22T10:00:00Z","seqNo":0,"eventData":[]}]
                < [4,"x","OccurrenceConstraintViolation","/eventData: 0 elements, expected at least 1",{}]
        "#]],
    );
}

/// A SEND is answered never, whatever is wrong with it (2.1 Part 4, §4.2.4).
#[test]
fn bad_frames_of_a_2_1_station() {
    check(
        "2.1",
        &[COMMON, V201, V21],
        expect![[r#"
            > 
                < [4,"-1","RpcFrameworkError","not an array of message type, message id and more",{}]
            > not JSON
                < [4,"-1","RpcFrameworkError","not an array of message type, message id and more",{}]
            > {}
                < [4,"-1","RpcFrameworkError","not an array of message type, message id and more",{}]
            > []
                < [4,"-1","RpcFrameworkError","not an array of message type, message id and more",{}]
            > [2]
                < [4,"-1","RpcFrameworkError","not an array of message type, message id and more",{}]
            > [2,"x"]
                < [4,"x","FormatViolation","a CALL has the elements 2, message id, action, payload",{}]
            > [2,"x","Heartbeat"]
                < [4,"x","FormatViolation","a CALL has the elements 2, message id, action, payload",{}]
            > [2,"x","Heartbeat",null]
                < [3,"x",{"currentTime":"2026-11-22T10:00:01.000Z"}] | < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            > [2,"x","Heartbeat",[]]
                < [4,"x","FormatViolation","found an array, expected an object",{}]
            > [2,"x","Heartbeat",{},1]
                < [4,"x","FormatViolation","byte 2 of the payload is ',', expected the end of the payload",{}]
            > [2,"x","Heartbeat",{}] [2,"y","Heartbeat",{}]
                < [4,"x","FormatViolation","byte 2 of the payload is ']', expected the end of the payload",{}]
            > [2,"x","Heartbeat",{}
                < [4,"x","FormatViolation","a CALL has the elements 2, message id, action, payload",{}]
            > [2,"x","heartbeat",{}]
                < [4,"x","NotImplemented","\"heartbeat\" is no action of OCPP 2.1",{}]
            > [2,"x","Reboot",{}]
                < [4,"x","NotImplemented","\"Reboot\" is no action of OCPP 2.1",{}]
            > [2,"x","Reset",{"type":"Soft"}]
                < [4,"x","NotSupported","Reset is not supported here",{}]
            > [2,7,"Heartbeat",{}]
                < [4,"7","FormatViolation","the message id is no string",{}]
            > [2,null,"Heartbeat",{}]
                < [4,"-1","RpcFrameworkError","the message id is no string",{}]
            > [2,"","Heartbeat",{}]
                < [4,"","FormatViolation","the message id is empty or longer than 36 characters",{}]
            > [2,"0123456789012345678901234567890123456","Heartbeat",{}]
                < [4,"0123456789012345678901234567890123456","FormatViolation","the message id is empty or longer than 36 characters",{}]
            > [2.0,"x","Heartbeat",{}]
                < [3,"x",{"currentTime":"2026-11-22T10:00:01.000Z"}] | < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            > ["2","x","Heartbeat",{}]
                (nothing)
            > [9,"x","Heartbeat",{}]
                (nothing)
            > [-2,"x","Heartbeat",{}]
                (nothing)
            > [3,"x",{}]
                (nothing)
            > [3,"x"]
                (nothing)
            > [4,"x","GenericError","",{}]
                (nothing)
            > [4,"x"]
                (nothing)
            > [5,"x","GenericError","",{}]
                (nothing)
            > [6,"x","NotifyPeriodicEventStream",{}]
                (nothing)
            > [2,"x","Heartbeat",{"extra":1}]
                < [4,"x","FormatViolation","/extra: not a property here",{}]
            > [2,"x","StatusNotification",{}]
                < [4,"x","OccurrenceConstraintViolation","/timestamp: required, but missing",{}]
            > [2,"x","StatusNotification",{"connectorId":1,"connectorId":2}]
                < [4,"x","FormatViolation","/connectorId: stands twice",{}]
            > [2,"x","DataTransfer",{"vendorId":7}]
                < [4,"x","TypeConstraintViolation","/vendorId: found a number, expected a string",{}]
            > [2,"x","DataTransfer",{"vendorId":"v"}]
                < [3,"x",{"status":"UnknownVendorId"}] | < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            > [2,"x","MeterValues",{"connectorId":1,"evseId":1,"meterValue":[]}]
                < [4,"x","FormatViolation","/connectorId: not a property here",{}]
            > [2,"x\u0000y","Heartbeat",{}]
                < [3,"x\u0000y",{"currentTime":"2026-11-22T10:00:01.000Z"}] | < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            binary [2,"x","Heartbeat",{}]
                < close 1003 OCPP-J is text, this message was binary | ended
            bytes 81 02 7b 7d
                < close 1002 frame from a client is not masked | ended
            bytes c1 80 01 02 03 04
                < close 1002 reserved bits 0b100 are set and no extension was agreed | ended
            bytes 83 80 01 02 03 04
                < close 1002 opcode 0x3 is reserved | ended
            bytes 81 81 00 00 00 00 ff
                < close 1007 text is not UTF-8 | ended
            bytes 09 80 01 02 03 04
                < close 1002 control frame is fragmented | ended
            bytes 88 82 00 00 00 00 03 ed
                < close 1002 close code 1005 must not be sent | ended
            bytes 88 82 00 00 00 00 03 e8
                < close 1000 | ended
            bytes 81 ff 00 00 00 00 00 a0 00 00 01 02 03 04
                < close 1009 message of 10485760 bytes or more exceeds the limit of 1048576 bytes | ended
            > [2,"x","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
                < [4,"x","FormatViolation","/chargePointVendor: not a property here",{}]
            > [2,"x","BootNotification",{"reason":"Boredom","chargingStation":{"model":"M","vendorName":"V"}}]
                < [4,"x","PropertyConstraintViolation","/reason: found \"Boredom\", expected one of ApplicationReset, FirmwareUpdate, LocalReset, PowerUp, RemoteReset, ScheduledReset, Triggered, Unknown, Watchdog",{}]
            > [2,"x","StatusNotification",{"timestamp":"2026-11-22T10:00:00Z","connectorStatus":"Charging","evseId":1,"connectorId":1}]
                < [4,"x","PropertyConstraintViolation","/connectorStatus: found \"Charging\", expected one of Available, Occupied, Reserved, Unavailable, Faulted",{}]
            > [2,"x","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:00Z","triggerReason":"Authorized","seqNo":-1,"transactionInfo":{"transactionId":"T"}}]
                < [4,"x","PropertyConstraintViolation","/seqNo: found \"-1\", expected an integer of at least 0",{}]
            > [2,"x","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:00Z","triggerReason":"Authorized","seqNo":0,"transactionInfo":{}}]
                < [4,"x","OccurrenceConstraintViolation","/transactionInfo/transactionId: required, but missing",{}]
            > [2,"x","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:00Z","triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"1234567890123456789012345678901234567"}}]
                < [4,"x","PropertyConstraintViolation","/transactionInfo/transactionId: 37 characters, expected at most 36",{}]
            > [2,"x","MeterValues",{"evseId":1,"meterValue":[]}]
                < [3,"x",{}] | < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            > [2,"x","StartTransaction",{}]
                < [4,"x","NotImplemented","\"StartTransaction\" is no action of OCPP 2.1",{}]
            > [2,"x","SignCertificate",{"csr":"x"}]
                < [3,"x",{"status":"Rejected","statusInfo":{"reasonCode":"NotEnabled"}}] | < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            > [2,"x","SecurityEventNotification",{"type":"TamperDetectionActivated","timestamp":"2026-11-22T10:00:00Z"}]
                < [3,"x",{}] | < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            > [2,"x","NotifyEvent",{"generatedAt":"2026-11-22T10:00:00Z","seqNo":0,"eventData":[]}]
                < [4,"x","OccurrenceConstraintViolation","/eventData: 0 elements, expected at least 1",{}]
            > [5,"x"]
                (nothing)
            > [5,"x","NoSuchCode","",{}]
                (nothing)
            > [5,"x","FormationViolation","your answer",[]]
                (nothing)
            > [5,7,"FormationViolation","",{}]
                (nothing)
            > [6,"x"]
                (nothing)
            > [6,"x","NotifyPeriodicEventStream"]
                (nothing)
            > [6,"x","NotifyPeriodicEventStream",{},1]
                (nothing)
            > [6,"x","NotifyPeriodicEventStream",{"id":1,"pending":0,"basetime":"yesterday","data":[]}]
                (nothing)
            > [6,"x","Reboot",{}]
                (nothing)
            > [6,"x","Heartbeat",{}]
                (nothing)
            > [6,"","NotifyPeriodicEventStream",{}]
                (nothing)
            > [2,"x","NotifyPeriodicEventStream",{}]
                < [4,"x","NotSupported","NotifyPeriodicEventStream is not supported here",{}]
            > [2,"x","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:00Z","triggerReason":"LimitSet","seqNo":0,"transactionInfo":{"transactionId":"T","operationMode":"Sleeping"}}]
                < [4,"x","PropertyConstraintViolation","/transactionInfo/operationMode: found \"Sleeping\", expected one of Idle, ChargingOnly, CentralSetpoint, ExternalSetpoint, ExternalLimits, CentralFrequency, LocalFrequency, LocalLoadBalancing",{}]
            > [2,"x","Authorize",{"idToken":{"idToken":"A","type":"123456789012345678901"}}]
                < [3,"x",{"idTokenInfo":{"status":"Accepted"}}] | < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            > [2,"x","NotifyEVChargingNeeds",{"evseId":1,"chargingNeeds":{"requestedEnergyTransfer":"AC"}}]
                < [4,"x","PropertyConstraintViolation","/chargingNeeds/requestedEnergyTransfer: found \"AC\", expected one of AC_single_phase, AC_two_phase, AC_three_phase, DC, AC_BPT, AC_BPT_DER, AC_DER, DC_BPT, DC_ACDP, DC_ACDP_BPT, WPT",{}]
            > [2,"x","NotifySettlement",{"pspRef":"p","status":"Settled","settlementAmount":"7","settlementTime":"2026-11-22T10:00:00Z"}]
                < [4,"x","TypeConstraintViolation","/settlementAmount: found a string, expected a number",{}]
            > [2,"x","BatterySwap",{"batteryData":[],"eventType":"BatteryIn","idToken":{"idToken":"A","type":"Central"},"requestId":1}]
                < [4,"x","OccurrenceConstraintViolation","/batteryData: 0 elements, expected at least 1",{}]
            > [2,"x","OpenPeriodicEventStream",{"constantStreamData":{"id":-1,"variableMonitoringId":1,"params":{}}}]
                < [4,"x","PropertyConstraintViolation","/constantStreamData/id: found \"-1\", expected an integer from 0 to 4294967295",{}]
        "#]],
    );
}

#[test]
fn deep_nesting_and_long_lists_are_refused_and_the_connection_kept() {
    let mut world = World::new(config(Onboarding::Open));
    world.run("0 a connect CP1\n0 b connect CP2 2.0.1");
    let deep = "[".repeat(3_000);
    let call = format!("[2,\"x\",\"DataTransfer\",{{\"vendorId\":\"v\",\"data\":{deep}}}]");
    let seen = world.run(&format!("1 b > {call}"));
    assert!(
        seen.starts_with("1 b < [4,\"x\",\"FormatViolation\""),
        "{seen}"
    );
    assert!(
        world
            .run("1 b > [2,\"z\",\"Heartbeat\",{}]")
            .contains("[3,\"z\"")
    );
    let sample = r#"{"value":"1"}"#;
    let samples = vec![sample; 4_097].join(",");
    let long = format!(
        r#"[2,"y","MeterValues",{{"connectorId":1,"meterValue":[{{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{samples}]}}]}}]"#
    );
    let seen = world.run(&format!("2 a > {long}"));
    assert!(
        seen.starts_with("2 a < [4,\"y\",\"OccurenceConstraintViolation\""),
        "{seen}"
    );
    assert!(
        world
            .run("3 a > [2,\"z\",\"Heartbeat\",{}]")
            .contains("[3,\"z\"")
    );
}

#[test]
fn a_flood_of_calls_is_read_no_faster_than_it_is_answered() {
    let mut world = World::new(config(Onboarding::Open));
    world.run("0 a connect CP1\n0 disk holds");
    let burst: String = (0..200)
        .map(|n| format!("1 a > [2,\"m{n}\",\"DataTransfer\",{{\"vendorId\":\"v{n}\"}}]\n"))
        .collect();
    assert_eq!(world.run(&burst), "");
    let calls = world.log.len();
    assert!(calls < 120, "{calls} records although nothing was answered");
    let answers = world.run("2 disk goes\n2 wait");
    let expected: String = (0..200)
        .map(|n| format!("2 a < [3,\"m{n}\",{{\"status\":\"UnknownVendorId\"}}]\n"))
        .collect();
    assert_eq!(answers, expected);
}
