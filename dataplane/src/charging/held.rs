//! What is kept of a station's smart charging, and what each message does to it.
//!
//! The record holds every profile as it was written; the set of them, read, is made anew for each change. Both say the
//! same: a profile that leaves the set leaves the record.

use std::collections::BTreeMap;

use fleet::UtcMicros;
use fleet::record::{
    ChargingChanged, ChargingLimitHeld, ChargingProfileHeld, ChargingSource, Protocol,
    VehicleCharging,
};
use serde_json::value::RawValue;

use super::clear::ClearCriteria;
use super::profile::{Kind, Profile, ProfileId, Purpose};
use super::read::{read_profile, read_update};
use super::set::{Installed, ProfileSet};
use super::station::Edition;

/// Most limits, and most vehicles, of one station.
const OTHERS_MAX: usize = 64;
/// Bytes of a profile in a record beside its JSON, at most.
const HEAD_LEN: usize = 256;
/// Ids of the profiles that limits become which came without one begin here and grow; a station's own lie above.
const LIMIT_ID_MIN: i32 = i32::MIN;

/// Smart charging of one station.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Held {
    pub(crate) record: ChargingChanged,
}

/// A profile that a station has.
pub(crate) struct Arrival<'a> {
    /// Where it was sent.
    pub(crate) evse_id: u32,
    /// As it was written.
    pub(crate) json: &'a str,
    pub(crate) source: ChargingSource,
    /// Empty for one of ours.
    pub(crate) limit_source: &'a str,
    pub(crate) command_id: Option<[u8; 16]>,
    /// The remote start whose transaction it is for.
    pub(crate) waits_for: Option<i64>,
}

/// Which profiles a report was asked to tell; what is left out asks for all.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Asked {
    pub(crate) evse_id: Option<u32>,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) stack_level: Option<u32>,
    pub(crate) ids: Option<Vec<i64>>,
    pub(crate) sources: Option<Vec<String>>,
}

/// The version that a protocol speaks.
pub(crate) fn edition(protocol: Protocol) -> Edition {
    match protocol {
        Protocol::Ocpp16 => Edition::V16,
        Protocol::Ocpp201 => Edition::V201,
        Protocol::Ocpp21 => Edition::V21,
    }
}

/// The members of a JSON object, each as it was written; none for what is no object.
pub(crate) fn members(json: &str) -> BTreeMap<String, &RawValue> {
    serde_json::from_str(json).unwrap_or_default()
}

