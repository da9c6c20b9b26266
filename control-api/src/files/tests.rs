use std::io::Read as _;

use expect_test::expect;

use super::*;

const NOW: UtcMicros = UtcMicros(1_795_344_109_123_000);

struct World {
    files: Files,
    store: StateStore,
    dir: tempfile::TempDir,
}

fn config() -> FilesConfig {
    FilesConfig {
        base_url: "http://csms".into(),
        size_max: 100,
        total_max: 150,
        retention: Some(Duration::from_secs(60)),
    }
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let store = StateStore::open(&dir.path().join("state")).unwrap();
    let files = Files::open(dir.path().join("files"), store.clone(), config()).unwrap();
    World { files, store, dir }
}

impl World {
    /// The same store and directory after a restart.
    fn again(self) -> Self {
        let path = self.dir.path().join("files");
        let files = Files::open(path, self.store.clone(), config()).unwrap();
        Self { files, ..self }
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path().join("files")).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    fn put(&self, bytes: &[u8]) -> Result<FileRow, FilesError> {
        let mut incoming = self.files.receive(NOW, "default", "ana", "fw.bin".into())?;
        incoming.write(bytes)?;
        incoming.finish()
    }

    fn link(&self, purpose: Purpose, uses: u32) -> String {
        let request = LinkRequest {
            tenant: "default",
            purpose,
            station: "CP1",
            uses,
            lifetime: Duration::from_secs(10),
        };
        let made = self.files.make_link(NOW, &request).unwrap();
        made.url.rsplit('/').next().unwrap().to_owned()
    }

    fn upload(&self, now: UtcMicros, secret: &str, bytes: &[u8]) -> Result<FileRow, FilesError> {
        let mut incoming = self.files.receive_by_secret(now, secret, "log.gz".into())?;
        incoming.write(bytes)?;
        incoming.finish()
    }

    fn content(&self, row: &FileRow) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut file = self.files.bytes_of(row.id).unwrap();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    }
}

fn later(seconds: i64) -> UtcMicros {
    UtcMicros(NOW.0 + seconds * 1_000_000)
}

