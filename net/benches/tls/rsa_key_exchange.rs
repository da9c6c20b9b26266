//! The server's side of RSA key exchange, of OpenSSL at both ends.

use std::io::{self, Read, Write};

use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslSession, SslStream};
use openssl::x509::X509;

use super::*;

const RSA_KEY: &str = include_str!("../../src/tls/tests/rsa.pem");

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

/// A session after its handshake, its client, and what the server's side took.
fn connect(
    server: &TlsServer,
    client: &SslContext,
    session: Option<&SslSession>,
) -> (Session, SslStream<Wire>, Duration) {
    let mut ssl = Ssl::new(client).unwrap();
    if let Some(session) = session {
        // SAFETY: it is of the same context.
        unsafe { ssl.set_session(session).unwrap() }
    }
    ssl.set_connect_state();
    let mut client = SslStream::new(ssl, Wire::default()).unwrap();
    let begun = cpu();
    let mut side = server.accept().unwrap();
    let mut took = cpu() - begun;
    while !(side.is_established() && client.do_handshake().is_ok()) {
        let _ = client.do_handshake();
        let mut said = std::mem::take(&mut client.get_mut().to_server);
        let mut answer = Vec::new();
        let begun = cpu();
        side.feed(&mut said, &mut Vec::new(), &mut answer).unwrap();
        took += cpu() - begun;
        client.get_mut().to_client.extend(answer);
    }
    (side, client, took)
}

pub(crate) fn measure(mutual: bool, connections: usize) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "root");
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let identity = |name: &str| {
        let key = KeyPair::from_pem(RSA_KEY).unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &ca).unwrap();
        Identity {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    };
    let clients = ClientCertificates::Asked {
        roots: vec![ca.der().clone()],
        revocation_lists: Vec::new(),
        required: true,
    };
    let settings = ServerSettings {
        identities: vec![identity(NAME)],
        clients: match mutual {
            true => clients,
            false => ClientCertificates::Unasked,
        },
        version_min: TlsVersion::V12,
        tickets: Arc::new(TicketKeys::in_memory().unwrap()),
    };
    let server = TlsServer::with_rsa_key_exchange(settings).unwrap();
    let mut client = SslContextBuilder::new(SslMethod::tls_client()).unwrap();
    let version = Some(openssl::ssl::SslVersion::TLS1_2);
    client.set_max_proto_version(version).unwrap();
    client.set_cipher_list("AES128-GCM-SHA256").unwrap();
    if mutual {
        let own = identity("CP-1");
        let key = PKey::private_key_from_der(own.key.secret_der()).unwrap();
        client.set_private_key(&key).unwrap();
        let certificate = X509::from_der(&own.chain[0]).unwrap();
        client.set_certificate(&certificate).unwrap();
    }
    let client = client.build();

    let (mut full, mut resumed) = (Duration::ZERO, Duration::ZERO);
    let mut sides = Vec::with_capacity(connections);
    for _ in 0..connections {
        let (side, mut first, took) = connect(&server, &client, None);
        full += took;
        first.shutdown().unwrap();
        let session = first.ssl().session().unwrap().to_owned();
        let (again, _, took) = connect(&server, &client, Some(&session));
        resumed += took;
        assert!(again.peer().unwrap().resumed);
        sides.push(side);
    }
    let before = held();
    let places = sides.capacity() * size_of::<Session>();
    drop(sides);
    let freed = before - held() - places;
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / connections as f64;
    println!(
        "{:<7} {:<7} {:<9} {:>10}  {:>7.1}  {:>10.1}  {:>12}",
        "1.2",
        if mutual { "mutual" } else { "none" },
        "TLS_RSA",
        freed / connections + size_of::<Session>(),
        micros(full),
        micros(resumed),
        "-",
    );
}
