//! The crossings between what the data plane says and what the API shows.

use std::time::{Duration, UNIX_EPOCH};

use dataplane::{
    ClosingView, CommandView, FollowUpView, StationView, TransactionView, command_warnings,
};
use fleet::record::{self, Acceptance, Quality, TransactionState};
use fleet::{EventId, MilliwattHours, UtcMicros};
use sdk::AsWritten;
use serde_json::Number;

use crate::principals::Principal;

mod charging;
mod connectors;
mod grid;
mod limits;
mod reservations;
mod tariffs;
mod tokens;

pub(crate) use charging::{charging_profiles, compared, composite, warning};
pub(crate) use connectors::{compact as compact_connectors, declared as declared_connectors};
pub(crate) use grid::{battery_swap, der_controls, event_stream};
pub(crate) use limits::limits;
pub(crate) use reservations::{named_token, reservation, reservation_state};
pub(crate) use tariffs::{station_tariffs, tariff};
pub(crate) use tokens::{local_list, token, token_rules, token_status};

pub(crate) fn principal(principal: &Principal) -> sdk::Principal {
    sdk::Principal {
        name: principal.name.clone(),
        role: principal.role,
        created_at: principal.created_at.to_string(),
    }
}

pub(crate) fn device(station: StationView) -> sdk::Device {
    let status = connector_status(station.status());
    let acceptance = match station.acceptance {
        Acceptance::Pending | Acceptance::Accepted => station.acceptance.as_str().to_owned(),
    };
    sdk::Device {
        id: station.key.identity().to_owned(),
        vendor: some(station.vendor),
        model: some(station.model),
        serial_number: some(station.serial_number),
        firmware_version: some(station.firmware_version),
        protocol: station
            .protocol
            .map(|protocol| protocol.as_str().to_owned()),
        status,
        is_online: station.online,
        last_seen_at: time(station.last_seen_at),
        acceptance,
        has_password: station.password.is_some(),
        security_profile: station.security_profile,
        site: some(station.site),
        location: station.location.map(|(lat, lng)| sdk::Location {
            lat,
            lng,
            address: some(station.address),
        }),
        quirk_profile: station
            .quirk_profile
            .map(|(id, revision)| sdk::QuirkProfileRef { id, revision }),
        connectors: connectors::shown(station.connectors, &station.declared, &station.plugs),
        position: position(station.position),
    }
}

pub(crate) fn connector_status(status: record::ConnectorStatus) -> sdk::ConnectorStatus {
    match status {
        record::ConnectorStatus::Available => sdk::ConnectorStatus::Available,
        record::ConnectorStatus::Occupied => sdk::ConnectorStatus::Occupied,
        record::ConnectorStatus::Reserved => sdk::ConnectorStatus::Reserved,
        record::ConnectorStatus::Unavailable => sdk::ConnectorStatus::Unavailable,
        record::ConnectorStatus::Faulted => sdk::ConnectorStatus::Faulted,
    }
}

pub(crate) fn status_filter(status: sdk::ConnectorStatus) -> record::ConnectorStatus {
    match status {
        sdk::ConnectorStatus::Available => record::ConnectorStatus::Available,
        sdk::ConnectorStatus::Occupied => record::ConnectorStatus::Occupied,
        sdk::ConnectorStatus::Reserved => record::ConnectorStatus::Reserved,
        sdk::ConnectorStatus::Unavailable => record::ConnectorStatus::Unavailable,
        sdk::ConnectorStatus::Faulted => record::ConnectorStatus::Faulted,
    }
}

