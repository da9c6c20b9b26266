//! One TLS connection, in memory that its owner lends.

#[cfg(feature = "openssl")]
pub(super) mod of_openssl;
mod of_rustls;
#[cfg(feature = "openssl")]
mod undecided;

use std::fmt;
#[cfg(feature = "openssl")]
use std::sync::Arc;

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::CertificateDer;
use rustls::server::UnbufferedServerConnection;

use super::{TlsFailure, TlsVersion, witness};
use of_rustls::OfRustls;

/// The first byte of a record that begins a handshake.
const HANDSHAKE: u8 = 0x16;
/// What whoever mistook the port for a plain one is told, in its own words.
const PLAIN_REQUEST: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\
    Content-Length: 42\r\n\r\nthis port speaks TLS, connect with wss://\n";

/// One end of one connection.
///
/// Its owner calls [`Session::feed`] with what came and [`Session::seal`] with what is to go. After a failure it says
/// nothing more.
pub struct Session {
    records: Records,
    /// Of a record, or of a handshake message in several, that is not whole. Opened in place as far as they go.
    incoming: Vec<u8>,
    established: bool,
    peer_closed: bool,
    over: bool,
    /// Of a session that is over: whoever is given it later hears of it with the next bytes.
    failure: Option<TlsFailure>,
    /// What the peer showed in vain.
    refused: Option<Box<CertificateDer<'static>>>,
}

/// Who opens and seals the records.
#[cfg_attr(
    feature = "openssl",
    expect(clippy::large_enum_variant, reason = "most are of rustls also there")
)]
enum Records {
    Rustls(OfRustls),
    #[cfg(feature = "openssl")]
    OpenSsl(of_openssl::OfOpenSsl),
    #[cfg(feature = "openssl")]
    Undecided(Box<undecided::Undecided>),
}

/// What a handshake came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsPeer {
    /// The version agreed on.
    pub version: TlsVersion,
    /// The cipher suite agreed on, as `TLS13_AES_128_GCM_SHA256`.
    pub suite: String,
    /// True when it went on from an earlier session, without its certificates being shown again.
    pub resumed: bool,
    /// The peer's certificate, checked; `None` where it showed none. Of a resumed session the earlier one's.
    pub certificate: Option<CertificateDer<'static>>,
}

/// What bytes came to.
#[derive(Default)]
struct Progress {
    /// So many of them are done with; the rest is not whole.
    used: usize,
    /// The handshake is through.
    established: bool,
    /// The peer says no more.
    peer_closed: bool,
    failure: Option<TlsFailure>,
}

/// What is to be sealed.
#[derive(Clone, Copy)]
enum Saying<'a> {
    Plain(&'a [u8]),
    Close,
}

impl Session {
    pub(super) fn server(connection: UnbufferedServerConnection) -> Session {
        Session::new(Records::Rustls(OfRustls::Server(connection)))
    }

    pub(super) fn client(connection: UnbufferedClientConnection) -> Session {
        Session::new(Records::Rustls(OfRustls::Client(connection)))
    }

    #[cfg(feature = "openssl")]
    pub(super) fn of_openssl(records: of_openssl::OfOpenSsl) -> Session {
        Session::new(Records::OpenSsl(records))
    }

    /// Of the one of the two that the peer needs.
    #[cfg(feature = "openssl")]
    pub(super) fn undecided(
        rustls: Arc<rustls::ServerConfig>,
        openssl: Arc<super::openssl::Context>,
    ) -> Session {
        let undecided = undecided::Undecided { rustls, openssl };
        Session::new(Records::Undecided(Box::new(undecided)))
    }

    fn new(records: Records) -> Session {
        Session {
            records,
            incoming: Vec::new(),
            established: false,
            peer_closed: false,
            over: false,
            failure: None,
            refused: None,
        }
    }

    /// Takes `received`, which is opened in place. What the peer's owner said is appended to `plain`, what TLS itself
    /// has to say to `out`: handshake messages, tickets, the alert that goes before a failure.
    ///
    /// A client is fed nothing to make it begin.
    ///
    /// # Errors
    ///
    /// The connection is over, once `out` is sent; `plain` holds what came whole before. So it is from then on.
    pub fn feed(
        &mut self,
        received: &mut [u8],
        plain: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), TlsFailure> {
        if self.over {
            return self.failure.map_or(Ok(()), Err);
        }
        if self.incoming.is_empty() {
            let used = self.advance(received, plain, out)?;
            self.incoming.extend_from_slice(&received[used..]);
        } else {
            let mut incoming = std::mem::take(&mut self.incoming);
            incoming.extend_from_slice(received);
            let used = self.advance(&mut incoming, plain, out)?;
            incoming.drain(..used);
            if !incoming.is_empty() {
                self.incoming = incoming;
            }
        }
        Ok(())
    }

