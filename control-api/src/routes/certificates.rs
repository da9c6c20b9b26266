//! `/api/v1/devices/{id}/certificates`

use axum::Json;
use axum::extract::State;
use dataplane::{PemError, certificate_summary};
use fleet::StationKey;
use fleet::record::{self, SigningState, StationCertificates};
use sdk::{
    CertificateHashData, CertificateRequest, CertificateRequestState, DeviceCertificates,
    InstallCertificateRequest, InstalledCertificate,
};
use serde_json::Value;

use super::commands::{agreed, ask_station, says_accepted};
use crate::ask::{answered, station_key};
use crate::convert::some;
use crate::error::ApiError;
use crate::extract::{Body, Caller, Id, Params};
use crate::metrics::Database;
use crate::{SharedApp, convert};

/// Longest word for what a certificate is for.
const TYPE_CHARS_MAX: usize = 64;
/// Longest certificate, characters (`InstallCertificate.certificate` of 2.1; older versions take 5,500).
const CERTIFICATE_LEN_MAX: usize = 10_000;

/// Certificates of a station, and those that it asked for.
///
/// They come from answers to `InstallCertificate`, `DeleteCertificate` and `GetInstalledCertificateIds`, whoever sent
/// these; nothing is asked of the station. `GetInstalledCertificateIds` as a command brings what it has by itself.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/certificates",
    operation_id = "list_certificates",
    tag = "devices",
    params(("id" = String, Path)),
    responses((status = 200, description = "The certificates", body = DeviceCertificates))
)]
pub(crate) async fn show(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<Json<DeviceCertificates>, ApiError> {
    known(&app, station_key(&caller, &id)?).await.map(Json)
}

/// Sends a station a certificate to keep (`InstallCertificate`), and waits for its answer.
///
/// 409 `rejected` when the station does not take it. A text that is no certificate is refused before it is sent.
#[utoipa::path(
    post,
    path = "/api/v1/devices/{id}/certificates",
    operation_id = "install_certificate",
    tag = "devices",
    params(("id" = String, Path)),
    request_body = InstallCertificateRequest,
    responses((status = 200, description = "The certificates after it", body = DeviceCertificates))
)]
pub(crate) async fn install(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Body(request): Body<InstallCertificateRequest>,
) -> Result<Json<DeviceCertificates>, ApiError> {
    let kind = &request.certificate_type;
    if kind.is_empty() || TYPE_CHARS_MAX < kind.chars().count() {
        let detail = format!("not 1 to {TYPE_CHARS_MAX} characters");
        return Err(ApiError::field("/certificate_type", detail));
    }
    if CERTIFICATE_LEN_MAX < request.certificate.len() {
        let len = request.certificate.len();
        let detail = format!("{len} bytes, at most {CERTIFICATE_LEN_MAX} are allowed");
        return Err(ApiError::field("/certificate", detail));
    }
    certificate_summary(&request.certificate)
        .map_err(|error: PemError| ApiError::field("/certificate", error.to_string()))?;
    let payload = format!(
        r#"{{"certificateType":{},"certificate":{}}}"#,
        Value::from(request.certificate_type),
        Value::from(request.certificate),
    );
    let key = station_key(&caller, &id)?;
    let sent = ask_station(&app, &caller, &key, "InstallCertificate", payload).await?;
    agreed(sent, says_accepted)?;
    known(&app, key).await.map(Json)
}

/// Has a station delete a certificate (`DeleteCertificate`), and waits for its answer.
///
/// 409 `rejected` when the station does not delete it, or has none that is known by this.
#[utoipa::path(
    delete,
    path = "/api/v1/devices/{id}/certificates",
    operation_id = "delete_certificate",
    tag = "devices",
    params(("id" = String, Path), CertificateHashData),
    responses((status = 200, description = "The certificates after it", body = DeviceCertificates))
)]
pub(crate) async fn delete(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Params(hash): Params<CertificateHashData>,
) -> Result<Json<DeviceCertificates>, ApiError> {
    let payload = format!(
        r#"{{"certificateHashData":{{"hashAlgorithm":{},"issuerNameHash":{},"issuerKeyHash":{},"serialNumber":{}}}}}"#,
        Value::from(hash.hash_algorithm),
        Value::from(hash.issuer_name_hash),
        Value::from(hash.issuer_key_hash),
        Value::from(hash.serial_number),
    );
    let key = station_key(&caller, &id)?;
    let sent = ask_station(&app, &caller, &key, "DeleteCertificate", payload).await?;
    agreed(sent, says_accepted)?;
    known(&app, key).await.map(Json)
}

async fn known(app: &SharedApp, key: StationKey) -> Result<DeviceCertificates, ApiError> {
    let id = key.identity().to_owned();
    let question = app.router.certificates(key);
    let StationCertificates {
        installed,
        requests,
    } = app
        .metrics
        .time(Database::State, answered(question))
        .await?
        .ok_or_else(|| ApiError::not_found("device", id))?;
    Ok(DeviceCertificates {
        installed: installed.into_iter().map(convert_installed).collect(),
        requests: requests.into_iter().map(convert_request).collect(),
    })
}

fn convert_installed(certificate: record::InstalledCertificate) -> InstalledCertificate {
    let record::InstalledCertificate {
        certificate_type,
        hashes,
        children,
        subject,
        not_after,
        known_since,
        reported_at,
    } = certificate;
    InstalledCertificate {
        certificate_type,
        hashes: hashes.into_iter().map(convert_hash).collect(),
        children: children.into_iter().map(convert_hash).collect(),
        subject: some(subject),
        not_after: not_after.map(convert::written_at),
        known_since: convert::written_at(known_since),
        reported_at: reported_at.map(convert::written_at),
    }
}

fn convert_hash(hash: record::CertificateHashData) -> CertificateHashData {
    let record::CertificateHashData {
        hash_algorithm,
        issuer_name_hash,
        issuer_key_hash,
        serial_number,
    } = hash;
    CertificateHashData {
        hash_algorithm,
        issuer_name_hash,
        issuer_key_hash,
        serial_number,
    }
}

fn convert_request(request: record::SigningRequest) -> CertificateRequest {
    let record::SigningRequest {
        requested_at,
        certificate_type,
        request_id,
        state,
        changed_at,
        subject,
        reason,
        command_id,
        serial_number,
        not_after,
    } = request;
    CertificateRequest {
        requested_at: convert::written_at(requested_at),
        certificate_type: some(certificate_type),
        request_id,
        // A state of a newer program is at least no yes.
        state: match SigningState::from_code(state).unwrap_or(SigningState::Failed) {
            SigningState::Requested => CertificateRequestState::Requested,
            SigningState::Refused => CertificateRequestState::Refused,
            SigningState::Failed => CertificateRequestState::Failed,
            SigningState::Signed => CertificateRequestState::Signed,
            SigningState::Accepted => CertificateRequestState::Accepted,
            SigningState::Rejected => CertificateRequestState::Rejected,
        },
        changed_at: convert::written_at(changed_at),
        subject: some(subject),
        reason: some(reason),
        command_id: command_id.map(|id| dataplane::CommandId(id).to_string()),
        serial_number: some(serial_number),
        not_after: not_after.map(convert::written_at),
    }
}
