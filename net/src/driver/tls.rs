//! TLS between the sockets and the handler: of the connections that have it, and at the cost of one look at a flag for
//! those that have not.
//!
//! What a socket brought is opened in the driver's own memory and given to the handler like any other bytes; what the
//! handler appended is sealed when the turn ends, all of a connection's in one go. `Side::out` of such a connection
//! holds sealed bytes alone: what the handler appends stands in [`Secured`] until then, so nothing can leave in the clear.

use std::collections::HashMap;
use std::io;

use super::reactor::Reactor;
use super::slots::{Side, State};
use super::{Closed, ConnId, Handler, Io};
use crate::tls::{CertificateDer, Session, TlsClient, TlsFailure, TlsPeer, TlsServer};

/// A connection's session and what its handler appended.
#[derive(Debug)]
pub(super) struct Secured {
    session: Session,
    /// Not sealed yet.
    pub(super) outgoing: Vec<u8>,
    /// The handler knows that the handshake is through.
    told: bool,
    /// What it adds to `Sessions::incoming_len`.
    counted: usize,
}

/// The sessions of a driver, by the index of their connection, and the memory that they share.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    by_index: Vec<Option<Box<Secured>>>,
    /// Peers that have said nothing yet, and who begins their sessions: one that stays silent costs none.
    silent: HashMap<ConnId, TlsServer>,
    /// Opened bytes on their way to the handler.
    plain: Vec<u8>,
    /// What TLS itself has to say, on its way to a connection's side.
    own: Vec<u8>,
    /// Vectors for what handlers append.
    spare: Vec<Vec<u8>>,
    /// Bytes of records that are not whole, of all connections.
    incoming_len: usize,
}

/// Vectors that lie ready, the longest of them, and what the shared ones keep.
const SPARE_MAX: usize = 64;
const SPARE_LEN_MAX: usize = 16 << 10;
const SHARED_LEN_MAX: usize = 128 << 10;

impl Sessions {
    pub(super) fn insert(&mut self, conn: ConnId, mut secured: Box<Secured>) {
        let at = conn.index();
        if self.by_index.len() <= at {
            self.by_index.resize_with(at + 1, || None);
        }
        secured.counted = secured.session.incoming_len();
        self.incoming_len += secured.counted;
        self.by_index[at] = Some(secured);
    }

    pub(super) fn remove(&mut self, conn: ConnId) -> Option<Box<Secured>> {
        self.silent.remove(&conn);
        let secured = self.by_index.get_mut(conn.index())?.take()?;
        self.incoming_len -= secured.counted;
        Some(secured)
    }

    fn get(&self, conn: ConnId) -> Option<&Secured> {
        self.by_index.get(conn.index())?.as_deref()
    }

    fn get_mut(&mut self, conn: ConnId) -> Option<&mut Secured> {
        self.by_index.get_mut(conn.index())?.as_deref_mut()
    }

    /// What the handler of a connection appends to.
    pub(super) fn outgoing(&mut self, conn: ConnId) -> Option<&mut Vec<u8>> {
        let secured = self.by_index.get_mut(conn.index())?.as_deref_mut()?;
        if secured.outgoing.capacity() == 0
            && let Some(spare) = self.spare.pop()
        {
            secured.outgoing = spare;
        }
        Some(&mut secured.outgoing)
    }

    /// Bytes of records that are not whole, of all connections.
    pub(super) fn incoming_len(&self) -> usize {
        self.incoming_len
    }

    /// How many such bytes connections hold, and their indices.
    pub(super) fn holders(&self) -> impl Iterator<Item = (usize, usize)> {
        let all = self.by_index.iter().enumerate();
        let held = all.map(|(at, secured)| (secured.as_ref().map_or(0, |s| s.counted), at));
        held.filter(|(len, _)| 0 < *len)
    }

    pub(super) fn outgoing_len(&self, conn: ConnId) -> usize {
        self.get(conn).map_or(0, |secured| secured.outgoing.len())
    }

    pub(super) fn refused_certificate(&self, conn: ConnId) -> Option<&CertificateDer<'static>> {
        self.get(conn)?.session.refused_certificate()
    }

    pub(super) fn peer(&self, conn: ConnId) -> Option<TlsPeer> {
        self.get(conn)?.session.peer()
    }

    /// Gives back what lies ready.
    pub(super) fn let_go(&mut self) {
        (self.plain, self.own, self.spare) = (Vec::new(), Vec::new(), Vec::new());
        self.silent.shrink_to_fit();
    }

    fn keep(&mut self, mut emptied: Vec<u8>) {
        emptied.clear();
        if self.spare.len() < SPARE_MAX && emptied.capacity() <= SPARE_LEN_MAX {
            self.spare.push(emptied);
        }
    }
}

impl Secured {
    fn new(session: Session) -> Box<Secured> {
        Box::new(Secured {
            session,
            outgoing: Vec::new(),
            told: false,
            counted: 0,
        })
    }
}

impl Reactor {
    // ---- sessions that begin ----

    /// The connection, just accepted from `listener`, speaks TLS if that does.
    pub(super) fn begin_tls_if_wanted(&mut self, conn: ConnId, listener: usize) {
        let server = self.listeners.get(listener).and_then(|l| l.tls.as_ref());
        if let Some((slot, server)) = self.slots.open(conn).zip(server) {
            slot.tls = true;
            self.tls.silent.insert(conn, server.clone());
        }
    }

    /// Begins the session of a peer that was silent so far.
    pub(super) fn begin_tls(&mut self, conn: ConnId) {
        let Some(server) = self.tls.silent.remove(&conn) else {
            return;
        };
        match server.accept() {
            Ok(session) => self.tls.insert(conn, Secured::new(session)),
            Err(error) => {
                tracing::error!(%error, "a TLS session cannot begin");
                self.end_at_once(conn, Closed::Tls(TlsFailure::Broken));
            }
        }
    }

