//! The types of the crate `rust-ocpp`, read in a process of their own: the crate changes how `serde_json` reads numbers
//! for every crate that it is built with.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, ensure};
use ocpp::Version;

use super::Timed;

/// The process; killed when dropped.
#[derive(Debug)]
pub struct RustOcpp {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl RustOcpp {
    /// Starts `program`, which `bench/rivals/rust-ocpp` builds.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn start(program: &Path) -> anyhow::Result<RustOcpp> {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        Ok(RustOcpp {
            child,
            questions: stdin.context("the reader has no standard input")?,
            answers: BufReader::new(stdout.context("the reader has no standard output")?),
        })
    }

    /// Has it read a CALL of `action` `count` times.
    ///
    /// # Errors
    ///
    /// It cannot read it; what it says stands on the standard error.
    pub fn read(
        &mut self,
        version: Version,
        action: &str,
        text: &str,
        count: u64,
    ) -> anyhow::Result<Timed> {
        let version = version.subprotocol().trim_start_matches("ocpp");
        writeln!(self.questions, "{version} {action} {count} {text}")
            .with_context(|| format!("asking rust-ocpp to read {action}"))?;
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .context("reading what rust-ocpp took")?;
        let numbers: Vec<u64> = line.split_whitespace().flat_map(str::parse).collect();
        ensure!(
            numbers.len() == 2,
            "rust-ocpp said {line:?} of {action}, expected nanoseconds and allocations"
        );
        Ok(Timed {
            nanos: numbers[0],
            allocations: numbers[1],
        })
    }
}

impl Drop for RustOcpp {
    fn drop(&mut self) {
        // A process that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
