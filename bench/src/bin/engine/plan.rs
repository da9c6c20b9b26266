//! Who is measured, and what each is asked.

use bench::contender::{Contender, Foreign};
use bench::servers::Rival;
use serde::Serialize;

/// All that there are, the floor first.
pub(super) const CONTENDERS: [Contender; 24] = [
    FLOOR,
    Contender::Here(Rival::Driver),
    Contender::Here(Rival::DriverUring),
    Contender::Here(Rival::WebSocket),
    Contender::Here(Rival::WebSocketUring),
    Contender::Here(Rival::Codec),
    Contender::Here(Rival::CodecUring),
    Contender::Here(Rival::Checked),
    Contender::Here(Rival::CheckedUring),
    Contender::Here(Rival::DataplaneUnlogged),
    Contender::Here(Rival::DataplaneUringUnlogged),
    Contender::Here(Rival::Dataplane),
    Contender::Here(Rival::DataplaneUring),
    Contender::Foreign(Foreign::Tokio),
    Contender::Foreign(Foreign::Monoio),
    Contender::Foreign(Foreign::MonoioEpoll),
    Contender::Foreign(Foreign::Glommio),
    Contender::Foreign(Foreign::Bun),
    Contender::Foreign(Foreign::Fastwebsockets),
    Contender::Here(Rival::TungsteniteTuned),
    Contender::Here(Rival::TungsteniteDefault),
    Contender::Foreign(Foreign::OcppGo),
    Contender::Foreign(Foreign::OcppRpc),
    Contender::Foreign(Foreign::Mobilityhouse),
];
pub(super) const FLOOR: Contender = Contender::Here(Rival::Echo);

/// Heartbeats per connection in a turn.
const EACH_MAX: u64 = 5_000;
/// Requests of a burst.
const DEEP: u64 = 16;
/// Connections over which the rates are offered, of those that are measured.
const RATES_SOCKETS: usize = 1_000;
/// How long a rate is offered in a turn, milliseconds.
const RATE_MS: u64 = 500;
/// Connections at which the steps between our layers are measured.
const LAYERS_SOCKETS: [usize; 2] = [100, 1_000];
/// Connections to servers made with an OCPP library, which take a hundred times as long over each message.
const LIBRARIES_SOCKETS: [usize; 2] = [1, 100];
/// The part of the messages that they are asked.
const LIBRARIES_PART: u64 = 20;

/// The contender of this name.
pub(super) fn contender(name: &str) -> Result<Contender, String> {
    let found = CONTENDERS.into_iter().find(|known| known.name() == name);
    found.ok_or_else(|| {
        let names = CONTENDERS.map(Contender::name).join(", ");
        format!("expected one of {names}")
    })
}

/// How requests come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Coming {
    /// So many per connection at a time, the next when these are answered.
    Together(u64),
    /// So many per second over all connections.
    Rate(u64),
}

/// What there is to measure.
pub(super) struct Plan {
    /// Heartbeats per turn.
    pub(super) messages: u64,
    /// Heartbeats per second.
    pub(super) rates: Vec<u64>,
    pub(super) smoke: bool,
}

impl Plan {
    /// What `rival` is asked over `sockets` connections in a turn, with the number of messages; nothing if it is not
    /// measured with so many.
    pub(super) fn comings(&self, rival: Contender, sockets: usize) -> Vec<(Coming, u64)> {
        // One connection alone waits out every round trip.
        let messages = self.messages.min(EACH_MAX * sockets as u64);
        let among = |known: &[usize]| self.smoke || known.contains(&sockets);
        let one_by_one = (Coming::Together(1), messages);
        if is_step(rival) {
            return Vec::from_iter(among(&LAYERS_SOCKETS).then_some(one_by_one));
        }
        if is_library(rival) {
            let asked = (Coming::Together(1), messages / LIBRARIES_PART);
            return Vec::from_iter(among(&LIBRARIES_SOCKETS).then_some(asked));
        }
        let mut comings = vec![one_by_one, (Coming::Together(DEEP), messages)];
        if among(&[RATES_SOCKETS]) {
            let of_rate = |rate: &u64| (Coming::Rate(*rate), rate * RATE_MS / 1_000);
            comings.extend(self.rates.iter().map(of_rate));
        }
        comings
    }
}

/// It is there to show what the layer above it costs.
fn is_step(rival: Contender) -> bool {
    matches!(
        rival,
        Contender::Here(
            Rival::Driver
                | Rival::DriverUring
                | Rival::WebSocket
                | Rival::WebSocketUring
                | Rival::Checked
                | Rival::CheckedUring
        )
    )
}

/// It is made with a library that answers one station's messages one by one.
fn is_library(rival: Contender) -> bool {
    matches!(
        rival,
        Contender::Foreign(Foreign::OcppGo | Foreign::OcppRpc | Foreign::Mobilityhouse)
    )
}
