//! The buffers the kernel receives into: it takes one when bytes have come, so idle connections share them all.
//!
//! The kernel takes them in turn, and so comes to touch every page that it was ever given. It is given few at first, twice
//! as many when it lacked one, and a driver that comes to rest takes the pages of all but those few back as they return.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::Submitter;
use io_uring::types::BufRingEntry;

/// The only group of buffers.
pub(super) const GROUP: u16 = 0;
/// Most bytes that one completion delivers.
const BUFFER_LEN: usize = 4096;
const PAGE: usize = 4096;
// What goes back to the system is a buffer, and nothing beside it.
const _: () = assert!(BUFFER_LEN.is_multiple_of(PAGE));
/// Buffers that the kernel has at first: a quarter of a megabyte.
const LENT_MIN: u16 = 64;

/// A ring of buffers, all of one length.
///
/// # Invariants
///
/// - A buffer is the kernel's from [`Buffers::offer`] to the completion that names it, and its [`Filled`]'s from there on;
///   there is one `Filled` for it at a time. Those on the shelf are neither's.
/// - `lent + shelf.len() == count`.
/// - Both blocks of memory stay where they are until the io_uring they are registered with is closed.
#[derive(Debug)]
pub(super) struct Buffers {
    /// `count` entries; the tail lies in the first.
    entries: NonNull<BufRingEntry>,
    bytes: NonNull<u8>,
    count: u16,
    tail: u16,
    /// Those that are the kernel's or a [`Filled`]'s.
    lent: u16,
    /// So many may be lent; beyond them, what is given back goes to the shelf.
    lent_max: u16,
    /// Ids of those that nobody has.
    shelf: Vec<u16>,
}

// SAFETY: the pointers are to memory that this value alone owns.
unsafe impl Send for Buffers {}

/// A buffer with received bytes in it.
#[derive(Debug)]
pub(super) struct Filled {
    bytes: NonNull<u8>,
    len: usize,
    id: u16,
}

impl Filled {
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the buffer is this value's alone until it is given back, `Buffers::filled` has bounded the length, and
        // the memory outlives the turn that handles it; every byte of it was zeroed or received.
        unsafe { std::slice::from_raw_parts_mut(self.bytes.as_ptr(), self.len) }
    }
}

impl Buffers {
    /// `count` buffers, a power of two; a few are the kernel's as soon as they are registered.
    pub(super) fn new(count: u16) -> io::Result<Buffers> {
        assert!(count.is_power_of_two());
        let entries = map(entries_len(count))?.cast();
        let bytes =
            map(bytes_len(count)).inspect_err(|_| unmap(entries.cast(), entries_len(count)))?;
        let mut buffers = Buffers {
            entries,
            bytes,
            count,
            tail: 0,
            lent: 0,
            lent_max: 0,
            shelf: (0..count).rev().collect(),
        };
        buffers.lend(LENT_MIN.min(count));
        Ok(buffers)
    }

    /// Makes them known to the kernel.
    pub(super) fn register(&self, submitter: &Submitter<'_>) -> io::Result<()> {
        // SAFETY: the entries are page-aligned, `count` of them are allocated, and they live until the ring is closed.
        unsafe {
            submitter.register_buf_ring_with_flags(
                self.entries.as_ptr() as u64,
                self.count,
                GROUP,
                0,
            )
        }
    }

    /// The first `len` bytes of the buffer that a completion named; once per completion.
    pub(super) fn filled(&self, id: u16, len: usize) -> Filled {
        assert!(id < self.count && len <= BUFFER_LEN);
        Filled {
            bytes: self.at(id),
            len,
            id,
        }
    }

    pub(super) fn give_back(&mut self, filled: Filled) {
        if self.lent <= self.lent_max {
            self.offer(filled.id);
        } else {
            self.lent -= 1;
            self.discard(filled.id);
            self.shelf.push(filled.id);
        }
    }

    /// The kernel had none left: it gets as many again.
    pub(super) fn lend_more(&mut self) {
        self.lend(self.lent_max.saturating_mul(2).min(self.count));
    }

    /// What lies ready beyond a few goes back to the system, as the kernel returns it.
    pub(super) fn let_go(&mut self) {
        self.lent_max = LENT_MIN.min(self.count);
    }

    fn lend(&mut self, lent_max: u16) {
        self.lent_max = lent_max;
        while self.lent < lent_max
            && let Some(id) = self.shelf.pop()
        {
            self.offer(id);
            self.lent += 1;
        }
    }

