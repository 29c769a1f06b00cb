//! The whole of Belfry, but its drivers, in one thread and in virtual time, decided by a seed.
//!
//! Daemons, workers and users of the shipped code work over the reference model of the store and the queue. Between them and
//! every port are gates ([`process`]): calls take time, fail before or after their effect, arrive late; processes are frozen,
//! killed and cut off; the store, the broker and the clock fail too. A [`Scenario`] says what happens, as plain data. The
//! [`audit`] reads every row that an effect touched, right after it, and holds it against the protocol's invariants. In the
//! end everything heals, and all must come right within a bound.
//!
//! The same scenario ends the same, to the last line of its log. What is simulated is what ships, minus the drivers: no
//! backend is known here.

pub mod audit;
mod broker;
pub mod execute;
pub mod faults;
mod figures;
pub mod generate;
mod hub;
mod log;
pub mod operation;
mod process;
mod random;
pub mod scenarios;
pub mod shrink;
mod store;
mod time;
mod users;
mod world;

pub use audit::Violation;
pub use belfry_testkit::reference::Mutation;
pub use execute::{Ended, Options, execute};
pub use figures::Figures;
pub use generate::{Kind, Scenario};
pub use shrink::shrink;
