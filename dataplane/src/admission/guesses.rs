//! Wrong passwords, counted per station and per address. A right one is never refused for the wrong ones before it:
//! passwords are random enough that guessing gains nothing, and a lock would let anyone shut a station out.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

use ocpp::Instant;

/// Wrong passwords that are answered 401 and written to the log, at once and per [`REFILL`]; more are answered 429.
const BURST: u32 = 10;
const REFILL: Duration = Duration::from_secs(6);
/// Names that are remembered; with more of them wrong at once, new ones are not counted apart.
const NAMES_MAX: usize = 8_192;

/// Token buckets of the last wrong passwords.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    by_address: Buckets<IpAddr>,
    by_station: Buckets<Box<str>>,
}

#[derive(Debug)]
struct Buckets<N>(HashMap<N, Bucket>);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: u32,
    refilled_at: Instant,
}

impl<N> Default for Buckets<N> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl Guesses {
    /// Counts a wrong password; false when there were too many from this address or for this station.
    pub(crate) fn wrong(&mut self, now: Instant, address: IpAddr, station: &str) -> bool {
        let by_address = self.by_address.take(now, address);
        let by_station = self.by_station.take(now, station.into());
        by_address && by_station
    }
}

impl<N: Hash + Eq> Buckets<N> {
    fn take(&mut self, now: Instant, name: N) -> bool {
        if NAMES_MAX <= self.0.len() && !self.0.contains_key(&name) {
            self.0.retain(|_, bucket| {
                bucket.refill(now);
                bucket.tokens < BURST
            });
            if NAMES_MAX <= self.0.len() {
                return false;
            }
        }
        let bucket = self.0.entry(name).or_insert(Bucket {
            tokens: BURST,
            refilled_at: now,
        });
        bucket.refill(now);
        let allowed = 0 < bucket.tokens;
        bucket.tokens = bucket.tokens.saturating_sub(1);
        allowed
    }
}

impl Bucket {
    fn refill(&mut self, now: Instant) {
        let tokens = (now - self.refilled_at).as_nanos() / REFILL.as_nanos();
        if 0 < tokens {
            self.tokens = self
                .tokens
                .saturating_add(u32::try_from(tokens).unwrap_or(BURST))
                .min(BURST);
            self.refilled_at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_answered_and_then_one_per_refill() {
        let mut guesses = Guesses::default();
        let address = IpAddr::from([127, 0, 0, 1]);
        let at = |seconds: u64| Instant(seconds * 1_000_000_000);
        let answered = (0..20)
            .filter(|_| guesses.wrong(at(0), address, "default/CP1"))
            .count();
        assert_eq!(answered, BURST as usize);
        assert!(!guesses.wrong(at(5), address, "default/CP1"));
        assert!(guesses.wrong(at(11), address, "default/CP1"));
        assert!(
            !guesses.wrong(at(11), address, "default/CP2"),
            "the address has none left"
        );
        assert!(guesses.wrong(at(11), IpAddr::from([127, 0, 0, 2]), "default/CP3"));
    }

    #[test]
    fn memory_is_bounded() {
        let mut guesses = Guesses::default();
        for n in 0..(2 * NAMES_MAX as u32) {
            guesses.wrong(Instant(0), IpAddr::from(n.to_be_bytes()), &n.to_string());
        }
        assert_eq!(guesses.by_address.0.len(), NAMES_MAX);
        assert_eq!(guesses.by_station.0.len(), NAMES_MAX);
    }
}
