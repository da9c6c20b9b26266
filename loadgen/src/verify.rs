//! Whether a CSMS kept what it acknowledged: acknowledged ⊆ present ⊆ sent, nothing twice, energy equal.
//!
//! | truth | row of SIGEC-VE | the same |
//! | --- | --- | --- |
//! | `start`, `meter`, `stop` (they carry a register) | `meter_values` with an `energy_wh` and an `ocpp_transaction_id` | station, `measured_at`, transaction, energy |
//! | `start` | `transaction_events`, kind `Started` | station, `occurred_at`, transaction |
//! | `stop` | `transaction_events`, kind `Ended` | station, `occurred_at`, transaction |
//! | `status` | `status_events` | station, `occurred_at` |
//! | `boot` | `connection_events`, kind `booted` | station; boots carry no time, so it is only checked that there are no fewer rows, since the first of them, than acknowledged boots |
//!
//! A `start` that was never answered names no transaction in 1.6; a row with its station, time and energy is its row,
//! whatever the transaction. Rows outside the time between the first and the last event of the truth belong to other
//! runs and are passed by; no other load may reach the same stations within it.

mod rows;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::time::Duration;

use anyhow::Context;

use crate::clock::parse_rfc3339;
use crate::truth::{Kind, Truth};
pub use rows::{Row, Source};

/// Differences that are shown one by one.
const SHOWN_MAX: usize = 20;

/// What is compared with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// Registers against `meter_values`.
    Energy,
    /// Starts against `transaction_events`.
    Started,
    /// Stops against `transaction_events`.
    Ended,
    /// Statuses against `status_events`.
    Status,
    /// Boots against `connection_events`.
    Booted,
}

impl Check {
    /// All of them.
    pub const ALL: [Check; 5] = [
        Check::Energy,
        Check::Started,
        Check::Ended,
        Check::Status,
        Check::Booted,
    ];

    fn name(self) -> &'static str {
        match self {
            Check::Energy => "meter_values",
            Check::Started => "transaction_events Started",
            Check::Ended => "transaction_events Ended",
            Check::Status => "status_events",
            Check::Booted => "connection_events booted",
        }
    }

    fn concerns(self, truth: &Truth) -> bool {
        match self {
            Check::Energy => truth.energy_mwh.is_some(),
            Check::Started => truth.kind == Kind::Start,
            Check::Ended => truth.kind == Kind::Stop,
            Check::Status => truth.kind == Kind::Status,
            Check::Booted => truth.kind == Kind::Boot,
        }
    }
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// In which comparison.
    pub check: Check,
    /// What is wrong.
    pub fault: Fault,
    /// Which event, in words.
    pub event: String,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Acknowledged, and not there.
    Missing,
    /// There, and never sent.
    Unsent,
    /// There more often than sent.
    Twice,
    /// There with another register, milliwatt-hours.
    Energy {
        /// As sent.
        sent: Option<u64>,
        /// As found.
        found: Option<u64>,
    },
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let wh = |mwh: &Option<u64>| {
            mwh.map_or("none".to_owned(), |mwh| {
                format!("{}.{:03} Wh", mwh / 1_000, mwh % 1_000)
            })
        };
        match self {
            Fault::Missing => f.write_str("acknowledged, but not there"),
            Fault::Unsent => f.write_str("there, but never sent"),
            Fault::Twice => f.write_str("there more than once"),
            Fault::Energy { sent, found } => write!(f, "found {}, sent {}", wh(found), wh(sent)),
        }
    }
}

/// How one comparison went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events sent.
    pub sent: u64,
    /// Of these, acknowledged.
    pub acked: u64,
    /// Rows found.
    pub present: u64,
    /// Things that are not as they should be.
    pub differences: u64,
}

/// The outcome of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// By comparison.
    pub counts: BTreeMap<Check, Counts>,
    /// The first of each comparison.
    pub differences: Vec<Difference>,
}

impl Verdict {
    /// True when nothing differs.
    pub fn is_clean(&self) -> bool {
        self.counts.values().all(|counts| counts.differences == 0)
    }

    /// True when all that differs is that rows are missing: they may be on their way.
    pub fn may_improve(&self) -> bool {
        !self.is_clean()
            && self
                .differences
                .iter()
                .all(|difference| difference.fault == Fault::Missing)
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{:<28} {:>10} {:>12} {:>10} {:>12}\n",
            "", "sent", "acknowledged", "present", "differences"
        );
        for (check, counts) in &self.counts {
            writeln!(
                text,
                "{:<28} {:>10} {:>12} {:>10} {:>12}",
                check.name(),
                counts.sent,
                counts.acked,
                counts.present,
                counts.differences
            )
            .expect("a String takes everything");
        }
        for difference in self.differences.iter().take(SHOWN_MAX) {
            let Difference {
                check,
                fault,
                event,
            } = difference;
            writeln!(text, "{}: {event}: {fault}", check.name())
                .expect("a String takes everything");
        }
        if SHOWN_MAX < self.differences.len() {
            writeln!(text, "… and more; the table counts them").expect("a String takes everything");
        }
        text.push_str(if self.is_clean() {
            "all as it should be\n"
        } else {
            "NOT as it should be\n"
        });
        text
    }

    fn add(&mut self, check: Check, fault: Fault, event: String) {
        let counts = self.counts.entry(check).or_default();
        counts.differences += 1;
        // One more than is shown of each, so that the text knows that there are more.
        if counts.differences <= SHOWN_MAX as u64 + 1 {
            self.differences.push(Difference {
                check,
                fault,
                event,
            });
        }
    }
}

