//! The bytes of a segment file.
//!
//! All integers are little-endian. A file is a *header page* of 4,096 bytes, then *blocks*, each a multiple of
//! 4,096 bytes long; what follows the last block is zeros or what an earlier use of the file left.
//!
//! Header (96 bytes, within one sector, so that it is written whole or not at all; the page's rest is zero):
//!
//! | at | bytes | what |
//! | --- | --- | --- |
//! | 0 | 8 | `SIGECLOG` |
//! | 8 | 4 | version, 1 |
//! | 12 | 4 | segment number, from 1; the file's name has it too |
//! | 16 | 8 | log id |
//! | 24 | 8 | salt: random for each use of a file, repeated in its blocks |
//! | 32 | 8 | epoch: grows by one at each start and after each failed commit |
//! | 40 | 8 | seq of the first record |
//! | 48 | 8 | capacity: no block ends behind it |
//! | 56 | 4 | previous segment's number, 0 when there is none |
//! | 60 | 4 | 0 |
//! | 64 | 8 | where the previous segment's durable blocks end |
//! | 72 | 8 | its last durable record |
//! | 80 | 8 | its epoch there |
//! | 88 | 4 | 0 |
//! | 92 | 4 | CRC32C of bytes 0 to 92 |
//!
//! Block (one commit): a head of 64 bytes, frames, zeros up to the next multiple of 4,096.
//!
//! | at | bytes | what |
//! | --- | --- | --- |
//! | 0 | 4 | `SGBK` |
//! | 4 | 4 | segment number |
//! | 8 | 8 | salt |
//! | 16 | 8 | epoch |
//! | 24 | 8 | seq of the first record |
//! | 32 | 8 | the block's own offset |
//! | 40 | 8 | durable end: every byte of this file before it was synced before this block was written |
//! | 48 | 4 | number of records; 0 in the block that a clean shutdown writes |
//! | 52 | 4 | bytes of frames |
//! | 56 | 4 | CRC32C of the frames |
//! | 60 | 4 | CRC32C of bytes 0 to 60 |
//! | 64 | | frames: 4 bytes length, then the record ([`fleet::wire`]) |
//!
//! A recycled file is full of valid old blocks; segment number and salt tell them from new ones, and nobody
//! outside can forge a block inside a record, because the salt is never shown.

use fleet::{LogId, Seq};

/// Blocks start at multiples of this; also the length of the header page.
pub(super) const PAGE: u64 = 4096;
/// Bytes of a block before its frames.
pub(super) const BLOCK_HEAD_LEN: usize = 64;
/// Bytes of a frame before its record.
pub(super) const FRAME_HEAD_LEN: usize = 4;

const HEADER_LEN: usize = 96;
const HEADER_MAGIC: &[u8; 8] = b"SIGECLOG";
const BLOCK_MAGIC: &[u8; 4] = b"SGBK";
const VERSION: u32 = 1;

const _: () = assert!(HEADER_LEN <= 512, "a sector holds the header");

/// A place up to which a log is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// Its segment; 0 before the first one.
    pub(super) segment: u32,
    /// Where that segment's durable blocks end.
    pub(super) offset: u64,
    /// The last durable record.
    pub(super) seq: Seq,
    /// Epoch of the block that ends there.
    pub(super) epoch: u64,
}

impl End {
    /// What the first segment continues.
    pub(super) const NONE: Self = Self {
        segment: 0,
        offset: 0,
        seq: Seq(0),
        epoch: 0,
    };
}

/// A segment's header page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) segment: u32,
    pub(super) log: LogId,
    pub(super) salt: u64,
    pub(super) epoch: u64,
    pub(super) first_seq: Seq,
    pub(super) capacity: u64,
    pub(super) prev: End,
}

/// What the first bytes of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderPage {
    /// A header of this version, whole.
    Valid(Header),
    /// A whole header of another version.
    Version(u32),
    /// No header.
    None,
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut page = Vec::with_capacity(PAGE as usize);
        page.extend_from_slice(HEADER_MAGIC);
        page.extend_from_slice(&VERSION.to_le_bytes());
        page.extend_from_slice(&self.segment.to_le_bytes());
        page.extend_from_slice(&self.log.0.to_le_bytes());
        page.extend_from_slice(&self.salt.to_le_bytes());
        page.extend_from_slice(&self.epoch.to_le_bytes());
        page.extend_from_slice(&self.first_seq.0.to_le_bytes());
        page.extend_from_slice(&self.capacity.to_le_bytes());
        page.extend_from_slice(&self.prev.segment.to_le_bytes());
        page.extend_from_slice(&[0; 4]);
        page.extend_from_slice(&self.prev.offset.to_le_bytes());
        page.extend_from_slice(&self.prev.seq.0.to_le_bytes());
        page.extend_from_slice(&self.prev.epoch.to_le_bytes());
        page.extend_from_slice(&[0; 4]);
        let crc = crc32c::crc32c(&page);
        page.extend_from_slice(&crc.to_le_bytes());
        debug_assert_eq!(page.len(), HEADER_LEN);
        page.resize(PAGE as usize, 0);
        page
    }
}

