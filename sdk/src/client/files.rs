//! `/api/v1/files`, and the commands that files belong to

use std::time::Duration;

use reqwest::{Body, Method};

use super::{Client, ClientError, TIMEOUT_LONG, accepted, nothing, prefer_wait, read};
use crate::{
    Command, DownloadUrl, DownloadUrlRequest, File, FileCreated, FirmwareRequest, LogRequest, Page,
    UploadUrl, UploadUrlRequest,
};

impl Client {
    /// `POST /api/v1/files`
    pub async fn put_file(
        &self,
        name: &str,
        bytes: impl Into<Body>,
        url: &DownloadUrlRequest,
    ) -> Result<FileCreated, ClientError> {
        let query = [
            ("name", Some(name.to_owned())),
            ("downloads", url.downloads.map(|count| count.to_string())),
            (
                "expires_in",
                url.expires_in.map(|seconds| seconds.to_string()),
            ),
        ];
        let builder = self.request(Method::POST, &["files"], &query);
        read(builder.timeout(TIMEOUT_LONG).body(bytes)).await
    }

    /// `GET /api/v1/files`, newest first
    pub async fn files(
        &self,
        device_id: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<Page<File>, ClientError> {
        let query = [
            ("device_id", device_id.map(str::to_owned)),
            ("cursor", cursor.map(str::to_owned)),
        ];
        read(self.request(Method::GET, &["files"], &query)).await
    }

    /// `GET /api/v1/files/{id}`
    pub async fn file(&self, id: &str) -> Result<File, ClientError> {
        read(self.get(&["files", id])).await
    }

    /// `GET /api/v1/files/{id}/content`, all of it
    pub async fn file_content(&self, id: &str) -> Result<Vec<u8>, ClientError> {
        let builder = self.get(&["files", id, "content"]).timeout(TIMEOUT_LONG);
        let response = accepted(builder.send().await?).await?;
        Ok(response.bytes().await?.to_vec())
    }

    /// `DELETE /api/v1/files/{id}`
    pub async fn delete_file(&self, id: &str) -> Result<(), ClientError> {
        nothing(self.request(Method::DELETE, &["files", id], &[])).await
    }

    /// `POST /api/v1/files/{id}/download-urls`
    pub async fn make_download_url(
        &self,
        id: &str,
        request: &DownloadUrlRequest,
    ) -> Result<DownloadUrl, ClientError> {
        read(self.post(&["files", id, "download-urls"]).json(request)).await
    }

    /// `POST /api/v1/devices/{id}/logs`: with `wait` the station's answer or a problem, without it at once.
    pub async fn get_log(
        &self,
        id: &str,
        request: &LogRequest,
        wait: Option<Duration>,
    ) -> Result<Command, ClientError> {
        let builder = self.post(&["devices", id, "logs"]).json(request);
        read(prefer_wait(builder, wait)).await
    }

    /// `POST /api/v1/devices/{id}/firmware`: the same of firmware.
    pub async fn update_firmware(
        &self,
        id: &str,
        request: &FirmwareRequest,
        wait: Option<Duration>,
    ) -> Result<Command, ClientError> {
        let builder = self.post(&["devices", id, "firmware"]).json(request);
        read(prefer_wait(builder, wait)).await
    }

    /// `POST /api/v1/files/upload-urls`
    pub async fn make_upload_url(
        &self,
        request: &UploadUrlRequest,
    ) -> Result<UploadUrl, ClientError> {
        read(self.post(&["files", "upload-urls"]).json(request)).await
    }

    /// `DELETE /api/v1/files/upload-urls/{id}`
    pub async fn revoke_upload_url(&self, id: &str) -> Result<(), ClientError> {
        nothing(self.delete(&["files", "upload-urls", id])).await
    }
}
