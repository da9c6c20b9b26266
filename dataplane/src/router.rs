//! The way to a station from everywhere else: a handle that any thread may hold.
//!
//! Questions and wishes go to the shard that owns the station, through its bounded mailbox; a full one answers
//! [`RouterError::Busy`] at once. Answers come as [`Pending`], a future that needs no particular runtime.

pub(crate) mod charging;
pub(crate) mod closing;
mod commands;
mod events;
pub(crate) mod grid;
mod items;
mod letters;
pub(crate) mod limits;
pub(crate) mod money;
pub(crate) mod pending;
pub(crate) mod quarantine;
pub(crate) mod reservations;
mod stations;
mod tokens;
mod variables;
pub(crate) mod view;
mod web_payment;

use std::sync::Arc;
use std::time::Duration;

use fleet::record::StationCertificates;
use fleet::{Partition, StationKey};
use net::clock::monotonic_ns;
use net::driver::DriverKind;
use storage::log::LogHandle;

use crate::config::Config;
use crate::mailbox::{Lanes, Mailbox, Post, Undelivered};
use crate::quirks::{QuirkBook, QuirkError, Shelf};
pub use commands::{
    CommandRefused, CommandRequest, StartOutcome, StartRequest, StopOutcome, StopRequest,
};
pub(crate) use letters::{Ask, Letter, TokenAsk};
use pending::{Pending, Reply, pending};
pub use stations::{
    RegisterError, RegisterMode, RegisterPart, Registration, StationFilter, StationPatch,
};
use view::{LogView, Page, ShardHealth};

/// Longest page of a list.
const PAGE_LEN_MAX: usize = 500;

/// Why a question got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouterError {
    /// The shard is behind; ask again later.
    #[error("the station's shard has too many questions waiting")]
    Busy,
    /// The server is shutting down.
    #[error("the station's shard has ended")]
    Stopped,
    /// [`Pending::wait`] gave up.
    #[error("the station's shard has not answered in time")]
    TimedOut,
    /// What it hangs on has left memory, and the store does not tell.
    #[error("the state store cannot be read")]
    StoreUnreadable,
}

/// Why settings do not hold everywhere.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReconfigureError {
    /// The operator's profiles; nothing has changed.
    #[error("reading quirk profiles")]
    Quirks(#[from] QuirkError),
    /// One has not said that it runs with them. It may later, the others do.
    #[error("telling shard {shard} its settings")]
    Shard {
        /// Which.
        shard: usize,
        /// Why.
        source: RouterError,
    },
}

/// Time in which a shard takes its settings; one that hangs is waited for no longer.
const RECONFIGURE_TIMEOUT: Duration = Duration::from_secs(10);

/// Reaches every station of this server. Cheap to clone.
#[derive(Clone)]
pub struct Router {
    shards: Arc<[Lanes<Letter>]>,
    tokens: Mailbox<TokenAsk>,
    logs: Arc<[LogHandle]>,
    quirks: Arc<Shelf>,
    /// What the shards were started with.
    started: Arc<Config>,
    driver: DriverKind,
}

impl Router {
    /// `logs` are those of `shards`.
    pub(crate) fn new(
        shards: Vec<Lanes<Letter>>,
        tokens: Mailbox<TokenAsk>,
        logs: &[LogHandle],
        quirks: Arc<Shelf>,
        started: Arc<Config>,
        driver: DriverKind,
    ) -> Self {
        Self {
            shards: shards.into(),
            tokens,
            logs: logs.into(),
            quirks,
            started,
            driver,
        }
    }

    /// What carries the stations' sockets.
    pub fn driver(&self) -> DriverKind {
        self.driver
    }

    /// The quirk profiles in force.
    pub fn quirks(&self) -> Arc<QuirkBook> {
        self.quirks.book()
    }

    /// Reads the quirk profiles again, and answers with those in force from now on. Reads files: not for a thread that
    /// must not wait.
    ///
    /// # Errors
    ///
    /// Any [`QuirkError`]; the profiles stay as they were.
    pub fn reload_quirks(&self) -> Result<Arc<QuirkBook>, QuirkError> {
        self.quirks.reload()
    }

