//! The servers that are compared. Each answers a Heartbeat with its time, and anything else alike.

mod codec;
mod echo;
mod tungstenite;

use std::io::Write;
use std::net::SocketAddr;

use anyhow::Context;
use serde::Serialize;

use crate::client::Opening;

/// One of the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rival {
    /// Raw TCP over epoll: one `recv`, the answer copied, one `send`. The floor.
    Echo,
    /// Our driver, WebSocket codec and message scan, with no data plane behind them.
    Codec,
    /// tokio-tungstenite with a read buffer of 1 KiB and no write buffer.
    TungsteniteTuned,
    /// tokio-tungstenite as it comes.
    TungsteniteDefault,
}

impl Rival {
    /// All of them, the floor first.
    pub const ALL: [Rival; 4] = [
        Rival::Echo,
        Rival::Codec,
        Rival::TungsteniteTuned,
        Rival::TungsteniteDefault,
    ];

    /// Its name on the command line and in results.
    pub fn name(self) -> &'static str {
        match self {
            Rival::Echo => "echo",
            Rival::Codec => "codec",
            Rival::TungsteniteTuned => "tungstenite-tuned",
            Rival::TungsteniteDefault => "tungstenite-default",
        }
    }

    /// How a connection to it begins.
    pub fn opening(self) -> Opening {
        match self {
            Rival::Echo => Opening::Raw,
            Rival::Codec | Rival::TungsteniteTuned | Rival::TungsteniteDefault => Opening::Station,
        }
    }

    /// Serves until the process is killed, on the first CPU.
    ///
    /// # Errors
    ///
    /// It cannot start.
    pub fn serve(self) -> anyhow::Result<()> {
        // Unpinned where a sandbox forbids it: the comparison suffers, not the server.
        let _ = net::os::pin_thread(0);
        net::os::raise_nofile_limit().context("raising the limit of open files")?;
        match self {
            Rival::Echo => echo::serve(),
            Rival::Codec => codec::serve(),
            Rival::TungsteniteTuned => tungstenite::serve(tungstenite::tuned()),
            Rival::TungsteniteDefault => tungstenite::serve(None),
        }
    }
}

/// Tells the parent process where to connect.
fn announce(addr: SocketAddr) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{addr}")
        .and_then(|()| stdout.flush())
        .context("announcing the address")
}
