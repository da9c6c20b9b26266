//! The rules of calls on one connection: ours beside a model of them, the peer's beside what was answered.
//!
//! The input is a script: frames, answers, timeouts, in any order and at any time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use ocpp::{Admission, Call, Frame, FrameFault, Inbound, Instant, Outcome, Rpc, Version};

use crate::input::Input;

const UNANSWERED_MAX: usize = 32;

pub(crate) fn run(data: &[u8]) {
    let mut input = Input(data);
    let timeout = Duration::from_millis(1 + u64::from(input.byte()));
    let queue_len_max = u16::from(input.byte() % 4);
    let version = Version::ALL[usize::from(input.byte()) % 3];
    let mut ours = Ours {
        rpc: Rpc::new(queue_len_max),
        now: Instant(0),
        timeout,
        queue_len_max: usize::from(queue_len_max),
        open: VecDeque::new(),
        transmitted: false,
        deadline: Instant(0),
        made: 0,
    };
    let mut theirs = Theirs::default();
    while !input.is_empty() {
        match input.byte() % 10 {
            0 => ours.call(),
            1 => ours.transmit(),
            2 => {
                let id = ours.recent(input.byte());
                ours.hear(&Frame::CallResult {
                    id: id.into(),
                    payload: "{}",
                });
            }
            3 => {
                let id = ours.recent(input.byte());
                ours.hear(&Frame::CallError {
                    id: id.into(),
                    code: "GenericError".into(),
                    description: "".into(),
                    details: "{}",
                });
            }
            4 => {
                let id = ours.recent(input.byte());
                let before = ours.open.len();
                ours.rpc.handle_unreadable(ours.now, &id);
                ours.check(before);
            }
            5 => {
                ours.now = ours.now + Duration::from_millis(u64::from(input.byte()));
                let before = ours.open.len();
                ours.rpc.handle_timeout(ours.now);
                ours.check(before);
            }
            6 => {
                let Ok(text) = std::str::from_utf8(input.bytes()) else {
                    return;
                };
                match ocpp::scan(text, version) {
                    Ok(Frame::Call {
                        id,
                        action,
                        payload,
                    }) => theirs.admit(&id, &action, payload),
                    Ok(frame) => ours.hear(&frame),
                    Err(error) => {
                        if let (
                            FrameFault::AnswerElements | FrameFault::RefusalElements,
                            Some(id),
                        ) = (error.fault, error.id)
                        {
                            let before = ours.open.len();
                            ours.rpc.handle_unreadable(ours.now, &id);
                            ours.check(before);
                        }
                    }
                }
            }
            7 => {
                let (id, action, body) = (input.byte() % 40, input.byte() % 3, input.byte() % 3);
                theirs.admit(
                    &id.to_string(),
                    ["Authorize", "MeterValues", "Heartbeat"][usize::from(action)],
                    ["{}", "[]", "{\"a\":1}"][usize::from(body)],
                );
            }
            8 => {
                let id = (input.byte() % 40).to_string();
                theirs.answer(&id, input.bytes());
            }
            _ => {
                let id = (input.byte() % 40).to_string();
                theirs.inbound.refused(&id);
                theirs.open.remove(&id);
                theirs.check();
            }
        }
    }
    ours.leave();
}

/// Our calls, and what must hold for them.
struct Ours {
    rpc: Rpc,
    now: Instant,
    timeout: Duration,
    queue_len_max: usize,
    /// Calls without an end, the one on the line first.
    open: VecDeque<String>,
    /// Whether the first has been handed out.
    transmitted: bool,
    /// Of the first.
    deadline: Instant,
    made: u32,
}

impl Ours {
    /// The id of one of the last calls, ended or not, or of one that was never made.
    fn recent(&self, back: u8) -> String {
        (i64::from(self.made) - i64::from(back % 6)).to_string()
    }

