//! Retries are recognised by content: stations resend with new message ids and restart their counters.

use fleet::record::Retry;
use xxhash_rust::xxh3::xxh3_128;

/// Keys a station keeps in memory. One call is unanswered at a time, so what a station repeats on its next
/// connection is its last message or two; older ones are looked up in the state store.
pub(crate) const RECENT_LEN_MAX: usize = 12;

/// Gathers the values that make a hash; each is framed, so that no two lists of values look alike.
#[derive(Debug, Default)]
pub(crate) struct Canonical(Vec<u8>);

impl Canonical {
    /// Begins a new list. `what` separates the kinds of keys and contents from each other.
    pub(crate) fn begin(&mut self, what: &str, station: &str) -> &mut Self {
        self.0.clear();
        self.text(what).text(station)
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0
            .extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn int(&mut self, value: i64) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Never zero, which stands for "no key".
    pub(crate) fn hash(&self) -> [u8; 16] {
        xxh3_128(&self.0).max(1).to_le_bytes()
    }
}

/// Half of a hash: enough to tell one station's last messages apart, and half the memory of an idle station.
pub(crate) fn short(hash: [u8; 16]) -> u64 {
    // The low half of the 128 bits.
    u128::from_le_bytes(hash) as u64
}

/// The key under which a record is remembered. What conflicts has one of its own: the first content goes on counting,
/// and the second is kept once.
pub(crate) fn kept_under(retry: Retry) -> [u8; 16] {
    if retry.conflict && retry.key != [0; 16] {
        conflict_key(retry)
    } else {
        retry.key
    }
}

/// Begins the key of a MeterValues, which ends with the time that it tells.
pub(crate) fn begin_meter<'a>(
    canonical: &'a mut Canonical,
    station: &str,
    evse_id: u32,
    ocpp_transaction_id: &str,
) -> &'a mut Canonical {
    canonical
        .begin("meter", station)
        .int(i64::from(evse_id))
        .text(ocpp_transaction_id)
}

/// The key of a row of [`storage::state::Table::Retries`]: the second, big-endian, then the key of what was told.
pub(crate) fn timed(at: i64, key: [u8; 16]) -> [u8; 20] {
    let second = at.div_euclid(1_000_000).clamp(0, i64::from(u32::MAX)) as u32;
    let mut timed = [0; 20];
    timed[..4].copy_from_slice(&second.to_be_bytes());
    timed[4..].copy_from_slice(&key);
    timed
}

/// The key of what conflicts: of its key and its content together.
pub(crate) fn conflict_key(retry: Retry) -> [u8; 16] {
    let mut canonical = Canonical::default();
    canonical.begin("conflict", "").bytes(&retry.key);
    canonical.bytes(&retry.content).hash()
}

/// What a message is beside the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Never seen.
    New,
    /// Seen with the same values: one effect, the same answer.
    Same,
    /// Seen with other values: kept and flagged, and the first one counts.
    Conflict,
}

impl Verdict {
    /// What `content` is, if its key was seen with `seen`.
    pub(crate) fn of(seen: Option<u64>, content: [u8; 16]) -> Self {
        match seen {
            None => Self::New,
            Some(seen) if seen == short(content) => Self::Same,
            Some(_) => Self::Conflict,
        }
    }
}

/// A station's newest keys, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Recent(Vec<(u64, u64)>);

impl Recent {
    /// The first content under `key`.
    pub(crate) fn find(&self, key: [u8; 16]) -> Option<u64> {
        let key = short(key);
        self.0
            .iter()
            .find(|(seen, _)| *seen == key)
            .map(|(_, content)| *content)
    }

    /// Remembers a record's key, with the first content under it.
    pub(crate) fn remember(&mut self, retry: Retry) {
        let key = kept_under(retry);
        if key == [0; 16] || self.find(key).is_some() {
            return;
        }
        if self.0.len() == RECENT_LEN_MAX {
            self.0.remove(0);
        } else if self.0.is_empty() {
            // Half is enough for a station that boots, reports two connectors and charges once.
            self.0.reserve_exact(RECENT_LEN_MAX / 2);
        }
        self.0.push((short(key), short(retry.content)));
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &(u64, u64)> {
        self.0.iter()
    }

    pub(crate) fn from_pairs(pairs: impl Iterator<Item = (u64, u64)>) -> Self {
        Self(pairs.take(RECENT_LEN_MAX).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry(key: u8, content: u8) -> Retry {
        Retry {
            key: [key; 16],
            content: [content; 16],
            conflict: false,
        }
    }

    #[test]
    fn values_do_not_run_into_each_other() {
        let hash = |parts: &[&str]| {
            let mut canonical = Canonical::default();
            canonical.begin("test", "default/CP1");
            parts.iter().for_each(|part| {
                canonical.text(part);
            });
            canonical.hash()
        };
        assert_eq!(hash(&["a", "b"]), hash(&["a", "b"]));
        assert_ne!(hash(&["ab", ""]), hash(&["a", "b"]));
    }

    #[test]
    fn the_hash_is_the_one_in_every_log() {
        let mut canonical = Canonical::default();
        canonical.begin("start", "default/CP1").int(1).text("TAG");
        assert_eq!(
            u128::from_le_bytes(canonical.hash()),
            xxh3_128(b"\x05\0\0\0start\x0b\0\0\0default/CP1\x01\0\0\0\0\0\0\0\x03\0\0\0TAG")
        );
    }

    #[test]
    fn the_first_content_counts_and_old_keys_leave() {
        let mut recent = Recent::default();
        recent.remember(retry(1, 1));
        recent.remember(retry(1, 2));
        assert_eq!(recent.find([1; 16]), Some(short([1; 16])));
        (2..=RECENT_LEN_MAX as u8 + 1).for_each(|key| recent.remember(retry(key, 0)));
        assert_eq!(recent.find([1; 16]), None);
        assert_eq!(recent.find([2; 16]), Some(0));
    }

    #[test]
    fn a_message_without_a_key_is_not_remembered() {
        let mut recent = Recent::default();
        recent.remember(retry(0, 1));
        assert_eq!(recent.iter().count(), 0);
    }
}
