//! What the reactor does through an io_uring where it would make system calls with epoll.

use std::io;
use std::os::fd::AsFd;

use super::ring::{Completion, Ring};
use crate::driver::reactor::{Ending, Reactor, Sockets};
use crate::driver::slots::State;
use crate::driver::{ConnId, Detached};

impl Reactor {
    pub(super) fn ring(&mut self) -> &mut Ring {
        match &mut self.sockets {
            Sockets::Uring(ring) => ring,
            Sockets::Epoll(_) => unreachable!("called by the io_uring driver alone"),
        }
    }

    /// Takes the descriptor of a connection into the ring and begins to receive.
    pub(in crate::driver) fn take_in(&mut self, conn: ConnId) -> io::Result<()> {
        let (Some(slot), Sockets::Uring(ring)) = (self.slots.get_mut(conn), &mut self.sockets)
        else {
            return Ok(());
        };
        let Some(socket) = &slot.fd else {
            return Ok(());
        };
        // A request on a socket that does not block is answered at once instead of when there is something.
        rustix::io::ioctl_fionbio(socket, false)?;
        ring.take_in(conn, socket.as_fd())?;
        slot.fd = None;
        slot.reads_armed = true;
        ring.receive(conn);
        Ok(())
    }

    /// Gives a connection away as a descriptor of this process.
    pub(in crate::driver) fn take_out(&mut self, conn: ConnId) -> Option<Detached> {
        let taken = self.ring().quiet(conn).and_then(|(late, sent)| {
            let socket = self.ring().install(conn)?;
            rustix::io::ioctl_fionbio(&socket, true)?;
            Ok((socket, late, sent))
        });
        let (socket, late, sent) = match taken {
            Ok(taken) => taken,
            Err(error) => {
                self.fail(conn, error.kind());
                return None;
            }
        };
        let (carry, unsent) = match self.slots.side_mut(conn) {
            Some(side) => {
                let mut unsent = std::mem::take(&mut side.in_flight);
                unsent.drain(..sent);
                unsent.append(&mut side.out);
                (std::mem::take(&mut side.carry), unsent)
            }
            None => (Vec::new(), Vec::new()),
        };
        let tls = self.tls.remove(conn);
        self.remove(conn, Ending::InOrder);
        Some(Detached {
            socket,
            carry,
            unsent,
            late,
            tls,
        })
    }

    /// Has the kernel send what was appended. Answers how much is unsent where that is known: because nothing is, or
    /// because the socket was full.
    pub(in crate::driver) fn begin_send(&mut self, conn: ConnId) -> Option<usize> {
        match self.slots.get(conn)?.state {
            State::Open | State::Closing => {}
            State::Connecting | State::Lingering | State::Gone | State::Draining | State::Free => {
                return None;
            }
        }
        let Sockets::Uring(ring) = &mut self.sockets else {
            return None;
        };
        let Some(side) = self.slots.side_mut(conn) else {
            return Some(0);
        };
        if ring.is_sending(conn) {
            return ring.has_tried(conn).then(|| side.unsent_len());
        }
        if side.out.is_empty() {
            return Some(0);
        }
        assert!(side.in_flight.is_empty());
        std::mem::swap(&mut side.out, &mut side.in_flight);
        // SAFETY: from here to the answer, `in_flight` is touched by nobody: `sent` and `take_out` look at the answer
        // first, and a side with something in flight is not given back before the connection has drained.
        unsafe { ring.send(conn, &side.in_flight) };
        None
    }

    /// The kernel has sent, or tried to.
    pub(super) fn sent(&mut self, completion: &Completion) {
        let conn = completion.conn;
        let Some(state) = self.slots.get(conn).map(|slot| slot.state) else {
            return;
        };
        let Some(side) = self.slots.side_mut(conn) else {
            return;
        };
        match completion.result {
            sent if 0 <= sent => {
                // Nearly always all of it.
                side.in_flight.drain(..sent as usize);
            }
            error if [-libc::EINTR, -libc::EAGAIN].contains(&error) => {}
            error => {
                side.in_flight.clear();
                let error = io::Error::from_raw_os_error(-error);
                if state != State::Draining {
                    self.fail(conn, error.kind());
                }
                return;
            }
        }
        match state {
            State::Open | State::Closing => {}
            State::Connecting | State::Lingering | State::Gone | State::Draining | State::Free => {
                return side.in_flight.clear();
            }
        }
        let (left, appended) = (side.in_flight.len(), side.out.len());
        if left == 0 && 0 < appended {
            return self.flush_later(conn);
        }
        self.settle(conn, left + appended);
        if 0 < left
            && let Some(State::Open | State::Closing) = self.slots.get(conn).map(|slot| slot.state)
            && let (Some(side), Sockets::Uring(ring)) =
                (self.slots.side_mut(conn), &mut self.sockets)
        {
            // SAFETY: as in `begin_send`.
            unsafe { ring.send(conn, &side.in_flight) };
        }
    }

    /// Keeps bytes that came for a connection that takes none.
    pub(super) fn keep(&mut self, conn: ConnId, bytes: &mut [u8]) {
        let mut opened = Vec::new();
        let kept = if self.slots.get(conn).is_some_and(|slot| slot.tls) {
            self.open_records(conn, bytes, &mut opened);
            &opened[..]
        } else {
            bytes
        };
        if !kept.is_empty()
            && let Some((_, side)) = self.slots.open_and_side(conn)
        {
            side.carry.extend_from_slice(kept);
        }
        self.end_with_its_session(conn);
        if self.config.buffers_len_max < self.slots.count(conn) {
            self.make_room();
        }
    }

    /// Receives on, where that is wanted and has come to an end.
    pub(super) fn receive_on(&mut self, conn: ConnId) {
        let Some(slot) = self.slots.get(conn) else {
            return;
        };
        let wanted = slot.reads_armed && !slot.peer_ended;
        match slot.state {
            State::Open | State::Closing | State::Lingering if wanted => self.ring().receive(conn),
            State::Open
            | State::Closing
            | State::Lingering
            | State::Connecting
            | State::Gone
            | State::Draining
            | State::Free => {}
        }
    }

    /// Gives the place of a connection to the next, if it is over and the kernel is through with it.
    pub(super) fn release_drained(&mut self, conn: ConnId) {
        let draining = |state| state == State::Draining;
        if self
            .slots
            .get(conn)
            .is_some_and(|slot| draining(slot.state))
            && !self.ring().is_busy(conn)
        {
            self.slots.remove(conn);
            self.ring().drained();
        }
    }
}
