//! What a station was given, and may come back with although nobody heard that it has it.

use rkyv::{Archive, Deserialize, Serialize};

/// The passwords that a station may have taken and nobody knows of: the whole of it each time.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct PasswordsInDoubt {
    /// The OCPP action that changed it; empty where an operator, or the station's coming, settled it.
    pub cause: String,
    /// The command that carried it; absent where there was none.
    pub command_id: Option<[u8; 16]>,
    /// The newest last.
    pub passwords: Vec<PasswordInDoubt>,
}

/// One of [`PasswordsInDoubt`], as its salted digest.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct PasswordInDoubt {
    /// The command that was to set it.
    pub command_id: [u8; 16],
    /// Salt of the digest.
    pub salt: [u8; 16],
    /// HMAC-SHA-256 of the password under the salt.
    pub mac: [u8; 32],
    /// When the command was made.
    pub at: i64,
}

/// The tokens that remote starts sent to a station, which are good there for a while: the whole of it each time.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct StartTokens {
    /// The OCPP action that changed it.
    pub cause: String,
    /// The newest last.
    pub tokens: Vec<StartToken>,
}

/// One of [`StartTokens`].
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct StartToken {
    /// What stands for the token in every fact.
    pub token_ref: [u8; 16],
    /// Our name of the start.
    pub remote_start_id: i64,
    /// When it was sent.
    pub sent_at: i64,
    /// From when on it is good no more.
    pub until: i64,
}
