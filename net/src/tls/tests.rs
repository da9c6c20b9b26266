//! Two sessions that speak to each other in memory. With the feature `openssl` all of it is run again with OpenSSL as the
//! server: `again`.

#[cfg(feature = "openssl")]
mod again;
#[cfg(feature = "openssl")]
mod rsa_key_exchange;

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use rustls::pki_types::CertificateRevocationListDer;

use super::*;

/// For tests only; rcgen makes none with ring.
const RSA_KEY: &str = include_str!("tests/rsa.pem");

const NAME: &str = "csms.example";

struct Ca(CertifiedIssuer<'static, KeyPair>);

impl Ca {
    fn new(name: &str) -> Ca {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ca(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    fn sign(&self, params: &CertificateParams, key: &KeyPair) -> Identity {
        let issuer: &Issuer<'_, KeyPair> = &self.0;
        let certificate = params.signed_by(key, issuer).unwrap();
        Identity {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }

    fn identity(&self, name: &str) -> Identity {
        self.sign(&params(name), &KeyPair::generate().unwrap())
    }

    fn rsa_identity(&self, name: &str) -> Identity {
        self.sign(&params(name), &KeyPair::from_pem(RSA_KEY).unwrap())
    }

    /// A list with these serial numbers.
    fn revoked(&self, serials: &[u64]) -> CertificateRevocationListDer<'static> {
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2099, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials
                .iter()
                .map(|serial| RevokedCertParams {
                    serial_number: SerialNumber::from(*serial),
                    revocation_time: date_time_ymd(2026, 1, 1),
                    reason_code: None,
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.0).unwrap().der().clone()
    }
}

/// Says that the server under test is OpenSSL.
#[cfg(feature = "openssl")]
const OPENSSL: &str = "SIGEC_TEST_OPENSSL";

#[cfg(feature = "openssl")]
fn is_openssl() -> bool {
    std::env::var_os(OPENSSL).is_some()
}

#[cfg(not(feature = "openssl"))]
fn is_openssl() -> bool {
    false
}

/// A server of the library under test.
fn serve(settings: ServerSettings) -> Result<TlsServer, TlsError> {
    #[cfg(feature = "openssl")]
    if is_openssl() {
        return TlsServer::of_openssl(settings);
    }
    TlsServer::new(settings)
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn tickets() -> Arc<TicketKeys> {
    Arc::new(TicketKeys::in_memory().unwrap())
}

fn server_settings(identities: Vec<Identity>) -> ServerSettings {
    ServerSettings {
        identities,
        clients: ClientCertificates::Unasked,
        version_min: TlsVersion::V12,
        tickets: tickets(),
    }
}

fn client_settings(ca: &Ca) -> ClientSettings {
    ClientSettings::new(Trust::Roots(vec![ca.der()]), NAME)
}

/// What one end has heard and has to say.
struct End {
    session: Session,
    heard: Vec<u8>,
    out: Vec<u8>,
    failure: Option<TlsFailure>,
}

impl End {
    fn new(session: Session) -> End {
        End {
            session,
            heard: Vec::new(),
            out: Vec::new(),
            failure: None,
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        let fed = self
            .session
            .feed(&mut bytes.to_vec(), &mut self.heard, &mut self.out);
        self.failure = self.failure.or(fed.err());
    }

    fn say(&mut self, text: &[u8]) {
        self.session.seal(text, &mut self.out).unwrap();
    }
}

struct Pair {
    server: End,
    client: End,
    /// Bytes that are handed over at a time.
    step: usize,
}

impl Pair {
    fn new(server: &TlsServer, client: &TlsClient) -> Pair {
        let mut pair = Pair {
            server: End::new(server.accept().unwrap()),
            client: End::new(client.connect().unwrap()),
            step: usize::MAX,
        };
        pair.client.feed(&[]);
        pair
    }

    /// Hands over what either has to say until neither has.
    fn settle(&mut self) -> &mut Pair {
        for _ in 0..100 {
            let to_server = std::mem::take(&mut self.client.out);
            let to_client = std::mem::take(&mut self.server.out);
            if to_server.is_empty() && to_client.is_empty() {
                return self;
            }
            let chunks = |bytes: &[u8], end: &mut End| {
                let step = self.step.min(bytes.len()).max(1);
                bytes.chunks(step).for_each(|chunk| end.feed(chunk));
            };
            chunks(&to_server, &mut self.server);
            chunks(&to_client, &mut self.client);
        }
        panic!("they never come to an end");
    }

    fn failures(&mut self) -> (Option<TlsFailure>, Option<TlsFailure>) {
        self.settle();
        (self.server.failure, self.client.failure)
    }
}

#[test]
fn both_versions_carry_bytes_both_ways() {
    let ca = Ca::new("root");
    let server = serve(server_settings(vec![ca.identity(NAME)])).unwrap();
    for version in [TlsVersion::V12, TlsVersion::V13] {
        let client = TlsClient::new(ClientSettings {
            version_min: version,
            version_max: version,
            ..client_settings(&ca)
        });
        let mut pair = Pair::new(&server, &client.unwrap());
        pair.settle();
        let long = vec![b'x'; 100_000];
        pair.client.say(b"hello");
        pair.server.say(&long);
        pair.settle();
        assert_eq!(pair.server.heard, b"hello");
        assert!(pair.client.heard == long);
        let peer = pair.server.session.peer().unwrap();
        assert_eq!((peer.version, peer.resumed), (version, false));
        assert_eq!(peer.certificate, None);
        let shown = pair.client.session.peer().unwrap().certificate;
        assert!(shown.is_some());

        pair.client.session.close(&mut pair.client.out);
        pair.settle();
        assert!(pair.server.session.is_closed_by_peer());
        assert_eq!(pair.failures(), (None, None));
    }
}

#[test]
fn who_speaks_and_breaks_the_protocol_in_one_breath_is_known_all_the_same() {
    let ca = Ca::new("ca");
    let server = serve(ServerSettings {
        clients: ClientCertificates::Asked {
            roots: vec![ca.der()],
            revocation_lists: Vec::new(),
            required: true,
        },
        ..server_settings(vec![ca.identity(NAME)])
    })
    .unwrap();
    let client = TlsClient::new(ClientSettings {
        identity: Some(ca.identity("CP1")),
        version_min: TlsVersion::V13,
        ..client_settings(&ca)
    })
    .unwrap();
    let mut pair = Pair::new(&server, &client);
    pair.client.feed(&[]);
    let hello = std::mem::take(&mut pair.client.out);
    pair.server.feed(&hello);
    let answer = std::mem::take(&mut pair.server.out);
    pair.client.feed(&answer);
    pair.client.say(b"GET / HTTP/1.1");
    let mut said = std::mem::take(&mut pair.client.out);
    // A record that nobody sealed.
    said.extend_from_slice(&[0x17, 3, 3, 0, 32]);
    said.extend_from_slice(&[0; 32]);
    pair.server.feed(&said);
    assert_eq!(pair.server.heard, b"GET / HTTP/1.1");
    assert_eq!(pair.server.failure, Some(TlsFailure::Broken));
    let peer = pair.server.session.peer().unwrap();
    assert!(peer.certificate.is_some(), "{peer:?}");
    // Whoever is given the session later hears of it too.
    let again = pair
        .server
        .session
        .feed(&mut [], &mut Vec::new(), &mut Vec::new());
    assert_eq!(again, Err(TlsFailure::Broken));
}

#[test]
fn records_may_be_cut_anywhere() {
    let ca = Ca::new("root");
    let server = serve(server_settings(vec![ca.identity(NAME)])).unwrap();
    for version in [TlsVersion::V12, TlsVersion::V13] {
        let client = TlsClient::new(ClientSettings {
            version_max: version,
            ..client_settings(&ca)
        });
        let client = client.unwrap();
        for step in [1, 2, 3, 5, 7, 64, 1000] {
            let mut pair = Pair::new(&server, &client);
            pair.step = step;
            pair.settle().client.say(b"one");
            pair.client.say(b" two");
            pair.server.say(b"three");
            assert_eq!(pair.failures(), (None, None), "{version:?}, {step}");
            assert_eq!(pair.server.heard, b"one two");
            assert_eq!(pair.client.heard, b"three");
            assert_eq!(pair.server.session.incoming_len(), 0);
        }
    }
}

#[test]
fn a_client_is_shown_the_certificate_that_it_can_check() {
    let ca = Ca::new("root");
    let (ecdsa, rsa) = (ca.identity(NAME), ca.rsa_identity(NAME));
    let server = serve(server_settings(vec![ecdsa.clone(), rsa.clone()])).unwrap();
    let shown = |suite: Option<rustls::CipherSuite>| {
        let provider = rustls::crypto::ring::default_provider();
        let suites = provider.cipher_suites.iter().copied();
        let provider = rustls::crypto::CryptoProvider {
            cipher_suites: suites
                .filter(|known| suite.is_none_or(|suite| known.suite() == suite))
                .collect(),
            ..provider
        };
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&versions(TlsVersion::V12, TlsVersion::V12))
            .unwrap()
            .with_root_certificates(roots(&[ca.der()]).unwrap())
            .with_no_client_auth();
        let client = TlsClient::with(config, NAME);
        let mut pair = Pair::new(&server, &client);
        assert_eq!(pair.failures(), (None, None), "{suite:?}");
        pair.client.session.peer().unwrap().certificate.unwrap()
    };
    assert_eq!(shown(None), ecdsa.chain[0]);
    let rsa_suite = rustls::CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
    assert_eq!(shown(Some(rsa_suite)), rsa.chain[0]);
    let ecdsa_suite = rustls::CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;
    assert_eq!(shown(Some(ecdsa_suite)), ecdsa.chain[0]);
}

#[test]
fn a_session_goes_on_at_another_server_with_the_same_keys_and_clients() {
    let ca = Ca::new("root");
    let settings = || server_settings(vec![ca.identity(NAME)]);
    let first = ServerSettings {
        clients: ClientCertificates::Asked {
            roots: vec![ca.der()],
            revocation_lists: vec![ca.revoked(&[7])],
            required: true,
        },
        ..settings()
    };
    let same = ServerSettings {
        identities: vec![ca.identity(NAME)],
        ..first.clone()
    };
    let revoking = ServerSettings {
        clients: ClientCertificates::Asked {
            roots: vec![ca.der()],
            revocation_lists: vec![ca.revoked(&[7, 8])],
            required: true,
        },
        ..first.clone()
    };
    let other_keys = ServerSettings {
        tickets: tickets(),
        ..first.clone()
    };
    for version in [TlsVersion::V12, TlsVersion::V13] {
        let again_at = |server: &ServerSettings| {
            let client = TlsClient::new(ClientSettings {
                identity: Some(ca.identity("CP-1")),
                version_max: version,
                ..client_settings(&ca)
            });
            let client = client.unwrap();
            let mut resumed = Vec::new();
            let mut certificates = Vec::new();
            for settings in [&first, server] {
                let server = serve(settings.clone()).unwrap();
                let mut pair = Pair::new(&server, &client);
                assert_eq!(pair.failures(), (None, None), "{version:?}");
                let peer = pair.server.session.peer().unwrap();
                resumed.push(peer.resumed);
                certificates.push(peer.certificate.unwrap());
            }
            assert_eq!(certificates[0], certificates[1]);
            assert!(!resumed[0]);
            resumed[1]
        };
        assert!(again_at(&first), "{version:?}");
        assert!(again_at(&same), "{version:?}");
        // What was revoked since is looked for again.
        assert!(!again_at(&revoking), "{version:?}");
        assert!(!again_at(&other_keys), "{version:?}");
    }
}

#[test]
fn what_has_no_version_protocol_or_suite_in_common_is_told_so() {
    let ca = Ca::new("root");
    let modern = ServerSettings {
        version_min: TlsVersion::V13,
        ..server_settings(vec![ca.identity(NAME)])
    };
    let server = serve(modern).unwrap();
    let old = TlsClient::new(ClientSettings {
        version_max: TlsVersion::V12,
        ..client_settings(&ca)
    });
    let mut pair = Pair::new(&server, &old.unwrap());
    let refused = Some(TlsFailure::RefusedByPeer);
    assert_eq!(pair.failures(), (Some(TlsFailure::Version), refused));

    let server = serve(server_settings(vec![ca.identity(NAME)])).unwrap();
    let wanting = |protocols: &[&str]| {
        let mut config = rustls::ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&versions(TlsVersion::V12, TlsVersion::V13))
            .unwrap()
            .with_root_certificates(roots(&[ca.der()]).unwrap())
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
        let client = TlsClient::with(config, NAME);
        Pair::new(&server, &client).failures()
    };
    assert_eq!(wanting(&["h2"]), (Some(TlsFailure::Protocol), refused));
    assert_eq!(wanting(&["h2", "http/1.1"]), (None, None));
    assert_eq!(wanting(&[]), (None, None));
}

/// As OpenSSL 1.0 would begin with at most version 1.`minor`, counted from SSL 3.
fn hello_of_old(minor: u8, suites: &[u16]) -> Vec<u8> {
    let mut body = vec![3, minor];
    body.extend_from_slice(&[7; 32]);
    body.push(0);
    body.extend_from_slice(&(suites.len() as u16 * 2).to_be_bytes());
    for suite in suites {
        body.extend_from_slice(&suite.to_be_bytes());
    }
    body.extend_from_slice(&[1, 0]);
    // Signature schemes, which came with 1.2: ECDSA on P-256.
    if minor == 3 {
        body.extend_from_slice(&[0, 8, 0, 13, 0, 4, 0, 2, 4, 3]);
    }
    let mut message = vec![1, 0];
    message.extend_from_slice(&(body.len() as u16).to_be_bytes());
    message.extend(body);
    let mut record = vec![0x16, 3, 1];
    record.extend_from_slice(&(message.len() as u16).to_be_bytes());
    record.extend(message);
    record
}

#[test]
fn garbage_and_old_peers_are_refused_in_words_that_they_understand() {
    let ca = Ca::new("root");
    let server = serve(server_settings(vec![ca.identity(NAME)])).unwrap();
    let said = |bytes: &[u8]| {
        let mut end = End::new(server.accept().unwrap());
        end.feed(bytes);
        assert!(end.heard.is_empty());
        // After a failure nothing is taken and nothing is said.
        let out = std::mem::take(&mut end.out);
        end.feed(bytes);
        end.session.close(&mut end.out);
        assert!(end.failure.is_none() || end.out.is_empty());
        (end.failure, out)
    };
    let alert = |code: u8| vec![0x15, 3, 3, 0, 2, 2, code];
    let (unexpected, handshake_failure, protocol_version) = (10, 40, 70);
    for minor in 0..=2 {
        let (failure, out) = said(&hello_of_old(minor, &[0xc02b]));
        assert_eq!(failure, Some(TlsFailure::Version), "{minor}");
        let expected = match (is_openssl(), minor) {
            (false, _) => alert(handshake_failure),
            // In a record of the peer's version, and with the alert for versions, which came with 1.0.
            (true, 0) => vec![0x15, 3, 0, 0, 2, 2, handshake_failure],
            (true, _) => vec![0x15, 3, minor, 0, 2, 2, protocol_version],
        };
        assert_eq!(out, expected, "{minor}");
    }
    // RC4 and 3DES; RSA key exchange with AES.
    for suites in [[0x0005, 0x000a], [0x009c, 0x009d]] {
        let (failure, out) = said(&hello_of_old(3, &suites));
        assert_eq!(failure, Some(TlsFailure::Parameters));
        assert_eq!(out, alert(handshake_failure));
    }

    let (failure, out) = said(b"GET /CP-1 HTTP/1.1\r\nHost: csms\r\n\r\n");
    assert_eq!(failure, Some(TlsFailure::NotTls));
    let out = String::from_utf8(out).unwrap();
    let (head, body) = out.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    assert!(
        head.contains(&format!("Content-Length: {}", body.len())),
        "{head}"
    );

    let (failure, out) = said(b"\x80\x2e\x01\x03\x01 as SSL 2 began");
    assert_eq!((failure, out), (Some(TlsFailure::NotTls), Vec::new()));
    let (failure, out) = said(&[0x16, 3, 1, 0, 4, 99, 0, 0, 0]);
    assert_eq!(
        (failure, out),
        (Some(TlsFailure::Broken), alert(unexpected))
    );
    assert_eq!(said(&[0x16, 3]), (None, Vec::new()));
}

#[test]
fn clients_show_certificates_that_are_good_or_do_not_come_in() {
    use CertificateFault::{Expired, Missing, NotYetValid, Purpose, Revoked, UnknownIssuer};

    let (ca, other) = (Ca::new("root"), Ca::new("other root"));
    let with = |change: &dyn Fn(&mut CertificateParams)| {
        let mut params = params("CP-1");
        change(&mut params);
        ca.sign(&params, &KeyPair::generate().unwrap())
    };
    let server = |required| {
        let settings = ServerSettings {
            clients: ClientCertificates::Asked {
                roots: vec![ca.der()],
                revocation_lists: vec![ca.revoked(&[7])],
                required,
            },
            ..server_settings(vec![ca.identity(NAME)])
        };
        serve(settings).unwrap()
    };
    let verdict = |identity: Option<Identity>, required| {
        let mut verdicts = [TlsVersion::V12, TlsVersion::V13].map(|version| {
            let client = TlsClient::new(ClientSettings {
                identity: identity.clone(),
                version_max: version,
                ..client_settings(&ca)
            });
            let mut pair = Pair::new(&server(required), &client.unwrap());
            let (failure, _) = pair.failures();
            assert_eq!(failure.is_none(), pair.server.session.is_established());
            let shown = identity.as_ref().filter(|_| failure.is_some());
            let refused = pair.server.session.refused_certificate();
            assert_eq!(refused, shown.map(|identity| &identity.chain[0]));
            failure
        });
        assert_eq!(verdicts[0], verdicts[1]);
        verdicts[1].take()
    };
    let refused = |fault| Some(TlsFailure::Certificate(fault));

    assert_eq!(verdict(Some(with(&|_| {})), true), None);
    assert_eq!(verdict(Some(ca.rsa_identity("CP-1")), true), None);
    assert_eq!(verdict(None, true), refused(Missing));
    assert_eq!(verdict(None, false), None);
    let expired = with(&|params| params.not_after = date_time_ymd(2020, 1, 1));
    assert_eq!(verdict(Some(expired), false), refused(Expired));
    let early = with(&|params| params.not_before = date_time_ymd(2090, 1, 1));
    assert_eq!(verdict(Some(early), false), refused(NotYetValid));
    let revoked = with(&|params| params.serial_number = Some(SerialNumber::from(7)));
    assert_eq!(verdict(Some(revoked), false), refused(Revoked));
    let foreign = other.identity("CP-1");
    assert_eq!(verdict(Some(foreign), true), refused(UnknownIssuer));
    let of_a_server = with(&|params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    });
    assert_eq!(verdict(Some(of_a_server), false), refused(Purpose));
}

#[test]
fn a_message_of_the_handshake_may_come_in_two_records() {
    let ca = Ca::new("root");
    let server = serve(server_settings(vec![ca.identity(NAME)])).unwrap();
    let client = TlsClient::new(ClientSettings {
        version_max: TlsVersion::V12,
        ..client_settings(&ca)
    });
    let mut pair = Pair::new(&server, &client.unwrap());
    // And nothing is sealed before the handshake is through.
    let hello = std::mem::take(&mut pair.client.out);
    let message = &hello[5..];
    let (first, second) = message.split_at(10);
    for part in [first, second] {
        let mut record = vec![0x16, 3, 1];
        record.extend_from_slice(&(part.len() as u16).to_be_bytes());
        record.extend_from_slice(part);
        pair.server.feed(&record);
        pair.server.say(b"too early");
    }
    pair.settle();
    pair.server.say(b"now");
    assert_eq!(pair.failures(), (None, None));
    assert_eq!(pair.client.heard, b"now");
}

#[test]
fn who_goes_on_from_an_earlier_session_says_nothing_before_the_handshake_is_through() {
    let ca = Ca::new("root");
    let server = serve(server_settings(vec![ca.identity(NAME)])).unwrap();
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&versions(TlsVersion::V13, TlsVersion::V13))
        .unwrap()
        .with_root_certificates(roots(&[ca.der()]).unwrap())
        .with_no_client_auth();
    config.enable_early_data = true;
    let wanting = TlsClient::with(config, NAME);
    for resumed in [false, true] {
        let mut client = wanting.buffered().unwrap();
        assert!(
            client.early_data().is_none(),
            "a server might hear it twice"
        );
        let mut server = End::new(server.accept().unwrap());
        for _ in 0..5 {
            let mut said = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut said).unwrap();
            }
            server.feed(&said);
            let answer = std::mem::take(&mut server.out);
            let mut answer = &answer[..];
            while !answer.is_empty() {
                client.read_tls(&mut answer).unwrap();
                client.process_new_packets().unwrap();
            }
        }
        assert_eq!(server.session.peer().unwrap().resumed, resumed);
    }
}

