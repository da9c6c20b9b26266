//! All stations and their deadlines, without sockets.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use ocpp::{Instant, Version};

use crate::plan::Plan;
use crate::station::{Output, Station};
use crate::truth::Truth;

/// A station's place in its fleet.
pub type Index = u32;

/// What the stations want done, in order, each with the station that wants it.
pub type Outputs = VecDeque<(Index, Output)>;

/// A fleet.
///
/// # Invariants
///
/// - A station with a deadline has an entry in the heap that is not later than it.
#[derive(Debug)]
pub struct Fleet {
    plan: Plan,
    stations: Vec<Station>,
    deadlines: BinaryHeap<Reverse<(Instant, Index)>>,
    /// The earliest entry of each station in the heap; later ones are left-overs.
    scheduled: Vec<Option<Instant>>,
    /// Reused between calls.
    outputs: Vec<Output>,
}

impl Fleet {
    /// The stations of `identities`; one connects every `pace`, beginning at the start of the plan.
    ///
    /// Each comes with its number in the whole fleet, of which this one may be a part: a station does the same
    /// whatever process it is in.
    pub fn new(
        plan: Plan,
        identities: impl IntoIterator<Item = (u32, String, Version)>,
        pace: Duration,
    ) -> Fleet {
        let mut stations = Vec::new();
        for (number, name, version) in identities {
            let begins_at = plan.timeline.start + pace.saturating_mul(number);
            stations.push(Station::new(&plan, number, name, version, begins_at));
        }
        stations.shrink_to_fit();
        let mut fleet = Fleet {
            plan,
            deadlines: BinaryHeap::with_capacity(stations.len()),
            scheduled: vec![None; stations.len()],
            stations,
            outputs: Vec::new(),
        };
        for index in 0..fleet.stations.len() {
            fleet.schedule(index);
        }
        fleet
    }

    /// Its stations.
    pub fn stations(&self) -> &[Station] {
        &self.stations
    }

    /// What they have in common.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// When [`Fleet::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.peek().map(|Reverse((at, _))| *at)
    }

    /// Does what is due by `now`; returns by how much the latest deadline was missed, as far as any was due.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Outputs) -> Option<Duration> {
        let mut lag = None;
        while let Some(Reverse((at, index))) = self.deadlines.peek().copied() {
            if now < at {
                break;
            }
            self.deadlines.pop();
            if self.scheduled[index as usize] != Some(at) {
                continue;
            }
            self.scheduled[index as usize] = None;
            lag = lag.max(Some(now - at));
            self.with(index, out, |station, plan, out| {
                station.handle_timeout(plan, now, out)
            });
        }
        lag
    }

    /// The connection that the station asked for is there.
    pub fn handle_up(&mut self, index: Index, now: Instant, out: &mut Outputs) {
        self.with(index, out, |station, plan, out| {
            station.handle_up(plan, now, out)
        });
    }

    /// The station's connection is gone, or did not come about.
    pub fn handle_down(&mut self, index: Index, now: Instant, out: &mut Outputs) {
        self.with(index, out, |station, plan, out| {
            station.handle_down(plan, now, out)
        });
    }

    /// The station's connection was cut from here, with its power if `power_loss`.
    pub fn handle_cut(&mut self, index: Index, now: Instant, power_loss: bool, out: &mut Outputs) {
        self.with(index, out, |station, plan, out| {
            if power_loss {
                station.handle_power_loss(plan, now, out);
            } else {
                station.handle_down(plan, now, out);
            }
        });
    }

    /// A text message for the station.
    pub fn handle_text(&mut self, index: Index, now: Instant, text: &str, out: &mut Outputs) {
        self.with(index, out, |station, plan, out| {
            station.handle_text(plan, now, text, out)
        });
    }

    /// Nobody comes any more; what is queued is still sent.
    pub fn finish(&mut self) {
        for station in &mut self.stations {
            station.finish();
        }
    }

    /// True when no connected station has anything left to say.
    pub fn is_quiet(&self) -> bool {
        self.stations.iter().all(Station::is_quiet)
    }

    /// Events that were sent and never acknowledged.
    pub fn unsettled(&self) -> Vec<Truth> {
        self.stations
            .iter()
            .flat_map(|station| station.unsettled(&self.plan))
            .collect()
    }

    fn with(
        &mut self,
        index: Index,
        out: &mut Outputs,
        act: impl FnOnce(&mut Station, &Plan, &mut Vec<Output>),
    ) {
        let at = index as usize;
        act(&mut self.stations[at], &self.plan, &mut self.outputs);
        out.extend(self.outputs.drain(..).map(|output| (index, output)));
        self.schedule(at);
    }

    fn schedule(&mut self, at: usize) {
        let Some(deadline) = self.stations[at].poll_timeout() else {
            return;
        };
        // An entry that comes too early costs one call that does nothing; taking it out would cost a search.
        if self.scheduled[at].is_none_or(|scheduled| deadline < scheduled) {
            self.scheduled[at] = Some(deadline);
            self.deadlines.push(Reverse((deadline, at as Index)));
        }
    }
}
