//! `sigec admin`: the way back in for someone who owns the data directory.

use control_api::Principals;
use storage::state::StateStore;

use super::{load, stopped_server};
use crate::cli::AdminCommand;
use crate::print;
use crate::run::state_dir;

pub(super) fn execute(command: AdminCommand) -> anyhow::Result<()> {
    match command {
        AdminCommand::ResetToken { sources } => {
            let data_dir = stopped_server(&load(&sources)?)?;
            let store = StateStore::open(&state_dir(data_dir.path()))?;
            print::line(Principals::open(store)?.reset_admin_token()?)
        }
    }
}
