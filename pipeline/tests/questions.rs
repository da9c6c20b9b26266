//! `docs/sql.md` is true: its columns are the tables' columns, its twelve answers are what the queries give.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use fleet::record::*;
use pipeline::{
    Asked, BatterySwapRow, ChargingProfileRow, ConnectorRow, DerAlarmRow, DerControlRow,
    DisplayMessageRow, Lake, MonitorRow, Page, ReservationRow, Role, StationRow, Stations,
    VariableRow,
};

use crate::support::*;

/// 2026-11-22T00:00:00Z.
const DAY: i64 = T0 - 10 * HOUR;

fn document_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/sql.md")
}

/// Three stations on two sites, one day.
fn sample(log: &mut TestLog) {
    // station, EVSE, first hour, quarters, watts, transaction
    let sessions = [
        ("CP1", 1, 7, 6, 11_000, 1),
        ("CP1", 2, 8, 4, 7_400, 2),
        ("CP2", 1, 8, 2, 22_000, 3),
        ("CP3", 1, 6, 8, 3_700, 4),
    ];
    for (station, hour) in [("CP1", 0), ("CP2", 6), ("CP3", 1)] {
        let connected = Connected {
            connection: hour,
            peer: "192.0.2.1:50000".to_owned(),
            protocol: Protocol::Ocpp16.code(),
            security: Security::Basic.code(),
            acceptance: Acceptance::Accepted.code(),
            first_seen: false,
        };
        log.append(
            &format!("default/{station}"),
            DAY + hour as i64 * HOUR,
            connected,
        );
    }
    for (station, evse, hour, quarters, watts, transaction_no) in sessions {
        let (station, begin) = (format!("default/{station}"), DAY + hour * HOUR);
        let at = |quarter: i64| begin + quarter * 15 * MINUTE;
        let energy = |quarter: i64| quarter * watts * 250;
        log.append(
            &station,
            begin,
            transaction(
                transaction_no,
                TransactionEventKind::Started,
                begin,
                begin,
                0,
            ),
        );
        for quarter in 0..=quarters {
            let values = meter(
                Some(transaction_no),
                evse,
                at(quarter),
                energy(quarter),
                watts as f64,
            );
            log.append(&station, at(quarter), values);
        }
        let end = at(quarters);
        let ended = transaction(
            transaction_no,
            TransactionEventKind::Ended,
            begin,
            end,
            energy(quarters),
        );
        log.append(&station, end, ended);
    }
    let mut retry = meter(Some(1), 1, DAY + 8 * HOUR, 999_999_999, 99_000.0);
    retry.retry.conflict = true;
    log.append("default/CP1", DAY + 9 * HOUR, retry);
    for (station, hour, code) in [
        ("CP2", 9, "GroundFailure"),
        ("CP2", 10, "GroundFailure"),
        ("CP3", 9, "OverVoltage"),
    ] {
        let at = DAY + hour * HOUR;
        let status = StatusReported {
            evse_id: 1,
            connector_id: 1,
            status: ConnectorStatus::Faulted.code(),
            status_reported: "Faulted".to_owned(),
            error_code: code.to_owned(),
            vendor_error_code: String::new(),
            vendor_id: String::new(),
            info: String::new(),
            occurred: Moment {
                at,
                raw: String::new(),
                clock_trusted: true,
            },
            live: true,
            retry: Retry::default(),
        };
        log.append(&format!("default/{station}"), at, status);
    }
    let states = [
        (
            1,
            "Reset",
            &[
                CommandState::Queued,
                CommandState::Sent,
                CommandState::Answered,
            ][..],
        ),
        (
            2,
            "Reset",
            &[
                CommandState::Queued,
                CommandState::Sent,
                CommandState::Timeout,
            ],
        ),
        (
            3,
            "RemoteStopTransaction",
            &[
                CommandState::Queued,
                CommandState::Sent,
                CommandState::Answered,
            ],
        ),
    ];
    for (n, action, states) in states {
        for state in states {
            let command = CommandChanged {
                command_id: transaction_id(n),
                action: action.to_owned(),
                payload: "{}".to_owned(),
                state: state.code(),
                result: String::new(),
                error_code: String::new(),
                error_description: String::new(),
                principal: "admin".to_owned(),
                created_at: DAY + 11 * HOUR,
            };
            log.append("default/CP1", DAY + 11 * HOUR, command);
        }
    }
    for (n, status, amount) in [
        (1, "Settled", "16.50"),
        (2, "Failed", "7.40"),
        (3, "Settled", "11"),
    ] {
        let applied_at = DAY + 12 * HOUR;
        let mut changed = MoneyChanged {
            money: TransactionMoney {
                transaction_id: transaction_id(n),
                tariff: Some(AppliedTariff {
                    tariff_id: "day-night".to_owned(),
                    tariff: "{}".to_owned(),
                    time_zone: "America/Sao_Paulo".to_owned(),
                    applied_at,
                }),
                ..TransactionMoney::default()
            },
            tariff_is_new: true,
            settlement_is_new: false,
        };
        log.append("default/CP1", applied_at, changed.clone());
        changed.tariff_is_new = false;
        changed.settlement_is_new = true;
        changed.money.settlements.push(Settlement {
            told_at: applied_at + HOUR,
            status: status.to_owned(),
            amount: amount.to_owned(),
            ..Settlement::default()
        });
        log.append("default/CP1", applied_at + HOUR, changed);
    }
    let gone = Disconnected {
        connection: 1,
        reason: "ping timeout".to_owned(),
    };
    log.append("default/CP3", DAY + 10 * HOUR, gone);
    log.sync();
}

