//! Monitors and display messages: what a station keeps under a number and tells in parts, in rows of the state store.
//!
//! Rows come out of records alone ([`tell::rows`]), so that a replay of the log writes the same ones, and each is
//! written without reading another. A list of them is put together when somebody asks ([`read`]). Nothing stays in a
//! shard's memory.

pub(crate) mod read;
pub(crate) mod row;
pub(crate) mod tell;

use fleet::{EventId, UtcMicros};

/// What is kept under numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// A monitor of a variable (2.x N).
    Monitor,
    /// A message on a display (2.x O).
    DisplayMessage,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemView {
    /// The station's number of it.
    pub id: i64,
    /// A JSON object: `VariableMonitoringType` with its `component` and `variable`, or `MessageInfoType`.
    pub json: String,
    /// When it was told.
    pub as_of: UtcMicros,
    /// By which record.
    pub position: EventId,
}
