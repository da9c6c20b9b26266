//! A profile as its TOML says it, and the way from there to a [`Profile`].

use std::collections::BTreeMap;
use std::time::Duration;

use ocpp::Version;
use serde::Deserialize;

use super::profile::{Arrivals, Faults, Outages, Profile, Run, Shares, Supplied, Vehicle, Visits};
use crate::charge::{Curve, Supply};

/// Why a text is no profile.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// It is no TOML, or a key is missing, unknown or of another type; says where.
    #[error("reading the profile")]
    Toml(#[from] toml::de::Error),
    /// A value makes no sense.
    #[error("{key}: found {found}, expected {expected}")]
    Value {
        /// The key.
        key: String,
        /// Its value.
        found: String,
        /// What it could be.
        expected: &'static str,
    },
}

fn wrong<T>(
    key: impl Into<String>,
    found: impl ToString,
    expected: &'static str,
) -> Result<T, ProfileError> {
    Err(ProfileError::Value {
        key: key.into(),
        found: found.to_string(),
        expected,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    description: String,
    run: RunText,
    stations: StationsText,
    supplies: Vec<SupplyText>,
    arrivals: ArrivalsText,
    visits: VisitsText,
    vehicles: Vec<VehicleText>,
    offline: Option<OfflineText>,
    #[serde(default)]
    faults: FaultsText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunText {
    speed: u32,
    duration: String,
    begins_at: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StationsText {
    versions: BTreeMap<String, f64>,
    connectors: u32,
    meter_interval: String,
    heartbeat: Option<String>,
    power_kw: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SupplyText {
    share: f64,
    kind: Kind,
    phases: Option<u32>,
    power_kw: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Ac,
    Dc,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArrivalsText {
    vehicles_per_day: f64,
    by_hour: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VisitsText {
    stay: [String; 2],
    arrives_percent: [f64; 2],
    until_percent: Option<[f64; 2]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VehicleText {
    share: f64,
    battery_kwh: f64,
    ac: AcText,
    dc_kw: f64,
    curve: Vec<[f64; 2]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AcText {
    power_kw: f64,
    phases: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfflineText {
    stations_percent: f64,
    every: [String; 2],
    lasts: [String; 2],
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FaultsText {
    slow_percent: f64,
    silent_percent: f64,
    half_open_percent: f64,
    malicious_percent: f64,
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    ///
    /// See [`ProfileError`]; an unknown key is named, with those that are known.
    pub fn parse(text: &str) -> Result<Profile, ProfileError> {
        let written: Written = toml::from_str(text)?;
        let stations = &written.stations;
        if !(1..=100).contains(&stations.connectors) {
            return wrong("stations.connectors", stations.connectors, "1 to 100");
        }
        let heartbeat = stations.heartbeat.as_deref();
        let heartbeat = heartbeat.map(|text| time("stations.heartbeat", text));
        let each_w = match stations.power_kw {
            Some(kw) => watts("stations.power_kw", kw)? / stations.connectors,
            None => u32::MAX,
        };
        if !(1..=100_000).contains(&written.run.speed) {
            return wrong("run.speed", written.run.speed, "1 to 100000");
        }
        Ok(Profile {
            description: written.description,
            run: Run {
                speed: written.run.speed,
                duration: time("run.duration", &written.run.duration)?,
                begins_at: time_of_day("run.begins_at", &written.run.begins_at)?,
            },
            versions: versions(&stations.versions)?,
            connectors: stations.connectors,
            meter_interval: time("stations.meter_interval", &stations.meter_interval)?,
            heartbeat: heartbeat.transpose()?,
            supplies: supplies(&written.supplies, each_w)?,
            arrivals: arrivals(&written.arrivals)?,
            visits: Visits {
                stay: times("visits.stay", &written.visits.stay)?,
                arrives_permille: percents(
                    "visits.arrives_percent",
                    written.visits.arrives_percent,
                )?,
                until_permille: written
                    .visits
                    .until_percent
                    .map(|pair| percents("visits.until_percent", pair))
                    .transpose()?,
            },
            vehicles: vehicles(&written.vehicles)?,
            offline: written.offline.as_ref().map(outages).transpose()?,
            faults: faults(&written.faults)?,
        })
    }
}

fn versions(shares: &BTreeMap<String, f64>) -> Result<Shares<Version>, ProfileError> {
    let mut list = Vec::new();
    for (name, share) in shares {
        let version = match name.as_str() {
            "1.6" => Version::V16,
            "2.0.1" => Version::V201,
            "2.1" => Version::V21,
            other => {
                return wrong(
                    "stations.versions",
                    format!("{other:?}"),
                    "\"1.6\", \"2.0.1\" or \"2.1\"",
                );
            }
        };
        list.push((*share, version));
    }
    shares_of("stations.versions", list)
}

fn supplies(texts: &[SupplyText], each_w: u32) -> Result<Shares<Supplied>, ProfileError> {
    let mut list = Vec::new();
    for supply in texts {
        let power_w = watts("supplies.power_kw", supply.power_kw)?.min(each_w);
        let (supply_of, phases) = match (&supply.kind, supply.phases) {
            (Kind::Ac, Some(phases @ (1 | 3))) => (Supply::Ac(power_w), phases),
            (Kind::Dc, None) => (Supply::Dc(power_w), 1),
            (Kind::Ac, found) => {
                let found = found.map_or("none".to_owned(), |phases| phases.to_string());
                return wrong("supplies.phases", found, "1 or 3, as it is AC");
            }
            (Kind::Dc, Some(phases)) => {
                return wrong("supplies.phases", phases, "none, as it is DC");
            }
        };
        list.push((
            supply.share,
            Supplied {
                supply: supply_of,
                phases,
            },
        ));
    }
    shares_of("supplies", list)
}

fn arrivals(text: &ArrivalsText) -> Result<Arrivals, ProfileError> {
    let per_day = text.vehicles_per_day;
    if !(0.0..=1_000.0).contains(&per_day) {
        return wrong("arrivals.vehicles_per_day", per_day, "0 to 1000");
    }
    let sum: f64 = text.by_hour.iter().sum();
    let possible = |weight: &f64| weight.is_finite() && 0.0 <= *weight;
    if text.by_hour.len() != 24 || !text.by_hour.iter().all(possible) || sum <= 0.0 {
        let found = format!("{:?}", text.by_hour);
        return wrong(
            "arrivals.by_hour",
            found,
            "24 weights from 0 on, not all of them 0",
        );
    }
    // Chances of a minute as parts of 2^32; twice as many vehicles as minutes is no chance any more.
    let chance = |weight: &f64| (per_day * weight / sum / 60.0).min(1.0) * f64::from(u32::MAX);
    Ok(Arrivals {
        chance_of_minute: text
            .by_hour
            .iter()
            .map(|weight| chance(weight) as u32)
            .collect(),
    })
}

fn vehicles(texts: &[VehicleText]) -> Result<Shares<Vehicle>, ProfileError> {
    let mut list = Vec::new();
    for text in texts {
        if !(0.1..=10_000.0).contains(&text.battery_kwh) {
            return wrong("vehicles.battery_kwh", text.battery_kwh, "0.1 to 10000");
        }
        if !matches!(text.ac.phases, 1 | 3) {
            return wrong("vehicles.ac.phases", text.ac.phases, "1 or 3");
        }
        let point =
            |[soc, share]: [f64; 2]| ((soc * 10.0).round() as u16, (share * 10.0).round() as u16);
        let within = |pair: &[f64; 2]| pair.iter().all(|value| (0.0..=100.0).contains(value));
        let rises = text.curve.is_sorted_by(|left, right| left[0] < right[0]);
        let ends = |at: usize| text.curve.get(at).map(|point| point[0]);
        let whole = ends(0) == Some(0.0) && ends(text.curve.len().wrapping_sub(1)) == Some(100.0);
        if !whole || !rises || !text.curve.iter().all(within) {
            let found = format!("{:?}", text.curve);
            return wrong(
                "vehicles.curve",
                found,
                "points [percent of the battery, percent of dc_kw], the first at 0 and the last at 100",
            );
        }
        let vehicle = Vehicle {
            capacity_mwh: (text.battery_kwh * 1e6).round() as u64,
            ac_w: watts("vehicles.ac.power_kw", text.ac.power_kw)?,
            ac_phases: text.ac.phases,
            dc_w: watts("vehicles.dc_kw", text.dc_kw)?,
            curve: Curve::new(text.curve.iter().copied().map(point)),
        };
        list.push((text.share, vehicle));
    }
    shares_of("vehicles", list)
}

fn outages(text: &OfflineText) -> Result<Outages, ProfileError> {
    Ok(Outages {
        stations_permyriad: permyriad("offline.stations_percent", text.stations_percent)?,
        every: times("offline.every", &text.every)?,
        lasts: times("offline.lasts", &text.lasts)?,
    })
}

fn faults(text: &FaultsText) -> Result<Faults, ProfileError> {
    let faults = Faults {
        slow: permyriad("faults.slow_percent", text.slow_percent)?,
        silent: permyriad("faults.silent_percent", text.silent_percent)?,
        half_open: permyriad("faults.half_open_percent", text.half_open_percent)?,
        malicious: permyriad("faults.malicious_percent", text.malicious_percent)?,
    };
    match faults.slow + faults.silent + faults.half_open + faults.malicious {
        0..=10_000 => Ok(faults),
        sum => wrong(
            "faults",
            format!("{} % together", f64::from(sum) / 100.0),
            "100 % at most",
        ),
    }
}

fn shares_of<T>(key: &str, list: Vec<(f64, T)>) -> Result<Shares<T>, ProfileError> {
    let possible = |share: &f64| share.is_finite() && 0.0 <= *share && *share <= 1e6;
    let sum: f64 = list.iter().map(|(share, _)| share).sum();
    if !list.iter().all(|(share, _)| possible(share)) || sum <= 0.0 {
        let found: Vec<f64> = list.iter().map(|(share, _)| *share).collect();
        return wrong(
            key,
            format!("shares {found:?}"),
            "shares from 0 on, not all of them 0",
        );
    }
    Ok(Shares::new(
        list.into_iter()
            .map(|(share, of)| ((share * 1_000.0).round() as u64, of)),
    ))
}

fn watts(key: &str, kw: f64) -> Result<u32, ProfileError> {
    if (0.1..=10_000.0).contains(&kw) {
        Ok((kw * 1_000.0).round() as u32)
    } else {
        wrong(key, kw, "0.1 to 10000 kilowatts")
    }
}

/// Hundredths of a percent.
fn permyriad(key: &str, percent: f64) -> Result<u32, ProfileError> {
    if (0.0..=100.0).contains(&percent) {
        Ok((percent * 100.0).round() as u32)
    } else {
        wrong(key, percent, "0 to 100 percent")
    }
}

fn percents(key: &str, pair: [f64; 2]) -> Result<[u64; 2], ProfileError> {
    let [least, most] = pair;
    if (0.0..=100.0).contains(&least) && least <= most && most <= 100.0 {
        Ok(pair.map(|percent| (percent * 10.0).round() as u64))
    } else {
        wrong(
            key,
            format!("{pair:?}"),
            "two percentages, the smaller one first",
        )
    }
}

fn time(key: &str, text: &str) -> Result<Duration, ProfileError> {
    match humantime::parse_duration(text) {
        Ok(time) if !time.is_zero() => Ok(time),
        Ok(_) | Err(_) => wrong(key, format!("{text:?}"), "a time such as \"30s\" or \"2h\""),
    }
}

fn times(key: &str, pair: &[String; 2]) -> Result<[Duration; 2], ProfileError> {
    let times = [time(key, &pair[0])?, time(key, &pair[1])?];
    if times[0] <= times[1] {
        Ok(times)
    } else {
        wrong(key, format!("{pair:?}"), "two times, the shorter one first")
    }
}

fn time_of_day(key: &str, text: &str) -> Result<Duration, ProfileError> {
    let parts = text.split_once(':').and_then(|(hours, minutes)| {
        let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours < 24 && minutes < 60).then(|| Duration::from_secs(hours * 3_600 + minutes * 60))
    });
    match parts {
        Some(time) => Ok(time),
        None => wrong(key, format!("{text:?}"), "a time of day such as \"07:00\""),
    }
}
