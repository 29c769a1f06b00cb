//! The reference model is held to the suites that it stands for.

mod differential;
mod queues;
mod stores;
