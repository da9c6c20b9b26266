//! `loadgen ws-echo`.

use std::process::ExitCode;

use anyhow::{Context, bail};
use loadgen::echo::{self, Echo};
use loadgen::target::Target;
use net::driver::{Driver, DriverKind};
use net::os::ListenOptions;
use net::ws::DeflateOptions;

use super::print;
use crate::options;

/// Echoes until Ctrl-C, or until the suite has run its cases.
///
/// # Errors
///
/// The address cannot be listened on, the suite's URL is none, or the suite went away.
pub(crate) async fn ws_echo(options: options::WsEcho) -> anyhow::Result<ExitCode> {
    let deflate = DeflateOptions {
        window_bits: options.window_bits,
        takeover: !options.no_context_takeover,
    };
    let (echo, listeners) = match &options.suite {
        Some(url) => {
            let suite = Target::parse(url)?;
            (Echo::suite(deflate, suite.addr, suite.host), Vec::new())
        }
        None => {
            let listener = net::os::listen(options.listen, ListenOptions::default())
                .with_context(|| format!("listening on {}", options.listen))?;
            print(&format!("listening on {}\n", listener.local_addr()))?;
            (Echo::listen(deflate), vec![listener])
        }
    };
    let wanted = match options.driver {
        options::EchoDriver::Epoll => DriverKind::Epoll,
        options::EchoDriver::IoUring => DriverKind::IoUring,
    };
    let (started, waker) = tokio::sync::oneshot::channel();
    let (done, finished) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("echo".into())
        .spawn(move || {
            let mut echo = echo;
            // The driver belongs to the thread that runs it.
            let mut driver = Driver::new(wanted, echo::driver_config(), listeners)?;
            if driver.kind() != wanted {
                bail!("this machine has no {}", wanted.name());
            }
            // Whoever waits at the other ends is gone only when the program is.
            let _ = started.send(driver.waker());
            let result = driver.run(&mut echo);
            let _ = done.send(());
            result?;
            Ok(echo.ran())
        });
    let thread = thread.context("starting the thread of the echo")?;
    if let Ok(waker) = waker.await {
        tokio::select! {
            _ = finished => {}
            interrupt = tokio::signal::ctrl_c() => {
                interrupt.context("waiting for Ctrl-C")?;
                waker.wake();
            }
        }
    }
    let ran = thread
        .join()
        .expect("the thread of the echo does not panic")
        .context("running the reactor")?;
    match ran {
        Ok(None) => {}
        Ok(Some(cases)) => print(&format!(
            "{cases} cases were run; the suite has the report\n"
        ))?,
        Err(failure) => bail!("{failure}"),
    }
    Ok(ExitCode::SUCCESS)
}
