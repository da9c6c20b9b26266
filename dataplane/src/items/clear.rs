//! Issues whose time is over: those older than a year, and what a station has more than it may have. Monitors and messages
//! are the station's own, and hidden by what it tells.

use fleet::UtcMicros;
use storage::state::{StateError, StateStore};

use super::row::{id_of, kind_byte};
use super::{ItemKind, issue_at};
use crate::variables::newest::Newest;

/// Issues that are kept of a station.
const KEPT_MAX: usize = 500;
/// How long an issue is kept.
const KEPT_MICROS: i64 = 365 * 86_400 * 1_000_000;
/// Rows looked at in one round. Where there are more, the next round goes on.
const SCAN_MAX: usize = 65_536;

const NEWEST: Newest = Newest {
    prefix: kind_byte(ItemKind::Issue),
    len_max: KEPT_MAX,
    kept_micros: KEPT_MICROS,
    made_at: |key| Some(issue_at(id_of(key)?)),
};

/// Removes what is over from `from` on, and moves that to where the next round begins.
pub(crate) fn clear(
    store: &StateStore,
    now: UtcMicros,
    from: &mut Vec<u8>,
) -> Result<(), StateError> {
    NEWEST.clear(store, now, from, SCAN_MAX)
}

#[cfg(test)]
mod tests {
    use fleet::{EventId, LogId, Seq, StationKey};
    use storage::state::{Durability, StateBatch, Table};

    use super::*;
    use crate::items::issue_id;
    use crate::items::read::list;
    use crate::items::row::{Told, item_row};
    use crate::variables::read::Recent;

    const DAY: i64 = 86_400 * 1_000_000;
    const NOW: UtcMicros = UtcMicros(1_795_341_600_000_000);

    fn put(batch: &mut StateBatch, kind: ItemKind, station: &str, id: i64, at: UtcMicros) {
        let station = StationKey::new("default", station).unwrap();
        let told = Told {
            position: EventId {
                log_id: LogId(1),
                seq: Seq(1),
            },
            as_of: at,
        };
        let (key, value) = item_row(kind, &station, id, told, "{}");
        batch.put(Table::Variables, key, value);
    }

    #[test]
    fn a_station_keeps_its_newest_issues_for_a_year() {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        let mut batch = StateBatch::default();
        let mut issue = |station: &str, at: i64, seq: u64| {
            let event = EventId {
                log_id: LogId(1),
                seq: Seq(seq),
            };
            let at = UtcMicros(at);
            put(
                &mut batch,
                ItemKind::Issue,
                station,
                issue_id(event, at),
                at,
            );
        };
        for n in 0..KEPT_MAX as i64 + 7 {
            issue("CP1", NOW.0 - n, 1);
        }
        issue("CP2", NOW.0 - 366 * DAY, 1);
        issue("CP2", NOW.0 - 364 * DAY, 2);
        issue("CP2", NOW.0, 3);
        // Whatever else is kept under numbers is the station's affair.
        put(&mut batch, ItemKind::Monitor, "CP2", 1, UtcMicros(0));
        store.apply(batch, None, Durability::Buffered).unwrap();

        let mut from = Vec::new();
        clear(&store, NOW, &mut from).unwrap();
        assert_eq!(from, Vec::<u8>::new());
        let left = |kind, station: &str| {
            let station = StationKey::new("default", station).unwrap();
            let page = list(&store, &Recent::new(), kind, &station, None, 1_000, NOW).unwrap();
            page.items
                .iter()
                .map(|item| item.as_of.0 - NOW.0)
                .collect::<Vec<_>>()
        };
        let first = left(ItemKind::Issue, "CP1");
        assert_eq!(first.len(), KEPT_MAX);
        assert_eq!((first[0], first[KEPT_MAX - 1]), (0, 1 - KEPT_MAX as i64));
        assert_eq!(left(ItemKind::Issue, "CP2"), [0, -364 * DAY]);
        assert_eq!(left(ItemKind::Monitor, "CP2").len(), 1);
    }
}
