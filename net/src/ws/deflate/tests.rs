use std::ops::ControlFlow::Continue;

use proptest::prelude::*;

use super::*;
use crate::ws::{Codec, Limits, MaskKey, Message, WsError, write_binary, write_ping};

const KEY: MaskKey = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
const FULL: DeflateOptions = DeflateOptions {
    window_bits: 15,
    takeover: true,
};

fn both(window_bits: u8, takeover: bool) -> Agreement {
    let compression = Compression {
        window_bits,
        takeover,
    };
    Agreement {
        server: compression,
        client: compression,
    }
}

/// What a server of `options` answers to `offers`, as they stand in one field.
fn answered(options: &DeflateOptions, offers: &str) -> String {
    match accept(offers.split(',').map(str::trim), options) {
        Some(agreement) => answer(&agreement),
        None => "declined".to_owned(),
    }
}

#[test]
fn a_server_takes_the_first_offer_that_it_can_keep_within_its_window() {
    let ours = DeflateOptions::default();
    let cases = [
        // A client that cannot be held to our window is told to forget.
        (
            "permessage-deflate",
            "permessage-deflate; client_no_context_takeover; server_max_window_bits=10",
        ),
        (
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=10",
        ),
        (
            "permessage-deflate; client_max_window_bits=9; server_max_window_bits=\"9\"",
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
        ),
        // A window of 256 bytes can be read with, and not written with.
        (
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=8",
        ),
        ("permessage-deflate; server_max_window_bits=8", "declined"),
        (
            "permessage-deflate ; server_no_context_takeover;client_no_context_takeover ; client_max_window_bits = 15",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=10",
        ),
        // What is unknown or wrong declines its own offer and no other.
        ("x-webkit-deflate-frame", "declined"),
        ("permessage-deflate; level=9", "declined"),
        ("permessage-deflate; server_max_window_bits", "declined"),
        ("permessage-deflate; server_max_window_bits=16", "declined"),
        ("permessage-deflate; server_max_window_bits=7", "declined"),
        ("permessage-deflate; server_max_window_bits=010", "declined"),
        (
            "permessage-deflate; server_max_window_bits=\"10",
            "declined",
        ),
        ("permessage-deflate; client_max_window_bits=", "declined"),
        (
            "permessage-deflate; server_no_context_takeover=1",
            "declined",
        ),
        (
            "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
            "declined",
        ),
        ("permessage-deflate;", "declined"),
        ("", "declined"),
        (
            "permessage-deflate; level=9, permessage-bzip2, permessage-deflate; client_max_window_bits=12",
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=10",
        ),
    ];
    for (offers, expected) in cases {
        assert_eq!(answered(&ours, offers), expected, "offered {offers:?}");
    }
    assert_eq!(
        answered(&FULL, "permessage-deflate; client_max_window_bits"),
        "permessage-deflate; server_max_window_bits=15"
    );
    let forgetful = DeflateOptions {
        takeover: false,
        ..ours
    };
    assert_eq!(
        answered(&forgetful, "permessage-deflate"),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10"
    );
}

#[test]
fn a_client_takes_only_an_answer_within_its_offer() {
    let ours = DeflateOptions::default();
    assert_eq!(
        offer(&ours),
        "permessage-deflate; client_max_window_bits=10; server_max_window_bits=10"
    );
    assert_eq!(offer(&FULL), "permessage-deflate; client_max_window_bits");
    let agreed = |text: &str| {
        agree(text, &ours).map(|agreement| {
            let Agreement { server, client } = agreement;
            [
                (server.window_bits, server.takeover),
                (client.window_bits, client.takeover),
            ]
        })
    };
    let cases = [
        (
            "permessage-deflate; server_max_window_bits=10",
            Some([(10, true), (10, true)]),
        ),
        (
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9; client_no_context_takeover",
            Some([(9, true), (9, false)]),
        ),
        (
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits=15",
            Some([(10, false), (10, true)]),
        ),
        // A server that passes by what it was asked has not accepted the offer.
        ("permessage-deflate", None),
        ("permessage-deflate; server_max_window_bits=11", None),
        (
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits",
            None,
        ),
        ("permessage-bzip2", None),
    ];
    for (text, expected) in cases {
        assert_eq!(agreed(text), expected, "answered {text:?}");
    }
}

