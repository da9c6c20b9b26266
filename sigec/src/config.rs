//! Configuration: layers of text, checked once into a [`Config`] that needs no checking again.
//!
//! `sigec/defaults.toml` names every setting with its documentation and default; it is the first layer, the
//! reference, and what an unknown key is compared with. A setting therefore exists in two places only: there
//! and in [`Config::check`].

mod certificates;
mod layers;
mod live;
mod show;
mod tls;
mod units;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use control_api::{AdminToken, AdminTokenError, FilesConfig, RateLimits, ServeLimits};
use dataplane::charging::Supply;
use net::driver::DriverKind;
use storage::log::LogConfig;
use tracing::warn;
use tracing_subscriber::EnvFilter;

pub(crate) use layers::{DEFAULTS, Settings};
pub(crate) use live::{Change, Reread, listed};
pub(crate) use show::show;
pub(crate) use tls::PostgresMode;
use units::{BaseUrl, Currency, Price};

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
    #[error("SIGEC_ADMIN_TOKEN")]
    AdminToken(#[from] AdminTokenError),
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

/// What the server runs with. Each part's own type holds what `defaults.toml` says of it; nothing is optional.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Absolute: the tables' commits name their files so.
    pub(crate) data_dir: PathBuf,
    pub(crate) drain_timeout: Duration,
    pub(crate) http_listen: SocketAddr,
    pub(crate) https_listen: Option<SocketAddr>,
    pub(crate) http: ServeLimits,
    pub(crate) rates: RateLimits,
    /// Its `base_url` is empty where the HTTP listener tells it.
    pub(crate) files: FilesConfig,
    pub(crate) postgres_listen: SocketAddr,
    pub(crate) postgres_tls: PostgresMode,
    pub(crate) dataplane: dataplane::Config,
    pub(crate) lake: pipeline::Config,
    /// As it was written: a decimal of the tariff's currency.
    pub(crate) price_per_kwh: String,
    pub(crate) logging: Logging,
}

#[derive(Clone, Debug)]
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

    /// True while nobody beyond this machine can connect.
    fn is_on_loopback(&self) -> bool {
        let others = [self.http_listen, self.postgres_listen];
        let tls = self.dataplane.tls.iter().flat_map(|tls| &tls.listen);
        let tls = tls.chain(&self.https_listen);
        let mut listeners = self.dataplane.listen.iter().chain(&others).chain(tls);
        listeners.all(|address| address.ip().is_loopback())
    }

    fn check(settings: &Settings) -> Result<Self, ConfigError> {
        let listeners = listeners(settings)?;
        let [ocpp, http_listen, postgres_listen] = listeners;
        let mut everywhere = listeners.to_vec();
        if let Some(ocpps) = tls::listen(settings)? {
            if overlap(ocpp, ocpps) {
                return Err(
                    settings.invalid("tls.listen", "an address that ocpp.listen leaves free")
                );
            }
            everywhere.push(ocpps);
        }
        let https_listen = tls::https(settings)?;
        everywhere.extend(https_listen);
        let data_dir =
            std::path::absolute(settings.non_empty("server.data_dir")?).map_err(|_| {
                settings.invalid("server.data_dir", "a path below a directory that is there")
            })?;
        Ok(Self {
            drain_timeout: settings.duration("server.drain_timeout", secs(1)..=secs(600))?,
            http_listen,
            https_listen,
            http: ServeLimits {
                connections_max: settings.count("http.connections_max", 1..=100_000)?,
                header_timeout: settings.duration("http.header_timeout", secs(1)..=secs(300))?,
            },
            rates: RateLimits {
                principal: rate(settings, "http.rate_principal")?,
                anonymous: rate(settings, "http.rate_anonymous")?,
            },
            files: files_config(settings)?,
            postgres_listen,
            postgres_tls: tls::postgres(settings)?,
            dataplane: dataplane::Config {
                listen: vec![ocpp],
                ..dataplane_config(settings, dataplane::Onboarding::default_for(&everywhere))?
            },
            lake: lake_config(settings, &data_dir)?,
            data_dir,
            price_per_kwh: settings.non_empty("tariff.price_per_kwh")?,
            logging: Logging {
                filter: log_filter(settings)?,
                format: settings.choice(
                    "logging.format",
                    &[("text", LogFormat::Text), ("json", LogFormat::Json)],
                )?,
            },
        })
    }
}

