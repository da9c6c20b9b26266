//! A responder's answer (RFC 6960, section 4.2): about which certificate, of when, and on whose word.
//!
//! An answer is proven when the issuer of the certificate has signed it, or somebody whom the issuer has certified for just
//! that (`id-kp-OCSPSigning`) and whose certificate counts now. Who the issuer is says the question itself, which names it
//! by the hashes of its name and key: a certificate that has both is its own proof, wherever it comes from. Where nobody
//! has shown one, the signature cannot be checked, and the answer is only good for those who have: stations and vehicles.
//! Whether a delegate is revoked in turn is not asked.

use fleet::UtcMicros;
use x509_cert::der::{Decode, Encode, Header, Reader, SliceReader, Tag};
use x509_ocsp::{BasicOcspResponse, CertId, CertStatus, OcspResponse, OcspResponseStatus};
use x509_parser::asn1_rs::BitString;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use x509_parser::verify::verify_signature;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use super::nonce::{self, Nonce};
use super::{OcspError, Status, StatusAsk, StatusFound};
use crate::certificates::hash::{HashAlgorithm, unhex};

/// How long an answer counts that names no end.
const KEPT_MICROS: i64 = 3_600 * 1_000_000;
/// How far a responder's clock may be ahead.
const AHEAD_MICROS: i64 = 300 * 1_000_000;
/// Signatures by SHA-1, which anybody with the means may forge.
const SHA_1: [&str; 3] = ["1.2.840.113549.1.1.5", "1.3.14.3.2.29", "1.2.840.10045.4.1"];

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

/// Exactly one certificate.
fn certificate(der: &[u8]) -> Option<X509Certificate<'_>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Some(certificate),
        Ok(_) | Err(_) => None,
    }
}

/// True for the certificate that a question names as the issuer's.
fn is_issuer(certificate: &X509Certificate<'_>, ask: &StatusAsk) -> bool {
    let Some(algorithm) = HashAlgorithm::parse(&ask.algorithm) else {
        return false;
    };
    let is = |bytes: &[u8], digits: &str| unhex(&algorithm.digest(bytes)) == unhex(digits);
    is(certificate.subject().as_raw(), &ask.issuer_name_hash)
        && is(
            &certificate.public_key().subject_public_key.data,
            &ask.issuer_key_hash,
        )
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

fn is_weak(algorithm: &AlgorithmIdentifier<'_>) -> bool {
    SHA_1.contains(&algorithm.algorithm.to_id_string().as_str())
}

/// What is signed of a `BasicOCSPResponse`, and how, in the responder's own bytes.
struct Signed<'a> {
    data: &'a [u8],
    algorithm: AlgorithmIdentifier<'a>,
    signature: BitString<'a>,
}

impl<'a> Signed<'a> {
    fn read(basic: &'a [u8]) -> Option<Self> {
        let mut reader = SliceReader::new(basic).ok()?;
        let header = Header::decode(&mut reader).ok()?;
        header.tag.assert_eq(Tag::Sequence).ok()?;
        let data = reader.tlv_bytes().ok()?;
        let (_, algorithm) = AlgorithmIdentifier::from_der(reader.tlv_bytes().ok()?).ok()?;
        let (_, signature) = BitString::from_der(reader.tlv_bytes().ok()?).ok()?;
        Some(Self {
            data,
            algorithm,
            signature,
        })
    }

    fn is_by(&self, key: &SubjectPublicKeyInfo<'_>) -> bool {
        !is_weak(&self.algorithm)
            && verify_signature(key, &self.algorithm, &self.signature, self.data).is_ok()
    }
}
