//! The page that shows committed results: every figure with what is to be reached, plots, and what was not measured.

mod chart;
mod plots;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::output::Figure;

/// The benchmarks, in the order of the page, with what each is about.
const BENCHMARKS: [(&str, &str); 10] = [
    (
        "engine",
        "Server CPU per Heartbeat, beside a raw TCP echo, other runtimes and other WebSocket servers. Every connection is \
         always busy; the ratio to the echo is taken within a turn, and its median over the turns is shown.",
    ),
    (
        "peers",
        "Messages per second of server CPU, beside servers made with other OCPP libraries that check every message. Ours \
         writes its log, they keep nothing.",
    ),
    (
        "parse",
        "Time and allocations from a message's text to a checked, typed value or to columns.",
    ),
    (
        "memory",
        "User memory per idle station, after boot, two connectors and a finished transaction.",
    ),
    (
        "connections",
        "What a station's connection takes of the server: memory while nothing is said over it, CPU when it ends and comes \
         back with its upgrade and, over TLS, its handshake. The stations have booted and told of two connectors once.",
    ),
    (
        "crowd",
        "100,000 stations and 1,000 more beside the server on one machine: what it takes with all of them quiet, and how \
         they come back after all but the thousand were cut off at once.",
    ),
    (
        "crowd-passwords",
        "The same with stations that the server knows beforehand and that show passwords (security profile 1).",
    ),
    (
        "ack",
        "From a meter message to its answer, which waits for the disk, at 10,000 messages a second.",
    ),
    (
        "path",
        "The whole program: answers under load, from event to SQL, and restarts.",
    ),
    (
        "cancel",
        "The whole program: what a query uses of the CPU after its client has left.",
    ),
];

/// Results as a benchmark wrote them.
#[derive(Debug, Deserialize)]
struct Committed {
    smoke: bool,
    machine: Conditions,
    figures: Vec<Figure>,
    not_measured: Vec<String>,
    data: Value,
}

#[derive(Debug, Deserialize)]
struct Conditions {
    cpu: String,
    cpus: usize,
    memory_gib: u64,
    kernel: String,
    open_files: u64,
    commit: String,
    profile: String,
    command: String,
    date: String,
}

/// A file of the page: where it lies under `docs`, and its text.
pub type File = (PathBuf, String);

/// The page and its plots, of the results in `dir`, which lies in `bench/results`.
///
/// # Errors
///
/// There are no results, or not such that a benchmark wrote.
pub fn page(dir: &Path) -> anyhow::Result<Vec<File>> {
    let name = dir.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("{} is no folder of results", dir.display()))?;
    let mut text = format!(
        "# Performance\n\n\
         Made by `cargo run -p bench --bin report` from [bench/results/{name}](../bench/results/{name}); a test fails while \
         this page is not true of them. How each is measured stands in [bench/README.md](../bench/README.md). The machine is \
         shared and both ends run on it: what counts are ratios within one run.\n"
    );
    let mut files = Vec::new();
    for (benchmark, about) in BENCHMARKS {
        let path = dir.join(benchmark).with_extension("json");
        if !path.exists() {
            add(
                &mut text,
                format_args!("\n## {benchmark}\n\n{about}\n\nNot measured in this set.\n"),
            );
            continue;
        }
        let json =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let results: Committed =
            serde_json::from_str(&json).with_context(|| format!("reading {}", path.display()))?;
        ensure!(!results.smoke, "{} is of a smoke run", path.display());
        section(&mut text, benchmark, about, &results);
        for plot in plots::of(benchmark, &results.data)? {
            let file = format!("performance/{benchmark}-{}.svg", plot.name);
            add(
                &mut text,
                format_args!("\n![{}]({file})\n", plot.chart.title),
            );
            files.push((PathBuf::from(file), plot.chart.svg()));
        }
        add(&mut text, format_args!("\nNot measured:\n\n"));
        for item in &results.not_measured {
            add(&mut text, format_args!("- {item}\n"));
        }
    }
    files.push((PathBuf::from("performance.md"), text));
    Ok(files)
}

fn section(text: &mut String, benchmark: &str, about: &str, results: &Committed) {
    let Conditions {
        cpu,
        cpus,
        memory_gib,
        kernel,
        open_files,
        commit,
        profile,
        command,
        date,
    } = &results.machine;
    let day = date.split('T').next().unwrap_or(date);
    add(
        text,
        format_args!(
            "\n## {benchmark}\n\n{about}\n\n| figure | measured | to reach |\n| --- | --- | --- |\n"
        ),
    );
    for Figure { name, value, reach } in &results.figures {
        let reach = reach.as_deref().unwrap_or("");
        add(text, format_args!("| {name} | {value} | {reach} |\n"));
    }
    add(
        text,
        format_args!(
            "\n`{command}`, {day}, commit {commit} ({profile}); {cpu}, {cpus} CPUs, {memory_gib} GiB, kernel {kernel}, \
             {open_files} open files.\n"
        ),
    );
}

fn add(text: &mut String, args: std::fmt::Arguments<'_>) {
    text.write_fmt(args).expect("a String takes everything");
}
