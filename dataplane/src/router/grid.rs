//! DER controls, event streams and battery swaps of stations.

use fleet::record::{BatterySwap, DerAlarm, DerControlHeld, EventStreamHeld};
use fleet::{StationKey, UtcMicros};

use super::pending::Pending;
use super::{Ask, Router};
pub use crate::grid::der::DerControlState;

/// DER controls and alarms of a station, as far as it accepted or told them.
#[derive(Clone, Debug, PartialEq)]
pub struct DerView {
    /// In the order in which they came to be known.
    pub controls: Vec<DerControlView>,
    /// The newest 64, oldest first.
    pub alarms: Vec<DerAlarm>,
    /// True when the station has more controls than are kept.
    pub is_partial: bool,
}

/// A DER control.
#[derive(Clone, Debug, PartialEq)]
pub struct DerControlView {
    /// What is known of it.
    pub held: DerControlHeld,
    /// How it stands now.
    pub state: DerControlState,
}

/// A periodic event stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventStreamView {
    /// What is known of it.
    pub held: EventStreamHeld,
    /// What it said; `None` while it has said nothing since this process began.
    pub heard: Option<StreamHeard>,
}

/// What a stream said since this process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamHeard {
    /// Messages.
    pub messages: u64,
    /// Values in them.
    pub values: u64,
    /// Values that the station has and did not send yet, by its newest message.
    pub pending: i64,
    /// When that came.
    pub at: UtcMicros,
}

impl Router {
    /// The DER controls of a station and its alarms; `None` when nobody has heard of the station.
    pub fn der(&self, key: StationKey) -> Pending<Option<DerView>> {
        self.ask(key.partition(), |reply| Ask::Der { key, reply })
    }

    /// The periodic event streams that a station has open, by their numbers; `None` when nobody has heard of the station.
    pub fn event_streams(&self, key: StationKey) -> Pending<Option<Vec<EventStreamView>>> {
        self.ask(key.partition(), |reply| Ask::EventStreams { key, reply })
    }

    /// The newest battery swaps of a station, 64 at most, the one that changed last at the end; `None` when nobody has heard
    /// of the station.
    pub fn battery_swaps(&self, key: StationKey) -> Pending<Option<Vec<BatterySwap>>> {
        self.ask(key.partition(), |reply| Ask::BatterySwaps { key, reply })
    }
}
