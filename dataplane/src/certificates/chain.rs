//! Contract certificates that a station leaves to us (OCPP 2.0.1 Part 2, C07.FR.06): the way from the certificate to a root,
//! and what responders are asked about it.
//!
//! The way goes over the certificates that the station passes on, each signed by the next, to a root that the configuration
//! names. All of them count now; those that sign others may (`basicConstraints`, `keyUsage`). The certificate itself names
//! a responder and bears the contract's id; those between it and the root are asked about where they name one.
//!
//! And a station's own certificate, whose way TLS has gone already.

use fleet::UtcMicros;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::time::ASN1Time;

use super::hash::{HashAlgorithm, PemError, blocks, parse, serial};
use super::ocsp::{Source, StatusAsk};

/// Certificates that a station passes on, at most; ISO 15118 has two between a vehicle's and its root.
const CHAIN_MAX: usize = 6;
/// The access method of a certificate's responder (RFC 5280, `id-ad-ocsp`).
const OCSP: &str = "1.3.6.1.5.5.7.48.1";

/// A certificate that is to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChainAsk {
    /// PEM: the vehicle's certificate, and those above it.
    pub(crate) pem: String,
    /// Whose contract the station says it is.
    pub(crate) emaid: String,
}

/// Why one cannot be judged, or is no good.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChainError {
    #[error(transparent)]
    Pem(#[from] PemError),
    #[error("{found} certificates, at most {CHAIN_MAX} are read")]
    Length { found: usize },
    #[error("the certificate is of the contract {found:?}, not of {expected:?}")]
    Contract { found: String, expected: String },
    #[error(
        "{subject:?} is not signed by the certificate behind it, nor by a root in contracts.vehicle_roots_file"
    )]
    Signature { subject: String },
    #[error("{subject:?} may not sign other certificates")]
    NotACa { subject: String },
    #[error("{subject:?} has a critical extension that is not understood")]
    Extension { subject: String },
    #[error("{subject:?} does not count yet")]
    Early { subject: String },
    #[error("{subject:?} has ended")]
    Expired { subject: String },
    #[error("the certificate names no OCSP responder")]
    NoResponder,
    #[error("the certificate cannot be read")]
    Unreadable,
    #[error("{issuer:?}, which has signed the certificate, is not in ocsp.issuers_file")]
    Issuer { issuer: String },
}

/// What to ask responders about a chain, the vehicle's certificate first, and all certificates on the way in DER.
pub(super) fn check(
    ask: &ChainAsk,
    roots: &[Vec<u8>],
    now: UtcMicros,
) -> Result<(Vec<StatusAsk>, Vec<Vec<u8>>), ChainError> {
    let blocks = blocks(&ask.pem)?;
    let roots = roots
        .iter()
        .filter_map(|root| x509_parser::parse_x509_certificate(root).ok())
        .map(|(_, root)| root);
    let roots: Vec<X509Certificate<'_>> = roots.collect();
    let mut way: Vec<X509Certificate<'_>> = blocks.iter().map(parse).collect::<Result<_, _>>()?;
    // Some pass the root on, too; it is known by its bytes, and not by what it says.
    let is_root =
        |last: &X509Certificate<'_>| roots.iter().any(|root| root.as_raw() == last.as_raw());
    if 1 < way.len() && way.last().is_some_and(is_root) {
        way.pop();
    }
    if CHAIN_MAX < way.len() {
        return Err(ChainError::Length { found: way.len() });
    }
    let leaf = way.first().ok_or(PemError::NoCertificate)?;
    let contract = common_name(leaf);
    if !is_same_contract(&contract, &ask.emaid) {
        return Err(ChainError::Contract {
            found: contract.chars().take(64).collect(),
            expected: ask.emaid.clone(),
        });
    }
    let last = way.last().ok_or(PemError::NoCertificate)?;
    let root = roots.iter().find(|root| is_signed_by(last, root));
    let root = root.ok_or_else(|| ChainError::Signature {
        subject: last.subject().to_string(),
    })?;
    way.push(root.clone());
    for (below, pair) in way.windows(2).enumerate() {
        if !is_signed_by(&pair[0], &pair[1]) {
            let subject = pair[0].subject().to_string();
            return Err(ChainError::Signature { subject });
        }
        if !may_sign(&pair[1], below) {
            let subject = pair[1].subject().to_string();
            return Err(ChainError::NotACa { subject });
        }
    }
    way.iter()
        .try_for_each(|certificate| counts(certificate, now))?;
    let mut asks = Vec::new();
    for (at, pair) in way.windows(2).enumerate() {
        let responders = responders(&pair[0]);
        if responders.is_empty() && at == 0 {
            return Err(ChainError::NoResponder);
        }
        if !responders.is_empty() {
            asks.push(status_ask(&pair[0], &pair[1], responders));
        }
    }
    let issuers = way.iter().map(|certificate| certificate.as_raw().to_vec());
    Ok((asks, issuers.collect()))
}

