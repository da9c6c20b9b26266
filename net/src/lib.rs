//! Sockets without OCPP: the WebSocket codec, the HTTP upgrade and the reactor that owns the sockets.
//!
//! - [`ws`] and [`http`] are pure: bytes in, bytes out, no clock and no socket. Server and client
//!   side are the same code with another [`ws::Role`].
//! - [`driver`] owns sockets and reads clocks. One driver is one thread; it calls a
//!   [`driver::Handler`] and holds no rules of its own beyond bounds.
//! - [`tls`] is pure too, but for the clock that certificates and tickets are good by.
//! - [`patient`] is for the servers that run on Tokio beside the reactors: a socket that does not wait for ever for a
//!   peer that takes nothing.
//! - [`os`] is what a program sets up before its reactors run: listeners, limits, pinning.
//!
//! Linux 5.11 or newer (`epoll_pwait2`).
#![deny(unsafe_code)]

pub mod clock;
pub mod driver;
pub mod http;
pub mod os;
pub mod patient;
pub mod tls;
pub mod ws;
