//! What comes: unconsumed bytes, pauses, bounds.

use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpStream};

use net::driver::{Closed, Config, ConnId, Handler, Io, Opened};

use crate::rig::{DEADLINE, Seen, any_port, driver, start, start_held_on, start_paused_on};
use crate::{answer_lines, leave, read_exactly, reset, swallow};

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
    driver(Config::default(), vec![listener])
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
    // What was carried is offered again, as after any resume; what is new comes behind it or later.
    let whole = Seen::Received(a_conn, b"half and half\n".into());
    let mut seen = rig.next();
    if seen == Seen::Received(a_conn, b"half".into()) {
        seen = rig.next();
    }
    assert_eq!(seen, whole);
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
fn bytes_nobody_consumes_end_the_connection_that_holds_most_at_the_limit() {
    let config = Config {
        carry_len_max: 1000,
        buffers_len_max: 1500,
        ..Config::default()
    };
    let rig = start(config, leave);
    let (mut first, first_conn) = rig.client();
    first.write_all(&[b'a'; 1000]).unwrap();
    assert_eq!(rig.next(), Seen::Received(first_conn, vec![b'a'; 1000]));
    // The two together are over the driver's limit: the larger goes, and not the newer.
    let (mut second, second_conn) = rig.client();
    second.write_all(&[b'b'; 501]).unwrap();
    assert_eq!(rig.next(), Seen::Received(second_conn, vec![b'b'; 501]));
    assert_eq!(rig.next(), Seen::Closed(first_conn, Closed::BuffersFull));
    second.write_all(&[b'b'; 500]).unwrap();
    assert_eq!(rig.next(), Seen::Received(second_conn, vec![b'b'; 1001]));
    assert_eq!(rig.next(), Seen::Closed(second_conn, Closed::CarryFull));
    // What they held is free again.
    let (mut third, third_conn) = rig.client();
    third.write_all(&[b'c'; 1000]).unwrap();
    assert_eq!(rig.next(), Seen::Received(third_conn, vec![b'c'; 1000]));
    rig.act(|_| ());
    assert_eq!(rig.rest(), []);
}

#[test]
fn more_bytes_than_there_are_buffers_all_come() {
    const EACH: usize = 100 << 10;
    let config = Config {
        // The least that the io_uring driver makes buffers for: a mebibyte of them.
        events_max: 64,
        ..Config::default()
    };
    let rig = start(config, swallow);
    let mut clients: Vec<_> = (0..32).map(|_| rig.client()).collect();
    let (go, wait) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // The kernel takes all of it while the driver does nothing.
            for (client, _) in &mut clients {
                client.write_all(&vec![b'x'; EACH]).unwrap();
            }
            go.send(()).unwrap();
        });
        rig.act(move |_| wait.recv_timeout(DEADLINE).unwrap());
    });
    let mut missing = 32 * EACH;
    while 0 < missing {
        match rig.next() {
            Seen::Received(_, bytes) => missing -= bytes.len(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_comes_for_a_connection_that_is_paused_when_it_opens_stays_in_the_kernel() {
    let rig = start_paused_on(any_port(), swallow);
    let (mut client, conn) = rig.client();
    client.write_all(b"early").unwrap();
    rig.act(|_| ());
    rig.act(|_| ());
    let detached = rig.act(move |io| io.detach(conn).unwrap());
    assert_eq!(detached.carry, b"");
    let mut socket = TcpStream::from(detached.socket);
    socket.set_nonblocking(false).unwrap();
    assert_eq!(read_exactly(&mut socket, 5), b"early");

    // It is heard all the same, and its end is seen while it waits.
    let (mut client, conn) = rig.client();
    client.write_all(b"early").unwrap();
    rig.act(move |io| io.resume_reads(conn));
    assert_eq!(rig.next(), Seen::Received(conn, b"early".into()));
    let (client, conn) = rig.client();
    reset(client);
    assert_eq!(
        rig.next(),
        Seen::Closed(conn, Closed::Failed(ErrorKind::ConnectionReset))
    );
}

#[test]
fn a_held_connection_ends_with_its_peer_whatever_that_has_sent() {
    let rig = start_held_on(any_port(), swallow);
    let several_turns = || (0..3).for_each(|_| rig.act(|_| ()));
    for bytes in [&b""[..], b"early"] {
        let (mut client, conn) = rig.client();
        client.write_all(bytes).unwrap();
        several_turns();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(rig.next(), Seen::Closed(conn, Closed::Peer));
    }
    // Of one that was let go on every byte counts, also if it is paused after that.
    let (mut client, conn) = rig.client();
    client.write_all(b"first").unwrap();
    several_turns();
    rig.act(move |io| io.resume_reads(conn));
    assert_eq!(rig.next(), Seen::Received(conn, b"first".into()));
    rig.act(move |io| io.pause_reads(conn));
    client.write_all(b"last").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    several_turns();
    assert_eq!(rig.rest(), []);
    rig.act(move |io| io.resume_reads(conn));
    assert_eq!(rig.next(), Seen::Received(conn, b"last".into()));
    assert_eq!(rig.next(), Seen::Closed(conn, Closed::Peer));
}
