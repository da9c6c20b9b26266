//! Lists of revoked certificates: which count, on whose word, and how often they are fetched.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fleet::UtcMicros;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
    CrlIssuingDistributionPoint, CrlScope, DnType, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevocationReason, RevokedCertParams, SigningKey,
};
use tempfile::TempDir;
use x509_cert::crl::{CertificateList, TbsCertList};
use x509_cert::der::asn1::{BitString, ObjectIdentifier, OctetString};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;

use super::{NOW, serve, services, statuses};
use crate::certificates::config::{CertificatesConfig, CrlConfig};
use crate::certificates::hash::{HashAlgorithm, certificate_hashes};
use crate::certificates::{Source, Status, StatusAsk};

const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// A CA that revokes.
pub(crate) struct Revoker {
    dir: TempDir,
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// What a list says, and of when it is, in days from `NOW`.
pub(crate) struct Said<'a> {
    pub(crate) serials: &'a [&'a [u8]],
    pub(crate) days: (i64, i64),
    pub(crate) published_at: Option<&'a str>,
}

impl Default for Said<'_> {
    fn default() -> Self {
        Self {
            serials: &[&[0x77], &[0xf0, 0x01]],
            days: (-1, 7),
            published_at: None,
        }
    }
}

impl Revoker {
    pub(crate) fn new(name: &str) -> Self {
        let usages = [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = usages.to_vec();
        let pem = params.self_signed(&key).unwrap().pem();
        // Another certificate of the same name and key, whose key is for other things.
        let mut other = params.clone();
        other.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let other = other.self_signed(&key).unwrap().pem();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), &pem).unwrap();
        std::fs::write(dir.path().join("other.pem"), &other).unwrap();
        let issuer = Issuer::new(params, key);
        Self { dir, issuer, pem }
    }

    pub(crate) fn list(&self, said: &Said<'_>) -> Vec<u8> {
        let at = |days: i64| {
            let seconds = NOW.0 / 1_000_000 + days * 86_400;
            time::OffsetDateTime::from_unix_timestamp(seconds).unwrap()
        };
        let revoked = said.serials.iter().map(|serial| RevokedCertParams {
            serial_number: serial.to_vec().into(),
            revocation_time: at(-30),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        });
        let point = said.published_at.map(|url| CrlIssuingDistributionPoint {
            distribution_point: CrlDistributionPoint {
                uris: vec![url.to_owned()],
            },
            scope: Some(CrlScope::CaCertsOnly),
        });
        let params = CertificateRevocationListParams {
            this_update: at(said.days.0),
            next_update: at(said.days.1),
            crl_number: 1.into(),
            issuing_distribution_point: point,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().der().to_vec()
    }

    /// A list that says something else, signed anew.
    fn list_with(&self, change: impl FnOnce(&mut TbsCertList)) -> Vec<u8> {
        let mut list = CertificateList::from_der(&self.list(&Said::default())).unwrap();
        change(&mut list.tbs_cert_list);
        let said = list.tbs_cert_list.to_der().unwrap();
        let signature = self.issuer.key().sign(&said).unwrap();
        list.signature = BitString::from_bytes(&signature).unwrap();
        list.to_der().unwrap()
    }

    pub(crate) fn ask(&self, serial: &str, url: &str) -> StatusAsk {
        let [.., sha512] = certificate_hashes(&self.pem).unwrap();
        StatusAsk {
            algorithm: HashAlgorithm::Sha512.as_str().to_owned(),
            issuer_name_hash: sha512.issuer_name_hash.to_uppercase(),
            issuer_key_hash: sha512.issuer_key_hash,
            serial_number: serial.to_owned(),
            source: Source::List,
            urls: vec![url.to_owned()],
        }
    }

    /// A server that fetches lists at `url`, and knows this CA.
    pub(crate) fn config(&self, url: &str) -> CertificatesConfig {
        self.config_with(url, Some("ca.pem"))
    }

    fn config_with(&self, url: &str, issuers: Option<&str>) -> CertificatesConfig {
        CertificatesConfig {
            crl: Some(CrlConfig {
                addresses: vec![url.to_owned()],
                roots: None,
                issuers: issuers.map(|name| self.dir.path().join(name)),
                timeout: Duration::from_secs(60),
            }),
            ..CertificatesConfig::default()
        }
    }
}

