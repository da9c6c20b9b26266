//! Every action that a station may send, in every version: it is answered as its version says, and leaves a record.

use std::fmt::Write;

use fleet::wire::Fact;
use ocpp::{Frame, MeterColumns, Policy, Version, v16, v21, v201};

use expect_test::{Expect, expect};

use super::world::{World, config};
use crate::config::Onboarding;

/// A payload of each action.
type Table = &'static [(&'static str, &'static str)];

const V16: Table = &[
    ("Authorize", r#"{"idTag":"TAG1"}"#),
    (
        "BootNotification",
        r#"{"chargePointVendor":"V","chargePointModel":"M"}"#,
    ),
    ("DataTransfer", r#"{"vendorId":"v"}"#),
    ("DiagnosticsStatusNotification", r#"{"status":"Uploaded"}"#),
    ("FirmwareStatusNotification", r#"{"status":"Installed"}"#),
    ("Heartbeat", "{}"),
    (
        "LogStatusNotification",
        r#"{"status":"Uploading","requestId":1}"#,
    ),
    (
        "MeterValues",
        r#"{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":"1"}]}]}"#,
    ),
    (
        "SecurityEventNotification",
        r#"{"type":"SettingSystemTime","timestamp":"2026-11-22T10:00:00Z"}"#,
    ),
    ("SignCertificate", r#"{"csr":"x"}"#),
    (
        "SignedFirmwareStatusNotification",
        r#"{"status":"Downloaded","requestId":1}"#,
    ),
    (
        "StartTransaction",
        r#"{"connectorId":1,"idTag":"TAG1","meterStart":0,"timestamp":"2026-11-22T10:00:00Z"}"#,
    ),
    (
        "StatusNotification",
        r#"{"connectorId":1,"errorCode":"NoError","status":"Available"}"#,
    ),
    (
        "StopTransaction",
        r#"{"transactionId":1,"meterStop":1,"timestamp":"2026-11-22T10:00:00Z"}"#,
    ),
];

/// What 2.0.1 and 2.1 both have.
const V2X: Table = &[
    (
        "Authorize",
        r#"{"idToken":{"idToken":"TAG1","type":"ISO14443"}}"#,
    ),
    (
        "BootNotification",
        r#"{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}"#,
    ),
    ("ClearedChargingLimit", r#"{"chargingLimitSource":"EMS"}"#),
    ("DataTransfer", r#"{"vendorId":"v"}"#),
    (
        "FirmwareStatusNotification",
        r#"{"status":"Installed","requestId":1}"#,
    ),
    (
        "Get15118EVCertificate",
        r#"{"iso15118SchemaVersion":"urn:iso:15118:2:2013:MsgDef","action":"Install","exiRequest":"x"}"#,
    ),
    (
        "GetCertificateStatus",
        r#"{"ocspRequestData":{"hashAlgorithm":"SHA256","issuerNameHash":"a","issuerKeyHash":"b","serialNumber":"1","responderURL":"http://ocsp"}}"#,
    ),
    ("Heartbeat", r#"{"customData":{"vendorId":"v"}}"#),
    (
        "LogStatusNotification",
        r#"{"status":"Uploading","requestId":1}"#,
    ),
    (
        "MeterValues",
        r#"{"evseId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":1}]}]}"#,
    ),
    (
        "NotifyChargingLimit",
        r#"{"chargingLimit":{"chargingLimitSource":"EMS"}}"#,
    ),
    (
        "NotifyCustomerInformation",
        r#"{"data":"x","seqNo":0,"generatedAt":"2026-11-22T10:00:00Z","requestId":1}"#,
    ),
    ("NotifyDisplayMessages", r#"{"requestId":1}"#),
    (
        "NotifyEVChargingNeeds",
        r#"{"evseId":1,"chargingNeeds":{"requestedEnergyTransfer":"DC"}}"#,
    ),
    (
        "NotifyEVChargingSchedule",
        r#"{"timeBase":"2026-11-22T10:00:00Z","evseId":1,"chargingSchedule":{"id":1,"chargingRateUnit":"W","chargingSchedulePeriod":[{"startPeriod":0,"limit":1}]}}"#,
    ),
    (
        "NotifyEvent",
        r#"{"generatedAt":"2026-11-22T10:00:00Z","seqNo":0,"eventData":[{"eventId":1,"timestamp":"2026-11-22T10:00:00Z","trigger":"Alerting","actualValue":"1","eventNotificationType":"CustomMonitor","component":{"name":"C"},"variable":{"name":"V"}}]}"#,
    ),
    (
        "NotifyMonitoringReport",
        r#"{"requestId":1,"seqNo":0,"generatedAt":"2026-11-22T10:00:00Z"}"#,
    ),
    (
        "NotifyReport",
        r#"{"requestId":1,"seqNo":0,"generatedAt":"2026-11-22T10:00:00Z"}"#,
    ),
    (
        "PublishFirmwareStatusNotification",
        r#"{"status":"Published","location":["http://l"]}"#,
    ),
    (
        "ReportChargingProfiles",
        r#"{"requestId":1,"chargingLimitSource":"EMS","evseId":1,"chargingProfile":[{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","chargingSchedule":[{"id":1,"chargingRateUnit":"W","chargingSchedulePeriod":[{"startPeriod":0,"limit":1}]}]}]}"#,
    ),
    (
        "ReservationStatusUpdate",
        r#"{"reservationId":1,"reservationUpdateStatus":"Expired"}"#,
    ),
    (
        "SecurityEventNotification",
        r#"{"type":"SettingSystemTime","timestamp":"2026-11-22T10:00:00Z"}"#,
    ),
    ("SignCertificate", r#"{"csr":"x"}"#),
    (
        "StatusNotification",
        r#"{"timestamp":"2026-11-22T10:00:00Z","connectorStatus":"Available","evseId":1,"connectorId":1}"#,
    ),
    (
        "TransactionEvent",
        r#"{"eventType":"Started","timestamp":"2026-11-22T10:00:00Z","triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"T"},"idToken":{"idToken":"TAG1","type":"ISO14443"}}"#,
    ),
];

/// What 2.1 adds.
const V21: Table = &[
    (
        "BatterySwap",
        r#"{"batteryData":[{"evseId":1,"serialNumber":"s","soC":50,"soH":90}],"eventType":"BatteryIn","idToken":{"idToken":"TAG1","type":"ISO14443"},"requestId":1}"#,
    ),
    ("ClosePeriodicEventStream", r#"{"id":1}"#),
    (
        "GetCertificateChainStatus",
        r#"{"certificateStatusRequests":[{"source":"OCSP","urls":["http://ocsp"],"certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"a","issuerKeyHash":"b","serialNumber":"1"}}]}"#,
    ),
    (
        "NotifyDERAlarm",
        r#"{"controlType":"EnterService","timestamp":"2026-11-22T10:00:00Z"}"#,
    ),
    (
        "NotifyDERStartStop",
        r#"{"controlId":"c","started":true,"timestamp":"2026-11-22T10:00:00Z"}"#,
    ),
    (
        "NotifyPriorityCharging",
        r#"{"transactionId":"T","activated":true}"#,
    ),
    (
        "NotifySettlement",
        r#"{"pspRef":"p","status":"Settled","settlementAmount":1.5,"settlementTime":"2026-11-22T10:00:00Z"}"#,
    ),
    (
        "OpenPeriodicEventStream",
        r#"{"constantStreamData":{"id":1,"params":{},"variableMonitoringId":1}}"#,
    ),
    ("PullDynamicScheduleUpdate", r#"{"chargingProfileId":1}"#),
    ("ReportDERControl", r#"{"requestId":1}"#),
    ("VatNumberValidation", r#"{"vatNumber":"DE1"}"#),
];

/// Sends the payloads, each to a new connection, reads the answers strictly, and tells what was put on record beside the
/// frames.
fn check(
    version: Version,
    payloads: &[(&str, &str)],
    actions: &[&str],
    decode: fn(&str, &str),
    expected: Expect,
) {
    let mut on_record = String::new();
    let mut sent: Vec<_> = payloads.iter().map(|(action, _)| *action).collect();
    let mut all = actions.to_vec();
    sent.sort_unstable();
    all.sort_unstable();
    assert_eq!(sent, all, "{version}: a payload for each action");
    for (action, payload) in payloads {
        let mut world = World::new(config(Onboarding::Open));
        let protocol = version.subprotocol().trim_start_matches("ocpp");
        world.run(&format!("0 a connect CP1 {protocol}"));
        let seen = world.run(&format!("1 a > [2,\"x\",\"{action}\",{payload}]"));
        let answer = seen
            .lines()
            .next()
            .unwrap_or("")
            .trim_start_matches("1 a < ");
        match ocpp::scan(answer, version) {
            Ok(Frame::CallResult { id, payload }) => {
                assert_eq!(id, "x", "{action}");
                decode(action, payload);
            }
            other => panic!("{version} {action}: {other:?} of {seen}"),
        }
        write!(on_record, "{action}:").unwrap();
        for bytes in &world.log {
            let fact = fleet::wire::read(bytes).unwrap().body.to_fact().unwrap();
            match fact {
                // It is asked to boot, once.
                Fact::Connected(_) | Fact::Message(_) | Fact::CommandChanged(_) => {}
                fact => {
                    let shown = format!("{fact:?}");
                    let kind = shown.split('(').next().unwrap_or_default();
                    write!(on_record, " {kind}").unwrap();
                }
            }
        }
        on_record.push('\n');
    }
    expected.assert_eq(&on_record);
}

#[test]
fn every_call_of_a_1_6_station_is_answered() {
    check(
        Version::V16,
        V16,
        v16::Request::ACTIONS,
        |action, payload| {
            let mut columns = MeterColumns::new();
            v16::Response::decode(action, payload, Policy::Strict, &mut columns).unwrap();
        },
        expect![[r#"
            Authorize:
            BootNotification: Booted
            DataTransfer: Notified
            DiagnosticsStatusNotification: Notified
            FirmwareStatusNotification: Notified
            Heartbeat:
            LogStatusNotification: Notified
            MeterValues: MeterValues
            SecurityEventNotification: SecurityEvent
            SignCertificate: Notified
            SignedFirmwareStatusNotification: Notified
            StartTransaction: TransactionEvent MeterValues
            StatusNotification: StatusReported
            StopTransaction: TransactionEvent MeterValues
        "#]],
    );
}

#[test]
fn every_call_of_a_2_0_1_station_is_answered() {
    check(
        Version::V201,
        V2X,
        v201::Request::ACTIONS,
        |action, payload| {
            let mut columns = MeterColumns::new();
            v201::Response::decode(action, payload, Policy::Strict, &mut columns).unwrap();
        },
        expect![[r#"
            Authorize:
            BootNotification: Booted
            ClearedChargingLimit: Notified
            DataTransfer: Notified
            FirmwareStatusNotification: Notified
            Get15118EVCertificate: Notified
            GetCertificateStatus: Notified
            Heartbeat:
            LogStatusNotification: Notified
            MeterValues: MeterValues
            NotifyChargingLimit: ChargingChanged Notified
            NotifyCustomerInformation:
            NotifyDisplayMessages: Notified
            NotifyEVChargingNeeds: ChargingChanged Notified
            NotifyEVChargingSchedule: ChargingChanged Notified
            NotifyEvent: Notified
            NotifyMonitoringReport: Notified
            NotifyReport: Notified CommandFollowed
            PublishFirmwareStatusNotification: Notified
            ReportChargingProfiles: ChargingChanged Notified
            ReservationStatusUpdate: Notified
            SecurityEventNotification: SecurityEvent
            SignCertificate: Notified
            StatusNotification: StatusReported
            TransactionEvent: TransactionEvent
        "#]],
    );
}

#[test]
fn every_call_of_a_2_1_station_is_answered() {
    check(
        Version::V21,
        &[V2X, V21].concat(),
        v21::Request::ACTIONS,
        |action, payload| {
            let mut columns = MeterColumns::new();
            v21::Response::decode(action, payload, Policy::Strict, &mut columns).unwrap();
        },
        expect![[r#"
            Authorize:
            BootNotification: Booted
            ClearedChargingLimit: Notified
            DataTransfer: Notified
            FirmwareStatusNotification: Notified
            Get15118EVCertificate: Notified
            GetCertificateStatus: Notified
            Heartbeat:
            LogStatusNotification: Notified
            MeterValues: MeterValues
            NotifyChargingLimit: ChargingChanged Notified
            NotifyCustomerInformation:
            NotifyDisplayMessages: Notified
            NotifyEVChargingNeeds: ChargingChanged Notified
            NotifyEVChargingSchedule: ChargingChanged Notified
            NotifyEvent: Notified
            NotifyMonitoringReport: Notified
            NotifyReport: Notified CommandFollowed
            PublishFirmwareStatusNotification: Notified
            ReportChargingProfiles: ChargingChanged Notified
            ReservationStatusUpdate: Notified
            SecurityEventNotification: SecurityEvent
            SignCertificate: Notified
            StatusNotification: StatusReported
            TransactionEvent: TransactionEvent
            BatterySwap: BatterySwapsChanged Notified
            ClosePeriodicEventStream: Notified
            GetCertificateChainStatus: Notified
            NotifyDERAlarm: DerChanged Notified
            NotifyDERStartStop: DerChanged Notified
            NotifyPriorityCharging: Notified
            NotifySettlement: Notified
            OpenPeriodicEventStream: Notified
            PullDynamicScheduleUpdate: Notified
            ReportDERControl: Notified
            VatNumberValidation: Notified
        "#]],
    );
}

fn script(script: &str, expected: Expect) {
    let mut world = World::new(config(Onboarding::Open));
    expected.assert_eq(&world.run(script));
}

#[test]
fn a_2_1_station_boots_charges_and_is_commanded() {
    script(
        r#"
        0 a connect CP1 2.1
        1 a > [2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V","modem":{}}}]
        2 a > [2,"2","StatusNotification",{"timestamp":"2026-11-22T10:00:02Z","connectorStatus":"Occupied","evseId":1,"connectorId":1}]
        3 a > [2,"3","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:03Z","triggerReason":"Authorized","seqNo":0,"preconditioningStatus":"Ready","transactionInfo":{"transactionId":"T1","operationMode":"ChargingOnly"},"evse":{"id":1,"connectorId":1},"idToken":{"idToken":"TAG1","type":"DirectPayment"},"meterValue":[{"timestamp":"2026-11-22T10:00:03Z","sampledValue":[{"value":1000,"measurand":"Energy.Active.Import.Register","context":"Transaction.Begin"}]}]}]
        4 a > [2,"4","TransactionEvent",{"eventType":"Ended","timestamp":"2026-11-22T10:00:04Z","triggerReason":"EVDeparted","seqNo":1,"transactionInfo":{"transactionId":"T1","stoppedReason":"ReqEnergyTransferRejected"},"meterValue":[{"timestamp":"2026-11-22T10:00:04Z","sampledValue":[{"value":1002,"measurand":"Energy.Active.Import.Register","context":"Transaction.End"}]}]}]
        5 op station CP1
        5 op transactions CP1
        6 op command CP1 wait GetTariffs {"evseId":0}
        7 a answers {"status":"NoTariff"}
        8 op command CP1 wait ChangeConfiguration {"key":"k","value":"v"}
        9 op start CP1 1 TAG2
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.1
            1 a < [3,"1",{"currentTime":"2026-11-22T10:00:01.000Z","interval":300,"status":"Accepted"}]
            2 a < [3,"2",{}]
            3 a < [3,"3",{"idTokenInfo":{"status":"Accepted"}}]
            4 a < [3,"4",{"totalCost":0.00}]
            5 station CP1: accepted online Occupied V 0 [1.1 Occupied 1.002 kWh]
            5 transaction T1 on 1.1: ended ok 0.002 kWh 0.00 ReqEnergyTransferRejected
            6 a < [2,"01a202b2-dc70-729f-8f13-5767524794fb","GetTariffs",{"evseId":0}]
            7 op command GetTariffs: Answered Some("{\"status\":\"NoTariff\"}") None
            8 op command ChangeConfiguration: Ok(Err(Invalid("NotImplemented: \"ChangeConfiguration\" is no action of OCPP 2.1")))
            9 a < [2,"01a202b2-e828-76db-803c-fa3144de5d7b","RequestStartTransaction",{"evseId":1,"idToken":{"idToken":"TAG2","type":"Central"},"remoteStartId":81669165}]
        "#]],
    );
}

#[test]
fn a_send_is_recorded_and_never_answered() {
    script(
        r#"
        0 a connect CP1 2.1
        0 a > [2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
        1 disk holds
        1 records shown
        2 a > [2,"2","DataTransfer",{"vendorId":"v"}]
        2 a > [6,"3","NotifyPeriodicEventStream",{"id":1,"pending":0,"basetime":"2026-11-22T10:00:02Z","data":[{"t":0.5,"v":"23"}]}]
        3 a > [6,"4","NotifyPeriodicEventStream",{"id":1}]
        3 a > [6,"5","Heartbeat",{}]
        4 disk goes
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.1
            0 a < [3,"1",{"currentTime":"2026-11-22T10:00:00.000Z","interval":300,"status":"Accepted"}]
            2 record message from [2,"2","DataTransfer",{"vendorId":"v"}]
            2 record Notified DataTransfer {"vendorId":"v"}
            2 record message to [3,"2",{"status":"UnknownVendorId"}]
            2 record message from [6,"3","NotifyPeriodicEventStream",{"id":1,"pending":0,"basetime":"2026-11-22T10:00:02Z","data":[{"t":0.5,"v":"23"}]}]
            2 record Notified NotifyPeriodicEventStream {"data":[{"t":0.5,"v":"23"}],"id":1,"pending":0,"basetime":"2026-11-22T10:00:02Z"}
            3 record message from [6,"4","NotifyPeriodicEventStream",{"id":1}]
            3 record Quarantined refused NotifyPeriodicEventStream; OccurrenceConstraintViolation /data: required, but missing
            3 record message from [6,"5","Heartbeat",{}]
            4 a < [3,"2",{"status":"UnknownVendorId"}]
        "#]],
    );
}

#[test]
fn what_a_station_answers_is_read_by_its_version() {
    for version in ["1.6", "2.0.1", "2.1"] {
        let mut world = World::new(config(Onboarding::Open));
        let boot = match version {
            "1.6" => r#"{"chargePointVendor":"V","chargePointModel":"M"}"#,
            _ => r#"{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}"#,
        };
        world.run(&format!("0 a connect CP1 {version}"));
        world.run(&format!("0 a > [2,\"1\",\"BootNotification\",{boot}]"));
        world.run("1 op command CP1 wait ClearCache {}");
        let seen = world.run(r#"2 a answers {"status":"Perhaps"}"#);
        let told: Vec<_> = seen
            .lines()
            .filter(|line| line.starts_with("2 a <"))
            .collect();
        let heard: Vec<_> = seen
            .lines()
            .filter(|line| line.starts_with("2 op"))
            .collect();
        assert_eq!(
            heard,
            [
                r#"2 op command ClearCache: Answered Some("{\"status\":\"Perhaps\"}") Some(("PropertyConstraintViolation", "/status: found \"Perhaps\", expected one of Accepted, Rejected"))"#
            ],
        );
        // Only 2.1 has words for it (FR.06).
        match (version, told.as_slice()) {
            ("2.1", [error]) => assert!(
                error.starts_with("2 a < [5,\"")
                    && error.contains("\"PropertyConstraintViolation\""),
                "{error}"
            ),
            ("1.6" | "2.0.1", []) => {}
            (version, told) => panic!("{version}: {told:?}"),
        }
    }
}

#[test]
fn an_answer_that_a_2_1_station_cannot_use_stands() {
    script(
        r#"
        0 a connect CP1 2.1
        0 a > [2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
        1 records shown
        1 a > [5,"1","FormatViolation","no interval",{}]
        2 op command CP1 wait ClearCache {}
        3 a > [5,"1"]
        4 a answers {"status":"Accepted"}
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.1
            0 a < [3,"1",{"currentTime":"2026-11-22T10:00:00.000Z","interval":300,"status":"Accepted"}]
            1 record message from [5,"1","FormatViolation","no interval",{}]
            2 record CommandChanged ClearCache queued {}
            2 a < [2,"01a202b2-ccd0-756e-ab2f-2632d7bd03fb","ClearCache",{}]
            2 record message to [2,"01a202b2-ccd0-756e-ab2f-2632d7bd03fb","ClearCache",{}]
            2 record CommandChanged ClearCache sent {}
            3 record message from [5,"1"]
            4 record message from [3,"01a202b2-ccd0-756e-ab2f-2632d7bd03fb",{"status":"Accepted"}]
            4 record CommandChanged ClearCache answered {}
            4 op command ClearCache: Answered Some("{\"status\":\"Accepted\"}") None
        "#]],
    );
}

#[test]
fn facts_name_no_token_and_no_password() {
    script(
        r#"
        0 a connect CP1 2.1
        0 a > [2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
        1 records shown
        1 a > [2,"2","BatterySwap",{"batteryData":[{"evseId":1,"serialNumber":"s","soC":50,"soH":90}],"eventType":"BatteryIn","idToken":{"idToken":"TAG1","type":"ISO14443"},"requestId":1}]
        2 op command CP1 wait RequestBatterySwap {"requestId":1,"idToken":{"idToken":"tag1","type":"ISO14443"}}
        3 a answers {"status":"Accepted"}
        4 op command CP1 SetNetworkProfile {"configurationSlot":1,"connectionData":{"ocppInterface":"Wired0","ocppTransport":"JSON","messageTimeout":30,"ocppCsmsUrl":"wss://c","securityProfile":1,"basicAuthPassword":"canary-0123456789"}}
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.1
            0 a < [3,"1",{"currentTime":"2026-11-22T10:00:00.000Z","interval":300,"status":"Accepted"}]
            1 record message from [2,"2","BatterySwap",{"batteryData":[{"evseId":1,"serialNumber":"s","soC":50,"soH":90}],"eventType":"BatteryIn","idToken":{"idToken":"TAG1","type":"ISO14443"},"requestId":1}]
            1 record BatterySwapsChanged BatterySwap swaps 1
            1 record Notified BatterySwap {"batteryData":[{"evseId":1,"serialNumber":"s","soC":50,"soH":90}],"eventType":"BatteryIn","idToken":{"idToken":"39e2d3517b7c7abb7aa40ed4a1e007a3","type":"ISO14443"},"requestId":1}
            1 record message to [3,"2",{}]
            1 a < [3,"2",{}]
            2 record CommandChanged RequestBatterySwap queued {"requestId":1,"idToken":{"idToken":"39e2d3517b7c7abb7aa40ed4a1e007a3","type":"ISO14443"}}
            2 a < [2,"01a202b2-ccd0-756e-ab2f-2632d7bd03fb","RequestBatterySwap",{"requestId":1,"idToken":{"idToken":"tag1","type":"ISO14443"}}]
            2 record message to [2,"01a202b2-ccd0-756e-ab2f-2632d7bd03fb","RequestBatterySwap",{"requestId":1,"idToken":{"idToken":"tag1","type":"ISO14443"}}]
            2 record CommandChanged RequestBatterySwap sent {"requestId":1,"idToken":{"idToken":"39e2d3517b7c7abb7aa40ed4a1e007a3","type":"ISO14443"}}
            2 record CommandFollowed BatterySwap messages 0 duplicates 0 complete false
            3 record message from [3,"01a202b2-ccd0-756e-ab2f-2632d7bd03fb",{"status":"Accepted"}]
            3 record BatterySwapsChanged RequestBatterySwap swaps 1
            3 record CommandChanged RequestBatterySwap answered {"requestId":1,"idToken":{"idToken":"39e2d3517b7c7abb7aa40ed4a1e007a3","type":"ISO14443"}}
            3 op command RequestBatterySwap: Answered Some("{\"status\":\"Accepted\"}") None
            4 record StationPasswords 1
            4 record CommandChanged SetNetworkProfile queued {"configurationSlot":1,"connectionData":{"ocppInterface":"Wired0","ocppTransport":"JSON","messageTimeout":30,"ocppCsmsUrl":"wss://c","securityProfile":1,"basicAuthPassword":"***"}}
            4 a < [2,"01a202b2-d4a0-729f-8f13-5767524794fb","SetNetworkProfile",{"configurationSlot":1,"connectionData":{"ocppInterface":"Wired0","ocppTransport":"JSON","messageTimeout":30,"ocppCsmsUrl":"wss://c","securityProfile":1,"basicAuthPassword":"canary-0123456789"}}]
            4 record message to [2,"01a202b2-d4a0-729f-8f13-5767524794fb","SetNetworkProfile",{"configurationSlot":1,"connectionData":{"ocppInterface":"Wired0","ocppTransport":"JSON","messageTimeout":30,"ocppCsmsUrl":"wss://c","securityProfile":1,"basicAuthPassword":"***"}}]
            4 record CommandChanged SetNetworkProfile sent {"configurationSlot":1,"connectionData":{"ocppInterface":"Wired0","ocppTransport":"JSON","messageTimeout":30,"ocppCsmsUrl":"wss://c","securityProfile":1,"basicAuthPassword":"***"}}
            4 op command SetNetworkProfile: Queued None None
        "#]],
    );
}
