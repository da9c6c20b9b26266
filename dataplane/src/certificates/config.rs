//! What an operator says about certificates.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::hash::{blocks, parse};
use super::{CaError, CertificateUse};

/// Services for certificates; by default there are none, and stations are refused what needs one.
#[derive(Clone, Debug, Default)]
pub struct CertificatesConfig {
    /// Who signs what stations ask for.
    pub ca: Option<CaConfig>,
    /// Who says whether a certificate is revoked.
    pub ocsp: Option<OcspConfig>,
    /// Where lists of revoked certificates are fetched.
    pub crl: Option<CrlConfig>,
    /// Who issues contract certificates to vehicles and judges those that they show (ISO 15118).
    pub contracts: Option<HttpConfig>,
    /// PEM of the roots that contract certificates come from which stations leave to us, where nobody else judges them.
    pub vehicle_roots: Option<PathBuf>,
}

/// How certificate signing requests are judged, and who signs them.
#[derive(Clone, Debug)]
pub struct CaConfig {
    /// Who signs.
    pub signer: SignerConfig,
    /// The `organizationName` that a request's subject must have (OCPP 2.0.1 `OrganizationName`, 1.6 `CpoName`).
    pub organization: String,
    /// What certificates may be asked for.
    pub uses: Vec<CertificateUse>,
    /// Requests of one station within an hour, 1 to 16; further ones are refused.
    pub requests_per_hour_max: usize,
}

/// Who signs.
#[derive(Clone, Debug)]
pub enum SignerConfig {
    /// This process, with a key on its disk.
    File {
        /// PEM: the certificate of the CA, then those between it and the root; not the root, which stations have.
        certificate: PathBuf,
        /// PEM: its key in PKCS#8.
        key: PathBuf,
        /// How long what it signs is good for.
        validity: Duration,
    },
    /// Another server, which is sent the request.
    Http(HttpConfig),
}

/// A server that is asked by POST.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// `http://` or `https://`.
    pub url: String,
    /// File with a token that goes with each request as `Authorization: Bearer`.
    pub bearer_file: Option<PathBuf>,
    /// PEM of the roots that its certificate is checked against; those of Mozilla without.
    pub roots: Option<PathBuf>,
    /// For one request, from the name's resolution to the answer's last byte.
    pub timeout: Duration,
}

/// Where the status of a certificate is asked for.
#[derive(Clone, Debug)]
pub struct OcspConfig {
    /// Responders that may be asked, each a URL: a station's responder must have the same scheme, host and port, and a
    /// path at or below its path.
    pub responders: Vec<String>,
    /// PEM of the roots that their certificates are checked against where they use TLS; those of Mozilla without.
    pub roots: Option<PathBuf>,
    /// PEM of those whose certificates are asked about: their signatures, and their delegates', are checked.
    pub issuers: Option<PathBuf>,
    /// Each question carries a nonce that its answer has to repeat: no answer is older than its question, and none is
    /// remembered.
    pub nonce: bool,
    /// For one answer of a responder.
    pub timeout: Duration,
}

/// Where lists of revoked certificates are fetched.
#[derive(Clone, Debug)]
pub struct CrlConfig {
    /// Addresses that may be fetched from, each a URL: what a station names must have the same scheme, host and port, and a
    /// path at or below its path.
    pub addresses: Vec<String>,
    /// PEM of the roots that their certificates are checked against where they use TLS; those of Mozilla without.
    pub roots: Option<PathBuf>,
    /// PEM of those whose certificates are asked about: the signatures of their lists are checked.
    pub issuers: Option<PathBuf>,
    /// For one list.
    pub timeout: Duration,
}

/// Why the services cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServicesError {
    /// A file that cannot be read.
    #[error("reading {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The certificate and key of the CA.
    #[error("the CA of {}", path.display())]
    Ca {
        /// Its certificate.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: CaError,
    },
    /// An address that nothing can be asked at.
    #[error("{url:?} is no address of a server: {detail}")]
    Url {
        /// As it was configured.
        url: String,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// A file of roots without a certificate in it.
    #[error("{} holds no certificate in PEM", path.display())]
    NoRoots {
        /// Which.
        path: PathBuf,
    },
    /// A file of a token that is none.
    #[error("{} holds no token, expected one line of visible ASCII", path.display())]
    NoToken {
        /// Which.
        path: PathBuf,
    },
    /// The kernel gives no thread.
    #[error("starting a thread")]
    Thread(#[source] std::io::Error),
}

/// The certificates of a PEM file, in DER; of no file, none.
pub(super) fn read_certificates(path: Option<&Path>) -> Result<Vec<Vec<u8>>, ServicesError> {
    let Some(path) = path else {
        return Ok(Vec::new());
    };
    let pem = std::fs::read_to_string(path).map_err(|source| ServicesError::Read {
        path: path.to_owned(),
        source,
    })?;
    let nothing = |_| ServicesError::NoRoots {
        path: path.to_owned(),
    };
    let blocks = blocks(&pem).map_err(nothing)?;
    let certificates = blocks.into_iter().map(|block| {
        parse(&block).map_err(nothing)?;
        Ok(block.contents)
    });
    certificates.collect()
}
