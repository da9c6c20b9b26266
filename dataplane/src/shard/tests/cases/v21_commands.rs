//! Every command of OCPP 2.1, once along each way that it can end: answered, refused, answered with what its schema does
//! not allow (and so with a CALLRESULTERROR of ours), and not answered at all.

use std::collections::BTreeSet;

use fleet::record::{CommandChanged, CommandState};
use fleet::wire::{self, Fact};
use ocpp::{MeterColumns, Policy, Version, v21};

use super::{BOOTED, Case, config};
use crate::config::Onboarding;

/// Each command with every member that its schema has at the top, in the order of the schema, and the least answer.
const COMMANDS: &str = r#"
    < AFRRSignal {"timestamp":"2026-11-22T10:00:00Z","signal":1}
    > {"status":"Accepted"}
    < AdjustPeriodicEventStream {"id":1,"params":{}}
    > {"status":"Accepted"}
    < CancelReservation {"reservationId":1}
    > {"status":"Accepted"}
    < CertificateSigned {"certificateChain":"certificateChain","certificateType":"ChargingStationCertificate","requestId":1}
    > {"status":"Accepted"}
    < ChangeAvailability {"evse":{"id":1},"operationalStatus":"Inoperative"}
    > {"status":"Accepted"}
    < ChangeTransactionTariff {"tariff":{"tariffId":"tariffId","currency":"EUR"},"transactionId":"T1"}
    > {"status":"Accepted"}
    < ClearCache {}
    > {"status":"Accepted"}
    < ClearChargingProfile {"chargingProfileId":1,"chargingProfileCriteria":{}}
    > {"status":"Accepted"}
    < ClearDERControl {"isDefault":false,"controlType":"EnterService","controlId":"C1"}
    > {"status":"Accepted"}
    < ClearDisplayMessage {"id":1}
    > {"status":"Accepted"}
    < ClearTariffs {"tariffIds":["tariffIds"],"evseId":1}
    > {"clearTariffsResult":[{"status":"Accepted"}]}
    < ClearVariableMonitoring {"id":[1]}
    > {"clearMonitoringResult":[{"status":"Accepted","id":1}]}
    < CostUpdated {"totalCost":1.5,"transactionId":"T1"}
    > {}
    < CustomerInformation {"customerCertificate":{"hashAlgorithm":"SHA256","issuerNameHash":"issuerNameHash","issuerKeyHash":"issuerKeyHash","serialNumber":"serialNumber"},"idToken":{"idToken":"TAG","type":"ISO14443"},"requestId":1,"report":true,"clear":true,"customerIdentifier":"customerIdentifier"}
    > {"status":"Accepted"}
    < DataTransfer {"messageId":"messageId","data":"any","vendorId":"vendorId"}
    > {"status":"Accepted"}
    < DeleteCertificate {"certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"issuerNameHash","issuerKeyHash":"issuerKeyHash","serialNumber":"serialNumber"}}
    > {"status":"Accepted"}
    < GetBaseReport {"requestId":1,"reportBase":"ConfigurationInventory"}
    > {"status":"Accepted"}
    < GetChargingProfiles {"requestId":1,"evseId":1,"chargingProfile":{}}
    > {"status":"Accepted"}
    < GetCompositeSchedule {"duration":1,"chargingRateUnit":"W","evseId":1}
    > {"status":"Accepted"}
    < GetDERControl {"requestId":1,"isDefault":true,"controlType":"EnterService","controlId":"C1"}
    > {"status":"Accepted"}
    < GetDisplayMessages {"id":[1],"requestId":1,"priority":"AlwaysFront","state":"Charging"}
    > {"status":"Accepted"}
    < GetInstalledCertificateIds {"certificateType":["V2GRootCertificate"]}
    > {"status":"Accepted"}
    < GetLocalListVersion {}
    > {"versionNumber":1}
    < GetLog {"log":{"remoteLocation":"https://files.example/log"},"logType":"DiagnosticsLog","requestId":1,"retries":1,"retryInterval":1}
    > {"status":"Accepted"}
    < GetMonitoringReport {"componentVariable":[{"component":{"name":"Any"}}],"requestId":1,"monitoringCriteria":["ThresholdMonitoring"]}
    > {"status":"Accepted"}
    < GetPeriodicEventStream {}
    > {}
    < GetReport {"componentVariable":[{"component":{"name":"Any"}}],"requestId":1,"componentCriteria":["Active"]}
    > {"status":"Accepted"}
    < GetTariffs {"evseId":1}
    > {"status":"Accepted"}
    < GetTransactionStatus {"transactionId":"T1"}
    > {"messagesInQueue":true}
    < GetVariables {"getVariableData":[{"component":{"name":"Any"},"variable":{"name":"Any"}}]}
    > {"getVariableResult":[{"attributeStatus":"Accepted","component":{"name":"Any"},"variable":{"name":"Any"}}]}
    < InstallCertificate {"certificateType":"V2GRootCertificate","certificate":"certificate"}
    > {"status":"Accepted"}
    < NotifyAllowedEnergyTransfer {"transactionId":"T1","allowedEnergyTransfer":["AC_single_phase"]}
    > {"status":"Accepted"}
    < NotifyWebPaymentStarted {"evseId":1,"timeout":1}
    > {}
    < PublishFirmware {"location":"https://files.example/fw.bin","retries":1,"checksum":"d41d8cd98f00b204e9800998ecf8427e","requestId":1,"retryInterval":1}
    > {"status":"Accepted"}
    < RequestBatterySwap {"idToken":{"idToken":"TAG","type":"ISO14443"},"requestId":1}
    > {"status":"Accepted"}
    < RequestStartTransaction {"evseId":1,"groupIdToken":{"idToken":"TAG","type":"ISO14443"},"idToken":{"idToken":"TAG","type":"ISO14443"},"remoteStartId":777123456,"chargingProfile":{"id":1,"stackLevel":1,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"chargingRateUnit":"W","chargingSchedulePeriod":[{"startPeriod":1}]}]}}
    > {"status":"Accepted"}
    < RequestStopTransaction {"transactionId":"T1"}
    > {"status":"Accepted"}
    < ReserveNow {"id":1,"expiryDateTime":"2026-11-22T10:00:00Z","connectorType":"connectorType","idToken":{"idToken":"TAG","type":"ISO14443"},"evseId":1,"groupIdToken":{"idToken":"TAG","type":"ISO14443"}}
    > {"status":"Accepted"}
    < Reset {"type":"Immediate","evseId":1}
    > {"status":"Accepted"}
    < SendLocalList {"localAuthorizationList":[{"idToken":{"idToken":"TAG","type":"ISO14443"}}],"versionNumber":1,"updateType":"Differential"}
    > {"status":"Accepted"}
    < SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":1,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"chargingRateUnit":"W","chargingSchedulePeriod":[{"startPeriod":1}]}]}}
    > {"status":"Accepted"}
    < SetDERControl {"isDefault":true,"controlId":"C1","controlType":"EnterService","curve":{"curveData":[{"x":1.5,"y":1.5}],"priority":1,"yUnit":"Not_Applicable"},"enterService":{"priority":1,"highVoltage":1.5,"lowVoltage":1.5,"highFreq":1.5,"lowFreq":1.5},"fixedPFAbsorb":{"priority":1,"displacement":1.5,"excitation":true},"fixedPFInject":{"priority":1,"displacement":1.5,"excitation":true},"fixedVar":{"priority":1,"setpoint":1.5,"unit":"Not_Applicable"},"freqDroop":{"priority":1,"overFreq":1.5,"underFreq":1.5,"overDroop":1.5,"underDroop":1.5,"responseTime":1.5},"gradient":{"priority":1,"gradient":1.5,"softGradient":1.5},"limitMaxDischarge":{"priority":1}}
    > {"status":"Accepted"}
    < SetDefaultTariff {"evseId":1,"tariff":{"tariffId":"tariffId","currency":"EUR"}}
    > {"status":"Accepted"}
    < SetDisplayMessage {"message":{"id":1,"priority":"AlwaysFront","message":{"format":"ASCII","content":"content"}}}
    > {"status":"Accepted"}
    < SetMonitoringBase {"monitoringBase":"All"}
    > {"status":"Accepted"}
    < SetMonitoringLevel {"severity":1}
    > {"status":"Accepted"}
    < SetNetworkProfile {"configurationSlot":1,"connectionData":{"ocppInterface":"Wired0","ocppTransport":"JSON","messageTimeout":1,"ocppCsmsUrl":"wss://csms.example","securityProfile":1}}
    > {"status":"Accepted"}
    < SetVariableMonitoring {"setMonitoringData":[{"value":1.5,"type":"UpperThreshold","severity":1,"component":{"name":"Any"},"variable":{"name":"Any"}}]}
    > {"setMonitoringResult":[{"id":1,"status":"Accepted","type":"UpperThreshold","component":{"name":"Any"},"variable":{"name":"Any"},"severity":1}]}
    < SetVariables {"setVariableData":[{"attributeValue":"attributeValue","component":{"name":"Any"},"variable":{"name":"Any"}}]}
    > {"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"Any"},"variable":{"name":"Any"}}]}
    < TriggerMessage {"evse":{"id":1},"requestedMessage":"BootNotification","customTrigger":"customTrigger"}
    > {"status":"Accepted"}
    < UnlockConnector {"evseId":1,"connectorId":1}
    > {"status":"Unlocked"}
    < UnpublishFirmware {"checksum":"d41d8cd98f00b204e9800998ecf8427e"}
    > {"status":"Unpublished"}
    < UpdateDynamicSchedule {"chargingProfileId":1,"scheduleUpdate":{}}
    > {"status":"Accepted"}
    < UpdateFirmware {"retries":1,"retryInterval":1,"requestId":1,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z"}}
    > {"status":"Accepted"}
    < UsePriorityCharging {"transactionId":"T1","activate":true}
    > {"status":"Accepted"}
"#;

/// Action, payload and answer of each.
fn commands() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut lines = COMMANDS
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let mut commands = Vec::new();
    while let Some(line) = lines.next() {
        let (action, payload) = line.strip_prefix("< ").unwrap().split_once(' ').unwrap();
        let answer = lines.next().and_then(|line| line.strip_prefix("> "));
        commands.push((action, payload, answer.unwrap()));
    }
    commands
}

/// Runs each command on a station of its own. `course` is what the station says to it, and what is seen behind the call as
/// it was written; at its end the command is in `state`.
fn check(state: CommandState, course: impl Fn(&str, &str) -> (String, String)) {
    for (action, payload, answer) in commands() {
        let mut case = Case::new(Version::V21, config(Onboarding::Open));
        case.prepare(": a connect CP1 2.1");
        case.prepare(BOOTED);
        let (says, seen) = course(action, answer);
        let found = case.run(&format!("op {action} {payload}\n{says}"));
        // A script shows the id of our last remote start by name.
        let sent = payload.replace("777123456", "$START");
        assert_eq!(found, format!("< {action} {sent}\n{seen}"));
        let records = case.world.log.iter();
        let changes =
            records.filter_map(|record| match wire::read(record).unwrap().body.to_fact() {
                Ok(Fact::CommandChanged(command)) => Some(command),
                _ => None,
            });
        let changes: Vec<_> = changes.collect();
        let of_it = |change: &&CommandChanged| change.command_id == changes[0].command_id;
        let last = changes.iter().rfind(of_it).map(|change| change.state);
        assert_eq!(last, Some(state.code()), "{action}");
    }
}

#[test]
fn every_command_of_2_1_goes_out_as_it_was_written_and_its_answer_is_shown() {
    let all: BTreeSet<&str> = v21::Command::ACTIONS.iter().copied().collect();
    let tried: BTreeSet<&str> = commands().iter().map(|(action, ..)| *action).collect();
    assert_eq!(tried, all);
    check(CommandState::Answered, |action, answer| {
        (
            format!("answer {answer}"),
            format!("op {action}: Answered {answer}\n"),
        )
    });
}

#[test]
fn a_refused_command_of_2_1_shows_the_stations_code() {
    check(CommandState::Answered, |action, _| {
        (
            "refuse NotSupported no such thing".to_owned(),
            format!("op {action}: Answered None Some((\"NotSupported\", \"no such thing\"))\n"),
        )
    });
}

/// A refusal whose code is empty is one all the same.
#[test]
fn a_command_of_2_1_that_is_refused_without_a_code_shows_an_error() {
    check(CommandState::Answered, |action, _| {
        (
            ": a says [4,\"$ID\",\"\",\"no such thing\",{}]".to_owned(),
            format!("op {action}: Answered None Some((\"GenericError\", \"no such thing\"))\n"),
        )
    });
}

/// 2.1 Part 4 §4.2.3: the station hears what is wrong, the operator sees it beside the answer.
#[test]
fn an_answer_that_breaks_its_schema_is_complained_of_in_2_1() {
    check(CommandState::Answered, |action, _| {
        let mut columns = MeterColumns::new();
        let problem =
            v21::CommandResponse::decode(action, "{}", Policy::Tolerant, &mut columns).err();
        let (answer, code, text, shown) = match problem {
            Some(error) => {
                let code = error.code.as_str(Version::V21);
                ("{}", code, error.description.into_owned(), "{}\")")
            }
            // Nothing is due in it, but an object.
            None => {
                let text = "the station's answer is no JSON object";
                ("[]", "FormatViolation", text.to_owned(), "None")
            }
        };
        (
            format!("answer {answer}"),
            format!(
                "< CALLRESULTERROR {code}: {text}\nop {action}: Answered {shown} Some((\"{code}\", \"{text}\"))\n"
            ),
        )
    });
}

/// So is one that is no message, as far as it says which call it answers; a CALLERROR is not complained of.
#[test]
fn an_answer_that_is_no_message_is_complained_of_in_2_1() {
    let complaint = "the station's answer is no OCPP-J message";
    check(CommandState::Answered, |action, _| {
        (
            ": a says [3,\"$ID\"]".to_owned(),
            format!(
                "< CALLRESULTERROR FormatViolation: {complaint}\nop {action}: Answered None Some((\"FormatViolation\", \"{complaint}\"))\n"
            ),
        )
    });
    check(CommandState::Answered, |action, _| {
        (
            ": a says [4,\"$ID\"]".to_owned(),
            format!("op {action}: Answered None Some((\"FormatViolation\", \"{complaint}\"))\n"),
        )
    });
    // A complaint of the station's is about an answer of ours, and ends no call.
    check(CommandState::Answered, |action, answer| {
        (
            format!(": a says [5,\"$ID\"]\nanswer {answer}"),
            format!("op {action}: Answered {answer}\n"),
        )
    });
}

/// Whoever waits hears of it after the answer's time, the line is free for the next one, and a late answer has no effect.
#[test]
fn a_command_of_2_1_without_answer_ends_in_a_timeout() {
    check(CommandState::Timeout, |action, _| {
        (
            "wait 15\n: op command CP1 GetLocalListVersion {}\nwait 40\nanswer {\"versionNumber\":1}".to_owned(),
            format!("op GetLocalListVersion: Queued None None\nop {action}: Sent None None\n< GetLocalListVersion {{}}\n"),
        )
    });
}
