//! Benchmarks of the data plane beside named rivals.
//!
//! Each binary measures one thing, prints it as JSON with a checksum of what was computed, and with `--out` also writes
//! it to a folder, with a Markdown summary and all that is needed to run it again:
//!
//! | binary | measures |
//! | --- | --- |
//! | `engine` | server CPU per Heartbeat beside a raw TCP echo, other runtimes and other WebSockets |
//! | `parse` | time and allocations from a message's JSON to columns, beside `jsonschema` and `rust-ocpp` |
//! | `peers` | messages per second of server CPU, beside servers made with other OCPP libraries |
//! | `ack` | a meter message to its answer at a fixed rate, beside a bare `fdatasync`, an echo that syncs and one that does not |
//! | `memory` | user memory per idle station |
//! | `connections` | memory of a quiet connection and CPU of its coming back: plain, compressed, over TLS, with certificates |
//! | `crowd` | memory and CPU with 100,000 quiet stations, and a reconnect storm of them |
//! | `path` | event to SQL, restart, acknowledgements under load and during a full scan, of the whole program |
//! | `cancel` | CPU that a query uses after its end, by kind of query, and the longest steps, of the whole program |
//!
//! `report` makes `docs/performance.md` of what they wrote. `--smoke` runs a size that takes a second or so; the tests run that, so that no benchmark rots. Wall-clock figures
//! of a shared machine are worth little; ratios within one run are what is judged.

pub mod actions;
pub mod child;
pub mod client;
pub mod contender;
pub mod fdatasync;
pub mod frames;
pub mod inside;
pub mod kept;
pub mod load;
pub mod machine;
pub mod output;
pub mod pki;
pub mod readers;
pub mod report;
pub mod servers;
pub mod sigec;
pub mod stats;
pub mod storm;
pub mod unawaited;
