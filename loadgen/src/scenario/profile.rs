//! A profile, checked: who comes when, with which vehicle, and what goes wrong.

use std::time::Duration;

use ocpp::Version;

use crate::charge::{Charge, Curve, Supply};
use crate::random::Random;

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);

/// What a scenario's TOML says.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// One line for people.
    pub description: String,
    /// How it is meant to be run, unless the command line says otherwise.
    pub run: Run,
    /// Versions of OCPP, by share.
    pub versions: Shares<Version>,
    /// EVSEs per station.
    pub connectors: u32,
    /// Between two meter samples.
    pub meter_interval: Duration,
    /// Between two Heartbeats; `None` obeys the CSMS.
    pub heartbeat: Option<Duration>,
    pub(super) supplies: Shares<Supplied>,
    pub(super) arrivals: Arrivals,
    pub(super) visits: Visits,
    pub(super) vehicles: Shares<Vehicle>,
    /// When stations are offline.
    pub offline: Option<Outages>,
    /// Who misbehaves.
    pub faults: Faults,
}

/// How a profile is meant to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Station seconds per second.
    pub speed: u32,
    /// How long the run takes.
    pub duration: Duration,
    /// Where in the day of the profile a run begins.
    pub begins_at: Duration,
}

/// Things by share.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares<T> {
    /// Sums of the shares up to and with each thing.
    list: Vec<(u64, T)>,
}

impl<T> Shares<T> {
    /// Of things with their shares; at least one share is not 0.
    pub(super) fn new(list: impl IntoIterator<Item = (u64, T)>) -> Shares<T> {
        let mut sum = 0;
        let list = list.into_iter().map(|(share, thing)| {
            sum += share;
            (sum, thing)
        });
        Shares {
            list: list.collect(),
        }
    }

    /// Draws one.
    pub fn draw(&self, random: &mut Random) -> &T {
        let all = self.list.last().map_or(0, |(sum, _)| *sum);
        let drawn = random.between(0, all);
        let (_, thing) = self
            .list
            .iter()
            .find(|(sum, _)| drawn < *sum)
            .expect("a share is not 0, and the draw is below their sum");
        thing
    }
}

/// What a connector delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Supplied {
    pub(super) supply: Supply,
    /// Of DC one.
    pub(super) phases: u32,
}

/// When vehicles come to a free connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrivals {
    /// By hour of the day, of 2^32.
    pub(super) chance_of_minute: Vec<u32>,
}

/// How long they stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Visits {
    pub(super) stay: [Duration; 2],
    pub(super) arrives_permille: [u64; 2],
    pub(super) until_permille: Option<[u64; 2]>,
}

/// A kind of vehicle.
#[derive(Clone, Debug, PartialEq)]
pub struct Vehicle {
    pub(super) capacity_mwh: u64,
    pub(super) ac_w: u32,
    pub(super) ac_phases: u32,
    pub(super) dc_w: u32,
    pub(super) curve: Curve,
}

/// When stations have no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outages {
    /// Of 10,000 stations, so many are concerned.
    pub stations_permyriad: u32,
    /// Between two outages, by the station's clock.
    pub every: [Duration; 2],
    /// How long one lasts.
    pub lasts: [Duration; 2],
}

/// Of 10,000 stations, how many misbehave, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Send byte by byte.
    pub slow: u32,
    /// Connect and say nothing.
    pub silent: u32,
    /// Leave without a word, and come back.
    pub half_open: u32,
    /// Send what a server must not fall over.
    pub malicious: u32,
}

/// What a station is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// As stations should be.
    Regular,
    /// Leaves without a word from time to time, and comes back.
    HalfOpen,
    /// Sends byte by byte.
    Slow,
    /// Connects and says nothing.
    Silent,
    /// Sends what a server must not fall over.
    Malicious,
}

impl Faults {
    /// What the station of this number is.
    pub fn role(&self, seed: u64, number: u32) -> Role {
        let path = [u64::from(number), 0x6661_756c];
        let mut drawn = Random::new(seed, &path).between(0, 10_000) as u32;
        for (share, role) in [
            (self.half_open, Role::HalfOpen),
            (self.slow, Role::Slow),
            (self.silent, Role::Silent),
            (self.malicious, Role::Malicious),
        ] {
            match drawn.checked_sub(share) {
                None => return role,
                Some(rest) => drawn = rest,
            }
        }
        Role::Regular
    }
}

impl Outages {
    /// Those of the station of this number, if it has any.
    pub fn of(&self, seed: u64, number: u32) -> Option<Outages> {
        let path = [u64::from(number), 0x6f66_666c];
        let drawn = Random::new(seed, &path).between(0, 10_000);
        (drawn < u64::from(self.stations_permyriad)).then_some(*self)
    }
}

impl Profile {
    /// The version of the station of this number.
    pub fn version(&self, seed: u64, number: u32) -> Version {
        let path = [u64::from(number), 0x7665_7273];
        *self.versions.draw(&mut Random::new(seed, &path))
    }

    /// What all connectors of the station deliver, and over how many phases.
    pub(crate) fn supply(&self, random: &mut Random) -> (Supply, u32) {
        let supplied = self.supplies.draw(random);
        (supplied.supply, supplied.phases)
    }

    /// How long after `since_start` of the run the next vehicle comes, by the station's clock; `None` when nobody comes
    /// before `end`.
    pub(crate) fn arrival(
        &self,
        since_start: Duration,
        end: Duration,
        random: &mut Random,
    ) -> Option<Duration> {
        let mut at = since_start;
        while at < end {
            let of_day = self.run.begins_at + at;
            let hour = (of_day.as_secs() / HOUR.as_secs() % 24) as usize;
            let chance = self.arrivals.chance_of_minute[hour];
            if chance == 0 {
                let into_hour = Duration::from_nanos((of_day.as_nanos() % HOUR.as_nanos()) as u64);
                at += HOUR - into_hour;
                continue;
            }
            if random.between(0, 1 << 32) < u64::from(chance) {
                return Some(at - since_start + random.duration(Duration::ZERO, MINUTE));
            }
            at += MINUTE;
        }
        None
    }

    /// A vehicle at a connector, and how long it stays.
    pub(crate) fn visit(
        &self,
        supply: Supply,
        phases: u32,
        random: &mut Random,
    ) -> (Charge, Duration) {
        let vehicle = self.vehicles.draw(random);
        let [least, most] = self.visits.arrives_permille;
        let stored_permille = random.between(least, most + 1);
        let (limit_w, phases) = match supply {
            Supply::Dc(watts) => (watts.min(vehicle.dc_w), 1),
            Supply::Ac(watts) => {
                let both = phases.min(vehicle.ac_phases);
                let of_phase = (watts / phases).min(vehicle.ac_w / vehicle.ac_phases);
                (of_phase * both, both)
            }
        };
        let charge = Charge::new(
            supply,
            phases,
            limit_w,
            vehicle.dc_w,
            vehicle.capacity_mwh,
            stored_permille,
            vehicle.curve.clone(),
        );
        let [shortest, longest] = self.visits.stay;
        let stay = random.duration(shortest, longest + Duration::from_millis(1));
        let stay = match self.visits.until_permille {
            None => stay,
            Some([least, most]) => charge
                .time_to(random.between(least, most + 1), stay)
                .max(MINUTE),
        };
        (charge, stay)
    }
}
