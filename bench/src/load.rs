//! Stations that send MeterValues at a fixed rate, whatever the server does: latency counts from when an event should
//! have left.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU64;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use net::clock::{monotonic_ns, utc_micros};
use rustix::event::{Timespec, epoll};
use serde_json::Value;

use crate::client::{self, Opening, frame};
use crate::frames;
use crate::stats::Latencies;

/// A server that answers nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What each event adds to its station's register, milliwatt-hours.
pub const STEP_MWH: u64 = 1_234;

/// Lets the calling thread wake when it means to: the kernel lets a sleeper be 50 µs late otherwise, which an event
/// that is due every 100 µs would count as the server's.
///
/// # Errors
///
/// What the kernel says.
pub fn wake_in_time() -> anyhow::Result<()> {
    rustix::thread::set_current_timer_slack(Some(NonZeroU64::MIN))
        .context("setting the timer slack")
}

/// Many stations, each in a transaction.
#[derive(Debug)]
pub struct Load {
    epoll: rustix::fd::OwnedFd,
    stations: Vec<Station>,
    buffer: Vec<u8>,
    next: usize,
}

/// One 1.6 station in a transaction.
#[derive(Debug)]
pub struct Station {
    name: String,
    stream: TcpStream,
    transaction: i64,
    /// Milliwatt-hours.
    register: u64,
    counter: u64,
    last_millis: i64,
    /// When the unanswered event should have left.
    waiting: Option<u64>,
    /// When further events should have left.
    backlog: VecDeque<u64>,
    partial: Vec<u8>,
}

/// What a stretch of load came to.
#[derive(Clone, Debug, Default)]
pub struct Offered {
    /// Events answered: all that were offered.
    pub events: u64,
    /// Wall-clock time until the last answer.
    pub elapsed: Duration,
    /// From when each should have left to its answer.
    pub latencies: Latencies,
}

impl Station {
    /// Connects as `name`, boots, and starts a transaction with the register at zero.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub fn connect(addr: SocketAddr, name: &str) -> anyhow::Result<Station> {
        Self::open(addr, name, Opening::Station)
    }

    /// As [`Station::connect`]; to a server without protocol it sends events at once.
    fn open(addr: SocketAddr, name: &str, opening: Opening) -> anyhow::Result<Station> {
        let stream = TcpStream::connect(addr).with_context(|| format!("connecting to {addr}"))?;
        stream.set_nodelay(true).context("setting TCP_NODELAY")?;
        stream
            .set_read_timeout(Some(PATIENCE))
            .context("setting a timeout")?;
        let mut station = Station {
            name: name.to_owned(),
            stream,
            transaction: 0,
            register: 0,
            counter: 10,
            last_millis: utc_micros() / 1_000,
            waiting: None,
            backlog: VecDeque::new(),
            partial: Vec::new(),
        };
        if opening == Opening::Station {
            station.start()?;
        }
        Ok(station)
    }

    /// Boots, and starts a transaction with the register at zero.
    fn start(&mut self) -> anyhow::Result<()> {
        let stream = &mut self.stream;
        client::upgrade(stream, &self.name)?;
        client::request(stream, &frames::boot())?;
        let start = frames::start_transaction(1, self.last_millis, 0);
        let answer = client::request(stream, &start)?;
        let answer: Value = serde_json::from_str(&answer).context("reading an answer")?;
        self.transaction = answer[2]["transactionId"]
            .as_i64()
            .with_context(|| format!("no transactionId in {answer}"))?;
        Ok(())
    }

    /// Its identity.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends one event and waits for its answer; returns its timestamp, milliseconds of UTC.
    ///
    /// # Errors
    ///
    /// The server refuses it.
    pub fn event(&mut self) -> anyhow::Result<i64> {
        let text = self.next_event();
        client::request(&mut self.stream, &text)?;
        Ok(self.last_millis)
    }

    fn next_event(&mut self) -> String {
        self.counter += 1;
        self.register += STEP_MWH;
        self.last_millis = (utc_micros() / 1_000).max(self.last_millis + 1);
        frames::meter_event(
            self.counter,
            self.transaction,
            self.last_millis,
            self.register,
        )
    }

    fn send(&mut self, due: u64) -> anyhow::Result<()> {
        if self.waiting.is_some() {
            self.backlog.push_back(due);
            return Ok(());
        }
        self.waiting = Some(due);
        let text = self.next_event();
        self.stream
            .write_all(&frames::client_frame(&text))
            .context("sending; the socket takes a frame at once")
    }
}

