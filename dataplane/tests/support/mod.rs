//! A station on a blocking socket, and a data plane in a temporary directory.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use dataplane::{Config, Dataplane};
use net::clock;
use net::driver::DriverKind;
use net::http::{
    ClientKey, ClientResponse, ClientUpgrade, parse_client_response, write_client_upgrade,
};
use net::ws::{
    Codec, DeflateOptions, DeflateWriter, Deflater, Inflater, Limits, MaskKey, Message, Role,
    write_text,
};
use storage::data_dir::{DataDir, DataDirError};
use storage::state::StateStore;

/// Longest wait for anything in these tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running data plane; the directory outlives it.
pub(crate) struct Server {
    pub(crate) dataplane: Dataplane,
    _dir: DataDir,
}

impl Server {
    pub(crate) fn start(path: &Path, config: Config) -> Self {
        Self::start_with_store(path, config).0
    }

    /// With the store behind it, for who means it harm.
    pub(crate) fn start_with_store(path: &Path, config: Config) -> (Self, StateStore) {
        let deadline = clock::monotonic_ns() + PATIENCE.as_nanos() as u64;
        // A process that another test starts holds every lock of this one until it has become another program.
        let dir = loop {
            match DataDir::open(path) {
                Err(DataDirError::Locked { .. }) if clock::monotonic_ns() < deadline => {
                    std::thread::yield_now();
                }
                opened => break opened.expect("a free directory"),
            }
        };
        let store = StateStore::open(&path.join("state")).expect("a state store");
        let wanted = config.driver;
        let dataplane = Dataplane::start(config, &dir, store.clone()).expect("a data plane");
        assert_eq!(dataplane.driver(), wanted);
        let server = Self {
            dataplane,
            _dir: dir,
        };
        (server, store)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.dataplane.addrs()[0]
    }

    pub(crate) fn stop(self) {
        self.dataplane.stop(PATIENCE).expect("a clean stop");
    }
}

/// Names the driver under test; nothing is epoll.
pub(crate) const UNDER_TEST: &str = "SIGEC_TEST_DRIVER";

/// Shards with small logs on a free port, on the driver under test.
pub(crate) fn config(shards: usize) -> Config {
    let mut config = Config {
        driver: match std::env::var_os(UNDER_TEST) {
            Some(_) => DriverKind::IoUring,
            None => DriverKind::Epoll,
        },
        listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        shards,
        ..Config::default()
    };
    config.log.segment_len = 8 << 20;
    config.log.bytes_max = 64 << 20;
    config
}

/// What a station speaks through.
pub(crate) trait Socket: Read + Write + Send {}
impl<T: Read + Write + Send> Socket for T {}

/// A socket whose waits end.
pub(crate) fn dial(addr: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(addr).expect("a listener");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    socket.set_nodelay(true).expect("a socket");
    socket
}

/// A station.
pub(crate) struct Station {
    socket: Box<dyn Socket>,
    codec: Codec,
    /// Where the server took the offer of compression.
    writer: Option<DeflateWriter>,
    deflater: Deflater,
    inflater: Inflater,
    input: Vec<u8>,
    heard: VecDeque<String>,
    next_id: u64,
}

impl Station {
    pub(crate) fn connect(addr: SocketAddr, identity: &str, protocol: &str) -> Self {
        Self::try_connect(addr, identity, protocol, None, None).expect("the server lets us in")
    }

    /// The status when it is not 101.
    pub(crate) fn try_connect(
        addr: SocketAddr,
        identity: &str,
        protocol: &str,
        password: Option<&str>,
        offer: Option<&DeflateOptions>,
    ) -> Result<Self, u16> {
        Self::try_over(dial(addr), identity, protocol, password, offer)
    }

    /// The same, through `socket`.
    pub(crate) fn try_over(
        mut socket: impl Socket + 'static,
        identity: &str,
        protocol: &str,
        password: Option<&str>,
        offer: Option<&DeflateOptions>,
    ) -> Result<Self, u16> {
        let key = ClientKey::new([7; 16]);
        let mut request = Vec::new();
        write_client_upgrade(
            &mut request,
            &ClientUpgrade {
                host: "localhost",
                target: &format!("/{identity}"),
                key: &key,
                protocols: &[protocol],
                basic: password.map(|password| (identity, password.as_bytes())),
                deflate: offer.copied(),
            },
        );
        socket.write_all(&request).expect("a server that reads");
        let mut input = Vec::new();
        loop {
            read_some(&mut socket, &mut input);
            let Some((response, len)) =
                parse_client_response(&input, &key, offer).expect("good HTTP")
            else {
                continue;
            };
            match response {
                ClientResponse::Switched { deflate, .. } => {
                    let codec = match &deflate {
                        Some(agreement) => Codec::compressed(Role::Client, agreement),
                        None => Codec::new(Role::Client),
                    };
                    let writer = deflate
                        .as_ref()
                        .map(|agreement| DeflateWriter::new(Role::Client, agreement));
                    input.drain(..len);
                    return Ok(Self {
                        socket: Box::new(socket),
                        codec,
                        writer,
                        deflater: Deflater::default(),
                        inflater: Inflater::default(),
                        input,
                        heard: VecDeque::new(),
                        next_id: 1,
                    });
                }
                ClientResponse::Refused { status } => return Err(status),
            }
        }
    }

    pub(crate) fn send(&mut self, text: &str) {
        let mut bytes = Vec::new();
        let (key, text) = (Some(MaskKey([1, 2, 3, 4])), text.as_bytes());
        match &mut self.writer {
            Some(writer) => writer.write_text(&mut self.deflater, &mut bytes, key, text),
            None => write_text(&mut bytes, key, text),
        }
        self.socket.write_all(&bytes).expect("a server that reads");
    }

    /// Calls, and answers the answer's payload. Calls of the server in between are kept for [`Station::hear`].
    pub(crate) fn call(&mut self, action: &str, payload: &str) -> String {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&format!("[2,\"{id}\",\"{action}\",{payload}]"));
        let mut kept = VecDeque::new();
        loop {
            let text = self.hear();
            let answer = text.strip_prefix(&format!("[3,\"{id}\","));
            match answer.or_else(|| text.strip_prefix(&format!("[4,\"{id}\","))) {
                Some(rest) => {
                    self.heard.append(&mut kept);
                    return rest.trim_end_matches(']').to_owned();
                }
                None => kept.push_back(text),
            }
        }
    }

    /// The next message of the server.
    pub(crate) fn hear(&mut self) -> String {
        loop {
            if let Some(text) = self.heard.pop_front() {
                return text;
            }
            self.read();
        }
    }

    fn read(&mut self) {
        read_some(&mut self.socket, &mut self.input);
        let (limits, heard) = (Limits::default(), &mut self.heard);
        let (inflater, input) = (&mut self.inflater, &mut self.input);
        let read = self
            .codec
            .read_compressed(&limits, inflater, input, |message| {
                match message {
                    Message::Text(text) => heard.push_back(text.to_owned()),
                    Message::Close(code, reason) => {
                        let code = code.map_or(0, net::ws::CloseCode::get);
                        heard.push_back(format!("close {code} {reason}"));
                    }
                    Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
                }
                ControlFlow::Continue(())
            });
        let used = read.expect("good frames");
        self.input.drain(..used);
    }
}

fn read_some(socket: &mut impl Read, input: &mut Vec<u8>) {
    let mut buffer = [0; 16 << 10];
    let len = socket.read(&mut buffer).expect("bytes in time");
    assert!(0 < len, "the server ended the connection");
    input.extend_from_slice(&buffer[..len]);
}
