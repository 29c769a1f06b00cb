//! What is done to a deployment.

pub mod clock;
pub mod consumers;
pub mod edits;
pub mod faults;
pub mod queues;
pub mod steady;
