//! Records between their making and the log.
//!
//! The journal numbers records as the log will, keeps their bytes until the log has taken them, and knows which are
//! durable. What the log does not take now stays here, and the shard reads less. What no log would ever take does not come
//! in: whoever makes a record bounds it, and one that is too long all the same says no more than that its station was heard,
//! lest every station of the shard wait behind it for ever.

use std::ops::Range;

use fleet::record::StationHeard;
use fleet::wire::{self, MessageView, Writer};
use fleet::{EventId, LogId, Seq, StationKey, UtcMicros};
use ocpp::Instant;

/// Memory that an empty journal keeps.
const KEPT_MAX: usize = 256 << 10;

/// The records of one log that are not handed over yet, and the marks of those that are.
pub(crate) struct Journal {
    log_id: LogId,
    writer: Writer,
    bytes: Vec<u8>,
    /// Where each record in `bytes` ends; the first `taken` of them are the log's.
    ends: Vec<usize>,
    taken: usize,
    /// The newest record made.
    last: Seq,
    durable: Seq,
    /// Since when something waits for the log; moves on with each commit.
    waiting_since: Option<Instant>,
    record_len_max: usize,
}

impl Journal {
    /// A journal whose log ends with `last`, and takes records of at most this length.
    pub(crate) fn new(log_id: LogId, last: Seq, record_len_max: usize) -> Self {
        Self {
            log_id,
            writer: Writer::default(),
            bytes: Vec::new(),
            ends: Vec::new(),
            taken: 0,
            last,
            durable: last,
            waiting_since: None,
            record_len_max,
        }
    }

    pub(crate) fn log_id(&self) -> LogId {
        self.log_id
    }

    /// The newest record made.
    pub(crate) fn last(&self) -> Seq {
        self.last
    }

    pub(crate) fn durable(&self) -> Seq {
        self.durable
    }

    /// The number of the next record.
    pub(crate) fn next(&self) -> Seq {
        Seq(self.last.0 + 1)
    }

    /// Writes one record; answers its name and where its bytes lie until the next call.
    pub(crate) fn write<T>(
        &mut self,
        now: Instant,
        station: &StationKey,
        received_at: UtcMicros,
        content: &T,
    ) -> (EventId, Range<usize>)
    where
        T: Writable,
    {
        let start = self.bytes.len();
        content.write_to(&mut self.writer, &mut self.bytes, station, received_at);
        let event = self.end(now, start, station, received_at);
        (event, start..self.bytes.len())
    }

    /// Writes the record of a raw frame; answers its name.
    pub(crate) fn write_message(
        &mut self,
        now: Instant,
        station: &StationKey,
        received_at: UtcMicros,
        message: &MessageView<'_, [u8]>,
    ) -> EventId {
        let start = self.bytes.len();
        wire::write_message(&mut self.bytes, station, received_at, message);
        self.end(now, start, station, received_at)
    }

    /// Ends the record that begins at `start`.
    fn end(
        &mut self,
        now: Instant,
        start: usize,
        station: &StationKey,
        received_at: UtcMicros,
    ) -> EventId {
        let len = self.bytes.len() - start;
        if self.record_len_max < len {
            let limit = self.record_len_max;
            tracing::error!(%station, len, limit, "a record too long for the log is left out");
            self.bytes.truncate(start);
            let heard = StationHeard {
                heard_at: received_at.0,
            };
            heard.write_to(&mut self.writer, &mut self.bytes, station, received_at);
        }
        self.ends.push(self.bytes.len());
        self.last = self.next();
        self.waiting_since.get_or_insert(now);
        EventId {
            log_id: self.log_id,
            seq: self.last,
        }
    }

    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// Hands records to the log, oldest first, until `append` refuses one.
    pub(crate) fn hand_over(&mut self, mut append: impl FnMut(&[u8]) -> bool) {
        while self.taken < self.ends.len() {
            let start = self
                .taken
                .checked_sub(1)
                .map_or(0, |before| self.ends[before]);
            if !append(&self.bytes[start..self.ends[self.taken]]) {
                break;
            }
            self.taken += 1;
        }
        if self.taken == self.ends.len() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_MAX);
            self.ends.clear();
            self.ends.shrink_to(KEPT_MAX / 256);
            self.taken = 0;
        } else if 0 < self.taken {
            let cut = self.ends[self.taken - 1];
            self.bytes.drain(..cut);
            self.ends.drain(..self.taken);
            self.ends.iter_mut().for_each(|end| *end -= cut);
            self.taken = 0;
        }
    }

    /// Gives back memory beyond what the records here need.
    pub(crate) fn let_go(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// Bytes that the log has not taken.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The log has committed up to `seq`.
    pub(crate) fn committed(&mut self, now: Instant, seq: Seq) {
        assert!(
            self.durable <= seq && seq <= self.last,
            "a log commits what it was given, in order"
        );
        if self.durable < seq {
            self.durable = seq;
            self.waiting_since = (seq < self.last).then_some(now);
        }
    }

    /// Since when the log commits nothing although something waits.
    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        self.waiting_since
    }
}

