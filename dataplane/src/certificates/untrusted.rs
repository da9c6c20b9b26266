//! What strangers write about certificates, read as the threads read it: for `fuzz`, which has no station to write it.

use fleet::UtcMicros;

use super::chain::{self, ChainAsk};
use super::ocsp::{Source, Status, StatusAsk, answer, cert_id};
use super::{CertificateHash, csr};

/// What is made of a responder's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerRead {
    /// The certificate is neither revoked nor unknown.
    pub is_good: bool,
    /// On the word of its issuer.
    pub is_proven: bool,
    /// Until when that counts.
    pub next_update: UtcMicros,
}

/// The subject of a certificate signing request in PEM that may be signed.
///
/// # Errors
///
/// Why it may not.
pub fn request_subject(pem: &str) -> Result<String, String> {
    let csr = csr::read(pem).map_err(|error| error.to_string())?;
    Ok(csr.subject_text())
}

/// What an answer in DER says about a certificate at `now`; `issuers` are certificates in DER.
///
/// # Errors
///
/// Why it says nothing.
pub fn ocsp_answer(
    hash: &CertificateHash,
    issuers: &[Vec<u8>],
    answer: &[u8],
    now: UtcMicros,
) -> Result<AnswerRead, String> {
    let ask = StatusAsk {
        algorithm: hash.algorithm.as_str().to_owned(),
        issuer_name_hash: hash.issuer_name_hash.clone(),
        issuer_key_hash: hash.issuer_key_hash.clone(),
        serial_number: hash.serial_number.clone(),
        source: Source::Responder,
        urls: Vec::new(),
    };
    let wanted = cert_id(&ask).ok_or("the certificate is not named by hashes")?;
    let found = answer::read(answer.to_vec(), &ask, &wanted, None, issuers, now)
        .map_err(|error| error.to_string())?;
    Ok(AnswerRead {
        is_good: found.status == Status::Good,
        is_proven: found.is_proven,
        next_update: found.next_update,
    })
}

/// How many certificates responders are asked about when a vehicle shows `pem` for the contract `emaid`; `roots` are
/// certificates in DER.
///
/// # Errors
///
/// Why nobody is asked.
pub fn contract_chain(
    pem: &str,
    emaid: &str,
    roots: &[Vec<u8>],
    now: UtcMicros,
) -> Result<usize, String> {
    let ask = ChainAsk {
        pem: pem.to_owned(),
        emaid: emaid.to_owned(),
    };
    let (asks, _) = chain::check(&ask, roots, now).map_err(|error| error.to_string())?;
    Ok(asks.len())
}
