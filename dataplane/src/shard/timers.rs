//! Deadlines: of silence on the wheel, of calls and waits in a heap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fleet::TransactionId;
use net::driver::ConnId;
use net::ws::{self, CloseCode};
use ocpp::Instant;

use super::conns::Stage;
use super::drain::Drain;
use super::received::MESSAGE_MAX_S;
use super::{Effect, Now, Shard};

/// Most things one call of [`Shard::timer`] looks at, so that a turn stays short.
const DUE_MAX: usize = 4_096;

/// What comes due. Nothing is ever taken out: what is over by then is passed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deadline {
    /// Our call on this connection.
    Call(u64),
    /// An operator that waits at this station, for a command or a transaction.
    Wait(u32),
    /// Reservations of this station end at this time, UTC microseconds.
    Reservation(u32, i64),
    /// Something that is done elsewhere.
    Errand(u64),
    /// Answers that a profile holds back.
    DelayedAnswers,
    /// This connection has said as much as it may at a time, and is listened to again.
    Listen(u64),
    /// Meter values of this station.
    MeterValues(u32),
    /// A transaction of this station, whose driver was told this much last, hundredths.
    CostUpdate(u32, TransactionId, i64),
}

/// Deadlines, nearest first.
#[derive(Default)]
pub(crate) struct Deadlines(BinaryHeap<Reverse<(Instant, Deadline)>>);

impl Deadlines {
    pub(crate) fn insert(&mut self, at: Instant, deadline: Deadline) {
        self.0.push(Reverse((at, deadline)));
    }

    fn poll(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    fn take(&mut self, now: Instant) -> Option<Deadline> {
        self.poll().filter(|at| *at <= now)?;
        self.0.pop().map(|Reverse((_, deadline))| deadline)
    }
}

impl Shard {
    /// When [`Shard::timer`] wants to be called.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let wheel = self.wheel.poll().map(|tick| Instant(tick * 1_000_000_000));
        let stall = self
            .journal
            .waiting_since()
            .map(|since| since + self.config.log_stall_timeout);
        let stall = stall.filter(|_| !self.stalled);
        let sweep = Some(self.sweep.0);
        let rest = Some(self.rest_at).filter(|_| 0 < self.stations.awake_len());
        let arrivals = self.arrivals.poll_timeout();
        let drain = self.drain.as_ref().and_then(Drain::poll_timeout);
        let deadlines = self.deadlines.poll();
        [wheel, deadlines, stall, sweep, rest, arrivals, drain]
            .into_iter()
            .flatten()
            .min()
    }

    /// Acts on what is due.
    pub(crate) fn timer(&mut self, now: Now) {
        let mut due = std::mem::take(&mut self.scratch.due);
        self.wheel.take(u64::from(now.tick()), &mut due);
        for index in due.drain(..) {
            self.look_at(now, index as usize);
        }
        self.scratch.due = due;
        for _ in 0..DUE_MAX {
            match self.deadlines.take(now.mono) {
                Some(Deadline::Call(conn)) => self.call_timeout(now, ConnId::from_bits(conn)),
                Some(Deadline::Wait(station)) => self.wait_timeout(now, station),
                Some(Deadline::Reservation(station, ends_at)) => {
                    self.end_reservations(now, station, ends_at);
                }
                Some(Deadline::CostUpdate(station, id, told)) => {
                    self.update_cost(now, station, id, told);
                }
                Some(Deadline::Errand(id)) => self.errand_lost(now, id, "it took too long"),
                Some(Deadline::DelayedAnswers) => self.send_delayed(now),
                Some(Deadline::Listen(conn)) => self.unpause(now, ConnId::from_bits(conn)),
                Some(Deadline::MeterValues(station)) => self.meter_values_due(now, station),
                None => break,
            }
        }
        self.listen_again(now);
        self.admit_arrivals(now);
        self.drain_on(now);
        self.sweep(now);
        self.rest(now);
        let limit = self.config.log_stall_timeout;
        let stalled = self
            .journal
            .waiting_since()
            .is_some_and(|since| limit <= now.mono - since);
        if stalled && !self.stalled {
            self.stall(now);
        }
    }

