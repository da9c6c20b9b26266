//! Fuzz targets for everything that reads bytes from a network.
//!
//! A [`Target`] is fed with bytes and panics when one of its rules is broken. `make fuzz` gives the bytes of libFuzzer,
//! which keeps what reaches new code; the tests give the corpus, old crashes, and a few thousand mutations of both.

#![forbid(unsafe_code)]

mod certificates;
pub mod corpus;
mod frame;
mod import;
mod input;
mod payload;
mod rpc;
mod upgrade;
mod websocket;

use ocpp::Version;

/// One thing that is fuzzed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The scan of a message's envelope, and what masks its secrets.
    Frame,
    /// Every parser of 1.6.
    V16,
    /// Every parser of 2.0.1.
    V201,
    /// Every parser of 2.1.
    V21,
    /// The rules of calls on one connection, in either direction, against a model of them.
    Rpc,
    /// The WebSocket codec, whole and in pieces.
    Websocket,
    /// The HTTP upgrade, as the server and as the client reads it.
    Upgrade,
    /// Certificate signing requests.
    Request,
    /// Answers of OCSP responders.
    Ocsp,
    /// Contract certificates and those above them.
    Chain,
    /// The CSV of an import.
    Import,
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 11] = [
        Target::Frame,
        Target::V16,
        Target::V201,
        Target::V21,
        Target::Rpc,
        Target::Websocket,
        Target::Upgrade,
        Target::Request,
        Target::Ocsp,
        Target::Chain,
        Target::Import,
    ];

    /// Its name on the command line, and of its corpus.
    pub fn name(self) -> &'static str {
        match self {
            Target::Frame => "frame",
            Target::V16 => "v16",
            Target::V201 => "v201",
            Target::V21 => "v21",
            Target::Rpc => "rpc",
            Target::Websocket => "websocket",
            Target::Upgrade => "upgrade",
            Target::Request => "request",
            Target::Ocsp => "ocsp",
            Target::Chain => "chain",
            Target::Import => "import",
        }
    }

    /// The target of this name.
    pub fn of(name: &str) -> Option<Target> {
        Target::ALL.into_iter().find(|target| target.name() == name)
    }

    /// Reads `data`.
    ///
    /// # Panics
    ///
    /// A rule is broken: that is what fuzzing is for.
    pub fn run(self, data: &[u8]) {
        match self {
            Target::Frame => frame::run(data),
            Target::V16 => payload::run(Version::V16, data),
            Target::V201 => payload::run(Version::V201, data),
            Target::V21 => payload::run(Version::V21, data),
            Target::Rpc => rpc::run(data),
            Target::Websocket => websocket::run(data),
            Target::Upgrade => upgrade::run(data),
            Target::Request => certificates::request(data),
            Target::Ocsp => certificates::answer(data),
            Target::Chain => certificates::chain(data),
            Target::Import => import::run(data),
        }
    }
}
