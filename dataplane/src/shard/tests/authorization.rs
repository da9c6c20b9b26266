//! What stations are told about tokens: cases of block C of OCPP 2.0.1 Part 6 by their names, then the rules of both
//! versions that those leave out. Unknown tokens are refused throughout.

use expect_test::{Expect, expect};

use super::world::{World, config, key};
use crate::config::{Config, DirectPayments, Onboarding};

/// `a` is CP1 and `b` is CP2, both 2.0.1.
fn check(script: &str, expected: Expect) {
    expected.assert_eq(&run(" 2.0.1", script).0);
}

/// `a` is CP1 and `b` is CP2, both 1.6. Ids of CP1's transactions are shown as `$1`, `$2`, …, and may be named so.
fn check_16(script: &str, expected: Expect) {
    expected.assert_eq(&run("", script).0);
}

fn run(version: &str, script: &str) -> (String, World) {
    run_with(config(Onboarding::Closed), version, script)
}

fn run_with(config: Config, version: &str, script: &str) -> (String, World) {
    let mut world = World::new(config);
    world.run(&format!(
        "0 op register CP1\n0 op register CP2\n0 a connect CP1{version}\n0 b connect CP2{version}"
    ));
    let ids = |world: &World| -> Vec<String> {
        let station = world.shard.stations.find(&key("CP1")).expect("registered");
        let details = world.shard.stations[station].state.details();
        let transactions = details.transactions.iter();
        transactions.map(|t| t.ocpp_id.to_string()).collect()
    };
    let mut out = String::new();
    for line in script.lines() {
        let given = ids(&world).into_iter().enumerate();
        let line = given.fold(expand(line), |line, (n, id)| {
            line.replace(&format!("${}", n + 1), &id)
        });
        out += &world.run(&line);
    }
    if version.is_empty() {
        for (n, id) in ids(&world).iter().enumerate() {
            out = out.replace(&format!(":{id}"), &format!(":${}", n + 1));
        }
    }
    (out, world)
}

