//! Log lines: structured, to standard error.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Logging};

/// Has another filter decide what is logged.
pub(super) type SetFilter = Box<dyn Fn(&str) -> anyhow::Result<()> + Send + Sync>;

/// Starts logging; once per process.
pub(super) fn start(config: &Logging) -> anyhow::Result<SetFilter> {
    let filter = read(&config.filter)?;
    let builder = tracing_subscriber::fmt()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let (started, set): (_, SetFilter) = match config.format {
        LogFormat::Text => {
            let builder = builder.with_env_filter(filter).with_filter_reloading();
            let handle = builder.reload_handle();
            let set = move |filter: &str| Ok(handle.reload(read(filter)?)?);
            (builder.try_init(), Box::new(set))
        }
        LogFormat::Json => {
            let builder = builder.json().with_env_filter(filter);
            let builder = builder.with_filter_reloading();
            let handle = builder.reload_handle();
            let set = move |filter: &str| Ok(handle.reload(read(filter)?)?);
            (builder.try_init(), Box::new(set))
        }
    };
    started.map_err(|error| anyhow::anyhow!("starting the log output: {error}"))?;
    Ok(set)
}

fn read(filter: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(filter).with_context(|| format!("logging.filter: found {filter:?}"))
}
