//! What a station's connection and its certificate say of it.

use fleet::{StationKey, TENANT_DEFAULT};
use net::tls::TlsPeer;
use x509_parser::x509::X509Name;

/// How a connection's bytes reach us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// In the clear, or through a proxy that brings TLS.
    Plain,
    /// Over TLS; with the certificate of the peer, if it showed one.
    Tls(Option<Box<StationCertificate>>),
}

/// A certificate whose signatures and time were checked, as far as it says whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StationCertificate {
    /// `CN` of the subject.
    common_names: Vec<String>,
    /// `O` of the subject.
    organizations: Vec<String>,
    /// Its end, UTC microseconds.
    not_after: i64,
    /// All of it.
    der: Box<[u8]>,
}

/// Why a certificate is none of the station's, for operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ForeignCertificate {
    /// It cannot be read.
    #[error("the subject of its certificate cannot be read")]
    Unreadable,
    /// A00.FR.404.
    #[error("its certificate is of another organization")]
    Organization,
    /// A00.FR.405.
    #[error("its certificate is another station's")]
    Station,
    /// Of a session that was resumed.
    #[error("its certificate has expired")]
    Expired,
    /// Its responder says so.
    #[error("its certificate is revoked")]
    Revoked,
}

impl From<&TlsPeer> for Transport {
    fn from(peer: &TlsPeer) -> Transport {
        let read = |der| Box::new(StationCertificate::read(der));
        Transport::Tls(peer.certificate.as_deref().map(read))
    }
}

impl StationCertificate {
    /// One that nobody signed.
    #[cfg(test)]
    pub(crate) fn of(organization: &str, name: &str) -> StationCertificate {
        StationCertificate {
            common_names: vec![name.to_owned()],
            organizations: vec![organization.to_owned()],
            not_after: i64::MAX,
            der: Box::default(),
        }
    }

    fn read(der: &[u8]) -> StationCertificate {
        let parsed = x509_parser::parse_x509_certificate(der);
        parsed.map_or_else(
            |_| StationCertificate {
                common_names: Vec::new(),
                organizations: Vec::new(),
                not_after: i64::MIN,
                der: der.into(),
            },
            |(_, parsed)| StationCertificate {
                common_names: texts(parsed.subject(), X509Name::iter_common_name),
                organizations: texts(parsed.subject(), X509Name::iter_organization),
                not_after: parsed
                    .validity()
                    .not_after
                    .timestamp()
                    .saturating_mul(1_000_000),
                der: der.into(),
            },
        )
    }

    /// The certificate itself.
    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    /// The station that a certificate says it is of, without proof.
    pub(crate) fn claimed(der: &[u8]) -> Option<StationKey> {
        let name = Self::read(der).common_names.into_iter().next()?;
        StationKey::new(TENANT_DEFAULT, &name).ok()
    }

    /// Whether it is of this station, which goes by `names`: its identity, and the serial number that it booted with.
    ///
    /// The handshake has checked the rest; of a resumed session it did so when that began, so the end is looked at here.
    pub(crate) fn check(
        &self,
        now: i64,
        organizations: &[String],
        names: &[&str],
    ) -> Result<(), ForeignCertificate> {
        let holds = |of: &[String], wanted: &str| of.iter().any(|found| found == wanted);
        if self.common_names.is_empty() {
            return Err(ForeignCertificate::Unreadable);
        }
        if self.not_after < now {
            return Err(ForeignCertificate::Expired);
        }
        let is_trusted = organizations
            .iter()
            .any(|trusted| holds(&self.organizations, trusted));
        if !is_trusted {
            return Err(ForeignCertificate::Organization);
        }
        // An empty serial number is nobody's.
        let is_its = names
            .iter()
            .any(|name| !name.is_empty() && holds(&self.common_names, name));
        if !is_its {
            return Err(ForeignCertificate::Station);
        }
        Ok(())
    }
}

fn texts<'a, I>(
    name: &'a X509Name<'a>,
    attributes: impl FnOnce(&'a X509Name<'a>) -> I,
) -> Vec<String>
where
    I: Iterator<Item = &'a x509_parser::x509::AttributeTypeAndValue<'a>>,
{
    attributes(name)
        .filter_map(|attribute| attribute.as_str().ok().map(str::to_owned))
        .collect()
}
