//! How connections begin: accepted, connected, adopted.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use net::driver::{Closed, Config, ConnId, Driver, DriverKind, Handler, Io, Opened};
use net::os::Listener;

use crate::rig::{DEADLINE, Rig, Seen, any_port, driver, kinds, start, start_driver, start_on};
use crate::{answer_lines, echo, keep_window_small, leave, read_exactly, swallow};

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
fn a_connection_moves_between_drivers_of_both_kinds() {
    let leaving = Config {
        pending_len_max: 64 << 20,
        ..Config::default()
    };
    let other = |listener: Listener, receive| {
        let addr = listener.local_addr();
        let driver = Driver::new(DriverKind::Epoll, leaving, vec![listener]).unwrap();
        start_driver(addr, driver, receive)
    };
    let (front, back) = (start(leaving, echo), other(any_port(), echo));
    let (mut client, mut conn) = front.client();
    for (from, to) in [(&front, &back), (&back, &front), (&front, &back)] {
        client.write_all(b"here").unwrap();
        assert_eq!(from.next(), Seen::Received(conn, b"here".into()));
        assert_eq!(read_exactly(&mut client, 4), b"here");
        let detached = from.act(move |io| io.detach(conn).unwrap());
        conn = to.act(|io| io.adopt(detached).unwrap());
    }
    // While it is full both ways.
    keep_window_small(&client);
    let bytes: Vec<u8> = (0..24 << 20).map(|i: u32| (i % 251) as u8).collect();
    let sent = bytes.clone();
    back.act(move |io| io.send(conn, &sent));
    back.act(|_| ());
    let detached = back.act(move |io| io.detach(conn).unwrap());
    assert_ne!(detached.unsent, b"");
    conn = front.act(|io| io.adopt(detached).unwrap());
    front.act(|_| ());
    let detached = front.act(move |io| io.detach(conn).unwrap());
    assert_ne!(detached.unsent, b"");
    front.act(|io| io.adopt(detached).map(drop).unwrap());
    assert_eq!(read_exactly(&mut client, bytes.len()), bytes);
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
fn sockets_that_are_descriptors_have_a_bound_of_their_own() {
    let rig = start(
        Config {
            descriptors_max: 1,
            ..Config::default()
        },
        echo,
    );
    let (a, a_conn) = rig.client();
    let mut next = TcpStream::connect(rig.addr).unwrap();
    next.set_read_timeout(Some(DEADLINE)).unwrap();
    next.write_all(b"patience").unwrap();
    if kinds().1 == DriverKind::Epoll {
        rig.act(|_| ());
        assert_eq!(rig.rest(), []);
        drop(a);
        assert_eq!(rig.next(), Seen::Closed(a_conn, Closed::Peer));
    }
    assert_eq!(read_exactly(&mut next, 8), b"patience");
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
    let mut driver = driver(Config::default(), listeners);
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
