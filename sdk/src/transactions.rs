//! Transactions: charges, from plugging in to the bill.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CostDetails, IdToken, Position, Settlement, StationCost};

/// A charge to start on a station.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransactionStart {
    /// The station.
    #[schema(example = "CP001")]
    pub device_id: String,
    /// The connector of a 1.6 station, the EVSE of a 2.x one. With a `reservation_id` it may be absent: then the charge
    /// begins where that is.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schema(minimum = 1, example = 1)]
    pub connector_id: u32,
    /// The token to charge on; without one, one is made up for this charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 36, example = "1234567890")]
    pub rfid_tag: Option<String>,
    /// The same with its type, in place of `rfid_tag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<IdToken>,
    /// The token's group (2.x); without it, the one that the token has in `/tokens`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 36)]
    pub group_id_token: Option<String>,
    /// Begin it on this reservation, which has to be an active one for this token or its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<i64>,
    /// What it may come to at most; for a station of 2.1 that keeps to such limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// What a transaction may come to at most (OCPP 2.1). What is absent is not limited, and in a change stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// In major units of the transaction's currency: a whole number, or a decimal with up to six places as a text.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "decimal"
    )]
    #[schema(example = "12.50")]
    pub max_cost: Option<String>,
    /// Watt-hours: a whole number, or a decimal with up to three places as a text.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "decimal"
    )]
    #[schema(example = "20000")]
    pub max_energy_wh: Option<String>,
    /// Seconds since it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 2_147_483_647, example = 3600)]
    pub max_time_seconds: Option<u32>,
    /// State of charge of the vehicle, percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 100, example = 80)]
    pub max_soc: Option<u8>,
}

/// The limits of a transaction that runs: what operators have set, and what its station says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TransactionLimits {
    /// What operators have set.
    pub set: Limits,
    /// Who did it last; `null` where nobody has.
    pub set_by: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    pub set_at: Option<String>,
    /// Of it, what goes to the station with the answer to its next event.
    pub waiting: Limits,
    /// When the newest of it went there.
    #[schema(format = DateTime)]
    pub sent_at: Option<String>,
    /// To what the station says that it keeps: limits that it has taken over, and its driver's.
    pub station: Limits,
    /// When it said so last.
    #[schema(format = DateTime)]
    pub told_at: Option<String>,
    /// `true` when the station keeps to all that is set, as far as it has said.
    pub is_confirmed: bool,
}

fn is_zero(connector_id: &u32) -> bool {
    *connector_id == 0
}

/// How a transaction is to be ended without its station.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransactionClose {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500, example = "the station was taken down")]
    pub reason: Option<String>,
    /// The last register, watt-hours: a whole number, or a decimal with up to three places as a text. Without it, the last
    /// one that the station told.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "decimal"
    )]
    #[schema(example = "123456.5")]
    pub meter_stop_wh: Option<String>,
    /// The end; without it, when the station last told something of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
}

/// A decimal: one that JSON calls a number is taken while no digit of it can be lost.
fn decimal<'de, D: serde::Deserializer<'de>>(number: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "expected a whole number, or a decimal as a text"
    )]
    enum Decimal {
        Whole(u64),
        Text(String),
    }
    let number = Option::<Decimal>::deserialize(number)?;
    Ok(number.map(|number| match number {
        Decimal::Whole(number) => number.to_string(),
        Decimal::Text(text) => text,
    }))
}

/// How somebody has ended a transaction without its station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TransactionClosing {
    /// The principal who did it.
    pub closed_by: String,
    /// When it was done.
    #[schema(format = DateTime)]
    pub closed_at: String,
    /// Why, if that was said.
    pub reason: Option<String>,
    /// The last register as it was said, watt-hours, as a decimal.
    pub meter_stop_wh: Option<String>,
    /// The end as it was said.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// `true` once the station has ended the transaction itself: its word has taken the place of this one.
    pub superseded: bool,
}

