//! What a station still has to say, and the one call it waits for.
//!
//! Events about transactions and statuses are kept, in order, until they are acknowledged; what answers a person at
//! the station (Authorize) or nobody (Heartbeat) goes first and is not repeated.

use std::collections::VecDeque;
use std::time::Duration;

use ocpp::Instant;

use crate::event::{Body, Event};

/// Events that an empty queue keeps room for, after an outage that filled it.
const ROOM: usize = 4;

/// The queues of one station.
///
/// # Invariants
///
/// - At most one call is unanswered.
/// - Kept events leave in the order in which they happened, and none before its predecessor is settled.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    // In boxes, because a queue keeps the room it once had, and of thousands of stations most have nothing to say.
    kept: VecDeque<Box<Event>>,
    passing: VecDeque<Box<Event>>,
    waiting: Option<Box<Waiting>>,
    /// The first kept event is not sent again before this.
    retry_at: Option<Instant>,
}

/// A call without its answer.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Message id.
    pub(super) id: String,
    /// What was sent.
    pub(super) event: Event,
    /// When it counts as lost.
    pub(super) deadline: Instant,
}

impl Outbox {
    /// Keeps `event` until it is acknowledged. Returns the event that had to make room, if `kept_max` was reached:
    /// the oldest sample that was never sent, or, among starts, stops and statuses alone, none.
    pub(super) fn keep(&mut self, event: Event, kept_max: usize) -> Option<Event> {
        self.kept.push_back(Box::new(event));
        if self.kept.len() <= kept_max {
            return None;
        }
        let droppable =
            |event: &Event| event.sent == 0 && matches!(event.body, Body::Sample { .. });
        let at = self.kept.iter().position(|event| droppable(event))?;
        self.kept.remove(at).map(|event| *event)
    }

    /// Drops a status of `evse` that was never sent: while offline only the last one counts.
    pub(super) fn supersede_status(&mut self, of: u32) -> bool {
        let superseded = |event: &Event| {
            event.sent == 0 && matches!(event.body, Body::Status { evse, .. } if evse == of)
        };
        let len = self.kept.len();
        self.kept.retain(|event| !superseded(event));
        self.kept.len() < len
    }

    /// Sends `event` before all kept ones, once. A second one of its kind replaces none: there are few.
    pub(super) fn pass(&mut self, event: Event) {
        self.passing.push_back(Box::new(event));
    }

