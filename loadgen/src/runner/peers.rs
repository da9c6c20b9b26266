//! The sockets of peers that misbehave. Their indices come after those of the stations.

use std::time::Duration;

use net::driver::{Closed, ConnId, Io};
use net::http::{
    ClientKey, ClientResponse, ClientUpgrade, parse_client_response, write_client_upgrade,
};
use net::ws::{CloseCode, Codec, DeflateOptions, Limits, MaskKey, Message, Role};
use ocpp::{Frame, Instant, Version};
use std::ops::ControlFlow;

use super::{Connection, Link, Runner, reason_text};
use crate::fleet::Index;
use crate::peer::{Act, Errand, PATIENCE, SLOWNESS, State, Step, bomb};

/// How often peers are looked after.
pub(super) const TICK: Duration = Duration::from_millis(20);

/// No further piece of an attack while so many bytes of it wait to be sent.
const UNSENT_MAX: usize = 64 << 10;

/// Pieces of an attack that go at once, lest one peer takes all the time.
const PIECES_MAX: usize = 32;

impl<P: FnMut(String)> Runner<P> {
    /// Which peer an index means, if it is none of a station.
    pub(super) fn peer_at(&self, index: Index) -> Option<usize> {
        (index as usize).checked_sub(self.fleet.stations().len())
    }

    fn errand(&self, peer: usize) -> Errand {
        self.settings.peers[peer].errand()
    }

    fn peer_index(&self, peer: usize) -> Index {
        (self.fleet.stations().len() + peer) as Index
    }

    fn peer_link(&mut self, peer: usize) -> &mut Link {
        let at = self.fleet.stations().len() + peer;
        &mut self.links[at]
    }

    /// Lets every peer do what is due.
    pub(super) fn tend_peers(&mut self, io: &mut Io<'_>) {
        for peer in 0..self.settings.peers.len() {
            self.tend_peer(io, peer);
        }
    }

    fn tend_peer(&mut self, io: &mut Io<'_>, peer: usize) {
        let now = self.now;
        let conn = self.peer_link(peer).conn;
        match (&mut self.settings.peers[peer].state, conn) {
            (state @ State::Resting { until: None }, _) => {
                // Not all in one moment.
                let first = self.random.duration(Duration::ZERO, Duration::from_secs(2));
                *state = State::Resting {
                    until: Some(now + first),
                };
            }
            (State::Resting { until: Some(until) }, _) if *until <= now => {
                self.settings.peers[peer].state = State::Connecting { since: now };
                let index = self.peer_index(peer);
                if let Err(error) = self.open(io, index) {
                    self.peer_failed(io, peer, &error);
                }
            }
            (State::Connecting { since }, Some(conn)) if *since + PATIENCE * 2 <= now => {
                self.peer_over(io, peer, Some(conn), "no answer to the upgrade");
            }
            (State::Dribbling { left, next_at, .. }, Some(conn)) => {
                if *next_at <= now && !left.is_empty() {
                    io.out(conn).push(left.remove(0));
                    *next_at = now + SLOWNESS;
                }
            }
            (State::Attacking { .. }, Some(conn)) => {
                for _ in 0..PIECES_MAX {
                    let State::Attacking { since, piece } = &mut self.settings.peers[peer].state
                    else {
                        break;
                    };
                    if UNSENT_MAX <= io.pending_len(conn) {
                        break;
                    }
                    let (since, at) = (*since, *piece);
                    *piece += 1;
                    self.attack(io, peer, conn, since, at);
                }
            }
            (
                State::Watching {
                    until: Some(until),
                    heard,
                    ..
                },
                conn,
            ) if *until <= now => {
                let reaction = heard.take().unwrap_or_else(|| "nothing".to_owned());
                self.peer_over(io, peer, conn, &reaction);
            }
            (
                State::Resting { .. }
                | State::Connecting { .. }
                | State::Dribbling { .. }
                | State::Attacking { .. }
                | State::Watching { .. },
                _,
            ) => {}
        }
    }

    /// Sends the next piece of an attack.
    fn attack(&mut self, io: &mut Io<'_>, peer: usize, conn: ConnId, since: Instant, piece: u32) {
        let version = self.settings.peers[peer].version;
        let errand = self.errand(peer);
        let more = match errand {
            Errand::Attack(attack) => match &attack.act {
                Act::Frames(act) | Act::Unread(act) => {
                    if matches!(attack.act, Act::Unread(_)) {
                        io.pause_reads(conn);
                    }
                    act(Step {
                        piece,
                        version,
                        out: io.out(conn),
                    })
                }
                Act::Bomb => {
                    bomb(io.out(conn));
                    false
                }
                Act::Upgrade { .. } => false,
            },
            Errand::SlowUpgrade
            | Errand::SlowMessage
            | Errand::SilentConnection
            | Errand::SilentStation => false,
        };
        if !more {
            self.watch(peer, since, Some(self.now + PATIENCE));
        }
    }

