//! Who signs what stations ask for.

mod file;
mod remote;

use fleet::{StationKey, UtcMicros};

use super::config::{ServicesError, SignerConfig};
use super::csr::Csr;
use super::hash::{PemError, blocks, certificate_summary, parse};
use super::http::{HttpError, Server};
use super::{CertificateUse, Signed};
use file::FileCa;

/// Longest chain that a station takes, characters (`CertificateSigned.certificateChain`).
const CHAIN_LEN_MAX: usize = 10_000;

/// Why a CA is none, or why it has not signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaError {
    /// Its certificate cannot be read.
    #[error("its certificate")]
    Certificate(#[from] PemError),
    /// Its certificate does not say that it may sign others.
    #[error("its certificate is not of a CA (basicConstraints, keyUsage keyCertSign)")]
    NotACa,
    /// Its key cannot be read.
    #[error("its key is no private key in PKCS#8, ECDSA on P-256 or P-384, or RSA")]
    Key(#[source] rcgen::Error),
    /// Its key is another one's.
    #[error("its key is not the one in its certificate")]
    ForeignKey,
    /// Its own certificate has ended.
    #[error("its certificate has ended")]
    Expired,
    /// The signature could not be made.
    #[error("signing the certificate")]
    Sign(#[source] rcgen::Error),
    /// Its name cannot be written as it stands in its certificate.
    #[error("its name cannot be repeated as it stands in its certificate")]
    Name,
    /// The system's random source gives nothing.
    #[error("the system has no random bytes")]
    Random,
    /// Another server has not signed.
    #[error("the CA's server")]
    Server(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What another server gave is no use to the station that asked.
    #[error("the CA's server has given {0}")]
    Answer(&'static str),
    /// A station takes no chain of this length.
    #[error("the chain has {found} characters, stations take at most {CHAIN_LEN_MAX}")]
    Length {
        /// Characters found.
        found: usize,
    },
}

impl From<HttpError> for CaError {
    fn from(error: HttpError) -> Self {
        Self::Server(Box::new(error))
    }
}

/// Two are known, and both are here.
#[derive(Debug)]
pub(super) enum Ca {
    File(Box<FileCa>),
    Http(Server),
}

impl Ca {
    pub(super) fn open(config: &SignerConfig) -> Result<Self, ServicesError> {
        Ok(match config {
            SignerConfig::File {
                certificate,
                key,
                validity,
            } => Self::File(Box::new(FileCa::open(certificate, key, *validity)?)),
            SignerConfig::Http(config) => Self::Http(Server::new(config)?),
        })
    }

    /// True when it answers without asking another server.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Self::File(_) => true,
            Self::Http(_) => false,
        }
    }

    /// The chain for a request that has been found in order, `pem`: leaf first, without the root.
    pub(super) fn sign(
        &self,
        csr: &Csr,
        pem: &str,
        station: &StationKey,
        usage: CertificateUse,
        now: UtcMicros,
    ) -> Result<Signed, CaError> {
        let chain = match self {
            Self::File(ca) => ca.sign(csr, now)?,
            Self::Http(server) => remote::sign(server, csr, pem, station, usage, now)?,
        };
        if CHAIN_LEN_MAX < chain.len() {
            return Err(CaError::Length { found: chain.len() });
        }
        let summary = certificate_summary(&chain)?;
        Ok(Signed {
            chain,
            serial_number: summary.serial_number,
            not_after: summary.not_after,
        })
    }
}

/// Checks that a chain begins with a certificate for `csr`'s key that counts at `now`, and that each is signed by the next.
fn check_chain(chain: &str, csr: &Csr, now: UtcMicros) -> Result<(), CaError> {
    let blocks = blocks(chain)?;
    let certificates: Vec<_> = blocks.iter().map(parse).collect::<Result<_, _>>()?;
    let leaf = certificates.first().ok_or(PemError::NoCertificate)?;
    if leaf.public_key().raw != csr.public_key_der {
        return Err(CaError::Answer("a certificate for another key"));
    }
    if leaf.validity().not_after.timestamp() <= now.0 / 1_000_000 {
        return Err(CaError::Answer("a certificate that has ended"));
    }
    let is_chain = certificates.windows(2).all(|pair| {
        pair[0].issuer() == pair[1].subject()
            && pair[0].verify_signature(Some(pair[1].public_key())).is_ok()
    });
    if !is_chain {
        return Err(CaError::Answer(
            "certificates that are not each signed by the next",
        ));
    }
    Ok(())
}
