//! Every target on its corpus, on inputs that once crashed it, and on mutations of both.

#![expect(clippy::unwrap_used, reason = "a test may")]

use fuzz::{Target, corpus};

/// Mutations of a target in one run of the tests.
const MUTATIONS: usize = 5_000;

/// SplitMix64: a seed gives the same mutations everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }
}

/// Up to four changes of single bytes, and at times the end of another input.
fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(input.len() + 1);
        match random.below(5) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => drop(input.remove(at)),
            2 => {
                input.truncate(at);
                input.extend_from_slice(&other[random.below(other.len() + 1)..]);
            }
            3 if at < input.len() => input[at] = random.below(256) as u8,
            _ => input.insert(at, b"{}[],:\"\\0-e\r\n\xf0\x00"[random.below(15)]),
        }
    }
}

fn check(target: Target) {
    let mut inputs = corpus::read(target).unwrap();
    assert!(!inputs.is_empty(), "{} has no corpus", target.name());
    for input in &inputs {
        target.run(input);
    }
    inputs.push(Vec::new());
    let seed = std::env::var("SIGEC_SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut random = Random(seed);
    for number in 0..MUTATIONS {
        let mut input = inputs[random.below(inputs.len())].clone();
        let other = random.below(inputs.len());
        mutate(&mut input, &inputs[other], &mut random);
        let reading = std::panic::catch_unwind(|| target.run(&input));
        assert!(
            reading.is_ok(),
            "SIGEC_SEED={seed}, mutation {number} of {}: {}",
            target.name(),
            input.escape_ascii()
        );
    }
}

#[test]
fn frame() {
    check(Target::Frame);
}

#[test]
fn payloads_of_16() {
    check(Target::V16);
}

#[test]
fn payloads_of_201() {
    check(Target::V201);
}

#[test]
fn payloads_of_21() {
    check(Target::V21);
}

#[test]
fn rpc() {
    check(Target::Rpc);
}

#[test]
fn websocket() {
    check(Target::Websocket);
}

#[test]
fn upgrade() {
    check(Target::Upgrade);
}

#[test]
fn requests_for_certificates() {
    check(Target::Request);
}

#[test]
fn answers_of_responders() {
    check(Target::Ocsp);
}

#[test]
fn chains_of_certificates() {
    check(Target::Chain);
}

#[test]
fn imports() {
    check(Target::Import);
}