pub(crate) fn command(command: CommandView) -> sdk::Command {
    let course_state = command.course.as_ref().map(|course| course.state);
    let course = command.course.unwrap_or_default();
    sdk::Command {
        warnings: command_warnings(&command.action, &command.payload),
        id: command.id.to_string(),
        device_id: command.station.identity().to_owned(),
        action: command.action,
        payload: AsWritten::new(&command.payload),
        state: match command.state {
            record::CommandState::Queued => sdk::CommandState::Queued,
            record::CommandState::Sent => sdk::CommandState::Sent,
            record::CommandState::Answered => sdk::CommandState::Answered,
            record::CommandState::Timeout => sdk::CommandState::Timeout,
            record::CommandState::Offline => sdk::CommandState::Offline,
            record::CommandState::QueueFull => sdk::CommandState::QueueFull,
            record::CommandState::Unknown => sdk::CommandState::Unknown,
        },
        answer_timeout: command.answer_timeout.and_then(seconds),
        result: command.result.as_deref().map(AsWritten::new),
        error: command
            .error
            .map(|(code, description)| sdk::CommandError { code, description }),
        created_by: command.principal,
        created_at: command.created_at.to_string(),
        follow_ups: course.follow_ups.into_iter().map(follow_up).collect(),
        follow_ups_count: course.messages,
        missing_parts: course.missing,
        duplicate_parts: course.duplicates,
        complete: course_state.map(|state| state != record::CourseState::Running),
        course_state: course_state.map(of_course),
        files: Vec::new(),
    }
}

/// A whole number of seconds where it is one.
fn seconds(duration: Duration) -> Option<Number> {
    match duration.subsec_nanos() {
        0 => Some(Number::from(duration.as_secs())),
        _ => Number::from_f64(duration.as_secs_f64()),
    }
}

fn of_course(state: record::CourseState) -> sdk::CourseState {
    match state {
        record::CourseState::Running => sdk::CourseState::Running,
        record::CourseState::Done => sdk::CourseState::Done,
        record::CourseState::Failed => sdk::CourseState::Failed,
        record::CourseState::Refused => sdk::CourseState::Refused,
        record::CourseState::Empty => sdk::CourseState::Empty,
        record::CourseState::Replaced => sdk::CourseState::Replaced,
        record::CourseState::Canceled => sdk::CourseState::Canceled,
    }
}

fn follow_up(follow_up: FollowUpView) -> sdk::FollowUp {
    sdk::FollowUp {
        action: follow_up.action,
        received_at: follow_up.received_at.to_string(),
        summary: json(&follow_up.summary),
    }
}

/// Texts of the data plane are JSON already; should one not be, it is shown as it is.
fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::from(text))
}

pub(crate) fn transaction(transaction: TransactionView) -> sdk::Transaction {
    let mut shown = sdk::Transaction {
        id: transaction.id.to_string(),
        ocpp_transaction_id: some(transaction.ocpp_transaction_id),
        device_id: transaction.station.identity().to_owned(),
        connector_id: (transaction.evse_id != 0).then_some(transaction.evse_id),
        status: match transaction.state {
            TransactionState::Active => sdk::TransactionStatus::Started,
            TransactionState::Ended => sdk::TransactionStatus::Completed,
            TransactionState::Orphan => sdk::TransactionStatus::Orphan,
        },
        start_time: time(transaction.started_at),
        end_time: time(transaction.ended_at),
        meter_start_wh: transaction.meter_start.map(watt_hours),
        meter_stop_wh: transaction.meter_stop.map(watt_hours),
        total_energy: transaction.energy.map(kilowatt_hours),
        cost: transaction.cost.map(|cost| cost.to_string()),
        currency: String::from_utf8_lossy(&transaction.currency).into_owned(),
        quality: match transaction.quality {
            Quality::Ok => sdk::TransactionQuality::Ok,
            Quality::Estimated => sdk::TransactionQuality::Estimated,
            Quality::Quarantined => sdk::TransactionQuality::Quarantined,
        },
        stop_reason: some(transaction.stop_reason),
        closing: transaction.closing.map(closing),
        position: position(transaction.position),
        cost_details: None,
        station_cost: None,
        settlements: Vec::new(),
        limits: transaction
            .limits
            .map(|limit| limits::of_transaction(*limit)),
        missing_seq_nos: Vec::new(),
        station_status: None,
    };
    if let Some(money) = transaction.money {
        tariffs::add_money(&mut shown, *money);
    }
    if let Some(progress) = transaction.progress {
        shown.missing_seq_nos = progress.missing;
        shown.station_status = progress.told.map(|told| sdk::StationTransactionStatus {
            told_at: told.told_at.to_string(),
            ongoing: told.ongoing,
            messages_in_queue: told.messages_in_queue,
        });
    }
    shown
}

