//! What one part may not reach by itself and is passed instead: each crossing between two crates' words is one
//! function here.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use control_api::{Principals, SqlError, SqlFn, SqlRow};
use dataplane::{
    Characteristics, CommandId, ConnectorView, Mutability, ReservationView, Router, StationFilter,
    StationView, StoredProfile, VariableSource, VariableView, stored_battery_swaps,
    stored_charging_profiles, stored_der_alarms, stored_der_controls, stored_display_messages,
    stored_monitors, stored_reservations, stored_variables,
};
use fleet::record::{
    BatteryEvent, BatterySwap, BatterySwapState, ChargingSource, DerAlarm, DerControlHeld, Protocol,
};
use fleet::{StationKey, TENANT_DEFAULT, UtcMicros};
use pipeline::{
    Asked, BatterySwapRow, ChargingProfileRow, ConnectorRow, DerAlarmRow, DerControlRow,
    DisplayMessageRow, MonitorRow, Page, PagesFn, ReservationRow, Sql, StationRow, Stations,
    VariableRow,
};
use storage::state::{StateError, StateStore};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::query;

/// A caller of the API as a reader of tables.
pub(crate) fn reader(principal: control_api::Principal) -> pipeline::Principal {
    pipeline::Principal {
        tenant: principal.tenant,
        name: principal.name,
        role: match principal.role {
            sdk::Role::Admin => pipeline::Role::Admin,
            sdk::Role::Operator => pipeline::Role::Operator,
            sdk::Role::ReadOnly => pipeline::Role::ReadOnly,
        },
    }
}

/// Who holds a bearer token.
pub(super) fn by_token(
    principals: &Principals,
) -> impl Fn(&str) -> Option<pipeline::Principal> + Send + Sync + 'static + use<> {
    let principals = principals.clone();
    move |token| principals.principal_by_token(token).map(reader)
}

/// What checks the password of a user of the Postgres wire.
pub(super) fn by_name(
    principals: &Principals,
) -> impl Fn(&str) -> Option<pipeline::ScramVerifier> + Send + Sync + 'static + use<> {
    let principals = principals.clone();
    move |name| {
        principals
            .scram_verifier(name)
            .map(|verifier| pipeline::ScramVerifier {
                salt: verifier.salt.to_vec(),
                iterations: verifier.iterations,
                salted_password: verifier.salted_password.to_vec(),
                principal: reader(verifier.principal),
            })
    }
}

/// `stations` and `connectors` of SQL: the shards' answer of this moment; the others as the state store has them. Called
/// within the runtime whose timers bound the wait for the shards.
pub(super) fn stations(router: &Router, store: &StateStore) -> Stations {
    let timers = Handle::current();
    let all = |router: Router| {
        let timers = timers.clone();
        move || {
            // A query's thread has no timers of its own.
            let _timers = timers.enter();
            futures::executor::block_on(all_stations(&router))
        }
    };
    let (stations, connectors) = (all(router.clone()), all(router.clone()));
    Stations {
        stations: Arc::new(move || stations().into_iter().map(station_row).collect()),
        connectors: Arc::new(move || connectors().iter().flat_map(connector_rows).collect()),
        variables: variables(store),
        reservations: reservations(store),
        charging_profiles: charging_profiles(store),
        der_controls: der_controls(store),
        der_alarms: der_alarms(store),
        battery_swaps: battery_swaps(store),
        monitors: monitors(store),
        display_messages: display_messages(store),
    }
}

/// The same of a server that is down, whose stations these are.
pub(crate) fn stored(store: &StateStore, stations: Vec<StationView>) -> Stations {
    let all = Arc::new(stations);
    let connectors = Arc::clone(&all);
    Stations {
        stations: Arc::new(move || all.iter().cloned().map(station_row).collect()),
        connectors: Arc::new(move || connectors.iter().flat_map(connector_rows).collect()),
        variables: variables(store),
        reservations: reservations(store),
        charging_profiles: charging_profiles(store),
        der_controls: der_controls(store),
        der_alarms: der_alarms(store),
        battery_swaps: battery_swaps(store),
        monitors: monitors(store),
        display_messages: display_messages(store),
    }
}