/// What becomes of a question to a server that has the list `der`.
fn judged(ca: &Revoker, der: Vec<u8>) -> Result<Status, String> {
    let url = serve(move |_, _| (200, der.clone()));
    let services = services(&ca.config(&url));
    let found = statuses(&services, &ca.ask("77", &url), NOW)?;
    assert!(found.is_proven);
    Ok(found.status)
}

#[test]
fn a_list_tells_what_is_revoked_and_is_fetched_once_a_day() {
    let ca = Revoker::new("OEM Sub");
    let fetched = Arc::new(AtomicUsize::new(0));
    let (list, count) = (ca.list(&Said::default()), Arc::clone(&fetched));
    let url = serve(move |head, body| {
        assert!(head.starts_with("GET /oem.crl HTTP/1.1"), "{head}");
        assert!(body.is_empty());
        count.fetch_add(1, Ordering::Relaxed);
        (200, list.clone())
    });
    let services = services(&ca.config(&url));
    let url = format!("{url}/oem.crl");
    let end = UtcMicros(NOW.0 + 7 * DAY_MICROS);
    for (serial, at, expected, fetches) in [
        ("77", NOW, Status::Revoked, 1),
        ("0f001", NOW, Status::Revoked, 1),
        ("F001", NOW, Status::Revoked, 1),
        ("7701", NOW, Status::Good, 1),
        ("0", NOW, Status::Good, 1),
        ("78", UtcMicros(NOW.0 + DAY_MICROS - 1), Status::Good, 1),
        ("78", UtcMicros(NOW.0 + DAY_MICROS), Status::Good, 2),
    ] {
        let found = statuses(&services, &ca.ask(serial, &url), at).unwrap();
        let told = (found.status, found.next_update, found.is_proven);
        assert_eq!(told, (expected, end, true), "{serial}");
        assert_eq!(fetched.load(Ordering::Relaxed), fetches, "{serial}");
    }
}

#[test]
fn an_empty_list_revokes_nothing() {
    let ca = Revoker::new("OEM Sub");
    let empty = Said {
        serials: &[],
        ..Said::default()
    };
    assert_eq!(judged(&ca, ca.list(&empty)), Ok(Status::Good));
}

/// Lists that are refused, each with its reason.
#[test]
fn a_list_counts_whole_in_its_time_and_by_its_issuer() {
    let ca = Revoker::new("OEM Sub");
    let of = |days: (i64, i64)| {
        ca.list(&Said {
            days,
            ..Said::default()
        })
    };
    let critical = |id: &str| Extension {
        extn_id: ObjectIdentifier::new_unwrap(id),
        critical: true,
        extn_value: OctetString::new([2, 1, 0]).unwrap(),
    };
    let good = of((-1, 7));
    let mut truncated = good.clone();
    truncated.truncate(good.len() - 1);
    let mut longer = good.clone();
    longer.push(0);
    let mut changed = good.clone();
    let at = good
        .windows(3)
        .position(|bytes| bytes == [2, 1, 0x77])
        .unwrap();
    changed[at + 2] = 0x78;
    let delta = ca.list_with(|list| {
        let extensions = list.crl_extensions.as_mut().unwrap();
        extensions.push(critical("2.5.29.27"));
    });
    let of_others = ca.list_with(|list| {
        let revoked = list.revoked_certificates.as_mut().unwrap();
        revoked[0].crl_entry_extensions = Some(vec![critical("2.5.29.29")]);
    });
    let indirect = ca.list_with(|list| {
        let extensions = list.crl_extensions.as_mut().unwrap();
        extensions.push(Extension {
            // `indirectCRL`.
            extn_value: OctetString::new([0x30, 3, 0x84, 1, 0xff]).unwrap(),
            ..critical("2.5.29.28")
        });
    });
    let elsewhere = ca.list(&Said {
        published_at: Some("http://crl.example/other.crl"),
        ..Said::default()
    });
    let structure = "the list is no CertificateList in DER";
    let stale = "the list is not of now";
    let signature = "the list is not signed by the certificate's issuer";
    for (what, list, expected) in [
        ("truncated", truncated, structure),
        ("longer", longer, structure),
        ("nonsense", b"-----BEGIN X509 CRL-----".to_vec(), structure),
        ("nothing", Vec::new(), structure),
        ("past", of((-7, -1)), stale),
        ("to come", of((1, 7)), stale),
        ("changed", changed, signature),
        (
            "of a namesake",
            Revoker::new("OEM Sub").list(&Said::default()),
            signature,
        ),
        (
            "of another",
            Revoker::new("Other").list(&Said::default()),
            "the list is of another issuer",
        ),
        (
            "delta",
            delta,
            "the list has the critical extension 2.5.29.27, which nobody here knows",
        ),
        (
            "of others, too",
            of_others,
            "the list has the critical extension 2.5.29.29, which nobody here knows",
        ),
        (
            "indirect",
            indirect,
            "the list is a part: of some reasons, of attributes, or of other issuers",
        ),
        (
            "elsewhere",
            elsewhere,
            "the list is for another address than the station names",
        ),
    ] {
        assert_eq!(judged(&ca, list), Err(expected.to_owned()), "{what}");
    }
    assert_eq!(judged(&ca, good), Ok(Status::Revoked));
}

