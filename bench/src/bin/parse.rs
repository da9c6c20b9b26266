//! Time and allocations from the text of a message to a checked, typed value or to columns, beside other ways to read
//! the same text: a tree of values, a tree and a JSON schema validator, the types of `rust-ocpp`. The messages that most
//! of the traffic is made of first, with two answers to commands, then one of every action that a station may say.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail};
use bench::actions;
use bench::frames;
use bench::machine::Machine;
use bench::output::{Figure, Options, Results};
use bench::readers::{Reading, RustOcpp, Schema, Timed, schemas};
use bench::stats::median;
use clap::Parser;
use net::clock::monotonic_ns;
use ocpp::{Frame, MeterColumns, Policy, Version, v16, v21, v201};
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

/// Time and allocations from the text of a message to a checked value, beside other ways to read it.
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
    /// The reader with rust-ocpp, which bench/rivals/rust-ocpp builds [default: beside this program]
    #[arg(long)]
    rust_ocpp: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Case {
    version: String,
    action: &'static str,
    reader: &'static str,
    bytes: usize,
    /// Per message; median and best of the turns.
    median_ns: f64,
    best_ns: f64,
    /// Per message, once warm.
    allocations: f64,
    checksum: i64,
}

/// One way to read one message that needs nothing besides; answers its energy, so that nothing is optimised away.
type Read = fn(&str, &mut MeterColumns) -> anyhow::Result<i64>;

/// A message.
#[derive(Clone, Copy)]
struct Subject<'a> {
    version: Version,
    action: &'static str,
    text: &'a str,
}

/// A way to read it.
enum Reader {
    Plain(Read),
    Schema(Schema),
    RustOcpp,
}

/// A message, and a way to read it.
struct Pair<'a> {
    subject: Subject<'a>,
    name: &'static str,
    reader: Reader,
    samples: Vec<f64>,
    allocations: u64,
    checksum: i64,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Data {
    /// Messages that most of the traffic is made of and answers to commands, in every way there is to read them.
    messages: Vec<Case>,
    /// A message of every action, in the ways that know it.
    actions: Vec<Case>,
}

const OURS: &str = "ours";
const SCHEMA: &str = "serde_json::Value + jsonschema";
const RUST_OCPP: &str = "rust-ocpp";

/// Times that every action has its turn, and messages per turn: there are 76 of them.
const ACTION_TURNS: usize = 7;
const ACTION_MESSAGES: u64 = 2_000;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let machine = Machine::read();
    let smoke = arguments.options.smoke;
    let (turns, messages) = if smoke {
        (2, 100)
    } else {
        (arguments.turns, arguments.messages)
    };
    let texts = [
        frames::heartbeat(),
        frames::status_notification(),
        frames::meter_values(),
        frames::status_notification_201(),
        frames::meter_values_201(),
        frames::transaction_event(),
        frames::configuration_answer(),
        frames::schedule_answer(),
        frames::variables_answer(),
        frames::schedule_answer_201(),
    ];
    let mut not_measured = vec![
        "cold caches: one message is read again and again",
        "the WebSocket frame, its mask and the UTF-8 check",
        "what rust-ocpp leaves out: it has no limits for most of these messages, and passes over unknown members",
    ];
    let mut rust_ocpp = start_rust_ocpp(arguments.rust_ocpp)?;
    if rust_ocpp.is_none() {
        not_measured.push("rust-ocpp, left out: its reader is not built; see bench/README.md");
    }
    if schemas().is_none() {
        not_measured
            .push("jsonschema, left out: the official schemas are not at hand; set SIGEC_SHARED");
    }
    let mut pairs = pairs(&texts, rust_ocpp.is_some())?;
    let cases = measure(&mut pairs, turns, messages, rust_ocpp.as_mut())?;
    let said = Version::ALL.map(|version| (version, actions::of(version)));
    let (mut pairs, refusals) = pairs_of_actions(&said, rust_ocpp.as_mut())?;
    let (turns, messages) = if smoke {
        (2, 20)
    } else {
        (ACTION_TURNS, ACTION_MESSAGES)
    };
    let data = Data {
        messages: cases,
        actions: measure(&mut pairs, turns, messages, rust_ocpp.as_mut())?,
    };
    // Of the readers that are always there.
    let checksum = data
        .messages
        .iter()
        .fold(0_i64, |sum, case| sum.wrapping_add(case.checksum));
    if let Some(dir) = &arguments.options.out {
        std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        let path = dir.join("parse-actions.md");
        std::fs::write(&path, tables(&data.actions, &refusals, smoke))
            .with_context(|| format!("writing {}", path.display()))?;
    }
    let results = Results {
        benchmark: "parse",
        machine,
        smoke,
        checksum: checksum.to_string(),
        figures: data
            .messages
            .iter()
            .map(|case| figure(case, &data.messages))
            .collect(),
        not_measured,
        data,
    };
    results.publish(&arguments.options)
}

