//! monoio, on io_uring and on epoll.

use monoio::io::{AsyncReadRent, AsyncWriteRentExt};
use monoio::net::{TcpListener, TcpStream};
use monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder};

use crate::{Answer, BUFFER_LEN, Outcome};

/// As many entries as sockets are busy at once.
const ENTRIES: u32 = 16_384;

pub(crate) fn serve_uring(answer: Answer) -> Outcome {
    RuntimeBuilder::<IoUringDriver>::new()
        .with_entries(ENTRIES)
        .build()?
        .block_on(listen(answer))
}

pub(crate) fn serve_epoll(answer: Answer) -> Outcome {
    RuntimeBuilder::<LegacyDriver>::new()
        .with_entries(ENTRIES)
        .build()?
        .block_on(listen(answer))
}

async fn listen(answer: Answer) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    crate::announce(listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        monoio::spawn(echo(stream, answer.clone()));
    }
}

/// Until the client leaves.
async fn echo(mut stream: TcpStream, mut answer: Answer) {
    let (mut buffer, mut out) = (Vec::with_capacity(BUFFER_LEN), Vec::new());
    loop {
        let (read, filled) = stream.read(buffer).await;
        buffer = filled;
        let Ok(1..) = read else { return };
        answer.write(&buffer, &mut out);
        let (written, sent) = stream.write_all(out).await;
        out = sent;
        if written.is_err() {
            return;
        }
        buffer.clear();
        out.clear();
    }
}
