use serde_json::json;

use super::*;

#[test]
fn a_monitor_has_one_stream_and_a_number_one_monitor() {
    let mut held = EventStreamsChanged::default();
    let mut opened = |id, monitor_id, opened_at| {
        let stream = EventStreamHeld {
            id,
            monitor_id,
            interval_s: Some(60),
            values: None,
            opened_at,
            changed_at: opened_at,
        };
        open(&mut held, stream, &EventStreams::default()).unwrap();
        let shown = held.streams.iter();
        shown
            .map(|s| (s.id, s.monitor_id, s.opened_at))
            .collect::<Vec<_>>()
    };
    assert_eq!(opened(2, 7, 1), [(2, 7, 1)]);
    assert_eq!(opened(1, 8, 2), [(1, 8, 2), (2, 7, 1)]);
    assert_eq!(opened(2, 7, 3), [(1, 8, 2), (2, 7, 1)], "it was open");
    assert_eq!(
        opened(3, 7, 4),
        [(1, 8, 2), (3, 7, 4)],
        "under another number"
    );
    assert_eq!(opened(1, 7, 5), [(1, 7, 5)], "in place of both");
}

#[test]
fn n13_a_stream_is_closed_by_its_number_and_what_is_closed_stays_so() {
    let limits = EventStreams::default();
    let mut held = EventStreamsChanged::default();
    let stream = |id, monitor_id| EventStreamHeld {
        id,
        monitor_id,
        interval_s: Some(60),
        opened_at: id,
        ..EventStreamHeld::default()
    };
    // Numbers of the one are monitors of another.
    for (id, monitor_id) in [(1, 2), (2, 3), (3, 1)] {
        open(&mut held, stream(id, monitor_id), &limits).unwrap();
    }
    let ids = |held: &EventStreamsChanged| held.streams.iter().map(|s| s.id).collect::<Vec<_>>();
    close(&mut held, 2);
    assert_eq!(ids(&held), [1, 3]);
    close(&mut held, 2);
    assert_eq!(ids(&held), [1, 3]);
    // An answer that comes late opens nothing.
    let adjusted = json!({ "id": 2, "params": { "interval": 5 } });
    adjust(&mut held, &adjusted, UtcMicros(9));
    assert_eq!(ids(&held), [1, 3]);
    assert!(held.streams.iter().all(|stream| stream.changed_at == 0));
    // Opened anew it is another one.
    let anew = EventStreamHeld {
        opened_at: 9,
        ..stream(2, 3)
    };
    open(&mut held, anew, &limits).unwrap();
    assert_eq!((ids(&held), held.streams[1].opened_at), (vec![1, 2, 3], 9));
}

#[test]
fn an_interval_that_is_too_short_is_refused() {
    let limits = EventStreams {
        interval_min_s: 10,
        ..EventStreams::default()
    };
    let mut held = EventStreamsChanged::default();
    let mut refused = |interval_s, values| {
        let stream = EventStreamHeld {
            interval_s,
            values,
            ..EventStreamHeld::default()
        };
        open(&mut held, stream, &limits)
            .err()
            .map(|refused| refused.reason)
    };
    assert_eq!(refused(Some(9), None), Some("ValueOutOfRange"));
    assert_eq!(refused(Some(0), Some(0)), Some("MissingParam"));
    assert_eq!(refused(Some(10), None), None);
    assert_eq!(refused(Some(0), Some(5)), None);
}

#[test]
fn a_station_that_names_too_many_streams_is_shown_with_as_many_as_it_may_have() {
    let list: Vec<_> = (0..100)
        .map(|id| json!({ "id": id % 90, "variableMonitoringId": id, "params": {} }))
        .collect();
    let mut held = EventStreamsChanged::default();
    let answered = json!({ "constantStreamData": list });
    listed(&mut held, &answered, &EventStreams::default(), UtcMicros(1));
    assert_eq!(held.streams.len(), 32);
}

#[test]
fn the_newest_value_is_that_of_the_greatest_offset() {
    let base = Some(1_000_000);
    for (data, expected) in [
        (
            json!([{ "t": 0, "v": "a" }, { "t": 1.5, "v": "b" }]),
            Some(("b", Some(2_500_000))),
        ),
        (
            json!([{ "t": 2, "v": "a" }, { "t": 1, "v": "b" }]),
            Some(("a", Some(3_000_000))),
        ),
        (
            json!([{ "t": 0, "v": "a" }, { "t": 0, "v": "b" }]),
            Some(("b", Some(1_000_000))),
        ),
        (
            json!([{ "t": 1e300, "v": "a" }]),
            Some(("a", Some(i64::MAX))),
        ),
        (json!([]), None),
    ] {
        let message = json!({ "data": data });
        assert_eq!(newest(&message, base), expected, "{message}");
    }
}
