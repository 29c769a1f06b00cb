//! The reference model is held to the suites that it stands for.

mod queues;
mod stores;
