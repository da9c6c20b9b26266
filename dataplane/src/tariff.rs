//! Tariffs in the words of OCPP 2.1 (Part 2, block I), and what a charge comes to under one.
//!
//! A tariff is read once, from the JSON that stations are sent ([`read`]). What a transaction uses is counted as it comes
//! ([`Usage`]): two tracks of their own, one of energy between two registers, one of minutes, each cut wherever another
//! price begins to apply. What that comes to is worked out from the counts whenever somebody asks ([`Bill`]).
//! Nothing here reads a clock or knows of a station.
//!
//! # Invariants
//!
//! - Amounts are integers, in units that make every product exact; they are rounded once, part by part, to hundredths of
//!   the currency. A total is the sum of its rounded parts.
//! - Energy spread over time is cut into whole milliwatt-hours whose sum is what was delivered.
//! - More energy, or more time, never costs less: prices and taxes are not negative.
//!
//! # What is not judged
//!
//! A price with a condition about something that only the station knows (`evseKind`, `minCurrent` and `maxCurrent`,
//! `paymentBrand`, `paymentRecognition`) does not apply here. Power is the mean between two registers.

mod bill;
mod book;
mod conditions;
mod read;
mod row;
#[cfg(test)]
mod tests;
mod usage;
mod zone;

pub use bill::{Bill, BillKind, Money, Part};
pub use book::{StoredTariff, TariffScope, TariffWritten};
pub use read::TariffError;

pub(crate) use bill::Parts;
pub(crate) use book::{Book, Books, applying};
pub(crate) use conditions::Conditions;
pub(crate) use read::read;
pub(crate) use row::{read_row, tariff_key, write_row};
pub(crate) use usage::{Flow, Until, Usage};
pub(crate) use zone::Zone;

/// A tariff, checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tariff {
    pub(crate) id: String,
    pub(crate) currency: [u8; 3],
    /// UTC microseconds.
    pub(crate) valid_from: Option<i64>,
    /// Per kilowatt-hour.
    pub(crate) energy: Option<Component>,
    /// Per minute.
    pub(crate) charging_time: Option<Component>,
    /// Per minute.
    pub(crate) idle_time: Option<Component>,
    /// Once.
    pub(crate) fixed_fee: Option<Component>,
    /// Per minute.
    pub(crate) reservation_time: Option<Component>,
    /// Once.
    pub(crate) reservation_fixed: Option<Component>,
    pub(crate) min_cost: Option<Limit>,
    pub(crate) max_cost: Option<Limit>,
    /// Where its times of day are local.
    pub(crate) zone: Zone,
}

/// Prices of one kind; the first whose conditions are met applies (I12.FR.34).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Component {
    pub(crate) prices: Vec<Price>,
    pub(crate) taxes: Taxes,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Price {
    /// Millionths of the currency's major unit, without tax; `0 <= micros`.
    pub(crate) micros: i64,
    pub(crate) conditions: Conditions,
}

/// Percentages by stack, lowest first, in ten-thousandths of a percent: those of one stack are added up, and each stack
/// is applied to what the one below it gives (I12.FR.13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taxes(pub(crate) Vec<i64>);

/// The least or the most that a transaction costs, hundredths of the major unit; one of the two is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) excl_tax: Option<i64>,
    pub(crate) incl_tax: Option<i64>,
    pub(crate) taxes: Taxes,
}
