//! The sockets of stations: bytes in, messages out.

use std::fmt::Write;
use std::net::SocketAddr;
use std::ops::ControlFlow;

use base64::Engine;
use net::driver::ConnId;
use net::http::{ClientKey, ClientResponse, parse_client_response};
use net::ws::{self, DeflateOptions, DeflateWriter, MaskKey, Role};

use super::World;

pub(super) struct Socket {
    pub(super) conn: ConnId,
    upgraded: bool,
    codec: ws::Codec,
    /// Where its offer of compression was taken.
    writer: Option<DeflateWriter>,
    input: Vec<u8>,
    /// What the shard has not used yet.
    carry: Vec<u8>,
    pub(super) paused: bool,
    /// Message id of our newest call.
    last_call: String,
    /// Answers no pings.
    pub(super) mute: bool,
    /// Its end is not heard of until it drops.
    pub(super) lingers: bool,
}

impl World {
    pub(super) fn open(&mut self, who: &str) -> ConnId {
        let conn = ConnId::from_bits(self.next_conn | 7 << 32);
        self.next_conn += 1;
        let peer = SocketAddr::new(self.address, 1_000 + self.next_conn as u16);
        let now = self.now();
        self.shard.opened(now, conn, peer);
        self.names.insert(conn, who.to_owned());
        let before = self.sockets.insert(
            who.to_owned(),
            Socket {
                conn,
                upgraded: false,
                codec: ws::Codec::new(ws::Role::Client),
                writer: None,
                input: Vec::new(),
                carry: Vec::new(),
                paused: false,
                last_call: String::new(),
                mute: false,
                lingers: false,
            },
        );
        assert!(before.is_none(), "{who} is connected already");
        self.effects();
        conn
    }

    /// `connect IDENTITY [1.6|2.0.1|2.1|none] [deflate] [password=…] [NAME=VALUE]…`, the last ones header fields
    pub(super) fn connect(&mut self, who: &str, rest: &str) {
        let mut words = rest.split(' ');
        let identity = words.next().unwrap();
        let mut protocol = "ocpp1.6";
        let mut headers = String::new();
        for word in words {
            match word.split_once('=') {
                None if word == "1.6" => protocol = "ocpp1.6",
                None if word == "2.0.1" => protocol = "ocpp2.0.1",
                None if word == "2.1" => protocol = "ocpp2.1",
                None if word == "none" => protocol = "",
                None if word == "deflate" => headers.push_str(OFFER),
                Some(("password", password)) => {
                    let pair = format!("{identity}:{password}");
                    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
                    write!(headers, "Authorization: Basic {encoded}\r\n").unwrap();
                }
                Some((name, value)) => write!(headers, "{name}: {value}\r\n").unwrap(),
                None => panic!("{word}"),
            }
        }
        if !protocol.is_empty() {
            write!(headers, "Sec-WebSocket-Protocol: {protocol}\r\n").unwrap();
        }
        self.open(who);
        let request = upgrade(&format!("/{identity}"), &headers);
        self.deliver(who, request.as_bytes());
    }

    pub(super) fn raw_request(&mut self, who: &str, request: &str) {
        self.open(who);
        let request = request.replace("\\r\\n", "\r\n");
        self.deliver(who, request.as_bytes());
    }

    pub(in crate::shard::tests) fn send(&mut self, who: &str, text: &str) {
        let mut bytes = Vec::new();
        self.write(who, &mut bytes, text);
        self.deliver(who, &bytes);
    }

    /// Appends a text message as the station sends it: compressed where it may and where that makes it shorter.
    pub(in crate::shard::tests) fn write(&mut self, who: &str, out: &mut Vec<u8>, text: &str) {
        let writer = self.sockets.get_mut(who).and_then(|s| s.writer.as_mut());
        match writer {
            Some(writer) => {
                writer.write_text(&mut self.deflater, out, Some(KEY), text.as_bytes());
            }
            None => ws::write_text(out, Some(KEY), text.as_bytes()),
        }
    }

    pub(in crate::shard::tests) fn deliver(&mut self, who: &str, bytes: &[u8]) {
        let now = self.now();
        let Some(socket) = self.sockets.get_mut(who) else {
            return self.say(&format!("{who} has no socket"));
        };
        let conn = socket.conn;
        let mut all = std::mem::take(&mut socket.carry);
        all.extend_from_slice(bytes);
        if !socket.paused {
            let used = self.shard.received(now, conn, &mut all);
            all.drain(..used);
        }
        if let Some(socket) = self.sockets.get_mut(who) {
            socket.carry = all;
        }
    }

