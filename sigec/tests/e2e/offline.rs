//! `sigec sql` over the data of a server that is down.

use super::raw::{Incoming, Raw};
use super::server::{Server, Site, sigec};

/// Says it, and waits for the answer.
fn call(station: &mut Raw, id: &str, action: &str, payload: &str) {
    station.text(&format!(r#"[2,"{id}","{action}",{payload}]"#));
    let answer = format!(r#"[3,"{id}","#);
    loop {
        match station.next() {
            Incoming::Text(text) if text.starts_with(&answer) => return,
            // Whatever the server wants to know meanwhile.
            Incoming::Text(text) if text.starts_with("[2,") => {}
            other => panic!("{action} is answered with {other:?}"),
        }
    }
}

fn ask(data_dir: &str, query: &str) -> String {
    let output = sigec()
        .args(["sql", "--data-dir", data_dir, "--format", "csv", query])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

const STATIONS: &str =
    "SELECT station_id, vendor, protocol, online FROM stations ORDER BY station_id";
const CONNECTORS: &str = "SELECT station_id, evse_id, connector_id, status FROM connectors";
const VARIABLES: &str = "SELECT station_id, component, variable, attribute, value, mutability, data_type, unit FROM variables ORDER BY variable, attribute";

#[test]
fn the_present_is_read_where_a_killed_server_left_it() {
    let site = Site::new();
    let server: Server = site.start(&["--shards", "2"]);
    let mut old = Raw::station(&server.ready.ocpp, "CP-16", "ocpp1.6");
    let boot = r#"{"chargePointVendor":"Old","chargePointModel":"M"}"#;
    call(&mut old, "1", "BootNotification", boot);
    let status = r#"{"connectorId":2,"errorCode":"NoError","status":"Charging"}"#;
    call(&mut old, "2", "StatusNotification", status);
    let mut new = Raw::station(&server.ready.ocpp, "CP-201", "ocpp2.0.1");
    let boot = r#"{"reason":"PowerUp","chargingStation":{"vendorName":"New","model":"M"}}"#;
    call(&mut new, "1", "BootNotification", boot);
    let report = r#"{"requestId":1,"generatedAt":"2026-11-22T10:00:00Z","seqNo":0,"reportData":[
        {"component":{"name":"SampledDataCtrlr"},"variable":{"name":"TxUpdatedInterval"},
         "variableAttribute":[{"value":"60","mutability":"ReadWrite"},{"type":"MaxSet","value":"900","mutability":"ReadOnly"}],
         "variableCharacteristics":{"unit":"s","dataType":"integer","supportsMonitoring":false}}]}"#;
    call(&mut new, "2", "NotifyReport", report);
    // While it runs, as its own clients see it.
    let live = server.sql_until(VARIABLES, |rows| rows.len() == 2);
    assert_eq!(live[0]["value"], "60");
    let data_dir = server.ready.data_dir.to_str().unwrap().to_owned();
    server.kill();

    assert_eq!(
        ask(&data_dir, STATIONS),
        "station_id,vendor,protocol,online\nCP-16,Old,ocpp1.6,false\nCP-201,New,ocpp2.0.1,false\n"
    );
    assert_eq!(
        ask(&data_dir, CONNECTORS),
        "station_id,evse_id,connector_id,status\nCP-16,2,1,Occupied\n"
    );
    assert_eq!(
        ask(&data_dir, VARIABLES),
        "station_id,component,variable,attribute,value,mutability,data_type,unit\n\
         CP-201,SampledDataCtrlr,TxUpdatedInterval,Actual,60,ReadWrite,integer,s\n\
         CP-201,SampledDataCtrlr,TxUpdatedInterval,MaxSet,900,ReadOnly,integer,s\n"
    );
    // Joined with facts, and asked twice: nothing was changed.
    let joined = "SELECT count(*) AS n FROM stations s JOIN connection_events e USING (station_id) WHERE e.kind = 'connected'";
    assert_eq!(ask(&data_dir, joined), ask(&data_dir, joined));
}
