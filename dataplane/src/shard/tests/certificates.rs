//! What scripts see of certificates.

use std::time::Duration;

use fleet::record::SigningState;

use super::world::{World, key};
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