/// The reader where it was said to be; else beside this program, if it was built.
fn start_rust_ocpp(program: Option<PathBuf>) -> anyhow::Result<Option<RustOcpp>> {
    let beside = std::env::current_exe()
        .context("finding this program")?
        .with_file_name("rust-ocpp-reader");
    match program {
        Some(program) => RustOcpp::start(&program).map(Some),
        None if beside.exists() => RustOcpp::start(&beside).map(Some),
        None => Ok(None),
    }
}

fn pairs(texts: &[String; 10], rust_ocpp: bool) -> anyhow::Result<Vec<Pair<'_>>> {
    let [
        heartbeat,
        status,
        meter_values,
        status_201,
        meter_values_201,
        event,
        configuration,
        schedule,
        variables,
        schedule_201,
    ] = texts;
    let of = |version, action, text| Subject {
        version,
        action,
        text,
    };
    // What 2.1 spells as 2.0.1 does is the same text.
    let subjects: [(Subject<'_>, Read); 15] = [
        (of(Version::V16, "Heartbeat", heartbeat), typed_16),
        (of(Version::V16, "StatusNotification", status), typed_16),
        (of(Version::V16, "MeterValues", meter_values), columns_16),
        (of(Version::V201, "Heartbeat", heartbeat), typed_201),
        (
            of(Version::V201, "StatusNotification", status_201),
            typed_201,
        ),
        (
            of(Version::V201, "MeterValues", meter_values_201),
            columns_201,
        ),
        (of(Version::V201, "TransactionEvent", event), columns_201),
        (
            of(Version::V21, "MeterValues", meter_values_201),
            columns_21,
        ),
        (of(Version::V21, "TransactionEvent", event), columns_21),
        (
            of(Version::V16, "GetConfigurationResponse", configuration),
            answer_16,
        ),
        (
            of(Version::V16, "GetCompositeScheduleResponse", schedule),
            answer_16_schedule,
        ),
        (
            of(Version::V201, "GetVariablesResponse", variables),
            answer_201,
        ),
        (
            of(Version::V201, "GetCompositeScheduleResponse", schedule_201),
            answer_201_schedule,
        ),
        (
            of(Version::V21, "GetVariablesResponse", variables),
            answer_21,
        ),
        (
            of(Version::V21, "GetCompositeScheduleResponse", schedule_201),
            answer_21_schedule,
        ),
    ];
    let mut pairs = Vec::new();
    let mut add = |subject, name, reader| pairs.push(Pair::new(subject, name, reader));
    let spec = schemas();
    for (subject, ours) in subjects {
        add(subject, OURS, Reader::Plain(ours));
        // The parts that reading these is made of.
        let parts: Option<Read> = match (subject.version, subject.action) {
            (Version::V16, "MeterValues") => Some(value_16),
            (Version::V201, "TransactionEvent") => Some(value_201),
            _ => None,
        };
        if let Some(value) = parts {
            add(subject, "the scan alone", Reader::Plain(scan));
            add(subject, "serde_json::Value", Reader::Plain(value));
        }
        if let Some(spec) = &spec {
            let schema = Schema::compile(spec, subject.version, subject.action)?;
            add(subject, SCHEMA, Reader::Schema(schema));
        }
        if rust_ocpp && subject.version != Version::V21 {
            add(subject, RUST_OCPP, Reader::RustOcpp);
        }
    }
    Ok(pairs)
}

/// A message of every action, read by us, where the schemas are at hand by a validator, and by `rust-ocpp` where it has
/// the action; and what that refuses, a line each.
fn pairs_of_actions<'a>(
    said: &'a [(Version, Vec<(&'static str, String)>)],
    mut rust_ocpp: Option<&mut RustOcpp>,
) -> anyhow::Result<(Vec<Pair<'a>>, Vec<String>)> {
    let spec = schemas();
    let (mut pairs, mut refusals) = (Vec::new(), Vec::new());
    for (version, actions) in said {
        let ours: Read = match version {
            Version::V16 => typed_16,
            Version::V201 => typed_201,
            Version::V21 => typed_21,
        };
        for (action, text) in actions {
            let subject = Subject {
                version: *version,
                action,
                text,
            };
            pairs.push(Pair::new(subject, OURS, Reader::Plain(ours)));
            if let Some(spec) = &spec {
                let schema = Schema::compile(spec, *version, action)?;
                pairs.push(Pair::new(subject, SCHEMA, Reader::Schema(schema)));
            }
            let Some(rust_ocpp) = rust_ocpp.as_deref_mut() else {
                continue;
            };
            match rust_ocpp.read(*version, action, text, 1)? {
                Reading::Timed(_) => {
                    pairs.push(Pair::new(subject, RUST_OCPP, Reader::RustOcpp));
                }
                Reading::Unknown => {}
                Reading::Refused(reason) => {
                    refusals.push(format!("{action} of {version}: {reason}"));
                }
            }
        }
    }
    Ok((pairs, refusals))
}

