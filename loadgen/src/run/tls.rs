//! What the options say of TLS.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use net::tls::{ClientSettings, Identity, TlsClient, Trust, certificates, private_key};

use crate::options;

/// Where systems keep the roots that they believe.
const ROOTS_OF_SYSTEM: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// What the stations of these names speak with: nothing without `wss`, one client for all where they are all alike, or
/// one for each.
pub(super) fn clients(
    options: &options::Stations,
    server_name: Option<&str>,
    names: &[String],
) -> anyhow::Result<Vec<TlsClient>> {
    let Some(server_name) = server_name else {
        if options.ca.is_some() || options.client_cert.is_some() || options.insecure {
            bail!("--ca, --client-cert and --insecure are for TLS, expected --url wss://…");
        }
        return Ok(Vec::new());
    };
    let trust = trust(options)?;
    let client = |identity: Option<Identity>| {
        let settings = ClientSettings {
            identity,
            resume: options.resume,
            ..ClientSettings::new(trust.clone(), server_name)
        };
        TlsClient::new(settings).context("setting up TLS")
    };
    match &options.client_cert {
        Some(dir) if dir.is_dir() => names
            .iter()
            .map(|name| client(Some(identity(&dir.join(format!("{name}.pem")))?)))
            .collect(),
        shared => {
            let shared = shared.as_deref().map(identity).transpose()?;
            // Sessions are resumed by whoever had them.
            let clients = if options.resume { names.len() } else { 1 };
            (0..clients).map(|_| client(shared.clone())).collect()
        }
    }
}

fn trust(options: &options::Stations) -> anyhow::Result<Trust> {
    if options.insecure {
        return Ok(Trust::Anyone);
    }
    let of_system = || {
        let mut paths = ROOTS_OF_SYSTEM.iter().map(PathBuf::from);
        paths.find(|path| path.exists())
    };
    let path = options.ca.clone().or_else(of_system).context(
        "wss needs roots to check the server with: name a PEM file with --ca, or believe anyone with --insecure",
    )?;
    let roots = certificates(&read(&path)?).with_context(|| path.display().to_string())?;
    Ok(Trust::Roots(roots))
}

fn identity(path: &Path) -> anyhow::Result<Identity> {
    let pem = read(path)?;
    let shown = || format!("{}: expected a certificate and its key", path.display());
    Ok(Identity {
        chain: certificates(&pem).with_context(shown)?,
        key: private_key(&pem).with_context(shown)?,
    })
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("reading {}", path.display()))
}