    /// Gives the pages of a buffer back to the system; they are zero when they are touched again.
    fn discard(&self, id: u16) {
        // SAFETY: the buffer is page-aligned, whole pages, part of this value's allocation, and nobody's until it is lent
        // again: neither the kernel nor a `Filled` looks at it.
        let failed = unsafe {
            let buffer = self.at(id).as_ptr().cast();
            libc::madvise(buffer, BUFFER_LEN, libc::MADV_DONTNEED)
        };
        // Memory that is locked stays, which is what was asked for by whoever locked it.
        debug_assert!(
            failed == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL)
        );
    }

    fn at(&self, id: u16) -> NonNull<u8> {
        // SAFETY: ids are below `count`, so the result lies in the allocation.
        unsafe { self.bytes.add(usize::from(id) * BUFFER_LEN) }
    }

    fn offer(&mut self, id: u16) {
        let address = self.at(id).as_ptr() as u64;
        let place = usize::from(self.tail & (self.count - 1));
        // SAFETY: the place lies in the allocation, and the kernel reads it only below the tail. The tail shares memory
        // with a field of the first entry that nobody else writes.
        unsafe {
            let entry = self.entries.add(place).as_ptr();
            (*entry).set_addr(address);
            (*entry).set_len(BUFFER_LEN as u32);
            (*entry).set_bid(id);
        }
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: the first entry is allocated and initialized; the kernel only reads the tail. Release: it sees the
        // entry whole.
        unsafe {
            let tail = BufRingEntry::tail(self.entries.as_ptr()).cast_mut();
            AtomicU16::from_ptr(tail).store(self.tail, Ordering::Release);
        }
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        unmap(self.entries.cast(), entries_len(self.count));
        unmap(self.bytes, bytes_len(self.count));
    }
}

fn entries_len(count: u16) -> usize {
    usize::from(count) * size_of::<BufRingEntry>()
}

fn bytes_len(count: u16) -> usize {
    usize::from(count) * BUFFER_LEN
}

/// Zeroed pages, which take no memory before they are touched. Not the allocator's: it touches what it zeroes.
fn map(len: usize) -> io::Result<NonNull<u8>> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: new pages, wherever the kernel likes, are nobody else's.
    let pages = unsafe { libc::mmap(std::ptr::null_mut(), len, access, flags, -1, 0) };
    if pages == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    Ok(NonNull::new(pages.cast()).expect("the kernel maps nothing at zero unless it is told to"))
}

/// Gives back what [`map`] gave.
fn unmap(pages: NonNull<u8>, len: usize) {
    // SAFETY: called for what a `Buffers` alone owns, or would have; the ring that knew it was closed before.
    let failed = unsafe { libc::munmap(pages.as_ptr().cast(), len) };
    debug_assert!(failed == 0, "{}", io::Error::last_os_error());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a buffer is filled with when the kernel names it.
    fn fill(buffers: &Buffers, id: u16) -> Filled {
        let mut filled = buffers.filled(id, BUFFER_LEN);
        filled.bytes().fill(7);
        filled
    }

    #[test]
    fn few_are_lent_and_more_when_they_do_not_suffice() {
        let mut buffers = Buffers::new(256).unwrap();
        let mut counts = vec![(buffers.lent, buffers.shelf.len())];
        for _ in 0..3 {
            buffers.lend_more();
            counts.push((buffers.lent, buffers.shelf.len()));
        }
        assert_eq!(counts, [(64, 192), (128, 128), (256, 0), (256, 0)]);
    }

    #[test]
    fn at_rest_the_memory_of_all_but_a_few_goes_back() {
        let mut buffers = Buffers::new(256).unwrap();
        buffers.lend_more();
        let filled: Vec<_> = (0..128).map(|id| fill(&buffers, id)).collect();
        buffers.let_go();
        for filled in filled {
            buffers.give_back(filled);
        }
        assert_eq!((buffers.lent, buffers.shelf.len()), (64, 192));
        let kept = |id: &u16| buffers.filled(*id, 1).bytes() == [7];
        assert_eq!((0..128).filter(kept).count(), 64);
        // What the kernel gets of them are all different ones.
        buffers.lend_more();
        buffers.lend_more();
        assert_eq!((buffers.lent, buffers.shelf.len()), (256, 0));
    }
}
