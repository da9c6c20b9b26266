//! Accepts under way, and where the kernel writes who called.
//!
//! Each is a request of its own. A multishot accept would save one request per connection, but it does not tell the peer's
//! address, which cannot be asked of a socket that is no descriptor before Linux 6.19; and it takes connections that nobody
//! has room for.

use std::cell::UnsafeCell;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// An address as the kernel writes it.
#[repr(C)]
struct Address {
    bytes: libc::sockaddr_storage,
    len: libc::socklen_t,
}

#[derive(Clone, Copy, Debug)]
struct Accept {
    listener: usize,
    /// The place in the table of files where the socket goes.
    file: u32,
    busy: bool,
}

/// # Invariants
///
/// An address is the kernel's while its accept is busy, and never moves.
pub(super) struct Accepts {
    addresses: Box<[UnsafeCell<Address>]>,
    accepts: Box<[Accept]>,
    free: Vec<usize>,
    /// Under way, by listener.
    counts: Vec<usize>,
    /// Bound of each of them.
    each: usize,
}

impl Accepts {
    /// Up to `each` at a time for each of the listeners.
    pub(super) fn new(listeners: usize, each: usize) -> Accepts {
        let all = listeners * each;
        let address = |_| {
            // SAFETY: both fields are plain integers, for which zero is a value.
            UnsafeCell::new(unsafe { std::mem::zeroed::<Address>() })
        };
        let accept = Accept {
            listener: 0,
            file: 0,
            busy: false,
        };
        Accepts {
            addresses: (0..all).map(address).collect(),
            accepts: vec![accept; all].into(),
            free: (0..all).rev().collect(),
            counts: vec![0; listeners],
            each,
        }
    }

    /// Whether one more may begin for a listener.
    pub(super) fn wants(&self, listener: usize) -> bool {
        self.counts[listener] < self.each
    }

    pub(super) fn len(&self) -> usize {
        self.accepts.len() - self.free.len()
    }

    pub(super) fn busy(&self) -> impl Iterator<Item = usize> {
        let accepts = self.accepts.iter().enumerate();
        accepts.filter(|(_, accept)| accept.busy).map(|(at, _)| at)
    }

    /// Begins one; the caller has asked [`Accepts::wants`]. Answers its number and where the address goes.
    pub(super) fn begin(
        &mut self,
        listener: usize,
        file: u32,
    ) -> (usize, *mut libc::sockaddr, *mut libc::socklen_t) {
        let at = self.free.pop().expect("`each` for every listener");
        self.counts[listener] += 1;
        self.accepts[at] = Accept {
            listener,
            file,
            busy: true,
        };
        let address = self.addresses[at].get();
        // SAFETY: nothing is under way with this address, so it is ours; only the pointers leave.
        unsafe {
            (*address).len = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            let len = &raw mut (*address).len;
            (at, (&raw mut (*address).bytes).cast(), len)
        }
    }

    /// One was answered: its listener, the place of the socket, and who called, which is known if it was accepted.
    pub(super) fn end(&mut self, at: usize) -> (usize, u32, Option<SocketAddr>) {
        let accept = &mut self.accepts[at];
        assert!(accept.busy);
        accept.busy = false;
        self.free.push(at);
        self.counts[accept.listener] -= 1;
        // SAFETY: the kernel has answered, so the address is ours again.
        let peer = unsafe { read(&(*self.addresses[at].get()).bytes) };
        (accept.listener, accept.file, peer)
    }
}

fn read(address: &libc::sockaddr_storage) -> Option<SocketAddr> {
    let bytes: *const libc::sockaddr_storage = address;
    match libc::c_int::from(address.ss_family) {
        libc::AF_INET => {
            // SAFETY: the storage is large enough and aligned for every kind of address, and the family names this one.
            let v4 = unsafe { &*bytes.cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
            Some((ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let v6 = unsafe { &*bytes.cast::<libc::sockaddr_in6>() };
            let (ip, port) = (
                Ipv6Addr::from(v6.sin6_addr.s6_addr),
                u16::from_be(v6.sin6_port),
            );
            let address = SocketAddrV6::new(ip, port, v6.sin6_flowinfo, v6.sin6_scope_id);
            Some(address.into())
        }
        _ => None,
    }
}
