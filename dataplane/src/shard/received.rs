//! Bytes of sockets, until they are messages.

use std::ops::ControlFlow;

use net::driver::ConnId;
use net::ws::{self, CloseCode};
use ocpp::Instant;

use super::conns::{Began, Revocation, Stage};
use super::timers::Deadline;
use super::{Effect, HELD_MAX, Now, Shard};

/// Seconds that a message may take from its first byte to its last.
pub(super) const MESSAGE_MAX_S: u64 = 30;
/// Text of one connection that is acted on before others have their turn. Compressed, it may come in a thousandth of that.
const TURN_BYTES_MAX: usize = 256 << 10;
/// A message counts once more for so many bytes of its text: one that is as cheap to send as it is dear to read is no more
/// welcome than many. So do bytes on the wire that are of no text, such as the headers of tiny frames. A fragment counts with its
/// message, when that is whole.
const COUNTED_BYTES: usize = 4 << 10;
/// Headers of that length are those of any frames.
const HEADERS_FREE: usize = 512;

impl Shard {
    /// Bytes of a socket; answers how many were used. The rest comes again with more, or after `Effect::Resume`.
    pub(crate) fn received(&mut self, now: Now, id: ConnId, bytes: &mut [u8]) -> usize {
        let Some(conn) = self.conns.get_mut(id) else {
            return bytes.len();
        };
        let seen_at = std::mem::replace(&mut conn.seen_at, now.tick());
        match &mut conn.stage {
            Stage::Closing => bytes.len(),
            Stage::Handshake(handshake)
                if handshake.waits || handshake.revocation == Revocation::Asked =>
            {
                0
            }
            Stage::Handshake(_) => {
                let used = self.handshake(now, id, bytes);
                // What follows an upgrade at once is the first message.
                if 0 < used && used < bytes.len() && self.conns.live_mut(id).is_some() {
                    used + self.received(now, id, &mut bytes[used..])
                } else {
                    used
                }
            }
            Stage::Live(live) => {
                live.pinged = false;
                if seen_at != now.tick() {
                    live.heard = 0;
                }
                if live.paused || self.reads_paused {
                    live.paused = true;
                    live.began = Began::default();
                    self.outbox.push(Effect::Pause(id));
                    return 0;
                }
                self.read_text = 0;
                let mut codec =
                    std::mem::replace(&mut live.codec, ws::Codec::new(ws::Role::Server));
                let (held_before, came_before) = (codec.held_len(), codec.fragments_len());
                let limits = ws::Limits {
                    message_len_max: self.config.message_len_max,
                    ..ws::Limits::default()
                };
                let read = match live.is_compressed {
                    false => codec.read(&limits, bytes, |message| self.message(now, id, message)),
                    true => {
                        // Its message lies in it while it is acted on.
                        let mut inflater = std::mem::take(&mut self.compression.inflater);
                        let read =
                            codec.read_compressed(&limits, &mut inflater, bytes, |message| {
                                self.message(now, id, message)
                            });
                        self.compression.inflater = inflater;
                        read
                    }
                };
                let (mut held, mut came) = (0, 0);
                if let Some(live) = self.conns.live_mut(id) {
                    (held, came) = (codec.held_len(), codec.fragments_len());
                    live.codec = codec;
                }
                self.note_fragments(now, held_before, held);
                match read {
                    Ok(used) => {
                        let of_texts = self.read_text + came;
                        self.count_headers(now, id, (came_before + used).saturating_sub(of_texts));
                        self.note_under_way(now, id, used < bytes.len());
                        used
                    }
                    Err(error) => {
                        self.tally.counters.connections_dropped += 1;
                        self.say_goodbye(now, id, error.close_code(), &error.to_string());
                        bytes.len()
                    }
                }
            }
        }
    }

