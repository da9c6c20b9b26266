//! `[ca]`, `[ocsp]`, `[crl]` and `[contracts]`: who signs certificates, and who knows about them; `[vat]`: who knows about companies.

use std::path::PathBuf;
use std::time::Duration;

use dataplane::{
    CaConfig, CertificateUse, CertificatesConfig, CrlConfig, HttpConfig, OcspConfig, SignerConfig,
};

use super::{ConfigError, Settings, secs};

/// What stands for a file or an address that there is not.
const NONE: &str = "none";
const DAY_S: u64 = 86_400;

#[derive(Clone, Copy)]
enum Signer {
    None,
    File,
    Http,
}

pub(super) fn check(settings: &Settings) -> Result<CertificatesConfig, ConfigError> {
    Ok(CertificatesConfig {
        ca: ca(settings)?,
        ocsp: ocsp(settings)?,
        crl: crl(settings)?,
        contracts: {
            let server = server(settings, "contracts", secs(15))?;
            (server.url != NONE).then_some(server)
        },
        vehicle_roots: file(settings, "contracts.vehicle_roots_file")?,
    })
}

/// Who knows whether a VAT number is one.
pub(super) fn vat(settings: &Settings) -> Result<Option<HttpConfig>, ConfigError> {
    let server = server(settings, "vat", secs(15))?;
    Ok((server.url != NONE).then_some(server))
}

fn ca(settings: &Settings) -> Result<Option<CaConfig>, ConfigError> {
    let signers = [
        (NONE, Signer::None),
        ("file", Signer::File),
        ("http", Signer::Http),
    ];
    let signer = settings.choice("ca.signer", &signers)?;
    let organization = settings.non_empty("ca.organization")?;
    let words = settings.list("ca.types")?;
    let uses: Option<Vec<_>> = words
        .iter()
        .map(|word| CertificateUse::parse(word))
        .collect();
    let Some(uses) = uses.filter(|uses| !uses.is_empty()) else {
        let known = CertificateUse::ALL.map(CertificateUse::as_str).join(", ");
        return Err(settings.invalid("ca.types", format!("some of {known}")));
    };
    let requests_per_hour_max = settings.count("ca.requests_per_hour_max", 1..=16)?;
    let file = SignerConfig::File {
        certificate: settings.non_empty("ca.certificate_file")?.into(),
        key: settings.non_empty("ca.key_file")?.into(),
        validity: settings.duration("ca.validity", secs(DAY_S)..=secs(36_500 * DAY_S))?,
    };
    let server = SignerConfig::Http(server(settings, "ca", secs(60))?);
    let signer = match signer {
        Signer::None => return Ok(None),
        Signer::File => file,
        Signer::Http => server,
    };
    if organization == NONE {
        let expected = "the name that requests bear, when ca.signer is not \"none\"";
        return Err(settings.invalid("ca.organization", expected));
    }
    Ok(Some(CaConfig {
        signer,
        organization,
        uses,
        requests_per_hour_max,
    }))
}

fn ocsp(settings: &Settings) -> Result<Option<OcspConfig>, ConfigError> {
    let ocsp = OcspConfig {
        responders: settings.list("ocsp.responders")?,
        roots: file(settings, "ocsp.roots_file")?,
        issuers: file(settings, "ocsp.issuers_file")?,
        nonce: settings.boolean("ocsp.nonce")?,
        timeout: settings.duration("ocsp.timeout", secs(1)..=secs(10))?,
    };
    Ok((!ocsp.responders.is_empty()).then_some(ocsp))
}

fn crl(settings: &Settings) -> Result<Option<CrlConfig>, ConfigError> {
    let crl = CrlConfig {
        addresses: settings.list("crl.addresses")?,
        roots: file(settings, "crl.roots_file")?,
        issuers: file(settings, "crl.issuers_file")?,
        timeout: settings.duration("crl.timeout", secs(1)..=secs(10))?,
    };
    Ok((!crl.addresses.is_empty()).then_some(crl))
}

fn server(
    settings: &Settings,
    section: &str,
    timeout_max: Duration,
) -> Result<HttpConfig, ConfigError> {
    let key = |name: &str| format!("{section}.{name}");
    Ok(HttpConfig {
        url: settings.non_empty(&key("url"))?,
        bearer_file: file(settings, &key("bearer_file"))?,
        roots: file(settings, &key("roots_file"))?,
        timeout: settings.duration(&key("timeout"), secs(1)..=timeout_max)?,
    })
}

fn file(settings: &Settings, key: &str) -> Result<Option<PathBuf>, ConfigError> {
    let path = settings.non_empty(key)?;
    Ok((path != NONE).then(|| path.into()))
}
