//! Time and allocations from the text of a message to columns.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail};
use bench::frames;
use bench::machine::Machine;
use bench::output::{Figure, Options, Results};
use bench::stats::median;
use clap::Parser;
use net::clock::monotonic_ns;
use ocpp::{Frame, MeterColumns, Policy, Version, v16, v201};
use serde::Serialize;

/// Counts what the parsers allocate.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[expect(unsafe_code, reason = "a global allocator is an unsafe trait")]
// SAFETY: every call goes to the system's allocator as it came; the count touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise about `layout` is the one `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System` with this `layout`, through `alloc` or `realloc` here.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as for `alloc` and `dealloc`.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Time and allocations from the text of a message to columns.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  cargo run --release -p bench --bin parse -- --out bench/results/2026-11-22-2core-vm"
)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    /// Times that every case has its turn.
    #[arg(long, default_value_t = 25)]
    turns: usize,
    /// Messages per turn.
    #[arg(long, default_value_t = 20_000)]
    messages: u64,
}

#[derive(Debug, Serialize)]
struct Case {
    name: &'static str,
    bytes: usize,
    /// Per message; median and best of the turns.
    median_ns: f64,
    best_ns: f64,
    /// Per message, once warm.
    allocations: f64,
    checksum: i64,
}

/// One way to read one message; answers its energy, so that nothing is optimised away.
type Read = fn(&str, &mut MeterColumns) -> anyhow::Result<i64>;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let machine = Machine::read();
    let smoke = arguments.options.smoke;
    let (turns, messages) = if smoke {
        (2, 100)
    } else {
        (arguments.turns, arguments.messages)
    };
    let (meter_values, event) = (frames::meter_values(), frames::transaction_event());
    let (heartbeat, status) = (frames::heartbeat(), frames::status_notification());
    let cases: [(&'static str, &str, Read); 8] = [
        ("typed, Heartbeat", &heartbeat, typed_16),
        ("typed, StatusNotification", &status, typed_16),
        ("scan, MeterValues ×7", &meter_values, scan),
        ("columns, MeterValues ×7", &meter_values, columns_16),
        ("serde_json::Value, MeterValues ×7", &meter_values, value_16),
        ("scan, TransactionEvent ×5", &event, scan),
        ("columns, TransactionEvent ×5", &event, columns_201),
        ("serde_json::Value, TransactionEvent ×5", &event, value_201),
    ];
    let mut samples = vec![Vec::new(); cases.len()];
    let mut allocations = vec![0; cases.len()];
    let mut checksums = vec![0_i64; cases.len()];
    let mut columns = MeterColumns::new();
    for _ in 0..turns {
        for (at, (_, text, read)) in cases.iter().enumerate() {
            read(text, &mut columns)?;
            let (before, start) = (ALLOCATIONS.load(Ordering::Relaxed), monotonic_ns());
            for _ in 0..messages {
                let energy = read(black_box(text), &mut columns)?;
                checksums[at] = checksums[at].wrapping_add(black_box(energy));
            }
            samples[at].push((monotonic_ns() - start) as f64 / messages as f64);
            allocations[at] = ALLOCATIONS.load(Ordering::Relaxed) - before;
        }
    }
    let data: Vec<Case> = (0..cases.len())
        .map(|at| Case {
            name: cases[at].0,
            bytes: cases[at].1.len(),
            median_ns: median(samples[at].clone()),
            best_ns: samples[at].iter().copied().fold(f64::INFINITY, f64::min),
            allocations: allocations[at] as f64 / messages as f64,
            checksum: checksums[at],
        })
        .collect();
    let figures = data.iter().map(figure).collect();
    let checksum = data
        .iter()
        .fold(0_i64, |sum, case| sum.wrapping_add(case.checksum));
    let results = Results {
        benchmark: "parse",
        machine,
        smoke,
        checksum: checksum.to_string(),
        figures,
        not_measured: vec![
            "cold caches: one message is read again and again",
            "the WebSocket frame, its mask and the UTF-8 check",
        ],
        data,
    };
    results.publish(&arguments.options)
}

