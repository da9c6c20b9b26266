//! The state store: a projection of shard state on fjall, stored with the log position it reflects.
//!
//! Shards hold live state in memory; what they change goes through a [`Projector`] into this store, a batch of
//! rows and the position in one atomic write. A restart loads the rows and replays the log behind the position.
//! Rows that stand in no log (registrations, principals, tokens) are applied with [`Durability::Sync`].
//!
//! # Layout
//!
//! One fjall keyspace per [`Table`], named as [`Table::name`] says, and `positions`: log id (8 bytes, big-endian)
//! to seq (8 bytes, little-endian). Keys and values of the tables belong to whoever writes them. fjall syncs its
//! journal before it flushes any keyspace, so no position on the disk is ahead of its rows.
//!
//! # A full disk
//!
//! The engine takes nothing more after its first write that fails, until a restart. So nothing is written while less than
//! [`SPACE_MIN`] is free: the [`Projector`] waits, everybody else is refused.
//!
//! # Memory
//!
//! What the store holds is a constant of the process, not a share of every station: [`CACHE_LEN`] of blocks, and rows
//! that wait to be sorted into files, [`WRITE_BUFFER_LEN`]. Those go to files too when a server has just started, and when
//! nothing was written for a while; some seconds later they leave memory.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use fjall::config::{PartitioningPolicy, PinningPolicy};
use fjall::{AbstractTree, Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use fleet::{LogId, Seq};

mod projector;

pub use projector::{Projection, Projector, ProjectorHandle, SubmitError};

/// The tables of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// One row per station.
    Stations,
    /// One row per transaction.
    Transactions,
    /// Keys by which a retry is recognised, of what tells no time; and what earlier versions wrote.
    RetryKeys,
    /// Id tokens.
    Tokens,
    /// Who may call the API.
    Principals,
    /// Commands to stations.
    Commands,
    /// What stations sent after commands.
    FollowUps,
    /// Variables of stations.
    Variables,
    /// Single values.
    Meta,
    /// What is known of a station's reservations.
    Reservations,
    /// Files for stations and from them, and the URLs that lead to them.
    Files,
    /// Charging profiles of stations.
    ChargingProfiles,
    /// One row per station with certificates.
    Certificates,
    /// What is known of a station beside its charging: DER controls, event streams, battery swaps.
    Grid,
    /// One row per transaction that an operator has ended.
    Closings,
    /// Tariffs that somebody put.
    Tariffs,
    /// What transactions cost beside their energy, and the tariffs that stations have.
    Money,
    /// What has not come of transactions.
    Progress,
    /// Keys by which a retry is recognised, of what tells its time, in the order of that: rows of a fleet that tells the time
    /// are written at the end.
    Retries,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 19] = [
        Self::Stations,
        Self::Transactions,
        Self::RetryKeys,
        Self::Tokens,
        Self::Principals,
        Self::Commands,
        Self::FollowUps,
        Self::Variables,
        Self::Meta,
        Self::Reservations,
        Self::Files,
        Self::ChargingProfiles,
        Self::Certificates,
        Self::Grid,
        Self::Closings,
        Self::Tariffs,
        Self::Money,
        Self::Progress,
        Self::Retries,
    ];

    /// Its keyspace on disk.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stations => "stations",
            Self::Transactions => "transactions",
            Self::RetryKeys => "retry_keys",
            Self::Tokens => "tokens",
            Self::Principals => "principals",
            Self::Commands => "commands",
            Self::FollowUps => "follow_ups",
            Self::Variables => "variables",
            Self::Meta => "meta",
            Self::Reservations => "reservations",
            Self::Files => "files",
            Self::ChargingProfiles => "charging_profiles",
            Self::Certificates => "certificates",
            Self::Grid => "grid",
            Self::Closings => "closings",
            Self::Tariffs => "tariffs",
            Self::Money => "money",
            Self::Progress => "progress",
            Self::Retries => "retries",
        }
    }
}

/// When a batch is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When `apply` returns: for what stands in no log.
    Sync,
    /// At the next [`StateStore::persist`]: for what a replay of the log would write again.
    Buffered,
}

