//! What the newest records say of every station, as the state store has them: a moment behind what the shards have
//! written.

use fleet::StationKey;
use fleet::record::{
    BatterySwap, BatterySwapsChanged, ChargingProfileHeld, DerAlarm, DerChanged, DerControlHeld,
    ReservationsChanged,
};
use fleet::wire::Fact;
use storage::state::{StateError, StateStore, Table};

use crate::charging::Profile;
use crate::charging::held::read_held;
use crate::retry::Canonical;
use crate::router::reservations::ReservationView;
use crate::router::view::Page;
use crate::shard::{
    battery_swaps_key, charging_key, der_key, read_record_row, reservation_view, reservations_key,
};

/// Rows that a page is read from, of whatever tenant.
const ROWS: usize = 500;

/// Reservations of a tenant's stations, or of one of them, station by station; behind `after`, which is a `next` of the
/// page before. A page may hold fewer than there are, and none although there are more.
///
/// # Errors
///
/// When the store cannot be read.
pub fn stored_reservations(
    store: &StateStore,
    tenant: &str,
    identity: Option<&str>,
    after: Option<&str>,
) -> Result<Page<(StationKey, ReservationView), String>, StateError> {
    let newest = Newest {
        table: Table::Reservations,
        key: reservations_key,
        of: |fact| match fact {
            Fact::ReservationsChanged(changed) => Some(changed),
            _ => None,
        },
    };
    let page = newest.page(store, tenant, identity, after)?;
    Ok(each(page, |changed: ReservationsChanged| {
        let held = changed.reservations.into_iter();
        held.map(reservation_view).collect()
    }))
}

/// A charging profile of a station.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredProfile {
    /// Whose it is.
    pub station: StationKey,
    /// What is kept of it.
    pub held: ChargingProfileHeld,
    /// What it says, in our words; `None` where it cannot be read.
    pub profile: Option<Profile>,
}

/// Charging profiles of a tenant's stations, or of one of them, likewise.
///
/// # Errors
///
/// When the store cannot be read.
pub fn stored_charging_profiles(
    store: &StateStore,
    tenant: &str,
    identity: Option<&str>,
    after: Option<&str>,
) -> Result<Page<StoredProfile, String>, StateError> {
    let newest = Newest {
        table: Table::ChargingProfiles,
        key: charging_key,
        of: |fact| match fact {
            Fact::ChargingChanged(changed) => Some(changed),
            _ => None,
        },
    };
    let Page { items, next } = newest.page(store, tenant, identity, after)?;
    let each = items.into_iter().flat_map(|(station, changed)| {
        let stored = move |held: ChargingProfileHeld| StoredProfile {
            station: station.clone(),
            profile: read_held(&held),
            held,
        };
        changed.profiles.into_iter().map(stored)
    });
    Ok(Page {
        items: each.collect(),
        next,
    })
}

/// DER controls of a tenant's stations, or of one of them, likewise.
///
/// # Errors
///
/// When the store cannot be read.
pub fn stored_der_controls(
    store: &StateStore,
    tenant: &str,
    identity: Option<&str>,
    after: Option<&str>,
) -> Result<Page<(StationKey, DerControlHeld), String>, StateError> {
    let page = DER.page(store, tenant, identity, after)?;
    Ok(each(page, |der| der.controls))
}

/// DER alarms of a tenant's stations, or of one of them, likewise.
///
/// # Errors
///
/// When the store cannot be read.
pub fn stored_der_alarms(
    store: &StateStore,
    tenant: &str,
    identity: Option<&str>,
    after: Option<&str>,
) -> Result<Page<(StationKey, DerAlarm), String>, StateError> {
    let page = DER.page(store, tenant, identity, after)?;
    Ok(each(page, |der| der.alarms))
}

/// Battery swaps at a tenant's stations, or at one of them, likewise.
///
/// # Errors
///
/// When the store cannot be read.
pub fn stored_battery_swaps(
    store: &StateStore,
    tenant: &str,
    identity: Option<&str>,
    after: Option<&str>,
) -> Result<Page<(StationKey, BatterySwap), String>, StateError> {
    let newest = Newest {
        table: Table::Grid,
        key: battery_swaps_key,
        of: |fact| match fact {
            Fact::BatterySwapsChanged(changed) => Some(changed),
            _ => None,
        },
    };
    let page = newest.page(store, tenant, identity, after)?;
    Ok(each(page, |changed: BatterySwapsChanged| changed.swaps))
}

const DER: Newest<DerChanged> = Newest {
    table: Table::Grid,
    key: der_key,
    of: |fact| match fact {
        Fact::DerChanged(der) => Some(der),
        _ => None,
    },
};

/// What `of` finds in each of a page, with its station.
fn each<T, U>(
    page: Page<(StationKey, T), String>,
    of: fn(T) -> Vec<U>,
) -> Page<(StationKey, U), String> {
    let items = page.items.into_iter().flat_map(|(station, found)| {
        let named = move |one| (station.clone(), one);
        of(found).into_iter().map(named)
    });
    Page {
        items: items.collect(),
        next: page.next,
    }
}

