//! One sample per action: it decodes strictly, and what is written of it is the same JSON.

use std::path::PathBuf;

use ocpp::{CallError, MeterColumns, Policy, v16, v201};
use serde_json::Value;

macro_rules! echo {
    ($set:ty) => {
        |action: &str, payload: &str| -> Result<String, CallError> {
            let mut columns = MeterColumns::new();
            let decoded = <$set>::decode(action, payload, Policy::Strict, &mut columns)?;
            assert_eq!(decoded.message.action(), action);
            let mut out = Vec::new();
            decoded.message.write(&mut out);
            Ok(String::from_utf8(out).expect("JSON is UTF-8"))
        }
    };
}

/// Decodes a payload of an action and writes it again.
type Echo = dyn Fn(&str, &str) -> Result<String, CallError>;

fn check(version: &str, action: &str, call: &Echo, answer: &Echo) {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.extend(["samples", version, &format!("{action}.json")]);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{action} has no sample {}: {error}", path.display()));
    let sample: Value = serde_json::from_str(&text).unwrap();
    for (part, echo) in [("call", call), ("answer", answer)] {
        let payload = sample[part].to_string();
        let written = echo(action, &payload)
            .unwrap_or_else(|error| panic!("{version} {action} {part}: {error}\n{payload}"));
        let written: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(written, sample[part], "{version} {action} {part}");
    }
}

#[test]
fn every_action_of_1_6_reads_and_writes_its_sample() {
    for action in v16::Request::ACTIONS {
        check("v16", action, &echo!(v16::Request), &echo!(v16::Response));
    }
    for action in v16::Command::ACTIONS {
        check(
            "v16",
            action,
            &echo!(v16::Command),
            &echo!(v16::CommandResponse),
        );
    }
}

#[test]
fn every_action_of_2_0_1_reads_and_writes_its_sample() {
    for action in v201::Request::ACTIONS {
        check(
            "v201",
            action,
            &echo!(v201::Request),
            &echo!(v201::Response),
        );
    }
    for action in v201::Command::ACTIONS {
        check(
            "v201",
            action,
            &echo!(v201::Command),
            &echo!(v201::CommandResponse),
        );
    }
}

#[test]
fn every_supported_action_is_known_to_its_version() {
    let known = [
        (v16::ACTIONS, v16::Request::ACTIONS),
        (v16::ACTIONS, v16::Command::ACTIONS),
        (v201::ACTIONS, v201::Request::ACTIONS),
        (v201::ACTIONS, v201::Command::ACTIONS),
    ];
    for (all, some) in known {
        assert!(some.iter().all(|action| all.contains(action)));
    }
    assert_eq!((v16::ACTIONS.len(), v201::ACTIONS.len()), (39, 64));
}

#[test]
fn an_operators_command_is_checked_strictly() {
    let check = |result: Result<(), CallError>| result.map_err(|error| error.to_string());
    assert_eq!(
        check(v16::validate_call("Reset", r#"{"type":"Soft"}"#)),
        Ok(())
    );
    assert_eq!(
        check(v16::validate_call("Reset", r#"{"type":"Gently"}"#)),
        Err(
            "PropertyConstraintViolation: /type: found \"Gently\", expected one of Hard, Soft"
                .into()
        )
    );
    assert_eq!(
        check(v16::validate_call(
            "Reset",
            r#"{"type":"Soft","when":"now"}"#
        )),
        Err("FormatViolation: /when: not a property here".into())
    );
    assert_eq!(
        check(v16::validate_call("Reset", "null")),
        Err("FormatViolation: found null, expected an object".into())
    );
    assert_eq!(
        check(v16::validate_call("Heartbeat", "{}")),
        Err("NotSupported: Heartbeat is not supported here".into())
    );
    assert_eq!(
        check(v201::validate_call("ChangeConfiguration", "{}")),
        Err("NotImplemented: \"ChangeConfiguration\" is no action of OCPP 2.0.1".into())
    );
    assert_eq!(
        check(v201::validate_call(
            "SetVariables",
            r#"{"setVariableData":[{"attributeValue":"1","component":{"name":"A"},"variable":{}}]}"#
        )),
        Err("OccurrenceConstraintViolation: /setVariableData/0/variable/name: required, but missing".into())
    );
}