impl HeaderPage {
    pub(super) fn decode(page: &[u8]) -> Self {
        let Some(bytes) = page.first_chunk::<HEADER_LEN>() else {
            return Self::None;
        };
        let stored = u32_at(bytes, HEADER_LEN - 4);
        if !bytes.starts_with(HEADER_MAGIC) || crc32c::crc32c(&bytes[..HEADER_LEN - 4]) != stored {
            return Self::None;
        }
        match u32_at(bytes, 8) {
            VERSION => Self::Valid(Header {
                segment: u32_at(bytes, 12),
                log: LogId(u64_at(bytes, 16) as i64),
                salt: u64_at(bytes, 24),
                epoch: u64_at(bytes, 32),
                first_seq: Seq(u64_at(bytes, 40)),
                capacity: u64_at(bytes, 48),
                prev: End {
                    segment: u32_at(bytes, 56),
                    offset: u64_at(bytes, 64),
                    seq: Seq(u64_at(bytes, 72)),
                    epoch: u64_at(bytes, 80),
                },
            }),
            version => Self::Version(version),
        }
    }
}

/// A block's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockHead {
    pub(super) segment: u32,
    pub(super) salt: u64,
    pub(super) epoch: u64,
    pub(super) first_seq: Seq,
    pub(super) offset: u64,
    pub(super) durable_end: u64,
    pub(super) count: u32,
    pub(super) frames_len: u32,
    pub(super) frames_crc: u32,
}

impl BlockHead {
    /// The head in `bytes`, if its own sum is right.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.first_chunk::<BLOCK_HEAD_LEN>()?;
        let stored = u32_at(bytes, BLOCK_HEAD_LEN - 4);
        let whole = bytes.starts_with(BLOCK_MAGIC)
            && crc32c::crc32c(&bytes[..BLOCK_HEAD_LEN - 4]) == stored;
        whole.then(|| Self {
            segment: u32_at(bytes, 4),
            salt: u64_at(bytes, 8),
            epoch: u64_at(bytes, 16),
            first_seq: Seq(u64_at(bytes, 24)),
            offset: u64_at(bytes, 32),
            durable_end: u64_at(bytes, 40),
            count: u32_at(bytes, 48),
            frames_len: u32_at(bytes, 52),
            frames_crc: u32_at(bytes, 56),
        })
    }

    fn encode(&self) -> [u8; BLOCK_HEAD_LEN] {
        let mut bytes = [0; BLOCK_HEAD_LEN];
        bytes[..4].copy_from_slice(BLOCK_MAGIC);
        bytes[4..8].copy_from_slice(&self.segment.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.salt.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first_seq.0.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.offset.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.durable_end.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.count.to_le_bytes());
        bytes[52..56].copy_from_slice(&self.frames_len.to_le_bytes());
        bytes[56..60].copy_from_slice(&self.frames_crc.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..BLOCK_HEAD_LEN - 4]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Bytes of the whole block, padding included.
    pub(super) fn block_len(&self) -> u64 {
        block_len(self.frames_len as usize)
    }

    /// Seq of the record that follows this block.
    pub(super) fn next_seq(&self) -> Seq {
        Seq(self.first_seq.0.saturating_add(u64::from(self.count)))
    }
}

/// Bytes of a block whose frames take `frames_len`.
pub(super) fn block_len(frames_len: usize) -> u64 {
    (BLOCK_HEAD_LEN as u64 + frames_len as u64).next_multiple_of(PAGE)
}

/// Where the next block of a segment begins, and what it must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) segment: u32,
    pub(super) salt: u64,
    /// Epochs never fall within a segment.
    pub(super) epoch: u64,
    pub(super) seq: Seq,
    pub(super) offset: u64,
}

impl Cursor {
    pub(super) fn at_start(header: &Header) -> Self {
        Self {
            segment: header.segment,
            salt: header.salt,
            epoch: header.epoch,
            seq: header.first_seq,
            offset: PAGE,
        }
    }

