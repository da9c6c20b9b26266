//! A client of the API.

mod files;
mod grid;
mod items;
mod tariffs;

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;

use crate::{
    CertificateHashData, ChargingProfileChange, ChargingProfileFilter, ChargingProfileRequest,
    ChargingProfiles, ChargingRateUnit, Command, CommandRequest, CompositeSchedule,
    ConnectorStatus, Device, DeviceCertificates, DeviceCreated, DevicePatch, DeviceRequest, Health,
    ImportReport, InstallCertificateRequest, IssueReceipt, IssueRequest, LocalList,
    LocalListRequest, Message, MessageDirection, MessageType, Page, Principal, PrincipalCreated,
    PrincipalRequest, Problem, QuarantineOutcome, QuarantinedMessage, QuirkProfiles, ReplayReceipt,
    Reservation, ReservationRequest, ReservationState, SecurityEvent, SecuritySeverity,
    SignedValues, SqlRequest, Token, TokenRequest, TokenStatus, Transaction, TransactionClose,
    TransactionStart, Variable, VoiceReply, VoiceRequest,
};

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

/// What a station was asked for: done, or still on its way.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<T> {
    /// It happened.
    Done(T),
    /// The wait ended first; [`Client::command_by_id`] tells how it goes on.
    Pending(Box<Command>),
}

/// Which stations to list; everything by default.
#[derive(Clone, Debug, Default)]
pub struct DeviceFilter {
    /// Only those of this status.
    pub status: Option<ConnectorStatus>,
    /// Only those of this vendor.
    pub vendor: Option<String>,
    /// Only those that are (or are not) connected.
    pub online: Option<bool>,
    /// How many, at most 500; the server's default without.
    pub limit: Option<u32>,
    /// [`Page::next_cursor`] of the page before.
    pub cursor: Option<String>,
}

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

/// Which variables of a station to list; all by default. Names are compared without regard to case.
#[derive(Clone, Debug, Default)]
pub struct VariableFilter {
    /// Only those of this component.
    pub component: Option<String>,
    /// Only those of this name.
    pub variable: Option<String>,
    /// How many, at most 500; the server's default without.
    pub limit: Option<u32>,
    /// [`Page::next_cursor`] of the page before.
    pub cursor: Option<String>,
}

/// Which reservations of a station to list; all by default.
#[derive(Clone, Debug, Default)]
pub struct ReservationFilter {
    /// Only those that stand here.
    pub state: Option<ReservationState>,
    /// How many, at most 500; the server's default without.
    pub limit: Option<u32>,
    /// [`Page::next_cursor`] of the page before.
    pub cursor: Option<String>,
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

    /// `POST /api/v1/devices`: registers a station, or approves one that is pending.
    pub async fn create_device(
        &self,
        request: &DeviceRequest,
    ) -> Result<DeviceCreated, ClientError> {
        read(self.post(&["devices"]).json(request)).await
    }

    /// `GET /api/v1/devices`
    pub async fn devices(&self, filter: &DeviceFilter) -> Result<Page<Device>, ClientError> {
        let status = filter.status.map(|status| format!("{status:?}"));
        let query = [
            ("status", status),
            ("vendor", filter.vendor.clone()),
            ("online", filter.online.map(|online| online.to_string())),
            ("limit", filter.limit.map(|limit| limit.to_string())),
            ("cursor", filter.cursor.clone()),
        ];
        read(self.request(Method::GET, &["devices"], &query)).await
    }

    /// `GET /api/v1/devices/{id}`
    pub async fn device(&self, id: &str) -> Result<Device, ClientError> {
        read(self.get(&["devices", id])).await
    }

    /// `PATCH /api/v1/devices/{id}`
    pub async fn patch_device(&self, id: &str, patch: &DevicePatch) -> Result<Device, ClientError> {
        read(
            self.request(Method::PATCH, &["devices", id], &[])
                .json(patch),
        )
        .await
    }

    /// `DELETE /api/v1/devices/{id}`: its history stays.
    pub async fn delete_device(&self, id: &str) -> Result<(), ClientError> {
        nothing(self.delete(&["devices", id])).await
    }

    /// `POST /api/v1/devices/import`: CSV with the header `id,password,site,latitude,longitude,connectors`.
    pub async fn import_devices(
        &self,
        csv: impl Into<reqwest::Body>,
    ) -> Result<ImportReport, ClientError> {
        let request = self.post(&["devices", "import"]);
        read(
            request
                .timeout(TIMEOUT_LONG)
                .header(CONTENT_TYPE, "text/csv")
                .body(csv),
        )
        .await
    }

