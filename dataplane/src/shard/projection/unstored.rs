//! Rows that the state store may not have yet, in the order in which they were made, the newest of each key at hand.
//!
//! # Invariants
//!
//! - `newest` names for each key the last of its entries, by its number since the beginning; `gone` entries have left.
//! - The first `handed` entries are on their way to the store, the others are not.

use std::borrow::Borrow;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use fleet::Seq;

use super::give_back;

/// See the module. A shard looks here before it asks the store, so a look must not take longer the more there is.
pub(super) struct Unstored<K> {
    entries: VecDeque<(Seq, K, Vec<u8>)>,
    handed: usize,
    gone: u64,
    newest: BTreeMap<K, u64>,
}

impl<K> Default for Unstored<K> {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            handed: 0,
            gone: 0,
            newest: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone> Unstored<K> {
    /// A row that the record `seq` makes.
    pub(super) fn push(&mut self, seq: Seq, key: K, row: Vec<u8>) {
        let number = self.gone + self.entries.len() as u64;
        self.newest.insert(key.clone(), number);
        self.entries.push_back((seq, key, row));
    }

    /// The newest row of a key.
    pub(super) fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&[u8]>
    where
        K: Borrow<Q>,
    {
        self.at(*self.newest.get(key)?)
    }

    /// The newest row of each key from `from` on, in the order of the keys.
    pub(super) fn from<'a, Q: Ord + ?Sized>(
        &'a self,
        from: &Q,
    ) -> impl Iterator<Item = (&'a K, &'a [u8])>
    where
        K: Borrow<Q>,
    {
        let from = (Bound::Included(from), Bound::Unbounded);
        let found = self.newest.range::<Q, _>(from);
        found.filter_map(|(key, number)| Some((key, self.at(*number)?)))
    }

    fn at(&self, number: u64) -> Option<&[u8]> {
        let at = usize::try_from(number.checked_sub(self.gone)?).ok()?;
        self.entries.get(at).map(|(.., row)| &**row)
    }

    /// Hands the next rows over, `len_max` at most: they stay here until they are [`Unstored::stored`].
    pub(super) fn hand_over(&mut self, len_max: usize) -> impl Iterator<Item = (&K, &[u8])> {
        let from = self.handed;
        self.handed = self.entries.len().min(from + len_max);
        let handed = self.entries.range(from..self.handed);
        handed.map(|(_, key, row)| (key, &**row))
    }

    /// The record of the first row that is not on its way.
    pub(super) fn first_waiting(&self) -> Option<Seq> {
        self.entries.get(self.handed).map(|(seq, ..)| *seq)
    }

    /// The store has everything up to `seq`: what was handed over until then leaves, each to `gone`.
    pub(super) fn stored(&mut self, seq: Seq, mut gone: impl FnMut(&K, &[u8])) {
        while 0 < self.handed
            && let Some((_, key, row)) = self.entries.pop_front_if(|(made, ..)| *made <= seq)
        {
            if self.newest.get(&key) == Some(&self.gone) {
                self.newest.remove(&key);
            }
            gone(&key, &row);
            self.handed -= 1;
            self.gone += 1;
        }
    }

    /// Rows in all.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Rows that are not on their way.
    pub(super) fn waiting(&self) -> usize {
        self.entries.len() - self.handed
    }

    /// Gives memory back after a burst.
    pub(super) fn tidy(&mut self) {
        give_back(&mut self.entries);
    }

    pub(super) fn let_go(&mut self) {
        self.entries.shrink_to_fit();
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.entries.capacity()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// As a list that is searched from its end does.
        #[test]
        fn the_newest_row_of_a_key_is_found_until_the_store_has_it(
            steps in proptest::collection::vec((0_u8..4, 0_u8..6), 0..200)
        ) {
            let mut unstored = Unstored::<u8>::default();
            let mut all: Vec<(Seq, u8, Vec<u8>)> = Vec::new();
            let (mut handed, mut seq) = (0, 0_u64);
            for (what, n) in steps {
                match what {
                    0 | 1 => {
                        // One record may make several rows.
                        seq += u64::from(n % 2);
                        let row = vec![what, n, all.len() as u8];
                        unstored.push(Seq(seq), n, row.clone());
                        all.push((Seq(seq), n, row));
                    }
                    2 => {
                        let (from, to) = (handed, all.len().min(handed + usize::from(n)));
                        handed = to;
                        let expected: Vec<_> = all[from..to].iter().map(|(_, k, row)| (*k, row.clone())).collect();
                        let found: Vec<_> = unstored.hand_over(usize::from(n)).map(|(k, row)| (*k, row.to_vec())).collect();
                        prop_assert_eq!(found, expected);
                    }
                    _ => {
                        let until = Seq(seq.saturating_sub(u64::from(n)));
                        let count = all[..handed].iter().take_while(|(made, ..)| *made <= until).count();
                        let mut left = 0;
                        unstored.stored(until, |_, _| left += 1);
                        prop_assert_eq!(left, count);
                        all.drain(..count);
                        handed -= count;
                    }
                }
                prop_assert_eq!((unstored.len(), unstored.waiting()), (all.len(), all.len() - handed));
                prop_assert_eq!(unstored.first_waiting(), all.get(handed).map(|(made, ..)| *made));
                let newest = |key: u8| all.iter().rev().find(|(_, k, _)| *k == key).map(|(.., row)| row.clone());
                for key in 0..6 {
                    prop_assert_eq!(unstored.find(&key).map(<[u8]>::to_vec), newest(key));
                }
                let expected: Vec<_> = (2..6).filter_map(|key| Some((key, newest(key)?))).collect();
                let found: Vec<_> = unstored.from(&2).map(|(k, row)| (*k, row.to_vec())).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
