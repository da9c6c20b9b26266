//! Periodic event streams of 2.1, N11 to N15.

use expect_test::expect;

use ocpp::Version;

use super::{BOOTED, Case, check_21};
use crate::config::Onboarding;
use crate::shard::tests::world::config;

/// A monitor of the power of EVSE 1, set by an operator.
const MONITOR: &str = r#"
op SetVariableMonitoring {"setMonitoringData":[{"value":10,"type":"Periodic","severity":8,"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"Power"},"periodicEventStream":{"interval":60}}]}
answer {"setMonitoringResult":[{"id":7,"status":"Accepted","type":"Periodic","severity":8,"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"Power"}}]}
"#;

/// The station opens a stream for that monitor.
const OPEN: &str = r#"
OpenPeriodicEventStream {"constantStreamData":{"id":1,"variableMonitoringId":7,"params":{"interval":60}}}
"#;

/// A message of a stream.
fn said(id: u32, base: &str, values: &[(&str, &str)]) -> String {
    let data: Vec<_> = values
        .iter()
        .map(|(t, v)| format!(r#"{{"t":{t},"v":"{v}"}}"#))
        .collect();
    format!(
        ": a > [6,\"s\",\"NotifyPeriodicEventStream\",{{\"id\":{id},\"pending\":2,\"basetime\":\"{base}\",\"data\":[{}]}}]\n",
        data.join(",")
    )
}

#[test]
fn n11_fr_06_a_stream_of_a_monitor_is_accepted() {
    check_21(
        &[],
        &(MONITOR.to_owned() + OPEN + "op streams"),
        expect![[r#"
            < SetVariableMonitoring {"setMonitoringData":[{"value":10,"type":"Periodic","severity":8,"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"Power"},"periodicEventStream":{"interval":60}}]}
            op SetVariableMonitoring: Answered {"setMonitoringResult":[{"id":7,"status":"Accepted","type":"Periodic","severity":8,"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"Power"}}]}
            OpenPeriodicEventStream: {"status":"Accepted"}
            stream 1 of monitor 7 every Some(60) s or None values, said nothing
            values 0 unknown 0 limited 0
        "#]],
    );
}

#[test]
fn n11_fr_05_a_stream_beyond_the_bounds_is_refused() {
    let many: String = (2..=33)
        .map(|id| {
            format!(
                "OpenPeriodicEventStream {{\"constantStreamData\":{{\"id\":{id},\"variableMonitoringId\":{id},\"params\":{{\"values\":5}}}}}}\n"
            )
        })
        .collect();
    check_21(
        &[&many],
        r#"
            OpenPeriodicEventStream {"constantStreamData":{"id":1,"variableMonitoringId":1,"params":{"values":5}}}
            OpenPeriodicEventStream {"constantStreamData":{"id":2,"variableMonitoringId":2,"params":{}}}
            OpenPeriodicEventStream {"constantStreamData":{"id":2,"variableMonitoringId":2,"params":{"values":1001}}}
            OpenPeriodicEventStream {"constantStreamData":{"id":40,"variableMonitoringId":2,"params":{"values":1000}}}
        "#,
        expect![[r#"
            OpenPeriodicEventStream: {"status":"Rejected","statusInfo":{"reasonCode":"TooManyElements","additionalInfo":"32 streams are open, at most 32 are allowed"}}
            OpenPeriodicEventStream: {"status":"Rejected","statusInfo":{"reasonCode":"MissingParam","additionalInfo":"neither interval nor values say when it is sent"}}
            OpenPeriodicEventStream: {"status":"Rejected","statusInfo":{"reasonCode":"ValueOutOfRange","additionalInfo":"1001 values a message, at most 1000 are allowed"}}
            OpenPeriodicEventStream: {"status":"Accepted"}
        "#]],
    );
}

#[test]
fn n15_fr_03_values_become_values_of_the_variable_with_their_times() {
    check_21(
        &[MONITOR, OPEN],
        &[
            ": records shown\n".to_owned(),
            said(
                1,
                "2026-11-22T10:00:01Z",
                &[("0", "6900"), ("2.5", "7100"), ("1", "7000")],
            ),
            "op values\nop streams".to_owned(),
        ]
        .concat(),
        expect![[r#"
            record Notified NotifyPeriodicEventStream {"basetime":"2026-11-22T10:00:01Z","component":{"evse":{"id":1},"name":"EVSE"},"data":[{"t":0,"v":"6900"},{"t":2.5,"v":"7100"},{"t":1,"v":"7000"}],"eventNotificationType":"CustomMonitor","id":1,"pending":2,"severity":8,"trigger":"Periodic","variable":{"name":"Power"},"variableMonitoringId":7}
            Connector.AvailabilityState = Available as of 10:00:04
            EVSE.Power = 7100 as of 10:00:03
            stream 1 of monitor 7 every Some(60) s or None values, said 1 messages 3 values 2 pending
            values 3 unknown 0 limited 0
        "#]],
    );
}

/// A monitor that came with the station is there after another base, and its values are values of its variable.
#[test]
fn n11_fr_04_a_stream_of_a_hard_wired_monitor_outlives_another_base() {
    check_21(
        &[
            r#"NotifyMonitoringReport {"requestId":7,"generatedAt":"$NOW","seqNo":0,"tbc":false,"monitor":[{"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"Power"},"variableMonitoring":[{"id":7,"transaction":false,"value":10,"type":"Periodic","severity":8,"eventNotificationType":"HardWiredMonitor"}]}]}"#,
            OPEN,
            "op SetMonitoringBase {\"monitoringBase\":\"FactoryDefault\"}\nanswer {\"status\":\"Accepted\"}\n",
        ],
        &[
            ": records shown\n".to_owned(),
            said(1, "2026-11-22T10:00:01Z", &[("0", "6900")]),
        ]
        .concat(),
        expect![[r#"
            record Notified NotifyPeriodicEventStream {"basetime":"2026-11-22T10:00:01Z","component":{"evse":{"id":1},"name":"EVSE"},"data":[{"t":0,"v":"6900"}],"eventNotificationType":"HardWiredMonitor","id":1,"pending":2,"severity":8,"trigger":"Periodic","variable":{"name":"Power"},"variableMonitoringId":7}
        "#]],
    );
}

#[test]
fn n15_fr_02_a_stream_that_nobody_opened_is_counted_and_never_answered() {
    check_21(
        &[],
        &(said(9, "2026-11-22T10:00:01Z", &[("0", "1")]) + "op values\nop streams"),
        expect![[r#"
            Connector.AvailabilityState = Available as of 10:00:04
            values 0 unknown 1 limited 0
        "#]],
    );
}

#[test]
fn n15_a_clock_that_cannot_be_believed_tells_no_time() {
    check_21(
        &[MONITOR, OPEN],
        &(said(1, "1970-01-01T00:00:00Z", &[("0", "5")])
            + "op values\n"
            + &said(1, "2026-11-22T10:04:00Z", &[("0", "6")])
            + "op values"),
        expect![[r#"
            Connector.AvailabilityState = Available as of 10:00:04
            EVSE.Power = 5 as of 10:00:08
            Connector.AvailabilityState = Available as of 10:00:04
            EVSE.Power = 6 as of 10:00:10
        "#]],
    );
}

#[test]
fn n15_a_message_of_more_values_than_a_stream_may_send_is_counted_alone() {
    let long: Vec<_> = (0..1_001).map(|_| ("0", "5")).collect();
    check_21(
        &[MONITOR, OPEN],
        &(said(1, "2026-11-22T10:00:01Z", &long) + "op values\nop streams"),
        expect![[r#"
            Connector.AvailabilityState = Available as of 10:00:04
            stream 1 of monitor 7 every Some(60) s or None values, said nothing
            values 0 unknown 0 limited 1
        "#]],
    );
}

#[test]
fn n15_what_is_said_too_often_is_counted_and_heard_again_a_minute_later() {
    let mut config = config(Onboarding::Open);
    config.event_streams.messages_per_minute_max = 3;
    let mut case = Case::new(Version::V21, config);
    [": a connect CP1 2.1", BOOTED, MONITOR, OPEN, "wait 60"]
        .iter()
        .for_each(|state| case.prepare(state));
    let message = said(1, "2026-11-22T10:00:01Z", &[("0", "5")]);
    let script = message.repeat(5) + "op streams\nwait 60\n" + &message + "op streams";
    expect![[r#"
        stream 1 of monitor 7 every Some(60) s or None values, said 3 messages 3 values 2 pending
        values 3 unknown 0 limited 2
        stream 1 of monitor 7 every Some(60) s or None values, said 4 messages 4 values 2 pending
        values 4 unknown 0 limited 2
    "#]]
    .assert_eq(&case.run(&script));
}

#[test]
fn n13_fr_02_a_closed_stream_is_gone() {
    check_21(
        &[MONITOR, OPEN],
        r#"
            ClosePeriodicEventStream {"id":1}
            ClosePeriodicEventStream {"id":1}
            op streams
        "#,
        expect![[r#"
            ClosePeriodicEventStream: {}
            ClosePeriodicEventStream: {}
            values 0 unknown 0 limited 0
        "#]],
    );
}

#[test]
fn n14_fr_03_a_stream_is_adjusted_where_the_station_accepts() {
    check_21(
        &[MONITOR, OPEN],
        r#"
            op AdjustPeriodicEventStream {"id":1,"params":{"values":10}}
            answer {"status":"Accepted"}
            op AdjustPeriodicEventStream {"id":1,"params":{"interval":1}}
            answer {"status":"Rejected"}
            op streams
        "#,
        expect![[r#"
            < AdjustPeriodicEventStream {"id":1,"params":{"values":10}}
            op AdjustPeriodicEventStream: Answered {"status":"Accepted"}
            < AdjustPeriodicEventStream {"id":1,"params":{"interval":1}}
            op AdjustPeriodicEventStream: Answered {"status":"Rejected"}
            stream 1 of monitor 7 every Some(60) s or Some(10) values, said nothing
            values 0 unknown 0 limited 0
        "#]],
    );
}

#[test]
fn n12_fr_01_the_streams_that_the_station_names_are_open_and_no_others() {
    check_21(
        &[MONITOR, OPEN],
        r#"
            op GetPeriodicEventStream {}
            answer {"constantStreamData":[{"id":3,"variableMonitoringId":9,"params":{"interval":5}},{"id":2,"variableMonitoringId":8,"params":{"values":4}}]}
            op streams
            : restart
            op streams
            : a connect CP1 2.1
            op GetPeriodicEventStream {}
            answer {}
            op streams
        "#,
        expect![[r#"
            < GetPeriodicEventStream {}
            op GetPeriodicEventStream: Answered {"constantStreamData":[{"id":3,"variableMonitoringId":9,"params":{"interval":5}},{"id":2,"variableMonitoringId":8,"params":{"values":4}}]}
            stream 2 of monitor 8 every None s or Some(4) values, said nothing
            stream 3 of monitor 9 every Some(5) s or None values, said nothing
            values 0 unknown 0 limited 0
            a ended
            stream 2 of monitor 8 every None s or Some(4) values, said nothing
            stream 3 of monitor 9 every Some(5) s or None values, said nothing
            values 0 unknown 0 limited 0
            < 101 Switching Protocols ocpp2.1
            < GetPeriodicEventStream {}
            op GetPeriodicEventStream: Answered {}
            values 0 unknown 0 limited 0
        "#]],
    );
}
