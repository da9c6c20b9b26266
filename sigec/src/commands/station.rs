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
            renew_unused,
            file,
        } => {
            let csv = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            let config = load(&sources)?;
            match Holder::find(&config)? {
                Holder::Server(ready) => {
                    block_on(import(client(&ready, login)?, &file, &csv, renew_unused))
                }
                Holder::Us(data_dir) => {
                    drop(data_dir);
                    run::briefly(config, async |client| {
                        import(client, &file, &csv, renew_unused).await
                    })
                }
            }
        }
    }
}

/// Sends the file in parts; what became of each is shown at once, because a password that was made up is shown here
/// and nowhere else. Ends with the first part that the server could not finish.
async fn import(client: Client, file: &Path, csv: &[u8], renew_unused: bool) -> anyhow::Result<()> {
    let parts = split(csv);
    let records: usize = parts.iter().map(|part| part.records).sum();
    let mut total = ImportReport::default();
    let mut broken_off = None;
    let mut done = 0;
    for part in parts {
        show_progress(&format!("{done} of {records} stations"));
        let first_line = part.first_line;
        let report = if renew_unused {
            client.import_devices_renewing(part.csv).await
        } else {
            client.import_devices(part.csv).await
        };
        show_progress("");
        let report = match report {
            Ok(report) => report,
            Err(error) => {
                broken_off = Some((first_line, error.into()));
                break;
            }
        };
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
        if let Some(reason) = report.interrupted {
            broken_off = Some((first_line, anyhow::Error::msg(reason)));
            break;
        }
    }
    print::line(format_args!(
        "{} created, {} updated, {} unchanged, {} refused",
        total.created, total.updated, total.unchanged, total.failed
    ))?;
    if let Some((first_line, reason)) = broken_off {
        return Err(reason.context(format!(
            "{}: the lines from {first_line} on were not all imported; import the file again, what is registered stays as it is",
            file.display()
        )));
    }
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
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::net::{SocketAddr, TcpListener};
    use std::thread::JoinHandle;

    use super::*;

    /// A server that answers one request and then is gone; gives back the file that it was sent.
    fn once(answer: ImportReport) -> (SocketAddr, JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            drop(listener);
            let mut request = BufReader::new(socket.try_clone().unwrap());
            let mut file = Vec::new();
            loop {
                let mut line = String::new();
                request.read_line(&mut line).unwrap();
                let line = line.to_ascii_lowercase();
                if let Some(len) = line.strip_prefix("content-length: ") {
                    file.resize(len.trim().parse().unwrap(), 0);
                }
                if line == "\r\n" {
                    break;
                }
            }
            request.read_exact(&mut file).unwrap();
            let body = serde_json::to_string(&answer).unwrap();
            let len = body.len();
            write!(socket, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len}\r\nconnection: close\r\n\r\n{body}").unwrap();
            file
        });
        (address, thread)
    }

    #[test]
    fn an_import_that_broke_off_ends_there_and_is_no_success() {
        let mut csv = "id\n".to_owned();
        for at in 0..=RECORDS_PER_REQUEST {
            csv += &format!("CP{at}\n");
        }
        let check = |interrupted: Option<&str>, expected: &str| {
            let (address, server) = once(ImportReport {
                interrupted: interrupted.map(str::to_owned),
                ..ImportReport::default()
            });
            let client = Client::new(&format!("http://{address}"), "a-token-of-the-test").unwrap();
            let imported = block_on(import(
                client,
                Path::new("stations.csv"),
                csv.as_bytes(),
                false,
            ));
            let error = format!("{:#}", imported.unwrap_err());
            assert!(error.starts_with(expected), "{error}");
            let file = server.join().unwrap();
            assert!(file.ends_with(b"\nCP4999\n"));
        };
        check(
            Some("the disk hangs"),
            "stations.csv: the lines from 2 on were not all imported; import the file again, what is registered \
             stays as it is: the disk hangs",
        );
        // The server is gone before the second part.
        check(
            None,
            "stations.csv: the lines from 5002 on were not all imported; ",
        );
    }

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