/// Writes `TIME WHO authorizes TAG [TYPE]`, `TIME WHO event KIND TRIGGER TX SEQ EVSE [TAG [TYPE]]` (EVSE 0 says none),
/// `TIME WHO starts CONNECTOR TAG` and `TIME WHO stops TX [TAG]` out as messages; other lines stay as they are.
fn expand(line: &str) -> String {
    let words: Vec<_> = line.split_whitespace().collect();
    let [time, who, verb, rest @ ..] = words.as_slice() else {
        return line.to_owned();
    };
    let call = |action: &str, payload: String| {
        format!(r#"{time} {who} > [2,"{time}{who}","{action}",{{{payload}}}]"#)
    };
    let id_token = |rest: &[&str]| {
        let kind = rest.get(1).unwrap_or(&"ISO14443");
        format!(r#""idToken":{{"idToken":"{}","type":"{kind}"}}"#, rest[0])
    };
    let at = format!(
        "2026-11-22T10:{:02}:00Z",
        time.parse::<f64>().unwrap_or(0.0) as u32 / 60
    );
    match (*verb, rest) {
        ("authorizes", rest) => call("Authorize", id_token(rest)),
        ("event", [kind, trigger, transaction, seq, evse, token @ ..]) => {
            let reason = if *trigger == "StopAuthorized" && *kind == "Ended" {
                r#","stoppedReason":"MasterPass""#
            } else {
                ""
            };
            let mut payload = format!(
                r#""eventType":"{kind}","timestamp":"{at}","triggerReason":"{trigger}","seqNo":{seq},"transactionInfo":{{"transactionId":"{transaction}"{reason}}}"#
            );
            if *evse != "0" {
                payload += &format!(r#","evse":{{"id":{evse},"connectorId":1}}"#);
            }
            if !token.is_empty() {
                payload += &format!(",{}", id_token(token));
            }
            call("TransactionEvent", payload)
        }
        ("asks", [tag]) => call("Authorize", format!(r#""idTag":"{tag}""#)),
        ("starts", [connector, tag]) => call(
            "StartTransaction",
            format!(
                r#""connectorId":{connector},"idTag":"{tag}","meterStart":0,"timestamp":"{at}""#
            ),
        ),
        ("stops", [transaction, tag @ ..]) => {
            let tag = tag
                .first()
                .map_or(String::new(), |tag| format!(r#","idTag":"{tag}""#));
            call(
                "StopTransaction",
                format!(
                    r#""transactionId":{transaction},"meterStop":1000,"timestamp":"{at}"{tag}"#
                ),
            )
        }
        _ => line.to_owned(),
    }
}

#[test]
fn tc_c_02_csms_an_unknown_token_is_refused() {
    check(
        "
        1 a authorizes NOBODY
        2 a authorizes 1234 KeyCode
        3 token KNOWN Invalid
        3 a authorizes KNOWN
        ",
        expect![[r#"
            1 a < [3,"1a",{"idTokenInfo":{"status":"Unknown"}}]
            1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            2 a < [3,"2a",{"idTokenInfo":{"status":"Invalid"}}]
            3 a < [3,"3a",{"idTokenInfo":{"status":"Invalid"}}]
        "#]],
    );
}

#[test]
fn tc_c_06_csms_a_blocked_token_is_refused() {
    check(
        "
        1 token TAG Blocked
        1 a authorizes TAG
        2 token POOR NoCredit
        2 a authorizes POOR
        ",
        expect![[r#"
            1 a < [3,"1a",{"idTokenInfo":{"status":"Blocked"}}]
            1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            2 a < [3,"2a",{"idTokenInfo":{"status":"NoCredit","cacheExpiryDateTime":"2026-11-22T10:00:02.000Z"}}]
        "#]],
    );
}

#[test]
fn tc_c_07_csms_an_expired_token_is_refused() {
    check(
        "
        1 token OLD Expired
        1 a authorizes OLD
        2 token TAG Accepted expires=60
        59 a authorizes tag
        60 a authorizes TAG
        ",
        expect![[r#"
            1 a < [3,"1a",{"idTokenInfo":{"status":"Expired"}}]
            1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            59 a < [3,"59a",{"idTokenInfo":{"status":"Accepted","cacheExpiryDateTime":"2026-11-22T10:01:00.000Z"}}]
            60 a < [3,"60a",{"idTokenInfo":{"status":"Expired","cacheExpiryDateTime":"2026-11-22T10:01:00.000Z"}}]
        "#]],
    );
}

#[test]
fn c17_fr_02_no_station_keeps_that_an_account_is_empty() {
    check(
        "
        1 token POOR NoCredit cache=600
        1 a authorizes POOR
        2 a event Started Authorized T1 0 1 POOR
        ",
        expect![[r#"
            1 a < [3,"1a",{"idTokenInfo":{"status":"NoCredit","cacheExpiryDateTime":"2026-11-22T10:00:01.000Z"}}]
            1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            2 a < [3,"2a",{"idTokenInfo":{"status":"NoCredit","cacheExpiryDateTime":"2026-11-22T10:00:02.000Z"}}]
        "#]],
    );
    check_16(
        "
        1 token POOR NoCredit cache=600
        1 a asks POOR
        ",
        expect![[r#"
            1 a < [3,"1a",{"idTagInfo":{"expiryDate":"2026-11-22T10:00:01.000Z","status":"Blocked"}}]
        "#]],
    );
}

#[test]
fn tc_c_08_csms_a_cached_token_is_judged_when_it_is_used() {
    check(
        "
        1 token TAG Accepted
        1 a event Started CablePluggedIn T1 0 1
        2 a event Updated Authorized T1 1 1 TAG
        3 a event Updated ChargingStateChanged T1 2 1
        ",
        expect![[r#"
            1 a < [3,"1a",{}]
            1 a < [2,"01a202b2-c8e8-729f-8f13-5767524794fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            2 a < [3,"2a",{"idTokenInfo":{"status":"Accepted"}}]
            3 a < [3,"3a",{}]
        "#]],
    );
}

#[test]
fn tc_c_20_csms_a_token_that_is_good_in_the_cache_alone_is_refused() {
    check(
        "
        1 a event Started CablePluggedIn T1 0 1
        2 a event Updated Authorized T1 1 1 NOBODY
        3 op station CP1
        ",
        expect![[r#"
            1 a < [3,"1a",{}]
            1 a < [2,"01a202b2-c8e8-729f-8f13-5767524794fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            2 a < [3,"2a",{"idTokenInfo":{"status":"Unknown"}}]
            3 station CP1: accepted online Unavailable  1 []
        "#]],
    );
}

#[test]
fn tc_c_37_csms_and_tc_c_38_csms_an_operator_clears_the_cache() {
    check(
        r#"
        1 op command CP1 wait ClearCache {}
        1 a answers {"status":"Accepted"}
        2 op command CP1 wait ClearCache {}
        2 a answers {"status":"Rejected"}
        "#,
        expect![[r#"
            1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","ClearCache",{}]
            1 op command ClearCache: Answered Some("{\"status\":\"Accepted\"}") None
            2 a < [2,"01a202b2-ccd0-729f-8f13-5767524794fb","ClearCache",{}]
            2 op command ClearCache: Answered Some("{\"status\":\"Rejected\"}") None
        "#]],
    );
}

#[test]
fn tc_c_39_csms_and_tc_c_43_csms_one_of_a_group_ends_what_another_began() {
    check(
        "
        1 token ONE Accepted group=FAMILY
        1 token TWO Accepted group=FAMILY
        1 a authorizes TWO
        2 a event Started Authorized T1 0 1 ONE
        3 a authorizes TWO
        4 a event Updated StopAuthorized T1 1 1 TWO
        5 a event Ended EVDeparted T1 2 1
        5 op transactions CP1
        ",
        expect![[r#"
            1 a < [3,"1a",{"idTokenInfo":{"status":"Accepted","groupIdToken":{"idToken":"FAMILY","type":"Central"}}}]
            1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            2 a < [3,"2a",{"idTokenInfo":{"status":"Accepted","groupIdToken":{"idToken":"FAMILY","type":"Central"}}}]
            3 a < [3,"3a",{"idTokenInfo":{"status":"Accepted","groupIdToken":{"idToken":"FAMILY","type":"Central"}}}]
            4 a < [3,"4a",{"idTokenInfo":{"status":"Accepted","groupIdToken":{"idToken":"FAMILY","type":"Central"}}}]
            5 a < [3,"5a",{}]
            5 transaction T1 on 1.1: ended estimated ? kWh -
        "#]],
    );
}

#[test]
fn tc_c_40_csms_a_group_is_told_without_being_asked_before() {
    check(
        "
        1 token ONE Accepted group=FAMILY
        1 token TWO Accepted group=FAMILY
        2 a event Started CablePluggedIn T1 0 1
        3 a event Updated Authorized T1 1 1 ONE
        4 a event Updated StopAuthorized T1 2 1 TWO
        ",
        expect![[r#"
            2 a < [3,"2a",{}]
            2 a < [2,"01a202b2-ccd0-729f-8f13-5767524794fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            3 a < [3,"3a",{"idTokenInfo":{"status":"Accepted","groupIdToken":{"idToken":"FAMILY","type":"Central"}}}]
            4 a < [3,"4a",{"idTokenInfo":{"status":"Accepted","groupIdToken":{"idToken":"FAMILY","type":"Central"}}}]
        "#]],
    );
}

#[test]
fn tc_c_47_csms_to_tc_c_49_csms_a_master_pass_ends_everything_and_begins_nothing() {
    check(
        "
        1 token ONE Accepted
        1 token TWO Accepted
        1 token POLICE Accepted group=MASTER master_pass
        2 a event Started Authorized T1 0 1 ONE
        3 a event Started Authorized T2 0 2 TWO
        4 a authorizes POLICE
        5 a event Ended StopAuthorized T1 1 1 POLICE
        6 a event Ended StopAuthorized T2 1 2 POLICE
        7 op transactions CP1
        8 a event Started Authorized T3 0 1 POLICE
        9 a event Started CablePluggedIn T4 0 2
        10 a event Updated Authorized T4 1 2 POLICE
        ",
        expect![[r#"
            2 a < [3,"2a",{"idTokenInfo":{"status":"Accepted"}}]
            2 a < [2,"01a202b2-ccd0-729f-8f13-5767524794fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            3 a < [3,"3a",{"idTokenInfo":{"status":"Accepted"}}]
            4 a < [3,"4a",{"idTokenInfo":{"status":"Accepted","groupIdToken":{"idToken":"MASTER","type":"Central"}}}]
            5 a < [3,"5a",{"idTokenInfo":{"status":"Accepted","groupIdToken":{"idToken":"MASTER","type":"Central"}}}]
            6 a < [3,"6a",{"idTokenInfo":{"status":"Accepted","groupIdToken":{"idToken":"MASTER","type":"Central"}}}]
            7 transaction T1 on 1.1: ended estimated ? kWh - MasterPass
            7 transaction T2 on 2.1: ended estimated ? kWh - MasterPass
            8 a < [3,"8a",{"idTokenInfo":{"status":"Blocked","groupIdToken":{"idToken":"MASTER","type":"Central"}}}]
            9 a < [3,"9a",{}]
            10 a < [3,"10a",{"idTokenInfo":{"status":"Blocked","groupIdToken":{"idToken":"MASTER","type":"Central"}}}]
        "#]],
    );
}

#[test]
fn c02_fr_02_a_station_that_asks_nobody_is_not_hindered() {
    check(
        "
        1 a event Started CablePluggedIn T1 0 1 none NoAuthorization
        2 b event Started CablePluggedIn T1 0 1 none NoAuthorization
        ",
        expect![[r#"
            1 a < [3,"1a",{"idTokenInfo":{"status":"Accepted"}}]
            1 a < [2,"01a202b2-c8e8-729f-8f13-5767524794fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            2 b < [3,"2b",{"idTokenInfo":{"status":"Accepted"}}]
            2 b < [2,"01a202b2-ccd0-7d6d-b745-1c67e937a43a","TriggerMessage",{"requestedMessage":"BootNotification"}]
        "#]],
    );
}

/// What becomes of a payment at the terminal of a 2.1 station, asked about first and in the transaction.
const PAYMENTS: &str = "
    1 a authorizes PSP-8812 DirectPayment
    2 a event Started Authorized T1 0 1 PSP-8812 DirectPayment
    3 token PSP-8813 Blocked
    3 a authorizes PSP-8813 DirectPayment
    4 token CARD Accepted type=ISO14443
    4 a authorizes CARD DirectPayment
    5 a authorizes PSP-8812
";

#[test]
fn c18_fr_05_a_payment_at_the_stations_own_terminal_may_charge() {
    expect![[r#"
        1 a < [3,"1a",{"idTokenInfo":{"status":"Accepted"}}]
        1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
        2 a < [3,"2a",{"idTokenInfo":{"status":"Accepted"}}]
        3 a < [3,"3a",{"idTokenInfo":{"status":"Blocked"}}]
        4 a < [3,"4a",{"idTokenInfo":{"status":"Invalid"}}]
        5 a < [3,"5a",{"idTokenInfo":{"status":"Unknown"}}]
    "#]]
    .assert_eq(&run(" 2.1", PAYMENTS).0);
}

#[test]
fn c18_fr_07_an_operator_may_judge_payments_as_every_other_token() {
    let config = Config {
        direct_payments: DirectPayments::Unknown,
        ..config(Onboarding::Closed)
    };
    expect![[r#"
        1 a < [3,"1a",{"idTokenInfo":{"status":"Unknown"}}]
        1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
        2 a < [3,"2a",{"idTokenInfo":{"status":"Unknown"}}]
        3 a < [3,"3a",{"idTokenInfo":{"status":"Blocked"}}]
        4 a < [3,"4a",{"idTokenInfo":{"status":"Invalid"}}]
        5 a < [3,"5a",{"idTokenInfo":{"status":"Unknown"}}]
    "#]]
    .assert_eq(&run_with(config, " 2.1", PAYMENTS).0);
}

#[test]
fn c01_fr_19_to_c01_fr_22_a_token_is_good_where_it_may_be() {
    check(
        "
        1 token HERE Accepted device=CP1:2,3
        1 a authorizes HERE
        2 b authorizes HERE
        3 a event Started Authorized T1 0 2 HERE
        4 a event Started Authorized T2 0 1 HERE
        5 token SITE Accepted site=Centro
        5 a authorizes SITE
        ",
        expect![[r#"
            1 a < [3,"1a",{"idTokenInfo":{"status":"Accepted","evseId":[2,3]}}]
            1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            2 b < [3,"2b",{"idTokenInfo":{"status":"NotAtThisLocation"}}]
            2 b < [2,"01a202b2-ccd0-729f-8f13-5767524794fa","TriggerMessage",{"requestedMessage":"BootNotification"}]
            3 a < [3,"3a",{"idTokenInfo":{"status":"Accepted","evseId":[2,3]}}]
            4 a < [3,"4a",{"idTokenInfo":{"status":"NotAtThisLocation"}}]
            5 a < [3,"5a",{"idTokenInfo":{"status":"NotAtThisLocation"}}]
        "#]],
    );
}

#[test]
fn a_driver_is_told_what_is_kept_of_him() {
    check(
        "
        1 token TAG Accepted expires=600 cache=60 priority=5 language=pt message=Oi type=ISO14443
        1 a authorizes TAG
        560 a authorizes TAG
        561 a authorizes TAG KeyCode
        ",
        expect![[r#"
            1 a < [3,"1a",{"idTokenInfo":{"status":"Accepted","cacheExpiryDateTime":"2026-11-22T10:01:01.000Z","chargingPriority":5,"language1":"pt","personalMessage":{"format":"UTF8","content":"Oi"}}}]
            1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            560 a < [3,"560a",{"idTokenInfo":{"status":"Accepted","cacheExpiryDateTime":"2026-11-22T10:10:00.000Z","chargingPriority":5,"language1":"pt","personalMessage":{"format":"UTF8","content":"Oi"}}}]
            561 a < [3,"561a",{"idTokenInfo":{"status":"Invalid"}}]
        "#]],
    );
}

/// The driver who charges hears a message that has changed, once; whoever else does hears nothing of it.
#[test]
fn i06_fr_02_a_personal_message_that_changes_is_told_with_the_next_answer() {
    check(
        "
        1 token TAG Accepted message=Oi
        1 token OTHER Accepted message=Oi
        2 a event Started Authorized T1 0 1 TAG
        3 b event Started Authorized U1 0 1 OTHER
        4 a event Updated MeterValuePeriodic T1 1 1
        5 token TAG Accepted message=Cheaper
        6 b event Updated MeterValuePeriodic U1 1 1
        7 a event Updated MeterValuePeriodic T1 2 1
        8 a event Updated MeterValuePeriodic T1 3 1
        9 token TAG Accepted message=Cheaper priority=3
        10 a event Updated MeterValuePeriodic T1 4 1
        11 token TAG Accepted message=Dearer
        12 token TAG Accepted
        13 a event Updated MeterValuePeriodic T1 5 1
        14 token TAG Accepted message=Late
        15 a event Ended EVDeparted T1 6 1
        16 a event Started CablePluggedIn T2 0 1
        ",
        expect![[r#"
            2 a < [3,"2a",{"idTokenInfo":{"status":"Accepted","personalMessage":{"format":"UTF8","content":"Oi"}}}]
            2 a < [2,"01a202b2-ccd0-729f-8f13-5767524794fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            3 b < [3,"3b",{"idTokenInfo":{"status":"Accepted","personalMessage":{"format":"UTF8","content":"Oi"}}}]
            3 b < [2,"01a202b2-d0b8-7d6d-b745-1c67e937a43a","TriggerMessage",{"requestedMessage":"BootNotification"}]
            4 a < [3,"4a",{}]
            6 b < [3,"6b",{}]
            7 a < [3,"7a",{"updatedPersonalMessage":{"format":"UTF8","content":"Cheaper"}}]
            8 a < [3,"8a",{}]
            10 a < [3,"10a",{}]
            13 a < [3,"13a",{}]
            15 a < [3,"15a",{}]
            16 a < [3,"16a",{}]
        "#]],
    );
}

#[test]
fn a_token_has_no_more_transactions_at_once_than_it_may() {
    check(
        "
        1 token TAG Accepted max=1
        1 a event Started Authorized T1 0 1 TAG
        2 b authorizes TAG
        3 b event Started Authorized U1 0 1 TAG
        4 a event Updated Authorized T1 1 1 TAG
        5 b event Started Authorized U1 0 1 TAG
        6 b event Updated StopAuthorized U1 1 1 TAG
        7 b event Ended EVDeparted U1 2 1 TAG
        8 b event Started Authorized U2 0 1 TAG
        9 a event Ended EVDeparted T1 2 1
        10 b event Updated Authorized U2 1 1 TAG
        11 restart
        12 a connect CP1 2.0.1
        13 a event Started Authorized T2 0 1 TAG
        14 token TAG Accepted max=2
        14 a event Updated Authorized T2 1 1 TAG
        ",
        expect![[r#"
            1 a < [3,"1a",{"idTokenInfo":{"status":"Accepted"}}]
            1 a < [2,"01a202b2-c8e8-729f-8f13-5767524794fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            2 b < [3,"2b",{"idTokenInfo":{"status":"Accepted"}}]
            2 b < [2,"01a202b2-ccd0-7223-8824-5a58bc0906fa","TriggerMessage",{"requestedMessage":"BootNotification"}]
            3 b < [3,"3b",{"idTokenInfo":{"status":"ConcurrentTx"}}]
            4 a < [3,"4a",{"idTokenInfo":{"status":"Accepted"}}]
            5 b < [3,"5b",{"idTokenInfo":{"status":"ConcurrentTx"}}]
            6 b < [3,"6b",{"idTokenInfo":{"status":"Accepted"}}]
            7 b < [3,"7b",{"idTokenInfo":{"status":"Accepted"}}]
            8 b < [3,"8b",{"idTokenInfo":{"status":"ConcurrentTx"}}]
            9 a < [3,"9a",{}]
            10 b < [3,"10b",{"idTokenInfo":{"status":"Accepted"}}]
            11 a ended
            11 b ended
            12 a < 101 Switching Protocols ocpp2.0.1
            13 a < [3,"13a",{"idTokenInfo":{"status":"ConcurrentTx"}}]
            13 a < [2,"01a202b2-f7c8-729f-8f13-5767524794fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            14 a < [3,"14a",{"idTokenInfo":{"status":"Accepted"}}]
        "#]],
    );
}

#[test]
fn a_transaction_whose_end_was_lost_does_not_hold_its_token() {
    check(
        "
        1 token TAG Accepted max=1
        1 a event Started Authorized T1 0 1 TAG
        2 a event Started Authorized T2 0 1 TAG
        3 restart
        4 a connect CP1 2.0.1
        4 b connect CP2 2.0.1
        5 b event Started Authorized U1 0 1 TAG
        6 a event Ended EVDeparted T2 1 1
        7 b event Updated Authorized U1 1 1 TAG
        8 a event Started Authorized T3 0 1 TAG
        9 op delete CP2
        10 a event Updated Authorized T3 1 1 TAG
        ",
        expect![[r#"
            1 a < [3,"1a",{"idTokenInfo":{"status":"Accepted"}}]
            1 a < [2,"01a202b2-c8e8-729f-8f13-5767524794fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            2 a < [3,"2a",{"idTokenInfo":{"status":"Accepted"}}]
            3 a ended
            3 b ended
            4 a < 101 Switching Protocols ocpp2.0.1
            4 b < 101 Switching Protocols ocpp2.0.1
            5 b < [3,"5b",{"idTokenInfo":{"status":"ConcurrentTx"}}]
            5 b < [2,"01a202b2-d888-729f-8f13-5767524794fa","TriggerMessage",{"requestedMessage":"BootNotification"}]
            6 a < [3,"6a",{}]
            6 a < [2,"01a202b2-dc70-7223-8824-5a58bc0906fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            7 b < [3,"7b",{"idTokenInfo":{"status":"Accepted"}}]
            8 a < [3,"8a",{"idTokenInfo":{"status":"ConcurrentTx"}}]
            9 b < close 1008 the station was deleted
            9 b ended
            9 op delete CP2: Ok(Ok(()))
            10 a < [3,"10a",{"idTokenInfo":{"status":"Accepted"}}]
        "#]],
    );
}

#[test]
fn a_transaction_that_gets_its_token_late_has_its_place_from_then_on() {
    check(
        "
        1 token TAG Accepted max=1
        1 a event Started CablePluggedIn T1 0 1
        2 b event Started Authorized U1 0 1 TAG
        3 a event Updated Authorized T1 1 1 TAG
        ",
        expect![[r#"
            1 a < [3,"1a",{}]
            1 a < [2,"01a202b2-c8e8-729f-8f13-5767524794fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            2 b < [3,"2b",{"idTokenInfo":{"status":"Accepted"}}]
            2 b < [2,"01a202b2-ccd0-7d6d-b745-1c67e937a43a","TriggerMessage",{"requestedMessage":"BootNotification"}]
            3 a < [3,"3a",{"idTokenInfo":{"status":"ConcurrentTx"}}]
        "#]],
    );
}

#[test]
fn tokens_of_1_6_are_answered_in_its_five_words() {
    check_16(
        "
        1 token TAG Accepted group=FAMILY expires=600 cache=60 message=Oi
        1 a asks TAG
        2 token BLOCKED Blocked
        2 a asks BLOCKED
        3 token OLD Expired
        3 a asks OLD
        4 token POOR NoCredit
        4 a asks POOR
        5 token THERE Accepted device=CP2
        5 a asks THERE
        6 a asks NOBODY
        7 token LONG Accepted group=LONGER-THAN-20-CHARACTERS
        7 a asks LONG
        ",
        expect![[r#"
            1 a < [3,"1a",{"idTagInfo":{"expiryDate":"2026-11-22T10:01:01.000Z","parentIdTag":"FAMILY","status":"Accepted"}}]
            2 a < [3,"2a",{"idTagInfo":{"status":"Blocked"}}]
            3 a < [3,"3a",{"idTagInfo":{"status":"Expired"}}]
            4 a < [3,"4a",{"idTagInfo":{"expiryDate":"2026-11-22T10:00:04.000Z","status":"Blocked"}}]
            5 a < [3,"5a",{"idTagInfo":{"status":"Blocked"}}]
            6 a < [3,"6a",{"idTagInfo":{"status":"Invalid"}}]
            7 a < [3,"7a",{"idTagInfo":{"status":"Accepted"}}]
        "#]],
    );
}

#[test]
fn a_refused_start_of_1_6_has_an_id_of_its_own_and_touches_no_other() {
    check_16(
        "
        1 token TAG Accepted max=1
        1 token POLICE Accepted group=MASTER master_pass
        1 a starts 1 TAG
        2 a starts 2 TAG
        3 a starts 3 NOBODY
        4 a starts 4 POLICE
        5 op station CP1
        6 a stops $2
        7 a stops $3 NOBODY
        8 a stops $4 POLICE
        9 op transactions CP1
        ",
        expect![[r#"
            1 a < [3,"1a",{"idTagInfo":{"status":"Accepted"},"transactionId":$1}]
            2 a < [3,"2a",{"idTagInfo":{"status":"ConcurrentTx"},"transactionId":$2}]
            3 a < [3,"3a",{"idTagInfo":{"status":"Invalid"},"transactionId":$3}]
            4 a < [3,"4a",{"idTagInfo":{"parentIdTag":"MASTER","status":"Blocked"},"transactionId":$4}]
            5 station CP1: accepted online Unavailable  4 [1.1  0 kWh, 2.1  0 kWh, 3.1  0 kWh, 4.1  0 kWh]
            6 a < [3,"6a",{}]
            7 a < [3,"7a",{"idTagInfo":{"status":"Invalid"}}]
            8 a < [3,"8a",{"idTagInfo":{"parentIdTag":"MASTER","status":"Accepted"}}]
            9 transaction ID on 1.1: active ok 0 kWh -
            9 transaction ID on 2.1: ended ok 1 kWh 0.75 Local
            9 transaction ID on 3.1: ended ok 1 kWh 0.75 Local
            9 transaction ID on 4.1: ended ok 1 kWh 0.75 Local
        "#]],
    );
}

#[test]
fn a_start_that_comes_again_is_answered_as_before() {
    check_16(
        "
        1 token TAG Accepted max=1
        1 a starts 1 TAG
        2 b starts 1 TAG
        3 a starts 1 TAG
        4 b starts 1 TAG
        5 a stops $1 TAG
        6 b starts 1 TAG
        7 a starts 1 TAG
        ",
        expect![[r#"
            1 a < [3,"1a",{"idTagInfo":{"status":"Accepted"},"transactionId":$1}]
            2 b < [3,"2b",{"idTagInfo":{"status":"ConcurrentTx"},"transactionId":1191143497}]
            3 a < [3,"3a",{"idTagInfo":{"status":"Accepted"},"transactionId":$1}]
            4 b < [3,"4b",{"idTagInfo":{"status":"ConcurrentTx"},"transactionId":1191143497}]
            5 a < [3,"5a",{"idTagInfo":{"status":"Accepted"}}]
            6 b < [3,"6b",{"idTagInfo":{"status":"Accepted"},"transactionId":1191143497}]
            7 a < [3,"7a",{"idTagInfo":{"status":"Accepted"},"transactionId":$1}]
        "#]],
    );
}

#[test]
fn a_stop_of_1_6_tells_of_the_token_it_names() {
    check_16(
        "
        1 token ONE Accepted group=FAMILY
        1 token TWO Accepted group=FAMILY
        1 a starts 1 ONE
        2 a stops $1 TWO
        63 a starts 1 ONE
        64 token ONE Blocked
        65 a stops $2 ONE
        126 a starts 1 TWO
        127 a stops $3
        130 op transactions CP1
        ",
        expect![[r#"
            1 a < [3,"1a",{"idTagInfo":{"parentIdTag":"FAMILY","status":"Accepted"},"transactionId":$1}]
            2 a < [3,"2a",{"idTagInfo":{"parentIdTag":"FAMILY","status":"Accepted"}}]
            63 a < [3,"63a",{"idTagInfo":{"parentIdTag":"FAMILY","status":"Accepted"},"transactionId":$2}]
            65 a < [3,"65a",{"idTagInfo":{"status":"Blocked"}}]
            126 a < [3,"126a",{"idTagInfo":{"parentIdTag":"FAMILY","status":"Accepted"},"transactionId":$3}]
            127 a < [3,"127a",{}]
            130 transaction ID on 1.1: ended ok 1 kWh 0.75 Local
            130 transaction ID on 1.1: ended ok 1 kWh 0.75 Local
            130 transaction ID on 1.1: ended ok 1 kWh 0.75 Local
        "#]],
    );
}

#[test]
fn a_token_that_cannot_be_read_decides_nothing() {
    check_16(
        "
        1 token TAG Accepted max=1
        1 store breaks
        1 a starts 1 TAG
        2 a asks TAG
        3 store works
        4 a starts 1 TAG
        5 op station CP1
        ",
        expect![[r#"
            1 a < [4,"1a","InternalError","the state store cannot be read, nothing was decided",{}]
            2 a < [4,"2a","InternalError","the state store cannot be read, nothing was decided",{}]
            4 a < [3,"4a",{"idTagInfo":{"status":"Accepted"},"transactionId":$1}]
            5 station CP1: accepted online Unavailable  1 [1.1  0 kWh]
        "#]],
    );
}
