//! The state store: a projection of shard state on fjall.

use std::path::Path;

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
    /// Keys by which a retry is recognised.
    RetryKeys,
    /// Id tokens.
    Tokens,
    /// Who may call the API.
    Principals,
    /// Commands to stations.
    Commands,
    /// Single values.
    Meta,
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
    /// The engine's own error.
    #[error("state store: {doing}")]
    Store {
        /// What was being done.
        doing: &'static str,
        /// What the engine said.
        #[source]
        source: fjall::Error,
    },
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
#[derive(Clone, Debug)]
pub struct StateStore {}

impl StateStore {
    /// Opens the store in `dir`, or creates it.
    ///
    /// # Errors
    ///
    /// The engine's own.
    pub fn open(dir: &Path) -> Result<Self, StateError> {
        let _ = dir;
        todo!()
    }

    /// The value under `key`. Costs 10 to 100 microseconds when it is not cached.
    ///
    /// # Errors
    ///
    /// The engine's own.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let _ = (table, key);
        todo!()
    }

    /// Rows whose key begins with `prefix` and is not less than `from`, by key.
    pub fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
    ) -> impl Iterator<Item = Result<Row, StateError>> + use<> {
        let _ = (self, table, prefix, from);
        std::iter::empty()
    }

    /// Writes all rows and the position they reflect, or nothing.
    ///
    /// # Errors
    ///
    /// The engine's own; after a failed sync it takes nothing more until a restart.
    pub fn apply(
        &self,
        batch: StateBatch,
        position: Option<(LogId, Seq)>,
        durability: Durability,
    ) -> Result<(), StateError> {
        let _ = (batch, position, durability);
        todo!()
    }

    /// The newest record of `log` that the rows reflect; `None` for a log never applied.
    pub fn position(&self, log: LogId) -> Option<Seq> {
        let _ = log;
        todo!()
    }

    /// Makes everything applied so far durable.
    ///
    /// # Errors
    ///
    /// The engine's own.
    pub fn persist(&self) -> Result<(), StateError> {
        todo!()
    }
}
