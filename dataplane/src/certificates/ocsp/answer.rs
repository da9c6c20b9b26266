//! A responder's answer (RFC 6960, section 4.2): about which certificate, of when, and on whose word.
//!
//! An answer is proven when the issuer of the certificate has signed it, or somebody whom the issuer has certified for just
//! that (`id-kp-OCSPSigning`) and whose certificate counts now. Who the issuer is says the question itself, which names it
//! by the hashes of its name and key: a certificate that has both is its own proof, wherever it comes from. Where nobody
//! has shown one, the signature cannot be checked, and the answer is only good for those who have: stations and vehicles.
//! Whether a delegate is revoked in turn is not asked.

use fleet::UtcMicros;
use x509_cert::der::{Decode, Encode};
use x509_ocsp::{BasicOcspResponse, CertId, CertStatus, OcspResponse, OcspResponseStatus};
use x509_parser::certificate::X509Certificate;
use x509_parser::time::ASN1Time;

use super::nonce::{self, Nonce};
use super::{OcspError, Status, StatusAsk, StatusFound};
use crate::certificates::signature::{Signed, certificate, is_issuer, is_weak};

/// How long an answer counts that names no end.
const KEPT_MICROS: i64 = 3_600 * 1_000_000;
/// How far a responder's clock may be ahead.
const AHEAD_MICROS: i64 = 300 * 1_000_000;

/// Reads the answer to `ask`, of which `wanted` and `nonce` are what the responder was told. `issuers` are certificates in
/// DER.
pub(in crate::certificates) fn read(
    answer: Vec<u8>,
    ask: &StatusAsk,
    wanted: &CertId,
    nonce: Option<&Nonce>,
    issuers: &[Vec<u8>],
    now: UtcMicros,
) -> Result<StatusFound, OcspError> {
    let response = OcspResponse::from_der(&answer).map_err(|_| OcspError::Structure)?;
    if response.response_status != OcspResponseStatus::Successful {
        return Err(OcspError::Refused(response.response_status));
    }
    let bytes = response.response_bytes.ok_or(OcspError::Structure)?;
    let bytes = bytes.response.as_bytes();
    let basic = BasicOcspResponse::from_der(bytes).map_err(|_| OcspError::Structure)?;
    // Responders write the algorithm with and without its empty parameters.
    let is_wanted = |id: &CertId| {
        id.hash_algorithm.oid == wanted.hash_algorithm.oid
            && id.issuer_name_hash == wanted.issuer_name_hash
            && id.issuer_key_hash == wanted.issuer_key_hash
            && id.serial_number == wanted.serial_number
    };
    let mut responses = basic.tbs_response_data.responses.iter();
    let single = responses
        .find(|single| is_wanted(&single.cert_id))
        .ok_or(OcspError::Other)?;
    let micros = |time: &x509_ocsp::OcspGeneralizedTime| {
        i64::try_from(time.0.to_unix_duration().as_micros()).unwrap_or(i64::MAX)
    };
    let next_update = single
        .next_update
        .as_ref()
        .map_or(now.0 + KEPT_MICROS, micros);
    if next_update <= now.0 || now.0 + AHEAD_MICROS < micros(&single.this_update) {
        return Err(OcspError::Stale);
    }
    let is_for_once = nonce::check(&basic, single, nonce)?;
    let status = match single.cert_status {
        CertStatus::Good(_) => Status::Good,
        CertStatus::Revoked(_) => Status::Revoked,
        CertStatus::Unknown(_) => Status::Unknown,
    };
    let shown = basic.certs.iter().flatten();
    let shown: Vec<Vec<u8>> = shown.filter_map(|shown| shown.to_der().ok()).collect();
    let is_proven = is_proven(bytes, &shown, ask, issuers, now)?;
    Ok(StatusFound {
        status,
        answer,
        next_update: UtcMicros(next_update),
        is_proven,
        is_for_once,
    })
}

/// Whether the issuer has signed an answer, or a delegate of its; `false` where nobody has shown the issuer's
/// certificate. `shown` are the certificates in the answer itself.
fn is_proven(
    basic: &[u8],
    shown: &[Vec<u8>],
    ask: &StatusAsk,
    issuers: &[Vec<u8>],
    now: UtcMicros,
) -> Result<bool, OcspError> {
    let signed = Signed::read(basic).ok_or(OcspError::Structure)?;
    let known = issuers.iter().chain(shown);
    let known = known.filter_map(|der| certificate(der));
    // More than one, where somebody shows a damaged one beside the issuer's own.
    let known: Vec<_> = known.filter(|shown| is_issuer(shown, ask)).collect();
    if known.is_empty() {
        return Ok(false);
    }
    let is_proven = known.iter().any(|issuer| {
        let mut delegates = shown.iter().filter_map(|der| certificate(der));
        signed.is_by(issuer.public_key())
            || delegates.any(|delegate| {
                may_answer(&delegate, issuer, now) && signed.is_by(delegate.public_key())
            })
    });
    if is_proven {
        Ok(true)
    } else {
        Err(OcspError::Signature)
    }
}

/// True for somebody whom the issuer itself lets answer in its place, now (RFC 6960, 4.2.2.2).
fn may_answer(
    delegate: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
    now: UtcMicros,
) -> bool {
    let usage = delegate.extended_key_usage().ok().flatten();
    usage.is_some_and(|usage| usage.value.ocsp_signing)
        && delegate.issuer().as_raw() == issuer.subject().as_raw()
        && ASN1Time::from_timestamp(now.0 / 1_000_000)
            .is_ok_and(|now| delegate.validity().is_valid_at(now))
        && !is_weak(&delegate.signature_algorithm)
        && delegate.verify_signature(Some(issuer.public_key())).is_ok()
}
