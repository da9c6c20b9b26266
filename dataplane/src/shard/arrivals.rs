//! Sockets that have come: how fast they are let at their handshake, and how much newcomers may ask of a shard that has
//! enough to do.
//!
//! A storm of reconnections is paid for by the stations that are connected, unless it is let in piece by piece. So a socket
//! buys its handshake with a token, before a byte of it is read and so before TLS and passwords; without one it waits,
//! unread, and the oldest goes first. Who is connected waits for nobody.
//!
//! How fast tokens are made follows from how late the shard is, see [`Pace`]: what a newcomer costs, its handshake and all
//! that it has to say, is paid by the messages that lie behind it. While the shard is late, fewer are let in; once it is
//! punctual, more, up to the configured rate. Tokens gather for some 20 ms only, so that none of the shard's turns is full
//! of newcomers.
//!
//! | [`Load`] | Newcomers |
//! | --- | --- |
//! | `Calm` | come in as fast as tokens are made |
//! | `Busy` | most Boots are answered Rejected, with an interval that spreads them; the others have fewer Heartbeats to send |
//! | `High` | wait unread |
//! | `Full` | are refused, and step by step those that wait too, and those that are slow at their handshake |

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use net::driver::ConnId;
use ocpp::Instant;

use super::conns::{Conn, Handshake, Revocation, Stage};
use super::quirks::HEARTBEATS_MISSED_MAX;
use super::{Effect, Now, Shard};
use crate::config::MemoryMax;
use crate::tls::Transport;

/// How long a socket waits for its turn before it is refused.
const WAIT_MAX_S: u32 = 30;
/// Time between two looks at who may have its turn.
const TURN_EVERY: Duration = Duration::from_millis(10);
/// The same while nobody is let in.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Of those that wait, refused at one look. Each is a few system calls, and the connected are served between.
const REFUSED_AT_ONCE: usize = 200;
/// The log owes commits for so long: more records would only wait. Stations give their calls some 30 s, and a Boot that is
/// rejected costs its station a minute, so this is far above what a disk takes that has much to do; after 5 s all are closed.
const LOG_LATE: Duration = Duration::from_secs(2);

/// Boots that are accepted in a second while there is too much to do, and while there is far too much. Never none, or a
/// load that stays would keep stations out for good.
const BOOTS_BUSY: u32 = 50;
const BOOTS_HIGH: u32 = 10;
/// Seconds after which a station whose Boot was rejected may boot again: as many, and up to twice as many more.
const BOOT_AGAIN_S: u32 = 60;

/// So many times the configured interval lies between two Heartbeats of a station that boots while there is too much to do.
const HEARTBEATS_WIDER: u32 = 2;
// Or one that is never pinged would be given up for its silence.
const _: () = assert!(HEARTBEATS_WIDER < HEARTBEATS_MISSED_MAX);

/// How much of what the shard may hold is taken, or of the process's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Load {
    /// Below 70 %, and the log keeps up.
    Calm,
    /// From 70 %, or the log is late.
    Busy,
    /// From 85 %.
    High,
    /// From 95 %.
    Full,
}

/// A look that comes so late is one of a shard with too much to do: what is readable waits as long.
const LATE: Duration = Duration::from_millis(15);
/// So long may the oldest record have to wait for the disk, and the answers with it. Fewer newcomers do not make a disk
/// quicker, so this is far above what one takes by itself.
const LOG_BEHIND: Duration = Duration::from_millis(500);

/// The slowest pace is so small a part of the configured rate: of the default, a hundred thousand come in within 30 s.
const PACE_MIN: u32 = 3;

/// How many newcomers a second's tokens are for: more by a 64th of the configured rate at each punctual look, fewer by a
/// quarter at each late one. Never fewer than a third of that rate: a shard that is late for other reasons, as when another
/// process takes the cores, is no more punctual for keeping its stations out.
#[derive(Debug, Default)]
struct Pace {
    /// Tokens a second less than the configured rate.
    held_back: u32,
}

impl Pace {
    /// Tokens a second, of a configured `rate` that is not 0.
    fn of(&self, rate: u32) -> u32 {
        rate.saturating_sub(self.held_back)
            .max(rate / PACE_MIN)
            .max(1)
    }

