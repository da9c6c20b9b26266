//! What a query still costs once it has ended: CPU after its client has left, for each kind of work, and the longest
//! that is done in one step.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bench::child::cpu_time;
use bench::machine::Machine;
use bench::output::{Figure, Options, Results};
use bench::sigec::Sigec;
use bench::stats::{Latencies, Quantiles};
use clap::Parser;
use net::clock::monotonic_ns;
use serde::Serialize;

/// What a query still costs once it has ended.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  make release && cargo run --release -p bench --bin cancel -- --sigec bin/sigec --out bench/results/2026-11-22-2core-vm"
)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    /// The program.
    #[arg(long, default_value = "bin/sigec")]
    sigec: PathBuf,
    /// A folder on the disk to measure; a new folder in it holds the data.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Times that each query is ended.
    #[arg(long, default_value_t = 20)]
    turns: u64,
    /// Milliseconds after which it is ended in the first turn. Each turn ends it a little later.
    #[arg(long, default_value_t = 500)]
    after: u64,
    /// Only queries whose name holds this text.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

/// Each works for many seconds, most of them in an operator that reads everything before it gives a row.
const LABORIOUS: [(&str, &str); 12] = [
    (
        "a sort of several columns",
        "SELECT value FROM generate_series(1, 20000000) ORDER BY value % 1000, value % 77 DESC, (value % 1003)::text, value",
    ),
    (
        "a window over ordered rows",
        "SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY value % 1000003, value) AS n FROM generate_series(1, 90000000))",
    ),
    (
        "a window over whole partitions",
        "SELECT max(n) FROM (SELECT sum(value) OVER (PARTITION BY value % 30) AS n FROM generate_series(1, 90000000))",
    ),
    (
        "groups of text",
        "SELECT max(c) FROM (SELECT value::text AS k, count(*) AS c, avg(value) FROM generate_series(1, 90000000) GROUP BY k)",
    ),
    (
        "distinct rows of two inputs",
        "SELECT max(value) FROM (SELECT value FROM generate_series(1, 90000000) UNION SELECT value * 2 FROM generate_series(1, 90000000))",
    ),
    (
        "an ordered list",
        "SELECT array_length(array_agg(value ORDER BY (value % 1003)::text, value % 77 DESC, value)) FROM generate_series(1, 4000000) WHERE md5(value::text) <> ''",
    ),
    (
        "a join on keys",
        "SELECT count(*) FROM generate_series(1, 90000000) a JOIN generate_series(1, 90000000) b ON a.value = b.value * 3",
    ),
    (
        "a join on an inequality",
        "SELECT count(*) FROM generate_series(1, 1000000) a JOIN generate_series(1, 1000000) b ON a.value < b.value",
    ),
    (
        "every pair",
        "SELECT count(*) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b WHERE a.value % 7 + b.value % 11 > 100",
    ),
    (
        "a regular expression over long text",
        "SELECT count(*) FROM generate_series(1, 20000000) WHERE repeat(value::text, 200) ~ '(1|2|3|12|23)*[a-z]{1,20}(.*x)+$'",
    ),
    (
        "text made and hashed",
        "SELECT max(length(md5(repeat(value::text, 1000)))) FROM generate_series(1, 20000000)",
    ),
    (
        "a recursion",
        "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    ),
];

/// Worked through in steps that cannot be ended, as large as they may be; run to their end.
fn steps() -> Vec<(&'static str, String)> {
    let joins = list(49, " ", |i| {
        format!("JOIN meter_values t{0} ON t0.seq = t{0}.seq", i + 1)
    });
    let unions = list(23, " UNION ALL ", |_| {
        "SELECT seq FROM meter_values_long".to_owned()
    });
    let columns = list(195, ", ", |i| format!("lag(seq) OVER w c{i}"));
    let moved = "ROWS BETWEEN 5 PRECEDING AND UNBOUNDED FOLLOWING";
    vec![
        (
            "planning of fifty joins",
            format!("SELECT count(*) AS n FROM meter_values t0 {joins}"),
        ),
        (
            "planning of twenty-three unions of a view",
            format!("SELECT count(*) AS n FROM ({unions})"),
        ),
        (
            "planning of two hundred windows",
            format!(
                "SELECT count(*) AS n FROM (SELECT {columns} FROM meter_values WINDOW w AS (ORDER BY seq))"
            ),
        ),
        (
            "an ordered list of 200,000 distinct rows",
            "SELECT array_length(array_agg(DISTINCT value ORDER BY value)) AS n FROM generate_series(1, 200000)".to_owned(),
        ),
        (
            "a frame moved over 500,000 rows",
            format!(
                "SELECT count(s) AS n FROM (SELECT sum(value) OVER (ORDER BY value {moved}) AS s FROM generate_series(1, 500000))"
            ),
        ),
        (
            "a window over one partition of 4,000,000 rows",
            "SELECT count(s) AS n FROM (SELECT sum(value) OVER () AS s FROM generate_series(1, 4000000))".to_owned(),
        ),
    ]
}

fn list(n: usize, by: &str, item: impl Fn(usize) -> String) -> String {
    (0..n).map(item).collect::<Vec<_>>().join(by)
}

#[derive(Debug, Serialize)]
struct Data {
    /// CPU after the end.
    ended: Vec<(&'static str, Quantiles)>,
    /// CPU from beginning to end, seconds.
    whole: Vec<(&'static str, f64)>,
}

fn main() -> anyhow::Result<()> {
    let mut arguments = Arguments::parse();
    let machine = Machine::read();
    let (mut laborious, mut steps) = (LABORIOUS.to_vec(), steps());
    if arguments.options.smoke {
        (arguments.turns, arguments.after) = (1, 200);
        laborious.retain(|(kind, _)| ["an ordered list", "a recursion"].contains(kind));
        steps.retain(|(kind, _)| kind.starts_with("an ordered list"));
    }
    laborious.retain(|(kind, _)| kind.contains(&arguments.only));
    steps.retain(|(kind, _)| kind.contains(&arguments.only));
    let dir = tempfile::tempdir_in(&arguments.dir).context("making a folder for the data")?;
    let server = Sigec::start(&arguments.sigec, &dir.path().join("data"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;

    let mut data = Data {
        ended: Vec::new(),
        whole: Vec::new(),
    };
    let mut sum = 0;
    for (kind, query) in laborious {
        let mut used = Latencies::default();
        for turn in 0..arguments.turns {
            let after = Duration::from_millis(arguments.after + 37 * turn);
            let after_end = runtime.block_on(ended(&server, query, after));
            used.record(after_end.with_context(|| format!("ending {kind}"))?);
            sum += 1;
        }
        data.ended.push((kind, used.quantiles()));
    }
    for (kind, query) in steps {
        let (rows, used) = runtime
            .block_on(whole(&server, &query))
            .with_context(|| format!("running {kind}"))?;
        sum += rows;
        data.whole.push((kind, used.as_secs_f64()));
    }
    let results = Results {
        benchmark: "cancel",
        machine,
        smoke: arguments.options.smoke,
        checksum: sum.to_string(),
        figures: figures(&data),
        not_measured: vec![
            "ends by timeout and by the cancel request of the Postgres wire: they reach a query the same way",
            "how long the server takes to see that a client is gone",
        ],
        data,
    };
    results.publish(&arguments.options)
}

fn figures(data: &Data) -> Vec<Figure> {
    let ended = data.ended.iter().map(|(kind, used)| Figure {
        name: format!("CPU after the end: {kind}"),
        value: used.to_string(),
        reach: Some("max ≤ 200 ms".to_owned()),
    });
    let whole = data.whole.iter().map(|(kind, used)| Figure {
        name: format!("CPU in all: {kind}"),
        value: format!("{:.0} ms", used * 1e3),
        reach: None,
    });
    ended.chain(whole).collect()
}

/// Asks, leaves after a while, and waits until the server rests; the CPU it used meanwhile.
async fn ended(server: &Sigec, query: &str, after: Duration) -> anyhow::Result<Duration> {
    let api = server.api()?;
    if let Ok(answer) = tokio::time::timeout(after, api.sql(query)).await {
        match answer {
            Ok(rows) => bail!("it gave {} rows before it was ended", rows.len()),
            Err(error) => return Err(error).context("it ended by itself"),
        }
    }
    // The client is gone with its connection.
    drop(api);
    let at_end = cpu_time(server.id())?;
    Ok(rested(server).await? - at_end)
}

/// Rows that it says it has, and the CPU that it took.
async fn whole(server: &Sigec, query: &str) -> anyhow::Result<(u64, Duration)> {
    let before = rested(server).await?;
    let rows = server.api()?.sql(query).await?;
    let n = rows.first().and_then(|row| row.get("n")).context("no n")?;
    let n = n.as_u64().or_else(|| n.as_str()?.parse().ok());
    let n = n.context("n is no number")?;
    Ok((n, rested(server).await? - before))
}

/// CPU of the server once it uses next to none.
async fn rested(server: &Sigec) -> anyhow::Result<Duration> {
    const LOOK: Duration = Duration::from_millis(50);
    const REST: Duration = Duration::from_millis(5);
    let deadline = monotonic_ns() + 60_000_000_000;
    let mut used = cpu_time(server.id())?;
    loop {
        #[expect(
            clippy::disallowed_methods,
            reason = "a process tells nobody that it rests"
        )]
        tokio::time::sleep(LOOK).await;
        let now = cpu_time(server.id())?;
        if now - used < REST {
            return Ok(now);
        }
        ensure!(
            monotonic_ns() < deadline,
            "the server works on for a minute"
        );
        used = now;
    }
}
