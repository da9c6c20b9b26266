//! What a shard wants done with its sockets, in order.

use std::net::SocketAddr;

use net::driver::ConnId;

/// One wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Append these bytes to what the connection sends.
    Send {
        conn: ConnId,
        start: usize,
        end: usize,
    },
    /// End it after what was sent.
    Close(ConnId),
    /// End it at once.
    Abort(ConnId),
    /// Take no more bytes of it.
    Pause(ConnId),
    /// Take none of a socket that waits, until its peer gives up.
    Hold(ConnId),
    /// Take bytes of it again.
    Resume(ConnId),
    /// Give it, with the bytes just received, to another shard.
    HandOver {
        conn: ConnId,
        shard: usize,
        peer: SocketAddr,
    },
}

/// The wishes and the bytes they send.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    effects: Vec<Effect>,
}

/// Memory that an empty outbox keeps.
const KEPT_MAX: usize = 256 << 10;

impl Outbox {
    pub(crate) fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Sends what `write` appends.
    pub(crate) fn send(&mut self, conn: ConnId, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let end = self.bytes.len();
        // Consecutive answers of one connection leave as one.
        if let Some(Effect::Send {
            conn: last,
            end: until,
            ..
        }) = self.effects.last_mut()
            && (*last, *until) == (conn, start)
        {
            *until = end;
        } else {
            self.effects.push(Effect::Send { conn, start, end });
        }
    }

    /// Gives the memory of an empty outbox back.
    pub(crate) fn let_go(&mut self) {
        self.bytes.shrink_to_fit();
        self.effects.shrink_to_fit();
    }

    /// Hands out every wish, with the bytes of those that send.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(Effect, &[u8])) {
        for effect in self.effects.drain(..) {
            let bytes = match effect {
                Effect::Send { start, end, .. } => &self.bytes[start..end],
                Effect::Close(_)
                | Effect::Abort(_)
                | Effect::Pause(_)
                | Effect::Hold(_)
                | Effect::Resume(_)
                | Effect::HandOver { .. } => &[],
            };
            each(effect, bytes);
        }
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_MAX);
    }
}
