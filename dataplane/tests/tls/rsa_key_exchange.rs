//! Stations that have nothing better than RSA key exchange, as OpenSSL's client speaks it (A00.FR.318, A00.FR.421).

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use super::*;

/// For tests only; rcgen makes none with ring.
const RSA_KEY: &str = include_str!("../../../net/src/tls/tests/rsa.pem");

const SUITES: [&str; 4] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
];

/// The server of `ca` with a second certificate, of RSA.
fn config(ca: &Ca, required: Option<bool>) -> Config {
    let key = KeyPair::from_pem(RSA_KEY).unwrap();
    let certificate = subject("ACME", NAME).signed_by(&key, &ca.issuer).unwrap();
    let files = IdentityFiles {
        certificate: ca.file("rsa.pem"),
        key: ca.file("rsa.key"),
    };
    std::fs::write(&files.certificate, certificate.pem()).unwrap();
    std::fs::write(&files.key, RSA_KEY).unwrap();
    let mut config = ca.config(2, required);
    let tls = config.tls.as_mut().unwrap();
    tls.identities.push(files);
    tls.rsa_key_exchange = true;
    config
}

/// A connection that OpenSSL's client holds, with one suite of 1.2.
struct Through {
    client: Child,
    socket: UnixStream,
}

impl Through {
    fn new(ca: &Ca, server: &Server, suite: &str, args: &[&str]) -> std::io::Result<Through> {
        let (socket, of_client) = UnixStream::pair()?;
        socket.set_read_timeout(Some(support::PATIENCE))?;
        let of_client = OwnedFd::from(of_client);
        let addr = server.dataplane.tls_addrs()[0].to_string();
        let mut client = Command::new("openssl");
        client.args(["s_client", "-quiet", "-connect", &addr, "-servername", NAME]);
        client.args(["-verify_hostname", NAME, "-verify_return_error", "-CAfile"]);
        client.arg(ca.file("root.pem"));
        client.args(["-tls1_2", "-cipher", suite]).args(args);
        client.stdin(Stdio::from(of_client.try_clone()?));
        client.stdout(Stdio::from(of_client));
        client.stderr(Stdio::null());
        let client = client.spawn()?;
        Ok(Through { client, socket })
    }
}

impl Drop for Through {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

impl Read for Through {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.socket.read(into)
    }
}

impl Write for Through {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.socket.flush()
    }
}

/// What the server shows to who has this suite alone: long enough a key, and the name of the endpoint.
fn check_shown(ca: &Ca, server: &Server, suite: &str, args: &[&str]) {
    let args = [&["-tls1_2", "-cipher", suite], args].concat();
    let (ok, text) = s_client(ca, server, &args, b"").unwrap();
    let bits = match suite.starts_with("ECDHE-ECDSA") {
        true => "Server public key is 256 bit",
        false => "Server public key is 2048 bit",
    };
    for expected in [
        &*format!("Cipher is {suite}"),
        "Protocol  : TLSv1.2",
        "Compression: NONE",
        "subject=O = ACME, CN = csms.example",
        bits,
    ] {
        assert!(ok && text.contains(expected), "{expected}\n{text}");
    }
}

/// With a password, each of the four suites, and a certificate with the name of the endpoint.
#[test]
fn tc_a_04_csms() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    let server = Server::start(&dir.path().join("data"), config(&ca, None));
    register(&server, "CP1");
    for suite in SUITES {
        let socket = match Through::new(&ca, &server, suite, &[]) {
            Ok(socket) => socket,
            Err(error) => return again::skipped(&format!("openssl: {error}")),
        };
        check_shown(&ca, &server, suite, &[]);
        let station = Station::try_over(socket, "CP1", "ocpp2.0.1", Some(PASSWORD), None);
        let mut station = cases::booted(station.unwrap());
        assert!(station.call("Heartbeat", "{}").contains("currentTime"));
    }
    // Others are served as ever.
    let socket = dial_tls(&server, &ca.client(None)).unwrap();
    assert_eq!(
        socket.conn.protocol_version(),
        Some(rustls::ProtocolVersion::TLSv1_3)
    );
    let station = Station::try_over(socket, "CP1", "ocpp2.0.1", Some(PASSWORD), None);
    cases::booted(station.unwrap());
    assert_eq!(entries(&server), [Security::TlsBasic; 5]);
    server.stop();
}

