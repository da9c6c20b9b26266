//! What a record tells of its station's events.

use fleet::EventId;
use fleet::wire::{Body, RecordView};
use serde_json::json;
use serde_json::value::RawValue;

use super::EventKey;
use super::row::{deleted_row, event_row};
use crate::charging::held::members;
use crate::items::row::Told;
use crate::variables::row::VariableRow;

/// The rows that a record makes, each to `put`. A record that tells of no event costs nothing.
pub(crate) fn rows(event: EventId, record: &RecordView<'_>, mut put: impl FnMut(VariableRow)) {
    let told = Told {
        position: event,
        as_of: record.received_at,
    };
    let key = |place: u16| EventKey {
        received_at: record.received_at.0,
        seq: event.seq.0,
        place,
    };
    if let Some(notified) = record.body.notified() {
        if notified.action != "NotifyEvent" {
            return;
        }
        let message = members(notified.payload);
        let events = message.get("eventData").map(|list| list.get());
        let events: Vec<&RawValue> = events
            .and_then(|list| serde_json::from_str(list).ok())
            .unwrap_or_default();
        let Ok(station) = record.station_key() else {
            return;
        };
        for (place, event) in (0..=u16::MAX).zip(events) {
            put(event_row(&station, key(place), told, event.get()));
        }
    } else if let Body::StatusReported(status) = &record.body {
        let error_code = status.error_code.as_str();
        if matches!(error_code, "" | "NoError") {
            return;
        }
        let said = json!({
            "errorCode": error_code,
            "vendorErrorCode": status.vendor_error_code.as_str(),
            "vendorId": status.vendor_id.as_str(),
            "info": status.info.as_str(),
            "timestamp": status.occurred.raw.as_str(),
            "evseId": status.evse_id.to_native(),
            "connectorId": status.connector_id.to_native(),
        });
        if let Ok(station) = record.station_key() {
            put(event_row(&station, key(0), told, &said.to_string()));
        }
    } else if let Body::StationDeleted(_) = &record.body
        && let Ok(station) = record.station_key()
    {
        put(deleted_row(&station, told));
    }
}
