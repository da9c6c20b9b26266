//! The servers that are compared. Each answers a Heartbeat with its time, and anything else alike, but for the echoes
//! of meter messages, which answer nothing else.

mod commands;
mod dataplane;
mod echo;
mod layers;
mod meter_echo;
mod sockets;
mod tungstenite;

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ::dataplane::Config;
use anyhow::Context;
use net::driver::DriverKind;
use serde::Serialize;
use tempfile::TempDir;

use self::layers::Layer;
use crate::child::Server;
use crate::client::Opening;
use crate::fdatasync::Probe;

/// One of the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rival {
    /// Raw TCP over epoll: one `recv`, the answer copied, one `send`. The floor.
    Echo,
    /// Our driver, and no protocol above it: a raw TCP echo of ours.
    Driver,
    /// The same on io_uring.
    DriverUring,
    /// Our driver and WebSocket codec.
    WebSocket,
    /// The same on io_uring.
    WebSocketUring,
    /// Our driver, WebSocket codec and message scan, with no data plane behind them.
    Codec,
    /// The same on the io_uring driver.
    CodecUring,
    /// The codecs, and the payload read to its type and checked.
    Checked,
    /// The same on io_uring.
    CheckedUring,
    /// Raw TCP over epoll, for meter messages.
    MeterEcho,
    /// The same with a write and an `fdatasync` before the answers: the floor of what is acknowledged.
    DurableEcho,
    /// The data plane, with every frame in the durable log.
    Dataplane,
    /// The data plane, with Heartbeats left out of the message history.
    DataplaneUnlogged,
    /// The data plane on io_uring.
    DataplaneUring,
    /// The data plane on io_uring, with Heartbeats left out of the message history.
    DataplaneUringUnlogged,
    /// The data plane on io_uring with a shard for every 20,000 connections of a crowd, on all CPUs.
    DataplaneCrowd,
    /// tokio-tungstenite with a read buffer of 1 KiB and no write buffer.
    TungsteniteTuned,
    /// tokio-tungstenite as it comes.
    TungsteniteDefault,
}

impl Rival {
    /// Its name on the command line and in results.
    pub fn name(self) -> &'static str {
        match self {
            Rival::Echo => "echo",
            Rival::Driver => "driver",
            Rival::DriverUring => "driver-uring",
            Rival::WebSocket => "web-socket",
            Rival::WebSocketUring => "web-socket-uring",
            Rival::Codec => "codec",
            Rival::CodecUring => "codec-uring",
            Rival::Checked => "checked",
            Rival::CheckedUring => "checked-uring",
            Rival::MeterEcho => "meter-echo",
            Rival::DurableEcho => "durable-echo",
            Rival::Dataplane => "dataplane",
            Rival::DataplaneUnlogged => "dataplane-unlogged",
            Rival::DataplaneUring => "dataplane-uring",
            Rival::DataplaneUringUnlogged => "dataplane-uring-unlogged",
            Rival::DataplaneCrowd => "dataplane-crowd",
            Rival::TungsteniteTuned => "tungstenite-tuned",
            Rival::TungsteniteDefault => "tungstenite-default",
        }
    }

    /// It is nothing where the kernel gives no io_uring.
    pub fn needs_uring(self) -> bool {
        match self {
            Rival::DriverUring
            | Rival::WebSocketUring
            | Rival::CodecUring
            | Rival::CheckedUring
            | Rival::DataplaneUring
            | Rival::DataplaneUringUnlogged
            | Rival::DataplaneCrowd => true,
            Rival::Echo
            | Rival::Driver
            | Rival::WebSocket
            | Rival::Codec
            | Rival::Checked
            | Rival::MeterEcho
            | Rival::DurableEcho
            | Rival::Dataplane
            | Rival::DataplaneUnlogged
            | Rival::TungsteniteTuned
            | Rival::TungsteniteDefault => false,
        }
    }

    /// How a connection to it begins.
    pub fn opening(self) -> Opening {
        match self {
            Rival::Echo
            | Rival::MeterEcho
            | Rival::DurableEcho
            | Rival::Driver
            | Rival::DriverUring => Opening::Raw,
            Rival::WebSocket
            | Rival::WebSocketUring
            | Rival::Codec
            | Rival::CodecUring
            | Rival::Checked
            | Rival::CheckedUring
            | Rival::Dataplane
            | Rival::DataplaneUnlogged
            | Rival::DataplaneUring
            | Rival::DataplaneUringUnlogged
            | Rival::DataplaneCrowd
            | Rival::TungsteniteTuned
            | Rival::TungsteniteDefault => Opening::Station,
        }
    }

    /// Serves until the process is killed, on the first CPU, as the command line says.
    ///
    /// # Errors
    ///
    /// It cannot start.
    pub fn serve(self, serve: &Serve) -> anyhow::Result<()> {
        let dir = &serve.dir;
        if self != Rival::DataplaneCrowd {
            // Unpinned where a sandbox forbids it: the comparison suffers, not the server.
            let _ = net::os::pin_thread(0);
        }
        net::os::raise_nofile_limit().context("raising the limit of open files")?;
        match self {
            Rival::Echo => echo::serve(),
            Rival::Driver => layers::serve(DriverKind::Epoll, Layer::Bytes),
            Rival::DriverUring => layers::serve(DriverKind::IoUring, Layer::Bytes),
            Rival::WebSocket => layers::serve(DriverKind::Epoll, Layer::WebSocket),
            Rival::WebSocketUring => layers::serve(DriverKind::IoUring, Layer::WebSocket),
            Rival::Codec => layers::serve(DriverKind::Epoll, Layer::Rpc),
            Rival::CodecUring => layers::serve(DriverKind::IoUring, Layer::Rpc),
            Rival::Checked => layers::serve(DriverKind::Epoll, Layer::Validation),
            Rival::CheckedUring => layers::serve(DriverKind::IoUring, Layer::Validation),
            Rival::MeterEcho => meter_echo::serve(None),
            Rival::DurableEcho => meter_echo::serve(Some(Probe::create(dir)?)),
            Rival::Dataplane => dataplane::serve(serve, one_shard(DriverKind::Epoll, true)),
            Rival::DataplaneUnlogged => {
                dataplane::serve(serve, one_shard(DriverKind::Epoll, false))
            }
            Rival::DataplaneUring => dataplane::serve(serve, one_shard(DriverKind::IoUring, true)),
            Rival::DataplaneUringUnlogged => {
                dataplane::serve(serve, one_shard(DriverKind::IoUring, false))
            }
            Rival::DataplaneCrowd => {
                let config = Config {
                    shards: CROWD_SHARDS,
                    heartbeat_interval_s: 60,
                    ..one_shard(DriverKind::IoUring, true)
                };
                dataplane::serve(serve, config)
            }
            Rival::TungsteniteTuned => tungstenite::serve(tungstenite::tuned()),
            Rival::TungsteniteDefault => tungstenite::serve(None),
        }
    }
}