    /// The head in `bytes`, if it is that of the block expected here and ends within `limit`.
    pub(super) fn check_head(&self, bytes: &[u8], limit: u64) -> Result<BlockHead, &'static str> {
        let head = BlockHead::decode(bytes).ok_or("no block, or its head is damaged")?;
        if head.segment != self.segment || head.salt != self.salt || head.offset != self.offset {
            return Err("the block belongs elsewhere");
        }
        if head.first_seq != self.seq {
            return Err("the block has another first seq");
        }
        if head.epoch < self.epoch {
            return Err("the block is older than the one before it");
        }
        if limit < head.offset + head.block_len() {
            return Err("the block ends behind the durable end");
        }
        Ok(head)
    }

    /// Moves past a block that was checked.
    pub(super) fn advance(&mut self, head: &BlockHead) {
        self.epoch = head.epoch;
        self.seq = head.next_seq();
        self.offset += head.block_len();
    }
}

/// Checks a block's frames: their sum, and that they fill the block exactly.
pub(super) fn check_frames(head: &BlockHead, frames: &[u8]) -> Result<(), &'static str> {
    if frames.len() != head.frames_len as usize || crc32c::crc32c(frames) != head.frames_crc {
        return Err("the block's records are damaged");
    }
    let mut rest = frames;
    for _ in 0..head.count {
        let (_, tail) = split_frame(rest).ok_or("the block's frames do not fill it")?;
        rest = tail;
    }
    rest.is_empty()
        .then_some(())
        .ok_or("the block's frames do not fill it")
}

/// The first record of `frames`, and the frames behind it.
pub(super) fn split_frame(frames: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = frames.split_first_chunk::<FRAME_HEAD_LEN>()?;
    rest.split_at_checked(u32::from_le_bytes(*len) as usize)
}

/// A block under construction: its bytes as they will stand in the file, so that a record is encoded once.
#[derive(Debug)]
pub(super) struct BlockBuilder {
    /// A head to be filled in, frames, and, once sealed, padding.
    bytes: Vec<u8>,
    /// Where the frames end: `BLOCK_HEAD_LEN <= end <= bytes.len()`.
    end: usize,
    count: u32,
}

impl BlockBuilder {
    /// Reuses the memory of `bytes`.
    pub(super) fn new(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        bytes.resize(BLOCK_HEAD_LEN, 0);
        Self {
            bytes,
            end: BLOCK_HEAD_LEN,
            count: 0,
        }
    }

    pub(super) fn frames_len(&self) -> usize {
        self.end - BLOCK_HEAD_LEN
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Appends a record written by `encode`, which only appends. One longer than `len_max` is taken back, and
    /// its length is the error.
    pub(super) fn push(
        &mut self,
        len_max: usize,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), usize> {
        let start = self.end + FRAME_HEAD_LEN;
        self.bytes.resize(start, 0);
        encode(&mut self.bytes);
        assert!(start <= self.bytes.len(), "an encoder only appends");
        let len = self.bytes.len() - start;
        if len_max < len {
            self.bytes.truncate(self.end);
            return Err(len);
        }
        let head = u32::try_from(len).map_err(|_| len)?.to_le_bytes();
        self.bytes[self.end..start].copy_from_slice(&head);
        self.end = self.bytes.len();
        self.count += 1;
        Ok(())
    }

    /// The block's bytes for the place that `cursor` names; again for another place when that one failed.
    pub(super) fn seal(&mut self, cursor: &Cursor, durable_end: u64) -> (BlockHead, &[u8]) {
        let frames = &self.bytes[BLOCK_HEAD_LEN..self.end];
        let head = BlockHead {
            segment: cursor.segment,
            salt: cursor.salt,
            epoch: cursor.epoch,
            first_seq: cursor.seq,
            offset: cursor.offset,
            durable_end,
            count: self.count,
            frames_len: u32::try_from(frames.len()).expect("LogConfig::check keeps batches small"),
            frames_crc: crc32c::crc32c(frames),
        };
        self.bytes[..BLOCK_HEAD_LEN].copy_from_slice(&head.encode());
        self.bytes.truncate(self.end);
        self.bytes.resize(head.block_len() as usize, 0);
        (head, &self.bytes)
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut raw = [0; 4];
    raw.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(raw)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut raw = [0; 8];
    raw.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(raw)
}

#[cfg(test)]
mod tests;
