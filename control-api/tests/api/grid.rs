use sdk::{BatteryEvent, BatterySwapState, CommandRequest, DerControlState, VariableFilter};
use serde_json::{Value, json};

use super::world::{World, refusal, with_server};

/// An operator's command, beside the test, which plays the station.
fn command(world: &World, action: &str, payload: Value) -> tokio::task::JoinHandle<()> {
    let client = world.admin.clone();
    let request = CommandRequest {
        action: action.into(),
        payload: payload.into(),
        answer_timeout: None,
    };
    tokio::spawn(async move {
        let wait = Some(std::time::Duration::from_secs(60));
        client.command("CP1", &request, wait).await.unwrap();
    })
}

#[test]
fn der_controls_and_their_alarms_are_shown() {
    with_server(|world| async move {
        let mut station = world.station_21("CP1").await;
        let droop = json!({
            "priority": 1, "overFreq": 50.2, "underFreq": 49.8,
            "overDroop": 5, "underDroop": 5, "responseTime": 1,
        });
        let set = json!({
            "isDefault": true, "controlId": "d1", "controlType": "FreqDroop", "freqDroop": droop,
        });
        let sent = command(&world, "SetDERControl", set);
        station
            .answer("SetDERControl", json!({ "status": "Accepted" }))
            .await;
        sent.await.unwrap();
        for more in [json!({}), json!({ "alarmEnded": true })] {
            let mut alarm = json!({
                "controlType": "FreqDroop", "gridEventFault": "OverFrequency",
                "timestamp": "2026-11-22T10:00:00Z",
            });
            let members = alarm.as_object_mut().unwrap();
            members.extend(more.as_object().unwrap().clone());
            station.call("NotifyDERAlarm", alarm).await;
        }

        let known = world.admin.der_controls("CP1").await.unwrap();
        let [control] = &known.controls[..] else {
            panic!("{known:?}")
        };
        assert_eq!(
            (&*control.id, control.state),
            ("d1", DerControlState::Active)
        );
        assert_eq!(control.control_type.as_deref(), Some("FreqDroop"));
        assert_eq!(control.settings, Some(droop));
        assert!(control.command_id.is_some() && control.is_default);
        let [alarm] = &known.alarms[..] else {
            panic!("{known:?}")
        };
        assert_eq!(alarm.fault.as_deref(), Some("OverFrequency"));
        assert_eq!(alarm.ended_at, alarm.raised_at);
        assert_eq!(
            refusal(world.admin.der_controls("CP9").await),
            "404 not_found"
        );
    });
}

#[test]
fn values_of_a_stream_are_values_of_its_variable() {
    with_server(|world| async move {
        let mut station = world.station_21("CP1").await;
        let place = json!({
            "component": { "name": "EVSE", "evse": { "id": 1 } },
            "variable": { "name": "Power" },
        });
        let with = |members: Value| {
            let mut all = place.as_object().unwrap().clone();
            all.extend(members.as_object().unwrap().clone());
            Value::Object(all)
        };
        let monitor = with(json!({
            "value": 10, "type": "Periodic", "severity": 8, "periodicEventStream": { "interval": 60 },
        }));
        let result =
            with(json!({ "id": 7, "status": "Accepted", "type": "Periodic", "severity": 8 }));
        let sent = command(
            &world,
            "SetVariableMonitoring",
            json!({ "setMonitoringData": [monitor] }),
        );
        let accepted = json!({ "setMonitoringResult": [result] });
        station.answer("SetVariableMonitoring", accepted).await;
        sent.await.unwrap();
        for id in [2, 1] {
            let stream =
                json!({ "id": id, "variableMonitoringId": 6 + id, "params": { "interval": 60 } });
            let opened = json!({ "constantStreamData": stream });
            let answer = station.call("OpenPeriodicEventStream", opened).await;
            assert_eq!(answer, json!({ "status": "Accepted" }));
        }
        let values = json!({
            "id": 1, "pending": 3, "basetime": "2026-01-01T00:00:00Z",
            "data": [{ "t": 0, "v": "6900" }, { "t": 2.5, "v": "7100" }],
        });
        station.tell("NotifyPeriodicEventStream", values).await;
        // It has no answer of its own: the next call has one, and comes behind it.
        station.call("Heartbeat", json!({})).await;

        let first = world
            .admin
            .event_streams("CP1", Some(1), None)
            .await
            .unwrap();
        let [stream] = &first.items[..] else {
            panic!("{first:?}")
        };
        assert_eq!(
            (stream.id, stream.monitor_id, stream.interval),
            (1, 7, Some(60))
        );
        let heard = stream.heard.clone().unwrap();
        assert_eq!((heard.messages, heard.values, heard.pending), (1, 2, 3));
        let cursor = first.next_cursor.as_deref();
        let second = world
            .admin
            .event_streams("CP1", Some(1), cursor)
            .await
            .unwrap();
        assert_eq!((second.items[0].id, &second.next_cursor), (2, &None));
        assert_eq!(second.items[0].heard, None);

        let filter = VariableFilter {
            variable: Some("Power".into()),
            ..VariableFilter::default()
        };
        let variables = world.admin.variables("CP1", &filter).await.unwrap();
        let attribute = &variables.items[0].attributes[0];
        assert_eq!(attribute.value.as_deref(), Some("7100"));
        assert_eq!(attribute.as_of, "2026-01-01T00:00:02.500Z");
    });
}

#[test]
fn a_battery_swap_is_followed_from_its_request_to_its_end() {
    with_server(|world| async move {
        let mut station = world.station_21("CP1").await;
        let token = json!({ "idToken": "TAG", "type": "ISO14443" });
        let asked = json!({ "idToken": token, "requestId": 5 });
        let sent = command(&world, "RequestBatterySwap", asked);
        station
            .answer("RequestBatterySwap", json!({ "status": "Accepted" }))
            .await;
        sent.await.unwrap();
        for (request, event, serial) in [
            (5, "BatteryIn", "OLD"),
            (5, "BatteryOut", "NEW"),
            (6, "BatteryIn", "B"),
        ] {
            let swap = json!({
                "eventType": event, "idToken": token, "requestId": request,
                "batteryData": [{ "evseId": 1, "serialNumber": serial, "soC": 12.5, "soH": 99 }],
            });
            let answer = station.call("BatterySwap", swap).await;
            assert_eq!(answer, json!({}));
        }

        let page = world
            .admin
            .battery_swaps("CP1", Some(1), None)
            .await
            .unwrap();
        let [local] = &page.items[..] else {
            panic!("{page:?}")
        };
        assert_eq!((local.request_id, local.state), (6, BatterySwapState::In));
        assert_eq!(local.command_id, None);
        let cursor = page.next_cursor.as_deref();
        let page = world
            .admin
            .battery_swaps("CP1", None, cursor)
            .await
            .unwrap();
        let [swap] = &page.items[..] else {
            panic!("{page:?}")
        };
        assert_eq!(
            (swap.request_id, swap.state),
            (5, BatterySwapState::Complete)
        );
        let events: Vec<_> = swap.batteries.iter().map(|battery| battery.event).collect();
        assert_eq!(events, [BatteryEvent::In, BatteryEvent::Out]);
        assert_eq!(swap.batteries[0].soc_percent, "12.5");
        assert_eq!(swap.token_ref, local.token_ref);

        let command = swap.command_id.as_deref().unwrap();
        let course = world.admin.command_by_id(command).await.unwrap();
        assert_eq!(course.follow_ups.len(), 2);
        assert!(course.complete.unwrap_or(false), "{course:?}");
    });
}
