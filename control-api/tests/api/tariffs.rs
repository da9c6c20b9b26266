use sdk::{DeviceTariffRequest, Role, TariffRequest, TransactionTariff};
use serde_json::{Value, json};

use super::world::{refusal, with_server};

fn request(tariff: Value) -> TariffRequest {
    TariffRequest {
        tariff,
        time_zone: "America/Sao_Paulo".to_owned(),
        everywhere: true,
        sites: Vec::new(),
        devices: Vec::new(),
    }
}

fn per_kwh(price: f64) -> Value {
    json!({"currency": "BRL", "energy": {"prices": [{"priceKwh": price}]}})
}

#[test]
fn a_tariff_is_put_shown_listed_and_forgotten() {
    with_server(|world| async move {
        let (admin, reader) = (&world.admin, world.client("reader", Role::ReadOnly).await);
        let put = admin
            .put_tariff("T1", &request(per_kwh(0.75)))
            .await
            .unwrap();
        assert_eq!((&*put.id, put.everywhere), ("T1", true));
        assert_eq!(put.tariff["tariffId"], "T1");
        assert_eq!(reader.tariff("T1").await.unwrap(), put);
        assert_eq!(refusal(reader.delete_tariff("T1").await), "403 forbidden");
        // What an id stands for never changes; where it holds may.
        let other = admin.put_tariff("T1", &request(per_kwh(0.76))).await;
        assert_eq!(refusal(other), "409 conflict");
        let elsewhere = TariffRequest {
            everywhere: false,
            devices: vec!["CP1".to_owned()],
            ..request(per_kwh(0.75))
        };
        let moved = admin.put_tariff("T1", &elsewhere).await.unwrap();
        assert_eq!(
            (moved.everywhere, moved.devices),
            (false, vec!["CP1".to_owned()])
        );
        let claimed = admin.put_tariff("T2", &elsewhere).await;
        assert_eq!(refusal(claimed), "409 conflict");
        admin
            .put_tariff("T2", &request(per_kwh(0.8)))
            .await
            .unwrap();
        let page = reader.tariffs(None).await.unwrap();
        let ids: Vec<_> = page.items.iter().map(|tariff| &*tariff.id).collect();
        assert_eq!((ids, page.next_cursor), (vec!["T1", "T2"], None));
        admin.delete_tariff("T1").await.unwrap();
        assert_eq!(refusal(admin.delete_tariff("T1").await), "404 not_found");
        assert_eq!(refusal(reader.tariff("T1").await), "404 not_found");
    });
}

#[test]
fn what_is_wrong_with_a_tariff_is_named() {
    with_server(|world| async move {
        for (request, pointer) in [
            (request(json!(1)), "/tariff"),
            (
                request(json!({"tariffId": "T2", "currency": "BRL"})),
                "/tariff/tariffId",
            ),
            (request(json!({"currency": "reais"})), "/tariff"),
            (request(per_kwh(-1.0)), "/tariff/energy/prices/0/priceKwh"),
            (
                TariffRequest {
                    time_zone: "Mars".to_owned(),
                    ..request(per_kwh(1.0))
                },
                "/time_zone",
            ),
            (
                TariffRequest {
                    sites: vec![String::new()],
                    ..request(per_kwh(1.0))
                },
                "/sites/0",
            ),
        ] {
            let refused = world.admin.put_tariff("T1", &request).await.unwrap_err();
            let problem = refused.problem().expect("a problem");
            let pointers: Vec<_> = problem.errors.iter().map(|e| &*e.pointer).collect();
            assert_eq!(pointers, [pointer], "{problem:?}");
        }
    });
}

