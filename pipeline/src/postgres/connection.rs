//! One client: who it is, its session, and whether it is still there.

use std::io;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use datafusion::prelude::SessionContext;
use futures::FutureExt;
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::settings::SERVER_VERSION;
use crate::sql::{Limits, Principal, Sql, SqlError};

/// How often a running query looks whether its client is still there; a quarter of the 200 ms within which the
/// work ends.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

pub(super) struct Connection {
    pub(super) sql: Sql,
    number: i32,
    /// A second handle of the socket: `pgwire` reads the first only between queries.
    socket: TcpStream,
    principal: OnceLock<Principal>,
    session: OnceCell<SessionContext>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Of the running query.
    cancel: CancellationToken,
    timeout: Option<Duration>,
}

impl Connection {
    pub(super) fn new(sql: Sql, socket: &TcpStream) -> io::Result<Self> {
        static NUMBERS: AtomicI32 = AtomicI32::new(0);
        let second = rustix::io::dup(socket)?;
        let second = std::net::TcpStream::from(second);
        second.set_nonblocking(true)?;
        Ok(Self {
            sql,
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            socket: TcpStream::from_std(second)?,
            principal: OnceLock::new(),
            session: OnceCell::new(),
            state: Mutex::default(),
        })
    }

    /// Tells connections apart.
    pub(super) fn number(&self) -> i32 {
        self.number
    }

    pub(super) fn authenticated(&self, principal: Principal) {
        self.principal.get_or_init(|| principal);
    }

    /// The session; only of a client that is logged in.
    pub(super) async fn session(&self) -> PgWireResult<&SessionContext> {
        let principal = self
            .principal
            .get()
            .ok_or_else(|| fatal("28000", "log in first"))?;
        self.session
            .get_or_try_init(|| async {
                let session = self.sql.session(principal).await?;
                super::catalog::register(&session).await?;
                super::handler::shims::register(&session, principal, SERVER_VERSION);
                Ok(session)
            })
            .await
            .map_err(|error: SqlError| pg_error(&error))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            timeout: self.state().timeout,
            rows_max: None,
        }
    }

    pub(super) fn set_timeout(&self, timeout: Option<Duration>) {
        self.state().timeout = timeout;
    }

    /// What ends the query that begins now.
    pub(super) fn begin_query(&self) -> CancellationToken {
        let token = CancellationToken::new();
        self.state().cancel = token.clone();
        token
    }

    /// Ends the running query, if there is one.
    pub(super) fn cancel(&self) {
        self.state().cancel.cancel();
    }

    /// Done when `cancelled` is, or when the client has closed its side of the socket.
    pub(super) async fn given_up(&self, cancelled: &CancellationToken) {
        let mut look = tokio::time::interval(LOOK_INTERVAL);
        loop {
            tokio::select! {
                () = cancelled.cancelled() => return,
                _ = look.tick() => if self.is_gone() { return },
            }
        }
    }

    fn is_gone(&self) -> bool {
        let ready = self.socket.ready(Interest::READABLE).now_or_never();
        matches!(ready, Some(Ok(ready)) if ready.is_read_closed()) || matches!(ready, Some(Err(_)))
    }
}

pub(super) fn pg_error(error: &SqlError) -> PgWireError {
    let info = ErrorInfo::new(
        "ERROR".to_owned(),
        error.sqlstate().to_owned(),
        error.to_string(),
    );
    PgWireError::UserError(Box::new(info))
}

pub(super) fn fatal(code: &str, text: &str) -> PgWireError {
    let info = ErrorInfo::new("FATAL".to_owned(), code.to_owned(), text.to_owned());
    PgWireError::UserError(Box::new(info))
}
