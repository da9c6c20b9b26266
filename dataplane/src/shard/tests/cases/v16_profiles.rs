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
fn ocpp16_security_extended_trigger_message() {
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
fn ocpp16_security_m03_m04_m05_certificates() {
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
