//! Finds the end of a log after any stop.
//!
//! The segments form a chain: each header says where the one before it ended. The newest one is read block by
//! block until a block is not as expected, at `end`. What then lies behind `end` decides:
//!
//! - A later block, or header, that says "everything before me was synced" makes it damage:
//!   [`LogError::Corrupt`], because an acknowledged record is gone.
//! - Otherwise it is a commit that was never acknowledged, and is cut off.
//!
//! So a bit that flips in the very last block of a log that was killed cannot be told from a torn write. A clean
//! shutdown leaves an empty block behind it, and then it can. Older segments are checked when they are read:
//! damage there is found by whoever needs the records, or by [`super::verify`].

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};

use fleet::{LogId, Seq};

use super::LogError;
use super::format::{
    BLOCK_HEAD_LEN, BlockHead, Cursor, End, Header, HeaderPage, PAGE, check_frames,
};
use super::janitor::NEW_FILE;
use super::ready::ReadyFile;
use super::segments::{Segment, segment_no, segment_path};
use crate::disk::{Disk, DiskFile};

/// What opening a log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The log.
    pub id: LogId,
    /// The oldest record there is; one past `end` when there is none.
    pub first: Seq,
    /// The newest record; `Seq(0)` when there never was one. It is durable.
    pub end: Seq,
    /// Where a commit that was never acknowledged was cut off: file and offset.
    pub cut: Option<(PathBuf, u64)>,
}

/// A log as it lies on the disk.
pub(super) struct Found {
    pub(super) id: LogId,
    pub(super) segments: VecDeque<Segment>,
    pub(super) end: End,
    /// True when the last block is the empty one of a clean shutdown.
    pub(super) marked: bool,
    pub(super) tail: Box<dyn DiskFile>,
    pub(super) tail_header: Header,
    /// Where the last block begins; the header page's 0 when there is no block.
    last_block: u64,
    /// True when bytes of a torn commit lie behind the end.
    torn: bool,
    /// Files behind the newest segment, without records.
    unused: Files,
    /// Files before it that no segment continues: what they held is elsewhere.
    abandoned: Vec<PathBuf>,
}

/// Reads the log in `dir` without changing it; `None` when there is none.
pub(super) fn find(dir: &Path, disk: &dyn Disk) -> Result<Option<Found>, LogError> {
    let (headers, mut files) = read_headers(dir, disk)?;
    let Some(tail_header) = headers.last_key_value().map(|(_, h)| *h) else {
        // A log is created with its first header in place.
        return files.first_key_value().map_or(Ok(None), |(no, _)| {
            Err(LogError::Corrupt {
                file: segment_path(dir, *no),
                offset: 0,
                detail: "no segment has a valid header",
            })
        });
    };
    let mut segments = chain(dir, &headers)?;
    let tail = files
        .remove(&tail_header.segment)
        .expect("every header came from a file");
    for segment in &segments {
        files.remove(&segment.no);
    }
    let unused = files.split_off(&tail_header.segment);
    let abandoned = files.keys().map(|no| segment_path(dir, *no)).collect();
    check_unused(dir, &unused)?;

    let path = segment_path(dir, tail_header.segment);
    let scan = scan(&path, &*tail, &tail_header)?;
    segments.push_back(Segment {
        no: tail_header.segment,
        first_seq: tail_header.first_seq,
        capacity: tail_header.capacity,
        end: scan.cursor.offset,
    });
    Ok(Some(Found {
        id: tail_header.log,
        segments,
        end: End {
            segment: tail_header.segment,
            offset: scan.cursor.offset,
            seq: Seq(scan.cursor.seq.0 - 1),
            epoch: scan.cursor.epoch,
        },
        marked: scan.marked,
        tail,
        tail_header,
        last_block: scan.last_block,
        torn: scan.torn,
        unused,
        abandoned,
    }))
}

impl Found {
    pub(super) fn recovery(&self, dir: &Path) -> Recovery {
        let cut = || (segment_path(dir, self.end.segment), self.end.offset);
        Recovery {
            id: self.id,
            first: self.segments[0].first_seq,
            end: self.end.seq,
            cut: self.torn.then(cut),
        }
    }

