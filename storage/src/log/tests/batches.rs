//! Batches before their commit.

use super::*;

#[test]
fn a_record_or_a_batch_that_is_too_long_is_refused_whole() {
    let mut bench = Bench::new();
    let error = bench.log.append(&[0; 4097]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "log {}: record of 4097 bytes exceeds the limit of 4096 bytes",
            bench.log.id()
        )
    );
    assert!(bench.log.accepts());
    let mut appended = 0;
    while bench.log.accepts() {
        bench.log.append(&[1; 4000]).unwrap();
        appended += 1;
    }
    assert_eq!(
        appended, 2,
        "while accepts is true, a record of the longest kind fits"
    );
    let refusal = bench.log.append(&[1; 4000]).unwrap_err();
    assert!(matches!(refusal, LogError::Full { .. }), "{refusal}");
    bench.log.flush(0);
    assert!(!bench.log.accepts(), "an offered batch still counts");
    bench.stepper.step();
    assert!(bench.log.accepts());
    let mut reader = bench.log.handle().reader(Seq(1));
    assert_eq!(reader.next().unwrap(), Some((Seq(1), &[1; 4000][..])));
    assert_eq!(reader.next().unwrap(), Some((Seq(2), &[1; 4000][..])));
    assert_eq!(reader.next().unwrap(), None);
}

#[test]
fn a_batch_grows_while_the_committer_is_busy() {
    let mut bench = Bench::new();
    bench.offer();
    bench.offer();
    bench
        .log
        .append_with(|out| out.extend_from_slice(&record(21)))
        .unwrap();
    bench.log.flush(0);
    bench.stepper.step();
    assert_eq!(bench.log.durable(), Seq(21));
    assert_eq!(bench.log.handle().health(0).commits, 1);
    assert_eq!(read_all(bench.log.handle(), 15).unwrap(), 21);
}

#[test]
fn a_commit_that_does_not_end_shows_as_stalled() {
    let mut bench = Bench::new();
    bench.log.append(b"x").unwrap();
    bench.log.flush(1_000);
    let at = |ns| bench.log.handle().health(ns).state;
    assert_eq!(at(5_000_001_000), LogState::Ok);
    assert_eq!(at(5_000_001_001), LogState::Stalled { since_ns: 1_000 });
    bench.stepper.step();
    assert_eq!(bench.state(), LogState::Ok);
}
