//! What a station tells of its DER controls (2.1 R).

use fleet::UtcMicros;
use fleet::record::{CommandFollowed, DerChanged};
use serde_json::Value;

use super::{Now, Shard, StoreUnreadable};
use crate::CommandId;
use crate::grid::der;
use crate::router::grid::{DerControlView, DerView};

impl Shard {
    /// ReportDERControl, NotifyDERStartStop and NotifyDERAlarm. Called before what it says is recorded, so that a store
    /// that cannot be read leaves nothing half done.
    pub(in crate::shard) fn der_told(
        &mut self,
        now: Now,
        station: u32,
        action: &str,
        payload: &str,
    ) -> Result<(), StoreUnreadable> {
        let told: Value = serde_json::from_str(payload).unwrap_or_default();
        self.change_grid(
            now,
            station,
            action,
            None,
            |kept: &mut DerChanged| match action {
                "ReportDERControl" => der::report(kept, &told, now.utc),
                "NotifyDERStartStop" => der::start_stop(kept, &told, now.utc),
                _ => der::alarm(kept, &told, now.utc),
            },
        )
    }

    /// A report that a command of ours asked for is whole: what it did not name is gone.
    pub(in crate::shard) fn der_reported(
        &mut self,
        now: Now,
        station: u32,
        course: &CommandFollowed,
    ) {
        let Some(command) = course.command_id.map(CommandId) else {
            return;
        };
        let Ok(Some(view)) = self.command_view(command) else {
            return;
        };
        let asked: Value = serde_json::from_str(&view.payload).unwrap_or_default();
        let (asked, since) = (der::Criteria::of(&asked), UtcMicros(course.began_at));
        // A store that was read a moment ago and is not now leaves controls that the next report will end.
        let _ = self.change_grid(
            now,
            station,
            "ReportDERControl",
            Some(command),
            |kept: &mut DerChanged| {
                der::reported(kept, &asked, since);
            },
        );
    }

    /// The same, to show.
    pub(in crate::shard) fn der_view(
        &mut self,
        now: Now,
        station: u32,
    ) -> Result<DerView, StoreUnreadable> {
        let kept: DerChanged = self.grid(station)?;
        let states = der::states(&kept, now.utc);
        let controls = kept.controls.into_iter().zip(states);
        Ok(DerView {
            controls: controls
                .map(|(held, state)| DerControlView { held, state })
                .collect(),
            alarms: kept.alarms,
            is_partial: kept.is_partial,
        })
    }
}