impl Load {
    /// Connects `count` stations whose names begin with `prefix`, as `opening` says.
    ///
    /// # Errors
    ///
    /// The server refuses one.
    pub fn connect(
        addr: SocketAddr,
        opening: Opening,
        count: usize,
        prefix: &str,
    ) -> anyhow::Result<Load> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).context("creating an epoll")?;
        let mut stations = Vec::with_capacity(count);
        for index in 0..count {
            let station = Station::open(addr, &format!("{prefix}{index:05}"), opening)?;
            station
                .stream
                .set_nonblocking(true)
                .context("setting non-blocking")?;
            let data = epoll::EventData::new_u64(index as u64);
            epoll::add(&epoll, &station.stream, data, epoll::EventFlags::IN).context("watching")?;
            stations.push(station);
        }
        Ok(Load {
            epoll,
            stations,
            buffer: vec![0; 64 << 10],
            next: 0,
        })
    }

    /// Offers `events` events at once, so that every station has one unanswered until there are no more, and waits for
    /// every answer. The latencies mean nothing.
    ///
    /// # Errors
    ///
    /// As [`Load::offer`].
    pub fn rush(&mut self, events: u64) -> anyhow::Result<Offered> {
        self.offer(events, 1_000_000_000)
    }

    /// Offers `events` events, `rate` per second, spread over the stations in turn, and waits for every answer.
    ///
    /// # Errors
    ///
    /// A connection breaks, an event is refused, or the server falls silent.
    pub fn offer(&mut self, events: u64, rate: u64) -> anyhow::Result<Offered> {
        let mut offered = Offered::default();
        let start = monotonic_ns();
        let due_of = |n: u64| start + n * 1_000_000_000 / rate;
        let mut sent = 0;
        let mut heard_at = start;
        let mut ready = Vec::with_capacity(1_024);
        while offered.events < events {
            let now = monotonic_ns();
            while sent < events && due_of(sent) <= now {
                let station = self.next;
                self.next = (self.next + 1) % self.stations.len();
                self.stations[station].send(due_of(sent))?;
                sent += 1;
            }
            let wait = if sent < events {
                due_of(sent).saturating_sub(monotonic_ns())
            } else {
                100_000_000
            };
            let timeout = Timespec {
                tv_sec: 0,
                tv_nsec: wait.min(100_000_000) as _,
            };
            ready.clear();
            let spare = rustix::buffer::spare_capacity(&mut ready);
            epoll::wait(&self.epoll, spare, Some(&timeout)).context("waiting")?;
            let answered = offered.events;
            for event in &ready {
                self.receive(event.data.u64() as usize, &mut offered)?;
            }
            let now = monotonic_ns();
            if answered < offered.events {
                heard_at = now;
            }
            ensure!(
                now - heard_at < PATIENCE.as_nanos() as u64,
                "no answer for {PATIENCE:?}; {} of {events} events were answered",
                offered.events
            );
        }
        offered.elapsed = Duration::from_nanos(monotonic_ns() - start);
        Ok(offered)
    }

    fn receive(&mut self, index: usize, offered: &mut Offered) -> anyhow::Result<()> {
        let station = &mut self.stations[index];
        match station.stream.read(&mut self.buffer) {
            Ok(0) => bail!("the server closed the connection of {}", station.name),
            Ok(len) => station.partial.extend_from_slice(&self.buffer[..len]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error).context("receiving"),
        }
        let bytes = std::mem::take(&mut station.partial);
        let mut rest = &bytes[..];
        while let Some((payload, behind)) = frame(rest) {
            rest = behind;
            if payload.starts_with(b"[4,") {
                bail!(
                    "{} was answered {}",
                    station.name,
                    String::from_utf8_lossy(payload)
                );
            }
            if payload.starts_with(b"[3,")
                && let Some(due) = station.waiting.take()
            {
                offered
                    .latencies
                    .record(Duration::from_nanos(monotonic_ns() - due));
                offered.events += 1;
                if let Some(due) = station.backlog.pop_front() {
                    station.send(due)?;
                }
            }
        }
        station.partial = rest.to_vec();
        Ok(())
    }
}
