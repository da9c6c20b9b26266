//! The envelope of a message in every version, what hides its secrets, what is signed, and what mends its slips.
//!
//! Rules: what is read can be written, and is read alike; a reply is a CALLERROR; masking answers for any text; a JWS is opened
//! or refused by a CALLERROR; what was mended differs, and is mended no further once it can be read.

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
    for version in Version::ALL {
        if let Err(error) = ocpp::open_signed(version, "Heartbeat", text) {
            refused(version, &error);
        }
    }
    if let Some(repaired) = ocpp::repair(text) {
        assert!(!repaired.changes.is_empty(), "{text}");
        assert_ne!(repaired.text, text);
        let can_be_read = ocpp::scan(&repaired.text, Version::V16).is_ok();
        assert!(
            !can_be_read || ocpp::repair(&repaired.text).is_none(),
            "{text}"
        );
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
