//! What stations see of us over TLS, and what their certificates say of them (OCPP 2.0.1 Part 2, A00).
//!
//! Files are read when the server starts and by [`Tls::reload`]. What is wrong with one is said by its name, and what
//! serves stays in force.

mod shown;
mod station;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fleet::UtcMicros;
use net::clock;
use net::tls::{
    ClientCertificates, Identity, PemError, ServerSettings, TicketKeys, TicketKeysError, TlsError,
    TlsServer, TlsVersion, certificates, private_key, revocation_lists,
};
use x509_parser::certificate::X509Certificate;
use x509_parser::public_key::PublicKey;

use shown::Shown;
pub(crate) use station::{ForeignCertificate, StationCertificate, Transport};

/// How stations reach us over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// Where they connect; nowhere, where only others do. Port 0 picks a free one.
    pub listen: Vec<SocketAddr>,
    /// What they are shown, preferred first: one of ECDSA and one of RSA serve all.
    pub identities: Vec<IdentityFiles>,
    /// The oldest version that is spoken.
    pub version_min: TlsVersion,
    /// Stations that have nothing better may have RSA key exchange (A00.FR.318, A00.FR.421). It takes the feature
    /// `openssl`, and a certificate of RSA among the identities.
    pub rsa_key_exchange: bool,
    /// Whose certificates stations may, or must, show.
    pub clients: Option<ClientFiles>,
}

/// A certificate of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFiles {
    /// PEM: the certificate, then those between it and its root.
    pub certificate: PathBuf,
    /// PEM of its key.
    pub key: PathBuf,
}

/// Certificates of stations (security profile 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFiles {
    /// PEM of the roots that they are signed by, in one way or another.
    pub roots: PathBuf,
    /// PEM of revocation lists; none checks nothing. Where there are some, every certificate between a station's and its
    /// root must be in the scope of one.
    pub revocation_lists: Vec<PathBuf>,
    /// What their organization (O) may be: the operator's name, and those it trusts (A00.FR.404).
    pub organizations: Vec<String>,
    /// Who shows none does not come in.
    pub required: bool,
    /// Whether responders are asked about them.
    pub revocation: RevocationCheck,
}

/// What responders (OCSP, RFC 6960) have to say before a station comes in with its certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevocationCheck {
    /// Nobody is asked.
    #[default]
    None,
    /// That the certificate is revoked keeps it out; where nobody can tell, it comes in.
    Revoked,
    /// It comes in where a responder that is proven to speak for the issuer calls it good.
    Good,
}

/// Why there is no TLS with these files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFilesError {
    /// It cannot be read.
    #[error("reading {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It does not hold what it should.
    #[error("{} cannot be used", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: PemError,
    },
    /// A certificate in it cannot be read.
    #[error("certificate {number} in {} is no X.509", path.display())]
    X509 {
        /// The file.
        path: PathBuf,
        /// Which of its certificates, from 1.
        number: usize,
    },
    /// The two do not belong together.
    #[error("the certificate in {} and the key in {} cannot be used", certificate.display(), key.display())]
    Identity {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        #[source]
        source: TlsError,
    },
    /// Without the feature `openssl`.
    #[error(
        "this program was built without OpenSSL, which RSA key exchange takes (cargo feature `openssl`)"
    )]
    NoOpenSsl,
    /// All files are right, and TLS still does not come to be.
    #[error("setting up TLS")]
    Settings(#[from] TlsError),
    /// The keys that sessions are resumed with.
    #[error("keys of TLS tickets")]
    Tickets(#[from] TicketKeysError),
}

/// TLS as it is in force. Clones are the same.
#[derive(Clone)]
pub struct Tls {
    config: Arc<TlsConfig>,
    tickets: Arc<TicketKeys>,
    server: TlsServer,
    asks_nobody: TlsServer,
    shown: Arc<Mutex<Vec<Shown>>>,
}

impl Tls {
    /// Reads the files; keys of tickets lie in `secrets`.
    pub(crate) fn open(config: TlsConfig, secrets: &Path) -> Result<Tls, TlsFilesError> {
        let tickets = Arc::new(TicketKeys::open(&secrets.join("tls-tickets"))?);
        let (settings, shown) = settings(&config, &tickets)?;
        let server = match config.rsa_key_exchange {
            false => TlsServer::new(settings.clone())?,
            true => with_rsa_key_exchange(settings.clone())?,
        };
        let tls = Tls {
            config: Arc::new(config),
            asks_nobody: TlsServer::new(asking_nobody(settings))?,
            server,
            tickets,
            shown: Arc::new(Mutex::new(shown)),
        };
        tls.look_after(clock::utc_micros());
        Ok(tls)
    }

    /// Reads the files again. Connections stay as they are, new ones see what is there now; sessions that were begun
    /// with other client CAs or revocation lists are not resumed.
    ///
    /// # Errors
    ///
    /// Any [`TlsFilesError`]; what was in force stays so.
    pub fn reload(&self) -> Result<(), TlsFilesError> {
        let (settings, shown) = settings(&self.config, &self.tickets)?;
        // Both or none.
        let asks_nobody = self.asks_nobody.prepare(asking_nobody(settings.clone()))?;
        let server = self.server.prepare(settings)?;
        self.asks_nobody.show(asks_nobody);
        self.server.show(server);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = shown;
        self.look_after(clock::utc_micros());
        Ok(())
    }

    /// When the first of the certificates ends that stations are shown, those between them and their roots among them.
    #[must_use]
    pub fn expires_at(&self) -> Option<UtcMicros> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let first = shown.iter().map(|shown| shown.not_after).min()?;
        Some(UtcMicros(first.saturating_mul(1_000_000)))
    }

    /// Says which certificates end soon, and removes keys of tickets that are good for none any more. To be called every
    /// hour or so.
    pub(crate) fn look_after(&self, utc_micros: i64) {
        let now = utc_micros.div_euclid(1_000_000);
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.iter_mut().for_each(|shown| shown.remind(now));
        self.tickets.tidy(utc_micros);
    }

    /// The same certificates for listeners of others than stations: nobody is asked for a certificate.
    #[must_use]
    pub fn asking_nobody(&self) -> TlsServer {
        self.asks_nobody.clone()
    }

    pub(crate) fn server(&self) -> TlsServer {
        self.server.clone()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "openssl")]
