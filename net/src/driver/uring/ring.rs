//! One io_uring: what is asked of the kernel, and what it answers.
//!
//! # Invariants
//!
//! - Every request carries the id of its connection, generation included, so that an answer never reaches another.
//! - A connection's place and what the kernel sends from are free only when its last request was answered
//!   ([`Ring::is_busy`]); requests whose success is silent point to nothing of a connection.
//! - Requests are carried out in the order they were queued, as far as they need not wait. Setting an option, cancelling
//!   and closing need not, so a place in the table of files may be given away again once its closing is queued.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use io_uring::types::{CancelBuilder, DestinationSlot, Fd, Fixed, SubmitArgs, Timespec};
use io_uring::{EnterFlags, IoUring, cqueue, opcode, squeue};

use super::accepts::Accepts;
use super::buffers::{Buffers, Filled, GROUP};
use crate::driver::{ConnId, Ending};

/// What a request was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Receive,
    Send,
    /// Waits for an error or the end of both sides, while nothing is received.
    Errors,
    Connect,
    ShutDown,
    Accept,
    Wake,
    Install,
    /// Nobody waits for it.
    Silent,
}

impl Kind {
    const ALL: [Kind; 9] = [
        Kind::Receive,
        Kind::Send,
        Kind::Errors,
        Kind::Connect,
        Kind::ShutDown,
        Kind::Accept,
        Kind::Wake,
        Kind::Install,
        Kind::Silent,
    ];
}

/// Bits of a connection's index in the 64 that a request carries; the generation takes 32, the kind the rest.
const INDEX_BITS: u32 = 24;
/// Places in the table of files, at most: what an index can name, and 2 MiB of the kernel's memory.
pub(super) const FILES_MAX: usize = 1 << 18;
const _: () = assert!(FILES_MAX <= 1 << INDEX_BITS);

fn user_data(kind: Kind, conn: ConnId) -> u64 {
    assert!(conn.index >> INDEX_BITS == 0);
    u64::from(kind as u8) << 56 | u64::from(conn.index) << 32 | u64::from(conn.generation)
}

/// An answer of the kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Completion {
    pub(super) kind: Kind,
    /// Of [`Kind::Accept`], the index is that of the accept.
    pub(super) conn: ConnId,
    /// As a system call's: negative is an error number.
    pub(super) result: i32,
    /// More answers to the same request follow.
    pub(super) more: bool,
    buffer: Option<u16>,
}

impl Completion {
    fn read(entry: &cqueue::Entry) -> Completion {
        let data = entry.user_data();
        let flags = entry.flags();
        Completion {
            kind: Kind::ALL[(data >> 56) as usize],
            conn: ConnId {
                index: (data >> 32) as u32 & ((1 << INDEX_BITS) - 1),
                generation: data as u32,
            },
            result: entry.result(),
            more: cqueue::more(flags),
            buffer: cqueue::buffer_select(flags),
        }
    }

