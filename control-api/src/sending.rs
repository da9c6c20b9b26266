//! A socket whose peer has to take what it is sent.
//!
//! A peer that asks for something long and then reads nothing would keep its connection, and a place among those that
//! are allowed, for as long as it likes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// How long a peer may take nothing of an answer; then its connection ends. A slow one takes something.
pub(crate) const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// See the module.
pub(crate) struct Sending<S> {
    socket: S,
    patience: Duration,
    /// Set while the peer takes nothing.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> Sending<S> {
    pub(crate) fn new(socket: S) -> Self {
        Self::with_patience(socket, SEND_TIMEOUT)
    }

    fn with_patience(socket: S, patience: Duration) -> Self {
        Self {
            socket,
            patience,
            timer: None,
        }
    }

    /// What a write came to, or the end of patience with one that waits.
    fn or_late<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.timer = None;
            return written;
        }
        let patience = self.patience;
        let timer = self.timer.get_or_insert_with(|| timer(patience));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the deadline of a peer on a real socket"
)]
fn timer(patience: Duration) -> Pin<Box<Sleep>> {
    Box::pin(tokio::time::sleep(patience))
}

impl<S: AsyncRead + Unpin> AsyncRead for Sending<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Sending<S> {
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

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn who_takes_nothing_of_an_answer_is_cut_off() {
        let (socket, _peer) = duplex(16);
        let mut socket = Sending::with_patience(socket, Duration::ZERO);
        let sent = socket.write_all(&[7; 64]).await;
        assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn who_takes_something_has_the_whole_time_again() {
        let (socket, mut peer) = duplex(16);
        let mut socket = Sending::new(socket);
        let mut cx = Context::from_waker(Waker::noop());
        let mut write = |socket: &mut Sending<_>| Pin::new(socket).poll_write(&mut cx, &[7; 16]);
        assert!(matches!(write(&mut socket), Poll::Ready(Ok(16))));
        assert!(write(&mut socket).is_pending());
        assert!(socket.timer.is_some());
        peer.read_exact(&mut [0; 8]).await.unwrap();
        assert!(matches!(write(&mut socket), Poll::Ready(Ok(8))));
        assert!(socket.timer.is_none());
    }
}
