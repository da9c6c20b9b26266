//! What stations were told is kept, against what the logs of a server hold that was killed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use fleet::wire::{Body, read};
use loadgen::truth::{self, Kind};
use serde::Serialize;
use storage::log::{discover, dump, open_read_only};

/// How two counts of the same events differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Events that stations sent.
    pub sent: u64,
    /// Of them, those that were acknowledged.
    pub acknowledged: u64,
    /// Acknowledged, and not in the log.
    pub lost: u64,
    /// In the log, and beyond what was sent.
    pub doubled: u64,
}

/// Events of a station, of one kind.
#[derive(Clone, Copy, Default)]
struct Count {
    sent: u64,
    acknowledged: u64,
    recorded: u64,
}

/// Compares what `loadgen` wrote with the logs in `data_dir`, whose server has ended. Boots and statuses are compared, by their
/// number from each station; a boot that was sent again is recorded again, as connection and answer may both be new.
///
/// # Errors
///
/// Either cannot be read, or the beginning of a log was released.
pub fn compare(truths: &[PathBuf], data_dir: &Path) -> anyhow::Result<Kept> {
    let mut counts: HashMap<(String, Kind), Count> = HashMap::new();
    for path in truths {
        for event in truth::read(path)? {
            if !matches!(event.kind, Kind::Boot | Kind::Status) {
                continue;
            }
            let count = counts.entry((event.station, event.kind)).or_default();
            count.sent += 1;
            count.acknowledged += u64::from(event.acked_at.is_some());
        }
    }
    let logs = discover(data_dir).context("looking for logs")?;
    ensure!(!logs.is_empty(), "no log in {}", data_dir.display());
    for log in logs {
        let (mut reader, recovery) =
            open_read_only(&log.path).with_context(|| format!("opening {}", log.path.display()))?;
        ensure!(
            recovery.first.0 == 1,
            "{} begins with record {}, so nothing can be said of those before it",
            log.path.display(),
            recovery.first.0
        );
        let mut unread = None;
        dump(&mut reader, |seq, record| match read(record) {
            Ok(record) => {
                let kind = match record.body {
                    Body::Booted(_) => Kind::Boot,
                    Body::StatusReported(_) => Kind::Status,
                    _ => return,
                };
                let identity = record.station.rsplit('/').next().unwrap_or_default();
                counts
                    .entry((identity.to_owned(), kind))
                    .or_default()
                    .recorded += 1;
            }
            Err(error) => unread = Some((seq, error)),
        })
        .with_context(|| format!("reading {}", log.path.display()))?;
        if let Some((seq, error)) = unread {
            let at = format!("record {} of {}", seq.0, log.path.display());
            return Err(error).context(at);
        }
    }
    let mut kept = Kept::default();
    for ((_, kind), count) in &counts {
        kept.sent += count.sent;
        kept.acknowledged += count.acknowledged;
        kept.lost += count.acknowledged.saturating_sub(count.recorded);
        if *kind != Kind::Boot {
            kept.doubled += count.recorded.saturating_sub(count.sent);
        }
    }
    Ok(kept)
}
