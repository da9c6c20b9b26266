//! `kill -9` under load, again and again: acknowledged ⊆ present ⊆ sent, nothing twice, energy equal.

use super::load::Load;
use super::server::{Site, TOKEN};

/// Kills in `make test`; `SIGEC_KILLS` (`make soak`) asks for more.
const KILLS: u32 = 20;
/// The fleet and the moments of the kills in `make test`; `SIGEC_SEED` or the first of `SIGEC_SEEDS` gives others.
const SEED: u64 = 29;

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_there_twice() {
    let kills = number("SIGEC_KILLS").map_or(KILLS, |kills| u32::try_from(kills).unwrap());
    let seed = number("SIGEC_SEED").or_else(|| number("SIGEC_SEEDS"));
    let seed = seed.unwrap_or(SEED);
    announce(&format!(
        "SIGEC_SEED={seed} SIGEC_KILLS={kills} repeats this"
    ));
    let site = Site::new();
    let mut server = site.start(&[]);
    let load = Load::start(&site, &server, seed);

    // A kill comes after a number of acknowledgements that no two kills share.
    let mut dice = Dice(0x5167_ec0e ^ seed << 32);
    for kill in 0..kills {
        let more = 1 + dice.below(200);
        load.acknowledges(more, &format!("before kill {kill}"));
        let last = server.kill();
        server = site.restart(&last, &[]);
    }
    load.acknowledges(200, "after the last kill");
    load.end_and_verify(&server);
}

#[test]
fn tokens_are_as_their_last_answer_said_after_a_kill() {
    const PER_ROUND: usize = 20;
    let site = Site::new();
    let mut server = site.start(&[]);
    let mut expected = std::collections::BTreeMap::new();
    let json = [("Content-Type", "application/json")];
    for round in 0..3 {
        for at in 0..PER_ROUND {
            let id = format!("TAG{round}-{at:02}");
            let status = if at % 2 == 0 { "Accepted" } else { "Blocked" };
            let body = format!(r#"{{"status":"{status}"}}"#);
            let path = format!("/api/v1/tokens/{id}");
            let put = server.request("PUT", &path, TOKEN, &json, &body);
            assert!(
                (200..300).contains(&put.status),
                "{}: {}",
                put.status,
                put.body
            );
            expected.insert(id, status.to_owned());
        }
        // One of before goes, and the server with the answer.
        if let Some((id, _)) = expected.pop_first() {
            let path = format!("/api/v1/tokens/{id}");
            let gone = server.request("DELETE", &path, TOKEN, &[], "");
            assert_eq!(gone.status, 204, "{}", gone.body);
        }
        let last = server.kill();
        server = site.restart(&last, &[]);
        let list = server.get("/api/v1/tokens?limit=500").json();
        let found = list["items"].as_array().unwrap().iter().map(|token| {
            let text = |name: &str| token[name].as_str().unwrap().to_owned();
            (text("id"), text("status"))
        });
        assert_eq!(
            found.collect::<std::collections::BTreeMap<_, _>>(),
            expected
        );
    }
}

/// The number that a variable begins with.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let digits = text.split("..").next().unwrap();
    Some(digits.parse().expect("a number"))
}

#[expect(
    clippy::print_stdout,
    reason = "the runner shows it beside the failure"
)]
fn announce(text: &str) {
    println!("{text}");
}

/// A fixed sequence of small numbers (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap()
            % usize::try_from(bound).unwrap()
    }
}