fn variables(store: &StateStore) -> PagesFn<VariableRow> {
    paged(store, stored_variables, |(station, variable)| {
        variable_rows(&station, &variable).collect()
    })
}

fn reservations(store: &StateStore) -> PagesFn<ReservationRow> {
    paged(store, stored_reservations, |(station, reservation)| {
        vec![reservation_row(&station, reservation)]
    })
}

fn charging_profiles(store: &StateStore) -> PagesFn<ChargingProfileRow> {
    paged(store, stored_charging_profiles, |stored| {
        vec![charging_profile_row(stored)]
    })
}

fn der_controls(store: &StateStore) -> PagesFn<DerControlRow> {
    paged(store, stored_der_controls, |(station, control)| {
        vec![der_control_row(&station, control)]
    })
}

fn der_alarms(store: &StateStore) -> PagesFn<DerAlarmRow> {
    paged(store, stored_der_alarms, |(station, alarm)| {
        vec![der_alarm_row(&station, alarm)]
    })
}

fn battery_swaps(store: &StateStore) -> PagesFn<BatterySwapRow> {
    paged(store, stored_battery_swaps, |(station, swap)| {
        battery_swap_rows(&station, swap)
    })
}

fn monitors(store: &StateStore) -> PagesFn<MonitorRow> {
    paged(store, stored_monitors, |(station, item)| {
        vec![MonitorRow::read(
            station.identity(),
            item.id,
            &item.json,
            item.as_of.0,
        )]
    })
}

fn display_messages(store: &StateStore) -> PagesFn<DisplayMessageRow> {
    let read: ReadFn<_> = |store, tenant, station, after| {
        stored_display_messages(
            store,
            tenant,
            station,
            after,
            UtcMicros(net::clock::utc_micros()),
        )
    };
    paged(store, read, |(station, item)| {
        vec![DisplayMessageRow::read(
            station.identity(),
            item.id,
            item.json,
            item.as_of.0,
        )]
    })
}

/// Reads a page from the store: of a tenant, of one of its stations or all, behind the page before.
type ReadFn<T> = fn(
    &StateStore,
    &str,
    Option<&str>,
    Option<&str>,
) -> Result<dataplane::Page<T, String>, StateError>;

/// What `read` finds in the store, as rows.
fn paged<T: 'static, R: 'static>(
    store: &StateStore,
    read: ReadFn<T>,
    rows: fn(T) -> Vec<R>,
) -> PagesFn<R> {
    let store = store.clone();
    Arc::new(move |asked: Asked| {
        let (station, after) = (asked.station_id.as_deref(), asked.after.as_deref());
        let page =
            read(&store, &asked.tenant, station, after).map_err(|error| error.to_string())?;
        Ok(Page {
            rows: page.items.into_iter().flat_map(rows).collect(),
            next: page.next,
        })
    })
}

fn reservation_row(station: &StationKey, reservation: ReservationView) -> ReservationRow {
    ReservationRow {
        station_id: station.identity().to_owned(),
        reservation_id: reservation.id,
        evse_id: Some(reservation.evse_id).filter(|evse| *evse != 0),
        connector_type: known(&reservation.connector_type),
        token_ref: hex(reservation.token_ref),
        group_ref: reservation.group_ref.map(hex),
        state: reservation.state.as_str(),
        expires_at: reservation.expires_at.0,
        requested_at: reservation.requested_at.0,
        changed_at: reservation.changed_at.0,
        transaction_id: reservation.transaction.map(|id| id.to_string()),
        requested_by: known(&reservation.principal),
    }
}

fn der_control_row(station: &StationKey, held: DerControlHeld) -> DerControlRow {
    DerControlRow {
        station_id: station.identity().to_owned(),
        control_id: held.id,
        control_type: known(&held.control_type),
        is_default: held.is_default,
        is_superseded: held.is_superseded,
        priority: held.priority,
        starts_at: held.starts_at,
        duration_s: held.duration_micros.map(|micros| micros as f64 / 1e6),
        known_since: held.known_since,
        reported_at: held.reported_at,
        began_at: held.began_at,
        ended_at: held.ended_at,
        command_id: held.command_id.map(|id| CommandId(id).to_string()),
        settings: known(&held.settings),
    }
}

