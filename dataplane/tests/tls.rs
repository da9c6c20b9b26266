//! Stations over TLS: what they are shown, what they must show, and what they do not come in with (OCPP 2.0.1 Part 2, A00, A05).

#![expect(clippy::unwrap_used, reason = "a test")]

mod again;
#[path = "tls/attacks.rs"]
mod attacks;
#[path = "tls/cases.rs"]
mod cases;
#[path = "tls/revocation.rs"]
mod revocation;
#[cfg(feature = "openssl")]
#[path = "tls/rsa_key_exchange.rs"]
mod rsa_key_exchange;
mod support;
#[path = "support/waiting.rs"]
mod waiting;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dataplane::{
    ClientFiles, Config, IdentityFiles, Password, RegisterMode, Registration, RevocationCheck,
    StationPatch, TlsConfig,
};
use fleet::Seq;
use fleet::record::Security;
use fleet::wire::Fact;
use net::tls::{CertificateDer, ClientSettings, Identity, TlsClient, TlsVersion, Trust};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::{HandshakeKind, StreamOwned};
use support::{Server, Station, config, dial};

const NAME: &str = "csms.example";
const PASSWORD: &str = "0123456789abcdef";
const BOOT: &str = r#"{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V","serialNumber":"SN-7"}}"#;

/// A CA, and the files of a server that it has signed.
struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: PathBuf,
}

fn subject(organization: &str, name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, organization);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Ca {
    fn new(dir: &Path) -> Ca {
        let mut params = subject("ACME", "Root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let ca = Ca {
            issuer,
            dir: dir.to_owned(),
        };
        std::fs::write(ca.file("root.pem"), ca.issuer.pem()).unwrap();
        ca.renew();
        ca.revoke(&[]);
        ca
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Another certificate for the server.
    fn renew(&self) {
        let key = KeyPair::generate().unwrap();
        let certificate = subject("ACME", NAME).signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.file("server.pem"), certificate.pem()).unwrap();
        std::fs::write(self.file("server.key"), key.serialize_pem()).unwrap();
    }

    fn revoke(&self, serials: &[u64]) {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2099, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let pem = list.signed_by(&self.issuer).unwrap().pem().unwrap();
        std::fs::write(self.file("revoked.pem"), pem).unwrap();
    }

    fn station(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }

    /// Where the server asks for certificates, if at all.
    fn config(&self, shards: usize, required: Option<bool>) -> Config {
        Config {
            tls: Some(TlsConfig {
                listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
                identities: vec![IdentityFiles {
                    certificate: self.file("server.pem"),
                    key: self.file("server.key"),
                }],
                version_min: TlsVersion::V12,
                rsa_key_exchange: false,
                clients: required.map(|required| ClientFiles {
                    roots: self.file("root.pem"),
                    revocation_lists: vec![self.file("revoked.pem")],
                    organizations: vec!["ACME".into()],
                    required,
                    revocation: RevocationCheck::None,
                }),
            }),
            ..config(shards)
        }
    }

    fn client(&self, identity: Option<Identity>) -> TlsClient {
        let roots = Trust::Roots(vec![self.issuer.der().clone()]);
        let settings = ClientSettings {
            identity,
            ..ClientSettings::new(roots, NAME)
        };
        TlsClient::new(settings).unwrap()
    }
}

type Secured = StreamOwned<rustls::ClientConnection, std::net::TcpStream>;

/// A connection whose handshake is through, or what it failed with.
fn dial_tls(server: &Server, client: &TlsClient) -> std::io::Result<Secured> {
    let socket = dial(server.dataplane.tls_addrs()[0]);
    let mut secured = StreamOwned::new(client.buffered().unwrap(), socket);
    while secured.conn.is_handshaking() {
        secured.conn.complete_io(&mut secured.sock)?;
    }
    Ok(secured)
}

fn connect(
    server: &Server,
    client: &TlsClient,
    identity: &str,
    password: Option<&str>,
) -> Result<Station, u16> {
    let socket = dial_tls(server, client).unwrap();
    Station::try_over(socket, identity, "ocpp2.0.1", password, None)
}

