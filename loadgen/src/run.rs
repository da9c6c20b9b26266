//! The commands.

use std::fs;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use loadgen::clock::rfc3339;
use loadgen::echo::{self, Echo};
use loadgen::fleet::Fleet;
use loadgen::plan::{Plan, Timeline};
use loadgen::report::{Run, Summary};
use loadgen::runner::{Finished, Runner, Settings};
use loadgen::target::{self, Target};
use loadgen::truth::{self, Writer};
use loadgen::verify::Verdict;
use net::driver::{Config, Epoll};
use net::os::ListenOptions;
use net::ws::DeflateOptions;
use ocpp::Instant;

use crate::options;

/// Runs a fleet to its end, or until Ctrl-C.
///
/// # Errors
///
/// The options do not fit each other or the machine, or a file cannot be written.
pub(crate) async fn fleet(options: Box<options::Fleet>) -> anyhow::Result<ExitCode> {
    let target = Target::parse(&options.url)?;
    let (names, passwords) = names(&options)?;
    let versions = (0..).map(|index| options.version.of(index));
    let files = net::os::raise_nofile_limit().context("raising the limit of open files")?;
    anyhow::ensure!(
        u64::from(options.stations) + 64 <= files,
        "{} stations need as many sockets, the limit of open files is {files}; raise it with `ulimit -n`, or \
         run several with fewer --stations and another --station-prefix",
        options.stations
    );
    let truth = options.truth.as_deref().map(Writer::create).transpose()?;

    let start = Instant(net::clock::monotonic_ns());
    let start_utc_micros = net::clock::utc_micros();
    let plan = Plan {
        seed: options.seed,
        scenario: options.scenario,
        interval: options.interval,
        connectors: options.connectors,
        timeline: Timeline::new(start, start_utc_micros, options.duration, options.speed),
        end: start + options.duration,
        offline_events_max: options.offline_events,
        call_timeout: options.call_timeout,
        reconnect_min: options.reconnect,
        heartbeat: options.heartbeat,
    };
    let pace = Duration::from_secs_f64(1.0 / options.rate_connect);
    let fleet = Fleet::new(plan, names.into_iter().zip(versions), pace);
    let interrupted = Arc::new(AtomicBool::new(false));
    let settings = Settings {
        target,
        passwords,
        sources: options
            .source_addresses
            .as_ref()
            .map_or(Vec::new(), |sources| sources.0.clone()),
        deflate: options.deflate.then(DeflateOptions::default),
        drain: options.drain,
        truth,
        interrupted: interrupted.clone(),
    };

    let (started, waker) = tokio::sync::oneshot::channel();
    let (done, finished) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("fleet".into())
        .spawn(move || {
            // The driver belongs to the thread that runs it.
            let mut driver = Epoll::new(Config::default(), Vec::new())?;
            let mut runner = Runner::new(fleet, settings, show_progress());
            // Whoever waits at the other ends is gone only when the program is.
            let _ = started.send(driver.waker());
            let result = driver.run(&mut runner);
            let _ = done.send(());
            result.map(|()| runner.finish())
        });
    let thread = thread.context("starting the fleet's thread")?;
    if let Ok(waker) = waker.await {
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
    conclude(&options, start_utc_micros, finished)
}

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
    let (started, waker) = tokio::sync::oneshot::channel();
    let (done, finished) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("echo".into())
        .spawn(move || {
            let mut echo = echo;
            // The driver belongs to the thread that runs it.
            let mut driver = Epoll::new(echo::driver_config(), listeners)?;
            // Whoever waits at the other ends is gone only when the program is.
            let _ = started.send(driver.waker());
            let result = driver.run(&mut echo);
            let _ = done.send(());
            result.map(|()| echo.failure())
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
    let failure = thread
        .join()
        .expect("the thread of the echo does not panic")
        .context("running the reactor")?;
    match failure {
        None => Ok(ExitCode::SUCCESS),
        Some(failure) => anyhow::bail!("{failure}"),
    }
}

/// The identity of each station, and the passwords, if there are any.
fn names(options: &options::Fleet) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let (names, passwords): (Vec<String>, Vec<String>) = match &options.password_file {
        Some(path) => target::read_passwords(path, options.stations)?
            .into_iter()
            .unzip(),
        None => {
            let prefix = &options.station_prefix;
            (
                (1..=options.stations)
                    .map(|n| format!("{prefix}{n:05}"))
                    .collect(),
                Vec::new(),
            )
        }
    };
    if let Some(name) = names
        .iter()
        .find(|name| name.is_empty() || 48 < name.chars().count())
    {
        anyhow::bail!("the identity {name:?} is no identity: expected 1 to 48 characters");
    }
    Ok((names, passwords))
}

/// On a terminal, one line that is drawn anew; into a file or a pipe, nothing until the report.
fn show_progress() -> impl FnMut(String) {
    let shown = stderr().is_terminal();
    move |line| {
        if shown {
            // A terminal that is gone is no reason to end the run.
            let _ = write!(stderr(), "\r\x1b[2K{line}");
        }
    }
}

fn conclude(
    options: &options::Fleet,
    start_utc_micros: i64,
    finished: Finished,
) -> anyhow::Result<ExitCode> {
    if let Some(error) = finished.failure {
        return Err(error).context("writing the truth; it ends there");
    }
    let run = Run {
        url: options.url.clone(),
        stations: options.stations as usize,
        version: options.version.as_str().to_owned(),
        scenario: format!("{:?}", options.scenario).to_lowercase(),
        seed: options.seed,
        interval_s: options.interval.as_secs_f64(),
        duration_s: options.duration.as_secs_f64(),
        speed: options.speed,
        started_at: rfc3339(start_utc_micros / 1_000),
    };
    let report = finished.report;
    let summary = report.summary(run, finished.elapsed);
    if stderr().is_terminal() {
        let _ = write!(stderr(), "\r\x1b[2K");
    }
    print(&summary.text())?;
    if let Some(path) = &options.report_json {
        let json = serde_json::to_string_pretty(&summary).context("writing the report")?;
        fs::write(path, json + "\n").with_context(|| format!("writing {}", path.display()))?;
    }
    judge(options, &summary, report.p99())
}

fn judge(options: &options::Fleet, summary: &Summary, p99: Duration) -> anyhow::Result<ExitCode> {
    let mut failed = false;
    if let Some(limit) = options.fail_p99.filter(|limit| *limit < p99) {
        print(&format!(
            "FAILED: p99 is {p99:?}, --fail-p99 allows {limit:?}\n"
        ))?;
        failed = true;
    }
    if let Some(limit) = options.fail_errors.filter(|limit| *limit < summary.errors) {
        print(&format!(
            "FAILED: {} errors, --fail-errors allows {limit}\n",
            summary.errors
        ))?;
        failed = true;
    }
    if summary.connections.opened == 0 {
        print("FAILED: no station ever connected; is the server at --url up?\n")?;
        failed = true;
    }
    Ok(if failed {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    })
}

/// Between two looks at rows that may still be on their way.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Compares a truth with a server, again and again while rows may still come.
///
/// # Errors
///
/// The truth cannot be read, or the server cannot be asked.
#[expect(clippy::disallowed_methods, reason = "a retry timer, with a deadline")]
pub(crate) async fn verify(options: options::Verify) -> anyhow::Result<ExitCode> {
    let truth = truth::read(&options.truth)?;
    let mut client = sdk::Client::new(&options.http, options.token.clone())?;
    let deadline = tokio::time::Instant::now() + options.wait;
    let verdict: Verdict = loop {
        let verdict = loadgen::verify::verify(&truth, &mut client)
            .await
            .with_context(|| {
                format!(
                    "verifying against {}; is it a SIGEC-VE server, and may the token query?",
                    options.http
                )
            })?;
        if !verdict.may_improve() || deadline <= tokio::time::Instant::now() {
            break verdict;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    };
    print(&verdict.text())?;
    Ok(if verdict.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn print(text: &str) -> anyhow::Result<()> {
    stdout()
        .write_all(text.as_bytes())
        .context("writing to standard output")
}
