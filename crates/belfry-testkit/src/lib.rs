//! What every store and every queue is held to, and the reference model that says it shortest.
//!
//! A development dependency that knows no backend. [`reference`](mod@reference) is the protocol as a program: one lock,
//! plain maps, no database. [`stores`] and [`queues`] are the laws of the ports, and [`differential`] compares a store with
//! the model over random histories. [`clock`] moves time by hand.

pub mod clock;
#[expect(clippy::unwrap_used, reason = "it is a test: what is unwrapped is a list, which no history makes fail")]
pub mod differential;
#[expect(clippy::unwrap_used, reason = "laws are tests")]
pub mod queues;
pub mod reference;
#[expect(clippy::unwrap_used, reason = "laws are tests")]
pub mod stores;
