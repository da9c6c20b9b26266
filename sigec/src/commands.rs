//! What each command does; one module per family.

mod admin;
mod config;
mod lake;
mod log;
mod sql;
mod station;

use anyhow::Context;
use sdk::Client;
use storage::data_dir::{DataDir, DataDirError};

use crate::cli::{Cli, Command, Login, Sources};
use crate::config::{Config, environment};
use crate::run::{self, Ready};

pub(crate) fn execute(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Run { flags, ready_file } => {
            let loaded = config::load(&flags)?;
            let read = move || Ok(config::load(&flags)?.1);
            run::run(loaded, Box::new(read), ready_file.as_deref())
        }
        Command::Config(command) => config::execute(command),
        Command::Sql {
            sources,
            login,
            format,
            query,
        } => sql::execute(&sources, login, format, &query),
        Command::Station(command) => station::execute(command),
        Command::Lake(command) => lake::execute(command),
        Command::Log(command) => log::execute(command),
        Command::Admin(command) => admin::execute(command),
    }
}

/// Who has the data directory.
enum Holder {
    /// We, until this is dropped: no server runs over it.
    Us(DataDir),
    /// A server, which can be asked.
    Server(Ready),
}

impl Holder {
    /// Takes the data directory, or finds the server that has it.
    fn find(config: &Config) -> anyhow::Result<Self> {
        let path = &config.data_dir;
        // Opening makes a directory that is missing; looking into one must not.
        anyhow::ensure!(
            path.join("FORMAT").is_file(),
            "{} is no data directory: it has no file FORMAT; `sigec run` makes one at its first start, or name another with --data-dir",
            path.display()
        );
        match DataDir::open(path) {
            Ok(data_dir) => Ok(Self::Us(data_dir)),
            Err(DataDirError::Locked { pid, .. }) => {
                let ready = Ready::read(&Ready::path_in(path))
                    .with_context(|| format!("finding the server, process {pid}"))?;
                Ok(Self::Server(ready))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn load(sources: &Sources) -> anyhow::Result<Config> {
    let file = sources.config.as_deref();
    Ok(Config::load(file, environment(), &sources.settings())?.0)
}

/// The data directory of a stopped server, held so that none starts meanwhile.
fn stopped_server(config: &Config) -> anyhow::Result<DataDir> {
    match Holder::find(config)? {
        Holder::Us(data_dir) => Ok(data_dir),
        Holder::Server(ready) => anyhow::bail!(
            "{} is in use by process {}: this needs the server to be stopped",
            config.data_dir.display(),
            ready.pid
        ),
    }
}

/// A client of a running server.
fn client(ready: &Ready, login: Login) -> anyhow::Result<Client> {
    let token = login.token.or_else(|| std::env::var("SIGEC_ADMIN_TOKEN").ok()).context(
        "the server runs, so this needs a principal's token: --token, SIGEC_TOKEN or SIGEC_ADMIN_TOKEN",
    )?;
    Ok(Client::new(&format!("http://{}", ready.http), token)?)
}

/// A runtime for a command that asks something once.
fn block_on<T>(asked: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.context("starting a runtime")?.block_on(asked)
}
