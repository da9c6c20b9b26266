//! What drivers identify themselves with.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a station is told about a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// From now on.
    pub status: TokenStatus,
}

/// An idTag (1.6) or idToken (2.x) that the server knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// As stations send it, at most 36 characters; upper and lower case are the same.
    #[schema(example = "04A2B3C4D5E680")]
    pub id: String,
    /// What stations are told.
    pub status: TokenStatus,
}

/// The part of `AuthorizationStatus` that 1.6 and 2.x share and that says something of the token itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum TokenStatus {
    /// May charge.
    Accepted,
    /// Must not charge.
    Blocked,
    /// Is out of date.
    Expired,
    /// Is not known.
    Invalid,
}
