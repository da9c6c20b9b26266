//! Stations that compress their messages; `~` marks what came compressed.

use expect_test::expect;
use net::ws::{self, MaskKey};

use super::scripts::{check, check_with};
use super::world::{KEY, World, config};
use crate::config::{CompressionConfig, Config, Onboarding};

fn compressing(compression: CompressionConfig) -> Config {
    Config {
        compression,
        ..config(Onboarding::Open)
    }
}

/// A message as long as stations' messages are.
const STATUS: &str = r#"[2,"s","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","info":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]"#;

#[test]
fn what_is_long_goes_compressed_in_both_directions_and_in_the_order_in_which_it_leaves() {
    check(
        r#"
        0 a connect CP1 deflate
        1 a > [2,"1","BootNotification",{"chargePointVendor":"VVVVVVVVVVVVVVVVVVVV","chargePointModel":"MMMMMMMMMMMMMMMMMMMM"}]
        2 op command CP1 wait ChangeConfiguration {"key":"AuthorizationCacheEnabled","value":"true,true,true,true,true,true,true,true,true,true,true,true"}
        3 a answers {"status":"Accepted"}
        4 disk holds
        5 a > [2,"2","StatusNotification",{"connectorId":0,"connectorId":1,"errorCode":"NoError","status":"Available","info":"said twice, refused at length"}]
        5 op command CP1 wait ChangeConfiguration {"key":"AuthorizationCacheEnabled","value":"true,true,true,true,true,true,true,true,true,true,true,true"}
        6 a > [2,"3","Reset",{"type":"Hard","type":"Hard","type":"Hard","type":"Hard","type":"Hard","type":"Hard"}]
        7 disk goes
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            0 a < compresses
            1 a < [3,"1",{"status":"Accepted","currentTime":"2026-11-22T10:00:01.000Z","interval":300}]
            2 a < ~[2,"01a202b2-ccd0-756e-ab2f-2632d7bd03fb","ChangeConfiguration",{"key":"AuthorizationCacheEnabled","value":"true,true,true,true,true,true,true,true,true,true,true,true"}]
            3 op command ChangeConfiguration: Answered Some("{\"status\":\"Accepted\"}") None
            7 a < [4,"2","FormationViolation","/connectorId: stands twice",{}]
            7 a < ~[2,"01a202b2-d888-729f-8f13-5767524794fb","ChangeConfiguration",{"key":"AuthorizationCacheEnabled","value":"true,true,true,true,true,true,true,true,true,true,true,true"}]
            7 a < [4,"3","NotSupported","Reset is not supported here",{}]
        "#]],
    );
}

#[test]
fn a_station_that_offers_nothing_or_a_server_that_wants_none_stays_plain() {
    let off = CompressionConfig {
        enabled: false,
        ..CompressionConfig::default()
    };
    check_with(
        compressing(off),
        r#"
        0 a connect CP1 deflate
        1 a > [2,"1","Heartbeat",{}]
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < [3,"1",{"currentTime":"2026-11-22T10:00:01.000Z"}]
        "#]],
    );
}

