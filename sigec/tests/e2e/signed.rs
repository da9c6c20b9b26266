//! What a meter has signed, from its station's socket through the log and the lake to whoever checks it.

use std::path::Path;

use fleet::wire;
use serde_json::{Value, json};
use storage::log::{open_read_only, shard_dir};

use super::raw::{Incoming, Raw};
use super::server::{Server, Site, TOKEN, output, sigec};

/// What one byte less or more would spoil: quotes, a backslash, two letters beyond ASCII, an end of line.
const OCMF: &str = "OCMF|{\"FV\":\"1.0\",\"GI\":\"Medição \\\\ 7\",\"PG\":\"T12\",\"RD\":[{\"TM\":\"2026-11-22T10:00:00,000+0000 S\",\"TX\":\"B\",\"RV\":0.20,\"RU\":\"kWh\"}]}|{\"SA\":\"ECDSA-secp256r1-SHA256\",\"SD\":\"304502\"}\r\n";
/// The key that came with the value, and the one that the station names elsewhere.
const KEY: &str = "oca:base16:asn1:3059301306072A8648CE3D020106082A8648CE3D030107034200";
const KEY_OF_STATION: &str = "3059301306072A86";

/// How the signed values of one version come, and what they look like in the tables.
struct Version {
    protocol: &'static str,
    /// Said in turn, with `$NOW`; the last one ends the charge.
    said: Vec<(&'static str, Value)>,
    /// What `meter_samples.signed_value` holds, in the order of measurement.
    written: Vec<String>,
    /// Data and key of each, as `/signed-values` shows them.
    shown: Vec<(String, Option<&'static str>)>,
}

fn version_16() -> Version {
    let value = |n: u32| format!("{n}{OCMF}");
    let signed = |n: u32, context: &str| {
        json!([{"timestamp": "$NOW", "sampledValue": [
            {"value": value(n), "format": "SignedData", "context": context}]}])
    };
    let key = json!({"readonly": true, "key": "MeterPublicKey1", "value": KEY_OF_STATION});
    let said = vec![
        (
            "BootNotification",
            json!({"chargePointVendor": "V", "chargePointModel": "M"}),
        ),
        ("GetConfiguration", json!({ "configurationKey": [key] })),
        (
            "StartTransaction",
            json!({"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": "$NOW"}),
        ),
        (
            "MeterValues",
            json!({"connectorId": 1, "transactionId": "$TX", "meterValue": signed(1, "Transaction.Begin")}),
        ),
        (
            "StopTransaction",
            json!({"transactionId": "$TX", "meterStop": 200, "timestamp": "$NOW",
                "transactionData": signed(2, "Transaction.End")}),
        ),
    ];
    Version {
        protocol: "ocpp1.6",
        said,
        written: vec![value(1), value(2)],
        shown: vec![(value(1), None), (value(2), None)],
    }
}

fn version_2x(protocol: &'static str) -> Version {
    let value = |n: u32| format!("{n}{OCMF}");
    let signed = |n: u32, key: &str| {
        let mut signed = json!({
            "signedMeterData": value(n), "signingMethod": "ECDSA-secp256r1-SHA256", "encodingMethod": "OCMF"
        });
        // 2.0.1 wants a key, if an empty one; 2.1 leaves out what it does not say.
        if !key.is_empty() || protocol == "ocpp2.0.1" {
            signed["publicKey"] = key.into();
        }
        signed
    };
    let event = |kind: &str, seq_no: u32, context: &str, signed: &[Value]| {
        let values: Vec<_> = (signed.iter())
            .map(|signed| json!({"value": 0.2, "context": context, "unitOfMeasure": {"unit": "kWh"}, "signedMeterValue": signed}))
            .collect();
        json!({
            "eventType": kind, "timestamp": "$NOW", "triggerReason": "SignedDataReceived", "seqNo": seq_no,
            "transactionInfo": {"transactionId": "T1"}, "evse": {"id": 1, "connectorId": 1},
            "meterValue": [{"timestamp": "$NOW", "sampledValue": values}],
        })
    };
    let boot = json!({"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}});
    let report = json!({"requestId": 1, "generatedAt": "$NOW", "seqNo": 0, "reportData": [{
        "component": {"name": "FiscalMetering", "evse": {"id": 1}}, "variable": {"name": "PublicKey"},
        "variableAttribute": [{"value": KEY_OF_STATION, "mutability": "ReadOnly"}],
        "variableCharacteristics": {"dataType": "string", "supportsMonitoring": false}}]});
    let said = vec![
        ("BootNotification", boot),
        ("NotifyReport", report),
        (
            "TransactionEvent",
            event("Started", 0, "Transaction.Begin", &[signed(1, KEY)]),
        ),
        // Two in one row: a page can end between them.
        (
            "TransactionEvent",
            event(
                "Updated",
                1,
                "Sample.Periodic",
                &[signed(2, ""), signed(3, "")],
            ),
        ),
        (
            "TransactionEvent",
            event("Ended", 2, "Transaction.End", &[signed(4, "")]),
        ),
    ];
    let written = |n: u32, key: &str| {
        let data = Value::from(value(n));
        format!(
            "{{\"signedMeterData\":{data},\"signingMethod\":\"ECDSA-secp256r1-SHA256\",\"encodingMethod\":\"OCMF\",\"publicKey\":\"{key}\"}}"
        )
    };
    Version {
        protocol,
        said,
        written: vec![
            written(1, KEY),
            written(2, ""),
            written(3, ""),
            written(4, ""),
        ],
        shown: vec![
            // The key came once, and is that of the transaction whatever the station names elsewhere.
            (value(1), Some(KEY)),
            (value(2), Some(KEY)),
            (value(3), Some(KEY)),
            (value(4), Some(KEY)),
        ],
    }
}

#[test]
fn what_a_1_6_meter_signed_is_found_to_the_byte() {
    check(&version_16());
}

#[test]
fn what_a_2_0_1_meter_signed_is_found_to_the_byte() {
    check(&version_2x("ocpp2.0.1"));
}

#[test]
fn what_a_2_1_meter_signed_is_found_to_the_byte() {
    check(&version_2x("ocpp2.1"));
}

fn check(version: &Version) {
    let site = Site::new();
    let server = site.start(&["--shards", "1"]);
    say(&server, version);
    let counted = "SELECT count(*) AS n FROM meter_samples WHERE signed_value IS NOT NULL";
    let n = version.written.len().to_string();
    server.sql_until(counted, |rows| rows[0]["n"] == *n);
    let flush = sigec()
        .args(["lake", "flush", "--data-dir"])
        .arg(&server.ready.data_dir)
        .env("SIGEC_TOKEN", TOKEN)
        .output()
        .unwrap();
    assert!(flush.status.success(), "{flush:?}");
    is_shown(&server, version);

    let (ready, _) = server.stop("TERM");
    assert_eq!(in_log(&ready.data_dir), version.written, "the log");
    // With the log away the answer can only come out of files.
    std::fs::rename(ready.data_dir.join("log"), site.path("log-of-before")).unwrap();
    assert_eq!(in_lake(&ready.data_dir), version.written, "the lake");
}

/// The station says what it has to; a command is answered where one of its actions comes.
fn say(server: &Server, version: &Version) {
    let mut station = Raw::station(&server.ready.ocpp, "CP1", version.protocol);
    let mut transaction = Value::Null;
    for (n, (action, payload)) in version.said.iter().enumerate() {
        let now = time::OffsetDateTime::now_utc();
        let now = now
            .format(&time::format_description::well_known::Rfc3339)
            .unwrap();
        let payload = payload
            .to_string()
            .replace("$NOW", &now)
            .replace("\"$TX\"", &transaction["transactionId"].to_string());
        if *action == "GetConfiguration" {
            let command = json!({"action": action, "payload": {}});
            let asked = server.post("/api/v1/devices/CP1/commands", &command);
            assert_eq!(asked.status, 202, "{}", asked.body);
            let call = received(&mut station, "[2,");
            let id = &call[1];
            station.text(&format!("[3,{id},{payload}]"));
            continue;
        }
        station.text(&format!(r#"[2,"{n}","{action}",{payload}]"#));
        let answer = received(&mut station, &format!(r#"[3,"{n}","#));
        if *action == "StartTransaction" {
            transaction = answer[2].clone();
        }
    }
}

fn received(station: &mut Raw, begin: &str) -> Value {
    loop {
        match station.next() {
            Incoming::Text(text) if text.starts_with(begin) => {
                return serde_json::from_str(&text).unwrap();
            }
            // Whatever else the server wants to know meanwhile.
            Incoming::Text(text) if text.starts_with("[2,") => {}
            other => panic!("{begin}… was awaited, not {other:?}"),
        }
    }
}

/// Page by page, one value each.
fn is_shown(server: &Server, version: &Version) {
    let id = &server.sql("SELECT transaction_id FROM transactions")[0]["transaction_id"];
    let path = format!(
        "/api/v1/transactions/{}/signed-values?limit=1",
        id.as_str().unwrap()
    );
    let mut shown = Vec::new();
    let mut next = path.clone();
    for _ in 0..version.shown.len() {
        let page = server.get(&next).json();
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{page}");
        shown.extend(items.iter().cloned());
        let key = &page["public_keys"][0];
        assert_eq!(key["value"], KEY_OF_STATION, "{page}");
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}&cursor={cursor}"),
            None => next.clear(),
        }
    }
    assert_eq!(next, "", "the last page has no next one");
    let of = |value: &Value| {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        (text("signed_data").unwrap(), text("public_key"))
    };
    let expected = version.shown.iter().cloned();
    let expected: Vec<_> = expected
        .map(|(data, key)| (data, key.map(str::to_owned)))
        .collect();
    assert_eq!(shown.iter().map(of).collect::<Vec<_>>(), expected);
}

fn in_log(data_dir: &Path) -> Vec<String> {
    let (mut log, _) = open_read_only(&shard_dir(data_dir, 0)).unwrap();
    let mut found = Vec::new();
    while let Some((_, record)) = log.next().unwrap() {
        if let wire::Fact::MeterValues(values) = wire::read(record).unwrap().body.to_fact().unwrap()
        {
            let text = |range: fleet::record::TextRange| {
                let start = range.start as usize;
                values.text[start..start + range.len as usize].to_owned()
            };
            let signed = values.samples.iter().map(|sample| sample.signed_value);
            found.extend(signed.filter(|range| range.len > 0).map(text));
        }
    }
    found
}

fn in_lake(data_dir: &Path) -> Vec<String> {
    const SIGNED: &str = "SELECT signed_value FROM meter_samples WHERE signed_value IS NOT NULL ORDER BY measured_at, seq, ordinal, signed_value";
    let mut command = sigec();
    command.args(["sql", "--format", "json", "--data-dir"]);
    let answer = output(command.arg(data_dir).arg(SIGNED));
    assert!(answer.status.success(), "{answer:?}");
    let rows: Value = serde_json::from_slice(&answer.stdout).unwrap();
    let rows = rows.as_array().unwrap().iter();
    let text = |row: &Value| row["signed_value"].as_str().unwrap().to_owned();
    rows.map(text).collect()
}
