//! One EVSE with its connector and meter, and the vehicles that come to it: the physical world of the simulation.
//!
//! It knows no network. What happens is decided by the seed and the plan alone, except for what the CSMS asks, so
//! the same seed gives the same happenings at the same moments whatever the CSMS answers and however late.

use std::time::Duration;

use ocpp::Instant;

use crate::charge::{Charge, Reading, Supply};
use crate::event::{Body, Sampled, Status, StopReason, Transaction};
use crate::plan::Plan;
use crate::random::Random;
use crate::scenario::Scenario;

/// Something that happened at `at`.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// When; never later than the time that was passed in.
    pub at: Instant,
    /// What.
    pub body: Body,
}

/// One EVSE.
///
/// # Invariants
///
/// - The register never falls; at the start and the end of a transaction it is a whole number of watt-hours.
/// - Every start is followed by exactly one stop, unless the run ends in between.
#[derive(Clone, Debug)]
pub struct Connector {
    evse: u32,
    random: Random,
    supply: Supply,
    phases: u32,
    register_mwh: u64,
    transactions: u32,
    /// False after ChangeAvailability to Inoperative; takes effect when no vehicle is charging.
    operative: bool,
    status: Status,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    /// Nobody is here, or the connector is out of service.
    Free {
        arrives_at: Option<Instant>,
    },
    Plugged {
        visit: Visit,
        authorize_at: Option<Instant>,
        starts_at: Instant,
    },
    Charging {
        visit: Visit,
        sample_at: Instant,
        stops_at: Instant,
        metered_at: Instant,
    },
    Finishing {
        leaves_at: Instant,
    },
}

#[derive(Clone, Debug)]
struct Visit {
    transaction: Transaction,
    token: String,
    charge: Charge,
    /// By the station's clock.
    length: Duration,
    remote: Option<Box<RemoteStart>>,
}

/// What the CSMS said when it asked for a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteStart {
    /// The card to charge it to.
    pub token: String,
    /// `remoteStartId` of 2.0.1.
    pub id: Option<i64>,
}

/// What a connector made of a request to change its availability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Done.
    Changed,
    /// Will be done when the transaction ends.
    Scheduled,
}

impl Connector {
    /// The connector of `evse` at the station `index`, which begins its work at `begins_at`.
    pub fn new(plan: &Plan, index: u32, evse: u32, begins_at: Instant) -> Connector {
        let mut random = Random::new(plan.seed, &[u64::from(index), u64::from(evse)]);
        // Every connector of a station delivers the same, so the station draws.
        let mut of_station = Random::new(plan.seed, &[u64::from(index)]);
        let (supply, phases) = match plan.scenario.profile() {
            Some(profile) => profile.supply(&mut of_station),
            None => (Supply::draw(&mut of_station), 3),
        };
        // As if it had delivered 5 kW all its life since 2020: a later run finds the meter further on.
        let lifetime_ms = plan.timeline.start_utc_micros / 1_000 - 1_577_836_800_000;
        let lifetime_mwh = u64::try_from(lifetime_ms).unwrap_or(0) * 5_000 / 3_600;
        let register_mwh = lifetime_mwh + random.between(0, 1_000_000_000);
        let first = random.duration(Duration::ZERO, plan.interval * 2) + plan.pause();
        let arrives_at = match &plan.scenario {
            Scenario::Default | Scenario::Once => Some(begins_at + plan.timeline.real(first)),
            Scenario::Idle => None,
            Scenario::Profile(_) => arrival(plan, begins_at, &mut random),
        };
        Connector {
            evse,
            random,
            supply,
            phases,
            register_mwh,
            transactions: 0,
            operative: true,
            status: Status::Available,
            phase: Phase::Free { arrives_at },
        }
    }

    /// What it is now.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The transaction that runs.
    pub fn transaction(&self) -> Option<Transaction> {
        match &self.phase {
            Phase::Charging { visit, .. } => Some(visit.transaction),
            Phase::Free { .. } | Phase::Plugged { .. } | Phase::Finishing { .. } => None,
        }
    }

    /// True when a transaction could begin now.
    pub fn is_free(&self) -> bool {
        self.operative && matches!(self.phase, Phase::Free { .. })
    }

