//! The command line: what can be asked of the program, with an example of each.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Start the server with every role
    #[command(after_help = "Examples:\n  \
        sigec run\n  \
        sigec run --data-dir /var/lib/sigec --config /etc/sigec/sigec.toml\n  \
        sigec run --ocpp 127.0.0.1:0 --http 127.0.0.1:0 --postgres 127.0.0.1:0 --ready-file ready.json\n  \
        SIGEC_ADMIN_TOKEN=… sigec run --http 0.0.0.0:8080 --allow-plaintext")]
    Run {
        #[command(flatten)]
        flags: RunFlags,
        /// Write where the server listens to this file once it is ready
        #[arg(long, value_name = "FILE")]
        ready_file: Option<PathBuf>,
    },
    /// Ask the tables: the server if it runs, else the data directory
    #[command(after_help = "Examples:\n  \
        sigec sql \"SELECT * FROM stations LIMIT 5\"\n  \
        sigec sql --format csv \"SELECT * FROM transactions\" > transactions.csv")]
    Sql {
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        login: Login,
        /// How rows are printed
        #[arg(long, value_enum, default_value = "table")]
        format: RowFormat,
        /// One SELECT
        query: String,
    },
    /// Register charging stations
    #[command(
        subcommand,
        after_help = "Examples:\n  \
        sigec station import stations.csv"
    )]
    Station(StationCommand),
    /// Look after the tables' files
    #[command(
        subcommand,
        after_help = "Examples:\n  \
        sigec lake flush"
    )]
    Lake(LakeCommand),
    /// Show or check the configuration
    #[command(
        subcommand,
        after_help = "Examples:\n  \
        sigec config show --defaults > sigec.toml\n  \
        sigec config check --config sigec.toml"
    )]
    Config(ConfigCommand),
    /// Look into the durable log of a stopped server
    #[command(
        subcommand,
        after_help = "Examples:\n  \
        sigec log verify\n  \
        sigec log dump | grep CP-000017"
    )]
    Log(LogCommand),
    /// Administer a stopped server
    #[command(
        subcommand,
        after_help = "Examples:\n  \
        sigec admin reset-token"
    )]
    Admin(AdminCommand),
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

/// As whom a running server is asked.
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// A principal's token; SIGEC_ADMIN_TOKEN serves too
    #[arg(long, env = "SIGEC_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    /// Columns for people
    Table,
    /// Comma-separated values with a header
    Csv,
    /// An array of objects
    Json,
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

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Read every record and check every sum
    #[command(after_help = "Examples:\n  \
        sigec log verify\n  \
        sigec log verify --data-dir /backup/sigec-2026-11-22")]
    Verify {
        #[command(flatten)]
        sources: Sources,
    },
    /// Print records, one a line: log, sequence number, time, station, content
    #[command(after_help = "Examples:\n  \
        sigec log dump | grep CP-000017\n  \
        sigec log dump --shard 1 --from 120000 --limit 20")]
    Dump {
        #[command(flatten)]
        sources: Sources,
        /// Only the log of this shard
        #[arg(long, value_name = "N")]
        shard: Option<usize>,
        /// Begin with this sequence number
        #[arg(long, value_name = "SEQ", default_value_t = 0)]
        from: u64,
        /// End after this many records
        #[arg(long, value_name = "N")]
        limit: Option<u64>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Give the administrator a new token and print it; the old one is refused from then on
    #[command(after_help = "Examples:\n  \
        sigec admin reset-token\n  \
        sigec admin reset-token --data-dir /var/lib/sigec")]
    ResetToken {
        #[command(flatten)]
        sources: Sources,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum StationCommand {
    /// Register or change many stations from a CSV file
    #[command(after_help = "Examples:\n  \
        sigec station import stations.csv\n  \
        sigec station import --renew-unused stations.csv\n\n\
        The file has a header, id,password,site,latitude,longitude,connectors, of which only id must be there. A new\n\
        station without a password is given one, which is printed. The same file again changes nothing.")]
    Import {
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        login: Login,
        /// Give registered stations that never came in with their password a new one, where their line has none: when
        /// what an import printed was lost
        #[arg(long)]
        renew_unused: bool,
        /// The file
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LakeCommand {
    /// Have the server write out every row that is still in memory
    #[command(after_help = "Examples:\n  \
        sigec lake flush && duckdb -c \"SELECT count(*) FROM delta_scan('sigec-data/lake/meter_values')\"")]
    Flush {
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        login: Login,
    },
}
