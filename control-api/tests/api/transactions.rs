use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fleet::UtcMicros;
use sdk::{
    ClientError, CommandRequest, CommandState, DeviceFilter, DevicePatch, DeviceRequest, Limits,
    Outcome, Role, Transaction, TransactionClose, TransactionQuality, TransactionStart,
    TransactionStatus,
};
use serde_json::{Value, json};

use super::station::Station;
use super::world::{World, problem, refusal, with_server};

type Answer = Result<Outcome<Transaction>, ClientError>;

fn start(world: &Arc<World>, wait: Option<Duration>) -> tokio::task::JoinHandle<Answer> {
    let client = world.admin.clone();
    let request = TransactionStart {
        device_id: "CP1".into(),
        connector_id: 1,
        rfid_tag: Some("TAG1".into()),
        ..TransactionStart::default()
    };
    tokio::spawn(async move { client.start_transaction(&request, wait).await })
}

fn stop(world: &Arc<World>, id: &str) -> tokio::task::JoinHandle<Answer> {
    let (client, id) = (world.admin.clone(), id.to_owned());
    tokio::spawn(async move { client.stop_transaction(&id, None).await })
}

#[expect(
    clippy::disallowed_methods,
    reason = "a station has a clock of its own"
)]
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UtcMicros(i64::try_from(since.as_micros()).unwrap()).to_string()
}

/// Begins what the server asked for; answers with the station's own transaction id.
async fn begin(station: &mut Station) -> i64 {
    let asked = station
        .answer("RemoteStartTransaction", json!({ "status": "Accepted" }))
        .await;
    let begin = json!({
        "connectorId": asked["connectorId"], "idTag": asked["idTag"], "meterStart": 1_000, "timestamp": now(),
    });
    let answer = station.call("StartTransaction", begin).await;
    assert_eq!(answer["idTagInfo"]["status"], "Accepted");
    answer["transactionId"].as_i64().unwrap()
}

/// The one transaction of the tables, as `/history` shows it once the store knows who has ended it.
async fn past(world: &World, row: &serde_json::Value) -> Transaction {
    *world.rows.lock().unwrap() = vec![serde_json::from_value(row.clone()).unwrap()];
    loop {
        let past = world
            .admin
            .transaction_history("2020-01-01", "2099-12-31", None);
        let mut items = past.await.unwrap().items;
        match items.pop() {
            Some(past) if past.closing.is_some() => return past,
            Some(_) | None => tokio::task::yield_now().await,
        }
    }
}

fn done(answer: Answer) -> Transaction {
    match answer.unwrap() {
        Outcome::Done(transaction) => transaction,
        Outcome::Pending(command) => panic!("still on its way: {command:?}"),
    }
}

#[test]
fn a_charge_is_started_shown_stopped_and_billed() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let started = start(&world, None);
        let ocpp_id = begin(&mut station).await;
        let started = done(started.await.unwrap());
        assert_eq!(started.status, TransactionStatus::Started);
        assert_eq!(
            (started.device_id.as_str(), started.connector_id),
            ("CP1", Some(1))
        );
        assert_eq!(started.ocpp_transaction_id, Some(ocpp_id.to_string()));
        assert_eq!(started.meter_start_wh.as_deref(), Some("1000.000"));
        assert!(started.start_time.is_some() && started.end_time.is_none());
        let active = world.admin.active_transactions(None).await.unwrap();
        assert_eq!(
            active.items,
            [world.admin.transaction(&started.id).await.unwrap()]
        );

        let stopped = stop(&world, &started.id);
        let asked = station
            .answer("RemoteStopTransaction", json!({ "status": "Accepted" }))
            .await;
        assert_eq!(asked["transactionId"], ocpp_id);
        let end = json!({ "transactionId": ocpp_id, "meterStop": 1_500, "timestamp": now(), "reason": "Remote" });
        station.call("StopTransaction", end).await;
        let stopped = done(stopped.await.unwrap());
        assert_eq!(stopped.status, TransactionStatus::Completed);
        assert_eq!(stopped.total_energy, Some(0.5));
        assert_eq!(
            (stopped.cost.as_deref(), stopped.currency.as_str()),
            (Some("0.38"), "BRL")
        );
        assert_eq!(stopped.quality, TransactionQuality::Ok);
        assert_eq!(stopped.stop_reason.as_deref(), Some("Remote"));
        let seq = |transaction: &Transaction| transaction.position.seq.parse::<u64>().unwrap();
        assert!(seq(&started) < seq(&stopped), "the end is a later event");
        let device = world.admin.device("CP1").await.unwrap();
        assert_eq!(device.position.log_id, stopped.position.log_id);

        // One that has ended is told again, and nothing is sent.
        assert_eq!(done(stop(&world, &started.id).await.unwrap()), stopped);
        assert_eq!(
            world.admin.active_transactions(None).await.unwrap().items,
            []
        );
    });
}

