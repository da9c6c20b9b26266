//! What the shard made goes where it belongs, until nothing moves any more.

use fleet::Seq;

use super::World;
use crate::shard::Effect;

impl World {
    /// Hands over what the shard made until nothing moves any more.
    pub(in crate::shard::tests) fn settle(&mut self) {
        for _ in 0..1_000 {
            let mut moved = self.effects();
            for errand in self.shard.errands() {
                let now = self.now();
                if self.services_hang {
                    self.undone.push(errand);
                } else {
                    let outcome = self.services.run(&errand.wish, now.utc);
                    self.shard.errand_done(now, errand.id, outcome);
                    moved = true;
                }
            }
            let (log, full) = (&mut self.log, self.full);
            let before = log.len();
            self.shard.records(|record| {
                if !full {
                    log.push(record.to_vec());
                }
                !full
            });
            for at in before..self.log.len() {
                self.show_record(at);
            }
            if !self.held && self.durable < self.log.len() {
                self.durable = self.log.len();
                let now = self.now();
                self.shard.committed(now, Seq(self.durable as u64));
                moved = true;
            }
            if !moved {
                let now = self.now();
                self.shard.turn_ended(now, now.mono);
                self.project();
                if self.effects() {
                    continue;
                }
                self.hear();
                return;
            }
        }
        panic!("the shard never rests");
    }

    pub(super) fn effects(&mut self) -> bool {
        let mut effects = Vec::new();
        self.shard
            .effects(|effect, bytes| effects.push((effect, bytes.to_vec())));
        let moved = !effects.is_empty();
        for (effect, bytes) in effects {
            match effect {
                Effect::Send { conn, .. } => self.hear_from_shard(conn, &bytes),
                Effect::Close(conn) | Effect::Abort(conn)
                    if self
                        .names
                        .get(&conn)
                        .is_some_and(|n| self.sockets[n].lingers) => {}
                Effect::Close(conn) | Effect::Abort(conn) => {
                    let now = self.now();
                    self.shard.closed(now, conn, "closed by us");
                    if let Some(name) = self.names.remove(&conn) {
                        self.sockets.remove(&name);
                        self.say(&format!("{name} ended"));
                    }
                }
                Effect::Pause(conn) | Effect::Hold(conn) => {
                    if let Some(name) = self.names.get(&conn).cloned() {
                        self.sockets.get_mut(&name).unwrap().paused = true;
                    }
                }
                Effect::Resume(conn) => {
                    if let Some(name) = self.names.get(&conn).cloned() {
                        self.sockets.get_mut(&name).unwrap().paused = false;
                        self.deliver(&name, &[]);
                    }
                }
                Effect::HandOver { conn, shard, .. } => {
                    let name = &self.names[&conn].clone();
                    self.say(&format!("{name} handed to shard {shard}"));
                }
            }
        }
        moved
    }

    pub(super) fn project(&mut self) {
        while !self.held
            && !self.store_held
            && let Some((batch, position, needed)) = self.shard.projection()
        {
            assert!(position <= needed);
            let mut rows = self.rows.lock().unwrap();
            rows.extend(
                batch
                    .into_iter()
                    .map(|(table, key, value)| ((table, key), value)),
            );
            drop(rows);
            let now = self.now();
            self.shard.stored(now, position);
        }
    }
}
