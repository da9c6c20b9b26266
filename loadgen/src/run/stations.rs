//! What the options make of the stations, before there is a fleet of them.

use std::path::Path;

use anyhow::Context;
use loadgen::peer::Peer;
use loadgen::runner::Settings;
use loadgen::scenario::Role;
use loadgen::target::{self, Target};
use loadgen::truth::Writer;
use net::ws::DeflateOptions;
use ocpp::Version;

use super::tls;
use crate::options;

/// Descriptors that a process needs besides one for each station.
const FILES_BESIDES: u64 = 64;

/// The stations of this process.
pub(super) struct Stations {
    /// With their numbers in the whole fleet.
    pub(super) identities: Vec<(u32, String, Version)>,
    /// For the runner; without what a storm or a truth adds.
    pub(super) settings: Settings,
}

impl Stations {
    /// Takes those away that are no stations but peers that misbehave. Passwords and addresses of these come after those
    /// of the stations.
    pub(super) fn split_off(&mut self, role: impl Fn(u32) -> Role) -> Vec<Peer> {
        let is_peer = |number: u32| match role(number) {
            Role::Regular | Role::HalfOpen => false,
            Role::Slow | Role::Silent | Role::Malicious => true,
        };
        let numbers: Vec<u32> = self.identities.iter().map(|(number, ..)| *number).collect();
        sort(&mut self.settings.passwords, &numbers, is_peer);
        sort(&mut self.settings.sources, &numbers, is_peer);
        if self.settings.tls.len() == numbers.len() {
            sort(&mut self.settings.tls, &numbers, is_peer);
        }
        let identities = std::mem::take(&mut self.identities);
        let (peers, stations) = identities
            .into_iter()
            .partition(|(number, ..)| is_peer(*number));
        self.identities = stations;
        let peers: Vec<_> = peers;
        peers
            .into_iter()
            .map(|(number, name, version)| Peer::new(number, name, version, role(number)))
            .collect()
    }
}

/// Puts what belongs to peers behind what belongs to stations.
fn sort<T>(list: &mut Vec<T>, numbers: &[u32], is_peer: impl Fn(u32) -> bool) {
    let (peers, mut stations): (Vec<_>, Vec<_>) = std::mem::take(list)
        .into_iter()
        .zip(numbers)
        .partition(|(_, number)| is_peer(**number));
    stations.extend(peers);
    *list = stations.into_iter().map(|(thing, _)| thing).collect();
}

/// Reads who the stations are and where they connect to, and whether this machine has room for them.
///
/// `version` is of each station by its number.
pub(super) fn stations(
    options: &options::Stations,
    count: u32,
    version: impl Fn(u32) -> Version,
) -> anyhow::Result<Stations> {
    let memory_before = net::os::memory_own().unwrap_or(0);
    let target = Target::parse(&options.url)?;
    let given = options.source_addresses.as_ref();
    let sources = target::sources(given.map(|given| &given.0[..]), target.addr, count)?;
    let part = options.part.unwrap_or(options::Part {
        index: 0,
        of: options.processes,
    });
    let here = count.saturating_sub(part.index).div_ceil(part.of);
    let files = net::os::raise_nofile_limit().context("raising the limit of open files")?;
    if files < u64::from(here) + FILES_BESIDES {
        let processes = u64::from(count).div_ceil(files.saturating_sub(FILES_BESIDES).max(1));
        anyhow::bail!(
            "{here} stations in one process need as many sockets, its limit of open files is {files}; share them among \
             more processes with --processes {processes}, or raise the limit with `ulimit -n`"
        );
    }
    let (names, passwords) = names(options, count)?;
    let mine = |at: &u32| options.part.is_none() || at % part.of == part.index;
    let passwords = passwords.into_iter().zip(0..).filter(|(_, at)| mine(at));
    let here_names: Vec<String> = names
        .iter()
        .zip(0..)
        .filter(|(_, at)| mine(at))
        .map(|(name, _)| name.clone())
        .collect();
    let tls = tls::clients(options, target.tls_name.as_deref(), &here_names)?;
    let identities = names
        .into_iter()
        .zip(0..)
        .filter(|(_, at)| mine(at))
        .map(|(name, at)| (at, name, version(at)))
        .collect();
    let sources = match &sources[..] {
        [] => Vec::new(),
        sources => (0..here)
            .map(|at| sources[(at * part.of + part.index) as usize % sources.len()])
            .collect(),
    };
    Ok(Stations {
        identities,
        settings: Settings {
            target,
            passwords: passwords.map(|(password, _)| password).collect(),
            sources,
            tls,
            deflate: options.deflate.then(DeflateOptions::default),
            drain: options.drain,
            peers: Vec::new(),
            truth: None,
            step: std::time::Duration::from_secs(1),
            storm: None,
            memory_before,
            interrupted: std::sync::Arc::default(),
        },
    })
}

/// Begins the truth of this process, if there is to be one; each part of a run writes its own.
pub(super) fn truth(options: &options::Stations) -> anyhow::Result<Option<Writer>> {
    let Some(path) = &options.truth else {
        return Ok(None);
    };
    let mut name = path.as_os_str().to_owned();
    if let Some(part) = options.part {
        name.push(format!(".{}", part.index + 1));
    }
    Writer::create(Path::new(&name)).map(Some)
}

/// The identity of each station, and the passwords, if there are any.
fn names(options: &options::Stations, count: u32) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let (names, passwords): (Vec<String>, Vec<String>) = match &options.password_file {
        Some(path) => target::read_passwords(path, count)?.into_iter().unzip(),
        None => {
            let prefix = &options.station_prefix;
            (
                (1..=count).map(|n| format!("{prefix}{n:05}")).collect(),
                Vec::new(),
            )
        }
    };
    if let Some(name) = names
        .iter()
        .find(|name| name.is_empty() || 48 < name.chars().count())
    {
        anyhow::bail!("the identity {name:?} is no identity: expected 1 to 48 characters");
    }
    Ok((names, passwords))
}
