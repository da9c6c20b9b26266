//! Keeps what a client showed and what was refused: rustls tells why, and not of whom.

use std::cell::RefCell;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

thread_local! {
    /// Of the session that this thread is feeding: a certificate is judged within the call that brought it.
    static REFUSED: RefCell<Option<CertificateDer<'static>>> = const { RefCell::new(None) };
}

/// The certificate that was refused last on this thread, once.
pub(super) fn take_refused() -> Option<CertificateDer<'static>> {
    REFUSED.take()
}

/// Somebody else has refused it.
#[cfg(feature = "openssl")]
pub(super) fn refuse(certificate: &CertificateDer<'_>) {
    REFUSED.set(Some(certificate.clone().into_owned()));
}

/// Of a certificate, and of a signature with its key: one that is too weak shows only there.
fn remember<T>(certificate: &CertificateDer<'_>, verified: &Result<T, Error>) {
    if verified.is_err() {
        REFUSED.set(Some(certificate.clone().into_owned()));
    }
}

/// A verifier that remembers what it refuses.
#[derive(Debug)]
pub(super) struct Witness(pub(super) Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Witness {
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.0.verify_client_cert(end_entity, intermediates, now);
        remember(end_entity, &verified);
        verified
    }

    fn offer_client_auth(&self) -> bool {
        self.0.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.0.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = self.0.verify_tls12_signature(message, certificate, signed);
        remember(certificate, &verified);
        verified
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = self.0.verify_tls13_signature(message, certificate, signed);
        remember(certificate, &verified);
        verified
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
