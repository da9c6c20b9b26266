//! How often a caller may ask: a bucket per principal, and one per address for whoever is nobody (yet).
//!
//! A bucket refills at its rate and holds [`BURST_SECONDS`] of it, so that a dashboard may ask for everything at
//! once. What is refused costs the caller nothing further: waiting as long as `Retry-After` says is enough.
//!
//! # Invariants
//!
//! - At most [`BUCKETS_MAX`] buckets of addresses exist, and one of each principal; addresses beyond them share one.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How much of its rate a caller may use at once, seconds.
const BURST_SECONDS: u64 = 5;
/// Buckets that are kept; full ones are forgotten first, because a new one is the same.
const BUCKETS_MAX: usize = 16_384;
/// Between two looks for full buckets.
const SWEEP_NS: u64 = NS_PER_S;
const NS_PER_S: u64 = 1_000_000_000;

/// Requests a second that are answered; 0 sets no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Of one principal.
    pub principal: u32,
    /// Of one address without a valid token: health, metrics, documents, failed logins.
    pub anonymous: u32,
}

/// What is counted of all callers, for who counts and for who sets the limits. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rates(Arc<Mutex<Limiter>>);

impl Rates {
    /// Nobody has asked for anything yet.
    #[must_use]
    pub fn new(limits: RateLimits) -> Self {
        Self(Arc::new(Mutex::new(Limiter::new(limits))))
    }

    /// Other limits from the next request on. What a caller has used up is refilled at its new rate.
    pub fn limit(&self, limits: RateLimits) {
        self.limiter().limits = limits;
    }

    /// As [`Limiter::take`].
    pub(crate) fn take(&self, now: u64, asker: Asker) -> Result<(), Duration> {
        self.limiter().take(now, asker)
    }

    fn limiter(&self) -> std::sync::MutexGuard<'_, Limiter> {
        // Each change of it is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Asker {
    Principal(String),
    Address(IpAddr),
}

impl Asker {
    /// Whoever is behind `address`; an IPv6 network gives each of its hosts 2^64 of them.
    pub(crate) fn at(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Address(address),
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => Self::Address(v4.into()),
                None => {
                    let network = v6.to_bits() & !u128::from(u64::MAX);
                    Self::Address(Ipv6Addr::from_bits(network).into())
                }
            },
        }
    }
}

/// All buckets. `now` is any clock that only goes forward, nanoseconds.
#[derive(Debug)]
struct Limiter {
    limits: RateLimits,
    /// When the bucket will be full again; one that is full is as good as none.
    full_at: HashMap<Asker, u64>,
    sweep_at: u64,
}

impl Limiter {
    fn new(limits: RateLimits) -> Self {
        Self {
            limits,
            full_at: HashMap::new(),
            sweep_at: 0,
        }
    }

    /// Takes one request out of the asker's bucket.
    ///
    /// # Errors
    ///
    /// How long it takes until there is one.
    fn take(&mut self, now: u64, asker: Asker) -> Result<(), Duration> {
        let rate = match &asker {
            Asker::Principal(_) => self.limits.principal,
            Asker::Address(_) => self.limits.anonymous,
        };
        if rate == 0 {
            return Ok(());
        }
        let asker = self.room_for(now, asker);
        let cost = NS_PER_S / u64::from(rate);
        let full_at = self.full_at.get(&asker).map_or(now, |at| now.max(*at)) + cost;
        let depth = BURST_SECONDS * NS_PER_S;
        match (full_at - now).checked_sub(depth) {
            None | Some(0) => {
                self.full_at.insert(asker, full_at);
                Ok(())
            }
            Some(missing) => Err(Duration::from_nanos(missing)),
        }
    }

    /// The asker's own bucket, or the shared one when there are too many.
    fn room_for(&mut self, now: u64, asker: Asker) -> Asker {
        if self.full_at.len() < BUCKETS_MAX || self.full_at.contains_key(&asker) {
            return asker;
        }
        if self.sweep_at <= now {
            self.full_at.retain(|_, full_at| now < *full_at);
            self.sweep_at = now + SWEEP_NS;
        }
        if self.full_at.len() < BUCKETS_MAX {
            return asker;
        }
        match asker {
            // There are few principals, and each has proven who it is.
            Asker::Principal(_) => asker,
            Asker::Address(_) => Asker::Address(Ipv6Addr::UNSPECIFIED.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: RateLimits = RateLimits {
        principal: 10,
        anonymous: 2,
    };

    fn ana() -> Asker {
        Asker::Principal("ana".to_owned())
    }

    fn host(n: u32) -> Asker {
        Asker::at(std::net::Ipv4Addr::from_bits(n).into())
    }

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let mut limiter = Limiter::new(LIMITS);
        for _ in 0..50 {
            assert_eq!(limiter.take(0, ana()), Ok(()));
        }
        let wait = Duration::from_millis(100);
        assert_eq!(limiter.take(0, ana()), Err(wait));
        assert_eq!(limiter.take(0, ana()), Err(wait), "a refusal costs nothing");
        let later = u64::try_from(wait.as_nanos()).unwrap();
        assert_eq!(limiter.take(later, ana()), Ok(()));
        assert_eq!(limiter.take(later, ana()), Err(wait));
    }

    #[test]
    fn other_limits_hold_for_the_next_request_of_everybody() {
        let rates = Rates::new(LIMITS);
        let told = rates.clone();
        while rates.take(0, ana()).is_ok() {}
        told.limit(RateLimits {
            principal: 2,
            anonymous: 0,
        });
        assert_eq!(rates.take(0, ana()), Err(Duration::from_millis(500)));
        for _ in 0..100 {
            assert_eq!(rates.take(0, host(1)), Ok(()), "without a limit");
        }
    }

    #[test]
    fn nobody_pays_for_another() {
        let mut limiter = Limiter::new(LIMITS);
        while limiter.take(0, host(1)).is_ok() {}
        assert_eq!(limiter.take(0, host(2)), Ok(()));
        assert_eq!(limiter.take(0, ana()), Ok(()));
    }

    #[test]
    fn one_network_of_ipv6_is_one_asker() {
        let at = |text: &str| Asker::at(text.parse().unwrap());
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:192.0.2.7"), at("192.0.2.7"));
    }

    #[test]
    fn without_a_limit_nothing_is_kept() {
        let mut limiter = Limiter::new(RateLimits {
            principal: 0,
            anonymous: 0,
        });
        assert_eq!(limiter.take(0, ana()), Ok(()));
        assert!(limiter.full_at.is_empty());
    }

    #[test]
    fn more_addresses_than_there_is_room_for_share_one_bucket() {
        let mut limiter = Limiter::new(LIMITS);
        let count = u32::try_from(BUCKETS_MAX).unwrap();
        for n in 0..count + 10 {
            assert_eq!(limiter.take(0, host(n)), Ok(()), "{n}");
        }
        assert_eq!(limiter.take(0, host(count + 10)), Err(NS_HALF));
        assert_eq!(
            limiter.take(0, ana()),
            Ok(()),
            "who is known is not among them"
        );
        assert!(limiter.full_at.len() <= BUCKETS_MAX + 2);
        // A minute later all buckets are full, and there is room again.
        assert_eq!(limiter.take(60 * NS_PER_S, host(count + 11)), Ok(()));
        assert_eq!(limiter.full_at.len(), 1);
    }

    const NS_HALF: Duration = Duration::from_millis(500);
}
