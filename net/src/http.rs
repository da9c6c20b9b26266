//! The HTTP/1.1 exchange that opens a WebSocket (RFC 6455 §4, RFC 9112), for both ends.
//!
//! The server side reads a request with [`parse_upgrade`] and answers with [`write_switching`] or
//! [`write_refusal`]; the client side writes [`write_client_upgrade`] and reads
//! [`parse_client_response`]. Parsers take what has arrived and answer `None` until the head is whole;
//! they keep nothing, so a head that comes byte by byte is scanned again, at most `head_len_max` bytes
//! each time.
//!
//! The grammar is read strictly: lines end in CRLF, names are tokens, nothing is folded, single
//! fields stand once. A lenient reader and a strict proxy that disagree on one request is how
//! requests are smuggled.

mod basic;
mod client;
mod head;
mod response;
mod upgrade;

pub use basic::{Credentials, CredentialsError, basic_credentials};
pub use client::{
    ClientKey, ClientResponse, ClientUpgrade, ResponseError, parse_client_response,
    write_client_upgrade,
};
pub use head::HeadError;
pub use response::{write_refusal, write_switching};
pub use upgrade::{UpgradeError, UpgradeLimits, UpgradeRequest, parse_upgrade};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` (RFC 6455 §4.2.2).
fn accept_key(key: &str) -> String {
    use ring::digest;
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(key.as_bytes());
    context.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(context.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_key_is_the_one_of_the_rfc() {
        assert_eq!(
            accept_key("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }
}
