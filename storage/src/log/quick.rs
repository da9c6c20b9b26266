//! Which thread commits: the shard's own, while the disk is quick, or the committer's.
//!
//! Handing a batch to another thread and hearing back costs two wake-ups, several times what a quick disk needs for
//! the commit itself. Committing on the shard's thread costs neither, but stops its sockets for as long as the disk
//! takes. So the shard commits by itself only after many commits in a row were quick, and stops at the first that
//! is not: a disk that turns slow or hangs holds the shard up once.

use std::time::Duration;

/// How quick the last commits were, on whichever thread.
#[derive(Debug)]
pub(super) struct Quick {
    /// The longest that counts as quick; zero when none does.
    bound: Duration,
    /// Quick commits in a row that it takes, at least one.
    after: u32,
    in_a_row: u32,
}

impl Quick {
    pub(super) fn new(bound: Duration, after: u32) -> Self {
        Self {
            bound,
            after: after.max(1),
            in_a_row: 0,
        }
    }

    /// A commit took `took`.
    pub(super) fn record(&mut self, took: Duration) {
        self.in_a_row = if took <= self.bound {
            self.in_a_row.saturating_add(1)
        } else {
            0
        };
    }

    /// A commit failed.
    pub(super) fn forget(&mut self) {
        self.in_a_row = 0;
    }

    /// True when the next commit can be expected to be quick.
    pub(super) fn is_quick(&self) -> bool {
        !self.bound.is_zero() && self.after <= self.in_a_row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_micros(200);

    #[test]
    fn many_quick_commits_make_a_quick_disk_and_one_slow_one_ends_that() {
        let mut quick = Quick::new(BOUND, 3);
        for _ in 0..2 {
            quick.record(BOUND);
            assert!(!quick.is_quick());
        }
        quick.record(BOUND);
        assert!(quick.is_quick());
        quick.record(BOUND + Duration::from_nanos(1));
        for _ in 0..3 {
            assert!(!quick.is_quick());
            quick.record(Duration::ZERO);
        }
        assert!(quick.is_quick());
        quick.forget();
        assert!(!quick.is_quick());
    }

    #[test]
    fn a_disk_that_nothing_is_known_of_is_not_quick() {
        let mut quick = Quick::new(BOUND, 0);
        assert!(!quick.is_quick());
        quick.record(BOUND);
        assert!(quick.is_quick());
    }

    #[test]
    fn a_bound_of_zero_means_never() {
        let mut quick = Quick::new(Duration::ZERO, 0);
        quick.record(Duration::ZERO);
        assert!(!quick.is_quick());
    }
}
