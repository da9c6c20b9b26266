//! Reading: a compressed payload becomes a message.

use zlib_rs::{Inflate, InflateFlush, Status};

use super::{TAIL, Window};
use crate::ws::{Limits, WsError};

/// What a message may inflate to, however short it came: below this a ratio says nothing.
const FREE: usize = 64 << 10;

/// Memory for messages that is kept between them.
const KEPT_MAX: usize = 256 << 10;

/// Final blocks that one message may hold. One sender in a thousand ends each message with one
/// (§7.2.3.4); a message of nothing else would have the machine begin anew for every two bytes.
const FINAL_BLOCKS_MAX: u32 = 4;

/// The machine that inflates, one for all connections of a thread: some 50 KB and the longest message
/// up to 256 KiB, from the first compressed message on.
#[derive(Default)]
pub struct Inflater {
    machine: Option<Inflate>,
    /// What was inflated; all of it is initialised, the message is at its beginning.
    message: Vec<u8>,
    bytes_in: u64,
    bytes_out: u64,
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflater").finish_non_exhaustive()
    }
}

impl Inflater {
    /// Memory for messages, in bytes; the machine is beside it.
    #[must_use]
    pub fn held_len(&self) -> usize {
        self.message.capacity()
    }

    /// Bytes of messages since it was made: as they came, and what they became.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        (self.bytes_in, self.bytes_out)
    }

    /// Gives all memory back until the next compressed message.
    pub fn let_go(&mut self) {
        self.machine = None;
        self.message = Vec::new();
    }

    /// Inflates the whole payload of one message.
    pub(in crate::ws) fn inflate(
        &mut self,
        limits: &Limits,
        window: &mut Window,
        payload: &[u8],
    ) -> Result<&[u8], WsError> {
        if KEPT_MAX < self.message.len() {
            self.message = Vec::new();
        }
        let ratio = limits.inflate_ratio_max as usize;
        let mut stream = Stream {
            machine: self.machine.get_or_insert_with(|| Inflate::new(false, 15)),
            message: &mut self.message,
            len: 0,
            len_max: limits
                .message_len_max
                .min(payload.len().saturating_mul(ratio).max(FREE)),
            final_blocks: 0,
        };
        stream.begin(window.bytes())?;
        // Some senders leave even the one byte out that an empty message comes to.
        if !payload.is_empty() {
            stream.feed(payload, window)?;
            stream.feed(&TAIL, window)?;
        }
        let len = stream.len;
        self.bytes_in += payload.len() as u64;
        self.bytes_out += len as u64;
        window.push(&self.message[..len]);
        Ok(&self.message[..len])
    }
}

/// One message under way.
struct Stream<'a> {
    machine: &'a mut Inflate,
    message: &'a mut Vec<u8>,
    /// `message[..len]` is what came out.
    len: usize,
    len_max: usize,
    final_blocks: u32,
}

impl Stream<'_> {
    fn begin(&mut self, window: &[u8]) -> Result<(), WsError> {
        self.machine.reset(false);
        if !window.is_empty() {
            self.machine
                .set_dictionary(window)
                .map_err(|_| WsError::Deflate)?;
        }
        Ok(())
    }

    fn feed(&mut self, mut input: &[u8], window: &Window) -> Result<(), WsError> {
        loop {
            // One byte over the limit tells a message that fills it from one that exceeds it.
            let room_max = self.len_max + 1;
            if self.len == self.message.len() {
                let room = (2 * self.len).max(4096).min(room_max);
                self.message.reserve_exact(room - self.len);
                self.message.resize(room, 0);
            }
            // A longer message of before may have left more room than this one is to have.
            let room = self.message.len().min(room_max);
            let (came_in, went_out) = (self.machine.total_in(), self.machine.total_out());
            let status = self
                .machine
                .decompress(
                    input,
                    &mut self.message[self.len..room],
                    InflateFlush::SyncFlush,
                )
                .map_err(|_| WsError::Deflate)?;
            // Both are within the slices that were passed.
            input = &input[(self.machine.total_in() - came_in) as usize..];
            self.len += (self.machine.total_out() - went_out) as usize;
            if self.len_max < self.len {
                return Err(WsError::InflatesTooFar {
                    limit: self.len_max,
                });
            }
            match status {
                Status::StreamEnd if input.is_empty() => {
                    return self.begin_again(window);
                }
                Status::StreamEnd => self.begin_again(window)?,
                Status::Ok | Status::BufError if self.len < room => {
                    // There was room, so it stopped for want of input.
                    return Ok(());
                }
                Status::Ok | Status::BufError => {}
            }
        }
    }

    /// A final block ends a stream, not the message: another stream may follow, over the same window.
    fn begin_again(&mut self, window: &Window) -> Result<(), WsError> {
        self.final_blocks += 1;
        if FINAL_BLOCKS_MAX < self.final_blocks {
            return Err(WsError::Deflate);
        }
        let seen = window.with(&self.message[..self.len]);
        self.begin(&seen)
    }
}
