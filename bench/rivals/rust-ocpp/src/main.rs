//! Reads messages with the types of `rust-ocpp`, when it is told to.
//!
//! A line `VERSION ACTION COUNT MESSAGE` on standard input is answered with a line:
//!
//! - `NANOSECONDS ALLOCATIONS` for reading the message COUNT times, each time from its text to a typed value, with the
//!   checks that the type has;
//! - `unknown`: the crate has no such message;
//! - `refused REASON`: it has, and cannot read this one.

#![expect(
    clippy::disallowed_methods,
    reason = "a stopwatch needs a clock; the rules of the workspace beside it come from its clippy.toml"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::borrow::Cow;
use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rust_ocpp::{v1_6, v2_0_1};
use serde::Deserialize;
use serde_json::value::RawValue;
use validator::Validate;

/// Counts what reading allocates.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes to the system's allocator as it came; the count touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise about `layout` is the one `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System` with this `layout`, through `alloc` or `realloc` here.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as for `alloc` and `dealloc`.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Read = fn(&str) -> Result<(), Box<dyn Error>>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut stdout = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().ok_or("expected VERSION ACTION COUNT MESSAGE");
        let (version, action, count, message) = (word()?, word()?, word()?, word()?);
        let answer = match reader(version, action) {
            None => "unknown".to_owned(),
            Some(read) => match time(read, message, count.parse()?) {
                Ok((nanos, allocations)) => format!("{nanos} {allocations}"),
                Err(error) => format!("refused {error}"),
            },
        };
        writeln!(stdout, "{answer}")?;
        stdout.flush()?;
    }
    Ok(())
}

/// Nanoseconds and allocations of reading `message` `count` times, after one that warms up.
fn time(read: Read, message: &str, count: u64) -> Result<(u128, u64), Box<dyn Error>> {
    read(message)?;
    let (before, start) = (ALLOCATIONS.load(Ordering::Relaxed), Instant::now());
    for _ in 0..count {
        read(black_box(message))?;
    }
    let nanos = start.elapsed().as_nanos();
    Ok((nanos, ALLOCATIONS.load(Ordering::Relaxed) - before))
}