    /// A look was so late.
    fn note(&mut self, rate: u32, is_late: bool) {
        let pace = self.of(rate);
        let pace = match is_late {
            true => pace - pace / 4,
            false => pace.saturating_add((rate / 64).max(1)),
        };
        self.held_back = rate.saturating_sub(pace.max(rate / PACE_MIN));
    }
}

/// Tokens that are made by the second.
#[derive(Debug, Default)]
struct Bucket {
    /// Millionths of a token.
    micros: u64,
    filled_at: Instant,
}

impl Bucket {
    /// Takes a token, of which `rate` are made in a second and `kept` are kept, at least one; a rate of 0 makes as many as
    /// are wanted.
    fn take(&mut self, now: Instant, rate: u32, kept: u32) -> bool {
        if rate == 0 {
            return true;
        }
        let (token, rate) = (1_000_000, u64::from(rate));
        let made = (now - self.filled_at).as_micros() as u64;
        let full = token * u64::from(kept).max(1);
        self.micros = full.min(self.micros.saturating_add(made.saturating_mul(rate)));
        self.filled_at = now;
        let has_one = token <= self.micros;
        if has_one {
            self.micros -= token;
        }
        has_one
    }
}

/// Tokens that are kept for handshakes: those of 20 ms, and never fewer than the slowest pace makes in a tenth of a
/// second, so that it is kept up by a shard that is as late as that.
fn handshakes_kept(rate: u32, pace: u32) -> u32 {
    (pace / 50).max(rate / PACE_MIN / 10)
}

/// Who waits to be let at the handshake.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    handshakes: Bucket,
    pace: Pace,
    boots: Bucket,
    /// Oldest first; some of them are over by now, and at most as many as are not, and a few.
    waiting: VecDeque<ConnId>,
    /// Those that are over are sorted out when there are so many, and where there is no room for more, from then on.
    sorted_at: usize,
    sort_again_at: Instant,
    turn_at: Instant,
    /// Percent of the process's memory that is taken.
    memory_used: u8,
}

impl Arrivals {
    /// When somebody may have its turn.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(self.turn_at)
    }
}

/// So many need not be sorted out.
const SORTED_MIN: usize = 64;

impl Shard {
    /// A socket was opened by a peer.
    pub(crate) fn opened(&mut self, now: Now, id: ConnId, peer: SocketAddr) {
        let load = self.how_busy(now);
        let rate = self.connects_per_second_max();
        let pace = self.pace(rate);
        let arrivals = &mut self.arrivals;
        let comes_in = load < Load::High
            && arrivals.waiting.is_empty()
            && arrivals
                .handshakes
                .take(now.mono, pace, handshakes_kept(rate, pace));
        if comes_in {
            return self.begin_handshake(now, id, peer, false);
        }
        self.begin_handshake(now, id, peer, true);
        // More than can have their turn in time need not wait for it.
        let room = (rate as usize).saturating_mul(WAIT_MAX_S as usize);
        let waiting = self.arrivals.waiting.len();
        let is_full = rate != 0 && room <= waiting && self.arrivals.sort_again_at <= now.mono;
        if is_full || self.arrivals.sorted_at.max(SORTED_MIN) <= waiting {
            self.arrivals.sort_again_at = now.mono + LOOK_EVERY;
            self.sort_out();
        }
        let has_room = rate == 0 || self.arrivals.waiting.len() < room;
        if load == Load::Full || !has_room {
            self.refuse_arrival(id);
        } else {
            if self.arrivals.waiting.is_empty() {
                self.arrivals.turn_at = now.mono + TURN_EVERY;
            }
            self.arrivals.waiting.push_back(id);
            self.outbox.push(Effect::Hold(id));
        }
    }

    /// Forgets those that wait no more because they are over. At a look they would be passed by, but nobody looks that far
    /// where nobody is let in.
    fn sort_out(&mut self) {
        let mut waiting = std::mem::take(&mut self.arrivals.waiting);
        waiting.retain(|id| self.conns.peer(*id).is_some());
        self.arrivals.sorted_at = 2 * waiting.len();
        self.arrivals.waiting = waiting;
    }

    /// Sockets that wait for their turn.
    pub(super) fn arrivals_waiting(&self) -> usize {
        let waiting = self.arrivals.waiting.iter();
        waiting.filter(|id| self.conns.peer(**id).is_some()).count()
    }

