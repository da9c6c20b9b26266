//! What the echoes stand on: a listener and its connections over epoll, on one thread.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use anyhow::Context;
use rustix::event::epoll;

const LISTENER: u64 = u64::MAX;

/// The connections to one server, by the order in which they came.
pub(super) struct Sockets {
    epoll: rustix::fd::OwnedFd,
    listener: TcpListener,
    /// `None` once it has ended.
    connections: Vec<Option<TcpStream>>,
    buffer: Vec<u8>,
    events: Vec<epoll::Event>,
}

impl Sockets {
    /// Listens on a free port, and announces it.
    pub(super) fn listen() -> anyhow::Result<Sockets> {
        let listener = TcpListener::bind("127.0.0.1:0").context("listening")?;
        listener
            .set_nonblocking(true)
            .context("setting non-blocking")?;
        super::announce(listener.local_addr().context("asking for the address")?)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).context("creating an epoll")?;
        let data = epoll::EventData::new_u64(LISTENER);
        epoll::add(&epoll, &listener, data, epoll::EventFlags::IN).context("watching")?;
        Ok(Sockets {
            epoll,
            listener,
            connections: Vec::new(),
            buffer: vec![0; 64 << 10],
            events: Vec::with_capacity(1_024),
        })
    }

    /// Waits until something comes, and hands on what one read of each ready connection gives, with the connection's
    /// number.
    pub(super) fn receive(
        &mut self,
        mut received: impl FnMut(usize, &mut TcpStream, &[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.events.clear();
        let spare = rustix::buffer::spare_capacity(&mut self.events);
        epoll::wait(&self.epoll, spare, None).context("waiting")?;
        for event in &self.events {
            if event.data.u64() == LISTENER {
                while let Ok((stream, _)) = self.listener.accept() {
                    stream
                        .set_nonblocking(true)
                        .context("setting non-blocking")?;
                    stream.set_nodelay(true).context("setting TCP_NODELAY")?;
                    let data = epoll::EventData::new_u64(self.connections.len() as u64);
                    epoll::add(&self.epoll, &stream, data, epoll::EventFlags::IN)
                        .context("watching")?;
                    self.connections.push(Some(stream));
                }
                continue;
            }
            let index = event.data.u64() as usize;
            let slot = &mut self.connections[index];
            let Some(stream) = slot else { continue };
            match stream.read(&mut self.buffer) {
                Ok(0) => *slot = None,
                Ok(len) => received(index, stream, &self.buffer[..len])?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => *slot = None,
            }
        }
        Ok(())
    }

    /// Sends `bytes` over connection `index`, unless it has ended.
    pub(super) fn send(&mut self, index: usize, bytes: &[u8]) -> anyhow::Result<()> {
        if let Some(stream) = &mut self.connections[index] {
            stream.write_all(bytes).context("sending")?;
        }
        Ok(())
    }
}
