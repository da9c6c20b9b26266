//! Two settings that the crate `openssl` has no name for.

use foreign_types_shared::ForeignType;
use openssl::error::ErrorStack;
use openssl::ssl::SslContextBuilder;
use openssl::x509::X509;

/// `SSL_CTRL_SET_TLSEXT_TICKET_KEYS` of `openssl/tls1.h`.
const SET_TICKET_KEYS: libc::c_int = 59;

/// Seals tickets with `keys`: a name of 16 bytes, 32 for HMAC-SHA-256, 32 for AES-256 (`SSL_CTX_set_tlsext_ticket_keys`).
#[expect(unsafe_code, reason = "a macro of OpenSSL")]
pub(super) fn set_ticket_keys(
    builder: &mut SslContextBuilder,
    keys: &[u8; 80],
) -> Result<(), ErrorStack> {
    // SAFETY: the context is alive and nobody else's; OpenSSL reads so many bytes of `keys` as it is told, and keeps copies.
    let set = unsafe {
        openssl_sys::SSL_CTX_ctrl(
            builder.as_ptr(),
            SET_TICKET_KEYS,
            keys.len() as libc::c_long,
            keys.as_ptr().cast_mut().cast(),
        )
    };
    match set {
        1 => Ok(()),
        _ => Err(ErrorStack::get()),
    }
}

/// Shows `issuer` behind the certificate that was set last (`SSL_CTX_add1_chain_cert`). The crate's own
/// `add_extra_chain_cert` shows it behind all.
#[expect(unsafe_code, reason = "a macro of OpenSSL")]
pub(super) fn add_to_chain(
    builder: &mut SslContextBuilder,
    issuer: &X509,
) -> Result<(), ErrorStack> {
    // SAFETY: both are alive; with 1 the context takes a reference of its own to `issuer`.
    let added = unsafe {
        openssl_sys::SSL_CTX_ctrl(
            builder.as_ptr(),
            openssl_sys::SSL_CTRL_CHAIN_CERT,
            1,
            issuer.as_ptr().cast(),
        )
    };
    match added {
        1 => Ok(()),
        _ => Err(ErrorStack::get()),
    }
}
