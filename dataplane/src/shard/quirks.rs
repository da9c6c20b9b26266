//! What a station's profile does to its messages, and what is kept of messages that stray from their schema.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleet::TransactionId;
use fleet::record::{
    MessageChange, MessageQuarantined, Moment, QuarantineOutcome, SecurityEvent, TransactionState,
};
use fleet::wire::Body;
use net::driver::ConnId;
use ocpp::{
    CallError, Change, ErrorCode, Instant, MeterColumns, Notes, Policy, Quirks, Rules, Version,
    v16, v21, v201,
};

use super::calls::Inbound;
use super::handshake::protocol;
use super::stations::Station;
use super::timers::Deadline;
use super::{Now, Shard};
use crate::quirks::{Make, QuirkBook, QuirkPing, QuirkPolicy, QuirkProfile};
use crate::state::StationState;

/// The time in which so many messages of a station are kept aside as the configuration says.
const KEPT_WITHIN: Duration = Duration::from_secs(3_600);
/// A station that is not pinged is heard by its Heartbeats, of which two may be lost.
pub(super) const HEARTBEATS_MISSED_MAX: u32 = 3;
/// Longest reason of a refusal, characters.
const REASON_MAX: usize = 500;

/// A station's profile, as of one book.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fit {
    /// The book; 0 for none yet.
    generation: u32,
    /// Place in the book; `u16::MAX` for no profile.
    at: u16,
}

impl Default for Fit {
    fn default() -> Self {
        Self {
            generation: 0,
            at: u16::MAX,
        }
    }
}

const _: () = assert!(crate::quirks::QUIRK_PROFILES_MAX < u16::MAX as usize);

/// What was kept aside of a station within the last hour.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    since: Option<Instant>,
    changed: u16,
    refused: u16,
    /// Not kept since the last that was.
    passed_by: u32,
}

/// A transaction that is to send meter values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MeterWatch {
    transaction: TransactionId,
    /// When it last did, or began.
    heard_at: Instant,
}

/// The book in force, as this shard last saw it.
pub(crate) struct Shelved {
    pub(crate) book: Arc<QuirkBook>,
    generation: u32,
}

impl Shelved {
    pub(crate) fn new(settings: &super::Settings) -> Self {
        let generation = settings.quirks.generation();
        let book = settings.quirks.book();
        Self { book, generation }
    }
}

/// Answers that leave later than they could.
#[derive(Default)]
pub(crate) struct Delayed {
    answers: BTreeMap<(Instant, u64), DelayedAnswer>,
    made: u64,
    len: usize,
}

struct DelayedAnswer {
    conn: ConnId,
    called_at: Instant,
    text: Vec<u8>,
}

impl Delayed {
    /// Bytes held.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    fn push(&mut self, at: Instant, answer: DelayedAnswer) {
        self.made += 1;
        self.len += answer.text.len();
        self.answers.insert((at, self.made), answer);
    }

    /// The next that is due.
    fn take(&mut self, now: Instant) -> Option<DelayedAnswer> {
        let first = self.answers.first_entry()?;
        if now < first.key().0 {
            return None;
        }
        let answer = first.remove();
        self.len -= answer.text.len();
        Some(answer)
    }
}

