//! The client of every comparison: one raw epoll loop, so that what differs is the server.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use net::clock::monotonic_ns;
use net::http::{
    ClientKey, ClientResponse, ClientUpgrade, parse_client_response, write_client_upgrade,
};
use rustix::event::{Timespec, epoll};
use serde::Serialize;

use crate::frames;
use crate::stats::{Latencies, Quantiles};

/// A server that says nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Connections that begin together, so that one commit of a server's serves many.
const BATCH: usize = 250;

/// How a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// At once.
    Raw,
    /// With the upgrade of a 1.6 station, and its BootNotification.
    Station,
}

/// Many connections with unanswered requests.
pub struct Client {
    epoll: rustix::fd::OwnedFd,
    connections: Vec<Connection>,
    events: Vec<epoll::Event>,
    buffer: Vec<u8>,
    /// A masked Heartbeat.
    frame: Vec<u8>,
    outgoing: Vec<u8>,
    counter: u64,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// Bytes of an answer that is not whole.
    partial: Vec<u8>,
    /// Unanswered requests.
    open: u64,
    /// When the last of them were sent, or should have been.
    sent_at: u64,
    /// When further ones should have left.
    due: VecDeque<u64>,
}

/// What a round of requests came to.
#[derive(Clone, Debug, Serialize)]
pub struct Round {
    /// Requests answered.
    pub messages: u64,
    /// Sum of the ids answered: every request once.
    pub checksum: u64,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// From sending a request to reading its answer; in a round all connections are busy, so it says how many there are.
    pub latency: Quantiles,
}

