//! The variables of stations: what they report, are asked and are told, in rows of the state store.
//!
//! Rows come out of records alone ([`tell::rows`]), so that a replay of the log writes the same ones, and each is
//! written without reading another: a variable has one row that describes it and one per attribute for its value
//! ([`row`]). A page of them is put together when somebody asks ([`read`]). No variable stays in a shard's memory.
//!
//! # Words
//!
//! Components and variables are those of OCPP 2.x (Part 1, §4). A configuration key of 1.6 is a variable of the
//! component [`COMPONENT_16`], and `readonly` its mutability.

pub(crate) mod clear;
pub(crate) mod newest;
pub(crate) mod read;
pub(crate) mod row;
pub(crate) mod stored;
pub(crate) mod tell;

#[cfg(test)]
mod tests;

use fleet::{EventId, UtcMicros};

pub use stored::stored_variables;

/// The component that holds the configuration keys of 1.6.
pub const COMPONENT_16: &str = "ChargePoint";

/// A name with an instance: of a component or a variable.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Named {
    /// Compared without regard to case.
    pub name: String,
    /// Empty for none.
    pub instance: String,
}

/// `AttributeEnumType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttributeKind {
    /// What it is.
    Actual,
    /// What it ought to be.
    Target,
    /// The least that may be set.
    MinSet,
    /// The most that may be set.
    MaxSet,
}

impl AttributeKind {
    /// In the order of their rows.
    pub const ALL: [Self; 4] = [Self::Actual, Self::Target, Self::MinSet, Self::MaxSet];

    /// As OCPP spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Actual => "Actual",
            Self::Target => "Target",
            Self::MinSet => "MinSet",
            Self::MaxSet => "MaxSet",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// `MutabilityEnumType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// It cannot be set.
    ReadOnly,
    /// It cannot be read.
    WriteOnly,
    /// Both.
    ReadWrite,
}

impl Mutability {
    /// In the order of their codes, from 1.
    const ALL: [Self; 3] = [Self::ReadOnly, Self::WriteOnly, Self::ReadWrite];

    /// As OCPP spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "ReadOnly",
            Self::WriteOnly => "WriteOnly",
            Self::ReadWrite => "ReadWrite",
        }
    }
}

/// Who says what a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableSource {
    /// The station, in a report.
    Report,
    /// The station, asked for it.
    Get,
    /// An operator, and the station accepted.
    Set,
    /// The station, in a NotifyEvent.
    Event,
}

impl VariableSource {
    /// In the order of their codes, from 1.
    const ALL: [Self; 4] = [Self::Report, Self::Get, Self::Set, Self::Event];
}

/// One attribute of a variable.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeView {
    /// Which.
    pub kind: AttributeKind,
    /// As the station writes it; `None` where it is write-only, secret, or nobody said.
    pub value: Option<String>,
    /// True for a password: it is not kept.
    pub is_secret: bool,
    /// `None` until a report (or GetConfiguration) told.
    pub mutability: Option<Mutability>,
    /// It outlives a restart of the station.
    pub persistent: bool,
    /// It never changes.
    pub constant: bool,
    /// Where the value comes from.
    pub source: VariableSource,
    /// When the report, the event or the answer came.
    pub as_of: UtcMicros,
    /// The record it comes from.
    pub position: EventId,
}

/// `VariableCharacteristicsType`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Characteristics {
    /// Empty for none.
    pub unit: String,
    /// `string`, `integer`, `OptionList`, …
    pub data_type: String,
    /// Decimal text, empty for none.
    pub min_limit: String,
    /// The same.
    pub max_limit: String,
    /// Comma-separated, empty for none.
    pub values_list: String,
    /// Whether it can be monitored.
    pub supports_monitoring: bool,
}

/// A variable of a station.
#[derive(Clone, Debug, PartialEq)]
pub struct VariableView {
    /// Of which component.
    pub component: Named,
    /// EVSE of the component; `None` for the station's own.
    pub evse_id: Option<u32>,
    /// Connector within the EVSE.
    pub connector_id: Option<u32>,
    /// Its name.
    pub variable: Named,
    /// At least one, in the order of [`AttributeKind::ALL`].
    pub attributes: Vec<AttributeView>,
    /// `None` until a report told.
    pub characteristics: Option<Characteristics>,
}

/// Which variables a list shows; `None` shows all. Names are compared without regard to case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VariableFilter {
    /// Exact name of the component.
    pub component: Option<String>,
    /// Exact name of the variable.
    pub variable: Option<String>,
}
