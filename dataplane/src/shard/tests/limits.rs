//! Operators who limit transactions, for scripts.

use std::time::Duration;

use fleet::TransactionId;
use fleet::record::{Limits, TransactionLimits};

use super::world::World;
use crate::router::Ask;
use crate::router::limits::LimitRequest;
use crate::router::pending::pending;

/// `cost=CENTS`, `energy=WH`, `time=SECONDS` and `soc=PERCENT` among other words.
pub(super) fn read(words: &str) -> Limits {
    let mut limits = Limits::default();
    for (name, value) in words.split(' ').filter_map(|word| word.split_once('=')) {
        let number: i64 = value.parse().expect("a number");
        match name {
            "cost" => limits.cost_micros = Some(number * 10_000),
            "energy" => limits.energy_mwh = Some(number * 1_000),
            "time" => limits.time_s = Some(number),
            "soc" => limits.soc_percent = Some(number),
            _ => panic!("{name}"),
        }
    }
    limits
}

/// The transaction that runs, or else the newest that the store has.
fn newest(world: &World) -> TransactionId {
    let running = world.shard.active.keys().next_back().copied();
    running.unwrap_or_else(|| {
        let rows = world.rows.lock().unwrap();
        let ids = rows.keys();
        let mut ids = ids.filter(|(table, _)| *table == storage::state::Table::Transactions);
        let id = ids.next_back().expect("a transaction");
        TransactionId(id.1.as_slice().try_into().expect("an id"))
    })
}

/// `limit [cost=…] [energy=…] [time=…] [soc=…]`
pub(super) fn set(world: &mut World, rest: &str) {
    let request = LimitRequest {
        transaction: newest(world),
        tenant: "default".into(),
        principal: "op".into(),
        limits: read(rest),
    };
    world.ask("limit", |reply| Ask::Limit { request, reply });
}

/// `limits`: as the transaction's resource has them.
pub(super) fn show(world: &mut World) {
    let (reply, pending) = pending();
    let (now, id) = (world.now(), newest(world));
    world.shard.ask(now, Ask::Transaction { id, reply });
    let view = pending.wait(Duration::ZERO).unwrap();
    let Some(limit) = view.expect("a transaction").limits else {
        return world.say("no limits");
    };
    let [set, waiting, sent, told] =
        [limit.set, limit.waiting, limit.sent, limit.told].map(|limits| limits.each());
    let by = limit.set_by;
    world.say(&format!(
        "limits set {set:?} by {by:?} waiting {waiting:?} sent {sent:?} told {told:?}"
    ));
}

pub(super) fn shown(kept: &TransactionLimits) -> String {
    let (limits, starts) = (kept.limits.len(), kept.starts.len());
    format!(
        "TransactionLimits {} limits {limits} starts {starts}",
        kept.cause
    )
}
