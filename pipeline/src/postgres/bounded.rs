//! A client's bytes, with a bound on how many a message may have.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// TCP, or TLS over it.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

/// See the module.
pub(super) struct Bounded {
    stream: Box<dyn Stream>,
    /// Bytes that may still be read before [`Bounded::allow`].
    readable: usize,
}

impl Bounded {
    /// Nothing may be read yet.
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            readable: 0,
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
}

impl AsyncRead for Bounded {
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

impl AsyncWrite for Bounded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn no_more_is_read_than_was_let_in() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut server = Bounded::new(Box::new(server));
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
