//! Tariffs, costs and payments.

use rkyv::{Archive, Deserialize, Serialize};

/// What is known of a transaction's money beside its energy. As a record of its own it is what versions before
/// [`MoneyChanged`] wrote.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct TransactionMoney {
    /// [`crate::TransactionId`].
    pub transaction_id: [u8; 16],
    /// What it is under; absent where the price of the configuration holds.
    pub tariff: Option<AppliedTariff>,
    /// What its station has worked out (2.1 `costDetails`).
    pub station_cost: Option<StationCost>,
    /// How it was paid (2.1 NotifySettlement), oldest first.
    pub settlements: Vec<Settlement>,
}

/// A tariff as it was when it was first applied to a transaction.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct AppliedTariff {
    /// `tariffId`.
    pub tariff_id: String,
    /// `TariffType`, a JSON object.
    pub tariff: String,
    /// Where its times of day are local.
    pub time_zone: String,
    /// Since when.
    pub applied_at: i64,
}

/// What a station has worked out for a transaction.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct StationCost {
    /// `seqNo` of the event that said so.
    pub seq_no: i64,
    /// When it came.
    pub told_at: i64,
    /// The tariff that the station names for this transaction; empty where it named none.
    pub tariff_id: String,
    /// `CostDetailsType`, a JSON object; empty where the station only named a tariff.
    pub details: String,
}

/// A payment, or an attempt (2.1 NotifySettlement).
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct Settlement {
    /// When it was told.
    pub told_at: i64,
    /// The payment service provider's name of it.
    pub psp_ref: String,
    /// `PaymentStatusEnumType`.
    pub status: String,
    /// Empty where absent, as all below.
    pub status_info: String,
    /// The decimal as the station wrote it, but for a very long one.
    pub amount: String,
    /// The station's time; when it was told where that is no time at which it can have been.
    pub settled_at: i64,
    /// Of the receipt that the station has.
    pub receipt_id: String,
    /// Where that is.
    pub receipt_url: String,
    /// Of the company that a receipt is for.
    pub vat_number: String,
    /// `AddressType`, a JSON object.
    pub vat_company: String,
}

/// The transactions of a station that may not cost more than their station has said (2.1 `transactionLimit.maxCost`): what versions
/// before [`TransactionLimits`] wrote, the whole of it each time.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct CostLimits {
    /// The OCPP action that changed it.
    pub cause: String,
    /// The newest last.
    pub limits: Vec<CostLimit>,
}

/// One of [`CostLimits`].
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct CostLimit {
    /// Which transaction.
    pub transaction_id: [u8; 16],
    /// In the currency of its tariff, the decimal as the station wrote it, but for a very long one.
    pub max_cost: String,
}

/// What transactions of a station may come to at most (2.1 `transactionLimit`): the whole of it each time.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct TransactionLimits {
    /// The OCPP action, or the operator's wish, that changed it.
    pub cause: String,
    /// Of transactions that run; the one that changed last is the last.
    pub limits: Vec<TransactionLimit>,
    /// Of remote starts whose transactions have not begun, the newest last.
    pub starts: Vec<StartLimit>,
}

/// What a transaction may come to at most.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct TransactionLimit {
    /// [`crate::TransactionId`].
    pub transaction_id: [u8; 16],
    /// What operators have set.
    pub set: Limits,
    /// Principal who did it last; empty where nobody has.
    pub set_by: String,
    /// When.
    pub set_at: Option<i64>,
    /// Of `set`, what goes out with the next answer.
    pub waiting: Limits,
    /// Of `set`, what went out.
    pub sent: Limits,
    /// What the newest answer that had limits had of them.
    pub newest: Limits,
    /// `seqNo` of the event that was answered by it.
    pub newest_seq_no: i64,
    /// When it went out.
    pub sent_at: Option<i64>,
    /// What the station has said.
    pub told: Limits,
    /// `seqNo` of the newest event that said something of it.
    pub told_seq_no: i64,
    /// When that came.
    pub told_at: Option<i64>,
}

/// What the transaction of a remote start may come to at most.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct StartLimit {
    /// `remoteStartId`.
    pub remote_start_id: i64,
    /// When its token is good no more; the limit is good for longer.
    pub until: i64,
    /// What the operator has set.
    pub set: Limits,
    /// Who that is.
    pub set_by: String,
    /// When.
    pub set_at: i64,
}

/// Bounds of a transaction; what is absent is not bounded.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct Limits {
    /// Millionths of the major unit of its currency.
    pub cost_micros: Option<i64>,
    /// Milliwatt-hours.
    pub energy_mwh: Option<i64>,
    /// Seconds since it began.
    pub time_s: Option<i64>,
    /// State of charge, percent.
    pub soc_percent: Option<i64>,
}

impl Limits {
    /// True where nothing is bounded.
    pub fn is_empty(&self) -> bool {
        self.each().iter().all(Option::is_none)
    }

    /// Cost, energy, time and state of charge.
    pub fn each(&self) -> [Option<i64>; 4] {
        let Self {
            cost_micros,
            energy_mwh,
            time_s,
            soc_percent,
        } = *self;
        [cost_micros, energy_mwh, time_s, soc_percent]
    }

