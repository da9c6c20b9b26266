//! fastwebsockets on tokio's current thread. It checks that a message is UTF-8, and knows where its id lies.

use fastwebsockets::upgrade::{UpgradeFut, is_upgrade_request, upgrade};
use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, WebSocketError};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::{ID, Outcome};

pub(crate) fn serve(answer: String) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    // Lives as long as the process.
    let answer: &'static str = answer.leak();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        crate::announce(listener.local_addr()?)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let service = service_fn(move |request| open(request, answer));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // One that breaks off is no matter of the others.
            tokio::spawn(async move { _ = connection.with_upgrades().await });
        }
    })
}

async fn open(
    mut request: Request<Incoming>,
    answer: &'static str,
) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    if !is_upgrade_request(&request) {
        let mut response = Response::new(Empty::new());
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(response);
    }
    let (mut response, socket) = upgrade(&mut request)?;
    let protocol = HeaderValue::from_static("ocpp1.6");
    response
        .headers_mut()
        .insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    tokio::spawn(async move { _ = converse(socket, answer).await });
    Ok(response)
}

/// Until the client leaves.
async fn converse(socket: UpgradeFut, answer: &str) -> Result<(), WebSocketError> {
    let mut socket = FragmentCollector::new(socket.await?);
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text => {
                let text =
                    std::str::from_utf8(&frame.payload).map_err(|_| WebSocketError::InvalidUTF8)?;
                let Some(id) = text.get(ID) else { continue };
                let mut text = String::with_capacity(answer.len());
                text.push_str(&answer[..ID.start]);
                text.push_str(id);
                text.push_str(&answer[ID.end..]);
                let payload = Payload::Owned(text.into_bytes());
                socket.write_frame(Frame::text(payload)).await?;
            }
            _ => {}
        }
    }
}
