//! What an operator may choose. Checked by the program before anything starts; no field is optional here.

use std::net::SocketAddr;
use std::time::Duration;

use net::driver::DriverKind;
use storage::log::LogConfig;

use crate::certificates::{CertificatesConfig, HttpConfig};
use crate::charging::Supply;
use crate::quirks::QuirksConfig;
use crate::tls::TlsConfig;

/// What happens to a station that nobody registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onboarding {
    /// It is accepted, unless its upgrade came through a proxy; then as `Pending`.
    Open,
    /// It may connect and boot; its Boot is answered Pending until an operator approves it.
    Pending,
    /// Its handshake is answered 404.
    Closed,
}

impl Onboarding {
    /// `Open` while every listener is on loopback, else `Pending`.
    pub fn default_for(listeners: &[SocketAddr]) -> Self {
        if listeners.iter().all(|addr| addr.ip().is_loopback()) {
            Self::Open
        } else {
            Self::Pending
        }
    }
}

/// How 2.x stations hear what a transaction has come to while it runs (I02).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CostUpdates {
    /// Not at all.
    #[default]
    Off,
    /// In the answers to their own events.
    Responses,
    /// By CostUpdated.
    Commands {
        /// So often at most, and only when there is news.
        every: Duration,
    },
}

/// What energy costs where no other tariff holds, and what stations hear of costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tariff {
    /// Millionths of the currency's major unit per kWh; default 750,000.
    pub price_per_kwh_micros: i64,
    /// ISO 4217; default BRL.
    pub currency: [u8; 3],
    /// What stations hear before the end; default nothing.
    pub cost_updates: CostUpdates,
    /// Where the receipt of a settled transaction is, `{transaction_id}` in place of our id; default nowhere (2.1 C21).
    pub receipt_url: Option<String>,
}

impl Default for Tariff {
    fn default() -> Self {
        Self {
            price_per_kwh_micros: 750_000,
            currency: *b"BRL",
            cost_updates: CostUpdates::Off,
            receipt_url: None,
        }
    }
}

/// What a meter register may do between two readings before it is quarantined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plausibility {
    /// Highest mean power between two registers, watts; default 1,000,000.
    pub power_w_max: i64,
    /// Energy that is believed whatever the time between two registers, watt-hours; default 1,000.
    pub slack_wh: i64,
    /// Highest energy of one transaction, watt-hours; default 500,000.
    pub transaction_wh_max: i64,
}

impl Default for Plausibility {
    fn default() -> Self {
        Self {
            power_w_max: 1_000_000,
            slack_wh: 1_000,
            transaction_wh_max: 500_000,
        }
    }
}

/// What a vehicle that tells its charging needs is answered (2.x, K15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum VehicleNeeds {
    /// Nobody plans for it: it charges by the profiles that its station has.
    #[default]
    Rejected,
    /// Somebody will: its profile comes within a minute.
    Accepted,
    /// Somebody will, in their own time.
    Processing,
}

/// What a station is answered none of whose versions is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum NoCommonVersion {
    /// The upgrade is finished without a subprotocol, and the connection closed at once (2.0.1 and 2.1 Part 4, §3.1.2).
    #[default]
    Closed,
    /// HTTP 400, and no WebSocket (2.0.1 Part 6, `TC_B_58_CSMS` by the errata of 2025-04).
    Refused,
}

/// What is thought of a payment that the terminal of a 2.1 station has taken (`DirectPayment`, C18). Its reference is new each
/// time, so that nobody can have put it beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DirectPayments {
    /// It may charge, unless somebody has put a token of that id.
    #[default]
    Accepted,
    /// It is judged as every other token is.
    Unknown,
}

/// What event streams of a 2.1 station may be (N11). What goes beyond is refused where it is asked for, and counted where
/// it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventStreams {
    /// Streams that one station may have open; default 32.
    pub per_station_max: usize,
    /// Shortest interval between messages of a stream, seconds; default 1.
    pub interval_min_s: u32,
    /// Values of one message; default 1,000.
    pub values_max: u32,
    /// Messages of all streams of a station in a minute, by our clock; default 600.
    pub messages_per_minute_max: u32,
}

