//! What a station keeps under numbers, what people say of it, and what it knows about a customer.

use reqwest::Method;

use super::{Client, ClientError, read};
use crate::{CustomerReport, DisplayMessage, IssueReceipt, Monitor, Page};

impl Client {
    /// `GET /api/v1/devices/{id}/monitors`
    pub async fn monitors(
        &self,
        id: &str,
        cursor: Option<&str>,
    ) -> Result<Page<Monitor>, ClientError> {
        let query = [("cursor", cursor.map(str::to_owned))];
        read(self.request(Method::GET, &["devices", id, "monitors"], &query)).await
    }

    /// `GET /api/v1/devices/{id}/issues`, newest first.
    pub async fn issues(
        &self,
        id: &str,
        limit: Option<usize>,
        cursor: Option<&str>,
    ) -> Result<Page<IssueReceipt>, ClientError> {
        let query = [
            ("limit", limit.map(|limit| limit.to_string())),
            ("cursor", cursor.map(str::to_owned)),
        ];
        read(self.request(Method::GET, &["devices", id, "issues"], &query)).await
    }

    /// `GET /api/v1/commands/{id}/customer-report`
    pub async fn customer_report(&self, command_id: &str) -> Result<CustomerReport, ClientError> {
        read(self.get(&["commands", command_id, "customer-report"])).await
    }

    /// `GET /api/v1/devices/{id}/display-messages`
    pub async fn display_messages(
        &self,
        id: &str,
        cursor: Option<&str>,
    ) -> Result<Page<DisplayMessage>, ClientError> {
        let query = [("cursor", cursor.map(str::to_owned))];
        read(self.request(Method::GET, &["devices", id, "display-messages"], &query)).await
    }
}
