//! Transaction ids of 1.6: numbers that tell nothing about each other.
//!
//! A sequential id lets any station end another's transaction by guessing it (CVE-2026-28230). Ours is a keyed
//! permutation of a counter per station: never 0, never the same twice, and without the key no more than noise.

use ring::hmac;

const HALF_BITS: u32 = 16;
const HALF_MASK: u32 = (1 << HALF_BITS) - 1;
/// Largest id: a 1.6 transaction id is a signed 32-bit integer to most stations.
const ID_MAX: u32 = i32::MAX as u32;
const ROUNDS: u8 = 4;

/// The permutation of one cluster.
pub(crate) struct TransactionIds {
    key: hmac::Key,
}

impl TransactionIds {
    /// `secret` must stay the same for as long as ids given under it are in use.
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
        }
    }

    /// The id of a station's `counter`-th transaction; 1 to 2^31 − 1. `counter` is 1 to 2^31 − 1.
    pub(crate) fn id(&self, station: &str, counter: u32) -> u32 {
        assert!(0 < counter && counter <= ID_MAX, "a counter of 31 bits");
        // Cycle walking: the permutation of 32 bits, applied until it lands in range, permutes the range.
        let mut id = self.permute(station, counter);
        while id == 0 || ID_MAX < id {
            id = self.permute(station, id);
        }
        id
    }

    /// A balanced Feistel network of four rounds.
    fn permute(&self, station: &str, value: u32) -> u32 {
        let (mut left, mut right) = (value >> HALF_BITS, value & HALF_MASK);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.round(station, round, right));
        }
        left << HALF_BITS | right
    }

    fn round(&self, station: &str, round: u8, half: u32) -> u32 {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&[round]);
        context.update(&half.to_le_bytes());
        context.update(station.as_bytes());
        let tag = context.sign();
        let bytes = tag.as_ref();
        u32::from(bytes[0]) << 8 | u32::from(bytes[1])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_positive_and_never_repeat() {
        let ids = TransactionIds::new(b"secret");
        let given: HashSet<u32> = (1..=5_000).map(|n| ids.id("default/CP1", n)).collect();
        assert_eq!(given.len(), 5_000);
        assert!(given.iter().all(|id| (1..=ID_MAX).contains(id)));
    }

    #[test]
    fn stations_and_clusters_have_ids_of_their_own() {
        let ids = |secret: &[u8], station| {
            (1..=4)
                .map(|n| TransactionIds::new(secret).id(station, n))
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(b"a", "default/CP1"), ids(b"a", "default/CP1"));
        assert_ne!(ids(b"a", "default/CP1"), ids(b"a", "default/CP2"));
        assert_ne!(ids(b"a", "default/CP1"), ids(b"b", "default/CP1"));
    }
}
