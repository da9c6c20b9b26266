//! The state of one driver and everything it does without its handler.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, Shutdown, SocketFlags, SocketType, sockopt};

use super::slots::{Slots, State};
use super::tls::Sessions;
use super::uring::Ring;
use super::{Closed, Config, ConnId, Detached};
use crate::os::{self, Listener};

/// What [`Closed`] and `connect_failed` wait for: the handler is never called from within its own call.
#[derive(Debug)]
pub(super) enum Ended {
    Closed(Closed),
    ConnectFailed { tag: u64, error: io::Error },
}

/// What the driver asks to watch, send and close.
#[derive(Debug)]
pub(super) enum Sockets {
    Epoll(OwnedFd),
    Uring(Box<Ring>),
}

/// How a socket goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// What the kernel has to send is sent.
    InOrder,
    /// The peer sees a reset, and the kernel's buffers are free.
    Reset,
}

#[derive(Debug)]
pub(super) struct Reactor {
    /// Before `slots`: what the kernel may still be sending from lies there.
    pub(super) sockets: Sockets,
    pub(super) config: Config,
    pub(super) listeners: Vec<Listener>,
    pub(super) slots: Slots,
    /// Of the connections that have one.
    pub(super) tls: Sessions,
    /// Connections with something to flush when the turn ends.
    dirty: Vec<ConnId>,
    /// Ends the handler has not heard of.
    pub(super) ended: VecDeque<(ConnId, Ended)>,
    /// Connections whose unconsumed bytes are to be offered again.
    pub(super) resumed: Vec<ConnId>,
    /// Connections that are not watched because all are paused.
    parked: Vec<ConnId>,
    /// Closed connections and when they are reset; one duration for all, so the front is the next.
    pub(super) lingering: VecDeque<(u64, ConnId)>,
    /// Takes what is appended to connections that are over; emptied every turn.
    sink: Vec<u8>,
    pub(super) now: u64,
    pub(super) utc_micros: i64,
    pub(super) all_paused: bool,
    pub(super) stopping: bool,
}

impl Reactor {
    pub(super) fn new(sockets: Sockets, config: Config, listeners: Vec<Listener>) -> Reactor {
        Reactor {
            sockets,
            config,
            listeners,
            slots: Slots::default(),
            tls: Sessions::default(),
            dirty: Vec::new(),
            ended: VecDeque::new(),
            resumed: Vec::new(),
            parked: Vec::new(),
            lingering: VecDeque::new(),
            sink: Vec::new(),
            now: 0,
            utc_micros: 0,
            all_paused: false,
            stopping: false,
        }
    }

    /// Open connections, and those on their way in or out.
    pub(super) fn connections(&self) -> usize {
        match &self.sockets {
            Sockets::Epoll(_) => self.slots.len(),
            Sockets::Uring(ring) => self.slots.len() - ring.draining(),
        }
    }

    // ---- connections that come ----

    /// Takes a connected socket and watches it for reading.
    pub(super) fn insert(&mut self, socket: OwnedFd) -> io::Result<ConnId> {
        self.check_room()?;
        let conn = self.slots.insert(Some(socket), State::Open);
        let watched = match &self.sockets {
            Sockets::Epoll(_) => self.watch_new(conn, READS),
            Sockets::Uring(_) => self.take_in(conn),
        };
        if let Err(error) = watched {
            self.slots.remove(conn);
            return Err(error);
        }
        Ok(conn)
    }

    /// Takes a socket that was accepted into the ring's table of files.
    pub(super) fn insert_file(&mut self, file: u32) -> ConnId {
        let conn = self.slots.insert(None, State::Open);
        if let (Some(slot), Sockets::Uring(ring)) = (self.slots.get_mut(conn), &mut self.sockets) {
            slot.reads_armed = true;
            ring.begin(conn, file, true);
        }
        conn
    }

