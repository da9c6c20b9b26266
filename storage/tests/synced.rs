//! What stands in no log is on the disk before anybody is told: a disk that does not sync is an error of the write.

#![expect(clippy::unwrap_used, reason = "a test")]

use storage::state::{Durability, StateBatch, StateStore, Table};

/// From here on, and for this thread alone, the kernel answers EIO to whatever syncs a file.
fn refuse_syncs() {
    // (offset of the number in `seccomp_data`) load; each number compared; allowed; refused.
    let syncs = [
        libc::SYS_fdatasync,
        libc::SYS_fsync,
        libc::SYS_msync,
        libc::SYS_sync_file_range,
    ];
    let statement = |code, k| libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k,
    };
    let mut filter = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0)];
    for (at, number) in syncs.iter().enumerate() {
        filter.push(libc::sock_filter {
            code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
            jt: (syncs.len() - at) as u8,
            jf: 0,
            k: u32::try_from(*number).unwrap(),
        });
    }
    let answer = |action| statement(libc::BPF_RET | libc::BPF_K, action);
    filter.push(answer(libc::SECCOMP_RET_ALLOW));
    filter.push(answer(libc::SECCOMP_RET_ERRNO | libc::EIO as u32));
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: `program` points to `filter`, and both outlive the calls, which copy them.
    let installed = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) == 0
    };
    assert!(installed, "{}", std::io::Error::last_os_error());
}

fn write(store: &StateStore, table: Table, durability: Durability) -> Result<(), String> {
    let mut batch = StateBatch::default();
    batch.put(table, "key", "value");
    let written = store.apply(batch, None, durability);
    written.map_err(|error| error.to_string())
}

#[test]
fn a_write_that_is_to_be_synced_fails_with_the_sync() {
    for table in [Table::Tokens, Table::Principals, Table::Meta] {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        write(&store, table, Durability::Sync).unwrap();
        std::thread::scope(|scope| {
            let store = &store;
            let unsynced = scope.spawn(move || {
                refuse_syncs();
                let buffered = write(store, table, Durability::Buffered);
                (buffered, write(store, table, Durability::Sync))
            });
            let (buffered, synced) = unsynced.join().unwrap();
            assert_eq!(buffered, Ok(()), "nothing is synced for it");
            assert_eq!(synced, Err("writing to the state store".to_owned()));
        });
        // As after a failed sync of the log: nobody knows what the disk has, until a restart.
        assert!(write(&store, table, Durability::Sync).is_err());
    }
}