/// Every record of every log up to now: what a registration waits for stands behind them.
fn records(server: &Server) -> Vec<Fact> {
    for n in 0..8 {
        register(server, &format!("last-{n}"));
    }
    let mut facts = Vec::new();
    for log in server.dataplane.logs() {
        let mut reader = log.reader(Seq(1));
        while let Some((_, bytes)) = reader.next().unwrap() {
            facts.push(fleet::wire::read(bytes).unwrap().body.to_fact().unwrap());
        }
    }
    facts
}

/// How stations came in, in the order of the logs.
fn entries(server: &Server) -> Vec<Security> {
    let entry = |fact| match fact {
        Fact::Connected(connected) => Security::from_code(connected.security),
        _ => None,
    };
    records(server).into_iter().filter_map(entry).collect()
}

/// What certificates were noted for (A00.FR.408), in the order of the logs.
fn certificate_events(server: &Server) -> Vec<String> {
    let event = |fact| match fact {
        Fact::SecurityEvent(event) => Some(event),
        _ => None,
    };
    let events = records(server).into_iter().filter_map(event);
    let said = events.map(|event| {
        assert_eq!(event.event_type, "InvalidChargingStationCertificate");
        assert!(event.critical);
        let (who, what) = event.info.split_once(": ").unwrap();
        assert_eq!(who, "seen by the server");
        what.to_owned()
    });
    said.collect()
}

fn register(server: &Server, identity: &str) {
    let password = Some(Password::new(PASSWORD).unwrap());
    patch(
        server,
        identity,
        StationPatch {
            password: Some(password),
            ..StationPatch::default()
        },
    );
}

fn patch(server: &Server, identity: &str, patch: StationPatch) {
    let key = fleet::StationKey::new("default", identity).unwrap();
    let router = server.dataplane.router();
    let registration = Registration { key, patch };
    let registered = router.register(registration, RegisterMode::Upsert, "admin");
    waiting::block_on(registered).unwrap().unwrap();
}

#[test]
fn stations_come_in_with_a_password_on_any_shard_and_go_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    let data = dir.path().join("data");
    let server = Server::start(&data, ca.config(2, None));
    let clients: Vec<_> = (0..4).map(|_| ca.client(None)).collect();
    let identities = ["CP1", "CP2", "CP3", "CP4"];
    for identity in identities {
        register(&server, identity);
    }
    for (client, identity) in clients.iter().zip(identities) {
        assert_eq!(connect(&server, client, identity, None).err(), Some(401));
        let mut station = connect(&server, client, identity, Some(PASSWORD)).unwrap();
        assert!(station.call("BootNotification", BOOT).contains("Accepted"));
    }
    assert_eq!(entries(&server), [Security::TlsBasic; 4]);
    server.stop();

    let server = Server::start(&data, ca.config(1, None));
    for (client, identity) in clients.iter().zip(identities) {
        let socket = dial_tls(&server, client).unwrap();
        assert_eq!(socket.conn.handshake_kind(), Some(HandshakeKind::Resumed));
        let station = Station::try_over(socket, identity, "ocpp2.0.1", Some(PASSWORD), None);
        assert!(
            station
                .unwrap()
                .call("Heartbeat", "{}")
                .contains("currentTime")
        );
        // Never again without TLS (A05.FR.07).
        let plain =
            Station::try_connect(server.addr(), identity, "ocpp2.0.1", Some(PASSWORD), None);
        assert_eq!(plain.err(), Some(403));
    }
    // Unless an operator says so (A00.FR.005).
    patch(
        &server,
        "CP4",
        StationPatch {
            security_profile: Some(1),
            ..StationPatch::default()
        },
    );
    let plain = Station::try_connect(server.addr(), "CP4", "ocpp2.0.1", Some(PASSWORD), None);
    assert!(plain.is_ok());
    let refused = records(&server).into_iter().filter_map(|fact| match fact {
        Fact::ConnectionRefused(refused) => Some(refused.reason),
        _ => None,
    });
    let weaker = "security profile 1, at least 2 is wanted";
    assert_eq!(refused.filter(|reason| reason == weaker).count(), 4);
    server.stop();
}

