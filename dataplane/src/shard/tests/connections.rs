//! Connections: who may speak, who takes whose place, and how silence ends.

use expect_test::expect;

use super::scripts::{check, check_with};
use super::world::config;
use crate::config::Onboarding;

#[test]
fn the_newest_connection_wins_and_the_old_ones_end_says_nothing_about_it() {
    check(
        r#"
        0 a connect CP1
        1 records shown
        1 b connect CP1
        2 b > [2,"1","Heartbeat",{}]
        3 op station CP1
        4 c connect CP1
        5 d connect CP1
        6 e connect CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < close 1008 replaced by a newer connection
            1 a ended
            1 b < 101 Switching Protocols ocpp1.6
            1 record Disconnected replaced by a newer connection
            1 record Connected first_seen false
            2 b < [3,"1",{"currentTime":"2026-11-22T10:00:02.000Z"}]
            2 record message from [2,"1","Heartbeat",{}]
            2 record message to [3,"1",{"currentTime":"2026-11-22T10:00:02.000Z"}]
            3 station CP1: accepted online Unavailable  0 []
            4 b < close 1008 replaced by a newer connection
            4 b ended
            4 c < 101 Switching Protocols ocpp1.6
            4 record Disconnected replaced by a newer connection
            4 record Connected first_seen false
            5 c < close 1008 replaced by a newer connection
            5 c ended
            5 d < 101 Switching Protocols ocpp1.6
            5 record Disconnected replaced by a newer connection
            5 record Connected first_seen false
            6 d < close 1008 replaced by a newer connection
            6 d ended
            6 e < 101 Switching Protocols ocpp1.6
            6 record SecurityEvent Sigec.ConnectionContested 4 takeovers of a connection in use within a minute
            6 record Disconnected replaced by a newer connection
            6 record Connected first_seen false
        "#]],
    );
}

