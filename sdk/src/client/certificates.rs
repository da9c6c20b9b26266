//! Certificates that stations hold.

use reqwest::Method;

use super::{Client, ClientError, TIMEOUT_LONG, read};
use crate::{CertificateHashData, DeviceCertificates, InstallCertificateRequest};

impl Client {
    /// `GET /api/v1/devices/{id}/certificates`
    pub async fn certificates(&self, id: &str) -> Result<DeviceCertificates, ClientError> {
        read(self.get(&["devices", id, "certificates"])).await
    }

    /// `POST /api/v1/devices/{id}/certificates`: waits for the station's answer.
    pub async fn install_certificate(
        &self,
        id: &str,
        request: &InstallCertificateRequest,
    ) -> Result<DeviceCertificates, ClientError> {
        let builder = self.post(&["devices", id, "certificates"]).json(request);
        read(builder.timeout(TIMEOUT_LONG)).await
    }

    /// `DELETE /api/v1/devices/{id}/certificates`: waits for the station's answer.
    pub async fn delete_certificate(
        &self,
        id: &str,
        hash: &CertificateHashData,
    ) -> Result<DeviceCertificates, ClientError> {
        let query = [
            ("hash_algorithm", Some(hash.hash_algorithm.clone())),
            ("issuer_name_hash", Some(hash.issuer_name_hash.clone())),
            ("issuer_key_hash", Some(hash.issuer_key_hash.clone())),
            ("serial_number", Some(hash.serial_number.clone())),
        ];
        let path = ["devices", id, "certificates"];
        let builder = self.request(Method::DELETE, &path, &query);
        read(builder.timeout(TIMEOUT_LONG)).await
    }
}
