//! Whoever has a turn in a comparison of servers: one of this program's, or one that others made.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde::{Serialize, Serializer};

use crate::child::Server;
use crate::client::Opening;
use crate::frames;
use crate::servers::{Rival, Serve};

/// A server with its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// A server in this program.
    Here(Rival),
    /// A program that others' libraries make.
    Foreign(Foreign),
}

/// A program that others' libraries make, as `bench/rivals/setup.sh` and the tests' set-up install it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// An echo over TCP on tokio's current thread.
    Tokio,
    /// The same on monoio with io_uring.
    Monoio,
    /// The same on monoio with epoll.
    MonoioEpoll,
    /// The same on glommio.
    Glommio,
    /// fastwebsockets on tokio's current thread, which knows where the id lies.
    Fastwebsockets,
    /// Bun, whose WebSocket server is uWebSockets.
    Bun,
    /// npm `ocpp-rpc` in strict mode.
    OcppRpc,
    /// ocpp-go.
    OcppGo,
    /// PyPI `ocpp` of mobilityhouse.
    Mobilityhouse,
}

impl Contender {
    /// Its name on the command line and in results.
    pub fn name(self) -> &'static str {
        match self {
            Contender::Here(rival) => rival.name(),
            Contender::Foreign(foreign) => foreign.name(),
        }
    }

    /// It is nothing where the kernel gives no io_uring.
    pub fn needs_uring(self) -> bool {
        match self {
            Contender::Here(rival) => rival.needs_uring(),
            Contender::Foreign(foreign) => matches!(foreign, Foreign::Monoio | Foreign::Glommio),
        }
    }

    /// How a connection to it begins.
    pub fn opening(self) -> Opening {
        match self {
            Contender::Here(rival) => rival.opening(),
            Contender::Foreign(foreign) => foreign.opening(),
        }
    }

    /// What to say if it cannot run here, because it is not installed.
    pub fn missing(self) -> Option<&'static str> {
        match self {
            Contender::Here(_) => None,
            Contender::Foreign(foreign) if foreign.needed().exists() => None,
            Contender::Foreign(foreign) => Some(foreign.missing()),
        }
    }

    /// Starts it on the first CPU; what ours stores lies in `dir`. The calling thread moves there too.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn start(self, serve: &Serve, dir: &Path) -> anyhow::Result<Server> {
        // A child inherits where its parent may run; unpinned where a sandbox forbids it.
        let _ = net::os::pin_thread(0);
        match self {
            Contender::Here(rival) => serve.start_in(rival, dir),
            Contender::Foreign(foreign) => Server::spawn(&mut foreign.command()),
        }
        .with_context(|| format!("starting {}", self.name()))
    }
}

impl Serialize for Contender {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Foreign {
    fn name(self) -> &'static str {
        match self {
            Foreign::Tokio => "tokio",
            Foreign::Monoio => "monoio",
            Foreign::MonoioEpoll => "monoio-epoll",
            Foreign::Glommio => "glommio",
            Foreign::Fastwebsockets => "fastwebsockets",
            Foreign::Bun => "uwebsockets-bun",
            Foreign::OcppRpc => "ocpp-rpc strict",
            Foreign::OcppGo => "ocpp-go",
            Foreign::Mobilityhouse => "mobilityhouse ocpp",
        }
    }

    fn opening(self) -> Opening {
        match self {
            Foreign::Tokio | Foreign::Monoio | Foreign::MonoioEpoll | Foreign::Glommio => {
                Opening::Raw
            }
            Foreign::Fastwebsockets
            | Foreign::Bun
            | Foreign::OcppRpc
            | Foreign::OcppGo
            | Foreign::Mobilityhouse => Opening::Station,
        }
    }

    /// What must be there.
    fn needed(self) -> PathBuf {
        match self {
            Foreign::Tokio
            | Foreign::Monoio
            | Foreign::MonoioEpoll
            | Foreign::Glommio
            | Foreign::Fastwebsockets => beside("runtime-rivals"),
            Foreign::Bun => cache("SIGEC_RIVALS", "sigec-rivals").join("bun"),
            Foreign::OcppGo => cache("SIGEC_RIVALS", "sigec-rivals").join("ocpp-go"),
            Foreign::OcppRpc => cache("SIGEC_NODE", "sigec-node").join("node_modules/ocpp-rpc"),
            Foreign::Mobilityhouse => cache("SIGEC_VENV", "sigec-venv").join("bin/python"),
        }
    }

    fn missing(self) -> &'static str {
        match self {
            Foreign::Tokio
            | Foreign::Monoio
            | Foreign::MonoioEpoll
            | Foreign::Glommio
            | Foreign::Fastwebsockets => {
                "tokio, monoio, glommio and fastwebsockets, left out: they are not built; run `make bench`"
            }
            Foreign::Bun => "Bun, left out: it is not installed; run `make bench`",
            Foreign::OcppGo => "ocpp-go, left out: it is not built; run `make bench`",
            Foreign::OcppRpc => "npm ocpp-rpc, left out: it is not installed; run `make setup`",
            Foreign::Mobilityhouse => "PyPI ocpp, left out: it is not installed; run `make setup`",
        }
    }

    fn command(self) -> Command {
        let needed = self.needed();
        match self {
            Foreign::Tokio
            | Foreign::Monoio
            | Foreign::MonoioEpoll
            | Foreign::Glommio
            | Foreign::Fastwebsockets => {
                let mut command = Command::new(needed);
                command
                    .arg(self.name())
                    .arg(frames::heartbeat_answer(&frames::id(0)));
                command
            }
            Foreign::OcppGo => Command::new(needed),
            Foreign::Bun => {
                let mut command = Command::new(needed);
                command.arg(script("bun.js"));
                command
            }
            Foreign::OcppRpc => {
                let mut command = Command::new("node");
                let modules = cache("SIGEC_NODE", "sigec-node").join("node_modules");
                command.env("NODE_PATH", modules).arg(script("ocpp_rpc.js"));
                command
            }
            Foreign::Mobilityhouse => {
                let mut command = Command::new(needed);
                command.arg(script("mobilityhouse.py"));
                command
            }
        }
    }
}

/// A program that cargo put where this one is.
fn beside(name: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.with_file_name(name)
}

/// Where a set-up puts things: the folder that `variable` names, or `name` in the user's cache.
fn cache(variable: &str, name: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => Path::new(&std::env::var_os("HOME").unwrap_or_default())
            .join(".cache")
            .join(name),
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("rivals")
        .join(name)
}