    pub(super) fn last_call(&self, who: &str) -> String {
        self.sockets[who].last_call.clone()
    }

    /// What a station sees on its socket.
    pub(super) fn hear_from_shard(&mut self, conn: ConnId, bytes: &[u8]) {
        let Some(name) = self.names.get(&conn).cloned() else {
            return;
        };
        let socket = self.sockets.get_mut(&name).unwrap();
        socket.input.extend_from_slice(bytes);
        let mut seen = Vec::new();
        if !socket.upgraded {
            let text = String::from_utf8_lossy(&socket.input).into_owned();
            let Some(end) = text.find("\r\n\r\n") else {
                return;
            };
            let status = text.lines().next().unwrap().replacen("HTTP/1.1 ", "", 1);
            let protocol = text
                .lines()
                .find_map(|l| l.strip_prefix("Sec-WebSocket-Protocol: "));
            seen.push(
                format!("{status} {}", protocol.unwrap_or(""))
                    .trim()
                    .to_owned(),
            );
            socket.upgraded = status.starts_with("101");
            let key = ClientKey::new(*b"the sample nonce");
            let offered = DeflateOptions::default();
            let answer = parse_client_response(&socket.input, &key, Some(&offered));
            if let Ok(Some((
                ClientResponse::Switched {
                    deflate: Some(agreement),
                    ..
                },
                _,
            ))) = answer
            {
                socket.codec = ws::Codec::compressed(Role::Client, &agreement);
                socket.writer = Some(DeflateWriter::new(Role::Client, &agreement));
                seen.push(match agreement.keeps_contexts() {
                    true => "compresses".to_owned(),
                    false => "compresses without contexts".to_owned(),
                });
            }
            if !socket.upgraded {
                self.last_refusal = text.clone();
            }
            socket
                .input
                .drain(..if socket.upgraded { end + 4 } else { text.len() });
        }
        while let Some(len) = frame_len(&socket.input).filter(|_| socket.upgraded) {
            let compressed = if socket.input[0] & 0x40 == 0 { "" } else { "~" };
            let (codec, frame) = (&mut socket.codec, &mut socket.input[..len]);
            let limits = ws::Limits::default();
            let read = codec.read_compressed(&limits, &mut self.inflater, frame, |message| {
                seen.push(match message {
                    ws::Message::Text(text) => format!("{compressed}{text}"),
                    ws::Message::Ping(_) => "ping".into(),
                    ws::Message::Pong(_) => "pong".into(),
                    ws::Message::Binary(_) => "binary".into(),
                    ws::Message::Close(code, reason) => {
                        let code = code.map_or(0, ws::CloseCode::get);
                        format!("close {code} {reason}").trim().to_owned()
                    }
                });
                ControlFlow::Continue(())
            });
            assert_eq!(read.expect("we send good frames"), len);
            socket.input.drain(..len);
        }
        for seen in seen {
            let text = seen.trim_start_matches('~');
            if let Some(rest) = text.strip_prefix("[2,\"")
                && let Some(socket) = self.sockets.get_mut(&name)
            {
                socket.last_call = rest.split('"').next().unwrap_or("").to_owned();
            }
            let answers = self.sockets.get(&name).is_some_and(|socket| !socket.mute);
            if seen == "ping" && answers {
                let mut pong = Vec::new();
                ws::write_pong(&mut pong, Some(MaskKey([1, 2, 3, 4])), b"");
                self.deliver(&name, &pong);
            } else {
                self.say(&format!("{name} < {seen}"));
            }
        }
    }
}

/// A client's key for masks.
pub(in crate::shard::tests) const KEY: MaskKey = MaskKey([1, 2, 3, 4]);

/// What a station offers that compresses.
const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=10; server_max_window_bits=10\r\n";

/// Length of the frame that a server's bytes begin with, once it is whole.
fn frame_len(bytes: &[u8]) -> Option<usize> {
    let len = match (bytes.get(1)?, bytes.get(2..)?) {
        (126, [high, low, ..]) => 4 + usize::from(u16::from_be_bytes([*high, *low])),
        (127, rest) => {
            let len = u64::from_be_bytes(*rest.first_chunk()?);
            10 + usize::try_from(len).unwrap()
        }
        (126, _) => return None,
        (short, _) => 2 + usize::from(*short),
    };
    (len <= bytes.len()).then_some(len)
}

pub(in crate::shard::tests) fn upgrade(path: &str, headers: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    )
}
