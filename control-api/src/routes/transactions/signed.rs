//! `GET /api/v1/transactions/{id}/signed-values`: what meters have signed, out of the table `meter_samples`.

use axum::Json;
use axum::extract::State;
use dataplane::{AttributeView, VariableFilter};
use fleet::StationKey;
use sdk::{MeterPublicKey, SignedValue, SignedValues};
use serde::{Deserialize, Serialize};

use super::transaction_id;
use crate::SharedApp;
use crate::ask::answered;
use crate::error::ApiError;
use crate::extract::{Caller, Id};
use crate::listing::{At, Everything, Listing, PageParams, page_of_rows};
use crate::metrics::Database;
use crate::sql::{SqlRow, literal, text};

/// Variables of one name.
const KEYS_MAX: usize = 64;
/// Where 2.x has the key of a meter; 1.6 has a configuration key for each connector.
const KEY_COMPONENT: &str = "FiscalMetering";
const KEY_VARIABLE: &str = "PublicKey";
const KEY_PREFIX_16: &str = "MeterPublicKey";

/// Where a list goes on: behind `shown` of the values of one row of `meter_values`, of which several may be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    row: RowKey,
    shown: u32,
}

/// When it was measured, and the name of the row.
type RowKey = (At, i64, i64, i64);

/// Signed meter values of a transaction with the keys to check them, as the station wrote them.
#[utoipa::path(
    get,
    path = "/api/v1/transactions/{id}/signed-values",
    operation_id = "list_signed_values",
    tag = "transactions",
    params(("id" = String, Path), PageParams),
    responses((status = 200, description = "A page of them", body = SignedValues))
)]
pub(crate) async fn signed_values(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    listing: Listing<Everything, Key>,
) -> Result<Json<SignedValues>, ApiError> {
    let transaction = transaction_id(&id)?;
    let tenant = caller.tenant.clone();
    let transaction_name = transaction.to_string();
    let query = query(&transaction_name, &listing);
    let rows = app
        .metrics
        .time(Database::Lake, (app.sql)(caller.clone(), query))
        .await?;
    let Some(first) = rows.first() else {
        // Without a row it is not known yet whether there is such a transaction.
        let known = answered(app.router.transaction(transaction)).await?;
        return match known.filter(|known| known.station.tenant() == tenant) {
            None => Err(ApiError::not_found("transaction", id)),
            Some(_) => Ok(Json(SignedValues {
                items: Vec::new(),
                next_cursor: None,
                public_keys: Vec::new(),
            })),
        };
    };
    let public_keys = match StationKey::new(&tenant, &required(first, "station_id")?) {
        Ok(station) => public_keys(&app, &station, text(first, "evse_id").as_deref()).await?,
        Err(_) => Vec::new(),
    };
    let key = |last: &SqlRow| key_behind(&rows[..listing.limit], last, listing.after.as_ref());
    let mut page = page_of_rows(&rows, listing.limit, signed_value, key)?;
    // Only what stands before the first key of the page needs one from elsewhere.
    let is_without = |value: &SignedValue| value.public_key.is_none();
    let nearest = match row_key(first).filter(|_| page.items.first().is_some_and(is_without)) {
        Some(first) => {
            let query = nearest_key(&transaction_name, first);
            let found = app
                .metrics
                .time(Database::Lake, (app.sql)(caller, query))
                .await?;
            let found = found.first().and_then(|row| text(row, "signed_value"));
            found.and_then(|written| signed(written).public_key)
        }
        None => None,
    };
    carry_keys(&mut page.items, nearest);
    Ok(Json(SignedValues {
        items: page.items,
        next_cursor: page.next_cursor,
        public_keys,
    }))
}

/// One more row than the page holds, to see whether there is another page. What stands behind the row of
/// `meter_values` has no meaning, and is always the same.
fn query(transaction_id: &str, listing: &Listing<Everything, Key>) -> String {
    let mut from = String::new();
    if let Some(Key { row, shown: _ }) = &listing.after {
        let (at, log, seq, ordinal) = (row.0.literal(), row.1, row.2, row.3);
        from = format!(
            " AND (measured_at > {at} OR (measured_at = {at} AND (log_id > {log} OR (log_id = {log} AND \
             (seq > {seq} OR (seq = {seq} AND ordinal >= {ordinal}))))))"
        );
    }
    format!(
        "SELECT station_id, evse_id, measured_at, context, measurand, signed_value, received_at, log_id, seq, ordinal \
         FROM meter_samples WHERE transaction_id = {} AND signed_value IS NOT NULL AND NOT duplicate{from} \
         ORDER BY measured_at, log_id, seq, ordinal, measurand, phase, location, context, signed_value LIMIT {} OFFSET {}",
        literal(transaction_id),
        listing.limit + 1,
        listing.after.as_ref().map_or(0, |key| key.shown)
    )
}

/// The value with a key that is nearest to a page's first row: the newest that is not behind it, or else the first of all. The
/// member is sought as the server writes it ([`SignedMeterValue`]); in a text within the object its quotes would be escaped.
fn nearest_key(transaction_id: &str, first: RowKey) -> String {
    let (at, log, seq, ordinal) = (first.0.literal(), first.1, first.2, first.3);
    let keyed = format!(
        "FROM meter_samples WHERE transaction_id = {} AND NOT duplicate AND signed_value LIKE '{{%' \
         AND signed_value LIKE '%\"publicKey\"%' AND signed_value NOT LIKE '%\"publicKey\":\"\"%'",
        literal(transaction_id)
    );
    format!(
        "SELECT signed_value, nth FROM (\
         (SELECT signed_value, 0 AS nth {keyed} AND (measured_at < {at} OR (measured_at = {at} AND (log_id < {log} OR \
         (log_id = {log} AND (seq < {seq} OR (seq = {seq} AND ordinal <= {ordinal})))))) \
         ORDER BY measured_at DESC, log_id DESC, seq DESC, ordinal DESC LIMIT 1) UNION ALL \
         (SELECT signed_value, 1 AS nth {keyed} ORDER BY measured_at, log_id, seq, ordinal LIMIT 1)) AS keys \
         ORDER BY nth LIMIT 1"
    )
}

