//! A client of the API.

mod certificates;
mod charging;
mod devices;
mod events;
mod files;
mod grid;
mod items;
mod messages;
mod reservations;
mod tariffs;
mod tokens;
mod transactions;
mod web_payments;

use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;

use crate::{
    Health, Page, Principal, PrincipalCreated, PrincipalRequest, Problem, SqlRequest, VoiceReply,
    VoiceRequest,
};

pub use devices::{DeviceFilter, VariableFilter};
pub use events::StationEventFilter;
pub use messages::{MessageFilter, QuarantineFilter};
pub use reservations::ReservationFilter;
pub use tokens::TokenFilter;
pub use transactions::Outcome;

/// How long a request may take, beyond what it asks the server to wait.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long an import or a query may take.
const TIMEOUT_LONG: Duration = Duration::from_secs(3_600);
/// How long a connection is kept for the next request: less than the server waits for one.
const IDLE_MAX: Duration = Duration::from_secs(5);
/// How much of an answer that is no problem document an error shows, in characters.
const EXCERPT_CHARS: usize = 200;

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The address of the server is none.
    #[error("server address {url:?} is no http URL: {detail}")]
    Address {
        /// The text found.
        url: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The server refused, and says why.
    #[error("{} ({}): {}", .0.title, .0.status, .0.detail)]
    Problem(Box<Problem>),
    /// No answer came.
    #[error("no answer from the server")]
    Transport(#[from] reqwest::Error),
    /// An answer came that this client cannot read; it is not a SIGEC-VE server, or a newer one.
    #[error("{status} with an unexpected body: {excerpt}")]
    Unexpected {
        /// The status of the answer.
        status: u16,
        /// What is wrong with its body, or the body's beginning.
        excerpt: String,
    },
}

impl ClientError {
    /// The server's problem document, where it sent one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            Self::Address { .. } | Self::Transport(_) | Self::Unexpected { .. } => None,
        }
    }
}

/// A client of one server with one token. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: String,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the server at `url` (`http://127.0.0.1:8080`). Proxies of the environment are not used.
    ///
    /// # Errors
    ///
    /// - [`ClientError::Address`] when `url` is no `http` URL.
    pub fn new(url: &str, token: impl Into<String>) -> Result<Self, ClientError> {
        let address = |detail: String| ClientError::Address {
            url: url.to_owned(),
            detail,
        };
        let base = Url::parse(url).map_err(|e| address(e.to_string()))?;
        if base.scheme() != "http" {
            return Err(address(format!(
                "scheme {:?}, expected \"http\"",
                base.scheme()
            )));
        }
        Ok(Self {
            http: reqwest::Client::builder()
                .no_proxy()
                .pool_idle_timeout(IDLE_MAX)
                .build()?,
            base,
            token: token.into(),
        })
    }

    /// The same server and connections, asked with another token.
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self {
            token: token.into(),
            ..self.clone()
        }
    }

    /// `POST /api/v1/principals`
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; so do all methods below.
    pub async fn create_principal(
        &self,
        request: &PrincipalRequest,
    ) -> Result<PrincipalCreated, ClientError> {
        read(self.post(&["principals"]).json(request)).await
    }

    /// `GET /api/v1/principals`
    pub async fn principals(&self) -> Result<Page<Principal>, ClientError> {
        read(self.get(&["principals"])).await
    }

    /// `DELETE /api/v1/principals/{name}`: its token is refused from now on.
    pub async fn delete_principal(&self, name: &str) -> Result<(), ClientError> {
        nothing(self.delete(&["principals", name])).await
    }

    /// `POST /api/v1/voice/command`
    pub async fn voice(&self, request: &VoiceRequest) -> Result<VoiceReply, ClientError> {
        read(self.post(&["voice", "command"]).json(request)).await
    }

    /// `POST /api/v1/sql`: the rows as JSON objects; DECIMAL and BIGINT are strings.
    pub async fn sql(
        &self,
        query: &str,
    ) -> Result<Vec<serde_json::Map<String, serde_json::Value>>, ClientError> {
        let request = SqlRequest {
            query: query.to_owned(),
        };
        let builder = self.post(&["sql"]).timeout(TIMEOUT_LONG).json(&request);
        read(builder.header(ACCEPT, "application/json")).await
    }

    /// `POST /api/v1/sql`: the rows in the form that `accept` names, such as `text/csv`.
    pub async fn sql_as(&self, query: &str, accept: &str) -> Result<String, ClientError> {
        let request = SqlRequest {
            query: query.to_owned(),
        };
        let builder = self.post(&["sql"]).timeout(TIMEOUT_LONG).json(&request);
        let response = accepted(builder.header(ACCEPT, accept).send().await?).await?;
        Ok(response.text().await?)
    }

    /// `POST /api/v1/lake/flush`
    pub async fn flush_lake(&self) -> Result<(), ClientError> {
        nothing(self.post(&["lake", "flush"]).timeout(TIMEOUT_LONG)).await
    }

    /// `GET /health`
    pub async fn health(&self) -> Result<Health, ClientError> {
        read(self.http.get(self.url(&["health"])).timeout(TIMEOUT)).await
    }

    fn get(&self, path: &[&str]) -> RequestBuilder {
        self.request(Method::GET, path, &[])
    }

    fn post(&self, path: &[&str]) -> RequestBuilder {
        self.request(Method::POST, path, &[])
    }

    fn delete(&self, path: &[&str]) -> RequestBuilder {
        self.request(Method::DELETE, path, &[])
    }

    fn request(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, Option<String>)],
    ) -> RequestBuilder {
        let mut url = self.url(&[&["api", "v1"], path].concat());
        for (name, value) in query {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        self.http
            .request(method, url)
            .bearer_auth(&self.token)
            .timeout(TIMEOUT)
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("new() takes only http URLs, which have a path")
            .pop_if_empty()
            .extend(path);
        url
    }
}

