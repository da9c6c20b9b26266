use super::*;

pub(super) fn answered(ms: u64, delayed: bool) -> Output {
    Output::Answered {
        action: "Heartbeat",
        latency: Duration::from_millis(ms),
        delayed,
    }
}

pub(super) fn run() -> Run {
    Run {
        url: "ws://127.0.0.1:9000/".into(),
        stations: 1,
        version: "1.6".into(),
        scenario: "default".into(),
        seed: 7,
        interval_s: 60.0,
        duration_s: 10.0,
        speed: 1,
        started_at: "2026-11-22T10:00:00.000Z".into(),
        processes: 1,
    }
}

#[test]
fn an_outage_does_not_pass_for_latency() {
    let mut report = Report::default();
    for _ in 0..4 {
        report.record(&Output::Offered("Heartbeat"));
    }
    report.record(&answered(2, false));
    report.record(&answered(4, false));
    report.record(&answered(9_000, true));
    report.record(&Output::Failed {
        action: "Heartbeat",
        failure: Failure::Disconnected,
    });
    let summary = report.summary(run(), Duration::from_secs(2));
    assert_eq!(
        (summary.offered, summary.answered, summary.errors),
        (4, 3, 0)
    );
    assert_eq!((summary.offered_per_s, summary.achieved_per_s), (2.0, 1.5));
    assert_eq!(summary.latency.count, 2);
    assert!(
        (3.9..4.1).contains(&summary.latency.max_ms),
        "{:?}",
        summary.latency
    );
    assert_eq!(summary.delayed.count, 1);
}

#[test]
fn memory_is_told_by_station_where_somebody_looked() {
    let of = |report: &Report| {
        let run = Run {
            stations: 2_000,
            ..run()
        };
        report.summary(run, Duration::from_secs(2))
    };
    assert_eq!(of(&Report::default()).memory, None);
    let summary = of(&part(0..1));
    let figures = MemorySummary {
        grown_bytes: 3_000_000,
        per_station_bytes: 1_500,
    };
    assert_eq!(summary.memory, Some(figures));
    let text = summary.text();
    assert!(
        text.contains("\ngenerator memory: 3.0 MB, 1500 B per station\n"),
        "{text}"
    );
}

#[test]
fn errors_are_what_the_csms_did_wrong() {
    let mut report = Report::default();
    for failure in [
        Failure::Timeout,
        Failure::Disconnected,
        Failure::Refused,
        Failure::Malformed,
        Failure::GivenUp,
        Failure::Dropped,
        Failure::Superseded,
    ] {
        report.record(&Output::Failed {
            action: "MeterValues",
            failure,
        });
    }
    report.record(&Output::Unexpected);
    assert_eq!(report.errors(), 6);
}

#[test]
fn labels_from_outside_are_bounded() {
    let mut report = Report::default();
    for n in 0..1_000 {
        report.record(&Output::Commanded(format!("Action{n}")));
    }
    assert_eq!(report.commands.len(), LABELS_MAX + 1);
    assert_eq!(report.commands["other"], 1_000 - LABELS_MAX as u64);
}

/// A part of a run: requests of `ms`, one error, some connections.
fn part(ms: std::ops::Range<u64>) -> Report {
    let mut report = Report::default();
    for ms in ms {
        report.record(&Output::Offered("Heartbeat"));
        report.record(&answered(ms, ms.is_multiple_of(7)));
        report.lagged(Duration::from_micros(ms));
        report.connected(false);
    }
    report.record(&Output::Failed {
        action: "Authorize",
        failure: Failure::Timeout,
    });
    report.record(&Output::Commanded("Reset".into()));
    report.disconnected("the server went away");
    report.step(Duration::from_secs(1), Duration::from_secs(1), 3);
    report.memory.before = 1_000_000;
    for bytes in [2_000_000, 4_000_000, 3_000_000] {
        report.memory.seen(bytes);
    }
    report
}

#[test]
fn parts_that_were_written_and_joined_are_the_whole() {
    let mut joined = Report::default();
    for part in [part(0..300), part(300..900)] {
        let text =
            serde_json::to_string(&part.written(run(), Duration::from_secs(2)).unwrap()).unwrap();
        let file = File::read(&text).unwrap();
        assert_eq!((file.run, file.elapsed), (run(), Duration::from_secs(2)));
        joined.merge(&file.report);
    }
    let mut whole = part(0..900);
    whole.record(&Output::Failed {
        action: "Authorize",
        failure: Failure::Timeout,
    });
    whole.record(&Output::Commanded("Reset".into()));
    whole.disconnected("the server went away");
    whole.memory.before = 2_000_000;
    whole.memory.seen(8_000_000);
    let summary = |report: &Report| report.summary(run(), Duration::from_secs(2));
    assert_eq!(summary(&joined), summary(&whole));
    assert_eq!(joined.series.points.len(), 1);
    assert_eq!(
        (
            joined.series.points[0].answered,
            joined.series.points[0].connected
        ),
        (900, 6)
    );
}
