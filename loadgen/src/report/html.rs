//! The report as one page: figures, tables and plots, with nothing loaded from elsewhere and no script.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{File, Latencies, LatencySummary, Point, Summary};

mod plot;

use plot::{Line, bars, plot};

/// Points of a plot; more would not be told apart.
const POINTS_MAX: usize = 600;

/// Quantiles of the plot of latencies.
const QUANTILES: [(f64, &str); 11] = [
    (0.0, "min"),
    (0.25, "25"),
    (0.5, "50"),
    (0.75, "75"),
    (0.9, "90"),
    (0.95, "95"),
    (0.99, "99"),
    (0.995, "99.5"),
    (0.999, "99.9"),
    (0.9999, "99.99"),
    (1.0, "max"),
];

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#5d6773;--grid:#d9dee3;--paper:#fff;--a:#0b6bcb;--b:#d1570f;--c:#b3261e;--ok:#1a7f37}\
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#98a2ad;--grid:#343b43;--paper:#14181c;--a:#62b0ff;--b:#ffa05c;--c:#ff8a80;--ok:#57d17a}}\
body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:72rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem;margin:0 0 .2rem}h2{font-size:1.05rem;margin:2rem 0 .5rem}p{margin:.2rem 0}.soft{color:var(--soft)}\
.failed{color:var(--c);font-weight:600}.kept{color:var(--ok);font-weight:600}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:.2rem .8rem .2rem 0;text-align:right;border-bottom:1px solid var(--grid)}\
th:first-child,td:first-child,td.text,th.text{text-align:left}th{color:var(--soft);font-weight:500}\
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(26rem,1fr));gap:1rem}figure{margin:0}figcaption{font-weight:600}\
svg{width:100%;height:auto}svg text{fill:var(--soft);font-size:11px}svg .grid{stroke:var(--grid)}\
svg .line{fill:none;stroke-width:1.6}svg .a{stroke:var(--a)}svg .b{stroke:var(--b)}svg .c{stroke:var(--c)}\
svg .bar{fill:var(--a)}svg .mark{stroke:var(--c);stroke-dasharray:4 3}.a.key{color:var(--a)}.b.key{color:var(--b)}.c.key{color:var(--c)}";

impl File {
    /// The page; `failures` are the limits that the run passed, and `limits` is how many there were.
    pub fn html(&self, summary: &Summary, limits: usize, failures: &[String]) -> String {
        let mut page = String::new();
        self.write_html(&mut page, summary, limits, failures)
            .expect("a String takes everything");
        page
    }

    fn write_html(
        &self,
        page: &mut String,
        summary: &Summary,
        limits: usize,
        failures: &[String],
    ) -> std::fmt::Result {
        let run = &summary.run;
        write!(
            page,
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width\"><title>loadgen: {stations} stations, {url}</title><style>{STYLE}</style>\
             </head><body><h1>{stations} stations against {url}</h1><p class=\"soft\">OCPP {version} · {scenario} · seed \
             {seed} · speed {speed} · {elapsed:.1} s from {began} · {processes} process(es)</p>",
            stations = run.stations,
            url = escape(&run.url),
            version = escape(&run.version),
            scenario = escape(&run.scenario),
            seed = run.seed,
            speed = run.speed,
            elapsed = summary.elapsed_s,
            began = escape(&run.started_at),
            processes = run.processes,
        )?;
        match (limits, failures) {
            (0, []) => {}
            (_, []) => write!(page, "<p class=\"kept\">All {limits} limits were kept.</p>")?,
            (_, failures) => {
                for failure in failures {
                    write!(page, "<p class=\"failed\">FAILED: {}</p>", escape(failure))?;
                }
            }
        }
        self.figures(page, summary)?;
        self.plots(page)?;
        tables(page, summary)?;
        page.push_str("</body></html>\n");
        Ok(())
    }

