//! What a server says about itself: how long its answers took, from when a socket was readable to when the reply was
//! handed on. And what it is to do: ask its stations.

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::child::Server;
use crate::stats::Quantiles;

/// Commands that a server is to send.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Commands {
    /// How many.
    pub count: u64,
    /// A second.
    pub rate: u64,
    /// To so many stations, in turn.
    pub stations: u64,
    /// Stations are called PREFIX00001, PREFIX00002, …
    pub prefix: String,
}

impl Commands {
    /// To whom the `nth` goes, from 0: neighbours lie far apart.
    pub fn station(&self, nth: u64) -> String {
        let number = nth.wrapping_mul(7_919) % self.stations + 1;
        format!("{}{number:05}", self.prefix)
    }

    /// Has them sent; how long each took, from asking for it to the station's answer.
    ///
    /// # Errors
    ///
    /// A station does not answer, or the server is gone.
    pub fn send(&self, server: &mut Server) -> anyhow::Result<Quantiles> {
        let line = server.ask_for(&serde_json::to_string(self)?)?;
        serde_json::from_str(&line).with_context(|| format!("reading what a server said: {line}"))
    }
}

/// Counts since the server started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Inside {
    /// Upper bounds, inclusive, microseconds.
    pub bounds_us: Vec<u64>,
    /// Answers within each bound, then those beyond the last.
    pub counts: Vec<u64>,
    /// The same of answers on connections that were there a minute before.
    pub established: Vec<u64>,
    /// Commands: from when each was safe in the log to its call handed on.
    pub commands: Vec<u64>,
    /// Commits of the log.
    pub commits: u64,
    /// Bytes that they wrote, padding included.
    pub bytes_written: u64,
    /// Open now.
    pub connections: u64,
}

impl Inside {
    /// Asks a data plane.
    ///
    /// # Errors
    ///
    /// It is gone, or says something else.
    pub fn of(server: &mut Server) -> anyhow::Result<Inside> {
        let line = server.ask()?;
        serde_json::from_str(&line).with_context(|| format!("reading what a server said: {line}"))
    }

    /// What came after `before`.
    pub fn since(&self, before: &Inside) -> Inside {
        let grown = |after: &[u64], before: &[u64]| {
            let counts = after.iter().zip(before);
            counts.map(|(after, before)| after - before).collect()
        };
        Inside {
            bounds_us: self.bounds_us.clone(),
            counts: grown(&self.counts, &before.counts),
            established: grown(&self.established, &before.established),
            commands: grown(&self.commands, &before.commands),
            commits: self.commits - before.commits,
            bytes_written: self.bytes_written - before.bytes_written,
            connections: self.connections,
        }
    }

    /// The same of answers to established stations alone.
    pub fn of_established(&self) -> Inside {
        Inside {
            counts: self.established.clone(),
            ..self.clone()
        }
    }

    /// The same of commands.
    pub fn of_commands(&self) -> Inside {
        Inside {
            counts: self.commands.clone(),
            ..self.clone()
        }
    }

    /// Answers.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The `quantile` of the answers took at most this many microseconds; `None` beyond the last bound.
    pub fn bound_us(&self, quantile: f64) -> Option<u64> {
        let wanted = (self.count() as f64 * quantile).ceil() as u64;
        let mut seen = 0;
        let counts = self.counts.iter().map(|count| {
            seen += count;
            seen
        });
        let reached = counts
            .zip(&self.bounds_us)
            .find(|(seen, _)| wanted <= *seen);
        reached.map(|(_, bound)| *bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_station_is_asked_in_its_turn() {
        let commands = Commands {
            count: 40,
            rate: 1,
            stations: 40,
            prefix: "CP".to_owned(),
        };
        let mut asked: Vec<_> = (0..40).map(|nth| commands.station(nth)).collect();
        asked.sort();
        let expected: Vec<_> = (1..=40).map(|nth| format!("CP{nth:05}")).collect();
        assert_eq!(asked, expected);
    }

    #[test]
    fn a_quantile_lies_within_its_bound() {
        let before = Inside {
            bounds_us: vec![20, 30, 40],
            counts: vec![5, 0, 0, 0],
            established: vec![1, 0, 0, 0],
            commands: vec![0, 0, 0, 0],
            commits: 1,
            bytes_written: 4_096,
            connections: 0,
        };
        let after = Inside {
            counts: vec![103, 1, 0, 1],
            established: vec![3, 0, 1, 0],
            commands: vec![0, 0, 0, 2],
            ..before.clone()
        };
        let inside = after.since(&before);
        assert_eq!(inside.count(), 100);
        let bounds = [0.5, 0.98, 0.99, 1.0].map(|quantile| inside.bound_us(quantile));
        assert_eq!(bounds, [Some(20), Some(20), Some(30), None]);
        let commands = inside.of_commands();
        assert_eq!((commands.count(), commands.bound_us(0.5)), (2, None));
        let inside = inside.of_established();
        assert_eq!((inside.count(), inside.bound_us(1.0)), (3, Some(40)));
    }
}
