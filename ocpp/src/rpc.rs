//! The calls we make on one OCPP-J connection, as seen from either end.
//!
//! An [`Rpc`] never touches a socket or a clock. The owner feeds it answers and time (`handle_*`), gives it calls to
//! make ([`Rpc::call`]), and drains it (`poll_*`) after each. The peer's calls are the business of [`Inbound`].
//!
//! # Invariants
//!
//! - At most one of our calls is unanswered at any time (OCPP 2.0.1 Part 4 §4.1.1; the same for 1.6, where it is
//!   a SHOULD).
//! - Every call handed to us ends in exactly one [`Event`], or comes back from [`Rpc::into_calls`].
//! - Without calls an `Rpc` holds no memory but its own few bytes.

mod inbound;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

pub use inbound::{Admission, Inbound};

use crate::{Frame, Instant};

/// A call of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// 1 to 36 characters, never used before with this peer.
    pub id: String,
    /// The action's name.
    pub action: Cow<'static, str>,
    /// The payload's JSON.
    pub payload: String,
    /// Time the peer has for its answer, from the moment the line is the call's own.
    pub answer_timeout: Duration,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The call, as it was handed in.
    pub call: Call,
    /// Its end.
    pub outcome: Outcome,
}

/// The end of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A CALLRESULT with this payload, still to be decoded.
    Answered(String),
    /// A CALLERROR.
    Refused {
        /// As sent; see [`crate::ErrorCode::parse`].
        code: String,
        /// As sent.
        description: String,
        /// JSON.
        details: String,
    },
    /// An answer that names the call and is no message otherwise.
    Unreadable,
    /// No answer within the time. One that comes later is counted and passed by.
    TimedOut,
}

/// The call was not taken, because as many as may be wait already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} calls wait for this connection already; {} was not taken", .queue_len_max, .call.action)]
pub struct QueueFull {
    /// The bound that was reached.
    pub queue_len_max: u16,
    /// The call, given back.
    pub call: Call,
}

/// Our side of the calls on one connection.
#[derive(Debug)]
pub struct Rpc {
    queue_len_max: u16,
    answers_unexpected: u16,
    /// Present while there is a call or an event.
    line: Option<Box<Line>>,
}

// An idle station costs its Rpc and its Inbound.
const _: () = assert!(size_of::<Rpc>() + size_of::<Inbound>() <= 24);

#[derive(Debug, Default)]
struct Line {
    current: Option<Current>,
    /// `queue.len() <= queue_len_max`; empty unless there is a current call.
    queue: VecDeque<Call>,
    events: VecDeque<Event>,
}

#[derive(Debug)]
struct Current {
    call: Call,
    deadline: Instant,
    transmitted: bool,
}

impl Rpc {
    /// A connection without calls. One has the line at a time; up to `queue_len_max` others wait behind it.
    pub fn new(queue_len_max: u16) -> Rpc {
        Rpc {
            queue_len_max,
            answers_unexpected: 0,
            line: None,
        }
    }

    /// Makes a call: at once when the line is free, else after those before it.
    ///
    /// # Errors
    ///
    /// [`QueueFull`] gives the call back when as many as may be wait already.
    pub fn call(&mut self, now: Instant, call: Call) -> Result<(), QueueFull> {
        let line = self.line.get_or_insert_default();
        if line.current.is_none() {
            line.begin(call, now);
            return Ok(());
        }
        if line.queue.len() >= usize::from(self.queue_len_max) {
            return Err(QueueFull {
                queue_len_max: self.queue_len_max,
                call,
            });
        }
        line.queue.push_back(call);
        Ok(())
    }

    /// Takes an answer of the peer. One that belongs to no call of ours is counted; what is no answer is passed by.
    pub fn handle_frame(&mut self, now: Instant, frame: &Frame<'_>) {
        match frame {
            Frame::Call { .. } | Frame::CallResultError { .. } | Frame::Send { .. } => {}
            Frame::CallResult { id, payload } => {
                self.end(now, id, || Outcome::Answered((*payload).to_owned()));
            }
            Frame::CallError {
                id,
                code,
                description,
                details,
            } => self.end(now, id, || Outcome::Refused {
                code: code.clone().into_owned(),
                description: description.clone().into_owned(),
                details: (*details).to_owned(),
            }),
        }
    }

    /// Takes what was meant as an answer to the call `id` and is no message
    /// ([`AnswerElements`](crate::FrameFault::AnswerElements) and
    /// [`RefusalElements`](crate::FrameFault::RefusalElements)).
    pub fn handle_unreadable(&mut self, now: Instant, id: &str) {
        self.end(now, id, || Outcome::Unreadable);
    }

    /// Ends the current call if its time is over.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due = self.poll_timeout().is_some_and(|deadline| deadline <= now);
        if let Some(line) = self.line.as_mut().filter(|_| due) {
            line.finish(Outcome::TimedOut, now);
        }
    }

    /// When [`Rpc::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let current = self.line.as_ref()?.current.as_ref()?;
        Some(current.deadline)
    }

    /// True while a call that was sent is unanswered.
    pub fn is_waiting(&self) -> bool {
        let current = self.line.as_ref().and_then(|line| line.current.as_ref());
        current.is_some_and(|current| current.transmitted)
    }

    /// The call to send now; each is handed out once.
    pub fn poll_transmit(&mut self) -> Option<&Call> {
        let current = self.line.as_mut()?.current.as_mut()?;
        if std::mem::replace(&mut current.transmitted, true) {
            return None;
        }
        Some(&current.call)
    }

    /// The next call that has ended.
    pub fn poll_event(&mut self) -> Option<Event> {
        let line = self.line.as_mut()?;
        let event = line.events.pop_front();
        if line.current.is_none() && line.events.is_empty() {
            self.line = None;
        }
        event
    }

    /// Answers that belonged to no call: late, repeated or invented ones. Counts to 65,535 and stays there.
    pub fn answers_unexpected(&self) -> u16 {
        self.answers_unexpected
    }

    /// Takes the unfinished calls out when the connection is gone: the one that was sent, whose fate is unknown, and
    /// those that never were.
    pub fn into_calls(self) -> (Option<Call>, Vec<Call>) {
        let Some(line) = self.line else {
            return (None, Vec::new());
        };
        let Line { current, queue, .. } = *line;
        let mut unsent = Vec::from(queue);
        match current {
            Some(current) if current.transmitted => (Some(current.call), unsent),
            Some(current) => {
                unsent.insert(0, current.call);
                (None, unsent)
            }
            None => (None, unsent),
        }
    }

    fn end(&mut self, now: Instant, id: &str, outcome: impl FnOnce() -> Outcome) {
        let line = self.line.as_mut().filter(|line| {
            let current = line.current.as_ref();
            current.is_some_and(|current| current.transmitted && current.call.id == id)
        });
        match line {
            Some(line) => line.finish(outcome(), now),
            None => self.answers_unexpected = self.answers_unexpected.saturating_add(1),
        }
    }
}

impl Line {
    fn begin(&mut self, call: Call, now: Instant) {
        self.current = Some(Current {
            deadline: now + call.answer_timeout,
            call,
            transmitted: false,
        });
    }

    /// Ends the current call and gives the line to the next.
    fn finish(&mut self, outcome: Outcome, now: Instant) {
        let Some(current) = self.current.take() else {
            return;
        };
        self.events.push_back(Event {
            call: current.call,
            outcome,
        });
        if let Some(next) = self.queue.pop_front() {
            self.begin(next, now);
        }
    }
}

#[cfg(test)]
mod tests;
