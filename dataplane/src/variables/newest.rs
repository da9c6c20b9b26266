//! Rows of the table of variables of which a station keeps the newest, for a while: events, issues.

use fleet::UtcMicros;
use storage::state::{Durability, StateBatch, StateError, StateStore, Table};

/// Rows removed together.
const BATCH_LEN_MAX: usize = 1_000;

/// What is kept of one kind. Its rows stand by station, the newest first.
pub(crate) struct Newest {
    /// What the keys of all stations' rows begin with; the station's own and a zero follow.
    pub(crate) prefix: u8,
    /// Rows that are kept of a station.
    pub(crate) len_max: usize,
    /// How long one is kept.
    pub(crate) kept_micros: i64,
    /// When a row was made, by its key; `None` for one that is not counted.
    pub(crate) made_at: fn(&[u8]) -> Option<UtcMicros>,
}

impl Newest {
    /// Removes what is over from `from` on, and moves that to where the next round begins: the beginning again, when there
    /// is no more to look at. Looks at `scan_max` rows, or at more where a station may have more.
    pub(crate) fn clear(
        &self,
        store: &StateStore,
        now: UtcMicros,
        from: &mut Vec<u8>,
        scan_max: usize,
    ) -> Result<(), StateError> {
        let mut batch = StateBatch::default();
        let mut station = Vec::new();
        let mut kept = 0;
        let mut rows = store.scan(Table::Variables, &[self.prefix], from);
        for row in rows.by_ref().take(scan_max.max(self.len_max + 1)) {
            let (key, _) = row?;
            let end = key.iter().position(|byte| *byte == 0).unwrap_or(key.len());
            if station != key[..end] {
                (station, kept) = (key[..end].to_vec(), 0);
            }
            let Some(made_at) = (self.made_at)(&key) else {
                continue;
            };
            kept += 1;
            if self.len_max < kept || made_at.0 + self.kept_micros < now.0 {
                batch.remove(Table::Variables, key);
            }
            if batch.len() == BATCH_LEN_MAX {
                store.apply(std::mem::take(&mut batch), None, Durability::Buffered)?;
            }
        }
        // The next round begins with a whole station, or it would count too few of its rows.
        let next = rows.next().transpose()?;
        station.push(0);
        *from = next.map_or(Vec::new(), |(key, _)| match key.starts_with(&station) {
            true => station,
            false => key,
        });
        store.apply(batch, None, Durability::Buffered)
    }
}