#[test]
fn settings_that_cannot_serve_say_which() {
    let ca = Ca::new("root");
    let said = |error: TlsError| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", source.unwrap_or_default())
    };
    let mixed = Identity {
        key: ca.identity(NAME).key,
        ..ca.identity(NAME)
    };
    let error = said(serve(server_settings(vec![mixed])).unwrap_err());
    assert!(error.contains("not that of the certificate"), "{error}");
    // Of 1,024 bits: nobody believes it any more (OCPP 2.0.1 Part 2, A00.FR.502).
    let weak = Identity {
        key: private_key(include_bytes!("tests/rsa1024.pem")).unwrap(),
        ..ca.identity(NAME)
    };
    let error = said(weak.check().unwrap_err());
    assert!(error.contains("RSA of 2048 to 8192 bits"), "{error}");
    let error = said(serve(server_settings(Vec::new())).unwrap_err());
    assert!(error.contains("no certificate to show"), "{error}");
    let nobody = ServerSettings {
        clients: ClientCertificates::Asked {
            roots: Vec::new(),
            revocation_lists: Vec::new(),
            required: true,
        },
        ..server_settings(vec![ca.identity(NAME)])
    };
    let error = said(serve(nobody).unwrap_err());
    assert!(error.contains("root"), "{error}");
    let broken = Trust::Roots(vec![ca.der(), CertificateDer::from(vec![1, 2, 3])]);
    let error = said(TlsClient::new(ClientSettings::new(broken, NAME)).unwrap_err());
    assert!(error.contains("root certificate 2"), "{error}");
    let error = said(TlsClient::new(ClientSettings::new(Trust::Anyone, "a b")).unwrap_err());
    assert!(error.contains("\"a b\""), "{error}");
}

