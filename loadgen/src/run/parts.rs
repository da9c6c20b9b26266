//! One run in several processes: this very command line, once for each part, and their reports joined.
//!
//! A part says `ready` on its standard output when it waits for the others, and goes on when it reads `go`. When its
//! standard input ends, whoever started it is gone, and it ends too.

use std::io::{BufRead, BufReader, Write, stdin};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, ensure};
use loadgen::report::File;
use loadgen::runner::Gate;
use net::driver::Waker;

use super::{conclude, print};

/// Runs all parts and joins their reports. Ctrl-C reaches the parts by itself, and this process waits for them.
pub(super) async fn run(processes: u32) -> anyhow::Result<File> {
    let waiting = tokio::task::spawn_blocking(move || run_all(processes));
    tokio::pin!(waiting);
    loop {
        tokio::select! {
            file = &mut waiting => return file.context("waiting for the processes")?,
            interrupt = tokio::signal::ctrl_c() => interrupt.context("waiting for Ctrl-C")?,
        }
    }
}

fn run_all(processes: u32) -> anyhow::Result<File> {
    let dir = tempfile::tempdir().context("making a folder for the reports of the processes")?;
    let report = |index: u32| dir.path().join(format!("{index}.json"));
    let mut parts = (0..processes)
        .map(|index| Part::start(index, processes, &report(index)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    // A part without a gate ends without a word, and needs none.
    let ready = parts
        .iter_mut()
        .map(Part::wait_ready)
        .collect::<anyhow::Result<Vec<_>>>()?;
    if ready.iter().all(|ready| *ready) {
        for part in &mut parts {
            part.go()?;
        }
    } else if ready.contains(&true) {
        // One has failed before all were there; the others need not wait for it.
        for part in &mut parts {
            part.hears = None;
        }
    }
    let mut files = Vec::new();
    for (index, part) in (0..).zip(&mut parts) {
        let status = part.child.wait().context("waiting for a process")?;
        ensure!(
            status.success(),
            "process {} of {processes} ended with {status}; it says why above",
            index + 1
        );
        files.push(conclude::read(&report(index))?);
    }
    Ok(conclude::together(files))
}

struct Part {
    child: Child,
    /// Apart from the child, because waiting for that would end it. `None` at the end.
    hears: Option<ChildStdin>,
    says: BufReader<ChildStdout>,
}

impl Part {
    fn start(index: u32, of: u32, report: &Path) -> anyhow::Result<Part> {
        let program = std::env::current_exe().context("finding this program")?;
        let mut child = Command::new(program)
            .args(std::env::args_os().skip(1))
            .args(["--part", &format!("{index}/{of}"), "--part-report"])
            .arg(report)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting process {} of {of}", index + 1))?;
        let hears = child.stdin.take();
        let says = child.stdout.take().context("its output was asked for")?;
        Ok(Part {
            child,
            hears,
            says: BufReader::new(says),
        })
    }

    /// False when it ended without waiting for anybody.
    fn wait_ready(&mut self) -> anyhow::Result<bool> {
        let mut line = String::new();
        self.says
            .read_line(&mut line)
            .context("listening to a process")?;
        Ok(line == "ready\n")
    }

    fn go(&mut self) -> anyhow::Result<()> {
        let input = self.hears.as_mut().context("its input was asked for")?;
        // One that is gone is found out by its status.
        let _ = input.write_all(b"go\n");
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Its input ends here, which ends it, should it still run.
        drop(self.hears.take());
        let _ = self.child.wait();
    }
}

/// The gate of a part.
pub(super) fn gate() -> Gate {
    Gate {
        announce: Box::new(|| {
            // Whoever does not hear it is gone, which the end of our input tells.
            let _ = print("ready\n");
        }),
        go: Arc::default(),
    }
}

/// Listens to whoever started this part.
pub(super) fn listen(waker: Waker, go: Option<Arc<AtomicBool>>, interrupted: Arc<AtomicBool>) {
    let heard = move || {
        for line in stdin().lines() {
            if let (Ok("go"), Some(go)) = (line.as_deref(), &go) {
                go.store(true, Ordering::Relaxed);
                waker.wake();
            }
        }
        interrupted.store(true, Ordering::Relaxed);
        waker.wake();
    };
    // Not joined: it reads until the other process is gone.
    std::thread::spawn(heard);
}