fn der_alarm_row(station: &StationKey, alarm: DerAlarm) -> DerAlarmRow {
    DerAlarmRow {
        station_id: station.identity().to_owned(),
        control_type: alarm.control_type,
        fault: known(&alarm.fault),
        extra_info: known(&alarm.extra_info),
        raised_at: alarm.raised_at,
        ended_at: alarm.ended_at,
        is_taken_over: alarm.is_taken_over,
        received_at: alarm.received_at,
    }
}

/// A row for each battery, or one for a swap in which none has moved.
fn battery_swap_rows(station: &StationKey, swap: BatterySwap) -> Vec<BatterySwapRow> {
    let of_swap = BatterySwapRow {
        station_id: station.identity().to_owned(),
        request_id: swap.request_id,
        state: BatterySwapState::from_code(swap.state).map(BatterySwapState::as_str),
        token_ref: hex(swap.token_ref),
        began_at: swap.began_at,
        changed_at: swap.changed_at,
        command_id: swap.command_id.map(|id| CommandId(id).to_string()),
        ..BatterySwapRow::default()
    };
    let batteries = swap.batteries.iter();
    let rows: Vec<_> = batteries
        .map(|battery| BatterySwapRow {
            event: BatteryEvent::from_code(battery.event).map(BatteryEvent::as_str),
            evse_id: Some(battery.evse_id),
            serial_number: known(&battery.serial_number),
            soc_percent: battery.soc_percent.parse().ok(),
            soh_percent: battery.soh_percent.parse().ok(),
            produced_at: battery.produced_at,
            vendor_info: known(&battery.vendor_info),
            told_at: Some(battery.at),
            ..of_swap.clone()
        })
        .collect();
    if rows.is_empty() {
        return vec![of_swap];
    }
    rows
}

fn charging_profile_row(stored: StoredProfile) -> ChargingProfileRow {
    let (held, profile) = (stored.held, stored.profile.as_ref());
    ChargingProfileRow {
        station_id: stored.station.identity().to_owned(),
        profile_id: held.id,
        evse_id: held.evse_id,
        protocol: Protocol::from_code(held.protocol).map(Protocol::as_str),
        purpose: profile.map(|profile| profile.purpose.to_string()),
        kind: profile.map(|profile| profile.kind.to_string()),
        stack_level: profile.and_then(|profile| i32::try_from(profile.stack_level).ok()),
        valid_from: profile
            .and_then(|profile| profile.valid_from)
            .map(|at| at.0),
        valid_to: profile.and_then(|profile| profile.valid_to).map(|at| at.0),
        source: ChargingSource::from_code(held.source).map(ChargingSource::as_str),
        limit_source: known(&held.limit_source),
        ocpp_transaction_id: known(&held.ocpp_transaction_id).or_else(|| {
            profile.and_then(|profile| profile.ocpp_transaction_id.as_deref().map(str::to_owned))
        }),
        is_waiting: held.waits_for.is_some(),
        is_void: held.is_void,
        installed_at: held.installed_at,
        confirmed_at: held.confirmed_at,
        updated_at: (!held.update.is_empty()).then_some(held.updated_at),
        command_id: held.command_id.map(|id| CommandId(id).to_string()),
        update: known(&held.update),
        profile: held.profile,
    }
}

fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}

