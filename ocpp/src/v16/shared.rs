//! Types of 1.6 that several actions use.

use crate::record::{record, words};
use crate::{Key, List, Number, Text, Timestamp};

words! {
    /// What most commands come to.
    pub enum AcceptedStatus {
        Accepted,
        Rejected,
    }
}

words! {
    /// Whether an IdTag may charge (1.6 §7.2).
    pub enum AuthorizationStatus {
        Accepted,
        Blocked,
        Expired,
        Invalid,
        ConcurrentTx,
    }
}

record! {
    /// What is known of an IdTag (1.6 §7.27).
    pub struct IdTagInfo<'a> {
        expiry_date: Option<Timestamp<'a>> = "expiryDate",
        parent_id_tag: Option<Key<'a, 20>> = "parentIdTag",
        status: AuthorizationStatus = "status",
    }
}

words! {
    /// What became of a vendor's message (1.6 §7.16).
    pub enum DataTransferStatus {
        Accepted,
        Rejected,
        UnknownMessageId,
        UnknownVendorId,
    }
}

record! {
    /// A vendor's own message, in either direction (1.6 §4.3, §5.6).
    pub struct DataTransfer<'a> {
        vendor_id: Text<'a, 255> = "vendorId",
        message_id: Option<Text<'a, 50>> = "messageId",
        /// Without limit on its length.
        data: Option<Text<'a>> = "data",
    }
}

record! {
    /// Answer to [`DataTransfer`].
    pub struct DataTransferResponse<'a> {
        status: DataTransferStatus = "status",
        data: Option<Text<'a>> = "data",
    }
}

words! {
    /// What a charging profile limits (1.6 §7.9).
    pub enum ChargingProfilePurpose {
        ChargePointMaxProfile,
        TxDefaultProfile,
        TxProfile,
    }
}

words! {
    /// How a charging profile's schedule lies in time (1.6 §7.8).
    pub enum ChargingProfileKind {
        Absolute,
        Recurring,
        Relative,
    }
}

words! {
    /// How often a charging profile comes round (1.6 §7.37).
    pub enum RecurrencyKind {
        Daily,
        Weekly,
    }
}

words! {
    /// The unit of a schedule's limits (1.6 §7.10).
    pub enum ChargingRateUnit {
        A,
        W,
    }
}

record! {
    /// A charging profile (1.6 §7.7).
    pub struct ChargingProfile<'a> {
        charging_profile_id: i64 = "chargingProfileId",
        transaction_id: Option<i64> = "transactionId",
        stack_level: u32 = "stackLevel",
        charging_profile_purpose: ChargingProfilePurpose = "chargingProfilePurpose",
        charging_profile_kind: ChargingProfileKind = "chargingProfileKind",
        recurrency_kind: Option<RecurrencyKind> = "recurrencyKind",
        valid_from: Option<Timestamp<'a>> = "validFrom",
        valid_to: Option<Timestamp<'a>> = "validTo",
        charging_schedule: ChargingSchedule<'a> = "chargingSchedule",
    }
}

record! {
    /// The schedule of a charging profile (1.6 §7.13).
    pub struct ChargingSchedule<'a> {
        /// Seconds.
        duration: Option<u32> = "duration",
        start_schedule: Option<Timestamp<'a>> = "startSchedule",
        charging_rate_unit: ChargingRateUnit = "chargingRateUnit",
        charging_schedule_period: List<ChargingSchedulePeriod<'a>> = "chargingSchedulePeriod",
        min_charging_rate: Option<Number<'a, 1>> = "minChargingRate",
    }
}

record! {
    /// One step of a schedule (1.6 §7.14).
    pub struct ChargingSchedulePeriod<'a> {
        /// Seconds from the start of the schedule.
        start_period: u32 = "startPeriod",
        limit: Number<'a, 1> = "limit",
        number_phases: Option<u32> = "numberPhases",
    }
}
