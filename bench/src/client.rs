//! The client of every comparison: one raw epoll loop, so that what differs is the server.

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

/// How a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// At once.
    Raw,
    /// With the upgrade of a 1.6 station, and its BootNotification.
    Station,
}

/// Many connections with one unanswered request each.
#[derive(Debug)]
pub struct Client {
    epoll: rustix::fd::OwnedFd,
    connections: Vec<Connection>,
    buffer: Vec<u8>,
    counter: u64,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// A masked Heartbeat, whose id changes.
    frame: Vec<u8>,
    /// Bytes of an answer that is not whole.
    partial: Vec<u8>,
    sent_at: u64,
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
    /// From sending a request to reading its answer; all connections are busy, so it says how many there are.
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
        for index in 0..count {
            let mut stream =
                TcpStream::connect(addr).with_context(|| format!("connecting to {addr}"))?;
            stream.set_nodelay(true).context("setting TCP_NODELAY")?;
            stream
                .set_read_timeout(Some(PATIENCE))
                .context("setting a timeout")?;
            if opening == Opening::Station {
                upgrade(&mut stream, &format!("B{index:06}"))?;
                request(&mut stream, &frames::boot())?;
            }
            stream
                .set_nonblocking(true)
                .context("setting non-blocking")?;
            let data = epoll::EventData::new_u64(index as u64);
            epoll::add(&epoll, &stream, data, epoll::EventFlags::IN)
                .context("watching a socket")?;
            let frame = frames::client_frame(&frames::heartbeat());
            connections.push(Connection {
                stream,
                frame,
                partial: Vec::new(),
                sent_at: 0,
            });
        }
        Ok(Client {
            epoll,
            connections,
            buffer: vec![0; 64 << 10],
            counter: 0,
        })
    }

    /// Sends `messages` Heartbeats, one per connection at a time, and waits for all answers.
    ///
    /// # Errors
    ///
    /// A connection breaks, or the server falls silent.
    pub fn round(&mut self, messages: u64) -> anyhow::Result<Round> {
        let mut latencies = Latencies::default();
        let (mut answered, mut checksum) = (0, 0_u64);
        let mut left = messages;
        let start = monotonic_ns();
        for index in 0..self.connections.len() {
            if left > 0 {
                left -= 1;
                self.send(index)?;
            }
        }
        let mut events = Vec::with_capacity(1_024);
        while answered < messages {
            events.clear();
            let patience = Timespec {
                tv_sec: PATIENCE.as_secs() as i64,
                tv_nsec: 0,
            };
            let spare = rustix::buffer::spare_capacity(&mut events);
            let ready = epoll::wait(&self.epoll, spare, Some(&patience)).context("waiting")?;
            ensure!(
                ready > 0,
                "no answer for {PATIENCE:?}, {answered} of {messages} were answered"
            );
            for event in &events {
                let index = event.data.u64() as usize;
                if let Some(counter) = self.receive(index)? {
                    let latency = monotonic_ns() - self.connections[index].sent_at;
                    latencies.record(Duration::from_nanos(latency));
                    answered += 1;
                    checksum = checksum.wrapping_add(counter);
                    if left > 0 {
                        left -= 1;
                        self.send(index)?;
                    }
                }
            }
        }
        let seconds = (monotonic_ns() - start) as f64 / 1e9;
        Ok(Round {
            messages,
            checksum,
            seconds,
            latency: latencies.quantiles(),
        })
    }

    fn send(&mut self, index: usize) -> anyhow::Result<()> {
        self.counter += 1;
        let connection = &mut self.connections[index];
        // Behind the frame's head of two bytes and the mask of four.
        frames::set_counter(&mut connection.frame[6..], self.counter);
        connection.sent_at = monotonic_ns();
        connection
            .stream
            .write_all(&connection.frame)
            .context("sending; the socket takes a frame at once")
    }

    /// Reads what is there; the counters of the answers in it.
    fn receive(&mut self, index: usize) -> anyhow::Result<Option<u64>> {
        let connection = &mut self.connections[index];
        let len = match connection.stream.read(&mut self.buffer) {
            Ok(0) => bail!("the server closed connection {index}"),
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error).context("receiving"),
        };
        let mut bytes = &self.buffer[..len];
        if !connection.partial.is_empty() {
            connection.partial.extend_from_slice(bytes);
            bytes = &connection.partial;
        }
        let mut counter = None;
        while let Some((payload, rest)) = frame(bytes) {
            // One request is open, so at most one of these is its answer; the others are pings and the like.
            if payload.starts_with(b"[3,") {
                counter = frames::counter(payload);
            }
            bytes = rest;
        }
        connection.partial = bytes.to_vec();
        Ok(counter)
    }
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
