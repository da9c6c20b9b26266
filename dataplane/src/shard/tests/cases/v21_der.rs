//! Block R of 2.1, DER control.

use expect_test::expect;

use super::check_21;

/// A SetDERControl of a frequency droop, and its answer.
fn droop(id: &str, is_default: bool, priority: u32, more: &str, answer: &str) -> String {
    format!(
        "op SetDERControl {{\"isDefault\":{is_default},\"controlId\":\"{id}\",\"controlType\":\"FreqDroop\",\"freqDroop\":{{\"priority\":{priority},\"overFreq\":50.2,\"underFreq\":49.8,\"overDroop\":5,\"underDroop\":5,\"responseTime\":1{more}}}}}\nanswer {answer}\n"
    )
}

const ACCEPTED: &str = r#"{"status":"Accepted"}"#;

/// An hour that begins a minute after the script does.
const HOUR: &str = r#","startTime":"2026-11-22T10:01:00Z","duration":3600"#;

#[test]
fn r04_fr_02_a_default_control_that_the_station_accepts_is_active() {
    check_21(
        &[],
        &(droop("d1", true, 1, "", ACCEPTED)
            + &droop("d2", true, 1, "", r#"{"status":"NotSupported"}"#)
            + "op der"),
        expect![[r#"
            < SetDERControl {"isDefault":true,"controlId":"d1","controlType":"FreqDroop","freqDroop":{"priority":1,"overFreq":50.2,"underFreq":49.8,"overDroop":5,"underDroop":5,"responseTime":1}}
            op SetDERControl: Answered {"status":"Accepted"}
            < SetDERControl {"isDefault":true,"controlId":"d2","controlType":"FreqDroop","freqDroop":{"priority":1,"overFreq":50.2,"underFreq":49.8,"overDroop":5,"underDroop":5,"responseTime":1}}
            op SetDERControl: Answered {"status":"NotSupported"}
            control d1 "FreqDroop" default Active priority Some(1) {"overDroop":5,"overFreq":50.2,"priority":1,"responseTime":1,"underDroop":5,"underFreq":49.8}
        "#]],
    );
}

#[test]
fn r04_fr_03_a_default_of_lower_value_supersedes_the_one_before() {
    let superseded = r#"{"status":"Accepted","supersededIds":["d1"]}"#;
    check_21(
        &[&droop("d1", true, 2, "", ACCEPTED)],
        &(droop("d2", true, 1, "", superseded) + "op der"),
        expect![[r#"
            < SetDERControl {"isDefault":true,"controlId":"d2","controlType":"FreqDroop","freqDroop":{"priority":1,"overFreq":50.2,"underFreq":49.8,"overDroop":5,"underDroop":5,"responseTime":1}}
            op SetDERControl: Answered {"status":"Accepted","supersededIds":["d1"]}
            control d1 "FreqDroop" default Superseded priority Some(2) {"overDroop":5,"overFreq":50.2,"priority":2,"responseTime":1,"underDroop":5,"underFreq":49.8}
            control d2 "FreqDroop" default Active priority Some(1) {"overDroop":5,"overFreq":50.2,"priority":1,"responseTime":1,"underDroop":5,"underFreq":49.8}
        "#]],
    );
}

#[test]
fn r04_fr_08_a_control_of_higher_value_is_superseded_at_once() {
    let superseded = r#"{"status":"Accepted","supersededIds":["s2"]}"#;
    check_21(
        &[&droop("s1", false, 1, HOUR, ACCEPTED)],
        &(droop("s2", false, 2, HOUR, superseded) + "op der"),
        expect![[r#"
            < SetDERControl {"isDefault":false,"controlId":"s2","controlType":"FreqDroop","freqDroop":{"priority":2,"overFreq":50.2,"underFreq":49.8,"overDroop":5,"underDroop":5,"responseTime":1,"startTime":"2026-11-22T10:01:00Z","duration":3600}}
            op SetDERControl: Answered {"status":"Accepted","supersededIds":["s2"]}
            control s1 "FreqDroop" scheduled Scheduled priority Some(1) {"duration":3600,"overDroop":5,"overFreq":50.2,"priority":1,"responseTime":1,"startTime":"2026-11-22T10:01:00Z","underDroop":5,"underFreq":49.8}
            control s2 "FreqDroop" scheduled Superseded priority Some(2) {"duration":3600,"overDroop":5,"overFreq":50.2,"priority":2,"responseTime":1,"startTime":"2026-11-22T10:01:00Z","underDroop":5,"underFreq":49.8}
        "#]],
    );
}

#[test]
fn r04_fr_11_a_default_waits_while_a_scheduled_control_of_its_type_runs() {
    check_21(
        &[
            &droop("d1", true, 1, "", ACCEPTED),
            &droop("s1", false, 1, HOUR, ACCEPTED),
        ],
        r#"
            op der
            wait 60
            NotifyDERStartStop {"controlId":"s1","started":true,"timestamp":"$NOW"}
            op der
            wait 3600
            NotifyDERStartStop {"controlId":"s1","started":false,"timestamp":"$NOW"}
            op der
        "#,
        expect![[r#"
            control d1 "FreqDroop" default Active priority Some(1) {"overDroop":5,"overFreq":50.2,"priority":1,"responseTime":1,"underDroop":5,"underFreq":49.8}
            control s1 "FreqDroop" scheduled Scheduled priority Some(1) {"duration":3600,"overDroop":5,"overFreq":50.2,"priority":1,"responseTime":1,"startTime":"2026-11-22T10:01:00Z","underDroop":5,"underFreq":49.8}
            NotifyDERStartStop: {}
            control d1 "FreqDroop" default Standby priority Some(1) {"overDroop":5,"overFreq":50.2,"priority":1,"responseTime":1,"underDroop":5,"underFreq":49.8}
            control s1 "FreqDroop" scheduled Active priority Some(1) {"duration":3600,"overDroop":5,"overFreq":50.2,"priority":1,"responseTime":1,"startTime":"2026-11-22T10:01:00Z","underDroop":5,"underFreq":49.8}
            NotifyDERStartStop: {}
            control d1 "FreqDroop" default Active priority Some(1) {"overDroop":5,"overFreq":50.2,"priority":1,"responseTime":1,"underDroop":5,"underFreq":49.8}
            control s1 "FreqDroop" scheduled Ended priority Some(1) {"duration":3600,"overDroop":5,"overFreq":50.2,"priority":1,"responseTime":1,"startTime":"2026-11-22T10:01:00Z","underDroop":5,"underFreq":49.8}
        "#]],
    );
}

#[test]
fn r04_fr_10_a_scheduled_control_is_over_after_its_duration_whether_the_station_says_so_or_not() {
    check_21(
        &[&droop("s1", false, 1, HOUR, ACCEPTED)],
        "wait 3600\nop der\nwait 120\nop der",
        expect![[r#"
            control s1 "FreqDroop" scheduled Active priority Some(1) {"duration":3600,"overDroop":5,"overFreq":50.2,"priority":1,"responseTime":1,"startTime":"2026-11-22T10:01:00Z","underDroop":5,"underFreq":49.8}
            control s1 "FreqDroop" scheduled Ended priority Some(1) {"duration":3600,"overDroop":5,"overFreq":50.2,"priority":1,"responseTime":1,"startTime":"2026-11-22T10:01:00Z","underDroop":5,"underFreq":49.8}
        "#]],
    );
}

#[test]
fn r04_fr_21_a_control_that_begins_supersedes_those_that_it_names() {
    check_21(
        &[
            &droop("s1", false, 2, HOUR, ACCEPTED),
            &droop("s2", false, 1, HOUR, ACCEPTED),
        ],
        r#"
            wait 60
            NotifyDERStartStop {"controlId":"s1","started":true,"timestamp":"$NOW"}
            NotifyDERStartStop {"controlId":"s2","started":true,"timestamp":"$NOW","supersededIds":["s1"]}
            NotifyDERStartStop {"controlId":"x","started":true,"timestamp":"$NOW"}
            op der
        "#,
        expect![[r#"
            NotifyDERStartStop: {}
            NotifyDERStartStop: {}
            NotifyDERStartStop: {}
            control s1 "FreqDroop" scheduled Superseded priority Some(2) {"duration":3600,"overDroop":5,"overFreq":50.2,"priority":2,"responseTime":1,"startTime":"2026-11-22T10:01:00Z","underDroop":5,"underFreq":49.8}
            control s2 "FreqDroop" scheduled Active priority Some(1) {"duration":3600,"overDroop":5,"overFreq":50.2,"priority":1,"responseTime":1,"startTime":"2026-11-22T10:01:00Z","underDroop":5,"underFreq":49.8}
            control x "" scheduled Active priority None 
        "#]],
    );
}

#[test]
fn r04_fr_33_a_report_in_parts_tells_all_that_there_is() {
    check_21(
        &[
            &droop("d1", true, 1, "", ACCEPTED),
            &droop("d2", true, 2, "", ACCEPTED),
        ],
        r#"
            op GetDERControl {"requestId":7}
            answer {"status":"Accepted"}
            ReportDERControl {"requestId":7,"tbc":true,"curve":[{"id":"c1","curveType":"VoltWatt","isDefault":true,"isSuperseded":true,"curve":{"priority":3,"yUnit":"PctMaxW","curveData":[{"x":110,"y":0}]}}],"gradient":[{"id":"g1","gradient":{"priority":1,"gradient":2.5,"softGradient":1}}]}
            op der
            ReportDERControl {"requestId":7,"tbc":false,"freqDroop":[{"id":"d1","isDefault":true,"isSuperseded":false,"freqDroop":{"priority":1,"overFreq":50.3,"underFreq":49.8,"overDroop":5,"underDroop":5,"responseTime":1}}]}
            op der
        "#,
        expect![[r#"
            < GetDERControl {"requestId":7}
            op GetDERControl: Answered {"status":"Accepted"}
            ReportDERControl: {}
            control d1 "FreqDroop" default Active priority Some(1) {"overDroop":5,"overFreq":50.2,"priority":1,"responseTime":1,"underDroop":5,"underFreq":49.8}
            control d2 "FreqDroop" default Active priority Some(2) {"overDroop":5,"overFreq":50.2,"priority":2,"responseTime":1,"underDroop":5,"underFreq":49.8}
            control c1 "VoltWatt" default Superseded priority Some(3) {"curveData":[{"x":110,"y":0}],"priority":3,"yUnit":"PctMaxW"}
            control g1 "Gradients" default Active priority Some(1) {"gradient":2.5,"priority":1,"softGradient":1}
            ReportDERControl: {}
            control d1 "FreqDroop" default Active priority Some(1) {"overDroop":5,"overFreq":50.3,"priority":1,"responseTime":1,"underDroop":5,"underFreq":49.8}
            control c1 "VoltWatt" default Superseded priority Some(3) {"curveData":[{"x":110,"y":0}],"priority":3,"yUnit":"PctMaxW"}
            control g1 "Gradients" default Active priority Some(1) {"gradient":2.5,"priority":1,"softGradient":1}
        "#]],
    );
}

#[test]
fn r04_fr_34_a_report_of_one_type_ends_no_control_of_another() {
    check_21(
        &[&droop("d1", true, 1, "", ACCEPTED)],
        r#"
            op GetDERControl {"requestId":8,"controlType":"VoltWatt","isDefault":true}
            answer {"status":"Accepted"}
            ReportDERControl {"requestId":8}
            op GetDERControl {"requestId":9,"controlType":"FreqDroop","isDefault":false}
            answer {"status":"NotFound"}
            op der
            op GetDERControl {"requestId":10,"controlId":"d1"}
            answer {"status":"NotFound"}
            op der
        "#,
        expect![[r#"
            < GetDERControl {"requestId":8,"controlType":"VoltWatt","isDefault":true}
            op GetDERControl: Answered {"status":"Accepted"}
            ReportDERControl: {}
            < GetDERControl {"requestId":9,"controlType":"FreqDroop","isDefault":false}
            op GetDERControl: Answered {"status":"NotFound"}
            control d1 "FreqDroop" default Active priority Some(1) {"overDroop":5,"overFreq":50.2,"priority":1,"responseTime":1,"underDroop":5,"underFreq":49.8}
            < GetDERControl {"requestId":10,"controlId":"d1"}
            op GetDERControl: Answered {"status":"NotFound"}
        "#]],
    );
}

#[test]
fn r04_fr_44_to_46_what_is_cleared_is_gone() {
    let all = [
        droop("d1", true, 1, "", ACCEPTED),
        droop("d2", true, 1, "", ACCEPTED),
        droop("s1", false, 1, HOUR, ACCEPTED),
        droop("s2", false, 1, HOUR, ACCEPTED),
    ];
    check_21(
        &[&all.concat()],
        r#"
            op ClearDERControl {"isDefault":true,"controlId":"d1"}
            answer {"status":"Accepted"}
            op ClearDERControl {"isDefault":true,"controlId":"d2"}
            answer {"status":"Rejected"}
            op ClearDERControl {"isDefault":false,"controlType":"FreqDroop"}
            answer {"status":"Accepted"}
            op der
            op ClearDERControl {"isDefault":true}
            answer {"status":"NotFound"}
            op der
        "#,
        expect![[r#"
            < ClearDERControl {"isDefault":true,"controlId":"d1"}
            op ClearDERControl: Answered {"status":"Accepted"}
            < ClearDERControl {"isDefault":true,"controlId":"d2"}
            op ClearDERControl: Answered {"status":"Rejected"}
            < ClearDERControl {"isDefault":false,"controlType":"FreqDroop"}
            op ClearDERControl: Answered {"status":"Accepted"}
            control d2 "FreqDroop" default Active priority Some(1) {"overDroop":5,"overFreq":50.2,"priority":1,"responseTime":1,"underDroop":5,"underFreq":49.8}
            < ClearDERControl {"isDefault":true}
            op ClearDERControl: Answered {"status":"NotFound"}
        "#]],
    );
}

#[test]
fn r05_fr_01_to_04_an_alarm_lasts_until_it_ends_or_the_next_takes_over() {
    check_21(
        &[],
        r#"
            NotifyDERAlarm {"controlType":"VoltWatt","gridEventFault":"OverVoltage","timestamp":"$NOW"}
            op der
            NotifyDERAlarm {"controlType":"HFMayTrip","gridEventFault":"OverFrequency","timestamp":"$NOW","extraInfo":"50.6 Hz"}
            op der
            NotifyDERAlarm {"controlType":"HFMayTrip","gridEventFault":"OverFrequency","timestamp":"2026-11-22T10:05:00Z","alarmEnded":true}
            NotifyDERAlarm {"controlType":"HFMayTrip","gridEventFault":"OverFrequency","timestamp":"2026-11-22T10:05:00Z","alarmEnded":true}
            NotifyDERAlarm {"controlType":"LVMustTrip","timestamp":"$NOW","alarmEnded":true}
            op der
        "#,
        expect![[r#"
            NotifyDERAlarm: {}
            alarm VoltWatt "OverVoltage" 10:00:05 to -
            NotifyDERAlarm: {}
            alarm VoltWatt "OverVoltage" 10:00:05 to 10:00:07 taken over
            alarm HFMayTrip "OverFrequency" 10:00:07 to -
            NotifyDERAlarm: {}
            NotifyDERAlarm: {}
            NotifyDERAlarm: {}
            alarm VoltWatt "OverVoltage" 10:00:05 to 10:00:07 taken over
            alarm HFMayTrip "OverFrequency" 10:00:07 to 10:05:00
            alarm LVMustTrip "" - to 10:00:11
        "#]],
    );
}

#[test]
fn controls_and_alarms_outlive_the_process() {
    let all = droop("d1", true, 1, "", ACCEPTED)
        + r#"NotifyDERAlarm {"controlType":"FreqDroop","gridEventFault":"OverFrequency","timestamp":"$NOW"}"#;
    check_21(
        &[&all],
        ": restart\nop der\n: op delete CP1",
        expect![[r#"
        a ended
        control d1 "FreqDroop" default Active priority Some(1) {"overDroop":5,"overFreq":50.2,"priority":1,"responseTime":1,"underDroop":5,"underFreq":49.8}
        alarm FreqDroop "OverFrequency" 10:00:07 to -
        op delete CP1: Ok(Ok(()))
    "#]],
    );
}