    /// The inverse of [`Limits::each`].
    pub fn of_each([cost_micros, energy_mwh, time_s, soc_percent]: [Option<i64>; 4]) -> Self {
        Self {
            cost_micros,
            energy_mwh,
            time_s,
            soc_percent,
        }
    }
}

/// What is known of a transaction's money has changed. Its newest record holds all of it; a row of SQL is made of what is
/// new, and only of that.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct MoneyChanged {
    /// As it is now.
    pub money: TransactionMoney,
    /// True when the tariff was applied now.
    pub tariff_is_new: bool,
    /// True when the last of the settlements was told now.
    pub settlement_is_new: bool,
}

/// What a transaction has used under its tariff so far. Times are UTC microseconds, lengths microseconds.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct CostAccrued {
    /// [`crate::TransactionId`].
    pub transaction_id: [u8; 16],
    /// When it began.
    pub started_at: i64,
    /// Up to where minutes are counted.
    pub time_at: i64,
    /// Up to where energy is.
    pub energy_at: i64,
    /// Milliwatt-hours that are counted.
    pub energy_mwh: i64,
    /// 0 nobody says, 1 energy flows, 2 none does.
    pub flow: u8,
    /// Of all times in which energy flowed.
    pub charging: i64,
    /// Of all in which none did.
    pub idle: i64,
    /// Of the idle time that has not ended.
    pub idle_now: i64,
    /// Of the reservation that it used.
    pub reservation: Option<i64>,
    /// Mean power between the last two registers, milliwatts.
    pub power_mw: Option<i64>,
    /// Milliwatt-hours times millionths per kilowatt-hour.
    pub energy_sum: i128,
    /// Microseconds times millionths per minute, as the two below.
    pub charging_sum: i128,
    /// Of idle time.
    pub idle_sum: i128,
    /// Of the reservation.
    pub reservation_sum: i128,
    /// Millionths.
    pub fixed_micros: Option<i64>,
    /// Millionths, of the reservation.
    pub reservation_micros: Option<i64>,
    /// What came of an earlier tariff.
    pub before: Vec<CostPart>,
    /// What it came to when that was the most that the tariff asks for.
    pub frozen: Option<Vec<CostPart>>,
}

/// What a transaction under a tariff comes to, worked out at its end and whenever something more is told of it after that;
/// the newest record holds.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct TransactionBilled {
    /// [`crate::TransactionId`].
    pub transaction_id: [u8; 16],
    /// The tariff at its end.
    pub tariff_id: String,
    /// ISO 4217.
    pub currency: [u8; 3],
    /// [`CostKind`].
    pub kind: u8,
    /// Empty where it is not to be billed.
    pub parts: Vec<CostPart>,
    /// Milliwatt-hours that were counted.
    pub energy_mwh: i64,
    /// Microseconds in which energy flowed.
    pub charging: i64,
    /// And in which none did.
    pub idle: i64,
    /// And of the reservation that it used.
    pub reservation: Option<i64>,
}

/// The same, and whether it is billed. An earlier version wrote [`TransactionBilled`] by itself.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct TransactionCosted {
    /// What was used, and what that comes to.
    pub bill: TransactionBilled,
    /// [`CostState`].
    pub state: u8,
}

closed_set! {
    /// Whether a transaction is billed.
    CostState {
        /// For what its parts come to.
        Billed = 1 "billed",
        /// For nothing: its tariff has no price.
        Free = 2 "free",
        /// Not yet: its energy is not known, and may still be told.
        NotKnown = 3 "not_known",
        /// Not at all, unless somebody corrects it: its registers cannot be right.
        NotBilled = 4 "not_billed",
    }
}

closed_set! {
    /// What decided what a transaction comes to: `TariffCostEnumType`.
    CostKind {
        /// What the prices come to.
        Normal = 1 "NormalCost",
        /// The least that the tariff asks for.
        Min = 2 "MinCost",
        /// The most.
        Max = 3 "MaxCost",
    }
}

/// A part of a cost, hundredths of the currency's major unit.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct CostPart {
    /// 0 fixed, 1 energy, 2 charging time, 3 idle time, 4 time of a reservation, 5 its fee.
    pub part: u8,
    /// Without tax.
    pub excl_tax: i64,
    /// With it.
    pub incl_tax: i64,
}

/// The tariffs of a station, as far as its own answers tell (2.1 I07, I09, I10). A record holds all of them.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct StationTariffs {
    /// In the order in which they came to be known.
    pub tariffs: Vec<StationTariff>,
}

/// A tariff of a station.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct StationTariff {
    /// `tariffId`.
    pub tariff_id: String,
    /// `TariffKindEnumType`.
    pub kind: String,
    /// Where it is; 0 is every EVSE.
    pub evse_ids: Vec<u32>,
    /// How many tokens it is for.
    pub id_tokens: u32,
    /// From when on.
    pub valid_from: Option<i64>,
    /// When the station took it, or named it first.
    pub known_since: i64,
    /// When the station named it last; absent for one that it was sent and has not been asked for since.
    pub reported_at: Option<i64>,
}