    /// `POST /api/v1/devices/{id}/issues`
    pub async fn report_issue(
        &self,
        id: &str,
        request: &IssueRequest,
    ) -> Result<IssueReceipt, ClientError> {
        read(self.post(&["devices", id, "issues"]).json(request)).await
    }

    /// `POST /api/v1/devices/{id}/commands`: with `wait` the station's answer or a problem, without it at once.
    pub async fn command(
        &self,
        id: &str,
        request: &CommandRequest,
        wait: Option<Duration>,
    ) -> Result<Command, ClientError> {
        let builder = self.post(&["devices", id, "commands"]).json(request);
        read(prefer_wait(builder, wait)).await
    }

    /// `GET /api/v1/commands/{id}`
    pub async fn command_by_id(&self, id: &str) -> Result<Command, ClientError> {
        read(self.get(&["commands", id])).await
    }

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

    /// `GET /api/v1/devices/{id}/variables`
    pub async fn variables(
        &self,
        id: &str,
        filter: &VariableFilter,
    ) -> Result<Page<Variable>, ClientError> {
        let query = [
            ("component", filter.component.clone()),
            ("variable", filter.variable.clone()),
            ("limit", filter.limit.map(|limit| limit.to_string())),
            ("cursor", filter.cursor.clone()),
        ];
        read(self.request(Method::GET, &["devices", id, "variables"], &query)).await
    }

    /// `POST /api/v1/transactions/start`: waits `wait` for the transaction to begin, 30 s by default.
    pub async fn start_transaction(
        &self,
        request: &TransactionStart,
        wait: Option<Duration>,
    ) -> Result<Outcome<Transaction>, ClientError> {
        let builder = self.post(&["transactions", "start"]).json(request);
        outcome(prefer_wait(builder, wait)).await
    }

    /// `POST /api/v1/transactions/{id}/stop`: waits `wait` for the transaction to end, 30 s by default.
    pub async fn stop_transaction(
        &self,
        id: &str,
        wait: Option<Duration>,
    ) -> Result<Outcome<Transaction>, ClientError> {
        outcome(prefer_wait(self.post(&["transactions", id, "stop"]), wait)).await
    }

    /// `POST /api/v1/transactions/{id}/close`
    pub async fn close_transaction(
        &self,
        id: &str,
        request: &TransactionClose,
    ) -> Result<Transaction, ClientError> {
        read(self.post(&["transactions", id, "close"]).json(request)).await
    }

    /// `GET /api/v1/transactions/{id}`
    pub async fn transaction(&self, id: &str) -> Result<Transaction, ClientError> {
        read(self.get(&["transactions", id])).await
    }

