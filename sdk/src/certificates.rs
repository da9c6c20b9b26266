//! Certificates in stations, and those that stations asked for.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Certificates of a station, as far as its own answers tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceCertificates {
    /// In the order in which they came to be known.
    pub installed: Vec<InstalledCertificate>,
    /// The newest certificates that it asked for, at most 16, oldest first.
    pub requests: Vec<CertificateRequest>,
}

/// A certificate in a station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InstalledCertificate {
    /// What it is for, in the words of the station's version.
    #[schema(example = "CSMSRootCertificate")]
    pub certificate_type: String,
    /// What it is known by: under every algorithm if it went through here, under the station's own otherwise.
    pub hashes: Vec<CertificateHashData>,
    /// Those below it in its chain, as the station named them.
    pub children: Vec<CertificateHashData>,
    /// Whom it is for; `null` where only the station knows it.
    pub subject: Option<String>,
    /// When it ends; `null` where only the station knows it.
    pub not_after: Option<String>,
    /// When the station took it, or named it first.
    pub known_since: String,
    /// When the station named it last; `null` for one that it was sent and has not been asked for since.
    pub reported_at: Option<String>,
}

/// What a certificate is known by (`CertificateHashDataType`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CertificateHashData {
    /// `SHA256`, `SHA384` or `SHA512`.
    #[schema(example = "SHA256")]
    pub hash_algorithm: String,
    /// Of the issuer's name in DER, hexadecimal.
    pub issuer_name_hash: String,
    /// Of the issuer's public key, hexadecimal.
    pub issuer_key_hash: String,
    /// Hexadecimal, without leading zeros.
    pub serial_number: String,
}

/// A certificate that a station asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateRequest {
    /// When.
    pub requested_at: String,
    /// What for; `null` where the station names nothing.
    pub certificate_type: Option<String>,
    /// `requestId` of OCPP 2.1.
    pub request_id: Option<i64>,
    /// How far it has come.
    pub state: CertificateRequestState,
    /// When it came to that.
    pub changed_at: String,
    /// Whom it is for; `null` for a request that was not in order.
    pub subject: Option<String>,
    /// Why it was refused, or has failed.
    pub reason: Option<String>,
    /// The CertificateSigned that brings it: `GET /api/v1/commands/{id}`.
    pub command_id: Option<String>,
    /// Of the certificate, hexadecimal.
    pub serial_number: Option<String>,
    /// When the certificate ends.
    pub not_after: Option<String>,
}

/// How far a certificate that a station asked for has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CertificateRequestState {
    /// In order, and on its way to the CA.
    Requested,
    /// Not in order; the station was told.
    Refused,
    /// The CA has not signed, or the station could not be sent it.
    Failed,
    /// Signed, and on its way to the station.
    Signed,
    /// The station has taken it.
    Accepted,
    /// The station has refused it.
    Rejected,
}

/// A certificate for a station to keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstallCertificateRequest {
    /// What for, in the words of the station's version.
    #[schema(example = "CSMSRootCertificate")]
    pub certificate_type: String,
    /// PEM. Of a certificate that is not signed by its own key the issuer's may follow, which tells what it is known by.
    pub certificate: String,
}
