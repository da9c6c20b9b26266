//! A WebSocket client that sends whatever it is told, right or wrong.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use super::wait::{DEADLINE, now};

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    Text(String),
    Pong(Vec<u8>),
    /// A close frame with its code; 1005 when it carried none.
    Close(u16),
    /// The socket ended.
    End,
}

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;

pub(crate) struct Raw {
    socket: TcpStream,
}

impl Raw {
    pub(crate) fn connect(ocpp: &str) -> Self {
        Self::try_connect(ocpp).unwrap()
    }

    /// `None` where nobody listens.
    pub(crate) fn try_connect(ocpp: &str) -> Option<Self> {
        let socket = match TcpStream::connect(ocpp) {
            Ok(socket) => socket,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return None,
            Err(error) => panic!("{error}"),
        };
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        socket.set_nodelay(true).unwrap();
        Some(Self { socket })
    }

    /// Connects as `station` and finishes the handshake.
    pub(crate) fn station(ocpp: &str, station: &str, protocol: &str) -> Self {
        let mut raw = Self::connect(ocpp);
        raw.send(upgrade(station, protocol).as_bytes());
        let head = raw.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        raw
    }

    /// Bytes as they are. A peer that has closed already may refuse them; what it said can still be read.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        match self.socket.write_all(bytes) {
            Ok(()) => {}
            Err(error) if is_end(error.kind()) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// The head of an HTTP answer; empty when the socket ended without one.
    pub(crate) fn head(&mut self) -> String {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && self.read(&mut byte) {
            head.push(byte[0]);
        }
        String::from_utf8(head).unwrap()
    }

    /// A masked frame with this first byte.
    pub(crate) fn frame(&mut self, first: u8, payload: &[u8]) {
        self.send(&masked(first, payload));
    }

    pub(crate) fn text(&mut self, payload: &str) {
        self.frame(TEXT, payload.as_bytes());
    }

    /// What comes next, pings aside.
    ///
    /// # Panics
    ///
    /// When nothing but pings comes within [`DEADLINE`].
    pub(crate) fn next(&mut self) -> Incoming {
        let started = now();
        loop {
            if let Some(incoming) = self.receive() {
                return incoming;
            }
            assert!(
                started.elapsed() < DEADLINE,
                "nothing but pings within {DEADLINE:?}"
            );
        }
    }

    /// The next frame; `None` for a ping.
    fn receive(&mut self) -> Option<Incoming> {
        let mut head = [0; 2];
        if !self.read(&mut head) {
            return Some(Incoming::End);
        }
        let len = match head[1] {
            126 => {
                let mut len = [0; 2];
                assert!(self.read(&mut len));
                usize::from(u16::from_be_bytes(len))
            }
            len => usize::from(len),
        };
        assert!(
            len < 1 << 16,
            "a masked or huge frame from the server: {head:?}"
        );
        let mut payload = vec![0; len];
        assert!(self.read(&mut payload));
        Some(match head[0] {
            TEXT => Incoming::Text(String::from_utf8(payload).unwrap()),
            CLOSE if payload.len() < 2 => Incoming::Close(1005),
            CLOSE => Incoming::Close(u16::from_be_bytes([payload[0], payload[1]])),
            PING => return None,
            0x8a => Incoming::Pong(payload),
            other => panic!("a frame that begins with {other:#x}"),
        })
    }

    fn read(&mut self, bytes: &mut [u8]) -> bool {
        match self.socket.read_exact(bytes) {
            Ok(()) => true,
            Err(error) if is_end(error.kind()) => false,
            Err(error) => panic!("no answer within {DEADLINE:?}: {error}"),
        }
    }
}

fn is_end(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    )
}

/// A correct upgrade of `station`.
pub(crate) fn upgrade(station: &str, protocol: &str) -> String {
    format!(
        "GET /{station} HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: {protocol}\r\n\r\n"
    )
}

/// The same with a password (profile 1).
pub(crate) fn upgrade_as(station: &str, password: &str) -> String {
    let login = base64(format!("{station}:{password}").as_bytes());
    upgrade(station, "ocpp1.6").replacen(
        "Host: csms\r\n",
        &format!("Host: csms\r\nAuthorization: Basic {login}\r\n"),
        1,
    )
}

/// RFC 4648, §4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .chain([&0; 2])
            .take(3)
            .fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        for at in 0..4 {
            let sixth = bits >> (18 - 6 * at) & 0x3f;
            let known = at <= chunk.len();
            text.push(if known {
                char::from(ALPHABET[sixth])
            } else {
                '='
            });
        }
    }
    text
}

pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}
