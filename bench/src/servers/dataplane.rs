//! The data plane itself, without the tables behind it: one shard with its log and state.

use std::path::Path;

use anyhow::Context;
use dataplane::{Config, Dataplane};
use storage::data_dir::DataDir;
use storage::log::{Consumer, LogConfig};
use storage::state::StateStore;

/// Serves with the data in `dir`, with Heartbeats in the message history or not.
pub(super) fn serve(dir: &Path, log_heartbeats: bool) -> anyhow::Result<()> {
    let config = Config {
        listen: vec![([127, 0, 0, 1], 0).into()],
        shards: 1,
        log_heartbeats,
        log: LogConfig {
            // Nobody fills tables here, so nobody else would ever let a segment go.
            consumers: vec![Consumer::State],
            ..LogConfig::default()
        },
        ..Config::default()
    };
    let data_dir = DataDir::open(&dir.join("data")).context("opening the data directory")?;
    let store = StateStore::open(&dir.join("data/state")).context("opening the state store")?;
    let dataplane = Dataplane::start(config, &data_dir, store).context("starting")?;
    super::announce(dataplane.addrs()[0])?;
    // The shard has its own thread; this one waits to be killed.
    loop {
        std::thread::park();
    }
}
