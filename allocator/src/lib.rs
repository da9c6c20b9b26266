//! The program's allocator: mimalloc, without huge pages, which gives back at once what is free.
//!
//! A process with its own `main` names [`MiMalloc`] as its global allocator and calls [`give_back_at_once`]; its threads
//! call [`give_back`] when they come to rest. Huge pages are switched off where it is built: a fleet at rest holds small
//! things in many places, and a page of 2 MiB stays for the sake of one of them.

pub use mimalloc::MiMalloc;

/// Has pages that become free go back to the system at once.
///
/// By itself mimalloc keeps them for a second, and as it looks at its clock only while it allocates, a server that has
/// come to rest keeps them for good: a third of what a fleet of 10,000 stations takes.
#[expect(
    unsafe_code,
    reason = "mimalloc's own call, which its crate leaves out"
)]
pub fn give_back_at_once() {
    // SAFETY: an option is an atomic of mimalloc's own, which any thread may set at any time.
    unsafe { mi_option_set(PURGE_DELAY, 0) }
}

/// Gives back what the calling thread has freed, and what others have freed of its own. Walks all the pages of the thread,
/// some 20 µs per megabyte.
///
/// While it works, a thread's pages are tidied as it allocates. One that has come to rest allocates nothing: the last page
/// of each size stays, and so does what was freed by other threads.
#[expect(unsafe_code, reason = "as above")]
pub fn give_back() {
    // SAFETY: any thread may call it at any time; it touches what is free and nothing else.
    unsafe { mi_collect(true) }
}

/// `mi_option_purge_delay` of mimalloc 3, in milliseconds.
const PURGE_DELAY: i32 = 15;

#[expect(unsafe_code, reason = "as above")]
unsafe extern "C" {
    /// `mi_option_t` is an enum of C, which is as long as its `int`.
    fn mi_option_set(option: i32, value: std::ffi::c_long);
    fn mi_collect(force: bool);
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    #[global_allocator]
    static ALLOCATOR: MiMalloc = MiMalloc;

    #[expect(unsafe_code, reason = "as above")]
    unsafe extern "C" {
        fn mi_option_get(option: i32) -> std::ffi::c_long;
    }

    #[expect(unsafe_code, reason = "as above")]
    fn delay() -> std::ffi::c_long {
        // SAFETY: as above.
        unsafe { mi_option_get(PURGE_DELAY) }
    }

    /// As mimalloc brings it; asked for before any test sets it.
    static DELAY: LazyLock<std::ffi::c_long> = LazyLock::new(delay);

    /// `RssAnon` of this process.
    fn anonymous() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:"));
        let kib = line.unwrap().split_whitespace().nth(1).unwrap();
        kib.parse::<u64>().unwrap() << 10
    }

    #[test]
    fn what_another_thread_freed_is_given_back() {
        LazyLock::force(&DELAY);
        give_back_at_once();
        let boxes: Vec<_> = (0..100_000_u64).map(|n| Box::new([n; 12])).collect();
        std::thread::spawn(|| drop(boxes)).join().unwrap();
        let before = anonymous();
        give_back();
        let given = before.saturating_sub(anonymous());
        // Whole pages of what the other thread freed went with it; what is left was held here.
        assert!(32 << 10 <= given, "{given} bytes were given back");
    }

    #[test]
    fn the_option_is_the_one_that_is_meant() {
        // No other option is a second by default, so that one which has moved shows.
        assert_eq!(*DELAY, 1_000);
        give_back_at_once();
        assert_eq!(delay(), 0);
    }
}
