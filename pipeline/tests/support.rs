//! A log to append to, a lake over it, and answers as text.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use fleet::record::*;
use fleet::wire::{Fact, Writer};
use fleet::{Seq, StationKey, TransactionId, UtcMicros};
use futures::TryStreamExt;
use pipeline::{Config, Lake, Limits, Principal, Role, Source, Sql, SqlError, Stations};
use storage::disk::RealDisk;
use storage::log::{Log, LogConfig, shard_dir};

/// 2026-11-22T10:00:00Z.
pub const T0: i64 = 1_795_341_600_000_000;
pub const SECOND: i64 = 1_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A shard's log in a data directory.
pub struct TestLog {
    log: Log,
    writer: Writer,
}

impl TestLog {
    pub fn open(data_dir: &Path, shard: usize) -> Self {
        let config = LogConfig {
            segment_len: 1 << 20,
            bytes_max: 64 << 20,
            batch_len_max: 256 << 10,
            record_len_max: 64 << 10,
            ..LogConfig::default()
        };
        Self::open_with(data_dir, shard, config)
    }

    pub fn open_with(data_dir: &Path, shard: usize, config: LogConfig) -> Self {
        let dir = shard_dir(data_dir, shard);
        let (log, _) = Log::open(&dir, config, Arc::new(RealDisk), || {}).unwrap();
        Self {
            log,
            writer: Writer::default(),
        }
    }

    pub fn source(&self) -> Source {
        Source::Live(self.log.handle().clone())
    }

    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Appends a record and waits until it is durable.
    pub fn put(&mut self, station: &str, received_at: i64, fact: impl Into<Fact>) -> Seq {
        let seq = self.append(station, received_at, fact);
        self.sync();
        seq
    }

    pub fn append(&mut self, station: &str, received_at: i64, fact: impl Into<Fact>) -> Seq {
        let key = StationKey::parse(station).unwrap();
        let fact = fact.into();
        let (log, writer) = (&mut self.log, &mut self.writer);
        let deadline = now() + DEADLINE;
        loop {
            let appended =
                log.append_with(|out| writer.write_fact(out, &key, UtcMicros(received_at), &fact));
            match appended {
                Ok(seq) => return seq,
                Err(error) => {
                    assert!(now() < deadline, "log takes no record: {error}");
                    log.flush(0);
                    std::thread::yield_now();
                }
            }
        }
    }

    pub fn sync(&mut self) {
        let deadline = now() + DEADLINE;
        while self.log.durable() < self.log.appended() {
            self.log.flush(0);
            assert!(now() < deadline, "log does not commit");
            std::thread::yield_now();
        }
    }

    pub fn close(self) {
        self.log.shutdown().unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "deadlines of tests")]
fn now() -> Instant {
    Instant::now()
}

/// The configuration of tests: nothing happens by itself.
pub fn config(data_dir: &Path) -> Config {
    let mut config = Config::new(data_dir);
    config.flush_interval = Duration::from_secs(3_600);
    config.publish_interval = Duration::from_millis(5);
    config.query.threads = 2;
    config
}

pub fn lake(data_dir: &Path, logs: &[&TestLog]) -> Lake {
    lake_with(config(data_dir), logs)
}

pub fn lake_with(config: Config, logs: &[&TestLog]) -> Lake {
    let sources = logs.iter().map(|log| log.source()).collect();
    Lake::start(config, sources, Stations::none()).unwrap()
}

pub fn admin() -> Principal {
    principal("default", Role::Admin)
}

pub fn principal(tenant: &str, role: Role) -> Principal {
    Principal {
        tenant: tenant.to_owned(),
        role,
        name: "tester".to_owned(),
    }
}

pub async fn batches(
    sql: &Sql,
    who: &Principal,
    query: &str,
) -> Result<Vec<RecordBatch>, SqlError> {
    sql.execute(who, query, Limits::default())
        .await?
        .try_collect()
        .await
}

/// The result as DataFusion prints it.
pub async fn table(sql: &Sql, query: &str) -> String {
    let rows = batches(sql, &admin(), query)
        .await
        .unwrap_or_else(|e| panic!("{query}: {e}"));
    pretty_format_batches(&rows).unwrap().to_string()
}

