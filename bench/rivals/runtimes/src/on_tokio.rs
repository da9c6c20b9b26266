//! tokio on its current thread.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{Answer, BUFFER_LEN, Outcome};

pub(crate) fn serve(answer: Answer) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        crate::announce(listener.local_addr()?)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(echo(stream, answer.clone()));
        }
    })
}

/// Until the client leaves.
async fn echo(mut stream: TcpStream, mut answer: Answer) {
    let (mut buffer, mut out) = (vec![0; BUFFER_LEN], Vec::new());
    while let Ok(len @ 1..) = stream.read(&mut buffer).await {
        out.clear();
        answer.write(&buffer[..len], &mut out);
        if stream.write_all(&out).await.is_err() {
            return;
        }
    }
}
