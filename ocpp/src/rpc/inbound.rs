//! The peer's calls on one connection: which are new, which are said again.
//!
//! A station may repeat a message under its id (OCPP-J errata 2024-09, 2025-04), and some draw ids from poor
//! generators. The last few ids are kept with a hash of what they asked and the answer they got.
//!
//! # Layout
//!
//! All in one byte vector, because an idle station pays for it; oldest first, little endian:
//!
//! ```text
//! id hash u64 · body hash u64 · answer length u16 · answer
//! ```
//!
//! While a call is unanswered, no answer follows, and the length is 0xFFFF, or 0xFEFF of a call whose answer is not kept,
//! less the refusals that are to leave under its id before its own answer.

use foldhash::fast::FixedState;
use std::hash::BuildHasher;

/// Answered calls that are remembered.
const ANSWERED_MAX: usize = 4;
/// Unanswered calls that are taken; a station ought to have one.
const UNANSWERED_MAX: usize = 32;
/// Longest answer that is kept; a longer one is worked out again.
const ANSWER_LEN_MAX: usize = 512;
/// Refusals of other messages that are counted under the id of an unanswered call.
const REFUSALS_MAX: u16 = 0xff;
const _: () = assert!(ANSWER_LEN_MAX < UNANSWERED_MIN as usize);

const UNANSWERED: u16 = u16::MAX;
/// Of a call whose answer is not kept.
const UNANSWERED_ANEW: u16 = UNANSWERED - REFUSALS_MAX - 1;
const UNANSWERED_MIN: u16 = UNANSWERED_ANEW - REFUSALS_MAX;
const HEAD: usize = 18;

/// What to do with a call of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission<'a> {
    /// Handle it, and report its end by [`Inbound::answered`] or [`Inbound::forget`].
    New,
    /// The same call as one that is being handled: drop it, one answer serves both.
    Pending,
    /// The same call as one that was answered: send this CALLRESULT payload again.
    Replay(&'a [u8]),
    /// Another call under the id of one that is being handled: refuse it with a ProtocolError, after
    /// [`Inbound::refuse_another`].
    Conflict,
    /// More calls are unanswered than anyone may have: read no further before one is answered.
    Full,
}

/// The last few calls of the peer.
#[derive(Debug, Default)]
pub struct Inbound {
    /// Present while there is a call that is remembered; in a box because most connections are silent.
    #[expect(
        clippy::box_collection,
        reason = "8 bytes of a silent connection instead of 24"
    )]
    entries: Option<Box<Vec<u8>>>,
}

#[derive(Clone, Copy)]
struct Entry {
    /// Where it lies in the vector.
    start: usize,
    end: usize,
    id: u64,
    body: u64,
    answered: bool,
    /// It is unanswered, and its answer will not be kept.
    is_anew: bool,
    /// Refusals of other messages that leave under its id before its own answer.
    refusals: u16,
}

impl Inbound {
    /// No calls yet; nothing is allocated.
    pub fn new() -> Inbound {
        Inbound::default()
    }

