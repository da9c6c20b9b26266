//! Signed messages of 2.x (Part 4, chapter 7): the action has `-Signed` behind it, the payload is a JWS (RFC 7515,
//! flattened JSON) around what would stand there otherwise.
//!
//! ```text
//! [2, "id", "Heartbeat-Signed", {"protected": "…", "payload": "e30", "signature": "…"}]
//! ```
//!
//! What is enclosed is processed as if it had come by itself (§7.2). The signature is for whoever holds the key: it is
//! not checked, only that it is of this action, so that nobody on the way can have one message pass for another.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::json::{Fault, Reader};
use crate::{CallError, ErrorCode, Frame, Policy, Version, scan};

/// Base64url; RFC 7515 has no padding, some writers do.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The action whose signed form `action` is; 1.6 has no such form.
pub fn signed_action(version: Version, action: &str) -> Option<&str> {
    match version {
        Version::V16 => None,
        Version::V201 | Version::V21 => action.strip_suffix("-Signed"),
    }
}

/// The payload of `action` that the JWS in `payload` encloses; it is as unchecked as one that comes by itself.
///
/// # Errors
///
/// The JWS lacks a member or has another one, a member is no base64url of text, or the protected header is that of
/// another action.
pub fn open_signed(version: Version, action: &str, payload: &str) -> Result<String, CallError> {
    let jws = read_jws(version, payload)?;
    let header = decoded("protected", &jws.protected)?;
    match read_header(version, &header)? {
        Some(signed) if *signed != *action => {
            let short: String = signed.chars().take(60).collect();
            Err(CallError::new(
                ErrorCode::SecurityError,
                format!("/protected: OCPPAction is {short:?}, another one than the message's"),
            ))
        }
        Some(_) => Ok(decoded("payload", &jws.payload)?),
        None => Err(Fault::missing("OCPPAction").at("protected").into()),
    }
}

/// Whether a signed message of `action` encloses a secret; `None` for a message that is not signed. What cannot be read
/// may hold one.
pub(crate) fn holds_secrets(action: &str, frame: &str) -> Option<bool> {
    let (signed, payload) = match scan(frame, Version::V21).ok()? {
        Frame::Call {
            action, payload, ..
        }
        | Frame::Send {
            action, payload, ..
        } => (action, payload),
        Frame::CallResult { .. } | Frame::CallError { .. } | Frame::CallResultError { .. } => {
            return None;
        }
    };
    signed_action(Version::V21, &signed)?;
    let enclosed = open_signed(Version::V21, action, payload);
    let is_clean =
        enclosed.is_ok_and(|text| matches!(crate::mask_secrets(action, &text), Cow::Borrowed(_)));
    Some(!is_clean)
}

struct Jws<'a> {
    protected: Cow<'a, str>,
    payload: Cow<'a, str>,
}

fn read_jws(version: Version, text: &str) -> Result<Jws<'_>, Fault> {
    let mut r = Reader::new(text, version, Policy::Strict);
    if r.peek() != b'{' {
        return Err(Fault::not_an_object(r.wrong_type("an object")));
    }
    let (mut protected, mut payload, mut signature) = (None, None, None);
    let mut header = None;
    let mut members = r.object()?;
    while let Some(key) = r.key(&mut members)? {
        let place = match &*key {
            "protected" => &mut protected,
            "payload" => &mut payload,
            "signature" => &mut signature,
            "header" => {
                if header.replace(r.value()?).is_some() {
                    return Err(Fault::duplicate(&key));
                }
                continue;
            }
            _ => return Err(Fault::unknown(&key)),
        };
        let value = r.string().map_err(|fault| fault.at(&key))?;
        if place.replace(value).is_some() {
            return Err(Fault::duplicate(&key));
        }
    }
    r.end()?;
    signature.ok_or_else(|| Fault::missing("signature"))?;
    Ok(Jws {
        protected: protected.ok_or_else(|| Fault::missing("protected"))?,
        payload: payload.ok_or_else(|| Fault::missing("payload"))?,
    })
}

