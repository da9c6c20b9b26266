//! Commits on the shard's own thread.

use super::*;

/// Quick commits that make a quick disk here.
const AFTER: u32 = 3;
const SLOW: Duration = Duration::from_millis(1);

fn inline() -> LogConfig {
    LogConfig {
        inline_max: SLOW / 2,
        inline_after: AFTER,
        ..config()
    }
}

fn bench() -> Bench {
    Bench::with(SimDisk::new(1, u64::MAX), inline()).unwrap()
}

/// A log whose disk was quick for long enough, in its second segment, which has grown.
fn quick() -> Bench {
    let mut bench = bench();
    for _ in 0..8 {
        bench.offer();
        bench.step();
    }
    assert_eq!(bench.log.durable(), Seq(80));
    bench
}

#[test]
fn the_shard_commits_in_its_turn_once_the_disk_was_quick_for_long_enough() {
    let mut bench = bench();
    for _ in 0..AFTER {
        let before = bench.log.durable();
        bench.offer();
        assert_eq!(bench.log.durable(), before);
        assert_eq!(bench.step(), committer::Step::Committed);
    }
    bench.offer();
    assert_eq!(bench.log.durable(), Seq(40));
    assert_eq!(bench.step(), committer::Step::Idle);
    let crashed = Bench::on(bench.disk.crash()).unwrap();
    assert_eq!(read_all(crashed.log.handle(), 1).unwrap(), 40);
}

#[test]
fn one_slow_commit_gives_the_thread_its_work_back() {
    let mut bench = quick();
    bench.disk.set_sync_time(SLOW);
    bench.offer();
    assert_eq!(bench.log.durable(), Seq(90), "the shard has waited for it");
    bench.disk.set_sync_time(Duration::ZERO);
    for _ in 0..AFTER {
        let before = bench.log.durable();
        bench.offer();
        assert_eq!(bench.log.durable(), before);
        bench.step();
    }
    bench.offer();
    assert_eq!(bench.log.durable(), bench.log.appended());
}

#[test]
fn a_slow_disk_is_never_waited_for() {
    let mut bench = bench();
    bench.disk.set_sync_time(SLOW);
    for _ in 0..20 {
        bench.offer();
        assert!(bench.log.durable() < bench.log.appended());
        bench.step();
    }
}

#[test]
fn the_first_block_of_a_segment_is_the_threads() {
    let mut bench = bench();
    for _ in 0..AFTER {
        bench.offer();
        bench.step();
    }
    for _ in AFTER..7 {
        bench.offer();
    }
    assert_eq!(bench.log.durable(), Seq(70), "the segment is full");
    bench.offer();
    assert_eq!(bench.log.durable(), Seq(70));
    bench.step();
    assert_eq!(bench.log.durable(), Seq(80));
    bench.offer();
    assert_eq!(bench.log.durable(), Seq(90));
}

#[test]
fn what_nobody_waits_for_is_the_threads_until_somebody_does() {
    let mut bench = quick();
    bench.log.append(&record(81)).unwrap();
    bench.log.flush_unawaited(0);
    assert_eq!(bench.log.durable(), Seq(80));
    bench.log.flush(0);
    assert_eq!(bench.log.durable(), Seq(81));

    bench.log.append(&record(82)).unwrap();
    bench.log.flush_unawaited(0);
    bench.log.append(&record(83)).unwrap();
    bench.log.flush(0);
    assert_eq!(bench.log.durable(), Seq(83));
    assert_eq!(bench.log.handle().health(0).commits, 10);
    assert_eq!(read_all(bench.log.handle(), 1).unwrap(), 83);
}

#[test]
fn a_long_batch_is_the_threads() {
    let mut bench = Bench::with(
        SimDisk::new(1, u64::MAX),
        LogConfig {
            commit_len: 4 << 10,
            ..inline()
        },
    )
    .unwrap();
    for _ in 0..AFTER {
        bench.offer();
        bench.step();
    }
    bench.log.append(&[7; 4 << 10]).unwrap();
    bench.log.flush(0);
    assert_eq!(bench.log.durable(), Seq(30));
    bench.step();
    assert_eq!(bench.log.durable(), Seq(31));
}

#[test]
fn a_commit_that_fails_in_the_shards_turn_is_the_threads() {
    for fault in [Fault::Sync, Fault::Write] {
        let mut bench = quick();
        bench.disk.inject(fault);
        bench.offer();
        assert_eq!(bench.log.durable(), Seq(80), "nobody is told");
        assert_eq!(bench.state(), LogState::Ok);
        bench.offer();
        assert_eq!(
            bench.log.durable(),
            Seq(80),
            "not before the batch that failed"
        );
        assert_eq!(bench.step(), committer::Step::Committed);
        assert_eq!(bench.log.durable(), Seq(90));
        assert_eq!(bench.step(), committer::Step::Committed);
        for _ in 0..10 {
            let crashed = Bench::on(bench.disk.crash()).unwrap();
            assert_eq!(read_all(crashed.log.handle(), 1).unwrap(), 100);
        }
    }
}

#[test]
fn a_second_failure_is_down_wherever_the_first_was() {
    let mut bench = quick();
    bench.disk.inject(Fault::Sync);
    bench.disk.inject(Fault::Sync);
    bench.offer();
    assert_eq!(bench.step(), committer::Step::Down);
    assert!(matches!(bench.state(), LogState::Failed { .. }));
    assert!(!bench.log.accepts());
    bench.log.flush(0);
    assert_eq!(bench.log.durable(), Seq(80));
}