/// A table that has the newest record of each station, maybe beside others.
struct Newest<T> {
    table: Table,
    /// Of a station's row.
    key: fn(&mut Canonical, &str) -> [u8; 16],
    of: fn(Fact) -> Option<T>,
}

impl<T> Newest<T> {
    /// The cursor is the station of the last row; rows are in the order of their keys.
    fn page(
        &self,
        store: &StateStore,
        tenant: &str,
        identity: Option<&str>,
        after: Option<&str>,
    ) -> Result<Page<(StationKey, T), String>, StateError> {
        let key = |station: &str| (self.key)(&mut Canonical::default(), station);
        let mut page = Page {
            items: Vec::new(),
            next: None,
        };
        if let Some(identity) = identity {
            let row = store.get(self.table, &key(&format!("{tenant}/{identity}")))?;
            page.items.extend(row.and_then(|row| self.read(&row)));
            return Ok(page);
        }
        // Behind the row of that station, and before the next one.
        let from = after.map_or(Vec::new(), |station| [&key(station)[..], &[0]].concat());
        for (n, row) in store.scan(self.table, &[], &from).enumerate() {
            let (_, row) = row?;
            let Some((station, fact)) = self.read(&row) else {
                continue;
            };
            if station.tenant() == tenant {
                page.items.push((station.clone(), fact));
            }
            if ROWS <= n + 1 {
                page.next = Some(station.to_string());
                break;
            }
        }
        Ok(page)
    }

