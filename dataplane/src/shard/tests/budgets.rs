//! What peers may hold of a shard's memory with messages that they do not finish, and take of its time with those that they
//! do: who takes most goes first.

use net::driver::ConnId;

use super::world::{World, config};
use crate::config::{Config, Onboarding};
use crate::shard::Effect;

/// A frame of a text message as a client sends it; its key leaves every byte as it is.
fn fragment(out: &mut Vec<u8>, is_first: bool, is_last: bool, payload: &str) {
    out.push(u8::from(is_first) | u8::from(is_last) << 7);
    match payload.len() {
        len @ 0..126 => out.push(0x80 | len as u8),
        len => {
            out.push(0x80 | 126);
            out.extend((len as u16).to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend(payload.as_bytes());
}

fn begins(len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    fragment(&mut bytes, true, false, &"[".repeat(len));
    bytes
}

fn besieged() -> World {
    let mut world = World::new(Config {
        shard_bytes_max: 256 << 10,
        ..config(Onboarding::Open)
    });
    let all: String = ["a", "b", "c", "d", "e"]
        .map(|who| format!("0 {who} connect CP-{who}\n"))
        .concat();
    world.run(&all);
    world
}

#[test]
fn fragments_have_a_share_of_the_memory_and_the_longest_goes_first() {
    let mut world = besieged();
    // A quarter, 64 KiB, is for fragments: this fills it.
    for (who, len) in [("a", 10_000), ("b", 40_000), ("c", 12_000)] {
        world.deliver(who, &begins(len));
    }
    world.settle();
    assert!(!world.out.contains("ended"), "{}", world.out);
    // The newest has the shortest.
    world.deliver("d", &begins(9_000));
    world.settle();
    let seen = std::mem::take(&mut world.out);
    assert!(
        seen.contains("b < close 1013 unfinished messages take too much memory"),
        "{seen}"
    );
    assert_eq!(seen.matches("ended").count(), 1, "{seen}");
    // Of a station that finishes or leaves, nothing is counted any more.
    let mut rest = Vec::new();
    fragment(&mut rest, false, true, "");
    world.deliver("a", &rest);
    world.run("1 c drops\n1 d drops");
    world.deliver("e", &begins(60_000));
    world.settle();
    let seen = std::mem::take(&mut world.out);
    assert!(!seen.contains("e ended"), "{seen}");
}

#[test]
fn where_memory_is_short_the_longest_message_ends_and_nobody_else() {
    let mut world = besieged();
    for (who, len) in [("a", 3_000), ("b", 30_000), ("c", 3_000)] {
        world.deliver(who, &begins(len));
    }
    let seen = world.run("1 server memory 94");
    assert!(!seen.contains("ended"), "{seen}");
    let seen = world.run("2 server memory 95");
    assert!(seen.contains("b ended"), "{seen}");
    assert_eq!(seen.matches("ended").count(), 1, "{seen}");
    let seen = world.run("3 d > [2,\"1\",\"Heartbeat\",{}]");
    assert!(seen.contains("d < [3,\"1\","), "{seen}");
}

#[test]
fn what_the_sockets_hold_counts_as_taken() {
    let mut world = besieged();
    let now = world.now();
    assert!(!world.shard.memory_used(now, 0, 200 << 10));
    assert!(world.shard.memory_used(now, 0, 244 << 10), "95 %");
    let seen = world.run("1 f connect CP-f");
    assert!(seen.contains("503"), "{seen}");
}

#[test]
fn a_socket_that_another_shard_let_in_is_refused_where_its_home_has_too_much_to_do() {
    let mut world = besieged();
    let peer = "192.0.2.1:9".parse().unwrap();
    for (percent, is_refused) in [(94, false), (95, true)] {
        let now = world.now();
        world.shard.memory_used(now, percent, 0);
        let id = ConnId::from_bits(900 + u64::from(percent));
        world.shard.adopted(now, id, peer);
        let mut said = Vec::new();
        world.shard.effects(|effect, bytes| {
            if let Effect::Send { conn, .. } = effect {
                assert_eq!(conn, id);
                said.extend_from_slice(bytes);
            }
        });
        assert_eq!(said.starts_with(b"HTTP/1.1 503"), is_refused, "{percent}");
    }
}

fn answers(world: &mut World, script: &str) -> usize {
    world.run(script).matches("a < [3,").count()
}

#[test]
fn a_long_text_counts_as_the_many_messages_that_it_might_be() {
    for offer in ["", " deflate"] {
        let mut world = World::new(Config {
            messages_per_second_max: 60,
            ..config(Onboarding::Open)
        });
        world.run(&format!("0 a connect CP1{offer}\n1 wait"));
        let mut bytes = Vec::new();
        for n in 0..10 {
            // 15 times 4 KiB.
            let text = format!(r#"[2,"{n}","Heartbeat",{{}}{}]"#, " ".repeat(61_500));
            world.write("a", &mut bytes, &text);
        }
        world.deliver("a", &bytes);
        world.settle();
        let at_once = std::mem::take(&mut world.out).matches("a < [3,").count();
        let later = ["1.9 wait", "2 wait", "2.9 wait", "3 wait"];
        let later = later.map(|script| answers(&mut world, script));
        assert_eq!((at_once, later), (4, [0, 4, 0, 2]), "{offer}");
    }
}

#[test]
fn headers_of_tiny_frames_count_as_well() {
    let mut world = World::new(Config {
        messages_per_second_max: 20,
        ..config(Onboarding::Open)
    });
    world.run("0 a connect CP1\n1 wait");
    for n in 0..3 {
        // 4,000 frames of no more than a byte: 28 KiB, of which 24 are headers.
        let text = format!(r#"[2,"{n}","Heartbeat",{{}}{}]"#, " ".repeat(3_974));
        let mut bytes = Vec::new();
        let last = text.len() - 1;
        for (at, _) in text.char_indices() {
            fragment(&mut bytes, at == 0, at == last, &text[at..=at]);
        }
        for piece in bytes.chunks(4 << 10) {
            world.deliver("a", piece);
        }
        world.settle();
    }
    let at_once = std::mem::take(&mut world.out).matches("a < [3,").count();
    let later = ["1.9 wait", "2 wait", "2.9 wait"];
    let later = later.map(|script| answers(&mut world, script));
    assert_eq!((at_once, later), (2, [0, 1, 0]));
}

#[test]
fn a_text_in_fragments_counts_as_one_that_is_whole() {
    for (offer, pieces) in [("", 1), ("", 4), ("", 40), (" deflate", 4)] {
        let mut world = World::new(Config {
            messages_per_second_max: 60,
            ..config(Onboarding::Open)
        });
        world.run(&format!("0 a connect CP1{offer}\n1 wait"));
        for n in 0..10 {
            // 15 times 4 KiB.
            let text = format!(r#"[2,"{n}","Heartbeat",{{}}{}]"#, " ".repeat(61_500));
            let mut frames = Vec::new();
            let len = text.len().div_ceil(pieces);
            for (at, piece) in text.as_bytes().chunks(len).enumerate() {
                let is_last = at + 1 == text.len().div_ceil(len);
                fragment(
                    &mut frames,
                    at == 0,
                    is_last,
                    std::str::from_utf8(piece).unwrap(),
                );
            }
            for read in frames.chunks(16 << 10) {
                world.deliver("a", read);
            }
        }
        world.settle();
        let at_once = std::mem::take(&mut world.out).matches("a < [3,").count();
        assert_eq!(at_once, 4, "{offer} in {pieces}");
    }
}
