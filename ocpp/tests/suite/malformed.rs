//! Frames that break the rules, and what each version is owed for them.

use ocpp::{CallError, ErrorCode, Frame, FrameFault, Policy, Version};

use crate::receive;

/// The frame, what 1.6 is answered, what 2.0.1 is answered.
type Row = (&'static str, &'static str, &'static str);

fn check(rows: &[Row]) {
    for (frame, v16, v201) in rows {
        let answers = Version::ALL.map(|version| receive(version, Policy::Tolerant, frame));
        // 2.1 has two types more, and passes by those that it does not know; the rest is as in 2.0.1.
        let v21 = match *v201 {
            _ if frame.starts_with("[5,") || frame.starts_with("[6,") => "answer",
            other if other.ends_with("MessageTypeNotSupported") => "silent",
            other => other,
        };
        assert_eq!(answers, [*v16, *v201, v21], "{frame}");
    }
}

#[test]
fn part4_4_1_2_what_is_no_message() {
    const FRAMEWORK: &str = "-1 RpcFrameworkError";
    const FORMATION: &str = "1 FormationViolation";
    const FORMAT: &str = "1 FormatViolation";
    check(&[
        ("", "silent", FRAMEWORK),
        ("hello", "silent", FRAMEWORK),
        ("{}", "silent", FRAMEWORK),
        ("[]", "silent", FRAMEWORK),
        ("[2]", "silent", FRAMEWORK),
        ("[2,]", "silent", FRAMEWORK),
        ("[,2]", "silent", FRAMEWORK),
        ("null", "silent", FRAMEWORK),
        ("\"2\"", "silent", FRAMEWORK),
        ("\u{feff}[2,\"1\",\"Heartbeat\",{}]", "silent", FRAMEWORK),
        ("[2,\"1", "silent", FRAMEWORK),
        ("[2 \"1\"", "silent", FRAMEWORK),
        ("[02,\"1\",\"Heartbeat\",{}]", "silent", FRAMEWORK),
        ("[2,\"\\x\",\"Heartbeat\",{}]", "silent", FRAMEWORK),
        ("[2,\"a\nb\",\"Heartbeat\",{}]", "silent", FRAMEWORK),
        ("[2,\"\\ud800\",\"Heartbeat\",{}]", "silent", FRAMEWORK),
        // The id is legible: the call can be refused by name.
        ("[2,\"1\"]", FORMATION, FORMAT),
        ("[2,\"1\",\"Heartbeat\"]", FORMATION, FORMAT),
        ("[2,\"1\",\"Heartbeat\",]", FORMATION, FORMAT),
        ("[2,\"1\",5,{}]", FORMATION, FORMAT),
        ("[2,\"1\",null,{}]", FORMATION, FORMAT),
        ("[2,\"1\",\"Heartbeat\",{}", FORMATION, FORMAT),
        ("[2,\"1\",\"Heartbeat\",{},{}]", FORMATION, FORMAT),
        ("[2,\"1\",\"Heartbeat\",{}]]", FORMATION, FORMAT),
        (
            "[2,\"1\",\"Heartbeat\",{}][2,\"2\",\"Heartbeat\",{}]",
            FORMATION,
            FORMAT,
        ),
        ("[2,\"1\",\"Heartbeat\",{}] x", FORMATION, FORMAT),
        ("[2,1,\"Heartbeat\",{}]", FORMATION, FORMAT),
        (
            "[2,-1.5,\"Heartbeat\",{}]",
            "-1.5 FormationViolation",
            "-1.5 FormatViolation",
        ),
        ("[2,null,\"Heartbeat\",{}]", "silent", FRAMEWORK),
        ("[2,{},\"Heartbeat\",{}]", "silent", FRAMEWORK),
        (
            "[2,\"\",\"Heartbeat\",{}]",
            " FormationViolation",
            " FormatViolation",
        ),
        (
            "[2,\"0123456789012345678901234567890123456\",\"Heartbeat\",{}]",
            "0123456789012345678901234567890123456 FormationViolation",
            "0123456789012345678901234567890123456 FormatViolation",
        ),
    ]);
}

#[test]
fn part4_4_1_3_message_types() {
    check(&[
        ("[2,\"1\",\"Heartbeat\",{}]", "ok", "ok"),
        ("[2.0,\"1\",\"Heartbeat\",{}]", "ok", "ok"),
        (" [ 2 , \"1\" ,\t\"Heartbeat\" ,\r\n{ } ] ", "ok", "ok"),
        ("[2,\"\\u0031\",\"Heart\\u0062eat\",{}]", "ok", "ok"),
        ("[2,\"é日本\",\"Heartbeat\",{}]", "ok", "ok"),
        (
            "[2,\"012345678901234567890123456789012345\",\"Heartbeat\",{}]",
            "ok",
            "ok",
        ),
        (
            "[9,\"1\",\"Heartbeat\",{}]",
            "silent",
            "1 MessageTypeNotSupported",
        ),
        ("[0,\"1\"]", "silent", "1 MessageTypeNotSupported"),
        (
            "[-2,\"1\",\"Heartbeat\",{}]",
            "silent",
            "1 MessageTypeNotSupported",
        ),
        (
            "[5,\"1\",\"InternalError\",\"\",{}]",
            "silent",
            "1 MessageTypeNotSupported",
        ),
        (
            "[6,\"1\",\"NotifyPeriodicEventStream\",{}]",
            "silent",
            "1 MessageTypeNotSupported",
        ),
        (
            "[2.5,\"1\",\"Heartbeat\",{}]",
            "silent",
            "1 MessageTypeNotSupported",
        ),
        (
            "[\"2\",\"1\",\"Heartbeat\",{}]",
            "silent",
            "1 MessageTypeNotSupported",
        ),
        (
            "[null,\"1\",\"Heartbeat\",{}]",
            "silent",
            "1 MessageTypeNotSupported",
        ),
        (
            "[9,5,\"Heartbeat\",{}]",
            "silent",
            "5 MessageTypeNotSupported",
        ),
        (
            "[9,{},\"Heartbeat\",{}]",
            "silent",
            "-1 MessageTypeNotSupported",
        ),
    ]);
}

#[test]
fn part4_4_2_2_an_answer_is_never_answered() {
    check(&[
        ("[3,\"1\",{}]", "answer", "answer"),
        ("[3,\"1\"]", "silent", "silent"),
        ("[3,\"1\",]", "silent", "silent"),
        ("[3,1,{}]", "silent", "silent"),
        ("[3,\"1\",{}", "silent", "silent"),
        ("[4,\"1\",\"GenericError\",\"d\",{}]", "answer", "answer"),
        ("[4,\"1\",\"GenericError\",\"d\"]", "answer", "answer"),
        ("[4,\"1\",\"GenericError\"]", "answer", "answer"),
        ("[4,\"1\"]", "silent", "silent"),
        ("[4,\"1\",5,\"d\",{}]", "silent", "silent"),
        ("[4,\"1\",\"GenericError\",\"d\",{},{}]", "silent", "silent"),
        ("[4,\"1\",\"GenericError\",\"d\",{", "silent", "silent"),
        // Nor is one whose id cannot be read.
        ("[3]", "silent", "silent"),
        ("[3", "silent", "silent"),
        ("[3,", "silent", "silent"),
        ("[3,\"\\ud800\",{}]", "silent", "silent"),
        ("[4]", "silent", "silent"),
        (
            "[4,\"\\ud800\",\"GenericError\",\"d\",{}]",
            "silent",
            "silent",
        ),
    ]);
    for text in [
        r#"[5,"\ud800","GenericError","",{}]"#,
        "[5]",
        r#"[6,"\ud800","A",{}]"#,
        "[6]",
    ] {
        assert_eq!(
            ocpp::scan(text, Version::V21).unwrap_err().reply,
            None,
            "{text}"
        );
    }
    // It still tells which call has had its answer.
    let error = ocpp::scan("[3,\"call-7\"]", Version::V16).unwrap_err();
    assert_eq!(error.fault, FrameFault::AnswerElements);
    assert_eq!(error.id.as_deref(), Some("call-7"));
}

#[test]
fn part4_4_2_4_what_2_1_says_without_waiting() {
    let send = ocpp::scan(r#"[6,"7","NotifyPeriodicEventStream",{}]"#, Version::V21).unwrap();
    let expected = Frame::Send {
        id: "7".into(),
        action: "NotifyPeriodicEventStream".into(),
        payload: "{}",
    };
    assert_eq!(send, expected);
    let error = CallError::new(ErrorCode::FormatViolation, "no status");
    let mut out = Vec::new();
    ocpp::write_call_result_error(&mut out, "7", &error);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text, r#"[5,"7","FormatViolation","no status",{}]"#);
    let expected = Frame::CallResultError {
        id: "7".into(),
        code: "FormatViolation".into(),
        description: "no status".into(),
        details: "{}",
    };
    assert_eq!(ocpp::scan(&text, Version::V21).unwrap(), expected);
    // Neither is answered, whatever is wrong with it.
    for text in [
        r#"[6,"7","A"]"#,
        r#"[6,"","A",{}]"#,
        r#"[6,7,"A",{}]"#,
        r#"[6,null,"A",{}]"#,
        r#"[5,"7"]"#,
        r#"[5,7,"GenericError","",{}]"#,
    ] {
        assert_eq!(
            ocpp::scan(text, Version::V21).unwrap_err().reply,
            None,
            "{text}"
        );
    }
}

#[test]
fn part4_4_1_6_actions() {
    check(&[
        (
            "[2,\"1\",\"Frobnicate\",{}]",
            "1 NotImplemented",
            "1 NotImplemented",
        ),
        (
            "[2,\"1\",\"heartbeat\",{}]",
            "1 NotImplemented",
            "1 NotImplemented",
        ),
        ("[2,\"1\",\"\",{}]", "1 NotImplemented", "1 NotImplemented"),
        (
            "[2,\"1\",\"Heart\\\"beat\",{}]",
            "1 NotImplemented",
            "1 NotImplemented",
        ),
        (
            "[2,\"1\",\"SignCertificate\",{}]",
            "1 OccurenceConstraintViolation",
            "1 OccurrenceConstraintViolation",
        ),
        // The wrong way round: known, but nothing that a CSMS offers.
        (
            "[2,\"1\",\"Reset\",{\"type\":\"Soft\"}]",
            "1 NotSupported",
            "1 NotSupported",
        ),
        // Of the other version.
        (
            "[2,\"1\",\"TransactionEvent\",{}]",
            "1 NotImplemented",
            "1 OccurrenceConstraintViolation",
        ),
        (
            "[2,\"1\",\"StopTransaction\",{}]",
            "1 OccurenceConstraintViolation",
            "1 NotImplemented",
        ),
    ]);
}

#[test]
fn part4_4_1_5_payloads_of_no_use() {
    const FORMATION: &str = "1 FormationViolation";
    const FORMAT: &str = "1 FormatViolation";
    check(&[
        ("[2,\"1\",\"Heartbeat\",[]]", FORMATION, FORMAT),
        ("[2,\"1\",\"Heartbeat\",\"{}\"]", FORMATION, FORMAT),
        ("[2,\"1\",\"Heartbeat\",5]", FORMATION, FORMAT),
        ("[2,\"1\",\"Heartbeat\",{]", FORMATION, FORMAT),
        ("[2,\"1\",\"Heartbeat\",{}}]", FORMATION, FORMAT),
        ("[2,\"1\",\"Heartbeat\",{\"a\":1}]", FORMATION, FORMAT),
        ("[2,\"1\",\"Heartbeat\",{'a':1}]", FORMATION, FORMAT),
        ("[2,\"1\",\"Heartbeat\",[,{}]]", FORMATION, FORMAT),
        ("[2,\"1\",\"Heartbeat\",nul]", FORMATION, FORMAT),
        (
            "[2,\"1\",\"Heartbeat\",null]",
            "ok null_payload",
            "ok null_payload",
        ),
        (
            "[2,\"1\",\"FirmwareStatusNotification\",null]",
            "1 OccurenceConstraintViolation",
            "1 OccurrenceConstraintViolation",
        ),
        (
            "[2,\"1\",\"FirmwareStatusNotification\",{\"status\":,}]",
            FORMATION,
            FORMAT,
        ),
        (
            "[2,\"1\",\"FirmwareStatusNotification\",{,\"status\":\"Idle\"}]",
            FORMATION,
            FORMAT,
        ),
        (
            "[2,\"1\",\"FirmwareStatusNotification\",{\"status\":\"Idle\",}]",
            FORMATION,
            FORMAT,
        ),
        (
            "[2,\"1\",\"FirmwareStatusNotification\",{\"status\" \"Idle\"}]",
            FORMATION,
            FORMAT,
        ),
        (
            "[2,\"1\",\"FirmwareStatusNotification\",{\"status\":\"Idle\",\"status\":\"Idle\"}]",
            FORMATION,
            FORMAT,
        ),
        (
            "[2,\"1\",\"FirmwareStatusNotification\",{\"status\":\"Idle\"}]",
            "ok",
            "ok",
        ),
        (
            "[2,\"1\",\"FirmwareStatusNotification\",{\"st\\u0061tus\":\"\\u0049dle\"}]",
            "ok",
            "ok",
        ),
        (
            "[2,\"1\",\"FirmwareStatusNotification\",{\"status\":5}]",
            "1 TypeConstraintViolation",
            "1 TypeConstraintViolation",
        ),
        (
            "[2,\"1\",\"FirmwareStatusNotification\",{\"status\":null}]",
            "1 TypeConstraintViolation",
            "1 TypeConstraintViolation",
        ),
        (
            "[2,\"1\",\"FirmwareStatusNotification\",{\"status\":\"idle\"}]",
            "1 PropertyConstraintViolation",
            "1 PropertyConstraintViolation",
        ),
    ]);
}

#[test]
fn part4_4_3_fields_of_1_6() {
    let call = |action: &str, payload: &str| {
        receive(
            Version::V16,
            Policy::Tolerant,
            &format!("[2,\"1\",\"{action}\",{payload}]"),
        )
    };
    let start = |fields: &str| call("StartTransaction", &format!("{{{fields}}}"));
    let rest = r#""meterStart":1,"timestamp":"2026-11-22T10:00:00Z""#;
    assert_eq!(
        start(&format!(r#""connectorId":1,"idTag":"A",{rest}"#)),
        "ok"
    );
    for (fields, code) in [
        (r#""idTag":"A""#, "OccurenceConstraintViolation"),
        (
            r#""connectorId":"1","idTag":"A""#,
            "TypeConstraintViolation",
        ),
        (
            r#""connectorId":1.5,"idTag":"A""#,
            "TypeConstraintViolation",
        ),
        (
            r#""connectorId":true,"idTag":"A""#,
            "TypeConstraintViolation",
        ),
        (
            r#""connectorId":-1,"idTag":"A""#,
            "PropertyConstraintViolation",
        ),
        (
            r#""connectorId":1634030126000,"idTag":"A""#,
            "PropertyConstraintViolation",
        ),
        (r#""connectorId":1,"idTag":5"#, "TypeConstraintViolation"),
        (
            r#""connectorId":1,"idTag":"012345678901234567890""#,
            "PropertyConstraintViolation",
        ),
        (
            r#""connectorId":1,"idTag":"A","extra":{}"#,
            "FormationViolation",
        ),
        (r#""connectorId":01,"idTag":"A""#, "FormationViolation"),
    ] {
        assert_eq!(
            start(&format!("{fields},{rest}")),
            format!("1 {code}"),
            "{fields}"
        );
    }
    for (timestamp, code) in [
        ("\"yesterday\"", "PropertyConstraintViolation"),
        ("\"2026-02-30T10:00:00Z\"", "PropertyConstraintViolation"),
        ("1700000000", "TypeConstraintViolation"),
        ("\"\"", "PropertyConstraintViolation"),
    ] {
        let fields =
            format!(r#""connectorId":1,"idTag":"A","meterStart":1,"timestamp":{timestamp}"#);
        assert_eq!(start(&fields), format!("1 {code}"), "{timestamp}");
    }
    let sample = |sample: &str| {
        let value = format!(r#"{{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{sample}]}}"#);
        call(
            "MeterValues",
            &format!(r#"{{"connectorId":1,"meterValue":[{value}]}}"#),
        )
    };
    for (fields, answer) in [
        (r#"{"value":"1","unit":"Wh"}"#, "ok"),
        (r#"{"unit":"Wh"}"#, "1 OccurenceConstraintViolation"),
        (r#"{"value":"1","value":"1"}"#, "1 FormationViolation"),
        (
            r#"{"value":"1","unit":"Wh","unit":"kWh"}"#,
            "1 FormationViolation",
        ),
        (r#"{"value":"1","colour":"red"}"#, "1 FormationViolation"),
        (r#"{"value":true}"#, "1 TypeConstraintViolation"),
        (r#"5"#, "1 TypeConstraintViolation"),
    ] {
        assert_eq!(sample(fields), answer, "{fields}");
    }
}

#[test]
fn part4_4_3_fields_of_2_0_1() {
    let event = |fields: &str| {
        let frame = format!(
            r#"[2,"1","TransactionEvent",{{"timestamp":"2026-11-22T10:00:00Z","triggerReason":"CablePluggedIn",{fields}}}]"#
        );
        receive(Version::V201, Policy::Tolerant, &frame)
    };
    let info = r#""transactionInfo":{"transactionId":"t"}"#;
    assert_eq!(
        event(&format!(r#""eventType":"Started","seqNo":0,{info}"#)),
        "ok"
    );
    for (fields, code) in [
        (r#""eventType":"Started""#, "OccurrenceConstraintViolation"),
        (
            r#""eventType":"Begun","seqNo":0"#,
            "PropertyConstraintViolation",
        ),
        (
            r#""eventType":"Started","seqNo":"0""#,
            "TypeConstraintViolation",
        ),
        (
            r#""eventType":"Started","seqNo":-1"#,
            "PropertyConstraintViolation",
        ),
        (
            r#""eventType":"Started","seqNo":0,"evse":{}"#,
            "OccurrenceConstraintViolation",
        ),
        (
            r#""eventType":"Started","seqNo":0,"evse":[1]"#,
            "TypeConstraintViolation",
        ),
        (
            r#""eventType":"Started","seqNo":0,"evse":{"id":1,"x":1}"#,
            "FormatViolation",
        ),
        (
            r#""eventType":"Started","seqNo":0,"idToken":{"idToken":"a","type":"Local","additionalInfo":[]}"#,
            "OccurrenceConstraintViolation",
        ),
        (
            r#""eventType":"Started","seqNo":0,"customData":{}"#,
            "OccurrenceConstraintViolation",
        ),
        (
            r#""eventType":"Started","seqNo":0,"customData":{"vendorId":1}"#,
            "TypeConstraintViolation",
        ),
        (
            r#""eventType":"Started","seqNo":0,"customData":{"vendorId":"v"},"customData":{"vendorId":"v"}"#,
            "FormatViolation",
        ),
        (
            r#""eventType":"Started","seqNo":0,"meterValue":[{"sampledValue":[{"value":1}]}]"#,
            "OccurrenceConstraintViolation",
        ),
        (
            r#""eventType":"Started","seqNo":0,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":1,"value":2}]}]"#,
            "FormatViolation",
        ),
        (
            r#""eventType":"Started","seqNo":0,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":true}]}]"#,
            "TypeConstraintViolation",
        ),
        (
            r#""eventType":"Started","seqNo":0,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":1,"unitOfMeasure":{"multiplier":200}}]}]"#,
            "PropertyConstraintViolation",
        ),
    ] {
        assert_eq!(
            event(&format!("{fields},{info}")),
            format!("1 {code}"),
            "{fields}"
        );
    }
    let custom = r#""eventType":"Started","seqNo":1.0,"customData":{"vendorId":"v","any":[1]}"#;
    assert_eq!(event(&format!("{custom},{info}")), "ok");
}

#[test]
fn depth_is_bounded_and_costs_nothing() {
    let nested = |depth: usize| {
        format!(
            r#"[2,"1","DataTransfer",{{"vendorId":"v","data":{}{}}}]"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    let v201 = |text: &str| receive(Version::V201, Policy::Tolerant, text);
    assert_eq!(v201(&nested(31)), "ok");
    assert_eq!(v201(&nested(32)), "1 FormatViolation");
    assert_eq!(v201(&nested(3_000)), "1 FormatViolation");
    assert_eq!(v201(&"[".repeat(100_000)), "-1 RpcFrameworkError");
    let long = format!(
        r#"[2,"1","DataTransfer",{{"vendorId":"{}"}}]"#,
        "v".repeat(1 << 20)
    );
    assert_eq!(v201(&long), "1 PropertyConstraintViolation");
    let long_id = format!(r#"[2,"{}","Heartbeat",{{}}]"#, "1".repeat(1 << 20));
    assert_eq!(v201(&long_id), "-1 FormatViolation");
    let long_id = format!(r#"[2,{},"Heartbeat",{{}}]"#, "1".repeat(1 << 20));
    assert_eq!(v201(&long_id), "-1 RpcFrameworkError");
}

#[test]
fn a_refusal_says_where_and_why() {
    let mut columns = ocpp::MeterColumns::new();
    let mut refuse = |payload: &str| {
        let payload = payload.to_owned();
        let error =
            ocpp::v16::Request::decode("MeterValues", &payload, Policy::Tolerant, &mut columns)
                .unwrap_err();
        error.description.into_owned()
    };
    for (payload, expected) in [
        ("{\"meterValue\":[]}", "/connectorId: required, but missing"),
        (
            r#"{"connectorId":1,"meterValue":[{"timestamp":"x","sampledValue":[]}]}"#,
            "/meterValue/0/timestamp: found \"x\", expected a date like 2026-11-22T10:00:00Z",
        ),
        (
            r#"{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":"1"},{"value":{}}]}]}"#,
            "/meterValue/0/sampledValue/1/value: found an object, expected a string",
        ),
        (
            r#"{"connectorId":1,"meterValue":,}"#,
            "/meterValue: byte 30 of the payload is ',', expected an array",
        ),
        (
            r#"{"connectorId":1,"a/b~c":1}"#,
            "/a~1b~0c: not a property here",
        ),
        (
            r#"{"connectorId":1"#,
            "the payload ends at byte 16, expected ',' or '}'",
        ),
    ] {
        assert_eq!(refuse(payload), expected);
    }
}

#[test]
fn what_is_written_is_read_back() {
    let mut out = Vec::new();
    ocpp::write_call(&mut out, "a\"b", "Reset", r#"{"type":"Soft"}"#);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text, r#"[2,"a\"b","Reset",{"type":"Soft"}]"#);
    let Ok(Frame::Call {
        id,
        action,
        payload,
    }) = ocpp::scan(&text, Version::V16)
    else {
        panic!("{text}");
    };
    assert_eq!(
        (&*id, &*action, payload),
        ("a\"b", "Reset", r#"{"type":"Soft"}"#)
    );

    let mut out = Vec::new();
    ocpp::write_call_result(&mut out, "\u{1}", |out| out.extend_from_slice(b"{}"));
    assert_eq!(out, br#"[3,"\u0001",{}]"#);
    let error = ocpp::CallError::new(ocpp::ErrorCode::FormatViolation, "é".repeat(300));
    let mut out = Vec::new();
    ocpp::write_call_error(&mut out, Version::V16, "1", &error);
    let expected = format!(r#"[4,"1","FormationViolation","{}",{{}}]"#, "é".repeat(255));
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}
