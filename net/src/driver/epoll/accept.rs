//! Accepting: as many per turn as the bounds allow, and what happens when there is no room.

use std::fmt;
use std::os::fd::AsFd;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::SocketFlags;

use super::{Epoll, OWN};
use crate::driver::reactor::Sockets;
use crate::driver::{ConnId, Handler, Opened};

/// How long accepting pauses when descriptors have run out, in nanoseconds.
const ACCEPT_RETRY_NS: u64 = 100_000_000;

impl Epoll {
    pub(super) fn accept<H: Handler>(&mut self, handler: &mut H, index: usize) {
        for _ in 0..self.reactor.config.accepts_max {
            // The handler may have stopped accepting.
            let Some(listener) = self.reactor.listeners.get(index) else {
                return;
            };
            let local = listener.local_addr();
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            if self.reactor.slots.len() >= self.reactor.config.connections_max {
                return self.pause_accepting(&"all connections are in use");
            }
            match rustix::net::acceptfrom_with(listener.socket.as_fd(), flags) {
                Ok((socket, peer)) => {
                    let Some(peer) = peer.and_then(|peer| peer.try_into().ok()) else {
                        continue;
                    };
                    match self.reactor.insert(socket) {
                        Ok(conn) => {
                            self.reactor.begin_tls_if_wanted(conn, index);
                            let opened = Opened::Accepted {
                                listener: index,
                                peer,
                                local,
                            };
                            handler.opened(&mut self.io(), conn, opened);
                            self.reactor.tell(handler);
                        }
                        Err(error) => return self.pause_accepting(&error),
                    }
                }
                Err(Errno::AGAIN) => {
                    self.accept_complained = false;
                    return;
                }
                Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                    return self.pause_accepting(&"out of descriptors or socket memory");
                }
                // The connection died in the backlog, or the network is as accept(2) warns: the next.
                Err(_) => {}
            }
        }
    }

    fn pause_accepting(&mut self, why: &dyn fmt::Display) {
        if !std::mem::replace(&mut self.accept_complained, true) {
            let connections = self.reactor.slots.len();
            tracing::warn!(%why, connections, "accepting pauses until connections end");
        }
        self.watch_listeners(false);
        self.accept_retry_at = Some(self.reactor.now + ACCEPT_RETRY_NS);
    }

    pub(super) fn watch_listeners(&mut self, watched: bool) {
        self.accept_retry_at = None;
        let mut flags = EventFlags::empty();
        flags.set(EventFlags::IN, watched);
        let Sockets::Epoll(epoll) = &self.reactor.sockets else {
            return;
        };
        for (index, listener) in self.reactor.listeners.iter().enumerate() {
            let data = listener_data(index);
            if let Err(error) = epoll::modify(epoll, &listener.socket, data, flags) {
                tracing::error!(%error, local = %listener.local_addr(), "listener cannot be watched");
            }
        }
    }
}

pub(super) fn listener_data(index: usize) -> EventData {
    EventData::new_u64(
        ConnId {
            index: index as u32,
            generation: OWN,
        }
        .to_bits(),
    )
}