pub(crate) fn closing(closing: ClosingView) -> sdk::TransactionClosing {
    sdk::TransactionClosing {
        closed_by: closing.principal,
        closed_at: closing.closed_at.to_string(),
        reason: some(closing.reason),
        meter_stop_wh: closing.meter_stop.map(watt_hours),
        ended_at: time(closing.ended_at),
        superseded: !closing.stands,
    }
}

pub(crate) fn position(event: EventId) -> sdk::Position {
    sdk::Position {
        log_id: event.log_id.0.to_string(),
        seq: event.seq.0.to_string(),
    }
}

/// `7042.500`, as `energy_wh DECIMAL(18,3)` shows it.
pub(crate) fn watt_hours(energy: MilliwattHours) -> String {
    let sign = if energy.0 < 0 { "-" } else { "" };
    let magnitude = energy.0.unsigned_abs();
    format!("{sign}{}.{:03}", magnitude / 1_000, magnitude % 1_000)
}

/// Watt-hours with at most three decimals, as `DECIMAL(18,3)` prints them.
pub(crate) fn milliwatt_hours(watt_hours: &str) -> Option<MilliwattHours> {
    let (whole, fraction) = watt_hours.split_once('.').unwrap_or((watt_hours, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let is_number = !digits.is_empty()
        && digits
            .bytes()
            .chain(fraction.bytes())
            .all(|b| b.is_ascii_digit());
    if !is_number || 3 < fraction.len() {
        return None;
    }
    format!("{whole}{fraction:0<3}")
        .parse()
        .ok()
        .map(MilliwattHours)
}

/// Up to six decimals: the division is correctly rounded and fifteen digits survive a double, so what is printed
/// is exact below 1 TWh.
pub(crate) fn kilowatt_hours(energy: MilliwattHours) -> f64 {
    energy.0 as f64 / 1e6
}

/// A time of a request, or what is wrong with it.
pub(crate) fn moment(text: &str) -> Result<UtcMicros, String> {
    let since = humantime::parse_rfc3339(text)
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since
        .and_then(|since| i64::try_from(since.as_micros()).ok())
        .map(UtcMicros)
        .ok_or_else(|| format!("{text:?}, expected a time like 2027-01-01T00:00:00Z"))
}

fn time(at: Option<UtcMicros>) -> Option<String> {
    at.map(|at| at.to_string())
}

/// UTC microseconds of a record.
pub(crate) fn written_at(micros: i64) -> String {
    UtcMicros(micros).to_string()
}

/// Records hold an empty text for what is absent.
pub(crate) fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_is_exact_in_both_units() {
        for (mwh, wh, kwh) in [
            (0, "0.000", "0.0"),
            (1, "0.001", "1e-6"),
            (7_042_500, "7042.500", "7.0425"),
            (-500_000, "-500.000", "-0.5"),
            (999_999_999_999_999, "999999999999.999", "999999999.999999"),
        ] {
            assert_eq!(watt_hours(MilliwattHours(mwh)), wh);
            let printed = serde_json::to_string(&kilowatt_hours(MilliwattHours(mwh))).unwrap();
            assert_eq!(printed, kwh);
        }
    }

    #[test]
    fn energy_keeps_its_digits() {
        for (text, expected) in [
            ("7042.500", Some(7_042_500)),
            ("-0.5", Some(-500)),
            ("12", Some(12_000)),
            ("0.0001", None),
            ("many", None),
            ("", None),
            ("-", None),
            (".", None),
            (".5", None),
            ("+12", None),
            ("1.-2", None),
            ("1e3", None),
            ("9223372036854775.807", Some(i64::MAX)),
            ("9223372036854775.808", None),
        ] {
            let energy = milliwatt_hours(text);
            assert_eq!(energy, expected.map(MilliwattHours), "{text}");
        }
    }
}
