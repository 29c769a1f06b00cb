//! The reference model is held to the suites that it stands for.

mod clock;
mod differential;
mod laws;
mod queues;
mod stores;
