//! Records of OpenSSL, which are given to it whole: so it keeps no buffer for those that are not.

use std::io::{self, Read, Write};

use openssl::ssl::{Error, ErrorCode, Ssl, SslStream, SslVersion};
use rustls::pki_types::CertificateDer;

use super::{HANDSHAKE, Progress, Saying, TlsFailure, TlsPeer, TlsVersion, not_tls};
use crate::tls::CertificateFault;
use crate::tls::openssl::Verdict;
use crate::tls::witness;

const HEADER_LEN: usize = 5;
/// Plaintext of one record, at most.
const RECORD_LEN_MAX: usize = 16 << 10;
/// What a record may have beside its plaintext: more breaks the protocol, and is not waited for.
const RECORD_EXTRA_MAX: usize = 2 << 10;

/// The server's end of a connection.
pub(in crate::tls) struct OfOpenSsl {
    stream: SslStream<Wire>,
    /// Something was given to OpenSSL.
    begun: bool,
    established: bool,
    /// The certificate that it holds was looked at.
    verified: bool,
}

/// Both directions, in memory that is there for the length of one call.
#[derive(Default)]
struct Wire {
    incoming: Vec<u8>,
    /// How many of them OpenSSL has taken.
    taken: usize,
    outgoing: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = &self.incoming[self.taken..];
        if rest.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let len = rest.len().min(into.len());
        into[..len].copy_from_slice(&rest[..len]);
        self.taken += len;
        Ok(len)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl OfOpenSsl {
    pub(in crate::tls) fn new(mut ssl: Ssl) -> Result<OfOpenSsl, openssl::error::ErrorStack> {
        ssl.set_accept_state();
        Ok(OfOpenSsl {
            stream: SslStream::new(ssl, Wire::default())?,
            begun: false,
            established: false,
            verified: false,
        })
    }

    pub(super) fn peer(&self) -> Option<TlsPeer> {
        let ssl = self.stream.ssl();
        let version = match ssl.version2()? {
            SslVersion::TLS1_3 => TlsVersion::V13,
            // There is no third.
            _ => TlsVersion::V12,
        };
        let suite = ssl.current_cipher()?.standard_name()?;
        Some(TlsPeer {
            version,
            suite: match version {
                TlsVersion::V12 => suite.to_owned(),
                // As rustls names them, whose keys are of 1.3 alone.
                TlsVersion::V13 => suite.replacen("TLS_", "TLS13_", 1),
            },
            resumed: ssl.session_reused(),
            certificate: self.certificate(),
        })
    }

    fn certificate(&self) -> Option<CertificateDer<'static>> {
        let certificate = self.stream.ssl().peer_certificate()?;
        certificate.to_der().ok().map(CertificateDer::from)
    }