    fn check_room(&self) -> io::Result<()> {
        let limit = self.config.connections_max;
        if self.slots.len() < limit {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "all {limit} connections are in use"
        )))
    }

    /// Begins to watch the socket of a new connection.
    fn watch_new(&mut self, conn: ConnId, watched: epoll::EventFlags) -> io::Result<()> {
        let Some(slot) = self.slots.get_mut(conn) else {
            return Ok(());
        };
        slot.reads_armed = watched.contains(epoll::EventFlags::IN);
        slot.writes_armed = watched.contains(epoll::EventFlags::OUT);
        let Some(socket) = &slot.fd else {
            return Ok(());
        };
        match &mut self.sockets {
            Sockets::Epoll(epoll) => {
                let data = epoll::EventData::new_u64(conn.to_bits());
                epoll::add(epoll, socket, data, watched)?;
            }
            // Only for connecting ones; the others are taken in.
            Sockets::Uring(ring) => ring.watch_connect(conn, socket),
        }
        Ok(())
    }

    pub(super) fn connect(
        &mut self,
        peer: SocketAddr,
        source: Option<IpAddr>,
        tag: u64,
    ) -> io::Result<ConnId> {
        let family = if peer.is_ipv4() {
            AddressFamily::INET
        } else {
            AddressFamily::INET6
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        os::set_user_timeout(&socket, self.config.user_timeout)?;
        if let Some(source) = source {
            os::bind_source(&socket, source)?;
        }
        match rustix::net::connect(&socket, &peer) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        self.check_room()?;
        let conn = self.slots.insert(Some(socket), State::Connecting);
        if let Err(error) = self.watch_new(conn, epoll::EventFlags::OUT) {
            self.slots.remove(conn);
            return Err(error);
        }
        if let Some(side) = self.slots.side_or_new(conn) {
            side.tag = tag;
        }
        Ok(conn)
    }

    /// The connecting socket of `conn` is writable: connected, or failed.
    pub(super) fn finish_connect(&mut self, conn: ConnId) -> Option<u64> {
        let socket = self.slots.get(conn)?.fd.as_ref()?;
        match sockopt::socket_error(socket) {
            Ok(Ok(())) => {}
            Ok(Err(error)) | Err(error) => {
                self.fail_connect(conn, error.into());
                return None;
            }
        }
        if matches!(self.sockets, Sockets::Uring(_))
            && let Err(error) = self.take_in(conn)
        {
            self.fail_connect(conn, error);
            return None;
        }
        let tag = self.slots.side(conn)?.tag;
        self.slots.release_side_if_empty(conn);
        self.slots.get_mut(conn)?.state = State::Open;
        self.watch(conn, true, false);
        Some(tag)
    }

    pub(super) fn fail_connect(&mut self, conn: ConnId, error: io::Error) {
        let tag = self.slots.side(conn).map_or(0, |side| side.tag);
        let Some(slot) = self.slots.get_mut(conn) else {
            return;
        };
        slot.state = State::Gone;
        self.close_socket(conn, Ending::InOrder);
        self.ended
            .push_back((conn, Ended::ConnectFailed { tag, error }));
    }

    pub(super) fn adopt(&mut self, detached: Detached) -> io::Result<ConnId> {
        let conn = self.insert(detached.socket)?;
        let (mut carry, mut late) = (detached.carry, detached.late);
        match detached.tls {
            None => carry.append(&mut late),
            Some(secured) => {
                self.secure(conn, secured);
                self.open_records(conn, &mut late, &mut carry);
            }
        }
        if carry.is_empty() {
            self.end_with_its_session(conn);
        } else {
            // With them it ends, if its session is over.
            self.store_carry(conn, carry);
            self.resumed.push(conn);
        }
        if !detached.unsent.is_empty()
            && let Some(side) = self.slots.side_or_new(conn)
        {
            // Before what opening its late bytes had TLS say.
            side.out.splice(..0, detached.unsent);
            self.flush_later(conn);
        }
        Ok(conn)
    }

    // ---- bytes ----

    pub(super) fn out(&mut self, conn: ConnId) -> &mut Vec<u8> {
        let Some((slot, side)) = self.slots.open_and_side(conn) else {
            return &mut self.sink;
        };
        if !slot.dirty {
            slot.dirty = true;
            self.dirty.push(conn);
        }
        if slot.tls {
            return match self.tls.outgoing(conn) {
                Some(outgoing) => outgoing,
                None => &mut self.sink,
            };
        }
        &mut side.out
    }

    /// Keeps what the handler of `conn` did not consume.
    pub(super) fn store_carry(&mut self, conn: ConnId, carry: Vec<u8>) {
        if self.slots.open(conn).is_none() {
            return;
        }
        let len = carry.len();
        if let Some(side) = self.slots.side_or_new(conn) {
            side.carry = carry;
        }
        let buffered = self.slots.count(conn);
        if len == 0 {
            self.slots.release_side_if_empty(conn);
        } else if len > self.config.carry_len_max {
            self.end_at_once(conn, Closed::CarryFull);
        } else if buffered > self.config.buffers_len_max {
            self.make_room();
        }
    }

    /// Ends those that hold most of the driver's buffers, until a sixteenth is free: whoever came last need not be who takes
    /// the room.
    pub(super) fn make_room(&mut self) {
        let mut held = self.slots.buffered() + self.tls.incoming_len();
        let enough = self.config.buffers_len_max / 16 * 15;
        let mut holders: Vec<_> = self.slots.holders().chain(self.tls.holders()).collect();
        holders.sort_unstable_by_key(|(len, at)| (Reverse(*len), *at));
        for (len, at) in holders {
            if held <= enough {
                return;
            }
            held -= len;
            let conn = self.slots.at(at);
            match self.slots.get(conn).map(|slot| slot.state) {
                Some(State::Open) => self.end_at_once(conn, Closed::BuffersFull),
                Some(State::Closing | State::Lingering) => self.remove(conn, Ending::Reset),
                Some(State::Connecting | State::Gone | State::Draining | State::Free) | None => {}
            }
        }
    }

    /// Sends when the turn ends.
    pub(super) fn flush_later(&mut self, conn: ConnId) {
        if let Some(slot) = self.slots.get_mut(conn)
            && !std::mem::replace(&mut slot.dirty, true)
        {
            self.dirty.push(conn);
        }
    }

    /// There is something to flush or to tell.
    pub(super) fn has_news(&self) -> bool {
        !self.ended.is_empty() || !self.dirty.is_empty()
    }

    /// Sends what was appended in this turn.
    pub(super) fn flush_all(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for conn in dirty.drain(..) {
            if let Some(slot) = self.slots.get_mut(conn) {
                slot.dirty = false;
                // A socket that was full is tried again when it says that it is not.
                let full = slot.writes_armed;
                if slot.tls {
                    self.seal(conn);
                }
                self.flush(conn, full);
            }
        }
        self.dirty = dirty;
        self.sink.clear();
        self.sink.shrink_to(SINK_KEPT_MAX);
    }

    /// Sends what the socket takes, unless it is known to be `full`, and goes on from there.
    pub(super) fn flush(&mut self, conn: ConnId, full: bool) {
        let sent = match &self.sockets {
            Sockets::Epoll(_) => self.send(conn, full).map(Some),
            Sockets::Uring(_) => Ok(self.begin_send(conn)),
        };
        match sent {
            Ok(Some(pending)) => self.settle(conn, pending),
            // It is known when the kernel has tried.
            Ok(None) => {}
            Err(error) => self.fail(conn, error.kind()),
        }
    }

    /// The socket has taken what it could and left `pending` bytes.
    pub(super) fn settle(&mut self, conn: ConnId, pending: usize) {
        let Some(slot) = self.slots.get(conn) else {
            return;
        };
        if pending == 0 && slot.state == State::Open && !slot.writes_armed {
            // Nearly always: the socket took at once what was never counted as unsent.
            return self.slots.release_side_if_empty(conn);
        }
        let buffered = self.slots.count(conn);
        let Some(slot) = self.slots.get(conn) else {
            return;
        };
        let (state, reads_armed, peer_ended) = (slot.state, slot.reads_armed, slot.peer_ended);
        if pending == 0 && state == State::Closing && slot.dirty {
            // An earlier send is through, and what TLS seals at the end of the turn is still to come.
            return;
        }
        if pending == 0 {
            self.slots.release_side_if_empty(conn);
        }
        match state {
            State::Open if pending > self.config.pending_len_max => {
                self.end_at_once(conn, Closed::SlowConsumer);
            }
            State::Open => {
                self.watch(conn, reads_armed, pending > 0);
                if pending > 0 && buffered > self.config.buffers_len_max {
                    self.make_room();
                }
            }
            State::Closing if pending > self.config.pending_len_max => {
                self.remove(conn, Ending::Reset);
            }
            State::Closing if pending > 0 => self.watch(conn, !peer_ended, true),
            State::Closing if peer_ended => self.remove(conn, Ending::InOrder),
            State::Closing => self.shut_down(conn),
            State::Free | State::Connecting | State::Lingering | State::Gone | State::Draining => {}
        }
    }

    /// One `send`; answers how many bytes are left.
    fn send(&mut self, conn: ConnId, full: bool) -> io::Result<usize> {
        let Some((socket, side)) = self.slots.socket_and_side(conn) else {
            return Ok(0);
        };
        if side.out.is_empty() || full {
            return Ok(side.out.len());
        }
        match rustix::net::send(socket, &side.out, SendFlags::NOSIGNAL) {
            Ok(sent) if sent == side.out.len() => side.out.clear(),
            Ok(sent) => drop(side.out.drain(..sent)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(side.out.len())
    }

    // ---- reading, or not ----

    /// Bytes came for a connection that takes none: more are not asked for.
    pub(super) fn park(&mut self, conn: ConnId) {
        let Some(slot) = self.slots.open(conn) else {
            return;
        };
        let writes_armed = slot.writes_armed;
        if self.all_paused && slot.reads_armed {
            self.parked.push(conn);
        }
        self.watch(conn, false, writes_armed);
    }

    pub(super) fn resume(&mut self, conn: ConnId) {
        let Some(slot) = self.slots.open(conn) else {
            return;
        };
        slot.held = false;
        if !std::mem::take(&mut slot.paused) {
            return;
        }
        let (reads_armed, writes_armed) = (slot.reads_armed, slot.writes_armed);
        if self
            .slots
            .side(conn)
            .is_some_and(|side| !side.carry.is_empty())
        {
            self.resumed.push(conn);
        }
        match (reads_armed, self.all_paused) {
            (true, _) => {}
            (false, true) => self.parked.push(conn),
            (false, false) => self.watch(conn, true, writes_armed),
        }
    }

    pub(super) fn resume_all(&mut self) {
        self.all_paused = false;
        for conn in std::mem::take(&mut self.parked) {
            if let Some(slot) = self.slots.open(conn)
                && !slot.paused
            {
                let writes_armed = slot.writes_armed;
                self.watch(conn, true, writes_armed);
            }
        }
        self.resumed.extend(self.slots.carrying());
    }

    /// Watches `conn` for this, at some cost only if it was not watched so.
    pub(super) fn watch(&mut self, conn: ConnId, reads: bool, writes: bool) {
        let Some(slot) = self.slots.get_mut(conn) else {
            return;
        };
        if (slot.reads_armed, slot.writes_armed) == (reads, writes) {
            return;
        }
        match &mut self.sockets {
            Sockets::Epoll(epoll) => {
                let Some(socket) = &slot.fd else { return };
                let mut flags = epoll::EventFlags::empty();
                flags.set(READS, reads);
                if slot.held {
                    flags |= epoll::EventFlags::RDHUP;
                }
                flags.set(epoll::EventFlags::OUT, writes);
                let data = epoll::EventData::new_u64(conn.to_bits());
                if let Err(error) = epoll::modify(epoll, socket, data, flags) {
                    return self.fail(conn, io::Error::from(error).kind());
                }
            }
            // A send under way says by itself when it is through.
            Sockets::Uring(_) if reads == slot.reads_armed => {}
            Sockets::Uring(ring) if reads => ring.receive(conn),
            Sockets::Uring(ring) => ring.stop_receiving(conn, slot.held),
        }
        (slot.reads_armed, slot.writes_armed) = (reads, writes);
    }

    // ---- connections that go ----

    /// Over for the handler; what it appended is sent first.
    pub(super) fn end_in_order(&mut self, conn: ConnId, reason: Closed) {
        let Some(slot) = self.slots.open(conn) else {
            return;
        };
        slot.state = State::Closing;
        self.flush_later(conn);
        if let Some(side) = self.slots.side_mut(conn) {
            side.carry = Vec::new();
        }
        self.slots.count(conn);
        let linger = u64::try_from(self.config.linger.as_nanos()).unwrap_or(u64::MAX);
        self.lingering
            .push_back((self.now.saturating_add(linger), conn));
        self.ended.push_back((conn, Ended::Closed(reason)));
    }

    /// Over for everyone, with a reset if it was our decision: that frees the kernel's buffers.
    pub(super) fn end_at_once(&mut self, conn: ConnId, reason: Closed) {
        let Some(slot) = self.slots.open(conn) else {
            return;
        };
        slot.state = State::Gone;
        let ending = match reason {
            Closed::Aborted | Closed::SlowConsumer | Closed::CarryFull | Closed::BuffersFull => {
                Ending::Reset
            }
            Closed::Local | Closed::Peer | Closed::Failed(_) | Closed::Tls(_) | Closed::Stopped => {
                Ending::InOrder
            }
        };
        self.close_socket(conn, ending);
        self.ended.push_back((conn, Ended::Closed(reason)));
    }

    fn close_socket(&mut self, conn: ConnId, ending: Ending) {
        let Some(slot) = self.slots.get_mut(conn) else {
            return;
        };
        let socket = slot.fd.take();
        if std::mem::take(&mut slot.tls) {
            self.tls.remove(conn);
        }
        match &mut self.sockets {
            Sockets::Epoll(_) if ending == Ending::Reset => close_with_reset(socket),
            Sockets::Epoll(_) => drop(socket),
            Sockets::Uring(ring) => ring.close(conn, ending),
        }
    }

    /// Ends the id and its socket.
    pub(super) fn remove(&mut self, conn: ConnId, ending: Ending) {
        self.close_socket(conn, ending);
        self.free(conn);
    }

    /// Gives the place of a connection whose socket is gone to the next, once the kernel is through with it.
    pub(super) fn free(&mut self, conn: ConnId) {
        if let Sockets::Uring(ring) = &mut self.sockets
            && ring.is_busy(conn)
        {
            if let Some(slot) = self.slots.get_mut(conn) {
                slot.state = State::Draining;
                ring.drains();
            }
            if let Some(side) = self.slots.side_mut(conn) {
                (side.out, side.carry) = (Vec::new(), Vec::new());
            }
            return;
        }
        self.slots.remove(conn);
    }

    /// The network ended it.
    pub(super) fn fail(&mut self, conn: ConnId, kind: io::ErrorKind) {
        match self.slots.get(conn).map(|slot| slot.state) {
            Some(State::Open) => self.end_at_once(conn, Closed::Failed(kind)),
            Some(State::Connecting) => self.fail_connect(conn, kind.into()),
            Some(State::Closing | State::Lingering) => self.remove(conn, Ending::InOrder),
            Some(State::Gone | State::Draining | State::Free) | None => {}
        }
    }

    fn shut_down(&mut self, conn: ConnId) {
        let Some(slot) = self.slots.get_mut(conn) else {
            return;
        };
        slot.state = State::Lingering;
        match &mut self.sockets {
            Sockets::Epoll(_) => {
                let Some(socket) = &slot.fd else { return };
                if rustix::net::shutdown(socket, Shutdown::Write).is_err() {
                    // The peer was faster.
                    return self.remove(conn, Ending::InOrder);
                }
            }
            Sockets::Uring(ring) => ring.shut_down(conn),
        }
        self.watch(conn, true, false);
    }

    /// Ends what lingers too long.
    pub(super) fn expire_lingering(&mut self) {
        while let Some(&(deadline, conn)) = self.lingering.front()
            && deadline <= self.now
        {
            self.lingering.pop_front();
            match self.slots.get(conn).map(|slot| slot.state) {
                Some(State::Closing | State::Lingering) => self.remove(conn, Ending::Reset),
                Some(
                    State::Open | State::Connecting | State::Gone | State::Draining | State::Free,
                )
                | None => {}
            }
        }
    }

    pub(super) fn detach(&mut self, conn: ConnId) -> Option<Detached> {
        // Elsewhere nobody knows that it is to speak TLS.
        self.begin_tls(conn);
        let slot = self.slots.open(conn)?;
        let epoll = match &self.sockets {
            Sockets::Epoll(epoll) => epoll,
            Sockets::Uring(_) => return self.take_out(conn),
        };
        let socket = slot.fd.as_ref()?;
        // Fails only for a socket that is not watched, which is as good.
        let _ = epoll::delete(epoll, socket);
        let (carry, unsent) = match self.slots.side_mut(conn) {
            Some(side) => (
                std::mem::take(&mut side.carry),
                std::mem::take(&mut side.out),
            ),
            None => (Vec::new(), Vec::new()),
        };
        let tls = self.tls.remove(conn);
        Some(Detached {
            socket: self.slots.remove(conn)?,
            carry,
            unsent,
            late: Vec::new(),
            tls,
        })
    }

    pub(super) fn stop_accepting(&mut self) {
        // Closing the last descriptor takes the listener out of epoll; one that is shared with another
        // driver stays open, so it is taken out by name.
        if let Sockets::Uring(ring) = &mut self.sockets {
            ring.stop_accepting();
        }
        for listener in self.listeners.drain(..) {
            if let Sockets::Epoll(epoll) = &self.sockets {
                let _ = epoll::delete(epoll, &listener.socket);
            }
        }
    }
}

/// What reading watches for; the end of the peer's side is read like bytes.
pub(super) const READS: epoll::EventFlags = epoll::EventFlags::IN.union(epoll::EventFlags::RDHUP);

const SINK_KEPT_MAX: usize = 64 << 10;

fn close_with_reset(socket: Option<OwnedFd>) {
    if let Some(socket) = socket {
        // Fails only on what is no socket; then there is nothing to reset.
        let _ = sockopt::set_socket_linger(&socket, Some(Duration::ZERO));
    }
}