/// The action that the protected header names.
fn read_header(version: Version, text: &str) -> Result<Option<Cow<'_, str>>, Fault> {
    let within = |fault: Fault| fault.at("protected");
    let mut r = Reader::new(text, version, Policy::Strict);
    let mut action = None;
    let mut members = r.object().map_err(within)?;
    while let Some(key) = r.key(&mut members).map_err(within)? {
        if key != "OCPPAction" {
            r.value().map_err(within)?;
            continue;
        }
        let value = r.string().map_err(|fault| within(fault.at(&key)))?;
        if action.replace(value).is_some() {
            return Err(within(Fault::duplicate(&key)));
        }
    }
    r.end().map_err(within)?;
    Ok(action)
}

fn decoded(member: &str, text: &str) -> Result<String, Fault> {
    let bytes = BASE64.decode(text).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| Fault::undecodable("base64url of UTF-8").at(member))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jws(header: &str, payload: &str) -> String {
        format!(
            r#"{{"protected":"{}","payload":"{}","signature":"c2ln"}}"#,
            BASE64.encode(header),
            BASE64.encode(payload)
        )
    }

    fn open(action: &str, payload: &str) -> String {
        match open_signed(Version::V21, action, payload) {
            Ok(payload) => payload,
            Err(error) => format!("{} {}", error.code.as_str(Version::V21), error.description),
        }
    }

    const HEADER: &str = r#"{"alg":"ES256","OCPPAction":"Heartbeat","OCPPMessageTypeId":2}"#;

    #[test]
    fn what_a_signature_encloses_is_read() {
        assert_eq!(open("Heartbeat", &jws(HEADER, "{}")), "{}");
        let padded = jws(HEADER, r#"{"a":"ü"}"#);
        assert_eq!(open("Heartbeat", &padded), r#"{"a":"ü"}"#);
        let with_header = padded.replace("{\"protected", r#"{"header":{"kid":"1"},"protected"#);
        assert_eq!(open("Heartbeat", &with_header), r#"{"a":"ü"}"#);
    }

    #[test]
    fn what_is_no_signature_of_this_message_is_refused() {
        let whole = jws(HEADER, "{}");
        for (text, expected) in [
            ("[]", "FormatViolation found an array, expected an object"),
            (
                r#"{"protected":"e30","payload":"e30"}"#,
                "OccurrenceConstraintViolation /signature: required, but missing",
            ),
            (
                &whole.replace("payload", "payloads"),
                "FormatViolation /payloads: not a property here",
            ),
            (
                &whole.replace("\"payload\":\"", "\"payload\":\"*"),
                "FormatViolation /payload: not base64url of UTF-8",
            ),
            (
                &whole.replace("c2ln\"", "c2ln\",\"payload\":\"e30\""),
                "FormatViolation /payload: stands twice",
            ),
            (
                &jws("{}", "{}"),
                "OccurrenceConstraintViolation /protected/OCPPAction: required, but missing",
            ),
            (
                &jws(&HEADER.replace("Heartbeat", "Authorize"), "{}"),
                "SecurityError /protected: OCPPAction is \"Authorize\", another one than the message's",
            ),
            (
                &jws("{", "{}"),
                "FormatViolation /protected: the payload ends at byte 1, expected a property name",
            ),
        ] {
            assert_eq!(open("Heartbeat", text), expected, "{text}");
        }
    }

    #[test]
    fn only_2_x_signs() {
        assert_eq!(signed_action(Version::V16, "Heartbeat-Signed"), None);
        assert_eq!(signed_action(Version::V201, "Heartbeat"), None);
        let signed = signed_action(Version::V201, "Heartbeat-Signed");
        assert_eq!(signed, Some("Heartbeat"));
    }
}
