//! Reads messages with the types of `rust-ocpp`, when it is told to.
//!
//! A line `VERSION ACTION COUNT MESSAGE` on standard input is answered with a line `NANOSECONDS ALLOCATIONS` for reading
//! the message COUNT times, each time from its text to a typed value, with the checks that the type has.

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
        let (read, count) = (reader(version, action)?, count.parse::<u64>()?);
        read(message)?;
        let (before, start) = (ALLOCATIONS.load(Ordering::Relaxed), Instant::now());
        for _ in 0..count {
            read(black_box(message))?;
        }
        let nanos = start.elapsed().as_nanos();
        let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
        writeln!(stdout, "{nanos} {allocations}")?;
        stdout.flush()?;
    }
    Ok(())
}

fn reader(version: &str, action: &str) -> Result<Read, Box<dyn Error>> {
    use v1_6::messages as v16;
    use v2_0_1::messages as v201;
    Ok(match (version, action) {
        ("1.6", "Heartbeat") => typed::<v16::heart_beat::HeartbeatRequest>,
        ("1.6", "StatusNotification") => {
            checked::<v16::status_notification::StatusNotificationRequest>
        }
        ("1.6", "MeterValues") => typed::<v16::meter_values::MeterValuesRequest>,
        ("2.0.1", "Heartbeat") => typed::<v201::heartbeat::HeartbeatRequest>,
        ("2.0.1", "StatusNotification") => {
            typed::<v201::status_notification::StatusNotificationRequest>
        }
        ("2.0.1", "MeterValues") => typed::<v201::meter_values::MeterValuesRequest>,
        ("2.0.1", "TransactionEvent") => typed::<v201::transaction_event::TransactionEventRequest>,
        _ => return Err(format!("no reader for {action} of {version}").into()),
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
