//! The buffers the kernel receives into: it takes one when bytes have come, so idle connections share them all.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
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

/// A ring of buffers, all of one length.
///
/// # Invariants
///
/// - A buffer is the kernel's from [`Buffers::give_back`] to the completion that names it, and its [`Filled`]'s from there
///   on; there is one `Filled` for it at a time.
/// - Both blocks of memory stay where they are until the io_uring they are registered with is closed.
#[derive(Debug)]
pub(super) struct Buffers {
    /// `count` entries; the tail lies in the first.
    entries: NonNull<BufRingEntry>,
    bytes: NonNull<u8>,
    count: u16,
    tail: u16,
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
    /// `count` buffers, a power of two, all the kernel's as soon as they are registered.
    pub(super) fn new(count: u16) -> Buffers {
        assert!(count.is_power_of_two());
        let mut buffers = Buffers {
            entries: allocate(entries_layout(count)).cast(),
            bytes: allocate(bytes_layout(count)),
            count,
            tail: 0,
        };
        for id in 0..count {
            buffers.offer(id);
        }
        buffers
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
        self.offer(filled.id);
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
        // SAFETY: allocated in `new` with the same layouts; the ring that knew them was closed before.
        unsafe {
            dealloc(self.entries.as_ptr().cast(), entries_layout(self.count));
            dealloc(self.bytes.as_ptr(), bytes_layout(self.count));
        }
    }
}

fn entries_layout(count: u16) -> Layout {
    layout(usize::from(count) * size_of::<BufRingEntry>())
}

fn bytes_layout(count: u16) -> Layout {
    layout(usize::from(count) * BUFFER_LEN)
}

fn layout(len: usize) -> Layout {
    Layout::from_size_align(len, PAGE).expect("at most 2^15 buffers of a page each")
}

fn allocate(layout: Layout) -> NonNull<u8> {
    // SAFETY: no layout here is empty.
    let memory = unsafe { alloc_zeroed(layout) };
    NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout))
}
