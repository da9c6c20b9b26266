//! Signing beside `openssl`, and servers that answer as they please.

pub(crate) mod lists;
mod nonce;
pub(crate) mod pki;
mod proof;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use fleet::{StationKey, UtcMicros};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;

use super::config::{CaConfig, CertificatesConfig, HttpConfig, OcspConfig, SignerConfig};
use super::services::{ContractAsk, Services, Signed, Source, Status, StatusAsk, Wish};
use super::{CertificateUse, Outcome, csr, hash};

/// 2026-11-22T10:00:00Z.
const NOW: UtcMicros = UtcMicros(1_795_341_600_000_000);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// A CA below a root, in files, and what they are made of.
pub(crate) struct TestCa {
    dir: TempDir,
    pub(crate) root: String,
    /// Certificate of the CA.
    pub(crate) pem: String,
}

impl TestCa {
    pub(crate) fn new() -> Self {
        let named = |name: &str| {
            let mut params = CertificateParams::default();
            params.distinguished_name = rcgen::DistinguishedName::new();
            params
                .distinguished_name
                .push(DnType::OrganizationName, "ACME");
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            params.use_authority_key_identifier_extension = true;
            params
        };
        let root_key = KeyPair::generate().unwrap();
        let root_params = named("Root");
        let root = root_params.self_signed(&root_key).unwrap();
        let root_pem_key = root_key.serialize_pem();
        let issuer = rcgen::Issuer::new(root_params, root_key);
        let key = KeyPair::generate().unwrap();
        let ca = named("Stations").signed_by(&key, &issuer).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), ca.pem() + &root.pem()).unwrap();
        std::fs::write(dir.path().join("ca.key"), key.serialize_pem()).unwrap();
        std::fs::write(dir.path().join("root.pem"), root.pem()).unwrap();
        std::fs::write(dir.path().join("root.key"), root_pem_key).unwrap();
        Self {
            dir,
            root: root.pem(),
            pem: ca.pem(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn signer(&self) -> SignerConfig {
        SignerConfig::File {
            certificate: self.path("ca.pem"),
            key: self.path("ca.key"),
            validity: YEAR,
        }
    }
}

/// A CA for everything, of the organization ACME.
pub(crate) fn with_ca(signer: SignerConfig) -> CertificatesConfig {
    CertificatesConfig {
        ca: Some(CaConfig {
            signer,
            organization: "ACME".to_owned(),
            uses: CertificateUse::ALL.to_vec(),
            requests_per_hour_max: 4,
        }),
        ..CertificatesConfig::default()
    }
}

pub(crate) fn http(url: &str) -> HttpConfig {
    HttpConfig {
        url: url.to_owned(),
        bearer_file: None,
        roots: None,
        timeout: Duration::from_secs(30),
    }
}

/// A request of a key of its own, in PEM.
pub(crate) fn request(organization: &str, name: &str) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, organization);
    params.distinguished_name.push(DnType::CommonName, name);
    // Wishes that nobody grants.
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    params.serialize_request(&key).unwrap().pem().unwrap()
}

/// Answers requests on a port of loopback with what `answer` makes of their head and body; its URL.
pub(crate) fn serve(
    mut answer: impl FnMut(&str, &[u8]) -> (u16, Vec<u8>) + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(30)))
                .unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut head, mut len) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                if let Some((name, value)) = line.split_once(':')
                    && name.eq_ignore_ascii_case("content-length")
                {
                    len = value.trim().parse().unwrap();
                }
                head += &line;
            }
            let mut body = vec![0; len];
            reader.read_exact(&mut body).unwrap();
            let (status, body) = answer(&head, &body);
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            // A client that has read enough is gone.
            let _ = stream.write_all(&body);
        }
    });
    url
}

fn station() -> StationKey {
    StationKey::new("default", "CP1").unwrap()
}

fn services(config: &CertificatesConfig) -> Services {
    Services::open(config, None).unwrap()
}

fn check(services: &Services, csr: &str) -> Result<String, String> {
    let names = vec!["CP1".to_owned(), "SN-7".to_owned()];
    let csr = csr.to_owned();
    match services.run(&Wish::Check { csr, names }, NOW) {
        Outcome::Checked(checked) => checked,
        other => panic!("{other:?}"),
    }
}

