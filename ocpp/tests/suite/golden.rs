//! One sample per action: it decodes strictly, and what is written of it is the same JSON.

use std::path::{Path, PathBuf};

use ocpp::{CallError, MeterColumns, Policy, v16, v21, v201};
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

/// Actions that have a sample, which are those that carry the daily traffic; the schemas test covers all.
fn sampled(version: &str, actions: &'static [&'static str]) -> Vec<&'static str> {
    let path = |action: &str| {
        format!(
            "{}/samples/{version}/{action}.json",
            env!("CARGO_MANIFEST_DIR")
        )
    };
    let actions = actions.iter().copied();
    actions
        .filter(|action| Path::new(&path(action)).exists())
        .collect()
}

#[test]
fn samples_of_1_6_are_read_and_written() {
    let requests = sampled("v16", v16::Request::ACTIONS);
    let commands = sampled("v16", v16::Command::ACTIONS);
    assert_eq!((requests.len(), commands.len()), (10, 10));
    for action in requests {
        check("v16", action, &echo!(v16::Request), &echo!(v16::Response));
    }
    for action in commands {
        let answer = &echo!(v16::CommandResponse);
        check("v16", action, &echo!(v16::Command), answer);
    }
}

#[test]
fn samples_of_2_0_1_are_read_and_written() {
    let requests = sampled("v201", v201::Request::ACTIONS);
    let commands = sampled("v201", v201::Command::ACTIONS);
    assert_eq!((requests.len(), commands.len()), (12, 11));
    for action in requests {
        check(
            "v201",
            action,
            &echo!(v201::Request),
            &echo!(v201::Response),
        );
    }
    for action in commands {
        let answer = &echo!(v201::CommandResponse);
        check("v201", action, &echo!(v201::Command), answer);
    }
}

#[test]
fn every_action_goes_one_way_or_both() {
    /// All, requests, commands, sends.
    type Sets = [&'static [&'static str]; 4];
    let sets: [Sets; 3] = [
        [
            v16::ACTIONS,
            v16::Request::ACTIONS,
            v16::Command::ACTIONS,
            &[],
        ],
        [
            v201::ACTIONS,
            v201::Request::ACTIONS,
            v201::Command::ACTIONS,
            &[],
        ],
        [
            v21::ACTIONS,
            v21::Request::ACTIONS,
            v21::Command::ACTIONS,
            v21::Send::ACTIONS,
        ],
    ];
    for [all, requests, commands, sends] in sets {
        let some = requests.iter().chain(commands).chain(sends);
        let mut some: Vec<&str> = some.copied().collect();
        some.sort_unstable();
        some.dedup();
        assert_eq!(some, all);
        assert_eq!(requests.len() + commands.len() + sends.len(), all.len() + 1);
    }
    let sizes = sets.map(|[all, requests, ..]| (all.len(), requests.len()));
    assert_eq!(sizes, [(39, 14), (64, 25), (91, 36)]);
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