    /// Appends `plain` to `out`, as records. Nothing before the session is established, nor after it is over.
    ///
    /// # Errors
    ///
    /// The keys have sealed as much as they may, which takes 2^64 records with 1.2.
    pub fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), TlsFailure> {
        if plain.is_empty() || !self.is_ready() {
            return Ok(());
        }
        self.say(Saying::Plain(plain), out)
    }

    /// Says to the peer that nothing more comes.
    pub fn close(&mut self, out: &mut Vec<u8>) {
        if self.is_ready() {
            // A session whose keys are used up ends without it.
            let _ = self.say(Saying::Close, out);
        }
        self.over = true;
    }

    /// True from the end of the handshake on.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.established
    }

    /// True once the peer has said that nothing more comes.
    #[must_use]
    pub fn is_closed_by_peer(&self) -> bool {
        self.peer_closed
    }

    /// What it broke on, if it did: the connection is over, once what there is to say was sent.
    #[must_use]
    pub fn failure(&self) -> Option<TlsFailure> {
        self.failure
    }

    /// The certificate that the peer showed and that was refused. Nothing that it says is proven.
    #[must_use]
    pub fn refused_certificate(&self) -> Option<&CertificateDer<'static>> {
        self.refused.as_deref()
    }

    /// Bytes kept because they are not a whole record.
    #[must_use]
    pub fn incoming_len(&self) -> usize {
        self.incoming.len()
    }

    /// What the handshake came to, once it is through.
    #[must_use]
    pub fn peer(&self) -> Option<TlsPeer> {
        if !self.established {
            return None;
        }
        match &self.records {
            Records::Rustls(records) => records.peer(),
            #[cfg(feature = "openssl")]
            Records::OpenSsl(records) => records.peer(),
            #[cfg(feature = "openssl")]
            Records::Undecided(_) => None,
        }
    }

    fn is_ready(&self) -> bool {
        self.established && !self.over
    }

    /// Works through `bytes`; answers how many are done with.
    fn advance(
        &mut self,
        bytes: &mut [u8],
        plain: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<usize, TlsFailure> {
        let progress = match &mut self.records {
            Records::Rustls(records) => records.advance(bytes, plain, out),
            #[cfg(feature = "openssl")]
            Records::OpenSsl(records) => records.advance(bytes, plain, out),
            #[cfg(feature = "openssl")]
            Records::Undecided(undecided) => match undecided.decide(bytes) {
                None => Progress::default(),
                Some(Ok(records)) => {
                    self.records = records;
                    return self.advance(bytes, plain, out);
                }
                // The system has no random bytes, or no memory.
                Some(Err(_)) => Progress {
                    failure: Some(TlsFailure::Broken),
                    ..Progress::default()
                },
            },
        };
        self.note(&progress)?;
        Ok(progress.used)
    }

    fn say(&mut self, saying: Saying<'_>, out: &mut Vec<u8>) -> Result<(), TlsFailure> {
        let progress = match &mut self.records {
            // What is not whole is shown again: rustls remembers how much of it has been opened.
            Records::Rustls(records) => records.say(&mut self.incoming, saying, out),
            #[cfg(feature = "openssl")]
            Records::OpenSsl(records) => records.say(saying, out),
            // Nobody has heard the peer yet.
            #[cfg(feature = "openssl")]
            Records::Undecided(_) => Progress::default(),
        };
        self.incoming.drain(..progress.used);
        self.peer_closed |= progress.peer_closed;
        self.over |= progress.failure.is_some();
        progress.failure.map_or(Ok(()), Err)
    }

    fn note(&mut self, progress: &Progress) -> Result<(), TlsFailure> {
        self.established |= progress.established;
        self.peer_closed |= progress.peer_closed;
        let Some(failure) = progress.failure else {
            return Ok(());
        };
        self.over = true;
        self.failure = Some(failure);
        self.refused = witness::take_refused().map(Box::new);
        Err(failure)
    }
}

/// What `bytes` of a peer that speaks no TLS come to.
fn not_tls(bytes: &[u8], out: &mut Vec<u8>) -> TlsFailure {
    if bytes.starts_with(b"GET ") {
        out.extend_from_slice(PLAIN_REQUEST);
    }
    TlsFailure::NotTls
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("established", &self.established)
            .field("incoming_len", &self.incoming.len())
            .finish_non_exhaustive()
    }
}
