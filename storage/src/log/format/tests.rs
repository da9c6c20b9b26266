use std::fmt::Write;

use expect_test::expect_file;
use proptest::prelude::*;

use super::*;

fn header() -> Header {
    Header {
        segment: 3,
        log: LogId(0x0102_0304_0506_0708),
        salt: 0x5a5a_1111_2222_3333,
        epoch: 9,
        first_seq: Seq(1001),
        capacity: 64 << 20,
        prev: End {
            segment: 2,
            offset: 0x3ff_f000,
            seq: Seq(1000),
            epoch: 8,
        },
    }
}

fn block(records: &[Vec<u8>]) -> BlockBuilder {
    let mut block = BlockBuilder::new(Vec::new());
    for record in records {
        block
            .push(1 << 20, |out| out.extend_from_slice(record))
            .unwrap();
    }
    block
}

/// The file as `xxd` shows it, without lines of zeros.
fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (i, line) in bytes.chunks(16).enumerate() {
        if line.iter().any(|b| *b != 0) {
            write!(text, "{:06x}:", i * 16).unwrap();
            line.iter().for_each(|b| write!(text, " {b:02x}").unwrap());
            text.push('\n');
        }
    }
    writeln!(text, "{:06x}: end", bytes.len()).unwrap();
    text
}

#[test]
fn a_segment_has_these_bytes() {
    let mut file = header().encode();
    let mut cursor = Cursor::at_start(&header());
    let mut long = vec![0; 5000];
    long[4999] = 7;
    for records in [
        vec![b"first record".to_vec(), Vec::new(), vec![0xff; 20]],
        vec![long],
        vec![],
    ] {
        let mut block = block(&records);
        let (head, bytes) = block.seal(&cursor, cursor.offset);
        file.extend_from_slice(bytes);
        cursor.advance(&head);
    }
    assert_eq!(cursor.seq, Seq(1005));
    // A change here is a new version of the format, and needs a reader for this one.
    expect_file!["../golden/segment-v1.txt"].assert_eq(&hex(&file));
}

#[test]
fn a_header_reads_back_and_every_flipped_bit_shows() {
    let page = header().encode();
    assert_eq!(HeaderPage::decode(&page), HeaderPage::Valid(header()));
    assert_eq!(
        HeaderPage::decode(&page[..HEADER_LEN - 1]),
        HeaderPage::None
    );
    for bit in 0..HEADER_LEN * 8 {
        let mut page = page.clone();
        page[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(HeaderPage::decode(&page), HeaderPage::None, "bit {bit}");
    }
}

#[test]
fn a_block_belongs_to_one_place_only() {
    let cursor = Cursor::at_start(&header());
    let mut block = block(&[vec![1; 100]]);
    let (head, bytes) = block.seal(&cursor, PAGE);
    let bytes = bytes.to_vec();
    let limit = PAGE + head.block_len();
    let check = |cursor: Cursor, limit: u64, expected: Result<(), &str>| {
        assert_eq!(cursor.check_head(&bytes, limit).map(|_| ()), expected);
    };
    check(cursor, limit, Ok(()));
    check(Cursor { epoch: 3, ..cursor }, limit, Ok(()));
    let elsewhere = Err("the block belongs elsewhere");
    check(
        Cursor {
            segment: 4,
            ..cursor
        },
        limit,
        elsewhere,
    );
    check(Cursor { salt: 1, ..cursor }, limit, elsewhere);
    check(
        Cursor {
            offset: 8192,
            ..cursor
        },
        limit,
        elsewhere,
    );
    check(
        Cursor {
            seq: Seq(1000),
            ..cursor
        },
        limit,
        Err("the block has another first seq"),
    );
    check(
        Cursor {
            epoch: 10,
            ..cursor
        },
        limit,
        Err("the block is older than the one before it"),
    );
    check(
        cursor,
        limit - 1,
        Err("the block ends behind the durable end"),
    );
}

#[test]
fn a_record_that_is_too_long_is_taken_back() {
    let mut block = block(&[b"kept".to_vec()]);
    assert_eq!(block.push(3, |out| out.extend_from_slice(b"long")), Err(4));
    assert_eq!((block.count(), block.frames_len()), (1, 8));
}

proptest! {
    #[test]
    fn records_read_back_from_any_block(
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..40),
    ) {
        let cursor = Cursor::at_start(&header());
        let mut block = block(&records);
        let (head, bytes) = block.seal(&cursor, PAGE);
        prop_assert_eq!(bytes.len() as u64 % PAGE, 0);
        prop_assert_eq!(cursor.check_head(bytes, u64::MAX).unwrap(), head);
        let mut frames = &bytes[BLOCK_HEAD_LEN..][..head.frames_len as usize];
        prop_assert_eq!(check_frames(&head, frames), Ok(()));
        let mut read = Vec::new();
        while let Some((record, rest)) = split_frame(frames) {
            read.push(record.to_vec());
            frames = rest;
        }
        prop_assert_eq!(read, records);
    }

    #[test]
    fn a_flipped_bit_in_head_or_frames_shows(
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..10),
        bit in any::<prop::sample::Index>(),
    ) {
        let cursor = Cursor::at_start(&header());
        let mut block = block(&records);
        let (head, bytes) = block.seal(&cursor, PAGE);
        let mut bytes = bytes.to_vec();
        let end = BLOCK_HEAD_LEN + head.frames_len as usize;
        let bit = bit.index(end * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let whole = cursor
            .check_head(&bytes, u64::MAX)
            .and_then(|head| check_frames(&head, &bytes[BLOCK_HEAD_LEN..end]));
        prop_assert!(whole.is_err());
    }

    #[test]
    fn no_bytes_make_decoding_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let cursor = Cursor::at_start(&header());
        let _ = HeaderPage::decode(&bytes);
        if let Ok(head) = cursor.check_head(&bytes, u64::MAX) {
            let _ = check_frames(&head, &bytes);
        }
        let head = BlockHead {
            segment: 0, salt: 0, epoch: 0, first_seq: Seq(u64::MAX), offset: 0, durable_end: 0,
            count: u32::MAX, frames_len: bytes.len() as u32, frames_crc: crc32c::crc32c(&bytes),
        };
        prop_assert!(check_frames(&head, &bytes).is_err(), "a right sum does not make frames");
        let _ = (head.next_seq(), head.block_len());
    }
}