fn sign(services: &Services, csr: &str) -> Result<Signed, String> {
    let wish = Wish::Sign {
        csr: csr.to_owned(),
        station: station(),
        usage: CertificateUse::ChargingStation,
    };
    match services.run(&wish, NOW) {
        Outcome::Signed(signed) => signed,
        other => panic!("{other:?}"),
    }
}

/// What `openssl` prints, and whether it was content; `None` where there is none, which is said.
fn openssl(args: &[&str], input: &str) -> Option<(bool, String)> {
    let child = Command::new("openssl")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        // Straight to the terminal: the test harness shows what a passing test prints to nobody.
        let line = "SKIPPED a test of certificates: there is no openssl here\n";
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return None;
    };
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    Some((
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    ))
}

#[test]
fn a_request_is_of_the_station_and_of_the_operator() {
    let ca = TestCa::new();
    let services = services(&with_ca(ca.signer()));
    assert_eq!(
        check(&services, &request("ACME", "CP1")).unwrap(),
        "O=ACME, CN=CP1"
    );
    assert_eq!(
        check(&services, &request("ACME", "SN-7")).unwrap(),
        "O=ACME, CN=SN-7"
    );
    let refused = |csr: &str| check(&services, csr).unwrap_err();
    assert_eq!(
        refused(&request("ACME", "CP2")),
        "the subject's CN is \"CP2\", expected CP1 or SN-7, and no URL or IP address"
    );
    assert_eq!(
        refused(&request("Other", "CP1")),
        "the subject's O is \"Other\", expected \"ACME\""
    );
    let no_pem = "the request is no PEM block CERTIFICATE REQUEST";
    assert_eq!(refused(""), no_pem);
    assert_eq!(refused(&ca.pem), no_pem);
    assert_eq!(refused("-----BEGIN CERTIFICATE REQUEST-----"), no_pem);
    let nothing = "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n";
    assert_eq!(refused(nothing), "the request is no PKCS #10 structure");
    assert_eq!(
        refused(&"x".repeat(5_501)),
        "the request has 5501 characters, at most 5500 are allowed"
    );
}

#[test]
fn a_request_that_was_changed_is_not_of_its_own_key() {
    use base64::Engine;
    let base64 = base64::engine::general_purpose::STANDARD;

    let csr = request("ACME", "CP1");
    let lines: String = csr.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64.decode(lines).unwrap();
    let at = der.windows(3).position(|bytes| bytes == b"CP1").unwrap();
    let mut changed = der.clone();
    changed[at + 2] = b'2';
    let pem = format!(
        "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n",
        base64.encode(changed)
    );
    assert_eq!(csr::read(&pem).unwrap_err(), csr::CsrError::Signature);
    assert!(csr::read(&csr).is_ok());
}

