//! TLS: where it is spoken, what is shown there, and whose certificates are let in.

use std::net::SocketAddr;
use std::path::PathBuf;

use dataplane::{ClientFiles, IdentityFiles, RevocationCheck, TlsConfig};
use net::tls::TlsVersion;

use super::{ConfigError, Settings};

/// What stands for nothing.
const NONE: &str = "none";

/// Where stations connect with TLS; `None` for nowhere.
pub(super) fn listen(settings: &Settings) -> Result<Option<SocketAddr>, ConfigError> {
    if settings.non_empty("tls.listen")? == NONE {
        return Ok(None);
    }
    settings.address("tls.listen").map(Some)
}

/// Where the API is reached with TLS; `None` for nowhere.
pub(super) fn https(settings: &Settings) -> Result<Option<SocketAddr>, ConfigError> {
    if settings.non_empty("http.tls_listen")? == NONE {
        return Ok(None);
    }
    settings.address("http.tls_listen").map(Some)
}

/// Whether clients of Postgres have TLS, and must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostgresMode {
    None,
    Offered,
    Required,
}

pub(super) fn postgres(settings: &Settings) -> Result<PostgresMode, ConfigError> {
    settings.choice(
        "postgres.tls",
        &[
            (NONE, PostgresMode::None),
            ("offered", PostgresMode::Offered),
            ("required", PostgresMode::Required),
        ],
    )
}

pub(super) fn check(settings: &Settings) -> Result<Option<TlsConfig>, ConfigError> {
    let certificates = settings.list("tls.certificate_files")?;
    let keys = settings.list("tls.key_files")?;
    let version_min = settings.choice(
        "tls.version_min",
        &[("1.2", TlsVersion::V12), ("1.3", TlsVersion::V13)],
    )?;
    let rsa_key_exchange = settings.choice(
        "tls.rsa_key_exchange",
        &[("refused", false), ("offered", true)],
    )?;
    if rsa_key_exchange && version_min == TlsVersion::V13 {
        let expected =
            "\"refused\" while tls.version_min is \"1.3\", which has no such key exchange";
        return Err(settings.invalid("tls.rsa_key_exchange", expected));
    }
    let clients = clients(settings)?;
    let listen = listen(settings)?;
    let speaker = if listen.is_some() {
        "tls.listen"
    } else if https(settings)?.is_some() {
        "http.tls_listen"
    } else if postgres(settings)? != PostgresMode::None {
        "postgres.tls"
    } else {
        return Ok(None);
    };
    if certificates.is_empty() {
        let expected = format!("at least one file, when {speaker} is not \"none\"");
        return Err(settings.invalid("tls.certificate_files", expected));
    }
    if certificates.len() != keys.len() {
        let expected = format!(
            "{} files, one for each of tls.certificate_files",
            certificates.len()
        );
        return Err(settings.invalid("tls.key_files", expected));
    }
    let identities = certificates.into_iter().zip(keys);
    Ok(Some(TlsConfig {
        listen: listen.into_iter().collect(),
        identities: identities
            .map(|(certificate, key)| IdentityFiles {
                certificate: certificate.into(),
                key: key.into(),
            })
            .collect(),
        version_min,
        rsa_key_exchange,
        clients,
    }))
}

fn clients(settings: &Settings) -> Result<Option<ClientFiles>, ConfigError> {
    let roots = settings.non_empty("tls.client_roots_file")?;
    let required = settings.choice(
        "tls.client_certificates",
        &[("asked", false), ("required", true)],
    )?;
    let organizations = settings.list("tls.client_organizations")?;
    let lists = settings.list("tls.revocation_list_files")?;
    let revocation = settings.choice(
        "tls.client_ocsp",
        &[
            ("unasked", RevocationCheck::None),
            ("not_revoked", RevocationCheck::Revoked),
            ("good", RevocationCheck::Good),
        ],
    )?;
    let asks = revocation != RevocationCheck::None;
    if roots == NONE {
        for (key, is_set, off) in [
            ("tls.client_certificates", required, "\"asked\""),
            ("tls.client_organizations", !organizations.is_empty(), "[]"),
            ("tls.revocation_list_files", !lists.is_empty(), "[]"),
            ("tls.client_ocsp", asks, "\"unasked\""),
        ] {
            if is_set {
                let expected = format!("{off} while tls.client_roots_file is \"none\"");
                return Err(settings.invalid(key, expected));
            }
        }
        return Ok(None);
    }
    if organizations.is_empty() {
        let expected = "the operator's name at least, as it stands in stations' certificates, when \
            tls.client_roots_file is not \"none\"";
        return Err(settings.invalid("tls.client_organizations", expected));
    }
    if asks && settings.list("ocsp.responders")?.is_empty() {
        let expected = "\"unasked\" while ocsp.responders is []";
        return Err(settings.invalid("tls.client_ocsp", expected));
    }
    if asks && settings.non_empty("ocsp.issuers_file")? == NONE {
        let expected = "\"unasked\" while ocsp.issuers_file is \"none\"";
        return Err(settings.invalid("tls.client_ocsp", expected));
    }
    Ok(Some(ClientFiles {
        roots: roots.into(),
        revocation_lists: lists.into_iter().map(PathBuf::from).collect(),
        organizations,
        required,
        revocation,
    }))
}
