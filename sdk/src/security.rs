//! Security events of stations.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that a station, or the server, found worth telling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecurityEvent {
    /// A type of the specification's list, or `Sigec.*` for what the server saw itself.
    #[serde(rename = "type")]
    pub kind: String,
    /// How bad the specification of the station's version calls it.
    pub severity: SecuritySeverity,
    /// When it happened; when it came, where the station's clock is not to be believed.
    #[schema(format = DateTime)]
    pub occurred_at: String,
    /// What else was told.
    pub info: Option<String>,
    /// When it came.
    #[schema(format = DateTime)]
    pub received_at: String,
}

/// How bad a security event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecuritySeverity {
    /// To be looked at.
    Critical,
    /// For the record.
    Info,
}

impl SecuritySeverity {
    /// As the API and the table `security_events` write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Info => "info",
        }
    }
}
