//! Which events of 2.x transactions have not come, and what stations say of their transactions when they are asked.
//!
//! Most transactions come without a gap and are never asked for: they have no row, and cost nothing here. The record is
//! made before that of the event it is about, so that a crash between them is mended by the station, which sends the
//! event again.

use fleet::TransactionId;
use fleet::UtcMicros;
use fleet::record::{SeqRange, ToldProgress, TransactionEventKind, TransactionProgress};
use fleet::wire::Fact;
use ocpp::Call;
use serde_json::Value;
use storage::state::Table;

use super::store::StoreUnreadable;
use super::summary::{Before, TransactionReport};
use super::{Now, Shard, read_record_row};
use crate::CommandId;
use crate::retry::Verdict;
use crate::router::view::{ProgressView, ToldView};

/// Gaps that are kept of a transaction; later ones are in the `seq_gap` of their events alone.
const GAPS_MAX: usize = 64;
/// Numbers of missing events that are told.
const MISSING_MAX: usize = 64;

impl Shard {
    fn progress(&mut self, id: TransactionId) -> Result<TransactionProgress, StoreUnreadable> {
        let row = self.row(Table::Progress, id.0)?;
        let known = row.as_deref().and_then(read_progress);
        Ok(known.unwrap_or_else(|| TransactionProgress {
            transaction_id: id.0,
            ..TransactionProgress::default()
        }))
    }

    /// What is missing after an event; `None` where that changes nothing.
    pub(super) fn progress_after(
        &mut self,
        report: &TransactionReport<'_>,
        before: &Before,
        verdict: Verdict,
    ) -> Result<Option<TransactionProgress>, StoreUnreadable> {
        if verdict != Verdict::New || report.seq_no < 0 {
            return Ok(None);
        }
        let gap = gap_before(report, before);
        // The store tells the number of the last event that came, which need not be the highest.
        let is_late = report.seq_no <= before.seq_no || before.stored.is_some();
        if gap.is_none() && !is_late {
            return Ok(None);
        }
        let mut progress = self.progress(before.id)?;
        let known = progress.missing.clone();
        came(&mut progress.missing, report);
        if let Some(gap) = gap.filter(|_| progress.missing.len() < GAPS_MAX) {
            progress.missing.push(gap);
        }
        Ok((progress.missing != known).then_some(progress))
    }

    /// A station has answered a command of ours; GetTransactionStatus is about a transaction if it names one (E14).
    pub(super) fn note_transaction_status(
        &mut self,
        now: Now,
        station: u32,
        call: &Call,
        answer: &str,
        command: CommandId,
    ) {
        if call.action != "GetTransactionStatus" {
            return;
        }
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let (asked, answer) = (json(&call.payload), json(answer));
        let (Some(ocpp_id), Some(messages_in_queue)) = (
            asked["transactionId"].as_str(),
            answer["messagesInQueue"].as_bool(),
        ) else {
            return;
        };
        let told = ToldProgress {
            told_at: now.utc.0,
            command_id: command.0,
            ongoing: answer["ongoingIndicator"].as_bool(),
            messages_in_queue,
        };
        if let Err(StoreUnreadable) = self.put_told(now, station, ocpp_id, told) {
            let station = self.stations[station].state.key.as_str();
            tracing::warn!(%station, transaction = ocpp_id, "what the station says of its transaction is not noted, the state store cannot be read");
        }
    }

    fn put_told(
        &mut self,
        now: Now,
        station: u32,
        ocpp_id: &str,
        told: ToldProgress,
    ) -> Result<(), StoreUnreadable> {
        let Some(known) = self.named(station, ocpp_id, true)? else {
            return Ok(());
        };
        let progress = TransactionProgress {
            told: Some(told),
            ..self.progress(known.id)?
        };
        self.record(now, station, &progress);
        Ok(())
    }

    /// What is known of a transaction's events; `None` where nothing is missing and nobody asked.
    pub(super) fn progress_view(
        &mut self,
        id: TransactionId,
    ) -> Result<Option<ProgressView>, StoreUnreadable> {
        let row = self.row(Table::Progress, id.0)?;
        Ok(row.as_deref().and_then(read_progress).map(view))
    }
}