#[test]
fn a_server_shows_its_new_certificate_to_new_clients_and_keeps_the_old_connections() {
    let ca = Ca::new("root");
    let (old, new) = (ca.identity(NAME), ca.identity(NAME));
    let settings = server_settings(vec![old.clone()]);
    let server = serve(settings.clone()).unwrap();
    let client = |resume| {
        let settings = ClientSettings {
            resume,
            ..client_settings(&ca)
        };
        TlsClient::new(settings).unwrap()
    };
    let mut first = Pair::new(&server, &client(false));
    first.settle();
    let wrong = ServerSettings {
        identities: Vec::new(),
        ..settings.clone()
    };
    assert!(server.replace(wrong).is_err());
    let renewed = ServerSettings {
        identities: vec![new.clone()],
        ..settings
    };
    server.clone().replace(renewed).unwrap();
    let mut second = Pair::new(&server, &client(false));
    second.settle();
    let shown = |pair: &Pair| pair.client.session.peer().unwrap().certificate.unwrap();
    assert_eq!(
        (shown(&first), shown(&second)),
        (old.chain[0].clone(), new.chain[0].clone())
    );
    first.client.say(b"still here");
    assert_eq!(first.failures(), (None, None));
    assert_eq!(first.server.heard, b"still here");
}

#[test]
fn pem_that_gives_nothing_says_why() {
    let key = KeyPair::generate().unwrap().serialize_pem();
    let ca = Ca::new("root");
    let certificate = ca.0.pem();
    assert_eq!(certificates(certificate.as_bytes()).unwrap(), [ca.der()]);
    assert!(private_key(key.as_bytes()).is_ok());
    assert!(private_key(RSA_KEY.as_bytes()).is_ok());
    let said = |error: PemError| error.to_string();
    assert_eq!(
        said(certificates(key.as_bytes()).unwrap_err()),
        "it has no block CERTIFICATE"
    );
    assert_eq!(
        said(revocation_lists(b"").unwrap_err()),
        "it has no block X509 CRL"
    );
    assert_eq!(
        said(private_key(certificate.as_bytes()).unwrap_err()),
        "it has no block PRIVATE KEY that is not encrypted"
    );
    let cut = &certificate[..certificate.len() / 2];
    assert_eq!(
        said(certificates(cut.as_bytes()).unwrap_err()),
        "it is no PEM"
    );
}

