//! What a handler may do.

use std::io;
use std::net::{IpAddr, SocketAddr};

use super::reactor::{Reactor, Sockets};
use super::slots::{Side, State};
use super::{Closed, ConnId, Detached};
use crate::tls::{CertificateDer, TlsClient, TlsPeer};

/// The driver as its handler sees it during a call.
///
/// Every method takes any [`ConnId`]; one that is over, or not yet open, is passed by, and what is
/// appended to it goes nowhere.
#[derive(Debug)]
pub struct Io<'a> {
    pub(super) reactor: &'a mut Reactor,
}

impl Io<'_> {
    /// Nanoseconds of [`crate::clock::monotonic_ns`], read once per turn.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.reactor.now
    }

    /// Microseconds of UTC, read once per turn.
    #[must_use]
    pub fn utc_micros(&self) -> i64 {
        self.reactor.utc_micros
    }

    /// Open connections, and those on their way in or out.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.reactor.connections()
    }

    /// The connection's unsent bytes, to append to. They leave together when the turn ends.
    ///
    /// Append only: what stands there may be the rest of something that has left in part.
    pub fn out(&mut self, conn: ConnId) -> &mut Vec<u8> {
        self.reactor.out(conn)
    }

    /// Appends `bytes` to [`Io::out`].
    pub fn send(&mut self, conn: ConnId, bytes: &[u8]) {
        self.out(conn).extend_from_slice(bytes);
    }

    /// Bytes appended and not yet taken by the socket.
    #[must_use]
    pub fn pending_len(&self, conn: ConnId) -> usize {
        let sealed = self.reactor.slots.side(conn).map_or(0, Side::unsent_len);
        sealed + self.reactor.tls.outgoing_len(conn)
    }

    /// Ends the connection in order: what was appended is sent, then our side is shut down, and the
    /// socket goes when the peer ends its side or after `linger`. The handler hears
    /// [`Closed::Local`] right after this call, and nothing more.
    pub fn close(&mut self, conn: ConnId) {
        if self.reactor.slots.open(conn).is_some() {
            self.reactor.end_in_order(conn, Closed::Local);
        }
    }

    /// Ends the connection at once with a reset; what was not sent is lost. Of a connection that is
    /// not yet open the handler hears [`super::Handler::connect_failed`].
    pub fn abort(&mut self, conn: ConnId) {
        match self.reactor.slots.get(conn).map(|slot| slot.state) {
            Some(State::Open) => self.reactor.end_at_once(conn, Closed::Aborted),
            Some(State::Connecting) => {
                self.reactor
                    .fail_connect(conn, io::ErrorKind::ConnectionAborted.into());
            }
            Some(
                State::Closing | State::Lingering | State::Gone | State::Draining | State::Free,
            )
            | None => {}
        }
    }

    /// Takes no more bytes of this connection until [`Io::resume_reads`]; TCP slows the peer down.
    pub fn pause_reads(&mut self, conn: ConnId) {
        if let Some(slot) = self.reactor.slots.open(conn) {
            slot.paused = true;
        }
    }

    /// As [`Io::pause_reads`], of a connection that was just opened and whose bytes are of no use once its peer has gone: it
    /// ends then, as [`super::Closed::Peer`].
    pub fn hold(&mut self, conn: ConnId) {
        if let Some(slot) = self.reactor.slots.open(conn) {
            (slot.paused, slot.held) = (true, true);
        }
    }

    /// Undoes [`Io::pause_reads`] and [`Io::hold`]; unconsumed bytes come again.
    pub fn resume_reads(&mut self, conn: ConnId) {
        self.reactor.resume(conn);
    }

    /// Takes no more bytes of any connection; costs nothing but for those that go on sending.
    pub fn pause_all_reads(&mut self) {
        self.reactor.all_paused = true;
    }

    /// Undoes [`Io::pause_all_reads`]; connections paused one by one stay so.
    pub fn resume_all_reads(&mut self) {
        self.reactor.resume_all();
    }

    /// Begins to connect to `peer`, from the address `source` if given. One call of
    /// [`super::Handler::opened`] or [`super::Handler::connect_failed`] with this `tag` follows.
    ///
    /// # Errors
    ///
    /// The attempt could not begin, for want of descriptors or ports; no call follows.
    pub fn connect(
        &mut self,
        peer: SocketAddr,
        source: Option<IpAddr>,
        tag: u64,
    ) -> io::Result<ConnId> {
        self.reactor.connect(peer, source, tag)
    }

    /// Has a connection that [`Io::connect`] made speak TLS, before anything was said; in
    /// [`super::Handler::opened`], say. What is appended before the handshake is through goes out after it.
    ///
    /// # Errors
    ///
    /// The connection is over, or speaks TLS already; or the system has no random bytes.
    pub fn start_tls(&mut self, conn: ConnId, client: &TlsClient) -> io::Result<()> {
        self.reactor.start_tls(conn, client)
    }

    /// What the TLS handshake of a connection came to; `None` without TLS, and before it is through.
    #[must_use]
    pub fn tls_peer(&self, conn: ConnId) -> Option<TlsPeer> {
        let slot = self.reactor.slots.get(conn)?;
        slot.tls.then(|| self.reactor.tls.peer(conn)).flatten()
    }

    /// Within [`super::Handler::closed`] of a connection whose certificate was refused: that certificate. Nothing that it
    /// says is proven.
    #[must_use]
    pub fn refused_certificate(&self, conn: ConnId) -> Option<&CertificateDer<'static>> {
        let slot = self.reactor.slots.get(conn)?;
        let tls = &self.reactor.tls;
        slot.tls.then(|| tls.refused_certificate(conn)).flatten()
    }

    /// Gives the connection away, to [`Io::adopt`] in another driver. `None` when it is over.
    ///
    /// Inside [`super::Handler::received`] of this connection the received bytes are the handler's:
    /// `carry` is empty, and the handler puts there what the adopter is to see.
    pub fn detach(&mut self, conn: ConnId) -> Option<Detached> {
        self.reactor.detach(conn)
    }

    /// Takes a connected socket. There is no [`super::Handler::opened`] for it: the caller knows the id
    /// now. Its carry is received later in this turn or in the next.
    ///
    /// # Errors
    ///
    /// The kernel or `connections_max` refused it; the socket is closed.
    pub fn adopt(&mut self, detached: Detached) -> io::Result<ConnId> {
        self.reactor.adopt(detached)
    }

    /// Bytes that connections hold unconsumed or unsent, all together.
    #[must_use]
    pub fn buffered_len(&self) -> usize {
        self.reactor.slots.buffered() + self.reactor.tls.incoming_len()
    }

    /// Sets [`super::Config::buffers_len_max`] anew. Those that hold most end, where all hold more than that.
    pub fn limit_buffers(&mut self, len_max: usize) {
        self.reactor.config.buffers_len_max = len_max;
        if len_max < self.buffered_len() {
            self.reactor.make_room();
        }
    }

    /// Gives back the buffers that lie ready for connections with something to send, and those to receive into beyond a
    /// few; new ones are allocated when there is something.
    pub fn let_go(&mut self) {
        self.reactor.slots.let_go();
        self.reactor.tls.let_go();
        if let Sockets::Uring(ring) = &mut self.reactor.sockets {
            ring.let_go();
        }
    }

    /// Closes the listeners; connections stay.
    pub fn stop_accepting(&mut self) {
        self.reactor.stop_accepting();
    }

    /// Ends the run after this turn: what was appended is sent as far as sockets take it, and every
    /// connection is closed with [`Closed::Stopped`].
    pub fn stop(&mut self) {
        self.reactor.stopping = true;
    }
}
