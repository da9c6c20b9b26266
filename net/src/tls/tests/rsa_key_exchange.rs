//! What OpenSSL is there for: the suites of A00.FR.318 and A00.FR.421, shown by a client of OpenSSL, for rustls has no client
//! with RSA key exchange either.

use std::io::{self, Read, Write};

use ::openssl::pkey::PKey;
use ::openssl::ssl::{Ssl, SslContextBuilder, SslMethod, SslSession, SslStream, SslVersion};
use ::openssl::x509::X509;

use super::*;

/// What goes between the two.
#[derive(Default)]
struct Wire {
    to_client: Vec<u8>,
    to_server: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = into.len().min(self.to_client.len());
        into[..len].copy_from_slice(&self.to_client[..len]);
        self.to_client.drain(..len);
        match len {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            len => Ok(len),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to_server.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Meeting {
    server: End,
    client: SslStream<Wire>,
}

impl Meeting {
    /// A word each way.
    fn speak(&mut self) {
        self.client.write_all(b"hello").unwrap();
        let said = std::mem::take(&mut self.client.get_mut().to_server);
        self.server.feed(&said);
        assert_eq!(self.server.heard, b"hello");
        self.server.say(b"and back");
        self.client.get_mut().to_client = std::mem::take(&mut self.server.out);
        let mut heard = [0; 8];
        self.client.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"and back");
    }
}

/// A client that knows TLS 1.2 with these suites alone.
fn client(ca: &Ca, suites: &str, identity: Option<&Identity>) -> SslContextBuilder {
    let mut client = SslContextBuilder::new(SslMethod::tls_client()).unwrap();
    client
        .set_max_proto_version(Some(SslVersion::TLS1_2))
        .unwrap();
    client.set_cipher_list(suites).unwrap();
    let root = X509::from_der(&ca.der()).unwrap();
    client.cert_store_mut().add_cert(root).unwrap();
    client.set_verify(::openssl::ssl::SslVerifyMode::PEER);
    if let Some(identity) = identity {
        let key = PKey::private_key_from_der(identity.key.secret_der()).unwrap();
        client.set_private_key(&key).unwrap();
        let certificate = X509::from_der(&identity.chain[0]).unwrap();
        client.set_certificate(&certificate).unwrap();
    }
    client
}

fn meet(server: &TlsServer, client: SslContextBuilder, session: Option<&SslSession>) -> Meeting {
    let mut ssl = Ssl::new(&client.build()).unwrap();
    if let Some(session) = session {
        // SAFETY: the session is of a context like this one.
        #[expect(unsafe_code, reason = "a test")]
        unsafe {
            ssl.set_session(session).unwrap();
        }
    }
    ssl.set_connect_state();
    let mut meeting = Meeting {
        server: End::new(server.accept().unwrap()),
        client: SslStream::new(ssl, Wire::default()).unwrap(),
    };
    for _ in 0..10 {
        // What it fails with, the server is told.
        let _ = meeting.client.do_handshake();
        let said = std::mem::take(&mut meeting.client.get_mut().to_server);
        meeting.server.feed(&said);
        let answer = std::mem::take(&mut meeting.server.out);
        meeting.client.get_mut().to_client.extend(answer);
    }
    meeting
}

/// The server that a program has, and one that is OpenSSL's alone.
fn servers(ca: &Ca, clients: &ClientCertificates) -> [TlsServer; 2] {
    let settings = ServerSettings {
        clients: clients.clone(),
        ..server_settings(vec![ca.identity(NAME), ca.rsa_identity(NAME)])
    };
    [
        TlsServer::with_rsa_key_exchange(settings.clone()).unwrap(),
        TlsServer::of_openssl(settings).unwrap(),
    ]
}

fn asked(ca: &Ca) -> ClientCertificates {
    ClientCertificates::Asked {
        roots: vec![ca.der()],
        revocation_lists: vec![ca.revoked(&[7])],
        required: true,
    }
}

#[test]
fn all_four_suites_are_spoken_with_passwords_and_with_certificates_of_both_kinds() {
    let ca = Ca::new("root");
    let (ecdsa, rsa) = (ca.identity("CP-1"), ca.rsa_identity("CP-1"));
    for (suite, expected) in [
        (
            "ECDHE-ECDSA-AES128-GCM-SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        ),
        (
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        ),
        ("AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
        ("AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384"),
    ] {
        for identity in [None, Some(&ecdsa), Some(&rsa)] {
            let clients = identity.map_or(ClientCertificates::Unasked, |_| asked(&ca));
            for server in servers(&ca, &clients) {
                let mut meeting = meet(&server, client(&ca, suite, identity), None);
                assert_eq!(meeting.server.failure, None, "{suite}");
                let peer = meeting.server.session.peer().unwrap();
                assert_eq!((peer.version, &*peer.suite), (TlsVersion::V12, expected));
                let shown = identity.map(|identity| identity.chain[0].clone());
                assert_eq!(peer.certificate, shown, "{suite}");
                meeting.speak();
            }
        }
    }
}

#[test]
fn those_that_have_something_better_are_served_by_rustls() {
    let ca = Ca::new("root");
    let [shared, alone] = servers(&ca, &ClientCertificates::Unasked);
    // Each refuses an old version in its own way.
    let code = |server: &TlsServer, suites: &[u16]| {
        let mut end = End::new(server.accept().unwrap());
        let hello = hello_of_old(1, suites);
        let (first, rest) = hello.split_at(40);
        end.feed(first);
        assert_eq!((end.failure, end.out.len()), (None, 0));
        end.feed(rest);
        assert_eq!(end.failure, Some(TlsFailure::Version));
        end.out[6]
    };
    let (rustls, openssl) = (40, 70);
    for (suites, expected) in [(&[0x9c, 0xc02b], rustls), (&[0x9c, 0xc00a], openssl)] {
        assert_eq!(code(&shared, suites), expected);
        assert_eq!(code(&alone, suites), openssl);
    }
    let mut end = End::new(shared.accept().unwrap());
    end.say(b"too early");
    end.feed(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(end.failure, Some(TlsFailure::NotTls));
    assert!(end.out.starts_with(b"HTTP/1.1 400 "));
}

#[test]
fn who_has_forward_secrecy_is_given_it() {
    let ca = Ca::new("root");
    let [server, alone] = servers(&ca, &ClientCertificates::Unasked);
    let preferred_last = "AES128-GCM-SHA256:AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256";
    for server in [&server, &alone] {
        let meeting = meet(server, client(&ca, preferred_last, None), None);
        let peer = meeting.server.session.peer().unwrap();
        assert_eq!(peer.suite, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    }
    // CBC and 3DES with the same key exchange are not there, nor what signs nothing.
    for suites in [
        "AES128-SHA",
        "AES256-SHA256",
        "ADH-AES128-GCM-SHA256@SECLEVEL=0",
    ] {
        for server in [&server, &alone] {
            let meeting = meet(server, client(&ca, suites, None), None);
            let failure = meeting.server.failure;
            assert_eq!(failure, Some(TlsFailure::Parameters), "{suites}");
        }
    }
}

#[test]
fn without_an_identity_of_rsa_there_is_nothing_to_exchange_keys_with() {
    let ca = Ca::new("root");
    let settings = server_settings(vec![ca.identity(NAME)]);
    let refused = TlsServer::with_rsa_key_exchange(settings.clone()).unwrap_err();
    assert!(matches!(refused, TlsError::NoRsa), "{refused}");
    let server = TlsServer::of_openssl(settings).unwrap();
    let meeting = meet(&server, client(&ca, "AES128-GCM-SHA256", None), None);
    assert_eq!(meeting.server.failure, Some(TlsFailure::Parameters));
}

#[test]
fn a_session_of_rsa_key_exchange_goes_on_until_the_key_of_tickets_is_another() {
    let ca = Ca::new("root");
    let identity = ca.identity("CP-1");
    let settings = ServerSettings {
        clients: asked(&ca),
        ..server_settings(vec![ca.rsa_identity(NAME)])
    };
    let serve = |settings: &ServerSettings| TlsServer::with_rsa_key_exchange(settings.clone());
    let connect = |server: &TlsServer, session: Option<&SslSession>| {
        let client = client(&ca, "AES128-GCM-SHA256", Some(&identity));
        let mut meeting = meet(server, client, session);
        assert_eq!(meeting.server.failure, None);
        // One that just breaks off is none to go on from.
        meeting.client.shutdown().unwrap();
        let peer = meeting.server.session.peer().unwrap();
        assert_eq!(peer.certificate.as_ref(), Some(&identity.chain[0]));
        (
            peer.resumed,
            meeting.client.ssl().session().unwrap().to_owned(),
        )
    };
    let server = serve(&settings).unwrap();
    let (resumed, session) = connect(&server, None);
    assert!(!resumed);
    assert!(connect(&server, Some(&session)).0);
    assert!(connect(&serve(&settings).unwrap(), Some(&session)).0);
    // The same server, once its key is too old.
    settings
        .tickets
        .tidy(crate::clock::utc_micros() + 13 * 3_600 * 1_000_000);
    assert!(!connect(&server, Some(&session)).0);
}

#[test]
fn a_chain_goes_with_its_own_certificate_alone() {
    let ca = Ca::new("root");
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "between");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let issuer: &Issuer<'_, KeyPair> = &ca.0;
    let between = CertifiedIssuer::signed_by(params, key, issuer).unwrap();
    let between_der = between.der().clone();
    let mut ecdsa = Ca(between).identity(NAME);
    ecdsa.chain.push(between_der);
    let settings = server_settings(vec![ecdsa, ca.rsa_identity(NAME)]);
    let server = TlsServer::with_rsa_key_exchange(settings).unwrap();
    for (suite, expected) in [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", 2),
        ("AES128-GCM-SHA256", 1),
    ] {
        let meeting = meet(&server, client(&ca, suite, None), None);
        let shown = meeting.client.ssl().peer_cert_chain().unwrap();
        assert_eq!(
            (meeting.server.failure, shown.len()),
            (None, expected),
            "{suite}"
        );
    }
}