#[test]
fn a_file_grows_in_the_threads_turn_and_so_a_disk_is_full_there() {
    let config = LogConfig {
        segment_len: 4 * committer::GROWTH,
        bytes_max: 16 * committer::GROWTH,
        ..inline()
    };
    let mut bench = Bench::with(SimDisk::new(1, u64::MAX), config).unwrap();
    let pages = |len: u64| len / PAGE;
    // The first segment is zeroed as a whole; the second one begins with a header and a block.
    for _ in 1..=pages(4 * committer::GROWTH) {
        bench.offer();
        bench.step();
    }
    for _ in 2..pages(committer::GROWTH) {
        bench.offer();
        assert_eq!(bench.log.durable(), bench.log.appended());
    }
    bench.disk.set_capacity(bench.disk.used());
    let durable = bench.log.durable();
    bench.offer();
    assert_eq!(bench.log.durable(), durable);
    assert_eq!(bench.step(), committer::Step::Blocked);
    assert_eq!(bench.state(), LogState::NoSpace);
    assert!(!bench.log.accepts());
    bench.disk.set_capacity(u64::MAX);
    assert_eq!(bench.step(), committer::Step::Committed);
    assert_eq!(bench.state(), LogState::Ok);
    bench.offer();
    assert!(
        bench.log.durable() < bench.log.appended(),
        "trouble ends the row of quick commits"
    );
    bench.step();
    assert_eq!(
        read_all(bench.log.handle(), 1).unwrap(),
        bench.log.appended().0
    );
}

// With threads.

/// A log with its threads, whose next commit is the shard's; what the committer's thread told of is read.
fn quick_with_threads(disk: &SimDisk) -> (Log, mpsc::Receiver<()>) {
    let (wake, woken) = mpsc::channel();
    let on_change = move || wake.send(()).unwrap_or(());
    let config = LogConfig {
        inline_max: SLOW / 2,
        inline_after: AFTER,
        ..small()
    };
    let (mut log, _) =
        Log::open(Path::new(DIR), config, Arc::new(disk.clone()), on_change).unwrap();
    for seq in 1..=u64::from(AFTER) {
        log.append(&record(seq)).unwrap();
        log.flush(0);
        woken.recv_timeout(DEADLINE).unwrap();
        assert_eq!(log.durable(), Seq(seq));
    }
    (log, woken)
}

/// Appends and flushes one record; true when it was durable without the thread.
fn commits(log: &mut Log, woken: &mpsc::Receiver<()>) -> bool {
    let seq = log.appended().0 + 1;
    log.append(&record(seq)).unwrap();
    log.flush(0);
    let own = log.durable() == Seq(seq) && woken.try_recv().is_err();
    if !own {
        assert!(log.handle().reader(Seq(seq)).wait(DEADLINE));
    }
    own
}

#[test]
fn a_sync_that_hangs_in_the_shards_turn_shows_as_stalled_and_is_the_last() {
    let disk = SimDisk::new(1, u64::MAX);
    let (mut log, woken) = quick_with_threads(&disk);
    assert!(commits(&mut log, &woken));
    disk.hold_syncs(true);
    disk.set_sync_time(SLOW);
    let handle = log.handle().clone();
    let shard = std::thread::spawn(move || {
        log.append(&record(5)).unwrap();
        log.flush(7);
        assert_eq!(log.durable(), Seq(5));
        (log, woken)
    });
    // The handle is all that others have while the shard hangs.
    let waiter = std::thread::spawn(move || {
        let stalled = LogState::Stalled { since_ns: 7 };
        let deadline = committer::now() + DEADLINE;
        while handle.health(u64::MAX).state != stalled {
            assert!(committer::now() < deadline, "nobody sees that it hangs");
            std::thread::yield_now();
        }
        assert_eq!(handle.health(7).state, LogState::Ok, "not yet long");
        assert_eq!(handle.durable(), Seq(4));
        disk.hold_syncs(false);
    });
    let (mut log, woken) = shard.join().unwrap();
    waiter.join().unwrap();
    assert!(
        woken.try_recv().is_err(),
        "the commit was the shard's own, so nobody is woken"
    );
    log.append(&record(6)).unwrap();
    log.flush(0);
    woken.recv_timeout(DEADLINE).unwrap();
    assert_eq!(log.durable(), Seq(6));
    log.shutdown().unwrap();
}

#[test]
fn the_thread_goes_on_with_what_failed_in_the_shards_turn() {
    let disk = SimDisk::new(1, u64::MAX);
    let (mut log, woken) = quick_with_threads(&disk);
    disk.inject(Fault::Sync);
    assert!(!commits(&mut log, &woken));
    assert_eq!(log.handle().health(0).state, LogState::Ok);
    assert_eq!(read_all(log.handle(), 1).unwrap(), 4);
    log.shutdown().unwrap();
}

#[test]
fn shutdown_may_be_the_shards_own_commit() {
    let disk = SimDisk::new(1, u64::MAX);
    let (mut log, _woken) = quick_with_threads(&disk);
    append(&mut log, 1);
    log.shutdown().unwrap();
    let bench = Bench::on(disk.crash()).unwrap();
    assert_eq!(
        (bench.recovery.end, bench.recovery.cut.clone()),
        (Seq(4), None)
    );
}
