//! `sigec station`: stations that are known before they come.

use std::fs;
use std::path::Path;

use anyhow::Context;
use sdk::{Client, ImportReport};

use super::{Holder, block_on, client, load};
use crate::cli::StationCommand;
use crate::{print, run};

pub(super) fn execute(command: StationCommand) -> anyhow::Result<()> {
    match command {
        StationCommand::Import {
            sources,
            login,
            file,
        } => {
            let csv = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            let config = load(&sources)?;
            let report = match Holder::find(&config)? {
                Holder::Server(ready) => block_on(import(client(&ready, login)?, csv))?,
                Holder::Us(data_dir) => {
                    drop(data_dir);
                    run::briefly(config, async |client| import(client, csv).await)?
                }
            };
            show(&file, &report)
        }
    }
}

async fn import(client: Client, csv: Vec<u8>) -> anyhow::Result<ImportReport> {
    Ok(client.import_devices(csv).await?)
}

/// What became of the lines; passwords that were made up are shown here and nowhere else.
fn show(file: &Path, report: &ImportReport) -> anyhow::Result<()> {
    for error in &report.errors {
        print::line(format_args!(
            "{}:{}: {}",
            file.display(),
            error.line,
            error.detail
        ))?;
    }
    for made_up in &report.passwords {
        print::line(format_args!("{},{}", made_up.id, made_up.password))?;
    }
    print::line(format_args!(
        "{} imported, {} refused",
        report.imported, report.failed
    ))?;
    anyhow::ensure!(report.failed == 0, "{} lines were refused", report.failed);
    Ok(())
}