fn stations() -> Stations {
    let station = |id: &str, site: &str, online| StationRow {
        tenant: "default".to_owned(),
        station_id: id.to_owned(),
        site: Some(site.to_owned()),
        acceptance: "accepted".to_owned(),
        online,
        ..StationRow::default()
    };
    let rows = vec![
        station("CP1", "harbour", true),
        station("CP2", "harbour", true),
        station("CP3", "station square", false),
        StationRow {
            tenant: "other".to_owned(),
            ..station("CP9", "elsewhere", true)
        },
    ];
    Stations {
        stations: Arc::new(move || rows.clone()),
        connectors: Arc::new(|| {
            let status = Some("Faulted".to_owned());
            vec![ConnectorRow {
                tenant: "default".to_owned(),
                station_id: "CP2".to_owned(),
                evse_id: 1,
                connector_id: 1,
                status,
                ..ConnectorRow::default()
            }]
        }),
        variables: Arc::new(|asked| Ok(variables(&asked))),
        reservations: Arc::new(|asked| Ok(one(&asked, reservation()))),
        charging_profiles: Arc::new(|asked| Ok(one(&asked, charging_profile()))),
        der_controls: Arc::new(|asked| Ok(one(&asked, der_control()))),
        der_alarms: Arc::new(|asked| Ok(one(&asked, der_alarm()))),
        battery_swaps: Arc::new(|asked| Ok(one(&asked, battery_swap()))),
        monitors: Arc::new(|asked| Ok(one(&asked, monitor()))),
        display_messages: Arc::new(|asked| Ok(one(&asked, display_message()))),
    }
}

fn der_control() -> DerControlRow {
    DerControlRow {
        station_id: "CP2".to_owned(),
        control_id: "c1".to_owned(),
        control_type: Some("FreqDroop".to_owned()),
        is_default: true,
        priority: Some(2),
        duration_s: Some(0.5),
        known_since: DAY + HOUR,
        settings: Some("{}".to_owned()),
        ..DerControlRow::default()
    }
}

fn der_alarm() -> DerAlarmRow {
    DerAlarmRow {
        station_id: "CP2".to_owned(),
        control_type: "VoltWatt".to_owned(),
        fault: Some("OverVoltage".to_owned()),
        raised_at: Some(DAY + 2 * HOUR),
        is_taken_over: true,
        received_at: DAY + 3 * HOUR,
        ..DerAlarmRow::default()
    }
}

fn battery_swap() -> BatterySwapRow {
    BatterySwapRow {
        station_id: "CP2".to_owned(),
        request_id: 7,
        state: Some("complete"),
        token_ref: "07".repeat(16),
        began_at: DAY + HOUR,
        changed_at: DAY + 2 * HOUR,
        event: Some("out"),
        evse_id: Some(3),
        serial_number: Some("B1".to_owned()),
        soc_percent: Some(97.5),
        soh_percent: Some(99.0),
        told_at: Some(DAY + 2 * HOUR),
        ..BatterySwapRow::default()
    }
}

fn monitor() -> MonitorRow {
    let json = r#"{"id":9,"component":{"name":"EVSE","instance":"a","evse":{"id":1,"connectorId":2}},
        "variable":{"name":"Power","instance":"b"},"transaction":true,"value":22000.5,"type":"UpperThreshold","severity":3,
        "eventNotificationType":"CustomMonitor","periodicEventStream":{"interval":60}}"#;
    MonitorRow::read("CP2", 9, json, DAY + HOUR)
}