impl Default for EventStreams {
    fn default() -> Self {
        Self {
            per_station_max: 32,
            interval_min_s: 1,
            values_max: 1_000,
            messages_per_minute_max: 600,
        }
    }
}

/// Compression of messages (permessage-deflate), where a station offers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompressionConfig {
    /// Whether it is agreed on at all; default true. OCPP-J requires it of a CSMS (2.0.1 Part 4 §3.3).
    pub enabled: bool,
    /// Largest window that is kept in either direction, as the power of two of its bytes, 9 to 15; default 10, towards
    /// memory.
    pub window_bits: u8,
    /// Connections that may keep windows from message to message, over all shards, each two of them at most; further
    /// ones compress each message by itself. Default 20,000: 40 MiB at 10 bits.
    pub contexts_max: usize,
}

impl Default for CompressionConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            window_bits: 10,
            contexts_max: 20_000,
        }
    }
}

/// How much memory there is for the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MemoryMax {
    /// It is not measured.
    #[default]
    Unmeasured,
    /// What its control group allows; without a limit there, what the machine has, which others use too.
    Found,
    /// So many bytes of its own.
    Bytes(u64),
}

/// How the data plane runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where stations connect, plain WebSocket; default 127.0.0.1:9000. Port 0 picks a free one.
    pub listen: Vec<SocketAddr>,
    /// Where they connect over TLS; default nowhere.
    pub tls: Option<TlsConfig>,
    /// The weakest security profile that is let in, 0 to 3; default 0.
    pub security_profile_min: u8,
    /// Reactor threads; default one per core. At most [`fleet::PARTITIONS`].
    pub shards: usize,
    /// What the reactors wait on; default epoll. Where io_uring is wanted and not to be had, a line in the log says why, and
    /// epoll serves.
    pub driver: DriverKind,
    /// How long a reactor on io_uring gathers what comes once that is more than 5,000 events a second, or 64 of them; zero never
    /// gathers, and epoll never does. Default 500 µs.
    pub gather: Duration,
    /// What happens to unregistered stations.
    pub onboarding: Onboarding,
    /// Values of `Origin` that are let in; every other one is refused. Default none.
    pub origins: Vec<String>,
    /// Unregistered identities that may wait for approval, over all shards; default 10,000.
    pub pending_max: usize,
    /// Interval that Boot answers name, seconds; default 300.
    pub heartbeat_interval_s: u32,
    /// Longest WebSocket message, bytes; default 1 MiB.
    pub message_len_max: usize,
    /// Compression of messages.
    pub compression: CompressionConfig,
    /// Time a peer has to finish its upgrade; default 10 s.
    pub handshake_timeout: Duration,
    /// A silent peer is pinged this often, inside the limits of NAT tables; default 45 s.
    pub ping_interval: Duration,
    /// A peer that sends nothing for this long is cut off, at most a second later; default 150 s. A half-open connection
    /// is gone by then, and sooner when its station comes again: the newer one takes its place at once.
    pub idle_timeout: Duration,
    /// Sockets that are let at their handshake in a second, over all shards; further ones wait, unread, for at most 30 s.
    /// Default 10,000; 0 sets no limit.
    pub connects_per_second_max: u32,
    /// Messages of one connection that are read in a second; the rest waits for the next one. One counts once more for each
    /// 4 KiB of its text. Default 1,000; 0 sets no limit.
    pub messages_per_second_max: u16,
    /// Time a station has to answer one of our calls; default 30 s.
    pub call_timeout: Duration,
    /// Commands of one station that may wait behind the one on the wire; default 16.
    pub command_queue_len_max: usize,
    /// Bytes a shard holds for answers and records that are not durable; above it reads stop. Default 64 MiB.
    pub shard_bytes_max: usize,
    /// A log that commits nothing for this long closes its sockets and refuses upgrades; default 5 s.
    pub log_stall_timeout: Duration,
    /// Whether Heartbeats enter the raw message history; default true.
    pub log_heartbeats: bool,
    /// A station that is known to have monitors is asked for them after it has rebooted (N04.FR.19). Default false: nothing is sent
    /// to a station unasked.
    pub monitors_after_boot: bool,
    /// What vehicles are answered that tell their needs; whoever has them accepted sends the profiles. Default rejected.
    pub vehicle_needs: VehicleNeeds,
    /// What EVSEs hang on, by which smart charging turns amperes into watts; default three phases of 230 V.
    pub supply: Supply,
    /// How stations are turned away that offer no version known here; default as OCPP-J has it.
    pub no_common_version: NoCommonVersion,
    /// What is thought of payments that stations have taken at a terminal of their own. Default accepted.
    pub direct_payments: DirectPayments,
    /// What event streams may be.
    pub event_streams: EventStreams,
    /// What energy costs, and what stations hear of it.
    pub tariff: Tariff,
    /// What a register may do.
    pub plausibility: Plausibility,
    /// How stations are treated that stray from the specification.
    pub quirks: QuirksConfig,
    /// Who signs certificates, and who knows about them; default nobody.
    pub certificates: CertificatesConfig,
    /// Who knows whether a VAT number is one (2.1); default nobody.
    pub vat: Option<HttpConfig>,
    /// Sizes and limits of each shard's log.
    pub log: LogConfig,
    /// What the process's memory is measured against, once a second; default nothing. From 70 % on newcomers are held back.
    pub memory_max: MemoryMax,
    /// What a thread calls when it has come to rest after work, for the program's allocator to give back what the thread has
    /// freed; default nothing.
    pub give_back: fn(),
}

