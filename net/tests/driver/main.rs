//! The reactor over real loopback sockets. Nothing sleeps; every wait has a deadline.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod rig;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use net::driver::{Closed, Config, ConnId, DriverError, Epoll, Handler, Io, Opened};
use rig::{DEADLINE, Rig, Seen, any_port, start, start_on};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::sockopt;

/// Answers every byte with itself.
fn echo(io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
    io.send(conn, bytes);
    bytes.len()
}

/// Takes everything and says nothing.
fn swallow(_: &mut Io<'_>, _: ConnId, bytes: &mut [u8]) -> usize {
    bytes.len()
}

/// Leaves everything where it is.
fn leave(_: &mut Io<'_>, _: ConnId, _: &mut [u8]) -> usize {
    0
}

/// Messages are lines; answers each and consumes whole ones.
fn answer_lines(io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
    let mut consumed = 0;
    for line in bytes
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.ends_with(b"\n"))
    {
        io.send(conn, b"re: ");
        io.send(conn, line);
        consumed += line.len();
    }
    consumed
}

fn read_exactly(client: &mut TcpStream, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    client.read_exact(&mut bytes).unwrap();
    bytes
}

/// Waits until the kernel has seen both ends of `client` end, or a reset.
fn wait_hangup(client: &TcpStream) -> PollFlags {
    let mut fds = [PollFd::new(client, PollFlags::empty())];
    let timeout = rustix::time::Timespec {
        tv_sec: DEADLINE.as_secs() as i64,
        tv_nsec: 0,
    };
    assert_eq!(
        poll(&mut fds, Some(&timeout)).unwrap(),
        1,
        "no hang-up before the deadline"
    );
    fds[0].revents()
}

/// Fixes the client's receive buffer, which the kernel would let grow to tens of megabytes.
fn keep_window_small(client: &TcpStream) {
    sockopt::set_socket_recv_buffer_size(client, 64 << 10).unwrap();
}

fn reset(client: TcpStream) {
    sockopt::set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
}

