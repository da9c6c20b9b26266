//! Peers that misbehave, one thing after the other: slow, silent or malicious. What the server does about it is the
//! result.
//!
//! Half-open peers are not here: they are stations (`station::outage`), which come back while their old connection
//! stands.

mod attacks;

use std::time::Duration;

use ocpp::{Instant, Version};

use crate::scenario::Role;
pub use attacks::{ATTACKS, Act, Attack, Step, bomb};

/// Between two bytes of a slow peer.
pub const SLOWNESS: Duration = Duration::from_secs(1);

/// A server that has done nothing so long after an attack will do nothing.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Between two attempts of a peer.
pub const PAUSE: Duration = Duration::from_secs(3);

/// One peer that misbehaves.
#[derive(Debug)]
pub struct Peer {
    /// In the whole fleet.
    pub number: u32,
    /// The identity that it connects with.
    pub name: String,
    /// The version that it offers.
    pub version: Version,
    role: Role,
    /// What it did so far.
    pub turn: u32,
    /// What it does now.
    pub state: State,
}

/// What a peer does now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing until then.
    Resting {
        /// The end of it; `None` before the run begins.
        until: Option<Instant>,
    },
    /// It waits for its connection, or for the answer to its upgrade.
    Connecting {
        /// When it began.
        since: Instant,
    },
    /// It sends these bytes one by one.
    Dribbling {
        /// When it began.
        since: Instant,
        /// The rest.
        left: Vec<u8>,
        /// When the next byte goes.
        next_at: Instant,
    },
    /// It sends its attack, piece by piece.
    Attacking {
        /// When it began.
        since: Instant,
        /// The next piece.
        piece: u32,
    },
    /// It has done what it does, and watches.
    Watching {
        /// When it began.
        since: Instant,
        /// When it stops watching; `None` for the end of the run.
        until: Option<Instant>,
        /// What the server has said so far.
        heard: Option<String>,
    },
}

/// What a peer is about to do with its next connection.
#[derive(Clone, Copy, Debug)]
pub enum Errand {
    /// Send the upgrade byte by byte.
    SlowUpgrade,
    /// Upgrade in order, and send the first message byte by byte.
    SlowMessage,
    /// Open a connection and say nothing.
    SilentConnection,
    /// Upgrade in order, and say nothing; answer no Ping either.
    SilentStation,
    /// As the list says.
    Attack(&'static Attack),
}

impl Errand {
    /// As reports call it.
    pub fn name(self) -> String {
        match self {
            Errand::SlowUpgrade => "slow: upgrade byte by byte".to_owned(),
            Errand::SlowMessage => "slow: message byte by byte".to_owned(),
            Errand::SilentConnection => "silent: without an upgrade".to_owned(),
            Errand::SilentStation => "silent: after the upgrade".to_owned(),
            Errand::Attack(attack) => format!("malicious: {}", attack.name),
        }
    }
}

impl Peer {
    /// The peer of this number.
    ///
    /// # Panics
    ///
    /// When the role is one of stations.
    pub fn new(number: u32, name: String, version: Version, role: Role) -> Peer {
        assert!(
            !matches!(role, Role::Regular | Role::HalfOpen),
            "those are stations"
        );
        Peer {
            number,
            name,
            version,
            role,
            turn: 0,
            state: State::Resting { until: None },
        }
    }

    /// What it is about to do: peers begin at different places of the list, so that a few of them try all of it.
    pub fn errand(&self) -> Errand {
        let turn = self.number.wrapping_add(self.turn) as usize;
        match self.role {
            Role::Slow => [Errand::SlowUpgrade, Errand::SlowMessage][turn % 2],
            Role::Silent => [Errand::SilentConnection, Errand::SilentStation][turn % 2],
            Role::Regular | Role::HalfOpen | Role::Malicious => {
                Errand::Attack(&ATTACKS[turn % ATTACKS.len()])
            }
        }
    }

    /// When it does what it does began, if it is at it.
    pub fn since(&self) -> Option<Instant> {
        match &self.state {
            State::Resting { .. } => None,
            State::Connecting { since }
            | State::Dribbling { since, .. }
            | State::Attacking { since, .. }
            | State::Watching { since, .. } => Some(*since),
        }
    }

    /// Rests, and does something else afterwards.
    pub fn rest(&mut self, now: Instant) {
        self.turn = self.turn.wrapping_add(1);
        self.state = State::Resting {
            until: Some(now + PAUSE),
        };
    }
}
