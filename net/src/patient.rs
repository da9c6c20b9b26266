//! A socket of Tokio whose peer has to take what it is sent.
//!
//! A peer that asks for something long and then reads nothing would keep its connection, and a place among those that are
//! allowed, for as long as it likes. Whether it takes something is told by what its kernel acknowledges, and not by the
//! room in our own buffer: that is writable again only once a third of it is free, which a reader of 20 KB/s does not
//! reach within a minute when the buffer has grown to 4 MiB.
//!
//! A minute is meant for a peer that reads nothing, and a very slow one looks like that: once its own buffer is full, Linux takes
//! no more before a sixteenth of that is free. Of the largest that a socket has unless its system is told otherwise (`tcp_rmem`,
//! 6 MiB) that is 384 KiB, so whoever reads less than some 6.4 KB/s of an answer that is longer than the buffers on its way may be
//! ended too. It would need a quarter of an hour for those 6 MiB, and no place is kept for that.
//!
//! It stands on the socket itself, below TLS: what a peer acknowledges is what was written there.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::os;

/// Between two looks at what a peer has taken while a write waits.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Looks in a row that may find nothing taken: a minute of them. With the last one the connection ends.
const LOOKS_MAX: u32 = 6;

/// A socket that knows what its peer has not taken yet.
pub trait Outgoing {
    /// Bytes that were written and are not acknowledged.
    ///
    /// # Errors
    ///
    /// What the kernel says of the socket.
    fn unacknowledged(&self) -> io::Result<u64>;
}

impl Outgoing for TcpStream {
    fn unacknowledged(&self) -> io::Result<u64> {
        os::unacknowledged(self)
    }
}

/// See the module. A write that waits for a peer that takes nothing for a minute ends with [`io::ErrorKind::TimedOut`].
#[derive(Debug)]
pub struct Patient<S> {
    socket: S,
    /// Bytes ever written.
    written: u64,
    /// Set while a write waits.
    waiting: Option<Waiting>,
    look_every: Duration,
}

#[derive(Debug)]
struct Waiting {
    next_look: Pin<Box<Sleep>>,
    patience: Patience,
}

/// Looks at a peer, at equal distances while a write waits for it.
#[derive(Debug)]
struct Patience {
    /// Bytes that the peer had taken at the last look.
    taken: u64,
    /// Looks in a row that found no more than that.
    in_vain: u32,
}

impl Patience {
    fn new(taken: u64) -> Self {
        Self { taken, in_vain: 0 }
    }

    /// True when the peer has had its time.
    fn is_over(&mut self, taken: u64) -> bool {
        if self.taken < taken {
            *self = Self::new(taken);
        } else {
            self.in_vain += 1;
        }
        LOOKS_MAX <= self.in_vain
    }
}

impl<S: Outgoing> Patient<S> {
    /// A socket to which nothing was written yet, or nothing that has not been acknowledged.
    #[must_use]
    pub fn new(socket: S) -> Self {
        Self::looking_every(LOOK_EVERY, socket)
    }

    fn looking_every(look_every: Duration, socket: S) -> Self {
        Self {
            socket,
            written: 0,
            waiting: None,
            look_every,
        }
    }

    fn taken(&self) -> io::Result<u64> {
        // What was written before it came here may be unacknowledged still.
        Ok(self.written.saturating_sub(self.socket.unacknowledged()?))
    }

    /// What a write came to, or the end of patience with one that waits.
    fn or_late(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = written {
            self.waiting = None;
            self.written += *written.as_ref().unwrap_or(&0) as u64;
            return Poll::Ready(written);
        }
        let mut waiting = match self.waiting.take() {
            Some(waiting) => waiting,
            None => Waiting {
                next_look: timer(self.look_every),
                patience: Patience::new(self.taken()?),
            },
        };
        while waiting.next_look.as_mut().poll(cx).is_ready() {
            if waiting.patience.is_over(self.taken()?) {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            waiting.next_look = timer(self.look_every);
        }
        self.waiting = Some(waiting);
        Poll::Pending
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the deadline of a peer on a real socket"
)]
fn timer(wait: Duration) -> Pin<Box<Sleep>> {
    Box::pin(tokio::time::sleep(wait))
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Outgoing + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, buf);
        self.or_late(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        self.or_late(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    // A socket has nothing to flush, and is shut down without waiting for its peer.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
