//! Certificates of stations.

use rkyv::{Archive, Deserialize, Serialize};

closed_set! {
    /// How far a certificate that a station asked for has come.
    SigningState {
        /// In order, and on its way to the CA.
        Requested = 1 "requested",
        /// Not in order; the station was told.
        Refused = 2 "refused",
        /// The CA did not sign, or not in time.
        Failed = 3 "failed",
        /// Signed, and on its way to the station.
        Signed = 4 "signed",
        /// The station has taken it.
        Accepted = 5 "accepted",
        /// The station has refused it.
        Rejected = 6 "rejected",
    }
}

/// Certificates in a station, as far as its own answers tell, and those that it asked for. A record holds all of them.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct StationCertificates {
    /// In the order in which they came to be known.
    pub installed: Vec<InstalledCertificate>,
    /// The newest requests for a signature, oldest first.
    pub requests: Vec<SigningRequest>,
}

/// A certificate of a station.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct InstalledCertificate {
    /// `CertificateUseEnumType` of 1.6, `GetCertificateIdUseEnumType` of 2.x, as the station's version has it.
    pub certificate_type: String,
    /// What it is known by: under every algorithm for one that we sent, under one for one that the station named.
    pub hashes: Vec<CertificateHashData>,
    /// Those below it, as the station named them.
    pub children: Vec<CertificateHashData>,
    /// Distinguished name; empty where only the station knows it.
    pub subject: String,
    /// Its end; absent where only the station knows it.
    pub not_after: Option<i64>,
    /// When the station took it, or named it first.
    pub known_since: i64,
    /// When the station named it last; absent for one that it was sent and has not been asked for since.
    pub reported_at: Option<i64>,
}

/// `CertificateHashDataType`.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct CertificateHashData {
    /// SHA256, SHA384 or SHA512.
    pub hash_algorithm: String,
    /// Hexadecimal.
    pub issuer_name_hash: String,
    /// Hexadecimal.
    pub issuer_key_hash: String,
    /// Hexadecimal, without leading zeros.
    pub serial_number: String,
}

/// A certificate that a station asked for.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct SigningRequest {
    /// When it came.
    pub requested_at: i64,
    /// `CertificateSigningUseEnumType`; empty where the station names none.
    pub certificate_type: String,
    /// `requestId` of 2.1.
    pub request_id: Option<i64>,
    /// Code of a [`SigningState`].
    pub state: u8,
    /// When it came to that.
    pub changed_at: i64,
    /// Distinguished name; empty where the request could not be read.
    pub subject: String,
    /// Why it was refused, or has failed.
    pub reason: String,
    /// The CertificateSigned; absent before it.
    pub command_id: Option<[u8; 16]>,
    /// Of the certificate, hexadecimal; empty before it.
    pub serial_number: String,
    /// Its end; absent before it.
    pub not_after: Option<i64>,
}