#[test]
fn atk_06_a_certificate_lets_in_its_own_station_alone() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    let server = Server::start(&dir.path().join("data"), ca.config(2, Some(false)));
    let own = ca.client(Some(ca.station(&subject("ACME", "CP1"))));
    let mut station = connect(&server, &own, "CP1", None).unwrap();
    assert!(station.call("BootNotification", BOOT).contains("Accepted"));
    // By the serial number that it booted with (A00.FR.405), from an organization that is trusted (A00.FR.404).
    let serial = ca.client(Some(ca.station(&subject("ACME", "SN-7"))));
    assert!(connect(&server, &serial, "CP1", None).is_ok());
    for foreign in [subject("ACME", "CP2"), subject("OTHER", "CP1")] {
        let client = ca.client(Some(ca.station(&foreign)));
        assert_eq!(connect(&server, &client, "CP1", None).err(), Some(403));
    }
    // Profile 2 is weaker (A05.FR.07), and so is a plain connection.
    let anonymous = ca.client(None);
    assert_eq!(connect(&server, &anonymous, "CP1", None).err(), Some(403));
    let plain = Station::try_connect(server.addr(), "CP1", "ocpp2.0.1", None, None);
    assert_eq!(plain.err(), Some(403));
    assert_eq!(entries(&server), [Security::Certificate; 2]);
    assert_eq!(
        certificate_events(&server),
        [
            "its certificate is another station's",
            "its certificate is of another organization",
        ]
    );
    server.stop();
}

#[test]
fn atk_06_a_certificate_that_is_no_good_does_not_finish_the_handshake() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ca = Ca::new(dir.path());
    ca.revoke(&[7]);
    let server = Server::start(&dir.path().join("data"), ca.config(1, Some(true)));
    register(&server, "CP1");
    let with = |change: fn(&mut CertificateParams)| {
        let mut params = subject("ACME", "CP1");
        change(&mut params);
        Some(ca.station(&params))
    };
    let expired = with(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let early = with(|params| params.not_before = date_time_ymd(2090, 1, 1));
    let revoked = with(|params| params.serial_number = Some(SerialNumber::from(7)));
    let foreign = Some(Ca::new(other.path()).station(&subject("ACME", "CP1")));
    for (why, identity) in [
        ("expired", expired),
        ("early", early),
        ("revoked", revoked),
        ("foreign", foreign),
        ("none", None),
    ] {
        // With 1.3 a client learns it with the first bytes that it waits for.
        let refused = dial_tls(&server, &ca.client(identity)).and_then(|mut socket| {
            socket.write_all(b"GET / HTTP/1.1\r\n\r\n")?;
            socket.read(&mut [0; 1])
        });
        assert!(refused.is_err(), "{why}");
    }
    assert_eq!(entries(&server), []);
    assert_eq!(
        certificate_events(&server),
        [
            "the peer's certificate has expired",
            "the peer's certificate is not valid yet",
            "the peer's certificate is revoked",
            // Of a root that calls itself as ours does.
            "a signature of the peer's certificate, or with it, is wrong or too weak",
        ]
    );

    let good = ca.client(with(|params| {
        params.serial_number = Some(SerialNumber::from(8))
    }));
    assert!(connect(&server, &good, "CP1", None).is_ok());
    ca.revoke(&[7, 8]);
    server.dataplane.tls().unwrap().reload().unwrap();
    let refused = dial_tls(&server, &good).and_then(|mut socket| socket.read(&mut [0; 1]));
    assert!(refused.is_err(), "revoked since its ticket was made");
    server.stop();
}