/// Keys of `openssl` by kind: which are taken, and what is signed for those, down to the root.
#[test]
fn keys_are_of_a_kind_and_size_that_the_specification_allows() {
    let ca = TestCa::new();
    let services = services(&with_ca(ca.signer()));
    let root = ca.path("root.pem");
    for (kind, good) in [
        ("ec:P-256", true),
        ("ec:P-384", true),
        ("ec:P-521", false),
        ("ec:secp256k1", false),
        ("rsa:1024", false),
        ("rsa:2048", true),
        ("ed25519", false),
    ] {
        let key = ca.path("station.key");
        let key = key.to_str().unwrap();
        let mut args = vec![
            "req",
            "-new",
            "-nodes",
            "-subj",
            "/O=ACME/CN=CP1",
            "-keyout",
            key,
        ];
        let curve;
        match kind.split_once(':') {
            Some(("ec", name)) => {
                curve = format!("ec_paramgen_curve:{name}");
                args.extend(["-newkey", "ec", "-pkeyopt", &curve]);
            }
            _ => args.extend(["-newkey", kind]),
        }
        let Some((made, csr)) = openssl(&args, "") else {
            return;
        };
        assert!(made, "{kind}: {csr}");
        let start = csr.find("-----BEGIN CERTIFICATE REQUEST").unwrap();
        let csr = &csr[start..csr.find("-----END CERTIFICATE REQUEST-----\n").unwrap() + 34];
        let checked = check(&services, csr);
        assert_eq!(checked.is_ok(), good, "{kind}: {checked:?}");
        if !good {
            assert!(checked.unwrap_err().starts_with("the key is"), "{kind}");
            continue;
        }
        let signed = sign(&services, csr).unwrap();
        let chain = ca.path("chain.pem");
        std::fs::write(&chain, &signed.chain).unwrap();
        let (chain, at) = (chain.to_str().unwrap(), "1795341600");
        let args = [
            "verify",
            "-attime",
            at,
            "-x509_strict",
            "-CAfile",
            root.to_str().unwrap(),
            "-untrusted",
            chain,
            chain,
        ];
        let (verified, said) = openssl(&args, "").unwrap();
        assert!(verified, "{kind}: {said}");
        let args = [
            "x509",
            "-in",
            chain,
            "-noout",
            "-text",
            "-certopt",
            "no_sigdump,no_pubkey",
        ];
        let (_, text) = openssl(&args, "").unwrap();
        for said in [
            "CA:FALSE",
            "Digital Signature, Key Agreement",
            "O = ACME, CN = CP1",
            "Not Before: Nov 22 09:55:00 2026 GMT",
            "Not After : Nov 22 10:00:00 2027 GMT",
            "X509v3 Authority Key Identifier",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
        for unsaid in ["Extended Key Usage", "Alternative Name"] {
            assert!(!text.contains(unsaid), "{unsaid}: {text}");
        }
        assert_eq!(signed.serial_number.len(), 32, "128 bits");
    }
}

#[test]
fn a_chain_has_no_root_and_no_two_serial_numbers_are_alike() {
    let ca = TestCa::new();
    let services = services(&with_ca(ca.signer()));
    let csr = request("ACME", "CP1");
    let (a, b) = (
        sign(&services, &csr).unwrap(),
        sign(&services, &csr).unwrap(),
    );
    assert_ne!(a.serial_number, b.serial_number);
    let blocks = hash::blocks(&a.chain).unwrap();
    let subjects: Vec<_> = blocks
        .iter()
        .map(|block| hash::parse(block).unwrap().subject().to_string())
        .collect();
    assert_eq!(subjects, ["O=ACME, CN=CP1", "O=ACME, CN=Stations"]);
    assert_eq!(a.not_after, NOW.0 + YEAR.as_micros() as i64);
}

#[test]
fn what_is_no_ca_is_refused_at_the_start() {
    let ca = TestCa::new();
    let other = TestCa::new();
    let refused = |certificate: PathBuf, key: PathBuf| {
        let signer = SignerConfig::File {
            certificate,
            key,
            validity: YEAR,
        };
        let error = Services::open(&with_ca(signer), None).unwrap_err();
        std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
    };
    assert_eq!(
        refused(ca.path("ca.pem"), other.path("ca.key")),
        "its key is not the one in its certificate"
    );
    let services = services(&with_ca(ca.signer()));
    std::fs::write(
        ca.path("leaf.pem"),
        sign(&services, &request("ACME", "CP1")).unwrap().chain,
    )
    .unwrap();
    assert_eq!(
        refused(ca.path("leaf.pem"), ca.path("ca.key")),
        "its certificate is not of a CA (basicConstraints, keyUsage keyCertSign)"
    );
    assert!(refused(ca.path("ca.pem"), ca.path("ca.pem")).starts_with("its key is no private key"));
    assert!(refused(ca.path("none"), ca.path("ca.key")).contains("No such file"));
}

#[test]
fn another_server_signs_and_is_not_believed_blindly() {
    let ca = TestCa::new();
    let root = ca.root.clone();
    let signer = services(&with_ca(ca.signer()));
    let mut turn = 0;
    let url = serve(move |head, body| {
        turn += 1;
        let csr = std::str::from_utf8(body).unwrap();
        let good = || sign(&signer, csr).unwrap().chain;
        match turn {
            1 => {
                let head = head.to_ascii_lowercase();
                for line in [
                    "post / http/1.1",
                    "authorization: bearer secret",
                    "sigec-station: cp1",
                    "sigec-subject: o=acme, cn=cp1",
                    "sigec-certificate-type: chargingstationcertificate",
                ] {
                    assert!(head.contains(line), "{line}: {head}");
                }
                (200, format!("remarks\n{}{root}", good()).into_bytes())
            }
            2 => (
                200,
                sign(&signer, &request("ACME", "CP1"))
                    .unwrap()
                    .chain
                    .into_bytes(),
            ),
            3 => (503, good().into_bytes()),
            4 => (200, b"no certificate".to_vec()),
            5 => (200, vec![b'x'; 1 << 20]),
            6 => {
                let stranger = TestCa::new().pem;
                let leaf = good();
                let end = leaf.find("-----END CERTIFICATE-----").unwrap() + 26;
                (200, (leaf[..end].to_owned() + &stranger).into_bytes())
            }
            _ => (302, Vec::new()),
        }
    });
    let token = ca.path("token");
    std::fs::write(&token, "secret\n").unwrap();
    let services = services(&with_ca(SignerConfig::Http(HttpConfig {
        bearer_file: Some(token.clone()),
        ..http(&url)
    })));
    std::fs::write(&token, "two words").unwrap();
    let config = HttpConfig {
        bearer_file: Some(token),
        ..http(&url)
    };
    let error = Services::open(&with_ca(SignerConfig::Http(config)), None).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("holds no token, expected one line of visible ASCII")
    );
    let csr = request("ACME", "CP1");
    let signed = sign(&services, &csr).unwrap();
    assert_eq!(
        hash::blocks(&signed.chain).unwrap().len(),
        2,
        "the root is left out"
    );
    let refused = || sign(&services, &csr).unwrap_err();
    assert_eq!(
        refused(),
        "the CA's server has given a certificate for another key"
    );
    assert_eq!(
        refused().replace(&url, "URL"),
        "the CA's server: URL answers 503, expected 200"
    );
    assert_eq!(refused(), "its certificate: found no PEM block CERTIFICATE");
    assert!(
        refused().contains("limit"),
        "an endless answer is read no further"
    );
    assert_eq!(
        refused(),
        "the CA's server has given certificates that are not each signed by the next"
    );
    assert!(refused().contains("302"), "no redirect is followed");
}

