//! A configuration that is read again: what of it a running server takes, and what waits for a restart.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use super::layers::Settings;
use super::units::{BaseUrl, Bytes, Price, Span};
use super::{Config, ConfigError, Logging};

/// Settings that a running server takes. Every other one waits for a restart; tests compare both with [`Config::taking`]
/// and with the operators' guide.
pub(crate) const LIVE: [&str; 34] = [
    "server.memory_max",
    "server.drain_timeout",
    "ocpp.security_profile_min",
    "ocpp.vehicle_needs",
    "ocpp.charging_voltage",
    "ocpp.charging_phases",
    "ocpp.no_common_version",
    "ocpp.direct_payments",
    "ocpp.origins",
    "ocpp.compression",
    "ocpp.compression_window_bits",
    "ocpp.compression_contexts_max",
    "ocpp.handshake_timeout",
    "ocpp.connects_per_second_max",
    "ocpp.messages_per_second_max",
    "ocpp.heartbeat_interval",
    "ocpp.ping_interval",
    "ocpp.idle_timeout",
    "ocpp.answer_timeout",
    "ocpp.pending_max",
    "ocpp.keep_heartbeats",
    "ocpp.monitors_after_boot",
    "ocpp.streams_max",
    "ocpp.stream_interval_min",
    "ocpp.stream_values_max",
    "ocpp.stream_messages_per_minute_max",
    "ocpp.memory_max",
    "http.rate_principal",
    "http.rate_anonymous",
    "log.stall_timeout",
    "quirks.policy",
    "quirks.path",
    "quirks.kept_per_hour_max",
    "logging.filter",
];

/// A setting with another value than the server runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) key: String,
    was: String,
    is: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (was {}, is {})", self.key, self.was, self.is)
    }
}

/// Several of them in one line.
pub(crate) fn listed(changes: &[Change]) -> String {
    let changes: Vec<_> = changes.iter().map(Change::to_string).collect();
    changes.join(", ")
}

/// What a configuration that was read again comes to.
#[derive(Debug)]
pub(crate) struct Reread {
    /// What the server runs with from here on.
    pub(crate) config: Config,
    /// The same as settings.
    pub(crate) settings: Settings,
    /// What of it is new.
    pub(crate) changed: Vec<Change>,
    /// What is other there and stays as it is.
    pub(crate) needs_restart: Vec<Change>,
}

impl Config {
    /// What a server that runs with this configuration, of `running`, takes of `wanted`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when what it would take does not go together with what needs a restart.
    pub(crate) fn reread(
        &self,
        running: &Settings,
        wanted: &Settings,
    ) -> Result<Reread, ConfigError> {
        let mut settings = running.clone();
        let (mut changed, mut needs_restart) = (Vec::new(), Vec::new());
        for key in running.keys() {
            let (was, is) = (running.value(key).0, wanted.value(key).0);
            if means_the_same(key, was, is) {
                continue;
            }
            let change = Change {
                key: key.to_owned(),
                was: shown(was),
                is: shown(is),
            };
            if LIVE.contains(&key) {
                settings.take(key, wanted);
                changed.push(change);
            } else {
                needs_restart.push(change);
            }
        }
        Ok(Reread {
            config: self.taking(Self::check(&settings)?),
            settings,
            changed,
            needs_restart,
        })
    }

    /// This configuration with all of `wanted` that a running server takes.
    fn taking(&self, wanted: Config) -> Config {
        let Config {
            data_dir: _,
            drain_timeout,
            http_listen: _,
            https_listen: _,
            http: _,
            rates,
            files: _,
            postgres_listen: _,
            postgres_tls: _,
            dataplane,
            lake: _,
            price_per_kwh: _,
            logging: Logging { filter, format: _ },
        } = wanted;
        Config {
            drain_timeout,
            rates,
            dataplane: self.dataplane.taking(dataplane),
            logging: Logging {
                filter,
                ..self.logging.clone()
            },
            ..self.clone()
        }
    }
}

/// True where a setting has the same value, though it may be written in other words: `60s` and `1m`.
fn means_the_same(key: &str, was: &toml::Value, is: &toml::Value) -> bool {
    let (Some(was), Some(is)) = (was.as_str(), is.as_str()) else {
        return was == is;
    };
    if was == is {
        return true;
    }
    let defaults = Settings::defaults();
    // A file may be called `60s`: what a text is, only its setting says.
    let default = defaults.value(key).0.as_str().unwrap_or_default();
    match key {
        "files.base_url" => same::<BaseUrl>(was, is),
        "server.memory_max" => same::<Bytes>(was, is),
        "tariff.price_per_kwh" => same::<Price>(was, is),
        _ if key.ends_with("listen") => same::<SocketAddr>(was, is),
        _ if default.parse::<Span>().is_ok() => same::<Span>(was, is),
        _ if default.parse::<Bytes>().is_ok() => same::<Bytes>(was, is),
        _ => false,
    }
}

fn same<T: FromStr + PartialEq>(was: &str, is: &str) -> bool {
    let both = was.parse::<T>().ok().zip(is.parse::<T>().ok());
    both.is_some_and(|(was, is)| was == is)
}

/// A value for the log. A URL may hold a password, or what is as good as one.
fn shown(value: &toml::Value) -> String {
    let text = value.to_string();
    match text.contains("://") && text.contains(['@', '?']) {
        true => "a URL with a secret".to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests;
