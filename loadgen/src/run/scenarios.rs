//! `loadgen scenarios` and `loadgen scenario`.

use std::process::ExitCode;

use anyhow::Context;
use loadgen::scenario::{self, PROFILES, Profile};

use super::print;
use crate::options::ScenarioCommand;

/// Lists what there is.
///
/// # Errors
///
/// Nobody listens.
pub(crate) fn scenarios() -> anyhow::Result<ExitCode> {
    for (name, description) in scenario::list()? {
        print(&format!("{name:<10} {description}\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows or checks one.
///
/// # Errors
///
/// There is none of this name, or the file is none.
pub(crate) fn scenario(command: &ScenarioCommand) -> anyhow::Result<ExitCode> {
    match command {
        ScenarioCommand::Show { name } => {
            let known = PROFILES.map(|(known, _)| known).join(", ");
            let profile = PROFILES.into_iter().find(|(known, _)| known == name);
            let (_, text) = profile
                .with_context(|| format!("{name:?} is no profile, expected one of {known}"))?;
            print(text)?;
        }
        ScenarioCommand::Check { file } => {
            let text = std::fs::read_to_string(file).with_context(|| format!("reading {file}"))?;
            let profile = Profile::parse(&text).with_context(|| format!("scenario {file}"))?;
            print(&format!("{file}: {}\n", profile.description))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