/// Hash data as `openssl ocsp` computes it for the same pair of certificates.
#[test]
fn a_certificate_is_known_by_what_openssl_knows_it_by() {
    let ca = TestCa::new();
    let [hash, _, longest] = hash::certificate_hashes(&(ca.pem.clone() + &ca.root)).unwrap();
    assert_eq!(longest.issuer_key_hash.len(), 128);
    assert_eq!(
        hash::certificate_hashes(&ca.pem),
        Err(hash::PemError::NoIssuer)
    );
    assert_eq!(
        hash::certificate_hashes("x"),
        Err(hash::PemError::NoCertificate)
    );
    let root = hash::certificate_hashes(&ca.root).unwrap();
    assert_eq!(root[0].issuer_name_hash, hash.issuer_name_hash);
    assert_eq!(root[0].issuer_key_hash, hash.issuer_key_hash);
    let (root, cert) = (ca.path("root.pem"), ca.path("ca.pem"));
    let args = [
        "ocsp",
        "-sha256",
        "-issuer",
        root.to_str().unwrap(),
        "-cert",
        cert.to_str().unwrap(),
        "-req_text",
    ];
    let Some((_, text)) = openssl(&args, "") else {
        return;
    };
    let text = text.to_ascii_lowercase();
    for (name, value) in [
        ("issuer name hash: ", &hash.issuer_name_hash),
        ("issuer key hash: ", &hash.issuer_key_hash),
        ("serial number: ", &hash.serial_number),
    ] {
        let at = text.find(name).unwrap_or_else(|| panic!("{text}")) + name.len();
        let found = text[at..].lines().next().unwrap().trim_start_matches('0');
        assert_eq!(found, value.trim_start_matches('0'), "{name}");
    }
}

fn ask(hash: &hash::CertificateHash, url: &str) -> StatusAsk {
    StatusAsk {
        algorithm: hash.algorithm.as_str().to_owned(),
        issuer_name_hash: hash.issuer_name_hash.to_uppercase(),
        issuer_key_hash: hash.issuer_key_hash.clone(),
        serial_number: hash.serial_number.clone(),
        source: Source::Responder,
        urls: vec![url.to_owned()],
    }
}

