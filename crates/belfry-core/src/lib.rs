//! Belfry's model, its time engine, its decisions and its ports.
//!
//! Everything here is pure: `now` is an argument, and no clock, file, socket or random number is reached.
//! What reaches them stands behind the traits of [`ports`].

pub mod calendar;
pub mod decide;
pub mod definition;
pub mod edit;
pub mod ids;
pub mod jitter;
pub mod message;
pub mod node;
pub mod ports;
pub mod run;
pub mod schedule;
pub mod shards;
pub mod spec;
pub mod time;
pub mod violation;
pub mod workflow;
