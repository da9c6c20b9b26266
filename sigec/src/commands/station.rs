//! `sigec station`: stations that are known before they come.

use std::fs;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::path::Path;

use anyhow::Context;
use sdk::{Client, ImportReport};

use super::{Holder, block_on, client, load};
use crate::cli::StationCommand;
use crate::{print, run};

/// Records of one request: few enough to show progress, many enough for a group commit to serve.
const RECORDS_PER_REQUEST: usize = 5_000;

pub(super) fn execute(command: StationCommand) -> anyhow::Result<()> {
    match command {
        StationCommand::Import {
            sources,
            login,
            file,
        } => {
            let csv = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            let config = load(&sources)?;
            match Holder::find(&config)? {
                Holder::Server(ready) => block_on(import(client(&ready, login)?, &file, &csv)),
                Holder::Us(data_dir) => {
                    drop(data_dir);
                    run::briefly(config, async |client| import(client, &file, &csv).await)
                }
            }
        }
    }
}

/// Sends the file in parts; what became of each is shown at once, because a password that was made up is shown here
/// and nowhere else.
async fn import(client: Client, file: &Path, csv: &[u8]) -> anyhow::Result<()> {
    let parts = split(csv);
    let records: usize = parts.iter().map(|part| part.records).sum();
    let mut total = ImportReport::default();
    let mut done = 0;
    for part in parts {
        show_progress(&format!("{done} of {records} stations"));
        let first_line = part.first_line;
        let report = client.import_devices(part.csv).await;
        show_progress("");
        let report = report.with_context(|| {
            format!(
                "{}: importing the lines from {first_line} on; import the file again, what is registered stays as it is",
                file.display()
            )
        })?;
        done += part.records;
        for error in &report.errors {
            let line = error.line + part.lines_left_out;
            print::line(format_args!("{}:{line}: {}", file.display(), error.detail))?;
        }
        for made_up in &report.passwords {
            print::line(format_args!("{},{}", made_up.id, made_up.password))?;
        }
        total.created += report.created;
        total.updated += report.updated;
        total.unchanged += report.unchanged;
        total.failed += report.failed;
    }
    print::line(format_args!(
        "{} created, {} updated, {} unchanged, {} refused",
        total.created, total.updated, total.unchanged, total.failed
    ))?;
    anyhow::ensure!(total.failed == 0, "{} lines were refused", total.failed);
    Ok(())
}

/// On a terminal, one line that is drawn anew and gone before others come; into a file or a pipe, nothing.
fn show_progress(text: &str) {
    if stderr().is_terminal() {
        // A terminal that is gone is no reason to stop.
        let _ = write!(stderr(), "\r\x1b[2K{text}");
    }
}

/// A file of its own, with the header of the whole.
struct Part {
    csv: Vec<u8>,
    records: usize,
    /// Where its first record stands in the whole file.
    first_line: u64,
    /// What a line number of the part lacks to be one of the whole file.
    lines_left_out: u64,
}

/// Cuts a file between records (which may hold line breaks in quotes); what is wrong with it is the server's to say.
fn split(csv: &[u8]) -> Vec<Part> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(csv);
    let starts: Vec<(usize, u64)> = reader
        .byte_records()
        .filter_map(|record| {
            let at = record.ok()?.position()?.clone();
            Some((usize::try_from(at.byte()).ok()?, at.line()))
        })
        .collect();
    let Some((&(header_end, header_lines_end), _)) = starts.get(1..).and_then(<[_]>::split_first)
    else {
        return vec![Part {
            csv: csv.to_vec(),
            records: 0,
            first_line: 1,
            lines_left_out: 0,
        }];
    };
    let records = &starts[1..];
    records
        .chunks(RECORDS_PER_REQUEST)
        .enumerate()
        .map(|(at, part)| {
            let (begin, first_line) = part[0];
            let end = records
                .get((at + 1) * RECORDS_PER_REQUEST)
                .map_or(csv.len(), |(begin, _)| *begin);
            Part {
                csv: [&csv[..header_end], &csv[begin..end]].concat(),
                records: part.len(),
                first_line,
                lines_left_out: first_line - header_lines_end,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_the_header_and_knows_its_lines() {
        let mut csv = "id,site\n\"CP0\",\"two\nlines\"\n".to_owned();
        for at in 1..=RECORDS_PER_REQUEST {
            csv += &format!("CP{at},x\n");
        }
        let parts = split(csv.as_bytes());
        let shown: Vec<_> = parts
            .iter()
            .map(|part| {
                let text = String::from_utf8(part.csv.clone()).unwrap();
                (
                    part.records,
                    part.first_line,
                    part.lines_left_out,
                    text.lines().count(),
                )
            })
            .collect();
        // The first record takes two lines.
        let n = RECORDS_PER_REQUEST as u64;
        assert_eq!(shown, [(5_000, 2, 0, 5_002), (1, n + 3, n + 1, 2)]);
        assert_eq!(parts[1].csv, b"id,site\nCP5000,x\n");
    }

    #[test]
    fn a_file_without_records_is_sent_as_it_is() {
        for csv in ["", "id\n", "id,site"] {
            let parts = split(csv.as_bytes());
            assert_eq!(parts.len(), 1, "{csv:?}");
            assert_eq!(parts[0].csv, csv.as_bytes());
        }
    }
}
