//! A vehicle taking energy: how much power it draws, and what the meter counts, exactly.

use std::time::Duration;

use crate::random::Random;

/// How a connector delivers power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// Three phases of 230 V, up to so many watts.
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

/// One vehicle at one connector.
#[derive(Clone, Debug)]
pub struct Charge {
    supply: Supply,
    /// What the vehicle takes at most, watts.
    power_max_w: u32,
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
        Charge {
            supply,
            power_max_w: supply.power_max_w().min(limit),
            capacity_mwh,
            stored_mwh: capacity_mwh * random.between(10, 70) / 100,
            since_start: Duration::ZERO,
            remainder: 0,
        }
    }

    /// Watts drawn now: a ramp, then all the vehicle takes up to 80 %, then less and less down to 5 %.
    fn power_w(&self) -> u32 {
        let permille = self.stored_mwh * 1_000 / self.capacity_mwh;
        let share = match permille {
            0..=800 => 1_000,
            801..=1_000 => 1_000 - (permille - 800) * 950 / 200,
            _ => 50,
        };
        let ramp = self.since_start.min(Charge::RAMP).as_millis() as u64;
        let watts = u64::from(self.power_max_w) * share / 1_000;
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
        let (voltage_dv, phases) = match self.supply {
            Supply::Ac(_) => (2_300, 3),
            Supply::Dc(_) => (3_500 + soc_percent * 8, 1),
        };
        Reading {
            register_mwh,
            power_w,
            current_da: power_w * 100 / voltage_dv / phases,
            voltage_dv,
            soc_percent,
            three_phase: phases == 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vehicle(stored_percent: u64) -> Charge {
        Charge {
            supply: Supply::Dc(50_000),
            power_max_w: 50_000,
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
    fn a_reading_is_consistent() {
        let reading = vehicle(50).reading(123);
        assert_eq!(reading.register_mwh, 123);
        assert_eq!(reading.soc_percent, 50);
        assert_eq!(reading.voltage_dv, 3_900);
        assert_eq!(reading.current_da, 1_282, "50 kW at 390 V");
    }
}
