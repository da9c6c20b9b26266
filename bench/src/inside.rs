//! What a server says about itself: how long its answers took, from when a socket was readable to when the reply was
//! handed on.

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::child::Server;

/// Counts since the server started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Inside {
    /// Upper bounds, inclusive, microseconds.
    pub bounds_us: Vec<u64>,
    /// Answers within each bound, then those beyond the last.
    pub counts: Vec<u64>,
    /// The same of answers to stations that had one on that connection before.
    pub established: Vec<u64>,
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
    fn a_quantile_lies_within_its_bound() {
        let before = Inside {
            bounds_us: vec![20, 30, 40],
            counts: vec![5, 0, 0, 0],
            established: vec![1, 0, 0, 0],
            commits: 1,
            bytes_written: 4_096,
            connections: 0,
        };
        let after = Inside {
            counts: vec![103, 1, 0, 1],
            established: vec![3, 0, 1, 0],
            ..before.clone()
        };
        let inside = after.since(&before);
        assert_eq!(inside.count(), 100);
        let bounds = [0.5, 0.98, 0.99, 1.0].map(|quantile| inside.bound_us(quantile));
        assert_eq!(bounds, [Some(20), Some(20), Some(30), None]);
        let inside = inside.of_established();
        assert_eq!((inside.count(), inside.bound_us(1.0)), (3, Some(40)));
    }
}