fn refusal<T>(found: Result<T, FilesError>) -> String {
    match found {
        Ok(_) => "taken".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_was_put_is_there_after_a_restart() {
    let world = world();
    let row = world.put(b"firmware").unwrap();
    let secret = world.link(Purpose::Download(row.id), 2);
    assert_eq!(
        hex(&row.sha256),
        "c3bf47ea1f4a4a605470313cacb3a44f4a461f68c6faeab07e737610cb5ac835",
    );
    let world = world.again();
    assert_eq!(world.files.find("default", row.id).as_ref(), Some(&row));
    assert_eq!(world.files.find("other", row.id), None);
    assert_eq!(world.content(&row), b"firmware");
    assert_eq!(world.files.usage(), (8, 1));
    let (link, found) = world.files.by_secret(NOW, &secret).unwrap();
    assert_eq!(found, row);
    world.files.count_use(NOW, &link).unwrap();
    let world = world.again();
    world.files.count_use(NOW, &link).unwrap();
    let over = "this URL has been used as often as it may be";
    assert_eq!(refusal(world.files.by_secret(NOW, &secret)), over);
    assert_eq!(refusal(world.files.count_use(NOW, &link)), over);
}

#[test]
fn what_broke_off_leaves_nothing_and_may_come_again() {
    let world = world();
    let secret = world.link(Purpose::Upload { len_max: 50 }, 1);
    let mut incoming = world
        .files
        .receive_by_secret(NOW, &secret, String::new())
        .unwrap();
    incoming.write(b"half").unwrap();
    assert_eq!(world.names().len(), 1);
    assert_eq!(world.files.usage(), (4, 0));
    let arriving = "a file is arriving under this URL";
    assert_eq!(refusal(world.upload(NOW, &secret, b"x")), arriving);
    drop(incoming);
    assert_eq!((world.names().len(), world.files.usage()), (0, (0, 0)));

    let row = world.upload(NOW, &secret, b"whole").unwrap();
    assert_eq!(row.origin, Origin::Station("CP1".into()));
    let over = "this URL has been used as often as it may be";
    assert_eq!(refusal(world.upload(NOW, &secret, b"x")), over);
}

#[test]
fn a_crash_leaves_no_bytes_without_a_row_and_no_row_without_bytes() {
    let world = world();
    let (kept, lost) = (world.put(b"kept").unwrap(), world.put(b"lost").unwrap());
    let dir = world.dir.path().join("files");
    // As a crash leaves them: arriving, and whole without a row.
    fs::write(dir.join(format!("{}.part", kept.id)), b"arriving").unwrap();
    let orphan = FileId::new(NOW).unwrap();
    fs::write(dir.join(orphan.to_string()), b"whole").unwrap();
    fs::remove_file(dir.join(lost.id.to_string())).unwrap();
    let world = world.again();
    assert_eq!(world.names(), [kept.id.to_string()]);
    assert_eq!(world.files.usage(), (4, 1));
    assert_eq!(world.files.find("default", lost.id), None);
}

#[test]
fn limits_hold_before_a_byte_is_kept() {
    let world = world();
    let mut seen = String::new();
    let mut note = |found: String| seen += &format!("{found}\n");
    note(refusal(world.put(&[0; 101])));
    note(refusal(world.put(b"")));
    world.put(&[0; 100]).unwrap();
    note(refusal(world.put(&[0; 51])));
    let secret = world.link(Purpose::Upload { len_max: 5 }, 1);
    note(refusal(world.upload(NOW, &secret, b"123456")));
    let announced = world
        .files
        .receive_by_secret(NOW, &secret, String::new())
        .and_then(|incoming| incoming.announce(6));
    note(refusal(announced));
    note(refusal(world.upload(later(10), &secret, b"12345")));
    note(refusal(world.upload(later(9), "no secret", b"12345")));
    note(refusal(world.files.by_secret(NOW, &secret)));
    note(refusal(world.upload(later(9), &secret, b"12345")));
    expect![[r#"
        the file is larger than 100 bytes
        the body is empty
        100 bytes are kept or arriving, 51 more would exceed `files.total_max` of 150
        the file is larger than 5 bytes
        the file is larger than 5 bytes
        this URL expired at 2026-11-22T10:41:59.123Z
        no such URL
        no such URL
        taken
    "#]]
    .assert_eq(&seen);
    assert_eq!(world.files.usage(), (105, 2));
    assert_eq!(world.names().len(), 2);
}

#[test]
fn files_of_stations_go_with_time_and_others_when_an_operator_says_so() {
    let world = world();
    let put = world.put(b"firmware").unwrap();
    let download = world.link(Purpose::Download(put.id), 1);
    let secret = world.link(Purpose::Upload { len_max: 5 }, 1);
    let sent = world.upload(NOW, &secret, b"log").unwrap();
    assert_eq!(world.files.tidy(later(60)).unwrap(), 0);
    assert_eq!(world.files.tidy(later(61)).unwrap(), 1);
    assert_eq!(world.files.find("default", sent.id), None);
    // A URL that is over says so for a day.
    assert!(refusal(world.files.by_secret(later(61), &download)).contains("expired"));
    assert_eq!(world.files.tidy(later(86_411)).unwrap(), 0);
    let unknown = "no such URL";
    assert_eq!(refusal(world.files.by_secret(NOW, &download)), unknown);

    let download = world.link(Purpose::Download(put.id), 1);
    assert_eq!(refusal(world.files.remove("other", put.id)), "no such file");
    world.files.remove("default", put.id).unwrap();
    assert_eq!(refusal(world.files.by_secret(NOW, &download)), unknown);
    assert_eq!((world.names().len(), world.files.usage()), (0, (0, 0)));
}

#[test]
fn a_command_is_tied_to_what_comes_and_to_what_came_before_it_was_known() {
    let world = world();
    for late in [false, true] {
        let secret = world.link(Purpose::Upload { len_max: 5 }, 1);
        let id = link::id_of(&secret);
        if !late {
            world.files.tie(&id, [7; 16]).unwrap();
        }
        let row = world.upload(NOW, &secret, b"log").unwrap();
        if late {
            assert_eq!(row.command, None);
            world.files.tie(&id, [7; 16]).unwrap();
        }
        let row = world.files.find("default", row.id).unwrap();
        assert_eq!(row.command, Some([7; 16]));
    }
    let world = world.again();
    let tied = |row: &FileRow| row.command == Some([7; 16]);
    assert_eq!(world.files.list("default", None, 9, tied).len(), 2);
}

#[test]
fn the_store_holds_no_secret() {
    let world = world();
    let row = world.put(b"firmware").unwrap();
    let secret = world.link(Purpose::Download(row.id), 1);
    for row in world.store.scan(Table::Files, &[], &[]) {
        let (key, value) = row.unwrap();
        for bytes in [key, value] {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert!(!text.contains(&secret), "{text}");
        }
    }
}

#[test]
fn rows_have_the_bytes_that_are_written_down() {
    let world = world();
    let mut row = world.put(b"firmware").unwrap();
    row.id = FileId([1; 16]);
    row.link = Some([2; 32]);
    row.command = Some([3; 16]);
    let link = LinkRow {
        tenant: "default".into(),
        purpose: Purpose::Upload { len_max: 5 },
        station: "CP1".into(),
        uses_left: 1,
        expires_at: NOW,
        command: None,
        is_arriving: false,
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    expect![[r#"
        {"version":1,"tenant":"default","name":"fw.bin","len":8,"sha256":"c3bf47ea1f4a4a605470313cacb3a44f4a461f68c6faeab07e737610cb5ac835","principal":"ana","station":null,"created_at":1795344109123000,"link":"0202020202020202020202020202020202020202020202020202020202020202","command":"03030303030303030303030303030303"}
        {"version":1,"tenant":"default","download":null,"len_max":5,"station":"CP1","uses_left":1,"expires_at":1795344109123000,"command":null}
    "#]].assert_eq(&format!("{}\n{}\n", text(row.write()), text(link.write())));
    let key = row::file_key(row.id);
    match row::read(&key, &row.write()).unwrap() {
        row::Row::File(read) => assert_eq!(read, row),
        row::Row::Link(..) => panic!("a file is no URL"),
    }
    let newer = text(link.write()).replace("\"version\":1", "\"version\":2");
    assert_eq!(
        refusal(row::read(&row::link_key(&[2; 32]), newer.as_bytes())),
        "a stored URL cannot be read: version 2, this program reads 1"
    );
}

#[test]
fn a_full_disk_takes_nothing_and_leaves_nothing_behind() {
    let world = world();
    let secret = world.link(Purpose::Upload { len_max: 100 }, 1);
    let by_url = world
        .files
        .receive_by_secret(NOW, &secret, "log.gz".into())
        .unwrap();
    let put = world
        .files
        .receive(NOW, "default", "ana", "fw.bin".into())
        .unwrap();
    for incoming in [by_url, put] {
        let mut incoming = incoming.on_full_disk();
        let refused = incoming.write(b"firmware").unwrap_err();
        assert!(matches!(refused, FilesError::DiskFull), "{refused}");
    }
    assert_eq!((world.files.usage(), world.names()), ((0, 0), vec![]));
    // The URL is as good as before.
    world.upload(NOW, &secret, b"log").unwrap();
}

#[test]
fn a_revoked_url_takes_nothing_also_of_what_arrives() {
    let world = world();
    let secret = world.link(Purpose::Upload { len_max: 100 }, 1);
    let id = hex(&link::id_of(&secret));
    let mut incoming = world
        .files
        .receive_by_secret(NOW, &secret, "log.gz".into())
        .unwrap();
    incoming.write(b"half").unwrap();
    let elsewhere = world.files.revoke_upload("other", &id);
    assert_eq!(refusal(elsewhere), "no such URL");
    world.files.revoke_upload("default", &id).unwrap();
    assert_eq!(
        refusal(world.files.revoke_upload("default", &id)),
        "no such URL"
    );
    assert_eq!(refusal(incoming.write(b"more")), "no such URL");
    assert_eq!(refusal(incoming.finish()), "no such URL");
    assert_eq!((world.files.usage(), world.names()), ((0, 0), vec![]));
    let world = world.again();
    assert_eq!(refusal(world.upload(NOW, &secret, b"log")), "no such URL");

    // One that leads to a file is no upload URL.
    let row = world.put(b"firmware").unwrap();
    let download = world.link(Purpose::Download(row.id), 1);
    let id = hex(&link::id_of(&download));
    assert_eq!(
        refusal(world.files.revoke_upload("default", &id)),
        "no such URL"
    );
}

/// While rows wait for the disk, who only looks does not wait with them, nor does a file that is arriving.
#[test]
fn a_look_does_not_wait_for_the_disk() {
    let world = world();
    let row = world.put(b"firmware").unwrap();
    let url = world.link(Purpose::Download(row.id), 1);
    let secret = url.rsplit('/').next().unwrap().to_owned();
    let mut arriving = world
        .files
        .receive(NOW, "default", "ana", "b.bin".into())
        .unwrap();
    let changing = world.files.changing();
    let (done, looked) = std::sync::mpsc::channel();
    let files = world.files.clone();
    let looks = std::thread::spawn(move || {
        assert_eq!(files.usage(), (8, 1));
        assert!(files.find("default", row.id).is_some());
        assert_eq!(files.list("default", None, 9, |_| true).len(), 1);
        assert!(files.by_secret(NOW, &secret).is_ok());
        arriving.announce(5).unwrap();
        arriving.write(b"bytes").unwrap();
        done.send(files.usage()).unwrap();
        arriving.finish().unwrap();
    });
    let seen = looked.recv_timeout(Duration::from_secs(60));
    assert_eq!(seen, Ok((13, 1)));
    drop(changing);
    looks.join().unwrap();
    assert_eq!(world.files.usage(), (13, 2));
}
