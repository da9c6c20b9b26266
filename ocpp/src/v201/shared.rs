//! Types of 2.0.1 that several actions use (Part 2, chapter "Datatypes").

use crate::record::{record, words};
use crate::{Any, Key, List, Number, Text, Timestamp};

words! {
    /// What most commands come to.
    pub enum AcceptedStatus {
        Accepted,
        Rejected,
    }
}

record! {
    /// More about a status (`StatusInfoType`).
    pub struct StatusInfo<'a> {
        reason_code: Text<'a, 20> = "reasonCode",
        additional_info: Option<Text<'a, 512>> = "additionalInfo",
    }
}

record! {
    /// An EVSE, or one of its connectors (`EVSEType`).
    pub struct Evse {
        id: u32 = "id",
        connector_id: Option<u32> = "connectorId",
    }
}

words! {
    /// What kind of token identifies the driver (`IdTokenEnumType`).
    pub enum IdTokenType {
        Central,
        EMaid = "eMAID",
        Iso14443 = "ISO14443",
        Iso15693 = "ISO15693",
        KeyCode,
        Local,
        MacAddress,
        NoAuthorization,
    }
}

record! {
    /// What identifies the driver (`IdTokenType`).
    pub struct IdToken<'a> {
        additional_info: Option<List<AdditionalInfo<'a>, 1>> = "additionalInfo",
        id_token: Key<'a, 36> = "idToken",
        kind: IdTokenType = "type",
    }
}

record! {
    /// A further token beside the first (`AdditionalInfoType`).
    pub struct AdditionalInfo<'a> {
        additional_id_token: Key<'a, 36> = "additionalIdToken",
        kind: Text<'a, 50> = "type",
    }
}

words! {
    /// Whether a token may charge (`AuthorizationStatusEnumType`).
    pub enum AuthorizationStatus {
        Accepted,
        Blocked,
        ConcurrentTx,
        Expired,
        Invalid,
        NoCredit,
        NotAllowedTypeEVSE,
        NotAtThisLocation,
        NotAtThisTime,
        Unknown,
    }
}

record! {
    /// What is known of a token (`IdTokenInfoType`).
    pub struct IdTokenInfo<'a> {
        status: AuthorizationStatus = "status",
        cache_expiry_date_time: Option<Timestamp<'a>> = "cacheExpiryDateTime",
        charging_priority: Option<i64> = "chargingPriority",
        language1: Option<Text<'a, 8>> = "language1",
        evse_id: Option<List<u32, 1>> = "evseId",
        group_id_token: Option<IdToken<'a>> = "groupIdToken",
        language2: Option<Text<'a, 8>> = "language2",
        personal_message: Option<MessageContent<'a>> = "personalMessage",
    }
}

impl IdTokenInfo<'static> {
    /// An answer that says no more than the status.
    pub const fn of(status: AuthorizationStatus) -> IdTokenInfo<'static> {
        IdTokenInfo {
            status,
            cache_expiry_date_time: None,
            charging_priority: None,
            language1: None,
            evse_id: None,
            group_id_token: None,
            language2: None,
            personal_message: None,
        }
    }
}

words! {
    /// How a message to the driver is written (`MessageFormatEnumType`).
    pub enum MessageFormat {
        Ascii = "ASCII",
        Html = "HTML",
        Uri = "URI",
        Utf8 = "UTF8",
    }
}

record! {
    /// A message to the driver (`MessageContentType`).
    pub struct MessageContent<'a> {
        format: MessageFormat = "format",
        language: Option<Text<'a, 8>> = "language",
        content: Text<'a, 512> = "content",
    }
}

record! {
    /// A part of the station in the device model (`ComponentType`).
    pub struct Component<'a> {
        evse: Option<Evse> = "evse",
        name: Key<'a, 50> = "name",
        instance: Option<Key<'a, 50>> = "instance",
    }
}

record! {
    /// A property of a component (`VariableType`).
    pub struct Variable<'a> {
        name: Key<'a, 50> = "name",
        instance: Option<Key<'a, 50>> = "instance",
    }
}

words! {
    /// Which of a variable's values (`AttributeEnumType`).
    pub enum AttributeType {
        Actual,
        Target,
        MinSet,
        MaxSet,
    }
}

words! {
    /// What became of a vendor's message (`DataTransferStatusEnumType`).
    pub enum DataTransferStatus {
        Accepted,
        Rejected,
        UnknownMessageId,
        UnknownVendorId,
    }
}

record! {
    /// A vendor's own message, in either direction (use case P01, P02).
    pub struct DataTransfer<'a> {
        message_id: Option<Text<'a, 50>> = "messageId",
        /// Any JSON.
        data: Option<Any<'a>> = "data",
        vendor_id: Text<'a, 255> = "vendorId",
    }
}

