//! Refusals as OCPP-J words them.

use std::borrow::Cow;

use crate::Version;

/// Why a call is refused; 2.0.1 Part 4 §4.3, 1.6J §4.2.3. Versions spell some of them differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The action is unknown to the version.
    NotImplemented,
    /// The action is known, the receiver does not offer it.
    NotSupported,
    /// The receiver failed on its side.
    InternalError,
    /// The payload is incomplete, or the call breaks the protocol's order.
    ProtocolError,
    /// The caller may not do this, or not yet.
    SecurityError,
    /// The payload is not JSON, or not of the action's structure.
    FormatViolation,
    /// A field holds a value outside its range, set or length.
    PropertyConstraintViolation,
    /// A field is missing, or an array has too few or too many elements.
    OccurrenceConstraintViolation,
    /// A field holds a value of the wrong JSON type.
    TypeConstraintViolation,
    /// None of the others.
    GenericError,
    /// The message type number is unknown (2.x).
    MessageTypeNotSupported,
    /// The frame is not readable as an RPC message (2.x).
    RpcFrameworkError,
}

impl ErrorCode {
    /// Every code, in the order of the declaration.
    pub const ALL: [ErrorCode; 12] = [
        ErrorCode::NotImplemented,
        ErrorCode::NotSupported,
        ErrorCode::InternalError,
        ErrorCode::ProtocolError,
        ErrorCode::SecurityError,
        ErrorCode::FormatViolation,
        ErrorCode::PropertyConstraintViolation,
        ErrorCode::OccurrenceConstraintViolation,
        ErrorCode::TypeConstraintViolation,
        ErrorCode::GenericError,
        ErrorCode::MessageTypeNotSupported,
        ErrorCode::RpcFrameworkError,
    ];

    /// The code on the wire. 1.6 has no name for the last two and takes its nearest one.
    pub const fn as_str(self, version: Version) -> &'static str {
        match (self, version) {
            (ErrorCode::NotImplemented, _) => "NotImplemented",
            (ErrorCode::NotSupported, _) => "NotSupported",
            (ErrorCode::InternalError, _) => "InternalError",
            (ErrorCode::ProtocolError, _) => "ProtocolError",
            (ErrorCode::SecurityError, _) => "SecurityError",
            (ErrorCode::FormatViolation, Version::V16) => "FormationViolation",
            (ErrorCode::FormatViolation, Version::V201 | Version::V21) => "FormatViolation",
            (ErrorCode::PropertyConstraintViolation, _) => "PropertyConstraintViolation",
            // The missing letter is the 1.6 spelling; its errata keep it.
            (ErrorCode::OccurrenceConstraintViolation, Version::V16) => {
                "OccurenceConstraintViolation"
            }
            (ErrorCode::OccurrenceConstraintViolation, Version::V201 | Version::V21) => {
                "OccurrenceConstraintViolation"
            }
            (ErrorCode::TypeConstraintViolation, _) => "TypeConstraintViolation",
            (ErrorCode::GenericError, _) => "GenericError",
            (ErrorCode::MessageTypeNotSupported, Version::V16) => "ProtocolError",
            (ErrorCode::MessageTypeNotSupported, Version::V201 | Version::V21) => {
                "MessageTypeNotSupported"
            }
            (ErrorCode::RpcFrameworkError, Version::V16) => "FormationViolation",
            (ErrorCode::RpcFrameworkError, Version::V201 | Version::V21) => "RpcFrameworkError",
        }
    }

    /// The code a peer names, in the spelling of any version.
    pub fn parse(text: &str) -> Option<ErrorCode> {
        ErrorCode::ALL.into_iter().find(|code| {
            Version::ALL
                .into_iter()
                .any(|version| code.as_str(version) == text)
        })
    }
}

/// A refused call: what goes into a CALLERROR.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code:?}: {description}")]
pub struct CallError {
    /// Which rule was broken.
    pub code: ErrorCode,
    /// Names the place (a JSON pointer into the payload), what was found and what was expected.
    /// The writer cuts it at 255 characters, the limit of the field.
    pub description: Cow<'static, str>,
}

impl CallError {
    /// A refusal with its explanation.
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> CallError {
        CallError {
            code,
            description: description.into(),
        }
    }
}
