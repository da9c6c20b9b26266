//! Whether a token may charge.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use fleet::UtcMicros;
use ring::hmac;
use rkyv::rancor::Error as RkyvError;
use rkyv::{Archive, Deserialize, Serialize};
use storage::state::Table;

use super::{Now, Shard, StoreUnreadable};
use crate::config::Onboarding;
use crate::router::{Token, TokenStatus};

const VERSION: u16 = 1;

/// A token in the state store, behind two bytes of version, little-endian: 1.
#[derive(Archive, Serialize, Deserialize)]
struct TokenRow {
    id: String,
    status: u8,
    expires_at: Option<i64>,
    group: String,
}

/// The key of a token: both versions compare without regard to case (1.6 `CiString`, 2.0.1 `identifierString`).
pub(crate) fn token_key(tenant: &str, id: &str) -> Vec<u8> {
    format!("{tenant}/{}", id.to_lowercase()).into_bytes()
}

/// The bytes of a token's row.
pub(crate) fn write_token(token: &Token) -> Vec<u8> {
    let row = TokenRow {
        id: token.id.clone(),
        status: match token.status {
            TokenStatus::Accepted => 1,
            TokenStatus::Blocked => 2,
            TokenStatus::Expired => 3,
            TokenStatus::Invalid => 4,
        },
        expires_at: token.expires_at.map(|at| at.0),
        group: token.group.clone(),
    };
    let mut bytes = VERSION.to_le_bytes().to_vec();
    rkyv::api::high::to_bytes_in::<_, RkyvError>(&row, &mut bytes)
        .expect("a Vec takes every byte, and no type of ours shares pointers");
    bytes
}

/// Reads a token's row; `None` for bytes that no version wrote.
pub(crate) fn read_token(bytes: &[u8]) -> Option<Token> {
    let (version, body) = bytes.split_first_chunk::<2>()?;
    if u16::from_le_bytes(*version) != VERSION {
        return None;
    }
    let row = rkyv::from_bytes::<TokenRow, RkyvError>(body).ok()?;
    Some(Token {
        id: row.id,
        status: match row.status {
            1 => TokenStatus::Accepted,
            2 => TokenStatus::Blocked,
            3 => TokenStatus::Expired,
            4 => TokenStatus::Invalid,
            _ => return None,
        },
        expires_at: row.expires_at.map(UtcMicros),
        group: row.group,
    })
}

/// What a station is told about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authorization {
    pub(super) status: TokenStatus,
    pub(super) expires_at: Option<UtcMicros>,
    /// Empty for none.
    pub(super) group: String,
}

/// Tokens that were shown lately, and what was shown and is none, so that a busy site does not read the store for every
/// charge.
#[derive(Default)]
pub(crate) struct TokenCache {
    /// The changes of tokens up to which this holds.
    changes: u64,
    /// Those shown last, and those before them, which are dropped together.
    young: HashMap<Vec<u8>, Option<Token>>,
    old: HashMap<Vec<u8>, Option<Token>>,
}

/// Tokens in either half of the cache: about 1 MiB in all.
const CACHED_LEN_MAX: usize = 2_048;
/// Longest key that is cached: what a tolerated station shows may be as long as a message.
const CACHED_KEY_LEN_MAX: usize = 128;

impl TokenCache {
    /// What is known of a token; `None` when the store is to be asked.
    fn find(&mut self, changes: u64, key: &[u8]) -> Option<Option<Token>> {
        if self.changes != changes {
            self.young.clear();
            self.old.clear();
            self.changes = changes;
        }
        if let Some(token) = self.young.get(key) {
            return Some(token.clone());
        }
        let (key, token) = self.old.remove_entry(key)?;
        self.keep(key, token.clone());
        Some(token)
    }

    /// Keeps what the store said after [`TokenCache::find`] knew nothing.
    fn keep(&mut self, key: Vec<u8>, token: Option<Token>) {
        if CACHED_KEY_LEN_MAX < key.len() {
            return;
        }
        if self.young.len() == CACHED_LEN_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, token);
    }
}

impl Shard {
    /// Judges a token shown at `station`.
    pub(super) fn authorize(
        &mut self,
        now: Now,
        station: u32,
        id: &str,
    ) -> Result<Authorization, StoreUnreadable> {
        let key = token_key(self.stations[station].state.key.tenant(), id);
        // Before the read: a change that comes after it makes the next look read again.
        let changes = self.settings.token_changes.load(Ordering::Acquire);
        let token = match self.tokens.find(changes, &key) {
            Some(token) => token,
            None => {
                let row = self.look_up(Table::Tokens, &key)?;
                let token = row.as_deref().and_then(read_token);
                self.tokens.keep(key, token.clone());
                token
            }
        };
        if let Some(token) = token {
            let expired = token.expires_at.is_some_and(|at| at <= now.utc);
            return Ok(Authorization {
                status: match token.status {
                    TokenStatus::Accepted if expired => TokenStatus::Expired,
                    status => status,
                },
                expires_at: token.expires_at,
                group: token.group,
            });
        }
        // An operator who starts a charge from here has authorized it.
        let token_ref = self.token_ref(id);
        let sent = self.stations[station]
            .side
            .as_ref()
            .is_some_and(|side| side.starts.iter().any(|start| start.token_ref == token_ref));
        let open = self.settings.config.onboarding == Onboarding::Open;
        Ok(Authorization {
            status: if sent || open {
                TokenStatus::Accepted
            } else {
                TokenStatus::Invalid
            },
            expires_at: None,
            group: String::new(),
        })
    }

    /// What stands for a token in facts.
    pub(super) fn token_ref(&self, id: &str) -> [u8; 16] {
        let tag = hmac::sign(&self.settings.token_key, id.to_lowercase().as_bytes());
        let mut reference = [0; 16];
        reference.copy_from_slice(&tag.as_ref()[..16]);
        reference
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back() {
        for status in [
            TokenStatus::Accepted,
            TokenStatus::Blocked,
            TokenStatus::Expired,
            TokenStatus::Invalid,
        ] {
            let token = Token {
                id: "TAG1".into(),
                status,
                expires_at: Some(UtcMicros(7)),
                group: "G".into(),
            };
            assert_eq!(read_token(&write_token(&token)), Some(token));
        }
        assert_eq!(read_token(b"\x02\0"), None);
        assert_eq!(read_token(b""), None);
    }

    #[test]
    fn the_cache_holds_what_is_shown_often_and_no_more_than_it_may() {
        let mut cache = TokenCache::default();
        let key = |n: usize| format!("default/{n}").into_bytes();
        for n in 0..CACHED_LEN_MAX * 3 {
            assert_eq!(cache.find(0, &key(n)), None);
            cache.keep(key(n), None);
            // The first is shown again and again.
            assert_eq!(cache.find(0, &key(0)), Some(None), "{n}");
        }
        assert!(cache.young.len() + cache.old.len() <= 2 * CACHED_LEN_MAX);
        assert_eq!(cache.find(0, &key(1)), None);
        cache.keep(vec![b'x'; CACHED_KEY_LEN_MAX + 1], None);
        assert_eq!(cache.find(0, &[b'x'; CACHED_KEY_LEN_MAX + 1]), None);
        assert_eq!(cache.find(1, &key(0)), None);
    }

    #[test]
    fn case_does_not_matter() {
        assert_eq!(token_key("default", "AbC"), token_key("default", "aBc"));
    }
}