/// Gives every pair its turns, one after the other.
fn measure(
    pairs: &mut Vec<Pair<'_>>,
    turns: usize,
    messages: u64,
    mut rust_ocpp: Option<&mut RustOcpp>,
) -> anyhow::Result<Vec<Case>> {
    let mut columns = MeterColumns::new();
    for _ in 0..turns {
        for pair in pairs.iter_mut() {
            let timed = pair.turn(messages, &mut columns, rust_ocpp.as_deref_mut())?;
            pair.samples.push(timed.nanos as f64 / messages as f64);
            pair.allocations = timed.allocations;
        }
    }
    Ok(pairs.drain(..).map(|pair| pair.case(messages)).collect())
}

/// A table of each version: every action, in the order of the names; above them what rust-ocpp refuses.
fn tables(cases: &[Case], refusals: &[String], smoke: bool) -> String {
    let mut text = "# parse: a message of every action\n\nAn empty cell: that reader has no such message, or refuses it. \
        rust-ocpp has neither OCPP 2.1 nor the messages that the security whitepaper adds to 1.6.\n"
        .to_owned();
    for refusal in refusals {
        text += &format!("\nrust-ocpp refuses {refusal}\n");
    }
    if smoke {
        text += "\n**A smoke run: the figures mean nothing.**\n";
    }
    for version in Version::ALL.map(|version| version.to_string()) {
        text += &format!(
            "\n## {version}\n\n| action | bytes | ours, ns | allocations | {SCHEMA}, ns | × ours | {RUST_OCPP}, ns | × ours |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        );
        let of_version = || cases.iter().filter(|case| case.version == version);
        for ours in of_version().filter(|case| case.reader == OURS) {
            let cells = [SCHEMA, RUST_OCPP].map(|reader| {
                let is_rival = |case: &&Case| case.action == ours.action && case.reader == reader;
                match of_version().find(is_rival) {
                    Some(rival) => format!(
                        "{:.0} | {:.1}",
                        rival.median_ns,
                        rival.median_ns / ours.median_ns
                    ),
                    None => " | ".to_owned(),
                }
            });
            writeln!(
                text,
                "| {} | {} | {:.0} | {:.1} | {} |",
                ours.action,
                ours.bytes,
                ours.median_ns,
                ours.allocations,
                cells.join(" | ")
            )
            .expect("a String takes everything");
        }
    }
    text
}

impl<'a> Pair<'a> {
    fn new(subject: Subject<'a>, name: &'static str, reader: Reader) -> Pair<'a> {
        Pair {
            subject,
            name,
            reader,
            samples: Vec::new(),
            allocations: 0,
            checksum: 0,
        }
    }

    /// Reads the message `messages` times, once warm.
    fn turn(
        &mut self,
        messages: u64,
        columns: &mut MeterColumns,
        rust_ocpp: Option<&mut RustOcpp>,
    ) -> anyhow::Result<Timed> {
        let Subject {
            version,
            action,
            text,
        } = self.subject;
        match &self.reader {
            Reader::Plain(read) => {
                let mut sum = 0_i64;
                let timed = time(messages, || {
                    sum = sum.wrapping_add(read(black_box(text), columns)?);
                    Ok(())
                })?;
                // The one before the clock started is not counted.
                self.checksum = self.checksum.wrapping_add(sum - read(text, columns)?);
                Ok(timed)
            }
            Reader::Schema(schema) => time(messages, || {
                black_box(schema.read(black_box(text))?);
                Ok(())
            }),
            Reader::RustOcpp => {
                let rust_ocpp = rust_ocpp.context("the reader is gone")?;
                match rust_ocpp.read(version, action, text, messages)? {
                    Reading::Timed(timed) => Ok(timed),
                    Reading::Unknown => bail!("rust-ocpp has no {action} of {version}"),
                    Reading::Refused(reason) => {
                        bail!("rust-ocpp refuses {action} of {version}: {reason}")
                    }
                }
            }
        }
    }

    fn case(self, messages: u64) -> Case {
        Case {
            version: self.subject.version.to_string(),
            action: self.subject.action,
            reader: self.name,
            bytes: self.subject.text.len(),
            best_ns: self.samples.iter().copied().fold(f64::INFINITY, f64::min),
            median_ns: median(self.samples),
            allocations: self.allocations as f64 / messages as f64,
            checksum: self.checksum,
        }
    }
}

