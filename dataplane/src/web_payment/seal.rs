//! How a shared secret is kept: encrypted, so that neither log nor state store tells it.
//!
//! # Layout
//!
//! Nonce (12 bytes), then the text under ChaCha20-Poly1305, tag last; station and EVSE are authenticated with it. The
//! nonce is made of what is encrypted, so no two texts share one.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;

/// Encrypts what `station` shares with us. `None` when the cipher refuses, which it does for nothing that fits a message.
pub(crate) fn seal(key: &hmac::Key, station: &str, evse_id: u32, secret: &str) -> Option<Vec<u8>> {
    let about = about(station, evse_id);
    let made = [&b"nonce\0"[..], &about, b"\0", secret.as_bytes()].concat();
    let nonce: [u8; NONCE_LEN] = *hmac::sign(key, &made).as_ref().first_chunk()?;
    let mut sealed = secret.as_bytes().to_vec();
    let cipher = cipher(key)?;
    cipher
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(about),
            &mut sealed,
        )
        .ok()?;
    Some([&nonce[..], &sealed].concat())
}

/// The secret again; `None` for bytes that were sealed for another station, or under another server's key.
pub(crate) fn open(key: &hmac::Key, station: &str, evse_id: u32, sealed: &[u8]) -> Option<String> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut rest = rest.to_vec();
    let opened = cipher(key)?
        .open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(about(station, evse_id)),
            &mut rest,
        )
        .ok()?;
    String::from_utf8(opened.to_vec()).ok()
}

fn about(station: &str, evse_id: u32) -> Vec<u8> {
    [station.as_bytes(), &evse_id.to_be_bytes()].concat()
}

fn cipher(key: &hmac::Key) -> Option<LessSafeKey> {
    let own = hmac::sign(key, b"secrets of web payments");
    let key = UnboundKey::new(&CHACHA20_POLY1305, own.as_ref()).ok()?;
    Some(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_again_by_this_server_for_this_station_alone() {
        let key = |byte| hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32]);
        let sealed = seal(&key(1), "default/CP1", 2, "s3cr3t").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"s3cr3t"));
        let opened = |byte, station, evse_id| open(&key(byte), station, evse_id, &sealed);
        assert_eq!(opened(1, "default/CP1", 2).as_deref(), Some("s3cr3t"));
        assert_eq!(opened(2, "default/CP1", 2), None);
        assert_eq!(opened(1, "default/CP2", 2), None);
        assert_eq!(opened(1, "default/CP1", 1), None);
        assert_eq!(open(&key(1), "default/CP1", 2, &sealed[..11]), None);
        assert_eq!(open(&key(1), "default/CP1", 2, &sealed[..20]), None);
        let other = seal(&key(1), "default/CP1", 2, "s3cr3u").unwrap();
        assert_ne!(sealed[..12], other[..12], "a nonce is not used twice");
    }
}
