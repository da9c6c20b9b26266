//! A shard's thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fleet::{Seq, UtcMicros};
use net::driver::{Closed, ConnId, Detached, Driver, Handler, Io, Opened, Waker};
use net::tls::{TlsFailure, TlsPeer};
use ocpp::Instant;
use storage::log::{Log, LogHandle};
use storage::state::{Projection, ProjectorHandle, StateBatch, StateStore, SubmitError};

use super::StopError;
use crate::certificates::Desk;
use crate::config::MemoryMax;
use crate::mailbox::{Lane, Lanes, Letters, Post, Undelivered};
use crate::router::Letter;
use crate::shard::{Effect, Now, Row, Shard};
use crate::tls::{StationCertificate, Transport};

/// Urgent letters read in one turn; sockets have their turn between.
const URGENT_MAX: usize = 256;
/// Others: what is urgent waits for no more of them than this.
const BULK_MAX: usize = 64;
/// Time between two projections of a shard: what a restart replays, against how often a busy station is written.
const PROJECT_EVERY: Duration = Duration::from_secs(1);
/// The same after a burst, until it is through.
const PROJECT_BEHIND_EVERY: Duration = Duration::from_millis(10);

/// How long the last rows may wait for room at the store's writer when the server stops; a replay of the log makes what is
/// left again.
const LAST_ROWS_MAX: Duration = Duration::from_secs(5);

/// Bytes that buffers of a shard's sockets may hold together; an eighth where memory is short.
pub(super) const BUFFERS_LEN_MAX: usize = 256 << 20;

/// Time between two looks at how much memory is taken.
const MEMORY_EVERY: Duration = Duration::from_secs(1);

/// When the oldest commit ended that a shard has not looked at, nanoseconds of the monotonic clock; 0 for none.
#[derive(Clone, Default)]
pub(super) struct CommittedAt(Arc<AtomicU64>);

