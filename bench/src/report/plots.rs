//! What of a benchmark's data is drawn.

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;

use super::chart::{Bar, Chart};
use crate::stats::median;

/// A plot of a benchmark's section.
pub(super) struct Plot {
    /// Of its file, behind the benchmark's.
    pub(super) name: String,
    pub(super) chart: Chart,
}

/// The plots of `benchmark`; of some there are none.
pub(super) fn of(benchmark: &str, data: &Value) -> anyhow::Result<Vec<Plot>> {
    match benchmark {
        "engine" => engine(data),
        "peers" => peers(data),
        "parse" => parse(data),
        _ => Ok(Vec::new()),
    }
    .with_context(|| format!("reading the data of {benchmark}"))
}

#[derive(Deserialize)]
struct EngineTurn {
    server: String,
    sockets: usize,
    /// How the requests came; results of before there was more than one way have none.
    #[serde(default)]
    coming: Value,
    server_ns: f64,
}

/// The steps of the whole, on each driver, as the contenders are called.
const STEPS: [&str; 6] = [
    "driver",
    "web-socket",
    "codec",
    "checked",
    "dataplane-unlogged",
    "dataplane",
];

fn engine(data: &Value) -> anyhow::Result<Vec<Plot>> {
    let turns = Vec::<EngineTurn>::deserialize(data)?;
    let groups = unique(turns.iter().map(|turn| (turn.sockets, &turn.coming)));
    let mut plots = Vec::new();
    for (sockets, coming) in groups {
        let of = |server: &str| -> Vec<f64> {
            let is_it = |turn: &&EngineTurn| {
                (turn.sockets, &turn.coming) == (sockets, coming) && turn.server == server
            };
            turns
                .iter()
                .filter(is_it)
                .map(|turn| turn.server_ns)
                .collect()
        };
        let (name, how) = match (&coming["together"], &coming["rate"]) {
            (Value::Number(deep), _) if deep.as_u64() != Some(1) => {
                (format!("{sockets}-bursts"), format!(", bursts of {deep}"))
            }
            (_, Value::Number(rate)) => {
                (format!("{sockets}-{rate}"), format!(", {rate} per second"))
            }
            _ => (sockets.to_string(), String::new()),
        };
        let ending = if sockets == 1 { "" } else { "s" };
        let title = format!("× a raw TCP echo over epoll, {sockets} socket{ending}{how}");
        let ratio = |server: &str| {
            let ratios = of(server)
                .into_iter()
                .zip(of("echo"))
                .map(|(ns, echo)| ns / echo);
            median(ratios.collect())
        };
        let bar = |server: &str, ours: bool| {
            let value = ratio(server);
            Bar {
                label: server.to_owned(),
                value,
                shown: format!("{value:.2}"),
                ours,
            }
        };
        // Servers made with an OCPP library are so far off that the others could not be told apart beside them.
        let servers = unique(turns.iter().map(|turn| turn.server.as_str()));
        let near = |server: &&str| !of(server).is_empty() && !server.contains("ocpp");
        let is_step = |server: &&str| {
            STEPS.contains(
                &server
                    .trim_end_matches("-uring")
                    .replace("-uring-", "-")
                    .as_str(),
            )
        };
        let bars = servers
            .iter()
            .filter(|server| near(server) && (server.starts_with("dataplane") || !is_step(server)));
        let bars = bars.map(|server| bar(server, server.starts_with("dataplane")));
        plots.push(Plot {
            name: name.clone(),
            chart: Chart {
                title: format!("Server CPU per Heartbeat, {title}"),
                bars: bars.collect(),
            },
        });
        for (driver, ending) in [("epoll", ""), ("io_uring", "-uring")] {
            let steps = STEPS.map(|step| match step.strip_suffix("-unlogged") {
                Some(step) => format!("{step}{ending}-unlogged"),
                None => format!("{step}{ending}"),
            });
            if steps.iter().any(|step| of(step).is_empty()) {
                continue;
            }
            plots.push(Plot {
                name: format!("{name}-layers-{driver}"),
                chart: Chart {
                    title: format!("Layer on layer over {driver}, {title}"),
                    bars: steps.iter().map(|step| bar(step, true)).collect(),
                },
            });
        }
    }
    Ok(plots)
}

#[derive(Deserialize)]
struct PeersTurn {
    server: String,
    kind: String,
    server_ns: f64,
}

fn peers(data: &Value) -> anyhow::Result<Vec<Plot>> {
    let turns = Vec::<PeersTurn>::deserialize(data)?;
    let kinds = unique(turns.iter().map(|turn| turn.kind.as_str()));
    let plots = kinds.into_iter().map(|kind| {
        let of_kind = || turns.iter().filter(|turn| turn.kind == kind);
        let servers = unique(of_kind().map(|turn| turn.server.as_str()));
        let bars = servers.into_iter().map(|server| {
            let times = of_kind().filter(|turn| turn.server == server);
            let value = 1e9 / median(times.map(|turn| turn.server_ns).collect());
            Bar {
                label: server.to_owned(),
                value,
                shown: format!("{value:.0}"),
                ours: server == "dataplane",
            }
        });
        let chart = Chart {
            title: format!("{kind}: messages per second of server CPU"),
            bars: bars.collect(),
        };
        Plot {
            name: kind.to_lowercase(),
            chart,
        }
    });
    Ok(plots.collect())
}

#[derive(Deserialize)]
struct Read {
    version: String,
    action: String,
    reader: String,
    bytes: usize,
    median_ns: f64,
}

fn parse(data: &Value) -> anyhow::Result<Vec<Plot>> {
    // Results of before there was a message of every action are a list alone.
    let reads = Vec::<Read>::deserialize(data.get("messages").unwrap_or(data))?;
    let messages = unique(
        reads
            .iter()
            .map(|read| (read.version.as_str(), read.action.as_str(), read.bytes)),
    );
    let plots = messages.into_iter().map(|(version, action, bytes)| {
        let of = reads
            .iter()
            .filter(|read| read.version == version && read.action == action);
        let bars = of.map(|read| Bar {
            label: read.reader.clone(),
            value: read.median_ns,
            shown: format!("{:.0} ns", read.median_ns),
            ours: read.reader == "ours",
        });
        let chart = Chart {
            title: format!("{version} {action} of {bytes} bytes: time to read it"),
            bars: bars.collect(),
        };
        let name = format!("{version}-{action}")
            .to_lowercase()
            .replace("ocpp ", "");
        Plot { name, chart }
    });
    Ok(plots.collect())
}

/// Each once, in the order of their first.
fn unique<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for item in items {
        if !found.contains(&item) {
            found.push(item);
        }
    }
    found
}
