//! A server of the system's OpenSSL: what it is set up with.
//!
//! It serves TLS as the server of rustls does, with `TLS_RSA_*` added at the end of its preference, so that the same tests
//! hold for it, although those that rustls can serve seldom come to it. Whom it lets in is
//! decided by the very verifier of rustls, so that a certificate counts for both or for neither: OpenSSL is given no roots
//! and is asked to build the chain alone. Security level 2 refuses keys below 2048 bits of RSA and 224 of elliptic curves
//! (A00.FR.508, A00.FR.509), SHA-1, RC4 and 3DES; `TLS_RSA_*` is what level 3 would refuse.

mod control;
mod verdict;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use openssl::pkey::{Id, PKey, Private};
use openssl::ssl::{
    AlpnError, Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions,
    SslSessionCacheMode, SslVerifyMode, SslVersion, select_next_proto,
};
use openssl::x509::X509;
use rustls::server::danger::ClientCertVerifier;

use super::server::fingerprint;
use super::session::of_openssl::OfOpenSsl;
use super::{ClientCertificates, Identity, ServerSettings, TlsError, TlsVersion};
use crate::clock;

pub(super) use verdict::Verdict;

/// The one protocol that is negotiated, in the form of the extension.
const PROTOCOL: &[u8] = b"\x08http/1.1";
const SUITES_OF_13: &str =
    "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";
const OF_ECDSA: &str =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305";
const OF_RSA: &str =
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305";
/// Without forward secrecy, so last.
const RSA_KEY_EXCHANGE: &str = "AES256-GCM-SHA384:AES128-GCM-SHA256";

/// What sessions are begun with.
pub(super) struct Context {
    settings: ServerSettings,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    built: RwLock<Built>,
}

#[derive(Clone)]
struct Built {
    context: SslContext,
    /// Of the key that its tickets are sealed with.
    key_name: [u8; 16],
}

impl Context {
    /// Of settings that rustls has found good.
    pub(super) fn new(
        settings: ServerSettings,
        verifier: Option<Arc<dyn ClientCertVerifier>>,
    ) -> Result<Context, TlsError> {
        let built = build(&settings, verifier.as_ref())?;
        Ok(Context {
            settings,
            verifier,
            built: RwLock::new(built),
        })
    }

    /// There is an identity of RSA.
    pub(super) fn has_rsa(&self) -> Result<bool, TlsError> {
        for identity in &self.settings.identities {
            if key_of(identity)?.id() == Id::RSA {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn accept(&self) -> Result<OfOpenSsl, TlsError> {
        let built = self.built.read().unwrap_or_else(PoisonError::into_inner);
        let mut context = built.context.clone();
        let key_name = built.key_name;
        drop(built);
        // OpenSSL knows one key at a time: with another, older tickets end, and their clients make whole handshakes once.
        let newest = self.settings.tickets.newest_name(clock::utc_micros());
        if newest.is_some_and(|name| name != key_name) {
            let renewed = build(&self.settings, self.verifier.as_ref())?;
            context = renewed.context.clone();
            *self.built.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        }
        Ok(OfOpenSsl::new(Ssl::new(&context)?)?)
    }
}

fn build(
    settings: &ServerSettings,
    verifier: Option<&Arc<dyn ClientCertVerifier>>,
) -> Result<Built, TlsError> {
    let mut builder = SslContextBuilder::new(SslMethod::tls_server())?;
    builder.set_security_level(2);
    builder.set_min_proto_version(Some(match settings.version_min {
        TlsVersion::V12 => SslVersion::TLS1_2,
        TlsVersion::V13 => SslVersion::TLS1_3,
    }))?;
    builder.set_options(
        SslOptions::NO_COMPRESSION
            | SslOptions::NO_RENEGOTIATION
            | SslOptions::CIPHER_SERVER_PREFERENCE,
    );
    // Those that a system's openssl.cnf may have switched on.
    builder.clear_options(
        SslOptions::ALLOW_UNSAFE_LEGACY_RENEGOTIATION | SslOptions::PRIORITIZE_CHACHA,
    );
    builder.set_mode(SslMode::RELEASE_BUFFERS);
    builder.set_ciphersuites(SUITES_OF_13)?;
    builder.set_max_early_data(0)?;
    builder.set_num_tickets(1)?;
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
    builder.set_alpn_select_callback(|_, offered| {
        select_next_proto(PROTOCOL, offered).ok_or(AlpnError::ALERT_FATAL)
    });
    let suites = show(&mut builder, settings)?;
    builder.set_cipher_list(&suites)?;
    ask(&mut builder, &settings.clients, verifier)?;

    let trust = fingerprint(&settings.clients);
    // A session of a server with other clients does not go on here.
    builder.set_session_id_context(&trust)?;
    let mut key_name = [0; 16];
    match settings.tickets.for_openssl(clock::utc_micros(), &trust) {
        Some((name, keys)) => {
            control::set_ticket_keys(&mut builder, &keys)?;
            key_name = name;
        }
        None => drop(builder.set_options(SslOptions::NO_TICKET)),
    }
    Ok(Built {
        context: builder.build(),
        key_name,
    })
}

/// Shows the first identity of each kind; answers the suites that go with them, preferred first.
fn show(builder: &mut SslContextBuilder, settings: &ServerSettings) -> Result<String, TlsError> {
    let mut suites = Vec::new();
    for identity in &settings.identities {
        let key = key_of(identity)?;
        let of_kind = if key.id() == Id::RSA {
            OF_RSA
        } else {
            OF_ECDSA
        };
        let mut chain = identity.chain.iter();
        let Some(certificate) = chain.next().filter(|_| !suites.contains(&of_kind)) else {
            continue;
        };
        builder.set_certificate(&*X509::from_der(certificate)?)?;
        builder.set_private_key(&key)?;
        for issuer in chain {
            control::add_to_chain(builder, &X509::from_der(issuer)?)?;
        }
        suites.push(of_kind);
    }
    if suites.contains(&OF_RSA) {
        suites.push(RSA_KEY_EXCHANGE);
    }
    Ok(suites.join(":"))
}

fn key_of(identity: &Identity) -> Result<PKey<Private>, TlsError> {
    Ok(PKey::private_key_from_der(identity.key.secret_der())?)
}

fn ask(
    builder: &mut SslContextBuilder,
    clients: &ClientCertificates,
    verifier: Option<&Arc<dyn ClientCertVerifier>>,
) -> Result<(), TlsError> {
    let (
        ClientCertificates::Asked {
            roots, required, ..
        },
        Some(verifier),
    ) = (clients, verifier)
    else {
        return Ok(());
    };
    for root in roots {
        builder.add_client_ca(&*X509::from_der(root)?)?;
    }
    let mode = match required {
        true => SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
        false => SslVerifyMode::PEER,
    };
    let verifier = Arc::clone(verifier);
    builder.set_verify_callback(mode, move |_, chain| Verdict::of(chain, &*verifier));
    Ok(())
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("clients", &self.settings.clients)
            .finish_non_exhaustive()
    }
}