/// The numbers between an event and those before it. A beginning may have any number, although it should be 0; what
/// begins with anything else lacks all that comes before.
fn gap_before(report: &TransactionReport<'_>, before: &Before) -> Option<SeqRange> {
    if report.kind == TransactionEventKind::Started || before.stored.is_some() {
        return None;
    }
    let gap = SeqRange {
        first: before.seq_no.max(-1) + 1,
        last: report.seq_no - 1,
    };
    (gap.first <= gap.last).then_some(gap)
}

/// Takes the number of an event that came out of what is missing, and before a beginning there is nothing.
fn came(missing: &mut Vec<SeqRange>, report: &TransactionReport<'_>) {
    let seq_no = report.seq_no;
    if report.kind == TransactionEventKind::Started {
        missing.retain(|gap| seq_no < gap.last);
        if let Some(gap) = missing.first_mut() {
            gap.first = gap.first.max(seq_no + 1);
        }
        return;
    }
    let Some(at) = missing
        .iter()
        .position(|gap| (gap.first..=gap.last).contains(&seq_no))
    else {
        return;
    };
    let SeqRange { first, last } = missing[at];
    let left = [
        SeqRange {
            first,
            last: seq_no - 1,
        },
        SeqRange {
            first: seq_no + 1,
            last,
        },
    ];
    // One that parts a gap makes one more of it, which a station can do as often as it has events to send.
    let left = left.into_iter().filter(|gap| gap.first <= gap.last);
    missing.splice(at..=at, left);
    missing.truncate(GAPS_MAX);
}

fn read_progress(row: &[u8]) -> Option<TransactionProgress> {
    match read_record_row(row)?.1.body.to_fact().ok()? {
        Fact::TransactionProgress(progress) => Some(progress),
        _ => None,
    }
}

fn view(progress: TransactionProgress) -> ProgressView {
    let numbers = progress.missing.iter().flat_map(|gap| gap.first..=gap.last);
    ProgressView {
        missing: numbers.take(MISSING_MAX).collect(),
        told: progress.told.map(|told| ToldView {
            told_at: UtcMicros(told.told_at),
            ongoing: told.ongoing,
            messages_in_queue: told.messages_in_queue,
        }),
    }
}

#[cfg(test)]
mod tests {
    use fleet::record::Moment;

    use super::*;

    fn report(kind: TransactionEventKind, seq_no: i64) -> TransactionReport<'static> {
        TransactionReport {
            kind,
            ocpp_id: "T1",
            evse_id: 1,
            connector_id: 1,
            seq_no,
            trigger_reason: "",
            charging_state: "",
            stop_reason: "",
            id_token: None,
            remote_start_id: -1,
            offline: false,
            occurred: Moment::default(),
            reservation_id: None,
            tariff_id: None,
            driver_tariff: None,
            cost_details: None,
            limits: None,
        }
    }

    #[test]
    fn a_number_that_came_is_missing_no_more() {
        use TransactionEventKind::{Started, Updated};
        let check = |gaps: &[(i64, i64)], kind, seq_no, expected: &[(i64, i64)]| {
            let gap = |(first, last): &(i64, i64)| SeqRange {
                first: *first,
                last: *last,
            };
            let mut missing = Vec::from_iter(gaps.iter().map(gap));
            came(&mut missing, &report(kind, seq_no));
            assert_eq!(missing, Vec::from_iter(expected.iter().map(gap)));
        };
        check(&[(3, 3)], Updated, 3, &[]);
        check(&[(3, 5)], Updated, 3, &[(4, 5)]);
        check(&[(3, 5)], Updated, 4, &[(3, 3), (5, 5)]);
        check(&[(3, 5), (8, 8)], Updated, 5, &[(3, 4), (8, 8)]);
        check(&[(3, 5)], Updated, 6, &[(3, 5)]);
        check(&[], Updated, 6, &[]);
        check(&[(0, 5), (8, 9)], Started, 0, &[(1, 5), (8, 9)]);
        check(&[(0, 5), (8, 9)], Started, 5, &[(8, 9)]);
        check(&[(0, 1)], Started, 1, &[]);
    }

    #[test]
    fn gaps_beyond_all_measure_take_no_more_room() {
        let mut missing = vec![SeqRange {
            first: 0,
            last: i64::from(i32::MAX),
        }];
        for n in 0..1_000 {
            came(
                &mut missing,
                &report(TransactionEventKind::Updated, 2 * n + 1),
            );
        }
        assert_eq!(missing.len(), GAPS_MAX);
    }
}
