//! What a certificate is known by in OCPP: hashes of its issuer's name and key, and its serial number
//! (`CertificateHashDataType`, after RFC 6960).

use ring::digest;
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;

/// `HashAlgorithmEnumType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl HashAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// The word of OCPP.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
            Self::Sha512 => "SHA512",
        }
    }

    /// The algorithm that OCPP calls so.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == word)
    }

    /// Hexadecimal in lower case.
    pub(super) fn digest(self, bytes: &[u8]) -> String {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        hex(digest::digest(algorithm, bytes).as_ref())
    }
}

/// What a certificate is known by under one algorithm. Hexadecimal in lower case; to be compared without case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateHash {
    /// Of both hashes.
    pub algorithm: HashAlgorithm,
    /// Of the issuer's distinguished name in DER.
    pub issuer_name_hash: String,
    /// Of the issuer's public key, without tag and length.
    pub issuer_key_hash: String,
    /// Without leading zeros.
    pub serial_number: String,
}

/// What operators read of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateSummary {
    /// Distinguished name of whom it is for.
    pub subject: String,
    /// Distinguished name of who signed it.
    pub issuer: String,
    /// Without leading zeros, hexadecimal.
    pub serial_number: String,
    /// From when it counts, UTC microseconds.
    pub not_before: i64,
    /// Until when it counts, UTC microseconds.
    pub not_after: i64,
}

/// Why a text is no certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// No such block in it.
    #[error("found no PEM block CERTIFICATE")]
    NoCertificate,
    /// A block that is no X.509 certificate.
    #[error("a PEM block CERTIFICATE holds no X.509 certificate")]
    NoX509,
    /// Its issuer is neither itself nor the next certificate of the text, so nobody can tell the hash of its key.
    #[error(
        "the certificate is not signed by its own key, and its issuer's certificate does not follow"
    )]
    NoIssuer,
}

/// The first certificate of a PEM text by every algorithm. Its issuer is itself, or the certificate behind it.
///
/// # Errors
///
/// Any [`PemError`].
pub fn certificate_hashes(pem: &str) -> Result<[CertificateHash; 3], PemError> {
    let blocks = blocks(pem)?;
    let parsed = |at: usize| blocks.get(at).map(parse).transpose();
    let certificate = parsed(0)?.ok_or(PemError::NoCertificate)?;
    let issuer = if certificate.issuer() == certificate.subject() {
        Some(certificate.clone())
    } else {
        parsed(1)?.filter(|next| next.subject() == certificate.issuer())
    };
    let issuer = issuer.ok_or(PemError::NoIssuer)?;
    let serial_number = serial(&certificate);
    Ok(HashAlgorithm::ALL.map(|algorithm| CertificateHash {
        algorithm,
        issuer_name_hash: algorithm.digest(certificate.issuer().as_raw()),
        issuer_key_hash: algorithm.digest(&issuer.public_key().subject_public_key.data),
        serial_number: serial_number.clone(),
    }))
}

/// What the first certificate of a PEM text says.
///
/// # Errors
///
/// [`PemError::NoCertificate`] or [`PemError::NoX509`].
pub fn certificate_summary(pem: &str) -> Result<CertificateSummary, PemError> {
    let blocks = blocks(pem)?;
    let certificate = parse(blocks.first().ok_or(PemError::NoCertificate)?)?;
    let validity = certificate.validity();
    Ok(CertificateSummary {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial_number: serial(&certificate),
        not_before: validity.not_before.timestamp().saturating_mul(1_000_000),
        not_after: validity.not_after.timestamp().saturating_mul(1_000_000),
    })
}

/// The certificates of a PEM text; blocks of other kinds are passed by.
pub(super) fn blocks(pem: &str) -> Result<Vec<Pem>, PemError> {
    let blocks: Result<Vec<_>, _> = Pem::iter_from_buffer(pem.as_bytes()).collect();
    let mut blocks = blocks.map_err(|_| PemError::NoCertificate)?;
    blocks.retain(|block| block.label == "CERTIFICATE");
    if blocks.is_empty() {
        return Err(PemError::NoCertificate);
    }
    Ok(blocks)
}

pub(super) fn parse(block: &Pem) -> Result<X509Certificate<'_>, PemError> {
    match x509_parser::parse_x509_certificate(&block.contents) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) | Err(_) => Err(PemError::NoX509),
    }
}

pub(super) fn serial(certificate: &X509Certificate<'_>) -> String {
    let digits = hex(certificate.raw_serial());
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() { "0" } else { digits }.to_owned()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of hexadecimal digits; an odd number of them has a zero before it.
pub(super) fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = digits.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits?;
    let padded = std::iter::repeat_n(0, digits.len() % 2).chain(digits.iter().copied());
    let padded: Vec<u32> = padded.collect();
    let bytes = padded
        .chunks_exact(2)
        .map(|pair| (pair[0] << 4 | pair[1]) as u8);
    Some(bytes.collect())
}
