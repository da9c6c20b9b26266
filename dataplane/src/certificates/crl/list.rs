//! A list of revoked certificates (RFC 5280, section 5): whose, until when, and which.
//!
//! It is proven when the issuer of the certificate that is asked about has signed it. Who that is says the question itself,
//! by the hashes of its name and key; a list shows no certificates, so only an issuer whose certificate the configuration
//! names can be known. Where it is not known, what the list says is passed on as unproven.

use std::time::Duration;

use fleet::UtcMicros;
use x509_cert::crl::{CertificateList, RevokedCert};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::crl::dp::IssuingDistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_parser::certificate::X509Certificate;

use super::CrlError;
use crate::certificates::hash::{HashAlgorithm, unhex};
use crate::certificates::ocsp::{Status, StatusAsk, StatusFound};
use crate::certificates::signature::{Signed, certificate, is_issuer};

/// How long a list counts that names no end.
const KEPT_MICROS: i64 = 3_600 * 1_000_000;
/// How far an issuer's clock may be ahead.
const AHEAD_MICROS: i64 = 300 * 1_000_000;
/// `id-ce-issuingDistributionPoint`.
const DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");

/// A serial number, big endian, with zeros before it.
pub(super) type Serial = [u8; 20];

/// What is kept of a list.
#[derive(Debug)]
pub(in crate::certificates) struct List {
    /// Whose: a name in DER.
    issuer: Vec<u8>,
    pub(super) next_update: UtcMicros,
    /// Where it is published, if it says so: it counts for certificates that name one of these.
    addresses: Option<Vec<String>>,
    /// Who has signed it of those that the configuration names, in DER.
    signer: Option<Vec<u8>>,
    /// Of what is revoked, in order.
    serials: Vec<Serial>,
}

impl List {
    /// Reads a list in DER; `issuers` are certificates in DER.
    pub(in crate::certificates) fn read(
        der: &[u8],
        issuers: &[Vec<u8>],
        now: UtcMicros,
    ) -> Result<Self, CrlError> {
        let read = CertificateList::from_der(der).map_err(|_| CrlError::Structure)?;
        let list = read.tbs_cert_list;
        let next_update = match list.next_update {
            None => now.0 + KEPT_MICROS,
            Some(time) => micros(time.to_unix_duration()),
        };
        let this_update = micros(list.this_update.to_unix_duration());
        if next_update <= now.0 || now.0 + AHEAD_MICROS < this_update {
            return Err(CrlError::Stale);
        }
        let mut addresses = None;
        for extension in list.crl_extensions.iter().flatten() {
            if extension.extn_id == DISTRIBUTION_POINT {
                addresses = published_at(extension)?;
            } else if extension.critical {
                return Err(CrlError::Critical(extension.extn_id.to_string()));
            }
        }
        let revoked = list.revoked_certificates.unwrap_or_default();
        let serials: Result<Vec<_>, _> = revoked.iter().map(revoked_serial).collect();
        let mut serials = serials?;
        serials.sort_unstable();
        let issuer = list.issuer.to_der().map_err(|_| CrlError::Structure)?;
        let signed = Signed::read(der).ok_or(CrlError::Structure)?;
        let signer = issuers.iter().find(|known| {
            certificate(known).is_some_and(|known| {
                known.subject().as_raw() == issuer
                    && may_sign_lists(&known)
                    && signed.is_by(known.public_key())
            })
        });
        Ok(Self {
            issuer,
            next_update: UtcMicros(next_update),
            addresses,
            signer: signer.cloned(),
            serials,
        })
    }

    /// How many certificates are revoked.
    pub(super) fn len(&self) -> usize {
        self.serials.len()
    }

    /// What it says about a certificate. `issuers` are those that it was read with.
    pub(in crate::certificates) fn status(
        &self,
        ask: &StatusAsk,
        issuers: &[Vec<u8>],
    ) -> Result<StatusFound, CrlError> {
        let algorithm = HashAlgorithm::parse(&ask.algorithm).ok_or(CrlError::Ask)?;
        let bytes = |digits: &str| unhex(digits).filter(|bytes| !bytes.is_empty());
        let name_hash = bytes(&ask.issuer_name_hash).ok_or(CrlError::Ask)?;
        let serial = bytes(&ask.serial_number).and_then(|bytes| serial(&bytes));
        let serial = serial.ok_or(CrlError::Ask)?;
        if unhex(&algorithm.digest(&self.issuer)) != Some(name_hash) {
            return Err(CrlError::OtherIssuer);
        }
        let is_at = |addresses: &Vec<String>| ask.urls.iter().any(|url| addresses.contains(url));
        if !self.addresses.as_ref().is_none_or(is_at) {
            return Err(CrlError::OtherAddress);
        }
        let is_the_issuer =
            |der: &Vec<u8>| certificate(der).is_some_and(|known| is_issuer(&known, ask));
        let is_proven = self.signer.as_ref().is_some_and(is_the_issuer);
        if !is_proven && issuers.iter().any(is_the_issuer) {
            return Err(CrlError::Signature);
        }
        let status = match self.serials.binary_search(&serial) {
            Ok(_) => Status::Revoked,
            Err(_) => Status::Good,
        };
        Ok(StatusFound {
            status,
            answer: Vec::new(),
            next_update: self.next_update,
            is_proven,
            is_for_once: false,
        })
    }
}

fn micros(since_1970: Duration) -> i64 {
    i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX)
}

/// Where a list is published, which must be a whole one. Whether it is of CAs alone, or of others alone, is not looked at:
/// which of both a certificate is, its hashes do not say, and a certificate names the list that it would stand on.
fn published_at(extension: &Extension) -> Result<Option<Vec<String>>, CrlError> {
    let point = IssuingDistributionPoint::from_der(extension.extn_value.as_bytes());
    let point = point.map_err(|_| CrlError::Structure)?;
    if point.only_some_reasons.is_some()
        || point.indirect_crl
        || point.only_contains_attribute_certs
    {
        return Err(CrlError::Partial);
    }
    let names = match point.distribution_point {
        None => return Ok(None),
        Some(DistributionPointName::FullName(names)) => names,
        // Only the certificate itself could say whether it names that, too.
        Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => return Err(CrlError::Partial),
    };
    let urls = names.into_iter().filter_map(|name| match name {
        GeneralName::UniformResourceIdentifier(url) => Some(url.to_string()),
        _ => None,
    });
    Ok(Some(urls.collect()))
}

fn revoked_serial(revoked: &RevokedCert) -> Result<Serial, CrlError> {
    let mut extensions = revoked.crl_entry_extensions.iter().flatten();
    // The one that RFC 5280 knows names another issuer.
    if let Some(critical) = extensions.find(|extension| extension.critical) {
        return Err(CrlError::Critical(critical.extn_id.to_string()));
    }
    serial(revoked.serial_number.as_bytes()).ok_or(CrlError::Structure)
}

fn serial(bytes: &[u8]) -> Option<Serial> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = &bytes[zeros..];
    let mut serial = Serial::default();
    let start = serial.len().checked_sub(bytes.len())?;
    serial[start..].copy_from_slice(bytes);
    Some(serial)
}

/// A CA whose certificate says what its key is for says that it is for lists, too (RFC 5280, 6.3.3).
fn may_sign_lists(issuer: &X509Certificate<'_>) -> bool {
    let usage = issuer.key_usage().ok().flatten();
    usage.is_none_or(|usage| usage.value.crl_sign())
}
