//! What a conversation waits for: a yes, or the name of a station.
//!
//! # Invariants
//!
//! - A question waits for the very next sentence of its conversation and for at most [`PATIENCE`].
//! - It is taken by whoever asks first, so that one yes starts one charge.
//! - Only the token that a question was put to can answer it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sdk::IssueCategory;

/// How long a question waits for its answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Conversations of one caller that can wait at once; one more, and its oldest is forgotten.
const PER_CALLER_MAX: usize = 32;
/// Conversations that can wait at once; one more, and the oldest is forgotten.
const ALL_MAX: usize = 10_000;

/// What a conversation waits for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Question {
    /// "Confirma?"
    Confirm(Start),
    /// "Em qual posto?"
    Station(Wish),
}

/// A charge that somebody may still say no to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) device_id: String,
    pub(crate) connector_id: u32,
}

/// What somebody wants of a station.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wish {
    /// How it is; of the running charge when `own_charge`.
    Status { own_charge: bool },
    /// Begin a charge there.
    Start { connector: Option<u32> },
    /// End the charge there.
    Stop,
    /// What the charge there costs.
    Cost,
    /// Something is wrong there.
    Report {
        category: IssueCategory,
        text: String,
    },
}

/// SHA-256 of the caller's token, and the conversation.
pub(crate) type Key = ([u8; 32], String);

/// All conversations that wait. Time comes in as an argument.
#[derive(Debug, Default)]
pub(crate) struct Sessions(BTreeMap<Key, (Instant, Question)>);

impl Sessions {
    /// Takes what the conversation waits for, if it still does.
    pub(crate) fn take(&mut self, now: Instant, key: &Key) -> Option<Question> {
        self.0
            .remove(key)
            .and_then(|(asked, question)| (now < asked + PATIENCE).then_some(question))
    }

    /// Lets a conversation wait.
    pub(crate) fn put(&mut self, now: Instant, key: Key, question: Question) {
        let caller = key.0;
        let own = (caller, String::new())..;
        let count = self
            .0
            .range(own.clone())
            .take_while(|((c, _), _)| *c == caller)
            .count();
        if PER_CALLER_MAX <= count {
            let oldest = self
                .0
                .range(own)
                .take_while(|((c, _), _)| *c == caller)
                .min_by_key(|(_, (asked, _))| *asked)
                .map(|(key, _)| key.clone());
            self.forget(oldest);
        }
        if ALL_MAX <= self.0.len() {
            self.0.retain(|_, (asked, _)| now < *asked + PATIENCE);
        }
        if ALL_MAX <= self.0.len() {
            let oldest = self.0.iter().min_by_key(|(_, (asked, _))| *asked);
            let oldest = oldest.map(|(key, _)| key.clone());
            self.forget(oldest);
        }
        self.0.insert(key, (now, question));
    }

    fn forget(&mut self, key: Option<Key>) {
        if let Some(key) = key {
            self.0.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        Question::Confirm(Start {
            device_id: "CP1".into(),
            connector_id: 1,
        })
    }

    fn key(caller: u8, session: usize) -> Key {
        ([caller; 32], session.to_string())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do to count from"
    )]
    fn some_instant() -> Instant {
        Instant::now()
    }

    #[test]
    fn a_question_is_answered_once_and_in_time() {
        let mut sessions = Sessions::default();
        let now = some_instant();
        for (wait, answered) in [
            (PATIENCE - Duration::from_nanos(1), true),
            (PATIENCE, false),
        ] {
            sessions.put(now, key(1, 0), question());
            assert_eq!(sessions.take(now + wait, &key(1, 0)).is_some(), answered);
            assert_eq!(sessions.take(now, &key(1, 0)), None);
        }
    }

    #[test]
    fn nobody_answers_for_somebody_else() {
        let mut sessions = Sessions::default();
        let now = some_instant();
        sessions.put(now, key(1, 0), question());
        assert_eq!(sessions.take(now, &key(2, 0)), None);
        assert_eq!(sessions.take(now, &key(1, 1)), None);
        assert_eq!(sessions.take(now, &key(1, 0)), Some(question()));
    }

    #[test]
    fn a_caller_who_asks_too_much_forgets_its_own() {
        let mut sessions = Sessions::default();
        let now = some_instant();
        sessions.put(now, key(2, 0), question());
        for session in 0..=PER_CALLER_MAX {
            sessions.put(
                now + Duration::from_millis(session as u64),
                key(1, session),
                question(),
            );
        }
        assert_eq!(sessions.take(now, &key(1, 0)), None);
        assert!(sessions.take(now, &key(1, 1)).is_some());
        assert!(sessions.take(now, &key(2, 0)).is_some());
    }

    #[test]
    fn memory_is_bounded() {
        let mut sessions = Sessions::default();
        let now = some_instant();
        for caller in 0..=(ALL_MAX as u64) {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&caller.to_le_bytes());
            sessions.put(
                now + Duration::from_micros(caller),
                (id, String::new()),
                question(),
            );
        }
        assert_eq!(sessions.0.len(), ALL_MAX);
        assert_eq!(sessions.take(now, &([0; 32], String::new())), None);
    }
}
