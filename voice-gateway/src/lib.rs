//! EVA, the voice of SIGEC-VE: sentences in, actions through the HTTP API, sentences out.
//!
//! The gateway is a client of the API and acts with the token of whoever speaks, so it can do nothing that the
//! caller could not do. Rules understand Brazilian Portuguese ([`nlu`]); no model and no network beyond the API is
//! needed. Speech in and out is not configured: `audio` is answered honestly.
//!
//! # Invariants
//!
//! - A charge starts only after our own question was answered with a clear yes, by the same token, within 30 s.
//! - What people say is kept nowhere, except the report of a defect, without what identifies a person.

#![forbid(unsafe_code)]

mod act;
mod metrics;
mod nlu;
mod redact;
mod reply;
mod session;
mod stations;

use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use ring::digest;
use ring::rand::{SecureRandom as _, SystemRandom};
use sdk::{Client, ClientError, Problem, VoiceReply, VoiceRequest};
use tokio::time::Instant;

use act::{Answer, Speaker, Status};
use metrics::Metrics;
use nlu::Intent;
use session::{Key, Sessions};

/// Where the one route is.
const PATH: &str = "/api/v1/voice/command";
/// Longest sentence, characters.
const TEXT_CHARS_MAX: usize = 500;
/// Longest name of a conversation, characters.
const SESSION_CHARS_MAX: usize = 64;
/// Largest request: a minute of recorded speech.
const BODY_LEN_MAX: usize = 8 << 20;

/// How the gateway runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the API listens: `http://127.0.0.1:8080`.
    pub api_base_url: String,
    /// What a kilowatt-hour costs, in BRL, to be told before a charge starts: `0.75`.
    pub price_per_kwh: Option<String>,
}

/// The gateway. Cheap to clone; clones are the same one.
#[derive(Clone, Debug)]
pub struct VoiceGateway(Arc<Gateway>);

#[derive(Debug)]
struct Gateway {
    client: Client,
    price_per_kwh: Option<String>,
    sessions: Mutex<Sessions>,
    metrics: Metrics,
}

impl VoiceGateway {
    /// A gateway to the API of `config`.
    ///
    /// # Errors
    ///
    /// - [`ClientError::Address`] when the API's address is none.
    pub fn new(config: Config) -> Result<Self, ClientError> {
        Ok(Self(Arc::new(Gateway {
            client: Client::new(&config.api_base_url, "")?,
            price_per_kwh: config.price_per_kwh,
            sessions: Mutex::default(),
            metrics: Metrics::default(),
        })))
    }

    /// Serves `POST /api/v1/voice/command`.
    pub fn router(&self) -> Router {
        Router::new()
            .route(PATH, post(command))
            .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
            .with_state(self.clone())
    }

    /// What Prometheus reads of it, in the text format.
    pub fn metrics(&self) -> String {
        self.0.metrics.render()
    }

    async fn converse(&self, token: &str, request: VoiceRequest) -> Result<VoiceReply, Refused> {
        let started = Instant::now();
        let (text, session_id) = checked(request.text, request.session_id)?;
        let answer = match (text, request.audio) {
            (Some(text), _) => {
                let near = request.lat.zip(request.lng);
                self.hear(token, &text, &session_id, near).await?
            }
            (None, Some(_)) => unheard(),
            (None, None) => return Err(invalid("/text", "text and audio are both absent")),
        };
        self.0
            .metrics
            .record(answer.intent, answer.status, started.elapsed());
        Ok(VoiceReply {
            text: answer.text,
            audio: None,
            intent: answer.intent.as_str().to_owned(),
            confidence: answer.confidence,
            action_result: answer.result,
            session_id,
        })
    }