impl Client {
    /// Opens `count` connections to `addr`, ready for requests.
    ///
    /// # Errors
    ///
    /// The server refuses one.
    pub fn connect(addr: SocketAddr, count: usize, opening: Opening) -> anyhow::Result<Client> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).context("creating an epoll")?;
        let mut connections = Vec::with_capacity(count);
        for first in (0..count).step_by(BATCH) {
            let batch = first..count.min(first + BATCH);
            for (stream, index) in begin(addr, batch.clone(), opening)?.into_iter().zip(batch) {
                stream
                    .set_nonblocking(true)
                    .context("setting non-blocking")?;
                let data = epoll::EventData::new_u64(index as u64);
                epoll::add(&epoll, &stream, data, epoll::EventFlags::IN)
                    .context("watching a socket")?;
                connections.push(Connection {
                    stream,
                    partial: Vec::new(),
                    open: 0,
                    sent_at: 0,
                    due: VecDeque::new(),
                });
            }
        }
        Ok(Client {
            epoll,
            connections,
            events: Vec::with_capacity(1_024),
            buffer: vec![0; 64 << 10],
            frame: frames::client_frame(&frames::heartbeat()),
            outgoing: Vec::new(),
            counter: 0,
        })
    }

    /// Sends `messages` Heartbeats, `deep` per connection at a time, and waits for all answers.
    ///
    /// # Errors
    ///
    /// A connection breaks, or the server falls silent.
    pub fn round(&mut self, messages: u64, deep: u64) -> anyhow::Result<Round> {
        let mut answers = Answers::new();
        let mut left = messages;
        for index in 0..self.connections.len() {
            self.send(index, take(&mut left, deep))?;
        }
        let mut ready = Vec::with_capacity(1_024);
        while answers.count < messages {
            self.wait(&mut ready, PATIENCE)?;
            for index in ready.drain(..) {
                self.receive(index, &mut answers)?;
                if self.connections[index].open == 0 {
                    self.send(index, take(&mut left, deep))?;
                }
            }
            answers.check_patience(messages)?;
        }
        Ok(answers.round())
    }

    /// Sends `messages` Heartbeats, `rate` in a second, over the connections in turn, and waits for all answers. Latency
    /// counts from when each should have left.
    ///
    /// # Errors
    ///
    /// As [`Client::round`].
    pub fn offer(&mut self, messages: u64, rate: u64) -> anyhow::Result<Round> {
        let mut answers = Answers::new();
        let start = answers.start;
        let due_of = |n: u64| start + n * 1_000_000_000 / rate;
        let mut sent = 0;
        let mut ready = Vec::with_capacity(1_024);
        while answers.count < messages {
            while sent < messages && due_of(sent) <= monotonic_ns() {
                let index = sent as usize % self.connections.len();
                self.connections[index].due.push_back(due_of(sent));
                self.send_due(index)?;
                sent += 1;
            }
            let wait = match sent < messages {
                true => Duration::from_nanos(due_of(sent).saturating_sub(monotonic_ns())),
                false => PATIENCE,
            };
            self.wait(&mut ready, wait)?;
            for index in ready.drain(..) {
                self.receive(index, &mut answers)?;
                self.send_due(index)?;
            }
            answers.check_patience(messages)?;
        }
        Ok(answers.round())
    }

    /// The connections that have something to read.
    fn wait(&mut self, ready: &mut Vec<usize>, time: Duration) -> anyhow::Result<()> {
        self.events.clear();
        let time = Timespec {
            tv_sec: time.as_secs() as i64,
            tv_nsec: i64::from(time.subsec_nanos()),
        };
        let spare = rustix::buffer::spare_capacity(&mut self.events);
        epoll::wait(&self.epoll, spare, Some(&time)).context("waiting")?;
        ready.extend(self.events.iter().map(|event| event.data.u64() as usize));
        Ok(())
    }

    /// Sends what should have left over a connection, if it has no unanswered request.
    fn send_due(&mut self, index: usize) -> anyhow::Result<()> {
        let connection = &mut self.connections[index];
        if connection.open == 0
            && let Some(due) = connection.due.pop_front()
        {
            self.send(index, 1)?;
            self.connections[index].sent_at = due;
        }
        Ok(())
    }

    /// Sends so many requests together.
    fn send(&mut self, index: usize, count: u64) -> anyhow::Result<()> {
        if count == 0 {
            return Ok(());
        }
        self.outgoing.clear();
        for _ in 0..count {
            self.counter += 1;
            let at = self.outgoing.len();
            self.outgoing.extend_from_slice(&self.frame);
            // Behind the frame's head of two bytes and the mask of four.
            frames::set_counter(&mut self.outgoing[at + 6..], self.counter);
        }
        let connection = &mut self.connections[index];
        connection.open += count;
        connection.sent_at = monotonic_ns();
        connection
            .stream
            .write_all(&self.outgoing)
            .context("sending; the socket takes a burst at once")
    }

    /// Reads what is there.
    fn receive(&mut self, index: usize, answers: &mut Answers) -> anyhow::Result<()> {
        let connection = &mut self.connections[index];
        let len = match connection.stream.read(&mut self.buffer) {
            Ok(0) => bail!("the server closed connection {index}"),
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error).context("receiving"),
        };
        let mut bytes = &self.buffer[..len];
        if !connection.partial.is_empty() {
            connection.partial.extend_from_slice(bytes);
            bytes = &connection.partial;
        }
        while let Some((payload, rest)) = frame(bytes) {
            // The others are pings and the like.
            if payload.starts_with(b"[3,")
                && let Some(counter) = frames::counter(payload)
            {
                connection.open = connection
                    .open
                    .checked_sub(1)
                    .with_context(|| format!("connection {index} has an answer too many"))?;
                answers.note(counter, connection.sent_at);
            }
            bytes = rest;
        }
        connection.partial = bytes.to_vec();
        Ok(())
    }
}

/// As many as a connection may send next.
fn take(left: &mut u64, deep: u64) -> u64 {
    let taken = deep.min(*left);
    *left -= taken;
    taken
}

/// What has come back of a round.
struct Answers {
    start: u64,
    heard_at: u64,
    count: u64,
    checksum: u64,
    latencies: Latencies,
}

impl Answers {
    fn new() -> Answers {
        let start = monotonic_ns();
        Answers {
            start,
            heard_at: start,
            count: 0,
            checksum: 0,
            latencies: Latencies::default(),
        }
    }

    fn note(&mut self, counter: u64, sent_at: u64) {
        self.heard_at = monotonic_ns();
        let latency = self.heard_at.saturating_sub(sent_at);
        self.latencies.record(Duration::from_nanos(latency));
        self.count += 1;
        self.checksum = self.checksum.wrapping_add(counter);
    }

    fn check_patience(&self, messages: u64) -> anyhow::Result<()> {
        let silent = Duration::from_nanos(monotonic_ns() - self.heard_at);
        ensure!(
            silent < PATIENCE || messages <= self.count,
            "no answer for {PATIENCE:?}, {} of {messages} were answered",
            self.count
        );
        Ok(())
    }

