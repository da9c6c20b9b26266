//! What a station holds after each request, by requirement.

use Purpose::{
    ChargingStationExternalConstraints as External, ChargingStationMaxProfile as Max,
    LocalGeneration, TxDefaultProfile as Default, TxProfile as Tx,
};

use super::*;

fn ids(set: &ProfileSet) -> Vec<i32> {
    set.iter().map(|installed| installed.profile.id.0).collect()
}

/// Installs one after the other, and answers what is left and what the last one replaced.
fn install(edition: Edition, profiles: &[(u32, Profile)]) -> (Vec<i32>, Vec<i32>) {
    let (mut set, mut replaced) = (ProfileSet::new(), Vec::new());
    for (evse_id, profile) in profiles {
        replaced = set
            .install(edition, *evse_id, profile.clone(), day(0))
            .expect("room");
    }
    (ids(&set), replaced.iter().map(|id| id.0).collect())
}

#[test]
fn what_a_new_profile_replaces() {
    let profile = |id, level, purpose| absolute(id, level, purpose, &[(0, 6)]);
    let editions = [Edition::V16, Edition::V201];
    for (first, second, left) in [
        // The same id, wherever it was (K01.FR.05, 1.6 §5.16.3).
        (
            (1, profile(1, 0, Default)),
            (2, profile(1, 3, Tx)),
            [&[1][..], &[1]],
        ),
        // The same purpose and level on the same EVSE: in 1.6 only (1.6 §3.13.2).
        (
            (1, profile(1, 0, Default)),
            (1, profile(2, 0, Default)),
            [&[2], &[1, 2]],
        ),
        (
            (1, profile(1, 0, Tx)),
            (1, profile(2, 0, Tx)),
            [&[2], &[1, 2]],
        ),
        (
            (0, profile(1, 0, Max)),
            (0, profile(2, 0, Max)),
            [&[2], &[1, 2]],
        ),
        // On another EVSE, at another level, of another purpose: beside each other.
        (
            (0, profile(1, 0, Default)),
            (1, profile(2, 0, Default)),
            [&[1, 2], &[1, 2]],
        ),
        (
            (1, profile(1, 0, Default)),
            (1, profile(2, 1, Default)),
            [&[1, 2], &[1, 2]],
        ),
        (
            (1, profile(1, 0, Default)),
            (1, profile(2, 0, Tx)),
            [&[1, 2], &[1, 2]],
        ),
    ] {
        for (edition, left) in editions.into_iter().zip(left) {
            let profiles = [first.clone(), second.clone()];
            let (found, replaced) = install(edition, &profiles);
            assert_eq!(found, left, "{edition}: {profiles:?}");
            let gone = if left == [1, 2] { vec![] } else { vec![1] };
            assert_eq!(replaced, gone, "{edition}: {profiles:?}");
        }
    }
}

#[test]
fn a_refused_profile_changes_nothing() {
    let mut set = ProfileSet::new();
    let mut install = |id: i32, periods: usize| {
        let mut profile = absolute(id, 0, Default, &[]);
        profile.schedules[0].periods = vec![Period::limit(0, Rate::ZERO); periods];
        set.install(Edition::V201, 0, profile, day(0)).map(|_| ())
    };
    for id in 0..8 {
        assert_eq!(install(id, 1_023), Ok(()));
    }
    assert_eq!(install(8, 8), Ok(()));
    assert_eq!(install(9, 1), Err(Full::Periods { found: 8_193 }));
    assert_eq!(install(8, 9), Err(Full::Periods { found: 8_193 }));
    assert_eq!(install(0, 1_025), Err(Full::Schedule { found: 1_025 }));
    assert_eq!(install(8, 1), Ok(()));
    for id in 9..PROFILES_MAX as i32 {
        assert_eq!(install(id, 0), Ok(()));
    }
    assert_eq!(install(-1, 0), Err(Full::Profiles));
    assert_eq!(install(255, 1), Ok(()));
    assert_eq!((set.len(), ids(&set)), (256, (0..256).collect()));
    let mut profile = absolute(0, 0, Default, &[]);
    profile.schedules = vec![profile.schedules[0].clone(); 4];
    let refused = set.install(Edition::V201, 0, profile, day(0));
    assert_eq!(refused, Err(Full::Schedules { found: 4 }));
}

