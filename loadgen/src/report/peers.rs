//! What a server made of those who misbehave.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Latencies, LatencySummary, add, add_all};

/// Of one kind of misbehaviour.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Peers {
    reactions: BTreeMap<String, u64>,
    after: Latencies,
}

impl Peers {
    pub(super) fn reacted(&mut self, reaction: &str, after: Duration) {
        add(&mut self.reactions, reaction, 1);
        self.after.record(after);
    }

    pub(super) fn merge(&mut self, other: &Peers) {
        add_all(&mut self.reactions, &other.reactions);
        self.after.merge(&other.after);
    }

    pub(super) fn summary(&self) -> PeersSummary {
        PeersSummary {
            reactions: self.reactions.clone(),
            after: self.after.summary(),
        }
    }
}

/// The figures of one kind of misbehaviour.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PeersSummary {
    /// What the server did, and how often.
    pub reactions: BTreeMap<String, u64>,
    /// How long it took.
    pub after: LatencySummary,
}
