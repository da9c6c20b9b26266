//! The least that an acknowledgement can cost: TCP, epoll, one write and one `fdatasync`, and no protocol.
//!
//! One thread reads what is ready, writes one block of 4 KiB for all of it, syncs, and answers. It knows where the
//! length and the id of a request lie, and understands nothing else.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use anyhow::Context;
use rustix::event::epoll;

use crate::fdatasync::Probe;
use crate::frames::{self, ID_AT, ID_LEN};

const LISTENER: u64 = u64::MAX;
/// Bytes of a client's frame before its payload, for payloads of 126 to 65,535 bytes.
const HEAD_LEN: usize = 8;

pub(super) fn serve(dir: &Path) -> anyhow::Result<()> {
    let mut disk = Probe::create(dir)?;
    let listener = TcpListener::bind("127.0.0.1:0").context("listening")?;
    listener
        .set_nonblocking(true)
        .context("setting non-blocking")?;
    super::announce(listener.local_addr().context("asking for the address")?)?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).context("creating an epoll")?;
    let listener_data = epoll::EventData::new_u64(LISTENER);
    epoll::add(&epoll, &listener, listener_data, epoll::EventFlags::IN).context("watching")?;

    let mut answer = Vec::new();
    net::ws::write_text(&mut answer, None, frames::meter_answer(0).as_bytes());
    let mut connections: Vec<Option<TcpStream>> = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let mut events = Vec::with_capacity(1_024);
    // Ids to be answered once the disk has them, and whose they are.
    let mut waiting: Vec<(usize, [u8; ID_LEN])> = Vec::new();
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
            let index = event.data.u64() as usize;
            let slot = &mut connections[index];
            let Some(stream) = slot else { continue };
            match stream.read(&mut buffer) {
                Ok(0) => *slot = None,
                // A request is smaller than a segment and its sender waits for the answer: it comes whole.
                Ok(len) => requests(&buffer[..len]).for_each(|id| waiting.push((index, id))),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => *slot = None,
            }
        }
        if !waiting.is_empty() {
            disk.commit()?;
        }
        for (index, id) in waiting.drain(..) {
            answer[2 + ID_AT..2 + ID_AT + ID_LEN].copy_from_slice(&id);
            if let Some(stream) = &mut connections[index] {
                stream.write_all(&answer).context("sending")?;
            }
        }
    }
}

/// The ids of the requests in `bytes`.
fn requests(mut bytes: &[u8]) -> impl Iterator<Item = [u8; ID_LEN]> {
    std::iter::from_fn(move || {
        let len = usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]));
        let (request, rest) = bytes.split_at_checked(HEAD_LEN + len)?;
        bytes = rest;
        request[HEAD_LEN + ID_AT..].first_chunk().copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_by_their_length() {
        let frames: Vec<u8> = [5, 6]
            .map(|n| frames::client_frame(&frames::meter_event(n, 1, 0, 0)))
            .concat();
        let ids = [5, 6].map(|n| <[u8; ID_LEN]>::try_from(frames::id(n).as_bytes()).unwrap());
        assert_eq!(requests(&frames).collect::<Vec<_>>(), ids);
    }
}
