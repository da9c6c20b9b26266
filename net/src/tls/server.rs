//! What a server shows, whom it lets in, and the sessions that it begins.

use std::sync::{Arc, PoisonError, RwLock};

use ring::digest::{Context, SHA256};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{
    NoServerSessionStorage, ProducesTickets, UnbufferedServerConnection, WebPkiClientVerifier,
};

use super::chooser::Chooser;
#[cfg(feature = "openssl")]
use super::openssl;
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
    current: Arc<RwLock<Current>>,
}

/// What is shown now.
#[derive(Clone, Debug)]
struct Current {
    rustls: Arc<ServerConfig>,
    #[cfg(feature = "openssl")]
    openssl: Option<(Share, Arc<openssl::Context>)>,
}

/// What is ready to be shown ([`TlsServer::show`]).
#[derive(Debug)]
pub struct Prepared(Current);

/// Whose sessions are OpenSSL's. Whom it lets in, rustls decides there too.
#[cfg(feature = "openssl")]
#[derive(Clone, Copy, Debug)]
enum Share {
    /// Of those that have nothing better than RSA key exchange.
    RsaKeyExchange,
    All,
}

impl TlsServer {
    /// A server of these settings.
    ///
    /// # Errors
    ///
    /// [`TlsError`], for whatever of them cannot serve.
    pub fn new(settings: ServerSettings) -> Result<TlsServer, TlsError> {
        Ok(Self::of(Current::new(settings)?))
    }

    /// The same, and TLS 1.2 with `TLS_RSA_WITH_AES_256_GCM_SHA384` and `TLS_RSA_WITH_AES_128_GCM_SHA256` for those that
    /// have nothing better (OCPP 2.0.1 Part 2, A00.FR.318 and A00.FR.421): their sessions are of the system's OpenSSL,
    /// because rustls has no RSA key exchange.
    ///
    /// # Errors
    ///
    /// As [`TlsServer::new`], and [`TlsError::NoRsa`].
    #[cfg(feature = "openssl")]
    pub fn with_rsa_key_exchange(settings: ServerSettings) -> Result<TlsServer, TlsError> {
        Current::with_openssl(settings, Share::RsaKeyExchange).map(Self::of)
    }

    /// The same suites, and all sessions of OpenSSL: to compare the two.
    ///
    /// # Errors
    ///
    /// As [`TlsServer::new`].
    #[cfg(feature = "openssl")]
    pub fn of_openssl(settings: ServerSettings) -> Result<TlsServer, TlsError> {
        Current::with_openssl(settings, Share::All).map(Self::of)
    }

    fn of(current: Current) -> TlsServer {
        TlsServer {
            current: Arc::new(RwLock::new(current)),
        }
    }

    /// Shows something else from the next connection on. Those that are there keep what they have.
    ///
    /// # Errors
    ///
    /// As [`TlsServer::new`]; then all stays as it was.
    pub fn replace(&self, settings: ServerSettings) -> Result<(), TlsError> {
        self.show(self.prepare(settings)?);
        Ok(())
    }

    /// Makes what [`TlsServer::show`] takes: for whoever has several servers show the same, or none of them.
    ///
    /// # Errors
    ///
    /// As [`TlsServer::new`].
    pub fn prepare(&self, settings: ServerSettings) -> Result<Prepared, TlsError> {
        #[cfg(feature = "openssl")]
        let current = match self.current().openssl {
            Some((share, _)) => Current::with_openssl(settings, share)?,
            None => Current::new(settings)?,
        };
        #[cfg(not(feature = "openssl"))]
        let current = Current::new(settings)?;
        Ok(Prepared(current))
    }

    /// Shows this from the next connection on.
    pub fn show(&self, prepared: Prepared) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = prepared.0;
    }

    /// What is shown now, as rustls has it; for whoever brings sockets of another kind.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        self.current().rustls
    }

    /// A session whose peer has said nothing yet.
    ///
    /// # Errors
    ///
    /// The system has no random bytes.
    pub fn accept(&self) -> Result<Session, TlsError> {
        let current = self.current();
        #[cfg(feature = "openssl")]
        match current.openssl {
            None => {}
            Some((Share::All, context)) => return context.accept().map(Session::of_openssl),
            Some((Share::RsaKeyExchange, context)) => {
                return Ok(Session::undecided(current.rustls, context));
            }
        }
        let connection =
            UnbufferedServerConnection::new(current.rustls).map_err(TlsError::Settings)?;
        Ok(Session::server(connection))
    }

    fn current(&self) -> Current {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }
}

impl Current {
    fn new(settings: ServerSettings) -> Result<Current, TlsError> {
        let verifier = verifier(&settings.clients)?;
        Ok(Current {
            rustls: Arc::new(config(settings, verifier)?),
            #[cfg(feature = "openssl")]
            openssl: None,
        })
    }

    #[cfg(feature = "openssl")]
    fn with_openssl(settings: ServerSettings, share: Share) -> Result<Current, TlsError> {
        let verifier = verifier(&settings.clients)?;
        // What cannot serve is found by rustls, for both in the same words.
        let rustls = Arc::new(config(settings.clone(), verifier.clone())?);
        let context = openssl::Context::new(settings, verifier)?;
        if matches!(share, Share::RsaKeyExchange) && !context.has_rsa()? {
            return Err(TlsError::NoRsa);
        }
        Ok(Current {
            rustls,
            openssl: Some((share, Arc::new(context))),
        })
    }
}

/// Who looks at what clients show; nobody where none is asked.
fn verifier(clients: &ClientCertificates) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    let ClientCertificates::Asked {
        roots: trusted,
        revocation_lists,
        required,
    } = clients
    else {
        return Ok(None);
    };
    let trusted = Arc::new(roots(trusted)?);
    let verifier = WebPkiClientVerifier::builder_with_provider(trusted, provider())
        .with_crls(revocation_lists.iter().cloned());
    let verifier = if *required {
        verifier
    } else {
        verifier.allow_unauthenticated()
    };
    let verifier = verifier.build().map_err(TlsError::Clients)?;
    Ok(Some(Arc::new(Witness(verifier))))
}

fn config(
    settings: ServerSettings,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
) -> Result<ServerConfig, TlsError> {
    let ServerSettings {
        identities,
        clients,
        version_min,
        tickets,
    } = settings;
    if identities.is_empty() {
        return Err(TlsError::NoIdentity);
    }
    let identities = identities
        .into_iter()
        .map(|Identity { chain, key }| certified(chain, key).map(Arc::new))
        .collect::<Result<Vec<_>, _>>()?;
    let trust = fingerprint(&clients);
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&versions(version_min, TlsVersion::V13))
        .map_err(TlsError::Settings)?;
    let builder = match verifier {
        None => builder.with_no_client_auth(),
        Some(verifier) => builder.with_client_cert_verifier(verifier),
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
pub(super) fn fingerprint(clients: &ClientCertificates) -> [u8; 32] {
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
