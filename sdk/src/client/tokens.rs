//! Who may charge: tokens, and the lists of them that stations keep.

use reqwest::Method;

use super::{Client, ClientError, TIMEOUT_LONG, nothing, read};
use crate::{LocalList, LocalListRequest, Page, Token, TokenRequest, TokenStatus};

/// Which tokens to list; everything by default.
#[derive(Clone, Debug, Default)]
pub struct TokenFilter {
    /// Only those of this group.
    pub group: Option<String>,
    /// Only those of this status.
    pub status: Option<TokenStatus>,
    /// How many, at most 500; the server's default without.
    pub limit: Option<u32>,
    /// [`Page::next_cursor`] of the page before.
    pub cursor: Option<String>,
}

impl Client {
    /// `POST /api/v1/tokens`: a token that is not there yet.
    pub async fn create_token(&self, token: &Token) -> Result<Token, ClientError> {
        read(self.post(&["tokens"]).json(token)).await
    }

    /// `PATCH /api/v1/tokens/{id}`: what `patch` (RFC 7396) does not name stays.
    pub async fn change_token(
        &self,
        id: &str,
        patch: &serde_json::Value,
    ) -> Result<Token, ClientError> {
        read(
            self.request(Method::PATCH, &["tokens", id], &[])
                .json(patch),
        )
        .await
    }

    /// `PUT /api/v1/tokens/{id}`
    pub async fn put_token(&self, id: &str, request: &TokenRequest) -> Result<Token, ClientError> {
        read(
            self.request(Method::PUT, &["tokens", id], &[])
                .json(request),
        )
        .await
    }

    /// `GET /api/v1/tokens`
    pub async fn tokens(&self, filter: &TokenFilter) -> Result<Page<Token>, ClientError> {
        let query = [
            ("group", filter.group.clone()),
            (
                "status",
                filter.status.map(|status| status.as_str().to_owned()),
            ),
            ("limit", filter.limit.map(|limit| limit.to_string())),
            ("cursor", filter.cursor.clone()),
        ];
        read(self.request(Method::GET, &["tokens"], &query)).await
    }

    /// `GET /api/v1/tokens/{id}`
    pub async fn token(&self, id: &str) -> Result<Token, ClientError> {
        read(self.get(&["tokens", id])).await
    }

    /// `DELETE /api/v1/tokens/{id}`: it is unknown from now on.
    pub async fn delete_token(&self, id: &str) -> Result<(), ClientError> {
        nothing(self.delete(&["tokens", id])).await
    }

    /// `GET /api/v1/devices/{id}/local-list`
    pub async fn local_list(&self, id: &str) -> Result<LocalList, ClientError> {
        read(self.get(&["devices", id, "local-list"])).await
    }

    /// `POST /api/v1/devices/{id}/local-list`
    pub async fn update_local_list(
        &self,
        id: &str,
        request: &LocalListRequest,
    ) -> Result<LocalList, ClientError> {
        let builder = self.post(&["devices", id, "local-list"]).json(request);
        // As many messages as it takes, each with its answer.
        read(builder.timeout(TIMEOUT_LONG)).await
    }
}
