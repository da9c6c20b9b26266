//! Runs a fleet on its own thread, until it ends or is interrupted.

use std::io::{IsTerminal, Write, stderr};
use std::sync::atomic::Ordering;

use anyhow::Context;
use loadgen::fleet::Fleet;
use loadgen::runner::{Finished, Runner, Settings};
use net::driver::{Config, Epoll, Waker};

/// Runs `fleet` to its end, or until Ctrl-C; `started` gets what wakes it.
pub(super) async fn drive(
    fleet: Fleet,
    settings: Settings,
    is_part: bool,
    started: impl FnOnce(Waker),
) -> anyhow::Result<Finished> {
    let interrupted = settings.interrupted.clone();
    let mut config = Config::default();
    if !settings.peers.is_empty() {
        // Attacks are longer than what stations say.
        config.pending_len_max = 1 << 20;
    }
    let (starting, waker) = tokio::sync::oneshot::channel();
    let (done, finished) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("fleet".into())
        .spawn(move || {
            // The driver belongs to the thread that runs it.
            let mut driver = Epoll::new(config, Vec::new())?;
            let mut runner = Runner::new(fleet, settings, show_progress(is_part));
            // Whoever waits at the other ends is gone only when the program is.
            let _ = starting.send(driver.waker());
            let result = driver.run(&mut runner);
            let _ = done.send(());
            result.map(|()| runner.finish())
        });
    let thread = thread.context("starting the fleet's thread")?;
    if let Ok(waker) = waker.await {
        started(waker.clone());
        tokio::select! {
            _ = finished => {}
            interrupt = tokio::signal::ctrl_c() => {
                interrupt.context("waiting for Ctrl-C")?;
                interrupted.store(true, Ordering::Relaxed);
                waker.wake();
            }
        }
    }
    let finished = thread
        .join()
        .expect("the fleet's thread does not panic")
        .context("running the reactor")?;
    if let Some(error) = finished.failure {
        return Err(error).context("writing the truth; it ends there");
    }
    if !is_part && stderr().is_terminal() {
        let _ = write!(stderr(), "\r\x1b[2K");
    }
    Ok(finished)
}

/// On a terminal, one line that is drawn anew; into a file, a pipe or beside others, nothing until the report.
fn show_progress(is_part: bool) -> impl FnMut(String) {
    let shown = !is_part && stderr().is_terminal();
    move |line| {
        if shown {
            // A terminal that is gone is no reason to end the run.
            let _ = write!(stderr(), "\r\x1b[2K{line}");
        }
    }
}