    /// Decides about a call. An answered BootNotification or Heartbeat is new again: it asks for the time of now.
    pub fn admit(&mut self, id: &str, action: &str, payload: &str) -> Admission<'_> {
        let (id, body) = (hash(id), hash((action, payload)));
        if let Some(entry) = self.find(|entry| entry.id == id) {
            if entry.body == body && entry.answered {
                return Admission::Replay(&self.bytes()[entry.start + HEAD..entry.end]);
            }
            if entry.body == body {
                return Admission::Pending;
            }
            if !entry.answered {
                return Admission::Conflict;
            }
            // A worn-out generator has come round to an old id: only the content can tell.
            self.remove(entry);
        }
        if self.unanswered() >= UNANSWERED_MAX {
            return Admission::Full;
        }
        let len = match is_answered_anew(action) {
            true => UNANSWERED_ANEW,
            false => UNANSWERED,
        };
        self.push(id, body, len);
        Admission::New
    }

    /// Notes the CALLRESULT payload that the call `id` was answered with.
    pub fn answered(&mut self, id: &str, payload: &[u8]) {
        let id = hash(id);
        let Some(entry) = self.find(|entry| entry.id == id && !entry.answered) else {
            return;
        };
        self.remove(entry);
        if payload.len() <= ANSWER_LEN_MAX && !entry.is_anew {
            self.push(id, entry.body, payload.len() as u16);
            self.bytes_mut().extend_from_slice(payload);
        }
        if self.iter().filter(|entry| entry.answered).count() > ANSWERED_MAX
            && let Some(oldest) = self.find(|entry| entry.answered)
        {
            self.remove(oldest);
        }
        if self.bytes().is_empty() {
            self.entries = None;
        } else {
            self.bytes_mut().shrink_to(256);
        }
    }

    /// A message under this id is refused that was not admitted: the refusal that leaves is not the answer to the call
    /// which is being handled under the same id, if there is one.
    pub fn refuse_another(&mut self, id: &str) {
        let id = hash(id);
        if let Some(entry) = self.find(|entry| entry.id == id && !entry.answered) {
            self.set_refusals(entry, (entry.refusals + 1).min(REFUSALS_MAX));
        }
    }

    /// A refusal under this id leaves. Its call is forgotten, since the same refusal can be worked out again.
    pub fn refused(&mut self, id: &str) {
        let id = hash(id);
        let entry = self.find(|entry| entry.id == id && !entry.answered);
        match entry.map(|entry| (entry, entry.refusals.checked_sub(1))) {
            // They were too many to be counted; the call is remembered for as long as its connection lasts.
            Some((entry, Some(_))) if entry.refusals == REFUSALS_MAX => {}
            Some((entry, Some(refusals))) => self.set_refusals(entry, refusals),
            Some((entry, None)) => self.remove(entry),
            None => {}
        }
    }

    /// True while a call under this id is being handled.
    pub fn is_unanswered(&self, id: &str) -> bool {
        let id = hash(id);
        self.find(|entry| entry.id == id && !entry.answered)
            .is_some()
    }

    /// Calls that are being handled.
    pub fn unanswered(&self) -> usize {
        self.iter().filter(|entry| !entry.answered).count()
    }

    fn bytes(&self) -> &[u8] {
        self.entries.as_ref().map_or(&[], |entries| entries)
    }

    fn bytes_mut(&mut self) -> &mut Vec<u8> {
        self.entries.get_or_insert_default()
    }

    fn push(&mut self, id: u64, body: u64, len: u16) {
        let bytes = self.bytes_mut();
        bytes.extend_from_slice(&id.to_le_bytes());
        bytes.extend_from_slice(&body.to_le_bytes());
        bytes.extend_from_slice(&len.to_le_bytes());
    }

    fn set_refusals(&mut self, entry: Entry, refusals: u16) {
        let len = match entry.is_anew {
            true => UNANSWERED_ANEW - refusals,
            false => UNANSWERED - refusals,
        };
        self.bytes_mut()[entry.start + HEAD - 2..entry.start + HEAD]
            .copy_from_slice(&len.to_le_bytes());
    }

    fn remove(&mut self, entry: Entry) {
        self.bytes_mut().drain(entry.start..entry.end);
    }

    fn find(&self, wanted: impl Fn(&Entry) -> bool) -> Option<Entry> {
        self.iter().find(wanted)
    }

    fn iter(&self) -> impl Iterator<Item = Entry> {
        let mut start = 0;
        std::iter::from_fn(move || {
            let head: &[u8; HEAD] = self.bytes().get(start..)?.first_chunk()?;
            let word = |at: usize| {
                let bytes = head[at..at + 8].try_into().expect("the head has 18 bytes");
                u64::from_le_bytes(bytes)
            };
            let len = u16::from_le_bytes([head[16], head[17]]);
            let answered = len < UNANSWERED_MIN;
            let is_anew = (UNANSWERED_MIN..=UNANSWERED_ANEW).contains(&len);
            let refusals = match (answered, is_anew) {
                (true, _) => 0,
                (false, true) => UNANSWERED_ANEW - len,
                (false, false) => UNANSWERED - len,
            };
            let end = start + HEAD + if answered { usize::from(len) } else { 0 };
            let entry = Entry {
                start,
                end,
                id: word(0),
                body: word(8),
                answered,
                is_anew,
                refusals,
            };
            start = end;
            Some(entry)
        })
    }
}

fn is_answered_anew(action: &str) -> bool {
    matches!(action, "BootNotification" | "Heartbeat")
}

