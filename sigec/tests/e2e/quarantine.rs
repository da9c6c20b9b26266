//! A message that was refused, and read again once somebody has written a profile for its station.

use serde_json::json;

use super::raw::{Incoming, Raw};
use super::server::Site;
use super::wait::eventually;

fn said(station: &mut Raw, frame: &str) -> String {
    station.text(frame);
    match station.next() {
        Incoming::Text(answer) => answer,
        other => panic!("{frame}: {other:?}"),
    }
}

#[test]
fn a_refused_message_is_read_again_after_its_profile_was_written() {
    let site = Site::new();
    let (file, profiles) = (site.path("sigec.toml"), site.path("quirks.toml"));
    let settings = format!("[quirks]\npolicy = \"profile\"\npath = {profiles:?}\n");
    std::fs::write(&file, settings).unwrap();
    std::fs::write(&profiles, "format = 1\n").unwrap();
    let server = site.start(&["--config", file.to_str().unwrap()]);
    let mut station = Raw::station(&server.ready.ocpp, "CP1", "ocpp1.6");
    let boot = r#"[2,"b","BootNotification",{"chargePointVendor":"ACME","chargePointModel":"One","firmwareVersion":"2.1"}]"#;
    assert!(said(&mut station, boot).contains("Accepted"));
    let at = "2026-11-22T10:00:00Z";
    let values = format!(
        r#"[2,"v","MeterValues",{{"connectorId":1,"meterValue":[{{"timestamp":"{at}","sampledValue":[{{"value":1234}}]}}]}}]"#
    );
    let refused = said(&mut station, &values);
    assert!(
        refused.starts_with(r#"[4,"v","TypeConstraintViolation","#),
        "{refused}"
    );

    let kept = eventually("the refused message", || {
        let answer = server.get("/api/v1/quarantine?device_id=CP1&outcome=refused");
        let found = answer.json()["items"][0]["id"].as_str().map(str::to_owned);
        found.ok_or(answer.body)
    });
    let again = format!("/api/v1/quarantine/{kept}/replay");
    let early = server.post(&again, &json!({}));
    assert_eq!(early.status, 409, "{}", early.body);

    let profile = "format = 1\n[[profile]]\nid = \"acme-2\"\nrevision = 1\nvendor = \"acme*\"\nfirmware = \"2.*\"\ncoerce = [\"type_coerced\"]\n";
    std::fs::write(&profiles, profile).unwrap();
    let reloaded = server.post("/api/v1/quirks/reload", &json!({}));
    assert_eq!(reloaded.status, 200, "{}", reloaded.body);
    for applied in [true, false] {
        let read = server.post(&again, &json!({}));
        assert_eq!(read.status, 200, "{}", read.body);
        assert_eq!(read.json()["applied"], json!(applied), "{}", read.body);
    }
    let rows = server.sql_until(
        "SELECT measured_at_raw, energy_wh, offline FROM meter_values WHERE station_id = 'CP1'",
        |rows| !rows.is_empty(),
    );
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["measured_at_raw"], json!(at));
    assert_eq!(rows[0]["offline"], json!(true));
    // The station hears nothing of it.
    let beat = said(&mut station, r#"[2,"h","Heartbeat",{}]"#);
    assert!(beat.starts_with(r#"[3,"h","#), "{beat}");
}
