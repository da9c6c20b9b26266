//! The stations of a shard: by index for sockets, by key for questions, in order for lists.

use std::collections::VecDeque;
use std::ops::{Index, IndexMut};

use fleet::StationKey;
use net::driver::ConnId;
use ocpp::Instant;

use super::asked_for::AskedFor;
use super::commands::{StartWait, StopWait};
use super::grid::StreamsHeard;
use super::quirks::{Fit, Kept, MeterWatch};
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
    /// Its quirk profile.
    pub(crate) fit: Fit,
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
    /// When an event told that it had contradicted what is on record.
    pub(crate) conflict_told_at: Option<Instant>,
    /// What its event streams said.
    pub(crate) streams: Option<Box<StreamsHeard>>,
    /// What was kept aside of its messages.
    pub(crate) kept: Kept,
    /// When answers may leave again that its profile holds back.
    pub(crate) answers_from: Option<Instant>,
    /// Transactions that are to send meter values.
    pub(crate) meter_watches: Vec<MeterWatch>,
    /// What it may say while it waits for approval.
    pub(crate) asked_for: AskedFor,
    /// The store has said that it has no remote start with limits whose transaction has not begun.
    pub(crate) has_no_limited_start: bool,
    /// The store could not be read when the limits of its transactions were taken up.
    pub(crate) has_unread_limits: bool,
}

impl Station {
    pub(crate) fn side_mut(&mut self) -> &mut Side {
        self.side.get_or_insert_default()
    }

    /// Leaves in memory what a station at rest needs, which is no retry key: the state store has them for as long as they count,
    /// and is asked about whatever is not newer than the station's newest message.
    pub(crate) fn rest(&mut self) {
        self.state.pack();
        if self.state.is_packed() {
            self.since_newest = u8::MAX;
        }
    }
}

const _: () = assert!(size_of::<Station>() <= 120);

/// They are never removed: what is deleted keeps its counter.
#[derive(Default)]
pub(crate) struct Stations {
    slab: Vec<Station>,
    /// All of them in the order of their keys, which stand in the slab alone. A restart brings them in this order;
    /// one that comes in between moves four bytes for each behind it, some ten microseconds among 100,000.
    by_key: Vec<u32>,
    /// Those whose details lie open, each once, in the order in which [`Shard::rest`](super::Shard) looks at them.
    awake: VecDeque<u32>,
}

/// Room of a table that begins, in bytes: so many are pages of their own, which cost nothing before something stands in
/// them and all go back when the table moves on. Smaller ones on the way would leave holes between what stays.
const TABLE_LEN_MIN: usize = 1 << 20;

/// Room for one more. A table grows by an eighth, and not by as much as it holds: what it has room for is memory that nobody uses.
pub(super) fn grow<T>(table: &mut Vec<T>) {
    if table.len() == table.capacity() {
        table.reserve_exact((table.len() / 8).max(TABLE_LEN_MIN / size_of::<T>()));
    }
}

impl Stations {
    pub(crate) fn insert(&mut self, state: StationState) -> u32 {
        let station = self.slab.len() as u32;
        let is_last = self
            .by_key
            .last()
            .is_none_or(|last| self[*last].state.key < state.key);
        let at = if is_last {
            self.by_key.len()
        } else {
            self.position(&state.key)
                .expect_err("a station is inserted once")
        };
        grow(&mut self.by_key);
        self.by_key.insert(at, station);
        if !state.is_packed() {
            self.awake.push_back(station);
        }
        grow(&mut self.slab);
        self.slab.push(Station {
            state,
            conn: None,
            dirty: false,
            since_newest: u8::MAX,
            commands_open: 0,
            fit: Fit::default(),
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

    /// Opens the details of a station that is going to change.
    pub(crate) fn wake(&mut self, station: u32) {
        let state = &mut self[station].state;
        if state.is_packed() {
            state.details_mut();
            self.awake.push_back(station);
        }
    }

    /// The next whose details lie open; it is to come back by [`Stations::settle`].
    pub(crate) fn next_awake(&mut self) -> Option<u32> {
        self.awake.pop_front()
    }

    /// Takes back what [`Stations::next_awake`] gave, packed or to be looked at again.
    pub(crate) fn settle(&mut self, station: u32) {
        if !self[station].state.is_packed() {
            self.awake.push_back(station);
        } else if self.awake.is_empty() {
            self.awake = VecDeque::new();
        }
    }

    /// Number of those whose details lie open.
    pub(crate) fn awake_len(&self) -> usize {
        self.awake.len()
    }

    pub(crate) fn find(&self, key: &StationKey) -> Option<u32> {
        let at = self.position(key).ok()?;
        Some(self.by_key[at])
    }

    /// Where the station stands in the order of keys, or where it would.
    fn position(&self, key: &StationKey) -> Result<usize, usize> {
        self.by_key
            .binary_search_by(|station| self[*station].state.key.cmp(key))
    }

    /// Those after `after`, by key.
    pub(crate) fn after(
        &self,
        after: Option<&StationKey>,
    ) -> impl Iterator<Item = (&StationKey, &Station)> {
        let from = after.map_or(0, |after| match self.position(after) {
            Ok(at) => at + 1,
            Err(at) => at,
        });
        self.by_key[from..].iter().map(|station| {
            let station = &self[*station];
            (&station.state.key, station)
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn key(identity: &str) -> StationKey {
        StationKey::new("default", identity).unwrap()
    }

    #[test]
    fn stations_are_listed_by_key_however_they_come() {
        let mut stations = Stations::default();
        let identities = ["c", "a", "e", "b", "d"];
        let indices = identities.map(|identity| stations.entry(&key(identity)));
        assert_eq!(indices, [0, 1, 2, 3, 4]);
        assert_eq!(
            identities.map(|identity| stations.entry(&key(identity))),
            indices
        );
        assert_eq!(stations.find(&key("bb")), None);
        let after = |identity: Option<&str>| {
            let key = identity.map(key);
            let listed = stations.after(key.as_ref());
            listed
                .map(|(key, _)| key.identity().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(after(None), ["a", "b", "c", "d", "e"]);
        assert_eq!(after(Some("b")), ["c", "d", "e"]);
        assert_eq!(after(Some("bb")), ["c", "d", "e"]);
        assert_eq!(after(Some("e")), [""; 0]);
    }
}
