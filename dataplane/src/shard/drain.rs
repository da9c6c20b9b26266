//! The server goes down, and its stations come back: not all in one moment.
//!
//! Connections are closed (1012) in steps over the first half of the time there is, in an order that chance makes. What a
//! station has asked is answered first, and what it was asked it may answer; who keeps us waiting for three quarters of the
//! time is closed all the same.

use std::collections::VecDeque;
use std::time::Duration;

use net::driver::ConnId;
use net::ws::CloseCode;
use ocpp::Instant;

use super::{Now, Shard};

/// Time between two steps.
const STEP_EVERY: Duration = Duration::from_millis(100);
/// Fewer than these need not be spread.
const STEP_LEN_MIN: usize = 200;

/// How far the going down is.
#[derive(Debug)]
pub(crate) struct Drain {
    /// Who is still to be closed.
    waiting: VecDeque<ConnId>,
    /// Connections that are closed in a step.
    step_len: usize,
    step_at: Instant,
    /// When nobody is waited for any more.
    last_at: Instant,
    /// Connections that stations still have.
    pub(super) live: usize,
}

impl Drain {
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match (self.waiting.is_empty(), self.live) {
            (true, 0) => None,
            (true, _) => Some(self.last_at),
            (false, _) => Some(self.step_at),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.live == 0
    }
}

impl Shard {
    /// Closes every connection until `by`, refuses new ones.
    pub(crate) fn drain(&mut self, now: Now, by: Instant) {
        let mut waiting = VecDeque::new();
        for id in self.conns.ids().collect::<Vec<_>>() {
            match self.conns.live_mut(id) {
                Some(_) => waiting.push_back(id),
                None => self.end(id),
            }
        }
        for at in 1..waiting.len() {
            let other = self.random.next() % (at as u64 + 1);
            waiting.swap(at, other as usize);
        }
        let patience = by - now.mono;
        let steps = (patience / 2).as_millis() / STEP_EVERY.as_millis();
        let steps = usize::try_from(steps).unwrap_or(usize::MAX).max(1);
        self.drain = Some(Drain {
            step_len: waiting.len().div_ceil(steps).max(STEP_LEN_MIN),
            live: waiting.len(),
            waiting,
            step_at: now.mono,
            last_at: now.mono + patience * 3 / 4,
        });
        // What is held back on purpose goes now.
        self.send_delayed(now);
        self.drain_on(now);
    }

    /// Closes those whose turn it is.
    pub(super) fn drain_on(&mut self, now: Now) {
        let Some(drain) = &mut self.drain else {
            return;
        };
        let is_last = drain.last_at <= now.mono;
        if now.mono < drain.step_at && !is_last {
            return;
        }
        drain.step_at = now.mono + STEP_EVERY;
        let len = match is_last {
            true => drain.waiting.len(),
            false => drain.step_len.min(drain.waiting.len()),
        };
        let step: Vec<_> = drain.waiting.drain(..len).collect();
        for id in step {
            if let Some(live) = self.conns.live_mut(id) {
                live.leaves = true;
            }
            self.leave_if_done(now, id);
        }
        if is_last {
            for id in self.conns.ids().collect::<Vec<_>>() {
                if self.conns.live_mut(id).is_some() {
                    self.leave(now, id);
                }
            }
        }
    }

    /// Closes a connection that is to leave once nobody waits for an answer on it.
    pub(super) fn leave_if_done(&mut self, now: Now, id: ConnId) {
        let done = self
            .conns
            .live_mut(id)
            .is_some_and(|live| live.leaves && live.held == 0 && !live.rpc.is_waiting());
        if done {
            self.leave(now, id);
        }
    }

    fn leave(&mut self, now: Now, id: ConnId) {
        self.say_goodbye(now, id, CloseCode::SERVICE_RESTART, "server restarts");
    }

    /// True when the server goes down.
    pub(super) fn is_draining(&self) -> bool {
        self.drain.is_some()
    }

    /// True when a drain has nothing left to wait for.
    pub(crate) fn drained(&self) -> bool {
        self.drain.as_ref().is_none_or(Drain::is_over)
            && self.waiting.is_empty()
            && self.delayed.is_empty()
            && self.journal.waiting_since().is_none()
    }
}
