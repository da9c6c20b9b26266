//! Close codes (RFC 6455 §7.4 and the IANA registry).

use std::fmt;

/// A close code that may stand in a Close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The purpose of the connection is fulfilled.
    pub const NORMAL: CloseCode = CloseCode(1000);
    /// The server goes down or the client leaves.
    pub const GOING_AWAY: CloseCode = CloseCode(1001);
    /// The peer broke RFC 6455.
    pub const PROTOCOL_ERROR: CloseCode = CloseCode(1002);
    /// A kind of data this endpoint does not take, such as a binary message.
    pub const UNSUPPORTED_DATA: CloseCode = CloseCode(1003);
    /// Data that contradicts its type, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: CloseCode = CloseCode(1007);
    /// The peer broke a rule of ours that no other code names.
    pub const POLICY_VIOLATION: CloseCode = CloseCode(1008);
    /// A message longer than this endpoint takes.
    pub const MESSAGE_TOO_BIG: CloseCode = CloseCode(1009);
    /// Our own fault.
    pub const INTERNAL_ERROR: CloseCode = CloseCode(1011);
    /// The server restarts; connect again.
    pub const SERVICE_RESTART: CloseCode = CloseCode(1012);
    /// Overloaded; connect again later.
    pub const TRY_AGAIN_LATER: CloseCode = CloseCode(1013);

    /// `None` for a number that must not be sent: below 1000, the reserved 1004 to 1006 and 1015,
    /// the unassigned 1016 to 2999, and 5000 up.
    #[must_use]
    pub const fn new(code: u16) -> Option<CloseCode> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(CloseCode(code)),
            _ => None,
        }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_that_may_be_sent_are_accepted() {
        let accepted = (0..=u16::MAX).filter(|code| CloseCode::new(*code).is_some());
        let expected = (1000..=1003).chain(1007..=1014).chain(3000..=4999);
        assert!(accepted.eq(expected));
    }
}
