//! A disk that refuses, or is full.

use super::interrupting::{Interrupt, Interrupting};
use super::*;

#[test]
fn a_failed_sync_moves_the_records_to_a_new_segment() {
    for fault in [Fault::Sync, Fault::Write] {
        let mut bench = Bench::new();
        bench.commit(2);
        bench.disk.inject(fault);
        bench.offer();
        assert_eq!(bench.step(), committer::Step::Failed);
        assert_eq!(bench.log.durable(), Seq(20), "nobody is told");
        assert!(bench.log.accepts());
        assert_eq!(bench.step(), committer::Step::Committed);
        assert_eq!(bench.log.durable(), Seq(30));
        assert_eq!(bench.state(), LogState::Ok);
        bench.commit(1);
        let index = bench.log.handle().shared.segments.lock().segments.clone();
        assert_eq!(
            index.iter().map(|s| (s.no, s.end)).collect::<Vec<_>>(),
            [(1, 3 * PAGE), (2, 3 * PAGE)]
        );
        for _ in 0..10 {
            let crashed = Bench::on(bench.disk.crash()).unwrap();
            assert_eq!(read_all(crashed.log.handle(), 1).unwrap(), 40);
        }
    }
}

#[test]
fn a_second_failure_in_a_row_stays_down_until_a_restart() {
    let mut bench = Bench::new();
    bench.commit(2);
    bench.disk.inject(Fault::Sync);
    bench.disk.inject(Fault::Sync);
    bench.offer();
    assert_eq!(bench.step(), committer::Step::Failed);
    assert_eq!(bench.step(), committer::Step::Down);
    let LogState::Failed { error } = bench.state() else {
        panic!("{:?}", bench.state());
    };
    assert!(error.contains("Input/output error"), "{error}");
    assert!(!bench.log.accepts());
    let refusal = bench.log.append(b"x").unwrap_err();
    assert!(matches!(refusal, LogError::Stopped { .. }), "{refusal}");
    assert!(!refusal.is_transient());
    assert_eq!(bench.step(), committer::Step::Down);
    assert!(bench.stepper.finish().is_err());
    assert_eq!(read_all(bench.log.handle(), 1).unwrap(), 20);

    let mut bench = Bench::on(bench.disk.crash()).unwrap();
    assert!(Seq(20) <= bench.recovery.end);
    bench.commit(1);
}

#[test]
fn good_commits_between_failures_keep_it_up() {
    let mut bench = Bench::new();
    for _ in 0..5 {
        bench.disk.inject(Fault::Sync);
        bench.offer();
        assert_eq!(bench.step(), committer::Step::Failed);
        assert_eq!(bench.step(), committer::Step::Committed);
        bench.release(bench.log.durable().0);
        bench.tidy();
    }
    assert_eq!(
        read_all(bench.log.handle(), bench.log.handle().first().0).unwrap(),
        50
    );
}

#[test]
fn a_full_disk_is_waited_out() {
    let mut bench = Bench::new();
    bench.commit(7);
    bench.disk.set_capacity(bench.disk.used());
    // The segment that was ready needs no space.
    bench.commit(7);
    bench.offer();
    assert_eq!(bench.step(), committer::Step::Blocked);
    assert_eq!(bench.state(), LogState::NoSpace);
    assert!(!bench.log.accepts());
    let refusal = bench.log.append(b"x").unwrap_err();
    assert!(matches!(refusal, LogError::Full { .. }), "{refusal}");
    assert!(refusal.is_transient());
    for _ in 0..3 {
        assert_eq!(bench.step(), committer::Step::Blocked);
    }
    assert_eq!(bench.log.durable(), Seq(140));
    let crashed = Bench::on(bench.disk.crash()).unwrap();
    assert_eq!(read_all(crashed.log.handle(), 1).unwrap(), 140);

    bench.disk.set_capacity(u64::MAX);
    assert_eq!(bench.step(), committer::Step::Committed);
    assert_eq!(
        (bench.log.durable(), bench.state()),
        (Seq(150), LogState::Ok)
    );
    bench.commit(3);
    assert_eq!(read_all(bench.log.handle(), 1).unwrap(), 180);
}

