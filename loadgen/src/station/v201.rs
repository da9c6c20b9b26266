//! Events in the words of OCPP 2.0.1 and 2.1, which say all this alike. Written here for the reason given in the module for 1.6.

use std::time::Duration;

use ocpp::Version;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Station};
use crate::charge::Reading;
use crate::clock::rfc3339;
use crate::event::{Body, Event, Sampled, Status, StopReason, Transaction};
use crate::plan::Plan;
use crate::random::Random;

/// The station's id of a transaction: in the form of a UUID, another one in every run.
pub(super) fn transaction_id(plan: &Plan, index: u32, transaction: Transaction) -> String {
    let path = [
        u64::from(index),
        u64::from(transaction.evse),
        u64::from(transaction.number),
        plan.timeline.start_utc_micros as u64,
    ];
    let mut random = Random::new(plan.seed, &path);
    let (high, low) = (random.bits(), random.bits());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 50),
        low & 0xffff_ffff_ffff,
    )
}

/// The payload of the event's call.
pub(super) fn payload(station: &Station, plan: &Plan, event: &Event) -> String {
    let at = rfc3339(event.at_millis);
    let series = match station.version {
        Version::V21 => "21",
        Version::V16 | Version::V201 => "201",
    };
    let payload = match &event.body {
        Body::Boot { reason } => json!({
            "reason": reason,
            "chargingStation": {
                "vendorName": "SIGEC",
                "model": format!("Loadgen {series}"),
                "serialNumber": format!("L{series}-{:06}", station.index),
                "firmwareVersion": env!("CARGO_PKG_VERSION"),
            },
        }),
        Body::Heartbeat => json!({}),
        Body::Authorize { token, .. } => json!({ "idToken": id_token(token) }),
        Body::Status { evse, status } => status_payload(*evse, *status, &at),
        Body::Start {
            transaction,
            token,
            reading,
            remote_start_id,
            remote,
        } => {
            let energy = energy(station, reading, "Transaction.Begin");
            let mut payload =
                transaction_event(station, plan, event, *transaction, &at, vec![energy]);
            payload["eventType"] = "Started".into();
            payload["triggerReason"] = if *remote { "RemoteStart" } else { "Authorized" }.into();
            payload["transactionInfo"]["chargingState"] = "Charging".into();
            if let Some(id) = remote_start_id {
                payload["transactionInfo"]["remoteStartId"] = (*id).into();
            }
            payload["idToken"] = id_token(token);
            payload
        }
        Body::Sample {
            transaction,
            reading,
            why,
        } => {
            let samples = samples(station, reading, *why);
            let mut payload = transaction_event(station, plan, event, *transaction, &at, samples);
            payload["eventType"] = "Updated".into();
            payload["triggerReason"] = match why {
                Sampled::Periodically => "MeterValuePeriodic",
                Sampled::OnTrigger => "Trigger",
            }
            .into();
            payload["transactionInfo"]["chargingState"] = "Charging".into();
            payload
        }
        Body::Stop {
            transaction,
            token,
            reading,
            reason,
        } => {
            let energy = energy(station, reading, "Transaction.End");
            let mut payload =
                transaction_event(station, plan, event, *transaction, &at, vec![energy]);
            let (trigger, stopped) = reason_words(*reason);
            payload["eventType"] = "Ended".into();
            payload["triggerReason"] = trigger.into();
            payload["transactionInfo"]["stoppedReason"] = stopped.into();
            payload["idToken"] = id_token(token);
            payload
        }
    };
    payload.to_string()
}

fn status_payload(evse: u32, status: Status, at: &str) -> Value {
    json!({
        "timestamp": at,
        "connectorStatus": status.as_str(Version::V201),
        "evseId": evse,
        "connectorId": 1,
    })
}

fn id_token(token: &str) -> Value {
    json!({ "idToken": token, "type": "ISO14443" })
}

/// What every TransactionEvent has; its kind comes on top.
fn transaction_event(
    station: &Station,
    plan: &Plan,
    event: &Event,
    transaction: Transaction,
    at: &str,
    samples: Vec<Value>,
) -> Value {
    let mut payload = json!({
        "timestamp": at,
        "seqNo": event.seq,
        "transactionInfo": { "transactionId": transaction_id(plan, station.index, transaction) },
        "evse": { "id": transaction.evse, "connectorId": 1 },
        "meterValue": [{ "timestamp": at, "sampledValue": samples }],
    });
    if event.offline {
        payload["offline"] = true.into();
    }
    payload
}

fn reason_words(reason: StopReason) -> (&'static str, &'static str) {
    match reason {
        StopReason::Local => ("StopAuthorized", "Local"),
        StopReason::Remote => ("RemoteStop", "Remote"),
        StopReason::DeAuthorized => ("Deauthorized", "DeAuthorized"),
        StopReason::HardReset | StopReason::SoftReset => ("ResetCommand", "ImmediateReset"),
        StopReason::UnlockCommand => ("UnlockCommand", "Other"),
    }
}

/// The register as a sampled value.
fn energy(station: &Station, reading: &Reading, context: &str) -> Value {
    let (digits, unit) = super::energy_text(station, reading.register_mwh);
    // A double holds 15 digits exactly, and prints them again; a register has no more up to 1 GWh.
    let value: f64 = digits.parse().expect("digits and a point");
    json!({
        "value": value,
        "context": context,
        "measurand": "Energy.Active.Import.Register",
        "unitOfMeasure": { "unit": unit },
    })
}

fn samples(station: &Station, reading: &Reading, why: Sampled) -> Vec<Value> {
    let context = match why {
        Sampled::Periodically => "Sample.Periodic",
        Sampled::OnTrigger => "Trigger",
    };
    let energy = energy(station, reading, context);
    let sample = |measurand: &str, unit: &str, value: Value| {
        json!({
            "value": value,
            "context": context,
            "measurand": measurand,
            "unitOfMeasure": { "unit": unit },
        })
    };
    let tenths = |value: u32| Value::from(f64::from(value) / 10.0);
    vec![
        energy,
        sample("Power.Active.Import", "W", reading.power_w.into()),
        sample("Current.Import", "A", tenths(reading.current_da)),
        sample("Voltage", "V", tenths(reading.voltage_dv)),
        sample("SoC", "Percent", reading.soc_percent.into()),
    ]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    status: Option<String>,
    interval: Option<u64>,
    id_token_info: Option<IdTokenInfo>,
}

#[derive(Deserialize)]
struct IdTokenInfo {
    status: String,
}

/// What the answer to `body` says; `None` when it lacks what 2.0.1 and 2.1 require.
pub(super) fn answer(body: &Body, payload: &str) -> Option<Answer> {
    let payload: Payload = serde_json::from_str(payload).ok()?;
    let token_accepted = payload.id_token_info.map(|info| info.status == "Accepted");
    match body {
        Body::Boot { .. } => Some(Answer {
            accepted: payload.status? == "Accepted",
            interval: Some(Duration::from_secs(payload.interval?)),
            transaction: None,
        }),
        Body::Authorize { .. } => Some(Answer {
            accepted: token_accepted?,
            ..Answer::ACCEPTED
        }),
        // An answer without idTokenInfo has nothing against the token.
        Body::Start { .. } => Some(Answer {
            accepted: token_accepted.unwrap_or(true),
            ..Answer::ACCEPTED
        }),
        Body::Heartbeat | Body::Status { .. } | Body::Sample { .. } | Body::Stop { .. } => {
            Some(Answer::ACCEPTED)
        }
    }
}
