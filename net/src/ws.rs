//! The WebSocket protocol (RFC 6455) over byte slices, for both ends.
//!
//! Reading: one [`Codec`] per connection. It unmasks in place, hands out whole messages and keeps no
//! buffer except while a fragmented message is under way. Writing needs no state: the `write_*`
//! functions append one frame to a vector, [`begin_text`] lets an encoder write its payload in place.
//!
//! One extension is spoken, compression of messages (RFC 7692), where the upgrade agreed on it. Such a
//! connection is read with [`Codec::read_compressed`] and written with a [`DeflateWriter`]; between
//! messages it holds the last bytes that were said in each direction, 1 KiB by default.

mod close;
mod codec;
mod deflate;
mod error;
mod frame;
mod mask;

pub use close::CloseCode;
pub use codec::{Codec, Limits, Message};
pub use deflate::{Agreement, Compression, DeflateOptions, DeflateWriter, Deflater, Inflater};
pub(crate) use deflate::{accept, agree, answer, offer};
pub use error::WsError;
pub use frame::{
    FrameStart, begin_text, write_binary, write_close, write_ping, write_pong, write_text,
};
pub use mask::MaskKey;

/// Which end of the connection we are. It decides who masks (RFC 6455 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads masked frames, writes unmasked ones.
    Server,
    /// Reads unmasked frames, writes masked ones.
    Client,
}
