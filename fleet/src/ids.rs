//! Names of stations, partitions, logs, events and transactions.

use std::fmt;

use crate::murmur2::murmur2;

/// Number of partitions of a cluster, fixed at its creation (Kafka topics have as many).
pub const PARTITIONS: u16 = 64;
/// The tenant of a station whose path names none.
pub const TENANT_DEFAULT: &str = "default";
/// Longest station identity, in characters (OCPP 2.0.1 Part 4, §3.1.1: `identifierString[48]`).
pub const IDENTITY_CHARS_MAX: usize = 48;
/// Longest station key, in bytes; a log record stores the length in one byte.
pub const KEY_LEN_MAX: usize = 255;

/// Share of all stations, `0..PARTITIONS`; one writer per (node, partition).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u16);

/// A station within the cluster: `{tenant}/{identity}`, UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StationKey(Box<str>);

/// Why a text is no station key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// The identity has no character.
    #[error("station identity is empty")]
    Empty,
    /// OCPP 2.0.1 Part 4, §3.1.1.
    #[error("station identity has {chars} characters, at most {IDENTITY_CHARS_MAX} are allowed")]
    TooLong {
        /// Characters found.
        chars: usize,
    },
    /// `/` would end the tenant, `:` the Basic user, a control character a log line.
    #[error("station identity or tenant contains {found:?}")]
    Character {
        /// The first such character.
        found: char,
    },
    /// OCPP's `identifierString` allows it, URLs do not: their libraries take `.` and `..`, percent-encoded or not,
    /// for steps between folders (RFC 3986, §5.2.4; WHATWG URL), so neither a station nor an operator could name it.
    #[error("station identity is {identity:?}, which a URL cannot name")]
    DotSegment {
        /// The identity found.
        identity: String,
    },
    /// The parts do not fit [`KEY_LEN_MAX`] bytes together.
    #[error("station key has {len} bytes, at most {KEY_LEN_MAX} are allowed")]
    KeyTooLong {
        /// Bytes found.
        len: usize,
    },
    /// A stored key has no `/`.
    #[error("station key {key:?} has no tenant")]
    NoTenant {
        /// The text found.
        key: String,
    },
}

impl StationKey {
    /// The key of station `identity` of `tenant`.
    ///
    /// # Errors
    ///
    /// Any [`InvalidKey`] except `NoTenant`.
    pub fn new(tenant: &str, identity: &str) -> Result<Self, InvalidKey> {
        if matches!(identity, "." | "..") {
            return Err(InvalidKey::DotSegment {
                identity: identity.to_owned(),
            });
        }
        Self::join(tenant, identity)
    }

    fn join(tenant: &str, identity: &str) -> Result<Self, InvalidKey> {
        if identity.is_empty() || tenant.is_empty() {
            return Err(InvalidKey::Empty);
        }
        let chars = identity.chars().count();
        if IDENTITY_CHARS_MAX < chars {
            return Err(InvalidKey::TooLong { chars });
        }
        let refused = |c: &char| c.is_control() || matches!(c, '/' | ':');
        if let Some(found) = identity.chars().chain(tenant.chars()).find(refused) {
            return Err(InvalidKey::Character { found });
        }
        let len = tenant.len() + 1 + identity.len();
        if KEY_LEN_MAX < len {
            return Err(InvalidKey::KeyTooLong { len });
        }
        Ok(Self(format!("{tenant}/{identity}").into_boxed_str()))
    }

    /// Reads a key as it stands in a record or a store.
    ///
    /// # Errors
    ///
    /// Any [`InvalidKey`] except `DotSegment`.
    pub fn parse(key: &str) -> Result<Self, InvalidKey> {
        let (tenant, identity) = key.split_once('/').ok_or_else(|| InvalidKey::NoTenant {
            key: key.to_owned(),
        })?;
        Self::join(tenant, identity)
    }

    /// The whole key, `{tenant}/{identity}`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first `/`.
    pub fn tenant(&self) -> &str {
        self.0.split_once('/').map_or("", |(tenant, _)| tenant)
    }

    /// The part after the first `/`: the station's own name on the wire, `station_id` in SQL.
    pub fn identity(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, identity)| identity)
    }

    /// Kafka's default partitioner: `toPositive(murmur2(key)) mod PARTITIONS`.
    pub fn partition(&self) -> Partition {
        let positive = murmur2(self.0.as_bytes()) & 0x7fff_ffff;
        Partition((positive % u32::from(PARTITIONS)) as u16)
    }
}

impl Partition {
    /// The shard that owns this partition while the process runs `shards` of them.
    pub fn shard(self, shards: usize) -> usize {
        usize::from(self.0) % shards
    }
}

impl fmt::Debug for StationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for StationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for StationKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// One durable log; random, positive, 63 bits, so that a BIGINT column holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(pub i64);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Place of a record in its log: 1 is the first, no number is skipped or used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

/// The one name of an event everywhere: in the relay, in SQL and in an API answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The log that holds it.
    pub log_id: LogId,
    /// Its place there.
    pub seq: Seq,
}

/// Our name of a transaction: a UUIDv7; the station's own stands beside it as `ocpp_transaction_id`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub [u8; 16]);

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).hyphenated().fmt(f)
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for TransactionId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        uuid::Uuid::try_parse(text).map(|id| Self(id.into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_tenant_and_identity() {
        let key = StationKey::new("default", "CP 1é").unwrap();
        assert_eq!(
            (key.as_str(), key.tenant(), key.identity()),
            ("default/CP 1é", "default", "CP 1é")
        );
        assert_eq!(StationKey::parse("default/CP 1é"), Ok(key));
    }

    #[test]
    fn what_no_station_may_be_called() {
        for (identity, expected) in [
            ("", InvalidKey::Empty),
            (
                "..",
                InvalidKey::DotSegment {
                    identity: "..".into(),
                },
            ),
            (
                ".",
                InvalidKey::DotSegment {
                    identity: ".".into(),
                },
            ),
            ("a:b", InvalidKey::Character { found: ':' }),
            ("a/b", InvalidKey::Character { found: '/' }),
            ("a\0", InvalidKey::Character { found: '\0' }),
            (&"x".repeat(49), InvalidKey::TooLong { chars: 49 }),
        ] {
            assert_eq!(StationKey::new("default", identity), Err(expected));
        }
        assert!(StationKey::new("default", &"x".repeat(48)).is_ok());
        assert!(StationKey::new("default", "...").is_ok());
        assert!(
            StationKey::parse("default/..").is_ok(),
            "what is stored is read"
        );
        assert!(
            StationKey::new("default", &"é".repeat(48)).is_ok(),
            "the limit counts characters"
        );
    }

    #[test]
    fn partitions_are_those_of_a_java_producer() {
        // toPositive(murmur2("default/CP001")) % 64, as DefaultPartitioner computes it; the golden values keep
        // a change of hash or of key layout from moving stations silently.
        let of = |id: &str| StationKey::new("default", id).unwrap().partition().0;
        assert!((0..1000).all(|i| of(&format!("CP{i}")) < PARTITIONS));
        let mut counts = [0_u32; PARTITIONS as usize];
        (0..64_000).for_each(|i| counts[usize::from(of(&format!("CP{i:06}")))] += 1);
        let (min, max) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(
            800 < *min && *max < 1200,
            "uneven partitions: {min}..{max} of 1000 expected"
        );
    }
}
