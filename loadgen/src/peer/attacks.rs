//! What malicious peers do.

use net::ws::{self, MaskKey};
use ocpp::Version;

/// The same for all: nobody has to be protected from us.
const KEY: Option<MaskKey> = Some(MaskKey([0x5a, 0xa5, 0x0f, 0xf0]));

/// Bytes that a server cannot hold of one message.
const HUGE: u64 = 64 << 20;

/// What the bomb becomes, in bytes.
const BOMB_LEN: usize = 16 << 20;

/// Calls or Pings of a flood.
const FLOOD: u32 = 10_000;

/// Fragments of one message.
const FRAGMENTS: u32 = 1_000_000;

/// Messages or fragments in a piece.
const IN_PIECE: u32 = 1_000;

/// Something that a server must not fall over.
#[derive(Debug)]
pub struct Attack {
    /// As reports call it.
    pub name: &'static str,
    /// What is done.
    pub act: Act,
}

/// What is done.
#[derive(Debug)]
pub enum Act {
    /// An upgrade that is not as it should be.
    Upgrade {
        /// Instead of the identity, as it stands in the path.
        identity: Option<&'static str>,
        /// A password instead of the right one.
        password: Option<&'static [u8]>,
        /// More fields, each ending with CR LF.
        fields: fn() -> String,
    },
    /// Frames after an upgrade that is as it should be.
    Frames(fn(Step<'_>) -> bool),
    /// The same, and what the server says is not read.
    Unread(fn(Step<'_>) -> bool),
    /// A message that is small until it is inflated.
    Bomb,
}

/// A piece of an attack.
#[derive(Debug)]
pub struct Step<'a> {
    /// From 0.
    pub piece: u32,
    /// Of the connection.
    pub version: Version,
    /// Where it goes. The attack answers whether there are more pieces.
    pub out: &'a mut Vec<u8>,
}

/// All of them.
pub static ATTACKS: [Attack; 23] = [
    frames("a frame of 64 MiB", |step| {
        if step.piece == 0 {
            frame_head(step.out, 0x81, HUGE);
        }
        step.out.resize(step.out.len() + (32 << 10), b'a');
        u64::from(step.piece) < HUGE >> 15
    }),
    Attack {
        name: "a bomb of deflate",
        act: Act::Bomb,
    },
    frames("a million fragments", |step| {
        for at in step.piece * IN_PIECE..(step.piece + 1) * IN_PIECE {
            frame_head(step.out, u8::from(at == 0), 1);
            step.out.push(b'a');
        }
        (step.piece + 1) * IN_PIECE < FRAGMENTS
    }),
    frames("a flood of pings", |step| {
        for _ in 0..IN_PIECE {
            ws::write_ping(step.out, KEY, b"are you there?");
        }
        (step.piece + 1) * IN_PIECE < FLOOD
    }),
    frames("ten thousand calls at once", calls),
    Attack {
        name: "calls whose answers are not read",
        act: Act::Unread(calls),
    },
    frames("an answer nobody asked for", |step| {
        text(step, "[3,\"nobody\",{}]")
    }),
    frames("an error nobody asked for", |step| {
        text(step, "[4,\"nobody\",\"InternalError\",\"\",{}]")
    }),
    frames("a call that only a CSMS makes", |step| {
        text(step, "[2,\"1\",\"Reset\",{\"type\":\"Immediate\"}]")
    }),
    frames("an action that does not exist", |step| {
        text(step, "[2,\"1\",\"Nonsense\",{}]")
    }),
    frames("half a message", |step| text(step, "[2,\"1\",\"Heart")),
    frames("nesting without end", |step| {
        let deep = "[".repeat(100_000);
        text(step, &deep)
    }),
    frames("a key twice", |step| {
        let payload = match step.version {
            Version::V16 => "{\"idTag\":\"A\",\"idTag\":\"B\"}",
            Version::V201 | Version::V21 => {
                "{\"idToken\":{\"idToken\":\"A\",\"type\":\"Central\"},\"idToken\":{\"idToken\":\"B\",\"type\":\"Central\"}}"
            }
        };
        let call = format!("[2,\"1\",\"Authorize\",{payload}]");
        text(step, &call)
    }),
    frames("an event before any boot", |step| match step.version {
        Version::V16 => text(
            step,
            "[2,\"1\",\"StopTransaction\",{\"transactionId\":1,\"meterStop\":2147483647,\"timestamp\":\"1970-01-01T00:00:00Z\"}]",
        ),
        Version::V201 | Version::V21 => text(
            step,
            "[2,\"1\",\"TransactionEvent\",{\"eventType\":\"Ended\",\"timestamp\":\"1970-01-01T00:00:00Z\",\
             \"triggerReason\":\"RemoteStop\",\"seqNo\":0,\"transactionInfo\":{\"transactionId\":\"1\"}}]",
        ),
    }),
    frames("text that is no UTF-8", |step| {
        ws::write_text(step.out, KEY, b"[2,\"\xff\xfe\",\"Heartbeat\",{}]");
        false
    }),
    frames("a binary message", |step| {
        ws::write_binary(step.out, KEY, b"[2,\"1\",\"Heartbeat\",{}]");
        false
    }),
    frames("a frame without a mask", |step| {
        ws::write_text(step.out, None, b"[2,\"1\",\"Heartbeat\",{}]");
        false
    }),
    frames("reserved bits", |step| {
        frame_head(step.out, 0xf1, 2);
        step.out.extend_from_slice(b"{}");
        false
    }),
    upgrade(
        "an identity with a way up",
        Some("..%2f..%2fetc%2fpasswd"),
        None,
        String::new,
    ),
    upgrade(
        "an identity of 49 characters",
        Some("AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDDDDDDDDDEEEEEEEEE"),
        None,
        String::new,
    ),
    upgrade(
        "a wrong password",
        None,
        Some(b"not the password of it"),
        String::new,
    ),
    upgrade("the Origin of a web page", None, None, || {
        "Origin: https://attacker.example\r\n".to_owned()
    }),
    upgrade("a field of 10 kB", None, None, || {
        format!("X-Long: {}\r\n", "a".repeat(10_000))
    }),
];

const fn frames(name: &'static str, act: fn(Step<'_>) -> bool) -> Attack {
    Attack {
        name,
        act: Act::Frames(act),
    }
}

const fn upgrade(
    name: &'static str,
    identity: Option<&'static str>,
    password: Option<&'static [u8]>,
    fields: fn() -> String,
) -> Attack {
    Attack {
        name,
        act: Act::Upgrade {
            identity,
            password,
            fields,
        },
    }
}

fn text(step: Step<'_>, text: &str) -> bool {
    ws::write_text(step.out, KEY, text.as_bytes());
    false
}

fn calls(step: Step<'_>) -> bool {
    for at in step.piece * IN_PIECE..(step.piece + 1) * IN_PIECE {
        ws::write_text(
            step.out,
            KEY,
            format!("[2,\"{at}\",\"Heartbeat\",{{}}]").as_bytes(),
        );
    }
    (step.piece + 1) * IN_PIECE < FLOOD
}

/// Appends a compressed message of 105 kB that becomes 16 MiB.
///
/// One block with the fixed codes of RFC 1951 §3.2.6: the letter, and then again and again "258 bytes as the one before"
/// (8 bits of length, 5 of distance). It refers back by one byte, so it is within any window.
pub fn bomb(out: &mut Vec<u8>) {
    let mut bits = Bits::default();
    bits.put(0b010, 3);
    // 'a' is 0x30 + 0x61; codes go most significant bit first.
    bits.put(u32::from((0x30_u8 + b'a').reverse_bits()), 8);
    for _ in 0..BOMB_LEN / 258 {
        bits.put(u32::from(0b1100_0101_u8.reverse_bits()), 8);
        bits.put(0, 5);
    }
    bits.put(0, 7);
    // The empty block that ends a message; of it only this stays (RFC 7692 §7.2.1).
    bits.put(0, 3);
    let payload = bits.finish();
    frame_head(out, 0xc1, payload.len() as u64);
    out.extend_from_slice(&payload);
}

/// Bits, the least significant first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    rest: u32,
    len: u32,
}

impl Bits {
    fn put(&mut self, bits: u32, len: u32) {
        self.rest |= bits << self.len;
        self.len += len;
        while 8 <= self.len {
            self.bytes.push(self.rest as u8);
            self.rest >>= 8;
            self.len -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if 0 < self.len {
            self.bytes.push(self.rest as u8);
        }
        self.bytes
    }
}

/// The head of a frame whose payload follows as it is: the mask is zero.
fn frame_head(out: &mut Vec<u8>, first: u8, len: u64) {
    out.push(first);
    match len {
        0..=125 => out.push(0x80 | len as u8),
        126..=0xffff => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.push(0x80 | 127);
            out.extend_from_slice(&len.to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use net::http::{ClientKey, ClientUpgrade, UpgradeLimits, parse_upgrade, write_client_upgrade};
    use net::ws::{Codec, DeflateOptions, Inflater, Limits, Message, Role};

    use super::*;

    #[test]
    fn the_bomb_is_as_large_as_it_says_and_small_before() {
        let options = DeflateOptions::default();
        let mut request = Vec::new();
        let upgrade = ClientUpgrade {
            host: "csms",
            target: "/x",
            key: &ClientKey::new([7; 16]),
            protocols: &[],
            basic: None,
            deflate: Some(options),
        };
        write_client_upgrade(&mut request, &upgrade);
        let parsed = parse_upgrade(&request, &UpgradeLimits::default());
        let agreement = parsed.unwrap().unwrap().0.deflate(&options).unwrap();

        let mut bytes = Vec::new();
        bomb(&mut bytes);
        assert!(bytes.len() < 110_000, "{} bytes", bytes.len());
        let limits = Limits {
            message_len_max: 2 * BOMB_LEN,
            inflate_ratio_max: u32::MAX,
            ..Limits::default()
        };
        let mut codec = Codec::compressed(Role::Server, &agreement);
        let mut len = 0;
        let read =
            codec.read_compressed(&limits, &mut Inflater::default(), &mut bytes, |message| {
                if let Message::Text(text) = message {
                    assert!(text.bytes().all(|byte| byte == b'a'));
                    len = text.len();
                }
                ControlFlow::Continue(())
            });
        read.unwrap();
        assert_eq!(len, BOMB_LEN / 258 * 258 + 1);
    }
}
