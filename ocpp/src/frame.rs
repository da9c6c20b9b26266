//! OCPP-J messages: a scan of the envelope that leaves the payload alone, and the writers.
//!
//! ```text
//! [2, "id", "Action", payload]                      CALL
//! [3, "id", payload]                                CALLRESULT
//! [4, "id", "Code", "description", details]         CALLERROR
//! [5, "id", "Code", "description", details]         CALLRESULTERROR, in 2.1
//! [6, "id", "Action", payload]                      SEND, in 2.1
//! ```
//!
//! The scan is strict about all it hands out and trusts nothing about the payload, which the decoder of the
//! action checks: a fifth element or two messages in one frame make the payload slice no JSON value, and
//! are refused there with the id at hand.

mod fault;
mod write;

use std::borrow::Cow;

pub use fault::{FrameError, FrameFault, Reply};
pub use write::{write_call, write_call_error, write_call_result, write_call_result_error};

use crate::json::{Elements, Reader, plain_end};
use crate::{Policy, Version};

/// Longest message id, in characters (2.0.1 Part 4 §4.1.4, 1.6J §4.1.4).
pub const MESSAGE_ID_MAX: usize = 36;

/// The id of a CALLERROR about a frame whose own id cannot be read (2.0.1 Part 4 §4.2.3).
pub const UNREADABLE_ID: &str = "-1";

/// One message, borrowed from its text. Payload slices are not validated yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A request of the peer.
    Call {
        /// 1 to 36 characters.
        id: Cow<'a, str>,
        /// What is asked for; any string.
        action: Cow<'a, str>,
        /// Unchecked text where the payload should be.
        payload: &'a str,
    },
    /// The peer's answer to a call of ours.
    CallResult {
        /// The id of our call.
        id: Cow<'a, str>,
        /// Unchecked text where the payload should be.
        payload: &'a str,
    },
    /// The peer's refusal of a call of ours.
    CallError {
        /// The id of our call.
        id: Cow<'a, str>,
        /// The code as sent; see [`crate::ErrorCode::parse`].
        code: Cow<'a, str>,
        /// Free text, possibly empty.
        description: Cow<'a, str>,
        /// A JSON value, checked; `{}` where the peer left it out.
        details: &'a str,
    },
    /// The peer's complaint about an answer of ours (2.1); it is not answered.
    CallResultError {
        /// The id of its call.
        id: Cow<'a, str>,
        /// The code as sent; see [`crate::ErrorCode::parse`].
        code: Cow<'a, str>,
        /// Free text, possibly empty.
        description: Cow<'a, str>,
        /// A JSON value, checked; `{}` where the peer left it out.
        details: &'a str,
    },
    /// What the peer says without waiting for an answer (2.1), also while a call of its own is open.
    Send {
        /// 1 to 36 characters.
        id: Cow<'a, str>,
        /// What is said; any string.
        action: Cow<'a, str>,
        /// Unchecked text where the payload should be.
        payload: &'a str,
    },
}

/// Reads the envelope of one text message; about 30 ns, no allocation unless a string holds an escape.
///
/// # Errors
///
/// What is wrong, whose message it was as far as that can be told, and the reply that `version` asks for.
#[inline]
pub fn scan(text: &str, version: Version) -> Result<Frame<'_>, FrameError<'_>> {
    match plain_call(text) {
        Some(frame) => Ok(frame),
        None => scan_any(text, version),
    }
}

/// A CALL written without spaces and escapes, and with an object for its payload, as nearly all are.
fn plain_call(text: &str) -> Option<Frame<'_>> {
    let bytes = text.as_bytes();
    let id_at = 4;
    if !bytes.starts_with(b"[2,\"") {
        return None;
    }
    let id_end = plain_end(bytes, id_at);
    let action_at = id_end + 3;
    if bytes.get(id_end..action_at)? != b"\",\"" {
        return None;
    }
    let action_end = plain_end(bytes, action_at);
    let payload_at = action_end + 2;
    let payload_end = bytes.len() - 1;
    if bytes.get(action_end..payload_at + 1)? != b"\",{" || !bytes.ends_with(b"}]") {
        return None;
    }
    let id = text.get(id_at..id_end)?;
    if id.is_empty() || is_long(id) {
        return None;
    }
    Some(Frame::Call {
        id: Cow::Borrowed(id),
        action: Cow::Borrowed(text.get(action_at..action_end)?),
        payload: text.get(payload_at..payload_end)?,
    })
}

