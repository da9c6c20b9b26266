//! What a connection takes of a server's memory while nothing is said over it.

use std::time::Duration;

use anyhow::Context;
use bench::child::{Memory, Server, memory, rest};
use bench::client::{Client, Opening};
use bench::contender::{Contender, Foreign};
use bench::output::Figure;
use bench::servers::{Rival, Serve};
use tempfile::TempDir;

use super::connect;

/// Ours with its log, and others with a WebSocket server of their own.
const WHO: [Contender; 9] = [
    Contender::Here(Rival::Dataplane),
    Contender::Here(Rival::DataplaneUring),
    Contender::Foreign(Foreign::Bun),
    Contender::Foreign(Foreign::Fastwebsockets),
    Contender::Here(Rival::TungsteniteTuned),
    Contender::Here(Rival::TungsteniteDefault),
    Contender::Foreign(Foreign::OcppGo),
    Contender::Foreign(Foreign::OcppRpc),
    Contender::Foreign(Foreign::Mobilityhouse),
];

/// A server whose connections are idle, until it is dropped.
struct Idle {
    rival: Contender,
    server: Server,
    empty: Memory,
    _client: Client,
    _dir: TempDir,
}

/// Connects `count` to each of these that is among `rivals`, has each say one Heartbeat, and looks after a while in which
/// nothing was said.
pub(super) fn idle(
    rivals: &[Contender],
    serve: &Serve,
    count: usize,
    silence: Duration,
) -> anyhow::Result<Vec<Figure>> {
    let mut servers = Vec::new();
    for rival in WHO.into_iter().filter(|rival| rivals.contains(rival)) {
        debug_assert!(matches!(rival.opening(), Opening::Station));
        let dir = tempfile::tempdir_in(&serve.dir).context("making a folder for the data")?;
        let server = rival.start(serve, dir.path())?;
        let empty = memory(server.id())?;
        let client = connect(rival, &server, count, count as u64)?;
        servers.push(Idle {
            rival,
            server,
            empty,
            _client: client,
            _dir: dir,
        });
    }
    rest(silence);
    let figure = |idle: &Idle| {
        let now = memory(idle.server.id())?;
        let grown = now.anonymous.saturating_sub(idle.empty.anonymous);
        Ok(Figure {
            name: format!(
                "{}, memory of each of {count} idle connections",
                idle.rival.name()
            ),
            value: format!("{} B", grown / count as u64),
            reach: None,
        })
    };
    servers.iter().map(figure).collect()
}
