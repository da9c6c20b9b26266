//! The transactions of one station.
//!
//! Those that run are kept as they are. One that has ended waits a day for late and repeated messages and is seldom
//! looked at: it is packed into some 120 bytes, and unpacked whole when it is asked for.
//!
//! # Invariants
//!
//! - A transaction is packed exactly when its state is not `Active`.
//! - Packing loses nothing of what has ended: the station's row is written from what is unpacked.

use std::borrow::Cow;

use fleet::record::{Quality, TransactionState};
use fleet::{Cost, MilliwattHours, TransactionId, UtcMicros};

use super::compact::{
    exact, put_bytes, put_signed, put_unsigned, take_array, take_bytes, take_signed, take_text,
    take_unsigned,
};
use super::{Transaction, Vehicle};
use crate::energy::{Register, Registers};

/// Oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Transactions(Vec<Kept>);

#[derive(Clone, Debug, PartialEq)]
enum Kept {
    Active(Box<Transaction>),
    Packed(Packed),
}

// A station pays for one of these, and for what it points to.
const _: () = assert!(size_of::<Kept>() <= 16);

impl Transactions {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = Cow<'_, Transaction>> {
        self.0.iter().map(Kept::get)
    }

    pub(crate) fn active(&self) -> impl Iterator<Item = &Transaction> {
        self.0.iter().filter_map(|kept| match kept {
            Kept::Active(transaction) => Some(&**transaction),
            Kept::Packed(_) => None,
        })
    }

    /// One that runs.
    pub(crate) fn active_mut(&mut self, id: TransactionId) -> Option<&mut Transaction> {
        self.0.iter_mut().find_map(|kept| match kept {
            Kept::Active(transaction) if transaction.id == id => Some(&mut **transaction),
            Kept::Active(_) | Kept::Packed(_) => None,
        })
    }

    pub(crate) fn find(&self, id: TransactionId) -> Option<Cow<'_, Transaction>> {
        self.0.iter().find(|kept| kept.id() == id).map(Kept::get)
    }

    /// Changes a transaction, which `make` makes if there is none.
    pub(crate) fn change(
        &mut self,
        id: TransactionId,
        make: impl FnOnce() -> Transaction,
        change: impl FnOnce(&mut Transaction),
    ) {
        let at = self.0.iter().position(|kept| kept.id() == id);
        let mut transaction = at.map_or_else(make, |at| self.0[at].get().into_owned());
        change(&mut transaction);
        debug_assert!(transaction.id == id, "a transaction keeps its name");
        let kept = Kept::new(transaction);
        match at {
            Some(at) => self.0[at] = kept,
            None => {
                // Most stations have one at a time.
                self.0.reserve_exact(1);
                self.0.push(kept);
            }
        }
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Transaction) -> bool) {
        let before = self.0.len();
        self.0.retain(|kept| keep(&kept.get()));
        if self.0.len() < before {
            self.0.shrink_to_fit();
        }
    }

    /// The oldest of those that do not run.
    pub(crate) fn oldest_ended(&self) -> Option<TransactionId> {
        let ended = |kept: &&Kept| matches!(kept, Kept::Packed(_));
        self.0.iter().find(ended).map(Kept::id)
    }

    pub(crate) fn oldest(&self) -> Option<TransactionId> {
        self.0.first().map(Kept::id)
    }

    /// When the first of those that do not run was last heard of.
    pub(super) fn ended_first(&self) -> Option<i64> {
        let ended = self.0.iter().filter_map(|kept| match kept {
            Kept::Active(_) => None,
            Kept::Packed(packed) => Some(packed.unpack().updated_at.0),
        });
        ended.min()
    }

    /// Puts those of a station where none runs: their number, and each as it lies.
    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        put_unsigned(bytes, self.0.len() as u64);
        for kept in &self.0 {
            match kept {
                Kept::Active(_) => unreachable!("a station with a running transaction lies open"),
                Kept::Packed(packed) => put_bytes(bytes, &packed.0),
            }
        }
    }

    /// Takes what [`Transactions::put`] put.
    pub(super) fn take(bytes: &mut &[u8]) -> Self {
        let len = take_unsigned(bytes);
        let kept = (0..len).map(|_| Kept::Packed(Packed(take_bytes(bytes).into())));
        Self(kept.collect())
    }
}

