//! From start to stop: what is printed, who may in, how it ends.

use serde_json::json;

use super::raw::{CLOSE, Incoming, Raw};
use super::server::{FREE_PORTS, Site, TOKEN, output, sigec};
use super::wait::eventually;

#[test]
fn a_ready_server_says_where_it_listens_and_answers_there() {
    let site = Site::new();
    let server = site.start(&[]);
    let ready = &server.ready;

    let printed = server.printed.join("\n");
    for listener in [&ready.ocpp, &ready.http, &ready.postgres] {
        assert!(!listener.ends_with(":0"), "{ready:?}");
        assert!(
            printed.contains(listener.as_str()),
            "{listener} is not in {printed}"
        );
    }
    assert!(ready.data_dir.is_absolute() && ready.data_dir.join("FORMAT").exists());
    assert!(
        printed.contains(ready.data_dir.to_str().unwrap()),
        "{printed}"
    );

    let live = server.get("/health/live");
    assert_eq!((live.status, live.body.as_str()), (200, "OK"));
    let up = server.get("/health/ready");
    assert_eq!((up.status, up.body.as_str()), (200, "Ready"));
    assert_eq!(server.sql("SELECT 1 AS one"), [json!({"one": "1"})]);
}

#[test]
fn the_first_start_prints_a_token_and_no_later_one_does() {
    let site = Site::new();
    let printed_token = |printed: &[String]| {
        let line = printed.iter().find(|line| line.contains("token"))?;
        line.split_whitespace().last().map(str::to_owned)
    };
    let first = site.start_without_token(&[]);
    let token = printed_token(&first.printed).expect("a token");
    let devices = |server: &super::server::Server, token: &str| {
        server
            .request("GET", "/api/v1/devices", token, &[], "")
            .status
    };
    assert_eq!(devices(&first, &token), 200);
    assert_eq!(devices(&first, "another"), 401);
    drop(first);

    let second = site.start_without_token(&[]);
    assert_eq!(printed_token(&second.printed), None);
    assert_eq!(
        devices(&second, &token),
        200,
        "the token outlives the server"
    );
    drop(second);

    // The environment wins at every start.
    let third = site.start(&[]);
    assert_eq!(devices(&third, TOKEN), 200);
    assert_eq!(devices(&third, &token), 401);
}

#[test]
fn a_new_token_can_be_had_by_whoever_owns_the_data_directory() {
    let site = Site::new();
    let data = site.path("data");
    let reset = || {
        let command = ["admin", "reset-token", "--data-dir", data.to_str().unwrap()];
        sigec().args(command).output().unwrap()
    };
    let server = site.start(&[]);
    let refused = reset();
    assert!(!refused.status.success());
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(
        error.contains(&format!("in use by process {}", server.ready.pid)),
        "{error}"
    );
    drop(server);

    let token = String::from_utf8(reset().stdout).unwrap();
    let server = site.start_without_token(&[]);
    let status = |token| {
        server
            .request("GET", "/api/v1/devices", token, &[], "")
            .status
    };
    assert_eq!((status(token.trim()), status(TOKEN)), (200, 401));
}

#[test]
fn a_second_server_on_the_same_data_is_told_who_has_it() {
    let site = Site::new();
    let server = site.start(&[]);
    let mut second = sigec();
    second.args(["run", "--data-dir"]);
    second.arg(&server.ready.data_dir);
    for listener in ["--ocpp", "--http", "--postgres"] {
        second.args([listener, "127.0.0.1:0"]);
    }
    let output = output(&mut second);
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains(&format!("in use by process {}", server.ready.pid)),
        "{error}"
    );
}

#[test]
fn an_address_in_use_is_named() {
    let site = Site::new();
    let server = site.start(&[]);
    let data = site.path("other");
    for (flag, taken) in [
        ("--ocpp", &server.ready.ocpp),
        ("--http", &server.ready.http),
        ("--postgres", &server.ready.postgres),
    ] {
        let mut command = sigec();
        command.args(["run", "--data-dir", data.to_str().unwrap()]);
        for other in ["--ocpp", "--http", "--postgres"] {
            command.args([other, if other == flag { taken } else { "127.0.0.1:0" }]);
        }
        let output = output(&mut command);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && error.contains(taken.as_str()),
            "{flag}: {error}"
        );
    }
}

