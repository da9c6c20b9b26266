//! What stations tell of their own accord is known by its content: an event, a part of a report, a security event.
//!
//! Such a message has no key. Who says the very same of the very same moment under another message id says it again; a moment
//! that a clock has before it is set tells nothing, since every boot may begin with it.

use fleet::UtcMicros;
use ocpp::Timestamp;

use crate::charging::held::members;
use crate::retry::{Canonical, short};

/// So many are known of a station. It has one call open at a time, and says again what it said last.
pub(crate) const SAID_LEN_MAX: usize = 64;

/// Where a message says when it was made, or when it happened what it tells of.
const DATES: [&str; 5] = [
    "generatedAt",
    "timestamp",
    "settlementTime",
    "timeBase",
    "basetime",
];

/// The key of a message, of its content; `None` for one without a time worth believing.
pub(crate) fn said_key(
    canonical: &mut Canonical,
    station: &str,
    action: &str,
    payload: &str,
) -> Option<[u8; 16]> {
    let members = members(payload);
    let at = DATES.iter().find_map(|date| members.get(*date))?;
    let at: String = serde_json::from_str(at.get()).ok()?;
    let at = UtcMicros(Timestamp::read(&at)?.utc_micros);
    let canonical = canonical.begin("said", station).text(action);
    (UtcMicros::TRUSTED_MIN <= at).then(|| canonical.text(payload).hash())
}

/// The same of a security event.
pub(crate) fn security_key(
    canonical: &mut Canonical,
    station: &str,
    (event_type, info): (&str, &str),
    occurred_at: Option<i64>,
) -> Option<[u8; 16]> {
    let canonical = canonical.begin("security", station).int(occurred_at?);
    Some(canonical.text(event_type).text(info).hash())
}

/// The newest of what a station has said, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Said(Vec<u64>);

impl Said {
    pub(crate) fn contains(&self, key: [u8; 16]) -> bool {
        self.0.contains(&short(key))
    }

    pub(crate) fn remember(&mut self, key: [u8; 16]) {
        if self.contains(key) {
            return;
        }
        if self.0.len() == SAID_LEN_MAX {
            self.0.remove(0);
        }
        self.0.push(short(key));
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = u64> {
        self.0.iter().copied()
    }
}

impl FromIterator<u64> for Said {
    fn from_iter<I: IntoIterator<Item = u64>>(keys: I) -> Self {
        Self(keys.into_iter().take(SAID_LEN_MAX).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: usize) -> [u8; 16] {
        (n as u128 + 1).to_le_bytes()
    }

    #[test]
    fn the_newest_are_known_and_no_more() {
        let mut said = Said::default();
        for n in 0..1_000 {
            said.remember(key(n));
            said.remember(key(n));
        }
        assert_eq!(said.iter().len(), SAID_LEN_MAX);
        assert!(said.contains(key(1_000 - SAID_LEN_MAX)));
        assert!(!said.contains(key(999 - SAID_LEN_MAX)));
    }
}
