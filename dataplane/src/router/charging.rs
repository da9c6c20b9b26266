//! Smart charging of stations.

use fleet::StationKey;
use fleet::record::{ChargingChanged, V2xChanged};

use super::pending::Pending;
use super::{Ask, Router};
use crate::charging::{ProfileSet, Station};

/// What is known of a station's smart charging.
#[derive(Clone, Debug)]
pub struct ChargingView {
    /// Which station.
    pub key: StationKey,
    /// The station, as far as profiles need it.
    pub station: Station,
    /// Profiles in force: those that it accepted or reported, and external limits.
    pub profiles: ProfileSet,
    /// All that is kept of it, as it was written.
    pub held: ChargingChanged,
    /// What it was told about power from and to vehicles, of transactions that run.
    pub v2x: V2xChanged,
}

impl Router {
    /// The charging profiles of a station, its limits and its vehicles; `None` when nobody has heard of the station.
    pub fn charging(&self, key: StationKey) -> Pending<Option<ChargingView>> {
        self.ask(key.partition(), |reply| Ask::Charging { key, reply })
    }
}
