//! What scripts see of certificates.

use std::time::Duration;

use fleet::record::SigningState;

use super::world::{World, config, key};
use crate::certificates::Errand;
use crate::certificates::tests::http;
use crate::config::{Config, Onboarding};
use crate::router::Ask;
use crate::router::pending::pending;

impl World {
    pub(super) fn show_certificates(&mut self, identity: &str) {
        let (reply, pending) = pending();
        let (now, key) = (self.now(), key(identity));
        self.shard.ask(now, Ask::Certificates { key, reply });
        let certificates = match pending.wait(Duration::ZERO) {
            Ok(Some(certificates)) => certificates,
            other => return self.say(&format!("certificates: {other:?}")),
        };
        for certificate in certificates.installed {
            let hashes = certificate.hashes.iter();
            let algorithms: Vec<_> = hashes.map(|hash| hash.hash_algorithm.as_str()).collect();
            let line = format!(
                "certificate {} {} {} children {} reported {}",
                certificate.certificate_type,
                algorithms.join("+"),
                certificate.subject,
                certificate.children.len(),
                certificate.reported_at.is_some(),
            );
            self.say(&line.replace("  ", " - "));
        }
        for request in certificates.requests {
            let state = SigningState::from_code(request.state).expect("a state");
            let line = format!(
                "request {} {state} [{}] {}",
                request.certificate_type, request.subject, request.reason
            );
            self.say(line.replace("  ", " - ").trim_end());
        }
    }
}

/// What a station has asked for is asked of nobody any more once its connection is gone, or its time is over.
#[test]
fn an_errand_is_given_up_with_its_connection_and_at_its_deadline() {
    let asked = |at: u32, who: &str| {
        format!(r#"{at} {who} > [2,"{at}","VatNumberValidation",{{"vatNumber":"NL1"}}]"#)
    };
    let mut world = World::new(Config {
        vat: Some(http("http://127.0.0.1:9")),
        ..config(Onboarding::Open)
    });
    let awaited = |world: &World| {
        let undone = world.undone.iter();
        undone.map(Errand::is_awaited).collect::<Vec<_>>()
    };
    world.run("0 services hang\n1 a connect CP1 2.1\n1 b connect CP2 2.1");
    world.run(&[asked(2, "a"), asked(3, "b")].join("\n"));
    assert_eq!(awaited(&world), [true, true]);
    world.run("4 a drops");
    assert_eq!(awaited(&world), [false, true]);
    world.run("24 wait");
    assert_eq!(awaited(&world), [false, false]);
}
