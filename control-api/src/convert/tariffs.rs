//! Tariffs and costs, from the data plane's types to the API's.

use dataplane::{Bill, MoneyView, StoredTariff};
use fleet::record::{self, StationTariffs};
use fleet::{Cost, MilliwattHours};

use super::{json, some, watt_hours, written_at};

pub(crate) fn tariff(tariff: StoredTariff) -> sdk::Tariff {
    sdk::Tariff {
        id: tariff.id,
        tariff: json(&tariff.json),
        time_zone: tariff.time_zone,
        everywhere: tariff.scope.everywhere,
        sites: tariff.scope.sites,
        devices: tariff.scope.stations,
        changed_at: tariff.changed_at.to_string(),
    }
}

pub(crate) fn station_tariffs(known: StationTariffs) -> sdk::DeviceTariffs {
    let shown = |tariff: record::StationTariff| sdk::DeviceTariff {
        tariff_id: tariff.tariff_id,
        kind: tariff.kind,
        connector_ids: tariff.evse_ids,
        id_tokens_count: tariff.id_tokens,
        valid_from: tariff.valid_from.map(written_at),
        known_since: written_at(tariff.known_since),
        reported_at: tariff.reported_at.map(written_at),
    };
    sdk::DeviceTariffs {
        tariffs: known.tariffs.into_iter().map(shown).collect(),
    }
}

/// Adds to a transaction what is known of its money.
pub(super) fn add_money(transaction: &mut sdk::Transaction, money: MoneyView) {
    transaction.cost_details = money.bill.map(cost_details);
    transaction.station_cost = money.station_cost.map(|told| sdk::StationCost {
        tariff_id: some(told.tariff_id),
        cost_details: some(told.details).as_deref().map(json),
        received_at: written_at(told.told_at),
    });
    transaction.settlements = money.settlements.into_iter().map(settlement).collect();
}

fn cost_details(bill: Bill) -> sdk::CostDetails {
    let amount = |hundredths: i64| Cost(hundredths).to_string();
    let parts = bill.parts.iter();
    sdk::CostDetails {
        tariff_id: bill.tariff_id,
        currency: String::from_utf8_lossy(&bill.currency).into_owned(),
        type_of_cost: bill.kind.as_str().to_owned(),
        parts: parts
            .map(|(part, money)| sdk::CostPart {
                part: part.as_str().to_owned(),
                excl_tax: amount(money.excl_tax),
                incl_tax: amount(money.incl_tax),
            })
            .collect(),
        total_excl_tax: amount(bill.total.excl_tax),
        total_incl_tax: amount(bill.total.incl_tax),
        energy_wh: watt_hours(MilliwattHours(bill.energy_mwh)),
        charging_time_s: bill.charging_s,
        idle_time_s: bill.idle_s,
        reservation_time_s: bill.reservation_s,
    }
}

fn settlement(settlement: record::Settlement) -> sdk::Settlement {
    let record::Settlement {
        told_at,
        psp_ref,
        status,
        status_info,
        amount,
        settled_at,
        receipt_id,
        receipt_url,
        vat_number,
        vat_company,
    } = settlement;
    sdk::Settlement {
        psp_ref,
        status,
        status_info: some(status_info),
        amount,
        settled_at: written_at(settled_at),
        receipt_id: some(receipt_id),
        receipt_url: some(receipt_url),
        vat_number: some(vat_number),
        vat_company: some(vat_company).as_deref().map(json),
        received_at: written_at(told_at),
    }
}
