//! Block Q of 2.1, power from vehicles.

use expect_test::expect;

use super::{ENERGY_TRANSFER_STARTED, check_21};

/// A vehicle asks for an energy transfer.
fn needs(transfer: &str) -> String {
    format!(
        "NotifyEVChargingNeeds {{\"evseId\":1,\"chargingNeeds\":{{\"requestedEnergyTransfer\":\"{transfer}\",\"controlMode\":\"DynamicControl\",\"v2xChargingParameters\":{{\"maxChargePower\":11000,\"maxDischargePower\":10000,\"evTargetEnergyRequest\":20000}}}}}}\n"
    )
}

/// The list of the transaction, and the station's answer to it.
fn allow(transfers: &str, answer: &str) -> String {
    format!(
        "op NotifyAllowedEnergyTransfer {{\"transactionId\":\"T1\",\"allowedEnergyTransfer\":[{transfers}]}}\nanswer {{\"status\":\"{answer}\"}}\n"
    )
}

#[test]
fn q01_fr_04_a_transfer_that_the_transaction_may_not_have_is_refused() {
    check_21(
        &[ENERGY_TRANSFER_STARTED],
        &[
            needs("DC_BPT"),
            allow(r#""DC""#, "Accepted"),
            needs("DC_BPT"),
            needs("DC"),
            "op profiles".into(),
        ]
        .concat(),
        expect![[r#"
            NotifyEVChargingNeeds: {"status":"NoChargingProfile"}
            < NotifyAllowedEnergyTransfer {"transactionId":"T1","allowedEnergyTransfer":["DC"]}
            op NotifyAllowedEnergyTransfer: Answered {"status":"Accepted"}
            NotifyEVChargingNeeds: {"status":"Rejected","statusInfo":{"reasonCode":"InvalidValue","additionalInfo":"DC_BPT is not allowed for this transaction"}}
            NotifyEVChargingNeeds: {"status":"NoChargingProfile"}
            vehicle on 1 of "T1" priority false
            transaction T1 may DC
        "#]],
    );
}

/// What a station was told of a driver in its answer to Authorize holds for the transaction, until it accepts another list.
#[test]
fn q01_fr_04_a_transfer_that_the_drivers_token_does_not_have_is_refused() {
    let shown = |transfers: &str| {
        format!(
            ": token DRIVER Accepted {transfers}\nAuthorize {{\"idToken\":{{\"idToken\":\"DRIVER\",\"type\":\"ISO14443\"}}}}\n"
        )
    };
    check_21(
        &[&shown("transfers=DC")],
        &[
            needs("DC_BPT"),
            "tx Started Authorized token=DRIVER evse\n".into(),
            needs("DC_BPT"),
            needs("DC"),
            shown(""),
            needs("DC_BPT"),
            shown("transfers=DC"),
            needs("DC_BPT"),
            allow(r#""DC_BPT""#, "Accepted"),
            needs("DC_BPT"),
        ]
        .concat(),
        expect![[r#"
            NotifyEVChargingNeeds: {"status":"NoChargingProfile"}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            NotifyEVChargingNeeds: {"status":"Rejected","statusInfo":{"reasonCode":"InvalidValue","additionalInfo":"DC_BPT is not allowed for this transaction"}}
            NotifyEVChargingNeeds: {"status":"NoChargingProfile"}
            Authorize: {"idTokenInfo":{"status":"Accepted"}}
            NotifyEVChargingNeeds: {"status":"NoChargingProfile"}
            Authorize: {"idTokenInfo":{"status":"Accepted"},"allowedEnergyTransfer":["DC"]}
            NotifyEVChargingNeeds: {"status":"Rejected","statusInfo":{"reasonCode":"InvalidValue","additionalInfo":"DC_BPT is not allowed for this transaction"}}
            < NotifyAllowedEnergyTransfer {"transactionId":"T1","allowedEnergyTransfer":["DC_BPT"]}
            op NotifyAllowedEnergyTransfer: Answered {"status":"Accepted"}
            NotifyEVChargingNeeds: {"status":"NoChargingProfile"}
        "#]],
    );
}

/// The next charge of the same token has what its token says by then.
#[test]
fn q01_fr_04_what_the_drivers_token_says_holds_for_a_transaction_after_a_restart() {
    let restart = ": restart\n: a connect CP1 2.1\n";
    check_21(
        &[": token DRIVER Accepted transfers=DC\n"],
        &[
            "tx Started Authorized token=DRIVER evse\n".into(),
            restart.into(),
            needs("DC_BPT"),
            needs("DC"),
            "tx Ended StopAuthorized evse state=Idle stopped=Local\n".into(),
            ": token DRIVER Accepted\n".into(),
            restart.into(),
            "tx Started Authorized token=DRIVER evse seq=0 id=T2\n".into(),
            needs("DC_BPT"),
        ]
        .concat(),
        expect![[r#"
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            a ended
            < 101 Switching Protocols ocpp2.1
            NotifyEVChargingNeeds: {"status":"Rejected","statusInfo":{"reasonCode":"InvalidValue","additionalInfo":"DC_BPT is not allowed for this transaction"}}
            NotifyEVChargingNeeds: {"status":"NoChargingProfile"}
            TransactionEvent: {}
            a ended
            < 101 Switching Protocols ocpp2.1
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            NotifyEVChargingNeeds: {"status":"NoChargingProfile"}
        "#]],
    );
}

#[test]
fn q02_fr_05_a_new_list_counts_once_the_station_has_accepted_it() {
    check_21(
        &[ENERGY_TRANSFER_STARTED, &allow(r#""DC""#, "Accepted")],
        &[
            allow(r#""DC","DC_BPT""#, "Rejected"),
            needs("DC_BPT"),
            allow(r#""DC","DC_BPT""#, "Accepted"),
            ": restart\n: a connect CP1 2.1\n".into(),
            needs("DC_BPT"),
            "op profiles".into(),
        ]
        .concat(),
        expect![[r#"
            < NotifyAllowedEnergyTransfer {"transactionId":"T1","allowedEnergyTransfer":["DC","DC_BPT"]}
            op NotifyAllowedEnergyTransfer: Answered {"status":"Rejected"}
            NotifyEVChargingNeeds: {"status":"Rejected","statusInfo":{"reasonCode":"InvalidValue","additionalInfo":"DC_BPT is not allowed for this transaction"}}
            < NotifyAllowedEnergyTransfer {"transactionId":"T1","allowedEnergyTransfer":["DC","DC_BPT"]}
            op NotifyAllowedEnergyTransfer: Answered {"status":"Accepted"}
            a ended
            < 101 Switching Protocols ocpp2.1
            NotifyEVChargingNeeds: {"status":"NoChargingProfile"}
            vehicle on 1 of "T1" priority false
            transaction T1 may DC, DC_BPT
        "#]],
    );
}

#[test]
fn q07_an_afrr_signal_that_the_station_accepts_is_kept() {
    check_21(
        &[],
        r#"
            op AFRRSignal {"timestamp":"2026-11-22T10:05:00Z","signal":-20}
            answer {"status":"Accepted"}
            op AFRRSignal {"timestamp":"2026-11-22T10:06:00Z","signal":40}
            answer {"status":"Rejected","statusInfo":{"reasonCode":"NoSignalWattCurve"}}
            op profiles
        "#,
        expect![[r#"
            < AFRRSignal {"timestamp":"2026-11-22T10:05:00Z","signal":-20}
            op AFRRSignal: Answered {"status":"Accepted"}
            < AFRRSignal {"timestamp":"2026-11-22T10:06:00Z","signal":40}
            op AFRRSignal: Answered {"status":"Rejected","statusInfo":{"reasonCode":"NoSignalWattCurve"}}
            aFRR signal -20 from 2026-11-22T10:05:00.000Z
        "#]],
    );
}

#[test]
fn q_energy_given_back_is_counted_and_never_billed_as_energy_taken() {
    check_21(
        &[],
        r#"
            TransactionEvent {"eventType":"Started","timestamp":"$NOW","triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"T1","chargingState":"Charging","operationMode":"CentralSetpoint"},"evse":{"id":1,"connectorId":1},"idToken":{"idToken":"TAG","type":"ISO14443"},"meterValue":[{"timestamp":"$NOW","sampledValue":[{"value":1000,"context":"Transaction.Begin","measurand":"Energy.Active.Import.Register"},{"value":500,"context":"Transaction.Begin","measurand":"Energy.Active.Export.Register"}]}]}
            wait 1800
            TransactionEvent {"eventType":"Updated","timestamp":"$NOW","triggerReason":"MeterValuePeriodic","seqNo":1,"transactionInfo":{"transactionId":"T1"},"meterValue":[{"timestamp":"$NOW","sampledValue":[{"value":3500,"context":"Sample.Periodic","measurand":"Energy.Active.Export.Register"},{"value":1000,"context":"Sample.Periodic","measurand":"Energy.Active.Import.Register"},{"value":-6000,"context":"Sample.Periodic","measurand":"Power.Active.Import"}]}]}
            op transactions CP1
            wait 1800
            TransactionEvent {"eventType":"Ended","timestamp":"$NOW","triggerReason":"StopAuthorized","seqNo":2,"transactionInfo":{"transactionId":"T1","stoppedReason":"Local"},"meterValue":[{"timestamp":"$NOW","sampledValue":[{"value":6500,"context":"Transaction.End","measurand":"Energy.Active.Export.Register"},{"value":1200,"context":"Transaction.End","measurand":"Energy.Active.Import.Register"}]}]}
            op transactions CP1
        "#,
        expect![[r#"
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {}
            transaction T1 on 1.1: active ok 0 kWh -
            TransactionEvent: {"totalCost":0.15}
            transaction T1 on 1.1: ended ok 0.2 kWh 0.15 Local
        "#]],
    );
}

#[test]
fn q_a_session_that_tells_export_alone_is_billed_for_nothing() {
    check_21(
        &[],
        r#"
            TransactionEvent {"eventType":"Started","timestamp":"$NOW","triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"T1"},"evse":{"id":1,"connectorId":1},"idToken":{"idToken":"TAG","type":"ISO14443"},"meterValue":[{"timestamp":"$NOW","sampledValue":[{"value":500,"context":"Transaction.Begin","measurand":"Energy.Active.Export.Register"}]}]}
            TransactionEvent {"eventType":"Ended","timestamp":"$NOW","triggerReason":"StopAuthorized","seqNo":1,"transactionInfo":{"transactionId":"T1","stoppedReason":"Local"},"meterValue":[{"timestamp":"$NOW","sampledValue":[{"value":900,"context":"Transaction.End","measurand":"Energy.Active.Export.Register"}]}]}
            op transactions CP1
        "#,
        expect![[r#"
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {}
            transaction T1 on 1.1: ended estimated ? kWh - Local
        "#]],
    );
}
