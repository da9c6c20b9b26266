//! tokio-tungstenite on one thread, with our message scan: what differs is runtime and WebSocket.

use anyhow::Context;
use futures::{SinkExt, StreamExt};
use ocpp::{Frame, Version};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// The configuration that suits many quiet connections.
pub(super) fn tuned() -> Option<WebSocketConfig> {
    Some(
        WebSocketConfig::default()
            .read_buffer_size(1 << 10)
            .write_buffer_size(0),
    )
}

pub(super) fn serve(config: Option<WebSocketConfig>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build();
    runtime.context("starting a runtime")?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("listening")?;
        super::announce(listener.local_addr().context("asking for the address")?)?;
        loop {
            let (stream, _) = listener.accept().await.context("accepting")?;
            stream.set_nodelay(true).context("setting TCP_NODELAY")?;
            tokio::spawn(answer(stream, config));
        }
    })
}

/// Until the client leaves.
async fn answer(stream: TcpStream, config: Option<WebSocketConfig>) {
    let Ok(mut socket) = tokio_tungstenite::accept_async_with_config(stream, config).await else {
        return;
    };
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        let Ok(Frame::Call { id, .. }) = ocpp::scan(&text, Version::V16) else {
            continue;
        };
        let answer = crate::frames::heartbeat_answer(&id);
        if socket.send(Message::text(answer)).await.is_err() {
            return;
        }
    }
}
