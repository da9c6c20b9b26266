//! What a station was given, and may come back with although nobody heard that it has it.

use rkyv::{Archive, Deserialize, Serialize};

/// The passwords that a station may come in with beside the one that is known of it: the whole of it each time.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct StationPasswords {
    /// The OCPP action that changed it; empty where an operator, or the station's coming, did.
    pub cause: String,
    /// The command that carried it; absent where there was none.
    pub command_id: Option<[u8; 16]>,
    /// The configuration slot whose network profile has the known password; absent where that is the station's own.
    pub known_slot: Option<String>,
    /// Of one place, the newest last.
    pub passwords: Vec<StationPassword>,
}

/// One of [`StationPasswords`], as its salted digest.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct StationPassword {
    /// The configuration slot of its network profile; absent for the station's own (`SecurityCtrlr`, `AuthorizationKey`).
    pub slot: Option<String>,
    /// The command that was to set it; absent for one that the station was known by.
    pub command_id: Option<[u8; 16]>,
    /// Salt of the digest.
    pub salt: [u8; 16],
    /// HMAC-SHA-256 of the password under the salt.
    pub mac: [u8; 32],
    /// When the command was made, or when another password became the known one.
    pub at: i64,
}

/// The passwords that a station may have taken and nobody knows of: what versions before [`StationPasswords`] wrote, the whole
/// of it each time.
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

impl From<PasswordsInDoubt> for StationPasswords {
    /// Nobody wrote down where they stand, so they all stand at one place: the older ones go once one is shown.
    fn from(kept: PasswordsInDoubt) -> Self {
        let passwords = kept.passwords.into_iter().map(|doubt| StationPassword {
            slot: None,
            command_id: Some(doubt.command_id),
            salt: doubt.salt,
            mac: doubt.mac,
            at: doubt.at,
        });
        Self {
            cause: kept.cause,
            command_id: kept.command_id,
            known_slot: None,
            passwords: passwords.collect(),
        }
    }
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
