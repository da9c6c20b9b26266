//! A vehicle taking energy: how much power it draws, and what the meter counts, exactly.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::random::Random;

/// How a connector delivers power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// Phases of 230 V, up to so many watts together.
    Ac(u32),
    /// Direct current at the battery's voltage, up to so many watts.
    Dc(u32),
}

impl Supply {
    /// Draws one: seven of ten stations are AC.
    pub fn draw(random: &mut Random) -> Supply {
        match random.between(0, 10) {
            0..4 => Supply::Ac(11_000),
            4..7 => Supply::Ac(22_000),
            7..9 => Supply::Dc(50_000),
            _ => Supply::Dc(150_000),
        }
    }

    /// Watts it can deliver.
    pub fn power_max_w(self) -> u32 {
        match self {
            Supply::Ac(watts) | Supply::Dc(watts) => watts,
        }
    }
}

/// How much of its highest power a battery takes, by how full it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curve(Arc<[(u16, u16)]>);

/// All up to 80 %, then less and less down to 5 %.
static PLAIN: LazyLock<Curve> =
    LazyLock::new(|| Curve::new([(0, 1_000), (800, 1_000), (1_000, 50)]));

impl Curve {
    /// Of points of state of charge and power, both in thousandths: the first at 0, the last at 1000, in order.
    pub fn new(points: impl IntoIterator<Item = (u16, u16)>) -> Curve {
        Curve(points.into_iter().collect())
    }

    /// Thousandths of the power at `soc` thousandths of charge, on a straight line between two points.
    fn at(&self, soc: u64) -> u64 {
        let after = self
            .0
            .partition_point(|(point, _)| u64::from(*point) <= soc);
        let point = |at: usize| self.0.get(at).map(|(x, y)| (u64::from(*x), u64::from(*y)));
        match (after.checked_sub(1).and_then(point), point(after)) {
            (Some((x0, y0)), Some((x1, y1))) if y1 < y0 => y0 - (y0 - y1) * (soc - x0) / (x1 - x0),
            (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (soc - x0) / (x1 - x0),
            (Some((_, y)), None) | (None, Some((_, y))) => y,
            (None, None) => 0,
        }
    }
}

/// One vehicle at one connector.
#[derive(Clone, Debug)]
pub struct Charge {
    supply: Supply,
    phases: u32,
    /// What goes through cable and charger at most, watts.
    limit_w: u32,
    /// What the battery takes at most, watts.
    accepts_w: u32,
    curve: Curve,
    capacity_mwh: u64,
    stored_mwh: u64,
    since_start: Duration,
    /// Watt-milliseconds not yet a milliwatt-hour; below 3600.
    remainder: u64,
}

/// What the meter shows at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// `Energy.Active.Import.Register`, milliwatt-hours.
    pub register_mwh: u64,
    /// `Power.Active.Import`, watts.
    pub power_w: u32,
    /// `Current.Import`, tenths of an ampere: per phase of AC, in total of DC.
    pub current_da: u32,
    /// `Voltage`, tenths of a volt.
    pub voltage_dv: u32,
    /// `SoC`, percent.
    pub soc_percent: u32,
    /// True for three phases.
    pub three_phase: bool,
}

impl Charge {
    /// Power rises from zero to full within this time.
    const RAMP: Duration = Duration::from_secs(20);
    /// A step short enough for the curve: power changes by less than one percent in it.
    const STEP: Duration = Duration::from_secs(10);

    /// A vehicle that arrives with 10 to 70 % in its battery.
    pub fn draw(supply: Supply, random: &mut Random) -> Charge {
        let capacity_mwh = random.between(40, 101) * 1_000_000;
        let limit = match supply {
            Supply::Ac(_) => [7_400, 11_000, 22_000][random.between(0, 3) as usize],
            Supply::Dc(_) => [50_000, 100_000, 170_000][random.between(0, 3) as usize],
        };
        let power_w = supply.power_max_w().min(limit);
        let phases = match supply {
            Supply::Ac(_) => 3,
            Supply::Dc(_) => 1,
        };
        let stored_permille = random.between(10, 70) * 10;
        Charge::new(
            supply,
            phases,
            power_w,
            power_w,
            capacity_mwh,
            stored_permille,
            PLAIN.clone(),
        )
    }

    /// A vehicle that arrives with `stored_permille` of `capacity_mwh` in its battery, which takes `accepts_w` and less
    /// by its `curve`, through what lets `limit_w` pass over so many phases.
    pub fn new(
        supply: Supply,
        phases: u32,
        limit_w: u32,
        accepts_w: u32,
        capacity_mwh: u64,
        stored_permille: u64,
        curve: Curve,
    ) -> Charge {
        Charge {
            supply,
            phases,
            limit_w,
            accepts_w,
            curve,
            capacity_mwh,
            stored_mwh: capacity_mwh * stored_permille / 1_000,
            since_start: Duration::ZERO,
            remainder: 0,
        }
    }

    /// How long until it is `permille` full, or `longest` if that comes first.
    pub fn time_to(&self, permille: u64, longest: Duration) -> Duration {
        let mut charge = self.clone();
        let mut time = Duration::ZERO;
        while time < longest && charge.stored_mwh * 1_000 < permille * charge.capacity_mwh {
            charge.advance(Charge::STEP);
            time += Charge::STEP;
        }
        time.min(longest)
    }