#[test]
fn a_station_that_waits_may_boot_and_nothing_else() {
    check_with(
        config(Onboarding::Pending),
        r#"
        0 records shown
        0 a connect CP1
        1 a > [2,"1","Heartbeat",{}]
        2 a > [2,"2","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
        3 op approve CP1
        4 a > [2,"3","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
        5 a > [2,"4","Heartbeat",{}]
        6 a drops
        7 b connect CP1
        8 b > [2,"5","Heartbeat",{}]
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            0 record Connected first_seen true
            1 a < [4,"1","SecurityError","the station waits for its operator's approval",{}]
            2 a < [3,"2",{"status":"Pending","currentTime":"2026-11-22T10:00:02.000Z","interval":60}]
            3 record StationConfigured
            3 op register CP1: Ok([Ok(())])
            4 record message from [2,"3","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
            4 record Booted V
            4 record message to [3,"3",{"status":"Accepted","currentTime":"2026-11-22T10:00:04.000Z","interval":300}]
            4 a < [3,"3",{"status":"Accepted","currentTime":"2026-11-22T10:00:04.000Z","interval":300}]
            5 a < [3,"4",{"currentTime":"2026-11-22T10:00:05.000Z"}]
            5 record message from [2,"4","Heartbeat",{}]
            5 record message to [3,"4",{"currentTime":"2026-11-22T10:00:05.000Z"}]
            6 record Disconnected connection reset
            7 b < 101 Switching Protocols ocpp1.6
            7 record Connected first_seen false
            8 b < [3,"5",{"currentTime":"2026-11-22T10:00:08.000Z"}]
            8 record message from [2,"5","Heartbeat",{}]
            8 record message to [3,"5",{"currentTime":"2026-11-22T10:00:08.000Z"}]
        "#]],
    );
}

#[test]
fn a_station_with_a_password_needs_it_and_wrong_ones_displace_nobody() {
    check_with(
        config(Onboarding::Pending),
        r#"
        0 op register CP1 0123456789abcdef
        1 a connect CP1 password=0123456789abcdef
        2 b connect CP1
        3 c connect CP1 password=0123456789abcdeX
        4 a > [2,"1","Heartbeat",{}]
        5 op delete CP1
        6 d connect CP1 password=0123456789abcdef
        "#,
        expect![[r#"
            0 op register CP1: Ok([Ok(())])
            1 a < 101 Switching Protocols ocpp1.6
            2 b < 401 Unauthorized
            2 b ended
            3 c < 401 Unauthorized
            3 c ended
            4 a < [3,"1",{"currentTime":"2026-11-22T10:00:04.000Z"}]
            5 a < close 1008 the station was deleted
            5 a ended
            5 op delete CP1: Ok(Ok(()))
            6 d < 101 Switching Protocols ocpp1.6
        "#]],
    );
}

#[test]
fn weaker_credentials_take_no_connection_over() {
    check_with(
        config(Onboarding::Pending),
        r#"
        0 op register CP1 0123456789abcdef
        1 a connect CP1 password=0123456789abcdef
        2 op passwordless CP1
        3 b connect CP1
        4 a > [2,"1","Heartbeat",{}]
        5 a drops
        6 c connect CP1
        "#,
        expect![[r#"
            0 op register CP1: Ok([Ok(())])
            1 a < 101 Switching Protocols ocpp1.6
            2 op register CP1: Ok([Ok(())])
            3 b < 409 Conflict
            3 b ended
            4 a < [3,"1",{"currentTime":"2026-11-22T10:00:04.000Z"}]
            6 c < 101 Switching Protocols ocpp1.6
        "#]],
    );
}

#[test]
fn silence_is_answered_with_a_ping_and_then_the_end() {
    check(
        r#"
        0 a connect CP1
        0 b raw GET /CP2 HTTP/1.1\r\n
        0 a mute
        20 a > [2,"1","Heartbeat",{}]
        400 wait
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            10 b ended
            20 a < [3,"1",{"currentTime":"2026-11-22T10:00:20.000Z"}]
            65 a < ping
            170 a ended
        "#]],
    );
}

#[test]
fn a_half_open_connection_is_ended_in_time_and_its_late_end_touches_no_other() {
    // Nothing comes from `a` after second 20: it is pinged after 45 s of silence and over after 150 s.
    check(
        r#"
        0 a connect CP1
        0 a mute
        0 a lingers
        20 a > [2,"1","Heartbeat",{}]
        171 op station CP1
        180 b connect CP1
        181 a drops
        182 op station CP1
        183 b > [2,"2","Heartbeat",{}]
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            20 a < [3,"1",{"currentTime":"2026-11-22T10:00:20.000Z"}]
            65 a < ping
            171 station CP1: accepted offline Unavailable  0 []
            180 b < 101 Switching Protocols ocpp1.6
            182 station CP1: accepted online Unavailable  0 []
            183 b < [3,"2",{"currentTime":"2026-11-22T10:03:03.000Z"}]
        "#]],
    );
    // The station comes back before that: the old connection is no obstacle, and its end is late.
    check(
        r#"
        0 a connect CP1
        0 a mute
        0 a lingers
        60 b connect CP1
        60 b lingers
        60 b mute
        61 op station CP1
        61 op command CP1 wait ClearCache {}
        62 a drops
        62 b answers {"status":"Accepted"}
        63 op station CP1
        63 b > [2,"1","Heartbeat",{}]
        300 op station CP1
        301 b drops
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            45 a < ping
            60 a < close 1008 replaced by a newer connection
            60 b < 101 Switching Protocols ocpp1.6
            61 station CP1: accepted online Unavailable  0 []
            61 b < [2,"01a202b3-b348-756e-ab2f-2632d7bd03fb","ClearCache",{}]
            62 op command ClearCache: Answered Some("{\"status\":\"Accepted\"}") None
            63 station CP1: accepted online Unavailable  0 []
            63 b < [3,"1",{"currentTime":"2026-11-22T10:01:03.000Z"}]
            108 b < ping
            300 station CP1: accepted offline Unavailable  0 []
        "#]],
    );
}

#[test]
fn a_log_that_stands_still_closes_the_door() {
    check(
        r#"
        0 a connect CP1
        1 disk full
        2 a > [2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]
        10 b connect CP1
        11 disk goes
        12 c connect CP1
        13 c > [2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            7 a < close 1013 the log does not take records
            7 a ended
            10 b < 503 Service Unavailable
            10 b ended
            12 c < 101 Switching Protocols ocpp1.6
            13 c < [3,"1",{}]
        "#]],
    );
}