/// The same with certificates of stations, of ECDSA and of RSA.
#[test]
fn tc_a_07_csms() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    let server = Server::start(&dir.path().join("data"), config(&ca, Some(true)));
    register(&server, "CP1");
    let keys = [
        KeyPair::generate().unwrap(),
        KeyPair::from_pem(RSA_KEY).unwrap(),
    ];
    for (key, name) in keys.iter().zip(["ecdsa", "rsa"]) {
        let certificate = subject("ACME", "CP1").signed_by(key, &ca.issuer).unwrap();
        let [pem, key_pem] = ["pem", "key"].map(|kind| ca.file(&format!("station-{name}.{kind}")));
        std::fs::write(&pem, certificate.pem()).unwrap();
        std::fs::write(&key_pem, key.serialize_pem()).unwrap();
        let shown = [
            "-cert",
            pem.to_str().unwrap(),
            "-key",
            key_pem.to_str().unwrap(),
        ];
        for suite in SUITES {
            let socket = match Through::new(&ca, &server, suite, &shown) {
                Ok(socket) => socket,
                Err(error) => return again::skipped(&format!("openssl: {error}")),
            };
            check_shown(&ca, &server, suite, &shown);
            let station = Station::try_over(socket, "CP1", "ocpp2.0.1", None, None);
            cases::booted(station.unwrap());
        }
    }
    assert_eq!(entries(&server), [Security::Certificate; 8]);
    assert_eq!(certificate_events(&server), [""; 0]);
    server.stop();
}

#[test]
fn who_shows_no_certificate_of_its_own_does_not_come_in_with_rsa_key_exchange_either() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ca = Ca::new(dir.path());
    ca.revoke(&[7]);
    let server = Server::start(&dir.path().join("data"), config(&ca, Some(true)));
    register(&server, "CP1");
    let foreign = Ca::new(other.path());
    let identity = |ca: &Ca, name: &str, params: &CertificateParams| {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &ca.issuer).unwrap();
        let [pem, key_pem] = ["pem", "key"].map(|kind| ca.file(&format!("{name}.{kind}")));
        std::fs::write(&pem, certificate.pem()).unwrap();
        std::fs::write(&key_pem, key.serialize_pem()).unwrap();
        [pem, key_pem].map(|path| path.to_str().unwrap().to_owned())
    };
    let with = |change: fn(&mut CertificateParams)| {
        let mut params = subject("ACME", "CP1");
        change(&mut params);
        params
    };
    let revoked = with(|params| params.serial_number = Some(SerialNumber::from(7)));
    let expired = with(|params| params.not_after = date_time_ymd(2020, 1, 1));
    for files in [
        None,
        Some(identity(&ca, "revoked", &revoked)),
        Some(identity(&ca, "expired", &expired)),
        Some(identity(&foreign, "foreign", &with(|_| {}))),
    ] {
        let shown = files
            .iter()
            .flat_map(|[pem, key]| ["-cert", pem, "-key", key]);
        let args: Vec<_> = ["-tls1_2", "-cipher", "AES128-GCM-SHA256"]
            .into_iter()
            .chain(shown)
            .collect();
        match s_client(&ca, &server, &args, b"") {
            Ok((ok, text)) => assert!(!ok, "{text}"),
            Err(error) => return again::skipped(&format!("openssl: {error}")),
        }
    }
    assert_eq!(entries(&server), []);
    assert_eq!(
        certificate_events(&server),
        [
            "the peer's certificate is revoked",
            "the peer's certificate has expired",
            "a signature of the peer's certificate, or with it, is wrong or too weak",
        ]
    );
    // What is revoked later is refused later.
    let good = with(|params| params.serial_number = Some(SerialNumber::from(8)));
    let good = identity(&ca, "good", &good);
    let shown = ["-cert", &good[0], "-key", &good[1]];
    let connect = || {
        let socket = Through::new(&ca, &server, "AES128-GCM-SHA256", &shown).unwrap();
        Station::try_over(socket, "CP1", "ocpp2.0.1", None, None)
    };
    assert!(connect().is_ok());
    ca.revoke(&[7, 8]);
    server.dataplane.tls().unwrap().reload().unwrap();
    let args = [&["-tls1_2", "-cipher", "AES128-GCM-SHA256"], &shown[..]].concat();
    let (ok, text) = s_client(&ca, &server, &args, b"").unwrap();
    assert!(!ok, "{text}");
    server.stop();
}
