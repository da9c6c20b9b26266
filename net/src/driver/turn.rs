//! What a turn does with its handler, on either driver.

use std::io;

use super::reactor::{Ended, Reactor};
use super::slots::State;
use super::{Closed, ConnId, Handler, Io};
use crate::clock;

impl Reactor {
    pub(super) fn read_clocks(&mut self) {
        self.now = clock::monotonic_ns();
        self.utc_micros = clock::utc_micros();
    }

    /// Tells the handler that the driver was woken.
    pub(super) fn woken<H: Handler>(&mut self, handler: &mut H) {
        handler.woken(&mut Io { reactor: self });
        self.tell(handler);
    }

    /// What follows the events of a turn and precedes its end.
    pub(super) fn late_calls<H: Handler>(&mut self, handler: &mut H) {
        for conn in std::mem::take(&mut self.resumed) {
            self.offer_again(handler, conn);
        }
        if handler.poll_timeout().is_some_and(|at| at <= self.now) {
            handler.timer(&mut Io { reactor: self });
            self.tell(handler);
        }
        self.expire_lingering();
    }

    /// Ends the turn; again, if a flush ended connections and the handler had something to do for it.
    pub(super) fn end_turn<H: Handler>(&mut self, handler: &mut H) {
        loop {
            handler.turn_ended(&mut Io { reactor: self });
            self.tell(handler);
            self.flush_all();
            if self.ended.is_empty() {
                return;
            }
            self.tell(handler);
        }
    }

    /// Ends everything.
    pub(super) fn stop<H: Handler>(&mut self, handler: &mut H) {
        self.stop_accepting();
        let all: Vec<ConnId> = self.slots.ids().collect();
        for conn in all {
            match self.slots.get(conn).map(|slot| slot.state) {
                Some(State::Open) => self.end_at_once(conn, Closed::Stopped),
                Some(State::Connecting) => {
                    self.fail_connect(conn, io::ErrorKind::ConnectionAborted.into());
                }
                Some(State::Closing | State::Lingering) => {
                    self.remove(conn, super::Ending::InOrder)
                }
                Some(State::Gone | State::Draining | State::Free) | None => {}
            }
        }
        self.tell(handler);
        handler.turn_ended(&mut Io { reactor: self });
    }

    /// Tells the handler which connections have ended. Called after every call of the handler.
    pub(super) fn tell<H: Handler>(&mut self, handler: &mut H) {
        while let Some((conn, ended)) = self.ended.pop_front() {
            match ended {
                Ended::Closed(reason) => handler.closed(&mut Io { reactor: self }, conn, reason),
                Ended::ConnectFailed { tag, error } => {
                    handler.connect_failed(&mut Io { reactor: self }, tag, error);
                }
            }
            if self
                .slots
                .get(conn)
                .is_some_and(|slot| slot.state == State::Gone)
            {
                self.free(conn);
            }
        }
    }

    /// Gives the handler `bytes`, which were just received, behind what it left.
    pub(super) fn deliver<H: Handler>(&mut self, handler: &mut H, conn: ConnId, bytes: &mut [u8]) {
        if self.slots.get(conn).is_some_and(|slot| slot.tls) {
            return self.deliver_records(handler, conn, bytes);
        }
        self.deliver_plain(handler, conn, bytes);
    }

    /// The same, of bytes that anybody may read.
    #[inline]
    pub(super) fn deliver_plain<H: Handler>(
        &mut self,
        handler: &mut H,
        conn: ConnId,
        bytes: &mut [u8],
    ) {
        let len = bytes.len();
        let mut carry = match self.slots.side_mut(conn) {
            Some(side) => std::mem::take(&mut side.carry),
            None => Vec::new(),
        };
        if carry.is_empty() {
            let consumed = handler.received(&mut Io { reactor: self }, conn, bytes);
            assert!(consumed <= len);
            if consumed < len {
                self.store_carry(conn, bytes[consumed..].to_vec());
            }
        } else {
            // Only the rest of a message is ever copied.
            carry.extend_from_slice(bytes);
            let consumed = handler.received(&mut Io { reactor: self }, conn, &mut carry);
            assert!(consumed <= carry.len());
            carry.drain(..consumed);
            self.store_carry(conn, carry);
        }
        self.tell(handler);
    }

    pub(super) fn offer_again<H: Handler>(&mut self, handler: &mut H, conn: ConnId) {
        let Some(slot) = self.slots.open(conn) else {
            return;
        };
        if slot.paused || self.all_paused {
            return;
        }
        if self
            .slots
            .side(conn)
            .is_some_and(|side| !side.carry.is_empty())
        {
            self.deliver(handler, conn, &mut []);
        }
    }

    pub(super) fn peer_ended<H: Handler>(&mut self, handler: &mut H, conn: ConnId) {
        // A resume earlier in this turn may have left whole messages to offer; they came before the end.
        self.offer_again(handler, conn);
        let Some(slot) = self.slots.open(conn) else {
            return;
        };
        if !slot.paused && !self.all_paused {
            slot.peer_ended = true;
            self.end_in_order(conn, Closed::Peer);
            self.tell(handler);
        }
    }
}
