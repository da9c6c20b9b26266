//! What the state store and the logs say together, before a shard starts.
//!
//! The store holds rows and the position they reflect; the logs hold what came after. Both are read on one thread,
//! station by station through the same fold that runs live, and what the logs added is written back before anything
//! connects. So every shard starts with a clean projection, and stations may have moved between shards since.
//!
//! A record that passed its sums and cannot be read stops the start if state may hang on it, and is put [`aside`] if
//! none does.

mod aside;
mod stored;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use fleet::record::{CommandChanged, CommandState};
use fleet::wire::{Body, Fact, WireError};
use fleet::{EventId, LogId, Seq, StationKey};
use storage::log::{LogError, LogReader};
use storage::state::{Durability, StateBatch, StateError, StateStore, Table};

use crate::config::Plausibility;
use crate::shard::{Projection, read_record_row, reservation_ends as ends};
use crate::state::{RowError, StationState};
use aside::Aside;
pub use stored::stored_stations;

/// Bytes of rows that are gathered before they are written.
const HELD_LEN_MAX: usize = 32 << 20;

/// Why store and logs cannot be brought together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The store's own error.
    #[error("replaying logs into the state store")]
    Store(#[from] StateError),
    /// A log's own error.
    #[error("replaying log {log}")]
    Log {
        /// The log.
        log: LogId,
        /// What it said.
        #[source]
        source: LogError,
    },
    /// A record that passed its sums, may change state, and cannot be read: a newer program wrote it.
    #[error(
        "replaying log {log}: record {}, in the block at offset {offset} of {}, may change state and cannot be read; \
         start the version that wrote it, or restore a backup",
        seq.0,
        file.display()
    )]
    Record {
        /// The log.
        log: LogId,
        /// The record.
        seq: Seq,
        /// The segment that holds it.
        file: PathBuf,
        /// Where its block begins there.
        offset: u64,
        /// What is wrong with it.
        #[source]
        source: WireError,
    },
    /// A record that cannot be read and changes no state, and could not be kept.
    #[error("keeping a record that cannot be read in {}", path.display())]
    Aside {
        /// Where it was to lie.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: std::io::Error,
    },
    /// A row that cannot be read.
    #[error("reading the stations of the state store: {detail}")]
    Row {
        /// Which, and what is wrong with it.
        detail: String,
    },
}

impl From<RowError> for ReplayError {
    fn from(error: RowError) -> Self {
        Self::Row {
            detail: error.to_string(),
        }
    }
}

/// What one shard starts with.
#[derive(Default)]
pub(crate) struct Share {
    pub(crate) states: Vec<StationState>,
    /// Commands that the last run left without an answer.
    pub(crate) commands: Vec<(StationKey, CommandChanged)>,
    /// When reservations that are not over end, UTC microseconds.
    pub(crate) reservation_ends: Vec<(StationKey, i64)>,
    /// Stations that have a row of their smart charging.
    pub(crate) charging: Vec<StationKey>,
}

/// All stations of a data directory, and what the last run left open.
pub(crate) struct Replay {
    stations: Vec<StationState>,
    by_key: HashMap<StationKey, u32>,
    dirty: Vec<bool>,
    projection: Projection,
    commands: BTreeMap<[u8; 16], (StationKey, CommandChanged)>,
    reservation_ends: BTreeMap<StationKey, Vec<i64>>,
    charging: BTreeSet<StationKey>,
    rules: Plausibility,
    aside: Aside,
}

impl Replay {
    /// What the store alone says. Records that have to be passed by go to `aside`, a directory.
    pub(crate) fn load(
        store: &StateStore,
        rules: Plausibility,
        aside: PathBuf,
    ) -> Result<Self, ReplayError> {
        let mut replay = Self {
            stations: Vec::new(),
            by_key: HashMap::new(),
            dirty: Vec::new(),
            projection: Projection::default(),
            commands: BTreeMap::new(),
            reservation_ends: BTreeMap::new(),
            charging: BTreeSet::new(),
            rules,
            aside: Aside::new(aside),
        };
        for row in store.scan(Table::Stations, b"", b"") {
            let (key, value) = row?;
            let key = std::str::from_utf8(&key)
                .ok()
                .and_then(|key| StationKey::parse(key).ok());
            let key = key.ok_or_else(|| ReplayError::Row {
                detail: "a row has no station key".into(),
            })?;
            replay.insert(StationState::from_row(key, &value)?);
        }
        for row in store.scan(Table::Commands, b"", b"") {
            let (_, value) = row?;
            if let Some((_, record)) = read_record_row(&value)
                && let Ok(key) = record.station_key()
                && let Ok(Fact::CommandChanged(command)) = record.body.to_fact()
            {
                replay.note_command(key, command);
            }
        }
        for row in store.scan(Table::ChargingProfiles, b"", b"") {
            let (_, value) = row?;
            if let Some((_, record)) = read_record_row(&value)
                && let Ok(key) = record.station_key()
            {
                replay.charging.insert(key);
            }
        }
        for row in store.scan(Table::Reservations, b"", b"") {
            let (_, value) = row?;
            if let Some((_, record)) = read_record_row(&value)
                && let Ok(key) = record.station_key()
                && let Body::ReservationsChanged(changed) = record.body
            {
                replay.reservation_ends.insert(key, ends(changed));
            }
        }
        Ok(replay)
    }