#[test]
fn what_a_server_answers_its_client_takes() {
    for bits in 9..=15 {
        for takeover in [true, false] {
            let client = DeflateOptions {
                window_bits: bits,
                takeover,
            };
            for server_bits in 9..=15 {
                let server = DeflateOptions {
                    window_bits: server_bits,
                    takeover: true,
                };
                let accepted = accept([offer(&client).as_str()].into_iter(), &server).unwrap();
                let agreed = agree(&answer(&accepted), &client);
                // The client may use less than it is allowed.
                assert_eq!(agreed.unwrap().server, accepted.server);
                assert!(agreed.unwrap().client.window_bits <= accepted.client.window_bits);
            }
        }
    }
}

/// One line per message, and one for how it ended.
fn said(codec: &mut Codec, inflater: &mut Inflater, limits: &Limits, bytes: &[u8]) -> String {
    let mut said = Vec::new();
    let mut bytes = bytes.to_vec();
    let read = codec.read_compressed(limits, inflater, &mut bytes, |message| {
        said.push(match message {
            Message::Text(text) if 40 < text.len() => format!("text of {}", text.len()),
            Message::Text(text) => format!("text {text}"),
            Message::Binary(bytes) => format!("binary of {}", bytes.len()),
            Message::Ping(bytes) => format!("ping {}", bytes.escape_ascii()),
            other => format!("{other:?}"),
        });
        Continue(())
    });
    if let Err(error) = read {
        said.push(format!("{}: {error}", error.close_code()));
    }
    said.join("; ")
}

/// Reads `bytes` as the first of a connection, as a client.
fn first(bytes: &[u8]) -> String {
    let mut codec = Codec::compressed(Role::Client, &both(15, true));
    let limits = Limits::default();
    said(&mut codec, &mut Inflater::default(), &limits, bytes)
}

/// A frame from a server with any first byte and a true length.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_binary(&mut out, None, payload);
    out[0] = first;
    out
}

#[test]
fn the_examples_of_the_rfc_are_read() {
    let hello = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
    // §7.2.3.1, whole and in two fragments
    assert_eq!(first(hello), "text Hello");
    assert_eq!(
        first(b"\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00"),
        "text Hello"
    );
    // §7.2.3.2: the window goes on, or both times begins anew
    let second = b"\xc1\x05\xf2\x00\x11\x00\x00";
    assert_eq!(
        first(&[&hello[..], second].concat()),
        "text Hello; text Hello"
    );
    assert_eq!(
        first(&[&hello[..], hello].concat()),
        "text Hello; text Hello"
    );
    let mut forgets = Codec::compressed(Role::Client, &both(15, false));
    let twice = [&hello[..], second].concat();
    assert_eq!(
        said(
            &mut forgets,
            &mut Inflater::default(),
            &Limits::default(),
            &twice
        ),
        "text Hello; 1007: compressed message is no DEFLATE stream behind those before it"
    );
    // §7.2.3.3: stored
    assert_eq!(
        first(b"\xc1\x0b\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"),
        "text Hello"
    );
    // §7.2.3.4: a final block, and a message behind it that refers back
    let last = b"\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
    assert_eq!(first(last), "text Hello");
    assert_eq!(
        first(&[&last[..], second].concat()),
        "text Hello; text Hello"
    );
    // §7.2.3.5: two blocks
    assert_eq!(
        first(b"\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"),
        "text Hello"
    );
    // §7.2.3.6, and those who leave the last byte out as well
    assert_eq!(first(b"\xc1\x01\x00"), "text ");
    assert_eq!(first(b"\xc1\x00"), "text ");
}

#[test]
fn the_bit_of_compression_stands_on_the_first_frame_of_a_message_alone() {
    let breach = "1002: the bit of compression is set on a frame that begins no message";
    assert_eq!(first(b"\x41\x03\xf2\x48\xcd\xc0\x04"), breach);
    assert_eq!(first(b"\xc9\x00"), breach);
    assert_eq!(first(b"\xc8\x00"), breach);
    let foreign = "reserved bits 0b010 are set and no extension was agreed";
    assert_eq!(first(b"\xa1\x00"), format!("1002: {foreign}"));
    let foreign = "reserved bits 0b110 are set and no extension was agreed";
    assert_eq!(first(b"\xe1\x00"), format!("1002: {foreign}"));
    // Plain messages stand between compressed ones, and control frames inside.
    assert_eq!(
        first(b"\x81\x05plain\x41\x03\xf2\x48\xcd\x89\x02hi\x80\x04\xc9\xc9\x07\x00\x82\x00"),
        "text plain; ping hi; text Hello; binary of 0"
    );
}

