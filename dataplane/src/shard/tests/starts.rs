//! Remote starts: which token a station is told, in its version's words, and on which reservation.

use std::time::Duration;

use expect_test::{Expect, expect};

use fleet::record::Limits;

use super::world::{World, config, key};
use crate::config::Onboarding;
use crate::router::{Ask, StartRequest};
use crate::token::NamedToken;

fn request(token: NamedToken) -> StartRequest {
    StartRequest {
        station: key("CP1"),
        connector_id: 1,
        reservation_id: None,
        limits: Limits::default(),
        id_token: Some(token),
        principal: "op".into(),
        wait: Duration::from_secs(30),
    }
}

/// What the station is sent, or why it is sent nothing.
fn check(protocol: &str, before: &str, request: StartRequest, expected: Expect) {
    let mut world = World::new(config(Onboarding::Open));
    world.run(&format!("0 a connect CP1 {protocol}\n{before}"));
    world.ask("start", |reply| Ask::Start { request, reply });
    let out = world.run("9 wait");
    let shown = out
        .split_once("Transaction\",")
        .map_or(&*out, |(_, payload)| payload);
    // The id of a remote start is drawn.
    let shown = match shown.split_once("\"remoteStartId\":") {
        Some((before, rest)) => {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
            format!("{before}\"remoteStartId\":N{}", &rest[digits..])
        }
        None => shown.to_owned(),
    };
    expected.assert_eq(shown.trim_end());
}

const KNOWN: &str = "0 token TAG Accepted type=KeyCode group=FAMILY";

