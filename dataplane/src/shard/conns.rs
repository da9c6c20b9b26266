//! The shard's sockets.

use std::net::SocketAddr;
use std::num::NonZeroU16;

use net::driver::ConnId;
use net::ws::Codec;
use ocpp::{Inbound, Rpc, Version};

use super::Now;
use super::stations::grow;
use crate::certificates::Worth;
use crate::tls::Transport;

/// A socket, in a table with the driver's own indices.
pub(crate) struct Conn {
    pub(crate) id: ConnId,
    /// When it last sent anything, in seconds of the monotonic clock.
    pub(crate) seen_at: u32,
    /// The tick of its entry on the wheel; entries of connections before it are passed by.
    pub(crate) due: u32,
    pub(crate) stage: Stage,
}

// An idle station pays for this and for its `Station`, and for no buffer.
const _: () = assert!(size_of::<Option<Conn>>() <= 80);

impl Conn {
    /// For how long it has sent nothing.
    pub(crate) fn silent_micros(&self, now: Now) -> i64 {
        i64::from(now.tick().saturating_sub(self.seen_at)) * 1_000_000
    }
}

/// How far a socket has come.
pub(crate) enum Stage {
    /// Its upgrade is not whole yet. In a box because few sockets are here at a time.
    Handshake(Box<Handshake>),
    /// A station speaks here.
    Live(Live),
    /// We have said our last; what it sends is passed by.
    Closing,
}

/// A peer that has not finished its upgrade.
pub(crate) struct Handshake {
    pub(crate) peer: SocketAddr,
    /// When it was opened or had its turn, in seconds of the monotonic clock.
    pub(crate) opened_at: u32,
    pub(crate) transport: Transport,
    /// It has not had its turn, and nothing of it is read.
    pub(crate) waits: bool,
    pub(crate) revocation: Revocation,
}

/// What responders say of a certificate that a peer has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Revocation {
    /// Nobody was asked.
    #[default]
    Unasked,
    /// Its upgrade waits for an answer.
    Asked,
    Known(Worth),
}

/// A station's connection.
pub(crate) struct Live {
    pub(crate) codec: Codec,
    pub(crate) version: Version,
    /// Index of its station.
    pub(crate) station: u32,
    /// Its name in the log.
    pub(crate) connection: u64,
    /// Answers in line for the disk, at most [`super::HELD_MAX`] and the one that reaches it.
    pub(crate) held: u8,
    /// Reads are stopped because of them.
    pub(crate) paused: bool,
    /// A ping is out and nothing has come since.
    pub(crate) pinged: bool,
    /// It was asked to boot.
    pub(crate) boot_requested: bool,
    /// Its upgrade agreed on compression.
    pub(crate) is_compressed: bool,
    /// Its station has had an answer on it.
    pub(crate) is_established: bool,
    /// It is to be closed as soon as nobody waits for an answer on it.
    pub(crate) leaves: bool,
    /// Messages within the second in which it last sent anything, long ones counted more than once.
    pub(crate) heard: u16,
    /// When the message began of which a part is here.
    pub(crate) began: Began,
    pub(crate) rpc: Rpc,
    pub(crate) inbound: Inbound,
}

impl Live {
    /// Counts a message, or what comes to so many.
    pub(crate) fn count(&mut self, messages: usize) {
        let messages = u16::try_from(messages).unwrap_or(u16::MAX);
        self.heard = self.heard.saturating_add(messages);
    }

    /// True when it has said as much in this second as it may; a `rate` of 0 sets no limit.
    pub(crate) fn said_enough(&self, rate: u16) -> bool {
        rate != 0 && rate <= self.heard
    }
}

/// When a message began, if one is under way: the last 16 bits of the second, good for messages of up to 18 hours.
#[derive(Clone, Copy, Default)]
pub(crate) struct Began(Option<NonZeroU16>);

