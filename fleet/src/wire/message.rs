//! The record of a raw frame, version 2: the frame once, and where id and action stand in it.
//!
//! # Layout (little-endian), behind the head of every record
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | direction |
//! | 1 | OCPP-J message type |
//! | 4, 4 | message id: first byte and length in the text |
//! | 4, 4 | action: the same |
//! | 4 | length of the frame |
//! | rest | text, UTF-8: the frame, then what of id and action is not in it |
//!
//! An answer does not name its action, and an id that was escaped in the frame stands behind it unescaped. Where an
//! empty one stands says nothing.

use super::{WireError, access};
use crate::record::{ArchivedMessage, Message};

pub(super) const KIND: u16 = 10;
pub(super) const VERSION: u16 = 2;

/// Bytes before the text.
const HEAD_LEN: usize = 22;
/// Where the id begins in a frame written without spaces: behind `[2,"`.
const ID_AT: usize = 4;

/// One frame as it went over the wire, secrets masked; a [`Message`] that borrows. It is read as text; it may be written
/// as bytes that were composed as text and are not checked again until they are read.
#[derive(Debug, PartialEq, Eq)]
pub struct MessageView<'a, Raw: ?Sized = str> {
    /// [`crate::record::Direction`].
    pub direction: u8,
    /// OCPP-J message type: 2 CALL, 3 CALLRESULT, 4 CALLERROR; 0 when unreadable.
    pub message_type: u8,
    /// Message id; empty when unreadable.
    pub message_id: &'a str,
    /// Action; of an answer, the action it answers.
    pub action: &'a str,
    /// The frame.
    pub raw: &'a Raw,
}

impl<'a> From<&'a Message> for MessageView<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            direction: message.direction,
            message_type: message.message_type,
            message_id: &message.message_id,
            action: &message.action,
            raw: &message.raw,
        }
    }
}

impl From<&MessageView<'_>> for Message {
    fn from(view: &MessageView<'_>) -> Self {
        Self {
            direction: view.direction,
            message_type: view.message_type,
            message_id: view.message_id.to_owned(),
            action: view.action.to_owned(),
            raw: view.raw.to_owned(),
        }
    }
}

impl<Raw: AsRef<[u8]> + ?Sized> MessageView<'_, Raw> {
    /// Bytes that [`MessageView::write`] appends at most.
    pub(super) fn len_max(&self) -> usize {
        HEAD_LEN + self.raw.as_ref().len() + self.message_id.len() + self.action.len()
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let raw = self.raw.as_ref();
        let mut text_len = raw.len();
        let mut place = |text: &str, expected_at: usize| -> (usize, bool) {
            let expected = raw.get(expected_at..expected_at + text.len());
            if expected == Some(text.as_bytes()) {
                return (expected_at, false);
            }
            text_len += text.len();
            (text_len - text.len(), true)
        };
        let (id_at, id_behind) = place(self.message_id, ID_AT);
        // Of a call: behind `","`.
        let (action_at, action_behind) = place(self.action, ID_AT + self.message_id.len() + 3);
        let mut head = [0; HEAD_LEN];
        head[0] = self.direction;
        head[1] = self.message_type;
        let lengths = [
            id_at,
            self.message_id.len(),
            action_at,
            self.action.len(),
            raw.len(),
        ];
        for (bytes, len) in head[2..].chunks_exact_mut(4).zip(lengths) {
            // A frame is at most as long as a record of the log, which is below 2^32.
            bytes.copy_from_slice(&(len as u32).to_le_bytes());
        }
        out.extend_from_slice(&head);
        out.extend_from_slice(raw);
        if id_behind {
            out.extend_from_slice(self.message_id.as_bytes());
        }
        if action_behind {
            out.extend_from_slice(self.action.as_bytes());
        }
    }
}

impl<'a> MessageView<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, WireError> {
        let invalid = |detail: &str| WireError::Body {
            kind: KIND,
            detail: detail.to_owned(),
        };
        let (head, text) = bytes
            .split_first_chunk::<HEAD_LEN>()
            .ok_or_else(|| invalid("it ends inside its head"))?;
        let text = std::str::from_utf8(text).map_err(|e| invalid(&e.to_string()))?;
        let number = |at: usize| {
            let bytes = [head[at], head[at + 1], head[at + 2], head[at + 3]];
            u32::from_le_bytes(bytes) as usize
        };
        // What is empty stands nowhere: its place may be amid a character.
        let slice = |start: usize, len: usize| match len {
            0 => Ok(""),
            _ => text
                .get(start..start.saturating_add(len))
                .ok_or_else(|| invalid("a range lies outside its text")),
        };
        Ok(Self {
            direction: head[0],
            message_type: head[1],
            message_id: slice(number(2), number(6))?,
            action: slice(number(10), number(14))?,
            raw: slice(0, number(18))?,
        })
    }

    /// Version 1: [`Message`] archived.
    pub(super) fn read_v1(bytes: &'a [u8]) -> Result<Self, WireError> {
        let message = access::<ArchivedMessage>(KIND, bytes)?;
        Ok(Self {
            direction: message.direction,
            message_type: message.message_type,
            message_id: &message.message_id,
            action: &message.action,
            raw: &message.raw,
        })
    }
}