fn display_message() -> DisplayMessageRow {
    let json = r#"{"id":5,"priority":"InFront","state":"Idle","startDateTime":"2026-11-22T01:00:00Z","transactionId":"T1",
        "message":{"format":"UTF8","language":"pt","content":"Olá"}}"#;
    DisplayMessageRow::read("CP2", 5, json.to_owned(), DAY + 2 * HOUR)
}

/// Of two 2.x stations, a page for each; of another tenant's, one.
fn variables(asked: &Asked) -> Page<VariableRow> {
    let interval = |station: &str, value: &str| VariableRow {
        station_id: station.to_owned(),
        component: "SampledDataCtrlr".to_owned(),
        variable: "TxUpdatedInterval".to_owned(),
        attribute: "Actual",
        value: Some(value.to_owned()),
        mutability: Some("ReadWrite"),
        data_type: Some("integer".to_owned()),
        unit: Some("s".to_owned()),
        source: "report",
        reported_at: DAY,
        ..VariableRow::default()
    };
    let measurands = VariableRow {
        variable: "TxUpdatedMeasurands".to_owned(),
        data_type: Some("MemberList".to_owned()),
        unit: None,
        ..interval("CP1", "Energy.Active.Import.Register")
    };
    let pages = match asked.tenant.as_str() {
        "default" => vec![
            vec![interval("CP1", "60"), measurands],
            vec![interval("CP2", "900")],
        ],
        _ => vec![vec![interval("CP9", "5")]],
    };
    let page = asked.after.as_deref().map_or(0, |n| n.parse().unwrap());
    let is_wanted = |row: &VariableRow| {
        let wanted = asked.station_id.as_ref();
        wanted.is_none_or(|wanted| *wanted == row.station_id)
    };
    Page {
        rows: pages[page]
            .iter()
            .filter(|row| is_wanted(row))
            .cloned()
            .collect(),
        next: (page + 1 < pages.len()).then(|| (page + 1).to_string()),
    }
}

/// A row of the tenant's, on the second page.
fn one<R>(asked: &Asked, row: R) -> Page<R> {
    let is_first = asked.after.is_none();
    let is_there = asked.tenant == "default" && !is_first;
    Page {
        rows: is_there.then_some(row).into_iter().collect(),
        next: is_first.then(|| "1".to_owned()),
    }
}

fn reservation() -> ReservationRow {
    ReservationRow {
        station_id: "CP1".to_owned(),
        reservation_id: 4_000_000_000,
        evse_id: Some(1),
        token_ref: "07".repeat(16),
        state: "active",
        expires_at: DAY + 12 * HOUR,
        requested_by: Some("ana".to_owned()),
        ..ReservationRow::default()
    }
}

fn charging_profile() -> ChargingProfileRow {
    ChargingProfileRow {
        station_id: "CP2".to_owned(),
        profile_id: -7,
        protocol: Some("ocpp1.6"),
        purpose: Some("TxDefaultProfile".to_owned()),
        stack_level: Some(3),
        valid_to: Some(DAY + HOUR),
        is_void: true,
        profile: "{}".to_owned(),
        ..ChargingProfileRow::default()
    }
}

async fn sample_lake(dir: &std::path::Path) -> (TestLog, Lake) {
    let mut log = TestLog::open(dir, 0);
    sample(&mut log);
    let lake = Lake::start(config(dir), vec![log.source()], stations()).unwrap();
    until(&lake.sql(), "SELECT count(*) FROM connection_events", "4").await;
    until(&lake.sql(), "SELECT count(*) FROM commands", "9").await;
    (log, lake)
}

#[tokio::test]
async fn the_questions_have_the_answers_that_the_document_shows() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, lake) = sample_lake(dir.path()).await;
    let document = std::fs::read_to_string(document_path()).unwrap();
    for place in ["in memory", "in files"] {
        let mut answered = String::new();
        let mut rest = document.as_str();
        let mut questions = 0;
        while let Some((before, after)) = rest.split_once("```sql\n") {
            let (query, after) = after.split_once("```\n").unwrap();
            let (between, after) = after.split_once("```text\n").unwrap();
            let (_, after) = after.split_once("```").unwrap();
            let answer = table(&lake.sql(), query).await;
            answered.push_str(&format!(
                "{before}```sql\n{query}```\n{between}```text\n{answer}\n```"
            ));
            rest = after;
            questions += 1;
        }
        answered.push_str(rest);
        assert_eq!(questions, 12);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(document_path(), &answered).unwrap();
        } else {
            assert!(
                answered == document,
                "docs/sql.md differs {place}; UPDATE_EXPECT=1 writes it anew:\n{answered}"
            );
        }
        lake.flush().await.unwrap();
    }
}