impl CommittedAt {
    /// A commit has ended, on whatever thread.
    pub(super) fn note(&self) {
        let now = net::clock::monotonic_ns();
        // An older one stands.
        let _ = self
            .0
            .compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn take(&self) -> Option<Instant> {
        if self.0.load(Ordering::Relaxed) == 0 {
            return None;
        }
        Some(Instant(self.0.swap(0, Ordering::Relaxed)))
    }
}

/// Carries things between a shard, its sockets, its log and its mailbox.
pub(super) struct Reactor {
    shard: Shard,
    log: Log,
    handle: LogHandle,
    committed_at: CommittedAt,
    letters: Letters<Letter>,
    peers: Vec<Lanes<Letter>>,
    projector: ProjectorHandle,
    store: StateStore,
    waker: Waker,
    /// Where errands are handed in; none where nothing is configured that does them.
    desk: Option<Desk>,
    /// Rows that wait for their records to be durable, or for the store's writer.
    ready: Option<(Projection, Seq)>,
    project_at: Instant,
    /// When to ask again how much memory is taken.
    memory_at: Instant,
    reads_paused: bool,
    /// Set while the server stops: until when answers are waited for.
    stop_by: Option<Instant>,
}

impl Reactor {
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a part that the thread has for its own from here on"
    )]
    pub(super) fn new(
        shard: Shard,
        log: Log,
        committed_at: CommittedAt,
        letters: Letters<Letter>,
        peers: Vec<Lanes<Letter>>,
        projector: ProjectorHandle,
        store: StateStore,
        waker: Waker,
        desk: Option<Desk>,
    ) -> Self {
        Self {
            shard,
            handle: log.handle().clone(),
            log,
            committed_at,
            letters,
            peers,
            projector,
            store,
            waker,
            desk,
            ready: None,
            project_at: Instant(0),
            memory_at: Instant(0),
            reads_paused: false,
            stop_by: None,
        }
    }

    /// Runs until it is told to stop.
    pub(super) fn run(
        mut self,
        index: usize,
        shards: usize,
        driver: &mut Driver,
    ) -> Result<(), StopError> {
        // Fewer shards than cores leave the choice to the kernel; of more, each core would have a fixed share, whatever they
        // have to do.
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        if cores == shards
            && let Err(error) = net::os::pin_thread(index)
        {
            tracing::debug!(%error, shard = index, "the shard's thread is not pinned");
        }
        // What the restart had to say goes to the log before anything else.
        self.hand_records();
        self.log.flush(net::clock::monotonic_ns());
        let ran = driver.run(&mut self);
        self.finish(index)
            .and(ran.map_err(|source| StopError::Driver {
                shard: index,
                source,
            }))
    }

    /// Makes the last records durable and hands the last rows over.
    fn finish(mut self, shard: usize) -> Result<(), StopError> {
        self.hand_records();
        let Self {
            shard: mut decided,
            log,
            handle,
            projector,
            mut ready,
            ..
        } = self;
        log.shutdown()
            .map_err(|source| StopError::Log { shard, source })?;
        let durable = handle.durable();
        let give_up_at = Instant(net::clock::monotonic_ns()) + LAST_ROWS_MAX;
        let next = |decided: &mut Shard| {
            let (rows, up_to, needed) = decided.projection()?;
            Some((projection(rows, &handle, up_to), needed))
        };
        while let Some((mut projection, needed)) = ready.take().or_else(|| next(&mut decided)) {
            // What the log did not take is not to be remembered either.
            if durable < needed {
                break;
            }
            while let Err(SubmitError::Full(again)) = projector.submit(projection) {
                if give_up_at <= Instant(net::clock::monotonic_ns()) {
                    return Ok(());
                }
                projection = again;
                std::thread::park_timeout(Duration::from_millis(1));
            }
        }
        Ok(())
    }

    /// Does what the shard wants done with its sockets. `received` are the bytes of the socket that is being read.
    fn effects(&mut self, io: &mut Io<'_>, received: Option<(ConnId, &[u8])>) {
        let mut handed = None;
        self.shard.effects(|effect, bytes| match effect {
            Effect::Send { conn, .. } => io.send(conn, bytes),
            Effect::Close(conn) => io.close(conn),
            Effect::Abort(conn) => io.abort(conn),
            Effect::Pause(conn) => io.pause_reads(conn),
            Effect::Hold(conn) => io.hold(conn),
            Effect::Resume(conn) => io.resume_reads(conn),
            Effect::HandOver { conn, shard, peer } => handed = Some((conn, shard, peer)),
        });
        if let Some((conn, home, peer)) = handed
            && let Some(mut detached) = io.detach(conn)
        {
            if let Some((_, bytes)) = received.filter(|(from, _)| *from == conn) {
                detached.carry = bytes.to_vec();
            }
            let letter = Letter::Adopt { detached, peer };
            if let Err(Undelivered::Busy(letter) | Undelivered::Stopped(letter)) =
                self.peers[home].post(letter)
            {
                self.take_back(io, letter);
            }
        }
        if self.reads_paused == self.shard.wants_reads() {
            self.reads_paused = !self.reads_paused;
            if self.reads_paused {
                io.pause_all_reads();
            } else {
                io.resume_all_reads();
            }
        }
    }

    /// The home of a socket has no room: refuse it here.
    fn take_back(&mut self, io: &mut Io<'_>, letter: Letter) {
        let Letter::Adopt { mut detached, peer } = letter else {
            return;
        };
        detached.carry.clear();
        if let Some(conn) = self.adopt(io, detached, peer) {
            self.shard.refuse_busy(conn);
            self.effects(io, None);
        }
    }

    fn adopt(
        &mut self,
        io: &mut Io<'_>,
        detached: Detached,
        peer: std::net::SocketAddr,
    ) -> Option<ConnId> {
        match io.adopt(detached) {
            Ok(conn) => {
                self.shard.adopted(now(io), conn, peer);
                if let Some(peer) = io.tls_peer(conn) {
                    self.shard.secured(conn, Transport::from(&peer));
                }
                Some(conn)
            }
            Err(error) => {
                tracing::warn!(%error, %peer, "a handed over socket was lost");
                None
            }
        }
    }

    fn letter(&mut self, io: &mut Io<'_>, letter: Letter) {
        match letter {
            Letter::Ask(ask) => self.shard.ask(now(io), ask),
            Letter::ErrandDone(id, outcome) => self.shard.errand_done(now(io), id, outcome),
            Letter::Health(reply) => {
                let log = self.handle.health(io.now());
                reply.send(self.shard.health(now(io), log, self.projector.failure()));
            }
            Letter::Configured(config, reply) => {
                self.shard.configured(config);
                reply.send(());
            }
            Letter::Adopt { detached, peer } => {
                self.adopt(io, detached, peer);
            }
            Letter::CertificateRefused {
                station,
                peer,
                fault,
            } => self
                .shard
                .certificate_refused(now(io), &station, peer, fault),
        }
        self.effects(io, None);
    }

    /// Tells whoever owns the station that a certificate says it is of.
    fn tls_failed(&mut self, io: &mut Io<'_>, conn: ConnId, failure: TlsFailure) {
        self.shard.tls_failed(failure);
        let (TlsFailure::Certificate(fault), Some(peer)) = (failure, self.shard.peer(conn)) else {
            return;
        };
        let Some(station) = io
            .refused_certificate(conn)
            .and_then(|der| StationCertificate::claimed(der))
        else {
            return;
        };
        let home = station.partition().shard(self.peers.len());
        if home == self.shard.index() {
            self.shard
                .certificate_refused(now(io), &station, peer, fault);
            return;
        }
        // A shard that has no room has other worries.
        let _ = self.peers[home].post(Letter::CertificateRefused {
            station,
            peer,
            fault,
        });
    }

    fn hand_records(&mut self) {
        let log = &mut self.log;
        self.shard.records(|record| match log.append(record) {
            Ok(_) => true,
            Err(error) => {
                // What is wrong shows in the log's health; the shard stops reading by itself.
                tracing::trace!(%error, "a record waits");
                false
            }
        });
    }

    /// Hands errands to whoever does them; one that nobody takes is answered at once.
    fn hand_errands(&mut self, io: &mut Io<'_>) {
        for errand in self.shard.errands() {
            let refused = match &self.desk {
                Some(desk) => desk.hand_in(errand).err(),
                None => Some(errand),
            };
            if let Some(errand) = refused {
                let reason = "too much of this kind is under way";
                self.shard.errand_lost(now(io), errand.id, reason);
                self.effects(io, None);
            }
        }
    }

    /// Gives the shard's records to the log, which commits at once, on this thread or its own, what somebody waits for.
    fn flush(&mut self, now_ns: u64) {
        self.hand_records();
        if self.shard.awaits_log() {
            self.log.flush(now_ns);
        } else {
            self.log.flush_unawaited(now_ns);
        }
    }

    /// Tells the shard how far the log is.
    fn note_durable(&mut self, io: &mut Io<'_>) {
        // A commit within the turn has taken time that the turn's clock does not show.
        let now = Now {
            mono: Instant(net::clock::monotonic_ns()),
            ..now(io)
        };
        let safe_at = self.committed_at.take().unwrap_or(now.mono);
        self.shard.committed(now, self.handle.durable());
        self.shard.turn_ended(now, Instant(io.now()));
        self.effects(io, None);
        let later = || Instant(net::clock::monotonic_ns());
        self.shard.commands_left(safe_at, later);
    }

    /// Hands rows to the state store's writer, when their time has come and their records are durable.
    fn project(&mut self, now: Now) {
        if now.mono < self.project_at {
            return;
        }
        self.project_at = now.mono
            + if self.shard.is_behind() {
                PROJECT_BEHIND_EVERY
            } else {
                PROJECT_EVERY
            };
        if let Some(stored) = self.store.position(self.handle.id()) {
            self.shard.stored(now, stored);
        }
        if self.ready.is_none() && !self.shard.is_store_busy() {
            let made = self.shard.projection();
            self.ready =
                made.map(|(rows, up_to, needed)| (projection(rows, &self.handle, up_to), needed));
        }
        let durable = self.handle.durable();
        let Some((projection, _)) = self.ready.take_if(|(_, needed)| *needed <= durable) else {
            return;
        };
        if let Err(SubmitError::Full(back) | SubmitError::Failed(back)) =
            self.projector.submit(projection)
        {
            let needed = back.up_to;
            self.ready = Some((back, needed));
        }
    }
}