/// The first column of the first row as text.
pub async fn value(sql: &Sql, query: &str) -> String {
    let rows = batches(sql, &admin(), query)
        .await
        .unwrap_or_else(|e| panic!("{query}: {e}"));
    let row = rows
        .iter()
        .find(|batch| batch.num_rows() != 0)
        .expect("a row");
    arrow::util::display::array_value_to_string(row.column(0), 0).unwrap()
}

/// Checks what `first` tells while its rows lie in memory, then in files, then in the lake of another start, which it gives.
pub async fn holds_wherever_rows_lie(
    first: Lake,
    data_dir: &Path,
    log: &TestLog,
    is_told: impl AsyncFn(&Lake, &str),
) -> Lake {
    is_told(&first, "in memory").await;
    first.flush().await.unwrap();
    is_told(&first, "in files").await;
    first.shutdown().await.unwrap();
    let second = lake(data_dir, &[log]);
    is_told(&second, "after a start").await;
    second
}

/// Asks until the first value is `expected`; rows take a moment to become visible.
pub async fn until(sql: &Sql, query: &str, expected: &str) {
    let deadline = now() + DEADLINE;
    loop {
        let found = value(sql, query).await;
        if found == expected {
            return;
        }
        assert!(
            now() < deadline,
            "{query} stays {found}, expected {expected}"
        );
        tokio::task::yield_now().await;
    }
}

/// A message with one row of energy and power.
pub fn meter(
    transaction: Option<u8>,
    evse_id: u32,
    at: i64,
    energy_mwh: i64,
    power_w: f64,
) -> MeterValues {
    MeterValues {
        evse_id,
        connector_id: 1,
        transaction_id: transaction.map(transaction_id),
        rows: vec![MeterRow {
            measured_at: at,
            clock_trusted: true,
            context: ReadingContext::SamplePeriodic.code(),
            ..MeterRow::default()
        }],
        readings: vec![
            Reading {
                row: 0,
                column: MeterColumn::EnergyWh.code(),
                bits: energy_mwh,
            },
            Reading {
                row: 0,
                column: MeterColumn::PowerW.code(),
                bits: power_w.to_bits() as i64,
            },
        ],
        ..MeterValues::default()
    }
}

pub fn transaction_id(n: u8) -> [u8; 16] {
    let mut id = [0; 16];
    id[15] = n;
    id
}

pub fn transaction_name(n: u8) -> String {
    TransactionId(transaction_id(n)).to_string()
}

/// A transaction's event with its summary.
pub fn transaction(
    n: u8,
    kind: TransactionEventKind,
    started_at: i64,
    at: i64,
    energy_mwh: i64,
) -> TransactionEvent {
    let ended = kind == TransactionEventKind::Ended;
    TransactionEvent {
        transaction_id: transaction_id(n),
        ocpp_transaction_id: n.to_string(),
        kind: kind.code(),
        evse_id: 1,
        connector_id: 1,
        seq_no: -1,
        seq_gap: 0,
        trigger_reason: String::new(),
        charging_state: String::new(),
        stop_reason: if ended {
            "EVDisconnected".to_owned()
        } else {
            String::new()
        },
        token_ref: Some([7; 16]),
        remote_start_id: -1,
        ocpp_counter: u32::from(n),
        offline: false,
        occurred: Moment {
            at,
            raw: String::new(),
            clock_trusted: true,
        },
        register_mwh: Some(energy_mwh),
        retry: Retry::default(),
        summary: TransactionSummary {
            state: if ended {
                TransactionState::Ended
            } else {
                TransactionState::Active
            }
            .code(),
            quality: Quality::Ok.code(),
            started_at: Some(started_at),
            ended_at: ended.then_some(at),
            meter_start_mwh: Some(0),
            meter_stop_mwh: Some(energy_mwh),
            energy_mwh: Some(energy_mwh),
            cost: ended.then_some(energy_mwh / 10_000),
            currency: *b"BRL",
            token_ref: Some([7; 16]),
        },
    }
}

/// Waits until no task of a query is alive.
pub async fn idle(sql: &Sql) {
    let deadline = now() + DEADLINE;
    while sql.running_tasks() != 0 {
        assert!(now() < deadline, "{} tasks still run", sql.running_tasks());
        tokio::task::yield_now().await;
    }
}

/// Waits for something that nobody tells of.
pub async fn until_true(is: impl Fn() -> bool) {
    let deadline = now() + DEADLINE;
    while !is() {
        assert!(now() < deadline, "it does not come");
        tokio::task::yield_now().await;
    }
}