#[test]
fn a_station_that_says_no_or_is_away_starts_nothing() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let refused = start(&world, None);
        station
            .answer("RemoteStartTransaction", json!({ "status": "Rejected" }))
            .await;
        let refused = problem(refused.await.unwrap());
        assert_eq!((refused.status, refused.slug()), (409, "rejected"));
        assert_eq!(
            refused.command.unwrap().result.as_deref(),
            Some(&json!({ "status": "Rejected" }))
        );

        let slow = start(&world, Some(Duration::from_secs(1)));
        station
            .answer("RemoteStartTransaction", json!({ "status": "Accepted" }))
            .await;
        match slow.await.unwrap().unwrap() {
            Outcome::Pending(command) => assert_eq!(command.state, CommandState::Answered),
            Outcome::Done(transaction) => panic!("nobody began {transaction:?}"),
        }

        let away = DeviceRequest {
            id: "CP2".into(),
            ..DeviceRequest::default()
        };
        world.admin.create_device(&away).await.unwrap();
        let at = |device_id: &str, connector_id| TransactionStart {
            device_id: device_id.into(),
            connector_id,
            ..TransactionStart::default()
        };
        let refused = |request| {
            let client = world.admin.clone();
            async move { refusal(client.start_transaction(&request, None).await) }
        };
        assert_eq!(refused(at("CP2", 1)).await, "409 offline");
        assert_eq!(refused(at("CP3", 1)).await, "404 not_found");
        assert_eq!(refused(at("CP1", 0)).await, "422 invalid");
        assert_eq!(refused(at("a/b", 1)).await, "422 invalid");
        let long = TransactionStart {
            rfid_tag: Some("x".repeat(37)),
            ..at("CP1", 1)
        };
        assert_eq!(refused(long).await, "422 invalid");
        let nobody = "0193a5f0-0000-7000-8000-000000000000";
        assert_eq!(
            refusal(world.admin.stop_transaction(nobody, None).await),
            "404 not_found"
        );
        assert_eq!(refusal(world.admin.transaction("1").await), "404 not_found");
        let reader = world.client("reader", Role::ReadOnly).await;
        let forbidden = reader.start_transaction(&at("CP1", 1), None).await;
        assert_eq!(refusal(forbidden), "403 forbidden");
    });
}

#[test]
fn a_stop_that_the_station_refuses_changes_nothing() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let started = start(&world, None);
        begin(&mut station).await;
        let started = done(started.await.unwrap());
        let stopped = stop(&world, &started.id);
        station
            .answer("RemoteStopTransaction", json!({ "status": "Rejected" }))
            .await;
        assert_eq!(refusal(stopped.await.unwrap()), "409 rejected");
        drop(station);
        let shown = world.admin.transaction(&started.id).await.unwrap();
        assert_eq!(shown.status, TransactionStatus::Started);
    });
}

