//! A root, a CA below it, a vehicle's certificate below that, and a responder that signs what it says.

use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SigningKey,
};
use tempfile::TempDir;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_ocsp::CertStatus;

use super::{NOW, ask, response, serve, with_ocsp};
use crate::certificates::hash::{CertificateHash, certificate_hashes};
use crate::certificates::{CertificatesConfig, StatusAsk};

/// Contract of the vehicle.
pub(crate) const EMAID: &str = "DE8AACA2B3C4D51";

/// Who signs the answers about the vehicle's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The CA that has signed it.
    Issuer,
    /// Somebody whom that CA has certified for it.
    Delegate,
    /// Somebody whom that CA has certified for something else.
    Stationmaster,
    /// A delegate whose time is over.
    FormerDelegate,
    /// A delegate of the root's: one above the issuer does not speak for it.
    DelegateOfAnother,
    /// Nobody's.
    Stranger,
}

impl By {
    pub(crate) const ALL: [Self; 6] = [
        Self::Issuer,
        Self::Delegate,
        Self::Stationmaster,
        Self::FormerDelegate,
        Self::DelegateOfAnother,
        Self::Stranger,
    ];
}

pub(crate) struct Pki {
    dir: TempDir,
    pub(crate) url: String,
    /// PEM of the vehicle's certificate, and of the CA's behind it.
    pub(crate) chain: String,
    pub(crate) sub_ca: String,
    pub(crate) root: String,
}

/// What may differ from a certificate that is good.
pub(crate) struct Leaf<'a> {
    pub(crate) name: &'a str,
    pub(crate) names_responder: bool,
    pub(crate) ends_in_days: i64,
    /// The CA above it may sign.
    pub(crate) is_ca_a_ca: bool,
}

impl Default for Leaf<'_> {
    fn default() -> Self {
        Self {
            name: EMAID,
            names_responder: true,
            ends_in_days: 365,
            is_ca_a_ca: true,
        }
    }
}

impl Pki {
    /// `shows_issuer` puts the CA's certificate into the answers.
    pub(crate) fn new(by: By, shows_issuer: bool, status: CertStatus, leaf: &Leaf<'_>) -> Self {
        let key = || KeyPair::generate().unwrap();
        let twin = |key: &KeyPair| KeyPair::from_pem(&key.serialize_pem()).unwrap();
        let ca = |name: &str, is_ca: bool| {
            let mut params = named(name);
            if is_ca {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
            }
            params
        };
        let (root_key, sub_key) = (key(), key());
        let root_params = ca("MO Root", true);
        let root = root_params.self_signed(&root_key).unwrap();
        let root_issuer = Issuer::new(root_params, root_key);
        let sub_params = ca("MO Sub", leaf.is_ca_a_ca);
        let sub = sub_params.signed_by(&sub_key, &root_issuer).unwrap();
        let sub_issuer = Issuer::new(sub_params, twin(&sub_key));

        let mut delegate = named("Responder");
        if by != By::Stationmaster {
            delegate.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        }
        if by == By::FormerDelegate {
            delegate.not_after = at_days(-1);
        }
        let delegate_key = key();
        let above = match by {
            By::DelegateOfAnother => &root_issuer,
            _ => &sub_issuer,
        };
        let delegate = delegate.signed_by(&delegate_key, above).unwrap();
        let signer = match by {
            By::Issuer => sub_key,
            By::Delegate | By::Stationmaster | By::FormerDelegate | By::DelegateOfAnother => {
                delegate_key
            }
            By::Stranger => key(),
        };
        let mut shown = vec![Certificate::from_der(delegate.der()).unwrap()];
        if shows_issuer {
            shown.push(Certificate::from_der(sub.der()).unwrap());
        }
        let url = serve(move |_, body| {
            let sign = |data: &[u8]| signer.sign(data).unwrap();
            (200, response(body, status, sign, Some(shown.clone()), None))
        });

        let mut params = named(leaf.name);
        params.not_after = at_days(leaf.ends_in_days);
        if leaf.names_responder {
            params.custom_extensions.push(responder_at(&url));
        }
        let vehicle = params.signed_by(&key(), &sub_issuer).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("root.pem"), root.pem()).unwrap();
        std::fs::write(dir.path().join("sub.pem"), sub.pem()).unwrap();
        Self {
            dir,
            url,
            chain: vehicle.pem() + &sub.pem(),
            sub_ca: sub.pem(),
            root: root.pem(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn hash(&self) -> CertificateHash {
        let [sha256, ..] = certificate_hashes(&self.chain).unwrap();
        sha256
    }

    pub(crate) fn ask(&self) -> StatusAsk {
        ask(&self.hash(), &self.url)
    }

    /// A server that asks this responder, knows the CA if `knows_issuer`, and the root.
    pub(crate) fn config(&self, knows_issuer: bool) -> CertificatesConfig {
        let mut config = with_ocsp(&self.url);
        if let Some(ocsp) = config.ocsp.as_mut().filter(|_| knows_issuer) {
            ocsp.issuers = Some(self.path("sub.pem"));
        }
        config.vehicle_roots = Some(self.path("root.pem"));
        config
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn at_days(days: i64) -> time::OffsetDateTime {
    let seconds = NOW.0 / 1_000_000 + days * 86_400;
    time::OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}

/// `authorityInfoAccess` with one `id-ad-ocsp`.
fn responder_at(url: &str) -> CustomExtension {
    let wrap = |tag: u8, content: &[u8]| {
        let len = u8::try_from(content.len()).ok().filter(|len| *len < 128);
        [&[tag, len.expect("a short URL")], content].concat()
    };
    let method = [6, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 1];
    let access = [&method[..], &wrap(0x86, url.as_bytes())].concat();
    let content = wrap(0x30, &wrap(0x30, &access));
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], content)
}
