//! Variables of stations: the device model of OCPP 2.x, and the configuration keys of 1.6 in its words.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A variable of a station. A configuration key of 1.6 is one of the component `ChargePoint`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Variable {
    /// Of which component.
    pub component: VariableComponent,
    /// Its name.
    pub variable: VariableName,
    /// What is known of it: `Actual`, `Target`, `MinSet`, `MaxSet`, in this order.
    pub attributes: Vec<VariableAttribute>,
    /// `null` until a report told; 1.6 has none.
    pub characteristics: Option<VariableCharacteristics>,
}

/// A component of a station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VariableComponent {
    /// Its name.
    #[schema(example = "OCPPCommCtrlr")]
    pub name: String,
    /// Which of several of this name.
    pub instance: Option<String>,
    /// EVSE it belongs to; `null` for the station's own.
    pub evse_id: Option<u32>,
    /// Connector of the EVSE.
    pub connector_id: Option<u32>,
}

/// Name of a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VariableName {
    /// Its name.
    #[schema(example = "HeartbeatInterval")]
    pub name: String,
    /// Which of several of this name.
    pub instance: Option<String>,
}

/// One attribute of a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VariableAttribute {
    /// `Actual`, `Target`, `MinSet` or `MaxSet`.
    #[serde(rename = "type")]
    pub kind: String,
    /// As the station writes it; `null` where it is write-only, secret, or nobody said.
    pub value: Option<String>,
    /// True for a password: it is not kept.
    pub is_secret: bool,
    /// `ReadOnly`, `WriteOnly` or `ReadWrite`; `null` until a report told.
    pub mutability: Option<String>,
    /// It outlives a restart of the station.
    pub persistent: bool,
    /// It never changes.
    pub constant: bool,
    /// Who says so.
    pub source: VariableSource,
    /// When they said so.
    #[schema(format = DateTime)]
    pub as_of: String,
    /// Log of the record that says so; with `seq` the name of the event in SQL.
    #[schema(example = "4611686018427387904")]
    pub log_id: String,
    /// That record.
    pub seq: u64,
}

/// Who says what a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VariableSource {
    /// The station, in a report (NotifyReport).
    Report,
    /// The station, asked for it (GetVariables, GetConfiguration).
    Get,
    /// An operator, and the station accepted (SetVariables, ChangeConfiguration).
    Set,
    /// The station, of its own accord (NotifyEvent).
    Event,
}

/// What values a variable may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VariableCharacteristics {
    /// Unit of the value.
    #[schema(example = "s")]
    pub unit: Option<String>,
    /// `string`, `integer`, `decimal`, `boolean`, `dateTime`, `OptionList`, `SequenceList` or `MemberList`.
    #[schema(example = "integer")]
    pub data_type: String,
    /// Least value, a decimal number.
    pub min_limit: Option<String>,
    /// Greatest value, or greatest length.
    pub max_limit: Option<String>,
    /// Allowed values, separated by commas.
    pub values_list: Option<String>,
    /// Whether it can be monitored.
    pub supports_monitoring: bool,
}
