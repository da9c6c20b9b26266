//! The table of connections, and the buffers of the few that need one.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::ConnId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Free,
    /// `connect` is under way; the tag stands in the side.
    Connecting,
    /// The handler's.
    Open,
    /// Over for the handler; what it appended is still to be sent.
    Closing,
    /// Sent and shut down; waits for the peer's end.
    Lingering,
    /// The socket is gone, the handler does not know yet.
    Gone,
    /// Over for everyone, but the kernel still works on something of it; its buffers stay until then.
    Draining,
}

/// One connection; 20 bytes.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) fd: Option<OwnedFd>,
    pub(super) generation: u32,
    /// Index into [`Sides`] plus one; 0 when idle.
    side: u32,
    pub(super) state: State,
    /// What is watched for.
    pub(super) reads_armed: bool,
    pub(super) writes_armed: bool,
    /// The handler asked for no more bytes.
    pub(super) paused: bool,
    /// The end of the peer's side ends it while it is paused.
    pub(super) held: bool,
    /// Listed for the flush at the end of the turn.
    pub(super) dirty: bool,
    /// The peer has ended its side.
    pub(super) peer_ended: bool,
    /// What it sends and takes are records of TLS.
    pub(super) tls: bool,
}

const _: () = assert!(size_of::<Slot>() <= 20);

impl Slot {
    fn new(generation: u32, fd: Option<OwnedFd>, state: State) -> Slot {
        Slot {
            fd,
            generation,
            side: 0,
            state,
            reads_armed: false,
            writes_armed: false,
            paused: false,
            held: false,
            dirty: false,
            peer_ended: false,
            tls: false,
        }
    }
}

/// Buffers of a connection that has unconsumed or unsent bytes, or is connecting.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// Where its connection stands; meaningless when free.
    index: u32,
    used: bool,
    /// Appended and not sent.
    pub(super) out: Vec<u8>,
    /// What the kernel is sending from: neither changed nor freed before it says so. Empty with epoll, which copies.
    pub(super) in_flight: Vec<u8>,
    /// Received and not consumed.
    pub(super) carry: Vec<u8>,
    /// What this side adds to `Slots::buffered`.
    counted: usize,
    pub(super) tag: u64,
}

impl Side {
    pub(super) fn unsent_len(&self) -> usize {
        self.out.len() + self.in_flight.len()
    }
}

/// Free sides that keep their vectors, and the longest vector kept: at most 24 MiB lie ready.
const SIDES_KEPT_MAX: usize = 512;
const CAPACITY_KEPT_MAX: usize = 16 << 10;

/// Room of a table of slots that begins: a megabyte, which costs nothing before it is used. Beyond it grows by an eighth.
const SLOTS_MIN: usize = (1 << 20) / size_of::<Slot>();

/// The side of `slot`, which is that of `conn`; taken from the pool if it has none.
#[inline]
fn side_of<'a>(
    slot: &mut Slot,
    conn: ConnId,
    sides: &'a mut Vec<Side>,
    free: &mut Vec<u32>,
) -> &'a mut Side {
    if slot.side == 0 {
        let at = free.pop().unwrap_or_else(|| {
            sides.push(Side::default());
            // At most one side per slot.
            sides.len() as u32 - 1
        });
        slot.side = at + 1;
        let side = &mut sides[at as usize];
        assert!(!side.used);
        side.used = true;
        side.index = conn.index;
    }
    &mut sides[slot.side as usize - 1]
}

#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    free: Vec<u32>,
    sides: Vec<Side>,
    sides_free: Vec<u32>,
    buffered: usize,
}

impl Slots {
    /// Connections not free: open ones and those on their way in or out.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Takes a place; `fd` is `None` for a socket that is no descriptor of this process.
    pub(super) fn insert(&mut self, fd: Option<OwnedFd>, state: State) -> ConnId {
        let index = self.free.pop().unwrap_or_else(|| {
            if self.slots.len() == self.slots.capacity() {
                let more = (self.slots.len() / 8).max(SLOTS_MIN);
                self.slots.reserve_exact(more);
            }
            self.slots.push(Slot::new(0, None, State::Free));
            // `Config` keeps `connections_max` below 2^32.
            self.slots.len() as u32 - 1
        });
        let slot = &mut self.slots[index as usize];
        assert!(slot.state == State::Free && slot.side == 0);
        let generation = slot.generation;
        *slot = Slot::new(generation, fd, state);
        ConnId { index, generation }
    }

