//! Block L, firmware: signed updates, their courses and their ends.

use expect_test::expect;

use super::{
    BOOTED, ENERGY_TRANSFER_STARTED, EV_CONNECTED_LAST, EV_DISCONNECTED, STOP_AUTHORIZED, check,
};

/// A signed firmware, with what the operator says about times in `more`.
fn update(request_id: u32, more: &str, answer: &str) -> String {
    format!(
        r#"
        op UpdateFirmware {{"requestId":{request_id},"firmware":{{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z"{more},"signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}}}
        answer {{"status":"{answer}"}}
        "#
    )
}

/// The station tells how far it is.
fn told(request_id: u32, course: &[&str]) -> String {
    let line = |status: &&str| {
        format!(
            "FirmwareStatusNotification {{\"status\":\"{status}\",\"requestId\":{request_id}}}\n"
        )
    };
    course.iter().map(line).collect()
}

const DOWNLOADED: &[&str] = &["Downloading", "Downloaded", "SignatureVerified"];
const INSTALLED: &[&str] = &["Installing", "InstallRebooting"];
const REBOOTED: &str = r#"
: a drops
: a connect CP1 2.0.1
BootNotification {"reason":"FirmwareUpdate","chargingStation":{"model":"M","vendorName":"V","firmwareVersion":"2.0"}}
connector Available
"#;

/// Fetched, verified, installed, booted.
#[test]
fn tc_l_01_csms() {
    check(
        &[BOOTED],
        &(update(1, "", "Accepted")
            + &told(1, DOWNLOADED)
            + &told(1, INSTALLED)
            + REBOOTED
            + &told(1, &["Installed"])),
        expect![[r#"
            < UpdateFirmware {"requestId":1,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}
            op UpdateFirmware: Answered {"status":"Accepted"}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            < 101 Switching Protocols ocpp2.0.1
            BootNotification: {"currentTime":"2026-11-22T10:00:14.000Z","interval":300,"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            FirmwareStatusNotification: {}
        "#]],
    );
}

/// Installed at the time the operator named.
#[test]
fn tc_l_02_csms() {
    check(
        &[BOOTED],
        &(update(
            1,
            r#","installDateTime":"2026-11-22T11:00:00Z""#,
            "Accepted",
        ) + &told(1, DOWNLOADED)
            + &told(1, &["InstallScheduled"])
            + "wait 3600\n"
            + &told(1, INSTALLED)
            + REBOOTED
            + &told(1, &["Installed"])),
        expect![[r#"
            < UpdateFirmware {"requestId":1,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z","installDateTime":"2026-11-22T11:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}
            op UpdateFirmware: Answered {"status":"Accepted"}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            < 101 Switching Protocols ocpp2.0.1
            BootNotification: {"currentTime":"2026-11-22T11:00:15.000Z","interval":300,"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            FirmwareStatusNotification: {}
        "#]],
    );
}

/// Fetched at the time the operator named.
#[test]
fn tc_l_03_csms() {
    check(
        &[BOOTED],
        &(update(1, "", "Accepted").replace("T10:00:00Z", "T11:00:00Z")
            + &told(1, &["DownloadScheduled"])
            + "wait 3600\n"
            + &told(1, DOWNLOADED)
            + &told(1, INSTALLED)
            + REBOOTED
            + &told(1, &["Installed"])),
        expect![[r#"
            < UpdateFirmware {"requestId":1,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T11:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}
            op UpdateFirmware: Answered {"status":"Accepted"}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            < 101 Switching Protocols ocpp2.0.1
            BootNotification: {"currentTime":"2026-11-22T11:00:15.000Z","interval":300,"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            FirmwareStatusNotification: {}
        "#]],
    );
}

/// The certificate was revoked, and the station will not.
#[test]
fn tc_l_04_csms() {
    check(
        &[BOOTED],
        &update(1, "", "RevokedCertificate"),
        expect![[r#"
            < UpdateFirmware {"requestId":1,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}
            op UpdateFirmware: Answered {"status":"RevokedCertificate"}
        "#]],
    );
}

/// The certificate is no good, which is a security event as well.
#[test]
fn tc_l_05_csms() {
    check(
        &[BOOTED],
        &(update(1, "", "InvalidCertificate")
            + ": records shown\n"
            + r#"SecurityEventNotification {"type":"InvalidFirmwareSigningCertificate","timestamp":"$NOW"}"#),
        expect![[r#"
            < UpdateFirmware {"requestId":1,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}
            op UpdateFirmware: Answered {"status":"InvalidCertificate"}
            record SecurityEvent InvalidFirmwareSigningCertificate 
            SecurityEventNotification: {}
        "#]],
    );
}

/// The signature does not fit, which is a security event as well.
#[test]
fn tc_l_06_csms() {
    check(
        &[BOOTED],
        &(update(1, "", "Accepted")
            + &told(1, &["Downloading", "Downloaded", "InvalidSignature"])
            + ": records shown\n"
            + r#"SecurityEventNotification {"type":"InvalidFirmwareSignature","timestamp":"$NOW"}"#),
        expect![[r#"
            < UpdateFirmware {"requestId":1,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}
            op UpdateFirmware: Answered {"status":"Accepted"}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            record SecurityEvent InvalidFirmwareSignature 
            SecurityEventNotification: {}
        "#]],
    );
}

/// It could not be fetched.
#[test]
fn tc_l_07_csms() {
    check(
        &[BOOTED],
        &(update(1, "", "Accepted") + &told(1, &["Downloading", "DownloadFailed"])),
        expect![[r#"
            < UpdateFirmware {"requestId":1,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}
            op UpdateFirmware: Answered {"status":"Accepted"}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
        "#]],
    );
}

/// It could not be verified while it was installed.
#[test]
fn tc_l_08_csms() {
    check(
        &[BOOTED],
        &(update(1, "", "Accepted")
            + &told(1, DOWNLOADED)
            + &told(1, &["Installing", "InstallVerificationFailed"])),
        expect![[r#"
            < UpdateFirmware {"requestId":1,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}
            op UpdateFirmware: Answered {"status":"Accepted"}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
        "#]],
    );
}

/// It was installed, booted, and then failed.
#[test]
fn tc_l_09_csms() {
    check(
        &[BOOTED],
        &(update(1, "", "Accepted")
            + &told(1, DOWNLOADED)
            + &told(1, INSTALLED)
            + REBOOTED
            + &told(1, &["InstallationFailed"])),
        expect![[r#"
            < UpdateFirmware {"requestId":1,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}
            op UpdateFirmware: Answered {"status":"Accepted"}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            < 101 Switching Protocols ocpp2.0.1
            BootNotification: {"currentTime":"2026-11-22T10:00:14.000Z","interval":300,"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            FirmwareStatusNotification: {}
        "#]],
    );
}

/// A second update takes the place of the first while that is being fetched.
#[test]
fn tc_l_10_csms() {
    check(
        &[BOOTED],
        &(update(1, "", "Accepted")
            + &told(1, &["Downloading"])
            + &update(2, "", "AcceptedCanceled")
            + &told(2, DOWNLOADED)
            + &told(2, INSTALLED)
            + REBOOTED
            + &told(2, &["Installed"])),
        expect![[r#"
            < UpdateFirmware {"requestId":1,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}
            op UpdateFirmware: Answered {"status":"Accepted"}
            FirmwareStatusNotification: {}
            < UpdateFirmware {"requestId":2,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}
            op UpdateFirmware: Answered {"status":"AcceptedCanceled"}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            < 101 Switching Protocols ocpp2.0.1
            BootNotification: {"currentTime":"2026-11-22T10:00:17.000Z","interval":300,"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            FirmwareStatusNotification: {}
        "#]],
    );
}

/// A second update is refused, and the first goes on.
#[test]
fn tc_l_11_csms() {
    check(
        &[BOOTED],
        &(update(1, "", "Accepted")
            + &told(1, &["Downloading"])
            + &update(2, "", "Rejected")
            + &told(1, &["Downloaded", "SignatureVerified"])
            + &told(1, INSTALLED)
            + REBOOTED
            + &told(1, &["Installed"])),
        expect![[r#"
            < UpdateFirmware {"requestId":1,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}
            op UpdateFirmware: Answered {"status":"Accepted"}
            FirmwareStatusNotification: {}
            < UpdateFirmware {"requestId":2,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}
            op UpdateFirmware: Answered {"status":"Rejected"}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            < 101 Switching Protocols ocpp2.0.1
            BootNotification: {"currentTime":"2026-11-22T10:00:16.000Z","interval":300,"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            FirmwareStatusNotification: {}
        "#]],
    );
}

/// While a transaction runs the station waits for its end, and lets nobody else begin one.
#[test]
fn tc_l_13_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        &(update(1, "", "Accepted").replace("T10:00:00Z", "T10:30:00Z")
            + &told(1, &["DownloadScheduled"])
            + "connector Unavailable 2 1\n"
            + STOP_AUTHORIZED
            + EV_CONNECTED_LAST
            + EV_DISCONNECTED
            + &told(1, DOWNLOADED)
            + &told(1, INSTALLED)
            + REBOOTED
            + &told(1, &["Installed"])
            + "op station CP1\nop transactions CP1"),
        expect![[r#"
            < UpdateFirmware {"requestId":1,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:30:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"c2ln"}}
            op UpdateFirmware: Answered {"status":"Accepted"}
            FirmwareStatusNotification: {}
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {}
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {"totalCost":5.25}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            FirmwareStatusNotification: {}
            < 101 Switching Protocols ocpp2.0.1
            BootNotification: {"currentTime":"2026-11-22T10:01:28.000Z","interval":300,"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            FirmwareStatusNotification: {}
            station CP1: accepted online Available V 0 [1.1 Available 8 kWh, 2.1 Unavailable]
            transaction T1 on 1.1: ended ok 7 kWh 5.25 EVDisconnected
        "#]],
    );
}
