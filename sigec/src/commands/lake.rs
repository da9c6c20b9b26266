//! `sigec lake`: the files of the tables.

use super::{Holder, block_on, client, load};
use crate::cli::LakeCommand;
use crate::print;

pub(super) fn execute(command: LakeCommand) -> anyhow::Result<()> {
    match command {
        LakeCommand::Flush { sources, login } => match Holder::find(&load(&sources)?)? {
            Holder::Server(ready) => {
                let client = client(&ready, login)?;
                block_on(async move { Ok(client.flush_lake().await?) })?;
                print::line("every row is in a file")
            }
            Holder::Us(data_dir) => anyhow::bail!(
                "no server runs over {}: what its last stop left to the log becomes files at the next start",
                data_dir.path().display()
            ),
        },
    }
}
