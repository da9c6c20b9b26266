//! What a station accepted about power from and to vehicles.

use fleet::UtcMicros;
use fleet::record::{AfrrSignal, AllowedEnergyTransfer, V2xChanged};
use serde_json::Value;

use super::{moment, text, texts};

/// Transactions whose energy transfers are kept of a station, the newest.
const ALLOWED_MAX: usize = 64;
/// Energy transfers that are kept of one: the schema knows eleven.
const MODES_MAX: usize = 16;

/// The station accepted a NotifyAllowedEnergyTransfer (Q02.FR.05). Of transactions that run no longer nothing is kept.
pub(crate) fn allowed(
    held: &mut V2xChanged,
    asked: &Value,
    command: [u8; 16],
    at: UtcMicros,
    runs: impl Fn(&str) -> bool,
) {
    let ocpp_transaction_id = text(&asked["transactionId"]);
    let mut modes = texts(&asked["allowedEnergyTransfer"]);
    modes.truncate(MODES_MAX);
    held.allowed.retain(|old| {
        old.ocpp_transaction_id != ocpp_transaction_id && runs(&old.ocpp_transaction_id)
    });
    if held.allowed.len() == ALLOWED_MAX {
        held.allowed.remove(0);
    }
    held.allowed.push(AllowedEnergyTransfer {
        ocpp_transaction_id,
        modes,
        command_id: command,
        at: at.0,
    });
}

/// The station accepted an AFRRSignal (Q07).
pub(crate) fn signalled(held: &mut V2xChanged, asked: &Value, command: [u8; 16], at: UtcMicros) {
    held.afrr = Some(AfrrSignal {
        signal: asked["signal"].as_i64().unwrap_or(0),
        signal_at: moment(&asked["timestamp"]).unwrap_or(at.0),
        command_id: command,
        at: at.0,
    });
}

/// Whether a vehicle may have the energy transfer that it asks for (Q01.FR.04): as the newest list for its transaction
/// says, where there is none as the driver's token does, and any where that says nothing either.
pub(crate) fn may_transfer(
    held: &V2xChanged,
    ocpp_transaction_id: &str,
    driver: &[String],
    requested: &str,
) -> bool {
    let of = |allowed: &&AllowedEnergyTransfer| allowed.ocpp_transaction_id == ocpp_transaction_id;
    let listed = held.allowed.iter().find(of);
    match listed {
        Some(listed) => listed.modes.iter().any(|mode| mode == requested),
        None => driver.is_empty() || driver.iter().any(|mode| mode == requested),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_lists_are_kept_of_transactions_that_run() {
        let mut held = V2xChanged::default();
        let mut told = |n: usize, runs: bool| {
            let asked =
                json!({ "transactionId": format!("T{n}"), "allowedEnergyTransfer": ["DC"] });
            allowed(&mut held, &asked, [1; 16], UtcMicros(1), |_| runs);
            held.allowed.len()
        };
        for n in 0..ALLOWED_MAX {
            assert_eq!(told(n, true), n + 1);
        }
        assert_eq!(told(ALLOWED_MAX, true), ALLOWED_MAX);
        assert_eq!(told(3, true), ALLOWED_MAX, "anew");
        assert_eq!(told(500, false), 1, "the others have ended");
    }
}