pub(crate) fn with_ocsp(url: &str) -> CertificatesConfig {
    CertificatesConfig {
        ocsp: Some(OcspConfig {
            responders: vec![url.to_owned()],
            roots: None,
            issuers: None,
            nonce: false,
            timeout: Duration::from_secs(30),
        }),
        ..CertificatesConfig::default()
    }
}

/// A responder made of `openssl ocsp`, which knows one certificate as good; `None` where there is no openssl.
fn responder(ca: &TestCa, status: &str) -> Option<(String, hash::CertificateHash)> {
    let [hash, ..] = hash::certificate_hashes(&(ca.pem.clone() + &ca.root)).unwrap();
    let serial = hash.serial_number.to_uppercase();
    let padded = if serial.len() % 2 == 0 {
        serial
    } else {
        format!("0{serial}")
    };
    let revoked = if status == "R" { "260101000000Z" } else { "" };
    let index =
        format!("{status}\t491231235959Z\t{revoked}\t{padded}\tunknown\t/O=ACME/CN=Stations\n");
    std::fs::write(ca.path("index.txt"), index).unwrap();
    openssl(&["version"], "")?;
    let dir = ca.dir.path().to_owned();
    let url = serve(move |head, body| {
        assert!(
            head.to_ascii_lowercase()
                .contains("content-type: application/ocsp-request"),
            "{head}"
        );
        let file = |name: &str| dir.join(name).to_str().unwrap().to_owned();
        std::fs::write(file("request"), body).unwrap();
        let (index, root, signer, key, request, response) = (
            file("index.txt"),
            file("root.pem"),
            file("root.pem"),
            file("root.key"),
            file("request"),
            file("response"),
        );
        let args = [
            "ocsp", "-index", &index, "-CA", &root, "-rsigner", &signer, "-rkey", &key, "-reqin",
            &request, "-respout", &response, "-ndays", "7",
        ];
        let (_, said) = openssl(&args, "").unwrap();
        (
            200,
            std::fs::read(&response).unwrap_or_else(|_| panic!("{said}")),
        )
    });
    Some((url, hash))
}

/// A responder that says the same of every certificate, from a minute before `NOW` for a week, and shows nobody whose
/// signature that could be.
pub(crate) fn responder_of(status: x509_ocsp::CertStatus) -> String {
    serve(move |_, body| (200, response(body, status, |_| vec![0], None, None)))
}

/// The answer to `request`, signed by `sign`, with `shown` beside it.
pub(crate) fn response(
    request: &[u8],
    status: x509_ocsp::CertStatus,
    sign: impl Fn(&[u8]) -> Vec<u8>,
    shown: Option<Vec<x509_cert::Certificate>>,
    extensions: Option<Vec<x509_cert::ext::Extension>>,
) -> Vec<u8> {
    use x509_cert::der::asn1::{BitString, GeneralizedTime, ObjectIdentifier, OctetString};
    use x509_cert::der::{Decode, Encode};
    use x509_ocsp::{
        BasicOcspResponse, OcspGeneralizedTime, OcspRequest, OcspResponse, ResponderId,
        ResponseData, SingleResponse, Version,
    };

    let at = |seconds: i64| {
        let seconds = (NOW.0 / 1_000_000 + seconds) as u64;
        let time = GeneralizedTime::from_unix_duration(Duration::from_secs(seconds));
        OcspGeneralizedTime(time.unwrap())
    };
    let request = OcspRequest::from_der(request).unwrap();
    let tbs_response_data = ResponseData {
        version: Version::V1,
        responder_id: ResponderId::ByKey(OctetString::new([1; 20]).unwrap()),
        produced_at: at(-60),
        responses: vec![SingleResponse {
            cert_id: request.tbs_request.request_list[0].req_cert.clone(),
            cert_status: status,
            this_update: at(-60),
            next_update: Some(at(7 * 86_400)),
            single_extensions: None,
        }],
        response_extensions: extensions,
    };
    let signature = sign(&tbs_response_data.to_der().unwrap());
    let basic = BasicOcspResponse {
        tbs_response_data,
        signature_algorithm: x509_cert::spki::AlgorithmIdentifierOwned {
            oid: ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"),
            parameters: None,
        },
        signature: BitString::from_bytes(&signature).unwrap(),
        certs: shown,
    };
    let response = OcspResponse::successful(basic).unwrap();
    response.to_der().unwrap()
}

