//! Connections with TLS.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use net::driver::{Closed, Config, ConnId, Driver, DriverKind, Io};
use net::os::Listener;
use net::tls::{
    ClientCertificates, ClientSettings, Identity, PrivateKeyDer, ServerSettings, TicketKeys,
    TlsClient, TlsFailure, TlsServer, TlsVersion, Trust,
};
use rustls::{ClientConnection, StreamOwned};

use crate::rig::{DEADLINE, Rig, Seen, any_port, start_driver, start_on, start_paused_on};
use crate::{answer_lines, echo, leave, swallow};

const NAME: &str = "csms.example";
/// Says that the server under test is OpenSSL.
#[cfg(feature = "openssl")]
pub(crate) const OPENSSL: &str = "SIGEC_TEST_OPENSSL";

fn settings() -> ServerSettings {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let identity = Identity {
        chain: vec![certificate.der().clone()],
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    };
    ServerSettings {
        identities: vec![identity],
        clients: ClientCertificates::Unasked,
        version_min: TlsVersion::V12,
        tickets: Arc::new(TicketKeys::in_memory().unwrap()),
    }
}

fn server() -> TlsServer {
    #[cfg(feature = "openssl")]
    if std::env::var_os(OPENSSL).is_some() {
        return TlsServer::of_openssl(settings()).unwrap();
    }
    TlsServer::new(settings()).unwrap()
}

