//! What a refused request is answered with (RFC 9457).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Command, CommandState};

/// `application/problem+json`: why a request was refused, in words and in a form that programs can branch on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `/problems/{kind}`; GET it for a description. Stable: branch on this.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not-found")]
    pub kind: String,
    /// The kind in words, the same for every occurrence.
    pub title: String,
    /// The HTTP status of this answer.
    pub status: u16,
    /// What was found and what was expected, this time.
    pub detail: String,
    /// The path that was asked for.
    pub instance: String,
    /// The same as `title`, for clients that know only this name.
    pub error: String,
    /// Members of the request that are wrong, where the problem lies in single members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// When to try again, as `Retry-After` says it: `1s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
    /// The state of `command`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<CommandState>,
    /// The command that a station did not carry out, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Box<Command>>,
}

/// One wrong member of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    /// JSON Pointer (RFC 6901) into the body: `/location/lat`.
    pub pointer: String,
    /// What was found and what was expected.
    pub detail: String,
}

impl Problem {
    /// The last part of `type`: `not-found` of `/problems/not-found`.
    pub fn slug(&self) -> &str {
        self.kind.rsplit('/').next().unwrap_or_default()
    }
}