fn figure(case: &Case) -> Figure {
    let reach = match case.name {
        "typed, Heartbeat" => Some("≤ 60 ns, 0 allocations"),
        "typed, StatusNotification" => Some("≤ 250 ns, 0 allocations"),
        "columns, MeterValues ×7" => Some("≤ 1.0 µs, 0 allocations"),
        "columns, TransactionEvent ×5" => Some("≤ 1.2 µs, 0 allocations"),
        _ => None,
    };
    Figure {
        name: format!("{}, {} B", case.name, case.bytes),
        value: format!(
            "{:.0} ns (best {:.0}), {:.1} allocations",
            case.median_ns, case.best_ns, case.allocations
        ),
        reach: reach.map(str::to_owned),
    }
}

fn call(text: &str, version: Version) -> anyhow::Result<(std::borrow::Cow<'_, str>, &str)> {
    match ocpp::scan(text, version) {
        Ok(Frame::Call {
            action, payload, ..
        }) => Ok((action, payload)),
        Ok(
            Frame::CallResult { .. }
            | Frame::CallError { .. }
            | Frame::CallResultError { .. }
            | Frame::Send { .. },
        ) => bail!("the sample is no CALL"),
        Err(error) => bail!("the sample is no message: {error}"),
    }
}

fn scan(text: &str, _columns: &mut MeterColumns) -> anyhow::Result<i64> {
    Ok(call(text, Version::V201)?.1.len() as i64)
}

/// A message without meter values, checked and as a typed value.
fn typed_16(text: &str, columns: &mut MeterColumns) -> anyhow::Result<i64> {
    let (action, payload) = call(text, Version::V16)?;
    let decoded = v16::Request::decode(&action, payload, Policy::Tolerant, columns)?;
    black_box(&decoded);
    Ok(0)
}

fn columns_16(text: &str, columns: &mut MeterColumns) -> anyhow::Result<i64> {
    let (action, payload) = call(text, Version::V16)?;
    black_box(v16::Request::decode(
        &action,
        payload,
        Policy::Tolerant,
        columns,
    )?);
    energy(columns)
}

fn columns_201(text: &str, columns: &mut MeterColumns) -> anyhow::Result<i64> {
    let (action, payload) = call(text, Version::V201)?;
    black_box(v201::Request::decode(
        &action,
        payload,
        Policy::Tolerant,
        columns,
    )?);
    energy(columns)
}

/// Reads every value as the data plane does: the register exactly, the others as doubles.
fn energy(columns: &MeterColumns) -> anyhow::Result<i64> {
    let mut energy = 0;
    for row in columns.rows() {
        let (register, others) = columns.samples(row).split_first().context("no sample")?;
        energy += columns.energy(register)?;
        for sample in others {
            black_box(columns.number(sample)?);
        }
    }
    Ok(energy)
}

/// The way without columns: a tree, and the register taken from it.
fn value_16(text: &str, _columns: &mut MeterColumns) -> anyhow::Result<i64> {
    let message: serde_json::Value = serde_json::from_str(text)?;
    let value = &message[3]["meterValue"][0]["sampledValue"][0]["value"];
    milliwatt_hours(value.as_str().context("no value")?.parse()?)
}

fn value_201(text: &str, _columns: &mut MeterColumns) -> anyhow::Result<i64> {
    let message: serde_json::Value = serde_json::from_str(text)?;
    let value = &message[3]["meterValue"][0]["sampledValue"][0]["value"];
    milliwatt_hours(value.as_f64().context("no value")?)
}

fn milliwatt_hours(watt_hours: f64) -> anyhow::Result<i64> {
    Ok((watt_hours * 1_000.0).round() as i64)
}
