//! Transactions: what their stations tell, what an operator makes of it, and what they come to.

use rkyv::{Archive, Deserialize, Serialize};

use super::{Moment, Retry};

closed_set! {
    /// `TransactionEventEnumType` of OCPP 2.0.1.
    TransactionEventKind {
        /// First event of a transaction.
        Started = 1 "Started",
        /// Any event in between.
        Updated = 2 "Updated",
        /// Last event of a transaction.
        Ended = 3 "Ended",
    }
}

closed_set! {
    /// Where a transaction stands.
    TransactionState {
        /// Begun and not ended.
        Active = 1 "active",
        /// Ended by its station.
        Ended = 2 "ended",
        /// An end (or a middle) whose beginning is unknown here.
        Orphan = 3 "orphan",
    }
}

closed_set! {
    /// How far the energy of a transaction can be billed.
    Quality {
        /// From two plausible registers.
        Ok = 1 "ok",
        /// From the registers that came; the first or the last is missing.
        Estimated = 2 "estimated",
        /// Registers run backwards or jump; shown, not billed.
        Quarantined = 3 "quarantined",
    }
}

/// StartTransaction, StopTransaction (1.6) or TransactionEvent (2.x), with what the shard made of it.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct TransactionEvent {
    /// [`crate::TransactionId`].
    pub transaction_id: [u8; 16],
    /// The station's text, or the decimal 1.6 id.
    pub ocpp_transaction_id: String,
    /// [`TransactionEventKind`].
    pub kind: u8,
    /// EVSE; 0 when unknown.
    pub evse_id: u32,
    /// Connector; 0 when unknown.
    pub connector_id: u32,
    /// 2.x `seqNo`; -1 in 1.6.
    pub seq_no: i64,
    /// Sequence numbers missing before this one, as far as known.
    pub seq_gap: u32,
    /// 2.x `triggerReason`; empty in 1.6.
    pub trigger_reason: String,
    /// 2.x `chargingState`.
    pub charging_state: String,
    /// 2.x `stoppedReason`, 1.6 `reason`.
    pub stop_reason: String,
    /// HMAC of the idToken under the tenant's key; absent where the station sent none.
    pub token_ref: Option<[u8; 16]>,
    /// 2.x `remoteStartId`; -1 where absent.
    pub remote_start_id: i64,
    /// Counter behind a 1.6 transaction id given here; 0 otherwise.
    pub ocpp_counter: u32,
    /// Recorded while the station was offline.
    pub offline: bool,
    /// When.
    pub occurred: Moment,
    /// `meterStart` or `meterStop` of 1.6, or the register that came with the event, milliwatt-hours.
    pub register_mwh: Option<i64>,
    /// Recognises a retry.
    pub retry: Retry,
    /// The transaction after this event.
    pub summary: TransactionSummary,
}

/// `trigger_reason` and `stop_reason` of a [`TransactionEvent`] that no station sent: an operator has ended the
/// transaction here. Until its station ends it, later events of it have this `stop_reason` too.
pub const CLOSED: &str = "Sigec.Closed";

/// An operator has ended a transaction here, and its station was not asked. What came of it says the
/// [`TransactionEvent`] behind this record.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct TransactionClosed {
    /// [`crate::TransactionId`].
    pub transaction_id: [u8; 16],
    /// Name of the principal who did it.
    pub principal: String,
    /// Why, in that one's words; empty for none.
    pub reason: String,
    /// The end as the operator said it.
    pub ended_at: Option<i64>,
    /// The last register as the operator said it, milliwatt-hours.
    pub meter_stop_mwh: Option<i64>,
    /// The transaction as its station had told it by then: what the station's own end goes on from.
    pub before: TransactionSummary,
    /// Highest `seqNo` by then; -1 for none.
    pub seq_no: i64,
    /// When the newest event by then happened.
    pub event_at: i64,
}

/// Which events of a transaction have not come, and what its station said when it was asked. A record holds all of it.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct TransactionProgress {
    /// [`crate::TransactionId`].
    pub transaction_id: [u8; 16],
    /// Numbers (`seqNo`) below the highest that came, of events that did not; ascending, and apart from each other.
    pub missing: Vec<SeqRange>,
    /// What the station answered last.
    pub told: Option<ToldProgress>,
}

/// Numbers of events, from one to another.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct SeqRange {
    /// The first of them.
    pub first: i64,
    /// The last of them.
    pub last: i64,
}

/// What a station says of a transaction when it is asked (2.x GetTransactionStatus).
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct ToldProgress {
    /// When it said so.
    pub told_at: i64,
    /// The command that asked.
    pub command_id: [u8; 16],
    /// `ongoingIndicator`.
    pub ongoing: Option<bool>,
    /// `messagesInQueue`.
    pub messages_in_queue: bool,
}

/// A transaction as far as it is known: computed once, by its shard.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct TransactionSummary {
    /// [`TransactionState`].
    pub state: u8,
    /// [`Quality`].
    pub quality: u8,
    /// Absent when the beginning is unknown.
    pub started_at: Option<i64>,
    /// Absent while it runs.
    pub ended_at: Option<i64>,
    /// First plausible register, milliwatt-hours.
    pub meter_start_mwh: Option<i64>,
    /// Last plausible register, milliwatt-hours.
    pub meter_stop_mwh: Option<i64>,
    /// Their difference.
    pub energy_mwh: Option<i64>,
    /// Minor units of `currency`; absent when the energy is not to be billed.
    pub cost: Option<i64>,
    /// ISO 4217.
    pub currency: [u8; 3],
    /// The token it was started with.
    pub token_ref: Option<[u8; 16]>,
}
