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
    /// With the secret in it.
    pub url: String,
    /// Longest file, bytes.
    pub size_max: u64,
    /// Until when.
    #[schema(format = DateTime)]
    pub expires_at: String,
}
