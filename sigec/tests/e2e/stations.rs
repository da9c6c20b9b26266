//! Charging stations made with PyPI `ocpp` and npm `ocpp-rpc`: what they send, what an operator asks of them.
//!
//! Both libraries check every message, both ways, against the official schemas: one of ours that breaks them ends the
//! station, and with it the test.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::api::Answer;
use super::foreign::{Station, node, python};
use super::server::{Server, Site};
use super::wait::eventually;

/// The library that a station is made with.
#[derive(Clone, Copy)]
enum Library {
    PyOcpp,
    OcppRpc,
}

impl Library {
    /// A station that speaks `protocol`; `None` where the library is not installed.
    fn station(self, protocol: &str, url: &str, identity: &str) -> Option<Station> {
        match self {
            Library::PyOcpp if protocol == "ocpp1.6" => Some(Station::start(
                &python()?,
                "station_16.py",
                &[url, identity],
            )),
            Library::PyOcpp => {
                let args = [protocol, url, identity];
                Some(Station::start(&python()?, "station_2x.py", &args))
            }
            Library::OcppRpc => Some(Station::run(
                node()?,
                "station.js",
                &[protocol, url, identity],
            )),
        }
    }
}

/// One version of OCPP: how the same wishes are spelled in it.
struct Version {
    protocol: &'static str,
    get: (&'static str, Value, fn(&Value) -> &Value),
    set: (&'static str, Value),
    reset: (Value, &'static str),
    /// What `GetVariables` and `ChangeConfiguration` name is a message of the other version.
    foreign: (&'static str, Value),
}

fn version_16() -> Version {
    Version {
        protocol: "ocpp1.6",
        get: (
            "GetConfiguration",
            json!({"key": ["HeartbeatInterval"]}),
            |result| &result["configurationKey"][0]["value"],
        ),
        set: (
            "ChangeConfiguration",
            json!({"key": "HeartbeatInterval", "value": "77"}),
        ),
        reset: (json!({"type": "Soft"}), "Soft"),
        foreign: ("GetVariables", json!({"getVariableData": []})),
    }
}

/// 2.0.1 or 2.1, which spell all of these alike.
fn version_2x(protocol: &'static str) -> Version {
    let variable =
        json!({"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}});
    let mut wanted = variable.clone();
    wanted["attributeValue"] = json!("77");
    Version {
        protocol,
        get: (
            "GetVariables",
            json!({"getVariableData": [variable]}),
            |result| &result["getVariableResult"][0]["attributeValue"],
        ),
        set: ("SetVariables", json!({"setVariableData": [wanted]})),
        reset: (json!({"type": "OnIdle"}), "OnIdle"),
        foreign: ("ChangeConfiguration", json!({"key": "a", "value": "b"})),
    }
}

#[test]
fn a_1_6_station_charges_and_obeys() {
    check(Library::PyOcpp, &version_16());
}

#[test]
fn a_2_0_1_station_charges_and_obeys() {
    check(Library::PyOcpp, &version_2x("ocpp2.0.1"));
}

#[test]
fn a_2_1_station_charges_and_obeys() {
    check(Library::PyOcpp, &version_2x("ocpp2.1"));
}

#[test]
fn a_strict_1_6_station_charges_and_obeys() {
    check(Library::OcppRpc, &version_16());
}

#[test]
fn a_strict_2_0_1_station_charges_and_obeys() {
    check(Library::OcppRpc, &version_2x("ocpp2.0.1"));
}

#[test]
fn a_strict_2_1_station_charges_and_obeys() {
    check(Library::OcppRpc, &version_2x("ocpp2.1"));
}

fn check(library: Library, version: &Version) {
    let site = Site::new();
    let server = site.start(&[]);
    let Some(station) = library.station(version.protocol, &server.ocpp_url(), "CS-1") else {
        return;
    };

    // By itself: boot, status, one charge of 750 Wh.
    assert_eq!(station.until("booted")["status"], "Accepted");
    let started = station.until("started");
    assert_eq!(
        (&started["authorized"], &started["status"]),
        (&json!("Accepted"), &json!("Accepted"))
    );
    let stopped = station.until("stopped");
    station.until("idle");

    let device = server.get("/api/v1/devices/CS-1").json();
    assert_eq!(device["protocol"], version.protocol);
    assert_eq!(device["vendor"], "Foreign");
    assert_eq!(device["is_online"], true);

    the_charge_is_rows(&server, &stopped);
    the_operator_starts_and_stops(&server, &station, version);
    the_operator_configures_and_resets(&server, version);

    station.leave();
    let offline = server.post(
        "/api/v1/devices/CS-1/commands",
        &json!({"action": "Reset", "payload": version.reset.0}),
    );
    assert!([202, 409].contains(&offline.status), "{offline:?}");
    server.sql_until(
        "SELECT kind FROM connection_events WHERE station_id = 'CS-1' ORDER BY log_id, seq",
        |rows| rows.last().is_some_and(|row| row["kind"] == "disconnected"),
    );
}

/// The charge that the station did by itself, as an analyst sees it.
fn the_charge_is_rows(server: &Server, stopped: &Value) {
    let id = match &stopped["transaction_id"] {
        Value::String(id) => id.clone(),
        id => id.to_string(),
    };
    let transactions = server.sql_until(
        "SELECT ocpp_transaction_id, state, energy_wh, quality FROM transactions WHERE station_id = 'CS-1'",
        |rows| rows.iter().any(|row| row["state"] == "ended"),
    );
    assert_eq!(
        transactions,
        [
            json!({"ocpp_transaction_id": id, "state": "ended", "energy_wh": "750.000", "quality": "ok"})
        ]
    );
    let readings = server.sql(&format!(
        "SELECT DISTINCT energy_wh FROM meter_values WHERE ocpp_transaction_id = '{id}' ORDER BY energy_wh"
    ));
    let first: i64 = stopped["meter_stop"].as_i64().unwrap() - 750;
    let expected: Vec<_> = (0..4)
        .map(|step| json!({"energy_wh": format!("{}.000", first + 250 * step)}))
        .collect();
    assert_eq!(readings, expected);
}

fn the_operator_starts_and_stops(server: &Server, station: &Station, version: &Version) {
    let start = json!({"device_id": "CS-1", "connector_id": 1, "rfid_tag": "TAG-REMOTE"});
    let answer = server.post("/api/v1/transactions/start", &start);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(station.until("called")["action"], start_action(version));
    station.until("started");

    let active = server.get("/api/v1/transactions/active").json();
    assert_eq!(active["items"][0]["id"], json!(id), "{active}");

    let again = server.post("/api/v1/transactions/start", &start);
    assert_eq!(again.status, 409, "the station says no: {}", again.body);
    station.until("called");

    let stopped = server.post(&format!("/api/v1/transactions/{id}/stop"), &json!({}));
    assert_eq!(stopped.status, 200, "{}", stopped.body);
    let bill = stopped.json();
    assert_eq!(bill["total_energy"], json!(0.9), "{bill}");
    assert_eq!(
        (&bill["cost"], &bill["currency"]),
        (&json!("0.68"), &json!("BRL")),
        "{bill}"
    );
    station.until("stopped");
}

fn start_action(version: &Version) -> &'static str {
    match version.protocol {
        "ocpp1.6" => "RemoteStartTransaction",
        _ => "RequestStartTransaction",
    }
}

fn the_operator_configures_and_resets(server: &Server, version: &Version) {
    let command = |action: &str, payload: &Value| command(server, action, payload);
    let (get, asked, value) = &version.get;
    let value_of = || {
        let answer = command(get, asked);
        assert_eq!(answer.status, 200, "{}", answer.body);
        value(&answer.json()["result"]).clone()
    };
    assert_eq!(value_of(), "300");
    let set = command(version.set.0, &version.set.1);
    assert_eq!(
        (set.status, &set.json()["state"]),
        (200, &json!("answered")),
        "{}",
        set.body
    );
    assert_eq!(value_of(), "77");

    let reset = command("Reset", &version.reset.0).json();
    assert_eq!(reset["result"]["status"], "Accepted", "{reset}");
    let by_id = server
        .get(&format!(
            "/api/v1/commands/{}",
            reset["id"].as_str().unwrap()
        ))
        .json();
    assert_eq!(by_id, reset);

    // What the station does not support: its CALLERROR is an answer too.
    let unknown = command("ClearCache", &json!({})).json();
    assert_eq!(unknown["state"], "answered", "{unknown}");
    assert!(unknown["error"]["code"].is_string(), "{unknown}");

    let foreign = command(version.foreign.0, &version.foreign.1);
    assert_eq!(
        foreign.status, 422,
        "an action of another version: {}",
        foreign.body
    );
}

/// Has the station do something, and waits for what it says.
fn command(server: &Server, action: &str, payload: &Value) -> Answer {
    server.request(
        "POST",
        "/api/v1/devices/CS-1/commands",
        super::server::TOKEN,
        &[("Content-Type", "application/json"), ("Prefer", "wait=30")],
        &json!({"action": action, "payload": payload}).to_string(),
    )
}

#[test]
fn every_action_of_1_6_follows_its_schema_both_ways() {
    check_every_action(
        "ocpp1.6",
        expect![[r#"
            BootNotification
            Authorize
            DataTransfer
            DiagnosticsStatusNotification
            FirmwareStatusNotification
            Heartbeat
            LogStatusNotification
            MeterValues
            SecurityEventNotification
            SignCertificate
            SignedFirmwareStatusNotification
            StartTransaction
            StatusNotification
            StopTransaction
        "#]],
        25,
        &[],
    );
}

#[test]
fn every_action_of_2_0_1_follows_its_schema_both_ways() {
    check_every_action(
        "ocpp2.0.1",
        expect![[r#"
            BootNotification
            Authorize
            ClearedChargingLimit
            DataTransfer
            FirmwareStatusNotification
            Get15118EVCertificate
            GetCertificateStatus
            Heartbeat
            LogStatusNotification
            MeterValues
            NotifyChargingLimit
            NotifyCustomerInformation
            NotifyDisplayMessages
            NotifyEVChargingNeeds
            NotifyEVChargingSchedule
            NotifyEvent
            NotifyMonitoringReport
            NotifyReport
            PublishFirmwareStatusNotification
            ReportChargingProfiles
            ReservationStatusUpdate
            SecurityEventNotification
            SignCertificate
            StatusNotification
            TransactionEvent
        "#]],
        39,
        &[],
    );
}

#[test]
fn every_action_of_2_1_follows_its_schema_both_ways() {
    check_every_action(
        "ocpp2.1",
        expect![[r#"
            BootNotification
            Authorize
            BatterySwap
            ClearedChargingLimit
            ClosePeriodicEventStream
            DataTransfer
            FirmwareStatusNotification
            Get15118EVCertificate
            GetCertificateChainStatus
            GetCertificateStatus
            Heartbeat
            LogStatusNotification
            MeterValues
            NotifyChargingLimit
            NotifyCustomerInformation
            NotifyDERAlarm
            NotifyDERStartStop
            NotifyDisplayMessages
            NotifyEVChargingNeeds
            NotifyEVChargingSchedule
            NotifyEvent
            NotifyMonitoringReport
            NotifyPriorityCharging
            NotifyReport
            NotifySettlement
            OpenPeriodicEventStream
            PublishFirmwareStatusNotification
            PullDynamicScheduleUpdate
            ReportChargingProfiles
            ReportDERControl
            ReservationStatusUpdate
            SecurityEventNotification
            SignCertificate
            StatusNotification
            TransactionEvent
            VatNumberValidation
        "#]],
        54,
        &[],
    );
}

/// The actions of a version that a station says, each with the first table that it fills (`docs/ocpp-coverage.md`).
fn tables(protocol: &str) -> Vec<(&'static str, &'static str)> {
    const PAGE: &str = include_str!("../../../docs/ocpp-coverage.md");
    let heading = format!("### OCPP {}: ", protocol.trim_start_matches("ocpp"));
    let (_, section) = PAGE.split_once(&heading).unwrap();
    let rows = section.lines().take_while(|line| !line.starts_with('#'));
    let told = rows.filter_map(|row| {
        let mut cells = row.split(" | ");
        let action = cells.next()?.strip_prefix("| ")?;
        cells
            .next()
            .filter(|direction| direction.starts_with("to us"))?;
        let table = cells.nth(1)?.strip_prefix('`')?;
        Some((action, table.split_once('`')?.0))
    });
    told.collect()
}

/// Waits until all that was said stands in its table; `but` are those that fill theirs only in answer to something.
fn are_in_their_tables(server: &Server, protocol: &str, said: &str, but: &[&str]) {
    let by_action = ["notifications", "progress_events", "charging_events"];
    let all = tables(protocol);
    let said: Vec<_> = all
        .iter()
        .filter(|(action, _)| said.lines().any(|said| said == *action))
        .collect();
    assert!(10 < said.len(), "{said:?}");
    eventually("what was said is in its tables", || {
        let is_missing = |(action, table): &&&(&str, &str)| {
            let of = match by_action.contains(table) {
                true => format!(" AND action = '{action}'"),
                false => String::new(),
            };
            let query = format!("SELECT count(*) AS n FROM {table} WHERE station_id = 'CS-1'{of}");
            server.sql(&query)[0]["n"] == json!(0)
        };
        let missing: Vec<_> = said
            .iter()
            .filter(is_missing)
            .map(|(action, _)| *action)
            .collect();
        match missing == but {
            true => Ok(()),
            false => Err(format!("{missing:?}, not {but:?}")),
        }
    });
}

/// A strict station says every action, with the least and with the most that its schema allows; those that only a
/// server may say are then asked of it. `answered` are those that a station may say, `commands` how many others there
/// are.
fn check_every_action(protocol: &str, answered: Expect, commands: usize, but: &[&str]) {
    let Some(node) = node() else { return };
    let site = Site::new();
    let server = site.start(&[]);
    let args = [protocol, &server.ocpp_url(), "CS-1"];
    let station = Station::run(node, "every_action.js", &args);
    let (mut said, mut refused, mut asked) = (String::new(), 0, Vec::new());
    loop {
        let step = station.next();
        match step["event"].as_str() {
            Some("said") if step["answers"] == json!(["answered", "answered"]) => {
                said += &format!("{}\n", step["action"].as_str().unwrap());
            }
            Some("said") => {
                assert_eq!(
                    step["answers"],
                    json!(["NotSupported", "NotSupported"]),
                    "{step}"
                );
                refused += 1;
            }
            Some("ask") => asked.push(step),
            _ => break,
        }
    }
    answered.assert_eq(&said);
    assert_eq!(refused, commands);
    are_in_their_tables(&server, protocol, &said, but);

    let mut wrong = Vec::new();
    for ask in &asked {
        let answer = command(&server, ask["action"].as_str().unwrap(), &ask["payload"]);
        if answer.status != 200 || !answer.json()["result"].is_object() {
            wrong.push(format!("{ask}\n{}", answer.body));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        asked.len(),
        wrong.join("\n\n")
    );
    station.leave();
}

/// Fragments, pings, lengths, escapes, ids and reconnects as no library makes them, and as the standards allow them.
#[test]
fn a_station_that_is_odd_and_right_is_served() {
    let Some(python) = python() else { return };
    let site = Site::new();
    let server = site.start(&[]);
    for protocol in ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"] {
        let identity = format!("odd {protocol} \u{e7}");
        let args = [protocol, &server.ready.ocpp, &identity];
        let station = Station::start(&python, "odd_station.py", &args);
        station.until("done");
        station.leave();
    }
}

#[test]
fn a_station_with_a_password_must_give_it() {
    let Some(python) = python() else { return };
    let site = Site::new();
    let server = site.start(&[]);
    let created = server.post("/api/v1/devices", &json!({"id": "CS-9"}));
    assert_eq!(created.status, 201, "{}", created.body);
    let password = created.json()["password"]
        .as_str()
        .expect("shown once")
        .to_owned();

    let station = Station::start(
        &python,
        "station_16.py",
        &[&server.ocpp_url(), "CS-9", &password],
    );
    assert_eq!(station.until("booted")["status"], "Accepted");
    station.until("idle");

    for arguments in [vec!["CS-9"], vec!["CS-9", "a-wrong-password-of-length"]] {
        let url = server.ocpp_url();
        let output = std::process::Command::new(&python)
            .arg(super::foreign::script("station_16.py"))
            .arg(&url)
            .args(&arguments)
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && error.contains("401"),
            "{arguments:?}: {error}"
        );
    }
    // The refused ones have not displaced the one that knows it.
    assert_eq!(server.get("/api/v1/devices/CS-9").json()["is_online"], true);
    station.leave();
}
