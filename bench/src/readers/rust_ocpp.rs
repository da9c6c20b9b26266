//! The types of the crate `rust-ocpp`, read in a process of their own: the crate changes how `serde_json` reads numbers
//! for every crate that it is built with.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, bail};
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

    /// Has it read a CALL of `action` `count` times; the action of an answer ends in `Response`.
    ///
    /// # Errors
    ///
    /// It is gone, or says what it should not.
    pub fn read(
        &mut self,
        version: Version,
        action: &str,
        text: &str,
        count: u64,
    ) -> anyhow::Result<Reading> {
        let version = version.subprotocol().trim_start_matches("ocpp");
        writeln!(self.questions, "{version} {action} {count} {text}")
            .with_context(|| format!("asking rust-ocpp to read {action}"))?;
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .context("reading what rust-ocpp took")?;
        let line = line.trim_end();
        if line == "unknown" {
            return Ok(Reading::Unknown);
        }
        if let Some(reason) = line.strip_prefix("refused ") {
            return Ok(Reading::Refused(reason.to_owned()));
        }
        let mut numbers = line.split(' ').map(str::parse);
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(Ok(nanos)), Some(Ok(allocations)), None) => {
                Ok(Reading::Timed(Timed { nanos, allocations }))
            }
            _ => bail!(
                "rust-ocpp said {line:?} of {action} of {version}, expected nanoseconds and allocations"
            ),
        }
    }
}

/// What came of reading a message.
#[derive(Debug)]
pub enum Reading {
    /// It took so long.
    Timed(Timed),
    /// The crate has no such message.
    Unknown,
    /// It has, and cannot read this one; why.
    Refused(String),
}

impl Drop for RustOcpp {
    fn drop(&mut self) {
        // A process that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
