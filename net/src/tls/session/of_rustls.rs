//! Records of rustls, which opens them in place and keeps none.

use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, UnbufferedStatus, WriteTraffic,
};
use rustls::{CommonState, HandshakeKind, ProtocolVersion};

use super::{HANDSHAKE, Progress, Saying, TlsFailure, TlsPeer, TlsVersion, not_tls};

/// Bytes that sealing adds to a record, at most: a header, an explicit nonce, a type, a tag.
const RECORD_EXTRA: usize = 5 + 8 + 1 + 16;
/// Plaintext of one record, at most.
const RECORD_LEN_MAX: usize = 16 << 10;

pub(super) enum OfRustls {
    Server(UnbufferedServerConnection),
    Client(UnbufferedClientConnection),
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

impl OfRustls {
    pub(super) fn peer(&self) -> Option<TlsPeer> {
        let common = self.common();
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
    }

    pub(super) fn advance(
        &mut self,
        bytes: &mut [u8],
        plain: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Progress {
        let first = bytes.first().copied();
        let said_before = plain.len();
        let mut progress = Progress::default();
        loop {
            let (discard, step) = self.step(&mut bytes[progress.used..], None, plain, out);
            progress.used += discard;
            // There is no early data: who has said something is through with the handshake, whatever comes after it.
            progress.established |= said_before < plain.len();
            match step {
                Step::More => {}
                Step::Wait { established } => {
                    progress.established |= established;
                    return progress;
                }
                Step::PeerClosed => progress.peer_closed = true,
                Step::Failed(error) => {
                    let speaks_tls =
                        first == Some(HANDSHAKE) || self.common().protocol_version().is_some();
                    let rest = &bytes[progress.used..];
                    progress.failure = Some(self.fail(&error, speaks_tls, rest, out));
                    return progress;
                }
            }
        }
    }

    /// Seals, and opens what of `incoming` can be.
    pub(super) fn say(
        &mut self,
        incoming: &mut [u8],
        saying: Saying<'_>,
        out: &mut Vec<u8>,
    ) -> Progress {
        let mut progress = Progress::default();
        loop {
            let rest = &mut incoming[progress.used..];
            let (discard, step) = self.step(rest, Some(saying), &mut Vec::new(), out);
            progress.used += discard;
            match step {
                Step::More => {}
                Step::PeerClosed => progress.peer_closed = true,
                Step::Wait { .. } => return progress,
                Step::Failed(_) => {
                    progress.failure = Some(TlsFailure::Broken);
                    return progress;
                }
            }
        }
    }

    fn common(&self) -> &CommonState {
        match self {
            OfRustls::Server(connection) => connection,
            OfRustls::Client(connection) => connection,
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
            OfRustls::Server(server) => step(server.process_tls_records(bytes), saying, plain, out),
            OfRustls::Client(client) => step(client.process_tls_records(bytes), saying, plain, out),
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
            return not_tls(rest, out);
        }
        // The alert is all that is left. Beyond it rustls must not be asked, for it would look at the same bytes again.
        while self.common().wants_write()
            && let (_, Step::More) = self.step(&mut [], None, &mut Vec::new(), out)
        {}
        failure
    }
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
