//! `SIGHUP`: the configuration is read again, and the files of TLS and of quirks that it names.
//!
//! A configuration that is wrong changes no setting. One that is right is taken as far as a running server can; what needs a
//! restart is named. The files of TLS that the running settings name are read either way; wrong ones leave TLS as it was.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use control_api::Rates;
use dataplane::{ReconfigureError, Router, Tls};
use fleet::UtcMicros;
use sdk::{ConfigurationHealth, HealthStatus};
use tokio::signal::unix::Signal;
use tokio::sync::watch;

use super::logging::SetFilter;
use crate::config::{Change, Config, Reread, Settings, listed};

/// Reads the configuration from where it was read at the start.
pub(super) type Read = Box<dyn Fn() -> anyhow::Result<Settings> + Send + Sync>;

/// What became of the last reading, for whoever asks.
#[derive(Clone)]
pub(super) struct Readings(Arc<Mutex<Reading>>);

struct Reading {
    /// When the settings that hold were read.
    read_at: UtcMicros,
    /// What the last attempt failed at, if it did.
    failure: Option<&'static str>,
    /// Keys.
    needs_restart: Vec<String>,
}

impl Readings {
    /// At the start.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Reading {
            read_at: now(),
            failure: None,
            needs_restart: Vec::new(),
        })))
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        // Each change of it is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, at: &'static str) {
        self.reading().failure = Some(at);
    }

    fn taken(&self, needs_restart: &[Change]) {
        *self.reading() = Reading {
            read_at: now(),
            failure: None,
            needs_restart: needs_restart.iter().map(|c| c.key.clone()).collect(),
        };
    }

    pub(super) fn health(&self) -> ConfigurationHealth {
        let reading = self.reading();
        ConfigurationHealth {
            status: match reading.failure {
                None => HealthStatus::Ok,
                Some(_) => HealthStatus::Degraded,
            },
            detail: reading.failure.map(str::to_owned),
            read_at: reading.read_at.to_string(),
            needs_restart: reading.needs_restart.clone(),
        }
    }

    /// The same for Prometheus.
    pub(super) fn metrics(&self) -> String {
        const AT: &str = "sigec_configuration_read_timestamp_seconds";
        const FAILED: &str = "sigec_configuration_reload_failed";
        let reading = self.reading();
        let seconds = reading.read_at.0.div_euclid(1_000_000);
        let failed = u8::from(reading.failure.is_some());
        format!(
            "# HELP {AT} When the settings that hold were read, seconds of Unix time.\n# TYPE {AT} gauge\n{AT} {seconds}\n\
             # HELP {FAILED} 1 after an attempt to read them again that failed, until one succeeds.\n\
             # TYPE {FAILED} gauge\n{FAILED} {failed}\n"
        )
    }
}

fn now() -> UtcMicros {
    UtcMicros(net::clock::utc_micros())
}

/// What of a running server changes with its configuration.
pub(super) struct Reloads {
    pub(super) read: Read,
    /// What it runs with.
    pub(super) settings: Settings,
    pub(super) config: watch::Sender<Config>,
    pub(super) router: Router,
    pub(super) rates: Rates,
    pub(super) set_filter: SetFilter,
    pub(super) tls: Option<Tls>,
    pub(super) readings: Readings,
}

impl Reloads {
    /// Reads everything again whenever it is told to.
    pub(super) async fn follow(mut self, mut hangups: Signal) {
        while hangups.recv().await.is_some() {
            let readings = self.readings.clone();
            let reloaded = tokio::task::spawn_blocking(move || {
                self.reload();
                self
            });
            match reloaded.await {
                Ok(reloads) => self = reloads,
                Err(error) => {
                    readings.failed("reading it again panicked, and it is not read any more");
                    return tracing::error!(%error, "reading the configuration again panicked");
                }
            }
        }
    }

    fn reload(&mut self) {
        let reread = (self.read)().and_then(|wanted| {
            let running = self.config.borrow();
            Ok(running.reread(&self.settings, &wanted)?)
        });
        if let Err(error) = reread.and_then(|reread| self.take(reread)) {
            self.readings
                .failed("it could not be read again, and holds as it was");
            let error = format!("{error:#}");
            tracing::error!(error, "SIGHUP: the configuration stays as it was");
        }
        // Also then: a certificate that was renewed lies where the settings that hold say.
        self.reload_tls();
    }

    /// Has every part take its settings.
    fn take(&mut self, reread: Reread) -> anyhow::Result<()> {
        let Reread {
            config,
            settings,
            changed,
            needs_restart,
        } = reread;
        // First what may fail: it leaves all as it was.
        let late = match self.router.reconfigure(config.dataplane.clone()) {
            Ok(()) => None,
            Err(late @ ReconfigureError::Shard { .. }) => Some(late),
            Err(error) => return Err(error.into()),
        };
        (self.set_filter)(&config.logging.filter)?;
        self.rates.limit(config.rates);
        self.config.send_replace(config);
        self.settings = settings;
        self.readings.taken(&needs_restart);
        tracing::info!(
            changed = listed(&changed),
            "SIGHUP: the configuration was read again"
        );
        if !needs_restart.is_empty() {
            tracing::warn!("needs a restart: {}", listed(&needs_restart));
        }
        if let Some(error) = late {
            self.readings
                .failed("a shard has not said that it took it; the log says which");
            let error = format!("{:#}", anyhow::Error::from(error));
            tracing::error!(error, "a shard may run with the settings from before");
        }
        Ok(())
    }

    fn reload_tls(&self) {
        let Some(tls) = &self.tls else { return };
        match tls.reload() {
            Ok(()) => tracing::info!("SIGHUP: the files of TLS were read again"),
            Err(error) => {
                let error = anyhow::Error::from(error);
                tracing::error!(error = format!("{error:#}"), "TLS stays as it was");
                self.readings
                    .failed("a file of TLS is wrong, and TLS stays as it was");
            }
        }
    }
}
