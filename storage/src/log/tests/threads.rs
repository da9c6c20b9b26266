//! The log with its threads.

use super::*;

#[test]
fn a_reader_on_another_thread_follows_the_shard() {
    const RECORDS: u64 = 20_000;
    let tmp = tempfile::tempdir().unwrap();
    let (wake, woken) = mpsc::channel();
    let on_change = move || wake.send(()).unwrap_or(());
    let (mut log, recovery) =
        Log::open(tmp.path(), small(), Arc::new(RealDisk), on_change).unwrap();
    assert_eq!((recovery.first, recovery.end), (Seq(1), Seq(0)));
    let handle = log.handle().clone();
    let follower = std::thread::spawn(move || {
        let mut reader = handle.reader(Seq(1));
        while reader.position() < Seq(RECORDS) {
            assert!(
                reader.wait(DEADLINE),
                "record {:?} is missing",
                reader.position()
            );
            while let Some((seq, bytes)) = reader.next().unwrap() {
                assert_eq!(bytes, record(seq.0));
            }
            let stored = reader.position();
            handle.release(Consumer::State, stored);
            handle.release(Consumer::Lake, stored);
        }
    });
    while log.appended() < Seq(RECORDS) {
        while log.appended() < Seq(RECORDS) && log.accepts() {
            let seq = log.appended().0 + 1;
            log.append(&record(seq)).unwrap();
        }
        log.flush(0);
        if !log.accepts() {
            woken.recv_timeout(DEADLINE).unwrap();
        }
    }
    follower.join().unwrap();
    assert_eq!(log.durable(), Seq(RECORDS));
    let health = log.handle().health(0);
    assert!(health.bytes_used <= health.bytes_max);
    log.shutdown().unwrap();

    let report = verify(tmp.path()).unwrap();
    assert_eq!(report.recovery.end, Seq(RECORDS));
    assert_eq!(report.records, RECORDS + 1 - report.recovery.first.0);
    assert_eq!(report.record_bytes, report.records * 100);
}

#[test]
fn shutdown_commits_what_is_left() {
    let tmp = tempfile::tempdir().unwrap();
    let open = || Log::open(tmp.path(), small(), Arc::new(RealDisk), || {}).unwrap();
    let (mut log, _) = open();
    append(&mut log, 5);
    let reader = log.handle().reader(Seq(6));
    let waiter = std::thread::spawn(move || (reader.wait(DEADLINE), reader.is_closed()));
    log.shutdown().unwrap();
    assert_eq!(
        waiter.join().unwrap(),
        (false, true),
        "a waiting reader is let go"
    );
    let (log, recovery) = open();
    assert_eq!((recovery.end, recovery.cut), (Seq(5), None));
    log.shutdown().unwrap();
}

#[test]
fn appends_go_on_while_the_disk_hangs_until_the_batch_is_full() {
    let disk = SimDisk::new(1, u64::MAX);
    let (mut log, _) = Log::open(Path::new(DIR), small(), Arc::new(disk.clone()), || {}).unwrap();
    disk.hold_syncs(true);
    let mut taken = 0;
    while log.accepts() {
        taken += 1;
        log.append(&record(taken)).unwrap();
        log.flush(0);
    }
    assert_eq!(log.durable(), Seq(0));
    assert!(matches!(
        log.handle().health(u64::MAX).state,
        LogState::Stalled { since_ns: 0 }
    ));
    disk.hold_syncs(false);
    assert!(log.handle().reader(Seq(taken)).wait(DEADLINE));
    assert_eq!(read_all(log.handle(), 1).unwrap(), taken);
    log.shutdown().unwrap();
}

#[test]
fn a_log_on_a_full_disk_shuts_down() {
    let disk = SimDisk::new(1, 64 << 10);
    let (wake, woken) = mpsc::channel();
    let on_change = move || wake.send(()).unwrap_or(());
    let (mut log, _) =
        Log::open(Path::new(DIR), small(), Arc::new(disk.clone()), on_change).unwrap();
    let mut seq = 0;
    while log.handle().health(0).state != LogState::NoSpace {
        while log.accepts() {
            seq += 1;
            log.append(&record(seq)).unwrap();
        }
        log.flush(0);
        woken.recv_timeout(DEADLINE).unwrap();
    }
    let error = log.shutdown().unwrap_err();
    assert!(
        error.to_string().ends_with("no space for the last records"),
        "{error}"
    );
}

#[test]
fn logs_of_a_data_directory_are_found_drained_and_removed() {
    let tmp = tempfile::tempdir().unwrap();
    assert_eq!(discover(tmp.path()).unwrap(), []);
    let mut ids = Vec::new();
    for shard in [2, 0, 1] {
        let dir = shard_dir(tmp.path(), shard);
        let (mut log, _) = Log::open(&dir, small(), Arc::new(RealDisk), || {}).unwrap();
        append(&mut log, 3);
        ids.push((shard, log.id()));
        log.shutdown().unwrap();
    }
    std::fs::create_dir(tmp.path().join("log/lost+found")).unwrap();
    std::fs::create_dir(tmp.path().join("log/007")).unwrap();
    ids.sort_unstable();
    let found = discover(tmp.path()).unwrap();
    assert_eq!(
        found.iter().map(|d| (d.shard, d.id)).collect::<Vec<_>>(),
        ids
    );

    let orphan = found[2].clone();
    let (mut reader, recovery) = open_read_only(&orphan.path).unwrap();
    assert_eq!((reader.log_id(), recovery.end), (orphan.id, Seq(3)));
    let mut seqs = Vec::new();
    dump(&mut reader, |seq, _| seqs.push(seq.0)).unwrap();
    assert_eq!(seqs, [1, 2, 3]);
    assert!(!reader.wait(DEADLINE), "nothing more will come");
    reader.seek(Seq(2));
    assert_eq!(reader.next().unwrap().unwrap().0, Seq(2));
    orphan.remove().unwrap();
    assert_eq!(discover(tmp.path()).unwrap().len(), 2);
    assert!(matches!(
        open_read_only(&tmp.path().join("log/007")),
        Err(LogError::NoLog { .. })
    ));
}