fn prefer_wait(builder: RequestBuilder, wait: Option<Duration>) -> RequestBuilder {
    match wait {
        Some(wait) => builder
            .timeout(TIMEOUT.saturating_add(wait))
            .header("prefer", format!("wait={}", wait.as_secs())),
        None => builder,
    }
}

async fn read<T: DeserializeOwned>(builder: RequestBuilder) -> Result<T, ClientError> {
    parse(accepted(builder.send().await?).await?).await
}

async fn nothing(builder: RequestBuilder) -> Result<(), ClientError> {
    accepted(builder.send().await?).await.map(drop)
}

async fn outcome<T: DeserializeOwned>(builder: RequestBuilder) -> Result<Outcome<T>, ClientError> {
    let response = accepted(builder.send().await?).await?;
    if response.status() == StatusCode::ACCEPTED {
        return Ok(Outcome::Pending(Box::new(parse(response).await?)));
    }
    parse(response).await.map(Outcome::Done)
}

async fn accepted(response: Response) -> Result<Response, ClientError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body = response.text().await?;
    Err(match serde_json::from_str(&body) {
        Ok(problem) => ClientError::Problem(Box::new(problem)),
        Err(_) => ClientError::Unexpected {
            status: status.as_u16(),
            excerpt: body.chars().take(EXCERPT_CHARS).collect(),
        },
    })
}

async fn parse<T: DeserializeOwned>(response: Response) -> Result<T, ClientError> {
    let status = response.status().as_u16();
    let body = response.bytes().await?;
    serde_json::from_slice(&body).map_err(|e| ClientError::Unexpected {
        status,
        excerpt: e.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_keeps_what_an_id_holds() {
        let client = Client::new("http://127.0.0.1:8080/", "t").unwrap();
        let url = client.url(&["api", "v1", "devices", "CP 1é?/#"]);
        assert_eq!(
            url.as_str(),
            "http://127.0.0.1:8080/api/v1/devices/CP%201%C3%A9%3F%2F%23"
        );
    }

    #[test]
    fn an_address_is_http() {
        for (address, found) in [
            ("127.0.0.1:8080", "is no http URL"),
            ("https://example.org", "scheme \"https\", expected \"http\""),
            ("", "is no http URL"),
        ] {
            let error = Client::new(address, "t").unwrap_err().to_string();
            assert!(error.contains(found), "{address}: {error}");
        }
    }

    #[test]
    fn a_token_is_not_printed() {
        let client = Client::new("http://127.0.0.1:8080", "secret").unwrap();
        assert!(!format!("{client:?}").contains("secret"));
    }
}