record! {
    /// Answer to [`DataTransfer`].
    pub struct DataTransferResponse<'a> {
        status: DataTransferStatus = "status",
        status_info: Option<StatusInfo<'a>> = "statusInfo",
        data: Option<Any<'a>> = "data",
    }
}

words! {
    /// What a charging profile limits (`ChargingProfilePurposeEnumType`).
    pub enum ChargingProfilePurpose {
        ChargingStationExternalConstraints,
        ChargingStationMaxProfile,
        TxDefaultProfile,
        TxProfile,
    }
}

words! {
    /// How a charging profile's schedule lies in time (`ChargingProfileKindEnumType`).
    pub enum ChargingProfileKind {
        Absolute,
        Recurring,
        Relative,
    }
}

words! {
    /// How often a charging profile comes round (`RecurrencyKindEnumType`).
    pub enum RecurrencyKind {
        Daily,
        Weekly,
    }
}

words! {
    /// The unit of a schedule's limits (`ChargingRateUnitEnumType`).
    pub enum ChargingRateUnit {
        W,
        A,
    }
}

record! {
    /// A charging profile (`ChargingProfileType`).
    pub struct ChargingProfile<'a> {
        id: i64 = "id",
        stack_level: u32 = "stackLevel",
        charging_profile_purpose: ChargingProfilePurpose = "chargingProfilePurpose",
        charging_profile_kind: ChargingProfileKind = "chargingProfileKind",
        recurrency_kind: Option<RecurrencyKind> = "recurrencyKind",
        valid_from: Option<Timestamp<'a>> = "validFrom",
        valid_to: Option<Timestamp<'a>> = "validTo",
        charging_schedule: List<ChargingSchedule<'a>, 1, 3> = "chargingSchedule",
        transaction_id: Option<Key<'a, 36>> = "transactionId",
    }
}

record! {
    /// One schedule of a charging profile (`ChargingScheduleType`).
    pub struct ChargingSchedule<'a> {
        id: i64 = "id",
        start_schedule: Option<Timestamp<'a>> = "startSchedule",
        /// Seconds.
        duration: Option<u32> = "duration",
        charging_rate_unit: ChargingRateUnit = "chargingRateUnit",
        charging_schedule_period: List<ChargingSchedulePeriod<'a>, 1, 1024> = "chargingSchedulePeriod",
        min_charging_rate: Option<Number<'a>> = "minChargingRate",
        sales_tariff: Option<SalesTariff<'a>> = "salesTariff",
    }
}

record! {
    /// One step of a schedule (`ChargingSchedulePeriodType`).
    pub struct ChargingSchedulePeriod<'a> {
        /// Seconds from the start of the schedule.
        start_period: u32 = "startPeriod",
        limit: Number<'a> = "limit",
        number_phases: Option<u32> = "numberPhases",
        phase_to_use: Option<u32> = "phaseToUse",
    }
}

record! {
    /// Prices over time for the vehicle (`SalesTariffType`, ISO 15118).
    pub struct SalesTariff<'a> {
        id: i64 = "id",
        sales_tariff_description: Option<Text<'a, 32>> = "salesTariffDescription",
        num_e_price_levels: Option<u32> = "numEPriceLevels",
        sales_tariff_entry: List<SalesTariffEntry<'a>, 1, 1024> = "salesTariffEntry",
    }
}

record! {
    /// The price of one interval (`SalesTariffEntryType`).
    pub struct SalesTariffEntry<'a> {
        relative_time_interval: RelativeTimeInterval = "relativeTimeInterval",
        e_price_level: Option<u32> = "ePriceLevel",
        consumption_cost: Option<List<ConsumptionCost<'a>, 1, 3>> = "consumptionCost",
    }
}

record! {
    /// Seconds from now (`RelativeTimeIntervalType`).
    pub struct RelativeTimeInterval {
        start: i64 = "start",
        duration: Option<u32> = "duration",
    }
}

record! {
    /// Costs from some consumption on (`ConsumptionCostType`).
    pub struct ConsumptionCost<'a> {
        start_value: Number<'a> = "startValue",
        cost: List<Cost, 1, 3> = "cost",
    }
}

words! {
    /// What a cost counts (`CostKindEnumType`).
    pub enum CostKind {
        CarbonDioxideEmission,
        RelativePricePercentage,
        RenewableGenerationPercentage,
    }
}

record! {
    /// One cost (`CostType`).
    pub struct Cost {
        cost_kind: CostKind = "costKind",
        amount: i64 = "amount",
        amount_multiplier: Option<i64> = "amountMultiplier",
    }
}
