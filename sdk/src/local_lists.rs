//! Lists of tokens that stations go by on their own.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to do about a station's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocalListRequest {
    /// Which messages the station gets.
    pub update: LocalListUpdate,
    /// Tokens in one message at most, 1 to 500; by default 50. Never more than the station has said that it takes
    /// (`SendLocalListMaxLength` in 1.6, `LocalAuthListCtrlr.ItemsPerMessage` in 2.x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 500)]
    pub tokens_per_message: Option<usize>,
}

/// How a station's list is looked at or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LocalListUpdate {
    /// `GetLocalListVersion` alone.
    Check,
    /// All tokens anew.
    Full,
    /// `GetLocalListVersion`, then what differs from what the station accepted last.
    Differential,
    /// As `differential`; where the versions differ, or the station answers `Failed` or `VersionMismatch`, all tokens anew.
    Repair,
}

/// The list of a station, as far as its own answers tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LocalList {
    /// The version of what it accepted last; 0 for nothing.
    pub version: i64,
    /// Tokens in that.
    pub tokens: usize,
    /// When it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<String>,
    /// The version that the station itself named, where it was asked. One other than `version` means that somebody else
    /// gave it a list, or that it lost ours: send it in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_reported: Option<i64>,
    /// Messages sent now; 0 where nothing was different.
    pub messages: usize,
}
