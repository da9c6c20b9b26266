//! Events in the words of OCPP 1.6.
//!
//! The text is written here rather than with the types of `ocpp`: a server built on those types is what this program
//! is to judge, and a mistake in them must not cancel itself out. The tests decode every payload strictly.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Station};
use crate::charge::Reading;
use crate::clock::rfc3339;
use crate::event::{Body, Event, Sampled, Status, StopReason};

/// The payload of the event's call.
pub(super) fn payload(station: &Station, event: &Event) -> String {
    let at = rfc3339(event.at_millis);
    let transaction_id = event
        .body
        .transaction()
        .and_then(|transaction| station.name_of(transaction));
    let payload = match &event.body {
        Body::Boot { .. } => json!({
            "chargePointVendor": "SIGEC",
            "chargePointModel": "Loadgen 16",
            "chargePointSerialNumber": format!("L16-{:06}", station.index),
            "firmwareVersion": env!("CARGO_PKG_VERSION"),
        }),
        Body::Heartbeat => json!({}),
        Body::Authorize { token, .. } => json!({ "idTag": token }),
        Body::Status { evse, status } => status_payload(*evse, *status, &at),
        Body::Start {
            transaction,
            token,
            reading,
            ..
        } => json!({
            "connectorId": transaction.evse,
            "idTag": token,
            "meterStart": reading.register_mwh / 1_000,
            "timestamp": at,
        }),
        Body::Sample {
            transaction,
            reading,
            why,
        } => json!({
            "connectorId": transaction.evse,
            "transactionId": transaction_id,
            "meterValue": [{
                "timestamp": at,
                "sampledValue": samples(station, reading, *why),
            }],
        }),
        Body::Stop {
            token,
            reading,
            reason,
            ..
        } => json!({
            "transactionId": transaction_id,
            "idTag": token,
            "meterStop": reading.register_mwh / 1_000,
            "timestamp": at,
            "reason": reason_word(*reason),
        }),
    };
    payload.to_string()
}

fn status_payload(evse: u32, status: Status, at: &str) -> Value {
    json!({
        "connectorId": evse,
        "errorCode": "NoError",
        "status": status.as_str(ocpp::Version::V16),
        "timestamp": at,
    })
}

fn reason_word(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Local => "Local",
        StopReason::Remote => "Remote",
        StopReason::DeAuthorized => "DeAuthorized",
        StopReason::HardReset => "HardReset",
        StopReason::SoftReset => "SoftReset",
        StopReason::UnlockCommand => "UnlockCommand",
    }
}

fn samples(station: &Station, reading: &Reading, why: Sampled) -> Vec<Value> {
    let context = match why {
        Sampled::Periodically => "Sample.Periodic",
        Sampled::OnTrigger => "Trigger",
    };
    let sample = |measurand: &str, unit: &str, value: String| {
        json!({
            "value": value, "context": context, "measurand": measurand, "unit": unit,
            "location": "Outlet",
        })
    };
    let tenths = |value: u32| format!("{}.{}", value / 10, value % 10);
    let (energy, unit) = super::energy_text(station, reading.register_mwh);
    let mut samples = vec![
        sample("Energy.Active.Import.Register", unit, energy),
        sample("Power.Active.Import", "W", reading.power_w.to_string()),
    ];
    if reading.three_phase {
        samples.extend(["L1", "L2", "L3"].map(|phase| {
            let mut current = sample("Current.Import", "A", tenths(reading.current_da));
            current["phase"] = phase.into();
            current
        }));
    } else {
        samples.push(sample("Current.Import", "A", tenths(reading.current_da)));
    }
    samples.push(sample("Voltage", "V", tenths(reading.voltage_dv)));
    let mut soc = sample("SoC", "Percent", reading.soc_percent.to_string());
    soc["location"] = "EV".into();
    samples.push(soc);
    samples
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    status: Option<String>,
    interval: Option<u64>,
    transaction_id: Option<i64>,
    id_tag_info: Option<IdTagInfo>,
}

#[derive(Deserialize)]
struct IdTagInfo {
    status: String,
}

/// What the answer to `body` says; `None` when it lacks what 1.6 requires.
pub(super) fn answer(body: &Body, payload: &str) -> Option<Answer> {
    let payload: Payload = serde_json::from_str(payload).ok()?;
    let id_tag_accepted = payload.id_tag_info.map(|info| info.status == "Accepted");
    match body {
        Body::Boot { .. } => Some(Answer {
            accepted: payload.status? == "Accepted",
            interval: Some(Duration::from_secs(payload.interval?)),
            transaction: None,
        }),
        Body::Authorize { .. } => Some(Answer {
            accepted: id_tag_accepted?,
            ..Answer::ACCEPTED
        }),
        Body::Start { .. } => Some(Answer {
            accepted: id_tag_accepted?,
            interval: None,
            transaction: Some(payload.transaction_id?),
        }),
        Body::Heartbeat | Body::Status { .. } | Body::Sample { .. } | Body::Stop { .. } => {
            Some(Answer::ACCEPTED)
        }
    }
}
