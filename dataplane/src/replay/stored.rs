//! The stations of a server that is down.

use std::path::{Path, PathBuf};

use fleet::EventId;
use storage::log::{discover, open_read_only};
use storage::state::StateStore;

use super::{Replay, ReplayError, aside};
use crate::config::Plausibility;
use crate::router::view::StationView;
use crate::shard::station_view;
use crate::state::StationState;

/// Every station that somebody accepted or that waits for it, of all tenants, by key: what the state store holds, and
/// what the logs hold after it. None has a connection. Neither store nor logs are written.
///
/// The caller owns the data directory.
///
/// # Errors
///
/// As a start over the same directory.
pub fn stored_stations(
    store: &StateStore,
    data_dir: &Path,
    rules: Plausibility,
) -> Result<Vec<StationView>, ReplayError> {
    // Records that cannot be read are left for the start to put aside.
    let mut replay = Replay::load(store, rules, PathBuf::new())?;
    let of = |log, source| ReplayError::Log { log, source };
    let unknown = fleet::LogId(0);
    let mut logs = discover(data_dir).map_err(|source| of(unknown, source))?;
    // As at a start: a station's records may lie in a log of an earlier one with more shards, later ones in another.
    logs.reverse();
    for log in logs {
        let opened = open_read_only(&log.path);
        let (mut reader, _) = opened.map_err(|source| of(log.id, source))?;
        if let Some(position) = store.position(log.id) {
            reader.seek(fleet::Seq(position.0 + 1));
        }
        while let Some((seq, bytes)) = reader.next().map_err(|source| of(log.id, source))? {
            let read =
                fleet::wire::read(bytes).and_then(|record| Ok((record.station_key()?, record)));
            let (key, record) = match read {
                Ok(read) => read,
                Err(_) if aside::changes_no_state(bytes) => continue,
                Err(source) => {
                    let (file, offset) = reader.place();
                    return Err(ReplayError::Record {
                        log: log.id,
                        seq,
                        file,
                        offset,
                        source,
                    });
                }
            };
            let station = match replay.by_key.get(&key) {
                Some(station) => *station,
                None => replay.insert(StationState::new(key)),
            };
            let event = EventId {
                log_id: log.id,
                seq,
            };
            replay.stations[station as usize].apply(event, &record, &replay.rules);
        }
    }
    let known = replay.stations.iter().filter(|s| s.acceptance.is_some());
    let mut views: Vec<_> = known.map(station_view).collect();
    views.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(views)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fleet::record::{Acceptance, StationConfigured};
    use fleet::wire::Writer;
    use fleet::{StationKey, UtcMicros};
    use storage::disk::RealDisk;
    use storage::log::{Log, LogConfig, shard_dir};

    use super::*;

    #[test]
    fn what_the_log_holds_beyond_the_store_counts_and_nothing_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let config = LogConfig {
            segment_len: 8 << 20,
            ..LogConfig::default()
        };
        let path = shard_dir(dir.path(), 0);
        let (mut log, _) = Log::open(&path, config, Arc::new(RealDisk), || {}).unwrap();
        let mut writer = Writer::default();
        for (station, site) in [("default/CP2", "harbour"), ("other/CP1", "square")] {
            let station = StationKey::parse(station).unwrap();
            let fact = StationConfigured {
                site: site.to_owned(),
                acceptance: Acceptance::Accepted.code(),
                ..StationConfigured::default()
            };
            log.append_with(|out| {
                writer.write_fact(out, &station, UtcMicros(1), &fact.clone().into());
            })
            .unwrap();
        }
        log.shutdown().unwrap();
        let store = StateStore::open(&dir.path().join("state")).unwrap();

        for _ in 0..2 {
            let found = stored_stations(&store, dir.path(), Plausibility::default()).unwrap();
            let found: Vec<_> = found
                .iter()
                .map(|s| (s.key.as_str(), s.site.as_str(), s.online))
                .collect();
            assert_eq!(
                found,
                [
                    ("default/CP2", "harbour", false),
                    ("other/CP1", "square", false)
                ]
            );
            assert_eq!(
                store
                    .scan(storage::state::Table::Stations, b"", b"")
                    .count(),
                0
            );
        }
    }
}