    /// Those, and how many are remembered as such.
    #[cfg(test)]
    pub(super) fn waiting_and_held(&self) -> (usize, usize) {
        (self.arrivals_waiting(), self.arrivals.waiting.len())
    }

    fn pace(&self, rate: u32) -> u32 {
        match rate {
            0 => 0,
            rate => self.arrivals.pace.of(rate),
        }
    }

    /// A socket was handed over by another shard, where it had its turn. That one may have less to do than this.
    pub(crate) fn adopted(&mut self, now: Now, id: ConnId, peer: SocketAddr) {
        self.begin_handshake(now, id, peer, false);
        if self.how_busy(now) == Load::Full {
            self.refuse_busy(id);
        }
    }

    fn begin_handshake(&mut self, now: Now, id: ConnId, peer: SocketAddr, waits: bool) {
        let tick = now.tick();
        self.conns.insert(Conn {
            id,
            seen_at: tick,
            due: 0,
            stage: Stage::Handshake(Box::new(Handshake {
                peer,
                opened_at: tick,
                transport: Transport::Plain,
                waits,
                revocation: Revocation::default(),
            })),
        });
        self.watch(id, u64::from(tick) + self.handshake_patience(waits));
    }

    /// Seconds that a handshake may take from its beginning on, or that it may wait for that.
    pub(super) fn handshake_patience(&self, waits: bool) -> u64 {
        match waits {
            true => u64::from(WAIT_MAX_S),
            false => self.config.handshake_timeout.as_secs(),
        }
    }

    /// Lets those at their handshake whose turn it is.
    pub(super) fn admit_arrivals(&mut self, now: Now) {
        if self.arrivals.poll_timeout().is_none_or(|at| now.mono < at) {
            return;
        }
        let (load, rate) = (self.how_busy(now), self.connects_per_second_max());
        let late = now.mono - self.arrivals.turn_at;
        if Load::High <= load {
            self.arrivals.turn_at = now.mono + LOOK_EVERY;
            if load == Load::Full {
                self.refuse_some(now);
            }
            return;
        }
        let since = self.journal.waiting_since();
        let log_is_behind = since.is_some_and(|since| LOG_BEHIND <= now.mono - since);
        self.arrivals.pace.note(rate, LATE <= late || log_is_behind);
        let pace = self.pace(rate);
        let token = Duration::from_secs(1) / pace.max(1);
        self.arrivals.turn_at = now.mono + token.max(TURN_EVERY);
        let kept = handshakes_kept(rate, pace);
        while let Some(id) = self.arrivals.waiting.front().copied() {
            let tick = now.tick();
            let handshake = self.conns.get_mut(id).map(|conn| &mut conn.stage);
            if let Some(Stage::Handshake(handshake)) = handshake {
                if !self.arrivals.handshakes.take(now.mono, pace, kept) {
                    break;
                }
                handshake.waits = false;
                handshake.opened_at = tick;
                self.watch(id, u64::from(tick) + self.handshake_patience(false));
                self.outbox.push(Effect::Resume(id));
            }
            self.arrivals.waiting.pop_front();
        }
    }

    /// Refuses some of those that wait, and the next ones soon.
    fn refuse_some(&mut self, now: Now) {
        for _ in 0..REFUSED_AT_ONCE {
            let Some(id) = self.arrivals.waiting.pop_front() else {
                return;
            };
            self.refuse_arrival(id);
        }
        self.arrivals.turn_at = now.mono + TURN_EVERY;
    }

    /// Ends handshakes that have not come to their end within a second: each holds what it has sent so far, and a session of
    /// TLS, for a peer that nobody knows yet.
    fn drop_handshakes(&mut self, now: Now) {
        let slow = self.conns.handshakes_before(now.tick());
        for id in slow.take(REFUSED_AT_ONCE).collect::<Vec<_>>() {
            self.tally.refused(503);
            self.conns.remove(id);
            self.outbox.push(Effect::Abort(id));
        }
    }

    /// Refuses a socket that waits for its turn. One that is to speak TLS ends without an answer: to send one would take
    /// the handshake that it is refused for.
    pub(super) fn refuse_arrival(&mut self, id: ConnId) {
        self.refuse_busy(id);
    }

    /// Each shard has its share.
    fn connects_per_second_max(&self) -> u32 {
        match self.config.connects_per_second_max {
            0 => 0,
            rate => (rate / self.settings.shards as u32).max(1),
        }
    }

