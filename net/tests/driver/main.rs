//! The reactor over real loopback sockets. Nothing sleeps; every wait has a deadline.
//!
//! All of it runs on epoll; [`again`] runs all of it again on io_uring, and where that is denied.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod again;
mod begins;
mod denied;
mod ends;
mod reads;
mod rig;
mod secured;
mod sends;
mod turns;
mod uring;

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use net::driver::{ConnId, Io};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::sockopt;

use crate::rig::DEADLINE;

/// Answers every byte with itself.
pub(crate) fn echo(io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
    io.send(conn, bytes);
    bytes.len()
}

/// Takes everything and says nothing.
pub(crate) fn swallow(_: &mut Io<'_>, _: ConnId, bytes: &mut [u8]) -> usize {
    bytes.len()
}

/// Leaves everything where it is.
pub(crate) fn leave(_: &mut Io<'_>, _: ConnId, _: &mut [u8]) -> usize {
    0
}

/// Messages are lines; answers each and consumes whole ones.
pub(crate) fn answer_lines(io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
    let mut consumed = 0;
    for line in bytes
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.ends_with(b"\n"))
    {
        io.send(conn, b"re: ");
        io.send(conn, line);
        consumed += line.len();
    }
    consumed
}

pub(crate) fn read_exactly(client: &mut TcpStream, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    client.read_exact(&mut bytes).unwrap();
    bytes
}

/// Waits until the kernel has seen both ends of `client` end, or a reset.
pub(crate) fn wait_hangup(client: &TcpStream) -> PollFlags {
    let mut fds = [PollFd::new(client, PollFlags::empty())];
    let timeout = rustix::time::Timespec {
        tv_sec: DEADLINE.as_secs() as i64,
        tv_nsec: 0,
    };
    assert_eq!(
        poll(&mut fds, Some(&timeout)).unwrap(),
        1,
        "no hang-up before the deadline"
    );
    fds[0].revents()
}

/// Fixes the client's receive buffer, which the kernel would let grow to tens of megabytes.
pub(crate) fn keep_window_small(client: &TcpStream) {
    sockopt::set_socket_recv_buffer_size(client, 64 << 10).unwrap();
}

pub(crate) fn reset(client: TcpStream) {
    sockopt::set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
}

#[expect(unsafe_code, reason = "rustix 1.1 has no TCP_INFO")]
pub(crate) fn data_segments_in(client: &TcpStream) -> u32 {
    use std::os::fd::AsRawFd;
    // SAFETY: tcp_info is plain integers, for which zero is a value.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut len = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the descriptor is open, and the kernel writes at most `len` bytes, the size of `info`.
    let result = unsafe {
        libc::getsockopt(
            client.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut len,
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    info.tcpi_data_segs_in
}
