//! The lake over real logs on a real disk, asked the way its clients ask.

#![allow(
    missing_docs,
    unreachable_pub,
    reason = "nothing here is called from outside"
)]

mod exact;
mod postgres;
mod support;
