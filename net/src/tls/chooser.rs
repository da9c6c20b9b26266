//! Which of a server's certificates a client is shown.

use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, SignatureAlgorithm};

/// Certificates for keys of different kinds, preferred first.
#[derive(Debug)]
pub(super) struct Chooser {
    pub(super) identities: Vec<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Chooser {
    /// The first that the client can check: by its signature schemes, and before 1.3 by its cipher suites too, which
    /// name the kind of the key. Who can check none is shown the preferred one, and told what it is that does not fit.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fits = |identity: &&Arc<CertifiedKey>| {
            let schemes = identity.key.choose_scheme(hello.signature_schemes());
            schemes.is_some() && has_suite(identity.key.algorithm(), hello.cipher_suites())
        };
        let fitting = self.identities.iter().find(fits);
        fitting.or(self.identities.first()).map(Arc::clone)
    }
}

fn has_suite(kind: SignatureAlgorithm, offered: &[CipherSuite]) -> bool {
    let suites = rustls::crypto::ring::ALL_CIPHER_SUITES;
    offered.iter().any(|offered| {
        suites
            .iter()
            .any(|suite| suite.suite() == *offered && suite.usable_for_signature_algorithm(kind))
    })
}
