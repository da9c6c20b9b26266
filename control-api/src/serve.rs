//! The HTTP listener: HTTP/1.1 with a bound on everything that a peer can take its time with.

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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::sending::Sending;

/// Longest head of a request, bytes; beyond it hyper answers 431.
const HEAD_LEN_MAX: usize = 64 << 10;
/// Until a listener that had no descriptor left tries again.
const ACCEPT_AGAIN: Duration = Duration::from_millis(250);

/// What peers may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeLimits {
    /// Connections at a time; further ones wait to be accepted.
    pub connections_max: usize,
    /// How long the head of a request may take, and how long a connection may wait for its next one.
    pub header_timeout: Duration,
}

/// Where a request comes from; in its extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Serves `routes` until `ending`, then until the requests that run are answered.
pub async fn serve(
    listener: TcpListener,
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
    routes: Router,
    limits: ServeLimits,
    mut ended: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
) {
    // Answers are written whole; a socket that refuses the option is only slower.
    let _ = socket.set_nodelay(true);
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
    let mut connection =
        pin!(builder.serve_connection(TokioIo::new(Sending::new(socket)), service));
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
