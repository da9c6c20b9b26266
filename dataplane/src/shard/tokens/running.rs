//! Transactions that run, by the token that began them, over all shards.
//!
//! How many a token has at one time is a question over all stations, and a station's shard answers it while the station
//! waits. So this is the one thing that shards share and write: a set in stripes, each behind a lock of its own that is
//! taken when a transaction begins, ends or is asked about, or its token changes, never for the messages in between, and held for a look-up.
//!
//! # Consistency
//!
//! A transaction has the place in which it came, given under the lock: of two that begin at the same time in two shards
//! exactly one is the first, so never more than a token may have are let in, and one that was let in stays so whatever
//! comes later. When one ends, those behind it move up. The set is memory alone and follows from the stations' states:
//! a start fills it before the first shard runs, in the order of the transactions' ids, which is that of their
//! beginnings to the millisecond.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fleet::TransactionId;

/// Whose transactions: a hash of tenant and token.
pub(crate) type Owner = [u8; 16];

const STRIPES: usize = 64;

/// See the module.
pub(crate) struct Running([Mutex<Stripe>; STRIPES]);

#[derive(Default)]
struct Stripe {
    /// Places given so far; those of a start have 0.
    given: u64,
    /// In the order in which they came.
    order: BTreeSet<(Owner, u64, TransactionId)>,
    places: HashMap<TransactionId, u64>,
}

impl Default for Running {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Running {
    /// One that ran before the start.
    pub(crate) fn load(&self, owner: Owner, id: TransactionId) {
        self.stripe(owner).insert(owner, 0, id);
    }

    /// One begins; it keeps the place it has.
    pub(crate) fn begin(&self, owner: Owner, id: TransactionId) {
        let mut stripe = self.stripe(owner);
        if !stripe.places.contains_key(&id) {
            stripe.given += 1;
            let place = stripe.given;
            stripe.insert(owner, place, id);
        }
    }

    /// One ends; nothing, if it was not there.
    pub(crate) fn end(&self, owner: Owner, id: TransactionId) {
        let mut stripe = self.stripe(owner);
        if let Some(place) = stripe.places.remove(&id) {
            stripe.order.remove(&(owner, place, id));
        }
    }

    /// True for one of the first `limit` of its owner, and for one that is not here.
    pub(crate) fn is_within(&self, owner: Owner, id: TransactionId, limit: u32) -> bool {
        let stripe = self.stripe(owner);
        let Some(place) = stripe.places.get(&id) else {
            return true;
        };
        let first = (owner, 0, TransactionId([0; 16]));
        let before = stripe.order.range(first..(owner, *place, id));
        before.take(limit as usize).count() < limit as usize
    }

    /// Those of an owner, in the order in which they came.
    pub(crate) fn of(&self, owner: Owner) -> Vec<TransactionId> {
        let stripe = self.stripe(owner);
        let first = (owner, 0, TransactionId([0; 16]));
        let theirs = stripe.order.range(first..);
        let theirs = theirs.take_while(|(whose, ..)| *whose == owner);
        theirs.map(|(_, _, id)| *id).collect()
    }

    fn stripe(&self, owner: Owner) -> MutexGuard<'_, Stripe> {
        let stripe = &self.0[usize::from(owner[0]) % STRIPES];
        // A panic elsewhere leaves a set behind that is whole: every change is one insertion or removal on both sides.
        stripe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a new process begins with.
    #[cfg(test)]
    pub(crate) fn clear(&self) {
        for stripe in &self.0 {
            *stripe.lock().unwrap() = Stripe::default();
        }
    }
}

impl Stripe {
    fn insert(&mut self, owner: Owner, place: u64, id: TransactionId) {
        self.order.insert((owner, place, id));
        self.places.insert(id, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Owner = [1; 16];

    fn id(n: u8) -> TransactionId {
        TransactionId([n; 16])
    }

    #[test]
    fn places_are_given_in_the_order_of_coming_and_move_up() {
        let running = Running::default();
        let within = |limit| [3, 2, 1].map(|n| running.is_within(OWNER, id(n), limit));
        for n in [3, 2, 1, 3] {
            running.begin(OWNER, id(n));
        }
        assert_eq!(within(0), [false, false, false]);
        assert_eq!(within(1), [true, false, false]);
        assert_eq!(within(2), [true, true, false]);
        assert_eq!(within(3), [true, true, true]);
        running.end(OWNER, id(3));
        running.end(OWNER, id(9));
        assert_eq!(within(1), [true, true, false]);
        assert!(running.is_within([2; 16], id(1), 1));
        assert_eq!(running.of(OWNER), [id(2), id(1)]);
        assert_eq!(running.of([0; 16]), []);
    }

    #[test]
    fn those_of_a_start_come_first_by_their_ids() {
        let running = Running::default();
        running.load(OWNER, id(2));
        running.load(OWNER, id(1));
        running.begin(OWNER, id(0));
        let within = [1, 2, 0].map(|n| running.is_within(OWNER, id(n), 1));
        assert_eq!(within, [true, false, false]);
        running.clear();
        assert!(running.is_within(OWNER, id(2), 1));
    }

    #[test]
    fn of_those_that_begin_together_as_many_are_let_in_as_may() {
        let running = Running::default();
        let let_in = std::thread::scope(|scope| {
            let threads = [1_u8, 2, 3, 4].map(|thread| {
                let running = &running;
                scope.spawn(move || {
                    let mine = (0..50).map(|n| TransactionId([thread; 16].map(|b| b * 50 + n)));
                    let begin = |id: &TransactionId| {
                        running.begin(OWNER, *id);
                        running.is_within(OWNER, *id, 7)
                    };
                    mine.filter(begin).count()
                })
            });
            threads.map(|thread| thread.join().unwrap())
        });
        assert_eq!(let_in.iter().sum::<usize>(), 7);
    }
}