    fn watch(&mut self, peer: usize, since: Instant, until: Option<Instant>) {
        self.settings.peers[peer].state = State::Watching {
            since,
            until,
            heard: None,
        };
    }

    /// What it did is over: takes note of the server's reaction, and rests.
    fn peer_over(&mut self, io: &mut Io<'_>, peer: usize, conn: Option<ConnId>, reaction: &str) {
        let now = self.now;
        let errand = self.errand(peer).name();
        if let Some(since) = self.settings.peers[peer].since() {
            self.report.reacted(&errand, reaction, now - since);
        }
        self.settings.peers[peer].rest(now);
        self.peer_link(peer).conn = None;
        if let Some(conn) = conn {
            io.abort(conn);
        }
    }

    /// The run ends: whoever is at something has seen no end of it.
    pub(super) fn dismiss_peers(&mut self, io: &mut Io<'_>) {
        for peer in 0..self.settings.peers.len() {
            let conn = self.peer_link(peer).conn;
            if conn.is_some() {
                self.peer_over(io, peer, conn, "still open at the end");
            }
        }
        self.settings.peers.clear();
    }

    /// A peer's connection is there.
    pub(super) fn peer_opened(
        &mut self,
        io: &mut Io<'_>,
        conn: ConnId,
        peer: usize,
        key: ClientKey,
    ) {
        let now = self.now;
        let index = self.peer_index(peer);
        self.peer_link(peer).conn = Some(conn);
        let errand = self.errand(peer);
        let options = matches!(errand, Errand::Attack(attack) if matches!(attack.act, Act::Bomb))
            .then(DeflateOptions::default);
        self.put(
            conn,
            Connection {
                id: conn,
                station: index,
                upgrade: Some(key),
                codec: Codec::new(Role::Client),
                writer: None,
                left_at: None,
            },
        );
        let says_hello = !matches!(errand, Errand::SilentConnection);
        if says_hello && let Err(error) = self.start_tls(io, conn, index) {
            return self.peer_over(io, peer, Some(conn), &format!("TLS: {error}"));
        }
        let request = self.upgrade_of(peer, errand, &key, options);
        self.settings.peers[peer].state = match errand {
            Errand::SlowUpgrade => State::Dribbling {
                since: now,
                left: request,
                next_at: now,
            },
            Errand::SilentConnection => State::Watching {
                since: now,
                until: None,
                heard: None,
            },
            Errand::SlowMessage | Errand::SilentStation | Errand::Attack(_) => {
                io.send(conn, &request);
                State::Connecting { since: now }
            }
        };
    }

