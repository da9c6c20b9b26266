//! One TLS connection, in memory that its owner lends.

use std::fmt;

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::CertificateDer;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, UnbufferedStatus, WriteTraffic,
};
use rustls::{CommonState, HandshakeKind, ProtocolVersion};

use super::{TlsFailure, TlsVersion, witness};

/// Bytes that sealing adds to a record, at most: a header, an explicit nonce, a type, a tag.
const RECORD_EXTRA: usize = 5 + 8 + 1 + 16;
/// Plaintext of one record, at most.
const RECORD_LEN_MAX: usize = 16 << 10;
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
    end: End,
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

enum End {
    Server(UnbufferedServerConnection),
    Client(UnbufferedClientConnection),
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

/// What one step of a session came to.
enum Step {
    /// There is more to do with the same bytes.
    More,
    /// Nothing more before more bytes come; what was to be said is said.
    Wait {
        established: bool,
    },
    /// The peer says no more; there may be more to do.
    PeerClosed,
    Failed(rustls::Error),
}

impl Session {
    pub(super) fn server(connection: UnbufferedServerConnection) -> Session {
        Session::new(End::Server(connection))
    }

    pub(super) fn client(connection: UnbufferedClientConnection) -> Session {
        Session::new(End::Client(connection))
    }

    fn new(end: End) -> Session {
        Session {
            end,
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
        let common = self.end.common();
        let version = match common.protocol_version()? {
            ProtocolVersion::TLSv1_3 => TlsVersion::V13,
            // There is no third.
            _ => TlsVersion::V12,
        };
        Some(TlsPeer {
            version,
            suite: format!("{:?}", common.negotiated_cipher_suite()?.suite()),
            resumed: common.handshake_kind()? == HandshakeKind::Resumed,
            certificate: common
                .peer_certificates()
                .and_then(|chain| chain.first().cloned()),
        })
        .filter(|_| self.established)
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
        let first = bytes.first().copied();
        let said_before = plain.len();
        let mut used = 0;
        loop {
            let (discard, step) = self.end.step(&mut bytes[used..], None, plain, out);
            used += discard;
            // There is no early data: who has said something is through with the handshake, whatever comes after it.
            self.established |= said_before < plain.len();
            match step {
                Step::More => {}
                Step::Wait { established } => {
                    self.established |= established;
                    return Ok(used);
                }
                Step::PeerClosed => self.peer_closed = true,
                Step::Failed(error) => {
                    self.over = true;
                    self.refused = witness::take_refused().map(Box::new);
                    let speaks_tls =
                        first == Some(HANDSHAKE) || self.end.common().protocol_version().is_some();
                    let failure = self.end.fail(&error, speaks_tls, &bytes[used..], out);
                    self.failure = Some(failure);
                    return Err(failure);
                }
            }
        }
    }

    fn say(&mut self, saying: Saying<'_>, out: &mut Vec<u8>) -> Result<(), TlsFailure> {
        loop {
            // What is not whole is shown again: rustls remembers how much of it has been opened.
            let (discard, step) =
                self.end
                    .step(&mut self.incoming, Some(saying), &mut Vec::new(), out);
            self.incoming.drain(..discard);
            match step {
                Step::More => {}
                Step::PeerClosed => self.peer_closed = true,
                Step::Wait { .. } => return Ok(()),
                Step::Failed(_) => {
                    self.over = true;
                    return Err(TlsFailure::Broken);
                }
            }
        }
    }
}

impl End {
    fn common(&self) -> &CommonState {
        match self {
            End::Server(connection) => connection,
            End::Client(connection) => connection,
        }
    }

