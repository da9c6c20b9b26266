use std::ops::ControlFlow::{Break, Continue};

use proptest::prelude::*;

use super::*;
use crate::ws::{
    MaskKey, begin_text, write_binary, write_close, write_ping, write_pong, write_text,
};

const KEY: MaskKey = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
const SMALL: Limits = Limits {
    message_len_max: 200,
    fragments_max: 4,
    inflate_ratio_max: 128,
};

/// Reads `bytes` whole; one line per message, and one for how it ended.
fn read(role: Role, limits: &Limits, bytes: &[u8]) -> String {
    read_in(role, limits, &[bytes])
}

/// Reads `pieces` as they come, carrying what is not consumed.
fn read_in(role: Role, limits: &Limits, pieces: &[&[u8]]) -> String {
    let mut codec = Codec::new(role);
    let mut carry = Vec::new();
    let mut said = Vec::new();
    for piece in pieces {
        carry.extend_from_slice(piece);
        let read = codec.read(limits, &mut carry, |message| {
            said.push(match message {
                Message::Text(text) if text.len() > 40 => format!("text of {}", text.len()),
                Message::Text(text) => format!("text {text}"),
                Message::Binary(bytes) => format!("binary of {}", bytes.len()),
                Message::Ping(bytes) => format!("ping {}", bytes.escape_ascii()),
                Message::Pong(bytes) => format!("pong {}", bytes.escape_ascii()),
                Message::Close(None, _) => "close".to_string(),
                Message::Close(Some(code), reason) => format!("close {code} {reason}"),
            });
            Continue(())
        });
        match read {
            Ok(consumed) => drop(carry.drain(..consumed)),
            Err(error) => {
                said.push(format!("{}: {error}", error.close_code()));
                return said.join("; ");
            }
        }
    }
    if !carry.is_empty() {
        said.push(format!("{} bytes wait", carry.len()));
    }
    said.join("; ")
}

/// A frame as it stands on the wire, with any first byte and a true length.
fn frame(first: u8, mask: Option<MaskKey>, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_binary(&mut out, mask, payload);
    out[0] = first;
    out
}

/// A masked frame.
fn client(first: u8, payload: &[u8]) -> Vec<u8> {
    frame(first, Some(KEY), payload)
}

