//! The ground truth of a run: what was sent, and what the CSMS acknowledged.
//!
//! One JSON object per line, one line per event:
//!
//! ```json
//! {"station":"CP00001","transaction":"17","seq":3,"kind":"meter","measured_at":"2026-11-22T10:41:49.123Z","energy_mwh":1234567,"acked_at":"2026-11-22T10:41:49.125Z"}
//! ```
//!
//! - `transaction`: the station's id of it; in 1.6 the number that the CSMS gave, in decimal. Null outside a
//!   transaction, and for a StartTransaction that was never answered.
//! - `seq`: the position within the transaction, from 0 (in 2.0.1 the `seqNo`); for boot and status the count of
//!   such events of this station.
//! - `measured_at`: the timestamp in the message, letter by letter. Null for boot, which carries none.
//! - `energy_mwh`: the register in the message, milliwatt-hours; null where the event carries none.
//! - `acked_at`: when the CALLRESULT arrived, by this machine's clock; null when none came.
//!
//! An event that was sent again after a lost connection is still one event and one line.
//!
//! # When it is written
//!
//! A line is appended when its event is acknowledged, and at the end of the run for what was sent and never
//! acknowledged. Until then the events sent stand in a journal beside it, `FILE.sent`, each before its first byte
//! reaches the socket. The journal is removed when the run ends in order; if this program is killed, both files
//! together are the truth, and [`read`] joins them.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// What an event was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// BootNotification.
    Boot,
    /// StatusNotification.
    Status,
    /// A transaction's start.
    Start,
    /// A meter sample within a transaction.
    Meter,
    /// A transaction's end.
    Stop,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// Identity.
    pub station: String,
    /// The station's id of the transaction.
    pub transaction: Option<String>,
    /// Position.
    pub seq: u32,
    /// What it was.
    pub kind: Kind,
    /// As sent.
    pub measured_at: Option<String>,
    /// The register, milliwatt-hours.
    pub energy_mwh: Option<u64>,
    /// RFC 3339.
    pub acked_at: Option<String>,
}

impl Truth {
    /// What tells events of a station apart before the CSMS has named the transaction.
    fn key(&self) -> (&str, Kind, u32, Option<&str>) {
        (
            &self.station,
            self.kind,
            self.seq,
            self.measured_at.as_deref(),
        )
    }
}

/// Writes the two files of a run.
#[derive(Debug)]
pub struct Writer {
    lines: BufWriter<File>,
    journal: BufWriter<File>,
    journal_path: PathBuf,
}

impl Writer {
    /// Begins both files anew.
    ///
    /// # Errors
    ///
    /// A file cannot be created.
    pub fn create(path: &Path) -> anyhow::Result<Writer> {
        let journal_path = journal_path(path);
        let create = |path: &Path| {
            File::create(path)
                .map(BufWriter::new)
                .with_context(|| format!("creating {}; choose another --truth", path.display()))
        };
        Ok(Writer {
            lines: create(path)?,
            journal: create(&journal_path)?,
            journal_path,
        })
    }

    /// The event is about to be sent for the first time.
    pub fn sent(&mut self, truth: &Truth) -> io::Result<()> {
        append(&mut self.journal, truth)
    }

    /// Nothing more will happen to the event.
    pub fn settled(&mut self, truth: &Truth) -> io::Result<()> {
        append(&mut self.lines, truth)
    }

    /// Hands everything to the kernel: from here on it outlives this process.
    pub fn flush(&mut self) -> io::Result<()> {
        self.journal.flush()?;
        self.lines.flush()
    }

    /// Ends the files in order: `unsettled` are the events that were sent and never acknowledged.
    pub fn finish(mut self, unsettled: &[Truth]) -> io::Result<()> {
        for truth in unsettled {
            append(&mut self.lines, truth)?;
        }
        self.flush()?;
        self.lines.get_ref().sync_all()?;
        fs::remove_file(&self.journal_path)
    }
}

fn append(file: &mut BufWriter<File>, truth: &Truth) -> io::Result<()> {
    serde_json::to_writer(&mut *file, truth)?;
    file.write_all(b"\n")
}

