//! OCPP requests as the facts of [`fleet::record`]: the one place where the words of a version become ours.
//!
//! 1.6 is translated into the model of 2.0.1 on entry: connector *n* is EVSE *n*, connector 1, and connector 0 the
//! station as a whole.

pub(crate) mod meter;

use std::borrow::Cow;

use fleet::UtcMicros;
use fleet::record::{Booted, ConnectorStatus, Moment};
use ocpp::{Timestamp, Zone, v16};

/// A 1.6 event older than this on receipt was recorded offline: the version has no flag for it.
pub(crate) const OFFLINE_AFTER_MICROS: i64 = 10 * 60 * 1_000_000;

/// When something happened: the station's time where that is worth believing, else the time of receipt.
pub(crate) fn moment(timestamp: Option<&Timestamp<'_>>, received_at: UtcMicros) -> Moment {
    let raw = timestamp.and_then(|t| t.raw.as_deref()).unwrap_or("");
    let told = timestamp.filter(|t| t.zone != Zone::Distrusted);
    let at = told.map(|t| UtcMicros(t.utc_micros));
    let trusted = at.filter(|at| at.is_trusted(received_at));
    Moment {
        at: trusted.unwrap_or(received_at).0,
        raw: raw.to_owned(),
        clock_trusted: trusted.is_some(),
    }
}

/// Whether a 1.6 event of this moment was recorded offline.
pub(crate) fn was_offline(moment: &Moment, received_at: UtcMicros) -> bool {
    moment.clock_trusted && moment.at < received_at.0 - OFFLINE_AFTER_MICROS
}

/// A number as records keep it: as its station writes it, or, of one in more than [`NUMERAL_LEN_MAX`] characters, the nearest
/// double. A numeral may be as long as a message, and a record has room for two of those, but for dozens of numbers.
pub(crate) fn numeral(lexeme: &str) -> Cow<'_, str> {
    match lexeme.parse::<f64>() {
        Ok(nearest) if NUMERAL_LEN_MAX < lexeme.len() => {
            let plain = nearest.to_string();
            let fits = plain.len() <= NUMERAL_LEN_MAX;
            Cow::Owned(if fits { plain } else { format!("{nearest:e}") })
        }
        Ok(_) | Err(_) => Cow::Borrowed(lexeme),
    }
}

/// More than any amount of money takes, in any notation.
const NUMERAL_LEN_MAX: usize = 64;

/// EVSE and connector of a 1.6 connector.
pub(crate) fn place(connector_id: u32) -> (u32, u32) {
    (connector_id, u32::from(connector_id != 0))
}

/// The nine statuses of 1.6 in the five of 2.0.1.
pub(crate) fn status(status: v16::ChargePointStatus) -> ConnectorStatus {
    match status {
        v16::ChargePointStatus::Available => ConnectorStatus::Available,
        v16::ChargePointStatus::Preparing
        | v16::ChargePointStatus::Charging
        | v16::ChargePointStatus::SuspendedEVSE
        | v16::ChargePointStatus::SuspendedEV
        | v16::ChargePointStatus::Finishing => ConnectorStatus::Occupied,
        v16::ChargePointStatus::Reserved => ConnectorStatus::Reserved,
        v16::ChargePointStatus::Unavailable => ConnectorStatus::Unavailable,
        v16::ChargePointStatus::Faulted => ConnectorStatus::Faulted,
    }
}

/// A 1.6 boot.
pub(crate) fn booted_16(boot: &v16::BootNotification<'_>) -> Booted {
    let serial_number = boot
        .charge_point_serial_number
        .as_deref()
        .or(boot.charge_box_serial_number.as_deref());
    Booted {
        vendor: boot.charge_point_vendor.to_string(),
        model: boot.charge_point_model.to_string(),
        serial_number: text(serial_number),
        firmware_version: text(boot.firmware_version.as_deref()),
        reason: String::new(),
        iccid: text(boot.iccid.as_deref()),
        imsi: text(boot.imsi.as_deref()),
        meter_type: text(boot.meter_type.as_deref()),
        meter_serial_number: text(boot.meter_serial_number.as_deref()),
        accepted: true,
    }
}

/// An absent text is an empty one in the log.
pub(crate) fn text(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_worth_believing_is_believed() {
        let received = UtcMicros(1_795_344_109_000_000);
        let minute = 60_000_000;
        for (at, trusted, offline) in [
            (received.0, true, false),
            (received.0 + 5 * minute, true, false),
            (received.0 + 5 * minute + 1, false, false),
            (received.0 - 10 * minute, true, false),
            (received.0 - 10 * minute - 1, true, true),
            (0, false, false),
        ] {
            let moment = moment(Some(&Timestamp::at(at)), received);
            assert_eq!(moment.clock_trusted, trusted, "{at}");
            assert_eq!(moment.at, if trusted { at } else { received.0 });
            assert_eq!(was_offline(&moment, received), offline, "{at}");
        }
        assert_eq!(moment(None, received).at, received.0);
    }
}
