//! The stations of a shard: by index for sockets, by key for questions, in order for lists.

use std::collections::BTreeMap;
use std::ops::{Bound, Index, IndexMut};

use fleet::StationKey;
use net::driver::ConnId;
use ocpp::Instant;

use super::commands::{StartWait, StopWait};
use crate::state::StationState;

/// A station and what only lives as long as this process.
pub(crate) struct Station {
    pub(crate) state: StationState,
    /// Its live connection.
    pub(crate) conn: Option<ConnId>,
    /// Changed since its row was last written.
    pub(crate) dirty: bool,
    /// Records since its newest time moved on, that one with them; saturating, and unknown after a start.
    pub(crate) since_newest: u8,
    /// Commands between their making and their end.
    pub(crate) commands_open: u16,
    pub(crate) side: Option<Box<Side>>,
}

/// What few stations have.
#[derive(Default)]
pub(crate) struct Side {
    /// Operators that wait for a transaction to begin, and tokens they sent.
    pub(crate) starts: Vec<StartWait>,
    /// Operators that wait for one to end.
    pub(crate) stops: Vec<StopWait>,
    /// When its connection was taken over from one that was in use.
    pub(crate) swaps: Vec<Instant>,
}

impl Station {
    pub(crate) fn side_mut(&mut self) -> &mut Side {
        self.side.get_or_insert_default()
    }
}

/// They are never removed: what is deleted keeps its counter and its newest retry keys.
#[derive(Default)]
pub(crate) struct Stations {
    slab: Vec<Station>,
    by_key: BTreeMap<StationKey, u32>,
}

impl Stations {
    pub(crate) fn insert(&mut self, state: StationState) -> u32 {
        let station = self.slab.len() as u32;
        let before = self.by_key.insert(state.key.clone(), station);
        assert!(before.is_none(), "a station is inserted once");
        self.slab.push(Station {
            state,
            conn: None,
            dirty: false,
            since_newest: u8::MAX,
            commands_open: 0,
            side: None,
        });
        station
    }

    /// The station, made if need be.
    pub(crate) fn entry(&mut self, key: &StationKey) -> u32 {
        match self.find(key) {
            Some(station) => station,
            None => self.insert(StationState::new(key.clone())),
        }
    }

    pub(crate) fn find(&self, key: &StationKey) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    /// Those after `after`, by key.
    pub(crate) fn after(
        &self,
        after: Option<&StationKey>,
    ) -> impl Iterator<Item = (&StationKey, &Station)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.by_key.range::<StationKey, _>((from, Bound::Unbounded));
        range.map(|(key, station)| (key, &self[*station]))
    }

    pub(crate) fn all(&self) -> std::ops::Range<u32> {
        0..self.slab.len() as u32
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Station> {
        self.slab.iter()
    }
}

impl Index<u32> for Stations {
    type Output = Station;

    fn index(&self, station: u32) -> &Station {
        &self.slab[station as usize]
    }
}

impl IndexMut<u32> for Stations {
    fn index_mut(&mut self, station: u32) -> &mut Station {
        &mut self.slab[station as usize]
    }
}
