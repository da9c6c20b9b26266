//! How the server is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Every part of the server, and the worst of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// The worst of the parts.
    pub status: HealthStatus,
    /// What `/health/ready` answers.
    pub ready: bool,
    /// Version of the program.
    pub version: String,
    /// Connections and stations.
    pub dataplane: DataPlaneHealth,
    /// The durable logs, one per shard.
    pub logs: Vec<LogHealth>,
    /// The tables.
    pub lake: LakeHealth,
    /// The state store.
    pub state: StateHealth,
    /// The settings that hold.
    pub configuration: ConfigurationHealth,
    /// Where the server listens.
    pub listeners: Vec<ListenerHealth>,
    /// True when a listener beyond loopback takes passwords and tokens unencrypted.
    pub plaintext_beyond_loopback: bool,
}

/// How a part is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// As it should be.
    Ok,
    /// Works; somebody should look.
    Degraded,
    /// Does not work.
    Down,
}

/// Connections and stations, of all shards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DataPlaneHealth {
    /// How it is.
    pub status: HealthStatus,
    /// Why, when it is not `ok`.
    pub detail: Option<String>,
    /// What carries the stations' sockets: `epoll` or `io_uring`.
    pub driver: String,
    /// Threads that own stations.
    pub shards: u32,
    /// Sockets open.
    pub connections: u64,
    /// Stations known.
    pub stations: u64,
    /// Of those, the ones that wait for approval.
    pub stations_pending: u64,
    /// Transactions that run.
    pub active_transactions: u64,
}

/// One durable log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogHealth {
    /// The shard that writes it.
    pub shard: u32,
    /// Its name.
    #[schema(example = "3f1c0a9be26d7745")]
    pub log_id: String,
    /// How it is.
    pub status: HealthStatus,
    /// Why, when it is not `ok`.
    pub detail: Option<String>,
    /// Seconds that a commit takes which the disk has not answered yet; `null` when there is none. Under load there
    /// mostly is one, of milliseconds.
    pub commit_open_seconds: Option<f64>,
    /// Disk it takes.
    pub bytes_used: u64,
    /// Disk it may take.
    pub bytes_max: u64,
    /// Milliseconds that a write to its disk takes, 99th percentile of the last ones.
    pub sync_p99_ms: f64,
}

/// The tables and the disk below them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LakeHealth {
    /// How they are.
    pub status: HealthStatus,
    /// Why, when they are not `ok`.
    pub detail: Option<String>,
    /// Bytes of all table files.
    pub bytes_used: u64,
    /// Bytes free on their disk.
    pub bytes_free: u64,
    /// Days until the disk is full at the pace of the last day; `null` while that is not known.
    pub days_to_full: Option<f64>,
    /// Seconds since the oldest durable event that is not yet in a table.
    pub lag_seconds: Option<f64>,
}

/// The state store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StateHealth {
    /// How it is.
    pub status: HealthStatus,
    /// Why, when it is not `ok`.
    pub detail: Option<String>,
}

/// The settings that hold, and what became of the last attempt to read them again (`SIGHUP`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigurationHealth {
    /// `degraded` after an attempt that failed, until one succeeds.
    pub status: HealthStatus,
    /// Why, when it is not `ok`; which setting it is, the log says.
    pub detail: Option<String>,
    /// When the settings that hold were read.
    #[schema(example = "2026-11-22T10:00:00.000Z")]
    pub read_at: String,
    /// Settings that have other values where they were read from than the server runs with: it takes a restart.
    #[schema(example = json!(["ocpp.listen"]))]
    pub needs_restart: Vec<String>,
}

/// One address the server listens on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListenerHealth {
    /// `ocpp`, `http` or `postgres`.
    pub name: String,
    /// Address and port.
    #[schema(example = "127.0.0.1:9000")]
    pub address: String,
    /// True when it speaks without TLS.
    pub plaintext: bool,
    /// When the first of its certificates ends that is read and warned about here: those that stations are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-02-01T00:00:00.000Z")]
    pub certificate_expires_at: Option<String>,
}