impl FromIterator<Transaction> for Transactions {
    fn from_iter<I: IntoIterator<Item = Transaction>>(transactions: I) -> Self {
        let mut kept: Vec<_> = transactions.into_iter().map(Kept::new).collect();
        kept.shrink_to_fit();
        Self(kept)
    }
}

impl Kept {
    fn new(transaction: Transaction) -> Self {
        match transaction.state {
            TransactionState::Active => Self::Active(Box::new(transaction)),
            TransactionState::Ended | TransactionState::Orphan => {
                Self::Packed(Packed::new(&transaction))
            }
        }
    }

    fn id(&self) -> TransactionId {
        match self {
            Self::Active(transaction) => transaction.id,
            Self::Packed(packed) => packed.id(),
        }
    }

    fn get(&self) -> Cow<'_, Transaction> {
        match self {
            Self::Active(transaction) => Cow::Borrowed(transaction),
            Self::Packed(packed) => Cow::Owned(packed.unpack()),
        }
    }
}

/// A transaction in as few bytes as it needs. They live in memory only and are never stored.
///
/// # Layout
///
/// `id`, 16 bytes; currency, 3 bytes; state and quality, a byte each; [`Flags`] as a varint; `token_ref` and `start`,
/// 16 bytes each if they are there. Then varints: EVSE, connector, `updated_at`, `event_at`, `seq_no`, and of the
/// optional numbers those that are there, times as differences to `updated_at`, registers to the one before. Last the
/// two texts, with their lengths.
#[derive(Clone, Debug, PartialEq)]
struct Packed(Box<[u8]>);

/// What is there, and what is true; a bit each in the order in which it is asked.
#[derive(Default)]
struct Flags {
    bits: u32,
    next: u32,
}

impl Flags {
    fn put(&mut self, flag: bool) {
        self.bits |= u32::from(flag) << self.next;
        self.next += 1;
    }

    fn take(&mut self) -> bool {
        let flag = self.bits >> self.next & 1 == 1;
        self.next += 1;
        flag
    }
}

impl Packed {
    fn new(t: &Transaction) -> Self {
        let registers = [t.registers.first, t.registers.last, t.registers.candidate];
        let mut flags = Flags::default();
        for flag in [
            t.registers.rebased,
            t.registers.broken,
            t.registers.has_begin,
            t.registers.has_end,
            t.token_ref.is_some(),
            t.start != [0; 16],
            t.started_at.is_some(),
            t.ended_at.is_some(),
            t.energy.is_some(),
            t.cost.is_some(),
        ] {
            flags.put(flag);
        }
        for register in registers {
            flags.put(register.is_some());
            flags.put(register.is_some_and(|register| register.at.is_some()));
        }
        let mut bytes = Vec::with_capacity(160);
        bytes.extend_from_slice(&t.id.0);
        bytes.extend_from_slice(&t.currency);
        bytes.extend_from_slice(&[t.state.code(), t.quality.code()]);
        put_unsigned(&mut bytes, u64::from(flags.bits));
        for name in [t.token_ref, Some(t.start).filter(|start| *start != [0; 16])] {
            bytes.extend_from_slice(name.as_ref().map_or(&[], <[u8; 16]>::as_slice));
        }
        put_unsigned(&mut bytes, u64::from(t.evse_id));
        put_unsigned(&mut bytes, u64::from(t.connector_id));
        let updated_at = t.updated_at.0;
        put_signed(&mut bytes, updated_at);
        put_signed(&mut bytes, t.event_at.wrapping_sub(updated_at));
        put_signed(&mut bytes, t.seq_no);
        for at in [t.started_at, t.ended_at].into_iter().flatten() {
            put_signed(&mut bytes, at.wrapping_sub(updated_at));
        }
        let energy = t.energy.map(|energy| energy.0);
        for value in [energy, t.cost.map(|cost| cost.0)].into_iter().flatten() {
            put_signed(&mut bytes, value);
        }
        let mut before = 0;
        for register in registers.into_iter().flatten() {
            if let Some(at) = register.at {
                put_signed(&mut bytes, at.wrapping_sub(updated_at));
            }
            put_signed(&mut bytes, register.energy.0.wrapping_sub(before));
            before = register.energy.0;
        }
        put_bytes(&mut bytes, t.ocpp_id.as_bytes());
        put_bytes(&mut bytes, t.stop_reason.as_bytes());
        Self(exact(&bytes))
    }

