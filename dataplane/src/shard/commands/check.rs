//! What may be sent to a station, and what it may answer.

use fleet::record::Protocol;
use ocpp::{CallError, MeterColumns, Rules, Version, v16, v21, v201};

use crate::router::CommandRefused;
use crate::shard::Shard;
use crate::shard::passwords::check_password;

impl Shard {
    /// Whether a station's version has such a command, and whether the log can hold it with its answer.
    pub(in crate::shard) fn check_command(
        &self,
        station: u32,
        action: &str,
        payload: &str,
    ) -> Result<(), CommandRefused> {
        // An answer is a message, and takes up to half of the longest record.
        let len_max = self.config.log.record_len_max / 4;
        if len_max < payload.len() {
            let len = payload.len();
            let detail = format!("payload has {len} bytes, at most {len_max} are allowed");
            return Err(CommandRefused::Invalid(detail));
        }
        let checked = match self.stations[station].state.protocol {
            Some(Protocol::Ocpp16) => {
                check_password(action, payload).map_err(CommandRefused::Invalid)?;
                v16::validate_call(action, payload)
            }
            Some(Protocol::Ocpp201) => {
                check_password(action, payload).map_err(CommandRefused::Invalid)?;
                v201::validate_call(action, payload)
            }
            Some(Protocol::Ocpp21) => {
                check_password(action, payload).map_err(CommandRefused::Invalid)?;
                v21::validate_call(action, payload)
            }
            // It never connected: any version's word will do, for it will not be sent.
            None => v16::validate_call(action, payload)
                .or_else(|_| v21::validate_call(action, payload))
                .or_else(|_| v201::validate_call(action, payload)),
        };
        checked.map_err(|error| CommandRefused::Invalid(error.to_string()))
    }
}

/// Whether a station's answer to a command is what its version says it is, as far as the station's `rules` hold it to
/// that.
pub(super) fn check_answer(
    version: Version,
    rules: Rules<'_>,
    action: &str,
    payload: &str,
) -> Result<(), CallError> {
    let mut columns = MeterColumns::new();
    match version {
        Version::V16 => {
            v16::CommandResponse::decode(action, payload, rules, &mut columns).map(drop)
        }
        Version::V201 => {
            v201::CommandResponse::decode(action, payload, rules, &mut columns).map(drop)
        }
        Version::V21 => {
            v21::CommandResponse::decode(action, payload, rules, &mut columns).map(drop)
        }
    }
}
