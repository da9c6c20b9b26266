//! Servers as processes of their own, so that their CPU and memory are theirs alone.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};

/// A server process; killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Where it listens.
    pub addr: SocketAddr,
}

impl Server {
    /// Starts this very program again with `args`; it prints its address as its first line.
    ///
    /// # Errors
    ///
    /// It does not start, or says something else.
    pub fn start(args: &[&str]) -> anyhow::Result<Server> {
        let program = std::env::current_exe().context("finding this program")?;
        Self::spawn(Command::new(program).args(args))
    }

    /// Starts a program that prints its address as its first line.
    ///
    /// # Errors
    ///
    /// It does not start, or says something else.
    pub fn spawn(command: &mut Command) -> anyhow::Result<Server> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting the server {command:?}"))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take();
        let mut server = Server {
            child,
            questions: stdin.context("the server has no standard input")?,
            answers: BufReader::new(stdout.context("the server has no standard output")?),
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let line = server.line().context("reading the server's address")?;
        let addr = line.trim().parse();
        server.addr = addr
            .with_context(|| format!("server {command:?} said {line:?}, expected its address"))?;
        Ok(server)
    }

    /// Asks a server that tells about itself how it did so far; its answer is a line.
    ///
    /// # Errors
    ///
    /// It is gone.
    pub fn ask(&mut self) -> anyhow::Result<String> {
        self.ask_for("")
    }

    /// Tells it a line and reads the one that it answers.
    ///
    /// # Errors
    ///
    /// It is gone.
    pub fn ask_for(&mut self, line: &str) -> anyhow::Result<String> {
        self.questions
            .write_all(format!("{line}\n").as_bytes())
            .context("asking the server")?;
        self.line()
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        ensure!(
            0 < read.context("reading what the server says")?,
            "the server has ended"
        );
        Ok(line)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A process that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU time a process has used so far, all threads, by the scheduler's own count.
///
/// # Errors
///
/// The process is gone.
pub fn cpu_time(process: u32) -> anyhow::Result<Duration> {
    let dir = format!("/proc/{process}/task");
    let mut nanos = 0;
    for task in fs::read_dir(&dir).with_context(|| format!("reading {dir}"))? {
        let path = task
            .with_context(|| format!("reading {dir}"))?
            .path()
            .join("schedstat");
        // A thread may end while we look.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        nanos += text
            .split(' ')
            .next()
            .and_then(|nanos| nanos.parse::<u64>().ok())
            .unwrap_or(0);
    }
    ensure!(
        nanos > 0,
        "{dir}/*/schedstat holds no time; was the kernel built without schedstats?"
    );
    Ok(Duration::from_nanos(nanos))
}

/// Memory of a process, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Memory {
    /// `RssAnon`: what the program allocated, without files it maps.
    pub anonymous: u64,
    /// `VmRSS`: everything in memory.
    pub resident: u64,
}

/// Leaves servers alone, to see what they keep when nothing happens.
#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is that nothing happens, so there is nothing to wait for"
)]
pub fn rest(silence: Duration) {
    std::thread::sleep(silence);
}

/// What /proc says of a process' memory.
///
/// # Errors
///
/// The process is gone.
pub fn memory(process: u32) -> anyhow::Result<Memory> {
    let path = format!("/proc/{process}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let kib = |name: &str| -> anyhow::Result<u64> {
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_whitespace().nth(1));
        let value = value.with_context(|| format!("{path} has no {name}"))?;
        value
            .parse()
            .with_context(|| format!("{path}: {name} is {value:?}"))
    };
    Ok(Memory {
        anonymous: kib("RssAnon:")? << 10,
        resident: kib("VmRSS:")? << 10,
    })
}