impl Held {
    /// True when nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        let record = &self.record;
        record.profiles.is_empty()
            && record.limits.is_empty()
            && record.vehicles.is_empty()
            && !record.is_partial
    }

    /// The profiles in force, with those that limits come to. Without those that wait for their transaction.
    pub(crate) fn set(&self, edition: Edition) -> ProfileSet {
        let mut set = self.own(edition);
        let mut ids = LIMIT_ID_MIN..;
        for limit in &self.record.limits {
            let limiting: Vec<_> = limit_profiles(limit, &mut ids).collect();
            // A limit without schedules does not say what holds instead.
            if limiting.is_empty() {
                continue;
            }
            let told = self.told_of(limit);
            let newest = told
                .iter()
                .map(|held| held.confirmed_at.max(held.updated_at));
            if newest.max().is_some_and(|told_at| limit.at <= told_at) {
                continue;
            }
            for held in told {
                set.drop_replaced(ProfileId(held.id));
            }
            for profile in limiting {
                // One that does not fit in limits less than it should; the record has it all the same.
                let _ = set.install(edition, limit.evse_id, profile, UtcMicros(limit.at));
            }
        }
        set
    }

    /// The profiles that a station has reported of a limit: of its source, where it holds, and for its purpose.
    fn told_of(&self, limit: &ChargingLimitHeld) -> Vec<&ChargingProfileHeld> {
        let is_of = |held: &&ChargingProfileHeld| {
            (&held.limit_source, held.evse_id) == (&limit.source, limit.evse_id)
                && read_held(held).is_some_and(|profile| profile.purpose == purpose(limit))
        };
        self.record.profiles.iter().filter(is_of).collect()
    }

    /// The profiles in force.
    fn own(&self, edition: Edition) -> ProfileSet {
        let mut set = ProfileSet::new();
        for held in &self.record.profiles {
            if held.waits_for.is_some() {
                continue;
            }
            if let Some(profile) = read_held(held) {
                let at = UtcMicros(held.installed_at);
                // A station that changed its version keeps what it has; what it keeps fitted when it came.
                if set.install(edition, held.evse_id, profile, at).is_ok() && held.is_void {
                    set.avoid(ProfileId(held.id));
                }
            }
        }
        set
    }

    /// Takes a profile that the station has; what it replaces goes. One that `room` bytes of profiles do not hold, or
    /// that cannot be read, is left out, and the record says so.
    pub(crate) fn install(
        &mut self,
        protocol: Protocol,
        at: UtcMicros,
        arrival: &Arrival<'_>,
        room: usize,
    ) {
        let edition = edition(protocol);
        let Ok(profile) = read_profile(edition, arrival.json) else {
            self.record.is_partial = true;
            return;
        };
        let id = profile.id;
        let before = self.record.profiles.iter().find(|held| held.id == id.0);
        let is_same = before.is_some_and(|held| {
            held.evse_id == arrival.evse_id
                && held.waits_for.is_none()
                && read_held(held).as_ref() == Some(&given_to(profile.clone(), held))
        });
        if arrival.source == ChargingSource::Report && is_same {
            // The station has what it took from us, in its own spelling.
            for held in self
                .record
                .profiles
                .iter_mut()
                .filter(|held| held.id == id.0)
            {
                held.confirmed_at = at.0;
                arrival.limit_source.clone_into(&mut held.limit_source);
            }
            return;
        }
        let mut gone = vec![id];
        if arrival.waits_for.is_none() {
            let installed = self
                .own(edition)
                .install(edition, arrival.evse_id, profile, at);
            match installed {
                Ok(replaced) => gone.extend(replaced),
                Err(_) => {
                    self.record.is_partial = true;
                    return;
                }
            }
        }
        self.remove(&gone);
        let kept: usize = (self.record.profiles.iter())
            .map(|held| held.profile.len() + HEAD_LEN)
            .sum();
        if room < kept + arrival.json.len() + HEAD_LEN {
            self.record.is_partial = true;
            return;
        }
        let held = ChargingProfileHeld {
            id: id.0,
            evse_id: arrival.evse_id,
            protocol: protocol.code(),
            source: arrival.source.code(),
            limit_source: arrival.limit_source.to_owned(),
            command_id: arrival.command_id,
            installed_at: at.0,
            confirmed_at: at.0,
            waits_for: arrival.waits_for,
            ocpp_transaction_id: String::new(),
            is_void: false,
            update: String::new(),
            updated_at: 0,
            profile: arrival.json.to_owned(),
        };
        let profiles = &mut self.record.profiles;
        let place = profiles.partition_point(|other| other.id < held.id);
        profiles.insert(place, held);
        self.record.installed.push(id.0);
        self.record.removed.retain(|gone| *gone != id.0);
    }

    /// Drops what a station clears that is asked to.
    pub(crate) fn clear(&mut self, edition: Edition, criteria: &ClearCriteria) {
        let gone = self.own(edition).clear(edition, criteria);
        self.remove(&gone);
    }

    /// A transaction has begun: profiles that came with its remote start are its own. `starts` are those that it may have
    /// come of.
    pub(crate) fn transaction_began(
        &mut self,
        evse_id: u32,
        ocpp_transaction_id: &str,
        starts: &[i64],
    ) {
        let waits = |held: &ChargingProfileHeld| {
            held.waits_for
                .filter(|_| held.evse_id == 0 || held.evse_id == evse_id)
        };
        let is_its = |start: i64| starts.contains(&start);
        for held in &mut self.record.profiles {
            if waits(held).is_some_and(is_its) {
                held.waits_for = None;
                held.evse_id = evse_id;
                ocpp_transaction_id.clone_into(&mut held.ocpp_transaction_id);
            }
        }
        // Whoever plugged in here instead took the place of the start that was waited for.
        let missed = |held: &&ChargingProfileHeld| {
            held.evse_id == evse_id && evse_id != 0 && held.waits_for.is_some()
        };
        let missed: Vec<_> = (self.record.profiles.iter().filter(missed))
            .map(|held| ProfileId(held.id))
            .collect();
        self.remove(&missed);
    }

    /// A transaction has ended: its profiles go, and what its vehicle told.
    pub(crate) fn transaction_ended(
        &mut self,
        edition: Edition,
        evse_id: u32,
        ocpp_transaction_id: &str,
    ) {
        let gone = self
            .own(edition)
            .transaction_ended(evse_id, ocpp_transaction_id);
        self.remove(&gone);
        self.record
            .vehicles
            .retain(|vehicle| match vehicle.ocpp_transaction_id.as_str() {
                "" => vehicle.evse_id != evse_id,
                named => named != ocpp_transaction_id,
            });
    }

    /// A report is whole that began at `since`: what it ought to have named and did not is gone.
    pub(crate) fn reported(&mut self, asked: &Asked, since: UtcMicros) {
        let unnamed = |held: &&ChargingProfileHeld| {
            held.confirmed_at < since.0 && held.waits_for.is_none() && asked.asks_for(held)
        };
        let gone: Vec<_> = (self.record.profiles.iter().filter(unnamed))
            .map(|held| ProfileId(held.id))
            .collect();
        self.remove(&gone);
    }

    /// New rates for a dynamic profile; `false` where the station has none of this id.
    pub(crate) fn update(&mut self, id: ProfileId, update: &str, at: UtcMicros) -> bool {
        let found = self.record.profiles.iter_mut().find(|held| held.id == id.0);
        let Some(held) = found
            .filter(|held| read_held(held).is_some_and(|profile| profile.kind == Kind::Dynamic))
        else {
            return false;
        };
        let mut merged: serde_json::Map<_, _> =
            serde_json::from_str(&held.update).unwrap_or_default();
        let newer: serde_json::Map<_, _> = serde_json::from_str(update).unwrap_or_default();
        merged.extend(newer);
        held.update = serde_json::Value::Object(merged).to_string();
        held.updated_at = at.0;
        true
    }

    /// True for a dynamic profile that holds only so long behind its newest rates (K28.FR.13).
    pub(crate) fn runs_out(&self, id: ProfileId) -> bool {
        let held = self.record.profiles.iter().find(|held| held.id == id.0);
        held.and_then(read_held).is_some_and(|profile| {
            let mut schedules = profile.schedules.iter();
            profile.kind == Kind::Dynamic && schedules.any(|schedule| schedule.duration_s.is_some())
        })
    }

    /// What a station that pulls is told of a dynamic profile: what the profile began with, and over it what updates have
    /// changed. `None` where it has none of this id (K28.FR.12).
    pub(crate) fn pulled(&self, id: ProfileId) -> Option<String> {
        let held = self.record.profiles.iter().find(|held| held.id == id.0)?;
        if read_held(held)?.kind != Kind::Dynamic {
            return None;
        }
        const MEMBERS: [&str; 12] = [
            "limit",
            "limit_L2",
            "limit_L3",
            "dischargeLimit",
            "dischargeLimit_L2",
            "dischargeLimit_L3",
            "setpoint",
            "setpoint_L2",
            "setpoint_L3",
            "setpointReactive",
            "setpointReactive_L2",
            "setpointReactive_L3",
        ];
        let mut profile: serde_json::Value = serde_json::from_str(&held.profile).ok()?;
        let period = profile.pointer_mut("/chargingSchedule/0/chargingSchedulePeriod/0")?;
        let period = period.as_object_mut()?;
        period.retain(|name, _| MEMBERS.contains(&name.as_str()));
        let updated: serde_json::Map<_, _> = serde_json::from_str(&held.update).unwrap_or_default();
        period.extend(updated);
        Some(serde_json::Value::Object(std::mem::take(period)).to_string())
    }

    /// An external limit; it stands instead of the one its source gave before, and what is generated instead of what was
    /// (K27.FR.05).
    pub(crate) fn limit(&mut self, limit: ChargingLimitHeld) {
        let limits = &mut self.record.limits;
        let key = |limit: &ChargingLimitHeld| (limit.evse_id, purpose(limit));
        limits.retain(|old| old.source != limit.source || key(old) != key(&limit));
        if limits.len() == OTHERS_MAX {
            self.record.is_partial = true;
        } else {
            limits.push(limit);
        }
    }

    /// An external limit is over, and what was generated on top with it; without an EVSE, everywhere (K13).
    pub(crate) fn limit_cleared(&mut self, source: &str, evse_id: Option<u32>) {
        let is_over =
            |from: &str, at: u32| from == source && evse_id.is_none_or(|evse_id| evse_id == at);
        (self.record.limits).retain(|limit| !is_over(&limit.source, limit.evse_id));
        let is_external = |held: &ChargingProfileHeld| {
            read_held(held).is_some_and(|profile| match profile.purpose {
                Purpose::ChargingStationExternalConstraints | Purpose::LocalGeneration => true,
                Purpose::ChargingStationMaxProfile
                | Purpose::TxDefaultProfile
                | Purpose::TxProfile
                | Purpose::PriorityCharging => false,
            })
        };
        let gone: Vec<_> = (self.record.profiles.iter())
            .filter(|held| is_over(&held.limit_source, held.evse_id) && is_external(held))
            .map(|held| ProfileId(held.id))
            .collect();
        self.remove(&gone);
    }

    /// Leaves out what `room` bytes do not hold of updates, limits and what vehicles told, the newest first.
    pub(crate) fn fit(&mut self, room: usize) {
        let record = &mut self.record;
        let vehicles = record.vehicles.iter_mut().rev();
        let texts = (record.profiles.iter_mut().map(|held| &mut held.update))
            .chain(
                record
                    .limits
                    .iter_mut()
                    .rev()
                    .map(|limit| &mut limit.schedules),
            )
            .chain(vehicles.flat_map(|vehicle| [&mut vehicle.schedule, &mut vehicle.needs]));
        let mut room = room;
        for text in texts {
            match room.checked_sub(text.len()) {
                Some(left) => room = left,
                None => {
                    text.clear();
                    record.is_partial = true;
                }
            }
        }
    }

    /// The vehicle of a transaction, or at an EVSE; `None` when there are too many.
    pub(crate) fn vehicle(
        &mut self,
        evse_id: u32,
        ocpp_transaction_id: &str,
    ) -> Option<&mut VehicleCharging> {
        let vehicles = &mut self.record.vehicles;
        let at = vehicles.iter().position(|vehicle| {
            vehicle.evse_id == evse_id && vehicle.ocpp_transaction_id == ocpp_transaction_id
        });
        let at = match at {
            Some(at) => at,
            None if vehicles.len() == OTHERS_MAX => return None,
            None => {
                // Whatever stood here before has left.
                vehicles.retain(|vehicle| vehicle.evse_id != evse_id);
                vehicles.push(VehicleCharging {
                    evse_id,
                    ocpp_transaction_id: ocpp_transaction_id.to_owned(),
                    ..VehicleCharging::default()
                });
                vehicles.len() - 1
            }
        };
        vehicles.get_mut(at)
    }

    /// Which of the schedules that its profile offers a vehicle follows, from 0 (K15.FR.22).
    pub(crate) fn chosen(&self, vehicle: &VehicleCharging) -> u8 {
        let told: serde_json::Value = serde_json::from_str(&vehicle.schedule).unwrap_or_default();
        let id = told["selectedChargingScheduleId"].as_i64();
        let id = id.or_else(|| told["chargingSchedule"]["id"].as_i64());
        id.map_or(0, |id| self.offered_at(&vehicle.ocpp_transaction_id, id))
    }

    /// The place, from 0, of a schedule among those that its profile offers the vehicle of a transaction; the first of
    /// them for an id that none has.
    pub(crate) fn offered_at(&self, ocpp_transaction_id: &str, schedule_id: i64) -> u8 {
        let profiles = self.record.profiles.iter().filter_map(read_held);
        let own = profiles.filter(|profile| {
            profile.purpose == Purpose::TxProfile
                && profile.ocpp_transaction_id.as_deref() == Some(ocpp_transaction_id)
        });
        let at = |profile: Profile| {
            let mut schedules = profile.schedules.iter();
            schedules.position(|schedule| i64::from(schedule.id) == schedule_id)
        };
        own.filter_map(at).next().map_or(0, |at| at as u8)
    }

    /// The station is back after `since`; profiles that do not outlive so long are void (K01.FR.102).
    pub(crate) fn reconnected(&mut self, edition: Edition, since: UtcMicros, at: UtcMicros) {
        let void = self.own(edition).reconnected(since, at);
        for held in &mut self.record.profiles {
            held.is_void |= void.contains(&ProfileId(held.id));
        }
    }

    fn remove(&mut self, gone: &[ProfileId]) {
        let ChargingChanged {
            profiles, removed, ..
        } = &mut self.record;
        profiles.retain(|held| {
            let is_gone = gone.contains(&ProfileId(held.id));
            if is_gone {
                removed.push(held.id);
            }
            !is_gone
        });
    }
}