#[test]
fn what_is_known_of_a_token_is_told_with_it() {
    let tag = || request("TAG".into());
    check(
        "1.6",
        KNOWN,
        tag(),
        expect![[r#"{"connectorId":1,"idTag":"TAG"}]"#]],
    );
    check(
        "2.0.1",
        KNOWN,
        tag(),
        expect![[
            r#"{"evseId":1,"groupIdToken":{"idToken":"FAMILY","type":"Central"},"idToken":{"idToken":"TAG","type":"KeyCode"},"remoteStartId":N}]"#
        ]],
    );
    check(
        "2.1",
        KNOWN,
        tag(),
        expect![[
            r#"{"evseId":1,"groupIdToken":{"idToken":"FAMILY","type":"Central"},"idToken":{"idToken":"TAG","type":"KeyCode"},"remoteStartId":N}]"#
        ]],
    );
    check(
        "2.0.1",
        "",
        tag(),
        expect![[
            r#"{"evseId":1,"idToken":{"idToken":"TAG","type":"Central"},"remoteStartId":N}]"#
        ]],
    );
}

#[test]
fn what_is_said_of_a_token_goes_before_what_is_known() {
    let said = || {
        request(NamedToken {
            kind: Some("ISO15693".into()),
            additional_info: vec![("DE-8AA".into(), "eMAID".into())],
            group: Some("FLEET".into()),
            ..NamedToken::from("TAG")
        })
    };
    check(
        "1.6",
        KNOWN,
        said(),
        expect![[r#"{"connectorId":1,"idTag":"TAG"}]"#]],
    );
    check(
        "2.0.1",
        KNOWN,
        said(),
        expect![[
            r#"{"evseId":1,"groupIdToken":{"idToken":"FLEET","type":"Central"},"idToken":{"additionalInfo":[{"additionalIdToken":"DE-8AA","type":"eMAID"}],"idToken":"TAG","type":"ISO15693"},"remoteStartId":N}]"#
        ]],
    );
    check(
        "2.1",
        KNOWN,
        said(),
        expect![[
            r#"{"evseId":1,"groupIdToken":{"idToken":"FLEET","type":"Central"},"idToken":{"additionalInfo":[{"additionalIdToken":"DE-8AA","type":"eMAID"}],"idToken":"TAG","type":"ISO15693"},"remoteStartId":N}]"#
        ]],
    );
}

#[test]
fn a_type_of_no_version_goes_where_the_list_is_open() {
    let odd = || {
        request(NamedToken {
            kind: Some("VIN".into()),
            ..NamedToken::from("TAG")
        })
    };
    check(
        "2.0.1",
        "",
        odd(),
        expect![[r#"1 op start: Ok(Refused(Invalid("type \"VIN\" is none of 2.0.1")))"#]],
    );
    check(
        "2.1",
        "",
        odd(),
        expect![[r#"{"evseId":1,"idToken":{"idToken":"TAG","type":"VIN"},"remoteStartId":N}]"#]],
    );
}

#[test]
fn a_start_on_a_reservation_is_for_its_token_or_its_group_and_at_its_place() {
    let reserved = r#"
        0 token FRIEND Accepted group=FAMILY
        1 op reserve CP1 TAG 600 evse=2 group=FAMILY
        1 a answers {"status":"Accepted"}
    "#;
    let on = |token: &str, connector_id, reservation_id| StartRequest {
        connector_id,
        reservation_id: Some(reservation_id),
        ..request(token.into())
    };
    check(
        "2.0.1",
        reserved,
        on("tag", 0, 1),
        expect![[
            r#"{"evseId":2,"idToken":{"idToken":"tag","type":"Central"},"remoteStartId":N}]"#
        ]],
    );
    check(
        "2.0.1",
        reserved,
        on("FRIEND", 1, 1),
        expect![[
            r#"{"evseId":1,"groupIdToken":{"idToken":"FAMILY","type":"Central"},"idToken":{"idToken":"FRIEND","type":"Central"},"remoteStartId":N}]"#
        ]],
    );
    check(
        "2.0.1",
        reserved,
        on("STRANGER", 0, 1),
        expect![[r#"2 op start: Ok(Refused(Invalid("reservation 1 is for another token")))"#]],
    );
    check(
        "2.0.1",
        reserved,
        on("TAG", 0, 2),
        expect![[r#"2 op start: Ok(Refused(Invalid("no active reservation has the id 2")))"#]],
    );
    let over = format!("{reserved}\n8 store breaks");
    check(
        "2.0.1",
        &over,
        on("TAG", 0, 1),
        expect!["9 op start: Err(StoreUnreadable)"],
    );
}

/// A station that says nothing for 30 seconds, or whose connection breaks, may begin all the same; one that says no may not.
#[test]
fn the_token_of_a_start_is_good_until_the_station_says_no() {
    let after = |what: &str| {
        let mut world = World::new(config(Onboarding::Closed));
        world.run("0 op register CP1\n1 a connect CP1\n2 op start CP1 1");
        world.run(what);
        let asked = r#"40 b > [2,"1","Authorize",{"idTag":"sigec"}]"#;
        world
            .run(&format!("39 b connect CP1\n{asked}"))
            .lines()
            .last()
            .unwrap()
            .to_owned()
    };
    let good = r#"40 b < [3,"1",{"idTagInfo":{"status":"Accepted"}}]"#;
    assert_eq!(after("35 wait"), good);
    assert_eq!(after("3 a drops\n34 wait"), good);
    assert_eq!(
        after("3 a answers {\"status\":\"Rejected\"}\n34 wait"),
        r#"40 b < [3,"1",{"idTagInfo":{"status":"Invalid"}}]"#
    );
}

/// What a station may do with the token of a remote start, before and after the five minutes for which it is good.
#[test]
fn f02_the_token_of_a_remote_start_is_good_for_a_while_and_after_a_restart_too() {
    let said = |answer: &str, between: &str| {
        let mut world = World::new(config(Onboarding::Closed));
        world.run(&format!(
            "0 op register CP1\n0 a connect CP1\n2 op start CP1 1\n{answer}\n{between}"
        ));
        let mut said = String::new();
        for (at, token) in [(60, "sigec"), (60, "other"), (301, "sigec"), (303, "sigec")] {
            let seen = world.run(&format!(
                r#"{at} a > [2,"{at}{token}","Authorize",{{"idTag":"{token}"}}]"#
            ));
            let status = seen.split(r#""status":""#).nth(1);
            said += status.and_then(|rest| rest.split('"').next()).unwrap();
            said += " ";
        }
        said
    };
    for between in [
        "",
        "50 restart\n51 a connect CP1",
        "50 a drops\n51 restart\n52 restart\n53 a connect CP1",
    ] {
        let good = "Accepted Invalid Accepted Invalid ";
        assert_eq!(said(r#"3 a answers {"status":"Accepted"}"#, between), good);
        // Whoever says nothing may begin yet.
        assert_eq!(said("3 wait", between), good, "{between}");
        assert_eq!(said("40 wait", between), good, "{between}");
        assert_eq!(
            said(r#"3 a says [3,"$ID"]"#, between),
            "Invalid Invalid Invalid Invalid "
        );
        let none = "Invalid Invalid Invalid Invalid ";
        let rejected = r#"3 a answers {"status":"Rejected"}"#;
        assert_eq!(said(rejected, between), none, "{between}");
        assert_eq!(said("3 a refuses InternalError no", between), none);
    }
}

/// What CP1 hears of a token at some time, the last of all it hears.
fn judged(world: &mut World, at: u32, version: &str, token: &str) -> String {
    let shown = match version {
        "1.6" => format!(r#""idTag":"{token}""#),
        _ => format!(r#""idToken":{{"idToken":"{token}","type":"Central"}}"#),
    };
    let seen = world.run(&format!(
        r#"{at} a > [2,"{at}{token}","Authorize",{{{shown}}}]"#
    ));
    let status = seen.split(r#""status":""#).nth(1);
    let status = status.and_then(|rest| rest.split('"').next());
    status.unwrap_or_else(|| panic!("{seen}")).to_owned()
}

/// A start in the station's own words, as an operator may write it.
fn own_words(version: &str, token: &str) -> String {
    match version {
        "1.6" => format!(
            r#"op command CP1 RemoteStartTransaction {{"connectorId":1,"idTag":"{token}"}}"#
        ),
        _ => format!(
            r#"op command CP1 RequestStartTransaction {{"evseId":1,"remoteStartId":7,"idToken":{{"idToken":"{token}","type":"Central"}}}}"#
        ),
    }
}

/// A command that is a start authorizes its token as the route for starts does, until the station refuses it.
#[test]
fn f01_fr_02_the_token_of_a_start_in_the_stations_own_words_is_good() {
    for version in ["1.6", "2.0.1", "2.1"] {
        let said = |answer: &str, between: &str| {
            let mut world = World::new(config(Onboarding::Closed));
            let start = own_words(version, "TAG");
            world.run(&format!(
                "0 op register CP1\n0 a connect CP1 {version}\n2 {start}\n{answer}\n{between}"
            ));
            [(60, "TAG"), (60, "OTHER"), (301, "TAG"), (303, "TAG")]
                .map(|(at, token)| judged(&mut world, at, version, token))
                .join(" ")
        };
        let unknown = if version == "1.6" {
            "Invalid"
        } else {
            "Unknown"
        };
        let good = format!("Accepted {unknown} Accepted {unknown}");
        let none = [unknown; 4].join(" ");
        for between in ["", &format!("50 restart\n51 a connect CP1 {version}")] {
            assert_eq!(said(r#"3 a answers {"status":"Accepted"}"#, between), good);
            assert_eq!(said("3 wait", between), good);
            assert_eq!(said(r#"3 a answers {"status":"Rejected"}"#, between), none);
            assert_eq!(said("3 a refuses InternalError no", between), none);
        }
    }
}

/// Two starts that their operator has named alike are two.
#[test]
fn f01_fr_02_a_refused_start_leaves_the_token_of_the_one_before_it() {
    let mut world = World::new(config(Onboarding::Closed));
    let (one, two) = (own_words("2.0.1", "ONE"), own_words("2.0.1", "TWO"));
    world.run(&format!(
        "0 op register CP1\n0 a connect CP1 2.0.1\n2 {one}\n3 a answers {{\"status\":\"Accepted\"}}\n4 {one}\n5 a answers {{\"status\":\"Rejected\"}}\n6 {two}\n7 a answers {{\"status\":\"Rejected\"}}\n8 restart\n9 a connect CP1 2.0.1"
    ));
    assert_eq!(judged(&mut world, 60, "2.0.1", "ONE"), "Accepted");
    assert_eq!(judged(&mut world, 60, "2.0.1", "TWO"), "Unknown");
}

/// One that is offline never hears of it, and one with too many commands does not either.
#[test]
fn f01_fr_02_a_start_that_is_not_sent_authorizes_nobody() {
    let mut world = World::new(config(Onboarding::Closed));
    let start = own_words("1.6", "TAG");
    world.run(&format!("0 op register CP1\n1 {start}\n2 a connect CP1"));
    assert_eq!(judged(&mut world, 3, "1.6", "TAG"), "Invalid");
    let others = "4 op command CP1 ClearCache {}\n".repeat(17);
    world.run(&format!("{others}5 {start}"));
    assert_eq!(judged(&mut world, 6, "1.6", "TAG"), "Invalid");
}

/// When the operator who waits for a start hears of what began, of all that begins: the first of which is not its own.
fn begun_at(version: &str, script: &str) -> String {
    let mut world = World::new(config(Onboarding::Open));
    let mut seen = world.run(&format!(
        "0 a connect CP1 {version}\n1 op start CP1 1 TAG\n2 a answers {{\"status\":\"Accepted\"}}"
    ));
    let id = seen
        .split_once("\"remoteStartId\":")
        .map_or("", |(_, rest)| {
            rest.split(|c: char| !c.is_ascii_digit()).next().unwrap()
        })
        .to_owned();
    seen += &world.run(&script.replace("$START", &id));
    let heard = seen.lines().filter(|line| line.contains("op start"));
    heard.collect::<Vec<_>>().join("\n")
}

fn event_2x(at: u32, id: &str, told: &str, more: &str, info: &str) -> String {
    format!(
        r#"{at} a > [2,"{at}","TransactionEvent",{{"eventType":"Started","timestamp":"2026-11-22T{told}Z","triggerReason":"CablePluggedIn","seqNo":0,"transactionInfo":{{"transactionId":"{id}"{info}}},"evse":{{"id":1}}{more}}}]
"#
    )
}

#[test]
fn f02_a_start_is_answered_with_the_transaction_that_its_station_says_is_its() {
    let others = event_2x(3, "T1", "10:00:03", "", "")
        + &event_2x(
            4,
            "T2",
            "10:00:04",
            r#","idToken":{"idToken":"OTHER","type":"ISO14443"}"#,
            "",
        )
        + &event_2x(5, "T3", "10:00:05", "", r#","remoteStartId":1"#);
    let own = event_2x(6, "T4", "10:00:06", "", r#","remoteStartId":$START"#);
    assert_eq!(
        begun_at("2.0.1", &format!("{others}{own}40 wait")),
        "6 op start CP1 1 TAG: Begun Active energy None"
    );
    // One whose station forgets to say so is known by its token.
    let forgotten = event_2x(
        6,
        "T4",
        "10:00:06",
        r#","idToken":{"idToken":"TAG","type":"Central"}"#,
        "",
    );
    assert_eq!(
        begun_at("2.0.1", &format!("{others}{forgotten}40 wait")),
        "6 op start CP1 1 TAG: Begun Active energy None"
    );
}

/// A charge with the same token that was queued before the start was asked for is another one.
#[test]
fn f02_a_start_is_not_answered_with_a_transaction_of_before() {
    let start = |at: u32, told: &str, meter: u32| {
        format!(
            r#"{at} a > [2,"{at}","StartTransaction",{{"connectorId":1,"idTag":"TAG","meterStart":{meter},"timestamp":"2026-11-22T{told}Z"}}]
"#
        )
    };
    let own = start(8, "10:00:08", 9);
    assert_eq!(
        begun_at("1.6", &format!("{}{own}40 wait", start(3, "09:57:00", 1))),
        "8 op start CP1 1 TAG: Begun Active energy Some(MilliwattHours(0))"
    );
    // One whose clock is slow, by a minute or by an hour, is known by its token, and so is one whose clock is not set.
    for told in ["09:59:10", "09:00:00"] {
        assert_eq!(
            begun_at("1.6", &start(3, told, 1)),
            "3 op start CP1 1 TAG: Begun Active energy Some(MilliwattHours(0))",
            "{told}"
        );
    }
    assert_eq!(
        begun_at("1.6", &start(3, "10:20:00", 1)),
        "3 op start CP1 1 TAG: Begun Active energy Some(MilliwattHours(0))"
    );
}

/// A station that gives a driver twenty minutes for the cable begins that late.
#[test]
fn f02_fr_07_the_token_of_a_start_is_good_for_as_long_as_the_station_waits_for_the_cable() {
    let told = |version: &str| match version {
        "1.6" => {
            r#"1 op command CP1 GetConfiguration {}
            1 a answers {"configurationKey":[{"key":"ConnectionTimeOut","readonly":false,"value":"1200"}]}"#
        }
        _ => {
            r#"1 op command CP1 GetVariables {"getVariableData":[{"component":{"name":"TxCtrlr"},"variable":{"name":"EVConnectionTimeOut"}}]}
            1 a answers {"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"1200","component":{"name":"TxCtrlr"},"variable":{"name":"EVConnectionTimeOut"}}]}"#
        }
    };
    for version in ["1.6", "2.0.1", "2.1"] {
        for start in ["op start CP1 1 TAG", &own_words(version, "TAG")] {
            for between in ["", &format!("50 restart\n51 a connect CP1 {version}")] {
                let mut world = World::new(config(Onboarding::Closed));
                world.run(&format!(
                    "0 op register CP1\n0 a connect CP1 {version}\n{}\n2 {start}\n3 a answers {{\"status\":\"Accepted\"}}\n{between}",
                    told(version)
                ));
                let unknown = if version == "1.6" {
                    "Invalid"
                } else {
                    "Unknown"
                };
                assert_eq!(judged(&mut world, 1_261, version, "TAG"), "Accepted");
                assert_eq!(judged(&mut world, 1_262, version, "TAG"), unknown);
            }
        }
    }
}

/// Twelve commands that the station does not answer hold the line for six minutes.
#[test]
fn f02_fr_07_the_time_of_a_start_begins_when_it_leaves_the_line() {
    for between in ["", "400 restart\n401 a connect CP1"] {
        let mut world = World::new(config(Onboarding::Closed));
        let others = "1 op command CP1 ClearCache {}\n".repeat(12);
        let start = own_words("1.6", "TAG");
        world.run(&format!(
            "0 op register CP1\n0 a connect CP1\n{others}2 {start}\n310 wait"
        ));
        assert_eq!(judged(&mut world, 320, "1.6", "TAG"), "Accepted");
        world.run(&format!(
            "362 a answers {{\"status\":\"Accepted\"}}\n{between}"
        ));
        assert_eq!(judged(&mut world, 660, "1.6", "TAG"), "Accepted");
        assert_eq!(judged(&mut world, 661, "1.6", "TAG"), "Invalid");
    }
}