/// Why the store refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The engine's own error; after a failed sync every later call has one, until a restart.
    #[error("{doing} the state store")]
    Store {
        /// What was being done.
        doing: &'static str,
        /// What the engine said.
        #[source]
        source: Box<fjall::Error>,
    },
    /// The disk has too little space to write to it safely; nothing was written, and later it may succeed.
    #[error("the disk of the state store has {free} bytes free, expected at least {needed}")]
    NoSpace {
        /// Bytes free.
        free: u64,
        /// Bytes that have to be.
        needed: u64,
    },
    /// A batch reflects less of its log than the store already does; nothing was written.
    #[error(
        "state store reflects log {log} up to {}, a batch that reflects it up to {} is older",
        stored.0,
        found.0
    )]
    PositionBack {
        /// The log.
        log: LogId,
        /// Position in the store.
        stored: Seq,
        /// Position of the batch.
        found: Seq,
    },
    /// A stored position has another form than this program writes.
    #[error("state store has a position of {key_len} and {value_len} bytes, expected 8 and 8")]
    BadPosition {
        /// Bytes of its key.
        key_len: usize,
        /// Bytes of its value.
        value_len: usize,
    },
}

fn store_error(doing: &'static str) -> impl FnOnce(fjall::Error) -> StateError {
    move |source| StateError::Store {
        doing,
        source: Box::new(source),
    }
}

/// Rows to write together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateBatch {
    rows: Vec<(Table, Vec<u8>, Option<Vec<u8>>)>,
}

impl StateBatch {
    /// Writes a row.
    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.rows.push((table, key.into(), Some(value.into())));
    }

    /// Removes a row.
    pub fn remove(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.rows.push((table, key.into(), None));
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// A row of [`StateStore::scan`]: key and value.
pub type Row = (Vec<u8>, Vec<u8>);

/// The store; clones are the same store.
#[derive(Clone)]
pub struct StateStore {
    db: Database,
    tables: [Keyspace; Table::ALL.len()],
    positions: Keyspace,
    /// What `positions` holds. Never locked while the engine is waited for, so that a shard's thread may ask.
    applied: Arc<Mutex<BTreeMap<LogId, Seq>>>,
    /// Locked while a batch with a position is written, so that `applied` and `positions` change together. Locked before
    /// `applied`, and by nobody who must not wait: the engine may take as long as the disk, or never return.
    writing: Arc<Mutex<()>>,
    dir: PathBuf,
    /// Bytes free on the disk of a directory; `None` where the system does not say.
    free_bytes: fn(&Path) -> Option<u64>,
}

/// Blocks of files in memory. Rows are read when a message is older than its station's newest, which is rare; behind
/// this lies the kernel's cache.
const CACHE_LEN: u64 = 256 << 10;
/// Rows that wait in memory, over all tables, before they are sorted into files. Each file that begins or ends is a commit
/// of the filesystem, which stands in the way of the log's: with 1 MiB the answers to 10,000 events/s had three times the
/// p99 of an echo that writes and syncs as much, with 12 MiB once to twice.
const WRITE_BUFFER_LEN: u64 = 12 << 20;
/// A table that holds less stays in memory when the others leave it: a file of its own costs more than it gives back.
const MEMTABLE_LEN_MIN: u64 = 16 << 10;
/// What has to be free on the disk before anything is written: rows that wait go to files without being asked for, and the
/// log writes to the same disk meanwhile.
const SPACE_MIN: u64 = 16 << 20;
const _: () = assert!(WRITE_BUFFER_LEN < SPACE_MIN);
/// The engine's own journals before it flushes tables to drop them.
const JOURNAL_LEN_MAX: u64 = 256 << 20;

impl std::fmt::Debug for StateStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StateStore")
            .field("applied", &*self.applied())
            .finish_non_exhaustive()
    }
}