    /// Lets every shard run with `wanted` from now on, and reads the quirk profiles again. What threads, sockets and files were
    /// made by stays as it was, whatever `wanted` says, and so does what bills are made by. Reads files and waits: not for a
    /// thread that must not.
    ///
    /// # Errors
    ///
    /// Any [`ReconfigureError`].
    pub fn reconfigure(&self, wanted: Config) -> Result<(), ReconfigureError> {
        let config = Arc::new(self.started.taking(wanted));
        self.quirks.reload_by(config.quirks.clone())?;
        let tell = |shard| {
            post(shard, |reply| {
                Letter::Configured(Arc::clone(&config), reply)
            })
        };
        let told: Vec<_> = self.shards.iter().map(tell).collect();
        let patience = RECONFIGURE_TIMEOUT.as_nanos() as u64;
        let until = monotonic_ns() + patience;
        let mut result = Ok(());
        for (shard, pending) in told.into_iter().enumerate() {
            let taken = pending.wait(Duration::from_nanos(until.saturating_sub(monotonic_ns())));
            result = result.and(taken.map_err(|source| ReconfigureError::Shard { shard, source }));
        }
        result
    }

    fn ask<T>(&self, partition: Partition, ask: impl FnOnce(Reply<T>) -> Ask) -> Pending<T> {
        self.ask_shard(partition.shard(self.shards.len()), ask)
    }

    fn ask_shard<T>(&self, shard: usize, ask: impl FnOnce(Reply<T>) -> Ask) -> Pending<T> {
        post(&self.shards[shard], |reply| Letter::Ask(ask(reply)))
    }

    /// Merges the shards' ordered lists. A shard may scan only so far in one turn and return fewer items with a
    /// `next`; only what lies before the nearest such `next` is known to be whole.
    async fn merged<T, C: Ord + Clone>(
        &self,
        after: Option<C>,
        limit: usize,
        ask: impl Fn(usize, Option<C>, usize) -> Pending<Page<T, C>>,
        cursor: impl Fn(&T) -> C,
    ) -> Result<Page<T, C>, RouterError> {
        let limit = limit.clamp(1, PAGE_LEN_MAX);
        let mut after = after;
        let mut page = Page {
            items: Vec::new(),
            next: None,
        };
        loop {
            let wanted = limit - page.items.len();
            let asked: Vec<_> = (0..self.shards.len())
                .map(|shard| ask(shard, after.clone(), wanted))
                .collect();
            let mut found = Vec::new();
            let mut whole_until: Option<C> = None;
            for pending in asked {
                let part = pending.await?;
                found.extend(part.items.into_iter().map(|item| (cursor(&item), item)));
                if let Some(next) = part.next {
                    whole_until = Some(whole_until.map_or(next.clone(), |until| until.min(next)));
                }
            }
            found.sort_by(|a, b| a.0.cmp(&b.0));
            let whole = whole_until.as_ref().map_or(found.len(), |until| {
                found.partition_point(|(at, _)| at <= until)
            });
            let more = whole_until.is_some() || wanted < whole;
            found.truncate(whole.min(wanted));
            let last = found.last().map(|(at, _)| at.clone());
            page.items.extend(found.into_iter().map(|(_, item)| item));
            if !more {
                return Ok(page);
            }
            if page.items.len() == limit {
                page.next = last;
                return Ok(page);
            }
            after = whole_until;
        }
    }

    /// The certificates of a station, as far as its own answers tell, and those that it asked for; `None` for a station
    /// nobody has heard of.
    pub fn certificates(&self, key: StationKey) -> Pending<Option<StationCertificates>> {
        self.ask(key.partition(), |reply| Ask::Certificates { key, reply })
    }

    /// How every shard does, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// [`RouterError`] when one did not answer.
    pub async fn health(&self) -> Result<Vec<ShardHealth>, RouterError> {
        let mut health = Vec::with_capacity(self.shards.len());
        for pending in self.health_of_each() {
            health.push(pending.await?);
        }
        Ok(health)
    }