/// What a station is known by.
pub(crate) fn with_make<T>(state: &StationState, look: impl FnOnce(&Make<'_>) -> T) -> T {
    let details = state.details();
    let [vendor, model, _, firmware] = details.boot.as_ref().map_or([""; 4], |boot| boot.texts());
    look(&Make {
        identity: state.key.identity(),
        vendor,
        model,
        firmware,
    })
}

impl Shard {
    /// Fetches the book in force if it is another one.
    pub(super) fn refresh_book(&mut self) {
        if self.settings.quirks.generation() != self.shelved.generation {
            self.shelved = Shelved::new(&self.settings);
        }
    }

    /// The place of a station's profile in the book.
    fn fit(&mut self, station: u32) -> Option<usize> {
        self.refresh_book();
        let Shelved { book, generation } = &self.shelved;
        let Station { state, fit, .. } = &mut self.stations[station];
        if fit.generation != *generation {
            let at = with_make(state, |make| book.find(make));
            *fit = Fit {
                generation: *generation,
                at: at.map_or(u16::MAX, |at| at as u16),
            };
        }
        (fit.at != u16::MAX).then_some(usize::from(fit.at))
    }

    /// A station's profile.
    pub(super) fn profile(&mut self, station: u32) -> Option<&QuirkProfile> {
        let at = self.fit(station)?;
        self.shelved.book.profiles().get(at)
    }

    /// Name and revision of a station's profile; empty and 0 without one.
    pub(super) fn profile_name(&mut self, station: u32) -> (String, u32) {
        let profile = self.profile(station);
        profile.map_or((String::new(), 0), |p| (p.id.clone(), p.revision))
    }

    /// How messages of a station are read, and whether its frames are put right.
    pub(super) fn rules(&mut self, station: u32) -> (Rules<'static>, bool) {
        let profile = self.fit(station);
        let book = &self.shelved.book;
        let profile = profile.and_then(|at| book.profiles().get(at));
        (book.rules(profile), book.repairs(profile))
    }

    /// The same of a BootNotification, which says itself by whose profile it is to be read: it is read by every policy
    /// but the strict one, and judged by [`Shard::judge_boot`].
    pub(super) fn rules_of_boot(&mut self, rules: Rules<'static>) -> Rules<'static> {
        match self.shelved.book.policy() {
            QuirkPolicy::Profile => Policy::Lenient.into(),
            QuirkPolicy::Strict | QuirkPolicy::Tolerant => rules,
        }
    }

    /// Whether a BootNotification that strayed by `quirks` may: its own profile says so. `texts` are vendor, model and
    /// firmware version.
    pub(super) fn may_boot(&self, station: u32, texts: [&str; 3], quirks: Quirks) -> bool {
        let book = &self.shelved.book;
        let [vendor, model, firmware] = texts;
        let make = Make {
            identity: self.stations[station].state.key.identity(),
            vendor,
            model,
            firmware,
        };
        let profile = book.find(&make).and_then(|at| book.profiles().get(at));
        book.rules(profile).policy.allowed().contains(quirks)
    }

    /// Keeps a message that was taken although it strayed, with what was made of it.
    pub(super) fn keep_changed(
        &mut self,
        now: Now,
        version: Version,
        call: Inbound<'_>,
        (payload, text): (&str, &str),
        rules: Rules<'static>,
        repaired: &[Change],
    ) {
        if !self.has_room_aside(now, call.station, QuarantineOutcome::Changed) {
            return;
        }
        let mut changes = repaired.to_vec();
        changes.extend(changes_of(version, call.action, payload, rules));
        let changes = changes.into_iter().map(message_change).collect();
        self.keep_aside(now, version, call, text, |quarantined| {
            quarantined.changes = changes;
        });
    }

    /// Keeps a message that was refused.
    pub(super) fn keep_refused(
        &mut self,
        now: Now,
        version: Version,
        call: Inbound<'_>,
        text: &str,
        error: Option<&CallError>,
        reason: &str,
    ) {
        if !self.has_room_aside(now, call.station, QuarantineOutcome::Refused) {
            return;
        }
        self.keep_aside(now, version, call, text, |quarantined| {
            quarantined.outcome = QuarantineOutcome::Refused.code();
            if let Some(error) = error {
                quarantined.error_code = error.code.as_str(Version::V201).to_owned();
            }
            quarantined.reason = reason.chars().take(REASON_MAX).collect();
        });
    }

    /// Whether one more message of this station may be kept within the hour; one that may not is counted.
    fn has_room_aside(&mut self, now: Now, station: u32, outcome: QuarantineOutcome) -> bool {
        let limit = self.config.quirks.kept_per_hour_max;
        let kept = &mut self.stations[station].side_mut().kept;
        if kept
            .since
            .is_none_or(|since| KEPT_WITHIN <= now.mono - since)
        {
            (kept.since, kept.changed, kept.refused) = (Some(now.mono), 0, 0);
        }
        let count = match outcome {
            QuarantineOutcome::Changed => &mut kept.changed,
            QuarantineOutcome::Refused | QuarantineOutcome::Replayed => &mut kept.refused,
        };
        if *count < limit {
            *count += 1;
            self.tally.counters.messages_quarantined += 1;
            true
        } else {
            kept.passed_by = kept.passed_by.saturating_add(1);
            self.tally.counters.quarantine_passed_by += 1;
            false
        }
    }

    fn keep_aside(
        &mut self,
        now: Now,
        version: Version,
        call: Inbound<'_>,
        text: &str,
        fill: impl FnOnce(&mut MessageQuarantined),
    ) {
        let raw = match ocpp::may_hold_secrets(call.action) {
            true => ocpp::mask_secrets(call.action, text).into_owned(),
            false => text.to_owned(),
        };
        let (profile_id, profile_revision) = self.profile_name(call.station);
        let kept = &mut self.stations[call.station].side_mut().kept;
        let mut quarantined = MessageQuarantined {
            outcome: QuarantineOutcome::Changed.code(),
            protocol: protocol(version).code(),
            message_id: call.id.to_owned(),
            action: call.action.to_owned(),
            raw,
            profile_id,
            profile_revision,
            changes: Vec::new(),
            error_code: String::new(),
            reason: String::new(),
            passed_by: std::mem::take(&mut kept.passed_by),
            replay_of: None,
        };
        fill(&mut quarantined);
        self.record(now, call.station, &quarantined);
    }

    /// The answer to this call leaves no earlier than its profile says.
    pub(super) fn delay_answer(&mut self, now: Now, call: Inbound<'_>) {
        let profile = self.profile(call.station);
        let delays = profile.map_or(&[][..], |profile| &profile.answer_delays);
        let delay = delays.iter().find(|(action, _)| action == call.action);
        if let Some((_, delay)) = delay {
            let until = now.mono + *delay;
            let side = self.stations[call.station].side_mut();
            side.answers_from = Some(side.answers_from.map_or(until, |from| from.max(until)));
        }
    }

    /// True while answers to this station are held back.
    pub(super) fn answers_are_held(&self, now: Now, station: u32) -> bool {
        self.held_until(now, station).is_some()
    }

    fn held_until(&self, now: Now, station: u32) -> Option<Instant> {
        let side = self.stations[station].side.as_ref()?;
        side.answers_from.filter(|from| now.mono < *from)
    }

    /// Holds an answer back that could leave; false when it may.
    pub(super) fn hold_back(
        &mut self,
        now: Now,
        id: ConnId,
        called_at: Instant,
        text: &[u8],
    ) -> bool {
        let Some(station) = self.conns.live_mut(id).map(|live| live.station) else {
            return false;
        };
        let Some(until) = self
            .held_until(now, station)
            .filter(|_| !self.is_draining())
        else {
            return false;
        };
        self.deadlines.insert(until, Deadline::DelayedAnswers);
        self.delayed.push(
            until,
            DelayedAnswer {
                conn: id,
                called_at,
                text: text.to_vec(),
            },
        );
        true
    }

    /// Lets go the answers that are due; all of them when the server goes down.
    pub(super) fn send_delayed(&mut self, now: Now) {
        let until = match self.is_draining() {
            true => Instant(u64::MAX),
            false => now.mono,
        };
        while let Some(answer) = self.delayed.take(until) {
            self.send_released(now, answer.conn, answer.called_at, &answer.text);
        }
    }

    /// How often a silent station is pinged, if ever, and when its silence ends its connection; seconds.
    pub(super) fn patience(&mut self, station: u32) -> (Option<u64>, u64) {
        let config = &self.config;
        let (interval, idle) = (config.ping_interval, config.idle_timeout);
        let heartbeats = HEARTBEATS_MISSED_MAX * self.heartbeat_longest_s;
        let Some(profile) = self.profile(station) else {
            return (Some(interval.as_secs()), idle.as_secs());
        };
        let ping = match profile.ping {
            Some(QuirkPing::Off) => None,
            Some(QuirkPing::Every(interval)) => Some(interval.as_secs()),
            None => Some(interval.as_secs()),
        };
        let least = match ping {
            // It must have had the time to answer one.
            Some(interval) => 2 * interval,
            None => u64::from(heartbeats),
        };
        let idle = match profile.idle_timeout {
            Some(idle) => idle.as_secs(),
            None => idle.as_secs().max(least),
        };
        (ping, idle.max(ping.map_or(0, |interval| interval + 1)))
    }

    /// Watches over the meter values of a station that claims to send them and may not.
    pub(super) fn watch_meter_values(&mut self, now: Now, station: u32, record: MeterNews) {
        let within = self.profile(station).and_then(|p| p.meter_values_within);
        let Some(within) = within else {
            return;
        };
        let side = self.stations[station].side_mut();
        let mut watches = side.meter_watches.iter_mut();
        let watched = watches.find(|w| w.transaction == record.transaction);
        let is_watched = watched.is_some();
        if let Some(watch) = watched.filter(|_| record.has_values) {
            watch.heard_at = now.mono;
        }
        let has_room = side.meter_watches.len() < WATCHES_MAX;
        match (record.runs, is_watched) {
            (true, false) if !record.has_values && has_room => {
                side.meter_watches.push(MeterWatch {
                    transaction: record.transaction,
                    heard_at: now.mono,
                });
                self.deadlines
                    .insert(now.mono + within, Deadline::MeterValues(station));
            }
            (true, _) => {}
            (false, _) => side
                .meter_watches
                .retain(|w| w.transaction != record.transaction),
        }
    }

    /// Tells of transactions of a station that have sent no meter values for too long, once each.
    pub(super) fn meter_values_due(&mut self, now: Now, station: u32) {
        let within = self.profile(station).and_then(|p| p.meter_values_within);
        let Station { state, side, .. } = &mut self.stations[station];
        let (Some(within), Some(side)) = (within, side) else {
            return;
        };
        let mut silent = Vec::new();
        side.meter_watches.retain(|watch| {
            let due = watch.heard_at + within;
            let runs = state
                .transaction(watch.transaction)
                .is_some_and(|t| t.state == TransactionState::Active);
            if runs && due <= now.mono {
                silent.push(watch.transaction);
            } else if runs {
                self.deadlines.insert(due, Deadline::MeterValues(station));
            }
            runs && now.mono < due
        });
        for transaction in silent {
            let event = SecurityEvent {
                event_type: "Sigec.MeterValuesMissing".into(),
                occurred: Moment {
                    at: now.utc.0,
                    raw: String::new(),
                    clock_trusted: true,
                },
                info: format!(
                    "transaction {transaction} has sent no meter values for {} s",
                    within.as_secs()
                ),
                critical: false,
            };
            self.record(now, station, &event);
        }
    }
}

/// Transactions of one station that are watched at a time.
const WATCHES_MAX: usize = 16;

/// What a record says of a transaction's meter values.
#[derive(Clone, Copy, Debug)]
pub(super) struct MeterNews {
    transaction: TransactionId,
    runs: bool,
    has_values: bool,
}

impl MeterNews {
    /// What this record says, if anything.
    pub(super) fn of(body: &Body<'_>) -> Option<Self> {
        match body {
            Body::TransactionEvent(event) if !event.retry.conflict => Some(Self {
                transaction: TransactionId(event.transaction_id),
                runs: event.summary.state == TransactionState::Active.code(),
                has_values: false,
            }),
            Body::MeterValues(values) => Some(Self {
                transaction: TransactionId(*values.transaction_id.as_ref()?),
                runs: true,
                has_values: true,
            }),
            _ => None,
        }
    }
}

/// What was tolerated in a payload that was read by `rules`, place by place.
pub(super) fn changes_of(
    version: Version,
    action: &str,
    payload: &str,
    rules: Rules<'static>,
) -> Vec<Change> {
    let notes = Notes::default();
    let mut columns = MeterColumns::new();
    let noting = Rules {
        notes: Some(&notes),
        ..rules
    };
    // It was read before: only the notes are new.
    match version {
        Version::V16 => drop(v16::Request::decode(action, payload, noting, &mut columns)),
        Version::V201 => drop(v201::Request::decode(action, payload, noting, &mut columns)),
        Version::V21 if v21::Send::ACTIONS.contains(&action) => {
            drop(v21::Send::decode(action, payload, noting, &mut columns));
        }
        Version::V21 => drop(v21::Request::decode(action, payload, noting, &mut columns)),
    }
    notes.changes(payload, rules.clock)
}

pub(super) fn message_change(change: Change) -> MessageChange {
    MessageChange {
        pointer: change.pointer,
        quirk: change.quirk,
        found: change.found,
        taken: change.taken,
    }
}

/// Whether a refusal is about what a message says, and not about what it asks for.
pub(super) fn is_about_payload(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::FormatViolation
            | ErrorCode::PropertyConstraintViolation
            | ErrorCode::OccurrenceConstraintViolation
            | ErrorCode::TypeConstraintViolation
            | ErrorCode::RpcFrameworkError
    )
}
