//! How connections end, and that their ids end with them.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use net::driver::{Closed, Config, ConnId, Handler, Io, Opened};
use rustix::event::PollFlags;

use crate::rig::{Seen, any_port, driver, start};
use crate::{echo, keep_window_small, read_exactly, reset, swallow, wait_hangup};

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
    driver(Config::default(), vec![listener])
        .run(&mut handler)
        .unwrap();
    assert_eq!(
        handler.told,
        ["opened", "closed", "connect failed", "turn", "turn"]
    );
    assert!(wait_hangup(&client).contains(PollFlags::ERR));
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