/// Times `messages` readings, after one that warms up.
fn time(messages: u64, mut read: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Timed> {
    read()?;
    let (before, start) = (ALLOCATIONS.load(Ordering::Relaxed), monotonic_ns());
    for _ in 0..messages {
        read()?;
    }
    Ok(Timed {
        nanos: monotonic_ns() - start,
        allocations: ALLOCATIONS.load(Ordering::Relaxed) - before,
    })
}

fn figure(case: &Case, all: &[Case]) -> Figure {
    let reach = match (case.reader, case.action) {
        (OURS, "Heartbeat") => Some("≤ 60 ns, 0 allocations"),
        (OURS, "StatusNotification") => Some("≤ 250 ns, 0 allocations"),
        (OURS, "MeterValues") => Some("≤ 1.2 µs, 0 allocations"),
        (OURS, "TransactionEvent") => Some("≤ 1.5 µs, 0 allocations"),
        _ => None,
    };
    let is_ours = |other: &&Case| {
        other.reader == OURS && (&other.version, other.action) == (&case.version, case.action)
    };
    let times = match all.iter().find(is_ours) {
        Some(ours) if case.reader != OURS => {
            format!("; {:.2} × ours", case.median_ns / ours.median_ns)
        }
        Some(_) | None => String::new(),
    };
    Figure {
        name: format!(
            "{} {}, {} B, {}",
            case.version, case.action, case.bytes, case.reader
        ),
        value: format!(
            "{:.0} ns (best {:.0}), {:.1} allocations{times}",
            case.median_ns, case.best_ns, case.allocations
        ),
        reach: reach.map(str::to_owned),
    }
}

fn call(text: &str, version: Version) -> anyhow::Result<(std::borrow::Cow<'_, str>, &str)> {
    match ocpp::scan(text, version) {
        Ok(
            Frame::Call {
                action, payload, ..
            }
            | Frame::Send {
                action, payload, ..
            },
        ) => Ok((action, payload)),
        Ok(Frame::CallResult { .. } | Frame::CallError { .. } | Frame::CallResultError { .. }) => {
            bail!("the sample is no CALL")
        }
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

fn typed_201(text: &str, columns: &mut MeterColumns) -> anyhow::Result<i64> {
    let (action, payload) = call(text, Version::V201)?;
    let decoded = v201::Request::decode(&action, payload, Policy::Tolerant, columns)?;
    black_box(&decoded);
    Ok(0)
}

fn typed_21(text: &str, columns: &mut MeterColumns) -> anyhow::Result<i64> {
    let (action, payload) = call(text, Version::V21)?;
    if v21::Send::ACTIONS.contains(&&*action) {
        let decoded = v21::Send::decode(&action, payload, Policy::Tolerant, columns)?;
        black_box(&decoded);
    } else {
        let decoded = v21::Request::decode(&action, payload, Policy::Tolerant, columns)?;
        black_box(&decoded);
    }
    Ok(0)
}

macro_rules! columns {
    ($($read:ident: $version:ident, $edition:ident;)+) => {
        $(fn $read(text: &str, columns: &mut MeterColumns) -> anyhow::Result<i64> {
            let (action, payload) = call(text, Version::$edition)?;
            let decoded = $version::Request::decode(&action, payload, Policy::Tolerant, columns)?;
            black_box(decoded);
            energy(columns)
        })+
    };
}

columns! {
    columns_16: v16, V16;
    columns_201: v201, V201;
    columns_21: v21, V21;
}

/// An answer says nothing of its action: whoever reads it knows what was asked.
macro_rules! answers {
    ($($read:ident: $version:ident, $edition:ident, $action:literal;)+) => {
        $(fn $read(text: &str, columns: &mut MeterColumns) -> anyhow::Result<i64> {
            let payload = answered(text, Version::$edition)?;
            let decoded =
                $version::CommandResponse::decode($action, payload, Policy::Tolerant, columns)?;
            black_box(&decoded);
            Ok(0)
        })+
    };
}

answers! {
    answer_16: v16, V16, "GetConfiguration";
    answer_16_schedule: v16, V16, "GetCompositeSchedule";
    answer_201: v201, V201, "GetVariables";
    answer_201_schedule: v201, V201, "GetCompositeSchedule";
    answer_21: v21, V21, "GetVariables";
    answer_21_schedule: v21, V21, "GetCompositeSchedule";
}

fn answered(text: &str, version: Version) -> anyhow::Result<&str> {
    match ocpp::scan(text, version) {
        Ok(Frame::CallResult { payload, .. }) => Ok(payload),
        Ok(_) => bail!("the sample is no CALLRESULT"),
        Err(error) => bail!("the sample is no message: {error}"),
    }
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
