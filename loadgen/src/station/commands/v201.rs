//! Commands of 2.0.1.

use ocpp::v201::{
    AttributeType, Command, Component, GetVariableData, MessageTrigger, OperationalStatus,
    ResetType, SetVariableData, Variable,
};
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
/// The action is none of 2.0.1, or none that this station knows, or its payload breaks the schema.
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
        Command::RequestStartTransaction(call) => {
            let token = call.id_token.id_token.to_string();
            let remote = RemoteStart {
                token,
                id: Some(call.remote_start_id),
            };
            accepted(station.start_remotely(plan, now, call.evse_id, remote))
        }
        Command::RequestStopTransaction(call) => {
            accepted(station.stop_remotely(plan, now, &call.transaction_id))
        }
        Command::Reset(call) => reset(station, plan, now, call.kind),
        Command::UnlockConnector(call) => {
            let line = (call.evse_id as usize).checked_sub(1);
            let line = line
                .and_then(|at| station.connectors.get(at))
                .filter(|_| call.connector_id == 1);
            let status = match line.map(|line| line.connector.transaction()) {
                Some(None) => "Unlocked",
                Some(Some(_)) => "OngoingAuthorizedTransaction",
                None => "UnknownConnector",
            };
            json!({ "status": status })
        }
        Command::ChangeAvailability(call) => {
            let operative = match call.operational_status {
                OperationalStatus::Operative => true,
                OperationalStatus::Inoperative => false,
            };
            let evse = call.evse.map_or(0, |evse| evse.id);
            let status = match station.set_operative(now, evse, operative) {
                Some(Availability::Changed) => "Accepted",
                Some(Availability::Scheduled) => "Scheduled",
                None => "Rejected",
            };
            json!({ "status": status })
        }
        Command::GetVariables(call) => {
            let results: Vec<Value> = call
                .get_variable_data
                .iter()
                .map(|wanted| variable(station, wanted))
                .collect();
            json!({ "getVariableResult": results })
        }
        Command::SetVariables(call) => {
            let results: Vec<Value> = call
                .set_variable_data
                .iter()
                .map(|wanted| set_variable(station, wanted))
                .collect();
            json!({ "setVariableResult": results })
        }
        Command::GetBaseReport(_) => json!({ "status": "NotSupported" }),
        Command::TriggerMessage(call) => {
            let what = match call.requested_message {
                MessageTrigger::BootNotification => Trigger::Boot,
                MessageTrigger::Heartbeat => Trigger::Heartbeat,
                MessageTrigger::StatusNotification => Trigger::Status,
                MessageTrigger::TransactionEvent => Trigger::Meter,
                MessageTrigger::MeterValues
                | MessageTrigger::LogStatusNotification
                | MessageTrigger::FirmwareStatusNotification
                | MessageTrigger::SignChargingStationCertificate
                | MessageTrigger::SignV2GCertificate
                | MessageTrigger::SignCombinedCertificate
                | MessageTrigger::PublishFirmwareStatusNotification => {
                    return Ok(json!({ "status": "NotImplemented" }));
                }
            };
            accepted(station.trigger(plan, now, what, call.evse.map(|evse| evse.id)))
        }
        Command::ClearCache(_) => accepted(true),
        Command::DataTransfer(_) => json!({ "status": "UnknownVendorId" }),
        Command::CancelReservation(_)
        | Command::CertificateSigned(_)
        | Command::ClearChargingProfile(_)
        | Command::ClearDisplayMessage(_)
        | Command::ClearVariableMonitoring(_)
        | Command::CostUpdated(_)
        | Command::CustomerInformation(_)
        | Command::DeleteCertificate(_)
        | Command::GetChargingProfiles(_)
        | Command::GetCompositeSchedule(_)
        | Command::GetDisplayMessages(_)
        | Command::GetInstalledCertificateIds(_)
        | Command::GetLocalListVersion(_)
        | Command::GetLog(_)
        | Command::GetMonitoringReport(_)
        | Command::GetReport(_)
        | Command::GetTransactionStatus(_)
        | Command::InstallCertificate(_)
        | Command::PublishFirmware(_)
        | Command::ReserveNow(_)
        | Command::SendLocalList(_)
        | Command::SetChargingProfile(_)
        | Command::SetDisplayMessage(_)
        | Command::SetMonitoringBase(_)
        | Command::SetMonitoringLevel(_)
        | Command::SetNetworkProfile(_)
        | Command::SetVariableMonitoring(_)
        | Command::UnpublishFirmware(_)
        | Command::UpdateFirmware(_) => {
            return Err(not_offered(action));
        }
    })
}

fn accepted(yes: bool) -> Value {
    json!({ "status": if yes { "Accepted" } else { "Rejected" } })
}

/// On idle, the station waits for its transactions; it looks again whenever one ends.
fn reset(station: &mut Station, plan: &Plan, now: Instant, kind: ResetType) -> Value {
    match kind {
        ResetType::OnIdle if station.transactions() > 0 => {
            station.restart_when_idle = true;
            json!({ "status": "Scheduled" })
        }
        ResetType::OnIdle | ResetType::Immediate => {
            station.reset(plan, now, StopReason::HardReset);
            accepted(true)
        }
    }
}

/// Which setting is meant, or the status that says why there is none.
fn find(
    component: &Component<'_>,
    variable: &Variable<'_>,
    attribute: Option<AttributeType>,
) -> Result<Setting, &'static str> {
    let of_component = |setting: &Setting| {
        setting
            .variable()
            .is_some_and(|(name, _)| name == &*component.name)
    };
    if !Setting::ALL.iter().any(of_component) {
        return Err("UnknownComponent");
    }
    let meant = (&*component.name, &*variable.name);
    let setting = Setting::ALL
        .into_iter()
        .find(|setting| setting.variable() == Some(meant));
    match (setting, attribute) {
        (None, _) => Err("UnknownVariable"),
        (Some(setting), None | Some(AttributeType::Actual)) => Ok(setting),
        (Some(_), Some(AttributeType::Target | AttributeType::MinSet | AttributeType::MaxSet)) => {
            Err("NotSupportedAttributeType")
        }
    }
}

/// The result names component and variable as the call did.
fn result(component: &Component<'_>, variable: &Variable<'_>, status: &str) -> Value {
    json!({
        "attributeStatus": status,
        "component": { "name": &*component.name },
        "variable": { "name": &*variable.name },
    })
}

fn variable(station: &Station, wanted: &GetVariableData<'_>) -> Value {
    match find(&wanted.component, &wanted.variable, wanted.attribute_type) {
        Ok(setting) => {
            let mut result = result(&wanted.component, &wanted.variable, "Accepted");
            result["attributeValue"] = station.settings.value(setting).into();
            result
        }
        Err(status) => result(&wanted.component, &wanted.variable, status),
    }
}

fn set_variable(station: &mut Station, wanted: &SetVariableData<'_>) -> Value {
    let status = match find(&wanted.component, &wanted.variable, wanted.attribute_type) {
        Ok(setting) => match station.change(setting, &wanted.attribute_value) {
            Changed::Accepted => "Accepted",
            Changed::Rejected => "Rejected",
        },
        Err(status) => status,
    };
    result(&wanted.component, &wanted.variable, status)
}
