//! What is known of a station's DER controls, event streams and battery swaps, and values of its variables, as lines.

use std::fmt::Write;
use std::time::Duration;

use fleet::UtcMicros;
use fleet::record::{BatteryEvent, BatterySwapState};

use super::world::{World, key};
use crate::router::Ask;
use crate::router::grid::{DerView, EventStreamView};
use crate::router::pending::{Reply, pending};
use crate::variables::row::station_prefix;

fn ask<T: 'static>(world: &mut World, ask: impl FnOnce(Reply<Option<T>>) -> Ask) -> T {
    let (reply, answer) = pending();
    let now = world.now();
    world.shard.ask(now, ask(reply));
    answer.wait(Duration::ZERO).unwrap().unwrap()
}

fn time(at: Option<i64>) -> String {
    at.map_or("-".into(), |at| {
        UtcMicros(at).to_string()[11..19].to_owned()
    })
}

/// What CP1 has of it.
pub(super) fn shown(world: &mut World, what: &str) -> String {
    match what {
        "der" => der(world),
        "streams" => streams(world),
        "swaps" => swaps(world),
        _ => values(world),
    }
}

fn der(world: &mut World) -> String {
    let key = key("CP1");
    let view: DerView = ask(world, |reply| Ask::Der { key, reply });
    let mut out = String::new();
    for control in view.controls {
        let (held, state) = (control.held, control.state);
        let kind = if held.is_default {
            "default"
        } else {
            "scheduled"
        };
        writeln!(
            out,
            "control {} {:?} {kind} {state:?} priority {:?} {}",
            held.id, held.control_type, held.priority, held.settings
        )
        .unwrap();
    }
    for alarm in view.alarms {
        writeln!(
            out,
            "alarm {} {:?} {} to {}{}",
            alarm.control_type,
            alarm.fault,
            time(alarm.raised_at),
            time(alarm.ended_at),
            if alarm.is_taken_over {
                " taken over"
            } else {
                ""
            }
        )
        .unwrap();
    }
    out
}

fn streams(world: &mut World) -> String {
    let key = key("CP1");
    let views: Vec<EventStreamView> = ask(world, |reply| Ask::EventStreams { key, reply });
    let mut out = String::new();
    for EventStreamView { held, heard } in views {
        let heard = heard.map_or("nothing".into(), |heard| {
            format!(
                "{} messages {} values {} pending",
                heard.messages, heard.values, heard.pending
            )
        });
        writeln!(
            out,
            "stream {} of monitor {} every {:?} s or {:?} values, said {heard}",
            held.id, held.monitor_id, held.interval_s, held.values
        )
        .unwrap();
    }
    let counters = &world.shard.tally.counters;
    writeln!(
        out,
        "values {} unknown {} limited {}",
        counters.stream_values, counters.streams_unknown, counters.streams_limited
    )
    .unwrap();
    out
}

fn swaps(world: &mut World) -> String {
    let key = key("CP1");
    let swaps = ask(world, |reply| Ask::BatterySwaps { key, reply });
    let mut out = String::new();
    for swap in swaps {
        let state = BatterySwapState::from_code(swap.state).unwrap();
        let asked = if swap.command_id.is_some() {
            "asked for"
        } else {
            "at the station"
        };
        writeln!(out, "swap {} {state}, {asked}", swap.request_id).unwrap();
        for battery in swap.batteries {
            let event = BatteryEvent::from_code(battery.event).unwrap();
            writeln!(
                out,
                "  {event} {} on {} at {} %, health {} %",
                battery.serial_number, battery.evse_id, battery.soc_percent, battery.soh_percent
            )
            .unwrap();
        }
    }
    out
}

/// Values of variables that events told.
fn values(world: &mut World) -> String {
    let key = key("CP1");
    let prefix = station_prefix(&key);
    let recent = world.shard.projection.variables(&key);
    let mut rows: Vec<_> = {
        let stored = world.rows.lock().unwrap();
        let stored = stored
            .iter()
            .filter(|((table, _), _)| *table == storage::state::Table::Variables);
        stored
            .map(|((_, key), row)| (key.clone(), row.clone()))
            .collect()
    };
    rows.extend(recent.iter().map(|(key, row)| (key.clone(), row.clone())));
    let rows: std::collections::BTreeMap<_, _> = rows.into_iter().collect();
    let mut out = String::new();
    for (key, row) in rows.iter().filter(|(key, _)| key.starts_with(&prefix)) {
        if let Some((name, origin, crate::variables::row::Content::Value { value, .. })) =
            crate::variables::row::read_row(key, row)
        {
            writeln!(
                out,
                "{}.{} = {} as of {}",
                name.component.name,
                name.variable.name,
                value.unwrap_or_default(),
                time(Some(origin.as_of.0))
            )
            .unwrap();
        }
    }
    out
}
