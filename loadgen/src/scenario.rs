//! How the stations of a fleet spend their time: three ways that scale with the meter interval, and profiles from TOML.

mod profile;
mod written;

use std::path::Path;

use anyhow::Context;

pub use profile::{Faults, Outages, Profile, Role, Run, Shares, Vehicle};
pub use written::ProfileError;

/// How the stations spend their time.
#[derive(Clone, Debug, PartialEq)]
pub enum Scenario {
    /// Vehicles come and go: they wait 0.5 to 4 meter intervals, then charge for 3 to 12.
    Default,
    /// Boot, report every connector, then only heartbeats.
    Idle,
    /// As default, but each connector serves one vehicle and then rests.
    Once,
    /// As a profile says.
    Profile(Box<Profile>),
}

/// The profiles that are part of the program: name and TOML.
pub const PROFILES: [(&str, &str); 4] = [
    ("apartment", include_str!("../scenarios/apartment.toml")),
    ("depot", include_str!("../scenarios/depot.toml")),
    ("highway", include_str!("../scenarios/highway.toml")),
    ("office", include_str!("../scenarios/office.toml")),
];

/// Those that are no profiles: name and what they are.
const SIMPLE: [(&str, &str, Scenario); 3] = [
    (
        "default",
        "Vehicles come and go: they wait 0.5 to 4 meter intervals, then charge for 3 to 12",
        Scenario::Default,
    ),
    (
        "idle",
        "Boot, report every connector, then only heartbeats",
        Scenario::Idle,
    ),
    (
        "once",
        "As default, but each connector serves one vehicle and then rests",
        Scenario::Once,
    ),
];

impl Scenario {
    /// The scenario of this name, else the profile in the file of this path.
    ///
    /// # Errors
    ///
    /// There is neither, or the file is no profile; the message says what is wrong in it, or what names there are.
    pub fn load(name: &str) -> anyhow::Result<Scenario> {
        if let Some((.., scenario)) = SIMPLE.into_iter().find(|(known, ..)| *known == name) {
            return Ok(scenario);
        }
        let built_in = PROFILES.into_iter().find(|(known, _)| *known == name);
        let text = match built_in {
            Some((_, text)) => text.to_owned(),
            None => std::fs::read_to_string(Path::new(name)).with_context(|| {
                format!(
                    "{name:?} is neither a scenario ({}) nor a file that can be read",
                    names().join(", ")
                )
            })?,
        };
        let profile = Profile::parse(&text).with_context(|| format!("scenario {name}"))?;
        Ok(Scenario::Profile(Box::new(profile)))
    }

    /// The profile, if it is one.
    pub fn profile(&self) -> Option<&Profile> {
        match self {
            Scenario::Profile(profile) => Some(profile),
            Scenario::Default | Scenario::Idle | Scenario::Once => None,
        }
    }
}

/// The names of all scenarios of the program.
fn names() -> Vec<&'static str> {
    let simple = SIMPLE.iter().map(|(name, ..)| *name);
    simple.chain(PROFILES.map(|(name, _)| name)).collect()
}

/// Name and description of every scenario of the program.
///
/// # Errors
///
/// A profile is none, which a test excludes.
pub fn list() -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut list: Vec<_> = SIMPLE
        .iter()
        .map(|(name, description, _)| (*name, (*description).to_owned()))
        .collect();
    for (name, text) in PROFILES {
        list.push((name, Profile::parse(text)?.description));
    }
    Ok(list)
}

#[cfg(test)]
mod tests;