impl Asked {
    fn asks_for(&self, held: &ChargingProfileHeld) -> bool {
        let Some(profile) = read_held(held) else {
            return false;
        };
        // A profile of ours that no report has named yet came from the operator.
        let source = match held.limit_source.as_str() {
            "" => "CSO",
            told => told,
        };
        let ids = self.ids.as_ref();
        let sources = self.sources.as_ref();
        self.evse_id.is_none_or(|evse_id| evse_id == held.evse_id)
            && self
                .purpose
                .is_none_or(|purpose| purpose == profile.purpose)
            && self
                .stack_level
                .is_none_or(|level| level == profile.stack_level)
            && ids.is_none_or(|ids| ids.contains(&i64::from(held.id)))
            && sources.is_none_or(|sources| sources.iter().any(|one| one == source))
    }
}

/// A profile as it stands: as it was written, with the transaction it was given to and its newest rates.
pub(crate) fn read_held(held: &ChargingProfileHeld) -> Option<Profile> {
    let edition = edition(Protocol::from_code(held.protocol)?);
    let mut profile = given_to(read_profile(edition, &held.profile).ok()?, held);
    if !held.update.is_empty()
        && let Ok(update) = read_update(&held.update)
    {
        let (id, at) = (profile.id, UtcMicros(held.updated_at));
        let mut alone = ProfileSet::new();
        alone.install(edition, held.evse_id, profile, at).ok()?;
        // Only dynamic ones were given an update.
        let _ = alone.update(id, &update, at);
        profile = alone
            .get(id)
            .map(|installed: &Installed| installed.profile.clone())?;
    }
    Some(profile)
}