fn journal_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sent");
    PathBuf::from(name)
}

/// Reads the truth of a run, also of one that was killed: what stands only in its journal was sent and is not known
/// to be acknowledged.
///
/// # Errors
///
/// A file cannot be read, or a line that is not the last of its file is no event; the message names file and line.
pub fn read(path: &Path) -> anyhow::Result<Vec<Truth>> {
    let mut events = read_lines(path)?;
    let journal_path = journal_path(path);
    if journal_path.exists() {
        let journal = read_lines(&journal_path)?;
        let settled: HashSet<_> = events.iter().map(Truth::key).collect();
        let open: Vec<Truth> = journal
            .iter()
            .filter(|sent| !settled.contains(&sent.key()))
            .cloned()
            .collect();
        events.extend(open);
    }
    Ok(events)
}

fn read_lines(path: &Path) -> anyhow::Result<Vec<Truth>> {
    let file = File::open(path).with_context(|| {
        format!(
            "opening {}; `--truth` of `loadgen fleet` or `storm` writes it",
            path.display()
        )
    })?;
    let mut events = Vec::new();
    let mut lines = BufReader::new(file).lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        let line = line.with_context(|| format!("reading {}", path.display()))?;
        match serde_json::from_str(&line) {
            Ok(truth) => events.push(truth),
            // A killed writer leaves half a line at the end.
            Err(_) if lines.peek().is_none() => {}
            Err(error) => {
                let line = index + 1;
                return Err(error).with_context(|| format!("{}, line {line}", path.display()));
            }
        }
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u32, transaction: Option<&str>, acked: bool) -> Truth {
        Truth {
            station: "CP1".into(),
            transaction: transaction.map(Into::into),
            seq,
            kind: Kind::Meter,
            measured_at: Some(format!("2026-11-22T10:00:{seq:02}.000Z")),
            energy_mwh: Some(1_000),
            acked_at: acked.then(|| "2026-11-22T10:01:00.000Z".into()),
        }
    }

    #[test]
    fn a_line_has_the_documented_form() {
        let text = serde_json::to_string(&event(3, Some("17"), true)).unwrap();
        assert_eq!(
            text,
            r#"{"station":"CP1","transaction":"17","seq":3,"kind":"meter","measured_at":"2026-11-22T10:00:03.000Z","energy_mwh":1000,"acked_at":"2026-11-22T10:01:00.000Z"}"#
        );
    }

    #[test]
    fn an_ended_run_leaves_one_line_per_event_and_no_journal() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("truth");
        let mut writer = Writer::create(&path).unwrap();
        for seq in 0..2 {
            writer.sent(&event(seq, None, false)).unwrap();
        }
        writer.settled(&event(0, Some("9"), true)).unwrap();
        writer.finish(&[event(1, None, false)]).unwrap();
        assert_eq!(
            read(&path).unwrap(),
            [event(0, Some("9"), true), event(1, None, false)]
        );
        assert!(!journal_path(&path).exists());
    }

    #[test]
    fn a_killed_run_is_truthful_about_what_was_sent() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("truth");
        let mut writer = Writer::create(&path).unwrap();
        for seq in 0..3 {
            writer.sent(&event(seq, None, false)).unwrap();
        }
        writer.settled(&event(1, Some("9"), true)).unwrap();
        writer.flush().unwrap();
        drop(writer);
        let cut = fs::read_to_string(&path).unwrap() + r#"{"station":"CP1","tra"#;
        fs::write(&path, cut).unwrap();
        assert_eq!(
            read(&path).unwrap(),
            [
                event(1, Some("9"), true),
                event(0, None, false),
                event(2, None, false)
            ]
        );
    }

    #[test]
    fn a_broken_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("truth");
        let good = serde_json::to_string(&event(0, None, false)).unwrap();
        fs::write(&path, format!("{good}\nnonsense\n{good}\n")).unwrap();
        let error = format!("{:#}", read(&path).unwrap_err());
        assert!(error.contains("line 2"), "{error}");
    }
}