fn variable_rows(
    station: &StationKey,
    variable: &VariableView,
) -> impl Iterator<Item = VariableRow> {
    let about = variable.characteristics.as_ref();
    let told = move |of: fn(&Characteristics) -> &String| about.and_then(|about| known(of(about)));
    variable
        .attributes
        .iter()
        .map(move |attribute| VariableRow {
            station_id: station.identity().to_owned(),
            component: variable.component.name.clone(),
            component_instance: known(&variable.component.instance),
            evse_id: variable.evse_id,
            connector_id: variable.connector_id,
            variable: variable.variable.name.clone(),
            variable_instance: known(&variable.variable.instance),
            attribute: attribute.kind.as_str(),
            value: attribute.value.clone(),
            mutability: attribute.mutability.map(Mutability::as_str),
            persistent: attribute.persistent,
            constant: attribute.constant,
            data_type: told(|about| &about.data_type),
            unit: told(|about| &about.unit),
            min_limit: told(|about| &about.min_limit),
            max_limit: told(|about| &about.max_limit),
            values_list: told(|about| &about.values_list),
            source: match attribute.source {
                VariableSource::Report => "report",
                VariableSource::Get => "get",
                VariableSource::Set => "set",
                VariableSource::Event => "event",
            },
            reported_at: attribute.as_of.0,
        })
}

/// Every station, a page at a time. A shard that does not answer leaves its stations out, and a line in the log.
async fn all_stations(router: &Router) -> Vec<StationView> {
    let filter = StationFilter {
        tenant: TENANT_DEFAULT.to_owned(),
        ..StationFilter::default()
    };
    let (mut stations, mut after) = (Vec::new(), None);
    loop {
        let asked = timeout(PAGE_TIMEOUT, router.stations(&filter, after, PAGE_LEN)).await;
        let page = asked
            .map_err(anyhow::Error::from)
            .and_then(|answered| Ok(answered?));
        match page {
            Ok(page) => {
                stations.extend(page.items);
                after = page.next;
                if after.is_none() {
                    return stations;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a query sees a part of the stations only");
                return stations;
            }
        }
    }
}

/// How long the shards may take for a page; a shard that is gone never answers.
const PAGE_TIMEOUT: Duration = Duration::from_secs(10);
/// Stations asked for at a time; the router's own limit.
const PAGE_LEN: usize = 500;

fn station_row(station: StationView) -> StationRow {
    StationRow {
        tenant: station.key.tenant().to_owned(),
        station_id: station.key.identity().to_owned(),
        site: known(&station.site),
        address: known(&station.address),
        latitude: station.location.map(|(latitude, _)| latitude),
        longitude: station.location.map(|(_, longitude)| longitude),
        vendor: known(&station.vendor),
        model: known(&station.model),
        serial_number: known(&station.serial_number),
        firmware_version: known(&station.firmware_version),
        protocol: station
            .protocol
            .map(|protocol| protocol.as_str().to_owned()),
        acceptance: station.acceptance.as_str().to_owned(),
        online: station.online,
        connected_at: station.connected_at.map(|at| at.0),
        last_seen_at: station.last_seen_at.map(|at| at.0),
    }
}

fn connector_rows(station: &StationView) -> impl Iterator<Item = ConnectorRow> {
    station
        .connectors
        .iter()
        .map(|connector: &ConnectorView| ConnectorRow {
            tenant: station.key.tenant().to_owned(),
            station_id: station.key.identity().to_owned(),
            evse_id: connector.evse_id,
            connector_id: connector.connector_id,
            status: connector.status.map(|status| status.as_str().to_owned()),
            status_reported: known(&connector.status_reported),
            error_code: known(&connector.error_code),
            transaction_id: connector.transaction.map(|id| id.to_string()),
            changed_at: connector.status_at.map(|at| at.0),
        })
}

/// The shards say "nothing" with an empty text, SQL with NULL.
fn known(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Rows for the API's own questions.
pub(super) fn sql(sql: Sql) -> SqlFn {
    Arc::new(move |principal, text| {
        let sql = sql.clone();
        Box::pin(async move {
            let asked = query::ask(sql, reader(principal), &text, "application/json").await;
            let (status, body) = asked.map_err(|error| SqlError::Failed(format!("{error:#}")))?;
            match status {
                StatusCode::OK => serde_json::from_slice::<Vec<SqlRow>>(&body)
                    .map_err(|error| SqlError::Failed(error.to_string())),
                StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                    Err(SqlError::Unavailable(query::detail(&body)))
                }
                _ => Err(SqlError::Failed(query::detail(&body))),
            }
        })
    })
}
