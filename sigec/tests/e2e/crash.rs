//! `kill -9` under load, again and again: acknowledged ⊆ present ⊆ sent, nothing twice, energy equal.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::server::{Site, TOKEN, loadgen, wait_for_exit};
use super::wait::eventually;

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
    let truth = site.path("truth.ndjson");
    let mut server = site.start(&[]);
    // More than the kills need; the fleet is interrupted after the last.
    let mut fleet = loadgen()
        .args([
            "fleet",
            "--url",
            &server.ocpp_url(),
            "--stations",
            "40",
            "--seed",
            &seed.to_string(),
        ])
        .args(["--interval", "60s", "--speed", "300", "--duration", "2h"])
        .args([
            "--reconnect",
            "50ms",
            "--call-timeout",
            "5s",
            "--drain",
            "30s",
            "--truth",
        ])
        .arg(&truth)
        .stdout(Stdio::null())
        .stderr(fs::File::create(site.path("fleet.log")).unwrap())
        .spawn()
        .unwrap();

    // A kill comes after a number of acknowledgements that no two kills share.
    let mut dice = Dice(0x5167_ec0e ^ seed << 32);
    for kill in 0..kills {
        let wanted = acknowledged(&truth) + 1 + dice.below(200);
        eventually(&format!("acknowledgements before kill {kill}"), || {
            let seen = acknowledged(&truth);
            if seen >= wanted {
                Ok(())
            } else {
                Err(format!("{seen} of {wanted}"))
            }
        });
        let last = server.kill();
        server = site.restart(&last, &[]);
    }
    let wanted = acknowledged(&truth) + 200;
    eventually("acknowledgements after the last kill", || {
        let seen = acknowledged(&truth);
        if seen >= wanted {
            Ok(())
        } else {
            Err(format!("{seen} of {wanted}"))
        }
    });

    let interrupted = Command::new("kill")
        .args(["-INT", &fleet.id().to_string()])
        .status();
    assert!(interrupted.unwrap().success());
    let status = wait_for_exit(&mut fleet);
    assert!(
        status.success(),
        "{}",
        fs::read_to_string(site.path("fleet.log")).unwrap()
    );

    let verify = loadgen()
        .args(["verify", "--token", TOKEN, "--wait", "60s", "--http"])
        .arg(format!("http://{}", server.ready.http))
        .arg("--truth")
        .arg(&truth)
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&verify.stdout);
    assert!(
        verify.status.success(),
        "{report}{}",
        String::from_utf8_lossy(&verify.stderr)
    );
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

/// Lines of the truth so far: one per acknowledged event while the fleet runs.
fn acknowledged(truth: &Path) -> usize {
    // The file appears with the first event.
    fs::read(truth).map_or(0, |bytes| {
        bytes.iter().filter(|byte| **byte == b'\n').count()
    })
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
