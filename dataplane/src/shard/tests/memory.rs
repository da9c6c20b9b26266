//! What a warm shard allocates, and what an idle station holds.

#![expect(unsafe_code, reason = "a global allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;

use allocator::MiMalloc;
use net::ws::{self, MaskKey};

use super::super::conns::Conn;
use super::super::stations::Station;
use super::world::{World, config};
use crate::config::{Config, Onboarding};

thread_local! {
    /// Calls of this thread, and bytes of the blocks it has; tests run on threads of their own.
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes of the block that holds what `pointer` points to: what it costs, however little was asked for.
fn block_len(pointer: *mut u8) -> i64 {
    unsafe extern "C" {
        fn mi_usable_size(block: *const u8) -> usize;
    }
    // SAFETY: asked about blocks that the program's allocator handed out and that are not freed yet, or about null.
    unsafe { mi_usable_size(pointer) as i64 }
}

// SAFETY: every call goes to the program's allocator unchanged; counting touches nothing of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is the same.
        let pointer = unsafe { MiMalloc.alloc(layout) };
        CALLS.set(CALLS.get() + 1);
        BYTES.set(BYTES.get() + block_len(pointer));
        pointer
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.set(BYTES.get() - block_len(pointer));
        // SAFETY: as above; the pointer came from `alloc` with this layout.
        unsafe { MiMalloc.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let before = block_len(pointer);
        // SAFETY: as above.
        let pointer = unsafe { MiMalloc.realloc(pointer, layout, new_size) };
        CALLS.set(CALLS.get() + 1);
        BYTES.set(BYTES.get() + block_len(pointer) - before);
        pointer
    }
}

/// Frames as a client sends them.
fn frame(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    ws::write_text(&mut bytes, Some(MaskKey([1, 2, 3, 4])), text.as_bytes());
    bytes
}

fn meter_values(n: u64) -> String {
    let time = fleet::UtcMicros(super::world::EPOCH + n as i64 * 1_000);
    let sample = |measurand: &str, unit: &str| {
        format!(
            r#"{{"value":"{n}.5","context":"Sample.Periodic","measurand":"{measurand}","unit":"{unit}","location":"Outlet"}}"#
        )
    };
    let samples = [
        sample("Energy.Active.Import.Register", "Wh"),
        sample("Power.Active.Import", "W"),
        sample("Current.Import", "A"),
        sample("Voltage", "V"),
        sample("Temperature", "Celsius"),
        sample("Current.Offered", "A"),
        sample("Frequency", "Hz"),
    ];
    format!(
        r#"[2,"{n}","MeterValues",{{"connectorId":1,"meterValue":[{{"timestamp":"{time}","sampledValue":[{}]}}]}}]"#,
        samples.join(",")
    )
}

/// Allocations per message once warm, over frames made by `text`.
fn allocations_per_message(text: impl Fn(u64) -> String) -> (u64, u64) {
    const WARM: u64 = 6_000;
    const MEASURED: u64 = 2_000;
    let mut world = World::new(Config {
        // All at once.
        connects_per_second_max: 0,
        ..config(Onboarding::Open)
    });
    world.run("0 a connect CP1");
    let mut frames: Vec<_> = (0..WARM + MEASURED).map(|n| frame(&text(n))).collect();
    let mut before = 0;
    for (n, frame) in (0_u64..).zip(&mut frames) {
        if n == WARM {
            before = CALLS.get();
        }
        world.feed("a", frame);
    }
    (CALLS.get() - before, MEASURED)
}

#[test]
fn heartbeats_and_meter_values_allocate_nothing_once_warm() {
    let (calls, messages) = allocations_per_message(|n| format!("[2,\"{n}\",\"Heartbeat\",{{}}]"));
    assert!(calls <= 4, "{calls} allocations for {messages} heartbeats");
    let (calls, messages) = allocations_per_message(meter_values);
    // The table of keys that the store does not have yet doubles now and then; nothing is allocated per message.
    assert!(
        calls <= 16,
        "{calls} allocations for {messages} meter values"
    );
}

#[test]
fn an_idle_station_holds_little() {
    const STATIONS: usize = 2_000;
    let mut world = World::new(Config {
        // All at once.
        connects_per_second_max: 0,
        ..config(Onboarding::Open)
    });
    // The first half pays for what the shard has once.
    world.idle_stations(0..STATIONS);
    assert!(world.shard.spare_memory().is_some());
    assert!(
        world.shard.spare_memory().is_none(),
        "nothing has happened since"
    );
    let before = BYTES.get();
    let sockets = world.idle_stations(STATIONS..2 * STATIONS);
    assert!(world.shard.spare_memory().is_some());
    // Tables have room for all of these from the start.
    let tables = size_of::<Station>() + size_of::<Option<Conn>>() + size_of::<u32>();
    let per_station = (BYTES.get() - before) / STATIONS as i64 + tables as i64;
    // 464 when last looked at.
    assert!(per_station <= 475, "{per_station} bytes per station");
    assert_eq!(sockets, 2 * STATIONS);
}

/// What was wrong with a message is on record, and nothing of it stays with the shard, however long it was.
#[test]
fn bad_messages_leave_no_byte_behind() {
    const ROUNDS: usize = 20;
    const LONG: usize = 48 << 10;
    let filler = "x".repeat(LONG);
    let deep = "[".repeat(LONG);
    let mut bad = vec![
        filler.clone(),
        deep.clone(),
        format!(r#"[2,"{filler}","Heartbeat",{{}}]"#),
        format!(r#"[2,"1","{filler}",{{}}]"#),
        format!(r#"[2,"1","Heartbeat","{filler}"]"#),
        format!(r#"[2,"1","Heartbeat",{{"{filler}":1}}]"#),
        format!(r#"[2,"1","Heartbeat",{deep}]"#),
        format!(r#"[2,"1","FirmwareStatusNotification",{{"status":"{filler}"}}]"#),
        format!(r#"[3,"{filler}",{{}}]"#),
        format!(r#"[3,"1",{{"status":"{filler}"}}]"#),
        format!(r#"[4,"1","{filler}","{filler}",{{}}]"#),
        format!(r#"[9,"1","{filler}"]"#),
    ];
    let short = [
        "",
        "{}",
        "[2]",
        r#"[2,"1"]"#,
        r#"[2,"1","Reboot",{}]"#,
        r#"[5,"1","x","",{}]"#,
    ];
    bad.extend(short.map(str::to_owned));
    for version in ["", " 2.0.1", " 2.1"] {
        let mut world = World::new(Config {
            // All at once.
            connects_per_second_max: 0,
            ..config(Onboarding::Open)
        });
        world.run(&format!("0 a connect CP1{version}"));
        let mut rounds = |count| {
            for text in (0..count).flat_map(|_| &bad) {
                world.feed("a", &mut frame(text));
                world.store();
            }
            BYTES.get()
        };
        // The first pay for buffers that stay.
        let before = rounds(ROUNDS);
        let grown = rounds(ROUNDS) - before;
        assert_eq!(grown, 0, "bytes after {ROUNDS} rounds as{version}");
    }
}
