//! The one place that writes to the terminal, so that a closed pipe ends a command quietly.

use std::io::{self, Write};

/// Writes `text` and a line end to standard output.
///
/// A reader that has gone (`sigec log dump | head`) ends the program with success: it has what it wanted.
pub(crate) fn line(text: impl std::fmt::Display) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        result => Ok(result?),
    }
}

/// Writes the whole chain of `error`, outermost first. There is nowhere left to report a failure to.
pub(crate) fn error(error: &anyhow::Error) {
    let _ = writeln!(io::stderr(), "sigec: {error:#}");
}
