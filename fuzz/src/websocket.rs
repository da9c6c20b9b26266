//! The WebSocket codec.
//!
//! ```text
//! byte 0   the role, and whether limits are narrow
//! byte 1   the length of the pieces
//! then     what the peer sends
//! ```
//!
//! Rules: bytes in pieces give the messages and the end that they give at once; a message that is written is read as it
//! was; what is held stays within the limit.

use std::ops::ControlFlow;

use net::ws::{self, CloseCode, Codec, Limits, MaskKey, Message, Role, WsError};

/// A message that outlives its buffer.
#[derive(Debug, PartialEq)]
enum Owned {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<CloseCode>, String),
}

impl Owned {
    fn of(message: Message<'_>) -> Owned {
        match message {
            Message::Text(text) => Owned::Text(text.to_owned()),
            Message::Binary(bytes) => Owned::Binary(bytes.to_vec()),
            Message::Ping(bytes) => Owned::Ping(bytes.to_vec()),
            Message::Pong(bytes) => Owned::Pong(bytes.to_vec()),
            Message::Close(code, reason) => Owned::Close(code, reason.to_owned()),
        }
    }

    fn write(&self, out: &mut Vec<u8>, mask: Option<MaskKey>) {
        match self {
            Owned::Text(text) => ws::write_text(out, mask, text.as_bytes()),
            Owned::Binary(bytes) => ws::write_binary(out, mask, bytes),
            Owned::Ping(bytes) => ws::write_ping(out, mask, bytes),
            Owned::Pong(bytes) => ws::write_pong(out, mask, bytes),
            Owned::Close(code, reason) => ws::write_close(out, mask, *code, reason),
        }
    }
}

pub(crate) fn run(data: &[u8]) {
    let [flags, piece, bytes @ ..] = data else {
        return;
    };
    let role = match flags & 1 {
        0 => Role::Server,
        _ => Role::Client,
    };
    let limits = match flags & 2 {
        0 => Limits::default(),
        _ => Limits {
            message_len_max: 64,
            fragments_max: 3,
            ..Limits::default()
        },
    };
    let whole = read(role, &limits, bytes, bytes.len());
    let pieces = read(role, &limits, bytes, 1 + usize::from(*piece));
    assert_eq!(whole, pieces);
    write_and_read(role, &limits, &whole.0);
}

/// Feeds `bytes` in pieces of `piece_len` bytes.
fn read(
    role: Role,
    limits: &Limits,
    bytes: &[u8],
    piece_len: usize,
) -> (Vec<Owned>, Result<(), WsError>) {
    let mut codec = Codec::new(role);
    let mut messages = Vec::new();
    let mut buffer = Vec::new();
    for piece in bytes.chunks(piece_len.max(1)) {
        buffer.extend_from_slice(piece);
        let read = codec.read(limits, &mut buffer, |message| {
            messages.push(Owned::of(message));
            ControlFlow::Continue(())
        });
        match read {
            Ok(consumed) => drop(buffer.drain(..consumed)),
            Err(error) => {
                assert!(CloseCode::new(error.close_code().get()).is_some());
                return (messages, Err(error));
            }
        }
        assert!(codec.held_len() <= 2 * limits.message_len_max);
    }
    (messages, Ok(()))
}

/// Writes `messages` as the peer does, and reads them.
fn write_and_read(role: Role, limits: &Limits, messages: &[Owned]) {
    let mask = match role {
        Role::Server => Some(MaskKey([0x5a, 0, 0xff, 1])),
        Role::Client => None,
    };
    let mut out = Vec::new();
    for message in messages {
        message.write(&mut out, mask);
    }
    let (again, end) = read(role, limits, &out, out.len());
    assert_eq!(end, Ok(()));
    assert_eq!(again, messages);
}
