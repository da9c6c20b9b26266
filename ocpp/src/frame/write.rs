//! Messages as bytes. Every writer appends, so that one buffer serves a burst.

use crate::json::write_string;
use crate::{CallError, Version};

/// Longest error description, in characters (2.0.1 Part 4 §4.2.3).
const DESCRIPTION_MAX: usize = 255;

/// Appends a CALL; `payload` is JSON.
pub fn write_call(out: &mut Vec<u8>, id: &str, action: &str, payload: &str) {
    out.extend_from_slice(b"[2,");
    write_string(out, id);
    out.push(b',');
    write_string(out, action);
    out.push(b',');
    out.extend_from_slice(payload.as_bytes());
    out.push(b']');
}

/// Appends a CALLRESULT; `payload` appends its JSON, one value.
pub fn write_call_result(out: &mut Vec<u8>, id: &str, payload: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"[3,");
    write_string(out, id);
    out.push(b',');
    payload(out);
    out.push(b']');
}

/// Appends a CALLERROR in the words of `version`.
pub fn write_call_error(out: &mut Vec<u8>, version: Version, id: &str, error: &CallError) {
    write_error(out, b'4', version, id, error);
}

/// Appends a CALLRESULTERROR: the peer's answer to our call `id` cannot be used. Only 2.1 has it.
pub fn write_call_result_error(out: &mut Vec<u8>, id: &str, error: &CallError) {
    write_error(out, b'5', Version::V21, id, error);
}

fn write_error(out: &mut Vec<u8>, kind: u8, version: Version, id: &str, error: &CallError) {
    out.extend_from_slice(&[b'[', kind, b',']);
    write_string(out, id);
    out.push(b',');
    write_string(out, error.code.as_str(version));
    out.push(b',');
    let end = error.description.char_indices().nth(DESCRIPTION_MAX);
    let description = &error.description[..end.map_or(error.description.len(), |(at, _)| at)];
    write_string(out, description);
    out.extend_from_slice(b",{}]");
}
