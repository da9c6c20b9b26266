//! The Postgres wire protocol: our own server on `pgwire`'s messages.
//!
//! Every connection has its own session; nothing one client says changes what another sees. A query ends when
//! its client cancels it or is gone, not only when its rows are read.

mod auth;
mod bounded;
mod catalog;
mod connection;
mod handler;
mod settings;
mod wire;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pgwire::api::cancel::CancelHandler;
use pgwire::messages::cancel::CancelRequest;
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tracing::{debug, warn};

use crate::sql::{Principal, Sql};
use auth::Login;
use connection::Connection;
use handler::Queries;

/// Clients at a time; one more is refused with an error.
const CONNECTIONS_MAX: usize = 256;

/// Until a listener that had no descriptor left tries again.
const ACCEPT_AGAIN: Duration = Duration::from_millis(250);

/// How long a client may be silent before the kernel asks whether it is there, and before it counts as gone. Sent bytes may
/// stay unacknowledged as long.
const ASKED_AFTER: Duration = Duration::from_secs(60);
const GONE_AFTER: Duration = Duration::from_secs(120);

/// What clients since PostgreSQL 17 name in their handshake; they go away where something else is spoken.
const ALPN: &[u8] = b"postgresql";

/// What a server keeps of a password (RFC 5802), and who has proven to know it.
#[derive(Clone, Debug)]
pub struct ScramVerifier {
    /// Random.
    pub salt: Vec<u8>,
    /// At least 4,096.
    pub iterations: u32,
    /// PBKDF2-HMAC-SHA-256 of the password, 32 bytes.
    pub salted_password: Vec<u8>,
    /// Who it is.
    pub principal: Principal,
}

/// How clients reach the server over TLS, on the same port: they ask for it (`sslmode` of libpq).
#[derive(Clone)]
pub struct PostgresTls {
    /// What they are shown, asked for each connection.
    pub shown: Arc<dyn Fn() -> Arc<ServerConfig> + Send + Sync>,
    /// Who does not ask for it is refused before it says its password.
    pub required: bool,
}

impl PostgresTls {
    fn acceptor(&self) -> TlsAcceptor {
        let mut config = ServerConfig::clone(&(self.shown)());
        config.alpn_protocols = vec![ALPN.to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Finds the verifier of a user name.
pub(crate) type FindVerifier = Arc<dyn Fn(&str) -> Option<ScramVerifier> + Send + Sync>;

/// Whom a CancelRequest is for, by process id and secret.
type Live = HashMap<(i32, Vec<u8>), Arc<Connection>>;

/// What all connections share.
struct Server {
    sql: Sql,
    find: FindVerifier,
    /// Salts for users that do not exist: an attacker learns nothing from asking.
    decoy: [u8; 32],
    live: Mutex<Live>,
    tls_required: bool,
}

/// Serves `listener` until `shutdown` is done; then connections are closed.
///
/// `authenticate` gives the verifier of a user name, or `None`. Without `tls` whoever asks for it is told that there is none.
///
/// # Errors
///
/// When the system gives no randomness, or the listener breaks.
pub async fn serve_postgres(
    listener: TcpListener,
    tls: Option<PostgresTls>,
    sql: Sql,
    authenticate: impl Fn(&str) -> Option<ScramVerifier> + Send + Sync + 'static,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut decoy = [0; 32];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut decoy)
        .map_err(|_| io::Error::other("no randomness for salts"))?;
    let server = Arc::new(Server {
        sql,
        find: Arc::new(authenticate),
        decoy,
        live: Mutex::default(),
        tls_required: tls.as_ref().is_some_and(|tls| tls.required),
    });
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        let (socket, peer) = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = &mut shutdown => return Ok(()),
            Some(_) = connections.join_next() => continue,
        };
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            warn!(%peer, max = CONNECTIONS_MAX, "Postgres connection refused: too many");
            continue;
        };
        let server = Arc::clone(&server);
        let tls = tls.as_ref().map(PostgresTls::acceptor);
        connections.spawn(async move {
            if let Err(error) = serve_one(server, socket, tls).await {
                debug!(%peer, %error, "Postgres connection ended");
            }
            drop(slot);
        });
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The peer was gone before it was looked at.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                warn!(%error, "accepting a Postgres connection");
                #[expect(
                    clippy::disallowed_methods,
                    reason = "nothing tells when a descriptor is free again"
                )]
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn serve_one(
    server: Arc<Server>,
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    notice_the_dead(&socket)?;
    let connection = Arc::new(Connection::new(server.sql.clone(), &socket)?);
    let handlers = Handlers {
        login: Arc::new(Login::new(Arc::clone(&server), Arc::clone(&connection))),
        queries: Arc::new(Queries::new(Arc::clone(&connection))),
        cancels: Arc::new(Cancels(Arc::clone(&server))),
    };
    let _leaving = Leaving(server, connection);
    wire::serve(socket, tls, &handlers).await
}

/// Forgets a connection and ends its query, also where reading its messages panicked.
struct Leaving(Arc<Server>, Arc<Connection>);

impl Drop for Leaving {
    fn drop(&mut self) {
        let Self(server, connection) = self;
        let mut live = server.live();
        live.retain(|_, other| !Arc::ptr_eq(other, connection));
        drop(live);
        connection.cancel();
    }
}

/// A client that is gone without a word gives up its place too.
fn notice_the_dead(socket: &TcpStream) -> io::Result<()> {
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, ASKED_AFTER)?;
    sockopt::set_tcp_keepintvl(socket, ASKED_AFTER / 4)?;
    sockopt::set_tcp_user_timeout(socket, GONE_AFTER.as_millis() as u32)?;
    Ok(())
}

impl Server {
    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What `pgwire` calls for one connection.
struct Handlers {
    login: Arc<Login>,
    queries: Arc<Queries>,
    cancels: Arc<Cancels>,
}

struct Cancels(Arc<Server>);

#[async_trait::async_trait]
impl CancelHandler for Cancels {
    async fn on_cancel_request(&self, request: CancelRequest) {
        let key = (request.pid, request.secret_key.to_bytes().to_vec());
        let connection = self.0.live().get(&key).cloned();
        if let Some(connection) = connection {
            connection.cancel();
        }
    }
}
