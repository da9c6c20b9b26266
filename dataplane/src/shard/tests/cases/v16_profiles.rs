//! OCPP 1.6 edition 2 beyond Core, and its security whitepaper, edition 3.

use expect_test::expect;

use super::check_16;

/// The state of an upload of diagnostics.
#[test]
fn ocpp16_4_4_diagnostics_status_notification() {
    let statuses = ["Idle", "Uploading", "Uploaded", "UploadFailed"];
    let script = statuses
        .map(|status| format!("DiagnosticsStatusNotification {{\"status\":\"{status}\"}}\n"));
    check_16(
        &script.concat(),
        expect![[r#"
        DiagnosticsStatusNotification: {}
        DiagnosticsStatusNotification: {}
        DiagnosticsStatusNotification: {}
        DiagnosticsStatusNotification: {}
    "#]],
    );
}

/// The state of a firmware update.
#[test]
fn ocpp16_4_5_firmware_status_notification() {
    let statuses = [
        "Downloading",
        "Downloaded",
        "DownloadFailed",
        "Installing",
        "Installed",
        "InstallationFailed",
        "Idle",
    ];
    let script =
        statuses.map(|status| format!("FirmwareStatusNotification {{\"status\":\"{status}\"}}\n"));
    check_16(
        &script.concat(),
        expect![[r#"
        FirmwareStatusNotification: {}
        FirmwareStatusNotification: {}
        FirmwareStatusNotification: {}
        FirmwareStatusNotification: {}
        FirmwareStatusNotification: {}
        FirmwareStatusNotification: {}
        FirmwareStatusNotification: {}
    "#]],
    );
}

/// Diagnostics are asked for.
#[test]
fn ocpp16_5_9_get_diagnostics() {
    check_16(
        r#"
        op GetDiagnostics {"location":"ftp://files.example/up","retries":2,"startTime":"2026-11-22T00:00:00Z"}
        answer {"fileName":"diagnostics.zip"}
        DiagnosticsStatusNotification {"status":"Uploading"}
        DiagnosticsStatusNotification {"status":"Uploaded"}
        "#,
        expect![[r#"
            < GetDiagnostics {"location":"ftp://files.example/up","retries":2,"startTime":"2026-11-22T00:00:00Z"}
            op GetDiagnostics: Answered {"fileName":"diagnostics.zip"}
            DiagnosticsStatusNotification: {}
            DiagnosticsStatusNotification: {}
        "#]],
    );
}

/// Each message that a station may be asked to send, and the message.
#[test]
fn ocpp16_5_17_trigger_message() {
    check_16(
        r#"
        op TriggerMessage {"requestedMessage":"BootNotification"}
        answer {"status":"Accepted"}
        BootNotification {"chargePointVendor":"V","chargePointModel":"M"}
        op TriggerMessage {"requestedMessage":"DiagnosticsStatusNotification"}
        answer {"status":"Accepted"}
        DiagnosticsStatusNotification {"status":"Idle"}
        op TriggerMessage {"requestedMessage":"FirmwareStatusNotification"}
        answer {"status":"Accepted"}
        FirmwareStatusNotification {"status":"Idle"}
        op TriggerMessage {"requestedMessage":"Heartbeat"}
        answer {"status":"Accepted"}
        Heartbeat {}
        op TriggerMessage {"requestedMessage":"MeterValues","connectorId":1}
        answer {"status":"Accepted"}
        MeterValues {"connectorId":1,"meterValue":[{"timestamp":"$NOW","sampledValue":[{"value":"1500","context":"Trigger"}]}]}
        op TriggerMessage {"requestedMessage":"StatusNotification","connectorId":1}
        answer {"status":"Accepted"}
        StatusNotification {"connectorId":1,"errorCode":"NoError","status":"Available"}
        op TriggerMessage {"requestedMessage":"Heartbeat"}
        answer {"status":"NotImplemented"}
        "#,
        expect![[r#"
            < TriggerMessage {"requestedMessage":"BootNotification"}
            op TriggerMessage: Answered {"status":"Accepted"}
            BootNotification: {"status":"Accepted","currentTime":"2026-11-22T10:00:05.000Z","interval":300}
            < TriggerMessage {"requestedMessage":"DiagnosticsStatusNotification"}
            op TriggerMessage: Answered {"status":"Accepted"}
            DiagnosticsStatusNotification: {}
            < TriggerMessage {"requestedMessage":"FirmwareStatusNotification"}
            op TriggerMessage: Answered {"status":"Accepted"}
            FirmwareStatusNotification: {}
            < TriggerMessage {"requestedMessage":"Heartbeat"}
            op TriggerMessage: Answered {"status":"Accepted"}
            Heartbeat: {"currentTime":"2026-11-22T10:00:14.000Z"}
            < TriggerMessage {"requestedMessage":"MeterValues","connectorId":1}
            op TriggerMessage: Answered {"status":"Accepted"}
            MeterValues: {}
            < TriggerMessage {"requestedMessage":"StatusNotification","connectorId":1}
            op TriggerMessage: Answered {"status":"Accepted"}
            StatusNotification: {}
            < TriggerMessage {"requestedMessage":"Heartbeat"}
            op TriggerMessage: Answered {"status":"NotImplemented"}
        "#]],
    );
}

/// A firmware is sent, unsigned, which has no answer but that it was heard.
#[test]
fn ocpp16_5_19_update_firmware() {
    check_16(
        r#"
        op UpdateFirmware {"location":"ftp://files.example/fw.bin","retrieveDate":"2026-11-22T10:00:00Z"}
        answer {}
        FirmwareStatusNotification {"status":"Downloading"}
        FirmwareStatusNotification {"status":"Downloaded"}
        FirmwareStatusNotification {"status":"Installing"}
        FirmwareStatusNotification {"status":"Installed"}
        "#,
        expect![[r#"
            < UpdateFirmware {"location":"ftp://files.example/fw.bin","retrieveDate":"2026-11-22T10:00:00Z"}
            op UpdateFirmware: Answered {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
        "#]],
    );
}

/// A message of the security extension is asked for.
#[test]
fn ocpp16_security_5_5_extended_trigger_message() {
    check_16(
        r#"
        op ExtendedTriggerMessage {"requestedMessage":"LogStatusNotification"}
        answer {"status":"Accepted"}
        LogStatusNotification {"status":"Idle"}
        "#,
        expect![[r#"
            < ExtendedTriggerMessage {"requestedMessage":"LogStatusNotification"}
            op ExtendedTriggerMessage: Answered {"status":"Accepted"}
            LogStatusNotification: {}
        "#]],
    );
}

/// Certificates are installed, listed and deleted.
#[test]
fn ocpp16_security_m03_m05_certificates() {
    check_16(
        r#"
        op InstallCertificate {"certificateType":"CentralSystemRootCertificate","certificate":"-----BEGIN CERTIFICATE-----"}
        answer {"status":"Accepted"}
        op GetInstalledCertificateIds {"certificateType":"CentralSystemRootCertificate"}
        answer {"status":"Accepted","certificateHashData":[{"hashAlgorithm":"SHA256","issuerNameHash":"aa","issuerKeyHash":"bb","serialNumber":"1f"}]}
        op DeleteCertificate {"certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"aa","issuerKeyHash":"bb","serialNumber":"1f"}}
        answer {"status":"Accepted"}
        "#,
        expect![[r#"
            < InstallCertificate {"certificateType":"CentralSystemRootCertificate","certificate":"-----BEGIN CERTIFICATE-----"}
            op InstallCertificate: Answered {"status":"Accepted"}
            < GetInstalledCertificateIds {"certificateType":"CentralSystemRootCertificate"}
            op GetInstalledCertificateIds: Answered {"status":"Accepted","certificateHashData":[{"hashAlgorithm":"SHA256","issuerNameHash":"aa","issuerKeyHash":"bb","serialNumber":"1f"}]}
            < DeleteCertificate {"certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"aa","issuerKeyHash":"bb","serialNumber":"1f"}}
            op DeleteCertificate: Answered {"status":"Accepted"}
        "#]],
    );
}

/// A security event is kept as one, and one that matters is known as critical.
#[test]
fn ocpp16_security_a04_security_event_notification() {
    check_16(
        r#"
        : records shown
        SecurityEventNotification {"type":"StartupOfTheDevice","timestamp":"$NOW"}
        SecurityEventNotification {"type":"InvalidFirmwareSignature","timestamp":"$NOW","techInfo":"fw 2.0"}
        "#,
        expect![[r#"
            record SecurityEvent StartupOfTheDevice 
            SecurityEventNotification: {}
            record SecurityEvent InvalidFirmwareSignature fw 2.0
            SecurityEventNotification: {}
        "#]],
    );
}

/// A log is asked for, and its course told.
#[test]
fn ocpp16_security_n01_get_log() {
    check_16(
        r#"
        op GetLog {"logType":"SecurityLog","requestId":5,"log":{"remoteLocation":"https://files.example/up"}}
        answer {"status":"Accepted","filename":"log.zip"}
        LogStatusNotification {"status":"Uploading","requestId":5}
        LogStatusNotification {"status":"Uploaded","requestId":5}
        "#,
        expect![[r#"
            < GetLog {"logType":"SecurityLog","requestId":5,"log":{"remoteLocation":"https://files.example/up"}}
            op GetLog: Answered {"status":"Accepted","filename":"log.zip"}
            LogStatusNotification: {}
            LogStatusNotification: {}
        "#]],
    );
}

/// A signed firmware is sent, and its course told.
#[test]
fn ocpp16_security_l01_signed_update_firmware() {
    check_16(
        r#"
        op SignedUpdateFirmware {"requestId":6,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}
        answer {"status":"Accepted"}
        SignedFirmwareStatusNotification {"status":"Downloading","requestId":6}
        SignedFirmwareStatusNotification {"status":"Downloaded","requestId":6}
        SignedFirmwareStatusNotification {"status":"SignatureVerified","requestId":6}
        SignedFirmwareStatusNotification {"status":"Installing","requestId":6}
        SignedFirmwareStatusNotification {"status":"Installed","requestId":6}
        "#,
        expect![[r#"
            < SignedUpdateFirmware {"requestId":6,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}
            op SignedUpdateFirmware: Answered {"status":"Accepted"}
            SignedFirmwareStatusNotification: {}
            SignedFirmwareStatusNotification: {}
            SignedFirmwareStatusNotification: {}
            SignedFirmwareStatusNotification: {}
            SignedFirmwareStatusNotification: {}
        "#]],
    );
}

/// A certificate that the station wants signed is refused: nobody here can sign.
#[test]
fn a_certificate_of_1_6_is_not_signed() {
    check_16(
        r#"SignCertificate {"csr":"-----BEGIN CERTIFICATE REQUEST-----"}"#,
        expect![[r#"
            SignCertificate: {"status":"Rejected"}
        "#]],
    );
}

/// A local list has a version, and none means that there is no list.
#[test]
fn ocpp16_5_10_get_local_list_version() {
    check_16(
        r#"
        op GetLocalListVersion {}
        answer {"listVersion":-1}
        "#,
        expect![[r#"
            < GetLocalListVersion {}
            op GetLocalListVersion: Answered {"listVersion":-1}
        "#]],
    );
}

/// A whole list and a change of it, and one that does not fit what the station has.
#[test]
fn ocpp16_5_15_send_local_list() {
    check_16(
        r#"
        op SendLocalList {"listVersion":1,"updateType":"Full","localAuthorizationList":[{"idTag":"TAG","idTagInfo":{"status":"Accepted","expiryDate":"2027-01-01T00:00:00Z","parentIdTag":"GROUP"}}]}
        answer {"status":"Accepted"}
        op SendLocalList {"listVersion":2,"updateType":"Differential","localAuthorizationList":[{"idTag":"TAG"}]}
        answer {"status":"Accepted"}
        op SendLocalList {"listVersion":9,"updateType":"Differential"}
        answer {"status":"VersionMismatch"}
        "#,
        expect![[r#"
            < SendLocalList {"listVersion":1,"updateType":"Full","localAuthorizationList":[{"idTag":"TAG","idTagInfo":{"status":"Accepted","expiryDate":"2027-01-01T00:00:00Z","parentIdTag":"GROUP"}}]}
            op SendLocalList: Answered {"status":"Accepted"}
            < SendLocalList {"listVersion":2,"updateType":"Differential","localAuthorizationList":[{"idTag":"TAG"}]}
            op SendLocalList: Answered {"status":"Accepted"}
            < SendLocalList {"listVersion":9,"updateType":"Differential"}
            op SendLocalList: Answered {"status":"VersionMismatch"}
        "#]],
    );
}

/// A reservation is cancelled, and one is unknown.
#[test]
fn ocpp16_5_1_cancel_reservation() {
    check_16(
        r#"
        op CancelReservation {"reservationId":1}
        answer {"status":"Accepted"}
        op CancelReservation {"reservationId":2}
        answer {"status":"Rejected"}
        "#,
        expect![[r#"
            < CancelReservation {"reservationId":1}
            op CancelReservation: Answered {"status":"Accepted"}
            < CancelReservation {"reservationId":2}
            op CancelReservation: Answered {"status":"Rejected"}
        "#]],
    );
}

/// A connector is reserved and used with the reservation's id; another one is occupied.
#[test]
fn ocpp16_5_13_reserve_now() {
    check_16(
        r#"
        op ReserveNow {"connectorId":1,"expiryDate":"2026-11-22T11:00:00Z","idTag":"TAG","reservationId":1}
        answer {"status":"Accepted"}
        StatusNotification {"connectorId":1,"errorCode":"NoError","status":"Reserved"}
        op station CP1
        StartTransaction {"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"$NOW","reservationId":1}
        op ReserveNow {"connectorId":2,"expiryDate":"2026-11-22T11:00:00Z","idTag":"TAG","reservationId":2}
        answer {"status":"Occupied"}
        "#,
        expect![[r#"
            < ReserveNow {"connectorId":1,"expiryDate":"2026-11-22T11:00:00Z","idTag":"TAG","reservationId":1}
            op ReserveNow: Answered {"status":"Accepted"}
            StatusNotification: {}
            station CP1: accepted online Reserved V 0 [1.1 Reserved]
            StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
            < ReserveNow {"connectorId":2,"expiryDate":"2026-11-22T11:00:00Z","idTag":"TAG","reservationId":2}
            op ReserveNow: Answered {"status":"Occupied"}
        "#]],
    );
}

/// Profiles are cleared, by id and all, and none fits.
#[test]
fn ocpp16_5_5_clear_charging_profile() {
    check_16(
        r#"
        op ClearChargingProfile {"id":1}
        answer {"status":"Accepted"}
        op ClearChargingProfile {"connectorId":1,"chargingProfilePurpose":"TxDefaultProfile","stackLevel":1}
        answer {"status":"Unknown"}
        op ClearChargingProfile {}
        answer {"status":"Accepted"}
        "#,
        expect![[r#"
            < ClearChargingProfile {"id":1}
            op ClearChargingProfile: Answered {"status":"Accepted"}
            < ClearChargingProfile {"connectorId":1,"chargingProfilePurpose":"TxDefaultProfile","stackLevel":1}
            op ClearChargingProfile: Answered {"status":"Unknown"}
            < ClearChargingProfile {}
            op ClearChargingProfile: Answered {"status":"Accepted"}
        "#]],
    );
}

/// The schedule that applies is asked for.
#[test]
fn ocpp16_5_7_get_composite_schedule() {
    check_16(
        r#"
        op GetCompositeSchedule {"connectorId":1,"duration":3600,"chargingRateUnit":"A"}
        answer {"status":"Accepted","connectorId":1,"scheduleStart":"2026-11-22T10:00:03Z","chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}}
        "#,
        expect![[r#"
            < GetCompositeSchedule {"connectorId":1,"duration":3600,"chargingRateUnit":"A"}
            op GetCompositeSchedule: Answered {"status":"Accepted","connectorId":1,"scheduleStart":"2026-11-22T10:00:03Z","chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}}
        "#]],
    );
}

/// Profiles of every purpose, each limit as exact as it was written.
#[test]
fn ocpp16_5_16_set_charging_profile() {
    let set = |connector: u32, purpose: &str, more: &str| {
        format!(
            r#"
            op SetChargingProfile {{"connectorId":{connector},"csChargingProfiles":{{"chargingProfileId":1{more},"stackLevel":0,"chargingProfilePurpose":"{purpose}","chargingProfileKind":"Absolute","chargingSchedule":{{"duration":3600,"startSchedule":"2026-11-22T10:00:00Z","chargingRateUnit":"A","chargingSchedulePeriod":[{{"startPeriod":0,"limit":8.1,"numberPhases":3}}]}}}}}}
            answer {{"status":"Accepted"}}
            "#
        )
    };
    let start =
        r#"StartTransaction {"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"$NOW"}"#;
    check_16(
        &(set(0, "ChargePointMaxProfile", "")
            + &set(1, "TxDefaultProfile", "")
            + start
            + &set(1, "TxProfile", r#","transactionId":$TX"#)
            + "\nop profiles CP1"),
        expect![[r#"
            < SetChargingProfile {"connectorId":0,"csChargingProfiles":{"chargingProfileId":1,"stackLevel":0,"chargingProfilePurpose":"ChargePointMaxProfile","chargingProfileKind":"Absolute","chargingSchedule":{"duration":3600,"startSchedule":"2026-11-22T10:00:00Z","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":8.1,"numberPhases":3}]}}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            < SetChargingProfile {"connectorId":1,"csChargingProfiles":{"chargingProfileId":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","chargingSchedule":{"duration":3600,"startSchedule":"2026-11-22T10:00:00Z","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":8.1,"numberPhases":3}]}}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
            < SetChargingProfile {"connectorId":1,"csChargingProfiles":{"chargingProfileId":1,"transactionId":$TX,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Absolute","chargingSchedule":{"duration":3600,"startSchedule":"2026-11-22T10:00:00Z","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":8.1,"numberPhases":3}]}}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            profile 1 on 1 by set
        "#]],
    );
}
