//! What a socket was given to send and its peer's kernel has not acknowledged.
#![expect(
    unsafe_code,
    reason = "rustix has no safe function for this one request"
)]

use std::io;
use std::os::fd::AsFd;

use rustix::ioctl::{Getter, Opcode, ioctl};

/// `SIOCOUTQ` of tcp(7), which Linux has under the number of `TIOCOUTQ`.
const SIOCOUTQ: Opcode = libc::TIOCOUTQ as Opcode;

/// Bytes that were written to a TCP socket and that its peer has not acknowledged: those on their way, and those that wait
/// for room. A peer that takes nothing acknowledges nothing, once its own buffer is full.
///
/// # Errors
///
/// What the kernel says: it is no socket of TCP, or one that listens.
pub fn unacknowledged(socket: impl AsFd) -> io::Result<u64> {
    // SAFETY: the request is one that Linux has, and what it writes is one `int` (tcp(7)).
    let bytes = unsafe { ioctl(socket, Getter::<SIOCOUTQ, libc::c_int>::new()) }?;
    // The kernel counts up from 0.
    Ok(u64::try_from(bytes).unwrap_or(0))
}
