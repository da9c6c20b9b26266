//! Hiding passwords in raw messages, before they are logged or shown.

use std::borrow::Cow;
use std::ops::Range;

use crate::json::{Fault, Reader};
use crate::{Policy, Version};

/// Settings and variables whose value is a password: 1.6 security whitepaper §2, 2.0.1 `SecurityCtrlr`.
const SECRET_NAMES: [&str; 2] = ["AuthorizationKey", "BasicAuthPassword"];

/// What stands where a secret stood.
const MASK: &str = "\"***\"";

/// True when messages that concern `action` may hold passwords, for [`mask_secrets`] to hide; so may those without one.
pub fn may_hold_secrets(action: &str) -> bool {
    matches!(
        action,
        "" | "ChangeConfiguration"
            | "GetConfiguration"
            | "GetVariables"
            | "SetVariables"
            | "NotifyReport"
            | "NotifyEvent"
    )
}

/// Hides the passwords in a raw message that concerns `action`: a CALL, or the CALLRESULT to one. Other actions carry
/// none and pass unread. A message of such an action that is no JSON is withheld from its first brace on, since
/// nobody can tell where the password ends; so is one without an action (`""`: nobody could read it) that names a
/// password or may do so.
pub fn mask_secrets<'f>(action: &str, frame: &'f str) -> Cow<'f, str> {
    if action.is_empty() {
        return mask_unreadable(frame);
    }
    if !may_hold_secrets(action) {
        return Cow::Borrowed(frame);
    }
    let mut masked = Vec::new();
    let mut r = Reader::new(frame, Version::V201, Policy::Strict);
    let walked = walk(&mut r, frame, &mut masked).and_then(|_| r.end());
    if walked.is_err() {
        return Cow::Owned(withheld(frame));
    }
    if masked.is_empty() {
        return Cow::Borrowed(frame);
    }
    masked.sort_by_key(|range| range.start);
    let mut out = String::with_capacity(frame.len());
    let mut from = 0;
    for range in masked {
        out.push_str(&frame[from..range.start]);
        out.push_str(MASK);
        from = range.end;
    }
    out.push_str(&frame[from..]);
    Cow::Owned(out)
}

/// A message that is none, without what may be a password.
fn mask_unreadable(frame: &str) -> Cow<'_, str> {
    // An escape of a letter may spell a part of a name.
    const SUSPECT: [&str; 3] = ["authorizationkey", "password", "\\u00"];
    let lower = frame.to_ascii_lowercase();
    if SUSPECT.iter().any(|name| lower.contains(name)) {
        Cow::Owned(withheld(frame))
    } else {
        Cow::Borrowed(frame)
    }
}

/// What may be shown of a message whose passwords cannot be told from the rest.
fn withheld(frame: &str) -> String {
    let shown = &frame[..frame.find('{').unwrap_or(0)];
    format!("{shown}*** unreadable, withheld")
}

/// What a value tells the object around it.
#[derive(Default)]
struct Found {
    /// It names a secret: `"key": "AuthorizationKey"`, or `"variable": {"name": "BasicAuthPassword"}`.
    secret: bool,
    /// Values in it that would be the secret.
    values: Vec<Range<usize>>,
}

/// Goes through one value. An object that names a secret gives up the values in it to `masked`; an array keeps
/// its elements' names apart and passes their values on (`variableAttribute` lies beside `variable`).
fn walk(r: &mut Reader<'_>, frame: &str, masked: &mut Vec<Range<usize>>) -> Result<Found, Fault> {
    let mut found = Found::default();
    match r.peek() {
        b'{' => {
            let mut members = r.object()?;
            while let Some(key) = r.key(&mut members)? {
                let start = frame.len() - r.rest().len();
                if matches!(&*key, "key" | "name") && r.peek() == b'"' {
                    let name = r.string()?;
                    found.secret |= SECRET_NAMES.iter().any(|s| s.eq_ignore_ascii_case(&name));
                } else if matches!(&*key, "value" | "attributeValue" | "actualValue") {
                    let value = r.value()?;
                    found.values.push(start..start + value.len());
                } else {
                    let mut inner = walk(r, frame, masked)?;
                    found.secret |= inner.secret;
                    found.values.append(&mut inner.values);
                }
            }
            if found.secret && !found.values.is_empty() {
                masked.append(&mut found.values);
            }
        }
        b'[' => {
            let mut elements = r.array()?;
            while r.element(&mut elements)? {
                found.values.append(&mut walk(r, frame, masked)?.values);
            }
        }
        _ => r.skip_value()?,
    }
    Ok(found)
}
