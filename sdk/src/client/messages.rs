//! What stations sent: frames, what of them was changed or kept aside, and security events.

use reqwest::Method;

use super::{Client, ClientError, read};
use crate::{
    Message, MessageDirection, MessageType, Page, QuarantineOutcome, QuarantinedMessage,
    QuirkProfiles, ReplayReceipt, SecurityEvent, SecuritySeverity,
};

/// Which frames to list; the newest by default.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    /// Only those sent by this side.
    pub direction: Option<MessageDirection>,
    /// Only those of this action, and answers to it.
    pub action: Option<String>,
    /// Only those of this OCPP-J type.
    pub kind: Option<MessageType>,
    /// Only those with this OCPP-J id.
    pub message_id: Option<String>,
    /// Only those of this time (RFC 3339) or later.
    pub from: Option<String>,
    /// Only those before this time.
    pub to: Option<String>,
    /// How many, at most 500; the server's default without.
    pub limit: Option<u32>,
    /// [`Page::next_cursor`] of the page before.
    pub cursor: Option<String>,
}

/// Which messages that were kept aside to list; the newest by default.
#[derive(Clone, Debug, Default)]
pub struct QuarantineFilter {
    /// Only those of this station.
    pub device_id: Option<String>,
    /// Only those of which this became.
    pub outcome: Option<QuarantineOutcome>,
    /// Only those of this action.
    pub action: Option<String>,
    /// How many, at most 500; the server's default without.
    pub limit: Option<u32>,
    /// [`Page::next_cursor`] of the page before.
    pub cursor: Option<String>,
}

impl Client {
    /// `GET /api/v1/devices/{id}/messages`
    pub async fn messages(
        &self,
        id: &str,
        filter: &MessageFilter,
    ) -> Result<Page<Message>, ClientError> {
        let direction = filter
            .direction
            .map(|direction| direction.as_str().to_owned());
        let query = [
            ("direction", direction),
            ("action", filter.action.clone()),
            ("type", filter.kind.map(|kind| kind.as_str().to_owned())),
            ("message_id", filter.message_id.clone()),
            ("from", filter.from.clone()),
            ("to", filter.to.clone()),
            ("limit", filter.limit.map(|limit| limit.to_string())),
            ("cursor", filter.cursor.clone()),
        ];
        read(self.request(Method::GET, &["devices", id, "messages"], &query)).await
    }

    /// `GET /api/v1/quirks`
    pub async fn quirk_profiles(&self) -> Result<QuirkProfiles, ClientError> {
        read(self.get(&["quirks"])).await
    }

    /// `POST /api/v1/quirks/reload`
    pub async fn reload_quirk_profiles(&self) -> Result<QuirkProfiles, ClientError> {
        read(self.post(&["quirks", "reload"])).await
    }

    /// `GET /api/v1/quarantine`
    pub async fn quarantine(
        &self,
        filter: &QuarantineFilter,
    ) -> Result<Page<QuarantinedMessage>, ClientError> {
        let outcome = filter.outcome.map(|outcome| outcome.as_str().to_owned());
        let query = [
            ("device_id", filter.device_id.clone()),
            ("outcome", outcome),
            ("action", filter.action.clone()),
            ("limit", filter.limit.map(|limit| limit.to_string())),
            ("cursor", filter.cursor.clone()),
        ];
        read(self.request(Method::GET, &["quarantine"], &query)).await
    }

    /// `POST /api/v1/quarantine/{id}/replay`
    pub async fn replay_quarantined(&self, id: &str) -> Result<ReplayReceipt, ClientError> {
        read(self.post(&["quarantine", id, "replay"])).await
    }

    /// `GET /api/v1/devices/{id}/security-events`
    pub async fn security_events(
        &self,
        id: &str,
        severity: Option<SecuritySeverity>,
        cursor: Option<&str>,
    ) -> Result<Page<SecurityEvent>, ClientError> {
        let severity = severity.map(|severity| severity.as_str().to_owned());
        let query = [
            ("severity", severity),
            ("cursor", cursor.map(str::to_owned)),
        ];
        read(self.request(Method::GET, &["devices", id, "security-events"], &query)).await
    }
}
