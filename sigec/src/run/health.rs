//! How the parts are that only the program itself knows, in the words of the API.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use control_api::HealthParts;
use dataplane::Tls;
use fleet::UtcMicros;
use pipeline::Lake;
use sdk::{HealthStatus, LakeHealth, ListenerHealth, StateHealth};

use super::reload::Readings;

/// Fewer days than this until the disk is full, and somebody should look.
const DAYS_TO_FULL_MIN: f64 = 7.0;

/// What `/health` looks at.
pub(super) struct Watch {
    /// From the end of start-up to the beginning of the drain.
    pub(super) ready: AtomicBool,
    pub(super) lake: Arc<Lake>,
    pub(super) listeners: Vec<Listener>,
    /// What is shown at those with TLS.
    pub(super) certificates: Option<Tls>,
    /// Records of the logs that this start could not read and passed by.
    pub(super) records_aside: u64,
    /// When settings were read.
    pub(super) readings: Readings,
}

/// A port of ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listener {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    /// Somebody may be heard there without TLS.
    pub(super) plaintext: bool,
}

impl Listener {
    fn is_heard_by_all(&self) -> bool {
        self.plaintext && !self.address.ip().is_loopback()
    }
}

impl Watch {
    pub(super) fn look(&self) -> HealthParts {
        let expires_at = self.certificates.as_ref().and_then(Tls::expires_at);
        let expires_at = expires_at.map(|at| at.to_string());
        let listeners = self.listeners.iter().map(|listener| ListenerHealth {
            name: listener.name.to_owned(),
            address: listener.address.to_string(),
            plaintext: listener.plaintext,
            certificate_expires_at: expires_at.clone().filter(|_| !listener.plaintext),
        });
        HealthParts {
            ready: self.ready.load(Ordering::Relaxed),
            lake: lake_health(&self.lake.health()),
            state: state_health(self.records_aside),
            configuration: self.readings.health(),
            listeners: listeners.collect(),
            plaintext_beyond_loopback: self.listeners.iter().any(Listener::is_heard_by_all),
        }
    }
}

/// A store that fails later shows in the health of the shards, which write it.
fn state_health(records_aside: u64) -> StateHealth {
    match records_aside {
        0 => StateHealth {
            status: HealthStatus::Ok,
            detail: None,
        },
        records => StateHealth {
            status: HealthStatus::Degraded,
            detail: Some(format!(
                "{records} records of the logs change no state and could not be read at the start; they lie in `aside` \
                 of the data directory"
            )),
        },
    }
}

/// The same for Prometheus, and when the first certificate ends that stations are shown, where there is one.
pub(super) fn metrics(records_aside: u64, expires_at: Option<UtcMicros>) -> String {
    const NAME: &str = "sigec_log_records_aside";
    const ENDS: &str = "sigec_tls_certificate_expires_timestamp_seconds";
    let mut out = format!(
        "# HELP {NAME} Records of the logs that this start could not read and passed by.\n# TYPE {NAME} gauge\n{NAME} \
         {records_aside}\n"
    );
    if let Some(UtcMicros(micros)) = expires_at {
        let seconds = micros.div_euclid(1_000_000);
        out += &format!(
            "# HELP {ENDS} When the first certificate ends that stations are shown, seconds of Unix time.\n# TYPE {ENDS} \
             gauge\n{ENDS} {seconds}\n"
        );
    }
    out
}

fn lake_health(health: &pipeline::Health) -> LakeHealth {
    let soon_full = health
        .days_to_full
        .is_some_and(|days| days < DAYS_TO_FULL_MIN);
    let detail = match (&health.error, health.records_unreadable) {
        (Some(error), _) => Some(error.clone()),
        (None, 0) if soon_full => Some("the disk is full within a week".to_owned()),
        (None, 0) => None,
        (None, records) => Some(format!("{records} records cannot be read")),
    };
    LakeHealth {
        status: if detail.is_some() {
            HealthStatus::Degraded
        } else {
            HealthStatus::Ok
        },
        detail,
        bytes_used: health.tables.iter().map(|table| table.bytes).sum(),
        bytes_free: health.disk_free_bytes,
        days_to_full: health.days_to_full,
        lag_seconds: Some(health.lag.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_passed_by_show() {
        assert_eq!(state_health(0).status, HealthStatus::Ok);
        let state = state_health(2);
        assert_eq!(state.status, HealthStatus::Degraded);
        assert!(
            state
                .detail
                .is_some_and(|detail| detail.starts_with("2 records "))
        );
        assert!(metrics(2, None).ends_with("\nsigec_log_records_aside 2\n"));
        let ends = metrics(2, Some(UtcMicros(1_800_000_000_999_999)));
        assert!(ends.ends_with("\nsigec_tls_certificate_expires_timestamp_seconds 1800000000\n"));
    }
}