    /// The connection, which we made, speaks TLS from here on.
    pub(super) fn start_tls(&mut self, conn: ConnId, client: &TlsClient) -> io::Result<()> {
        if self.slots.open(conn).is_none_or(|slot| slot.tls) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let session = client.connect().map_err(io::Error::other)?;
        self.secure(conn, Secured::new(session));
        self.open_records(conn, &mut [], &mut Vec::new());
        let failure = self
            .tls
            .get(conn)
            .and_then(|secured| secured.session.failure());
        failure.map_or(Ok(()), |failure| Err(io::Error::other(failure.to_string())))
    }

    pub(super) fn secure(&mut self, conn: ConnId, secured: Box<Secured>) {
        let Some(slot) = self.slots.open(conn) else {
            return;
        };
        slot.tls = true;
        let has_outgoing = !secured.outgoing.is_empty();
        self.tls.insert(conn, secured);
        if has_outgoing {
            self.flush_later(conn);
        }
    }

    // ---- what comes ----

    /// As [`Reactor::deliver`], of a connection with TLS.
    pub(super) fn deliver_records<H: Handler>(
        &mut self,
        handler: &mut H,
        conn: ConnId,
        bytes: &mut [u8],
    ) {
        let again = bytes.is_empty();
        let mut plain = std::mem::take(&mut self.tls.plain);
        self.open_records(conn, bytes, &mut plain);
        if let Some(secured) = self.tls.get_mut(conn)
            && !secured.told
            && let Some(peer) = secured.session.peer()
        {
            secured.told = true;
            handler.secured(&mut Io { reactor: self }, conn, &peer);
            self.tell(handler);
        }
        // Who does not know yet whom it hears must not hear anything.
        let told = self.tls.get(conn).is_some_and(|secured| secured.told);
        let open = self.slots.open(conn).is_some();
        if open && told && (!plain.is_empty() || again) {
            self.deliver_plain(handler, conn, &mut plain);
        }
        plain.clear();
        plain.shrink_to(SHARED_LEN_MAX);
        self.tls.plain = plain;
        self.end_with_its_session(conn);
        self.tell(handler);
    }

    /// Ends the connection if its session is over, after TLS has said its last. One that is paused on bytes that came
    /// before ends when its handler has had them.
    pub(super) fn end_with_its_session(&mut self, conn: ConnId) {
        let Some(session) = self.tls.get(conn).map(|secured| &secured.session) else {
            return;
        };
        let reason = match session.failure() {
            Some(failure) => Closed::Tls(failure),
            None if session.is_closed_by_peer() => Closed::Peer,
            None => return,
        };
        let Some(slot) = self.slots.get(conn) else {
            return;
        };
        let is_paused = slot.paused || self.all_paused;
        let has_more = |side: &Side| !side.carry.is_empty();
        if !(is_paused && self.slots.side(conn).is_some_and(has_more)) {
            self.end_in_order(conn, reason);
        }
    }

    /// Opens what came; what TLS has to say to it goes out when the turn ends.
    pub(super) fn open_records(&mut self, conn: ConnId, bytes: &mut [u8], plain: &mut Vec<u8>) {
        self.begin_tls(conn);
        let mut own = std::mem::take(&mut self.tls.own);
        let Some(secured) = self.tls.get_mut(conn) else {
            return;
        };
        // Whether it is over is asked for where that can be told.
        let _ = secured.session.feed(bytes, plain, &mut own);
        // Of a client, from before the handshake was through.
        let waits = !secured.outgoing.is_empty();
        let incoming_len = secured.session.incoming_len();
        let before = std::mem::replace(&mut secured.counted, incoming_len);
        self.tls.incoming_len = self.tls.incoming_len - before + incoming_len;
        if waits || !own.is_empty() {
            self.flush_later(conn);
        }
        if !own.is_empty() {
            if let Some(side) = self.slots.side_or_new(conn) {
                side.out.extend_from_slice(&own);
            }
            own.clear();
            own.shrink_to(SHARED_LEN_MAX);
        }
        self.tls.own = own;
        let held = self.tls.incoming_len + self.slots.count(conn);
        if before < incoming_len && self.config.buffers_len_max < held {
            self.make_room();
        }
    }

    // ---- what goes ----

    /// Seals what the handler appended, and says the last word of a connection that closes.
    pub(super) fn seal(&mut self, conn: ConnId) {
        let Some(state) = self.slots.get(conn).map(|slot| slot.state) else {
            return;
        };
        let closes = match state {
            State::Open => false,
            State::Closing => true,
            State::Connecting | State::Lingering | State::Gone | State::Draining | State::Free => {
                return;
            }
        };
        let Some(secured) = self.tls.get_mut(conn) else {
            return;
        };
        if !closes && (secured.outgoing.is_empty() || !secured.session.is_established()) {
            if self.config.pending_len_max < self.tls.outgoing_len(conn) {
                self.end_at_once(conn, Closed::SlowConsumer);
            }
            return;
        }
        let outgoing = std::mem::take(&mut secured.outgoing);
        let Some(side) = self.slots.side_or_new(conn) else {
            return;
        };
        let Some(secured) = self.tls.get_mut(conn) else {
            return;
        };
        let sealed = secured.session.seal(&outgoing, &mut side.out);
        if closes {
            secured.session.close(&mut side.out);
        }
        self.tls.keep(outgoing);
        if let Err(failure) = sealed
            && !closes
        {
            self.end_at_once(conn, Closed::Tls(failure));
        }
    }
}