fn given_to(mut profile: Profile, held: &ChargingProfileHeld) -> Profile {
    if !held.ocpp_transaction_id.is_empty() {
        let given = || held.ocpp_transaction_id.as_str().into();
        profile.ocpp_transaction_id.get_or_insert_with(given);
    }
    profile
}

/// What a limit limits: without a word of generation it is a constraint (K27.FR.05).
fn purpose(limit: &ChargingLimitHeld) -> Purpose {
    match limit.is_local_generation {
        Some(true) => Purpose::LocalGeneration,
        Some(false) | None => Purpose::ChargingStationExternalConstraints,
    }
}

/// An external limit as the profiles that a station makes of it, one of each schedule: all of them hold, and no vehicle
/// chooses among them (K11, K12, K27).
fn limit_profiles(
    limit: &ChargingLimitHeld,
    ids: &mut impl Iterator<Item = i32>,
) -> impl Iterator<Item = Profile> {
    let schedules: Vec<&RawValue> = serde_json::from_str(&limit.schedules).unwrap_or_default();
    schedules.into_iter().zip(ids).filter_map(|(schedule, id)| {
        let profile = format!(
            "{{\"id\":{id},\"stackLevel\":0,\"chargingProfilePurpose\":\"{}\",\"chargingProfileKind\":\"Absolute\",\"chargingSchedule\":[{schedule}]}}",
            purpose(limit)
        );
        let mut profile = read_profile(Edition::V21, &profile).ok()?;
        for schedule in &mut profile.schedules {
            // One without start holds from when it was told.
            schedule.start.get_or_insert(UtcMicros(limit.at));
        }
        Some(profile)
    })
}

#[cfg(test)]
mod tests;
