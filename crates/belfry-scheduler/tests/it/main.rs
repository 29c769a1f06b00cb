//! The daemon on the reference model, in time that is moved by hand.

mod faults;
mod firing;
mod publishing;
mod world;
