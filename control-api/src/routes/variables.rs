//! `/api/v1/devices/{id}/variables`

use axum::Json;
use axum::extract::State;
use dataplane::{AttributeView, Characteristics, Named, VariableView};
use sdk::{Page, Variable};
use serde::Deserialize;
use utoipa::IntoParams;

use super::devices::check_text;
use crate::SharedApp;
use crate::ask::{answered, station_key};
use crate::error::ApiError;
use crate::extract::{Caller, Id};
use crate::listing::{Listing, PageParams, page};
use crate::metrics::Database;

/// Longest name of a component or a variable, characters: twice what OCPP allows.
const NAME_CHARS_MAX: usize = 100;

/// Which variables to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct VariableParams {
    /// Only those of this component, without regard to case.
    component: Option<String>,
    /// Only those of this name, without regard to case.
    variable: Option<String>,
}

/// Variables of a station, as it last told them or accepted them, by component, EVSE and name.
///
/// They come from reports (`GetBaseReport`, `GetReport`), answers to `GetVariables` and `SetVariables`, and
/// `NotifyEvent`; nothing is asked of the station. What a whole `FullInventory` does not name is gone. Configuration
/// keys of 1.6 (`GetConfiguration`, `ChangeConfiguration`) are variables of the component `ChargePoint`. A page may hold
/// fewer than `limit` and still have a `next_cursor`.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/variables",
    operation_id = "list_variables",
    tag = "devices",
    params(("id" = String, Path), VariableParams, PageParams),
    responses((status = 200, description = "A page of them", body = Page<Variable>))
)]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    listing: Listing<VariableParams, String>,
) -> Result<Json<Page<Variable>>, ApiError> {
    let station = station_key(&caller, &id)?;
    let VariableParams {
        component,
        variable,
    } = listing.filter;
    for (name, text) in [("component", &component), ("variable", &variable)] {
        if let Some(text) = text {
            check_text(text, NAME_CHARS_MAX)
                .map_err(|detail| ApiError::BadParameter(format!("{name}: {detail}")))?;
        }
    }
    let filter = dataplane::VariableFilter {
        component,
        variable,
    };
    let question = app
        .router
        .variables(station, filter, listing.after, listing.limit);
    let variables = app
        .metrics
        .time(Database::State, answered(question))
        .await?
        .ok_or_else(|| ApiError::not_found("device", id.as_str()))?
        .map_err(ApiError::Unavailable)?;
    Ok(Json(page(variables, convert, String::clone)))
}

fn convert(found: VariableView) -> Variable {
    let VariableView {
        component,
        evse_id,
        connector_id,
        variable,
        attributes,
        characteristics,
    } = found;
    let instance = |named: &Named| some(&named.instance);
    Variable {
        component: sdk::VariableComponent {
            instance: instance(&component),
            name: component.name,
            evse_id,
            connector_id,
        },
        variable: sdk::VariableName {
            instance: instance(&variable),
            name: variable.name,
        },
        attributes: attributes.into_iter().map(attribute).collect(),
        characteristics: characteristics.map(|characteristics| {
            let Characteristics {
                unit,
                data_type,
                min_limit,
                max_limit,
                values_list,
                supports_monitoring,
            } = characteristics;
            sdk::VariableCharacteristics {
                unit: some(&unit),
                data_type,
                min_limit: some(&min_limit),
                max_limit: some(&max_limit),
                values_list: some(&values_list),
                supports_monitoring,
            }
        }),
    }
}

fn attribute(found: AttributeView) -> sdk::VariableAttribute {
    sdk::VariableAttribute {
        kind: found.kind.as_str().to_owned(),
        value: found.value,
        is_secret: found.is_secret,
        mutability: found
            .mutability
            .map(|mutability| mutability.as_str().to_owned()),
        persistent: found.persistent,
        constant: found.constant,
        source: match found.source {
            dataplane::VariableSource::Report => sdk::VariableSource::Report,
            dataplane::VariableSource::Get => sdk::VariableSource::Get,
            dataplane::VariableSource::Set => sdk::VariableSource::Set,
            dataplane::VariableSource::Event => sdk::VariableSource::Event,
        },
        as_of: found.as_of.to_string(),
        // A script's numbers end at 2^53.
        log_id: found.position.log_id.0.to_string(),
        seq: found.position.seq.0,
    }
}

/// An empty text stands for what is absent.
fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
