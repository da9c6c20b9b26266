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
    Ok(groups
        .into_iter()
        .flat_map(|(sockets, coming)| {
            let is_of = |turn: &&EngineTurn| (turn.sockets, &turn.coming) == (sockets, coming);
            let group = EngineGroup {
                sockets,
                coming,
                turns: turns.iter().filter(is_of).collect(),
            };
            std::iter::once(group.servers()).chain(group.layers())
        })
        .collect())
}

/// The turns in which the same was asked.
struct EngineGroup<'a> {
    sockets: usize,
    coming: &'a Value,
    turns: Vec<&'a EngineTurn>,
}

impl EngineGroup<'_> {
    /// What its plots are called, and how the messages came.
    fn name(&self) -> (String, String) {
        let sockets = self.sockets;
        match (&self.coming["together"], &self.coming["rate"]) {
            (Value::Number(deep), _) if deep.as_u64() != Some(1) => {
                (format!("{sockets}-bursts"), format!(", bursts of {deep}"))
            }
            (_, Value::Number(rate)) => {
                (format!("{sockets}-{rate}"), format!(", {rate} per second"))
            }
            _ => (sockets.to_string(), String::new()),
        }
    }

    fn title(&self) -> String {
        let (sockets, (_, how)) = (self.sockets, self.name());
        let ending = if sockets == 1 { "" } else { "s" };
        format!("× a raw TCP echo over epoll, {sockets} socket{ending}{how}")
    }

    /// Nanoseconds of a server, per turn.
    fn of(&self, server: &str) -> impl Iterator<Item = f64> {
        let turns = self.turns.iter().filter(move |turn| turn.server == server);
        turns.map(|turn| turn.server_ns)
    }

    fn has(&self, server: &str) -> bool {
        self.of(server).next().is_some()
    }

    fn bar(&self, server: &str, ours: bool) -> Bar {
        let ratios = self.of(server).zip(self.of("echo"));
        let value = median(ratios.map(|(ns, echo)| ns / echo).collect());
        Bar {
            label: server.to_owned(),
            value,
            shown: format!("{value:.2}"),
            ours,
        }
    }

    /// Everybody beside everybody, the steps of ours left out.
    fn servers(&self) -> Plot {
        let is_step = |server: &str| {
            let step = server.trim_end_matches("-uring").replace("-uring-", "-");
            STEPS.contains(&step.as_str())
        };
        let servers = unique(self.turns.iter().map(|turn| turn.server.as_str()));
        let shown = servers.into_iter().filter(|server| {
            // Servers made with an OCPP library are so far off that the others could not be told apart beside them.
            let is_near = !server.contains("ocpp");
            is_near && (server.starts_with("dataplane") || !is_step(server))
        });
        Plot {
            name: self.name().0,
            chart: Chart {
                title: format!("Server CPU per Heartbeat, {}", self.title()),
                bars: shown
                    .map(|server| self.bar(server, server.starts_with("dataplane")))
                    .collect(),
            },
        }
    }

    /// Each step of ours on top of the one before, per driver that has all.
    fn layers(&self) -> Vec<Plot> {
        let mut plots = Vec::new();
        for (driver, ending) in [("epoll", ""), ("io_uring", "-uring")] {
            let steps = STEPS.map(|step| match step.strip_suffix("-unlogged") {
                Some(step) => format!("{step}{ending}-unlogged"),
                None => format!("{step}{ending}"),
            });
            if !steps.iter().all(|step| self.has(step)) {
                continue;
            }
            plots.push(Plot {
                name: format!("{}-layers-{driver}", self.name().0),
                chart: Chart {
                    title: format!("Layer on layer over {driver}, {}", self.title()),
                    bars: steps.iter().map(|step| self.bar(step, true)).collect(),
                },
            });
        }
        plots
    }
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
