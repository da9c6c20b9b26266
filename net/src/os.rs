//! What a program sets up before its reactors run, and the socket options they need.

mod memory;
mod outgoing;

pub use memory::{memory_own, memory_used_percent};
pub use outgoing::unacknowledged;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::tls::TlsServer;

/// A listening TCP socket.
#[derive(Debug)]
pub struct Listener {
    pub(crate) socket: OwnedFd,
    local: SocketAddr,
    /// What its connections speak, if not plain.
    pub(crate) tls: Option<TlsServer>,
}

impl Listener {
    /// Address and port it is bound to; the kernel's choice for port 0.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The same, for peers that speak TLS.
    #[must_use]
    pub fn with_tls(self, server: TlsServer) -> Listener {
        Listener {
            tls: Some(server),
            ..self
        }
    }
}

/// How to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenOptions {
    /// Connections that may wait to be accepted; the kernel cuts it to `net.core.somaxconn`.
    /// Default 65,535.
    pub backlog: u16,
    /// Let several listeners of this user share the port; the kernel spreads connections over them.
    /// Default false.
    pub reuse_port: bool,
}

impl Default for ListenOptions {
    fn default() -> ListenOptions {
        ListenOptions {
            backlog: u16::MAX,
            reuse_port: false,
        }
    }
}

/// Listens on `addr`; port 0 takes a free one. Accepted sockets have `TCP_NODELAY`.
///
/// # Errors
///
/// What the kernel says: the port is taken, forbidden, or the address is not of this machine. The
/// caller names the address.
pub fn listen(addr: SocketAddr, options: ListenOptions) -> io::Result<Listener> {
    let family = if addr.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    // A restart must not wait for connections of the last run to leave TIME_WAIT.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if options.reuse_port {
        sockopt::set_socket_reuseport(&socket, true)?;
    }
    sockopt::set_tcp_nodelay(&socket, true)?;
    rustix::net::bind(&socket, &addr)?;
    rustix::net::listen(&socket, i32::from(options.backlog))?;
    let local = rustix::net::getsockname(&socket)?.try_into()?;
    Ok(Listener {
        socket,
        local,
        tls: None,
    })
}

/// Raises the soft limit of open files to the hard one and answers what it is now.
///
/// # Errors
///
/// The kernel refused, which it does not for a value within the hard limit.
pub fn raise_nofile_limit() -> io::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        setrlimit(
            Resource::Nofile,
            Rlimit {
                current: limit.maximum,
                maximum: limit.maximum,
            },
        )?;
    }
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// How many sockets each of `drivers` may hold as descriptors of this process, at its limit of open files: the rest of the
/// process keeps a quarter of them, 4,096 at most, or a flood of connections would leave it none for its files. At least 1.
#[must_use]
pub fn descriptors_each(drivers: usize) -> usize {
    share(getrlimit(Resource::Nofile).current, drivers)
}

fn share(limit: Option<u64>, drivers: usize) -> usize {
    let limit = limit.map_or(usize::MAX, |limit| limit.try_into().unwrap_or(usize::MAX));
    let kept = (limit / 4).min(4_096);
    ((limit - kept) / drivers.max(1)).max(1)
}

/// Ties the calling thread to the `nth` (from 0, wrapping around) of the CPUs it may run on, and
/// answers which one that is.
///
/// # Errors
///
/// The kernel refused, as a sandbox may; the thread runs on unpinned.
pub fn pin_thread(nth: usize) -> io::Result<usize> {
    let allowed = sched_getaffinity(None)?;
    let cpus: Vec<usize> = (0..CpuSet::MAX_CPU)
        .filter(|cpu| allowed.is_set(*cpu))
        .collect();
    let cpu = *cpus
        .get(nth % cpus.len().max(1))
        .ok_or(io::ErrorKind::NotFound)?;
    let mut one = CpuSet::new();
    one.set(cpu);
    sched_setaffinity(None, &one)?;
    Ok(cpu)
}

/// `TCP_USER_TIMEOUT`; zero is the kernel's default.
pub(crate) fn set_user_timeout(socket: &OwnedFd, timeout: Duration) -> io::Result<()> {
    let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
    Ok(sockopt::set_tcp_user_timeout(socket, millis)?)
}

/// Binds a socket that is about to connect to `source`, leaving the port open until then: so one
/// address carries as many connections as it has ports, to each peer, instead of in all.
#[expect(unsafe_code, reason = "rustix 1.1 has no IP_BIND_ADDRESS_NO_PORT")]
pub(crate) fn bind_source(socket: &OwnedFd, source: IpAddr) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let on: libc::c_int = 1;
    // SAFETY: the descriptor is open for the whole call, and the option reads one c_int, which `on` is.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(rustix::net::bind(socket, &SocketAddr::new(source, 0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_port_is_listened_on_twice_and_another_is_not() {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let shared = ListenOptions {
            reuse_port: true,
            ..ListenOptions::default()
        };
        let first = listen(any, shared).unwrap();
        assert_ne!(first.local_addr().port(), 0);
        assert_eq!(
            listen(first.local_addr(), shared).unwrap().local_addr(),
            first.local_addr()
        );
        let alone = listen(first.local_addr(), ListenOptions::default()).unwrap_err();
        assert_eq!(alone.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn the_file_limit_ends_at_the_hard_one() {
        let limit = raise_nofile_limit().unwrap();
        assert_eq!(
            getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
            limit
        );
    }

    #[test]
    fn sockets_leave_descriptors_to_the_rest_of_the_process() {
        for (limit, drivers, each) in [
            (Some(1_024), 1, 768),
            (Some(20_000), 2, 7_952),
            (Some(20_000), 0, 15_904),
            (Some(1), 2, 1),
            (Some(u64::MAX), 1, usize::MAX - 4_096),
            (None, 1, usize::MAX - 4_096),
        ] {
            assert_eq!(share(limit, drivers), each, "{limit:?} over {drivers}");
        }
    }

    #[test]
    fn a_pinned_thread_may_run_on_one_cpu() {
        std::thread::spawn(|| {
            let cpu = pin_thread(5).unwrap();
            let allowed = sched_getaffinity(None).unwrap();
            assert!(allowed.count() == 1 && allowed.is_set(cpu));
        })
        .join()
        .unwrap();
    }
}
