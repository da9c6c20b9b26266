//! OCPP 1.6 edition 2, Core profile: sections 4.1 to 4.10 and 5.2 to 5.18.

use expect_test::expect;
use ocpp::Version;

use super::{Case, check_16};
use crate::config::Onboarding;
use crate::shard::tests::world::config;

const START: &str = r#"
StartTransaction {"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"$NOW"}
"#;

/// A good token and one that is not.
#[test]
fn ocpp16_4_1_authorize() {
    check_16(
        r#"
        Authorize {"idTag":"TAG"}
        Authorize {"idTag":"BAD"}
        "#,
        expect![[r#"
            Authorize: {"idTagInfo":{"status":"Accepted"}}
            Authorize: {"idTagInfo":{"status":"Invalid"}}
        "#]],
    );
}

/// Accepted with the time and the interval of heartbeats.
#[test]
fn ocpp16_4_2_boot_notification() {
    check_16(
        r#"
        BootNotification {"chargePointVendor":"V","chargePointModel":"M","chargePointSerialNumber":"S","chargeBoxSerialNumber":"B","firmwareVersion":"1.0","iccid":"1","imsi":"2","meterType":"T","meterSerialNumber":"3"}
        op station CP1
        "#,
        expect![[r#"
            BootNotification: {"status":"Accepted","currentTime":"2026-11-22T10:00:03.000Z","interval":300}
            station CP1: accepted online Unavailable V 0 []
        "#]],
    );
}

/// Before it is accepted a station may boot, and nothing else; once approved it boots again.
#[test]
fn ocpp16_4_2_1_before_being_accepted() {
    let mut case = Case::new(Version::V16, config(Onboarding::Pending));
    let seen = case.run(&format!(
        r#"
        : a connect CP1
        BootNotification {{"chargePointVendor":"V","chargePointModel":"M"}}
        {START}
        : op approve CP1
        wait 60
        BootNotification {{"chargePointVendor":"V","chargePointModel":"M"}}
        StatusNotification {{"connectorId":0,"errorCode":"NoError","status":"Available"}}
        "#
    ));
    expect![[r#"
        < 101 Switching Protocols ocpp1.6
        BootNotification: {"status":"Pending","currentTime":"2026-11-22T10:00:02.000Z","interval":60}
        StartTransaction: error SecurityError: the station waits for its operator's approval
        op register CP1: Ok([Ok(())])
        BootNotification: {"status":"Accepted","currentTime":"2026-11-22T10:01:05.000Z","interval":300}
        StatusNotification: {}
    "#]].assert_eq(&seen);
}

/// Vendor data of a vendor that nobody here knows is refused as such.
#[test]
fn ocpp16_4_3_data_transfer() {
    check_16(
        r#"DataTransfer {"vendorId":"com.example","messageId":"hello","data":"{}"}"#,
        expect![[r#"
            DataTransfer: {"status":"UnknownVendorId"}
        "#]],
    );
}

/// A heartbeat is told the time.
#[test]
fn ocpp16_4_6_heartbeat() {
    check_16(
        "Heartbeat {}",
        expect![[r#"
        Heartbeat: {"currentTime":"2026-11-22T10:00:03.000Z"}
    "#]],
    );
}

/// Values within a transaction and beside it, of a connector and of the main meter.
#[test]
fn ocpp16_4_7_meter_values() {
    check_16(
        &format!(
            r#"
            {START}
            wait 60
            MeterValues {{"connectorId":1,"transactionId":$TX,"meterValue":[{{"timestamp":"$NOW","sampledValue":[{{"value":"1500","context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","unit":"Wh"}},{{"value":"16.0","measurand":"Current.Import","phase":"L1","unit":"A"}}]}}]}}
            MeterValues {{"connectorId":2,"meterValue":[{{"timestamp":"$NOW","sampledValue":[{{"value":"7.5","context":"Sample.Clock","unit":"kWh"}}]}}]}}
            MeterValues {{"connectorId":0,"meterValue":[{{"timestamp":"$NOW","sampledValue":[{{"value":"99000"}}]}}]}}
            op station CP1
            op transactions CP1
            "#
        ),
        expect![[r#"
            StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
            MeterValues: {}
            MeterValues: {}
            MeterValues: {}
            station CP1: accepted online Unavailable V 1 [1.1  1.5 kWh, 2.1  7.5 kWh]
            transaction ID on 1.1: active ok 0.5 kWh -
        "#]],
    );
}

/// A transaction begins with an id of ours; with a bad token it begins too, and is answered so.
#[test]
fn ocpp16_4_8_start_transaction() {
    check_16(
        r#"
        StartTransaction {"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"$NOW"}
        op transactions CP1
        "#,
        expect![[r#"
            StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
            transaction ID on 1.1: active ok 0 kWh -
        "#]],
    );
    check_16(
        r#"
        StartTransaction {"connectorId":1,"idTag":"BAD","meterStart":1000,"timestamp":"$NOW"}
        StopTransaction {"transactionId":$TX,"meterStop":1000,"timestamp":"$NOW","reason":"DeAuthorized"}
        op transactions CP1
        "#,
        expect![[r#"
            StartTransaction: {"idTagInfo":{"status":"Invalid"},"transactionId":$TX}
            StopTransaction: {}
            transaction ID on 1.1: ended ok 0 kWh 0.00 DeAuthorized
        "#]],
    );
}

/// Every status a connector goes through, a fault with its codes, and the station as a whole.
#[test]
fn ocpp16_4_9_status_notification() {
    let statuses = [
        "Available",
        "Preparing",
        "Charging",
        "SuspendedEV",
        "SuspendedEVSE",
        "Finishing",
        "Reserved",
        "Unavailable",
    ];
    let script = statuses.map(|status| {
        format!(
            "StatusNotification {{\"connectorId\":1,\"errorCode\":\"NoError\",\"status\":\"{status}\",\"timestamp\":\"$NOW\"}}\nop station CP1\n"
        )
    });
    let fault = r#"
        StatusNotification {"connectorId":1,"errorCode":"GroundFailure","status":"Faulted","info":"i","vendorId":"V","vendorErrorCode":"E1","timestamp":"$NOW"}
        StatusNotification {"connectorId":0,"errorCode":"NoError","status":"Available","timestamp":"$NOW"}
        op station CP1
        "#;
    check_16(
        &(script.concat() + fault),
        expect![[r#"
        StatusNotification: {}
        station CP1: accepted online Available V 0 [1.1 Available]
        StatusNotification: {}
        station CP1: accepted online Occupied V 0 [1.1 Preparing]
        StatusNotification: {}
        station CP1: accepted online Occupied V 0 [1.1 Charging]
        StatusNotification: {}
        station CP1: accepted online Occupied V 0 [1.1 SuspendedEV]
        StatusNotification: {}
        station CP1: accepted online Occupied V 0 [1.1 SuspendedEVSE]
        StatusNotification: {}
        station CP1: accepted online Occupied V 0 [1.1 Finishing]
        StatusNotification: {}
        station CP1: accepted online Reserved V 0 [1.1 Reserved]
        StatusNotification: {}
        station CP1: accepted online Unavailable V 0 [1.1 Unavailable]
        StatusNotification: {}
        StatusNotification: {}
        station CP1: accepted online Faulted V 0 [0.0 Available, 1.1 Faulted]
    "#]],
    );
}

/// Every reason for which a transaction may end is kept, and the energy is what the meter says.
#[test]
fn ocpp16_4_10_stop_transaction() {
    let reasons = [
        "DeAuthorized",
        "EmergencyStop",
        "EVDisconnected",
        "HardReset",
        "Local",
        "Other",
        "PowerLoss",
        "Reboot",
        "Remote",
        "SoftReset",
        "UnlockCommand",
    ];
    let script = reasons.map(|reason| {
        format!(
            r#"
            {START}
            wait 60
            StopTransaction {{"transactionId":$TX,"idTag":"TAG","meterStop":2000,"timestamp":"$NOW","reason":"{reason}","transactionData":[{{"timestamp":"$NOW","sampledValue":[{{"value":"1800","context":"Sample.Periodic"}}]}}]}}
            "#
        )
    });
    check_16(
        &(script.concat() + "op transactions CP1"),
        expect![[r#"
        StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
        StopTransaction: {"idTagInfo":{"status":"Accepted"}}
        StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
        StopTransaction: {"idTagInfo":{"status":"Accepted"}}
        StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
        StopTransaction: {"idTagInfo":{"status":"Accepted"}}
        StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
        StopTransaction: {"idTagInfo":{"status":"Accepted"}}
        StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
        StopTransaction: {"idTagInfo":{"status":"Accepted"}}
        StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
        StopTransaction: {"idTagInfo":{"status":"Accepted"}}
        StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
        StopTransaction: {"idTagInfo":{"status":"Accepted"}}
        StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
        StopTransaction: {"idTagInfo":{"status":"Accepted"}}
        StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
        StopTransaction: {"idTagInfo":{"status":"Accepted"}}
        StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
        StopTransaction: {"idTagInfo":{"status":"Accepted"}}
        StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
        StopTransaction: {"idTagInfo":{"status":"Accepted"}}
        transaction ID on 1.1: ended ok 1 kWh 0.75 DeAuthorized
        transaction ID on 1.1: ended ok 1 kWh 0.75 EmergencyStop
        transaction ID on 1.1: ended ok 1 kWh 0.75 EVDisconnected
        transaction ID on 1.1: ended ok 1 kWh 0.75 HardReset
        transaction ID on 1.1: ended ok 1 kWh 0.75 Local
        transaction ID on 1.1: ended ok 1 kWh 0.75 Other
        transaction ID on 1.1: ended ok 1 kWh 0.75 PowerLoss
        transaction ID on 1.1: ended ok 1 kWh 0.75 Reboot
        transaction ID on 1.1: ended ok 1 kWh 0.75 Remote
        transaction ID on 1.1: ended ok 1 kWh 0.75 SoftReset
        transaction ID on 1.1: ended ok 1 kWh 0.75 UnlockCommand
    "#]],
    );
}

/// A connector goes out of use, now and when its transaction has ended.
#[test]
fn ocpp16_5_2_change_availability() {
    check_16(
        r#"
        op ChangeAvailability {"connectorId":1,"type":"Inoperative"}
        answer {"status":"Accepted"}
        StatusNotification {"connectorId":1,"errorCode":"NoError","status":"Unavailable"}
        op station CP1
        op ChangeAvailability {"connectorId":0,"type":"Operative"}
        answer {"status":"Scheduled"}
        "#,
        expect![[r#"
            < ChangeAvailability {"connectorId":1,"type":"Inoperative"}
            op ChangeAvailability: Answered {"status":"Accepted"}
            StatusNotification: {}
            station CP1: accepted online Unavailable V 0 [1.1 Unavailable]
            < ChangeAvailability {"connectorId":0,"type":"Operative"}
            op ChangeAvailability: Answered {"status":"Scheduled"}
        "#]],
    );
}

/// A key is set, and another one needs a reboot.
#[test]
fn ocpp16_5_3_change_configuration() {
    check_16(
        r#"
        op ChangeConfiguration {"key":"HeartbeatInterval","value":"60"}
        answer {"status":"Accepted"}
        op ChangeConfiguration {"key":"NumberOfConnectors","value":"9"}
        answer {"status":"RebootRequired"}
        "#,
        expect![[r#"
            < ChangeConfiguration {"key":"HeartbeatInterval","value":"60"}
            op ChangeConfiguration: Answered {"status":"Accepted"}
            < ChangeConfiguration {"key":"NumberOfConnectors","value":"9"}
            op ChangeConfiguration: Answered {"status":"RebootRequired"}
        "#]],
    );
}

/// The authorization cache is cleared.
#[test]
fn ocpp16_5_4_clear_cache() {
    check_16(
        r#"
        op ClearCache {}
        answer {"status":"Accepted"}
        "#,
        expect![[r#"
            < ClearCache {}
            op ClearCache: Answered {"status":"Accepted"}
        "#]],
    );
}

/// Vendor data goes out as the operator wrote it.
#[test]
fn ocpp16_5_6_data_transfer() {
    check_16(
        r#"
        op DataTransfer {"vendorId":"com.example","messageId":"m","data":"text"}
        answer {"status":"Accepted","data":"back"}
        "#,
        expect![[r#"
            < DataTransfer {"vendorId":"com.example","messageId":"m","data":"text"}
            op DataTransfer: Answered {"status":"Accepted","data":"back"}
        "#]],
    );
}

/// Some keys, and all of them.
#[test]
fn ocpp16_5_8_get_configuration() {
    check_16(
        r#"
        op GetConfiguration {"key":["HeartbeatInterval","NoSuchKey"]}
        answer {"configurationKey":[{"key":"HeartbeatInterval","readonly":false,"value":"300"}],"unknownKey":["NoSuchKey"]}
        op GetConfiguration {}
        answer {"configurationKey":[]}
        "#,
        expect![[r#"
            < GetConfiguration {"key":["HeartbeatInterval","NoSuchKey"]}
            op GetConfiguration: Answered {"configurationKey":[{"key":"HeartbeatInterval","readonly":false,"value":"300"}],"unknownKey":["NoSuchKey"]}
            < GetConfiguration {}
            op GetConfiguration: Answered {"configurationKey":[]}
        "#]],
    );
}

/// A start from afar: the token is good for it, and the operator hears of the transaction.
#[test]
fn ocpp16_5_11_remote_start_transaction() {
    check_16(
        &format!(
            r#"
            op start CP1 1 TAG
            answer {{"status":"Accepted"}}
            Authorize {{"idTag":"TAG"}}
            {START}
            op start CP1 2 TAG
            answer {{"status":"Rejected"}}
            "#
        ),
        expect![[r#"
            < RemoteStartTransaction {"connectorId":1,"idTag":"TAG"}
            Authorize: {"idTagInfo":{"status":"Accepted"}}
            StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
            op start CP1 1 TAG: Begun Active energy Some(MilliwattHours(0))
            < RemoteStartTransaction {"connectorId":2,"idTag":"TAG"}
            op start CP1 2 TAG: Rejected(Answered {"status":"Rejected"}
        "#]],
    );
}

/// A profile that comes with a start from afar is of the transaction that begins where it was sent, and ends with it
/// (1.6 §5.11, §5.16.2).
#[test]
fn a_profile_of_a_remote_start_of_1_6_lasts_as_long_as_its_transaction() {
    let profile = r#"{"chargingProfileId":7,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}}"#;
    check_16(
        &format!(
            r#"
            op RemoteStartTransaction {{"connectorId":1,"idTag":"TAG","chargingProfile":{profile}}}
            answer {{"status":"Accepted"}}
            op profiles CP1
            {START}
            op profiles CP1
            StopTransaction {{"transactionId":$TX,"meterStop":2000,"timestamp":"$NOW"}}
            op profiles CP1
            op RemoteStartTransaction {{"connectorId":1,"idTag":"TAG","chargingProfile":{profile}}}
            answer {{"status":"Rejected"}}
            op profiles CP1
            "#
        ),
        expect![[r#"
            < RemoteStartTransaction {"connectorId":1,"idTag":"TAG","chargingProfile":{"chargingProfileId":7,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}}}
            op RemoteStartTransaction: Answered {"status":"Accepted"}
            profile 7 on 1 by remote_start not in force
            StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
            profile 7 on 1 by remote_start for $TX
            StopTransaction: {}
            < RemoteStartTransaction {"connectorId":1,"idTag":"TAG","chargingProfile":{"chargingProfileId":7,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}}}
            op RemoteStartTransaction: Answered {"status":"Rejected"}
        "#]],
    );
}

/// A stop from afar: by the transaction's id, and the operator hears of its end.
#[test]
fn ocpp16_5_12_remote_stop_transaction() {
    check_16(
        &format!(
            r#"
            {START}
            op stop
            answer {{"status":"Accepted"}}
            wait 20
            StopTransaction {{"transactionId":$TX,"meterStop":1100,"timestamp":"$NOW","reason":"Remote"}}
            op transactions CP1
            "#
        ),
        expect![[r#"
            StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
            < RemoteStopTransaction {"transactionId":$TX}
            StopTransaction: {}
            op stop: Ended Ended energy Some(MilliwattHours(100000))
            transaction ID on 1.1: ended ok 0.1 kWh 0.08 Remote
        "#]],
    );
}

/// A hard reset while a transaction runs: it ends with that reason after the station is back.
#[test]
fn ocpp16_5_14_reset() {
    check_16(
        &format!(
            r#"
            {START}
            op Reset {{"type":"Hard"}}
            answer {{"status":"Accepted"}}
            : a drops
            wait 60
            : a connect CP1
            BootNotification {{"chargePointVendor":"V","chargePointModel":"M"}}
            StopTransaction {{"transactionId":$TX,"meterStop":1500,"timestamp":"2026-11-22T10:00:30Z","reason":"HardReset"}}
            op transactions CP1
            op Reset {{"type":"Soft"}}
            answer {{"status":"Rejected"}}
            "#
        ),
        expect![[r#"
            StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
            < Reset {"type":"Hard"}
            op Reset: Answered {"status":"Accepted"}
            < 101 Switching Protocols ocpp1.6
            BootNotification: {"status":"Accepted","currentTime":"2026-11-22T10:01:08.000Z","interval":300}
            StopTransaction: {}
            transaction ID on 1.1: ended ok 0.5 kWh 0.38 HardReset
            < Reset {"type":"Soft"}
            op Reset: Answered {"status":"Rejected"}
        "#]],
    );
}

/// A connector is unlocked, is not, and cannot be.
#[test]
fn ocpp16_5_18_unlock_connector() {
    let script = ["Unlocked", "UnlockFailed", "NotSupported"].map(|status| {
        format!("op UnlockConnector {{\"connectorId\":1}}\nanswer {{\"status\":\"{status}\"}}\n")
    });
    check_16(
        &script.concat(),
        expect![[r#"
        < UnlockConnector {"connectorId":1}
        op UnlockConnector: Answered {"status":"Unlocked"}
        < UnlockConnector {"connectorId":1}
        op UnlockConnector: Answered {"status":"UnlockFailed"}
        < UnlockConnector {"connectorId":1}
        op UnlockConnector: Answered {"status":"NotSupported"}
    "#]],
    );
}

/// A call that the version does not know, one that goes the other way, and one that is not as its schema says.
#[test]
fn ocpp16_j_4_2_3_call_error() {
    check_16(
        r#"
        Bogus {}
        Reset {"type":"Soft"}
        StatusNotification {"connectorId":1,"errorCode":"NoError"}
        StatusNotification {"connectorId":"1","errorCode":"NoError","status":"Available"}
        StatusNotification {"connectorId":1,"errorCode":"NoError","status":"Asleep"}
        Heartbeat {}
        "#,
        expect![[r#"
            Bogus: error NotImplemented: "Bogus" is no action of OCPP 1.6
            Reset: error NotSupported: Reset is not supported here
            StatusNotification: error OccurenceConstraintViolation: /status: required, but missing
            StatusNotification: error TypeConstraintViolation: /connectorId: found a string, expected a number
            StatusNotification: error PropertyConstraintViolation: /status: found "Asleep", expected one of Available, Preparing, Charging, SuspendedEVSE, SuspendedEV, Finishing, Reserved, Unavailable, Faulted
            Heartbeat: {"currentTime":"2026-11-22T10:00:08.000Z"}
        "#]],
    );
}
