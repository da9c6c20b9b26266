//! Servers made with other OCPP libraries that check every message against its schema, beside ours.
//!
//! Each is a process of its own on the first CPU, as the tests' set-up installs it (`sigec/tests/setup.sh`).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde::Serialize;

use crate::child::Server;
use crate::servers::{Rival, Serve};

/// One of the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// Our data plane with its log on.
    Dataplane,
    /// npm `ocpp-rpc` in strict mode.
    OcppRpc,
    /// PyPI `ocpp` of mobilityhouse.
    Mobilityhouse,
}

impl Peer {
    /// All of them, ours first.
    pub const ALL: [Peer; 3] = [Peer::Dataplane, Peer::OcppRpc, Peer::Mobilityhouse];

    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Peer::Dataplane => "dataplane",
            Peer::OcppRpc => "ocpp-rpc strict",
            Peer::Mobilityhouse => "mobilityhouse ocpp",
        }
    }

    /// What to say if it cannot run here, because it is not installed.
    pub fn missing(self) -> Option<&'static str> {
        let (needed, missing) = match self {
            Peer::Dataplane => return None,
            Peer::OcppRpc => (
                cache("SIGEC_NODE", "sigec-node").join("node_modules/ocpp-rpc"),
                "npm ocpp-rpc, left out: it is not installed; run `make setup`",
            ),
            Peer::Mobilityhouse => (
                cache("SIGEC_VENV", "sigec-venv").join("bin/python"),
                "PyPI ocpp, left out: it is not installed; run `make setup`",
            ),
        };
        (!needed.exists()).then_some(missing)
    }

    /// Starts it on the first CPU; what ours stores lies in `dir`. The calling thread moves there too.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn start(self, serve: &Serve, dir: &Path) -> anyhow::Result<Server> {
        // A child inherits where its parent may run; unpinned where a sandbox forbids it.
        let _ = net::os::pin_thread(0);
        let mut command = match self {
            Peer::Dataplane => return serve.start_in(Rival::Dataplane, dir),
            Peer::OcppRpc => {
                let mut command = Command::new("node");
                let modules = cache("SIGEC_NODE", "sigec-node").join("node_modules");
                command.env("NODE_PATH", modules).arg(script("ocpp_rpc.js"));
                command
            }
            Peer::Mobilityhouse => {
                let mut command =
                    Command::new(cache("SIGEC_VENV", "sigec-venv").join("bin/python"));
                command.arg(script("mobilityhouse.py"));
                command
            }
        };
        Server::spawn(&mut command).with_context(|| format!("starting {}", self.name()))
    }
}

/// Where the set-up of the tests puts things: the folder that `variable` names, or `name` in the user's cache.
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
