//! What one part may not reach by itself and is passed instead: each crossing between two crates' words is one
//! function here.

use std::sync::Arc;

use axum::http::StatusCode;
use control_api::{Principals, SqlError, SqlFn, SqlRow};
use dataplane::{ConnectorView, Router, StationFilter, StationView};
use fleet::TENANT_DEFAULT;
use pipeline::{ConnectorRow, Sql, StationRow, Stations};

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

/// `stations` and `connectors` of SQL: the shards' answer of this moment.
pub(super) fn stations(router: &Router) -> Stations {
    let all = |router: Router| move || futures::executor::block_on(all_stations(&router));
    let (stations, connectors) = (all(router.clone()), all(router.clone()));
    Stations {
        stations: Arc::new(move || stations().into_iter().map(station_row).collect()),
        connectors: Arc::new(move || connectors().iter().flat_map(connector_rows).collect()),
    }
}

/// Every station, a page at a time. A shard that does not answer leaves its stations out, and a line in the log.
async fn all_stations(router: &Router) -> Vec<StationView> {
    let filter = StationFilter {
        tenant: TENANT_DEFAULT.to_owned(),
        ..StationFilter::default()
    };
    let (mut stations, mut after) = (Vec::new(), None);
    loop {
        match router.stations(&filter, after, PAGE_LEN).await {
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
