//! The floor: TCP and epoll, and no protocol. It knows the length of a request and where its id lies.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use anyhow::Context;
use rustix::event::epoll;

use crate::frames::{self, ID_AT, ID_LEN};

const LISTENER: u64 = u64::MAX;

pub(super) fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").context("listening")?;
    listener
        .set_nonblocking(true)
        .context("setting non-blocking")?;
    super::announce(listener.local_addr().context("asking for the address")?)?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).context("creating an epoll")?;
    let listener_data = epoll::EventData::new_u64(LISTENER);
    epoll::add(&epoll, &listener, listener_data, epoll::EventFlags::IN).context("watching")?;

    let request_len = frames::client_frame(&frames::heartbeat()).len();
    let mut answer = Vec::new();
    net::ws::write_text(
        &mut answer,
        None,
        frames::heartbeat_answer(&frames::id(0)).as_bytes(),
    );
    let mut connections: Vec<Option<TcpStream>> = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let mut events = Vec::with_capacity(1_024);
    loop {
        events.clear();
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None)
            .context("waiting")?;
        for event in &events {
            if event.data.u64() == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    stream
                        .set_nonblocking(true)
                        .context("setting non-blocking")?;
                    stream.set_nodelay(true).context("setting TCP_NODELAY")?;
                    let data = epoll::EventData::new_u64(connections.len() as u64);
                    epoll::add(&epoll, &stream, data, epoll::EventFlags::IN).context("watching")?;
                    connections.push(Some(stream));
                }
                continue;
            }
            let slot = &mut connections[event.data.u64() as usize];
            let Some(stream) = slot else { continue };
            match stream.read(&mut buffer) {
                Ok(0) => *slot = None,
                Ok(len) => {
                    // A request is smaller than a segment and its sender waits for the answer: it comes whole.
                    for request in buffer[..len].chunks_exact(request_len) {
                        let id = &request[6 + ID_AT..6 + ID_AT + ID_LEN];
                        answer[2 + ID_AT..2 + ID_AT + ID_LEN].copy_from_slice(id);
                        stream.write_all(&answer).context("sending")?;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => *slot = None,
            }
        }
    }
}
