//! Whose word it is that strangers pass on: issuers by what a station calls them, and the signatures of what they say.

use x509_cert::der::{Decode, Header, Reader, SliceReader, Tag};
use x509_parser::asn1_rs::BitString;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::verify::verify_signature;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use super::hash::{HashAlgorithm, unhex};
use super::ocsp::StatusAsk;

/// Signatures by SHA-1, which anybody with the means may forge.
const SHA_1: [&str; 3] = ["1.2.840.113549.1.1.5", "1.3.14.3.2.29", "1.2.840.10045.4.1"];

/// Exactly one certificate.
pub(super) fn certificate(der: &[u8]) -> Option<X509Certificate<'_>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Some(certificate),
        Ok(_) | Err(_) => None,
    }
}

/// True for the certificate that a question names as the issuer's.
pub(super) fn is_issuer(certificate: &X509Certificate<'_>, ask: &StatusAsk) -> bool {
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

pub(super) fn is_weak(algorithm: &AlgorithmIdentifier<'_>) -> bool {
    SHA_1.contains(&algorithm.algorithm.to_id_string().as_str())
}

/// What is signed of a structure that ends in the algorithm and the signature (RFC 5280, RFC 6960), in its own bytes.
pub(super) struct Signed<'a> {
    data: &'a [u8],
    algorithm: AlgorithmIdentifier<'a>,
    signature: BitString<'a>,
}

impl<'a> Signed<'a> {
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let mut reader = SliceReader::new(der).ok()?;
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

    pub(super) fn is_by(&self, key: &SubjectPublicKeyInfo<'_>) -> bool {
        !is_weak(&self.algorithm)
            && verify_signature(key, &self.algorithm, &self.signature, self.data).is_ok()
    }
}
