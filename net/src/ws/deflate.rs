//! Compressed messages (permessage-deflate, RFC 7692).
//!
//! A connection keeps no compressor. What a context is worth between two messages is its window: the
//! last bytes that went through it. So a connection keeps just those, at most 2^`window_bits` bytes in
//! each direction that takes its context over, and none before its first compressed message. The
//! machines themselves, [`Inflater`] and [`Deflater`], are one per thread; each message primes them
//! with its connection's window.

mod deflater;
mod inflater;
mod negotiation;
mod window;

pub use deflater::{DeflateWriter, Deflater};
pub use inflater::Inflater;
pub(crate) use negotiation::{accept, agree, answer, offer};
pub(super) use window::Window;

use super::Role;

/// What this end is willing to agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateOptions {
    /// Largest window that is kept in either direction, as the power of two of its bytes, 9 to 15.
    /// Default 10, towards memory: 1 KiB. A peer that cannot be held to it resets its context per
    /// message.
    pub window_bits: u8,
    /// Whether windows outlive their message; without, an idle connection holds nothing and ratios
    /// are those of single messages. Default true.
    pub takeover: bool,
}

impl Default for DeflateOptions {
    fn default() -> DeflateOptions {
        DeflateOptions {
            window_bits: 10,
            takeover: true,
        }
    }
}

/// What both ends agreed on in the upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// How the server compresses.
    pub server: Compression,
    /// How the client compresses.
    pub client: Compression,
}

/// How one end compresses what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// Power of two of its window in bytes, 8 to 15.
    pub window_bits: u8,
    /// Whether its window goes on from message to message.
    pub takeover: bool,
}

impl Agreement {
    /// Whether a window outlives its message in either direction.
    #[must_use]
    pub fn keeps_contexts(&self) -> bool {
        self.server.takeover || self.client.takeover
    }

    fn outbound(&self, role: Role) -> Compression {
        match role {
            Role::Server => self.server,
            Role::Client => self.client,
        }
    }

    fn inbound(&self, role: Role) -> Compression {
        match role {
            Role::Server => self.client,
            Role::Client => self.server,
        }
    }

    /// The window of what `role` reads.
    pub(super) fn window(&self, role: Role) -> Window {
        Window::new(self.inbound(role))
    }
}

/// What a flush ends with, and what is left out on the wire (§7.2.1): an empty stored block.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

#[cfg(test)]
mod tests;