fn statuses(
    services: &Services,
    ask: &StatusAsk,
    now: UtcMicros,
) -> Result<super::StatusFound, String> {
    match services.run(&Wish::Statuses(vec![ask.clone()]), now) {
        Outcome::Statuses(mut found) => found.pop().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// The machine's own clock: a responder says what holds now.
fn now() -> UtcMicros {
    UtcMicros(net::clock::utc_micros())
}

#[test]
fn a_responder_of_openssl_is_understood_and_asked_once() {
    for (status, expected) in [("V", Status::Good), ("R", Status::Revoked)] {
        let ca = TestCa::new();
        let Some((url, hash)) = responder(&ca, status) else {
            return;
        };
        let services = services(&with_ocsp(&url));
        let found = statuses(&services, &ask(&hash, &url), now()).unwrap();
        assert_eq!(found.status, expected);
        assert!(
            found.is_proven,
            "openssl shows the root, and has signed with its key"
        );
        let week = 7 * 86_400 * 1_000_000;
        assert!((found.next_update.0 - now().0 - week).abs() < 600_000_000);
        // With the index gone, whoever asks again would hear nothing.
        std::fs::remove_file(ca.path("index.txt")).unwrap();
        std::fs::remove_file(ca.path("response")).unwrap();
        let again = statuses(&services, &ask(&hash, &url), now()).unwrap();
        assert_eq!(again.answer, found.answer);
        let served = again.answer.clone();
        let url = serve(move |_, _| (200, served.clone()));
        let services = self::services(&with_ocsp(&url));
        let mut other = ask(&hash, &url);
        other.serial_number = "7f".to_owned();
        assert_eq!(
            statuses(&services, &other, now()).unwrap_err(),
            "the responder's answer is about another certificate"
        );
        for days in [8, -1] {
            let then = UtcMicros(now().0 + days * 86_400 * 1_000_000);
            assert_eq!(
                statuses(&services, &ask(&hash, &url), then).unwrap_err(),
                "the responder's answer is not of now"
            );
        }
    }
}

#[test]
fn only_listed_responders_are_asked_and_their_answers_are_read_with_care() {
    let ca = TestCa::new();
    let [hash, ..] = hash::certificate_hashes(&(ca.pem.clone() + &ca.root)).unwrap();
    let mut turn = 0;
    let url = serve(move |_, _| {
        turn += 1;
        match turn {
            1 => (200, b"nonsense".to_vec()),
            // tryLater.
            2 => (200, vec![0x30, 3, 0x0a, 1, 3]),
            3 => (200, vec![0; 1 << 20]),
            _ => (404, Vec::new()),
        }
    });
    let services = services(&with_ocsp(&url));
    let refused = |ask: &StatusAsk| statuses(&services, ask, NOW).unwrap_err();
    let good = ask(&hash, &url);
    assert_eq!(
        refused(&good),
        "the responder's answer is no OCSP response in DER"
    );
    assert_eq!(refused(&good), "the responder answers TryLater");
    assert!(refused(&good).contains("limit"));
    assert!(refused(&good).contains("404"));
    for url in [
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "",
        "http://127.0.0.1:1/",
    ] {
        let problem = refused(&ask(&hash, url));
        assert_eq!(problem, format!("{url:?} is not among ocsp.responders"));
    }
    let mut nameless = good.clone();
    nameless.serial_number = "xyz".to_owned();
    assert!(refused(&nameless).starts_with("the certificate is not named by"));
    let mut nowhere = good;
    nowhere.urls.clear();
    assert_eq!(refused(&nowhere), "no responder is named");
}

#[test]
fn a_provider_of_contracts_is_sent_what_the_station_said() {
    let url = serve(|head, body| {
        assert!(!head.to_ascii_lowercase().contains("authorization"));
        (200, body.to_vec())
    });
    let config = CertificatesConfig {
        contracts: Some(http(&url)),
        ..CertificatesConfig::default()
    };
    let wish = Wish::Contract(ContractAsk {
        station: station(),
        version: "ocpp2.0.1",
        action: "Get15118EVCertificate",
        payload: r#"{"action":"Install"}"#.to_owned(),
    });
    let Outcome::Contract(answer) = services(&config).run(&wish, NOW) else {
        panic!("another outcome");
    };
    assert_eq!(
        answer.unwrap(),
        r#"{"action":"Get15118EVCertificate","payload":{"action":"Install"},"station":"CP1","tenant":"default","version":"ocpp2.0.1"}"#
    );
}

#[test]
fn where_nothing_is_configured_nothing_runs() {
    let services = services(&CertificatesConfig::default());
    assert!(services.start(|_, _| {}).unwrap().is_none());
}

/// The threads: what is handed in comes out, and they end with their handle.
#[test]
fn errands_come_back_to_their_shard() {
    let ca = TestCa::new();
    let (done, outcomes) = sync_channel(4);
    let desk = services(&with_ca(ca.signer())).start(move |errand, outcome| {
        done.send((errand.shard, errand.id, outcome)).unwrap();
    });
    let desk = desk.unwrap().unwrap();
    let wish = Wish::Check {
        csr: request("ACME", "CP1"),
        names: vec!["CP1".to_owned()],
    };
    let asker = Arc::new(());
    let errand = super::Errand {
        shard: 3,
        id: 7,
        wish,
        asker: Arc::downgrade(&asker),
    };
    desk.hand_in(errand).unwrap();
    let (shard, id, outcome) = outcomes.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!((shard, id), (3, 7));
    assert!(matches!(outcome, Outcome::Checked(Ok(_))));
    drop(desk);
    // The last sender is gone once every thread is.
    let ended = outcomes.recv_timeout(Duration::from_secs(60));
    assert_eq!(ended.unwrap_err(), RecvTimeoutError::Disconnected);
}

/// A provider that is slow keeps nobody at the door, and hears of nothing that nobody waits for any more.
#[test]
fn what_is_slow_keeps_no_station_at_the_door_and_what_is_given_up_is_not_asked() {
    let (go_on, may_go_on) = sync_channel::<()>(0);
    let (asked, was_asked) = sync_channel(16);
    let url = serve(move |_, body| {
        let said: serde_json::Value = serde_json::from_slice(body).unwrap();
        asked.send(said["payload"]["id"].as_u64().unwrap()).unwrap();
        // Nobody ever sends: it goes on when the other end is gone.
        let _ = may_go_on.recv();
        (200, b"{}".to_vec())
    });
    let config = CertificatesConfig {
        contracts: Some(HttpConfig {
            timeout: Duration::from_secs(300),
            ..http(&url)
        }),
        ..with_ocsp(&url)
    };
    let (done, outcomes) = sync_channel(16);
    let desk = services(&config).start(move |errand, _| done.send(errand.id).unwrap());
    let desk = desk.unwrap().unwrap();
    let contract = |id: u64| {
        Wish::Contract(ContractAsk {
            station: station(),
            version: "ocpp2.0.1",
            action: "Get15118EVCertificate",
            payload: format!(r#"{{"id":{id}}}"#),
        })
    };
    let hand_in = |id: u64, wish: Wish| {
        let asker = Arc::new(());
        let errand = super::Errand {
            shard: 0,
            id,
            wish,
            asker: Arc::downgrade(&asker),
        };
        desk.hand_in(errand).unwrap();
        asker
    };
    // As many as there are threads, and two that wait for one of those.
    let mut askers: Vec<_> = (0..6).map(|id| hand_in(id, contract(id))).collect();
    let _station = hand_in(7, Wish::Station(b"no certificate".to_vec()));
    let wait = Duration::from_secs(60);
    assert_eq!(outcomes.recv_timeout(wait), Ok(7));
    askers.remove(4);
    drop(go_on);
    let mut ended: Vec<_> = (0..5)
        .map(|_| outcomes.recv_timeout(wait).unwrap())
        .collect();
    ended.sort_unstable();
    assert_eq!(ended, [0, 1, 2, 3, 5]);
    drop(desk);
    assert_eq!(
        outcomes.recv_timeout(wait),
        Err(RecvTimeoutError::Disconnected)
    );
    let mut heard: Vec<_> = was_asked.try_iter().collect();
    heard.sort_unstable();
    assert_eq!(heard, [0, 1, 2, 3, 5]);
}