    fn id(&self) -> TransactionId {
        TransactionId(take_array(&mut &*self.0))
    }

    fn unpack(&self) -> Transaction {
        let rest = &mut &*self.0;
        let (id, currency) = (TransactionId(take_array(rest)), take_array(rest));
        let [state, quality] = take_array(rest);
        let mut flags = Flags {
            bits: take_unsigned(rest) as u32,
            next: 0,
        };
        let [rebased, broken, has_begin, has_end] = [(); 4].map(|()| flags.take());
        let [token_ref, start] = [(); 2].map(|()| flags.take().then(|| take_array(rest)));
        let evse_id = take_unsigned(rest) as u32;
        let connector_id = take_unsigned(rest) as u32;
        let updated_at = take_signed(rest);
        let event_at = take_signed(rest).wrapping_add(updated_at);
        let seq_no = take_signed(rest);
        let [started_at, ended_at] = [(); 2].map(|()| {
            let is_there = flags.take();
            is_there.then(|| take_signed(rest).wrapping_add(updated_at))
        });
        let [energy, cost] = [(); 2].map(|()| flags.take().then(|| take_signed(rest)));
        let mut before = 0_i64;
        let [first, last, candidate] = [(); 3].map(|()| {
            let (is_there, has_time) = (flags.take(), flags.take());
            is_there.then(|| {
                let at = has_time.then(|| take_signed(rest).wrapping_add(updated_at));
                before = before.wrapping_add(take_signed(rest));
                Register {
                    at,
                    energy: MilliwattHours(before),
                }
            })
        });
        let [ocpp_id, stop_reason] = [(); 2].map(|()| take_text(rest).into());
        Transaction {
            id,
            ocpp_id,
            evse_id,
            connector_id,
            state: TransactionState::from_code(state).expect("`new` was given a state"),
            quality: Quality::from_code(quality).expect("`new` was given a quality"),
            started_at,
            ended_at,
            energy: energy.map(MilliwattHours),
            cost: cost.map(Cost),
            currency,
            token_ref,
            stop_reason,
            registers: Registers {
                first,
                last,
                candidate,
                rebased,
                broken,
                has_begin,
                has_end,
            },
            seq_no,
            event_at,
            start: start.unwrap_or_default(),
            updated_at: UtcMicros(updated_at),
            vehicle: Vehicle::default(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    const AT: i64 = 1_795_341_600_000_000;

    fn register() -> impl Strategy<Value = Option<Register>> {
        let register = (any::<Option<i64>>(), any::<i64>());
        proptest::option::of(register.prop_map(|(at, mwh)| Register {
            at,
            energy: MilliwattHours(mwh),
        }))
    }

    /// Any that does not run.
    pub(in crate::state) fn ended() -> impl Strategy<Value = Transaction> {
        let names = (
            any::<[u8; 16]>(),
            any::<[u8; 16]>(),
            any::<Option<[u8; 16]>>(),
            ".*",
            ".*",
        );
        let places = (any::<u32>(), any::<u32>(), any::<[u8; 3]>());
        let times = (
            any::<i64>(),
            any::<i64>(),
            any::<Option<i64>>(),
            any::<Option<i64>>(),
        );
        let numbers = (any::<i64>(), any::<Option<i64>>(), any::<Option<i64>>());
        let registers = (register(), register(), register(), any::<[bool; 4]>());
        let kinds = (
            prop_oneof![
                Just(TransactionState::Ended),
                Just(TransactionState::Orphan)
            ],
            prop_oneof![
                Just(Quality::Ok),
                Just(Quality::Estimated),
                Just(Quality::Quarantined)
            ],
        );
        (names, places, times, numbers, registers, kinds).prop_map(
            |(names, places, times, numbers, registers, kinds)| Transaction {
                id: TransactionId(names.0),
                ocpp_id: names.3.into(),
                evse_id: places.0,
                connector_id: places.1,
                state: kinds.0,
                quality: kinds.1,
                started_at: times.2,
                ended_at: times.3,
                energy: numbers.1.map(MilliwattHours),
                cost: numbers.2.map(Cost),
                currency: places.2,
                token_ref: names.2,
                stop_reason: names.4.into(),
                registers: Registers {
                    first: registers.0,
                    last: registers.1,
                    candidate: registers.2,
                    rebased: registers.3[0],
                    broken: registers.3[1],
                    has_begin: registers.3[2],
                    has_end: registers.3[3],
                },
                seq_no: numbers.0,
                event_at: times.0,
                start: names.1,
                updated_at: UtcMicros(times.1),
                vehicle: Vehicle::default(),
            },
        )
    }

    proptest! {
        #[test]
        fn packing_loses_nothing(transaction in ended()) {
            let packed = Packed::new(&transaction);
            prop_assert_eq!(packed.id(), transaction.id);
            prop_assert_eq!(packed.unpack(), transaction);
        }
    }

    #[test]
    fn an_ended_transaction_is_small() {
        let register = |at, mwh| {
            Some(Register {
                at: Some(at),
                energy: MilliwattHours(mwh),
            })
        };
        let ended = Transaction {
            ocpp_id: "1234567890".into(),
            state: TransactionState::Ended,
            started_at: Some(AT),
            ended_at: Some(AT + 3_600_000_000),
            energy: Some(MilliwattHours(22_000_000)),
            cost: Some(Cost(1_650)),
            token_ref: Some([4; 16]),
            stop_reason: "EVDisconnected".into(),
            registers: Registers {
                first: register(AT, 123_456_000_000),
                last: register(AT + 3_600_000_000, 123_478_000_000),
                has_begin: true,
                has_end: true,
                ..Registers::default()
            },
            event_at: AT + 3_600_000_000,
            updated_at: UtcMicros(AT + 3_600_100_000),
            vehicle: Vehicle::default(),
            ..Transaction::running_for_test()
        };
        let len = Packed::new(&ended).0.len();
        assert!(len <= 128, "{len} bytes");
    }

    #[test]
    fn one_that_ends_is_packed_and_one_that_is_changed_stays_in_its_place() {
        let running = |n: u8| Transaction {
            id: TransactionId([n; 16]),
            ..Transaction::running_for_test()
        };
        let mut transactions: Transactions = [running(1), running(2)].into_iter().collect();
        let end = |t: &mut Transaction| t.state = TransactionState::Ended;
        transactions.change(TransactionId([1; 16]), || unreachable!("it is there"), end);
        assert!(matches!(
            transactions.0[..],
            [Kept::Packed(_), Kept::Active(_)]
        ));
        assert_eq!(transactions.oldest_ended(), Some(TransactionId([1; 16])));
        assert!(transactions.active_mut(TransactionId([1; 16])).is_none());
        let found = transactions.find(TransactionId([1; 16])).unwrap();
        assert_eq!(found.state, TransactionState::Ended);
        transactions.change(TransactionId([3; 16]), || running(3), |t| t.seq_no = 7);
        let ids = transactions.iter().map(|t| t.id.0[0]).collect::<Vec<_>>();
        assert_eq!((ids, transactions.active().count()), (vec![1, 2, 3], 2));
        transactions.retain(|t| t.state == TransactionState::Active);
        assert_eq!(transactions.len(), 2);
    }
}
