//! A driver on its own thread, steered and watched by a test.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use net::driver::{Closed, Config, ConnId, Driver, DriverKind, Handler, Io, Opened, Waker};
use net::os::{ListenOptions, Listener, listen};
use net::tls::{TlsPeer, TlsVersion};

/// The longest any single thing here may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Names what is under test; nothing is epoll.
pub(crate) const UNDER_TEST: &str = "SIGEC_TEST_DRIVER";
pub(crate) const IO_URING: &str = "io_uring";
/// Io_uring is wanted and not to be had.
pub(crate) const DENIED: &str = "io_uring, denied";

/// The kind under test, and what it must come to.
pub(crate) fn kinds() -> (DriverKind, DriverKind) {
    match std::env::var(UNDER_TEST).as_deref() {
        Ok(IO_URING) => (DriverKind::IoUring, DriverKind::IoUring),
        Ok(DENIED) => (DriverKind::IoUring, DriverKind::Epoll),
        Ok(other) => panic!("{UNDER_TEST} is {other}, expected {IO_URING}, or {DENIED}"),
        Err(_) => (DriverKind::Epoll, DriverKind::Epoll),
    }
}

/// A driver of that kind.
pub(crate) fn driver(config: Config, listeners: Vec<Listener>) -> Driver {
    let (wanted, expected) = kinds();
    let driver = Driver::new(wanted, config, listeners).unwrap();
    assert_eq!(driver.kind(), expected);
    driver
}

/// What the handler on the driver's thread saw.
#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    Accepted(ConnId, SocketAddr),
    Connected(ConnId, u64),
    ConnectFailed(u64, ErrorKind),
    Secured(ConnId, TlsVersion),
    Received(ConnId, Vec<u8>),
    Closed(ConnId, Closed),
}