/// The administrator's token of the environment. It is a secret and no setting: nothing shows it. One that could be
/// guessed is let in only where nobody beyond this machine can try.
pub(crate) fn admin_token(config: &Config) -> Result<Option<AdminToken>, ConfigError> {
    let Some(token) = std::env::var_os("SIGEC_ADMIN_TOKEN") else {
        return Ok(None);
    };
    // What is no UTF-8 becomes a character that no token may hold.
    let token = token.to_string_lossy();
    match AdminToken::new(&token) {
        Err(weak) if config.is_on_loopback() => {
            let token = AdminToken::for_loopback(&token)?;
            warn!("SIGEC_ADMIN_TOKEN would be refused with a listener beyond loopback: {weak}");
            Ok(Some(token))
        }
        checked => Ok(Some(checked?)),
    }
}

/// The variables of the environment; what is no UTF-8 shows as such where a setting is refused.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| {
        (
            name.to_string_lossy().into_owned(),
            value.to_string_lossy().into_owned(),
        )
    })
}

/// The addresses of OCPP, HTTP and Postgres; in the clear beyond loopback only where that is allowed.
fn listeners(settings: &Settings) -> Result<[SocketAddr; 3], ConfigError> {
    let allow_plaintext = settings.boolean("server.allow_plaintext")?;
    let postgres_is_plain = tls::postgres(settings)? != PostgresMode::Required;
    let listener = |key, is_plain, with_tls| {
        let address = settings.address(key)?;
        if is_plain && !address.ip().is_loopback() && !allow_plaintext {
            let expected = format!(
                "a loopback address, with {with_tls} for all others, or --allow-plaintext when something in front of it \
                 brings TLS"
            );
            return Err(settings.invalid(key, expected));
        }
        Ok(address)
    };
    Ok([
        listener("ocpp.listen", true, "tls.listen")?,
        listener("http.listen", true, "http.tls_listen")?,
        listener(
            "postgres.listen",
            postgres_is_plain,
            "postgres.tls = \"required\"",
        )?,
    ])
}

/// True where both would take connections of the same port: listeners of stations share theirs among the shards, so
/// the second would start too, and each connection would land on either.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (everywhere || one.ip() == other.ip())
}

/// One that can be read.
fn log_filter(settings: &Settings) -> Result<String, ConfigError> {
    const KEY: &str = "logging.filter";
    let filter = settings.non_empty(KEY)?;
    match EnvFilter::try_new(&filter) {
        Ok(_) => Ok(filter),
        Err(error) => {
            let expected = format!("level,crate=level,… ({error})");
            Err(settings.invalid(KEY, expected))
        }
    }
}

/// Requests a second; 0 for no limit.
fn rate(settings: &Settings, key: &str) -> Result<u32, ConfigError> {
    let rate = settings.count(key, 0..=1_000_000)?;
    Ok(u32::try_from(rate).expect("a million fits"))
}

/// What stations hang on.
fn supply(settings: &Settings) -> Result<Supply, ConfigError> {
    let volts = settings.count("ocpp.charging_voltage", 50..=500)?;
    let phases = settings.count("ocpp.charging_phases", 1..=3)?;
    let millivolts = u32::try_from(volts * 1_000).expect("five hundred thousand fits");
    Ok(Supply {
        line_voltage_mv: NonZeroU32::new(millivolts).expect("fifty thousand at least"),
        phases: u8::try_from(phases).expect("three fits"),
    })
}

fn files_config(settings: &Settings) -> Result<FilesConfig, ConfigError> {
    let base_url: BaseUrl = settings.parse("files.base_url")?;
    let size_max = settings.size("files.size_max", KIB..=64 * GIB)?;
    let total_max = settings.size("files.total_max", KIB..=1024 * GIB)?;
    if total_max < size_max {
        return Err(settings.invalid("files.total_max", "a size of at least files.size_max"));
    }
    let days = settings.count("files.retention_days", 0..=36_500)?;
    Ok(FilesConfig {
        base_url: base_url.0,
        size_max: size_max as u64,
        total_max: total_max as u64,
        retention: (days != 0).then(|| secs(days as u64 * 86_400)),
    })
}

