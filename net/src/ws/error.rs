//! What a peer can do wrong, and the close code each earns.

use super::CloseCode;

/// A breach of RFC 6455 or of our limits. The connection ends: send [`WsError::close_code`] with this
/// text as the reason, then close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WsError {
    /// An extension bit without an extension (§5.2).
    #[error("reserved bits {0:#05b} are set and no extension was agreed")]
    ReservedBits(u8),
    /// The bit of compression on a frame that begins no message (RFC 7692 §6.1).
    #[error("the bit of compression is set on a frame that begins no message")]
    CompressedBit,
    /// Opcodes 3 to 7 and 11 to 15 have no meaning (§5.2).
    #[error("opcode {0:#x} is reserved")]
    ReservedOpcode(u8),
    /// A client frame without mask (§5.1).
    #[error("frame from a client is not masked")]
    MaskMissing,
    /// A server frame with mask (§5.1).
    #[error("frame from a server is masked")]
    MaskForbidden,
    /// A control frame with more than 125 bytes (§5.5).
    #[error("control frame is longer than 125 bytes")]
    ControlTooLong,
    /// A control frame without FIN (§5.5).
    #[error("control frame is fragmented")]
    ControlFragmented,
    /// A length in more bytes than it needs (§5.2).
    #[error("payload length {0} is not in its shortest form")]
    LengthNotMinimal(u64),
    /// A 64-bit length with the top bit set (§5.2).
    #[error("payload length {0} exceeds 2^63-1")]
    LengthOutOfRange(u64),
    /// A continuation of nothing (§5.4).
    #[error("continuation frame without a message to continue")]
    ContinuationUnexpected,
    /// A new data frame inside a fragmented message (§5.4).
    #[error("new message inside a fragmented one")]
    ContinuationExpected,
    /// A Close frame whose body is a single byte (§5.5.1).
    #[error("close frame has a body of one byte")]
    CloseBody,
    /// A close code that must not be sent (§7.4).
    #[error("close code {0} must not be sent")]
    CloseCode(u16),
    /// Text or a close reason that is not UTF-8 (§8.1).
    #[error("text is not UTF-8")]
    NotUtf8,
    /// Longer than [`super::Limits::message_len_max`].
    #[error("message of {len} bytes or more exceeds the limit of {limit} bytes")]
    MessageTooLong {
        /// Bytes announced so far.
        len: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// A compressed message that no DEFLATE stream is (RFC 7692 §7.2.2).
    #[error("compressed message is no DEFLATE stream behind those before it")]
    Deflate,
    /// Longer, once inflated, than [`super::Limits::message_len_max`] or than
    /// [`super::Limits::inflate_ratio_max`] lets it become.
    #[error("compressed message inflates beyond the limit of {limit} bytes")]
    InflatesTooFar {
        /// What this message may inflate to, in bytes.
        limit: usize,
    },
    /// More fragments than [`super::Limits::fragments_max`].
    #[error("message has more than {limit} fragments")]
    TooManyFragments {
        /// The limit.
        limit: u32,
    },
}

impl WsError {
    /// The code to close with.
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            WsError::ReservedBits(_)
            | WsError::CompressedBit
            | WsError::ReservedOpcode(_)
            | WsError::MaskMissing
            | WsError::MaskForbidden
            | WsError::ControlTooLong
            | WsError::ControlFragmented
            | WsError::LengthNotMinimal(_)
            | WsError::LengthOutOfRange(_)
            | WsError::ContinuationUnexpected
            | WsError::ContinuationExpected
            | WsError::CloseBody
            | WsError::CloseCode(_) => CloseCode::PROTOCOL_ERROR,
            WsError::NotUtf8 | WsError::Deflate => CloseCode::INVALID_PAYLOAD,
            WsError::MessageTooLong { .. } | WsError::InflatesTooFar { .. } => {
                CloseCode::MESSAGE_TOO_BIG
            }
            WsError::TooManyFragments { .. } => CloseCode::POLICY_VIOLATION,
        }
    }
}
