//! What a TLS connection costs the server: bytes of heap while it is idle, CPU for its handshake and for a Heartbeat.
//!
//! `cargo bench -p net --bench tls` measures; under `cargo test` it runs with few of each. Both ends lie in this process
//! and speak through memory: no socket, and of the thread's CPU time only what the server's side takes. "buffered" is the same
//! server with the buffers that rustls keeps for whoever does not bring memory of their own.

//!
//! With the feature `openssl` there are rows of a server that is OpenSSL's alone, and of RSA key exchange (RSA of 2048 bits). Their
//! bytes are what the C library's allocator says, which is the Rust program's too here.

#![expect(clippy::unwrap_used, reason = "a measurement")]
#![expect(
    clippy::print_stdout,
    reason = "what is measured is said on standard output"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use net::tls::{
    ClientCertificates, ClientSettings, Identity, PrivateKeyDer, ServerSettings, Session,
    TicketKeys, TlsClient, TlsServer, TlsVersion, Trust,
};
use rcgen::{CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

#[cfg(feature = "openssl")]
#[path = "tls/rsa_key_exchange.rs"]
mod rsa_key_exchange;

/// Bytes that are allocated now.
static HELD: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator as it came; counting touches nothing of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const NAME: &str = "csms.example";
/// A Heartbeat and its answer, in their frames.
const IN_LEN: usize = 63;
const OUT_LEN: usize = 87;

/// What serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Rustls with its own buffers.
    Buffered,
    Ours,
    #[cfg(feature = "openssl")]
    OpenSsl,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Kind::Buffered => "buffered",
            Kind::Ours => "ours",
            #[cfg(feature = "openssl")]
            Kind::OpenSsl => "openssl",
        }
    }
}

struct Ends {
    server: TlsServer,
    #[cfg(feature = "openssl")]
    openssl: TlsServer,
    /// The same for rustls' own buffers.
    config: Arc<rustls::ServerConfig>,
    client: Box<dyn Fn() -> TlsClient>,
}

fn ends(version: TlsVersion, mutual: bool) -> Ends {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "root");
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let identity = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &ca).unwrap();
        Identity {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    };
    let root = ca.der().clone();
    let (own, station) = (identity(NAME), identity("CP-1"));
    let clients = ClientCertificates::Asked {
        roots: vec![root.clone()],
        revocation_lists: Vec::new(),
        required: true,
    };
    let settings = ServerSettings {
        identities: vec![own],
        clients: if mutual {
            clients
        } else {
            ClientCertificates::Unasked
        },
        version_min: TlsVersion::V12,
        tickets: Arc::new(TicketKeys::in_memory().unwrap()),
    };
    let server = TlsServer::new(settings.clone()).unwrap();
    Ends {
        config: server.config(),
        #[cfg(feature = "openssl")]
        openssl: TlsServer::of_openssl(settings).unwrap(),
        server,
        client: Box::new(move || {
            let settings = ClientSettings {
                identity: mutual.then(|| station.clone()),
                version_max: version,
                ..ClientSettings::new(Trust::Roots(vec![root.clone()]), NAME)
            };
            TlsClient::new(settings).unwrap()
        }),
    }
}

/// The server's side, with memory of its own or of ours.
enum Side {
    Ours(Session, Vec<u8>),
    Buffered(rustls::ServerConnection),
}

impl Side {
    /// Takes what the client said, answers what there is to say to it.
    fn feed(&mut self, said: &mut [u8], plain: &mut Vec<u8>) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Side::Ours(session, _) => session.feed(said, plain, &mut out).unwrap(),
            Side::Buffered(connection) => {
                let mut said = &*said;
                while !said.is_empty() {
                    connection.read_tls(&mut said).unwrap();
                    let state = connection.process_new_packets().unwrap();
                    let at = plain.len();
                    plain.resize(at + state.plaintext_bytes_to_read(), 0);
                    connection.reader().read_exact(&mut plain[at..]).unwrap();
                }
                while connection.wants_write() {
                    connection.write_tls(&mut out).unwrap();
                }
            }
        }
        out
    }

    fn say(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Side::Ours(session, shared) => {
                shared.clear();
                session.seal(plain, shared).unwrap();
                out.extend_from_slice(shared);
            }
            Side::Buffered(connection) => {
                connection.writer().write_all(plain).unwrap();
                while connection.wants_write() {
                    connection.write_tls(&mut out).unwrap();
                }
            }
        }
        out
    }
}

