//! What a station that waits for approval may say beside its boot: what it was asked for (2.0.1 B02.FR.02 and FR.09,
//! 1.6 §4.2.1). Nothing else that it says is kept, so it is an operator's word that opens this: for a while, for so many
//! messages, and on the connection that it was sent on.

use std::time::Duration;

use ocpp::Instant;
use serde_json::Value;

use super::calls::Inbound;
use super::{Now, Shard};

/// How long a station may take to say what it was asked for.
const ASKED_FOR: Duration = Duration::from_secs(120);
/// A part of a report that says there are more gives the next one as long again, but no more than so much in all.
const REPORT_MAX: Duration = Duration::from_secs(3_600);
/// Messages that one command opens the door to: one for each connector of a large station.
const MESSAGES_MAX: u16 = 64;
/// The same of a report, which some stations send with one variable in each part.
const PARTS_MAX: u16 = 4_096;

/// What a station may say while it waits for approval.
#[derive(Default)]
pub(crate) struct AskedFor(Vec<Asked>);

/// An action; there is one for each at most.
struct Asked {
    action: &'static str,
    /// `until <= until_at_most`.
    until: Instant,
    until_at_most: Instant,
    /// Messages that may still come.
    left: u16,
    /// Those of them that came and have no answer yet.
    unanswered: u16,
    /// Commands that asked for it and were not refused.
    commands: u16,
}

impl AskedFor {
    fn ask(&mut self, now: Instant, action: &'static str) {
        let known = self.0.iter().position(|asked| asked.action == action);
        let known = known.map(|at| self.0.swap_remove(at));
        let unanswered = known.as_ref().map_or(0, |asked| asked.unanswered);
        let open = known.filter(|asked| now < asked.until);
        let commands = open.map_or(0, |asked| asked.commands);
        let is_report = action == REPORT;
        self.0.push(Asked {
            action,
            until: now + ASKED_FOR,
            until_at_most: now + if is_report { REPORT_MAX } else { ASKED_FOR },
            left: if is_report { PARTS_MAX } else { MESSAGES_MAX },
            unanswered,
            commands: commands.saturating_add(1),
        });
    }

    /// The station refuses what it was asked for: nothing of it is to come, unless another command asked for it too.
    fn refuse(&mut self, action: &str) {
        if let Some(asked) = self.0.iter_mut().find(|asked| asked.action == action) {
            asked.commands = asked.commands.saturating_sub(1);
            if asked.commands == 0 {
                asked.left = 0;
            }
        }
    }

    /// True for a message that was asked for.
    fn take(&mut self, now: Instant, action: &str, payload: &str) -> bool {
        let open = |asked: &&mut Asked| asked.action == action && now < asked.until;
        let Some(asked) = self.0.iter_mut().find(open) else {
            return false;
        };
        let Some(left) = asked.left.checked_sub(1) else {
            return false;
        };
        asked.left = left;
        asked.unanswered = asked.unanswered.saturating_add(1);
        if action == REPORT && says_more_follows(payload) {
            asked.until = asked.until_at_most.min(now + ASKED_FOR);
        }
        true
    }

    /// True for the answer to such a message.
    fn answer(&mut self, action: &str) -> bool {
        let asked = self.0.iter_mut().find(|asked| asked.action == action);
        asked.is_some_and(|asked| match asked.unanswered.checked_sub(1) {
            Some(unanswered) => {
                asked.unanswered = unanswered;
                true
            }
            None => false,
        })
    }
}

const REPORT: &str = "NotifyReport";

fn says_more_follows(payload: &str) -> bool {
    let message: Value = serde_json::from_str(payload).unwrap_or_default();
    message.get("tbc").and_then(Value::as_bool) == Some(true)
}

/// What a command makes a station say by itself; a boot needs nobody's word.
pub(super) fn asked_by(action: &str, payload: &str) -> &'static [&'static str] {
    match action {
        "GetBaseReport" | "GetReport" => return &[REPORT],
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
            side.asked_for.ask(now.mono, action);
        }
    }

    /// The station has refused a command that asked for this.
    pub(super) fn note_not_asked_for(&mut self, station: u32, asked: &[&'static str]) {
        if let Some(side) = &mut self.stations[station].side {
            for action in asked {
                side.asked_for.refuse(action);
            }
        }
    }

    /// True when a station that waits for approval was asked to say this, `payload`.
    pub(super) fn is_asked_for(&mut self, now: Now, call: Inbound<'_>, payload: &str) -> bool {
        let side = self.stations[call.station].side.as_mut();
        side.is_some_and(|side| side.asked_for.take(now.mono, call.action, payload))
    }

    /// True for the answer to what a station that waits for approval was asked to say.
    pub(super) fn answers_asked_for(&mut self, call: Inbound<'_>) -> bool {
        let side = self.stations[call.station].side.as_mut();
        side.is_some_and(|side| side.asked_for.answer(call.action))
    }
}
