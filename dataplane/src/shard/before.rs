//! Which connections were there before: those that began a minute ago.

use std::collections::VecDeque;

/// Stations that come back together are through with their first messages by then.
const AFTER_S: u32 = 60;
/// Connections that begin within so long count as one.
const TOGETHER_S: u32 = 10;

/// Connections have rising numbers, so a few of them say of each whether it is old enough: a time of its own in each would
/// cost a fleet more memory than this is worth.
#[derive(Default)]
pub(crate) struct Before {
    /// The second in which a connection began, and its number: the first of those that came together. None of them is a minute
    /// old, and whatever has a number below the first is.
    newcomers: VecDeque<(u32, u64)>,
}

impl Before {
    /// A connection begins, with a higher number than any before.
    pub(crate) fn begun(&mut self, tick: u32, connection: u64) {
        self.settle(tick);
        let newest = self.newcomers.back();
        if newest.is_none_or(|(at, _)| at + TOGETHER_S <= tick) {
            self.newcomers.push_back((tick, connection));
        }
    }

    /// Whether a connection was there before `tick`.
    pub(crate) fn has(&mut self, tick: u32, connection: u64) -> bool {
        self.settle(tick);
        let oldest = self.newcomers.front();
        oldest.is_none_or(|(_, first)| connection < *first)
    }

    fn settle(&mut self, tick: u32) {
        let is_settled = |&mut (at, _): &mut (u32, u64)| at + TOGETHER_S + AFTER_S <= tick;
        while self.newcomers.pop_front_if(is_settled).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_was_there_before_after_a_minute() {
        let mut before = Before::default();
        before.begun(1_000, 5);
        before.begun(1_009, 6);
        before.begun(1_010, 7);
        let mut has = |tick| [5, 6, 7, 8].map(|connection| before.has(tick, connection));
        assert_eq!(has(1_069), [false; 4]);
        assert_eq!(has(1_070), [true, true, false, false]);
        // A storm begins: who was there is known all the same.
        before.begun(1_075, 8);
        let mut has = |tick| [5, 6, 7, 8].map(|connection| before.has(tick, connection));
        assert_eq!(has(1_076), [true, true, false, false]);
        assert_eq!(has(1_080), [true, true, true, false]);
        assert_eq!(has(1_145), [true; 4]);
        assert!(before.newcomers.is_empty());
    }
}
