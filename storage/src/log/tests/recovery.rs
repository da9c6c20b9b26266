//! What a start finds after a stop, and what it refuses.

use super::*;
use crate::log::format::HeaderPage;

fn corrupt(file: u32, offset: u64, error: &LogError) {
    match error {
        LogError::Corrupt {
            file: f, offset: o, ..
        } => assert_eq!((f, *o), (&segment(file), offset), "{error}"),
        other => panic!("expected damage, got {other}"),
    }
}

fn open_error(disk: SimDisk) -> LogError {
    Bench::on(disk).err().expect("the log must not open")
}

#[test]
fn what_was_acknowledged_survives_a_power_cut_at_any_time() {
    let mut bench = Bench::new();
    let mut disk = bench.disk.clone();
    for blocks in 1..=20 {
        bench.commit(1);
        bench.offer();
        disk = disk.crash();
        bench = Bench::on(disk.clone()).unwrap();
        assert_eq!(bench.recovery.end, Seq(blocks * BLOCK));
        assert_eq!(read_all(bench.log.handle(), 1).unwrap(), blocks * BLOCK);
    }
    let segments = bench.log.handle().shared.segments.lock().segments.len();
    assert_eq!(segments, 3, "segments were passed on the way");
}

#[test]
fn a_new_log_is_there_whole_or_not_at_all() {
    let disk = SimDisk::new(5, u64::MAX);
    let id = Bench::on(disk.clone()).unwrap().log.id();
    assert!(0 < id.0);
    for _ in 0..20 {
        assert_eq!(Bench::on(disk.crash()).unwrap().log.id(), id);
    }
}

#[test]
fn a_commit_that_was_torn_is_cut() {
    let mut cuts = 0;
    for seed in 0..40 {
        let mut bench = Bench::on(SimDisk::new(seed, u64::MAX)).unwrap();
        bench.commit(2);
        // A sync that fails leaves the block on the medium in part.
        bench.disk.inject(Fault::Sync);
        bench.offer();
        assert_eq!(bench.step(), committer::Step::Failed);
        let mut crashed = Bench::on(bench.disk.crash()).unwrap();
        let Recovery { end, cut, .. } = crashed.recovery.clone();
        match &cut {
            Some(place) => assert_eq!((end, place), (Seq(20), &(segment(1), 3 * PAGE))),
            None => assert!(end == Seq(20) || end == Seq(30), "{end:?}"),
        }
        cuts += u32::from(cut.is_some());
        crashed.commit(1);
        assert_eq!(read_all(crashed.log.handle(), 1).unwrap(), end.0 + 10);
    }
    assert!(10 < cuts, "{cuts}");
}

#[test]
fn a_flipped_bit_below_the_durable_end_stops_the_start() {
    let mut bench = Bench::new();
    bench.commit(4);
    for (offset, what) in [
        (PAGE, "head"),
        (2 * PAGE + 100, "record"),
        (3 * PAGE + 4, "head"),
    ] {
        let disk = bench.disk.crash();
        disk.flip_bit(&segment(1), offset * 8);
        let error = open_error(disk);
        corrupt(1, offset / PAGE * PAGE, &error);
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[test]
fn a_flipped_bit_in_the_last_block_looks_like_a_torn_write() {
    let mut bench = Bench::new();
    bench.commit(4);
    let disk = bench.disk.crash();
    disk.flip_bit(&segment(1), (4 * PAGE + 100) * 8);
    let bench = Bench::on(disk).unwrap();
    assert_eq!(bench.recovery.end, Seq(3 * BLOCK));
    assert_eq!(bench.recovery.cut, Some((segment(1), 4 * PAGE)));
}

#[test]
fn after_a_clean_shutdown_it_does_not() {
    let mut bench = Bench::new();
    bench.commit(4);
    bench.stepper.finish().unwrap();
    let disk = bench.disk.crash();
    assert_eq!(Bench::on(disk.crash()).unwrap().recovery.end, Seq(40));
    disk.flip_bit(&segment(1), (4 * PAGE + 100) * 8);
    corrupt(1, 4 * PAGE, &open_error(disk));
}

#[test]
fn starts_and_stops_without_records_take_no_room() {
    let mut bench = Bench::new();
    bench.commit(1);
    let mut ends = Vec::new();
    for _ in 0..5 {
        bench.stepper.finish().unwrap();
        bench = Bench::on(bench.disk.clone()).unwrap();
        ends.push(bench.log.handle().shared.segments.lock().segments[0].end);
    }
    assert_eq!(ends, [3 * PAGE; 5]);
    bench.commit(1);
    assert_eq!(read_all(bench.log.handle(), 1).unwrap(), 20);
}

#[test]
fn damage_in_an_older_segment_is_found_by_who_reads_it() {
    let mut bench = Bench::new();
    bench.commit(10);
    let disk = bench.disk.crash();
    disk.flip_bit(&segment(1), (2 * PAGE + 70) * 8);
    let bench = Bench::on(disk).unwrap();
    assert_eq!(bench.recovery.end, Seq(100));
    corrupt(1, 2 * PAGE, &read_all(bench.log.handle(), 1).unwrap_err());
    assert_eq!(read_all(bench.log.handle(), 21).unwrap(), 100);
}

#[test]
fn a_damaged_header_is_not_an_empty_segment() {
    let mut bench = Bench::new();
    bench.commit(1);
    let disk = bench.disk.crash();
    disk.flip_bit(&segment(1), 100);
    corrupt(1, 0, &open_error(disk));

    bench.commit(10);
    // The newest: two blocks in it prove that it was in use.
    let disk = bench.disk.crash();
    disk.flip_bit(&segment(2), 100);
    corrupt(2, 0, &open_error(disk));
    // One in the middle: its successor names it.
    bench.commit(7);
    let disk = bench.disk.crash();
    disk.flip_bit(&segment(2), 100);
    assert_eq!(
        open_error(disk).to_string(),
        "/log/0000000002.seg is missing: /log/0000000003.seg continues it"
    );
}

#[test]
fn a_missing_segment_stops_the_start() {
    let mut bench = Bench::new();
    bench.commit(20);
    bench.disk.remove(&segment(2)).unwrap();
    assert!(matches!(
        open_error(bench.disk.clone()),
        LogError::Missing { .. }
    ));
}

#[test]
fn a_newer_version_is_named() {
    let bench = Bench::new();
    let file = bench.disk.open(&segment(1)).unwrap();
    let mut page = [0; 96];
    file.pread(&mut page, 0).unwrap();
    assert!(matches!(HeaderPage::decode(&page), HeaderPage::Valid(_)));
    page[8] = 2;
    let crc = crc32c::crc32c(&page[..92]).to_le_bytes();
    page[92..].copy_from_slice(&crc);
    file.pwrite(&page, 0).unwrap();
    assert_eq!(
        open_error(bench.disk.clone()).to_string(),
        "/log/0000000001.seg has format version 2, this program reads version 1"
    );
}
