//! What a station has to say, before it is words of any version.

use ocpp::{Instant, Version};

use crate::charge::Reading;
use crate::truth::Kind;

/// A connector's status in the words of 1.6, of which 2.0.1 keeps a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nobody is here.
    Available,
    /// A vehicle is plugged in and takes nothing yet.
    Preparing,
    /// A transaction runs.
    Charging,
    /// The transaction is over, the vehicle is still here.
    Finishing,
    /// Out of service by command.
    Unavailable,
}

impl Status {
    /// The word on the wire.
    pub fn as_str(self, version: Version) -> &'static str {
        match (self, version) {
            (Status::Available, _) => "Available",
            (Status::Unavailable, _) => "Unavailable",
            (
                Status::Preparing | Status::Charging | Status::Finishing,
                Version::V201 | Version::V21,
            ) => "Occupied",
            (Status::Preparing, Version::V16) => "Preparing",
            (Status::Charging, Version::V16) => "Charging",
            (Status::Finishing, Version::V16) => "Finishing",
        }
    }
}

/// Why a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The driver showed the card again.
    Local,
    /// The CSMS asked for it.
    Remote,
    /// The CSMS refused the card.
    DeAuthorized,
    /// The station restarts at once.
    HardReset,
    /// The station restarts in order.
    SoftReset,
    /// The CSMS asked to release the cable.
    UnlockCommand,
}

/// Why a sample was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampled {
    /// The interval passed.
    Periodically,
    /// The CSMS triggered it.
    OnTrigger,
}

/// Names a transaction at its station: the EVSE and how many came before it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transaction {
    /// EVSE, from 1.
    pub evse: u32,
    /// Transactions of this EVSE so far, from 1.
    pub number: u32,
}

/// One message of the station's own accord.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it should leave: latency counts from here.
    pub due: Instant,
    /// The station's clock at that moment, milliseconds of UTC; no two events of a station share one.
    pub at_millis: i64,
    /// The position within the transaction (`seqNo` of 2.0.1, counted alike in 1.6), or among the station's events
    /// outside transactions.
    pub seq: u32,
    /// True when it happened while the station was not connected.
    pub offline: bool,
    /// How often it was sent.
    pub sent: u32,
    /// How often the CSMS answered it with an error.
    pub refused: u32,
    /// What happened.
    pub body: Body,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// The station started.
    Boot {
        /// `BootReasonEnumType` of 2.0.1.
        reason: &'static str,
    },
    /// Nothing happened for a while.
    Heartbeat,
    /// Somebody showed a card.
    Authorize {
        /// At which EVSE.
        evse: u32,
        /// The card.
        token: String,
    },
    /// A connector changed.
    Status {
        /// EVSE; 0 is the whole station (1.6 only).
        evse: u32,
        /// What it is now.
        status: Status,
    },
    /// A transaction began.
    Start {
        /// Which.
        transaction: Transaction,
        /// The card.
        token: String,
        /// The meter then; a whole number of watt-hours, because 1.6 has no finer one.
        reading: Reading,
        /// The CSMS' number of this start, if it asked for it (2.0.1).
        remote_start_id: Option<i64>,
        /// True when the CSMS asked for it.
        remote: bool,
    },
    /// The meter was read.
    Sample {
        /// The transaction.
        transaction: Transaction,
        /// The meter then.
        reading: Reading,
        /// Why.
        why: Sampled,
    },
    /// A transaction ended.
    Stop {
        /// Which.
        transaction: Transaction,
        /// The card.
        token: String,
        /// The meter then; a whole number of watt-hours.
        reading: Reading,
        /// Why.
        reason: StopReason,
    },
}

impl Body {
    /// The action that carries it.
    pub fn action(&self, version: Version) -> &'static str {
        match (self, version) {
            (Body::Boot { .. }, _) => "BootNotification",
            (Body::Heartbeat, _) => "Heartbeat",
            (Body::Authorize { .. }, _) => "Authorize",
            (Body::Status { .. }, _) => "StatusNotification",
            (Body::Start { .. }, Version::V16) => "StartTransaction",
            (Body::Sample { .. }, Version::V16) => "MeterValues",
            (Body::Stop { .. }, Version::V16) => "StopTransaction",
            (
                Body::Start { .. } | Body::Sample { .. } | Body::Stop { .. },
                Version::V201 | Version::V21,
            ) => "TransactionEvent",
        }
    }

    /// How the truth file calls it; `None` for what leaves no trace that could be counted.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Body::Boot { .. } => Some(Kind::Boot),
            Body::Status { .. } => Some(Kind::Status),
            Body::Start { .. } => Some(Kind::Start),
            Body::Sample { .. } => Some(Kind::Meter),
            Body::Stop { .. } => Some(Kind::Stop),
            Body::Heartbeat | Body::Authorize { .. } => None,
        }
    }

    /// The transaction it belongs to.
    pub fn transaction(&self) -> Option<Transaction> {
        match self {
            Body::Start { transaction, .. }
            | Body::Sample { transaction, .. }
            | Body::Stop { transaction, .. } => Some(*transaction),
            Body::Boot { .. } | Body::Heartbeat | Body::Authorize { .. } | Body::Status { .. } => {
                None
            }
        }
    }

    /// The register it reports, milliwatt-hours.
    pub fn register_mwh(&self) -> Option<u64> {
        match self {
            Body::Start { reading, .. }
            | Body::Sample { reading, .. }
            | Body::Stop { reading, .. } => Some(reading.register_mwh),
            Body::Boot { .. } | Body::Heartbeat | Body::Authorize { .. } | Body::Status { .. } => {
                None
            }
        }
    }

    /// True for what a station keeps until it is acknowledged; the rest is worth nothing later.
    pub fn is_kept(&self) -> bool {
        match self {
            Body::Status { .. } | Body::Start { .. } | Body::Sample { .. } | Body::Stop { .. } => {
                true
            }
            Body::Boot { .. } | Body::Heartbeat | Body::Authorize { .. } => false,
        }
    }
}
