//! Who may do what.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a principal may do; each role may do what the ones before it may.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads stations, transactions and tables.
    ReadOnly,
    /// Also commands stations, registers them, keeps tokens and reads raw messages.
    Operator,
    /// Also keeps principals.
    Admin,
}

impl Role {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read_only",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A principal to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrincipalRequest {
    /// 1 to 64 characters of `a-z A-Z 0-9 . _ -`; also the user name of the Postgres wire.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._-]+$",
        example = "grafana"
    )]
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// A person or a program that holds a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Principal {
    /// Unique.
    #[schema(example = "grafana")]
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was created.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// A principal just created, with its token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PrincipalCreated {
    /// The principal.
    #[serde(flatten)]
    pub principal: Principal,
    /// The bearer token, also its password on the Postgres wire. Shown this once, stored only as hashes.
    pub token: String,
}