#[test]
fn a_charge_is_closed_without_its_station_until_that_has_its_say() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let started = start(&world, None);
        let ocpp_id = begin(&mut station).await;
        let started = done(started.await.unwrap());
        let close = |request: &TransactionClose| {
            let (client, id, request) = (world.admin.clone(), started.id.clone(), request.clone());
            async move { client.close_transaction(&id, &request).await }
        };
        let wrong = |meter: &str, ended_at: &str| TransactionClose {
            reason: None,
            meter_stop_wh: (!meter.is_empty()).then(|| meter.to_owned()),
            ended_at: (!ended_at.is_empty()).then(|| ended_at.to_owned()),
        };
        for (request, pointer) in [
            (wrong("999.999", ""), "/meter_stop_wh"),
            (wrong("1e3", ""), "/meter_stop_wh"),
            (wrong("-1", ""), "/meter_stop_wh"),
            (wrong("9000000", ""), "/meter_stop_wh"),
            (wrong("", "yesterday"), "/ended_at"),
            (wrong("", "2020-01-01T00:00:00Z"), "/ended_at"),
            (wrong("", "2100-01-01T00:00:00Z"), "/ended_at"),
        ] {
            let refused = problem(close(&request).await);
            assert_eq!(refused.status, 422, "{request:?}");
            let errors = &refused.errors;
            assert_eq!(errors[0].pointer, pointer, "{request:?}");
        }
        let request = TransactionClose {
            reason: Some("no word from it".into()),
            meter_stop_wh: Some("1500.5".into()),
            ended_at: None,
        };
        let closed = close(&request).await.unwrap();
        assert_eq!(closed.status, TransactionStatus::Completed);
        assert_eq!(closed.quality, TransactionQuality::Estimated);
        assert_eq!(closed.total_energy, Some(0.5005));
        assert_eq!(closed.end_time, closed.start_time);
        assert_eq!(closed.stop_reason.as_deref(), Some("Sigec.Closed"));
        let closing = closed.closing.clone().expect("who did it");
        assert_eq!(
            (closing.closed_by.as_str(), closing.reason.as_deref()),
            ("admin", Some("no word from it"))
        );
        assert_eq!(closing.meter_stop_wh.as_deref(), Some("1500.500"));
        assert!(!closing.superseded);
        assert_eq!(close(&request).await.unwrap(), closed);
        assert_eq!(world.admin.transaction(&closed.id).await.unwrap(), closed);
        let active = world.admin.active_transactions(None).await.unwrap();
        assert_eq!(active.items, []);
        let mut row = json!({
            "ordered_at": closed.start_time, "transaction_id": closed.id, "ocpp_transaction_id": ocpp_id.to_string(),
            "station_id": "CP1", "evse_id": 1, "started_at": closed.start_time, "ended_at": closed.end_time,
            "state": "ended", "stop_reason": "Sigec.Closed", "meter_start_wh": "1000.000", "meter_stop_wh": "1500.500",
            "energy_wh": "500.500", "cost": "0.38", "currency": "BRL", "quality": "estimated", "log_id": "1", "seq": "7",
        });
        let past = past(&world, &row).await;
        assert_eq!(
            (past.closing, past.status),
            (closed.closing.clone(), closed.status)
        );

        let end = json!({ "transactionId": ocpp_id, "meterStop": 1_400, "timestamp": now(), "reason": "Local" });
        station.call("StopTransaction", end).await;
        let ended = world.admin.transaction(&closed.id).await.unwrap();
        assert_eq!(ended.quality, TransactionQuality::Ok);
        assert_eq!(ended.total_energy, Some(0.4));
        assert!(
            ended
                .closing
                .clone()
                .is_some_and(|closing| closing.superseded)
        );
        row["stop_reason"] = "Local".into();
        assert_eq!(self::past(&world, &row).await.closing, ended.closing);
        assert_eq!(refusal(close(&request).await), "409 conflict");

        let reader = world.client("reader", Role::ReadOnly).await;
        let forbidden = reader.close_transaction(&closed.id, &request).await;
        assert_eq!(refusal(forbidden), "403 forbidden");
    });
}

