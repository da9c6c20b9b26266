//! What waits until a record is durable: answers to stations, replies to operators, commands.

use std::collections::VecDeque;

use fleet::Seq;
use net::driver::ConnId;
use ocpp::Instant;

use crate::CommandId;
use crate::certificates::Errand;

/// One thing that may happen once its record is safe.
pub(crate) enum Ready {
    /// A text for a connection; its bytes lie in the arena.
    Answer {
        conn: ConnId,
        /// When its call came, for the latency it is answered with.
        called_at: Instant,
        len: u32,
    },
    /// Somebody asked, and hears now.
    Reply(Box<dyn FnOnce() + Send>),
    /// A command may go out.
    Transmit(CommandId),
    /// Something is done elsewhere.
    Errand(Box<Errand>),
}

/// First in, first out: records are numbered in the order of what waits for them.
#[derive(Default)]
pub(crate) struct Waiting {
    queue: VecDeque<(Seq, Ready)>,
    /// Texts of the answers in `queue`, in its order, from `head` on. They become frames when they leave.
    arena: Vec<u8>,
    head: usize,
}

/// Memory that an empty queue keeps.
const KEPT_MAX: usize = 1 << 20;

impl Waiting {
    pub(crate) fn push(&mut self, seq: Seq, ready: Ready) {
        debug_assert!(
            self.queue.back().is_none_or(|(last, _)| *last <= seq),
            "records are in order"
        );
        self.queue.push_back((seq, ready));
    }

    /// Puts an answer in line.
    pub(crate) fn push_answer(&mut self, seq: Seq, conn: ConnId, called_at: Instant, text: &[u8]) {
        self.arena.extend_from_slice(text);
        let ready = Ready::Answer {
            conn,
            called_at,
            len: text.len() as u32,
        };
        self.push(seq, ready);
    }

    /// The next thing whose record is within `durable`, with the text if it is an answer.
    pub(crate) fn pop(&mut self, durable: Seq) -> Option<(Ready, &[u8])> {
        if self.queue.front().is_none_or(|(seq, _)| durable < *seq) {
            return None;
        }
        let (_, ready) = self.queue.pop_front()?;
        let len = match ready {
            Ready::Answer { len, .. } => len as usize,
            Ready::Reply(_) | Ready::Transmit(_) | Ready::Errand(_) => 0,
        };
        let start = self.head;
        self.head += len;
        Some((ready, &self.arena[start..start + len]))
    }

    /// Puts `later` behind what is here.
    pub(crate) fn append(&mut self, later: &mut Waiting) {
        self.queue.append(&mut later.queue);
        self.arena.extend_from_slice(&later.arena[later.head..]);
        later.arena.clear();
        later.head = 0;
    }

    /// Gives memory back after a round of [`Waiting::pop`].
    pub(crate) fn tidy(&mut self) {
        if self.queue.is_empty() {
            self.arena.clear();
            self.arena.shrink_to(KEPT_MAX);
            self.queue.shrink_to(1_024);
            self.head = 0;
        } else if self.arena.len() / 2 < self.head {
            self.arena.drain(..self.head);
            self.head = 0;
        }
    }

    /// Gives back the memory of an empty queue that [`Waiting::tidy`] keeps.
    pub(crate) fn let_go(&mut self) {
        if self.queue.is_empty() {
            *self = Self::default();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Bytes held.
    pub(crate) fn len(&self) -> usize {
        self.arena.len() - self.head + self.queue.len() * size_of::<(Seq, Ready)>()
    }
}
