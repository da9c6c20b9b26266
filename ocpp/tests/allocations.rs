//! Meter values go into warm columns without a single allocation.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ocpp::{Frame, MeterColumns, Policy, Version, v16, v21, v201};

/// Counts the allocations of the thread that asks for them.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator as it came; the counter is a plain thread-local cell
// without destructor, which neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises about `layout` are those that the system's allocator wants.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `alloc` above, which is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as for `dealloc`, and the caller's promises about `size` are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A call of `action` with the sample's payload, without white space, as stations send it.
fn frame(version: &str, action: &str) -> String {
    let dir = env!("CARGO_MANIFEST_DIR");
    let path = format!("{dir}/samples/{version}/{action}.json");
    let sample = std::fs::read_to_string(path).unwrap();
    let sample: serde_json::Value = serde_json::from_str(&sample).unwrap();
    let mut call = sample["call"].clone();
    // A token's list of further tokens is the one part of these samples that needs a vector.
    if let Some(token) = call
        .get_mut("idToken")
        .and_then(|token| token.as_object_mut())
    {
        token.remove("additionalInfo");
    }
    format!("[2,\"4217\",\"{action}\",{call}]")
}

/// Reads the frame into the columns; the number of samples.
fn read(version: Version, text: &str, columns: &mut MeterColumns) -> usize {
    let Ok(Frame::Call {
        action, payload, ..
    }) = ocpp::scan(text, version)
    else {
        panic!("{text}");
    };
    let policy = Policy::Tolerant;
    match version {
        Version::V16 => drop(v16::Request::decode(&action, payload, policy, columns).unwrap()),
        Version::V201 => drop(v201::Request::decode(&action, payload, policy, columns).unwrap()),
        Version::V21 => drop(v21::Request::decode(&action, payload, policy, columns).unwrap()),
    }
    columns
        .rows()
        .iter()
        .map(|row| columns.samples(row).len())
        .sum()
}

#[test]
fn meter_values_are_read_without_allocation() {
    let mut columns = MeterColumns::new();
    for (version, text, samples) in [
        (Version::V16, frame("v16", "MeterValues"), 7),
        (Version::V16, frame("v16", "StopTransaction"), 3),
        (Version::V16, frame("v16", "StatusNotification"), 0),
        (Version::V201, frame("v201", "TransactionEvent"), 5),
        (Version::V201, frame("v201", "MeterValues"), 2),
        (Version::V21, frame("v201", "TransactionEvent"), 5),
    ] {
        // The first reading makes room.
        assert_eq!(read(version, &text, &mut columns), samples);
        let before = ALLOCATIONS.get();
        for _ in 0..100 {
            assert_eq!(read(version, &text, &mut columns), samples);
        }
        assert_eq!(ALLOCATIONS.get() - before, 0, "{text}");
    }
}

#[test]
fn the_memory_of_a_huge_message_is_given_back() {
    let sample = r#"{"value":"1"},"#.repeat(5_000);
    let payload = format!(
        r#"{{"connectorId":1,"meterValue":[{{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{}]}}]}}"#,
        sample.trim_end_matches(',')
    );
    let (heartbeat, meter_values) = (frame("v16", "Heartbeat"), frame("v16", "MeterValues"));
    let mut columns = MeterColumns::new();
    v16::Request::decode("MeterValues", &payload, Policy::Tolerant, &mut columns).unwrap();
    columns.clear();
    let before = ALLOCATIONS.get();
    read(Version::V16, &heartbeat, &mut columns);
    assert_eq!(ALLOCATIONS.get(), before);
    read(Version::V16, &meter_values, &mut columns);
    assert!(
        ALLOCATIONS.get() > before,
        "the columns still hold their memory"
    );
}
