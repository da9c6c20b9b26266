//! What leaves: one send per turn, and what happens when the peer does not read.

use std::io::Write;

use net::driver::{Closed, Config};
use rustix::event::PollFlags;

use crate::rig::{Seen, start};
use crate::{
    answer_lines, data_segments_in, keep_window_small, read_exactly, swallow, wait_hangup,
};

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
