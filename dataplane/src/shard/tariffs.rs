//! Tariffs of stations (2.1 I07, I09, I10): what they were sent and took, and what they name.
//!
//! A station alone knows what it has; here stands what its answers say. One record holds all of it, and one row the newest
//! of these.

use std::collections::BTreeSet;

use fleet::record::{CommandChanged, CommandState, StationTariff, StationTariffs};
use fleet::wire::Fact;
use ocpp::{MeterColumns, Policy, Rules, Word, v21};
use storage::state::Table;

use super::projection::{read_record_row, tariffs_key};
use super::store::StoreUnreadable;
use super::{Now, Shard};

/// Tariffs that are kept of a station; the oldest go.
const KEPT_MAX: usize = 256;
const DEFAULT: &str = "DefaultTariff";

impl Shard {
    /// A station's tariffs, as far as they are known: without those whose place another one has taken in the meantime.
    pub(super) fn station_tariffs(
        &mut self,
        now: Now,
        station: u32,
    ) -> Result<StationTariffs, StoreUnreadable> {
        let mut known = self.kept_tariffs(station)?;
        displace(&mut known.tariffs, now.utc.0);
        Ok(known)
    }

    fn kept_tariffs(&mut self, station: u32) -> Result<StationTariffs, StoreUnreadable> {
        let station = self.stations[station].state.key.as_str();
        let key = tariffs_key(&mut self.scratch.canonical, station);
        let row = self.row(Table::Money, key)?;
        let read = |row: &[u8]| match read_record_row(row)?.1.body.to_fact().ok()? {
            Fact::StationTariffs(tariffs) => Some(tariffs),
            _ => None,
        };
        Ok(row.as_deref().and_then(read).unwrap_or_default())
    }

    /// A command has ended: it may tell which tariffs the station has.
    pub(super) fn note_tariffs(&mut self, now: Now, station: u32, command: &CommandChanged) {
        let is_about = matches!(
            command.action.as_str(),
            "SetDefaultTariff" | "GetTariffs" | "ClearTariffs"
        );
        if !is_about || command.state != CommandState::Answered.code() {
            return;
        }
        // A store that cannot be read is counted; the command itself tells what the station said.
        let Ok(mut known) = self.station_tariffs(now, station) else {
            return;
        };
        let before = known.clone();
        let (rules, _) = self.rules(station);
        if told(&mut known.tariffs, command, rules, now.utc.0).is_some() && known != before {
            let over = known.tariffs.len().saturating_sub(KEPT_MAX);
            known.tariffs.drain(..over);
            self.record(now, station, &known);
        }
    }

    /// A station is no more, and has no tariffs.
    pub(super) fn forget_tariffs(&mut self, now: Now, station: u32) {
        let known = self.kept_tariffs(station);
        if known.is_ok_and(|known| !known.tariffs.is_empty()) {
            self.record(now, station, &StationTariffs::default());
        }
    }
}

/// What an answer changes; `None` for one that cannot be read by the station's `rules`.
fn told(
    known: &mut Vec<StationTariff>,
    command: &CommandChanged,
    rules: Rules<'_>,
    now: i64,
) -> Option<()> {
    let (mut asked, mut answered) = (MeterColumns::new(), MeterColumns::new());
    let (action, ours) = (&command.action, Policy::Tolerant);
    let asked = v21::Command::decode(action, &command.payload, ours, &mut asked).ok()?;
    let answered =
        v21::CommandResponse::decode(action, &command.result, rules, &mut answered).ok()?;
    match (&asked.message, &answered.message) {
        (v21::Command::SetDefaultTariff(set), v21::CommandResponse::SetDefaultTariff(answer)) => {
            if answer.status == v21::TariffSetStatus::Accepted {
                taken(known, set, now);
            }
        }
        (v21::Command::GetTariffs(get), v21::CommandResponse::GetTariffs(answer)) => {
            match answer.status {
                v21::TariffGetStatus::Accepted => {
                    let named = answer
                        .tariff_assignments
                        .iter()
                        .flat_map(|list| list.iter());
                    let named: Vec<_> = named.map(|told| assigned(known, told, now)).collect();
                    leave(known, get.evse_id, |_| true);
                    for tariff in named {
                        join(known, tariff);
                    }
                }
                v21::TariffGetStatus::NoTariff => leave(known, get.evse_id, |_| true),
                v21::TariffGetStatus::Rejected => {}
            }
        }
        (v21::Command::ClearTariffs(clear), v21::CommandResponse::ClearTariffs(answer)) => {
            let results = answer.clear_tariffs_result.iter();
            let gone: BTreeSet<&str> = results
                .filter(|result| result.status != v21::TariffClearStatus::Rejected)
                .filter_map(|result| result.tariff_id.as_deref())
                .collect();
            // One that names no tariff says that there was none to clear (I10.FR.06).
            let has_none = answer.clear_tariffs_result.iter().any(|result| {
                result.status == v21::TariffClearStatus::NoTariff && result.tariff_id.is_none()
            });
            let is_asked = |id: &str| {
                let mut ids = clear.tariff_ids.iter().flat_map(|ids| ids.iter());
                clear.tariff_ids.is_none() || ids.any(|asked| **asked == *id)
            };
            let evse_id = clear.evse_id.unwrap_or(0);
            leave(known, evse_id, |tariff| {
                let id = tariff.tariff_id.as_str();
                tariff.kind == DEFAULT && (gone.contains(id) || (has_none && is_asked(id)))
            });
        }
        _ => return None,
    }
    Some(())
}

