//! `sigec config`: the settings that hold, without starting anything.

use crate::cli::{ConfigCommand, RunFlags};
use crate::config::{Config, DEFAULTS, Settings, admin_token, environment, show};
use crate::print;

pub(super) fn execute(command: ConfigCommand) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Show { defaults: true, .. } => print::line(DEFAULTS.trim_end()),
        ConfigCommand::Show {
            flags,
            defaults: false,
        } => print::line(show(&load(&flags)?.1).trim_end()),
        ConfigCommand::Check { flags } => {
            let (config, _) = load(&flags)?;
            admin_token(&config)?;
            print::line("the configuration is valid")
        }
    }
}

/// The configuration of these flags, of the environment, and of the file that either names.
pub(crate) fn load(flags: &RunFlags) -> anyhow::Result<(Config, Settings)> {
    let file = flags.sources.config.as_deref();
    Ok(Config::load(file, environment(), &flags.settings())?)
}