fn dataplane_config(
    settings: &Settings,
    onboarding: dataplane::Onboarding,
) -> Result<dataplane::Config, ConfigError> {
    let defaults = dataplane::Config::default();
    let ping_interval = settings.duration("ocpp.ping_interval", secs(1)..=secs(86_400))?;
    let idle_timeout = settings.duration("ocpp.idle_timeout", secs(1)..=secs(604_800))?;
    if idle_timeout <= ping_interval {
        return Err(settings.invalid("ocpp.idle_timeout", "a duration above ocpp.ping_interval"));
    }
    let heartbeat_interval =
        settings.duration("ocpp.heartbeat_interval", secs(1)..=secs(86_400))?;
    let watt_hours = |key| {
        settings
            .count(key, 1..=1_000_000_000)
            .map(|count| count as i64)
    };
    let tls = tls::check(settings)?;
    Ok(dataplane::Config {
        security_profile_min: security_profile_min(settings, tls.as_ref())?,
        tls,
        shards: match settings.count("server.shards", 0..=usize::from(fleet::PARTITIONS))? {
            0 => defaults.shards,
            shards => shards,
        },
        driver: settings.choice(
            "server.driver",
            &[
                ("auto", defaults.driver),
                ("epoll", DriverKind::Epoll),
                ("io_uring", DriverKind::IoUring),
            ],
        )?,
        gather: settings.duration("server.gather", Duration::ZERO..=Duration::from_millis(10))?,
        onboarding: settings.choice(
            "ocpp.onboarding",
            &[
                ("auto", onboarding),
                ("open", dataplane::Onboarding::Open),
                ("pending", dataplane::Onboarding::Pending),
                ("closed", dataplane::Onboarding::Closed),
            ],
        )?,
        origins: settings.list("ocpp.origins")?,
        pending_max: settings.count("ocpp.pending_max", 0..=1_000_000)?,
        heartbeat_interval_s: u32::try_from(heartbeat_interval.as_secs())
            .expect("a day of seconds fits"),
        message_len_max: settings.size("ocpp.message_size_max", 2 * KIB..=MIB)?,
        compression: dataplane::CompressionConfig {
            enabled: settings.boolean("ocpp.compression")?,
            window_bits: u8::try_from(settings.count("ocpp.compression_window_bits", 9..=15)?)
                .expect("fifteen fits"),
            contexts_max: settings.count("ocpp.compression_contexts_max", 0..=10_000_000)?,
        },
        handshake_timeout: settings.duration("ocpp.handshake_timeout", secs(1)..=secs(300))?,
        ping_interval,
        idle_timeout,
        connects_per_second_max: rate(settings, "ocpp.connects_per_second_max")?,
        messages_per_second_max: u16::try_from(
            settings.count("ocpp.messages_per_second_max", 0..=60_000)?,
        )
        .expect("sixty thousand fits"),
        call_timeout: settings.duration("ocpp.answer_timeout", secs(1)..=secs(600))?,
        command_queue_len_max: settings.count("ocpp.commands_waiting_max", 1..=10_000)?,
        shard_bytes_max: settings.size("ocpp.memory_max", 8 * MIB..=64 * GIB)?,
        log_stall_timeout: settings.duration("log.stall_timeout", secs(1)..=secs(600))?,
        log_heartbeats: settings.boolean("ocpp.keep_heartbeats")?,
        monitors_after_boot: settings.boolean("ocpp.monitors_after_boot")?,
        vehicle_needs: settings.choice(
            "ocpp.vehicle_needs",
            &[
                ("rejected", dataplane::VehicleNeeds::Rejected),
                ("accepted", dataplane::VehicleNeeds::Accepted),
                ("processing", dataplane::VehicleNeeds::Processing),
            ],
        )?,
        supply: supply(settings)?,
        no_common_version: settings.choice(
            "ocpp.no_common_version",
            &[
                ("closed", dataplane::NoCommonVersion::Closed),
                ("refused", dataplane::NoCommonVersion::Refused),
            ],
        )?,
        direct_payments: settings.choice(
            "ocpp.direct_payments",
            &[
                ("accepted", dataplane::DirectPayments::Accepted),
                ("unknown", dataplane::DirectPayments::Unknown),
            ],
        )?,
        event_streams: event_streams(settings)?,
        tariff: dataplane::Tariff {
            price_per_kwh_micros: settings.parse::<Price>("tariff.price_per_kwh")?.micros,
            currency: settings.parse::<Currency>("tariff.currency")?.code,
            cost_updates: {
                let every =
                    settings.duration("tariff.cost_updates_every", secs(5)..=secs(86_400))?;
                settings.choice(
                    "tariff.cost_updates",
                    &[
                        ("off", dataplane::CostUpdates::Off),
                        ("responses", dataplane::CostUpdates::Responses),
                        ("commands", dataplane::CostUpdates::Commands { every }),
                    ],
                )?
            },
            receipt_url: receipt_url(settings)?,
        },
        plausibility: dataplane::Plausibility {
            power_w_max: watt_hours("plausibility.power_w_max")?,
            slack_wh: watt_hours("plausibility.slack_wh")?,
            transaction_wh_max: watt_hours("plausibility.transaction_wh_max")?,
        },
        quirks: dataplane::QuirksConfig {
            policy: settings.choice("quirks.policy", &dataplane::QuirkPolicy::NAMES)?,
            path: Some(settings.non_empty("quirks.path")?)
                .filter(|path| path != "none")
                .map(PathBuf::from),
            kept_per_hour_max: u16::try_from(
                settings.count("quirks.kept_per_hour_max", 0..=10_000)?,
            )
            .expect("ten thousand fits"),
        },
        certificates: certificates::check(settings)?,
        vat: certificates::vat(settings)?,
        log: LogConfig {
            bytes_max: settings.size("log.bytes_max", 256 * MIB..=1024 * GIB)? as u64,
            commit_wait: settings.duration("log.commit_wait", Duration::ZERO..=secs(1))?,
            inline_max: settings.duration("log.inline_max", Duration::ZERO..=secs(1))?,
            inline_after: u32::try_from(settings.count("log.inline_after", 1..=1_000_000)?)
                .expect("a million fits"),
            ..defaults.log
        },
        memory_max: match settings.size_or_auto("server.memory_max", 256 * MIB..=1024 * GIB)? {
            None => dataplane::MemoryMax::Found,
            Some(bytes) => dataplane::MemoryMax::Bytes(bytes as u64),
        },
        give_back: allocator::give_back,
        ..defaults
    })
}