#[test]
fn beyond_the_limit_of_contexts_each_message_is_compressed_by_itself() {
    let one = CompressionConfig {
        contexts_max: 1,
        ..CompressionConfig::default()
    };
    let mut world = World::new(compressing(one));
    let seen = world.run(
        r#"
        0 a connect CP1 deflate
        0 b connect CP2 deflate
        1 a drops
        1 c connect CP3 deflate
        "#,
    );
    expect![[r#"
        0 a < 101 Switching Protocols ocpp1.6
        0 a < compresses
        0 b < 101 Switching Protocols ocpp1.6
        0 b < compresses without contexts
        1 c < 101 Switching Protocols ocpp1.6
        1 c < compresses
    "#]]
    .assert_eq(&seen);
    for _ in 0..3 {
        world.run(&format!("2 b > {STATUS}"));
    }
    assert_eq!(world.shard.compression.len(), (2, 1));
    world.run("3 b drops\n3 c drops");
    assert_eq!(world.shard.compression.len(), (0, 0));
}

#[test]
fn the_plain_connection_of_a_station_takes_over_what_waits_for_its_compressed_one() {
    check(
        r#"
        0 a connect CP1 deflate
        1 disk holds
        2 a > [2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]
        2 op command CP1 wait ChangeConfiguration {"key":"AuthorizationCacheEnabled","value":"true,true,true,true,true,true,true,true,true,true,true,true"}
        3 b connect CP1
        4 disk goes
        5 b answers {"status":"Accepted"}
        6 c connect CP1 deflate
        7 op command CP1 wait ChangeConfiguration {"key":"AuthorizationCacheEnabled","value":"true,true,true,true,true,true,true,true,true,true,true,true"}
        8 restart
        9 d connect CP1 deflate
        10 op command CP1 wait ChangeConfiguration {"key":"AuthorizationCacheEnabled","value":"true,true,true,true,true,true,true,true,true,true,true,true"}
        11 d answers {"status":"Accepted"}
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            0 a < compresses
            3 a < close 1008 replaced by a newer connection
            3 a ended
            3 b < 101 Switching Protocols ocpp1.6
            4 b < [2,"01a202b2-ccd0-756e-ab2f-2632d7bd03fb","ChangeConfiguration",{"key":"AuthorizationCacheEnabled","value":"true,true,true,true,true,true,true,true,true,true,true,true"}]
            5 op command ChangeConfiguration: Answered Some("{\"status\":\"Accepted\"}") None
            6 b < close 1008 replaced by a newer connection
            6 b ended
            6 c < 101 Switching Protocols ocpp1.6
            6 c < compresses
            7 c < ~[2,"01a202b2-e058-729f-8f13-5767524794fb","ChangeConfiguration",{"key":"AuthorizationCacheEnabled","value":"true,true,true,true,true,true,true,true,true,true,true,true"}]
            8 c ended
            8 op command ChangeConfiguration: Err(Stopped)
            9 d < 101 Switching Protocols ocpp1.6
            9 d < compresses
            10 d < ~[2,"01a202b2-ec10-756e-ab2f-2632d7bd03fb","ChangeConfiguration",{"key":"AuthorizationCacheEnabled","value":"true,true,true,true,true,true,true,true,true,true,true,true"}]
            11 op command ChangeConfiguration: Answered Some("{\"status\":\"Accepted\"}") None
        "#]],
    );
}

/// The payload of a compressed message, unmasked, as the next of `who`.
fn payload(world: &mut World, who: &str, text: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    world.write(who, &mut frame, text);
    assert_eq!(frame[0], 0xc1, "compressed");
    let header_len = match frame[1] & 0x7f {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    let masked = frame.split_off(header_len + 4);
    masked
        .iter()
        .zip(KEY.0.iter().cycle())
        .map(|(byte, key)| byte ^ key)
        .collect()
}

/// A frame that is masked with nothing.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    ws::write_binary(&mut out, Some(MaskKey([0; 4])), payload);
    out[0] = first;
    out
}

#[test]
fn a_compressed_message_comes_in_fragments_with_pings_between() {
    let mut world = World::new(config(Onboarding::Open));
    world.run("0 a connect CP1 deflate");
    world.send("a", STATUS);
    world.settle();
    let again = payload(&mut world, "a", STATUS);
    assert!(again.len() < 20, "it refers back: {} bytes", again.len());
    let (first, rest) = again.split_at(3);
    let (second, third) = rest.split_at(2);
    let bytes = [
        frame(0x41, first),
        frame(0x89, b"between"),
        frame(0x00, second),
        frame(0x8a, b""),
        frame(0x80, third),
    ]
    .concat();
    // Byte by byte, as slow links have it.
    for byte in bytes {
        world.deliver("a", &[byte]);
    }
    world.settle();
    expect![[r#"
        0 a < [3,"s",{}]
        0 a < pong
        0 a < [3,"s",{}]
        1 a < [3,"x",{"currentTime":"2026-11-22T10:00:01.000Z"}]
    "#]]
    .assert_eq(&world.run("1 a > [2,\"x\",\"Heartbeat\",{}]"));
}

#[test]
fn a_bomb_closes_1009_within_its_byte_budget_and_leaves_the_others_alone() {
    let mut world = World::new(config(Onboarding::Open));
    world.run("0 a connect CP1 deflate\n0 b connect CP2 deflate");
    let length = 8 << 20;
    let bomb = payload(&mut world, "a", &"a".repeat(length));
    assert!(bomb.len() < length / 100, "{} bytes", bomb.len());
    world.deliver("a", &frame(0xc1, &bomb));
    let seen = world.run(&format!("1 b > {STATUS}"));
    expect![[r#"
        1 a < close 1009 compressed message inflates beyond the limit of 1048576 bytes
        1 a ended
        1 b < [3,"s",{}]
    "#]]
    .assert_eq(&seen);
    let held = world.shard.compression.inflater.held_len();
    assert!(held <= Config::default().message_len_max + 1, "{held}");
    assert_eq!(world.shard.compression.len(), (1, 1));
    assert_eq!(world.shard.tally.counters.connections_dropped, 1);
}
