//! What stands in PEM files.

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

/// Why a PEM file gives nothing. The caller names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// A block is cut off, or holds what is no Base64.
    #[error("it is no PEM")]
    Syntax(#[source] pem::Error),
    /// There is no block of the kind that is wanted.
    #[error("it has no block {expected}")]
    Nothing {
        /// The kind.
        expected: &'static str,
    },
}

/// All certificates of a file, at least one.
///
/// # Errors
///
/// [`PemError`].
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    blocks(pem, "CERTIFICATE")
}

/// All revocation lists of a file, at least one.
///
/// # Errors
///
/// [`PemError`].
pub fn revocation_lists(
    pem: &[u8],
) -> Result<Vec<CertificateRevocationListDer<'static>>, PemError> {
    blocks(pem, "X509 CRL")
}

/// The first private key of a file: PKCS#8, PKCS#1 or SEC1, not encrypted.
///
/// # Errors
///
/// [`PemError`].
pub fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, PemError> {
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) => Err(PemError::Nothing {
            expected: "PRIVATE KEY that is not encrypted",
        }),
        Err(error) => Err(PemError::Syntax(error)),
    }
}

fn blocks<T: PemObject>(pem: &[u8], expected: &'static str) -> Result<Vec<T>, PemError> {
    let found: Result<Vec<T>, _> = T::pem_slice_iter(pem).collect();
    let found = found.map_err(PemError::Syntax)?;
    if found.is_empty() {
        return Err(PemError::Nothing { expected });
    }
    Ok(found)
}