type Act = Box<dyn FnOnce(&mut Io<'_>) + Send>;

struct Scenario<R> {
    /// Done with connections when they open.
    open: fn(&mut Io<'_>, ConnId),
    receive: R,
    acts: Receiver<Act>,
    seen: Sender<Seen>,
}

impl<R: FnMut(&mut Io<'_>, ConnId, &mut [u8]) -> usize> Scenario<R> {
    /// The test may be over already.
    fn see(&self, seen: Seen) {
        let _ = self.seen.send(seen);
    }
}

impl<R: FnMut(&mut Io<'_>, ConnId, &mut [u8]) -> usize> Handler for Scenario<R> {
    fn opened(&mut self, io: &mut Io<'_>, conn: ConnId, opened: Opened) {
        (self.open)(io, conn);
        self.see(match opened {
            Opened::Accepted { peer, .. } => Seen::Accepted(conn, peer),
            Opened::Connected { tag } => Seen::Connected(conn, tag),
        });
    }

    fn secured(&mut self, _: &mut Io<'_>, conn: ConnId, peer: &TlsPeer) {
        self.see(Seen::Secured(conn, peer.version));
    }

    fn received(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
        self.see(Seen::Received(conn, bytes.to_vec()));
        (self.receive)(io, conn, bytes)
    }

    fn closed(&mut self, _: &mut Io<'_>, conn: ConnId, reason: Closed) {
        self.see(Seen::Closed(conn, reason));
    }

    fn connect_failed(&mut self, _: &mut Io<'_>, tag: u64, error: std::io::Error) {
        self.see(Seen::ConnectFailed(tag, error.kind()));
    }

    /// One act a turn: the test waits for each, and the next comes with a wake of its own.
    fn woken(&mut self, io: &mut Io<'_>) {
        if let Ok(act) = self.acts.try_recv() {
            act(io);
        }
    }
}

pub(crate) struct Rig {
    pub(crate) addr: SocketAddr,
    waker: Waker,
    acts: Sender<Act>,
    seen: Receiver<Seen>,
    thread: JoinHandle<()>,
}

/// Starts a driver whose handler does `receive` with the bytes of every connection.
pub(crate) fn start(
    config: Config,
    receive: impl FnMut(&mut Io<'_>, ConnId, &mut [u8]) -> usize + Send + 'static,
) -> Rig {
    start_on(any_port(), config, receive)
}

pub(crate) fn any_port() -> Listener {
    listen("127.0.0.1:0".parse().unwrap(), ListenOptions::default()).unwrap()
}

pub(crate) fn start_on(
    listener: Listener,
    config: Config,
    receive: impl FnMut(&mut Io<'_>, ConnId, &mut [u8]) -> usize + Send + 'static,
) -> Rig {
    let addr = listener.local_addr();
    start_driver(addr, driver(config, vec![listener]), receive)
}

/// The same, with connections that are paused when they open.
pub(crate) fn start_paused_on(
    listener: Listener,
    receive: impl FnMut(&mut Io<'_>, ConnId, &mut [u8]) -> usize + Send + 'static,
) -> Rig {
    let addr = listener.local_addr();
    let driver = driver(Config::default(), vec![listener]);
    start_scenario(addr, driver, |io, conn| io.pause_reads(conn), receive)
}

/// The same, with connections that are held.
pub(crate) fn start_held_on(
    listener: Listener,
    receive: impl FnMut(&mut Io<'_>, ConnId, &mut [u8]) -> usize + Send + 'static,
) -> Rig {
    let addr = listener.local_addr();
    let driver = driver(Config::default(), vec![listener]);
    start_scenario(addr, driver, |io, conn| io.hold(conn), receive)
}

pub(crate) fn start_driver(
    addr: SocketAddr,
    driver: Driver,
    receive: impl FnMut(&mut Io<'_>, ConnId, &mut [u8]) -> usize + Send + 'static,
) -> Rig {
    start_scenario(addr, driver, |_, _| (), receive)
}

fn start_scenario(
    addr: SocketAddr,
    mut driver: Driver,
    open: fn(&mut Io<'_>, ConnId),
    receive: impl FnMut(&mut Io<'_>, ConnId, &mut [u8]) -> usize + Send + 'static,
) -> Rig {
    let waker = driver.waker();
    let (acts, acts_in) = channel();
    let (seen_out, seen) = channel();
    let mut scenario = Scenario {
        open,
        receive,
        acts: acts_in,
        seen: seen_out,
    };
    let thread = std::thread::spawn(move || driver.run(&mut scenario).unwrap());
    Rig {
        addr,
        waker,
        acts,
        seen,
        thread,
    }
}

impl Rig {
    /// A client of the driver and the id it has there.
    pub(crate) fn client(&self) -> (TcpStream, ConnId) {
        let client = TcpStream::connect(self.addr).unwrap();
        client.set_read_timeout(Some(DEADLINE)).unwrap();
        client.set_write_timeout(Some(DEADLINE)).unwrap();
        match self.next() {
            Seen::Accepted(conn, peer) => {
                assert_eq!(peer, client.local_addr().unwrap());
                (client, conn)
            }
            other => panic!("expected an accept, saw {other:?}"),
        }
    }

    /// What the handler saw next.
    pub(crate) fn next(&self) -> Seen {
        self.seen
            .recv_timeout(DEADLINE)
            .expect("nothing happened before the deadline")
    }

    /// What the handler has seen and the test has not asked for.
    pub(crate) fn rest(&self) -> Vec<Seen> {
        self.seen.try_iter().collect()
    }

    /// Does something on the driver's thread and waits for what it answers.
    pub(crate) fn act<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Io<'_>) -> T + Send + 'static,
    ) -> T {
        let (answer, answered) = channel();
        self.acts
            .send(Box::new(move |io| {
                let _ = answer.send(act(io));
            }))
            .unwrap();
        self.waker.wake();
        answered
            .recv_timeout(DEADLINE)
            .expect("the driver did not wake before the deadline")
    }

    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Ends the driver; answers what was seen until then.
    pub(crate) fn stop(self) -> Vec<Seen> {
        self.act(|io| io.stop());
        let rest = self.seen.iter().collect();
        self.thread.join().unwrap();
        rest
    }
}
