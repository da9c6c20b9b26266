//! `GET /api/v1/transactions/{id}/signed-values`: what meters have signed, out of the table `meter_samples`.

use axum::Json;
use axum::extract::State;
use dataplane::VariableFilter;
use fleet::StationKey;
use sdk::{MeterPublicKey, SignedValue, SignedValues};
use serde::Deserialize;

use super::transaction_id;
use crate::SharedApp;
use crate::ask::answered;
use crate::error::ApiError;
use crate::extract::{Caller, Id};
use crate::metrics::Database;
use crate::sql::{SqlRow, literal, text};

/// Values of one transaction.
const VALUES_MAX: usize = 2_000;
/// Variables of one name.
const KEYS_MAX: usize = 64;
/// Where 2.x has the key of a meter; 1.6 has a configuration key for each connector.
const KEY_COMPONENT: &str = "FiscalMetering";
const KEY_VARIABLE: &str = "PublicKey";
const KEY_PREFIX_16: &str = "MeterPublicKey";

/// Signed meter values of a transaction with the keys to check them, as the station wrote them.
#[utoipa::path(
    get,
    path = "/api/v1/transactions/{id}/signed-values",
    operation_id = "list_signed_values",
    tag = "transactions",
    params(("id" = String, Path)),
    responses((status = 200, description = "All of them", body = SignedValues))
)]
pub(crate) async fn signed_values(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<Json<SignedValues>, ApiError> {
    let transaction = transaction_id(&id)?;
    let tenant = caller.tenant.clone();
    let query = query(&transaction.to_string());
    let rows = app
        .metrics
        .time(Database::Lake, (app.sql)(caller, query))
        .await?;
    let Some(first) = rows.first() else {
        // Without a row it is not known yet whether there is such a transaction.
        let known = answered(app.router.transaction(transaction)).await?;
        return match known.filter(|known| known.station.tenant() == tenant) {
            None => Err(ApiError::not_found("transaction", id)),
            Some(_) => Ok(Json(SignedValues {
                values: Vec::new(),
                is_partial: false,
                public_keys: Vec::new(),
            })),
        };
    };
    let public_keys = match StationKey::new(&tenant, &required(first, "station_id")?) {
        Ok(station) => public_keys(&app, &station, text(first, "evse_id").as_deref()).await?,
        Err(_) => Vec::new(),
    };
    let shown = rows.iter().take(VALUES_MAX).map(signed_value);
    Ok(Json(SignedValues {
        is_partial: VALUES_MAX < rows.len(),
        values: shown.collect::<Result<_, _>>()?,
        public_keys,
    }))
}

/// One more row than is shown, to see whether there are more.
fn query(transaction_id: &str) -> String {
    format!(
        "SELECT station_id, evse_id, measured_at, context, measurand, signed_value, received_at FROM meter_samples \
         WHERE transaction_id = {} AND signed_value IS NOT NULL AND NOT duplicate \
         ORDER BY measured_at, log_id, seq, ordinal LIMIT {}",
        literal(transaction_id),
        VALUES_MAX + 1
    )
}

/// What a station says of the keys of its meters: the one of the transaction's EVSE, and those of no EVSE.
async fn public_keys(
    app: &SharedApp,
    station: &StationKey,
    evse_id: Option<&str>,
) -> Result<Vec<MeterPublicKey>, ApiError> {
    let evse_id = evse_id.and_then(|id| id.parse::<u32>().ok());
    let of_2 = (Some(KEY_COMPONENT.to_owned()), KEY_VARIABLE.to_owned());
    let of_16 = evse_id.map(|id| (None, format!("{KEY_PREFIX_16}{id}")));
    let mut keys = Vec::new();
    for (component, variable) in [Some(of_2), of_16].into_iter().flatten() {
        let filter = VariableFilter {
            component,
            variable: Some(variable),
        };
        let question = app
            .router
            .variables(station.clone(), filter, None, KEYS_MAX);
        let Some(found) = app
            .metrics
            .time(Database::State, answered(question))
            .await?
        else {
            // It was deleted since.
            return Ok(keys);
        };
        for found in found.map_err(ApiError::Unavailable)?.items {
            let is_here = found.evse_id.is_none() || found.evse_id == evse_id;
            let value = found.attributes.into_iter().find_map(|a| a.value);
            keys.extend(value.filter(|_| is_here).map(|value| MeterPublicKey {
                component: found.component.name,
                evse_id: found.evse_id,
                variable: found.variable.name,
                value,
            }));
        }
    }
    Ok(keys)
}

/// `signedMeterValue` of 2.x; some stations write it into the value of 1.6.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignedMeterValue {
    signed_meter_data: String,
    signing_method: Option<String>,
    encoding_method: Option<String>,
    public_key: Option<String>,
}

fn signed_value(row: &SqlRow) -> Result<SignedValue, ApiError> {
    let written = required(row, "signed_value")?;
    // Anything but that object is the meter's own: OCMF as it is or in an XML container, EDL, ALFEN, a list.
    let object = written
        .starts_with('{')
        .then(|| serde_json::from_str(&written));
    let signed = object.and_then(Result::ok).unwrap_or(SignedMeterValue {
        signed_meter_data: written,
        signing_method: None,
        encoding_method: None,
        public_key: None,
    });
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    Ok(SignedValue {
        measured_at: required(row, "measured_at")?,
        context: required(row, "context")?,
        measurand: required(row, "measurand")?,
        signed_data: signed.signed_meter_data,
        signing_method: some(signed.signing_method),
        encoding_method: some(signed.encoding_method),
        public_key: some(signed.public_key),
        received_at: required(row, "received_at")?,
    })
}

fn required(row: &SqlRow, name: &str) -> Result<String, ApiError> {
    text(row, name)
        .ok_or_else(|| ApiError::Internal(format!("meter_samples.{name} is {:?}", row.get(name))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(written: &str) -> SignedValue {
        let row = json!({
            "measured_at": "2026-11-22T10:00:00.000Z", "context": "Transaction.Begin",
            "measurand": "Energy.Active.Import.Register", "signed_value": written,
            "received_at": "2026-11-22T10:00:01.000Z",
        });
        signed_value(row.as_object().unwrap()).unwrap()
    }

    #[test]
    fn what_a_meter_signed_is_shown_to_the_byte_whatever_it_is_written_in() {
        const OCMF: &str = r#"OCMF|{"FV":"1.0","RV":"0.2"}|{"SD":"3045"}"#;
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<values>\n\t<value transactionId=\"1\" context=\"Transaction.Begin\">\n\
             <signedData format=\"OCMF\" encoding=\"plain\">{OCMF}</signedData> <!-- ção -->\n\
             <publicKey encoding=\"base64\">MFkw</publicKey></value>\n</values>\n"
        );
        for written in [
            OCMF,
            &xml,
            "\u{feff}<values/>",
            "AP;0;3;ALHYDH6Z;BHW3",
            "0901454d48",
            "[\"OCMF|{}\",null,null,null]",
            "\"OCMF\"",
            "{\"OCMF\":1}",
            "{OCMF",
            " {\"signedMeterData\":\"x\"}",
        ] {
            let shown = shown(written);
            assert_eq!(shown.signed_data, written);
            assert_eq!((shown.encoding_method, shown.public_key), (None, None));
            // In the object of 2.x, too.
            let object = json!({
                "signedMeterData": written, "signingMethod": "", "encodingMethod": "XML", "publicKey": "key"
            });
            let shown = self::shown(&object.to_string());
            assert_eq!(shown.signed_data, written);
            assert_eq!(shown.encoding_method.as_deref(), Some("XML"));
        }
    }
}
