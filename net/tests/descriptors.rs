//! Running out of descriptors. Alone in its process, because the limit is the process's.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use net::driver::{Closed, Config, ConnId, Epoll, Handler, Io, Opened};
use net::os::{ListenOptions, listen};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::span::{Attributes, Id, Record};

/// Counts log lines.
struct Lines(Arc<AtomicUsize>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

const CLIENTS: usize = 20;
const FREE: usize = 8;
/// Two and a half times the pause of accepting.
const WATCH_NS: u64 = 250_000_000;

/// Takes what it can get, watches the shortage for a while, then makes room.
#[derive(Default)]
struct Short {
    open: Vec<ConnId>,
    opened: usize,
    turns: usize,
    until: Option<u64>,
    turns_in_shortages: Vec<usize>,
}

impl Handler for Short {
    fn opened(&mut self, io: &mut Io<'_>, conn: ConnId, _: Opened) {
        self.open.push(conn);
        self.opened += 1;
        if self.open.len() == FREE {
            self.turns = 0;
            self.until = Some(io.now() + WATCH_NS);
        }
    }

    fn received(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
        io.send(conn, bytes);
        bytes.len()
    }

    fn closed(&mut self, io: &mut Io<'_>, _: ConnId, reason: Closed) {
        if reason == Closed::Peer {
            io.stop();
        }
    }

    fn poll_timeout(&self) -> Option<u64> {
        self.until
    }

    fn timer(&mut self, io: &mut Io<'_>) {
        self.until = None;
        self.turns_in_shortages.push(self.turns);
        for conn in std::mem::take(&mut self.open) {
            io.abort(conn);
        }
    }

    fn turn_ended(&mut self, _: &mut Io<'_>) {
        self.turns += 1;
    }
}

#[test]
fn without_descriptors_accepting_pauses_says_so_once_and_goes_on_when_there_are_some() {
    let any = "127.0.0.1:0".parse().unwrap();
    let listener = listen(any, ListenOptions::default()).unwrap();
    let addr = listener.local_addr();
    let mut driver = Epoll::new(Config::default(), vec![listener]).unwrap();
    // All of them stand in the backlog before the limit falls, and stay until the end.
    let clients: Vec<TcpStream> = (0..CLIENTS)
        .map(|_| TcpStream::connect(addr).unwrap())
        .collect();
    let used = std::fs::read_dir("/proc/self/fd").unwrap().count() - 1;
    let before = getrlimit(Resource::Nofile);
    let limit = (used + FREE) as u64;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(limit),
            maximum: before.maximum,
        },
    )
    .unwrap();

    let lines = Arc::new(AtomicUsize::new(0));
    let counted = lines.clone();
    let thread = std::thread::spawn(move || {
        let mut handler = Short::default();
        let run = || driver.run(&mut handler).unwrap();
        tracing::subscriber::with_default(Lines(counted), run);
        handler
    });
    // The backlog is a queue, so the last client is among the last to be let in.
    let mut last = &clients[CLIENTS - 1];
    last.set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    last.write_all(b"at last").unwrap();
    let mut answer = [0; 7];
    last.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"at last");
    drop(clients);
    let handler = thread.join().unwrap();
    setrlimit(Resource::Nofile, before).unwrap();

    assert_eq!(handler.opened, CLIENTS);
    assert_eq!(handler.turns_in_shortages.len(), 2);
    // Retries and the timer, not a spin.
    assert!(
        handler.turns_in_shortages.iter().all(|turns| *turns < 10),
        "{:?}",
        handler.turns
    );
    assert_eq!(lines.load(Ordering::Relaxed), 1, "log lines");
}