#[test]
fn a_station_is_sent_a_tariff_and_a_charge_shows_what_it_costs() {
    with_server(|world| async move {
        let admin = world.admin.clone();
        admin
            .put_tariff("T1", &request(per_kwh(0.5)))
            .await
            .unwrap();
        let mut station = world.station_21("CP1").await;
        let send = || {
            let admin = admin.clone();
            let request = DeviceTariffRequest {
                tariff_id: "T1".to_owned(),
                connector_id: 0,
            };
            tokio::spawn(async move { admin.send_tariff("CP1", &request).await })
        };
        let refused = send();
        let sent = station
            .answer("SetDefaultTariff", json!({"status": "TooManyElements"}))
            .await;
        assert_eq!(
            sent,
            json!({"evseId": 0, "tariff": {"tariffId": "T1", "currency": "BRL", "energy": {"prices": [{"priceKwh": 0.5}]}}})
        );
        assert_eq!(refusal(refused.await.unwrap()), "409 rejected");
        let taken = send();
        station
            .answer("SetDefaultTariff", json!({"status": "Accepted"}))
            .await;
        let known = taken.await.unwrap().unwrap();
        assert_eq!(known.tariffs[0].tariff_id, "T1");
        assert_eq!(admin.device_tariffs("CP1").await.unwrap(), known);
        let cleared = {
            let admin = admin.clone();
            tokio::spawn(async move { admin.clear_tariff("CP1", "T1").await })
        };
        let result = json!({"clearTariffsResult": [{"tariffId": "T1", "status": "Accepted"}]});
        let sent = station.answer("ClearTariffs", result).await;
        assert_eq!(sent, json!({"tariffIds": ["T1"]}));
        assert_eq!(cleared.await.unwrap().unwrap().tariffs, []);

        let event = |seq_no: u32, kind: &str, wh: u32| {
            json!({
                "eventType": kind, "timestamp": format!("2026-01-01T0{seq_no}:00:00Z"), "triggerReason": "Trigger",
                "seqNo": seq_no, "evse": {"id": 1}, "transactionInfo": {"transactionId": "TX"},
                "meterValue": [{"timestamp": format!("2026-01-01T0{seq_no}:00:00Z"), "sampledValue": [{"value": wh}]}],
            })
        };
        station
            .call("TransactionEvent", event(0, "Started", 0))
            .await;
        let id = admin.active_transactions(None).await.unwrap().items[0]
            .id
            .clone();
        let change = |tariff_id: &str| {
            let (admin, id) = (admin.clone(), id.clone());
            let request = TransactionTariff {
                tariff_id: tariff_id.to_owned(),
            };
            tokio::spawn(async move { admin.change_transaction_tariff(&id, &request).await })
        };
        assert_eq!(refusal(change("T9").await.unwrap()), "404 not_found");
        let changed = change("T1");
        let answer = json!({"status": "NoCurrencyChange"});
        let sent = station.answer("ChangeTransactionTariff", answer).await;
        assert_eq!(
            (&sent["transactionId"], &sent["tariff"]["tariffId"]),
            (&json!("TX"), &json!("T1"))
        );
        assert_eq!(refusal(changed.await.unwrap()), "409 rejected");
        let answer = station
            .call("TransactionEvent", event(1, "Ended", 7_000))
            .await;
        assert_eq!(answer["totalCost"], 3.5);
        let settlement = json!({
            "transactionId": "TX", "pspRef": "PSP", "status": "Settled", "settlementAmount": 3.50,
            "settlementTime": "2026-01-01T02:00:00Z", "vatNumber": "V",
            "vatCompany": {"name": "N", "address1": "A", "city": "C", "country": "BR"},
        });
        station.call("NotifySettlement", settlement).await;
        let shown = admin.transaction(&id).await.unwrap();
        let details = shown.cost_details.unwrap();
        assert_eq!(
            (&*details.tariff_id, &*details.total_incl_tax),
            ("T1", "3.50")
        );
        assert_eq!(
            (&*details.parts[0].part, &*details.energy_wh),
            ("energy", "7000.000")
        );
        assert_eq!(
            (shown.cost.as_deref(), shown.station_cost),
            (Some("3.50"), None)
        );
        let [settled] = &*shown.settlements else {
            panic!("{:?}", shown.settlements);
        };
        assert_eq!((&*settled.psp_ref, &*settled.status), ("PSP", "Settled"));
        assert_eq!(settled.vat_company.as_ref().unwrap()["city"], "C");
        assert_eq!(refusal(change("T1").await.unwrap()), "409 conflict");
    });
}