/// What to ask about a station's certificate, in DER, that one of `issuers` has signed.
pub(super) fn of_station(der: &[u8], issuers: &[Vec<u8>]) -> Result<StatusAsk, ChainError> {
    let (_, certificate) =
        x509_parser::parse_x509_certificate(der).map_err(|_| ChainError::Unreadable)?;
    let responders = responders(&certificate);
    if responders.is_empty() {
        return Err(ChainError::NoResponder);
    }
    let mut known = issuers
        .iter()
        .filter_map(|issuer| x509_parser::parse_x509_certificate(issuer).ok());
    let issuer = known.find(|(_, issuer)| is_signed_by(&certificate, issuer));
    let (_, issuer) = issuer.ok_or_else(|| ChainError::Issuer {
        issuer: certificate.issuer().to_string(),
    })?;
    Ok(status_ask(&certificate, &issuer, responders))
}

fn status_ask(
    certificate: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
    responders: Vec<String>,
) -> StatusAsk {
    let algorithm = HashAlgorithm::Sha256;
    StatusAsk {
        algorithm: algorithm.as_str().to_owned(),
        issuer_name_hash: algorithm.digest(issuer.subject().as_raw()),
        issuer_key_hash: algorithm.digest(&issuer.public_key().subject_public_key.data),
        serial_number: serial(certificate),
        source: Source::Responder,
        urls: responders,
    }
}

fn is_signed_by(certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
    certificate.issuer().as_raw() == issuer.subject().as_raw()
        && certificate
            .verify_signature(Some(issuer.public_key()))
            .is_ok()
}

/// True for a CA that may have `below` other CAs between it and the end.
fn may_sign(certificate: &X509Certificate<'_>, below: usize) -> bool {
    let constraints = certificate.basic_constraints().ok().flatten();
    let is_ca = constraints.is_some_and(|constraints| {
        let most = constraints.value.path_len_constraint;
        constraints.value.ca && most.is_none_or(|most| below <= most as usize)
    });
    let usage = certificate.key_usage().ok().flatten();
    is_ca && usage.is_none_or(|usage| usage.value.key_cert_sign())
}

fn counts(certificate: &X509Certificate<'_>, now: UtcMicros) -> Result<(), ChainError> {
    let subject = || certificate.subject().to_string();
    let is_unknown = certificate.iter_extensions().any(|extension| {
        extension.critical
            && matches!(
                extension.parsed_extension(),
                ParsedExtension::UnsupportedExtension { .. }
                    | ParsedExtension::ParseError { .. }
                    | ParsedExtension::NameConstraints(_)
                    | ParsedExtension::PolicyConstraints(_)
            )
    });
    if is_unknown {
        return Err(ChainError::Extension { subject: subject() });
    }
    let now = ASN1Time::from_timestamp(now.0 / 1_000_000);
    let (validity, now) = match now {
        Ok(now) => (certificate.validity(), now),
        Err(_) => return Err(ChainError::Early { subject: subject() }),
    };
    if now < validity.not_before {
        return Err(ChainError::Early { subject: subject() });
    }
    if validity.not_after < now {
        return Err(ChainError::Expired { subject: subject() });
    }
    Ok(())
}

fn common_name(certificate: &X509Certificate<'_>) -> String {
    let mut names = certificate.subject().iter_common_name();
    let name = names.next().and_then(|name| name.as_str().ok());
    name.unwrap_or_default().to_owned()
}

/// Contract ids are written with and without their hyphens, and with and without their check digit.
fn is_same_contract(one: &str, other: &str) -> bool {
    let plain = |id: &str| id.replace('-', "").to_ascii_uppercase();
    let (one, other) = (plain(one), plain(other));
    const LEN: usize = 14;
    let has_check_digit = |long: &str, short: &str| {
        short.len() == LEN && long.len() == LEN + 1 && long.starts_with(short)
    };
    !one.is_empty()
        && (one == other || has_check_digit(&one, &other) || has_check_digit(&other, &one))
}

fn responders(certificate: &X509Certificate<'_>) -> Vec<String> {
    let extensions = certificate.iter_extensions();
    let access = extensions.filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityInfoAccess(access) => Some(access),
        _ => None,
    });
    let urls = access
        .flat_map(|access| access.iter())
        .filter(|access| access.access_method.to_id_string() == OCSP)
        .filter_map(|access| match &access.access_location {
            GeneralName::URI(url) => Some((*url).to_owned()),
            _ => None,
        });
    urls.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_ids_are_compared_without_hyphens_and_check_digit() {
        for (one, other, same) in [
            ("DE-8AA-CA2B3C4D5-1", "de8aaca2b3c4d51", true),
            ("DE-8AA-CA2B3C4D5", "DE8AACA2B3C4D51", true),
            ("DE8AACA2B3C4D5N", "DE-8AA-CA2B3C4D5", true),
            ("DE8AACA2B3C4D51", "DE8AACA2B3C4D52", false),
            ("DE8AACA2B3C4D", "DE8AACA2B3C4D5", false),
            ("", "", false),
        ] {
            assert_eq!(is_same_contract(one, other), same, "{one} {other}");
        }
    }
}
