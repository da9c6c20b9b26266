//! glommio.

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use glommio::net::{TcpListener, TcpStream};
use glommio::{LocalExecutorBuilder, Placement};

use crate::{Answer, BUFFER_LEN, Outcome};

pub(crate) fn serve(answer: Answer) -> Outcome {
    let executor = LocalExecutorBuilder::new(Placement::Unbound).make()?;
    executor.run(async {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        crate::announce(listener.local_addr()?)?;
        loop {
            let stream = listener.accept().await?;
            stream.set_nodelay(true)?;
            glommio::spawn_local(echo(stream, answer.clone())).detach();
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