/// The weakest security profile that is let in; one that no listener offers would shut every station out.
fn security_profile_min(
    settings: &Settings,
    tls: Option<&dataplane::TlsConfig>,
) -> Result<u8, ConfigError> {
    const KEY: &str = "ocpp.security_profile_min";
    let profile_min = settings.count(KEY, 0..=3)?;
    let tls = tls.filter(|tls| !tls.listen.is_empty());
    if 2 <= profile_min && tls.is_none() {
        return Err(settings.invalid(KEY, "at most 1 while tls.listen is \"none\""));
    }
    if profile_min == 3 && tls.is_none_or(|tls| tls.clients.is_none()) {
        return Err(settings.invalid(KEY, "at most 2 while tls.client_roots_file is \"none\""));
    }
    Ok(u8::try_from(profile_min).expect("three fits"))
}

fn event_streams(settings: &Settings) -> Result<dataplane::EventStreams, ConfigError> {
    let small = |key, max| {
        let count = settings.count(key, 1..=max)?;
        Ok::<_, ConfigError>(u32::try_from(count).expect("a million fits"))
    };
    let interval_min = settings.duration("ocpp.stream_interval_min", secs(1)..=secs(86_400))?;
    Ok(dataplane::EventStreams {
        per_station_max: settings.count("ocpp.streams_max", 0..=10_000)?,
        interval_min_s: u32::try_from(interval_min.as_secs()).expect("a day of seconds fits"),
        values_max: small("ocpp.stream_values_max", 1_000_000)?,
        messages_per_minute_max: small("ocpp.stream_messages_per_minute_max", 1_000_000)?,
    })
}

/// Where receipts are; one URL for each transaction.
fn receipt_url(settings: &Settings) -> Result<Option<String>, ConfigError> {
    let url = settings.non_empty("tariff.receipt_url")?;
    if url == "none" {
        return Ok(None);
    }
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let is_plain = url.len() <= 1_000 && url.bytes().all(|byte| byte.is_ascii_graphic());
    if is_web && is_plain && url.contains("{transaction_id}") {
        return Ok(Some(url));
    }
    let expected = "\"none\", or a URL of at most 1,000 characters with {transaction_id} in it";
    Err(settings.invalid("tariff.receipt_url", expected))
}

fn lake_config(settings: &Settings, data_dir: &Path) -> Result<pipeline::Config, ConfigError> {
    let defaults = pipeline::Config::new(data_dir);
    let mut retention_days = BTreeMap::new();
    for table in pipeline::Table::ALL {
        let days = settings.count(&format!("retention.{}", table.name()), 0..=36_500)?;
        if days > 0 {
            retention_days.insert(table, u32::try_from(days).expect("a century of days fits"));
        }
    }
    Ok(pipeline::Config {
        flush_interval: settings.duration("lake.flush_interval", secs(1)..=secs(86_400))?,
        flush_bytes: settings.size("lake.flush_size", MIB..=4 * GIB)?,
        hot_bytes_max: settings.size("lake.memory_max", 16 * MIB..=1024 * GIB)?,
        retention_days,
        query: pipeline::QueryConfig {
            timeout: settings.duration("query.timeout", secs(1)..=secs(86_400))?,
            memory: settings.size("query.memory_max", 64 * MIB..=1024 * GIB)?,
            spill_bytes: settings.size("query.spill_max", 0..=1024 * GIB)? as u64,
            rows_max: settings.count("query.rows_max", 1..=1_000_000_000)?,
            concurrency: settings.count("query.concurrency_max", 1..=256)?,
            ..defaults.query
        },
        ..defaults
    })
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[cfg(test)]
mod tests;
