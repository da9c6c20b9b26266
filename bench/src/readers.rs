//! Ways to read a message that ours is compared with.

mod rust_ocpp;
mod schema;

pub use rust_ocpp::{Reading, RustOcpp};
pub use schema::{Schema, schemas};

/// What reading a message many times took.
#[derive(Clone, Copy, Debug)]
pub struct Timed {
    /// Altogether.
    pub nanos: u64,
    /// Altogether.
    pub allocations: u64,
}