    pub(super) fn advance(
        &mut self,
        bytes: &[u8],
        plain: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Progress {
        if !self.begun && bytes.first().is_some_and(|first| *first != HANDSHAKE) {
            let failure = (HEADER_LEN <= bytes.len()).then(|| not_tls(bytes, out));
            return Progress {
                failure,
                ..Progress::default()
            };
        }
        let used = whole_len(bytes);
        if used == 0 {
            return Progress::default();
        }
        self.begun = true;
        let opened = self.with(out, |records| {
            let wire = records.stream.get_mut();
            wire.incoming = bytes[..used].to_vec();
            let opened = records.open(used, plain);
            let wire = records.stream.get_mut();
            (wire.incoming, wire.taken) = (Vec::new(), 0);
            opened
        });
        // One that is too weak to sign with shows by its signature.
        if opened == Err(TlsFailure::Certificate(CertificateFault::Signature))
            && self.verified
            && let Some(certificate) = self.certificate()
        {
            witness::refuse(&certificate);
        }
        Progress {
            used,
            established: self.established,
            peer_closed: opened == Ok(End::Said),
            failure: opened.err(),
        }
    }

    pub(super) fn say(&mut self, saying: Saying<'_>, out: &mut Vec<u8>) -> Progress {
        let said = self.with(out, |records| match saying {
            Saying::Plain(plain) => records.stream.write_all(plain).is_ok(),
            Saying::Close => records.stream.shutdown().is_ok(),
        });
        Progress {
            failure: (!said).then_some(TlsFailure::Broken),
            ..Progress::default()
        }
    }

    /// What OpenSSL has to say meanwhile goes to `out`.
    fn with<T>(&mut self, out: &mut Vec<u8>, act: impl FnOnce(&mut OfOpenSsl) -> T) -> T {
        std::mem::swap(&mut self.stream.get_mut().outgoing, out);
        let done = act(self);
        std::mem::swap(&mut self.stream.get_mut().outgoing, out);
        done
    }

    /// Opens `len` bytes of whole records.
    fn open(&mut self, len: usize, plain: &mut Vec<u8>) -> Result<End, TlsFailure> {
        if !self.established {
            let shaken = self.stream.do_handshake();
            let verdict = Verdict::take();
            self.verified |= verdict == Some(Verdict::Good);
            match shaken {
                Ok(()) => self.check_verified()?,
                Err(error) if error.code() == ErrorCode::WANT_READ => return Ok(End::Unsaid),
                Err(error) => {
                    return Err(match verdict {
                        Some(Verdict::Refused(failure)) => failure,
                        Some(Verdict::Good) | None => failure_of(&error),
                    });
                }
            }
            self.established = true;
        }
        loop {
            let at = plain.len();
            plain.resize(at + len.min(RECORD_LEN_MAX), 0);
            let read = self.stream.ssl_read(&mut plain[at..]);
            plain.truncate(at + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(_) => {}
                Err(error) if error.code() == ErrorCode::WANT_READ => return Ok(End::Unsaid),
                Err(error) if error.code() == ErrorCode::ZERO_RETURN => return Ok(End::Said),
                Err(error) => return Err(failure_of(&error)),
            }
        }
    }

    /// A certificate counts because it was looked at, now or when the session that goes on here was begun. That OpenSSL asks
    /// for that is not believed: what it holds unasked ends the connection.
    fn check_verified(&self) -> Result<(), TlsFailure> {
        let ssl = self.stream.ssl();
        if self.verified || ssl.session_reused() || ssl.peer_certificate().is_none() {
            return Ok(());
        }
        Err(TlsFailure::Certificate(CertificateFault::UnknownIssuer))
    }
}

/// Whether the peer has said that nothing more comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Said,
    Unsaid,
}

/// How many of `bytes` are whole records. One that is longer than any may be counts as whole, so that it is refused.
pub(super) fn whole_len(bytes: &[u8]) -> usize {
    let mut whole = 0;
    while let Some(([_, _, _, high, low], rest)) = bytes[whole..].split_first_chunk::<HEADER_LEN>()
    {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        if RECORD_LEN_MAX + RECORD_EXTRA_MAX < len {
            return bytes.len();
        }
        if rest.len() < len {
            break;
        }
        whole += HEADER_LEN + len;
    }
    whole
}

/// In the words of rustls' failures. The numbers are of `openssl/sslerr.h`.
fn failure_of(error: &Error) -> TlsFailure {
    let stack = error.ssl_error().map_or(&[][..], |stack| stack.errors());
    let failure = stack.iter().find_map(|error| match error.reason_code() {
        // Wrong version number, unsupported protocol, version too low, inappropriate fallback.
        267 | 258 | 396 | 373 => Some(TlsFailure::Version),
        // No shared cipher, no suitable key share, groups or signature algorithm, no shared signature algorithms.
        193 | 101 | 295 | 118 | 376 => Some(TlsFailure::Parameters),
        // No application protocol.
        235 => Some(TlsFailure::Protocol),
        // Peer did not return a certificate.
        199 => Some(TlsFailure::Certificate(CertificateFault::Missing)),
        // Bad signature, wrong signature type or size, EE key too small.
        123 | 370 | 265 | 399 => Some(TlsFailure::Certificate(CertificateFault::Signature)),
        // An alert of the peer.
        1_000.. => Some(TlsFailure::RefusedByPeer),
        _ => None,
    });
    failure.unwrap_or(TlsFailure::Broken)
}
