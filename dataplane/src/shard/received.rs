//! Bytes of sockets, until they are messages.

use std::ops::ControlFlow;

use net::driver::ConnId;
use net::ws::{self, CloseCode};

use super::conns::Stage;
use super::{Effect, HELD_MAX, Now, Shard};

impl Shard {
    /// Bytes of a socket; answers how many were used. The rest comes again with more, or after `Effect::Resume`.
    pub(crate) fn received(&mut self, now: Now, id: ConnId, bytes: &mut [u8]) -> usize {
        let Some(conn) = self.conns.get_mut(id) else {
            return bytes.len();
        };
        conn.seen_at = now.tick();
        match &mut conn.stage {
            Stage::Closing => bytes.len(),
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
                if live.paused || self.reads_paused {
                    live.paused = true;
                    self.outbox.push(Effect::Pause(id));
                    return 0;
                }
                let mut codec =
                    std::mem::replace(&mut live.codec, ws::Codec::new(ws::Role::Server));
                let limits = ws::Limits {
                    message_len_max: self.settings.config.message_len_max,
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
                if let Some(live) = self.conns.live_mut(id) {
                    live.codec = codec;
                }
                read.unwrap_or_else(|error| {
                    self.tally.counters.connections_dropped += 1;
                    self.say_goodbye(now, id, error.close_code(), &error.to_string());
                    bytes.len()
                })
            }
        }
    }

    pub(super) fn message(
        &mut self,
        now: Now,
        id: ConnId,
        message: ws::Message<'_>,
    ) -> ControlFlow<()> {
        match message {
            ws::Message::Text(text) => self.text(now, id, text),
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
        match self.conns.live_mut(id) {
            // The rest comes again when answers have gone out.
            Some(live) if full || HELD_MAX <= live.held => {
                live.paused = true;
                self.outbox.push(Effect::Pause(id));
                ControlFlow::Break(())
            }
            Some(_) => ControlFlow::Continue(()),
            None => ControlFlow::Break(()),
        }
    }
}

/// A peer's text on one line, at most 100 characters.
fn clean(text: &str) -> String {
    text.chars()
        .take(100)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
