//! What a station that waits for approval may say beside its boot: what it was asked for (2.0.1 B02.FR.02 and FR.09,
//! 1.6 §4.2.1). Nothing else that it says is kept, so it is an operator's word that opens this, for a while.

use std::time::Duration;

use ocpp::Instant;
use serde_json::Value;

use super::calls::Inbound;
use super::{Now, Shard};

/// How long a station may take to say what it was asked for; each message of it gives the next as long again.
const ASKED_FOR: Duration = Duration::from_secs(120);

/// Actions that a station may say while it waits for approval, each once, and until when.
#[derive(Default)]
pub(crate) struct AskedFor(Vec<(&'static str, Instant)>);

impl AskedFor {
    fn ask(&mut self, action: &'static str, until: Instant) {
        match self.0.iter_mut().find(|(known, _)| *known == action) {
            Some((_, known)) => *known = until,
            None => self.0.push((action, until)),
        }
    }
}

/// What a command makes a station say by itself; a boot needs nobody's word.
pub(super) fn asked_by(action: &str, payload: &str) -> &'static [&'static str] {
    match action {
        "GetBaseReport" | "GetReport" => return &["NotifyReport"],
        "TriggerMessage" | "ExtendedTriggerMessage" => {}
        _ => return &[],
    }
    let payload: Value = serde_json::from_str(payload).unwrap_or_default();
    match payload.get("requestedMessage").and_then(Value::as_str) {
        Some("DiagnosticsStatusNotification") => &["DiagnosticsStatusNotification"],
        Some("FirmwareStatusNotification") => &[
            "FirmwareStatusNotification",
            "SignedFirmwareStatusNotification",
        ],
        Some("Heartbeat") => &["Heartbeat"],
        Some("LogStatusNotification") => &["LogStatusNotification"],
        Some("MeterValues") => &["MeterValues"],
        Some("PublishFirmwareStatusNotification") => &["PublishFirmwareStatusNotification"],
        Some(
            "SignChargePointCertificate"
            | "SignChargingStationCertificate"
            | "SignCombinedCertificate"
            | "SignV2G20Certificate"
            | "SignV2GCertificate",
        ) => &["SignCertificate"],
        // 2.1 stations may tell the state of a connector by either.
        Some("StatusNotification") => &["StatusNotification", "NotifyEvent"],
        Some("TransactionEvent") => &["TransactionEvent"],
        Some(_) | None => &[],
    }
}

impl Shard {
    /// What a command that went to a station asks for may be said while the station waits for approval.
    pub(super) fn note_asked_for(&mut self, now: Now, station: u32, asked: &[&'static str]) {
        if self.accepted(station) {
            return;
        }
        for action in asked {
            let side = self.stations[station].side_mut();
            side.asked_for.ask(action, now.mono + ASKED_FOR);
        }
    }

    /// True when a station that waits for approval was asked to say this.
    pub(super) fn is_asked_for(&mut self, now: Now, call: Inbound<'_>) -> bool {
        let Some(side) = &mut self.stations[call.station].side else {
            return false;
        };
        let mut asked = side.asked_for.0.iter_mut();
        let asked = asked.find(|(action, until)| *action == call.action && now.mono < *until);
        if let Some((_, until)) = asked {
            *until = now.mono + ASKED_FOR;
            return true;
        }
        false
    }
}
