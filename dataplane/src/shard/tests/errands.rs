//! What a shard has done for stations elsewhere.

use std::time::Duration;

use super::super::errands::{OPEN_MAX, Purpose};
use super::world::{World, config};
use crate::certificates::Wish;
use crate::config::Onboarding;

#[test]
fn the_places_of_the_door_are_taken_by_nobody_else() {
    let mut world = World::new(config(Onboarding::Open));
    world.run("0 a connect CP1");
    let now = world.now();
    let conn = world.shard.conns.ids().next().unwrap();
    let mut begin = |purpose| {
        let wait = Duration::from_secs(20);
        let wish = Wish::Station(Vec::new());
        world.shard.begin_errand(now, wish, purpose, wait).is_some()
    };
    let sign = |requested_at| Purpose::Sign {
        station: 0,
        requested_at,
    };
    for at in 0..OPEN_MAX as i64 {
        assert!(begin(sign(at)));
    }
    assert!(!begin(sign(0)));
    for _ in 0..OPEN_MAX {
        assert!(begin(Purpose::Upgrade { conn }));
    }
    assert!(!begin(Purpose::Upgrade { conn }));
}
