//! Events of stations.

use reqwest::Method;

use super::{Client, ClientError, read};
use crate::{Page, StationEvent};

/// Which events of a station to list; the newest by default.
#[derive(Clone, Debug, Default)]
pub struct StationEventFilter {
    /// Only those of a component of this name, in whatever case.
    pub component: Option<String>,
    /// Only those of a variable of this name, in whatever case.
    pub variable: Option<String>,
    /// Only those with this trigger.
    pub trigger: Option<String>,
    /// Only those of this severity or a worse one; 0 is the worst.
    pub severity: Option<u8>,
    /// Only those that came at this time (RFC 3339) or later.
    pub since: Option<String>,
    /// How many, at most 500; the server's default without.
    pub limit: Option<u32>,
    /// [`Page::next_cursor`] of the page before.
    pub cursor: Option<String>,
}

impl Client {
    /// `GET /api/v1/devices/{id}/events`
    pub async fn device_events(
        &self,
        id: &str,
        filter: &StationEventFilter,
    ) -> Result<Page<StationEvent>, ClientError> {
        let query = [
            ("component", filter.component.clone()),
            ("variable", filter.variable.clone()),
            ("trigger", filter.trigger.clone()),
            ("severity", filter.severity.map(|worst| worst.to_string())),
            ("since", filter.since.clone()),
            ("limit", filter.limit.map(|limit| limit.to_string())),
            ("cursor", filter.cursor.clone()),
        ];
        read(self.request(Method::GET, &["devices", id, "events"], &query)).await
    }
}
