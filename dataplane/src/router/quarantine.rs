//! Messages that were kept aside, read again on somebody's word.

use fleet::record::Protocol;
use fleet::{EventId, StationKey, UtcMicros};

use super::pending::Pending;
use super::{Ask, Router};

/// A message that was refused when it came, as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantineReplay {
    /// Whose it is.
    pub station: StationKey,
    /// The record that kept it.
    pub event: EventId,
    /// The version that it is written in.
    pub protocol: Protocol,
    /// The frame.
    pub raw: String,
    /// When it came.
    pub received_at: UtcMicros,
}

/// What became of a message that was read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayOutcome {
    /// It counts from now on.
    Applied,
    /// It was read again before, and counts.
    AppliedBefore,
}

/// Why it still does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayRefused {
    /// Nobody has heard of the station.
    #[error("no such station")]
    UnknownStation,
    /// Today's profile does not read it either.
    #[error("{0}")]
    Unreadable(String),
    /// It reads, and is nothing that may be taken late.
    #[error("{0}")]
    NotApplicable(&'static str),
    /// The log takes no record: it is full, failed or stalled.
    #[error("the log takes no record")]
    LogDown,
}

impl Router {
    /// Reads a message again by the profile that its station has now, and takes it as one that comes late: it changes
    /// history and bills, never what runs, and nobody is answered. Answered once that is durable; a second time changes
    /// nothing.
    pub fn replay(
        &self,
        request: QuarantineReplay,
    ) -> Pending<Result<ReplayOutcome, ReplayRefused>> {
        self.ask(request.station.partition(), |reply| Ask::Replay {
            request,
            reply,
        })
    }
}
