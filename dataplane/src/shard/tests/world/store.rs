//! The state store of a script.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{LockResult, Mutex, MutexGuard};

use storage::state::Table;

type RowMap = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// The state store.
#[derive(Default)]
pub(in crate::shard::tests) struct Store {
    rows: Mutex<RowMap>,
    /// It cannot be read.
    pub(super) broken: AtomicBool,
}

impl Store {
    pub(in crate::shard::tests) fn lock(&self) -> LockResult<MutexGuard<'_, RowMap>> {
        self.rows.lock()
    }
}
