//! Tokens that were shown lately, and what was shown and is none, so that a busy site does not read the store for every
//! charge.

use std::collections::HashMap;
use std::sync::Arc;

use crate::token::Token;

/// See the module.
#[derive(Default)]
pub(crate) struct TokenCache {
    /// The changes of tokens up to which this holds.
    changes: u64,
    /// Those shown last, and those before them, which are dropped together.
    young: HashMap<Vec<u8>, Option<Arc<Token>>>,
    old: HashMap<Vec<u8>, Option<Arc<Token>>>,
}

/// Tokens in either half of the cache: about 2 MiB in all.
const CACHED_LEN_MAX: usize = 2_048;
/// Longest key and row that are cached: what a tolerated station shows may be as long as a message, and few tokens have
/// a page of places.
const CACHED_KEY_LEN_MAX: usize = 128;
const CACHED_ROW_LEN_MAX: usize = 512;

impl TokenCache {
    /// What is known of a token; `None` when the store is to be asked.
    pub(super) fn find(&mut self, changes: u64, key: &[u8]) -> Option<Option<Arc<Token>>> {
        if self.changes != changes {
            self.young.clear();
            self.old.clear();
            self.changes = changes;
        }
        if let Some(token) = self.young.get(key) {
            return Some(token.clone());
        }
        let (key, token) = self.old.remove_entry(key)?;
        self.insert(key, token.clone());
        Some(token)
    }

    /// Keeps what the store said, in `row_len` bytes, after [`TokenCache::find`] knew nothing.
    pub(super) fn keep(&mut self, key: Vec<u8>, row_len: usize, token: Option<Arc<Token>>) {
        if key.len() <= CACHED_KEY_LEN_MAX && row_len <= CACHED_ROW_LEN_MAX {
            self.insert(key, token);
        }
    }

    fn insert(&mut self, key: Vec<u8>, token: Option<Arc<Token>>) {
        if self.young.len() == CACHED_LEN_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_is_shown_often_and_no_more_than_it_may() {
        let mut cache = TokenCache::default();
        let key = |n: usize| format!("default/{n}").into_bytes();
        for n in 0..CACHED_LEN_MAX * 3 {
            assert_eq!(cache.find(0, &key(n)), None);
            cache.keep(key(n), 0, None);
            // The first is shown again and again.
            assert_eq!(cache.find(0, &key(0)), Some(None), "{n}");
        }
        assert!(cache.young.len() + cache.old.len() <= 2 * CACHED_LEN_MAX);
        assert_eq!(cache.find(0, &key(1)), None);
        cache.keep(vec![b'x'; CACHED_KEY_LEN_MAX + 1], 0, None);
        assert_eq!(cache.find(0, &[b'x'; CACHED_KEY_LEN_MAX + 1]), None);
        cache.keep(key(1), CACHED_ROW_LEN_MAX + 1, None);
        assert_eq!(cache.find(0, &key(1)), None);
        assert_eq!(cache.find(1, &key(0)), None);
    }
}
