//! A CA of a certificate and a key in files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use fleet::UtcMicros;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, DnValue, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData, SerialNumber,
};
use ring::rand::{SecureRandom, SystemRandom};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;

use super::super::config::ServicesError;
use super::super::csr::Csr;
use super::super::hash::{blocks, parse};
use super::CaError;

/// Clocks of stations that are a little behind take a new certificate all the same.
const BACKDATED: Duration = Duration::from_secs(300);
/// Bytes of a serial number: 126 random bits, and never negative.
const SERIAL_LEN: usize = 16;

#[derive(Debug)]
pub(in crate::certificates) struct FileCa {
    issuer: Issuer<'static, KeyPair>,
    /// Name of the CA in DER, as its certificate has it.
    name: Vec<u8>,
    /// What follows a certificate on its way to the root, in PEM; the root itself is the station's to know.
    above: String,
    /// The end of the CA's own certificate, Unix seconds.
    not_after: i64,
    validity: Duration,
}

impl FileCa {
    pub(super) fn open(
        certificate: &Path,
        key: &Path,
        validity: Duration,
    ) -> Result<Self, ServicesError> {
        let read = |path: &Path| {
            fs::read_to_string(path).map_err(|source| ServicesError::Read {
                path: path.to_owned(),
                source,
            })
        };
        let (chain, key) = (read(certificate)?, read(key)?);
        Self::new(&chain, &key, validity).map_err(|source| ServicesError::Ca {
            path: certificate.to_owned(),
            source,
        })
    }

    fn new(chain: &str, key: &str, validity: Duration) -> Result<Self, CaError> {
        let blocks = blocks(chain)?;
        let own = parse(&blocks[0])?;
        if !may_sign(&own) {
            return Err(CaError::NotACa);
        }
        let key = KeyPair::from_pem(key).map_err(CaError::Key)?;
        if key.der_bytes() != &*own.public_key().subject_public_key.data {
            return Err(CaError::ForeignKey);
        }
        let mut above = String::new();
        for block in &blocks {
            let certificate = parse(block)?;
            if certificate.issuer() != certificate.subject() {
                above += &pem(block);
            }
        }
        Ok(Self {
            name: own.subject().as_raw().to_vec(),
            not_after: own.validity().not_after.timestamp(),
            issuer: Issuer::from_ca_cert_pem(&pem(&blocks[0]), key).map_err(CaError::Key)?,
            above,
            validity,
        })
    }

    pub(super) fn sign(&self, csr: &Csr, now: UtcMicros) -> Result<String, CaError> {
        let seconds = now.0.div_euclid(1_000_000);
        let until = seconds.saturating_add_unsigned(self.validity.as_secs());
        if self.not_after <= seconds {
            return Err(CaError::Expired);
        }
        let at = |seconds| {
            OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
        };
        let mut params = CertificateParams::default();
        params.distinguished_name = name(&csr.subject);
        params.serial_number = Some(serial()?);
        params.not_before = at(seconds.saturating_sub_unsigned(BACKDATED.as_secs()));
        params.not_after = at(until.min(self.not_after));
        params.is_ca = IsCa::ExplicitNoCa;
        // No extended key usage and no alternative names: A00.FR.511 and 514 advise against them.
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyAgreement,
        ];
        params.use_authority_key_identifier_extension = true;
        let signed = params
            .signed_by(&csr.public_key, &self.issuer)
            .map_err(CaError::Sign)?;
        let leaf = signed.pem();
        // A name of several attributes of one kind would come out shorter, and nobody could follow the chain.
        let blocks = blocks(&leaf)?;
        if parse(&blocks[0])?.issuer().as_raw() != self.name {
            return Err(CaError::Name);
        }
        Ok(leaf + &self.above)
    }
}

fn may_sign(certificate: &X509Certificate<'_>) -> bool {
    let is_ca = certificate
        .basic_constraints()
        .ok()
        .flatten()
        .is_some_and(|basic| basic.value.ca);
    let usage = certificate.key_usage().ok().flatten();
    is_ca && usage.is_none_or(|usage| usage.value.key_cert_sign())
}

pub(super) fn pem(block: &Pem) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(&block.contents);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.extend(line.iter().copied().map(char::from));
        pem.push('\n');
    }
    pem + "-----END CERTIFICATE-----\n"
}

fn name(subject: &[(&'static str, String)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (attribute, text) in subject {
        let kind = match *attribute {
            "C" => DnType::CountryName,
            "ST" => DnType::StateOrProvinceName,
            "L" => DnType::LocalityName,
            "O" => DnType::OrganizationName,
            "OU" => DnType::OrganizationalUnitName,
            "CN" => DnType::CommonName,
            // Domain component.
            _ => DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 25]),
        };
        let value = match *attribute {
            // RFC 5280 has these in ASCII; a text that is not goes as it came.
            "C" => text.as_str().try_into().map(DnValue::PrintableString),
            "DC" => text.as_str().try_into().map(DnValue::Ia5String),
            _ => Ok(DnValue::Utf8String(text.clone())),
        };
        name.push(
            kind,
            value.unwrap_or_else(|_: rcgen::Error| DnValue::Utf8String(text.clone())),
        );
    }
    name
}

fn serial() -> Result<SerialNumber, CaError> {
    let mut bytes = [0; SERIAL_LEN];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| CaError::Random)?;
    // The first bit is a sign, and the second keeps the length.
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}
