//! The command line: what can be asked of the program, with an example of each.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// The data plane for electric-vehicle charging: OCPP in, SQL out.
#[derive(Debug, Parser)]
#[command(
    name = "sigec",
    version,
    propagate_version = true,
    after_help = "Examples:\n  \
        sigec run                                   everything on 127.0.0.1, data in ./sigec-data\n  \
        sigec config show                           which settings hold, and why\n  \
        sigec sql \"SELECT count(*) FROM meter_values\""
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show or check the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// Where settings come from, besides the defaults and `SIGEC_SECTION__KEY`.
#[derive(Debug, Args)]
pub(crate) struct Sources {
    /// A TOML file; `sigec config show --defaults` documents what it may say
    #[arg(long, value_name = "FILE", env = "SIGEC_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Where everything durable lies
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

impl Sources {
    /// The flags as settings.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        let data_dir = self.data_dir.as_ref();
        data_dir
            .map(|dir| ("server.data_dir", dir.display().to_string()))
            .into_iter()
            .collect()
    }
}

/// The settings that `sigec run` takes as flags.
#[derive(Debug, Args)]
pub(crate) struct RunFlags {
    #[command(flatten)]
    pub(crate) sources: Sources,
    /// Where charging stations connect [default: 127.0.0.1:9000]
    #[arg(long, value_name = "ADDR")]
    ocpp: Option<SocketAddr>,
    /// Where the HTTP API listens [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Where the PostgreSQL protocol listens [default: 127.0.0.1:5433]
    #[arg(long, value_name = "ADDR")]
    postgres: Option<SocketAddr>,
    /// Reactor threads; 0 means one per core
    #[arg(long, value_name = "N")]
    shards: Option<u16>,
    /// Lets plaintext listeners leave loopback
    #[arg(long)]
    allow_plaintext: bool,
}

impl RunFlags {
    /// The flags as settings.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = self.sources.settings();
        let address = |addr: &SocketAddr| addr.to_string();
        settings.extend(
            self.ocpp
                .as_ref()
                .map(|addr| ("ocpp.listen", address(addr))),
        );
        settings.extend(
            self.http
                .as_ref()
                .map(|addr| ("http.listen", address(addr))),
        );
        settings.extend(
            self.postgres
                .as_ref()
                .map(|addr| ("postgres.listen", address(addr))),
        );
        settings.extend(
            self.shards
                .map(|shards| ("server.shards", shards.to_string())),
        );
        settings.extend(
            self.allow_plaintext
                .then(|| ("server.allow_plaintext", "true".into())),
        );
        settings
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting that holds, and where it comes from
    #[command(after_help = "Examples:\n  \
        sigec config show                              defaults and SIGEC_SECTION__KEY variables\n  \
        sigec config show --config /etc/sigec.toml     with a file\n  \
        sigec config show --defaults > sigec.toml      a documented file to start from")]
    Show {
        #[command(flatten)]
        flags: RunFlags,
        /// Print the documented defaults instead
        #[arg(long)]
        defaults: bool,
    },
    /// Check the configuration without starting anything
    #[command(after_help = "Examples:\n  \
        sigec config check --config /etc/sigec.toml\n  \
        SIGEC_HTTP__LISTEN=0.0.0.0:80 sigec config check")]
    Check {
        #[command(flatten)]
        flags: RunFlags,
    },
}