fn projection(rows: Vec<Row>, log: &LogHandle, up_to: Seq) -> Projection {
    let mut batch = StateBatch::default();
    rows.into_iter()
        .for_each(|(table, key, value)| batch.put(table, key, value));
    Projection {
        batch,
        log: log.clone(),
        up_to,
    }
}

fn now(io: &Io<'_>) -> Now {
    Now {
        mono: Instant(io.now()),
        utc: UtcMicros(io.utc_micros()),
    }
}

impl Handler for Reactor {
    fn opened(&mut self, io: &mut Io<'_>, conn: ConnId, opened: Opened) {
        match opened {
            Opened::Accepted { peer, .. } => self.shard.opened(now(io), conn, peer),
            // A shard calls nobody.
            Opened::Connected { .. } => io.abort(conn),
        }
    }

    fn secured(&mut self, _: &mut Io<'_>, conn: ConnId, peer: &TlsPeer) {
        self.shard.secured(conn, Transport::from(peer));
    }

    fn received(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
        let used = self.shard.received(now(io), conn, bytes);
        self.effects(io, Some((conn, bytes)));
        used
    }

    fn may_wait(&self, conn: ConnId) -> bool {
        self.shard.may_wait(conn)
    }

    fn closed(&mut self, io: &mut Io<'_>, conn: ConnId, reason: Closed) {
        if let Closed::Tls(failure) = reason {
            self.tls_failed(io, conn, failure);
        }
        let reason = match reason {
            Closed::Local => "closed".to_owned(),
            Closed::Aborted => "aborted".to_owned(),
            Closed::Peer => "connection ended by station".to_owned(),
            Closed::Failed(kind) => kind.to_string(),
            Closed::SlowConsumer => "the station does not read".to_owned(),
            Closed::CarryFull => "message too long".to_owned(),
            Closed::BuffersFull => "out of buffers".to_owned(),
            Closed::Tls(failure) => failure.to_string(),
            Closed::Stopped => "server stopped".to_owned(),
        };
        self.shard.closed(now(io), conn, &reason);
        self.effects(io, None);
    }

