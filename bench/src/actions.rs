//! A realistic message of every action that a station may say, in each version.

use ocpp::{Version, v16, v21, v201};

use crate::frames;

/// Payloads by action, a line each. What 2.1 spells as 2.0.1 does stands in the file of 2.0.1 alone.
const V16: &str = include_str!("../frames/v16.txt");
const V201: &str = include_str!("../frames/v201.txt");
const V21: &str = include_str!("../frames/v21.txt");

/// Actions and messages, in the order of the names.
pub fn of(version: Version) -> Vec<(&'static str, String)> {
    let mut actions = match version {
        Version::V16 => v16::Request::ACTIONS.to_vec(),
        Version::V201 => v201::Request::ACTIONS.to_vec(),
        Version::V21 => [v21::Request::ACTIONS, v21::Send::ACTIONS].concat(),
    };
    actions.sort_unstable();
    let message = |action: &'static str| {
        let payload = payload(version, action)?;
        let is_send = version == Version::V21 && v21::Send::ACTIONS.contains(&action);
        let kind = if is_send { 6 } else { 2 };
        let id = frames::id(0);
        Some((action, format!("[{kind},\"{id}\",\"{action}\",{payload}]")))
    };
    actions.into_iter().filter_map(message).collect()
}

fn payload(version: Version, action: &str) -> Option<&'static str> {
    let files: &[&str] = match version {
        Version::V16 => &[V16],
        Version::V201 => &[V201],
        Version::V21 => &[V21, V201],
    };
    let lines = files.iter().flat_map(|file| file.lines());
    let mut pairs = lines.filter_map(|line| line.split_once(' '));
    pairs.find(|(name, _)| *name == action).map(|found| found.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_of_a_station_has_a_message() {
        let counts = Version::ALL.map(|version| of(version).len());
        assert_eq!(counts, [14, 25, 37]);
    }
}