#[test]
fn the_examples_of_the_rfc_are_read_and_written() {
    let unmasked = b"\x81\x05Hello";
    let masked = [
        0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    assert_eq!(read(Role::Client, &SMALL, unmasked), "text Hello");
    assert_eq!(read(Role::Server, &SMALL, &masked), "text Hello");
    assert_eq!(
        read(Role::Client, &SMALL, b"\x01\x03Hel\x80\x02lo"),
        "text Hello"
    );

    let mut out = Vec::new();
    write_text(&mut out, None, b"Hello");
    assert_eq!(out, unmasked);
    out.clear();
    write_text(&mut out, Some(KEY), b"Hello");
    assert_eq!(out, masked);
    out.clear();
    write_pong(&mut out, Some(KEY), b"Hello");
    assert_eq!(out, [&[0x8a][..], &masked[1..]].concat());
}

#[test]
fn every_breach_by_a_client_has_its_code_and_its_words() {
    let cases: &[(&[u8], &str)] = &[
        // §5.1
        (b"\x81\x05Hello", "1002: frame from a client is not masked"),
        (b"\x81\x05", "1002: frame from a client is not masked"),
        // §5.2, reserved bits, said on the first byte
        (
            b"\xc1",
            "1002: reserved bits 0b100 are set and no extension was agreed",
        ),
        (
            b"\xa1",
            "1002: reserved bits 0b010 are set and no extension was agreed",
        ),
        (
            b"\x91",
            "1002: reserved bits 0b001 are set and no extension was agreed",
        ),
        (
            b"\xf9",
            "1002: reserved bits 0b111 are set and no extension was agreed",
        ),
        // §5.2, opcodes
        (b"\x83", "1002: opcode 0x3 is reserved"),
        (b"\x07", "1002: opcode 0x7 is reserved"),
        (b"\x8b", "1002: opcode 0xb is reserved"),
        (b"\x8f", "1002: opcode 0xf is reserved"),
        // §5.5
        (b"\x09", "1002: control frame is fragmented"),
        (b"\x08", "1002: control frame is fragmented"),
        (b"\x89\xfe", "1002: control frame is longer than 125 bytes"),
        (b"\x88\xff", "1002: control frame is longer than 125 bytes"),
        (
            b"\x8a\xfe\x00\x7e",
            "1002: control frame is longer than 125 bytes",
        ),
        // §5.2, lengths
        (
            b"\x81\xfe\x00\x7d",
            "1002: payload length 125 is not in its shortest form",
        ),
        (
            b"\x81\xfe\x00\x00",
            "1002: payload length 0 is not in its shortest form",
        ),
        (
            b"\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff",
            "1002: payload length 65535 is not in its shortest form",
        ),
        (
            b"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00",
            "1002: payload length 9223372036854775808 exceeds 2^63-1",
        ),
        // Our limits, said on the header
        (
            b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00",
            "1009: message of 9223372036854775807 bytes or more exceeds the limit of 200 bytes",
        ),
        (
            b"\x81\xfe\x00\xc9\x00\x00\x00\x00",
            "1009: message of 201 bytes or more exceeds the limit of 200 bytes",
        ),
        // §5.4
        (
            b"\x80\x80\x00\x00\x00\x00",
            "1002: continuation frame without a message to continue",
        ),
        (
            b"\x00\x80\x00\x00\x00\x00",
            "1002: continuation frame without a message to continue",
        ),
        (
            b"\x01\x80\x00\x00\x00\x00\x81\x80\x00\x00\x00\x00",
            "1002: new message inside a fragmented one",
        ),
        (
            b"\x02\x80\x00\x00\x00\x00\x01\x80\x00\x00\x00\x00",
            "1002: new message inside a fragmented one",
        ),
        // §5.5.1
        (
            b"\x88\x81\x00\x00\x00\x00\x03",
            "1002: close frame has a body of one byte",
        ),
        (
            b"\x88\x84\x00\x00\x00\x00\x03\xe8\xc3\x28",
            "1007: text is not UTF-8",
        ),
        // §8.1
        (
            b"\x81\x82\x00\x00\x00\x00\xc3\x28",
            "1007: text is not UTF-8",
        ),
        (b"\x81\x81\x00\x00\x00\x00\xc3", "1007: text is not UTF-8"),
        // A surrogate, an overlong form, beyond U+10FFFF.
        (
            b"\x81\x83\x00\x00\x00\x00\xed\xa0\x80",
            "1007: text is not UTF-8",
        ),
        (
            b"\x81\x82\x00\x00\x00\x00\xc0\x80",
            "1007: text is not UTF-8",
        ),
        (
            b"\x81\x84\x00\x00\x00\x00\xf4\x90\x80\x80",
            "1007: text is not UTF-8",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(
            read(Role::Server, &SMALL, bytes),
            *expected,
            "{}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn a_client_refuses_masked_frames_of_the_server() {
    let masked = client(0x81, b"Hello");
    assert_eq!(
        read(Role::Client, &SMALL, &masked),
        "1002: frame from a server is masked"
    );
}

#[test]
fn close_codes_that_must_not_be_sent_are_a_breach() {
    for code in [
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535_u16,
    ] {
        let close = client(0x88, &code.to_be_bytes());
        let expected = format!("1002: close code {code} must not be sent");
        assert_eq!(read(Role::Server, &SMALL, &close), expected);
    }
    for code in [
        1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999_u16,
    ] {
        let close = client(
            0x88,
            &[&code.to_be_bytes()[..], "tchau, até".as_bytes()].concat(),
        );
        let expected = format!("close {code} tchau, até");
        assert_eq!(read(Role::Server, &SMALL, &close), expected);
    }
    assert_eq!(read(Role::Server, &SMALL, &client(0x88, b"")), "close");
}

#[test]
fn nothing_is_read_after_a_close_or_a_breach() {
    let close = [client(0x88, b""), client(0x81, b"late"), vec![0xff; 9]].concat();
    assert_eq!(
        read_in(Role::Server, &SMALL, &[&close, &client(0x81, b"later")]),
        "close"
    );

    let mut codec = Codec::new(Role::Server);
    assert!(codec.read(&SMALL, &mut [0xff], |_| Continue(())).is_err());
    let mut good = client(0x81, b"late");
    let read = codec.read(&SMALL, &mut good, |message| panic!("{message:?}"));
    assert_eq!(read, Ok(10));
}

#[test]
fn every_form_of_length_is_read_and_written_in_its_shortest_form() {
    let limits = Limits {
        message_len_max: 70_000,
        ..Limits::default()
    };
    for (len, header_len) in [
        (0, 2),
        (1, 2),
        (125, 2),
        (126, 4),
        (127, 4),
        (65_535, 4),
        (65_536, 10),
        (70_000, 10),
    ] {
        for (role, mask) in [(Role::Client, None), (Role::Server, Some(KEY))] {
            let payload = vec![b'a'; len];
            let mut whole = Vec::new();
            write_text(&mut whole, mask, &payload);
            assert_eq!(whole.len(), header_len + mask.map_or(0, |_| 4) + len);
            let mut codec = Codec::new(role);
            let mut messages = 0;
            let read = codec.read(&limits, &mut whole.clone(), |message| {
                messages += 1;
                assert_eq!(message, Message::Text(str::from_utf8(&payload).unwrap()));
                Continue(())
            });
            assert_eq!((read, messages), (Ok(whole.len()), 1));

            // A payload written in place makes the same frame.
            let mut begun = b"before".to_vec();
            let start = begin_text(&mut begun, mask);
            begun.extend_from_slice(&payload);
            start.end(&mut begun);
            assert_eq!(begun, [b"before", &whole[..]].concat());
        }
    }
}

#[test]
fn control_frames_between_fragments_come_at_once() {
    let bytes = [
        client(0x01, b"one "),
        client(0x89, b"?"),
        client(0x00, b"two "),
        client(0x8a, b"!"),
        client(0x80, b"three"),
        client(0x82, b"next"),
    ];
    assert_eq!(
        read(Role::Server, &SMALL, &bytes.concat()),
        "ping ?; pong !; text one two three; binary of 4"
    );
    assert_eq!(
        read(
            Role::Server,
            &SMALL,
            &[client(0x02, b"lost"), client(0x88, b"")].concat()
        ),
        "close"
    );
}

#[test]
fn a_character_may_be_cut_between_fragments() {
    let text = "€ç𝄞".as_bytes();
    for cut in 0..=text.len() {
        let bytes = [client(0x01, &text[..cut]), client(0x80, &text[cut..])].concat();
        assert_eq!(
            read(Role::Server, &SMALL, &bytes),
            "text €ç𝄞",
            "cut at {cut}"
        );
    }
    let bytes: Vec<u8> = [
        client(0x01, b""),
        client(0x00, &text[..1]),
        client(0x80, b""),
    ]
    .concat();
    assert_eq!(
        read(Role::Server, &SMALL, &bytes),
        "1007: text is not UTF-8"
    );
}

#[test]
fn text_that_cannot_become_utf8_is_refused_before_the_message_ends() {
    let bytes = [client(0x01, b"caf\xc3"), client(0x00, b"\x28")].concat();
    assert_eq!(
        read(Role::Server, &SMALL, &bytes),
        "1007: text is not UTF-8"
    );
    // The same bytes as binary are none of our business.
    let bytes = [client(0x02, b"caf\xc3"), client(0x80, b"\x28")].concat();
    assert_eq!(read(Role::Server, &SMALL, &bytes), "binary of 5");
}

#[test]
fn the_limits_count_all_fragments() {
    let half = [b'a'; 100];
    let full = [client(0x01, &half), client(0x80, &half)].concat();
    assert_eq!(read(Role::Server, &SMALL, &full), "text of 200");
    let over = [client(0x01, &half), client(0x00, &half), client(0x80, b"a")].concat();
    assert_eq!(
        read(Role::Server, &SMALL, &over),
        "1009: message of 201 bytes or more exceeds the limit of 200 bytes"
    );
    let four = [
        client(0x01, b""),
        client(0x00, b""),
        client(0x00, b""),
        client(0x80, b""),
    ];
    assert_eq!(read(Role::Server, &SMALL, &four.concat()), "text ");
    let five = [&four[..3], &[client(0x00, b""), client(0x80, b"")]]
        .concat()
        .concat();
    assert_eq!(
        read(Role::Server, &SMALL, &five),
        "1008: message has more than 4 fragments"
    );
}

#[test]
fn a_reader_that_stops_finds_the_rest_untouched() {
    let mut bytes = [client(0x81, b"one"), client(0x81, b"two"), vec![0x81]].concat();
    let whole = bytes.clone();
    let mut codec = Codec::new(Role::Server);
    let mut seen = Vec::new();
    let mut see = |message: Message<'_>| {
        seen.push(format!("{message:?}"));
        Break(())
    };
    let first = codec.read(&SMALL, &mut bytes, &mut see).unwrap();
    assert_eq!((first, &bytes[first..]), (9, &whole[9..]));
    let second = codec.read(&SMALL, &mut bytes[first..], &mut see).unwrap();
    assert_eq!((second, &bytes[first + second..]), (9, &b"\x81"[..]));
    assert_eq!(seen, [r#"Text("one")"#, r#"Text("two")"#]);
}

#[test]
fn nothing_is_held_while_no_message_is_under_way() {
    let mut codec = Codec::new(Role::Server);
    let feed = |codec: &mut Codec, mut bytes: Vec<u8>| {
        codec.read(&SMALL, &mut bytes, |_| Continue(())).unwrap();
        codec.held_len()
    };
    assert_eq!(feed(&mut codec, client(0x81, &[b'a'; 100])), 0);
    assert!(feed(&mut codec, client(0x01, &[b'a'; 100])) >= 100);
    assert_eq!(feed(&mut codec, client(0x80, b"")), 0);
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    let mut out = Vec::new();
    write_close(
        &mut out,
        None,
        Some(CloseCode::POLICY_VIOLATION),
        &"é".repeat(100),
    );
    assert_eq!(out.len(), 2 + 2 + 122);
    let expected = format!("close 1008 {}", "é".repeat(61));
    assert_eq!(read(Role::Client, &SMALL, &out), expected);
    out.clear();
    write_close(&mut out, None, None, "unsaid");
    assert_eq!(out, b"\x88\x00");
}

#[test]
#[should_panic(expected = "payload.len() <= CONTROL_LEN_MAX")]
fn a_ping_over_125_bytes_is_our_own_fault() {
    write_ping(&mut Vec::new(), None, &[0; 126]);
}

/// One message in one or more fragments, with control frames between them.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let fragments = prop::collection::vec(("[a-zç€𝄞 ]{0,40}", any::<Option<bool>>()), 1..4);
    (fragments, any::<bool>(), any::<[u8; 4]>()).prop_map(|(fragments, text, key)| {
        let key = Some(MaskKey(key));
        let last = fragments.len() - 1;
        let mut bytes = Vec::new();
        for (at, (payload, control)) in fragments.iter().enumerate() {
            let opcode = if at > 0 { 0 } else { 1 + u8::from(!text) };
            let fin = if at == last { 0x80 } else { 0 };
            bytes.extend(frame(fin | opcode, key, payload.as_bytes()));
            match control {
                Some(true) => write_ping(&mut bytes, key, b"ping"),
                Some(false) => write_pong(&mut bytes, key, b""),
                None => {}
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn the_same_bytes_in_any_pieces_are_the_same_messages(
        messages in prop::collection::vec(message(), 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let bytes = messages.concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&bytes[from..cut]);
            from = cut;
        }
        pieces.push(&bytes[from..]);
        let limits = Limits::default();
        let whole = read(Role::Server, &limits, &bytes);
        prop_assert!(!whole.contains(": ") && !whole.contains("bytes wait"), "{}", whole);
        prop_assert_eq!(read_in(Role::Server, &limits, &pieces), whole);
    }

    #[test]
    fn random_bytes_end_in_messages_or_in_a_breach(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        server in any::<bool>(),
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let whole = read(role, &SMALL, &bytes);
        let each: Vec<&[u8]> = bytes.chunks(1).collect();
        // Byte by byte a breach is found no later, so what was said before it is the same.
        prop_assert_eq!(read_in(role, &SMALL, &each), whole);
    }
}
