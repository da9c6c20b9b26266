//! The Postgres wire as psql and psycopg speak it, and `sigec sql`.

use std::process::{Command, Output};

use super::foreign::{has, python, script};
use super::server::{Server, Site, TOKEN, loadgen, sigec};

/// A server that a small fleet has charged at.
fn server_with_rows(site: &Site) -> Server {
    let server = site.start(&[]);
    let fleet = loadgen()
        .args([
            "fleet",
            "--url",
            &server.ocpp_url(),
            "--stations",
            "4",
            "--scenario",
            "once",
        ])
        .args([
            "--interval",
            "60s",
            "--speed",
            "600",
            "--duration",
            "4s",
            "--seed",
            "3",
        ])
        .output()
        .unwrap();
    assert!(fleet.status.success(), "{}", text(&fleet.stderr));
    server.sql_until("SELECT count(*) AS n FROM meter_values", |rows| {
        rows[0]["n"] != "0"
    });
    server
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn psql(server: &Server, password: &str, args: &[&str]) -> Output {
    let (host, port) = server.ready.postgres.rsplit_once(':').unwrap();
    Command::new("psql")
        .args(["-X", "-h", host, "-p", port, "-U", "admin", "-d", "sigec"])
        .args(args)
        .env("PGPASSWORD", password)
        .output()
        .unwrap()
}

#[test]
fn psql_queries_lists_and_is_refused_what_would_write() {
    if !has("psql") {
        return;
    }
    let site = Site::new();
    let server = server_with_rows(&site);
    let ask = |query: &str| {
        let output = psql(&server, TOKEN, &["-At", "-c", query]);
        assert!(output.status.success(), "{query}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let readings = server.sql("SELECT count(*) AS n, max(energy_wh) AS top FROM meter_values");
    let (n, top) = (
        readings[0]["n"].as_str().unwrap(),
        readings[0]["top"].as_str().unwrap(),
    );
    assert_eq!(
        ask("SELECT count(*), max(energy_wh) FROM meter_values"),
        format!("{n}|{top}\n")
    );
    assert!(ask("\\dt").contains("meter_values"));
    assert!(ask("\\d meter_values").contains("energy_wh|numeric(18,3)"));
    for (command, part) in [
        ("\\d", "meter_values"),
        ("\\d transactions", "cost|numeric(18,2)"),
        ("\\d+ meter_values", "energy_wh|numeric(18,3)"),
        ("\\dt+", "meter_values"),
        ("\\dv", "transactions"),
        ("\\df", ""),
        ("\\du", ""),
        ("\\dp", "meter_values"),
        ("\\dn", "sigec"),
        ("\\l", "sigec"),
    ] {
        assert!(ask(command).contains(part), "{command}: {}", ask(command));
    }
    let copied =
        ask("\\copy (SELECT count(*), max(energy_wh) FROM meter_values) TO STDOUT CSV HEADER");
    assert_eq!(copied, format!("count,max\n{n},{top}\n"));
    assert!(ask("SELECT version()").contains("PostgreSQL"));

    for refused in [
        "DROP TABLE meter_values",
        "DELETE FROM meter_values",
        "CREATE TABLE t (a int)",
        "COPY meter_values TO '/tmp/sigec-copy'",
        "SELECT * INTO t FROM meter_values",
    ] {
        let output = psql(&server, TOKEN, &["-c", refused]);
        assert!(!output.status.success(), "{refused} was taken");
    }
    assert_eq!(ask("SELECT count(*) FROM meter_values"), format!("{n}\n"));

    let stranger = psql(&server, "wrong", &["-c", "SELECT 1"]);
    assert!(!stranger.status.success());
    assert!(
        text(&stranger.stderr).contains("authentication failed"),
        "{}",
        text(&stranger.stderr)
    );
}

#[test]
fn psycopg_prepares_binds_and_reads_exact_types() {
    let Some(python) = python() else { return };
    let site = Site::new();
    let server = server_with_rows(&site);
    let (host, port) = server.ready.postgres.rsplit_once(':').unwrap();
    let output = Command::new(python)
        .arg(script("postgres_client.py"))
        .args([host, port, "admin"])
        .env("PGPASSWORD", TOKEN)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

#[test]
fn sigec_sql_gives_the_same_rows_with_and_without_a_server() {
    let site = Site::new();
    let server = server_with_rows(&site);
    let data = server.ready.data_dir.clone();
    let ask = || {
        let query = "SELECT station_id, count(*) AS n, max(energy_wh) AS top FROM meter_values \
                     GROUP BY station_id ORDER BY station_id";
        let output = sigec()
            .args([
                "sql",
                "--format",
                "csv",
                "--data-dir",
                data.to_str().unwrap(),
                query,
            ])
            .env("SIGEC_TOKEN", TOKEN)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let with = ask();
    assert_eq!(with.lines().next(), Some("station_id,n,top"));
    assert_eq!(with.lines().count(), 5, "{with}");
    // No flush, no warning: what lies only in the log is found there.
    server.kill();
    assert_eq!(ask(), with);
}