#[test]
fn what_is_no_stream_or_no_text_closes_1007() {
    let broken = "1007: compressed message is no DEFLATE stream behind those before it";
    assert_eq!(first(b"\xc1\x02\xff\xff"), broken);
    // Refers to what was never said.
    assert_eq!(first(b"\xc1\x05\xf2\x00\x11\x00\x00"), broken);
    // Stored, one byte that is no UTF-8: fine as binary.
    let stored = b"\x00\x01\x00\xfe\xff\xff\x00";
    assert_eq!(first(&frame(0xc1, stored)), "1007: text is not UTF-8");
    assert_eq!(first(&frame(0xc2, stored)), "binary of 1");
    // Streams that end for ever, each of which begins the machine anew.
    assert_eq!(first(&frame(0xc2, &[3, 0].repeat(4))), "binary of 0");
    assert_eq!(first(&frame(0xc2, &[3, 0].repeat(5))), broken);
}

/// `len` equal bytes as a compressed frame from a server, as short as DEFLATE can be.
fn bomb(len: usize) -> Vec<u8> {
    let mut machine = zlib_rs::Deflate::new(9, false, 15);
    let mut payload = vec![0; len];
    let flush = zlib_rs::DeflateFlush::SyncFlush;
    machine
        .compress(&vec![b'a'; len], &mut payload, flush)
        .unwrap();
    payload.truncate(machine.total_out() as usize - TAIL.len());
    assert!(payload.len() < len / 500);
    frame(0xc1, &payload)
}

#[test]
fn a_bomb_closes_1009_within_its_budget() {
    // A megabyte from a thousand bytes and some: the ratio is passed long before the length.
    let mut codec = Codec::compressed(Role::Client, &both(15, true));
    let mut inflater = Inflater::default();
    let limits = Limits::default();
    let end = said(&mut codec, &mut inflater, &limits, &bomb(1 << 20));
    assert!(
        end.starts_with("1009: compressed message inflates beyond the limit of "),
        "{end}"
    );
    assert!(inflater.held_len() <= 200_000, "{}", inflater.held_len());
    assert_eq!(codec.window_len(), 0);

    let trusting = Limits {
        message_len_max: 100_000,
        inflate_ratio_max: 2_000,
        ..limits
    };
    for (len, expected) in [
        (100_000, "text of 100000"),
        (
            100_001,
            "1009: compressed message inflates beyond the limit of 100000 bytes",
        ),
        (
            300_000,
            "1009: compressed message inflates beyond the limit of 100000 bytes",
        ),
    ] {
        let mut codec = Codec::compressed(Role::Client, &both(15, true));
        let mut inflater = Inflater::default();
        assert_eq!(
            said(&mut codec, &mut inflater, &trusting, &bomb(len)),
            expected
        );
        assert!(inflater.held_len() <= 100_001);
    }
    // Room that a longer message has left is not for a bomb to fill.
    let mut codec = Codec::compressed(Role::Client, &both(15, true));
    let mut inflater = Inflater::default();
    said(&mut codec, &mut inflater, &trusting, &bomb(100_000));
    let mut broken = bomb(50_000);
    broken.extend_from_slice(&[0x12, 0x34, 0x56, 0x78]);
    broken[1] += 4;
    let narrow = Limits {
        message_len_max: 5_000,
        ..trusting
    };
    // What is wrong behind the limit was never looked at.
    assert_eq!(
        said(&mut codec, &mut inflater, &narrow, &broken),
        "1009: compressed message inflates beyond the limit of 5000 bytes"
    );
    assert_eq!(inflater.totals().1, 100_000);
    inflater.let_go();
    assert_eq!(inflater.held_len(), 0);
    // What comes in many fragments is bounded before it is inflated.
    let narrow = Limits {
        message_len_max: 200,
        ..limits
    };
    let mut codec = Codec::compressed(Role::Client, &both(15, true));
    let pieces = [frame(0x41, &[0; 150]), frame(0x00, &[0; 51])].concat();
    assert_eq!(
        said(&mut codec, &mut inflater, &narrow, &pieces),
        "1009: message of 201 bytes or more exceeds the limit of 200 bytes"
    );
}