/// A default tariff was taken. One that holds at once takes the place of those there (I07.FR.22).
fn taken(known: &mut Vec<StationTariff>, set: &v21::SetDefaultTariff<'_>, now: i64) {
    let valid_from = set.tariff.valid_from.as_ref().map(|at| at.utc_micros);
    if valid_from.is_none_or(|from| from <= now) {
        leave(known, set.evse_id, |tariff| {
            tariff.kind == DEFAULT && tariff.valid_from.is_none_or(|from| from <= now)
        });
    }
    let tariff = StationTariff {
        tariff_id: set.tariff.tariff_id.to_string(),
        kind: DEFAULT.to_owned(),
        evse_ids: vec![set.evse_id],
        id_tokens: 0,
        valid_from,
        known_since: now,
        reported_at: None,
    };
    join(known, tariff);
}

/// A default tariff whose time has come since its station last told of the others takes the place of those at its EVSE that
/// are no newer (I07.FR.20, I07.FR.21).
fn displace(known: &mut Vec<StationTariff>, now: i64) {
    let mut begun: Vec<_> = known
        .iter()
        .filter(|tariff| tariff.kind == DEFAULT)
        .filter_map(|tariff| Some((tariff.valid_from.filter(|from| *from <= now)?, tariff)))
        .map(|(from, tariff)| (from, tariff.tariff_id.clone(), tariff.evse_ids.clone()))
        .collect();
    // In the order of their beginnings; of two that begin together the one that came later.
    begun.sort_by_key(|(from, ..)| *from);
    for (at, (from, id, evse_ids)) in begun.iter().enumerate() {
        let is_later = |other: &str| begun[at..].iter().any(|(_, later, _)| *later == *other);
        let goes = |tariff: &StationTariff| {
            let told_at = tariff.reported_at.unwrap_or(tariff.known_since);
            tariff.kind == DEFAULT
                && tariff.tariff_id != *id
                && told_at < *from
                && match tariff.valid_from {
                    None => true,
                    Some(_) => !is_later(&tariff.tariff_id) && tariff.valid_from <= Some(*from),
                }
        };
        for evse_id in evse_ids {
            leave(known, *evse_id, goes);
        }
    }
}

/// A tariff as the station names it.
fn assigned(known: &[StationTariff], told: &v21::TariffAssignment<'_>, now: i64) -> StationTariff {
    let kind = told.tariff_kind.as_str();
    let same = |tariff: &&StationTariff| tariff.tariff_id == *told.tariff_id && tariff.kind == kind;
    StationTariff {
        tariff_id: told.tariff_id.to_string(),
        kind: kind.to_owned(),
        evse_ids: told
            .evse_ids
            .as_ref()
            .map_or_else(Vec::new, |ids| ids.to_vec()),
        id_tokens: told
            .id_tokens
            .as_ref()
            .map_or(0, |tokens| tokens.len() as u32),
        valid_from: told.valid_from.as_ref().map(|at| at.utc_micros),
        known_since: known
            .iter()
            .find(same)
            .map_or(now, |tariff| tariff.known_since),
        reported_at: Some(now),
    }
}

/// Takes away those that `goes` names from an EVSE; from every one if it is 0.
fn leave(known: &mut Vec<StationTariff>, evse_id: u32, goes: impl Fn(&StationTariff) -> bool) {
    known.retain_mut(|tariff| {
        if !goes(tariff) {
            return true;
        }
        if evse_id == 0 {
            return false;
        }
        // One on every EVSE stays on the others, whose numbers nobody here knows.
        let was_there = tariff.evse_ids.contains(&evse_id);
        tariff.evse_ids.retain(|id| *id != evse_id);
        !was_there || !tariff.evse_ids.is_empty()
    });
}

fn join(known: &mut Vec<StationTariff>, tariff: StationTariff) {
    let same = |other: &&mut StationTariff| {
        (&other.tariff_id, &other.kind) == (&tariff.tariff_id, &tariff.kind)
    };
    match known.iter_mut().find(same) {
        Some(other) => {
            other.evse_ids.extend(&tariff.evse_ids);
            other.evse_ids.sort_unstable();
            other.evse_ids.dedup();
            other.valid_from = tariff.valid_from;
            other.reported_at = tariff.reported_at.or(other.reported_at);
            other.id_tokens = other.id_tokens.max(tariff.id_tokens);
        }
        None => known.push(tariff),
    }
}
