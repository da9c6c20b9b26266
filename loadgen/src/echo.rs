//! An end that says what it hears, on the codec of server and fleet: what conformance suites talk to.
//!
//! [`Echo::listen`] is a server. [`Echo::suite`] is a client of the Autobahn suite's `fuzzingserver`: it asks how many
//! cases there are, runs each on a connection of its own, and asks for the report.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::ControlFlow;

use net::driver::{self, Closed, ConnId, Handler, Io, Opened};
use net::http::{
    ClientKey, ClientResponse, ClientUpgrade, UpgradeLimits, parse_client_response, parse_upgrade,
    write_client_upgrade, write_refusal, write_switching,
};
use net::ws::{
    self, Agreement, CloseCode, Codec, DeflateOptions, DeflateWriter, Deflater, Inflater, Limits,
    MaskKey, Message, Role,
};

/// The suites send up to 16 MiB, also in 65,536 fragments, and what compresses a thousandfold.
const MESSAGE_LEN_MAX: usize = 32 << 20;
const LIMITS: Limits = Limits {
    message_len_max: MESSAGE_LEN_MAX,
    fragments_max: 1 << 20,
    inflate_ratio_max: 2_000,
};

/// The name that the suite's report gives us.
const AGENT: &str = "sigec";

/// Bounds of a driver that carries such messages.
#[must_use]
pub fn driver_config() -> driver::Config {
    driver::Config {
        carry_len_max: MESSAGE_LEN_MAX + (1 << 20),
        pending_len_max: 2 * MESSAGE_LEN_MAX,
        ..driver::Config::default()
    }
}

/// The handler of a driver that echoes.
#[derive(Debug)]
pub struct Echo {
    deflate: DeflateOptions,
    inflater: Inflater,
    /// Compresses whatever is shorter for it, so that short cases count.
    deflater: Deflater,
    peers: HashMap<ConnId, Peer>,
    suite: Option<Suite>,
    masks: u32,
    failure: Option<String>,
}

#[derive(Debug)]
enum Peer {
    /// A client that has not finished its upgrade.
    Asking,
    /// We have asked for an upgrade.
    Asked,
    Talks {
        role: Role,
        codec: Codec,
        writer: Option<DeflateWriter>,
    },
}

/// A run as client of the suite.
#[derive(Debug)]
struct Suite {
    server: SocketAddr,
    host: String,
    key: ClientKey,
    begun: bool,
    errand: Errand,
    cases: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Errand {
    Count,
    Case(u32),
    Report,
}

impl Echo {
    /// A server; its driver has the listeners.
    #[must_use]
    pub fn listen(deflate: DeflateOptions) -> Echo {
        Echo {
            deflate,
            inflater: Inflater::default(),
            deflater: Deflater::new(1),
            peers: HashMap::new(),
            suite: None,
            masks: 0,
            failure: None,
        }
    }

    /// A client of the suite at `server`, whose name is `host`.
    #[must_use]
    pub fn suite(deflate: DeflateOptions, server: SocketAddr, host: String) -> Echo {
        Echo {
            suite: Some(Suite {
                server,
                host,
                key: ClientKey::new(*b"one nonce is all"),
                begun: false,
                errand: Errand::Count,
                cases: 0,
            }),
            ..Echo::listen(deflate)
        }
    }

    /// How many cases of the suite were run, if there is one.
    ///
    /// # Errors
    ///
    /// Why its run ended early.
    pub fn ran(self) -> Result<Option<u32>, String> {
        match self.failure {
            None => Ok(self.suite.map(|suite| suite.cases)),
            Some(failure) => Err(failure),
        }
    }

    /// Finishes the upgrade that a client asks for; how many bytes of it were used.
    fn accept(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &[u8]) -> usize {
        match parse_upgrade(bytes, &UpgradeLimits::default()) {
            Ok(None) => 0,
            Ok(Some((request, len))) => {
                let agreement = request.deflate(&self.deflate);
                let protocol = request.protocols().next();
                write_switching(io.out(conn), request.key, protocol, agreement.as_ref());
                self.talk(conn, Role::Server, agreement.as_ref());
                len
            }
            Err(error) => {
                let body = format!("{error}\n");
                write_refusal(io.out(conn), error.status(), error.headers(), &body);
                io.close(conn);
                bytes.len()
            }
        }
    }

    /// Reads the suite's answer to our upgrade.
    fn answered(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &[u8]) -> usize {
        let Some(suite) = &self.suite else {
            return bytes.len();
        };
        match parse_client_response(bytes, &suite.key, Some(&self.deflate)) {
            Ok(None) => 0,
            Ok(Some((ClientResponse::Switched { deflate, .. }, len))) => {
                self.talk(conn, Role::Client, deflate.as_ref());
                len
            }
            Ok(Some((ClientResponse::Refused { status }, _))) => {
                self.fail(io, conn, format!("the suite answered HTTP {status}"))
            }
            Err(error) => self.fail(io, conn, format!("upgrade: {error}")),
        }
    }

    fn fail(&mut self, io: &mut Io<'_>, conn: ConnId, why: String) -> usize {
        self.failure.get_or_insert(why);
        io.abort(conn);
        usize::MAX
    }

    fn talk(&mut self, conn: ConnId, role: Role, agreement: Option<&Agreement>) {
        let codec = match agreement {
            Some(agreement) => Codec::compressed(role, agreement),
            None => Codec::new(role),
        };
        let writer = agreement.map(|agreement| DeflateWriter::new(role, agreement));
        self.peers.insert(
            conn,
            Peer::Talks {
                role,
                codec,
                writer,
            },
        );
    }

