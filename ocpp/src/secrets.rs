//! Hiding passwords in raw messages, and tokens in payloads, before they are logged or shown.

mod urls;

use std::borrow::Cow;
use std::ops::Range;

use crate::json::{Fault, Reader};
use crate::{Policy, Version, signed};

/// Settings and variables whose value is a secret: 1.6 security whitepaper §2, 2.x `SecurityCtrlr`, and 2.1
/// `NetworkConfiguration` and `WebPaymentsCtrlr`.
const SECRET_NAMES: [&str; 7] = [
    "ApnPassword",
    "AuthorizationKey",
    "BasicAuthPassword",
    "SharedSecret",
    "SimPin",
    "VpnKey",
    "VpnPassword",
];

/// Members of SetNetworkProfile that are secrets: 2.x `APNType` and `VPNType`, 2.1 `NetworkConnectionProfileType`.
const SECRET_MEMBERS: [&str; 5] = [
    "apnPassword",
    "basicAuthPassword",
    "key",
    "password",
    "simPin",
];

/// Members that hold a token's text: 1.6 `idTag` and `parentIdTag`; 2.x `IdTokenType` and `AdditionalInfoType`.
const TOKEN_MEMBERS: [&str; 4] = ["additionalIdToken", "idTag", "idToken", "parentIdTag"];

/// What stands where a secret stood.
const MASK: &str = "\"***\"";

/// True when messages that concern `action` may hold passwords, for [`mask_secrets`] to hide; so may those without one.
pub fn may_hold_secrets(action: &str) -> bool {
    matches!(
        action,
        "" | "ChangeConfiguration"
            | "GetConfiguration"
            | "GetDiagnostics"
            | "GetLog"
            | "GetVariables"
            | "SetVariables"
            | "SetNetworkProfile"
            | "NotifyReport"
            | "NotifyEvent"
            | "PublishFirmware"
            | "SignedUpdateFirmware"
            | "UpdateFirmware"
    )
}

/// True for what says by a URL where a file is or goes.
fn may_hold_urls(action: &str) -> bool {
    matches!(
        action,
        "GetDiagnostics" | "GetLog" | "PublishFirmware" | "SignedUpdateFirmware" | "UpdateFirmware"
    )
}

/// Hides the passwords in a raw message that concerns `action`: a CALL, or the CALLRESULT to one. Other actions carry
/// none and pass unread. A message of such an action that is no JSON is withheld from its first brace on, since
/// nobody can tell where the password ends; so is one without an action (`""`: nobody could read it) that names a
/// password or may do so, and a signed message that encloses one.
pub fn mask_secrets<'f>(action: &str, frame: &'f str) -> Cow<'f, str> {
    if action.is_empty() {
        return mask_unreadable(frame);
    }
    if !may_hold_secrets(action) {
        return Cow::Borrowed(frame);
    }
    match signed::holds_secrets(action, frame) {
        Some(true) => return Cow::Owned(withheld(frame)),
        Some(false) => return Cow::Borrowed(frame),
        None => {}
    }
    if may_hold_urls(action) {
        return mask_urls(frame);
    }
    let mut masked = Vec::new();
    let mut r = Reader::new(frame, Version::V201, Policy::Strict);
    let walked = if action == "SetNetworkProfile" {
        walk_members(&mut r, frame, &mut |key, range| {
            if SECRET_MEMBERS.contains(&key) {
                masked.push(range);
            }
        })
    } else {
        walk(&mut r, frame, &mut masked).map(drop)
    };
    if walked.and_then(|()| r.end()).is_err() {
        return Cow::Owned(withheld(frame));
    }
    masked.sort_by_key(|range| range.start);
    replaced(frame, masked.into_iter().map(|range| (range, MASK)))
}

/// Hides what of the URLs in a message lets somebody in.
fn mask_urls(frame: &str) -> Cow<'_, str> {
    let mut masked = Vec::new();
    let mut r = Reader::new(frame, Version::V201, Policy::Strict);
    let walked = walk_members(&mut r, frame, &mut |key, range| {
        if urls::MEMBERS.contains(&key) {
            let mut value = Reader::new(&frame[range.clone()], Version::V201, Policy::Strict);
            let shown = value.string().map(|url| urls::without_secrets(&url));
            // What is no text is no URL, and what needs an escape none that anybody gave us.
            let is_plain =
                |text: &str| !text.contains(|c: char| c.is_control() || "\"\\".contains(c));
            let shown = shown.ok().filter(|shown| is_plain(shown));
            let shown = shown.map_or(MASK.to_owned(), |shown| format!("\"{shown}\""));
            masked.push((range, shown));
        }
    });
    if walked.and_then(|()| r.end()).is_err() {
        return Cow::Owned(withheld(frame));
    }
    replaced(frame, masked)
}

/// Puts `reference` of each token's text where that stands in a payload of any action; what is no JSON is withheld.
pub fn replace_tokens(payload: &str, mut reference: impl FnMut(&str) -> String) -> Cow<'_, str> {
    let mut tokens = Vec::new();
    let mut r = Reader::new(payload, Version::V201, Policy::Strict);
    let walked = walk_members(&mut r, payload, &mut |key, range| {
        if TOKEN_MEMBERS.contains(&key) {
            let mut value = Reader::new(&payload[range.clone()], Version::V201, Policy::Strict);
            // A token that is no text can be none of ours, and may be one all the same.
            let text = value.string().unwrap_or_default();
            tokens.push((range, format!("\"{}\"", reference(&text))));
        }
    });
    if walked.and_then(|()| r.end()).is_err() {
        return Cow::Owned(withheld(payload));
    }
    replaced(payload, tokens)
}

/// The text with others in some places of it, which are given in order.
fn replaced<S: AsRef<str>>(
    text: &str,
    places: impl IntoIterator<Item = (Range<usize>, S)>,
) -> Cow<'_, str> {
    let mut out = String::new();
    let mut from = 0;
    for (range, other) in places {
        out.push_str(&text[from..range.start]);
        out.push_str(other.as_ref());
        from = range.end;
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

/// A message that is none, without what may be a secret.
fn mask_unreadable(frame: &str) -> Cow<'_, str> {
    // An escape of a letter may spell a part of a name, and a signature hides what it encloses from everybody's eyes but
    // those of who knows base64.
    const SUSPECT: [&str; 3] = ["password", "\\u00", "-signed"];
    let lower = frame.to_ascii_lowercase();
    let names = SECRET_NAMES.map(str::to_ascii_lowercase);
    let mut suspect = names.iter().map(String::as_str).chain(SUSPECT);
    if suspect.any(|name| lower.contains(name)) {
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

/// Goes through one value and shows every member that is neither object nor array: its name, and where its value lies.
fn walk_members(
    r: &mut Reader<'_>,
    frame: &str,
    visit: &mut dyn FnMut(&str, Range<usize>),
) -> Result<(), Fault> {
    match r.peek() {
        b'{' => {
            let mut members = r.object()?;
            while let Some(key) = r.key(&mut members)? {
                if matches!(r.peek(), b'{' | b'[') {
                    walk_members(r, frame, visit)?;
                } else {
                    let start = frame.len() - r.rest().len();
                    let value = r.value()?;
                    visit(&key, start..start + value.len());
                }
            }
        }
        b'[' => {
            let mut elements = r.array()?;
            while r.element(&mut elements)? {
                walk_members(r, frame, visit)?;
            }
        }
        _ => r.skip_value()?,
    }
    Ok(())
}
