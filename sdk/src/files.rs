//! Files for stations and from them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct File {
    /// UUIDv7.
    pub id: String,
    /// As its sender calls it; empty where nobody said.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// When it began to arrive.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// The principal that put it; `null` for one that came from a station.
    pub created_by: Option<String>,
    /// The station that its URL was made for.
    pub device_id: Option<String>,
    /// The command that made the station send it.
    pub command_id: Option<String>,
}

/// A file that was put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileCreated {
    /// The file.
    #[serde(flatten)]
    pub file: File,
    /// By which stations get it, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<DownloadUrl>,
}

/// What a station hears of the file that it sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileReceived {
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// Asks for a URL by which a station gets a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DownloadUrlRequest {
    /// Whole downloads it is good for, 1 to 10,000; 1 by default. One that breaks off does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downloads: Option<u32>,
    /// Seconds it is good for, at most 90 days; a day by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

/// By which a station gets a file; shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DownloadUrl {
    /// With the secret in it.
    pub url: String,
    /// Whole downloads it is good for.
    pub downloads: u32,
    /// Until when.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// Asks for a URL under which a station puts one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadUrlRequest {
    /// The station it is meant for, shown with the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// Longest file, bytes; at most, and by default, `files.size_max` of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_max: Option<u64>,
    /// Seconds it is good for, at most 90 days; a day by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

/// Under which a station puts one file; shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadUrl {
    /// By which it is revoked; tells nothing of the secret.
    pub id: String,
    /// With the secret in it.
    pub url: String,
    /// Longest file, bytes.
    pub size_max: u64,
    /// Until when.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// Has a station send a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogRequest {
    /// Which one.
    #[serde(rename = "type")]
    pub kind: LogType,
    /// The oldest moment that it should tell of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub from: Option<String>,
    /// The newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub to: Option<String>,
    /// Where to put it; a URL of this server by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// How often the station tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Seconds between two tries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_interval: Option<u32>,
    /// Longest file, bytes; at most, and by default, `files.size_max` of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_max: Option<u64>,
    /// Seconds that the URL is good for, at most 90 days; a day by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

/// A kind of log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum LogType {
    /// What the station did, in its own words.
    DiagnosticsLog,
    /// Events of its security.
    SecurityLog,
    /// What it collects, 2.1.
    DataCollectorLog,
}

impl LogType {
    /// The name in OCPP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DiagnosticsLog => "DiagnosticsLog",
            Self::SecurityLog => "SecurityLog",
            Self::DataCollectorLog => "DataCollectorLog",
        }
    }
}

/// Has a station install firmware.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirmwareRequest {
    /// A file that was put here; the station gets a URL for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// Where else it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// When to fetch it; now by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub retrieve_at: Option<String>,
    /// When to install it; as soon as it is there by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub install_at: Option<String>,
    /// Its signature, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// The certificate that the signature was made with, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_certificate: Option<String>,
    /// How often the station tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Seconds between two tries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_interval: Option<u32>,
    /// Seconds that the URL is good for, at most 90 days; a day by default. It must be good when the station fetches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}