/// Rows of the markdown table below a heading: column and type.
fn documented(document: &str, table: &str) -> Vec<(String, String)> {
    let heading = format!("### `{table}`\n");
    let (_, section) = document
        .split_once(&heading)
        .unwrap_or_else(|| panic!("no section on {table}"));
    let section = section
        .split("\n### ")
        .next()
        .unwrap()
        .split("\n## ")
        .next()
        .unwrap();
    rows_of(section)
}

fn rows_of(section: &str) -> Vec<(String, String)> {
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let name = cells.next().unwrap().trim_matches('`').to_owned();
        (name, cells.next().unwrap().to_owned())
    })
    .collect()
}

fn columns_of(schema: &Schema) -> Vec<(String, String)> {
    let sql_type = |data_type: &DataType| match data_type {
        DataType::Utf8 | DataType::Utf8View => "TEXT".to_owned(),
        DataType::Int32 => "INTEGER".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Timestamp(..) => "TIMESTAMPTZ".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Decimal128(precision, scale) => format!("DECIMAL({precision},{scale})"),
        other => panic!("undocumented type {other}"),
    };
    schema
        .fields()
        .iter()
        .map(|field| (field.name().clone(), sql_type(field.data_type())))
        .collect()
}

#[tokio::test]
async fn the_document_names_every_column_of_every_table_with_its_type() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, lake) = sample_lake(dir.path()).await;
    let document = std::fs::read_to_string(document_path()).unwrap();
    let (_, common) = document
        .split_once("begins and ends with these columns")
        .unwrap();
    let common = rows_of(common.split("\n## ").next().unwrap());
    let (head, tail) = common.split_at(2);
    for table in pipeline::Table::ALL {
        let own = documented(&document, table.name());
        let expected = [head, &own, tail].concat();
        assert_eq!(columns_of(&table.schema()), expected, "{table}");
    }
    let others = [
        "stations",
        "connectors",
        "variables",
        "reservations",
        "charging_profiles",
        "der_controls",
        "der_alarms",
        "battery_swaps",
        "monitors",
        "display_messages",
        "transactions",
    ];
    for name in others {
        let query = format!("SELECT * FROM {name}");
        let rows = lake
            .sql()
            .execute(&admin(), &query, pipeline::Limits::default())
            .await;
        let schema = rows.unwrap().schema();
        assert_eq!(columns_of(&schema), documented(&document, name), "{name}");
    }
    let long = lake
        .sql()
        .execute(
            &admin(),
            "SELECT * FROM meter_values_long",
            pipeline::Limits::default(),
        )
        .await;
    for field in long.unwrap().schema().fields() {
        let section = document.split_once("### `meter_values_long`").unwrap().1;
        assert!(
            section.contains(&format!("`{}`", field.name())),
            "{}",
            field.name()
        );
    }
}

#[tokio::test]
async fn variables_are_those_of_the_tenant_and_come_page_by_page() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, lake) = sample_lake(dir.path()).await;
    let sql = lake.sql();
    let asked = [
        ("SELECT count(*) FROM variables", "3"),
        ("SELECT count(*) FROM variables WHERE tenant = 'other'", "0"),
        (
            "SELECT count(*) FROM variables WHERE station_id = 'CP1'",
            "2",
        ),
        (
            "SELECT max(value) FROM variables WHERE 'CP2' = station_id",
            "900",
        ),
        (
            "SELECT count(*) FROM variables WHERE station_id = 'CP1' AND station_id = 'CP2'",
            "0",
        ),
        (
            "SELECT count(*) FROM variables WHERE station_id IN ('CP1', 'CP2')",
            "3",
        ),
        (
            "SELECT station_id FROM variables WHERE value = '900'",
            "CP2",
        ),
    ];
    for (query, expected) in asked {
        assert_eq!(value(&sql, query).await, expected, "{query}");
    }
    let other = principal("other", Role::ReadOnly);
    let rows = batches(&sql, &other, "SELECT station_id FROM variables").await;
    let rows = arrow::util::pretty::pretty_format_batches(&rows.unwrap()).unwrap();
    assert!(
        rows.to_string().contains("CP9") && !rows.to_string().contains("CP1"),
        "{rows}"
    );
}