    /// When [`Connector::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Free { arrives_at } => arrives_at.filter(|_| self.operative),
            Phase::Plugged {
                authorize_at,
                starts_at,
                ..
            } => Some(authorize_at.unwrap_or(*starts_at)),
            Phase::Charging {
                sample_at,
                stops_at,
                ..
            } => Some(*sample_at.min(stops_at)),
            Phase::Finishing { leaves_at } => Some(*leaves_at),
        }
    }

    /// Lets happen what is due by `now`. `interval` is the station's meter interval.
    pub fn handle_timeout(
        &mut self,
        plan: &Plan,
        now: Instant,
        interval: Duration,
        out: &mut Vec<Happening>,
    ) {
        while let Some(at) = self.poll_timeout().filter(|at| *at <= now) {
            self.step(plan, at, interval, out);
        }
    }

    fn step(&mut self, plan: &Plan, at: Instant, interval: Duration, out: &mut Vec<Happening>) {
        match &mut self.phase {
            Phase::Free { arrives_at } => {
                *arrives_at = None;
                let (charge, drawn) = match plan.scenario.profile() {
                    Some(profile) => {
                        let visit = profile.visit(self.supply, self.phases, &mut self.random);
                        (Some(visit.0), visit.1)
                    }
                    None => {
                        let (least, most) = (plan.interval * 3, plan.interval * 12);
                        (None, self.random.duration(least, most))
                    }
                };
                if let Some(length) = self.fitting(plan, at, drawn) {
                    self.plug(plan, at, length, charge, None, out);
                }
            }
            Phase::Plugged {
                visit,
                authorize_at: due @ Some(_),
                ..
            } => {
                *due = None;
                let token = visit.token.clone();
                out.push(Happening {
                    at,
                    body: Body::Authorize {
                        evse: self.evse,
                        token,
                    },
                });
            }
            Phase::Plugged { .. } => self.start(plan, at, interval, out),
            Phase::Charging {
                sample_at,
                stops_at,
                ..
            } if *sample_at < *stops_at => {
                *sample_at = *sample_at + plan.timeline.real(interval);
                self.sample(plan, at, Sampled::Periodically, out);
            }
            Phase::Charging { .. } => self.stop(plan, at, StopReason::Local, out),
            Phase::Finishing { .. } => self.leave(plan, at, out),
        }
    }

    /// `drawn`, cut so that the vehicle is gone at the end of the run; `None` when it should not come any more.
    /// Cut lengths are spread, lest the whole fleet stops in the last second.
    fn fitting(&mut self, plan: &Plan, at: Instant, drawn: Duration) -> Option<Duration> {
        let room = plan
            .timeline
            .station(plan.end - at)
            .saturating_sub(plan.pause() * 3);
        if drawn <= room {
            return Some(drawn);
        }
        let cut = self.random.duration(room / 2, room);
        (plan.interval / 2 <= cut).then_some(cut)
    }

    fn plug(
        &mut self,
        plan: &Plan,
        at: Instant,
        length: Duration,
        charge: Option<Charge>,
        remote: Option<RemoteStart>,
        out: &mut Vec<Happening>,
    ) {
        self.transactions += 1;
        let own = format!("CARD{:08X}", self.random.bits() as u32);
        let pause = plan.timeline.real(plan.pause());
        let visit = Visit {
            transaction: Transaction {
                evse: self.evse,
                number: self.transactions,
            },
            token: remote.as_ref().map_or(own, |remote| remote.token.clone()),
            charge: charge.unwrap_or_else(|| match plan.scenario.profile() {
                Some(profile) => profile.visit(self.supply, self.phases, &mut self.random).0,
                None => Charge::draw(self.supply, &mut self.random),
            }),
            length,
            remote: remote.map(Box::new),
        };
        let authorize_at = visit.remote.is_none().then(|| at + pause);
        let starts_at = authorize_at.unwrap_or(at) + pause;
        self.phase = Phase::Plugged {
            visit,
            authorize_at,
            starts_at,
        };
        self.report(at, Status::Preparing, out);
    }

    fn start(&mut self, plan: &Plan, at: Instant, interval: Duration, out: &mut Vec<Happening>) {
        let free = Phase::Free { arrives_at: None };
        let Phase::Plugged { visit, .. } = std::mem::replace(&mut self.phase, free) else {
            unreachable!("only a plugged vehicle starts");
        };
        self.register_mwh = self.register_mwh.next_multiple_of(1_000);
        out.push(Happening {
            at,
            body: Body::Start {
                transaction: visit.transaction,
                token: visit.token.clone(),
                reading: visit.charge.reading(self.register_mwh),
                remote_start_id: visit.remote.as_ref().and_then(|remote| remote.id),
                remote: visit.remote.is_some(),
            },
        });
        self.phase = Phase::Charging {
            sample_at: at + plan.timeline.real(interval),
            stops_at: at + plan.timeline.real(visit.length),
            metered_at: at,
            visit,
        };
        self.report(at, Status::Charging, out);
    }

    /// Reads the meter of the running transaction, if there is one.
    pub fn sample(&mut self, plan: &Plan, at: Instant, why: Sampled, out: &mut Vec<Happening>) {
        let Some((transaction, reading)) = self.read_meter(plan, at) else {
            return;
        };
        out.push(Happening {
            at,
            body: Body::Sample {
                transaction,
                reading,
                why,
            },
        });
    }

    fn read_meter(&mut self, plan: &Plan, at: Instant) -> Option<(Transaction, Reading)> {
        let Phase::Charging {
            visit, metered_at, ..
        } = &mut self.phase
        else {
            return None;
        };
        self.register_mwh += visit
            .charge
            .advance(plan.timeline.station(at - *metered_at));
        *metered_at = at;
        Some((visit.transaction, visit.charge.reading(self.register_mwh)))
    }

    /// Ends the running transaction, if there is one.
    pub fn stop(&mut self, plan: &Plan, at: Instant, reason: StopReason, out: &mut Vec<Happening>) {
        let Some((transaction, mut reading)) = self.read_meter(plan, at) else {
            return;
        };
        self.register_mwh = self.register_mwh.next_multiple_of(1_000);
        reading.register_mwh = self.register_mwh;
        let leaves_at = at + plan.timeline.real(plan.pause());
        let finishing = Phase::Finishing { leaves_at };
        let Phase::Charging { visit, .. } = std::mem::replace(&mut self.phase, finishing) else {
            unreachable!("a meter is read only while charging");
        };
        let token = visit.token;
        out.push(Happening {
            at,
            body: Body::Stop {
                transaction,
                token,
                reading,
                reason,
            },
        });
        self.report(at, Status::Finishing, out);
    }

    fn leave(&mut self, plan: &Plan, at: Instant, out: &mut Vec<Happening>) {
        let pause = self.random.duration(plan.interval / 2, plan.interval * 4);
        let arrives_at = match &plan.scenario {
            Scenario::Default => Some(at + plan.timeline.real(pause)),
            Scenario::Once | Scenario::Idle => None,
            Scenario::Profile(_) => arrival(plan, at, &mut self.random),
        };
        self.phase = Phase::Free { arrives_at };
        self.report(at, self.free_status(), out);
    }

    /// Sends the vehicle away whose card was refused before its transaction began.
    pub fn refuse(&mut self, plan: &Plan, at: Instant, out: &mut Vec<Happening>) {
        if matches!(self.phase, Phase::Plugged { .. }) {
            self.leave(plan, at, out);
        }
    }

    /// Begins a visit for the CSMS. False when somebody is here or the connector is out of service.
    pub fn start_remotely(
        &mut self,
        plan: &Plan,
        at: Instant,
        remote: RemoteStart,
        out: &mut Vec<Happening>,
    ) -> bool {
        if !self.is_free() {
            return false;
        }
        // An operator started it and will stop it; should nobody do so, the vehicle leaves after twice the longest
        // visit.
        self.plug(plan, at, plan.interval * 24, None, Some(remote), out);
        true
    }

    /// Puts the connector in or out of service.
    pub fn set_operative(
        &mut self,
        at: Instant,
        operative: bool,
        out: &mut Vec<Happening>,
    ) -> Availability {
        self.operative = operative;
        if !matches!(self.phase, Phase::Free { .. }) {
            return if operative {
                Availability::Changed
            } else {
                Availability::Scheduled
            };
        }
        if let Phase::Free {
            arrives_at: Some(arrives_at),
        } = &mut self.phase
        {
            // Whoever would have come meanwhile has gone elsewhere.
            *arrives_at = (*arrives_at).max(at);
        }
        self.report(at, self.free_status(), out);
        Availability::Changed
    }

    /// Lets nobody come any more.
    pub fn close(&mut self) {
        if let Phase::Free { arrives_at } = &mut self.phase {
            *arrives_at = None;
        }
    }

    fn free_status(&self) -> Status {
        if self.operative {
            Status::Available
        } else {
            Status::Unavailable
        }
    }

    fn report(&mut self, at: Instant, status: Status, out: &mut Vec<Happening>) {
        if self.status != status {
            self.status = status;
            out.push(Happening {
                at,
                body: Body::Status {
                    evse: self.evse,
                    status,
                },
            });
        }
    }
}

/// When the next vehicle of a profile comes, after `at`.
fn arrival(plan: &Plan, at: Instant, random: &mut Random) -> Option<Instant> {
    let profile = plan.scenario.profile()?;
    let timeline = &plan.timeline;
    let since_start = timeline.station(at - timeline.start);
    let end = timeline.station(plan.end - timeline.start);
    let after = profile.arrival(since_start, end, random)?;
    Some(at + timeline.real(after))
}

#[cfg(test)]
mod tests;