/// A connection after its handshake, and what the server's side of that took.
fn connect(
    ends: &Ends,
    client: &TlsClient,
    kind: Kind,
) -> (Side, rustls::ClientConnection, Duration) {
    let mut client = client.buffered().unwrap();
    let mut took = Duration::ZERO;
    let mut plain = Vec::new();
    let begun = cpu();
    let mut side = match kind {
        Kind::Ours => Side::Ours(ends.server.accept().unwrap(), Vec::new()),
        #[cfg(feature = "openssl")]
        Kind::OpenSsl => Side::Ours(ends.openssl.accept().unwrap(), Vec::new()),
        Kind::Buffered => {
            let config = Arc::clone(&ends.config);
            Side::Buffered(rustls::ServerConnection::new(config).unwrap())
        }
    };
    took += cpu() - begun;
    loop {
        let mut said = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut said).unwrap();
        }
        if said.is_empty() {
            break;
        }
        let begun = cpu();
        let answer = side.feed(&mut said, &mut plain);
        took += cpu() - begun;
        hear(&mut client, &answer);
    }
    assert!(!client.is_handshaking());
    (side, client, took)
}

fn hear(client: &mut rustls::ClientConnection, mut said: &[u8]) -> usize {
    let mut heard = 0;
    while !said.is_empty() {
        client.read_tls(&mut said).unwrap();
        let len = client
            .process_new_packets()
            .unwrap()
            .plaintext_bytes_to_read();
        client.reader().read_exact(&mut vec![0; len]).unwrap();
        heard += len;
    }
    heard
}

/// One Heartbeat; what the server's side of it took.
fn heartbeat(side: &mut Side, client: &mut rustls::ClientConnection) -> Duration {
    client.writer().write_all(&[b'x'; IN_LEN]).unwrap();
    let mut said = Vec::new();
    client.write_tls(&mut said).unwrap();
    let mut plain = Vec::with_capacity(IN_LEN);
    let begun = cpu();
    let out = side.feed(&mut said, &mut plain);
    let answer = side.say(&[b'y'; OUT_LEN]);
    let took = cpu() - begun;
    black_box(out);
    assert_eq!((plain.len(), hear(client, &answer)), (IN_LEN, OUT_LEN));
    took
}

/// What this thread has had of its core.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (secs, nanos) = (time.tv_sec.unsigned_abs(), time.tv_nsec as u32);
    Duration::new(secs, nanos)
}

fn main() {
    let measuring = std::env::args().any(|arg| arg == "--bench");
    let (connections, heartbeats) = if measuring { (500, 20_000) } else { (3, 3) };
    println!("version clients server    bytes/idle  us/full  us/resumed  us/heartbeat");
    for version in [TlsVersion::V12, TlsVersion::V13] {
        for mutual in [false, true] {
            let ends = ends(version, mutual);
            for kind in [
                Kind::Buffered,
                Kind::Ours,
                #[cfg(feature = "openssl")]
                Kind::OpenSsl,
            ] {
                measure(&ends, version, mutual, kind, connections, heartbeats);
            }
        }
    }
    #[cfg(feature = "openssl")]
    for mutual in [false, true] {
        rsa_key_exchange::measure(mutual, connections);
    }
}

/// Bytes of heap that are held now, those of C among them where OpenSSL is.
fn held() -> usize {
    #[cfg(feature = "openssl")]
    {
        // SAFETY: it reads the allocator's counters.
        unsafe { libc::mallinfo2().uordblks }
    }
    #[cfg(not(feature = "openssl"))]
    {
        HELD.load(Ordering::Relaxed)
    }
}

fn measure(
    ends: &Ends,
    version: TlsVersion,
    mutual: bool,
    kind: Kind,
    connections: usize,
    heartbeats: usize,
) {
    let (mut sides, mut clients) = (Vec::new(), Vec::new());
    let (mut full, mut resumed) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..connections {
        let tls = (ends.client)();
        let (mut side, mut client, took) = connect(ends, &tls, kind);
        full += took;
        heartbeat(&mut side, &mut client);
        let (again, _, took) = connect(ends, &tls, kind);
        resumed += took;
        drop(again);
        sides.push(side);
        clients.push(client);
    }
    let mut busy = Duration::ZERO;
    for _ in 0..heartbeats {
        busy += heartbeat(&mut sides[0], &mut clients[0]);
    }
    // The shared memory of ours is a driver's, one for all.
    for side in &mut sides {
        if let Side::Ours(_, shared) = side {
            *shared = Vec::new();
        }
    }
    drop(clients);
    let inline = match &sides[0] {
        Side::Ours(..) => size_of::<Session>(),
        Side::Buffered(_) => size_of::<rustls::ServerConnection>(),
    };
    let before = held();
    let places = sides.capacity() * size_of::<Side>();
    drop(sides);
    let freed = before - held() - places;
    let micros = |time: Duration, count: usize| time.as_secs_f64() * 1e6 / count as f64;
    println!(
        "{:<7} {:<7} {:<9} {:>10}  {:>7.1}  {:>10.1}  {:>12.2}",
        version.as_str(),
        if mutual { "mutual" } else { "none" },
        kind.name(),
        freed / connections + inline,
        micros(full, connections),
        micros(resumed, connections),
        micros(busy, heartbeats),
    );
}
