//! What waited for the disk, and goes once its records are durable.

use fleet::Seq;
use net::driver::ConnId;
use ocpp::Instant;

use super::conns::{Live, Stage};
use super::waiting::Ready;
use super::{Effect, HELD_MAX, Now, Shard};

impl Shard {
    /// The log has committed up to `seq`: what waited for it may go.
    pub(crate) fn committed(&mut self, now: Now, seq: Seq) {
        if seq == self.journal.durable() {
            return;
        }
        self.journal.committed(now.mono, seq);
        self.stalled = false;
        let mut waiting = std::mem::take(&mut self.waiting);
        while let Some((ready, text)) = waiting.pop(seq) {
            match ready {
                Ready::Answer {
                    conn, called_at, ..
                } => self.release(now, conn, called_at, text),
                Ready::Reply(reply) => reply(),
                Ready::Transmit(command) => {
                    let left = self.transmit(now, command);
                    self.tally.commands_left += u32::from(left);
                }
                Ready::Errand(errand) => self.send_errand(*errand),
            }
        }
        waiting.tidy();
        // What the round above put in line comes after what is left of it.
        waiting.append(&mut self.waiting);
        self.waiting = waiting;
        self.listen_again(now);
    }

    /// A turn that began at `began` ends: what was answered in it waited no longer.
    pub(crate) fn turn_ended(&mut self, now: Now, began: Instant) {
        let latency_us = (now.mono - began).as_micros() as u64;
        let tally = &mut self.tally;
        for _ in 0..std::mem::take(&mut tally.answered_at_once) {
            tally.counters.established_latency.record(latency_us);
        }
    }

    /// The commands whose records were safe at `safe_at` are with their sockets now.
    pub(crate) fn commands_left(&mut self, safe_at: Instant, now: impl FnOnce() -> Instant) {
        let count = std::mem::take(&mut self.tally.commands_left);
        if count == 0 {
            return;
        }
        let latency_us = (now() - safe_at).as_micros() as u64;
        for _ in 0..count {
            let counters = &mut self.tally.counters;
            counters.command_latency.record(latency_us);
        }
    }

    /// Listens to all connections again once there is room. Whatever may make room asks for it, since nothing else happens
    /// while nobody is listened to.
    pub(super) fn listen_again(&mut self, now: Now) {
        if self.reads_paused && !self.over_budget_to_resume() {
            self.reads_paused = false;
            self.resumed_at = now.tick();
            for id in self.conns.ids().collect::<Vec<_>>() {
                self.unpause(now, id);
            }
        }
    }

    pub(super) fn release(&mut self, now: Now, id: ConnId, called_at: Instant, text: &[u8]) {
        if !self.hold_back(now, id, called_at, text) {
            // What was held back before it may be due by now, and goes first.
            self.send_delayed(now);
            self.send_released(now, id, called_at, text);
        }
    }

    pub(super) fn send_released(&mut self, now: Now, id: ConnId, called_at: Instant, text: &[u8]) {
        let Some(live) = self.conns.live_mut(id) else {
            return;
        };
        live.held -= 1;
        if let Ok(text) = std::str::from_utf8(text) {
            note_answer(live, text);
        }
        let unpause = live.paused && live.held < HELD_MAX / 2;
        let latency_us = (now.mono - called_at).as_micros() as u64;
        let counters = &mut self.tally.counters;
        counters.ack_latency.record(latency_us);
        live.is_established = true;
        if self.tally.before.has(now.tick(), live.connection) {
            counters.established_latency.record(latency_us);
        }
        self.say(id, text);
        if self.is_draining() {
            self.leave_if_done(now, id);
        }
        if unpause && !self.reads_paused {
            self.unpause(now, id);
        }
    }

    /// Listens to a connection again, unless something else keeps it waiting.
    pub(super) fn unpause(&mut self, now: Now, id: ConnId) {
        let rate = self.config.messages_per_second_max;
        let Some(conn) = self.conns.get_mut(id) else {
            return;
        };
        let Stage::Live(live) = &mut conn.stage else {
            return;
        };
        let said_enough = live.said_enough(rate) && conn.seen_at == now.tick();
        if live.paused && live.held < HELD_MAX / 2 && !said_enough && !self.reads_paused {
            live.paused = false;
            self.outbox.push(Effect::Resume(id));
        }
    }
}

/// An answer leaves: the call it belongs to is no longer open.
fn note_answer(live: &mut Live, text: &str) {
    match ocpp::scan(text, live.version) {
        Ok(ocpp::Frame::CallResult { id, payload }) => {
            live.inbound.answered(&id, payload.as_bytes());
        }
        Ok(ocpp::Frame::CallError { id, .. }) => live.inbound.refused(&id),
        // Nothing else answers a call of the station.
        Ok(
            ocpp::Frame::Call { .. }
            | ocpp::Frame::CallResultError { .. }
            | ocpp::Frame::Send { .. },
        )
        | Err(_) => {}
    }
}
