//! The daemon on the reference model, in time that is moved by hand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod faults;
mod firing;
mod members;
mod publishing;
mod redrive;
mod world;
