//! What a station's answers say of the certificates in it.

use fleet::UtcMicros;
use fleet::record::{CertificateHashData, InstalledCertificate, SigningState, StationCertificates};
use serde_json::Value;

use crate::CommandId;
use crate::certificates::{certificate_hashes, certificate_summary};

/// Certificates that are kept of one station; what it names beyond is not.
const INSTALLED_MAX: usize = 64;
/// Longest text that is kept of a member, characters: a hash of SHA-512 has 128.
const MEMBER_CHARS_MAX: usize = 128;
/// Longest subject that is kept.
const SUBJECT_CHARS_MAX: usize = 256;

/// The answer to a CertificateSigned.
pub(super) fn note_signed(
    known: &mut StationCertificates,
    now: UtcMicros,
    command: CommandId,
    answer: &str,
) {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    let state = match status(&answer) {
        "Accepted" => SigningState::Accepted,
        "Rejected" => SigningState::Rejected,
        _ => return,
    };
    let mut requests = known.requests.iter_mut();
    if let Some(request) = requests.find(|request| request.command_id == Some(command.0)) {
        request.state = state.code();
        request.changed_at = now.0;
        if state == SigningState::Rejected {
            let info = &answer["statusInfo"];
            let words = [&info["reasonCode"], &info["additionalInfo"]];
            let words: Vec<_> = words.into_iter().filter_map(Value::as_str).collect();
            request.reason = cut(&words.join(": "), 2 * SUBJECT_CHARS_MAX);
        }
    }
}

/// The answer to InstallCertificate, DeleteCertificate or GetInstalledCertificateIds.
pub(super) fn note(
    known: &mut StationCertificates,
    now: UtcMicros,
    action: &str,
    asked: &str,
    answer: &str,
) {
    let asked: Value = serde_json::from_str(asked).unwrap_or_default();
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    match (action, status(&answer)) {
        ("InstallCertificate", "Accepted") => install(known, now, &asked),
        // One that was not there is not there either.
        ("DeleteCertificate", "Accepted" | "NotFound") => {
            let deleted = hash_data(&asked["certificateHashData"]);
            known
                .installed
                .retain(|certificate| !certificate.hashes.iter().any(|hash| same(hash, &deleted)));
        }
        ("GetInstalledCertificateIds", "Accepted" | "NotFound") => {
            report(known, now, &asked["certificateType"], &answer);
        }
        _ => {}
    }
}

fn install(known: &mut StationCertificates, now: UtcMicros, asked: &Value) {
    let pem = asked["certificate"].as_str().unwrap_or_default();
    // A text that is no certificate may still be one to the station, which has taken it; its name is not to be known.
    let Ok(hashes) = certificate_hashes(pem) else {
        return;
    };
    let hashes = hashes.map(|hash| CertificateHashData {
        hash_algorithm: hash.algorithm.as_str().to_owned(),
        issuer_name_hash: hash.issuer_name_hash,
        issuer_key_hash: hash.issuer_key_hash,
        serial_number: hash.serial_number,
    });
    let summary = certificate_summary(pem).ok();
    let subject = summary.as_ref().map_or("", |summary| &summary.subject);
    let certificate = InstalledCertificate {
        certificate_type: text(&asked["certificateType"]),
        hashes: hashes.to_vec(),
        children: Vec::new(),
        subject: cut(subject, SUBJECT_CHARS_MAX),
        not_after: summary.map(|summary| summary.not_after),
        known_since: now.0,
        reported_at: None,
    };
    known
        .installed
        .retain(|before| !is_same(before, &certificate));
    put(known, certificate);
}

/// A station has named what it has of `types`: one word in 1.6, a list in 2.x, all where there is none.
fn report(known: &mut StationCertificates, now: UtcMicros, types: &Value, answer: &Value) {
    let is_asked = |word: &str| match types {
        Value::String(only) => only == word,
        Value::Array(list) => list.iter().any(|of| of.as_str() == Some(word)),
        _ => true,
    };
    let empty = Vec::new();
    let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_else(|| empty.clone());
    let named_16 = list(&answer["certificateHashData"]);
    let named_2x = list(&answer["certificateHashDataChain"]);
    let reported =
        |certificate_type: String, hash: &Value, children: Vec<Value>| InstalledCertificate {
            certificate_type,
            hashes: vec![hash_data(hash)],
            children: children.iter().take(INSTALLED_MAX).map(hash_data).collect(),
            subject: String::new(),
            not_after: None,
            known_since: now.0,
            reported_at: Some(now.0),
        };
    let reported: Vec<_> = named_16
        .iter()
        .map(|hash| reported(text(types), hash, Vec::new()))
        .chain(named_2x.iter().map(|chain| {
            let children = list(&chain["childCertificateHashData"]);
            reported(
                text(&chain["certificateType"]),
                &chain["certificateHashData"],
                children,
            )
        }))
        .collect();
    let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut known.installed)
        .into_iter()
        .partition(|before| is_asked(&before.certificate_type));
    known.installed = kept;
    for mut certificate in reported {
        if let Some(before) = gone.iter().find(|before| is_same(before, &certificate)) {
            // What was sent is known better than what is named.
            certificate.hashes.clone_from(&before.hashes);
            certificate.subject.clone_from(&before.subject);
            certificate.not_after = before.not_after;
            certificate.known_since = before.known_since;
        }
        put(known, certificate);
    }
}

fn put(known: &mut StationCertificates, certificate: InstalledCertificate) {
    if known.installed.len() < INSTALLED_MAX {
        known.installed.push(certificate);
    }
}

fn is_same(a: &InstalledCertificate, b: &InstalledCertificate) -> bool {
    a.certificate_type == b.certificate_type
        && a.hashes.iter().any(|a| b.hashes.iter().any(|b| same(a, b)))
}

/// Hexadecimal digits and words are compared without case, and a serial number without leading zeros.
fn same(a: &CertificateHashData, b: &CertificateHashData) -> bool {
    let number = |text: &str| text.trim_start_matches('0').to_ascii_lowercase();
    a.hash_algorithm == b.hash_algorithm
        && a.issuer_name_hash.eq_ignore_ascii_case(&b.issuer_name_hash)
        && a.issuer_key_hash.eq_ignore_ascii_case(&b.issuer_key_hash)
        && number(&a.serial_number) == number(&b.serial_number)
}

fn hash_data(value: &Value) -> CertificateHashData {
    CertificateHashData {
        hash_algorithm: text(&value["hashAlgorithm"]),
        issuer_name_hash: text(&value["issuerNameHash"]),
        issuer_key_hash: text(&value["issuerKeyHash"]),
        serial_number: text(&value["serialNumber"]),
    }
}

fn status(answer: &Value) -> &str {
    answer["status"].as_str().unwrap_or_default()
}

fn text(value: &Value) -> String {
    cut(value.as_str().unwrap_or_default(), MEMBER_CHARS_MAX)
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}