/// The span of a run and its stations: what the rows are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Identities, sorted.
    pub stations: Vec<String>,
    /// First and last time an event carries, microseconds of UTC.
    pub measured: (i64, i64),
    /// A moment before the first acknowledged boot, microseconds of UTC.
    pub booted_from: i64,
}

/// Between a boot's arrival at the server and its acknowledgement here, at most; clocks may differ too.
const BOOT_MARGIN: Duration = Duration::from_secs(60);

impl Scope {
    /// The scope of a truth.
    ///
    /// # Errors
    ///
    /// A timestamp is none.
    pub fn of(truth: &[Truth]) -> anyhow::Result<Scope> {
        let mut stations: Vec<String> = truth.iter().map(|event| event.station.clone()).collect();
        stations.sort_unstable();
        stations.dedup();
        let mut measured: Option<(i64, i64)> = None;
        let mut booted_from = i64::MAX;
        for event in truth {
            if let Some(text) = &event.measured_at {
                let at = micros(text)?;
                let (first, last) = measured.unwrap_or((at, at));
                measured = Some((first.min(at), last.max(at)));
            }
            if let (Kind::Boot, Some(text)) = (event.kind, &event.acked_at) {
                booted_from = booted_from.min(micros(text)? - BOOT_MARGIN.as_micros() as i64);
            }
        }
        Ok(Scope {
            stations,
            measured: measured.unwrap_or((0, 0)),
            booted_from,
        })
    }
}

fn micros(text: &str) -> anyhow::Result<i64> {
    parse_rfc3339(text)
        .with_context(|| format!("found the time {text:?}, expected RFC 3339 in UTC"))
}

/// Compares a truth with what a server has.
///
/// # Errors
///
/// The truth has a time that is none, or the server cannot be asked.
pub async fn verify(truth: &[Truth], source: &mut impl Source) -> anyhow::Result<Verdict> {
    let scope = Scope::of(truth)?;
    let mut verdict = Verdict::default();
    for check in Check::ALL {
        let events: Vec<&Truth> = truth.iter().filter(|truth| check.concerns(truth)).collect();
        let rows = source.rows(check, &scope).await?;
        compare(check, &events, rows, &mut verdict)?;
    }
    Ok(verdict)
}

fn compare(
    check: Check,
    events: &[&Truth],
    rows: Vec<Row>,
    verdict: &mut Verdict,
) -> anyhow::Result<()> {
    let counts = verdict.counts.entry(check).or_default();
    counts.sent = events.len() as u64;
    counts.acked = events
        .iter()
        .filter(|event| event.acked_at.is_some())
        .count() as u64;
    counts.present = rows.len() as u64;
    if check == Check::Booted {
        compare_boots(events, &rows, verdict);
        return Ok(());
    }
    let mut found: HashMap<(String, i64), Vec<Row>> = HashMap::new();
    for row in rows {
        found
            .entry((row.station.clone(), row.at))
            .or_default()
            .push(row);
    }
    for event in events {
        let at = micros(event.measured_at.as_deref().unwrap_or_default())?;
        let rows = found.entry((event.station.clone(), at)).or_default();
        let same_transaction =
            |row: &Row| event.transaction.is_none() || row.transaction == event.transaction;
        match rows.iter().position(same_transaction) {
            None if event.acked_at.is_some() => {
                verdict.add(check, Fault::Missing, describe_event(event));
            }
            None => {}
            Some(at) => {
                let row = rows.swap_remove(at);
                if check == Check::Energy && row.energy_mwh != event.energy_mwh {
                    let (sent, found) = (event.energy_mwh, row.energy_mwh);
                    verdict.add(check, Fault::Energy { sent, found }, describe_event(event));
                }
                while let Some(at) = rows.iter().position(same_transaction) {
                    rows.swap_remove(at);
                    verdict.add(check, Fault::Twice, describe_event(event));
                }
            }
        }
    }
    let mut unsent: Vec<Row> = found.into_values().flatten().collect();
    unsent.sort_unstable_by(|a, b| (&a.station, a.at).cmp(&(&b.station, b.at)));
    for row in unsent {
        verdict.add(check, Fault::Unsent, describe_row(&row));
    }
    Ok(())
}

fn compare_boots(events: &[&Truth], rows: &[Row], verdict: &mut Verdict) {
    let mut acked: BTreeMap<&str, i64> = BTreeMap::new();
    for event in events.iter().filter(|event| event.acked_at.is_some()) {
        *acked.entry(&event.station).or_default() += 1;
    }
    for row in rows {
        *acked.entry(&row.station).or_default() -= 1;
    }
    for (station, missing) in acked {
        for _ in 0..missing {
            verdict.add(Check::Booted, Fault::Missing, format!("{station} boot"));
        }
    }
}

fn describe_event(event: &Truth) -> String {
    let transaction = event
        .transaction
        .as_ref()
        .map_or(String::new(), |id| format!(" of transaction {id}"));
    let at = event.measured_at.as_deref().unwrap_or("no time");
    format!(
        "{} {:?} {}{transaction} at {at}",
        event.station, event.kind, event.seq
    )
}

fn describe_row(row: &Row) -> String {
    let transaction = row
        .transaction
        .as_ref()
        .map_or(String::new(), |id| format!(" of transaction {id}"));
    format!(
        "{}{transaction} at {}",
        row.station,
        crate::clock::rfc3339(row.at / 1_000)
    )
}

#[cfg(test)]
mod tests;
