//! What drivers are to be told anew while they charge: the personal message of a token that has changed since its transaction
//! began (I06.FR.02).
//!
//! Whoever writes a token leaves its message for the transactions that run on it, and the shard of each takes it with the next
//! answer. The events in between cost one load: there is nothing to look up while no message has changed.
//!
//! # Consistency
//!
//! A message is told once: it is gone with the answer that has it, whether that arrives or not, and with the server. One that
//! changes in the moment in which a transaction begins may not be told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fleet::TransactionId;

use crate::token::PersonalMessage;

/// Messages that wait, about 1 KiB each. Where there are more, a driver reads his when he shows the token again.
const WAITING_MAX: usize = 10_000;

/// See the module.
#[derive(Default)]
pub(crate) struct ChangedMessages {
    waiting: Mutex<HashMap<TransactionId, PersonalMessage>>,
    /// How many wait.
    len: AtomicUsize,
}

impl ChangedMessages {
    /// The message of these transactions' token is another now, or there is none any more.
    pub(crate) fn changed(
        &self,
        transactions: &[TransactionId],
        message: Option<&PersonalMessage>,
    ) {
        if transactions.is_empty() {
            return;
        }
        let mut waiting = self.waiting();
        for id in transactions {
            waiting.remove(id);
            if let Some(message) = message.filter(|_| waiting.len() < WAITING_MAX) {
                waiting.insert(*id, message.clone());
            }
        }
        self.len.store(waiting.len(), Ordering::Release);
    }

    /// What the driver of a transaction is to be told, once. Nothing waits for one that is over.
    pub(crate) fn take(&self, id: TransactionId) -> Option<PersonalMessage> {
        if self.len.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut waiting = self.waiting();
        let message = waiting.remove(&id);
        self.len.store(waiting.len(), Ordering::Release);
        message
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<TransactionId, PersonalMessage>> {
        // A panic elsewhere leaves a map behind that is whole; the number is set anew by the next change.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a new process begins with.
    #[cfg(test)]
    pub(crate) fn clear(&self) {
        self.waiting().clear();
        self.len.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::MessageFormat;

    #[test]
    fn no_more_messages_wait_than_may_and_one_that_is_taken_back_is_not_told() {
        let messages = ChangedMessages::default();
        let text = |content: &str| PersonalMessage {
            format: MessageFormat::Utf8,
            language: String::new(),
            content: content.to_owned(),
        };
        let id = |n: usize| TransactionId((n as u128).to_be_bytes());
        let ids: Vec<_> = (0..=WAITING_MAX).map(id).collect();
        messages.changed(&ids, Some(&text("one")));
        assert_eq!(messages.take(id(WAITING_MAX)), None);
        // A newer one has the place of the older.
        messages.changed(&ids[..1], Some(&text("two")));
        assert_eq!(messages.take(id(0)), Some(text("two")));
        assert_eq!(messages.take(id(0)), None);
        messages.changed(&ids[1..2], None);
        assert_eq!(messages.take(id(1)), None);
        assert_eq!(messages.take(id(2)), Some(text("one")));
    }
}