fn start(
    config: Config,
    receive: impl FnMut(&mut Io<'_>, ConnId, &mut [u8]) -> usize + Send + 'static,
) -> Rig {
    start_on(any_port().with_tls(server()), config, receive)
}

type Client = StreamOwned<ClientConnection, TcpStream>;

/// A client of the driver that speaks at most `version`, after its handshake.
fn client(rig: &Rig, version: TlsVersion) -> (Client, ConnId) {
    let (socket, conn) = rig.client();
    let settings = ClientSettings {
        version_max: version,
        ..ClientSettings::new(Trust::Anyone, NAME)
    };
    let session = TlsClient::new(settings).unwrap().buffered().unwrap();
    let mut client = StreamOwned::new(session, socket);
    while client.conn.is_handshaking() {
        client.conn.complete_io(&mut client.sock).unwrap();
    }
    assert_eq!(rig.next(), Seen::Secured(conn, version));
    (client, conn)
}

fn read_exactly(client: &mut Client, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    client.read_exact(&mut bytes).unwrap();
    bytes
}

#[test]
fn bytes_go_both_ways_sealed_and_the_end_is_said() {
    let rig = start(Config::default(), echo);
    for version in [TlsVersion::V12, TlsVersion::V13] {
        let (mut client, conn) = client(&rig, version);
        for text in [&b"one"[..], b"two"] {
            client.write_all(text).unwrap();
            assert_eq!(rig.next(), Seen::Received(conn, text.into()));
            assert_eq!(read_exactly(&mut client, 3), text);
        }
        rig.act(move |io| {
            io.send(conn, b"bye");
            io.close(conn);
        });
        // An end that nobody said would be an error here.
        let mut last = Vec::new();
        client.read_to_end(&mut last).unwrap();
        assert_eq!(last, b"bye");
        assert_eq!(rig.next(), Seen::Closed(conn, Closed::Local));
    }
}

#[test]
fn a_client_that_says_the_end_is_heard() {
    let rig = start(Config::default(), echo);
    let (mut client, conn) = client(&rig, TlsVersion::V13);
    client.write_all(b"last").unwrap();
    client.conn.send_close_notify();
    client.flush().unwrap();
    let (mut seen, mut ended) = (Vec::new(), false);
    while !ended {
        match rig.next() {
            Seen::Received(of, bytes) if of == conn => seen.extend(bytes),
            Seen::Closed(of, Closed::Peer) if of == conn => ended = true,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, b"last");
    let mut last = Vec::new();
    client.read_to_end(&mut last).unwrap();
    assert_eq!(last, b"last");
}

#[test]
fn long_messages_cut_by_records_and_sockets_come_whole() {
    let rig = start(
        Config {
            pending_len_max: 16 << 20,
            ..Config::default()
        },
        answer_lines,
    );
    let (mut client, _) = client(&rig, TlsVersion::V13);
    let mut line = vec![b'x'; 700_000];
    line.push(b'\n');
    client.write_all(&line).unwrap();
    client.flush().unwrap();
    assert_eq!(read_exactly(&mut client, 4), b"re: ");
    assert!(read_exactly(&mut client, line.len()) == line);
    // One byte at a time, as the socket gives it.
    let mut records = Vec::new();
    client.conn.writer().write_all(b"slowly\n").unwrap();
    client.conn.write_tls(&mut records).unwrap();
    for byte in records {
        client.sock.write_all(&[byte]).unwrap();
    }
    assert_eq!(read_exactly(&mut client, 11), b"re: slowly\n");
}

#[test]
fn what_is_no_tls_is_told_so_and_ends() {
    let rig = start(Config::default(), swallow);
    let (mut client, conn) = rig.client();
    client.write_all(b"GET /CP-1 HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let not_tls = Seen::Closed(conn, Closed::Tls(TlsFailure::NotTls));
    assert_eq!(rig.next(), not_tls);

    let (mut client, conn) = rig.client();
    client.write_all(&[0x16, 3, 1, 0, 4, 99, 0, 0, 0]).unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    // An alert, in the clear because there is no key yet.
    assert_eq!(answer[..1], [0x15]);
    let broken = Seen::Closed(conn, Closed::Tls(TlsFailure::Broken));
    assert_eq!(rig.next(), broken);

    // One that leaves in the middle is no failure of TLS.
    let (mut client, conn) = rig.client();
    client.write_all(&[0x16, 3, 1]).unwrap();
    drop(client);
    match rig.next() {
        Seen::Closed(of, Closed::Peer | Closed::Failed(ErrorKind::ConnectionReset)) => {
            assert_eq!(of, conn);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn records_that_somebody_touched_end_the_connection() {
    let rig = start(Config::default(), echo);
    let (mut client, conn) = client(&rig, TlsVersion::V13);
    let mut records = Vec::new();
    client.conn.writer().write_all(b"good").unwrap();
    client.conn.write_tls(&mut records).unwrap();
    let good = records.len();
    client.conn.writer().write_all(b"touched").unwrap();
    client.conn.write_tls(&mut records).unwrap();
    records[good + 7] ^= 1;
    client.sock.write_all(&records).unwrap();
    // What came whole before is believed.
    assert_eq!(rig.next(), Seen::Received(conn, b"good".into()));
    let broken = Seen::Closed(conn, Closed::Tls(TlsFailure::Broken));
    assert_eq!(rig.next(), broken);
}

#[test]
fn a_paused_connection_keeps_its_records_until_it_is_resumed() {
    let rig = start(Config::default(), echo);
    let (mut client, conn) = client(&rig, TlsVersion::V13);
    rig.act(move |io| io.pause_reads(conn));
    for text in [b"one", b"two"] {
        client.write_all(text).unwrap();
        client.flush().unwrap();
        rig.act(|_| ());
    }
    assert_eq!(rig.rest(), []);
    rig.act(move |io| io.resume_reads(conn));
    assert_eq!(read_exactly(&mut client, 6), b"onetwo");
}

/// What a client says, and that it says no more: in one piece.
fn last_words(client: &mut Client, text: &[u8]) -> Vec<u8> {
    let mut records = Vec::new();
    client.conn.writer().write_all(text).unwrap();
    client.conn.send_close_notify();
    client.conn.write_tls(&mut records).unwrap();
    records
}

#[test]
fn who_pauses_before_the_end_hears_all_that_came_before_it() {
    let one_line = |io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]| {
        let line = bytes.iter().position(|byte| *byte == b'\n');
        let line = line.map_or(0, |end| end + 1);
        if line < bytes.len() {
            io.pause_reads(conn);
        }
        line
    };
    let rig = start(Config::default(), one_line);
    for is_broken in [false, true] {
        let (mut client, conn) = client(&rig, TlsVersion::V13);
        let mut records = last_words(&mut client, b"one\ntwo\nthree\n");
        if is_broken {
            *records.last_mut().unwrap() ^= 1;
        }
        client.sock.write_all(&records).unwrap();
        for left in [&b"one\ntwo\nthree\n"[..], b"two\nthree\n", b"three\n"] {
            assert_eq!(rig.next(), Seen::Received(conn, left.into()));
            rig.act(move |io| io.resume_reads(conn));
        }
        let reason = match is_broken {
            true => Closed::Tls(TlsFailure::Broken),
            false => Closed::Peer,
        };
        assert_eq!(rig.next(), Seen::Closed(conn, reason));
    }
}

#[test]
fn a_session_that_is_over_ends_where_it_was_moved_to() {
    let (moved_out, moved) = std::sync::mpsc::channel();
    let moves = move |io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]| {
        let mut detached = io.detach(conn).unwrap();
        if bytes.starts_with(b"keep") {
            detached.carry.extend_from_slice(bytes);
        }
        moved_out.send(detached).unwrap();
        bytes.len()
    };
    let front = start(Config::default(), moves);
    let home = crate::rig::start(Config::default(), swallow);
    for (text, is_broken) in [("drop", false), ("keep", false), ("keep", true)] {
        let (mut client, conn) = client(&front, TlsVersion::V13);
        let mut records = last_words(&mut client, text.as_bytes());
        if is_broken {
            *records.last_mut().unwrap() ^= 1;
        }
        client.sock.write_all(&records).unwrap();
        assert_eq!(front.next(), Seen::Received(conn, text.into()));
        let detached = moved.recv_timeout(DEADLINE).unwrap();
        let conn = home.act(|io| io.adopt(detached).unwrap());
        if text == "keep" {
            assert_eq!(home.next(), Seen::Received(conn, text.into()));
        }
        let reason = match is_broken {
            true => Closed::Tls(TlsFailure::Broken),
            false => Closed::Peer,
        };
        assert_eq!(home.next(), Seen::Closed(conn, reason));
    }
}

#[test]
fn an_end_for_two_reasons_is_told_once() {
    let config = Config {
        // The alert that a failure leaves behind is too much already.
        buffers_len_max: 0,
        ..Config::default()
    };
    let rig = start(config, echo);
    let (mut client, conn) = client(&rig, TlsVersion::V13);
    rig.act(move |io| io.pause_reads(conn));
    client
        .sock
        .write_all(&[
            0x17, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
            20,
        ])
        .unwrap();
    rig.act(|_| ());
    rig.act(move |io| io.resume_reads(conn));
    let broken = Seen::Closed(conn, Closed::Tls(TlsFailure::Broken));
    assert_eq!(rig.next(), broken);
    assert_eq!(rig.stop(), []);
}

#[test]
fn a_session_begins_with_the_first_byte_and_not_with_the_socket() {
    let (before, after) = (server(), settings());
    let expected = after.identities[0].chain.clone();
    let rig = crate::rig::start_on(any_port().with_tls(before.clone()), Config::default(), echo);
    let (socket, conn) = rig.client();
    // The socket has been there for turns; what its session will be made of is not settled yet.
    rig.act(move |io| assert!(io.tls_peer(conn).is_none()));
    before.replace(after).unwrap();
    let session = TlsClient::new(ClientSettings::new(Trust::Anyone, NAME)).unwrap();
    let mut client = StreamOwned::new(session.buffered().unwrap(), socket);
    client.write_all(b"now").unwrap();
    assert_eq!(read_exactly(&mut client, 3), b"now");
    assert_eq!(client.conn.peer_certificates().unwrap(), expected);
    assert_eq!(rig.next(), Seen::Secured(conn, TlsVersion::V13));
    assert_eq!(rig.next(), Seen::Received(conn, b"now".into()));
    // One that says nothing ends as any other.
    let (socket, conn) = rig.client();
    drop(socket);
    assert_eq!(rig.next(), Seen::Closed(conn, Closed::Peer));
}

#[test]
fn a_silent_connection_speaks_tls_where_it_was_moved_to() {
    let front = start(Config::default(), leave);
    let home = crate::rig::start(Config::default(), echo);
    let (socket, conn) = front.client();
    let detached = front.act(move |io| io.detach(conn).unwrap());
    home.act(|io| io.adopt(detached).unwrap());
    let session = TlsClient::new(ClientSettings::new(Trust::Anyone, NAME)).unwrap();
    let mut client = StreamOwned::new(session.buffered().unwrap(), socket);
    client.write_all(b"moved").unwrap();
    assert_eq!(read_exactly(&mut client, 5), b"moved");
}

#[test]
fn a_connection_that_waits_from_its_beginning_on_costs_no_handshake() {
    let rig = start_paused_on(any_port().with_tls(server()), echo);
    let (socket, conn) = rig.client();
    let settings = ClientSettings::new(Trust::Anyone, NAME);
    let session = TlsClient::new(settings).unwrap().buffered().unwrap();
    let mut client = StreamOwned::new(session, socket);
    client.conn.write_tls(&mut client.sock).unwrap();
    rig.act(|_| ());
    rig.act(|_| ());
    // No answer lies ready, nor does one that waits to be sent.
    assert_eq!(rig.act(move |io| io.pending_len(conn)), 0);
    client.sock.set_nonblocking(true).unwrap();
    let nothing = client.sock.read(&mut [0]).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
    client.sock.set_nonblocking(false).unwrap();
    rig.act(move |io| io.resume_reads(conn));
    client.write_all(b"now").unwrap();
    assert_eq!(read_exactly(&mut client, 3), b"now");
}

#[test]
fn a_session_moves_between_drivers_of_both_kinds() {
    let plain = |listener: Listener| {
        let addr = listener.local_addr();
        let driver = Driver::new(DriverKind::Epoll, Config::default(), vec![listener]).unwrap();
        start_driver(addr, driver, leave)
    };
    let front = start(Config::default(), leave);
    let back = plain(any_port());
    let (mut client, mut conn) = client(&front, TlsVersion::V13);
    let mut said = Vec::new();
    for (from, to) in [(&front, &back), (&back, &front), (&front, &back)] {
        client.write_all(b"here").unwrap();
        client.flush().unwrap();
        said.extend(b"here");
        assert_eq!(from.next(), Seen::Received(conn, said.clone()));
        // Half of a record comes with it, and what was appended and is not sealed.
        let mut records = Vec::new();
        client.conn.writer().write_all(b"+half").unwrap();
        client.conn.write_tls(&mut records).unwrap();
        let (first, second) = records.split_at(records.len() / 2);
        client.sock.write_all(first).unwrap();
        from.act(|_| ());
        let detached = from.act(move |io| {
            io.send(conn, b"answer");
            io.detach(conn).unwrap()
        });
        conn = to.act(|io| io.adopt(detached).unwrap());
        assert_eq!(to.next(), Seen::Received(conn, said.clone()));
        assert_eq!(read_exactly(&mut client, 6), b"answer");
        client.sock.write_all(second).unwrap();
        said.extend(b"+half");
        assert_eq!(to.next(), Seen::Received(conn, said.clone()));
    }
}

#[test]
fn the_client_side_says_what_was_appended_once_the_handshake_is_through() {
    let server = start(Config::default(), echo);
    let client = crate::rig::start(Config::default(), swallow);
    let tls = TlsClient::new(ClientSettings::new(Trust::Anyone, NAME)).unwrap();
    for (tag, resumed) in [(1, false), (2, true)] {
        let (addr, tls) = (server.addr, tls.clone());
        let conn = client.act(move |io| io.connect(addr, None, tag).unwrap());
        assert_eq!(client.next(), Seen::Connected(conn, tag));
        client.act(move |io| {
            io.start_tls(conn, &tls).unwrap();
            assert!(io.start_tls(conn, &tls).is_err(), "once");
            io.send(conn, b"hello");
            assert!(5 < io.pending_len(conn));
        });
        let Seen::Accepted(accepted, _) = server.next() else {
            panic!("nobody came");
        };
        assert_eq!(server.next(), Seen::Secured(accepted, TlsVersion::V13));
        assert_eq!(server.next(), Seen::Received(accepted, b"hello".into()));
        assert_eq!(client.next(), Seen::Secured(conn, TlsVersion::V13));
        assert_eq!(
            client.next(),
            Seen::Received(conn, b"hello".into()),
            "{resumed}"
        );
    }
    // A server that speaks no TLS.
    let plain = crate::rig::start(Config::default(), echo);
    let addr = plain.addr;
    let conn = client.act(move |io| io.connect(addr, None, 3).unwrap());
    assert_eq!(client.next(), Seen::Connected(conn, 3));
    client.act(move |io| io.start_tls(conn, &tls).unwrap());
    let broken = Seen::Closed(conn, Closed::Tls(TlsFailure::Broken));
    assert_eq!(client.next(), broken);
}