    /// `GET /api/v1/transactions/{id}/signed-values`
    pub async fn signed_values(&self, id: &str) -> Result<SignedValues, ClientError> {
        read(self.get(&["transactions", id, "signed-values"])).await
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

    /// `GET /api/v1/transactions/active`
    pub async fn active_transactions(
        &self,
        cursor: Option<&str>,
    ) -> Result<Page<Transaction>, ClientError> {
        let query = [("cursor", cursor.map(str::to_owned))];
        read(self.request(Method::GET, &["transactions", "active"], &query)).await
    }

    /// `GET /api/v1/transactions/history`: of the days `start_date` to `end_date` (`2024-01-31`), both included.
    pub async fn transaction_history(
        &self,
        start_date: &str,
        end_date: &str,
        cursor: Option<&str>,
    ) -> Result<Page<Transaction>, ClientError> {
        let query = [
            ("start_date", Some(start_date.to_owned())),
            ("end_date", Some(end_date.to_owned())),
            ("cursor", cursor.map(str::to_owned)),
        ];
        read(self.request(Method::GET, &["transactions", "history"], &query)).await
    }

    /// `GET /api/v1/devices/{id}/charging-profiles`
    pub async fn charging_profiles(&self, id: &str) -> Result<ChargingProfiles, ClientError> {
        read(self.get(&["devices", id, "charging-profiles"])).await
    }

    /// `PUT /api/v1/devices/{id}/charging-profiles`; waits for the station's answer.
    pub async fn put_charging_profile(
        &self,
        id: &str,
        request: &ChargingProfileRequest,
    ) -> Result<ChargingProfileChange, ClientError> {
        let path = ["devices", id, "charging-profiles"];
        let builder = self.request(Method::PUT, &path, &[]).json(request);
        read(builder.timeout(TIMEOUT_LONG)).await
    }

    /// The same, without sending it: what is wrong with it.
    pub async fn check_charging_profile(
        &self,
        id: &str,
        request: &ChargingProfileRequest,
    ) -> Result<ChargingProfileChange, ClientError> {
        let path = ["devices", id, "charging-profiles"];
        let check = [("check", Some("true".to_owned()))];
        read(self.request(Method::PUT, &path, &check).json(request)).await
    }

    /// `DELETE /api/v1/devices/{id}/charging-profiles`; waits for the station's answer.
    pub async fn clear_charging_profiles(
        &self,
        id: &str,
        filter: &ChargingProfileFilter,
    ) -> Result<ChargingProfileChange, ClientError> {
        let query = [
            ("id", filter.id.map(|id| id.to_string())),
            ("evse_id", filter.evse_id.map(|id| id.to_string())),
            ("purpose", filter.purpose.clone()),
            (
                "stack_level",
                filter.stack_level.map(|level| level.to_string()),
            ),
        ];
        let path = ["devices", id, "charging-profiles"];
        let builder = self.request(Method::DELETE, &path, &query);
        read(builder.timeout(TIMEOUT_LONG)).await
    }

    /// `GET /api/v1/devices/{id}/composite-schedule` for `duration` seconds from now; with `compare` beside the
    /// station's own.
    pub async fn composite_schedule(
        &self,
        id: &str,
        evse_id: u32,
        duration: u32,
        unit: ChargingRateUnit,
        compare: bool,
    ) -> Result<CompositeSchedule, ClientError> {
        let unit = match unit {
            ChargingRateUnit::A => "A",
            ChargingRateUnit::W => "W",
        };
        let query = [
            ("evse_id", Some(evse_id.to_string())),
            ("duration", Some(duration.to_string())),
            ("unit", Some(unit.to_owned())),
            ("compare", compare.then(|| "true".to_owned())),
        ];
        let path = ["devices", id, "composite-schedule"];
        let builder = self.request(Method::GET, &path, &query);
        read(builder.timeout(TIMEOUT_LONG)).await
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

    /// `GET /api/v1/devices/{id}/reservations`
    pub async fn reservations(
        &self,
        id: &str,
        filter: &ReservationFilter,
    ) -> Result<Page<Reservation>, ClientError> {
        let query = [
            ("state", filter.state.map(|state| state.as_str().to_owned())),
            ("limit", filter.limit.map(|limit| limit.to_string())),
            ("cursor", filter.cursor.clone()),
        ];
        read(self.request(Method::GET, &["devices", id, "reservations"], &query)).await
    }

    /// `POST /api/v1/devices/{id}/reservations`: waits for the station's answer.
    pub async fn reserve(
        &self,
        id: &str,
        request: &ReservationRequest,
    ) -> Result<Reservation, ClientError> {
        let builder = self.post(&["devices", id, "reservations"]).json(request);
        read(builder.timeout(TIMEOUT_LONG)).await
    }

    /// `DELETE /api/v1/devices/{id}/reservations/{reservation_id}`: waits for the station's answer.
    pub async fn cancel_reservation(
        &self,
        id: &str,
        reservation_id: i64,
    ) -> Result<Reservation, ClientError> {
        let rid = reservation_id.to_string();
        let builder = self.request(Method::DELETE, &["devices", id, "reservations", &rid], &[]);
        read(builder.timeout(TIMEOUT_LONG)).await
    }

    /// `GET /api/v1/devices/{id}/certificates`
    pub async fn certificates(&self, id: &str) -> Result<DeviceCertificates, ClientError> {
        read(self.get(&["devices", id, "certificates"])).await
    }

    /// `POST /api/v1/devices/{id}/certificates`: waits for the station's answer.
    pub async fn install_certificate(
        &self,
        id: &str,
        request: &InstallCertificateRequest,
    ) -> Result<DeviceCertificates, ClientError> {
        let builder = self.post(&["devices", id, "certificates"]).json(request);
        read(builder.timeout(TIMEOUT_LONG)).await
    }

    /// `DELETE /api/v1/devices/{id}/certificates`: waits for the station's answer.
    pub async fn delete_certificate(
        &self,
        id: &str,
        hash: &CertificateHashData,
    ) -> Result<DeviceCertificates, ClientError> {
        let query = [
            ("hash_algorithm", Some(hash.hash_algorithm.clone())),
            ("issuer_name_hash", Some(hash.issuer_name_hash.clone())),
            ("issuer_key_hash", Some(hash.issuer_key_hash.clone())),
            ("serial_number", Some(hash.serial_number.clone())),
        ];
        let path = ["devices", id, "certificates"];
        let builder = self.request(Method::DELETE, &path, &query);
        read(builder.timeout(TIMEOUT_LONG)).await
    }

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
