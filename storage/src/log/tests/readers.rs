//! Readers beside segments that are recycled.

use super::interrupting::{Interrupt, Interrupting};
use super::*;

#[test]
fn readers_are_told_what_is_gone_and_what_never_was() {
    let mut bench = Bench::new();
    bench.commit(15);
    let handle = bench.log.handle().clone();
    let mut slow = handle.reader(Seq(1));
    assert_eq!(slow.next().unwrap().unwrap().0, Seq(1));
    let text = |result: Result<Option<(Seq, &[u8])>, LogError>| result.unwrap_err().to_string();
    assert_eq!(
        text(handle.reader(Seq(152)).next()),
        format!(
            "log {}: a reader starts at record 152, but the log ends at 150",
            handle.id()
        )
    );
    assert!(handle.reader(Seq(151)).next().unwrap().is_none());
    bench.release(150);
    bench.tidy();
    // Overwrites the file that `slow` has open.
    bench.commit(20);
    let gone = |seq| {
        format!(
            "log {}: record {seq} is gone, the oldest is 141",
            handle.id()
        )
    };
    assert_eq!(text(handle.reader(Seq(140)).next()), gone(140));
    let error = loop {
        match slow.next() {
            Ok(Some((seq, bytes))) => assert_eq!(bytes, record(seq.0)),
            Ok(None) => panic!("the reader was not told"),
            Err(e) => break e,
        }
    };
    assert!(matches!(error, LogError::Released { .. }), "{error}");
}

#[test]
fn a_file_that_is_used_again_under_a_reader_is_not_damage() {
    let disk = SimDisk::new(1, u64::MAX);
    let interrupt = Interrupt::default();
    let mut bench = Interrupting::bench(&disk, &interrupt);
    bench.commit(8);
    let handle = bench.log.handle().clone();
    // Between the reader's look at the index and its read, the segment is released, renamed and overwritten.
    *interrupt.lock().unwrap() = Some(Box::new(move || {
        bench.release(80);
        bench.tidy();
        bench.commit(20);
    }));
    let error = handle.reader(Seq(1)).next().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("log {}: record 1 is gone, the oldest is 71", handle.id())
    );
}

#[test]
fn what_could_not_be_read_is_read_again() {
    let mut bench = Bench::new();
    let mut reader = bench.log.handle().reader(Seq(1));
    let mut refused = 0;
    for block in 0..9 {
        bench.commit(1);
        // Of a segment that is opened, and of a block in one that was.
        bench.disk.inject(Fault::Descriptor);
        bench.disk.inject(Fault::Read);
        for seq in block * BLOCK + 1..=(block + 1) * BLOCK {
            let read = loop {
                match reader.next() {
                    Ok(read) => break read.map(|(seq, bytes)| (seq, bytes.to_vec())),
                    Err(LogError::Io { .. }) => refused += 1,
                    Err(error) => panic!("{error}"),
                }
            };
            assert_eq!(read, Some((Seq(seq), record(seq))));
        }
        bench.disk.clear_faults();
    }
    assert!(9 <= refused, "{refused} reads were refused");
}
