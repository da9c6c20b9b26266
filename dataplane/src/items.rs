//! Monitors, display messages and issues: what a station keeps under a number and tells in parts, and what people find
//! wrong with it, in rows of the state store.
//!
//! Rows come out of records alone ([`tell::rows`]), so that a replay of the log writes the same ones, and each is
//! written without reading another. A list of them is put together when somebody asks ([`read`]). Nothing stays in a
//! shard's memory.

pub(crate) mod clear;
mod over;
pub(crate) mod read;
pub(crate) mod row;
mod stored;
pub(crate) mod tell;

use fleet::{EventId, UtcMicros};

pub use stored::{stored_display_messages, stored_monitors};

/// What is kept under numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// A monitor of a variable (2.x N).
    Monitor,
    /// A message on a display (2.x O).
    DisplayMessage,
    /// An issue that somebody reported ([`ISSUE_REPORTED`]). It outlives the station's deletion, as all history does.
    Issue,
}

/// The note ([`crate::Router::note`]) by which an issue is reported; its payload is a JSON object.
pub const ISSUE_REPORTED: &str = "Sigec.IssueReported";

/// The number of an issue: the newest is the least, so that a list begins with it.
///
/// Microseconds up to the year 2255 and ten bits of the record's place, for issues of one moment.
fn issue_id(event: EventId, at: UtcMicros) -> i64 {
    let micros = at.0.clamp(0, i64::MAX >> 11);
    -(micros << 10 | (event.seq.0 & 0x3ff) as i64)
}

/// When the issue of this number was reported.
fn issue_at(id: i64) -> UtcMicros {
    UtcMicros(id.saturating_neg() >> 10)
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemView {
    /// The station's number of it; of an issue ours, below 0.
    pub id: i64,
    /// A JSON object: `VariableMonitoringType` with its `component` and `variable`, `MessageInfoType`, or an issue's note.
    pub json: String,
    /// When it was told.
    pub as_of: UtcMicros,
    /// By which record.
    pub position: EventId,
}
