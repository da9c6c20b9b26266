//! TLS 1.2 and 1.3 without sockets: what a peer sent in, what it said out, and the other way.
//!
//! A [`Session`] is one connection, either end. It owns no buffer but the bytes of a record that is not whole: whoever
//! drives it lends the memory in which records are opened and sealed, one for all connections of a thread.
//!
//! [`TlsServer`] and [`TlsClient`] make sessions. What they were made of is checked when they are made: certificates
//! that are none, a key that belongs to another certificate.
//!
//! # What is refused
//!
//! Versions before 1.2, compression, renegotiation, RSA key exchange, RC4, 3DES, CBC and early data: rustls has none of
//! them. A peer that offers application protocols must offer `http/1.1`, which WebSocket upgrades. With the feature
//! `openssl` those that have nothing better may have RSA key exchange: their sessions are of OpenSSL, which is made to refuse
//! the same otherwise.

mod chooser;
mod client;
mod failure;
#[cfg(feature = "openssl")]
mod openssl;
mod pem;
mod server;
mod session;
mod tickets;
mod witness;

pub use client::{ClientSettings, TlsClient, Trust};
pub use failure::{CertificateFault, TlsFailure};
pub use pem::{PemError, certificates, private_key, revocation_lists};
pub use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
pub use server::{ClientCertificates, Prepared, ServerSettings, TlsServer};
pub use session::{Session, TlsPeer};
pub use tickets::{TicketKeys, TicketKeysError};

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// RFC 5246.
    V12,
    /// RFC 8446.
    V13,
}

impl TlsVersion {
    /// As it is written: `1.2`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            TlsVersion::V12 => "1.2",
            TlsVersion::V13 => "1.3",
        }
    }
}

/// A certificate, those between it and its root, and its key.
#[derive(Debug)]
pub struct Identity {
    /// The certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    /// PKCS#8, PKCS#1 or SEC1.
    pub key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Whether the key can be used, and is that of the certificate.
    ///
    /// # Errors
    ///
    /// [`TlsError::Key`] or [`TlsError::Identity`].
    pub fn check(&self) -> Result<(), TlsError> {
        let Identity { chain, key } = self.clone();
        certified(chain, key).map(drop)
    }
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, TlsError> {
    CertifiedKey::from_der(chain, key, &provider()).map_err(|source| match source {
        rustls::Error::InconsistentKeys(_) => TlsError::Key,
        source => TlsError::Identity(source),
    })
}

impl Clone for Identity {
    fn clone(&self) -> Identity {
        Identity {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
        }
    }
}

/// Why there is no TLS with these settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A server has to show something.
    #[error("there is no certificate to show")]
    NoIdentity,
    /// Each is right, and they do not belong together.
    #[error("the key is not that of the certificate")]
    Key,
    /// The key cannot be used: of a kind or a length that nobody uses any more, or of none.
    #[error(
        "the key cannot be used, expected ECDSA on P-256 or P-384, Ed25519, or RSA of 2048 to 8192 bits"
    )]
    Identity(#[source] rustls::Error),
    /// A certificate that others are to be checked against.
    #[error("root certificate {number} cannot be used")]
    Root {
        /// From 1, in the order given.
        number: usize,
        /// What is wrong with it.
        #[source]
        source: rustls::Error,
    },
    /// Clients cannot be checked with these roots and lists.
    #[error("client certificates cannot be checked with these roots and revocation lists")]
    Clients(#[source] rustls::client::VerifierBuilderError),
    /// The name that a server's certificate is to bear.
    #[error("{found:?} is neither a host name nor an address")]
    Name {
        /// What was given.
        found: String,
    },
    /// Settings that do not go together.
    #[error("TLS cannot be set up so")]
    Settings(#[source] rustls::Error),
    /// RSA key exchange with keys that are of something else.
    #[cfg(feature = "openssl")]
    #[error("there is no certificate of RSA to exchange keys with")]
    NoRsa,
    /// The same, of OpenSSL.
    #[cfg(feature = "openssl")]
    #[error("OpenSSL cannot be set up so")]
    OpenSsl(#[from] ::openssl::error::ErrorStack),
}

/// The cryptography of all sessions.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: std::sync::OnceLock<Arc<CryptoProvider>> = std::sync::OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())))
}

/// The versions between the two, newest first.
fn versions(min: TlsVersion, max: TlsVersion) -> Vec<&'static rustls::SupportedProtocolVersion> {
    let all = [
        (TlsVersion::V13, &rustls::version::TLS13),
        (TlsVersion::V12, &rustls::version::TLS12),
    ];
    let allowed = all
        .iter()
        .filter(|(version, _)| (min..=max).contains(version));
    allowed.map(|(_, of_rustls)| *of_rustls).collect()
}

/// What is negotiated where the peer asks for an application protocol.
const PROTOCOL: &[u8] = b"http/1.1";

fn roots(certificates: &[CertificateDer<'static>]) -> Result<rustls::RootCertStore, TlsError> {
    let mut store = rustls::RootCertStore::empty();
    for (at, root) in certificates.iter().enumerate() {
        store.add(root.clone()).map_err(|source| TlsError::Root {
            number: at + 1,
            source,
        })?;
    }
    Ok(store)
}

#[cfg(test)]
mod tests;
