//! Frames as they went over the wire, and those that strayed from their schema.

use rkyv::{Archive, Deserialize, Serialize};

closed_set! {
    /// Who sent a frame.
    Direction {
        /// The station.
        FromStation = 1 "from_station",
        /// We.
        ToStation = 2 "to_station",
    }
}

/// One frame as it went over the wire, secrets masked. Archived it is version 1 of its kind; what is written now is
/// version 2 ([`crate::wire::MessageView`]).
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct Message {
    /// [`Direction`].
    pub direction: u8,
    /// OCPP-J message type: 2 CALL, 3 CALLRESULT, 4 CALLERROR; 0 when unreadable.
    pub message_type: u8,
    /// Message id; empty when unreadable.
    pub message_id: String,
    /// Action; of an answer, the action it answers.
    pub action: String,
    /// The frame.
    pub raw: String,
}

closed_set! {
    /// What became of a message that is kept aside.
    QuarantineOutcome {
        /// It was taken, after parts of it were tolerated or changed.
        Changed = 1 "changed",
        /// It was refused, or could not be read.
        Refused = 2 "refused",
        /// One that was refused before was read again, and taken.
        Replayed = 3 "replayed",
    }
}

/// A message of a station that strayed from its schema: as it came, and what was made of it.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct MessageQuarantined {
    /// [`QuarantineOutcome`].
    pub outcome: u8,
    /// [`Protocol`](super::Protocol).
    pub protocol: u8,
    /// Message id; empty when unreadable.
    pub message_id: String,
    /// Action; empty when unreadable.
    pub action: String,
    /// The frame, secrets masked.
    pub raw: String,
    /// The station's quirk profile; empty without one.
    pub profile_id: String,
    /// Its revision; 0 without one.
    pub profile_revision: u32,
    /// What was tolerated or changed, in the order of the message; the first places of a message that has many.
    pub changes: Vec<MessageChange>,
    /// Code of the refusal, in the words of 2.0.1; empty where it was taken, or nothing may be said.
    pub error_code: String,
    /// Why it was refused.
    pub reason: String,
    /// Messages of this station that were not kept since the one before this: too many came within an hour.
    pub passed_by: u32,
    /// Of a replay: the record that it read again.
    pub replay_of: Option<QuarantinedAt>,
}

/// One place of a message that was not as its schema has it.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct MessageChange {
    /// JSON pointer into the payload; of a repaired frame `#` and the byte.
    pub pointer: String,
    /// Kinds of deviation, with spaces in between.
    pub quirk: String,
    /// As it was sent, JSON, cut at 200 characters.
    pub found: String,
    /// As it was read, likewise; empty where it was left out.
    pub taken: String,
}

/// The name of a [`MessageQuarantined`].
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct QuarantinedAt {
    /// Its log.
    pub log_id: i64,
    /// Its place there.
    pub seq: u64,
}