    /// True when nothing waits for its turn or its answer.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.passing.is_empty() && self.waiting.is_none()
    }

    /// True when a call is unanswered.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// True when a Heartbeat is queued or unanswered.
    pub(super) fn holds_heartbeat(&self) -> bool {
        let waiting = self.waiting.iter().map(|waiting| &waiting.event);
        self.passing
            .iter()
            .map(Box::as_ref)
            .chain(waiting)
            .any(|event| event.body == Body::Heartbeat)
    }

    /// The next event to send at `now`; it is the caller's until [`Outbox::wait`] gets it back.
    pub(super) fn next(&mut self, now: Instant) -> Option<Event> {
        if self.waiting.is_some() {
            return None;
        }
        if let Some(event) = self.passing.pop_front() {
            return Some(*event);
        }
        if self.retry_at.is_some_and(|retry_at| now < retry_at) {
            return None;
        }
        self.retry_at = None;
        let event = self.kept.pop_front()?;
        if self.kept.is_empty() && ROOM < self.kept.capacity() {
            self.kept.shrink_to(ROOM);
        }
        Some(*event)
    }

    /// Its call is on the way.
    pub(super) fn wait(&mut self, waiting: Waiting) {
        assert!(self.waiting.is_none(), "one call at a time");
        self.waiting = Some(Box::new(waiting));
    }

    /// Takes the unanswered call if it has this message id.
    pub(super) fn answered(&mut self, id: &str) -> Option<Waiting> {
        let waiting = self.waiting.take_if(|waiting| waiting.id == id);
        waiting.map(|waiting| *waiting)
    }

    /// Takes the unanswered call if it is overdue.
    pub(super) fn overdue(&mut self, now: Instant) -> Option<Waiting> {
        let waiting = self.waiting.take_if(|waiting| waiting.deadline <= now);
        waiting.map(|waiting| *waiting)
    }

    /// Puts a kept event back to the front, to be sent after `pause`.
    pub(super) fn retry(&mut self, event: Event, now: Instant, pause: Duration) {
        self.kept.push_front(Box::new(event));
        self.retry_at = Some(now + pause);
    }

    /// The connection is gone: the unanswered call is kept for the next one, or given back when it is of the passing
    /// kind. Those still queued are forgotten.
    pub(super) fn disconnect(&mut self) -> Option<Event> {
        self.passing.clear();
        self.retry_at = None;
        let event = self.waiting.take()?.event;
        if event.body.is_kept() {
            self.kept.push_front(Box::new(event));
            return None;
        }
        Some(event)
    }

    /// When [`Outbox::overdue`] or [`Outbox::next`] has something.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let deadline = self.waiting.as_ref().map(|waiting| waiting.deadline);
        deadline.or(self.retry_at.filter(|_| !self.kept.is_empty()))
    }

    /// Events that were sent at least once and are not acknowledged.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = &Event> {
        let waiting = self.waiting.iter().map(|waiting| &waiting.event);
        let kept = self.kept.iter().map(Box::as_ref);
        waiting.chain(kept).filter(|event| event.sent > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charge::{Charge, Supply};
    use crate::event::{Sampled, Status, Transaction};
    use crate::random::Random;

    fn event(seq: u32, body: Body) -> Event {
        let due = Instant(u64::from(seq));
        Event {
            due,
            at_millis: 0,
            seq,
            offline: false,
            sent: 0,
            refused: 0,
            body,
        }
    }

    fn sample(seq: u32) -> Event {
        let transaction = Transaction { evse: 1, number: 1 };
        let reading =
            Charge::draw(Supply::Ac(11_000), &mut Random::new(1, &[])).reading(u64::from(seq));
        event(
            seq,
            Body::Sample {
                transaction,
                reading,
                why: Sampled::Periodically,
            },
        )
    }

    fn status(seq: u32, evse: u32) -> Event {
        event(
            seq,
            Body::Status {
                evse,
                status: Status::Available,
            },
        )
    }

    fn send(outbox: &mut Outbox, now: u64, id: &str) -> Option<u32> {
        let mut event = outbox.next(Instant(now))?;
        let seq = event.seq;
        event.sent += 1;
        outbox.wait(Waiting {
            id: id.to_owned(),
            event,
            deadline: Instant(now + 30),
        });
        Some(seq)
    }

    #[test]
    fn one_call_at_a_time_and_in_order() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.keep(sample(1), 9), None);
        assert_eq!(outbox.keep(sample(2), 9), None);
        outbox.pass(event(3, Body::Heartbeat));
        assert_eq!(send(&mut outbox, 0, "a"), Some(3), "what passes goes first");
        assert_eq!(send(&mut outbox, 0, "b"), None);
        assert!(outbox.answered("x").is_none());
        assert!(outbox.answered("a").is_some());
        assert_eq!(send(&mut outbox, 0, "b"), Some(1));
    }

    #[test]
    fn a_lost_connection_brings_the_unanswered_event_back_to_the_front() {
        let mut outbox = Outbox::default();
        outbox.keep(sample(1), 9);
        outbox.keep(sample(2), 9);
        assert_eq!(send(&mut outbox, 0, "a"), Some(1));
        assert_eq!(outbox.disconnect(), None);
        assert_eq!(
            outbox
                .unsettled()
                .map(|event| event.seq)
                .collect::<Vec<_>>(),
            [1]
        );
        assert_eq!(send(&mut outbox, 0, "b"), Some(1));
        outbox.answered("b").unwrap();
        outbox.pass(event(3, Body::Heartbeat));
        assert_eq!(send(&mut outbox, 0, "c"), Some(3));
        assert_eq!(
            outbox.disconnect().map(|event| event.seq),
            Some(3),
            "a heartbeat is given up"
        );
    }

    #[test]
    fn an_overdue_call_is_repeated_after_a_pause() {
        let mut outbox = Outbox::default();
        outbox.keep(sample(1), 9);
        send(&mut outbox, 0, "a");
        assert_eq!(outbox.poll_timeout(), Some(Instant(30)));
        assert!(outbox.overdue(Instant(29)).is_none());
        let waiting = outbox.overdue(Instant(30)).unwrap();
        outbox.retry(waiting.event, Instant(30), Duration::from_nanos(10));
        assert_eq!(outbox.poll_timeout(), Some(Instant(40)));
        assert_eq!(send(&mut outbox, 39, "b"), None);
        assert_eq!(send(&mut outbox, 40, "b"), Some(1));
    }

    #[test]
    fn a_full_queue_drops_the_oldest_sample_that_was_never_sent() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.keep(status(1, 1), 2), None);
        assert_eq!(outbox.keep(sample(2), 2), None);
        assert_eq!(outbox.keep(sample(3), 2).map(|event| event.seq), Some(2));
        assert_eq!(outbox.keep(status(4, 2), 2).map(|event| event.seq), Some(3));
        assert_eq!(
            outbox.keep(status(5, 3), 2),
            None,
            "nothing droppable is left"
        );
    }

    #[test]
    fn an_unsent_status_gives_way_to_a_newer_one_of_its_connector() {
        let mut outbox = Outbox::default();
        outbox.keep(status(1, 1), 9);
        outbox.keep(status(2, 2), 9);
        assert!(outbox.supersede_status(1));
        assert!(!outbox.supersede_status(1));
        assert_eq!(send(&mut outbox, 0, "a"), Some(2));
    }
}