#[expect(unsafe_code, reason = "rustix 1.1 has no TCP_INFO")]
fn data_segments_in(client: &TcpStream) -> u32 {
    use std::os::fd::AsRawFd;
    // SAFETY: tcp_info is plain integers, for which zero is a value.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut len = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the descriptor is open, and the kernel writes at most `len` bytes, the size of `info`.
    let result = unsafe {
        libc::getsockopt(
            client.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut len,
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    info.tcpi_data_segs_in
}

#[test]
fn a_burst_is_answered_in_one_segment() {
    let rig = start(Config::default(), answer_lines);
    let (mut client, conn) = rig.client();
    let burst = "ping\n".repeat(20);
    client.write_all(burst.as_bytes()).unwrap();
    let answers = "re: ping\n".repeat(20);
    assert_eq!(read_exactly(&mut client, answers.len()), answers.as_bytes());
    assert_eq!(data_segments_in(&client), 1);
    assert_eq!(rig.next(), Seen::Received(conn, burst.into_bytes()));
    // Two connections answered twice each in one turn: one segment each.
    let (other, other_conn) = rig.client();
    rig.act(move |io| {
        for at in [other_conn, conn, other_conn, conn] {
            io.send(at, b"twice");
        }
    });
    for (mut client, before) in [(client, 1), (other, 0)] {
        assert_eq!(read_exactly(&mut client, 10), b"twicetwice");
        assert_eq!(data_segments_in(&client), before + 1);
    }
}

#[test]
fn what_is_not_consumed_comes_again_with_what_follows() {
    let rig = start(Config::default(), answer_lines);
    let (mut client, conn) = rig.client();
    let mut expected = Vec::new();
    for (piece, seen) in [
        ("a\nb", "a\nb"),
        ("b", "bb"),
        ("b\nc\nd", "bbb\nc\nd"),
        ("\n", "d\n"),
    ] {
        client.write_all(piece.as_bytes()).unwrap();
        assert_eq!(rig.next(), Seen::Received(conn, seen.into()));
        expected.push(seen);
    }
    assert_eq!(
        read_exactly(&mut client, 26),
        b"re: a\nre: bbb\nre: c\nre: d\n"
    );
}

#[test]
fn a_peer_that_ends_its_side_still_gets_its_answers() {
    let rig = start(Config::default(), echo);
    let (mut client, conn) = rig.client();
    client.write_all(b"last words").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"last words");
    assert_eq!(rig.next(), Seen::Received(conn, b"last words".into()));
    assert_eq!(rig.next(), Seen::Closed(conn, Closed::Peer));
    assert_eq!(rig.act(|io| io.connections()), 0);
}

#[test]
fn a_reset_by_the_peer_is_a_failure() {
    let rig = start(Config::default(), echo);
    let (client, conn) = rig.client();
    reset(client);
    assert_eq!(
        rig.next(),
        Seen::Closed(conn, Closed::Failed(ErrorKind::ConnectionReset))
    );
    // Also when reads are paused and nobody would see the end of the stream.
    let (client, conn) = rig.client();
    rig.act(move |io| io.pause_reads(conn));
    reset(client);
    assert_eq!(
        rig.next(),
        Seen::Closed(conn, Closed::Failed(ErrorKind::ConnectionReset))
    );
}

#[test]
fn a_peer_that_does_not_read_is_closed_as_a_slow_consumer() {
    let rig = start(Config::default(), swallow);
    let (client, conn) = rig.client();
    keep_window_small(&client);
    // More than the largest send buffer.
    for _ in 0..200 {
        rig.act(move |io| io.send(conn, &[b'x'; 256 << 10]));
        if let Some(seen) = rig.rest().into_iter().next() {
            assert_eq!(seen, Seen::Closed(conn, Closed::SlowConsumer));
            assert!(
                wait_hangup(&client).contains(PollFlags::ERR),
                "closed with a reset"
            );
            assert_eq!(rig.act(|io| io.connections()), 0);
            return;
        }
    }
    panic!("50 MiB were taken for a peer that does not read");
}

#[test]
fn what_the_socket_does_not_take_at_once_follows_when_it_does() {
    let rig = start(
        Config {
            pending_len_max: 64 << 20,
            ..Config::default()
        },
        swallow,
    );
    let (mut client, conn) = rig.client();
    keep_window_small(&client);
    let bytes: Vec<u8> = (0..24 << 20).map(|i: u32| (i % 251) as u8).collect();
    let sent = bytes.clone();
    let pending = rig.act(move |io| {
        io.send(conn, &sent);
        io.pending_len(conn)
    });
    assert_eq!(pending, bytes.len());
    assert!(
        rig.act(move |io| io.pending_len(conn)) > 0,
        "more than the kernel's buffers"
    );
    assert_eq!(read_exactly(&mut client, bytes.len()), bytes);
    // Then the connection is as before.
    client.write_all(b"on").unwrap();
    assert_eq!(rig.next(), Seen::Received(conn, b"on".into()));
    assert_eq!(rig.act(move |io| io.pending_len(conn)), 0);
}

#[test]
fn a_closed_connection_sends_what_was_appended_and_then_ends() {
    let rig = start(
        Config {
            pending_len_max: 64 << 20,
            ..Config::default()
        },
        swallow,
    );
    let (mut client, conn) = rig.client();
    keep_window_small(&client);
    rig.act(move |io| {
        io.send(conn, &vec![7; 24 << 20]);
        io.close(conn);
        io.close(conn);
        io.send(conn, b"too late");
        assert_eq!(io.connections(), 1);
    });
    assert_eq!(rig.next(), Seen::Closed(conn, Closed::Local));
    // What the peer still says is read past.
    client.write_all(b"unheard").unwrap();
    let mut all = Vec::new();
    client.read_to_end(&mut all).unwrap();
    assert!(all.len() == 24 << 20 && all.iter().all(|byte| *byte == 7));
    drop(client);
    assert_eq!(rig.stop(), []);
}

#[test]
fn a_peer_that_lingers_is_reset() {
    let linger = Duration::from_millis(30);
    let rig = start(
        Config {
            linger,
            ..Config::default()
        },
        swallow,
    );
    let (mut client, conn) = rig.client();
    rig.act(move |io| {
        io.send(conn, b"bye");
        io.close(conn);
    });
    assert_eq!(read_exactly(&mut client, 3), b"bye");
    assert_eq!(client.read(&mut [0]).unwrap(), 0, "our side ended in order");
    assert!(
        wait_hangup(&client).contains(PollFlags::ERR),
        "then came the reset"
    );
    assert_eq!(rig.act(|io| io.connections()), 0);
}

#[test]
fn an_aborted_connection_is_reset_at_once() {
    let rig = start(
        Config::default(),
        |io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]| {
            io.send(conn, b"never sent");
            io.abort(conn);
            io.abort(conn);
            bytes.len()
        },
    );
    let (mut client, conn) = rig.client();
    client.write_all(b"x").unwrap();
    assert_eq!(
        client.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(rig.next(), Seen::Received(conn, b"x".into()));
    assert_eq!(rig.next(), Seen::Closed(conn, Closed::Aborted));
    assert_eq!(rig.stop(), []);
}

#[test]
fn an_id_that_is_over_reaches_nobody() {
    let rig = start(Config::default(), swallow);
    let (first, old) = rig.client();
    drop(first);
    assert_eq!(rig.next(), Seen::Closed(old, Closed::Peer));
    let (mut second, new) = rig.client();
    assert_eq!(old.index(), new.index(), "the place is taken again");
    assert_ne!(old, new);
    assert_eq!(ConnId::from_bits(new.to_bits()), new);
    rig.act(move |io| {
        for over in [old, ConnId::from_bits(u64::MAX), ConnId::from_bits(77)] {
            io.send(over, b"for another");
            io.pause_reads(over);
            io.close(over);
            io.abort(over);
            assert_eq!(io.pending_len(over), 0);
            assert!(io.detach(over).is_none());
        }
        io.send(new, b"for you");
    });
    assert_eq!(read_exactly(&mut second, 7), b"for you");
    second.write_all(b"here").unwrap();
    assert_eq!(rig.next(), Seen::Received(new, b"here".into()));
}

#[test]
fn a_place_is_taken_again_only_after_its_end_was_told() {
    struct Reuse {
        told: Vec<&'static str>,
        first: Option<ConnId>,
        carry: Vec<u8>,
    }
    impl Handler for Reuse {
        fn opened(&mut self, io: &mut Io<'_>, conn: ConnId, _: Opened) {
            self.told.push("opened");
            let detached = io.detach(conn).unwrap();
            let first = io.adopt(detached).unwrap();
            // Ended and replaced within one call: the new one must not stand in its place.
            io.abort(first);
            let peer = SocketAddr::from(([127, 0, 0, 1], 1));
            let second = io.connect(peer, None, 1).unwrap();
            assert_ne!(first.index(), second.index());
            io.abort(second);
            self.first = Some(first);
        }
        fn received(&mut self, _: &mut Io<'_>, _: ConnId, bytes: &mut [u8]) -> usize {
            self.carry.extend_from_slice(bytes);
            bytes.len()
        }
        fn closed(&mut self, _: &mut Io<'_>, conn: ConnId, reason: Closed) {
            assert_eq!((Some(conn), reason), (self.first, Closed::Aborted));
            self.told.push("closed");
        }
        fn connect_failed(&mut self, io: &mut Io<'_>, _: u64, error: std::io::Error) {
            assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
            self.told.push("connect failed");
            io.stop();
        }
        fn turn_ended(&mut self, _: &mut Io<'_>) {
            self.told.push("turn");
        }
    }
    let listener = any_port();
    let client = TcpStream::connect(listener.local_addr()).unwrap();
    let mut handler = Reuse {
        told: Vec::new(),
        first: None,
        carry: Vec::new(),
    };
    Epoll::new(Config::default(), vec![listener])
        .unwrap()
        .run(&mut handler)
        .unwrap();
    assert_eq!(
        handler.told,
        ["opened", "closed", "connect failed", "turn", "turn"]
    );
    assert!(wait_hangup(&client).contains(PollFlags::ERR));
}

#[test]
fn a_paused_connection_is_heard_after_its_resume() {
    // Takes one byte, leaves the rest and wants no more.
    let rig = start(
        Config::default(),
        |io: &mut Io<'_>, conn: ConnId, _: &mut [u8]| {
            io.pause_reads(conn);
            1
        },
    );
    let (mut client, conn) = rig.client();
    client.write_all(b"abc").unwrap();
    assert_eq!(rig.next(), Seen::Received(conn, b"abc".into()));
    client.write_all(b"def").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    // Two turns in which the new bytes are there and not taken.
    rig.act(|_| ());
    rig.act(|_| ());
    assert_eq!(rig.rest(), []);
    // What was left and what is new may come in one piece or in two; nothing of it is lost, and the
    // end comes last.
    for expected in *b"bcdef" {
        rig.act(move |io| {
            io.resume_reads(conn);
            io.resume_reads(conn);
        });
        match rig.next() {
            Seen::Received(_, bytes) => assert_eq!(bytes[0], expected),
            other => panic!("{other:?}"),
        }
    }
    rig.act(move |io| io.resume_reads(conn));
    assert_eq!(rig.next(), Seen::Closed(conn, Closed::Peer));
}