impl Began {
    pub(crate) fn at(tick: u32) -> Self {
        Self(NonZeroU16::new(tick as u16).or(Some(NonZeroU16::MIN)))
    }

    /// Seconds that it has taken so far.
    pub(crate) fn elapsed(self, tick: u32) -> Option<u64> {
        let began = self.0?.get();
        Some(u64::from((tick as u16).wrapping_sub(began)))
    }
}

/// Sockets by the driver's index.
#[derive(Default)]
pub(crate) struct Conns {
    slots: Vec<Option<Conn>>,
    len: usize,
}

impl Conns {
    pub(crate) fn insert(&mut self, conn: Conn) {
        let at = conn.id.index();
        while self.slots.len() <= at {
            grow(&mut self.slots);
            self.slots.push(None);
        }
        debug_assert!(
            self.slots[at].is_none(),
            "the driver closes a connection before it reuses its index"
        );
        self.slots[at] = Some(conn);
        self.len += 1;
    }

    pub(crate) fn remove(&mut self, id: ConnId) -> Option<Conn> {
        let slot = self.slots.get_mut(id.index())?;
        let conn = slot.take_if(|conn| conn.id == id)?;
        self.len -= 1;
        Some(conn)
    }

    pub(crate) fn get(&self, id: ConnId) -> Option<&Conn> {
        self.slots
            .get(id.index())?
            .as_ref()
            .filter(|conn| conn.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.slots
            .get_mut(id.index())?
            .as_mut()
            .filter(|conn| conn.id == id)
    }

    /// The station's connection behind `id`, if it is one and live.
    pub(crate) fn live_mut(&mut self, id: ConnId) -> Option<&mut Live> {
        match &mut self.get_mut(id)?.stage {
            Stage::Live(live) => Some(live),
            Stage::Handshake(_) | Stage::Closing => None,
        }
    }

    /// The peer of a socket that is still in its handshake.
    pub(crate) fn peer(&self, id: ConnId) -> Option<SocketAddr> {
        match &self.get(id)?.stage {
            Stage::Handshake(handshake) => Some(handshake.peer),
            Stage::Live(_) | Stage::Closing => None,
        }
    }

    /// True of a socket at its handshake, at its end, or before the first answer to its station.
    pub(crate) fn is_newcomer(&self, id: ConnId) -> bool {
        match self.get(id).map(|conn| &conn.stage) {
            Some(Stage::Live(live)) => !live.is_established,
            Some(Stage::Handshake(_) | Stage::Closing) => true,
            None => false,
        }
    }

    /// Those whose handshake began before a second of the monotonic clock and has not come to its end.
    pub(crate) fn handshakes_before(&self, tick: u32) -> impl Iterator<Item = ConnId> {
        let conns = self.slots.iter().flatten();
        conns.filter_map(move |conn| match &conn.stage {
            Stage::Handshake(begun) => (!begun.waits && begun.opened_at < tick).then_some(conn.id),
            Stage::Live(_) | Stage::Closing => None,
        })
    }

    /// A socket that is still in its handshake.
    pub(crate) fn handshake_mut(&mut self, id: ConnId) -> Option<&mut Handshake> {
        match &mut self.get_mut(id)?.stage {
            Stage::Handshake(handshake) => Some(handshake),
            Stage::Live(_) | Stage::Closing => None,
        }
    }

    /// As above, by the driver's index.
    pub(crate) fn at_mut(&mut self, index: usize) -> Option<&mut Conn> {
        self.slots.get_mut(index)?.as_mut()
    }

    /// The connections that hold fragments of a message, and how many bytes.
    pub(crate) fn fragments(&self) -> impl Iterator<Item = (usize, ConnId)> {
        self.slots.iter().flatten().filter_map(|conn| {
            let Stage::Live(live) = &conn.stage else {
                return None;
            };
            let len = live.codec.held_len();
            (0 < len).then_some((len, conn.id))
        })
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = ConnId> {
        self.slots.iter().flatten().map(|conn| conn.id)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }
}