fn with_rsa_key_exchange(settings: ServerSettings) -> Result<TlsServer, TlsFilesError> {
    Ok(TlsServer::with_rsa_key_exchange(settings)?)
}

#[cfg(not(feature = "openssl"))]
fn with_rsa_key_exchange(_: ServerSettings) -> Result<TlsServer, TlsFilesError> {
    Err(TlsFilesError::NoOpenSsl)
}

fn asking_nobody(settings: ServerSettings) -> ServerSettings {
    ServerSettings {
        clients: ClientCertificates::Unasked,
        ..settings
    }
}

fn settings(
    config: &TlsConfig,
    tickets: &Arc<TicketKeys>,
) -> Result<(ServerSettings, Vec<Shown>), TlsFilesError> {
    let mut shown = Vec::new();
    let each = config.identities.iter();
    let identities: Result<Vec<_>, _> = each.map(|files| identity(files, &mut shown)).collect();
    let clients = match &config.clients {
        None => ClientCertificates::Unasked,
        Some(files) => {
            let roots = pem(&files.roots, certificates)?;
            parse(&files.roots, &roots, |_| ())?;
            let mut lists = Vec::new();
            for path in &files.revocation_lists {
                lists.extend(pem(path, revocation_lists)?);
            }
            ClientCertificates::Asked {
                roots,
                revocation_lists: lists,
                required: files.required,
            }
        }
    };
    let settings = ServerSettings {
        identities: identities?,
        clients,
        version_min: config.version_min,
        tickets: Arc::clone(tickets),
    };
    Ok((settings, shown))
}

/// Reads what is shown, and says what stations will not like about it.
fn identity(files: &IdentityFiles, shown: &mut Vec<Shown>) -> Result<Identity, TlsFilesError> {
    let IdentityFiles { certificate, key } = files;
    let identity = Identity {
        chain: pem(certificate, certificates)?,
        key: pem(key, private_key)?,
    };
    let facts = parse(certificate, &identity.chain, |parsed| Facts {
        rsa: matches!(parsed.public_key().parsed(), Ok(PublicKey::RSA(_))),
        not_before: parsed.validity().not_before.timestamp(),
        not_after: parsed.validity().not_after.timestamp(),
    })?;
    identity.check().map_err(|source| TlsFilesError::Identity {
        certificate: certificate.clone(),
        key: key.clone(),
        source,
    })?;
    let now = clock::utc_micros().div_euclid(1_000_000);
    let path = certificate.display();
    for (at, facts) in facts.iter().enumerate() {
        let number = at + 1;
        if at == 0 && facts.rsa {
            tracing::warn!(%path, "a certificate of RSA costs ten times the work of one of ECDSA when all stations come back");
        }
        shown.push(Shown {
            path: certificate.clone(),
            number,
            not_after: facts.not_after,
            said: None,
        });
        if now < facts.not_before {
            let begins = UtcMicros(facts.not_before * 1_000_000);
            tracing::warn!(%path, number, %begins, "a certificate that stations are shown does not count yet");
        }
    }
    Ok(identity)
}

struct Facts {
    rsa: bool,
    not_before: i64,
    not_after: i64,
}

fn pem<T>(
    path: &Path,
    read: impl FnOnce(&[u8]) -> Result<T, PemError>,
) -> Result<T, TlsFilesError> {
    let bytes = std::fs::read(path).map_err(|source| TlsFilesError::Read {
        path: path.to_owned(),
        source,
    })?;
    read(&bytes).map_err(|source| TlsFilesError::Pem {
        path: path.to_owned(),
        source,
    })
}

fn parse<T>(
    path: &Path,
    chain: &[net::tls::CertificateDer<'static>],
    each: impl Fn(&X509Certificate<'_>) -> T,
) -> Result<Vec<T>, TlsFilesError> {
    let read = chain
        .iter()
        .enumerate()
        .map(|(at, der)| match x509_parser::parse_x509_certificate(der) {
            Ok((_, parsed)) => Ok(each(&parsed)),
            Err(_) => Err(TlsFilesError::X509 {
                path: path.to_owned(),
                number: at + 1,
            }),
        });
    read.collect()
}
