//! The parsers of every action: what a station asks and answers, what we ask and answer, what is sent.
//!
//! ```text
//! byte 0   which action, and which of its payloads
//! byte 1   the policy
//! then     the payload
//! ```
//!
//! Rules: what is accepted can be written, is then accepted again, and is the same text when it is written again; a
//! policy accepts what a stricter one does, and to the strict one nothing is a quirk; a refusal is a CALLERROR.

use ocpp::{CallError, Frame, MeterColumns, Policy, Quirks, Version, v16, v21, v201};

const POLICIES: [Policy; 3] = [Policy::Strict, Policy::Tolerant, Policy::Lenient];

/// Reads a payload and writes what was read.
type Echo = fn(&str, &str, Policy) -> Result<(String, Quirks), CallError>;

macro_rules! echo {
    ($set:ty) => {
        (<$set>::ACTIONS, |action, payload, policy| {
            let mut columns = MeterColumns::new();
            let decoded = <$set>::decode(action, payload, policy, &mut columns)?;
            assert_eq!(decoded.message.action(), action);
            let mut out = Vec::new();
            decoded.message.write(&mut out);
            let text = String::from_utf8(out).expect("what is written is UTF-8");
            Ok((text, decoded.quirks))
        })
    };
}

const V16: &[(&[&str], Echo)] = &[
    echo!(v16::Request),
    echo!(v16::Response),
    echo!(v16::Command),
    echo!(v16::CommandResponse),
];
const V201: &[(&[&str], Echo)] = &[
    echo!(v201::Request),
    echo!(v201::Response),
    echo!(v201::Command),
    echo!(v201::CommandResponse),
];
const V21: &[(&[&str], Echo)] = &[
    echo!(v21::Request),
    echo!(v21::Response),
    echo!(v21::Command),
    echo!(v21::CommandResponse),
    echo!(v21::Send),
];

fn sets(version: Version) -> &'static [(&'static [&'static str], Echo)] {
    match version {
        Version::V16 => V16,
        Version::V201 => V201,
        Version::V21 => V21,
    }
}

/// The action and payload that byte 0 chooses; past the last one they begin again.
fn choose(version: Version, which: u8) -> (&'static str, Echo) {
    let all = || {
        sets(version)
            .iter()
            .flat_map(|(actions, echo)| actions.iter().map(move |action| (*action, *echo)))
    };
    all()
        .cycle()
        .nth(usize::from(which))
        .expect("every version has actions")
}

pub(crate) fn run(version: Version, data: &[u8]) {
    let [which, policy, payload @ ..] = data else {
        return;
    };
    let Ok(payload) = std::str::from_utf8(payload) else {
        return;
    };
    let (action, echo) = choose(version, *which);
    let at = usize::from(*policy) % POLICIES.len();
    let policy = POLICIES[at];
    match echo(action, payload, policy) {
        Ok((text, quirks)) => {
            assert!(policy != Policy::Strict || quirks.is_empty());
            let again = echo(action, &text, policy);
            let (again, _) = again.unwrap_or_else(|error| panic!("{action} {text}: {error:?}"));
            assert_eq!(text, again, "{action}");
            for looser in &POLICIES[at + 1..] {
                let (theirs, more) = echo(action, payload, *looser)
                    .unwrap_or_else(|error| panic!("{action}, {looser:?}: {error:?}"));
                assert_eq!(text, theirs, "{action}, {looser:?}");
                assert_eq!(quirks.bits(), more.bits(), "{action}, {looser:?}");
            }
        }
        Err(error) => refused(version, &error),
    }
}

/// What is sent back is a CALLERROR to the other side, too.
pub(crate) fn refused(version: Version, error: &CallError) {
    let mut out = Vec::new();
    ocpp::write_call_error(&mut out, version, "1", error);
    let text = String::from_utf8(out).expect("what is written is UTF-8");
    let frame = ocpp::scan(&text, version);
    assert!(matches!(frame, Ok(Frame::CallError { .. })), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_chooses_every_payload_of_a_version() {
        for version in Version::ALL {
            let count: usize = sets(version).iter().map(|(actions, _)| actions.len()).sum();
            assert!(count <= 256, "{version} has {count}");
        }
    }
}