    #[inline]
    pub(super) fn get(&self, conn: ConnId) -> Option<&Slot> {
        self.slots
            .get(conn.index as usize)
            .filter(|slot| slot.generation == conn.generation && slot.state != State::Free)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Slot> {
        self.slots
            .get_mut(conn.index as usize)
            .filter(|slot| slot.generation == conn.generation && slot.state != State::Free)
    }

    /// The connection, if it is the handler's.
    #[inline]
    pub(super) fn open(&mut self, conn: ConnId) -> Option<&mut Slot> {
        self.get_mut(conn).filter(|slot| slot.state == State::Open)
    }

    /// Ends the id: closes the socket if it is here and gives the place to the next connection.
    pub(super) fn remove(&mut self, conn: ConnId) -> Option<OwnedFd> {
        self.release_side(conn);
        let slot = self.get_mut(conn)?;
        slot.state = State::Free;
        // Skips u32::MAX, which marks the driver's own events.
        slot.generation = (slot.generation + 1) % u32::MAX;
        let fd = slot.fd.take();
        self.free.push(conn.index);
        fd
    }

    /// The side of a connection, if it has one.
    #[inline]
    pub(super) fn side(&self, conn: ConnId) -> Option<&Side> {
        let side = self.get(conn)?.side;
        self.sides.get((side as usize).checked_sub(1)?)
    }

    /// The same, to change.
    #[inline]
    pub(super) fn side_mut(&mut self, conn: ConnId) -> Option<&mut Side> {
        let side = self.get(conn)?.side;
        self.sides.get_mut((side as usize).checked_sub(1)?)
    }

    /// The socket of a connection and its side.
    #[inline]
    pub(super) fn socket_and_side(&mut self, conn: ConnId) -> Option<(BorrowedFd<'_>, &mut Side)> {
        let slot = self.slots.get(conn.index as usize)?;
        if slot.generation != conn.generation {
            return None;
        }
        let side = self.sides.get_mut((slot.side as usize).checked_sub(1)?)?;
        Some((slot.fd.as_ref()?.as_fd(), side))
    }

    /// The side of a connection, taken from the pool if it has none; `None` for an id that is over.
    pub(super) fn side_or_new(&mut self, conn: ConnId) -> Option<&mut Side> {
        let slot = self.slots.get_mut(conn.index as usize)?;
        if slot.generation != conn.generation || slot.state == State::Free {
            return None;
        }
        Some(side_of(slot, conn, &mut self.sides, &mut self.sides_free))
    }

    /// A connection that is the handler's, and its side.
    #[inline]
    pub(super) fn open_and_side(&mut self, conn: ConnId) -> Option<(&mut Slot, &mut Side)> {
        let slot = self.slots.get_mut(conn.index as usize)?;
        if slot.generation != conn.generation || slot.state != State::Open {
            return None;
        }
        let side = side_of(slot, conn, &mut self.sides, &mut self.sides_free);
        Some((slot, side))
    }

    /// Gives the side back if nothing is in it.
    #[inline]
    pub(super) fn release_side_if_empty(&mut self, conn: ConnId) {
        let empty = self
            .side(conn)
            .is_some_and(|side| side.unsent_len() == 0 && side.carry.is_empty());
        if empty {
            self.release_side(conn);
        }
    }

    #[inline]
    fn release_side(&mut self, conn: ConnId) {
        let Some(slot) = self.get_mut(conn) else {
            return;
        };
        let Some(at) = std::mem::take(&mut slot.side).checked_sub(1) else {
            return;
        };
        let side = &mut self.sides[at as usize];
        self.buffered -= side.counted;
        side.used = false;
        side.counted = 0;
        let kept = if self.sides_free.len() < SIDES_KEPT_MAX {
            CAPACITY_KEPT_MAX
        } else {
            0
        };
        for buffer in [&mut side.out, &mut side.in_flight, &mut side.carry] {
            buffer.clear();
            if buffer.capacity() > kept {
                *buffer = Vec::new();
            }
        }
        self.sides_free.push(at);
    }

    /// Gives back the buffers of free sides.
    pub(super) fn let_go(&mut self) {
        for at in &self.sides_free {
            let side = &mut self.sides[*at as usize];
            side.out = Vec::new();
            side.in_flight = Vec::new();
            side.carry = Vec::new();
        }
        if self.sides_free.len() == self.sides.len() {
            (self.sides, self.sides_free) = (Vec::new(), Vec::new());
        }
    }

    /// Counts what a side holds now; answers what all sides hold together.
    pub(super) fn count(&mut self, conn: ConnId) -> usize {
        if let Some(side) = self.side_mut(conn) {
            let counted = side.carry.len() + side.unsent_len();
            let before = std::mem::replace(&mut side.counted, counted);
            self.buffered = self.buffered - before + counted;
        }
        self.buffered
    }

    /// What all sides hold together, as it was counted.
    pub(super) fn buffered(&self) -> usize {
        self.buffered
    }

    /// How much connections hold, those that hold something, and their indices.
    pub(super) fn holders(&self) -> impl Iterator<Item = (usize, usize)> {
        let used = self
            .sides
            .iter()
            .filter(|side| side.used && 0 < side.counted);
        used.map(|side| (side.counted, side.index as usize))
    }

    /// The connection that has this index now.
    pub(super) fn at(&self, index: usize) -> ConnId {
        ConnId {
            index: index as u32,
            generation: self.slots[index].generation,
        }
    }

    /// The connections that hold unconsumed bytes.
    pub(super) fn carrying(&self) -> impl Iterator<Item = ConnId> {
        self.sides
            .iter()
            .filter(|side| side.used && !side.carry.is_empty())
            .map(|side| self.at(side.index as usize))
    }

    /// Every id that is in use.
    pub(super) fn ids(&self) -> impl Iterator<Item = ConnId> {
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.state != State::Free)
            .map(|(index, slot)| ConnId {
                index: index as u32,
                generation: slot.generation,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_that_lie_ready_are_given_back_and_those_in_use_stay() {
        let mut slots = Slots::default();
        let mut open = || {
            let socket = std::fs::File::open("/dev/null").unwrap().into();
            let conn = slots.insert(Some(socket), State::Open);
            let side = slots.side_or_new(conn).unwrap();
            side.out.extend_from_slice(b"bytes");
            conn
        };
        let (busy, idle) = (open(), open());
        slots.side_mut(idle).unwrap().out.clear();
        slots.release_side_if_empty(idle);
        assert_eq!(slots.sides[1].out.capacity(), 8);
        slots.let_go();
        assert_eq!(slots.sides[1].out.capacity(), 0);
        assert_eq!(slots.side(busy).unwrap().out, b"bytes");
        slots.side_mut(busy).unwrap().out.clear();
        slots.release_side_if_empty(busy);
        slots.let_go();
        assert!(slots.sides.is_empty());
        assert!(slots.side_or_new(busy).unwrap().out.is_empty());
    }
}