impl StateStore {
    /// Opens the store in `dir`, or creates it.
    ///
    /// # Errors
    ///
    /// [`StateError::Store`], also when another process has it; [`StateError::BadPosition`].
    pub fn open(dir: &Path) -> Result<Self, StateError> {
        // On a thread that ends: what a journal has left in memory is freed by other threads, and an allocator may keep it
        // for the thread that allocated it until that one allocates again.
        std::thread::scope(|scope| {
            let opening = scope.spawn(|| Self::open_here(dir)).join();
            opening.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn open_here(dir: &Path) -> Result<Self, StateError> {
        let db = Database::builder(dir)
            .max_journaling_size(JOURNAL_LEN_MAX)
            .cache_size(CACHE_LEN)
            .open()
            .map_err(store_error("opening"))?;
        let keyspace = |name| {
            db.keyspace(name, || {
                // The store flushes before a table alone makes the engine do so.
                // Filters and indices stay in memory, 2 to 6 bytes a row: whole ones are read per look-up otherwise,
                // for a block of a megabyte has no place in so small a cache.
                KeyspaceCreateOptions::default()
                    .max_memtable_size(4 * WRITE_BUFFER_LEN)
                    .filter_block_pinning_policy(PinningPolicy::all(true))
                    .filter_block_partitioning_policy(PartitioningPolicy::all(false))
                    .index_block_pinning_policy(PinningPolicy::all(true))
                    .index_block_partitioning_policy(PartitioningPolicy::all(false))
            })
            .map_err(store_error("opening a table of"))
        };
        let opened = Table::ALL.iter().map(|table| keyspace(table.name()));
        let opened: Vec<_> = opened.collect::<Result<_, _>>()?;
        let Ok(tables) = opened.try_into() else {
            unreachable!("there is a keyspace per table");
        };
        let positions = keyspace("positions")?;
        let mut applied = BTreeMap::new();
        for guard in positions.iter() {
            let (key, value) = guard.into_inner().map_err(store_error("reading"))?;
            let (log, seq) = decode_position(&key, &value)?;
            applied.insert(log, seq);
        }
        Ok(Self {
            db,
            tables,
            positions,
            applied: Arc::new(Mutex::new(applied)),
            writing: Arc::default(),
            dir: dir.to_owned(),
            free_bytes,
        })
    }

    /// The value under `key`. Costs half a microsecond when there is none, some 4 when there is one and the kernel has its
    /// block, and what the disk takes otherwise: for a shard's thread only where a message is rare.
    ///
    /// # Errors
    ///
    /// [`StateError::Store`].
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let value = self.table(table).get(key).map_err(store_error("reading"))?;
        Ok(value.map(|v| v.to_vec()))
    }

    /// Rows whose key begins with `prefix` and is not less than `from`, by key, as they are now.
    pub fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
    ) -> impl Iterator<Item = Result<Row, StateError>> + use<> {
        let start = prefix.max(from).to_vec();
        let prefix = prefix.to_vec();
        let range = (Bound::Included(start), Bound::Unbounded);
        self.table(table)
            .range::<Vec<u8>, _>(range)
            .map(|guard| match guard.into_inner() {
                Ok((key, value)) => Ok((key.to_vec(), value.to_vec())),
                Err(e) => Err(store_error("reading")(e)),
            })
            .take_while(move |row| {
                row.as_ref()
                    .map_or(true, |(key, _)| key.starts_with(&prefix))
            })
    }

    /// Writes all rows and the position they reflect, or nothing.
    ///
    /// # Errors
    ///
    /// [`StateError::Store`], [`StateError::PositionBack`], [`StateError::NoSpace`].
    pub fn apply(
        &self,
        batch: StateBatch,
        position: Option<(LogId, Seq)>,
        durability: Durability,
    ) -> Result<(), StateError> {
        self.check_space()?;
        self.write(batch, position, durability)
    }

    /// [`StateError::NoSpace`] while the disk has too little.
    fn check_space(&self) -> Result<(), StateError> {
        match (self.free_bytes)(&self.dir) {
            Some(free) if free < SPACE_MIN => Err(StateError::NoSpace {
                free,
                needed: SPACE_MIN,
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// As [`StateStore::apply`], for who has looked whether there is space.
    fn write(
        &self,
        batch: StateBatch,
        position: Option<(LogId, Seq)>,
        durability: Durability,
    ) -> Result<(), StateError> {
        let mode = match durability {
            Durability::Sync => PersistMode::SyncData,
            Durability::Buffered => PersistMode::Buffer,
        };
        let mut writes = self.db.batch().durability(Some(mode));
        for (table, key, value) in batch.rows {
            match value {
                Some(value) => writes.insert(self.table(table), key, value),
                None => writes.remove(self.table(table), key),
            }
        }
        let Some((log, found)) = position else {
            return writes.commit().map_err(store_error("writing to"));
        };
        let _writing = self.writing();
        let stored = self.position(log).unwrap_or_default();
        if found < stored {
            return Err(StateError::PositionBack { log, stored, found });
        }
        writes.insert(
            &self.positions,
            log.0.to_be_bytes().as_slice(),
            found.0.to_le_bytes().as_slice(),
        );
        writes.commit().map_err(store_error("writing to"))?;
        self.applied().insert(log, found);
        Ok(())
    }

    /// Removes those of `rows` of which `is_over` still holds as they are now. No batch with a position is written meanwhile,
    /// so none of its rows is taken for the one that it replaced.
    ///
    /// # Errors
    ///
    /// [`StateError::Store`], [`StateError::NoSpace`].
    pub fn remove_if<T>(
        &self,
        table: Table,
        rows: &[(Vec<u8>, T)],
        is_over: impl Fn(&T, &[u8]) -> bool,
    ) -> Result<(), StateError> {
        self.check_space()?;
        let _writing = self.writing();
        let mut writes = self.db.batch().durability(Some(PersistMode::Buffer));
        for (key, about) in rows {
            let row = self.get(table, key)?;
            if row.is_some_and(|row| is_over(about, &row)) {
                writes.remove(self.table(table), key.as_slice());
            }
        }
        writes.commit().map_err(store_error("writing to"))
    }

    /// The newest record of `log` that the rows reflect; `None` for a log never applied. Waits for nothing: a shard's thread
    /// may ask at any time.
    pub fn position(&self, log: LogId) -> Option<Seq> {
        self.applied().get(&log).copied()
    }

    /// Forgets the position of a log that was drained and removed.
    ///
    /// # Errors
    ///
    /// [`StateError::Store`], [`StateError::NoSpace`].
    pub fn forget(&self, log: LogId) -> Result<(), StateError> {
        self.check_space()?;
        let _writing = self.writing();
        let mut writes = self.db.batch().durability(Some(PersistMode::SyncData));
        writes.remove(&self.positions, log.0.to_be_bytes().as_slice());
        writes.commit().map_err(store_error("writing to"))?;
        self.applied().remove(&log);
        Ok(())
    }

    /// Makes everything applied so far durable.
    ///
    /// # Errors
    ///
    /// [`StateError::Store`].
    pub fn persist(&self) -> Result<(), StateError> {
        self.db
            .persist(PersistMode::SyncData)
            .map_err(store_error("syncing"))
    }

    /// Has the rows that wait in memory sorted into files, in the background.
    ///
    /// # Errors
    ///
    /// [`StateError::Store`].
    pub fn flush(&self) -> Result<(), StateError> {
        for table in self.tables.iter().chain([&self.positions]) {
            if MEMTABLE_LEN_MIN <= table.tree.active_memtable().size() {
                table.rotate_memtable().map_err(store_error("flushing"))?;
            }
        }
        Ok(())
    }

    /// The same for a store that comes to rest, with the positions, however few: each was written at another time, and so
    /// lies among rows that are to leave.
    fn flush_for_rest(&self) -> Result<(), StateError> {
        self.flush()?;
        self.positions
            .rotate_memtable()
            .map_err(store_error("flushing"))?;
        Ok(())
    }

    /// As [`StateStore::flush`], if they are more than may wait.
    fn flush_if_full(&self) -> Result<(), StateError> {
        // What is on its way to a file is counted until it is there.
        if self.db.write_buffer_size() <= WRITE_BUFFER_LEN || 0 < self.db.outstanding_flushes() {
            return Ok(());
        }
        self.flush()
    }

    /// Has the engine let go of rows that are in files. It keeps them for readers of an earlier state, and looks whether
    /// there are any only when some table is rotated after a later write; at rest there is none. So a position is written
    /// once more, and its table rotated.
    fn let_go(&self) -> Result<(), StateError> {
        let _writing = self.writing();
        let first = self.applied().first_key_value().map(|(l, s)| (*l, *s));
        let Some((log, seq)) = first else {
            return Ok(());
        };
        let mut writes = self.db.batch().durability(Some(PersistMode::Buffer));
        writes.insert(
            &self.positions,
            log.0.to_be_bytes().as_slice(),
            seq.0.to_le_bytes().as_slice(),
        );
        writes.commit().map_err(store_error("writing to"))?;
        self.positions
            .rotate_memtable()
            .map_err(store_error("flushing"))?;
        Ok(())
    }

    /// True while the engine holds rows that are in files, or are on their way there.
    fn keeps_earlier_states(&self) -> bool {
        let tables = &self.tables;
        tables.iter().any(|table| {
            0 < table.tree.version_free_list_len() || 0 < table.tree.sealed_memtable_count()
        })
    }

    fn table(&self, table: Table) -> &Keyspace {
        &self.tables[table as usize]
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing
            .lock()
            .expect("no thread panics while it writes a position")
    }

    fn applied(&self) -> MutexGuard<'_, BTreeMap<LogId, Seq>> {
        self.applied
            .lock()
            .expect("no thread panics while it holds the positions")
    }
}

fn free_bytes(dir: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    Some(disk.f_bavail * disk.f_frsize)
}

fn decode_position(key: &[u8], value: &[u8]) -> Result<(LogId, Seq), StateError> {
    match (key.try_into(), value.try_into()) {
        (Ok(log), Ok(seq)) => Ok((LogId(i64::from_be_bytes(log)), Seq(u64::from_le_bytes(seq)))),
        (Ok(_) | Err(_), _) => Err(StateError::BadPosition {
            key_len: key.len(),
            value_len: value.len(),
        }),
    }
}

#[cfg(test)]
mod tests;
