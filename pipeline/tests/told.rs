//! What stations tell in passing, and what comes after commands, from their records to rows in memory, in files, and after a
//! start.

use fleet::record::*;

use crate::support::*;

fn notified(action: &str, payload: &str) -> Notified {
    Notified {
        action: action.to_owned(),
        payload: payload.to_owned(),
    }
}

/// What stations say, action by action.
const MESSAGES: &[(&str, &str)] = &[
    (
        "NotifyEvent",
        r#"{"generatedAt":"2026-11-22T10:00:00Z","seqNo":0,"eventData":[
            {"eventId":5,"timestamp":"2026-11-22T09:59:58Z","trigger":"Alerting","cause":4,"actualValue":"81.5",
             "techCode":"E7","techInfo":"hot","cleared":false,"transactionId":"T1","variableMonitoringId":9,"severity":2,
             "eventNotificationType":"CustomMonitor","component":{"name":"EVSE","instance":"a","evse":{"id":1,"connectorId":2}},
             "variable":{"name":"Temperature","instance":"b"}},
            {"eventId":6,"timestamp":"1970-01-01T00:00:00Z","trigger":"Delta","actualValue":"open","cleared":true,
             "eventNotificationType":"HardWiredMonitor","component":{"name":"Door"},"variable":{"name":"State"}}]}"#,
    ),
    (
        "NotifyPeriodicEventStream",
        r#"{"id":3,"pending":0,"basetime":"2026-11-22T09:00:00Z","data":[{"t":1.5,"v":"7"}],
            "component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"Power"},"severity":8,"trigger":"Periodic",
            "variableMonitoringId":7}"#,
    ),
    (
        "FirmwareStatusNotification",
        r#"{"status":"Downloading","requestId":3,"statusInfo":{"reasonCode":"Slow","additionalInfo":"3G"}}"#,
    ),
    (
        "SignedFirmwareStatusNotification",
        r#"{"status":"Installed","requestId":4}"#,
    ),
    (
        "PublishFirmwareStatusNotification",
        r#"{"status":"Published","location":["http://10.0.0.2/f"],"requestId":5}"#,
    ),
    (
        "LogStatusNotification",
        r#"{"status":"Uploaded","requestId":6}"#,
    ),
    ("DiagnosticsStatusNotification", r#"{"status":"Uploading"}"#),
    (
        "NotifyChargingLimit",
        r#"{"evseId":1,"chargingLimit":{"chargingLimitSource":"EMS","isGridCritical":true,"isLocalGeneration":false},
            "chargingSchedule":[{"id":1}]}"#,
    ),
    ("ClearedChargingLimit", r#"{"chargingLimitSource":"SO"}"#),
    (
        "NotifyEVChargingNeeds",
        r#"{"evseId":1,"chargingNeeds":{"requestedEnergyTransfer":"DC","departureTime":"2026-11-22T18:00:00Z",
            "dcChargingParameters":{"energyAmount":40000,"stateOfCharge":20}}}"#,
    ),
    (
        "NotifyEVChargingSchedule",
        r#"{"timeBase":"2026-11-22T10:00:00Z","evseId":1,"chargingSchedule":{"id":2},"selectedChargingScheduleId":2}"#,
    ),
    (
        "NotifyPriorityCharging",
        r#"{"transactionId":"T1","activated":true}"#,
    ),
    ("PullDynamicScheduleUpdate", r#"{"chargingProfileId":8}"#),
    (
        "DataTransfer",
        r#"{"vendorId":"acme","messageId":"ping","data":{"n":1}}"#,
    ),
    (
        "DataTransfer",
        r#"{"vendorId":"acme","messageId":"text","data":"free"}"#,
    ),
    (
        "SignCertificate",
        r#"{"csr":"CSR","certificateType":"ChargingStationCertificate","requestId":2}"#,
    ),
    // The tables of the present show these.
    ("NotifyReport", r#"{"requestId":1,"seqNo":0}"#),
    ("NotifyMonitoringReport", r#"{"requestId":1,"seqNo":0}"#),
    ("NotifyDisplayMessages", r#"{"requestId":1}"#),
    ("ReportChargingProfiles", r#"{"requestId":1}"#),
    ("ReportDERControl", r#"{"requestId":1}"#),
    ("Sigec.IssueReported", "{}"),
];

/// `concat_ws` leaves out what is NULL.
const ROWS: &[(&str, &str)] = &[
    (
        "SELECT concat_ws('|', seq, ordinal, event_id, occurred_at, occurred_at_raw, clock_trusted, trigger, cause,
         notification_type, severity, component, component_instance, evse_id, connector_id, variable, variable_instance,
         actual_value, value_number, cleared, tech_code, tech_info, monitor_id, stream_id, ocpp_transaction_id, date)
         FROM events ORDER BY seq, ordinal",
        "1|0|5|2026-11-22T09:59:58Z|2026-11-22T09:59:58Z|true|Alerting|4|CustomMonitor|2|EVSE|a|1|2|Temperature|b|81.5|81.5\
         |false|E7|hot|9|T1|2026-11-22
1|1|6|2026-11-22T10:00:00Z|1970-01-01T00:00:00Z|false|Delta|HardWiredMonitor|Door|State|open|true|2026-11-22
2|0|2026-11-22T09:00:01.500Z|2026-11-22T09:00:00Z|true|Periodic|8|EVSE|1|Power|7|7.0|7|3|2026-11-22",
    ),
    (
        "SELECT concat_ws('|', seq, kind, action, status, status_reason, status_info, request_id, locations)
         FROM progress_events ORDER BY seq",
        "3|firmware|FirmwareStatusNotification|Downloading|Slow|3G|3
4|firmware|SignedFirmwareStatusNotification|Installed|4
5|published_firmware|PublishFirmwareStatusNotification|Published|5|[\"http://10.0.0.2/f\"]
6|log|LogStatusNotification|Uploaded|6
7|diagnostics|DiagnosticsStatusNotification|Uploading",
    ),
    (
        "SELECT concat_ws('|', seq, action, evse_id, ocpp_transaction_id, profile_id, limit_source, is_grid_critical,
         is_local_generation, is_priority, energy_transfer, requested_energy_wh, soc_percent, departure_at, time_base_at,
         selected_schedule_id, length(needs), schedule, length(payload)) FROM charging_events ORDER BY seq",
        "8|NotifyChargingLimit|1|EMS|true|false|[{\"id\":1}]|149
9|ClearedChargingLimit|SO|28
10|NotifyEVChargingNeeds|1|DC|40000.0|20.0|2026-11-22T18:00:00Z|136|178
11|NotifyEVChargingSchedule|1|2026-11-22T10:00:00Z|2|{\"id\":2}|105
12|NotifyPriorityCharging|T1|true|39
13|PullDynamicScheduleUpdate|8|23",
    ),
    (
        "SELECT concat_ws('|', seq, action, request_id, evse_id, ocpp_transaction_id, vendor_id, vendor_message_id, data,
         length(payload)) FROM notifications ORDER BY seq",
        "14|DataTransfer|acme|ping|{\"n\":1}|53
15|DataTransfer|acme|text|free|52
16|SignCertificate|2|74",
    ),
    (
        "SELECT concat_ws('|', seq, command_id, action, request_id, began_at, messages, duplicates, parts, parts_missing,
         is_complete, state, status, told) FROM command_courses ORDER BY seq",
        "23|01010101-0101-0101-0101-010101010101|NotifyReport|9|2026-11-22T10:00:00Z|0|0|false|running
24|01010101-0101-0101-0101-010101010101|NotifyReport|9|2026-11-22T10:00:00Z|3|1|6|3|false|running|{\"seqNo\":5}
25|LogStatusNotification|2026-11-22T10:00:00Z|1|0|true|done|Uploaded|{\"status\":\"Uploaded\"}",
    ),
];

fn courses() -> [CommandFollowed; 3] {
    let sent = CommandFollowed {
        command_id: Some([1; 16]),
        action: "NotifyReport".to_owned(),
        request_id: Some(9),
        began_at: T0,
        began_log_id: 1,
        began_seq: 1,
        is_inventory: false,
        messages: 0,
        duplicates: 0,
        parts: Vec::new(),
        last_part: None,
        complete: false,
        follow_ups: Vec::new(),
    };
    let told = |summary: &str| FollowUp {
        received_at: T0,
        summary: summary.to_owned(),
    };
    let part = |first, last| PartRange { first, last };
    let reported = CommandFollowed {
        messages: 3,
        duplicates: 1,
        parts: vec![part(0, 0), part(3, 3), part(5, 5)],
        last_part: Some(5),
        follow_ups: vec![told(r#"{"seqNo":0}"#), told(r#"{"seqNo":5}"#)],
        ..sent.clone()
    };
    let uploaded = CommandFollowed {
        command_id: None,
        action: "LogStatusNotification".to_owned(),
        request_id: None,
        messages: 1,
        complete: true,
        follow_ups: vec![told(r#"{"status":"Uploaded"}"#)],
        ..sent.clone()
    };
    [sent, reported, uploaded]
}

async fn column(lake: &pipeline::Lake, query: &str) -> String {
    let rows = batches(&lake.sql(), &admin(), query).await.unwrap();
    let mut lines = Vec::new();
    for batch in &rows {
        for row in 0..batch.num_rows() {
            lines.push(arrow::util::display::array_value_to_string(batch.column(0), row).unwrap());
        }
    }
    lines.join("\n")
}

#[tokio::test]
async fn what_a_station_tells_is_a_row_of_its_table_in_memory_in_files_and_after_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let first = lake(dir.path(), &[&log]);
    for (action, payload) in MESSAGES {
        log.append("default/CP1", T0, notified(action, payload));
    }
    for course in courses() {
        log.append("default/CP1", T0, course);
    }
    // What cannot be read is a row without content, or none.
    log.append("other/CP1", T0, notified("NotifyEvent", "["));
    log.put("other/CP1", T0, notified("DataTransfer", "["));
    let is_told = async |lake: &pipeline::Lake, where_: &str| {
        until(&lake.sql(), "SELECT count(*) FROM command_courses", "3").await;
        for (query, expected) in ROWS {
            assert_eq!(column(lake, query).await, *expected, "{where_}: {query}");
        }
    };
    let second = holds_wherever_rows_lie(first, dir.path(), &log, is_told).await;
    second.shutdown().await.unwrap();
}

/// A station whose clock is known to be wrong: each date reads as its record says, and stands there as it was told.
#[tokio::test]
async fn a_date_is_shown_by_the_clock_of_its_station() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let date = |pointer: &str, at: Option<i64>| DateRead {
        pointer: pointer.to_owned(),
        at,
    };
    let event = r#"{"eventId":1,"timestamp":"2026-11-22T07:00:00Z","component":{"name":"C"},"variable":{"name":"V"}}"#;
    let hour = 3_600_000_000;
    for (action, payload, dates) in [
        (
            "NotifyEvent",
            format!(r#"{{"eventData":[{event},{event},{event}]}}"#),
            vec![
                date("/eventData/0/timestamp", Some(T0 - hour)),
                date("/eventData/1/timestamp", None),
            ],
        ),
        (
            "NotifyPeriodicEventStream",
            r#"{"id":3,"basetime":"2026-11-22T07:00:00Z","data":[{"t":1,"v":"7"}]}"#.to_owned(),
            vec![date("/basetime", Some(T0 - 2 * hour))],
        ),
        (
            "NotifyEVChargingNeeds",
            r#"{"evseId":1,"chargingNeeds":{"departureTime":"2026-11-22T07:00:00Z"}}"#.to_owned(),
            vec![date("/chargingNeeds/departureTime", Some(T0 + hour))],
        ),
        (
            "NotifyEVChargingSchedule",
            r#"{"evseId":1,"timeBase":"2026-11-22T07:00:00Z"}"#.to_owned(),
            vec![date("/timeBase", Some(T0 + 2 * hour))],
        ),
    ] {
        let notified = notified(action, &payload);
        log.put("default/CP1", T0, NotifiedDated { notified, dates });
    }
    until(&lake.sql(), "SELECT count(*) FROM charging_events", "2").await;
    assert_eq!(
        column(
            &lake,
            "SELECT concat_ws('|', occurred_at, occurred_at_raw, clock_trusted) FROM events ORDER BY seq, ordinal"
        )
        .await,
        "2026-11-22T09:00:00Z|2026-11-22T07:00:00Z|true
2026-11-22T10:00:00Z|2026-11-22T07:00:00Z|false
2026-11-22T07:00:00Z|2026-11-22T07:00:00Z|true
2026-11-22T08:00:01Z|2026-11-22T07:00:00Z|true"
    );
    assert_eq!(
        column(
            &lake,
            "SELECT concat_ws('|', departure_at, time_base_at) FROM charging_events ORDER BY seq"
        )
        .await,
        "2026-11-22T11:00:00Z
2026-11-22T12:00:00Z"
    );
    lake.shutdown().await.unwrap();
}

/// A lake of an older version has no such table: it gets what the log still holds, and the others get nothing twice.
#[tokio::test]
async fn a_table_that_is_new_to_a_lake_gets_what_the_log_holds() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let first = lake(dir.path(), &[&log]);
    log.append("default/CP1", T0, meter(Some(1), 1, T0, 1_000, 1.0));
    for (action, payload) in MESSAGES {
        log.append("default/CP1", T0, notified(action, payload));
    }
    log.sync();
    until(&first.sql(), "SELECT count(*) FROM events", "3").await;
    first.flush().await.unwrap();
    first.shutdown().await.unwrap();
    for table in [
        "events",
        "progress_events",
        "charging_events",
        "notifications",
        "command_courses",
    ] {
        std::fs::remove_dir_all(dir.path().join("lake").join(table)).unwrap();
    }
    let second = lake(dir.path(), &[&log]);
    for (table, rows) in [
        ("events", "3"),
        ("progress_events", "5"),
        ("charging_events", "6"),
        ("notifications", "3"),
        ("meter_values", "1"),
    ] {
        let count = format!("SELECT count(*) FROM {table}");
        until(&second.sql(), &count, rows).await;
    }
    second.flush().await.unwrap();
    assert_eq!(
        value(&second.sql(), "SELECT count(*) FROM meter_values").await,
        "1"
    );
    assert_eq!(second.health().error, None);
    second.shutdown().await.unwrap();
}

/// Of each call of a station: its name, and the cell of the coverage page that says which tables show it.
fn documented() -> Vec<(String, String)> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ocpp-coverage.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = page.lines().filter(|line| line.contains("| to us"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        (cells[0].to_owned(), cells[3].to_owned())
    })
    .collect()
}

/// The words of a cell that name tables: what stands behind a colon explains.
fn tables_of(cell: &str) -> Vec<&str> {
    let (tables, _) = cell.split_once(':').unwrap_or((cell, ""));
    tables.split('`').skip(1).step_by(2).collect()
}

#[tokio::test]
async fn every_call_of_a_station_has_its_row_where_the_coverage_page_says() {
    const TOLD: [&str; 4] = [
        "events",
        "progress_events",
        "charging_events",
        "notifications",
    ];
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let sql = lake.sql();
    let calls = documented();
    assert_eq!(calls.len(), 14 + 25 + 36 + 1, "three versions, and a SEND");
    let payload = r#"{"eventData":[{}],"data":[{}]}"#;
    for (n, (action, _)) in calls.iter().enumerate() {
        let station = format!("default/CP{n}");
        log.append(&station, T0, notified(action, payload));
    }
    log.put("default/last", T0, notified("DataTransfer", payload));
    let last = "SELECT count(*) FROM notifications WHERE station_id = 'last'";
    until(&sql, last, "1").await;
    let tables = "SELECT table_name FROM information_schema.tables";
    let known = column(&lake, tables).await;
    let known: Vec<_> = known.lines().collect();
    let mut rows = Vec::new();
    for table in TOLD {
        let stations = column(&lake, &format!("SELECT station_id FROM {table}")).await;
        let stations: Vec<_> = stations.lines().map(str::to_owned).collect();
        rows.push((table, stations));
    }
    for (n, (action, cell)) in calls.iter().enumerate() {
        let named = tables_of(cell);
        assert_eq!(named.is_empty(), cell.starts_with("none: "), "{action}");
        for table in &named {
            assert!(known.contains(table), "{action}: {table}");
        }
        for (table, stations) in &rows {
            let is_there = stations.contains(&format!("CP{n}"));
            // What is not put on record in these words would be a notification.
            let may_be = *table == "notifications" || !is_there;
            let is_named = named.contains(table);
            assert!(
                if is_named { is_there } else { may_be },
                "{action}: {table}"
            );
        }
    }
    lake.shutdown().await.unwrap();
}