    pub(super) fn error(&self) -> Option<i32> {
        (self.result < 0).then_some(-self.result)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receiving {
    No,
    Yes,
    /// Told to end; the answer is not here yet.
    Ending,
}

/// No place in the table of files.
const NO_FILE: u32 = u32::MAX;

/// What the kernel does for one connection; 16 bytes.
#[derive(Clone, Copy, Debug)]
struct Requests {
    /// Its place in the table of files.
    file: u32,
    /// [`Ring::entered`] when its send was queued.
    send_queued_at: u32,
    /// Requests that will be answered.
    count: u8,
    receiving: Receiving,
    sending: bool,
    watching_errors: bool,
    /// Nothing was received yet.
    fresh: bool,
}

const NO_REQUESTS: Requests = Requests {
    file: NO_FILE,
    send_queued_at: 0,
    count: 0,
    receiving: Receiving::No,
    sending: false,
    watching_errors: false,
    fresh: false,
};

const _: () = assert!(size_of::<Requests>() <= 16);

/// Room of a table of them that begins: a megabyte, which costs nothing before it is used.
const REQUESTS_MIN: usize = (1 << 20) / size_of::<Requests>();

/// What a reset sets before it closes.
static RESET: libc::linger = libc::linger {
    l_onoff: 1,
    l_linger: 0,
};

pub(in crate::driver) struct Ring {
    /// Before what its requests point to: closed first.
    uring: IoUring,
    pub(super) buffers: Buffers,
    pub(super) accepts: Accepts,
    /// By the connections' indices.
    requests: Vec<Requests>,
    pub(super) files_free: Vec<u32>,
    completions: VecDeque<Completion>,
    /// Those that were put off, oldest first.
    put_off: VecDeque<Completion>,
    /// Requests that will be answered.
    in_flight: usize,
    /// Times that queued requests were handed to the kernel.
    entered: u32,
    /// Connections that are over and busy.
    draining: usize,
    /// Set when the kernel takes nothing any more; the next wait reports it.
    broken: Option<io::Error>,
    flags: EnterFlags,
}

impl Ring {
    /// Around an io_uring that has a table of `files` and knows the buffers.
    pub(super) fn new(uring: IoUring, files: u32, buffers: Buffers, accepts: Accepts) -> Ring {
        let mut flags = EnterFlags::GETEVENTS | EnterFlags::EXT_ARG;
        flags.set(EnterFlags::NO_IOWAIT, uring.params().is_feature_no_iowait());
        Ring {
            uring,
            buffers,
            accepts,
            requests: Vec::new(),
            files_free: (0..files).rev().collect(),
            completions: VecDeque::new(),
            put_off: VecDeque::new(),
            in_flight: 0,
            entered: 0,
            draining: 0,
            broken: None,
            flags,
        }
    }

    /// From here on, only this thread may use it.
    pub(super) fn enable(&self) -> io::Result<()> {
        self.uring.submitter().register_enable_rings()
    }

    // ---- the two queues ----

    /// Hands over what is queued, and waits until `want` answers are there, or one after `min_wait_us`, or none after
    /// `timeout_ns`.
    pub(super) fn enter(
        &mut self,
        want: u32,
        timeout_ns: Option<u64>,
        min_wait_us: u32,
    ) -> io::Result<()> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        let queued = self.uring.submission().len() as u32;
        let timeout = timeout_ns.map(|ns| {
            let (secs, nanos) = (ns / 1_000_000_000, ns % 1_000_000_000);
            Timespec::new().sec(secs).nsec(nanos as u32)
        });
        let args = match &timeout {
            Some(timeout) => SubmitArgs::new().timespec(timeout),
            None => SubmitArgs::new(),
        };
        let args = args.min_wait_usec(min_wait_us);
        let submitter = self.uring.submitter();
        // SAFETY: as many entries are queued as is said, and EXT_ARG says that the argument is of this type, which is
        // one the kernel was asked about when the ring was made.
        let entered = unsafe { submitter.enter(queued, want, self.flags.bits(), Some(&args)) };
        self.entered = self.entered.wrapping_add(1);
        self.collect();
        match entered.map_err(|error| (error.raw_os_error(), error)) {
            // The time is over, a signal came, or answers had to be fetched first, which was done.
            Ok(_) | Err((Some(libc::ETIME | libc::EINTR | libc::EBUSY | libc::EAGAIN), _)) => {
                Ok(())
            }
            Err((_, error)) => Err(error),
        }
    }

    fn collect(&mut self) {
        let completions = self.uring.completion();
        self.completions
            .extend(completions.map(|entry| Completion::read(&entry)));
    }

    /// The oldest answer that was not looked at.
    pub(super) fn next(&mut self) -> Option<Completion> {
        let completion = self.completions.pop_front()?;
        self.note(&completion);
        Some(completion)
    }

    /// What [`Ring::next`] is to answer.
    pub(super) fn peek(&self) -> Option<&Completion> {
        self.completions.front()
    }

    /// Puts off what [`Ring::next`] is to answer.
    pub(super) fn put_off_next(&mut self) {
        self.put_off.extend(self.completions.pop_front());
    }

    /// The oldest answer that was put off.
    pub(super) fn next_put_off(&mut self) -> Option<Completion> {
        let completion = self.put_off.pop_front()?;
        self.note(&completion);
        Some(completion)
    }

    /// The oldest answer, put off or not.
    pub(super) fn next_of_all(&mut self) -> Option<Completion> {
        self.next_put_off().or_else(|| self.next())
    }

    /// Answers that were put off.
    pub(super) fn put_off_len(&self) -> usize {
        self.put_off.len()
    }

    /// Bytes of this connection were put off, and those behind them have to be.
    pub(super) fn has_put_off(&self, conn: ConnId) -> bool {
        self.put_off.iter().any(|one| one.conn == conn)
    }

    /// The oldest answer of this kind about this connection that was not looked at.
    fn next_of(&mut self, kind: Kind, conn: ConnId) -> Option<Completion> {
        let queues = [&mut self.put_off, &mut self.completions];
        let completion = queues.into_iter().find_map(|queue| {
            let is_it = |one: &Completion| one.kind == kind && one.conn == conn;
            let at = queue.iter().position(is_it)?;
            queue.remove(at)
        })?;
        self.note(&completion);
        Some(completion)
    }

    pub(super) fn has_completions(&self) -> bool {
        !self.completions.is_empty()
    }

    /// There are answers, all to sends.
    pub(super) fn has_only_sends(&self) -> bool {
        self.has_completions() && self.completions.iter().all(|one| one.kind == Kind::Send)
    }

    pub(super) fn completions_len(&self) -> usize {
        self.completions.len()
    }

    fn note(&mut self, completion: &Completion) {
        if completion.more || completion.kind == Kind::Silent {
            return;
        }
        self.in_flight -= 1;
        match completion.kind {
            Kind::Receive | Kind::Send | Kind::Errors | Kind::Connect | Kind::ShutDown => {}
            Kind::Accept | Kind::Wake | Kind::Install | Kind::Silent => return,
        }
        let requests = self.of(completion.conn);
        requests.count -= 1;
        match completion.kind {
            Kind::Receive => requests.receiving = Receiving::No,
            Kind::Send => requests.sending = false,
            Kind::Errors => requests.watching_errors = false,
            Kind::Connect
            | Kind::ShutDown
            | Kind::Accept
            | Kind::Wake
            | Kind::Install
            | Kind::Silent => {}
        }
    }

    /// Queues a request.
    ///
    /// # Safety
    ///
    /// What `entry` points to stays where it is, and is the kernel's to read or write as the request says, until the
    /// request is answered; or until it was carried out, if it is one that is while it is handed over.
    unsafe fn queue(&mut self, entry: &squeue::Entry) {
        loop {
            // SAFETY: the caller's promise is the one that is asked for.
            if unsafe { self.uring.submission().push(entry) }.is_ok() {
                return;
            }
            if let Err(error) = self.enter(0, None, 0) {
                self.broken = Some(error);
                return;
            }
        }
    }

    /// Queues a request that will be answered.
    ///
    /// # Safety
    ///
    /// As for [`Ring::queue`].
    unsafe fn ask(&mut self, kind: Kind, conn: ConnId, entry: squeue::Entry) {
        self.in_flight += 1;
        // SAFETY: the caller's promise.
        unsafe { self.queue(&entry.user_data(user_data(kind, conn))) };
    }

    /// The same, about a connection.
    ///
    /// # Safety
    ///
    /// As for [`Ring::queue`].
    unsafe fn ask_about(&mut self, kind: Kind, conn: ConnId, entry: squeue::Entry) {
        self.of(conn).count += 1;
        // SAFETY: the caller's promise.
        unsafe { self.ask(kind, conn, entry) };
    }

    /// Queues a request that is answered only if it fails, and then to nobody.
    ///
    /// # Safety
    ///
    /// As for [`Ring::queue`].
    unsafe fn tell(&mut self, entry: squeue::Entry) {
        let data = user_data(Kind::Silent, NOBODY);
        let entry = entry.flags(squeue::Flags::SKIP_SUCCESS).user_data(data);
        // SAFETY: the caller's promise.
        unsafe { self.queue(&entry) };
    }

    fn cancel(&mut self, kind: Kind, conn: ConnId) {
        let entry = opcode::AsyncCancel::new(user_data(kind, conn)).build();
        // SAFETY: it points to nothing.
        unsafe { self.tell(entry) };
    }

    // ---- connections ----

    fn of(&mut self, conn: ConnId) -> &mut Requests {
        let index = conn.index();
        if self.requests.len() <= index {
            // By as much as the table of slots.
            if self.requests.capacity() <= index {
                let more = (index / 8).max(REQUESTS_MIN);
                self.requests.reserve_exact(more);
            }
            self.requests.resize(index + 1, NO_REQUESTS);
        }
        &mut self.requests[index]
    }

    /// A new connection whose socket is in the table of files.
    pub(in crate::driver) fn begin(&mut self, conn: ConnId, file: u32, fresh: bool) {
        let requests = self.of(conn);
        assert!(requests.file == NO_FILE && requests.count == 0);
        *requests = Requests {
            file,
            fresh,
            ..NO_REQUESTS
        };
    }

    /// Gives back the memory of buffers that are seldom used.
    pub(in crate::driver) fn let_go(&mut self) {
        self.buffers.let_go();
    }

    /// The kernel has not answered everything about this connection.
    pub(in crate::driver) fn is_busy(&mut self, conn: ConnId) -> bool {
        0 < self.of(conn).count
    }

    pub(in crate::driver) fn draining(&self) -> usize {
        self.draining
    }

    /// A connection is over and busy.
    pub(in crate::driver) fn drains(&mut self) {
        self.draining += 1;
    }

    /// Such a one is not busy any more.
    pub(super) fn drained(&mut self) {
        self.draining -= 1;
    }

    /// Has bytes received, if they are not already; after a request to end that was not answered yet, nothing is done,
    /// and the answer asks again.
    pub(in crate::driver) fn receive(&mut self, conn: ConnId) {
        let requests = self.of(conn);
        if requests.receiving != Receiving::No || requests.file == NO_FILE {
            return;
        }
        requests.receiving = Receiving::Yes;
        let file = Fixed(requests.file);
        let entry = if std::mem::take(&mut requests.fresh) {
            // One answer, and then the connection may go to another driver without anything to end.
            opcode::Recv::new(file, std::ptr::null_mut(), 0)
                .buf_group(GROUP)
                .build()
                .flags(squeue::Flags::BUFFER_SELECT)
        } else {
            opcode::RecvMulti::new(file, GROUP).build()
        };
        // SAFETY: it points to nothing; the kernel takes a registered buffer.
        unsafe { self.ask_about(Kind::Receive, conn, entry) };
    }

    /// Has no more bytes received; an error of the socket is still told, and the end of the peer's side if that is wanted.
    pub(in crate::driver) fn stop_receiving(&mut self, conn: ConnId, until_its_end: bool) {
        self.end_receiving(conn);
        let requests = self.of(conn);
        if requests.watching_errors || requests.file == NO_FILE {
            return;
        }
        requests.watching_errors = true;
        // Errors and the end of both sides are told without being asked for.
        let wanted = if until_its_end { libc::POLLRDHUP } else { 0 };
        let entry = opcode::PollAdd::new(Fixed(requests.file), wanted as u32).build();
        // SAFETY: it points to nothing.
        unsafe { self.ask_about(Kind::Errors, conn, entry) };
    }

    fn end_receiving(&mut self, conn: ConnId) {
        let requests = self.of(conn);
        if requests.receiving == Receiving::Yes {
            requests.receiving = Receiving::Ending;
            self.cancel(Kind::Receive, conn);
        }
    }

    /// What a completion of [`Kind::Receive`] has brought; once for each.
    pub(super) fn filled(&self, completion: &Completion) -> Option<Filled> {
        let len = usize::try_from(completion.result).unwrap_or(0);
        completion.buffer.map(|id| self.buffers.filled(id, len))
    }

    pub(super) fn is_sending(&mut self, conn: ConnId) -> bool {
        self.of(conn).sending
    }

    /// The kernel has tried to send, and all that it had to say since was heard: the socket is full.
    pub(super) fn has_tried(&mut self, conn: ConnId) -> bool {
        let entered = self.entered;
        let requests = self.of(conn);
        requests.sending
            && requests.send_queued_at != entered
            && self.completions.is_empty()
            && !self.uring.submission().cq_overflow()
    }

    /// Sends from `bytes`, as much as the socket takes once it takes any.
    ///
    /// # Safety
    ///
    /// The bytes are neither changed nor freed before the answer was looked at.
    pub(super) unsafe fn send(&mut self, conn: ConnId, bytes: &[u8]) {
        let entered = self.entered;
        let requests = self.of(conn);
        assert!(!requests.sending);
        requests.sending = true;
        requests.send_queued_at = entered;
        let len = bytes.len().min(SEND_LEN_MAX) as u32;
        let entry = opcode::Send::new(Fixed(requests.file), bytes.as_ptr(), len)
            .flags(libc::MSG_NOSIGNAL)
            .build();
        // SAFETY: the caller's promise.
        unsafe { self.ask_about(Kind::Send, conn, entry) };
    }

    /// Has our side ended. This one request is carried out by a thread of the kernel's.
    pub(in crate::driver) fn shut_down(&mut self, conn: ConnId) {
        let entry = opcode::Shutdown::new(Fixed(self.of(conn).file), libc::SHUT_WR).build();
        // SAFETY: it points to nothing.
        unsafe { self.ask_about(Kind::ShutDown, conn, entry) };
    }

    /// Closes its socket and ends what the kernel does for it.
    pub(in crate::driver) fn close(&mut self, conn: ConnId, ending: Ending) {
        let requests = self.of(conn);
        let (file, busy) = (requests.file, 0 < requests.count);
        let under_way = [
            (Kind::Receive, requests.receiving == Receiving::Yes),
            (Kind::Send, requests.sending),
            (Kind::Errors, requests.watching_errors),
        ];
        requests.file = NO_FILE;
        if file == NO_FILE {
            if busy {
                self.cancel(Kind::Connect, conn);
            }
            return;
        }
        if ending == Ending::Reset {
            let entry = opcode::SetSockOpt::new(
                Fixed(file),
                libc::SOL_SOCKET as u32,
                libc::SO_LINGER as u32,
                (&raw const RESET).cast(),
                size_of::<libc::linger>() as u32,
            );
            // SAFETY: the value is static.
            unsafe { self.tell(entry.build()) };
        }
        // By name, each of them: all requests of a file are found by a look at those of all connections.
        for (kind, _) in under_way.into_iter().filter(|(_, is_it)| *is_it) {
            self.cancel(kind, conn);
        }
        self.close_file(file);
    }

    pub(super) fn close_file(&mut self, file: u32) {
        // SAFETY: it points to nothing.
        unsafe { self.tell(opcode::Close::new(Fixed(file)).build()) };
        self.files_free.push(file);
    }

    /// Waits until `socket` is connected or has failed to.
    pub(in crate::driver) fn watch_connect(&mut self, conn: ConnId, socket: &OwnedFd) {
        self.begin(conn, NO_FILE, false);
        let entry = opcode::PollAdd::new(Fd(socket.as_raw_fd()), libc::POLLOUT as u32).build();
        // SAFETY: it points to nothing.
        unsafe { self.ask_about(Kind::Connect, conn, entry) };
    }

    /// Takes a descriptor of this process into the table of files.
    pub(super) fn take_in(&mut self, conn: ConnId, socket: BorrowedFd<'_>) -> io::Result<()> {
        if self.files_free.is_empty() {
            return Err(io::Error::other("all places for sockets are in use"));
        }
        // A place that was given back may be closed only by what is still queued.
        self.enter(0, None, 0)?;
        let file = self.files_free.pop().expect("looked at above");
        let submitter = self.uring.submitter();
        if let Err(error) = submitter.register_files_update(file, &[socket.as_raw_fd()]) {
            self.files_free.push(file);
            return Err(error);
        }
        self.begin(conn, file, false);
        Ok(())
    }

    /// Ends receiving and sending and answers what came until then: received bytes, and how many were sent.
    pub(super) fn quiet(&mut self, conn: ConnId) -> io::Result<(Vec<u8>, usize)> {
        let (mut late, mut sent) = (Vec::new(), 0);
        self.end_receiving(conn);
        if self.of(conn).sending {
            self.cancel(Kind::Send, conn);
        }
        while self.of(conn).receiving != Receiving::No {
            match self.next_of(Kind::Receive, conn) {
                Some(completion) => {
                    if let Some(mut filled) = self.filled(&completion) {
                        late.extend_from_slice(filled.bytes());
                        self.buffers.give_back(filled);
                    }
                }
                None => self.enter(1, None, 0)?,
            }
        }
        while self.of(conn).sending {
            match self.next_of(Kind::Send, conn) {
                Some(completion) => sent = usize::try_from(completion.result).unwrap_or(0),
                None => self.enter(1, None, 0)?,
            }
        }
        Ok((late, sent))
    }

    /// A descriptor of this process for the socket of a connection.
    pub(super) fn install(&mut self, conn: ConnId) -> io::Result<OwnedFd> {
        let file = Fixed(self.of(conn).file);
        let entry = opcode::FixedFdInstall::new(file, 0).build();
        // SAFETY: it points to nothing.
        unsafe { self.ask(Kind::Install, conn, entry) };
        loop {
            if let Some(completion) = self.next_of(Kind::Install, conn) {
                if let Some(error) = completion.error() {
                    return Err(io::Error::from_raw_os_error(error));
                }
                // SAFETY: the kernel has just made this descriptor, for us.
                return Ok(unsafe { OwnedFd::from_raw_fd(completion.result) });
            }
            self.enter(1, None, 0)?;
        }
    }

    // ---- what belongs to no connection ----

    /// Tells of every write to `event`.
    pub(super) fn watch_event(&mut self, event: BorrowedFd<'_>) {
        let event = Fd(event.as_fd().as_raw_fd());
        let entry = opcode::PollAdd::new(event, libc::POLLIN as u32).multi(true);
        // SAFETY: it points to nothing.
        unsafe { self.ask(Kind::Wake, NOBODY, entry.build()) };
    }

    /// Accepts one connection from a listener, if there is a place for it.
    pub(super) fn accept(&mut self, listener: usize, socket: BorrowedFd<'_>) -> bool {
        let Some(file) = self.files_free.pop() else {
            return false;
        };
        let (at, address, len) = self.accepts.begin(listener, file);
        let place = DestinationSlot::try_from_slot_target(file).expect("far below 2^32");
        let entry = opcode::Accept::new(Fd(socket.as_raw_fd()), address, len)
            .file_index(Some(place))
            .build();
        // SAFETY: `Accepts` keeps the address where it is, and does not look at it before the answer.
        unsafe { self.ask(Kind::Accept, accept_id(at), entry) };
        true
    }

    /// Ends accepting; what was accepted and not told is closed.
    pub(in crate::driver) fn stop_accepting(&mut self) {
        let busy: Vec<usize> = self.accepts.busy().collect();
        for at in &busy {
            self.cancel(Kind::Accept, accept_id(*at));
        }
        for at in busy {
            let completion = loop {
                if let Some(completion) = self.next_of(Kind::Accept, accept_id(at)) {
                    break completion;
                }
                if let Err(error) = self.enter(1, None, 0) {
                    self.broken = Some(error);
                    return;
                }
            };
            let (_, file, _) = self.accepts.end(at);
            if completion.error().is_some() {
                self.files_free.push(file);
            } else {
                self.close_file(file);
            }
        }
    }

    /// Ends every request.
    pub(super) fn cancel_all(&mut self) {
        let entry = opcode::AsyncCancel2::new(CancelBuilder::any()).build();
        // SAFETY: it points to nothing.
        unsafe { self.tell(entry) };
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight == 0
    }
}

/// For requests about no connection; no connection has this generation.
const NOBODY: ConnId = ConnId {
    index: 0,
    generation: u32::MAX,
};

fn accept_id(at: usize) -> ConnId {
    ConnId {
        index: at as u32,
        generation: u32::MAX,
    }
}

/// Most bytes of one send; the rest follows.
const SEND_LEN_MAX: usize = 1 << 30;

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ring")
            .field("in_flight", &self.in_flight)
            .finish_non_exhaustive()
    }
}
