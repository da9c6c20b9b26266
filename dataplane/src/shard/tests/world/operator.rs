//! What operators ask for, and the answers they get.

use std::time::Duration;

use super::{World, key};
use crate::Password;
use crate::router::pending::{Pending, pending};
use crate::router::{Ask, CommandRequest, RegisterMode, Registration, StationPatch};

impl World {
    pub(in crate::shard::tests) fn ask<T: std::fmt::Debug + 'static>(
        &mut self,
        what: &str,
        ask: impl FnOnce(crate::router::pending::Reply<T>) -> Ask,
    ) {
        let (reply, pending) = pending();
        let mut pending = Some(pending);
        let heard = Box::new(move || {
            let answer = peek(pending.take()?);
            match answer {
                Ok(answer) => Some(format!("{answer:?}")),
                Err(still) => {
                    pending = Some(still);
                    None
                }
            }
        });
        self.replies.push((what.to_owned(), heard));
        let now = self.now();
        self.shard.ask(now, ask(reply));
    }

    /// Operators that have their answer.
    pub(super) fn hear(&mut self) {
        let mut replies = std::mem::take(&mut self.replies);
        replies.retain_mut(|(what, heard)| match heard() {
            Some(answer) => {
                let short = shorten(&answer);
                self.say(&format!("op {what}: {short}"));
                false
            }
            None => true,
        });
        self.replies = replies;
    }

    /// `register IDENTITY [password]`
    pub(super) fn register(&mut self, rest: &str) {
        let (identity, password) = rest.split_once(' ').unwrap_or((rest, ""));
        let patch = StationPatch {
            password: (!password.is_empty()).then(|| Some(Password::new(password).unwrap())),
            ..StationPatch::default()
        };
        self.ask_register(identity, patch, RegisterMode::Create);
    }

    pub(super) fn ask_register(&mut self, identity: &str, patch: StationPatch, mode: RegisterMode) {
        let entries = vec![Registration {
            key: key(identity),
            patch,
        }];
        let what = format!("register {identity}");
        self.ask(&what, |reply| Ask::Register {
            entries,
            mode,
            principal: "op".into(),
            reply,
        });
    }

    /// `command IDENTITY [wait] [within=SECONDS] ACTION JSON`
    pub(super) fn command(&mut self, rest: &str) {
        let (station, rest) = rest.split_once(' ').unwrap();
        let (wait, rest) = match rest.strip_prefix("wait ") {
            Some(rest) => (Some(Duration::from_secs(20)), rest),
            None => (None, rest),
        };
        let (answer_timeout, rest) = match rest.strip_prefix("within=") {
            Some(rest) => {
                let (seconds, rest) = rest.split_once(' ').unwrap();
                (Some(Duration::from_secs(seconds.parse().unwrap())), rest)
            }
            None => (None, rest),
        };
        let (action, payload) = rest.split_once(' ').unwrap();
        let request = CommandRequest {
            station: key(station),
            action: action.into(),
            payload: payload.into(),
            principal: "op".into(),
            wait,
            answer_timeout,
        };
        self.ask(&format!("command {action}"), |reply| Ask::Command {
            request,
            reply,
        });
    }
}

/// The answer, or the question back while there is none.
fn peek<T>(pending: Pending<T>) -> Result<Result<T, crate::RouterError>, Pending<T>> {
    use std::future::Future;
    use std::task::{Context, Poll, Waker};

    let mut pending = pending;
    let mut context = Context::from_waker(Waker::noop());
    match std::pin::Pin::new(&mut pending).poll(&mut context) {
        Poll::Ready(answer) => Ok(answer),
        Poll::Pending => Err(pending),
    }
}

/// An answer's debug form without what differs from run to run or fills lines.
fn shorten(answer: &str) -> String {
    let view = answer.find("CommandView");
    let field = |name: &str| {
        let at = answer.find(&format!("{name}: "))? + name.len() + 2;
        let rest = &answer[at..];
        let mut depth = 0;
        let end = rest.char_indices().find(|(_, c)| {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
            (*c == ',' && depth == 0) || depth < 0
        });
        Some(&rest[..end.map_or(rest.len(), |(at, _)| at)])
    };
    match view {
        Some(at) => {
            let before = answer[..at]
                .trim_start_matches("Ok(")
                .trim_start_matches("Ok(");
            let [state, result, error] =
                ["state", "result", "error"].map(|name| field(name).unwrap_or("").to_owned());
            format!("{before}{state} {result} {error}")
        }
        None if answer.contains("TransactionView") => {
            let kind = answer
                .trim_start_matches("Ok(")
                .split('(')
                .next()
                .unwrap_or("");
            format!(
                "{kind} {} energy {}",
                field("state").unwrap_or(""),
                field("energy").unwrap_or("")
            )
        }
        None => answer.to_owned(),
    }
}
