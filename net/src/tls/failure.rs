//! Why a TLS connection came to nothing, in the few words that somebody acts on.

use std::fmt;

use rustls::{CertificateError, Error, InvalidMessage, PeerIncompatible};

/// Why a TLS connection ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFailure {
    /// What came first is no TLS: a plain request, a port scan.
    NotTls,
    /// No version in common.
    Version,
    /// No cipher suite, group or signature scheme in common.
    Parameters,
    /// The peer wants another application protocol than `http/1.1`.
    Protocol,
    /// The peer's certificate is refused.
    Certificate(CertificateFault),
    /// The peer gave up: it does not like our certificate, or what we offer.
    RefusedByPeer,
    /// The peer broke the protocol, or somebody changed its bytes.
    Broken,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// There is none where one is needed.
    Missing,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It stands in a revocation list.
    Revoked,
    /// No list says whether it is revoked.
    RevocationUnknown,
    /// No root that is trusted has signed it.
    UnknownIssuer,
    /// It is for another name.
    Name,
    /// It is not for this purpose.
    Purpose,
    /// A signature is wrong, or of a key or an algorithm that is too weak.
    Signature,
    /// It cannot be read, or has parts that are critical and unknown.
    Malformed,
}

impl TlsFailure {
    /// In one word, for counters.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            TlsFailure::NotTls => "not_tls",
            TlsFailure::Version => "version",
            TlsFailure::Parameters => "parameters",
            TlsFailure::Protocol => "protocol",
            TlsFailure::Certificate(_) => "certificate",
            TlsFailure::RefusedByPeer => "refused_by_peer",
            TlsFailure::Broken => "broken",
        }
    }
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TlsFailure::NotTls => "the peer does not speak TLS",
            TlsFailure::Version => "the peer offers no version of TLS that is allowed here",
            TlsFailure::Parameters => "the peer offers no cipher suite that is allowed here",
            TlsFailure::Protocol => "the peer wants another protocol than http/1.1",
            TlsFailure::Certificate(fault) => return fault.fmt(f),
            TlsFailure::RefusedByPeer => "the peer ended the TLS handshake",
            TlsFailure::Broken => "the peer broke the rules of TLS",
        })
    }
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CertificateFault::Missing => "the peer shows no certificate",
            CertificateFault::Expired => "the peer's certificate has expired",
            CertificateFault::NotYetValid => "the peer's certificate is not valid yet",
            CertificateFault::Revoked => "the peer's certificate is revoked",
            CertificateFault::RevocationUnknown => {
                "no revocation list tells of the peer's certificate"
            }
            CertificateFault::UnknownIssuer => "the peer's certificate is of an unknown issuer",
            CertificateFault::Name => "the peer's certificate is for another name",
            CertificateFault::Purpose => "the peer's certificate is for another purpose",
            CertificateFault::Signature => {
                "a signature of the peer's certificate, or with it, is wrong or too weak"
            }
            CertificateFault::Malformed => "the peer's certificate cannot be read",
        })
    }
}

impl From<&Error> for TlsFailure {
    fn from(error: &Error) -> TlsFailure {
        match error {
            Error::InvalidCertificate(error) => TlsFailure::Certificate(error.into()),
            Error::NoCertificatesPresented => TlsFailure::Certificate(CertificateFault::Missing),
            Error::NoApplicationProtocol => TlsFailure::Protocol,
            Error::AlertReceived(_) => TlsFailure::RefusedByPeer,
            Error::PeerIncompatible(what) => match what {
                PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::SupportedVersionsExtensionRequired
                // What came with 1.2: who leaves it out speaks something older.
                | PeerIncompatible::SignatureAlgorithmsExtensionRequired
                | PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => TlsFailure::Version,
                // The rest is about what is offered within a version; a later rustls may know more of it.
                _ => TlsFailure::Parameters,
            },
            Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion) => TlsFailure::Version,
            // What is left is the peer's breach of the protocol, in words of rustls that nobody acts on.
            _ => TlsFailure::Broken,
        }
    }
}

impl From<&CertificateError> for CertificateFault {
    fn from(error: &CertificateError) -> CertificateFault {
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                CertificateFault::Expired
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                CertificateFault::NotYetValid
            }
            CertificateError::Revoked => CertificateFault::Revoked,
            CertificateError::UnknownRevocationStatus
            | CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. } => {
                CertificateFault::RevocationUnknown
            }
            CertificateError::UnknownIssuer => CertificateFault::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                CertificateFault::Name
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                CertificateFault::Purpose
            }
            CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                CertificateFault::Signature
            }
            // What is left is about its form.
            _ => CertificateFault::Malformed,
        }
    }
}