#[test]
fn new_certificates_are_shown_to_new_connections_and_bad_ones_to_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    let server = Server::start(&dir.path().join("data"), ca.config(1, None));
    let shown = || -> CertificateDer<'static> {
        let socket = dial_tls(&server, &ca.client(None)).unwrap();
        socket.conn.peer_certificates().unwrap()[0].clone()
    };
    let first = shown();
    let mut station = connect(&server, &ca.client(None), "CP1", None).unwrap();
    ca.renew();
    let tls = server.dataplane.tls().unwrap();
    tls.reload().unwrap();
    let second = shown();
    assert_ne!(first, second);
    assert!(station.call("BootNotification", BOOT).contains("Accepted"));

    let told = |error: dataplane::TlsFilesError| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", source.unwrap_or_default())
    };
    let (certificate, key) = (ca.file("server.pem"), ca.file("server.key"));
    let other = KeyPair::generate().unwrap();
    let good_key = std::fs::read(&key).unwrap();
    std::fs::write(&key, other.serialize_pem()).unwrap();
    let error = told(tls.reload().unwrap_err());
    assert!(
        error.contains("server.key") && error.ends_with("the key is not that of the certificate"),
        "{error}"
    );
    std::fs::write(&key, "no key").unwrap();
    let error = told(tls.reload().unwrap_err());
    assert!(error.contains("server.key"), "{error}");
    assert!(
        error.ends_with("it has no block PRIVATE KEY that is not encrypted"),
        "{error}"
    );
    std::fs::write(&key, good_key).unwrap();
    std::fs::write(
        &certificate,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    let error = told(tls.reload().unwrap_err());
    assert!(
        error.contains("certificate 1 in ") && error.contains("server.pem"),
        "{error}"
    );
    std::fs::remove_file(&certificate).unwrap();
    let error = told(tls.reload().unwrap_err());
    assert!(
        error.starts_with("reading ") && error.contains("server.pem"),
        "{error}"
    );
    assert_eq!(shown(), second);
    server.stop();
}

#[test]
fn a_reload_reaches_all_listeners_or_none() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    ca.revoke(&[]);
    let server = Server::start(&dir.path().join("data"), ca.config(1, Some(false)));
    let tls = server.dataplane.tls().unwrap();
    // What the API and SQL show.
    let before = tls.asking_nobody().config();
    ca.renew();
    std::fs::write(
        ca.file("revoked.pem"),
        "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
    )
    .unwrap();
    tls.reload().unwrap_err();
    assert!(Arc::ptr_eq(&before, &tls.asking_nobody().config()));
    ca.revoke(&[]);
    tls.reload().unwrap();
    assert!(!Arc::ptr_eq(&before, &tls.asking_nobody().config()));
    server.stop();
}

#[test]
fn a_peer_that_does_not_finish_its_handshake_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    let config = Config {
        handshake_timeout: Duration::from_secs(1),
        ..ca.config(1, None)
    };
    let server = Server::start(&dir.path().join("data"), config);
    let addr = server.dataplane.tls_addrs()[0];
    let mut hello = Vec::new();
    let mut client = ca.client(None).buffered().unwrap();
    client.write_tls(&mut hello).unwrap();
    // Nothing, the half of a ClientHello, and a handshake that stops in the middle.
    for said in [&[][..], &hello[..hello.len() / 2], &hello[..]] {
        let mut socket = dial(addr);
        socket.write_all(said).unwrap();
        let mut rest = Vec::new();
        let ended = socket.read_to_end(&mut rest);
        assert!(
            ended.is_ok() || ended.unwrap_err().kind() == std::io::ErrorKind::ConnectionReset,
            "{} bytes",
            said.len()
        );
    }
    // One that is through and says nothing more.
    let mut socket = dial_tls(&server, &ca.client(None)).unwrap();
    assert!(socket.read(&mut [0; 1]).is_err());
    server.stop();
}

#[test]
fn a_plain_request_on_the_port_of_tls_and_the_other_way_are_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    let server = Server::start(&dir.path().join("data"), ca.config(1, None));
    let addr = server.dataplane.tls_addrs()[0];
    let refused = Station::try_connect(addr, "CP1", "ocpp2.0.1", None, None).err();
    assert_eq!(refused, Some(400));

    Station::connect(server.addr(), "CP1", "ocpp2.0.1");
    let mut client = ca.client(None).buffered().unwrap();
    let mut socket = dial(server.addr());
    client.write_tls(&mut socket).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    server.stop();
}

#[test]
fn a_server_may_want_a_security_profile_of_all() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    let config = Config {
        security_profile_min: 2,
        ..ca.config(1, None)
    };
    let server = Server::start(&dir.path().join("data"), config);
    register(&server, "CP1");
    let plain = Station::try_connect(server.addr(), "CP1", "ocpp2.0.1", Some(PASSWORD), None);
    assert_eq!(plain.err(), Some(403));
    let client = ca.client(None);
    assert_eq!(connect(&server, &client, "CP2", None).err(), Some(403));
    assert!(connect(&server, &client, "CP1", Some(PASSWORD)).is_ok());
    server.stop();
}

