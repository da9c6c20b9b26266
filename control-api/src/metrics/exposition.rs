//! The Prometheus text format (version 0.0.4).

use std::fmt::{Display, Write as _};

/// The kinds of metric families used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Buckets, sum and count.
    Histogram,
}

/// A document being written.
#[derive(Debug, Default)]
pub(crate) struct Exposition(String);

impl Exposition {
    /// Begins a family; its samples follow.
    pub(crate) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
    }

    /// A family of one sample without labels.
    pub(crate) fn single(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// One sample.
    pub(crate) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.line(format_args!("{name}{} {value}", braces(labels)));
    }

    /// A histogram: `counts` has one entry per bound and one for what lies above the last.
    pub(crate) fn histogram(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        bounds_s: &[f64],
        counts: &[u64],
        sum_s: f64,
    ) {
        assert_eq!(
            counts.len(),
            bounds_s.len() + 1,
            "one bucket lies above the last bound"
        );
        let mut below = 0;
        let bounds = bounds_s
            .iter()
            .map(f64::to_string)
            .chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(counts) {
            below += count;
            let labels = braces(&[labels, &[("le", &bound)]].concat());
            self.line(format_args!("{name}_bucket{labels} {below}"));
        }
        let labels = braces(labels);
        self.line(format_args!(
            "{name}_sum{labels} {sum_s}\n{name}_count{labels} {below}"
        ));
    }

    /// Families that somebody else wrote in the same format.
    pub(crate) fn append(&mut self, text: &str) {
        self.0.push_str(text);
        if !text.is_empty() && !text.ends_with('\n') {
            self.0.push('\n');
        }
    }

    /// The document.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("a String takes every write");
    }
}

fn braces(labels: &[(&str, &str)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let escape = |value: &str| {
        value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    };
    let pairs: Vec<_> = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
        .collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn buckets_are_cumulative_and_labels_escaped() {
        let mut out = Exposition::default();
        out.single("up", Kind::Gauge, "Whether it is.", 1);
        out.family("took_seconds", Kind::Histogram, "How long.");
        out.histogram(
            "took_seconds",
            &[("path", "a\"b")],
            &[0.1, 1.0],
            &[2, 1, 4],
            9.5,
        );
        out.append("other 1");
        expect![[r#"
            # HELP up Whether it is.
            # TYPE up gauge
            up 1
            # HELP took_seconds How long.
            # TYPE took_seconds histogram
            took_seconds_bucket{path="a\"b",le="0.1"} 2
            took_seconds_bucket{path="a\"b",le="1"} 3
            took_seconds_bucket{path="a\"b",le="+Inf"} 7
            took_seconds_sum{path="a\"b"} 9.5
            took_seconds_count{path="a\"b"} 7
            other 1
        "#]]
        .assert_eq(&out.into_text());
    }
}
