//! A reconnect storm: all stations gather, most are cut off at one moment, and come back with their back-off while the
//! rest, the established ones, go on beating.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use net::driver::Io;
use ocpp::Instant;

use super::Runner;
use crate::fleet::Index;
use crate::report::Storm;

/// What a storm is.
#[derive(Debug)]
pub struct StormPlan {
    /// The first so many stations stay connected.
    pub established: usize,
    /// The others boot anew when they are back, as after a power cut; otherwise only their network was gone.
    pub power_loss: bool,
    /// So soon after the cut no attempt succeeds, because there is no network; nor does the CSMS see any.
    pub outage: Duration,
    /// How long all stations may take to gather.
    pub gather_max: Duration,
    /// Between gathering and the cut: what the established stations see then is what calm looks like.
    pub settle: Duration,
    /// How long the stations may take to be back.
    pub back_max: Duration,
    /// Where parts of one storm wait for each other before the cut.
    pub gate: Option<Gate>,
}

/// A part of a storm announces that it has gathered, and goes on when all have.
pub struct Gate {
    /// Called once.
    pub announce: Box<dyn Fn() + Send>,
    /// Set from outside, with a wake.
    pub go: Arc<AtomicBool>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("go", &self.go)
            .finish_non_exhaustive()
    }
}

/// How far a storm has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// This run is no storm.
    None,
    Gathering {
        until: Instant,
    },
    /// For the other parts.
    Waiting,
    Calm {
        since: Instant,
        until: Instant,
    },
    Storm {
        calm_since: Instant,
        cut_at: Instant,
        network_at: Instant,
        until: Instant,
    },
    Over,
}

impl Stage {
    pub(super) fn first(plan: Option<&StormPlan>, start: Instant) -> Stage {
        match plan {
            None => Stage::None,
            Some(plan) => Stage::Gathering {
                until: start + plan.gather_max,
            },
        }
    }
}

impl<P: FnMut(String)> Runner<P> {
    /// Goes on to the next stage when it is time; called at least once a step.
    pub(super) fn advance_storm(&mut self, io: &mut Io<'_>) {
        let Some(plan) = &self.settings.storm else {
            return;
        };
        match self.stage {
            Stage::Gathering { until } => {
                let stations = self.fleet.stations();
                let online = stations.iter().filter(|station| station.is_online());
                let (online, all) = (online.count(), stations.len());
                if online == all {
                    if let Some(gate) = &plan.gate {
                        (gate.announce)();
                    }
                    self.stage = Stage::Waiting;
                    self.advance_storm(io);
                } else if let Some(why) = self.report.nobody_after(all) {
                    self.failed = Some(why);
                    self.stage = Stage::Over;
                } else if until <= self.now {
                    self.failed = Some(format!(
                        "{online} of {all} stations are connected and accepted {:?} after the start, and before all are \
                         there is no storm; see above what failed, or allow more with --gather-max",
                        plan.gather_max
                    ));
                    self.stage = Stage::Over;
                }
            }
            Stage::Waiting => {
                let open = |gate: &Gate| gate.go.load(Ordering::Relaxed);
                if plan.gate.as_ref().is_none_or(open) {
                    self.stage = Stage::Calm {
                        since: self.now,
                        until: self.now + plan.settle,
                    };
                }
            }
            Stage::Calm { since, until } if until <= self.now => self.cut(io, since),
            Stage::Storm { until, .. } if until <= self.now => self.stage = Stage::Over,
            Stage::None | Stage::Calm { .. } | Stage::Storm { .. } | Stage::Over => {}
        }
    }

    fn cut(&mut self, io: &mut Io<'_>, calm_since: Instant) {
        let Some(plan) = &self.settings.storm else {
            return;
        };
        let (established, power_loss) = (plan.established, plan.power_loss);
        let stations = self.links.len() - established;
        self.stage = if stations == 0 {
            Stage::Over
        } else {
            Stage::Storm {
                calm_since,
                cut_at: self.now,
                network_at: self.now + plan.outage,
                until: self.now + plan.back_max,
            }
        };
        // A point ends here, so that the series shows the moment.
        self.tick();
        let storm = self.report.storm.get_or_insert_default();
        storm.cut_at_utc_micros = io.utc_micros();
        storm.stations = stations as u64;
        storm.established = established as u64;
        for at in established..self.links.len() {
            if let Some(conn) = self.links[at].conn.take() {
                self.report.cut();
                io.abort(conn);
            }
            self.fleet
                .handle_cut(at as Index, self.now, power_loss, &mut self.outputs);
        }
    }

    /// The counts of the storm, while it lasts, if `station` is one of those that were cut.
    fn storm_of(&mut self, station: Index) -> Option<&mut Storm> {
        let established = self.settings.storm.as_ref()?.established;
        let lasts = matches!(self.stage, Stage::Storm { .. });
        if !lasts || (station as usize) < established {
            return None;
        }
        self.report.storm.as_mut()
    }

    /// A station is about to connect; false while there is no network to connect through.
    pub(super) fn attempt(&mut self, station: Index) -> bool {
        let (stage, now) = (self.stage, self.now);
        let Some(storm) = self.storm_of(station) else {
            return true;
        };
        let there = !matches!(stage, Stage::Storm { network_at, .. } if now < network_at);
        storm.attempts += u64::from(there);
        there
    }

    /// An attempt to connect came to nothing.
    pub(super) fn not_connected(&mut self, station: Index, reason: &str) {
        self.report.connect_failed(reason);
        if let Some(storm) = self.storm_of(station) {
            storm.refused(reason);
        }
    }

    /// A connection speaks OCPP.
    pub(super) fn storm_connected(&mut self, station: Index) {
        let taken = self.now - self.links[station as usize].due;
        if let Some(storm) = self.storm_of(station) {
            storm.handshake.record(taken);
            self.may_be_back(station);
        }
    }

    /// Looks whether the station is back with what just happened.
    pub(super) fn may_be_back(&mut self, station: Index) {
        let Stage::Storm { cut_at, .. } = self.stage else {
            return;
        };
        let now = self.now;
        let online = self.fleet.stations()[station as usize].is_online();
        if self.storm_of(station).is_none()
            || !online
            || std::mem::replace(&mut self.links[station as usize].back, true)
        {
            return;
        }
        let Some(storm) = self.storm_of(station) else {
            return;
        };
        storm.is_back(now - cut_at);
        if storm.back == storm.stations {
            self.stage = Stage::Over;
        }
    }

    /// A station had an answer; what the established ones see is counted by when it was due.
    pub(super) fn established_answered(&mut self, station: Index, latency: Duration) {
        let Some(plan) = &self.settings.storm else {
            return;
        };
        if plan.established <= station as usize {
            return;
        }
        let due = Instant(self.now.0.saturating_sub(latency.as_nanos() as u64));
        let storm = &mut self.report.storm;
        match self.stage {
            Stage::Calm { since, .. } if since <= due => {
                storm.get_or_insert_default().calm.record(latency);
            }
            Stage::Storm {
                calm_since, cut_at, ..
            } => {
                let storm = storm.get_or_insert_default();
                if cut_at <= due {
                    storm.meanwhile.record(latency);
                } else if calm_since <= due {
                    storm.calm.record(latency);
                }
            }
            // Heartbeats stop with the storm, so what is answered now was due while it lasted.
            Stage::Over => {
                if let Some(storm) = storm {
                    storm.meanwhile.record(latency);
                }
            }
            Stage::None | Stage::Gathering { .. } | Stage::Waiting | Stage::Calm { .. } => {}
        }
    }
}
