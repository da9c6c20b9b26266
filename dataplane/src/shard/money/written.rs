//! Between what a transaction has used, and its record.

use fleet::TransactionId;
use fleet::record::{
    CostAccrued, CostKind, CostPart, CostState, TransactionBilled, TransactionCosted,
};

use crate::tariff::{Bill, BillKind, Flow, Money, Part, Parts, Usage};

pub(super) fn written(id: TransactionId, usage: &Usage) -> CostAccrued {
    CostAccrued {
        transaction_id: id.0,
        started_at: usage.started_at,
        time_at: usage.time_at,
        energy_at: usage.energy_at,
        energy_mwh: usage.energy_mwh,
        flow: usage.flow.code(),
        charging: usage.charging,
        idle: usage.idle,
        idle_now: usage.idle_now,
        reservation: usage.reservation,
        power_mw: usage.power_mw,
        energy_sum: usage.energy_sum,
        charging_sum: usage.charging_sum,
        idle_sum: usage.idle_sum,
        reservation_sum: usage.reservation_sum,
        fixed_micros: usage.fixed_micros,
        reservation_micros: usage.reservation_micros,
        before: written_parts(&usage.before),
        frozen: usage.frozen.as_ref().map(written_parts),
    }
}

pub(super) fn usage_of(accrued: &CostAccrued) -> Usage {
    Usage {
        started_at: accrued.started_at,
        time_at: accrued.time_at,
        energy_at: accrued.energy_at,
        energy_mwh: accrued.energy_mwh,
        flow: Flow::from_code(accrued.flow).unwrap_or_default(),
        charging: accrued.charging,
        idle: accrued.idle,
        idle_now: accrued.idle_now,
        reservation: accrued.reservation,
        power_mw: accrued.power_mw,
        energy_sum: accrued.energy_sum,
        charging_sum: accrued.charging_sum,
        idle_sum: accrued.idle_sum,
        reservation_sum: accrued.reservation_sum,
        fixed_micros: accrued.fixed_micros,
        reservation_micros: accrued.reservation_micros,
        before: parts_of(&accrued.before),
        frozen: accrued.frozen.as_deref().map(parts_of),
    }
}

/// Whether there is a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Billing {
    Billed,
    /// What it needs may still be told.
    NotKnown,
    /// The registers cannot be right.
    NotBilled,
}

/// A bill, or, of what is not to be billed, what was used.
pub(super) fn billed(
    id: TransactionId,
    usage: &Usage,
    bill: &Bill,
    billing: Billing,
) -> TransactionCosted {
    let part = |(part, money): &(Part, Money)| CostPart {
        part: Part::ALL
            .iter()
            .position(|known| known == part)
            .unwrap_or_default() as u8,
        excl_tax: money.excl_tax,
        incl_tax: money.incl_tax,
    };
    let is_billed = billing == Billing::Billed;
    let state = match billing {
        Billing::Billed if bill.parts.is_empty() => CostState::Free,
        Billing::Billed => CostState::Billed,
        Billing::NotKnown => CostState::NotKnown,
        Billing::NotBilled => CostState::NotBilled,
    };
    let bill = TransactionBilled {
        transaction_id: id.0,
        tariff_id: bill.tariff_id.clone(),
        currency: bill.currency,
        kind: match bill.kind {
            BillKind::Normal => CostKind::Normal,
            BillKind::Min => CostKind::Min,
            BillKind::Max => CostKind::Max,
        }
        .code(),
        parts: bill.parts.iter().filter(|_| is_billed).map(part).collect(),
        energy_mwh: usage.energy_mwh,
        charging: usage.charging,
        idle: usage.idle,
        reservation: usage.reservation,
    };
    TransactionCosted {
        bill,
        state: state.code(),
    }
}

fn written_parts(parts: &Parts) -> Vec<CostPart> {
    let named = (0..).zip(&parts.0);
    named
        .filter_map(|(part, money)| {
            money.map(|money| CostPart {
                part,
                excl_tax: money.excl_tax,
                incl_tax: money.incl_tax,
            })
        })
        .collect()
}

fn parts_of(written: &[CostPart]) -> Parts {
    const _: () = assert!(Part::ALL.len() == 6, "a part is its place there");
    let mut parts = Parts::default();
    for part in written {
        if let Some(money) = parts.0.get_mut(usize::from(part.part)) {
            *money = Some(Money {
                excl_tax: part.excl_tax,
                incl_tax: part.incl_tax,
            });
        }
    }
    parts
}