    fn insert(&mut self, state: StationState) -> u32 {
        let station = self.stations.len() as u32;
        self.by_key.insert(state.key.clone(), station);
        self.stations.push(state);
        self.dirty.push(false);
        station
    }

    fn note_command(&mut self, key: StationKey, command: CommandChanged) {
        match CommandState::from_code(command.state) {
            Some(CommandState::Queued | CommandState::Sent) => {
                self.commands.insert(command.command_id, (key, command));
            }
            _ => {
                self.commands.remove(&command.command_id);
            }
        }
    }

    /// Adds what a log holds after the position of the store, and writes it back.
    pub(crate) fn read(
        &mut self,
        store: &StateStore,
        log: LogId,
        reader: &mut LogReader,
    ) -> Result<Seq, ReplayError> {
        let log_error = |source| ReplayError::Log { log, source };
        let mut last = store.position(log).unwrap_or(Seq(reader.position().0));
        if store.position(log).is_some() {
            reader.seek(Seq(last.0 + 1));
        }
        while let Some((seq, bytes)) = reader.next().map_err(log_error)? {
            let read =
                fleet::wire::read(bytes).and_then(|record| Ok((record.station_key()?, record)));
            let (key, record) = match read {
                Ok(read) => read,
                Err(source) if aside::changes_no_state(bytes) => {
                    let bytes = bytes.to_vec();
                    let (file, offset) = reader.place();
                    tracing::warn!(
                        %log, record = seq.0, file = %file.display(), offset, error = %source,
                        "a record changes no state and cannot be read: passed by"
                    );
                    self.aside.put(EventId { log_id: log, seq }, &bytes)?;
                    last = seq;
                    continue;
                }
                Err(source) => {
                    let (file, offset) = reader.place();
                    return Err(ReplayError::Record {
                        log,
                        seq,
                        file,
                        offset,
                        source,
                    });
                }
            };
            let event = EventId { log_id: log, seq };
            let station = match self.by_key.get(&key) {
                Some(station) => *station,
                None => self.insert(StationState::new(key.clone())),
            };
            self.stations[station as usize].apply(event, &record, &self.rules);
            self.projection.note(event, &record, bytes);
            let changed = !matches!(record.body, Body::Message(_));
            if changed && !std::mem::replace(&mut self.dirty[station as usize], true) {
                self.projection.dirty(seq, station);
            }
            if let Body::ChargingChanged(_) = record.body {
                self.charging.insert(key.clone());
            }
            if let Body::CommandChanged(_) = record.body
                && let Ok(Fact::CommandChanged(command)) = record.body.to_fact()
            {
                self.note_command(key, command);
            } else if let Body::ReservationsChanged(changed) = record.body {
                self.reservation_ends.insert(key, ends(changed));
            }
            last = seq;
            if HELD_LEN_MAX < self.projection.len() {
                self.write_back(store, log, last)?;
            }
        }
        self.write_back(store, log, last)?;
        Ok(last)
    }

    /// Writes what the log added so far, up to `last`.
    fn write_back(&mut self, store: &StateStore, log: LogId, last: Seq) -> Result<(), ReplayError> {
        // A log may have added nothing but its position.
        let mut more = store.position(log).is_none_or(|position| position < last);
        while more {
            let (stations, dirty) = (&self.stations, &mut self.dirty);
            let (rows, position) = self.projection.batch(last, |station| {
                dirty[station as usize] = false;
                let state = &stations[station as usize];
                (state.key.as_str().as_bytes().to_vec(), state.to_row())
            });
            let mut batch = StateBatch::default();
            rows.into_iter()
                .for_each(|(table, key, value)| batch.put(table, key, value));
            store.apply(batch, Some((log, position)), Durability::Buffered)?;
            self.projection.stored(position);
            more = !self.projection.is_empty();
        }
        Ok(())
    }

    /// Records that were passed by.
    pub(crate) fn passed_by(&self) -> u64 {
        self.aside.found()
    }

    /// Hands every station to its shard, with its open commands.
    pub(crate) fn split(self, shards: usize) -> Vec<Share> {
        let mut split: Vec<Share> = (0..shards).map(|_| Share::default()).collect();
        for state in self.stations {
            let home = state.key.partition().shard(shards);
            split[home].states.push(state);
        }
        for (key, command) in self.commands.into_values() {
            let home = key.partition().shard(shards);
            split[home].commands.push((key, command));
        }
        for key in self.charging {
            let home = key.partition().shard(shards);
            split[home].charging.push(key);
        }
        for (key, ends) in self.reservation_ends {
            let share = &mut split[key.partition().shard(shards)];
            let ends = ends.into_iter().map(|ends_at| (key.clone(), ends_at));
            share.reservation_ends.extend(ends);
        }
        split
    }
}

#[cfg(test)]
mod tests;