    fn round(self) -> Round {
        Round {
            messages: self.count,
            checksum: self.checksum,
            seconds: (monotonic_ns() - self.start) as f64 / 1e9,
            latency: self.latencies.quantiles(),
        }
    }
}

/// Opens connections, each ready for requests.
fn begin(
    addr: SocketAddr,
    indices: std::ops::Range<usize>,
    opening: Opening,
) -> anyhow::Result<Vec<TcpStream>> {
    let mut streams = Vec::with_capacity(indices.len());
    for index in indices {
        let mut stream =
            TcpStream::connect(addr).with_context(|| format!("connecting to {addr}"))?;
        stream.set_nodelay(true).context("setting TCP_NODELAY")?;
        stream
            .set_read_timeout(Some(PATIENCE))
            .context("setting a timeout")?;
        if opening == Opening::Station {
            upgrade(&mut stream, &format!("B{index:06}"))?;
        }
        streams.push(stream);
    }
    if opening == Opening::Station {
        let boot = frames::boot();
        for stream in &mut streams {
            stream
                .write_all(&frames::client_frame(&boot))
                .context("sending a call")?;
        }
        for stream in &mut streams {
            answer(stream, &boot)?;
        }
    }
    Ok(streams)
}

/// The first frame of a server in `bytes`: its payload and what follows; `None` until it is whole.
pub(crate) fn frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, len) = match *bytes {
        [_, len @ 0..=125, ..] => (2, usize::from(len)),
        [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
        _ => return None,
    };
    let payload = bytes.get(head..head + len)?;
    Some((payload, &bytes[head + len..]))
}

/// Opens a WebSocket as the 1.6 station `identity`, waiting for the server.
///
/// # Errors
///
/// The server refuses.
pub fn upgrade(stream: &mut TcpStream, identity: &str) -> anyhow::Result<()> {
    let key = ClientKey::new([7; 16]);
    let mut request = Vec::new();
    let target = &format!("/{identity}");
    let upgrade = ClientUpgrade {
        host: "localhost",
        target,
        key: &key,
        protocols: &["ocpp1.6"],
        basic: None,
        deflate: None,
    };
    write_client_upgrade(&mut request, &upgrade);
    stream.write_all(&request).context("sending the upgrade")?;
    let mut head = Vec::new();
    // The server says nothing after its head until it is asked, so reading byte by byte loses nothing.
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream
            .read_exact(&mut byte)
            .context("reading the answer to the upgrade")?;
        head.push(byte[0]);
    }
    match parse_client_response(&head, &key, None).context("reading the answer to the upgrade")? {
        Some((ClientResponse::Switched { .. }, _)) => Ok(()),
        Some((ClientResponse::Refused { status }, _)) => bail!("the upgrade was answered {status}"),
        None => bail!("half an answer to the upgrade"),
    }
}

/// Sends a CALL and waits for its answer, passing over pings.
///
/// # Errors
///
/// The connection breaks, or the answer is an error.
pub fn request(stream: &mut TcpStream, message: &str) -> anyhow::Result<String> {
    stream
        .write_all(&frames::client_frame(message))
        .context("sending a call")?;
    answer(stream, message)
}

/// Waits for the answer to `message`, which was sent.
///
/// # Errors
///
/// As [`request`].
pub fn answer(stream: &mut TcpStream, message: &str) -> anyhow::Result<String> {
    loop {
        let mut head = [0; 2];
        stream
            .read_exact(&mut head)
            .context("waiting for an answer")?;
        let len = match head[1] {
            126 => {
                let mut len = [0; 2];
                stream.read_exact(&mut len).context("reading an answer")?;
                usize::from(u16::from_be_bytes(len))
            }
            len => usize::from(len),
        };
        let mut payload = vec![0; len];
        stream
            .read_exact(&mut payload)
            .context("reading an answer")?;
        let text = String::from_utf8(payload).context("reading an answer")?;
        match text.get(..3) {
            Some("[3,") => return Ok(text),
            Some("[4,") => bail!("{message} was answered {text}"),
            // A ping, or a call of the server's: nothing that is measured depends on it.
            Some(_) | None => {}
        }
    }
}