#[tokio::test]
async fn what_stations_keep_is_that_of_the_tenant() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, lake) = sample_lake(dir.path()).await;
    let sql = lake.sql();
    let reserved = "SELECT station_id || ' ' || reservation_id || ' ' || evse_id || ' ' || token_ref || ' ' || state || ' '
                    || requested_by || ' ' || extract(hour FROM expires_at) || ' ' || (connector_type IS NULL)
                    || (transaction_id IS NULL) FROM reservations WHERE tenant = 'default' AND station_id = 'CP1'";
    let reservation = "CP1 4000000000 1 07070707070707070707070707070707 active ana 12 truetrue";
    assert_eq!(value(&sql, reserved).await, reservation);
    let told = "SELECT station_id || ' ' || profile_id || ' ' || evse_id || ' ' || protocol || ' ' || purpose || ' ' || stack_level
                || ' ' || extract(hour FROM valid_to) || ' ' || (valid_from IS NULL) || ' ' || is_void || ' ' || profile
                FROM charging_profiles";
    let profile = "CP2 -7 0 ocpp1.6 TxDefaultProfile 3 1 true true {}";
    assert_eq!(value(&sql, told).await, profile);
    let control = "SELECT station_id || ' ' || control_id || ' ' || control_type || ' ' || is_default || ' ' || is_superseded || ' '
                   || priority || ' ' || duration_s || ' ' || extract(hour FROM known_since) || ' ' || settings || ' '
                   || (starts_at IS NULL) || (reported_at IS NULL) || (began_at IS NULL) || (ended_at IS NULL)
                   || (command_id IS NULL) FROM der_controls";
    assert_eq!(
        value(&sql, control).await,
        "CP2 c1 FreqDroop true false 2 0.5 1 {} truetruetruetruetrue"
    );
    let alarm = "SELECT station_id || ' ' || control_type || ' ' || fault || ' ' || extract(hour FROM raised_at) || ' '
                 || extract(hour FROM received_at) || ' ' || is_taken_over || ' ' || (extra_info IS NULL)
                 || (ended_at IS NULL) FROM der_alarms";
    assert_eq!(
        value(&sql, alarm).await,
        "CP2 VoltWatt OverVoltage 2 3 true truetrue"
    );
    let swap = "SELECT station_id || ' ' || request_id || ' ' || state || ' ' || token_ref || ' ' || extract(hour FROM began_at)
                || ' ' || extract(hour FROM changed_at) || ' ' || event || ' ' || evse_id || ' ' || serial_number || ' '
                || soc_percent || ' ' || soh_percent || ' ' || extract(hour FROM told_at) || ' ' || (produced_at IS NULL)
                || (vendor_info IS NULL) || (command_id IS NULL) FROM battery_swaps";
    assert_eq!(
        value(&sql, swap).await,
        "CP2 7 complete 07070707070707070707070707070707 1 2 out 3 B1 97.5 99.0 2 truetruetrue"
    );
    let monitor = "SELECT concat_ws('|', station_id, monitor_id, component, component_instance, evse_id, connector_id, variable,
                   variable_instance, type, value, severity, in_transaction, notification_type, stream_interval_s,
                   extract(hour FROM told_at)) FROM monitors";
    assert_eq!(
        value(&sql, monitor).await,
        "CP2|9|EVSE|a|1|2|Power|b|UpperThreshold|22000.5|3|true|CustomMonitor|60|1"
    );
    let message = "SELECT concat_ws('|', station_id, message_id, priority, state, extract(hour FROM starts_at), ends_at,
                   ocpp_transaction_id, format, language, content, length(message) > 100, extract(hour FROM told_at))
                   FROM display_messages";
    assert_eq!(
        value(&sql, message).await,
        "CP2|5|InFront|Idle|1|T1|UTF8|pt|Olá|true|2"
    );
    let other = principal("other", Role::ReadOnly);
    for table in [
        "reservations",
        "charging_profiles",
        "der_controls",
        "der_alarms",
        "battery_swaps",
        "monitors",
        "display_messages",
    ] {
        let rows = batches(&sql, &other, &format!("SELECT * FROM {table}")).await;
        let rows: usize = rows.unwrap().iter().map(|batch| batch.num_rows()).sum();
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test]
async fn the_long_view_holds_every_value_of_both_tables() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, lake) = sample_lake(dir.path()).await;
    let counts = "SELECT (SELECT count(*) FROM meter_values_long) - (SELECT count(energy_wh) + count(power_w) FROM meter_values) - (SELECT count(*) FROM meter_samples)";
    assert_eq!(value(&lake.sql(), counts).await, "0");
    let power = "SELECT count(*) FROM meter_values_long WHERE measurand = 'Power.Active.Import' AND phase IS NULL AND unit = 'W'";
    assert_eq!(value(&lake.sql(), power).await, "25");
}
