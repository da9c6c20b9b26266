//! Frames on the wire (RFC 6455 §5.2): the header read, whole frames written.
//!
//! ```text
//! byte 0      FIN 1 bit, RSV 3 bits, opcode 4 bits
//! byte 1      MASK 1 bit, length 7 bits: 0..=125, or 126 = 16 bits follow, or 127 = 64 bits follow
//! 0, 2 or 8   extended length, big endian, in its shortest form
//! 0 or 4      mask key
//! ```

use super::{CloseCode, MaskKey, Role, WsError, mask};

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
/// RSV1: the message is compressed (RFC 7692 §6).
const COMPRESSED: u8 = 0x40;
pub(super) const CONTROL_LEN_MAX: usize = 125;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xa,
}

impl Opcode {
    fn is_control(self) -> bool {
        match self {
            Opcode::Close | Opcode::Ping | Opcode::Pong => true,
            Opcode::Continuation | Opcode::Text | Opcode::Binary => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) fin: bool,
    /// Only of a frame that begins a message, and only where compression was agreed on.
    pub(super) compressed: bool,
    pub(super) opcode: Opcode,
    pub(super) mask: Option<MaskKey>,
    /// Bytes of this header, mask included.
    pub(super) len: usize,
    /// At most 2^63-1.
    pub(super) payload_len: u64,
}

/// Reads the header at the start of `bytes`, as seen by `role`; `deflate` is whether compression was
/// agreed on. `None` until it is whole; what is wrong in the bytes that are here is said at once.
pub(super) fn read_header(
    role: Role,
    deflate: bool,
    bytes: &[u8],
) -> Result<Option<Header>, WsError> {
    let Some(&first) = bytes.first() else {
        return Ok(None);
    };
    let reserved = (first >> 4) & 0b111;
    let compressed = deflate && first & COMPRESSED != 0;
    if reserved != 0 && !(compressed && reserved == COMPRESSED >> 4) {
        return Err(WsError::ReservedBits(reserved));
    }
    let opcode = match first & 0x0f {
        0x0 => Opcode::Continuation,
        0x1 => Opcode::Text,
        0x2 => Opcode::Binary,
        0x8 => Opcode::Close,
        0x9 => Opcode::Ping,
        0xa => Opcode::Pong,
        reserved => return Err(WsError::ReservedOpcode(reserved)),
    };
    if compressed && !matches!(opcode, Opcode::Text | Opcode::Binary) {
        return Err(WsError::CompressedBit);
    }
    let fin = first & FIN != 0;
    if opcode.is_control() && !fin {
        return Err(WsError::ControlFragmented);
    }
    let Some(&second) = bytes.get(1) else {
        return Ok(None);
    };
    let masked = second & MASKED != 0;
    match role {
        Role::Server if !masked => return Err(WsError::MaskMissing),
        Role::Client if masked => return Err(WsError::MaskForbidden),
        Role::Server | Role::Client => {}
    }
    let short = second & 0x7f;
    if opcode.is_control() && usize::from(short) > CONTROL_LEN_MAX {
        return Err(WsError::ControlTooLong);
    }
    let rest = &bytes[2..];
    let (payload_len, rest, len) = match short {
        126 => {
            let Some((extended, rest)) = rest.split_first_chunk::<2>() else {
                return Ok(None);
            };
            let payload_len = u64::from(u16::from_be_bytes(*extended));
            if payload_len < 126 {
                return Err(WsError::LengthNotMinimal(payload_len));
            }
            (payload_len, rest, 4)
        }
        127 => {
            let Some((extended, rest)) = rest.split_first_chunk::<8>() else {
                return Ok(None);
            };
            let payload_len = u64::from_be_bytes(*extended);
            if payload_len > i64::MAX as u64 {
                return Err(WsError::LengthOutOfRange(payload_len));
            }
            if payload_len <= u64::from(u16::MAX) {
                return Err(WsError::LengthNotMinimal(payload_len));
            }
            (payload_len, rest, 10)
        }
        short => (u64::from(short), rest, 2),
    };
    if !masked {
        return Ok(Some(Header {
            fin,
            compressed,
            opcode,
            mask: None,
            len,
            payload_len,
        }));
    }
    let Some(key) = rest.first_chunk::<4>() else {
        return Ok(None);
    };
    Ok(Some(Header {
        fin,
        compressed,
        opcode,
        mask: Some(MaskKey(*key)),
        len: len + 4,
        payload_len,
    }))
}

/// Appends one text message. A server passes no `mask`, a client a fresh key. `payload` must be UTF-8.
pub fn write_text(out: &mut Vec<u8>, mask: Option<MaskKey>, payload: &[u8]) {
    write_frame(out, Opcode::Text, mask, payload);
}

/// Appends one binary message.
pub fn write_binary(out: &mut Vec<u8>, mask: Option<MaskKey>, payload: &[u8]) {
    write_frame(out, Opcode::Binary, mask, payload);
}

/// Appends a Ping. `payload` holds at most 125 bytes.
pub fn write_ping(out: &mut Vec<u8>, mask: Option<MaskKey>, payload: &[u8]) {
    assert!(payload.len() <= CONTROL_LEN_MAX);
    write_frame(out, Opcode::Ping, mask, payload);
}

/// Appends a Pong; it repeats the Ping's payload (§5.5.3), so that holds at most 125 bytes.
pub fn write_pong(out: &mut Vec<u8>, mask: Option<MaskKey>, payload: &[u8]) {
    assert!(payload.len() <= CONTROL_LEN_MAX);
    write_frame(out, Opcode::Pong, mask, payload);
}

/// Appends a Close. `None` answers a Close without code. A reason over 123 bytes is cut between
/// characters; without a code none is sent.
pub fn write_close(
    out: &mut Vec<u8>,
    mask: Option<MaskKey>,
    code: Option<CloseCode>,
    reason: &str,
) {
    let Some(code) = code else {
        return write_frame(out, Opcode::Close, mask, &[]);
    };
    let reason = &reason[..reason.floor_char_boundary(CONTROL_LEN_MAX - 2)];
    let mut body = [0; CONTROL_LEN_MAX];
    body[..2].copy_from_slice(&code.get().to_be_bytes());
    body[2..2 + reason.len()].copy_from_slice(reason.as_bytes());
    write_frame(out, Opcode::Close, mask, &body[..2 + reason.len()]);
}

fn write_frame(out: &mut Vec<u8>, opcode: Opcode, mask: Option<MaskKey>, payload: &[u8]) {
    if let (None, len @ 0..=125) = (mask, payload.len()) {
        // Most of what a server sends.
        out.reserve(2 + len);
        out.extend_from_slice(&[FIN | opcode as u8, len as u8]);
        return out.extend_from_slice(payload);
    }
    let (header, header_len) = header_bytes(opcode, mask, payload.len());
    out.reserve(header_len + payload.len());
    out.extend_from_slice(&header[..header_len]);
    let payload_at = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = mask {
        mask::apply(key, &mut out[payload_at..]);
    }
}

/// A text frame whose payload is being written; see [`begin_text`].
#[derive(Debug)]
#[must_use = "without `end` the vector holds a frame without header"]
pub struct FrameStart {
    at: usize,
    mask: Option<MaskKey>,
}

/// Begins a text frame at the end of `out`. Append the payload (UTF-8) to the same vector, then call
/// [`FrameStart::end`]: an answer is so encoded once, where it leaves from.
pub fn begin_text(out: &mut Vec<u8>, mask: Option<MaskKey>) -> FrameStart {
    let at = out.len();
    out.resize(at + short_header_len(mask), 0);
    FrameStart { at, mask }
}

impl FrameStart {
    /// Writes the header in front of what was appended since [`begin_text`].
    ///
    /// Room was kept for the shortest header, because most answers are short; a payload over 125
    /// bytes is moved up by two bytes (from 64 KiB on by eight).
    ///
    /// # Panics
    ///
    /// When `out` has become shorter than it was: it is another vector, or was flushed in between.
    pub fn end(self, out: &mut Vec<u8>) {
        let kept = self.at + short_header_len(self.mask);
        assert!(kept <= out.len());
        let payload_len = out.len() - kept;
        if let (None, 0..=125) = (self.mask, payload_len) {
            let header = [FIN | Opcode::Text as u8, payload_len as u8];
            return out[self.at..kept].copy_from_slice(&header);
        }
        let (header, header_len) = header_bytes(Opcode::Text, self.mask, payload_len);
        let payload_at = self.at + header_len;
        if payload_at > kept {
            out.resize(payload_at + payload_len, 0);
            out.copy_within(kept..kept + payload_len, payload_at);
        }
        out[self.at..payload_at].copy_from_slice(&header[..header_len]);
        if let Some(key) = self.mask {
            mask::apply(key, &mut out[payload_at..]);
        }
    }
}

/// Says of a text frame, by its first byte, that its payload is compressed.
pub(super) fn mark_compressed(first: &mut u8) {
    *first |= COMPRESSED;
}

/// Makes a text frame, by its first byte, a binary one.
pub(super) fn mark_binary(first: &mut u8) {
    *first = *first & !(Opcode::Text as u8) | Opcode::Binary as u8;
}

fn short_header_len(mask: Option<MaskKey>) -> usize {
    if mask.is_some() { 6 } else { 2 }
}

/// The header of a whole message in one frame, and its length.
fn header_bytes(opcode: Opcode, mask: Option<MaskKey>, payload_len: usize) -> ([u8; 14], usize) {
    let mut header = [0; 14];
    header[0] = FIN | opcode as u8;
    let masked = if mask.is_some() { MASKED } else { 0 };
    let mut len = match payload_len {
        0..=125 => {
            header[1] = masked | payload_len as u8;
            2
        }
        126..=0xffff => {
            header[1] = masked | 126;
            header[2..4].copy_from_slice(&(payload_len as u16).to_be_bytes());
            4
        }
        _ => {
            header[1] = masked | 127;
            header[2..10].copy_from_slice(&(payload_len as u64).to_be_bytes());
            10
        }
    };
    if let Some(key) = mask {
        header[len..len + 4].copy_from_slice(&key.0);
        len += 4;
    }
    (header, len)
}
