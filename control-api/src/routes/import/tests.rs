//! Imports that the shards do not answer to the end.

use std::cell::RefCell;
use std::collections::HashMap;

use futures::FutureExt as _;

use super::*;

/// Shards that take some batches and then answer otherwise.
struct Breaking {
    /// Batches that are taken.
    taken: usize,
    /// What the next ones are answered, and whether they take effect all the same.
    then: (RouterError, bool),
    /// Passwords by identity.
    stations: RefCell<HashMap<String, Password>>,
    batches: RefCell<usize>,
}

impl Breaking {
    fn new(taken: usize, then: (RouterError, bool)) -> Self {
        Self {
            taken,
            then,
            stations: RefCell::default(),
            batches: RefCell::new(0),
        }
    }
}

impl Registrar for Breaking {
    async fn register(
        &self,
        registrations: Vec<Registration>,
        mode: RegisterMode,
    ) -> Vec<Result<Result<(), RegisterError>, RouterError>> {
        if registrations.is_empty() {
            return Vec::new();
        }
        assert_eq!(mode, RegisterMode::New);
        let answered = *self.batches.borrow() < self.taken;
        *self.batches.borrow_mut() += 1;
        let mut stations = self.stations.borrow_mut();
        let mut register = |registration: Registration| {
            if !answered && !self.then.1 {
                return Err(self.then.0);
            }
            let id = registration.key.identity().to_owned();
            if stations.contains_key(&id) {
                return Ok(Err(RegisterError::Exists));
            }
            stations.insert(id, registration.patch.password.unwrap().unwrap());
            if answered {
                Ok(Ok(()))
            } else {
                Err(self.then.0)
            }
        };
        registrations.into_iter().map(&mut register).collect()
    }

    async fn known(&self, lines: &[Line]) -> Vec<Result<Option<StationView>, RouterError>> {
        lines.iter().map(|_| Err(self.then.0)).collect()
    }
}

/// Imports stations without passwords, and checks that the report has each line and each password that may hold.
fn import(shards: &Breaking, count: usize) -> ImportReport {
    let ids: String = (0..count).map(|n| format!("CP{n:05}\n")).collect();
    let (lines, report) = read(format!("id\n{ids}").as_bytes(), "default").unwrap();
    let before: Vec<_> = shards.stations.borrow().keys().cloned().collect();
    let report = register_all(shards, lines, None, report)
        .now_or_never()
        .unwrap();
    let lines = report.created + report.updated + report.unchanged + report.failed;
    assert_eq!(lines, count as u64);
    let shown: HashMap<_, _> = report
        .passwords
        .iter()
        .map(|made_up| (made_up.id.as_str(), made_up.password.as_bytes()))
        .collect();
    for (id, password) in &*shards.stations.borrow() {
        let is_lost = !shown.get(id.as_str()).is_some_and(|p| password.matches(p));
        assert!(
            !is_lost || before.contains(id),
            "the password of {id} is lost"
        );
    }
    report
}

#[test]
fn what_breaks_midway_loses_no_password() {
    let count = 2 * BATCH_LEN + 5;
    let check = |then, passwords: usize, second: &str, last: &str| {
        let report = import(&Breaking::new(1, then), count);
        assert_eq!(report.created, BATCH_LEN as u64);
        assert_eq!(report.passwords.len(), passwords);
        assert_eq!(report.interrupted, Some(then.0.to_string()));
        let detail = |line| {
            let error = report.errors.iter().find(|error| error.line == line);
            error.map(|error| error.detail.as_str())
        };
        assert_eq!(detail(BATCH_LEN as u64 + 2), Some(second));
        assert_eq!(report.errors.len(), 1_000, "the others are counted");
        // The last lines were never sent.
        let small = Breaking::new(0, then);
        let (lines, report) = read(b"id\nCP1\n", "default").unwrap();
        let mut report = register_all(&small, lines, None, report)
            .now_or_never()
            .unwrap();
        let (lines, _) = read(b"id\nCP1\nCP2\n", "default").unwrap();
        refuse_rest(&mut report, lines.into_iter().skip(1));
        assert_eq!(report.errors[1].detail, last);
    };
    let [busy, silent, ended] = [
        "the station's shard has too many questions waiting",
        "the station's shard has not answered in time",
        "the station's shard has ended",
    ];
    let unknown = |reason: &str| format!("{reason}; it may have been registered");
    let not_tried = |reason: &str| format!("not tried: {reason}");
    check(
        (RouterError::Busy, false),
        BATCH_LEN,
        busy,
        &not_tried(busy),
    );
    for taken in [false, true] {
        let (timed_out, stopped) = (RouterError::TimedOut, RouterError::Stopped);
        check(
            (timed_out, taken),
            2 * BATCH_LEN,
            &unknown(silent),
            &not_tried(silent),
        );
        check(
            (stopped, taken),
            2 * BATCH_LEN,
            &unknown(ended),
            &not_tried(ended),
        );
    }
}

#[test]
fn stations_that_cannot_be_looked_up_end_the_import() {
    let shards = Breaking::new(2, (RouterError::TimedOut, false));
    assert_eq!(import(&shards, 3).created, 3);
    let report = import(&shards, 4);
    assert_eq!((report.created, report.failed), (1, 3));
    assert!(report.interrupted.is_some());
    assert_eq!(report.passwords.len(), 1);
}
