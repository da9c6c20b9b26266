//! Reads durable records from the files, on any thread.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fleet::{LogId, Seq};

use super::LogError;
use super::format::{
    BLOCK_HEAD_LEN, BlockHead, Cursor, FRAME_HEAD_LEN, HeaderPage, PAGE, check_frames, split_frame,
};
use super::segments::Segments;
use crate::disk::DiskFile;

/// Bytes read at a time, when there are so many.
const READ_LEN: u64 = 256 << 10;

/// Reads durable records from the files, on any thread; checks every sum on the way.
pub struct LogReader {
    segments: Arc<Segments>,
    /// The record that [`LogReader::next`] returns.
    next: Seq,
    open: Option<Open>,
    /// Bytes of the open segment from `window_at` on.
    window: Vec<u8>,
    window_at: u64,
    /// Frames of the current block that were not passed yet, as a range of `window`.
    frames: std::ops::Range<usize>,
    /// Seq of the first of them.
    frames_seq: Seq,
    /// The segment of the current block, and where the block begins there.
    block: (u32, u64),
    blocks: u64,
}

struct Open {
    file: Box<dyn DiskFile>,
    cursor: Cursor,
}

impl std::fmt::Debug for LogReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogReader")
            .field("log", &self.segments.id)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl LogReader {
    pub(super) fn new(segments: Arc<Segments>, from: Seq) -> Self {
        Self {
            segments,
            next: Seq(from.0.max(1)),
            open: None,
            window: Vec::new(),
            window_at: 0,
            frames: 0..0,
            frames_seq: Seq(0),
            block: (0, 0),
            blocks: 0,
        }
    }

    /// The next record, or `None` when every durable one was read. Not an `Iterator`: the record is borrowed.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`], [`LogError::Released`] or [`LogError::Ahead`], the same again when called again;
    /// [`LogError::Io`], after which a call reads again what could not be read.
    #[expect(clippy::should_implement_trait, reason = "the record is borrowed")]
    pub fn next(&mut self) -> Result<Option<(Seq, &[u8])>, LogError> {
        loop {
            if self.frames.is_empty() && !self.load_block()? {
                return Ok(None);
            }
            let frames = &self.window[self.frames.clone()];
            let (record, _) = split_frame(frames).expect("check_frames has passed the block");
            let len = record.len();
            let start = self.frames.start + FRAME_HEAD_LEN;
            let seq = self.frames_seq;
            self.frames.start = start + len;
            self.frames_seq = Seq(seq.0 + 1);
            if seq == self.next {
                self.next = self.frames_seq;
                return Ok(Some((seq, &self.window[start..start + len])));
            }
        }
    }

    /// Blocks until [`LogReader::next`] has a record, or `timeout` is over, or the log was shut down. True when
    /// it has.
    pub fn wait(&self, timeout: Duration) -> bool {
        self.segments.wait(self.next, timeout)
    }

    /// True when the log was shut down or has failed: after the last durable record comes none.
    pub fn is_closed(&self) -> bool {
        self.segments.lock().closed
    }

    /// The last record returned, or the one before the first to be returned.
    pub fn position(&self) -> Seq {
        Seq(self.next.0 - 1)
    }

    /// The file of the last record returned, and where the block that holds it begins; of no use before the first.
    pub fn place(&self) -> (PathBuf, u64) {
        let (segment, offset) = self.block;
        (self.segments.path(segment), offset)
    }

    /// Goes on with record `from`.
    pub fn seek(&mut self, from: Seq) {
        *self = Self::new(Arc::clone(&self.segments), from);
    }

    /// The log that is read.
    pub fn log_id(&self) -> LogId {
        self.segments.id
    }

    /// Blocks read so far.
    pub(super) fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Makes the block that holds `self.next` current; false when it is not durable yet.
    fn load_block(&mut self) -> Result<bool, LogError> {
        loop {
            if self.open.is_none() && !self.open_segment()? {
                return Ok(false);
            }
            let cursor = self
                .open
                .as_ref()
                .expect("a segment was opened above")
                .cursor;
            let Some((limit, full)) = self.segments.lock().limit(cursor.segment) else {
                // Recycled, perhaps because this very reader's owner has passed it.
                self.open = None;
                continue;
            };
            if limit <= cursor.offset {
                if !full {
                    return Ok(false);
                }
                self.open = None;
                continue;
            }
            let at = self.fill(cursor.offset, BLOCK_HEAD_LEN, limit)?;
            let head = cursor.check_head(&self.window[at..], limit);
            let head = head.map_err(|detail| self.damaged(&cursor, detail))?;
            if self.next < head.next_seq() {
                self.load_frames(&cursor, &head, limit)?;
            }
            let open = self.open.as_mut().expect("it was opened above");
            open.cursor.advance(&head);
            self.blocks += 1;
            if !self.frames.is_empty() {
                return Ok(true);
            }
        }
    }

    fn load_frames(
        &mut self,
        cursor: &Cursor,
        head: &BlockHead,
        limit: u64,
    ) -> Result<(), LogError> {
        let len = head.frames_len as usize;
        let at = self.fill(cursor.offset, BLOCK_HEAD_LEN + len, limit)?;
        let start = at + BLOCK_HEAD_LEN;
        let end = (start + len).min(self.window.len());
        let checked = check_frames(head, &self.window[start.min(end)..end]);
        checked.map_err(|detail| self.damaged(cursor, detail))?;
        self.frames = start..end;
        self.frames_seq = head.first_seq;
        self.block = (cursor.segment, cursor.offset);
        Ok(())
    }

    /// Opens the segment that holds `self.next`; false when none does yet.
    fn open_segment(&mut self) -> Result<bool, LogError> {
        let (segment, durable) = {
            let index = self.segments.lock();
            (index.holding(self.next), index.durable)
        };
        if durable < self.next {
            return match self.next.0 - durable.0 {
                1 => Ok(false),
                _ => Err(LogError::Ahead {
                    log: self.segments.id,
                    from: self.next,
                    end: durable,
                }),
            };
        }
        let Some(segment) = segment else {
            return Err(self.released());
        };
        let path = self.segments.path(segment.no);
        let opened = self.segments.disk.open(&path);
        let file = opened.map_err(|e| self.io(segment.no, "opening", e))?;
        let mut page = [0; PAGE as usize];
        let read = file.pread(&mut page, 0);
        let len = read.map_err(|e| self.io(segment.no, "reading", e))?;
        let cursor = match HeaderPage::decode(&page[..len]) {
            HeaderPage::Valid(header) if header.segment == segment.no => Cursor::at_start(&header),
            HeaderPage::Valid(_) | HeaderPage::Version(_) | HeaderPage::None => {
                return Err(self.damaged_at(segment.no, 0, "the header is damaged"));
            }
        };
        self.open = Some(Open { file, cursor });
        self.window.clear();
        Ok(true)
    }

    /// Has `len` bytes of the segment from `offset` on in the window, fewer at the end of the file, and returns
    /// where they begin there. Reads ahead up to `limit`.
    fn fill(&mut self, offset: u64, len: usize, limit: u64) -> Result<usize, LogError> {
        let window_end = self.window_at + self.window.len() as u64;
        if self.window_at <= offset && offset + len as u64 <= window_end {
            return Ok((offset - self.window_at) as usize);
        }
        let want = READ_LEN.min(limit - offset).max(len as u64);
        self.window.resize(want as usize, 0);
        self.window_at = offset;
        let open = self.open.as_ref().expect("only an open segment is read");
        let no = open.cursor.segment;
        let read = open.file.pread(&mut self.window, offset);
        // Nothing of a read that failed is to be taken for the file's.
        self.window.truncate(*read.as_ref().unwrap_or(&0));
        read.map_err(|e| self.io(no, "reading", e))?;
        Ok(0)
    }

    fn released(&self) -> LogError {
        LogError::Released {
            log: self.segments.id,
            seq: self.next,
            first: self.segments.lock().first(),
        }
    }

    fn damaged(&self, cursor: &Cursor, detail: &'static str) -> LogError {
        self.damaged_at(cursor.segment, cursor.offset, detail)
    }

    /// A file that was recycled meanwhile holds other things by right.
    fn damaged_at(&self, no: u32, offset: u64, detail: &'static str) -> LogError {
        if self.segments.lock().is_gone(no) {
            return self.released();
        }
        LogError::Corrupt {
            file: self.segments.path(no),
            offset,
            detail,
        }
    }

    fn io(&self, no: u32, doing: &'static str, source: std::io::Error) -> LogError {
        if self.segments.lock().is_gone(no) {
            return self.released();
        }
        LogError::io(doing, &self.segments.path(no))(source)
    }
}