#[test]
fn a_connection_holds_its_windows_and_nothing_else() {
    let text = r#"[2,"1","MeterValues",{"connectorId":1,"meterValue":[]}]"#.repeat(40);
    let agreement = both(10, true);
    let mut writer = DeflateWriter::new(Role::Server, &agreement);
    let mut codec = Codec::compressed(Role::Client, &agreement);
    let (mut deflater, mut inflater) = (Deflater::default(), Inflater::default());
    assert_eq!((writer.held_len(), codec.window_len()), (0, 0));
    let mut out = Vec::new();
    // Too short to be worth it: no window yet.
    writer.write_text(&mut deflater, &mut out, None, b"[3,\"1\",{}]");
    assert_eq!(out[0], 0x81);
    assert_eq!(writer.held_len(), 0);
    for _ in 0..3 {
        writer.write_text(&mut deflater, &mut out, None, text.as_bytes());
    }
    let limits = Limits::default();
    let expected = format!("text [3,\"1\",{{}}]{}", "; text of 2200".repeat(3));
    assert_eq!(said(&mut codec, &mut inflater, &limits, &out), expected);
    assert_eq!((writer.held_len(), codec.window_len()), (1024, 1024));
    assert_eq!(codec.held_len(), 0);
    // What cannot be compressed goes out as it is, and is not referred back to.
    let noise: Vec<u8> = (0..200u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    out.clear();
    writer.write_binary(&mut deflater, &mut out, None, &noise);
    assert_eq!(out[0], 0x82);
}

#[test]
fn a_message_that_cannot_be_read_or_compressed_leaves_no_trace_in_the_machine() {
    let agreement = both(10, true);
    let mut deflater = Deflater::new(1);
    let mut inflater = Inflater::default();
    let limits = Limits::default();
    for len in (1..40_000).step_by(1_777) {
        let mut noise = Vec::new();
        let mut state = len as u32;
        noise.resize_with(len, || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        let mut out = Vec::new();
        let mut writer = DeflateWriter::new(Role::Server, &agreement);
        writer.write_binary(&mut deflater, &mut out, None, &noise);
        assert_eq!(out[0], 0x82, "noise of {len} bytes went out as it was");

        let mut codec = Codec::compressed(Role::Client, &agreement);
        let end = said(&mut codec, &mut inflater, &limits, &frame(0xc1, &noise));
        assert!(end.starts_with("1007") || end.starts_with("1009"), "{end}");
        let mut codec = Codec::compressed(Role::Client, &agreement);
        out.clear();
        writer.write_text(&mut deflater, &mut out, None, &[b'a'; 1000]);
        let heard = said(&mut codec, &mut inflater, &limits, &out);
        assert_eq!(heard, "text of 1000");
    }
}

/// Messages as stations send them: words that come again, numbers that do not, and noise.
fn message() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "\"measurand\":\"Voltage\",",
        "\"unit\":\"V\",",
        "MeterValues",
        "ã",
        "",
    ]);
    let word = prop_oneof![3 => words.prop_map(str::to_owned), 1 => "[ -~]{0,40}"];
    prop::collection::vec(word, 0..120).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_messages_come_through_any_agreement_in_any_pieces(
        messages in prop::collection::vec(message(), 1..8),
        bits in 9..=15u8,
        takeover: bool,
        from_client: bool,
        len_min in 0..300usize,
        piece in 1..400usize,
    ) {
        let agreement = both(bits, takeover);
        let (writes, reads) = match from_client {
            true => (Role::Client, Role::Server),
            false => (Role::Server, Role::Client),
        };
        let mask = from_client.then_some(KEY);
        let mut writer = DeflateWriter::new(writes, &agreement);
        let (mut deflater, mut inflater) = (Deflater::new(len_min), Inflater::default());
        let mut out = Vec::new();
        for message in &messages {
            writer.write_text(&mut deflater, &mut out, mask, message.as_bytes());
            write_ping(&mut out, mask, b"between");
        }
        let mut codec = Codec::compressed(reads, &agreement);
        let mut heard = Vec::new();
        let mut carry = Vec::new();
        for piece in out.chunks(piece) {
            carry.extend_from_slice(piece);
            let read = codec.read_compressed(&Limits::default(), &mut inflater, &mut carry, |message| {
                if let Message::Text(text) = message {
                    heard.push(text.to_owned());
                }
                Continue(())
            });
            carry.drain(..read.unwrap());
        }
        prop_assert_eq!(heard, messages);
        prop_assert!(carry.is_empty());
        prop_assert!(codec.window_len() <= 1 << bits);
        prop_assert!(writer.held_len() <= 1 << bits);
    }

    #[test]
    fn bytes_never_panic_and_stay_within_the_limit(
        payload in prop::collection::vec(any::<u8>(), 0..300),
        limit in 0..5000usize,
    ) {
        let limits = Limits { message_len_max: limit.max(payload.len()), ..Limits::default() };
        let mut codec = Codec::compressed(Role::Client, &both(15, true));
        let mut frames = frame(0xc2, &payload);
        let read = codec.read_compressed(&limits, &mut Inflater::default(), &mut frames, |message| {
            if let Message::Binary(bytes) = message {
                assert!(bytes.len() <= limits.message_len_max);
            }
            Continue(())
        });
        let fits = matches!(read, Ok(_) | Err(WsError::Deflate | WsError::InflatesTooFar { .. }));
        prop_assert!(fits, "{read:?}");
    }
}
