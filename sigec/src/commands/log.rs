//! `sigec log`: the records of a stopped server.

use fleet::{Seq, wire};
use storage::data_dir::DataDir;
use storage::log::{LogDir, discover, open_read_only};

use super::{load, stopped_server};
use crate::cli::LogCommand;
use crate::print;

pub(super) fn execute(command: LogCommand) -> anyhow::Result<()> {
    match command {
        LogCommand::Verify { sources } => verify(&stopped_server(&load(&sources)?)?),
        LogCommand::Dump {
            sources,
            shard,
            from,
            limit,
        } => {
            let data_dir = stopped_server(&load(&sources)?)?;
            let mut left = limit.unwrap_or(u64::MAX);
            for log in discover(data_dir.path())? {
                if shard.is_none_or(|shard| shard == log.shard) {
                    dump(&log, Seq(from), &mut left)?;
                }
            }
            Ok(())
        }
    }
}

/// Checks what storage knows of a log, and that each record is one this program reads.
fn verify(data_dir: &DataDir) -> anyhow::Result<()> {
    let mut unreadable = 0_u64;
    for log in discover(data_dir.path())? {
        let (mut reader, recovery) = open_read_only(&log.path)?;
        let (mut records, mut bytes) = (0_u64, 0_u64);
        while let Some((seq, record)) = reader.next()? {
            records += 1;
            bytes += record.len() as u64;
            if let Err(error) = wire::read(record) {
                unreadable += 1;
                let (file, offset) = reader.place();
                print::line(format_args!(
                    "log {}, record {}, in the block at offset {offset} of {}: {error}",
                    log.id,
                    seq.0,
                    file.display()
                ))?;
            }
        }
        print::line(format_args!(
            "shard {}: log {}, records {} to {}: {records} sound, {bytes} bytes",
            log.shard, log.id, recovery.first.0, recovery.end.0
        ))?;
        if let Some((file, offset)) = recovery.cut {
            print::line(format_args!(
                "  {} ends in a commit at offset {offset} that was never acknowledged; the next start cuts it off",
                file.display()
            ))?;
        }
    }
    anyhow::ensure!(
        unreadable == 0,
        "{unreadable} records passed their sums and cannot be read by this version"
    );
    Ok(())
}

fn dump(log: &LogDir, from: Seq, left: &mut u64) -> anyhow::Result<()> {
    let (mut reader, recovery) = open_read_only(&log.path)?;
    if recovery.end < from {
        return Ok(());
    }
    reader.seek(from.max(recovery.first));
    while *left > 0
        && let Some((seq, record)) = reader.next()?
    {
        let read = wire::read(record).and_then(|view| Ok((view.body.to_fact()?, view)));
        match read {
            Ok((fact, view)) => print::line(format_args!(
                "{} {} {} {} {fact:?}",
                log.id, seq.0, view.received_at, view.station,
            ))?,
            Err(error) => print::line(format_args!(
                "{} {} unreadable: {error}: {}",
                log.id,
                seq.0,
                Hex(record)
            ))?,
        }
        *left -= 1;
    }
    Ok(())
}

/// Bytes as whoever mends a record reads them.
struct Hex<'a>(&'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