    /// The log stands still: stations keep their messages in their own queues, where nothing is lost.
    fn stall(&mut self, now: Now) {
        self.stalled = true;
        for id in self.conns.ids().collect::<Vec<_>>() {
            // Before its upgrade a peer does not speak WebSocket; its request will be answered 503.
            if self.conns.live_mut(id).is_some() {
                self.say_goodbye(
                    now,
                    id,
                    CloseCode::TRY_AGAIN_LATER,
                    "the log does not take records",
                );
            }
        }
    }

    /// Puts a socket on the wheel.
    pub(super) fn watch(&mut self, id: ConnId, tick: u64) {
        let due = self.wheel.insert(id.index() as u32, tick);
        if let Some(conn) = self.conns.get_mut(id) {
            // Ticks are seconds of the monotonic clock, as in `Now::tick`.
            conn.due = due as u32;
        }
    }

    /// Closes, pings or leaves alone a socket that came up on the wheel.
    fn look_at(&mut self, now: Now, index: usize) {
        let tick = u64::from(now.tick());
        let Some(conn) = self.conns.at_mut(index) else {
            return;
        };
        let id = conn.id;
        if tick < u64::from(conn.due) {
            return;
        }
        let heard_at = now.utc.0 - conn.silent_micros(now);
        let (ping, idle) = match &conn.stage {
            Stage::Live(live) => {
                let station = live.station;
                self.note_run(now, station, heard_at);
                self.patience(station)
            }
            Stage::Handshake(_) | Stage::Closing => (None, 0),
        };
        let Some(conn) = self.conns.at_mut(index) else {
            return;
        };
        match &mut conn.stage {
            Stage::Handshake(begun) => {
                let (opened_at, waits) = (begun.opened_at, begun.waits);
                let due = u64::from(opened_at) + self.handshake_patience(waits);
                if tick < due {
                    self.watch(id, due);
                } else if waits {
                    self.refuse_arrival(id);
                } else {
                    self.tally.refused(408);
                    self.conns.remove(id);
                    self.outbox.push(Effect::Abort(id));
                }
            }
            Stage::Live(live) => {
                let seen_at = u64::from(conn.seen_at.max(self.resumed_at));
                // What is here may wait for us and not for the peer.
                let waits_for_us = live.paused || self.reads_paused;
                let elapsed = live.began.elapsed(now.tick());
                let message_due =
                    elapsed.map_or(u64::MAX, |s| tick + MESSAGE_MAX_S.saturating_sub(s));
                if waits_for_us {
                    // What it says lies unread in the kernel: its silence is ours.
                    self.watch(id, tick + ping.unwrap_or(idle));
                } else if message_due <= tick {
                    self.end_slow_message(now, id);
                } else if seen_at + idle <= tick && (live.pinged || ping.is_none()) {
                    self.tally.counters.connections_dropped += 1;
                    self.detach_station(now, id, "ping timeout");
                    self.conns.remove(id);
                    self.outbox.push(Effect::Abort(id));
                } else if let Some(ping) = ping.filter(|ping| seen_at + ping <= tick) {
                    let first = !std::mem::replace(&mut live.pinged, true);
                    if first {
                        self.outbox.send(id, |out| ws::write_ping(out, None, b""));
                    }
                    // Nobody is given up unasked, whatever limits hold since the last look.
                    let next = match seen_at + idle {
                        end if end <= tick => tick + ping,
                        end => end.min(tick + ping),
                    };
                    self.watch(id, next.min(message_due));
                } else {
                    self.watch(id, (seen_at + ping.unwrap_or(idle)).min(message_due));
                }
            }
            Stage::Closing => {}
        }
    }
}
