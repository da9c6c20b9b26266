//! Events of stations: what monitors saw (2.x NotifyEvent), and errors of connectors (1.6 StatusNotification).
//!
//! As with variables and monitors, rows come out of records alone ([`tell::rows`]) and nothing stays in a shard's memory; a
//! list is put together when somebody asks ([`read`]). Of a station are kept the newest [`clear::KEPT_MAX`], for 30 days.

pub(crate) mod clear;
pub(crate) mod read;
pub(crate) mod row;
pub(crate) mod tell;
#[cfg(test)]
mod tests;

use fleet::{EventId, UtcMicros};

use crate::variables::Named;

/// Which event of a station: when its message came, that message, and its place there. Newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventKey {
    /// UTC microseconds.
    pub received_at: i64,
    /// Number of the record in its log.
    pub seq: u64,
    /// Which of the message's events.
    pub place: u16,
}

/// Which events to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only those of a component of this name, in whatever case.
    pub component: Option<String>,
    /// Only those of a variable of this name, in whatever case.
    pub variable: Option<String>,
    /// Only those with this trigger.
    pub trigger: Option<String>,
    /// Only those of this severity or a worse one; 0 is the worst. Those of none are not shown then.
    pub severity: Option<u8>,
    /// Only those that came then or later.
    pub since: Option<UtcMicros>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventView {
    /// Which.
    pub key: EventKey,
    /// By which record.
    pub position: EventId,
    /// True for an error of 1.6.
    pub is_status: bool,
    /// `eventId`; `None` in 1.6, as all below that 1.6 does not know.
    pub event_id: Option<i64>,
    /// The station's time of it, as it wrote that.
    pub timestamp: String,
    /// `trigger`: Alerting, Delta or Periodic.
    pub trigger: Option<String>,
    /// `cause`: the event that led to this one.
    pub cause: Option<i64>,
    /// Component.
    pub component: Named,
    /// 0 for none.
    pub evse_id: u32,
    /// 0 for none.
    pub connector_id: u32,
    /// Variable.
    pub variable: Named,
    /// `actualValue`.
    pub actual_value: Option<String>,
    /// `techCode`; in 1.6 `errorCode`.
    pub tech_code: Option<String>,
    /// `techInfo`; in 1.6 `vendorErrorCode` and `info`.
    pub tech_info: Option<String>,
    /// `cleared`.
    pub cleared: Option<bool>,
    /// The station's name of the transaction.
    pub ocpp_transaction_id: Option<String>,
    /// `variableMonitoringId`.
    pub monitor_id: Option<i64>,
    /// `eventNotificationType`.
    pub notification_type: Option<String>,
    /// Of the event (2.1), or of its monitor as far as that is known.
    pub severity: Option<u8>,
}
