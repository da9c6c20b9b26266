//! The thread that writes shard state into the store.

use fleet::Seq;

use super::{StateBatch, StateStore};
use crate::log::LogHandle;

/// Rows that reflect a log up to a record.
#[derive(Debug)]
pub struct Projection {
    /// The rows.
    pub batch: StateBatch,
    /// The log they come from.
    pub log: LogHandle,
    /// The newest record they reflect; it is durable.
    pub up_to: Seq,
}

/// Why a projection was not taken; it is handed back.
#[derive(Debug)]
pub enum SubmitError {
    /// The queue is full: keep the rows dirty and submit later.
    Full(Projection),
    /// The store has failed and takes nothing until a restart.
    Failed(Projection),
}

/// Owns the writer's thread.
#[derive(Debug)]
pub struct Projector {}

/// Submits to a [`Projector`]; never blocks.
#[derive(Clone, Debug)]
pub struct ProjectorHandle {}

impl Projector {
    /// Starts the writer in front of `store`, with room for `queue_len_max` projections.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn spawn(store: StateStore, queue_len_max: usize) -> std::io::Result<Self> {
        let _ = (store, queue_len_max);
        todo!()
    }

    /// What shards submit to.
    pub fn handle(&self) -> ProjectorHandle {
        todo!()
    }

    /// Writes what was submitted and ends the thread.
    ///
    /// # Errors
    ///
    /// What the store said when it failed.
    pub fn shutdown(self) -> Result<(), String> {
        todo!()
    }
}

impl ProjectorHandle {
    /// Hands rows to the writer. After they are stored and synced, the log is released for
    /// [`crate::log::Consumer::State`] up to the same record.
    ///
    /// # Errors
    ///
    /// [`SubmitError`], with the projection.
    #[expect(
        clippy::result_large_err,
        reason = "the rows go back to the shard, which keeps them"
    )]
    pub fn submit(&self, projection: Projection) -> Result<(), SubmitError> {
        let _ = projection;
        todo!()
    }

    /// What the store said when it failed.
    pub fn failure(&self) -> Option<String> {
        todo!()
    }
}