#[test]
fn what_belongs_to_another_tenant_does_not_exist() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let started = start(&world, None);
        begin(&mut station).await;
        let started = done(started.await.unwrap());
        let command = CommandRequest {
            action: "ClearCache".into(),
            payload: json!({}).into(),
            answer_timeout: None,
        };
        let sent = world.admin.command("CP1", &command, None).await.unwrap();

        let (_, token) = world
            .principals
            .create("eve", Role::Admin, "elsewhere")
            .unwrap();
        let eve = world.admin.with_token(token);
        assert_eq!(
            eve.devices(&DeviceFilter::default()).await.unwrap().items,
            []
        );
        assert_eq!(eve.active_transactions(None).await.unwrap().items, []);
        let patch = DevicePatch::default();
        for refused in [
            refusal(eve.device("CP1").await),
            refusal(eve.patch_device("CP1", &patch).await),
            refusal(eve.delete_device("CP1").await),
            refusal(eve.command("CP1", &command, None).await),
            refusal(eve.command_by_id(&sent.id).await),
            refusal(eve.transaction(&started.id).await),
            refusal(eve.stop_transaction(&started.id, None).await),
            refusal(
                eve.close_transaction(&started.id, &TransactionClose::default())
                    .await,
            ),
        ] {
            assert_eq!(refused, "404 not_found");
        }
        let shown = world.admin.transaction(&started.id).await.unwrap();
        assert_eq!(shown.status, TransactionStatus::Started);
    });
}

/// E16: set by an operator, told in an answer, confirmed by the station.
#[test]
fn a_charge_of_2_1_is_limited_while_it_runs() {
    with_server(|world| async move {
        let mut station = world.station_21("CP1").await;
        let supported = json!({
            "requestId": 1, "generatedAt": now(), "seqNo": 0,
            "reportData": [{
                "component": { "name": "TxCtrlr" }, "variable": { "name": "SupportedLimits" },
                "variableAttribute": [{ "value": "maxCost,maxEnergy" }],
            }],
        });
        station.call("NotifyReport", supported).await;
        let event = |kind: &str, seq_no: u32, limits: Value| {
            let mut info = json!({ "transactionId": "T1" });
            if !limits.is_null() {
                info["transactionLimit"] = limits;
            }
            json!({
                "eventType": kind, "timestamp": now(), "triggerReason": "LimitSet", "seqNo": seq_no,
                "evse": { "id": 1, "connectorId": 1 }, "transactionInfo": info,
            })
        };
        station
            .call("TransactionEvent", event("Started", 0, Value::Null))
            .await;
        let active = world.admin.active_transactions(None).await.unwrap().items;
        assert_eq!(active[0].limits, None);
        let id = active[0].id.clone();
        let asked = Limits {
            max_cost: Some("12.5".into()),
            max_energy_wh: Some("20000".into()),
            ..Limits::default()
        };
        let set = world.admin.limit_transaction(&id, &asked).await.unwrap();
        let set = set.limits.expect("limits");
        let written = Limits {
            max_cost: Some("12.50".into()),
            max_energy_wh: Some("20000.000".into()),
            ..Limits::default()
        };
        assert_eq!((&set.set, &set.waiting), (&written, &written));
        assert_eq!(
            (set.set_by.as_deref(), &set.sent_at),
            (Some("admin"), &None)
        );
        assert_eq!(
            (&set.station, set.is_confirmed),
            (&Limits::default(), false)
        );
        let answer = station
            .call("TransactionEvent", event("Updated", 1, Value::Null))
            .await;
        let limit = json!({ "maxCost": 12.5, "maxEnergy": 20000 });
        assert_eq!(answer["transactionLimit"], limit);
        let answer = station
            .call("TransactionEvent", event("Updated", 2, limit))
            .await;
        assert_eq!(answer["transactionLimit"], Value::Null);
        let shown = world.admin.transaction(&id).await.unwrap().limits.unwrap();
        assert_eq!(
            (&shown.station, &shown.waiting),
            (&written, &Limits::default())
        );
        assert!(shown.is_confirmed && shown.sent_at.is_some() && shown.told_at.is_some());

        let refused = |limits: Limits| {
            let (client, id) = (world.admin.clone(), id.clone());
            async move {
                let refused = problem(client.limit_transaction(&id, &limits).await);
                format!("{} {} {}", refused.status, refused.slug(), refused.detail)
            }
        };
        let named = |name: &str, found: &str| {
            let mut limits = Limits::default();
            match name {
                "cost" => limits.max_cost = Some(found.into()),
                "energy" => limits.max_energy_wh = Some(found.into()),
                "time" => limits.max_time_seconds = Some(found.parse().unwrap()),
                _ => limits.max_soc = Some(found.parse().unwrap()),
            }
            limits
        };
        for (limits, expected) in [
            (
                named("cost", "-1"),
                r#"422 invalid /max_cost: "-1", expected 0 to 1000000000 with at most six decimals"#,
            ),
            (
                named("energy", "1.2345"),
                r#"422 invalid /max_energy_wh: "1.2345", expected 0 to 1000000000000 watt-hours with at most three decimals"#,
            ),
            (
                named("time", "2147483648"),
                "422 invalid /max_time_seconds: 2147483648, expected 0 to 2147483647 seconds",
            ),
            (
                named("soc", "101"),
                "422 invalid /max_soc: 101, expected 0 to 100 percent",
            ),
            (
                Limits::default(),
                "422 invalid no limit, expected max_cost, max_energy_wh, max_time_seconds or max_soc",
            ),
            (
                named("soc", "80"),
                r#"422 invalid_command maxSoC is none of the limits to which the station keeps, "maxCost,maxEnergy" (TxCtrlr.SupportedLimits)"#,
            ),
        ] {
            assert_eq!(refused(limits).await, expected);
        }
        let start = TransactionStart {
            device_id: "CP1".into(),
            connector_id: 1,
            limits: Some(named("soc", "101")),
            ..TransactionStart::default()
        };
        let started = problem(world.admin.start_transaction(&start, None).await);
        assert_eq!(
            started.detail,
            "/limits/max_soc: 101, expected 0 to 100 percent"
        );
        let (_, token) = world
            .principals
            .create("eve", Role::Admin, "elsewhere")
            .unwrap();
        let eve = world.admin.with_token(token);
        assert_eq!(
            refusal(eve.limit_transaction(&id, &asked).await),
            "404 not_found"
        );
        station
            .call("TransactionEvent", event("Ended", 3, Value::Null))
            .await;
        let ended = format!("409 conflict transaction {id} has ended, and takes no limits");
        assert_eq!(refused(asked).await, ended);
        assert_eq!(world.admin.transaction(&id).await.unwrap().limits, None);
    });
}