/// K10.FR.01, K10.FR.03, K10.FR.04, K10.FR.08, K10.FR.09; 1.6 §6.13 with errata 3.25.
#[test]
fn clearing_matches_all_criteria() {
    let all = [
        (0, absolute(1, 0, Max, &[])),
        (0, absolute(2, 0, Default, &[])),
        (1, absolute(3, 1, Default, &[])),
        (1, absolute(4, 0, Tx, &[])),
        (0, absolute(-1, 0, External, &[])),
        (0, absolute(-2, 0, LocalGeneration, &[])),
    ];
    let none = ClearCriteria::default();
    let id = |id| ClearCriteria {
        id: Some(ProfileId(id)),
        ..none
    };
    let level = |stack_level| ClearCriteria {
        stack_level: Some(stack_level),
        ..none
    };
    for (edition, criteria, cleared) in [
        (Edition::V201, id(3), &[3][..]),
        (Edition::V201, id(9), &[]),
        // The id alone decides.
        (
            Edition::V201,
            ClearCriteria {
                evse_id: Some(7),
                ..id(3)
            },
            &[3],
        ),
        (Edition::V201, id(-1), &[]),
        (Edition::V201, id(-2), &[-2]),
        (Edition::V21, id(-2), &[]),
        (Edition::V201, level(0), &[-2, 1, 2, 4]),
        (Edition::V21, level(0), &[1, 2, 4]),
        (
            Edition::V21,
            ClearCriteria {
                evse_id: Some(1),
                ..level(0)
            },
            &[4],
        ),
        (
            Edition::V21,
            ClearCriteria {
                purpose: Some(Default),
                ..none
            },
            &[2, 3],
        ),
        (
            Edition::V21,
            ClearCriteria {
                purpose: Some(Default),
                ..level(1)
            },
            &[3],
        ),
        (
            Edition::V21,
            ClearCriteria {
                evse_id: Some(0),
                ..none
            },
            &[1, 2],
        ),
        (
            Edition::V21,
            ClearCriteria {
                evse_id: Some(2),
                ..none
            },
            &[],
        ),
        (Edition::V16, none, &[-2, 1, 2, 3, 4]),
    ] {
        let mut set = set(&all);
        let found: Vec<_> = set
            .clear(edition, &criteria)
            .iter()
            .map(|id| id.0)
            .collect();
        assert_eq!(found, cleared, "{edition}: {criteria:?}");
        assert_eq!(set.len(), all.len() - cleared.len());
    }
}

/// K10.FR.02, K10.FR.06.
#[test]
fn criteria_that_must_not_be_sent() {
    let none = ClearCriteria::default();
    let of = |purpose| ClearCriteria {
        purpose: Some(purpose),
        ..none
    };
    for (edition, criteria, expected) in [
        (Edition::V16, none, Ok(())),
        (Edition::V201, none, Err(ClearFault::NoCriteria)),
        (Edition::V201, of(Default), Ok(())),
        (
            Edition::V201,
            of(External),
            Err(ClearFault::Purpose(External)),
        ),
        (Edition::V201, of(LocalGeneration), Ok(())),
        (
            Edition::V21,
            of(LocalGeneration),
            Err(ClearFault::Purpose(LocalGeneration)),
        ),
    ] {
        assert_eq!(
            check_clear(edition, &criteria),
            expected,
            "{edition}: {criteria:?}"
        );
    }
}

