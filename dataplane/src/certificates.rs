//! Certificates: who signs them, who says whether one is revoked, and what they are known by; and the one other thing that
//! other people's servers are asked for stations, whether a VAT number is one.
//!
//! Whatever takes longer than a message (signatures, other people's servers) is done by [`Services`] on threads of their
//! own. A shard hands an [`Errand`] over, goes on, and hears the [`Outcome`] through its mailbox or gives up at its
//! deadline. Where nothing is configured there are no threads, and stations are refused in the answer itself.
//!
//! # Invariants
//!
//! - Nothing is asked at an address that a station named unless the configuration lists it.
//! - What comes from a server is bounded in length and time, and is checked before a station gets it.
//! - Of a certificate signing request only the public key and the subject are signed, under extensions of our own.

mod ca;
mod chain;
mod config;
mod contracts;
mod crl;
mod csr;
mod hash;
mod http;
mod ocsp;
mod services;
mod signature;
#[cfg(test)]
pub(crate) mod tests;
pub mod untrusted;
mod vat;

pub use ca::CaError;
pub use config::{
    CaConfig, CertificatesConfig, CrlConfig, HttpConfig, OcspConfig, ServicesError, SignerConfig,
};
pub use hash::{
    CertificateHash, CertificateSummary, HashAlgorithm, PemError, certificate_hashes,
    certificate_summary,
};

pub(crate) use csr::CSR_LEN_MAX;
pub(crate) use services::{
    ChainAsk, ContractAsk, Desk, Errand, Outcome, Services, Signed, Source, Status, StatusAsk,
    StatusFound, VatAsk, VatFound, Wish, Worth,
};

/// What a certificate that a station asks for is to be used for (`CertificateSigningUseEnumType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateUse {
    /// Its own towards us; also a request that names no use, which may be for both ends.
    ChargingStation,
    /// Towards vehicles, by ISO 15118-2.
    V2G,
    /// Towards vehicles, by ISO 15118-20.
    V2G20,
}

impl CertificateUse {
    /// Every use.
    pub const ALL: [Self; 3] = [Self::ChargingStation, Self::V2G, Self::V2G20];

    /// The word of OCPP.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChargingStation => "ChargingStationCertificate",
            Self::V2G => "V2GCertificate",
            Self::V2G20 => "V2G20Certificate",
        }
    }

    /// The use that OCPP calls so.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|usage| usage.as_str() == word)
    }
}
