//! The whole program as a child process.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, bail};
use net::clock::monotonic_ns;
use serde_json::Value;

/// Token of the administrator of every server started here.
const TOKEN: &str = "bench-administrator-token-0123456789";

/// A server that is not ready by then does not start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server; killed when dropped, as by `kill -9`.
#[derive(Debug)]
pub struct Sigec {
    child: Child,
    /// From starting the process to its line `ready`.
    pub ready_after: Duration,
    /// Where stations connect.
    pub ocpp: SocketAddr,
    http: String,
}

impl Sigec {
    /// Starts `program` on `data_dir` and free ports; returns when it is ready.
    ///
    /// # Errors
    ///
    /// It ends, or is not ready within a minute.
    pub fn start(program: &Path, data_dir: &Path) -> anyhow::Result<Sigec> {
        let ready: PathBuf = data_dir.with_extension("ready");
        // Left there by a server that was killed.
        let _ = std::fs::remove_file(&ready);
        let start = monotonic_ns();
        let mut command = Command::new(program);
        command
            .arg("run")
            .arg("--data-dir")
            .arg(data_dir)
            .arg("--ready-file")
            .arg(&ready);
        for listener in ["--ocpp", "--http", "--postgres"] {
            command.args([listener, "127.0.0.1:0"]);
        }
        command
            .env("SIGEC_ADMIN_TOKEN", TOKEN)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let child = command
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut sigec = Sigec {
            child,
            ready_after: Duration::ZERO,
            ocpp: address,
            http: String::new(),
        };
        let text = sigec.wait_for(&ready)?;
        sigec.ready_after = Duration::from_nanos(monotonic_ns() - start);
        let ready: Value = serde_json::from_str(&text).context("reading the ready file")?;
        let field = |name: &str| {
            ready[name]
                .as_str()
                .with_context(|| format!("no {name} in {ready}"))
        };
        sigec.ocpp = field("ocpp")?.parse().context("reading the ready file")?;
        sigec.http = format!("http://{}", field("http")?);
        Ok(sigec)
    }

    /// Waits for the line that begins with `ready`; the file is there before it.
    fn wait_for(&mut self, ready: &Path) -> anyhow::Result<String> {
        let output = self.child.stdout.take().context("taking the output")?;
        let (sender, line) = mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            if lines.any(|line| line.starts_with("ready")) {
                // Whoever waits may have lost patience.
                let _ = sender.send(());
            }
            lines.for_each(drop);
        });
        match line.recv_timeout(PATIENCE) {
            Ok(()) => std::fs::read_to_string(ready).context("reading the ready file"),
            Err(RecvTimeoutError::Timeout) => bail!("the server is not ready after {PATIENCE:?}"),
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.wait().context("looking after the server")?;
                bail!("the server ended with {status} before it was ready")
            }
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A client of its API, as administrator.
    ///
    /// # Errors
    ///
    /// Its address is none.
    pub fn api(&self) -> anyhow::Result<sdk::Client> {
        sdk::Client::new(&self.http, TOKEN).context("making a client")
    }
}

impl Drop for Sigec {
    fn drop(&mut self) {
        // A process that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
