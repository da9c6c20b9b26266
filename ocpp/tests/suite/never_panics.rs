//! No text from a network makes the crate panic, and its idea of JSON is everyone's.

use ocpp::{Frame, MeterColumns, Policy, Version, mask_secrets, v16, v21, v201};
use proptest::prelude::*;

use crate::receive;

const FRAMES: [&str; 6] = [
    r#"[2,"1","MeterValues",{"connectorId":1,"transactionId":7,"meterValue":[{"timestamp":"2026-11-22T10:15:30.123+02:00","sampledValue":[{"value":"1.5e3","unit":"kWh","phase":"L1"},{"value":-2,"measurand":"SoC"}]}]}]"#,
    r#"[2,"2","TransactionEvent",{"eventType":"Ended","timestamp":"2026-11-22T10:15:30Z","triggerReason":"StopAuthorized","seqNo":3,"transactionInfo":{"transactionId":"t"},"meterValue":[{"timestamp":"2026-11-22T10:15:30Z","sampledValue":[{"value":1e-3,"unitOfMeasure":{"unit":"Wh","multiplier":3},"signedMeterValue":{"signedMeterData":"a","signingMethod":"b","encodingMethod":"c","publicKey":"d"}}]}],"customData":{"vendorId":"v","x":[{}]}}]"#,
    r#"[2,"3","BootNotification",{"chargePointVendor":"V\u00e9\n","chargePointModel":"\ud83d\ude00"}]"#,
    r#"[3,"4",{"configurationKey":[{"key":"AuthorizationKey","readonly":0,"value":"x"}]}]"#,
    r#"[4,"5","GenericError","d",{"a":[1,2,{"b":null}]}]"#,
    r#"[2,"6","DataTransfer",{"vendorId":"v","data":"[[[]]]"}]"#,
];

/// Everything that reads a text from outside.
fn read_all(text: &str) {
    for version in Version::ALL {
        for policy in [Policy::Strict, Policy::Tolerant, Policy::Lenient] {
            receive(version, policy, text);
        }
        for action in v16::ACTIONS.iter().chain(v21::ACTIONS) {
            let mut columns = MeterColumns::new();
            let payload = match ocpp::scan(text, version) {
                Ok(
                    Frame::Call { payload, .. }
                    | Frame::CallResult { payload, .. }
                    | Frame::Send { payload, .. },
                ) => payload,
                Ok(Frame::CallError { .. } | Frame::CallResultError { .. }) | Err(_) => text,
            };
            let policy = Policy::Tolerant;
            // Whatever was accepted can be written, and is accepted again.
            if let Ok(decoded) = v16::Request::decode(action, payload, policy, &mut columns) {
                let mut out = Vec::new();
                decoded.message.write(&mut out);
                let text = String::from_utf8(out).unwrap();
                let mut columns = MeterColumns::new();
                v16::Request::decode(action, &text, policy, &mut columns).unwrap();
            }
            if let Ok(decoded) = v21::Request::decode(action, payload, policy, &mut columns) {
                let mut out = Vec::new();
                decoded.message.write(&mut out);
                let text = String::from_utf8(out).unwrap();
                let mut columns = MeterColumns::new();
                v21::Request::decode(action, &text, policy, &mut columns).unwrap();
            }
            let _ = v21::Send::decode(action, payload, policy, &mut columns);
            if let Ok(decoded) = v201::Request::decode(action, payload, policy, &mut columns) {
                let mut out = Vec::new();
                decoded.message.write(&mut out);
                let text = String::from_utf8(out).unwrap();
                let mut columns = MeterColumns::new();
                v201::Request::decode(action, &text, policy, &mut columns).unwrap();
            }
            let _ = v16::CommandResponse::decode(action, payload, policy, &mut columns);
            let _ = v201::CommandResponse::decode(action, payload, policy, &mut columns);
            let _ = v16::Command::decode(action, payload, policy, &mut columns);
            let _ = v201::Command::decode(action, payload, policy, &mut columns);
        }
    }
    for action in ["GetConfiguration", "NotifyReport"] {
        mask_secrets(action, text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}|[\\[\\]{}\",:0-9a-z\\\\\u{0}-\u{1f} ]{0,80}") {
        read_all(&text);
    }

    #[test]
    fn any_message_with_bytes_changed_is_read_or_refused(
        frame in prop::sample::select(&FRAMES[..]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..5),
    ) {
        let mut bytes = frame.as_bytes().to_vec();
        for (index, byte, edit) in edits {
            let at = index.index(bytes.len());
            match edit {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => { bytes.remove(at); }
                _ => bytes.truncate(at.max(1)),
            }
            if bytes.is_empty() {
                bytes.push(byte);
            }
        }
        if let Ok(text) = String::from_utf8(bytes) {
            read_all(&text);
        }
    }

    /// serde_json is the second opinion. It allows deeper nesting and, when it ignores a value, half characters.
    #[test]
    fn json_is_what_serde_json_takes_for_json(
        text in "([\\[\\]{},:]|\"[a-c\\\\n\"]{0,3}\"|-?[0-9.eE+-]{1,5}|true|false|null| |\\\\){0,14}",
    ) {
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        let frame = format!(r#"[2,"1","DataTransfer",{{"vendorId":"v","data":{text}}}]"#);
        // The text may close the object early and go on; that is a matter of the frame, not of JSON.
        let alone = serde_json::from_str::<serde::de::IgnoredAny>(&format!("{{\"d\":{text}}}")).is_ok();
        let ours = receive(Version::V201, Policy::Strict, &frame) == "ok";
        prop_assume!(theirs == alone);
        prop_assert_eq!(ours, theirs, "{}", text);
    }
}