fn scan_any(text: &str, version: Version) -> Result<Frame<'_>, FrameError<'_>> {
    let mut r = Reader::new(text, version, Policy::Tolerant);
    let Some((kind, mut elements)) = head(&mut r, version) else {
        return Err(FrameError::new(version, FrameFault::Unreadable, None));
    };
    let no_id = || Err(FrameError::new(version, FrameFault::no_id(kind), None));
    if !matches!(r.element(&mut elements), Ok(true)) {
        return no_id();
    }
    let id = match r.peek() {
        b'"' => r.string().ok(),
        // Refused, but legible: the reply can name it.
        b'0'..=b'9' | b'-' => {
            let id = r.number().ok().map(Cow::Borrowed);
            return Err(FrameError::new(version, FrameFault::id_not_text(kind), id));
        }
        _ => {
            let fault = FrameFault::id_not_text(kind);
            return Err(FrameError::new(version, fault, None));
        }
    };
    let Some(id) = id else {
        return no_id();
    };
    let fault = match kind {
        MessageType::Unknown => FrameFault::MessageType,
        MessageType::Call if id.is_empty() || is_long(&id) => FrameFault::IdLength,
        MessageType::Call => match call(&mut r, &mut elements) {
            Some((action, payload)) => {
                return Ok(Frame::Call {
                    id,
                    action,
                    payload,
                });
            }
            None => FrameFault::CallElements,
        },
        MessageType::CallResult => match payload(&mut r, &mut elements) {
            Some(payload) => return Ok(Frame::CallResult { id, payload }),
            None => FrameFault::AnswerElements,
        },
        MessageType::CallError => match call_error(&mut r, &mut elements) {
            Some((code, description, details)) => {
                return Ok(Frame::CallError {
                    id,
                    code,
                    description,
                    details,
                });
            }
            None => FrameFault::RefusalElements,
        },
        MessageType::CallResultError => match call_error(&mut r, &mut elements) {
            Some((code, description, details)) => {
                return Ok(Frame::CallResultError {
                    id,
                    code,
                    description,
                    details,
                });
            }
            None => FrameFault::ComplaintElements,
        },
        MessageType::Send if id.is_empty() || is_long(&id) => FrameFault::SendElements,
        MessageType::Send => match call(&mut r, &mut elements) {
            Some((action, payload)) => {
                return Ok(Frame::Send {
                    id,
                    action,
                    payload,
                });
            }
            None => FrameFault::SendElements,
        },
    };
    Err(FrameError::new(version, fault, Some(id)))
}

/// True for an id of more than [`MESSAGE_ID_MAX`] characters; they are counted only where there may be as many.
fn is_long(id: &str) -> bool {
    MESSAGE_ID_MAX < id.len() && MESSAGE_ID_MAX < id.chars().count()
}

/// Reads the message type.
fn head(r: &mut Reader<'_>, version: Version) -> Option<(MessageType, Elements)> {
    let mut elements = r.array().ok()?;
    if !r.element(&mut elements).ok()? {
        return None;
    }
    let kind = match r.peek() {
        b'0'..=b'9' | b'-' => message_type(r.number().ok()?, version),
        // A type that is no number is as unknown as 9, and an id may still follow.
        _ => r.skip_value().ok().map(|()| MessageType::Unknown)?,
    };
    Some((kind, elements))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MessageType {
    Call,
    CallResult,
    CallError,
    CallResultError,
    Send,
    Unknown,
}

/// `2.0` is the number 2 to JSON, and some stations write it.
fn message_type(lexeme: &str, version: Version) -> MessageType {
    match lexeme {
        "2" | "2.0" => MessageType::Call,
        "3" | "3.0" => MessageType::CallResult,
        "4" | "4.0" => MessageType::CallError,
        "5" | "5.0" if version == Version::V21 => MessageType::CallResultError,
        "6" | "6.0" if version == Version::V21 => MessageType::Send,
        _ => MessageType::Unknown,
    }
}

/// Action and payload.
fn call<'a>(r: &mut Reader<'a>, elements: &mut Elements) -> Option<(Cow<'a, str>, &'a str)> {
    let action = text(r, elements)?;
    let payload = payload(r, elements)?;
    Some((action, payload))
}

fn text<'a>(r: &mut Reader<'a>, elements: &mut Elements) -> Option<Cow<'a, str>> {
    if !r.element(elements).ok()? {
        return None;
    }
    r.string().ok()
}

/// All that stands between the next comma and the closing bracket of the message.
fn payload<'a>(r: &mut Reader<'a>, elements: &mut Elements) -> Option<&'a str> {
    if !r.element(elements).ok()? {
        return None;
    }
    let rest = r.rest().trim_end_matches([' ', '\t', '\n', '\r']);
    rest.strip_suffix(']')
        .map(|payload| payload.trim_end_matches([' ', '\t', '\n', '\r']))
}

/// Code, description and details. The last two are often left out, and nothing depends on them.
fn call_error<'a>(
    r: &mut Reader<'a>,
    elements: &mut Elements,
) -> Option<(Cow<'a, str>, Cow<'a, str>, &'a str)> {
    let code = text(r, elements)?;
    let mut description = Cow::Borrowed("");
    let mut details = "{}";
    if r.element(elements).ok()? {
        description = r.string().ok()?;
        if r.element(elements).ok()? {
            details = r.value().ok()?;
            if r.element(elements).ok()? {
                return None;
            }
        }
    }
    r.end().ok()?;
    Some((code, description, details))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_reads_only_what_the_long_one_reads_alike() {
        let version = Version::V16;
        let call = r#"[2,"7f-ç","Heartbeat",{"a":[{}]}]"#;
        assert!(plain_call(call).is_some());
        let others = [
            "", " ", "\n", "\"", "\\", "\\u0041", "\0", ",", "{", "}", "[", "]", "3", "é",
        ];
        let ends: Vec<usize> = (0..=call.len())
            .filter(|at| call.is_char_boundary(*at))
            .collect();
        let mut short = 0;
        for &from in &ends {
            for &until in ends.iter().filter(|until| from <= **until) {
                for other in others {
                    let text = [&call[..from], other, &call[until..]].concat();
                    if let Some(frame) = plain_call(&text) {
                        assert_eq!(scan_any(&text, version), Ok(frame), "{text}");
                        short += 1;
                    }
                }
            }
        }
        assert!(100 < short, "{short}");
        let id = "x".repeat(MESSAGE_ID_MAX);
        assert!(plain_call(&call.replace("7f-ç", &id)).is_some());
        for id in ["", &format!("{id}x")] {
            assert_eq!(plain_call(&call.replace("7f-ç", id)), None);
        }
    }
}
