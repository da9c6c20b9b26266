//! An answer that will come from another thread: a future without a runtime.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::RouterError;

/// Where an answer will be. A future for whoever has a runtime, [`Pending::wait`] for whoever has a thread.
#[derive(Debug)]
pub struct Pending<T>(Arc<Slot<T>>);

/// The answering end. Dropped without an answer, it answers [`RouterError::Stopped`].
#[derive(Debug)]
pub(crate) struct Reply<T>(Option<Arc<Slot<T>>>);

#[derive(Debug)]
struct Slot<T> {
    state: Mutex<State<T>>,
    answered: Condvar,
}

#[derive(Debug)]
struct State<T> {
    answer: Option<Result<T, RouterError>>,
    waker: Option<Waker>,
}

/// Both ends of one answer.
pub(crate) fn pending<T>() -> (Reply<T>, Pending<T>) {
    let slot = Arc::new(Slot {
        state: Mutex::new(State {
            answer: None,
            waker: None,
        }),
        answered: Condvar::new(),
    });
    (Reply(Some(Arc::clone(&slot))), Pending(slot))
}

impl<T> Reply<T> {
    pub(crate) fn send(mut self, answer: T) {
        self.put(Ok(answer));
    }

    pub(crate) fn refuse(mut self, error: RouterError) {
        self.put(Err(error));
    }

    fn put(&mut self, answer: Result<T, RouterError>) {
        let Some(slot) = self.0.take() else { return };
        slot.put(answer);
    }
}

impl<T> Slot<T> {
    /// The first answer counts.
    fn put(&self, answer: Result<T, RouterError>) {
        let waker = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.answer.is_some() {
                return;
            }
            state.answer = Some(answer);
            state.waker.take()
        };
        self.answered.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        self.put(Err(RouterError::Stopped));
    }
}

impl<T> Pending<T> {
    /// Answers in the place of whoever was asked; whatever that one says later is passed by.
    pub(crate) fn refuse(&self, error: RouterError) {
        self.0.put(Err(error));
    }

    /// Blocks this thread until the answer is there, at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`RouterError`] of the router, or [`RouterError::TimedOut`].
    pub fn wait(self, timeout: Duration) -> Result<T, RouterError> {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .0
            .answered
            .wait_timeout_while(state, timeout, |state| state.answer.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        state.answer.take().unwrap_or(Err(RouterError::TimedOut))
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T, RouterError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_crosses_threads() {
        let (reply, pending) = pending();
        let thread = std::thread::spawn(move || reply.send(7));
        assert_eq!(pending.wait(Duration::from_secs(60)), Ok(7));
        thread.join().unwrap();
    }

    #[test]
    fn a_dropped_question_is_answered_stopped() {
        let (reply, pending) = pending::<u8>();
        drop(reply);
        assert_eq!(
            pending.wait(Duration::from_secs(60)),
            Err(RouterError::Stopped)
        );
    }

    #[test]
    fn a_refusal_stands() {
        let (reply, pending) = pending();
        pending.refuse(RouterError::Busy);
        reply.send(7);
        assert_eq!(
            pending.wait(Duration::from_secs(60)),
            Err(RouterError::Busy)
        );
    }

    #[test]
    fn waiting_ends() {
        let (_reply, pending) = pending::<u8>();
        assert_eq!(pending.wait(Duration::ZERO), Err(RouterError::TimedOut));
    }
}