    fn messages(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
        let Some(Peer::Talks {
            role,
            codec,
            writer,
        }) = self.peers.get_mut(&conn)
        else {
            return bytes.len();
        };
        let mut count = None;
        let asks = matches!(&self.suite, Some(suite) if suite.errand != Errand::Report && suite.cases == 0);
        let (masks, deflater) = (&mut self.masks, &mut self.deflater);
        let mut mask = || {
            (*role == Role::Client).then(|| {
                *masks = masks.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                MaskKey(masks.to_ne_bytes())
            })
        };
        let out = io.out(conn);
        let mut over = false;
        let read = codec.read_compressed(&LIMITS, &mut self.inflater, bytes, |message| {
            match (message, &mut *writer) {
                (Message::Text(text), _) if asks => count = text.parse().ok(),
                (Message::Text(text), Some(writer)) => {
                    writer.write_text(deflater, out, mask(), text.as_bytes());
                }
                (Message::Text(text), None) => ws::write_text(out, mask(), text.as_bytes()),
                (Message::Binary(bytes), Some(writer)) => {
                    writer.write_binary(deflater, out, mask(), bytes);
                }
                (Message::Binary(bytes), None) => ws::write_binary(out, mask(), bytes),
                (Message::Ping(bytes), _) => ws::write_pong(out, mask(), bytes),
                (Message::Pong(_), _) => {}
                (Message::Close(code, _), _) => {
                    let code = code.map(|_| CloseCode::NORMAL);
                    ws::write_close(out, mask(), code, "");
                    // The server is to go first (RFC 6455, 7.1.1): a suite that has not seen this case end when it is
                    // asked for its report leaves the case out of it.
                    over = *role == Role::Server;
                }
            }
            ControlFlow::Continue(())
        });
        let used = match read {
            Ok(used) => used,
            Err(error) => {
                ws::write_close(out, mask(), Some(error.close_code()), &error.to_string());
                over = true;
                bytes.len()
            }
        };
        if over {
            io.close(conn);
        }
        if let (Some(count), Some(suite)) = (count, &mut self.suite) {
            suite.cases = count;
        }
        used
    }
}

impl Suite {
    fn target(&self) -> String {
        match self.errand {
            Errand::Count => "/getCaseCount".to_owned(),
            Errand::Case(case) => format!("/runCase?case={case}&agent={AGENT}"),
            Errand::Report => format!("/updateReports?agent={AGENT}"),
        }
    }

    /// What is to be done when a connection is over; `None` at the end.
    fn next(&self) -> Option<Errand> {
        match self.errand {
            Errand::Count if self.cases == 0 => None,
            Errand::Count => Some(Errand::Case(1)),
            Errand::Case(case) if case < self.cases => Some(Errand::Case(case + 1)),
            Errand::Case(_) => Some(Errand::Report),
            Errand::Report => None,
        }
    }
}

impl Handler for Echo {
    fn opened(&mut self, io: &mut Io<'_>, conn: ConnId, opened: Opened) {
        let peer = match opened {
            Opened::Accepted { .. } => Peer::Asking,
            Opened::Connected { .. } => {
                if let Some(suite) = &self.suite {
                    let upgrade = ClientUpgrade {
                        host: &suite.host,
                        target: &suite.target(),
                        key: &suite.key,
                        protocols: &[],
                        basic: None,
                        deflate: Some(self.deflate),
                    };
                    write_client_upgrade(io.out(conn), &upgrade);
                }
                Peer::Asked
            }
        };
        self.peers.insert(conn, peer);
    }

    fn received(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
        let head = match self.peers.get(&conn) {
            Some(Peer::Asking) => self.accept(io, conn, bytes),
            Some(Peer::Asked) => self.answered(io, conn, bytes),
            Some(Peer::Talks { .. }) | None => 0,
        };
        match self.peers.get(&conn) {
            Some(Peer::Talks { .. }) => head + self.messages(io, conn, &mut bytes[head..]),
            Some(Peer::Asking | Peer::Asked) | None => head.min(bytes.len()),
        }
    }

    fn closed(&mut self, io: &mut Io<'_>, conn: ConnId, _: Closed) {
        let peer = self.peers.remove(&conn);
        let Some(suite) = &mut self.suite else {
            return;
        };
        if let Some(Peer::Asked) = peer {
            let why = format!("the suite went away before it answered {}", suite.target());
            self.failure.get_or_insert(why);
        } else if suite.errand == Errand::Count && suite.cases == 0 {
            let why = "the suite did not say how many cases it has".to_owned();
            self.failure.get_or_insert(why);
        }
        match suite.next().filter(|_| self.failure.is_none()) {
            Some(errand) => {
                suite.errand = errand;
                suite.begun = false;
            }
            None => io.stop(),
        }
    }

    fn connect_failed(&mut self, io: &mut Io<'_>, _: u64, error: std::io::Error) {
        self.failure.get_or_insert(format!("connecting: {error}"));
        io.stop();
    }

    fn woken(&mut self, io: &mut Io<'_>) {
        io.stop();
    }

    fn poll_timeout(&self) -> Option<u64> {
        self.suite.as_ref().filter(|suite| !suite.begun).map(|_| 0)
    }

    fn timer(&mut self, io: &mut Io<'_>) {
        let Some(suite) = self.suite.as_mut().filter(|suite| !suite.begun) else {
            return;
        };
        suite.begun = true;
        if let Err(error) = io.connect(suite.server, None, 0) {
            self.failure.get_or_insert(format!("connecting: {error}"));
            io.stop();
        }
    }
}
