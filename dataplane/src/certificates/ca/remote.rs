//! A CA behind HTTP: the request goes out in PEM, the chain comes back in PEM.

use fleet::{StationKey, UtcMicros};

use super::super::CertificateUse;
use super::super::csr::Csr;
use super::super::hash::blocks;
use super::super::http::Server;
use super::{CHAIN_LEN_MAX, CaError, check_chain};

/// Longest answer that is read: a chain with its root, and remarks between the blocks.
const ANSWER_LEN_MAX: u64 = 4 * CHAIN_LEN_MAX as u64;

pub(super) fn sign(
    server: &Server,
    csr: &Csr,
    pem: &str,
    station: &StationKey,
    usage: CertificateUse,
    now: UtcMicros,
) -> Result<String, CaError> {
    let subject = csr.subject_text();
    // Identities may hold characters that a header may not.
    let header = |text: &str| -> String {
        let good = |c: &char| c.is_ascii_graphic() || *c == ' ';
        text.chars()
            .map(|c| if good(&c) { c } else { '?' })
            .collect()
    };
    let (tenant, identity, subject) = (
        header(station.tenant()),
        header(station.identity()),
        header(&subject),
    );
    let headers = [
        ("Content-Type", "application/x-pem-file"),
        ("Accept", "application/pem-certificate-chain"),
        ("Sigec-Tenant", tenant.as_str()),
        ("Sigec-Station", identity.as_str()),
        ("Sigec-Subject", subject.as_str()),
        ("Sigec-Certificate-Type", usage.as_str()),
    ];
    let answer = server.ask(&headers, pem.as_bytes(), ANSWER_LEN_MAX)?;
    // What stands between the blocks, and the root, is nothing that a station needs.
    let mut chain = String::new();
    for block in blocks(&answer)? {
        let certificate = super::parse(&block)?;
        if chain.is_empty() || certificate.issuer() != certificate.subject() {
            chain += &super::file::pem(&block);
        }
    }
    check_chain(&chain, csr, now)?;
    Ok(chain)
}