/// A transaction as far as it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Transaction {
    /// UUIDv7, given by the server.
    pub id: String,
    /// The station's own name of it.
    pub ocpp_transaction_id: Option<String>,
    /// The station.
    pub device_id: String,
    /// The connector of a 1.6 station, the EVSE of a 2.x one; `null` when not known.
    pub connector_id: Option<u32>,
    /// Where it stands.
    pub status: TransactionStatus,
    /// `null` when its beginning is not known.
    #[schema(format = DateTime)]
    pub start_time: Option<String>,
    /// `null` while it runs.
    #[schema(format = DateTime)]
    pub end_time: Option<String>,
    /// First plausible register, watt-hours, as a decimal.
    pub meter_start_wh: Option<String>,
    /// Last plausible register, watt-hours, as a decimal.
    pub meter_stop_wh: Option<String>,
    /// Kilowatt-hours, with up to six decimals (exact below 1 TWh).
    pub total_energy: Option<f64>,
    /// A decimal in major units of `currency`; `null` when the energy is not to be billed.
    #[schema(example = "5.28")]
    pub cost: Option<String>,
    /// ISO 4217.
    #[schema(example = "BRL")]
    pub currency: String,
    /// How far the energy can be billed.
    pub quality: TransactionQuality,
    /// Why it ended, in the station's words; `Sigec.Closed` when it was ended without the station.
    pub stop_reason: Option<String>,
    /// How it was ended without its station, for as long as the server keeps that: 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<TransactionClosing>,
    /// The newest event of its station that all this reflects; in `/transactions/history` the newest of its own.
    pub position: Position,
    /// What its cost is made of; `null` without a tariff of `/tariffs`, and in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_details: Option<CostDetails>,
    /// What its station says that it costs (OCPP 2.1); `null` if it does not, and in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station_cost: Option<StationCost>,
    /// How it was paid, oldest first, the newest 16 (OCPP 2.1); not in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settlements: Vec<Settlement>,
    /// What it may come to at most while it runs (OCPP 2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<TransactionLimits>,
    /// Events of it that have not come, by their `seqNo` (OCPP 2.x), the first 64: sums and times may still change. Not in
    /// lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_seq_nos: Vec<i64>,
    /// What its station said of it when it was asked last (`GetTransactionStatus` of OCPP 2.x); not in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station_status: Option<StationTransactionStatus>,
}

/// What a station says of a transaction when it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StationTransactionStatus {
    /// When it said so.
    #[schema(format = DateTime)]
    pub told_at: String,
    /// `true` while it goes on there; `null` if the station does not say.
    pub ongoing: Option<bool>,
    /// `true` when it had messages of it that it could not send yet.
    pub messages_in_queue: bool,
}

/// A page of the signed meter values of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedValues {
    /// Oldest first.
    pub items: Vec<SignedValue>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
    /// Keys of the meters, as far as the station's device model or configuration names them: those that the station told
    /// last, whatever it named when the values were taken. A value with a `public_key` of its own is to be checked by that.
    pub public_keys: Vec<MeterPublicKey>,
}

/// A signed meter value, every text as the station wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedValue {
    /// When it was measured.
    #[schema(format = DateTime)]
    pub measured_at: String,
    /// Why, such as `Transaction.Begin`.
    pub context: String,
    /// What was measured.
    pub measurand: String,
    /// `signedMeterData`, in 1.6 the value of format `SignedData`.
    pub signed_data: String,
    /// `signingMethod` of 2.x.
    pub signing_method: Option<String>,
    /// `encodingMethod` of 2.x, such as `OCMF`.
    pub encoding_method: Option<String>,
    /// `publicKey` of 2.x: the one that came with the value; of a value without one, that of the nearest value of the transaction
    /// before it, or else of the first that has one. A station that sends it once in a transaction means it for all of its values
    /// (`PublicKeyWithSignedMeterValue`).
    pub public_key: Option<String>,
    /// When it came.
    #[schema(format = DateTime)]
    pub received_at: String,
}

/// A key with which signed values can be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeterPublicKey {
    /// Component of the device model; `ChargePoint` in 1.6.
    pub component: String,
    /// Whose meter; `null` for that of the station.
    pub evse_id: Option<u32>,
    /// `PublicKey`, in 1.6 `MeterPublicKey` with the number of the connector.
    pub variable: String,
    /// The key as the station told it.
    pub value: String,
    /// When the station told it last. Which key it named before is not kept.
    #[schema(format = DateTime)]
    pub as_of: String,
}

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum TransactionStatus {
    /// Begun and not ended (`active` in SQL).
    Started,
    /// Ended by its station, or closed here (`ended` in SQL).
    Completed,
    /// Its station told the end, never the beginning (`orphan` in SQL).
    Orphan,
}

/// How far a transaction's energy can be billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransactionQuality {
    /// From two plausible registers.
    Ok,
    /// The first or the last register is missing.
    Estimated,
    /// Registers run backwards or jump: shown, not billed.
    Quarantined,
}
