//! A peer that has not said yet what it can: who has nothing better than RSA key exchange is OpenSSL's, all others are
//! rustls'.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::UnbufferedServerConnection;

use super::of_openssl::whole_len;
use super::of_rustls::OfRustls;
use super::{HANDSHAKE, Records};
use crate::tls::TlsError;
use crate::tls::openssl::Context;

/// `TLS_RSA_WITH_AES_128_GCM_SHA256` and `TLS_RSA_WITH_AES_256_GCM_SHA384`.
const RSA_KEY_EXCHANGE: [u16; 2] = [0x009c, 0x009d];
const CLIENT_HELLO: u8 = 1;
/// Before the suites of a ClientHello: its header, the version, the random bytes.
const BEFORE_SESSION_ID: usize = 4 + 2 + 32;

/// Both that may take a session.
pub(super) struct Undecided {
    pub(super) rustls: Arc<ServerConfig>,
    pub(super) openssl: Arc<Context>,
}

impl Undecided {
    /// Who takes it, once the first record is whole.
    pub(super) fn decide(&self, bytes: &[u8]) -> Option<Result<Records, TlsError>> {
        let is_handshake = *bytes.first()? == HANDSHAKE;
        let first = match whole_len(bytes) {
            0 if is_handshake => return None,
            len => &bytes[..len],
        };
        if is_handshake && first.get(5..).is_some_and(has_nothing_better) {
            return Some(self.openssl.accept().map(Records::OpenSsl));
        }
        let connection = UnbufferedServerConnection::new(Arc::clone(&self.rustls));
        let records = connection.map(|connection| Records::Rustls(OfRustls::Server(connection)));
        Some(records.map_err(TlsError::Settings))
    }
}

/// True for a ClientHello with a suite of RSA key exchange and with none that rustls has. Of what cannot be read rustls says
/// what is wrong with it.
fn has_nothing_better(message: &[u8]) -> bool {
    let Some(suites) = suites(message) else {
        return false;
    };
    let known = rustls::crypto::ring::ALL_CIPHER_SUITES;
    let better = |offered: u16| {
        known
            .iter()
            .any(|suite| u16::from(suite.suite()) == offered)
    };
    let mut offered = suites
        .chunks_exact(2)
        .map(|suite| u16::from_be_bytes([suite[0], suite[1]]));
    offered
        .clone()
        .any(|suite| RSA_KEY_EXCHANGE.contains(&suite))
        && !offered.any(better)
}

fn suites(message: &[u8]) -> Option<&[u8]> {
    if *message.first()? != CLIENT_HELLO {
        return None;
    }
    let (id_len, rest) = message.get(BEFORE_SESSION_ID..)?.split_first()?;
    let (len, rest) = rest.get(usize::from(*id_len)..)?.split_first_chunk()?;
    rest.get(..usize::from(u16::from_be_bytes(*len)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(session_id: &[u8], suites: &[u16]) -> Vec<u8> {
        let mut message = vec![CLIENT_HELLO, 0, 0, 99, 3, 3];
        message.extend([7; 32]);
        message.push(session_id.len() as u8);
        message.extend(session_id);
        message.extend((suites.len() as u16 * 2).to_be_bytes());
        message.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()));
        message
    }

    #[test]
    fn openssl_is_given_those_that_have_rsa_key_exchange_and_nothing_that_rustls_has() {
        for (suites, expected) in [
            (&[0x009c][..], true),
            (&[0x002f, 0x009d, 0x00ff], true),
            // CBC of either, and what is older.
            (&[0x002f, 0x0035, 0xc00a, 0x0005], false),
            (&[0x009c, 0xc02f], false),
            (&[0x1301, 0x009c], false),
            (&[], false),
        ] {
            for session_id in [&[][..], &[1; 32]] {
                let whole = hello(session_id, suites);
                assert_eq!(has_nothing_better(&whole), expected, "{suites:04x?}");
                for cut in 0..whole.len() {
                    assert!(!has_nothing_better(&whole[..cut]), "{cut}");
                }
            }
        }
        let mut other = hello(&[], &[0x009c]);
        other[0] = 2;
        assert!(!has_nothing_better(&other));
    }
}
