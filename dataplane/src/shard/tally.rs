//! Counting by action, without allocation per frame.

use fleet::record::Direction;
use ocpp::{v16, v201};

use crate::router::view::Counters;

/// What stands for an action that no version knows.
const OTHER: &str = "other";

/// The shard's counters.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) counters: Counters,
}

/// The label of an action: its name if some version has it, so that a station cannot make up labels.
pub(crate) fn label(action: &str) -> &'static str {
    let known = v16::ACTIONS.iter().chain(v201::ACTIONS);
    known
        .copied()
        .find(|known| *known == action)
        .unwrap_or(OTHER)
}

impl Tally {
    /// Counts a frame; `action` comes from [`label`].
    pub(crate) fn message(&mut self, action: &'static str, direction: Direction) {
        let messages = &mut self.counters.messages;
        let found = messages
            .iter_mut()
            .find(|(a, d, _)| *d == direction && *a == action);
        match found {
            Some((_, _, count)) => *count += 1,
            None => messages.push((action, direction, 1)),
        }
    }

    pub(crate) fn refused(&mut self, status: u16) {
        let refused = &mut self.counters.handshakes_refused;
        match refused.iter_mut().find(|(s, _)| *s == status) {
            Some((_, count)) => *count += 1,
            None => refused.push((status, 1)),
        }
    }
}
