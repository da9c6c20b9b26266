//! The bytes of a log record.
//!
//! # Layout (little-endian)
//!
//! | bytes | what |
//! | --- | --- |
//! | 2 | kind |
//! | 2 | version of that kind |
//! | 8 | received at, UTC microseconds |
//! | 1 | length of the station key |
//! | n | station key, UTF-8, `{tenant}/{identity}` |
//! | rest | the kind's struct of [`crate::record`], archived by rkyv 0.8 (`little_endian`, `pointer_width_32`, `unaligned`) |
//!
//! Version 2 of [`Message`] is laid out by hand in `wire/message.rs`: two of them are written for every frame and its
//! answer. [`StationConfigured`] is archived in version 2; `wire/configured.rs` reads the one before.
//!
//! Reading validates (`bytecheck`): bytes that a disk changed are an error, not undefined behaviour. Records never
//! come from outside this cluster.

mod configured;
mod message;
mod notified;

use rkyv::api::high::{HighSerializer, HighValidator};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::Error as RkyvError;
use rkyv::ser::allocator::{Arena, ArenaHandle};
use rkyv::{Archive, Deserialize, Portable, Serialize};

use crate::record::{
    BatterySwapsChanged, Booted, ChargingChanged, CommandChanged, CommandFollowed, Connected,
    ConnectionRefused, CostAccrued, CostLimits, DerChanged, Disconnected, DriverTransfers,
    EventStreamsChanged, Message, MessageQuarantined, MeterValues, MoneyChanged, Notified,
    NotifiedDated, PasswordsInDoubt, ReservationsChanged, SecurityEvent, SecurityProfileSet,
    StartTokens, StationCertificates, StationConfigured, StationDeleted, StationHeard,
    StationPasswords, StationTariffs, StatusReported, TransactionBilled, TransactionClosed,
    TransactionCosted, TransactionEvent, TransactionLimits, TransactionMoney, TransactionProgress,
    V2xChanged, WebPaymentSecretsChanged, WebPaymentSecretsPending,
};
use crate::{InvalidKey, KEY_LEN_MAX, StationKey, UtcMicros};

pub use configured::StationConfiguredView;
pub use message::MessageView;
pub use notified::NotifiedView;

/// Bytes before the station key.
const HEAD_LEN: usize = 13;
/// Version of every kind but [`Message`] and [`StationConfigured`], which have had an older one.
const VERSION: u16 = 1;

/// Why bytes are no record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Shorter than its own head says.
    #[error("record of {len} bytes ends inside its head, at least {expected} bytes are expected")]
    Truncated {
        /// Bytes there are.
        len: usize,
        /// Bytes the head asks for.
        expected: usize,
    },
    /// The key is not UTF-8 or no key.
    #[error("record has an invalid station key")]
    Key(#[source] Option<InvalidKey>),
    /// A kind or version that this program does not know; a newer one wrote it.
    #[error(
        "record has kind {kind} version {version}, this program reads kinds {KINDS:?} in version {VERSION}, and version {} of kind {} and {} of {}",
        message::VERSION,
        message::KIND,
        configured::VERSION,
        configured::KIND
    )]
    Unknown {
        /// Kind found.
        kind: u16,
        /// Version found.
        version: u16,
    },
    /// The body does not hold what its kind says.
    #[error("record of kind {kind} has an invalid body: {detail}")]
    Body {
        /// Kind found.
        kind: u16,
        /// What the validator says.
        detail: String,
    },
}