/// OpenSSL's client with the server, where there is one. Says what it did and whether that went well.
fn s_client(
    ca: &Ca,
    server: &Server,
    args: &[&str],
    said: &[u8],
) -> std::io::Result<(bool, String)> {
    let addr = server.dataplane.tls_addrs()[0].to_string();
    let root = ca.file("root.pem");
    let mut client = std::process::Command::new("openssl");
    client.args(["s_client", "-connect", &addr, "-servername", NAME]);
    client.args(["-verify_hostname", NAME, "-verify_return_error"]);
    client.arg("-CAfile").arg(root).args(args);
    client.stdin(std::process::Stdio::piped());
    client.stdout(std::process::Stdio::piped());
    client.stderr(std::process::Stdio::piped());
    let mut client = client.spawn()?;
    // It may be gone by then.
    let _ = client.stdin.take().unwrap().write_all(said);
    let output = client.wait_with_output()?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok((output.status.success(), text))
}

#[test]
fn atk_07_openssl_is_given_what_is_safe_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    let server = Server::start(&dir.path().join("data"), ca.config(1, None));
    for (args, expected) in [
        (&["-tls1_2"][..], "Protocol  : TLSv1.2"),
        (&["-tls1_3"], "TLSv1.3"),
        (
            &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"],
            "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256",
        ),
        (
            &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"],
            "Cipher is ECDHE-ECDSA-AES256-GCM-SHA384",
        ),
        (
            &["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"],
            "Cipher is ECDHE-ECDSA-CHACHA20-POLY1305",
        ),
        (
            &["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"],
            "Cipher is TLS_AES_128_GCM_SHA256",
        ),
        (&["-tls1_2", "-comp"], "Compression: NONE"),
        (&["-alpn", "http/1.1"], "ALPN protocol: http/1.1"),
        (&["-tls1_2", "-reconnect"], "Reused, TLSv1.2"),
    ] {
        let (ok, text) = match s_client(&ca, &server, args, b"") {
            Ok(said) => said,
            Err(error) => return again::skipped(&format!("openssl: {error}")),
        };
        assert!(ok && text.contains(expected), "{args:?}\n{text}");
    }
    for args in [
        &["-tls1_1", "-cipher", "ALL@SECLEVEL=0"][..],
        &["-tls1", "-cipher", "ALL@SECLEVEL=0"],
        // RSA key exchange, CBC, no certificate at all.
        &["-tls1_2", "-cipher", "AES128-GCM-SHA256:AES256-GCM-SHA384"],
        &[
            "-tls1_2",
            "-cipher",
            "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384",
        ],
        &["-tls1_2", "-cipher", "ADH:@SECLEVEL=0"],
        &["-alpn", "h2"],
    ] {
        let (ok, text) = s_client(&ca, &server, args, b"").unwrap();
        assert!(!ok, "{args:?}\n{text}");
    }
    let (_, text) = s_client(&ca, &server, &["-tls1_2"], b"R\n").unwrap();
    assert!(
        text.contains("RENEGOTIATING") && text.contains("no renegotiation"),
        "{text}"
    );
    // A session that may be resumed, and a client with something to say before the handshake: its ticket allows no byte
    // of that. The request has the server end the connection, so that the ticket is there by then.
    let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let [session, early] = ["session.pem", "early"].map(|name| ca.file(name));
    std::fs::write(&early, request).unwrap();
    let [session, early] = [&session, &early].map(|path| path.to_str().unwrap());
    let args = ["-tls1_3", "-ign_eof", "-sess_out", session];
    let (_, text) = s_client(&ca, &server, &args, request).unwrap();
    assert!(
        text.contains("New, TLSv1.3") && text.contains("Max Early Data: 0"),
        "{text}"
    );
    let args = [
        "-tls1_3",
        "-ign_eof",
        "-sess_in",
        session,
        "-early_data",
        early,
    ];
    let (_, text) = s_client(&ca, &server, &args, request).unwrap();
    assert!(
        text.contains("Reused, TLSv1.3") && text.contains("Early data was not sent"),
        "{text}"
    );
    server.stop();
}

#[test]
fn all_of_this_holds_on_io_uring() {
    again::run_on_io_uring("all_of_this_holds_on_io_uring");
}