    async fn hear(
        &self,
        token: &str,
        text: &str,
        session_id: &str,
        near: Option<stations::Place>,
    ) -> Result<Answer, Refused> {
        let key = session_key(token, session_id);
        let question = self.sessions().take(Instant::now().into_std(), &key);
        let client = self.0.client.with_token(token);
        let speaker = Speaker {
            client: &client,
            near,
            price_per_kwh: self.0.price_per_kwh.as_deref(),
        };
        let mut answer = speaker
            .answer(text, question)
            .await
            .map_err(|error| match error {
                ClientError::Problem(problem) => Refused(problem),
                _ => unauthorized("the token is not valid"),
            })?;
        if let Some(question) = answer.question.take() {
            self.sessions()
                .put(Instant::now().into_std(), key, question);
        }
        Ok(answer)
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, Sessions> {
        self.0
            .sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn command(
    State(gateway): State<VoiceGateway>,
    headers: HeaderMap,
    request: Result<Json<VoiceRequest>, JsonRejection>,
) -> Result<Json<VoiceReply>, Refused> {
    let token = bearer(&headers)
        .ok_or_else(|| unauthorized("the request has no `Authorization: Bearer TOKEN`"))?;
    let Json(request) = request.map_err(|rejection| unreadable(&rejection))?;
    gateway.converse(token, request).await.map(Json)
}

/// Why a body is no request: what was found where, without what the library says before it.
fn unreadable(rejection: &JsonRejection) -> Refused {
    let detail = match rejection.source() {
        Some(source) => source.to_string(),
        None => rejection.body_text(),
    };
    let (kind, title) = match rejection {
        JsonRejection::JsonDataError(_) => ("invalid", "Invalid value"),
        _ => ("malformed", "Malformed body"),
    };
    refusal(rejection.status(), kind, title, &detail)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// The sentence and the conversation, within their limits.
fn checked(
    text: Option<String>,
    session_id: Option<String>,
) -> Result<(Option<String>, String), Refused> {
    if let Some(text) = &text {
        let chars = text.chars().count();
        if TEXT_CHARS_MAX < chars {
            let detail = format!("{chars} characters, at most {TEXT_CHARS_MAX} are allowed");
            return Err(invalid("/text", &detail));
        }
    }
    let session_id = match session_id {
        Some(id) if id.is_empty() || SESSION_CHARS_MAX < id.chars().count() => {
            let detail = format!("not 1 to {SESSION_CHARS_MAX} characters");
            return Err(invalid("/session_id", &detail));
        }
        Some(id) => id,
        None => new_session_id()?,
    };
    Ok((text, session_id))
}

/// A name that no other conversation has. It protects nothing: only its own token can go on with it.
fn new_session_id() -> Result<String, Refused> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| {
        let detail = "the system has no random bytes for a session_id; send one";
        refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Service temporarily unavailable",
            detail,
        )
    })?;
    Ok(uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .hyphenated()
        .to_string())
}

fn session_key(token: &str, session_id: &str) -> Key {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    (hash, session_id.to_owned())
}

/// Recorded speech, and nobody here who understands it.
fn unheard() -> Answer {
    Answer {
        intent: Intent::Unknown,
        confidence: 0.0,
        status: Status::NotUnderstood,
        text: reply::NO_SPEECH.to_owned(),
        result: None,
        question: None,
    }
}

/// A request that was not answered, and why.
#[derive(Debug)]
struct Refused(Box<Problem>);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::BAD_GATEWAY);
        let headers = [(CONTENT_TYPE, "application/problem+json")];
        (status, headers, Json(self.0)).into_response()
    }
}

fn unauthorized(detail: &str) -> Refused {
    refusal(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "Authentication required",
        detail,
    )
}

fn invalid(pointer: &str, detail: &str) -> Refused {
    let detail = format!("{pointer}: {detail}");
    refusal(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid",
        "Invalid value",
        &detail,
    )
}

fn refusal(status: StatusCode, kind: &str, title: &str, detail: &str) -> Refused {
    Refused(Box::new(Problem {
        kind: format!("/problems/{kind}"),
        title: title.to_owned(),
        status: status.as_u16(),
        detail: detail.to_owned(),
        instance: PATH.to_owned(),
        error: title.to_owned(),
        errors: Vec::new(),
        retry_after: None,
        state: None,
        command: None,
    }))
}

#[cfg(test)]
mod tests;
