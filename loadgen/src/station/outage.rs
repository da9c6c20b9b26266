//! A station that loses its network from time to time. What happens meanwhile is queued and sent when it is back.

use std::time::Duration;

use ocpp::Instant;

use super::{Link, Output, Station};
use crate::plan::Plan;
use crate::random::Random;
use crate::scenario::{Outages, Role};

/// The outages of one station.
#[derive(Debug)]
pub(super) struct Outage {
    /// When the next one begins.
    pub(super) at: Instant,
    /// The CSMS does not notice.
    silent: bool,
    outages: Outages,
    random: Random,
}

impl Outage {
    /// Those of the station of this number; `None` if its network is good.
    pub(super) fn of(plan: &Plan, number: u32, begins_at: Instant) -> Option<Outage> {
        let offline = plan.scenario.profile().and_then(|profile| profile.offline);
        let half_open = plan.faults.role(plan.seed, number) == Role::HalfOpen;
        let outages = if half_open {
            // Gone and back at once, as after a restart of its modem.
            Outages {
                stations_permyriad: 10_000,
                every: [plan.interval * 2, plan.interval * 8],
                lasts: [Duration::ZERO; 2],
            }
        } else {
            offline?.of(plan.seed, number)?
        };
        let mut outage = Outage {
            at: begins_at,
            silent: half_open,
            outages,
            random: Random::new(plan.seed, &[u64::from(number), 0x6f75_7461]),
        };
        outage.at = begins_at + plan.timeline.real(outage.draw(outages.every));
        Some(outage)
    }

    fn draw(&mut self, [least, most]: [Duration; 2]) -> Duration {
        self.random.duration(least, most + Duration::from_millis(1))
    }
}

impl Station {
    /// Begins the outage that is due, unless the run would end in it: what is queued then could not be sent.
    pub(super) fn lose_network(&mut self, plan: &Plan, now: Instant, out: &mut Vec<Output>) {
        let Some(mut outage) = self.outage.take() else {
            return;
        };
        let back_at = now + plan.timeline.real(outage.draw(outage.outages.lasts));
        let latest = back_at + plan.back_off.wait_min + plan.back_off.random_range;
        if plan.end <= latest {
            return;
        }
        match self.link {
            Link::Up | Link::Connecting { .. } => {
                let silent = outage.silent;
                out.push(Output::Cut { silent });
                self.handle_down(plan, now, out);
            }
            Link::Down { .. } => {}
        }
        if let Link::Down { retry_at } = &mut self.link {
            *retry_at = (*retry_at).max(back_at + self.back_off);
        }
        outage.at = back_at + plan.timeline.real(outage.draw(outage.outages.every));
        self.outage = Some(outage);
    }
}