    /// Watts drawn now: a ramp, then what the battery takes and what gets through to it.
    fn power_w(&self) -> u32 {
        let permille = self.stored_mwh * 1_000 / self.capacity_mwh;
        let ramp = self.since_start.min(Charge::RAMP).as_millis() as u64;
        let accepted = u64::from(self.accepts_w) * self.curve.at(permille) / 1_000;
        let watts = accepted.min(u64::from(self.limit_w));
        (watts * ramp / Charge::RAMP.as_millis() as u64) as u32
    }

    /// Lets `elapsed` pass by the station's clock; returns what went through the meter, milliwatt-hours.
    pub fn advance(&mut self, elapsed: Duration) -> u64 {
        let mut left = elapsed;
        let mut metered_mwh = 0;
        while left > Duration::ZERO {
            let step = left.min(Charge::STEP);
            left -= step;
            self.since_start += step;
            let watt_millis = u64::from(self.power_w()) * step.as_millis() as u64 + self.remainder;
            let delivered = watt_millis / 3_600;
            self.remainder = watt_millis % 3_600;
            metered_mwh += delivered;
            self.stored_mwh = (self.stored_mwh + delivered).min(self.capacity_mwh);
        }
        metered_mwh
    }

    /// What the meter shows when its register stands at `register_mwh`.
    pub fn reading(&self, register_mwh: u64) -> Reading {
        let power_w = self.power_w();
        let soc_percent = (self.stored_mwh * 100 / self.capacity_mwh) as u32;
        let voltage_dv = match self.supply {
            Supply::Ac(_) => 2_300,
            Supply::Dc(_) => 3_500 + soc_percent * 8,
        };
        Reading {
            register_mwh,
            power_w,
            current_da: power_w * 100 / voltage_dv / self.phases,
            voltage_dv,
            soc_percent,
            three_phase: self.phases == 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vehicle(stored_percent: u64) -> Charge {
        Charge {
            supply: Supply::Dc(50_000),
            phases: 1,
            limit_w: 50_000,
            accepts_w: 50_000,
            curve: PLAIN.clone(),
            capacity_mwh: 50_000_000,
            stored_mwh: 50_000_000 * stored_percent / 100,
            since_start: Charge::RAMP,
            remainder: 0,
        }
    }

    #[test]
    fn constant_power_is_metered_to_the_milliwatt_hour() {
        let mut charge = vehicle(10);
        assert_eq!(charge.advance(Duration::from_secs(60)), 833_333);
        assert_eq!(charge.advance(Duration::from_secs(60)), 833_333);
        assert_eq!(
            charge.advance(Duration::from_secs(60)),
            833_334,
            "thirds add up"
        );
        let short: u64 = (0..60)
            .map(|_| charge.advance(Duration::from_secs(1)))
            .sum();
        assert_eq!(short, 833_333);
    }

    #[test]
    fn power_ramps_up_and_tapers_off() {
        let mut cold = vehicle(10);
        cold.since_start = Duration::ZERO;
        assert_eq!(cold.power_w(), 0);
        cold.since_start = Charge::RAMP / 2;
        assert_eq!(cold.power_w(), 25_000);
        for (percent, watts) in [(80, 50_000), (90, 26_250), (100, 2_500)] {
            assert_eq!(vehicle(percent).power_w(), watts, "at {percent} %");
        }
    }

    #[test]
    fn what_the_cable_lets_through_hides_the_curve_until_it_falls_below() {
        let mut charge = vehicle(10);
        charge.limit_w = 20_000;
        charge.curve = Curve::new([(0, 600), (100, 1_000), (500, 1_000), (1_000, 0)]);
        let watts = |charge: &mut Charge, percent| {
            charge.stored_mwh = charge.capacity_mwh * percent / 100;
            charge.power_w()
        };
        for (percent, limited) in [
            (0, 20_000),
            (70, 20_000),
            (80, 20_000),
            (90, 10_000),
            (100, 0),
        ] {
            assert_eq!(watts(&mut charge, percent), limited, "at {percent} %");
        }
        charge.limit_w = u32::MAX;
        for (percent, free) in [(0, 30_000), (5, 40_000), (10, 50_000), (75, 25_000)] {
            assert_eq!(watts(&mut charge, percent), free, "at {percent} %");
        }
    }

    #[test]
    fn the_time_to_a_state_of_charge_is_what_charging_takes() {
        let mut charge = vehicle(10);
        charge.since_start = Duration::ZERO;
        let hour = Duration::from_secs(3_600);
        let time = charge.time_to(800, hour);
        charge.advance(time);
        assert_eq!(charge.stored_mwh * 100 / charge.capacity_mwh, 80);
        assert_eq!(charge.time_to(800, hour), Duration::ZERO);
        assert_eq!(vehicle(10).time_to(1_000, hour / 6), hour / 6);
    }

    #[test]
    fn a_reading_is_consistent() {
        let reading = vehicle(50).reading(123);
        assert_eq!(reading.register_mwh, 123);
        assert_eq!(reading.soc_percent, 50);
        assert_eq!(reading.voltage_dv, 3_900);
        assert_eq!(reading.current_da, 1_282, "50 kW at 390 V");
    }
}