#[test]
fn the_ready_file_of_an_earlier_start_is_gone_before_this_one_is_ready() {
    let site = Site::new();
    let server = site.start(&[]);
    let (data, ready_file) = (site.path("other"), site.path("other.json"));
    std::fs::write(&ready_file, "{}").unwrap();
    let mut command = sigec();
    command.args(["run", "--ocpp", "127.0.0.1:0", "--postgres", "127.0.0.1:0"]);
    // It ends before it is ready.
    command.args(["--http", &server.ready.http]);
    command
        .arg("--data-dir")
        .arg(&data)
        .arg("--ready-file")
        .arg(&ready_file);
    assert!(!output(&mut command).status.success());
    assert!(!ready_file.exists());

    // Of a data directory that another server has, it is that server's.
    std::fs::write(&ready_file, "{}").unwrap();
    let mut command = sigec();
    command.args(["run", "--http", "127.0.0.1:0", "--data-dir"]);
    command
        .arg(&server.ready.data_dir)
        .arg("--ready-file")
        .arg(&ready_file);
    assert!(!output(&mut command).status.success());
    assert!(ready_file.exists());
}

#[test]
fn interrupt_and_terminate_end_it_well() {
    for signal in ["INT", "TERM"] {
        let site = Site::new();
        let server = site.start(&[]);
        let (ready, status) = server.stop(signal);
        assert!(status.success(), "{signal}: {status}");
        assert!(
            std::net::TcpStream::connect(&ready.http).is_err(),
            "{signal}: HTTP still listens"
        );
        // What was released is free for the next one at once.
        drop(site.restart(&ready, &[]));
    }
}

/// Readiness first, so that whoever distributes stations sends no more; then each is told to come again (1012), one that owes an
/// answer too; then the exit, within the limit.
#[test]
fn stations_are_sent_away_before_the_end_and_readiness_goes_first() {
    let site = Site::new();
    let mut program = sigec();
    program.env("SIGEC_SERVER__DRAIN_TIMEOUT", "8s");
    let server = site.start_with(program, &FREE_PORTS);
    let mut stations: Vec<_> = (0..6)
        .map(|at| Raw::station(&server.ready.ocpp, &format!("CP{at}"), "ocpp1.6"))
        .collect();
    for station in &mut stations {
        station
            .text(r#"[2,"b","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]"#);
        assert!(matches!(station.next(), Incoming::Text(_)));
    }
    let asked = server.post(
        "/api/v1/devices/CP0/commands",
        &json!({"action": "ClearCache", "payload": {}}),
    );
    assert_eq!(asked.status, 202, "{asked:?}");
    let Incoming::Text(call) = stations[0].next() else {
        panic!("the station is asked nothing");
    };
    assert!(call.contains("ClearCache"), "{call}");

    server.send("TERM");
    eventually("readiness is off", || {
        let ready = server.get("/health/ready");
        match ready.status {
            503 => Ok(()),
            _ => Err(format!("{ready:?}")),
        }
    });
    // An upgrade may still find the listener.
    let mut late = Raw::try_connect(&server.ready.ocpp);
    if let Some(late) = &mut late {
        late.send(super::raw::upgrade("CP9", "ocpp1.6").as_bytes());
    }
    for station in &mut stations {
        assert_eq!(station.next(), Incoming::Close(1012));
        station.frame(CLOSE, &1012_u16.to_be_bytes());
        assert_eq!(station.next(), Incoming::End);
    }
    // Readiness goes a moment before the shards: who was let in by then hears the same.
    if let Some(mut late) = late
        && late.head().starts_with("HTTP/1.1 101")
    {
        assert_eq!(late.next(), Incoming::Close(1012));
    }
    let (ready, log) = (server.ready.clone(), server.log());
    let status = server.ended();
    assert!(status.success(), "{status}: {log}");
    // Nobody knows whether the station obeyed, and it is not asked again.
    let server = site.restart(&ready, &[]);
    server.sql_until(
        "SELECT state FROM commands WHERE station_id = 'CP0' ORDER BY log_id, seq",
        |rows| rows.last().is_some_and(|row| row["state"] == "unknown"),
    );
}

#[test]
fn health_shows_that_plain_text_leaves_the_machine() {
    const LISTENERS: [&str; 3] = ["--ocpp", "--http", "--postgres"];
    let site = Site::new();
    // Each of them alone is enough.
    for open in LISTENERS.map(Some).into_iter().chain([None]) {
        let mut args = vec!["--allow-plaintext"];
        for listener in LISTENERS {
            let everywhere = open == Some(listener);
            let address = if everywhere {
                "0.0.0.0:0"
            } else {
                "127.0.0.1:0"
            };
            args.extend([listener, address]);
        }
        let server = site.start_with(sigec(), &args);
        let health = server.get("/health").json();
        assert_eq!(
            health["plaintext_beyond_loopback"],
            open.is_some(),
            "{open:?}"
        );
    }
}
