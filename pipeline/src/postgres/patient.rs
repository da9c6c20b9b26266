//! A client's bytes, with a bound on how many a message may have and on how long none are taken.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// How long a client may take nothing of what it is sent; then its connection ends. A slow one takes something.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// TCP, or TLS over it.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

/// See the module.
pub(super) struct Patient {
    stream: Box<dyn Stream>,
    /// Bytes that may still be read before [`Patient::allow`].
    readable: usize,
    patience: Duration,
    /// Set while the client takes nothing.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    /// Nothing may be read yet.
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self::with_patience(stream, SEND_TIMEOUT)
    }

    fn with_patience(stream: Box<dyn Stream>, patience: Duration) -> Self {
        Self {
            stream,
            readable: 0,
            patience,
            timer: None,
        }
    }

    /// Lets so many bytes in, and an error after them.
    pub(super) fn allow(&mut self, len: usize) {
        self.readable = len;
    }

    /// What is left of what was let in.
    pub(super) fn readable(&self) -> usize {
        self.readable
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
    reason = "the deadline of a client on a real socket"
)]
fn timer(patience: Duration) -> Pin<Box<Sleep>> {
    Box::pin(tokio::time::sleep(patience))
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.readable == 0 {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a message is longer than any that is answered",
            )));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let read = buf.filled().len() - before;
        self.readable = self.readable.saturating_sub(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.or_late(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.or_late(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.or_late(cx, shut)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up_and_a_slow_one_is_not() {
        let (client, server) = tokio::io::duplex(8);
        let patience = Duration::from_millis(50);
        let mut server = Patient::with_patience(Box::new(server), patience);
        server.write_all(b"all here").await.unwrap();
        let error = server.write_all(b"and this is not").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(client);

        let (mut client, server) = tokio::io::duplex(8);
        let mut server = Patient::with_patience(Box::new(server), Duration::from_secs(60));
        let sent = tokio::spawn(async move { server.write_all(&[7; 4_096]).await });
        let mut taken = [0; 4_096];
        client.read_exact(&mut taken).await.unwrap();
        sent.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn no_more_is_read_than_was_let_in() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut server = Patient::new(Box::new(server));
        client.write_all(b"12345678").await.unwrap();
        server.allow(6);
        let mut some = [0; 4];
        server.read_exact(&mut some).await.unwrap();
        assert_eq!(server.readable(), 2);
        // What is read at once may be more than was let in; nothing is read after it.
        server.read_exact(&mut some).await.unwrap();
        let error = server.read_exact(&mut some).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