#[test]
fn a_list_without_a_known_issuer_is_no_proof() {
    let ca = Revoker::new("OEM Sub");
    let list = ca.list(&Said::default());
    let url = serve(move |_, _| (200, list.clone()));
    let found = |issuers: Option<&str>| {
        let services = services(&ca.config_with(&url, issuers));
        let found = statuses(&services, &ca.ask("78", &url), NOW);
        found.map(|found| (found.status, found.is_proven))
    };
    assert_eq!(found(None), Ok((Status::Good, false)));
    assert_eq!(found(Some("ca.pem")), Ok((Status::Good, true)));
    // By its certificate, it may sign certificates and no lists.
    assert_eq!(
        found(Some("other.pem")),
        Err("the list is not signed by the certificate's issuer".to_owned())
    );
}

#[test]
fn a_list_counts_where_it_says_that_it_is_published() {
    let ca = Arc::new(Revoker::new("OEM Sub"));
    let list_of = Arc::clone(&ca);
    let url = serve(move |head, _| {
        let host = head.lines().find_map(|line| line.strip_prefix("host: "));
        let at = format!("http://{}/oem.crl", host.unwrap());
        let said = Said {
            published_at: Some(&at),
            ..Said::default()
        };
        (200, list_of.list(&said))
    });
    let services = services(&ca.config(&url));
    let found = statuses(&services, &ca.ask("77", &format!("{url}/oem.crl")), NOW);
    assert_eq!(found.unwrap().status, Status::Revoked);
}

#[test]
fn only_listed_addresses_are_fetched_from_and_no_more_than_a_list() {
    let ca = Revoker::new("OEM Sub");
    let list = ca.list(&Said::default());
    let url = serve(move |head, _| match head.split(' ').nth(1) {
        Some("/long") => (200, vec![0x30; (4 << 20) + 1]),
        Some("/moved") => (302, Vec::new()),
        _ => (200, list.clone()),
    });
    let services = services(&ca.config(&url));
    let refused = |ask: &StatusAsk| statuses(&services, ask, NOW).unwrap_err();
    for url in [
        "http://169.254.169.254/latest",
        "ftp://crl.example/oem.crl",
        "file:///etc/passwd",
        "",
    ] {
        let problem = refused(&ca.ask("77", url));
        assert_eq!(problem, format!("{url:?} is not among crl.addresses"));
    }
    assert!(refused(&ca.ask("77", &format!("{url}/long"))).contains("limit"));
    assert!(refused(&ca.ask("77", &format!("{url}/moved"))).contains("302"));
    for serial in ["", "xyz", &"7".repeat(41)] {
        assert!(refused(&ca.ask(serial, &url)).starts_with("the certificate is not named by"));
    }
    let mut several = ca.ask("77", "ftp://crl.example/oem.crl");
    several.urls.push(format!("{url}/long"));
    several.urls.push(url);
    let found = statuses(&services, &several, NOW).unwrap();
    assert_eq!(found.status, Status::Revoked, "by the first that tells");
    several.urls.clear();
    assert_eq!(refused(&several), "no list is named");

    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let services = super::services(&ca.config(&nobody));
    let problem = statuses(&services, &ca.ask("77", &nobody), NOW).unwrap_err();
    assert!(
        problem.starts_with(&format!("asking {nobody}")),
        "{problem}"
    );
}

#[test]
fn without_addresses_no_list_is_fetched() {
    let ca = Revoker::new("OEM Sub");
    let services = services(&super::with_ocsp("http://127.0.0.1:1/"));
    let problem = statuses(&services, &ca.ask("77", "http://127.0.0.1:1/"), NOW).unwrap_err();
    assert_eq!(problem, "no such service is configured");
}
