//! OCPP 2.1 C25: payment on the web by a dynamic QR code, named by requirement.
//!
//! The passwords were made by another implementation of the algorithm, for 2026-11-22 10:00 to 10:04.

use expect_test::{Expect, expect};

use ocpp::Version;

use super::{BOOTED, Case, check_21, config};
use crate::config::Onboarding;

/// The station tells how it makes its URLs.
const CONFIGURED: &str = r#"
NotifyReport {"requestId":1,"generatedAt":"$NOW","seqNo":0,"reportData":[{"component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"URLTemplate"},"variableAttribute":[{"value":"https://qr.example/{chargingstationid}/{evse}/{totp}/{version}"}]},{"component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"ValidityTime"},"variableAttribute":[{"value":"60"}]},{"component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"Length"},"variableAttribute":[{"value":"8"}]}]}
"#;

/// It is given a secret.
const SHARED: &str = r#"
op SetVariables {"setVariableData":[{"attributeValue":"first-secret-of-CP1","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
answer {"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
"#;

fn check(before: &[&str], script: &str, expected: Expect) {
    check_21(before, script, expected);
}

#[test]
fn c25_fr_07_a_url_with_the_password_of_now_is_good_and_says_where_and_how_much() {
    check(
        &[CONFIGURED, SHARED],
        "
        wait 100
        : op pays https://qr.example/CP1/1/EHQNeH5q/v1/?maxenergy=20000&maxtime=3600&maxcost=12.5&lang=pt
        : op pays https://qr.example/CP1/2/UVcg6UMn/v1
        : op pays https://qr.example/CP1/2/x6apDIns/v1
        ",
        expect![[r#"
            op pays: Ok(Some(Ok(WebPayment { evse_id: Some(1), limits: WebPaymentLimits { energy_wh: Some("20000"), time_seconds: Some(3600), cost: Some("12.5") } })))
            op pays: Ok(Some(Ok(WebPayment { evse_id: Some(2), limits: WebPaymentLimits { energy_wh: None, time_seconds: None, cost: None } })))
            op pays: Ok(Some(Ok(WebPayment { evse_id: Some(2), limits: WebPaymentLimits { energy_wh: None, time_seconds: None, cost: None } })))
        "#]],
    );
}

#[test]
fn c25_fr_08_a_url_that_is_old_or_of_somebody_else_is_refused() {
    check(
        &[CONFIGURED, SHARED],
        "
        wait 100
        : op pays https://qr.example/CP1/1/gHXOsk3R/v1
        : op pays https://qr.example/CP1/1/PJ1v4Oqu/v1
        : op pays https://qr.example/CP2/1/EHQNeH5q/v1
        : op pays https://qr.example/CP1/1/EHQNeH5q/v2
        : op pays https://other.example/CP1/1/EHQNeH5q/v1
        : op pays https://qr.example/CP1/1/EHQNeH5q/v1?maxcost=cheap
        wait 60
        : op pays https://qr.example/CP1/1/UVcg6UMn/v1
        ",
        expect![[r#"
            op pays: Ok(Some(Err(Password)))
            op pays: Ok(Some(Err(Password)))
            op pays: Ok(Some(Err(OtherStation("CP2"))))
            op pays: Ok(Some(Err(Version("v2"))))
            op pays: Ok(Some(Err(Url(Piece { found: "other.example", expected: "qr.example" }))))
            op pays: Ok(Some(Err(Url(Value { name: "maxcost", found: "cheap", expected: "a number" }))))
            op pays: Ok(Some(Err(Password)))
        "#]],
    );
}

#[test]
fn c25_a_secret_counts_once_the_station_has_accepted_it_and_outlives_a_restart() {
    let second = SHARED.replace("first-secret", "second-secret");
    let refused = second.replace("Accepted", "Rejected");
    check(
        &[CONFIGURED],
        &format!(
            "
            : op pays https://qr.example/CP1/1/UVcg6UMn/v1
            : records shown
            {SHARED}
            {refused}
            : op pays https://qr.example/CP1/1/UVcg6UMn/v1
            : op pays https://qr.example/CP1/1/PJ1v4Oqu/v1
            {second}
            : op pays https://qr.example/CP1/1/UVcg6UMn/v1
            : op pays https://qr.example/CP1/1/PJ1v4Oqu/v1
            : restart
            : op pays https://qr.example/CP1/1/PJ1v4Oqu/v1
            : op delete CP1
            : op register CP1
            : op pays https://qr.example/CP1/1/PJ1v4Oqu/v1
            : a connect CP1 2.1
            {BOOTED}
            {CONFIGURED}
            : op pays https://qr.example/CP1/1/PJ1v4Oqu/v1
            "
        ),
        expect![[r#"
            op pays: Ok(Some(Err(NoSecret)))
            record CommandChanged SetVariables queued {"setVariableData":[{"attributeValue":"***","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            < SetVariables {"setVariableData":[{"attributeValue":"first-secret-of-CP1","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            record CommandChanged SetVariables sent {"setVariableData":[{"attributeValue":"***","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            record WebPaymentSecretsChanged SetVariables evses [0]
            record CommandChanged SetVariables answered {"setVariableData":[{"attributeValue":"***","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            op SetVariables: Answered {"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            record CommandChanged SetVariables queued {"setVariableData":[{"attributeValue":"***","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            < SetVariables {"setVariableData":[{"attributeValue":"second-secret-of-CP1","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            record CommandChanged SetVariables sent {"setVariableData":[{"attributeValue":"***","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            record CommandChanged SetVariables answered {"setVariableData":[{"attributeValue":"***","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            op SetVariables: Answered {"setVariableResult":[{"attributeStatus":"Rejected","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            op pays: Ok(Some(Ok(WebPayment { evse_id: Some(1), limits: WebPaymentLimits { energy_wh: None, time_seconds: None, cost: None } })))
            op pays: Ok(Some(Err(Password)))
            record CommandChanged SetVariables queued {"setVariableData":[{"attributeValue":"***","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            < SetVariables {"setVariableData":[{"attributeValue":"second-secret-of-CP1","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            record CommandChanged SetVariables sent {"setVariableData":[{"attributeValue":"***","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            record WebPaymentSecretsChanged SetVariables evses [0]
            record CommandChanged SetVariables answered {"setVariableData":[{"attributeValue":"***","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            op SetVariables: Answered {"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            op pays: Ok(Some(Err(Password)))
            op pays: Ok(Some(Ok(WebPayment { evse_id: Some(1), limits: WebPaymentLimits { energy_wh: None, time_seconds: None, cost: None } })))
            a ended
            record Disconnected server stopped
            op pays: Ok(Some(Ok(WebPayment { evse_id: Some(1), limits: WebPaymentLimits { energy_wh: None, time_seconds: None, cost: None } })))
            record WebPaymentSecretsChanged Sigec.Deleted evses []
            record StationDeleted
            op delete CP1: Ok(Ok(()))
            record StationConfigured
            op register CP1: Ok([Ok(())])
            op pays: Ok(Some(Err(Setting { variable: "URLTemplate", found: "not known", expected: "a template that a report or an operator told" })))
            < 101 Switching Protocols ocpp2.1
            record Connected first_seen false
            record Booted V
            BootNotification: {"currentTime":"2026-11-22T10:00:24.000Z","interval":300,"status":"Accepted"}
            record StatusReported 1.1 Available live true conflict false
            StatusNotification: {}
            record Notified NotifyEvent {"generatedAt":"2026-11-22T10:00:26Z","seqNo":0,"eventData":[{"eventId":1,"timestamp":"2026-11-22T10:00:26Z","trigger":"Delta","actualValue":"Available","component":{"evse":{"id":1,"connectorId":1},"name":"Connector"},"eventNotificationType":"HardWiredNotification","variable":{"name":"AvailabilityState"}}]}
            NotifyEvent: {}
            record Notified NotifyReport {"requestId":1,"generatedAt":"2026-11-22T10:00:27Z","reportData":[{"component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"URLTemplate"},"variableAttribute":[{"value":"https://qr.example/{chargingstationid}/{evse}/{totp}/{version}"}]},{"component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"ValidityTime"},"variableAttribute":[{"value":"60"}]},{"component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"Length"},"variableAttribute":[{"value":"8"}]}],"seqNo":0}
            record CommandFollowed NotifyReport messages 1 duplicates 0 complete true
            NotifyReport: {}
            op pays: Ok(Some(Err(NoSecret)))
        "#]],
    );
}

#[test]
fn c25_each_evse_may_have_its_own_controller() {
    let of_evse = |text: &str| {
        let evse = r#"{"name":"WebPaymentsCtrlr","evse":{"id":2}}"#;
        text.replace(r#"{"name":"WebPaymentsCtrlr"}"#, evse)
    };
    let template = of_evse(CONFIGURED)
        .replace("/{chargingstationid}/{evse}", "/evse")
        .replace(r#""60""#, r#""3600""#)
        .replace(r#""8""#, r#""6""#);
    let secret = of_evse(SHARED).replace("first-secret-of-CP1", "secret-of-EVSE-2");
    check(
        &[
            "connector Available 2 1",
            &template,
            &secret,
            CONFIGURED,
            SHARED,
        ],
        "
        : op pays https://qr.example/evse/smLbsX/v1
        : op pays https://qr.example/CP1/2/UVcg6UMn/v1
        : op pays https://qr.example/evse/UVcg6UMn/v1
        ",
        expect![[r#"
            op pays: Ok(Some(Ok(WebPayment { evse_id: Some(2), limits: WebPaymentLimits { energy_wh: None, time_seconds: None, cost: None } })))
            op pays: Ok(Some(Ok(WebPayment { evse_id: Some(2), limits: WebPaymentLimits { energy_wh: None, time_seconds: None, cost: None } })))
            op pays: Ok(Some(Err(Evse { evse_id: 2, problem: Password })))
        "#]],
    );
}

#[test]
fn c25_what_cannot_be_checked_says_what_is_missing() {
    let without = |variable: &str| {
        CONFIGURED.replace(
            &format!(r#"{{"name":"{variable}"}}"#),
            r#"{"name":"Other"}"#,
        )
    };
    for (report, expected) in [
        (
            "",
            expect![[r#"
            op pays: Ok(Some(Err(Setting { variable: "URLTemplate", found: "not known", expected: "a template that a report or an operator told" })))
        "#]],
        ),
        (
            &*without("ValidityTime"),
            expect![[r#"
            op pays: Ok(Some(Err(Setting { variable: "ValidityTime", found: "not known", expected: "6 to 3600 seconds" })))
        "#]],
        ),
        (
            &*CONFIGURED.replace(r#""60""#, r#""5""#),
            expect![[r#"
            op pays: Ok(Some(Err(Setting { variable: "ValidityTime", found: ""5"", expected: "6 to 3600 seconds" })))
        "#]],
        ),
        (
            &*without("Length"),
            expect![[r#"
            op pays: Ok(Some(Err(Setting { variable: "Length", found: "not known", expected: "6 to 64 characters" })))
        "#]],
        ),
        (
            &*CONFIGURED.replace(r#""8""#, r#""5""#),
            expect![[r#"
            op pays: Ok(Some(Err(Setting { variable: "Length", found: ""5"", expected: "6 to 64 characters" })))
        "#]],
        ),
        (
            CONFIGURED,
            expect![[r#"
            op pays: Ok(Some(Err(NoSecret)))
        "#]],
        ),
        (
            &*CONFIGURED.replace("{totp}/", ""),
            expect![[r#"
            op pays: Ok(Some(Err(Url(Pieces { found: 7, expected: 6 }))))
        "#]],
        ),
    ] {
        check(
            &[report],
            ": op pays https://qr.example/CP1/1/UVcg6UMn/v1",
            expected,
        );
    }
}

/// B05: the station has the new value when it has booted, and not before.
#[test]
fn c25_a_secret_that_needs_a_reboot_counts_from_the_next_boot_on() {
    let reboot = SHARED
        .replace("first-secret", "second-secret")
        .replace("Accepted", "RebootRequired");
    let boot = |reason: &str| {
        format!(
            r#"BootNotification {{"reason":"{reason}","chargingStation":{{"model":"M","vendorName":"V"}}}}"#
        )
    };
    let (triggered, booted) = (boot("Triggered"), boot("RemoteReset"));
    check(
        &[CONFIGURED, SHARED, &reboot],
        &format!(
            "
            : op pays https://qr.example/CP1/1/UVcg6UMn/v1
            : op pays https://qr.example/CP1/1/PJ1v4Oqu/v1
            {triggered}
            : op pays https://qr.example/CP1/1/UVcg6UMn/v1
            : restart
            : a connect CP1 2.1
            : records shown
            {booted}
            : op pays https://qr.example/CP1/1/UVcg6UMn/v1
            : op pays https://qr.example/CP1/1/PJ1v4Oqu/v1
            {reboot}
            {SHARED}
            {booted}
            : op pays https://qr.example/CP1/1/UVcg6UMn/v1
            "
        ),
        expect![[r#"
            op pays: Ok(Some(Ok(WebPayment { evse_id: Some(1), limits: WebPaymentLimits { energy_wh: None, time_seconds: None, cost: None } })))
            op pays: Ok(Some(Err(Password)))
            BootNotification: {"currentTime":"2026-11-22T10:00:12.000Z","interval":300,"status":"Accepted"}
            op pays: Ok(Some(Ok(WebPayment { evse_id: Some(1), limits: WebPaymentLimits { energy_wh: None, time_seconds: None, cost: None } })))
            a ended
            < 101 Switching Protocols ocpp2.1
            record WebPaymentSecretsChanged BootNotification evses [0]
            record WebPaymentSecretsPending BootNotification evses []
            record Booted V
            BootNotification: {"currentTime":"2026-11-22T10:00:17.000Z","interval":300,"status":"Accepted"}
            op pays: Ok(Some(Err(Password)))
            op pays: Ok(Some(Ok(WebPayment { evse_id: Some(1), limits: WebPaymentLimits { energy_wh: None, time_seconds: None, cost: None } })))
            record CommandChanged SetVariables queued {"setVariableData":[{"attributeValue":"***","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            < SetVariables {"setVariableData":[{"attributeValue":"second-secret-of-CP1","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            record CommandChanged SetVariables sent {"setVariableData":[{"attributeValue":"***","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            record WebPaymentSecretsPending SetVariables evses [0]
            record CommandChanged SetVariables answered {"setVariableData":[{"attributeValue":"***","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            op SetVariables: Answered {"setVariableResult":[{"attributeStatus":"RebootRequired","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            record CommandChanged SetVariables queued {"setVariableData":[{"attributeValue":"***","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            < SetVariables {"setVariableData":[{"attributeValue":"first-secret-of-CP1","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            record CommandChanged SetVariables sent {"setVariableData":[{"attributeValue":"***","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            record WebPaymentSecretsChanged SetVariables evses [0]
            record WebPaymentSecretsPending SetVariables evses []
            record CommandChanged SetVariables answered {"setVariableData":[{"attributeValue":"***","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            op SetVariables: Answered {"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            record Booted V
            BootNotification: {"currentTime":"2026-11-22T10:00:24.000Z","interval":300,"status":"Accepted"}
            op pays: Ok(Some(Ok(WebPayment { evse_id: Some(1), limits: WebPaymentLimits { energy_wh: None, time_seconds: None, cost: None } })))
        "#]],
    );
}

/// B02, B05: also a station that waits for its operator's approval has what it was given once it has booted.
#[test]
fn c25_a_secret_is_taken_up_by_a_boot_that_is_answered_pending() {
    let boot = |reason: &str| {
        format!(
            r#"BootNotification {{"reason":"{reason}","chargingStation":{{"model":"M","vendorName":"V"}}}}"#
        )
    };
    let mut case = Case::new(Version::V21, config(Onboarding::Pending));
    let reboot = SHARED.replace("Accepted", "RebootRequired");
    let (triggered, booted) = (boot("Triggered"), boot("RemoteReset"));
    let seen = case.run(&format!(
        "
        : a connect CP1 2.1
        {reboot}
        {triggered}
        : records shown
        {booted}
        {booted}
        "
    ));
    let taken_up = |line: &&str| line.contains("WebPaymentSecrets");
    let seen: Vec<_> = seen.lines().filter(taken_up).collect();
    assert_eq!(
        seen,
        [
            "record WebPaymentSecretsChanged BootNotification evses [0]",
            "record WebPaymentSecretsPending BootNotification evses []",
        ]
    );
}

/// A server that is killed between the record of what is in force and that of what waits leaves the station its secret.
#[test]
fn c25_a_crash_between_two_records_of_a_secret_takes_none_away() {
    let put_off = SHARED
        .replace("first-secret", "second-secret")
        .replace("Accepted", "RebootRequired");
    let (asked, answered) = SHARED.trim().split_once('\n').unwrap();
    let booted = r#"BootNotification {"reason":"RemoteReset","chargingStation":{"model":"M","vendorName":"V"}}"#;
    // The frame of the answer, and one record more.
    check(
        &[CONFIGURED, &put_off],
        &format!(
            "
            {asked}
            : disk holds
            {answered}
            : disk keeps 2
            : restart
            : disk goes
            : a connect CP1 2.1
            {booted}
            : op pays https://qr.example/CP1/1/UVcg6UMn/v1
            "
        ),
        expect![[r#"
            < SetVariables {"setVariableData":[{"attributeValue":"first-secret-of-CP1","component":{"name":"WebPaymentsCtrlr"},"variable":{"name":"SharedSecret"}}]}
            a ended
            op SetVariables: Err(Stopped)
            < 101 Switching Protocols ocpp2.1
            BootNotification: {"currentTime":"2026-11-22T10:00:15.000Z","interval":300,"status":"Accepted"}
            op pays: Ok(Some(Ok(WebPayment { evse_id: Some(1), limits: WebPaymentLimits { energy_wh: None, time_seconds: None, cost: None } })))
        "#]],
    );
}

/// Names are compared without regard to case (2.x Part 2, 2.1.4).
#[test]
fn c25_the_names_of_its_variables_may_be_written_in_any_case() {
    let shouted = |text: &str| {
        text.replace("WebPaymentsCtrlr", "WEBPAYMENTSCTRLR")
            .replace("SharedSecret", "sharedsecret")
    };
    check(
        &[&shouted(CONFIGURED), &shouted(SHARED)],
        ": op pays https://qr.example/CP1/1/UVcg6UMn/v1",
        expect![[r#"
            op pays: Ok(Some(Ok(WebPayment { evse_id: Some(1), limits: WebPaymentLimits { energy_wh: None, time_seconds: None, cost: None } })))
        "#]],
    );
}