    fn figures(&self, page: &mut String, summary: &Summary) -> std::fmt::Result {
        page.push_str("<h2>Figures</h2><table><tr><th></th><th>count</th><th>per second</th></tr>");
        for (name, count, rate) in [
            ("offered", summary.offered, Some(summary.offered_per_s)),
            ("answered", summary.answered, Some(summary.achieved_per_s)),
            ("errors", summary.errors, None),
        ] {
            let rate = rate.map_or(String::new(), |rate| format!("{rate:.1}"));
            write!(
                page,
                "<tr><td>{name}</td><td>{count}</td><td>{rate}</td></tr>"
            )?;
        }
        page.push_str("</table>");
        if let Some(memory) = &summary.memory {
            write!(page, "<p>Memory of the generator: {}.</p>", memory.text())?;
        }
        let mut latencies = vec![
            ("latency", &summary.latency),
            ("delayed by outages", &summary.delayed),
            ("generator lag", &summary.generator_lag),
        ];
        if let Some(storm) = &summary.storm {
            let took = storm.all_back_s.map_or_else(
                || format!("{} of {} stations back", storm.back, storm.stations),
                |seconds| format!("all {} stations back after {seconds:.2} s", storm.stations),
            );
            write!(
                page,
                "<h2>Storm</h2><p>{took}; {:.0} handshakes a second. {} attempts, {} retried, {} refused.</p>",
                storm.handshakes_per_s, storm.attempts, storm.retried, storm.refused
            )?;
            latencies.extend([
                ("handshake", &storm.handshake),
                ("established, before", &storm.established_before),
                ("established, meanwhile", &storm.established_meanwhile),
            ]);
        }
        page.push_str("<h2>Latencies, milliseconds</h2><table>");
        latency_head(page, "");
        for (name, latency) in latencies {
            if 0 < latency.count {
                latency_row(page, name, latency)?;
            }
        }
        page.push_str("</table>");
        Ok(())
    }

    fn plots(&self, page: &mut String) -> std::fmt::Result {
        let points = self.report.series.thinned(POINTS_MAX);
        let seconds: Vec<f64> = points
            .iter()
            .map(|point| point.at_ms as f64 / 1_000.0)
            .collect();
        let line = |name, class, of: &dyn Fn(&Point) -> f64| Line {
            name,
            class,
            values: points.iter().map(of).collect(),
        };
        let mark = self.report.storm.as_ref().map(|storm| {
            let micros = storm.cut_at_utc_micros - self.report.series.began_utc_micros;
            micros as f64 / 1e6
        });
        page.push_str("<h2>Over time</h2><div class=\"plots\">");
        page.push_str(&plot(
            "Requests a second",
            &seconds,
            &[
                line("offered", "b", &|point| point.per_second(point.offered)),
                line("answered", "a", &|point| point.per_second(point.answered)),
            ],
            mark,
        ));
        page.push_str(&plot(
            "Latency, milliseconds",
            &seconds,
            &[
                line("p99", "b", &|point| point.p99_us as f64 / 1_000.0),
                line("p50", "a", &|point| point.p50_us as f64 / 1_000.0),
            ],
            mark,
        ));
        page.push_str(&plot(
            "Stations connected",
            &seconds,
            &[line("connected", "a", &|point| point.connected as f64)],
            mark,
        ));
        page.push_str(&plot(
            "Handshakes a second",
            &seconds,
            &[line("handshakes", "a", &|point| {
                point.per_second(point.opened)
            })],
            mark,
        ));
        page.push_str(&plot(
            "Errors a second",
            &seconds,
            &[line("errors", "c", &|point| point.per_second(point.errors))],
            mark,
        ));
        page.push_str(&quantiles(
            "Latency by percentile, milliseconds",
            &self.report.prompt,
        ));
        page.push_str("</div>");
        Ok(())
    }
}

fn quantiles(title: &str, latencies: &Latencies) -> String {
    let ms = |quantile: f64| latencies.quantile(quantile).as_secs_f64() * 1_000.0;
    bars(
        title,
        &QUANTILES.map(|(quantile, name)| (name, ms(quantile))),
    )
}

fn latency_head(page: &mut String, more: &str) {
    page.push_str("<tr><th></th>");
    page.push_str(more);
    for name in ["count", "p50", "p90", "p99", "p99.9", "max"] {
        page.push_str("<th>");
        page.push_str(name);
        page.push_str("</th>");
    }
    page.push_str("</tr>");
}

fn latency_row(page: &mut String, name: &str, latency: &LatencySummary) -> std::fmt::Result {
    write!(page, "<tr><td>{}</td>", escape(name))?;
    latency_cells(page, latency)?;
    page.push_str("</tr>");
    Ok(())
}

fn latency_cells(page: &mut String, latency: &LatencySummary) -> std::fmt::Result {
    write!(
        page,
        "<td>{}</td><td>{:.2}</td><td>{:.2}</td><td>{:.2}</td><td>{:.2}</td><td>{:.2}</td>",
        latency.count,
        latency.p50_ms,
        latency.p90_ms,
        latency.p99_ms,
        latency.p999_ms,
        latency.max_ms
    )
}