    /// Makes what was found durable. The last commit may be in the page cache only, and clean there after a
    /// sync that failed: it is written once more, byte for byte, and synced. Names are synced too.
    pub(super) fn settle(&self, dir: &Path, disk: &dyn Disk) -> Result<(), LogError> {
        let path = segment_path(dir, self.end.segment);
        // The header page went to the disk with the first block.
        let start = if self.last_block == PAGE {
            0
        } else {
            self.last_block
        };
        let mut bytes = vec![0; (self.end.offset - start) as usize];
        self.tail
            .pread(&mut bytes, start)
            .and_then(|_| self.tail.pwrite(&bytes, start))
            .and_then(|()| self.tail.fdatasync())
            .map_err(LogError::io("settling the end of", &path))?;
        disk.sync_dir(dir).map_err(LogError::io("syncing", dir))
    }

    /// The files that can be used next, and the number after the last. All others without records are removed.
    pub(super) fn take_ready(
        &mut self,
        dir: &Path,
        disk: &dyn Disk,
        capacity: u64,
    ) -> Result<(VecDeque<ReadyFile>, u32), LogError> {
        for path in self.abandoned.drain(..).chain([dir.join(NEW_FILE)]) {
            match disk.remove(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(LogError::io("removing", &path)(e));
                }
                Ok(()) | Err(_) => {}
            }
        }
        let mut ready = VecDeque::new();
        let mut next_no = self.end.segment + 1;
        for (no, file) in std::mem::take(&mut self.unused) {
            let path = segment_path(dir, no);
            let len = file.len().map_err(LogError::io("measuring", &path))?;
            next_no = no + 1;
            if len == capacity && ready.len() < super::ready::READY_MAX {
                ready.push_back(ReadyFile { no, file, capacity });
            } else {
                disk.remove(&path)
                    .map_err(LogError::io("removing", &path))?;
            }
        }
        Ok((ready, next_no))
    }
}

type Headers = BTreeMap<u32, Header>;
type Files = BTreeMap<u32, Box<dyn DiskFile>>;

/// Every segment file, and the headers of those in use.
fn read_headers(dir: &Path, disk: &dyn Disk) -> Result<(Headers, Files), LogError> {
    let mut headers = BTreeMap::new();
    let mut files = BTreeMap::new();
    for path in disk.list(dir).map_err(LogError::io("listing", dir))? {
        let Some(no) = segment_no(&path) else {
            continue;
        };
        let file = disk.open(&path).map_err(LogError::io("opening", &path))?;
        let mut page = [0; PAGE as usize];
        let len = file.pread(&mut page, 0);
        let len = len.map_err(LogError::io("reading", &path))?;
        match HeaderPage::decode(&page[..len]) {
            // A recycled file keeps the header of its last use until its next.
            HeaderPage::Valid(header) if header.segment == no => {
                headers.insert(no, header);
            }
            HeaderPage::Valid(_) | HeaderPage::None => {}
            HeaderPage::Version(found) => return Err(LogError::Version { file: path, found }),
        }
        files.insert(no, file);
    }
    Ok((headers, files))
}

/// All segments before the newest, oldest first, as each successor's header describes them.
fn chain(dir: &Path, headers: &Headers) -> Result<VecDeque<Segment>, LogError> {
    let mut segments = VecDeque::new();
    let Some(mut next) = headers.last_key_value().map(|(_, h)| h) else {
        return Ok(segments);
    };
    let path = |no| segment_path(dir, no);
    while let Some(header) = headers.get(&next.prev.segment) {
        let continues = header.log == next.log
            && header.segment < next.segment
            && next.first_seq.0 == next.prev.seq.0 + 1
            && header.first_seq <= next.first_seq
            && header.epoch <= next.prev.epoch;
        if !continues {
            return Err(LogError::Corrupt {
                file: path(next.segment),
                offset: 0,
                detail: "the header does not continue the segment it names",
            });
        }
        segments.push_front(Segment {
            no: header.segment,
            first_seq: header.first_seq,
            capacity: header.capacity,
            end: next.prev.offset,
        });
        next = header;
    }
    // Segments are recycled from the oldest, so nothing in use is older than a missing one.
    match headers.range(..next.segment).next() {
        Some(_) => Err(LogError::Missing {
            file: path(next.prev.segment),
            next: path(next.segment),
        }),
        None => Ok(segments),
    }
}

