//! Frames that are no messages, and what each version wants said about them.

use std::borrow::Cow;

use super::UNREADABLE_ID;
use crate::{CallError, ErrorCode, Version};

/// Longest id that a reply repeats, in bytes; a longer one is no id, and the reply is no echo of a flood.
const ID_ECHO_MAX: usize = 256;

/// A frame that could not be read as a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct FrameError<'a> {
    /// What is wrong with it.
    pub fault: FrameFault,
    /// The message id, where it is legible. An answer that broke off still names the call it belonged to.
    pub id: Option<Cow<'a, str>>,
    /// What to send back, if anything.
    pub reply: Option<Reply>,
}

/// The CALLERROR that a frame earns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The id to put into it: the frame's own, or `-1`.
    pub id: String,
    /// The refusal.
    pub error: CallError,
}

/// What can be wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FrameFault {
    /// Not an array that begins with a message type, or a CALL without an id.
    #[error("not an array of message type, message id and more")]
    Unreadable,
    /// The first element is no message type of this version.
    #[error("the message type is unknown, expected 2, 3 or 4, and in 2.1 also 5 or 6")]
    MessageType,
    /// The id of a call is no string.
    #[error("the message id is no string")]
    IdNotText,
    /// The id of a call is empty or too long.
    #[error("the message id is empty or longer than 36 characters")]
    IdLength,
    /// A call without action or payload, or cut off.
    #[error("a CALL has the elements 2, message id, action, payload")]
    CallElements,
    /// A CALLRESULT without its elements, or cut off, or with an id that is no string. Only in 2.1 is something sent
    /// back, where it answers an open call: a CALLRESULTERROR.
    #[error("a CALLRESULT has the elements 3, message id, payload")]
    AnswerElements,
    /// A CALLERROR without its elements, or cut off, or with an id that is no string. Nothing is sent back.
    #[error("a CALLERROR has the elements 4, message id, code, description, details")]
    RefusalElements,
    /// A CALLRESULTERROR without its elements, or cut off, or with an id that is no string (2.1). Nothing is sent back.
    #[error("a CALLRESULTERROR has the elements 5, message id, code, description, details")]
    ComplaintElements,
    /// A SEND without its elements, or cut off, or with an id that is none (2.1). Nothing is sent back.
    #[error("a SEND has the elements 6, message id, action, payload")]
    SendElements,
}

impl FrameFault {
    /// Of a frame that ends before its id, or whose id is a broken string.
    pub(super) fn no_id(kind: super::MessageType) -> FrameFault {
        match kind {
            super::MessageType::Call | super::MessageType::Unknown => FrameFault::Unreadable,
            super::MessageType::CallResult
            | super::MessageType::CallError
            | super::MessageType::CallResultError
            | super::MessageType::Send => FrameFault::id_not_text(kind),
        }
    }

    pub(super) fn id_not_text(kind: super::MessageType) -> FrameFault {
        match kind {
            super::MessageType::Call => FrameFault::IdNotText,
            super::MessageType::Unknown => FrameFault::MessageType,
            super::MessageType::CallResult => FrameFault::AnswerElements,
            super::MessageType::CallError => FrameFault::RefusalElements,
            super::MessageType::CallResultError => FrameFault::ComplaintElements,
            super::MessageType::Send => FrameFault::SendElements,
        }
    }
}

impl<'a> FrameError<'a> {
    /// The rules of 1.6J §4.1–4.2, 2.0.1 Part 4 §4.1–4.4 and the same of 2.1, errata included.
    pub(super) fn new(version: Version, fault: FrameFault, id: Option<Cow<'a, str>>) -> Self {
        let id = id.filter(|id| id.len() <= ID_ECHO_MAX);
        let code = match (fault, version) {
            // 1.6 defines no answer to what it cannot read, and ignores types that it does not know.
            (FrameFault::Unreadable | FrameFault::MessageType, Version::V16) => None,
            (FrameFault::Unreadable, Version::V201 | Version::V21) => {
                Some(ErrorCode::RpcFrameworkError)
            }
            (FrameFault::MessageType, Version::V201) => Some(ErrorCode::MessageTypeNotSupported),
            // 2.1 passes by a type that it does not know, as 1.6 does (2.1 Part 4 §4.1.3).
            (FrameFault::MessageType, Version::V21) => None,
            // Without an id there is nothing that a 1.6 station could relate a CALLERROR to.
            (FrameFault::IdNotText, Version::V16) if id.is_none() => None,
            (FrameFault::IdNotText, Version::V201 | Version::V21) if id.is_none() => {
                Some(ErrorCode::RpcFrameworkError)
            }
            (FrameFault::IdNotText | FrameFault::IdLength | FrameFault::CallElements, _) => {
                Some(ErrorCode::FormatViolation)
            }
            // Neither an answer nor a SEND is answered by a CALLERROR.
            (
                FrameFault::AnswerElements
                | FrameFault::RefusalElements
                | FrameFault::ComplaintElements
                | FrameFault::SendElements,
                _,
            ) => None,
        };
        let reply = code.map(|code| Reply {
            id: id.as_deref().unwrap_or(UNREADABLE_ID).to_owned(),
            error: CallError::new(code, fault.to_string()),
        });
        FrameError { fault, id, reply }
    }
}