    fn call(&mut self) {
        self.made += 1;
        let call = Call {
            id: self.made.to_string(),
            action: "Reset".into(),
            payload: "{}".to_owned(),
            answer_timeout: self.timeout,
        };
        let before = self.open.len();
        match self.rpc.call(self.now, call.clone()) {
            Ok(()) => {
                assert!(before <= self.queue_len_max);
                if before == 0 {
                    self.begin();
                }
                self.open.push_back(call.id);
            }
            Err(full) => {
                assert!(before == 1 + self.queue_len_max);
                assert_eq!(full.call, call);
            }
        }
        let open = self.open.len();
        self.check(open);
    }

    fn begin(&mut self) {
        self.transmitted = false;
        self.deadline = self.now + self.timeout;
    }

    fn transmit(&mut self) {
        let call = self.rpc.poll_transmit().map(|call| call.id.clone());
        let due = self.open.front().filter(|_| !self.transmitted);
        assert_eq!(call.as_ref(), due, "one call at a time, each once");
        self.transmitted |= call.is_some();
    }

    fn hear(&mut self, frame: &Frame<'_>) {
        let before = self.open.len();
        let unexpected = self.rpc.answers_unexpected();
        self.rpc.handle_frame(self.now, frame);
        self.check(before);
        let answers = matches!(frame, Frame::CallResult { .. } | Frame::CallError { .. });
        let counted = self.rpc.answers_unexpected() > unexpected;
        assert!(
            !answers || unexpected == u16::MAX || counted == (self.open.len() == before),
            "an answer ends a call or is counted"
        );
    }

    /// Takes the events since `before` calls were open.
    fn check(&mut self, before: usize) {
        while let Some(event) = self.rpc.poll_event() {
            let id = self.open.pop_front();
            assert_eq!(Some(event.call.id), id, "calls end in their order");
            match event.outcome {
                Outcome::Answered(_) | Outcome::Refused { .. } | Outcome::Unreadable => {
                    assert!(self.transmitted, "what was not sent is not answered");
                }
                Outcome::TimedOut => assert!(self.deadline <= self.now),
            }
            self.begin();
        }
        assert!(
            before <= self.open.len() + 1,
            "one frame ends one call at most"
        );
        let due = (!self.open.is_empty()).then_some(self.deadline);
        assert_eq!(self.rpc.poll_timeout(), due);
    }

    /// The connection is gone: every call that has no end comes back.
    fn leave(self) {
        let (sent, unsent) = self.rpc.into_calls();
        assert_eq!(sent.is_some(), self.transmitted && !self.open.is_empty());
        let left: Vec<String> = sent.into_iter().chain(unsent).map(|call| call.id).collect();
        assert_eq!(left, Vec::from(self.open));
    }
}

/// What was asked: action and payload.
type Body = (String, String);

/// The peer's calls.
#[derive(Default)]
struct Theirs {
    inbound: Inbound,
    /// By id, what is being handled.
    open: BTreeMap<String, Body>,
    /// The last answer to what was asked under an id.
    answered: BTreeMap<(String, Body), Vec<u8>>,
}

impl Theirs {
    fn admit(&mut self, id: &str, action: &str, payload: &str) {
        let body = (action.to_owned(), payload.to_owned());
        let open = self.open.get(id);
        match self.inbound.admit(id, action, payload) {
            Admission::New => {
                assert!(open.is_none());
                self.open.insert(id.to_owned(), body);
            }
            Admission::Pending => assert_eq!(open, Some(&body)),
            Admission::Replay(answer) => {
                assert!(open.is_none());
                let kept = self.answered.get(&(id.to_owned(), body));
                assert_eq!(kept.map(Vec::as_slice), Some(answer));
            }
            Admission::Conflict => assert!(open.is_some_and(|open| *open != body)),
            Admission::Full => assert_eq!(self.open.len(), UNANSWERED_MAX),
        }
        self.check();
    }

    fn answer(&mut self, id: &str, payload: &[u8]) {
        let Some(body) = self.open.remove(id) else {
            return;
        };
        self.inbound.answered(id, payload);
        if !matches!(&*body.0, "BootNotification" | "Heartbeat") {
            self.answered
                .insert((id.to_owned(), body), payload.to_vec());
        }
        self.check();
    }

    fn check(&self) {
        assert_eq!(self.inbound.unanswered(), self.open.len());
        assert!(self.open.len() <= UNANSWERED_MAX);
    }
}
