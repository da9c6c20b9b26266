//! The WebSocket codec.
//!
//! ```text
//! byte 0   the role, whether limits are narrow, whether compression was agreed on, with takeover, and its window
//! byte 1   the length of the pieces
//! then     what the peer sends
//! ```
//!
//! Rules: bytes in pieces give the messages and the end that they give at once; a message that is written is read as it
//! was; what is held stays within the limit.

use std::ops::ControlFlow;

use net::ws::{
    self, Agreement, CloseCode, Codec, Compression, DeflateWriter, Deflater, Inflater, Limits,
    MaskKey, Message, Role, WsError,
};

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

    fn write(
        &self,
        out: &mut Vec<u8>,
        mask: Option<MaskKey>,
        writer: Option<(&mut DeflateWriter, &mut Deflater)>,
    ) {
        match (self, writer) {
            (Owned::Text(text), Some((writer, deflater))) => {
                writer.write_text(deflater, out, mask, text.as_bytes());
            }
            (Owned::Binary(bytes), Some((writer, deflater))) => {
                writer.write_binary(deflater, out, mask, bytes);
            }
            (Owned::Text(text), None) => ws::write_text(out, mask, text.as_bytes()),
            (Owned::Binary(bytes), None) => ws::write_binary(out, mask, bytes),
            (Owned::Ping(bytes), _) => ws::write_ping(out, mask, bytes),
            (Owned::Pong(bytes), _) => ws::write_pong(out, mask, bytes),
            (Owned::Close(code, reason), _) => ws::write_close(out, mask, *code, reason),
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
    let compression = Compression {
        window_bits: 9 + (flags >> 4) % 7,
        takeover: flags & 8 != 0,
    };
    let agreement = (flags & 4 != 0).then_some(Agreement {
        server: compression,
        client: compression,
    });
    let agreement = agreement.as_ref();
    let whole = read(role, agreement, &limits, bytes, bytes.len());
    let pieces = read(role, agreement, &limits, bytes, 1 + usize::from(*piece));
    assert_eq!(whole, pieces);
    // What came compressed may be longer than it may be on the wire, and we may compress better.
    let generous = Limits {
        inflate_ratio_max: 2_000,
        ..Limits::default()
    };
    write_and_read(role, agreement, &generous, &whole.0);
}

/// Feeds `bytes` in pieces of `piece_len` bytes.
fn read(
    role: Role,
    agreement: Option<&Agreement>,
    limits: &Limits,
    bytes: &[u8],
    piece_len: usize,
) -> (Vec<Owned>, Result<(), WsError>) {
    let mut codec = match agreement {
        Some(agreement) => Codec::compressed(role, agreement),
        None => Codec::new(role),
    };
    let mut inflater = Inflater::default();
    let mut messages = Vec::new();
    let mut buffer = Vec::new();
    for piece in bytes.chunks(piece_len.max(1)) {
        buffer.extend_from_slice(piece);
        let read = codec.read_compressed(limits, &mut inflater, &mut buffer, |message| {
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
        assert!(codec.window_len() <= 1 << 15);
        assert!(inflater.held_len() <= limits.message_len_max.max(256 << 10) + 1);
    }
    (messages, Ok(()))
}

/// Writes `messages` as the peer does, and reads them.
fn write_and_read(role: Role, agreement: Option<&Agreement>, limits: &Limits, messages: &[Owned]) {
    let mask = match role {
        Role::Server => Some(MaskKey([0x5a, 0, 0xff, 1])),
        Role::Client => None,
    };
    let peer = match role {
        Role::Server => Role::Client,
        Role::Client => Role::Server,
    };
    let mut writer = agreement.map(|agreement| DeflateWriter::new(peer, agreement));
    let mut deflater = Deflater::new(1);
    let mut out = Vec::new();
    for message in messages {
        message.write(
            &mut out,
            mask,
            writer.as_mut().map(|writer| (writer, &mut deflater)),
        );
    }
    let (again, end) = read(role, agreement, limits, &out, out.len());
    assert_eq!(end, Ok(()));
    assert_eq!(again, messages);
}
