//! One connection from its first byte to its last: whether it is TLS, the login, then messages until it ends.
//!
//! `pgwire` reads and answers messages; when a connection is over is decided here. A client that is refused, or that has
//! not logged in within [`LOGIN_TIMEOUT`], loses its place, whether or not it closes its side.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use net::patient::Patient;
use pgwire::api::{ClientInfo, DefaultClient, NoopHandler, PgWireConnectionState};
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use pgwire::messages::PgWireFrontendMessage;
use pgwire::messages::startup::{GssEncRequest, SslRequest};
use pgwire::tokio::server::{PgWireMessageServerCodec, process_error, process_message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::codec::{Framed, FramedParts};
use tracing::debug;

use super::bounded::{Bounded, Stream};
use super::handler::Parsed;
use super::{ALPN, Handlers};

/// From the first byte to the end of the login. Nobody types in between: clients ask for a password before.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a whole login.
const LOGIN_LEN_MAX: usize = 16 << 10;

/// Bytes of a message of who is logged in: the longest query, and room for its parameters.
const MESSAGE_LEN_MAX: usize = 4 << 20;

/// First byte of a handshake of TLS (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;

type Client = Framed<Bounded, PgWireMessageServerCodec<Parsed>>;

/// What a message came to.
enum Step {
    Answered,
    /// With an error, after which a client that is logged in may go on.
    Refused,
    Over,
}

/// Serves `socket` until it ends.
pub(super) async fn serve(
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    handlers: &Handlers,
) -> io::Result<()> {
    let login = tokio::time::timeout(LOGIN_TIMEOUT, log_in(socket, tls, handlers));
    let Some(mut client) = login.await?? else {
        return Ok(());
    };
    while let Some(message) = next(&mut client, MESSAGE_LEN_MAX).await {
        match answer(&mut client, handlers, message).await? {
            Step::Answered | Step::Refused => {}
            Step::Over => break,
        }
    }
    Ok(())
}

/// The client, once it is logged in; `None` of one that is over before.
async fn log_in(
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    handlers: &Handlers,
) -> io::Result<Option<Client>> {
    let mut client = begin(socket, tls).await?;
    let mut left = LOGIN_LEN_MAX;
    while let PgWireConnectionState::AwaitingStartup
    | PgWireConnectionState::AuthenticationInProgress = client.state()
    {
        let Some(message) = next(&mut client, left).await else {
            return Ok(None);
        };
        left = client.get_ref().readable();
        match answer(&mut client, handlers, message).await? {
            Step::Answered => {}
            Step::Refused | Step::Over => return Ok(None),
        }
    }
    Ok(Some(client))
}

/// Finds out whether the client speaks TLS.
async fn begin(mut socket: TcpStream, tls: Option<TlsAcceptor>) -> io::Result<Client> {
    let peer = socket.peer_addr()?;
    let mut first = [0];
    socket.peek(&mut first).await?;
    if first[0] == HANDSHAKE {
        let tls = tls.ok_or_else(|| invalid("TLS, and there is none"))?;
        let stream = tls.accept(Patient::new(socket)).await?;
        if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
            return Err(invalid("TLS without a request for it, and without ALPN"));
        }
        return Ok(client(Box::new(stream), peer, true, &[]));
    }
    // A client asks for each kind of encryption once at most, and then begins.
    for _ in 0..3 {
        // No byte more: what a stranger put behind a request is read as TLS, and never as said by who then speaks TLS
        // (CVE-2021-23214).
        let mut request = [0; 8];
        socket.read_exact(&mut request).await?;
        if SslRequest::is_ssl_request_packet(&request) {
            if let Some(tls) = &tls {
                socket.write_all(b"S").await?;
                let stream = tls.accept(Patient::new(socket)).await?;
                return Ok(client(Box::new(stream), peer, true, &[]));
            }
        } else if !GssEncRequest::is_gss_enc_request_packet(&request) {
            return Ok(client(
                Box::new(Patient::new(socket)),
                peer,
                false,
                &request,
            ));
        }
        socket.write_all(b"N").await?;
    }
    Err(invalid("a third request for encryption"))
}

fn invalid(found: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, found)
}

fn client(stream: Box<dyn Stream>, peer: SocketAddr, is_secure: bool, read: &[u8]) -> Client {
    let codec = PgWireMessageServerCodec::new(DefaultClient::new(peer, is_secure));
    let mut parts = FramedParts::new(Bounded::new(stream), codec);
    parts.read_buf.extend_from_slice(read);
    let mut client = Framed::from_parts(parts);
    client.set_state(PgWireConnectionState::AwaitingStartup);
    client
}

/// The next message, of at most `len_max` bytes beyond what has come already.
async fn next(client: &mut Client, len_max: usize) -> Option<PgWireResult<PgWireFrontendMessage>> {
    client.get_mut().allow(len_max);
    client.next().await
}

async fn answer(
    client: &mut Client,
    handlers: &Handlers,
    message: PgWireResult<PgWireFrontendMessage>,
) -> io::Result<Step> {
    let mut waits_for_sync = false;
    let mut is_last = true;
    let answered = match message {
        Ok(PgWireFrontendMessage::Terminate(_)) => Ok(()),
        Ok(message) => {
            waits_for_sync = match client.state() {
                PgWireConnectionState::CopyInProgress(is_extended) => is_extended,
                _ => message.is_extended_query(),
            };
            is_last = matches!(message, PgWireFrontendMessage::CancelRequest(_));
            process_message(
                message,
                client,
                Arc::clone(&handlers.login),
                Arc::clone(&handlers.queries),
                Arc::clone(&handlers.queries),
                Arc::new(NoopHandler),
                Arc::clone(&handlers.cancels),
            )
            .await
        }
        Err(error) => Err(error),
    };
    let Err(error) = answered else {
        return Ok(if is_last { Step::Over } else { Step::Answered });
    };
    debug!(peer = %client.socket_addr(), %error, "Postgres client gets an error");
    let error = ErrorInfo::from(error);
    is_last |= error.is_fatal();
    process_error(
        client,
        PgWireError::UserError(Box::new(error)),
        waits_for_sync,
    )
    .await?;
    Ok(if is_last { Step::Over } else { Step::Refused })
}