/// A station may send the key with the first value of a transaction alone: values without one have that of the value before them,
/// and those before all keys the `nearest`.
fn carry_keys(values: &mut [SignedValue], nearest: Option<String>) {
    let mut carried = nearest;
    for value in values {
        match &value.public_key {
            Some(key) => carried = Some(key.clone()),
            None => value.public_key.clone_from(&carried),
        }
    }
}

/// The key of a page's last row; `before` is the key that the page began with.
fn key_behind(page: &[SqlRow], last: &SqlRow, before: Option<&Key>) -> Option<Key> {
    let row = row_key(last)?;
    let alike = |found: &&SqlRow| row_key(found) == Some(row);
    let here = page.iter().rev().take_while(alike).count() as u32;
    let of_before = before.filter(|before| before.row == row);
    Some(Key {
        row,
        shown: here.saturating_add(of_before.map_or(0, |before| before.shown)),
    })
}

fn row_key(row: &SqlRow) -> Option<RowKey> {
    let number = |name| text(row, name)?.parse().ok();
    Some((
        At::of(row, "measured_at")?,
        number("log_id")?,
        number("seq")?,
        number("ordinal")?,
    ))
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
            let told = |attribute: AttributeView| Some((attribute.value?, attribute.as_of));
            let told = found.attributes.into_iter().find_map(told);
            keys.extend(
                told.filter(|_| is_here)
                    .map(|(value, as_of)| MeterPublicKey {
                        component: found.component.name,
                        evse_id: found.evse_id,
                        variable: found.variable.name,
                        value,
                        as_of: as_of.to_string(),
                    }),
            );
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

/// Reads what a meter has signed, in whatever it is written. Members that are there and empty say nothing.
fn signed(written: String) -> SignedMeterValue {
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
    SignedMeterValue {
        signed_meter_data: signed.signed_meter_data,
        signing_method: some(signed.signing_method),
        encoding_method: some(signed.encoding_method),
        public_key: some(signed.public_key),
    }
}

fn signed_value(row: &SqlRow) -> Result<SignedValue, ApiError> {
    let signed = signed(required(row, "signed_value")?);
    Ok(SignedValue {
        measured_at: required(row, "measured_at")?,
        context: required(row, "context")?,
        measurand: required(row, "measurand")?,
        signed_data: signed.signed_meter_data,
        signing_method: signed.signing_method,
        encoding_method: signed.encoding_method,
        public_key: signed.public_key,
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

    fn at(ordinal: u32) -> SqlRow {
        let row = json!({
            "measured_at": "2026-11-22T10:00:00.000Z", "log_id": "7", "seq": "9", "ordinal": ordinal,
        });
        row.as_object().unwrap().clone()
    }

    /// Several values of one row of `meter_values` have one key: pages end among them, and go on there.
    #[test]
    fn a_page_goes_on_among_the_values_of_one_row() {
        let first = [at(0), at(1), at(1)];
        let key = key_behind(&first, &first[2], None).unwrap();
        assert_eq!((key.row.3, key.shown), (1, 2));
        let second = [at(1), at(1), at(1)];
        let key = key_behind(&second, &second[2], Some(&key)).unwrap();
        assert_eq!((key.row.3, key.shown), (1, 5));
        let third = [at(1), at(2)];
        let behind = key_behind(&third, &third[1], Some(&key)).unwrap();
        assert_eq!((behind.row.3, behind.shown), (2, 1));
        let listing = |after| Listing {
            filter: Everything {},
            after,
            limit: 3,
        };
        expect_test::expect!["SELECT station_id, evse_id, measured_at, context, measurand, signed_value, received_at, log_id, seq, ordinal FROM meter_samples WHERE transaction_id = 'T''' AND signed_value IS NOT NULL AND NOT duplicate AND (measured_at > '2026-11-22T10:00:00.000Z' OR (measured_at = '2026-11-22T10:00:00.000Z' AND (log_id > 7 OR (log_id = 7 AND (seq > 9 OR (seq = 9 AND ordinal >= 1)))))) ORDER BY measured_at, log_id, seq, ordinal, measurand, phase, location, context, signed_value LIMIT 4 OFFSET 5"].assert_eq(&query("T'", &listing(Some(key))));
        let query = query("T", &listing(None));
        assert!(query.ends_with(" LIMIT 4 OFFSET 0"), "{query}");
    }

    #[test]
    fn a_value_without_a_key_has_that_of_the_value_before_it() {
        let check = |nearest: Option<&str>, told: &[&str], expected: &[Option<&str>]| {
            let value =
                |key: &&str| shown(&format!(r#"{{"signedMeterData":"x","publicKey":"{key}"}}"#));
            let mut values: Vec<_> = told.iter().map(value).collect();
            carry_keys(&mut values, nearest.map(str::to_owned));
            let keys: Vec<_> = values.iter().map(|v| v.public_key.as_deref()).collect();
            assert_eq!(keys, expected, "{told:?}");
        };
        check(None, &["", ""], &[None, None]);
        check(Some("a"), &["", ""], &[Some("a"), Some("a")]);
        check(
            Some("a"),
            &["", "b", ""],
            &[Some("a"), Some("b"), Some("b")],
        );
        check(None, &["b", "", "c"], &[Some("b"), Some("b"), Some("c")]);
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
