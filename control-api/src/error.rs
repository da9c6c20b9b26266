//! Why a request was refused, and the one place where that becomes an HTTP status.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dataplane::{RegisterError, RouterError};
use sdk::{Command, FieldProblem, Role};

use crate::files::FilesError;
use crate::problem::Refusal;

/// When to try again what was refused because something was full or down.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a request was refused.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The body is no JSON, or not of the type that it says it is.
    #[error("{0}")]
    Malformed(String),
    /// Members of the request hold values that they must not.
    #[error("{}", join(.0))]
    Invalid(Vec<FieldProblem>),
    /// A part of the URL or a header holds a value that it must not.
    #[error("{0}")]
    BadParameter(String),
    /// Nobody is logged in, or with a token that is not valid (any more).
    #[error("{0}")]
    Unauthorized(&'static str),
    /// The principal's role does not reach this far.
    #[error("role {found} does not suffice, {needed} is needed")]
    Forbidden {
        /// The caller's role.
        found: Role,
        /// The least role that may.
        needed: Role,
    },
    /// There is no such thing (or not for this tenant).
    #[error("{what} {name:?} does not exist")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// Its name, as asked for.
        name: String,
    },
    /// No route has this path.
    #[error("no resource has this path")]
    NoRoute,
    /// The route has other methods.
    #[error("method {method} is not known here")]
    Method {
        /// The method found.
        method: String,
    },
    /// It exists already.
    #[error("{what} {name:?} exists already")]
    Exists {
        /// Kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// It cannot be done to this thing as it stands.
    #[error("{0}")]
    Conflict(String),
    /// The body is larger than allowed.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The body has another type than the resource takes.
    #[error("content type {found:?}, expected {expected:?}")]
    MediaType {
        /// What the request says.
        found: String,
        /// What the resource takes.
        expected: &'static str,
    },
    /// The body is compressed, or whatever else its coding does to it.
    #[error("content encoding {found:?}, expected none")]
    ContentCoding {
        /// What the request says.
        found: String,
    },
    /// The body did not arrive in time.
    #[error("the body did not arrive within {seconds} seconds")]
    Slow {
        /// The limit.
        seconds: u64,
    },
    /// The caller asks more often than it may.
    #[error("more requests than {who} may make; the next one is free in {} ms", .retry_after.as_millis())]
    TooOften {
        /// Whose requests are counted together.
        who: &'static str,
        /// When there is room again.
        retry_after: Duration,
    },
    /// The station is not connected.
    #[error("station {:?} is not connected", .0.device_id)]
    Offline(Box<Command>),
    /// The station's queue of commands is full.
    #[error("station {:?} has too many commands waiting", .0.device_id)]
    QueueFull(Box<Command>),
    /// The station answered no.
    #[error("station {:?} refused {}: {}", .0.device_id, .0.action, answer(.0))]
    Rejected(Box<Command>),
    /// The station did not answer in time.
    #[error("station {:?} did not answer {} in time{}", .0.device_id, .0.action, limit(.0))]
    Timeout(Box<Command>),
    /// The connection ended before the station answered.
    #[error("the connection of station {:?} ended before it answered {}; whether it carried it out is not known", .0.device_id, .0.action)]
    Disconnected(Box<Command>),
    /// The command is none, or its payload breaks its schema.
    #[error("{0}")]
    InvalidCommand(String),
    /// It was there and is not any more.
    #[error("{0}")]
    Gone(String),
    /// There is no room for what came.
    #[error("{0}")]
    NoRoom(String),
    /// The part of the file that is asked for lies behind its end.
    #[error("the file has {len} bytes, the range asks for others")]
    Range {
        /// Bytes there are.
        len: u64,
    },
    /// The server cannot do it now and may be able to soon.
    #[error("{0}")]
    Unavailable(String),
    /// Our own fault; the log says more than the answer.
    #[error("the server met an error of its own: {0}")]
    Internal(String),
}

fn join(fields: &[FieldProblem]) -> String {
    let texts: Vec<_> = fields
        .iter()
        .map(|field| match field.pointer.as_str() {
            // The body as a whole.
            "" => field.detail.clone(),
            pointer => format!("{pointer}: {}", field.detail),
        })
        .collect();
    texts.join("; ")
}

/// What a station said when it refused.
fn answer(command: &Command) -> String {
    match (&command.error, &command.result) {
        (Some(error), _) => format!("{} {}", error.code, error.description),
        (None, Some(result)) => result.to_string(),
        (None, None) => "no answer".to_owned(),
    }
}

/// The limit that a station did not keep to; none where only the wait of the request is over.
fn limit(command: &Command) -> String {
    let error = command.error.as_ref();
    error.map_or_else(String::new, |error| format!(": {}", error.description))
}