macro_rules! kinds {
    ($($code:literal $variant:ident,)+) => {
        const KINDS: &[u16] = &[$($code,)+ message::KIND, configured::KIND];

        /// What a record is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = concat!("[`crate::record::", stringify!($variant), "`].")]
            $variant,)+
            /// [`crate::record::StationConfigured`].
            StationConfigured,
            /// [`crate::record::Message`].
            Message,
        }

        impl Kind {
            /// What the head of a record says, whether or not the rest can be read; `None` for a kind that this program
            /// does not know.
            pub fn of(record: &[u8]) -> Option<Self> {
                match u16::from_le_bytes(*record.first_chunk()?) {
                    $($code => Some(Self::$variant),)+
                    configured::KIND => Some(Self::StationConfigured),
                    message::KIND => Some(Self::Message),
                    _ => None,
                }
            }
        }

        /// A record's content, borrowed from the bytes it was read from.
        #[derive(Debug)]
        pub enum Body<'a> {
            $(#[doc = concat!("[`crate::record::", stringify!($variant), "`].")]
            $variant(&'a <$variant as Archive>::Archived),)+
            /// [`crate::record::StationConfigured`].
            StationConfigured(StationConfiguredView<'a>),
            /// [`crate::record::Message`].
            Message(MessageView<'a>),
        }

        /// A record's content, owned.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Fact {
            $(#[doc = concat!("[`crate::record::", stringify!($variant), "`].")]
            $variant($variant),)+
            /// [`crate::record::StationConfigured`].
            StationConfigured(StationConfigured),
            /// [`crate::record::Message`].
            Message(Message),
        }

        /// What [`Writer::write`] takes: one implementor per kind.
        pub trait Content: sealed::Sealed {
            #[doc(hidden)]
            const KIND: u16;
            #[doc(hidden)]
            const VERSION: u16 = VERSION;
        }

        mod sealed {
            pub trait Sealed {}
            $(impl Sealed for super::$variant {})+
            impl Sealed for super::StationConfigured {}
        }

        impl Content for StationConfigured {
            const KIND: u16 = configured::KIND;
            const VERSION: u16 = configured::VERSION;
        }

        $(impl Content for $variant { const KIND: u16 = $code; }
        impl From<$variant> for Fact {
            fn from(value: $variant) -> Self {
                Self::$variant(value)
            }
        })+

        impl From<StationConfigured> for Fact {
            fn from(value: StationConfigured) -> Self {
                Self::StationConfigured(value)
            }
        }

        impl From<Message> for Fact {
            fn from(value: Message) -> Self {
                Self::Message(value)
            }
        }

        impl<'a> Body<'a> {
            fn read(kind: u16, version: u16, bytes: &'a [u8]) -> Result<Self, WireError> {
                match (kind, version) {
                    (message::KIND, message::VERSION) => MessageView::read(bytes).map(Self::Message),
                    (message::KIND, VERSION) => MessageView::read_v1(bytes).map(Self::Message),
                    (configured::KIND, configured::VERSION) => {
                        StationConfiguredView::read(bytes).map(Self::StationConfigured)
                    }
                    (configured::KIND, VERSION) => {
                        StationConfiguredView::read_v1(bytes).map(Self::StationConfigured)
                    }
                    $(($code, VERSION) => access::<<$variant as Archive>::Archived>(kind, bytes).map(Self::$variant),)+
                    _ => Err(WireError::Unknown { kind, version }),
                }
            }

            /// The number of this kind in a record's head.
            pub fn kind(&self) -> u16 {
                match self {
                    $(Self::$variant(_) => $code,)+
                    Self::StationConfigured(_) => configured::KIND,
                    Self::Message(_) => message::KIND,
                }
            }

            /// The name of this kind.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($variant),)+
                    Self::StationConfigured(_) => "StationConfigured",
                    Self::Message(_) => "Message",
                }
            }

            /// An owned copy.
            ///
            /// # Errors
            ///
            /// [`WireError::Body`]; unreachable for bytes that passed [`read`], but the deserializer's contract has it.
            pub fn to_fact(&self) -> Result<Fact, WireError> {
                match self {
                    $(Self::$variant(archived) => {
                        rkyv::deserialize::<$variant, RkyvError>(*archived)
                            .map(Fact::$variant)
                            .map_err(|e| WireError::Body { kind: $code, detail: e.to_string() })
                    })+
                    Self::StationConfigured(configured) => Ok(Fact::StationConfigured(configured.into())),
                    Self::Message(message) => Ok(Fact::Message(message.into())),
                }
            }
        }

        impl Writer {
            /// As [`Writer::write`], of an owned fact.
            pub fn write_fact(&mut self, out: &mut Vec<u8>, station: &StationKey, received_at: UtcMicros, fact: &Fact) {
                match fact {
                    $(Fact::$variant(value) => self.write(out, station, received_at, value),)+
                    Fact::StationConfigured(value) => self.write(out, station, received_at, value),
                    Fact::Message(value) => write_message(out, station, received_at, &MessageView::from(value)),
                }
            }
        }
    };
}

kinds! {
    1 Connected,
    2 Disconnected,
    3 ConnectionRefused,
    4 Booted,
    5 StatusReported,
    6 TransactionEvent,
    7 MeterValues,
    8 SecurityEvent,
    9 CommandChanged,
    12 StationDeleted,
    13 Notified,
    14 CommandFollowed,
    20 ChargingChanged,
    25 ReservationsChanged,
    35 StationCertificates,
    40 MessageQuarantined,
    45 TransactionMoney,
    46 CostAccrued,
    47 StationTariffs,
    50 DerChanged,
    51 EventStreamsChanged,
    52 BatterySwapsChanged,
    53 V2xChanged,
    55 TransactionClosed,
    65 TransactionProgress,
    70 MoneyChanged,
    71 TransactionBilled,
    88 TransactionCosted,
    79 SecurityProfileSet,
    73 WebPaymentSecretsChanged,
    83 StationHeard,
    85 WebPaymentSecretsPending,
    92 PasswordsInDoubt,
    93 StartTokens,
    94 CostLimits,
    95 TransactionLimits,
    96 StationPasswords,
    97 NotifiedDated,
    98 DriverTransfers,
}

