//! Whether a client's certificate is good, said by the verifier of rustls.

use std::cell::Cell;

use openssl::pkey::Id;
use openssl::x509::{X509Ref, X509StoreContextRef};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;

use crate::tls::{CertificateFault, TlsFailure, witness};

thread_local! {
    /// Of the session that this thread is feeding.
    static VERDICT: Cell<Option<Verdict>> = const { Cell::new(None) };
}

/// What became of a chain. OpenSSL asks about each of its certificates and faults; all get the one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tls) enum Verdict {
    Good,
    Refused(TlsFailure),
}

impl Verdict {
    /// What was found since it was asked for last.
    pub(in crate::tls) fn take() -> Option<Verdict> {
        VERDICT.take()
    }

    pub(super) fn of(chain: &X509StoreContextRef, verifier: &dyn ClientCertVerifier) -> bool {
        let verdict = VERDICT.get().unwrap_or_else(|| judge(chain, verifier));
        VERDICT.set(Some(verdict));
        verdict == Verdict::Good
    }
}

fn judge(chain: &X509StoreContextRef, verifier: &dyn ClientCertVerifier) -> Verdict {
    let weak = Verdict::Refused(TlsFailure::Certificate(CertificateFault::Signature));
    let malformed = Verdict::Refused(TlsFailure::Certificate(CertificateFault::Malformed));
    // OpenSSL trusts nobody here, so its chain is what the client showed, as far as one leads to the next.
    let Some(shown) = chain.chain() else {
        return malformed;
    };
    let der = |certificate: &X509Ref| certificate.to_der().map(CertificateDer::from);
    let Ok(chain) = shown.iter().map(der).collect::<Result<Vec<_>, _>>() else {
        return malformed;
    };
    let Some((own, issuers)) = chain.split_first() else {
        return malformed;
    };
    // rustls learns of it by the signature, which OpenSSL checks here.
    if shown.get(0).is_none_or(is_weak) {
        witness::refuse(own);
        return weak;
    }
    match verifier.verify_client_cert(own, issuers, UnixTime::now()) {
        Ok(_) => Verdict::Good,
        Err(error) => Verdict::Refused(TlsFailure::from(&error)),
    }
}

/// Below what A00.FR.508 and A00.FR.509 ask for.
fn is_weak(certificate: &X509Ref) -> bool {
    let Ok(key) = certificate.public_key() else {
        return true;
    };
    match key.id() {
        Id::RSA => key.bits() < 2048,
        Id::EC => key.bits() < 224,
        Id::ED25519 => false,
        _ => true,
    }
}