impl Config {
    /// This configuration with all of `wanted` that shards take while they run. What the others say has become threads,
    /// sockets and files by then, or is what the transactions that run are billed and judged by.
    #[must_use]
    pub fn taking(&self, wanted: Config) -> Config {
        let Config {
            listen: _,
            tls: _,
            security_profile_min,
            shards: _,
            driver: _,
            gather: _,
            onboarding: _,
            origins,
            pending_max,
            heartbeat_interval_s,
            message_len_max: _,
            compression,
            handshake_timeout,
            ping_interval,
            idle_timeout,
            connects_per_second_max,
            messages_per_second_max,
            call_timeout,
            command_queue_len_max: _,
            shard_bytes_max,
            log_stall_timeout,
            log_heartbeats,
            monitors_after_boot,
            vehicle_needs,
            supply,
            no_common_version,
            direct_payments,
            event_streams,
            tariff: _,
            plausibility: _,
            quirks,
            certificates: _,
            vat: _,
            log: _,
            memory_max,
            give_back: _,
        } = wanted;
        Config {
            security_profile_min,
            origins,
            pending_max,
            heartbeat_interval_s,
            compression,
            handshake_timeout,
            ping_interval,
            idle_timeout,
            connects_per_second_max,
            messages_per_second_max,
            call_timeout,
            shard_bytes_max,
            log_stall_timeout,
            log_heartbeats,
            monitors_after_boot,
            vehicle_needs,
            supply,
            no_common_version,
            direct_payments,
            event_streams,
            quirks,
            memory_max,
            ..self.clone()
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 9000))],
            tls: None,
            security_profile_min: 0,
            shards: std::thread::available_parallelism()
                .map_or(1, |cores| cores.get().min(usize::from(fleet::PARTITIONS))),
            driver: DriverKind::default(),
            gather: Duration::from_micros(500),
            onboarding: Onboarding::Open,
            origins: Vec::new(),
            pending_max: 10_000,
            heartbeat_interval_s: 300,
            message_len_max: 1 << 20,
            compression: CompressionConfig::default(),
            handshake_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(45),
            idle_timeout: Duration::from_secs(150),
            connects_per_second_max: 10_000,
            messages_per_second_max: 1_000,
            call_timeout: Duration::from_secs(30),
            command_queue_len_max: 16,
            shard_bytes_max: 64 << 20,
            log_stall_timeout: Duration::from_secs(5),
            log_heartbeats: true,
            monitors_after_boot: false,
            vehicle_needs: VehicleNeeds::default(),
            supply: Supply::default(),
            no_common_version: NoCommonVersion::default(),
            direct_payments: DirectPayments::default(),
            event_streams: EventStreams::default(),
            tariff: Tariff::default(),
            plausibility: Plausibility::default(),
            quirks: QuirksConfig::default(),
            certificates: CertificatesConfig::default(),
            vat: None,
            log: LogConfig::default(),
            memory_max: MemoryMax::Unmeasured,
            give_back: || {},
        }
    }
}