impl ApiError {
    /// One member of a body is wrong.
    pub(crate) fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem {
            pointer: pointer.into(),
            detail: detail.into(),
        }])
    }

    /// There is no such thing.
    pub(crate) fn not_found(what: &'static str, name: impl Into<String>) -> Self {
        Self::NotFound {
            what,
            name: name.into(),
        }
    }

    /// The kind of problem: its status, its stable name and its title.
    pub(crate) fn kind(&self) -> &'static Kind {
        match self {
            Self::Malformed(_) => &MALFORMED,
            Self::Invalid(_) => &INVALID,
            Self::BadParameter(_) => &BAD_PARAMETER,
            Self::Unauthorized(_) => &UNAUTHORIZED,
            Self::Forbidden { .. } => &FORBIDDEN,
            Self::NotFound { .. } | Self::NoRoute => &NOT_FOUND,
            Self::Method { .. } => &METHOD_NOT_ALLOWED,
            Self::Exists { .. } => &EXISTS,
            Self::Conflict(_) => &CONFLICT,
            Self::TooLarge { .. } => &TOO_LARGE,
            Self::MediaType { .. } | Self::ContentCoding { .. } => &MEDIA_TYPE,
            Self::Slow { .. } => &SLOW,
            Self::TooOften { .. } => &RATE_LIMITED,
            Self::Offline(_) => &OFFLINE,
            Self::QueueFull(_) => &QUEUE_FULL,
            Self::Rejected(_) => &REJECTED,
            Self::Timeout(_) => &TIMEOUT,
            Self::Disconnected(_) => &DISCONNECTED,
            Self::InvalidCommand(_) => &INVALID_COMMAND,
            Self::Gone(_) => &GONE,
            Self::NoRoom(_) => &NO_ROOM,
            Self::Range { .. } => &RANGE,
            Self::Unavailable(_) => &UNAVAILABLE,
            Self::Internal(_) => &INTERNAL,
        }
    }

    /// When the same request can succeed by itself.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooOften { retry_after, .. } => Some(*retry_after),
            Self::QueueFull(_) | Self::Unavailable(_) => Some(RETRY_AFTER),
            _ => None,
        }
    }

    /// The command that a station did not carry out.
    pub(crate) fn command(&self) -> Option<&Command> {
        match self {
            Self::Offline(command)
            | Self::QueueFull(command)
            | Self::Rejected(command)
            | Self::Timeout(command)
            | Self::Disconnected(command) => Some(command),
            _ => None,
        }
    }
}

impl From<RouterError> for ApiError {
    fn from(error: RouterError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<FilesError> for ApiError {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError::TooLarge { limit } => Self::TooLarge {
                limit: usize::try_from(limit).unwrap_or(usize::MAX),
            },
            FilesError::Full { .. } | FilesError::DiskFull | FilesError::TooMany { .. } => {
                Self::NoRoom(error.to_string())
            }
            FilesError::Busy => Self::Unavailable(error.to_string()),
            FilesError::Empty => Self::Malformed(error.to_string()),
            FilesError::Unknown { .. } => Self::NoRoute,
            FilesError::Expired(_) | FilesError::Used => Self::Gone(error.to_string()),
            FilesError::Arriving => Self::Conflict(error.to_string()),
            FilesError::Random
            | FilesError::Row { .. }
            | FilesError::Io { .. }
            | FilesError::Store(_) => Self::Internal(chain(&error)),
        }
    }
}

/// An error and what is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

/// As [`ApiError`] of the station `id`.
pub(crate) fn register(error: RegisterError, id: &str) -> ApiError {
    match error {
        RegisterError::Exists => ApiError::Exists {
            what: "device",
            name: id.to_owned(),
        },
        RegisterError::Unknown => ApiError::not_found("device", id),
        other => ApiError::Unavailable(other.to_string()),
    }
}

impl IntoResponse for ApiError {
    /// A response that the problem layer renders, because only it knows the path that was asked for.
    fn into_response(self) -> Response {
        if let Self::Internal(detail) = &self {
            tracing::error!(%detail, "request met an error of ours");
        }
        Refusal::new(self).into_response()
    }
}

/// A kind of problem, as `GET /problems/{name}` shows it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// HTTP status of its answers.
    pub(crate) status: StatusCode,
    /// Last segment of its `type`.
    pub(crate) name: &'static str,
    /// In words.
    pub(crate) title: &'static str,
    /// What to do about it.
    pub(crate) advice: &'static str,
}

macro_rules! kinds {
    ($($constant:ident $status:ident $name:literal $title:literal $advice:literal;)+) => {
        $(static $constant: Kind = Kind {
            status: StatusCode::$status,
            name: $name,
            title: $title,
            advice: $advice,
        };)+

        /// Every kind there is.
        pub(crate) static KINDS: &[&Kind] = &[$(&$constant,)+];
    };
}