    fn woken(&mut self, io: &mut Io<'_>) {
        for (lane, letters_max) in [(Lane::Urgent, URGENT_MAX), (Lane::Bulk, BULK_MAX)] {
            for read in 0.. {
                if read == letters_max {
                    // The rest has the next turn.
                    self.waker.wake();
                    break;
                }
                let Some(letter) = self.letters.next(lane) else {
                    break;
                };
                self.letter(io, letter);
            }
        }
        if self.stop_by.is_none() {
            self.stop_by = self.peers[self.shard.index()].stop_by();
            if let Some(by) = self.stop_by {
                io.stop_accepting();
                self.shard.drain(now(io), by);
                self.effects(io, None);
            }
        }
    }

    fn timer(&mut self, io: &mut Io<'_>) {
        self.shard.timer(now(io));
        self.project(now(io));
        self.effects(io, None);
        if let Some(give_back) = self.shard.spare_memory() {
            io.let_go();
            self.log.let_go();
            give_back();
        }
        if self.memory_at <= Instant(io.now()) {
            self.memory_at = Instant(io.now()) + MEMORY_EVERY;
            let percent = match self.shard.memory_max() {
                MemoryMax::Unmeasured => 0,
                MemoryMax::Found => net::os::memory_used_percent(None),
                MemoryMax::Bytes(bytes) => net::os::memory_used_percent(Some(bytes)),
            };
            let is_full = self.shard.memory_used(now(io), percent, io.buffered_len());
            io.limit_buffers(match is_full {
                false => BUFFERS_LEN_MAX,
                true => BUFFERS_LEN_MAX / 8,
            });
            self.effects(io, None);
        }
    }

    fn poll_timeout(&self) -> Option<u64> {
        let project = self.ready.is_some() || self.shard.has_rows() || self.shard.awaits_store();
        let project = project.then_some(self.project_at);
        [self.shard.poll_timeout(), project, self.stop_by]
            .into_iter()
            .flatten()
            .min()
            .map(|at| at.0)
    }

    fn turn_ended(&mut self, io: &mut Io<'_>) {
        self.flush(io.now());
        // What the log has committed in this turn goes out in it.
        self.note_durable(io);
        self.hand_errands(io);
        // What that let out made records of its own, and the next turn may be a second away.
        self.flush(io.now());
        if self.shard.durable() < self.handle.durable() {
            // A commit of this thread's own wakes nobody.
            self.waker.wake();
        }
        let over = self
            .stop_by
            .is_some_and(|by| by <= Instant(io.now()) || self.shard.drained());
        if over {
            io.stop();
        }
    }
}
