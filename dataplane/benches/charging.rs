//! The time of a composite schedule: 24 hours of 20 recurring profiles of five purposes at four levels.
//!
//! `cargo bench -p dataplane --bench charging` measures; under `cargo test` it computes each schedule once.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark's result is what it prints"
)]

use dataplane::charging::{
    Edition, Evse, Kind, Period, Profile, ProfileId, ProfileSet, Purpose, Rate, RateUnit,
    Recurrence, Request, Schedule, Station, Transaction, composite,
};
use fleet::UtcMicros;
use net::clock::monotonic_ns;

/// 2026-11-22T00:00:00Z.
const DAY: UtcMicros = UtcMicros(1_795_305_600_000_000);
const PROFILES: u32 = 20;
const PURPOSES: [Purpose; 5] = [
    Purpose::ChargingStationMaxProfile,
    Purpose::ChargingStationExternalConstraints,
    Purpose::TxDefaultProfile,
    Purpose::TxProfile,
    Purpose::LocalGeneration,
];

fn main() {
    let measured = std::env::args().any(|argument| argument == "--bench");
    let rounds = if measured { 2_000 } else { 1 };
    let mut station = Station::new(Edition::V21);
    station.evses = vec![Evse::new(1), Evse::new(2)];
    station.evses[0].transaction = Some(Transaction::new("tx", DAY));
    for periods in [4, 24, 96] {
        let set = profiles(periods);
        for evse_id in [1, 0] {
            let request = Request {
                evse_id,
                from: DAY,
                duration_s: 86_400,
                unit: RateUnit::Amperes,
            };
            let mut took_ns = Vec::with_capacity(rounds);
            let mut checksum = 0;
            for _ in 0..rounds {
                let begun = monotonic_ns();
                let schedule = composite(&set, &station, &request).expect("EVSE 1 exists");
                took_ns.push(monotonic_ns() - begun);
                for period in &schedule.periods {
                    let limit = period.rates.limit.all.unwrap_or(Rate::ZERO);
                    checksum += i64::from(period.start_s) + limit.0;
                }
            }
            took_ns.sort_unstable();
            let (least, median) = (took_ns[0], took_ns[rounds / 2]);
            println!(
                "{PROFILES} profiles of {periods} periods, EVSE {evse_id}: \
                 least {least} ns, median {median} ns, checksum {checksum}"
            );
        }
    }
}

/// Daily profiles whose changes fall at different seconds, half of them in watts.
fn profiles(periods: u32) -> ProfileSet {
    let mut set = ProfileSet::new();
    for id in 0..PROFILES {
        let purpose = PURPOSES[id as usize % PURPOSES.len()];
        let watts = id.is_multiple_of(2);
        let unit = if watts {
            RateUnit::Watts
        } else {
            RateUnit::Amperes
        };
        let period = |at: u32| {
            let milliamperes = 6_000 + i64::from((at * 7_919 + id * 31) % 26_000);
            let limit = if watts {
                690 * milliamperes
            } else {
                milliamperes
            };
            Period::limit(at * (43_200 / periods), Rate(limit))
        };
        let profile = Profile {
            id: ProfileId(id as i32),
            stack_level: id / PURPOSES.len() as u32,
            purpose,
            kind: Kind::Recurring,
            recurrence: Some(Recurrence::Daily),
            valid_from: None,
            valid_to: None,
            ocpp_transaction_id: None,
            schedules: vec![Schedule {
                id: 1,
                start: Some(UtcMicros(DAY.0 - i64::from(259_200 - id * 61) * 1_000_000)),
                duration_s: Some(43_200 + 1_000 * id),
                unit,
                min_charging_rate: None,
                power_tolerance: None,
                use_local_time: false,
                randomized_delay_s: 0,
                limit_at_soc: None,
                periods: (0..periods).map(period).collect(),
            }],
            offline_max_s: None,
            ends_offline: false,
            update_interval_s: None,
            updated_at: None,
        };
        let evse_id = u32::from(purpose == Purpose::TxProfile);
        set.install(Edition::V21, evse_id, profile, DAY)
            .expect("room for twenty");
    }
    set
}
