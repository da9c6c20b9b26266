//! What a station of 2.0.1 tells or asks beyond the certification's Core profile.

use expect_test::expect;

use super::{BOOTED, check};

/// Reports of every kind are taken, and kept.
#[test]
fn reports_are_taken() {
    check(
        &[BOOTED],
        r#"
        : records shown
        ClearedChargingLimit {"chargingLimitSource":"EMS","evseId":1}
        NotifyChargingLimit {"chargingLimit":{"chargingLimitSource":"EMS","isGridCritical":true},"evseId":1}
        NotifyDisplayMessages {"requestId":1,"tbc":false}
        NotifyMonitoringReport {"requestId":2,"seqNo":0,"generatedAt":"$NOW"}
        PublishFirmwareStatusNotification {"status":"Downloading","requestId":3}
        ReportChargingProfiles {"requestId":4,"chargingLimitSource":"CSO","evseId":1,"chargingProfile":[{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"startSchedule":"$NOW","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}]}]}
        ReservationStatusUpdate {"reservationId":5,"reservationUpdateStatus":"Expired"}
        "#,
        expect![[r#"
            record Notified ClearedChargingLimit {"chargingLimitSource":"EMS","evseId":1}
            ClearedChargingLimit: {}
            record ChargingChanged NotifyChargingLimit installed [] removed []
            record Notified NotifyChargingLimit {"evseId":1,"chargingLimit":{"chargingLimitSource":"EMS","isGridCritical":true}}
            NotifyChargingLimit: {}
            record Notified NotifyDisplayMessages {"requestId":1,"tbc":false}
            NotifyDisplayMessages: {}
            record Notified NotifyMonitoringReport {"requestId":2,"seqNo":0,"generatedAt":"2026-11-22T10:00:09Z"}
            NotifyMonitoringReport: {}
            record Notified PublishFirmwareStatusNotification {"status":"Downloading","requestId":3}
            PublishFirmwareStatusNotification: {}
            record ChargingChanged ReportChargingProfiles installed [1] removed []
            record Notified ReportChargingProfiles {"requestId":4,"chargingLimitSource":"CSO","chargingProfile":[{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"startSchedule":"2026-11-22T10:00:11Z","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}]}],"evseId":1}
            ReportChargingProfiles: {}
            record Notified ReservationStatusUpdate {"reservationId":5,"reservationUpdateStatus":"Expired"}
            ReservationStatusUpdate: {}
        "#]],
    );
}

/// Questions that nobody here can answer are refused, and not as unknown.
#[test]
fn questions_that_nobody_can_answer_are_refused() {
    check(
        &[BOOTED],
        r#"
        SignCertificate {"csr":"-----BEGIN CERTIFICATE REQUEST-----","certificateType":"ChargingStationCertificate"}
        GetCertificateStatus {"ocspRequestData":{"hashAlgorithm":"SHA256","issuerNameHash":"aa","issuerKeyHash":"bb","serialNumber":"1f","responderURL":"http://ocsp.example"}}
        Get15118EVCertificate {"iso15118SchemaVersion":"urn:iso:15118:2:2013:MsgDef","action":"Install","exiRequest":"AA=="}
        NotifyEVChargingNeeds {"evseId":1,"chargingNeeds":{"requestedEnergyTransfer":"AC_three_phase"}}
        NotifyEVChargingSchedule {"timeBase":"$NOW","evseId":1,"chargingSchedule":{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}}
        "#,
        expect![[r#"
            SignCertificate: {"status":"Rejected","statusInfo":{"reasonCode":"NotEnabled"}}
            GetCertificateStatus: {"status":"Failed","statusInfo":{"reasonCode":"NotEnabled"}}
            Get15118EVCertificate: {"status":"Failed","statusInfo":{"reasonCode":"NotEnabled"},"exiResponse":""}
            NotifyEVChargingNeeds: {"status":"Rejected","statusInfo":{"reasonCode":"NotEnabled"}}
            NotifyEVChargingSchedule: {"status":"Accepted"}
        "#]],
    );
}
