//! OCPP 2.1: tariffs, costs and payments, named by requirement.

use expect_test::{Expect, expect};

use ocpp::Version;

use super::{BOOTED, Case};
use crate::certificates::tests::{http, serve};
use crate::config::{Config, CostUpdates, Onboarding, Tariff};
use crate::shard::tests::world::config;

/// Runs a use on a fresh station that is connected, under some tariffs, with what is `configured` besides.
fn check(tariffs: &str, configured: Tariff, script: &str, expected: Expect) {
    let config = Config {
        tariff: configured,
        ..config(Onboarding::Open)
    };
    let mut case = Case::new(Version::V21, config);
    case.prepare(tariffs);
    case.prepare(": a connect CP1 2.1");
    case.prepare(BOOTED);
    expected.assert_eq(&case.run(script));
}

/// 25 cents per kWh and a tenth of tax.
const T1: &str = r#"
: tariff everywhere UTC {"tariffId":"T1","currency":"EUR","energy":{"prices":[{"priceKwh":0.25}],"taxRates":[{"type":"vat","tax":10}]}}
"#;

const BEGUN: &str = "
tx Started Authorized token=TAG evse state=Charging meter=Transaction.Begin:1000
";

const ENDED: &str = "
wait 3600
tx Ended StopAuthorized state=Idle stopped=Local meter=Transaction.End:11000
: op money CP1
";

