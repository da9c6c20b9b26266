//! What the crate promises to its users, on whole messages.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod generated;
mod golden;
mod json_acceptance;
mod malformed;
mod never_panics;
mod quirks;
mod schemas;
mod secrets;

use std::path::PathBuf;

use ocpp::{CallError, Frame, MeterColumns, Policy, Quirks, Version};

/// Where data lies that is not part of the repository: `SIGEC_SHARED`, or beside the repository.
fn shared() -> PathBuf {
    match std::env::var_os("SIGEC_SHARED") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")),
    }
}

/// The specification with its schemas; `None`, said aloud, where it is not at hand.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn spec() -> Option<PathBuf> {
    let spec = shared().join("spec/ocpp");
    if spec.is_dir() {
        return Some(spec);
    }
    eprintln!(
        "SKIPPED: no OCPP schemas in {}; set SIGEC_SHARED",
        spec.display()
    );
    None
}

/// Reads a station's call as a server does: the envelope, then the payload.
///
/// The answer is `ok` with the tolerated quirks, or `id Code`, or `silent`.
fn receive(version: Version, policy: Policy, text: &str) -> String {
    let frame = match ocpp::scan(text, version) {
        Ok(frame) => frame,
        Err(error) => {
            return match error.reply {
                Some(reply) => refusal(version, &reply.id, &reply.error),
                None => "silent".to_owned(),
            };
        }
    };
    let Frame::Call {
        id,
        action,
        payload,
    } = frame
    else {
        return "answer".to_owned();
    };
    match decode_request(version, &action, payload, policy) {
        Ok(quirks) => {
            let names: Vec<&str> = quirks.names().collect();
            ["ok"]
                .into_iter()
                .chain(names)
                .collect::<Vec<_>>()
                .join(" ")
        }
        Err(error) => refusal(version, &id, &error),
    }
}

fn refusal(version: Version, id: &str, error: &CallError) -> String {
    let mut out = Vec::new();
    ocpp::write_call_error(&mut out, version, id, error);
    // Whatever is sent has to be a CALLERROR to the other side, too.
    let text = String::from_utf8(out).unwrap();
    match ocpp::scan(&text, version) {
        Ok(Frame::CallError {
            id,
            code,
            description,
            ..
        }) => {
            assert!(description.chars().count() <= 255, "{description}");
            format!("{id} {code}")
        }
        other => panic!("{text} reads back as {other:?}"),
    }
}

fn decode_request(
    version: Version,
    action: &str,
    payload: &str,
    policy: Policy,
) -> Result<Quirks, CallError> {
    let mut columns = MeterColumns::new();
    match version {
        Version::V16 => ocpp::v16::Request::decode(action, payload, policy, &mut columns)
            .map(|decoded| decoded.quirks),
        Version::V201 => ocpp::v201::Request::decode(action, payload, policy, &mut columns)
            .map(|decoded| decoded.quirks),
        Version::V21 => ocpp::v21::Request::decode(action, payload, policy, &mut columns)
            .map(|decoded| decoded.quirks),
    }
}