/// What somebody on the way does to the bytes of a client.
#[derive(Clone, Debug)]
enum Meddling {
    Flip {
        at: usize,
        bit: u8,
    },
    Cut {
        at: usize,
    },
    Insert {
        at: usize,
        bytes: Vec<u8>,
    },
    /// A record in the clear, of any kind.
    Record {
        kind: u8,
        bytes: Vec<u8>,
    },
    /// The same once more.
    Repeat,
}

impl Meddling {
    fn apply(&self, said: &mut Vec<u8>) {
        let place = |at: &usize| at % said.len().max(1);
        match self {
            Meddling::Flip { at, bit } => {
                let at = place(at);
                if let Some(byte) = said.get_mut(at) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Meddling::Cut { at } => said.truncate(place(at)),
            Meddling::Insert { at, bytes } => {
                let at = place(at);
                said.splice(at..at, bytes.iter().copied());
            }
            Meddling::Record { kind, bytes } => {
                said.extend_from_slice(&[*kind, 3, 3]);
                said.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
                said.extend_from_slice(bytes);
            }
            Meddling::Repeat => said.extend_from_within(..),
        }
    }
}

fn meddling() -> impl proptest::strategy::Strategy<Value = Meddling> {
    use proptest::prelude::*;

    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, bit)| Meddling::Flip { at, bit }),
        any::<usize>().prop_map(|at| Meddling::Cut { at }),
        (any::<usize>(), bytes()).prop_map(|(at, bytes)| Meddling::Insert { at, bytes }),
        (20u8..25, bytes()).prop_map(|(kind, bytes)| Meddling::Record { kind, bytes }),
        Just(Meddling::Repeat),
    ]
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 300, ..Default::default() })]

    #[test]
    fn meddling_with_bytes_ends_a_session_and_never_the_process(
        before in 0..4usize,
        meddlings in proptest::collection::vec(meddling(), 1..4),
        step in proptest::sample::select(vec![1, 7, 100, usize::MAX]),
        modern: bool,
        mutual: bool,
    ) {
        let (ca, ends) = &*ENDS;
        let server = &ends[usize::from(mutual)];
        let client = TlsClient::new(ClientSettings {
            version_max: if modern { TlsVersion::V13 } else { TlsVersion::V12 },
            identity: mutual.then(|| ca.identity("CP-1")),
            ..client_settings(ca)
        });
        let mut pair = Pair::new(server, &client.unwrap());
        let mut meddlings = meddlings.into_iter();
        for turn in 0..10 {
            let mut said = std::mem::take(&mut pair.client.out);
            if before <= turn && let Some(meddling) = meddlings.next() {
                meddling.apply(&mut said);
            }
            for piece in said.chunks(step.min(said.len()).max(1)) {
                pair.server.feed(piece);
                // Whatever it is in the middle of.
                let _ = pair.server.session.seal(b"to the client", &mut pair.server.out);
            }
            let answer = std::mem::take(&mut pair.server.out);
            pair.client.feed(&answer);
            let _ = pair.client.session.seal(b"to the server", &mut pair.client.out);
        }
        pair.server.session.close(&mut pair.server.out);
        // What is heard is what was said, however often, or nothing.
        let whole = b"to the server".repeat(20);
        proptest::prop_assert!(whole.starts_with(&pair.server.heard), "{:?}", pair.server.heard);
        proptest::prop_assert!(pair.server.session.incoming_len() < 100_000);
    }
}

/// A CA, and two servers of it: one that asks for certificates, and one that does not.
static ENDS: std::sync::LazyLock<(Ca, [TlsServer; 2])> = std::sync::LazyLock::new(|| {
    let ca = Ca::new("root");
    let server = |clients| {
        let settings = ServerSettings {
            clients,
            ..server_settings(vec![ca.identity(NAME)])
        };
        serve(settings).unwrap()
    };
    let asked = ClientCertificates::Asked {
        roots: vec![ca.der()],
        revocation_lists: Vec::new(),
        required: true,
    };
    let servers = [server(ClientCertificates::Unasked), server(asked)];
    (ca, servers)
});
