//! Writing: a message becomes a compressed frame, where that makes it shorter.

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Status, compress_bound};

use super::{Agreement, TAIL, Window};
use crate::ws::frame::{mark_compressed, write_text};
use crate::ws::{MaskKey, Role, begin_text};

/// Raw DEFLATE windows that zlib can write with, as powers of two.
const BITS_MIN: u8 = 9;
const BITS_MAX: u8 = 15;

/// Shorter messages go out as they are: they fit one packet either way.
const LEN_MIN: usize = 128;

/// The machine that compresses, one for all connections of a thread: 140 KB to 270 KB for each size of
/// window in use, from the first long message on.
pub struct Deflater {
    machines: [Option<Deflate>; (BITS_MAX - BITS_MIN + 1) as usize],
    len_min: usize,
    bytes_in: u64,
    bytes_out: u64,
}

impl std::fmt::Debug for Deflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deflater")
            .field("len_min", &self.len_min)
            .finish_non_exhaustive()
    }
}

impl Default for Deflater {
    /// Compresses messages of 128 bytes and more.
    fn default() -> Deflater {
        Deflater::new(LEN_MIN)
    }
}

impl Deflater {
    /// Compresses messages of `len_min` bytes and more.
    #[must_use]
    pub const fn new(len_min: usize) -> Deflater {
        Deflater {
            machines: [const { None }; (BITS_MAX - BITS_MIN + 1) as usize],
            len_min,
            bytes_in: 0,
            bytes_out: 0,
        }
    }

    /// Whether a message of `len` bytes is long enough to be compressed.
    #[must_use]
    pub const fn takes(&self, len: usize) -> bool {
        self.len_min <= len
    }

    /// Bytes of compressed messages since it was made: as they were, and as they left.
    #[must_use]
    pub const fn totals(&self) -> (u64, u64) {
        (self.bytes_in, self.bytes_out)
    }

    /// Gives all memory back until the next long message.
    pub fn let_go(&mut self) {
        self.machines = [const { None }; (BITS_MAX - BITS_MIN + 1) as usize];
    }

    /// Appends `payload` compressed behind what `window` holds. False, with anything appended, when it
    /// came out no shorter.
    fn deflate(&mut self, window: &Window, payload: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(place) = window
            .bits()
            .checked_sub(BITS_MIN)
            .and_then(|at| self.machines.get_mut(usize::from(at)))
        else {
            return false;
        };
        let machine = place.get_or_insert_with(|| Deflate::new_with_config(config(window.bits())));
        machine.reset();
        if !window.bytes().is_empty() && machine.set_dictionary(window.bytes()).is_err() {
            return false;
        }
        let start = out.len();
        // All the room it can need: a machine that runs out of it keeps the rest through a reset, until it
        // panics for want of room inside (zlib-rs 0.6.8).
        let room = compress_bound(payload.len()) + ROOM_FLUSH;
        out.resize(start + room, 0);
        let status = machine.compress(payload, &mut out[start..], DeflateFlush::SyncFlush);
        let len = machine.total_out() as usize;
        // With room to spare, nothing is left inside.
        let is_whole = machine.total_in() as usize == payload.len() && len < room;
        out.truncate(start + len);
        if !matches!(status, Ok(Status::Ok)) || !is_whole || !out.ends_with(&TAIL) {
            *place = None;
            return false;
        }
        out.truncate(out.len() - TAIL.len());
        let len = out.len() - start;
        let is_shorter = len < payload.len();
        if is_shorter {
            self.bytes_in += payload.len() as u64;
            self.bytes_out += len as u64;
        }
        is_shorter
    }
}

/// What a flush adds to the longest that a message can become: the empty block, and bits up to its byte.
const ROOM_FLUSH: usize = 16;

/// Level 1: with a window of 1 KiB level 6 takes twice the time and a fifth off (docs/adr/0013).
fn config(window_bits: u8) -> DeflateConfig {
    DeflateConfig {
        level: 1,
        window_bits: -i32::from(window_bits),
        ..DeflateConfig::default()
    }
}

/// The writing half of a connection that agreed on compression. Messages must leave in the order in
/// which they were written here; those written without it may stand anywhere between.
#[derive(Debug)]
pub struct DeflateWriter {
    window: Window,
}

impl DeflateWriter {
    /// What `role` writes by `agreement`.
    #[must_use]
    pub fn new(role: Role, agreement: &Agreement) -> DeflateWriter {
        DeflateWriter {
            window: Window::new(agreement.outbound(role)),
        }
    }

    /// Appends one text message, compressed if it is long enough and becomes shorter. `payload` must
    /// be UTF-8; a server passes no `mask`, a client a fresh key.
    pub fn write_text(
        &mut self,
        deflater: &mut Deflater,
        out: &mut Vec<u8>,
        mask: Option<MaskKey>,
        payload: &[u8],
    ) {
        if !deflater.takes(payload.len()) {
            return write_text(out, mask, payload);
        }
        let at = out.len();
        let frame = begin_text(out, mask);
        if deflater.deflate(&self.window, payload, out) {
            frame.end(out);
            mark_compressed(&mut out[at]);
            self.window.push(payload);
        } else {
            out.truncate(at);
            write_text(out, mask, payload);
        }
    }

    /// Appends one binary message, as [`DeflateWriter::write_text`] does.
    pub fn write_binary(
        &mut self,
        deflater: &mut Deflater,
        out: &mut Vec<u8>,
        mask: Option<MaskKey>,
        payload: &[u8],
    ) {
        let at = out.len();
        self.write_text(deflater, out, mask, payload);
        crate::ws::frame::mark_binary(&mut out[at]);
    }

    /// Memory of the window, in bytes; 0 before the first compressed message.
    #[must_use]
    pub fn held_len(&self) -> usize {
        self.window.capacity()
    }
}
