//! What OCPP 2.1 has beside charging: DER controls (R), periodic event streams (N11 to N15), battery swaps (S), and what
//! vehicles may give back (Q). Without I/O: each function says what a message does to what is kept of one station.
//!
//! What is kept says what the station accepted or told, not what it ought to have done: a control is superseded when the
//! station names it so.

pub(crate) mod der;
pub(crate) mod streams;
pub(crate) mod swaps;
pub(crate) mod v2x;
pub(crate) mod warnings;

use serde_json::Value;

/// Seconds as OCPP writes them, in microseconds; what no number holds is the longest.
fn micros(seconds: &Value) -> Option<i64> {
    // A double is exact to a microsecond for a century, and `as` saturates.
    Some((seconds.as_f64()? * 1e6) as i64)
}

/// A time as OCPP writes it.
pub(crate) fn moment(text: &Value) -> Option<i64> {
    Some(ocpp::Timestamp::read(text.as_str()?)?.utc_micros)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(text).collect()
}
