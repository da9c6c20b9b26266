//! `/api/v1/web-payments/check`: whether a driver may pay by the URL of a QR code.

use axum::Json;
use axum::extract::State;
use dataplane::{Router, WebPaymentRefused};
use fleet::StationKey;
use sdk::{WebPayment, WebPaymentRequest};

use crate::SharedApp;
use crate::ask::{answered, station_key};
use crate::error::ApiError;
use crate::extract::{Body, Caller};

/// Longest URL, bytes.
const URL_LEN_MAX: usize = 2_048;

/// Whether a URL stands in the QR code that its station shows now (OCPP 2.1, C25), and what it says.
///
/// For the page behind that QR code: only a driver whose URL is valid may be sent on to pay. The station makes its URLs of
/// `URLTemplate`, `ValidityTime` and `Length` of `WebPaymentsCtrlr`, as far as it reported them, and of the `SharedSecret`
/// that it accepted in a `SetVariables` of this server.
#[utoipa::path(
    post,
    path = "/api/v1/web-payments/check",
    operation_id = "check_web_payment",
    tag = "transactions",
    request_body = WebPaymentRequest,
    responses((status = 200, description = "What the URL says, or why it is not valid", body = WebPayment))
)]
pub(crate) async fn check(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Body(request): Body<WebPaymentRequest>,
) -> Result<Json<WebPayment>, ApiError> {
    let len = request.url.len();
    if URL_LEN_MAX < len {
        let detail = format!("{len} bytes, at most {URL_LEN_MAX} are expected");
        return Err(ApiError::field("/url", detail));
    }
    let stations = match &request.device_id {
        Some(id) => vec![station_key(&caller, id)?],
        None => {
            let names = Router::web_payment_stations(&request.url).into_iter();
            let keys = names.filter_map(|name| StationKey::new(&caller.tenant, &name).ok());
            keys.collect()
        }
    };
    // More than one piece of the URL may be the name of a station.
    let mut refused: Option<(String, WebPaymentRefused)> = None;
    for station in stations {
        let identity = station.identity().to_owned();
        let asked = app.router.check_web_payment(station, request.url.clone());
        match answered(asked).await? {
            Some(Ok(payment)) => return Ok(Json(valid(identity, payment))),
            Some(Err(reason)) => {
                let before = refused.as_ref().map(|(_, reason)| reason.reached());
                if before < Some(reason.reached()) {
                    refused = Some((identity, reason));
                }
            }
            None if request.device_id.is_some() => {
                return Err(ApiError::not_found("device", &identity));
            }
            None => {}
        }
    }
    let reason = match &refused {
        Some((_, reason)) => reason.to_string(),
        None => "the URL names no station that is known".to_owned(),
    };
    Ok(Json(WebPayment {
        device_id: refused.map(|(identity, _)| identity),
        reason: Some(reason),
        ..WebPayment::default()
    }))
}

fn valid(device_id: String, payment: dataplane::WebPayment) -> WebPayment {
    WebPayment {
        valid: true,
        device_id: Some(device_id),
        evse_id: payment.evse_id,
        max_energy_wh: payment.limits.energy_wh,
        max_time_seconds: payment.limits.time_seconds,
        max_cost: payment.limits.cost,
        reason: None,
    }
}
