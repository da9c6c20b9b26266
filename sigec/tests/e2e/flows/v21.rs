//! What 2.1 has of its own.

use serde_json::{Value, json};

use super::{NOW, Scene, accepted, check, now, power_with};

const V21: &str = "ocpp2.1";

/// R04: controls are set, begin and end, are reported in parts, and are cleared; an alarm comes and goes.
#[test]
fn der_controls_begin_end_and_are_reported() {
    check(V21, "", |scene| {
        scene.boots();
        let droop = json!({"priority": 1, "overFreq": 50.2, "underFreq": 49.8, "overDroop": 5, "underDroop": 5, "responseTime": 1});
        let set = json!({"isDefault": true, "controlId": "d1", "controlType": "FreqDroop", "freqDroop": droop});
        scene.commanded("SetDERControl", &set, &accepted());
        let alarm = json!({"controlType": "FreqDroop", "gridEventFault": "OverFrequency", "timestamp": NOW});
        assert_eq!(scene.says("NotifyDERAlarm", &alarm), json!({}));
        let begun = json!({"controlId": "d1", "started": true, "timestamp": NOW});
        assert_eq!(scene.says("NotifyDERStartStop", &begun), json!({}));

        let asked = json!({"requestId": 7, "isDefault": true});
        let command = scene.commanded("GetDERControl", &asked, &accepted());
        let curve = json!({"priority": 3, "yUnit": "PctMaxW", "curveData": [{"x": 110, "y": 0}]});
        let curve = json!({"id": "c1", "curveType": "VoltWatt", "isDefault": true, "isSuperseded": false, "curve": curve});
        let droop =
            json!({"id": "d1", "isDefault": true, "isSuperseded": false, "freqDroop": droop});
        for part in [
            json!({"requestId": 7, "tbc": true, "curve": [curve]}),
            json!({"requestId": 7, "tbc": false, "freqDroop": [droop]}),
        ] {
            assert_eq!(scene.says("ReportDERControl", &part), json!({}));
        }
        scene.complete(&command);
        let known = scene.get("/der-controls");
        let mut ids: Vec<_> = known["controls"]
            .as_array()
            .unwrap()
            .iter()
            .map(|control| control["id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        assert_eq!(ids, ["c1", "d1"], "{known}");
        assert_eq!(known["alarms"][0]["fault"], "OverFrequency", "{known}");
        scene.commanded(
            "ClearDERControl",
            &json!({"isDefault": true, "controlId": "c1"}),
            &accepted(),
        );
        assert_eq!(
            scene.get("/der-controls")["controls"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    });
}

/// S02: a swap that was asked for.
#[test]
fn batteries_are_swapped() {
    check(V21, "", |scene| {
        scene.boots();
        let token = json!({"idToken": "TAG", "type": "ISO14443"});
        let asked = json!({"requestId": 5, "idToken": token});
        let command = scene.commanded("RequestBatterySwap", &asked, &accepted());
        for (event, evse, serial, soc) in [
            ("BatteryIn", 1, "OLD", 12.5),
            ("BatteryOut", 4, "NEW", 97.0),
        ] {
            let battery = json!({"evseId": evse, "serialNumber": serial, "soC": soc, "soH": 98, "productionDate": NOW});
            let moved = json!({"eventType": event, "requestId": 5, "idToken": token, "batteryData": [battery]});
            assert_eq!(scene.says("BatterySwap", &moved), json!({}));
        }
        scene.complete(&command);
        let swaps = scene.get("/battery-swaps");
        let swap = &swaps["items"][0];
        assert_eq!(
            (&swap["state"], &swap["command_id"]),
            (&json!("complete"), &command["id"]),
            "{swaps}"
        );
        assert_eq!(swap["batteries"][0]["soc_percent"], "12.5", "{swaps}");
    });
}

/// N11 to N15: a stream is opened, tells values by messages that nobody answers, is adjusted and closed.
#[test]
fn a_stream_of_events_tells_values_that_nobody_answers() {
    check(V21, "", |scene| {
        scene.boots();
        scene.commanded(
            "SetVariableMonitoring",
            &json!({"setMonitoringData": [power_with(json!({"value": 10, "type": "Periodic", "severity": 8, "periodicEventStream": {"interval": 60}}))]}),
            &json!({"setMonitoringResult": [power_with(json!({"id": 7, "status": "Accepted", "type": "Periodic", "severity": 8}))]}),
        );
        let opened = json!({"constantStreamData": {"id": 1, "variableMonitoringId": 7, "params": {"interval": 60}}});
        assert_eq!(scene.says("OpenPeriodicEventStream", &opened), accepted());
        // While a call of ours waits for its answer.
        scene.answers("GetPeriodicEventStream", &Value::Null);
        let path = format!("/api/v1/devices/{}/commands", scene.id);
        let asked = json!({"action": "GetPeriodicEventStream", "payload": {}});
        assert_eq!(scene.server.post(&path, &asked).status, 202);
        for n in 0..3 {
            let data = [
                json!({"t": 0, "v": format!("{n}000.5")}),
                json!({"t": 10, "v": "7"}),
            ];
            let told = json!({"id": 1, "pending": 2, "basetime": NOW, "data": data});
            scene
                .sends(&json!([6, format!("s{n}"), "NotifyPeriodicEventStream", told]).to_string());
        }
        // What is answered next is not one of these.
        assert!(scene.says("Heartbeat", &json!({}))["currentTime"].is_string());
        let streams = scene.get("/event-streams");
        let heard = &streams["items"][0]["heard"];
        assert_eq!(
            (&heard["messages"], &heard["values"], &heard["pending"]),
            (&json!(3), &json!(6), &json!(2)),
            "{streams}"
        );
        let data = json!([{"id": 1, "variableMonitoringId": 7, "params": {"interval": 60}}]);
        scene.answers(
            "GetPeriodicEventStream",
            &json!({"constantStreamData": data}),
        );
        scene.heard("GetPeriodicEventStream");

        scene.commanded(
            "AdjustPeriodicEventStream",
            &json!({"id": 1, "params": {"interval": 30}}),
            &accepted(),
        );
        assert_eq!(scene.get("/event-streams")["items"][0]["interval"], 30);
        assert_eq!(
            scene.says("ClosePeriodicEventStream", &json!({"id": 1})),
            json!({})
        );
        assert_eq!(scene.get("/event-streams")["items"], json!([]));
    });
}

/// I07, I08, I11, C25 and the payment of a charge that was begun by it.
#[test]
fn a_charge_has_a_tariff_another_one_and_a_payment() {
    check(
        V21,
        "[tariff]\nreceipt_url = \"https://receipts.example/{transaction_id}\"\n",
        |scene| {
            scene.boots();
            let id = scene.id.clone();
            for (tariff, price) in [("T1", 0.25), ("T2", 0.5)] {
                let tariff = format!("{tariff}-{id}");
                let body = json!({"tariff": {"tariffId": tariff, "currency": "EUR",
                "energy": {"prices": [{"priceKwh": price}], "taxRates": [{"type": "vat", "tax": 10}]}}, "devices": if price < 0.3 { json!([id]) } else { json!([]) }});
                let put = scene.request("PUT", &format!("/api/v1/tariffs/{tariff}"), &body);
                assert!([200, 201].contains(&put.status), "{}", put.body);
            }
            scene.answers("SetDefaultTariff", &accepted());
            let (first, second) = (format!("T1-{id}"), format!("T2-{id}"));
            let sent = scene.post("/tariffs", &json!({"tariff_id": first, "connector_id": 0}));
            assert!([200, 201].contains(&sent.status), "{}", sent.body);
            assert_eq!(
                scene.heard("SetDefaultTariff")["tariff"]["tariffId"],
                json!(first)
            );
            let assigned = json!([{"tariffId": first, "tariffKind": "DefaultTariff", "validFrom": NOW, "evseIds": [1]}]);
            scene.commanded(
                "GetTariffs",
                &json!({"evseId": 0}),
                &json!({"status": "Accepted", "tariffAssignments": assigned}),
            );
            assert_eq!(
                scene.get("/tariffs")["tariffs"][0]["tariff_id"],
                json!(first)
            );

            let begun = event(
                &id,
                "Started",
                0,
                1000,
                json!({"idToken": {"idToken": "TAG", "type": "ISO14443"}}),
            );
            assert_eq!(
                scene.says("TransactionEvent", &begun)["idTokenInfo"]["status"],
                "Accepted"
            );
            let running = scene.server.get("/api/v1/transactions/active").json();
            let running = running["items"]
                .as_array()
                .unwrap()
                .iter()
                .find(|item| item["device_id"] == json!(id))
                .unwrap_or_else(|| panic!("{running}"))
                .clone();
            let transaction = running["id"].as_str().unwrap().to_owned();
            scene.answers("ChangeTransactionTariff", &accepted());
            let path = format!("/api/v1/transactions/{transaction}/tariff");
            let changed = scene.request("POST", &path, &json!({"tariff_id": second}));
            assert_eq!(changed.status, 200, "{}", changed.body);
            assert_eq!(
                scene.heard("ChangeTransactionTariff")["tariff"]["tariffId"],
                json!(second)
            );
            let mut changed = event(
                &id,
                "Updated",
                1,
                1400,
                json!({"costDetails": {
            "totalCost": {"currency": "EUR", "typeOfCost": "NormalCost", "total": {"exclTax": 0.1, "inclTax": 0.11}},
            "totalUsage": {"energy": 0.4, "chargingTime": 60, "idleTime": 0}}}),
            );
            changed["triggerReason"] = json!("TariffChanged");
            changed["transactionInfo"]["tariffId"] = json!(second);
            scene.says("TransactionEvent", &changed);
            let ended = scene.says("TransactionEvent", &event(&id, "Ended", 2, 1800, json!({})));
            // 400 Wh by each, with a tenth of tax.
            assert_eq!(ended["totalCost"].as_f64(), Some(0.33), "{ended}");

            let paid = json!({"transactionId": id, "pspRef": "PSP-1", "status": "Settled", "settlementAmount": 0.33, "settlementTime": NOW});
            let receipt = scene.says("NotifySettlement", &paid);
            let url = format!("https://receipts.example/{transaction}");
            assert_eq!(receipt["receiptUrl"], json!(url), "{receipt}");
            assert_eq!(scene.says("NotifySettlement", &paid), receipt, "told again");
            let shown = scene
                .server
                .get(&format!("/api/v1/transactions/{transaction}"))
                .json();
            assert_eq!(
                shown["settlements"].as_array().map(Vec::len),
                Some(1),
                "{shown}"
            );
            assert_eq!(shown["settlements"][0]["amount"], "0.33", "{shown}");
            assert_eq!(shown["station_cost"]["tariff_id"], json!(second), "{shown}");
            scene.answers(
                "ClearTariffs",
                &json!({"clearTariffsResult": [{"tariffId": first, "status": "Accepted"}]}),
            );
            let path = format!("/api/v1/devices/{id}/tariffs/{first}");
            let cleared = scene.request("DELETE", &path, &Value::Null);
            assert!([200, 204].contains(&cleared.status), "{}", cleared.body);
            assert_eq!(scene.heard("ClearTariffs")["tariffIds"], json!([first]));
            assert_eq!(scene.get("/tariffs")["tariffs"], json!([]));
        },
    );
}

/// A transaction's event, of the transaction that is called as its station.
fn event(id: &str, kind: &str, seq_no: u32, register_wh: u32, more: Value) -> Value {
    let (trigger, context) = match kind {
        "Started" => ("Authorized", "Transaction.Begin"),
        "Ended" => ("StopAuthorized", "Transaction.End"),
        _ => ("MeterValuePeriodic", "Sample.Periodic"),
    };
    let sample = json!({"value": register_wh, "context": context, "measurand": "Energy.Active.Import.Register"});
    let mut event = json!({
        "eventType": kind, "timestamp": now(), "triggerReason": trigger, "seqNo": seq_no,
        "transactionInfo": {"transactionId": id, "chargingState": "Charging"},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [{"timestamp": now(), "sampledValue": [sample]}],
    });
    if kind == "Ended" {
        event["transactionInfo"]["stoppedReason"] = json!("Local");
    }
    event
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    event
}

/// C25: the URL of a dynamic QR code is good while the station shows it, and for that station alone.
#[test]
fn a_driver_pays_by_the_url_that_the_station_shows() {
    check(V21, "", |scene| {
        scene.boots();
        // The password is made by code of nobody here, which one of the two stations has.
        if scene.id != "PY-1" {
            return;
        }
        let of = |name: &str| json!({"component": {"name": "WebPaymentsCtrlr"}, "variable": {"name": name}});
        let told: Vec<_> = [
            (
                "URLTemplate",
                "https://qr.example/{chargingstationid}/{evse}/{totp}/{version}",
            ),
            ("ValidityTime", "3600"),
            ("Length", "8"),
        ]
        .iter()
        .map(|(name, value)| {
            let mut data = of(name);
            data["variableAttribute"] = json!([{"value": value}]);
            data
        })
        .collect();
        let report = json!({"requestId": 1, "generatedAt": NOW, "seqNo": 0, "reportData": told});
        assert_eq!(scene.says("NotifyReport", &report), json!({}));
        let mut secret = of("SharedSecret");
        secret["attributeValue"] = json!("a-secret-of-24-characters");
        let mut taken = of("SharedSecret");
        taken["attributeStatus"] = json!("Accepted");
        scene.commanded(
            "SetVariables",
            &json!({"setVariableData": [secret]}),
            &json!({"setVariableResult": [taken]}),
        );
        scene.station.tell(&json!({"do": "totp", "secret": "a-secret-of-24-characters", "period": 3600, "length": 8}));
        let password = scene.next("totp")["password"].as_str().unwrap().to_owned();
        let pays = |scene: &Scene<'_>, station: &str, password: &str| {
            let url = format!("https://qr.example/{station}/2/{password}/v1?maxenergy=20000");
            let answer = scene
                .server
                .post("/api/v1/web-payments/check", &json!({"url": url}));
            assert_eq!(answer.status, 200, "{}", answer.body);
            answer.json()
        };
        let good = pays(scene, "PY-1", &password);
        assert_eq!(
            (&good["valid"], &good["evse_id"], &good["max_energy_wh"]),
            (&json!(true), &json!(2), &json!("20000")),
            "{good}"
        );
        let wrong: String = password.chars().rev().collect();
        assert_eq!(pays(scene, "PY-1", &wrong)["valid"], false);
        assert_eq!(pays(scene, "PY-2", &password)["valid"], false);
    });
}

/// K21, K22, K28: a profile takes new rates as it goes, and charges with priority.
#[test]
fn a_profile_takes_new_rates_as_it_goes() {
    check(V21, "", |scene| {
        scene.boots();
        let profile = json!({
            "id": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Dynamic", "dynUpdateInterval": 60,
            "chargingSchedule": [{"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11000}]}],
        });
        scene.commanded(
            "SetChargingProfile",
            &json!({"evseId": 1, "chargingProfile": profile}),
            &accepted(),
        );
        let pulled = scene.says(
            "PullDynamicScheduleUpdate",
            &json!({"chargingProfileId": 1}),
        );
        assert_eq!(
            pulled["scheduleUpdate"]["limit"].as_f64(),
            Some(11000.0),
            "{pulled}"
        );
        let update =
            json!({"chargingProfileId": 1, "scheduleUpdate": {"limit": 7000, "limit_L2": 2000}});
        scene.commanded("UpdateDynamicSchedule", &update, &accepted());
        let pulled = scene.says(
            "PullDynamicScheduleUpdate",
            &json!({"chargingProfileId": 1}),
        );
        assert_eq!(
            pulled["scheduleUpdate"]["limit"].as_f64(),
            Some(7000.0),
            "{pulled}"
        );

        let id = scene.id.clone();
        scene.says(
            "TransactionEvent",
            &event(&id, "Started", 0, 1000, json!({})),
        );
        scene.commanded(
            "UsePriorityCharging",
            &json!({"transactionId": id, "activate": true}),
            &accepted(),
        );
        let told = json!({"transactionId": id, "activated": false});
        assert_eq!(scene.says("NotifyPriorityCharging", &told), json!({}));
        scene.commanded(
            "NotifyAllowedEnergyTransfer",
            &json!({"transactionId": id, "allowedEnergyTransfer": ["AC_single_phase"]}),
            &accepted(),
        );
        scene.commanded(
            "AFRRSignal",
            &json!({"timestamp": NOW, "signal": -3}),
            &accepted(),
        );
        let shown = scene.get("/charging-profiles");
        assert!(shown.to_string().contains("-3"), "{shown}");
    });
}
