//! Waiting with a deadline, for things that announce themselves and for things that do not.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// What any single wait may take; generous, because the machine may be busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// Calls `probe` until it finds something. For facts on the far side of a socket, which send no notice.
///
/// # Panics
///
/// When nothing was found within [`DEADLINE`], with the last `Err` of `probe`.
pub(crate) fn eventually<T>(what: &str, mut probe: impl FnMut() -> Result<T, String>) -> T {
    let started = now();
    loop {
        match probe() {
            Ok(found) => return found,
            Err(last) if started.elapsed() > DEADLINE => {
                panic!("{what}: not within {DEADLINE:?}; the last look found: {last}")
            }
            // The probe is a request to a server on this machine: leave it the processor in between.
            Err(_) => thread::park_timeout(Duration::from_millis(20)),
        }
    }
}

/// The lines of a child's output, as they come.
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    pub(crate) fn of(output: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            // An error is the end of the child; a refused line is the end of the test.
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// The next line; `None` when the output has ended.
    ///
    /// # Panics
    ///
    /// When there is neither within [`DEADLINE`].
    pub(crate) fn next(&self) -> Option<String> {
        match self.0.recv_timeout(DEADLINE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line within {DEADLINE:?}"),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a deadline of a test on a real clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