    /// The same of each by itself: one that hangs keeps nothing of the others back.
    pub fn health_of_each(&self) -> Vec<Pending<ShardHealth>> {
        let shards = self.shards.iter();
        shards.map(|shard| post(shard, Letter::Health)).collect()
    }

    /// How every shard's log is, in the order of the shards. Nobody is asked: a disk that hangs in the middle of a
    /// shard's own commit shows here.
    pub fn logs(&self) -> Vec<LogView> {
        let now_ns = net::clock::monotonic_ns();
        let open_for = |log: &LogHandle| {
            let since_ns = log.pending_since_ns()?;
            Some(Duration::from_nanos(now_ns.saturating_sub(since_ns)))
        };
        let logs = self.logs.iter().enumerate();
        logs.map(|(shard, log)| LogView {
            shard,
            id: log.id(),
            health: log.health(now_ns),
            open_for: open_for(log),
        })
        .collect()
    }
}

/// Posts a question; one that was not taken is answered with the reason.
fn post<A, T>(to: &impl Post<A>, ask: impl FnOnce(Reply<T>) -> A) -> Pending<T> {
    let (reply, pending) = pending();
    // A letter that comes back is dropped, and its reply says that nobody is there; a full box says so first.
    if let Err(Undelivered::Busy(letter)) = to.post(ask(reply)) {
        pending.refuse(RouterError::Busy);
        drop(letter);
    }
    pending
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::mailbox::{Lane, MAILBOX_LEN_MAX, lanes, mailbox};
    use crate::quirks::QuirksConfig;

    fn router(shards: Vec<Lanes<Letter>>) -> Router {
        let (tokens, _asks) = mailbox(Arc::new(|| {}));
        let quirks = Shelf::open(QuirksConfig::default()).unwrap();
        let started = Config {
            heartbeat_interval_s: 300,
            ..Config::default()
        };
        let (quirks, started) = (Arc::new(quirks), Arc::new(started));
        Router::new(shards, tokens, &[], quirks, started, DriverKind::Epoll)
    }

    #[test]
    fn a_shard_that_is_gone_keeps_no_other_from_its_settings() {
        let (gone, letters) = lanes(Arc::new(|| {}));
        drop(letters);
        let (rung, bell) = channel();
        let (there, letters) = lanes(Arc::new(move || rung.send(()).unwrap()));
        let router = router(vec![gone, there]);
        let shard = std::thread::spawn(move || {
            bell.recv_timeout(Duration::from_secs(60)).unwrap();
            let letter = letters.next(Lane::Urgent);
            let Some(Letter::Configured(config, reply)) = letter else {
                panic!("another letter");
            };
            reply.send(());
            config.heartbeat_interval_s
        });
        let told = router.reconfigure(Config {
            heartbeat_interval_s: 60,
            ..Config::default()
        });
        assert_eq!(shard.join().unwrap(), 60);
        let Err(ReconfigureError::Shard { shard, source }) = told else {
            panic!("{told:?}");
        };
        assert_eq!((shard, source), (0, RouterError::Stopped));
    }

    #[test]
    fn a_command_goes_past_more_questions_than_are_taken() {
        let (shard, letters) = lanes(Arc::new(|| {}));
        let router = router(vec![shard]);
        let station = StationKey::new("default", "CP1").unwrap();
        let questions: Vec<_> = (0..=MAILBOX_LEN_MAX)
            .map(|_| router.station(station.clone()))
            .collect();
        let mut answers = questions.into_iter().rev();
        let last = answers.next().unwrap().wait(Duration::from_secs(60));
        assert_eq!(last.unwrap_err(), RouterError::Busy);
        let _command = router.command(CommandRequest {
            station,
            action: "Reset".to_owned(),
            payload: r#"{"type":"Soft"}"#.to_owned(),
            principal: "admin".to_owned(),
            wait: None,
            answer_timeout: None,
        });
        let letter = letters.next(Lane::Urgent);
        let is_command = matches!(letter, Some(Letter::Ask(Ask::Command { .. })));
        assert!(is_command);
    }
}