/// Not keyed: whoever finds a collision deceives no station but his own.
fn hash(value: impl std::hash::Hash) -> u64 {
    FixedState::default().hash_one(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"connectorId":1}"#;

    #[test]
    fn part4_4_1_4_the_same_call_again_gets_the_same_answer() {
        let mut inbound = Inbound::new();
        assert_eq!(inbound.admit("7", "MeterValues", BODY), Admission::New);
        assert_eq!(inbound.admit("7", "MeterValues", BODY), Admission::Pending);
        inbound.answered("7", b"{}");
        assert_eq!(
            inbound.admit("7", "MeterValues", BODY),
            Admission::Replay(b"{}")
        );
        assert_eq!(inbound.unanswered(), 0);
    }

    #[test]
    fn part4_4_2_3_another_call_under_the_same_id_is_refused_only_while_the_first_is_unanswered() {
        let mut inbound = Inbound::new();
        assert_eq!(inbound.admit("7", "MeterValues", BODY), Admission::New);
        assert_eq!(inbound.admit("7", "MeterValues", "{}"), Admission::Conflict);
        assert_eq!(inbound.admit("7", "Authorize", BODY), Admission::Conflict);
        inbound.answered("7", b"{}");
        assert_eq!(inbound.admit("7", "MeterValues", "{}"), Admission::New);
        assert_eq!(inbound.admit("7", "MeterValues", BODY), Admission::Conflict);
    }

    #[test]
    fn boot_and_heartbeat_are_answered_anew() {
        let mut inbound = Inbound::new();
        for action in ["BootNotification", "Heartbeat"] {
            assert_eq!(inbound.admit("7", action, "{}"), Admission::New);
            assert_eq!(inbound.admit("7", action, "{}"), Admission::Pending);
            assert_eq!(inbound.admit("7", "Authorize", "{}"), Admission::Conflict);
            inbound.answered("7", br#"{"currentTime":"2026-11-22T10:00:00Z"}"#);
            assert_eq!(inbound.admit("7", action, "{}"), Admission::New);
            inbound.answered("7", br#"{"currentTime":"2026-11-22T10:00:00Z"}"#);
        }
        assert!(inbound.entries.is_none());
    }

    #[test]
    fn a_refused_call_is_forgotten() {
        let mut inbound = Inbound::new();
        assert_eq!(inbound.admit("7", "Authorize", BODY), Admission::New);
        inbound.refused("7");
        assert_eq!(inbound.admit("7", "Authorize", "{}"), Admission::New);
    }

    #[test]
    fn what_is_refused_under_the_id_of_an_open_call_takes_nothing_from_it() {
        for first in ["SignCertificate", "BootNotification"] {
            for refusals in [1, 2, 254, 255, 1_000] {
                let mut inbound = Inbound::new();
                assert_eq!(inbound.admit("7", first, BODY), Admission::New);
                for _ in 0..refusals {
                    assert_eq!(inbound.admit("7", "Heartbeat", "{}"), Admission::Conflict);
                    inbound.refuse_another("7");
                }
                for _ in 0..refusals {
                    inbound.refused("7");
                    assert_eq!(
                        inbound.admit("7", first, BODY),
                        Admission::Pending,
                        "{refusals}"
                    );
                }
                inbound.answered("7", b"{}");
                let again = match first {
                    "BootNotification" => Admission::New,
                    _ => Admission::Replay(b"{}"),
                };
                assert_eq!(inbound.admit("7", first, BODY), again, "{refusals}");
            }
        }
        // Its own refusal ends it, and what nobody is at work on is no conflict.
        let mut inbound = Inbound::new();
        inbound.refuse_another("7");
        assert_eq!(inbound.admit("7", "SignCertificate", BODY), Admission::New);
        inbound.refuse_another("7");
        inbound.refused("7");
        inbound.refused("7");
        assert_eq!(inbound.admit("7", "Heartbeat", "{}"), Admission::New);
    }

    #[test]
    fn only_the_last_few_are_remembered() {
        let mut inbound = Inbound::new();
        for id in ["a", "b", "c", "d"] {
            assert_eq!(inbound.admit(id, "Authorize", BODY), Admission::New);
            inbound.answered(id, &[b' '; ANSWER_LEN_MAX]);
        }
        for id in 0..1_000u32 {
            let id = id.to_string();
            assert_eq!(inbound.admit(&id, "MeterValues", BODY), Admission::New);
            inbound.answered(&id, b"{}");
        }
        assert_eq!(
            inbound.admit("996", "MeterValues", BODY),
            Admission::Replay(b"{}")
        );
        assert_eq!(inbound.admit("995", "MeterValues", BODY), Admission::New);
        assert!(
            inbound.bytes_mut().capacity() <= 256,
            "{}",
            inbound.bytes_mut().capacity()
        );
    }

    #[test]
    fn an_answer_too_long_to_keep_is_worked_out_again() {
        let mut inbound = Inbound::new();
        for (len, expected) in [(ANSWER_LEN_MAX, true), (ANSWER_LEN_MAX + 1, false)] {
            assert_eq!(inbound.admit("7", "Authorize", BODY), Admission::New);
            inbound.answered("7", &vec![b' '; len]);
            let kept = matches!(inbound.admit("7", "Authorize", BODY), Admission::Replay(_));
            assert_eq!(kept, expected, "{len}");
            inbound = Inbound::new();
        }
    }

    #[test]
    fn calls_without_answer_are_bounded() {
        let mut inbound = Inbound::new();
        for id in 0..UNANSWERED_MAX {
            assert_eq!(
                inbound.admit(&id.to_string(), "MeterValues", BODY),
                Admission::New
            );
        }
        assert_eq!(inbound.admit("x", "MeterValues", BODY), Admission::Full);
        inbound.answered("0", b"{}");
        assert_eq!(inbound.admit("x", "MeterValues", BODY), Admission::New);
    }
}
