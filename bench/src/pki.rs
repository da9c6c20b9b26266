//! Certificates of a server and of stations, in files.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use dataplane::{ClientFiles, IdentityFiles, RevocationCheck, TlsConfig};
use net::tls::TlsVersion;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose,
};

/// Whom the stations belong to.
const ORGANIZATION: &str = "Bench";

/// Writes what a server on 127.0.0.1 needs into `dir`, and a certificate for each of `stations` into its folder
/// `stations`; all keys are P-256. Without stations the server is not to ask for certificates.
///
/// # Errors
///
/// A file cannot be written.
pub fn write(dir: &Path, stations: &[String]) -> anyhow::Result<()> {
    let mut root = params("Root")?;
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate()?)?;
    let signed = |name: &str| -> anyhow::Result<(String, String)> {
        let key = KeyPair::generate()?;
        let certificate = params(name)?.signed_by(&key, &root)?;
        Ok((certificate.pem(), key.serialize_pem()))
    };
    let (certificate, key) = signed("server")?;
    put(&server(dir), &certificate)?;
    put(&server_key(dir), &key)?;
    put(&roots(dir), &root.pem())?;
    if stations.is_empty() {
        return Ok(());
    }
    let folder = certificates(dir);
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    for station in stations {
        let (certificate, key) = signed(station)?;
        put(
            &folder.join(format!("{station}.pem")),
            &(certificate + &key),
        )?;
    }
    Ok(())
}

/// The roots of all of them.
pub fn roots(dir: &Path) -> PathBuf {
    dir.join("root.pem")
}

/// The folder of the stations' certificates, with their keys.
pub fn certificates(dir: &Path) -> PathBuf {
    dir.join("stations")
}

/// A listener at `addr` with the files in `dir`.
pub fn config(dir: &Path, addr: SocketAddr) -> TlsConfig {
    TlsConfig {
        listen: vec![addr],
        identities: vec![IdentityFiles {
            certificate: server(dir),
            key: server_key(dir),
        }],
        version_min: TlsVersion::V12,
        rsa_key_exchange: false,
        clients: certificates(dir).exists().then(|| ClientFiles {
            roots: roots(dir),
            revocation_lists: Vec::new(),
            organizations: vec![ORGANIZATION.to_owned()],
            required: true,
            revocation: RevocationCheck::None,
        }),
    }
}

fn server(dir: &Path) -> PathBuf {
    dir.join("server.pem")
}

fn server_key(dir: &Path) -> PathBuf {
    dir.join("server.key")
}

fn params(name: &str) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, ORGANIZATION);
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