#[test]
fn what_has_not_come_of_a_charge_and_what_its_station_says_of_it_stand_beside_it() {
    with_server(|world| async move {
        let mut station = world.station_201("CP1").await;
        let event = |kind: &str, seq_no: u32| {
            json!({
                "eventType": kind, "timestamp": now(), "triggerReason": "ChargingStateChanged", "seqNo": seq_no,
                "evse": { "id": 1, "connectorId": 1 },
                "transactionInfo": { "transactionId": "T1", "chargingState": "Charging" },
            })
        };
        for (kind, seq_no) in [("Started", 0), ("Updated", 4)] {
            station.call("TransactionEvent", event(kind, seq_no)).await;
        }
        let active = world.admin.active_transactions(None).await.unwrap().items;
        assert_eq!((active.len(), &active[0].missing_seq_nos[..]), (1, &[][..]));
        let id = active[0].id.clone();
        let found = world.admin.transaction(&id).await.unwrap();
        assert_eq!(
            (found.missing_seq_nos, found.station_status),
            (vec![1, 2, 3], None)
        );
        station.call("TransactionEvent", event("Updated", 2)).await;

        let request = CommandRequest {
            action: "GetTransactionStatus".into(),
            payload: json!({ "transactionId": "T1" }).into(),
            answer_timeout: None,
        };
        let asking = world
            .admin
            .command("CP1", &request, Some(Duration::from_secs(30)));
        let says = json!({ "ongoingIndicator": true, "messagesInQueue": true });
        let (asked, _) = tokio::join!(asking, station.answer("GetTransactionStatus", says));
        assert_eq!(asked.unwrap().state, CommandState::Answered);
        let found = world.admin.transaction(&id).await.unwrap();
        assert_eq!(found.missing_seq_nos, [1, 3]);
        let status = found.station_status.expect("what it said");
        assert_eq!(
            (status.ongoing, status.messages_in_queue),
            (Some(true), true)
        );
    });
}