kinds! {
    MALFORMED BAD_REQUEST "malformed" "Malformed body" "Send JSON (or CSV) as the OpenAPI document describes it.";
    INVALID UNPROCESSABLE_ENTITY "invalid" "Invalid value" "Correct the members that `errors` points at.";
    BAD_PARAMETER BAD_REQUEST "bad_parameter" "Invalid parameter" "Correct the path, the query or the header that `detail` names.";
    UNAUTHORIZED UNAUTHORIZED "unauthorized" "Authentication required" "Send `Authorization: Bearer TOKEN`; `sigec admin reset-token` makes a new one for the administrator.";
    FORBIDDEN FORBIDDEN "forbidden" "Role does not suffice" "Ask an administrator for a principal with the role that `detail` names.";
    NOT_FOUND NOT_FOUND "not_found" "Not found" "Check the name; lists show what exists.";
    METHOD_NOT_ALLOWED METHOD_NOT_ALLOWED "method_not_allowed" "Method not allowed" "The `Allow` header names the methods of this resource.";
    EXISTS CONFLICT "exists" "Exists already" "Change it with PATCH, or choose another name.";
    CONFLICT CONFLICT "conflict" "Conflict" "`detail` says what stands in the way.";
    TOO_LARGE PAYLOAD_TOO_LARGE "too_large" "Body too large" "Send less, or in parts.";
    MEDIA_TYPE UNSUPPORTED_MEDIA_TYPE "media_type" "Unsupported media type" "Send the content type that `detail` names, and the body as it is.";
    SLOW REQUEST_TIMEOUT "slow" "Request took too long" "Send the request again, faster.";
    RATE_LIMITED TOO_MANY_REQUESTS "rate_limited" "Too many requests" "Wait as long as `Retry-After` says; `http.rate_principal` and `http.rate_anonymous` set the limits.";
    OFFLINE CONFLICT "offline" "Station is offline" "Nothing was sent. Try again when `is_online` of the device is true.";
    QUEUE_FULL TOO_MANY_REQUESTS "queue_full" "Too many commands waiting" "Nothing was sent. Wait for the station's answers to the earlier ones.";
    REJECTED CONFLICT "rejected" "Station refused" "The station's own answer is in `command`.";
    TIMEOUT GATEWAY_TIMEOUT "timeout" "Station did not answer" "`state` says how far the command came, `Location` how it goes on.";
    DISCONNECTED BAD_GATEWAY "disconnected" "Connection ended" "The command may have been carried out; it is never sent again by itself.";
    INVALID_COMMAND UNPROCESSABLE_ENTITY "invalid_command" "Invalid command" "Use an action of the station's OCPP version, with a payload of its schema.";
    GONE GONE "gone" "No longer valid" "Make a new URL; this one has expired or was used up.";
    NO_ROOM INSUFFICIENT_STORAGE "no_room" "No room" "Remove files that are not needed, or raise the limit that `detail` names.";
    RANGE RANGE_NOT_SATISFIABLE "range" "Range not satisfiable" "`Content-Range` says how long the file is.";
    UNAVAILABLE SERVICE_UNAVAILABLE "unavailable" "Service temporarily unavailable" "Try again after `Retry-After`; `/health` says what is wrong.";
    INTERNAL INTERNAL_SERVER_ERROR "internal" "Internal error" "This is a fault of the server; its log says more.";
    // Of `POST /api/v1/sql`, which the pipeline answers.
    BAD_REQUEST BAD_REQUEST "bad_request" "Bad Request" "Send `{\"query\": \"SELECT …\"}` as JSON.";
    NOT_ACCEPTABLE NOT_ACCEPTABLE "not_acceptable" "Not Acceptable" "Name one of the content types in `detail` as `Accept`.";
    INVALID_QUERY BAD_REQUEST "invalid_query" "Bad Request" "Correct the SQL; `detail` says what is wrong with it.";
    READ_ONLY FORBIDDEN "read_only" "Forbidden" "Ask with SELECT; nothing can be changed through SQL.";
    QUERY_FAILED UNPROCESSABLE_ENTITY "query_failed" "Unprocessable Entity" "The query began and met a value it cannot work with, which `detail` names.";
    TOO_MANY_ROWS UNPROCESSABLE_ENTITY "too_many_rows" "Unprocessable Entity" "Add LIMIT, or aggregate.";
    QUERY_TIMEOUT GATEWAY_TIMEOUT "query_timeout" "Gateway Timeout" "Ask for less: a shorter time, fewer columns, fewer stations.";
    CANCELLED SERVICE_UNAVAILABLE "cancelled" "Service Unavailable" "The server ended the query; ask again.";
    RESOURCES SERVICE_UNAVAILABLE "resources" "Service Unavailable" "The query needs more memory than it may have: ask for less, or ask again when fewer queries run.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_safe_in_a_path() {
        let mut names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KINDS.len());
        assert!(
            names
                .iter()
                .all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        );
    }
}
