//! Certificates as stations, vehicles and responders write them: requests, chains, and answers of OCSP.
//!
//! Rules: nobody's bytes but the issuer's are a proof, so an answer that counts says what the responder of `pki/` said; a
//! chain that is followed to the root is the one there; a subject that may be signed can be read by an operator. What
//! comes as text is fed as PEM, or, where it begins with a zero, as DER in a block that is made around it.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dataplane::untrusted::{AnswerRead, contract_chain, ocsp_answer, request_subject};
use dataplane::{CertificateHash, certificate_hashes};
use fleet::UtcMicros;

/// The vehicle's certificate and the CA's, and the root above them: made by `openssl` for a hundred years.
const CHAIN: &str = include_str!("../pki/chain.pem");
const ROOT: &str = include_str!("../pki/root.pem");
const EMAID: &str = "DE8AACA2B3C4D51";
/// 2030-01-01.
const NOW: UtcMicros = UtcMicros(1_893_456_000_000_000);

struct Pki {
    vehicle: CertificateHash,
    issuers: Vec<Vec<u8>>,
    roots: Vec<Vec<u8>>,
}

static PKI: LazyLock<Pki> = LazyLock::new(|| {
    let [vehicle, ..] = certificate_hashes(CHAIN).expect("a chain");
    Pki {
        vehicle,
        issuers: blocks(CHAIN),
        roots: blocks(ROOT),
    }
});

/// The blocks of a PEM text, in DER.
fn blocks(pem: &str) -> Vec<Vec<u8>> {
    let parts = pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    let der = parts.map(|part| {
        let (base64, _) = part.split_once("-----END").expect("an end");
        let base64: String = base64.split_whitespace().collect();
        STANDARD.decode(base64).expect("base64")
    });
    der.collect()
}

/// `data` as the PEM that it is, or as DER in one block.
fn text(data: &[u8], label: &str) -> Option<String> {
    match data {
        [0, der @ ..] => Some(format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            STANDARD.encode(der)
        )),
        _ => String::from_utf8(data.to_vec()).ok(),
    }
}

pub(crate) fn request(data: &[u8]) {
    let Some(pem) = text(data, "CERTIFICATE REQUEST") else {
        return;
    };
    match request_subject(&pem) {
        Ok(subject) => assert!(!subject.chars().any(char::is_control), "{subject:?}"),
        Err(reason) => assert!(!reason.is_empty()),
    }
}

pub(crate) fn answer(data: &[u8]) {
    let pki = &*PKI;
    let alone = ocsp_answer(&pki.vehicle, &[], data, NOW);
    let known = ocsp_answer(&pki.vehicle, &pki.issuers, data, NOW);
    // An answer that does not show the issuer is proven or refused where the issuer is known, and is else the same.
    match (&alone, &known) {
        (Ok(alone), Ok(known)) => assert_eq!(
            (alone.is_good, alone.next_update),
            (known.is_good, known.next_update)
        ),
        (Ok(alone), Err(_)) => assert!(!alone.is_proven),
        // The issuer that it shows is a damaged one.
        (Err(_), Ok(known)) => assert!(known.is_proven),
        (Err(_), Err(_)) => {}
    }
    if let Ok(
        read @ AnswerRead {
            is_proven: true, ..
        },
    ) = known
    {
        assert!(
            SAID.contains(&(read.is_good, read.next_update.0)),
            "{read:?}"
        );
    }
}

/// What the responder of `pki/` has signed: good twice, once by the CA itself, and revoked.
static SAID: LazyLock<Vec<(bool, i64)>> = LazyLock::new(|| {
    let answers: [&[u8]; 3] = [
        include_bytes!("../pki/good.der"),
        include_bytes!("../pki/direct.der"),
        include_bytes!("../pki/revoked.der"),
    ];
    let read = answers.map(|answer| {
        let read = ocsp_answer(&PKI.vehicle, &PKI.issuers, answer, NOW).expect("an answer");
        assert!(read.is_proven);
        (read.is_good, read.next_update.0)
    });
    read.to_vec()
});

pub(crate) fn chain(data: &[u8]) {
    let Some(pem) = text(data, "CERTIFICATE") else {
        return;
    };
    let pki = &*PKI;
    let known = contract_chain(&pem, EMAID, &pki.roots, NOW);
    if let Ok(asked) = known {
        assert_eq!(asked, 1, "the CA names no responder");
        let shown = certificate_hashes(&pem).expect("it was read");
        assert_eq!(shown[0], pki.vehicle);
    }
    assert!(contract_chain(&pem, EMAID, &[], NOW).is_err(), "no root");
}