#[test]
fn i02_fr_01_running_cost_stands_in_the_answers_when_that_is_configured() {
    let configured = Tariff {
        cost_updates: CostUpdates::Responses,
        ..Tariff::default()
    };
    check(
        T1,
        configured,
        &format!(
            "{BEGUN}
            wait 1800
            tx Updated MeterValuePeriodic state=Charging meter=Sample.Periodic:5000
            {ENDED}"
        ),
        expect![[r#"
            TransactionEvent: {"totalCost":0.00,"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {"totalCost":1.10}
            TransactionEvent: {"totalCost":2.75}
            cost 2.75 EUR ended
            tariff T1 NormalCost: energy 250/275 = 250/275, 10000000 mWh, 5402 s charging, 0 s idle
        "#]],
    );
}

#[test]
fn i03_fr_04_a_charge_that_costs_nothing_is_said_to() {
    check(
        "",
        Tariff {
            price_per_kwh_micros: 0,
            ..Tariff::default()
        },
        &format!("{BEGUN}{ENDED}"),
        expect![[r#"
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {"totalCost":0.00}
            cost 0.00 BRL ended
        "#]],
    );
}

#[test]
fn i07_fr_10_a_default_tariff_is_known_by_the_answer_of_the_station() {
    check(
        "",
        Tariff::default(),
        r#"
        op SetDefaultTariff {"evseId":0,"tariff":{"tariffId":"T1","currency":"EUR"}}
        answer {"status":"Accepted"}
        op SetDefaultTariff {"evseId":2,"tariff":{"tariffId":"T2","currency":"EUR"}}
        answer {"status":"Accepted"}
        op SetDefaultTariff {"evseId":0,"tariff":{"tariffId":"T3","currency":"EUR","validFrom":"2030-01-01T00:00:00Z"}}
        answer {"status":"Accepted"}
        op SetDefaultTariff {"evseId":0,"tariff":{"tariffId":"T4","currency":"EUR"}}
        answer {"status":"TooManyElements"}
        : op tariffs CP1
        "#,
        expect![[r#"
            < SetDefaultTariff {"evseId":0,"tariff":{"tariffId":"T1","currency":"EUR"}}
            op SetDefaultTariff: Answered {"status":"Accepted"}
            < SetDefaultTariff {"evseId":2,"tariff":{"tariffId":"T2","currency":"EUR"}}
            op SetDefaultTariff: Answered {"status":"Accepted"}
            < SetDefaultTariff {"evseId":0,"tariff":{"tariffId":"T3","currency":"EUR","validFrom":"2030-01-01T00:00:00Z"}}
            op SetDefaultTariff: Answered {"status":"Accepted"}
            < SetDefaultTariff {"evseId":0,"tariff":{"tariffId":"T4","currency":"EUR"}}
            op SetDefaultTariff: Answered {"status":"TooManyElements"}
            DefaultTariff T1 on [0]
            DefaultTariff T2 on [2]
            DefaultTariff T3 on [0] from 98114400
        "#]],
    );
}

#[test]
fn i09_fr_01_a_list_of_tariffs_takes_the_place_of_what_was_known() {
    check(
        "",
        Tariff::default(),
        r#"
        op SetDefaultTariff {"evseId":0,"tariff":{"tariffId":"Old","currency":"EUR"}}
        answer {"status":"Accepted"}
        op GetTariffs {"evseId":0}
        answer {"status":"Accepted","tariffAssignments":[{"tariffId":"Default01","tariffKind":"DefaultTariff","validFrom":"2026-01-01T00:00:00Z","evseIds":[1,2]},{"tariffId":"MSP01","tariffKind":"DriverTariff","evseIds":[1],"idTokens":["ABCD1234"]}]}
        : op tariffs CP1
        op GetTariffs {"evseId":2}
        answer {"status":"NoTariff"}
        : op tariffs CP1
        op GetTariffs {"evseId":0}
        answer {"status":"NoTariff"}
        : op tariffs CP1
        "#,
        expect![[r#"
            < SetDefaultTariff {"evseId":0,"tariff":{"tariffId":"Old","currency":"EUR"}}
            op SetDefaultTariff: Answered {"status":"Accepted"}
            < GetTariffs {"evseId":0}
            op GetTariffs: Answered {"status":"Accepted","tariffAssignments":[{"tariffId":"Default01","tariffKind":"DefaultTariff","validFrom":"2026-01-01T00:00:00Z","evseIds":[1,2]},{"tariffId":"MSP01","tariffKind":"DriverTariff","evseIds":[1],"idTokens":["ABCD1234"]}]}
            DefaultTariff Default01 on [1, 2] from -28116000, named
            DriverTariff MSP01 on [1], named
            < GetTariffs {"evseId":2}
            op GetTariffs: Answered {"status":"NoTariff"}
            DefaultTariff Default01 on [1] from -28116000, named
            DriverTariff MSP01 on [1], named
            < GetTariffs {"evseId":0}
            op GetTariffs: Answered {"status":"NoTariff"}
        "#]],
    );
}

#[test]
fn i10_fr_04_tariffs_that_were_cleared_are_gone() {
    check(
        "",
        Tariff::default(),
        r#"
        op GetTariffs {"evseId":0}
        answer {"status":"Accepted","tariffAssignments":[{"tariffId":"A","tariffKind":"DefaultTariff","evseIds":[1,2]},{"tariffId":"B","tariffKind":"DefaultTariff","evseIds":[3]},{"tariffId":"B","tariffKind":"DriverTariff"}]}
        op ClearTariffs {"tariffIds":["A"],"evseId":1}
        answer {"clearTariffsResult":[{"tariffId":"A","status":"Accepted"}]}
        : op tariffs CP1
        op ClearTariffs {}
        answer {"clearTariffsResult":[{"tariffId":"A","status":"Rejected"},{"tariffId":"B","status":"Accepted"}]}
        : op tariffs CP1
        "#,
        expect![[r#"
            < GetTariffs {"evseId":0}
            op GetTariffs: Answered {"status":"Accepted","tariffAssignments":[{"tariffId":"A","tariffKind":"DefaultTariff","evseIds":[1,2]},{"tariffId":"B","tariffKind":"DefaultTariff","evseIds":[3]},{"tariffId":"B","tariffKind":"DriverTariff"}]}
            < ClearTariffs {"tariffIds":["A"],"evseId":1}
            op ClearTariffs: Answered {"clearTariffsResult":[{"tariffId":"A","status":"Accepted"}]}
            DefaultTariff A on [2], named
            DefaultTariff B on [3], named
            DriverTariff B on [], named
            < ClearTariffs {}
            op ClearTariffs: Answered {"clearTariffsResult":[{"tariffId":"A","status":"Rejected"},{"tariffId":"B","status":"Accepted"}]}
            DefaultTariff A on [2], named
            DriverTariff B on [], named
        "#]],
    );
}

#[test]
fn i10_fr_06_a_station_that_has_no_such_tariff_has_none() {
    check(
        "",
        Tariff::default(),
        r#"
        op GetTariffs {"evseId":0}
        answer {"status":"Accepted","tariffAssignments":[{"tariffId":"A","tariffKind":"DefaultTariff","evseIds":[1,2]},{"tariffId":"B","tariffKind":"DefaultTariff","evseIds":[3]},{"tariffId":"C","tariffKind":"DefaultTariff","evseIds":[3]},{"tariffId":"B","tariffKind":"DriverTariff"}]}
        op ClearTariffs {"tariffIds":["A","B"],"evseId":1}
        answer {"clearTariffsResult":[{"status":"NoTariff"}]}
        : op tariffs CP1
        op ClearTariffs {"tariffIds":["B"]}
        answer {"clearTariffsResult":[{"status":"NoTariff"}]}
        : op tariffs CP1
        op ClearTariffs {}
        answer {"clearTariffsResult":[{"status":"NoTariff"}]}
        : op tariffs CP1
        "#,
        expect![[r#"
            < GetTariffs {"evseId":0}
            op GetTariffs: Answered {"status":"Accepted","tariffAssignments":[{"tariffId":"A","tariffKind":"DefaultTariff","evseIds":[1,2]},{"tariffId":"B","tariffKind":"DefaultTariff","evseIds":[3]},{"tariffId":"C","tariffKind":"DefaultTariff","evseIds":[3]},{"tariffId":"B","tariffKind":"DriverTariff"}]}
            < ClearTariffs {"tariffIds":["A","B"],"evseId":1}
            op ClearTariffs: Answered {"clearTariffsResult":[{"status":"NoTariff"}]}
            DefaultTariff A on [2], named
            DefaultTariff B on [3], named
            DefaultTariff C on [3], named
            DriverTariff B on [], named
            < ClearTariffs {"tariffIds":["B"]}
            op ClearTariffs: Answered {"clearTariffsResult":[{"status":"NoTariff"}]}
            DefaultTariff A on [2], named
            DefaultTariff C on [3], named
            DriverTariff B on [], named
            < ClearTariffs {}
            op ClearTariffs: Answered {"clearTariffsResult":[{"status":"NoTariff"}]}
            DriverTariff B on [], named
        "#]],
    );
}

/// On EVSE 1 T1 without a beginning, then T2 and T3, each with one; T4 on the other EVSE begins last.
#[test]
fn i07_fr_20_and_i07_fr_21_a_tariff_whose_time_has_come_takes_the_place_of_the_older() {
    let set = |evse_id: u32, id: &str, from: &str| {
        format!(
            "op SetDefaultTariff {{\"evseId\":{evse_id},\"tariff\":{{\"tariffId\":\"{id}\",\"currency\":\"EUR\"{from}}}}}\nanswer {{\"status\":\"Accepted\"}}\n"
        )
    };
    let from = |time: &str| format!(r#","validFrom":"2026-11-22T{time}:00Z""#);
    let mut case = Case::new(Version::V21, config(Onboarding::Open));
    case.prepare(": a connect CP1 2.1");
    case.prepare(BOOTED);
    case.prepare(&set(1, "T1", ""));
    case.prepare(&set(1, "T3", &from("11:30")));
    case.prepare(&set(1, "T2", &from("10:30")));
    case.prepare(&set(2, "T4", &from("12:30")));
    expect![[r#"
        DefaultTariff T1 on [1]
        DefaultTariff T3 on [1] from 5400
        DefaultTariff T2 on [1] from 1800
        DefaultTariff T4 on [2] from 9000
        DefaultTariff T3 on [1] from 5400
        DefaultTariff T2 on [1] from 1800
        DefaultTariff T4 on [2] from 9000
        DefaultTariff T3 on [1] from 5400
        DefaultTariff T4 on [2] from 9000
        DefaultTariff T3 on [1] from 5400
        DefaultTariff T4 on [2] from 9000
    "#]]
    .assert_eq(&case.run(
        "
        : op tariffs CP1
        wait 3600
        : op tariffs CP1
        wait 3600
        : op tariffs CP1
        wait 3600
        : op tariffs CP1
        ",
    ));
    // A station that names both knows better.
    expect![[r#"
        < GetTariffs {"evseId":0}
        op GetTariffs: Answered {"status":"Accepted","tariffAssignments":[{"tariffId":"T1","tariffKind":"DefaultTariff","evseIds":[1]},{"tariffId":"T2","tariffKind":"DefaultTariff","validFrom":"2026-11-22T10:30:00Z","evseIds":[1]}]}
        DefaultTariff T1 on [1], named
        DefaultTariff T2 on [1] from 1800, named
    "#]]
    .assert_eq(&case.run(
        r#"
        op GetTariffs {"evseId":0}
        answer {"status":"Accepted","tariffAssignments":[{"tariffId":"T1","tariffKind":"DefaultTariff","evseIds":[1]},{"tariffId":"T2","tariffKind":"DefaultTariff","validFrom":"2026-11-22T10:30:00Z","evseIds":[1]}]}
        : op tariffs CP1
        "#,
    ));
}

#[test]
fn i11_fr_07_another_tariff_holds_from_when_the_station_says_so() {
    let t2 = r#": tariff CP9 UTC {"tariffId":"T2","currency":"EUR","energy":{"prices":[{"priceKwh":1}]}}"#;
    check(
        &format!("{T1}{t2}"),
        Tariff::default(),
        &format!(
            r#"{BEGUN}
            op ChangeTransactionTariff {{"transactionId":"T1","tariff":{{"tariffId":"T2","currency":"EUR","energy":{{"prices":[{{"priceKwh":1}}]}}}}}}
            answer {{"status":"Accepted"}}
            wait 1800
            tx Updated TariffChanged tariff=T2 meter=Other:5000
            : restart
            : a connect CP1 2.1
            {ENDED}"#
        ),
        expect![[r#"
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            < ChangeTransactionTariff {"transactionId":"T1","tariff":{"tariffId":"T2","currency":"EUR","energy":{"prices":[{"priceKwh":1}]}}}
            op ChangeTransactionTariff: Answered {"status":"Accepted"}
            TransactionEvent: {}
            a ended
            < 101 Switching Protocols ocpp2.1
            TransactionEvent: {"totalCost":7.10}
            cost 7.10 EUR ended
            tariff T2 NormalCost: energy 700/710 = 700/710, 10000000 mWh, 5406 s charging, 0 s idle
            station under "T2": 
        "#]],
    );
}

#[test]
fn i12_fr_01_what_the_station_works_out_is_kept_beside_our_own_figure() {
    let details = r#"{"totalCost":{"currency":"EUR","typeOfCost":"NormalCost","energy":{"exclTax":2.50,"inclTax":2.75},"total":{"exclTax":2.50,"inclTax":2.75}},"totalUsage":{"energy":10000,"chargingTime":2,"idleTime":0}}"#;
    check(
        T1,
        Tariff::default(),
        &format!(
            "{BEGUN}
            tx Updated RunningCost tariff=T1
            wait 3600
            tx Ended StopAuthorized state=Idle stopped=Local meter=Transaction.End:11000 cost={details}
            : op money CP1"
        ),
        expect![[r#"
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {}
            TransactionEvent: {"totalCost":2.75}
            cost 2.75 EUR ended
            tariff T1 NormalCost: energy 250/275 = 250/275, 10000000 mWh, 3602 s charging, 0 s idle
            station under "T1": {"totalCost":{"currency":"EUR","typeOfCost":"NormalCost","energy":{"exclTax":2.50,"inclTax":2.75},"total":{"exclTax":2.50,"inclTax":2.75}},"totalUsage":{"energy":10000,"chargingTime":2,"idleTime":0}}
        "#]],
    );
}

#[test]
fn i12_a_station_that_charges_by_a_tariff_of_somebody_else_hears_no_second_figure() {
    check(
        T1,
        Tariff {
            cost_updates: CostUpdates::Responses,
            ..Tariff::default()
        },
        &format!(
            "{BEGUN}
            tx Updated Authorized tariff=MSP01
            wait 1800
            tx Updated MeterValuePeriodic meter=Sample.Periodic:5000
            {ENDED}"
        ),
        expect![[r#"
            TransactionEvent: {"totalCost":0.00,"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {}
            TransactionEvent: {}
            TransactionEvent: {}
            cost 2.75 EUR ended
            tariff T1 NormalCost: energy 250/275 = 250/275, 10000000 mWh, 5403 s charging, 0 s idle
            station under "MSP01": 
        "#]],
    );
}

#[test]
fn c20_fr_03_a_payment_that_is_cancelled_costs_nothing() {
    check(
        T1,
        Tariff::default(),
        r#"
        tx Started CablePluggedIn token=TAG evse meter=Transaction.Begin:1000
        tx Ended StopAuthorized stopped=Local meter=Transaction.End:1000
        NotifySettlement {"transactionId":"T1","pspRef":"TAG","status":"Canceled","settlementAmount":0,"settlementTime":"$NOW"}
        : op money CP1
        "#,
        expect![[r#"
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {"totalCost":0.00}
            NotifySettlement: {}
            cost 0.00 EUR ended
            tariff T1 NormalCost: energy 0/0 = 0/0, 0 mWh, 0 s charging, 1 s idle
            settlement TAG Canceled 0 
        "#]],
    );
}

#[test]
fn c21_fr_03_a_settlement_is_answered_with_our_receipt_and_kept_once() {
    let configured = Tariff {
        receipt_url: Some("https://csms.example/receipts/{transaction_id}".into()),
        ..Tariff::default()
    };
    check(
        T1,
        configured,
        &format!(
            r#"{BEGUN}
            {ENDED}
            NotifySettlement {{"transactionId":"T1","pspRef":"PSP-1","status":"Settled","settlementAmount":2.750,"settlementTime":"2026-11-22T11:00:00Z"}}
            NotifySettlement {{"transactionId":"T1","pspRef":"PSP-1","status":"Settled","settlementAmount":2.750,"settlementTime":"2026-11-22T11:00:00Z"}}
            : op money CP1"#
        ),
        expect![[r#"
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {"totalCost":2.75}
            cost 2.75 EUR ended
            tariff T1 NormalCost: energy 250/275 = 250/275, 10000000 mWh, 3601 s charging, 0 s idle
            NotifySettlement: {"receiptUrl":"https://csms.example/receipts/01a202b2-dc70-756e-ab2f-2632d7bd03fb","receiptId":"01a202b2-dc70-756e-ab2f-2632d7bd03fb"}
            NotifySettlement: {"receiptUrl":"https://csms.example/receipts/01a202b2-dc70-756e-ab2f-2632d7bd03fb","receiptId":"01a202b2-dc70-756e-ab2f-2632d7bd03fb"}
            cost 2.75 EUR ended
            tariff T1 NormalCost: energy 250/275 = 250/275, 10000000 mWh, 3601 s charging, 0 s idle
            settlement PSP-1 Settled 2.750 
        "#]],
    );
}

#[test]
fn c21_fr_04_the_receipt_of_the_payment_terminal_is_kept() {
    check(
        T1,
        Tariff {
            receipt_url: Some("https://csms.example/{transaction_id}".into()),
            ..Tariff::default()
        },
        &format!(
            r#"{BEGUN}
            {ENDED}
            NotifySettlement {{"transactionId":"T1","pspRef":"PSP-1","status":"Settled","settlementAmount":2.75,"settlementTime":"2026-11-22T11:00:00Z","receiptId":"R","receiptUrl":"https://psp.example/r"}}
            : op money CP1"#
        ),
        expect![[r#"
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {"totalCost":2.75}
            cost 2.75 EUR ended
            tariff T1 NormalCost: energy 250/275 = 250/275, 10000000 mWh, 3601 s charging, 0 s idle
            NotifySettlement: {}
            cost 2.75 EUR ended
            tariff T1 NormalCost: energy 250/275 = 250/275, 10000000 mWh, 3601 s charging, 0 s idle
            settlement PSP-1 Settled 2.75 https://psp.example/r
        "#]],
    );
}

#[test]
fn c22_fr_01_a_settlement_that_was_rejected_is_kept_before_the_one_that_was_not() {
    check(
        T1,
        Tariff::default(),
        &format!(
            r#"{BEGUN}
            {ENDED}
            NotifySettlement {{"transactionId":"T1","pspRef":"PSP-1","status":"Rejected","statusInfo":"no funds","settlementAmount":2.75,"settlementTime":"2026-11-22T11:00:00Z"}}
            NotifySettlement {{"transactionId":"T1","pspRef":"PSP-1","status":"Settled","settlementAmount":2.75,"settlementTime":"2026-11-22T11:05:00Z"}}
            NotifySettlement {{"transactionId":"nobody knows","pspRef":"PSP-2","status":"Failed","settlementAmount":1,"settlementTime":"2026-11-22T11:05:00Z"}}
            NotifySettlement {{"pspRef":"PSP-3","status":"Canceled","settlementAmount":0,"settlementTime":"2026-11-22T11:05:00Z"}}
            : op money CP1"#
        ),
        expect![[r#"
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {"totalCost":2.75}
            cost 2.75 EUR ended
            tariff T1 NormalCost: energy 250/275 = 250/275, 10000000 mWh, 3601 s charging, 0 s idle
            NotifySettlement: {}
            NotifySettlement: {}
            NotifySettlement: {}
            NotifySettlement: {}
            cost 2.75 EUR ended
            tariff T1 NormalCost: energy 250/275 = 250/275, 10000000 mWh, 3601 s charging, 0 s idle
            settlement PSP-1 Rejected 2.75 
            settlement PSP-1 Settled 2.75 
        "#]],
    );
}

#[test]
fn c25_fr_21_a_station_is_told_that_somebody_pays_on_the_web() {
    check(
        "",
        Tariff::default(),
        r#"
        op NotifyWebPaymentStarted {"evseId":1,"timeout":120}
        answer {}
        op start CP1 1 TAG
        "#,
        expect![[r#"
            < NotifyWebPaymentStarted {"evseId":1,"timeout":120}
            op NotifyWebPaymentStarted: Answered {}
            < RequestStartTransaction {"evseId":1,"idToken":{"idToken":"TAG","type":"Central"},"remoteStartId":$START}
        "#]],
    );
}

#[test]
fn a_vat_number_is_judged_by_whoever_knows_and_remembered() {
    let mut asked = 0;
    let url = serve(move |_, body| {
        asked += 1;
        let body = String::from_utf8_lossy(body).into_owned();
        // A second question about the same number would be told that it is none.
        let answer = match asked {
            1 => {
                assert_eq!(
                    body,
                    r#"{"evse_id":1,"station":"CP1","tenant":"default","vat_number":"NL1"}"#
                );
                r#"{"valid":true,"company":{"name":"N","address1":"A","city":"C","country":"NL"}}"#
            }
            2 => r#"{"valid":true,"company":{"name":"a company without an address"}}"#,
            3 => r#"{"valid":false,"reason":"no such number"}"#,
            _ => "not JSON",
        };
        (200, answer.as_bytes().to_vec())
    });
    let mut case = Case::new(
        Version::V21,
        Config {
            vat: Some(http(&url)),
            ..config(Onboarding::Open)
        },
    );
    case.prepare(": a connect CP1 2.1");
    case.prepare(BOOTED);
    expect![[r#"
        VatNumberValidation: {"company":{"name":"N","address1":"A","city":"C","country":"NL"},"vatNumber":"NL1","evseId":1,"status":"Accepted"}
        VatNumberValidation: {"company":{"name":"N","address1":"A","city":"C","country":"NL"},"vatNumber":"NL1","status":"Accepted"}
        VatNumberValidation: {"vatNumber":"NL2","status":"Accepted"}
        VatNumberValidation: {"statusInfo":{"reasonCode":"InvalidValue","additionalInfo":"no such number"},"vatNumber":"NL3","status":"Rejected"}
        VatNumberValidation: {"statusInfo":{"reasonCode":"InternalError","additionalInfo":"the answer is no JSON object with a boolean `valid`"},"vatNumber":"NL4","status":"Rejected"}
    "#]].assert_eq(&case.run(
        r#"
        VatNumberValidation {"vatNumber":"NL1","evseId":1}
        VatNumberValidation {"vatNumber":"NL1"}
        VatNumberValidation {"vatNumber":"NL2"}
        VatNumberValidation {"vatNumber":"NL3"}
        VatNumberValidation {"vatNumber":"NL4"}
        "#,
    ));
}

#[test]
fn a_vat_number_that_nobody_judges_in_time_or_at_all_is_refused() {
    check(
        "",
        Tariff::default(),
        r#"VatNumberValidation {"vatNumber":"NL1"}"#,
        expect![[r#"
            VatNumberValidation: {"statusInfo":{"reasonCode":"NotEnabled"},"vatNumber":"NL1","status":"Rejected"}
        "#]],
    );
    let mut case = Case::new(
        Version::V21,
        Config {
            vat: Some(http("http://127.0.0.1:9")),
            ..config(Onboarding::Open)
        },
    );
    case.prepare(": a connect CP1 2.1");
    case.prepare(BOOTED);
    let out = case.world.run(
        r#"
        10 services hang
        10 a > [2,"vat","VatNumberValidation",{"vatNumber":"NL1"}]
        31 wait
        "#,
    );
    expect![[r#"
        30 a < [3,"vat",{"statusInfo":{"reasonCode":"InternalError","additionalInfo":"it took too long"},"vatNumber":"NL1","status":"Rejected"}]
    "#]].assert_eq(&out);
}

/// A driver with a tariff of his own, in a 2.1 station's answer without when it begins to hold, and of what his vehicle may
/// do; nobody else's answer has it.
#[test]
fn i08_fr_01_and_q01_fr_01_a_driver_brings_a_tariff_and_energy_transfers() {
    let tariff = r#": tariff CP9 UTC {"tariffId":"TD","currency":"EUR","validFrom":"2026-01-01T00:00:00Z","energy":{"prices":[{"priceKwh":0.5}]}}"#;
    let script = r#"
        : token DRIVER Accepted tariff=TD transfers=DC,DC_BPT
        : token LOST Accepted tariff=GONE
        : token REFUSED Blocked tariff=TD transfers=DC
        Authorize {"idToken":{"idToken":"DRIVER","type":"ISO14443"}}
        Authorize {"idToken":{"idToken":"TAG","type":"ISO14443"}}
        Authorize {"idToken":{"idToken":"LOST","type":"ISO14443"}}
        Authorize {"idToken":{"idToken":"REFUSED","type":"ISO14443"}}
        tx Started Authorized token=DRIVER evse state=Charging meter=Transaction.Begin:1000 tariff=TD
        wait 3600
        tx Ended StopAuthorized state=Idle stopped=Local meter=Transaction.End:11000
        : op money CP1
        "#;
    check(
        tariff,
        Tariff::default(),
        script,
        expect![[r#"
        Authorize: {"idTokenInfo":{"status":"Accepted"},"allowedEnergyTransfer":["DC","DC_BPT"],"tariff":{"tariffId":"TD","currency":"EUR","energy":{"prices":[{"priceKwh":0.5}]}}}
        Authorize: {"idTokenInfo":{"status":"Accepted"}}
        Authorize: {"idTokenInfo":{"status":"Accepted"}}
        Authorize: {"idTokenInfo":{"status":"Blocked"}}
        TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
        TransactionEvent: {"totalCost":5.00}
        cost 5.00 EUR ended
        tariff TD NormalCost: energy 500/500 = 500/500, 10000000 mWh, 3601 s charging, 0 s idle
        station under "TD": 
    "#]],
    );
    let mut old = Case::new(Version::V201, config(Onboarding::Open));
    old.prepare(tariff);
    old.prepare(": a connect CP1 2.0.1");
    old.prepare(BOOTED);
    let seen = old.run(
        r#"
        : token DRIVER Accepted tariff=TD transfers=DC
        Authorize {"idToken":{"idToken":"DRIVER","type":"ISO14443"}}
        "#,
    );
    expect![[r#"
        Authorize: {"idTokenInfo":{"status":"Accepted"}}
    "#]]
    .assert_eq(&seen);
}

/// A station that cannot charge by the driver's tariff leaves the cost to us, whenever the driver becomes known; one that
/// names another tariff charges by that.
#[test]
fn i08_fr_34_a_driver_is_billed_by_a_tariff_that_the_station_does_not_name() {
    let tariffs = r#": tariff CP9 UTC {"tariffId":"TD","currency":"EUR","energy":{"prices":[{"priceKwh":0.5}]}}
        : tariff CP1 UTC {"tariffId":"T1","currency":"EUR","fixedFee":{"prices":[{"priceFixed":1}]},"energy":{"prices":[{"priceKwh":0.3}]}}"#;
    let script = r#"
        : token DRIVER Accepted tariff=TD
        tx Started Authorized token=DRIVER evse state=Charging meter=Transaction.Begin:1000
        wait 3600
        tx Ended StopAuthorized state=Idle stopped=Local meter=Transaction.End:11000
        : op money CP1
        tx Started CablePluggedIn evse state=EVConnected meter=Transaction.Begin:11000 id=T2
        wait 60
        tx Updated Authorized token=DRIVER state=Charging id=T2
        wait 3600
        tx Ended StopAuthorized token=DRIVER state=Idle stopped=Local meter=Transaction.End:21000 id=T2
        : op money CP1
        tx Started Authorized token=DRIVER evse state=Charging meter=Transaction.Begin:21000 id=T3
        tx Updated MeterValuePeriodic state=Charging tariff=T1 id=T3
        wait 3600
        tx Ended StopAuthorized state=Idle stopped=Local meter=Transaction.End:31000 id=T3
        : op money CP1
        "#;
    check(
        tariffs,
        Tariff::default(),
        script,
        expect![[r#"
        TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
        TransactionEvent: {"totalCost":5.00}
        cost 5.00 EUR ended
        tariff TD NormalCost: energy 500/500 = 500/500, 10000000 mWh, 3601 s charging, 0 s idle
        TransactionEvent: {}
        TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
        TransactionEvent: {"totalCost":5.00,"idTokenInfo":{"status":"Accepted"}}
        cost 5.00 EUR ended
        tariff TD NormalCost: energy 500/500 = 500/500, 10000000 mWh, 3601 s charging, 0 s idle
        cost 5.00 EUR ended
        tariff TD NormalCost: energy 500/500 = 500/500, 10000000 mWh, 3601 s charging, 61 s idle
        TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
        TransactionEvent: {}
        TransactionEvent: {"totalCost":3.00}
        cost 5.00 EUR ended
        tariff TD NormalCost: energy 500/500 = 500/500, 10000000 mWh, 3601 s charging, 0 s idle
        cost 5.00 EUR ended
        tariff TD NormalCost: energy 500/500 = 500/500, 10000000 mWh, 3601 s charging, 61 s idle
        cost 3.00 EUR ended
        tariff T1 NormalCost: energy 300/300 = 300/300, 10000000 mWh, 3602 s charging, 0 s idle
        station under "T1": 
    "#]],
    );
}

/// The minutes of before the driver was known stay what they were, and what becomes of the token later changes no charge.
#[test]
fn i08_fr_34_a_drivers_tariff_prices_what_was_counted_and_stays() {
    let tariffs = r#": tariff CP9 UTC {"tariffId":"TD","currency":"EUR","chargingTime":{"prices":[{"priceMinute":1}]},"idleTime":{"prices":[{"priceMinute":0.1}]}}
        : tariff CP8 UTC {"tariffId":"TE","currency":"EUR","fixedFee":{"prices":[{"priceFixed":100}]}}
        : tariff CP1 UTC {"tariffId":"T1","currency":"EUR","fixedFee":{"prices":[{"priceFixed":1}]}}"#;
    let script = r#"
        : token DRIVER Accepted tariff=TD
        tx Started CablePluggedIn evse state=EVConnected
        wait 1799
        tx Updated Authorized token=DRIVER
        wait 599
        tx Updated ChargingStateChanged state=Charging
        : token DRIVER Accepted tariff=TE
        wait 1199
        tx Updated ChargingStateChanged state=SuspendedEV token=DRIVER
        tx Ended EVDeparted state=Idle stopped=EVDisconnected
        : op money CP1
        "#;
    check(
        tariffs,
        Tariff::default(),
        script,
        expect![[r#"
        TransactionEvent: {}
        TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
        TransactionEvent: {}
        TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
        TransactionEvent: {"totalCost":24.02}
        cost 24.02 EUR ended
        tariff TD NormalCost: chargingTime 2002/2002 + idleTime 400/400 = 2402/2402, 0 mWh, 1201 s charging, 2401 s idle
    "#]],
    );
}

/// A driver who does not accept the tariff owes nothing, whatever it asks for.
#[test]
fn i07_fr_30_and_i08_fr_20_a_tariff_that_is_not_accepted_costs_nothing() {
    let tariffs = r#": tariff CP1 UTC {"tariffId":"T1","currency":"EUR","fixedFee":{"prices":[{"priceFixed":1}]},"idleTime":{"prices":[{"priceMinute":0.1}]},"minCost":{"exclTax":2}}"#;
    let script = r#"
        tx Started CablePluggedIn evse state=EVConnected token=TAG
        tx Updated TariffNotAccepted state=EVConnected
        wait 1200
        tx Updated Deauthorized state=EVConnected token=TAG
        tx Updated Authorized state=EVConnected token=TAG seq=1
        tx Ended EVDeparted state=Idle stopped=DeAuthorized seq=4
        : op money CP1
        tx Started CablePluggedIn evse state=EVConnected token=TAG id=T2
        tx Ended TariffNotAccepted state=Idle stopped=DeAuthorized id=T2
        : op money CP1
        tx Started CablePluggedIn evse state=EVConnected token=TAG id=T3
        tx Updated TariffNotAccepted id=T3
        tx Updated Authorized token=OTHER state=Charging id=T3
        tx Ended EVDeparted state=Idle stopped=Local id=T3
        : op money CP1
        "#;
    check(
        tariffs,
        Tariff::default(),
        script,
        expect![[r#"
        TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
        TransactionEvent: {}
        TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
        TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
        TransactionEvent: {"totalCost":0.00}
        cost 0.00 EUR ended
        tariff TariffNotAccepted NormalCost:  = 0/0, 0 mWh, 0 s charging, 1204 s idle
        TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
        TransactionEvent: {"totalCost":0.00}
        cost 0.00 EUR ended
        tariff TariffNotAccepted NormalCost:  = 0/0, 0 mWh, 0 s charging, 1204 s idle
        cost 0.00 EUR ended
        tariff TariffNotAccepted NormalCost:  = 0/0, 0 mWh, 0 s charging, 1 s idle
        TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
        TransactionEvent: {}
        TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
        TransactionEvent: {"totalCost":2.00}
        cost 0.00 EUR ended
        tariff TariffNotAccepted NormalCost:  = 0/0, 0 mWh, 0 s charging, 1204 s idle
        cost 0.00 EUR ended
        tariff TariffNotAccepted NormalCost:  = 0/0, 0 mWh, 0 s charging, 1 s idle
        cost 2.00 EUR ended
        tariff T1 MinCost: fixed 200/200 = 200/200, 0 mWh, 1 s charging, 2 s idle
    "#]],
    );
    let plain = r#"
        tx Started CablePluggedIn evse state=EVConnected token=TAG
        tx Ended TariffNotAccepted state=Idle stopped=DeAuthorized
        : op money CP1
        "#;
    check(
        "",
        Tariff::default(),
        plain,
        expect![[r#"
        TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
        TransactionEvent: {"totalCost":0.00}
        cost 0.00 BRL ended
        tariff TariffNotAccepted NormalCost:  = 0/0, 0 mWh, 0 s charging, 1 s idle
    "#]],
    );
}

/// Whatever comes under the id of a call whose answer waits for somebody else: that call is acted on once, and answered once.
#[test]
fn a_call_that_waits_for_another_service_has_one_answer() {
    let mut case = Case::new(
        Version::V21,
        Config {
            vat: Some(http("http://127.0.0.1:9")),
            ..config(Onboarding::Open)
        },
    );
    case.prepare(": a connect CP1 2.1");
    case.prepare(BOOTED);
    let asked = r#"a > [2,"1","VatNumberValidation",{"vatNumber":"NL1"}]"#;
    let boot = r#"{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}"#;
    let out = case.world.run(&format!(
        r#"
        10 services hang
        10 {asked}
        11 a > [2,"1","VatNumberValidation",{{"vatNumber":"NL2"}}]
        12 {asked}
        13 a > [2,"1","Heartbeat",{{}}]
        14 {asked}
        15 a > [2,"1","BootNotification",{boot}]
        16 {asked}
        17 a > [2,"1","VatNumberValidation"]
        18 {asked}
        19 a > [2,"1","VatNumberValidation-Signed",{{}}]
        20 {asked}
        21 disk holds
        21 a > [2,"1","Heartbeat",{{}}]
        22 {asked}
        23 disk goes
        24 {asked}
        30.1 {asked}
        "#
    ));
    expect![[r#"
        11 a < [4,"1","ProtocolError","another call with this message id is still unanswered",{}]
        13 a < [4,"1","ProtocolError","another call with this message id is still unanswered",{}]
        15 a < [4,"1","ProtocolError","another call with this message id is still unanswered",{}]
        17 a < [4,"1","FormatViolation","a CALL has the elements 2, message id, action, payload",{}]
        19 a < [4,"1","OccurrenceConstraintViolation","/signature: required, but missing",{}]
        23 a < [4,"1","ProtocolError","another call with this message id is still unanswered",{}]
        30 a < [3,"1",{"statusInfo":{"reasonCode":"InternalError","additionalInfo":"it took too long"},"vatNumber":"NL1","status":"Rejected"}]
        30.1 a < [3,"1",{"statusInfo":{"reasonCode":"InternalError","additionalInfo":"it took too long"},"vatNumber":"NL1","status":"Rejected"}]
    "#]].assert_eq(&out);
    let taken = case.world.log.iter().filter(|record| {
        matches!(&fleet::wire::read(record).unwrap().body, fleet::wire::Body::Notified(said) if said.action == "VatNumberValidation")
    });
    assert_eq!(taken.count(), 1);
}

/// Whoever stops a charge at a limit has to know what it has come to, also after a restart of the server.
#[test]
fn e16_fr_11_a_station_that_keeps_to_a_limit_of_cost_hears_what_the_charge_has_come_to() {
    check(
        T1,
        Tariff::default(),
        &format!(
            "{BEGUN}
            wait 1800
            tx Updated MeterValuePeriodic meter=Sample.Periodic:3000
            tx Updated LimitSet limit=12.50
            wait 1800
            tx Updated MeterValuePeriodic meter=Sample.Periodic:5000
            : restart
            : a connect CP1 2.1
            tx Updated MeterValuePeriodic meter=Sample.Periodic:5000
            {ENDED}"
        ),
        expect![[r#"
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {}
            TransactionEvent: {"totalCost":0.55}
            TransactionEvent: {"totalCost":1.10}
            a ended
            < 101 Switching Protocols ocpp2.1
            TransactionEvent: {"totalCost":1.10}
            TransactionEvent: {"totalCost":2.75}
            cost 2.75 EUR ended
            tariff T1 NormalCost: energy 250/275 = 250/275, 10000000 mWh, 7207 s charging, 0 s idle
        "#]],
    );
}
