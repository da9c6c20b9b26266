//! The memory of queries, handed out in portions that can be sorted and written away in a moment.
//!
//! An operator that may spill does so when it gets no more memory, and then works through what it holds, part of it in
//! one step: of a gigabyte that takes seconds, in which nobody can end its query.

use std::fmt;

use datafusion::common::Result as DataFusionResult;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// The most that one sort holds before it spills, in bytes.
const SORT_PORTION: usize = 64 << 20;
/// The most that any other operator holds before it spills. Groups are more than their rows: after a spill they come
/// together again, and must fit.
const PORTION: usize = 256 << 20;

#[derive(Debug)]
pub(super) struct Portions<P> {
    pub(super) pool: P,
}

impl<P: fmt::Display> fmt::Display for Portions<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pool.fmt(f)
    }
}

impl<P: MemoryPool> MemoryPool for Portions<P> {
    fn name(&self) -> &str {
        self.pool.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.pool.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.pool.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.pool.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> DataFusionResult<()> {
        let wanted = reservation.size().saturating_add(additional);
        let consumer = reservation.consumer();
        let portion = if consumer.name().starts_with("ExternalSorter") {
            SORT_PORTION
        } else {
            PORTION
        };
        if consumer.can_spill() && portion < wanted {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "{} wants {wanted} bytes at once, at most {portion} are handed out",
                consumer.name()
            )));
        }
        self.pool.try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.pool.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.pool.memory_limit()
    }
}
