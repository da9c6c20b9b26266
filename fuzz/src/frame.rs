//! The envelope of a message in every version, and what hides its secrets.
//!
//! Rules: what is read can be written, and is read alike; a reply is a CALLERROR; masking answers for any text.

use ocpp::{Frame, FrameError, Version};

use crate::payload::refused;

/// One whose messages may hold passwords, one whose messages do not, and a message of nobody knows what.
const ACTIONS: [&str; 3] = ["SetNetworkProfile", "GetConfiguration", ""];

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for version in Version::ALL {
        match ocpp::scan(text, version) {
            Ok(frame) => check_written(version, &frame),
            Err(FrameError { reply, .. }) => {
                if let Some(reply) = reply {
                    refused(version, &reply.error);
                }
            }
        }
    }
    for action in ACTIONS {
        ocpp::mask_secrets(action, text);
    }
    ocpp::replace_tokens(text, |token| token.len().to_string());
}

/// Frames that we write too are read as they were meant.
fn check_written(version: Version, frame: &Frame<'_>) {
    let mut out = Vec::new();
    match frame {
        Frame::Call {
            id,
            action,
            payload,
        } => ocpp::write_call(&mut out, id, action, payload),
        Frame::CallResult { id, payload } => {
            ocpp::write_call_result(&mut out, id, |out| {
                out.extend_from_slice(payload.as_bytes())
            });
        }
        // Their writers take a code of ours, not any text.
        Frame::CallError { .. } | Frame::CallResultError { .. } | Frame::Send { .. } => return,
    }
    let text = String::from_utf8(out).expect("what is written is UTF-8");
    let again = ocpp::scan(&text, version);
    assert_eq!(again.as_ref(), Ok(frame), "{text}");
}
