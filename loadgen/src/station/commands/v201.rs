//! Commands of 2.0.1, read strictly.

use ocpp::v201::{
    AttributeType, Command, Component, MessageTrigger, OperationalStatus, ResetType, Variable,
};
use ocpp::{CallError, MeterColumns, Policy};

use super::v2::{Asked, Named, ResetKind};
use super::{Trigger, not_offered};
use crate::connector::RemoteStart;

/// What a call asks for.
///
/// # Errors
///
/// The action is none of 2.0.1, or none that these stations know, or its payload breaks the schema.
pub(super) fn read(action: &str, payload: &str) -> Result<Asked, CallError> {
    let mut columns = MeterColumns::new();
    let command = Command::decode(action, payload, Policy::Strict, &mut columns)?.message;
    Ok(match command {
        Command::RequestStartTransaction(call) => Asked::Start {
            evse: call.evse_id,
            remote: RemoteStart {
                token: call.id_token.id_token.to_string(),
                id: Some(call.remote_start_id),
            },
        },
        Command::RequestStopTransaction(call) => Asked::Stop {
            transaction: call.transaction_id.to_string(),
        },
        Command::Reset(call) => Asked::Reset(match call.kind {
            ResetType::Immediate => ResetKind::Immediate,
            ResetType::OnIdle => ResetKind::OnIdle,
        }),
        Command::UnlockConnector(call) => Asked::Unlock {
            evse: call.evse_id,
            connector: call.connector_id,
        },
        Command::ChangeAvailability(call) => Asked::Availability {
            evse: call.evse.map_or(0, |evse| evse.id),
            operative: match call.operational_status {
                OperationalStatus::Operative => true,
                OperationalStatus::Inoperative => false,
            },
        },
        Command::GetVariables(call) => {
            let wanted = call.get_variable_data.iter();
            let wanted = wanted.map(|one| named(&one.component, &one.variable, one.attribute_type));
            Asked::GetVariables(wanted.collect())
        }
        Command::SetVariables(call) => {
            let wanted = call.set_variable_data.iter().map(|one| {
                let named = named(&one.component, &one.variable, one.attribute_type);
                (named, one.attribute_value.to_string())
            });
            Asked::SetVariables(wanted.collect())
        }
        Command::GetBaseReport(_) => Asked::BaseReport,
        Command::TriggerMessage(call) => Asked::Trigger {
            what: match call.requested_message {
                MessageTrigger::BootNotification => Some(Trigger::Boot),
                MessageTrigger::Heartbeat => Some(Trigger::Heartbeat),
                MessageTrigger::StatusNotification => Some(Trigger::Status),
                MessageTrigger::TransactionEvent => Some(Trigger::Meter),
                MessageTrigger::MeterValues
                | MessageTrigger::LogStatusNotification
                | MessageTrigger::FirmwareStatusNotification
                | MessageTrigger::SignChargingStationCertificate
                | MessageTrigger::SignV2GCertificate
                | MessageTrigger::SignCombinedCertificate
                | MessageTrigger::PublishFirmwareStatusNotification => None,
            },
            evse: call.evse.map(|evse| evse.id),
        },
        Command::ClearCache(_) => Asked::ClearCache,
        Command::DataTransfer(_) => Asked::DataTransfer,
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
        | Command::UpdateFirmware(_) => return Err(not_offered(action)),
    })
}

fn named(
    component: &Component<'_>,
    variable: &Variable<'_>,
    attribute: Option<AttributeType>,
) -> Named {
    Named {
        component: component.name.to_string(),
        variable: variable.name.to_string(),
        is_actual: match attribute {
            None | Some(AttributeType::Actual) => true,
            Some(AttributeType::Target | AttributeType::MinSet | AttributeType::MaxSet) => false,
        },
    }
}