    /// One step with `bytes`: how many of them are done with, and what it came to.
    fn step(
        &mut self,
        bytes: &mut [u8],
        saying: Option<Saying<'_>>,
        plain: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> (usize, Step) {
        match self {
            End::Server(server) => step(server.process_tls_records(bytes), saying, plain, out),
            End::Client(client) => step(client.process_tls_records(bytes), saying, plain, out),
        }
    }

    /// Says to the peer why it is over.
    fn fail(
        &mut self,
        error: &rustls::Error,
        speaks_tls: bool,
        rest: &[u8],
        out: &mut Vec<u8>,
    ) -> TlsFailure {
        let failure = TlsFailure::from(error);
        if !speaks_tls && failure == TlsFailure::Broken {
            if rest.starts_with(b"GET ") {
                out.extend_from_slice(PLAIN_REQUEST);
            }
            return TlsFailure::NotTls;
        }
        // The alert is all that is left. Beyond it rustls must not be asked, for it would look at the same bytes again.
        while self.common().wants_write()
            && let (_, Step::More) = self.step(&mut [], None, &mut Vec::new(), out)
        {}
        failure
    }
}

/// What is to be sealed.
#[derive(Clone, Copy)]
enum Saying<'a> {
    Plain(&'a [u8]),
    Close,
}

fn step<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    saying: Option<Saying<'_>>,
    plain: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> (usize, Step) {
    let mut discard = status.discard;
    let step = match status.state {
        Ok(ConnectionState::ReadTraffic(mut traffic)) => loop {
            match traffic.next_record() {
                Some(Ok(record)) => {
                    discard += record.discard;
                    plain.extend_from_slice(record.payload);
                }
                Some(Err(error)) => break Step::Failed(error),
                None => break Step::More,
            }
        },
        Ok(ConnectionState::EncodeTlsData(mut data)) => {
            let mut needed = 0;
            loop {
                let at = out.len();
                out.resize(at + needed, 0);
                match data.encode(&mut out[at..]) {
                    Ok(written) => {
                        out.truncate(at + written);
                        break Step::More;
                    }
                    Err(EncodeError::InsufficientSize(size)) => {
                        out.truncate(at);
                        needed = size.required_size;
                    }
                    Err(EncodeError::AlreadyEncoded) => {
                        out.truncate(at);
                        break Step::More;
                    }
                }
            }
        }
        Ok(ConnectionState::TransmitTlsData(data)) => {
            data.done();
            Step::More
        }
        Ok(ConnectionState::WriteTraffic(traffic)) => match saying {
            None => Step::Wait { established: true },
            Some(saying) => write(traffic, saying, out),
        },
        Ok(ConnectionState::BlockedHandshake) => Step::Wait { established: false },
        Ok(ConnectionState::PeerClosed) => Step::PeerClosed,
        Ok(ConnectionState::Closed) => Step::Wait { established: true },
        // Early data is never offered; a later rustls may have more to say.
        Ok(_) => Step::Failed(rustls::Error::HandshakeNotComplete),
        Err(error) => Step::Failed(error),
    };
    (discard, step)
}

fn write<Data>(mut traffic: WriteTraffic<'_, Data>, saying: Saying<'_>, out: &mut Vec<u8>) -> Step {
    let mut room = match saying {
        Saying::Plain(plain) => plain.len() + (plain.len() / RECORD_LEN_MAX + 1) * RECORD_EXTRA,
        Saying::Close => 2 + RECORD_EXTRA,
    };
    loop {
        let at = out.len();
        out.resize(at + room, 0);
        let written = match saying {
            Saying::Plain(plain) => traffic.encrypt(plain, &mut out[at..]),
            Saying::Close => traffic.queue_close_notify(&mut out[at..]),
        };
        out.truncate(at + *written.as_ref().unwrap_or(&0));
        match written {
            Ok(_) => return Step::Wait { established: true },
            // An answer to the peer's change of keys goes before.
            Err(EncryptError::InsufficientSize(size)) if room < size.required_size => {
                room = size.required_size;
            }
            Err(EncryptError::InsufficientSize(_) | EncryptError::EncryptExhausted) => {
                return Step::Failed(rustls::Error::EncryptError);
            }
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("established", &self.established)
            .field("incoming_len", &self.incoming.len())
            .finish_non_exhaustive()
    }
}
