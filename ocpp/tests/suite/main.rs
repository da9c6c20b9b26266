//! What the crate promises to its users, on whole messages.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod golden;
mod json_acceptance;
mod malformed;
mod never_panics;
mod quirks;
mod secrets;

use ocpp::{CallError, Frame, MeterColumns, Policy, Quirks, Version};

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
    }
}
