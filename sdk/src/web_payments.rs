//! Payment on the web by the QR code that a 2.1 station shows.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A URL that a driver has scanned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebPaymentRequest {
    /// As it stands in the QR code, at most 2,048 bytes.
    #[schema(example = "https://qr.example/CP1/1/aHicux89/v1?maxenergy=20000")]
    pub url: String,
    /// The station; without it, the first that the URL names by its identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
}

/// Whether somebody may pay by a URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebPayment {
    /// True when the station shows that URL now. Nobody is to be sent on to pay by another.
    pub valid: bool,
    /// The station; `null` where the URL names none that is known.
    pub device_id: Option<String>,
    /// Where the car is to charge; `null` where the URL does not say.
    pub evse_id: Option<u32>,
    /// What the driver limited at the station, which holds to it by itself: Wh, as the URL says it.
    #[schema(example = "20000")]
    pub max_energy_wh: Option<String>,
    /// The same, seconds.
    pub max_time_seconds: Option<u64>,
    /// The same, in the currency of the station.
    #[schema(example = "12.50")]
    pub max_cost: Option<String>,
    /// Why it is not valid, for the operator; `null` where it is.
    pub reason: Option<String>,
}