fn tables(page: &mut String, summary: &Summary) -> std::fmt::Result {
    page.push_str("<h2>By action, latencies in milliseconds</h2><table>");
    latency_head(page, "<th>offered</th><th>answered</th>");
    for (name, action) in &summary.actions {
        write!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td>",
            escape(name),
            action.offered,
            action.answered
        )?;
        latency_cells(page, &action.latency)?;
        page.push_str("</tr>");
    }
    page.push_str("</table>");

    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for action in summary.actions.values() {
        for (kind, count) in &action.failures {
            *kinds.entry((*kind).replace('_', " ")).or_default() += count;
        }
    }
    if 0 < summary.unexpected {
        kinds.insert("unexpected".to_owned(), summary.unexpected);
    }
    let storm = summary.storm.as_ref().map(|storm| &storm.refusals);
    for (title, counts) in [
        ("What became of requests without an answer", Some(&kinds)),
        ("Connections lost", Some(&summary.connections.lost)),
        ("Attempts that failed", Some(&summary.connections.failed)),
        ("Refused in the storm", storm),
        ("Calls of the CSMS", Some(&summary.commands)),
    ] {
        let Some(counts) = counts.filter(|counts| !counts.is_empty()) else {
            continue;
        };
        write!(page, "<h2>{title}</h2><table>")?;
        for (name, count) in counts {
            write!(page, "<tr><td>{}</td><td>{count}</td></tr>", escape(name))?;
        }
        page.push_str("</table>");
    }
    if !summary.peers.is_empty() {
        page.push_str(
            "<h2>Peers that misbehave</h2><table><tr><th></th><th class=\"text\">what the server did</th><th>p50, \
             ms</th><th>max, ms</th></tr>",
        );
        for (kind, peers) in &summary.peers {
            let reactions: Vec<String> = peers
                .reactions
                .iter()
                .map(|(reaction, count)| format!("{count} {reaction}"))
                .collect();
            write!(
                page,
                "<tr><td>{}</td><td class=\"text\">{}</td><td>{:.0}</td><td>{:.0}</td></tr>",
                escape(kind),
                escape(&reactions.join(", ")),
                peers.after.p50_ms,
                peers.after.max_ms
            )?;
        }
        page.push_str("</table>");
    }
    Ok(())
}

/// Text from anywhere as text of a page.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::tests::{answered, run};
    use crate::report::{Report, Storm};

    fn page(failures: &[String]) -> String {
        let mut report = Report::default();
        for second in 1..=3 {
            report.record(&answered(second * 10, false));
            report.connected(false);
            report.step(
                Duration::from_secs(second),
                Duration::from_secs(1),
                second as usize,
            );
        }
        report.disconnected("<script>alert('reason')</script>");
        report.reacted(
            "malicious: \"a\" & b",
            "closed with 1002",
            Duration::from_millis(7),
        );
        report.storm = Some(Storm {
            stations: 2,
            ..Storm::default()
        });
        let file = File {
            run: run(),
            elapsed: Duration::from_secs(3),
            report,
        };
        let summary = file.report.summary(file.run.clone(), file.elapsed);
        file.html(&summary, failures.len(), failures)
    }

    #[test]
    fn a_page_loads_nothing_and_runs_nothing() {
        let page = page(&[]);
        for part in ["<script", "src=", "href=", "@import", "url("] {
            assert!(!page.contains(part), "{part}");
        }
        assert!(
            page.contains("&lt;script&gt;alert(&#39;reason&#39;)"),
            "texts from outside are text"
        );
        assert!(page.contains("malicious: &quot;a&quot; &amp; b"));
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
        assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
    }

    #[test]
    fn a_page_shows_what_was_asked_of_the_run() {
        assert_eq!(page(&[]).matches("<svg").count(), 6);
        let failed = page(&["p99 is 5s".to_owned()]);
        assert!(failed.contains("FAILED: p99 is 5s"), "{failed}");
    }

    #[test]
    fn a_run_without_points_is_a_page_too() {
        let file = File {
            run: run(),
            elapsed: Duration::ZERO,
            report: Report::default(),
        };
        let summary = file.report.summary(file.run.clone(), file.elapsed);
        let page = file.html(&summary, 1, &[]);
        assert!(page.contains("All 1 limits were kept"));
        assert!(!page.contains("NaN"), "{page}");
    }
}