/// What a [`Writer`] writes; spelled out here because its own bound is long.
pub(crate) trait Writable {
    fn write_to(&self, writer: &mut Writer, out: &mut Vec<u8>, key: &StationKey, at: UtcMicros);
}

macro_rules! writable {
    ($($kind:ident),+ $(,)?) => {
        $(impl Writable for fleet::record::$kind {
            fn write_to(&self, writer: &mut Writer, out: &mut Vec<u8>, key: &StationKey, at: UtcMicros) {
                writer.write(out, key, at, self);
            }
        })+
    };
}

writable!(
    Connected,
    Disconnected,
    ConnectionRefused,
    Booted,
    StatusReported,
    TransactionEvent,
    MeterValues,
    SecurityEvent,
    SecurityProfileSet,
    StationHeard,
    StationCertificates,
    TransactionClosed,
    TransactionMoney,
    MoneyChanged,
    TransactionCosted,
    TransactionProgress,
    CostAccrued,
    StationTariffs,
    CommandChanged,
    CommandFollowed,
    ChargingChanged,
    ReservationsChanged,
    StationConfigured,
    StationDeleted,
    Notified,
    NotifiedDated,
    DerChanged,
    EventStreamsChanged,
    BatterySwapsChanged,
    V2xChanged,
    WebPaymentSecretsChanged,
    WebPaymentSecretsPending,
    PasswordsInDoubt,
    StationPasswords,
    StartTokens,
    CostLimits,
    TransactionLimits,
    DriverTransfers,
    MessageQuarantined,
);

#[cfg(test)]
mod tests {
    use super::*;
    use fleet::record::StationDeleted;

    fn write(journal: &mut Journal, principal: &str) -> Seq {
        let key = StationKey::new("default", "CP1").unwrap();
        let content = StationDeleted {
            principal: principal.into(),
        };
        journal
            .write(Instant(5), &key, UtcMicros(1), &content)
            .0
            .seq
    }

    #[test]
    fn records_reach_the_log_in_order_however_often_it_refuses() {
        let mut journal = Journal::new(LogId(7), Seq(10), 1_024);
        let seqs: Vec<_> = ["a", "b", "c"].map(|who| write(&mut journal, who)).into();
        assert_eq!(seqs, [Seq(11), Seq(12), Seq(13)]);
        let mut log = Vec::new();
        let mut room = 2;
        journal.hand_over(|record| {
            let taken = 0 < room;
            if taken {
                room -= 1;
                log.push(record.to_vec());
            }
            taken
        });
        assert_eq!(write(&mut journal, "d"), Seq(14));
        journal.hand_over(|record| {
            log.push(record.to_vec());
            true
        });
        let who: Vec<_> = log
            .iter()
            .map(|record| match fleet::wire::read(record).unwrap().body {
                fleet::wire::Body::StationDeleted(deleted) => deleted.principal.to_string(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(who, ["a", "b", "c", "d"]);
        assert_eq!(journal.len(), 0);
    }

    #[test]
    fn a_record_that_no_log_takes_leaves_its_number_to_another() {
        let mut journal = Journal::new(LogId(7), Seq(0), 1_024);
        let seqs = ["a", &"b".repeat(1_024), "c"].map(|who| write(&mut journal, who));
        assert_eq!(seqs, [Seq(1), Seq(2), Seq(3)]);
        let mut kinds = Vec::new();
        journal.hand_over(|record| {
            let read = fleet::wire::read(record).unwrap();
            assert_eq!(read.received_at, UtcMicros(1));
            kinds.push(match read.body.to_fact().unwrap() {
                fleet::wire::Fact::StationDeleted(deleted) => deleted.principal,
                fleet::wire::Fact::StationHeard(heard) => format!("heard at {}", heard.heard_at),
                other => panic!("{other:?}"),
            });
            true
        });
        assert_eq!(kinds, ["a", "heard at 1", "c"]);
    }

    #[test]
    fn it_knows_since_when_the_log_stands_still() {
        let mut journal = Journal::new(LogId(7), Seq(0), 1_024);
        assert_eq!(journal.waiting_since(), None);
        write(&mut journal, "a");
        write(&mut journal, "b");
        assert_eq!(journal.waiting_since(), Some(Instant(5)));
        journal.committed(Instant(9), Seq(1));
        assert_eq!(journal.waiting_since(), Some(Instant(9)));
        journal.committed(Instant(12), Seq(2));
        assert_eq!(journal.waiting_since(), None);
    }
}
