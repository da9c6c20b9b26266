//! A page of a station's events, put together from their rows.

use fleet::{EventId, StationKey, UtcMicros};
use serde_json::Value;
use storage::state::{StateError, StateStore, Table};

use super::row::{deleted_key, event_key, events_prefix, read_key};
use super::{EventFilter, EventKey, EventView};
use crate::items::ItemKind;
use crate::items::row::{item_key, read};
use crate::router::view::Page;
use crate::variables::Named;
use crate::variables::read::{Merged, Recent};

/// Rows that one list looks at before it answers with what it has: some ten milliseconds.
const SCAN_MAX: usize = 8_192;

/// A page of the events of `station` behind `after`, newest first. What `recent` holds is as new as what the store has, or
/// newer.
pub(crate) fn list(
    store: &StateStore,
    recent: &Recent,
    station: &StationKey,
    filter: &EventFilter,
    after: Option<EventKey>,
    limit: usize,
) -> Result<Page<EventView, EventKey>, StateError> {
    let gone = deleted_key(station);
    let deleted = [
        store.get(Table::Variables, &gone)?,
        recent.get(&gone).cloned(),
    ];
    let deleted = deleted.iter().flatten();
    let deleted = deleted
        .filter_map(|row| Some(read(row)?.0))
        .max_by_key(|told| told.as_of);

    let prefix = events_prefix(station);
    let from = after.map_or(prefix.clone(), |after| {
        // No key lies between a key and itself with a zero byte behind it.
        let mut from = event_key(station, after);
        from.push(0);
        from
    });
    let stored = store.scan(Table::Variables, &prefix, &from).peekable();
    let made = recent
        .range(from..)
        .take_while(|(key, _)| key.starts_with(&prefix))
        .peekable();
    let mut page = Page {
        items: Vec::new(),
        next: None,
    };
    let mut last = None;
    for (scanned, row) in (Merged { stored, made }).enumerate() {
        if page.items.len() == limit || scanned == SCAN_MAX {
            page.next = last;
            break;
        }
        let (key, value) = row?;
        let Some(place) = read_key(&key) else {
            continue;
        };
        last = Some(place);
        let is_older = |since: UtcMicros| place.received_at < since.0;
        if filter.since.is_some_and(is_older) {
            break;
        }
        let Some((told, json)) = read(&value) else {
            continue;
        };
        if deleted.is_some_and(|deleted| told.is_before(&deleted)) {
            break;
        }
        let mut event = view(place, told.position, json);
        if event.severity.is_none()
            && let Some(id) = event.monitor_id
        {
            event.severity = severity_of(store, recent, station, id)?;
        }
        page.items.extend(shows(filter, &event).then_some(event));
    }
    Ok(page)
}

/// How bad it is what a monitor looks for, as far as the station told of that monitor.
fn severity_of(
    store: &StateStore,
    recent: &Recent,
    station: &StationKey,
    id: i64,
) -> Result<Option<u8>, StateError> {
    let key = item_key(ItemKind::Monitor, station, id);
    let row = match recent.get(&key) {
        Some(row) => Some(row.clone()),
        None => store.get(Table::Variables, &key)?,
    };
    Ok(row.and_then(|row| {
        let monitor: Value = serde_json::from_str(read(&row)?.1).ok()?;
        severity(&monitor)
    }))
}

fn shows(filter: &EventFilter, event: &EventView) -> bool {
    let same = |wanted: &Option<String>, found: &str| {
        let wanted = wanted.as_deref();
        wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
    };
    let trigger = event.trigger.as_deref().unwrap_or_default();
    let is_as_bad = |worst: u8| event.severity.is_some_and(|severity| severity <= worst);
    same(&filter.component, &event.component.name)
        && same(&filter.variable, &event.variable.name)
        && same(&filter.trigger, trigger)
        && filter.severity.is_none_or(is_as_bad)
}

fn view(key: EventKey, position: EventId, json: &str) -> EventView {
    // Only readable messages are on record.
    let event: Value = serde_json::from_str(json).unwrap_or_default();
    if event.get("errorCode").is_some() {
        return status_view(key, position, &event);
    }
    let named = |member: &str| {
        let text = |of: &str| event[member][of].as_str().unwrap_or_default().to_owned();
        Named {
            name: text("name"),
            instance: text("instance"),
        }
    };
    let text = |member: &str| event[member].as_str().map(str::to_owned);
    let evse = &event["component"]["evse"];
    EventView {
        key,
        position,
        is_status: false,
        event_id: event["eventId"].as_i64(),
        timestamp: text("timestamp").unwrap_or_default(),
        trigger: text("trigger"),
        cause: event["cause"].as_i64(),
        component: named("component"),
        evse_id: number(&evse["id"]),
        connector_id: number(&evse["connectorId"]),
        variable: named("variable"),
        actual_value: text("actualValue"),
        tech_code: text("techCode"),
        tech_info: text("techInfo"),
        cleared: event["cleared"].as_bool(),
        ocpp_transaction_id: text("transactionId"),
        monitor_id: event["variableMonitoringId"].as_i64(),
        notification_type: text("eventNotificationType"),
        severity: severity(&event),
    }
}

/// An error of 1.6 in the words of 2.x: a connector, or the station, has a problem.
fn status_view(key: EventKey, position: EventId, status: &Value) -> EventView {
    let text = |member: &str| status[member].as_str().filter(|text| !text.is_empty());
    let named = |name: &str| Named {
        name: name.to_owned(),
        instance: String::new(),
    };
    let evse_id = number(&status["evseId"]);
    let details: Vec<_> = ["vendorId", "vendorErrorCode", "info"]
        .into_iter()
        .filter_map(text)
        .collect();
    EventView {
        key,
        position,
        is_status: true,
        event_id: None,
        trigger: None,
        cause: None,
        cleared: None,
        ocpp_transaction_id: None,
        monitor_id: None,
        notification_type: None,
        severity: None,
        timestamp: text("timestamp").unwrap_or_default().to_owned(),
        component: named(match evse_id {
            0 => "ChargingStation",
            _ => "Connector",
        }),
        evse_id,
        connector_id: number(&status["connectorId"]),
        variable: named("Problem"),
        actual_value: Some("true".to_owned()),
        tech_code: text("errorCode").map(str::to_owned),
        tech_info: (!details.is_empty()).then(|| details.join(": ")),
    }
}

fn number(value: &Value) -> u32 {
    let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
    number.unwrap_or(0)
}

fn severity(value: &Value) -> Option<u8> {
    value["severity"]
        .as_u64()
        .and_then(|n| u8::try_from(n).ok())
}