    /// What the process's memory is measured against.
    pub(crate) fn memory_max(&self) -> MemoryMax {
        self.config.memory_max
    }

    /// Takes down how much of the process's memory is taken, in percent, and how much the buffers of this shard's sockets hold.
    /// True while they should hold less.
    pub(crate) fn memory_used(&mut self, now: Now, percent: u8, sockets_len: usize) -> bool {
        self.arrivals.memory_used = percent;
        self.sockets_len = sockets_len;
        self.limit_fragments(now);
        if self.how_busy(now) == Load::Full {
            self.drop_handshakes(now);
        }
        let of_budget = sockets_len.saturating_mul(100) / self.config.shard_bytes_max.max(1);
        95 <= of_budget.max(usize::from(percent))
    }

    pub(super) fn how_busy(&self, now: Now) -> Load {
        // Beside what is acknowledged: what reading on is needed for must not end it.
        let held = self.bytes_held() + self.fragments_len + self.sockets_len;
        let held = held.saturating_mul(100) / self.config.shard_bytes_max.max(1);
        let log_is_late = self
            .journal
            .waiting_since()
            .is_some_and(|since| LOG_LATE <= now.mono - since);
        match held.max(usize::from(self.arrivals.memory_used)) {
            95.. => Load::Full,
            85.. => Load::High,
            70.. => Load::Busy,
            _ if log_is_late => Load::Busy,
            _ => Load::Calm,
        }
    }

    /// The interval that a Boot is rejected with, where the shard has too much to do (2.0.1 B03.FR.02: the station then
    /// sends nothing until it is over).
    pub(super) fn defers_boot(&mut self, now: Now) -> Option<u32> {
        let rate = match self.how_busy(now) {
            Load::Calm => return None,
            Load::Busy => BOOTS_BUSY,
            Load::High | Load::Full => BOOTS_HIGH,
        };
        if self.arrivals.boots.take(now.mono, rate, rate / 4) {
            return None;
        }
        self.tally.counters.boots_deferred += 1;
        let more = self.random.next() % u64::from(2 * BOOT_AGAIN_S);
        Some(BOOT_AGAIN_S + more as u32)
    }

    /// The interval of Heartbeats that a Boot is accepted with, which its station keeps until it boots again.
    pub(super) fn heartbeat_interval(&self, now: Now) -> u32 {
        let interval = self.config.heartbeat_interval_s;
        match self.how_busy(now) {
            Load::Calm => interval,
            Load::Busy | Load::High | Load::Full => interval.saturating_mul(HEARTBEATS_WIDER),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_a_burst_and_then_its_rate() {
        let mut bucket = Bucket::default();
        let at = |millis: u64| Instant(1_000_000_000_000 + millis * 1_000_000);
        let taken = |bucket: &mut Bucket, millis, rate| {
            (0..10_000)
                .filter(|_| bucket.take(at(millis), rate, rate / 4))
                .count()
        };
        assert_eq!(taken(&mut bucket, 0, 1_000), 250);
        assert_eq!(taken(&mut bucket, 10, 1_000), 10);
        assert_eq!(taken(&mut bucket, 10_000, 1_000), 250);
        assert_eq!(taken(&mut bucket, 10_000, 0), 10_000);
        // One a second, however slowly they are asked for.
        let mut slow = Bucket::default();
        let seconds = (0..100)
            .filter(|tenth| slow.take(at(tenth * 100), 1, 0))
            .count();
        assert_eq!(seconds, 10);
    }

    #[test]
    fn a_pace_falls_fast_rises_slowly_and_never_ends() {
        let mut pace = Pace::default();
        let rate = 1_600;
        let mut after = |looks: usize, is_late: bool| {
            for _ in 0..looks {
                pace.note(rate, is_late);
            }
            pace.of(rate)
        };
        assert_eq!(after(1, false), 1_600);
        assert_eq!(after(1, true), 1_200);
        assert_eq!(after(2, true), 675);
        assert_eq!(after(100, true), 533);
        assert_eq!(after(2, false), 583);
        assert_eq!(after(100, false), 1_600);
        // However few there are to let in.
        let mut slow = Pace::default();
        for _ in 0..10 {
            slow.note(1, true);
        }
        assert_eq!(slow.of(1), 1);
    }
}