/// A file without header must not hold blocks that were acknowledged: then its header is damaged.
fn check_unused(dir: &Path, files: &Files) -> Result<(), LogError> {
    for (no, file) in files {
        let path = segment_path(dir, *no);
        let later =
            later_block(&**file, *no, None, PAGE).map_err(LogError::io("reading", &path))?;
        if later {
            return Err(LogError::Corrupt {
                file: path,
                offset: 0,
                detail: "the header is damaged, and synced blocks follow it",
            });
        }
    }
    Ok(())
}

struct Scan {
    cursor: Cursor,
    last_block: u64,
    marked: bool,
    torn: bool,
}

/// Reads the newest segment to its end.
fn scan(path: &Path, file: &dyn DiskFile, header: &Header) -> Result<Scan, LogError> {
    let read = |bytes: &mut [u8], offset| {
        file.pread(bytes, offset)
            .map_err(LogError::io("reading", path))
    };
    let mut found = Scan {
        cursor: Cursor::at_start(header),
        last_block: 0,
        marked: false,
        torn: false,
    };
    let mut bytes = Vec::new();
    let detail = loop {
        let cursor = &mut found.cursor;
        bytes.resize(BLOCK_HEAD_LEN, 0);
        let len = read(&mut bytes, cursor.offset)?;
        let head = match cursor.check_head(&bytes[..len], header.capacity) {
            Ok(head) => head,
            Err(detail) => break detail,
        };
        bytes.resize(head.frames_len as usize, 0);
        let len = read(&mut bytes, cursor.offset + BLOCK_HEAD_LEN as u64)?;
        if let Err(detail) = check_frames(&head, &bytes[..len]) {
            break detail;
        }
        found.last_block = cursor.offset;
        found.marked = head.count == 0;
        cursor.advance(&head);
    };
    let end = found.cursor.offset;
    bytes.resize(BLOCK_HEAD_LEN, 0);
    let len = read(&mut bytes, end)?;
    // Blocks that an earlier use of the file left are no tear.
    let stale = BlockHead::decode(&bytes[..len]).is_some_and(|h| h.segment != header.segment);
    found.torn = !stale && bytes[..len].iter().any(|b| *b != 0);
    let later = later_block(file, header.segment, Some(header.salt), end);
    if later.map_err(LogError::io("reading", path))? {
        return Err(LogError::Corrupt {
            file: path.to_owned(),
            offset: end,
            detail,
        });
    }
    Ok(found)
}

/// True when a block of this use of the file says that everything up to beyond `offset` was synced before it.
/// With `salt`, its head must have that one.
fn later_block(
    file: &dyn DiskFile,
    segment: u32,
    salt: Option<u64>,
    offset: u64,
) -> io::Result<bool> {
    const PAGES: usize = 256;
    let mut chunk = vec![0; PAGES * PAGE as usize];
    let mut at = offset + PAGE;
    loop {
        let len = file.pread(&mut chunk, at)?;
        let heads = chunk[..len]
            .chunks(PAGE as usize)
            .zip((at..).step_by(PAGE as usize));
        let later = |(page, at): (&[u8], u64)| {
            BlockHead::decode(page).is_some_and(|head| {
                head.segment == segment
                    && salt.is_none_or(|salt| salt == head.salt)
                    && head.offset == at
                    && offset < head.durable_end
            })
        };
        if heads.into_iter().any(later) {
            return Ok(true);
        }
        if len < chunk.len() {
            return Ok(false);
        }
        at += len as u64;
    }
}
