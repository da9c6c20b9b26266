//! The commands of this process: by id, and those of each station that are under way.

use std::collections::{BTreeSet, HashMap};

use fleet::UtcMicros;
use fleet::record::CommandState;

use super::Command;
use crate::CommandId;

/// Commands that are open, and those that ended a while ago.
///
/// # Invariants
///
/// - `open` has exactly those of `all` that are open. A station has as many as may wait for it and one that it has not answered.
#[derive(Default)]
pub(crate) struct Commands {
    all: HashMap<CommandId, Command>,
    /// By station; stations without one cost nothing.
    open: BTreeSet<(u32, CommandId)>,
}

impl Commands {
    pub(in crate::shard) fn insert(&mut self, id: CommandId, command: Command) {
        if command.is_open() {
            self.open.insert((command.station, id));
        }
        self.all.insert(id, command);
    }

    pub(in crate::shard) fn get(&self, id: &CommandId) -> Option<&Command> {
        self.all.get(id)
    }

    /// True for one that waits for its turn.
    pub(super) fn is_queued(&self, id: &CommandId) -> bool {
        let queued = CommandState::Queued.code();
        self.get(id)
            .is_some_and(|command| command.record.state == queued)
    }

    /// To take its waiters; its record changes by [`Commands::change`].
    pub(super) fn get_mut(&mut self, id: &CommandId) -> Option<&mut Command> {
        self.all.get_mut(id)
    }

    /// Changes a command, which may be open no more.
    pub(super) fn change(
        &mut self,
        id: &CommandId,
        change: impl FnOnce(&mut Command),
    ) -> Option<&Command> {
        let command = self.all.get_mut(id)?;
        change(command);
        let key = (command.station, *id);
        if command.is_open() {
            self.open.insert(key);
        } else {
            self.open.remove(&key);
        }
        Some(command)
    }

    /// Drops those that ended before this.
    pub(super) fn forget_ended(&mut self, before: UtcMicros) {
        let is_old = |command: &Command| !command.is_open() && command.updated_at < before;
        self.all.retain(|_, command| !is_old(command));
    }

    /// Those of a station that are open, in the order of their ids.
    pub(super) fn open_of(&self, station: u32) -> impl Iterator<Item = &Command> {
        let open = self.open.range(range(station));
        open.filter_map(|(_, id)| self.all.get(id))
    }

    /// The ids of those that wait for their turn at a station.
    pub(in crate::shard) fn queued_of(&self, station: u32) -> impl Iterator<Item = [u8; 16]> {
        let open = self
            .open_of(station)
            .map(|command| command.record.command_id);
        open.filter(|id| self.is_queued(&CommandId(*id)))
    }

    /// As [`Commands::open_of`], to take their waiters.
    pub(super) fn each_open_of(&mut self, station: u32, mut each: impl FnMut(&mut Command)) {
        for (_, id) in self.open.range(range(station)) {
            if let Some(command) = self.all.get_mut(id) {
                each(command);
            }
        }
    }

    /// How many are open, of all stations.
    pub(in crate::shard) fn open_len(&self) -> usize {
        self.open.len()
    }

    #[cfg(test)]
    pub(in crate::shard) fn len(&self) -> usize {
        self.all.len()
    }
}

fn range(station: u32) -> std::ops::RangeInclusive<(u32, CommandId)> {
    (station, CommandId([0; 16]))..=(station, CommandId([u8::MAX; 16]))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fleet::record::CommandChanged;

    use super::*;

    fn command(station: u32, n: u32, state: CommandState) -> (CommandId, Command) {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&n.to_be_bytes());
        let record = CommandChanged {
            command_id: id,
            action: "ClearCache".into(),
            payload: "{}".into(),
            state: state.code(),
            result: String::new(),
            error_code: String::new(),
            error_description: String::new(),
            principal: String::new(),
            created_at: 0,
        };
        let command = Command {
            station,
            record,
            updated_at: UtcMicros(0),
            answer_timeout: Duration::ZERO,
            before: None,
            waiters: Vec::new(),
        };
        (CommandId(id), command)
    }

    fn of(commands: &mut Commands, station: u32) -> (usize, usize) {
        let mut touched = 0;
        commands.each_open_of(station, |_| touched += 1);
        (commands.open_of(station).count(), touched)
    }

    #[test]
    fn commands_of_other_stations_are_not_looked_at() {
        let mut commands = Commands::default();
        for n in 0..100_000 {
            let (id, command) = command(10 + n % 1_000, n, CommandState::Sent);
            commands.insert(id, command);
        }
        assert_eq!(of(&mut commands, 9), (0, 0));
        assert_eq!(of(&mut commands, 10), (100, 100));
        assert_eq!(commands.open_len(), 100_000);
    }

    #[test]
    fn what_has_ended_is_open_no_more_and_forgotten_later() {
        let mut commands = Commands::default();
        for (n, state) in [(1, CommandState::Queued), (2, CommandState::Offline)] {
            let (id, command) = command(7, n, state);
            commands.insert(id, command);
        }
        assert_eq!(of(&mut commands, 7), (1, 1));
        let (id, _) = command(7, 1, CommandState::Queued);
        commands.change(&id, |command| {
            command.record.state = CommandState::Answered.code();
            command.updated_at = UtcMicros(5);
        });
        assert_eq!((of(&mut commands, 7), commands.open_len()), ((0, 0), 0));
        commands.forget_ended(UtcMicros(5));
        assert_eq!(commands.len(), 1, "the other one");
        commands.forget_ended(UtcMicros(6));
        assert_eq!(commands.len(), 0);
    }
}
