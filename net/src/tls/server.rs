//! What a server shows, whom it lets in, and the sessions that it begins.

use std::sync::{Arc, PoisonError, RwLock};

use ring::digest::{Context, SHA256};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::{
    NoServerSessionStorage, ProducesTickets, UnbufferedServerConnection, WebPkiClientVerifier,
};

use super::chooser::Chooser;
use super::session::Session;
use super::tickets::{TicketKeys, Ticketer};
use super::witness::Witness;
use super::{Identity, PROTOCOL, TlsError, TlsVersion, certified, provider, roots, versions};

/// Whose certificates a server asks for.
#[derive(Clone, Debug, Default)]
pub enum ClientCertificates {
    /// Nobody's.
    #[default]
    Unasked,
    /// Everybody's that has one of these roots.
    Asked {
        /// At least one.
        roots: Vec<CertificateDer<'static>>,
        /// Of the roots and those between them and the clients. Where there is one, every certificate of a chain must
        /// be in the scope of one; a list that should have been renewed still holds.
        revocation_lists: Vec<CertificateRevocationListDer<'static>>,
        /// Who shows none is refused.
        required: bool,
    },
}

/// What a server is made of.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// What it shows, preferred first. A client is shown the first that it can check, so one of ECDSA and one of RSA
    /// serve all.
    pub identities: Vec<Identity>,
    /// Whom it asks.
    pub clients: ClientCertificates,
    /// The oldest version that it speaks.
    pub version_min: TlsVersion,
    /// What sessions are resumed with.
    pub tickets: Arc<TicketKeys>,
}

/// The server side of listeners. Clones share what they show, so that [`TlsServer::replace`] reaches all of them.
#[derive(Clone, Debug)]
pub struct TlsServer {
    current: Arc<RwLock<Arc<ServerConfig>>>,
}

impl TlsServer {
    /// A server of these settings.
    ///
    /// # Errors
    ///
    /// [`TlsError`], for whatever of them cannot serve.
    pub fn new(settings: ServerSettings) -> Result<TlsServer, TlsError> {
        let config = Arc::new(config(settings)?);
        Ok(TlsServer {
            current: Arc::new(RwLock::new(config)),
        })
    }

    /// Shows something else from the next connection on. Those that are there keep what they have.
    ///
    /// # Errors
    ///
    /// As [`TlsServer::new`]; then all stays as it was.
    pub fn replace(&self, settings: ServerSettings) -> Result<(), TlsError> {
        let config = Arc::new(config(settings)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// What is shown now, as rustls has it; for whoever brings sockets of another kind.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// A session whose peer has said nothing yet.
    ///
    /// # Errors
    ///
    /// The system has no random bytes.
    pub fn accept(&self) -> Result<Session, TlsError> {
        let connection =
            UnbufferedServerConnection::new(self.config()).map_err(TlsError::Settings)?;
        Ok(Session::server(connection))
    }
}

fn config(settings: ServerSettings) -> Result<ServerConfig, TlsError> {
    let ServerSettings {
        identities,
        clients,
        version_min,
        tickets,
    } = settings;
    if identities.is_empty() {
        return Err(TlsError::NoIdentity);
    }
    let provider = provider();
    let identities = identities
        .into_iter()
        .map(|Identity { chain, key }| certified(chain, key).map(Arc::new))
        .collect::<Result<Vec<_>, _>>()?;
    let trust = fingerprint(&clients);
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions(version_min, TlsVersion::V13))
        .map_err(TlsError::Settings)?;
    let builder = match clients {
        ClientCertificates::Unasked => builder.with_no_client_auth(),
        ClientCertificates::Asked {
            roots: trusted,
            revocation_lists,
            required,
        } => {
            let trusted = Arc::new(roots(&trusted)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(trusted, provider)
                .with_crls(revocation_lists);
            let verifier = if required {
                verifier
            } else {
                verifier.allow_unauthenticated()
            };
            let verifier = verifier.build().map_err(TlsError::Clients)?;
            builder.with_client_cert_verifier(Arc::new(Witness(verifier)))
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(Chooser { identities }));
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    // What a session is resumed with lies with the client, so that every shard, and the next run, can resume it.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = Arc::new(Ticketer::new(tickets, trust)) as Arc<dyn ProducesTickets>;
    // A station connects once at a time; each ticket costs a record and its sealing.
    config.send_tls13_tickets = 1;
    config.max_early_data_size = 0;
    Ok(config)
}

/// Names whom a server lets in. A ticket is good for a server that lets in the same: one that was given before a
/// certificate was revoked does not come in after.
fn fingerprint(clients: &ClientCertificates) -> [u8; 32] {
    let mut digest = Context::new(&SHA256);
    let mut add = |bytes: &[u8]| {
        digest.update(&(bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    match clients {
        ClientCertificates::Unasked => add(b"unasked"),
        ClientCertificates::Asked {
            roots,
            revocation_lists,
            required,
        } => {
            add(if *required { b"required" } else { b"asked" });
            add(&(roots.len() as u64).to_le_bytes());
            roots.iter().for_each(|root| add(root));
            revocation_lists.iter().for_each(|list| add(list.as_ref()));
        }
    }
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest.finish().as_ref());
    fingerprint
}
