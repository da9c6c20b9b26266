//! The memory of queries, handed out in portions that can be sorted and written away in a moment, to queries that go on.
//!
//! An operator that may spill does so when it gets no more memory, and then works through what it holds, part of it
//! without a yield: of a gigabyte that takes seconds. While it sorts and merges it asks for memory, batch by batch, and
//! is refused once its query has ended.

use std::fmt;
use std::sync::Arc;

use datafusion::common::Result as DataFusionResult;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

use super::stoppable::End;

/// The most that one sort holds before it spills, in bytes.
const SORT_PORTION: usize = 64 << 20;
/// The most that any other operator holds before it spills. Groups are more than their rows: after a spill they come
/// together again, and must fit.
const PORTION: usize = 256 << 20;

/// The memory of one query: a part of `pool`.
#[derive(Debug)]
struct Portions {
    pool: Arc<dyn MemoryPool>,
    end: End,
}

/// `pool` for one query.
pub(super) fn until(end: &End, pool: &Arc<dyn MemoryPool>) -> Arc<dyn MemoryPool> {
    Arc::new(Portions {
        pool: Arc::clone(pool),
        end: end.clone(),
    })
}

impl fmt::Display for Portions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pool.fmt(f)
    }
}

impl MemoryPool for Portions {
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
        self.end.check()?;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use datafusion::execution::runtime_env::RuntimeEnvBuilder;

    use super::*;
    use crate::sql::SqlError;

    #[test]
    fn memory_is_refused_beyond_a_portion_and_after_the_end() {
        let env = RuntimeEnvBuilder::new().build().unwrap();
        let end = End::after(Duration::from_secs(3_600), Arc::default());
        let pool = until(&end, &env.memory_pool);
        let sort = MemoryConsumer::new("ExternalSorter[0]").with_can_spill(true);
        let sort = sort.register(&pool);
        sort.try_grow(SORT_PORTION).unwrap();
        let error = sort.try_grow(1).unwrap_err();
        assert!(matches!(error, DataFusionError::ResourcesExhausted(_)));
        let table = MemoryConsumer::new("HashJoinInput").register(&pool);
        table.try_grow(PORTION + 1).unwrap();

        sort.free();
        end.given_up.cancel();
        for reservation in [sort, table] {
            let error = reservation.try_grow(1).unwrap_err();
            assert!(matches!(SqlError::running(&error), SqlError::Cancelled));
        }
    }
}