    /// Counts bytes that were of no text.
    fn count_headers(&mut self, now: Now, id: ConnId, len: usize) {
        if len <= HEADERS_FREE {
            return;
        }
        let rate = self.config.messages_per_second_max;
        let Some(live) = self.conns.live_mut(id) else {
            return;
        };
        live.count(len.div_ceil(COUNTED_BYTES));
        if live.said_enough(rate) && !live.paused {
            live.paused = true;
            self.pause_until(id, now.next_second());
        }
    }

    /// Takes down since when a part of a message is here; `rest` is whether a part of a frame is.
    fn note_under_way(&mut self, now: Now, id: ConnId, rest: bool) {
        let tick = now.tick();
        let Some(conn) = self.conns.get_mut(id) else {
            return;
        };
        let Stage::Live(live) = &mut conn.stage else {
            return;
        };
        if live.paused || !(rest || 0 < live.codec.held_len()) {
            live.began = Began::default();
            return;
        }
        match live.began.elapsed(tick) {
            Some(MESSAGE_MAX_S..) => self.end_slow_message(now, id),
            Some(_) => {}
            None => {
                live.began = Began::at(tick);
                let due = u64::from(tick) + MESSAGE_MAX_S;
                if due < u64::from(conn.due) {
                    self.watch(id, due);
                }
            }
        }
    }

    /// Ends a connection whose peer takes too long for a message: one that means it well says it again.
    pub(super) fn end_slow_message(&mut self, now: Now, id: ConnId) {
        self.tally.counters.connections_dropped += 1;
        let reason = "a message took longer than 30 s to arrive";
        self.say_goodbye(now, id, CloseCode::POLICY_VIOLATION, reason);
    }

    /// Stops listening to a connection until `at`.
    fn pause_until(&mut self, id: ConnId, at: Instant) {
        self.outbox.push(Effect::Pause(id));
        self.deadlines.insert(at, Deadline::Listen(id.to_bits()));
    }

    pub(super) fn message(
        &mut self,
        now: Now,
        id: ConnId,
        message: ws::Message<'_>,
    ) -> ControlFlow<()> {
        let mut counts = 1;
        let is_control = !matches!(message, ws::Message::Text(_) | ws::Message::Binary(_));
        match message {
            ws::Message::Text(text) => {
                self.read_text += text.len();
                counts += text.len() / COUNTED_BYTES;
                self.text(now, id, text);
            }
            ws::Message::Binary(_) => {
                self.tally.counters.connections_dropped += 1;
                let reason = "OCPP-J is text, this message was binary";
                self.say_goodbye(now, id, CloseCode::UNSUPPORTED_DATA, reason);
            }
            ws::Message::Ping(payload) => {
                self.outbox
                    .send(id, |out| ws::write_pong(out, None, payload));
            }
            ws::Message::Pong(_) => {}
            ws::Message::Close(code, reason) => {
                let code = code.map_or_else(|| "no code".to_owned(), |code| code.to_string());
                let reason = clean(reason);
                let said = if reason.is_empty() {
                    String::new()
                } else {
                    format!(": {reason}")
                };
                self.detach_station(now, id, &format!("closed by station ({code}){said}"));
                self.outbox.send(id, |out| {
                    ws::write_close(out, None, Some(CloseCode::NORMAL), "")
                });
                self.end(id);
            }
        }
        let full = self.over_budget();
        self.reads_paused |= full;
        let rate = self.config.messages_per_second_max;
        let Some(live) = self.conns.live_mut(id) else {
            return ControlFlow::Break(());
        };
        live.count(counts);
        if !is_control {
            live.began = Began::default();
        }
        if live.said_enough(rate) {
            // Before all other reasons: answers that go out within this second do not let it be heard again.
            live.paused = true;
            self.pause_until(id, now.next_second());
        } else if full || HELD_MAX <= live.held {
            // The rest comes again when answers have gone out.
            live.paused = true;
            self.outbox.push(Effect::Pause(id));
        } else if TURN_BYTES_MAX <= self.read_text {
            live.paused = true;
            self.pause_until(id, now.mono);
        } else {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(())
    }
}

/// A peer's text on one line, at most 100 characters.
fn clean(text: &str) -> String {
    text.chars()
        .take(100)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
