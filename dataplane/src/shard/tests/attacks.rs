//! Attacks on the socket, one test each with the outcome it must have: no crash, nobody else's harm, a record or a count.

use expect_test::expect;
use fleet::record::Direction;
use fleet::wire::Fact;
use net::ws::{self, MaskKey};

use super::scripts::{check, check_transaction, check_with};
use super::world::{World, config, upgrade};
use crate::config::{Config, Onboarding};

const PASSWORD: &str = "0123456789abcdef";

#[test]
fn atk_01_a_known_id_without_credentials_stays_outside_and_the_session_goes_on() {
    check_with(
        config(Onboarding::Closed),
        r#"
        0 op register CP1 0123456789abcdef
        1 a connect CP1 password=0123456789abcdef
        2 records shown
        2 b connect CP1
        3 b > [2,"1","Heartbeat",{}]
        3 a > [2,"1","Heartbeat",{}]
        4 op station CP1
        "#,
        expect![[r#"
            0 op register CP1: Ok([Ok(())])
            1 a < 101 Switching Protocols ocpp1.6
            2 b < 401 Unauthorized
            2 b ended
            2 record ConnectionRefused missing or wrong credentials
            3 b has no socket
            3 a < [3,"1",{"currentTime":"2026-11-22T10:00:03.000Z"}]
            3 record message from [2,"1","Heartbeat",{}]
            3 record message to [3,"1",{"currentTime":"2026-11-22T10:00:03.000Z"}]
            4 station CP1: accepted online Unavailable  0 []
        "#]],
    );
}

/// Status and body of a request that is refused.
fn refusal(world: &mut World, path: &str, headers: &str) -> (String, String) {
    world.last_refusal.clear();
    let headers = format!("Sec-WebSocket-Protocol: ocpp1.6\r\n{headers}");
    let request = upgrade(path, &headers).replace("\r\n", "\\r\\n");
    world.run(&format!("1 x raw {request}"));
    let (head, body) = world.last_refusal.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap();
    (status.to_owned(), body.to_owned())
}

/// What is on record, in order.
fn facts(world: &World) -> impl Iterator<Item = Fact> {
    let log = world.log.iter();
    log.map(|bytes| fleet::wire::read(bytes).unwrap().body.to_fact().unwrap())
}

/// What operators see of it: statuses with how often each was given, and the records of it.
fn seen_of_refusals(world: &World) -> (Vec<(u16, u64)>, Vec<String>) {
    let mut counted = world.shard.tally.counters.handshakes_refused.clone();
    counted.sort_unstable();
    let recorded = facts(world).filter_map(|fact| match fact {
        Fact::ConnectionRefused(refused) => Some(refused.reason),
        Fact::SecurityEvent(event) => Some(event.event_type),
        _ => None,
    });
    (counted, recorded.collect())
}

#[test]
fn atk_02_ids_cannot_be_enumerated_or_smuggled() {
    let mut world = World::new(config(Onboarding::Closed));
    world.run(&format!("0 op register CP1 {PASSWORD}"));
    let known = refusal(&mut world, "/CP1", "");
    assert_eq!(known.0, "401");
    for unknown in [
        "/CP2",
        "/cp1",
        "/%D0%A1P1",
        "/CP1%20",
        "/CP%31%30",
        "/ocpp/CP1/x",
    ] {
        let refused = refusal(&mut world, unknown, "");
        assert_eq!(refused, ("404".to_owned(), known.1.clone()), "{unknown}");
    }
    // One and the same station, however it is written.
    for same in ["/%43P1", "/ocpp/CP1", "//CP1/"] {
        assert_eq!(refusal(&mut world, same, ""), known, "{same}");
    }
    let long = format!("/{}", "x".repeat(49));
    for malformed in [
        "/..",
        "/%2e%2e",
        "/a%2F..%2FCP1",
        "/CP1%00",
        "/CP%zz",
        "/CP%ff",
        &long,
    ] {
        assert_eq!(refusal(&mut world, malformed, "").0, "400", "{malformed}");
    }
    assert_eq!(world.shard.conns.len(), 0);
    assert_eq!(world.shard.stations.len(), 1);
    // On record where there is a station, counted all the same where there is none.
    let (counted, recorded) = seen_of_refusals(&world);
    assert_eq!(counted, [(400, 7), (401, 4), (404, 6)]);
    assert_eq!(recorded, ["missing or wrong credentials"; 4]);
}

#[test]
fn atk_03_guessing_is_slowed_down_and_locks_nobody_out() {
    let mut world = World::new(config(Onboarding::Closed));
    world.run(&format!(
        "0 op register CP1 {PASSWORD}\n0 op register CP2 {PASSWORD}"
    ));
    let guesses = |world: &mut World, second: u32, id: &str, address: &dyn Fn(u32) -> String| {
        let script: String = (0..40)
            .map(|n| {
                let address = address(n);
                format!("{second} network address {address}\n{second} x connect {id} password=wrong{n:011}\n")
            })
            .collect();
        let seen = world.run(&script);
        let count = |status: &str| seen.matches(status).count();
        (count("401 Unauth"), count("429 Too Many"))
    };
    // Many from one address, then many addresses on one id.
    let one = guesses(&mut world, 1, "CP1", &|_| "10.0.0.9".to_owned());
    assert_eq!(one, (10, 30));
    let many = guesses(&mut world, 2, "CP2", &|n| format!("10.1.0.{n}"));
    assert_eq!(many, (10, 30));
    let (counted, recorded) = seen_of_refusals(&world);
    assert_eq!(counted, [(401, 20), (429, 60)]);
    assert_eq!(recorded, ["missing or wrong credentials"; 20]);
    let seen = world.run(&format!(
        "3 network address 10.2.0.1\n3 a connect CP1 password={PASSWORD}\n3 b connect CP2 password={PASSWORD}"
    ));
    assert_eq!(seen.matches("101 Switching").count(), 2, "{seen}");
    assert!(world.log.len() < 40, "{} records", world.log.len());
}

#[test]
fn atk_04_credentials_that_are_no_credentials() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    let mut world = World::new(config(Onboarding::Closed));
    world.run(&format!("0 op register CP1 {PASSWORD}"));
    let basic = |pair: &str| format!("Authorization: Basic {}\r\n", STANDARD.encode(pair));
    for (headers, status) in [
        (basic(&format!("CP2:{PASSWORD}")), "401"),
        (basic(&format!("cp1:{PASSWORD}")), "401"),
        (basic(&format!("CP1:{PASSWORD}:")), "401"),
        (basic(&format!("CP1::{PASSWORD}")), "401"),
        (basic("CP1:"), "401"),
        (basic(&format!(":{PASSWORD}")), "401"),
        (basic("CP1"), "400"),
        (basic(""), "401"),
        ("Authorization: Basic !\r\n".to_owned(), "400"),
        ("Authorization: Bearer x\r\n".to_owned(), "401"),
        (format!("{0}{0}", basic(&format!("CP1:{PASSWORD}"))), "400"),
        (
            format!("Authorization: Basic {}\r\n", "A".repeat(10_240)),
            "431",
        ),
    ] {
        let shown: String = headers.chars().take(60).collect();
        assert_eq!(refusal(&mut world, "/CP1", &headers).0, status, "{shown}");
    }
    let (counted, recorded) = seen_of_refusals(&world);
    assert_eq!(counted, [(400, 3), (401, 8), (431, 1)]);
    assert_eq!(recorded, ["missing or wrong credentials"; 8]);
}

#[test]
fn atk_08_a_duplicate_without_credentials_displaces_nobody() {
    check_with(
        config(Onboarding::Pending),
        r#"
        0 op register CP1 0123456789abcdef
        1 a connect CP1 password=0123456789abcdef
        2 op command CP1 wait ClearCache {}
        3 b connect CP1
        4 c connect CP1 password=0123456789abcdeX
        5 a answers {"status":"Accepted"}
        6 op station CP1
        "#,
        expect![[r#"
            0 op register CP1: Ok([Ok(())])
            1 a < 101 Switching Protocols ocpp1.6
            2 a < [2,"01a202b2-ccd0-756e-ab2f-2632d7bd03fb","ClearCache",{}]
            3 b < 401 Unauthorized
            3 b ended
            4 c < 401 Unauthorized
            4 c ended
            5 op command ClearCache: Answered Some("{\"status\":\"Accepted\"}") None
            6 station CP1: accepted online Unavailable  0 []
        "#]],
    );
}

/// Nobody is asked first whether the old connection lives: what it said in the last ten seconds tells it at once, and a wait
/// would be the attacker's to draw out. Nor is a station shut out that changes hands too often, for that would be the
/// attacker's to bring about: the newest wins, each change is on record, and the fourth within a minute raises the alert.
#[test]
fn atk_09_stolen_credentials_take_over_in_the_open_and_answer_for_nobody_else() {
    check_with(
        config(Onboarding::Closed),
        r#"
        0 op register CP1 0123456789abcdef
        1 a connect CP1 password=0123456789abcdef
        2 op command CP1 wait ClearCache {}
        3 records shown
        3 b connect CP1 password=0123456789abcdef
        4 b says [3,"01a202b2-ccd0-756e-ab2f-2632d7bd03fb",{"status":"Accepted"}]
        5 a connect CP1 password=0123456789abcdef
        6 b connect CP1 password=0123456789abcdef
        7 a connect CP1 password=0123456789abcdef
        8 op station CP1
        40 b connect CP1 password=0123456789abcdef
        "#,
        expect![[r#"
            0 op register CP1: Ok([Ok(())])
            1 a < 101 Switching Protocols ocpp1.6
            2 a < [2,"01a202b2-ccd0-756e-ab2f-2632d7bd03fb","ClearCache",{}]
            3 a < close 1008 replaced by a newer connection
            3 a ended
            3 b < 101 Switching Protocols ocpp1.6
            3 record Disconnected replaced by a newer connection
            3 record CommandChanged ClearCache unknown {}
            3 record Connected first_seen false
            3 op command ClearCache: Unknown None None
            4 record message from [3,"01a202b2-ccd0-756e-ab2f-2632d7bd03fb",{"status":"Accepted"}]
            5 b < close 1008 replaced by a newer connection
            5 b ended
            5 a < 101 Switching Protocols ocpp1.6
            5 record Disconnected replaced by a newer connection
            5 record Connected first_seen false
            6 a < close 1008 replaced by a newer connection
            6 a ended
            6 b < 101 Switching Protocols ocpp1.6
            6 record Disconnected replaced by a newer connection
            6 record Connected first_seen false
            7 b < close 1008 replaced by a newer connection
            7 b ended
            7 a < 101 Switching Protocols ocpp1.6
            7 record SecurityEvent Sigec.ConnectionContested 4 takeovers of a connection in use within a minute
            7 record Disconnected replaced by a newer connection
            7 record Connected first_seen false
            8 station CP1: accepted online Unavailable  0 []
            40 a < close 1008 replaced by a newer connection
            40 a ended
            40 b < 101 Switching Protocols ocpp1.6
            40 record Disconnected replaced by a newer connection
            40 record Connected first_seen false
        "#]],
    );
}

#[test]
fn atk_10_a_half_open_connection_keeps_no_station_out() {
    check(
        r#"
        0 a connect CP1
        0 a mute
        0 a lingers
        1 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":0,"timestamp":"2026-11-22T10:00:01Z"}]
        5 b connect CP1
        5 b > [2,"2","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:05Z","sampledValue":[{"value":"1"}]}]}]
        6 op station CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < [3,"1",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
            5 a < close 1008 replaced by a newer connection
            5 b < 101 Switching Protocols ocpp1.6
            5 b < [3,"2",{}]
            6 station CP1: accepted online Unavailable  1 [1.1  0.001 kWh]
        "#]],
    );
}

#[test]
fn atk_11_a_transaction_obeys_nobody_but_its_own_station() {
    check_transaction(
        r#"
        0 a connect CP1
        0 b connect CP2
        1 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":1000,"timestamp":"2026-11-22T10:00:01Z"}]
        "#,
        r#"
        2 b > [2,"1","MeterValues",{"connectorId":1,"transactionId":$TX,"meterValue":[{"timestamp":"2026-11-22T10:00:02Z","sampledValue":[{"value":"900000"}]}]}]
        3 b > [2,"2","StopTransaction",{"transactionId":$TX,"meterStop":900000,"timestamp":"2026-11-22T10:00:03Z"}]
        4 b > [2,"3","StopTransaction",{"transactionId":-1,"meterStop":9,"timestamp":"2026-11-22T10:00:04Z"}]
        5 b > [2,"4","StopTransaction",{"transactionId":0,"meterStop":9,"timestamp":"2026-11-22T10:00:05Z"}]
        6 b > [2,"5","StopTransaction",{"transactionId":2147483647,"meterStop":9,"timestamp":"2026-11-22T10:00:06Z"}]
        7 op transactions CP2
        8 op transactions CP1
        9 a > [2,"2","StopTransaction",{"transactionId":$TX,"meterStop":1500,"timestamp":"2026-11-22T10:00:09Z"}]
        10 op transactions CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            0 b < 101 Switching Protocols ocpp1.6
            1 a < [3,"1",{"idTagInfo":{"status":"Accepted"},"transactionId":$TX}]
            2 b < [3,"1",{}]
            3 b < [3,"2",{}]
            4 b < [3,"3",{}]
            5 b < [3,"4",{}]
            6 b < [3,"5",{}]
            7 transaction ID on 0.0: orphan estimated ? kWh - Local
            7 transaction -1 on 0.0: orphan estimated ? kWh - Local
            7 transaction 0 on 0.0: orphan estimated ? kWh - Local
            7 transaction ID on 0.0: orphan estimated ? kWh - Local
            8 transaction ID on 1.1: active ok 0 kWh -
            9 a < [3,"2",{}]
            10 transaction ID on 1.1: ended ok 0.5 kWh 0.38 Local
        "#]],
    );
    // What a 2.x station calls its transaction is its own word.
    check(
        r#"
        0 a connect CP1 2.0.1
        0 b connect CP2 2.0.1
        1 a > [2,"1","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:01Z","triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"T1"},"evse":{"id":1,"connectorId":1}}]
        2 b > [2,"1","TransactionEvent",{"eventType":"Ended","timestamp":"2026-11-22T10:00:02Z","triggerReason":"StopAuthorized","seqNo":1,"transactionInfo":{"transactionId":"T1"},"evse":{"id":1,"connectorId":1}}]
        3 op transactions CP1
        3 op transactions CP2
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.0.1
            0 b < 101 Switching Protocols ocpp2.0.1
            1 a < [3,"1",{}]
            1 a < [2,"01a202b2-c8e8-729f-8f13-5767524794fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            2 b < [3,"1",{}]
            2 b < [2,"01a202b2-ccd0-7d6d-b745-1c67e937a43a","TriggerMessage",{"requestedMessage":"BootNotification"}]
            3 transaction T1 on 1.1: active estimated ? kWh -
            3 transaction T1 on 1.1: orphan estimated ? kWh -
        "#]],
    );
}

#[test]
fn atk_12_what_cannot_be_true_is_acknowledged_and_not_billed() {
    // Twice, and the second time more; a beginning after its end; backwards; more than any station gives.
    check_transaction(
        r#"
        0 a connect CP1
        1 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":1000,"timestamp":"2026-11-22T10:00:01Z"}]
        "#,
        r#"
        2 a > [2,"2","StopTransaction",{"transactionId":$TX,"meterStop":1500,"timestamp":"2026-11-22T10:00:02Z"}]
        3 a > [2,"3","StopTransaction",{"transactionId":$TX,"meterStop":9500,"timestamp":"2026-11-22T10:00:02Z"}]
        4 a > [2,"4","StopTransaction",{"transactionId":77,"meterStop":1500,"timestamp":"2026-11-22T10:00:04Z"}]
        5 a > [2,"5","StartTransaction",{"connectorId":2,"idTag":"T","meterStart":1000,"timestamp":"2026-11-22T10:00:03Z"}]
        6 op transactions CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < [3,"1",{"idTagInfo":{"status":"Accepted"},"transactionId":$TX}]
            2 a < [3,"2",{}]
            3 a < [3,"3",{}]
            4 a < [3,"4",{}]
            5 a < [3,"5",{"idTagInfo":{"status":"Accepted"},"transactionId":1152582712}]
            6 transaction ID on 1.1: ended ok 0.5 kWh 0.38 Local
            6 transaction 77 on 0.0: orphan estimated ? kWh - Local
            6 transaction ID on 2.1: active ok 0 kWh -
        "#]],
    );
    for register in [900, 2_000_000_000] {
        check_transaction(
            r#"
            0 a connect CP1
            1 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":1000,"timestamp":"2026-11-22T10:00:01Z"}]
            "#,
            &format!(
                r#"
                3600 a > [2,"2","StopTransaction",{{"transactionId":$TX,"meterStop":{register},"timestamp":"2026-11-22T11:00:00Z"}}]
                3600 op transactions CP1
                "#
            ),
            expect![[r#"
                0 a < 101 Switching Protocols ocpp1.6
                1 a < [3,"1",{"idTagInfo":{"status":"Accepted"},"transactionId":$TX}]
                3600 a < [3,"2",{}]
                3600 transaction ID on 1.1: ended quarantined 0 kWh - Local
            "#]],
        );
    }
    // Times of nobody's clock, and times that are none.
    let mut world = World::new(config(Onboarding::Open));
    world.run("0 a connect CP1");
    let times = [
        "1970-01-01T00:00:00Z",
        "2099-01-01T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "2026-00-22T10:00:00Z",
        "2026-11-22T25:00:00Z",
        "1000000",
    ];
    let mut seen = String::new();
    for time in times {
        let answered = world.run(&format!(
            r#"1 a > [2,"1","MeterValues",{{"connectorId":1,"meterValue":[{{"timestamp":"{time}","sampledValue":[{{"value":"1"}}]}}]}}]"#
        ));
        let (_, answer) = answered.split_once("a < ").unwrap();
        let values = world.log.iter().filter_map(|bytes| {
            match fleet::wire::read(bytes).unwrap().body.to_fact().unwrap() {
                Fact::MeterValues(values) => Some(values.rows[0].clock_trusted),
                _ => None,
            }
        });
        let trusted: Vec<_> = values.collect();
        seen += &format!("{time} {trusted:?} {answer}");
    }
    expect![[r#"
        1970-01-01T00:00:00Z [false] [3,"1",{}]
        2099-01-01T00:00:00Z [false, false] [3,"1",{}]
        2016-12-31T23:59:60Z [false, false, false] [3,"1",{}]
        2026-00-22T10:00:00Z [false, false, false] [4,"1","PropertyConstraintViolation","/meterValue/0/timestamp: found \"2026-00-22T10:00:00Z\", expected a date like 2026-11-22T10:00:00Z",{}]
        2026-11-22T25:00:00Z [false, false, false] [4,"1","PropertyConstraintViolation","/meterValue/0/timestamp: found \"2026-11-22T25:00:00Z\", expected a date like 2026-11-22T10:00:00Z",{}]
        1000000 [false, false, false] [4,"1","PropertyConstraintViolation","/meterValue/0/timestamp: found \"1000000\", expected a date like 2026-11-22T10:00:00Z",{}]
    "#]]
    .assert_eq(&seen);
}

#[test]
fn atk_13_what_is_replayed_has_one_effect_and_what_contradicts_it_raises_an_event() {
    let values = |id: u32, wh: u32| {
        format!(
            r#"[2,"{id}","MeterValues",{{"connectorId":1,"meterValue":[{{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[{{"value":"{wh}"}}]}}]}}]"#
        )
    };
    let mut world = World::new(config(Onboarding::Open));
    // The frame itself on a new connection, its content under another id, another content under its id, and a third one.
    // While a call is unanswered nothing else goes by its id. An hour later a contradiction is news again.
    let seen = world.run(&format!(
        "
        0 a connect CP1
        1 a > {first}
        2 a drops
        3 b connect CP1
        4 records shown
        4 b > {first}
        5 b > {as_new}
        6 b > {other}
        7 b > {third}
        8 op station CP1
        9 disk holds
        9 b > {unanswered}
        9 b > {another}
        10 disk goes
        3606 b > {late}
        ",
        first = values(1, 1000),
        as_new = values(2, 1000),
        other = values(1, 9000),
        third = values(3, 8000),
        unanswered = values(4, 1000),
        another = values(4, 7000),
        late = values(5, 7000),
    ));
    let is_told =
        |line: &&str| !line.contains("record message") && !line.contains("record StationHeard");
    let told = seen.lines().filter(is_told);
    expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        1 a < [3,"1",{}]
        3 b < 101 Switching Protocols ocpp1.6
        4 b < [3,"1",{}]
        5 b < [3,"2",{}]
        6 record SecurityEvent Sigec.RetryConflict meter values of EVSE 1 came again with other values
        6 record MeterValues rows 1 readings 1 samples 0 offline false conflict true
        6 b < [3,"1",{}]
        7 record MeterValues rows 1 readings 1 samples 0 offline false conflict true
        7 b < [3,"3",{}]
        8 station CP1: accepted online Unavailable  0 [1.1  1 kWh]
        10 b < [3,"4",{}]
        10 b < [4,"4","ProtocolError","another call with this message id is still unanswered",{}]
        3606 record SecurityEvent Sigec.RetryConflict meter values of EVSE 1 came again with other values
        3606 record MeterValues rows 1 readings 1 samples 0 offline true conflict true
        3606 b < [3,"5",{}]
    "#]]
    .assert_eq(&told.fold(String::new(), |told, line| told + line + "\n"));
    let counters = &world.shard.tally.counters;
    assert_eq!((counters.retries, counters.retry_conflicts), (3, 3));
}

#[test]
fn atk_14_answers_that_nobody_asked_for_are_counted_and_dropped() {
    let mut world = World::new(config(Onboarding::Open));
    world.run("0 a connect CP1\n0 b connect CP2");
    let asked = world.run("1 op command CP1 wait ClearCache {}");
    let id = asked.split('"').nth(1).unwrap().to_owned();
    // Of nobody, of another station, and twice.
    let seen = world.run(&format!(
        r#"
        2 a > [3,"never",{{"status":"Accepted"}}]
        2 a > [4,"never","InternalError","",{{}}]
        3 b > [3,"{id}",{{"status":"Rejected"}}]
        4 a > [3,"{id}",{{"status":"Accepted"}}]
        5 a > [3,"{id}",{{"status":"Rejected"}}]
        6 a > [2,"1","Heartbeat",{{}}]
        "#
    ));
    expect![[r#"
        4 op command ClearCache: Answered Some("{\"status\":\"Accepted\"}") None
        6 a < [3,"1",{"currentTime":"2026-11-22T10:00:06.000Z"}]
    "#]]
    .assert_eq(&seen);
    world.run("7 a drops\n7 b drops");
    assert_eq!(world.shard.tally.counters.answers_unexpected, 4);
}

#[test]
fn atk_15_a_station_commands_nobody_and_speaks_its_own_version() {
    let mut world = World::new(config(Onboarding::Open));
    let seen = world.run(
        r#"
        0 a connect CP1
        0 b connect CP2 2.0.1
        0 c connect CP3 2.1
        1 a > [2,"1","Reset",{"type":"Hard"}]
        1 b > [2,"1","Reset",{"type":"Immediate"}]
        1 c > [2,"1","Reset",{"type":"Immediate"}]
        2 a > [2,"2","TransactionEvent",{"eventType":"Ended","timestamp":"2026-11-22T10:00:02Z","triggerReason":"StopAuthorized","seqNo":1,"transactionInfo":{"transactionId":"T1"}}]
        2 b > [2,"2","StopTransaction",{"transactionId":1,"meterStop":9,"timestamp":"2026-11-22T10:00:02Z"}]
        2 b > [2,"3","VatNumberValidation",{"vatNumber":"1"}]
        3 a > [2,"3","DropTables",{}]
        3 b > [2,"4","DropTables",{}]
        3 c > [2,"4","DropTables",{}]
        4 op transactions CP1
        4 op transactions CP2
        "#,
    );
    expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 b < 101 Switching Protocols ocpp2.0.1
        0 c < 101 Switching Protocols ocpp2.1
        1 a < [4,"1","NotSupported","Reset is not supported here",{}]
        1 b < [4,"1","NotSupported","Reset is not supported here",{}]
        1 c < [4,"1","NotSupported","Reset is not supported here",{}]
        2 a < [4,"2","NotImplemented","\"TransactionEvent\" is no action of OCPP 1.6",{}]
        2 b < [4,"2","NotImplemented","\"StopTransaction\" is no action of OCPP 2.0.1",{}]
        2 b < [4,"3","NotImplemented","\"VatNumberValidation\" is no action of OCPP 2.0.1",{}]
        3 a < [4,"3","NotImplemented","\"DropTables\" is no action of OCPP 1.6",{}]
        3 b < [4,"4","NotImplemented","\"DropTables\" is no action of OCPP 2.0.1",{}]
        3 c < [4,"4","NotImplemented","\"DropTables\" is no action of OCPP 2.1",{}]
    "#]]
    .assert_eq(&seen);
    // Each is counted, and on record with what it was answered.
    assert_eq!(world.shard.tally.counters.calls_refused, 9);
    let answers = facts(&world).filter_map(|fact| match fact {
        Fact::Message(message) if message.direction == Direction::ToStation.code() => {
            Some(message.raw)
        }
        _ => None,
    });
    let answers: Vec<_> = answers.collect();
    let sent = seen.lines().filter_map(|line| line.split_once(" < [4,"));
    let sent: Vec<_> = sent.map(|(_, rest)| format!("[4,{rest}")).collect();
    assert_eq!((sent.len(), answers), (9, sent));
}

/// A frame of a client as its parts.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    ws::write_binary(&mut out, Some(MaskKey([1, 2, 3, 4])), payload);
    out[0] = first;
    out
}

#[test]
fn atk_21_who_is_slow_is_closed_by_deadline() {
    // A request line that never ends, byte by byte.
    let mut world = World::new(config(Onboarding::Open));
    let mut script = String::from("0 a raw G\n");
    for (second, byte) in (1..20).zip(b"ET /CP1 HTTP/1.1\r\nHo".iter()) {
        script += &format!("{second} a bytes {byte:02x}\n");
    }
    expect![[r#"
        10 a ended
        10 a has no socket"#]]
    .assert_eq(
        &world
            .run(&script)
            .lines()
            .take(2)
            .collect::<Vec<_>>()
            .join("\n"),
    );

    // A message of a byte a second, and one in fragments of a byte.
    for mut bytes in [
        frame(0x81, &[b' '; 100]),
        [frame(0x01, b" "), [0x00, 0x81, 0, 0, 0, 0, b' '].repeat(20)].concat(),
    ] {
        let mut world = World::new(config(Onboarding::Open));
        world.run("0 a connect CP1");
        let mut script = String::new();
        for (second, byte) in (1..60).zip(bytes.drain(..)) {
            script += &format!("{second} a bytes {byte:02x}\n");
        }
        let seen = world.run(&script);
        let end = seen.lines().next().unwrap();
        assert!(
            end.ends_with("a < close 1008 a message took longer than 30 s to arrive"),
            "{seen}"
        );
        let second: u32 = end.split(' ').next().unwrap().parse().unwrap();
        assert!((31..=38).contains(&second), "{end}");
    }

    // The half of a message, and then nothing.
    let mut world = World::new(config(Onboarding::Open));
    let seen = world.run("0 a connect CP1\n1 a bytes 81 fe 10 00 01 02 03 04 20\n60 wait");
    expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        31 a < close 1008 a message took longer than 30 s to arrive
        31 a ended
    "#]]
    .assert_eq(&seen);
    // Whoever gets through in time is served, and silence between messages is nobody's business.
    let mut world = World::new(config(Onboarding::Open));
    let text = br#"[2,"1","Heartbeat",{}]"#;
    let whole = frame(0x81, text);
    let mut script = String::from("0 a connect CP1\n");
    for (second, byte) in (1..).zip(&whole) {
        script += &format!("{second} a bytes {byte:02x}\n");
    }
    script += "44 a > [2,\"2\",\"Heartbeat\",{}]";
    expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        28 a < [3,"1",{"currentTime":"2026-11-22T10:00:28.000Z"}]
        44 a < [3,"2",{"currentTime":"2026-11-22T10:00:44.000Z"}]
    "#]]
    .assert_eq(&world.run(&script));
}

#[test]
fn atk_22_what_is_too_much_is_closed_and_others_are_served() {
    let limited = Config {
        messages_per_second_max: 1_000,
        ..config(Onboarding::Open)
    };
    let served = |bytes: &[u8], chunk: usize| {
        let mut world = World::new(limited.clone());
        world.run("0 a connect CP1\n0 b connect CP2");
        for bytes in bytes.chunks(chunk) {
            world.deliver("a", bytes);
            world.settle();
        }
        let other = world.run("0 b > [2,\"1\",\"Heartbeat\",{}]");
        assert!(other.contains("b < [3,\"1\""), "{other}");
        let held = world.shard.bytes_held();
        assert!(held < 1 << 20, "{held} bytes held");
        other
    };
    // 64 MiB in one frame, by its header.
    let seen = served(&[0x81, 0xff, 0, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4], 64);
    assert!(seen.starts_with("0 a < close 1009 "), "{seen}");
    // A million fragments.
    let fragments = [
        vec![0x01, 0x80, 0, 0, 0, 0],
        [0x00, 0x80, 0, 0, 0, 0].repeat(5_000),
    ];
    let seen = served(&fragments.concat(), 64 << 10);
    assert!(
        seen.starts_with("0 a < close 1008 message has more than 4096 fragments"),
        "{seen}"
    );
    // A flood of pings is answered no faster than anything else, ten thousand calls no faster than the limit.
    let seen = served(&frame(0x89, b"flood").repeat(10_000), 64 << 10);
    assert_eq!(
        seen.matches("a < pong").count(),
        1_000,
        "{} bytes",
        seen.len()
    );
    let calls: Vec<u8> = (0..10_000)
        .flat_map(|n| frame(0x81, format!("[2,\"{n}\",\"Heartbeat\",{{}}]").as_bytes()))
        .collect();
    let seen = served(&calls, 64 << 10);
    assert_eq!(
        seen.matches("a < [3,").count(),
        1_000,
        "{} bytes",
        seen.len()
    );
    // What waits for the disk holds its sender up long before.
    let mut world = World::new(limited);
    world.run("0 a connect CP1\n0 disk holds");
    let calls: Vec<u8> = (0..10_000)
        .flat_map(|n| {
            let text = format!(r#"[2,"{n}","StatusNotification",{{"connectorId":{},"errorCode":"NoError","status":"Available"}}]"#, n % 9);
            frame(0x81, text.as_bytes())
        })
        .collect();
    world.deliver("a", &calls);
    world.settle();
    assert!(
        world.shard.bytes_held() < 64 << 10,
        "{}",
        world.shard.bytes_held()
    );
}

#[test]
fn atk_23_a_browser_of_another_site_is_refused() {
    let mut world = World::new(Config {
        origins: vec!["https://tool.example".into()],
        ..config(Onboarding::Open)
    });
    for origin in [
        "https://evil.example",
        "null",
        "https://tool.example.evil.example",
        "http://tool.example",
        "",
    ] {
        let headers = format!("Origin: {origin}\r\n");
        assert_eq!(refusal(&mut world, "/CP1", &headers).0, "403", "{origin}");
    }
    assert_eq!(world.shard.stations.len(), 0);
    let (counted, recorded) = seen_of_refusals(&world);
    assert_eq!(counted, [(403, 5)]);
    assert!(recorded.is_empty(), "{recorded:?}");
}
