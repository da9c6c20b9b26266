//! The data plane itself, without the tables behind it: its shards with their logs, and its state.
//!
//! Its log is released as in the whole program, by the state store once a second; the tables, which there hold it up
//! to a minute longer, are not here. Asked with an empty line on standard input, it tells how long its answers took; told
//! which commands to send, it sends them and tells how long these took.

use std::io::{BufRead, Write};
use std::net::SocketAddr;

use anyhow::{Context, ensure};
use dataplane::{
    Config, Counters, Dataplane, Histogram, Password, RegisterMode, Registration, Router,
    StationPatch,
};
use fleet::StationKey;
use storage::data_dir::DataDir;
use storage::log::{Consumer, LogConfig};
use storage::state::StateStore;

use super::{Serve, commands};
use crate::inside::{Commands, Inside};
use crate::{pki, storm};

/// Serves as `config` says, on a free port, with the data in the folder of `serve`.
pub(super) fn serve(serve: &Serve, config: Config) -> anyhow::Result<()> {
    let (driver, dir) = (config.driver, &serve.dir);
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let tls = serve.tls.as_ref().map(|files| pki::config(files, any));
    let config = Config {
        listen: Vec::from_iter(tls.is_none().then_some(any)),
        tls,
        // A few connections say what a fleet says.
        messages_per_second_max: 0,
        log: LogConfig {
            // Nobody fills tables here, so nobody else would ever let a segment go.
            consumers: vec![Consumer::State],
            ..LogConfig::default()
        },
        give_back: allocator::give_back,
        ..config
    };
    let data_dir = DataDir::open(&dir.join("data")).context("opening the data directory")?;
    let store = StateStore::open(&dir.join("data/state")).context("opening the state store")?;
    let dataplane = Dataplane::start(config, &data_dir, store).context("starting")?;
    ensure!(
        dataplane.driver() == driver,
        "{} is not to be had",
        driver.name()
    );
    let router = dataplane.router();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .context("starting a runtime")?;
    runtime.block_on(register(&router, serve.known))?;
    let addrs = dataplane.addrs().iter().chain(dataplane.tls_addrs());
    super::announce(*addrs.min().context("it listens nowhere")?)?;
    let mut stdout = std::io::stdout();
    // The shard has its own thread; this one waits to be asked.
    for line in std::io::stdin().lock().lines() {
        let line = line.context("waiting for a question")?;
        let mut text = if line.is_empty() {
            serde_json::to_string(&runtime.block_on(inside(&router))?)
        } else {
            let wanted: Commands = serde_json::from_str(&line)
                .with_context(|| format!("reading which commands to send: {line}"))?;
            let took = runtime.block_on(commands::ask(&router, &wanted))?;
            serde_json::to_string(&took.quantiles())
        }
        .context("writing an answer")?;
        text.push('\n');
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
            .context("answering")?;
    }
    Ok(())
}

/// Has the data plane know the first so many stations of a storm, with their passwords.
async fn register(router: &Router, stations: u64) -> anyhow::Result<()> {
    let registration = |(name, password): (String, String)| {
        let password = Password::new(&password).context("making a password")?;
        anyhow::Ok(Registration {
            key: StationKey::new(fleet::TENANT_DEFAULT, &name).context("naming a station")?,
            patch: StationPatch {
                password: Some(Some(password)),
                ..StationPatch::default()
            },
        })
    };
    let stations = storm::passwords(stations).map(registration);
    let stations = stations.collect::<anyhow::Result<Vec<_>>>()?;
    // The mailbox of a shard has no room for all at once.
    for some in stations.chunks(1_000) {
        for part in router.register_all(some.to_vec(), RegisterMode::Create, "bench") {
            for answer in part.answer.await.context("registering stations")? {
                answer.context("registering a station")?;
            }
        }
    }
    Ok(())
}

/// How long its answers took so far.
async fn inside(router: &Router) -> anyhow::Result<Inside> {
    let shards = router.health().await.context("asking the shards")?;
    let sum_of = |of: fn(&Counters) -> &Histogram| {
        let mut sums = vec![0; Histogram::BOUNDS_US.len() + 1];
        for shard in &shards {
            let counts = &of(&shard.counters).counts;
            let sums = sums.iter_mut().zip(counts);
            sums.for_each(|(sum, count)| *sum += count);
        }
        sums
    };
    Ok(Inside {
        bounds_us: Histogram::BOUNDS_US.to_vec(),
        counts: sum_of(|counters| &counters.ack_latency),
        established: sum_of(|counters| &counters.established_latency),
        commands: sum_of(|counters| &counters.command_latency),
        commits: shards.iter().map(|shard| shard.log.commits).sum(),
        bytes_written: shards.iter().map(|shard| shard.log.bytes_written).sum(),
        connections: shards.iter().map(|shard| shard.connections as u64).sum(),
    })
}
