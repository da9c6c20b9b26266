//! The whole data plane over real sockets, on real files.

#![expect(clippy::unwrap_used, reason = "a test")]

mod again;
mod support;
#[path = "support/waiting.rs"]
mod waiting;

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use dataplane::{
    CommandRequest, Failure, Onboarding, Password, RegisterMode, Registration, ShardHealth,
    StartOutcome, StartRequest, StationFilter, StationPatch, StopError, StopOutcome, StopRequest,
    Token, TokenMode, TokenStatus,
};
use fleet::record::{CommandState, Direction, TransactionState};
use fleet::wire::Fact;
use fleet::{Seq, StationKey};
use net::clock;
use net::ws::{DeflateOptions, MaskKey, write_ping};
use storage::state::{Durability, StateBatch};
use support::{PATIENCE, Server, Station, config};
use waiting::block_on;

fn key(identity: &str) -> StationKey {
    StationKey::new("default", identity).unwrap()
}

/// Every record of every log, in order.
fn records(server: &Server) -> Vec<Fact> {
    let mut facts = Vec::new();
    for log in server.dataplane.logs() {
        let mut reader = log.reader(Seq(1));
        while let Some((_, bytes)) = reader.next().unwrap() {
            facts.push(fleet::wire::read(bytes).unwrap().body.to_fact().unwrap());
        }
    }
    facts
}

#[test]
fn stations_of_both_versions_charge_on_any_shard_and_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), config(2));
    let router = server.dataplane.router();
    let mut stations: Vec<_> = (0..8)
        .map(|n| Station::connect(server.addr(), &format!("CP{n}"), "ocpp1.6"))
        .collect();
    for station in &mut stations {
        let boot = station.call(
            "BootNotification",
            r#"{"chargePointVendor":"V","chargePointModel":"M"}"#,
        );
        assert!(boot.contains("\"Accepted\""), "{boot}");
        let status = r#"{"connectorId":1,"errorCode":"NoError","status":"Available"}"#;
        assert_eq!(station.call("StatusNotification", status), "{}");
    }
    let mut modern = Station::connect(server.addr(), "CP201", "ocpp2.0.1");
    let boot = r#"{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"W"}}"#;
    assert!(
        modern
            .call("BootNotification", boot)
            .contains("\"Accepted\"")
    );

    let filter = StationFilter {
        tenant: "default".into(),
        ..StationFilter::default()
    };
    let first = block_on(router.stations(&filter, None, 5)).unwrap();
    let rest = block_on(router.stations(&filter, first.next.clone(), 500)).unwrap();
    let names: Vec<_> = first
        .items
        .iter()
        .chain(&rest.items)
        .map(|s| s.key.identity().to_owned())
        .collect();
    assert_eq!(
        names,
        [
            "CP0", "CP1", "CP2", "CP201", "CP3", "CP4", "CP5", "CP6", "CP7"
        ]
    );
    assert!(first.items.iter().all(|station| station.online));

    let start = stations[3].call(
        "StartTransaction",
        r#"{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"2026-11-22T10:00:00Z"}"#,
    );
    let transaction = start
        .split("\"transactionId\":")
        .nth(1)
        .unwrap()
        .trim_end_matches('}');
    let active = block_on(router.active_transactions("default", None, 10))
        .unwrap()
        .items;
    assert_eq!(active.len(), 1);
    assert_eq!(active[0].ocpp_transaction_id, transaction);

    let health = block_on(router.health()).unwrap();
    assert_eq!(
        health
            .iter()
            .map(|shard| shard.stations_online)
            .sum::<usize>(),
        9
    );
    assert!(
        health.iter().all(|shard| 0 < shard.stations),
        "both shards have stations"
    );
    drop(stations);
    drop(modern);
    server.stop();

    // Another number of shards: stations move, and one log becomes an orphan.
    let server = Server::start(dir.path(), config(1));
    assert_eq!(server.dataplane.orphans().len(), 1);
    let router = server.dataplane.router();
    let again = block_on(router.active_transactions("default", None, 10))
        .unwrap()
        .items;
    assert_eq!(again[0].id, active[0].id);
    let mut station = Station::connect(server.addr(), "CP3", "ocpp1.6");
    let stop = format!(
        r#"{{"transactionId":{transaction},"meterStop":1500,"timestamp":"2026-11-22T10:30:00Z"}}"#
    );
    assert_eq!(station.call("StopTransaction", &stop), "{}");
    let ended = router
        .transaction(active[0].id)
        .wait(PATIENCE)
        .unwrap()
        .unwrap();
    assert_eq!(ended.state, TransactionState::Ended);
    assert_eq!(ended.energy.unwrap().to_string(), "0.5");
    drop(station);
    server.stop();
}

