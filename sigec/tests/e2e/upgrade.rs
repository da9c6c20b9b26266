//! A rolling upgrade under load: `SIGTERM`, and the next server on the same ports and data, as
//! `docs/operating/upgrade.md` describes it.

use serde_json::json;

use super::load::{Load, STATIONS};
use super::server::{Server, Site};

const UPGRADES: usize = 3;
const SEED: u64 = 31;

#[test]
fn a_rolling_upgrade_under_load_loses_nothing_and_every_station_comes_back() {
    let site = Site::new();
    let mut server = site.start(&[]);
    let load = Load::start(&site, &server, SEED);
    for upgrade in 0..UPGRADES {
        load.acknowledges(200, &format!("before upgrade {upgrade}"));
        all_have_come(&server, upgrade + 1);
        let (last, status) = server.stop("TERM");
        assert!(status.success(), "upgrade {upgrade}: {status}");
        server = site.restart(&last, &[]);
    }
    load.acknowledges(200, "after the last upgrade");
    all_have_come(&server, UPGRADES + 1);
    // Each was told to come again: no connection broke, and none was ended for another reason.
    let ends = server.sql(
        "SELECT reason, count(*) AS ends FROM connection_events WHERE kind = 'disconnected' GROUP BY reason",
    );
    let told = (UPGRADES * STATIONS).to_string();
    assert_eq!(ends, [json!({"reason": "server restarts", "ends": told})]);
    load.end_and_verify(&server);
}

/// Waits until every station has connected once to every one of so many servers, this the last of them.
fn all_have_come(server: &Server, servers: usize) {
    let expected = json!([{"stations": STATIONS.to_string(), "least": servers.to_string(), "most": servers.to_string()}]);
    server.sql_until(
        "SELECT count(*) AS stations, min(n) AS least, max(n) AS most FROM \
         (SELECT station_id, count(*) AS n FROM connection_events WHERE kind = 'connected' GROUP BY station_id) t",
        |rows| json!(rows) == expected,
    );
}
