//! Counting by action, without allocation per frame.

use fleet::record::Direction;
use ocpp::{v16, v21};

use super::before::Before;
use crate::router::view::Counters;

/// What stands for an action that no version knows.
const OTHER: &str = "other";

/// The shard's counters.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) counters: Counters,
    pub(crate) before: Before,
    /// Answers in this turn that waited for nothing, on connections that were there before.
    pub(crate) answered_at_once: u32,
    /// Commands that left when their records were safe, since the last look.
    pub(crate) commands_left: u32,
    /// Places in `counters.messages` that were counted last, from stations and to them: most frames follow their like.
    recent: [usize; 2],
}

/// The label of an action: its name if some version has it, so that a station cannot make up labels.
fn label(action: &str) -> &'static str {
    // 2.1 has all that 2.0.1 has.
    let known = v16::ACTIONS.iter().chain(v21::ACTIONS);
    known
        .copied()
        .find(|known| *known == action)
        .unwrap_or(OTHER)
}

impl Tally {
    /// Counts a frame.
    pub(crate) fn message(&mut self, action: &str, direction: Direction) {
        // What is counted already is a label; those seen so far are fewer than those known.
        if !self.count(action, direction) && !self.count(label(action), direction) {
            let messages = &mut self.counters.messages;
            messages.push((label(action), direction, 1));
        }
    }

    /// False when nothing is counted under this label yet.
    fn count(&mut self, label: &str, direction: Direction) -> bool {
        let recent = &mut self.recent[usize::from(direction == Direction::ToStation)];
        let messages = &mut self.counters.messages;
        let is_it = |(l, d, _): &(&str, Direction, u64)| *d == direction && *l == label;
        if !messages.get(*recent).is_some_and(is_it) {
            let Some(found) = messages.iter().position(is_it) else {
                return false;
            };
            *recent = found;
        }
        messages[*recent].2 += 1;
        true
    }

    pub(crate) fn tls_failed(&mut self, kind: &'static str) {
        let failures = &mut self.counters.tls_failures;
        match failures.iter_mut().find(|(k, _)| *k == kind) {
            Some((_, count)) => *count += 1,
            None => failures.push((kind, 1)),
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