    fn read(&self, row: &[u8]) -> Option<(StationKey, T)> {
        let (_, record) = read_record_row(row)?;
        let station = record.station_key().ok()?;
        let fact = (self.of)(record.body.to_fact().ok()?)?;
        Some((station, fact))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fleet::record::{
        ChargingChanged, ChargingSource, Protocol, Reservation, ReservationState,
        ReservationsChanged,
    };
    use fleet::wire::Writer;
    use fleet::{EventId, LogId, Seq, UtcMicros};
    use storage::state::{Durability, StateBatch};

    use super::*;
    use crate::charging::Purpose;
    use crate::shard::record_row;

    fn put(batch: &mut StateBatch, station: &str, fact: Fact) {
        let (table, key): (_, fn(&mut Canonical, &str) -> [u8; 16]) = match fact {
            Fact::ReservationsChanged(_) => (Table::Reservations, reservations_key),
            Fact::DerChanged(_) => (Table::Grid, der_key),
            Fact::BatterySwapsChanged(_) => (Table::Grid, battery_swaps_key),
            _ => (Table::ChargingProfiles, charging_key),
        };
        let event = EventId {
            log_id: LogId(1),
            seq: Seq(1),
        };
        let mut record = Vec::new();
        let named = StationKey::parse(station).unwrap();
        Writer::default().write_fact(&mut record, &named, UtcMicros(1), &fact);
        let key = key(&mut Canonical::default(), station).to_vec();
        batch.put(table, key, record_row(event, &record));
    }

    fn reservation(id: i64) -> Reservation {
        Reservation {
            id,
            evse_id: 1,
            connector_type: String::new(),
            token_ref: [7; 16],
            group_ref: None,
            expires_at: 3,
            state: ReservationState::Active.code(),
            requested_at: 1,
            changed_at: 2,
            transaction_id: None,
            principal: "admin".to_owned(),
        }
    }

    fn reserved(ids: &[i64]) -> Fact {
        let reservations = ids.iter().map(|id| reservation(*id)).collect();
        Fact::ReservationsChanged(ReservationsChanged {
            last_id: ids.iter().copied().max().unwrap_or(0),
            reservations,
        })
    }

    /// Every page's length, and station and id of all.
    fn all(
        store: &StateStore,
        tenant: &str,
        identity: Option<&str>,
    ) -> (Vec<usize>, BTreeSet<String>) {
        let (mut lens, mut found, mut after) = (Vec::new(), BTreeSet::new(), None);
        loop {
            let page = stored_reservations(store, tenant, identity, after.as_deref()).unwrap();
            lens.push(page.items.len());
            for (station, reservation) in page.items {
                let named = format!("{} {}", station.identity(), reservation.id);
                assert!(found.insert(named), "{station} comes twice");
            }
            after = page.next;
            if after.is_none() {
                return (lens, found);
            }
            assert!(lens.len() < 10, "it goes round");
        }
    }

    #[test]
    fn reservations_come_page_by_page_and_are_of_one_tenant() {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        let mut batch = StateBatch::default();
        for n in 0..1_200 {
            put(&mut batch, &format!("a/CP{n}"), reserved(&[1, 2]));
        }
        put(&mut batch, "b/CP1", reserved(&[3]));
        put(&mut batch, "b/CP2", reserved(&[]));
        store.apply(batch, None, Durability::Buffered).unwrap();

        let (lens, found) = all(&store, "a", None);
        assert_eq!((lens.len(), found.len()), (3, 2_400));
        assert_eq!(
            Vec::from_iter(all(&store, "a", Some("CP7")).1),
            ["CP7 1", "CP7 2"]
        );
        assert_eq!(Vec::from_iter(all(&store, "b", None).1), ["CP1 3"]);
        assert_eq!(all(&store, "b", Some("CP7")), (vec![0], BTreeSet::new()));
        assert_eq!(all(&store, "", None).1, BTreeSet::new());
    }

    #[test]
    fn what_stands_in_one_table_with_others_is_found_page_by_page() {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        let mut batch = StateBatch::default();
        let swaps = |id: i64| BatterySwapsChanged {
            swaps: vec![BatterySwap {
                request_id: id,
                ..BatterySwap::default()
            }],
            ..BatterySwapsChanged::default()
        };
        for n in 0..600 {
            let station = format!("a/CP{n}");
            put(&mut batch, &station, swaps(n).into());
            let der = DerChanged {
                controls: vec![DerControlHeld {
                    id: n.to_string(),
                    ..DerControlHeld::default()
                }],
                alarms: vec![DerAlarm::default(); 2],
                ..DerChanged::default()
            };
            put(&mut batch, &station, der.into());
        }
        put(&mut batch, "b/CP1", swaps(1).into());
        store.apply(batch, None, Durability::Buffered).unwrap();

        let (mut found, mut after, mut pages) = (BTreeSet::new(), None, 0);
        loop {
            let page = stored_battery_swaps(&store, "a", None, after.as_deref()).unwrap();
            for (station, swap) in page.items {
                assert_eq!(station.as_str(), format!("a/CP{}", swap.request_id));
                assert!(found.insert(swap.request_id), "{station} comes twice");
            }
            (after, pages) = (page.next, pages + 1);
            if after.is_none() {
                break;
            }
            assert!(pages < 10, "it goes round");
        }
        assert_eq!((found.len(), 1 < pages), (600, true));
        let controls = stored_der_controls(&store, "a", Some("CP7"), None).unwrap();
        let ids: Vec<_> = controls.items.iter().map(|(_, held)| &*held.id).collect();
        assert_eq!(ids, ["7"]);
        let alarms = stored_der_alarms(&store, "a", Some("CP7"), None).unwrap();
        assert_eq!(alarms.items.len(), 2);
        let others = stored_battery_swaps(&store, "b", None, None).unwrap();
        assert_eq!(others.items.len(), 1);
        let none = stored_der_controls(&store, "b", None, None).unwrap();
        assert!(none.items.is_empty());
    }

    #[test]
    fn a_charging_profile_says_the_same_in_the_words_of_each_version() {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        let mut batch = StateBatch::default();
        let held = |protocol: Protocol, profile: &str| ChargingProfileHeld {
            id: 5,
            evse_id: 0,
            protocol: protocol.code(),
            source: ChargingSource::Set.code(),
            limit_source: String::new(),
            command_id: None,
            installed_at: 1,
            confirmed_at: 2,
            waits_for: None,
            ocpp_transaction_id: String::new(),
            is_void: false,
            update: String::new(),
            updated_at: 0,
            profile: profile.to_owned(),
        };
        let old = r#"{"chargingProfileId":5,"stackLevel":3,"chargingProfilePurpose":"ChargePointMaxProfile","chargingProfileKind":"Absolute","validFrom":"1970-01-01T00:00:01Z","chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16}]}}"#;
        let new = r#"{"id":5,"stackLevel":3,"chargingProfilePurpose":"ChargingStationMaxProfile","chargingProfileKind":"Absolute","validFrom":"1970-01-01T00:00:01Z","chargingSchedule":[{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16}]}]}"#;
        let profiles = vec![
            held(Protocol::Ocpp16, old),
            held(Protocol::Ocpp201, new),
            held(Protocol::Ocpp201, "{}"),
        ];
        let changed = ChargingChanged {
            profiles,
            ..ChargingChanged::default()
        };
        put(&mut batch, "a/CP1", Fact::ChargingChanged(changed));
        store.apply(batch, None, Durability::Buffered).unwrap();

        let page = stored_charging_profiles(&store, "a", None, None).unwrap();
        let said = page.items.iter().map(|stored| {
            let profile = stored.profile.as_ref()?;
            Some((profile.purpose, profile.stack_level, profile.valid_from))
        });
        let expected = Some((
            Purpose::ChargingStationMaxProfile,
            3,
            Some(UtcMicros(1_000_000)),
        ));
        assert_eq!(Vec::from_iter(said), [expected, expected, None]);
        let of_none = stored_charging_profiles(&store, "b", None, None).unwrap();
        assert_eq!(of_none.items, []);
    }
}