    fn upgrade_of(
        &self,
        peer: usize,
        errand: Errand,
        key: &ClientKey,
        deflate: Option<DeflateOptions>,
    ) -> Vec<u8> {
        let who = &self.settings.peers[peer];
        let target = &self.settings.target;
        let mut path = target.path_of(&who.name);
        let index = self.peer_index(peer) as usize;
        let known = self.settings.passwords.get(index).map(String::as_bytes);
        let mut password = known;
        let mut more = String::new();
        if let Errand::Attack(attack) = errand
            && let Act::Upgrade {
                identity,
                password: wrong,
                fields,
            } = &attack.act
        {
            if let Some(identity) = identity {
                path = target.path_of("") + identity;
            }
            password = wrong.or(known);
            more = fields();
        }
        let mut request = Vec::new();
        write_client_upgrade(
            &mut request,
            &ClientUpgrade {
                host: &target.host,
                target: &path,
                key,
                protocols: &[who.version.subprotocol()],
                basic: password.map(|password| (who.name.as_str(), password)),
                deflate,
            },
        );
        if !more.is_empty() {
            request.truncate(request.len() - b"\r\n".len());
            request.extend_from_slice(more.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request
    }

    /// Bytes of the server for a peer; how many of them it has read.
    pub(super) fn peer_received(
        &mut self,
        io: &mut Io<'_>,
        conn: ConnId,
        peer: usize,
        bytes: &mut [u8],
    ) -> usize {
        let key = self
            .connection(conn)
            .and_then(|connection| connection.upgrade);
        let head = match key {
            None => 0,
            Some(key) => match self.peer_switched(io, conn, peer, bytes, &key) {
                Some(head) => head,
                None => return bytes.len(),
            },
        };
        if head == 0 && key.is_some() {
            return 0;
        }
        let Some(connection) = self.connection(conn) else {
            return bytes.len();
        };
        let mut codec = std::mem::replace(&mut connection.codec, Codec::new(Role::Client));
        let mut inflater = std::mem::take(&mut self.inflater);
        let read = codec.read_compressed(
            &Limits::default(),
            &mut inflater,
            &mut bytes[head..],
            |message| {
                self.peer_heard(io, conn, peer, message);
                ControlFlow::Continue(())
            },
        );
        self.inflater = inflater;
        if let Some(connection) = self.connection(conn) {
            connection.codec = codec;
        }
        head + read.unwrap_or(bytes.len() - head)
    }

    /// Reads the answer to a peer's upgrade: the length of its head, 0 while it is not whole, `None` when it is over.
    fn peer_switched(
        &mut self,
        io: &mut Io<'_>,
        conn: ConnId,
        peer: usize,
        bytes: &[u8],
        key: &ClientKey,
    ) -> Option<usize> {
        let errand = self.errand(peer);
        let bomb = matches!(errand, Errand::Attack(attack) if matches!(attack.act, Act::Bomb));
        let options = bomb.then(DeflateOptions::default);
        let (deflate, len) = match parse_client_response(bytes, key, options.as_ref()) {
            Ok(None) => return Some(0),
            Ok(Some((ClientResponse::Switched { deflate, .. }, len))) => (deflate, len),
            Ok(Some((ClientResponse::Refused { status }, _))) => {
                self.peer_over(io, peer, Some(conn), &format!("HTTP {status}"));
                return None;
            }
            Err(error) => {
                self.peer_over(io, peer, Some(conn), &format!("upgrade: {error}"));
                return None;
            }
        };
        let connection = self.connection(conn)?;
        connection.upgrade = None;
        if let Some(agreement) = &deflate {
            connection.codec = Codec::compressed(Role::Client, agreement);
        }
        let now = self.now;
        let version = self.settings.peers[peer].version;
        match errand {
            Errand::Attack(attack) => match attack.act {
                Act::Bomb if deflate.is_none() => {
                    self.peer_over(io, peer, Some(conn), "no compression agreed on");
                    return None;
                }
                Act::Upgrade { .. } => {
                    self.peer_over(io, peer, Some(conn), "let in");
                    return None;
                }
                Act::Bomb | Act::Frames(_) | Act::Unread(_) => {
                    self.settings.peers[peer].state = State::Attacking {
                        since: now,
                        piece: 0,
                    };
                }
            },
            Errand::SlowMessage => {
                let mut left = Vec::new();
                net::ws::write_text(
                    &mut left,
                    Some(MaskKey([1, 2, 3, 4])),
                    boot(version).as_bytes(),
                );
                self.settings.peers[peer].state = State::Dribbling {
                    since: now,
                    left,
                    next_at: now,
                };
            }
            Errand::SlowUpgrade => {
                self.peer_over(io, peer, Some(conn), "let in after all");
                return None;
            }
            Errand::SilentConnection | Errand::SilentStation => self.watch(peer, now, None),
        }
        Some(len)
    }

    fn peer_heard(&mut self, io: &mut Io<'_>, conn: ConnId, peer: usize, message: Message<'_>) {
        if self.peer_link(peer).conn != Some(conn) {
            return;
        }
        match message {
            Message::Close(code, _) => {
                let code = code.map_or(1005, CloseCode::get);
                self.peer_over(io, peer, Some(conn), &format!("closed with {code}"));
            }
            Message::Text(text) => {
                let version = self.settings.peers[peer].version;
                let said = match ocpp::scan(text, version) {
                    Ok(Frame::CallResult { .. }) => "answered".to_owned(),
                    Ok(Frame::CallError { code, .. }) => format!("refused with {code}"),
                    Ok(_) | Err(_) => return,
                };
                if let State::Watching { heard, .. } = &mut self.settings.peers[peer].state {
                    heard.get_or_insert(said);
                }
            }
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
        }
    }

    /// A peer's connection is over, by whoever's doing; `None` for an attempt that led to none.
    pub(super) fn peer_closed(
        &mut self,
        io: &mut Io<'_>,
        peer: usize,
        conn: ConnId,
        reason: Closed,
    ) {
        if self.settings.peers.len() <= peer || self.peer_link(peer).conn != Some(conn) {
            return;
        }
        let reason = match reason {
            Closed::Stopped => "still open at the end".to_owned(),
            Closed::Peer => "the server hung up".to_owned(),
            reason => reason_text(reason),
        };
        self.peer_over(io, peer, None, &reason);
    }

    /// A peer found nobody to connect to.
    pub(super) fn peer_failed(&mut self, io: &mut Io<'_>, peer: usize, error: &std::io::Error) {
        if peer < self.settings.peers.len() {
            self.peer_over(io, peer, None, &format!("connecting: {}", error.kind()));
        }
    }
}

/// What a station says first.
fn boot(version: Version) -> &'static str {
    match version {
        Version::V16 => {
            "[2,\"1\",\"BootNotification\",{\"chargePointVendor\":\"SIGEC\",\"chargePointModel\":\"Slow\"}]"
        }
        Version::V201 | Version::V21 => {
            "[2,\"1\",\"BootNotification\",{\"reason\":\"PowerUp\",\"chargingStation\":{\"vendorName\":\"SIGEC\",\"model\":\"Slow\"}}]"
        }
    }
}