/// Of every action that a station may say and the crate has; an answer to a command ends in `Response`.
fn reader(version: &str, action: &str) -> Option<Read> {
    use v1_6::messages as v16;
    use v2_0_1::messages as v201;
    Some(match (version, action) {
        ("1.6", "Authorize") => checked::<v16::authorize::AuthorizeRequest>,
        ("1.6", "BootNotification") => checked::<v16::boot_notification::BootNotificationRequest>,
        ("1.6", "DataTransfer") => checked::<v16::data_transfer::DataTransferRequest>,
        ("1.6", "DiagnosticsStatusNotification") => typed::<v16::diagnostics_status_notification::DiagnosticsStatusNotificationRequest>,
        ("1.6", "FirmwareStatusNotification") => typed::<v16::firmware_status_notification::FirmwareStatusNotificationRequest>,
        ("1.6", "GetCompositeScheduleResponse") => typed_answer::<v16::get_composite_schedule::GetCompositeScheduleResponse>,
        ("1.6", "GetConfigurationResponse") => checked_answer::<v16::get_configuration::GetConfigurationResponse>,
        ("1.6", "Heartbeat") => checked::<v16::heart_beat::HeartbeatRequest>,
        ("1.6", "MeterValues") => typed::<v16::meter_values::MeterValuesRequest>,
        ("1.6", "StartTransaction") => checked::<v16::start_transaction::StartTransactionRequest>,
        ("1.6", "StatusNotification") => checked::<v16::status_notification::StatusNotificationRequest>,
        ("1.6", "StopTransaction") => checked::<v16::stop_transaction::StopTransactionRequest>,
        ("2.0.1", "Authorize") => checked::<v201::authorize::AuthorizeRequest>,
        ("2.0.1", "BootNotification") => typed::<v201::boot_notification::BootNotificationRequest>,
        ("2.0.1", "ClearedChargingLimit") => typed::<v201::cleared_charging_limit::ClearedChargingLimitRequest>,
        ("2.0.1", "DataTransfer") => checked::<v201::datatransfer::DataTransferRequest>,
        ("2.0.1", "FirmwareStatusNotification") => typed::<v201::firmware_status_notification::FirmwareStatusNotificationRequest>,
        ("2.0.1", "Get15118EVCertificate") => checked::<v201::get_15118ev_certificate::Get15118EVCertificateRequest>,
        ("2.0.1", "GetCertificateStatus") => typed::<v201::get_certificate_status::GetCertificateStatusRequest>,
        ("2.0.1", "GetCompositeScheduleResponse") => typed_answer::<v201::get_composite_schedule::GetCompositeScheduleResponse>,
        ("2.0.1", "GetVariablesResponse") => typed_answer::<v201::get_variables::GetVariablesResponse>,
        ("2.0.1", "Heartbeat") => typed::<v201::heartbeat::HeartbeatRequest>,
        ("2.0.1", "LogStatusNotification") => typed::<v201::log_status_notification::LogStatusNotificationRequest>,
        ("2.0.1", "MeterValues") => typed::<v201::meter_values::MeterValuesRequest>,
        ("2.0.1", "NotifyChargingLimit") => typed::<v201::notify_charging_limit::NotifyChargingLimitRequest>,
        ("2.0.1", "NotifyCustomerInformation") => typed::<v201::notify_customer_information::NotifyCustomerInformationRequest>,
        ("2.0.1", "NotifyDisplayMessages") => typed::<v201::notify_display_messages::NotifyDisplayMessagesRequest>,
        ("2.0.1", "NotifyEVChargingNeeds") => typed::<v201::notify_ev_charging_needs::NotifyEVChargingNeedsRequest>,
        ("2.0.1", "NotifyEVChargingSchedule") => typed::<v201::notify_ev_charging_schedule::NotifyEVChargingScheduleRequest>,
        ("2.0.1", "NotifyEvent") => typed::<v201::notify_event::NotifyEventRequest>,
        ("2.0.1", "NotifyMonitoringReport") => typed::<v201::notify_monitoring_report::NotifyMonitoringReportRequest>,
        ("2.0.1", "NotifyReport") => typed::<v201::notify_report::NotifyReportRequest>,
        ("2.0.1", "PublishFirmwareStatusNotification") => typed::<v201::publish_firmware_status_notification::PublishFirmwareStatusNotificationRequest>,
        ("2.0.1", "ReportChargingProfiles") => typed::<v201::report_charging_profiles::ReportChargingProfilesRequest>,
        ("2.0.1", "ReservationStatusUpdate") => typed::<v201::reservation_status_update::ReservationStatusUpdateRequest>,
        ("2.0.1", "SecurityEventNotification") => typed::<v201::security_event_notification::SecurityEventNotificationRequest>,
        ("2.0.1", "SignCertificate") => typed::<v201::sign_certificate::SignCertificateRequest>,
        ("2.0.1", "StatusNotification") => typed::<v201::status_notification::StatusNotificationRequest>,
        ("2.0.1", "TransactionEvent") => typed::<v201::transaction_event::TransactionEventRequest>,
        _ => return None,
    })
}

/// A message of a type that has no checks beyond its fields.
fn typed<T: for<'a> Deserialize<'a>>(text: &str) -> Result<(), Box<dyn Error>> {
    black_box(payload::<T>(text)?);
    Ok(())
}

fn checked<T: for<'a> Deserialize<'a> + Validate>(text: &str) -> Result<(), Box<dyn Error>> {
    let message = payload::<T>(text)?;
    message.validate()?;
    black_box(message);
    Ok(())
}

fn typed_answer<T: for<'a> Deserialize<'a>>(text: &str) -> Result<(), Box<dyn Error>> {
    black_box(answer::<T>(text)?);
    Ok(())
}

fn checked_answer<T: for<'a> Deserialize<'a> + Validate>(text: &str) -> Result<(), Box<dyn Error>> {
    let message = answer::<T>(text)?;
    message.validate()?;
    black_box(message);
    Ok(())
}

fn answer<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, Box<dyn Error>> {
    #[derive(Deserialize)]
    struct CallResult<'a>(
        u8,
        #[serde(borrow)] Cow<'a, str>,
        #[serde(borrow)] &'a RawValue,
    );
    let CallResult(kind, id, payload) = serde_json::from_str(text)?;
    black_box((kind, id));
    Ok(serde_json::from_str(payload.get())?)
}

fn payload<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, Box<dyn Error>> {
    #[derive(Deserialize)]
    struct Call<'a>(
        u8,
        #[serde(borrow)] Cow<'a, str>,
        #[serde(borrow)] Cow<'a, str>,
        #[serde(borrow)] &'a RawValue,
    );
    let Call(kind, id, action, payload) = serde_json::from_str(text)?;
    black_box((kind, id, action));
    Ok(serde_json::from_str(payload.get())?)
}