/// K02.FR.05, K05; 1.6 §3.13.1 and §5.16.2.
#[test]
fn a_tx_profile_lives_with_its_transaction() {
    let mut of_remote_start = absolute(1, 0, Tx, &[(0, 6)]);
    of_remote_start.ocpp_transaction_id = None;
    let mut set = set(&[
        (1, of_remote_start),
        (2, absolute(2, 0, Tx, &[])),
        (1, absolute(3, 0, Default, &[])),
    ]);
    set.transaction_started(1, "new");
    let named = |set: &ProfileSet, id| {
        let installed = set.get(ProfileId(id)).expect("installed");
        installed.profile.ocpp_transaction_id.clone()
    };
    assert_eq!(named(&set, 1).as_deref(), Some("new"));
    assert_eq!(named(&set, 2).as_deref(), Some("tx"));
    assert_eq!(named(&set, 3), None);
    assert_eq!(set.transaction_ended(1, "another"), []);
    assert_eq!(set.transaction_ended(1, "new"), [ProfileId(1)]);
    assert_eq!(ids(&set), [2, 3]);
}

/// K28.FR.06 to K28.FR.12.
#[test]
fn only_dynamic_profiles_take_updates() {
    let dynamic = absolute(1, 0, Tx, &[(0, 12)]).dynamic();
    let mut set = set(&[(1, dynamic), (1, absolute(2, 1, Tx, &[(0, 6)]))]);
    let kind = NotDynamic::Kind {
        id: ProfileId(2),
        kind: Kind::Absolute,
    };
    let update = Update {
        limit: PhaseRates {
            all: Some(Rate::whole(10)),
            l2: Some(Rate::whole(9)),
            l3: None,
        },
        setpoint: PhaseRates::of(Rate::whole(-3)),
        ..Update::default()
    };
    assert_eq!(set.update(ProfileId(2), &update, day(5)), Err(kind));
    assert_eq!(set.dynamic(ProfileId(2)), Err(kind));
    let unknown = NotDynamic::Unknown(ProfileId(3));
    assert_eq!(set.update(ProfileId(3), &update, day(5)), Err(unknown));
    assert_eq!(set.dynamic(ProfileId(3)), Err(unknown));

    let installed = |set: &ProfileSet| set.get(ProfileId(1)).expect("installed").clone();
    assert_eq!(installed(&set).updated_at(), day(0));
    assert_eq!(set.update(ProfileId(1), &update, day(5)), Ok(()));
    assert_eq!(set.dynamic(ProfileId(1)), Ok(update));
    assert_eq!(installed(&set).updated_at(), day(5));
    // What an update does not name stays.
    let limit = Update {
        limit: PhaseRates::of(Rate::whole(7)),
        ..Update::default()
    };
    assert_eq!(set.update(ProfileId(1), &limit, day(6)), Ok(()));
    let expected = Update {
        limit: PhaseRates {
            all: limit.limit.all,
            ..update.limit
        },
        ..update
    };
    assert_eq!(set.dynamic(ProfileId(1)), Ok(expected));
}

/// K01.FR.102, K01.FR.103.
#[test]
fn a_long_absence_ends_what_must_not_outlive_it() {
    let offline = |id, max, ends| {
        let mut profile = absolute(id, id as u32, Default, &[(0, id)]);
        (profile.offline_max_s, profile.ends_offline) = (max, ends);
        (1, profile)
    };
    let mut set = set(&[
        offline(1, None, true),
        offline(2, Some(60), false),
        offline(3, Some(60), true),
        offline(4, Some(61), true),
    ]);
    assert_eq!(set.reconnected(day(0), day(60)), []);
    assert_eq!(set.reconnected(day(100), day(161)), [ProfileId(3)]);
    assert_eq!(set.reconnected(day(200), day(262)), [ProfileId(4)]);
    assert_eq!(ids(&set), [1, 2, 3, 4]);
    let request = request(1, 300, 60, RateUnit::Amperes);
    let schedule = composite(&set, &station(), &request).expect("known");
    assert_eq!(show(&schedule), "0 2");
}
