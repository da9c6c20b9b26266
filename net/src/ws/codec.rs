//! Reading: bytes of one connection become messages.

use std::ops::ControlFlow;
use std::str;

use super::deflate::Window;
use super::frame::{Header, Opcode, read_header};
use super::{Agreement, CloseCode, Inflater, Role, WsError, mask};

/// Bounds on what a peer may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest message in bytes, fragments together. Default 1 MiB.
    pub message_len_max: usize,
    /// Most frames a message may come in. Default 4,096: a message of 1 MiB in pieces of 256 bytes.
    pub fragments_max: u32,
    /// Most bytes that one byte of a compressed message may become; any message may become 64 KiB.
    /// Default 128: DEFLATE reaches 1,032, a message of one hundred equal samples 40.
    pub inflate_ratio_max: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            message_len_max: 1 << 20,
            fragments_max: 4096,
            inflate_ratio_max: 128,
        }
    }
}

/// One message as the peer sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A whole text message, checked to be UTF-8.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// Answer with a Pong of the same payload, at most 125 bytes.
    Ping(&'a [u8]),
    /// Answers a Ping, or comes unasked and means nothing (§5.5.3).
    Pong(&'a [u8]),
    /// The last message: code and reason, both optional on the wire. Answer with a Close, then close.
    Close(Option<CloseCode>, &'a str),
}

/// The reading half of one connection: 16 bytes, a buffer only while a fragmented message is under
/// way, and a window only where compression was agreed on and used.
///
/// # Invariants
///
/// - After a Close or an error nothing more comes out: what follows is swallowed.
/// - At most `message_len_max` bytes are held, in at most twice that much memory.
#[derive(Debug)]
pub struct Codec {
    role: Role,
    over: bool,
    more: Option<Box<More>>,
}

const _: () = assert!(size_of::<Codec>() <= 16);

/// What most connections have no use for most of the time.
#[derive(Debug, Default)]
struct More {
    assembly: Option<Assembly>,
    /// There if compression was agreed on.
    window: Option<Window>,
}

/// A fragmented message under way.
#[derive(Debug)]
struct Assembly {
    text: bool,
    compressed: bool,
    fragments: u32,
    payload: Vec<u8>,
    /// 0 <= checked <= payload.len(); payload[..checked] is whole UTF-8 characters, if text that is not
    /// compressed.
    checked: usize,
}

impl Codec {
    /// A connection of which nothing was read.
    #[must_use]
    pub const fn new(role: Role) -> Codec {
        Codec {
            role,
            over: false,
            more: None,
        }
    }

    /// A connection whose upgrade agreed on compression.
    #[must_use]
    pub fn compressed(role: Role, agreement: &Agreement) -> Codec {
        Codec {
            role,
            over: false,
            more: Some(Box::new(More {
                assembly: None,
                window: Some(agreement.window(role)),
            })),
        }
    }

    /// Memory held for a fragmented message under way, in bytes; 0 when idle.
    #[must_use]
    pub fn held_len(&self) -> usize {
        self.assembly()
            .map_or(0, |assembly| assembly.payload.capacity())
    }

    /// Payload that is here of a fragmented message under way, in bytes; 0 when idle.
    #[must_use]
    pub fn fragments_len(&self) -> usize {
        self.assembly().map_or(0, |assembly| assembly.payload.len())
    }

    /// Memory held for what compressed messages refer back to, in bytes; 0 before the first of them.
    #[must_use]
    pub fn window_len(&self) -> usize {
        let window = self.more.as_ref().and_then(|more| more.window.as_ref());
        window.map_or(0, Window::capacity)
    }

    fn assembly(&self) -> Option<&Assembly> {
        self.more.as_ref()?.assembly.as_ref()
    }

    /// Reads as many whole frames as `input` holds and returns how many bytes they took. The rest is
    /// the start of a frame: keep it, untouched, and pass it again with what follows. So the caller
    /// holds up to `message_len_max` + 14 bytes.
    ///
    /// Payloads are unmasked in place. `on_message` sees each whole message; control frames between
    /// fragments come at once. When it answers [`ControlFlow::Break`], reading ends after that
    /// message, and whole frames may remain.
    ///
    /// # Errors
    ///
    /// The peer broke RFC 6455 or `limits`; messages before the breach were delivered. What is wrong
    /// with a header is said before its payload is here, what is wrong with a text before its last
    /// fragment is.
    pub fn read(
        &mut self,
        limits: &Limits,
        input: &mut [u8],
        on_message: impl FnMut(Message<'_>) -> ControlFlow<()>,
    ) -> Result<usize, WsError> {
        self.read_compressed(limits, &mut Inflater::default(), input, on_message)
    }

    /// As [`Codec::read`], for a connection that may have agreed on compression: `inflater` is the
    /// thread's.
    ///
    /// # Errors
    ///
    /// As [`Codec::read`]. What is wrong in a compressed text is said when its last fragment is here.
    pub fn read_compressed(
        &mut self,
        limits: &Limits,
        inflater: &mut Inflater,
        input: &mut [u8],
        mut on_message: impl FnMut(Message<'_>) -> ControlFlow<()>,
    ) -> Result<usize, WsError> {
        let mut consumed = 0;
        loop {
            if self.over {
                return Ok(input.len());
            }
            match self.read_frame(limits, inflater, &mut input[consumed..], &mut on_message) {
                Ok(None) => return Ok(consumed),
                Ok(Some((len, ControlFlow::Continue(())))) => consumed += len,
                Ok(Some((len, ControlFlow::Break(())))) => return Ok(consumed + len),
                Err(error) => {
                    self.end();
                    return Err(error);
                }
            }
        }
    }

    fn end(&mut self) {
        self.over = true;
        self.more = None;
    }

    /// Reads one frame; `None` when it is not whole.
    fn read_frame(
        &mut self,
        limits: &Limits,
        inflater: &mut Inflater,
        input: &mut [u8],
        on_message: &mut impl FnMut(Message<'_>) -> ControlFlow<()>,
    ) -> Result<Option<(usize, ControlFlow<()>)>, WsError> {
        let deflate = self.more.as_ref().is_some_and(|more| more.window.is_some());
        let Some(header) = read_header(self.role, deflate, input)? else {
            return Ok(None);
        };
        self.check_sequence(limits, &header)?;
        // `check_sequence` held it below `message_len_max`, so neither the cast nor the sum overflows.
        let len = header.len + header.payload_len as usize;
        let Some(payload) = input.get_mut(header.len..len) else {
            return Ok(None);
        };
        if let Some(key) = header.mask {
            mask::apply(key, payload);
        }
        let flow = match header.opcode {
            Opcode::Text | Opcode::Binary if header.fin && header.compressed => {
                let payload = self.inflate(limits, inflater, payload)?;
                on_message(message(header.opcode == Opcode::Text, payload)?)
            }
            Opcode::Text if header.fin => on_message(Message::Text(utf8(payload)?)),
            Opcode::Binary if header.fin => on_message(Message::Binary(payload)),
            Opcode::Text | Opcode::Binary => {
                let mut assembly = Assembly {
                    text: header.opcode == Opcode::Text,
                    compressed: header.compressed,
                    fragments: 0,
                    payload: Vec::new(),
                    checked: 0,
                };
                assembly.append(payload)?;
                self.more.get_or_insert_default().assembly = Some(assembly);
                ControlFlow::Continue(())
            }
            Opcode::Continuation => {
                let more = self.more.as_deref_mut();
                // `check_sequence` refused a continuation of nothing.
                let Some(assembly) = more.and_then(|more| more.assembly.as_mut()) else {
                    return Err(WsError::ContinuationUnexpected);
                };
                assembly.append(payload)?;
                if header.fin {
                    self.assembled(limits, inflater, on_message)?
                } else {
                    ControlFlow::Continue(())
                }
            }
            Opcode::Ping => on_message(Message::Ping(payload)),
            Opcode::Pong => on_message(Message::Pong(payload)),
            Opcode::Close => {
                let message = close_message(payload)?;
                self.end();
                on_message(message)
            }
        };
        Ok(Some((len, flow)))
    }

    /// Hands out the message whose last fragment came.
    fn assembled(
        &mut self,
        limits: &Limits,
        inflater: &mut Inflater,
        on_message: &mut impl FnMut(Message<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, WsError> {
        let Some(assembly) = self.more.as_mut().and_then(|more| more.assembly.take()) else {
            return Err(WsError::ContinuationUnexpected);
        };
        let payload = match assembly.compressed {
            true => self.inflate(limits, inflater, &assembly.payload)?,
            false => &assembly.payload,
        };
        let flow = on_message(message(assembly.text, payload)?);
        self.more.take_if(|more| more.window.is_none());
        Ok(flow)
    }

    fn inflate<'i>(
        &mut self,
        limits: &Limits,
        inflater: &'i mut Inflater,
        payload: &[u8],
    ) -> Result<&'i [u8], WsError> {
        // `read_header` took the bit of compression only where there is a window.
        let Some(window) = self.more.as_mut().and_then(|more| more.window.as_mut()) else {
            return Err(WsError::CompressedBit);
        };
        inflater.inflate(limits, window, payload)
    }

    /// Refuses by its header a frame that may not stand here, or would make its message too long.
    fn check_sequence(&self, limits: &Limits, header: &Header) -> Result<(), WsError> {
        let (held, fragments) = match (header.opcode, self.assembly()) {
            (Opcode::Text | Opcode::Binary, None) => (0, 0),
            (Opcode::Continuation, Some(assembly)) => (assembly.payload.len(), assembly.fragments),
            (Opcode::Text | Opcode::Binary, Some(_)) => return Err(WsError::ContinuationExpected),
            (Opcode::Continuation, None) => return Err(WsError::ContinuationUnexpected),
            (Opcode::Ping | Opcode::Pong | Opcode::Close, _) => return Ok(()),
        };
        // Both are at most 2^63-1.
        let len = held as u64 + header.payload_len;
        if len > limits.message_len_max as u64 {
            return Err(WsError::MessageTooLong {
                len,
                limit: limits.message_len_max,
            });
        }
        if fragments >= limits.fragments_max {
            return Err(WsError::TooManyFragments {
                limit: limits.fragments_max,
            });
        }
        Ok(())
    }
}

impl Assembly {
    fn append(&mut self, fragment: &[u8]) -> Result<(), WsError> {
        self.fragments += 1;
        self.payload.extend_from_slice(fragment);
        if self.text && !self.compressed {
            match str::from_utf8(&self.payload[self.checked..]) {
                Ok(_) => self.checked = self.payload.len(),
                // A character may be cut by the fragment's end; it is judged with its next byte.
                Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
                Err(_) => return Err(WsError::NotUtf8),
            }
        }
        Ok(())
    }
}

fn message(text: bool, payload: &[u8]) -> Result<Message<'_>, WsError> {
    if !text {
        return Ok(Message::Binary(payload));
    }
    utf8(payload).map(Message::Text)
}

fn close_message(body: &[u8]) -> Result<Message<'_>, WsError> {
    match body {
        [] => Ok(Message::Close(None, "")),
        [_] => Err(WsError::CloseBody),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            let code = CloseCode::new(code).ok_or(WsError::CloseCode(code))?;
            Ok(Message::Close(Some(code), utf8(reason)?))
        }
    }
}

#[expect(unsafe_code, reason = "what is ASCII need not be checked twice")]
fn utf8(bytes: &[u8]) -> Result<&str, WsError> {
    if bytes.is_ascii() {
        // SAFETY: ASCII is UTF-8.
        return Ok(unsafe { str::from_utf8_unchecked(bytes) });
    }
    str::from_utf8(bytes).map_err(|_| WsError::NotUtf8)
}

#[cfg(test)]
mod tests;
