//! Quirk profiles, and messages that were kept aside.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The quirk profiles in force, in the order in which they are tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QuirkProfiles {
    /// How far stations may stray from the schemas: `strict`, `tolerant` or `profile`.
    #[schema(example = "tolerant")]
    pub policy: String,
    /// The first that covers a station is its.
    pub profiles: Vec<QuirkProfile>,
}

/// How stations of a make are treated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QuirkProfile {
    /// Its name.
    #[schema(example = "alfen")]
    pub id: String,
    /// Which edition of it this is.
    pub revision: u32,
    /// The file that it stands in, or `built-in`.
    pub origin: String,
    /// What is known of these stations.
    pub note: String,
    /// Pattern of identities; `*` is any run of characters, `?` is one, and case does not matter.
    #[schema(example = "*")]
    pub identity: String,
    /// Pattern of vendors.
    #[schema(example = "Alfen*")]
    pub vendor: String,
    /// Pattern of models.
    pub model: String,
    /// Pattern of firmware versions.
    pub firmware: String,
    /// Deviations from the schemas that they are known for.
    pub quirks: Vec<String>,
    /// Frames that are nearly JSON are put right.
    pub repair: bool,
    /// Milliseconds by which answers leave later, by action.
    pub answer_delay_ms: std::collections::BTreeMap<String, u64>,
    /// The OCPP version they speak that name none.
    pub default_version: Option<String>,
    /// Zone of dates that name none, minutes east of UTC.
    pub clock_zone_minutes: i16,
    /// Dates marked as UTC are of that zone too.
    pub clock_local_as_utc: bool,
    /// Whether their dates tell when something happened.
    pub clock_trusted: bool,
    /// False when they are never pinged.
    pub ping: bool,
    /// Silence after which they are pinged; `null` as for all others.
    pub ping_interval_s: Option<u64>,
    /// Silence that ends their connections; `null` as for all others.
    pub idle_timeout_s: Option<u64>,
    /// Time in which a transaction that runs is to send meter values; `null` where nobody watches.
    pub meter_values_within_s: Option<u64>,
}

/// A station's quirk profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuirkProfileRef {
    /// Its name.
    pub id: String,
    /// Which edition of it is in force.
    pub revision: u32,
}

/// What became of a message that is kept aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineOutcome {
    /// It was taken, after parts of it were tolerated or changed.
    Changed,
    /// It was refused, or could not be read.
    Refused,
    /// One that was refused before was read again, and taken.
    Replayed,
}

impl QuarantineOutcome {
    /// Its name on the wire and in SQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Refused => "refused",
            Self::Replayed => "replayed",
        }
    }
}

/// A message of a station that strayed from its schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QuarantinedMessage {
    /// Its name: `POST /quarantine/{id}/replay` takes it.
    #[schema(example = "1234567-42")]
    pub id: String,
    /// The station.
    pub device_id: String,
    /// When it came, or was read again.
    #[schema(format = DateTime)]
    pub received_at: String,
    /// What became of it.
    pub outcome: QuarantineOutcome,
    /// The OCPP version it is written in.
    pub protocol: Option<String>,
    /// OCPP-J message id; `null` when unreadable.
    pub message_id: Option<String>,
    /// `null` when unreadable.
    pub action: Option<String>,
    /// The frame, secrets masked; `null` for one that was read again, which stands under `replay_of`.
    pub raw: Option<String>,
    /// The station's profile then.
    pub profile: Option<QuirkProfileRef>,
    /// What was tolerated or changed, in the order of the message; at most 32 places.
    pub changes: Vec<MessageChange>,
    /// Code of the refusal, in the words of OCPP 2.0.1.
    pub error_code: Option<String>,
    /// Why it was refused.
    pub reason: Option<String>,
    /// Messages of this station that were not kept since the one before: too many came within an hour.
    pub passed_by: u64,
    /// The `id` of the message that was read again.
    pub replay_of: Option<String>,
}

/// One place of a message that was not as its schema has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageChange {
    /// JSON pointer into the payload; of a repaired frame `#` and the byte.
    #[schema(example = "/meterValue/0/timestamp")]
    pub pointer: String,
    /// Kinds of deviation, with spaces in between.
    #[schema(example = "zone_missing")]
    pub quirk: String,
    /// As it was sent: JSON, cut at 200 characters.
    pub found: String,
    /// As it was read: JSON; empty where it was left out.
    pub taken: String,
}

/// What came of reading a message again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplayReceipt {
    /// The message.
    pub id: String,
    /// The station.
    pub device_id: String,
    /// True when this changed something; false when it had been read again before.
    pub applied: bool,
}