#[test]
fn a_shortage_of_descriptors_is_waited_out() {
    let mut bench = Bench::new();
    bench.commit(7);
    // Nothing is made ready beside the segment that is.
    bench.disk.set_capacity(bench.disk.used());
    bench.commit(7);
    bench.disk.set_capacity(u64::MAX);
    for _ in 0..3 {
        bench.disk.inject(Fault::Descriptor);
    }
    bench.offer();
    for _ in 0..3 {
        assert_eq!(bench.step(), committer::Step::Blocked);
        assert_eq!(bench.state(), LogState::NoSpace);
    }
    assert_eq!(bench.step(), committer::Step::Committed);
    assert_eq!(
        (bench.log.durable(), bench.state()),
        (Seq(150), LogState::Ok)
    );
    assert_eq!(read_all(bench.log.handle(), 1).unwrap(), 150);
}

#[test]
fn a_log_without_space_closes_with_more_offered_behind_what_it_cannot_commit() {
    let mut bench = Bench::new();
    bench.commit(7);
    bench.disk.set_capacity(bench.disk.used());
    bench.commit(7);
    bench.offer();
    assert_eq!(bench.step(), committer::Step::Blocked);
    // The shard offered it before it was told.
    let slot = &bench.log.handle.shared.slot;
    let mut behind = slot.reclaim();
    let record = record(151);
    let pushed = behind
        .block
        .push(record.len(), |out| out.extend_from_slice(&record));
    pushed.unwrap();
    slot.offer(behind);
    bench.log.close();
    let committer = Arc::clone(&bench.stepper.committer);
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || done.send(committer::run(&committer, &|| {})));
    let finished = ended.recv_timeout(DEADLINE).expect("the committer ends");
    let error = finished.unwrap_err().to_string();
    assert!(error.ends_with("no space for the last records"), "{error}");
}

#[test]
fn an_abandoned_segment_is_gone_before_records_go_elsewhere() {
    let disk = SimDisk::new(1, u64::MAX);
    let interrupt = Interrupt::default();
    let mut bench = Interrupting::bench(&disk, &interrupt);
    for _ in 0..7 {
        bench.offer();
        bench.step();
    }
    bench.offer();
    // The next segment is a new file with room for its header only, and its removal fails.
    disk.set_capacity(disk.used() + PAGE);
    let breaks = disk.clone();
    *interrupt.lock().unwrap() = Some(Box::new(move || breaks.inject(Fault::Name)));
    assert_eq!(bench.step(), committer::Step::Failed);
    disk.set_capacity(u64::MAX);
    assert_eq!(bench.step(), committer::Step::Committed);
    bench.commit(7);
    // With the segment before it recycled, its header would look like a survivor's.
    bench.release(150);
    bench.tidy();
    let bench = Bench::on(disk).unwrap();
    let first = bench.recovery.first.0;
    assert_eq!(
        (first, read_all(bench.log.handle(), first).unwrap()),
        (141, 150)
    );
}

#[test]
fn the_byte_budget_is_waited_out_until_a_consumer_releases() {
    let mut bench = Bench::new();
    bench.commit(22);
    assert!(bench.log.handle().health(0).alarm());
    bench.commit(6);
    bench.offer();
    assert_eq!(bench.step(), committer::Step::Blocked);
    let health = bench.log.handle().health(0);
    assert_eq!(
        (health.state, health.bytes_used, health.bytes_max),
        (LogState::Full, 4 * SEGMENT, 4 * SEGMENT)
    );
    assert!(!bench.log.accepts());
    bench.release(70);
    bench.tidy();
    assert_eq!(bench.step(), committer::Step::Committed);
    assert!(bench.log.accepts());
    assert_eq!(read_all(bench.log.handle(), 71).unwrap(), 290);
}