/// One record, borrowed from its bytes.
#[derive(Debug)]
pub struct RecordView<'a> {
    /// `{tenant}/{identity}`.
    pub station: &'a str,
    /// When the frame (or the operator's wish) reached us.
    pub received_at: UtcMicros,
    /// What it says.
    pub body: Body<'a>,
}

impl RecordView<'_> {
    /// The station as a key.
    ///
    /// # Errors
    ///
    /// [`WireError::Key`] when the text is none.
    pub fn station_key(&self) -> Result<StationKey, WireError> {
        StationKey::parse(self.station).map_err(|e| WireError::Key(Some(e)))
    }
}

fn access<T>(kind: u16, bytes: &[u8]) -> Result<&T, WireError>
where
    T: Portable + for<'a> CheckBytes<HighValidator<'a, RkyvError>>,
{
    rkyv::access::<T, RkyvError>(bytes).map_err(|e| WireError::Body {
        kind,
        detail: e.to_string(),
    })
}

/// Reads a record.
///
/// # Errors
///
/// Any [`WireError`].
pub fn read(bytes: &[u8]) -> Result<RecordView<'_>, WireError> {
    let truncated = |expected| WireError::Truncated {
        len: bytes.len(),
        expected,
    };
    let (head, rest) = bytes
        .split_at_checked(HEAD_LEN)
        .ok_or_else(|| truncated(HEAD_LEN))?;
    let kind = u16::from_le_bytes([head[0], head[1]]);
    let version = u16::from_le_bytes([head[2], head[3]]);
    let mut micros = [0; 8];
    micros.copy_from_slice(&head[4..12]);
    let key_len = usize::from(head[12]);
    let (key, body) = rest
        .split_at_checked(key_len)
        .ok_or_else(|| truncated(HEAD_LEN + key_len))?;
    let station = std::str::from_utf8(key).map_err(|_| WireError::Key(None))?;
    let received_at = UtcMicros(i64::from_le_bytes(micros));
    Ok(RecordView {
        station,
        received_at,
        body: Body::read(kind, version, body)?,
    })
}

/// Writes records; keeps its scratch memory, so that writing allocates nothing once warm.
#[derive(Default)]
pub struct Writer {
    arena: Arena,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// Appends one record to `out`.
    pub fn write<T>(
        &mut self,
        out: &mut Vec<u8>,
        station: &StationKey,
        received_at: UtcMicros,
        content: &T,
    ) where
        T: Content + for<'a> Serialize<HighSerializer<&'a mut Vec<u8>, ArenaHandle<'a>, RkyvError>>,
    {
        write_head(out, T::KIND, T::VERSION, station, received_at);
        rkyv::api::high::to_bytes_in_with_alloc::<_, _, RkyvError>(
            content,
            out,
            self.arena.acquire(),
        )
        .expect("a Vec takes every byte, and no type of ours shares pointers");
    }
}

/// Appends one frame's record to `out`.
pub fn write_message(
    out: &mut Vec<u8>,
    station: &StationKey,
    received_at: UtcMicros,
    message: &MessageView<'_, impl AsRef<[u8]> + ?Sized>,
) {
    out.reserve(HEAD_LEN + KEY_LEN_MAX + message.len_max());
    write_head(out, message::KIND, message::VERSION, station, received_at);
    message.write(out);
}

#[inline]
fn write_head(
    out: &mut Vec<u8>,
    kind: u16,
    version: u16,
    station: &StationKey,
    received_at: UtcMicros,
) {
    let key = station.as_str().as_bytes();
    debug_assert!(key.len() <= KEY_LEN_MAX, "StationKey holds its bound");
    let mut head = [0; HEAD_LEN];
    head[..2].copy_from_slice(&kind.to_le_bytes());
    head[2..4].copy_from_slice(&version.to_le_bytes());
    head[4..12].copy_from_slice(&received_at.0.to_le_bytes());
    head[12] = key.len() as u8;
    out.extend_from_slice(&head);
    out.extend_from_slice(key);
}

/// Deserializes any archived struct of [`crate::record`] that a store keeps by itself.
///
/// # Errors
///
/// [`WireError::Body`] with kind 0.
pub fn from_bytes<T>(bytes: &[u8]) -> Result<T, WireError>
where
    T: Archive,
    T::Archived: for<'a> CheckBytes<HighValidator<'a, RkyvError>>
        + Deserialize<T, rkyv::api::high::HighDeserializer<RkyvError>>,
{
    rkyv::from_bytes::<T, RkyvError>(bytes).map_err(|e| WireError::Body {
        kind: 0,
        detail: e.to_string(),
    })
}

#[cfg(test)]
mod tests;
