//! Scripts in virtual time: what stations, operators and the disk do, and what comes of it.

mod actions;
mod authorization;
mod cases;
mod certificates;
mod charging;
mod closing;
mod commands;
mod connections;
mod coverage;
mod firmware;
mod follow;
mod frames;
mod grid;
mod handshakes;
mod items;
mod local_lists;
mod memory;
mod money;
mod quirks;
mod reservations;
mod retries;
mod scripts;
mod sim;
mod starts;
mod storm;
mod world;
