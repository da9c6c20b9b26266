//! The last bytes that went through one direction of a connection.

use super::Compression;

/// # Invariants
///
/// - `bytes.len() <= 1 << compression.window_bits`; empty without takeover.
#[derive(Debug)]
pub(in crate::ws) struct Window {
    bytes: Vec<u8>,
    compression: Compression,
}

impl Window {
    pub(in crate::ws) fn new(compression: Compression) -> Window {
        Window {
            bytes: Vec::new(),
            compression,
        }
    }

    pub(in crate::ws) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn bits(&self) -> u8 {
        self.compression.window_bits
    }

    pub(in crate::ws) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Takes in a message that went through, if it is of use to the next.
    pub(super) fn push(&mut self, message: &[u8]) {
        if !self.compression.takeover || message.is_empty() {
            return;
        }
        let len_max = 1 << self.compression.window_bits;
        self.bytes.reserve_exact(len_max - self.bytes.len());
        let message = &message[message.len().saturating_sub(len_max)..];
        let over = (self.bytes.len() + message.len()).saturating_sub(len_max);
        self.bytes.drain(..over);
        self.bytes.extend_from_slice(message);
    }

    /// What a stream that ended inside a message is followed by: the window, and the message so far.
    pub(super) fn with(&self, message: &[u8]) -> Vec<u8> {
        let len_max = 1 << self.compression.window_bits;
        let message = &message[message.len().saturating_sub(len_max)..];
        let over = (self.bytes.len() + message.len()).saturating_sub(len_max);
        [&self.bytes[over..], message].concat()
    }
}
