//! Deadlines of connections: one-second ticks, and a message touches nothing here.
//!
//! An entry comes up at its tick and is asked when it is due; a connection that has sent something since goes back
//! with its new time. So a busy connection costs one look per interval, not one timer operation per message.

const SLOTS: usize = 512;

/// A lazy timer wheel over small numbers.
#[derive(Debug)]
pub(crate) struct Wheel {
    slots: Vec<Vec<u32>>,
    /// Every tick before this one was taken.
    next: u64,
    len: usize,
}

impl Wheel {
    /// A wheel whose first tick is `now`.
    pub(crate) fn new(now: u64) -> Self {
        Self {
            slots: vec![Vec::new(); SLOTS],
            next: now,
            len: 0,
        }
    }

    /// Brings `entry` up at `tick`, or earlier when that is more than the wheel holds; never before the next one.
    /// Answers when.
    pub(crate) fn insert(&mut self, entry: u32, tick: u64) -> u64 {
        let tick = tick.clamp(self.next, self.next + SLOTS as u64 - 1);
        self.slots[tick as usize % SLOTS].push(entry);
        self.len += 1;
        tick
    }

    /// The next tick to look at; `None` while the wheel is empty.
    pub(crate) fn poll(&self) -> Option<u64> {
        if self.len == 0 {
            return None;
        }
        (self.next..self.next + SLOTS as u64)
            .find(|tick| !self.slots[*tick as usize % SLOTS].is_empty())
    }

    /// All that came up until `now`, into `due`.
    pub(crate) fn take(&mut self, now: u64, due: &mut Vec<u32>) {
        let until = now.min(self.next + SLOTS as u64 - 1);
        while self.next <= until {
            // What a slot has held once it need not hold again in eight minutes: its room is given back.
            due.append(&mut std::mem::take(
                &mut self.slots[self.next as usize % SLOTS],
            ));
            self.next += 1;
        }
        self.next = self.next.max(now + 1);
        self.len -= due.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_up_at_their_tick() {
        let mut wheel = Wheel::new(10);
        wheel.insert(1, 12);
        wheel.insert(2, 11);
        wheel.insert(3, 3);
        assert_eq!(wheel.poll(), Some(10));
        let mut due = Vec::new();
        wheel.take(10, &mut due);
        assert_eq!(due, [3]);
        due.clear();
        assert_eq!(wheel.poll(), Some(11));
        wheel.take(12, &mut due);
        assert_eq!(due, [2, 1]);
        assert_eq!(wheel.poll(), None);
    }

    #[test]
    fn a_far_deadline_comes_up_early_and_a_long_sleep_loses_none() {
        let mut wheel = Wheel::new(0);
        wheel.insert(1, 100_000);
        assert_eq!(wheel.poll(), Some(SLOTS as u64 - 1));
        wheel.insert(2, 5);
        let mut due = Vec::new();
        wheel.take(1_000_000, &mut due);
        due.sort_unstable();
        assert_eq!(due, [1, 2]);
        wheel.insert(3, 0);
        assert_eq!(wheel.poll(), Some(1_000_001));
    }
}
