//! Commands of 1.6.

use ocpp::v16::{AvailabilityType, Command, MessageTrigger, ResetType};
use ocpp::{CallError, Instant, MeterColumns, Policy};
use serde_json::{Value, json};

use super::{Changed, Setting, Trigger, not_offered};
use crate::connector::{Availability, RemoteStart};
use crate::event::StopReason;
use crate::plan::Plan;
use crate::station::Station;

/// The payload of the answer.
///
/// # Errors
///
/// The action is none of 1.6, or none that this station knows, or its payload breaks the schema.
pub(super) fn answer(
    station: &mut Station,
    plan: &Plan,
    now: Instant,
    action: &str,
    payload: &str,
) -> Result<Value, CallError> {
    let mut columns = MeterColumns::new();
    let command = Command::decode(action, payload, Policy::Strict, &mut columns)?.message;
    Ok(match command {
        Command::RemoteStartTransaction(call) => {
            let remote = RemoteStart {
                token: call.id_tag.to_string(),
                id: None,
            };
            accepted(station.start_remotely(plan, now, call.connector_id, remote))
        }
        Command::RemoteStopTransaction(call) => {
            accepted(station.stop_remotely(plan, now, &call.transaction_id.to_string()))
        }
        Command::Reset(call) => {
            let reason = match call.kind {
                ResetType::Hard => StopReason::HardReset,
                ResetType::Soft => StopReason::SoftReset,
            };
            station.reset(plan, now, reason);
            accepted(true)
        }
        Command::UnlockConnector(call) => {
            let line = (call.connector_id as usize).checked_sub(1);
            match line.and_then(|at| station.connectors.get_mut(at)) {
                Some(line) => {
                    let reason = StopReason::UnlockCommand;
                    line.connector
                        .stop(plan, now, reason, &mut station.happenings);
                    json!({ "status": "Unlocked" })
                }
                None => json!({ "status": "NotSupported" }),
            }
        }
        Command::ChangeAvailability(call) => {
            let operative = match call.kind {
                AvailabilityType::Operative => true,
                AvailabilityType::Inoperative => false,
            };
            let status = match station.set_operative(now, call.connector_id, operative) {
                Some(Availability::Changed) => "Accepted",
                Some(Availability::Scheduled) => "Scheduled",
                None => "Rejected",
            };
            json!({ "status": status })
        }
        Command::GetConfiguration(call) => {
            let keys: Vec<&str> = call
                .key
                .iter()
                .flat_map(|keys| keys.iter())
                .map(|key| &**key)
                .collect();
            configuration(station, &keys)
        }
        Command::ChangeConfiguration(call) => {
            let status = match setting(&call.key) {
                Some(setting) => match station.change(setting, &call.value) {
                    Changed::Accepted => "Accepted",
                    Changed::Rejected => "Rejected",
                },
                None => "NotSupported",
            };
            json!({ "status": status })
        }
        Command::TriggerMessage(call) => {
            let what = match call.requested_message {
                MessageTrigger::BootNotification => Trigger::Boot,
                MessageTrigger::Heartbeat => Trigger::Heartbeat,
                MessageTrigger::StatusNotification => Trigger::Status,
                MessageTrigger::MeterValues => Trigger::Meter,
                MessageTrigger::DiagnosticsStatusNotification
                | MessageTrigger::FirmwareStatusNotification => {
                    return Ok(json!({ "status": "NotImplemented" }));
                }
            };
            accepted(station.trigger(plan, now, what, call.connector_id))
        }
        Command::ClearCache(_) => accepted(true),
        Command::DataTransfer(_) => json!({ "status": "UnknownVendorId" }),
        Command::CancelReservation(_)
        | Command::CertificateSigned(_)
        | Command::ClearChargingProfile(_)
        | Command::DeleteCertificate(_)
        | Command::ExtendedTriggerMessage(_)
        | Command::GetCompositeSchedule(_)
        | Command::GetDiagnostics(_)
        | Command::GetInstalledCertificateIds(_)
        | Command::GetLocalListVersion(_)
        | Command::GetLog(_)
        | Command::InstallCertificate(_)
        | Command::ReserveNow(_)
        | Command::SendLocalList(_)
        | Command::SetChargingProfile(_)
        | Command::SignedUpdateFirmware(_)
        | Command::UpdateFirmware(_) => {
            return Err(not_offered(action));
        }
    })
}

fn accepted(yes: bool) -> Value {
    json!({ "status": if yes { "Accepted" } else { "Rejected" } })
}

fn setting(key: &str) -> Option<Setting> {
    Setting::ALL
        .into_iter()
        .find(|setting| setting.key() == key)
}

/// All settings, or the named ones.
fn configuration(station: &Station, keys: &[&str]) -> Value {
    let entry = |setting: Setting| {
        json!({
            "key": setting.key(),
            "readonly": setting.is_read_only(),
            "value": station.settings.value(setting),
        })
    };
    if keys.is_empty() {
        return json!({ "configurationKey": Setting::ALL.map(entry) });
    }
    let known: Vec<Value> = keys
        .iter()
        .filter_map(|key| setting(key))
        .map(entry)
        .collect();
    let unknown: Vec<&&str> = keys.iter().filter(|key| setting(key).is_none()).collect();
    json!({ "configurationKey": known, "unknownKey": unknown })
}