#[test]
fn what_was_answered_is_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), config(2));
    let mut station = Station::connect(server.addr(), "CP1", "ocpp1.6");
    for n in 0..50 {
        // More than one call in flight: answers keep the order.
        let at = format!("2026-11-22T10:00:{n:02}Z");
        station.send(&format!(
            r#"[2,"m{n}","MeterValues",{{"connectorId":1,"meterValue":[{{"timestamp":"{at}","sampledValue":[{{"value":"{n}"}}]}}]}}]"#
        ));
    }
    for n in 0..50 {
        assert_eq!(station.hear(), format!("[3,\"m{n}\",{{}}]"));
    }
    let facts = records(&server);
    let rows = facts
        .iter()
        .filter(|fact| matches!(fact, Fact::MeterValues(_)))
        .count();
    assert_eq!(rows, 50);
    let raw = |direction: Direction| {
        let is = |fact: &&Fact| matches!(fact, Fact::Message(m) if m.direction == direction.code());
        facts.iter().filter(is).count()
    };
    assert_eq!(
        (raw(Direction::FromStation), raw(Direction::ToStation)),
        (50, 50)
    );
    drop(station);
    server.stop();
}

#[test]
fn compressed_stations_are_served_beside_plain_ones() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), config(2));
    let router = server.dataplane.router();
    let offer = DeflateOptions::default();
    let connect = |identity: &str, offer| {
        Station::try_connect(server.addr(), identity, "ocpp1.6", None, offer).unwrap()
    };
    // Most of them come in at a shard that hands them over to another.
    let mut stations: Vec<_> = (0..8)
        .map(|n| connect(&format!("CP{n}"), (n % 4 != 0).then_some(&offer)))
        .collect();
    let sample = r#"{"value":"1.5","measurand":"Voltage","unit":"V","location":"Outlet"}"#;
    let samples = [sample; 10].join(",");
    for at in 0..20 {
        let payload = format!(
            r#"{{"connectorId":1,"meterValue":[{{"timestamp":"2026-11-22T10:00:{at:02}Z","sampledValue":[{samples}]}}]}}"#
        );
        for station in &mut stations {
            station.send(&format!(r#"[2,"m{at}","MeterValues",{payload}]"#));
        }
    }
    for station in &mut stations {
        for at in 0..20 {
            assert_eq!(station.hear(), format!("[3,\"m{at}\",{{}}]"));
        }
    }
    let payload = format!(r#"{{"key":"K","value":"{}"}}"#, "true,".repeat(80));
    for (n, station) in stations.iter_mut().enumerate() {
        for _ in 0..2 {
            let command = router.command(CommandRequest {
                station: key(&format!("CP{n}")),
                action: "ChangeConfiguration".into(),
                payload: payload.clone(),
                principal: "test".into(),
                wait: Some(PATIENCE),
                answer_timeout: None,
            });
            let call = station.hear();
            assert!(call.contains(&payload), "{call}");
            let id = call.split('"').nth(1).unwrap();
            station.send(&format!(r#"[3,"{id}",{{"status":"Accepted"}}]"#));
            let view = command.wait(PATIENCE).unwrap().unwrap();
            assert_eq!(view.state, CommandState::Answered);
        }
    }
    let health = block_on(router.health()).unwrap();
    let sum = |of: fn(&ShardHealth) -> u64| health.iter().map(of).sum::<u64>();
    assert_eq!(sum(|shard| shard.compressed as u64), 6);
    assert_eq!(sum(|shard| shard.compression_contexts as u64), 6);
    let text_in = sum(|shard| shard.counters.compressed.text_in);
    let wire_in = sum(|shard| shard.counters.compressed.wire_in);
    assert!(5 * wire_in < text_in, "{wire_in} for {text_in}");
    let text_out = sum(|shard| shard.counters.compressed.text_out);
    let wire_out = sum(|shard| shard.counters.compressed.wire_out);
    assert!(5 * wire_out < text_out, "{wire_out} for {text_out}");
    drop(stations);
    server.stop();
}

#[test]
fn atk_21_who_never_reads_is_cut_off_and_others_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let mut unlimited = config(1);
    // The rate of messages would hold it up for a minute first.
    unlimited.messages_per_second_max = 0;
    let server = Server::start(dir.path(), unlimited);
    let mut other = Station::connect(server.addr(), "CP2", "ocpp1.6");
    let mut deaf = TcpStream::connect(server.addr()).unwrap();
    deaf.set_write_timeout(Some(PATIENCE)).unwrap();
    deaf.write_all(
        b"GET /CP1 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
          Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n",
    )
    .unwrap();
    let mut pings = Vec::new();
    for _ in 0..1_000 {
        write_ping(&mut pings, Some(MaskKey([1, 2, 3, 4])), &[b'p'; 125]);
    }
    let mut sent = 0;
    let error = loop {
        match deaf.write(&pings) {
            Ok(len) => sent += len,
            Err(error) => break error,
        }
        assert!(sent < 1 << 30, "nobody cuts it off");
    };
    let cut_off = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    assert!(cut_off.contains(&error.kind()), "{error}");
    other.call("Heartbeat", "{}");
    drop(other);
    server.stop();
}

#[test]
fn commands_and_remote_starts_reach_the_station() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), config(2));
    let router = server.dataplane.router();
    let mut station = Station::connect(server.addr(), "CP1", "ocpp1.6");
    station.call("Heartbeat", "{}");

    let command = router.command(CommandRequest {
        station: key("CP1"),
        action: "Reset".into(),
        payload: r#"{"type":"Soft"}"#.into(),
        principal: "test".into(),
        wait: Some(PATIENCE),
        answer_timeout: None,
    });
    let call = station.hear();
    assert!(call.ends_with(r#""Reset",{"type":"Soft"}]"#), "{call}");
    let id = call.split('"').nth(1).unwrap().to_owned();
    station.send(&format!(r#"[3,"{id}",{{"status":"Rejected"}}]"#));
    let view = command.wait(PATIENCE).unwrap().unwrap();
    assert_eq!(view.state, CommandState::Answered);
    assert_eq!(view.result.as_deref(), Some(r#"{"status":"Rejected"}"#));
    let found = router
        .command_by_id(view.id)
        .wait(PATIENCE)
        .unwrap()
        .unwrap();
    assert_eq!(found, view);

    let start = router.start_transaction(StartRequest {
        station: key("CP1"),
        connector_id: 1,
        reservation_id: None,
        limits: fleet::record::Limits::default(),
        id_token: Some("TAG".into()),
        principal: "test".into(),
        wait: PATIENCE,
    });
    let call = station.hear();
    let id = call.split('"').nth(1).unwrap().to_owned();
    station.send(&format!(r#"[3,"{id}",{{"status":"Accepted"}}]"#));
    let payload =
        r#"{"connectorId":1,"idTag":"TAG","meterStart":0,"timestamp":"2026-11-22T10:00:00Z"}"#;
    station.call("StartTransaction", payload);
    let StartOutcome::Begun(begun) = start.wait(PATIENCE).unwrap() else {
        panic!("the transaction began");
    };
    let stop = router.stop_transaction(StopRequest {
        transaction: begun.id,
        tenant: "default".into(),
        principal: "test".into(),
        wait: PATIENCE,
    });
    let call = station.hear();
    assert!(call.contains(&begun.ocpp_transaction_id), "{call}");
    let id = call.split('"').nth(1).unwrap().to_owned();
    station.send(&format!(r#"[3,"{id}",{{"status":"Rejected"}}]"#));
    assert!(matches!(
        stop.wait(PATIENCE).unwrap(),
        StopOutcome::Rejected(_)
    ));

    drop(station);
    server.stop();
}

#[test]
fn registration_passwords_and_tokens_are_checked_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut closed = config(2);
    closed.onboarding = Onboarding::Closed;
    let server = Server::start(dir.path(), closed.clone());
    let router = server.dataplane.router();
    let password = Password::generate().unwrap();
    let many: Vec<_> = (0..500)
        .map(|n| Registration {
            key: key(&format!("CP{n}")),
            patch: StationPatch {
                password: Some(Some(Password::new(&password).unwrap())),
                ..StationPatch::default()
            },
        })
        .collect();
    for part in router.register_all(many.clone(), RegisterMode::Create, "test") {
        let results = part.answer.wait(PATIENCE).unwrap();
        assert_eq!(results.len(), part.places.len());
        assert!(results.iter().all(Result::is_ok));
    }
    let twice = block_on(router.register(many[0].clone(), RegisterMode::Create, "test")).unwrap();
    assert!(twice.is_err());
    let token = Token::new("TAG", TokenStatus::Accepted);
    router
        .put_token("default", token.clone(), TokenMode::Create)
        .wait(PATIENCE)
        .unwrap()
        .unwrap();
    server.stop();

    let server = Server::start(dir.path(), closed);
    let router = server.dataplane.router();
    let connect = |identity, password| {
        Station::try_connect(server.addr(), identity, "ocpp1.6", password, None)
    };
    assert_eq!(connect("CP7", None).err(), Some(401));
    assert_eq!(connect("CP7", Some("wrong")).err(), Some(401));
    assert_eq!(connect("nobody", Some(&password)).err(), Some(404));
    let mut station = connect("CP7", Some(&password)).unwrap();
    let info = station.call("Authorize", r#"{"idTag":"tag"}"#);
    assert_eq!(info, r#"{"idTagInfo":{"status":"Accepted"}}"#);
    let info = station.call("Authorize", r#"{"idTag":"OTHER"}"#);
    assert_eq!(info, r#"{"idTagInfo":{"status":"Invalid"}}"#);
    let found = router
        .token("default", "TAG")
        .wait(PATIENCE)
        .unwrap()
        .unwrap();
    assert_eq!(found, Some(token));
    drop(station);
    server.stop();
}

#[test]
fn a_stop_tells_stations_to_come_back_and_ends_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), config(1));
    let mut station = Station::connect(server.addr(), "CP1", "ocpp1.6");
    station.call("Heartbeat", "{}");
    let router = server.dataplane.router();
    server.dataplane.stop(Duration::from_secs(60)).unwrap();
    assert_eq!(station.hear(), "close 1012 server restarts");
    let gone = router.station(key("CP1")).wait(PATIENCE);
    assert_eq!(gone, Err(dataplane::RouterError::Stopped));
}

#[test]
fn whoever_runs_it_is_told_when_the_store_takes_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let (server, store) = Server::start_with_store(dir.path(), config(1));
    assert_eq!(server.dataplane.failure(), None);
    // Ahead of its log, the store refuses what comes next, which ends its writer.
    let ahead = (server.dataplane.logs()[0].id(), Seq(u64::MAX));
    store
        .apply(StateBatch::default(), Some(ahead), Durability::Buffered)
        .unwrap();
    let mut station = Station::connect(server.addr(), "CP1", "ocpp1.6");
    let boot = station.call(
        "BootNotification",
        r#"{"chargePointVendor":"V","chargePointModel":"M"}"#,
    );
    assert!(boot.contains("\"Accepted\""), "{boot}");
    let deadline = clock::monotonic_ns() + PATIENCE.as_nanos() as u64;
    let failure = loop {
        if let Some(failure) = server.dataplane.failure() {
            break failure;
        }
        assert!(clock::monotonic_ns() < deadline, "nobody is told");
        std::thread::park_timeout(Duration::from_millis(5));
    };
    assert!(matches!(failure, Failure::Store(_)), "{failure}");
    let shards = block_on(server.dataplane.router().health()).unwrap();
    assert!(shards[0].store_failure.is_some());
    let stopped = server.dataplane.stop(PATIENCE);
    assert!(
        matches!(stopped, Err(StopError::Projection(_))),
        "{stopped:?}"
    );
}

#[test]
fn all_of_this_holds_on_io_uring() {
    again::run_on_io_uring("all_of_this_holds_on_io_uring");
}
