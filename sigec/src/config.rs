//! Configuration: layers of text, checked once into a [`Config`] that needs no checking again.
//!
//! `sigec/defaults.toml` names every setting with its documentation and default; it is the first layer, the
//! reference, and what an unknown key is compared with. A setting therefore exists in two places only: there
//! and in [`Config::check`].

mod layers;
mod show;
mod units;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use layers::{DEFAULTS, Settings};
pub(crate) use show::show;
use units::{Currency, Price};

/// Why a configuration was refused; each names the setting, what was found and what was expected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("reading the configuration file {}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the configuration file {} is not TOML", path.display())]
    Syntax {
        path: PathBuf,
        source: toml::de::Error,
    },
    #[error("{origin}: there is no setting {key:?}{}", hint(nearest.as_deref()))]
    UnknownKey {
        origin: String,
        key: String,
        nearest: Option<String>,
    },
    #[error("{key} from {origin}: found {found}, expected {expected}")]
    Invalid {
        key: String,
        origin: String,
        found: String,
        expected: String,
    },
}

fn hint(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean {nearest:?}?"),
        None => "; `sigec config show --defaults` lists them all".to_owned(),
    }
}

/// What the server runs with. Field by field as `defaults.toml` documents it; nothing here is optional.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    pub(crate) server: Server,
    pub(crate) ocpp: Ocpp,
    pub(crate) http_listen: SocketAddr,
    pub(crate) postgres_listen: SocketAddr,
    pub(crate) log: Log,
    pub(crate) lake: Lake,
    pub(crate) query: Query,
    pub(crate) tariff: Tariff,
    pub(crate) logging: Logging,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Server {
    pub(crate) data_dir: PathBuf,
    /// At least one.
    pub(crate) shards: usize,
    pub(crate) allow_plaintext: bool,
    pub(crate) drain_timeout: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ocpp {
    pub(crate) listen: SocketAddr,
    pub(crate) onboarding: Onboarding,
    pub(crate) origins: Vec<String>,
    pub(crate) message_size_max: u64,
    pub(crate) handshake_timeout: Duration,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) ping_interval: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) answer_timeout: Duration,
}

/// What happens to a station that nobody has registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Onboarding {
    Open,
    Pending,
    Closed,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Log {
    pub(crate) size_max: u64,
    pub(crate) commit_wait: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lake {
    pub(crate) flush_interval: Duration,
    pub(crate) flush_size: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) timeout: Duration,
    pub(crate) memory_max: u64,
    pub(crate) rows_max: usize,
    pub(crate) concurrency_max: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tariff {
    /// Millionths of the currency's major unit per kWh.
    pub(crate) price_per_kwh_micros: i64,
    pub(crate) currency: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Logging {
    pub(crate) filter: String,
    pub(crate) format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// Merges the layers and checks the result.
    ///
    /// `flags` are (key, value) pairs in the words of `defaults.toml`.
    pub(crate) fn load(
        file: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
        flags: &[(&str, String)],
    ) -> Result<(Self, Settings), ConfigError> {
        let mut settings = Settings::defaults();
        if let Some(path) = file {
            settings.add_file(path)?;
        }
        settings.add_env(env)?;
        settings.add_flags(flags)?;
        Ok((Self::check(&settings)?, settings))
    }

    fn check(settings: &Settings) -> Result<Self, ConfigError> {
        let listens = ["ocpp.listen", "http.listen", "postgres.listen"];
        let [ocpp_listen, http_listen, postgres_listen] = listens.map(|key| settings.address(key));
        let (ocpp_listen, http_listen, postgres_listen) =
            (ocpp_listen?, http_listen?, postgres_listen?);
        let on_loopback = [ocpp_listen, http_listen, postgres_listen]
            .map(|listen: SocketAddr| listen.ip().is_loopback());

        let allow_plaintext = settings.boolean("server.allow_plaintext")?;
        if let Some(exposed) = on_loopback.iter().position(|on_loopback| !on_loopback)
            && !allow_plaintext
        {
            return Err(settings.invalid(
                listens[exposed],
                "a loopback address, or --allow-plaintext when something in front of it brings TLS",
            ));
        }

        Ok(Self {
            server: Server {
                data_dir: PathBuf::from(settings.non_empty("server.data_dir")?),
                shards: match settings.count("server.shards", 0..=256)? {
                    0 => std::thread::available_parallelism().map_or(1, usize::from),
                    shards => shards,
                },
                allow_plaintext,
                drain_timeout: settings.duration("server.drain_timeout", secs(1)..=secs(600))?,
            },
            ocpp: Ocpp {
                listen: ocpp_listen,
                onboarding: settings.choice(
                    "ocpp.onboarding",
                    &[
                        (
                            "auto",
                            if on_loopback == [true; 3] {
                                Onboarding::Open
                            } else {
                                Onboarding::Pending
                            },
                        ),
                        ("open", Onboarding::Open),
                        ("pending", Onboarding::Pending),
                        ("closed", Onboarding::Closed),
                    ],
                )?,
                origins: settings.list("ocpp.origins")?,
                message_size_max: settings.size("ocpp.message_size_max", KIB..=64 * MIB)?,
                handshake_timeout: settings
                    .duration("ocpp.handshake_timeout", secs(1)..=secs(300))?,
                heartbeat_interval: settings
                    .duration("ocpp.heartbeat_interval", secs(1)..=secs(86_400))?,
                ping_interval: settings.duration("ocpp.ping_interval", secs(1)..=secs(86_400))?,
                idle_timeout: {
                    let ping_interval = settings.duration("ocpp.ping_interval", ANY)?;
                    let idle_timeout = settings.duration("ocpp.idle_timeout", ANY)?;
                    if idle_timeout <= ping_interval {
                        return Err(settings
                            .invalid("ocpp.idle_timeout", "a duration above ocpp.ping_interval"));
                    }
                    idle_timeout
                },
                answer_timeout: settings.duration("ocpp.answer_timeout", secs(1)..=secs(600))?,
            },
            http_listen,
            postgres_listen,
            log: Log {
                size_max: settings.size("log.size_max", 256 * MIB..=1024 * GIB)?,
                commit_wait: settings.duration("log.commit_wait", Duration::ZERO..=secs(1))?,
            },
            lake: Lake {
                flush_interval: settings.duration("lake.flush_interval", secs(1)..=secs(86_400))?,
                flush_size: settings.size("lake.flush_size", MIB..=4 * GIB)?,
            },
            query: Query {
                timeout: settings.duration("query.timeout", secs(1)..=secs(86_400))?,
                memory_max: settings.size("query.memory_max", 64 * MIB..=1024 * GIB)?,
                rows_max: settings.count("query.rows_max", 1..=1_000_000_000)?,
                concurrency_max: settings.count("query.concurrency_max", 1..=256)?,
            },
            tariff: Tariff {
                price_per_kwh_micros: settings.parse::<Price>("tariff.price_per_kwh")?.micros,
                currency: settings.parse::<Currency>("tariff.currency")?.code,
            },
            logging: Logging {
                filter: settings.non_empty("logging.filter")?,
                format: settings.choice(
                    "logging.format",
                    &[("text", LogFormat::Text), ("json", LogFormat::Json)],
                )?,
            },
        })
    }
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const ANY: std::ops::RangeInclusive<Duration> = Duration::ZERO..=Duration::MAX;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[cfg(test)]
mod tests;