/// What a benchmark that starts servers has on its command line.
#[derive(Clone, Debug, clap::Args)]
pub struct Serve {
    /// Be this server until killed; the benchmark starts its servers so.
    #[arg(long, value_enum, hide = true)]
    pub serve: Option<Rival>,
    /// As a server, listen with TLS and what lies in this folder.
    #[arg(long, hide = true)]
    pub tls: Option<PathBuf>,
    /// As a data plane, know so many stations before they come, with their passwords.
    #[arg(long, hide = true, default_value_t = 0)]
    pub known: u64,
    /// A folder on the disk to measure; new folders in it hold what servers store.
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
}

impl Serve {
    /// Starts `rival` as a process; the folder of its data lives as long as the server is to.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn start(&self, rival: Rival) -> anyhow::Result<(Server, TempDir)> {
        let dir = tempfile::tempdir_in(&self.dir).context("making a folder for the data")?;
        Ok((self.start_in(rival, dir.path())?, dir))
    }

    /// Starts `rival` as a process on what lies in `dir`.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn start_in(&self, rival: Rival, dir: &Path) -> anyhow::Result<Server> {
        let dir = dir.to_str().context("the folder's name is no text")?;
        let known = self.known.to_string();
        let mut arguments = vec!["--serve", rival.name(), "--dir", dir, "--known", &known];
        if let Some(tls) = &self.tls {
            arguments.extend([
                "--tls",
                tls.to_str().context("the folder's name is no text")?,
            ]);
        }
        Server::start(&arguments)
    }
}

/// Every ring has a table of 20,000 files at most, the usual limit of open files.
const CROWD_SHARDS: usize = 6;

/// A data plane with one shard, with Heartbeats in the message history or not.
fn one_shard(driver: DriverKind, log_heartbeats: bool) -> Config {
    Config {
        shards: 1,
        driver,
        log_heartbeats,
        // One connection of a benchmark says more than any station may.
        messages_per_second_max: 0,
        ..Config::default()
    }
}

/// Tells the parent process where to connect.
fn announce(addr: SocketAddr) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{addr}")
        .and_then(|()| stdout.flush())
        .context("announcing the address")
}
