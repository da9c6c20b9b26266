//! `/metrics`

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use dataplane::{CompressedBytes, Histogram, LogView, ShardHealth};
use fleet::record::Direction;
use fleet::{Cost, MilliwattHours};

use crate::SharedApp;
use crate::health::ask_shards;
use crate::metrics::{Exposition, Kind};

/// The text format's own type.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything the server counts, in the Prometheus text format.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "get_metrics",
    tag = "health",
    responses((status = 200, description = "Metrics", body = String, content_type = "text/plain"))
)]
pub(crate) async fn metrics(
    State(app): State<SharedApp>,
) -> ([(HeaderName, &'static str); 1], String) {
    let mut out = Exposition::default();
    // A sum without one of them would look like a restart, so then there is none.
    let shards: Option<Vec<_>> = ask_shards(&app).await.into_iter().collect();
    let up = u8::from(shards.is_some());
    let help = "Whether every shard answered this scrape.";
    out.single("sigec_shards_up", Kind::Gauge, help, up);
    disks(&mut out, &app.router.logs());
    if let Some(shards) = shards {
        business(&mut out, &shards, &app.currency);
        connections(&mut out, &shards);
        messages(&mut out, &shards);
        logs(&mut out, &shards);
    }
    let (bytes, count) = app.files.usage();
    let help = "Bytes of files for stations and from them, kept or arriving.";
    out.single("sigec_files_bytes", Kind::Gauge, help, bytes);
    out.single("sigec_files", Kind::Gauge, "Such files kept.", count);
    app.metrics.render(&mut out);
    if let Some(bytes) = resident_memory() {
        let help = "Resident memory of this process.";
        out.single("process_resident_memory_bytes", Kind::Gauge, help, bytes);
    }
    for render in &app.metrics_of_others {
        out.append(&render());
    }
    ([(CONTENT_TYPE, TEXT_FORMAT)], out.into_text())
}

fn sum<T: std::iter::Sum>(shards: &[ShardHealth], of: impl Fn(&ShardHealth) -> T) -> T {
    shards.iter().map(of).sum()
}

fn business(out: &mut Exposition, shards: &[ShardHealth], currency: &str) {
    out.single(
        "sigec_active_charging_sessions",
        Kind::Gauge,
        "Transactions that run.",
        sum(shards, |shard| shard.transactions_active),
    );
    out.single(
        "sigec_energy_delivered_kwh_total",
        Kind::Counter,
        "Energy of ended transactions that is to be billed.",
        MilliwattHours(sum(shards, |shard| shard.counters.energy_mwh)),
    );
    out.family(
        "sigec_revenue_total",
        Kind::Counter,
        "What ended transactions cost, in major units of at most 16 currencies.",
    );
    // That of the configuration is there before anything is paid.
    let mut revenue = BTreeMap::from([(currency.to_owned(), 0)]);
    for (currency, minor) in shards
        .iter()
        .flat_map(|shard| shard.counters.revenue.iter())
    {
        let currency = String::from_utf8_lossy(&currency).into_owned();
        *revenue.entry(currency).or_default() += minor;
    }
    for (currency, minor) in &revenue {
        out.sample(
            "sigec_revenue_total",
            &[("currency", currency)],
            Cost(*minor),
        );
    }
    for (name, help, count) in [
        (
            "sigec_transactions_started_total",
            "Transactions begun.",
            sum(shards, |shard| shard.counters.transactions_started),
        ),
        (
            "sigec_transactions_ended_total",
            "Transactions ended.",
            sum(shards, |shard| shard.counters.transactions_ended),
        ),
    ] {
        out.single(name, Kind::Counter, help, count);
    }
}

fn connections(out: &mut Exposition, shards: &[ShardHealth]) {
    for (name, help, count) in [
        (
            "sigec_ocpp_connections",
            "Sockets open, in handshake or beyond.",
            sum(shards, |shard| shard.connections),
        ),
        (
            "sigec_ocpp_connections_waiting",
            "Sockets that wait, unread, until they are let at their handshake.",
            sum(shards, |shard| shard.connections_waiting),
        ),
        (
            "sigec_ocpp_connections_compressed",
            "Those whose messages may be compressed.",
            sum(shards, |shard| shard.compressed),
        ),
        (
            "sigec_ocpp_compression_contexts",
            "Those of them that keep windows from message to message.",
            sum(shards, |shard| shard.compression_contexts),
        ),
        (
            "sigec_stations",
            "Stations known.",
            sum(shards, |shard| shard.stations),
        ),
        (
            "sigec_stations_online",
            "Stations that hold a connection.",
            sum(shards, |shard| shard.stations_online),
        ),
        (
            "sigec_stations_pending",
            "Stations that wait for approval.",
            sum(shards, |shard| shard.stations_pending),
        ),
    ] {
        out.single(name, Kind::Gauge, help, count);
    }
    for (name, help, count) in [
        (
            "sigec_ocpp_connections_opened_total",
            "Handshakes finished.",
            sum(shards, |shard| shard.counters.connections_opened),
        ),
        (
            "sigec_ocpp_connections_replaced_total",
            "Connections closed because a newer one took their place.",
            sum(shards, |shard| shard.counters.connections_replaced),
        ),
        (
            "sigec_ocpp_connections_dropped_total",
            "Connections closed by us for silence, a protocol error or a full send queue.",
            sum(shards, |shard| shard.counters.connections_dropped),
        ),
    ] {
        out.single(name, Kind::Counter, help, count);
    }
    let mut refused = BTreeMap::<u16, u64>::new();
    for (status, count) in shards
        .iter()
        .flat_map(|shard| &shard.counters.handshakes_refused)
    {
        *refused.entry(*status).or_default() += count;
    }
    let name = "sigec_ocpp_handshakes_refused_total";
    out.family(name, Kind::Counter, "Handshakes refused, by HTTP status.");
    for (status, count) in refused {
        out.sample(name, &[("status", &status.to_string())], count);
    }
    let mut failures = BTreeMap::<&str, u64>::new();
    for (reason, count) in shards.iter().flat_map(|shard| &shard.counters.tls_failures) {
        *failures.entry(reason).or_default() += count;
    }
    let name = "sigec_ocpp_tls_failures_total";
    let help = "Connections whose TLS came to nothing, by reason.";
    out.family(name, Kind::Counter, help);
    for (reason, count) in failures {
        out.sample(name, &[("reason", reason)], count);
    }
}

fn messages(out: &mut Exposition, shards: &[ShardHealth]) {
    let mut messages = BTreeMap::<(&str, &str), u64>::new();
    for (action, direction, count) in shards.iter().flat_map(|shard| &shard.counters.messages) {
        let direction = match direction {
            Direction::FromStation => "in",
            Direction::ToStation => "out",
        };
        *messages.entry((action, direction)).or_default() += count;
    }
    let bytes = |of: fn(&CompressedBytes) -> u64| {
        sum::<u64>(shards, |shard| of(&shard.counters.compressed))
    };
    for (name, help, read, written) in [
        (
            "sigec_ocpp_compressed_bytes_total",
            "Bytes of compressed messages on the wire.",
            bytes(|bytes| bytes.wire_in),
            bytes(|bytes| bytes.wire_out),
        ),
        (
            "sigec_ocpp_compressed_text_bytes_total",
            "Bytes of the same messages as text.",
            bytes(|bytes| bytes.text_in),
            bytes(|bytes| bytes.text_out),
        ),
    ] {
        out.family(name, Kind::Counter, help);
        out.sample(name, &[("direction", "in")], read);
        out.sample(name, &[("direction", "out")], written);
    }
    let name = "sigec_ocpp_messages_total";
    out.family(
        name,
        Kind::Counter,
        "OCPP frames; actions that no version knows are `other`.",
    );
    for ((action, direction), count) in messages {
        out.sample(name, &[("action", action), ("direction", direction)], count);
    }
    for (name, help, count) in [
        (
            "sigec_ocpp_boots_deferred_total",
            "Boots answered Rejected, to be said again later, because there was too much to do.",
            sum(shards, |shard| shard.counters.boots_deferred),
        ),
        (
            "sigec_ocpp_calls_refused_total",
            "CALLERRORs sent.",
            sum(shards, |shard| shard.counters.calls_refused),
        ),
        (
            "answers_unexpected_total",
            "Answers nobody waited for any more, or ever.",
            sum(shards, |shard| shard.counters.answers_unexpected),
        ),
        (
            "sigec_ocpp_answers_refused_total",
            "Answers that a 2.1 station says it cannot use.",
            sum(shards, |shard| shard.counters.answers_refused),
        ),
        (
            "sigec_ocpp_sends_unreadable_total",
            "SENDs of 2.1 stations that broke their schema.",
            sum(shards, |shard| shard.counters.sends_unreadable),
        ),
        (
            "sigec_ocpp_stream_values_total",
            "Values that event streams of 2.1 stations told.",
            sum(shards, |shard| shard.counters.stream_values),
        ),
        (
            "sigec_ocpp_streams_unknown_total",
            "Messages of event streams that nobody opened.",
            sum(shards, |shard| shard.counters.streams_unknown),
        ),
        (
            "sigec_ocpp_streams_limited_total",
            "Messages of event streams beyond what a station may send.",
            sum(shards, |shard| shard.counters.streams_limited),
        ),
        (
            "sigec_ocpp_retries_total",
            "Messages recognised as a retry.",
            sum(shards, |shard| shard.counters.retries),
        ),
        (
            "sigec_ocpp_retry_conflicts_total",
            "Retries with another content under the same key.",
            sum(shards, |shard| shard.counters.retry_conflicts),
        ),
        (
            "sigec_state_store_reads_total",
            "Reads of the state store by the shards.",
            sum(shards, |shard| shard.counters.store_reads),
        ),
        (
            "sigec_state_store_reads_failed_total",
            "Those that failed; the calls that hung on them were refused.",
            sum(shards, |shard| shard.counters.store_reads_failed),
        ),
        (
            "sigec_ocpp_quirks_total",
            "Messages that broke their schema in a known way and were taken.",
            sum(shards, |shard| shard.counters.quirks),
        ),
        (
            "sigec_ocpp_quarantined_total",
            "Messages kept aside because they strayed from their schema.",
            sum(shards, |shard| shard.counters.messages_quarantined),
        ),
        (
            "sigec_ocpp_quarantine_passed_by_total",
            "Such messages that were not kept, because their station sent too many within an hour.",
            sum(shards, |shard| shard.counters.quarantine_passed_by),
        ),
    ] {
        out.single(name, Kind::Counter, help, count);
    }
}

fn logs(out: &mut Exposition, shards: &[ShardHealth]) {
    type Latency = fn(&ShardHealth) -> &Histogram;
    let latencies: [(&str, &str, Latency); 3] = [
        (
            "sigec_ack_latency_seconds",
            "From a call's receipt to its answer's release, for answers that waited for the disk.",
            |shard| &shard.counters.ack_latency,
        ),
        (
            "sigec_established_latency_seconds",
            "From a call's receipt to its answer, on a connection that was there a minute before.",
            |shard| &shard.counters.established_latency,
        ),
        (
            "sigec_command_latency_seconds",
            "From when a command is safe in the log to its call handed to the socket, of commands that had not to wait for another's answer.",
            |shard| &shard.counters.command_latency,
        ),
    ];
    let bounds_s = Histogram::BOUNDS_US.map(|bound| bound as f64 / 1e6);
    for (name, help, of) in latencies {
        let mut sum = Histogram::default();
        for latency in shards.iter().map(of) {
            sum.sum_us = sum.sum_us.saturating_add(latency.sum_us);
            for (total, count) in sum.counts.iter_mut().zip(latency.counts) {
                *total += count;
            }
        }
        out.family(name, Kind::Histogram, help);
        out.histogram(name, &[], &bounds_s, &sum.counts, sum.sum_us as f64 / 1e6);
    }
    for (name, kind, help, of) in PER_SHARD {
        out.family(name, *kind, help);
        for shard in shards {
            out.sample(name, &[("shard", &shard.shard.to_string())], of(shard));
        }
    }
}

/// What the logs' disks do, which shows whether or not the shards answer.
fn disks(out: &mut Exposition, logs: &[LogView]) {
    for (name, help, of) in PER_LOG {
        out.family(name, Kind::Gauge, help);
        for log in logs {
            out.sample(name, &[("shard", &log.shard.to_string())], of(log));
        }
    }
}

/// Name, kind, help and value of a family with one sample per shard.
type PerShard = (&'static str, Kind, &'static str, fn(&ShardHealth) -> u64);

const PER_SHARD: &[PerShard] = &[
    (
        "sigec_log_records_total",
        Kind::Counter,
        "Records appended.",
        |shard| shard.counters.records,
    ),
    (
        "sigec_log_unsynced_records",
        Kind::Gauge,
        "Records appended and not yet durable.",
        |shard| shard.appended.0.saturating_sub(shard.durable.0),
    ),
    (
        "sigec_shard_bytes_held",
        Kind::Gauge,
        "Bytes held for what is not durable.",
        |shard| shard.bytes_held as u64,
    ),
    (
        "sigec_shard_load",
        Kind::Gauge,
        "How much of what it may hold, or of the memory there is, is taken: 0 below 70 %, then 1, 2 from 85 %, 3 from 95 %.",
        |shard| u64::from(shard.load),
    ),
    (
        "sigec_shard_reads_paused",
        Kind::Gauge,
        "1 while sockets are not read because of them.",
        |shard| u64::from(shard.reads_paused),
    ),
];

/// Name, help and value of a gauge with one sample per log.
type PerLog = (&'static str, &'static str, fn(&LogView) -> f64);

const PER_LOG: &[PerLog] = &[
    ("sigec_log_bytes_used", "Disk that a log takes.", |log| {
        log.health.bytes_used as f64
    }),
    ("sigec_log_bytes_max", "Disk that a log may take.", |log| {
        log.health.bytes_max as f64
    }),
    (
        "sigec_log_sync_p50_seconds",
        "Median of the last writes to its disk.",
        |log| log.health.sync_p50.as_secs_f64(),
    ),
    (
        "sigec_log_sync_p99_seconds",
        "99th percentile of the same.",
        |log| log.health.sync_p99.as_secs_f64(),
    ),
    (
        "sigec_log_commit_open_seconds",
        "Age of the commit that its disk has not answered yet; 0 without one.",
        |log| log.open_for.map_or(0.0, |open_for| open_for.as_secs_f64()),
    ),
];

/// `VmRSS` of `/proc/self/status`, which Linux gives in KiB.
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_kernel() {
        assert!(resident_memory().is_some_and(|bytes| 100_000 < bytes));
    }
}