#[test]
fn a_resume_at_the_end_of_a_turn_needs_no_event_to_be_heard() {
    /// Takes one byte a turn.
    struct Sips {
        paused: Option<ConnId>,
        sipped: usize,
        deadline: u64,
    }
    impl Handler for Sips {
        fn opened(&mut self, _: &mut Io<'_>, _: ConnId, _: Opened) {}
        fn received(&mut self, io: &mut Io<'_>, conn: ConnId, _: &mut [u8]) -> usize {
            io.pause_reads(conn);
            self.paused = Some(conn);
            self.sipped += 1;
            1
        }
        fn closed(&mut self, _: &mut Io<'_>, _: ConnId, _: Closed) {}
        fn turn_ended(&mut self, io: &mut Io<'_>) {
            match self.paused.take() {
                Some(_) if self.sipped == 5 => io.stop(),
                Some(conn) => io.resume_reads(conn),
                None => {}
            }
        }
        fn poll_timeout(&self) -> Option<u64> {
            Some(self.deadline)
        }
        fn timer(&mut self, _: &mut Io<'_>) {
            panic!(
                "{} bytes were offered before the deadline, expected 5",
                self.sipped
            );
        }
    }
    let listener = any_port();
    let mut client = TcpStream::connect(listener.local_addr()).unwrap();
    client.write_all(b"12345").unwrap();
    let deadline = net::clock::monotonic_ns() + DEADLINE.as_nanos() as u64;
    let mut handler = Sips {
        paused: None,
        sipped: 0,
        deadline,
    };
    Epoll::new(Config::default(), vec![listener])
        .unwrap()
        .run(&mut handler)
        .unwrap();
}

#[test]
fn all_pause_together_and_one_by_one() {
    let rig = start(Config::default(), answer_lines);
    let (mut a, a_conn) = rig.client();
    let (mut b, b_conn) = rig.client();
    a.write_all(b"half").unwrap();
    assert_eq!(rig.next(), Seen::Received(a_conn, b"half".into()));
    rig.act(move |io| {
        io.pause_all_reads();
        io.pause_reads(b_conn);
    });
    a.write_all(b" and half\n").unwrap();
    b.write_all(b"b\n").unwrap();
    rig.act(|_| ());
    rig.act(|_| ());
    assert_eq!(rig.rest(), []);
    // Accepting and sending go on.
    let (mut c, c_conn) = rig.client();
    rig.act(move |io| io.send(c_conn, b"hello"));
    assert_eq!(read_exactly(&mut c, 5), b"hello");
    rig.act(|io| io.resume_all_reads());
    // What was carried is offered again, as after any resume.
    assert_eq!(rig.next(), Seen::Received(a_conn, b"half".into()));
    assert_eq!(
        rig.next(),
        Seen::Received(a_conn, b"half and half\n".into())
    );
    assert_eq!(read_exactly(&mut a, 18), b"re: half and half\n");
    assert_eq!(rig.rest(), []);
    // One that is resumed while all are paused waits for the others.
    rig.act(move |io| {
        io.pause_all_reads();
        io.resume_reads(b_conn);
    });
    rig.act(|_| ());
    assert_eq!(rig.rest(), []);
    rig.act(|io| io.resume_all_reads());
    assert_eq!(rig.next(), Seen::Received(b_conn, b"b\n".into()));
}

#[test]
fn bytes_nobody_consumes_end_the_connection_at_the_limit() {
    let config = Config {
        carry_len_max: 1000,
        buffers_len_max: 1500,
        ..Config::default()
    };
    let rig = start(config, leave);
    let (mut first, first_conn) = rig.client();
    first.write_all(&[b'a'; 1000]).unwrap();
    assert_eq!(rig.next(), Seen::Received(first_conn, vec![b'a'; 1000]));
    // The two together would be over the driver's limit: the one that grows goes.
    let (mut second, second_conn) = rig.client();
    second.write_all(&[b'b'; 501]).unwrap();
    assert_eq!(rig.next(), Seen::Received(second_conn, vec![b'b'; 501]));
    assert_eq!(rig.next(), Seen::Closed(second_conn, Closed::BuffersFull));
    first.write_all(b"a").unwrap();
    assert_eq!(rig.next(), Seen::Received(first_conn, vec![b'a'; 1001]));
    assert_eq!(rig.next(), Seen::Closed(first_conn, Closed::CarryFull));
    // What they held is free again.
    let (mut third, third_conn) = rig.client();
    third.write_all(&[b'c'; 1000]).unwrap();
    assert_eq!(rig.next(), Seen::Received(third_conn, vec![b'c'; 1000]));
    rig.act(|_| ());
    assert_eq!(rig.rest(), []);
}

#[test]
fn a_socket_moves_to_another_driver_with_all_its_bytes() {
    let home = start(Config::default(), answer_lines);
    let front = start(
        Config {
            pending_len_max: 64 << 20,
            ..Config::default()
        },
        leave,
    );
    let (mut client, conn) = front.client();
    client.write_all(b"one\ntw").unwrap();
    assert_eq!(front.next(), Seen::Received(conn, b"one\ntw".into()));
    let detached = front.act(move |io| {
        io.send(conn, b"unsent ");
        io.detach(conn).unwrap()
    });
    assert_eq!(
        (&detached.carry[..], &detached.unsent[..]),
        (&b"one\ntw"[..], &b"unsent "[..])
    );
    client.write_all(b"o\n").unwrap();
    let moved = home.act(|io| io.adopt(detached).unwrap());
    let mut seen = Vec::new();
    while !seen.ends_with(b"two\n") {
        match home.next() {
            Seen::Received(conn, bytes) if conn == moved => seen = bytes,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(read_exactly(&mut client, 23), b"unsent re: one\nre: two\n");
    drop(client);
    assert_eq!(home.next(), Seen::Closed(moved, Closed::Peer));
    // The front knows nothing of it any more.
    assert_eq!(front.stop(), []);
}

#[test]
fn a_connection_moves_from_within_its_own_bytes() {
    let (moved_out, moved) = std::sync::mpsc::channel();
    let front = start(
        Config::default(),
        move |io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]| {
            let mut detached = io.detach(conn).unwrap();
            assert_eq!(detached.carry, b"");
            detached.carry.extend_from_slice(bytes);
            moved_out.send(detached).unwrap();
            bytes.len()
        },
    );
    let home = start(Config::default(), echo);
    let (mut client, conn) = front.client();
    client.write_all(b"GET / HTTP/1.1").unwrap();
    assert_eq!(front.next(), Seen::Received(conn, b"GET / HTTP/1.1".into()));
    let detached = moved.recv_timeout(DEADLINE).unwrap();
    let conn = home.act(|io| io.adopt(detached).unwrap());
    assert_eq!(home.next(), Seen::Received(conn, b"GET / HTTP/1.1".into()));
    assert_eq!(read_exactly(&mut client, 14), b"GET / HTTP/1.1");
}

#[test]
fn connecting_ends_in_one_of_two_ways() {
    let server = start(Config::default(), echo);
    let client = start(Config::default(), swallow);
    let addr = server.addr;
    let source = "127.0.0.9".parse().unwrap();
    let conn = client.act(move |io| io.connect(addr, Some(source), 7).unwrap());
    assert_eq!(client.next(), Seen::Connected(conn, 7));
    match server.next() {
        Seen::Accepted(_, peer) => assert_eq!(peer.ip(), source),
        other => panic!("{other:?}"),
    }
    client.act(move |io| io.send(conn, b"hello"));
    assert_eq!(client.next(), Seen::Received(conn, b"hello".into()));

    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    client.act(move |io| io.connect(free, None, 8).map(drop).unwrap());
    assert_eq!(
        client.next(),
        Seen::ConnectFailed(8, ErrorKind::ConnectionRefused)
    );
    // What cannot begin is said at once.
    let far = "192.0.2.1".parse().unwrap();
    let error = client.act(move |io| io.connect(addr, Some(far), 9).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    assert_eq!(client.act(|io| io.connections()), 1);
    assert_eq!(client.stop(), [Seen::Closed(conn, Closed::Stopped)]);
}

#[test]
fn no_message_is_lost_between_wakers_and_driver() {
    const EACH: u64 = 20_000;
    let rig = start(Config::default(), swallow);
    let count = Arc::new(AtomicU64::new(0));
    // Threads that only wake, against acts that are answered only when seen.
    let wakers: Vec<_> = (0..2)
        .map(|_| {
            let (waker, count) = (rig.waker(), count.clone());
            std::thread::spawn(move || {
                for _ in 0..EACH {
                    waker.wake();
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for turn in 0..2000_u64 {
        assert_eq!(rig.act(move |_| turn), turn);
    }
    for waker in wakers {
        waker.join().unwrap();
    }
    assert_eq!(count.load(Ordering::Relaxed), 2 * EACH);
    assert_eq!(rig.stop(), []);
}

#[test]
fn a_thousand_connections_come_and_go() {
    let rig = start(
        Config {
            accepts_max: 7,
            events_max: 16,
            ..Config::default()
        },
        echo,
    );
    for _ in 0..2 {
        let mut clients: Vec<(TcpStream, ConnId)> = (0..1000).map(|_| rig.client()).collect();
        assert_eq!(rig.act(|io| io.connections()), 1000);
        for (client, conn) in &mut clients {
            client.write_all(&conn.to_bits().to_be_bytes()).unwrap();
        }
        for (client, conn) in &mut clients {
            assert_eq!(read_exactly(client, 8), conn.to_bits().to_be_bytes());
        }
        let mut open: Vec<ConnId> = clients.iter().map(|(_, conn)| *conn).collect();
        drop(clients);
        while !open.is_empty() {
            match rig.next() {
                Seen::Received(..) => {}
                Seen::Closed(conn, Closed::Peer) => {
                    let at = open
                        .iter()
                        .position(|open| *open == conn)
                        .expect("closed once");
                    open.swap_remove(at);
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(rig.act(|io| io.connections()), 0);
    }
}

#[test]
fn a_full_table_leaves_the_rest_in_the_backlog() {
    let rig = start(
        Config {
            connections_max: 2,
            ..Config::default()
        },
        echo,
    );
    let (a, a_conn) = rig.client();
    let (b, _) = rig.client();
    let mut waiting = TcpStream::connect(rig.addr).unwrap();
    waiting.set_read_timeout(Some(DEADLINE)).unwrap();
    waiting.write_all(b"patience").unwrap();
    rig.act(|_| ());
    assert_eq!(rig.rest(), []);
    let error = rig.act(|io| {
        io.connect("127.0.0.1:1".parse().unwrap(), None, 0)
            .unwrap_err()
    });
    assert_eq!(error.to_string(), "all 2 connections are in use");
    drop(a);
    assert_eq!(rig.next(), Seen::Closed(a_conn, Closed::Peer));
    assert_eq!(read_exactly(&mut waiting, 8), b"patience");
    drop(b);
}

#[test]
fn a_driver_that_stops_accepting_keeps_its_connections() {
    let rig = start(Config::default(), echo);
    let (mut client, conn) = rig.client();
    rig.act(|io| io.stop_accepting());
    let refused = TcpStream::connect(rig.addr).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    client.write_all(b"still here").unwrap();
    assert_eq!(read_exactly(&mut client, 10), b"still here");
    assert_eq!(rig.next(), Seen::Received(conn, b"still here".into()));
    rig.act(move |io| {
        io.send(conn, b"bye");
        io.stop();
    });
    assert_eq!(rig.next(), Seen::Closed(conn, Closed::Stopped));
    let mut last = Vec::new();
    client.read_to_end(&mut last).unwrap();
    assert_eq!(last, b"bye");
}

#[test]
fn the_timer_is_called_when_it_is_due_and_not_before() {
    struct Timed {
        due: Vec<u64>,
        called: Vec<u64>,
        delays: Vec<u64>,
    }
    impl Handler for Timed {
        fn opened(&mut self, _: &mut Io<'_>, _: ConnId, _: Opened) {}
        fn received(&mut self, _: &mut Io<'_>, _: ConnId, _: &mut [u8]) -> usize {
            0
        }
        fn closed(&mut self, _: &mut Io<'_>, _: ConnId, _: Closed) {}
        fn poll_timeout(&self) -> Option<u64> {
            self.due.last().copied()
        }
        fn timer(&mut self, io: &mut Io<'_>) {
            self.called.push(io.now());
            assert!(io.utc_micros() > 0);
            match self.delays.pop() {
                Some(delay) => self.due.push(io.now() + delay),
                None => io.stop(),
            }
        }
    }
    let mut driver = Epoll::new(Config::default(), Vec::new()).unwrap();
    // The first is due before the first turn; one lies below the kernel's millisecond.
    let mut timed = Timed {
        due: vec![0],
        called: Vec::new(),
        delays: vec![300_000, 5_000_000, 0, 1],
    };
    driver.run(&mut timed).unwrap();
    assert_eq!(timed.called.len(), 5);
    for (due, called) in timed.due.iter().zip(&timed.called) {
        assert!(due <= called);
    }
}

#[test]
fn bounds_that_make_no_sense_are_refused_by_name() {
    for (config, expected) in [
        (
            Config {
                read_len: 100,
                ..Config::default()
            },
            "read_len is 100, expected at least 4096 bytes",
        ),
        (
            Config {
                events_max: 0,
                ..Config::default()
            },
            "events_max is 0, expected at least 1",
        ),
        (
            Config {
                accepts_max: 0,
                ..Config::default()
            },
            "accepts_max is 0, expected at least 1",
        ),
        (
            Config {
                connections_max: 0,
                ..Config::default()
            },
            "connections_max is 0, expected 1 to 2^32-2",
        ),
    ] {
        let error: DriverError = Epoll::new(config, Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn two_listeners_are_told_apart() {
    struct Which(Vec<usize>);
    impl Handler for Which {
        fn opened(&mut self, io: &mut Io<'_>, conn: ConnId, opened: Opened) {
            if let Opened::Accepted { listener, .. } = opened {
                self.0.push(listener);
            }
            io.close(conn);
            if self.0.len() == 2 {
                io.stop();
            }
        }
        fn received(&mut self, _: &mut Io<'_>, _: ConnId, _: &mut [u8]) -> usize {
            panic!("a connection closed when it opened receives nothing");
        }
        fn closed(&mut self, _: &mut Io<'_>, _: ConnId, reason: Closed) {
            assert_eq!(reason, Closed::Local);
        }
    }
    let listeners = vec![any_port(), any_port()];
    let addrs: Vec<SocketAddr> = listeners
        .iter()
        .map(|listener| listener.local_addr())
        .collect();
    let mut driver = Epoll::new(Config::default(), listeners).unwrap();
    let clients: Vec<TcpStream> = addrs
        .iter()
        .map(|addr| TcpStream::connect(addr).unwrap())
        .collect();
    for mut client in &clients {
        client.write_all(b"unheard").unwrap();
    }
    let mut which = Which(Vec::new());
    driver.run(&mut which).unwrap();
    which.0.sort_unstable();
    assert_eq!(which.0, [0, 1]);
}

#[test]
fn a_rig_on_a_shared_port_gets_its_share() {
    use net::os::{ListenOptions, listen};
    let shared = ListenOptions {
        reuse_port: true,
        ..ListenOptions::default()
    };
    let first = listen("127.0.0.1:0".parse().unwrap(), shared).unwrap();
    let addr = first.local_addr();
    let rigs: Vec<Rig> = [first, listen(addr, shared).unwrap()]
        .into_iter()
        .map(|listener| start_on(listener, Config::default(), echo))
        .collect();
    let clients: Vec<TcpStream> = (0..64).map(|_| TcpStream::connect(addr).unwrap()).collect();
    for mut client in &clients {
        client.set_read_timeout(Some(DEADLINE)).unwrap();
        client.write_all(b"x").unwrap();
        client.read_exact(&mut [0]).unwrap();
    }
    // The kernel hashes source ports: 64 of them all on one side are one chance in 2^63.
    let counts: Vec<usize> = rigs
        .iter()
        .map(|rig| rig.act(|io| io.connections()))
        .collect();
    assert!(counts.iter().sum::<usize>() == 64 && counts.iter().all(|count| *count > 0));
}
