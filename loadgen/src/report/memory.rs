//! What the generator itself takes.

use serde::{Deserialize, Serialize};

/// Memory of the generator's processes, as far as it is their own (`RssAnon`): sockets are the kernel's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Before there was a station, bytes.
    pub before: u64,
    /// At its largest, bytes; 0 when nobody has looked.
    pub most: u64,
}

impl Memory {
    /// Takes note of what is taken now.
    pub fn seen(&mut self, bytes: u64) {
        self.most = self.most.max(bytes);
    }

    /// Adds that of another process.
    pub(super) fn merge(&mut self, other: &Memory) {
        self.before += other.before;
        self.most += other.most;
    }

    /// The figures of so many stations; `None` when nobody has looked.
    pub(super) fn summary(&self, stations: usize) -> Option<MemorySummary> {
        let grown_bytes = self.most.saturating_sub(self.before);
        (0 < self.most && 0 < stations).then(|| MemorySummary {
            grown_bytes,
            per_station_bytes: grown_bytes / stations as u64,
        })
    }
}

/// The figures of the generator's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemorySummary {
    /// What came with the stations, at its largest: they, their connections, and what is there once, such as buffers and
    /// histograms.
    pub grown_bytes: u64,
    /// The same by station. Of a few hundred stations most is what is there once.
    pub per_station_bytes: u64,
}

impl MemorySummary {
    /// For people.
    pub(super) fn text(&self) -> String {
        let mb = self.grown_bytes as f64 / 1e6;
        format!("{mb:.1} MB, {} B per station", self.per_station_bytes)
    }
}
