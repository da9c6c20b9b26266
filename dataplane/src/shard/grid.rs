//! What a station has beside charging: DER controls, event streams, battery swaps, energy transfers and secrets of web
//! payments in 2.1, passwords that it may have and tokens that were sent to it in every version.
//!
//! All that is known of one of these is one row of the state store, written by the record that changed it. Nothing of
//! it stays in memory, but how much a stream says ([`streams`]).

mod answered;
mod der;
mod streams;
mod swaps;

use fleet::record::{
    BatterySwapsChanged, CostLimits, DerChanged, DriverTransfers, EventStreamsChanged, StartTokens,
    StationPasswords, TransactionLimits, V2xChanged, WebPaymentSecretsChanged,
    WebPaymentSecretsPending,
};
use fleet::wire::Fact;
use storage::state::Table;

use super::journal::Writable;
use super::projection::grid_key;
use super::{Now, Shard, StoreUnreadable, read_record_row};
use crate::CommandId;
use crate::retry::Canonical;
pub(super) use streams::StreamsHeard;

/// The key under which a station's DER controls and alarms are kept.
pub(crate) fn der_key(canonical: &mut Canonical, station: &str) -> [u8; 16] {
    grid_key(canonical, DerChanged::NAME, station)
}

/// The key under which its battery swaps are.
pub(crate) fn battery_swaps_key(canonical: &mut Canonical, station: &str) -> [u8; 16] {
    grid_key(canonical, BatterySwapsChanged::NAME, station)
}

/// A record that holds all that is kept of its thing.
pub(super) trait Kept: Writable + Default + Clone + PartialEq {
    /// What its rows are called in their keys.
    const NAME: &'static str;

    fn of(fact: Fact) -> Option<Self>;

    /// Says what changed it.
    fn set_cause(&mut self, action: &str, command: Option<CommandId>);
}

macro_rules! kept {
    ($($kind:ident $name:literal $($command:ident)?,)+) => {
        $(impl Kept for $kind {
            const NAME: &'static str = $name;

            fn of(fact: Fact) -> Option<Self> {
                match fact {
                    Fact::$kind(kept) => Some(kept),
                    _ => None,
                }
            }

            fn set_cause(&mut self, action: &str, _command: Option<CommandId>) {
                action.clone_into(&mut self.cause);
                $(self.$command = _command.map(|command| command.0);)?
            }
        })+
    };
}

kept! {
    DerChanged "der" command_id,
    EventStreamsChanged "streams" command_id,
    BatterySwapsChanged "swaps",
    V2xChanged "v2x" command_id,
    WebPaymentSecretsChanged "web payment" command_id,
    WebPaymentSecretsPending "web payment at boot" command_id,
    StartTokens "starts",
    CostLimits "cost limits",
    TransactionLimits "transaction limits",
    DriverTransfers "driver transfers",
}

impl Kept for StationPasswords {
    const NAME: &'static str = "passwords";

    fn of(fact: Fact) -> Option<Self> {
        match fact {
            Fact::StationPasswords(kept) => Some(kept),
            Fact::PasswordsInDoubt(kept) => Some(kept.into()),
            _ => None,
        }
    }

    fn set_cause(&mut self, action: &str, command: Option<CommandId>) {
        action.clone_into(&mut self.cause);
        self.command_id = command.map(|command| command.0);
    }
}

impl Shard {
    /// What is known of a station.
    pub(super) fn grid<T: Kept>(&mut self, station: u32) -> Result<T, StoreUnreadable> {
        let key = self.stations[station].state.key.clone();
        self.grid_of(key.as_str())
    }

    /// Likewise of one that may not exist.
    pub(super) fn grid_of<T: Kept>(&mut self, station: &str) -> Result<T, StoreUnreadable> {
        let key = grid_key(&mut self.scratch.canonical, T::NAME, station);
        let row = self.row(Table::Grid, key)?;
        Ok(row.as_deref().and_then(read).unwrap_or_default())
    }

    /// Changes what is known of a station; nothing is recorded where nothing changed.
    pub(super) fn change_grid<T: Kept>(
        &mut self,
        now: Now,
        station: u32,
        action: &str,
        command: Option<CommandId>,
        change: impl FnOnce(&mut T),
    ) -> Result<(), StoreUnreadable> {
        let before: T = self.grid(station)?;
        let mut after = before.clone();
        change(&mut after);
        if after != before {
            after.set_cause(action, command);
            self.record(now, station, &after);
        }
        Ok(())
    }

    /// A station was deleted: nothing of it is kept.
    pub(super) fn forget_grid(&mut self, now: Now, station: u32) {
        self.forget_kept::<DerChanged>(now, station);
        self.forget_kept::<EventStreamsChanged>(now, station);
        self.forget_kept::<BatterySwapsChanged>(now, station);
        self.forget_kept::<V2xChanged>(now, station);
        self.forget_kept::<WebPaymentSecretsChanged>(now, station);
        self.forget_kept::<WebPaymentSecretsPending>(now, station);
        self.forget_kept::<StartTokens>(now, station);
        self.forget_kept::<CostLimits>(now, station);
        self.forget_kept::<TransactionLimits>(now, station);
        self.forget_kept::<DriverTransfers>(now, station);
        self.settle_doubts(now, station);
    }

    fn forget_kept<T: Kept>(&mut self, now: Now, station: u32) {
        // A store that cannot be read was counted; what it holds is shown again only if the station comes back.
        let forgotten = self.change_grid(now, station, "Sigec.Deleted", None, |kept: &mut T| {
            *kept = T::default();
        });
        if let Err(StoreUnreadable) = forgotten {
            let station = self.stations[station].state.key.as_str();
            tracing::warn!(%station, what = T::NAME, "what is kept of a deleted station stays, the state store cannot be read");
        }
    }
}

/// The record in a row.
fn read<T: Kept>(row: &[u8]) -> Option<T> {
    let (_, record) = read_record_row(row)?;
    T::of(record.body.to_fact().ok()?)
}
