//! Lists of tokens on their way to a station: cases of block D of OCPP 2.0.1 Part 6 by their names.

use expect_test::{Expect, expect};
use fleet::UtcMicros;
use fleet::record::Protocol;

use super::world::{World, config};
use crate::config::Onboarding;
use crate::local_list::tests::station;
use crate::local_list::{LocalList, LocalListLimits, LocalListUpdate, local_list_parts};
use crate::token::{Token, TokenStatus};

/// Brings a station to the first tokens in full, then to the others as `update` says; shown are the messages of that.
fn check(update: LocalListUpdate, first: &[&str], then: &[&str], expected: Expect) {
    let mut world = World::new(config(Onboarding::Open));
    world.run("0 a connect CP1 2.0.1");
    let mut list = LocalList::default();
    let mut out = String::new();
    for (update, ids) in [(LocalListUpdate::Full, first), (update, then)] {
        let token = |id: &&str| Token::new(*id, TokenStatus::Accepted);
        let tokens = ids.iter().map(token).collect();
        let station = station(Protocol::Ocpp201);
        let limits = LocalListLimits::default();
        out.clear();
        for part in local_list_parts(&station, tokens, &list, update, UtcMicros(0), limits) {
            let payload = &part.payload;
            out += &world.run(&format!(
                "1 op command CP1 wait SendLocalList {payload}\n1 a answers {{\"status\":\"Accepted\"}}"
            ));
            list = part.after;
        }
    }
    // Message ids are drawn.
    let shown: Vec<_> = out
        .lines()
        .map(|line| {
            line.split_once("\"SendLocalList\",")
                .map_or(line, |(_, rest)| rest)
        })
        .collect();
    expected.assert_eq(&shown.join("\n"));
}

#[test]
fn tc_d_01_csms_a_list_is_sent_in_full() {
    check(
        LocalListUpdate::Full,
        &["ONE"],
        &["ONE", "TWO"],
        expect![[r#"
            {"localAuthorizationList":[{"idToken":{"idToken":"ONE","type":"ISO14443"},"idTokenInfo":{"status":"Accepted"}},{"idToken":{"idToken":"TWO","type":"ISO14443"},"idTokenInfo":{"status":"Accepted"}}],"versionNumber":2,"updateType":"Full"}]
            1 op command SendLocalList: Answered Some("{\"status\":\"Accepted\"}") None"#]],
    );
}

#[test]
fn tc_d_02_csms_a_list_is_added_to() {
    check(
        LocalListUpdate::Differential,
        &["ONE"],
        &["ONE", "TWO"],
        expect![[r#"
            {"localAuthorizationList":[{"idToken":{"idToken":"TWO","type":"ISO14443"},"idTokenInfo":{"status":"Accepted"}}],"versionNumber":2,"updateType":"Differential"}]
            1 op command SendLocalList: Answered Some("{\"status\":\"Accepted\"}") None"#]],
    );
}

#[test]
fn tc_d_03_csms_a_list_is_taken_from() {
    check(
        LocalListUpdate::Differential,
        &["ONE", "TWO"],
        &["TWO"],
        expect![[r#"
            {"localAuthorizationList":[{"idToken":{"idToken":"ONE","type":"ISO14443"}}],"versionNumber":2,"updateType":"Differential"}]
            1 op command SendLocalList: Answered Some("{\"status\":\"Accepted\"}") None"#]],
    );
}

#[test]
fn tc_d_04_csms_a_list_is_emptied() {
    check(
        LocalListUpdate::Full,
        &["ONE"],
        &[],
        expect![[r#"
        {"versionNumber":2,"updateType":"Full"}]
        1 op command SendLocalList: Answered Some("{\"status\":\"Accepted\"}") None"#]],
    );
}

#[test]
fn tc_d_08_csms_and_tc_d_09_csms_a_station_names_the_version_of_its_list() {
    let mut world = World::new(config(Onboarding::Open));
    let out = world.run(
        r#"
        0 a connect CP1 2.0.1
        1 op command CP1 wait GetLocalListVersion {}
        1 a answers {"versionNumber":7}
        2 op command CP1 wait GetLocalListVersion {}
        2 a answers {"versionNumber":0}
        "#,
    );
    expect![[r#"
        0 a < 101 Switching Protocols ocpp2.0.1
        1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","GetLocalListVersion",{}]
        1 op command GetLocalListVersion: Answered Some("{\"versionNumber\":7}") None
        2 a < [2,"01a202b2-ccd0-729f-8f13-5767524794fb","GetLocalListVersion",{}]
        2 op command GetLocalListVersion: Answered Some("{\"versionNumber\":0}") None
    "#]]
    .assert_eq(&out);
}
