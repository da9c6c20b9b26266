//! What a shard reads of the state store, on its own thread.
//!
//! A read takes microseconds, and waits for the disk when the kernel has not cached its block, so only what memory cannot
//! tell is asked for. One that fails decides nothing: what hangs on it is refused, and comes again.

use ocpp::{CallError, ErrorCode};
use storage::state::Table;

use super::Shard;
use crate::variables::AttributeKind;
use crate::variables::row::{Content, Name, inventory_key, read_origin, read_row};

/// Reads a row of the state store.
pub(crate) type Lookup =
    Box<dyn Fn(Table, &[u8]) -> Result<Option<Vec<u8>>, StoreUnreadable> + Send>;

/// The state store could not be read; whoever reads it has logged why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoreUnreadable;

impl From<StoreUnreadable> for CallError {
    fn from(StoreUnreadable: StoreUnreadable) -> Self {
        // A station keeps what was answered with an error of ours, and sends it again.
        CallError::new(
            ErrorCode::InternalError,
            "the state store cannot be read, nothing was decided",
        )
    }
}

impl Shard {
    /// A row as the store has it, which may be older than what was made lately.
    pub(super) fn look_up(
        &mut self,
        table: Table,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreUnreadable> {
        let read = (self.lookup)(table, key);
        self.tally.counters.store_reads += 1;
        self.tally.counters.store_reads_failed += u64::from(read.is_err());
        read
    }

    /// The newest record of a transaction or a command, made lately or in the state store.
    pub(super) fn row(
        &mut self,
        table: Table,
        id: [u8; 16],
    ) -> Result<Option<Vec<u8>>, StoreUnreadable> {
        match self.projection.row(table, id) {
            Some(made) => Ok(Some(made.to_vec())),
            None => self.look_up(table, &id),
        }
    }

    /// The newest row of this key in the table of variables, made lately or in the state store.
    pub(super) fn variable_row(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreUnreadable> {
        match self.projection.variable_row(key) {
            Some(made) => Ok(Some(made.to_vec())),
            None => self.look_up(Table::Variables, key),
        }
    }

    /// What a variable of a station is, as far as it is known; a password is not, and what the newest inventory does not
    /// have is gone.
    pub(super) fn variable(
        &mut self,
        station: u32,
        name: &Name,
    ) -> Result<Option<String>, StoreUnreadable> {
        let station = self.stations[station].state.key.clone();
        let Some(key) = name.value_key(&station, AttributeKind::Actual) else {
            return Ok(None);
        };
        let row = self.variable_row(&key)?;
        let (origin, value) = match row.and_then(|row| read_row(&key, &row)) {
            Some((_, origin, Content::Value { value, .. })) => (origin, value),
            Some((_, _, Content::Description { .. })) | None => return Ok(None),
        };
        let inventory = self.variable_row(&inventory_key(&station))?;
        let inventory = inventory.and_then(|row| read_origin(&row));
        let is_gone = inventory.is_some_and(|began| origin.is_before(&began));
        Ok(value.filter(|_| !is_gone))
    }
}
