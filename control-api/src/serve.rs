//! The HTTP listeners: HTTP/1.1, plain or over TLS, with a bound on everything that a peer can take its time with.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use net::patient::Patient;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tower::ServiceExt as _;

/// Longest head of a request, bytes; beyond it hyper answers 431.
const HEAD_LEN_MAX: usize = 64 << 10;
/// Until a listener that had no descriptor left tries again.
const ACCEPT_AGAIN: Duration = Duration::from_millis(250);

/// What peers may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeLimits {
    /// Connections at a time; further ones wait to be accepted.
    pub connections_max: usize,
    /// How long the head of a request may take, and how long a connection may wait for its next one; a handshake of TLS has
    /// as long.
    pub header_timeout: Duration,
}

/// What a listener shows over TLS, asked for each connection.
pub type ShownTls = Arc<dyn Fn() -> Arc<ServerConfig> + Send + Sync>;

/// Where a request comes from; in its extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Serves `routes`, over `tls` where there is one, until `ending`, then until the requests that run are answered.
pub async fn serve(
    listener: TcpListener,
    tls: Option<ShownTls>,
    routes: Router,
    limits: ServeLimits,
    ending: impl Future<Output = ()>,
) {
    let free = Arc::new(Semaphore::new(limits.connections_max));
    let (end, ended) = watch::channel(false);
    let mut served = JoinSet::new();
    let mut ending = pin!(ending);
    loop {
        let accepted = async {
            let permit = Arc::clone(&free).acquire_owned().await;
            (
                permit.expect("the semaphore is never closed"),
                accept(&listener).await,
            )
        };
        let (permit, (socket, peer)) = tokio::select! {
            () = &mut ending => break,
            accepted = accepted => accepted,
        };
        served.spawn(connection(
            socket,
            Peer(peer.ip()),
            tls.clone(),
            routes.clone(),
            limits,
            ended.clone(),
            permit,
        ));
        // Those that have ended are forgotten as others come, so at most as many are kept as there were at once.
        while served.try_join_next().is_some() {}
    }
    drop(listener);
    end.send_replace(true);
    while served.join_next().await.is_some() {}
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The peer was gone before it was looked at.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "accepting an HTTP connection");
                #[expect(
                    clippy::disallowed_methods,
                    reason = "nothing tells when a descriptor is free again"
                )]
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn connection(
    socket: TcpStream,
    peer: Peer,
    tls: Option<ShownTls>,
    routes: Router,
    limits: ServeLimits,
    mut ended: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
) {
    // Answers are written whole; a socket that refuses the option is only slower.
    let _ = socket.set_nodelay(true);
    let Some(tls) = tls else {
        return speak(Patient::new(socket), peer, routes, limits, ended).await;
    };
    let handshake = tokio::time::timeout(limits.header_timeout, handshake(socket, &tls));
    let shaken = tokio::select! {
        shaken = handshake => shaken,
        _ = ended.wait_for(|ended| *ended) => return,
    };
    match shaken {
        Ok(Ok(Some(socket))) => speak(socket, peer, routes, limits, ended).await,
        Ok(Ok(None)) => tracing::debug!(peer = %peer.0, "plain HTTP where TLS is spoken"),
        Ok(Err(error)) => tracing::debug!(peer = %peer.0, %error, "no TLS with an HTTP client"),
        Err(_) => tracing::debug!(peer = %peer.0, "an HTTP client did not finish its handshake"),
    }
}

/// `None` for who does not speak TLS, and has been told.
async fn handshake(
    mut socket: TcpStream,
    tls: &ShownTls,
) -> io::Result<Option<tokio_rustls::server::TlsStream<Patient<TcpStream>>>> {
    let mut first = [0];
    socket.peek(&mut first).await?;
    // A method of HTTP; a handshake begins with 22 (RFC 8446, section 5.1).
    if first[0].is_ascii_alphabetic() {
        socket.write_all(SPEAK_TLS).await?;
        return Ok(None);
    }
    let socket = Patient::new(socket);
    TlsAcceptor::from(tls()).accept(socket).await.map(Some)
}

/// Whoever asks in the clear is told, and sends nothing more that could be overheard.
const SPEAK_TLS: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 42\r\n\
    Connection: close\r\n\r\nthis port speaks TLS: use https:// for it\n";

/// Answers the requests of one connection.
async fn speak<S: AsyncRead + AsyncWrite + Unpin>(
    socket: S,
    peer: Peer,
    routes: Router,
    limits: ServeLimits,
    mut ended: watch::Receiver<bool>,
) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        routes.clone().oneshot(request)
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_header_size(HEAD_LEN_MAX);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(socket), service));
    // The sender outlives every connection.
    let ended = async { drop(ended.wait_for(|ended| *ended).await) };
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = ended => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "an HTTP connection ended early");
    }
}
