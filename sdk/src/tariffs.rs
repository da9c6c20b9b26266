//! Tariffs, where they hold, and what transactions cost under them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A tariff to put.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TariffRequest {
    /// `TariffType` of OCPP 2.1 as stations are sent it; its `tariffId` may be absent, and is the id of the URL. What an id
    /// stands for never changes: old costs refer to it.
    #[schema(value_type = Object)]
    pub tariff: Value,
    /// Where its times of day are local: a zone like `America/Sao_Paulo`, or an offset like `-03:00`.
    #[serde(default = "utc")]
    #[schema(default = "UTC", example = "America/Sao_Paulo")]
    pub time_zone: String,
    /// It holds at every station that no other names.
    #[serde(default)]
    pub everywhere: bool,
    /// It holds at the stations of these sites that no other names by themselves.
    #[serde(default)]
    pub sites: Vec<String>,
    /// It holds at these stations.
    #[serde(default)]
    pub devices: Vec<String>,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// A tariff.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Tariff {
    /// `tariffId`.
    #[schema(max_length = 60)]
    pub id: String,
    /// `TariffType` of OCPP 2.1.
    #[schema(value_type = Object)]
    pub tariff: Value,
    /// Where its times of day are local.
    pub time_zone: String,
    /// It holds at every station that no other names.
    pub everywhere: bool,
    /// It holds at the stations of these sites.
    pub sites: Vec<String>,
    /// It holds at these stations.
    pub devices: Vec<String>,
    /// When it was put.
    #[schema(format = DateTime)]
    pub changed_at: String,
}

/// A tariff that a station is to calculate by where nobody brings another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceTariffRequest {
    /// One of `/tariffs`.
    pub tariff_id: String,
    /// The EVSE; 0, or absent, for all of them.
    #[serde(default)]
    pub connector_id: u32,
}

/// Tariffs of a station, as far as its own answers tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceTariffs {
    /// In the order in which they came to be known.
    pub tariffs: Vec<DeviceTariff>,
}

/// A tariff in a station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceTariff {
    /// `tariffId`.
    pub tariff_id: String,
    /// `DefaultTariff` or `DriverTariff`.
    #[schema(example = "DefaultTariff")]
    pub kind: String,
    /// EVSEs; 0 is all of them.
    pub connector_ids: Vec<u32>,
    /// How many tokens it is for.
    pub id_tokens_count: u32,
    /// From when on; `null` from the beginning.
    #[schema(format = DateTime)]
    pub valid_from: Option<String>,
    /// When the station took it, or named it first.
    #[schema(format = DateTime)]
    pub known_since: String,
    /// When the station named it last (`GetTariffs`); `null` for one that it was sent and has not been asked for since.
    #[schema(format = DateTime)]
    pub reported_at: Option<String>,
}

/// What a transaction costs under its tariff, as the server works it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CostDetails {
    /// The tariff.
    pub tariff_id: String,
    /// ISO 4217.
    #[schema(example = "BRL")]
    pub currency: String,
    /// `NormalCost`, or `MinCost` and `MaxCost` where a limit of the tariff decides.
    #[schema(example = "NormalCost")]
    pub type_of_cost: String,
    /// What it is made of; their sum is the total.
    pub parts: Vec<CostPart>,
    /// A decimal, without tax.
    #[schema(example = "4.80")]
    pub total_excl_tax: String,
    /// A decimal, with tax: the `cost` of a transaction that has ended.
    #[schema(example = "5.28")]
    pub total_incl_tax: String,
    /// Watt-hours that were counted, as a decimal.
    pub energy_wh: String,
    /// Seconds in which energy flowed.
    pub charging_time_s: i64,
    /// Seconds in which none did.
    pub idle_time_s: i64,
    /// Seconds for which the reservation was held that it used.
    pub reservation_time_s: Option<i64>,
}

/// A part of a cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CostPart {
    /// `fixed`, `energy`, `chargingTime`, `idleTime`, `reservationTime` or `reservationFixed`.
    #[schema(example = "energy")]
    pub part: String,
    /// A decimal.
    pub excl_tax: String,
    /// A decimal.
    pub incl_tax: String,
}

/// What a station says of the cost of a transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StationCost {
    /// The tariff that it calculates by; `null` where it names none.
    pub tariff_id: Option<String>,
    /// `CostDetailsType` of OCPP 2.1 as it was told last; `null` before it is.
    #[schema(value_type = Object)]
    pub cost_details: Option<Value>,
    /// When it was told.
    #[schema(format = DateTime)]
    pub received_at: String,
}

/// A payment, or an attempt (OCPP 2.1 NotifySettlement).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Settlement {
    /// The payment service provider's name of it.
    pub psp_ref: String,
    /// `Settled`, `Canceled`, `Rejected` or `Failed`.
    #[schema(example = "Settled")]
    pub status: String,
    /// More of it, in the words of the payment terminal.
    pub status_info: Option<String>,
    /// The amount, a decimal as the station wrote it.
    #[schema(example = "5.28")]
    pub amount: String,
    /// When, as the station says; when it said so, where its clock cannot be right.
    #[schema(format = DateTime)]
    pub settled_at: String,
    /// The receipt of the payment terminal.
    pub receipt_id: Option<String>,
    /// Where that is.
    pub receipt_url: Option<String>,
    /// Of the company that the receipt is for.
    pub vat_number: Option<String>,
    /// Its address (`AddressType`).
    #[schema(value_type = Object)]
    pub vat_company: Option<Value>,
    /// When it was told.
    #[schema(format = DateTime)]
    pub received_at: String,
}

/// Another tariff for a transaction that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransactionTariff {
    /// One of `/tariffs`.
    pub tariff_id: String,
}
