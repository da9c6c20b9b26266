//! What each command does; one module per family.

mod config;

use crate::cli::{Cli, Command};

pub(crate) fn execute(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Config(command) => config::execute(command),
    }
}
